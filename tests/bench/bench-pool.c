/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The pool against what the machine can do at best, and against the process pools of Python.
 *
 *   bench-pool [--rounds N] [TABLE…]
 *   bench-pool --measure NAME [ARGUMENT]
 *
 * Each number is the median of some rounds, in which all take turns, so that whatever else the
 * machine does hits all. Each measurement is a process of its own, which has done nothing else
 * before. A peer that is not installed is "not there".
 */

#include "config.h"

#include "bench-pool.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS 8
#define MAX_COLUMNS 4
#define MISSING 77

typedef struct
{
  const char *label;
  const char *measure;
  const char *argument;         /* (nullable) */
  const char *peer;             /* (nullable): of which it is a measure, else of this program */
} Row;

typedef struct
{
  const char *name;
  const char *title;
  const char *target;
  const char *columns[MAX_COLUMNS];
  gboolean one_cpu;
  guint n_rounds;
  Row rows[MAX_ROWS];           /* the first is what the others are compared with */
} Table;

#define PEER(peer, measure, argument) { peer, measure, argument, peer }
#define PEERS(measure, argument) \
  PEER ("concurrent.futures", measure, argument), PEER ("multiprocessing", measure, argument), \
  PEER ("loky", measure, argument), PEER ("pebble", measure, argument)

static const Table tables[] = {
  { "one-cpu", "Round trip of a trivial task with a time limit, in µs, pinned to one CPU",
    "at most 2.3 times the socket", { "usec" }, TRUE, 3,
    { { "tvmsupport", "roundtrip" }, { "64 bytes by socket", "ping" },
      PEERS ("roundtrip", NULL) } },
  { "two-cpus", "The same with the worker on another CPU", "at most 1.25 times the socket, if idle",
    { "usec" }, FALSE, 3,
    { { "tvmsupport", "roundtrip", APART }, { "64 bytes by socket", "ping", APART },
      PEERS ("roundtrip", APART) } },
  { "submit", "100,000 trivial tasks submitted to 2 workers, per second",
    "at least 2.7 times multiprocessing", { "rate" }, FALSE, 3,
    { { "tvmsupport", "submit" }, PEERS ("submit", "20000") } },
  { "map", "The same by map, with a limit for each item, per second",
    "at least 10 times what is submitted to multiprocessing", { "rate" }, FALSE, 3,
    { { "tvmsupport", "map" },
      { "multiprocessing, submit", "submit", "20000", "multiprocessing" },
      PEERS ("map", "20000") } },
  { "echo-1", "Echo of 1 MB, in ms, and the peak memory of the caller, in payloads",
    "at least 8 times as fast as the best peer; below 2.5 payloads", { "msec", "payloads" },
    FALSE, 3,
    { { "tvmsupport", "echo", "1000000" }, { "by socket", "raw-echo", "1000000" },
      { "by shared memory", "raw-memory", "1000000" },
      PEERS ("echo", "1000000") } },
  { "echo-100", "Echo of 100 MB, in ms, and the peak memory of the caller, in payloads",
    "at least 8 times as fast as the best peer; below 2.5 payloads", { "msec", "payloads" },
    FALSE, 3,
    { { "tvmsupport", "echo", "100000000" }, { "by socket", "raw-echo", "100000000" },
      { "by shared memory", "raw-memory", "100000000" },
      PEERS ("echo", "100000000") } },
  { "uses", "A new process for each task, per second",
    "at least 3,000, and 5 times multiprocessing", { "rate" }, FALSE, 3,
    { { "tvmsupport", "uses" }, { "fork and wait", "fork" }, PEERS ("uses", "300") } },
  { "deadline", "How late the error at a time limit comes, and the last process is gone, in ms",
    "1 in the median; all gone within 5", { "msec", "max", "gone", "gone-max" }, FALSE, 1,
    { { "sleeps", "deadline", "sleep" }, { "spins, no signals", "deadline", "spin_blocked" },
      { "is stopped", "deadline", "stop_self" }, { "has a daemon", "deadline", "daemonize" },
      { "forks on and on", "deadline", "fork_loop" },
      { "pebble, sleeps", "deadline", "nap", "pebble" },
      { "pebble, no signals", "deadline", "spin_blocked", "pebble" } } },
  { "crash", "When a crash is seen, in ms, and how many of the tasks behind it are lost", "1; none",
    { "msec", "lost" }, FALSE, 3, { { "tvmsupport", "crash" }, PEERS ("crash", NULL) } },
  { "first", "The first result of a new pool, in ms", "at most 4", { "msec" }, FALSE, 9,
    { { "tvmsupport", "first" }, PEERS ("first", NULL) } },
  { "idle", "What an idle worker does not share (private dirty), in MB", "at most 0.5", { "mb" },
    FALSE, 1, { { "tvmsupport", "idle" }, PEERS ("idle", NULL) } },
  { "commands", "Commands, 2 at a time, ours with a limit and captured, per second",
    "at least 0.9 times xargs", { "rate" }, FALSE, 3,
    { { "tvmsupport", "commands", "2000" }, { "xargs -P2", "xargs", "2000" } } },
};

