/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What packing and unpacking cost against GNU tar, bsdtar, pigz and zstd, with 500 files of together
 * about 100 MB that are parts of libraries, in memory where there is room, and with three small ones.
 * The ways alternate, so that whatever else the machine does hits all.
 *
 *   bench-tar [ROUNDS [WORDS]]
 *
 * With WORDS, only what has them in its title.
 */

#include "config.h"

#include <tvmsupport/tvmsupport.h>

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_WAYS 8
#define MB 1000000.0

typedef struct
{
  const char *name;
  const char *command;      /* in the directory of the files; NULL for ours */
  const char *output;       /* what ours makes or reads */
  TvmTarOptions *options;
} Way;

/* Returns: whether it is there to be run at all */
static gboolean
run_command (const char *command)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_INHERIT_FDS, &error, "sh", "-c", command, NULL);

  if (process == NULL || !g_subprocess_wait (process, NULL, &error))
    g_error ("%s", error->message);
  return g_subprocess_get_successful (process);
}

static char **files;
static const char *wanted = "";

static gboolean
pack (const Way *way)
{
  g_autoptr (GError) error = NULL;

  if (way->command != NULL)
    return run_command (way->command);
  if (!tvm_tar_create (way->output, (const char *const *) files, way->options, NULL, &error))
    g_error ("%s", error->message);
  return TRUE;
}

static gboolean
unpack (const Way *way)
{
  g_autoptr (GError) error = NULL;

  if (g_mkdir ("out", 0755) != 0)
    g_error ("The last round has left something");
  if (way->command != NULL)
    return run_command (way->command);
  if (!tvm_tar_extract (way->output, "out", way->options, NULL, &error))
    g_error ("%s", error->message);
  return TRUE;
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
tidy (void)
{
  if (!run_command ("rm -rf out"))
    g_error ("Nothing can be removed");
}

/* The first of the ways is ours. */
static void
measure (const char *title,
         const Way  *ways,
         gboolean    packing,
         guint       n_rounds)
{
  g_autofree double *times = g_new0 (double, n_rounds * MAX_WAYS);
  gboolean there[MAX_WAYS] = { FALSE };
  double ours = 0;

  if (strstr (title, wanted) == NULL)
    return;

  for (guint i = 0; i <= n_rounds; i++)
    {
      for (guint w = 0; ways[w].name != NULL; w++)
        {
          gint64 start = g_get_monotonic_time ();
          gboolean ok = i == 0 || there[w] ? (packing ? pack : unpack) (&ways[w]) : FALSE;

          /* The first round is for the caches, and to see who is there. */
          if (i == 0)
            there[w] = ok;
          else
            times[w * n_rounds + i - 1] = (g_get_monotonic_time () - start) / 1000.0;
          if (!packing)
            tidy ();
        }
    }

  g_print ("%s\n", title);
  for (guint w = 0; ways[w].name != NULL; w++)
    {
      double *column = times + w * n_rounds;
      g_autofree char *size = NULL;
      struct stat st;

      if (!there[w])
        continue;
      qsort (column, n_rounds, sizeof *column, compare);
      if (w == 0)
        ours = column[n_rounds / 2];
      if (packing && stat (ways[w].output, &st) == 0)
        size = g_strdup_printf ("%10.2f MB", st.st_size / MB);
      g_print ("  %-28s %10.3f ms   ours is %6.3f times that %s\n", ways[w].name,
               column[n_rounds / 2], ours / column[n_rounds / 2], size != NULL ? size : "");
    }
}

/* Returns: the content of the libraries that this program has loaded, which is much like objects */
static GString *
read_libraries (void)
{
  GString *all = g_string_new (NULL);
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (!g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL))
    g_error ("There is no /proc");

  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *path = strchr (lines[i], '/');
      g_autofree char *content = NULL;
      gsize length;

      if (path != NULL && strstr (path, ".so") != NULL && g_hash_table_add (seen, (gpointer) path)
          && g_file_get_contents (path, &content, &length, NULL))
        g_string_append_len (all, content, length);
    }
  return all;
}

static void
make_files (guint n,
            gsize length)
{
  GString *content = read_libraries ();
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  /* What comes again does so far away, and from another byte on. */
  for (guint i = 0; i < n; i++)
    {
      const gsize at = (i * (length + 4099)) % (content->len - length);
      char *name = g_strdup_printf ("object-%03u.o", i);

      if (!g_file_set_contents_full (name, content->str + at, length, G_FILE_SET_CONTENTS_NONE,
                                     0644, &error))
        g_error ("%s", error->message);
      g_ptr_array_add (names, name);
    }

  g_ptr_array_add (names, NULL);
  files = (char **) g_ptr_array_steal (names, NULL);
  g_string_free (content, TRUE);
}

