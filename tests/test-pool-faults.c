/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/pool/tvm-engine-parts-private.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-status-page.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a pool does when tasks, workers and what is below them misbehave. Each test ends with the
 * right error on the right task, all other tasks done and, in the tear-down, no process, no
 * descriptor and no file left. */

static void
test_bad_calls (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  pool_fixture_assert_fails (pool, tvm_task_new ("no_such_function", NULL), TVM_ERROR_TASK_FAILED,
                             "no_such_function");
  pool_fixture_assert_fails (pool, tvm_task_new ("no_function", NULL), TVM_ERROR_TASK_FAILED,
                             "no_function");
  pool_fixture_assert_fails (pool, tvm_task_new ("add", g_variant_new ("(s)", "1")),
                             TVM_ERROR_TASK_FAILED, "Expected (ii), not (s)");
  pool_fixture_assert_fails (pool, tvm_task_new ("null_result", NULL), TVM_ERROR_TASK_FAILED, "");
  pool_fixture_assert_fails (pool, tvm_task_new ("both", NULL), TVM_ERROR_TASK_FAILED,
                             "a value and an error");
  pool_fixture_end (pool);
}

/* What signals do not end */
static void
test_unkillable (PoolFixture   *fixture,
                 gconstpointer  data)
{
  static const char * const functions[] = { "spin", "spin_blocked", "stop_self" };
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      TvmTask *task = tvm_task_new (functions[i], NULL);

      tvm_task_set_timeout (task, 100);
      pool_fixture_assert_fails (pool, task, TVM_ERROR_TIMED_OUT, functions[i]);
    }
  pool_fixture_end (pool);
}

static void
test_garbage (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  pool_fixture_assert_fails (pool, tvm_task_new ("garbage", g_variant_new ("(b)", FALSE)),
                             TVM_ERROR_PROTOCOL,
                             "“garbage” does not keep to the protocol: this is no frame");
  value = tvm_pool_executor_call (pool, "garbage", g_variant_new ("(b)", TRUE), NULL, &error);
  g_assert_null (value);
  pool_fixture_assert_error (error, TVM_ERROR_PROTOCOL,
                             "“garbage” does not keep to the protocol: this is no frame");
  pool_fixture_end (pool);
}

static void
test_half_frame (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  TvmTask *task = tvm_task_new ("half_frame", NULL);

  tvm_task_set_timeout (task, 100);
  pool_fixture_assert_fails (pool, task, TVM_ERROR_TIMED_OUT, "half_frame");
  pool_fixture_end (pool);
}

static void
test_close_socket (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  pool_fixture_assert_fails (pool, tvm_task_new ("close_socket", NULL), TVM_ERROR_WORKER_DIED, "");
  pool_fixture_end (pool);
}

static void
test_exit (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  pool_fixture_assert_fails (pool, tvm_task_new ("exit", g_variant_new ("(i)", 7)),
                             TVM_ERROR_WORKER_DIED, "The worker of “exit” exited with status 7");
  pool_fixture_end (pool);
}

static void
test_fork_exit (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");

  pool_fixture_assert_fails (pool, tvm_task_new ("fork_exit", g_variant_new ("(s)", path)),
                             TVM_ERROR_WORKER_DIED, "status 0");
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
  pool_fixture_end (pool);
}

static void
test_daemonize (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  TvmTask *task = tvm_task_new ("daemonize", g_variant_new ("(ss)", path, "sleep"));

  tvm_task_set_timeout (task, 100);
  pool_fixture_assert_fails (pool, task, TVM_ERROR_TIMED_OUT, "daemonize");
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
  pool_fixture_end (pool);
}

/* The daemon of a task that has returned stays as long as its worker, and no longer. */
static void
test_daemon_left (PoolFixture   *fixture,
                  gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  PoolOthers others = { 0, 0 };

  value = tvm_pool_executor_call (pool, "daemonize", g_variant_new ("(ss)", path, "return"), NULL,
                                  &error);
  g_assert_no_error (error);
  pool_fixture_submit_others (pool, NULL, &others);
  pool_fixture_finish_others (&others);
  pool_fixture_end (pool);
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
}

