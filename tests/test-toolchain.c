/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-cc.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

static void
assert_sibling (const char *name,
                gboolean    cxx,
                const char *expected)
{
  g_autofree char *sibling = tvm_driver_sibling_name (name, cxx);

  g_assert_cmpstr (sibling, ==, expected);
}

static void
test_driver_names (void)
{
  g_autofree char *prefix = tvm_driver_prefix ("aarch64-linux-gnu-g++-12");
  g_autofree char *none = tvm_driver_prefix ("gcc");

  assert_sibling ("g++", FALSE, "gcc");
  assert_sibling ("gcc", TRUE, "g++");
  assert_sibling ("clang++", FALSE, "clang");
  assert_sibling ("clang++-14", FALSE, "clang-14");
  assert_sibling ("c++", FALSE, "cc");
  assert_sibling ("aarch64-linux-gnu-gcc-12", TRUE, "aarch64-linux-gnu-g++-12");
  assert_sibling ("em++", FALSE, "emcc");
  assert_sibling ("gcc", FALSE, NULL);
  assert_sibling ("mycc", TRUE, NULL);
  assert_sibling ("gccgo", TRUE, NULL);
  g_assert_cmpstr (prefix, ==, "aarch64-linux-gnu-");
  g_assert_cmpstr (none, ==, "");
  g_assert_true (tvm_driver_name_is_cxx ("clang++-14"));
  g_assert_false (tvm_driver_name_is_cxx ("clang-14"));
}

static void
test_languages (void)
{
  g_assert_cmpint (tvm_language_from_path ("a/b.c"), ==, TVM_LANGUAGE_C);
  g_assert_cmpint (tvm_language_from_path ("a/b.C"), ==, TVM_LANGUAGE_CXX);
  g_assert_cmpint (tvm_language_from_path ("b.c++"), ==, TVM_LANGUAGE_CXX);
  g_assert_cmpint (tvm_language_from_path ("b.S"), ==, TVM_LANGUAGE_ASSEMBLER_CPP);
  g_assert_cmpint (tvm_language_from_path ("b.s"), ==, TVM_LANGUAGE_ASSEMBLER);
  g_assert_cmpint (tvm_language_from_path ("b.o"), ==, TVM_LANGUAGE_AUTO);
  g_assert_cmpint (tvm_language_from_path ("folder.c/b"), ==, TVM_LANGUAGE_AUTO);
  g_assert_cmpint (tvm_language_from_path ("c"), ==, TVM_LANGUAGE_AUTO);
}

static void
assert_split (const char * const *options,
              const char         *compile,
              const char         *link)
{
  g_auto (GStrv) compile_options = NULL;
  g_auto (GStrv) link_options = NULL;
  g_autofree char *compile_line = NULL;
  g_autofree char *link_line = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_options_split (options, &compile_options, &link_options, &error);
  g_assert_no_error (error);
  compile_line = g_strjoinv (" ", compile_options);
  link_line = g_strjoinv (" ", link_options);
  g_assert_cmpstr (compile_line, ==, compile);
  g_assert_cmpstr (link_line, ==, link);
}

