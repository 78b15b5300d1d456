/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include "tvmsupport/files/tvm-rmtree.h"

#include <fcntl.h>
#include <string.h>

/*
 * bench-cache [FOLDER]
 *
 * What a hit in the kernel cache takes: the key of a source of 10 kB, the check of 40 headers, and an
 * output of 100 kB. The second row is the same as the first call of a new process, from its main() on.
 */

#define N_HEADERS 40
#define N_HITS 1000
#define N_PROCESSES 20
#define OUTPUT_SIZE 100000
#define SOURCE_SIZE 10000

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
print_row (const char *name,
           GArray     *times,
           double      limit)
{
  g_array_sort (times, compare_doubles);
  g_print ("%-28s median %7.3f ms   95 %% %7.3f ms   (at most %g ms)\n", name,
           g_array_index (times, double, times->len / 2),
           g_array_index (times, double, times->len * 95 / 100), limit);
}

static char **
make_headers (const char *folder,
              gboolean    write)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < N_HEADERS; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/header-%u.h", folder, i);
      g_autofree char *text = g_strnfill (5000 + i, 'h');

      if (write && !g_file_set_contents (path, text, -1, NULL))
        g_error ("%s cannot be written", path);
      g_strv_builder_add (builder, path);
    }

  return g_strv_builder_end (builder);
}

/* As a backend does it */
static char *
make_key (void)
{
  static const char * const options[] = { "-O3", "-std=c++17", "-arch=sm_90", "-I/usr/include", NULL };
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new ("bench");
  g_autofree char *text = g_strnfill (SOURCE_SIZE, 's');
  g_autoptr (GBytes) source = g_bytes_new (text, SOURCE_SIZE);

  tvm_kernel_key_add_bytes (key, "source", source);
  tvm_kernel_key_add_strv (key, "options", options);
  tvm_kernel_key_add_environment (key, NULL);
  tvm_kernel_key_add_file (key, "tool", "/bin/sh", NULL);
  return tvm_kernel_key_end (key);
}

static double
hit (TvmKernelCache *cache,
     const char     *folder,
     gint64          start)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *key = make_key ();
  g_autoptr (TvmKernelEntry) entry = tvm_kernel_cache_find (cache, key, folder, NULL, &error);
  double msec = (g_get_monotonic_time () - start) / 1000.0;

  if (entry == NULL || g_bytes_get_size (entry->output) != OUTPUT_SIZE)
    g_error ("no hit: %s", error != NULL ? error->message : "a miss");
  return msec;
}

static int
run_child (const char *folder,
           gint64      start)
{
  g_autofree char *directory = g_build_filename (folder, "cache", NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  g_print ("%f", hit (cache, folder, start));
  return 0;
}

static double
measure_process (const char *program,
                 const char *folder)
{
  const char *argv[] = { program, folder, NULL };
  g_autofree char *out = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, &error))
    g_error ("%s", error->message);
  return g_ascii_strtod (out, NULL);
}

static void
measure (const char *program,
         const char *folder)
{
  g_autofree char *directory = g_build_filename (folder, "cache", NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  g_auto (GStrv) headers = make_headers (folder, TRUE);
  g_autofree char *key = make_key ();
  g_autofree char *text = g_strnfill (OUTPUT_SIZE, 'o');
  g_autoptr (GBytes) output = g_bytes_new (text, OUTPUT_SIZE);
  g_autoptr (TvmKernelEntry) entry =
    tvm_kernel_entry_new (output, NULL, NULL, (const char * const *) headers);
  g_autoptr (GArray) hits = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) processes = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GError) error = NULL;

  /* Headers are older than what is made of them. */
  g_usleep (200000);
  if (!tvm_kernel_cache_keep (cache, key, folder, entry, g_get_real_time (), NULL, &error))
    g_error ("%s", error->message);

  for (guint i = 0; i < N_HITS; i++)
    {
      double msec = hit (cache, folder, g_get_monotonic_time ());
      g_array_append_val (hits, msec);
    }
  for (guint i = 0; i < N_PROCESSES; i++)
    {
      double msec = measure_process (program, folder);
      g_array_append_val (processes, msec);
    }

  print_row ("cache hit", hits, 1);
  print_row ("cache hit, new process", processes, 5);
}

int
main (int   argc,
      char *argv[])
{
  gint64 start = g_get_monotonic_time ();
  g_autofree char *folder = NULL;
  g_autoptr (GError) error = NULL;

  if (argc > 1)
    return run_child (argv[1], start);

  folder = g_dir_make_tmp ("tvm-bench-cache-XXXXXX", &error);
  if (folder == NULL)
    g_error ("%s", error->message);
  measure (argv[0], folder);
  tvm_rmtree_at (AT_FDCWD, folder, NULL);
  return 0;
}
