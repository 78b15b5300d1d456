/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a worker costs by itself, without the pool: its start, its memory while it waits, and a
 * trivial call against 64 bytes that go to and fro between two processes on one processor.
 *
 *   bench-worker [CALLS]
 */

#include "config.h"

#include "worker-fixture.h"

#include "tvmsupport/process/tvm-launch-private.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_STARTS 200
#define N_BATCH 20

extern char **environ;

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

/* Returns: milliseconds until HELLO, or for what only ends, until it has */
static double
time_start (const char *program,
            gboolean    says_hello)
{
  const char *argv[] = { program, says_hello ? "--tvm-worker=fd" : NULL, NULL };
  posix_spawn_file_actions_t actions;
  gint64 start;
  double taken;
  char byte;
  int sockets[2];
  pid_t pid;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    g_error ("socketpair");
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, fcntl (sockets[1], F_DUPFD_CLOEXEC, 10),
                                    TVM_WORKER_CHANNEL_FD);

  start = g_get_monotonic_time ();
  if (posix_spawn (&pid, program, &actions, NULL, (char **) argv, environ) != 0)
    g_error ("posix_spawn");
  if (says_hello)
    {
      if (recv (sockets[0], &byte, 1, 0) != 1)
        g_error ("no HELLO");
      taken = (g_get_monotonic_time () - start) / 1000.0;
      shutdown (sockets[0], SHUT_RDWR);
      waitpid (pid, NULL, 0);
    }
  else
    {
      waitpid (pid, NULL, 0);
      taken = (g_get_monotonic_time () - start) / 1000.0;
    }

  posix_spawn_file_actions_destroy (&actions);
  closefrom (TVM_WORKER_CHANNEL_FD);
  return taken;
}

static void
measure_start (const char *program)
{
  double worker[N_STARTS];
  double plain[N_STARTS];

  for (guint i = 0; i < N_STARTS; i++)
    {
      worker[i] = time_start (program, TRUE);
      plain[i] = time_start ("/bin/true", FALSE);
    }

  g_print ("exec to HELLO            %8.2f ms    (/bin/true to its end %.2f ms)\n",
           median (worker, N_STARTS), median (plain, N_STARTS));
}

static guint
get_private_dirty (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "smaps_rollup", NULL);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, "Private_Dirty:");
  return line != NULL ? (guint) strtoul (line + strlen ("Private_Dirty:"), NULL, 10) : 0;
}

static void
set_processor (void)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (0, &set);
  sched_setaffinity (0, sizeof set, &set);
}

/* Returns: microseconds for 64 bytes to and fro */
static double
time_plain (guint n)
{
  char bytes[64] = "";
  int sockets[2];
  gint64 start;
  pid_t pid;

  if (socketpair (AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
    g_error ("socketpair");
  pid = fork ();
  if (pid == 0)
    {
      close (sockets[0]);
      while (recv (sockets[1], bytes, sizeof bytes, 0) > 0)
        send (sockets[1], bytes, sizeof bytes, 0);
      _exit (0);
    }

  close (sockets[1]);
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    if (send (sockets[0], bytes, sizeof bytes, 0) < 0
        || recv (sockets[0], bytes, sizeof bytes, 0) < 0)
      g_error ("the other process is gone");
  close (sockets[0]);
  waitpid (pid, NULL, 0);
  return (double) (g_get_monotonic_time () - start) / n;
}

/* Returns: what the process has used of a processor, in microseconds */
static double
get_processor_time (const char *pid)
{
  struct timespec time;
  clockid_t clock;

  if (clock_getcpuclockid ((pid_t) strtol (pid, NULL, 10), &clock) != 0
      || clock_gettime (clock, &time) != 0)
    g_error ("no clock for %s", pid);
  return (double) time.tv_sec * 1e6 + (double) time.tv_nsec / 1e3;
}

/* Returns: microseconds a call, @n_batch of which are on their way at the same time */
static double
time_calls (WorkerFixture  *worker,
            TvmFrameFlags   flags,
            guint           n,
            guint           n_batch)
{
  g_autoptr (GVariant) task = g_variant_ref_sink (g_variant_new ("(sv)", "add",
                                                                 g_variant_new ("(ii)", 1, 2)));
  TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .flags = flags };
  gint64 start = g_get_monotonic_time ();

  header.length = g_variant_get_size (task);
  for (guint i = 0; i < n; i += n_batch)
    {
      for (guint j = 0; j < n_batch; j++)
        {
          header.id = i + j + 1;
          worker_fixture_send (worker, header, g_variant_get_data (task), NULL);
        }
      for (guint j = 0; j < n_batch; j++)
        worker_fixture_expect (worker, TVM_FRAME_RESULT, i + j + 1);
    }

  return (double) (g_get_monotonic_time () - start) / n;
}

/* Returns: milliseconds for @size bytes to the worker and back */
static double
time_echo (WorkerFixture *worker,
           gsize          size)
{
  double taken[5];

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    {
      gpointer memory = g_malloc0 (size);
      GVariant *bytes = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, memory, size, TRUE,
                                                 g_free, memory);
      g_autoptr (GVariant) task = g_variant_ref_sink (g_variant_new ("(sv)", "echo", bytes));
      TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .id = i + 1 };
      gconstpointer data = g_variant_get_data (task);
      gint64 start = g_get_monotonic_time ();

      header.length = g_variant_get_size (task);
      worker_fixture_send (worker, header, data, NULL);
      worker_fixture_expect (worker, TVM_FRAME_RESULT, i + 1);
      taken[i] = (g_get_monotonic_time () - start) / 1000.0;
    }

  return median (taken, G_N_ELEMENTS (taken));
}

