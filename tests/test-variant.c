/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-variant-private.h"

#include <string.h>

/*
 * The normal form of what is large: the same answers as those of GLib, for values of all shapes and
 * for what becomes of them when bytes change.
 */

#define N_CHANGES 40

/* Each is made large by the arrays in it. */
static const char * const types[] = {
  "ay", "ai", "ax", "ab", "as", "aay", "a(ii)", "a{sv}", "(ay)", "(yay)", "(ayy)", "(ayay)",
  "(sayiaxs)", "may", "m(ayu)", "v", "(sv)", "(xvy)", "a(say)", "((ay)n)", "(n(ay)(ii))", "{sv}",
  "{yay}", "aav", "(t(y(ad)))", "(b()ay)",
};

static GVariant *make_value (const GVariantType *type,
                             guint               depth);

static GVariant *
make_array (const GVariantType *type,
            guint               depth)
{
  const GVariantType *element = g_variant_type_element (type);
  GVariantBuilder builder;
  gint32 n = depth == 0 ? g_test_rand_int_range (1, 9) : g_test_rand_int_range (0, 4);

  if (strchr ("ynqiuxthdb", *g_variant_type_peek_string (element)) != NULL)
    n = g_test_rand_int_range (0, 8) == 0 ? 0 : g_test_rand_int_range (3000, 9000);

  g_variant_builder_init (&builder, type);
  for (gint32 i = 0; i < n; i++)
    g_variant_builder_add_value (&builder, make_value (element, depth + 1));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_container (const GVariantType *type,
                guint               depth)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, type);
  for (const GVariantType *member = g_variant_type_first (type); member != NULL;
       member = g_variant_type_next (member))
    g_variant_builder_add_value (&builder, make_value (member, depth + 1));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_value (const GVariantType *type,
            guint               depth)
{
  static const char * const inner[] = { "ay", "s", "(ays)", "i", "aay" };
  g_autofree char *text = NULL;
  gint32 number = g_test_rand_int ();

  switch (*g_variant_type_peek_string (type))
    {
    case 'a':
      return make_array (type, depth);

    case '(':
    case '{':
      return make_container (type, depth);

    case 'm':
      return g_variant_new_maybe (NULL, make_value (g_variant_type_element (type), depth + 1));

    case 'v':
      text = g_strdup (inner[g_test_rand_int_range (0, G_N_ELEMENTS (inner))]);
      return g_variant_new_variant (make_value (G_VARIANT_TYPE (text), depth + 1));

    case 's':
      text = g_strnfill ((gsize) g_test_rand_int_range (0, 50), 's');
      return g_variant_new_string (text);

    case 'y':
      return g_variant_new_byte ((guint8) number);

    case 'b':
      return g_variant_new_boolean (number % 2);

    case 'n':
      return g_variant_new_int16 ((gint16) number);

    case 'i':
      return g_variant_new_int32 (number);

    case 'u':
      return g_variant_new_uint32 ((guint32) number);

    case 'x':
      return g_variant_new_int64 (number);

    case 't':
      return g_variant_new_uint64 ((guint64) number);

    case 'd':
      return g_variant_new_double (number);

    default:
      g_assert_not_reached ();
    }
}

static void
compare (const GVariantType *type,
         gconstpointer       data,
         gsize               size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GVariant) theirs = NULL;
  g_autoptr (GVariant) ours = NULL;
  g_autoptr (GVariant) value = NULL;

  theirs = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
  ours = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
  g_assert_cmpint (tvm_variant_is_normal (ours), ==, g_variant_is_normal_form (theirs));

  value = tvm_variant_read (type, bytes);
  g_assert_cmpint (value != NULL, ==, g_variant_is_normal_form (theirs));
}

/* The two shapes in which values travel */
static void
compare_boxed (const char *data,
               gsize       size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GVariant) theirs = NULL;
  g_autoptr (GVariant) ours = NULL;
  g_autoptr (GVariant) copied = NULL;

  theirs = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  ours = tvm_variant_read_boxed (bytes, g_bytes_get_data (bytes, NULL), size);
  copied = tvm_variant_read_boxed (NULL, data, size);
  g_assert_cmpint (ours != NULL, ==, g_variant_is_normal_form (theirs));
  g_assert_cmpint (copied != NULL, ==, ours != NULL);
  if (ours != NULL)
    {
      g_autoptr (GVariant) value = g_variant_get_variant (theirs);

      g_assert_cmpstr (g_variant_get_type_string (ours), ==, g_variant_get_type_string (value));
      g_assert_cmpmem (g_variant_get_data (ours), g_variant_get_size (ours),
                       g_variant_get_data (value), g_variant_get_size (value));
    }
}

