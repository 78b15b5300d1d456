/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* What a compile for WebAssembly needs beside what every compile does */
void     tvm_wasm_argv_add_compile_options (TvmToolchain       *toolchain,
                                            GStrvBuilder       *argv);
/* The command line of a link with emcc, or with a clang whose target is WebAssembly; for another
 * compiler TVM_ERROR_UNSUPPORTED */
char   **tvm_wasm_argv_build_link          (TvmToolchain       *toolchain,
                                            TvmCompileRequest  *request,
                                            GError            **error);

G_END_DECLS