static void
test_fork_loop (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  TvmTask *task = tvm_task_new ("fork_loop", g_variant_new ("(s)", path));

  tvm_task_set_timeout (task, 100);
  pool_fixture_assert_fails (pool, task, TVM_ERROR_TIMED_OUT, "fork_loop");
  pool_fixture_end (pool);
}

static void
test_eat_memory (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("the address sanitizer reserves more address space than any limit leaves");
  return;
#endif

  tvm_worker_spec_set_address_space_limit (fixture->spec, 512 * 1024 * 1024);
  pool = pool_fixture_pool (fixture);
  pool_fixture_assert_fails (pool, tvm_task_new ("eat_memory", g_variant_new ("(t)", G_MAXUINT64)),
                             TVM_ERROR_TASK_FAILED, "memory");
  pool_fixture_end (pool);
}

static void
test_cpu_time (PoolFixture   *fixture,
               gconstpointer  data)
{
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_cpu_time_limit (fixture->spec, 1);
  pool = pool_fixture_pool (fixture);
  pool_fixture_assert_fails (pool, tvm_task_new ("spin", NULL), TVM_ERROR_WORKER_DIED,
                             "The worker of “spin” was ended at its limit of processor time");
  pool_fixture_end (pool);
}

static void
test_recycle_size (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;
  g_autoptr (GError) error = NULL;

  /* Every worker is larger. */
  tvm_worker_spec_set_recycle_size (fixture->spec, 4096);
  pool = tvm_pool_executor_new (fixture->spec, 1);
  first = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  second = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (first), !=, g_variant_get_int32 (second));
  pool_fixture_end (g_steal_pointer (&pool));
}

/* Nothing of @spec can be started: the task fails, and the next one too. */
static void
assert_cannot_start (TvmWorkerSpec *spec,
                     int            code,
                     const char    *part)
{
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 2);

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      value = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
      g_assert_null (value);
      pool_fixture_assert_error (error, code, part);
      /* There is only one attempt where another would not help. */
      if (code != TVM_ERROR_WORKER_DIED)
        g_assert_null (strstr (error->message, "gave up"));
    }
  pool_fixture_end (pool);
}

static void
test_no_module (PoolFixture   *fixture,
                gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "missing.so");
  g_autoptr (TvmWorkerSpec) missing = tvm_worker_spec_new_module (path);
  g_autofree char *text_path = process_fixture_path (&fixture->process, "text.so");
  g_autoptr (TvmWorkerSpec) text = tvm_worker_spec_new_module (text_path);

  assert_cannot_start (missing, TVM_ERROR_NOT_FOUND, "A worker could not be started: ");
  assert_cannot_start (missing, TVM_ERROR_NOT_FOUND, "missing.so");
  tvm_worker_spec_set_start (missing, TVM_WORKER_START_FRESH);
  assert_cannot_start (missing, TVM_ERROR_NOT_FOUND, "missing.so");
  g_assert_true (g_file_set_contents (text_path, "no module", -1, NULL));
  assert_cannot_start (text, TVM_ERROR_WORKER_DIED, "text.so");
}

static void
test_no_runtime (PoolFixture   *fixture,
                 gconstpointer  data)
{
  const char * const missing[] = { "/no/such/runtime", NULL };
  const char * const silent[] = { "true", NULL };
  g_autoptr (TvmWorkerSpec) first = tvm_worker_spec_new_runtime (missing, TVM_PAYLOAD_TYPE_VARIANT, FALSE);
  g_autoptr (TvmWorkerSpec) second = tvm_worker_spec_new_runtime (missing, TVM_PAYLOAD_TYPE_VARIANT, TRUE);
  g_autoptr (TvmWorkerSpec) third = tvm_worker_spec_new_runtime (silent, TVM_PAYLOAD_TYPE_VARIANT, FALSE);
  g_autoptr (TvmWorkerSpec) fourth = tvm_worker_spec_new_runtime (silent, TVM_PAYLOAD_TYPE_VARIANT, TRUE);

  assert_cannot_start (first, TVM_ERROR_NOT_FOUND, "/no/such/runtime");
  assert_cannot_start (second, TVM_ERROR_NOT_FOUND, "/no/such/runtime");
  assert_cannot_start (third, TVM_ERROR_WORKER_DIED, "A worker exited with status 0");
  assert_cannot_start (fourth, TVM_ERROR_WORKER_DIED,
                       "A worker could not be started, as its nursery exited with status 0");
}

