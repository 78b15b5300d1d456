/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A pool for a long time: very many tasks, of which every hundredth crashes and every hundredth
 * runs into its time limit. Each has to end once, and rightly; none may be run twice; memory,
 * descriptors and processes may not grow.
 *
 *   soak-pool [TASKS [WORKERS [MB]]]
 *
 * The memory of this process and of the nursery may grow by so many MB, 8 where no number is given:
 * for what is made once, or not yet given back by the allocator. A sanitizer needs "inf".
 */

#include "config.h"

#include <tvmsupport/tvmsupport.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define IN_FLIGHT 1000
#define HANG_MSEC 20
#define GENEROUS_MSEC 60000
#define MAX_FAILURES 10

#define DEFAULT_GROWTH_MB 8.0

typedef enum
{
  KIND_ANSWER,
  KIND_DIE,
  KIND_HANG,
  N_KINDS
} Kind;

static const char * const functions[N_KINDS] = { "answer", "die", "hang" };

typedef struct
{
  double own_memory;
  double other_memory;      /* of the supervisor and the nursery: what is not a worker */
  guint n_fds;
  guint n_processes;
} Usage;

typedef struct
{
  TvmPoolExecutor *pool;
  double allowed_growth;    /* in bytes */
  guint64 n_tasks;
  guint64 n_submitted;
  guint64 n_done;
  guint64 n_by_kind[N_KINDS];
  guint64 n_failures;
  guint8 *counts;           /* (array length=n_tasks): shared with the workers */
  guint8 *ended;            /* (array length=n_tasks) */
  Usage early;
} Soak;

typedef struct
{
  Soak *soak;
  guint64 id;
} Ticket;

static void submit_next (Soak *self);

static void
fail (Soak       *self,
      const char *format,
      ...) G_GNUC_PRINTF (2, 3);

static void
fail (Soak       *self,
      const char *format,
      ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  if (self->n_failures++ < MAX_FAILURES)
    g_printerr ("FAILED: %s\n", message);
}

static Kind
get_kind (guint64 id)
{
  switch (id % 100)
    {
    case 33:
      return KIND_DIE;
    case 66:
      return KIND_HANG;
    default:
      return KIND_ANSWER;
    }
}

static double
get_memory (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/statm", pid);
  g_autofree char *text = NULL;
  const char *resident = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (resident = strchr (text, ' ')) == NULL)
    return 0;

  return g_ascii_strtod (resident, NULL) * sysconf (_SC_PAGESIZE);
}

/* Adds up what lives below @pid. */
static void
add_descendants (Usage *usage,
                 int    pid,
                 guint  depth)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *thread;

  while (dir != NULL && (thread = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, thread, "children", NULL);
      g_autofree char *children = NULL;
      char *end = NULL;

      if (!g_file_get_contents (file, &children, NULL, NULL))
        continue;
      for (const char *text = children; *text != '\0'; text = *end == ' ' ? end + 1 : end)
        {
          const int child = (int) strtol (text, &end, 10);

          if (end == text)
            break;
          usage->n_processes++;
          /* The supervisor, and below it the nursery */
          if (depth < 2)
            usage->other_memory += get_memory (child);
          add_descendants (usage, child, depth + 1);
        }
    }
}

static Usage
get_usage (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  Usage usage = { .own_memory = get_memory (getpid ()) };

  while (g_dir_read_name (dir) != NULL)
    usage.n_fds++;
  add_descendants (&usage, getpid (), 0);
  return usage;
}

static gboolean
is_right (Kind           kind,
          guint64        id,
          TvmTaskResult *result)
{
  const GError *error = tvm_task_result_get_error (result);

  switch (kind)
    {
    case KIND_ANSWER:
      return tvm_task_result_get_status (result) == TVM_STATUS_KIND_COMPLETE
             && g_variant_get_uint64 (tvm_task_result_get_value (result)) == id;
    case KIND_DIE:
      return g_error_matches (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
    case KIND_HANG:
      return tvm_task_result_get_status (result) == TVM_STATUS_KIND_TIMEOUT;
    case N_KINDS:
    default:
      return FALSE;
    }
}

static void
task_done (GObject      *source,
           GAsyncResult *async_result,
           gpointer      user_data)
{
  g_autofree Ticket *ticket = user_data;
  Soak *self = ticket->soak;
  const Kind kind = get_kind (ticket->id);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) result = NULL;

  result = tvm_pool_executor_submit_finish (self->pool, async_result, &error);
  if (result == NULL)
    fail (self, "task %" G_GUINT64_FORMAT ": %s", ticket->id, error->message);
  else if (!is_right (kind, ticket->id, result))
    fail (self, "task %" G_GUINT64_FORMAT ", %s: %s", ticket->id, functions[kind],
          tvm_task_result_get_error (result) != NULL ? tvm_task_result_get_error (result)->message
                                                     : "a result");
  if (self->ended[ticket->id]++ > 0)
    fail (self, "task %" G_GUINT64_FORMAT " ended twice", ticket->id);

  self->n_done++;
  self->n_by_kind[kind]++;
  /* Everything that is made once has been made by then. */
  if (self->n_done == self->n_tasks / 5)
    self->early = get_usage ();
  submit_next (self);
}

