/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends g++ in the middle of cc1plus, which is at work on source without end, again and again and at
 * any point: by cancellable, by time limit, or with the application. Tells how long it took until
 * the caller got it back, and fails if that was ever too long, or if a process or a file was left.
 *
 *   kill-compiles [ROUNDS [APPLICATION-ROUNDS [LIMIT-MSEC]]]
 *
 * The limit, of 100 ms where none is given, and ten times as much for an application, is meant for a
 * machine that has nothing else to do.
 */

#include "config.h"

#include "tvmsupport/process/tvm-process-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_LIMIT_MSEC 100.0
#define GIVE_UP_MSEC 30000.0
#define MAX_FAILURES 10

/* The point at which a compile is ended: from the start of the driver to deep in cc1plus */
#define MAX_DELAY_MSEC 120

static const char source[] =
  "constexpr unsigned long f (unsigned long n)\n"
  "{ unsigned long s = 0; for (unsigned long i = 0; i < n; i++) s += i * i; return s; }\n"
  "template <unsigned long N> struct A { static constexpr unsigned long v = f (1000000000 + N)"
  " + A<N - 1>::v; };\n"
  "template <> struct A<0> { static constexpr unsigned long v = 0; };\n"
  "unsigned long x = A<800>::v;\n";

typedef struct
{
  char *directory;
  char *mark;
  char *object;
  GArray *latencies;
  double limit;         /* in milliseconds */
  guint n_failures;
  guint n_inside;       /* rounds in which cc1plus was running when they were ended */
} Stress;

static void
fail (Stress     *self,
      const char *format,
      ...) G_GNUC_PRINTF (2, 3);

static void
fail (Stress     *self,
      const char *format,
      ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("FAILED: %s\n", message);
  self->n_failures++;
}

static TvmProcessSpec *
make_spec (Stress *self)
{
  /* With an assembler at the other end of a pipe, or with a temporary file */
  TvmProcessSpec *spec = tvm_process_spec_new ((const char *[]) {
    "g++", "-fconstexpr-loop-limit=2000000000", "-fconstexpr-ops-limit=200000000000",
    g_random_boolean () ? "-pipe" : "-Wall", "-x", "c++", "-c", "-", "-o", self->object, NULL });
  g_autoptr (GBytes) bytes = g_bytes_new_static (source, strlen (source));

  tvm_process_spec_set_stdin (spec, bytes);
  tvm_process_spec_setenv (spec, "TVM_STRESS", self->mark);
  tvm_process_spec_setenv (spec, "TMPDIR", self->directory);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_add_cleanup_path (spec, self->object);
  return spec;
}

/* Returns: how many processes live, and in @n_compilers how many of them are cc1plus */
static guint
count_alive (Stress *self,
             guint  *n_compilers)
{
  g_autofree char *variable = g_strconcat ("TVM_STRESS=", self->mark, NULL);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "environ", NULL);
      g_autofree char *comm_path = g_build_filename ("/proc", name, "comm", NULL);
      g_autofree char *contents = NULL;
      g_autofree char *comm = NULL;
      gsize length;

      if (!g_ascii_isdigit (name[0]) || !g_file_get_contents (path, &contents, &length, NULL)
          || memmem (contents, length, variable, strlen (variable)) == NULL)
        continue;

      n++;
      if (n_compilers != NULL && g_file_get_contents (comm_path, &comm, NULL, NULL)
          && g_str_has_prefix (comm, "cc1plus"))
        (*n_compilers)++;
    }

  return n;
}

static gboolean
is_empty (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);

  return g_dir_read_name (dir) == NULL;
}

static void
check_nothing_left (Stress     *self,
                    const char *what,
                    guint       round)
{
  guint n = count_alive (self, NULL);

  if (n > 0)
    fail (self, "%s, round %u: %u processes live", what, round, n);
  if (!is_empty (self->directory))
    fail (self, "%s, round %u: files are left in %s", what, round, self->directory);
}

static double
msec_since (gint64 start)
{
  return (g_get_monotonic_time () - start) / 1000.0;
}

static void
note_latency (Stress     *self,
              const char *what,
              guint       round,
              double      latency,
              double      limit)
{
  g_array_append_val (self->latencies, latency);
  if (latency > limit)
    fail (self, "%s, round %u: took %.1f ms", what, round, latency);
}

static void
store_result (GObject      *source_object,
              GAsyncResult *result,
              gpointer      user_data)
{
  GAsyncResult **place = user_data;

  *place = g_object_ref (result);
}

