/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Who gets what. */

/* How much a worker is sent ahead: the shorter a call is, the more of its time would go into
 * waiting for the next one, and the less it matters who gets it. */
#define AHEAD_NSEC 400000
#define AHEAD_CALLS 255

/* Workers that are forked ahead where each serves few calls */
#define FEW_USES 16

/* A larger payload waits here and not in a socket. */
#define AHEAD_SIZE 4096

gboolean
tvm_engine_is_foreign (TvmEngine *self)
{
  return self->generation != tvm_io_thread_get_generation ();
}

void
tvm_engine_hold (TvmEngine *self)
{
  g_atomic_int_inc (&self->ref_count);
}

void
tvm_engine_release (TvmEngine *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->workers->len == 0 && self->nurseries->len == 0);
  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->nurseries);
  g_tree_unref (self->queues);
  g_object_unref (self->spec);
  if (self->changed_destroy != NULL)
    self->changed_destroy (self->changed_data);
  g_free (self->start_problem);
  g_clear_object (&self->start_failure);
  g_clear_error (&self->refusal);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
tvm_engine_lock (TvmEngine *self)
{
  g_mutex_lock (&self->mutex);
}

static void
call_waiter (gpointer data)
{
  TvmEngineWaiter *waiter = data;

  waiter->done (waiter->user_data);
  g_clear_pointer (&waiter->workers, g_array_unref);
  g_free (waiter);
}

typedef struct
{
  TvmEngineChanged func;
  gpointer user_data;
} Deferred;

/* While calls are given away in this thread (element-type Deferred) */
static __thread GArray *deferred;

void
tvm_engine_defer (TvmEngineChanged func,
                  gpointer         user_data)
{
  Deferred later = { func, user_data };

  if (deferred != NULL)
    g_array_append_val (deferred, later);
  else
    func (user_data);
}

static void
give_away (GQueue *completed)
{
  g_autoptr (GArray) outer = deferred;
  g_autoptr (GArray) mine = NULL;
  GList *link;

  deferred = completed->length > 1 ? g_array_new (FALSE, FALSE, sizeof (Deferred)) : NULL;
  while ((link = g_queue_pop_head_link (completed)) != NULL)
    tvm_call_give_away (link->data);

  /* What they do may give away more. */
  mine = g_steal_pointer (&deferred);
  deferred = g_steal_pointer (&outer);
  for (guint i = 0; mine != NULL && i < mine->len; i++)
    {
      const Deferred *later = &g_array_index (mine, Deferred, i);

      later->func (later->user_data);
    }
}

/* Also tells everybody what has happened meanwhile. */
void
tvm_engine_unlock (TvmEngine *self)
{
  GQueue completed = self->completed;
  GQueue fired = self->fired;
  GQueue dropped = self->dropped;
  TvmEngineChanged changed = NULL;
  gpointer changed_data = self->changed_data;

  g_queue_init (&self->completed);
  g_queue_init (&self->fired);
  g_queue_init (&self->dropped);
  if (self->change_wanted && !self->change_pending && self->changed != NULL)
    {
      changed = self->changed;
      self->change_pending = TRUE;
    }
  self->change_wanted = FALSE;
  if (completed.length == 0 && fired.length == 0 && dropped.length == 0 && changed == NULL)
    {
      g_mutex_unlock (&self->mutex);
      return;
    }

  /* The last owner may go meanwhile. */
  tvm_engine_hold (self);
  g_mutex_unlock (&self->mutex);

  give_away (&completed);
  g_queue_clear_full (&dropped, (GDestroyNotify) g_bytes_unref);
  if (changed != NULL)
    changed (changed_data);
  g_queue_clear_full (&fired, call_waiter);
  tvm_engine_release (self);
}

void
tvm_engine_set_timer_locked (TvmEngine *self,
                             gint64     at)
{
  struct itimerspec value = { { 0, 0 }, { at / 1000000, (at % 1000000) * 1000 } };

  /* A timer that comes too early costs less than one that is set anew for each task. */
  if (at >= self->timer_at || self->timer_fd < 0)
    return;

  self->timer_at = at;
  timerfd_settime (self->timer_fd, TFD_TIMER_ABSTIME, &value, NULL);
}

