/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvrtc-library-private.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-vendor-library-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The first release with all that is not optional */
#define MIN_MAJOR 11
#define MIN_MINOR 2

#define SYMBOL(field, name) { name, G_STRUCT_OFFSET (TvmRtcLibrary, field), FALSE }
#define OPTIONAL(field, name) { name, G_STRUCT_OFFSET (TvmRtcLibrary, field), TRUE }

static const TvmVendorSymbol version_symbols[] = {
  SYMBOL (version, "nvrtcVersion"),
};

static const TvmVendorSymbol symbols[] = {
  SYMBOL (get_error_string, "nvrtcGetErrorString"),
  SYMBOL (create_program, "nvrtcCreateProgram"),
  SYMBOL (destroy_program, "nvrtcDestroyProgram"),
  SYMBOL (add_name_expression, "nvrtcAddNameExpression"),
  SYMBOL (compile_program, "nvrtcCompileProgram"),
  SYMBOL (get_log_size, "nvrtcGetProgramLogSize"),
  SYMBOL (get_log, "nvrtcGetProgramLog"),
  SYMBOL (get_lowered_name, "nvrtcGetLoweredName"),
  SYMBOL (get_ptx_size, "nvrtcGetPTXSize"),
  SYMBOL (get_ptx, "nvrtcGetPTX"),
  SYMBOL (get_binary_size, "nvrtcGetCUBINSize"),
  SYMBOL (get_binary, "nvrtcGetCUBIN"),
  OPTIONAL (get_lto_ir_size, "nvrtcGetLTOIRSize"),
  OPTIONAL (get_lto_ir, "nvrtcGetLTOIR"),
  OPTIONAL (set_flow_callback, "nvrtcSetFlowCallback"),
};

static gpointer
open_nvrtc (void        *handle,
            const char  *path,
            GError     **error)
{
  g_autofree TvmRtcLibrary *self = g_new0 (TvmRtcLibrary, 1);
  g_autofree char *shown = g_filename_display_name (path);

  /* An old one lacks functions: the version is the better reason. */
  if (!tvm_vendor_library_resolve (handle, path, version_symbols, G_N_ELEMENTS (version_symbols),
                                   self, error))
    return NULL;
  if (self->version (&self->major, &self->minor) != TVM_RTC_SUCCESS)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The library “%s” does not say which version it is"), shown);
      return NULL;
    }
  if (self->major < MIN_MAJOR || (self->major == MIN_MAJOR && self->minor < MIN_MINOR))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The library “%s” is NVRTC %d.%d, and %d.%d is the oldest that serves"), shown,
                   self->major, self->minor, MIN_MAJOR, MIN_MINOR);
      return NULL;
    }
  if (!tvm_vendor_library_resolve (handle, path, symbols, G_N_ELEMENTS (symbols), self, error))
    return NULL;

  self->path = g_strdup (path);
  return g_steal_pointer (&self);
}

static const char * const sonames[] = {
  "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", NULL,
};

static TvmVendorLibrary nvrtc = {
  "NVRTC (libnvrtc)", sonames, tvm_cuda_toolkit_dup_library_folders, open_nvrtc, NULL,
};

const TvmRtcLibrary *
tvm_nvrtc_library_load (const char  *path,
                        GError     **error)
{
  return tvm_vendor_library_load (&nvrtc, path, error);
}

char *
tvm_nvrtc_library_locate (const char *path)
{
  if (path == NULL)
    return tvm_vendor_library_locate (&nvrtc);

  /* A name alone is for the dynamic loader. */
  return strchr (path, '/') != NULL ? g_strdup (path) : NULL;
}

static gboolean
has_headers (const char *root)
{
  g_autofree char *header = g_build_filename (root, "include", "cuda_fp16.h", NULL);

  return g_file_test (header, G_FILE_TEST_EXISTS);
}

/* The directory that the library is in, so that headers of one release do not meet another one; a
 * library that came without headers takes those that are found */
static char *
find_include_root (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *root = g_path_get_dirname (folder);

  if (has_headers (root))
    return g_steal_pointer (&root);

  return tvm_cuda_toolkit_find_root ("", NULL);
}

char **
tvm_nvrtc_library_find_includes (const char *path)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *root = find_include_root (path);
  g_autofree char *include = root != NULL ? g_build_filename (root, "include", NULL) : NULL;
  g_autofree char *cccl = root != NULL ? g_build_filename (include, "cccl", NULL) : NULL;

  /* What the host's own headers say does not hold on a GPU. */
  if (include != NULL && !g_str_equal (include, "/usr/include") &&
      g_file_test (include, G_FILE_TEST_IS_DIR))
    g_strv_builder_add (builder, include);
  if (cccl != NULL && g_file_test (cccl, G_FILE_TEST_IS_DIR))
    g_strv_builder_add (builder, cccl);

  return g_strv_builder_end (builder);
}
