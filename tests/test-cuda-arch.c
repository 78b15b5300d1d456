/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/tvm-error.h"

#include <unistd.h>

typedef struct
{
  const char *text;
  int major;
  int minor;
  const char *suffix;
} Name;

static const Name names[] = {
  { "9.0", 9, 0, "" },
  { "9.0.a", 9, 0, "a" },
  { "9.0a", 9, 0, "a" },
  { "90", 9, 0, "" },
  { "90a", 9, 0, "a" },
  { "sm_90a", 9, 0, "a" },
  { "sm_9.0", 9, 0, "" },
  { "compute_90", 9, 0, "" },
  { "compute_90a", 9, 0, "a" },
  { "sm_100", 10, 0, "" },
  { "sm_103", 10, 3, "" },
  { "sm_103f", 10, 3, "f" },
  { "sm_120f", 12, 0, "f" },
  { "10.3", 10, 3, "" },
  { "12.1.a", 12, 1, "a" },
  { "3.5", 3, 5, "" },
  { "sm_53", 5, 3, "" },
  { "sm_121", 12, 1, "" },
  { "99.9", 99, 9, "" },
};

static const char * const no_names[] = {
  "", "9", "a", "sm_", "sm_9", "sm_a", "compute_", "90b", "90aa", "9.0.", "9.", ".9", "9.0.aa",
  "9.10", "8.9a", "sm_75a", "90f", "sm_89f", "9.0 ", " 9.0", "-9.0", "9.-1", "0.5", "05", "99999",
  "sm_90,sm_80", "sm_sm_90", "sm_compute_90", "SM_90", "gfx906", "9..0", "9.0..a", "9.0.1",
  "native", "12345678901234567890",
  "٩٠",
};

static void
test_parse (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (names[i].text, &error);

      g_assert_no_error (error);
      g_assert_cmpint (tvm_cuda_arch_get_major (arch), ==, names[i].major);
      g_assert_cmpint (tvm_cuda_arch_get_minor (arch), ==, names[i].minor);
      g_assert_cmpstr (tvm_cuda_arch_get_suffix (arch), ==, names[i].suffix);
    }
}

static void
test_parse_errors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (no_names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *quoted = g_strdup_printf ("“%s”", no_names[i]);
      g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (no_names[i], &error);

      g_assert_null (arch);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, quoted));
    }
}

/* What is written is read back as the same. */
static void
test_strings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (names[i].text, NULL);
      g_autoptr (TvmCudaArch) copy = g_boxed_copy (TVM_TYPE_CUDA_ARCH, arch);
      g_autofree char *real = tvm_cuda_arch_to_string (copy);
      g_autofree char *virtual_name = tvm_cuda_arch_to_virtual_string (arch);
      g_autofree char *version = tvm_cuda_arch_to_compute_version (arch);
      const char *written[] = { real, virtual_name, version };

      g_assert_true (g_str_has_prefix (real, "sm_"));
      g_assert_true (g_str_has_prefix (virtual_name, "compute_"));
      for (guint j = 0; j < G_N_ELEMENTS (written); j++)
        {
          g_autoptr (TvmCudaArch) again = tvm_cuda_arch_parse (written[j], NULL);

          g_assert_nonnull (again);
          g_assert_cmpint (tvm_cuda_arch_compare (arch, again), ==, 0);
        }
    }
}

static void
test_compare (void)
{
  static const char * const ordered[] = {
    "5.3", "7.0", "8.9", "9.0", "9.0a", "10.0", "10.0a", "10.0f", "10.3", "12.0", "100.0",
  };

  for (guint i = 0; i < G_N_ELEMENTS (ordered); i++)
    {
      g_autoptr (TvmCudaArch) first = tvm_cuda_arch_parse (ordered[i], NULL);

      for (guint j = 0; j < G_N_ELEMENTS (ordered); j++)
        {
          g_autoptr (TvmCudaArch) second = tvm_cuda_arch_parse (ordered[j], NULL);
          int compared = tvm_cuda_arch_compare (first, second);

          g_assert_cmpint ((compared > 0) - (compared < 0), ==, (i > j) - (i < j));
        }
    }
}

typedef gboolean (* HaveFunc) (const char *compute_version, GError **error);

static gboolean
have_tensorcore (const char  *compute_version,
                 GError     **error)
{
  return tvm_nvcc_have_tensorcore (compute_version, NULL, error);
}

