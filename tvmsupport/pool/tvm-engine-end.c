/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

/* The end of workers, and of everything. */

static gboolean
has_worker (TvmEngine *self,
            GArray    *ids)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      for (guint j = 0; j < ids->len; j++)
        if (g_array_index (ids, guint64, j) == worker->id)
          return TRUE;
    }

  return FALSE;
}

static gboolean
has_calls (TvmEngine *self)
{
  if (self->n_queued > 0)
    return TRUE;

  for (guint i = 0; i < self->workers->len; i++)
    if (!g_queue_is_empty (&((TvmWorker *) g_ptr_array_index (self->workers, i))->calls))
      return TRUE;

  return FALSE;
}

static void
fire_waiters (TvmEngine *self)
{
  gboolean all_gone = self->ending && self->workers->len == 0 && self->nurseries->len == 0
                      && self->n_pumps == 0;

  for (GList *link = self->waiters; link != NULL;)
    {
      TvmEngineWaiter *waiter = link->data;
      GList *next = link->next;

      if (waiter->workers != NULL ? !has_worker (self, waiter->workers) : all_gone)
        {
          self->waiters = g_list_delete_link (self->waiters, link);
          g_queue_push_tail (&self->fired, waiter);
        }
      link = next;
    }
}

/* What is kept for as long as there may be workers */
static void
close_fds (TvmEngine *self)
{
  g_clear_pointer (&self->timer, tvm_poll_handle_remove);
  if (self->timer_fd >= 0)
    close (g_steal_fd (&self->timer_fd));
  tvm_engine_end_streams_locked (self);
}

static void
end_nurseries (TvmEngine *self)
{
  for (guint i = 0; i < self->nurseries->len; i++)
    tvm_nursery_link_end_locked (g_ptr_array_index (self->nurseries, i));
}

static gboolean
is_used (TvmEngine      *self,
         TvmNurseryLink *nursery)
{
  for (guint i = 0; i < self->workers->len; i++)
    if (((TvmWorker *) g_ptr_array_index (self->workers, i))->nursery == nursery)
      return TRUE;

  return FALSE;
}

/* One that still starts has no call to lose, and its initializer would not notice for a while. */
static void
end_worker (TvmWorker *worker)
{
  if (worker->ready || worker->end != WORKER_END_NOT)
    tvm_worker_retire_locked (worker);
  else
    tvm_worker_kill_locked (worker);
}

/* Goes one step nearer to the end, if it is to be and nothing stands in its way. */
void
tvm_engine_check_end_locked (TvmEngine *self)
{
  for (guint i = 0; i < self->nurseries->len; i++)
    {
      TvmNurseryLink *nursery = g_ptr_array_index (self->nurseries, i);

      if (nursery->retired && !is_used (self, nursery))
        tvm_nursery_link_end_locked (nursery);
    }

  if (self->closed && !self->ending && !has_calls (self))
    {
      self->ending = TRUE;
      for (guint i = self->workers->len; i-- > 0;)
        end_worker (g_ptr_array_index (self->workers, i));
    }

  if (self->ending && self->workers->len == 0)
    {
      end_nurseries (self);
      if (self->nurseries->len == 0)
        close_fds (self);
    }

  if (self->waiters != NULL)
    fire_waiters (self);
}

static guint64
add_waiter (TvmEngine        *self,
            GArray           *workers,
            TvmEngineChanged  done,
            gpointer          user_data)
{
  TvmEngineWaiter *waiter = g_new0 (TvmEngineWaiter, 1);

  waiter->id = ++self->next_id;
  waiter->workers = workers;
  waiter->done = done;
  waiter->user_data = user_data;
  self->waiters = g_list_append (self->waiters, waiter);
  return waiter->id;
}

guint64
tvm_engine_wait_gone (TvmEngine        *self,
                      TvmEngineChanged  done,
                      gpointer          user_data)
{
  GArray *ids;
  guint64 id;

  if (tvm_engine_is_foreign (self))
    {
      done (user_data);
      return 0;
    }

  ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  tvm_engine_lock (self);
  for (guint i = 0; i < self->workers->len; i++)
    g_array_append_val (ids, ((TvmWorker *) g_ptr_array_index (self->workers, i))->id);
  id = add_waiter (self, ids, done, user_data);
  tvm_engine_check_end_locked (self);
  tvm_engine_unlock (self);

  return id;
}

