/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/gpu/tvm-vendor-library-private.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* NVRTC itself, where the machine has it; it needs no GPU. */

#define KERNEL "extern \"C\" __global__ void scale (float *a, float s) { a[threadIdx.x] *= s; }\n"

typedef struct
{
  TvmNvrtcCompiler *compiler;
  TvmCompileRequest *request;
  TvmTempDirectory *temp;
} Fixture;

static void
add_source (TvmCompileRequest *request,
            const char        *source)
{
  g_autoptr (GBytes) bytes = g_bytes_new (source, strlen (source));

  tvm_compile_request_add_input_bytes (request, "k.cu", bytes, TVM_LANGUAGE_CUDA);
}

static TvmCompileRequest *
make_request (TvmCompileKind  kind,
              const char     *arch,
              const char     *source)
{
  TvmCompileRequest *request = tvm_compile_request_new (kind);

  tvm_compile_request_set_arch (request, arch);
  if (source != NULL)
    add_source (request, source);

  return request;
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  fixture->compiler = tvm_nvrtc_compiler_new (NULL);
  fixture->request = make_request (TVM_COMPILE_KIND_CUBIN, "sm_90", NULL);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_object_unref (fixture->request);
  g_object_unref (fixture->compiler);
  g_object_unref (fixture->temp);
}

static void
set_options (Fixture    *fixture,
             const char *options)
{
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (options, NULL, &argv, NULL));
  tvm_compile_request_set_options (fixture->request, (const char * const *) argv);
}

static TvmCompileResult *
compile (Fixture           *fixture,
         TvmCompileRequest *request)
{
  g_autoptr (GError) error = NULL;
  TvmCompileResult *result =
    tvm_compiler_compile (TVM_COMPILER (fixture->compiler), request, NULL, &error);

  g_assert_no_error (error);
  return result;
}

static TvmCompileResult *
compile_well (Fixture           *fixture,
              TvmCompileRequest *request)
{
  g_autoptr (GError) error = NULL;
  TvmCompileResult *result = compile (fixture, request);

  tvm_compile_result_check (result, &error);
  g_assert_no_error (error);
  return result;
}

static void
assert_error (Fixture    *fixture,
              int         code,
              const char *part)
{
  g_autoptr (GError) error = NULL;
  TvmCompileResult *result =
    tvm_compiler_compile (TVM_COMPILER (fixture->compiler), fixture->request, NULL, &error);

  g_assert_error (error, TVM_ERROR, code);
  g_assert_null (result);
  g_assert_nonnull (strstr (error->message, part));
}

static void
assert_starts_with (TvmCompileResult *result,
                    const char       *magic,
                    gsize             length)
{
  GBytes *bytes = tvm_compile_result_get_bytes (result);
  gsize size;
  const char *data;

  g_assert_nonnull (bytes);
  data = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, >=, length);
  g_assert_cmpmem (data, length, magic, length);
}

static void
test_kinds (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TvmCompileRequest) ptx = make_request (TVM_COMPILE_KIND_PTX, "9.0", KERNEL);
  g_autoptr (TvmCompileRequest) plain = make_request (TVM_COMPILE_KIND_PTX, NULL, KERNEL);
  g_autoptr (TvmCompileRequest) lto = make_request (TVM_COMPILE_KIND_LTO_IR, "sm_90", KERNEL);
  g_autoptr (TvmCompileResult) cubin_result = NULL;
  g_autoptr (TvmCompileResult) ptx_result = NULL;
  g_autoptr (TvmCompileResult) plain_result = NULL;
  g_autoptr (TvmCompileResult) lto_result = NULL;
  gsize size;
  const char *text;

  add_source (fixture->request, KERNEL);
  cubin_result = compile_well (fixture, fixture->request);
  assert_starts_with (cubin_result, "\177ELF", 4);
  g_assert_cmpstr (tvm_compile_result_get_log_text (cubin_result), ==, "");

  ptx_result = compile_well (fixture, ptx);
  text = g_bytes_get_data (tvm_compile_result_get_bytes (ptx_result), &size);
  g_assert_nonnull (g_strstr_len (text, size, ".target sm_90"));
  g_assert_cmpint (text[size - 1], !=, '\0');

  plain_result = compile_well (fixture, plain);
  lto_result = compile_well (fixture, lto);
  g_assert_cmpuint (g_bytes_get_size (tvm_compile_result_get_bytes (lto_result)), >, 0);
}

