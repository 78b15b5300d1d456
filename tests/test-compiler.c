/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-error.h"

#include <elf.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

static const char add_source[] = "int add (int a, int b) { return a + b; }\n";
static const char main_source[] = "#include <stdio.h>\n"
                                  "int add (int, int);\n"
                                  "int main (void) { printf (\"%d\\n\", add (2, 3)); return 0; }\n";
static const char broken_source[] = "int f (void)\n{\n  return undeclared;\n}\n";

static TvmDiagnostic *
get_diagnostic (TvmCompileResult *result,
                guint             index)
{
  TvmDiagnostic *diagnostic =
    g_list_model_get_item (tvm_compile_result_get_diagnostics (result), index);

  g_assert_true (TVM_IS_DIAGNOSTIC (diagnostic));
  return diagnostic;
}

static int
get_elf_type (CompileFixture *self,
              const char     *name)
{
  g_autofree char *path = compile_fixture_path (self, name);
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpuint (length, >, sizeof (Elf64_Ehdr));
  return ((Elf64_Ehdr *) contents)->e_type;
}

static gboolean
needs_library (CompileFixture *self,
               const char     *name,
               const char     *library)
{
  g_autofree char *path = compile_fixture_path (self, name);
  g_autofree char *out = compile_fixture_run ("objdump", "-p", path, NULL);

  return strstr (out, library) != NULL;
}

/* What a family of compilers does not make is refused before anything is run. */
static void
test_unsupported_kinds (CompileFixture *self,
                        gconstpointer   data)
{
  static const TvmCompileKind kinds[] = {
    TVM_COMPILE_KIND_LLVM_IR, TVM_COMPILE_KIND_PTX, TVM_COMPILE_KIND_CUBIN,
    TVM_COMPILE_KIND_FATBIN, TVM_COMPILE_KIND_LTO_IR, TVM_COMPILE_KIND_HSACO,
    TVM_COMPILE_KIND_WASM,
  };
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command ("gcc");
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, kinds[i], source, "output");
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result =
        tvm_compiler_compile (compiler, request, NULL, &error);

      g_assert_no_error (error);
      g_assert_false (tvm_compile_result_check (result, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
    }
}

static void
test_llvm_ir (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *clang = g_find_program_in_path ("clang");
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command ("clang");
  static const char * const names[] = { "add.ll", "add.bc" };
  static const char * const starts[] = { "; ModuleID", "BC\xc0\xde" };

  if (clang == NULL)
    {
      g_test_skip ("there is no clang");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_LLVM_IR, source, names[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result =
        tvm_compiler_compile (compiler, request, NULL, &error);
      g_autofree char *path = compile_fixture_path (self, names[i]);
      g_autofree char *contents = NULL;

      g_assert_no_error (error);
      compile_fixture_assert_ok (result);
      g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
      g_assert_true (g_str_has_prefix (contents, starts[i]));
    }
}

static void
test_object (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
  g_auto (GStrv) dependencies = NULL;
  g_autofree char *line = NULL;

  compile_fixture_assert_ok (result);
  g_assert_cmpint (get_elf_type (self, "add.o"), ==, ET_REL);
  g_assert_cmpint (tvm_compile_result_get_exit_status (result), ==, 0);
  g_assert_cmpint (tvm_compile_result_get_term_signal (result), ==, 0);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 0);
  g_assert_cmpint (tvm_compile_result_get_elapsed (result), >, 0);
  g_assert_cmpuint (tvm_compile_result_get_peak_memory (result), >, 1024 * 1024);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_compile_result_get_steps (result)), ==, 0);
  g_assert_null (tvm_compile_result_get_bytes (result));

  dependencies = tvm_compile_result_dup_dependencies (result);
  g_assert_true (g_strv_contains ((const char * const *) dependencies, source));
  line = tvm_compile_result_dup_command_line (result);
  g_assert_nonnull (strstr (line, source));
}

static void
test_own_depfile (CompileFixture *self,
                  gconstpointer   data)
{
  const char *options[] = { "-MD", NULL };
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *depfile = g_strdup (tvm_compile_request_get_output (request));
  g_autofree char *target = g_strconcat (depfile, ":", NULL);
  g_autofree char *rule = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  depfile[strlen (depfile) - 1] = 'd';
  g_file_get_contents (depfile, &rule, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (rule, target));
}

