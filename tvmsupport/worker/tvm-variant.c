/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-variant-private.h"

#include <string.h>

/*
 * Whether bytes are in normal form. GLib finds out by making a value of each element, also of an
 * array of a hundred million bytes, of which nothing can be wrong but the number. So such arrays
 * are found here, by way of the containers around them, whose form is checked by laying them out
 * anew. All else is left to GLib.
 */

/* What is smaller is not worth it. */
#define MIN_SIZE 4096

/* Of the elements of an array, on average */
#define MIN_ELEMENT_SIZE 1024

/* Types of which every value is normal */
#define PLAIN_TYPES "ynqiuxthd"

/* Returns: how many bytes each end takes in a container of @size bytes, ends included */
static gsize
get_end_size (gsize size)
{
  if (size <= G_MAXUINT8)
    return 1;
  if (size <= G_MAXUINT16)
    return 2;
  if (size <= G_MAXUINT32)
    return 4;
  return 8;
}

static gsize
get_alignment (const GVariantType *type)
{
  const GVariantType *member;
  gsize alignment = 1;

  switch (*g_variant_type_peek_string (type))
    {
    case 'n':
    case 'q':
      return 2;

    case 'i':
    case 'u':
    case 'h':
      return 4;

    case 'x':
    case 't':
    case 'd':
    case 'v':
      return 8;

    case 'a':
    case 'm':
      return get_alignment (g_variant_type_element (type));

    case '(':
    case '{':
      for (member = g_variant_type_first (type); member != NULL;
           member = g_variant_type_next (member))
        alignment = MAX (alignment, get_alignment (member));
      return alignment;

    default:
      return 1;
    }
}

static gboolean
is_fixed_size (const GVariantType *type)
{
  const GVariantType *member;

  if (!g_variant_type_is_tuple (type) && !g_variant_type_is_dict_entry (type))
    return strchr (PLAIN_TYPES "b", *g_variant_type_peek_string (type)) != NULL;

  for (member = g_variant_type_first (type); member != NULL; member = g_variant_type_next (member))
    if (!is_fixed_size (member))
      return FALSE;
  return TRUE;
}

/* A container of several values, as it is laid out so far */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize end_size;
  gsize at;                 /* behind the last value */
  gsize n_ends;
  gboolean is_array;        /* the ends are in order; else backwards, from the end on */
  gsize n_all_ends;
} Layout;

/* Returns: whether there is nothing but zeros up to the next multiple of @alignment */
static gboolean
skip_padding (Layout *layout,
              gsize   alignment)
{
  for (; layout->at % alignment != 0; layout->at++)
    if (layout->at >= layout->size || layout->data[layout->at] != 0)
      return FALSE;
  return TRUE;
}

/* Returns: whether the next end is where the last value ends */
static gboolean
check_end (Layout *layout)
{
  const gsize n_before = layout->is_array ? layout->n_all_ends - layout->n_ends
                                          : layout->n_ends + 1;
  guint64 end = 0;

  if (n_before * layout->end_size > layout->size - layout->at)
    return FALSE;

  memcpy (&end, layout->data + layout->size - n_before * layout->end_size, layout->end_size);
  layout->n_ends++;
  return GUINT64_FROM_LE (end) == layout->at;
}

static gboolean
check_member (Layout   *layout,
              GVariant *value,
              gboolean  has_end)
{
  const gsize size = g_variant_get_size (value);

  if (!skip_padding (layout, get_alignment (g_variant_get_type (value)))
      || size > layout->size - layout->at
      || (size > 0 && g_variant_get_data (value) != layout->data + layout->at))
    return FALSE;

  layout->at += size;
  return (!has_end || check_end (layout)) && tvm_variant_is_normal (value);
}

/* A tuple, an entry of a dictionary, or an array whose elements have ends */
static gboolean
is_normal_container (GVariant *value,
                     gboolean  is_array)
{
  const gsize n = g_variant_n_children (value);
  const GVariantType *type = g_variant_get_type (value);
  Layout layout = {
    .data = g_variant_get_data (value), .size = g_variant_get_size (value), .is_array = is_array,
    .n_all_ends = n,
  };

  layout.end_size = get_end_size (layout.size);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      gboolean has_end = is_array || (i + 1 < n && !is_fixed_size (g_variant_get_type (child)));

      if (!check_member (&layout, child, has_end))
        return FALSE;
    }

  if (!is_array && is_fixed_size (type) && !skip_padding (&layout, get_alignment (type)))
    return FALSE;
  return layout.at + layout.n_ends * layout.end_size == layout.size;
}

