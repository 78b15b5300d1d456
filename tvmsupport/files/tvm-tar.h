/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/files/tvm-tar-entry.h>
#include <tvmsupport/files/tvm-tar-options.h>
#include <tvmsupport/files/tvm-temp-directory.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_create (const char         *output,
                         const char * const *files,
                         TvmTarOptions      *options,
                         GCancellable       *cancellable,
                         GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_create_async (const char         *output,
                           const char * const *files,
                           TvmTarOptions      *options,
                           GCancellable       *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_create_finish (GAsyncResult *result,
                                GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_extract (const char    *tar_file,
                          const char    *directory,
                          TvmTarOptions *options,
                          GCancellable  *cancellable,
                          GError       **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_extract_async (const char         *tar_file,
                            const char         *directory,
                            TvmTarOptions      *options,
                            GCancellable       *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_extract_finish (GAsyncResult *result,
                                 GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel *tvm_tar_list (const char    *tar_file,
                          TvmTarOptions *options,
                          GCancellable  *cancellable,
                          GError       **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_list_async (const char         *tar_file,
                         TvmTarOptions      *options,
                         GCancellable       *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel *tvm_tar_list_finish (GAsyncResult *result,
                                 GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_tar_normalize_file_list (TvmTempDirectory   *temp,
                                    const char * const *files,
                                    TvmTarOptions      *options,
                                    GCancellable       *cancellable,
                                    GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_normalize_file_list_async (TvmTempDirectory   *temp,
                                        const char * const *files,
                                        TvmTarOptions      *options,
                                        GCancellable       *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_tar_normalize_file_list_finish (GAsyncResult *result,
                                           GError      **error);

G_END_DECLS
