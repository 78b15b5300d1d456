/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-cache.h"

#include "tvmsupport/process/tvm-task-thread-private.h"

/* The asynchronous forms: the same in a thread. */

typedef struct
{
  char *key;
  GBytes *contents;
  guint64 maximum_size;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->key);
  g_clear_pointer (&job->contents, g_bytes_unref);
  g_free (job);
}

static void
start (TvmKernelCache      *self,
       gpointer             source_tag,
       const char          *key,
       GBytes              *contents,
       guint64              maximum_size,
       GTaskThreadFunc      func,
       GCancellable        *cancellable,
       GAsyncReadyCallback  callback,
       gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Job *job = g_new0 (Job, 1);

  job->key = g_strdup (key);
  job->contents = contents != NULL ? g_bytes_ref (contents) : NULL;
  job->maximum_size = maximum_size;
  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, job, job_free);
  tvm_task_run_in_thread (task, func);
}

static void
lookup_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;
  GBytes *value = tvm_kernel_cache_lookup (source_object, job->key, cancellable, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, value, (GDestroyNotify) g_bytes_unref);
}

/**
 * tvm_kernel_cache_lookup_async:
 * @self: a cache
 * @key: what it was stored by, which is not empty
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Reads what was stored by a key, without blocking. See
 * [method@TvmSupport.KernelCache.lookup].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_lookup_async (TvmKernelCache      *self,
                               const char          *key,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));
  g_return_if_fail (key != NULL && key[0] != '\0');
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  start (self, tvm_kernel_cache_lookup_async, key, NULL, 0, lookup_in_thread, cancellable,
         callback, user_data);
}

/**
 * tvm_kernel_cache_lookup_finish:
 * @self: a cache
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.KernelCache.lookup_async] began. The errors are those of
 * [method@TvmSupport.KernelCache.lookup].
 *
 * Returns: (transfer full) (nullable): the contents, or %NULL if there are none
 *
 * Since: 1.0
 */
GBytes *
tvm_kernel_cache_lookup_finish (TvmKernelCache  *self,
                                GAsyncResult    *result,
                                GError         **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
store_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;

  if (tvm_kernel_cache_store (source_object, job->key, job->contents, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_kernel_cache_store_async:
 * @self: a cache
 * @key: what to store it by, which is not empty
 * @contents: the contents
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Stores bytes by a key, without blocking. See
 * [method@TvmSupport.KernelCache.store].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_store_async (TvmKernelCache      *self,
                              const char          *key,
                              GBytes              *contents,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));
  g_return_if_fail (key != NULL && key[0] != '\0');
  g_return_if_fail (contents != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  start (self, tvm_kernel_cache_store_async, key, contents, 0, store_in_thread, cancellable,
         callback, user_data);
}

/**
 * tvm_kernel_cache_store_finish:
 * @self: a cache
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.KernelCache.store_async] began. The errors are those of
 * [method@TvmSupport.KernelCache.store].
 *
 * Returns: whether it is stored
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_store_finish (TvmKernelCache  *self,
                               GAsyncResult    *result,
                               GError         **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
clear_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  GError *error = NULL;

  if (tvm_kernel_cache_clear (source_object, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_kernel_cache_clear_async:
 * @self: a cache
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Removes all entries, without blocking. See
 * [method@TvmSupport.KernelCache.clear].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_clear_async (TvmKernelCache      *self,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  start (self, tvm_kernel_cache_clear_async, NULL, NULL, 0, clear_in_thread, cancellable,
         callback, user_data);
}

/**
 * tvm_kernel_cache_clear_finish:
 * @self: a cache
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.KernelCache.clear_async] began. The errors are those of
 * [method@TvmSupport.KernelCache.clear].
 *
 * Returns: whether nothing is left
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_clear_finish (TvmKernelCache  *self,
                               GAsyncResult    *result,
                               GError         **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
trim_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  Job *job = task_data;
  GError *error = NULL;

  if (tvm_kernel_cache_trim (source_object, job->maximum_size, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_kernel_cache_trim_async:
 * @self: a cache
 * @maximum_size: how many bytes may stay
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Removes the entries that were not used for longest, without blocking. See
 * [method@TvmSupport.KernelCache.trim].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_trim_async (TvmKernelCache      *self,
                             guint64              maximum_size,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  start (self, tvm_kernel_cache_trim_async, NULL, NULL, maximum_size, trim_in_thread, cancellable,
         callback, user_data);
}

/**
 * tvm_kernel_cache_trim_finish:
 * @self: a cache
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.KernelCache.trim_async] began. The errors are those of
 * [method@TvmSupport.KernelCache.trim].
 *
 * Returns: whether no more than that is left
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_trim_finish (TvmKernelCache  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
dup_stats_in_thread (GTask        *task,
                     gpointer      source_object,
                     gpointer      task_data,
                     GCancellable *cancellable)
{
  GError *error = NULL;
  GVariant *value = tvm_kernel_cache_dup_stats (source_object, cancellable, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, value, (GDestroyNotify) g_variant_unref);
}

/**
 * tvm_kernel_cache_dup_stats_async:
 * @self: a cache
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Counts what is in the cache, without blocking. See
 * [method@TvmSupport.KernelCache.dup_stats].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_dup_stats_async (TvmKernelCache      *self,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  start (self, tvm_kernel_cache_dup_stats_async, NULL, NULL, 0, dup_stats_in_thread, cancellable,
         callback, user_data);
}

/**
 * tvm_kernel_cache_dup_stats_finish:
 * @self: a cache
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.KernelCache.dup_stats_async] began. The errors are those of
 * [method@TvmSupport.KernelCache.dup_stats].
 *
 * Returns: (transfer full): the numbers
 *
 * Since: 1.0
 */
GVariant *
tvm_kernel_cache_dup_stats_finish (TvmKernelCache  *self,
                                   GAsyncResult    *result,
                                   GError         **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
