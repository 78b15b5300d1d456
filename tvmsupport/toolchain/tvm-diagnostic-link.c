/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <string.h>

/*
 * The lines of linkers and archivers. GNU ld writes most of its errors without a severity and the
 * first line of a group with the name of the program in front; lld and mold put the places that
 * refer to a symbol below the error, in lines that begin with ">>> ".
 */

/* How far into a line the name of a program may reach */
#define MAX_TOOL 4096

static const char * const linkers[] = {
  "ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold", "ld64", "ld64.lld", "ld64.mold", "lld",
  "lld-link", "gold", "mold", "wasm-ld",
};

/* These say what went wrong without a severity. */
static const char * const archivers[] = { "ar", "ranlib", "nm", "objcopy", "strip", "emar" };

static const char * const compilers[] = {
  "gcc", "g++", "cc", "c++", "cpp", "clang", "clang++", "cc1", "cc1plus", "cc1obj", "cc1objplus",
  "lto1", "lto-wrapper", "collect2", "as", "ccache", "distcc", "emcc", "em++",
};

/* What GNU ld says about a place without calling it an error. */
static const char * const phrases[] = {
  "undefined reference to ",
  "multiple definition of ",
  "relocation truncated to fit: ",
  "dangerous relocation: ",
  "unsupported relocation",
  "defined in discarded section ",
  "duplicate definition of ",
};

static const struct
{
  const char *text;
  TvmDiagnosticSeverity severity;
} remarks[] = {
  { "more undefined references to ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "first defined here", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "previous definition here", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "the vtable symbol may be undefined", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "NOTE: ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "use the --help option", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "skipping incompatible ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "treating as linker script", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "definition of ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "reference to ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "mode ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "creating ", TVM_DIAGNOSTIC_SEVERITY_NOTE },
  { "`u' modifier ignored ", TVM_DIAGNOSTIC_SEVERITY_WARNING },
};

static gboolean
is_one_of (TvmSlice            name,
           const char * const *names,
           gsize               n_names)
{
  for (gsize i = 0; i < n_names; i++)
    if (name.len == strlen (names[i]) && memcmp (name.data, names[i], name.len) == 0)
      return TRUE;

  return FALSE;
}

/* @name without the directory and without the version: "/usr/bin/ld.lld-14" → "ld.lld" */
static TvmSlice
bare_name (TvmSlice name)
{
  const char *slash = memrchr (name.data, '/', name.len);
  gsize len = 0;

  if (slash != NULL)
    name = tvm_slice_from (name, (gsize) (slash - name.data) + 1);

  len = name.len;
  while (len > 0 && (g_ascii_isdigit (name.data[len - 1]) || name.data[len - 1] == '.'))
    len--;
  if (len > 1 && len < name.len && name.data[len - 1] == '-')
    name.len = len - 1;

  return name;
}

static gboolean
is_tool (TvmSlice            name,
         const char * const *names,
         gsize               n_names)
{
  const TvmSlice bare = bare_name (name);
  const char *dash = NULL;

  if (bare.data == NULL || bare.len == 0)
    return FALSE;
  if (is_one_of (bare, names, n_names))
    return TRUE;

  /* x86_64-linux-gnu-gcc, llvm-ar */
  dash = memrchr (bare.data, '-', bare.len);
  return dash != NULL && memchr (bare.data, ' ', bare.len) == NULL &&
         is_one_of (tvm_slice_from (bare, (gsize) (dash - bare.data) + 1), names, n_names);
}

gboolean
tvm_tool_is_linker (TvmSlice name)
{
  return is_tool (name, linkers, G_N_ELEMENTS (linkers));
}

gboolean
tvm_tool_is_known (TvmSlice name)
{
  return is_tool (name, compilers, G_N_ELEMENTS (compilers)) || tvm_tool_is_linker (name) ||
         is_tool (name, archivers, G_N_ELEMENTS (archivers));
}

static gboolean
is_object (TvmSlice name)
{
  static const char * const suffixes[] = {
    ".o", ".o)", ".a", ".so", ".lo", ".lo)", ".os", ".obj", ".bc", ".lib", ".dylib",
  };
  const char *so = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (tvm_slice_has_suffix (name, suffixes[i]))
      return TRUE;

  /* libc.so.6 */
  so = tvm_slice_find (name, ".so.");
  return so != NULL && g_ascii_isdigit (name.data[name.len - 1]);
}

static gboolean
may_be_path (TvmSlice text)
{
  if (text.len == 0 || text.len > MAX_TOOL)
    return FALSE;

  return text.data[0] == '/' || text.data[0] == '.' || memchr (text.data, ' ', text.len) == NULL;
}