static void
test_bytes (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
  g_autoptr (GBytes) text = g_bytes_new_static (add_source, strlen (add_source));
  g_autoptr (TvmCompileResult) result = NULL;
  GBytes *bytes;

  tvm_compile_request_add_input_bytes (request, "kernel.c", text, TVM_LANGUAGE_AUTO);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  g_assert_null (tvm_compile_result_get_output (result));
  bytes = tvm_compile_result_get_bytes (result);
  g_assert_nonnull (bytes);
  g_assert_cmpint (((const Elf64_Ehdr *) g_bytes_get_data (bytes, NULL))->e_type, ==, ET_DYN);
}

static void
test_bytes_broken (CompileFixture *self,
                   gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);
  g_autoptr (GBytes) text = g_bytes_new_static (broken_source, strlen (broken_source));
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;

  /* Known by the name that the caller gave, not by that of a file it has never heard of */
  tvm_compile_request_add_input_bytes (request, "my kernel.c", text, TVM_LANGUAGE_AUTO);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_get_successful (result));
  g_assert_null (tvm_compile_result_get_bytes (result));
  diagnostic = get_diagnostic (result, 0);
  g_assert_cmpstr (tvm_diagnostic_get_file (diagnostic), ==, "my kernel.c");
  g_assert_cmpuint (tvm_diagnostic_get_line (diagnostic), ==, 3);
  g_assert_null (strstr (tvm_compile_result_get_log_text (result), self->tmpdir));
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "  return undeclared;"));
}

static void
test_executable (CompileFixture *self,
                 gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *main_c = compile_fixture_write (self, "main.c", main_source);
  /* The kind is what was asked for, whatever the suffix says. */
  g_autofree char *output = compile_fixture_path (self, "prog.so");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, main_c, "prog.so");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *out = NULL;
  GListModel *steps;

  tvm_compile_request_add_input (request, add, TVM_LANGUAGE_AUTO);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  g_assert_cmpstr (tvm_compile_result_get_output (result), ==, output);
  out = compile_fixture_run (output, NULL);
  g_assert_cmpstr (out, ==, "5\n");

  steps = tvm_compile_result_get_steps (result);
  g_assert_cmpuint (g_list_model_get_n_items (steps), ==, 3);
}

static void
test_create_shared (CompileFixture *self,
                    gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  const char *objects[] = { "add.c", NULL };
  const char *options[] = { "-lm", "-O1", "-D", "X=1", "-c", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = NULL;

  result = tvm_compiler_create_shared (self->compiler, "libadd.so", objects, options, self->folder,
                                       NULL, NULL, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
  g_assert_cmpint (get_elf_type (self, "libadd.so"), ==, ET_DYN);
}

static void
test_create_shared_broken (CompileFixture *self,
                           gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "broken.c", broken_source);
  g_autofree char *old = compile_fixture_write (self, "old.so", "what was there");
  const char *objects[] = { source, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *contents = NULL;

  result = tvm_compiler_create_shared (self->compiler, old, objects, NULL, NULL, NULL, NULL, &error);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
  g_assert_null (result);
  g_assert_nonnull (strstr (error->message, "undeclared"));
  g_assert_nonnull (strstr (error->message, source));

  g_assert_true (g_file_get_contents (old, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "what was there");
}

static void
test_link_failed (CompileFixture *self,
                  gconstpointer   data)
{
  g_autofree char *main_c = compile_fixture_write (self, "main.c", main_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, main_c, "prog");
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "add"));
  diagnostic = get_diagnostic (result, 0);
  g_assert_nonnull (strstr (tvm_diagnostic_get_message (diagnostic), "undefined reference"));
  g_assert_false (compile_fixture_exists (self, "prog"));
}

static void
test_all_sources_report (CompileFixture *self,
                         gconstpointer   data)
{
  g_autofree char *first = compile_fixture_write (self, "first.c", broken_source);
  g_autofree char *good = compile_fixture_write (self, "good.c", add_source);
  g_autofree char *second = compile_fixture_write (self, "second.c", "int g = \"text\" * 2;\n");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, first, "lib.so");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) a = NULL;
  g_autoptr (TvmDiagnostic) b = NULL;

  tvm_compile_request_add_input (request, good, TVM_LANGUAGE_AUTO);
  tvm_compile_request_add_input (request, second, TVM_LANGUAGE_AUTO);
  result = compile_fixture_compile (self, request);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (tvm_compile_result_get_steps (result)), ==, 3);

  /* In the order of the sources, whichever ended first */
  a = get_diagnostic (result, 0);
  b = get_diagnostic (result, 1);
  g_assert_cmpstr (tvm_diagnostic_get_file (a), ==, first);
  g_assert_cmpstr (tvm_diagnostic_get_file (b), ==, second);
}

