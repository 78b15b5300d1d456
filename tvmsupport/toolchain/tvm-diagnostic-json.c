/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"
#include "tvmsupport/toolchain/tvm-json-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

/*
 * What GCC writes with -fdiagnostics-format=json: one array for each translation unit, in the
 * middle of whatever else goes to the same stream.
 *
 * The end of an array is found by checking the grammar on the way, so that text that only looks
 * like one is given up at its first byte that is none. Each element of the array is then parsed on
 * its own: the memory that it takes is that of one diagnostic, not that of the whole log.
 */
#define MAX_ELEMENT (8 * 1024 * 1024)
#define MAX_FIXITS 1000
#define MAX_DRAWN_LINES 8
#define MAX_RANGES 32

gsize
tvm_parser_find_json_end (TvmDiagnosticParser *parser,
                          TvmSlice             text)
{
  const char *limit = text.data + MIN (text.len, parser->json_budget);
  const char *reached = NULL;
  const gboolean valid = tvm_json_skip (text.data, limit, &reached);
  const TvmSlice array = tvm_slice_until (text, reached);

  parser->json_budget -= array.len;
  if (!valid)
    return 0;

  /* A short one is the empty array that GCC writes when it has nothing to say. */
  if (array.len > 2 && (tvm_slice_find (array, "\"kind\"") == NULL ||
                        tvm_slice_find (array, "\"message\"") == NULL))
    return 0;

  return array.len;
}

/* An element of the array while it is read. */
typedef struct
{
  TvmDiagnosticParser *parser;
  int origin;        /* what the compiler counts columns from */
  gboolean escaped;  /* see escape_bytes() */
  gboolean wanted;   /* it will be kept, not only counted */
  char *last_place;  /* (owned): where the excerpt above was drawn */
  GPtrArray *promoted;  /* (element-type TvmDiagnostic): children that are no notes */
} Reader;

/*
 * GCC copies the bytes of a name or of a source line into its JSON as they are, also where they are
 * not UTF-8, which no JSON parser takes. Such a byte travels through the parser as one of the last
 * private characters of Unicode, U+10FF80 to U+10FFFF; these themselves do so byte by byte.
 */
#define ESCAPE_BASE 0x10ff00u

static gboolean
is_escape (gunichar c)
{
  return c >= ESCAPE_BASE + 0x80 && c <= ESCAPE_BASE + 0xff;
}

/* Returns: (nullable): @text with its bytes escaped, or NULL if there is no need to. */
static char *
escape_bytes (TvmSlice text)
{
  GString *escaped = NULL;
  const char *end = text.data + text.len;

  if (g_utf8_validate_len (text.data, text.len, NULL) &&
      tvm_slice_find (text, "\xf4\x8f\xbe") == NULL &&
      tvm_slice_find (text, "\xf4\x8f\xbf") == NULL)
    return NULL;

  escaped = g_string_sized_new (text.len + 64);
  for (const char *at = text.data; at < end;)
    {
      const gunichar c = g_utf8_get_char_validated (at, end - at);
      const gboolean broken = c == (gunichar) -1 || c == (gunichar) -2;
      const gsize len = broken ? 1 : (gsize) (g_utf8_next_char (at) - at);

      if (broken || is_escape (c))
        for (gsize i = 0; i < len; i++)
          g_string_append_unichar (escaped, ESCAPE_BASE + (guchar) at[i]);
      else
        g_string_append_len (escaped, at, (gssize) len);
      at += len;
    }

  return g_string_free (escaped, FALSE);
}

static char *
unescape_bytes (const char *text)
{
  GString *bytes = g_string_new (NULL);

  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      const gunichar c = g_utf8_get_char (text);

      if (is_escape (c))
        g_string_append_c (bytes, (char) (c - ESCAPE_BASE));
      else
        g_string_append_unichar (bytes, c);
    }

  return g_string_free (bytes, FALSE);
}

