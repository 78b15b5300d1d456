/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* What hipcc needs beside the options of clang: the architectures, and how a code object is
 * made. */
gboolean tvm_hipcc_argv_add_options (TvmToolchain       *toolchain,
                                     TvmCompileRequest  *request,
                                     GStrvBuilder       *argv,
                                     GError            **error);

G_END_DECLS