static gboolean
is_normal_array (GVariant *value)
{
  const GVariantType *element = g_variant_type_element (g_variant_get_type (value));
  const gsize size = g_variant_get_size (value);

  if (strchr (PLAIN_TYPES, *g_variant_type_peek_string (element)) != NULL)
    return size % get_alignment (element) == 0;

  if (is_fixed_size (element) || size / MIN_ELEMENT_SIZE < g_variant_n_children (value))
    return g_variant_is_normal_form (value);
  return is_normal_container (value, TRUE);
}

/* The value, a zero byte, its type */
static gboolean
is_normal_variant (GVariant *value)
{
  /* First, as this is where a value that was built is serialised */
  const char *data = g_variant_get_data (value);
  g_autoptr (GVariant) child = g_variant_get_variant (value);
  const char *type = g_variant_get_type_string (child);
  const gsize child_size = g_variant_get_size (child);
  const gsize size = g_variant_get_size (value);

  return size == child_size + 1 + strlen (type)
         && (child_size == 0 || g_variant_get_data (child) == data)
         && data[child_size] == '\0'
         && memcmp (data + child_size + 1, type, strlen (type)) == 0
         && tvm_variant_is_normal (child);
}

gboolean
tvm_variant_is_normal (GVariant *value)
{
  if (g_variant_get_size (value) < MIN_SIZE)
    return g_variant_is_normal_form (value);

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_ARRAY:
      return is_normal_array (value);

    case G_VARIANT_CLASS_VARIANT:
      return is_normal_variant (value);

    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      return is_normal_container (value, FALSE);

    default:
      return g_variant_is_normal_form (value);
    }
}

/* Types of which a value needs no look at all, if its size is right */
static gboolean
is_plain (const GVariantType *type,
          gsize               size)
{
  return strchr (PLAIN_TYPES, *g_variant_type_peek_string (type)) != NULL
         && size == get_alignment (type);
}

GVariant *
tvm_variant_read (const GVariantType *type,
                  GBytes             *bytes)
{
  gboolean plain = is_plain (type, g_bytes_get_size (bytes));
  g_autoptr (GVariant) value = NULL;

  value = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, plain));
  if (!plain && !tvm_variant_is_normal (value))
    return NULL;
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    return g_variant_byteswap (value);

  /* So that nobody looks again at what is in it */
  if (g_variant_get_size (value) >= MIN_SIZE)
    return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));
  return g_steal_pointer (&value);
}

/* The value, a zero byte, its type */
GVariant *
tvm_variant_read_boxed (GBytes     *owner,
                        const char *data,
                        gsize       size)
{
  const char *zero = size > 0 ? memrchr (data, '\0', size) : NULL;
  g_autoptr (GBytes) bytes = NULL;
  const GVariantType *type;
  const char *end;

  if (zero == NULL || !g_variant_type_string_scan (zero + 1, data + size, &end)
      || end != data + size)
    return NULL;

  type = (const GVariantType *) (zero + 1);
  if (!g_variant_type_is_definite (type))
    return NULL;

  if (owner != NULL)
    bytes = g_bytes_new_from_bytes (owner, data - (const char *) g_bytes_get_data (owner, NULL),
                                    zero - data);
  else
    bytes = g_bytes_new (data, zero - data);
  return tvm_variant_read (type, bytes);
}

gsize
tvm_variant_get_end_size (gsize size)
{
  if (size + 1 <= G_MAXUINT8)
    return 1;
  if (size + 2 <= G_MAXUINT16)
    return 2;
  if (size + 4 <= G_MAXUINT32)
    return 4;
  return 8;
}

/* The name with its zero byte, zeros up to a multiple of 8, the boxed value, the end of the name */
gboolean
tvm_variant_read_task (GBytes      *bytes,
                       const char **name,
                       GVariant   **args)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const char *zero = size > 0 ? memchr (data, '\0', size) : NULL;
  gsize name_size = zero != NULL ? zero + 1 - data : 0;
  gsize value_at = (name_size + 7) & ~(gsize) 7;
  gsize end_size = get_end_size (size);
  guint64 name_end = 0;

  if (zero == NULL || value_at + end_size > size
      || tvm_variant_get_end_size (size - end_size) != end_size)
    return FALSE;

  for (gsize i = name_size; i < value_at; i++)
    if (data[i] != '\0')
      return FALSE;

  memcpy (&name_end, data + size - end_size, end_size);
  if (GUINT64_FROM_LE (name_end) != name_size || !g_utf8_validate (data, -1, NULL))
    return FALSE;

  *name = data;
  *args = tvm_variant_read_boxed (bytes, data + value_at, size - end_size - value_at);
  return *args != NULL;
}