gboolean
tvm_engine_forget (TvmEngine *self,
                   guint64    id)
{
  gboolean found = FALSE;

  if (tvm_engine_is_foreign (self))
    return FALSE;

  tvm_engine_lock (self);
  for (GList *link = self->waiters; link != NULL && !found; link = link->next)
    {
      TvmEngineWaiter *waiter = link->data;

      if (waiter->id != id)
        continue;
      found = TRUE;
      self->waiters = g_list_delete_link (self->waiters, link);
      g_clear_pointer (&waiter->workers, g_array_unref);
      g_free (waiter);
      break;
    }
  tvm_engine_unlock (self);

  return found;
}

static void
kill_workers (TvmEngine *self)
{
  g_autoptr (GError) error = g_error_new_literal (TVM_ERROR, TVM_ERROR_WORKER_DIED,
                                                  _("The worker was killed before it began"));

  for (guint i = self->workers->len; i-- > 0;)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);

      if (worker->end != WORKER_END_LOST)
        tvm_worker_kill_locked (worker);
    }

  /* Also those calls that only waited there */
  tvm_engine_fail_queued_locked (self, error, NULL);
}

void
tvm_engine_kill_workers (TvmEngine *self)
{
  if (tvm_engine_is_foreign (self))
    return;

  tvm_engine_lock (self);
  kill_workers (self);
  tvm_engine_dispatch_locked (self);
  tvm_engine_check_end_locked (self);
  tvm_engine_unlock (self);
}

static void
cancel_all (TvmEngine *self)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                  _("The pool was shut down"));

  tvm_engine_fail_queued_locked (self, error, NULL);
  for (guint i = self->workers->len; i-- > 0;)
    {
      TvmWorker *worker = g_ptr_array_index (self->workers, i);
      gboolean had_calls = !g_queue_is_empty (&worker->calls);
      GList *link;

      while ((link = g_queue_pop_head_link (&worker->calls)) != NULL)
        tvm_call_complete_locked (link->data, NULL, g_error_copy (error));
      if (had_calls)
        tvm_worker_kill_locked (worker);
    }
}

/* With @done NULL nobody is told. */
guint64
tvm_engine_shutdown (TvmEngine        *self,
                     TvmShutdownMode   mode,
                     TvmEngineChanged  done,
                     gpointer          user_data)
{
  guint64 id = 0;

  if (tvm_engine_is_foreign (self))
    {
      if (done != NULL)
        done (user_data);
      return 0;
    }

  tvm_engine_lock (self);
  self->closed = TRUE;
  if (mode == TVM_SHUTDOWN_MODE_CANCEL)
    cancel_all (self);
  if (done != NULL)
    id = add_waiter (self, NULL, done, user_data);
  tvm_engine_check_end_locked (self);
  tvm_engine_unlock (self);

  return id;
}

/* In a fork of the application: what the parent uses must not be touched, only our copies of its
 * descriptors go. */
static void
abandon (TvmEngine *self)
{
  for (guint i = 0; i < self->workers->len; i++)
    close (((TvmWorker *) g_ptr_array_index (self->workers, i))->channel.fd);
  for (guint i = 0; i < self->nurseries->len; i++)
    close (((TvmNurseryLink *) g_ptr_array_index (self->nurseries, i))->channel.fd);
  if (self->timer_fd >= 0)
    close (self->timer_fd);
  for (guint i = 0; i < G_N_ELEMENTS (self->stream_fds); i++)
    if (self->stream_fds[i] >= 0)
      close (self->stream_fds[i]);
}

void
tvm_engine_unref (TvmEngine *self)
{
  if (!g_atomic_int_dec_and_test (&self->owners))
    return;

  if (tvm_engine_is_foreign (self))
    {
      abandon (self);
      return;
    }

  tvm_engine_shutdown (self, TVM_SHUTDOWN_MODE_CANCEL, NULL, NULL);
  tvm_engine_release (self);
}