static void
test_warning_kept (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source =
    compile_fixture_write (self, "warn.c", "int f (void) { int unused; return 1; }\n");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "warn.o");
  const char *options[] = { "-Wall", NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;

  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (result), ==, 1);
  diagnostic = get_diagnostic (result, 0);
  g_assert_cmpint (tvm_diagnostic_get_severity (diagnostic), ==,
                   TVM_DIAGNOSTIC_SEVERITY_WARNING);
  g_assert_cmpstr (tvm_diagnostic_get_code (diagnostic), ==, "-Wunused-variable");
}

static void
test_fatal_errors (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "broken.c", broken_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "broken.o");
  const char *options[] = { "-Wfatal-errors", NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;

  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  diagnostic = get_diagnostic (result, 0);
  g_assert_cmpuint (tvm_diagnostic_get_line (diagnostic), ==, 3);
}

/* What coverage and split debug information name must be there when they are looked for. */
static void
test_side_outputs (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source =
    compile_fixture_write (self, "main.c", "int main (void) { return 0; }\n");
  g_autofree char *program = compile_fixture_path (self, "prog");
  g_autofree char *object = compile_fixture_path (self, "main.o");
  g_autofree char *contents = NULL;
  g_autofree char *nothing = NULL;
  g_autoptr (TvmCompileRequest) linked =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, source, "prog");
  g_autoptr (TvmCompileRequest) compiled =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "main.o");
  const char *coverage[] = { "--coverage", NULL };
  const char *split[] = { "-g", "-gsplit-dwarf", NULL };
  g_autoptr (TvmCompiler) gcc = tvm_compiler_new_for_command ("gcc");
  g_autoptr (TvmCompileResult) result = NULL;
  gsize length;

  g_set_object (&self->compiler, gcc);
  tvm_compile_request_set_options (linked, coverage);
  result = compile_fixture_compile (self, linked);
  compile_fixture_assert_ok (result);
  g_assert_true (compile_fixture_exists (self, "prog-main.gcno"));
  nothing = compile_fixture_run (program, NULL);
  g_assert_true (compile_fixture_exists (self, "prog-main.gcda"));

  g_clear_object (&result);
  tvm_compile_request_set_options (compiled, split);
  result = compile_fixture_compile (self, compiled);
  compile_fixture_assert_ok (result);
  g_assert_true (compile_fixture_exists (self, "main.dwo"));
  g_assert_true (g_file_get_contents (object, &contents, &length, NULL));
  g_assert_null (memmem (contents, length, ".tvm-", 5));
}

