/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-wire-private.h"
#include "tvmsupport/pool/tvm-engine-private.h"
#include "tvmsupport/pool/tvm-poller-private.h"
#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/pool/tvm-task-result-private.h"
#include "tvmsupport/pool/tvm-worker-spec-private.h"
#include "tvmsupport/process/tvm-capture-private.h"
#include "tvmsupport/worker/tvm-status-page.h"

G_BEGIN_DECLS

/*
 * What the files of the engine share.
 *
 * One mutex per engine guards the engine, its calls, workers and nurseries. Functions named
 * …_locked need it. Nothing is told to anybody while it is held: outcomes are collected and given
 * away by tvm_engine_unlock().
 *
 *   TvmEngine      the queue, who gets what, time limits   tvm-engine.c, tvm-engine-run.c
 *                  the end of everything                   tvm-engine-end.c
 *   TvmCall        one submitted task                      tvm-call.c
 *   TvmWorker      one process, and the calls that it has  tvm-worker.c, tvm-worker-start.c
 *                  what it says                            tvm-worker-frames.c
 *   TvmNurseryLink what makes workers and kills them       tvm-nursery-link.c
 *   TvmOutlet      where stdout and stderr are read        tvm-outlet.c
 *   TvmPump        what they have for a stream             tvm-pump.c
 */

typedef struct _TvmWorker TvmWorker;
typedef struct _TvmNurseryLink TvmNurseryLink;
typedef struct _TvmPump TvmPump;

#define NEVER G_MAXINT64

typedef struct _TvmOutlet TvmOutlet;

typedef struct
{
  TvmOutlet *out;           /* (nullable) (owned) */
  TvmOutlet *err;           /* (nullable) (owned) */
} TvmOutlets;

typedef enum
{
  CALL_NEW,
  CALL_QUEUED,
  CALL_SENT,
  CALL_DONE,
} TvmCallState;

struct _TvmCall
{
  gatomicrefcount ref_count;
  TvmEngine *engine;            /* (owned): memory only */
  TvmCallState state;
  GList link;                   /* in a queue, or in that of its worker */

  GBytes *payload;              /* NULL once it is sent and cannot be needed again */
  GPtrArray *rest;              /* (nullable) (owned) (element-type GBytes): what comes behind it */
  char *description;            /* of the task, for messages */
  int priority;
  gint64 timeout_usec;          /* NEVER */
  gint64 soft_timeout_usec;     /* NEVER */
  GCancellable *cancellable;    /* (nullable) (owned) */
  gulong cancel_id;
  int connecting;               /* atomic */
  gboolean cancel_requested;    /* before it was submitted */

  GBytes *stdin_bytes;          /* (nullable) (owned) */
  guint64 output_limit;
  gboolean inherit_stdio;
  char *cwd;                    /* (nullable): of a command, for messages */

  TvmWorker *worker;            /* (nullable) (unowned): while it is SENT */
  guint64 wire_id;              /* grows within a worker */
  gint64 start;                 /* when it was at the head of its worker's calls */
  guint n_attempts;
  guint n_deaths;               /* of workers that were to begin it */
  gboolean begun_frame;         /* BEGUN has come */
  TvmOutlets outlets;           /* of a command */

  TvmCallDone done;             /* NULL: a ghost, which takes the answer of a revoked call */
  gpointer done_data;
  TvmTaskResult *result;        /* the outcome, until it was given away */
  GError *error;
};

/* A command line, or a worker, does not outlive its task. Why a worker is to end: */
typedef enum
{
  WORKER_END_NOT,
  WORKER_END_RETIRED,           /* it has had its uses, or nobody needs it */
  WORKER_END_KILLED,            /* its task has its outcome, or somebody killed it */
  WORKER_END_LOST,              /* by itself */
} TvmWorkerEnd;

struct _TvmWorker
{
  int ref_count;
  TvmEngine *engine;            /* (owned): memory only */
  guint64 id;
  TvmNurseryLink *nursery;      /* (owned) */
  TvmWire channel;
  TvmPollHandle *handle;        /* (nullable) */
  TvmPollEvents handle_events;
  TvmStatusPage *page;          /* (nullable) */
  guint64 consumed;             /* of its outbox */
  int pid;
  TvmOutlets outlets;           /* of a worker whose output is captured */

