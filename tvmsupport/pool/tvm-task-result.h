/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmStatusKind:
 * @TVM_STATUS_KIND_RUNNING: there is no outcome yet
 * @TVM_STATUS_KIND_COMPLETE: the task returned a value, or the command ran to an end of its own
 * @TVM_STATUS_KIND_EXCEPTION: there is an error instead: of the task, or of its worker
 * @TVM_STATUS_KIND_TIMEOUT: the task was killed at its time limit
 *
 * What became of a task. The numbers are those of `tvm.support`.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_STATUS_KIND_RUNNING = 0,
  TVM_STATUS_KIND_COMPLETE = 1,
  TVM_STATUS_KIND_EXCEPTION = 2,
  TVM_STATUS_KIND_TIMEOUT = 3,
} TvmStatusKind;

#define TVM_TYPE_TASK_RESULT (tvm_task_result_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmTaskResult, tvm_task_result, TVM, TASK_RESULT, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmStatusKind  tvm_task_result_get_status        (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean       tvm_task_result_check             (TvmTaskResult  *self,
                                                  GError        **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
const GError  *tvm_task_result_get_error         (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant      *tvm_task_result_get_value         (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes        *tvm_task_result_get_bytes         (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char    *tvm_task_result_get_remote_type   (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char    *tvm_task_result_get_traceback     (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int            tvm_task_result_get_exit_status   (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int            tvm_task_result_get_term_signal   (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes        *tvm_task_result_get_stdout        (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes        *tvm_task_result_get_stderr        (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean       tvm_task_result_get_truncated     (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64         tvm_task_result_get_elapsed_usec  (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64         tvm_task_result_get_user_usec     (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64         tvm_task_result_get_system_usec   (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64        tvm_task_result_get_max_rss_bytes (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int            tvm_task_result_get_worker_pid    (TvmTaskResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint          tvm_task_result_get_n_attempts    (TvmTaskResult  *self);

#define TVM_TYPE_MAP_RESULT (tvm_map_result_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmMapResult, tvm_map_result, TVM, MAP_RESULT, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
guint64        tvm_map_result_get_index          (TvmMapResult   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmStatusKind  tvm_map_result_get_status         (TvmMapResult   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant      *tvm_map_result_get_value          (TvmMapResult   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean       tvm_map_result_check              (TvmMapResult   *self,
                                                  GError        **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
const GError  *tvm_map_result_get_error          (TvmMapResult   *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult *tvm_map_result_get_task_result    (TvmMapResult   *self);

G_END_DECLS
