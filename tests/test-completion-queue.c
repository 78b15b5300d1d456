/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/pool/tvm-completion-queue.h"
#include "tvmsupport/tvm-error.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_TASKS 200
#define PATIENCE_MSEC 60000

static guint64
submit (TvmCompletionQueue *queue,
        TvmPoolExecutor    *pool,
        const char         *function,
        GVariant           *args)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, args);

  return tvm_completion_queue_submit (queue, pool, task);
}

static guint64
submit_number (TvmCompletionQueue *queue,
               TvmPoolExecutor    *pool,
               guint               number)
{
  return submit (queue, pool, "echo", g_variant_new_uint32 (number));
}

static void
assert_number (TvmTaskResult *result,
               guint          number)
{
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_uint32 (number));

  g_assert_nonnull (result);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  pool_fixture_assert_same (tvm_task_result_get_value (result), expected);
}

/* Waits for the next outcome, whatever it is. */
static TvmTaskResult *
next (TvmCompletionQueue  *queue,
      guint64             *id,
      GError             **error)
{
  TvmTaskResult *result;

  g_assert_true (tvm_completion_queue_wait (queue, PATIENCE_MSEC));
  result = tvm_completion_queue_pop (queue, id, error);
  g_assert_cmpuint (*id, !=, 0);
  return result;
}

