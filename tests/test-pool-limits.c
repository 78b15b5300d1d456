/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* The limits of workers, of commands and of attempts. */

/* Returns: (transfer full): what the shell command prints */
static char *
run_shell (TvmPoolExecutor *pool,
           const char      *command)
{
  const char *argv[] = { "sh", "-c", command, NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *output;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (tvm_task_result_check (result, &error));
  g_assert_no_error (error);
  output = tvm_task_result_get_stdout (result);
  return g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output));
}

static void
test_command (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autofree char *limits = NULL;
  g_autofree char *of_worker = NULL;

  tvm_worker_spec_set_cpu_time_limit (spec, 7);
  tvm_worker_spec_set_open_files_limit (spec, 33);
  tvm_worker_spec_set_address_space_limit (spec, 512 * 1024 * 1024);
  pool = tvm_pool_executor_new (spec, 1);

  limits = run_shell (pool, "ulimit -S -t; ulimit -H -t; ulimit -n; ulimit -v");
  g_assert_cmpstr (limits, ==, "7\n9\n33\n524288\n");

  /* Else the commands before it would have used up some of it. */
  of_worker = run_shell (pool, "grep '^Max cpu time' /proc/$PPID/limits");
  g_assert_nonnull (strstr (of_worker, "unlimited"));
  g_assert_null (strstr (of_worker, "7"));
  pool_fixture_end (g_steal_pointer (&pool));
}

static void
test_command_cpu_time (PoolFixture   *fixture,
                       gconstpointer  data)
{
  const char *argv[] = { "sh", "-c", "while :; do :; done", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  tvm_worker_spec_set_cpu_time_limit (spec, 1);
  pool = tvm_pool_executor_new (spec, 1);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  g_assert_cmpint (tvm_task_result_get_term_signal (result), ==, SIGXCPU);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "limit of processor time"));

  output = run_shell (pool, "echo next");
  g_assert_cmpstr (output, ==, "next\n");
  pool_fixture_end (g_steal_pointer (&pool));
}

static void
test_open_files (PoolFixture   *fixture,
                 gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (GVariant) limit = NULL;
  g_autoptr (GError) error = NULL;

  tvm_worker_spec_set_open_files_limit (fixture->spec, 40);
  pool = pool_fixture_pool (fixture);
  limit = tvm_pool_executor_call (pool, "get_limit", g_variant_new_int32 (RLIMIT_NOFILE), NULL,
                                  &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint64 (limit), ==, 40);
  pool_fixture_end (g_steal_pointer (&pool));
}

/* Runs a task that must fail as no worker can be started. Returns: (transfer full): why */
static char *
fail_to_start (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

  g_assert_null (pid);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  return g_strdup (error->message);
}

/* How many starts were made since the last time */
static guint
take_starts (const char *path)
{
  g_autofree char *contents = NULL;
  gsize length = 0;

  g_file_get_contents (path, &contents, &length, NULL);
  g_unlink (path);
  return (guint) length;
}

/* Has every start write a byte to @path, and end unless there is a file named @path.good. */
static void
make_fail (TvmWorkerSpec *spec,
           const char    *path)
{
  const char * const launcher[] = {
    "sh", "-c", "printf x >> \"$0\"; [ -e \"$0.good\" ] && exec \"$@\"; exit 5", path, NULL
  };

  tvm_worker_spec_set_launcher (spec, launcher);
}

/* @data: the limit */
static void
test_respawn (PoolFixture   *fixture,
              gconstpointer  data)
{
  guint limit = GPOINTER_TO_UINT (data);
  guint n_starts = MAX (1, limit);
  g_autofree char *path = process_fixture_path (&fixture->process, "starts");
  g_autofree char *good = g_strconcat (path, ".good", NULL);
  g_autofree char *expected = n_starts == 1
                              ? g_strdup ("A worker exited with status 5")
                              : g_strdup_printf ("A worker exited with status 5; gave up after %u "
                                                 "attempts", n_starts);
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  make_fail (fixture->spec, path);
  tvm_worker_spec_set_respawn_limit (fixture->spec, limit);
  pool = tvm_pool_executor_new (fixture->spec, 1);

  first = fail_to_start (pool);
  g_assert_cmpuint (take_starts (path), ==, n_starts);
  g_assert_cmpstr (first, ==, expected);

  /* The next task is one more attempt, */
  second = fail_to_start (pool);
  g_assert_cmpuint (take_starts (path), ==, 1);
  g_assert_cmpstr (second, ==, "A worker exited with status 5");

  /* which may succeed. */
  g_assert_true (g_file_set_contents (good, "", 0, NULL));
  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_assert_sum (pool, 3, 4);
  g_assert_cmpuint (take_starts (path), ==, 1);
  pool_fixture_end (g_steal_pointer (&pool));
}

