/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* The command line of one step, the default of TvmCompilerClass::build_argv */
char   **tvm_compile_argv_build     (TvmToolchain       *toolchain,
                                     TvmCompileRequest  *request,
                                     const char         *output,
                                     GError            **error);

/* Which C++ runtime a link needs is found by reading its inputs, in a thread, before build_argv is called. */
typedef enum
{
  TVM_LINK_RUNTIME_UNKNOWN,
  TVM_LINK_RUNTIME_C,
  TVM_LINK_RUNTIME_CXX,
} TvmLinkRuntime;

void           tvm_compile_request_set_link_runtime (TvmCompileRequest *self,
                                                     TvmLinkRuntime     runtime);
TvmLinkRuntime tvm_compile_request_get_link_runtime (TvmCompileRequest *self);

G_END_DECLS
