/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For every shared library, object and archive below some folders: are the symbols the same as nm's,
 * one by one? Prints those that are not, and how many there were.
 *
 *   compare-symbols [FOLDER…]
 *
 * Fails if one differs, or if there was none to compare.
 */

#include "config.h"

#include "symbols-fixture.h"

#include <elf.h>
#include <string.h>

typedef struct
{
  guint n_same;
  guint n_differ;
  guint n_not_read;
  guint64 n_symbols;
} Counts;

static gboolean
looks_like_objects (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  char magic[8] = { 0 };

  if (stream == NULL || g_input_stream_read (G_INPUT_STREAM (stream), magic, 8, NULL, NULL) < 8)
    return FALSE;
  return memcmp (magic, ELFMAG, SELFMAG) == 0 || memcmp (magic, "!<arch>\n", 8) == 0;
}

static void
compare_file (Counts     *self,
              const char *path)
{
  g_autofree char *why = NULL;
  guint n;

  switch (symbols_compare_with_nm (path, &n, &why))
    {
    case SYMBOLS_SAME:
      self->n_same++;
      self->n_symbols += n;
      break;

    case SYMBOLS_DIFFER:
      self->n_differ++;
      g_print ("%s: %s\n", path, why);
      break;

    case SYMBOLS_NOT_READ:
      self->n_not_read++;
      g_print ("%s: not compared: %s\n", path, why);
      break;

    default:
      g_assert_not_reached ();
    }
}

static void
compare_folder (Counts     *self,
                const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    return;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        continue;
      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        compare_folder (self, child);
      else if (g_file_test (child, G_FILE_TEST_IS_REGULAR) && looks_like_objects (child))
        compare_file (self, child);
    }
  g_dir_close (dir);
}

int
main (int   argc,
      char *argv[])
{
  static const char *const default_folders[] = { "/usr", "/opt", NULL };
  const char *const *folders = argc > 1 ? (const char *const *) argv + 1 : default_folders;
  Counts counts = { 0 };

  for (guint i = 0; folders[i] != NULL; i++)
    compare_folder (&counts, folders[i]);

  g_print ("%u files with %" G_GUINT64_FORMAT " symbols are as nm has them, %u differ, "
           "%u were not compared\n", counts.n_same, counts.n_symbols, counts.n_differ,
           counts.n_not_read);
  return counts.n_same > 0 && counts.n_differ == 0 ? 0 : 1;
}
