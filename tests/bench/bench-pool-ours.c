/* SPDX-License-Identifier: Apache-2.0 */

/* What the pool does, each in a process that has done nothing else before */

#include "config.h"

#include "bench-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MSEC 10000
#define N_ROUND_TRIPS 20000
#define N_TASKS 100000
#define N_USES 6000
#define DEADLINE_MSEC 100
#define N_DEADLINES 20
#define N_CRASHES 20

static TvmPoolExecutor *
new_pool (TvmWorkerSpec *spec,
          guint          n_workers)
{
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, n_workers);

  tvm_pool_executor_set_timeout (pool, LIMIT_MSEC);
  return pool;
}

static TvmWorkerSpec *
new_spec (void)
{
  return tvm_worker_spec_new_module (g_getenv ("TVM_BENCH_MODULE"));
}

static TvmPoolExecutor *
new_module_pool (guint n_workers)
{
  g_autoptr (TvmWorkerSpec) spec = new_spec ();

  return new_pool (spec, n_workers);
}

static void
end_pool (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;

  tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error);
  bench_check (error);
  g_object_unref (pool);
}

static void
call_echo (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = tvm_pool_executor_call (pool, "echo", g_variant_new_int32 (1), NULL,
                                                       &error);

  bench_check (error);
}

static void
warm (TvmPoolExecutor *pool)
{
  for (guint i = 0; i < 500; i++)
    call_echo (pool);
}

/* Round trip */

static int
get_worker (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

  bench_check (error);
  return g_variant_get_int32 (pid);
}

static void
measure_roundtrip (const char *argument)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  TvmPoolExecutor *pool = new_module_pool (1);

  warm (pool);
  if (g_strcmp0 (argument, APART) == 0)
    {
      bench_pin (get_worker (pool), 1);
      bench_pin (0, 0);
    }
  for (guint i = 0; i < N_ROUND_TRIPS; i++)
    {
      const double start = bench_now ();
      double seconds;

      call_echo (pool);
      seconds = bench_now () - start;
      g_array_append_val (times, seconds);
    }

  bench_say ("usec", bench_median (times) * 1e6);
  end_pool (pool);
}

/* Many at once */

typedef struct
{
  GMainLoop *loop;
  guint n_left;
} Many;

static void
submitted (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Many *many = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) task_result = NULL;

  task_result = tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);
  if (task_result != NULL)
    tvm_task_result_check (task_result, &error);
  bench_check (error);
  if (--many->n_left == 0)
    g_main_loop_quit (many->loop);
}

/* Returns: how many tasks per second */
static double
submit_many (TvmPoolExecutor *pool,
             TvmTask         *task,
             guint            n)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Many many = { loop, n };
  const double start = bench_now ();

  for (guint i = 0; i < n; i++)
    tvm_pool_executor_submit_async (pool, task, NULL, submitted, &many);
  g_main_loop_run (loop);
  return n / (bench_now () - start);
}

static void
measure_submit (const char *argument)
{
  g_autoptr (TvmTask) task = tvm_task_new ("echo", g_variant_new_int32 (1));
  TvmPoolExecutor *pool = new_module_pool (2);

  warm (pool);
  bench_say ("rate", submit_many (pool, task, N_TASKS));
  end_pool (pool);
}

static void
measure_map (const char *argument)
{
  g_autofree GVariant **items = g_new (GVariant *, N_TASKS);
  TvmPoolExecutor *pool = new_module_pool (2);
  g_autoptr (TvmMapIterator) results = NULL;
  guint n = 0;
  double start;

  warm (pool);
  for (int i = 0; i < N_TASKS; i++)
    items[i] = g_variant_new_int32 (i);

  start = bench_now ();
  results = tvm_pool_executor_map (pool, "echo", items, N_TASKS, TVM_MAP_FLAGS_NONE);
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmMapResult) result = tvm_map_iterator_next (results, NULL, &error);

      bench_check (error);
      if (result == NULL)
        break;
      g_assert (g_variant_get_int32 (tvm_map_result_get_value (result)) == (int) n);
      n++;
    }
  g_assert (n == N_TASKS);
  bench_say ("rate", N_TASKS / (bench_now () - start));
  end_pool (pool);
}