/* Cuts "(.text+0x5)" or ":(main)" off. Returns: whether it was there */
static gboolean
take_section (TvmSlice *text)
{
  const char *open = NULL;

  if (text->data == NULL || !tvm_slice_has_suffix (*text, ")"))
    return FALSE;

  open = memrchr (text->data, '(', text->len);
  if (open == NULL)
    return FALSE;

  /* In "libx.a(y.o)" it is a member. */
  if (open > text->data && open[-1] == ':')
    *text = tvm_slice_until (*text, open - 1);
  else if (open[1] == '.')
    *text = tvm_slice_until (*text, open);
  else
    return FALSE;

  return TRUE;
}

/* Whether a name stands here, not the number of a line. */
static gboolean
is_name (TvmSlice text)
{
  gsize digits = 0;

  while (digits < text.len && g_ascii_isdigit (text.data[digits]))
    digits++;

  return digits < text.len && text.data[digits] != ':' && text.data[digits] != '(';
}

/* Takes "a.o:src/a.c" apart. Returns: the source if there is one, else @text. */
static TvmSlice
skip_object (TvmSlice text)
{
  const char *at = text.data;
  const char *end = text.data + text.len;

  while (at < end && (at = memchr (at, ':', (gsize) (end - at))) != NULL)
    {
      const TvmSlice object = tvm_slice_until (text, at);

      at++;
      if (is_object (object) && is_name ((TvmSlice) { at, (gsize) (end - at) }))
        return tvm_slice_from (text, (gsize) (at - text.data));
    }

  return text;
}

/* A place as a linker writes it: "a.o:a.c:function f", "a.c:(.text+0x5)", "b.a(c.o):(.data+0x0)",
 * "a.o:src/a.c:12", "a.o". Returns: whether it is one beyond doubt */
gboolean
tvm_link_place_parse (TvmSlice  text,
                      TvmPlace *place)
{
  const char *function = tvm_slice_find (text, ":function ");
  const char *symbol = NULL;
  gboolean certain = FALSE;
  TvmSlice source;

  *place = (TvmPlace) { { NULL, }, };
  if (function != NULL)
    text = tvm_slice_until (text, function);
  certain = take_section (&text) || function != NULL;
  if (text.len > MAX_TOOL || (!certain && !may_be_path (text)))
    return FALSE;

  source = skip_object (text);
  certain = certain || source.len < text.len;
  if (tvm_place_parse (source, place))
    return certain || is_object (place->file);

  /* gold puts the symbol last where there is no function. */
  symbol = source.len < text.len ? memchr (source.data, ':', source.len) : NULL;
  place->file = symbol != NULL ? tvm_slice_until (source, symbol) : source;
  return certain || is_object (source);
}

/* Takes a place off the front of the message: "error: a.o:(.text): message" */
void
tvm_link_split_message (TvmHeader *header)
{
  const char *colon = tvm_slice_find (header->message, ": ");
  TvmSlice head;
  TvmPlace place;

  if (colon == NULL || header->place.file.len > 0 || header->tool.len == 0)
    return;

  head = tvm_slice_until (header->message, colon);
  while (head.len > 0 && head.data[0] == ' ')
    head = tvm_slice_from (head, 1);
  if (!may_be_path (head) ||
      (!tvm_link_place_parse (head, &place) && !tvm_place_parse (head, &place)))
    return;

  header->place = place;
  header->message = tvm_slice_from (header->message,
                                    (gsize) (colon - header->message.data) + 2);
}

static TvmDiagnostic *
new_note (const TvmPlace *place,
          TvmSlice        message)
{
  g_autofree char *file = tvm_slice_dup (place->file);
  g_autofree char *text = tvm_slice_dup (message);

  return tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_NOTE, NULL, file, place->line, place->column,
                             text, NULL);
}

/* What gold says about the function, as GNU ld does it: "a.o:a.c:function f" */
void
tvm_link_add_function (TvmDiagnosticParser *parser,
                       TvmSlice             prefix)
{
  const char *function = tvm_slice_find (prefix, ":function ");
  const char *colon = NULL;
  g_autofree char *message = NULL;
  TvmPlace place = { { NULL, }, };

  if (function == NULL)
    return;

  place.file = tvm_slice_until (prefix, function);
  colon = place.file.data + place.file.len - skip_object (place.file).len;
  if (colon > place.file.data)
    place.file = tvm_slice_until (place.file, colon - 1);
  prefix = tvm_slice_from (prefix, (gsize) (function - prefix.data) + strlen (":function "));
  message = g_strdup_printf ("in function `%.*s'", (int) MIN (prefix.len, MAX_TOOL), prefix.data);
  g_ptr_array_add (parser->context,
                   new_note (&place, (TvmSlice) { message, strlen (message) }));
}

