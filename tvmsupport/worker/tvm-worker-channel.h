/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>
#include <tvmsupport/worker/tvm-worker-call.h>

G_BEGIN_DECLS

#define TVM_TYPE_WORKER_CHANNEL (tvm_worker_channel_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmWorkerChannel, tvm_worker_channel, TVM, WORKER_CHANNEL, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerChannel *tvm_worker_channel_open         (const char        *role,
                                                   const char        *program,
                                                   GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerCall    *tvm_worker_channel_next         (TvmWorkerChannel  *self,
                                                   GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            **tvm_worker_channel_dup_settings (TvmWorkerChannel  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_worker_channel_fail         (TvmWorkerChannel  *self,
                                                   const char        *type,
                                                   const char        *message,
                                                   const char        *traceback);

G_END_DECLS
