/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_TEMP_DIRECTORY (tvm_temp_directory_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmTempDirectory, tvm_temp_directory, TVM, TEMP_DIRECTORY, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTempDirectory *tvm_temp_directory_new (const char  *custom_path,
                                          GError     **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTempDirectory *tvm_temp_directory_new_in (const char  *parent,
                                             GError     **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTempDirectory *tvm_temp_directory_new_for_debug (GError **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_temp_directory_get_path (TvmTempDirectory *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_get_keep (TvmTempDirectory *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_set_keep (TvmTempDirectory *self,
                                  gboolean          keep);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_temp_directory_build_path (TvmTempDirectory  *self,
                                     const char        *name,
                                     GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_temp_directory_list (TvmTempDirectory  *self,
                                GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_remove (TvmTempDirectory *self,
                                    GCancellable     *cancellable,
                                    GError          **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_remove_async (TvmTempDirectory   *self,
                                      GCancellable       *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_remove_finish (TvmTempDirectory *self,
                                           GAsyncResult     *result,
                                           GError          **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_remove_detached (TvmTempDirectory *self,
                                             GError          **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_remove_on_signals (GError **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_set_keep_for_debug (gboolean keep);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_temp_directory_get_keep_for_debug (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_push_keep_for_debug (gboolean keep);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_pop_keep_for_debug (void);

TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_temp_directory_clean (const char   *parent,
                                 gboolean      dry_run,
                                 GCancellable *cancellable,
                                 GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_temp_directory_clean_async (const char         *parent,
                                     gboolean            dry_run,
                                     GCancellable       *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_temp_directory_clean_finish (GAsyncResult *result,
                                        GError      **error);

G_END_DECLS