static void
test_files (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *header =
    g_build_filename (tvm_temp_directory_get_path (fixture->temp), "k.h", NULL);
  g_autofree char *source =
    g_build_filename (tvm_temp_directory_get_path (fixture->temp), "k.cu", NULL);
  g_autofree char *output =
    g_build_filename (tvm_temp_directory_get_path (fixture->temp), "k.cubin", NULL);
  g_autofree char *contents = NULL;

  g_file_set_contents (header, KERNEL, -1, &error);
  g_assert_no_error (error);
  g_file_set_contents (source, "#include \"k.h\"\n", -1, &error);
  g_assert_no_error (error);

  /* All of it relative to a folder that is not that of the process */
  tvm_compile_request_add_input (fixture->request, "k.cu", TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (fixture->request, "k.cubin");
  tvm_compile_request_set_working_directory (fixture->request,
                                             tvm_temp_directory_get_path (fixture->temp));
  result = compile_well (fixture, fixture->request);
  g_assert_cmpstr (tvm_compile_result_get_output (result), ==, output);
  g_assert_null (tvm_compile_result_get_bytes (result));
  g_file_get_contents (output, &contents, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (contents, "\177ELF"));
}

static TvmDiagnostic *
get_only_diagnostic (TvmCompileResult *result)
{
  GListModel *diagnostics = tvm_compile_result_get_diagnostics (result);

  g_assert_cmpuint (g_list_model_get_n_items (diagnostics), ==, 1);
  return g_list_model_get_item (diagnostics, 0);
}

static void
test_refused_source (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  g_autoptr (GError) error = NULL;

  add_source (fixture->request, "__global__ void k (nonsense x) {}\n");
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_get_successful (result));
  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 1);
  diagnostic = get_only_diagnostic (result);
  /* Nothing was put in front of the source. */
  g_assert_cmpuint (tvm_diagnostic_get_line (diagnostic), ==, 1);

  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
  g_assert_nonnull (strstr (error->message, "nonsense"));
}

static void
test_log_of_success (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;

  add_source (fixture->request, "extern \"C\" __global__ void k () { int unused; }\n");
  set_options (fixture, "-Xptxas -v -std=c++20 -D FIRST=1 -DSECOND");
  result = compile_well (fixture, fixture->request);
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (result), ==, 1);
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "registers"));
}

static void
test_options (Fixture       *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;
  g_auto (GStrv) argv = NULL;

  add_source (fixture->request,
              "#if __cplusplus < 202002L || FIRST != 1 || !defined (SECOND)\n"
              "#error options\n"
              "#endif\n"
              "#include <cuda/std/limits>\n"
              "#include <cuda_fp16.h>\n" KERNEL);
  set_options (fixture, "-std=c++20 -D FIRST=1 -DSECOND --ptxas-options -v -lineinfo -I /nowhere");
  result = compile_well (fixture, fixture->request);
  argv = tvm_compile_result_dup_argv (result);
  g_assert_true (g_strv_contains ((const char * const *) argv, "-DFIRST=1"));
  g_assert_true (g_strv_contains ((const char * const *) argv, "--ptxas-options=-v"));
  g_assert_true (g_strv_contains ((const char * const *) argv, "-I/nowhere"));
  g_assert_true (g_strv_contains ((const char * const *) argv, "-lineinfo"));
}

static void
test_refused_options (Fixture       *fixture,
                      gconstpointer  data)
{
  static const struct
  {
    const char *options;
    int code;
    const char *part;
  } cases[] = {
    { "-Xcompiler -fPIC", TVM_ERROR_UNSUPPORTED, "-Xcompiler" },
    { "-O3", TVM_ERROR_UNSUPPORTED, "-O3" },
    { "-lcublas", TVM_ERROR_UNSUPPORTED, "-lcublas" },
    { "-o x -Xptxas -v", TVM_ERROR_INVALID_ARGUMENT, "-o" },
    { "--cubin", TVM_ERROR_INVALID_ARGUMENT, "--cubin" },
    { "-gencode arch=compute_90,code=sm_90", TVM_ERROR_UNSUPPORTED, "-gencode" },
    { "orphan", TVM_ERROR_INVALID_ARGUMENT, "orphan" },
    { "-D", TVM_ERROR_INVALID_ARGUMENT, "-D" },
    { "-arch=sm_80", TVM_ERROR_INVALID_ARGUMENT, "sm_90" },
  };

  add_source (fixture->request, KERNEL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      set_options (fixture, cases[i].options);
      assert_error (fixture, cases[i].code, cases[i].part);
    }
}

