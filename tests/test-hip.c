/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/gpu/tvm-hipcc-compiler.h"
#include "tvmsupport/gpu/tvm-hiprtc-compiler.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* hipcc and HIPRTC themselves, where the machine has them; they need no GPU. */

#define KERNEL                                                                                     \
  "extern \"C\" __global__ void scale (float *a, float s)\n{ a[threadIdx.x] *= s; }\n"
/* hipcc takes no built-in name without it, and HIPRTC does not mind. */
#define RUNTIME "#include <hip/hip_runtime.h>\n"

#define EM_AMDGPU 224

static TvmCompiler *
make_hipcc (void)
{
  g_autoptr (GError) error = NULL;
  TvmHipccCompiler *compiler = tvm_hipcc_compiler_new (NULL, &error);

  g_assert_no_error (error);
  return TVM_COMPILER (compiler);
}

static TvmCompiler *
make_hiprtc (void)
{
  return TVM_COMPILER (tvm_hiprtc_compiler_new (NULL));
}

static const struct
{
  const char *name;
  TvmCompiler * (* make) (void);
} makers[] = {
  { "hipcc", make_hipcc },
  { "HIPRTC", make_hiprtc },
};

static TvmCompileRequest *
make_request (const char *arch,
              const char *source)
{
  TvmCompileRequest *request = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
  g_autoptr (GBytes) bytes = g_bytes_new (source, strlen (source));

  tvm_compile_request_set_arch (request, arch);
  tvm_compile_request_add_input_bytes (request, "k.hip", bytes, TVM_LANGUAGE_HIP);

  return request;
}

static void
set_options (TvmCompileRequest *request,
             const char        *options)
{
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (options, NULL, &argv, NULL));
  tvm_compile_request_set_options (request, (const char * const *) argv);
}

static TvmCompileResult *
compile_well (TvmCompiler       *compiler,
              TvmCompileRequest *request)
{
  g_autoptr (GError) error = NULL;
  TvmCompileResult *result = tvm_compiler_compile (compiler, request, NULL, &error);

  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
  return result;
}

static void
assert_refused (TvmCompiler       *compiler,
                TvmCompileRequest *request,
                int                code,
                const char        *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = tvm_compiler_compile (compiler, request, NULL, &error);

  /* What is wrong with a command line is found out when it is made. */
  if (result != NULL)
    g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” is not in “%s”", part, error->message);
}

static void
assert_is_code_object (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (size, >, 64);
  g_assert_cmpmem (data, 4, "\177ELF", 4);
  g_assert_cmpuint (data[18], ==, EM_AMDGPU);
}

static gboolean
contains (GBytes     *bytes,
          const char *text)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return memmem (data, size, text, strlen (text)) != NULL;
}

/* Both make the file that the driver loads, of bytes and of files with difficult names. */
static void
test_code_objects (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *path = compile_fixture_write (self, "a \"b\" $(c).hip", RUNTIME KERNEL);

  for (gsize i = 0; i < G_N_ELEMENTS (makers); i++)
    {
      g_autoptr (TvmCompiler) compiler = makers[i].make ();
      g_autoptr (TvmCompileRequest) request = make_request ("gfx906", RUNTIME KERNEL);
      g_autoptr (TvmCompileResult) result = compile_well (compiler, request);
      g_autoptr (TvmCompileRequest) for_file =
        compile_fixture_request (self, TVM_COMPILE_KIND_HSACO, path, "out.hsaco");
      g_autoptr (TvmCompileResult) in_file = NULL;
      g_autofree char *output = compile_fixture_path (self, "out.hsaco");
      g_autofree char *contents = NULL;
      g_autoptr (GBytes) bytes = NULL;
      gsize size;

      assert_is_code_object (tvm_compile_result_get_bytes (result));
      g_assert_true (contains (tvm_compile_result_get_bytes (result), "scale.kd"));
      g_assert_true (contains (tvm_compile_result_get_bytes (result), "gfx906"));

      tvm_compile_request_set_arch (for_file, "gfx90a:xnack-");
      in_file = compile_well (compiler, for_file);
      g_assert_cmpstr (tvm_compile_result_get_output (in_file), ==, output);
      g_assert_true (g_file_get_contents (output, &contents, &size, NULL));
      bytes = g_bytes_new (contents, size);
      assert_is_code_object (bytes);
      g_assert_true (contains (bytes, "gfx90a:xnack-"));
      g_remove (output);
    }
}

