/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/**
 * tvm_nvcc_find_cuda_path:
 * @error: a #GError
 *
 * Finds the CUDA toolkit: the directory that the environment variable `CUDA_PATH` names, or
 * `CUDA_HOME`; that of the first `nvcc` in the `PATH` that leads to one, through links and wrapper
 * scripts; `/usr/local/cuda`; `/opt/cuda`; or `/usr`, where Debian's packages put it. A place that
 * holds no toolkit is passed over. Nothing is run. This is the seed's `nvcc.find_cuda_path`.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the reason why it did not
 * serve.
 *
 * Returns: (transfer full) (type filename): the directory
 *
 * Since: 1.0
 */
char *
tvm_nvcc_find_cuda_path (GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tvm_cuda_toolkit_find_root ("", error);
}

/* Before CUDA 10 there was one file for each of some architectures: the newest that is not newer
 * than the one that is asked for. */
static char *
find_libdevice_of_arch (const char *folder,
                        int         wanted)
{
  static const char prefix[] = "libdevice.compute_";
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *found = NULL;
  const char *name;
  int found_version = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      int version;

      if (!g_str_has_prefix (name, prefix) || !g_str_has_suffix (name, ".bc"))
        continue;
      version = (int) MIN (g_ascii_strtoull (name + strlen (prefix), NULL, 10), G_MAXINT);
      if (version <= found_version || version > wanted)
        continue;

      found_version = version;
      g_free (found);
      found = g_build_filename (folder, name, NULL);
    }

  return g_steal_pointer (&found);
}

/**
 * tvm_nvcc_find_libdevice_path:
 * @arch: (nullable): an architecture, such as `sm_90` or `70`, which counts for toolkits before
 *   CUDA 10 only, or %NULL for the newest
 * @error: a #GError
 *
 * Finds CUDA's library of mathematical functions as LLVM bitcode, `libdevice.10.bc`, in NVIDIA's or
 * Debian's layout. This is `nvcc.find_libdevice_path` of TVM.
 *
 * The errors are %TVM_ERROR_INVALID_ARGUMENT if @arch is none, and %TVM_ERROR_NOT_FOUND, with every
 * place that was tried and the reason why it did not serve.
 *
 * Returns: (transfer full) (type filename): the file
 *
 * Since: 1.0
 */
char *
tvm_nvcc_find_libdevice_path (const char  *arch,
                              GError     **error)
{
  static const char * const places[] = { "nvvm/libdevice", "lib/nvidia-cuda-toolkit/libdevice" };
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autofree char *root = NULL;
  int major;
  int minor;
  int wanted = G_MAXINT;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (arch != NULL)
    {
      if (!tvm_nvcc_parse_compute_version (arch, &major, &minor, error))
        return NULL;
      wanted = major * 10 + minor;
    }

  root = tvm_cuda_toolkit_find_root ("", error);
  if (root == NULL)
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *folder = g_build_filename (root, places[i], NULL);
      g_autofree char *path = g_build_filename (folder, "libdevice.10.bc", NULL);
      char *of_arch;

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
      of_arch = find_libdevice_of_arch (folder, wanted);
      if (of_arch != NULL)
        return of_arch;

      if (g_file_test (folder, G_FILE_TEST_IS_DIR))
        tvm_search_add (&search, _("“%s” has no libdevice for this architecture"), folder);
      else
        tvm_search_add (&search, _("“%s” does not exist"), folder);
    }

  tvm_search_set_error (&search, _("libdevice"), error);
  return NULL;
}

static gboolean
holds (const char *folder,
       const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Returns: (transfer full) (nullable): @folder, or the directory in it whose name begins with
 * @prefix and that holds @name; of several the one with the newest version */
static char *
find_holder (const char *folder,
             const char *prefix,
             const char *name)
{
  g_autoptr (GDir) dir = NULL;
  g_autofree char *found = NULL;
  const char *entry;

  if (holds (folder, name))
    return g_strdup (folder);

  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (folder, entry, NULL);

      if (g_str_has_prefix (entry, prefix) && holds (inner, name) &&
          (found == NULL || strverscmp (inner, found) > 0))
        {
          g_free (found);
          found = g_steal_pointer (&inner);
        }
    }

  return g_steal_pointer (&found);
}

