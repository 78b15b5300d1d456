/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel cache in front of NVRTC, where the machine has it; it needs no GPU. */

#define KERNEL "#include \"k.h\"\nextern \"C\" __global__ void f (int *x) { int unused; *x = VALUE; }\n"

#define N_PROCESSES 3
#define N_KERNELS 8

static gboolean works;
static const char *program;

static gboolean
prepare (CompileFixture *self)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autofree char *header = compile_fixture_write (self, "k.h", "#define VALUE 1\n");
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  if (!works)
    {
      g_test_skip ("there is no NVRTC");
      return FALSE;
    }

  g_clear_object (&self->compiler);
  self->compiler = TVM_COMPILER (tvm_nvrtc_compiler_new (NULL));
  tvm_compiler_set_cache (self->compiler, cache);
  return TRUE;
}

static TvmCompileRequest *
make_request (CompileFixture     *self,
              const char         *source,
              const char * const *options)
{
  TvmCompileRequest *request = tvm_compile_request_new (TVM_COMPILE_KIND_PTX);
  g_autofree char *path = compile_fixture_write (self, "k.cu", source);

  tvm_compile_request_add_input (request, path, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_arch (request, "sm_90");
  tvm_compile_request_set_options (request, options);
  return request;
}

static void
assert_status (TvmCompileResult *result,
               TvmCacheStatus    expected)
{
  const char *reason = tvm_compile_result_get_cache_reason (result);

  compile_fixture_assert_ok (result);
  if (tvm_compile_result_get_cache_status (result) != expected)
    g_error ("status %d, %s", tvm_compile_result_get_cache_status (result), reason);
  g_assert_true ((reason != NULL) == (expected == TVM_CACHE_STATUS_BYPASS));
}

static void
assert_compile (CompileFixture     *self,
                const char         *source,
                const char * const *options,
                TvmCacheStatus      expected)
{
  g_autoptr (TvmCompileRequest) request = make_request (self, source, options);
  g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

  assert_status (result, expected);
}

/* A hit says all that the compile said. */
static void
test_hit (CompileFixture *self,
          gconstpointer   data)
{
  static const char * const expressions[] = { "g<float>", "&g<int>", NULL };
  const char *source = "#include \"k.h\"\ntemplate <class T> __global__ void g (T *x)\n"
                       "{ int unused; *x = VALUE; }\n";
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) made = NULL;
  g_autoptr (TvmCompileResult) found = NULL;

  if (!prepare (self))
    return;

  request = make_request (self, source, NULL);
  tvm_compile_request_set_name_expressions (request, expressions);
  made = compile_fixture_compile (self, request);
  assert_status (made, TVM_CACHE_STATUS_MISS);
  found = compile_fixture_compile (self, request);
  assert_status (found, TVM_CACHE_STATUS_HIT);

  g_assert_true (g_bytes_equal (tvm_compile_result_get_bytes (made),
                                tvm_compile_result_get_bytes (found)));
  g_assert_cmpstr (tvm_compile_result_get_log_text (made), ==,
                   tvm_compile_result_get_log_text (found));
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (made), >, 0);
  g_assert_cmpuint (tvm_compile_result_get_n_warnings (made), ==,
                    tvm_compile_result_get_n_warnings (found));
  for (guint i = 0; expressions[i] != NULL; i++)
    {
      g_assert_nonnull (tvm_compile_result_get_lowered_name (found, expressions[i]));
      g_assert_cmpstr (tvm_compile_result_get_lowered_name (made, expressions[i]), ==,
                       tvm_compile_result_get_lowered_name (found, expressions[i]));
    }
  g_assert_cmpint (tvm_compile_result_get_exit_status (found), ==, 0);

  /* Other expressions, another result */
  tvm_compile_request_set_name_expressions (request, expressions + 1);
  g_clear_object (&found);
  found = compile_fixture_compile (self, request);
  assert_status (found, TVM_CACHE_STATUS_MISS);
}

