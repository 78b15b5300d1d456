/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/tvm-describe.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* Each test has a directory of its own and an environment without CUDA. */
typedef struct
{
  TvmTempDirectory *temp;
  const char *root;
  char *path;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  fixture->root = tvm_temp_directory_get_path (fixture->temp);
  fixture->path = g_strdup (g_getenv ("PATH"));
  g_unsetenv ("CUDA_PATH");
  g_unsetenv ("CUDA_HOME");
  g_unsetenv ("NVSHMEM_HOME");
  g_setenv ("PATH", "/bin", TRUE);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_unsetenv ("CUDA_PATH");
  g_unsetenv ("CUDA_HOME");
  g_setenv ("PATH", fixture->path, TRUE);
  g_free (fixture->path);
  g_object_unref (fixture->temp);
}

static char *
add_file (Fixture    *fixture,
          const char *name,
          const char *text,
          int         mode)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (fixture->root, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, mode), ==, 0);

  return path;
}

static void
add_files (Fixture            *fixture,
           const char * const *names)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = add_file (fixture, names[i], "", 0755);
    }
}

static char *
in_root (Fixture    *fixture,
         const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

static void
assert_root (Fixture    *fixture,
             const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = in_root (fixture, name);
  g_autofree char *found = tvm_cuda_toolkit_find_root (fixture->root, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, expected);
}

static void
set_path (Fixture    *fixture,
          const char *name)
{
  g_autofree char *path = in_root (fixture, name);

  g_setenv ("PATH", path, TRUE);
}

static void
test_variables (Fixture       *fixture,
                gconstpointer  data)
{
  g_autofree char *first = in_root (fixture, "first");
  g_autofree char *second = in_root (fixture, "second");

  add_files (fixture, (const char *[]) { "first/include/cuda.h", "second/bin/nvcc", NULL });
  g_setenv ("CUDA_PATH", first, TRUE);
  g_setenv ("CUDA_HOME", second, TRUE);
  assert_root (fixture, "first");

  g_setenv ("CUDA_PATH", "/nope", TRUE);
  assert_root (fixture, "second");

  g_setenv ("CUDA_PATH", "", TRUE);
  assert_root (fixture, "second");
}

static void
test_places (Fixture       *fixture,
             gconstpointer  data)
{
  /* Debian's layout */
  add_files (fixture, (const char *[]) {
    "usr/bin/nvcc", "usr/lib/nvidia-cuda-toolkit/bin/nvcc", NULL,
  });
  assert_root (fixture, "usr");

  add_files (fixture, (const char *[]) { "opt/cuda/bin/nvcc.profile", NULL });
  assert_root (fixture, "opt/cuda");

  add_files (fixture, (const char *[]) {
    "usr/local/cuda/targets/x86_64-linux/include/cuda.h", NULL,
  });
  assert_root (fixture, "usr/local/cuda");
}

static void
test_search_path (Fixture       *fixture,
                  gconstpointer  data)
{
  g_autofree char *real = in_root (fixture, "cuda-12/bin/nvcc");
  g_autofree char *link_path = in_root (fixture, "links/nvcc");
  g_autofree char *folder = in_root (fixture, "links");

  add_files (fixture, (const char *[]) { "cuda-12/bin/nvcc", "cuda-12/nvvm/libdevice/x", NULL });
  set_path (fixture, "cuda-12/bin");
  assert_root (fixture, "cuda-12");

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_cmpint (symlink (real, link_path), ==, 0);
  set_path (fixture, "links");
  assert_root (fixture, "cuda-12");
}

/* A script of the same name in front of it, as TVM takes for the toolkit itself */
static void
test_wrapper (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *script =
    g_strdup_printf ("#!/bin/sh\n# runs my/nvcc\nexec ccache \"%s/toolkit/bin/nvcc\" \"$@\"\n",
                     fixture->root);
  g_autofree char *wrapper = add_file (fixture, "local/bin/nvcc", script, 0755);
  g_autofree char *outer = g_strdup_printf ("#!/bin/sh\n%s $*\n", wrapper);
  g_autofree char *outer_path = add_file (fixture, "outer/nvcc", outer, 0755);

  add_files (fixture, (const char *[]) { "toolkit/bin/nvcc", "toolkit/include/cuda.h", NULL });
  set_path (fixture, "local/bin");
  assert_root (fixture, "toolkit");
  set_path (fixture, "outer");
  assert_root (fixture, "toolkit");
}

static void
test_wrapper_loop (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s/a/nvcc\n", fixture->root);
  g_autofree char *wrapper = add_file (fixture, "a/nvcc", script, 0755);
  g_autofree char *found = NULL;

  set_path (fixture, "a");
  found = tvm_cuda_toolkit_find_root (fixture->root, &error);
  g_assert_null (found);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, wrapper));
}

