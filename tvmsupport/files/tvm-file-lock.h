/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_FILE_LOCK (tvm_file_lock_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmFileLock, tvm_file_lock, TVM, FILE_LOCK, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmFileLock *tvm_file_lock_new (const char *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmFileLock *tvm_file_lock_new_shared (const char *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_file_lock_get_path (TvmFileLock *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_file_lock_is_shared (TvmFileLock *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_file_lock_get_held (TvmFileLock *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_file_lock_query_holder (TvmFileLock *self,
                                     gint        *pid,
                                     char       **host);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_file_lock_release (TvmFileLock *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_file_lock_acquire (TvmFileLock  *self,
                                gint64        timeout_msec,
                                GCancellable *cancellable,
                                GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_file_lock_acquire_async (TvmFileLock        *self,
                                  gint64              timeout_msec,
                                  GCancellable       *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_file_lock_acquire_finish (TvmFileLock  *self,
                                       GAsyncResult *result,
                                       GError      **error);

G_END_DECLS
