/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* The command line of one step, the default of TvmCompilerClass::build_argv */
char   **tvm_compile_argv_build     (TvmToolchain       *toolchain,
                                     TvmCompileRequest  *request,
                                     GError            **error);

/* Sets TVM_ERROR_UNSUPPORTED for a kind that @toolchain does not make. Returns: NULL */
char   **tvm_compile_argv_set_unsupported (TvmToolchain       *toolchain,
                                           TvmCompileRequest  *request,
                                           GError            **error);

G_END_DECLS
