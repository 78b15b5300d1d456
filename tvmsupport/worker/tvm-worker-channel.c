/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-channel.h"

#include "tvmsupport/worker/tvm-worker-channel-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

/**
 * TvmWorkerChannel:
 *
 * The worker's end of its connection with who started it: for workers in any language.
 *
 * A program that [ctor@TvmSupport.WorkerSpec.new_runtime] names is started with one word more than
 * it has there, its role, which it gives to [func@TvmSupport.WorkerChannel.open]. Then it takes
 * calls and answers them until there are none:
 *
 * ```python
 * channel = TvmSupport.WorkerChannel.open(sys.argv[-1], "shouter 1.0")
 * while (call := channel.next()) is not None:
 *     try:
 *         call.return_bytes(GLib.Bytes.new(call.get_payload().get_data().upper()))
 *     except Exception as error:
 *         call.return_error(type(error).__name__, str(error), traceback.format_exc(), None)
 * ```
 *
 * What goes over the connection is in [The worker protocol](worker-protocol.html). A runtime that
 * can fork also has a [class@TvmSupport.WorkerNursery].
 *
 * A channel belongs to the thread that uses it. From the first call on that may be cancelled,
 * the process has a thread more.
 *
 * Since: 1.0
 */
struct _TvmWorkerChannel
{
  GObject parent_instance;

  TvmChannel *channel;      /* (owned) */
  TvmWorkerCall *current;   /* (unowned) (nullable): the call that is not answered */
};

G_DEFINE_FINAL_TYPE (TvmWorkerChannel, tvm_worker_channel, G_TYPE_OBJECT)

static gpointer
create_cancellable (void)
{
  return g_cancellable_new ();
}

static void
cancel_cancellable (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

const TvmCancellableFuncs tvm_worker_channel_cancellables = {
  .create = create_cancellable,
  .unref = g_object_unref,
  .cancel = cancel_cancellable,
};

static void
tvm_worker_channel_finalize (GObject *object)
{
  TvmWorkerChannel *self = TVM_WORKER_CHANNEL (object);

  g_clear_pointer (&self->channel, tvm_channel_free);

  G_OBJECT_CLASS (tvm_worker_channel_parent_class)->finalize (object);
}

static void
tvm_worker_channel_class_init (TvmWorkerChannelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = tvm_worker_channel_finalize;
}

static void
tvm_worker_channel_init (TvmWorkerChannel *self)
{
}

TvmWorkerChannel *
tvm_worker_channel_open_role (TvmWorkerRole   role,
                              const char     *program,
                              GError        **error)
{
  g_autoptr (TvmChannel) channel = NULL;
  TvmWorkerChannel *self;

  channel = tvm_channel_open (role, program, TVM_WORKER_CHANNEL_PAYLOAD,
                              &tvm_worker_channel_cancellables, error);
  if (channel == NULL)
    return NULL;

  tvm_worker_self_begin ();
  self = g_object_new (TVM_TYPE_WORKER_CHANNEL, NULL);
  self->channel = g_steal_pointer (&channel);
  return self;
}

TvmChannel *
tvm_worker_channel_peek (TvmWorkerChannel *self)
{
  return self->channel;
}

void
tvm_worker_channel_forget (TvmWorkerChannel *self,
                           TvmWorkerCall    *call)
{
  if (self->current == call)
    self->current = NULL;
}

/**
 * tvm_worker_channel_open:
 * @role: the last word of the command line, `--tvm-worker=fd` or `--tvm-worker=stdio`
 * @program: the name of the worker and its version, for people to read
 * @error: where to store the error
 *
 * Connects a worker with who started it, and says that the worker is there.
 *
 * To be called once, before anything that may print, and before the program has a second thread:
 * for `stdio` the process forks, and what goes on is the child, while the parent sees to it that
 * nothing is left when the connection ends. What is printed never gets between the messages.
 *
 * A runtime that starts threads of its own before its program can call this, as that of JavaScript
 * in GJS does, can only be a worker with `fd`: not behind a launcher such as `ssh`.
 *
 * Fails with `TVM_ERROR_INVALID_ARGUMENT` if @role is none of the two, with
 * `G_IO_ERROR_BROKEN_PIPE` if nobody needs the worker any more, and with `TVM_ERROR_FAILED` if it
 * was not started as a worker, or with `stdio` has a second thread.
 *
 * Returns: (transfer full): the channel
 *
 * Since: 1.0
 */
TvmWorkerChannel *
tvm_worker_channel_open (const char  *role,
                         const char  *program,
                         GError     **error)
{
  g_return_val_if_fail (role != NULL, NULL);
  g_return_val_if_fail (program != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tvm_worker_channel_open_role (tvm_worker_role_parse (role), program, error);
}

/**
 * tvm_worker_channel_next:
 * @self: a channel
 * @error: where to store the error
 *
 * Waits for the next call, which begins with that.
 *
 * The one before is to be answered first; if it is not, it fails.
 *
 * %NULL without an error says that nobody needs the worker any more, and that it is to end its
 * process soon. Fails with `TVM_ERROR_PROTOCOL` if something came that is not of the protocol, and
 * with `TVM_ERROR_FAILED` if an answer could not be sent; the worker ends then, too.
 *
 * Returns: (transfer full) (nullable): the call, or %NULL
 *
 * Since: 1.0
 */
TvmWorkerCall *
tvm_worker_channel_next (TvmWorkerChannel  *self,
                         GError           **error)
{
  TvmChannelCall call;

  g_return_val_if_fail (TVM_IS_WORKER_CHANNEL (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (self->current != NULL)
    tvm_worker_call_abandon (self->current);

  for (;;)
    switch (tvm_channel_next (self->channel, &call, error))
      {
      case TVM_CHANNEL_CALL:
        self->current = tvm_worker_call_new (self, &call);
        return self->current;

      case TVM_CHANNEL_SETUP:
        break;

      case TVM_CHANNEL_END:
      case TVM_CHANNEL_FAILED:
        return NULL;
      }
}

/**
 * tvm_worker_channel_dup_settings:
 * @self: a channel
 *
 * Gets the settings that the caller has sent, each as `NAME=VALUE`.
 *
 * There are none before the first call.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the settings
 *
 * Since: 1.0
 */
char **
tvm_worker_channel_dup_settings (TvmWorkerChannel *self)
{
  const char * const *settings;

  g_return_val_if_fail (TVM_IS_WORKER_CHANNEL (self), NULL);

  settings = tvm_channel_get_settings (self->channel);
  return settings != NULL ? g_strdupv ((char **) settings) : g_new0 (char *, 1);
}

/**
 * tvm_worker_channel_fail:
 * @self: a channel
 * @type: the kind of error, such as the name of the class of an exception
 * @message: what went wrong
 * @traceback: (nullable): where, for people to read
 *
 * Tells the caller that this worker could not set itself up, and why.
 *
 * The worker is to end its process then. This is for what would make every task fail, such as a
 * library that is not installed.
 *
 * Since: 1.0
 */
void
tvm_worker_channel_fail (TvmWorkerChannel *self,
                         const char       *type,
                         const char       *message,
                         const char       *traceback)
{
  g_return_if_fail (TVM_IS_WORKER_CHANNEL (self));
  g_return_if_fail (type != NULL);
  g_return_if_fail (message != NULL);

  tvm_channel_send_error (self->channel, 0, type, message, traceback, NULL);
}