/* What only NVRTC can know it says itself. */
static void
test_unknown_option (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  g_autoptr (GError) error = NULL;

  add_source (fixture->request, KERNEL);
  set_options (fixture, "-fPIC");
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_nonnull (strstr (error->message, "-fPIC"));
  diagnostic = get_only_diagnostic (result);
  g_assert_cmpint (tvm_diagnostic_get_severity (diagnostic), ==, TVM_DIAGNOSTIC_SEVERITY_ERROR);
}

static void
test_archs (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (TvmCompileResult) result = NULL;

  add_source (fixture->request, KERNEL);
  tvm_compile_request_set_arch (fixture->request, NULL);
  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "names none");
  tvm_compile_request_set_arch (fixture->request, "compute_90");
  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "compute_90");
  tvm_compile_request_set_arch (fixture->request, "sm_80,sm_90");
  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "sm_80,sm_90");
  tvm_compile_request_set_arch (fixture->request, "gfx90a");
  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "gfx90a");

  tvm_compile_request_set_arch (fixture->request, "sm_999");
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_get_successful (result));

  /* An architecture that is none of a GPU, behind our back */
  g_clear_object (&result);
  tvm_compile_request_set_arch (fixture->request, NULL);
  set_options (fixture, "-arch compute_90");
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_get_successful (result));
  g_assert_null (tvm_compile_result_get_bytes (result));
}

