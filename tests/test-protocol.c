/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-channel-private.h"
#include "tvmsupport/worker/tvm-status-page.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * data/protocol/frames.json, as the C side reads and writes it. The tests of Python and JavaScript
 * read the same file.
 */

static JsonParser *parser;

typedef void (*CheckEntry) (JsonObject *entry);

static const char *
get_name (JsonObject *entry)
{
  if (json_object_has_member (entry, "name"))
    return json_object_get_string_member (entry, "name");
  return json_object_get_string_member (entry, "hex");
}

static void
for_each (const char *list,
          CheckEntry  check)
{
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  g_autoptr (GList) entries = json_array_get_elements (json_object_get_array_member (root, list));

  g_assert_nonnull (entries);
  for (GList *l = entries; l != NULL; l = l->next)
    {
      JsonObject *entry = json_node_get_object (l->data);

      g_test_message ("%s", get_name (entry));
      check (entry);
    }
}

static GBytes *
get_bytes (JsonObject *entry,
           const char *member)
{
  const char *hex = json_object_get_string_member (entry, member);
  GByteArray *bytes = g_byte_array_new ();

  for (; *hex != '\0'; hex += 2)
    {
      const guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4
                                    | g_ascii_xdigit_value (hex[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return g_byte_array_free_to_bytes (bytes);
}

static guint64
get_number (JsonObject *entry,
            const char *member)
{
  return g_ascii_strtoull (json_object_get_string_member (entry, member), NULL, 10);
}

/* NULL where the data has null, too */
static const char *
get_string (JsonObject *entry,
            const char *member)
{
  if (!json_object_has_member (entry, member) || json_object_get_null_member (entry, member))
    return NULL;
  return json_object_get_string_member (entry, member);
}

static void
check_strings (JsonObject *entry,
               GBytes     *payload)
{
  JsonArray *expected = json_object_get_array_member (entry, "strings");
  g_auto (GStrv) strings = NULL;
  gsize size;
  const char *data = g_bytes_get_data (payload, &size);

  strings = tvm_channel_split_settings (data, size);
  g_assert_cmpuint (g_strv_length (strings), ==, json_array_get_length (expected));
  for (guint i = 0; strings[i] != NULL; i++)
    g_assert_cmpstr (strings[i], ==, json_array_get_string_element (expected, i));
}

/* What the frame says is what the data says of it, and written anew it is the same. */
static void
check_frame (JsonObject *entry)
{
  g_autoptr (GBytes) bytes = get_bytes (entry, "hex");
  g_autoptr (GBytes) payload = NULL;
  guint8 written[TVM_FRAME_HEADER_SIZE];
  TvmFrameHeader header = { 0 };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (size, >=, TVM_FRAME_HEADER_SIZE);
  g_assert_cmpstr (tvm_frame_decode (&header, data, G_MAXUINT64), ==, NULL);
  g_assert_cmpint (header.kind, ==, json_object_get_int_member (entry, "kind"));
  g_assert_cmpint (header.flags, ==, json_object_get_int_member (entry, "flags"));
  g_assert_cmpint (header.n_fds, ==, json_object_get_int_member (entry, "n-fds"));
  g_assert_cmpuint (header.id, ==, get_number (entry, "id"));
  g_assert_cmpuint (header.length, ==, get_number (entry, "length"));
  g_assert_cmpuint (header.length, ==, size - TVM_FRAME_HEADER_SIZE);

  tvm_frame_encode (&header, written);
  g_assert_cmpmem (written, sizeof written, data, TVM_FRAME_HEADER_SIZE);
  payload = g_bytes_new_from_bytes (bytes, TVM_FRAME_HEADER_SIZE, size - TVM_FRAME_HEADER_SIZE);
  if (json_object_has_member (entry, "strings"))
    check_strings (entry, payload);
}

static void
test_frames (void)
{
  for_each ("frames", check_frame);
}

static TvmFrameReadStatus
read_bytes (const guint8   *data,
            gsize           size,
            guint64         max_length,
            const char    **problem)
{
  TvmFrameReader reader = { 0 };
  TvmFrameReadStatus status;
  TvmFrameHeader header;
  int fds[TVM_FRAME_MAX_FDS];
  int sockets[2];
  void *payload;

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
  g_assert_cmpint (write (sockets[1], data, size), ==, (gssize) size);
  close (sockets[1]);
  reader.fd = sockets[0];
  status = tvm_frame_read (&reader, max_length, &header, &payload, fds, problem);
  tvm_frame_reader_clear (&reader);
  close (sockets[0]);
  return status;
}

static void
check_invalid (JsonObject *entry)
{
  static const struct
  {
    const char *reason;
    const char *problem;
  } problems[] = {
    { "magic", "this is no frame" },
    { "version", "a frame of another version of the protocol" },
    { "kind", "a frame of an unknown kind" },
    { "flags", "a frame with unknown flags" },
    { "reserved", "a frame with something where nothing may be" },
    { "descriptors", "a frame with too many descriptors" },
    { "length", "a frame that is too long" },
    { "truncated", "the stream ended within a frame" },
  };
  g_autoptr (GBytes) bytes = get_bytes (entry, "hex");
  const char *reason = json_object_get_string_member (entry, "reason");
  const char *problem = NULL;
  guint64 max_length = 1000;
  const char *expected = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (guint i = 0; i < G_N_ELEMENTS (problems); i++)
    if (strcmp (reason, problems[i].reason) == 0)
      expected = problems[i].problem;
  g_assert_nonnull (expected);

  if (json_object_has_member (entry, "max-length"))
    max_length = get_number (entry, "max-length");
  g_assert_cmpint (read_bytes (data, size, max_length, &problem), ==, TVM_FRAME_READ_BROKEN);
  g_assert_cmpstr (problem, ==, expected);
}

static void
test_invalid (void)
{
  for_each ("invalid", check_invalid);
}

static void
check_setting (JsonObject *entry)
{
  g_autoptr (GBytes) bytes = get_bytes (entry, "hex");
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  g_assert_cmpstr (tvm_frame_get_setting (data, size,
                                          json_object_get_string_member (entry, "name")),
                   ==, get_string (entry, "value"));
}

static void
test_settings (void)
{
  for_each ("settings", check_setting);
}

static GVariant *
swap (GVariant *value)
{
  if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
    return g_variant_ref (value);
  return g_variant_byteswap (value);
}

static void
check_variant (JsonObject *entry)
{
  const GVariantType *type = G_VARIANT_TYPE (json_object_get_string_member (entry, "type"));
  g_autoptr (GBytes) bytes = get_bytes (entry, "hex");
  const char *text = get_string (entry, "text");
  g_autoptr (GVariant) read_value = NULL;
  g_autoptr (GVariant) parsed = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) written = NULL;
  g_autoptr (GError) error = NULL;

  read_value = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
  g_assert_cmpint (g_variant_is_normal_form (read_value), ==, text != NULL);
  if (text == NULL)
    return;

  value = swap (read_value);
  parsed = g_variant_parse (type, text, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (value, parsed);
  written = swap (parsed);
  g_assert_cmpmem (g_variant_get_data (written), g_variant_get_size (written),
                   g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
test_variants (void)
{
  for_each ("variants", check_variant);
}

/* Returns: (nullable): the string at @text, which is moved behind it */
static const char *
take_string (const char **text,
             const char  *limit)
{
  const char *start = *text;
  const char *end = memchr (start, '\0', (gsize) (limit - start));

  if (end == NULL)
    return NULL;
  *text = end + 1;
  return start;
}

static void
check_error (JsonObject *entry)
{
  g_autoptr (GBytes) bytes = get_bytes (entry, "hex");
  g_autoptr (GBytes) extra = NULL;
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  const char *limit = text + size;
  const char *type = size > 0 ? take_string (&text, limit) : NULL;
  const char *message = type != NULL ? take_string (&text, limit) : NULL;
  const char *traceback = message != NULL ? take_string (&text, limit) : NULL;

  if (get_string (entry, "type") == NULL)
    {
      g_assert_null (traceback);
      return;
    }

  g_assert_cmpstr (type, ==, get_string (entry, "type"));
  g_assert_cmpstr (message, ==, get_string (entry, "message"));
  g_assert_cmpstr (traceback, ==, get_string (entry, "traceback"));
  extra = get_bytes (entry, "extra");
  g_assert_cmpmem (text, limit - text, g_bytes_get_data (extra, NULL), g_bytes_get_size (extra));
}

static void
test_errors (void)
{
  for_each ("errors", check_error);
}

/* Where the numbers of the status page are for us */
static void
check_place (JsonObject *entry)
{
  static const struct
  {
    const char *name;
    gsize offset;
    gsize size;
  } places[] = {
    { "begun", G_STRUCT_OFFSET (TvmStatusPage, begun), 8 },
    { "produced", G_STRUCT_OFFSET (TvmStatusPage, produced), 8 },
    { "busy-nsec", G_STRUCT_OFFSET (TvmStatusPage, busy_nsec), 8 },
    { "revoked", G_STRUCT_OFFSET (TvmStatusPage, revoked), 8 },
    { "consumed", G_STRUCT_OFFSET (TvmStatusPage, consumed), 8 },
    { "outbox", TVM_STATUS_OUTBOX_OFFSET, TVM_STATUS_OUTBOX_SIZE },
  };
  gsize i = 0;

  while (strcmp (places[i].name, get_name (entry)) != 0)
    g_assert_cmpuint (++i, <, G_N_ELEMENTS (places));
  g_assert_cmpint (json_object_get_int_member (entry, "offset"), ==, places[i].offset);
  g_assert_cmpint (json_object_get_int_member (entry, "size"), ==, places[i].size);
}

static void
test_page (void)
{
  for_each ("page", check_place);
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);

  path = g_test_build_filename (G_TEST_DIST, "data", "protocol", "frames.json", NULL);
  parser = json_parser_new ();
  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  g_test_add_func ("/protocol/frames", test_frames);
  g_test_add_func ("/protocol/invalid", test_invalid);
  g_test_add_func ("/protocol/settings", test_settings);
  g_test_add_func ("/protocol/variants", test_variants);
  g_test_add_func ("/protocol/errors", test_errors);
  g_test_add_func ("/protocol/page", test_page);

  status = g_test_run ();
  g_object_unref (parser);
  return status;
}
