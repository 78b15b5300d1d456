/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"
#include "tvmsupport/tvm-enums.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  GListModel *list; /* (owned) */
  char *text;       /* (owned) */
  guint n_errors;
  guint n_warnings;
} Parsed;

static void
parsed_clear (Parsed *parsed)
{
  g_clear_object (&parsed->list);
  g_clear_pointer (&parsed->text, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parsed, parsed_clear)

#define PARSED_INIT { NULL, NULL, 0, 0 }

static void
parse (Parsed     *parsed,
       const char *data,
       gssize      len,
       const char *cwd)
{
  g_autoptr (GBytes) log = g_bytes_new (data, len < 0 ? strlen (data) : (gsize) len);

  parsed_clear (parsed);
  parsed->list = G_LIST_MODEL (tvm_diagnostics_parse (log, cwd, &parsed->text, &parsed->n_errors,
                                                      &parsed->n_warnings));
  g_assert_true (g_utf8_validate (parsed->text, -1, NULL));
}

static TvmDiagnostic *
nth (const Parsed *parsed,
     guint         n)
{
  g_autoptr (TvmDiagnostic) diagnostic = g_list_model_get_item (parsed->list, n);

  g_assert_nonnull (diagnostic);
  return diagnostic;
}

static TvmDiagnostic *
nth_child (TvmDiagnostic *parent,
           guint          n)
{
  g_autoptr (TvmDiagnostic) child = g_list_model_get_item (tvm_diagnostic_get_children (parent), n);

  g_assert_nonnull (child);
  return child;
}

static char *
data_path (const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "data", "diagnostics", name, NULL);
}

#define assert_format(diagnostic, expected) \
  G_STMT_START \
  { \
    g_autofree char *formatted = tvm_diagnostic_format (diagnostic); \
    g_assert_cmpstr (formatted, ==, expected); \
  } \
  G_STMT_END

static void
test_object (void)
{
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  g_autoptr (TvmDiagnostic) child = NULL;
  g_autoptr (TvmFixit) fixit = NULL;
  g_autoptr (TvmFixit) same = NULL;
  g_autofree char *message = NULL;
  g_autofree char *code = NULL;
  g_autofree char *file = NULL;
  g_autoptr (GListModel) children = NULL;
  g_autoptr (GListModel) fixits = NULL;
  TvmDiagnosticSeverity severity = 0;
  guint line = 0;
  guint end_column = 0;

  diagnostic = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_WARNING, "cc1", "a b.c", 3, 5,
                                   "unused variable", "-Wunused-variable");
  child = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_NOTE, NULL, "a.h", 7, 0, "here", NULL);
  fixit = tvm_fixit_new ("a b.c", 3, 5, 3, 9, "");
  assert_format (diagnostic, "a b.c:3:5: warning: unused variable [-Wunused-variable]");
  g_assert_cmpuint (g_list_model_get_n_items (tvm_diagnostic_get_children (diagnostic)), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_diagnostic_get_fixits (diagnostic)), ==, 0);
  g_assert_true (g_list_model_get_item_type (tvm_diagnostic_get_children (diagnostic)) ==
                 TVM_TYPE_DIAGNOSTIC);
  g_assert_true (g_list_model_get_item_type (tvm_diagnostic_get_fixits (diagnostic)) ==
                 TVM_TYPE_FIXIT);

  tvm_diagnostic_set_end (diagnostic, 3, 8);
  tvm_diagnostic_add_child (diagnostic, child);
  tvm_diagnostic_add_fixit (diagnostic, fixit);
  assert_format (diagnostic, "a b.c:3:5: warning: unused variable [-Wunused-variable]\n"
                             "  a.h:7: note: here");

  g_object_get (diagnostic, "severity", &severity, "message", &message, "code", &code, "file",
                &file, "line", &line, "end-column", &end_column, "children", &children, "fixits",
                &fixits, NULL);
  g_assert_cmpint (severity, ==, TVM_DIAGNOSTIC_SEVERITY_WARNING);
  g_assert_cmpstr (message, ==, "unused variable");
  g_assert_cmpstr (code, ==, "-Wunused-variable");
  g_assert_cmpstr (file, ==, "a b.c");
  g_assert_cmpuint (line, ==, 3);
  g_assert_cmpuint (end_column, ==, 8);
  g_assert_cmpuint (g_list_model_get_n_items (children), ==, 1);
  g_assert_null (g_list_model_get_item (children, 1));
  same = g_list_model_get_item (fixits, 0);
  g_assert_true (same == fixit);
  g_assert_true (g_list_model_get_item_type (fixits) == TVM_TYPE_FIXIT);
}

