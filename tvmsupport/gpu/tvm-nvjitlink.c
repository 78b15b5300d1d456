/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvjitlink-private.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-vendor-library-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The types of inputs */
#define INPUT_CUBIN 1
#define INPUT_PTX 2
#define INPUT_LTO_IR 3
#define INPUT_FATBIN 4
#define INPUT_OBJECT 5
#define INPUT_LIBRARY 6

#define LINK_SUCCESS 0

/* e_machine of an ELF file */
#define ELF_MACHINE_OFFSET 18
#define ELF_MACHINE_CUDA 190

typedef struct _LinkHandle LinkHandle;

typedef struct
{
  char *path;

  int (* create)             (LinkHandle **handle, guint32 n_options, const char **options);
  int (* destroy)            (LinkHandle **handle);
  int (* add_data)           (LinkHandle *handle,
                              int         type,
                              const void *data,
                              gsize       size,
                              const char *name);
  int (* complete)           (LinkHandle *handle);
  int (* get_cubin_size)     (LinkHandle *handle, gsize *size);
  int (* get_cubin)          (LinkHandle *handle, void *cubin);
  int (* get_error_log_size) (LinkHandle *handle, gsize *size);
  int (* get_error_log)      (LinkHandle *handle, char *log);

  /* Since CUDA 12.4 */
  int (* version)            (unsigned int *major, unsigned int *minor);
} Library;

#define SYMBOL(field, name) { name, G_STRUCT_OFFSET (Library, field), FALSE }

static const TvmVendorSymbol symbols[] = {
  SYMBOL (create, "nvJitLinkCreate"),
  SYMBOL (destroy, "nvJitLinkDestroy"),
  SYMBOL (add_data, "nvJitLinkAddData"),
  SYMBOL (complete, "nvJitLinkComplete"),
  SYMBOL (get_cubin_size, "nvJitLinkGetLinkedCubinSize"),
  SYMBOL (get_cubin, "nvJitLinkGetLinkedCubin"),
  SYMBOL (get_error_log_size, "nvJitLinkGetErrorLogSize"),
  SYMBOL (get_error_log, "nvJitLinkGetErrorLog"),
  { "nvJitLinkVersion", G_STRUCT_OFFSET (Library, version), TRUE },
};

static gpointer
open_nvjitlink (void        *handle,
                const char  *path,
                GError     **error)
{
  g_autofree Library *self = g_new0 (Library, 1);

  if (!tvm_vendor_library_resolve (handle, path, symbols, G_N_ELEMENTS (symbols), self, error))
    return NULL;

  self->path = g_strdup (path);
  return g_steal_pointer (&self);
}

static const Library *
load_library (GError **error)
{
  static const char * const sonames[] = { "libnvJitLink.so.13", "libnvJitLink.so.12", NULL };
  static TvmVendorLibrary library = {
    "nvJitLink (libnvJitLink)", sonames, tvm_cuda_toolkit_dup_library_folders, open_nvjitlink, NULL,
  };

  return tvm_vendor_library_load (&library, NULL, error);
}

/* What the bytes are, by how they begin; what has no sign is PTX, which is text. */
static int
find_type (const guint8 *data,
           gsize         size)
{
  if (size > ELF_MACHINE_OFFSET && memcmp (data, "\177ELF", 4) == 0)
    return data[ELF_MACHINE_OFFSET] == ELF_MACHINE_CUDA ? INPUT_CUBIN : INPUT_OBJECT;
  if (size >= 4 && memcmp (data, "\x50\xed\x55\xba", 4) == 0)
    return INPUT_FATBIN;
  if (size >= 4 && memcmp (data, "\xed\x43\x4e\x7f", 4) == 0)
    return INPUT_LTO_IR;
  if (size >= 8 && memcmp (data, "!<arch>\n", 8) == 0)
    return INPUT_LIBRARY;

  return INPUT_PTX;
}

/* Adds the log to what went wrong. */
static void
set_link_error (const Library  *library,
                LinkHandle     *handle,
                int             status,
                GError        **error)
{
  g_autofree char *log = NULL;
  g_autofree char *text = NULL;
  gsize size = 0;

  if (handle != NULL && library->get_error_log_size (handle, &size) == LINK_SUCCESS && size > 1)
    {
      log = g_malloc0 (size + 1);
      if (library->get_error_log (handle, log) == LINK_SUCCESS)
        text = g_strstrip (g_utf8_make_valid (log, -1));
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED,
               _("The device code cannot be linked: %s (nvJitLink error %d)"),
               text != NULL ? text : _("no reason was given"), status);
}

