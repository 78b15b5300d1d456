/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/gpu/tvm-nvcc-compiler.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kernel[] =
  "#include \"factor.h\"\n"
  "extern \"C\" __global__ void scale (float *x) { x[threadIdx.x] *= FACTOR; }\n";

static const char library[] =
  "__global__ void scale (float *x) { x[threadIdx.x] *= 2; }\n"
  "extern \"C\" int answer (void) { return 42; }\n";

static const char program[] =
  "#include <cstdio>\n"
  "extern \"C\" int answer (void);\n"
  "int main () { std::printf (\"%d\\n\", answer ()); return 0; }\n";

/* 2^30 templates, which the front end does not get to the end of */
static const char endless[] =
  "template <int A, int B> struct F\n"
  "{ static const long v = F<A - 1, B * 2>::v + F<A - 1, B * 2 + 1>::v; };\n"
  "template <int B> struct F<0, B> { static const long v = B; };\n"
  "__global__ void k (long *x) { x[0] = F<30, 0>::v; }\n";

static const char multiple_arch[] = "sm_80,sm_90,compute_90";

static gboolean
have_nvcc (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, &error);

  if (nvcc == NULL)
    g_test_skip (error->message);
  return nvcc != NULL;
}

/* Takes the place of the compiler of the fixture. Returns: whether there is one */
static gboolean
use_nvcc (CompileFixture *self)
{
  if (!have_nvcc ())
    return FALSE;

  g_object_unref (self->compiler);
  self->compiler = TVM_COMPILER (tvm_nvcc_compiler_new (NULL, NULL));
  return TRUE;
}

static TvmCompileRequest *
make_request (CompileFixture *self,
              TvmCompileKind  kind,
              const char     *arch,
              const char     *output)
{
  g_autofree char *header = compile_fixture_write (self, "factor.h", "#define FACTOR 2\n");
  g_autofree char *source = compile_fixture_write (self, "scale.cu", kernel);
  TvmCompileRequest *request = compile_fixture_request (self, kind, source, output);

  tvm_compile_request_set_arch (request, arch);
  return request;
}

static void
assert_begins (TvmCompileResult *result,
               const char       *magic,
               gsize             size)
{
  GBytes *bytes = tvm_compile_result_get_bytes (result);

  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), >, size);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), size, magic, size);
}

static gboolean
has_dependency (TvmCompileResult *result,
                const char       *name)
{
  g_auto (GStrv) dependencies = tvm_compile_result_dup_dependencies (result);

  for (guint i = 0; dependencies != NULL && dependencies[i] != NULL; i++)
    {
      if (g_str_has_suffix (dependencies[i], name))
        return TRUE;
    }

  return FALSE;
}

static void
test_kinds (CompileFixture *self,
            gconstpointer   data)
{
  static const struct
  {
    TvmCompileKind kind;
    const char *magic;
    gsize size;
  } kinds[] = {
    { TVM_COMPILE_KIND_PTX, "//", 2 },
    { TVM_COMPILE_KIND_CUBIN, "\177ELF", 4 },
    { TVM_COMPILE_KIND_FATBIN, "\x50\xed\x55\xba", 4 },
    { TVM_COMPILE_KIND_OBJECT, "\177ELF", 4 },
  };

  if (!use_nvcc (self))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (TvmCompileRequest) request = make_request (self, kinds[i].kind, "90a", NULL);
      g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

      compile_fixture_assert_ok (result);
      assert_begins (result, kinds[i].magic, kinds[i].size);
      g_assert_true (has_dependency (result, "/factor.h"));
    }
}

static void
test_ptx_arch (CompileFixture *self,
               gconstpointer   data)
{
  static const char * const archs[][2] = {
    { "9.0", ".target sm_90\n" },
    { "sm_90a", ".target sm_90a\n" },
    { "compute_80", ".target sm_80\n" },
    { "100", ".target sm_100\n" },
    { "sm_120f", ".target sm_120f\n" },
  };

  if (!use_nvcc (self))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      g_autoptr (TvmCompileRequest) request =
        make_request (self, TVM_COMPILE_KIND_PTX, archs[i][0], NULL);
      g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
      g_autofree char *ptx = NULL;
      GBytes *bytes;

      compile_fixture_assert_ok (result);
      bytes = tvm_compile_result_get_bytes (result);
      ptx = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_assert_nonnull (strstr (ptx, archs[i][1]));
    }
}