static void
test_bad_requests (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (GBytes) nul = g_bytes_new_static ("a\0b", 3);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "no input");

  tvm_compile_request_add_input_bytes (fixture->request, "k.cu", nul, TVM_LANGUAGE_CUDA);
  assert_error (fixture, TVM_ERROR_INVALID_ARGUMENT, "NUL");

  g_clear_object (&fixture->request);
  fixture->request = make_request (TVM_COMPILE_KIND_FATBIN, "sm_90", KERNEL);
  assert_error (fixture, TVM_ERROR_UNSUPPORTED, "fatbin");

  g_clear_object (&fixture->request);
  fixture->request = make_request (TVM_COMPILE_KIND_PTX, NULL, "");
  result = compile_well (fixture, fixture->request);

  g_clear_object (&fixture->request);
  fixture->request = make_request (TVM_COMPILE_KIND_PTX, NULL, NULL);
  tvm_compile_request_add_input (fixture->request, "/nowhere/k.cu", TVM_LANGUAGE_CUDA);
  g_assert_null (tvm_compiler_compile (TVM_COMPILER (fixture->compiler), fixture->request, NULL,
                                       &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_name_expressions (Fixture       *fixture,
                       gconstpointer  data)
{
  const char *expressions[] = { "scale<float>", "&table", NULL };
  const char *wrong[] = { "missing<float>", NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  const char *name;

  add_source (fixture->request,
              "__constant__ int table[4];\n"
              "template <typename T> __global__ void scale (T *a) { *a *= table[0]; }\n");
  tvm_compile_request_set_name_expressions (fixture->request, expressions);
  result = compile_well (fixture, fixture->request);
  name = tvm_compile_result_get_lowered_name (result, "scale<float>");
  g_assert_cmpstr (name, ==, "_Z5scaleIfEvPT_");
  g_assert_cmpstr (tvm_compile_result_get_lowered_name (result, "&table"), ==, "table");
  g_assert_null (tvm_compile_result_get_lowered_name (result, "scale<int>"));

  g_clear_object (&result);
  tvm_compile_request_set_name_expressions (fixture->request, wrong);
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_get_successful (result));
  g_assert_null (tvm_compile_result_get_lowered_name (result, wrong[0]));
}

/* Takes NVRTC seconds, until it is told to stop */
static char *
make_slow_source (void)
{
  GString *source = g_string_new (NULL);

  for (int i = 0; i < 600; i++)
    g_string_append_printf (source, "extern \"C\" __global__ void k%d (float *a) { float x = a[0];\n"
                                    "for (int i = 0; i < a[1]; i++) { x = x * x + %d;\n"
                                    "x = sinf (x) * cosf (x); } a[threadIdx.x] = x; }\n", i, i);

  return g_string_free (source, FALSE);
}

typedef struct
{
  GMainLoop *loop;
  GCancellable *cancellable;
  TvmCompileResult *result;
  GError *error;
  guint n_ticks;
  guint n_pending;
} Wait;

static void
compile_ready (GObject      *source,
               GAsyncResult *async_result,
               gpointer      user_data)
{
  Wait *wait = user_data;

  g_clear_object (&wait->result);
  g_clear_error (&wait->error);
  wait->result = tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &wait->error);
  wait->n_pending--;
  if (wait->n_pending == 0)
    g_main_loop_quit (wait->loop);
}

static gboolean
tick (gpointer user_data)
{
  Wait *wait = user_data;

  wait->n_ticks++;
  if (wait->n_ticks == 20 && wait->cancellable != NULL)
    g_cancellable_cancel (wait->cancellable);

  return G_SOURCE_CONTINUE;
}

static void
run (Fixture           *fixture,
     TvmCompileRequest *request,
     Wait              *wait)
{
  guint source_id = g_timeout_add (2, tick, wait);

  wait->loop = g_main_loop_new (NULL, FALSE);
  wait->n_pending++;
  tvm_compiler_compile_async (TVM_COMPILER (fixture->compiler), request, wait->cancellable,
                              compile_ready, wait);
  g_main_loop_run (wait->loop);
  g_clear_pointer (&wait->loop, g_main_loop_unref);
  g_source_remove (source_id);
}

static void
wait_clear (Wait *wait)
{
  g_clear_object (&wait->cancellable);
  g_clear_object (&wait->result);
  g_clear_error (&wait->error);
}

/* The main loop runs while NVRTC is loaded and compiles: were it to wait, no tick would come before
 * the end. */
static void
test_loop_runs (Fixture       *fixture,
                gconstpointer  data)
{
  g_autofree char *source = make_slow_source ();
  Wait wait = { NULL, };

  wait.cancellable = g_cancellable_new ();
  add_source (fixture->request, source);
  run (fixture, fixture->request, &wait);
  g_assert_error (wait.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (wait.result);
  g_assert_cmpuint (wait.n_ticks, >=, 20);
  wait_clear (&wait);
}

/* A header that includes itself without end is refused, soon. */
static void
test_include_loop (Fixture       *fixture,
                   gconstpointer  data)
{
  const char *folder = tvm_temp_directory_get_path (fixture->temp);
  g_autofree char *header = g_build_filename (folder, "loop.h", NULL);
  const char *options[] = { "-I", folder, NULL };
  g_autoptr (TvmCompileResult) result = NULL;

  g_assert_true (g_file_set_contents (header, "#include \"loop.h\"\n", -1, NULL));
  tvm_compile_request_set_options (fixture->request, options);
  add_source (fixture->request, "#include <loop.h>\n" KERNEL);
  result = compile (fixture, fixture->request);
  g_assert_false (tvm_compile_result_get_successful (result));
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "loop.h"));
}

/* 50 MB of source, most of it comments; and a source of nothing */
static void
test_sizes (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (GString) source = g_string_sized_new (51 * 1024 * 1024);
  g_autoptr (TvmCompileRequest) empty = make_request (TVM_COMPILE_KIND_PTX, "sm_90", "");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) nothing = NULL;

  while (source->len < 50 * 1024 * 1024)
    g_string_append (source, "// What a generator writes into its sources, line after line.\n");
  g_string_append (source, KERNEL);
  add_source (fixture->request, source->str);
  result = compile_well (fixture, fixture->request);
  assert_starts_with (result, "\177ELF", 4);

  nothing = compile_well (fixture, empty);
  g_assert_cmpuint (g_bytes_get_size (tvm_compile_result_get_bytes (nothing)), >, 0);
}