/* @payload: the settings of its HELLO, as printf(1) takes them; @length: of what that prints */
static void
assert_refused (const char *payload,
                gsize       length,
                const char *part)
{
  /* Frames of 32 bytes and the settings */
  g_autofree char *script =
    g_strdup_printf ("printf 'TVMF\\001\\001\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\%03o\\0\\0\\0\\0\\0\\0\\0"
                     "\\0\\0\\0\\0\\0\\0\\0\\0%s' >&3; exec sleep 1000",
                     (guint) length, payload);
  const char * const argv[] = { "sh", "-c", script, NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_VARIANT, FALSE);
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 1);
  g_autoptr (TvmTask) task = tvm_task_new ("any", NULL);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tvm_task_result_get_n_attempts (result), ==, 0);
  g_assert_false (tvm_task_result_check (result, &error));
  pool_fixture_assert_error (error, TVM_ERROR_PROTOCOL, part);
  pool_fixture_end (pool);
}

static void
test_misfits (PoolFixture   *fixture,
              gconstpointer  data)
{
  assert_refused ("protocol=9\\0", 11, "it speaks version 9 of it, and not 1");
  assert_refused ("protocol=1\\0payload=command\\0", 27,
                  "its calls are of the kind “command”, and those of the pool “gvariant”");
}

/* It never says HELLO; the task has been sent to it. */
static void
test_silent_runtime (PoolFixture   *fixture,
                     gconstpointer  data)
{
  const char * const argv[] = { "sh", "-c", "exec sleep 1000", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_VARIANT,
                                                                FALSE);

  tvm_worker_spec_set_start_timeout (spec, 100);
  assert_cannot_start (spec, TVM_ERROR_WORKER_DIED, "A worker was not ready within 0.100 seconds");
}

static void
assert_init_fails (PoolFixture *fixture,
                   TvmTask     *init,
                   const char  *part)
{
  g_autoptr (TvmTask) owned = init;

  tvm_worker_spec_set_initializer (fixture->spec, init);
  assert_cannot_start (fixture->spec, TVM_ERROR_WORKER_DIED, part);
}

static void
test_bad_initializer (PoolFixture   *fixture,
                      gconstpointer  data)
{
  tvm_worker_spec_set_start_timeout (fixture->spec, 200);
  assert_init_fails (fixture, tvm_task_new ("fail", g_variant_new ("(s)", "not today")),
                     "A worker could not be initialized: not today");
  assert_init_fails (fixture, tvm_task_new ("no_such_function", NULL), "no_such_function");
  assert_init_fails (fixture, tvm_task_new ("exit", g_variant_new ("(i)", 9)), "status 9");
  assert_init_fails (fixture, tvm_task_new ("crash", NULL), "signal 11");
  assert_init_fails (fixture, tvm_task_new ("spin_blocked", NULL), "0.200 seconds");
}

/* The nursery and the supervisor are killed by somebody: what runs below them dies, what has not
 * begun runs elsewhere. */
