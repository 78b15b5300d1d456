/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-depfile-private.h"

#include <glib/gstdio.h>
#include <string.h>

static const struct
{
  const char *text;
  const char *expected; /* joined by bars */
} rules[] = {
  { "", "" },
  { "\n", "" },
  { "a.o", "" },
  { "a.o:", "" },
  { "a.o:\n", "" },
  { "a.o: a.c\n", "a.c" },
  { "a.o:a.c\n", "" },
  { "a.o: a.c", "a.c" },
  { "a.o: a.c b.h\n", "a.c|b.h" },
  { "a.o: a.c \\\n b.h \\\n  c.h\n", "a.c|b.h|c.h" },
  { "a.o: a.c\\\n b.h\n", "a.c|b.h" },
  { "a.o: \\\n a.c\n", "a.c" },
  { "a.o: a.c \\\r\n b.h\r\n", "a.c|b.h" },
  { "a.o:\ta.c\tb.h  c.h \n", "a.c|b.h|c.h" },
  { "a.o b.o: a.c\n", "a.c" },
  { "a.o \\\n b.o: a.c\n", "a.c" },
  { "a.o : a.c\n", "a.c" },
  { "C:/x/a.o: C:/x/a.c\n", "C:/x/a.c" },
  { "a:b.o: a:b.c\n", "a:b.c" },
  { "a\\ b.o: a\\ b.c\n", "a b.c" },
  { "a.o: a\\\\\\ b.h\n", "a\\ b.h" },
  { "a.o: a\\\\ b.h\n", "a\\|b.h" },
  { "a.o: a\\b.h\n", "a\\b.h" },
  { "a.o: a\\\\b.h\n", "a\\\\b.h" },
  { "a.o: a\\#1.h\n", "a#1.h" },
  { "a.o: a\\\\#1.h\n", "a\\#1.h" },
  { "a.o: a#1.h\n", "a#1.h" },
  { "a.o: a\\:b.h\n", "a:b.h" },
  { "a.o: a$$b.h $c.h\n", "a$b.h|$c.h" },
  { "a.o: a$$$$b.h\n", "a$$b.h" },
  { "a.o: a\\", "a\\" },
  { "a.o: caf\xe9.c\n", "caf\xe9.c" },
  { "a.o: a.c b.h a.c b.h\n", "a.c|b.h" },
  { "a.o: a.c b.h\n\nb.h:\n", "a.c|b.h" },
  { "a.o: a.c b.h\nb.h:\nc.h: d.h\n", "a.c|b.h" },
  { "a.o:\nb.o: c.h\n", "" },
  { "\n\na.o: a.c\n", "a.c" },
};

static void
assert_parsed (const char *text,
               gsize       len,
               const char *expected)
{
  g_auto (GStrv) names = tvm_depfile_parse (text, len);
  g_autofree char *joined = g_strjoinv ("|", names);

  g_assert_cmpstr (joined, ==, expected);
}

static void
test_rules (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autofree char *escaped = g_strescape (rules[i].text, NULL);

      g_test_message ("%s", escaped);
      assert_parsed (rules[i].text, strlen (rules[i].text), rules[i].expected);
    }
}

/* NUL bytes and text without an end are no reason to read on, or to stop too soon. */
static void
test_bounds (void)
{
  static const char nul[] = "a.o: a\0b.c \0 c.h\n";
  g_autoptr (GString) many = g_string_new ("a.o:");
  g_auto (GStrv) names = NULL;

  assert_parsed (nul, sizeof nul - 1, "ab.c|c.h");
  assert_parsed ("a.o: a.c b.c", 8, "a.c");
  assert_parsed ("a.o: a.c", 4, "");

  for (guint i = 0; i < 100000; i++)
    g_string_append_printf (many, " \\\n h%u.h h%u.h", i, i);
  names = tvm_depfile_parse (many->str, many->len);
  g_assert_cmpuint (g_strv_length (names), ==, 100000);
}

static const char * const headers[] = {
  "plain.h", "with space.h", "hash#1.h", "dollar$x.h", "back\\slash.h", "back\\ space.h",
  "colon:1.h", "two  spaces.h", "caf\xc3\xa9.h",
};

/* The compilers of this machine, asked for odd names */
static void
test_real (gconstpointer data)
{
  const char *program = data;
  g_autofree char *found = g_find_program_in_path (program);
  g_autofree char *dir = g_dir_make_tmp ("tvm-depfile-XXXXXX", NULL);
  g_autofree char *source = g_build_filename (dir, "so urce.c", NULL);
  g_autofree char *depfile = g_build_filename (dir, "out.d", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GString) code = g_string_new (NULL);
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  gsize len = 0;

  if (found == NULL)
    {
      g_rmdir (dir);
      g_test_skip ("the compiler is not installed");
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *path = g_build_filename (dir, headers[i], NULL);

      g_assert_true (g_file_set_contents (path, "\n", -1, NULL));
      g_string_append_printf (code, "#include \"%s\"\n", headers[i]);
    }
  g_assert_true (g_file_set_contents (source, code->str, -1, NULL));

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_subprocess_launcher_set_cwd (launcher, dir);
  process = g_subprocess_launcher_spawn (launcher, &error, found, "-MMD", "-MP", "-MF", "out.d",
                                         "-fsyntax-only", "so urce.c", NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);

  g_file_get_contents (depfile, &text, &len, &error);
  g_assert_no_error (error);
  g_test_message ("%s", text);
  names = tvm_depfile_parse (text, len);
  g_assert_cmpuint (g_strv_length (names), ==, G_N_ELEMENTS (headers) + 1);
  g_assert_cmpstr (names[0], ==, "so urce.c");
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *path = g_build_filename (dir, headers[i], NULL);

      /* clang writes a slash for a backslash, which no reader can undo. */
      if (g_str_equal (program, "gcc") || strchr (headers[i], '\\') == NULL)
        g_assert_cmpstr (names[i + 1], ==, headers[i]);
      g_unlink (path);
    }

  g_unlink (source);
  g_unlink (depfile);
  g_rmdir (dir);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/depfile/rules", test_rules);
  g_test_add_func ("/depfile/bounds", test_bounds);
  g_test_add_data_func ("/depfile/real/gcc", "gcc", test_real);
  g_test_add_data_func ("/depfile/real/clang", "clang", test_real);

  return g_test_run ();
}