static void
measure_fork (const char *program)
{
  static const char * const settings[] = { "begun=page", NULL };
  g_autofree char *path = worker_fixture_dup_module ();
  g_autofree char *module = g_strconcat ("module=", path, NULL);
  g_autofree char *pid = NULL;
  double taken[N_STARTS];
  WorkerFixture nursery;
  WorkerFixture worker;

  worker_fixture_start (&nursery, (const char * const []) { program, "--tvm-worker=nursery", NULL },
                        0);
  worker_fixture_expect (&nursery, TVM_FRAME_HELLO, 0);
  worker_fixture_setup (&nursery, (const char * const []) { module, NULL });
  for (guint i = 0; i < N_STARTS; i++)
    {
      gint64 start = g_get_monotonic_time ();

      worker_fixture_fork (&nursery, &worker, i + 1, NULL);
      taken[i] = (g_get_monotonic_time () - start) / 1000.0;
      if (i + 1 < N_STARTS)
        worker_fixture_join (&nursery, &worker, i + 1, 0);
    }

  pid = g_strdup (tvm_frame_get_setting (worker.payload, worker.header.length, "pid"));
  worker_fixture_setup (&worker, settings);
  time_calls (&worker, 0, 1000, 1);
  g_print ("fork to HELLO            %8.2f ms\n", median (taken, N_STARTS));
  g_print ("private dirty, by fork   %8u kB\n", get_private_dirty (pid));
  worker_fixture_join (&nursery, &worker, N_STARTS, 0);
  g_free (worker_fixture_end (&nursery, 0));
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *program = NULL;
  WorkerFixture worker;
  double plain;
  double call;
  double used;
  guint n;

  g_test_init (&argc, &argv, NULL);
  n = argc > 1 ? (guint) strtoul (argv[1], NULL, 10) : 100000;
  program = tvm_launch_dup_helper_path ("tvmsupport-worker", NULL);
  if (program == NULL)
    g_error ("no tvmsupport-worker");

  measure_start (program);
  measure_fork (program);
  set_processor ();
  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  time_calls (&worker, 0, 1000, 1);
  g_print ("private dirty, by exec   %8u kB\n",
           get_private_dirty (g_subprocess_get_identifier (worker.process)));

  plain = time_plain (n);
  used = get_processor_time (g_subprocess_get_identifier (worker.process));
  call = time_calls (&worker, 0, n, 1);
  used = get_processor_time (g_subprocess_get_identifier (worker.process)) - used;
  g_print ("64 bytes to and fro      %8.2f us\n", plain);
  g_print ("a trivial call           %8.2f us    %.2f times that; of it in the worker %.2f us\n",
           call, call / plain, used / n);
  g_print ("one of %u in flight      %8.2f us\n", N_BATCH, time_calls (&worker, 0, n, N_BATCH));
  g_print ("one that may be cancelled%8.2f us\n",
           time_calls (&worker, TVM_FRAME_FLAG_MAY_CANCEL, n, 1));
  g_print ("echo of 1 MB             %8.2f ms\n", time_echo (&worker, 1000000));
  g_print ("echo of 100 MB           %8.2f ms\n", time_echo (&worker, 100000000));
  g_free (worker_fixture_end (&worker, 0));
  return 0;
}
