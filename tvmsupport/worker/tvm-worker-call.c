/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-call.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-worker-channel-private.h"

#include <glib/gi18n-lib.h>

/**
 * TvmWorkerCall:
 *
 * A call that a worker has to answer: a task, or the initializer of the worker.
 *
 * It comes from [method@TvmSupport.WorkerChannel.next] and is answered once, by
 * [method@TvmSupport.WorkerCall.return_bytes] or [method@TvmSupport.WorkerCall.return_error]. One
 * that is not answered when it is freed, or when the next one is asked for, fails.
 *
 * It belongs to the thread of its channel; only its cancellable may be used in any.
 *
 * Since: 1.0
 */
struct _TvmWorkerCall
{
  GObject parent_instance;

  TvmWorkerChannel *channel;  /* (owned) */
  TvmChannelCall call;
  GCancellable *cancellable;  /* (owned) (nullable) */
  GPtrArray *parts;           /* (owned) (nullable) (element-type GBytes): the result so far */
  gboolean answered;
};

G_DEFINE_FINAL_TYPE (TvmWorkerCall, tvm_worker_call, G_TYPE_OBJECT)

static void
tvm_worker_call_dispose (GObject *object)
{
  TvmWorkerCall *self = TVM_WORKER_CALL (object);

  if (self->channel != NULL)
    tvm_worker_call_abandon (self);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->channel);

  G_OBJECT_CLASS (tvm_worker_call_parent_class)->dispose (object);
}

static void
tvm_worker_call_finalize (GObject *object)
{
  TvmWorkerCall *self = TVM_WORKER_CALL (object);

  g_clear_pointer (&self->parts, g_ptr_array_unref);
  tvm_channel_call_clear (&self->call);

  G_OBJECT_CLASS (tvm_worker_call_parent_class)->finalize (object);
}

static void
tvm_worker_call_class_init (TvmWorkerCallClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tvm_worker_call_dispose;
  object_class->finalize = tvm_worker_call_finalize;
}

static void
tvm_worker_call_init (TvmWorkerCall *self)
{
}

TvmWorkerCall *
tvm_worker_call_new (TvmWorkerChannel *channel,
                     TvmChannelCall   *call)
{
  TvmWorkerCall *self = g_object_new (TVM_TYPE_WORKER_CALL, NULL);

  self->channel = g_object_ref (channel);
  self->call = *call;
  *call = (TvmChannelCall) { 0 };
  if (self->call.cancellable != NULL)
    self->cancellable = g_object_ref (self->call.cancellable);
  return self;
}

static void
set_answered (TvmWorkerCall *self)
{
  self->answered = TRUE;
  tvm_worker_channel_forget (self->channel, self);
}

void
tvm_worker_call_abandon (TvmWorkerCall *self)
{
  g_autoptr (GError) error = NULL;

  if (self->answered)
    return;

  g_set_error_literal (&error, TVM_ERROR, TVM_ERROR_FAILED,
                       _("The worker did not answer the task"));
  tvm_channel_send_gerror (tvm_worker_channel_peek (self->channel), self->call.id, error);
  set_answered (self);
}

static struct iovec
make_part (GBytes *bytes)
{
  struct iovec part;
  gsize size;

  part.iov_base = (gpointer) g_bytes_get_data (bytes, &size);
  part.iov_len = size;
  return part;
}

/* So many do not go into one system call. */
static void
join_parts (TvmWorkerCall *self)
{
  GByteArray *joined = g_byte_array_new ();

  for (guint i = 0; i < self->parts->len; i++)
    {
      struct iovec part = make_part (g_ptr_array_index (self->parts, i));

      g_byte_array_append (joined, part.iov_base, part.iov_len);
    }

  g_ptr_array_set_size (self->parts, 0);
  g_ptr_array_add (self->parts, g_byte_array_free_to_bytes (joined));
}

/**
 * tvm_worker_call_get_payload:
 * @self: a call
 *
 * Gets what is to be done, in the encoding that the caller and the worker agree on.
 *
 * Returns: (transfer none): the payload
 *
 * Since: 1.0
 */
