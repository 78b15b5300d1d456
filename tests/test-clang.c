/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-clang.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

static void
put_program (CompileFixture *self,
             const char     *name)
{
  g_autofree char *path = compile_fixture_write (self, name, "#!/bin/sh\n");
  g_assert_no_errno (g_chmod (path, 0755));
}

static void
test_order (CompileFixture *self,
            gconstpointer   data)
{
  static const char * const expected[] = { "clang", "clang-14", "clang-9" };
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_autofree char *value = g_strdup_printf (":.:/nonexistent:%s", self->folder);
  g_autofree char *plain = NULL;
  g_auto (GStrv) paths = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  put_program (self, "clang-9");
  put_program (self, "clang-14");
  put_program (self, "clang");
  put_program (self, "clang-format");
  put_program (self, "clang-format-14");
  put_program (self, "clang-cpp-14");
  plain = compile_fixture_write (self, "clang-15", "no program");
  g_assert_no_errno (g_chmod (plain, 0644));

  g_setenv ("PATH", value, TRUE);
  paths = tvm_clang_find_clang (TRUE, &error);
  g_setenv ("PATH", saved, TRUE);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (paths), ==, G_N_ELEMENTS (expected));
  for (i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *path = compile_fixture_path (self, expected[i]);
      g_assert_cmpstr (paths[i], ==, path);
    }
}

static void
test_none (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_auto (GStrv) paths = NULL;
  g_auto (GStrv) none = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("PATH", self->folder, TRUE);
  paths = tvm_clang_find_clang (FALSE, &error);
  g_assert_no_error (error);
  none = tvm_clang_find_clang (TRUE, &error);
  g_setenv ("PATH", saved, TRUE);

  g_assert_nonnull (paths);
  g_assert_null (paths[0]);
  g_assert_null (none);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, self->folder));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/clang/order", test_order);
  compile_fixture_add ("/clang/none", test_none);

  return g_test_run ();
}
