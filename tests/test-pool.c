/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/pool/tvm-worker-info.h"
#include "tvmsupport/tvm-error.h"

#include <signal.h>
#include <string.h>

/* What a pool does when nothing is wrong, and when its caller wants something else. */

static TvmTask *
add_task (int a,
          int b)
{
  return tvm_task_new ("add", g_variant_new ("(ii)", a, b));
}

static TvmTask *
sleep_task (guint msec)
{
  return tvm_task_new ("sleep", g_variant_new ("(u)", msec));
}

static void
test_call (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  for (int i = 0; i < 100; i++)
    pool_fixture_assert_sum (pool, i, 2 * i);
  g_assert_cmpuint (tvm_pool_executor_get_n_finished (pool), ==, 100);
  pool_fixture_end (pool);
}

static void
test_submit (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = add_task (3, 4);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  g_assert_cmpint (g_variant_get_int32 (tvm_task_result_get_value (result)), ==, 7);
  g_assert_true (tvm_task_result_check (result, &error));
  g_assert_cmpint (tvm_task_result_get_worker_pid (result), >, 1);
  g_assert_cmpuint (tvm_task_result_get_n_attempts (result), ==, 1);
  g_assert_cmpint (tvm_task_result_get_elapsed_usec (result), >=, 0);
  pool_fixture_end (pool);
}

typedef struct
{
  guint n_done;
  gint64 sum;
  GThread *thread;
} Count;

static void
count_done (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Count *count = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) outcome =
    tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);

  g_assert_no_error (error);
  g_assert_true (tvm_task_result_check (outcome, &error));
  g_assert_true (g_thread_self () == count->thread);
  count->sum += g_variant_get_int32 (tvm_task_result_get_value (outcome));
  count->n_done++;
}

static void
submit_many (TvmPoolExecutor *pool,
             guint            n,
             GMainContext    *context)
{
  Count count = { .thread = g_thread_self () };

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TvmTask) task = add_task (i, 1);

      tvm_pool_executor_submit_async (pool, task, NULL, count_done, &count);
    }
  while (count.n_done < n)
    g_main_context_iteration (context, TRUE);

  g_assert_cmpint (count.sum, ==, (gint64) n * (n - 1) / 2 + n);
}

static void
test_many (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  submit_many (pool, 10000, NULL);
  g_assert_cmpuint (tvm_pool_executor_get_n_queued (pool), ==, 0);
  g_assert_cmpuint (tvm_pool_executor_get_n_running (pool), ==, 0);
  pool_fixture_end (pool);
}

static gpointer
submit_in_context (gpointer data)
{
  TvmPoolExecutor *pool = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  submit_many (pool, 2000, context);
  for (int i = 0; i < 200; i++)
    pool_fixture_assert_sum (pool, i, i);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_threads (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("submitter", submit_in_context, pool);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  pool_fixture_end (pool);
}

static void
test_task_errors (PoolFixture   *fixture,
                  gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = tvm_task_new ("fail", g_variant_new ("(s)", "no good"));
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_EXCEPTION);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TASK_FAILED);
  g_assert_nonnull (strstr (error->message, "no good"));
  g_assert_cmpstr (tvm_task_result_get_remote_type (result), ==, "g-io-error-quark:35");
  g_clear_error (&error);

  value = tvm_pool_executor_call (pool, "no_such_function", NULL, NULL, &error);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TASK_FAILED);
  g_assert_nonnull (strstr (error->message, "no_such_function"));
  g_assert_null (value);

  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);
}

static void
assert_timeout (TvmPoolExecutor *pool,
                const char      *function)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, NULL);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_task_set_timeout (task, 50);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_TIMEOUT);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  pool_fixture_wait_dead (tvm_task_result_get_worker_pid (result));
}

static void
test_timeout (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  assert_timeout (pool, "spin");
  /* Now a worker is ready, and the thread that waits leads it. */
  pool_fixture_assert_sum (pool, 1, 2);
  assert_timeout (pool, "spin");
  assert_timeout (pool, "spin_blocked");
  assert_timeout (pool, "stop_self");
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_end (pool);
}

static void
test_timeout_async (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = tvm_task_new ("spin_blocked", NULL);
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_pool_executor_set_timeout (pool, 50);
  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_TIMEOUT);
  pool_fixture_end (pool);
}

