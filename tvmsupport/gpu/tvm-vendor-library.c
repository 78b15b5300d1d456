/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-vendor-library-private.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/tvm-search-private.h"

#include <dlfcn.h>
#include <glib/gi18n-lib.h>
#include <link.h>

G_LOCK_DEFINE_STATIC (loader);

gboolean
tvm_vendor_library_resolve (void                   *handle,
                            const char             *path,
                            const TvmVendorSymbol  *symbols,
                            gsize                   n_symbols,
                            gpointer                structure,
                            GError                **error)
{
  for (gsize i = 0; i < n_symbols; i++)
    {
      void **field = (void **) ((char *) structure + symbols[i].offset);

      *field = dlsym (handle, symbols[i].name);
      if (*field == NULL && !symbols[i].optional)
        {
          g_autofree char *shown = g_filename_display_name (path);

          g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                       _("The library “%s” lacks the function “%s”"), shown, symbols[i].name);
          return FALSE;
        }
    }

  return TRUE;
}

/* Returns: (transfer full): where a library that was asked for by its name alone is */
static char *
dup_path (void       *handle,
          const char *name)
{
  struct link_map *map = NULL;

  if (dlinfo (handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name != NULL && *map->l_name != '\0')
    return g_strdup (map->l_name);

  return g_strdup (name);
}

static gpointer
open_library (TvmVendorLibrary  *self,
              const char        *name,
              GError           **error)
{
  void *handle = dlopen (name, RTLD_NOW | RTLD_LOCAL);
  g_autofree char *path = NULL;
  gpointer opened;

  if (handle == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND, _("%s cannot be loaded: %s"), self->what,
                   dlerror ());
      return NULL;
    }

  path = dup_path (handle, name);
  opened = g_hash_table_lookup (self->known, path);
  if (opened == NULL)
    {
      opened = self->open (handle, path, error);
      if (opened != NULL)
        {
          /* The handle is kept, and so the library stays. */
          g_hash_table_insert (self->known, g_strdup (path), opened);
          return opened;
        }
    }

  dlclose (handle);
  return opened;
}

/* Tries every release in one folder. */
static gpointer
open_in_folder (TvmVendorLibrary *self,
                const char       *folder,
                TvmSearch        *search)
{
  g_autofree char *names = NULL;
  g_autofree char *shown = NULL;
  gboolean seen = FALSE;

  for (guint i = 0; self->sonames[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, self->sonames[i], NULL);
      g_autoptr (GError) error = NULL;
      gpointer opened = g_hash_table_lookup (self->known, path);

      if (opened != NULL)
        return opened;
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        continue;

      opened = open_library (self, path, &error);
      if (opened != NULL)
        return opened;
      seen = TRUE;
      tvm_search_add (search, "%s", error->message);
    }

  if (!seen)
    {
      names = g_strjoinv (", ", (char **) self->sonames);
      shown = g_filename_display_name (folder);
      tvm_search_add (search, _("“%s” has none of %s"), shown, names);
    }
  return NULL;
}

static gpointer
open_in_folders (TvmVendorLibrary *self,
                 TvmSearch        *search)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) folders = self->dup_folders (&error);
  gpointer opened = NULL;

  if (folders == NULL)
    {
      tvm_search_add (search, "%s", error->message);
      return NULL;
    }

  for (guint i = 0; opened == NULL && folders[i] != NULL; i++)
    opened = open_in_folder (self, folders[i], search);

  return opened;
}

char *
tvm_vendor_library_locate (TvmVendorLibrary *self)
{
  g_auto (GStrv) folders = self->dup_folders (NULL);

  for (guint i = 0; folders != NULL && folders[i] != NULL; i++)
    {
      for (guint j = 0; self->sonames[j] != NULL; j++)
        {
          g_autofree char *path = g_build_filename (folders[i], self->sonames[j], NULL);

          if (g_file_test (path, G_FILE_TEST_EXISTS))
            return g_steal_pointer (&path);
        }
    }

  return NULL;
}

/* LD_LIBRARY_PATH, as it was when the process started, and what ldconfig knows */
static gpointer
open_by_loader (TvmVendorLibrary *self,
                TvmSearch        *search)
{
  for (guint i = 0; self->sonames[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      gpointer opened = open_library (self, self->sonames[i], &error);

      if (opened != NULL)
        return opened;
      tvm_search_add (search, "%s", error->message);
    }

  return NULL;
}

static gpointer
find_library (TvmVendorLibrary  *self,
              GError           **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  gpointer opened = open_in_folders (self, &search);

  if (opened == NULL)
    opened = open_by_loader (self, &search);
  if (opened == NULL)
    tvm_search_set_error (&search, self->what, error);

  return opened;
}

gpointer
tvm_vendor_library_load (TvmVendorLibrary  *self,
                         const char        *path,
                         GError           **error)
{
  gpointer opened;

  /* Whoever comes while another thread loads it would wait for the dynamic loader anyway. */
  G_LOCK (loader);
  if (self->known == NULL)
    self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  opened = path != NULL ? open_library (self, path, error) : find_library (self, error);
  G_UNLOCK (loader);

  return opened;
}
