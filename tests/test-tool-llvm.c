/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <string.h>

/* `tvmsupport llvm-ir` */

static gboolean
have_clang (void)
{
  g_autofree char *path = g_find_program_in_path ("clang");

  if (path == NULL)
    g_test_skip ("no clang");
  return path != NULL;
}

static void
test_stdout (Fixture       *self,
             gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (GBytes) source = g_bytes_new_static ("int class;", 10);
  g_autoptr (GBytes) name = g_bytes_new_static ("one.c", 5);

  if (!have_clang ())
    return;

  write_file (self, "one.c", "int one (void) { return 1; }");
  write_file (self, "two.cc", "int two () { return 2; }");
  run (self, &outcome, "llvm-ir one.c two.cc -- -O1");
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_nonnull (strstr (outcome.out, "@one("));
  g_assert_nonnull (strstr (outcome.out, "@_Z3twov("));

  run_with_input (self, &outcome, source, "llvm-ir -x c");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_nonnull (strstr (outcome.out, "@class"));

  /* A source, not the name of one */
  run_with_input (self, &outcome, name, "llvm-ir -");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_nonnull (strstr (outcome.err, "input0.cc:1:1: error:"));
}

static void
test_file (Fixture       *self,
           gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_clang ())
    return;

  write_file (self, "one.c", "int one (void) { return 1; }");
  write_file (self, "broken.c", "int broken (void) { return missing; }");
  run (self, &outcome, "llvm-ir -o out.ll broken.c");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_nonnull (strstr (outcome.err, "broken.c:1:28: error:"));
  g_assert_false (exists (self, "out.ll"));

  run (self, &outcome, "llvm-ir --cc clang --output=out.ll one.c");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpstr (outcome.out, ==, "");
  g_assert_true (exists (self, "out.ll"));
}

static void
test_wrong (Fixture       *self,
            gconstpointer  data)
{
  static const struct { const char *words; int status; const char *err; } cases[] = {
    { "llvm-ir -x fortran", 2, "“fortran” is no language; there are c and c++" },
    { "llvm-ir missing.c", 1, "There is no file “missing.c”" },
    { "llvm-ir --cc=no-such-clang one.c", 1, "no-such-clang" },
    { "llvm-ir --wrong", 2, "--wrong" },
  };

  write_file (self, "one.c", "int one;");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, cases[i].words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      g_assert_cmpstr (outcome.out, ==, "");
      g_assert_nonnull (strstr (outcome.err, cases[i].err));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/tool-llvm/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("stdout", test_stdout);
  ADD ("file", test_file);
  ADD ("wrong", test_wrong);
#undef ADD

  return g_test_run ();
}
