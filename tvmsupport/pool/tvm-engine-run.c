/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

/* The blocking submission. Where a worker is idle, the thread that waits for the answer reads it
 * itself: it *leads* the worker meanwhile, and no other thread has to be woken. */

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean done;
  TvmTaskResult *result;
  GError *error;
} Waiter;

static void
run_done (TvmTaskResult *result,
          GError        *error,
          gpointer       user_data)
{
  Waiter *waiter = user_data;

  g_mutex_lock (&waiter->mutex);
  waiter->result = result;
  waiter->error = error;
  waiter->done = TRUE;
  g_cond_signal (&waiter->cond);
  g_mutex_unlock (&waiter->mutex);
}

/* Returns: (nullable): a worker that can be led, with @call sent to it */
static TvmWorker *
take_worker (TvmEngine *self,
             TvmCall   *call)
{
  if (self->corked > 0 || self->n_queued > 0
      || self->spec->payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    return NULL;

  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (!worker->ready || worker->led || !g_queue_is_empty (&worker->calls)
          || tvm_worker_get_room (worker) == 0)
        continue;

      worker->led = TRUE;
      if (!tvm_worker_send_locked (worker, call, NULL))
        {
          worker->led = FALSE;
          return NULL;
        }
      tvm_worker_flush_locked (worker);
      return tvm_worker_ref (worker);
    }

  return NULL;
}

/* Waits for the worker, without the lock. Returns: FALSE if a signal came */
static gboolean
wait_readable (int       fd,
               gboolean  writes,
               gint64    until)
{
  struct pollfd poll_fd = { .fd = fd, .events = writes ? POLLIN | POLLOUT : POLLIN };
  struct timespec limit;
  gint64 usec;

  if (until == NEVER)
    return poll (&poll_fd, 1, -1) >= 0 || errno != EINTR;

  usec = MAX (0, until - g_get_monotonic_time ());
  limit.tv_sec = usec / 1000000;
  limit.tv_nsec = usec % 1000000 * 1000;
  return ppoll (&poll_fd, 1, &limit, NULL) >= 0 || errno != EINTR;
}

/* Leads until @call has its outcome, the worker is no good any more, it is @end, or, unless that is
 * NEVER, a signal comes. Returns: TRUE if it was @end or a signal */
static gboolean
lead (TvmEngine *self,
      TvmWorker *worker,
      TvmCall   *call,
      gint64     end)
{
  gboolean interrupted = FALSE;

  while (call->state != CALL_DONE && tvm_worker_is_readable (worker) && !interrupted)
    {
      gint64 until = MIN (worker->deadline, worker->soft_deadline);
      gboolean writes = tvm_wire_has_output (&worker->channel);
      int fd = worker->channel.fd;

      tvm_engine_unlock (self);
      interrupted = !wait_readable (fd, writes, MIN (until, end)) || g_get_monotonic_time () >= end;
      interrupted &= end != NEVER;
      tvm_engine_lock (self);

      if (writes)
        tvm_worker_flush_locked (worker);
      tvm_worker_read_locked (worker);
      if (call->state != CALL_DONE && until != NEVER)
        tvm_worker_check_time_locked (worker, g_get_monotonic_time ());
    }

  worker->led = FALSE;
  if (!g_queue_is_empty (&worker->calls) && tvm_worker_is_readable (worker))
    {
      tvm_worker_flush_locked (worker);
      tvm_engine_set_timer_locked (self, MIN (worker->deadline, worker->soft_deadline));
    }
  tvm_engine_dispatch_locked (self);
  tvm_engine_check_end_locked (self);
  return interrupted;
}

static void
wait_done (Waiter *waiter)
{
  g_mutex_lock (&waiter->mutex);
  while (!waiter->done)
    g_cond_wait (&waiter->cond, &waiter->mutex);
  g_mutex_unlock (&waiter->mutex);
}

TvmTaskResult *
tvm_engine_run (TvmEngine     *self,
                TvmTask       *task,
                GCancellable  *cancellable,
                GError       **error)
{
  Waiter waiter = { .done = FALSE };
  GError *problem = NULL;
  TvmWorker *worker = NULL;
  TvmCall *call;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (tvm_engine_is_foreign (self))
    {
      g_propagate_error (error, tvm_engine_make_foreign_error ());
      return NULL;
    }

  g_mutex_init (&waiter.mutex);
  g_cond_init (&waiter.cond);
  call = tvm_call_ref (tvm_call_new (self, task, run_done, &waiter, &problem));
  if (cancellable != NULL)
    tvm_call_connect (call, cancellable);

  tvm_engine_lock (self);
  if (tvm_engine_accept_locked (self, call, problem))
    {
      tvm_engine_end_hold_locked (self);
      worker = take_worker (self, call);
      if (worker != NULL)
        lead (self, worker, call, NEVER);
      else
        tvm_engine_enqueue_locked (self, call);
    }
  tvm_engine_unlock (self);

  wait_done (&waiter);
  g_clear_pointer (&worker, tvm_worker_unref);
  tvm_call_unref (call);
  g_mutex_clear (&waiter.mutex);
  g_cond_clear (&waiter.cond);

  if (waiter.error != NULL)
    g_propagate_error (error, waiter.error);
  return waiter.result;
}

/* Returns: TRUE if it was @end or a signal came before there was an outcome */
static gboolean
help (TvmEngine *self,
      TvmCall   *call,
      gint64     end)
{
  TvmWorker *worker = NULL;
  gboolean interrupted = FALSE;

  tvm_engine_lock (self);
  tvm_engine_end_hold_locked (self);
  if (call->state == CALL_SENT && call->worker->ready && !call->worker->led
      && call->worker->calls.length == 1
      && self->spec->payload_type != TVM_PAYLOAD_TYPE_COMMAND)
    {
      worker = tvm_worker_ref (call->worker);
      worker->led = TRUE;
      tvm_worker_watch_locked (worker);
      interrupted = lead (self, worker, call, end);
    }
  interrupted &= call->state != CALL_DONE;
  tvm_engine_unlock (self);

  g_clear_pointer (&worker, tvm_worker_unref);
  return interrupted;
}

void
tvm_engine_help (TvmEngine *self,
                 TvmCall   *call)
{
  help (self, call, NEVER);
}

gboolean
tvm_call_help (TvmCall *call,
               gint64   end_time)
{
  TvmEngine *engine = call->engine;
  gboolean interrupted;

  tvm_engine_hold (engine);
  /* One that is as late as can be lets signals interrupt. */
  interrupted = help (engine, call, end_time < 0 ? NEVER - 1 : end_time);
  tvm_engine_release (engine);
  return interrupted;
}