/* What was cancelled makes no output, and others get a turn. */
static void
test_after_cancel (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autofree char *source = make_slow_source ();
  g_autofree char *output =
    g_build_filename (tvm_temp_directory_get_path (fixture->temp), "k.cubin", NULL);
  g_autoptr (TvmCompileRequest) other = make_request (TVM_COMPILE_KIND_CUBIN, "sm_90", KERNEL);
  g_autoptr (TvmCompileResult) result = NULL;
  Wait wait = { NULL, };

  tvm_compiler_set_max_jobs (TVM_COMPILER (fixture->compiler), 1);
  wait.cancellable = g_cancellable_new ();
  add_source (fixture->request, source);
  tvm_compile_request_set_output (fixture->request, output);
  run (fixture, fixture->request, &wait);
  g_assert_error (wait.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* There is one thread: when this is done, so is the other one. */
  result = compile_well (fixture, other);
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
  wait_clear (&wait);
}

static void
test_cancelled_before (Fixture       *fixture,
                       gconstpointer  data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  add_source (fixture->request, KERNEL);
  g_assert_null (tvm_compiler_compile (TVM_COMPILER (fixture->compiler), fixture->request,
                                       cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_time_limit (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autofree char *source = make_slow_source ();
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  add_source (fixture->request, source);
  tvm_compile_request_set_timeout (fixture->request, 50);
  result = compile (fixture, fixture->request);
  g_assert_true (tvm_compile_result_get_timed_out (result));
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "k.cu"));
}

/* Each gets what it asked for. */
static void
test_many (Fixture       *fixture,
           gconstpointer  data)
{
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *source =
        g_strdup_printf ("extern \"C\" __global__ void k%u (int *a) { *a = %u; }\n", i, i);
      g_autoptr (TvmCompileRequest) request = make_request (TVM_COMPILE_KIND_PTX, "sm_90", source);

      g_list_store_append (requests, request);
    }

  results = tvm_compiler_compile_all (TVM_COMPILER (fixture->compiler), G_LIST_MODEL (requests),
                                      NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (TvmCompileResult) result = g_list_model_get_item (results, i);
      g_autofree char *entry = g_strdup_printf (".visible .entry k%u(", i);
      GBytes *bytes = tvm_compile_result_get_bytes (result);

      g_assert_nonnull (bytes);
      g_assert_nonnull (g_strstr_len (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                      entry));
    }
}

/* exit() while NVRTC compiles: it would crash if it were not told to stop. */
static void
test_exit (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *source = NULL;
  Wait wait = { NULL, };

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }

  source = make_slow_source ();
  wait.cancellable = g_cancellable_new ();
  add_source (fixture->request, source);
  run (fixture, fixture->request, &wait);
  g_assert_error (wait.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  exit (0);
}

static void
assert_not_loaded (const char *library,
                   int         code,
                   const char *part)
{
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (library);
  g_autoptr (TvmCompileRequest) request = make_request (TVM_COMPILE_KIND_PTX, NULL, KERNEL);
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_compiler_compile (TVM_COMPILER (compiler), request, NULL, &error));
  g_assert_error (error, TVM_ERROR, code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_libraries (void)
{
  g_autofree char *old = g_test_build_filename (G_TEST_BUILT, "fake-nvrtc-old.so", NULL);
  g_autofree char *lacking = g_test_build_filename (G_TEST_BUILT, "fake-nvrtc-lacking.so", NULL);
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (old);

  g_assert_cmpstr (tvm_nvrtc_compiler_get_library (compiler), ==, old);
  assert_not_loaded ("/nowhere/libnvrtc.so.13", TVM_ERROR_NOT_FOUND, "/nowhere/libnvrtc.so.13");
  assert_not_loaded (old, TVM_ERROR_UNSUPPORTED, "10.2");
  assert_not_loaded (lacking, TVM_ERROR_UNSUPPORTED, "nvrtcGetErrorString");
}

static gpointer
refuse (void        *handle,
        const char  *path,
        GError     **error)
{
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED, "“%s” is refused", path);
  return NULL;
}

/* All places are named, and a library that does not serve says why. The names are invented, since
 * the dynamic loader may find a real one. */
static void
test_places (Fixture       *fixture,
             gconstpointer  data)
{
  static const char * const sonames[] = { "libtvm-none.so.2", "libtvm-none.so.1", NULL };
  static TvmVendorLibrary library = {
    "the library of the test", sonames, tvm_cuda_toolkit_dup_library_folders, refuse, NULL,
  };
  const char *root = tvm_temp_directory_get_path (fixture->temp);
  g_autofree char *old = g_test_build_filename (G_TEST_BUILT, "fake-nvrtc-old.so", NULL);
  g_autofree char *folder = g_build_filename (root, "lib64", NULL);
  g_autofree char *sign = g_build_filename (root, "version.json", NULL);
  g_autofree char *link = g_build_filename (folder, sonames[1], NULL);
  g_autofree char *refusal = g_strdup_printf ("“%s” is refused", link);
  g_autofree char *nothing = g_strdup_printf ("“%s/lib” has none of libtvm-none.so.2, ", root);
  g_autoptr (GFile) file = g_file_new_for_path (link);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (sign, "{}", -1, NULL));
  g_assert_true (g_file_make_symbolic_link (file, old, NULL, NULL));

  g_setenv ("CUDA_PATH", root, TRUE);
  g_assert_null (tvm_vendor_library_load (&library, NULL, &error));
  g_unsetenv ("CUDA_PATH");
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "the library of the test"));
  g_assert_nonnull (strstr (error->message, refusal));
  g_assert_nonnull (strstr (error->message, nothing));
  g_assert_nonnull (strstr (error->message, "libtvm-none.so.2: cannot open"));
  g_assert_nonnull (strstr (error->message, "libtvm-none.so.1: cannot open"));
}