void
bench_say (const char *what,
           double      number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_print ("%s %s\n", what, g_ascii_dtostr (buffer, sizeof buffer, number));
}

double
bench_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  const double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

/* Returns: NAN if there are none */
double
bench_median (GArray *numbers)
{
  g_array_sort (numbers, compare);
  return numbers->len > 0 ? g_array_index (numbers, double, numbers->len / 2) : NAN;
}

double
bench_max (GArray *numbers)
{
  g_array_sort (numbers, compare);
  return g_array_index (numbers, double, numbers->len - 1);
}

void
bench_check (const GError *error)
{
  if (error != NULL)
    g_error ("%s", error->message);
}

void
bench_pin (int pid,
           int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  if (sched_setaffinity (pid, sizeof set, &set) != 0)
    g_error ("sched_setaffinity: %s", g_strerror (errno));
}

static char **
new_command (const Table *table,
             const Row   *row)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  if (table->one_cpu)
    g_strv_builder_add_many (builder, "taskset", "-c", "0", NULL);
  if (row->peer != NULL)
    g_strv_builder_add_many (builder, "/usr/bin/python3", g_getenv ("TVM_BENCH_PEERS"), row->peer,
                             NULL);
  else
    g_strv_builder_add_many (builder, self, "--measure", NULL);
  g_strv_builder_add (builder, row->measure);
  if (row->argument != NULL)
    g_strv_builder_add (builder, row->argument);

  return g_strv_builder_end (builder);
}

/* In the child */
static void
lead_group (gpointer user_data)
{
  setpgid (0, 0);
}

/* Runs it in a group of its own, of which nothing is left: not every peer ends what it started. */
static GSubprocess *
run_command (char **argv,
             char **out)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process = NULL;
  pid_t pid;

  g_subprocess_launcher_set_child_setup (launcher, lead_group, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, (const char * const *) argv, &error);
  bench_check (error);
  pid = (pid_t) g_ascii_strtoll (g_subprocess_get_identifier (process), NULL, 10);
  g_subprocess_communicate_utf8 (process, NULL, NULL, out, NULL, &error);
  bench_check (error);
  kill (-pid, SIGKILL);
  return process;
}