  guint hello : 1;
  guint ready : 1;              /* HELLO has come, and the initializer is done */
  guint proven : 1;             /* it has answered */
  guint led : 1;                /* a thread that blocks in tvm_engine_run() reads the channel */
  guint gone : 1;
  guint kill_sent : 1;
  guint exited : 1;
  guint channel_ended : 1;
  guint by_frames : 1;          /* it tells with BEGUN frames what it began */
  guint takes_ahead : 1;        /* it gives calls back that it has not begun */
  guint worn : 1;               /* too large: it is retired after the calls that it has */
  guint start_told : 1;         /* that it could not be started */
  guint stopped : 1;            /* it begins no call any more */
  TvmWorkerEnd end;
  int wait_status;              /* with @exited */
  guint64 init_id;              /* of the initializer; 0 if there is none, or it is done */

  GQueue calls;                 /* of TvmCall (owned): the head runs, the others were sent ahead */
  guint64 next_wire_id;
  guint n_uses;                 /* calls sent */
  guint n_answers;              /* of one read */
  guint64 busy_nsec;            /* what it has said, when it was last read */
  gint64 look_at;               /* when its outbox is looked at; NEVER without calls sent ahead */
  guint64 revoked_id;           /* up to which calls were revoked */
  guint64 begun_id;             /* of the last call that began, once it is stopped */
  gint64 deadline;              /* of the head, or of the start */
  gint64 soft_deadline;
  gint64 end_deadline;          /* when more is done about its end */
};

struct _TvmNurseryLink
{
  int ref_count;
  TvmEngine *engine;            /* (owned): memory only */
  TvmWire channel;
  TvmPollHandle *handle;
  GCancellable *cancellable;    /* ends the run */
  gboolean executes;            /* it starts a program for each worker, and does not fork itself */
  gboolean has_forked;          /* so it is there */
  gboolean excused;             /* those that wait are not those that it was started for */
  gboolean retired;             /* gets no more workers */
  gboolean ended;               /* it and everything below it is gone */
  gint64 end_deadline;
  char *problem;                /* (nullable): why it ended, as far as it is known */
};

typedef struct
{
  guint64 id;
  TvmEngineChanged done;
  gpointer user_data;
  GArray *workers;              /* (nullable): ids that must be gone; NULL: the end of everything */
} TvmEngineWaiter;

struct _TvmEngine
{
  int ref_count;                /* atomic: memory */
  int owners;                   /* atomic: who may still submit */
  guint generation;             /* of the process that made it */
  GMutex mutex;
  TvmWorkerSpec *spec;          /* (owned): a snapshot */
  guint max_workers;
  guint max_depth;              /* calls that a worker may have, at most */

  GTree *queues;                /* priority to GQueue of TvmCall (owned) */
  GQueue *main_queue;           /* of the priority 0 */
  guint64 n_queued;
  guint64 n_finished;
  guint64 next_id;
  guint corked;
  gint64 timeout_usec;          /* NEVER */
  gint64 soft_timeout_usec;
  TvmRetryPolicy retry_policy;
  gint64 average_nsec;          /* how long a call takes; -1 before one was measured */
  gint64 submitted_at;          /* the last one */
  int n_burst;                  /* how many were submitted shortly one after the other */
  int hold_pause;               /* how many more have to be, before anything is held */
  gint64 held_until;            /* NEVER if nothing is held */

  GPtrArray *workers;           /* of TvmWorker (owned): all that are not gone */
  GPtrArray *nurseries;         /* of TvmNurseryLink (owned): all that have not ended */
  TvmNurseryLink *nursery;      /* (nullable) (unowned): the one that makes workers */
  gboolean must_execute;        /* the runtime cannot fork after all */
  gboolean heard;               /* the program of the workers has said HELLO */
  gboolean proven;              /* a worker has answered */
  guint n_failed_starts;        /* one after the other, since it gave up */
  gboolean gave_up;             /* there is only one attempt at a time, until one succeeds */
  char *start_problem;          /* (nullable): of the last of them */
  TvmTaskResult *start_failure; /* (nullable) (owned): what a runtime told of it, no more */
  GError *refusal;              /* (nullable) (owned): why another attempt is of no use */

  int timer_fd;
  TvmPollHandle *timer;
  gint64 timer_at;              /* NEVER if it is not armed */