static gboolean
check (const Library  *library,
       LinkHandle     *handle,
       int             status,
       GError        **error)
{
  if (status == LINK_SUCCESS)
    return TRUE;

  set_link_error (library, handle, status, error);
  return FALSE;
}

static gboolean
add_inputs (const Library   *library,
            LinkHandle      *handle,
            GBytes         **contents,
            char           **names,
            gsize            n_inputs,
            GError         **error)
{
  for (gsize i = 0; i < n_inputs; i++)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (contents[i], &size);

      if (!check (library, handle,
                  library->add_data (handle, find_type (data, size), data, size, names[i]), error))
        return FALSE;
    }

  return TRUE;
}

static GBytes *
get_cubin (const Library  *library,
           LinkHandle     *handle,
           GError        **error)
{
  g_autofree char *data = NULL;
  gsize size = 0;

  if (!check (library, handle, library->get_cubin_size (handle, &size), error))
    return NULL;
  if (size == 0)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_LINK_FAILED,
                           _("nvJitLink reported success but made no cubin"));
      return NULL;
    }

  data = g_malloc (size);
  if (!check (library, handle, library->get_cubin (handle, data), error))
    return NULL;

  return g_bytes_new_take (g_steal_pointer (&data), size);
}

static gboolean
read_inputs (const TvmNvJitLinkInput  *inputs,
             gsize                     n_inputs,
             GPtrArray                *contents,
             GPtrArray                *names,
             gboolean                 *has_lto_ir,
             GError                  **error)
{
  for (gsize i = 0; i < n_inputs; i++)
    {
      GBytes *bytes = inputs[i].bytes != NULL ? g_bytes_ref (inputs[i].bytes) : NULL;
      const guint8 *data;
      gsize size;

      if (bytes == NULL)
        {
          g_autoptr (GFile) file = g_file_new_for_path (inputs[i].path);

          bytes = g_file_load_bytes (file, NULL, NULL, error);
        }
      if (bytes == NULL)
        return FALSE;

      g_ptr_array_add (contents, bytes);
      g_ptr_array_add (names, inputs[i].path != NULL
                                ? g_strdup (inputs[i].path)
                                : g_strdup_printf ("input %" G_GSIZE_FORMAT, i + 1));
      data = g_bytes_get_data (bytes, &size);
      if (size == 0)
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, _("“%s” is empty"),
                       (const char *) g_ptr_array_index (names, i));
          return FALSE;
        }
      *has_lto_ir |= find_type (data, size) == INPUT_LTO_IR;
    }

  return TRUE;
}

GBytes *
tvm_nvjitlink_link (const TvmNvJitLinkInput  *inputs,
                    gsize                     n_inputs,
                    const char * const       *options,
                    gboolean                  has_lto_option,
                    GError                  **error)
{
  g_autoptr (GPtrArray) contents = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  gboolean has_lto_ir = FALSE;
  const Library *library;
  LinkHandle *handle = NULL;
  GBytes *cubin = NULL;

  if (!read_inputs (inputs, n_inputs, contents, names, &has_lto_ir, error))
    return NULL;
  library = load_library (error);
  if (library == NULL)
    return NULL;

  for (guint i = 0; options[i] != NULL; i++)
    g_ptr_array_add (words, (char *) options[i]);
  /* LTO-IR is nothing without it. */
  if (has_lto_ir && !has_lto_option)
    g_ptr_array_add (words, (char *) "-lto");

  if (check (library, handle,
             library->create (&handle, words->len, (const char **) words->pdata), error) &&
      add_inputs (library, handle, (GBytes **) contents->pdata, (char **) names->pdata, n_inputs,
                  error) &&
      check (library, handle, library->complete (handle), error))
    cubin = get_cubin (library, handle, error);
  if (handle != NULL)
    library->destroy (&handle);

  return cubin;
}

char *
tvm_nvjitlink_find (char   **version,
                    GError **error)
{
  const Library *library = load_library (error);
  unsigned int major;
  unsigned int minor;

  *version = NULL;
  if (library == NULL)
    return NULL;

  if (library->version != NULL && library->version (&major, &minor) == LINK_SUCCESS)
    *version = g_strdup_printf ("%u.%u", major, minor);
  return g_strdup (library->path);
}
