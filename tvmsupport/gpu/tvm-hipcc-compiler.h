/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <tvmsupport/toolchain/tvm-compiler.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_HIPCC_COMPILER (tvm_hipcc_compiler_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmHipccCompiler, tvm_hipcc_compiler, TVM, HIPCC_COMPILER, TvmCompiler)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmHipccCompiler *tvm_hipcc_compiler_new (const char  *command,
                                          GError     **error);

G_END_DECLS
