/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* `tvmsupport llvm-ir`, `tvmsupport dylib` and `tvmsupport rocm-link` */

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

/* All that clang has to say is shown, also if it made the module. */
static void
test_log (Fixture       *self,
          gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_clang ())
    return;

  write_file (self, "warned.c", "int f (void) { int unused; return 1; }");
  write_file (self, "one.c", "int one (void) { return missing; }");
  write_file (self, "two.c", "int two (void) { return absent; }");

  run (self, &outcome, "llvm-ir -o out.ll warned.c -- -Wall");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpstr (outcome.out, ==, "");
  g_assert_nonnull (strstr (outcome.err, "warned.c:1:20: warning: unused variable"));

  run (self, &outcome, "llvm-ir --json -o out.ll warned.c -- -Wall");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_nonnull (strstr (outcome.out, "\"successful\" : true"));
  g_assert_nonnull (strstr (outcome.out, "unused variable"));

  run (self, &outcome, "llvm-ir one.c two.c");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_nonnull (strstr (outcome.err, "one.c:1:25: error:"));
  g_assert_nonnull (strstr (outcome.err, "two.c:1:25: error:"));
  g_assert_nonnull (strstr (outcome.err, "No module was made"));

  run (self, &outcome, "llvm-ir --json -o out.ll one.c two.c");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_nonnull (strstr (outcome.out, "\"successful\" : false"));
  g_assert_nonnull (strstr (outcome.out, "two.c:1:25: error:"));
}

/* What takes too long is ended, and leaves nothing. */
static void
test_timeout (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *script = g_build_filename (self->folder, "slow", NULL);
  g_autofree char *link = g_strconcat ("rocm-link -t 0.2 -o out k.o --lld ", script, NULL);
  g_autofree char *json = g_strconcat (link, " --json", NULL);
  g_autofree char *compile = g_strconcat ("llvm-ir -t 0.2 -o out one.c --cc ", script, NULL);
  const char * const words[] = { link, json, compile };

  write_file (self, "slow", "#!/bin/sh\nexec sleep 600\n");
  write_file (self, "k.o", "");
  write_file (self, "one.c", "int one;");
  g_assert_no_errno (g_chmod (script, 0755));

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, words[i]);
      g_assert_cmpint (outcome.status, ==, 1);
      g_assert_nonnull (strstr (words[i] == json ? outcome.out : outcome.err,
                                "The time limit of 0.2 s was reached"));
      g_assert_false (exists (self, "out"));
    }
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
    { "llvm-ir --json one.c", 2, "name a file for the code with -o" },
    { "llvm-ir -t -1 one.c", 2, "-1 is no number of seconds" },
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

static void
test_dylib (Fixture       *self,
            gconstpointer  data)
{
  static const struct { const char *words; int status; const char *err; } cases[] = {
    { "dylib one.c", 2, "No output was given" },
    { "dylib -o -", 2, "“-” is no file" },
    { "dylib -o out", 2, "No input was given" },
    { "dylib -o out one.c -s beos", 1, "The SDK “beos” is none of “macosx”" },
    { "dylib -o out one.c -j -1", 2, "-1 is no number of jobs" },
#ifndef __APPLE__
    { "dylib -o out one.c -a arm64", 1, "xcrun" },
#endif
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, cases[i].words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      g_assert_nonnull (strstr (outcome.err, cases[i].err));
    }
}

/* What xcrun finds here is a fake; the clang and the linker that it leads to are real. */
static void
test_dylib_made (Fixture       *self,
                 gconstpointer  data)
{
  g_autofree char *old = g_strdup (g_getenv ("PATH"));
  g_autofree char *path = g_strconcat (self->folder, ":", old, NULL);
  g_autofree char *script = g_build_filename (self->folder, "xcrun", NULL);
  g_autofree char *clang = g_build_filename (self->folder, "my-clang", NULL);
  g_autofree char *lld = g_find_program_in_path ("ld.lld");
  g_auto (Outcome) outcome = OUTCOME_INIT;

  if (!have_clang ())
    return;
  if (lld == NULL)
    {
      g_test_skip ("no lld");
      return;
    }

  write_file (self, "one.c", "int one (void) { return 1; }");
  write_file (self, "xcrun", "#!/bin/sh\n[ \"$3\" = -find ] && echo ${0%/*}/my-clang || echo ${0%/*}\n");
  write_file (self, "my-clang", "#!/bin/sh\nPATH=$PATH:/usr/lib/llvm-14/bin exec clang "
                                "--target=arm64-apple-darwin -fuse-ld=lld -nostdlib \"$@\"\n");
  g_assert_no_errno (g_chmod (script, 0755));
  g_assert_no_errno (g_chmod (clang, 0755));
  g_setenv ("PATH", path, TRUE);
  run (self, &outcome, "dylib --json -o lib.dylib -a arm64 --min-os-version=12.0 one.c -- -O1");
  g_setenv ("PATH", old, TRUE);

  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_nonnull (strstr (outcome.out, "-mmacosx-version-min=12.0"));
  g_assert_true (exists (self, "lib.dylib"));
}

static void
test_rocm_link (Fixture       *self,
                gconstpointer  data)
{
  static const struct { const char *words; int status; const char *err; } cases[] = {
    { "rocm-link k.o", 2, "No output was given" },
    { "rocm-link -o - k.o", 2, "“-” is no file" },
    { "rocm-link -o k.co", 2, "Name one object" },
    { "rocm-link -o k.co a.o b.o", 2, "Name one object" },
    { "rocm-link -o k.co k.o -t -1", 2, "-1 is no number of seconds" },
    { "rocm-link -o k.co k.o --lld no-such-lld", 1, "no-such-lld" },
    { "rocm-link -o k.co --lld false k.o", 1, "“false” failed with exit status 1" },
  };

  write_file (self, "k.o", "");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, cases[i].words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      g_assert_nonnull (strstr (outcome.err, cases[i].err));
      g_assert_false (exists (self, "k.co"));
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
  ADD ("log", test_log);
  ADD ("timeout", test_timeout);
  ADD ("wrong", test_wrong);
  ADD ("dylib", test_dylib);
  ADD ("dylib-made", test_dylib_made);
  ADD ("rocm-link", test_rocm_link);
#undef ADD

  return g_test_run ();
}
