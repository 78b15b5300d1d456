/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-nursery.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-nursery.h"
#include "tvmsupport/worker/tvm-worker-channel-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>

/**
 * TvmWorkerNursery:
 *
 * A process that forks workers of a language: they begin with what it has loaded.
 *
 * The program of a runtime that can fork (see [ctor@TvmSupport.WorkerSpec.new_runtime]) is also
 * started with the role `--tvm-worker=nursery`. It then loads all that its workers need, and forks
 * when it is told to, in the way of its language:
 *
 * ```python
 * def serve(channel):
 *     while (call := channel.next()) is not None:
 *         call.return_bytes(work(call.get_payload()))
 *
 * if sys.argv[-1] != "--tvm-worker=nursery":
 *     serve(TvmSupport.WorkerChannel.open(sys.argv[-1], "worker 1.0"))
 *     sys.exit()
 *
 * nursery = TvmSupport.WorkerNursery.open(sys.argv[-1], "worker 1.0")
 * while (request := nursery.next()) != TvmSupport.WorkerRequest.END:
 *     if request == TvmSupport.WorkerRequest.FORK:
 *         pid = os.fork()
 *         if pid == 0:
 *             serve(nursery.child())
 *             os._exit(0)
 *         nursery.parent(pid, 0)
 * ```
 *
 * The nursery looks after its children: it kills those that are to die, with all that they started,
 * and tells the library of each that ended. When the library or its process is gone, so is the
 * nursery with everything below it.
 *
 * A process with a second thread cannot fork a worker that works. Where it finds one, the nursery
 * refuses by itself, and the library starts each worker as a program of its own.
 *
 * A nursery belongs to the thread that opened it.
 *
 * Since: 1.0
 */
struct _TvmWorkerNursery
{
  GObject parent_instance;

  TvmNursery *nursery;      /* (owned) (nullable): not in a child */
  char *program;
  char **settings;
  gboolean forking;         /* asked for a fork, and was not told about one */
};

G_DEFINE_FINAL_TYPE (TvmWorkerNursery, tvm_worker_nursery, G_TYPE_OBJECT)

static void
tvm_worker_nursery_finalize (GObject *object)
{
  TvmWorkerNursery *self = TVM_WORKER_NURSERY (object);

  g_clear_pointer (&self->nursery, tvm_nursery_free);
  g_strfreev (self->settings);
  g_free (self->program);

  G_OBJECT_CLASS (tvm_worker_nursery_parent_class)->finalize (object);
}

static void
tvm_worker_nursery_class_init (TvmWorkerNurseryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = tvm_worker_nursery_finalize;
}

static void
tvm_worker_nursery_init (TvmWorkerNursery *self)
{
  self->settings = g_new0 (char *, 1);
}

/**
 * tvm_worker_nursery_open:
 * @role: the last word of the command line, `--tvm-worker=nursery`
 * @program: the name of the runtime and its version, for people to read
 * @error: where to store the error
 *
 * Makes this process a nursery, and says that it is there.
 *
 * To be called once, while the process has one thread. From now on all signals are blocked in it,
 * and every child of this process is one of the nursery.
 *
 * Fails with `TVM_ERROR_INVALID_ARGUMENT` if @role is another, and with `TVM_ERROR_FAILED` if there
 * is nobody at the other end.
 *
 * Returns: (transfer full): the nursery
 *
 * Since: 1.0
 */
TvmWorkerNursery *
tvm_worker_nursery_open (const char  *role,
                         const char  *program,
                         GError     **error)
{
  TvmWorkerNursery *self;
  TvmNursery *nursery;

  g_return_val_if_fail (role != NULL, NULL);
  g_return_val_if_fail (program != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (tvm_worker_role_parse (role) != TVM_WORKER_ROLE_NURSERY)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is not what a nursery is told on its command line"), role);
      return NULL;
    }

  nursery = tvm_nursery_new (TVM_WORKER_CHANNEL_FD, program, TVM_WORKER_CHANNEL_PAYLOAD, true);
  if (nursery == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
                   _("Cannot reach who started this worker: %s"), g_strerror (errno));
      return NULL;
    }

  tvm_worker_self_begin ();
  self = g_object_new (TVM_TYPE_WORKER_NURSERY, NULL);
  self->nursery = nursery;
  self->program = g_strdup (program);
  return self;
}