/* NVIDIA's archives put it beside include/, its Debian packages below a folder for each version of
 * CUDA: include/nvshmem_12, lib/x86_64-linux-gnu/nvshmem/12. */
static char *
find_nvshmem_libraries (const char *root)
{
  static const char * const names[] = {
    "libnvshmem_host.so", "libnvshmem.a", "libnvshmem_device.a",
  };
  g_autofree char *lib = g_build_filename (root, "lib", NULL);
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (lib, 0, NULL);
  const char *entry;

  g_ptr_array_add (folders, g_build_filename (root, "lib64", NULL));
  g_ptr_array_add (folders, g_strdup (lib));
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      if (strstr (entry, "-linux-gnu") != NULL)
        {
          g_ptr_array_add (folders, g_build_filename (lib, entry, NULL));
          g_ptr_array_add (folders, g_build_filename (lib, entry, "nvshmem", NULL));
        }
    }

  for (guint i = 0; i < folders->len; i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (names); j++)
        {
          const char *folder = g_ptr_array_index (folders, i);
          const char *prefix = g_str_has_suffix (folder, "/nvshmem") ? "" : "nvshmem";
          char *found = find_holder (folder, prefix, names[j]);

          if (found != NULL)
            return found;
        }
    }

  return NULL;
}

static gboolean
find_nvshmem_in (const char  *root,
                 const char  *origin,
                 char       **include_path,
                 char       **library_path,
                 TvmSearch   *search)
{
  g_autofree char *folder = g_build_filename (root, "include", NULL);
  g_autofree char *include = find_holder (folder, "nvshmem", "nvshmem.h");
  g_autofree char *library = find_nvshmem_libraries (root);
  g_autofree char *shown = g_filename_display_name (root);

  if (include != NULL && library != NULL)
    {
      *include_path = g_steal_pointer (&include);
      *library_path = g_steal_pointer (&library);
      return TRUE;
    }

  if (include == NULL)
    tvm_search_add (search, _("%s “%s” has no include/nvshmem.h"), origin, shown);
  else
    tvm_search_add (search, _("%s “%s” has nvshmem.h but no library"), origin, shown);
  return FALSE;
}

/**
 * tvm_nvcc_find_nvshmem_paths:
 * @include_path: (out) (transfer full) (type filename): where to store the directory of `nvshmem.h`
 * @library_path: (out) (transfer full) (type filename): where to store the directory of the
 *   libraries
 * @error: a #GError
 *
 * Finds NVSHMEM: in the directory that the environment variable `NVSHMEM_HOME` names, in the CUDA
 * toolkit, in `/usr/local` or in `/usr`. This is the seed's `nvcc.find_nvshmem_paths`.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the reason why it did not
 * serve.
 *
 * Returns: %TRUE if it was found
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_find_nvshmem_paths (char   **include_path,
                             char   **library_path,
                             GError **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  const char *home = g_getenv ("NVSHMEM_HOME");
  g_autofree char *cuda = NULL;

  g_return_val_if_fail (include_path != NULL, FALSE);
  g_return_val_if_fail (library_path != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *include_path = NULL;
  *library_path = NULL;

  if (home == NULL || *home == '\0')
    tvm_search_add (&search, _("%s is not set"), "NVSHMEM_HOME");
  else if (find_nvshmem_in (home, "NVSHMEM_HOME", include_path, library_path, &search))
    return TRUE;

  cuda = tvm_cuda_toolkit_find_root ("", NULL);
  if (cuda == NULL)
    tvm_search_add (&search, _("there is no CUDA toolkit"));
  else if (find_nvshmem_in (cuda, _("the CUDA toolkit"), include_path, library_path, &search))
    return TRUE;

  if (find_nvshmem_in ("/usr/local", _("the system"), include_path, library_path, &search) ||
      find_nvshmem_in ("/usr", _("the system"), include_path, library_path, &search))
    return TRUE;

  tvm_search_set_error (&search, "NVSHMEM", error);
  return FALSE;
}
