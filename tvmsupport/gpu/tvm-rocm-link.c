/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rocm.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"

static void
make_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (tvm_tool_make_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_rocm_link_async:
 * @in_file: (type filename): an object
 * @out_file: (type filename): the file to make
 * @lld: (nullable) (type filename): the linker
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Links an object for a GPU of AMD, without blocking. See [func@TvmSupport.rocm_link].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_rocm_link_async (const char          *in_file,
                     const char          *out_file,
                     const char          *lld,
                     GCancellable        *cancellable,
                     GAsyncReadyCallback  callback,
                     gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_auto (GStrv) found = NULL;
  g_autofree char *input = NULL;
  GError *error = NULL;

  g_return_if_fail (in_file != NULL);
  g_return_if_fail (out_file != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_rocm_link_async);
  g_task_set_check_cancellable (task, FALSE);

  if (lld == NULL)
    {
      found = tvm_rocm_find_lld (TRUE, &error);
      if (found == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
      lld = found[0];
    }

  /* Absolute, so that a name that begins with a dash is no option */
  input = g_canonicalize_filename (in_file, NULL);
  tvm_tool_make_async ((const char *[]) { lld, "--no-undefined", "-shared", input, "-o",
                                          TVM_TOOL_OUTPUT, NULL },
                       out_file, TVM_ERROR_LINK_FAILED, cancellable, make_ready,
                       g_steal_pointer (&task));
}

/**
 * tvm_rocm_link_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.rocm_link_async] began. The errors are those of
 * [func@TvmSupport.rocm_link].
 *
 * Returns: %TRUE if it was linked
 *
 * Since: 1.0
 */
gboolean
tvm_rocm_link_finish (GAsyncResult  *result,
                      GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tvm_rocm_link:
 * @in_file: (type filename): a relocatable object for a GPU of AMD
 * @out_file: (type filename): the file to make, a shared object that the driver can load; it appears
 *   whole or not at all
 * @lld: (nullable) (type filename): the linker, or %NULL for the first that
 *   [func@TvmSupport.rocm_find_lld] finds
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Links an object for a GPU of AMD with `ld.lld`, as `rocm.rocm_link` of the seed does.
 *
 * The error is %TVM_ERROR_LINK_FAILED with what the linker said, %TVM_ERROR_NOT_FOUND if there is no
 * linker, another if @out_file cannot be written, or %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if it was linked
 *
 * Since: 1.0
 */
gboolean
tvm_rocm_link (const char    *in_file,
               const char    *out_file,
               const char    *lld,
               GCancellable  *cancellable,
               GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (in_file != NULL, FALSE);
  g_return_val_if_fail (out_file != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_sync_begin (&sync, error))
    return FALSE;
  tvm_rocm_link_async (in_file, out_file, lld, cancellable, tvm_sync_ready, &sync);
  return tvm_rocm_link_finish (tvm_sync_wait (&sync), error);
}