/**
 * tvm_worker_nursery_next:
 * @self: a nursery, not in a child
 *
 * Looks after the workers until there is something for the language to do.
 *
 * With `TVM_WORKER_REQUEST_END` all workers have been killed.
 *
 * Returns: what to do
 *
 * Since: 1.0
 */
TvmWorkerRequest
tvm_worker_nursery_next (TvmWorkerNursery *self)
{
  const char *settings;
  size_t length;

  g_return_val_if_fail (TVM_IS_WORKER_NURSERY (self), TVM_WORKER_REQUEST_END);
  g_return_val_if_fail (self->nursery != NULL, TVM_WORKER_REQUEST_END);
  g_return_val_if_fail (!self->forking, TVM_WORKER_REQUEST_END);

  switch (tvm_nursery_next (self->nursery, &settings, &length))
    {
    case TVM_NURSERY_FORK:
      self->forking = TRUE;
      return TVM_WORKER_REQUEST_FORK;

    case TVM_NURSERY_SETUP:
      g_strfreev (self->settings);
      self->settings = tvm_channel_split_settings (settings, length);
      return TVM_WORKER_REQUEST_SETUP;

    case TVM_NURSERY_END:
    default:
      return TVM_WORKER_REQUEST_END;
    }
}

/**
 * tvm_worker_nursery_dup_settings:
 * @self: a nursery
 *
 * Gets the settings that the caller has sent, each as `NAME=VALUE`.
 *
 * There are none before `TVM_WORKER_REQUEST_SETUP`.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the settings
 *
 * Since: 1.0
 */
char **
tvm_worker_nursery_dup_settings (TvmWorkerNursery *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_NURSERY (self), NULL);

  return g_strdupv (self->settings);
}

/**
 * tvm_worker_nursery_child:
 * @self: a nursery that asked for a fork, in the child
 * @error: where to store the error
 *
 * Makes the forked child a worker.
 *
 * Its output, limits and directory are what they are to be, and it has nothing of the nursery any
 * more: @self is of no use in the child from now on.
 *
 * Fails with `TVM_ERROR_FAILED` if that cannot be; then the child is to end by `_exit()`.
 *
 * Returns: (transfer full): where the worker gets its calls from
 *
 * Since: 1.0
 */
TvmWorkerChannel *
tvm_worker_nursery_child (TvmWorkerNursery  *self,
                          GError           **error)
{
  int errsv;

  g_return_val_if_fail (TVM_IS_WORKER_NURSERY (self), NULL);
  g_return_val_if_fail (self->forking, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self->forking = FALSE;
  errsv = tvm_nursery_child (g_steal_pointer (&self->nursery));
  if (errsv != 0)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED, _("Cannot set up a worker: %s"),
                   g_strerror (errsv));
      return NULL;
    }

  return tvm_worker_channel_open_role (TVM_WORKER_ROLE_FD, self->program, error);
}

/**
 * tvm_worker_nursery_parent:
 * @self: a nursery that asked for a fork, in the parent
 * @pid: the child, or -1 if there is none
 * @errsv: the `errno` of a fork that failed, else 0
 *
 * Tells the nursery how the fork went.
 *
 * Since: 1.0
 */
void
tvm_worker_nursery_parent (TvmWorkerNursery *self,
                           int               pid,
                           int               errsv)
{
  g_return_if_fail (TVM_IS_WORKER_NURSERY (self));
  g_return_if_fail (self->forking);

  self->forking = FALSE;
  tvm_nursery_parent (self->nursery, pid, errsv);
}
