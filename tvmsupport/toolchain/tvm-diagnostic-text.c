/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <string.h>

/*
 * The lines that compilers and assemblers print for people, and those that clang and gcc print for
 * programs among them. Each form is a function in the table at the end of this file; the first one
 * that knows the line takes it. A form of another tool is one more entry.
 *
 * "In function ‘f’:" and the like are not kept: GCC prints them once for many diagnostics, and not
 * at all with JSON. What leads to one diagnostic (includes, instantiations) become its children.
 */

/* How much of a line may stand in front of its severity: a path and the longest of C++ names. */
#define MAX_PREFIX (64 * 1024)
/* GCC itself ends at 200. */
#define MAX_CONTEXT 256
#define MAX_FIXITS 1000

static const struct
{
  const char *word;
  TvmDiagnosticSeverity severity;
} severities[] = {
  { "error:", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "warning:", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "note:", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "fatal error:", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "fatal:", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "remark:", TVM_DIAGNOSTIC_SEVERITY_REMARK },
  { "internal compiler error:", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "sorry, unimplemented:", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "out of memory allocating", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  /* GNU as */
  { "Error:", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "Warning:", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "Fatal error:", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "Info:", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  /* -fopt-info */
  { "optimized:", TVM_DIAGNOSTIC_SEVERITY_REMARK },
  { "missed:", TVM_DIAGNOSTIC_SEVERITY_REMARK },
};

/* Cuts the number that ends @text off, with the colon before it. Returns: whether there is one */
static gboolean
take_number (TvmSlice *text,
             guint    *number)
{
  gsize digits = 0;
  guint64 value = 0;

  while (digits < text->len && digits < 10 &&
         g_ascii_isdigit (text->data[text->len - digits - 1]))
    digits++;
  if (digits == 0 || digits == 10 || digits == text->len ||
      text->data[text->len - digits - 1] != ':')
    return FALSE;

  for (gsize i = text->len - digits; i < text->len; i++)
    value = value * 10 + (guint64) (text->data[i] - '0');
  text->len -= digits + 1;
  *number = (guint) value;
  return TRUE;
}

/* The number that @text begins with, which is cut off. */
static gboolean
take_first_number (TvmSlice *text,
                   guint    *number)
{
  gsize digits = 0;
  guint64 value = 0;

  for (; digits < text->len && digits < 10 && g_ascii_isdigit (text->data[digits]); digits++)
    value = value * 10 + (guint64) (text->data[digits] - '0');
  if (digits == 0 || digits == 10)
    return FALSE;

  *number = (guint) value;
  *text = tvm_slice_from (*text, digits);
  return TRUE;
}

static gboolean
take_char (TvmSlice *text,
           char      c)
{
  if (text->len == 0 || text->data[0] != c)
    return FALSE;

  *text = tvm_slice_from (*text, 1);
  return TRUE;
}

/* "{1:2-3:4}", as clang writes a range: its end is behind its last character. */
static gboolean
take_range (TvmSlice *text,
            guint     numbers[4])
{
  return take_char (text, '{') && take_first_number (text, &numbers[0]) && take_char (text, ':') &&
         take_first_number (text, &numbers[1]) && take_char (text, '-') &&
         take_first_number (text, &numbers[2]) && take_char (text, ':') &&
         take_first_number (text, &numbers[3]) && take_char (text, '}');
}

/* Cuts the source ranges of clang off: "f.c:1:2:{1:2-1:5}{1:7-1:9}". */
static TvmSlice
take_source_ranges (TvmSlice *text)
{
  const char *open = tvm_slice_has_suffix (*text, "}") ? tvm_slice_find (*text, ":{") : NULL;
  TvmSlice ranges = { NULL, 0 };

  if (open != NULL)
    {
      ranges = tvm_slice_from (*text, (gsize) (open - text->data) + 1);
      *text = tvm_slice_until (*text, open);
    }

  return ranges;
}

/* What clang writes for programs in the middle of a line for people: ":{1:2-1:5}" in front of ": ".
 * Returns: where it begins, or NULL; @after is what follows it */
const char *
tvm_parser_find_ranges (TvmSlice     line,
                        const char **after)
{
  TvmSlice rest = line;
  const char *open = NULL;
  guint numbers[4];

  while ((open = tvm_slice_find (rest, ":{")) != NULL)
    {
      rest = tvm_slice_from (rest, (gsize) (open - rest.data) + 1);
      while (take_range (&rest, numbers))
        *after = rest.data;
      if (*after == rest.data && tvm_slice_has_prefix (rest, ": "))
        return open;
    }

  return NULL;
}

/* Of the ranges, the one that holds the place tells where it ends. */
static void
read_source_ranges (TvmSlice  ranges,
                    TvmPlace *place)
{
  guint numbers[4];

  while (take_range (&ranges, numbers))
    if (numbers[0] == place->line && numbers[2] == place->line &&
        numbers[1] <= place->column && place->column < numbers[3])
      {
        place->end_line = place->line;
        place->end_column = numbers[3] - 1;
        return;
      }
}

/* "file:line:column" or "file:line". Returns: whether it has a line */
gboolean
tvm_place_parse (TvmSlice  text,
                 TvmPlace *place)
{
  const TvmSlice ranges = take_source_ranges (&text);
  guint number = 0;

  *place = (TvmPlace) { { NULL, }, };
  if (!take_number (&text, &number))
    return FALSE;

  place->line = number;
  if (take_number (&text, &number))
    {
      place->column = place->line;
      place->line = number;
    }
  place->file = text;
  read_source_ranges (ranges, place);
  return text.len > 0;
}

/* Finds the first "severity: " at the start of @line or behind ": ". */
gboolean
tvm_severity_find (TvmSlice               line,
                   TvmSlice              *prefix,
                   TvmDiagnosticSeverity *severity,
                   TvmSlice              *message)
{
  const char *end = line.data + line.len;
  const char *stop = line.data + MIN (line.len, MAX_PREFIX);
  const char *at = line.data;

  while (at != NULL)
    {
      const TvmSlice rest = { at, (gsize) (end - at) };

      for (gsize i = 0; i < G_N_ELEMENTS (severities); i++)
        {
          if (!tvm_slice_has_prefix (rest, severities[i].word))
            continue;

          *prefix = tvm_slice_until (line, at > line.data ? at - 2 : at);
          *severity = severities[i].severity;
          /* What is no word for a severity is itself what is said. */
          *message = tvm_slice_has_suffix ((TvmSlice) { severities[i].word,
                                                        strlen (severities[i].word) }, ":")
                       ? tvm_slice_from (rest, strlen (severities[i].word))
                       : rest;
          return TRUE;
        }

      at = memchr (at, ':', (gsize) (stop - at));
      while (at != NULL && (stop - at < 2 || at[1] != ' '))
        at = at + 1 < stop ? memchr (at + 1, ':', (gsize) (stop - at - 1)) : NULL;
      if (at != NULL)
        at += 2;
    }

  return FALSE;
}

static gboolean
contains_blank (TvmSlice text)
{
  return memchr (text.data, ' ', text.len) != NULL || memchr (text.data, '\t', text.len) != NULL;
}

static TvmSlice
base_name (TvmSlice path)
{
  const char *slash = memrchr (path.data, '/', path.len);

  return slash != NULL ? tvm_slice_from (path, (gsize) (slash - path.data) + 1) : path;
}

/* Reads what stands in front of a severity: a place, a tool, a file, or "tool: place". */
static gboolean
read_prefix (TvmSlice   prefix,
             TvmHeader *header)
{
  const char *colon = tvm_slice_find (prefix, ": ");

  header->place = (TvmPlace) { { NULL, }, };
  header->tool = (TvmSlice) { NULL, 0 };
  if (prefix.len == 0)
    return TRUE;

  if (tvm_tool_is_known (base_name (prefix)))
    {
      header->tool = base_name (prefix);
      return TRUE;
    }
  if (colon != NULL && tvm_tool_is_known (base_name (tvm_slice_until (prefix, colon))))
    {
      header->tool = base_name (tvm_slice_until (prefix, colon));
      prefix = tvm_slice_from (prefix, (gsize) (colon - prefix.data) + 2);
    }

  if (tvm_place_parse (prefix, &header->place))
    return TRUE;

  /* Without a line it is what a linker writes, or a single word: text of any kind may have a colon
   * and the word "error" in it. */
  if (tvm_link_place_parse (prefix, &header->place))
    {
      if (header->tool.len == 0)
        header->tool = (TvmSlice) { "ld", 2 };
      return TRUE;
    }
  if (contains_blank (prefix) && prefix.data[0] != '{' && prefix.data[0] != '<')
    return FALSE;

  if (header->tool.len == 0 && memchr (prefix.data, '.', prefix.len) == NULL)
    header->tool = base_name (prefix);
  else
    header->place.file = prefix;
  return TRUE;
}

/* Whether the line marks something in the line above it: only blanks, bars, tildes and a caret. */
static const char *
find_caret (TvmSlice line)
{
  const char *caret = NULL;

  for (gsize i = 0; i < line.len; i++)
    {
      if (line.data[i] == '^')
        caret = caret != NULL ? caret : line.data + i;
      else if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '~' &&
               line.data[i] != '|')
        return NULL;
    }

  return caret;
}

/* The line after the one that is read, without its end. */
static TvmSlice
next_line (TvmDiagnosticParser *parser)
{
  const gsize left = (gsize) (parser->end - parser->next);
  const char *newline = memchr (parser->next, '\n', left);

  return (TvmSlice) { parser->next, newline != NULL ? (gsize) (newline - parser->next) : left };
}

/* The margin in which gcc writes the number of a source line: "   12 | ". */
static gboolean
has_margin (TvmSlice line)
{
  gsize i = 0;

  while (i < line.len && line.data[i] == ' ')
    i++;
  if (i == 0)
    return FALSE;

  while (i < line.len && (g_ascii_isdigit (line.data[i]) || line.data[i] == '+'))
    i++;
  while (i < line.len && line.data[i] == ' ')
    i++;
  return i < line.len && line.data[i] == '|';
}

/* The underline tells where the range ends: "^~~~" */
static gboolean
read_caret (TvmDiagnosticParser *parser,
            TvmSlice             line)
{
  const char *caret = find_caret (line);
  const char *end = line.data + line.len;
  guint len = 0;

  if (caret == NULL)
    return FALSE;
  if (parser->last == NULL || tvm_diagnostic_get_end_column (parser->last) != 0 ||
      tvm_diagnostic_get_column (parser->last) == 0)
    return TRUE;

  for (caret++; caret < end && *caret == '~'; caret++)
    len++;
  tvm_diagnostic_set_end (parser->last, tvm_diagnostic_get_line (parser->last),
                          tvm_diagnostic_get_column (parser->last) + len);
  return TRUE;
}

static gboolean
read_source (TvmDiagnosticParser *parser,
             TvmSlice             line)
{
  return has_margin (line);
}

/* "file:1:2: severity: message", "tool: severity: message" */
static gboolean
read_severity (TvmDiagnosticParser *parser,
               TvmSlice             line)
{
  TvmHeader header = { 0, };
  TvmSlice prefix;
  TvmSlice next;

  if (!tvm_severity_find (line, &prefix, &header.severity, &header.message) ||
      !read_prefix (prefix, &header))
    return FALSE;

  /* A line of the source that clang shows may look like anything; the one below it tells. */
  next = next_line (parser);
  if (next.len > 0 && find_caret (next) != NULL)
    return TRUE;

  tvm_link_split_message (&header);
  tvm_link_add_function (parser, prefix);
  tvm_parser_add_header (parser, &header);
  return TRUE;
}

static void
add_context (TvmDiagnosticParser *parser,
             const TvmPlace      *place,
             const char          *message,
             gboolean             first)
{
  g_autofree char *file = tvm_slice_dup (place->file);
  TvmDiagnostic *note = NULL;

  if (parser->context->len >= MAX_CONTEXT)
    return;

  note = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_NOTE, NULL, file, place->line, place->column,
                             message, NULL);
  tvm_diagnostic_set_end (note, place->end_line, place->end_column);
  g_ptr_array_insert (parser->context, first ? 0 : -1, note);
}

