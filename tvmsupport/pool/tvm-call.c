/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

static gint64
msec_to_usec (gint64 msec,
              gint64 fallback_usec)
{
  if (msec < 0)
    return fallback_usec;
  return msec > NEVER / 1000 ? NEVER : msec * 1000;
}

gboolean
tvm_call_check_size (const TvmWorkerSpec  *spec,
                     TvmTask              *task,
                     guint64               size,
                     GError              **error)
{
  guint64 limit = spec->max_message;
  g_autofree char *description = NULL;
  g_autofree char *allowed = NULL;
  g_autofree char *needed = NULL;

  if (spec->payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    limit = MIN (limit, TVM_FRAME_MAX_CONTROL);
  if (size <= limit)
    return TRUE;

  description = tvm_task_dup_short_description (task);
  /* xgettext does not know G_GUINT64_FORMAT. */
  needed = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  allowed = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The arguments of “%s” need %s bytes, of %s that are allowed"),
               description, needed, allowed);
  return FALSE;
}

static gsize
get_size (GBytes *bytes)
{
  return bytes != NULL ? g_bytes_get_size (bytes) : 0;
}

static gboolean
encode (TvmCall  *self,
        TvmTask  *task,
        GError  **error)
{
  const TvmWorkerSpec *spec = self->engine->spec;
  guint64 size = task->args != NULL ? g_variant_get_size (task->args) : get_size (task->bytes);

  /* Before the arguments are copied */
  if (!tvm_call_check_size (spec, task, size, error))
    return FALSE;

  self->payload = tvm_task_encode (task, spec, &self->rest, error);
  size = get_size (self->payload);
  for (guint i = 0; self->rest != NULL && i < self->rest->len; i++)
    size += get_size (g_ptr_array_index (self->rest, i));
  return self->payload != NULL && tvm_call_check_size (spec, task, size, error);
}

