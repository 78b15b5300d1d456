/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <tvmsupport/toolchain/tvm-compiler.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_HIPRTC_COMPILER (tvm_hiprtc_compiler_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmHiprtcCompiler, tvm_hiprtc_compiler, TVM, HIPRTC_COMPILER, TvmCompiler)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmHiprtcCompiler *tvm_hiprtc_compiler_new         (const char       *library);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char       *tvm_hiprtc_compiler_get_library (TvmHiprtcCompiler *self);

G_END_DECLS