static void
check_times (TvmEngine *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 next = tvm_engine_check_hold_locked (self, now);

  for (guint i = self->workers->len; i-- > 0;)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (!worker->led)
        tvm_worker_check_time_locked (worker, now);
    }
  for (guint i = 0; i < self->nurseries->len; i++)
    tvm_nursery_link_check_time_locked (g_ptr_array_index (self->nurseries, i), now);

  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (worker->end != WORKER_END_NOT)
        next = MIN (next, worker->end_deadline);
      else if (!worker->led)
        next = MIN (next, MIN (worker->look_at, MIN (worker->deadline, worker->soft_deadline)));
    }
  for (guint i = 0; i < self->nurseries->len; i++)
    next = MIN (next, ((TvmNurseryLink *) g_ptr_array_index (self->nurseries, i))->end_deadline);

  if (next != NEVER)
    tvm_engine_set_timer_locked (self, next);
}

static void
timer_ready (gpointer user_data)
{
  TvmEngine *self = user_data;
  guint64 count;

  tvm_engine_lock (self);
  if (self->timer != NULL && read (self->timer_fd, &count, sizeof count) == sizeof count)
    {
      self->timer_at = NEVER;
      check_times (self);
      tvm_engine_dispatch_locked (self);
      tvm_engine_check_end_locked (self);
    }
  tvm_engine_unlock (self);
}

/* Queues */

static int
compare_priorities (gconstpointer a,
                    gconstpointer b,
                    gpointer      user_data)
{
  int first = GPOINTER_TO_INT (a);
  int second = GPOINTER_TO_INT (b);

  return first > second ? -1 : first < second ? 1 : 0;
}

static GQueue *
get_queue (TvmEngine *self,
           int        priority)
{
  GQueue *queue = priority == 0 ? self->main_queue
                                : g_tree_lookup (self->queues, GINT_TO_POINTER (priority));

  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_tree_insert (self->queues, GINT_TO_POINTER (priority), queue);
    }
  return queue;
}

static void
drop_queue_if_empty (TvmEngine *self,
                     GQueue    *queue,
                     int        priority)
{
  if (queue != self->main_queue && g_queue_is_empty (queue))
    g_tree_remove (self->queues, GINT_TO_POINTER (priority));
}

static void
enqueue (TvmEngine *self,
         TvmCall   *call,
         gboolean   first)
{
  GQueue *queue = get_queue (self, call->priority);

  call->state = CALL_QUEUED;
  call->worker = NULL;
  if (first)
    g_queue_push_head_link (queue, &call->link);
  else
    g_queue_push_tail_link (queue, &call->link);
  self->n_queued++;
  self->change_wanted = TRUE;
}

void
tvm_call_unqueue_locked (TvmCall *call)
{
  TvmEngine *self = call->engine;
  GQueue *queue = get_queue (self, call->priority);

  g_queue_unlink (queue, &call->link);
  drop_queue_if_empty (self, queue, call->priority);
  self->n_queued--;
}

/* The next call, which stays in its queue */
static TvmCall *
peek_call (TvmEngine *self)
{
  GTreeNode *node;

  if (self->n_queued == 0)
    return NULL;
  if (self->n_queued == self->main_queue->length)
    return g_queue_peek_head (self->main_queue);

  for (node = g_tree_node_first (self->queues); node != NULL; node = g_tree_node_next (node))
    if (!g_queue_is_empty (g_tree_node_value (node)))
      return g_queue_peek_head (g_tree_node_value (node));
  return NULL;
}

/* A call whose worker died before it began goes first. */
void
tvm_engine_requeue_locked (TvmEngine *self,
                           TvmCall   *call)
{
  tvm_outlets_close_locked (&call->outlets);
  enqueue (self, call, TRUE);
}

/* @failure: (nullable): what a runtime told of it */
void
tvm_engine_fail_queued_locked (TvmEngine           *self,
                               const GError        *error,
                               const TvmTaskResult *failure)
{
  TvmCall *call;

  while ((call = peek_call (self)) != NULL)
    {
      TvmTaskResult *result = NULL;

      tvm_call_unqueue_locked (call);
      if (error->domain == TVM_ERROR)
        result = tvm_task_result_new_error (g_error_copy (error));
      if (result != NULL && failure != NULL)
        tvm_task_result_set_remote (result, failure);
      tvm_call_complete_locked (call, result, result == NULL ? g_error_copy (error) : NULL);
    }
}

/* Dispatch */

/* Starts are not tried for ever where they fail. */
static gboolean
has_given_up (TvmEngine *self)
{
  guint limit = self->gave_up ? 1 : MAX (1, self->spec->respawn_limit);

  return self->refusal != NULL || self->n_failed_starts >= limit;
}

