/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <glib-object.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmWorkerState:
 * @TVM_WORKER_STATE_STARTING: it is being started, or runs the initializer
 * @TVM_WORKER_STATE_IDLE: it waits for a task
 * @TVM_WORKER_STATE_BUSY: it runs a task
 * @TVM_WORKER_STATE_ENDING: it was killed or is done, and is not gone yet
 * @TVM_WORKER_STATE_GONE: it is no more
 *
 * What a worker does.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_WORKER_STATE_STARTING,
  TVM_WORKER_STATE_IDLE,
  TVM_WORKER_STATE_BUSY,
  TVM_WORKER_STATE_ENDING,
  TVM_WORKER_STATE_GONE,
} TvmWorkerState;

#define TVM_TYPE_WORKER_INFO (tvm_worker_info_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmWorkerInfo, tvm_worker_info, TVM, WORKER_INFO, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_info_get_id     (TvmWorkerInfo *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int             tvm_worker_info_get_pid    (TvmWorkerInfo *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerState  tvm_worker_info_get_state  (TvmWorkerInfo *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_info_get_n_uses (TvmWorkerInfo *self);

G_END_DECLS
