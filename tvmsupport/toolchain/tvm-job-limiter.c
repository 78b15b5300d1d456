/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-job-limiter-private.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/toolchain/tvm-machine-private.h"

#include <glib-unix.h>

/* What a job is expected to need before one has shown what it needs */
#define MIN_MEMORY_PER_JOB (64 * 1024 * 1024)

/* A job this young, in microseconds, may not have asked for its memory yet. */
#define YOUNG_USEC (2 * G_USEC_PER_SEC)

struct _TvmJobLimiter
{
  gatomicrefcount ref_count;
  TvmJobserver *jobserver;      /* (nullable) (unowned): lives as long as the process */
  TvmOwner owner;               /* the process whose jobs are counted here */

  GMutex lock;                  /* guards what follows */
  GQueue waiting;               /* (element-type GTask) (owned) */
  GPtrArray *running;           /* (element-type TvmJobSlot) (unowned) */
  guint max_jobs;
  guint automatic_jobs;         /* what a max_jobs of 0 stands for; 0 for the processors */
  guint64 memory_per_job;
  guint64 seen_memory;          /* the most that a job needed so far */
  GSource *watch;               /* (nullable) (owned): waits for the job server */
};

struct _TvmJobSlot
{
  TvmJobLimiter *limiter;       /* (owned) */
  TvmJobToken token;
  gint64 start_time;
  guint64 peak_memory;
};

/* Limiters whose jobs wait for a token. The free slot of the process has no descriptor to poll, so
 * whoever gives it back wakes these. */
static GMutex starved_lock;
static GPtrArray *starved; /* (element-type TvmJobLimiter) (owned) */

static void pump (TvmJobLimiter *self);

