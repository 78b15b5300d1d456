/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-pool-executor.h"
#include "tvmsupport/pool/tvm-worker-info.h"

G_BEGIN_DECLS

/*
 * The engine: what TvmPoolExecutor, TvmMapIterator and TvmPopenWorker are made of. It has the
 * queue, the workers and their nursery. Any thread may call it. What it calls back comes on the
 * I/O thread or in the thread that made it happen, without any lock held, and must be short; it
 * may call the engine.
 */
typedef struct _TvmEngine TvmEngine;

/* A submitted task, until its outcome */
typedef struct _TvmCall TvmCall;

/* Called exactly once for a call. Either @result (transfer full), for what the pool took and
 * ended, whatever the outcome; or @error (transfer full), for what was cancelled, could not be
 * submitted or lost its pool. */
typedef void (*TvmCallDone) (TvmTaskResult  *result,
                             GError         *error,
                             gpointer        user_data);

/* Something to look at has changed; on any thread, without a lock */
typedef void (*TvmEngineChanged) (gpointer user_data);

typedef struct
{
  guint64 n_queued;
  guint n_running;
  guint64 n_finished;
} TvmEngineCounts;

typedef struct
{
  guint64 id;
  int pid;                  /* 0 until it is known */
  TvmWorkerState state;
  guint64 n_uses;
} TvmEngineWorker;

/* Takes a snapshot of @spec. @max_workers: 0 for the number of processors */
TvmEngine *tvm_engine_new             (TvmWorkerSpec     *spec,
                                       guint              max_workers);
TvmEngine *tvm_engine_ref             (TvmEngine         *self);
/* With the last reference everything is killed, without a wait. */
void       tvm_engine_unref           (TvmEngine         *self);

/* In a fork of the application nobody works for the engines of its parent, and what they lock may
 * be locked for ever. Their functions do nothing then; who has locks or waits of his own asks
 * first. */
gboolean   tvm_engine_is_foreign      (TvmEngine         *self);
GError    *tvm_engine_make_foreign_error (void);

/* @timeout_msec: -1 for none; the limits of tasks that have none of their own */
void       tvm_engine_set_timeouts    (TvmEngine         *self,
                                       gint64             timeout_msec,
                                       gint64             soft_timeout_msec);
void       tvm_engine_set_retry_policy (TvmEngine        *self,
                                        TvmRetryPolicy    policy);
/* From now on the spares of the spec are there without a task, too. */
void       tvm_engine_warm            (TvmEngine         *self);
/* To be called once, before anything is submitted. At most one call is on its way until
 * tvm_engine_get_counts() was called after it. @destroy is called when there can be no more
 * calls. */
void       tvm_engine_set_watch       (TvmEngine         *self,
                                       TvmEngineChanged   changed,
                                       gpointer           user_data,
                                       GDestroyNotify     destroy);
void       tvm_engine_get_counts      (TvmEngine         *self,
                                       TvmEngineCounts   *counts);
/* Returns: (transfer container) (element-type TvmEngineWorker) */
GArray    *tvm_engine_get_workers     (TvmEngine         *self);

/* The outcome may come before it returns. Returns: (transfer full): for tvm_call_cancel(); may be
 * dropped at any time. Never NULL; what cannot be submitted is an error to @done. */
TvmCall   *tvm_engine_submit          (TvmEngine         *self,
                                       TvmTask           *task,
                                       GCancellable      *cancellable,
                                       TvmCallDone        done,
                                       gpointer           user_data);
/* In a TvmCallDone: calls @func once all calls that have ended together have been told of. Elsewhere
 * at once */
void       tvm_engine_defer           (TvmEngineChanged   func,
                                       gpointer           user_data);
/* Several tasks on their way at once: between the two, tvm_engine_submit() only queues. They
 * nest. */
void       tvm_engine_cork            (TvmEngine         *self);
void       tvm_engine_uncork          (TvmEngine         *self);

/* The blocking form, which needs no other thread when a worker is idle */
TvmTaskResult *tvm_engine_run         (TvmEngine         *self,
                                       TvmTask           *task,
                                       GCancellable      *cancellable,
                                       GError           **error);

/* For who has nothing to do until @call has its outcome: where it can, this thread does the work
 * of the I/O thread for the worker of @call until then. It may return before. */
void       tvm_engine_help            (TvmEngine         *self,
                                       TvmCall           *call);

/* The same, until @end_time, or until a signal comes; -1 for no limit. Returns: TRUE if one of them
 * came before the outcome */
gboolean   tvm_call_help              (TvmCall           *call,
                                       gint64             end_time);

/* A queued call never starts; a running one loses its worker. */
void       tvm_call_cancel            (TvmCall           *call);
/* Whether a worker has it, and no other one before it */
gboolean   tvm_call_is_running        (TvmCall           *call);
TvmCall   *tvm_call_ref               (TvmCall           *call);
void       tvm_call_unref             (TvmCall           *call);

/* Kills the workers that there are; their tasks, and those that are queued, end with WORKER_DIED.
 * The next task starts new ones. */
void       tvm_engine_kill_workers    (TvmEngine         *self);
/* Calls @done once, when no worker that there is now, and nothing that it started, is left.
 * Returns: an id for tvm_engine_forget() */
guint64    tvm_engine_wait_gone       (TvmEngine         *self,
                                       TvmEngineChanged   done,
                                       gpointer           user_data);
/* After it @done is not called. Returns: FALSE if it was, or is being, called */
gboolean   tvm_engine_forget          (TvmEngine         *self,
                                       guint64            id);

/* No more submissions (G_IO_ERROR_CLOSED). Calls @done when all has ended and no process is left;
 * each time anew */
guint64    tvm_engine_shutdown        (TvmEngine         *self,
                                       TvmShutdownMode    mode,
                                       TvmEngineChanged   done,
                                       gpointer           user_data);

G_END_DECLS