static void
test_soft_timeout (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = tvm_task_new ("wait_cancel", g_variant_new ("(s)", ""));
  g_autoptr (GError) error = NULL;

  tvm_task_set_soft_timeout (task, 20);
  tvm_task_set_timeout (task, 20000);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (TvmTaskResult) result = tvm_pool_executor_submit (pool, task, NULL, &error);

      g_assert_no_error (error);
      g_assert_true (tvm_task_result_check (result, &error));
      g_assert_no_error (error);
    }
  pool_fixture_end (pool);
}

static void
test_crash (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) crash = tvm_task_new ("crash", NULL);
  g_autoptr (GAsyncResult) crashed = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_pool_executor_submit_async (pool, crash, NULL, pool_fixture_ready, &crashed);
  submit_many (pool, 500, NULL);
  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&crashed), &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  g_assert_nonnull (strstr (error->message, "The worker of “crash” was ended by signal 11 ("));
  pool_fixture_end (pool);
}

static void
test_cancelled_before (PoolFixture   *fixture,
                       gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTask) task = add_task (1, 2);
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_pool_executor_submit (pool, task, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  tvm_pool_executor_submit_async (pool, task, cancellable, pool_fixture_ready, &async);
  g_assert_null (async);
  g_assert_null (tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  pool_fixture_end (pool);
}

static gboolean
cancel_now (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_cancelled_midway (PoolFixture   *fixture,
                       gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTask) task = tvm_task_new ("spin_blocked", NULL);
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (GError) error = NULL;

  pool_fixture_assert_sum (pool, 1, 2);
  tvm_pool_executor_submit_async (pool, task, cancellable, pool_fixture_ready, &async);
  while (tvm_pool_executor_get_n_running (pool) == 0)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_end (pool);
}

static gpointer
cancel_in_thread (gpointer data)
{
  g_usleep (20000);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancelled_sync (PoolFixture   *fixture,
                     gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTask) task = tvm_task_new ("spin_blocked", NULL);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  pool_fixture_assert_sum (pool, 1, 2);
  thread = g_thread_new ("canceller", cancel_in_thread, cancellable);
  g_assert_null (tvm_pool_executor_submit (pool, task, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_end (pool);
}

typedef struct
{
  guint n_cancelled;
  guint n_complete;
} Outcomes;

static void
count_outcome (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  Outcomes *outcomes = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) outcome =
    tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);

  if (outcome != NULL)
    outcomes->n_complete++;
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      outcomes->n_cancelled++;
    }
}

/* 10,000 are queued behind two that hang, and cancelled; those behind them are not. */
static void
test_cancelled_queue (PoolFixture   *fixture,
                      gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *path = process_fixture_path (&fixture->process, "ran");
  Outcomes outcomes = { 0, 0 };
  PoolOthers others = { 0, 0 };

  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (TvmTask) task = i < 2 ? tvm_task_new ("spin", NULL)
                                       : tvm_task_new ("append", g_variant_new ("(ss)", path, "x"));

      tvm_pool_executor_submit_async (pool, task, cancellable, count_outcome, &outcomes);
    }
  pool_fixture_submit_others (pool, NULL, &others);
  while (tvm_pool_executor_get_n_running (pool) < 2)
    g_main_context_iteration (NULL, FALSE);

  g_cancellable_cancel (cancellable);
  pool_fixture_finish_others (&others);
  while (outcomes.n_cancelled + outcomes.n_complete < 10000)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (outcomes.n_cancelled, ==, 10000);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);
}

static void
test_priority (PoolFixture   *fixture,
               gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (fixture->spec, 1);
  g_autofree char *path = process_fixture_path (&fixture->process, "order");
  g_autoptr (TvmTask) first = sleep_task (20);
  const int priorities[] = { 0, -5, 7, 0, 7, 100, -5 };
  g_autofree char *contents = NULL;
  Outcomes outcomes = { 0, 0 };

  tvm_pool_executor_submit_async (pool, first, NULL, count_outcome, &outcomes);
  for (guint i = 0; i < G_N_ELEMENTS (priorities); i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      g_autoptr (TvmTask) task = tvm_task_new ("append", g_variant_new ("(ss)", path, text));

      tvm_task_set_priority (task, priorities[i]);
      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  while (outcomes.n_complete < G_N_ELEMENTS (priorities) + 1)
    g_main_context_iteration (NULL, TRUE);

  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "5240316");
  pool_fixture_end (g_steal_pointer (&pool));
}

