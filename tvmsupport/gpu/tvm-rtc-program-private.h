/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"
#include "tvmsupport/toolchain/tvm-stage-private.h"

G_BEGIN_DECLS

/*
 * One compile with NVRTC or HIPRTC, in the thread that calls it. @cache: (nullable). @stop:
 * (atomic): once it is not 0, the result is of no use any more, and the library is told so if it
 * can be.
 *
 * The result is complete but for an output that is a file: @stage (nullable) is what has to be
 * committed to bring it to its place. A source that the library refuses is a result; an error is
 * what kept it from being compiled.
 */
TvmCompileResult *tvm_rtc_program_compile (const TvmRtcBackend  *backend,
                                           const char           *library_path,
                                           TvmCompileRequest    *request,
                                           TvmKernelCache       *cache,
                                           const int            *stop,
                                           TvmStage            **stage,
                                           GError              **error);

G_END_DECLS