static void
test_side_outputs_clang (CompileFixture *self,
                         gconstpointer   data)
{
  g_autofree char *source =
    compile_fixture_write (self, "main.c", "int main (void) { return 0; }\n");
  g_autofree char *gcda = compile_fixture_path (self, "main.gcda");
  g_autofree char *object = compile_fixture_path (self, "main.o");
  g_autofree char *contents = NULL;
  g_autoptr (TvmCompileRequest) compiled =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "main.o");
  g_autoptr (TvmCompileRequest) linked =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, source, "prog");
  const char *coverage[] = { "--coverage", NULL };
  g_autoptr (TvmCompiler) clang = tvm_compiler_new_for_command ("clang");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) refused = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (!compile_fixture_have ("clang"))
    return;

  tvm_compile_request_set_options (compiled, coverage);
  tvm_compile_request_set_options (linked, coverage);
  result = tvm_compiler_compile (clang, compiled, NULL, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
  g_assert_true (compile_fixture_exists (self, "main.gcno"));
  g_assert_true (g_file_get_contents (object, &contents, &length, NULL));
  g_assert_nonnull (memmem (contents, length, gcda, strlen (gcda)));

  refused = tvm_compiler_compile (clang, linked, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
}

static void
test_language_follows_source (CompileFixture *self,
                              gconstpointer   data)
{
  /* Words that C++ keeps for itself */
  g_autofree char *source =
    compile_fixture_write (self, "words.c", "int class (int new) { return new; }\n");
  const char *objects[] = { source, NULL };
  const char * const commands[] = { "g++", "gcc", "clang++" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command (commands[i]);
      g_autofree char *output = compile_fixture_path (self, "libwords.so");
      g_autoptr (TvmCompileResult) result = NULL;
      g_autoptr (GError) error = NULL;

      result = tvm_compiler_create_shared (compiler, output, objects, NULL, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_false (needs_library (self, "libwords.so", "libstdc++"));
    }
}

static void
test_link_uses_what_inputs_need (CompileFixture *self,
                                 gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (
    self, "throw.cc", "extern \"C\" int f (int i) { if (i) throw i; return 0; }\n");
  g_autofree char *object = compile_fixture_path (self, "throw.o");
  g_autofree char *output = compile_fixture_path (self, "libthrow.so");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "throw.o");
  g_autoptr (TvmCompileResult) compiled = compile_fixture_compile (self, request);
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command ("gcc");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *objects[] = { object, NULL };

  compile_fixture_assert_ok (compiled);

  /* A C driver was asked for, but the object needs the C++ runtime. */
  result = tvm_compiler_create_shared (compiler, output, objects, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (needs_library (self, "libthrow.so", "libstdc++"));
}

static void
test_staticlib (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *one = compile_fixture_path (self, "one");
  g_autofree char *two = compile_fixture_path (self, "two");
  g_autofree char *first = g_build_filename (self->folder, "one", "same.c", NULL);
  g_autofree char *second = g_build_filename (self->folder, "two", "same.c", NULL);
  g_autofree char *library = compile_fixture_path (self, "libsame.a");
  g_autofree char *contents = NULL;
  g_autofree char *again = NULL;
  const char *inputs[] = { first, second, NULL };
  g_autofree char *out = NULL;
  gsize length, again_length;
  guint i;

  g_mkdir (one, 0755);
  g_mkdir (two, 0755);
  g_file_set_contents (first, "int first (void) { return 1; }\n", -1, NULL);
  g_file_set_contents (second, "int second (void) { return 2; }\n", -1, NULL);

  for (i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result =
        tvm_compiler_create_staticlib (self->compiler, library, inputs, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_true (g_file_get_contents (library, i == 0 ? &contents : &again,
                                          i == 0 ? &length : &again_length, NULL));
    }

  g_assert_cmpmem (contents, length, again, again_length);
  out = compile_fixture_run ("nm", "-g", library, NULL);
  g_assert_nonnull (strstr (out, "T first"));
  g_assert_nonnull (strstr (out, "T second"));
}

static void
test_library_behind_inputs (CompileFixture *self,
                            gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *main_c = compile_fixture_write (self, "main.c", main_source);
  g_autofree char *library = compile_fixture_path (self, "libadd.a");
  g_autofree char *program = compile_fixture_path (self, "prog");
  g_autofree char *folder_option = g_strconcat ("-L", self->folder, NULL);
  const char *inputs[] = { add, NULL };
  const char *objects[] = { main_c, NULL };
  const char *options[] = { folder_option, "-ladd", NULL };
  g_autoptr (TvmCompileResult) archived = NULL;
  g_autoptr (TvmCompileResult) linked = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;

  archived = tvm_compiler_create_staticlib (self->compiler, library, inputs, NULL, NULL, &error);
  g_assert_no_error (error);
  linked = tvm_compiler_create_executable (self->compiler, program, objects, options, NULL, NULL,
                                           NULL, &error);
  g_assert_no_error (error);
  out = compile_fixture_run (program, NULL);
  g_assert_cmpstr (out, ==, "5\n");
}

static void
test_tar_of_objects (CompileFixture *self,
                     gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *readme = compile_fixture_write (self, "readme.txt", "no object\n");
  g_autofree char *archive = compile_fixture_path (self, "objects.bin");
  g_autofree char *output = compile_fixture_path (self, "libadd.so");
  g_autofree char *out = NULL;
  g_autofree char *nothing = NULL;
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, add, "add.o");
  g_autoptr (TvmCompileResult) compiled = compile_fixture_compile (self, request);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *objects[] = { archive, NULL };

  compile_fixture_assert_ok (compiled);
  nothing = compile_fixture_run ("tar", "-czf", archive, "-C", self->folder, "add.o", "readme.txt",
                                 NULL);

  result =
    tvm_compiler_create_shared (self->compiler, output, objects, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  out = compile_fixture_run ("nm", "-D", output, NULL);
  g_assert_nonnull (strstr (out, "T add"));
}

static char *
read_cache_status (CompileFixture    *self,
                   TvmCompileRequest *request)
{
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
  g_autoptr (GEnumClass) klass = NULL;

  compile_fixture_assert_ok (result);
  switch (tvm_compile_result_get_cache_status (result))
    {
    case TVM_CACHE_STATUS_HIT:
      return g_strdup ("hit");
    case TVM_CACHE_STATUS_MISS:
      return g_strdup ("miss");
    case TVM_CACHE_STATUS_BYPASS:
      return g_strdup ("bypass");
    case TVM_CACHE_STATUS_DISABLED:
    default:
      return g_strdup ("disabled");
    }
}

static void
test_ccache (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *cache = g_strconcat ("CCACHE_DIR=", self->folder, "/ccache", NULL);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "lib.so");
  const char *environ_[] = { cache, "CCACHE_TEMPDIR=/nonexistent/never-used", NULL };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *without = NULL;

  if (!compile_fixture_have ("ccache"))
    return;

  environ_[1] = NULL;
  without = read_cache_status (self, request);
  tvm_compile_request_set_ccache_environ (request, environ_);
  first = read_cache_status (self, request);
  second = read_cache_status (self, request);
  g_assert_cmpstr (without, ==, "disabled");
  g_assert_cmpstr (first, ==, "miss");
  g_assert_cmpstr (second, ==, "hit");
}

static void
test_ccache_missing (CompileFixture *self,
                     gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  const char *environ_[] = { NULL };
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  toolchain = tvm_compiler_load_toolchain (self->compiler, NULL, &error);
  g_assert_no_error (error);
  tvm_compile_request_set_ccache_environ (request, environ_);
  g_setenv ("PATH", self->folder, TRUE);
  result = tvm_compiler_compile (self->compiler, request, NULL, &error);
  g_setenv ("PATH", path, TRUE);

  g_assert_no_error (error);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "ccache"));
}

