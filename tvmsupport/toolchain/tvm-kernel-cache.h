/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_KERNEL_CACHE (tvm_kernel_cache_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmKernelCache, tvm_kernel_cache, TVM, KERNEL_CACHE, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmKernelCache *tvm_kernel_cache_new              (const char           *directory);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmKernelCache *tvm_kernel_cache_get_default      (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_kernel_cache_get_directory    (TvmKernelCache       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_kernel_cache_get_maximum_size (TvmKernelCache       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_kernel_cache_set_maximum_size (TvmKernelCache       *self,
                                                   guint64               maximum_size);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_kernel_cache_get_hits         (TvmKernelCache       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_kernel_cache_get_misses       (TvmKernelCache       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_kernel_cache_get_size         (TvmKernelCache       *self);

TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_kernel_cache_lookup        (TvmKernelCache       *self,
                                          const char           *key,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_kernel_cache_lookup_async  (TvmKernelCache       *self,
                                          const char           *key,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes   *tvm_kernel_cache_lookup_finish (TvmKernelCache       *self,
                                          GAsyncResult         *result,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_store         (TvmKernelCache       *self,
                                          const char           *key,
                                          GBytes               *contents,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_kernel_cache_store_async   (TvmKernelCache       *self,
                                          const char           *key,
                                          GBytes               *contents,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_store_finish  (TvmKernelCache       *self,
                                          GAsyncResult         *result,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_clear         (TvmKernelCache       *self,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_kernel_cache_clear_async   (TvmKernelCache       *self,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_clear_finish  (TvmKernelCache       *self,
                                          GAsyncResult         *result,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_trim          (TvmKernelCache       *self,
                                          guint64               maximum_size,
                                          GCancellable         *cancellable,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_kernel_cache_trim_async    (TvmKernelCache       *self,
                                          guint64               maximum_size,
                                          GCancellable         *cancellable,
                                          GAsyncReadyCallback   callback,
                                          gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean  tvm_kernel_cache_trim_finish   (TvmKernelCache       *self,
                                          GAsyncResult         *result,
                                          GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant *tvm_kernel_cache_dup_stats        (TvmKernelCache       *self,
                                             GCancellable         *cancellable,
                                             GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_kernel_cache_dup_stats_async  (TvmKernelCache       *self,
                                             GCancellable         *cancellable,
                                             GAsyncReadyCallback   callback,
                                             gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GVariant *tvm_kernel_cache_dup_stats_finish (TvmKernelCache       *self,
                                             GAsyncResult         *result,
                                             GError              **error);

G_END_DECLS
