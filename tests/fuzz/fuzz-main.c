/* SPDX-License-Identifier: Apache-2.0 */
#include <gio/gio.h>

#ifndef FUZZING_ENGINE

/* Stands in for libFuzzer: runs the target once over each file that is given, and over every file
 * in the folders that are given. Each file is also tried cut short. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

#define N_CUTS 16

static guint
run_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size = 0;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);

  for (gsize i = 0; i <= N_CUTS; i++)
    {
      /* In memory of its own, so that a sanitizer sees a read behind its end */
      const gsize len = size / N_CUTS * i + (i == N_CUTS ? size % N_CUTS : 0);
      g_autofree guint8 *copy = g_memdup2 (data, len);

      LLVMFuzzerTestOneInput (copy, len);
    }

  return 1;
}

static guint
run_path (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name = NULL;
  guint n = 0;

  if (dir == NULL)
    return run_file (path);

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      n += run_path (child);
    }
  g_dir_close (dir);
  return n;
}

int
main (int   argc,
      char *argv[])
{
  guint n = 0;

  for (int i = 1; i < argc; i++)
    n += run_path (argv[i]);

  g_print ("%u files\n", n);
  return n > 0 ? 0 : 1;
}

#endif /* FUZZING_ENGINE */