/* Every property can be read and none can be written, and none has the name of a method. */
static void
test_properties (void)
{
  const GType types[] = { TVM_TYPE_DIAGNOSTIC, TVM_TYPE_FIXIT };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree GParamSpec **pspecs = NULL;
      g_autoptr (GObject) object = NULL;
      guint n = 0;

      if (types[i] == TVM_TYPE_DIAGNOSTIC)
        object = G_OBJECT (tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_FATAL, NULL, NULL, 0, 0, "",
                                               NULL));
      else
        object = G_OBJECT (tvm_fixit_new ("f", 1, 1, 1, 1, "x"));

      pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);
      g_assert_cmpuint (n, >=, 6);
      for (guint j = 0; j < n; j++)
        {
          g_auto (GValue) value = G_VALUE_INIT;

          g_object_get_property (object, pspecs[j]->name, &value);
          g_assert_cmpint (pspecs[j]->flags & (G_PARAM_READABLE | G_PARAM_WRITABLE), ==,
                           G_PARAM_READABLE);
          g_assert_cmpstr (pspecs[j]->name, !=, "format");
        }
    }
}

static void
test_bytes (void)
{
  g_autoptr (TvmDiagnostic) diagnostic = NULL;

  diagnostic = tvm_diagnostic_new (TVM_DIAGNOSTIC_SEVERITY_ERROR, "l\xe9", "caf\xe9.c", 1, 0,
                                   "caf\xe9", "-W\xe9");
  g_assert_cmpstr (tvm_diagnostic_get_file (diagnostic), ==, "caf\xe9.c");
  g_assert_cmpstr (tvm_diagnostic_get_message (diagnostic), ==, "caf\xef\xbf\xbd");
  assert_format (diagnostic, "caf\xef\xbf\xbd.c:1: error: caf\xef\xbf\xbd [-W\xef\xbf\xbd]");
}

static void
describe (GListModel *list,
          guint       depth,
          GString    *text)
{
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TvmDiagnostic) self = g_list_model_get_item (list, i);
      g_autofree char *formatted = tvm_diagnostic_format (self);
      GListModel *fixits = tvm_diagnostic_get_fixits (self);

      g_assert_true (g_utf8_validate (formatted, -1, NULL));
      formatted[strcspn (formatted, "\n")] = '\0';
      g_string_append_printf (text, "%*s%s\n", (int) depth * 2, "", formatted);
      if (tvm_diagnostic_get_end_line (self) != 0)
        g_string_append_printf (text, "%*s= until %u:%u\n", (int) depth * 2 + 4, "",
                                tvm_diagnostic_get_end_line (self),
                                tvm_diagnostic_get_end_column (self));
      if (tvm_diagnostic_get_tool (self) != NULL)
        g_string_append_printf (text, "%*s= said by %s\n", (int) depth * 2 + 4, "",
                                tvm_diagnostic_get_tool (self));
      for (guint j = 0; j < g_list_model_get_n_items (fixits); j++)
        {
          g_autoptr (TvmFixit) fixit = g_list_model_get_item (fixits, j);
          g_autofree char *replacement = g_strescape (tvm_fixit_get_replacement (fixit), NULL);

          g_string_append_printf (text, "%*s= fix %s:%u:%u-%u:%u: \"%s\"\n", (int) depth * 2 + 4,
                                  "", tvm_fixit_get_file (fixit), tvm_fixit_get_line (fixit),
                                  tvm_fixit_get_column (fixit), tvm_fixit_get_end_line (fixit),
                                  tvm_fixit_get_end_column (fixit), replacement);
        }
      describe (tvm_diagnostic_get_children (self), depth + 1, text);
    }
}

