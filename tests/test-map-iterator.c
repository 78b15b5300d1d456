/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An input of tasks that counts what is asked of it */
typedef struct
{
  const char *function;     /* echo of the number of the task, if it is NULL */
  guint n_tasks;
  guint n_drawn;
  guint n_destroyed;
  GThread *thread;          /* (nullable): where it must be called */
  TvmMapIterator *iterator; /* (nullable): asked for a result meanwhile */
} Input;

static TvmTask *
next_task (gpointer user_data)
{
  Input *input = user_data;

  g_assert_cmpuint (input->n_destroyed, ==, 0);
  if (input->thread != NULL)
    g_assert_true (g_thread_self () == input->thread);
  if (input->n_drawn == input->n_tasks)
    return NULL;

  return tvm_task_new (input->function != NULL ? input->function : "echo",
                       g_variant_new_uint32 (input->n_drawn++));
}

static void
input_destroy (gpointer user_data)
{
  Input *input = user_data;

  input->n_destroyed++;
}

static TvmMapIterator *
map_input (TvmPoolExecutor *pool,
           Input           *input,
           TvmMapFlags      flags)
{
  return tvm_pool_executor_map_tasks (pool, next_task, input, input_destroy, flags);
}

static void
assert_echo (TvmMapResult *result,
             guint64       index)
{
  g_assert_nonnull (result);
  g_assert_no_error (tvm_map_result_get_error (result));
  g_assert_true (tvm_map_result_check (result, NULL));
  g_assert_cmpuint (tvm_map_result_get_index (result), ==, index);
  g_assert_cmpuint (g_variant_get_uint32 (tvm_map_result_get_value (result)), ==, index);
}

static void
expect_echo (TvmMapIterator *iterator,
             guint64         index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, &error);

  g_assert_no_error (error);
  assert_echo (result, index);
}

static void
expect_end (TvmMapIterator *iterator)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_map_iterator_next (iterator, NULL, &error));
  g_assert_no_error (error);
}

static void
test_ordered (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree GVariant **items = g_new (GVariant *, 1000);
  g_autoptr (TvmMapIterator) iterator = NULL;

  for (guint i = 0; i < 1000; i++)
    items[i] = g_variant_new ("(ii)", i, 1);
  iterator = tvm_pool_executor_map (pool, "add", items, 1000, TVM_MAP_FLAGS_NONE);

  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (tvm_map_result_get_index (result), ==, i);
      g_assert_cmpint (g_variant_get_int32 (tvm_map_result_get_value (result)), ==, i + 1);
    }
  expect_end (iterator);
  expect_end (iterator);
  pool_fixture_end (pool);
}

static void
test_unordered (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 1000 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_UNORDERED);
  g_autofree gboolean *seen = g_new0 (gboolean, input.n_tasks);

  for (guint i = 0; i < input.n_tasks; i++)
    {
      g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, NULL);
      guint64 index = tvm_map_result_get_index (result);

      assert_echo (result, index);
      g_assert_false (seen[index]);
      seen[index] = TRUE;
    }
  expect_end (iterator);
  g_assert_cmpuint (input.n_destroyed, ==, 1);
  pool_fixture_end (pool);
}

/* A slow task holds up those behind it in one way, and not in the other. */
static TvmTask *
first_is_slow (gpointer user_data)
{
  guint *n = user_data;

  if (*n == 4)
    return NULL;
  return (*n)++ == 0 ? tvm_task_new ("sleep", g_variant_new ("(u)", 200))
                     : tvm_task_new ("echo", NULL);
}

static void
test_slow_first (PoolFixture   *fixture,
                 gconstpointer  data)
{
  for (TvmMapFlags flags = TVM_MAP_FLAGS_NONE; flags <= TVM_MAP_FLAGS_UNORDERED; flags++)
    {
      TvmPoolExecutor *pool = pool_fixture_pool (fixture);
      g_autoptr (TvmMapIterator) iterator = NULL;
      guint n = 0;

      iterator = tvm_pool_executor_map_tasks (pool, first_is_slow, &n, NULL, flags);
      for (guint i = 0; i < 4; i++)
        {
          g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, NULL);

          if (flags == TVM_MAP_FLAGS_NONE)
            g_assert_cmpuint (tvm_map_result_get_index (result), ==, i);
          else if (i == 0)
            g_assert_cmpuint (tvm_map_result_get_index (result), !=, 0);
        }
      expect_end (iterator);
      pool_fixture_end (pool);
    }
}

