/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <tvmsupport/pool/tvm-pool-executor.h>

G_BEGIN_DECLS

#define TVM_TYPE_COMPLETION_QUEUE (tvm_completion_queue_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmCompletionQueue, tvm_completion_queue, TVM, COMPLETION_QUEUE, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompletionQueue *tvm_completion_queue_new          (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64             tvm_completion_queue_submit       (TvmCompletionQueue  *self,
                                                       TvmPoolExecutor     *pool,
                                                       TvmTask             *task);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64             tvm_completion_queue_submit_bytes (TvmCompletionQueue  *self,
                                                       TvmPoolExecutor     *pool,
                                                       const guint8        *data,
                                                       gsize                size,
                                                       const char          *description);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean            tvm_completion_queue_is_running   (TvmCompletionQueue  *self,
                                                       guint64              id);
TVM_SUPPORT_AVAILABLE_IN_1_0
void                tvm_completion_queue_cancel       (TvmCompletionQueue  *self,
                                                       guint64              id);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean            tvm_completion_queue_wait         (TvmCompletionQueue  *self,
                                                       gint64               timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult      *tvm_completion_queue_pop          (TvmCompletionQueue  *self,
                                                       guint64             *id,
                                                       GError             **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTaskResult      *tvm_completion_queue_take         (TvmCompletionQueue  *self,
                                                       guint64              id,
                                                       gint64               timeout_msec,
                                                       GError             **error);

G_END_DECLS