static void
test_options (void)
{
  const char *usual[] = { "-O2", "-lm", "-DX=1", "-L/x", "-Wl,-rpath,/y", "-Wall", "z.a", NULL };
  const char *apart[] = { "-D", "X=1", "-L", "/x", "-l", "m", "-I", "inc", "-Xlinker", "-x",
                          "-include", "a.h", "--param", "p=1", NULL };
  const char *tricky[] = { "-std=c++20", "-static", "-save-temps", "-undef", "-isysroot", "/s",
                           "-shared", "-pthread", "-fuse-ld=lld", "-s", NULL };
  const char *dropped[] = { "-c", "-O1", NULL };
  const char *last[] = { "-l", NULL };
  const char *files[] = { "-include-pch", "a.pch", "-iframework", "f", "@words", "z.o", NULL };
  const char *refused[] = { "-o", "-S", "-E", "-M", "-MM", "-fsyntax-only" };
  guint i;

  assert_split (NULL, "", "");
  assert_split (usual, "-O2 -DX=1 -Wall", "-lm -L/x -Wl,-rpath,/y z.a");
  assert_split (apart, "-D X=1 -I inc -include a.h --param p=1", "-L /x -l m -Xlinker -x");
  assert_split (tricky, "-std=c++20 -save-temps -undef -isysroot /s -pthread",
                "-static -shared -fuse-ld=lld -s");
  assert_split (dropped, "-O1", "");
  assert_split (last, "", "-l");
  assert_split (files, "-include-pch a.pch -iframework f @words", "@words z.o");

  for (i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      const char *options[] = { refused[i], NULL };
      g_auto (GStrv) compile = NULL;
      g_auto (GStrv) link = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (tvm_compile_options_split (options, &compile, &link, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_command (CompileFixture *self,
              gconstpointer   data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain = tvm_toolchain_new ("gcc -m64", NULL, &error);
  g_auto (GStrv) command = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_name (toolchain), ==, "gcc");
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_GCC);
  g_assert_cmpuint (tvm_toolchain_get_major (toolchain), >=, 9);
  g_assert_nonnull (tvm_toolchain_get_target_triple (toolchain));
  g_assert_null (strchr (tvm_toolchain_get_target_triple (toolchain), '\n'));
  command = tvm_toolchain_dup_command (toolchain);
  g_assert_cmpuint (g_strv_length (command), ==, 2);
  g_assert_cmpstr (command[1], ==, "-m64");
}

static void
test_wrapper (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", "int add;\n");
  g_autofree char *output = compile_fixture_path (self, "add.so");
  g_autofree char *cache = g_strconcat (self->folder, "/cache", NULL);
  const char *objects[] = { source, NULL };
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_auto (GStrv) wrapper = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  if (!compile_fixture_have ("ccache"))
    return;

  toolchain = tvm_toolchain_new ("env TVM_X=1 nice -n5 ccache g++ -m64", NULL, &error);
  g_assert_no_error (error);
  wrapper = tvm_toolchain_dup_wrapper (toolchain);
  g_assert_cmpuint (g_strv_length (wrapper), ==, 5);
  g_assert_cmpstr (tvm_toolchain_get_name (toolchain), ==, "g++");

  g_setenv ("CCACHE_DIR", cache, TRUE);
  for (i = 0; i < 2; i++)
    {
      g_autoptr (TvmCompiler) compiler = tvm_compiler_new (toolchain);
      g_autoptr (TvmCompileResult) result = NULL;

      result = tvm_compiler_create_shared (compiler, output, objects, NULL, NULL, NULL, NULL,
                                           &error);
      g_assert_no_error (error);
      g_assert_cmpint (tvm_compile_result_get_cache_status (result), ==,
                       i == 0 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
    }
  g_unsetenv ("CCACHE_DIR");
}

static void
test_path_with_spaces (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *folder = compile_fixture_path (self, "my tools");
  g_autofree char *compiler = g_build_filename (folder, "gcc", NULL);
  g_autofree char *gcc = g_find_program_in_path ("gcc");
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GError) error = NULL;

  g_mkdir (folder, 0755);
  g_assert_cmpint (symlink (gcc, compiler), ==, 0);
  toolchain = tvm_toolchain_new (compiler, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_path (toolchain), ==, compiler);
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_GCC);
}

static void
test_discover (CompileFixture *self,
               gconstpointer   data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) from_path = NULL;
  g_autoptr (TvmToolchain) from_cc = NULL;
  g_autoptr (TvmToolchain) from_cxx = NULL;
  g_autofree char *cc = NULL;

  g_unsetenv ("CC");
  g_unsetenv ("CXX");
  from_path = tvm_toolchain_discover (NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_name (from_path), ==, "g++");

  g_setenv ("CC", " gcc -m64 ", TRUE);
  from_cc = tvm_toolchain_discover (NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_name (from_cc), ==, "gcc");
  g_assert_nonnull (strstr (tvm_toolchain_get_origin (from_cc), "CC"));

  g_setenv ("CXX", "g++", TRUE);
  from_cxx = tvm_toolchain_discover (NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_name (from_cxx), ==, "g++");
  g_assert_nonnull (strstr (tvm_toolchain_get_origin (from_cxx), "CXX"));
  cc = tvm_cc_get_cc ();
  g_assert_cmpstr (cc, ==, "g++");

  /* A variable that names nothing is an error, and not a reason to take something else. */
  g_setenv ("CXX", "no-such-compiler", TRUE);
  g_clear_object (&from_cxx);
  from_cxx = tvm_toolchain_discover (NULL, NULL, &error);
  g_assert_null (from_cxx);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "CXX"));
  g_unsetenv ("CC");
  g_unsetenv ("CXX");
}

static void
test_discover_target (CompileFixture *self,
                      gconstpointer   data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;

  if (!compile_fixture_have ("aarch64-linux-gnu-gcc"))
    return;

  toolchain = tvm_toolchain_discover ("aarch64-linux-gnu", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_toolchain_get_target_triple (toolchain), ==, "aarch64-linux-gnu");
  g_assert_true (g_str_has_prefix (tvm_toolchain_get_name (toolchain), "aarch64-linux-gnu-"));
  g_clear_object (&toolchain);

  g_setenv ("CC_aarch64_linux_gnu", "aarch64-linux-gnu-gcc -O1", TRUE);
  toolchain = tvm_toolchain_discover ("aarch64-linux-gnu", NULL, &error);
  g_unsetenv ("CC_aarch64_linux_gnu");
  g_assert_no_error (error);
  g_assert_nonnull (strstr (tvm_toolchain_get_origin (toolchain), "CC_aarch64_linux_gnu"));
  g_clear_object (&toolchain);

  if (!compile_fixture_have ("clang"))
    return;

  /* For which there is no compiler with a prefix */
  toolchain = tvm_toolchain_discover ("riscv64-linux-gnu", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_CLANG);
  g_assert_true (g_str_has_prefix (tvm_toolchain_get_target_triple (toolchain), "riscv64-"));
}