/* What a compiler printed once, against what is to be read from it. With TVM_TEST_UPDATE set the
 * expectation is written instead. */
static void
test_fixture (gconstpointer data)
{
  const char *name = data;
  g_autofree char *path = data_path (name);
  g_autofree char *expected_path = g_strconcat (path, ".expected", NULL);
  g_autofree char *cwd = data_path (".");
  g_autofree char *log = NULL;
  g_autofree char *expected = NULL;
  g_auto (Parsed) parsed = PARSED_INIT;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gsize len = 0;

  g_file_get_contents (path, &log, &len, &error);
  g_assert_no_error (error);
  parse (&parsed, log, (gssize) len, cwd);
  g_string_append_printf (text, "%u errors, %u warnings\n", parsed.n_errors, parsed.n_warnings);
  describe (parsed.list, 0, text);
  g_string_append_printf (text, "---\n%s", parsed.text);

  if (g_getenv ("TVM_TEST_UPDATE") != NULL)
    g_file_set_contents (expected_path, text->str, (gssize) text->len, &error);
  else
    g_file_get_contents (expected_path, &expected, NULL, &error);
  g_assert_no_error (error);
  if (expected != NULL)
    g_assert_cmpstr (text->str, ==, expected);
}

/* The first error that a caller shows is the cause, not the driver's word that something failed. */
static void
test_cause (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;

  parse (&parsed,
         "/usr/bin/ld: a.o: in function `f':\n"
         "a.c:(.text+0x5): undefined reference to `g'\n"
         "collect2: error: ld returned 1 exit status\n", -1, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, 2);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  assert_format (nth (&parsed, 0), "a.c: error: undefined reference to `g'\n"
                                   "  a.o: note: in function `f'");
  g_assert_cmpint (tvm_diagnostic_get_severity (nth (&parsed, 1)), ==,
                   TVM_DIAGNOSTIC_SEVERITY_NOTE);

  /* emscripten: its JavaScript compiler has no name, and emcc says what it ran. */
  parse (&parsed,
         "error: undefined symbol: g (referenced by top-level compiled C/C++ code)\n"
         "warning: To disable errors for undefined symbols use `-s ERROR_ON_UNDEFINED_SYMBOLS=0`\n"
         "Error: Aborting compilation due to previous errors\n"
         "emcc: error: '/usr/bin/node /x/compiler.js /tmp/a.json' failed (returned 1)\n", -1, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  g_assert_cmpuint (parsed.n_warnings, ==, 1);
  assert_format (nth (&parsed, 0),
                 "error: undefined symbol: g (referenced by top-level compiled C/C++ code)");
  parse (&parsed,
         "wasm-ld-14: error: duplicate symbol: f\n"
         ">>> defined in a.o\n"
         ">>> defined in b.o\n"
         "em++: error: '/usr/bin/wasm-ld-14 -o w a.o b.o' failed (returned 1)\n", -1, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  parse (&parsed,
         "Traceback (most recent call last):\n"
         "  File \"/usr/share/emscripten/emcc.py\", line 3947, in <module>\n"
         "    error: sys.exit(main(sys.argv))\n"
         "             ^^^^^^^^^^^^^^\n"
         "Exception: FROZEN_CACHE is set, but cache file is missing: \"libc.a\"\n"
         "a.c:1:2: error: x\n", -1, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 2);
  assert_format (nth (&parsed, 0),
                 "fatal error: Exception: FROZEN_CACHE is set, but cache file is missing: \"libc.a\"");
  assert_format (nth (&parsed, 1), "a.c:1:2: error: x");
  parse (&parsed, "emcc: error: '/usr/bin/clang-14 -c a.c' failed (received SIGSEGV (-11))\n", -1,
         NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 1);

  /* Where it is all that there is, it is the error. */
  parse (&parsed, "collect2: error: ld returned 1 exit status\n", -1, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  g_assert_cmpint (tvm_diagnostic_get_severity (nth (&parsed, 0)), ==,
                   TVM_DIAGNOSTIC_SEVERITY_ERROR);
}

static const struct
{
  const char *log;
  const char *expected; /* of the first one; NULL: none */
} lines[] = {
  { "", NULL },
  { "\n\n", NULL },
  { "a.c:1:2: error: x", "a.c:1:2: error: x" },
  { "a.c:1:2: error: x\r\n", "a.c:1:2: error: x" },
  { "/a b/c: d.c:1:2: error: x: warning: y", "/a b/c: d.c:1:2: error: x: warning: y" },
  { "a.c:1: Error: x", "a.c:1: error: x" },
  { "{standard input}:4: Error: bad", "{standard input}:4: error: bad" },
  { "{standard input}: Error: open CFI", "{standard input}: error: open CFI" },
  { "<stdin>:1:1: error: x", "<stdin>:1:1: error: x" },
  { "<command-line>: warning: \"X\" redefined", "<command-line>: warning: \"X\" redefined" },
  { "a.c:99999999999:2: error: x", "a.c:99999999999:2: error: x" },
  { "a.c:0:0: error: x", "a.c: error: x" },
  { "a.c:1:2: warning: x [-Wfoo]", "a.c:1:2: warning: x [-Wfoo]" },
  { "a.c:1:2: error: x [-Werror=foo=]", "a.c:1:2: error: x [-Wfoo=]" },
  { "a.c:1:2: error: x [-Werror,-Wfoo]", "a.c:1:2: error: x [-Wfoo]" },
  { "a.c:1:2: error: x[3] [not a code]", "a.c:1:2: error: x[3] [not a code]" },
  { "a.c:1:2: error: ", "a.c:1:2: error: " },
  { "/usr/bin/x86_64-linux-gnu-gcc-12: error: x", "x86_64-linux-gnu-gcc-12: error: x" },
  { "some words: error: x", NULL },
  { "make: *** [all] Error 1", NULL },
  { "error: x", "error: x" },
  { "LLVM ERROR: out of memory", "fatal error: out of memory" },
  { "virtual memory exhausted: Cannot allocate memory",
    "fatal error: virtual memory exhausted: Cannot allocate memory" },
  { "cc1plus: out of memory allocating 8 bytes after a total of 0 bytes",
    "cc1plus: fatal error: out of memory allocating 8 bytes after a total of 0 bytes" },
  { "clang: /b/Foo.cpp:12: void f(): Assertion `x' failed.",
    "fatal error: clang: /b/Foo.cpp:12: void f(): Assertion `x' failed." },
  { "g++: fatal error: Killed signal terminated program cc1plus",
    "g++: fatal error: Killed signal terminated program cc1plus" },
  { "collect2: fatal error: cannot find ‘ld’", "collect2: fatal error: cannot find ‘ld’" },
  { "ld.lld: error: a.o:(.text+0x1): relocation R_X out of range",
    "a.o: error: relocation R_X out of range" },
  { "/usr/bin/ld: libx.a(y.o):(.data+0x0): undefined reference to `z'",
    "libx.a(y.o): error: undefined reference to `z'" },
  { "/usr/bin/ld: /a b/x.o: undefined reference to symbol 'sin@@GLIBC_2.2.5'",
    "/a b/x.o: error: undefined reference to symbol 'sin@@GLIBC_2.2.5'" },
  { "/usr/bin/ld: /lib/libm.so.6: error adding symbols: DSO missing from command line",
    "/lib/libm.so.6: error: error adding symbols: DSO missing from command line" },
  { "(.text+0x17): undefined reference to `main'", "ld: error: undefined reference to `main'" },
  { ": in function `f':\n(.text): undefined reference to `g'",
    "ld: error: undefined reference to `g'\n  note: in function `f'" },
  { "/usr/bin/ld: skipping incompatible /x/libm.so when searching for -lm",
    "ld: note: skipping incompatible /x/libm.so when searching for -lm" },
  { "a.c:(.text+0x5): relocation truncated to fit: R_X against `y'",
    "a.c: error: relocation truncated to fit: R_X against `y'" },
  { "a.c:7: undefined reference to `y'", "a.c:7: error: undefined reference to `y'" },
  { "ar: creating l.a", "ar: note: creating l.a" },
  { "ar: x.o: No such file or directory", "x.o: error: No such file or directory" },
  { "\033[01m\033[Ka.c:1:2:\033[m\033[K \033[01;31m\033[Kerror: \033[m\033[Kx",
    "a.c:1:2: error: x" },
  { "  printf (\"a.c:1:2: error: x\");\n  ^~~~~~", NULL },
  { "    7 | a.c:1:2: error: x", NULL },
  { ">>> referenced by a.c:3", NULL },
  { "fix-it:\"a.c\":{1:2-1:3}:\"x\"", NULL },
  { "[", NULL },
  { "[]", NULL },
  { "[{", NULL },
  { "[{\"kind\": \"error\", \"message\": \"x\"}", NULL },
  { "[{\"kind\": \"error\", \"message\": \"x\"}]", "gcc: error: x" },
  { "[{\"kind\": \"error\",\n  \"message\": \"x\"}\n]", "gcc: error: x" },
  { "text[{\"kind\": \"error\", \"message\": \"x\"}]", "gcc: error: x" },
  { "[{\"kind\": \"warning\", \"message\": \"]}[{\\\"\"}]", "gcc: warning: ]}[{\"" },
  { "[{\"kind\": \"surprise\", \"message\": \"x\"}]", "gcc: error: x" },
  { "[{\"kind\": 1, \"message\": [], \"locations\": {}, \"children\": 3, \"fixits\": \"\"}]",
    "gcc: error: " },
  { "[{\"kind\": \"error\", \"message\": \"x\", "
    "\"locations\": [1, null, {\"caret\": {\"line\": -4, \"column\": 99999999999999999999, \"file\": \"a.c\"}}]}]", "a.c: error: x" },
  { "[{\"kind\": \"error\", \"message\": \"x\", \"column-origin\": 0, \"locations\": [{\"caret\": "
    "{\"line\": 4, \"column\": 0, \"file\": \"a.c\"}}]}]", "a.c:4:1: error: x" },
  { "[{\"name\": \"no diagnostic\"}]", NULL },
  { "[{\"kind\": \"error\", \"message\": \"x\"},]", NULL },
  { "[{\"kind\": \"error\" \"message\": \"x\"}]", NULL },
};

static void
test_lines (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (Parsed) parsed = PARSED_INIT;
      g_autofree char *escaped = g_strescape (lines[i].log, NULL);

      g_test_message ("%s", escaped);
      parse (&parsed, lines[i].log, -1, NULL);
      if (lines[i].expected == NULL)
        g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, 0);
      else
        assert_format (nth (&parsed, 0), lines[i].expected);
    }
}

/* Text, arrays and text again, with and without newlines between them. */
static void
test_mixed (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;

  parse (&parsed,
         "x.c:1:1: warning: first\n"
         "[]\n"
         "glued[{\"kind\": \"error\", \"message\": \"second\"}, "
         "{\"kind\": \"note\", \"message\": \"its note\"}]\n"
         "compilation terminated.\n"
         "[{\"kind\": \"warning\", \"message\": \"third\"}]"
         "y.c:1:1: error: fourth\n", -1, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, 4);
  assert_format (nth (&parsed, 0), "x.c:1:1: warning: first");
  assert_format (nth (&parsed, 1), "gcc: error: second\n  gcc: note: its note");
  assert_format (nth (&parsed, 2), "gcc: warning: third");
  assert_format (nth (&parsed, 3), "y.c:1:1: error: fourth");
  g_assert_cmpuint (parsed.n_errors, ==, 2);
  g_assert_cmpuint (parsed.n_warnings, ==, 2);
  g_assert_cmpstr (parsed.text, ==,
                   "x.c:1:1: warning: first\n"
                   "glued\n"
                   "gcc: error: second\n"
                   "gcc: note: its note\n"
                   "compilation terminated.\n"
                   "gcc: warning: third\n"
                   "y.c:1:1: error: fourth\n");
}

/* What clang prints for programs is not shown to people. */
/* GCC 12, of "#error" with a NUL in its line */
static void
test_error_below_warning (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;

  parse (&parsed,
         "[{\"kind\": \"warning\", \"message\": \"first\", \"children\": ["
         "{\"kind\": \"note\", \"message\": \"its note\"}, "
         "{\"kind\": \"error\", \"message\": \"second\"}]}]\n", -1, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, 2);
  assert_format (nth (&parsed, 0), "gcc: warning: first\n  gcc: note: its note");
  assert_format (nth (&parsed, 1), "gcc: error: second");
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  g_assert_cmpuint (parsed.n_warnings, ==, 1);
}

static void
test_machine_text (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;
  g_autoptr (TvmFixit) fixit = NULL;

  parse (&parsed,
         "a.c:1:9:{1:2-1:5}{1:9-1:12}: error: x {1:2}\n"
         "   abc foo\n"
         "           ^~~\n"
         "           bar\n"
         "fix-it:\"a.c\":{1:9-1:12}:\"b\\303\\244r\\n\"\n", -1, NULL);
  g_assert_cmpstr (parsed.text, ==,
                   "a.c:1:9: error: x {1:2}\n"
                   "   abc foo\n"
                   "           ^~~\n"
                   "           bar\n");
  g_assert_cmpuint (tvm_diagnostic_get_end_column (nth (&parsed, 0)), ==, 11);
  fixit = g_list_model_get_item (tvm_diagnostic_get_fixits (nth (&parsed, 0)), 0);
  g_assert_cmpstr (tvm_fixit_get_replacement (fixit), ==, "b\xc3\xa4r\n");
}

static void
test_binary (void)
{
  static const char log[] = "\0\xff\xfe\na\0b.c:1:2: error: x\0y\xe9\n"
                            "[{\"kind\": \"error\", \"message\": \"caf\xe9 \xf4\x8f\xbe\x85\", "
                            "\"locations\": [{\"caret\": {"
                            "\"file\": \"\xe9\xf4\x8f\xbe\x85.c\", \"line\": 1}}]}]\n\xc3";
  g_auto (Parsed) parsed = PARSED_INIT;

  parse (&parsed, log, sizeof log - 1, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 2);
  g_assert_cmpstr (tvm_diagnostic_get_file (nth (&parsed, 1)), ==, "\xe9\xf4\x8f\xbe\x85.c");
  g_assert_cmpstr (tvm_diagnostic_get_message (nth (&parsed, 1)), ==,
                   "caf\xef\xbf\xbd \xf4\x8f\xbe\x85");
  g_assert_true (g_str_has_suffix (parsed.text, "\xef\xbf\xbd"));
}

/* What is beyond what is kept still counts, and errors are not crowded out by warnings. */
static void
test_limits (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (TvmDiagnostic) last = NULL;

  for (guint i = 0; i < 3 * TVM_DIAGNOSTICS_MAX; i++)
    g_string_append (log, "a.c:1:2: warning: w [-Wfoo]\na.c:1:2: note: n\n"
                          "[{\"kind\": \"warning\", \"message\": \"j\"}]\n");
  g_string_append (log, "a.c:1:2: error: the cause\n");
  parse (&parsed, log->str, (gssize) log->len, NULL);
  g_assert_cmpuint (parsed.n_warnings, ==, 6 * TVM_DIAGNOSTICS_MAX);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, TVM_DIAGNOSTICS_MAX + 1);
  last = g_list_model_get_item (parsed.list, TVM_DIAGNOSTICS_MAX);
  assert_format (last, "a.c:1:2: error: the cause");
}