static void
test_maximum_uses (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);
  g_autoptr (GError) error = NULL;

  tvm_worker_spec_set_maximum_uses (fixture->spec, 3);
  pool = tvm_pool_executor_new (fixture->spec, 1);
  for (int i = 0; i < 12; i++)
    {
      g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
      g_autoptr (GVariant) count = tvm_pool_executor_call (pool, "count", NULL, NULL, &error);

      g_assert_no_error (error);
      g_hash_table_add (pids, GINT_TO_POINTER (g_variant_get_int32 (pid)));
    }
  g_assert_cmpuint (g_hash_table_size (pids), >=, 8);
  submit_many (pool, 100, NULL);
  pool_fixture_end (g_steal_pointer (&pool));
}

static void
test_initializer (PoolFixture   *fixture,
                  gconstpointer  data)
{
  g_autoptr (TvmTask) init = tvm_task_new ("init", g_variant_new ("(s)", "hello"));
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (GError) error = NULL;

  tvm_worker_spec_set_initializer (fixture->spec, init);
  tvm_worker_spec_set_maximum_uses (fixture->spec, 1);
  pool = pool_fixture_pool (fixture);
  for (int i = 0; i < 4; i++)
    {
      g_autoptr (GVariant) value = tvm_pool_executor_call (pool, "get_init", NULL, NULL, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = g_variant_print (value, FALSE);
      g_assert_nonnull (strstr (text, "hello"));
    }
  pool_fixture_end (g_steal_pointer (&pool));
}

/* What the runtime told of it is in the results of all calls. */
static void
test_failed_initializer (PoolFixture   *fixture,
                         gconstpointer  data)
{
  g_autoptr (TvmTask) init = tvm_task_new ("fail", g_variant_new ("(s)", "not today"));
  g_autoptr (TvmTask) task = tvm_task_new ("pid", NULL);
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_initializer (fixture->spec, init);
  pool = tvm_pool_executor_new (fixture->spec, 1);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (TvmTaskResult) result = NULL;
      g_autoptr (GError) error = NULL;

      result = tvm_pool_executor_submit (pool, task, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_EXCEPTION);
      g_assert_false (tvm_task_result_check (result, &error));
      pool_fixture_assert_error (error, TVM_ERROR_WORKER_DIED, "not today");
      g_assert_cmpstr (tvm_task_result_get_remote_type (result), ==, "g-io-error-quark:35");
    }
  pool_fixture_end (pool);
}