static void
measure_uses (const char *argument)
{
  g_autoptr (TvmTask) task = tvm_task_new ("echo", g_variant_new_int32 (1));
  g_autoptr (TvmWorkerSpec) spec = new_spec ();
  TvmPoolExecutor *pool = NULL;

  tvm_worker_spec_set_maximum_uses (spec, 1);
  pool = new_pool (spec, 2);
  call_echo (pool);
  bench_say ("rate", submit_many (pool, task, N_USES));
  end_pool (pool);
}

static void
measure_commands (const char *argument)
{
  const char * const argv[] = { "/bin/true", NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPoolExecutor *pool = new_pool (spec, 2);

  submit_many (pool, task, 10);
  bench_say ("rate", submit_many (pool, task, (guint) g_ascii_strtoull (argument, NULL, 10)));
  end_pool (pool);
}

/* Payloads */

static double
get_memory (const char *name)
{
  g_autofree char *status = NULL;
  const char *line = NULL;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = strstr (status, name);
  return line != NULL ? g_ascii_strtod (line + strlen (name), NULL) * 1024 : 0;
}

/* The peak of this process starts anew. */
static void
forget_peak (void)
{
  const int fd = open ("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

  if (fd < 0 || write (fd, "5", 1) != 1)
    g_error ("clear_refs: %s", g_strerror (errno));
  close (fd);
}

static void
measure_echo (const char *argument)
{
  const gsize size = (gsize) g_ascii_strtoull (argument, NULL, 10);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  TvmPoolExecutor *pool = new_module_pool (1);
  g_autoptr (GVariant) payload = NULL;
  double base;

  warm (pool);
  base = get_memory ("VmRSS:");
  forget_peak ();
  {
    char *data = g_malloc (size);

    memset (data, 'x', size);
    payload = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
    g_variant_ref_sink (payload);
  }

  for (guint i = 0; i < (size > 10000000 ? 5 : 100); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;
      const double start = bench_now ();
      double seconds;

      value = tvm_pool_executor_call (pool, "echo", payload, NULL, &error);
      seconds = bench_now () - start;
      g_array_append_val (times, seconds);
      bench_check (error);
      g_assert (g_variant_get_size (value) == size);
    }

  bench_say ("msec", bench_median (times) * 1e3);
  bench_say ("payloads", (get_memory ("VmHWM:") - base) / (double) size);
  end_pool (pool);
}

/* What goes wrong */

/* The processes below @pid, and so on */
static void
add_descendants (GArray *pids,
                 int     pid)
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
          g_array_append_val (pids, child);
          add_descendants (pids, child);
        }
    }
}

static guint
count_descendants (void)
{
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (int));

  add_descendants (pids, getpid ());
  return pids->len;
}

static GVariant *
get_deadline_args (const char *function)
{
  if (g_str_equal (function, "sleep"))
    return g_variant_new ("(u)", 100000);
  if (g_str_equal (function, "daemonize"))
    return g_variant_new ("(ss)", "", "sleep");
  if (g_str_equal (function, "fork_loop"))
    return g_variant_new ("(s)", "");

  return g_variant_new ("()");
}

/* How late the error comes, and when the last process of the tree is gone; that is looked up in
 * /proc again and again, which takes a while itself. */
static void
measure_deadline (const char *function)
{
  g_autoptr (GArray) late = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (double));
  TvmPoolExecutor *pool = new_module_pool (1);
  guint n_base;

  /* The worker is one of them, and will be gone too. */
  call_echo (pool);
  n_base = count_descendants () - 1;
  for (guint i = 0; i < N_DEADLINES; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new (function, get_deadline_args (function));
      g_autoptr (TvmTaskResult) result = NULL;
      g_autoptr (GError) error = NULL;
      double start;
      double seconds;

      call_echo (pool);
      tvm_task_set_timeout (task, DEADLINE_MSEC);
      start = bench_now () + DEADLINE_MSEC / 1e3;
      result = tvm_pool_executor_submit (pool, task, NULL, &error);
      seconds = bench_now () - start;
      bench_check (error);
      g_array_append_val (late, seconds);
      if (tvm_task_result_get_status (result) != TVM_STATUS_KIND_TIMEOUT)
        g_error ("%s: no time limit", function);

      while (count_descendants () > n_base)
        ;
      seconds = bench_now () - start;
      g_array_append_val (gone, seconds);
    }

  bench_say ("msec", bench_median (late) * 1e3);
  bench_say ("max", bench_max (late) * 1e3);
  bench_say ("gone", bench_median (gone) * 1e3);
  bench_say ("gone-max", bench_max (gone) * 1e3);
  end_pool (pool);
}

