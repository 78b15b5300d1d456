/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-worker-info-private.h"

#include "tvmsupport/tvm-enums.h"

/**
 * TvmWorkerInfo:
 *
 * What is known of one worker of a pool.
 *
 * [property@TvmSupport.PoolExecutor:workers] has one for each worker there is. Its properties
 * change, with `notify`, in the context in which the pool was made; they are a picture of a
 * moment that may be over. An object whose worker is gone stays as it was, in the state
 * %TVM_WORKER_STATE_GONE.
 *
 * ```c
 * static void
 * state_changed (TvmWorkerInfo *worker)
 * {
 *   if (tvm_worker_info_get_state (worker) == TVM_WORKER_STATE_GONE)
 *     g_print ("worker %d ended after %" G_GUINT64_FORMAT " tasks\n",
 *              tvm_worker_info_get_pid (worker), tvm_worker_info_get_n_uses (worker));
 * }
 *
 * static void
 * watch_worker (TvmWorkerInfo *worker)
 * {
 *   g_signal_connect (worker, "notify::state", G_CALLBACK (state_changed), NULL);
 * }
 * ```
 *
 * Since: 1.0
 */

struct _TvmWorkerInfo
{
  GObject parent_instance;

  TvmEngineWorker worker;
};

G_DEFINE_FINAL_TYPE (TvmWorkerInfo, tvm_worker_info, G_TYPE_OBJECT)

typedef enum
{
  PROP_ID = 1,
  PROP_PID,
  PROP_STATE,
  PROP_N_USES,
} TvmWorkerInfoProperty;

static GParamSpec *obj_props[PROP_N_USES + 1];

static void
tvm_worker_info_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  TvmWorkerInfo *self = TVM_WORKER_INFO (object);

  switch ((TvmWorkerInfoProperty) prop_id)
    {
    case PROP_ID:
      g_value_set_uint64 (value, self->worker.id);
      break;
    case PROP_PID:
      g_value_set_int (value, self->worker.pid);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->worker.state);
      break;
    case PROP_N_USES:
      g_value_set_uint64 (value, self->worker.n_uses);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_worker_info_class_init (TvmWorkerInfoClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags =
    G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tvm_worker_info_get_property;

  /**
   * TvmWorkerInfo:id:
   *
   * A number that no other worker of the pool has or had.
   *
   * Since: 1.0
   */
  obj_props[PROP_ID] = g_param_spec_uint64 ("id", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmWorkerInfo:pid:
   *
   * The process of the worker; 0 until it is known. Behind a launcher such as `ssh` it is one of
   * the other machine.
   *
   * Since: 1.0
   */
  obj_props[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, flags);

  /**
   * TvmWorkerInfo:state:
   *
   * What the worker does.
   *
   * Since: 1.0
   */
  obj_props[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, TVM_TYPE_WORKER_STATE, TVM_WORKER_STATE_STARTING,
                       flags);

  /**
   * TvmWorkerInfo:n-uses:
   *
   * How many tasks the worker has run; its initializer is not counted.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_USES] = g_param_spec_uint64 ("n-uses", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_worker_info_init (TvmWorkerInfo *self)
{
}

TvmWorkerInfo *
tvm_worker_info_new (const TvmEngineWorker *worker)
{
  TvmWorkerInfo *self = g_object_new (TVM_TYPE_WORKER_INFO, NULL);

  self->worker = *worker;
  return self;
}

void
tvm_worker_info_update (TvmWorkerInfo         *self,
                        const TvmEngineWorker *worker)
{
  TvmEngineWorker old;

  g_return_if_fail (TVM_IS_WORKER_INFO (self));
  g_return_if_fail (worker != NULL && worker->id == self->worker.id);

  /* All of it first: who is told of one part may look at the others. */
  old = self->worker;
  self->worker = *worker;

  g_object_freeze_notify (G_OBJECT (self));
  if (old.pid != worker->pid)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_PID]);
  if (old.n_uses != worker->n_uses)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_N_USES]);
  if (old.state != worker->state)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_STATE]);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * tvm_worker_info_get_id: (get-property id)
 * @self: a worker
 *
 * Gets a number that no other worker of the pool has or had.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_worker_info_get_id (TvmWorkerInfo *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_INFO (self), 0);

  return self->worker.id;
}

/**
 * tvm_worker_info_get_pid: (get-property pid)
 * @self: a worker
 *
 * Gets the process of the worker.
 *
 * Returns: the process ID, or 0 if it is not known yet
 *
 * Since: 1.0
 */
int
tvm_worker_info_get_pid (TvmWorkerInfo *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_INFO (self), 0);

  return self->worker.pid;
}

/**
 * tvm_worker_info_get_state: (get-property state)
 * @self: a worker
 *
 * Gets what the worker does.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
TvmWorkerState
tvm_worker_info_get_state (TvmWorkerInfo *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_INFO (self), TVM_WORKER_STATE_GONE);

  return self->worker.state;
}

/**
 * tvm_worker_info_get_n_uses: (get-property n-uses)
 * @self: a worker
 *
 * Gets how many tasks the worker has run.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_worker_info_get_n_uses (TvmWorkerInfo *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_INFO (self), 0);

  return self->worker.n_uses;
}
