/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>
#include <tvmsupport/worker/tvm-worker-channel.h>

G_BEGIN_DECLS

/**
 * TvmWorkerRequest:
 * @TVM_WORKER_REQUEST_SETUP: the settings have come: load what they name; see
 *   [method@TvmSupport.WorkerNursery.dup_settings]
 * @TVM_WORKER_REQUEST_FORK: fork, then call [method@TvmSupport.WorkerNursery.child] in the child
 *   and [method@TvmSupport.WorkerNursery.parent] in the parent
 * @TVM_WORKER_REQUEST_END: end the process
 *
 * What a [class@TvmSupport.WorkerNursery] asks of its language.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_WORKER_REQUEST_SETUP,
  TVM_WORKER_REQUEST_FORK,
  TVM_WORKER_REQUEST_END,
} TvmWorkerRequest;

#define TVM_TYPE_WORKER_NURSERY (tvm_worker_nursery_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmWorkerNursery, tvm_worker_nursery, TVM, WORKER_NURSERY, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerNursery *tvm_worker_nursery_open         (const char        *role,
                                                   const char        *program,
                                                   GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerRequest  tvm_worker_nursery_next         (TvmWorkerNursery  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            **tvm_worker_nursery_dup_settings (TvmWorkerNursery  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerChannel *tvm_worker_nursery_child        (TvmWorkerNursery  *self,
                                                   GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_worker_nursery_parent       (TvmWorkerNursery  *self,
                                                   int                pid,
                                                   int                errsv);

G_END_DECLS
