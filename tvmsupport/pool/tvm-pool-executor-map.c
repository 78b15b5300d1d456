/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-pool-executor-private.h"

#include "tvmsupport/pool/tvm-map-iterator-private.h"

/**
 * tvm_pool_executor_map:
 * @self: a pool whose workers call functions
 * @function: the name of a function
 * @items: (array length=n_items): its arguments, for one call after the other; floating references
 *   are taken
 * @n_items: how many there are
 * @flags: how the results come
 *
 * Calls a function for each of many arguments. The first calls are made when the iterator is asked
 * for its first result.
 *
 * The limits are those of the pool: [property@TvmSupport.PoolExecutor:timeout] is that of each
 * call.
 *
 * Returns: (transfer full): gives the results
 *
 * Since: 1.0
 */
TvmMapIterator *
tvm_pool_executor_map (TvmPoolExecutor  *self,
                       const char       *function,
                       GVariant        **items,
                       gsize             n_items,
                       TvmMapFlags       flags)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (items != NULL || n_items == 0, NULL);

  return tvm_map_iterator_new_for_items (tvm_pool_executor_get_engine (self),
                                         tvm_pool_executor_get_max_workers (self), function, items,
                                         n_items, flags);
}

/**
 * tvm_pool_executor_map_tasks:
 * @self: a pool
 * @next_task: (scope notified) (closure user_data) (destroy destroy): makes the tasks, one after
 *   the other
 * @user_data: what @next_task is given
 * @destroy: (nullable): frees @user_data when no more tasks are needed
 * @flags: how the results come
 *
 * Runs tasks that are made when they are needed: by whoever asks the iterator for a result, in the
 * same thread, and no more of them than [property@TvmSupport.MapIterator:look-ahead] in advance.
 *
 * @next_task is never called by two threads at a time, and not after it has returned %NULL. @destroy
 * is called once, in the thread that finds that no more tasks are needed: one that asks for a
 * result, closes the iterator or drops the last reference to it. The latter can be a thread of the
 * library, where a call of [method@TvmSupport.MapIterator.next_async] was all that still had one.
 *
 * Returns: (transfer full): gives the results
 *
 * Since: 1.0
 */
TvmMapIterator *
tvm_pool_executor_map_tasks (TvmPoolExecutor *self,
                             TvmMapFunc       next_task,
                             gpointer         user_data,
                             GDestroyNotify   destroy,
                             TvmMapFlags      flags)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (next_task != NULL, NULL);

  return tvm_map_iterator_new (tvm_pool_executor_get_engine (self),
                               tvm_pool_executor_get_max_workers (self), next_task, user_data,
                               destroy, flags);
}
