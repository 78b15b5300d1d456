/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"
#include "tvmsupport/toolchain/tvm-compiler.h"

G_BEGIN_DECLS

/*
 * TvmRtcRunner: what a compiler has that compiles in threads of this process, with a library that
 * cannot be interrupted.
 */
typedef struct _TvmRtcRunner TvmRtcRunner;

TvmRtcRunner     *tvm_rtc_runner_new            (const TvmRtcBackend  *backend);
void              tvm_rtc_runner_free           (TvmRtcRunner         *self);
/* @library: (nullable): where it is. Before the first compile */
void              tvm_rtc_runner_set_library    (TvmRtcRunner         *self,
                                                 const char           *library);
const char       *tvm_rtc_runner_get_library    (TvmRtcRunner         *self);
/* For compile_async() and compile_finish() of @compiler */
void              tvm_rtc_runner_compile_async  (TvmRtcRunner         *self,
                                                 TvmCompiler          *compiler,
                                                 TvmCompileRequest    *request,
                                                 GCancellable         *cancellable,
                                                 GAsyncReadyCallback   callback,
                                                 gpointer              user_data);
TvmCompileResult *tvm_rtc_runner_compile_finish (TvmCompiler          *compiler,
                                                 GAsyncResult         *result,
                                                 GError              **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmRtcRunner, tvm_rtc_runner_free)

G_END_DECLS
