/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-xcode.h"
#include "tvmsupport/toolchain/tvm-xcode-private.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-stage-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include <string.h>

#define SOURCE_NAME "my_lib.metal"
#define IR_NAME "my_lib.air"
#define LIBRARY_NAME "my_lib.metallib"

/* The source becomes an intermediate file and that a library, each in a temporary directory. */
typedef struct
{
  char *code;
  char *path_target;            /* (nullable) */
  char *sdk;
  char **options;               /* those of metal */
  TvmTempDirectory *temp;
} CompileMetal;

static void
compile_metal_free (gpointer data)
{
  CompileMetal *self = data;

  g_free (self->code);
  g_free (self->path_target);
  g_free (self->sdk);
  g_strfreev (self->options);
  g_clear_object (&self->temp);
  g_free (self);
}

static char *
build_path (CompileMetal *self,
            const char   *name)
{
  return g_build_filename (tvm_temp_directory_get_path (self->temp), name, NULL);
}

static char **
make_options (const TvmXcodeSdk  *sdk,
              const char         *min_os_version,
              const char * const *options)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *standard = g_strconcat ("-std=", sdk->metal_standard, NULL);
  g_autofree char *version = tvm_xcode_build_version_option (sdk, min_os_version);

  g_strv_builder_add (builder, standard);
  if (version != NULL)
    g_strv_builder_add (builder, version);
  g_strv_builder_add (builder, "-O3");
  /* Of two that contradict each other the last wins. */
  if (options != NULL)
    g_strv_builder_addv (builder, (const char **) options);

  return g_strv_builder_end (builder);
}

static void
read_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  CompileMetal *self = g_task_get_task_data (G_TASK (task_data));
  g_autofree char *path = build_path (self, LIBRARY_NAME);
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;
  char *data;
  gsize size;

  if (!tvm_stage_check_made (path, LIBRARY_NAME, &error) ||
      !g_file_get_contents (path, &data, &size, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  bytes = g_bytes_new_take (data, size);
  g_clear_object (&self->temp);
  if (self->path_target != NULL &&
      (g_cancellable_set_error_if_cancelled (cancellable, &error) ||
       !tvm_stage_write (self->path_target, bytes, &error)))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&bytes), (GDestroyNotify) g_bytes_unref);
}

static void
read_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  GBytes *bytes = g_task_propagate_pointer (G_TASK (result), &error);

  if (bytes == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
}

static void
library_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmProcessResult) process = NULL;
  GError *error = NULL;

  process = tvm_tool_call_finish (result, &error);
  if (process == NULL)
    g_task_return_error (task, error);
  else
    tvm_task_run_step (task, read_in_thread, read_ready);
}

static void
ir_ready (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CompileMetal *self = g_task_get_task_data (task);
  g_autoptr (TvmProcessResult) process = NULL;
  g_autofree char *ir_path = build_path (self, IR_NAME);
  g_autofree char *library_path = build_path (self, LIBRARY_NAME);
  const char * const argv[] = {
    "xcrun", "-sdk", self->sdk, "metallib", ir_path, "-o", library_path, NULL,
  };
  GError *error = NULL;

  process = tvm_tool_call_finish (result, &error);
  if (process == NULL)
    g_task_return_error (task, error);
  else
    tvm_tool_call_async (argv, TVM_ERROR_LINK_FAILED, g_task_get_cancellable (task),
                         library_ready, g_object_ref (task));
}

