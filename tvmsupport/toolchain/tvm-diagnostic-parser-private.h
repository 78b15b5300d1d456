/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"
#include "tvmsupport/toolchain/tvm-diagnostic-source-private.h"

G_BEGIN_DECLS

/* A piece of the log. Not terminated. */
typedef struct
{
  const char *data;
  gsize len;
} TvmSlice;

/* The state of one tvm_diagnostics_parse(). */
typedef struct
{
  const char *end;           /* of the log */
  const char *next;          /* the line after the one that is read */
  GListStore *store;         /* (owned) */
  GString *text;             /* (owned) (nullable) */
  TvmSourceCache *sources;   /* (owned) */

  TvmDiagnostic *primary;    /* (owned) (nullable): what a note belongs to */
  TvmDiagnostic *last;       /* (owned) (nullable): what a fix-it or an underline belongs to */
  GPtrArray *context;        /* (element-type TvmDiagnostic) (owned): children of what comes next */
  gboolean in_include_chain; /* the line before was a link of one */
  gboolean in_traceback;     /* of Python: the exception is still to come */
  gboolean primary_dropped;  /* the last primary was beyond what is kept, and so are its notes */

  char *ld_tool;             /* (owned) (nullable): the linker that spoke last */
  TvmDiagnostic *ld_function; /* (owned) (nullable): "in function `f'" */
  GString *ld_reference;     /* (owned): the lines of one ">>> referenced by" */

  guint n_errors;
  guint n_warnings;
  guint n_kept_errors;
  guint n_kept_others;
  guint n_children;
  gsize json_budget;         /* bytes that may still be looked at for the end of an array */
} TvmDiagnosticParser;

/* A place as a tool wrote it. */
typedef struct
{
  TvmSlice file;
  guint line;
  guint column;
  guint end_line;
  guint end_column;
} TvmPlace;

/* What a line of text says. */
typedef struct
{
  TvmDiagnosticSeverity severity;
  TvmSlice tool;
  TvmPlace place;
  TvmSlice message;
  TvmSlice code;  /* empty: it may stand at the end of @message */
} TvmHeader;

static inline char *
tvm_slice_dup (TvmSlice slice)
{
  return g_strndup (slice.data, slice.len);
}

static inline gboolean
tvm_slice_has_prefix (TvmSlice    slice,
                      const char *prefix)
{
  const gsize len = strlen (prefix);

  return slice.len >= len && memcmp (slice.data, prefix, len) == 0;
}

static inline gboolean
tvm_slice_has_suffix (TvmSlice    slice,
                      const char *suffix)
{
  const gsize len = strlen (suffix);

  return slice.len >= len && memcmp (slice.data + slice.len - len, suffix, len) == 0;
}

static inline const char *
tvm_slice_find (TvmSlice    slice,
                const char *needle)
{
  /* The second is for GCC, which with its sanitizers expects data that is NULL to have a length. */
  if (slice.len == 0 || slice.data == NULL)
    return NULL;

  return memmem (slice.data, slice.len, needle, strlen (needle));
}

/* From @offset to the end */
static inline TvmSlice
tvm_slice_from (TvmSlice slice,
                gsize    offset)
{
  return (TvmSlice) { slice.data + offset, slice.len - offset };
}

/* Everything in front of @stop, which points into @slice */
static inline TvmSlice
tvm_slice_until (TvmSlice    slice,
                 const char *stop)
{
  return (TvmSlice) { slice.data, (gsize) (stop - slice.data) };
}

/* tvm-diagnostic-parser.c */
gboolean       tvm_parser_wants      (TvmDiagnosticParser   *parser,
                                      TvmDiagnosticSeverity  severity);
void           tvm_parser_add        (TvmDiagnosticParser   *parser,
                                      TvmDiagnostic         *diagnostic);
void           tvm_parser_add_alone  (TvmDiagnosticParser   *parser,
                                      TvmDiagnostic         *diagnostic);
void           tvm_parser_add_child  (TvmDiagnosticParser   *parser,
                                      TvmDiagnostic         *parent,
                                      TvmDiagnostic         *child);
void           tvm_parser_add_text   (TvmDiagnosticParser   *parser,
                                      TvmSlice               text);
char          *tvm_parser_normalize_code (TvmSlice           code);
/* Whether the message only says that another program failed */
gboolean       tvm_parser_is_echo    (TvmSlice               message);
void           tvm_parser_add_header (TvmDiagnosticParser   *parser,
                                      const TvmHeader       *header);

/* tvm-diagnostic-json.c */
/* The length of the array of diagnostics that @text begins with; 0 if it does not begin with one */
gsize          tvm_parser_find_json_end (TvmDiagnosticParser *parser,
                                         TvmSlice             text);
void           tvm_parser_read_json     (TvmDiagnosticParser *parser,
                                         TvmSlice             array);

/* tvm-diagnostic-text.c */
/* Returns: whether the line is for people; one that is only for programs is left out of the text */
gboolean       tvm_parser_read_line     (TvmDiagnosticParser *parser,
                                         TvmSlice             line);
/* Returns: (nullable): @line without the sequences that set colours and links, not terminated, or
 * NULL if there are none in it */
char          *tvm_parser_strip_escapes (TvmSlice             line,
                                         gsize               *len);
const char    *tvm_parser_find_ranges   (TvmSlice             line,
                                         const char         **after);
gboolean       tvm_place_parse          (TvmSlice             text,
                                         TvmPlace            *place);
gboolean       tvm_severity_find        (TvmSlice               line,
                                         TvmSlice              *prefix,
                                         TvmDiagnosticSeverity *severity,
                                         TvmSlice              *message);

/* tvm-diagnostic-cuda.c */
gboolean       tvm_cuda_read_line       (TvmDiagnosticParser *parser,
                                         TvmSlice             line);

/* tvm-diagnostic-python.c */
gboolean       tvm_python_read_line     (TvmDiagnosticParser *parser,
                                         TvmSlice             line);

/* tvm-diagnostic-link.c */
gboolean       tvm_tool_is_linker       (TvmSlice             name);
gboolean       tvm_tool_is_known        (TvmSlice             name);
gboolean       tvm_link_place_parse     (TvmSlice             text,
                                         TvmPlace            *place);
void           tvm_link_split_message   (TvmHeader           *header);
void           tvm_link_add_function    (TvmDiagnosticParser *parser,
                                         TvmSlice             prefix);
gboolean       tvm_link_read_line       (TvmDiagnosticParser *parser,
                                         TvmSlice             line);
gboolean       tvm_link_read_reference  (TvmDiagnosticParser *parser,
                                         TvmSlice             line);
void           tvm_link_flush_reference (TvmDiagnosticParser *parser);

G_END_DECLS
