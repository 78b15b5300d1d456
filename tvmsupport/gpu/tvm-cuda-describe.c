/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"

#include "tvmsupport/gpu/tvm-cuda-driver-private.h"
#include "tvmsupport/gpu/tvm-nvcc.h"
#include "tvmsupport/gpu/tvm-nvjitlink-private.h"
#include "tvmsupport/gpu/tvm-nvrtc-library-private.h"

#include <glib/gi18n-lib.h>

static void
append_path (GString      *text,
             const char   *name,
             const char   *path,
             const GError *error)
{
  g_autofree char *shown = path != NULL ? g_filename_display_name (path) : NULL;

  g_string_append_printf (text, "  %s: %s\n", name, path != NULL ? shown : error->message);
}

static void
append_toolkit (GString    *text,
                const char *root)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GError) error = NULL;
  g_autofree char *version = tvm_cuda_toolkit_read_version (root, &search);
  g_autofree char *shown = g_filename_display_name (root);
  g_autofree char *libdevice = tvm_nvcc_find_libdevice_path (NULL, &error);

  g_string_append_printf (text, _("  CUDA %s: %s\n"),
                          version != NULL ? version : _("of no known version"), shown);
  append_path (text, "libdevice", libdevice, error);
}

/* @version: (nullable) */
static void
append_library (GString      *text,
                const char   *name,
                const char   *version,
                const char   *path,
                const GError *error)
{
  g_autofree char *named = g_strdup_printf ("%s %s", name,
                                            version != NULL ? version : _("of no known version"));

  append_path (text, path != NULL ? named : name, path, error);
}

static void
append_libraries (GString *text)
{
  g_autoptr (GError) nvrtc_error = NULL;
  g_autoptr (GError) link_error = NULL;
  g_autoptr (GError) driver_error = NULL;
  const TvmRtcLibrary *nvrtc = tvm_nvrtc_library_load (NULL, &nvrtc_error);
  g_autofree char *nvrtc_version =
    nvrtc != NULL ? g_strdup_printf ("%d.%d", nvrtc->major, nvrtc->minor) : NULL;
  g_autofree char *link_version = NULL;
  g_autofree char *link_path = tvm_nvjitlink_find (&link_version, &link_error);
  int version = 0;
  g_autofree char *driver_path = tvm_cuda_driver_find (&version, &driver_error);
  g_autofree char *driver_version =
    g_strdup_printf (_("for CUDA %d.%d"), version / 1000, version % 1000 / 10);

  append_library (text, "NVRTC", nvrtc_version, nvrtc != NULL ? nvrtc->path : NULL, nvrtc_error);
  append_library (text, "nvJitLink", link_version, link_path, link_error);
  append_library (text, _("driver"), driver_version, driver_path, driver_error);
}

void
tvm_cuda_toolkit_describe (GString *text)
{
  g_autoptr (GError) root_error = NULL;
  g_autoptr (GError) nvcc_error = NULL;
  g_autoptr (GError) nvshmem_error = NULL;
  g_autofree char *root = tvm_cuda_toolkit_find_root ("", &root_error);
  g_autofree char *nvcc = tvm_cuda_toolkit_find_nvcc (&nvcc_error);
  g_autofree char *include_path = NULL;
  g_autofree char *library_path = NULL;

  g_string_append (text, _("CUDA\n"));
  if (root != NULL)
    append_toolkit (text, root);
  else
    g_string_append_printf (text, "  %s\n", root_error->message);
  append_path (text, "nvcc", nvcc, nvcc_error);
  tvm_nvcc_find_nvshmem_paths (&include_path, &library_path, &nvshmem_error);
  append_libraries (text);
  append_path (text, "NVSHMEM", include_path, nvshmem_error);
}
