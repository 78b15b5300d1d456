/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "gpu-fixture.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>
#include <unistd.h>

/*
 * What the compilers make is run on a GPU here, and the numbers are compared; the other tests look at
 * it without running it. Without a GPU each test is skipped, with the answer of the driver.
 */

/* No multiple of the size of a block */
#define N_ITEMS 1000003

static const char add_source[] =
  "extern \"C\" __global__ void add (float *x, unsigned n)\n"
  "{\n"
  "  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
  "  if (i < n)\n"
  "    x[i] = x[i] + 3 * (float) (i % 1000);\n"
  "}\n";

static const char template_source[] =
  "template <typename T, int N> __global__ void scale (T *x, unsigned n)\n"
  "{\n"
  "  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
  "  if (i < n)\n"
  "    x[i] *= N;\n"
  "}\n";

static const char callee_source[] = "__device__ float twice_and_one (float x) { return 2 * x + 1; }\n";

static const char caller_source[] =
  "extern __device__ float twice_and_one (float x);\n"
  "extern \"C\" __global__ void apply (float *x, unsigned n)\n"
  "{\n"
  "  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
  "  if (i < n)\n"
  "    x[i] = twice_and_one (x[i]);\n"
  "}\n";

typedef struct
{
  const char *compiler;
  const char *format;
} Way;

static const Way ways[] = {
  { "nvcc", "fatbin" },
  { "nvcc", "cubin" },
  { "nvcc", "ptx" },
  { "nvrtc", "cubin" },
  { "nvrtc", "ptx" },
};

typedef gboolean (* Check) (Gpu            *gpu,
                            gconstpointer   data,
                            GError        **error);

typedef struct
{
  Check check;
  gconstpointer data;
} Case;

/* Whole numbers that a float holds exactly, also after what the kernels do */
static float *
make_floats (void)
{
  float *items = g_new (float, N_ITEMS);

  for (guint i = 0; i < N_ITEMS; i++)
    items[i] = (float) (i % 4096);
  return items;
}

static gboolean
check_capability (Gpu            *gpu,
                  gconstpointer   data,
                  GError        **error)
{
  g_autofree char *version = tvm_nvcc_get_target_compute_version (NULL, NULL, error);
  g_auto (GStrv) parts = NULL;
  g_autofree char *arch = NULL;

  if (version == NULL)
    return FALSE;

  parts = g_strsplit (version, ".", -1);
  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  arch = g_strdup_printf ("sm_%s%s", parts[0], parts[1]);
  g_assert_cmpstr (arch, ==, gpu_get_arch (gpu));
  return TRUE;
}

static gboolean
check_add (Gpu            *gpu,
           gconstpointer   data,
           GError        **error)
{
  const Way *way = data;
  g_autoptr (GBytes) image = NULL;
  g_autofree float *items = make_floats ();

  image = tvm_nvcc_compile_cuda (add_source, way->format, gpu_get_arch (gpu), NULL, NULL,
                                 way->compiler, NULL, error);
  if (image == NULL || !gpu_run (gpu, image, "add", items, N_ITEMS, error))
    return FALSE;

  for (guint i = 0; i < N_ITEMS; i++)
    g_assert_cmpfloat (items[i], ==, (float) (i % 4096 + 3 * (i % 1000)));
  return TRUE;
}

/* The architecture that is not named is that of the GPU. */
static gboolean
check_own_arch (Gpu            *gpu,
                gconstpointer   data,
                GError        **error)
{
  g_autoptr (GBytes) image = NULL;
  g_autofree float *items = make_floats ();

  image = tvm_nvcc_compile_cuda (add_source, "cubin", NULL, NULL, NULL, "nvrtc", NULL, error);
  if (image == NULL || !gpu_run (gpu, image, "add", items, N_ITEMS, error))
    return FALSE;

  g_assert_cmpfloat (items[N_ITEMS - 1], ==,
                     (float) ((N_ITEMS - 1) % 4096 + 3 * ((N_ITEMS - 1) % 1000)));
  return TRUE;
}

static gboolean
check_template (Gpu            *gpu,
                gconstpointer   data,
                GError        **error)
{
  const char *expressions[] = { "scale<float, 3>", "scale<int, -5>", NULL };
  g_autoptr (TvmNvrtcCompiler) nvrtc = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
  g_autoptr (GBytes) source = g_bytes_new_static (template_source, strlen (template_source));
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree float *floats = make_floats ();
  g_autofree int *ints = g_new (int, N_ITEMS);
  GBytes *image;

  for (guint i = 0; i < N_ITEMS; i++)
    ints[i] = (int) i;

  tvm_compile_request_add_input_bytes (request, "scale.cu", source, TVM_LANGUAGE_CUDA);
  tvm_compile_request_set_arch (request, gpu_get_arch (gpu));
  tvm_compile_request_set_name_expressions (request, expressions);
  result = tvm_compiler_compile (TVM_COMPILER (nvrtc), request, NULL, error);
  if (result == NULL || !tvm_compile_result_check (result, error))
    return FALSE;

  image = tvm_compile_result_get_bytes (result);
  if (!gpu_run (gpu, image, tvm_compile_result_get_lowered_name (result, expressions[0]), floats,
                N_ITEMS, error) ||
      !gpu_run (gpu, image, tvm_compile_result_get_lowered_name (result, expressions[1]), ints,
                N_ITEMS, error))
    return FALSE;

  for (guint i = 0; i < N_ITEMS; i++)
    {
      g_assert_cmpfloat (floats[i], ==, (float) (3 * (i % 4096)));
      g_assert_cmpint (ints[i], ==, -5 * (int) i);
    }
  return TRUE;
}

