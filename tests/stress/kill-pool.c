/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Time limits for tasks that would live on if they could, again and again and at any point:
 * daemons, fork loops, and what hears no signal. Tells how late the error came and when everything
 * was gone, and fails if something is left.
 *
 *   kill-pool [ROUNDS [FUNCTION]]
 */

#include "config.h"

#include <tvmsupport/tvmsupport.h>

#include <stdlib.h>
#include <string.h>

#define MAX_LIMIT_MSEC 60
#define GIVE_UP_MSEC 10000.0
#define MAX_FAILURES 10

typedef struct
{
  TvmPoolExecutor *pool;
  char *mark;               /* in the environment of every worker, and so of everything below it */
  guint n_failures;
} Stress;

static const struct
{
  const char *function;
  const char *args;
} kinds[] = {
  { "daemonize", "('', 'sleep')" },
  { "fork_loop", "('',)" },
  { "spin_blocked", "()" },
  { "stop_self", "()" },
};

/* Returns: all processes that have the mark */
static GArray *
find_marked (Stress *self)
{
  g_autofree char *variable = g_strconcat ("TVM_STRESS=", self->mark, NULL);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  GArray *pids = g_array_new (FALSE, FALSE, sizeof (int));
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "environ", NULL);
      g_autofree char *contents = NULL;
      gsize length;
      int pid;

      if (!g_ascii_isdigit (name[0]) || !g_file_get_contents (path, &contents, &length, NULL)
          || memmem (contents, length, variable, strlen (variable)) == NULL)
        continue;
      pid = atoi (name);
      g_array_append_val (pids, pid);
    }

  return pids;
}

static gboolean
contains (GArray *pids,
          int     pid)
{
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index (pids, int, i) == pid)
      return TRUE;

  return FALSE;
}

/* Returns: how many processes there are that were not there when the pool was idle */
static guint
count_others (Stress *self,
              GArray *idle)
{
  g_autoptr (GArray) pids = find_marked (self);
  guint n = 0;

  for (guint i = 0; i < pids->len; i++)
    n += !contains (idle, g_array_index (pids, int, i));
  return n;
}

/* Returns: the process of the worker */
static int
get_worker (Stress *self)
{
  g_autoptr (TvmTask) task = tvm_task_new ("pid", NULL);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (self->pool, task, NULL, &error);
  if (result == NULL || !tvm_task_result_check (result, &error))
    g_error ("%s", error->message);
  return g_variant_get_int32 (tvm_task_result_get_value (result));
}

/* Returns: the nursery and what is above it */
static GArray *
find_idle (Stress *self)
{
  const int worker = get_worker (self);
  GArray *pids = find_marked (self);

  for (guint i = 0; i < pids->len; i++)
    if (g_array_index (pids, int, i) == worker)
      {
        g_array_remove_index_fast (pids, i);
        break;
      }

  return pids;
}

static void
run_round (Stress     *self,
           guint       round,
           const char *function,
           const char *args,
           GArray     *idle,
           GArray     *late,
           GArray     *gone)
{
  const int limit = g_random_int_range (1, MAX_LIMIT_MSEC);
  g_autoptr (TvmTask) task = tvm_task_new (function, g_variant_new_parsed (args));
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 due;
  double msec;
  guint n_others;

  get_worker (self);
  tvm_task_set_timeout (task, limit);
  due = g_get_monotonic_time () + limit * 1000;
  result = tvm_pool_executor_submit (self->pool, task, NULL, &error);
  msec = (g_get_monotonic_time () - due) / 1e3;
  g_array_append_val (late, msec);
  if (result == NULL || tvm_task_result_get_status (result) != TVM_STATUS_KIND_TIMEOUT)
    {
      g_printerr ("FAILED: %s, round %u: %s\n", function, round,
                  error != NULL ? error->message : "no time limit");
      self->n_failures++;
    }

  do
    {
      n_others = count_others (self, idle);
      msec = (g_get_monotonic_time () - due) / 1e3;
    }
  while (n_others > 0 && msec < GIVE_UP_MSEC);
  g_array_append_val (gone, msec);
  if (n_others > 0)
    {
      g_printerr ("FAILED: %s, round %u: %u processes live\n", function, round, n_others);
      self->n_failures++;
    }
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  const double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static void
print_numbers (GArray *numbers)
{
  const double *sorted = (const double *) numbers->data;

  g_array_sort (numbers, compare);
  g_print (" %8.1f %8.1f %8.1f", sorted[numbers->len / 2], sorted[numbers->len * 99 / 100],
           sorted[numbers->len - 1]);
}

static void
run_kind (Stress     *self,
          const char *function,
          const char *args,
          guint       n_rounds)
{
  g_autoptr (GArray) idle = find_idle (self);
  g_autoptr (GArray) late = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < n_rounds && self->n_failures < MAX_FAILURES; i++)
    run_round (self, i, function, args, idle, late, gone);
  if (late->len == 0)
    return;

  g_print ("%-14s %6u", function, late->len);
  print_numbers (late);
  g_print ("  ");
  print_numbers (gone);
  g_print ("\n");
}

static void
make_pool (Stress *self)
{
  g_autofree char *module = g_test_build_filename (G_TEST_BUILT, "worker-module.so", NULL);
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module (module);
  g_autofree char *variable = NULL;

  self->mark = g_uuid_string_random ();
  variable = g_strconcat ("TVM_STRESS=", self->mark, NULL);
  tvm_worker_spec_set_environment (spec, (const char *[]) { variable, NULL });
  self->pool = tvm_pool_executor_new (spec, 1);
  tvm_pool_executor_set_timeout (self->pool, 60000);
}

int
main (int    argc,
      char **argv)
{
  const guint n_rounds = argc > 1 ? (guint) strtoul (argv[1], NULL, 10) : 1000;
  char *no_arguments[] = { argv[0], NULL };
  char **arguments = no_arguments;
  int n_arguments = 1;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) left = NULL;
  Stress self = { 0 };

  g_test_init (&n_arguments, &arguments, NULL);
  make_pool (&self);

  g_print ("%-14s %6s %8s %8s %8s   %8s %8s %8s\n", "", "", "error", "", "", "all gone", "", "");
  g_print ("%-14s %6s %8s %8s %8s   %8s %8s %8s\n", "", "rounds", "p50 ms", "p99 ms", "max ms",
           "p50 ms", "p99 ms", "max ms");
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (argc < 3)
      run_kind (&self, kinds[i].function, kinds[i].args, (n_rounds + i) / G_N_ELEMENTS (kinds));
    else if (g_str_equal (argv[2], kinds[i].function))
      run_kind (&self, kinds[i].function, kinds[i].args, n_rounds);

  if (!tvm_pool_executor_shutdown (self.pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error))
    g_error ("%s", error->message);
  left = find_marked (&self);
  if (left->len > 0)
    {
      g_printerr ("FAILED: %u processes are left after the end\n", left->len);
      self.n_failures++;
    }

  g_print ("%u failures\n", self.n_failures);
  g_object_unref (self.pool);
  g_free (self.mark);
  return self.n_failures == 0 ? 0 : 1;
}
