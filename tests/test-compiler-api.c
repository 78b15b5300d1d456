/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-cc.h"
#include "tvmsupport/tvm-describe.h"
#include "tvmsupport/tvm-error.h"

#include <locale.h>
#include <string.h>

/* The forms of the calls that the other tests do not use, and what goes into an object comes out
 * of it. */

static const char add_source[] = "int add (int a, int b) { return a + b; }\n";
static const char main_source[] = "int main (void) { return 0; }\n";

static void
test_one_shots_async (CompileFixture *self,
                      gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *main_c = compile_fixture_write (self, "main.c", main_source);
  g_autofree char *shared = compile_fixture_path (self, "add.so");
  g_autofree char *library = compile_fixture_path (self, "add.a");
  g_autofree char *program = compile_fixture_path (self, "prog");
  const char *objects[] = { add, NULL };
  const char *program_objects[] = { main_c, add, NULL };
  g_autoptr (GAsyncResult) shared_result = NULL;
  g_autoptr (GAsyncResult) static_result = NULL;
  g_autoptr (GAsyncResult) program_result = NULL;
  g_autoptr (TvmCompileResult) a = NULL;
  g_autoptr (TvmCompileResult) b = NULL;
  g_autoptr (TvmCompileResult) c = NULL;
  g_autoptr (GError) error = NULL;

  /* All three at the same time */
  tvm_compiler_create_shared_async (self->compiler, shared, objects, NULL, NULL, NULL, NULL,
                                    compile_fixture_ready, &shared_result);
  tvm_compiler_create_staticlib_async (self->compiler, library, objects, NULL, NULL,
                                       compile_fixture_ready, &static_result);
  tvm_compiler_create_executable_async (self->compiler, program, program_objects, NULL, NULL, NULL,
                                        NULL, compile_fixture_ready, &program_result);

  a = tvm_compiler_create_shared_finish (self->compiler, compile_fixture_wait (&shared_result),
                                         &error);
  g_assert_no_error (error);
  b = tvm_compiler_create_staticlib_finish (self->compiler, compile_fixture_wait (&static_result),
                                            &error);
  g_assert_no_error (error);
  c = tvm_compiler_create_executable_finish (self->compiler,
                                             compile_fixture_wait (&program_result), &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_compile_result_get_kind (a), ==, TVM_COMPILE_KIND_SHARED);
  g_assert_cmpint (tvm_compile_result_get_kind (b), ==, TVM_COMPILE_KIND_STATIC);
  g_assert_cmpint (tvm_compile_result_get_kind (c), ==, TVM_COMPILE_KIND_EXECUTABLE);
  g_assert_true (compile_fixture_exists (self, "add.so"));
  g_assert_true (compile_fixture_exists (self, "add.a"));
  g_assert_true (compile_fixture_exists (self, "prog"));
}