GBytes *
tvm_worker_call_get_payload (TvmWorkerCall *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_CALL (self), NULL);

  return self->call.payload;
}

/**
 * tvm_worker_call_get_initializer:
 * @self: a call
 *
 * Gets whether the call is the initializer of this worker, which comes before its tasks.
 *
 * Returns: %TRUE for the initializer, %FALSE for a task
 *
 * Since: 1.0
 */
gboolean
tvm_worker_call_get_initializer (TvmWorkerCall *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_CALL (self), FALSE);

  return self->call.is_initializer;
}

/**
 * tvm_worker_call_get_cancellable:
 * @self: a call
 *
 * Gets what is cancelled at the soft time limit of the task.
 *
 * It is cancelled in another thread, while the call runs; a worker may look at it now and then, or
 * give it to what it calls.
 *
 * Returns: (transfer none) (nullable): a cancellable, or %NULL if the task has no such limit
 *
 * Since: 1.0
 */
GCancellable *
tvm_worker_call_get_cancellable (TvmWorkerCall *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_CALL (self), NULL);

  return self->cancellable;
}

/**
 * tvm_worker_call_add_bytes:
 * @self: a call that is not answered yet
 * @result: a part of the result
 *
 * Puts something before what [method@TvmSupport.WorkerCall.return_bytes] is given. The bytes are not
 * copied.
 *
 * So something large need not be joined with what describes it. The caller gets all of it as one
 * result. An error is answered without it.
 *
 * Since: 1.0
 */
void
tvm_worker_call_add_bytes (TvmWorkerCall *self,
                           GBytes        *result)
{
  g_return_if_fail (TVM_IS_WORKER_CALL (self));
  g_return_if_fail (result != NULL);
  g_return_if_fail (!self->answered);

  if (self->parts == NULL)
    self->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  else if (self->parts->len == TVM_FRAME_MAX_PARTS - 1)
    join_parts (self);
  g_ptr_array_add (self->parts, g_bytes_ref (result));
}

/**
 * tvm_worker_call_return_bytes:
 * @self: a call that is not answered yet
 * @result: the result, in the encoding that the caller and the worker agree on
 *
 * Answers with a result.
 *
 * What was printed through C's `stdout` and `stderr` is flushed before. A result that is longer
 * than the caller takes makes the task fail instead. If the caller is gone,
 * [method@TvmSupport.WorkerChannel.next] tells.
 *
 * Since: 1.0
 */
void
tvm_worker_call_return_bytes (TvmWorkerCall *self,
                              GBytes        *result)
{
  struct iovec parts[TVM_FRAME_MAX_PARTS];
  guint n_parts = 0;

  g_return_if_fail (TVM_IS_WORKER_CALL (self));
  g_return_if_fail (result != NULL);
  g_return_if_fail (!self->answered);

  for (guint i = 0; self->parts != NULL && i < self->parts->len; i++)
    parts[n_parts++] = make_part (g_ptr_array_index (self->parts, i));
  parts[n_parts++] = make_part (result);

  tvm_channel_send_result (tvm_worker_channel_peek (self->channel), self->call.id, parts, n_parts);
  set_answered (self);
}

/**
 * tvm_worker_call_return_error:
 * @self: a call that is not answered yet
 * @type: the kind of error, such as the name of the class of an exception
 * @message: what went wrong
 * @traceback: (nullable): where, for people to read
 * @extra: (nullable): what else the caller and the worker agree on, such as the exception itself
 *
 * Answers that the call failed.
 *
 * The worker goes on with the next one. Texts of more than a megabyte are cut, and @extra is left
 * out where the caller takes no message that long.
 *
 * Since: 1.0
 */
void
tvm_worker_call_return_error (TvmWorkerCall *self,
                              const char    *type,
                              const char    *message,
                              const char    *traceback,
                              GBytes        *extra)
{
  g_return_if_fail (TVM_IS_WORKER_CALL (self));
  g_return_if_fail (type != NULL);
  g_return_if_fail (message != NULL);
  g_return_if_fail (!self->answered);

  tvm_channel_send_error (tvm_worker_channel_peek (self->channel), self->call.id, type, message,
                          traceback, extra);
  set_answered (self);
}