static void
test_deep (void)
{
  g_auto (Parsed) parsed = PARSED_INIT;
  g_autoptr (GString) log = g_string_new ("[");

  for (guint i = 0; i < 100000; i++)
    g_string_append (log, "{\"kind\": \"error\", \"message\": \"x\", \"children\": [");
  parse (&parsed, log->str, (gssize) log->len, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (parsed.list), ==, 0);

  g_string_truncate (log, 0);
  for (guint i = 0; i < 100000; i++)
    g_string_append (log, "In file included from a.h:1,\n");
  g_string_append (log, "a.c:1:2: error: x\n");
  parse (&parsed, log->str, (gssize) log->len, NULL);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_diagnostic_get_children (nth (&parsed, 0))), <=,
                    256);
}

/* A source that is no regular file is not read, let alone waited for. */
static void
test_sources (void)
{
  g_autofree char *dir = g_dir_make_tmp ("tvm-diagnostic-XXXXXX", NULL);
  g_autofree char *fifo = g_build_filename (dir, "fifo", NULL);
  g_autofree char *device = g_build_filename (dir, "device", NULL);
  g_autofree char *source = g_build_filename (dir, "source.c", NULL);
  const char *names[] = { "fifo", "device", ".", "missing.c", "/dev/zero", "/dev/stdin" };
  g_auto (Parsed) parsed = PARSED_INIT;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (symlink ("/dev/zero", device), ==, 0);
  g_assert_true (g_file_set_contents (source, "\tint \xc3\xa4 = \xff;\n", -1, NULL));

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *log =
        g_strdup_printf ("[{\"kind\": \"error\", \"message\": \"x\", \"locations\": [{\"caret\": "
                         "{\"line\": 1, \"byte-column\": 1, \"file\": \"%s\"}}]}]", names[i]);
      g_autofree char *expected = g_strdup_printf ("%s:1:1: error: x\n", names[i]);

      parse (&parsed, log, -1, dir);
      g_assert_cmpstr (parsed.text, ==, expected);
    }

  parse (&parsed,
         "[{\"kind\": \"error\", \"message\": \"x\", \"locations\": [{\"caret\": {\"line\": 1, "
         "\"byte-column\": 6, \"file\": \"source.c\"}, \"finish\": {\"line\": 1, "
         "\"byte-column\": 7, \"file\": \"source.c\"}}, {\"caret\": {\"line\": 1, "
         "\"byte-column\": 11, \"file\": \"source.c\"}, \"label\": \"here\"}], \"fixits\": "
         "[{\"start\": {\"line\": 1, \"byte-column\": 11, \"file\": \"source.c\"}, \"next\": "
         "{\"line\": 1, \"byte-column\": 12, \"file\": \"source.c\"}, \"string\": \"\"}]}]\n", -1,
         dir);
  g_assert_cmpstr (parsed.text, ==,
                   "source.c:1:6: error: x\n"
                   "    1 |         int \xc3\xa4 = \xef\xbf\xbd;\n"
                   "      |             ^   ~\n"
                   "      |                 |\n"
                   "      |                 here\n"
                   "      |                 -\n");

  g_unlink (fifo);
  g_unlink (device);
  g_unlink (source);
  g_rmdir (dir);
}