TvmJobLimiter *
tvm_job_limiter_new (TvmJobserver *jobserver,
                     guint         automatic_jobs)
{
  TvmJobLimiter *self = g_new0 (TvmJobLimiter, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  self->running = g_ptr_array_new ();
  self->jobserver = jobserver;
  self->automatic_jobs = automatic_jobs;
  self->owner = tvm_owner_get_current ();

  return self;
}

TvmJobLimiter *
tvm_job_limiter_ref (TvmJobLimiter *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tvm_job_limiter_unref (TvmJobLimiter *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  /* Waiting tasks and running slots hold a reference each. */
  g_assert (g_queue_is_empty (&self->waiting));
  g_assert (self->running->len == 0);

  g_ptr_array_unref (self->running);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static guint
get_limit_locked (TvmJobLimiter *self)
{
  if (self->max_jobs > 0)
    return self->max_jobs;

  return self->automatic_jobs > 0 ? self->automatic_jobs : tvm_machine_get_processors ();
}

guint
tvm_job_limiter_get_limit (TvmJobLimiter *self)
{
  guint limit;

  g_mutex_lock (&self->lock);
  limit = get_limit_locked (self);
  g_mutex_unlock (&self->lock);

  return limit;
}

void
tvm_job_limiter_set_max_jobs (TvmJobLimiter *self,
                              guint          max_jobs)
{
  g_mutex_lock (&self->lock);
  self->max_jobs = max_jobs;
  g_mutex_unlock (&self->lock);

  pump (self);
}

void
tvm_job_limiter_set_memory_per_job (TvmJobLimiter *self,
                                    guint64        memory_per_job)
{
  g_mutex_lock (&self->lock);
  self->memory_per_job = memory_per_job;
  g_mutex_unlock (&self->lock);

  pump (self);
}

static guint
count_young_locked (TvmJobLimiter *self)
{
  gint64 now = g_get_monotonic_time ();
  guint young = 0;
  guint i;

  for (i = 0; i < self->running->len; i++)
    {
      TvmJobSlot *slot = g_ptr_array_index (self->running, i);

      if (now - slot->start_time < YOUNG_USEC)
        young++;
    }

  return young;
}

static gboolean
fits_in_memory_locked (TvmJobLimiter *self)
{
  guint64 per_job = self->memory_per_job;

  if (self->running->len == 0)
    return TRUE;

  if (per_job == 0)
    per_job = MAX (self->seen_memory, MIN_MEMORY_PER_JOB);

  return tvm_machine_get_available_memory () / per_job > count_young_locked (self);
}

/* Whether one more job may start; if so, @token is what it runs on. */
static gboolean
may_start_locked (TvmJobLimiter *self,
                  TvmJobToken   *token,
                  gboolean      *is_starved)
{
  *is_starved = FALSE;
  token->kind = TVM_JOB_TOKEN_NONE;

  if (self->running->len >= get_limit_locked (self) || !fits_in_memory_locked (self))
    return FALSE;
  if (self->jobserver == NULL)
    return TRUE;

  *is_starved = !tvm_jobserver_try_acquire (self->jobserver, token);
  return !*is_starved;
}

static gboolean
jobserver_readable (gint         fd,
                    GIOCondition condition,
                    gpointer     user_data)
{
  TvmJobLimiter *self = user_data;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->watch, g_source_unref);
  g_mutex_unlock (&self->lock);
  pump (self);

  return G_SOURCE_REMOVE;
}

/* Waits for a token as long as a job does, and no longer: the source holds the limiter.
 * Returns: TRUE if the free slot may have come back before anybody knew that it is waited for */
static gboolean
watch_jobserver (TvmJobLimiter *self)
{
  GMainContext *context = tvm_io_thread_get_context (NULL);
  g_autoptr (GSource) source = NULL;
  gboolean is_new;

  g_mutex_lock (&starved_lock);
  if (starved == NULL)
    starved = g_ptr_array_new_with_free_func ((GDestroyNotify) tvm_job_limiter_unref);
  is_new = !g_ptr_array_find (starved, self, NULL);
  if (is_new)
    g_ptr_array_add (starved, tvm_job_limiter_ref (self));
  g_mutex_unlock (&starved_lock);

  source = g_unix_fd_source_new (tvm_jobserver_get_fd (self->jobserver), G_IO_IN);
  g_source_set_static_name (source, "[TvmSupport] job server");
  g_source_set_callback (source, G_SOURCE_FUNC (jobserver_readable), tvm_job_limiter_ref (self),
                         (GDestroyNotify) tvm_job_limiter_unref);

  /* Attached under the lock: nobody may destroy it before. */
  g_mutex_lock (&self->lock);
  if (context != NULL && self->watch == NULL && !g_queue_is_empty (&self->waiting))
    {
      self->watch = g_source_ref (source);
      g_source_attach (source, context);
    }
  g_mutex_unlock (&self->lock);

  return is_new;
}

static void
unwatch_jobserver (TvmJobLimiter *self)
{
  g_autoptr (GSource) source = NULL;

  g_mutex_lock (&starved_lock);
  if (starved != NULL)
    g_ptr_array_remove_fast (starved, self);
  g_mutex_unlock (&starved_lock);

  g_mutex_lock (&self->lock);
  if (g_queue_is_empty (&self->waiting))
    source = g_steal_pointer (&self->watch);
  g_mutex_unlock (&self->lock);

  if (source != NULL)
    g_source_destroy (source);
}

static void
wake_starved (void)
{
  g_autoptr (GPtrArray) wakened = NULL;
  guint i;

  g_mutex_lock (&starved_lock);
  wakened = g_steal_pointer (&starved);
  g_mutex_unlock (&starved_lock);

  for (i = 0; wakened != NULL && i < wakened->len; i++)
    pump (g_ptr_array_index (wakened, i));
}

typedef struct
{
  GTask *task;
  TvmJobSlot *slot;
} Grant;

static void
grant_clear (gpointer data)
{
  Grant *grant = data;
  GSource *cancel_source = g_task_get_task_data (grant->task);

  if (cancel_source != NULL)
    g_source_destroy (cancel_source);
  g_task_return_pointer (grant->task, grant->slot, (GDestroyNotify) tvm_job_slot_release);
  g_object_unref (grant->task);
}

/* Starts what may start. Tasks are returned after the lock was given up, when @grants goes. */
static void
pump (TvmJobLimiter *self)
{
  g_autoptr (GArray) grants = g_array_new (FALSE, FALSE, sizeof (Grant));
  gboolean is_starved = FALSE;
  gboolean is_idle;
  TvmJobToken token;

  g_array_set_clear_func (grants, grant_clear);

  g_mutex_lock (&self->lock);
  while (!g_queue_is_empty (&self->waiting) && may_start_locked (self, &token, &is_starved))
    {
      TvmJobSlot *slot = g_new0 (TvmJobSlot, 1);
      Grant grant = { g_queue_pop_head (&self->waiting), slot };

      slot->limiter = tvm_job_limiter_ref (self);
      slot->token = token;
      slot->start_time = g_get_monotonic_time ();
      g_ptr_array_add (self->running, slot);
      g_array_append_val (grants, grant);
    }
  is_idle = g_queue_is_empty (&self->waiting);
  g_mutex_unlock (&self->lock);

  if (is_starved && !is_idle)
    {
      if (watch_jobserver (self))
        pump (self);
    }
  else if (self->jobserver != NULL && is_idle)
    unwatch_jobserver (self);
}

static gboolean
waiting_cancelled (GCancellable *cancellable,
                   gpointer      user_data)
{
  GTask *task = user_data;
  TvmJobLimiter *self = g_object_get_data (G_OBJECT (task), "tvm-job-limiter");
  gboolean was_waiting;

  g_mutex_lock (&self->lock);
  was_waiting = g_queue_remove (&self->waiting, task);
  g_mutex_unlock (&self->lock);

  if (was_waiting)
    {
      pump (self);
      g_task_return_error_if_cancelled (task);
      g_object_unref (task);
    }

  return G_SOURCE_REMOVE;
}

/* In a child that the application forked: jobs of the parent are none of ours, and will never end
 * here. What they hold is left as it is; the lock may have been taken by a thread that is not
 * here. */
static void
forget_parent (TvmJobLimiter *self)
{
  if (tvm_owner_is_current (self->owner))
    return;

  self->owner = tvm_owner_get_current ();
  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  self->running = g_ptr_array_new ();
  self->watch = NULL;
}

void
tvm_job_limiter_acquire_async (TvmJobLimiter       *self,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  forget_parent (self);
  g_task_set_source_tag (task, tvm_job_limiter_acquire_async);
  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }

  /* Under the lock, so that a cancel in another thread finds the task in the queue. */
  g_mutex_lock (&self->lock);
  if (cancellable != NULL)
    {
      GSource *source = g_cancellable_source_new (cancellable);

      g_object_set_data_full (G_OBJECT (task), "tvm-job-limiter", tvm_job_limiter_ref (self),
                              (GDestroyNotify) tvm_job_limiter_unref);
      g_source_set_static_name (source, "[TvmSupport] job limiter cancelled");
      g_task_set_task_data (task, source, (GDestroyNotify) g_source_unref);
      g_task_attach_source (task, source, G_SOURCE_FUNC (waiting_cancelled));
    }
  g_queue_push_tail (&self->waiting, task);
  g_mutex_unlock (&self->lock);

  pump (self);
}

TvmJobSlot *
tvm_job_limiter_acquire_finish (GAsyncResult  *result,
                                GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
tvm_job_slot_set_peak_memory (TvmJobSlot *slot,
                              guint64     peak_memory)
{
  slot->peak_memory = peak_memory;
}

void
tvm_job_slot_release (TvmJobSlot *slot)
{
  TvmJobLimiter *self = slot->limiter;

  g_mutex_lock (&self->lock);
  g_ptr_array_remove_fast (self->running, slot);
  self->seen_memory = MAX (self->seen_memory, slot->peak_memory);
  g_mutex_unlock (&self->lock);

  if (slot->token.kind != TVM_JOB_TOKEN_NONE)
    tvm_jobserver_release (self->jobserver, slot->token);
  g_free (slot);

  pump (self);
  wake_starved ();
  tvm_job_limiter_unref (self);
}
