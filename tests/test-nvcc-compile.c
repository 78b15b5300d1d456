/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>

/* The functions that compile and link CUDA in one call, with the real tools */

#define KERNEL "extern \"C\" __global__ void scale (float *a, float s) { a[threadIdx.x] /= s; }\n"
#define CALLEE "__device__ float twice (float a) { return a + a; }\n"
#define CALLER "extern __device__ float twice (float a);\n" \
               "extern \"C\" __global__ void k (float *a) { *a = twice (*a); }\n"

static gboolean have_nvrtc;
static gboolean have_nvcc;

static void
assert_begins (GBytes     *bytes,
               const char *magic)
{
  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), >, strlen (magic));
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), strlen (magic), magic, strlen (magic));
}

static GBytes *
compile (const char *compiler,
         const char *format,
         const char *source)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes =
    tvm_nvcc_compile_cuda (source, format, "sm_90", NULL, NULL, compiler, NULL, &error);

  g_assert_no_error (error);
  return bytes;
}

static gboolean
contains (GBytes     *bytes,
          const char *text)
{
  return g_strstr_len (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text) != NULL;
}

static void
test_nvrtc (void)
{
  g_autoptr (GBytes) cubin = NULL;
  g_autoptr (GBytes) ptx = NULL;

  if (!have_nvrtc)
    {
      g_test_skip ("there is no NVRTC");
      return;
    }

  cubin = compile ("nvrtc", NULL, KERNEL);
  assert_begins (cubin, "\177ELF");
  ptx = compile ("nvrtc", "ptx", KERNEL);
  g_assert_true (contains (ptx, ".target sm_90"));
}

static void
test_nvcc (void)
{
  g_autoptr (GBytes) fatbin = NULL;
  g_autoptr (GBytes) ptx = NULL;

  if (!have_nvcc)
    {
      g_test_skip ("there is no nvcc");
      return;
    }

  fatbin = compile ("nvcc", NULL, KERNEL);
  assert_begins (fatbin, "\x50\xed\x55\xba");
  ptx = compile (NULL, "ptx", KERNEL);
  g_assert_true (contains (ptx, ".target sm_90"));
}

