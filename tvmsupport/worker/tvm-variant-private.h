/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For what comes over a connection, of any size. GLib only. */

/* As g_variant_is_normal_form(), but that takes 14 ns for each byte of an array of them. */
gboolean  tvm_variant_is_normal  (GVariant            *value);

/* All that follows is in little-endian. */

/* Returns: (transfer full) (nullable): the value of @type that they are,
 * NULL if they are not one in normal form */
GVariant *tvm_variant_read       (const GVariantType  *type,
                                  GBytes              *bytes);

/* The two shapes in which values travel, without a value for each layer. NULL and FALSE are for
 * what is not in normal form.
 *
 * @owner: (nullable): what has the @data; else it is copied. Returns: (transfer full) (nullable):
 * the value in the "v" that is at @data */
GVariant *tvm_variant_read_boxed (GBytes              *owner,
                                  const char          *data,
                                  gsize                size);
/* @bytes: an "(sv)"; @name: (out): in it; @args: (out) (transfer full) */
gboolean  tvm_variant_read_task  (GBytes              *bytes,
                                  const char         **name,
                                  GVariant           **args);
/* How many bytes an end takes in a serialised container of @size bytes, ends not counted, with one */
gsize     tvm_variant_get_end_size (gsize              size);

G_END_DECLS
