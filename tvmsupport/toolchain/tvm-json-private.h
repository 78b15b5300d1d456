/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether a JSON value stands at @at, in front of @end, nested no deeper than json-glib can be
 * trusted with. @reached is what follows the value, or where it went wrong. The text may hold
 * anything, also NUL bytes; whether its strings are UTF-8 is not looked at. */
gboolean tvm_json_skip (const char  *at,
                        const char  *end,
                        const char **reached);

G_END_DECLS