static void
kill_parent_of_worker (PoolFixture *fixture,
                       guint        level)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  g_autoptr (TvmTask) daemon = tvm_task_new ("daemonize", g_variant_new ("(ss)", path, "sleep"));
  g_autofree char *other_path = process_fixture_path (&fixture->process, "other");
  g_autoptr (TvmTask) other = tvm_task_new ("fork_loop", g_variant_new ("(s)", other_path));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) daemon_async = NULL;
  g_autoptr (GAsyncResult) other_async = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  PoolOthers others = { 0, 0 };
  int victim;

  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  victim = g_variant_get_int32 (pid);
  for (guint i = 0; i < level; i++)
    victim = pool_fixture_get_parent (victim);
  g_assert_cmpint (victim, !=, getpid ());

  /* Both workers are busy, so that none of the others has begun. What can be cancelled is not sent
   * ahead to a worker that is busy. */
  tvm_pool_executor_submit_async (pool, daemon, NULL, pool_fixture_ready, &daemon_async);
  pool_fixture_read_pid (path);
  tvm_pool_executor_submit_async (pool, other, cancellable, pool_fixture_ready, &other_async);
  pool_fixture_read_pid (other_path);
  pool_fixture_submit_others (pool, NULL, &others);
  kill (victim, SIGKILL);
  pool_fixture_assert_failed (pool, &daemon_async, TVM_ERROR_WORKER_DIED, "daemonize");
  pool_fixture_assert_failed (pool, &other_async, TVM_ERROR_WORKER_DIED, "fork_loop");
  pool_fixture_finish_others (&others);
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
  pool_fixture_end (pool);
}

static void
test_nursery_killed (PoolFixture   *fixture,
                     gconstpointer  data)
{
  kill_parent_of_worker (fixture, 1);
}

static void
test_supervisor_killed (PoolFixture   *fixture,
                        gconstpointer  data)
{
  kill_parent_of_worker (fixture, 2);
}

/* Nobody who could kill the worker answers. */
static void
test_nursery_stopped (PoolFixture   *fixture,
                      gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (fixture->spec, 1);
  g_autoptr (TvmTask) task = tvm_task_new ("spin", NULL);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;

  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  kill (pool_fixture_get_parent (g_variant_get_int32 (pid)), SIGSTOP);

  tvm_task_set_timeout (task, 50);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_TIMEOUT);
  pool_fixture_end (g_steal_pointer (&pool));
  pool_fixture_wait_dead (g_variant_get_int32 (pid));
}

/* A worker that died while it had nothing to do is nobody's loss. */
static void
test_died_idle (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  for (int i = 0; i < 20; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

      g_assert_no_error (error);
      kill (g_variant_get_int32 (pid), SIGKILL);
      pool_fixture_assert_sum (pool, i, i);
    }
  pool_fixture_end (pool);
}

#define LARGE_SIZE ((gsize) 3 << 30)

static void
test_large_arguments (PoolFixture   *fixture,
                      gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  const gsize size = LARGE_SIZE;
  gpointer memory = mmap (NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TvmTask) task = NULL;
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (GError) error = NULL;
  PoolOthers others = { 0, 0 };

  /* Never touched, so that it is no memory */
  g_assert_true (memory != MAP_FAILED);
  bytes = g_bytes_new_static (memory, size);
  task = tvm_task_new ("echo", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  pool_fixture_submit_others (pool, NULL, &others);
  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  g_assert_null (tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error));
  pool_fixture_assert_error (error, TVM_ERROR_INVALID_ARGUMENT, "3221225472");
  pool_fixture_finish_others (&others);
  g_clear_object (&async);
  pool_fixture_end (pool);
  g_clear_object (&task);
  munmap (memory, size);
}

static void
test_large_result (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  /* Also of the worker nothing of it is touched. */
  pool_fixture_assert_fails (pool, tvm_task_new ("big", g_variant_new ("(t)", (guint64) LARGE_SIZE)),
                             TVM_ERROR_TASK_FAILED, "32212254");
  pool_fixture_end (pool);

  tvm_worker_spec_set_maximum_message_size (fixture->spec, 1024 * 1024);
  pool = pool_fixture_pool (fixture);
  pool_fixture_assert_fails (pool, tvm_task_new ("big", g_variant_new ("(t)", (guint64) 1024 * 1024)),
                             TVM_ERROR_TASK_FAILED, "");
  pool_fixture_end (pool);
}

