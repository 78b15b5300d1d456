/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvmsupport.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench-compile FLAGS-FILE SOURCE…
 *
 * What driving the compiler through the library costs over `make -j2` with the same flags on the same
 * sources, and what a main loop that ticks every millisecond feels of it. FLAGS-FILE has one option a
 * line. Both sides take turns in one run, as the machine may be busy with something else.
 */

#define N_ROUNDS 3
#define N_JOBS 2
#define N_COMPILES 100
#define TICK_USEC 1000

typedef struct
{
  char *folder;
  char **flags;
  char **sources;
  guint n_sources;
} Bench;

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
get_percentile (GArray *values,
                double  part)
{
  g_array_sort (values, compare_doubles);
  return g_array_index (values, double, MIN ((guint) (values->len * part), values->len - 1));
}

static double
get_seconds (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static char *
get_object (Bench *bench,
            guint  index)
{
  return g_strdup_printf ("%s/%u.o", bench->folder, index);
}

/* n sources, from the beginning again if there are not so many */
static const char *
get_source (Bench *bench,
            guint  index)
{
  return bench->sources[index % bench->n_sources];
}

static GListModel *
make_requests (Bench *bench,
               guint  n)
{
  GListStore *requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  guint i;

  for (i = 0; i < n; i++)
    {
      g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);
      g_autofree char *object = get_object (bench, i);

      tvm_compile_request_add_input (request, get_source (bench, i), TVM_LANGUAGE_AUTO);
      tvm_compile_request_set_options (request, (const char * const *) bench->flags);
      tvm_compile_request_set_output (request, object);
      g_list_store_append (requests, request);
    }

  return G_LIST_MODEL (requests);
}

static void
check_results (GListModel *results)
{
  guint i;

  for (i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (TvmCompileResult) result = g_list_model_get_item (results, i);
      g_autoptr (GError) error = NULL;

      if (!tvm_compile_result_check (result, &error))
        g_error ("%s", error->message);
    }
}

static char *
write_makefile (Bench *bench,
                guint  n)
{
  g_autoptr (GString) text = g_string_new ("all:");
  g_autofree char *flags = g_strjoinv (" ", bench->flags);
  char *path = g_strdup_printf ("%s/Makefile.%u", bench->folder, n);
  guint i;

  for (i = 0; i < n; i++)
    g_string_append_printf (text, " %s/%u.o", bench->folder, i);
  for (i = 0; i < n; i++)
    g_string_append_printf (text, "\n%s/%u.o: %s\n\t@gcc -fPIC %s -c $< -o $@\n", bench->folder, i,
                            get_source (bench, i), flags);

  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
  return path;
}

static void
clean (Bench *bench,
       guint  n)
{
  guint i;

  for (i = 0; i < n; i++)
    {
      g_autofree char *object = get_object (bench, i);
      g_unlink (object);
    }
}

static double
time_make (Bench      *bench,
           const char *makefile)
{
  g_autofree char *jobs = g_strdup_printf ("-j%d", N_JOBS);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  double start = get_seconds (CLOCK_MONOTONIC);

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "make", "-s", jobs, "-f", makefile,
                              NULL);
  if (process == NULL || !g_subprocess_wait_check (process, NULL, &error))
    g_error ("make: %s", error->message);

  return get_seconds (CLOCK_MONOTONIC) - start;
}

static double
time_library (TvmCompiler *compiler,
              GListModel  *requests)
{
  double start = get_seconds (CLOCK_MONOTONIC);
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) results =
    tvm_compiler_compile_all (compiler, requests, NULL, &error);

  if (results == NULL)
    g_error ("%s", error->message);
  check_results (results);

  return get_seconds (CLOCK_MONOTONIC) - start;
}

static void
bench_throughput (Bench       *bench,
                  TvmCompiler *compiler)
{
  g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) makes = g_array_new (FALSE, FALSE, sizeof (double));
  g_autofree char *makefile = write_makefile (bench, bench->n_sources);
  g_autoptr (GListModel) requests = make_requests (bench, bench->n_sources);
  guint i;

  for (i = 0; i < N_ROUNDS; i++)
    {
      double seconds;

      clean (bench, bench->n_sources);
      seconds = time_make (bench, makefile);
      g_array_append_val (makes, seconds);
      clean (bench, bench->n_sources);
      seconds = time_library (compiler, requests);
      g_array_append_val (ours, seconds);
    }

  g_print ("%u files, %d jobs, median of %d rounds in turns\n"
           "  make -j%d     %8.3f s\n"
           "  compile_all  %8.3f s   ratio %.3f (at most 1.05)\n",
           bench->n_sources, N_JOBS, N_ROUNDS, N_JOBS, get_percentile (makes, 0.5),
           get_percentile (ours, 0.5),
           get_percentile (ours, 0.5) / get_percentile (makes, 0.5));
}

typedef struct
{
  GMainLoop *loop;
  double due;
  double cpu;
  GArray *late;        /* (element-type double): seconds behind the time that the tick was due */
  GArray *busy;        /* (element-type double): processor time of this thread between two ticks */
} Ticks;

