/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* The command line of one step of nvcc: a compile, or a link. */
char **tvm_nvcc_argv_build (TvmToolchain       *toolchain,
                            TvmCompileRequest  *request,
                            GError            **error);

G_END_DECLS
