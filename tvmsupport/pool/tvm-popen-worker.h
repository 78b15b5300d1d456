/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/pool/tvm-task-result.h>
#include <tvmsupport/pool/tvm-task.h>
#include <tvmsupport/pool/tvm-worker-spec.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_POPEN_WORKER (tvm_popen_worker_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmPopenWorker, tvm_popen_worker, TVM, POPEN_WORKER, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmPopenWorker *tvm_popen_worker_new         (TvmWorkerSpec        *spec);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec  *tvm_popen_worker_get_spec    (TvmPopenWorker       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int             tvm_popen_worker_get_pid     (TvmPopenWorker       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_popen_worker_is_alive    (TvmPopenWorker       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_popen_worker_send        (TvmPopenWorker       *self,
                                              TvmTask              *task,
                                              GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult  *tvm_popen_worker_recv        (TvmPopenWorker       *self,
                                              GCancellable         *cancellable,
                                              GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_popen_worker_recv_async  (TvmPopenWorker       *self,
                                              GCancellable         *cancellable,
                                              GAsyncReadyCallback   callback,
                                              gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult  *tvm_popen_worker_recv_finish (TvmPopenWorker       *self,
                                              GAsyncResult         *result,
                                              GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_popen_worker_kill        (TvmPopenWorker       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_popen_worker_join        (TvmPopenWorker       *self,
                                              gint64                timeout_msec,
                                              GCancellable         *cancellable,
                                              GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_popen_worker_join_async  (TvmPopenWorker       *self,
                                              gint64                timeout_msec,
                                              GCancellable         *cancellable,
                                              GAsyncReadyCallback   callback,
                                              gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_popen_worker_join_finish (TvmPopenWorker       *self,
                                              GAsyncResult         *result,
                                              GError              **error);

G_END_DECLS