/* What was all right does not count among what fails later. */
static void
test_respawn_anew (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "starts");
  g_autofree char *good = g_strconcat (path, ".good", NULL);
  g_autoptr (TvmPoolExecutor) pool = NULL;

  make_fail (fixture->spec, path);
  tvm_worker_spec_set_maximum_uses (fixture->spec, 1);
  tvm_worker_spec_set_start (fixture->spec, TVM_WORKER_START_FRESH);
  pool = tvm_pool_executor_new (fixture->spec, 1);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *problem = fail_to_start (pool);

      g_assert_cmpuint (take_starts (path), ==, 3);
      g_assert_true (g_str_has_suffix (problem, "gave up after 3 attempts"));
      g_assert_true (g_file_set_contents (good, "", 0, NULL));
      pool_fixture_assert_sum (pool, i, i);
      g_assert_cmpuint (take_starts (path), ==, 1);
      g_assert_no_errno (g_unlink (good));
    }
  pool_fixture_end (g_steal_pointer (&pool));
}

/* Its only worker dies before it has begun the call that it was sent. @data: the policy */
static void
test_retry (PoolFixture   *fixture,
            gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (fixture->spec, 1);
  g_autoptr (TvmTask) task = tvm_task_new ("pid", NULL);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  tvm_pool_executor_set_retry_policy (pool, GPOINTER_TO_UINT (data));
  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_no_errno (kill (g_variant_get_int32 (pid), SIGSTOP));
  pool_fixture_wait_state (g_variant_get_int32 (pid), 'T');
  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  g_assert_no_errno (kill (g_variant_get_int32 (pid), SIGKILL));

  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  good = tvm_task_result_check (result, &error);
  if (GPOINTER_TO_UINT (data) == TVM_RETRY_POLICY_NEVER)
    {
      pool_fixture_assert_error (error, TVM_ERROR_WORKER_DIED,
                                 "The worker of “pid” died before it began");
      g_assert_cmpuint (tvm_task_result_get_n_attempts (result), ==, 1);
    }
  else
    {
      g_assert_no_error (error);
      g_assert_true (good);
      g_assert_cmpint (g_variant_get_int32 (tvm_task_result_get_value (result)), !=,
                       g_variant_get_int32 (pid));
      g_assert_cmpuint (tvm_task_result_get_n_attempts (result), ==, 2);
    }

  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (g_steal_pointer (&pool));
}

/* Returns: whether a worker was started as a program of its own */
static gboolean
is_fresh (TvmPoolExecutor *pool)
{
  g_autofree char *path = NULL;
  g_autofree char *command_line = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  path = g_strdup_printf ("/proc/%d/cmdline", g_variant_get_int32 (pid));
  g_assert_true (g_file_get_contents (path, &command_line, &length, NULL));
  return memmem (command_line, length, "--tvm-worker=fd", 15) != NULL;
}

static void
test_fresh (PoolFixture   *fixture,
            gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) fresh = NULL;
  g_autoptr (TvmPoolExecutor) warm = pool_fixture_pool (fixture);

  tvm_worker_spec_set_start (fixture->spec, TVM_WORKER_START_FRESH);
  fresh = pool_fixture_pool (fixture);
  g_assert_true (is_fresh (fresh));
  g_assert_false (is_fresh (warm));
  pool_fixture_assert_sum (fresh, 1, 2);
  pool_fixture_end (g_steal_pointer (&fresh));
  pool_fixture_end (g_steal_pointer (&warm));
}

#define add_with(path, func, value) \
  g_test_add (path, PoolFixture, GUINT_TO_POINTER (value), pool_fixture_set_up, func, \
              pool_fixture_tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-limits/command", test_command);
  pool_fixture_add ("/pool-limits/command/cpu-time", test_command_cpu_time);
  pool_fixture_add ("/pool-limits/open-files", test_open_files);

  add_with ("/pool-limits/respawn/0", test_respawn, 0);
  add_with ("/pool-limits/respawn/1", test_respawn, 1);
  add_with ("/pool-limits/respawn/3", test_respawn, 3);
  pool_fixture_add ("/pool-limits/respawn/anew", test_respawn_anew);
  add_with ("/pool-limits/retry/never", test_retry, TVM_RETRY_POLICY_NEVER);
  add_with ("/pool-limits/retry/not-begun", test_retry, TVM_RETRY_POLICY_NOT_BEGUN);
  pool_fixture_add ("/pool-limits/fresh", test_fresh);

  return g_test_run ();
}
