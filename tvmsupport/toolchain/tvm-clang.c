/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-clang.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define NAME "clang"

/* The version of a name such as “clang-14”; 0 for every other name, so also for “clang-format” */
static guint
version_of (const char *name)
{
  guint64 version;

  if (!g_str_has_prefix (name, NAME "-") ||
      !g_ascii_string_to_unsigned (name + strlen (NAME "-"), 10, 1, 9999, &version, NULL))
    return 0;

  return (guint) version;
}

static void
add_versions (const char *folder,
              GHashTable *versions)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  /* An empty or a relative part of the PATH is a folder that depends on where the program is. */
  if (!g_path_is_absolute (folder))
    return;
  dir = g_dir_open (folder, 0, NULL);
  if (dir == NULL)
    return;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (version_of (name) > 0)
      g_hash_table_add (versions, GUINT_TO_POINTER (version_of (name)));
}

static int
compare_newest_first (gconstpointer a,
                      gconstpointer b)
{
  guint x = GPOINTER_TO_UINT (a);
  guint y = GPOINTER_TO_UINT (b);

  return (x < y) - (x > y);
}

static void
add_program (const char   *name,
             GStrvBuilder *found)
{
  g_autofree char *path = tvm_find_program (name, NULL, NULL, NULL);

  if (path != NULL)
    g_strv_builder_add (found, path);
}

/**
 * tvm_clang_find_clang:
 * @required: whether it is an error if there is none
 * @error: a #GError
 *
 * Finds the clangs in the `PATH`: `clang` first, as that is the one that the user has chosen, then
 * those with a version in their name, such as `clang-14`, the newest first. Nothing is run, and the
 * `PATH` is read when this function is called.
 *
 * This is the seed's `clang.find_clang`.
 *
 * The error is %TVM_ERROR_NOT_FOUND, only if @required.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the paths, best
 *   first; empty if there are none
 *
 * Since: 1.0
 */
char **
tvm_clang_find_clang (gboolean   required,
                      GError   **error)
{
  const char *path = g_getenv ("PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autoptr (GHashTable) versions = g_hash_table_new (NULL, NULL);
  g_autoptr (GList) sorted = NULL;
  g_auto (GStrv) paths = NULL;
  guint i;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (i = 0; folders[i] != NULL; i++)
    add_versions (folders[i], versions);
  sorted = g_list_sort (g_hash_table_get_keys (versions), compare_newest_first);

  add_program (NAME, found);
  for (GList *l = sorted; l != NULL; l = l->next)
    {
      g_autofree char *name = g_strdup_printf (NAME "-%u", GPOINTER_TO_UINT (l->data));
      add_program (name, found);
    }

  paths = g_strv_builder_end (found);
  if (paths[0] == NULL && required)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("No clang was found: neither “%s” nor “%s-” with a version is in the PATH “%s”"),
                   NAME, NAME, path != NULL ? path : "");
      return NULL;
    }

  return g_steal_pointer (&paths);
}