static void
test_headers (CompileFixture *self,
              gconstpointer   data)
{
  g_autofree char *folder = compile_fixture_path (self, "first");
  g_autofree char *option = g_strconcat ("-I", folder, NULL);
  g_autofree char *own = g_strconcat ("-I", self->folder, NULL);
  const char *options[] = { option, own, NULL };
  const char *angled = "#include <k.h>\nextern \"C\" __global__ void f (int *x) { *x = VALUE; }\n";

  if (!prepare (self))
    return;
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);

  assert_compile (self, angled, options, TVM_CACHE_STATUS_MISS);
  assert_compile (self, angled, options, TVM_CACHE_STATUS_HIT);

  /* Changed, and back */
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 2\n"));
  assert_compile (self, angled, options, TVM_CACHE_STATUS_MISS);
  g_free (compile_fixture_write (self, "k.h", "#define VALUE 1\n"));
  assert_compile (self, angled, options, TVM_CACHE_STATUS_HIT);

  /* Another one in front of it, and away again */
  g_free (compile_fixture_write (self, "first/k.h", "#define VALUE 3\n"));
  assert_compile (self, angled, options, TVM_CACHE_STATUS_MISS);
  assert_compile (self, angled, options, TVM_CACHE_STATUS_HIT);
  {
    g_autofree char *first = compile_fixture_path (self, "first/k.h");
    g_assert_cmpint (g_unlink (first), ==, 0);
  }
  assert_compile (self, angled, options, TVM_CACHE_STATUS_HIT);

  /* However the folder is spelled */
  {
    g_autofree char *spaced = g_strconcat ("-I ", self->folder, NULL);
    g_autofree char *equal = g_strconcat ("-I=", self->folder, NULL);

    assert_compile (self, angled, (const char *[]) { spaced, NULL }, TVM_CACHE_STATUS_MISS);
    assert_compile (self, angled, (const char *[]) { equal, NULL }, TVM_CACHE_STATUS_HIT);
    g_free (compile_fixture_write (self, "k.h", "#define VALUE 4\n"));
    assert_compile (self, angled, (const char *[]) { spaced, NULL }, TVM_CACHE_STATUS_MISS);
  }

  /* What includes itself */
  g_free (compile_fixture_write (self, "k.h", "#pragma once\n#include \"k.h\"\n#define VALUE 1\n"));
  assert_compile (self, KERNEL, NULL, TVM_CACHE_STATUS_MISS);
  assert_compile (self, KERNEL, NULL, TVM_CACHE_STATUS_HIT);
}

/* Those of CUDA: a few large ones, and hundreds of small ones */
static void
test_cuda_headers (CompileFixture *self,
                   gconstpointer   data)
{
  static const char * const names[] = { "cuda_fp16.h", "cuda/std/type_traits", "cuda/std/atomic" };

  if (!prepare (self))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *source = g_strdup_printf (
        "#include <%s>\nextern \"C\" __global__ void f (int *x) { *x = 1; }\n", names[i]);

      assert_compile (self, source, NULL, TVM_CACHE_STATUS_MISS);
      assert_compile (self, source, NULL, TVM_CACHE_STATUS_HIT);
    }
}

static void
test_options (CompileFixture *self,
              gconstpointer   data)
{
  const char *source = "extern \"C\" __global__ void f (int *x) { *x = A; }\n";
  g_autofree char *trace = compile_fixture_path (self, "trace.json");
  g_autofree char *trace_option = g_strconcat ("--fdevice-time-trace=", trace, NULL);

  if (!prepare (self))
    return;

  assert_compile (self, source, (const char *[]) { "-DA=1", NULL }, TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, (const char *[]) { "-D", "A=1", NULL }, TVM_CACHE_STATUS_HIT);
  assert_compile (self, source, (const char *[]) { "-DA=2", NULL }, TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, (const char *[]) { "-DA=2", "-lineinfo", NULL },
                  TVM_CACHE_STATUS_MISS);
  assert_compile (self, source, (const char *[]) { "-DA=2", "-lineinfo", NULL },
                  TVM_CACHE_STATUS_HIT);
  /* "-arch=native" NVRTC does not know so far; it is refused, and not kept. */
  assert_compile (self, source, (const char *[]) { "-DA=1", trace_option, NULL },
                  TVM_CACHE_STATUS_BYPASS);
  assert_compile (self, source, (const char *[]) { "-DA=1", trace_option, NULL },
                  TVM_CACHE_STATUS_BYPASS);
  assert_compile (self, source, (const char *[]) { "-DA=1", "-DASK=__has_include", NULL },
                  TVM_CACHE_STATUS_BYPASS);
  g_setenv ("NVRTC_APPEND_FLAGS", "-DB=7", TRUE);
  assert_compile (self, source, (const char *[]) { "-DA=1", NULL }, TVM_CACHE_STATUS_BYPASS);
  g_unsetenv ("NVRTC_APPEND_FLAGS");
  tvm_compiler_set_cache (self->compiler, NULL);
  assert_compile (self, source, (const char *[]) { "-DA=1", NULL }, TVM_CACHE_STATUS_DISABLED);
}