/* @data: the compiler */
static gboolean
check_link (Gpu            *gpu,
            gconstpointer   data,
            GError        **error)
{
  const char *options[] = { "-rdc=true", NULL };
  const char *arch = gpu_get_arch (gpu);
  g_autoptr (GBytes) callee = NULL;
  g_autoptr (GBytes) caller = NULL;
  g_autoptr (GBytes) image = NULL;
  g_autofree float *items = make_floats ();

  callee = tvm_nvcc_compile_cuda (callee_source, "cubin", arch, options, NULL, data, NULL, error);
  if (callee == NULL)
    return FALSE;
  caller = tvm_nvcc_compile_cuda (caller_source, "cubin", arch, options, NULL, data, NULL, error);
  if (caller == NULL)
    return FALSE;

  image = tvm_nvcc_link_device (NULL, (GBytes *[]) { caller, callee }, 2, arch, NULL, NULL, error);
  if (image == NULL || !gpu_run (gpu, image, "apply", items, N_ITEMS, error))
    return FALSE;

  for (guint i = 0; i < N_ITEMS; i++)
    g_assert_cmpfloat (items[i], ==, (float) (2 * (i % 4096) + 1));
  return TRUE;
}

static void
test_on_gpu (gconstpointer data)
{
  const Case *the_case = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (Gpu) gpu = gpu_open (&error);

  if (gpu == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        g_assert_no_error (error);
      g_test_skip (error->message);
      return;
    }

  the_case->check (gpu, the_case->data, &error);
  /* A machine with a driver and no toolkit, or with one that is too new for the driver */
  if (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    g_test_skip (error->message);
  else
    g_assert_no_error (error);
}

/* A driver of ours takes the place of the machine's: what does a test say that it does not find, or
 * that does not run? */
static void
say_what_happens (void)
{
  const Case cases[] = { { check_capability, NULL },
                         { check_add, &ways[3] },
                         { check_template, NULL },
                         { check_link, "nvrtc" } };
  g_autoptr (GError) open_error = NULL;
  g_autoptr (Gpu) gpu = gpu_open (&open_error);

  if (gpu == NULL)
    {
      g_assert_error (open_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_print ("%s\n", open_error->message);
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean done = cases[i].check (gpu, cases[i].data, &error);

      g_print ("<%s>\n", done ? "done" : error->message);
    }
}

typedef struct
{
  const char *mode;
  const char *said;
} FakeDriver;

static const FakeDriver fake_drivers[] = {
  { "none", "*no GPU: cuInit: CUDA_ERROR_NO_DEVICE (100)*" },
  { "empty", "*no GPU: cuDeviceGetCount: 0*" },
  { "broken", "*no GPU: cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)*" },
  { "unreadable", "*no GPU: *libcuda.so.1*" },
  { "sm_90", "*<done>*<cuModuleLoadData: CUDA_ERROR_NO_BINARY_FOR_GPU (209)>*"
             "<cuModuleLoadData: *<cuModuleLoadData: *" },
};

static gboolean
have_nvrtc (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) image =
    tvm_nvcc_compile_cuda (add_source, "cubin", "sm_90", NULL, NULL, "nvrtc", NULL, &error);

  if (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND))
    g_test_skip (error->message);
  else
    g_assert_no_error (error);
  return image != NULL;
}

static void
test_fake (gconstpointer data)
{
  const FakeDriver *fake = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = NULL;
  g_autofree char *link_path = NULL;
  g_autofree char *driver = g_test_build_filename (G_TEST_BUILT, "fake-cuda-driver.so", NULL);

  if (g_test_subprocess ())
    {
      say_what_happens ();
      return;
    }
  if (g_str_has_prefix (fake->mode, "sm_") && !have_nvrtc ())
    return;

  temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  link_path = g_build_filename (tvm_temp_directory_get_path (temp), "libcuda.so.1", NULL);
  if (g_str_equal (fake->mode, "unreadable"))
    g_assert_true (g_file_set_contents (link_path, "no library", -1, NULL));
  else
    g_assert_cmpint (symlink (driver, link_path), ==, 0);

  g_setenv ("LD_LIBRARY_PATH", tvm_temp_directory_get_path (temp), TRUE);
  g_setenv ("TVM_TEST_CUDA_DRIVER", fake->mode, TRUE);
  g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, 0);
  g_unsetenv ("LD_LIBRARY_PATH");
  g_unsetenv ("TVM_TEST_CUDA_DRIVER");
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout (fake->said);
}

static void
add (const char    *path,
     Check          check,
     gconstpointer  data)
{
  Case *the_case = g_new (Case, 1);

  the_case->check = check;
  the_case->data = data;
  g_test_add_data_func_full (path, the_case, test_on_gpu, g_free);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  add ("/gpu/capability", check_capability, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path =
        g_strdup_printf ("/gpu/add/%s-%s", ways[i].compiler, ways[i].format);

      add (path, check_add, &ways[i]);
    }
  add ("/gpu/own-arch", check_own_arch, NULL);
  add ("/gpu/template", check_template, NULL);
  add ("/gpu/link/nvcc", check_link, "nvcc");
  add ("/gpu/link/nvrtc", check_link, "nvrtc");
  for (guint i = 0; i < G_N_ELEMENTS (fake_drivers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/gpu/driver/%s", fake_drivers[i].mode);

      g_test_add_data_func (path, &fake_drivers[i], test_fake);
    }

  return g_test_run ();
}
