/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For what comes over a connection, of any size. GLib only. */

/* As g_variant_is_normal_form(), but that takes 14 ns for each byte of an array of them. */
gboolean  tvm_variant_is_normal (GVariant            *value);

/* @bytes: in little-endian. Returns: (transfer full) (nullable): the value of @type that they are,
 * NULL if they are not one in normal form */
GVariant *tvm_variant_read      (const GVariantType  *type,
                                 GBytes              *bytes);

G_END_DECLS
