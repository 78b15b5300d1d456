/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-xcode.h"

#include "tvmsupport/process/tvm-sync-private.h"

typedef struct
{
  char *output;
  char **objects;
  char **options;               /* (nullable) */
} CreateDylib;

static void
create_dylib_free (gpointer data)
{
  CreateDylib *self = data;

  g_free (self->output);
  g_strfreev (self->objects);
  g_strfreev (self->options);
  g_free (self);
}

static void
shared_ready (GObject      *source,
              GAsyncResult *async_result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  TvmCompileResult *result;
  GError *error = NULL;

  result = tvm_compiler_create_shared_finish (TVM_COMPILER (source), async_result, &error);
  if (result == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, g_object_unref);
}

static void
compiler_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateDylib *self = g_task_get_task_data (task);
  g_autoptr (TvmCompiler) compiler = NULL;
  GError *error = NULL;

  compiler = tvm_compiler_new_xcode_finish (result, &error);
  if (compiler == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  tvm_compiler_create_shared_async (compiler, self->output, (const char * const *) self->objects,
                                    (const char * const *) self->options, NULL, NULL,
                                    g_task_get_cancellable (task), shared_ready,
                                    g_object_ref (task));
}

/**
 * tvm_xcode_create_dylib_async:
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): objects, sources, libraries, or tar
 *   files of them
 * @arch: (nullable): the architecture
 * @sdk: the SDK
 * @min_os_version: (nullable): the oldest version of the system
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes a dynamic library for a system of Apple, without blocking. See
 * [func@TvmSupport.xcode_create_dylib].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_xcode_create_dylib_async (const char          *output,
                              const char * const  *objects,
                              const char          *arch,
                              const char          *sdk,
                              const char          *min_os_version,
                              const char * const  *options,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  CreateDylib *self;

  g_return_if_fail (output != NULL);
  g_return_if_fail (objects != NULL);
  g_return_if_fail (sdk != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  self = g_new0 (CreateDylib, 1);
  self->output = g_strdup (output);
  self->objects = g_strdupv ((char **) objects);
  self->options = g_strdupv ((char **) options);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_xcode_create_dylib_async);
  /* An output that is in its place is a success, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, create_dylib_free);
  tvm_compiler_new_xcode_async (sdk, arch, min_os_version, cancellable, compiler_ready,
                                g_steal_pointer (&task));
}

/**
 * tvm_xcode_create_dylib_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.xcode_create_dylib_async] began. The errors are those of
 * [func@TvmSupport.xcode_create_dylib].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_xcode_create_dylib_finish (GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_xcode_create_dylib:
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): objects, sources, libraries, or tar
 *   files of them
 * @arch: (nullable): the architecture, such as `arm64`, or %NULL for what clang makes by itself
 * @sdk: the SDK, as [ctor@TvmSupport.Compiler.new_xcode] takes it
 * @min_os_version: (nullable): the oldest version of the system, or %NULL for the default
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of clang
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a dynamic library for a system of Apple in one call, as `xcode.create_dylib` of the seed does.
 * For diagnostics, limits and everything else use [ctor@TvmSupport.Compiler.new_xcode].
 *
 * The errors are those of [ctor@TvmSupport.Compiler.new_xcode] and
 * [method@TvmSupport.Compiler.create_shared].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_xcode_create_dylib (const char          *output,
                        const char * const  *objects,
                        const char          *arch,
                        const char          *sdk,
                        const char          *min_os_version,
                        const char * const  *options,
                        GCancellable        *cancellable,
                        GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (output != NULL, NULL);
  g_return_val_if_fail (objects != NULL, NULL);
  g_return_val_if_fail (sdk != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_xcode_create_dylib_async (output, objects, arch, sdk, min_os_version, options, cancellable,
                                tvm_sync_ready, &sync);
  return tvm_xcode_create_dylib_finish (tvm_sync_wait (&sync), error);
}
