/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-error.h"

/*
 * The one-shots of the seed, tvm.support.cc.create_shared() and its like: one list of options for
 * compiling and linking, and a failure is an error.
 */

static void
compile_ready (GObject      *source,
               GAsyncResult *async_result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmCompileResult) result = NULL;
  GError *error = NULL;

  result = tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &error);
  if (result == NULL || !tvm_compile_result_check (result, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&result), g_object_unref);
}

static TvmCompileRequest *
make_request (TvmCompileKind       kind,
              const char          *output,
              const char * const  *inputs,
              const char * const  *options,
              const char          *cwd,
              const char * const  *ccache_environ)
{
  TvmCompileRequest *request = tvm_compile_request_new (kind);
  guint i;

  tvm_compile_request_set_output (request, output);
  tvm_compile_request_set_options (request, options);
  tvm_compile_request_set_working_directory (request, cwd);
  tvm_compile_request_set_ccache_environ (request, ccache_environ);
  for (i = 0; inputs[i] != NULL; i++)
    tvm_compile_request_add_input (request, inputs[i], TVM_LANGUAGE_AUTO);

  return request;
}

/* Takes @request. */
static void
start (TvmCompiler         *self,
       gpointer             source_tag,
       TvmCompileRequest   *request,
       GCancellable        *cancellable,
       GAsyncReadyCallback  callback,
       gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (TvmCompileRequest) owned = request;

  g_task_set_source_tag (task, source_tag);
  /* An output that is in its place is a success, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);

  tvm_compiler_compile_async (self, request, cancellable, compile_ready, g_steal_pointer (&task));
}

static TvmCompileResult *
finish (TvmCompiler   *self,
        GAsyncResult  *result,
        GError       **error)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_compiler_create_shared_async:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): sources, objects, libraries, or tar
 *   files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options; what only a
 *   linker uses goes to the link, behind the inputs
 * @cwd: (nullable) (type filename): the directory to work in, which relative paths are relative to
 * @ccache_environ: (nullable) (array zero-terminated=1) (element-type filename): changes to the
 *   environment of `ccache`, as `NAME=VALUE`, or %NULL to compile without it
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes a shared library, without blocking. See [method@TvmSupport.Compiler.create_shared].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_create_shared_async (TvmCompiler         *self,
                                  const char          *output,
                                  const char * const  *objects,
                                  const char * const  *options,
                                  const char          *cwd,
                                  const char * const  *ccache_environ,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  TvmCompileRequest *request;

  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (output != NULL);
  g_return_if_fail (objects != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  request = make_request (TVM_COMPILE_KIND_SHARED, output, objects, options, cwd,
                          ccache_environ);
  start (self, tvm_compiler_create_shared_async, request, cancellable, callback, user_data);
}

/**
 * tvm_compiler_create_shared_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.create_shared_async] began. The errors are those of
 * [method@TvmSupport.Compiler.create_shared].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_shared_finish (TvmCompiler   *self,
                                   GAsyncResult  *result,
                                   GError       **error)
{
  return finish (self, result, error);
}

/**
 * tvm_compiler_create_shared:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): sources, objects, libraries, or tar
 *   files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options; what only a
 *   linker uses goes to the link, behind the inputs
 * @cwd: (nullable) (type filename): the directory to work in, which relative paths are relative to
 * @ccache_environ: (nullable) (array zero-terminated=1) (element-type filename): changes to the
 *   environment of `ccache`, as `NAME=VALUE`, or %NULL to compile without it
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a shared library, and waits for it. The main context of the caller is not iterated.
 *
 * This is the seed's `cc.create_shared`.
 *
 * The errors are those of [method@TvmSupport.Compiler.compile] and those of
 * [method@TvmSupport.CompileResult.check].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_shared (TvmCompiler         *self,
                            const char          *output,
                            const char * const  *objects,
                            const char * const  *options,
                            const char          *cwd,
                            const char * const  *ccache_environ,
                            GCancellable        *cancellable,
                            GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (output != NULL, NULL);
  g_return_val_if_fail (objects != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_create_shared_async (self, output, objects, options, cwd, ccache_environ,
                                    cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_create_shared_finish (self, tvm_sync_wait (&sync), error);
}

/**
 * tvm_compiler_create_executable_async:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): sources, objects, libraries, or tar
 *   files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options; what only a
 *   linker uses goes to the link, behind the inputs
 * @cwd: (nullable) (type filename): the directory to work in, which relative paths are relative to
 * @ccache_environ: (nullable) (array zero-terminated=1) (element-type filename): changes to the
 *   environment of `ccache`, as `NAME=VALUE`, or %NULL to compile without it
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes a program, without blocking. See [method@TvmSupport.Compiler.create_executable].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_create_executable_async (TvmCompiler         *self,
                                      const char          *output,
                                      const char * const  *objects,
                                      const char * const  *options,
                                      const char          *cwd,
                                      const char * const  *ccache_environ,
                                      GCancellable        *cancellable,
                                      GAsyncReadyCallback  callback,
                                      gpointer             user_data)
{
  TvmCompileRequest *request;

  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (output != NULL);
  g_return_if_fail (objects != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  request = make_request (TVM_COMPILE_KIND_EXECUTABLE, output, objects, options, cwd,
                          ccache_environ);
  start (self, tvm_compiler_create_executable_async, request, cancellable, callback, user_data);
}

/**
 * tvm_compiler_create_executable_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.create_executable_async] began. The errors are those of
 * [method@TvmSupport.Compiler.create_executable].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_executable_finish (TvmCompiler   *self,
                                       GAsyncResult  *result,
                                       GError       **error)
{
  return finish (self, result, error);
}

/**
 * tvm_compiler_create_executable:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): sources, objects, libraries, or tar
 *   files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options; what only a
 *   linker uses goes to the link, behind the inputs
 * @cwd: (nullable) (type filename): the directory to work in, which relative paths are relative to
 * @ccache_environ: (nullable) (array zero-terminated=1) (element-type filename): changes to the
 *   environment of `ccache`, as `NAME=VALUE`, or %NULL to compile without it
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a program, and waits for it. The main context of the caller is not iterated.
 *
 * This is the seed's `cc.create_executable`, but that what is made never follows from the suffix of
 * @output.
 *
 * The errors are those of [method@TvmSupport.Compiler.compile] and those of
 * [method@TvmSupport.CompileResult.check].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_executable (TvmCompiler         *self,
                                const char          *output,
                                const char * const  *objects,
                                const char * const  *options,
                                const char          *cwd,
                                const char * const  *ccache_environ,
                                GCancellable        *cancellable,
                                GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (output != NULL, NULL);
  g_return_val_if_fail (objects != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_create_executable_async (self, output, objects, options, cwd, ccache_environ,
                                        cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_create_executable_finish (self, tvm_sync_wait (&sync), error);
}

/**
 * tvm_compiler_create_staticlib_async:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @inputs: (array zero-terminated=1) (element-type filename): objects, sources, or tar files of
 *   them
 * @ar: (nullable) (type filename): the command of the archiver, or %NULL for that of the toolchain
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes a static library, without blocking. See [method@TvmSupport.Compiler.create_staticlib].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_create_staticlib_async (TvmCompiler         *self,
                                     const char          *output,
                                     const char * const  *inputs,
                                     const char          *ar,
                                     GCancellable        *cancellable,
                                     GAsyncReadyCallback  callback,
                                     gpointer             user_data)
{
  TvmCompileRequest *request;

  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (output != NULL);
  g_return_if_fail (inputs != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  request = make_request (TVM_COMPILE_KIND_STATIC, output, inputs, NULL, NULL, NULL);
  tvm_compile_request_set_archiver (request, ar);
  start (self, tvm_compiler_create_staticlib_async, request, cancellable, callback, user_data);
}

/**
 * tvm_compiler_create_staticlib_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.create_staticlib_async] began. The errors are those of
 * [method@TvmSupport.Compiler.create_staticlib].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_staticlib_finish (TvmCompiler   *self,
                                      GAsyncResult  *result,
                                      GError       **error)
{
  return finish (self, result, error);
}

/**
 * tvm_compiler_create_staticlib:
 * @self: a compiler
 * @output: (type filename): the file to make
 * @inputs: (array zero-terminated=1) (element-type filename): objects, sources, or tar files of
 *   them
 * @ar: (nullable) (type filename): the command of the archiver, or %NULL for that of the toolchain
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a static library, and waits for it. The main context of the caller is not iterated.
 *
 * Equal inputs give equal bytes: the members have no times, owners or modes, and stand in the order
 * of the inputs. Objects of the same name from different folders are all kept. This is the seed's
 * `cc.create_staticlib`.
 *
 * The errors are those of [method@TvmSupport.Compiler.compile] and those of
 * [method@TvmSupport.CompileResult.check].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_create_staticlib (TvmCompiler         *self,
                               const char          *output,
                               const char * const  *inputs,
                               const char          *ar,
                               GCancellable        *cancellable,
                               GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (output != NULL, NULL);
  g_return_val_if_fail (inputs != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_create_staticlib_async (self, output, inputs, ar, cancellable, tvm_sync_ready,
                                       &sync);
  return tvm_compiler_create_staticlib_finish (self, tvm_sync_wait (&sync), error);
}