static void
test_sources (CompileFixture *self,
              gconstpointer   data)
{
  static const char * const bypassed[] = {
    "#define NAME \"k.h\"\n#include NAME\n__global__ void f (int *x) { *x = VALUE; }\n",
    "__device__ const char *t = __TIME__;\n",
  };

  if (!prepare (self))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (bypassed); i++)
    {
      assert_compile (self, bypassed[i], NULL, TVM_CACHE_STATUS_BYPASS);
      assert_compile (self, bypassed[i], NULL, TVM_CACHE_STATUS_BYPASS);
    }

  /* An empty one makes an empty module, or none; it is no crash. */
  {
    g_autoptr (TvmCompileRequest) request = make_request (self, "", NULL);
    g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

    g_assert_nonnull (result);
  }
}

/* The same kernel in another folder, where its header says something else */
static void
test_folders (CompileFixture *self,
              gconstpointer   data)
{
  static const char * const names[] = { "one", "two" };
  g_autofree char *before = g_get_current_dir ();

  if (!prepare (self))
    return;

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *folder = compile_fixture_path (self, names[i % 2]);
      g_autofree char *header = g_build_filename (folder, "k.h", NULL);
      g_autofree char *text = g_strdup_printf ("#define VALUE 77%u\n", i % 2);
      g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_PTX);
      g_autoptr (GBytes) bytes = g_bytes_new (KERNEL, strlen (KERNEL));
      g_autoptr (TvmCompileResult) result = NULL;
      const char *ptx;

      if (i < 2)
        {
          g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
          g_assert_true (g_file_set_contents (header, text, -1, NULL));
        }
      g_assert_cmpint (g_chdir (folder), ==, 0);
      tvm_compile_request_add_input_bytes (request, "k.cu", bytes, TVM_LANGUAGE_CUDA);
      result = compile_fixture_compile (self, request);
      g_assert_cmpint (g_chdir (before), ==, 0);
      assert_status (result, i < 2 ? TVM_CACHE_STATUS_MISS : TVM_CACHE_STATUS_HIT);
      ptx = g_bytes_get_data (tvm_compile_result_get_bytes (result), NULL);
      g_assert_nonnull (memmem (ptx, g_bytes_get_size (tvm_compile_result_get_bytes (result)),
                                text + strlen ("#define VALUE "), 3));
    }
}

/* A file for an output, also in a folder where nothing can be written */
static void
test_output (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autofree char *output = compile_fixture_path (self, "k.ptx");

  if (!prepare (self))
    return;

  assert_compile (self, KERNEL, NULL, TVM_CACHE_STATUS_MISS);
  request = make_request (self, KERNEL, NULL);
  tvm_compile_request_set_output (request, output);
  {
    g_autoptr (TvmCompileResult) result = compile_fixture_compile (self, request);

    assert_status (result, TVM_CACHE_STATUS_HIT);
    g_assert_true (compile_fixture_exists (self, "k.ptx"));
    g_assert_null (tvm_compile_result_get_bytes (result));
  }
  tvm_compile_request_set_output (request, "/proc/k.ptx");
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (TvmCompileResult) result =
      tvm_compiler_compile (self->compiler, request, NULL, &error);

    g_assert_true (result == NULL || !tvm_compile_result_get_successful (result));
  }
}

static TvmCompileResult *
compile_numbered (TvmCompiler  *compiler,
                  guint         number,
                  GError      **error)
{
  g_autofree char *source = g_strdup_printf (
    "extern \"C\" __global__ void f (int *x) { *x = %u; }\n", 77700 + number);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_PTX);
  g_autoptr (GBytes) bytes = g_bytes_new (source, strlen (source));

  tvm_compile_request_add_input_bytes (request, "k.cu", bytes, TVM_LANGUAGE_CUDA);
  return tvm_compiler_compile (compiler, request, NULL, error);
}

static int
run_child (const char *directory)
{
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  tvm_compiler_set_cache (TVM_COMPILER (compiler), cache);
  for (guint i = 0; i < N_KERNELS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCompileResult) result =
        compile_numbered (TVM_COMPILER (compiler), i, &error);

      if (result == NULL || !tvm_compile_result_get_successful (result))
        return 1;
    }

  return 0;
}