/* Every place, and why not */
static void
test_not_found (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = add_file (fixture, "file", "", 0600);
  g_autofree char *file_reason = g_strdup_printf ("CUDA_HOME “%s” is not a directory", file);
  g_autofree char *usr = in_root (fixture, "usr");
  g_autofree char *usr_reason = g_strdup_printf ("“%s” has neither ", usr);
  g_autofree char *found = NULL;
  const char *reasons[] = {
    "CUDA_PATH “/nope” does not exist", file_reason, "no “nvcc” is in the PATH “/bin”", usr_reason,
    "/usr/local/cuda” does not exist", "/opt/cuda” does not exist",
  };

  g_assert_cmpint (g_mkdir (usr, 0700), ==, 0);
  g_setenv ("CUDA_PATH", "/nope", TRUE);
  g_setenv ("CUDA_HOME", file, TRUE);
  found = tvm_cuda_toolkit_find_root (fixture->root, &error);
  g_assert_null (found);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      g_test_message ("%s in %s", reasons[i], error->message);
      g_assert_nonnull (strstr (error->message, reasons[i]));
    }
}

static void
assert_version (Fixture    *fixture,
                const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *version = tvm_nvcc_get_cuda_version (fixture->root, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (version, ==, expected);
}

/* The program is asked last, and each file is better than it. */
static void
test_version (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *nvcc = add_file (fixture, "bin/nvcc",
                                    "#!/bin/sh\n"
                                    "echo nvcc: NVIDIA\n"
                                    "echo Cuda compilation tools, release 11.8, V11.8.89\n", 0755);
  g_autofree char *text = NULL;
  g_autofree char *json = NULL;
  g_autofree char *target_header = NULL;
  g_autofree char *header = NULL;

  assert_version (fixture, "11.8");
  text = add_file (fixture, "version.txt", "CUDA Version 10.2.89\n", 0600);
  assert_version (fixture, "10.2.89");
  json = add_file (fixture, "version.json", "{\"cuda\": {\"version\": \"12.4.1\"}}", 0600);
  assert_version (fixture, "12.4.1");
  target_header = add_file (fixture, "targets/sbsa-linux/include/cuda.h",
                            "#define CUDA_VERSION 12060", 0600);
  assert_version (fixture, "12.6");
  header = add_file (fixture, "include/cuda.h", "\n#define CUDA_VERSION 13000\n", 0600);
  assert_version (fixture, "13.0");
}

static void
test_version_junk (Fixture       *fixture,
                   gconstpointer  data)
{
  static const char * const junk[][2] = {
    { "include/cuda.h", "" },
    { "include/cuda.h", "#define CUDA_VERSION " },
    { "include/cuda.h", "#define CUDA_VERSION x" },
    { "version.json", "" },
    { "version.json", "[" },
    { "version.json", "[1]" },
    { "version.json", "{\"cuda\": 1}" },
    { "version.json", "{\"cuda\": {\"version\": \"new\"}}" },
    { "version.json", "{\"cuda\": {\"version\": [12]}}" },
    { "version.txt", "" },
    { "version.txt", "CUDA Version" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (junk); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = add_file (fixture, junk[i][0], junk[i][1], 0600);
      g_autofree char *version = tvm_nvcc_get_cuda_version (fixture->root, NULL, &error);

      g_assert_null (version);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, path));
      g_assert_nonnull (strstr (error->message, "bin/nvcc"));
    }
}

