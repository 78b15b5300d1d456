/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/toolchain/tvm-include-scan-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

/* a.h includes b.h beside it, and the angled one of two; b.h includes a.h again. */
static const struct
{
  const char *path;
  const char *text;
} files[] = {
  { "d/a.h", "#include \"b.h\"\n#include <c.h>\n" },
  { "d/b.h", "#include \"../d/a.h\"\n" },
  { "two/c.h", "#define C 2\n" },
  { "self/loop.h", "#include \"../self/loop.h\"\n" },
  { "macro.h", "#include MACRO\n" },
  { "empty.h", "" },
};

typedef struct
{
  TvmTempDirectory *temp;
  const char *cwd;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  fixture->cwd = tvm_temp_directory_get_path (fixture->temp);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (fixture->cwd, files[i].path, NULL);
      g_autofree char *folder = g_path_get_dirname (path);

      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, files[i].text, -1, &error));
    }
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_object_unref (fixture->temp);
}

static gboolean
scan (Fixture         *fixture,
      const char      *source,
      const char      *forced,
      TvmIncludeScan  *found,
      GError         **error)
{
  static const char * const folders[] = { "one", "two", NULL };
  const char *all_forced[] = { forced, NULL };

  return tvm_include_scan_init (found, "k.cu", source, folders, all_forced, fixture->cwd, error);
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  return strcmp (*(const char * const *) a, *(const char * const *) b);
}

static void
assert_names (char       **names,
              const char  *expected)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  g_autofree char *joined = NULL;

  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (sorted, names[i]);
  g_ptr_array_sort (sorted, compare);
  g_ptr_array_add (sorted, NULL);
  joined = g_strjoinv (" ", (char **) sorted->pdata);
  g_assert_cmpstr (joined, ==, expected);
}

static void
assert_scan (Fixture    *fixture,
             const char *source,
             const char *headers,
             const char *absent)
{
  g_auto (TvmIncludeScan) found = { NULL, NULL };
  g_autoptr (GError) error = NULL;

  if (!scan (fixture, source, NULL, &found, &error))
    g_error ("%s: %s", source, error->message);
  assert_names (found.headers, headers);
  assert_names (found.absent, absent);
}

static void
test_found (Fixture       *fixture,
            gconstpointer  data)
{
  assert_scan (fixture, "", "", "");
  assert_scan (fixture, "#include \"empty.h\"", "empty.h", "");
  assert_scan (fixture, "#include <empty.h>", "", "one/empty.h two/empty.h");
  assert_scan (fixture, "#include <c.h>", "two/c.h", "one/c.h");
  assert_scan (fixture, "#include \"c.h\"", "two/c.h", "c.h one/c.h");
  assert_scan (fixture, "#include <..//two/c.h>", "two/..//two/c.h", "one/..//two/c.h");
  assert_scan (fixture, "#include_next <c.h>", "two/c.h", "c.h one/c.h");
  /* Each file once, under each name that somebody has for it */
  assert_scan (fixture, "#include \"d/a.h\"", "d/../d/a.h d/a.h d/b.h two/c.h", "one/c.h");
  assert_scan (fixture, "#include \"self/loop.h\"", "self/../self/loop.h self/loop.h", "");
}