  gboolean warm;                /* the spares of the spec are kept without work, too */
  gboolean closed;
  gboolean ending;              /* no calls are left */
  GList *waiters;               /* of TvmEngineWaiter (owned) */

  GQueue completed;             /* of TvmCall (owned), to be given away */
  GQueue fired;                 /* of TvmEngineWaiter (owned), to be called */
  GQueue dropped;               /* of GBytes and others whose end may call foreign code */
  TvmEngineChanged changed;
  gpointer changed_data;
  GDestroyNotify changed_destroy;
  gboolean change_pending;      /* the watcher has not looked since it was called */
  gboolean change_wanted;
  int stream_fds[2];            /* of stdout and stderr: what leads to their streams; -1 */
  TvmPump *pumps[2];            /* (nullable) (owned): that empty it, until the end */
  guint n_pumps;                /* that are not done */
};

/* tvm-engine-burst.c */
void       tvm_engine_note_submission_locked (TvmEngine      *self);
gboolean   tvm_engine_is_held_locked        (TvmEngine       *self);
gint64     tvm_engine_check_hold_locked     (TvmEngine       *self,
                                             gint64           now);
void       tvm_engine_end_hold_locked       (TvmEngine       *self);

/* tvm-engine.c */
void       tvm_engine_hold                  (TvmEngine       *self);
void       tvm_engine_release               (TvmEngine       *self);
void       tvm_engine_lock                  (TvmEngine       *self);
void       tvm_engine_unlock                (TvmEngine       *self);
void       tvm_engine_dispatch_locked       (TvmEngine       *self);
void       tvm_engine_requeue_locked        (TvmEngine       *self,
                                             TvmCall         *call);
void       tvm_engine_fail_queued_locked    (TvmEngine       *self,
                                             const GError    *error,
                                             const TvmTaskResult *failure);
void       tvm_engine_set_timer_locked      (TvmEngine       *self,
                                             gint64           at);
void       tvm_engine_measure_locked        (TvmEngine       *self,
                                             gint64           nsec);
void       tvm_engine_worker_proven_locked  (TvmEngine       *self);
void       tvm_engine_start_failed_locked   (TvmEngine       *self,
                                             const char      *reason);
/* The same, with @error of whatever tried to start it */
void       tvm_engine_start_error_locked    (TvmEngine       *self,
                                             const GError    *error);
TvmNurseryLink *tvm_engine_get_nursery_locked (TvmEngine     *self,
                                               GError       **error);
gboolean   tvm_engine_accept_locked         (TvmEngine       *self,
                                             TvmCall         *call,
                                             GError          *problem);
void       tvm_engine_enqueue_locked        (TvmEngine       *self,
                                             TvmCall         *call);

/* tvm-engine-end.c */
void       tvm_engine_check_end_locked      (TvmEngine       *self);

/* tvm-call.c */
TvmCall   *tvm_call_new                     (TvmEngine       *engine,
                                             TvmTask         *task,
                                             TvmCallDone      done,
                                             gpointer         done_data,
                                             GError         **error);
/* Whether a task of @size bytes may be sent */
gboolean   tvm_call_check_size              (const TvmWorkerSpec *spec,
                                             TvmTask         *task,
                                             guint64          size,
                                             GError         **error);
void       tvm_call_unqueue_locked          (TvmCall         *self);
/* Leaves a ghost in the place that it has at its worker: it is of no interest any more. */
void       tvm_call_leave_worker_locked     (TvmCall         *self);
/* Takes the reference that the queue or the worker had, and one of @result and @error. */
void       tvm_call_complete_locked         (TvmCall         *self,
                                             TvmTaskResult   *result,
                                             GError          *error);
void       tvm_call_give_away               (TvmCall         *self);
/* The descriptors of a command. @fds: (out): owned by the caller; @n_fds: 2, or 3 with stdin
 * first */
gboolean   tvm_call_open_stdio              (TvmCall         *self,
                                             int              fds[3],
                                             guint           *n_fds,
                                             GError         **error);
/* Does what a cancellation does. */
void       tvm_call_cancel_locked           (TvmCall         *self);
void       tvm_call_connect                 (TvmCall         *self,
                                             GCancellable    *cancellable);

