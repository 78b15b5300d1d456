/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-hiprtc-library-private.h"

#include "tvmsupport/gpu/tvm-rocm-private.h"
#include "tvmsupport/gpu/tvm-vendor-library-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SYMBOL(field, name) { name, G_STRUCT_OFFSET (TvmRtcLibrary, field), FALSE }

static const TvmVendorSymbol symbols[] = {
  SYMBOL (version, "hiprtcVersion"),
  SYMBOL (get_error_string, "hiprtcGetErrorString"),
  SYMBOL (create_program, "hiprtcCreateProgram"),
  SYMBOL (destroy_program, "hiprtcDestroyProgram"),
  SYMBOL (add_name_expression, "hiprtcAddNameExpression"),
  SYMBOL (compile_program, "hiprtcCompileProgram"),
  SYMBOL (get_log_size, "hiprtcGetProgramLogSize"),
  SYMBOL (get_log, "hiprtcGetProgramLog"),
  SYMBOL (get_lowered_name, "hiprtcGetLoweredName"),
  SYMBOL (get_binary_size, "hiprtcGetCodeSize"),
  SYMBOL (get_binary, "hiprtcGetCode"),
};

static gpointer
open_hiprtc (void        *handle,
             const char  *path,
             GError     **error)
{
  g_autofree TvmRtcLibrary *self = g_new0 (TvmRtcLibrary, 1);

  if (!tvm_vendor_library_resolve (handle, path, symbols, G_N_ELEMENTS (symbols), self, error))
    return NULL;
  if (self->version (&self->major, &self->minor) != TVM_RTC_SUCCESS)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The library “%s” does not say which version it is"), shown);
      return NULL;
    }

  self->path = g_strdup (path);
  return g_steal_pointer (&self);
}

/* Up to ROCm 5.2, HIPRTC is in the library of HIP itself. */
static const char * const sonames[] = {
  "libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so.5", "libamdhip64.so.5", NULL,
};

static TvmVendorLibrary hiprtc = {
  "HIPRTC (libhiprtc)", sonames, tvm_rocm_dup_library_folders, open_hiprtc, NULL,
};

const TvmRtcLibrary *
tvm_hiprtc_library_load (const char  *path,
                         GError     **error)
{
  return tvm_vendor_library_load (&hiprtc, path, error);
}

char *
tvm_hiprtc_library_locate (const char *path)
{
  if (path == NULL)
    return tvm_vendor_library_locate (&hiprtc);

  /* A name alone is for the dynamic loader. */
  return strchr (path, '/') != NULL ? g_strdup (path) : NULL;
}

/* A handle of the library of code objects */
typedef struct
{
  guint64 handle;
} ComgrAction;

/* The library of code objects, with which HIPRTC compiles: what is used of it has not changed since
 * its version 2.0. */
typedef struct
{
  int (* create_action_info)       (ComgrAction *action);
  int (* destroy_action_info)      (ComgrAction action);
  int (* action_info_set_isa_name) (ComgrAction action, const char *name);
  int (* get_isa_count)            (gsize *count);
  int (* get_isa_name)             (gsize index, const char **name);
} Comgr;

#define COMGR_SYMBOL(field) { "amd_comgr_" #field, G_STRUCT_OFFSET (Comgr, field), FALSE }

static const TvmVendorSymbol comgr_symbols[] = {
  COMGR_SYMBOL (create_action_info),
  COMGR_SYMBOL (destroy_action_info),
  COMGR_SYMBOL (action_info_set_isa_name),
  COMGR_SYMBOL (get_isa_count),
  COMGR_SYMBOL (get_isa_name),
};

static gpointer
open_comgr (void        *handle,
            const char  *path,
            GError     **error)
{
  g_autofree Comgr *self = g_new0 (Comgr, 1);

  if (!tvm_vendor_library_resolve (handle, path, comgr_symbols, G_N_ELEMENTS (comgr_symbols), self,
                                   error))
    return NULL;

  return g_steal_pointer (&self);
}

static const char * const comgr_sonames[] = { "libamd_comgr.so.3", "libamd_comgr.so.2", NULL };

static TvmVendorLibrary comgr_library = {
  "the library of code objects of ROCm (libamd_comgr)", comgr_sonames,
  tvm_rocm_dup_library_folders, open_comgr, NULL,
};

char *
tvm_hiprtc_library_find_part (const char *path)
{
  return tvm_vendor_library_locate (&comgr_library);
}

/* What stands in front of the architecture, with the empty name of the environment */
#define TRIPLE "amdgcn-amd-amdhsa--"

static gboolean
knows_arch (const Comgr *comgr,
            const char  *arch)
{
  g_autofree char *name = g_strconcat (TRIPLE, arch, NULL);
  ComgrAction action;
  gboolean known;

  if (comgr->create_action_info (&action) != 0)
    return FALSE;

  known = comgr->action_info_set_isa_name (action, name) == 0;
  comgr->destroy_action_info (action);
  return known;
}

static char *
list_archs (const Comgr *comgr)
{
  g_autoptr (GString) list = g_string_new (NULL);
  gsize count = 0;

  comgr->get_isa_count (&count);
  for (gsize i = 0; i < count; i++)
    {
      const char *name = NULL;

      if (comgr->get_isa_name (i, &name) != 0 || !g_str_has_prefix (name, TRIPLE))
        continue;
      g_string_append (list, list->len > 0 ? " " : "");
      g_string_append (list, name + strlen (TRIPLE));
    }

  return g_string_free (g_steal_pointer (&list), FALSE);
}

gboolean
tvm_hiprtc_library_check_arch (const char  *arch,
                               GError     **error)
{
  const Comgr *comgr = tvm_vendor_library_load (&comgr_library, NULL, error);
  g_autofree char *list = NULL;

  if (comgr == NULL)
    return FALSE;
  if (knows_arch (comgr, arch))
    return TRUE;

  list = list_archs (comgr);
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("HIPRTC does not compile for “%s”; it knows %s, with features behind a colon"), arch,
               list);
  return FALSE;
}

void
tvm_hiprtc_library_describe (GString *text)
{
  g_autoptr (GError) error = NULL;
  const TvmRtcLibrary *library = tvm_hiprtc_library_load (NULL, &error);
  g_autofree char *shown = library != NULL ? g_filename_display_name (library->path) : NULL;

  if (library != NULL)
    g_string_append_printf (text, "  HIPRTC %d.%d: %s\n", library->major, library->minor, shown);
  else
    g_string_append_printf (text, "  HIPRTC: %s\n", error->message);
}