static void
compare_task (const char *data,
              gsize       size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GVariant) theirs = NULL;
  g_autoptr (GVariant) ours = NULL;
  const char *name = NULL;
  gboolean good;

  theirs = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(sv)"), bytes, FALSE));
  good = tvm_variant_read_task (bytes, &name, &ours);
  g_assert_cmpint (good, ==, g_variant_is_normal_form (theirs));
  if (good)
    {
      g_autoptr (GVariant) args = NULL;
      const char *their_name;

      g_variant_get (theirs, "(&sv)", &their_name, &args);
      g_assert_cmpstr (name, ==, their_name);
      g_assert_cmpstr (g_variant_get_type_string (ours), ==, g_variant_get_type_string (args));
      g_assert_cmpmem (g_variant_get_data (ours), g_variant_get_size (ours),
                       g_variant_get_data (args), g_variant_get_size (args));
    }
}

/* One byte, the last bytes, or some zeros more; small places more often, as there are the ends. */
static gsize
change (guint8 *data,
        gsize   size)
{
  const gint32 last = (gint32) size - 1;
  gsize at = (gsize) g_test_rand_int_range (0, last + 1);

  switch (g_test_rand_int_range (0, 8))
    {
    case 0:
      return at;

    case 1:
      return size - (gsize) g_test_rand_int_range (1, MIN (last, 9) + 1);

    case 2:
      memset (data + size, 0, 8);
      return size + (gsize) g_test_rand_int_range (1, 9);

    case 3:
    case 4:
      at = size - (gsize) g_test_rand_int_range (1, MIN (last, 20) + 1);
      break;

    case 5:
      at = (gsize) g_test_rand_int_range (0, MIN (last, 20) + 1);
      break;

    default:
      break;
    }

  data[at] = (guint8) (data[at] + g_test_rand_int_range (-2, 3));
  return size;
}

static void
test_as_glib (gconstpointer data)
{
  const GVariantType *type = G_VARIANT_TYPE (data);

  for (guint i = 0; i < N_CHANGES; i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (make_value (type, 0));
      const gsize size = g_variant_get_size (value);
      g_autofree guint8 *copy = g_malloc (size + 8);
      gsize changed_size;

      if (size < 2)
        continue;

      g_assert_true (tvm_variant_is_normal (value));
      memcpy (copy, g_variant_get_data (value), size);
      compare (type, copy, size);
      for (guint j = 0; j < 4; j++)
        {
          changed_size = change (copy, size);
          compare (type, copy, changed_size);
          if (changed_size < size)
            memcpy (copy, g_variant_get_data (value), size);
        }
    }
}

static void
compare_changed (GVariant *value,
                 void    (*compare_bytes) (const char *data,
                                           gsize       size))
{
  const gsize size = g_variant_get_size (value);
  g_autofree guint8 *copy = g_malloc (size + 8);

  memcpy (copy, g_variant_get_data (value), size);
  compare_bytes ((const char *) copy, size);
  for (guint i = 0; i < 8; i++)
    {
      gsize changed_size = change (copy, size);

      compare_bytes ((const char *) copy, changed_size);
      if (i % 2 == 1)
        memcpy (copy, g_variant_get_data (value), size);
    }
}

static void
test_shapes (void)
{
  static const char * const shapes[] = { "i", "s", "()", "(ii)", "as", "v", "y", "b", "(sib)", "ay" };

  for (guint i = 0; i < 20 * N_CHANGES; i++)
    {
      const char *shape = shapes[g_test_rand_int_range (0, G_N_ELEMENTS (shapes))];
      g_autoptr (GVariant) value = g_variant_ref_sink (make_value (G_VARIANT_TYPE (shape), 1));
      g_autoptr (GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (value));
      g_autofree char *name = g_strnfill ((gsize) g_test_rand_int_range (0, 270), 'n');
      g_autoptr (GVariant) task = g_variant_ref_sink (g_variant_new ("(sv)", name, value));

      compare_changed (boxed, compare_boxed);
      compare_changed (task, compare_task);
    }
}

/* The point of it: no walk over the bytes. With one, this takes minutes. */
static void
test_large (void)
{
  const gsize size = 1 << 28;
  g_autoptr (GBytes) bytes = NULL;
  gpointer memory = g_try_malloc0 (size);

  if (memory == NULL)
    {
      g_test_skip ("not enough memory");
      return;
    }

  bytes = g_bytes_new_take (memory, size);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GVariant) value = tvm_variant_read (G_VARIANT_TYPE_BYTESTRING, bytes);

      g_assert_nonnull (value);
      g_assert_cmpuint (g_variant_n_children (value), ==, size);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strconcat ("/variant/as-glib/", types[i], NULL);

      g_test_add_data_func (path, types[i], test_as_glib);
    }
  g_test_add_func ("/variant/shapes", test_shapes);
  g_test_add_func ("/variant/large", test_large);

  return g_test_run ();
}
