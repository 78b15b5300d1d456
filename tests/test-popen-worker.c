/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/pool/tvm-popen-worker.h"
#include "tvmsupport/tvm-error.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
send_task (TvmPopenWorker *worker,
           const char     *function,
           GVariant       *args,
           gint64          timeout_msec)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, args);
  g_autoptr (GError) error = NULL;

  tvm_task_set_timeout (task, timeout_msec);
  tvm_popen_worker_send (worker, task, &error);
  g_assert_no_error (error);
}

static TvmTaskResult *
receive (TvmPopenWorker *worker)
{
  g_autoptr (GError) error = NULL;
  TvmTaskResult *result = tvm_popen_worker_recv (worker, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

static int
receive_int (TvmPopenWorker *worker)
{
  g_autoptr (TvmTaskResult) result = receive (worker);
  g_autoptr (GError) error = NULL;

  tvm_task_result_check (result, &error);
  g_assert_no_error (error);
  return g_variant_get_int32 (tvm_task_result_get_value (result));
}

static void
receive_error (TvmPopenWorker *worker,
               TvmStatusKind   status,
               int             code)
{
  g_autoptr (TvmTaskResult) result = receive (worker);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (tvm_task_result_get_status (result), ==, status);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, code);
}

static int
ask_pid (TvmPopenWorker *worker)
{
  send_task (worker, "pid", NULL, -1);
  return receive_int (worker);
}

static void
expect_nothing_sent (TvmPopenWorker *worker)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_popen_worker_recv (worker, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  tvm_popen_worker_recv_async (worker, NULL, pool_fixture_ready, &result);
  g_assert_null (tvm_popen_worker_recv_finish (worker, pool_fixture_wait (&result), &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

/* Until the process is gone, with all that it has started */
static void
end (TvmPopenWorker *worker)
{
  g_autoptr (GError) error = NULL;

  tvm_popen_worker_kill (worker);
  g_assert_true (tvm_popen_worker_join (worker, -1, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (tvm_popen_worker_is_alive (worker));
  g_assert_cmpint (tvm_popen_worker_get_pid (worker), ==, 0);
  g_object_unref (worker);
}

static void
test_send_recv (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  int pid;

  /* It is started when it is needed. */
  g_assert_true (tvm_popen_worker_get_spec (worker) == fixture->spec);
  g_assert_false (tvm_popen_worker_is_alive (worker));
  g_assert_cmpint (tvm_popen_worker_get_pid (worker), ==, 0);
  expect_nothing_sent (worker);

  pid = ask_pid (worker);
  g_assert_true (tvm_popen_worker_is_alive (worker));
  g_assert_cmpint (tvm_popen_worker_get_pid (worker), ==, pid);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (ask_pid (worker), ==, pid);
  expect_nothing_sent (worker);
  end (worker);
}

/* What was sent first is received first, whatever its priority. */
static void
test_order (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);

  for (int i = 0; i < 200; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new ("add", g_variant_new ("(ii)", i, 1));
      g_autoptr (GError) error = NULL;

      tvm_task_set_priority (task, i % 7);
      tvm_popen_worker_send (worker, task, &error);
      g_assert_no_error (error);
    }
  for (int i = 0; i < 200; i++)
    g_assert_cmpint (receive_int (worker), ==, i + 1);
  end (worker);
}

static void
recv_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *results = user_data;

  g_ptr_array_add (results,
                   tvm_popen_worker_recv_finish (TVM_POPEN_WORKER (source), result, &error));
  g_assert_no_error (error);
}

static void
check_async (PoolFixture  *fixture,
             GMainContext *context)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GAsyncResult) joined = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 20; i++)
    send_task (worker, "add", g_variant_new ("(ii)", i, i), -1);
  for (int i = 0; i < 20; i++)
    tvm_popen_worker_recv_async (worker, NULL, recv_ready, results);
  while (results->len < 20)
    g_main_context_iteration (context, TRUE);
  for (int i = 0; i < 20; i++)
    {
      GVariant *value = tvm_task_result_get_value (results->pdata[i]);

      g_assert_cmpint (g_variant_get_int32 (value), ==, 2 * i);
    }

  tvm_popen_worker_kill (worker);
  tvm_popen_worker_join_async (worker, -1, NULL, pool_fixture_ready, &joined);
  while (joined == NULL)
    g_main_context_iteration (context, TRUE);
  g_assert_true (tvm_popen_worker_join_finish (worker, joined, &error));
  g_assert_no_error (error);
  g_object_unref (worker);
}

static void
test_async (PoolFixture   *fixture,
            gconstpointer  data)
{
  check_async (fixture, NULL);
}

static gpointer
async_in_context (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  check_async (data, context);
  g_main_context_pop_thread_default (context);

  /* What looked after its properties */
  while (g_main_context_iteration (context, FALSE))
    ;
  return NULL;
}

static void
test_async_thread (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_thread_join (g_thread_new ("async", async_in_context, fixture));
}

static void
test_failures (PoolFixture   *fixture,
               gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  int pid = ask_pid (worker);
  int new_pid;

  send_task (worker, "fail", g_variant_new ("(s)", "no luck"), -1);
  receive_error (worker, TVM_STATUS_KIND_EXCEPTION, TVM_ERROR_TASK_FAILED);
  g_assert_cmpint (ask_pid (worker), ==, pid);

  send_task (worker, "crash", NULL, -1);
  send_task (worker, "pid", NULL, -1);
  receive_error (worker, TVM_STATUS_KIND_EXCEPTION, TVM_ERROR_WORKER_DIED);
  new_pid = receive_int (worker);
  g_assert_cmpint (new_pid, !=, pid);

  send_task (worker, "spin_blocked", NULL, 20);
  receive_error (worker, TVM_STATUS_KIND_TIMEOUT, TVM_ERROR_TIMED_OUT);
  g_assert_cmpint (ask_pid (worker), !=, new_pid);
  end (worker);
}

/* What is wrong with a task is said when it is sent. */
static void
test_refused (PoolFixture   *fixture,
              gconstpointer  data)
{
  const char *argv[] = { "tvm-no-such-program", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmPopenWorker) functions = tvm_popen_worker_new (fixture->spec);
  g_autoptr (TvmPopenWorker) commands = tvm_popen_worker_new (spec);
  g_autoptr (TvmTask) command = tvm_task_new_command (argv);
  g_autoptr (TvmTask) nothing = g_object_new (TVM_TYPE_TASK, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_popen_worker_send (functions, command, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (tvm_popen_worker_send (commands, command, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);

  g_clear_error (&error);
  g_assert_false (tvm_popen_worker_send (functions, nothing, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);

  expect_nothing_sent (functions);
  expect_nothing_sent (commands);
  g_assert_false (tvm_popen_worker_is_alive (functions));
}

static void
test_command (PoolFixture   *fixture,
              gconstpointer  data)
{
  const char *argv[] = { "sh", "-c", "cat; echo no >&2; exit 3", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPopenWorker *worker = tvm_popen_worker_new (spec);
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (GBytes) input = g_bytes_new_static ("yes", 3);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *output;

  tvm_task_set_stdin (task, input);
  tvm_popen_worker_send (worker, task, &error);
  g_assert_no_error (error);
  result = receive (worker);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  g_assert_cmpint (tvm_task_result_get_exit_status (result), ==, 3);
  output = tvm_task_result_get_stdout (result);
  g_assert_cmpmem (g_bytes_get_data (output, NULL), g_bytes_get_size (output), "yes", 3);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "no"));
  end (worker);
}

static void
assert_bytes (GBytes     *bytes,
              const char *expected)
{
  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                   strlen (expected));
}

/* Each result has what its own task has printed, and the first of a worker also what the
 * initializer has. */
static void
test_capture (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmTask) init = tvm_task_new ("write_stderr", g_variant_new ("(s)", "init\n"));
  g_autoptr (TvmPopenWorker) worker = NULL;

  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  tvm_worker_spec_set_stderr_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  tvm_worker_spec_set_initializer (fixture->spec, init);
  worker = tvm_popen_worker_new (fixture->spec);
  for (int i = 0; i < 4; i++)
    send_task (worker, i % 2 == 0 ? "write_stderr" : "write_stdout", g_variant_new ("(s)", "text\n"),
               -1);

  for (int i = 0; i < 4; i++)
    {
      g_autoptr (TvmTaskResult) result = receive (worker);
      g_autoptr (GError) error = NULL;

      tvm_task_result_check (result, &error);
      g_assert_no_error (error);
      assert_bytes (tvm_task_result_get_stdout (result), i % 2 == 0 ? "" : "text\n");
      assert_bytes (tvm_task_result_get_stderr (result),
                    i == 0 ? "init\ntext\n" : i == 2 ? "text\n" : "");
    }
}

static void
test_maximum_uses (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPopenWorker *worker;
  int last = 0;

  tvm_worker_spec_set_maximum_uses (fixture->spec, 2);
  worker = tvm_popen_worker_new (fixture->spec);
  for (guint i = 0; i < 5; i++)
    {
      int pid = ask_pid (worker);

      g_assert_cmpint (pid, !=, last);
      g_assert_cmpint (ask_pid (worker), ==, pid);
      last = pid;
    }
  end (worker);
}

static void
test_kill (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  int pid = ask_pid (worker);

  for (guint i = 0; i < 50; i++)
    send_task (worker, "spin", NULL, -1);
  tvm_popen_worker_kill (worker);
  g_assert_false (tvm_popen_worker_is_alive (worker));
  for (guint i = 0; i < 50; i++)
    receive_error (worker, TVM_STATUS_KIND_EXCEPTION, TVM_ERROR_WORKER_DIED);
  expect_nothing_sent (worker);

  tvm_popen_worker_kill (worker);
  g_assert_cmpint (ask_pid (worker), !=, pid);
  end (worker);
}

/* Before it has got as far as to have a process */
static void
test_kill_starting (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);

  send_task (worker, "pid", NULL, -1);
  tvm_popen_worker_kill (worker);
  receive_error (worker, TVM_STATUS_KIND_EXCEPTION, TVM_ERROR_WORKER_DIED);
  end (worker);
}

/* It is replaced without a word. */
static void
test_killed_idle (PoolFixture   *fixture,
                  gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  g_autoptr (GError) error = NULL;
  int pid = ask_pid (worker);

  g_assert_no_errno (kill (pid, SIGKILL));
  g_assert_true (tvm_popen_worker_join (worker, -1, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (tvm_popen_worker_is_alive (worker));
  g_assert_cmpint (ask_pid (worker), !=, pid);
  end (worker);
}

static void
test_join (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int daemon;

  /* There is nothing to wait for. */
  g_assert_true (tvm_popen_worker_join (worker, 0, NULL, &error));
  g_assert_no_error (error);

  send_task (worker, "daemonize", g_variant_new ("(ss)", path, "return"), -1);
  g_object_unref (receive (worker));
  daemon = pool_fixture_read_pid (path);
  g_assert_false (tvm_popen_worker_join (worker, 0, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_false (tvm_popen_worker_join (worker, 10, cancellable, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_true (tvm_popen_worker_is_alive (worker));

  tvm_popen_worker_join_async (worker, -1, cancellable, pool_fixture_ready, &result);
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_popen_worker_join_finish (worker, pool_fixture_wait (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (tvm_popen_worker_join (worker, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* And then nothing is left of it. */
  tvm_popen_worker_kill (worker);
  g_assert_true (tvm_popen_worker_join (worker, 20000, NULL, NULL));
  g_assert_cmpint (kill (daemon, 0), ==, -1);
  g_object_unref (worker);
}

static void
test_pre_cancelled (PoolFixture   *fixture,
                    gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  send_task (worker, "add", g_variant_new ("(ii)", 1, 2), -1);
  g_assert_null (tvm_popen_worker_recv (worker, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  tvm_popen_worker_recv_async (worker, cancellable, pool_fixture_ready, &result);
  g_assert_null (tvm_popen_worker_recv_finish (worker, pool_fixture_wait (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_assert_cmpint (receive_int (worker), ==, 3);
  end (worker);
}

static gpointer
cancel_later (gpointer data)
{
  TvmPopenWorker *worker = g_object_get_data (data, "worker");

  while (tvm_popen_worker_get_pid (worker) == 0)
    g_usleep (1000);
  g_cancellable_cancel (data);
  return NULL;
}

/* The wait ends, the task does not. */
static void
test_cancel (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  send_task (worker, "sleep", g_variant_new ("(u)", 300), -1);
  send_task (worker, "add", g_variant_new ("(ii)", 1, 2), -1);
  g_object_set_data (G_OBJECT (cancellable), "worker", worker);
  thread = g_thread_new ("cancel", cancel_later, cancellable);
  g_assert_null (tvm_popen_worker_recv (worker, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_thread_join (thread);

  g_cancellable_reset (cancellable);
  tvm_popen_worker_recv_async (worker, cancellable, pool_fixture_ready, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_popen_worker_recv_finish (worker, pool_fixture_wait (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_object_unref (receive (worker));
  g_assert_cmpint (receive_int (worker), ==, 3);
  end (worker);
}

/* Nobody waits, and nothing stays; the fixture looks. */
static void
test_drop (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);

  g_object_unref (worker);

  worker = tvm_popen_worker_new (fixture->spec);
  send_task (worker, "pid", NULL, -1);
  g_object_unref (worker);

  worker = tvm_popen_worker_new (fixture->spec);
  ask_pid (worker);
  for (guint i = 0; i < 20; i++)
    send_task (worker, "spin_blocked", NULL, -1);
  g_object_unref (worker);
}

static void
use_in_fork (TvmPopenWorker *worker)
{
  g_autoptr (TvmTask) task = tvm_task_new ("pid", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_popen_worker_send (worker, task, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (tvm_popen_worker_recv (worker, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (tvm_popen_worker_join (worker, -1, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_false (tvm_popen_worker_is_alive (worker));
  tvm_popen_worker_kill (worker);
  g_object_unref (worker);
}

/* It stays its parent's, whatever the child does with it. */
static void
test_fork (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  int worker_pid = ask_pid (worker);
  int status;
  pid_t pid;

  send_task (worker, "add", g_variant_new ("(ii)", 1, 2), -1);
  pid = fork ();
  if (pid == 0)
    {
      alarm (20);
      use_in_fork (worker);
      _exit (0);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (receive_int (worker), ==, 3);
  g_assert_cmpint (ask_pid (worker), ==, worker_pid);
  end (worker);
}

typedef struct
{
  GThread *thread;
  guint n_pid;
  guint n_alive;
} Notified;

static void
count_pid (GObject    *object,
           GParamSpec *pspec,
           gpointer    data)
{
  Notified *notified = data;

  g_assert_true (g_thread_self () == notified->thread);
  notified->n_pid++;
}

static void
count_alive (GObject    *object,
             GParamSpec *pspec,
             gpointer    data)
{
  Notified *notified = data;

  g_assert_true (g_thread_self () == notified->thread);
  notified->n_alive++;
}

static void
test_notify (PoolFixture   *fixture,
             gconstpointer  data)
{
  Notified notified = { .thread = g_thread_self () };
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  gboolean alive;
  int pid;

  g_signal_connect (worker, "notify::pid", G_CALLBACK (count_pid), &notified);
  g_signal_connect (worker, "notify::alive", G_CALLBACK (count_alive), &notified);
  ask_pid (worker);
  while (notified.n_pid == 0 || notified.n_alive == 0)
    g_main_context_iteration (NULL, TRUE);
  g_object_get (worker, "pid", &pid, "alive", &alive, NULL);
  g_assert_cmpint (pid, ==, ask_pid (worker));
  g_assert_true (alive);

  notified.n_pid = notified.n_alive = 0;
  tvm_popen_worker_kill (worker);
  while (notified.n_pid == 0 || notified.n_alive == 0)
    g_main_context_iteration (NULL, TRUE);
  end (worker);
}

static gpointer
round_trips (gpointer data)
{
  TvmPopenWorker *worker = data;

  for (guint i = 0; i < 500; i++)
    {
      send_task (worker, "echo", g_variant_new_uint32 (i), -1);
      g_object_unref (receive (worker));
    }
  return NULL;
}

/* Each thread receives as often as it sends; who gets which is open. */
static void
test_threads (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPopenWorker *worker = tvm_popen_worker_new (fixture->spec);
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("round-trips", round_trips, worker);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  expect_nothing_sent (worker);
  end (worker);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/popen-worker/send-recv", test_send_recv);
  pool_fixture_add ("/popen-worker/order", test_order);
  pool_fixture_add ("/popen-worker/async", test_async);
  pool_fixture_add ("/popen-worker/async/thread", test_async_thread);
  pool_fixture_add ("/popen-worker/failures", test_failures);
  pool_fixture_add ("/popen-worker/refused", test_refused);
  pool_fixture_add ("/popen-worker/command", test_command);
  pool_fixture_add ("/popen-worker/capture", test_capture);
  pool_fixture_add ("/popen-worker/maximum-uses", test_maximum_uses);
  pool_fixture_add ("/popen-worker/kill", test_kill);
  pool_fixture_add ("/popen-worker/kill/starting", test_kill_starting);
  pool_fixture_add ("/popen-worker/kill/idle", test_killed_idle);
  pool_fixture_add ("/popen-worker/join", test_join);
  pool_fixture_add ("/popen-worker/pre-cancelled", test_pre_cancelled);
  pool_fixture_add ("/popen-worker/cancel", test_cancel);
  pool_fixture_add ("/popen-worker/drop", test_drop);
  pool_fixture_add ("/popen-worker/fork", test_fork);
  pool_fixture_add ("/popen-worker/notify", test_notify);
  pool_fixture_add ("/popen-worker/threads", test_threads);

  return g_test_run ();
}