static void
submit_next (Soak *self)
{
  while (self->n_submitted < self->n_tasks && self->n_submitted - self->n_done < IN_FLIGHT)
    {
      const guint64 id = self->n_submitted++;
      const Kind kind = get_kind (id);
      g_autoptr (TvmTask) task = tvm_task_new (functions[kind], g_variant_new ("(t)", id));
      Ticket *ticket = g_new (Ticket, 1);

      ticket->soak = self;
      ticket->id = id;
      tvm_task_set_timeout (task, kind == KIND_HANG ? HANG_MSEC : GENEROUS_MSEC);
      tvm_pool_executor_submit_async (self->pool, task, NULL, task_done, ticket);
    }
}

/* A task that hangs may reach its limit before it has begun. */
static void
check_counts (Soak *self)
{
  for (guint64 id = 0; id < self->n_tasks; id++)
    {
      if (self->ended[id] == 0)
        fail (self, "task %" G_GUINT64_FORMAT " was lost", id);
      if (self->counts[id] > 1)
        fail (self, "task %" G_GUINT64_FORMAT " ran %u times", id, self->counts[id]);
      if (self->counts[id] == 0 && get_kind (id) != KIND_HANG)
        fail (self, "task %" G_GUINT64_FORMAT " did not run", id);
    }
}

static void
check_usage (Soak        *self,
             const Usage *late,
             guint        n_workers)
{
  const Usage *early = &self->early;

  g_print ("%-22s %12s %12s\n", "", "after a 5th", "at the end");
  g_print ("%-22s %12.1f %12.1f\n", "own memory, MB", early->own_memory / 1e6,
           late->own_memory / 1e6);
  g_print ("%-22s %12.1f %12.1f\n", "nursery and above, MB", early->other_memory / 1e6,
           late->other_memory / 1e6);
  g_print ("%-22s %12u %12u\n", "descriptors", early->n_fds, late->n_fds);
  g_print ("%-22s %12u %12u\n", "processes below", early->n_processes, late->n_processes);

  if (late->own_memory > early->own_memory + self->allowed_growth)
    fail (self, "the memory grew");
  if (late->other_memory > early->other_memory + self->allowed_growth)
    fail (self, "the memory of the nursery grew");
  /* As many as there are workers come and go. */
  if (late->n_fds > early->n_fds + 6 * n_workers)
    fail (self, "the number of descriptors grew");
  if (late->n_processes > early->n_processes + 2 * n_workers)
    fail (self, "the number of processes grew");
}

static TvmPoolExecutor *
new_pool (Soak       *self,
          const char *path,
          guint       n_workers)
{
  g_autofree char *module = g_test_build_filename (G_TEST_BUILT, "stress", "soak-module.so", NULL);
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module (module);
  g_autoptr (TvmTask) attach = tvm_task_new ("attach", g_variant_new ("(st)", path, self->n_tasks));

  tvm_worker_spec_set_initializer (spec, attach);
  return tvm_pool_executor_new (spec, n_workers);
}

static guint8 *
map_counts (const char *path,
            guint64     size)
{
  const int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void *counts = MAP_FAILED;

  if (fd < 0 || ftruncate (fd, (off_t) size) != 0
      || (counts = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
    g_error ("%s: %s", path, g_strerror (errno));
  /* Touched now, so that it does not look like growth later */
  memset (counts, 0, size);
  close (fd);
  return counts;
}

static void
run (Soak       *self,
     const char *path,
     guint       n_workers)
{
  const gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  Usage late;
  double seconds;

  self->pool = new_pool (self, path, n_workers);
  submit_next (self);
  while (self->n_done < self->n_tasks)
    g_main_context_iteration (NULL, TRUE);
  seconds = (g_get_monotonic_time () - start) / 1e6;
  late = get_usage ();

  g_print ("%" G_GUINT64_FORMAT " tasks in %.1f s: %" G_GUINT64_FORMAT " answered, "
           "%" G_GUINT64_FORMAT " crashed, %" G_GUINT64_FORMAT " timed out\n", self->n_tasks, seconds,
           self->n_by_kind[KIND_ANSWER], self->n_by_kind[KIND_DIE], self->n_by_kind[KIND_HANG]);
  check_usage (self, &late, n_workers);
  check_counts (self);

  if (!tvm_pool_executor_shutdown (self->pool, TVM_SHUTDOWN_MODE_DRAIN, NULL, &error))
    fail (self, "%s", error->message);
  late = get_usage ();
  if (late.n_processes > 0)
    fail (self, "%u processes are left", late.n_processes);
  g_object_unref (self->pool);
}

int
main (int    argc,
      char **argv)
{
  const struct rlimit no_core = { 0, 0 };
  const guint n_workers = argc > 2 ? (guint) strtoul (argv[2], NULL, 10) : 4;
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  Soak self = { .n_tasks = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 1000000 };
  const double growth_mb = argc > 3 ? g_ascii_strtod (argv[3], NULL) : DEFAULT_GROWTH_MB;
  char *no_arguments[] = { argv[0], NULL };
  char **arguments = no_arguments;
  int n_arguments = 1;

  self.allowed_growth = growth_mb * 1e6;
  g_test_init (&n_arguments, &arguments, NULL);
  setrlimit (RLIMIT_CORE, &no_core);
  folder = g_dir_make_tmp ("tvm-soak-XXXXXX", NULL);
  path = g_build_filename (folder, "counts", NULL);
  self.counts = map_counts (path, self.n_tasks);
  self.ended = g_malloc (self.n_tasks);
  memset (self.ended, 0, self.n_tasks);

  run (&self, path, n_workers);

  g_print ("%" G_GUINT64_FORMAT " failures\n", self.n_failures);
  munmap (self.counts, self.n_tasks);
  g_free (self.ended);
  g_unlink (path);
  g_rmdir (folder);
  return self.n_failures == 0 ? 0 : 1;
}
