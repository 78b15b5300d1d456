/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_TASK (tvm_task_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmTask, tvm_task, TVM, TASK, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTask    *tvm_task_new                   (const char          *function,
                                            GVariant            *args);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTask    *tvm_task_new_bytes             (GBytes              *payload);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_add_bytes             (TvmTask             *self,
                                            GBytes              *payload);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTask    *tvm_task_new_command           (const char * const  *argv);
TVM_SUPPORT_AVAILABLE_IN_1_0
char       *tvm_task_dup_description       (TvmTask             *self);

TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_description       (TvmTask             *self,
                                            const char          *description);

TVM_SUPPORT_AVAILABLE_IN_1_0
gint64      tvm_task_get_timeout           (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_timeout           (TvmTask             *self,
                                            gint64               timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64      tvm_task_get_soft_timeout      (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_soft_timeout      (TvmTask             *self,
                                            gint64               timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
int         tvm_task_get_priority          (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_priority          (TvmTask             *self,
                                            int                  priority);

/* Commands only */
TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_task_get_working_directory (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_working_directory (TvmTask             *self,
                                            const char          *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
char      **tvm_task_dup_environment       (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_environment       (TvmTask             *self,
                                            const char * const  *environment);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes     *tvm_task_get_stdin             (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_stdin             (TvmTask             *self,
                                            GBytes              *bytes);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean    tvm_task_get_inherit_stdio     (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_inherit_stdio     (TvmTask             *self,
                                            gboolean             inherit_stdio);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64     tvm_task_get_output_limit      (TvmTask             *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void        tvm_task_set_output_limit      (TvmTask             *self,
                                            guint64              limit);

G_END_DECLS
