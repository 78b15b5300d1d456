/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

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

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-limits/command", test_command);
  pool_fixture_add ("/pool-limits/command/cpu-time", test_command_cpu_time);
  pool_fixture_add ("/pool-limits/open-files", test_open_files);

  return g_test_run ();
}