typedef struct
{
  const char *program;
  const char *options[4];
} RealCompiler;

static const RealCompiler real_compilers[] = {
  { "gcc", { "-fdiagnostics-format=json" } },
  { "gcc", { "-fdiagnostics-parseable-fixits" } },
  { "clang", { "-fdiagnostics-parseable-fixits", "-fdiagnostics-print-source-range-info" } },
  { "clang", { "-fno-caret-diagnostics" } },
};

/* The compilers of this machine, whatever their version */
static void
test_real (gconstpointer data)
{
  const RealCompiler *compiler = data;
  g_autofree char *program = g_find_program_in_path (compiler->program);
  g_autofree char *cwd = data_path ("src");
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) log = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Parsed) parsed = PARSED_INIT;
  TvmDiagnostic *first = NULL;

  if (program == NULL)
    {
      g_test_skip ("the compiler is not installed");
      return;
    }

  g_ptr_array_add (argv, program);
  for (gsize i = 0; i < G_N_ELEMENTS (compiler->options) && compiler->options[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer) compiler->options[i]);
  g_ptr_array_add (argv, "-fsyntax-only");
  g_ptr_array_add (argv, "redefined.c");
  g_ptr_array_add (argv, NULL);

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_set_cwd (launcher, cwd);
  process = g_subprocess_launcher_spawnv (launcher, (const char * const *) argv->pdata, &error);
  g_assert_no_error (error);
  g_subprocess_communicate (process, NULL, NULL, NULL, &log, &error);
  g_assert_no_error (error);

  parse (&parsed, g_bytes_get_data (log, NULL), (gssize) g_bytes_get_size (log), cwd);
  g_test_message ("%s", parsed.text);
  g_assert_cmpuint (parsed.n_errors, ==, 1);
  first = nth (&parsed, 0);
  g_assert_cmpint (tvm_diagnostic_get_severity (first), ==, TVM_DIAGNOSTIC_SEVERITY_ERROR);
  g_assert_cmpstr (tvm_diagnostic_get_file (first), ==, "redefined.c");
  g_assert_cmpuint (tvm_diagnostic_get_line (first), ==, 4);
  g_assert_cmpuint (tvm_diagnostic_get_column (first), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_diagnostic_get_children (first)), ==, 1);
  g_assert_cmpuint (tvm_diagnostic_get_line (nth_child (first, 0)), ==, 1);
  g_assert_nonnull (strstr (parsed.text, "redefined.c:4:1: error: "));
  if (!g_str_equal (compiler->options[0], "-fno-caret-diagnostics"))
    g_assert_nonnull (strstr (parsed.text, "value (void)\n"));
}

