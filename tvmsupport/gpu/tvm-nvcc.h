/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_parse_compute_version             (const char           *compute_version,
                                                      int                  *major,
                                                      int                  *minor,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_fp16                         (const char           *compute_version,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_int8                         (const char           *compute_version,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_bf16                         (const char           *compute_version,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_fp8                          (const char           *compute_version,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_fp4                          (const char           *compute_version,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_tensorcore                   (const char           *compute_version,
                                                      const char           *target,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_get_target_compute_version        (const char           *target,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_nvcc_get_target_compute_version_async  (const char           *target,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_get_target_compute_version_finish (GAsyncResult         *result,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_cudagraph                    (GCancellable         *cancellable,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_nvcc_have_cudagraph_async              (GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_have_cudagraph_finish             (GAsyncResult         *result,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_find_cuda_path                    (GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_get_cuda_version                  (const char           *cuda_path,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_nvcc_get_cuda_version_async            (const char           *cuda_path,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_get_cuda_version_finish           (GAsyncResult         *result,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char     *tvm_nvcc_find_libdevice_path               (const char           *arch,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_nvcc_find_nvshmem_paths                (char                **include_path,
                                                      char                **library_path,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_nvcc_compile_cuda                      (const char           *code,
                                                      const char           *target_format,
                                                      const char           *arch,
                                                      const char * const   *options,
                                                      const char           *path_target,
                                                      const char           *compiler,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_nvcc_compile_cuda_async                (const char           *code,
                                                      const char           *target_format,
                                                      const char           *arch,
                                                      const char * const   *options,
                                                      const char           *path_target,
                                                      const char           *compiler,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_nvcc_compile_cuda_finish               (GAsyncResult         *result,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_nvcc_link_device                       (const char * const   *files,
                                                      GBytes * const       *images,
                                                      gsize                 n_images,
                                                      const char           *arch,
                                                      const char * const   *options,
                                                      GCancellable         *cancellable,
                                                      GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_nvcc_link_device_async                 (const char * const   *files,
                                                      GBytes * const       *images,
                                                      gsize                 n_images,
                                                      const char           *arch,
                                                      const char * const   *options,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_nvcc_link_device_finish                (GAsyncResult         *result,
                                                      GError              **error);

G_END_DECLS