static void
test_shutdown_drain (PoolFixture   *fixture,
                     gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) late = add_task (1, 2);
  g_autoptr (GError) error = NULL;
  Outcomes outcomes = { 0, 0 };

  for (int i = 0; i < 20; i++)
    {
      g_autoptr (TvmTask) task = sleep_task (2);

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  g_assert_true (tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_DRAIN, NULL, &error));
  g_assert_true (tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error));
  pool_fixture_wait_alive (fixture, 0);
  g_assert_null (tvm_pool_executor_submit (pool, late, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);

  g_assert_cmpuint (outcomes.n_complete, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (outcomes.n_complete, ==, 20);
}

static void
test_shutdown_cancel (PoolFixture   *fixture,
                      gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = pool_fixture_pool (fixture);
  g_autoptr (GError) error = NULL;
  Outcomes outcomes = { 0, 0 };

  for (int i = 0; i < 20; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new ("spin_blocked", NULL);

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  g_assert_true (tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error));
  pool_fixture_wait_alive (fixture, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (outcomes.n_cancelled, ==, 20);
}

static gint32
get_worker_pid (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (TvmTask) task = add_task (1, 2);

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  return tvm_task_result_get_worker_pid (result);
}

static void
test_recycle (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTask) task = tvm_task_new ("spin_blocked", NULL);
  g_autoptr (GError) error = NULL;
  Outcomes outcomes = { 0, 0 };

  /* Without a worker there is nothing to wait for. */
  g_assert_true (tvm_pool_executor_recycle (pool, NULL, &error));
  g_assert_no_error (error);

  for (int i = 0; i < 3; i++)
    {
      gint32 pid = get_worker_pid (pool);

      g_assert_true (tvm_pool_executor_recycle (pool, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpint (kill (pid, 0), ==, -1);
      g_assert_cmpint (get_worker_pid (pool), !=, pid);
    }

  tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
  g_assert_true (tvm_pool_executor_recycle (pool, NULL, &error));

  /* It is true all the same where there is nothing to wait for. */
  g_cancellable_cancel (cancellable);
  g_assert_true (tvm_pool_executor_recycle (pool, cancellable, &error));
  g_assert_no_error (error);
  get_worker_pid (pool);
  pool_fixture_end (g_steal_pointer (&pool));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* It died. */
  g_assert_cmpuint (outcomes.n_complete, ==, 1);
}

static void
test_shutdown_given_up (PoolFixture   *fixture,
                        gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTask) task = tvm_task_new ("spin", NULL);
  g_autoptr (GAsyncResult) ended = NULL;
  g_autoptr (GSource) source = g_timeout_source_new (20);
  g_autoptr (GError) error = NULL;
  Outcomes outcomes = { 0, 0 };

  tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
  tvm_pool_executor_shutdown_async (pool, TVM_SHUTDOWN_MODE_DRAIN, cancellable, pool_fixture_ready,
                                    &ended);
  g_source_set_callback (source, cancel_now, cancellable, NULL);
  g_source_attach (source, NULL);
  g_assert_false (tvm_pool_executor_shutdown_finish (pool, pool_fixture_wait (&ended), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_assert_true (tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error));
  while (outcomes.n_cancelled == 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
shut_down_inside (GObject      *source,
                  GAsyncResult *result,
                  gpointer      user_data)
{
  Outcomes *outcomes = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_pool_executor_shutdown (TVM_POOL_EXECUTOR (source), TVM_SHUTDOWN_MODE_CANCEL,
                                             NULL, &error));
  count_outcome (source, result, outcomes);
}

static void
test_shutdown_in_callback (PoolFixture   *fixture,
                           gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = add_task (1, 2);
  g_autoptr (TvmTask) other = tvm_task_new ("spin", NULL);
  Outcomes outcomes = { 0, 0 };

  tvm_pool_executor_submit_async (pool, task, NULL, shut_down_inside, &outcomes);
  tvm_pool_executor_submit_async (pool, other, NULL, count_outcome, &outcomes);
  while (outcomes.n_complete + outcomes.n_cancelled < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (outcomes.n_complete, ==, 1);
}

/* The tasks hold it until they have their outcome. */
static void
test_dropped (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Outcomes outcomes = { 0, 0 };

  for (int i = 0; i < 10; i++)
    {
      g_autoptr (TvmTask) task = sleep_task (5);

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  g_object_unref (pool);
  while (outcomes.n_complete < 10)
    g_main_context_iteration (NULL, TRUE);
  pool_fixture_wait_alive (fixture, 0);
}

static void
test_unused (PoolFixture   *fixture,
             gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  g_assert_cmpuint (process_fixture_count_alive (&fixture->process), ==, 0);
  g_object_unref (pool);

  pool = pool_fixture_pool (fixture);
  pool_fixture_end (pool);
}

static void
count_notify (GObject    *object,
              GParamSpec *pspec,
              gpointer    user_data)
{
  guint *n = user_data;

  (*n)++;
}

static void
test_properties (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  GListModel *workers = tvm_pool_executor_get_workers (pool);
  guint n_finished = 0;
  guint n_running = 0;
  gboolean seen = FALSE;
  Outcomes outcomes = { 0, 0 };

  g_signal_connect (pool, "notify::n-finished", G_CALLBACK (count_notify), &n_finished);
  g_signal_connect (pool, "notify::n-running", G_CALLBACK (count_notify), &n_running);
  for (int i = 0; i < 8; i++)
    {
      g_autoptr (TvmTask) task = sleep_task (20);

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  while (outcomes.n_complete < 8 || n_finished == 0)
    {
      g_main_context_iteration (NULL, TRUE);
      for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
        {
          g_autoptr (TvmWorkerInfo) info = g_list_model_get_item (workers, i);

          seen |= tvm_worker_info_get_state (info) == TVM_WORKER_STATE_BUSY
                  && tvm_worker_info_get_pid (info) > 1;
        }
    }
  g_assert_true (seen);
  g_assert_cmpuint (n_running, >=, 1);
  g_assert_cmpuint (tvm_pool_executor_get_n_finished (pool), ==, 8);
  pool_fixture_end (pool);
}

/* Collects the process IDs of those that can be given a task at once, without @dead, until there
 * are two. */
static void
wait_for_spares (TvmPoolExecutor *pool,
                 int              dead,
                 int              pids[2])
{
  GListModel *workers = tvm_pool_executor_get_workers (pool);
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  guint n_idle = 0;

  while (n_idle < 2)
    {
      g_main_context_iteration (NULL, FALSE);
      g_assert_cmpint (g_get_monotonic_time (), <, limit);
      n_idle = 0;
      for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
        {
          g_autoptr (TvmWorkerInfo) info = g_list_model_get_item (workers, i);

          if (tvm_worker_info_get_state (info) == TVM_WORKER_STATE_IDLE && n_idle < 2
              && tvm_worker_info_get_pid (info) != dead)
            pids[n_idle++] = tvm_worker_info_get_pid (info);
        }
    }
}

static void
test_spares (PoolFixture   *fixture,
             gconstpointer  data)
{
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;
  int pids[2];
  int new_pids[2];

  tvm_worker_spec_set_n_spares (fixture->spec, 2);
  tvm_worker_spec_set_start (fixture->spec, GPOINTER_TO_INT (data));
  pool = pool_fixture_pool (fixture);
  wait_for_spares (pool, 0, pids);
  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_get_int32 (pid) == pids[0] || g_variant_get_int32 (pid) == pids[1]);

  /* Also for those that die while nobody needs them */
  g_assert_no_errno (kill (pids[0], SIGKILL));
  pool_fixture_wait_dead (pids[0]);
  wait_for_spares (pool, pids[0], new_pids);
  pool_fixture_end (pool);
}

/* Where they cannot be started, a task tells. */
static void
test_no_spares (PoolFixture   *fixture,
                gconstpointer  data)
{
  const char * const argv[] = { "/no/such/runtime", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_VARIANT,
                                                                FALSE);
  TvmPoolExecutor *pool;
  int pids[2];

  tvm_worker_spec_set_n_spares (spec, 2);
  pool = tvm_pool_executor_new (spec, 2);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GVariant) pid = NULL;
      g_autoptr (GError) error = NULL;

      pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
      g_assert_null (pid);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, "/no/such/runtime"));
    }
  pool_fixture_end (pool);

  /* One that was never used */
  tvm_worker_spec_set_n_spares (fixture->spec, 2);
  pool_fixture_end (pool_fixture_pool (fixture));

  /* Once they are there: what is still to be started is not seen to be left. */
  pool = pool_fixture_pool (fixture);
  wait_for_spares (pool, 0, pids);
  g_object_unref (pool);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool/call", test_call);
  pool_fixture_add ("/pool/submit", test_submit);
  pool_fixture_add ("/pool/many", test_many);
  pool_fixture_add ("/pool/threads", test_threads);
  pool_fixture_add ("/pool/task-errors", test_task_errors);
  pool_fixture_add ("/pool/timeout/sync", test_timeout);
  pool_fixture_add ("/pool/timeout/async", test_timeout_async);
  pool_fixture_add ("/pool/timeout/soft", test_soft_timeout);
  pool_fixture_add ("/pool/crash", test_crash);
  pool_fixture_add ("/pool/cancelled/before", test_cancelled_before);
  pool_fixture_add ("/pool/cancelled/midway", test_cancelled_midway);
  pool_fixture_add ("/pool/cancelled/sync", test_cancelled_sync);
  pool_fixture_add ("/pool/cancelled/queue", test_cancelled_queue);
  pool_fixture_add ("/pool/priority", test_priority);
  pool_fixture_add ("/pool/maximum-uses", test_maximum_uses);
  pool_fixture_add ("/pool/initializer", test_initializer);
  pool_fixture_add ("/pool/failed-initializer", test_failed_initializer);
  g_test_add ("/pool/spares/warm", PoolFixture, GINT_TO_POINTER (TVM_WORKER_START_WARM),
              pool_fixture_set_up, test_spares, pool_fixture_tear_down);
  g_test_add ("/pool/spares/fresh", PoolFixture, GINT_TO_POINTER (TVM_WORKER_START_FRESH),
              pool_fixture_set_up, test_spares, pool_fixture_tear_down);
  pool_fixture_add ("/pool/spares/none", test_no_spares);
  pool_fixture_add ("/pool/shutdown/drain", test_shutdown_drain);
  pool_fixture_add ("/pool/shutdown/cancel", test_shutdown_cancel);
  pool_fixture_add ("/pool/recycle", test_recycle);
  pool_fixture_add ("/pool/shutdown/given-up", test_shutdown_given_up);
  pool_fixture_add ("/pool/shutdown/in-callback", test_shutdown_in_callback);
  pool_fixture_add ("/pool/dropped", test_dropped);
  pool_fixture_add ("/pool/unused", test_unused);
  pool_fixture_add ("/pool/properties", test_properties);

  return g_test_run ();
}
