/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-pool-executor-private.h"

#include "tvmsupport/process/tvm-sync-private.h"

/* A wait for the end, which a cancellable may end before */
typedef struct
{
  int ref_count;            /* atomic: of the engine and of the source */
  int returned;             /* atomic */
  GTask *task;              /* (owned) */
  GSource *source;          /* (nullable) (owned): of the cancellable */
} EndWait;

static void
end_wait_unref (gpointer data)
{
  EndWait *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->source, g_source_unref);
  g_object_unref (self->task);
  g_free (self);
}

static void
end_reached (gpointer user_data)
{
  EndWait *self = user_data;

  if (g_atomic_int_compare_and_exchange (&self->returned, FALSE, TRUE))
    g_task_return_boolean (self->task, TRUE);
  if (self->source != NULL)
    g_source_destroy (self->source);
  end_wait_unref (self);
}

static gboolean
end_wait_cancelled (GCancellable *cancellable,
                    gpointer      user_data)
{
  EndWait *self = user_data;

  if (g_atomic_int_compare_and_exchange (&self->returned, FALSE, TRUE))
    g_task_return_error_if_cancelled (self->task);
  return G_SOURCE_REMOVE;
}

/* Returns: for end_reached() */
static EndWait *
end_wait_new (TvmPoolExecutor     *self,
              gpointer             source_tag,
              GCancellable        *cancellable,
              GAsyncReadyCallback  callback,
              gpointer             user_data)
{
  EndWait *wait = g_new0 (EndWait, 1);

  wait->ref_count = 1;
  wait->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (wait->task, source_tag);
  g_task_set_check_cancellable (wait->task, FALSE);

  if (cancellable != NULL)
    {
      wait->ref_count = 2;
      wait->source = g_cancellable_source_new (cancellable);
      g_source_set_static_name (wait->source, "[tvmsupport] wait for the end of a pool");
      g_source_set_callback (wait->source, G_SOURCE_FUNC (end_wait_cancelled), wait,
                             end_wait_unref);
      g_source_attach (wait->source, g_task_get_context (wait->task));
    }

  return wait;
}

/**
 * tvm_pool_executor_shutdown:
 * @self: a pool
 * @mode: whether what was submitted is still run
 * @cancellable: (nullable): ends the wait, and not the shutdown
 * @error: return location for an error
 *
 * Ends the pool and waits until all tasks have their outcome and no process is left.
 *
 * It may be called again, also to cancel what a first call let run. From the moment of the call on
 * nothing can be submitted. Without it a pool ends, without a wait, when its last reference is
 * dropped.
 *
 * Errors: %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the pool has ended
 *
 * Since: 1.0
 */
gboolean
tvm_pool_executor_shutdown (TvmPoolExecutor  *self,
                            TvmShutdownMode   mode,
                            GCancellable     *cancellable,
                            GError          **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_sync_begin (&sync, error))
    return FALSE;

  tvm_pool_executor_shutdown_async (self, mode, cancellable, tvm_sync_ready, &sync);
  return tvm_pool_executor_shutdown_finish (self, tvm_sync_wait (&sync), error);
}

/**
 * tvm_pool_executor_shutdown_async:
 * @self: a pool
 * @mode: whether what was submitted is still run
 * @cancellable: (nullable): ends the wait, and not the shutdown
 * @callback: (scope async) (closure user_data): called when no process is left
 * @user_data: what @callback is given
 *
 * Ends the pool; see [method@TvmSupport.PoolExecutor.shutdown].
 *
 * Since: 1.0
 */
void
tvm_pool_executor_shutdown_async (TvmPoolExecutor     *self,
                                  TvmShutdownMode      mode,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  EndWait *wait;

  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  wait = end_wait_new (self, tvm_pool_executor_shutdown_async, cancellable, callback, user_data);
  tvm_engine_shutdown (tvm_pool_executor_get_engine (self), mode, end_reached, wait);
}

/**
 * tvm_pool_executor_shutdown_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the outcome of [method@TvmSupport.PoolExecutor.shutdown_async].
 *
 * Returns: whether the pool has ended
 *
 * Since: 1.0
 */
gboolean
tvm_pool_executor_shutdown_finish (TvmPoolExecutor  *self,
                                   GAsyncResult     *result,
                                   GError          **error)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tvm_pool_executor_recycle:
 * @self: a pool
 * @cancellable: (nullable): ends the wait
 * @error: return location for an error
 *
 * Ends the workers that there are, and waits until nothing of them is left.
 *
 * Later tasks get new workers, from the nursery that there is. So a pool that is used again forgets
 * what its tasks have done to the workers, as a new one would, but for the time that that takes to
 * start. What is submitted, and has no result yet, ends with %TVM_ERROR_WORKER_DIED.
 *
 * Errors: %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether all of them are gone
 *
 * Since: 1.0
 */
gboolean
tvm_pool_executor_recycle (TvmPoolExecutor  *self,
                           GCancellable     *cancellable,
                           GError          **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_sync_begin (&sync, error))
    return FALSE;

  tvm_pool_executor_recycle_async (self, cancellable, tvm_sync_ready, &sync);
  return tvm_pool_executor_recycle_finish (self, tvm_sync_wait (&sync), error);
}

/**
 * tvm_pool_executor_recycle_async:
 * @self: a pool
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async) (closure user_data): called when nothing of the workers is left
 * @user_data: what @callback is given
 *
 * Ends the workers that there are; see [method@TvmSupport.PoolExecutor.recycle].
 *
 * Since: 1.0
 */
void
tvm_pool_executor_recycle_async (TvmPoolExecutor     *self,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  EndWait *wait;

  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  wait = end_wait_new (self, tvm_pool_executor_recycle_async, cancellable, callback, user_data);
  tvm_engine_kill_workers (tvm_pool_executor_get_engine (self));
  tvm_engine_wait_gone (tvm_pool_executor_get_engine (self), end_reached, wait);
}

/**
 * tvm_pool_executor_recycle_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the outcome of [method@TvmSupport.PoolExecutor.recycle_async].
 *
 * Returns: whether all of them are gone
 *
 * Since: 1.0
 */
gboolean
tvm_pool_executor_recycle_finish (TvmPoolExecutor  *self,
                                  GAsyncResult     *result,
                                  GError          **error)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
