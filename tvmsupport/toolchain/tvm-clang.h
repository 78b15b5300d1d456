/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <glib.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
char **tvm_clang_find_clang (gboolean   required,
                             GError   **error);

G_END_DECLS