static void
test_cross (CompileFixture *self,
            gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *library = compile_fixture_path (self, "libadd.a");
  g_autofree char *shared = compile_fixture_path (self, "libadd.so");
  const char *objects[] = { source, NULL };
  const char *options[] = { "-lm", "-O1", NULL };
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autofree char *ar = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  if (!compile_fixture_have ("aarch64-linux-gnu-gcc"))
    return;

  compiler = tvm_compiler_new_cross ("aarch64-linux-gnu-gcc", options, NULL, NULL);
  g_assert_cmpstr (tvm_compiler_get_output_format (compiler), ==, "so");
  g_assert_null (tvm_compiler_get_target_triple (compiler));

  /* Twice: nothing of the first call may be left in the options of the second. */
  for (i = 0; i < 2; i++)
    {
      g_autoptr (TvmCompileResult) result = tvm_compiler_create_shared (
        compiler, shared, objects, options, NULL, NULL, NULL, &error);
      g_autofree char *line = NULL;
      g_auto (GStrv) pieces = NULL;

      g_assert_no_error (error);
      line = tvm_compile_result_dup_command_line (result);
      pieces = g_strsplit (line, "-lm", -1);
      g_assert_cmpint (g_strv_length (pieces), ==, 3);
    }

  g_assert_cmpstr (tvm_compiler_get_target_triple (compiler), ==, "aarch64-linux-gnu");
  toolchain = tvm_compiler_load_toolchain (compiler, NULL, &error);
  g_assert_no_error (error);
  ar = tvm_toolchain_find_tool (toolchain, "ar", &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (ar, "/aarch64-linux-gnu-ar"));
  {
    g_autoptr (TvmCompileResult) result =
      tvm_compiler_create_staticlib (compiler, library, objects, NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_nonnull (result);
  }
}

static void
test_clang_diagnostics (CompileFixture *self,
                        gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "broken.c", broken_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "broken.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;

  if (!compile_fixture_have ("clang"))
    return;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("clang");
  result = compile_fixture_compile (self, request);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 1);
  diagnostic = get_diagnostic (result, 0);
  g_assert_cmpstr (tvm_diagnostic_get_file (diagnostic), ==, source);
  g_assert_cmpuint (tvm_diagnostic_get_line (diagnostic), ==, 3);
  g_assert_cmpuint (tvm_diagnostic_get_column (diagnostic), ==, 10);
  g_assert_nonnull (strstr (tvm_diagnostic_get_message (diagnostic), "undeclared"));
}