static void
add_fixtures (void)
{
  g_autofree char *path = data_path (".");
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GDir *dir = g_dir_open (path, 0, &error);
  const char *name = NULL;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".txt"))
      g_ptr_array_add (names, g_strdup (name));
  g_dir_close (dir);
  g_assert_cmpuint (names->len, >, 100);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *test = g_strconcat ("/diagnostic/fixture/",
                                           (char *) g_ptr_array_index (names, i), NULL);

      test[strlen (test) - strlen (".txt")] = '\0';
      g_test_add_data_func_full (test, g_ptr_array_index (names, i), test_fixture, g_free);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/diagnostic/object", test_object);
  g_test_add_func ("/diagnostic/properties", test_properties);
  g_test_add_func ("/diagnostic/bytes", test_bytes);
  g_test_add_func ("/diagnostic/cause", test_cause);
  g_test_add_func ("/diagnostic/lines", test_lines);
  g_test_add_func ("/diagnostic/mixed", test_mixed);
  g_test_add_func ("/diagnostic/error-below-warning", test_error_below_warning);
  g_test_add_func ("/diagnostic/machine-text", test_machine_text);
  g_test_add_func ("/diagnostic/binary", test_binary);
  g_test_add_func ("/diagnostic/limits", test_limits);
  g_test_add_func ("/diagnostic/deep", test_deep);
  g_test_add_func ("/diagnostic/sources", test_sources);
  for (gsize i = 0; i < G_N_ELEMENTS (real_compilers); i++)
    {
      g_autofree char *test = g_strdup_printf ("/diagnostic/real/%s%s", real_compilers[i].program,
                                               real_compilers[i].options[0]);

      g_test_add_data_func (test, &real_compilers[i], test_real);
    }
  add_fixtures ();

  return g_test_run ();
}