static gboolean
tick (gpointer user_data)
{
  Ticks *ticks = user_data;
  double now = get_seconds (CLOCK_MONOTONIC);
  double cpu = get_seconds (CLOCK_THREAD_CPUTIME_ID);
  double late = MAX (now - ticks->due, 0);
  double busy = cpu - ticks->cpu;

  g_array_append_val (ticks->late, late);
  g_array_append_val (ticks->busy, busy);
  ticks->due = now + TICK_USEC / 1e6;
  ticks->cpu = cpu;
  g_source_set_ready_time (g_main_current_source (),
                           g_get_monotonic_time () + TICK_USEC);

  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_tick (GSource     *source,
               GSourceFunc  callback,
               gpointer     user_data)
{
  return callback (user_data);
}

static GSourceFuncs tick_funcs = { NULL, NULL, dispatch_tick, NULL, NULL, NULL };

static GSource *
start_ticks (Ticks *ticks)
{
  GSource *source = g_source_new (&tick_funcs, sizeof (GSource));

  ticks->loop = g_main_loop_new (NULL, FALSE);
  ticks->late = g_array_new (FALSE, FALSE, sizeof (double));
  ticks->busy = g_array_new (FALSE, FALSE, sizeof (double));
  ticks->due = get_seconds (CLOCK_MONOTONIC) + TICK_USEC / 1e6;
  ticks->cpu = get_seconds (CLOCK_THREAD_CPUTIME_ID);
  g_source_set_callback (source, tick, ticks, NULL);
  g_source_set_ready_time (source, g_get_monotonic_time () + TICK_USEC);
  g_source_attach (source, NULL);

  return source;
}

static void
end_ticks (Ticks      *ticks,
           GSource    *source,
           const char *name)
{
  g_source_destroy (source);
  g_source_unref (source);
  g_print ("  %-28s %8.2f %8.2f   %8.2f %8.2f   (%u ticks)\n", name,
           get_percentile (ticks->late, 0.99) * 1e3, get_percentile (ticks->late, 1) * 1e3,
           get_percentile (ticks->busy, 0.99) * 1e3, get_percentile (ticks->busy, 1) * 1e3,
           ticks->late->len);
  g_main_loop_unref (ticks->loop);
  g_array_unref (ticks->late);
  g_array_unref (ticks->busy);
}

static void
batch_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  Ticks *ticks = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) results =
    tvm_compiler_compile_all_finish (TVM_COMPILER (source), result, &error);

  if (results == NULL)
    g_error ("%s", error->message);
  check_results (results);
  g_main_loop_quit (ticks->loop);
}

static void
one_ready (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Ticks *ticks = user_data;
  guint *n_left = g_object_get_data (source, "n-left");
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) compiled =
    tvm_compiler_compile_finish (TVM_COMPILER (source), result, &error);

  if (compiled == NULL)
    g_error ("%s", error->message);
  if (--*n_left == 0)
    g_main_loop_quit (ticks->loop);
}

static void
make_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Ticks *ticks = user_data;

  g_main_loop_quit (ticks->loop);
}

static void
bench_ticks (Bench       *bench,
             TvmCompiler *compiler)
{
  g_autofree char *makefile = write_makefile (bench, N_COMPILES);
  g_autofree char *jobs = g_strdup_printf ("-j%d", N_JOBS);
  g_autoptr (GListModel) requests = make_requests (bench, N_COMPILES);
  g_autoptr (GSubprocess) make = NULL;
  guint n_left = N_COMPILES;
  GSource *source;
  Ticks ticks;
  guint i;

  g_print ("%d compiles while a main loop ticks every millisecond, in ms\n"
           "  %-28s %8s %8s   %8s %8s\n"
           "  %-28s %8s %8s   %8s %8s\n",
           N_COMPILES, "", "late by", "", "our work", "", "", "p99", "maximum", "p99", "maximum");

  clean (bench, N_COMPILES);
  source = start_ticks (&ticks);
  make = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "make", "-s", jobs, "-f", makefile, NULL);
  g_subprocess_wait_async (make, NULL, make_ready, &ticks);
  g_main_loop_run (ticks.loop);
  end_ticks (&ticks, source, "make, another process");

  clean (bench, N_COMPILES);
  source = start_ticks (&ticks);
  tvm_compiler_compile_all_async (compiler, requests, NULL, batch_ready, &ticks);
  g_main_loop_run (ticks.loop);
  end_ticks (&ticks, source, "compile_all");

  clean (bench, N_COMPILES);
  g_object_set_data (G_OBJECT (compiler), "n-left", &n_left);
  source = start_ticks (&ticks);
  for (i = 0; i < N_COMPILES; i++)
    {
      g_autoptr (TvmCompileRequest) request = g_list_model_get_item (requests, i);
      tvm_compiler_compile_async (compiler, request, NULL, one_ready, &ticks);
    }
  g_main_loop_run (ticks.loop);
  end_ticks (&ticks, source, "100 calls of compile_async");
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *contents = NULL;
  g_autofree char *makefile = NULL;
  g_autofree char *makefile_ticks = NULL;
  Bench bench;

  setlocale (LC_ALL, "");
  if (argc < 3)
    {
      g_printerr ("usage: bench-compile FLAGS-FILE SOURCE…\n");
      return 2;
    }

  if (!g_file_get_contents (argv[1], &contents, NULL, &error))
    g_error ("%s", error->message);
  bench.flags = g_strsplit (g_strstrip (contents), "\n", -1);
  bench.sources = argv + 2;
  bench.n_sources = MIN (argc - 2, 60);
  bench.folder = g_dir_make_tmp ("tvm-bench-XXXXXX", NULL);

  compiler = tvm_compiler_new_for_command ("gcc");
  tvm_compiler_set_max_jobs (compiler, N_JOBS);
  bench_throughput (&bench, compiler);
  bench_ticks (&bench, compiler);

  clean (&bench, N_COMPILES);
  makefile = g_strdup_printf ("%s/Makefile.%u", bench.folder, bench.n_sources);
  makefile_ticks = g_strdup_printf ("%s/Makefile.%u", bench.folder, N_COMPILES);
  g_unlink (makefile);
  g_unlink (makefile_ticks);
  g_rmdir (bench.folder);
  g_free (bench.folder);
  g_strfreev (bench.flags);
  return 0;
}
