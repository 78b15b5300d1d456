/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-emcc.h"
#include "tvmsupport/toolchain/tvm-emcc-private.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

const char * const tvm_emcc_runtime_names[] = {
  "wasm_runtime.bc", "tvmjs_support.bc", "webgpu_runtime.bc", NULL,
};

/* What tvmjs loads. What the caller says comes behind, and wins. */
static const char * const default_options[] = {
  "-O3", "-sWASM_BIGINT=1", "-sSTANDALONE_WASM=1", "-sALLOW_MEMORY_GROWTH=1",
  "-sINITIAL_MEMORY=160MB", NULL,
};

/*
 * The functions that tvmjs gives to a module when it loads it, of all versions. emcc is told their
 * names, by a JavaScript library of which nothing is used, so that these may stay undefined while
 * every other undefined symbol is an error.
 */
static const char imports[] =
  "mergeInto (LibraryManager.library, {\n"
  "  TVMFFIWasmSafeCall: function () {},\n"
  "  TVMFFIWasmFunctionDeleter: function () {},\n"
  "  TVMWasmPackedCFunc: function () {},\n"
  "  TVMWasmPackedCFuncFinalizer: function () {},\n"
  "});\n";

static gboolean
is_named (const char *path,
          const char *name)
{
  g_autofree char *base = g_path_get_basename (path);

  return strcmp (base, name) == 0;
}

static gboolean
contains_name (const char * const *paths,
               const char         *name)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      if (is_named (paths[i], name))
        return TRUE;
    }

  return FALSE;
}

static void
add_inputs (TvmCompileRequest  *request,
            const char * const *paths)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    tvm_compile_request_add_input (request, paths[i], TVM_LANGUAGE_AUTO);
}

/* Finds those parts of the runtime that are not among what is linked anyway. */
static gboolean
add_found_runtime (TvmCompileRequest   *request,
                   const char * const  *objects,
                   const char * const  *libs,
                   GError             **error)
{
  for (guint i = 0; tvm_emcc_runtime_names[i] != NULL; i++)
    {
      const char *name = tvm_emcc_runtime_names[i];
      g_auto (GStrv) found = NULL;

      if (contains_name (objects, name) || contains_name (libs, name))
        continue;

      found = tvm_emcc_find_wasm_lib (name, error);
      if (found == NULL)
        return FALSE;
      tvm_compile_request_add_input (request, found[0], TVM_LANGUAGE_AUTO);
    }

  return TRUE;
}

/* clang refuses a standard of C++ for C. */
static gboolean
has_only_cxx (const char * const *paths)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      TvmLanguage language = tvm_language_from_path (paths[i]);

      if (language != TVM_LANGUAGE_AUTO && language != TVM_LANGUAGE_LLVM_IR &&
          language != TVM_LANGUAGE_CXX)
        return FALSE;
    }

  return TRUE;
}

static char **
make_options (const char * const *objects,
              const char * const *libs,
              const char * const *options)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **) default_options);
  if (has_only_cxx (objects) && has_only_cxx (libs))
    g_strv_builder_add (builder, "-std=c++17");
  if (options != NULL)
    g_strv_builder_addv (builder, (const char **) options);

  return g_strv_builder_end (builder);
}

/**
 * tvm_compile_request_new_tvmjs: (constructor)
 * @objects: (array zero-terminated=1) (element-type filename): objects, bitcode, sources,
 *   libraries, or tar files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of emcc
 * @libs: (nullable) (array zero-terminated=1) (element-type filename): libraries, in front of
 *   @objects
 * @runtime: (nullable) (array zero-terminated=1) (element-type filename): the files of TVM's web
 *   runtime, %NULL to find them, empty for none
 * @error: a #GError
 *
 * Makes the request that [func@TvmSupport.emcc_create_tvmjs_wasm] is, for a caller who wants a time
 * limit, the diagnostics or the bytes of the module. It is for a compiler of
 * [ctor@TvmSupport.Compiler.new_emcc].
 *
 * The errors are %TVM_ERROR_INVALID_ARGUMENT if there are no @objects, and those of
 * [func@TvmSupport.emcc_find_wasm_lib].
 *
 * Returns: (transfer full): a new request, without an output
 *
 * Since: 1.0
 */
TvmCompileRequest *
tvm_compile_request_new_tvmjs (const char * const  *objects,
                               const char * const  *options,
                               const char * const  *libs,
                               const char * const  *runtime,
                               GError             **error)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (GBytes) library = NULL;
  g_auto (GStrv) all_options = NULL;

  g_return_val_if_fail (objects != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (objects[0] == NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("There is no input to compile or to link"));
      return NULL;
    }

  request = tvm_compile_request_new (TVM_COMPILE_KIND_WASM);
  if (runtime != NULL)
    add_inputs (request, runtime);
  else if (!add_found_runtime (request, objects, libs, error))
    return NULL;
  add_inputs (request, libs);
  add_inputs (request, objects);
  library = g_bytes_new_static (imports, strlen (imports));
  tvm_compile_request_add_input_bytes (request, "tvmjs.js", library, TVM_LANGUAGE_AUTO);
  all_options = make_options (objects, libs, options);
  tvm_compile_request_set_options (request, (const char * const *) all_options);

  return g_steal_pointer (&request);
}