static void
test_spellings (Fixture       *fixture,
                gconstpointer  data)
{
  static const char * const sources[] = {
    "#include\"empty.h\"", " # include\t\"empty.h\"\r\n", "%:include \"empty.h\"",
    "#/* c */include/**/ \"empty.h\" // more", "/* a\n/* b */ #include \"empty.h\"",
    "#inc\\\nlude \"emp\\ \nty.h\"", "#if 0\n#include \"empty.h\"\n#endif",
    "#if __has_include(\"empty.h\")\n#endif", "#if defined __has_include && __has_include ( \"empty.h\" )",
    "#define MY_HAS_INCLUDE(x) __has_include(x)\n#if MY_HAS_INCLUDE(\"empty.h\")\n#endif",
    /* No comment begins in a literal, nor in a number. */
    "char *s = \"/*\";\n#include \"empty.h\"", "char c = '\"';\n#include \"empty.h\" // '",
    "char *s = R\"x(\n/* \" )\" )x\";\n#include \"empty.h\"", "char *s = u8R\"(/*)\";\n#include \"empty.h\"",
    "int i = 1'000'000; // '\n#include \"empty.h\"", "#error it's /*\n#include \"empty.h\"",
    "char *s = \"\\\"/*\";\n#include \"empty.h\"", "case'\\'':case'/*':\n#include \"empty.h\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    assert_scan (fixture, sources[i], "empty.h", "");
}

/* What is no directive */
static void
test_nothing (Fixture       *fixture,
              gconstpointer  data)
{
  static const char * const sources[] = {
    "// #include <c.h>", "int a; #include <c.h>", "#ifdef __has_include\n#endif", "#includes <c.h>",
    "#define include <c.h>", "// see __has_include (X)", "#include \"\"", "#include \"c.h\n",
    "#include <\n", "#", "%:", "\\", "/*", "#/*", "\xff#\xff", "/*\n#include MACRO\n*/",
    "// \\\n#include <c.h>", "/* \"\n#include <c.h>\n\" */", "\"", "'", "R\"", "R\"x(", "1'",
  };

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    assert_scan (fixture, sources[i], "", "");
}

static void
test_unknown (Fixture       *fixture,
              gconstpointer  data)
{
  static const char * const sources[] = {
    "#include MACRO", "#include \\\n MACRO", "#include", "#include \"macro.h\"", "#import \"c.h\"",
    "#embed \"c.h\"", "\?\?=include \"c.h\"", "#if __has_include(MACRO)", "#define X __has_include",
    "#define X(y) __has_include(y)",
    "#define Has_Include(y) __has_include(y)", "%:if __has_include ( MACRO )",
  };

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      g_auto (TvmIncludeScan) found = { NULL, NULL };
      g_autoptr (GError) error = NULL;

      if (scan (fixture, sources[i], NULL, &found, &error))
        g_error ("%s was taken", sources[i]);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
      g_assert_null (found.headers);
      g_assert_null (found.absent);
    }
}

static void
test_forced (Fixture       *fixture,
             gconstpointer  data)
{
  g_auto (TvmIncludeScan) found = { NULL, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (scan (fixture, "", "c.h", &found, &error));
  g_assert_no_error (error);
  assert_names (found.headers, "two/c.h");
  assert_names (found.absent, "c.h one/c.h");
}

/* A folder that holds itself has headers without end. */
static void
test_endless (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *link = g_build_filename (fixture->cwd, "self", "again", NULL);
  g_autofree char *header = g_build_filename (fixture->cwd, "self", "more.h", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (link);
  g_auto (TvmIncludeScan) found = { NULL, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_make_symbolic_link (file, ".", NULL, &error));
  g_assert_true (g_file_set_contents (header, "#include \"again/more.h\"\n", -1, &error));
  g_assert_true (scan (fixture, "#include \"self/more.h\"", NULL, &found, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (found.headers), >, 1);
  g_assert_cmpuint (g_strv_length (found.absent), >, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/include-scan/found", Fixture, NULL, set_up, test_found, tear_down);
  g_test_add ("/include-scan/spellings", Fixture, NULL, set_up, test_spellings, tear_down);
  g_test_add ("/include-scan/nothing", Fixture, NULL, set_up, test_nothing, tear_down);
  g_test_add ("/include-scan/unknown", Fixture, NULL, set_up, test_unknown, tear_down);
  g_test_add ("/include-scan/forced", Fixture, NULL, set_up, test_forced, tear_down);
  g_test_add ("/include-scan/endless", Fixture, NULL, set_up, test_endless, tear_down);

  return g_test_run ();
}