/* Takes "ld: " off the front of @line. */
static TvmSlice
take_tool (TvmSlice *line)
{
  const TvmSlice front = { line->data, MIN (line->len, MAX_TOOL) };
  const TvmSlice nothing = { NULL, 0 };
  const char *colon = memchr (front.data, ':', front.len);
  const char *slash = NULL;
  TvmSlice tool;

  if (colon == NULL || colon + 1 >= front.data + front.len)
    return nothing;

  tool = tvm_slice_until (front, colon);
  if (!tvm_tool_is_linker (tool) && !is_tool (tool, archivers, G_N_ELEMENTS (archivers)))
    return nothing;

  /* GNU ld leaves the blank out where it complains about a linker script. */
  *line = tvm_slice_from (*line, tool.len + (colon[1] == ' ' ? 2 : 1));
  slash = memrchr (tool.data, '/', tool.len);
  return slash != NULL ? tvm_slice_from (tool, (gsize) (slash - tool.data) + 1) : tool;
}

/* "a.o: in function `f':" */
static gboolean
read_function (TvmDiagnosticParser *parser,
               TvmSlice             tool,
               TvmSlice             line)
{
  const char *at = NULL;
  TvmPlace place = { { NULL, }, };
  TvmSlice message;

  if (!tvm_slice_has_suffix (line, "':"))
    return FALSE;

  at = tvm_slice_find (line, ": in function `");
  if (at == NULL)
    at = tvm_slice_find (line, ": In function `");
  if (at == NULL)
    return FALSE;

  place.file = tvm_slice_until (line, at);
  message = tvm_slice_from (line, (gsize) (at - line.data) + 2);
  message.len--;

  g_clear_object (&parser->ld_function);
  parser->ld_function = new_note (&place, message);
  g_free (parser->ld_tool);
  parser->ld_tool = tool.len > 0 ? tvm_slice_dup (tool) : g_strdup ("ld");
  return TRUE;
}

/* Finds the first of @phrases that stands at the start of @line or behind ": ". */
static const char *
find_phrase (TvmSlice line)
{
  const char *end = line.data + line.len;
  const char *at = line.data;

  while (at != NULL)
    {
      const TvmSlice rest = { at, (gsize) (end - at) };

      for (gsize i = 0; i < G_N_ELEMENTS (phrases); i++)
        if (tvm_slice_has_prefix (rest, phrases[i]))
          return at;

      at = memmem (at, rest.len, ": ", 2);
      if (at != NULL)
        at += 2;
    }

  return NULL;
}

/* "multiple definition of `x'; a.o:(.data+0x0): first defined here": the other place is a note. */
static void
split_first_definition (TvmDiagnosticParser *parser,
                        TvmSlice            *message)
{
  const char *suffix = ": first defined here";
  const char *semicolon = tvm_slice_find (*message, "; ");
  TvmSlice rest;
  TvmPlace place;

  if (semicolon == NULL || !tvm_slice_has_suffix (*message, suffix))
    return;

  rest = tvm_slice_from (*message, (gsize) (semicolon - message->data) + 2);
  rest.len -= strlen (suffix);
  if (!tvm_link_place_parse (rest, &place) && !tvm_place_parse (rest, &place))
    return;

  g_ptr_array_add (parser->context,
                   new_note (&place, (TvmSlice) { suffix + 2, strlen (suffix) - 2 }));
  *message = tvm_slice_until (*message, semicolon);
}

/* "a.c:(.text+0x5): undefined reference to `g'" */
static gboolean
read_phrase (TvmDiagnosticParser *parser,
             TvmSlice             tool,
             TvmSlice             line)
{
  const char *phrase = find_phrase (line);
  TvmHeader header = { TVM_DIAGNOSTIC_SEVERITY_ERROR, };
  g_autofree char *object = NULL;

  if (phrase == NULL)
    return FALSE;

  if (phrase > line.data)
    {
      const TvmSlice prefix = tvm_slice_until (line, phrase - 2);

      if (!tvm_link_place_parse (prefix, &header.place) &&
          !tvm_place_parse (prefix, &header.place))
        {
          if (tool.len == 0)
            return FALSE;
          header.place.file = prefix;
        }
    }
  else if (tool.len == 0)
    {
      return FALSE;
    }

  header.tool = tool;
  if (tool.len == 0 && parser->ld_tool != NULL)
    header.tool = (TvmSlice) { parser->ld_tool, strlen (parser->ld_tool) };
  else if (tool.len == 0)
    header.tool = (TvmSlice) { "ld", 2 };

  header.message = tvm_slice_from (line, (gsize) (phrase - line.data));
  g_ptr_array_set_size (parser->context, 0);
  if (parser->ld_function != NULL && !is_object (header.place.file))
    {
      g_ptr_array_add (parser->context, g_object_ref (parser->ld_function));
      if (header.place.file.len == 0 && tvm_diagnostic_get_file (parser->ld_function) != NULL)
        {
          object = g_strdup (tvm_diagnostic_get_file (parser->ld_function));
          header.place.file = (TvmSlice) { object, strlen (object) };
        }
    }
  split_first_definition (parser, &header.message);
  tvm_parser_add_header (parser, &header);
  return TRUE;
}