/* Runs the measurement once and adds what it prints. Returns: FALSE if there is no such peer */
static gboolean
measure (const Table *table,
         const Row   *row,
         GArray      *numbers[MAX_COLUMNS])
{
  g_auto (GStrv) argv = new_command (table, row);
  g_auto (GStrv) lines = NULL;
  g_autofree char *out = NULL;
  g_autoptr (GSubprocess) process = run_command (argv, &out);

  if (g_subprocess_get_if_exited (process) && g_subprocess_get_exit_status (process) == MISSING)
    return FALSE;
  if (!g_subprocess_get_successful (process))
    g_printerr ("%s, %s: failed\n", table->name, row->label);

  lines = g_strsplit (out, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    for (guint column = 0; column < MAX_COLUMNS && table->columns[column] != NULL; column++)
      if (g_str_has_prefix (lines[i], table->columns[column])
          && lines[i][strlen (table->columns[column])] == ' ')
        {
          const double number = g_ascii_strtod (lines[i] + strlen (table->columns[column]), NULL);

          g_array_append_val (numbers[column], number);
        }

  return TRUE;
}

static void
print_row (const Table *table,
           const Row   *row,
           GArray      *numbers[MAX_COLUMNS],
           gboolean     is_there,
           double       first)
{
  g_print ("  %-26s", row->label);
  if (!is_there)
    g_print (" %12s\n", "not there");
  if (!is_there)
    return;

  for (guint column = 0; column < MAX_COLUMNS && table->columns[column] != NULL; column++)
    {
      const double median = bench_median (numbers[column]);

      if (isnan (median))
        g_print (" %12s", "-");
      else
        g_print (" %12.*f", median < 100 ? 2 : 0, median);
    }

  if (row != table->rows && numbers[0]->len > 0)
    g_print (" %12.2f", first / bench_median (numbers[0]));
  g_print ("\n");
}

static void
run_table (const Table *table,
           guint        n_rounds)
{
  GArray *numbers[MAX_ROWS][MAX_COLUMNS];
  gboolean is_there[MAX_ROWS];

  for (guint i = 0; i < MAX_ROWS; i++)
    for (guint column = 0; column < MAX_COLUMNS; column++)
      numbers[i][column] = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < MAX_ROWS; i++)
    is_there[i] = table->rows[i].label != NULL;

  for (guint round = 0; round < (n_rounds > 0 ? n_rounds : table->n_rounds); round++)
    for (guint i = 0; i < MAX_ROWS; i++)
      if (is_there[i])
        is_there[i] = measure (table, &table->rows[i], numbers[i]);

  g_print ("\n%s\n  %-26s", table->title, "");
  for (guint column = 0; column < MAX_COLUMNS && table->columns[column] != NULL; column++)
    g_print (" %12s", table->columns[column]);
  g_print (" %12s\n", "first : it");
  for (guint i = 0; i < MAX_ROWS && table->rows[i].label != NULL; i++)
    print_row (table, &table->rows[i], numbers[i], is_there[i], bench_median (numbers[0][0]));
  g_print ("  (%s)\n", table->target);

  for (guint i = 0; i < MAX_ROWS; i++)
    for (guint column = 0; column < MAX_COLUMNS; column++)
      g_array_unref (numbers[i][column]);
}

static int
run_measure (const char *name,
             const char *argument)
{
  const struct rlimit no_core = { 0, 0 };
  const Measure *lists[] = { raw_measures, pool_measures };

  setrlimit (RLIMIT_CORE, &no_core);
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (const Measure *m = lists[i]; m->name != NULL; m++)
      if (g_str_equal (m->name, name))
        {
          m->run (argument);
          return 0;
        }

  g_printerr ("bench-pool: nothing is called “%s”\n", name);
  return 2;
}

int
main (int    argc,
      char **argv)
{
  guint n_rounds = 0;
  int i = 1;

  setlocale (LC_ALL, "");
  if (argc > 2 && g_str_equal (argv[1], "--measure"))
    return run_measure (argv[2], argc > 3 ? argv[3] : NULL);
  if (argc > 2 && g_str_equal (argv[1], "--rounds"))
    {
      n_rounds = (guint) g_ascii_strtoull (argv[2], NULL, 10);
      i = 3;
    }

  for (guint j = 0; j < G_N_ELEMENTS (tables); j++)
    if (i >= argc || g_strv_contains ((const char * const *) argv + i, tables[j].name))
      run_table (&tables[j], n_rounds);

  return 0;
}
