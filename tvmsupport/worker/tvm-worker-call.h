/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_WORKER_CALL (tvm_worker_call_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmWorkerCall, tvm_worker_call, TVM, WORKER_CALL, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes       *tvm_worker_call_get_payload     (TvmWorkerCall  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean      tvm_worker_call_get_initializer (TvmWorkerCall  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GCancellable *tvm_worker_call_get_cancellable (TvmWorkerCall  *self);

TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_worker_call_add_bytes       (TvmWorkerCall  *self,
                                               GBytes         *result);
TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_worker_call_return_bytes    (TvmWorkerCall  *self,
                                               GBytes         *result);
TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_worker_call_return_error    (TvmWorkerCall  *self,
                                               const char     *type,
                                               const char     *message,
                                               const char     *traceback,
                                               GBytes         *extra);

G_END_DECLS