/* What is wrong is reported at its place in the caller's source: line 1 is line 1. */
static void
test_diagnostics (CompileFixture *self,
                  gconstpointer   data)
{
  const char *source = "#warning be careful\n" RUNTIME "__global__ void f (int *a)\n{ *a = b; }\n";

  for (gsize i = 0; i < G_N_ELEMENTS (makers); i++)
    {
      g_autoptr (TvmCompiler) compiler = makers[i].make ();
      g_autoptr (TvmCompileRequest) request = make_request ("gfx906", source);
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result = tvm_compiler_compile (compiler, request, NULL, &error);
      g_autoptr (TvmDiagnostic) warning = NULL;
      g_autoptr (TvmDiagnostic) failure = NULL;
      GListModel *diagnostics;

      g_assert_no_error (error);
      g_assert_false (tvm_compile_result_check (result, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
      g_assert_nonnull (strstr (error->message, "undeclared identifier"));
      g_assert_null (tvm_compile_result_get_bytes (result));

      diagnostics = tvm_compile_result_get_diagnostics (result);
      g_assert_cmpuint (g_list_model_get_n_items (diagnostics), >=, 2);
      warning = g_list_model_get_item (diagnostics, 0);
      g_assert_cmpint (tvm_diagnostic_get_severity (warning), ==, TVM_DIAGNOSTIC_SEVERITY_WARNING);
      g_assert_cmpuint (tvm_diagnostic_get_line (warning), ==, 1);
      g_assert_true (g_str_has_suffix (tvm_diagnostic_get_file (warning), "k.hip"));
      failure = g_list_model_get_item (diagnostics, 1);
      g_assert_cmpint (tvm_diagnostic_get_severity (failure), ==, TVM_DIAGNOSTIC_SEVERITY_ERROR);
      g_assert_cmpuint (tvm_diagnostic_get_line (failure), ==, 4);
      g_assert_cmpuint (tvm_diagnostic_get_column (failure), ==, 8);
    }
}

/* Warnings of a success are kept, too. */
static void
test_log_of_success (CompileFixture *self,
                     gconstpointer   data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (makers); i++)
    {
      g_autoptr (TvmCompiler) compiler = makers[i].make ();
      g_autoptr (TvmCompileRequest) request =
        make_request ("gfx906", "#warning be careful\n" RUNTIME KERNEL);
      g_autoptr (TvmCompileResult) result = compile_well (compiler, request);

      g_assert_cmpuint (tvm_compile_result_get_n_warnings (result), ==, 1);
      g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "be careful"));
    }
}

/* HIPRTC would destroy the memory of the process for each of these. */
static void
test_archs (CompileFixture *self,
            gconstpointer   data)
{
  static const char * const archs[] = {
    "gfx9999", "gfx906:nonsense+", "gfx906:xnack", "gfx1030:xnack-", "nonsense", "sm_90",
  };
  g_autoptr (TvmCompiler) hiprtc = make_hiprtc ();
  g_autoptr (TvmCompiler) hipcc = make_hipcc ();
  g_autoptr (TvmCompileRequest) request = make_request (NULL, RUNTIME KERNEL);

  for (gsize i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      tvm_compile_request_set_arch (request, archs[i]);
      assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, archs[i]);
    }
  assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, "gfx90a");

  tvm_compile_request_set_arch (request, "nonsense");
  assert_refused (hipcc, request, TVM_ERROR_INVALID_ARGUMENT, "nonsense");
  tvm_compile_request_set_arch (request, "gfx906,gfx90a");
  assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, "gfx906,gfx90a");

  /* None, one in the options, and two of them */
  tvm_compile_request_set_arch (request, NULL);
  assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, "one architecture");
  assert_refused (hipcc, request, TVM_ERROR_INVALID_ARGUMENT, "names none");
  set_options (request, "--offload-arch=gfx908");
  g_object_unref (compile_well (hiprtc, request));
  g_object_unref (compile_well (hipcc, request));
  set_options (request, "--offload-arch=gfx908 --offload-arch=gfx906");
  assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, "gfx906");
  set_options (request, "--offload-arch=gfx908");
  tvm_compile_request_set_arch (request, "gfx906");
  assert_refused (hiprtc, request, TVM_ERROR_INVALID_ARGUMENT, "contradicts");
  assert_refused (hipcc, request, TVM_ERROR_INVALID_ARGUMENT, "contradicts");
}

