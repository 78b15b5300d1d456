/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_cc_get_cc (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_cc_get_target_triple (const char   *command,
                                GCancellable *cancellable,
                                GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_cc_get_target_triple_async (const char         *command,
                                     GCancellable       *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_cc_get_target_triple_finish (GAsyncResult *result,
                                       GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
GHashTable *tvm_cc_get_global_symbol_section_map (const char   *path,
                                                  const char   *nm,
                                                  GCancellable *cancellable,
                                                  GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_cc_get_global_symbol_section_map_async (const char         *path,
                                                 const char         *nm,
                                                 GCancellable       *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GHashTable *tvm_cc_get_global_symbol_section_map_finish (GAsyncResult *result,
                                                         GError      **error);

G_END_DECLS