/* Text, of which the caller never made a file, and a file that is not called .cu */
static void
test_source_text (CompileFixture *self,
                  gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GBytes) text = g_bytes_new_static (library, strlen (library));

  if (!use_nvcc (self))
    return;

  tvm_compile_request_add_input_bytes (request, "kernels.cc", text, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_arch (request, "sm_90");
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_begins (result, "\177ELF", 4);
}

static void
test_fatbin_archs (CompileFixture *self,
                   gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *line = NULL;

  if (!use_nvcc (self))
    return;

  tvm_nvcc_compiler_set_threads (TVM_NVCC_COMPILER (self->compiler), 2);
  request = make_request (self, TVM_COMPILE_KIND_FATBIN, multiple_arch, "scale.fatbin");
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  line = tvm_compile_result_dup_command_line (result);
  g_assert_nonnull (strstr (line, "-gencode=arch=compute_80,code=sm_80"));
  g_assert_nonnull (strstr (line, "-gencode=arch=compute_90,code=compute_90"));
  g_assert_nonnull (strstr (line, "--threads=2"));
  g_assert_true (compile_fixture_exists (self, "scale.fatbin"));
}

/* The threads of nvcc ask the job server, where there is one with a name, and give back what they
 * got. The server is a real one: a pipe with a token in it. */
static void
test_jobserver (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *fifo = g_build_filename (self->folder, "jobs", NULL);
  g_autofree char *makeflags = g_strdup_printf (" -j2 --jobserver-auth=fifo:%s", fifo);
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autofree char *line = NULL;
  char token[2] = { 0, };
  int fd = -1;

  if (!use_nvcc (self))
    return;

  toolchain = tvm_compiler_load_toolchain (self->compiler, NULL, NULL);
  if (toolchain == NULL || atoi (tvm_toolchain_get_version (toolchain)) < 13)
    {
      g_test_skip ("nvcc knows nothing of job servers");
      return;
    }

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  fd = open (fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, "+", 1), ==, 1);

  g_setenv ("MAKEFLAGS", makeflags, TRUE);
  tvm_nvcc_compiler_set_threads (TVM_NVCC_COMPILER (self->compiler), 2);
  request = make_request (self, TVM_COMPILE_KIND_FATBIN, multiple_arch, "scale.fatbin");
  result = compile_fixture_compile (self, request);
  g_unsetenv ("MAKEFLAGS");
  compile_fixture_assert_ok (result);
  line = tvm_compile_result_dup_command_line (result);
  g_assert_nonnull (strstr (line, "--jobserver"));
  g_assert_cmpint (read (fd, token, sizeof token), ==, 1);
  g_assert_cmpint (token[0], ==, '+');
  close (fd);
}

static void
link_and_run (CompileFixture *self,
              TvmCompiler    *compiler)
{
  g_autofree char *source = compile_fixture_write (self, "library.cu", library);
  g_autofree char *main_source = compile_fixture_write (self, "main.cu", program);
  g_autofree char *shared = compile_fixture_path (self, "libanswer.so");
  g_autofree char *executable = compile_fixture_path (self, "answer");
  g_autofree char *rpath = g_strdup_printf ("-Wl,-rpath,%s", self->folder);
  g_autofree char *out = NULL;
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "libanswer.so");
  g_autoptr (TvmCompileRequest) main_request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, main_source, "answer");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) main_result = NULL;
  g_autoptr (GError) error = NULL;
  const char *options[] = { "-Wall", "-Xcompiler", "-Wextra", "-lineinfo", rpath, NULL };

  tvm_compile_request_set_options (request, options);
  result = tvm_compiler_compile (compiler, request, NULL, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);

  tvm_compile_request_add_input (main_request, shared, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_options (main_request, options);
  main_result = tvm_compiler_compile (compiler, main_request, NULL, &error);
  g_assert_no_error (error);
  compile_fixture_assert_ok (main_result);

  out = compile_fixture_run (executable, NULL);
  g_assert_cmpstr (out, ==, "42\n");
}

static void
test_link (CompileFixture *self,
           gconstpointer   data)
{
  if (use_nvcc (self))
    link_and_run (self, self->compiler);
}

/* An nvcc by its path is an nvcc for every compiler: TVM compares the command with "nvcc". */
static void
test_plain_compiler (CompileFixture *self,
                     gconstpointer   data)
{
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *command = NULL;

  if (!use_nvcc (self))
    return;

  g_object_get (self->compiler, "command", &command, NULL);
  compiler = tvm_compiler_new_for_command (command);
  toolchain = tvm_compiler_load_toolchain (compiler, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_toolchain_get_family (toolchain), ==, TVM_TOOLCHAIN_FAMILY_NVCC);
  g_assert_nonnull (tvm_toolchain_get_version (toolchain));
  g_assert_nonnull (tvm_toolchain_get_target_triple (toolchain));
  link_and_run (self, compiler);
}

