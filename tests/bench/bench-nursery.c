/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the nursery and its command workers cost, spoken to directly: from FORK to the first RESULT,
 * commands per second beside `xargs -P2`, and the end of a worker.
 *
 *   bench-nursery [COMMANDS]
 */

#include "config.h"

#include "nursery-fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_WORKERS 2
#define N_ROUNDS 200
#define N_RUNS 5

static const char words_of_true[] = "--argc=1\0--\0/bin/true\0/bin/true";

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static double
get_quantile (double *values,
              guint   n,
              double  quantile)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return values[MIN ((guint) (n * quantile), n - 1)];
}

static void
print_times (const char *what,
             double     *usec,
             guint       n)
{
  g_print ("%-34s median %7.0f us   p99 %7.0f us   max %7.0f us\n", what,
           get_quantile (usec, n, 0.5), get_quantile (usec, n, 0.99), get_quantile (usec, n, 1));
}

static void
send_call (TestWorker *worker,
           guint64     id,
           GBytes     *words,
           int         null)
{
  channel_write (&worker->channel,
                 (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = id, .n_fds = 2,
                                    .length = g_bytes_get_size (words) },
                 g_bytes_get_data (words, NULL), (int[]) { null, null });
}

static void
bench_start (NurseryFixture *fixture,
             GBytes         *words,
             int             null)
{
  double first[N_ROUNDS];
  double second[N_ROUNDS];
  double killed[N_ROUNDS];

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      gint64 start = g_get_monotonic_time ();
      TestWorker worker;

      nursery_fixture_fork_command (fixture, &worker, i, "page");
      send_call (&worker, 1, words, null);
      channel_expect (&worker.channel, TVM_FRAME_RESULT, 1);
      first[i] = g_get_monotonic_time () - start;

      start = g_get_monotonic_time ();
      send_call (&worker, 2, words, null);
      channel_expect (&worker.channel, TVM_FRAME_RESULT, 2);
      second[i] = g_get_monotonic_time () - start;

      start = g_get_monotonic_time ();
      nursery_fixture_kill (fixture, i);
      channel_expect (&fixture->control, TVM_FRAME_EXITED, i);
      killed[i] = g_get_monotonic_time () - start;
      test_worker_close (&worker);
    }

  print_times ("FORK to the first RESULT", first, N_ROUNDS);
  print_times ("CALL to RESULT", second, N_ROUNDS);
  print_times ("KILL to EXITED", killed, N_ROUNDS);
}

/* Keeps @depth calls in each of the workers. Returns: commands per second */
static double
run_commands (NurseryFixture *fixture,
              GBytes         *words,
              int             null,
              guint           n_commands,
              guint           depth)
{
  struct pollfd fds[N_WORKERS];
  TestWorker workers[N_WORKERS];
  guint64 sent = 0;
  guint done = 0;
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < N_WORKERS; i++)
    {
      nursery_fixture_fork_command (fixture, &workers[i], i, "page");
      fds[i] = (struct pollfd) { .fd = workers[i].channel.fd, .events = POLLIN };
      for (guint j = 0; j < depth; j++)
        send_call (&workers[i], ++sent, words, null);
    }

  while (done < n_commands)
    {
      g_assert_cmpint (poll (fds, N_WORKERS, -1), >, 0);
      for (guint i = 0; i < N_WORKERS; i++)
        while (fds[i].revents != 0)
          {
            const TvmFrameReader *reader = &workers[i].channel.reader;

            g_assert_cmpint (channel_read (&workers[i].channel), ==, TVM_FRAME_READ_OK);
            g_assert_cmpint (workers[i].channel.header.kind, ==, TVM_FRAME_RESULT);
            done++;
            if (sent < n_commands)
              send_call (&workers[i], ++sent, words, null);

            /* The second of two that came at once */
            if (reader->start == reader->end)
              fds[i].revents = 0;
          }
    }

  for (guint i = 0; i < N_WORKERS; i++)
    {
      test_worker_close (&workers[i]);
      g_assert_cmpint (channel_read (&fixture->control), ==, TVM_FRAME_READ_OK);
    }
  return n_commands * 1e6 / (g_get_monotonic_time () - start);
}

/* Returns: commands per second */
static double
run_xargs (guint n_commands)
{
  g_autoptr (GSubprocess) xargs = NULL;
  g_autoptr (GString) input = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gint64 start;

  for (guint i = 0; i < n_commands; i++)
    g_string_append (input, "x\n");

  start = g_get_monotonic_time ();
  xargs = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, "xargs", "-P2", "-n1",
                            "/bin/true", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (xargs, input->str, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return n_commands * 1e6 / (g_get_monotonic_time () - start);
}

int
main (int    argc,
      char **argv)
{
  guint n_commands = argc > 1 ? (guint) atoi (argv[1]) : 2000;
  g_autoptr (GBytes) words = g_bytes_new_static (words_of_true, sizeof words_of_true);
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  NurseryFixture fixture = { .pid = 0 };
  double rates[3][N_RUNS];

  g_test_init (&argc, &argv, NULL);
  process_fixture_warm_up ();
  nursery_fixture_set_up (&fixture, NULL);
  alarm (0);
  bench_start (&fixture, words, null);

  for (guint i = 0; i < N_RUNS; i++)
    {
      rates[0][i] = run_xargs (n_commands);
      rates[1][i] = run_commands (&fixture, words, null, n_commands, 1);
      rates[2][i] = run_commands (&fixture, words, null, n_commands, 2);
    }

  g_print ("commands per second, 2 at a time:  xargs -P2 %.0f   one call each %.0f   "
           "two each %.0f\n",
           get_quantile (rates[0], N_RUNS, 0.5), get_quantile (rates[1], N_RUNS, 0.5),
           get_quantile (rates[2], N_RUNS, 0.5));
  nursery_fixture_stop (&fixture);
  process_fixture_tear_down (&fixture.process, NULL);
  close (null);
  return 0;
}