static gboolean
has_nvrtc (void)
{
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = make_request (TVM_COMPILE_KIND_PTX, NULL, KERNEL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result =
    tvm_compiler_compile (TVM_COMPILER (compiler), request, NULL, &error);

  if (result == NULL)
    g_test_message ("No NVRTC: %s", error->message);
  return result != NULL;
}

static void
skip (void)
{
  g_test_skip ("there is no NVRTC");
}

static void
add (gboolean    works,
     const char *path,
     void     (* test) (Fixture *, gconstpointer))
{
  if (works)
    g_test_add (path, Fixture, NULL, set_up, test, tear_down);
  else
    g_test_add_func (path, skip);
}

/* It needs no library for that, and looks for no compiler of the host. */
static void
test_toolchain (void)
{
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new ("/nonexistent/libnvrtc.so.13");
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain =
    tvm_compiler_load_toolchain (TVM_COMPILER (compiler), NULL, &error);

  g_assert_null (toolchain);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_assert_cmpstr (error->message, ==,
                   "A “TvmNvrtcCompiler” runs no program and has no toolchain");
}

int
main (int    argc,
      char **argv)
{
  gboolean works;

  g_test_init (&argc, &argv, NULL);
  /* In a process of its own a test begins without any library. */
  works = g_test_subprocess () || has_nvrtc ();

  g_test_add_func ("/nvrtc/libraries", test_libraries);
  g_test_add_func ("/nvrtc/toolchain", test_toolchain);
  add (TRUE, "/nvrtc/places", test_places);
  add (works, "/nvrtc/kinds", test_kinds);
  add (works, "/nvrtc/files", test_files);
  add (works, "/nvrtc/refused-source", test_refused_source);
  add (works, "/nvrtc/log-of-success", test_log_of_success);
  add (works, "/nvrtc/options", test_options);
  add (works, "/nvrtc/refused-options", test_refused_options);
  add (works, "/nvrtc/unknown-option", test_unknown_option);
  add (works, "/nvrtc/archs", test_archs);
  add (works, "/nvrtc/bad-requests", test_bad_requests);
  add (works, "/nvrtc/include-loop", test_include_loop);
  add (works, "/nvrtc/sizes", test_sizes);
  add (works, "/nvrtc/name-expressions", test_name_expressions);
  add (works, "/nvrtc/loop-runs", test_loop_runs);
  add (works, "/nvrtc/after-cancel", test_after_cancel);
  add (works, "/nvrtc/cancelled-before", test_cancelled_before);
  add (works, "/nvrtc/time-limit", test_time_limit);
  add (works, "/nvrtc/many", test_many);
  add (works, "/nvrtc/exit", test_exit);

  return g_test_run ();
}