static void
allow_one_attempt (TvmEngine *self)
{
  self->gave_up = TRUE;
  self->n_failed_starts = 0;
}

/* A worker that does not get the processor looks slow; were it sent less for that, it would have to
 * wait more often, and look slower. What waits behind a slow call is taken back, so that an average
 * that is too low does no harm. */
void
tvm_engine_measure_locked (TvmEngine *self,
                           gint64     nsec)
{
  if (self->average_nsec < 0)
    self->average_nsec = nsec;
  else if (nsec > self->average_nsec)
    self->average_nsec += (nsec - self->average_nsec) / 16;
  else
    self->average_nsec = (self->average_nsec + nsec) / 2;

  self->max_depth = 1 + MIN (AHEAD_CALLS, AHEAD_NSEC / MAX (1, self->average_nsec));

  /* One more attempt to have more workers again */
  if (has_given_up (self))
    allow_one_attempt (self);
}

static gboolean
send_next (TvmEngine *self,
           TvmWorker *worker)
{
  TvmCall *call = peek_call (self);
  GError *error = NULL;

  tvm_call_unqueue_locked (call);

  /* Its handler may still be behind many others. */
  if (!g_cancellable_set_error_if_cancelled (call->cancellable, &error)
      && tvm_worker_send_locked (worker, call, &error))
    return TRUE;

  tvm_call_complete_locked (call, NULL, error);
  return FALSE;
}

/* Whether a call may wait at a worker: a large payload would only fill the socket. */
static gboolean
may_wait (const TvmCall *call)
{
  return call->payload != NULL && call->rest == NULL
         && g_bytes_get_size (call->payload) <= AHEAD_SIZE;
}

static guint
count_busy (TvmEngine *self,
            guint     *n_live,
            guint     *n_ready)
{
  guint n_busy = 0;

  *n_live = *n_ready = 0;
  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      /* No other one is started for it before that has counted. */
      *n_live += tvm_worker_is_failing (worker);
      if (!tvm_worker_is_usable (worker))
        continue;
      (*n_live)++;
      *n_ready += worker->ready;
      n_busy += !g_queue_is_empty (&worker->calls);
    }

  return n_busy;
}

static void
fill_some (TvmEngine *self,
           gboolean   ready,
           gboolean   used,
           guint     *n_busy)
{
  for (guint i = 0; i < self->workers->len && self->n_queued > 0; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);
      gboolean sent = FALSE;

      if (*n_busy >= self->max_workers)
        return;
      if (worker->ready != ready || (worker->n_uses > 0) != used
          || !g_queue_is_empty (&worker->calls) || tvm_worker_get_room (worker) == 0)
        continue;

      /* One that cannot be sent has its outcome, and leaves its place to the next. */
      while (!sent && self->n_queued > 0)
        sent = send_next (self, worker);
      *n_busy += sent;
    }
}

/* First every idle worker gets a call. @ready: FALSE for those that are being started. A spare one
 * waits until those that are in use are worn, so that the only worker of a TvmPopenWorker stays
 * the same. */
static void
fill_idle (TvmEngine *self,
           gboolean   ready,
           guint     *n_busy)
{
  fill_some (self, ready, TRUE, n_busy);
  fill_some (self, ready, FALSE, n_busy);
}

static void
fill_ahead (TvmEngine *self)
{
  gint64 now = g_get_monotonic_time ();
  guint64 share = 1 + self->n_queued / self->max_workers;

  for (guint i = 0; i < self->workers->len && self->n_queued > 0; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);
      guint room = tvm_worker_get_room (worker);

      /* In batches, so that one system call serves many */
      if (!tvm_worker_may_take_ahead (worker, now) || room < self->max_depth / 2)
        continue;
      room = MIN (room, share);
      while (room-- > 0 && self->n_queued > 0 && may_wait (peek_call (self)))
        send_next (self, worker);
      if (worker->look_at == NEVER)
        tvm_worker_plan_look_locked (worker, now);
    }
}

static guint
count_spares (TvmEngine *self)
{
  const TvmWorkerSpec *spec = self->spec;

  if (spec->maximum_uses > 0 && spec->maximum_uses < FEW_USES
      && spec->start == TVM_WORKER_START_WARM)
    return MAX (spec->n_spares, self->max_workers);
  return spec->n_spares;
}

/* What comes now gets one more attempt, and what is being started for calls that are no more does
 * not count for it: it may be about to fail for a reason that has gone. */
