/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/toolchain/tvm-job-limiter-private.h"

G_BEGIN_DECLS

TvmJobLimiter      *tvm_compiler_get_limiter    (TvmCompiler          *self);
/* A copy of @request with the options of the compiler in front of its own */
TvmCompileRequest  *tvm_compiler_merge_request  (TvmCompiler          *self,
                                                 TvmCompileRequest    *request,
                                                 GError              **error);
/* Makes @toolchain that of the compiler, unless it has one already.
 * Returns: (transfer full): which it has */
TvmToolchain       *tvm_compiler_adopt_toolchain (TvmCompiler         *self,
                                                  TvmToolchain        *toolchain);
/* The class compiles in the process: it has no toolchain to find. For class_init(). */
void                tvm_compiler_class_set_in_process (TvmCompilerClass *klass);
/* Returns: (transfer full) (nullable) */
TvmKernelCache     *tvm_compiler_dup_cache      (TvmCompiler          *self);
/* Whether it is another one than before */
gboolean            tvm_compiler_replace_cache  (TvmCompiler          *self,
                                                 TvmKernelCache       *cache);
/* NULL with an error set, whatever the implementation does */
char              **tvm_compiler_build_argv     (TvmCompiler          *self,
                                                 TvmToolchain         *toolchain,
                                                 TvmCompileRequest    *request,
                                                 GError              **error);
void                tvm_compiler_emit_progress  (TvmCompiler          *self,
                                                 TvmCompileRequest    *request,
                                                 guint                 n_done,
                                                 guint                 n_total);
void                tvm_compiler_emit_started   (TvmCompiler          *self,
                                                 TvmCompileRequest    *request);
void                tvm_compiler_emit_finished  (TvmCompiler          *self,
                                                 TvmCompileRequest    *request,
                                                 TvmCompileResult     *result);

/* The defaults of the class (tvm-compile-run.c) */
void                tvm_compile_run_async       (TvmCompiler          *self,
                                                 TvmCompileRequest    *request,
                                                 GCancellable         *cancellable,
                                                 GAsyncReadyCallback   callback,
                                                 gpointer              user_data);
TvmCompileResult   *tvm_compile_run_finish      (TvmCompiler          *self,
                                                 GAsyncResult         *result,
                                                 GError              **error);

G_END_DECLS