TvmCall *
tvm_call_new (TvmEngine    *engine,
              TvmTask      *task,
              TvmCallDone   done,
              gpointer      done_data,
              GError      **error)
{
  TvmCall *self = g_new0 (TvmCall, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->engine = engine;
  tvm_engine_hold (engine);
  self->link.data = self;
  self->done = done;
  self->done_data = done_data;
  self->priority = task->priority;
  self->timeout_usec = msec_to_usec (task->timeout_msec, engine->timeout_usec);
  self->soft_timeout_usec = msec_to_usec (task->soft_timeout_msec, engine->soft_timeout_usec);
  self->description = tvm_task_dup_short_description (task);
  if (task->payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    {
      self->stdin_bytes = task->stdin_bytes != NULL ? g_bytes_ref (task->stdin_bytes) : NULL;
      self->output_limit = task->output_limit;
      self->inherit_stdio = task->inherit_stdio;
      self->cwd = g_strdup (task->cwd != NULL ? task->cwd : engine->spec->cwd);
    }

  if (!encode (self, task, error))
    g_clear_pointer (&self->payload, g_bytes_unref);

  return self;
}

TvmCall *
tvm_call_ref (TvmCall *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tvm_call_unref (TvmCall *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->payload, g_bytes_unref);
  g_clear_pointer (&self->rest, g_ptr_array_unref);
  g_clear_pointer (&self->stdin_bytes, g_bytes_unref);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->result);
  g_clear_error (&self->error);
  g_free (self->description);
  g_free (self->cwd);
  tvm_engine_release (self->engine);
  g_free (self);
}

void
tvm_call_complete_locked (TvmCall       *self,
                          TvmTaskResult *result,
                          GError        *error)
{
  TvmEngine *engine = self->engine;

  /* A ghost */
  if (self->done == NULL)
    {
      g_clear_object (&result);
      g_clear_error (&error);
      tvm_call_unref (self);
      return;
    }

  if (result != NULL)
    {
      result->n_attempts = self->n_attempts;
      if (self->outlets.out != NULL)
        tvm_outlets_take_locked (&self->outlets, result);
    }
  tvm_outlets_close_locked (&self->outlets);

  self->state = CALL_DONE;
  self->worker = NULL;
  self->result = result;
  self->error = error;
  engine->n_finished++;
  engine->change_wanted = TRUE;
  g_queue_push_tail_link (&engine->completed, &self->link);
}

/* Without a lock. Takes the reference. */
void
tvm_call_give_away (TvmCall *self)
{
  gulong id = self->cancel_id;

  /* Not g_cancellable_disconnect(), which would wait for the very emission that may have brought
   * us here. */
  if (id != 0)
    g_signal_handler_disconnect (self->cancellable, id);

  self->done (g_steal_pointer (&self->result), g_steal_pointer (&self->error), self->done_data);
  tvm_call_unref (self);
}

static GError *
make_cancelled (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Operation was cancelled"));
}

void
tvm_call_leave_worker_locked (TvmCall *self)
{
  TvmCall *ghost = g_new0 (TvmCall, 1);

  g_atomic_ref_count_init (&ghost->ref_count);
  ghost->engine = self->engine;
  tvm_engine_hold (ghost->engine);
  ghost->link.data = ghost;
  ghost->state = CALL_SENT;
  ghost->worker = self->worker;
  ghost->wire_id = self->wire_id;
  ghost->description = g_strdup (self->description);
  ghost->timeout_usec = NEVER;
  ghost->soft_timeout_usec = NEVER;
  g_queue_insert_before_link (&self->worker->calls, &self->link, &ghost->link);
  g_queue_unlink (&self->worker->calls, &self->link);
}

void
tvm_call_cancel_locked (TvmCall *self)
{
  TvmWorker *worker = self->worker;

  switch (self->state)
    {
    case CALL_QUEUED:
      tvm_call_unqueue_locked (self);
      tvm_call_complete_locked (self, NULL, make_cancelled ());
      return;

    case CALL_SENT:
      /* Only now it is certain what runs, and what never will. */
      if (worker->calls.length > 1)
        tvm_worker_revoke_locked (worker);
      if (self->state != CALL_SENT || self->worker != worker)
        tvm_call_cancel_locked (self);
      else
        {
          g_queue_unlink (&worker->calls, &self->link);
          tvm_call_complete_locked (self, NULL, make_cancelled ());
          tvm_worker_kill_locked (worker);
        }
      tvm_engine_dispatch_locked (self->engine);
      return;

    case CALL_NEW:
      self->cancel_requested = TRUE;
      return;

    case CALL_DONE:
    default:
      return;
    }
}

void
tvm_call_cancel (TvmCall *self)
{
  if (tvm_engine_is_foreign (self->engine))
    return;

  tvm_engine_lock (self->engine);
  tvm_call_cancel_locked (self);
  tvm_engine_check_end_locked (self->engine);
  tvm_engine_unlock (self->engine);
}

gboolean
tvm_call_is_running (TvmCall *self)
{
  gboolean runs;

  if (tvm_engine_is_foreign (self->engine))
    return FALSE;

  tvm_engine_lock (self->engine);
  /* What was sent ahead waits behind the first one. */
  runs = self->state == CALL_SENT && self->worker->ready
         && g_queue_peek_head (&self->worker->calls) == self;
  tvm_engine_unlock (self->engine);

  return runs;
}

static void
cancelled (GCancellable *cancellable,
           gpointer      user_data)
{
  TvmCall *self = user_data;

  /* GLib calls this with a lock of its own held if it was cancelled before it was connected. */
  if (!g_atomic_int_get (&self->connecting))
    tvm_call_cancel (self);
}

/* Before the call is submitted, without a lock. */
void
tvm_call_connect (TvmCall      *self,
                  GCancellable *cancellable)
{
  self->cancellable = g_object_ref (cancellable);
  g_atomic_int_set (&self->connecting, TRUE);
  self->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled), tvm_call_ref (self),
                                           (GDestroyNotify) tvm_call_unref);
  g_atomic_int_set (&self->connecting, FALSE);

  if (g_cancellable_is_cancelled (cancellable))
    tvm_call_cancel (self);
}

static gboolean
open_inherited (int     fds[3],
                GError **error)
{
  for (int i = 0; i < 3; i++)
    {
      fds[i] = tvm_fd_dup_stdio (i, error);
      if (fds[i] >= 0)
        continue;

      while (i-- > 0)
        close (fds[i]);
      return FALSE;
    }

  return TRUE;
}

gboolean
tvm_call_open_stdio (TvmCall  *self,
                     int       fds[3],
                     guint    *n_fds,
                     GError  **error)
{
  guint n = 0;

  if (self->inherit_stdio && self->stdin_bytes == NULL)
    {
      *n_fds = 3;
      return open_inherited (fds, error);
    }

  if (self->stdin_bytes != NULL)
    {
      fds[0] = tvm_launch_make_memfd ("tvmsupport-stdin", self->stdin_bytes, error);
      if (fds[0] < 0)
        return FALSE;
      n = 1;
    }

  self->outlets.out = tvm_outlet_new (self->engine, self->output_limit, &fds[n], error);
  if (self->outlets.out != NULL)
    {
      self->outlets.err = tvm_outlet_new (self->engine, self->output_limit, &fds[n + 1], error);
      if (self->outlets.err != NULL)
        {
          *n_fds = n + 2;
          return TRUE;
        }
      close (fds[n]);
    }

  if (n > 0)
    close (fds[0]);
  tvm_outlets_close_locked (&self->outlets);
  return FALSE;
}