static void
test_compile_all (CompileFixture *self,
                  gconstpointer   data)
{
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;
  const guint n = 12;
  guint i;

  for (i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("k%u.c", i);
      g_autofree char *object = g_strdup_printf ("k%u.o", i);
      /* One does not compile, one is not there. */
      g_autofree char *source =
        i == 7 ? compile_fixture_path (self, name)
               : compile_fixture_write (self, name, i == 3 ? broken_source : add_source);
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, object);

      g_list_store_append (requests, request);
    }

  results = tvm_compiler_compile_all (self->compiler, G_LIST_MODEL (requests), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (results), ==, n);
  for (i = 0; i < n; i++)
    {
      g_autoptr (TvmCompileResult) result = g_list_model_get_item (results, i);
      g_autofree char *object = g_strdup_printf ("k%u.o", i);
      gboolean ok = tvm_compile_result_check (result, &error);

      g_assert_cmpint (compile_fixture_exists (self, object), ==, ok);
      if (i == 3)
        g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
      else if (i == 7)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      else
        g_assert_no_error (error);
      g_clear_error (&error);
    }
}

static void
test_compile_all_empty (CompileFixture *self,
                        gconstpointer   data)
{
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;

  results = tvm_compiler_compile_all (self->compiler, G_LIST_MODEL (requests), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (results), ==, 0);
}

typedef struct
{
  guint n_started;
  guint n_finished;
  guint n_done;
  guint n_total;
  GThread *thread;
} Events;

static void
on_started (TvmCompiler       *compiler,
            TvmCompileRequest *request,
            Events            *events)
{
  g_assert_true (g_thread_self () == events->thread);
  events->n_started++;
}

static void
on_finished (TvmCompiler       *compiler,
             TvmCompileRequest *request,
             TvmCompileResult  *result,
             Events            *events)
{
  g_assert_true (g_thread_self () == events->thread);
  events->n_finished++;
}

static void
on_progress (TvmCompiler       *compiler,
             TvmCompileRequest *request,
             guint              n_done,
             guint              n_total,
             Events            *events)
{
  g_assert_true (g_thread_self () == events->thread);
  g_assert_cmpuint (n_done, ==, events->n_done + 1);
  events->n_done = n_done;
  events->n_total = n_total;
}

static void
test_signals (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *add = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *main_c = compile_fixture_write (self, "main.c", main_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, main_c, "prog");
  g_autoptr (TvmCompileResult) result = NULL;
  Events events = { 0, 0, 0, 0, g_thread_self () };

  tvm_compile_request_add_input (request, add, TVM_LANGUAGE_AUTO);
  g_signal_connect (self->compiler, "job-started", G_CALLBACK (on_started), &events);
  g_signal_connect (self->compiler, "job-finished", G_CALLBACK (on_finished), &events);
  g_signal_connect (self->compiler, "progress", G_CALLBACK (on_progress), &events);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  g_assert_cmpuint (events.n_started, ==, 1);
  g_assert_cmpuint (events.n_finished, ==, 1);
  g_assert_cmpuint (events.n_done, ==, 3);
  g_assert_cmpuint (events.n_total, ==, 3);
}