/* The getters of json-glib demand that a member has the type asked for; these do not trust it. */
static char *
dup_string (Reader     *reader,
            JsonObject *object,
            const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;

  if (reader->escaped)
    return unescape_bytes (json_node_get_string (node));

  return json_node_dup_string (node);
}

static gint64
get_int (JsonObject *object,
         const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_INT64)
    return -1;

  return json_node_get_int (node);
}

/* Returns: (nullable) */
static JsonObject *
get_object (JsonObject *object,
            const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* Returns: (nullable) */
static JsonArray *
get_array (JsonObject *object,
           const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* Returns: (nullable): the next object at or behind @index of a nullable array; moves @index on. */
static JsonObject *
next_object (JsonArray *array,
             guint     *index)
{
  while (array != NULL && *index < json_array_get_length (array))
    {
      JsonNode *node = json_array_get_element (array, (*index)++);

      if (JSON_NODE_HOLDS_OBJECT (node))
        return json_node_get_object (node);
    }

  return NULL;
}

/* A point in a source file. */
typedef struct
{
  char *file; /* (owned) (nullable) */
  guint line;
  guint column;
} Point;

static void
point_clear (Point *point)
{
  g_clear_pointer (&point->file, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Point, point_clear)

static void
read_point (Reader     *reader,
            JsonObject *object,
            Point      *point)
{
  gint64 line = 0;
  gint64 column = 0;

  if (object == NULL)
    return;

  point->file = dup_string (reader, object, "file");
  line = get_int (object, "line");
  column = get_int (object, "byte-column");
  if (column < 0)
    column = get_int (object, "column");
  column += 1 - reader->origin;

  point->line = line > 0 && line <= G_MAXINT ? (guint) line : 0;
  point->column = point->line != 0 && column > 0 && column <= G_MAXINT ? (guint) column : 0;
}

static const struct
{
  const char *kind;
  TvmDiagnosticSeverity severity;
} kinds[] = {
  { "note", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "debug", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "remark", TVM_DIAGNOSTIC_SEVERITY_REMARK },
  { "warning", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "anachronism", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "pedwarn", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "error", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "permerror", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "sorry, unimplemented", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "fatal error", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "internal compiler error", TVM_DIAGNOSTIC_SEVERITY_FATAL },
};

static TvmDiagnosticSeverity
severity_from_kind (const char *kind)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kind, kinds[i].kind) == 0)
      return kinds[i].severity;

  /* A kind of a newer compiler, which a build should rather stumble over than miss */
  return TVM_DIAGNOSTIC_SEVERITY_ERROR;
}

static TvmDiagnosticSeverity
severity_of (Reader     *reader,
             JsonObject *object)
{
  g_autofree char *kind = dup_string (reader, object, "kind");

  return severity_from_kind (kind);
}

static void
add_fixits (Reader        *reader,
            TvmDiagnostic *diagnostic,
            JsonObject    *object)
{
  JsonArray *fixits = get_array (object, "fixits");
  JsonObject *entry = NULL;
  guint i = 0;

  while (i < MAX_FIXITS && (entry = next_object (fixits, &i)) != NULL)
    {
      g_auto (Point) start = { NULL, 0, 0 };
      g_auto (Point) next = { NULL, 0, 0 };
      g_autofree char *replacement = dup_string (reader, entry, "string");
      g_autoptr (TvmFixit) fixit = NULL;

      read_point (reader, get_object (entry, "start"), &start);
      read_point (reader, get_object (entry, "next"), &next);
      if (start.file == NULL || start.line == 0 || next.line == 0 || replacement == NULL)
        continue;

      fixit = tvm_fixit_new (start.file, start.line, start.column, next.line, next.column,
                             replacement);
      tvm_diagnostic_add_fixit (diagnostic, fixit);
    }
}

