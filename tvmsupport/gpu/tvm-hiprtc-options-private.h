/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"

G_BEGIN_DECLS

#define TVM_HIPRTC_ARCH_OPTION "--offload-arch="

/* The options that HIPRTC is called with: exactly one architecture, those of @request, and the
 * folder of the source, which is called @name. An option that means nothing to HIPRTC is
 * TVM_ERROR_INVALID_ARGUMENT or TVM_ERROR_UNSUPPORTED; none is left out. */
char **tvm_hiprtc_options_build (TvmCompileRequest  *request,
                                 const char         *name,
                                 GError            **error);

G_END_DECLS
