/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
GHashTable *tvm_libinfo (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_describe (GCancellable *cancellable,
                    GError      **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_describe_async (GCancellable       *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_describe_finish (GAsyncResult *result,
                           GError      **error);

G_END_DECLS