/* Several make the same kernels at the same time, and one of them is killed at it. */
static void
test_processes (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  GSubprocess *children[N_PROCESSES];
  g_autoptr (GError) error = NULL;

  if (!prepare (self))
    return;

  for (guint i = 0; i < N_PROCESSES; i++)
    {
      children[i] = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "--child",
                                      directory, NULL);
      g_assert_no_error (error);
    }
  g_subprocess_send_signal (children[0], SIGKILL);
  for (guint i = 0; i < N_PROCESSES; i++)
    {
      g_assert_true (g_subprocess_wait (children[i], NULL, &error));
      g_assert_no_error (error);
      g_assert_true (i == 0 || g_subprocess_get_successful (children[i]));
      g_object_unref (children[i]);
    }

  for (guint i = 0; i < N_KERNELS; i++)
    {
      g_autofree char *value = g_strdup_printf ("%u", 77700 + i);
      g_autoptr (TvmCompileResult) result = compile_numbered (self->compiler, i, &error);
      GBytes *ptx;

      g_assert_no_error (error);
      assert_status (result, TVM_CACHE_STATUS_HIT);
      ptx = tvm_compile_result_get_bytes (result);
      g_assert_nonnull (memmem (g_bytes_get_data (ptx, NULL), g_bytes_get_size (ptx), value,
                                strlen (value)));
    }
}

/* A library that cannot be loaded is an error, with a cache as without one. */
static void
test_no_library (CompileFixture *self,
                 gconstpointer   data)
{
  g_autofree char *directory = compile_fixture_path (self, "cache");
  g_autofree char *none = compile_fixture_path (self, "libnvrtc.so.13");
  g_autofree char *lacking =
    g_test_build_filename (G_TEST_BUILT, "fake-nvrtc-lacking.so", NULL);
  const char *paths[] = { none, lacking };
  const int codes[] = { TVM_ERROR_NOT_FOUND, TVM_ERROR_UNSUPPORTED };
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (paths[i]);
      g_autoptr (TvmCompileRequest) request = make_request (self, KERNEL, NULL);
      g_autoptr (GError) error = NULL;

      tvm_compiler_set_cache (TVM_COMPILER (compiler), cache);
      g_assert_null (tvm_compiler_compile (TVM_COMPILER (compiler), request, NULL, &error));
      g_assert_error (error, TVM_ERROR, codes[i]);
      g_assert_nonnull (strstr (error->message, paths[i]));
    }
}

/* Compilers of kernels begin with the cache of the user, others without one. */
static void
test_default (void)
{
  g_autofree char *before = g_strdup (g_getenv ("TVM_SUPPORT_KERNEL_CACHE"));

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TvmNvrtcCompiler) nvrtc = NULL;
      g_autoptr (TvmCompiler) other = NULL;
      TvmKernelCache *expected = i == 0 ? NULL : tvm_kernel_cache_get_default ();

      if (i == 0)
        g_setenv ("TVM_SUPPORT_KERNEL_CACHE", "off", TRUE);
      else
        g_unsetenv ("TVM_SUPPORT_KERNEL_CACHE");
      nvrtc = tvm_nvrtc_compiler_new (NULL);
      other = tvm_compiler_new_for_command ("gcc");
      g_assert_true (tvm_compiler_get_cache (TVM_COMPILER (nvrtc)) == expected);
      g_assert_null (tvm_compiler_get_cache (other));
    }

  if (before != NULL)
    g_setenv ("TVM_SUPPORT_KERNEL_CACHE", before, TRUE);
}

static gboolean
has_nvrtc (void)
{
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_PTX);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("", 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = NULL;

  tvm_compiler_set_cache (TVM_COMPILER (compiler), NULL);
  tvm_compile_request_add_input_bytes (request, "k.cu", bytes, TVM_LANGUAGE_CUDA);
  result = tvm_compiler_compile (TVM_COMPILER (compiler), request, NULL, &error);
  if (result == NULL)
    g_test_message ("No NVRTC: %s", error->message);
  return result != NULL;
}

int
main (int    argc,
      char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--child") == 0)
    return run_child (argv[2]);

  g_test_init (&argc, &argv, NULL);
  program = argv[0];
  works = has_nvrtc ();

  g_test_add_func ("/nvrtc-cache/default", test_default);
  compile_fixture_add ("/nvrtc-cache/hit", test_hit);
  compile_fixture_add ("/nvrtc-cache/headers", test_headers);
  compile_fixture_add ("/nvrtc-cache/cuda-headers", test_cuda_headers);
  compile_fixture_add ("/nvrtc-cache/options", test_options);
  compile_fixture_add ("/nvrtc-cache/sources", test_sources);
  compile_fixture_add ("/nvrtc-cache/folders", test_folders);
  compile_fixture_add ("/nvrtc-cache/output", test_output);
  compile_fixture_add ("/nvrtc-cache/processes", test_processes);
  compile_fixture_add ("/nvrtc-cache/no-library", test_no_library);

  return g_test_run ();
}
