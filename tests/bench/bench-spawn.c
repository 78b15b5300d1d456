/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a run costs over plain posix_spawn and wait of the same command, in a process as it is and
 * in one that holds a gigabyte. The two alternate, so that whatever else the machine does hits
 * both.
 *
 *   bench-spawn [ROUNDS]
 */

#include "config.h"

#include "tvmsupport/process/tvm-process-private.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY ((gsize) 1 << 30)

extern char **environ;

static const char * const command[] = { "/bin/true", NULL };

static void
run_plain (void)
{
  pid_t pid;
  int status;

  if (posix_spawn (&pid, command[0], NULL, NULL, (char **) command, environ) != 0
      || waitpid (pid, &status, 0) != pid || status != 0)
    g_error ("posix_spawn");
}

static void
run_runner (void)
{
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new (command);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_process_run (spec, NULL, &error);
  if (result == NULL || !tvm_process_result_is_success (result))
    g_error ("%s", error != NULL ? error->message : "the command failed");
}

static double
measure_once (void (*func) (void))
{
  gint64 start = g_get_monotonic_time ();

  func ();
  return (g_get_monotonic_time () - start) / 1000.0;
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static double
median (double *values,
        guint   n)
{
  qsort (values, n, sizeof *values, compare);
  return values[n / 2];
}

/* Prints one line. Returns: the median of the runner, in milliseconds */
static double
measure (const char *what,
         guint       n_rounds)
{
  g_autofree double *plain = g_new (double, n_rounds);
  g_autofree double *runner = g_new (double, n_rounds);
  double plain_median;
  double runner_median;

  for (guint i = 0; i < 20; i++)
    {
      run_plain ();
      run_runner ();
    }

  for (guint i = 0; i < n_rounds; i++)
    {
      plain[i] = measure_once (run_plain);
      runner[i] = measure_once (run_runner);
    }

  plain_median = median (plain, n_rounds);
  runner_median = median (runner, n_rounds);
  g_print ("%-24s %10.2f %10.2f %10.2f %10.2f\n", what, plain_median, runner_median,
           runner_median - plain_median, runner_median / plain_median);
  return runner_median;
}

int
main (int    argc,
      char **argv)
{
  guint n_rounds = argc > 1 ? (guint) strtoul (argv[1], NULL, 10) : 500;
  double small;
  double large;
  char *memory;

  g_print ("median of %u runs of %s, in ms\n", n_rounds, command[0]);
  g_print ("%-24s %10s %10s %10s %10s\n", "", "plain", "runner", "over", "ratio");
  small = measure ("small process", n_rounds);

  memory = malloc (MEMORY);
  for (gsize i = 0; i < MEMORY; i += 4096)
    ((volatile char *) memory)[i] = 1;
  large = measure ("process with 1 GB", n_rounds);
  free (memory);

  g_print ("runner, 1 GB to small: %.2f\n", large / small);
  return 0;
}