/* The variable decides where the caller does not; what it says is checked. */
static void
test_mode (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_setenv ("TVM_CUDA_COMPILE_MODE", "nvrtc", TRUE);
  g_assert_null (tvm_nvcc_compile_cuda (KERNEL, "fatbin", "sm_90", NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_setenv ("TVM_CUDA_COMPILE_MODE", "gcc", TRUE);
  g_assert_null (tvm_nvcc_compile_cuda (KERNEL, NULL, "sm_90", NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "gcc"));
  g_clear_error (&error);

  if (have_nvrtc)
    bytes = compile ("nvrtc", "cubin", KERNEL);
  g_unsetenv ("TVM_CUDA_COMPILE_MODE");
}

/* Both compilers compute the same. */
static void
test_fast_math (void)
{
  static const char * const compilers[] = { "nvrtc", "nvcc" };
  const gboolean there[] = { have_nvrtc, have_nvcc };

  for (guint i = 0; i < G_N_ELEMENTS (compilers); i++)
    {
      g_autoptr (GBytes) fast = NULL;
      g_autoptr (GBytes) exact = NULL;

      if (!there[i])
        continue;

      fast = compile (compilers[i], "ptx", KERNEL);
      g_setenv ("TVM_CUDA_NVCC_NO_FAST_MATH", "1", TRUE);
      exact = compile (compilers[i], "ptx", KERNEL);
      g_unsetenv ("TVM_CUDA_NVCC_NO_FAST_MATH");
      g_assert_true (contains (fast, "div.approx"));
      g_assert_true (contains (exact, "div.rn"));
    }
}

static void
test_path_target (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, &error);
  g_autofree char *path = g_build_filename (tvm_temp_directory_get_path (temp), "k.ptx", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize length;

  if (!have_nvrtc)
    {
      g_test_skip ("there is no NVRTC");
      return;
    }

  bytes = tvm_nvcc_compile_cuda (KERNEL, "ptx", "9.0.a", NULL, path, "nvrtc", NULL, &error);
  g_assert_no_error (error);
  g_file_get_contents (path, &contents, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (contents, length, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
assert_refused (const char         *format,
                const char         *arch,
                const char * const *options,
                const char         *compiler,
                int                 code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_nvcc_compile_cuda ("__global__ void k (nonsense x) {}", format, arch, options,
                                        NULL, compiler, NULL, &error));
  g_assert_error (error, TVM_ERROR, code);
  /* The source is not what went wrong. */
  g_assert_null (strstr (error->message, "__global__ void k (nonsense x) {}\n__"));
}

static void
test_refused (void)
{
  const char *words[] = { "-Xcompiler", "-fPIC", NULL };

  assert_refused ("hsaco", "sm_90", NULL, "nvrtc", TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (NULL, "sm_90", NULL, "clang", TVM_ERROR_INVALID_ARGUMENT);
  if (!have_nvrtc)
    return;

  assert_refused (NULL, "sm_90", NULL, "nvrtc", TVM_ERROR_COMPILE_FAILED);
  assert_refused (NULL, "pentium", NULL, "nvrtc", TVM_ERROR_INVALID_ARGUMENT);
  assert_refused (NULL, "sm_90", words, "nvrtc", TVM_ERROR_UNSUPPORTED);
}

static GBytes *
compile_part (TvmCompileKind  kind,
              const char     *source)
{
  const char *options[] = { "-rdc=true", NULL };
  g_autoptr (TvmNvrtcCompiler) compiler = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (kind);
  g_autoptr (GBytes) bytes = g_bytes_new (source, strlen (source));
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_add_input_bytes (request, "part.cu", bytes, TVM_LANGUAGE_CUDA);
  tvm_compile_request_set_arch (request, "sm_90");
  tvm_compile_request_set_options (request, options);
  result = tvm_compiler_compile (TVM_COMPILER (compiler), request, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (tvm_compile_result_check (result, &error));

  return g_bytes_ref (tvm_compile_result_get_bytes (result));
}

static void
test_link (void)
{
  static const TvmCompileKind kinds[] = {
    TVM_COMPILE_KIND_CUBIN, TVM_COMPILE_KIND_PTX, TVM_COMPILE_KIND_LTO_IR,
  };

  if (!have_nvrtc)
    {
      g_test_skip ("there is no NVRTC");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GBytes) callee = compile_part (kinds[i], CALLEE);
      g_autoptr (GBytes) caller = compile_part (kinds[i], CALLER);
      GBytes *images[] = { callee, caller };
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) linked =
        tvm_nvcc_link_device (NULL, images, 2, "sm_90", NULL, NULL, &error);

      g_assert_no_error (error);
      assert_begins (linked, "\177ELF");
    }
}

static void
test_link_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, &error);
  g_autofree char *path = g_build_filename (tvm_temp_directory_get_path (temp), "c.cubin", NULL);
  const char *files[] = { path, NULL };
  g_autoptr (GBytes) callee = NULL;
  g_autoptr (GBytes) caller = NULL;
  g_autoptr (GBytes) linked = NULL;

  if (!have_nvrtc)
    {
      g_test_skip ("there is no NVRTC");
      return;
    }

  callee = compile_part (TVM_COMPILE_KIND_CUBIN, CALLEE);
  caller = compile_part (TVM_COMPILE_KIND_LTO_IR, CALLER);
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (callee, NULL),
                                      g_bytes_get_size (callee), NULL));
  linked = tvm_nvcc_link_device (files, &caller, 1, "sm_90", NULL, NULL, &error);
  g_assert_no_error (error);
  assert_begins (linked, "\177ELF");
}