/* "In file included from a.h:1," and "                 from b.c:2:". gcc begins with the innermost
 * and writes the long form once; clang begins with the outermost and writes it on each line. */
static gboolean
read_include (TvmDiagnosticParser *parser,
              TvmSlice             line)
{
  const char *first = "In file included from ";
  const char *more = "                 from ";
  const gboolean begins = tvm_slice_has_prefix (line, first);
  const gboolean in_chain = parser->in_include_chain;
  TvmPlace place;

  parser->in_include_chain = FALSE;
  if (!begins && !tvm_slice_has_prefix (line, more))
    return FALSE;

  line = tvm_slice_from (line, strlen (begins ? first : more));
  if (line.len > 0 && (line.data[line.len - 1] == ',' || line.data[line.len - 1] == ':'))
    line.len--;
  if (!tvm_place_parse (line, &place))
    return FALSE;

  if (begins && !in_chain)
    g_ptr_array_set_size (parser->context, 0);
  place.end_line = place.end_column = 0;
  add_context (parser, &place, "included from here", begins && in_chain);
  parser->in_include_chain = TRUE;
  return TRUE;
}

/* "f.cc: In instantiation of ‘…’:", "f.cc:1:2:   required from here" */
static gboolean
read_instantiation (TvmDiagnosticParser *parser,
                    TvmSlice             line)
{
  static const char * const begins[] = {
    ": In instantiation of ", ": In substitution of ",
  };
  static const char * const goes_on[] = {
    ":   required ", ":   recursively required ", ":   instantiated ", ":   in ", ":   [ skipping ",
  };
  TvmPlace place = { { NULL, }, };

  for (gsize i = 0; i < G_N_ELEMENTS (begins) && tvm_slice_has_suffix (line, ":"); i++)
    {
      const char *at = tvm_slice_find (line, begins[i]);

      if (at != NULL)
        {
          g_autofree char *message = g_strndup (at + 2, (gsize) (line.data + line.len - at) - 3);

          place.file = tvm_slice_until (line, at);
          add_context (parser, &place, message, FALSE);
          return TRUE;
        }
    }

  for (gsize i = 0; i < G_N_ELEMENTS (goes_on); i++)
    {
      const char *at = tvm_slice_find (line, goes_on[i]);

      if (at != NULL && tvm_place_parse (tvm_slice_until (line, at), &place))
        {
          g_autofree char *message = tvm_slice_dup (tvm_slice_from (line,
                                                                    (gsize) (at - line.data) + 4));

          place.end_line = place.end_column = 0;
          add_context (parser, &place, message, FALSE);
          return TRUE;
        }
    }

  return FALSE;
}

