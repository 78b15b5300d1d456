/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-path.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void
test_names (void)
{
  static const char *const paths[] = {
    "missing.c", "./missing.cc", "/no/such/missing.cu", "dir.d/missing.c++", "a b.cpp", "it's.c",
    "my (copy).c", "mis\xff\xfesing.c", ".c", "x.cppm", "a.b.c", "kernel.metal", "-x.c", "a.S",
  };
  static const char *const texts[] = {
    "",
    "float f(float x){return x*1.5f;}",
    "float f(){return 1.0f;}",
    "int x = 1.5f",
    "#include <stdio.h>",
    "#include \"a.h\"",
    "int x;\n// in a.c",
    "int main",
    "missing",
    "missing.",
    "missing. c",
    "missing.c ",
    "dir.d/missing",
    "int x; // a.c",
    "a.verylongsuffixthatnofilehas",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      if (!tvm_is_source_path (paths[i]))
        g_test_fail_printf ("not taken for a path: %s", paths[i]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (tvm_is_source_path (texts[i]))
        g_test_fail_printf ("taken for a path: %s", texts[i]);
    }
}

/* What exists is a path, whatever it looks like. */
static void
test_existing (void)
{
  g_autofree char *dir = g_dir_make_tmp ("test-path-XXXXXX", NULL);
  g_autofree char *odd = g_build_filename (dir, "void f(){};\nint", NULL);
  g_autofree char *plain = g_build_filename (dir, "Makefile", NULL);

  g_assert_true (g_file_set_contents (odd, "", 0, NULL));
  g_assert_true (g_file_set_contents (plain, "", 0, NULL));
  g_assert_true (tvm_is_source_path (odd));
  g_assert_true (tvm_is_source_path (plain));
  g_assert_true (tvm_is_source_path (dir));

  g_assert_no_errno (g_unlink (odd));
  g_assert_no_errno (g_unlink (plain));
  g_assert_no_errno (g_rmdir (dir));
  g_assert_false (tvm_is_source_path (plain));
}

/* Text far longer than any path */
static void
test_long (void)
{
  g_autofree char *text = g_strnfill (1 << 20, 'x');

  g_assert_false (tvm_is_source_path (text));
  memcpy (text + (1 << 20) - 2, ".c", 2);
  g_assert_false (tvm_is_source_path (text));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/path/names", test_names);
  g_test_add_func ("/path/existing", test_existing);
  g_test_add_func ("/path/long", test_long);

  return g_test_run ();
}