/* Several architectures come in clang's bundle. */
static void
test_bundle (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompiler) compiler = make_hipcc ();
  g_autoptr (TvmCompileRequest) request = make_request ("gfx906,gfx90a", RUNTIME KERNEL);
  g_autoptr (TvmCompileResult) result = compile_well (compiler, request);
  GBytes *bytes = tvm_compile_result_get_bytes (result);

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), 24, "__CLANG_OFFLOAD_BUNDLE__", 24);
  g_assert_true (contains (bytes, "gfx906"));
  g_assert_true (contains (bytes, "gfx90a"));
}

/* Objects and shared libraries have code for the host and for GPUs. */
static void
test_libraries (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *path = compile_fixture_write (self, "my kernels.hip", RUNTIME KERNEL
                                                 "int answer () { return 42; }\n");
  g_autoptr (TvmCompiler) compiler = make_hipcc ();
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, path, "libk.so");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *library = compile_fixture_path (self, "libk.so");
  g_autofree char *contents = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize size;

  tvm_compile_request_set_arch (request, "gfx906,gfx90a");
  result = compile_well (compiler, request);
  g_assert_true (g_file_get_contents (library, &contents, &size, NULL));
  bytes = g_bytes_new (contents, size);
  g_assert_true (contains (bytes, "_Z6answerv"));
  g_assert_true (contains (bytes, "hipv4-amdgcn-amd-amdhsa--gfx90a"));
}

static void
test_name_expressions (CompileFixture *self,
                       gconstpointer   data)
{
  static const char * const expressions[] = { "g<float>", "g<int>", NULL };
  g_autoptr (TvmCompiler) compiler = make_hiprtc ();
  g_autoptr (TvmCompileRequest) request =
    make_request ("gfx906", "template <class T> __global__ void g (T *x) { *x = 1; }\n");
  g_autoptr (TvmCompileResult) result = NULL;

  tvm_compile_request_set_name_expressions (request, expressions);
  result = compile_well (compiler, request);
  g_assert_cmpstr (tvm_compile_result_get_lowered_name (result, "g<float>"), ==, "_Z1gIfEvPT_");
  g_assert_true (contains (tvm_compile_result_get_bytes (result), "_Z1gIiEvPT_"));
}

/* No option is dropped, and none takes the output away. */
static void
test_options (CompileFixture *self,
              gconstpointer   data)
{
  static const struct
  {
    const char *options;
    int code;
    const char *part;
  } refused[] = {
    { "-o x", TVM_ERROR_INVALID_ARGUMENT, "“-o”" },
    { "-S", TVM_ERROR_INVALID_ARGUMENT, "“-S”" },
    { "-MMD", TVM_ERROR_INVALID_ARGUMENT, "“-MMD”" },
    { "-xhip", TVM_ERROR_INVALID_ARGUMENT, "“-xhip”" },
    { "-lm", TVM_ERROR_UNSUPPORTED, "“-lm”" },
    { "-Wl,-z,now", TVM_ERROR_UNSUPPORTED, "“-Wl,-z,now”" },
    { "other.hip", TVM_ERROR_INVALID_ARGUMENT, "“other.hip”" },
    { "@file", TVM_ERROR_UNSUPPORTED, "“@file”" },
    { "-I", TVM_ERROR_INVALID_ARGUMENT, "“-I”" },
  };
  g_autofree char *header = compile_fixture_write (self, "mine.h", "#define VALUE 3\n");
  g_autoptr (TvmCompiler) compiler = make_hiprtc ();
  g_autoptr (TvmCompileRequest) request =
    make_request ("gfx906", "#include <mine.h>\nstatic_assert (VALUE + OTHER == 7, \"\");\n" KERNEL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) unknown = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      set_options (request, refused[i].options);
      assert_refused (compiler, request, refused[i].code, refused[i].part);
    }

  tvm_compile_request_set_working_directory (request, self->folder);
  set_options (request, "-I . -D OTHER=4 -O3 -ffast-math -std=c++17");
  result = compile_well (compiler, request);

  set_options (request, "--nonsense");
  unknown = tvm_compiler_compile (compiler, request, NULL, NULL);
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (unknown), "--nonsense"));
}