static void
test_host_compiler (CompileFixture *self,
                    gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmCompileResult) failed = NULL;
  g_autofree char *host = g_find_program_in_path ("g++");

  if (!use_nvcc (self))
    return;

  request = make_request (self, TVM_COMPILE_KIND_OBJECT, "sm_90", NULL);
  tvm_nvcc_compiler_set_host_compiler (TVM_NVCC_COMPILER (self->compiler), host);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);

  tvm_nvcc_compiler_set_host_compiler (TVM_NVCC_COMPILER (self->compiler), "/nonexistent/g++");
  failed = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_get_successful (failed));
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (failed), "/nonexistent/g++"));
}

/* The first error of a failed compile */
static char *
get_first_error (CompileFixture    *self,
                 TvmCompileRequest *request)
{
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
  return g_strdup (error->message);
}

static void
assert_error_says (CompileFixture *self,
                   const char     *source_text,
                   const char     *arch,
                   const char     *expected)
{
  g_autofree char *source = compile_fixture_write (self, "bad.cu", source_text);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_CUBIN, source, "bad.cubin");
  g_autofree char *message = NULL;

  tvm_compile_request_set_arch (request, arch);
  message = get_first_error (self, request);
  g_test_message ("%s", message);
  g_assert_nonnull (strstr (message, expected));
  g_assert_false (compile_fixture_exists (self, "bad.cubin"));
}

static void
test_errors (CompileFixture *self,
             gconstpointer   data)
{
  if (!use_nvcc (self))
    return;

  assert_error_says (self, "__global__ void k (int *x)\n{ x[0] = y; }\n", "sm_90",
                     "bad.cu:2: error: identifier \"y\" is undefined");
  /* Ends with 255 */
  assert_error_says (self,
                     "extern \"C\" __device__ int f (int);\n"
                     "__global__ void k (int *x) { x[0] = f (1); }\n",
                     "sm_90", "Unresolved extern function 'f'");
  assert_error_says (self, library, "sm_13", "Unsupported gpu architecture 'sm_13'");
  assert_error_says (self, "#include \"none.h\"\n", "sm_90", "none.h");
}

static void
assert_refused (CompileFixture     *self,
                TvmCompileKind      kind,
                const char         *arch,
                const char * const *options,
                TvmError            code)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, kind, arch, NULL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_set_options (request, options);
  result = tvm_compiler_compile (self->compiler, request, NULL, &error);
  if (result != NULL)
    tvm_compile_result_check (result, &error);
  g_assert_error (error, TVM_ERROR, (int) code);
}

static void
test_refused (CompileFixture *self,
              gconstpointer   data)
{
  static const char * const other_arch[] = { "-arch=sm_80", NULL };
  static const char * const gencode[] = { "-gencode", "arch=compute_80,code=sm_80", NULL };
  static const char * const other_output[] = { "-o", "elsewhere", NULL };
  static const char * const unknown[] = { "--bogus", NULL };

  if (!use_nvcc (self))
    return;

  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "gfx906", NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "", NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "sm_80,sm_90", NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_FATBIN, "sm_80,", NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "sm_90", other_arch, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "sm_90", gencode, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "sm_90", other_output, TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (self, TVM_COMPILE_KIND_CUBIN, "sm_90", unknown, TVM_ERROR_COMPILE_FAILED);
  assert_refused (self, TVM_COMPILE_KIND_HSACO, "sm_90", NULL, TVM_ERROR_UNSUPPORTED);
}

/* Options of nvcc's own, one of which begins like one of a linker's */
static void
test_options (CompileFixture *self,
              gconstpointer   data)
{
  static const char * const options[] = {
    "-use_fast_math", "-Xptxas", "-v", "-maxrregcount", "32", "-DUNUSED", "-lineinfo",
    "-gencode", "arch=compute_90,code=sm_90", "-default-stream", "per-thread", "-std", "c++17",
    "--ftz", "true", NULL,
  };
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *line = NULL;

  if (!use_nvcc (self))
    return;

  request = make_request (self, TVM_COMPILE_KIND_CUBIN, NULL, NULL);
  tvm_compile_request_set_options (request, options);
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  /* What is said on success is kept. */
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "registers"));
  line = tvm_compile_result_dup_command_line (result);
  g_assert_nonnull (strstr (line, " -default-stream per-thread -std c++17 --ftz true "));
}

