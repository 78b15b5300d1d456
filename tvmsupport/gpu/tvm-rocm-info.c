/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rocm.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define ROCMINFO "rocminfo"

/* The value of a line such as “  Name:    gfx90a”. Returns: (transfer full) (nullable) */
static char *
get_name (const char *line)
{
  g_autofree char *stripped = g_strstrip (g_strdup (line));

  if (!g_str_has_prefix (stripped, "Name:"))
    return NULL;
  return g_strchug (g_strdup (stripped + strlen ("Name:")));
}

/* The first GPU: its instruction set names what the name of its processor leaves out, as in
 * “amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-”. Returns: (transfer full) (nullable) */
static char *
parse_rocminfo (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *processor = NULL;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *name = get_name (lines[i]);
      const char *target_id;

      if (name == NULL)
        continue;
      target_id = strstr (name, "--gfx");
      if (target_id != NULL)
        return g_strdup (target_id + strlen ("--"));
      if (processor == NULL && g_str_has_prefix (name, "gfx"))
        processor = g_steal_pointer (&name);
    }

  return g_steal_pointer (&processor);
}

static void
rocminfo_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmProcessResult) process = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;
  const char *data;
  gsize size;
  char *arch;

  process = tvm_tool_call_finish (result, &error);
  if (process == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  data = g_bytes_get_data (process->stdout_bytes, &size);
  text = g_utf8_make_valid (size > 0 ? data : "", size);
  arch = parse_rocminfo (text);
  if (arch != NULL)
    g_task_return_pointer (task, arch, g_free);
  else
    g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                             _("“%s” names no GPU of AMD"), process->argv[0]);
}

/**
 * tvm_rocm_get_arch_async:
 * @rocm_path: (nullable) (type filename): the directory of ROCm
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Gets the architecture of the GPU, without blocking. See [func@TvmSupport.rocm_get_arch].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_rocm_get_arch_async (const char          *rocm_path,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *path = NULL;
  const char *argv[] = { ROCMINFO, NULL };

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_rocm_get_arch_async);
  if (rocm_path != NULL)
    argv[0] = path = g_build_filename (rocm_path, "bin", ROCMINFO, NULL);
  tvm_tool_call_async (argv, TVM_ERROR_FAILED, cancellable, rocminfo_ready,
                       g_steal_pointer (&task));
}

/**
 * tvm_rocm_get_arch_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.rocm_get_arch_async] began. The errors are those of
 * [func@TvmSupport.rocm_get_arch].
 *
 * Returns: (transfer full): the architecture
 *
 * Since: 1.0
 */
char *
tvm_rocm_get_arch_finish (GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_rocm_get_arch:
 * @rocm_path: (nullable) (type filename): the directory of ROCm, or %NULL for the `rocminfo` in the
 *   `PATH`
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Gets the architecture of the first GPU of AMD in this machine from `rocminfo`, with its features,
 * such as `gfx90a:sramecc+:xnack-`. It never guesses.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is no `rocminfo` or it names no GPU, %TVM_ERROR_FAILED
 * with what it said if it failed, which it does without a GPU or a driver, or
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the architecture
 *
 * Since: 1.0
 */
char *
tvm_rocm_get_arch (const char    *rocm_path,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_rocm_get_arch_async (rocm_path, cancellable, tvm_sync_ready, &sync);
  return tvm_rocm_get_arch_finish (tvm_sync_wait (&sync), error);
}