static void
test_bad_requests (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *binary = compile_fixture_write (self, "k.hip", KERNEL);
  g_autoptr (TvmCompiler) compiler = make_hiprtc ();
  g_autoptr (TvmCompileRequest) shared = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
  g_autoptr (TvmCompileRequest) none = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
  g_autoptr (TvmCompileRequest) empty = make_request ("gfx906", "");
  g_autoptr (TvmCompileRequest) c = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
  g_autoptr (TvmCompileRequest) nul = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
  g_autoptr (GBytes) bytes = g_bytes_new ("a\0b", 3);
  g_autoptr (TvmCompileResult) result = NULL;

  tvm_compile_request_add_input (shared, binary, TVM_LANGUAGE_AUTO);
  assert_refused (compiler, shared, TVM_ERROR_UNSUPPORTED, "shared");
  assert_refused (compiler, none, TVM_ERROR_INVALID_ARGUMENT, "");
  tvm_compile_request_add_input_bytes (nul, "k.hip", bytes, TVM_LANGUAGE_HIP);
  tvm_compile_request_set_arch (nul, "gfx906");
  assert_refused (compiler, nul, TVM_ERROR_INVALID_ARGUMENT, "NUL");
  tvm_compile_request_add_input (c, binary, TVM_LANGUAGE_C);
  assert_refused (compiler, c, TVM_ERROR_INVALID_ARGUMENT, "k.hip");

  /* HIPRTC itself crashes on this one. */
  result = compile_well (compiler, empty);
  assert_is_code_object (tvm_compile_result_get_bytes (result));
}

static void
test_missing (CompileFixture *self,
              gconstpointer   data)
{
  g_autoptr (TvmHiprtcCompiler) absent = tvm_hiprtc_compiler_new ("/nowhere/libhiprtc.so.6");
  g_autofree char *other = g_test_build_filename (G_TEST_BUILT, "fake-nvrtc-old.so", NULL);
  g_autoptr (TvmHiprtcCompiler) wrong = tvm_hiprtc_compiler_new (other);
  g_autoptr (TvmCompileRequest) request = make_request ("gfx906", KERNEL);
  g_autofree char *old_path = g_strdup (g_getenv ("PATH"));
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (tvm_hiprtc_compiler_get_library (wrong), ==, other);
  assert_refused (TVM_COMPILER (absent), request, TVM_ERROR_NOT_FOUND, "/nowhere/libhiprtc.so.6");
  assert_refused (TVM_COMPILER (wrong), request, TVM_ERROR_UNSUPPORTED, "hiprtcVersion");

  g_setenv ("PATH", self->folder, TRUE);
  g_setenv ("ROCM_PATH", self->folder, TRUE);
  g_assert_null (tvm_hipcc_compiler_new (NULL, &error));
  g_setenv ("PATH", old_path, TRUE);
  g_unsetenv ("ROCM_PATH");
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "ROCM_PATH"));
}

typedef struct
{
  GCancellable *cancellable;
  guint n_ticks;
} Ticks;

static gboolean
tick (gpointer user_data)
{
  Ticks *ticks = user_data;

  ticks->n_ticks++;
  if (ticks->n_ticks == 5 && ticks->cancellable != NULL)
    g_cancellable_cancel (ticks->cancellable);

  return G_SOURCE_CONTINUE;
}

