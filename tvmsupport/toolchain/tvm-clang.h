/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_clang_find_clang         (gboolean              required,
                                     GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
char  *tvm_clang_create_llvm        (const char * const   *inputs,
                                     const char           *output,
                                     const char * const   *options,
                                     const char           *cc,
                                     GCancellable         *cancellable,
                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void   tvm_clang_create_llvm_async  (const char * const   *inputs,
                                     const char           *output,
                                     const char * const   *options,
                                     const char           *cc,
                                     GCancellable         *cancellable,
                                     GAsyncReadyCallback   callback,
                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char  *tvm_clang_create_llvm_finish (GAsyncResult         *result,
                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char  *tvm_clang_create_llvm_with_log_finish (GAsyncResult   *result,
                                              char          **log,
                                              GError        **error);

G_END_DECLS
