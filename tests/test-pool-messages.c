/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>

/* How large what is sent may be, and what people read. */

static void
assert_submit_fails (TvmPoolExecutor *pool,
                     TvmTask         *task,
                     int              code,
                     const char      *part)
{
  g_autoptr (TvmTask) owned = task;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  if (result != NULL)
    g_assert_false (tvm_task_result_check (result, &error));
  pool_fixture_assert_error (error, code, part);
}

static TvmTask *
add_task (void)
{
  return tvm_task_new ("add", g_variant_new ("(ii)", 1, 2));
}

/* The limit is of tasks and results, not of what the protocol needs itself. */
static void
test_tiny_limits (PoolFixture   *fixture,
                  gconstpointer  data)
{
  static const guint64 limits[] = { 0, 1, 20 };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      TvmPoolExecutor *pool;

      tvm_worker_spec_set_maximum_message_size (fixture->spec, limits[i]);
      pool = pool_fixture_pool (fixture);
      assert_submit_fails (pool, add_task (), TVM_ERROR_INVALID_ARGUMENT, "“add”");
      pool_fixture_end (pool);
    }
}

/* Enough for the task, and not for the text of its error */
static void
test_small_limit (PoolFixture   *fixture,
                  gconstpointer  data)
{
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_message_size (fixture->spec, 24);
  pool = pool_fixture_pool (fixture);
  pool_fixture_assert_sum (pool, 1, 2);
  assert_submit_fails (pool, tvm_task_new ("no_such_function", NULL), TVM_ERROR_INVALID_ARGUMENT,
                       "no_such_function");
  assert_submit_fails (pool, tvm_task_new ("no", NULL), TVM_ERROR_TASK_FAILED, "");
  pool_fixture_end (pool);
}

static void
test_no_limit (PoolFixture   *fixture,
               gconstpointer  data)
{
  static const char * const argv[] = { "true", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_message_size (fixture->spec, G_MAXUINT64);
  pool = pool_fixture_pool (fixture);
  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);

  tvm_worker_spec_set_maximum_message_size (spec, G_MAXUINT64);
  pool = tvm_pool_executor_new (spec, 1);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (tvm_task_result_check (result, &error));
  pool_fixture_end (pool);
}

/* The answer to a command may be longer than the task. */
static void
test_command_limit (PoolFixture   *fixture,
                    gconstpointer  data)
{
  static const char * const argv[] = { "/bin/true", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autofree char *word = g_strnfill (17 * 1024 * 1024, 'w');
  const char * const long_argv[] = { "/bin/true", word, NULL };
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_message_size (spec, 10);
  pool = tvm_pool_executor_new (spec, 1);
  assert_submit_fails (pool, tvm_task_new_command (argv), TVM_ERROR_INVALID_ARGUMENT,
                       "“/bin/true”");
  pool_fixture_end (pool);

  tvm_worker_spec_set_maximum_message_size (spec, G_MAXUINT64);
  pool = tvm_pool_executor_new (spec, 1);
  assert_submit_fails (pool, tvm_task_new_command (long_argv), TVM_ERROR_INVALID_ARGUMENT,
                       "16777216");
  pool_fixture_end (pool);
}

static void
test_large_initializer (PoolFixture   *fixture,
                        gconstpointer  data)
{
  g_autofree char *text = g_strnfill (100, 't');
  g_autoptr (TvmTask) init = tvm_task_new ("echo", g_variant_new ("(s)", text));
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_message_size (fixture->spec, 60);
  tvm_worker_spec_set_initializer (fixture->spec, init);
  pool = pool_fixture_pool (fixture);
  assert_submit_fails (pool, add_task (), TVM_ERROR_INVALID_ARGUMENT, "“echo” need");
  pool_fixture_end (pool);
}

/* A message is for people. */
static void
test_long_command (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autofree char *word = g_strnfill (100 * 1000, 'w');
  const char * const argv[] = { "sh", "-c", "exit 3", word, NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autofree char *description = tvm_task_dup_description (task);
  TvmPoolExecutor *pools[] = { tvm_pool_executor_new (spec, 1), pool_fixture_pool (fixture) };

  g_assert_cmpuint (strlen (description), >, 100 * 1000);
  for (guint i = 0; i < G_N_ELEMENTS (pools); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = tvm_pool_executor_submit (pools[i], task, NULL, &error);

      if (result != NULL)
        g_assert_false (tvm_task_result_check (result, &error));
      pool_fixture_assert_error (error, i == 0 ? TVM_ERROR_FAILED : TVM_ERROR_INVALID_ARGUMENT,
                                 "ww…”");
      g_assert_cmpuint (strlen (error->message), <, 400);
      pool_fixture_end (pools[i]);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-messages/tiny-limits", test_tiny_limits);
  pool_fixture_add ("/pool-messages/small-limit", test_small_limit);
  pool_fixture_add ("/pool-messages/no-limit", test_no_limit);
  pool_fixture_add ("/pool-messages/command-limit", test_command_limit);
  pool_fixture_add ("/pool-messages/large-initializer", test_large_initializer);
  pool_fixture_add ("/pool-messages/long-command", test_long_command);

  return g_test_run ();
}