/* tvm-outlet.c */
TvmOutlet *tvm_outlet_new                   (TvmEngine       *engine,
                                             gsize            limit,
                                             int             *write_end,
                                             GError         **error);
/* Gives @result what has come since the last time. */
void       tvm_outlets_take_locked          (TvmOutlets      *self,
                                             TvmTaskResult   *result);
void       tvm_outlets_close_locked         (TvmOutlets      *self);

/* tvm-pump.c */
void       tvm_engine_open_streams          (TvmEngine       *self);
/* @index: 0 for stdout, 1 for stderr. Returns: what to write to, the engine's; or -1 */
int        tvm_engine_get_stream_fd_locked  (TvmEngine       *self,
                                             guint            index,
                                             GError         **error);
void       tvm_engine_end_streams_locked    (TvmEngine       *self);

/* tvm-worker.c */
void       tvm_worker_ready                 (gpointer         user_data);
TvmWorker *tvm_worker_ref                   (TvmWorker       *self);
void       tvm_worker_unref                 (TvmWorker       *self);
gboolean   tvm_worker_is_usable             (const TvmWorker *self);
/* It has ended before it was of any use, and is a failed start as soon as it is known how. */
gboolean   tvm_worker_is_failing            (const TvmWorker *self);
/* The calls that somebody waits for */
guint      tvm_worker_count_calls           (const TvmWorker *self);
guint      tvm_worker_get_room              (const TvmWorker *self);
gboolean   tvm_worker_send_locked           (TvmWorker       *self,
                                             TvmCall         *call,
                                             GError         **error);
void       tvm_worker_flush_locked          (TvmWorker       *self);
void       tvm_worker_watch_locked          (TvmWorker       *self);
/* Whether calls can be sent behind the one that runs */
gboolean   tvm_worker_may_take_ahead        (const TvmWorker *self,
                                             gint64           now);
/* Sees to it that its outbox is looked at in time. */
void       tvm_worker_plan_look_locked      (TvmWorker       *self,
                                             gint64           now);
/* Gives the calls that it has not begun, and now never will, back to the queue. */
void       tvm_worker_revoke_locked         (TvmWorker       *self);
/* From now on it begins no call that has not begun. */
void       tvm_worker_stop_locked           (TvmWorker       *self);
void       tvm_worker_begin_head_locked     (TvmWorker       *self,
                                             gint64           now);
void       tvm_worker_check_time_locked     (TvmWorker       *self,
                                             gint64           now);
void       tvm_worker_retire_locked         (TvmWorker       *self);
void       tvm_worker_kill_locked           (TvmWorker       *self);
void       tvm_worker_lose_locked           (TvmWorker       *self,
                                             const char      *problem);
void       tvm_worker_forked_locked         (TvmWorker       *self,
                                             int              pid);
void       tvm_worker_exited_locked         (TvmWorker       *self,
                                             int              wait_status);
void       tvm_worker_gone_locked           (TvmWorker       *self);
gboolean   tvm_worker_has_begun             (const TvmWorker *self,
                                             const TvmCall   *call);

/* tvm-worker-start.c */
TvmWorker *tvm_worker_start_locked          (TvmEngine       *engine,
                                             GError         **error);

/* tvm-worker-frames.c */
gboolean   tvm_worker_is_readable           (const TvmWorker *self);
/* Returns: whether more may be there */
gboolean   tvm_worker_read_locked           (TvmWorker       *self);
/* Takes what is in the outbox, without a system call. */
void       tvm_worker_look_locked           (TvmWorker       *self);

/* tvm-nursery-link.c */
TvmNurseryLink *tvm_nursery_link_new        (TvmEngine       *engine,
                                             gboolean         executes,
                                             GError         **error);
void       tvm_nursery_link_unref           (TvmNurseryLink  *self);
void       tvm_nursery_link_fork_locked     (TvmNurseryLink  *self,
                                             guint64          id,
                                             GBytes          *words,
                                             int              fds[4]);
void       tvm_nursery_link_kill_locked     (TvmNurseryLink  *self,
                                             guint64          id);
void       tvm_nursery_link_lose_locked     (TvmNurseryLink  *self);
void       tvm_nursery_link_end_locked      (TvmNurseryLink  *self);
void       tvm_nursery_link_check_time_locked (TvmNurseryLink *self,
                                               gint64          now);

G_END_DECLS