static void
test_echo_large (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  const gsize size = 20 * 1024 * 1024 + 7;
  guint8 *memory = g_malloc (size);
  g_autoptr (GVariant) args = NULL;

  for (gsize i = 0; i < size; i++)
    memory[i] = (guint8) (i * 31 + (i >> 12));
  args = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, memory, size, TRUE,
                                                      g_free, memory));
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = tvm_pool_executor_call (pool, "echo", args, NULL, &error);

      g_assert_no_error (error);
      pool_fixture_assert_same (value, args);
    }
  pool_fixture_end (pool);
}

static void
test_wrong_type (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  const char * const argv[] = { "true", NULL };
  g_autoptr (TvmTask) command = tvm_task_new_command (argv);
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_pool_executor_submit (pool, command, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  pool_fixture_end (pool);
}

/* Makes both workers of @pool stop within a task. */
static void
stop_workers (TvmPoolExecutor *pool,
              int              pids[2],
              GAsyncResult    *asyncs[2])
{
  GListModel *workers = tvm_pool_executor_get_workers (pool);
  guint n_busy = 0;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new ("stop_self", NULL);

      tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &asyncs[i]);
    }

  while (n_busy < 2)
    {
      g_main_context_iteration (NULL, TRUE);
      n_busy = 0;
      for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
        {
          g_autoptr (TvmWorkerInfo) info = g_list_model_get_item (workers, i);

          if (tvm_worker_info_get_state (info) == TVM_WORKER_STATE_BUSY
              && tvm_worker_info_get_pid (info) > 0)
            pids[n_busy++] = tvm_worker_info_get_pid (info);
        }
    }

  for (guint i = 0; i < 2; i++)
    pool_fixture_wait_state (pids[i], 'T');
}

/* While all that the pool has to do is to wait: a fork at another time may find a lock of GLib that
 * the other thread has. */
static void
test_fork_in_flight (PoolFixture   *fixture,
                     gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = tvm_task_new ("add", g_variant_new ("(ii)", 1, 2));
  GAsyncResult *asyncs[2] = { NULL, NULL };
  PoolOthers others = { 0, 0 };
  int pids[2];
  int status;
  pid_t pid;

  stop_workers (pool, pids, asyncs);
  pool_fixture_submit_others (pool, NULL, &others);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = tvm_pool_executor_submit (pool, task, NULL, &error);

      /* Also what would end those that are not its own */
      tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, NULL);
      _exit (result == NULL && g_error_matches (error, TVM_ERROR, TVM_ERROR_FAILED) ? 0 : 1);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TvmTaskResult) result = NULL;
      g_autoptr (GAsyncResult) async = NULL;
      g_autoptr (GError) error = NULL;

      kill (pids[i], SIGCONT);
      async = g_object_ref (pool_fixture_wait (&asyncs[i]));
      g_clear_object (&asyncs[i]);
      result = tvm_pool_executor_submit_finish (pool, async, &error);
      g_assert_no_error (error);
      g_assert_true (tvm_task_result_check (result, &error));
    }
  pool_fixture_finish_others (&others);
  pool_fixture_end (pool);
}

/* The child has no use of the pool, and does no harm to it. */
static void
test_fork_in_application (PoolFixture   *fixture,
                          gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autoptr (TvmTask) task = tvm_task_new ("add", g_variant_new ("(ii)", 1, 2));
  int status;
  pid_t pid;

  pool_fixture_assert_sum (pool, 1, 2);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = tvm_pool_executor_submit (pool, task, NULL, &error);
      gboolean good = result == NULL && g_error_matches (error, TVM_ERROR, TVM_ERROR_FAILED);
      TvmPoolExecutor *own;

      g_object_unref (pool);
      own = pool_fixture_pool (fixture);
      pool_fixture_assert_sum (own, 3, 4);
      pool_fixture_end (own);
      _exit (good ? 0 : 1);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  pool_fixture_assert_sum (pool, 5, 6);
  pool_fixture_end (pool);
}