static gpointer
compile_in_thread (gpointer data)
{
  CompileFixture *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autofree char *source = compile_fixture_path (self, "add.c");
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_add_input (request, source, TVM_LANGUAGE_AUTO);
  tvm_compiler_compile_async (self->compiler, request, NULL, compile_fixture_ready, &async_result);
  while (async_result == NULL)
    g_main_context_iteration (context, TRUE);
  result = tvm_compiler_compile_finish (self->compiler, async_result, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
  g_assert_nonnull (tvm_compile_result_get_bytes (result));
  g_clear_object (&async_result);
  while (g_main_context_iteration (context, FALSE))
    ;

  return NULL;
}

static void
test_threads (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  GThread *threads[4];
  guint i;

  /* Nobody iterates the default context meanwhile. */
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("compile", compile_in_thread, self);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_json (CompileFixture *self,
           gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "broken.c", broken_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "lib.so");
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
  g_autofree char *json = tvm_compile_result_to_json (result);

  g_assert_nonnull (strstr (json, "\"successful\" : false"));
  g_assert_nonnull (strstr (json, "\"severity\" : \"error\""));
  g_assert_nonnull (strstr (json, "\"kind\" : \"shared\""));
}

typedef struct
{
  TvmCompiler parent_instance;
} TestCompiler;

typedef struct
{
  TvmCompilerClass parent_class;
} TestCompilerClass;

GType test_compiler_get_type (void);
G_DEFINE_TYPE (TestCompiler, test_compiler, TVM_TYPE_COMPILER)

static char **
test_compiler_build_argv (TvmCompiler        *self,
                          TvmToolchain       *toolchain,
                          TvmCompileRequest  *request,
                          GError            **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;

  /* What a binding whose override threw something else than a GError leaves behind */
  if (tvm_compile_request_get_kind (request) != TVM_COMPILE_KIND_OBJECT)
    return NULL;

  argv = TVM_COMPILER_CLASS (test_compiler_parent_class)
           ->build_argv (self, toolchain, request, error);
  g_strv_builder_addv (builder, (const char **) argv);
  g_strv_builder_add (builder, "-DVALUE=42");
  return g_strv_builder_end (builder);
}

static void
test_compiler_class_init (TestCompilerClass *klass)
{
  klass->parent_class.build_argv = test_compiler_build_argv;
}

static void
test_compiler_init (TestCompiler *self)
{
}

static void
test_derived (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source =
    compile_fixture_write (self, "value.c", "int value (void) { return VALUE; }\n");
  g_autoptr (TvmCompileRequest) object =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "value.o");
  g_autoptr (TvmCompileRequest) shared =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "value.so");
  g_autoptr (TvmCompileResult) compiled = NULL;
  g_autoptr (TvmCompileResult) linked = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->compiler);
  self->compiler = g_object_new (test_compiler_get_type (), NULL);
  compiled = compile_fixture_compile (self, object);
  compile_fixture_assert_ok (compiled);

  linked = compile_fixture_compile (self, shared);
  g_assert_false (tvm_compile_result_check (linked, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "TestCompiler"));
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/compiler/object", test_object);
  compile_fixture_add ("/compiler/unsupported-kinds", test_unsupported_kinds);
  compile_fixture_add ("/compiler/llvm-ir", test_llvm_ir);
  compile_fixture_add ("/compiler/own-depfile", test_own_depfile);
  compile_fixture_add ("/compiler/bytes", test_bytes);
  compile_fixture_add ("/compiler/bytes/broken", test_bytes_broken);
  compile_fixture_add ("/compiler/executable", test_executable);
  compile_fixture_add ("/compiler/create-shared", test_create_shared);
  compile_fixture_add ("/compiler/create-shared/broken", test_create_shared_broken);
  compile_fixture_add ("/compiler/link-failed", test_link_failed);
  compile_fixture_add ("/compiler/all-sources-report", test_all_sources_report);
  compile_fixture_add ("/compiler/warning-kept", test_warning_kept);
  compile_fixture_add ("/compiler/fatal-errors", test_fatal_errors);
  compile_fixture_add ("/compiler/side-outputs", test_side_outputs);
  compile_fixture_add ("/compiler/side-outputs/clang", test_side_outputs_clang);
  compile_fixture_add ("/compiler/language-follows-source", test_language_follows_source);
  compile_fixture_add ("/compiler/link-uses-what-inputs-need", test_link_uses_what_inputs_need);
  compile_fixture_add ("/compiler/staticlib", test_staticlib);
  compile_fixture_add ("/compiler/library-behind-inputs", test_library_behind_inputs);
  compile_fixture_add ("/compiler/tar-of-objects", test_tar_of_objects);
  compile_fixture_add ("/compiler/ccache", test_ccache);
  compile_fixture_add ("/compiler/ccache/missing", test_ccache_missing);
  compile_fixture_add ("/compiler/cross", test_cross);
  compile_fixture_add ("/compiler/clang-diagnostics", test_clang_diagnostics);
  compile_fixture_add ("/compiler/compile-all", test_compile_all);
  compile_fixture_add ("/compiler/compile-all/empty", test_compile_all_empty);
  compile_fixture_add ("/compiler/signals", test_signals);
  compile_fixture_add ("/compiler/threads", test_threads);
  compile_fixture_add ("/compiler/json", test_json);
  compile_fixture_add ("/compiler/derived", test_derived);

  return g_test_run ();
}