/* The way through the program that the analyzer found, as notes. */
static void
add_path (Reader        *reader,
          TvmDiagnostic *diagnostic,
          JsonObject    *object)
{
  JsonArray *path = get_array (object, "path");
  JsonObject *event = NULL;
  guint i = 0;

  while ((event = next_object (path, &i)) != NULL)
    {
      g_auto (Point) point = { NULL, 0, 0 };
      g_autofree char *description = dup_string (reader, event, "description");
      g_autoptr (TvmDiagnostic) child = NULL;

      if (description == NULL)
        continue;

      read_point (reader, get_object (event, "location"), &point);
      child = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_NOTE, NULL, point.file, point.line,
                                  point.column, description, NULL);
      tvm_parser_add_child (reader->parser, diagnostic, child);
    }
}

/* Collects what the compiler marked in one line of @file. */
static GArray *
collect_ranges (Reader     *reader,
                JsonObject *object,
                const char *file,
                guint       line)
{
  GArray *ranges = g_array_new (FALSE, TRUE, sizeof (TvmSourceRange));
  JsonArray *locations = get_array (object, "locations");
  JsonObject *location = NULL;
  guint i = 0;

  while (ranges->len < MAX_RANGES && (location = next_object (locations, &i)) != NULL)
    {
      g_auto (Point) start = { NULL, 0, 0 };
      g_auto (Point) caret = { NULL, 0, 0 };
      g_auto (Point) finish = { NULL, 0, 0 };
      TvmSourceRange range = { 0, };
      g_autofree char *label = NULL;

      read_point (reader, get_object (location, "start"), &start);
      read_point (reader, get_object (location, "caret"), &caret);
      read_point (reader, get_object (location, "finish"), &finish);
      if (caret.line != line || g_strcmp0 (caret.file, file) != 0)
        continue;

      range.start = start.line == line ? start.column : caret.column;
      range.caret = ranges->len == 0 && i == 1 ? caret.column : 0;
      range.finish = finish.line == line ? finish.column : caret.column;
      label = dup_string (reader, location, "label");
      range.label = label != NULL ? g_utf8_make_valid (label, -1) : NULL;
      g_array_append_val (ranges, range);
    }

  return ranges;
}

static void
clear_range (gpointer data)
{
  TvmSourceRange *range = data;

  g_free (range->label);
}

static int
compare_lines (gconstpointer a,
               gconstpointer b)
{
  const guint *line_a = a;
  const guint *line_b = b;

  return *line_a < *line_b ? -1 : *line_a > *line_b;
}

/* The lines of @file that the locations of @object are in, each once, in order. */
static GArray *
collect_lines (Reader     *reader,
               JsonObject *object,
               const char *file)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (guint));
  JsonArray *locations = get_array (object, "locations");
  JsonObject *location = NULL;
  guint i = 0;

  while (lines->len < MAX_DRAWN_LINES && (location = next_object (locations, &i)) != NULL)
    {
      g_auto (Point) caret = { NULL, 0, 0 };
      gboolean known = FALSE;

      read_point (reader, get_object (location, "caret"), &caret);
      for (guint j = 0; j < lines->len; j++)
        known = known || g_array_index (lines, guint, j) == caret.line;
      if (!known && caret.line != 0 && g_strcmp0 (caret.file, file) == 0)
        g_array_append_val (lines, caret.line);
    }

  g_array_sort (lines, compare_lines);
  return lines;
}