static void
test_version_cancelled (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *nvcc = add_file (fixture, "bin/nvcc", "#!/bin/sh\nsleep 100\n", 0755);
  g_autofree char *version = NULL;

  g_cancellable_cancel (cancellable);
  version = tvm_nvcc_get_cuda_version (fixture->root, cancellable, &error);
  g_assert_null (version);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_have_cudagraph (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *old = add_file (fixture, "version.txt", "CUDA Version 9.2.148", 0600);
  g_autofree char *newer = NULL;

  g_setenv ("CUDA_PATH", fixture->root, TRUE);
  g_assert_false (tvm_nvcc_have_cudagraph (NULL, &error));
  g_assert_no_error (error);

  newer = add_file (fixture, "version.txt", "CUDA Version 10.0.130", 0600);
  g_assert_true (tvm_nvcc_have_cudagraph (NULL, &error));
  g_assert_no_error (error);
}

static void
assert_libdevice (Fixture    *fixture,
                  const char *arch,
                  const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = in_root (fixture, name);
  g_autofree char *found = tvm_nvcc_find_libdevice_path (arch, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_libdevice (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  g_setenv ("CUDA_PATH", fixture->root, TRUE);
  add_files (fixture, (const char *[]) { "include/cuda.h", NULL });
  found = tvm_nvcc_find_libdevice_path (NULL, &error);
  g_assert_null (found);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nvvm/libdevice"));
  g_assert_nonnull (strstr (error->message, "lib/nvidia-cuda-toolkit/libdevice"));
  g_clear_error (&error);

  found = tvm_nvcc_find_libdevice_path ("gfx906", &error);
  g_assert_null (found);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);

  add_files (fixture, (const char *[]) {
    "nvvm/libdevice/libdevice.compute_20.10.bc", "nvvm/libdevice/libdevice.compute_35.10.bc",
    "nvvm/libdevice/libdevice.compute_50.10.bc", "nvvm/libdevice/readme", NULL,
  });
  assert_libdevice (fixture, "3.7", "nvvm/libdevice/libdevice.compute_35.10.bc");
  assert_libdevice (fixture, NULL, "nvvm/libdevice/libdevice.compute_50.10.bc");

  add_files (fixture, (const char *[]) { "nvvm/libdevice/libdevice.10.bc", NULL });
  assert_libdevice (fixture, "sm_90a", "nvvm/libdevice/libdevice.10.bc");
}

static void
test_libdevice_debian (Fixture       *fixture,
                       gconstpointer  data)
{
  static const char name[] = "lib/nvidia-cuda-toolkit/libdevice/libdevice.10.bc";

  g_setenv ("CUDA_PATH", fixture->root, TRUE);
  add_files (fixture, (const char *[]) { name, NULL });
  assert_libdevice (fixture, "90", name);
}

static void
assert_nvshmem (Fixture    *fixture,
                const char *include,
                const char *library)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *include_path = NULL;
  g_autofree char *library_path = NULL;
  g_autofree char *expected_include = in_root (fixture, include);
  g_autofree char *expected_library = in_root (fixture, library);

  tvm_nvcc_find_nvshmem_paths (&include_path, &library_path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (include_path, ==, expected_include);
  g_assert_cmpstr (library_path, ==, expected_library);
}

static void
test_nvshmem (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *home = in_root (fixture, "home");

  g_setenv ("NVSHMEM_HOME", home, TRUE);
  add_files (fixture, (const char *[]) {
    "home/include/nvshmem_11/nvshmem.h", "home/include/nvshmem_12/nvshmem.h",
    "home/lib/x86_64-linux-gnu/nvshmem/12/libnvshmem_host.so", NULL,
  });
  assert_nvshmem (fixture, "home/include/nvshmem_12", "home/lib/x86_64-linux-gnu/nvshmem/12");

  add_files (fixture, (const char *[]) {
    "home/include/nvshmem.h", "home/lib/libnvshmem.a", NULL,
  });
  assert_nvshmem (fixture, "home/include", "home/lib");
  g_unsetenv ("NVSHMEM_HOME");
}

static void
test_nvshmem_not_found (Fixture       *fixture,
                        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *include_path = NULL;
  g_autofree char *library_path = NULL;

  if (g_file_test ("/usr/include/nvshmem.h", G_FILE_TEST_EXISTS) ||
      g_file_test ("/usr/local/include/nvshmem.h", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the system has NVSHMEM");
      return;
    }

  g_setenv ("CUDA_PATH", fixture->root, TRUE);
  add_files (fixture, (const char *[]) { "include/cuda.h", "include/nvshmem.h", NULL });
  g_assert_false (tvm_nvcc_find_nvshmem_paths (&include_path, &library_path, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "NVSHMEM_HOME is not set"));
  g_assert_nonnull (strstr (error->message, "has nvshmem.h but no library"));
  g_assert_null (include_path);
  g_assert_null (library_path);
}

/* The facts name the nvcc that is run, which need not be in the PATH. */
static void
test_libinfo (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *nvcc = in_root (fixture, "bin/nvcc");
  g_autoptr (GHashTable) info = NULL;

  add_files (fixture, (const char *[]) { "include/cuda.h", "bin/nvcc", NULL });
  g_setenv ("CUDA_PATH", fixture->root, TRUE);
  info = tvm_libinfo ();
  g_assert_cmpstr (g_hash_table_lookup (info, "NVCC"), ==, nvcc);
}

#define ADD(name, func) \
  g_test_add ("/cuda-toolkit/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("variables", test_variables);
  ADD ("places", test_places);
  ADD ("search-path", test_search_path);
  ADD ("wrapper", test_wrapper);
  ADD ("wrapper-loop", test_wrapper_loop);
  ADD ("not-found", test_not_found);
  ADD ("version", test_version);
  ADD ("version-junk", test_version_junk);
  ADD ("version-cancelled", test_version_cancelled);
  ADD ("have-cudagraph", test_have_cudagraph);
  ADD ("libdevice", test_libdevice);
  ADD ("libdevice-debian", test_libdevice_debian);
  ADD ("nvshmem", test_nvshmem);
  ADD ("nvshmem-not-found", test_nvshmem_not_found);
  ADD ("libinfo", test_libinfo);

  return g_test_run ();
}