static void
test_link_refused (void)
{
  const char *missing[] = { "/nowhere/k.cubin", NULL };
  const char *arch[] = { "-arch=sm_80", NULL };
  g_autoptr (GBytes) caller = NULL;
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) nonsense = g_bytes_new_static ("nonsense", 8);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_nvcc_link_device (NULL, NULL, 0, "sm_90", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (tvm_nvcc_link_device (NULL, &empty, 1, "sm_90", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (tvm_nvcc_link_device (NULL, &nonsense, 1, "pentium", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (tvm_nvcc_link_device (NULL, &nonsense, 1, "sm_90", arch, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (tvm_nvcc_link_device (missing, NULL, 0, "sm_90", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_nvcc_link_device (NULL, &nonsense, 1, "sm_90", NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  if (!have_nvrtc)
    return;

  g_assert_null (tvm_nvcc_link_device (NULL, &nonsense, 1, "sm_90", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_clear_error (&error);
  caller = compile_part (TVM_COMPILE_KIND_CUBIN, CALLER);
  g_assert_null (tvm_nvcc_link_device (NULL, &caller, 1, "sm_90", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "twice"));
}

/* The real tools are asked for by what they are to make. */
static gboolean
works (const char *compiler)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
    tvm_nvcc_compile_cuda (KERNEL, "ptx", "sm_90", NULL, NULL, compiler, NULL, &error);

  return bytes != NULL;
}

static char *
add_file (TvmTempDirectory *temp,
          const char       *name,
          const char       *text)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (tvm_temp_directory_get_path (temp), name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

#define NVSHMEM_KERNEL "#include <nvshmem.h>\n" \
                       "extern \"C\" __global__ void k (int *a) { *a = nvshmem_my_pe (); }\n"

/* Something that looks like NVSHMEM, with a library of device code in it; the real one is not at
 * hand. */
static void
test_nvshmem (gconstpointer data)
{
  static const char * const rdc[] = { "-rdc=true", NULL };
  const char *compiler = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, &error);
  g_autofree char *header =
    add_file (temp, "include/nvshmem.h", "extern \"C\" __device__ int nvshmem_my_pe ();\n");
  g_autofree char *library = add_file (temp, "lib/libnvshmem_device.a", "");
  g_autofree char *target = add_file (temp, "out", "");
  g_autoptr (GBytes) device = NULL;
  g_autoptr (GBytes) cubin = NULL;
  g_autoptr (GBytes) ptx = NULL;
  g_autoptr (GBytes) none = NULL;
  g_autofree char *contents = NULL;
  gsize size = 0;

  if (!(strcmp (compiler, "nvcc") == 0 ? have_nvcc : have_nvrtc))
    {
      g_test_skip ("the compiler is not there");
      return;
    }

  g_setenv ("NVSHMEM_HOME", tvm_temp_directory_get_path (temp), TRUE);
  device = tvm_nvcc_compile_cuda ("extern \"C\" __device__ int nvshmem_my_pe () { return 7; }\n",
                                  "cubin", "sm_90", rdc, library, compiler, NULL, &error);
  g_assert_no_error (error);

  cubin = tvm_nvcc_compile_cuda (NVSHMEM_KERNEL, NULL, "sm_90", NULL, target, compiler, NULL,
                                 &error);
  g_assert_no_error (error);
  assert_begins (cubin, "\177ELF");
  g_assert_true (g_file_get_contents (target, &contents, &size, NULL));
  g_assert_cmpmem (contents, size, g_bytes_get_data (cubin, NULL), g_bytes_get_size (cubin));

  ptx = tvm_nvcc_compile_cuda (NVSHMEM_KERNEL, "ptx", "sm_90", NULL, NULL, compiler, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (contains (ptx, "nvshmem_my_pe"));

  none = tvm_nvcc_compile_cuda (NVSHMEM_KERNEL, "fatbin", "sm_90", NULL, NULL, "nvcc", NULL,
                                &error);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  /* A library without the function */
  g_assert_true (g_file_set_contents (library, "!<arch>\n", -1, NULL));
  none = tvm_nvcc_compile_cuda (NVSHMEM_KERNEL, "cubin", "sm_90", NULL, NULL, compiler, NULL,
                                &error);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "nvshmem_my_pe"));
  g_clear_error (&error);
  g_unsetenv ("NVSHMEM_HOME");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("TVM_CUDA_COMPILE_MODE");
  g_unsetenv ("TVM_CUDA_NVCC_NO_FAST_MATH");
  have_nvrtc = works ("nvrtc");
  have_nvcc = works ("nvcc");

  g_test_add_func ("/nvcc-compile/nvrtc", test_nvrtc);
  g_test_add_func ("/nvcc-compile/nvcc", test_nvcc);
  g_test_add_func ("/nvcc-compile/mode", test_mode);
  g_test_add_func ("/nvcc-compile/fast-math", test_fast_math);
  g_test_add_func ("/nvcc-compile/path-target", test_path_target);
  g_test_add_func ("/nvcc-compile/refused", test_refused);
  g_test_add_data_func ("/nvcc-compile/nvshmem/nvcc", "nvcc", test_nvshmem);
  g_test_add_data_func ("/nvcc-compile/nvshmem/nvrtc", "nvrtc", test_nvshmem);
  g_test_add_func ("/nvcc-compile/link", test_link);
  g_test_add_func ("/nvcc-compile/link-files", test_link_files);
  g_test_add_func ("/nvcc-compile/link-refused", test_link_refused);

  return g_test_run ();
}