static void
test_one_shots_cancelled (CompileFixture *self,
                          gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cc", ENDLESS_CXX);
  g_autofree char *output = compile_fixture_path (self, "endless");
  const char *objects[] = { source, NULL };
  const char *options[] = ENDLESS_OPTIONS;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compiler_create_executable_async (self->compiler, output, objects, options, NULL, NULL,
                                        cancellable, compile_fixture_ready, &async_result);
  g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  result = tvm_compiler_create_executable_finish (self->compiler,
                                                  compile_fixture_wait (&async_result), &error);
  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_toolchain_async (CompileFixture *self,
                      gconstpointer   data)
{
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command ("gcc");
  g_autoptr (GAsyncResult) load_result = NULL;
  g_autoptr (GAsyncResult) discover_result = NULL;
  g_autoptr (GAsyncResult) triple_result = NULL;
  g_autoptr (TvmToolchain) loaded = NULL;
  g_autoptr (TvmToolchain) discovered = NULL;
  g_autofree char *triple = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_compiler_get_toolchain (compiler));
  g_assert_cmpstr (tvm_compiler_get_command (compiler), ==, "gcc");
  tvm_compiler_load_toolchain_async (compiler, NULL, compile_fixture_ready, &load_result);
  tvm_toolchain_discover_async (NULL, NULL, compile_fixture_ready, &discover_result);
  tvm_cc_get_target_triple_async ("gcc", NULL, compile_fixture_ready, &triple_result);

  loaded = tvm_compiler_load_toolchain_finish (compiler, compile_fixture_wait (&load_result),
                                               &error);
  g_assert_no_error (error);
  g_assert_true (tvm_compiler_get_toolchain (compiler) == loaded);
  discovered = tvm_toolchain_discover_finish (compile_fixture_wait (&discover_result), &error);
  g_assert_no_error (error);
  g_assert_true (TVM_IS_TOOLCHAIN (discovered));
  triple = tvm_cc_get_target_triple_finish (compile_fixture_wait (&triple_result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (triple, ==, tvm_compiler_get_target_triple (compiler));
}

static void
test_describe (CompileFixture *self,
               gconstpointer   data)
{
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GHashTable) info = tvm_libinfo ();
  g_autofree char *text = NULL;
  g_autofree char *cancelled = NULL;
  g_autoptr (GError) error = NULL;

  tvm_describe_async (NULL, compile_fixture_ready, &async_result);
  text = tvm_describe_finish (compile_fixture_wait (&async_result), &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text, "tvmsupport"));
  g_assert_nonnull (strstr (text, "linux"));
  g_assert_nonnull (strstr (text, "\nCUDA\n"));

  g_cancellable_cancel (cancellable);
  cancelled = tvm_describe (cancellable, &error);
  g_assert_null (cancelled);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_assert_cmpstr (g_hash_table_lookup (info, "VERSION"), ==, PACKAGE_VERSION);
  g_assert_nonnull (g_hash_table_lookup (info, "USE_CUDA"));
  g_assert_nonnull (g_hash_table_lookup (info, "USE_NNAPI_CODEGEN"));
}

static void
test_request (void)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
  g_autoptr (TvmCompileRequest) copy = NULL;
  const char *words[] = { "a", "b", NULL };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_auto (GStrv) inputs = NULL;
  g_auto (GStrv) options = NULL;
  g_auto (GStrv) link_options = NULL;
  g_auto (GStrv) libraries = NULL;
  g_auto (GStrv) environ_ = NULL;
  g_auto (GStrv) ccache_environ = NULL;
  g_autofree char *archiver = NULL;

  tvm_compile_request_add_input (request, "a.c", TVM_LANGUAGE_CXX);
  tvm_compile_request_add_input_bytes (request, "b.c", bytes, TVM_LANGUAGE_AUTO);
  g_object_set (request, "options", words, "link-options", words, "libraries", words, "environ",
                words, "ccache-environ", words, "archiver", "ar", "arch", "sm_90", "output",
                "out", "timeout", (gint64) 5, "memory-limit", (guint64) 6, "output-limit",
                (guint64) 7, "pic", FALSE, "working-directory", "/", NULL);

  copy = tvm_compile_request_copy (request);
  /* Independent of each other */
  tvm_compile_request_set_options (request, NULL);
  inputs = tvm_compile_request_dup_inputs (copy);
  options = tvm_compile_request_dup_options (copy);
  link_options = tvm_compile_request_dup_link_options (copy);
  libraries = tvm_compile_request_dup_libraries (copy);
  environ_ = tvm_compile_request_dup_environ (copy);
  ccache_environ = tvm_compile_request_dup_ccache_environ (copy);
  archiver = tvm_compile_request_dup_archiver (copy);
  g_assert_cmpuint (g_strv_length (inputs), ==, 2);
  g_assert_cmpstr (inputs[1], ==, "b.c");
  g_assert_cmpuint (g_strv_length (options), ==, 2);
  g_assert_cmpuint (g_strv_length (link_options), ==, 2);
  g_assert_cmpuint (g_strv_length (libraries), ==, 2);
  g_assert_cmpuint (g_strv_length (environ_), ==, 2);
  g_assert_cmpuint (g_strv_length (ccache_environ), ==, 2);
  g_assert_cmpstr (archiver, ==, "ar");
  g_assert_cmpstr (tvm_compile_request_get_arch (copy), ==, "sm_90");
  g_assert_cmpstr (tvm_compile_request_get_output (copy), ==, "out");
  g_assert_cmpstr (tvm_compile_request_get_working_directory (copy), ==, "/");
  g_assert_cmpint (tvm_compile_request_get_kind (copy), ==, TVM_COMPILE_KIND_SHARED);
  g_assert_cmpint (tvm_compile_request_get_timeout (copy), ==, 5);
  g_assert_cmpuint (tvm_compile_request_get_memory_limit (copy), ==, 6);
  g_assert_cmpuint (tvm_compile_request_get_output_limit (copy), ==, 7);
  g_assert_false (tvm_compile_request_get_pic (copy));
}

