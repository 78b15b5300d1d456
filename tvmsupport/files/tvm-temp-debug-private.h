/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer full): the path of the next directory that is kept for debugging, which is not
 * made yet; NULL on error */
char *tvm_temp_debug_make_path (GError **error);

G_END_DECLS
