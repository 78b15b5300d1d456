/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"

typedef struct
{
  char *parent;
  gboolean dry_run;
} Cleaning;

static void
cleaning_free (Cleaning *cleaning)
{
  g_free (cleaning->parent);
  g_free (cleaning);
}

static char **
clean (const char    *parent,
       gboolean       dry_run,
       GCancellable  *cancellable,
       GError       **error)
{
  g_autoptr (GPtrArray) paths = NULL;
  int cancelled;
  gulong handler;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  handler = tvm_temp_cancel_connect (cancellable, &cancelled);
  paths = tvm_temp_sweep_all (parent != NULL ? parent : g_get_tmp_dir (), dry_run, &cancelled,
                              error);
  tvm_temp_cancel_disconnect (cancellable, handler);
  if (paths == NULL)
    return NULL;

  g_ptr_array_add (paths, NULL);
  return (char **) g_ptr_array_steal (paths, NULL);
}

/**
 * tvm_temp_directory_clean:
 * @parent: (type filename) (nullable): the directory to look in, or %NULL for that of
 *   [func@GLib.get_tmp_dir]
 * @dry_run: whether to find them only
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Removes the temporary directories that killed processes have left in @parent.
 *
 * These are the ones of [class@TvmSupport.TempDirectory], those in which compilers and other
 * programs had their temporary files, and those beside an output that was being made. Only what is
 * provably left over goes: of this user, of such a name, not kept on purpose, and of a process that
 * has ended. Directories that were given a path of their own are not found.
 *
 * A process does this by itself before it makes its first temporary directory in the same place.
 * What cannot be removed does not keep the rest; the error then, a `G_IO_ERROR`, names the first
 * such entry. On a file system whose locks do not hold everywhere, as a network file system, the
 * error is `TVM_ERROR_UNSUPPORTED`.
 *
 * This function blocks; see [func@TvmSupport.TempDirectory.clean_async].
 *
 * Returns: (array zero-terminated=1) (element-type filename) (transfer full): the paths of what was
 *   removed, or would be, sorted; or %NULL on error
 *
 * Since: 1.0
 */
char **
tvm_temp_directory_clean (const char    *parent,
                          gboolean       dry_run,
                          GCancellable  *cancellable,
                          GError       **error)
{
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return clean (parent, dry_run, cancellable, error);
}

static void
clean_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  const Cleaning *cleaning = task_data;
  GError *error = NULL;
  char **paths = clean (cleaning->parent, cleaning->dry_run, cancellable, &error);

  if (paths != NULL)
    g_task_return_pointer (task, paths, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_temp_directory_clean_async:
 * @parent: (type filename) (nullable): the directory to look in, or %NULL for that of
 *   [func@GLib.get_tmp_dir]
 * @dry_run: whether to find them only
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when they have been removed
 * @user_data: data for @callback
 *
 * Removes the temporary directories that killed processes have left, in another thread.
 *
 * See [func@TvmSupport.TempDirectory.clean]. Finish with
 * [func@TvmSupport.TempDirectory.clean_finish].
 *
 * Since: 1.0
 */
void
tvm_temp_directory_clean_async (const char          *parent,
                                gboolean             dry_run,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  Cleaning *cleaning;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  cleaning = g_new0 (Cleaning, 1);
  cleaning->parent = g_strdup (parent);
  cleaning->dry_run = dry_run;
  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_temp_directory_clean_async);
  g_task_set_task_data (task, cleaning, (GDestroyNotify) cleaning_free);
  /* What was removed counts, also if it was cancelled at the same time. */
  g_task_set_check_cancellable (task, FALSE);
  tvm_task_run_in_thread (task, clean_in_thread);
}

/**
 * tvm_temp_directory_clean_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.TempDirectory.clean_async] started.
 *
 * Returns: (array zero-terminated=1) (element-type filename) (transfer full): the paths of what was
 *   removed, or would be, sorted; or %NULL on error
 *
 * Since: 1.0
 */
char **
tvm_temp_directory_clean_finish (GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