static void
begin_anew (TvmEngine *self)
{
  if (has_given_up (self))
    allow_one_attempt (self);
  g_clear_error (&self->refusal);
  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (!worker->ready)
        worker->start_told = TRUE;
    }
  if (self->nursery != NULL && !self->nursery->has_forked)
    self->nursery->excused = TRUE;
}

static gboolean
has_sent_calls (TvmEngine *self)
{
  guint n_live;
  guint n_ready;

  return count_busy (self, &n_live, &n_ready) > 0;
}

static void
give_up (TvmEngine *self)
{
  g_autoptr (GError) error = NULL;

  if (self->refusal != NULL)
    error = g_error_copy (self->refusal);
  else if (self->n_failed_starts == 1)
    error = g_error_new_literal (TVM_ERROR, TVM_ERROR_WORKER_DIED, self->start_problem);
  else
    error = g_error_new (TVM_ERROR, TVM_ERROR_WORKER_DIED,
                         ngettext ("%s; gave up after %u attempt", "%s; gave up after %u attempts",
                                   self->n_failed_starts),
                         self->start_problem, self->n_failed_starts);
  tvm_engine_fail_queued_locked (self, error,
                                 self->refusal == NULL ? self->start_failure : NULL);
  begin_anew (self);
}

/* Starts as many workers as there is work for, and those that are to be ready for more. */
static void
start_workers (TvmEngine *self,
               guint      n_busy,
               guint      n_live)
{
  guint64 wanted = MIN ((guint64) self->max_workers, n_busy + self->n_queued);

  /* Where starts fail nothing is tried that nobody waits for. */
  if (self->n_failed_starts == 0 && !self->gave_up && wanted > 0)
    wanted += count_spares (self);
  else if (self->n_failed_starts == 0 && !self->gave_up && self->warm)
    wanted = self->spec->n_spares;

  while (n_live < wanted && !has_given_up (self))
    {
      g_autoptr (GError) error = NULL;

      if (tvm_worker_start_locked (self, &error) != NULL)
        n_live++;
      else if (n_live > 0)
        /* Those that there are go on with the work. */
        return;
      else
        tvm_engine_start_error_locked (self, error);
    }

  if (n_live == 0 && self->n_queued > 0)
    give_up (self);
}

static void
flush_workers (TvmEngine *self)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (tvm_wire_has_output (&worker->channel))
        tvm_worker_flush_locked (worker);
    }
}

void
tvm_engine_dispatch_locked (TvmEngine *self)
{
  guint n_busy;
  guint n_live;
  guint n_ready;

  if (self->corked > 0 || tvm_engine_is_held_locked (self)
      || (self->n_queued == 0 && count_spares (self) == 0))
    {
      flush_workers (self);
      return;
    }

  n_busy = count_busy (self, &n_live, &n_ready);
  fill_idle (self, TRUE, &n_busy);
  if (self->n_queued > 0 && self->max_depth > 1)
    {
      /* Or those that have just got a call would look as if they could take no more. */
      flush_workers (self);
      fill_ahead (self);
    }

  if (!self->ending)
    start_workers (self, n_busy, n_live);
  /* So that the first result comes sooner; but nothing runs where the initializer has failed. */
  if (self->n_queued > 0 && n_ready == 0 && self->spec->initializer == NULL)
    fill_idle (self, FALSE, &n_busy);
  flush_workers (self);
}

void
tvm_engine_worker_proven_locked (TvmEngine *self)
{
  self->proven = TRUE;
  self->gave_up = FALSE;
  self->n_failed_starts = 0;
  g_clear_error (&self->refusal);
}

/* @reason: a whole sentence. What that means for the calls is seen at the next dispatch. */
void
tvm_engine_start_failed_locked (TvmEngine  *self,
                                const char *reason)
{
  self->n_failed_starts++;
  g_clear_pointer (&self->start_problem, g_free);
  g_clear_object (&self->start_failure);
  if (self->spec->is_self && self->spec->argv[0] != NULL && !self->heard)
    {
      g_autofree char *program = g_filename_display_name (self->spec->argv[0]);

      self->start_problem = g_strdup_printf (_("%s (does “%s” call tvm_worker_main() first?)"),
                                             reason, program);
    }
  else
    self->start_problem = g_strdup (reason);
}

void
tvm_engine_start_error_locked (TvmEngine    *self,
                               const GError *error)
{
  g_autofree char *reason = g_strdup_printf (_("A worker could not be started: %s"),
                                             error->message);

  tvm_engine_start_failed_locked (self, reason);

  /* Otherwise it may have been for want of something that comes back. */
  if (self->refusal == NULL && (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND)
                                || g_error_matches (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT)
                                || g_error_matches (error, TVM_ERROR, TVM_ERROR_PROTOCOL)))
    self->refusal = g_error_new_literal (error->domain, error->code, reason);
}

