/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-bytes-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/* A compiler that does not know its version in this time never will. */
#define VERSION_TIMEOUT_MSEC 20000

/* The first release with CUDA graphs */
#define FIRST_MAJOR_WITH_GRAPHS 10

/* Owned by the task */
typedef struct
{
  char *nvcc;
  TvmSearch search;
} VersionQuery;

static void
version_query_free (gpointer data)
{
  VersionQuery *query = data;

  g_free (query->nvcc);
  tvm_search_clear (&query->search);
  g_free (query);
}

static void
return_not_found (GTask *task)
{
  VersionQuery *query = g_task_get_task_data (task);
  GError *error = NULL;

  tvm_search_set_error (&query->search, _("the version of CUDA"), &error);
  g_task_return_error (task, error);
}

static void
nvcc_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  VersionQuery *query = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmProcessResult) process = tvm_process_run_finish (result, &error);
  g_autofree char *output = NULL;
  char *version = NULL;

  if (process == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (process == NULL)
    tvm_search_add (&query->search, "%s", error->message);
  else
    {
      output = tvm_bytes_dup_utf8 (process->stdout_bytes);
      version = tvm_cuda_toolkit_parse_version (output);
      if (version == NULL)
        tvm_search_add (&query->search, _("“%s --version” says no version"), query->nvcc);
    }

  if (version != NULL)
    g_task_return_pointer (task, version, g_free);
  else
    return_not_found (task);
}

static void
ask_nvcc (GTask *task)
{
  VersionQuery *query = g_task_get_task_data (task);
  const char *argv[] = { query->nvcc, "--version", NULL };
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new (argv);

  tvm_process_spec_set_timeout (spec, VERSION_TIMEOUT_MSEC);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "LC_ALL", "C.UTF-8");
  tvm_process_run_async (spec, g_task_get_cancellable (task), nvcc_ready, g_object_ref (task));
}

/**
 * tvm_nvcc_get_cuda_version_async:
 * @cuda_path: (nullable) (type filename): a directory of CUDA, or %NULL to find it
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the version is known
 * @user_data: data for @callback
 *
 * Gets the version of a CUDA toolkit, without blocking. See
 * [func@TvmSupport.nvcc_get_cuda_version].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_nvcc_get_cuda_version_async (const char          *cuda_path,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *found = NULL;
  VersionQuery *query;
  GError *error = NULL;
  char *version;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_nvcc_get_cuda_version_async);
  query = g_new0 (VersionQuery, 1);
  g_task_set_task_data (task, query, version_query_free);

  if (cuda_path == NULL)
    {
      found = tvm_cuda_toolkit_find_root ("", &error);
      if (found == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
      cuda_path = found;
    }

  query->nvcc = g_build_filename (cuda_path, "bin", "nvcc", NULL);
  version = tvm_cuda_toolkit_read_version (cuda_path, &query->search);
  if (version != NULL)
    g_task_return_pointer (task, version, g_free);
  else
    ask_nvcc (task);
}

/**
 * tvm_nvcc_get_cuda_version_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.nvcc_get_cuda_version_async] began. The errors are those of
 * [func@TvmSupport.nvcc_get_cuda_version].
 *
 * Returns: (transfer full): the version, such as `13.0` or `12.4.1`
 *
 * Since: 1.0
 */
char *
tvm_nvcc_get_cuda_version_finish (GAsyncResult  *result,
                                  GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_nvcc_get_cuda_version:
 * @cuda_path: (nullable) (type filename): a directory of CUDA, or %NULL for that of
 *   [func@TvmSupport.nvcc_find_cuda_path]
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Gets the version of a CUDA toolkit: what its `cuda.h`, `version.json` or `version.txt` says, and
 * only if none of them does, what its `nvcc --version` prints. This is the seed's
 * `nvcc.get_cuda_version`.
 *
 * The errors are %TVM_ERROR_NOT_FOUND if no toolkit is found or none of these says a version, with
 * every place that was tried and the reason why it did not serve, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the version, two or three numbers such as `13.0` or `12.4.1`
 *
 * Since: 1.0
 */
char *
tvm_nvcc_get_cuda_version (const char    *cuda_path,
                           GCancellable  *cancellable,
                           GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_nvcc_get_cuda_version_async (cuda_path, cancellable, tvm_sync_ready, &sync);
  return tvm_nvcc_get_cuda_version_finish (tvm_sync_wait (&sync), error);
}

static void
graph_version_ready (GObject      *source,
                     GAsyncResult *result,
                     gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *version = tvm_nvcc_get_cuda_version_finish (result, &error);

  /* Without a toolkit there are no graphs, which is an answer. */
  if (version != NULL)
    g_task_return_boolean (task, g_ascii_strtoull (version, NULL, 10) >= FIRST_MAJOR_WITH_GRAPHS);
  else if (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND))
    g_task_return_boolean (task, FALSE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * tvm_nvcc_have_cudagraph_async:
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is known
 * @user_data: data for @callback
 *
 * Gets whether CUDA has graphs, without blocking. See [func@TvmSupport.nvcc_have_cudagraph].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_nvcc_have_cudagraph_async (GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_nvcc_have_cudagraph_async);
  tvm_nvcc_get_cuda_version_async (NULL, cancellable, graph_version_ready, g_steal_pointer (&task));
}

/**
 * tvm_nvcc_have_cudagraph_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.nvcc_have_cudagraph_async] began. The errors are those of
 * [func@TvmSupport.nvcc_have_cudagraph].
 *
 * Returns: %TRUE if it has them
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_cudagraph_finish (GAsyncResult  *result,
                                GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tvm_nvcc_have_cudagraph:
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Gets whether the CUDA toolkit of this machine has CUDA graphs, which came with CUDA 10.0. Without
 * a toolkit the answer is %FALSE, and no error. This is the seed's `nvcc.have_cudagraph`.
 *
 * The error is %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if it has them
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_cudagraph (GCancellable  *cancellable,
                         GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_sync_begin (&sync, error))
    return FALSE;
  tvm_nvcc_have_cudagraph_async (cancellable, tvm_sync_ready, &sync);
  return tvm_nvcc_have_cudagraph_finish (tvm_sync_wait (&sync), error);
}