static void
draw (Reader        *reader,
      TvmDiagnostic *diagnostic,
      JsonObject    *object)
{
  const char *file = tvm_diagnostic_get_file (diagnostic);
  GListModel *fixits = tvm_diagnostic_get_fixits (diagnostic);
  g_autofree char *place = NULL;
  g_autoptr (GArray) lines = NULL;

  if (!reader->wanted || file == NULL || tvm_diagnostic_get_line (diagnostic) == 0)
    return;

  /* Like GCC, not the same line twice in a row if it would say nothing new */
  place = g_strdup_printf ("%u:%u:%s", tvm_diagnostic_get_line (diagnostic),
                           tvm_diagnostic_get_column (diagnostic), file);
  lines = collect_lines (reader, object, file);
  if (g_strcmp0 (place, reader->last_place) == 0 && lines->len < 2 &&
      g_list_model_get_n_items (fixits) == 0)
    return;

  g_free (reader->last_place);
  reader->last_place = g_steal_pointer (&place);
  for (guint i = 0; i < lines->len; i++)
    {
      const guint line = g_array_index (lines, guint, i);
      g_autoptr (GArray) ranges = collect_ranges (reader, object, file, line);

      g_array_set_clear_func (ranges, clear_range);
      tvm_source_draw (reader->parser->sources, file, line, (TvmSourceRange *) ranges->data,
                       ranges->len, fixits, reader->parser->text);
    }
}

/* Writes what the compiler would have printed without JSON. */
static void
render (Reader        *reader,
        TvmDiagnostic *diagnostic,
        JsonObject    *object)
{
  g_autofree char *kind = dup_string (reader, object, "kind");
  g_autofree char *message = dup_string (reader, object, "message");
  g_autofree char *option = dup_string (reader, object, "option");
  JsonObject *metadata = get_object (object, "metadata");
  g_autoptr (GString) line = g_string_new (NULL);

  if (tvm_diagnostic_get_file (diagnostic) != NULL)
    g_string_append (line, tvm_diagnostic_get_file (diagnostic));
  else
    g_string_append (line, tvm_diagnostic_get_tool (diagnostic));
  if (tvm_diagnostic_get_line (diagnostic) != 0)
    g_string_append_printf (line, ":%u", tvm_diagnostic_get_line (diagnostic));
  if (tvm_diagnostic_get_column (diagnostic) != 0)
    g_string_append_printf (line, ":%u", tvm_diagnostic_get_column (diagnostic));
  g_string_append_printf (line, ": %s: %s", kind != NULL ? kind : "error",
                          message != NULL ? message : "");
  if (metadata != NULL && get_int (metadata, "cwe") > 0)
    g_string_append_printf (line, " [CWE-%" G_GINT64_FORMAT "]", get_int (metadata, "cwe"));
  if (option != NULL)
    g_string_append_printf (line, " [%s]", option);
  g_string_append_c (line, '\n');
  tvm_parser_add_text (reader->parser, (TvmSlice) { line->str, line->len });
  draw (reader, diagnostic, object);
}

/* Writes the events of the analyzer. */
static void
render_path (Reader     *reader,
             JsonObject *object)
{
  JsonArray *path = get_array (object, "path");
  JsonObject *event = NULL;
  guint i = 0;

  while ((event = next_object (path, &i)) != NULL)
    {
      g_auto (Point) point = { NULL, 0, 0 };
      g_autofree char *description = dup_string (reader, event, "description");
      g_autofree char *line = NULL;

      read_point (reader, get_object (event, "location"), &point);
      if (point.file == NULL || description == NULL)
        continue;

      line = g_strdup_printf ("%s:%u:%u: note: (%u) %s\n", point.file, point.line, point.column, i,
                              description);
      tvm_parser_add_text (reader->parser, (TvmSlice) { line, strlen (line) });
    }
}

/* The diagnostic without its children. */
static TvmDiagnostic *
read_head (Reader     *reader,
           JsonObject *object)
{
  g_autofree char *kind = dup_string (reader, object, "kind");
  g_autofree char *message = dup_string (reader, object, "message");
  g_autofree char *option = dup_string (reader, object, "option");
  g_autofree char *code = NULL;
  g_auto (Point) caret = { NULL, 0, 0 };
  g_auto (Point) finish = { NULL, 0, 0 };
  guint first = 0;
  JsonObject *location = next_object (get_array (object, "locations"), &first);
  TvmDiagnostic *self = NULL;

  if (location != NULL)
    {
      read_point (reader, get_object (location, "caret"), &caret);
      read_point (reader, get_object (location, "finish"), &finish);
    }
  if (option != NULL)
    code = tvm_parser_normalize_code ((TvmSlice) { option, strlen (option) });

  self = tvm_diagnostic_new (severity_from_kind (kind), caret.file != NULL ? NULL : "gcc",
                             caret.file, caret.line, caret.column,
                             message != NULL ? g_strstrip (message) : "", code);
  if (finish.line != 0 && g_strcmp0 (finish.file, caret.file) == 0)
    tvm_diagnostic_set_end (self, finish.line, finish.column);
  else
    tvm_diagnostic_set_end (self, caret.line, caret.column);

  return self;
}