TvmNurseryLink *
tvm_engine_get_nursery_locked (TvmEngine  *self,
                               GError    **error)
{
  const TvmWorkerSpec *spec = self->spec;
  gboolean executes = self->must_execute || !spec->can_fork || spec->launcher != NULL
                      || spec->start == TVM_WORKER_START_FRESH;

  if (spec->payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    executes = TRUE;

  if (self->nursery == NULL)
    {
      self->nursery = tvm_nursery_link_new (self, executes, error);
      if (self->nursery == NULL)
        return NULL;
      g_ptr_array_add (self->nurseries, self->nursery);
    }

  g_atomic_int_inc (&self->nursery->ref_count);
  return self->nursery;
}

/* Public */

static void
destroy_queue (gpointer data)
{
  g_queue_free (data);
}

TvmEngine *
tvm_engine_new (TvmWorkerSpec *spec,
                guint          max_workers)
{
  TvmEngine *self = g_new0 (TvmEngine, 1);

  self->ref_count = 1;
  self->owners = 1;
  self->generation = tvm_io_thread_get_generation ();
  g_mutex_init (&self->mutex);
  self->spec = tvm_worker_spec_snapshot (spec);
  self->max_workers = max_workers > 0 ? max_workers : g_get_num_processors ();
  self->max_depth = 1;
  self->queues = g_tree_new_full (compare_priorities, NULL, NULL, destroy_queue);
  self->main_queue = g_queue_new ();
  g_tree_insert (self->queues, GINT_TO_POINTER (0), self->main_queue);
  self->timeout_usec = self->soft_timeout_usec = NEVER;
  self->average_nsec = -1;
  self->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) tvm_worker_unref);
  self->nurseries = g_ptr_array_new_with_free_func ((GDestroyNotify) tvm_nursery_link_unref);
  self->held_until = NEVER;
  self->timer_fd = -1;
  self->timer_at = NEVER;
  tvm_engine_open_streams (self);
  return self;
}

TvmEngine *
tvm_engine_ref (TvmEngine *self)
{
  g_atomic_int_inc (&self->owners);
  return self;
}

static gint64
msec_to_usec (gint64 msec)
{
  return msec < 0 || msec > NEVER / 1000 ? NEVER : msec * 1000;
}

void
tvm_engine_set_timeouts (TvmEngine *self,
                         gint64     timeout_msec,
                         gint64     soft_timeout_msec)
{
  if (tvm_engine_is_foreign (self))
    return;

  tvm_engine_lock (self);
  self->timeout_usec = msec_to_usec (timeout_msec);
  self->soft_timeout_usec = msec_to_usec (soft_timeout_msec);
  tvm_engine_unlock (self);
}

void
tvm_engine_set_retry_policy (TvmEngine      *self,
                             TvmRetryPolicy  policy)
{
  if (tvm_engine_is_foreign (self))
    return;

  tvm_engine_lock (self);
  self->retry_policy = policy;
  tvm_engine_unlock (self);
}

void
tvm_engine_set_watch (TvmEngine        *self,
                      TvmEngineChanged  changed,
                      gpointer          user_data,
                      GDestroyNotify    destroy)
{
  self->changed = changed;
  self->changed_data = user_data;
  self->changed_destroy = destroy;
}

void
tvm_engine_get_counts (TvmEngine       *self,
                       TvmEngineCounts *counts)
{
  if (tvm_engine_is_foreign (self))
    {
      *counts = (TvmEngineCounts) { 0, 0, 0 };
      return;
    }

  g_mutex_lock (&self->mutex);
  counts->n_queued = self->n_queued;
  counts->n_running = 0;
  counts->n_finished = self->n_finished;
  for (guint i = 0; i < self->workers->len; i++)
    {
      guint n_calls = tvm_worker_count_calls (g_ptr_array_index (self->workers, i));

      counts->n_running += n_calls > 0;
      counts->n_queued += n_calls - (n_calls > 0);
    }
  self->change_pending = FALSE;
  g_mutex_unlock (&self->mutex);
}

static TvmWorkerState
get_state (const TvmWorker *worker)
{
  if (worker->end != WORKER_END_NOT)
    return TVM_WORKER_STATE_ENDING;
  if (!worker->ready)
    return TVM_WORKER_STATE_STARTING;
  return worker->calls.length > 0 ? TVM_WORKER_STATE_BUSY : TVM_WORKER_STATE_IDLE;
}