static char *
dup_text (GBytes *bytes)
{
  g_assert_nonnull (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* Past all that the C library knows of, and as if it were of the protocol */
static void
test_raw_output (PoolFixture   *fixture,
                 gconstpointer  data)
{
  g_autoptr (TvmTask) task = tvm_task_new ("write_fd", g_variant_new ("(is)", 1, "TVMF\1\6 none"));
  g_autoptr (TvmTask) close_task = tvm_task_new ("close_stdio", NULL);
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (TvmTaskResult) closed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  PoolOthers others = { 0, 0 };
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  pool = pool_fixture_pool (fixture);
  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  pool_fixture_submit_others (pool, NULL, &others);
  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  g_assert_true (tvm_task_result_check (result, &error));
  text = dup_text (tvm_task_result_get_stdout (result));
  g_assert_cmpstr (text, ==, "TVMF\1\6 none");
  pool_fixture_finish_others (&others);

  closed = tvm_pool_executor_submit (pool, close_task, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (tvm_task_result_check (closed, &error));
  others = (PoolOthers) { 0, 0 };
  pool_fixture_submit_others (pool, NULL, &others);
  pool_fixture_finish_others (&others);
  g_clear_object (&async);
  pool_fixture_end (pool);
}

/* A call that an engine was given, for the threads that do not have a main loop */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean done;
  TvmTaskResult *result;
  GError *error;
} Outcome;

static void
outcome_done (TvmTaskResult *result,
              GError        *error,
              gpointer       user_data)
{
  Outcome *self = user_data;

  g_mutex_lock (&self->mutex);
  self->result = result;
  self->error = error;
  self->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
outcome_wait (Outcome *self)
{
  g_mutex_lock (&self->mutex);
  while (!self->done)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
}

static void
outcome_assert_good (Outcome *self)
{
  g_autoptr (GError) error = NULL;

  outcome_wait (self);
  g_assert_no_error (self->error);
  g_assert_true (tvm_task_result_check (self->result, &error));
  g_clear_object (&self->result);
}

static TvmCall *
submit_to_engine (TvmEngine  *engine,
                  const char *function,
                  Outcome    *outcome)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, NULL);

  return tvm_engine_submit (engine, task, NULL, outcome_done, outcome);
}

static void
engine_ended (gpointer user_data)
{
  outcome_done (NULL, NULL, user_data);
}

/* A call that was sent ahead and is cancelled is taken back: it never begins, and its worker
 * lives. */
static void
test_cancelled_ahead (PoolFixture   *fixture,
                      gconstpointer  data)
{
  TvmEngine *engine = tvm_engine_new (fixture->spec, 1);
  Outcome first = { .done = FALSE };
  Outcome head = { .done = FALSE };
  Outcome cancelled = { .done = FALSE };
  Outcome behind = { .done = FALSE };
  Outcome ended = { .done = FALSE };
  TvmCall *call;
  int pid;

  tvm_call_unref (submit_to_engine (engine, "pid", &first));
  outcome_wait (&first);
  pid = g_variant_get_int32 (tvm_task_result_get_value (first.result));
  outcome_assert_good (&first);

  /* As if calls had been short */
  tvm_engine_lock (engine);
  engine->max_depth = 8;
  tvm_engine_unlock (engine);
  tvm_call_unref (submit_to_engine (engine, "stop_self", &head));
  call = submit_to_engine (engine, "spin", &cancelled);
  tvm_call_unref (submit_to_engine (engine, "pid", &behind));
  pool_fixture_wait_state (pid, 'T');
  tvm_call_cancel (call);
  outcome_wait (&cancelled);
  g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&cancelled.error);
  tvm_call_unref (call);

  kill (pid, SIGCONT);
  outcome_assert_good (&head);
  outcome_wait (&behind);
  g_assert_cmpint (g_variant_get_int32 (tvm_task_result_get_value (behind.result)), ==, pid);
  outcome_assert_good (&behind);
  tvm_engine_shutdown (engine, TVM_SHUTDOWN_MODE_DRAIN, engine_ended, &ended);
  outcome_wait (&ended);
  tvm_engine_unref (engine);
}

