/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <tvmsupport/toolchain/tvm-compiler.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_NVCC_COMPILER (tvm_nvcc_compiler_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmNvccCompiler, tvm_nvcc_compiler, TVM, NVCC_COMPILER, TvmCompiler)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmNvccCompiler *tvm_nvcc_compiler_new               (const char       *command,
                                                      GError          **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            *tvm_nvcc_compiler_dup_host_compiler (TvmNvccCompiler  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_nvcc_compiler_set_host_compiler (TvmNvccCompiler  *self,
                                                      const char       *host_compiler);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint            tvm_nvcc_compiler_get_threads       (TvmNvccCompiler  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_nvcc_compiler_set_threads       (TvmNvccCompiler  *self,
                                                      guint             threads);

G_END_DECLS