static void
measure_large (guint n_rounds)
{
  g_autoptr (TvmTarOptions) single = tvm_tar_options_new ();

  tvm_tar_options_set_threads (single, 1);
  {
    const Way ways[] = {
      { "ours", NULL, "ours.tar.gz", NULL },
      { "ours, one thread", NULL, "single.tar.gz", single },
      { "GNU tar -czf", "tar -czf gnu.tar.gz *.o", "gnu.tar.gz", NULL },
      { "GNU tar with pigz", "tar -I pigz -cf pigz.tar.gz *.o 2>&-", "pigz.tar.gz", NULL },
      { "bsdtar -czf", "bsdtar -czf bsd.tar.gz *.o 2>&-", "bsd.tar.gz", NULL },
      { NULL },
    };

    measure ("Packing 500 files, gzip", ways, TRUE, n_rounds);
  }
  {
    const Way ways[] = {
      { "ours", NULL, "ours.tar.zst", NULL },
      { "GNU tar with zstd -T0", "tar -I 'zstd -T0' -cf gnu.tar.zst *.o", "gnu.tar.zst", NULL },
      { "bsdtar --zstd", "bsdtar --zstd -cf bsd.tar.zst *.o 2>&-", "bsd.tar.zst", NULL },
      { NULL },
    };

    measure ("Packing 500 files, zstd", ways, TRUE, n_rounds);
  }
  {
    const Way ways[] = {
      { "ours", NULL, "ours.tar", NULL },
      { "GNU tar -cf", "tar -cf gnu.tar *.o", "gnu.tar", NULL },
      { "bsdtar -cf", "bsdtar -cf bsd.tar *.o 2>&-", "bsd.tar", NULL },
      { NULL },
    };

    measure ("Packing 500 files, not compressed", ways, TRUE, n_rounds);
  }
}

static void
measure_unpacking (guint n_rounds)
{
  static const struct { const char *title; const char *name; } archives[] = {
    { "Unpacking 500 files, gzip", "gnu.tar.gz" },
    { "Unpacking 500 files, gzip, as ours packs it", "ours.tar.gz" },
    { "Unpacking 500 files, zstd", "ours.tar.zst" },
    { "Unpacking 500 files, not compressed", "ours.tar" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (archives); i++)
    {
      g_autofree char *gnu = g_strdup_printf ("tar -xf %s -C out", archives[i].name);
      g_autofree char *bsd = g_strdup_printf ("bsdtar -xf %s -C out 2>&-", archives[i].name);
      const Way ways[] = {
        { "ours", NULL, archives[i].name, NULL },
        { "GNU tar -xf", gnu, archives[i].name, NULL },
        { "bsdtar -xf", bsd, archives[i].name, NULL },
        { NULL },
      };

      measure (archives[i].title, ways, FALSE, n_rounds);
    }
}

static void
measure_small (guint n_rounds)
{
  {
    const Way ways[] = {
      { "ours, gzip", NULL, "small.tar.gz", NULL },
      { "GNU tar -czf", "exec tar -czf gnu-small.tar.gz *.o", "gnu-small.tar.gz", NULL },
      { NULL },
    };

    measure ("Packing 3 small files, gzip", ways, TRUE, n_rounds);
  }
  {
    const Way ways[] = {
      { "ours, not compressed", NULL, "small.tar", NULL },
      { "GNU tar -cf", "exec tar -cf gnu-small.tar *.o", "gnu-small.tar", NULL },
      { NULL },
    };

    measure ("Packing 3 small files, not compressed", ways, TRUE, n_rounds);
  }
  {
    const Way ways[] = {
      { "ours", NULL, "small.tar.gz", NULL },
      { "GNU tar -xf", "exec tar -xf small.tar.gz -C out", "small.tar.gz", NULL },
      { NULL },
    };

    measure ("Unpacking 3 small files, gzip", ways, FALSE, n_rounds);
  }
}

/* Returns: (transfer full): a directory on a file system in memory, if there is one with room */
static TvmTempDirectory *
make_directory (void)
{
  g_autoptr (GError) error = NULL;
  TvmTempDirectory *temp;
  struct statvfs fs;
  gboolean memory = statvfs ("/dev/shm", &fs) == 0 && fs.f_bavail * fs.f_bsize > 1500000000u;

  temp = memory ? tvm_temp_directory_new_in ("/dev/shm", &error)
                : tvm_temp_directory_new (NULL, &error);
  if (temp == NULL || chdir (tvm_temp_directory_get_path (temp)) != 0)
    g_error ("%s", error != NULL ? error->message : "No directory to work in");
  g_print ("medians of rounds that alternate, in %s\n",
           memory ? "memory" : "the temporary directory");
  return temp;
}

int
main (int   argc,
      char *argv[])
{
  const guint n_rounds = argc > 1 ? MAX (strtoul (argv[1], NULL, 10), 1) : 5;
  g_autoptr (TvmTempDirectory) temp = make_directory ();

  if (argc > 2)
    wanted = argv[2];
  make_files (500, 195000);
  measure_large (n_rounds);
  measure_unpacking (n_rounds);

  if (!run_command ("rm -rf *"))
    return 1;
  g_strfreev (files);
  make_files (3, 1000);
  measure_small (10 * n_rounds);
  g_strfreev (files);

  return chdir ("/") == 0 ? 0 : 1;
}