/* However many workers it has been sent to, behind calls that ended them */
static void
test_behind_crashes (PoolFixture   *fixture,
                     gconstpointer  data)
{
  TvmEngine *engine = tvm_engine_new (fixture->spec, 1);
  Outcome crashed[30] = { { .done = FALSE } };
  Outcome first = { .done = FALSE };
  Outcome behind = { .done = FALSE };
  Outcome ended = { .done = FALSE };

  tvm_call_unref (submit_to_engine (engine, "pid", &first));
  outcome_assert_good (&first);
  tvm_engine_lock (engine);
  engine->max_depth = 64;
  tvm_engine_unlock (engine);

  for (guint i = 0; i < G_N_ELEMENTS (crashed); i++)
    tvm_call_unref (submit_to_engine (engine, "crash", &crashed[i]));
  tvm_call_unref (submit_to_engine (engine, "pid", &behind));
  for (guint i = 0; i < G_N_ELEMENTS (crashed); i++)
    {
      g_autoptr (GError) error = NULL;

      outcome_wait (&crashed[i]);
      g_assert_no_error (crashed[i].error);
      g_assert_false (tvm_task_result_check (crashed[i].result, &error));
      pool_fixture_assert_error (error, TVM_ERROR_WORKER_DIED, "signal 11");
      g_clear_object (&crashed[i].result);
    }
  outcome_assert_good (&behind);
  tvm_engine_shutdown (engine, TVM_SHUTDOWN_MODE_DRAIN, engine_ended, &ended);
  outcome_wait (&ended);
  tvm_engine_unref (engine);
}

#define POISON "poison"

/* The worker of the next test, which ends before it has begun what is poison */
static int
run_worker (void)
{
  TvmFrameReader reader = { .fd = TVM_WORKER_CHANNEL_FD };
  TvmStatusPage *page = tvm_status_page_map (TVM_WORKER_PAGE_FD);
  static const char hello[] = "protocol=1\0payload=bytes";
  TvmFrameHeader header = { .kind = TVM_FRAME_HELLO, .length = sizeof hello };
  int fds[TVM_FRAME_MAX_FDS];
  const char *problem;
  void *payload;

  if (page == NULL || tvm_frame_write (reader.fd, header, hello, NULL) != 0)
    return EXIT_FAILURE;

  while (tvm_frame_read (&reader, G_MAXUINT32, &header, &payload, fds, &problem)
         == TVM_FRAME_READ_OK)
    {
      if (header.kind != TVM_FRAME_CALL)
        continue;
      if (header.length == strlen (POISON) && memcmp (payload, POISON, strlen (POISON)) == 0)
        _exit (7);

      tvm_status_page_begin (page, header.id);
      tvm_frame_write (reader.fd, (TvmFrameHeader) {
        .kind = TVM_FRAME_RESULT, .id = header.id, .length = header.length,
      }, payload, NULL);
    }
  tvm_frame_reader_clear (&reader);

  return EXIT_SUCCESS;
}

static void
submit_bytes (TvmPoolExecutor *pool,
              const char      *text,
              GAsyncResult   **async)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autoptr (TvmTask) task = tvm_task_new_bytes (bytes);

  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, async);
}

/* A task that no worker lives to begin is tried again, but not for ever, and is no reason to take
 * the others for lost. @n of them from @position on */