static void
test_empty_source (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "empty.cu", "");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_CUBIN, source, NULL);
  g_autoptr (TvmCompileResult) result = NULL;

  if (!use_nvcc (self))
    return;

  tvm_compile_request_set_arch (request, "sm_90");
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  assert_begins (result, "\177ELF", 4);
}

/* 50 MB of text, and a kernel behind it */
static void
test_large_source (CompileFixture *self,
                   gconstpointer   data)
{
  const gsize size = 50 * 1000 * 1000;
  g_autofree char *text = g_malloc (size + 1);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_PTX);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GBytes) source = NULL;
  g_autofree char *whole = NULL;

  if (!use_nvcc (self))
    return;

  for (gsize i = 0; i < size; i++)
    text[i] = i % 80 == 0 ? '\n' : i % 80 < 3 ? '/' : 'x';
  text[size] = '\0';
  whole = g_strconcat (text, "\nextern \"C\" __global__ void last () {}\n", NULL);
  source = g_bytes_new_take (whole, strlen (whole));
  whole = NULL;
  tvm_compile_request_add_input_bytes (request, "large.cu", source, TVM_LANGUAGE_CUDA);
  tvm_compile_request_set_arch (request, "sm_90");
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);
  g_assert_nonnull (g_strstr_len (g_bytes_get_data (tvm_compile_result_get_bytes (result), NULL),
                                  (gssize) g_bytes_get_size (tvm_compile_result_get_bytes (result)),
                                  ".entry last"));
}

/* Nonsense in the environment is nvcc's to complain about, also before it was ever asked. */
static void
test_nonsense_flags (CompileFixture *self,
                     gconstpointer   data)
{
  static const char * const variables[] = { "NVCC_APPEND_FLAGS", "NVCC_PREPEND_FLAGS" };

  if (!use_nvcc (self))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      g_setenv (variables[i], "--bogus", TRUE);
      assert_error_says (self, library, "sm_90", "Unknown option '--bogus'");
      g_unsetenv (variables[i]);
    }
}

static void
test_ccache (CompileFixture *self,
             gconstpointer   data)
{
  static const TvmCompileKind kinds[] = { TVM_COMPILE_KIND_CUBIN, TVM_COMPILE_KIND_OBJECT };
  g_autofree char *cache = g_strdup_printf ("CCACHE_DIR=%s/ccache", self->folder);
  const char *environ_[] = { cache, NULL };

  if (!compile_fixture_have ("ccache") || !use_nvcc (self))
    return;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (TvmCompileRequest) request = make_request (self, kinds[i / 2], "sm_90", "out");
      g_autoptr (TvmCompileResult) result = NULL;

      tvm_compile_request_set_ccache_environ (request, environ_);
      result = compile_fixture_compile (self, request);
      compile_fixture_assert_ok (result);
      g_assert_cmpint (tvm_compile_result_get_cache_status (result), ==,
                       i % 2 == 0 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
      g_assert_true (has_dependency (result, "/factor.h"));
    }
}

static gboolean
cancel_it (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

/* Neither cicc nor a temporary file is left: the fixture looks for both. */
static void
test_cancel (CompileFixture *self,
             gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cu", endless);
  g_autofree char *old = compile_fixture_write (self, "out.cubin", "old");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_CUBIN, source, "out.cubin");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *contents = NULL;

  if (!use_nvcc (self))
    return;

  tvm_compile_request_set_arch (request, "sm_90");
  g_timeout_add (700, cancel_it, cancellable);
  tvm_compiler_compile_async (self->compiler, request, cancellable, compile_fixture_ready,
                              &async_result);
  result = tvm_compiler_compile_finish (self->compiler, compile_fixture_wait (&async_result),
                                        &error);
  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (g_file_get_contents (old, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "old");
}

static void
test_timeout (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cu", endless);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_CUBIN, source, NULL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (!use_nvcc (self))
    return;

  tvm_compile_request_set_arch (request, "sm_90");
  tvm_compile_request_set_timeout (request, 700);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
}

/* A program called nvcc that is none */
static void
use_fake (CompileFixture *self,
          const char     *script)
{
  g_autofree char *path = NULL;
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, NULL);

  path = compile_fixture_write (self, "nvcc", text);
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_object_unref (self->compiler);
  self->compiler = TVM_COMPILER (tvm_nvcc_compiler_new (path, NULL));
}