gboolean
tvm_link_read_line (TvmDiagnosticParser *parser,
                    TvmSlice             line)
{
  TvmSlice rest = line;
  TvmHeader header = { TVM_DIAGNOSTIC_SEVERITY_ERROR, };

  header.tool = take_tool (&rest);
  if (read_function (parser, header.tool, rest) || read_phrase (parser, header.tool, rest))
    return TRUE;
  if (header.tool.len == 0)
    return FALSE;

  header.message = rest;
  tvm_link_split_message (&header);
  for (gsize i = 0; i < G_N_ELEMENTS (remarks); i++)
    if (tvm_slice_find (header.message, remarks[i].text) != NULL)
      {
        header.severity = remarks[i].severity;
        break;
      }

  tvm_parser_add_header (parser, &header);
  return TRUE;
}

/* Where "referenced by a.c:7 (src/a.c:7)" and "defined in a.o" point to. */
static void
find_reference (TvmSlice  text,
                TvmPlace *place)
{
  static const char * const words[] = { "referenced by ", "defined at ", "defined in " };
  const char *open = tvm_slice_find (text, " (");
  const char *close = NULL;

  *place = (TvmPlace) { { NULL, }, };
  if (open != NULL)
    {
      const TvmSlice inside = tvm_slice_from (text, (gsize) (open - text.data) + 2);

      close = memchr (inside.data, ')', inside.len);
      if (close != NULL && tvm_place_parse (tvm_slice_until (inside, close), place))
        return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (tvm_slice_has_prefix (text, words[i]))
      {
        TvmSlice where = tvm_slice_from (text, strlen (words[i]));
        const char *blank = memchr (where.data, ' ', where.len);

        if (blank != NULL)
          where = tvm_slice_until (where, blank);
        if (!tvm_place_parse (where, place) && !tvm_link_place_parse (where, place))
          *place = (TvmPlace) { where, };
        return;
      }
}

void
tvm_link_flush_reference (TvmDiagnosticParser *parser)
{
  const TvmSlice text = { parser->ld_reference->str, parser->ld_reference->len };
  TvmPlace place;

  if (text.len > 0 && parser->primary != NULL && strspn (text.data, "^~ ") < text.len)
    {
      g_autoptr (TvmDiagnostic) note = NULL;

      find_reference (text, &place);
      note = new_note (&place, text);
      tvm_parser_add_child (parser, parser->primary, note);

      /* An error of lld is nowhere itself; the first place that causes it is where to look. */
      if (place.line != 0 && tvm_diagnostic_get_file (parser->primary) == NULL)
        tvm_diagnostic_set_place (parser->primary, tvm_diagnostic_get_file (note), place.line,
                                  place.column);
    }

  g_string_truncate (parser->ld_reference, 0);
}

/* One piece behind ">>> ". What is indented goes on with the piece above it. */
static void
read_reference (TvmDiagnosticParser *parser,
                TvmSlice             piece)
{
  const gboolean goes_on = piece.len > 0 && piece.data[0] == ' ';

  while (piece.len > 0 && (piece.data[0] == ' ' || piece.data[0] == '\t'))
    piece = tvm_slice_from (piece, 1);
  if (!goes_on)
    tvm_link_flush_reference (parser);
  else if (parser->ld_reference->len > 0)
    g_string_append_c (parser->ld_reference, ' ');

  g_string_append_len (parser->ld_reference, piece.data, (gssize) piece.len);
}

gboolean
tvm_link_read_reference (TvmDiagnosticParser *parser,
                         TvmSlice             line)
{
  const char *mark = ">>> ";
  const char *glued = ">>> referenced by ";
  const char *next = NULL;

  if (!tvm_slice_has_prefix (line, mark))
    {
      tvm_link_flush_reference (parser);
      return FALSE;
    }

  /* mold forgets the newline between two of them. */
  for (line = tvm_slice_from (line, strlen (mark)); (next = tvm_slice_find (line, glued)) != NULL;
       line = tvm_slice_from (line, (gsize) (next - line.data) + strlen (mark)))
    read_reference (parser, tvm_slice_until (line, next));

  read_reference (parser, line);
  return TRUE;
}
