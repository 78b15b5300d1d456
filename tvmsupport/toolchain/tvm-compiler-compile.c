/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"

/* One request; tvm-compiler-batch.c has many, tvm-compile-run.c what the class does by default. */

/**
 * tvm_compiler_get_cache: (get-property cache)
 * @self: a compiler
 *
 * Gets where what is compiled is kept.
 *
 * Returns: (transfer none) (nullable): the cache, valid until another one is set
 *
 * Since: 1.0
 */
TvmKernelCache *
tvm_compiler_get_cache (TvmCompiler *self)
{
  g_autoptr (TvmKernelCache) cache = NULL;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  /* The compiler has a reference of its own. */
  cache = tvm_compiler_dup_cache (self);
  return cache;
}

/**
 * tvm_compiler_set_cache: (set-property cache)
 * @self: a compiler
 * @cache: (nullable): a cache, or %NULL for none
 *
 * Sets where what is compiled is kept and looked for, for the compiles that begin from now on.
 *
 * Each source is looked for by itself; links and archives are never kept. Not for the cache, which
 * [property@TvmSupport.CompileResult:cache-reason] then says, are options that make further files,
 * or that make the compiler read files that it does not report. A request that asks for ccache
 * does not use it.
 *
 * Since: 1.0
 */
void
tvm_compiler_set_cache (TvmCompiler    *self,
                        TvmKernelCache *cache)
{
  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (cache == NULL || TVM_IS_KERNEL_CACHE (cache));

  if (tvm_compiler_replace_cache (self, cache))
    g_object_notify (G_OBJECT (self), "cache");
}

/**
 * tvm_compiler_compile_async:
 * @self: a compiler
 * @request: what to make
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes what a request says, without blocking. See [method@TvmSupport.Compiler.compile].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_compile_async (TvmCompiler         *self,
                            TvmCompileRequest   *request,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (TVM_IS_COMPILE_REQUEST (request));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  TVM_COMPILER_GET_CLASS (self)->compile_async (self, request, cancellable, callback, user_data);
}

/**
 * tvm_compiler_compile_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.compile_async] began. The errors are those of
 * [method@TvmSupport.Compiler.compile].
 *
 * Returns: (transfer full): what came of it, also if a tool failed
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_compile_finish (TvmCompiler   *self,
                             GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return TVM_COMPILER_GET_CLASS (self)->compile_finish (self, result, error);
}

/**
 * tvm_compiler_compile:
 * @self: a compiler
 * @request: what to make
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes what a request says, and waits for it. The main context of the caller is not iterated.
 *
 * A tool that refuses its input, crashes, or is killed at its time limit is a result, which says
 * all that the tool said; use [method@TvmSupport.CompileResult.check] where an error is wanted. All
 * sources are compiled even if one of them fails, so that the diagnostics of all are there; nothing
 * is linked then.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is no compiler, %TVM_ERROR_INVALID_ARGUMENT if the
 * request makes no sense, such as one without inputs, a #GIOErrorEnum if an input cannot be read or
 * the output cannot be written, %TVM_ERROR_INVALID_ARCHIVE if a tar among the inputs is broken, or
 * %G_IO_ERROR_CANCELLED; then everything that was started has been killed.
 *
 * Returns: (transfer full): what came of it, also if a tool failed
 *
 * Since: 1.0
 */
TvmCompileResult *
tvm_compiler_compile (TvmCompiler        *self,
                      TvmCompileRequest  *request,
                      GCancellable       *cancellable,
                      GError            **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (TVM_IS_COMPILE_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_compile_async (self, request, cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_compile_finish (self, tvm_sync_wait (&sync), error);
}
