/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full): valid UTF-8 without NULs, whatever @bytes holds */
char *tvm_bytes_dup_utf8 (GBytes *bytes);

G_END_DECLS