static void
test_empty (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 0 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  g_autoptr (TvmMapIterator) items =
    tvm_pool_executor_map (pool, "echo", NULL, 0, TVM_MAP_FLAGS_UNORDERED);

  expect_end (iterator);
  expect_end (items);
  g_assert_cmpuint (input.n_destroyed, ==, 1);
  pool_fixture_end (pool);
}

/* The input is as long as can be; only what is needed of it is made, by who asks for results. */
static void
test_lazy (PoolFixture   *fixture,
           gconstpointer  data)
{
  static const guint look_aheads[] = { 1, 2, 5, 100 };

  for (gsize i = 0; i < G_N_ELEMENTS (look_aheads); i++)
    {
      TvmPoolExecutor *pool = pool_fixture_pool (fixture);
      Input input = { .n_tasks = G_MAXUINT, .thread = g_thread_self () };
      g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);

      tvm_map_iterator_set_look_ahead (iterator, look_aheads[i]);
      g_assert_cmpuint (input.n_drawn, ==, 0);
      for (guint taken = 0; taken < 300; taken++)
        {
          expect_echo (iterator, taken);
          g_assert_cmpuint (input.n_drawn, >, taken);
          g_assert_cmpuint (input.n_drawn, <=, taken + look_aheads[i]);
        }

      g_clear_object (&iterator);
      g_assert_cmpuint (input.n_destroyed, ==, 1);
      pool_fixture_end (pool);
    }
}

static TvmTask *
next_bad_task (gpointer user_data)
{
  const char *argv[] = { "true", NULL };
  guint *n = user_data;
  TvmTask *task;

  switch ((*n)++)
    {
    case 1:
      return tvm_task_new ("fail", g_variant_new ("(s)", "no luck"));
    case 3:
      return tvm_task_new ("crash", NULL);
    case 5:
      task = tvm_task_new ("spin_blocked", NULL);
      tvm_task_set_timeout (task, 20);
      return task;
    case 7:
      return tvm_task_new ("no_such_function", NULL);
    case 9:
      return tvm_task_new_command (argv);
    case 11:
      return tvm_task_new ("add", g_variant_new_string ("no numbers"));
    case 20:
      return NULL;
    default:
      return tvm_task_new ("echo", g_variant_new_uint32 (*n - 1));
    }
}

static void
assert_bad_result (TvmMapResult *result)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_map_result_check (result, &error));
  g_assert_cmpstr (error->message, ==, tvm_map_result_get_error (result)->message);
  switch (tvm_map_result_get_index (result))
    {
    case 1:
      g_assert_error (error, TVM_ERROR, TVM_ERROR_TASK_FAILED);
      g_assert_nonnull (strstr (error->message, "no luck"));
      break;
    case 3:
      g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_EXCEPTION);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
      break;
    case 5:
      g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_TIMEOUT);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
      break;
    case 9:
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
      break;
    default:
      g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_EXCEPTION);
      break;
    }
}

static void
test_failures (PoolFixture   *fixture,
               gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmMapIterator) iterator = NULL;
  guint n = 0;

  iterator = tvm_pool_executor_map_tasks (pool, next_bad_task, &n, NULL, TVM_MAP_FLAGS_NONE);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (tvm_map_result_get_index (result), ==, i);
      if (i % 2 == 1 && i <= 11)
        assert_bad_result (result);
      else
        assert_echo (result, i);
    }
  expect_end (iterator);
  pool_fixture_end (pool);
}

static void
next_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *results = user_data;

  g_ptr_array_add (results,
                   tvm_map_iterator_next_finish (TVM_MAP_ITERATOR (source), result, &error));
  g_assert_no_error (error);
}

/* Many more wait than may be looked ahead; all are answered, in their order. */
static void
check_async (TvmPoolExecutor *pool,
             GMainContext    *context)
{
  Input input = { .n_tasks = 100, .thread = g_thread_self () };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  g_autoptr (GPtrArray) results = g_ptr_array_new ();

  tvm_map_iterator_set_look_ahead (iterator, 2);
  for (guint i = 0; i < 120; i++)
    tvm_map_iterator_next_async (iterator, NULL, next_ready, results);
  g_assert_cmpuint (results->len, ==, 0);
  while (results->len < 120)
    g_main_context_iteration (context, TRUE);

  for (guint i = 0; i < 120; i++)
    {
      if (i < 100)
        {
          assert_echo (results->pdata[i], i);
          g_object_unref (results->pdata[i]);
        }
      else
        g_assert_null (results->pdata[i]);
    }
  g_assert_cmpuint (input.n_destroyed, ==, 1);
}