/* What a request says reaches the command line, the environment and the result. */
static void
test_request_is_heard (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (
    self, "cosine.c", "#include <math.h>\ndouble f (double x) { return cos (x) + VALUE; }\n");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "cosine.so");
  const char *libraries[] = { "m", NULL };
  const char *link_options[] = { "-Wl,--no-undefined", NULL };
  const char *environ_[] = { "CPATH=/nonexistent", NULL };
  const char *options[] = { "-DVALUE=1", NULL };
  const char *more_options[] = { "-O1", NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_auto (GStrv) inputs = NULL;
  g_auto (GStrv) argv = NULL;

  tvm_compiler_set_options (self->compiler, more_options);
  tvm_compile_request_set_options (request, options);
  tvm_compile_request_set_libraries (request, libraries);
  tvm_compile_request_set_link_options (request, link_options);
  tvm_compile_request_set_environ (request, environ_);
  tvm_compile_request_set_working_directory (request, self->folder);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  argv = tvm_compile_result_dup_argv (result);
  g_assert_true (g_strv_contains ((const char * const *) argv, "-Wl,--no-undefined"));
  g_assert_cmpstr (argv[g_strv_length (argv) - 1], ==, "-lm");
  inputs = tvm_compile_result_dup_inputs (result);
  g_assert_cmpstr (inputs[0], ==, source);
  g_assert_cmpstr (tvm_compile_result_get_working_directory (result), ==, self->folder);
  g_assert_cmpint (tvm_compile_result_get_user_time (result), >, 0);
  g_assert_cmpint (tvm_compile_result_get_system_time (result), >=, 0);
}

static void
test_add_files (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *main_c = compile_fixture_write (
    self, "main.c", "int add (int, int);\nint main (void) { return add (1, -1); }\n");
  const char *add_files[] = { add, NULL };
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, main_c, "prog");
  g_autofree char *program = compile_fixture_path (self, "prog");
  g_autofree char *nothing = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_auto (GStrv) files = NULL;
  g_auto (GStrv) options = NULL;

  tvm_compiler_set_add_files (self->compiler, add_files);
  tvm_compiler_set_max_jobs (self->compiler, 3);
  tvm_compiler_set_memory_per_job (self->compiler, 1024);
  files = tvm_compiler_dup_add_files (self->compiler);
  options = tvm_compiler_dup_options (self->compiler);
  g_assert_cmpstr (files[0], ==, add);
  g_assert_null (options);
  g_assert_cmpuint (tvm_compiler_get_max_jobs (self->compiler), ==, 3);
  g_assert_cmpuint (tvm_compiler_get_memory_per_job (self->compiler), ==, 1024);

  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  nothing = compile_fixture_run (program, NULL);
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/compiler-api/one-shots/async", test_one_shots_async);
  compile_fixture_add ("/compiler-api/one-shots/cancelled", test_one_shots_cancelled);
  compile_fixture_add ("/compiler-api/toolchain/async", test_toolchain_async);
  compile_fixture_add ("/compiler-api/describe", test_describe);
  g_test_add_func ("/compiler-api/request", test_request);
  compile_fixture_add ("/compiler-api/request/heard", test_request_is_heard);
  compile_fixture_add ("/compiler-api/add-files", test_add_files);

  return g_test_run ();
}