/* Takes a string as C writes it, with its quotes, which is cut off @text. Returns: (nullable) */
static char *
take_c_string (TvmSlice *text)
{
  GString *value = NULL;

  if (!take_char (text, '"'))
    return NULL;

  value = g_string_new (NULL);
  while (text->len > 0 && text->data[0] != '"')
    {
      char c = text->data[0];

      *text = tvm_slice_from (*text, 1);
      if (c == '\\' && text->len > 0)
        {
          guint digits = 0;
          guint octal = 0;

          while (digits < 3 && digits < text->len && text->data[digits] >= '0' &&
                 text->data[digits] <= '7')
            octal = octal * 8 + (guint) (text->data[digits++] - '0');
          c = digits > 0 ? (char) octal : text->data[0] == 'n' ? '\n'
                         : text->data[0] == 't' ? '\t' : text->data[0];
          *text = tvm_slice_from (*text, MAX (digits, 1));
        }
      if (c != '\0')
        g_string_append_c (value, c);
    }

  if (!take_char (text, '"'))
    {
      g_string_free (value, TRUE);
      return NULL;
    }
  return g_string_free (value, FALSE);
}

/* fix-it:"f.c":{1:2-1:5}:"text" */
static gboolean
read_fixit (TvmDiagnosticParser *parser,
            TvmSlice             line)
{
  const char *word = "fix-it:";
  g_autofree char *file = NULL;
  g_autofree char *replacement = NULL;
  g_autoptr (TvmFixit) fixit = NULL;
  guint numbers[4] = { 0, };

  if (!tvm_slice_has_prefix (line, word))
    return FALSE;

  line = tvm_slice_from (line, strlen (word));
  file = take_c_string (&line);
  if (file == NULL || !take_char (&line, ':') || !take_range (&line, numbers) ||
      !take_char (&line, ':') || (replacement = take_c_string (&line)) == NULL)
    return FALSE;

  if (parser->last == NULL ||
      g_list_model_get_n_items (tvm_diagnostic_get_fixits (parser->last)) >= MAX_FIXITS)
    return TRUE;

  fixit = tvm_fixit_new (file, numbers[0], numbers[1], numbers[2], numbers[3], replacement);
  tvm_diagnostic_add_fixit (parser->last, fixit);
  return TRUE;
}