static void
write_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  CompileMetal *self = g_task_get_task_data (G_TASK (task_data));
  g_autofree char *path = NULL;
  GError *error = NULL;

  self->temp = tvm_temp_directory_new (NULL, &error);
  if (self->temp != NULL)
    path = build_path (self, SOURCE_NAME);
  if (path == NULL || !g_file_set_contents (path, self->code, -1, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
write_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CompileMetal *self = g_task_get_task_data (task);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *path = NULL;
  g_autofree char *ir_path = NULL;
  g_auto (GStrv) argv = NULL;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }

  path = build_path (self, SOURCE_NAME);
  ir_path = build_path (self, IR_NAME);
  g_strv_builder_add_many (builder, "xcrun", "-sdk", self->sdk, "metal", NULL);
  g_strv_builder_addv (builder, (const char **) self->options);
  g_strv_builder_add_many (builder, "-c", path, "-o", ir_path, NULL);
  argv = g_strv_builder_end (builder);
  tvm_tool_call_async ((const char * const *) argv, TVM_ERROR_COMPILE_FAILED,
                       g_task_get_cancellable (task), ir_ready, g_object_ref (task));
}

/**
 * tvm_xcode_compile_metal_async:
 * @code: the source
 * @path_target: (nullable) (type filename): a file for the output
 * @sdk: the SDK
 * @min_os_version: (nullable): the oldest version of the system
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Compiles Metal, without blocking. See [func@TvmSupport.xcode_compile_metal].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_xcode_compile_metal_async (const char          *code,
                               const char          *path_target,
                               const char          *sdk,
                               const char          *min_os_version,
                               const char * const  *options,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  const TvmXcodeSdk *known_sdk;
  CompileMetal *self;
  GError *error = NULL;

  g_return_if_fail (code != NULL);
  g_return_if_fail (sdk != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_xcode_compile_metal_async);
  g_task_set_check_cancellable (task, FALSE);
  known_sdk = tvm_xcode_find_sdk (sdk, &error);
  if (known_sdk == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  self = g_new0 (CompileMetal, 1);
  self->code = g_strdup (code);
  self->path_target = g_strdup (path_target);
  self->sdk = g_strdup (sdk);
  self->options = make_options (known_sdk, min_os_version, options);
  g_task_set_task_data (task, self, compile_metal_free);
  if (!g_task_return_error_if_cancelled (task))
    tvm_task_run_step (task, write_in_thread, write_ready);
}

/**
 * tvm_xcode_compile_metal_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.xcode_compile_metal_async] began. The errors are those of
 * [func@TvmSupport.xcode_compile_metal].
 *
 * Returns: (transfer full): the library
 *
 * Since: 1.0
 */
GBytes *
tvm_xcode_compile_metal_finish (GAsyncResult  *result,
                                GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_xcode_compile_metal:
 * @code: the source
 * @path_target: (nullable) (type filename): a file for the output, which appears whole or not at all,
 *   or %NULL to have it in memory alone
 * @sdk: the SDK, as [ctor@TvmSupport.Compiler.new_xcode] takes it
 * @min_os_version: (nullable): the oldest version of the system, or %NULL for the default
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of `metal`
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Compiles a source in Metal's language into a library, with the `metal` and the `metallib` that
 * `xcrun` finds. No shell is involved. This is the seed's `xcode.compile_metal`.
 *
 * The language is Metal 2.3 and the optimization `-O3`; @options, such as `-std=metal3.0`, come later
 * and win.
 *
 * The error is %TVM_ERROR_COMPILE_FAILED or %TVM_ERROR_LINK_FAILED with what the tool said,
 * %TVM_ERROR_INVALID_ARGUMENT for an SDK that is not known, %TVM_ERROR_NOT_FOUND if there is no
 * `xcrun`, or %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the library, also if it went to @path_target
 *
 * Since: 1.0
 */
GBytes *
tvm_xcode_compile_metal (const char          *code,
                         const char          *path_target,
                         const char          *sdk,
                         const char          *min_os_version,
                         const char * const  *options,
                         GCancellable        *cancellable,
                         GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (code != NULL, NULL);
  g_return_val_if_fail (sdk != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_xcode_compile_metal_async (code, path_target, sdk, min_os_version, options, cancellable,
                                 tvm_sync_ready, &sync);
  return tvm_xcode_compile_metal_finish (tvm_sync_wait (&sync), error);
}
