/* SPDX-License-Identifier: Apache-2.0 */

/* What the machine can do at best: the same without a pool */

#include "config.h"

#include "bench-pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING_SIZE 64
#define N_PINGS 20000
#define N_FORKS 3000

static gboolean
transfer (int      fd,
          char    *data,
          gsize    size,
          gboolean is_write)
{
  while (size > 0)
    {
      ssize_t n = is_write ? write (fd, data, size) : read (fd, data, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }

  return TRUE;
}

/* Returns: the socket of a child that sends back whatever comes, @size bytes at a time */
static int
start_echo (gsize    size,
            gboolean apart)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    g_error ("socketpair: %s", g_strerror (errno));

  if (fork () == 0)
    {
      char *data = malloc (size);

      if (apart)
        bench_pin (0, 1);
      close (fds[0]);
      while (transfer (fds[1], data, size, FALSE) && transfer (fds[1], data, size, TRUE))
        ;
      _exit (0);
    }

  if (apart)
    bench_pin (0, 0);
  close (fds[1]);
  return fds[0];
}

static double
time_echo (gsize    size,
           guint    n_rounds,
           gboolean apart)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autofree char *data = g_malloc0 (size);
  const int fd = start_echo (size, apart);

  for (guint i = 0; i < n_rounds; i++)
    {
      const double start = bench_now ();
      double seconds;

      if (!transfer (fd, data, size, TRUE) || !transfer (fd, data, size, FALSE))
        g_error ("The echo is gone");
      seconds = bench_now () - start;
      g_array_append_val (times, seconds);
    }

  close (fd);
  wait (NULL);
  return bench_median (times);
}

static void
measure_ping (const char *argument)
{
  bench_say ("usec", time_echo (PING_SIZE, N_PINGS, g_strcmp0 (argument, APART) == 0) * 1e6);
}

static void
measure_echo (const char *argument)
{
  const gsize size = (gsize) g_ascii_strtoull (argument, NULL, 10);

  bench_say ("msec", time_echo (size, size > 10000000 ? 5 : 100, FALSE) * 1e3);
}

/* The least that memory which is used again and again would take: the arguments are copied in, and
 * the result out, as nobody may rely on memory that the other side can still write to. */
static void
measure_memory (const char *argument)
{
  const gsize size = (gsize) g_ascii_strtoull (argument, NULL, 10);
  const guint n_rounds = size > 10000000 ? 5 : 100;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autofree char *args = g_malloc0 (size);
  char *shared = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int fd = start_echo (1, FALSE);

  if (shared == MAP_FAILED)
    g_error ("mmap: %s", g_strerror (errno));

  for (guint i = 0; i < n_rounds; i++)
    {
      const double start = bench_now ();
      g_autofree char *result = g_malloc (size);
      char byte = 0;
      double seconds;

      memcpy (shared, args, size);
      if (!transfer (fd, &byte, 1, TRUE) || !transfer (fd, &byte, 1, FALSE))
        g_error ("The echo is gone");
      memcpy (result, shared, size);
      seconds = bench_now () - start;
      g_array_append_val (times, seconds);
    }

  munmap (shared, size);
  close (fd);
  wait (NULL);
  bench_say ("msec", bench_median (times) * 1e3);
}

/* As small as this process is, fork() costs little. */
static void
measure_fork (const char *argument)
{
  const double start = bench_now ();

  for (guint i = 0; i < N_FORKS; i++)
    {
      if (fork () == 0)
        _exit (0);
      wait (NULL);
    }

  bench_say ("rate", N_FORKS / (bench_now () - start));
}

/* xargs reads the inputs from a shell, which costs next to nothing. */
static void
measure_xargs (const char *argument)
{
  g_autofree char *line = g_strdup_printf ("seq %s | xargs -n1 -P2 /bin/true", argument);
  const char * const argv[] = { "/bin/sh", "-c", line, NULL };
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  const double start = bench_now ();

  process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_NONE, &error);
  bench_check (error);
  g_subprocess_wait_check (process, NULL, &error);
  bench_check (error);
  bench_say ("rate", g_ascii_strtod (argument, NULL) / (bench_now () - start));
}

const Measure raw_measures[] = {
  { "ping", measure_ping },
  { "raw-echo", measure_echo },
  { "raw-memory", measure_memory },
  { "fork", measure_fork },
  { "xargs", measure_xargs },
  { NULL, NULL },
};