typedef struct
{
  guint n_left;
  guint n_lost;
} Naps;

static void
napped (GObject      *source,
        GAsyncResult *result,
        gpointer      user_data)
{
  Naps *naps = user_data;
  g_autoptr (TvmTaskResult) task_result = NULL;

  task_result = tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, NULL);
  if (task_result == NULL || !tvm_task_result_check (task_result, NULL))
    naps->n_lost++;
  naps->n_left--;
}

/* Ten tasks wait behind one that crashes. Returns: how many of them are lost */
static guint
crash_before_others (TvmPoolExecutor *pool,
                     TvmTask         *crash)
{
  g_autoptr (TvmTask) nap = tvm_task_new ("sleep", g_variant_new ("(u)", 1));
  Naps naps = { 11, 0 };

  tvm_pool_executor_submit_async (pool, crash, NULL, napped, &naps);
  for (guint i = 0; i < 10; i++)
    tvm_pool_executor_submit_async (pool, nap, NULL, napped, &naps);
  while (naps.n_left > 0)
    g_main_context_iteration (NULL, TRUE);

  /* The first one should be. */
  return naps.n_lost - 1;
}

/* How long after it was submitted a task that crashes is known to have crashed */
static void
measure_crash (const char *argument)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (TvmTask) crash = tvm_task_new ("crash", NULL);
  TvmPoolExecutor *pool = new_module_pool (1);
  guint n_lost = 0;

  for (guint i = 0; i < N_CRASHES; i++)
    {
      g_autoptr (TvmTaskResult) result = NULL;
      g_autoptr (GError) error = NULL;
      double start;
      double seconds;

      call_echo (pool);
      start = bench_now ();
      result = tvm_pool_executor_submit (pool, crash, NULL, &error);
      seconds = bench_now () - start;
      bench_check (error);
      g_array_append_val (times, seconds);
      if (!g_error_matches (tvm_task_result_get_error (result), TVM_ERROR, TVM_ERROR_WORKER_DIED))
        g_error ("The crash was not seen");
      n_lost += crash_before_others (pool, crash);
    }

  bench_say ("msec", bench_median (times) * 1e3);
  bench_say ("lost", n_lost);
  end_pool (pool);
}

/* What it costs to have one */

static void
measure_first (const char *argument)
{
  const double start = bench_now ();
  TvmPoolExecutor *pool = new_module_pool (1);

  call_echo (pool);
  bench_say ("msec", (bench_now () - start) * 1e3);
  end_pool (pool);
}

static void
measure_idle (const char *argument)
{
  TvmPoolExecutor *pool = new_module_pool (1);
  g_autofree char *path = NULL;
  g_autofree char *rollup = NULL;
  g_autoptr (GError) error = NULL;
  const char *line = NULL;

  warm (pool);
  path = g_strdup_printf ("/proc/%d/smaps_rollup", get_worker (pool));
  g_file_get_contents (path, &rollup, NULL, &error);
  bench_check (error);
  line = strstr (rollup, "Private_Dirty:");
  bench_say ("mb", g_ascii_strtod (line + strlen ("Private_Dirty:"), NULL) * 1024 / 1e6);
  end_pool (pool);
}

const Measure pool_measures[] = {
  { "roundtrip", measure_roundtrip },
  { "submit", measure_submit },
  { "map", measure_map },
  { "uses", measure_uses },
  { "commands", measure_commands },
  { "echo", measure_echo },
  { "deadline", measure_deadline },
  { "crash", measure_crash },
  { "first", measure_first },
  { "idle", measure_idle },
  { NULL, NULL },
};
