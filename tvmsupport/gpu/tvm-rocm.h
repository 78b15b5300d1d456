/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_rocm_parse_compute_version (const char           *compute_version,
                                          int                  *major,
                                          int                  *minor,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_rocm_have_matrixcore       (const char           *compute_version,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_rocm_find_path             (GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char    **tvm_rocm_find_lld              (gboolean              required,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char    **tvm_rocm_find_bitcode_paths    (const char           *arch,
                                          const char           *bitcode_path,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_rocm_get_arch              (const char           *rocm_path,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_rocm_get_arch_async        (const char           *rocm_path,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_rocm_get_arch_finish       (GAsyncResult         *result,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_rocm_link                  (const char           *in_file,
                                          const char           *out_file,
                                          const char           *lld,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_rocm_link_async            (const char           *in_file,
                                          const char           *out_file,
                                          const char           *lld,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_rocm_link_finish           (GAsyncResult         *result,
                                          GError              **error);

G_END_DECLS