/* What has a form of its own */
static gboolean
read_failure (TvmDiagnosticParser *parser,
              TvmSlice             line)
{
  TvmHeader header = { TVM_DIAGNOSTIC_SEVERITY_FATAL, };
  const char *llvm = "LLVM ERROR: ";

  header.message = line;
  if (tvm_slice_has_prefix (line, llvm))
    header.message = tvm_slice_from (line, strlen (llvm));
  else if (!tvm_slice_has_prefix (line, "virtual memory exhausted: ") &&
           !tvm_slice_has_prefix (line, "compilation terminated due to ") &&
           !(tvm_slice_has_suffix (line, "' failed.") &&
             tvm_slice_find (line, ": Assertion `") != NULL))
    return FALSE;

  tvm_parser_add_header (parser, &header);
  return TRUE;
}

typedef gboolean (* ReadLine) (TvmDiagnosticParser *parser,
                               TvmSlice             line);

/* The order counts: the first one that knows the line takes it. */
static const ReadLine formats[] = {
  tvm_python_read_line,
  read_include,
  tvm_cuda_read_line,
  tvm_link_read_reference,
  read_caret,
  read_source,
  read_instantiation,
  read_severity,
  tvm_link_read_line,
  read_failure,
};

char *
tvm_parser_strip_escapes (TvmSlice  line,
                          gsize    *len)
{
  char *stripped = NULL;
  gsize n = 0;

  if (memchr (line.data, '\033', line.len) == NULL)
    return NULL;

  stripped = g_malloc (line.len + 1);
  for (gsize i = 0; i < line.len; i++)
    {
      if (line.data[i] != '\033')
        {
          stripped[n++] = line.data[i];
        }
      else if (i + 1 < line.len && line.data[i + 1] == '[')
        {
          i += 2;
          while (i < line.len && (line.data[i] < 0x40 || line.data[i] > 0x7e))
            i++;
        }
      else if (i + 1 < line.len && line.data[i + 1] == ']')
        {
          while (i < line.len && line.data[i] != '\a' &&
                 !(line.data[i] == '\\' && line.data[i - 1] == '\033'))
            i++;
        }
    }

  *len = n;
  return stripped;
}

gboolean
tvm_parser_read_line (TvmDiagnosticParser *parser,
                      TvmSlice             line)
{
  g_autofree char *stripped = NULL;

  if (line.len == 0)
    {
      tvm_link_flush_reference (parser);
      return TRUE;
    }

  if (read_fixit (parser, line))
    return FALSE;

  stripped = tvm_parser_strip_escapes (line, &line.len);
  if (stripped != NULL)
    line.data = stripped;

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i] (parser, line))
      {
        /* A function that GNU ld names holds for the lines of the linker that follow. */
        if (formats[i] != tvm_link_read_line)
          g_clear_object (&parser->ld_function);
        break;
      }

  return TRUE;
}
