/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/pool/tvm-map-iterator.h>
#include <tvmsupport/pool/tvm-task-result.h>
#include <tvmsupport/pool/tvm-task.h>
#include <tvmsupport/pool/tvm-worker-spec.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmRetryPolicy:
 * @TVM_RETRY_POLICY_NOT_BEGUN: a task whose worker died before it began the task is given to
 * another
 * @TVM_RETRY_POLICY_NEVER: it fails with %TVM_ERROR_WORKER_DIED
 *
 * What a pool does with a task whose worker died before the task had begun. A task that had begun
 * is never run again.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_RETRY_POLICY_NOT_BEGUN,
  TVM_RETRY_POLICY_NEVER,
} TvmRetryPolicy;

/**
 * TvmShutdownMode:
 * @TVM_SHUTDOWN_MODE_DRAIN: everything that was submitted is run first
 * @TVM_SHUTDOWN_MODE_CANCEL: what is queued or runs is cancelled
 *
 * How a pool ends.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_SHUTDOWN_MODE_DRAIN,
  TVM_SHUTDOWN_MODE_CANCEL,
} TvmShutdownMode;

#define TVM_TYPE_POOL_EXECUTOR (tvm_pool_executor_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmPoolExecutor, tvm_pool_executor, TVM, POOL_EXECUTOR, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmPoolExecutor *tvm_pool_executor_new              (TvmWorkerSpec        *spec,
                                                     guint                 max_workers);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec   *tvm_pool_executor_get_spec         (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint            tvm_pool_executor_get_max_workers  (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64           tvm_pool_executor_get_timeout      (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_set_timeout      (TvmPoolExecutor      *self,
                                                     gint64                timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64           tvm_pool_executor_get_soft_timeout (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_set_soft_timeout (TvmPoolExecutor      *self,
                                                     gint64                timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmRetryPolicy   tvm_pool_executor_get_retry_policy (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_set_retry_policy (TvmPoolExecutor      *self,
                                                     TvmRetryPolicy        policy);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64          tvm_pool_executor_get_n_queued     (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint            tvm_pool_executor_get_n_running    (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64          tvm_pool_executor_get_n_finished   (TvmPoolExecutor      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel      *tvm_pool_executor_get_workers      (TvmPoolExecutor      *self);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult   *tvm_pool_executor_submit           (TvmPoolExecutor      *self,
                                                     TvmTask              *task,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_submit_async     (TvmPoolExecutor      *self,
                                                     TvmTask              *task,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult   *tvm_pool_executor_submit_finish    (TvmPoolExecutor      *self,
                                                     GAsyncResult         *result,
                                                     GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant        *tvm_pool_executor_call             (TvmPoolExecutor      *self,
                                                     const char           *function,
                                                     GVariant             *args,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_call_async       (TvmPoolExecutor      *self,
                                                     const char           *function,
                                                     GVariant             *args,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant        *tvm_pool_executor_call_finish      (TvmPoolExecutor      *self,
                                                     GAsyncResult         *result,
                                                     GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmMapIterator  *tvm_pool_executor_map              (TvmPoolExecutor      *self,
                                                     const char           *function,
                                                     GVariant            **items,
                                                     gsize                 n_items,
                                                     TvmMapFlags           flags);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmMapIterator  *tvm_pool_executor_map_tasks        (TvmPoolExecutor      *self,
                                                     TvmMapFunc            next_task,
                                                     gpointer              user_data,
                                                     GDestroyNotify        destroy,
                                                     TvmMapFlags           flags);

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean         tvm_pool_executor_recycle          (TvmPoolExecutor      *self,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_recycle_async    (TvmPoolExecutor      *self,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean         tvm_pool_executor_recycle_finish   (TvmPoolExecutor      *self,
                                                     GAsyncResult         *result,
                                                     GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean         tvm_pool_executor_shutdown         (TvmPoolExecutor      *self,
                                                     TvmShutdownMode       mode,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void             tvm_pool_executor_shutdown_async   (TvmPoolExecutor      *self,
                                                     TvmShutdownMode       mode,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean         tvm_pool_executor_shutdown_finish  (TvmPoolExecutor      *self,
                                                     GAsyncResult         *result,
                                                     GError              **error);

G_END_DECLS