static void
assert_poison (guint    n_workers,
               guint    position,
               guint    n)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  const char * const argv[] = { self, NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_BYTES, FALSE);
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, n_workers);
  GAsyncResult *asyncs[POOL_FIXTURE_N_OTHERS] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (asyncs); i++)
    submit_bytes (pool, i - position < n ? POISON : "good", &asyncs[i]);

  for (guint i = 0; i < G_N_ELEMENTS (asyncs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result =
        tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&asyncs[i]), &error);

      g_assert_no_error (error);
      if (i - position < n)
        {
          g_assert_false (tvm_task_result_check (result, &error));
          pool_fixture_assert_error (error, TVM_ERROR_WORKER_DIED, "status 7");
          /* It may also have waited behind others of them. */
          g_assert_cmpuint (tvm_task_result_get_n_attempts (result), >=, 3);
          g_assert_cmpuint (tvm_task_result_get_n_attempts (result), <=, 3 * n);
        }
      else if (!tvm_task_result_check (result, &error))
        g_error ("%u of %u: %s", i, position, error->message);
      g_object_unref (asyncs[i]);
    }
  pool_fixture_end (pool);
}

static void
test_poison (PoolFixture   *fixture,
             gconstpointer  data)
{
  for (guint n_workers = 1; n_workers <= 2; n_workers++)
    {
      assert_poison (n_workers, 0, 1);
      assert_poison (n_workers, 5, 1);
      assert_poison (n_workers, 20, 10);
      assert_poison (n_workers, POOL_FIXTURE_N_OTHERS - 1, 1);
    }
}

int
main (int    argc,
      char **argv)
{
  if (g_str_has_prefix (argv[argc - 1], TVM_WORKER_ROLE_OPTION))
    return run_worker ();

  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-faults/garbage", test_garbage);
  pool_fixture_add ("/pool-faults/half-frame", test_half_frame);
  pool_fixture_add ("/pool-faults/close-socket", test_close_socket);
  pool_fixture_add ("/pool-faults/exit", test_exit);
  pool_fixture_add ("/pool-faults/fork-exit", test_fork_exit);
  pool_fixture_add ("/pool-faults/daemonize", test_daemonize);
  pool_fixture_add ("/pool-faults/fork-loop", test_fork_loop);
  pool_fixture_add ("/pool-faults/eat-memory", test_eat_memory);
  pool_fixture_add ("/pool-faults/cpu-time", test_cpu_time);
  pool_fixture_add ("/pool-faults/recycle-size", test_recycle_size);
  pool_fixture_add ("/pool-faults/no-module", test_no_module);
  pool_fixture_add ("/pool-faults/no-runtime", test_no_runtime);
  pool_fixture_add ("/pool-faults/misfits", test_misfits);
  pool_fixture_add ("/pool-faults/silent-runtime", test_silent_runtime);
  pool_fixture_add ("/pool-faults/nursery-stopped", test_nursery_stopped);
  pool_fixture_add ("/pool-faults/bad-initializer", test_bad_initializer);
  pool_fixture_add ("/pool-faults/nursery-killed", test_nursery_killed);
  pool_fixture_add ("/pool-faults/supervisor-killed", test_supervisor_killed);
  pool_fixture_add ("/pool-faults/died-idle", test_died_idle);
  pool_fixture_add ("/pool-faults/large-arguments", test_large_arguments);
  pool_fixture_add ("/pool-faults/large-result", test_large_result);
  pool_fixture_add ("/pool-faults/echo-large", test_echo_large);
  pool_fixture_add ("/pool-faults/wrong-type", test_wrong_type);
  pool_fixture_add ("/pool-faults/fork-in-application", test_fork_in_application);
  pool_fixture_add ("/pool-faults/bad-calls", test_bad_calls);
  pool_fixture_add ("/pool-faults/unkillable", test_unkillable);
  pool_fixture_add ("/pool-faults/daemon-left", test_daemon_left);
  pool_fixture_add ("/pool-faults/fork-in-flight", test_fork_in_flight);
  pool_fixture_add ("/pool-faults/raw-output", test_raw_output);
  pool_fixture_add ("/pool-faults/cancelled-ahead", test_cancelled_ahead);
  pool_fixture_add ("/pool-faults/behind-crashes", test_behind_crashes);
  pool_fixture_add ("/pool-faults/poison", test_poison);

  return g_test_run ();
}