static void
test_async (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  check_async (pool, NULL);
  pool_fixture_end (pool);
}

static gpointer
async_in_context (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  check_async (data, context);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_async_thread (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  g_thread_join (g_thread_new ("async", async_in_context, pool));
  pool_fixture_end (pool);
}

static void
assert_cancelled (TvmMapIterator *iterator,
                  GCancellable   *cancellable)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_map_iterator_next (iterator, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_pre_cancelled (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 2 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  assert_cancelled (iterator, cancellable);
  g_assert_cmpuint (input.n_drawn, ==, 0);

  tvm_map_iterator_next_async (iterator, cancellable, pool_fixture_ready, &result);
  g_assert_null (result);
  g_assert_null (tvm_map_iterator_next_finish (iterator, pool_fixture_wait (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  expect_echo (iterator, 0);
  expect_echo (iterator, 1);
  expect_end (iterator);
  pool_fixture_end (pool);
}

/* Cancels once the task of the input is with a worker, which it stays with. */
static gpointer
cancel_later (gpointer data)
{
  GCancellable *cancellable = data;
  TvmPoolExecutor *pool = g_object_get_data (G_OBJECT (cancellable), "pool");

  while (tvm_pool_executor_get_n_running (pool) == 0)
    g_usleep (1000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmMapIterator) iterator = NULL;
  GVariant *item = g_variant_new ("(u)", 400);
  g_autoptr (TvmMapResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  iterator = tvm_pool_executor_map (pool, "sleep", &item, 1, TVM_MAP_FLAGS_NONE);
  g_object_set_data (G_OBJECT (cancellable), "pool", pool);
  thread = g_thread_new ("cancel", cancel_later, cancellable);
  assert_cancelled (iterator, cancellable);
  g_thread_join (thread);

  /* It was the wait that ended, not the task. */
  result = tvm_map_iterator_next (iterator, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  expect_end (iterator);
  pool_fixture_end (pool);
}

static void
test_cancel_async (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (TvmMapIterator) iterator = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *items[2] = { g_variant_new ("(u)", 300), g_variant_new ("(u)", 0) };

  iterator = tvm_pool_executor_map (pool, "sleep", items, 2, TVM_MAP_FLAGS_NONE);
  tvm_map_iterator_next_async (iterator, cancellable, pool_fixture_ready, &cancelled);
  tvm_map_iterator_next_async (iterator, NULL, next_ready, results);
  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_map_iterator_next_finish (iterator, pool_fixture_wait (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  /* What it waited for goes to the next one. */
  while (results->len < 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (tvm_map_result_get_index (results->pdata[0]), ==, 0);
  g_ptr_array_add (results, tvm_map_iterator_next (iterator, NULL, &error));
  g_assert_cmpuint (tvm_map_result_get_index (results->pdata[1]), ==, 1);
  expect_end (iterator);
  pool_fixture_end (pool);
}

static void
test_close (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .function = "spin", .n_tasks = G_MAXUINT };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_map_iterator_next_async (iterator, NULL, pool_fixture_ready, &result);
  tvm_map_iterator_close (iterator);
  g_assert_cmpuint (input.n_destroyed, ==, 1);
  g_assert_null (tvm_map_iterator_next_finish (iterator, pool_fixture_wait (&result), &error));
  g_assert_no_error (error);

  tvm_map_iterator_close (iterator);
  expect_end (iterator);
  g_assert_cmpuint (input.n_destroyed, ==, 1);

  /* The pool has its workers for others now. */
  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);
}

static gpointer
close_later (gpointer data)
{
  TvmMapIterator *iterator = data;
  TvmPoolExecutor *pool = g_object_get_data (G_OBJECT (iterator), "pool");

  while (tvm_pool_executor_get_n_running (pool) == 0)
    g_usleep (1000);
  tvm_map_iterator_close (iterator);
  return NULL;
}

/* While another thread waits */
static void
test_close_blocked (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .function = "spin", .n_tasks = G_MAXUINT };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  GThread *thread;

  g_object_set_data (G_OBJECT (iterator), "pool", pool);
  thread = g_thread_new ("close", close_later, iterator);
  expect_end (iterator);
  g_thread_join (thread);
  g_assert_cmpuint (input.n_destroyed, ==, 1);
  pool_fixture_end (pool);
}

static TvmTask *
close_meanwhile (gpointer user_data)
{
  Input *input = user_data;

  if (input->n_drawn == 3)
    tvm_map_iterator_close (input->iterator);
  return next_task (user_data);
}

/* By the function that makes the tasks */
static void
test_close_drawing (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = G_MAXUINT };

  input.iterator = tvm_pool_executor_map_tasks (pool, close_meanwhile, &input, input_destroy,
                                                TVM_MAP_FLAGS_NONE);
  expect_end (input.iterator);
  g_assert_cmpuint (input.n_destroyed, ==, 1);
  g_clear_object (&input.iterator);
  pool_fixture_end (pool);
}

static TvmTask *
ask_meanwhile (gpointer user_data)
{
  Input *input = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_map_iterator_next (input->iterator, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  return next_task (user_data);
}

static void
test_ask_drawing (PoolFixture   *fixture,
                  gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 2 };

  input.iterator = tvm_pool_executor_map_tasks (pool, ask_meanwhile, &input, input_destroy,
                                                TVM_MAP_FLAGS_NONE);
  expect_echo (input.iterator, 0);
  expect_echo (input.iterator, 1);
  expect_end (input.iterator);
  g_clear_object (&input.iterator);
  pool_fixture_end (pool);
}

/* An iterator that is not used any more: before its first result, and midway with results that
 * nobody has asked for */
static void
test_drop (PoolFixture   *fixture,
           gconstpointer  data)
{
  for (guint n = 0; n < 3; n++)
    for (TvmMapFlags flags = TVM_MAP_FLAGS_NONE; flags <= TVM_MAP_FLAGS_UNORDERED; flags++)
      {
        TvmPoolExecutor *pool = pool_fixture_pool (fixture);
        Input input = { .n_tasks = G_MAXUINT };
        g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, flags);

        for (guint i = 0; i < n; i++)
          g_object_unref (tvm_map_iterator_next (iterator, NULL, NULL));
        g_clear_object (&iterator);
        g_assert_cmpuint (input.n_destroyed, ==, 1);
        pool_fixture_end (pool);
      }
}

/* The iterator works on without anybody else who holds the pool. */
static void
test_pool_dropped (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 300 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);

  expect_echo (iterator, 0);
  g_object_unref (pool);
  for (guint i = 1; i < 300; i++)
    expect_echo (iterator, i);
  expect_end (iterator);
}

static void
test_pool_shut_down (PoolFixture   *fixture,
                     gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 300 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  guint n_lost = 0;

  expect_echo (iterator, 0);
  tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, &error);
  g_assert_no_error (error);

  for (guint i = 1; i < 300; i++)
    {
      g_autoptr (TvmMapResult) result = tvm_map_iterator_next (iterator, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (tvm_map_result_get_index (result), ==, i);
      if (tvm_map_result_get_error (result) != NULL)
        {
          g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_EXCEPTION);
          n_lost++;
        }
    }
  expect_end (iterator);
  g_assert_cmpuint (n_lost, >, 0);
  g_object_unref (pool);
}

typedef struct
{
  TvmMapIterator *iterator;
  int n_results;            /* atomic */
} Shared;

static gpointer
take_all (gpointer data)
{
  Shared *shared = data;
  TvmMapResult *result;
  guint64 *sum = g_new0 (guint64, 1);

  while ((result = tvm_map_iterator_next (shared->iterator, NULL, NULL)) != NULL)
    {
      assert_echo (result, tvm_map_result_get_index (result));
      *sum += tvm_map_result_get_index (result);
      g_atomic_int_inc (&shared->n_results);
      g_object_unref (result);
    }
  return sum;
}

static void
test_threads (PoolFixture   *fixture,
              gconstpointer  data)
{
  for (TvmMapFlags flags = TVM_MAP_FLAGS_NONE; flags <= TVM_MAP_FLAGS_UNORDERED; flags++)
    for (guint look_ahead = 0; look_ahead < 2; look_ahead++)
      {
        TvmPoolExecutor *pool = pool_fixture_pool (fixture);
        Input input = { .n_tasks = 2000 };
        Shared shared = { .iterator = map_input (pool, &input, flags) };
        GThread *threads[4];
        guint64 sum = 0;

        tvm_map_iterator_set_look_ahead (shared.iterator, look_ahead);
        for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
          threads[i] = g_thread_new ("take", take_all, &shared);
        for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
          {
            g_autofree guint64 *part = g_thread_join (threads[i]);

            sum += *part;
          }

        g_assert_cmpint (shared.n_results, ==, 2000);
        g_assert_cmpuint (sum, ==, 2000 * 1999 / 2);
        g_assert_cmpuint (input.n_destroyed, ==, 1);
        g_object_unref (shared.iterator);
        pool_fixture_end (pool);
      }
}

/* The child neither waits for its parent's results nor for a lock of its threads. */
static void
test_fork (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 300 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);
  int status;
  pid_t pid;

  expect_echo (iterator, 0);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;

      alarm (20);
      g_assert_null (tvm_map_iterator_next (iterator, NULL, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
      g_object_unref (iterator);
      _exit (0);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 1; i < 300; i++)
    expect_echo (iterator, i);
  expect_end (iterator);
  pool_fixture_end (pool);
}

/* As a binding may make one */
static void
test_no_pool (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmMapIterator) iterator = g_object_new (TVM_TYPE_MAP_ITERATOR, NULL);
  g_autoptr (TvmMapResult) result = g_object_new (TVM_TYPE_MAP_RESULT, NULL);
  g_autoptr (GAsyncResult) ready = NULL;

  expect_end (iterator);
  tvm_map_iterator_next_async (iterator, NULL, pool_fixture_ready, &ready);
  g_assert_null (tvm_map_iterator_next_finish (iterator, pool_fixture_wait (&ready), NULL));
  tvm_map_iterator_close (iterator);
  g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_RUNNING);
  g_assert_null (tvm_map_result_get_task_result (result));
}

static void
count_notify (GObject    *object,
              GParamSpec *pspec,
              guint      *n)
{
  *n += 1;
}

/* More than there can be */
static void
test_no_look_ahead_limit (PoolFixture   *fixture,
                          gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Input input = { .n_tasks = 10 };
  g_autoptr (TvmMapIterator) iterator = map_input (pool, &input, TVM_MAP_FLAGS_NONE);

  tvm_map_iterator_set_look_ahead (iterator, G_MAXUINT);
  for (guint i = 0; i < 10; i++)
    expect_echo (iterator, i);
  expect_end (iterator);
  pool_fixture_end (pool);
}

static void
test_look_ahead (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmMapIterator) iterator =
    tvm_pool_executor_map (pool, "echo", NULL, 0, TVM_MAP_FLAGS_NONE);
  guint look_ahead;
  guint n = 0;

  g_assert_cmpuint (tvm_map_iterator_get_look_ahead (iterator), ==, 0);
  g_signal_connect (iterator, "notify::look-ahead", G_CALLBACK (count_notify), &n);
  g_object_set (iterator, "look-ahead", 7, NULL);
  tvm_map_iterator_set_look_ahead (iterator, 7);
  g_object_get (iterator, "look-ahead", &look_ahead, NULL);
  g_assert_cmpuint (look_ahead, ==, 7);
  g_assert_cmpuint (n, ==, 1);
  pool_fixture_end (pool);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/map-iterator/ordered", test_ordered);
  pool_fixture_add ("/map-iterator/unordered", test_unordered);
  pool_fixture_add ("/map-iterator/slow-first", test_slow_first);
  pool_fixture_add ("/map-iterator/empty", test_empty);
  pool_fixture_add ("/map-iterator/lazy", test_lazy);
  pool_fixture_add ("/map-iterator/failures", test_failures);
  pool_fixture_add ("/map-iterator/async", test_async);
  pool_fixture_add ("/map-iterator/async/thread", test_async_thread);
  pool_fixture_add ("/map-iterator/pre-cancelled", test_pre_cancelled);
  pool_fixture_add ("/map-iterator/cancel", test_cancel);
  pool_fixture_add ("/map-iterator/cancel/async", test_cancel_async);
  pool_fixture_add ("/map-iterator/close", test_close);
  pool_fixture_add ("/map-iterator/close/blocked", test_close_blocked);
  pool_fixture_add ("/map-iterator/close/drawing", test_close_drawing);
  pool_fixture_add ("/map-iterator/ask-drawing", test_ask_drawing);
  pool_fixture_add ("/map-iterator/drop", test_drop);
  pool_fixture_add ("/map-iterator/pool-dropped", test_pool_dropped);
  pool_fixture_add ("/map-iterator/pool-shut-down", test_pool_shut_down);
  pool_fixture_add ("/map-iterator/threads", test_threads);
  pool_fixture_add ("/map-iterator/fork", test_fork);
  pool_fixture_add ("/map-iterator/no-pool", test_no_pool);
  pool_fixture_add ("/map-iterator/look-ahead", test_look_ahead);
  pool_fixture_add ("/map-iterator/look-ahead/no-limit", test_no_look_ahead_limit);

  return g_test_run ();
}