static void
assert_nothing (TvmCompletionQueue *queue)
{
  g_autoptr (GError) error = NULL;
  guint64 id = 1;

  g_assert_null (tvm_completion_queue_pop (queue, &id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (id, ==, 0);
  g_assert_false (tvm_completion_queue_wait (queue, 0));
}

static void
test_pop (PoolFixture   *self,
          gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  guint64 ids[N_TASKS];
  gboolean seen[N_TASKS] = { FALSE };

  assert_nothing (queue);
  for (guint i = 0; i < N_TASKS; i++)
    {
      ids[i] = submit_number (queue, pool, i);
      g_assert_cmpuint (ids[i], >, i > 0 ? ids[i - 1] : 0);
    }

  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = NULL;
      guint64 id;
      guint index;

      result = next (queue, &id, &error);
      g_assert_no_error (error);
      index = (guint) (id - ids[0]);
      g_assert_cmpuint (index, <, N_TASKS);
      g_assert_false (seen[index]);
      seen[index] = TRUE;
      assert_number (result, index);
    }

  assert_nothing (queue);
  pool_fixture_end (pool);
}

static void
test_take (PoolFixture   *self,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  g_autoptr (GError) error = NULL;
  guint64 ids[N_TASKS];

  /* From the last to the first: the others are not lost. */
  for (guint i = 0; i < N_TASKS; i++)
    ids[i] = submit_number (queue, pool, i);
  for (guint i = N_TASKS; i-- > 0;)
    {
      g_autoptr (TvmTaskResult) result = NULL;

      while (result == NULL)
        {
          result = tvm_completion_queue_take (queue, ids[i], PATIENCE_MSEC, &error);
          g_assert_no_error (error);
        }
      assert_number (result, i);
    }

  /* What was taken is there no more. */
  assert_nothing (queue);
  g_assert_null (tvm_completion_queue_take (queue, ids[0], PATIENCE_MSEC, &error));
  g_assert_no_error (error);
  g_assert_null (tvm_completion_queue_take (queue, 0, PATIENCE_MSEC, &error));
  g_assert_no_error (error);

  /* One at a time, as a caller that waits */
  for (guint i = 0; i < N_TASKS; i++)
    {
      guint64 id = submit_number (queue, pool, i);
      g_autoptr (TvmTaskResult) result = NULL;

      result = tvm_completion_queue_take (queue, id, -1, &error);
      g_assert_no_error (error);
      assert_number (result, i);
    }
  pool_fixture_end (pool);
}

static void
test_time_limit (PoolFixture   *self,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;
  guint64 ended;

  pool_fixture_assert_sum (pool, 1, 2);
  id = submit (queue, pool, "sleep", g_variant_new ("(u)", 60000));
  for (guint i = 0; i < 3; i++)
    {
      g_assert_null (tvm_completion_queue_take (queue, id, i, &error));
      g_assert_no_error (error);
    }
  g_assert_false (tvm_completion_queue_wait (queue, 1));

  tvm_completion_queue_cancel (queue, id);
  result = next (queue, &ended, &error);
  g_assert_null (result);
  g_assert_cmpuint (ended, ==, id);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tvm_completion_queue_cancel (queue, id);
  tvm_completion_queue_cancel (queue, 12345);
  pool_fixture_end (pool);
}

typedef struct
{
  TvmCompletionQueue *queue;
  guint64 id;
} Cancel;

static gpointer
cancel_it (gpointer user_data)
{
  Cancel *cancel = user_data;

  tvm_completion_queue_cancel (cancel->queue, cancel->id);
  return NULL;
}

/* In another thread than the one that waits for it */
static void
test_cancel (PoolFixture   *self,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();

  pool_fixture_assert_sum (pool, 1, 2);
  for (guint i = 0; i < 20; i++)
    {
      Cancel cancel = { queue, submit (queue, pool, "sleep", g_variant_new ("(u)", 60000)) };
      GThread *thread = g_thread_new ("cancel", cancel_it, &cancel);
      g_autoptr (GError) error = NULL;

      g_assert_null (tvm_completion_queue_take (queue, cancel.id, -1, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_thread_join (thread);
    }

  assert_nothing (queue);
  pool_fixture_end (pool);
}

static void
ignore_signal (int number)
{
}

static gpointer
send_signals (gpointer user_data)
{
  pthread_t *target = user_data;
  gint *stop = (gint *) (target + 1);

  while (!g_atomic_int_get (stop))
    {
      pthread_kill (*target, SIGUSR1);
      g_usleep (1000);
    }
  return NULL;
}

/* A signal ends the wait, and not the task. */
static void
test_signal (PoolFixture   *self,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  struct sigaction action = { .sa_handler = ignore_signal };
  struct sigaction old;
  struct
  {
    pthread_t thread;
    gint stop;
  } target = { pthread_self (), 0 };
  g_autoptr (GError) error = NULL;
  GThread *thread;
  guint64 id;

  g_assert_cmpint (sigaction (SIGUSR1, &action, &old), ==, 0);
  pool_fixture_assert_sum (pool, 1, 2);
  id = submit (queue, pool, "sleep", g_variant_new ("(u)", 60000));
  thread = g_thread_new ("signals", send_signals, &target);
  g_assert_null (tvm_completion_queue_take (queue, id, -1, &error));
  g_assert_no_error (error);
  g_atomic_int_set (&target.stop, 1);
  g_thread_join (thread);
  sigaction (SIGUSR1, &old, NULL);

  tvm_completion_queue_cancel (queue, id);
  g_assert_null (tvm_completion_queue_take (queue, id, -1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  pool_fixture_end (pool);
}

static void
test_errors (PoolFixture   *self,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (bytes);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;
  guint64 ended;

  id = tvm_completion_queue_submit (queue, pool, task);
  g_assert_null (next (queue, &ended, &error));
  g_assert_cmpuint (ended, ==, id);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  submit (queue, pool, "no_such_function", NULL);
  result = next (queue, &ended, &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TASK_FAILED);
  g_clear_error (&error);

  pool_fixture_end (g_object_ref (pool));
  id = submit_number (queue, pool, 1);
  g_assert_null (tvm_completion_queue_take (queue, id, -1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_object_unref (pool);
}

/* The queue does not keep the pool, and its tasks end. */
static void
test_pool_dropped (PoolFixture   *self,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();

  pool_fixture_assert_sum (pool, 1, 2);
  for (guint i = 0; i < 5; i++)
    submit (queue, pool, "sleep", g_variant_new ("(u)", 60000));
  g_assert_finalize_object (pool);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 id;

      g_assert_null (next (queue, &id, &error));
      g_assert_nonnull (error);
    }
}

/* What nobody asks for any more ends all the same. */
static void
test_queue_dropped (PoolFixture   *self,
                    gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  TvmCompletionQueue *queue = tvm_completion_queue_new ();

  for (guint i = 0; i < N_TASKS; i++)
    submit_number (queue, pool, i);
  g_object_unref (queue);
  pool_fixture_end (g_object_ref (pool));
  g_assert_cmpuint (tvm_pool_executor_get_n_finished (pool), ==, N_TASKS);
  g_object_unref (pool);
}

typedef struct
{
  TvmCompletionQueue *queue;
  gint n_left;
} Takers;

static gpointer
take_some (gpointer user_data)
{
  Takers *takers = user_data;

  while (g_atomic_int_get (&takers->n_left) > 0)
    {
      g_autoptr (TvmTaskResult) result = NULL;
      g_autoptr (GError) error = NULL;
      guint64 id;

      if (!tvm_completion_queue_wait (takers->queue, 10))
        continue;
      result = tvm_completion_queue_pop (takers->queue, &id, &error);
      g_assert_no_error (error);
      if (result != NULL)
        g_atomic_int_add (&takers->n_left, -1);
    }
  return NULL;
}

/* Several threads take from it, while one waits for tasks of its own. */
static void
test_threads (PoolFixture   *self,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  Takers takers = { queue, N_TASKS };
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("taker", take_some, &takers);
  for (guint i = 0; i < N_TASKS; i++)
    submit_number (queue, pool, i);
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (takers.n_left, ==, 0);
  assert_nothing (queue);
  pool_fixture_end (pool);
}

static void
test_fork (PoolFixture   *self,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  int status;
  pid_t pid;

  pool_fixture_assert_sum (pool, 1, 2);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      guint64 id = submit_number (queue, pool, 1);

      g_assert_null (tvm_completion_queue_take (queue, id, -1, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  pool_fixture_end (pool);
}

/* Takes what ends first. */
static void
pop_good (TvmCompletionQueue *queue,
          guint               n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = NULL;
      guint64 id;

      result = next (queue, &id, &error);
      g_assert_no_error (error);
      g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
    }
}

/* What is held for a moment comes without another call, and also beside a slow one. */
static void
test_burst (PoolFixture   *self,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (self);
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();

  for (guint size = 1; size < N_TASKS; size += 7)
    {
      for (guint i = 0; i < size; i++)
        submit_number (queue, pool, i);
      pop_good (queue, size);
    }

  for (guint round = 0; round < 5; round++)
    {
      g_autoptr (GError) error = NULL;
      guint64 slow;
      guint64 id;

      for (guint i = 0; i < N_TASKS / 2; i++)
        submit_number (queue, pool, i);
      slow = submit (queue, pool, "sleep", g_variant_new ("(u)", 60000));
      for (guint i = 0; i < N_TASKS / 2; i++)
        submit_number (queue, pool, i);
      /* Who waits does not wait for the end of the burst. */
      pool_fixture_assert_sum (pool, 1, 2);
      pop_good (queue, N_TASKS);

      tvm_completion_queue_cancel (queue, slow);
      g_assert_null (next (queue, &id, &error));
      g_assert_cmpuint (id, ==, slow);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  pool_fixture_end (pool);
}

static void
test_running (PoolFixture   *self,
              gconstpointer  data)
{
  g_autoptr (TvmCompletionQueue) queue = tvm_completion_queue_new ();
  TvmPoolExecutor *pool = tvm_pool_executor_new (self->spec, 1);
  guint64 ids[2];

  g_assert_false (tvm_completion_queue_is_running (queue, 1));
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    ids[i] = submit (queue, pool, "sleep", g_variant_new ("(u)", 60000));
  while (!tvm_completion_queue_is_running (queue, ids[0]))
    g_usleep (1000);
  g_assert_false (tvm_completion_queue_is_running (queue, ids[1]));

  tvm_completion_queue_cancel (queue, ids[0]);
  g_assert_false (tvm_completion_queue_is_running (queue, ids[0]));
  while (!tvm_completion_queue_is_running (queue, ids[1]))
    g_usleep (1000);

  tvm_completion_queue_cancel (queue, ids[1]);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 id;

      g_assert_null (next (queue, &id, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  pool_fixture_end (pool);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/completion-queue/pop", test_pop);
  pool_fixture_add ("/completion-queue/take", test_take);
  pool_fixture_add ("/completion-queue/burst", test_burst);
  pool_fixture_add ("/completion-queue/running", test_running);
  pool_fixture_add ("/completion-queue/time-limit", test_time_limit);
  pool_fixture_add ("/completion-queue/cancel", test_cancel);
  pool_fixture_add ("/completion-queue/signal", test_signal);
  pool_fixture_add ("/completion-queue/errors", test_errors);
  pool_fixture_add ("/completion-queue/pool-dropped", test_pool_dropped);
  pool_fixture_add ("/completion-queue/queue-dropped", test_queue_dropped);
  pool_fixture_add ("/completion-queue/threads", test_threads);
  pool_fixture_add ("/completion-queue/fork", test_fork);

  return g_test_run ();
}