/* Cancelled before, and midway while the loop runs on; the next compile works. */
static void
test_cancel (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompiler) compiler = make_hiprtc ();
  g_autoptr (TvmCompileRequest) request = make_request ("gfx906", RUNTIME KERNEL);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Ticks ticks = { cancelled, 0 };
  guint source_id;
  GAsyncResult *async_result = NULL;
  g_autoptr (GError) before = NULL;
  g_autoptr (GError) midway = NULL;
  g_autoptr (TvmCompileResult) result = NULL;

  source_id = g_timeout_add (2, tick, &ticks);
  tvm_compiler_compile_async (compiler, request, cancelled, compile_fixture_ready, &async_result);
  g_assert_null (tvm_compiler_compile_finish (compiler, compile_fixture_wait (&async_result),
                                              &midway));
  g_assert_error (midway, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (ticks.n_ticks, >=, 5);
  g_clear_object (&async_result);
  g_source_remove (source_id);

  g_assert_null (tvm_compiler_compile (compiler, request, cancelled, &before));
  g_assert_error (before, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  result = compile_well (compiler, request);
}

static void
test_time_limit (CompileFixture *self,
                 gconstpointer   data)
{
  g_autoptr (TvmCompiler) compiler = make_hiprtc ();
  g_autoptr (TvmCompileRequest) request = make_request ("gfx906", RUNTIME KERNEL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) next = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_set_timeout (request, 1);
  result = tvm_compiler_compile (compiler, request, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "HIPRTC"));

  /* The next one begins when HIPRTC is done with that one, and has removed its files. */
  tvm_compile_request_set_timeout (request, 0);
  next = compile_well (compiler, request);
}

/* HIPRTC of ROCm 5.2 gives some of these the code of others, if it is let. */
static void
test_many (CompileFixture *self,
           gconstpointer   data)
{
  TvmCompiler *compilers[] = { make_hiprtc (), make_hiprtc () };
  GAsyncResult *async_results[12] = { NULL, };

  for (guint i = 0; i < G_N_ELEMENTS (async_results); i++)
    {
      g_autofree char *source =
        g_strdup_printf ("extern \"C\" __global__ void kernel%u (int *a) { *a = %u; }\n", i, i);
      g_autoptr (TvmCompileRequest) request = make_request ("gfx906", source);

      tvm_compiler_compile_async (compilers[i % 2], request, NULL, compile_fixture_ready,
                                  &async_results[i]);
    }

  for (guint i = 0; i < G_N_ELEMENTS (async_results); i++)
    {
      g_autofree char *name = g_strdup_printf ("kernel%u.kd", i);
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result =
        tvm_compiler_compile_finish (compilers[i % 2], compile_fixture_wait (&async_results[i]),
                                     &error);
      GBytes *bytes;

      g_assert_no_error (error);
      compile_fixture_assert_ok (result);
      bytes = tvm_compile_result_get_bytes (result);
      g_assert_true (contains (bytes, name));
      for (guint j = 0; j < G_N_ELEMENTS (async_results); j++)
        {
          g_autofree char *other = g_strdup_printf ("kernel%u.kd", j);

          g_assert_true (i == j || !contains (bytes, other));
        }
      g_clear_object (&async_results[i]);
    }
  g_clear_object (&compilers[0]);
  g_clear_object (&compilers[1]);
}

/* exit() while HIPRTC compiles */
static void
test_exit (void)
{
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;

  if (!g_test_subprocess ())
    {
      /* That of the last test is gone. */
      g_unsetenv ("TMPDIR");
      g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }

  compiler = make_hiprtc ();
  request = make_request ("gfx906", RUNTIME KERNEL);
  tvm_compile_request_set_timeout (request, 20);
  result = tvm_compiler_compile (compiler, request, NULL, NULL);
  exit (0);
}

static void
assert_cached (TvmCompiler       *compiler,
               TvmCompileRequest *request,
               TvmCacheStatus     expected)
{
  g_autoptr (TvmCompileResult) result = compile_well (compiler, request);

  if (tvm_compile_result_get_cache_status (result) != expected)
    g_error ("status %d, %s", tvm_compile_result_get_cache_status (result),
             tvm_compile_result_get_cache_reason (result));
}

