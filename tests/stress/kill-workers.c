/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends workers of a nursery whose tasks do all to survive: daemons, loops of forks that change
 * their session each time, a process that is stopped, ignored signals. A round ends one by KILL or
 * by its own death, and now and then a nursery with all that it has; another worker must
 * not notice. Tells how long it took until EXITED, and fails if anything was left then.
 *
 *   kill-workers [ROUNDS]
 */

#include "config.h"

#include "nursery-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Every so many rounds the nursery itself is ended. */
#define NURSERY_ROUNDS 50

static GArray *latencies;
static guint n_failures;

static void
check_alive (NurseryFixture *fixture,
             const char     *what,
             guint           round)
{
  guint n = process_fixture_count_alive (&fixture->process);

  if (n == 0)
    return;

  g_printerr ("FAILED: %u processes were left by %s in round %u\n", n, what, round);
  n_failures++;
  process_fixture_kill_all (&fixture->process);
}

/* Starts a nasty task, as a program or as a command. */
static void
start_nasty (NurseryFixture *fixture,
             TestWorker     *worker,
             guint64         id)
{
  g_autoptr (GBytes) nasty = nursery_fixture_words (fixture, NULL, "nasty", NULL);

  if (g_random_boolean ())
    nursery_fixture_fork (fixture, worker, id, nasty);
  else
    {
      nursery_fixture_fork_command (fixture, worker, id, "page");
      nursery_fixture_call (worker, 1, 0, nasty, -1);
    }
  process_fixture_wait_ready (&fixture->process, NULL, NULL);
}

static void
run_round (NurseryFixture *fixture,
           TestWorker     *innocent,
           guint           round)
{
  g_autoptr (GBytes) quick = nursery_fixture_words (fixture, NULL, "exit", "0", NULL);
  gboolean crashes = g_random_boolean ();
  TestWorker worker;
  gint64 start;
  double msec;

  start_nasty (fixture, &worker, round + 1);
  if (g_random_boolean ())
    g_usleep ((gulong) g_random_int_range (0, 3000));

  nursery_fixture_call (innocent, round + 1, 0, quick, -1);
  start = g_get_monotonic_time ();
  if (crashes)
    kill (worker.pid, SIGKILL);
  else
    nursery_fixture_kill (fixture, round + 1);
  channel_expect (&fixture->control, TVM_FRAME_EXITED, round + 1);
  msec = (g_get_monotonic_time () - start) / 1000.0;
  g_array_append_val (latencies, msec);

  channel_expect (&innocent->channel, TVM_FRAME_RESULT, round + 1);
  check_alive (fixture, crashes ? "a crash" : "KILL", round);
  test_worker_close (&worker);
}

/* Closes the socket of the nursery while it has several such tasks. */
static void
end_nursery (NurseryFixture *fixture,
             guint           round)
{
  TestWorker workers[2];

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    start_nasty (fixture, &workers[i], G_MAXUINT32 + (guint64) i);
  nursery_fixture_stop (fixture);
  check_alive (fixture, "the end of the nursery", round);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    test_worker_close (&workers[i]);
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static double
get_quantile (double quantile)
{
  return g_array_index (latencies, double, MIN ((guint) (latencies->len * quantile),
                                                latencies->len - 1));
}

int
main (int    argc,
      char **argv)
{
  guint n_rounds = argc > 1 ? (guint) atoi (argv[1]) : 1000;
  NurseryFixture fixture = { .pid = 0 };
  TestWorker innocent;

  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  process_fixture_warm_up ();
  latencies = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < n_rounds; i++)
    {
      if (i % NURSERY_ROUNDS == 0)
        {
          nursery_fixture_set_up (&fixture, NULL);
          nursery_fixture_fork_command (&fixture, &innocent, 0, "page");
        }

      run_round (&fixture, &innocent, i);
      if (i % NURSERY_ROUNDS == NURSERY_ROUNDS - 1 || i == n_rounds - 1)
        {
          end_nursery (&fixture, i);
          test_worker_close (&innocent);
          process_fixture_tear_down (&fixture.process, NULL);
        }
    }

  g_array_sort (latencies, compare_doubles);
  g_print ("%u rounds, until EXITED: median %.2f ms, p99 %.2f ms, max %.2f ms; %u failures\n",
           n_rounds, get_quantile (0.5), get_quantile (0.99), get_quantile (1), n_failures);
  g_array_unref (latencies);
  return n_failures == 0 ? 0 : 1;
}