static void
test_nothing_found (CompileFixture *self,
                    gconstpointer   data)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) target_error = NULL;
  g_autofree char *cc = NULL;

  g_setenv ("PATH", self->folder, TRUE);
  g_assert_null (tvm_toolchain_discover (NULL, NULL, &error));
  g_assert_null (tvm_toolchain_discover ("mips-unknown-linux-gnu", NULL, &target_error));
  cc = tvm_cc_get_cc ();
  g_setenv ("PATH", path, TRUE);

  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "clang++"));
  g_assert_error (target_error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (target_error->message, "CXX_mips_unknown_linux_gnu"));
  g_assert_nonnull (strstr (target_error->message, "mips-linux-gnu-g++"));
  g_assert_null (cc);
}

static void
test_probe_is_remembered (CompileFixture *self,
                          gconstpointer   data)
{
  g_autofree char *runs = compile_fixture_path (self, "runs");
  g_autofree char *text =
    g_strdup_printf ("#!/bin/sh\necho run >> '%s'\nexec gcc \"$@\"\n", runs);
  g_autofree char *script = compile_fixture_write (self, "counting-cc", text);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  g_chmod (script, 0755);
  for (i = 0; i < 3; i++)
    {
      g_autoptr (TvmToolchain) toolchain = tvm_toolchain_new (script, NULL, &error);
      g_assert_no_error (error);
      g_assert_nonnull (tvm_toolchain_get_version (toolchain));
    }
  g_assert_true (g_file_get_contents (runs, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "run\n");

  /* Another file under the same name is another compiler. */
  {
    g_autofree char *other =
      g_strdup_printf ("#!/bin/sh\necho more >> '%s'\nexec clang \"$@\"\n", runs);
    g_autoptr (TvmToolchain) toolchain = NULL;

    if (!compile_fixture_have ("clang"))
      return;
    g_assert_true (g_file_set_contents (script, other, -1, NULL));
    g_chmod (script, 0755);
    toolchain = tvm_toolchain_new (script, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_CLANG);
  }
}

static void
test_unknown_compiler (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *script = compile_fixture_write (
    self, "odd-cc",
    "#!/bin/sh\ncase \"$1\" in -dumpmachine) echo odd-target;; *) exit 1;; esac\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autofree char *triple = NULL;
  g_autofree char *broken = NULL;

  g_chmod (script, 0755);
  toolchain = tvm_toolchain_new (script, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_UNKNOWN);
  g_assert_null (tvm_toolchain_get_version (toolchain));
  triple = tvm_cc_get_target_triple (script, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (triple, ==, "odd-target");

  broken = tvm_cc_get_target_triple ("false", NULL, &error);
  g_assert_null (broken);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
}

static void
test_cancelled (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *script =
    compile_fixture_write (self, "slow-cc", "#!/bin/sh\nexec sleep 1000\n");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GError) error = NULL;

  g_chmod (script, 0755);
  tvm_toolchain_new_async (script, cancellable, compile_fixture_ready, &async_result);
  g_cancellable_cancel (cancellable);
  toolchain = tvm_toolchain_new_finish (compile_fixture_wait (&async_result), &error);
  g_assert_null (toolchain);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_tools (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) gcc = tvm_toolchain_new ("gcc", NULL, &error);
  g_autofree char *ar = NULL;
  g_autofree char *missing = NULL;

  g_assert_no_error (error);
  ar = tvm_toolchain_find_tool (gcc, "ar", &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (ar, "ar"));
  missing = tvm_toolchain_find_tool (gcc, "no-such-tool", &error);
  g_assert_null (missing);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no-such-tool"));

  if (compile_fixture_have ("clang") && compile_fixture_have ("llvm-ar"))
    {
      g_autoptr (TvmToolchain) clang = NULL;
      g_autofree char *llvm_ar = NULL;

      g_clear_error (&error);
      clang = tvm_toolchain_new ("clang --target=riscv64-linux-gnu", NULL, &error);
      g_assert_no_error (error);
      llvm_ar = tvm_toolchain_find_tool (clang, "ar", &error);
      g_assert_no_error (error);
      g_assert_nonnull (strstr (llvm_ar, "llvm-ar"));
    }
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/toolchain/driver-names", test_driver_names);
  g_test_add_func ("/toolchain/languages", test_languages);
  g_test_add_func ("/toolchain/options", test_options);
  compile_fixture_add ("/toolchain/command", test_command);
  compile_fixture_add ("/toolchain/wrapper", test_wrapper);
  compile_fixture_add ("/toolchain/path-with-spaces", test_path_with_spaces);
  compile_fixture_add ("/toolchain/discover", test_discover);
  compile_fixture_add ("/toolchain/discover/target", test_discover_target);
  compile_fixture_add ("/toolchain/discover/nothing", test_nothing_found);
  compile_fixture_add ("/toolchain/probe-is-remembered", test_probe_is_remembered);
  compile_fixture_add ("/toolchain/unknown-compiler", test_unknown_compiler);
  compile_fixture_add ("/toolchain/cancelled", test_cancelled);
  compile_fixture_add ("/toolchain/tools", test_tools);

  return g_test_run ();
}
