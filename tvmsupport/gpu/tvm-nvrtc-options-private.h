/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"

G_BEGIN_DECLS

/* The options that NVRTC is called with, one word each: those of @request, its kind and its
 * architecture, and the folders of the headers of CUDA behind the caller's own. An option that means
 * nothing to NVRTC is TVM_ERROR_INVALID_ARGUMENT or TVM_ERROR_UNSUPPORTED; none is left out. */
char **tvm_nvrtc_options_build (const char         *library_path,
                                TvmCompileRequest  *request,
                                GError            **error);

G_END_DECLS