/* What was made is found again, until a header, an option or the architecture changes. */
static void
test_cache (CompileFixture *self,
            gconstpointer   data)
{
  g_autofree char *header = compile_fixture_write (self, "mine.h", "#define VALUE 3\n");
  g_autofree char *path = compile_fixture_write (self, "cached.hip", RUNTIME "#include \"mine.h\"\n"
                                                 "__global__ void f (int *a) { *a = VALUE; }\n");

  for (gsize i = 0; i < G_N_ELEMENTS (makers); i++)
    {
      g_autofree char *folder = compile_fixture_path (self, makers[i].name);
      g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (folder);
      g_autoptr (TvmCompiler) compiler = makers[i].make ();
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_HSACO, path, NULL);
      g_autofree char *new_text = g_strdup_printf ("#define VALUE %" G_GSIZE_FORMAT "\n", i + 4);

      tvm_compiler_set_cache (compiler, cache);
      tvm_compile_request_set_arch (request, "gfx906");
      assert_cached (compiler, request, TVM_CACHE_STATUS_MISS);
      assert_cached (compiler, request, TVM_CACHE_STATUS_HIT);

      tvm_compile_request_set_arch (request, "gfx90a");
      assert_cached (compiler, request, TVM_CACHE_STATUS_MISS);
      set_options (request, "-O1");
      assert_cached (compiler, request, TVM_CACHE_STATUS_MISS);
      assert_cached (compiler, request, TVM_CACHE_STATUS_HIT);

      g_free (compile_fixture_write (self, "mine.h", new_text));
      assert_cached (compiler, request, TVM_CACHE_STATUS_MISS);
      assert_cached (compiler, request, TVM_CACHE_STATUS_HIT);
    }
}

static gboolean
works (void)
{
  g_autoptr (TvmHipccCompiler) hipcc = tvm_hipcc_compiler_new (NULL, NULL);
  g_autoptr (TvmHiprtcCompiler) hiprtc = tvm_hiprtc_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = make_request ("gfx906", RUNTIME KERNEL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) first = NULL;
  g_autoptr (TvmCompileResult) second = NULL;

  if (hipcc == NULL)
    return FALSE;

  first = tvm_compiler_compile (TVM_COMPILER (hipcc), request, NULL, &error);
  second = error == NULL ? tvm_compiler_compile (TVM_COMPILER (hiprtc), request, NULL, &error) : NULL;
  if (error != NULL)
    g_test_message ("%s", error->message);
  return error == NULL && tvm_compile_result_check (first, NULL);
}

static void
skip (void)
{
  g_test_skip ("there is no hipcc with HIPRTC");
}

static const struct
{
  const char *path;
  void (* test) (CompileFixture *self, gconstpointer data);
} tests[] = {
  { "/hip/code-objects", test_code_objects },
  { "/hip/diagnostics", test_diagnostics },
  { "/hip/log-of-success", test_log_of_success },
  { "/hip/archs", test_archs },
  { "/hip/bundle", test_bundle },
  { "/hip/libraries", test_libraries },
  { "/hip/name-expressions", test_name_expressions },
  { "/hip/options", test_options },
  { "/hip/bad-requests", test_bad_requests },
  { "/hip/missing", test_missing },
  { "/hip/cancel", test_cancel },
  { "/hip/time-limit", test_time_limit },
  { "/hip/many", test_many },
  { "/hip/cache", test_cache },
};

int
main (int   argc,
      char *argv[])
{
  gboolean has_hip;

  g_test_init (&argc, &argv, NULL);
  /* What is kept is for the test of the cache alone. */
  g_setenv ("TVM_SUPPORT_KERNEL_CACHE", "off", TRUE);
  has_hip = works ();

  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      if (has_hip)
        compile_fixture_add (tests[i].path, tests[i].test);
      else
        g_test_add_func (tests[i].path, skip);
    }
  g_test_add_func ("/hip/exit", has_hip ? test_exit : skip);

  return g_test_run ();
}
