/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the symbols of a file cost in process, one by one and as a table, against running
 * `nm -D --defined-only -g` on it and reading, but not parsing, what that prints; nm also without the
 * plugins that it loads on every start where they are installed. The ways alternate, so that
 * whatever else the machine does hits all. What it takes to free the table is a line of its own.
 *
 *   bench-symbols [ROUNDS [FILE…]]
 */

#include "config.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include <gio/gio.h>
#include <stdlib.h>

static const char *const default_files[] = {
  "/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", "/lib/x86_64-linux-gnu/libc.so.6", NULL,
};

static void
count (const TvmSymbol *symbol,
       gpointer         user_data)
{
  ++*(guint *) user_data;
}

static guint
list_in_process (const char *path)
{
  g_autoptr (GError) error = NULL;
  guint n = 0;

  if (!tvm_symbols_foreach_global (path, count, &n, NULL, &error))
    g_error ("%s", error->message);
  return n;
}

static GHashTable *table;

static guint
read_in_process (const char *path)
{
  g_autoptr (GError) error = NULL;

  table = tvm_symbols_read_global (path, NULL, &error);
  if (table == NULL)
    g_error ("%s", error->message);
  return g_hash_table_size (table);
}

static guint
free_table (const char *path)
{
  g_clear_pointer (&table, g_hash_table_unref);
  return 0;
}

/* Reads what it prints, in large pieces, and does not parse it. Returns: the number of lines */
static guint
run_program (const char *const *argv)
{
  static char buffer[1 << 16];
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  GInputStream *out;
  gssize length;
  guint n = 0;

  /* With the second flag GLib need not fork, which would slow down what is measured next. */
  process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                     | G_SUBPROCESS_FLAGS_INHERIT_FDS, &error);
  if (process == NULL)
    g_error ("%s", error->message);

  out = g_subprocess_get_stdout_pipe (process);
  while ((length = g_input_stream_read (out, buffer, sizeof buffer, NULL, &error)) > 0)
    {
      for (gssize i = 0; i < length; i++)
        n += buffer[i] == '\n';
    }

  if (length < 0 || !g_subprocess_wait_check (process, NULL, &error))
    g_error ("%s", error->message);
  return n;
}

static guint
run_nm (const char *path)
{
  return run_program ((const char *const[]) { "nm", "-D", "--defined-only", "-g", path, NULL });
}

static guint
run_nm_plain (const char *path)
{
  return run_program ((const char *const[]) { "nm", "--plugin", "/dev/null", "-D",
                                              "--defined-only", "-g", path, NULL });
}

static guint
run_eu_nm (const char *path)
{
  return run_program ((const char *const[]) { "eu-nm", "-D", "--defined-only", "-g", path, NULL });
}

static const struct { const char *name; const char *program; guint (*func) (const char *path); }
ways[] = {
  { "nm", "nm", run_nm },
  { "nm, no plugins", "nm", run_nm_plain },
  { "eu-nm", "eu-nm", run_eu_nm },
  { "list, in process", NULL, list_in_process },
  { "map, in process", NULL, read_in_process },
  { "free the map", NULL, free_table },
};

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
measure (const char *path,
         guint       n_rounds)
{
  g_autofree double *times = g_new0 (double, n_rounds * G_N_ELEMENTS (ways));
  guint n_symbols[G_N_ELEMENTS (ways)] = { 0 };
  gboolean there[G_N_ELEMENTS (ways)];
  double first = 0;

  for (gsize w = 0; w < G_N_ELEMENTS (ways); w++)
    {
      g_autofree char *program = NULL;

      if (ways[w].program != NULL)
        program = g_find_program_in_path (ways[w].program);
      there[w] = ways[w].program == NULL || program != NULL;
      if (there[w])
        n_symbols[w] = ways[w].func (path);
    }

  for (guint i = 0; i < n_rounds; i++)
    {
      for (gsize w = 0; w < G_N_ELEMENTS (ways); w++)
        {
          gint64 start = g_get_monotonic_time ();

          if (there[w])
            ways[w].func (path);
          times[w * n_rounds + i] = (g_get_monotonic_time () - start) / 1000.0;
        }
    }

  g_print ("%s\n", path);
  for (gsize w = 0; w < G_N_ELEMENTS (ways); w++)
    {
      double *column = times + w * n_rounds;

      if (!there[w])
        continue;
      qsort (column, n_rounds, sizeof *column, compare);
      if (w == 0)
        first = column[n_rounds / 2];
      g_print ("  %-16s %10.3f %10.1f %10u\n", ways[w].name, column[n_rounds / 2],
               first / column[n_rounds / 2], n_symbols[w]);
    }
}

int
main (int   argc,
      char *argv[])
{
  guint n_rounds = argc > 1 ? MAX (strtoul (argv[1], NULL, 10), 1) : 20;
  const char *const *files = argc > 2 ? (const char *const *) argv + 2 : default_files;

  g_print ("median of %u rounds, in ms, and how many times faster than nm\n", n_rounds);
  g_print ("  %-16s %10s %10s %10s\n", "", "time", "times", "symbols");
  for (guint i = 0; files[i] != NULL; i++)
    {
      if (g_file_test (files[i], G_FILE_TEST_EXISTS))
        measure (files[i], n_rounds);
    }

  return 0;
}