static void
compile_ready (GObject      *source,
               GAsyncResult *async_result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (TvmCompileResult) result =
    tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &error);

  if (result == NULL || !tvm_compile_result_check (result, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&result), g_object_unref);
}

/**
 * tvm_emcc_create_tvmjs_wasm_async:
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): objects, bitcode, sources,
 *   libraries, or tar files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of emcc
 * @cc: (nullable) (type filename): the command of emcc, or %NULL to find it
 * @libs: (nullable) (array zero-terminated=1) (element-type filename): libraries, in front of
 *   @objects
 * @runtime: (nullable) (array zero-terminated=1) (element-type filename): the files of TVM's web
 *   runtime, %NULL to find them, empty for none
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Links a WebAssembly module for tvmjs, without blocking. See
 * [func@TvmSupport.emcc_create_tvmjs_wasm].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_emcc_create_tvmjs_wasm_async (const char          *output,
                                  const char * const  *objects,
                                  const char * const  *options,
                                  const char          *cc,
                                  const char * const  *libs,
                                  const char * const  *runtime,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompiler) compiler = NULL;
  GError *error = NULL;

  g_return_if_fail (output != NULL);
  g_return_if_fail (objects != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_emcc_create_tvmjs_wasm_async);
  /* An output that is in its place is a success, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);

  request = tvm_compile_request_new_tvmjs (objects, options, libs, runtime, &error);
  if (request != NULL)
    compiler = tvm_compiler_new_emcc (cc, &error);
  if (compiler == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  tvm_compile_request_set_output (request, output);
  tvm_compiler_compile_async (compiler, request, cancellable, compile_ready,
                              g_steal_pointer (&task));
}

/**
 * tvm_emcc_create_tvmjs_wasm_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.emcc_create_tvmjs_wasm_async] began. The errors are those of
 * [func@TvmSupport.emcc_create_tvmjs_wasm].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_emcc_create_tvmjs_wasm_finish (GAsyncResult  *result,
                                   GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_emcc_create_tvmjs_wasm:
 * @output: (type filename): the file to make
 * @objects: (array zero-terminated=1) (element-type filename): objects, bitcode, sources,
 *   libraries, or tar files of them
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of emcc
 * @cc: (nullable) (type filename): the command of emcc, or %NULL to find it
 * @libs: (nullable) (array zero-terminated=1) (element-type filename): libraries, in front of
 *   @objects
 * @runtime: (nullable) (array zero-terminated=1) (element-type filename): the files of TVM's web
 *   runtime, %NULL to find them, empty for none
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Links a WebAssembly module that TVM's JavaScript runtime, tvmjs, can load, and waits for it. The
 * main context of the caller is not iterated.
 *
 * The module has no entry point, imports what WASI and tvmjs provide, passes 64-bit integers as
 * `BigInt`, and begins with 160 MB of memory, which may grow. It is optimised with `-O3`; @options
 * come later on the command line and win. Sources in C++ are compiled as C++17 if none is in
 * another language.
 *
 * The runtime is `wasm_runtime.bc`, `tvmjs_support.bc` and `webgpu_runtime.bc`. With %NULL for
 * @runtime, those of them that are neither among @objects nor among @libs are looked for as
 * [func@TvmSupport.emcc_find_wasm_lib] does it.
 *
 * This is the seed's `emcc.create_tvmjs_wasm`, with one difference. The seed asks emcc not to
 * report undefined symbols (`-sERROR_ON_UNDEFINED_SYMBOLS=0`), so that a function that is missing is
 * found when the module is loaded. Here only the functions that tvmjs provides may be undefined, and
 * every other one is %TVM_ERROR_LINK_FAILED. Who wants the former has that setting in @options.
 *
 * The errors are those of [func@TvmSupport.emcc_find_wasm_lib] and
 * [ctor@TvmSupport.Compiler.new_emcc], of [method@TvmSupport.Compiler.compile], and of
 * [method@TvmSupport.CompileResult.check]. For diagnostics, limits and everything else make a
 * request with [ctor@TvmSupport.CompileRequest.new_tvmjs].
 *
 * Returns: (transfer full): what came of it
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_emcc_create_tvmjs_wasm (const char          *output,
                            const char * const  *objects,
                            const char * const  *options,
                            const char          *cc,
                            const char * const  *libs,
                            const char * const  *runtime,
                            GCancellable        *cancellable,
                            GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (output != NULL, NULL);
  g_return_val_if_fail (objects != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_emcc_create_tvmjs_wasm_async (output, objects, options, cc, libs, runtime, cancellable,
                                    tvm_sync_ready, &sync);
  return tvm_emcc_create_tvmjs_wasm_finish (tvm_sync_wait (&sync), error);
}