static void
cancel_one (Stress *self,
            guint   round)
{
  g_autoptr (TvmProcessSpec) spec = make_spec (self);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_compilers = 0;
  gint64 start;

  tvm_process_run_async (spec, cancellable, store_result, &async_result);
  g_usleep (g_random_int_range (0, MAX_DELAY_MSEC * 1000));
  count_alive (self, &n_compilers);
  self->n_inside += n_compilers > 0;

  start = g_get_monotonic_time ();
  g_cancellable_cancel (cancellable);
  while (async_result == NULL)
    g_main_context_iteration (NULL, TRUE);
  note_latency (self, "cancel", round, msec_since (start), self->limit);

  result = tvm_process_run_finish (async_result, &error);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail (self, "cancel, round %u: %s", round, error != NULL ? error->message : "a result");
  check_nothing_left (self, "cancel", round);
}

static void
time_out_one (Stress *self,
              guint   round)
{
  g_autoptr (TvmProcessSpec) spec = make_spec (self);
  int timeout = g_random_int_range (0, MAX_DELAY_MSEC);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  tvm_process_spec_set_timeout (spec, timeout);
  result = tvm_process_run (spec, NULL, &error);
  note_latency (self, "timeout", round, msec_since (start) - timeout, self->limit);

  if (result == NULL || !result->timed_out)
    fail (self, "timeout, round %u: %s", round, error != NULL ? error->message : "not timed out");
  check_nothing_left (self, "timeout", round);
}

static void
be_application (Stress *self)
{
  g_autoptr (TvmProcessSpec) spec = make_spec (self);

  tvm_process_run_async (spec, NULL, NULL, NULL);
  for (;;)
    pause ();
}

/* A fork will do for an application: this process has no threads before it runs something itself. */
static void
kill_application (Stress *self,
                  guint   round)
{
  guint n_compilers = 0;
  gint64 start;
  pid_t pid = fork ();

  if (pid == 0)
    be_application (self);

  g_usleep (g_random_int_range (0, MAX_DELAY_MSEC * 1000));
  count_alive (self, &n_compilers);
  self->n_inside += n_compilers > 0;
  start = g_get_monotonic_time ();
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  while ((count_alive (self, NULL) > 0 || !is_empty (self->directory))
         && msec_since (start) < GIVE_UP_MSEC)
    g_usleep (1000);
  note_latency (self, "application", round, msec_since (start), 10 * self->limit);
  check_nothing_left (self, "application", round);
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
run_rounds (Stress     *self,
            const char *what,
            guint       n_rounds,
            void      (*func) (Stress *self,
                               guint   round))
{
  const double *sorted;

  g_array_set_size (self->latencies, 0);
  self->n_inside = 0;
  for (guint i = 0; i < n_rounds && self->n_failures < MAX_FAILURES; i++)
    func (self, i);

  n_rounds = self->latencies->len;
  if (n_rounds == 0)
    return;

  g_array_sort (self->latencies, compare);
  sorted = (const double *) self->latencies->data;
  g_print ("%-20s %6u %8.1f %8.1f %8.1f", what, n_rounds, sorted[n_rounds / 2],
           sorted[n_rounds * 99 / 100], sorted[n_rounds - 1]);
  if (self->n_inside > 0)
    g_print ("   (%u within cc1plus)", self->n_inside);
  g_print ("\n");
}

int
main (int    argc,
      char **argv)
{
  guint n_rounds = argc > 1 ? (guint) strtoul (argv[1], NULL, 10) : 1000;
  guint n_applications = argc > 2 ? (guint) strtoul (argv[2], NULL, 10) : 100;
  Stress self = { 0 };

  self.limit = argc > 3 ? g_ascii_strtod (argv[3], NULL) : DEFAULT_LIMIT_MSEC;
  self.directory = g_dir_make_tmp ("tvm-stress-XXXXXX", NULL);
  self.mark = g_uuid_string_random ();
  self.object = g_build_filename (self.directory, "object.o", NULL);
  self.latencies = g_array_new (FALSE, FALSE, sizeof (double));

  /* The applications first, while there are no threads. */
  g_print ("%-20s %6s %8s %8s %8s\n", "", "rounds", "p50 ms", "p99 ms", "max ms");
  run_rounds (&self, "application killed", n_applications, kill_application);
  run_rounds (&self, "cancelled", n_rounds / 2, cancel_one);
  run_rounds (&self, "timed out", n_rounds - n_rounds / 2, time_out_one);

  g_print ("%u failures\n", self.n_failures);
  g_rmdir (self.directory);
  g_free (self.directory);
  g_free (self.mark);
  g_free (self.object);
  g_array_unref (self.latencies);
  return self.n_failures == 0 ? 0 : 1;
}