/* Reads one diagnostic and writes it to the text. Its children come below it, not indented, as with
 * GCC. The depth of the recursion is that of the JSON, which is limited. */
static TvmDiagnostic *
read_diagnostic (Reader     *reader,
                 JsonObject *object)
{
  TvmDiagnostic *self = read_head (reader, object);
  JsonArray *children = get_array (object, "children");
  JsonObject *entry = NULL;
  guint i = 0;

  if (reader->wanted)
    {
      add_fixits (reader, self, object);
      add_path (reader, self, object);
    }
  if (reader->parser->text != NULL)
    {
      render (reader, self, object);
      render_path (reader, object);
    }

  while ((entry = next_object (children, &i)) != NULL)
    {
      g_autoptr (TvmDiagnostic) child = read_diagnostic (reader, entry);

      /* GCC groups what it says at one go, an error below a warning too. */
      if (tvm_diagnostic_get_severity (child) != TVM_DIAGNOSTIC_SEVERITY_NOTE)
        g_ptr_array_add (reader->promoted, g_steal_pointer (&child));
      else if (reader->wanted)
        tvm_parser_add_child (reader->parser, self, child);
    }

  return self;
}

static void
read_element (Reader     *reader,
              JsonParser *json,
              TvmSlice    element)
{
  g_autofree char *escaped = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  JsonNode *root = NULL;
  JsonObject *object = NULL;
  gint64 origin = 0;
  gboolean parsed = FALSE;
  guint i;

  if (element.len > MAX_ELEMENT)
    return;

  escaped = escape_bytes (element);
  if (escaped != NULL)
    parsed = json_parser_load_from_data (json, escaped, -1, NULL);
  else
    parsed = json_parser_load_from_data (json, element.data, (gssize) element.len, NULL);
  root = parsed ? json_parser_get_root (json) : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;

  object = json_node_get_object (root);
  origin = get_int (object, "column-origin");
  reader->origin = origin >= 0 && origin <= 1 ? (int) origin : 1;
  reader->escaped = escaped != NULL;
  reader->wanted = tvm_parser_wants (reader->parser, severity_of (reader, object));

  diagnostic = read_diagnostic (reader, object);
  tvm_parser_add (reader->parser, diagnostic);
  for (i = 0; i < reader->promoted->len; i++)
    tvm_parser_add (reader->parser, g_ptr_array_index (reader->promoted, i));
  g_ptr_array_set_size (reader->promoted, 0);
}

void
tvm_parser_read_json (TvmDiagnosticParser *parser,
                      TvmSlice             array)
{
  Reader reader = { parser, 1, FALSE, FALSE, NULL, NULL };
  const char *end = array.data + array.len - 1;
  const char *at = memchr (array.data, '{', array.len);
  g_autoptr (JsonParser) json = NULL;

  if (at == NULL)
    return;

  json = json_parser_new_immutable ();
  reader.promoted = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_set_size (parser->context, 0);
  while (at < end)
    {
      const char *next = at;

      if (*at == '{' && tvm_json_skip (at, end, &next))
        read_element (&reader, json, (TvmSlice) { at, (gsize) (next - at) });
      at = MAX (next, at + 1);
    }

  g_free (reader.last_place);
  g_ptr_array_unref (reader.promoted);
}
