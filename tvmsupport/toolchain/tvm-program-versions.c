/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-program-versions-private.h"

#include "tvmsupport/process/tvm-process-private.h"

#include <string.h>

/* The version in a name such as “clang-14”; 0 for every other one, so also for “clang-format” */
static guint
version_of (const char *file_name,
            const char *name)
{
  const gsize length = strlen (name);
  guint64 version;

  if (strncmp (file_name, name, length) != 0 || file_name[length] != '-' ||
      !g_ascii_string_to_unsigned (file_name + length + 1, 10, 1, 9999, &version, NULL))
    return 0;

  return (guint) version;
}

static void
add_versions (const char *folder,
              const char *name,
              GHashTable *versions)
{
  g_autoptr (GDir) dir = NULL;
  const char *file_name;

  /* An empty or a relative part of the PATH is a folder that depends on where the program is. */
  if (!g_path_is_absolute (folder))
    return;
  dir = g_dir_open (folder, 0, NULL);
  if (dir == NULL)
    return;

  while ((file_name = g_dir_read_name (dir)) != NULL)
    {
      const guint version = version_of (file_name, name);

      if (version > 0)
        g_hash_table_add (versions, GUINT_TO_POINTER (version));
    }
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

void
tvm_program_versions_add (const char   *name,
                          GStrvBuilder *found)
{
  const char *path = g_getenv ("PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);
  g_autoptr (GHashTable) versions = g_hash_table_new (NULL, NULL);
  g_autoptr (GList) sorted = NULL;

  for (guint i = 0; folders[i] != NULL; i++)
    add_versions (folders[i], name, versions);
  sorted = g_list_sort (g_hash_table_get_keys (versions), compare_newest_first);

  add_program (name, found);
  for (GList *l = sorted; l != NULL; l = l->next)
    {
      g_autofree char *versioned = g_strdup_printf ("%s-%u", name, GPOINTER_TO_UINT (l->data));

      add_program (versioned, found);
    }
}
