/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <string.h>

/*
 * One pass over the log, line by line. A line that begins an array as GCC writes it goes to
 * tvm-diagnostic-json.c with everything up to the end of the array; every other line goes through
 * the table of text formats in tvm-diagnostic-text.c.
 *
 * The work is linear in the size of the log: a line is looked at a fixed number of times, the
 * search for the end of an array has a budget for the whole log, and each source file is read at
 * most once. What is kept is bounded too; what is beyond is still counted.
 */
#define MAX_CHILDREN 100000
#define MAX_CODE 1024

/* Whether a diagnostic of this severity would be kept. Counting needs no object. */
gboolean
tvm_parser_wants (TvmDiagnosticParser   *parser,
                  TvmDiagnosticSeverity  severity)
{
  if (severity == TVM_DIAGNOSTIC_SEVERITY_NOTE && parser->primary != NULL)
    return parser->n_children < MAX_CHILDREN;
  if (severity == TVM_DIAGNOSTIC_SEVERITY_NOTE && parser->primary_dropped)
    return FALSE;
  if (severity >= TVM_DIAGNOSTIC_SEVERITY_ERROR)
    return parser->n_kept_errors < TVM_DIAGNOSTICS_MAX;

  return parser->n_kept_others < TVM_DIAGNOSTICS_MAX;
}

void
tvm_parser_add_child (TvmDiagnosticParser *parser,
                      TvmDiagnostic       *parent,
                      TvmDiagnostic       *child)
{
  if (parser->n_children >= MAX_CHILDREN)
    return;

  parser->n_children++;
  tvm_diagnostic_add_child (parent, child);
}

/* Adds to the list itself, also a note. */
void
tvm_parser_add_alone (TvmDiagnosticParser *parser,
                      TvmDiagnostic       *diagnostic)
{
  if (tvm_diagnostic_get_severity (diagnostic) >= TVM_DIAGNOSTIC_SEVERITY_ERROR)
    parser->n_kept_errors++;
  else
    parser->n_kept_others++;

  g_list_store_append (parser->store, diagnostic);
  g_set_object (&parser->last, diagnostic);
}

/* Counts what was said, and forgets what the one before was, for one that may not be kept. */
static void
count (TvmDiagnosticParser   *parser,
       TvmDiagnosticSeverity  severity)
{
  if (severity == TVM_DIAGNOSTIC_SEVERITY_NOTE)
    return;

  if (severity >= TVM_DIAGNOSTIC_SEVERITY_ERROR)
    parser->n_errors++;
  else if (severity == TVM_DIAGNOSTIC_SEVERITY_WARNING)
    parser->n_warnings++;

  g_clear_object (&parser->primary);
  g_clear_object (&parser->last);
  parser->primary_dropped = !tvm_parser_wants (parser, severity);
}

/* Adds a note to what it explains, all else to the list. */
void
tvm_parser_add (TvmDiagnosticParser *parser,
                TvmDiagnostic       *diagnostic)
{
  const TvmDiagnosticSeverity severity = tvm_diagnostic_get_severity (diagnostic);

  count (parser, severity);
  if (!tvm_parser_wants (parser, severity))
    return;

  if (severity == TVM_DIAGNOSTIC_SEVERITY_NOTE && parser->primary != NULL)
    {
      tvm_parser_add_child (parser, parser->primary, diagnostic);
      g_set_object (&parser->last, diagnostic);
      return;
    }

  if (severity != TVM_DIAGNOSTIC_SEVERITY_NOTE)
    g_set_object (&parser->primary, diagnostic);
  tvm_parser_add_alone (parser, diagnostic);
}

/* Cuts `[-Wfoo]` off the end of @message. Returns: (nullable): what was in it, without the mark of
 * an error that was a warning: clang writes [-Werror,-Wfoo], GCC [-Werror=foo]. */
static char *
take_code (TvmSlice *message)
{
  const char *open = NULL;
  TvmSlice code;

  if (!tvm_slice_has_suffix (*message, "]"))
    return NULL;

  open = memrchr (message->data, '[', message->len);
  if (open == NULL)
    return NULL;

  code = tvm_slice_from (*message, (gsize) (open - message->data) + 1);
  code.len--;
  if (code.len > MAX_CODE || !tvm_slice_has_prefix (code, "-") ||
      memchr (code.data, ' ', code.len) != NULL)
    return NULL;

  *message = tvm_slice_until (*message, open);
  while (message->len > 0 && message->data[message->len - 1] == ' ')
    message->len--;

  return tvm_parser_normalize_code (code);
}