GArray *
tvm_engine_get_workers (TvmEngine *self)
{
  GArray *infos = g_array_new (FALSE, FALSE, sizeof (TvmEngineWorker));

  if (tvm_engine_is_foreign (self))
    return infos;

  g_mutex_lock (&self->mutex);
  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);
      TvmEngineWorker info = { worker->id, worker->pid, get_state (worker), worker->n_uses };

      g_array_append_val (infos, info);
    }
  g_mutex_unlock (&self->mutex);

  return infos;
}

/* At the first submission: an engine that is not used costs nothing, and harms nobody. */
static gboolean
open_timer (TvmEngine  *self,
            GError    **error)
{
  if (self->timer != NULL)
    return TRUE;

  if (!tvm_worker_self_check (error) || !tvm_worker_spec_check (self->spec, error))
    return FALSE;

  self->timer_fd = tvm_fd_raise (timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (self->timer_fd < 0)
    return tvm_error_set_errno (error, errno, _("Could not make a timer"));

  tvm_engine_hold (self);
  self->timer = tvm_poller_add (self->timer_fd, TVM_POLL_IN, timer_ready, self,
                                (GDestroyNotify) tvm_engine_release, error);
  if (self->timer != NULL)
    return TRUE;

  tvm_engine_release (self);
  close (g_steal_fd (&self->timer_fd));
  return FALSE;
}

/* Whether @call may be queued; else it has its error. */
gboolean
tvm_engine_accept_locked (TvmEngine *self,
                          TvmCall   *call,
                          GError    *problem)
{
  if (problem == NULL && call->cancel_requested)
    g_set_error_literal (&problem, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Operation was cancelled"));
  if (problem == NULL && self->closed)
    g_set_error_literal (&problem, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The pool was shut down"));
  if (problem == NULL)
    open_timer (self, &problem);

  if (problem == NULL)
    return TRUE;

  tvm_call_complete_locked (call, NULL, problem);
  return FALSE;
}

void
tvm_engine_warm (TvmEngine *self)
{
  if (tvm_engine_is_foreign (self) || self->spec->n_spares == 0)
    return;

  /* Who submits something is told what is wrong. */
  tvm_engine_lock (self);
  if (!self->closed && open_timer (self, NULL))
    {
      self->warm = TRUE;
      tvm_engine_dispatch_locked (self);
    }
  tvm_engine_unlock (self);
}

GError *
tvm_engine_make_foreign_error (void)
{
  return g_error_new_literal (TVM_ERROR, TVM_ERROR_FAILED,
                              _("The pool belongs to the process that this one was forked from"));
}

void
tvm_engine_enqueue_locked (TvmEngine *self,
                           TvmCall   *call)
{
  if ((self->n_failed_starts > 0 || self->gave_up) && self->n_queued == 0
      && !has_sent_calls (self))
    begin_anew (self);
  enqueue (self, call, FALSE);
  tvm_engine_dispatch_locked (self);
}

TvmCall *
tvm_engine_submit (TvmEngine    *self,
                   TvmTask      *task,
                   GCancellable *cancellable,
                   TvmCallDone   done,
                   gpointer      user_data)
{
  GError *problem = NULL;
  TvmCall *call = tvm_call_new (self, task, done, user_data, &problem);

  tvm_call_ref (call);
  if (tvm_engine_is_foreign (self))
    {
      g_clear_error (&problem);
      call->error = tvm_engine_make_foreign_error ();
      tvm_call_give_away (call);
      return call;
    }

  if (cancellable != NULL)
    tvm_call_connect (call, cancellable);

  tvm_engine_lock (self);
  if (tvm_engine_accept_locked (self, call, problem))
    {
      tvm_engine_note_submission_locked (self);
      tvm_engine_enqueue_locked (self, call);
    }
  tvm_engine_unlock (self);

  return call;
}

void
tvm_engine_cork (TvmEngine *self)
{
  if (tvm_engine_is_foreign (self))
    return;

  tvm_engine_lock (self);
  self->corked++;
  tvm_engine_unlock (self);
}

void
tvm_engine_uncork (TvmEngine *self)
{
  if (tvm_engine_is_foreign (self))
    return;

  tvm_engine_lock (self);
  if (--self->corked == 0)
    tvm_engine_dispatch_locked (self);
  tvm_engine_unlock (self);
}