/* The last version that has it not, and some that have it */
static void
test_features (void)
{
  static const struct
  {
    HaveFunc have;
    const char *without[4];
    const char *with[8];
  } table[] = {
    { tvm_nvcc_have_fp16, { "5.2", "3.7" }, { "5.3", "6.0", "6.1", "sm_90a", "sm_120" } },
    { tvm_nvcc_have_int8, { "6.0", "5.3" }, { "6.1", "6.2", "7.0", "sm_100" } },
    { tvm_nvcc_have_bf16, { "7.5", "7.2" }, { "8.0", "8.6", "sm_90a" } },
    { tvm_nvcc_have_fp8, { "8.8", "8.0" }, { "8.9", "9.0", "10.0", "sm_121" } },
    { tvm_nvcc_have_fp4, { "9.0", "9.0a" }, { "10.0", "10.3", "11.0", "12.0", "12.1", "sm_100a" } },
    { have_tensorcore, { "6.2", "6.0" }, { "7.0", "7.2", "7.5", "90a", "sm_90a", "sm_100" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GError) error = NULL;

      for (guint j = 0; table[i].without[j] != NULL; j++)
        {
          g_assert_false (table[i].have (table[i].without[j], &error));
          g_assert_no_error (error);
        }
      for (guint j = 0; table[i].with[j] != NULL; j++)
        {
          g_assert_true (table[i].have (table[i].with[j], &error));
          g_assert_no_error (error);
        }
      g_assert_false (table[i].have ("none of them", &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_parse_compute_version (void)
{
  g_autoptr (GError) error = NULL;
  int major = -1;
  int minor = -1;

  g_assert_true (tvm_nvcc_parse_compute_version ("sm_100", &major, &minor, &error));
  g_assert_no_error (error);
  g_assert_cmpint (major, ==, 10);
  g_assert_cmpint (minor, ==, 0);
  g_assert_true (tvm_nvcc_parse_compute_version ("9.0.a", NULL, NULL, &error));

  g_assert_false (tvm_nvcc_parse_compute_version ("90.x", &major, &minor, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

/* What is named counts, with or without a GPU. */
static void
test_named_target (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *plain = tvm_nvcc_get_target_compute_version ("90", NULL, &error);
  g_autofree char *variant = tvm_nvcc_get_target_compute_version ("sm_90a", NULL, &error);
  g_autofree char *wrong = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (plain, ==, "9.0");
  g_assert_cmpstr (variant, ==, "9.0.a");

  g_assert_true (tvm_nvcc_have_tensorcore (NULL, "sm_70", &error));
  g_assert_false (tvm_nvcc_have_tensorcore ("6.1", "sm_70", &error));
  g_assert_no_error (error);

  wrong = tvm_nvcc_get_target_compute_version ("gfx906", NULL, &error);
  g_assert_null (wrong);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static void
test_cancelled (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *version = NULL;

  g_cancellable_cancel (cancellable);
  version = tvm_nvcc_get_target_compute_version ("90", cancellable, &error);
  g_assert_null (version);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* With a driver of ours in the place of the machine's */
static void
driver_child (void)
{
  const char *mode = g_getenv ("TVM_TEST_CUDA_DRIVER");
  g_autoptr (GError) error = NULL;
  g_autofree char *version = tvm_nvcc_get_target_compute_version (NULL, NULL, &error);

  if (g_str_has_prefix (mode, "sm_"))
    {
      g_autofree char *named = tvm_nvcc_get_target_compute_version ("sm_52", NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (version, ==, "10.3");
      g_assert_true (tvm_nvcc_have_tensorcore (NULL, NULL, &error));
      g_assert_cmpstr (named, ==, "5.2");
      return;
    }

  g_assert_null (version);
  g_assert_false (tvm_nvcc_have_tensorcore (NULL, NULL, NULL));
  if (g_str_equal (mode, "broken"))
    {
      g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, "cuInit"));
      g_assert_nonnull (strstr (error->message, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"));
    }
  else
    {
      g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
      if (g_str_equal (mode, "none") || g_str_equal (mode, "empty"))
        g_assert_nonnull (strstr (error->message, "CUDA_ERROR_NO_DEVICE"));
      else
        g_assert_nonnull (strstr (error->message, "libcuda.so.1"));
    }
}

static void
test_driver (gconstpointer data)
{
  const char *mode = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = NULL;
  g_autofree char *link_path = NULL;
  g_autofree char *driver = g_test_build_filename (G_TEST_BUILT, "fake-cuda-driver.so", NULL);

  if (g_test_subprocess ())
    {
      driver_child ();
      return;
    }

  temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  link_path = g_build_filename (tvm_temp_directory_get_path (temp), "libcuda.so.1", NULL);
  /* No library at all, also where the machine has a driver */
  if (g_str_equal (mode, "unreadable"))
    g_assert_true (g_file_set_contents (link_path, "no library", -1, NULL));
  else
    g_assert_cmpint (symlink (driver, link_path), ==, 0);

  g_setenv ("LD_LIBRARY_PATH", tvm_temp_directory_get_path (temp), TRUE);
  g_setenv ("TVM_TEST_CUDA_DRIVER", mode, TRUE);
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
  g_unsetenv ("LD_LIBRARY_PATH");
  g_unsetenv ("TVM_TEST_CUDA_DRIVER");
  g_test_trap_assert_passed ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cuda-arch/parse", test_parse);
  g_test_add_func ("/cuda-arch/parse-errors", test_parse_errors);
  g_test_add_func ("/cuda-arch/strings", test_strings);
  g_test_add_func ("/cuda-arch/compare", test_compare);
  g_test_add_func ("/cuda-arch/features", test_features);
  g_test_add_func ("/cuda-arch/parse-compute-version", test_parse_compute_version);
  g_test_add_func ("/cuda-arch/named-target", test_named_target);
  g_test_add_func ("/cuda-arch/cancelled", test_cancelled);
  g_test_add_data_func ("/cuda-arch/driver/gpu", "sm_103", test_driver);
  g_test_add_data_func ("/cuda-arch/driver/no-gpu", "none", test_driver);
  g_test_add_data_func ("/cuda-arch/driver/empty-list", "empty", test_driver);
  g_test_add_data_func ("/cuda-arch/driver/broken", "broken", test_driver);
  g_test_add_data_func ("/cuda-arch/driver/unreadable", "unreadable", test_driver);

  return g_test_run ();
}