char *
tvm_parser_normalize_code (TvmSlice code)
{
  const char *gcc_werror = "-Werror=";
  const char *clang_werror = "-Werror,";

  if (tvm_slice_has_prefix (code, gcc_werror))
    {
      code = tvm_slice_from (code, strlen (gcc_werror));
      return g_strdup_printf ("-W%.*s", (int) code.len, code.data);
    }
  if (tvm_slice_has_prefix (code, clang_werror))
    code = tvm_slice_from (code, strlen (clang_werror));

  return tvm_slice_dup (code);
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

static TvmSlice
strip (TvmSlice slice)
{
  while (slice.len > 0 && is_blank (slice.data[0]))
    slice = tvm_slice_from (slice, 1);
  while (slice.len > 0 && is_blank (slice.data[slice.len - 1]))
    slice.len--;

  return slice;
}

gboolean
tvm_parser_is_echo (TvmSlice message)
{
  static const char * const inside[] = {
    "ld returned ",
    "linker command failed with exit code",
    "lto-wrapper failed",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (inside); i++)
    if (tvm_slice_find (message, inside[i]) != NULL)
      return TRUE;

  return tvm_slice_has_prefix (message, "final link failed") ||
         tvm_slice_has_prefix (message, "compilation terminated due to") ||
         tvm_slice_has_prefix (message, "too many errors emitted") ||
         tvm_slice_has_prefix (message, "Aborting compilation due to previous errors") ||
         /* emcc: "'/usr/bin/wasm-ld-14 …' failed (returned 1)" */
         (tvm_slice_has_prefix (message, "'") &&
          tvm_slice_find (message, "' failed (") != NULL) ||
         tvm_slice_has_prefix (message, "Ptx assembly aborted due to errors") ||
         (tvm_slice_has_suffix (message, " exit status") &&
          tvm_slice_find (message, " returned ") != NULL);
}

/* Hands the lines in front of a diagnostic (includes, instantiations) over to it. */
static void
adopt_context (TvmDiagnosticParser *parser,
               TvmDiagnostic       *diagnostic)
{
  for (guint i = 0; i < parser->context->len; i++)
    tvm_parser_add_child (parser, diagnostic, g_ptr_array_index (parser->context, i));
}

void
tvm_parser_add_header (TvmDiagnosticParser *parser,
                       const TvmHeader     *header)
{
  TvmSlice message = strip (header->message);
  const gboolean echo = header->severity >= TVM_DIAGNOSTIC_SEVERITY_ERROR &&
                        parser->n_errors > 0 && tvm_parser_is_echo (message);
  const TvmDiagnosticSeverity severity = echo ? TVM_DIAGNOSTIC_SEVERITY_NOTE : header->severity;

  if (!tvm_parser_wants (parser, severity))
    {
      count (parser, severity);
    }
  else
    {
      g_autofree char *code =
        header->code.len > 0 ? tvm_slice_dup (header->code) : take_code (&message);
      g_autofree char *text = tvm_slice_dup (message);
      g_autofree char *tool = tvm_slice_dup (header->tool);
      g_autofree char *file = tvm_slice_dup (header->place.file);
      g_autoptr (TvmDiagnostic) diagnostic = NULL;

      diagnostic = tvm_diagnostic_new (severity, tool, file, header->place.line,
                                       header->place.column, text, code);
      tvm_diagnostic_set_end (diagnostic, header->place.end_line, header->place.end_column);
      adopt_context (parser, diagnostic);
      if (echo)
        tvm_parser_add_alone (parser, diagnostic);
      else
        tvm_parser_add (parser, diagnostic);
    }

  g_ptr_array_set_size (parser->context, 0);
}

/* Appends to the readable text; what is not UTF-8 is replaced. */
void
tvm_parser_add_text (TvmDiagnosticParser *parser,
                     TvmSlice             text)
{
  const char *bad = NULL;

  if (parser->text == NULL)
    return;

  /* A NUL and a broken sequence both end the valid part. */
  while (!g_utf8_validate_len (text.data, text.len, &bad))
    {
      g_string_append_len (parser->text, text.data, bad - text.data);
      g_string_append (parser->text, "\xef\xbf\xbd");
      text = tvm_slice_from (text, (gsize) (bad - text.data) + 1);
    }

  g_string_append_len (parser->text, text.data, (gssize) text.len);
}

/* Where an array as GCC writes it begins in @line: at its start `[]` alone, anywhere `[{"`. */
static const char *
find_array (TvmSlice line)
{
  TvmSlice rest = line;

  if (rest.len > 0 && rest.data[rest.len - 1] == '\n')
    rest.len--;
  if (rest.len > 0 && rest.data[rest.len - 1] == '\r')
    rest.len--;
  if (rest.len == 2 && memcmp (rest.data, "[]", 2) == 0)
    return line.data;

  return tvm_slice_find (line, "[{\"");
}

static void
read_text_line (TvmDiagnosticParser *parser,
                TvmSlice             line)
{
  TvmSlice bare = line;
  const char *after = NULL;
  const char *ranges = NULL;

  if (bare.len > 0 && bare.data[bare.len - 1] == '\n')
    bare.len--;
  if (bare.len > 0 && bare.data[bare.len - 1] == '\r')
    bare.len--;

  if (!tvm_parser_read_line (parser, bare) || parser->text == NULL)
    return;

  ranges = tvm_parser_find_ranges (line, &after);
  if (ranges != NULL)
    {
      tvm_parser_add_text (parser, tvm_slice_until (line, ranges));
      line = tvm_slice_from (line, (gsize) (after - line.data));
    }
  tvm_parser_add_text (parser, line);
}

/* Reads the array that begins at @array and what stands in front of it in its line. Returns: where
 * to go on, or NULL if it is no array of GCC's. */
static const char *
read_array (TvmDiagnosticParser *parser,
            const char          *line,
            const char          *array)
{
  const TvmSlice rest = { array, (gsize) (parser->end - array) };
  const gsize len = tvm_parser_find_json_end (parser, rest);
  const char *after = array + len;

  if (len == 0)
    return NULL;

  if (array > line)
    {
      const TvmSlice before = { line, (gsize) (array - line) };

      parser->next = array;
      read_text_line (parser, before);
      tvm_parser_add_text (parser, (TvmSlice) { "\n", 1 });
    }

  tvm_link_flush_reference (parser);
  tvm_parser_read_json (parser, (TvmSlice) { array, len });

  if (after < parser->end && *after == '\r')
    after++;
  if (after < parser->end && *after == '\n')
    after++;
  return after;
}

static void
parse_log (TvmDiagnosticParser *parser,
           const char          *data)
{
  while (data < parser->end)
    {
      const char *newline = memchr (data, '\n', (gsize) (parser->end - data));
      const char *next = newline != NULL ? newline + 1 : parser->end;
      const TvmSlice line = { data, (gsize) (next - data) };
      const char *array = find_array (line);
      const char *after = array != NULL ? read_array (parser, data, array) : NULL;

      if (after == NULL)
        {
          parser->next = next;
          read_text_line (parser, line);
          after = next;
        }
      data = after;
    }

  tvm_link_flush_reference (parser);
}

GListStore *
tvm_diagnostics_parse (GBytes      *log,
                       const char  *cwd,
                       char       **text_out,
                       guint       *n_errors,
                       guint       *n_warnings)
{
  TvmDiagnosticParser parser = { NULL, };
  gsize size = 0;
  const char *data = g_bytes_get_data (log, &size);

  parser.end = size > 0 ? data + size : NULL;
  parser.store = g_list_store_new (TVM_TYPE_DIAGNOSTIC);
  parser.text = text_out != NULL ? g_string_sized_new (size) : NULL;
  parser.sources = tvm_source_cache_new (cwd);
  parser.context = g_ptr_array_new_with_free_func (g_object_unref);
  parser.ld_reference = g_string_new (NULL);
  parser.json_budget = 4 * size + 4096;

  if (size > 0)
    parse_log (&parser, data);

  g_clear_object (&parser.primary);
  g_clear_object (&parser.last);
  g_clear_object (&parser.ld_function);
  g_free (parser.ld_tool);
  g_string_free (parser.ld_reference, TRUE);
  g_ptr_array_unref (parser.context);
  tvm_source_cache_free (parser.sources);

  if (text_out != NULL)
    *text_out = g_string_free (parser.text, FALSE);
  if (n_errors != NULL)
    *n_errors = parser.n_errors;
  if (n_warnings != NULL)
    *n_warnings = parser.n_warnings;
  return parser.store;
}
