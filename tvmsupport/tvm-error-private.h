/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/tvm-error.h"

G_BEGIN_DECLS

gboolean tvm_error_set_errno (GError    **error,
                              int         errsv,
                              const char *format,
                              ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
