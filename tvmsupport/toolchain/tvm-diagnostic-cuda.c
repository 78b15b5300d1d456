/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <string.h>

/*
 * What nvcc and its parts print, and NVRTC: EDG's front end ("f.cu(3): error #20-D: …"), and the
 * tools behind it, whose severities stand in a column of their own ("ptxas fatal   : …").
 */

static const struct
{
  const char *word;
  TvmDiagnosticSeverity severity;
} severities[] = {
  { "catastrophic error", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "internal error", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "command-line error", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "fatal", TVM_DIAGNOSTIC_SEVERITY_FATAL },
  { "error", TVM_DIAGNOSTIC_SEVERITY_ERROR },
  { "warning", TVM_DIAGNOSTIC_SEVERITY_WARNING },
  { "remark", TVM_DIAGNOSTIC_SEVERITY_REMARK },
  { "info", TVM_DIAGNOSTIC_SEVERITY_REMARK },
  { "note", TVM_DIAGNOSTIC_SEVERITY_NOTE },
};

static const char * const tools[] = {
  "nvcc", "ptxas", "nvlink", "fatbinary", "cicc", "cudafe++", "nvprune", "bin2c",
};

static void
skip_blanks (TvmSlice *text)
{
  while (text->len > 0 && text->data[0] == ' ')
    *text = tvm_slice_from (*text, 1);
}

static gboolean
take_word (TvmSlice   *text,
           const char *word)
{
  if (!tvm_slice_has_prefix (*text, word))
    return FALSE;

  *text = tvm_slice_from (*text, strlen (word));
  return TRUE;
}

static gboolean
take_severity (TvmSlice              *text,
               TvmDiagnosticSeverity *severity)
{
  for (gsize i = 0; i < G_N_ELEMENTS (severities); i++)
    {
      if (take_word (text, severities[i].word))
        {
          *severity = severities[i].severity;
          return TRUE;
        }
    }

  return FALSE;
}

/* The number in "(12)". Returns: 0 if there is none */
static guint
parse_line_number (const char *digits,
                   const char *end)
{
  guint number = 0;

  if (end == digits || end - digits > 9)
    return 0;
  for (; digits < end; digits++)
    {
      if (!g_ascii_isdigit (*digits))
        return 0;
      number = number * 10 + (guint) (*digits - '0');
    }

  return number;
}

/* "f.cu(3): error: …", "f.cu(3): warning #177-D: …" */
static gboolean
read_edg (TvmDiagnosticParser *parser,
          TvmSlice             line)
{
  const char *close = tvm_slice_find (line, "): ");
  const char *open = close != NULL ? memrchr (line.data, '(', (gsize) (close - line.data)) : NULL;
  TvmHeader header = { 0, };
  const char *colon;
  TvmSlice rest;

  if (open == NULL || open == line.data)
    return FALSE;

  header.place.file = tvm_slice_until (line, open);
  header.place.line = parse_line_number (open + 1, close);
  rest = tvm_slice_from (line, (gsize) (close - line.data) + 3);
  if (header.place.line == 0 || !take_severity (&rest, &header.severity))
    return FALSE;

  colon = tvm_slice_find (rest, ": ");
  if (take_word (&rest, " #") && colon != NULL)
    {
      header.code = tvm_slice_until (rest, colon);
      rest = tvm_slice_from (rest, (gsize) (colon - rest.data));
    }
  if (!take_word (&rest, ": "))
    return FALSE;

  header.message = rest;
  tvm_parser_add_header (parser, &header);
  return TRUE;
}

/* "ptxas /tmp/x.ptx, line 14; error   : …", as which it begins */
static void
take_ptx_place (TvmSlice *rest,
                TvmPlace *place)
{
  static const char marker[] = ", line ";
  const char *at = tvm_slice_find (*rest, marker);
  const char *semicolon = at != NULL ? tvm_slice_find (*rest, ";") : NULL;
  guint number;

  if (semicolon == NULL || semicolon < at)
    return;

  number = parse_line_number (at + strlen (marker), semicolon);
  if (number == 0)
    return;

  place->file = tvm_slice_until (*rest, at);
  place->line = number;
  *rest = tvm_slice_from (*rest, (gsize) (semicolon - rest->data) + 1);
  skip_blanks (rest);
}

/* "ptxas fatal   : …", "nvcc warning : …" */
static gboolean
read_tool (TvmDiagnosticParser *parser,
           TvmSlice             line)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      TvmHeader header = { 0, };
      TvmSlice rest = line;

      if (!take_word (&rest, tools[i]) || !take_word (&rest, " "))
        continue;

      take_ptx_place (&rest, &header.place);
      if (!take_severity (&rest, &header.severity))
        return FALSE;
      skip_blanks (&rest);
      if (!take_word (&rest, ":"))
        return FALSE;

      header.tool = (TvmSlice) { tools[i], strlen (tools[i]) };
      header.message = rest;
      tvm_parser_add_header (parser, &header);
      return TRUE;
    }

  return FALSE;
}

/* "          detected during instantiation of "T f(T) [with T=float]" at line 5", which follows the
 * error and names a line of its file, unless it names another: "at line 5 of a.h" */
static gboolean
read_instantiation (TvmDiagnosticParser *parser,
                    TvmSlice             line)
{
  static const char marker[] = "\" at line ";
  g_autoptr (TvmDiagnostic) note = NULL;
  g_autofree char *file = NULL;
  g_autofree char *message = NULL;
  const char *at = tvm_slice_find (line, marker);
  const char *end = line.data + line.len;
  const char *digits;
  const char *after;

  if (at == NULL || !tvm_slice_has_prefix (line, "          ") ||
      tvm_slice_find (tvm_slice_until (line, at), "instantiation of ") == NULL)
    return FALSE;
  if (parser->primary == NULL)
    return TRUE;

  digits = at + strlen (marker);
  for (after = digits; after < end && g_ascii_isdigit (*after); after++)
    ;
  skip_blanks (&line);
  message = g_strndup (line.data, (gsize) (at + 1 - line.data));
  if (end - after > 4 && memcmp (after, " of ", 4) == 0)
    file = g_strndup (after + 4, (gsize) (end - after - 4));

  note = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_NOTE, NULL,
                             file != NULL ? file : tvm_diagnostic_get_file (parser->primary),
                             parse_line_number (digits, after), 0, message, NULL);
  tvm_parser_add_child (parser, parser->primary, note);
  return TRUE;
}

gboolean
tvm_cuda_read_line (TvmDiagnosticParser *parser,
                    TvmSlice             line)
{
  return read_tool (parser, line) || read_edg (parser, line) || read_instantiation (parser, line);
}