static void
test_flood (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, TVM_COMPILE_KIND_CUBIN, "90", NULL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  use_fake (self,
            "case \"$*\" in *--cubin*) ;; *) exit 1 ;; esac\n"
            "yes 'a.cu(1): error #20-D: identifier \"y\" is undefined' |\n"
            "  head -c 1000000000 >&2\n"
            "exit 2\n");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
  g_assert_nonnull (strstr (error->message, "a.cu:1: error: identifier \"y\" is undefined"));
  g_assert_cmpuint (strlen (tvm_compile_result_get_log_text (result)), <, 64 * 1024 * 1024);
}

static void
test_crash (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, TVM_COMPILE_KIND_PTX, "90", NULL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  use_fake (self, "case \"$*\" in *--ptx*) kill -SEGV $$ ;; *) exit 1 ;; esac\n");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_CRASHED);
}

/* A bad byte in what it prints is no reason to lose the rest. */
static void
test_latin1 (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, TVM_COMPILE_KIND_PTX, "90", NULL);
  g_autofree char *message = NULL;

  use_fake (self,
            "case \"$*\" in *--ptx*) printf 'caf\\351.cu(7): error: no \\374ber\\n' >&2 ;; esac\n"
            "exit 1\n");
  message = get_first_error (self, request);
  g_assert_true (g_utf8_validate (message, -1, NULL));
  g_assert_nonnull (strstr (message, ":7: error: no "));
}

/* One that ends well and has made nothing */
static void
test_no_output (CompileFixture *self,
                gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, TVM_COMPILE_KIND_PTX, "90", NULL);
  g_autoptr (TvmCompileResult) result = NULL;

  use_fake (self, "exit 0\n");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, NULL));
}

static void
test_other_compiler (CompileFixture *self,
                     gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, TVM_COMPILE_KIND_PTX, "90", NULL);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_object_unref (self->compiler);
  self->compiler = TVM_COMPILER (tvm_nvcc_compiler_new ("gcc", NULL));
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
}

/* The toolkit of this machine, by every function that looks for a part of it */
static void
test_toolkit (CompileFixture *self,
              gconstpointer   data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = tvm_nvcc_find_cuda_path (&error);
  g_autofree char *version = NULL;
  g_autofree char *libdevice = NULL;

  if (path == NULL)
    {
      g_test_skip (error->message);
      return;
    }

  version = tvm_nvcc_get_cuda_version (NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_ascii_isdigit (version[0]));
  libdevice = tvm_nvcc_find_libdevice_path ("sm_90", &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (libdevice, path));
  g_assert_true (tvm_nvcc_have_cudagraph (NULL, &error));
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/nvcc/kinds", test_kinds);
  compile_fixture_add ("/nvcc/ptx-arch", test_ptx_arch);
  compile_fixture_add ("/nvcc/source-text", test_source_text);
  compile_fixture_add ("/nvcc/fatbin-archs", test_fatbin_archs);
  compile_fixture_add ("/nvcc/link", test_link);
  compile_fixture_add ("/nvcc/plain-compiler", test_plain_compiler);
  compile_fixture_add ("/nvcc/host-compiler", test_host_compiler);
  compile_fixture_add ("/nvcc/errors", test_errors);
  compile_fixture_add ("/nvcc/refused", test_refused);
  compile_fixture_add ("/nvcc/options", test_options);
  compile_fixture_add ("/nvcc/empty-source", test_empty_source);
  compile_fixture_add ("/nvcc/nonsense-flags", test_nonsense_flags);
  compile_fixture_add ("/nvcc/ccache", test_ccache);
  compile_fixture_add ("/nvcc/jobserver", test_jobserver);
  compile_fixture_add ("/nvcc/large-source", test_large_source);
  compile_fixture_add ("/nvcc/cancel", test_cancel);
  compile_fixture_add ("/nvcc/timeout", test_timeout);
  compile_fixture_add ("/nvcc/flood", test_flood);
  compile_fixture_add ("/nvcc/crash", test_crash);
  compile_fixture_add ("/nvcc/latin1", test_latin1);
  compile_fixture_add ("/nvcc/no-output", test_no_output);
  compile_fixture_add ("/nvcc/other-compiler", test_other_compiler);
  compile_fixture_add ("/nvcc/toolkit", test_toolkit);

  return g_test_run ();
}
