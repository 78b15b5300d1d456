/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-cc.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

/*
 * The target of Android of a real clang and lld. Debian has no C library of Android: an empty libm
 * stands for it, so what is linked here is never run.
 */

#define SOURCE "#ifndef __ANDROID__\n#error no Android\n#endif\n" \
               "int add (int a, int b) { return a + b; }\n"

/* Makes the libm and names the compiler; FALSE if the test was skipped */
static gboolean
use_android (CompileFixture *self)
{
  g_autofree char *source = NULL;
  g_autofree char *library = NULL;
  g_autofree char *command = NULL;
  g_autofree char *said = NULL;

  if (!compile_fixture_have ("clang") || !compile_fixture_have ("ld.lld") ||
      !compile_fixture_have ("llvm-readelf") ||
      !compile_fixture_have ("llvm-ar"))
    return FALSE;

  source = compile_fixture_write (self, "libm.c", "void tvm_stub (void) {}\n");
  library = compile_fixture_path (self, "libm.so");
  said = compile_fixture_run ("clang", "--target=aarch64-linux-android21", "-nostdlib",
                              "-fuse-ld=lld", "-shared", "-fPIC", "-Wl,-soname,libm.so",
                              "-o", library, source, NULL);
  command = g_strdup_printf (" clang --target=aarch64-linux-android21 -nostdlib -fuse-ld=lld -L%s ",
                             self->folder);
  g_setenv ("TVM_NDK_CC", command, TRUE);
  return TRUE;
}

static void
test_unset (void)
{
  static const char * const values[] = { NULL, "", "  " };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;

      g_unsetenv ("TVM_NDK_CC");
      if (values[i] != NULL)
        g_setenv ("TVM_NDK_CC", values[i], TRUE);
      g_assert_null (tvm_compiler_new_ndk (&error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, "TVM_NDK_CC"));
    }
  g_unsetenv ("TVM_NDK_CC");
}

/* The variable may change between two calls; what does not exist is an error at the first use. */
static void
test_call_time (void)
{
  g_autoptr (TvmCompiler) first = NULL;
  g_autoptr (TvmCompiler) second = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("TVM_NDK_CC", "/nonexistent/clang", TRUE);
  first = tvm_compiler_new_ndk (&error);
  g_assert_no_error (error);
  g_setenv ("TVM_NDK_CC", "/nonexistent/clang++", TRUE);
  second = tvm_compiler_new_ndk (&error);
  g_assert_no_error (error);
  g_unsetenv ("TVM_NDK_CC");

  g_assert_cmpstr (tvm_compiler_get_command (first), ==, "/nonexistent/clang");
  g_assert_cmpstr (tvm_compiler_get_command (second), ==, "/nonexistent/clang++");
  g_assert_cmpstr (tvm_compiler_get_output_format (first), ==, "so");
  g_assert_null (tvm_compiler_load_toolchain (first, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
}

/* The options of a caller are added to those that make a library of it. */
static void
test_shared (CompileFixture *self,
             gconstpointer   data)
{
  const char * const options[] = { "-O2", "-Wl,-soname,libadd.so", NULL };
  g_autofree char *source = compile_fixture_write (self, "add.c", SOURCE);
  g_autofree char *output = compile_fixture_path (self, "libadd.so");
  const char * const objects[] = { source, NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GHashTable) symbols = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *header = NULL;

  if (!use_android (self))
    return;

  self->compiler = tvm_compiler_new_ndk (&error);
  g_assert_no_error (error);
  result = tvm_compiler_create_shared (self->compiler, output, objects, options, NULL, NULL, NULL,
                                       &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
  g_assert_nonnull (strstr (tvm_compiler_get_target_triple (self->compiler), "android"));

  header = compile_fixture_run ("llvm-readelf", "-h", "-d", output, NULL);
  g_assert_nonnull (strstr (header, "AArch64"));
  g_assert_nonnull (strstr (header, "DYN"));
  g_assert_nonnull (strstr (header, "Shared library: [libm.so]"));
  g_assert_nonnull (strstr (header, "Library soname: [libadd.so]"));
  symbols = tvm_cc_get_global_symbol_section_map (output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (symbols, "add"), ==, "T");
}

static void
test_static (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", SOURCE);
  g_autofree char *output = compile_fixture_path (self, "libadd.a");
  const char * const inputs[] = { source, NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GHashTable) symbols = NULL;
  g_autoptr (GError) error = NULL;
  static const char * const tools[] = { "ar", "ranlib", "nm" };
  guint i;

  if (!use_android (self))
    return;

  self->compiler = tvm_compiler_new_ndk (&error);
  g_assert_no_error (error);
  result = tvm_compiler_create_staticlib (self->compiler, output, inputs, NULL, NULL, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);

  toolchain = tvm_compiler_load_toolchain (self->compiler, NULL, &error);
  g_assert_no_error (error);
  for (i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autofree char *tool = tvm_toolchain_find_tool (toolchain, tools[i], &error);
      g_assert_no_error (error);
      g_assert_nonnull (strstr (tool, "llvm-"));
      if (g_str_equal (tools[i], "nm"))
        symbols = tvm_cc_get_global_symbol_section_map (output, tool, NULL, &error);
      g_assert_no_error (error);
    }
  g_assert_cmpstr (g_hash_table_lookup (symbols, "add"), ==, "T");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("TVM_NDK_CC");

  g_test_add_func ("/ndk/unset", test_unset);
  g_test_add_func ("/ndk/call-time", test_call_time);
  compile_fixture_add ("/ndk/shared", test_shared);
  compile_fixture_add ("/ndk/static", test_static);

  return g_test_run ();
}
