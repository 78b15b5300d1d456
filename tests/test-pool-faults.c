/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a pool does when tasks, workers and what is below them misbehave. Each test ends with the
 * right error on the right task, all other tasks done and, in the tear-down, no process and no
 * descriptor left. */

#define N_OTHERS 50

typedef struct
{
  guint n_done;
  guint n_good;
} Others;

static void
other_done (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Others *others = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) outcome =
    tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);

  others->n_done++;
  if (outcome != NULL && tvm_task_result_check (outcome, NULL))
    others->n_good++;
}

/* @cancellable: those that can be cancelled are not sent ahead to a worker that is still busy. */
static void
submit_others (TvmPoolExecutor *pool,
               GCancellable    *cancellable,
               Others          *others)
{
  for (int i = 0; i < N_OTHERS; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new ("add", g_variant_new ("(ii)", i, i));

      tvm_pool_executor_submit_async (pool, task, cancellable, other_done, others);
    }
}

static void
finish_others (Others *others)
{
  while (others->n_done < N_OTHERS)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (others->n_good, ==, N_OTHERS);
}

/* Runs @task (taken) among others. Its error must be @code, with @part in its message. After what
 * is no frame nothing can be understood that the worker says, so that answers to calls that were
 * sent ahead would be lost. */
static void
assert_fails_among_others (TvmPoolExecutor *pool,
                           TvmTask         *task,
                           int              code,
                           const char      *part)
{
  g_autoptr (TvmTask) owned = task;
  g_autoptr (GCancellable) cancellable = code == TVM_ERROR_PROTOCOL ? g_cancellable_new () : NULL;
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Others others = { 0, 0 };

  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  submit_others (pool, cancellable, &others);
  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” is not in “%s”", part, error->message);
  finish_others (&others);
}

static void
test_garbage (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  assert_fails_among_others (pool, tvm_task_new ("garbage", NULL), TVM_ERROR_PROTOCOL, "protocol");
  pool_fixture_end (pool);
}

static void
test_half_frame (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  TvmTask *task = tvm_task_new ("half_frame", NULL);

  tvm_task_set_timeout (task, 100);
  assert_fails_among_others (pool, task, TVM_ERROR_TIMED_OUT, "half_frame");
  pool_fixture_end (pool);
}

static void
test_close_socket (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  assert_fails_among_others (pool, tvm_task_new ("close_socket", NULL), TVM_ERROR_WORKER_DIED, "");
  pool_fixture_end (pool);
}

static void
test_exit (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  assert_fails_among_others (pool, tvm_task_new ("exit", g_variant_new ("(i)", 7)),
                             TVM_ERROR_WORKER_DIED, "status 7");
  pool_fixture_end (pool);
}

static void
test_fork_exit (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");

  assert_fails_among_others (pool, tvm_task_new ("fork_exit", g_variant_new ("(s)", path)),
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
  assert_fails_among_others (pool, task, TVM_ERROR_TIMED_OUT, "daemonize");
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
  pool_fixture_end (pool);
}

static void
test_fork_loop (PoolFixture   *fixture,
                gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  TvmTask *task = tvm_task_new ("fork_loop", g_variant_new ("(s)", path));

  tvm_task_set_timeout (task, 100);
  assert_fails_among_others (pool, task, TVM_ERROR_TIMED_OUT, "fork_loop");
  pool_fixture_end (pool);
}

static void
test_eat_memory (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_address_space_limit (fixture->spec, 512 * 1024 * 1024);
  pool = pool_fixture_pool (fixture);
  assert_fails_among_others (pool, tvm_task_new ("eat_memory", g_variant_new ("(t)", G_MAXUINT64)),
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
  assert_fails_among_others (pool, tvm_task_new ("spin", NULL), TVM_ERROR_WORKER_DIED, "");
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
                     const char    *part)
{
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 2);

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      value = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
      g_assert_null (value);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
      if (strstr (error->message, part) == NULL)
        g_error ("“%s” is not in “%s”", part, error->message);
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

  assert_cannot_start (missing, "missing.so");
  tvm_worker_spec_set_start (missing, TVM_WORKER_START_FRESH);
  assert_cannot_start (missing, "missing.so");
  g_assert_true (g_file_set_contents (text_path, "no module", -1, NULL));
  assert_cannot_start (text, "text.so");
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

  assert_cannot_start (first, "/no/such/runtime");
  assert_cannot_start (second, "/no/such/runtime");
  assert_cannot_start (third, "status 0");
  assert_cannot_start (fourth, "status 0");
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
  assert_cannot_start (spec, "0.100 seconds");
}

static void
assert_init_fails (PoolFixture *fixture,
                   TvmTask     *init,
                   const char  *part)
{
  g_autoptr (TvmTask) owned = init;

  tvm_worker_spec_set_initializer (fixture->spec, init);
  assert_cannot_start (fixture->spec, part);
}

static void
test_bad_initializer (PoolFixture   *fixture,
                      gconstpointer  data)
{
  tvm_worker_spec_set_start_timeout (fixture->spec, 200);
  assert_init_fails (fixture, tvm_task_new ("fail", g_variant_new ("(s)", "not today")), "not today");
  assert_init_fails (fixture, tvm_task_new ("no_such_function", NULL), "no_such_function");
  assert_init_fails (fixture, tvm_task_new ("exit", g_variant_new ("(i)", 9)), "status 9");
  assert_init_fails (fixture, tvm_task_new ("crash", NULL), "signal 11");
  assert_init_fails (fixture, tvm_task_new ("spin_blocked", NULL), "0.200 seconds");
}

static int
get_parent (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;

  g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
  return atoi (strrchr (stat, ')') + 4);
}

/* The nursery and the supervisor are killed by somebody: what runs below them dies, what has not
 * begun runs elsewhere. */
static void
kill_parent_of_worker (PoolFixture *fixture,
                       guint        level)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  g_autofree char *path = process_fixture_path (&fixture->process, "pid");
  g_autoptr (TvmTask) task = tvm_task_new ("daemonize", g_variant_new ("(ss)", path, "sleep"));
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GError) error = NULL;
  Others others = { 0, 0 };
  int victim;

  pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_no_error (error);
  victim = g_variant_get_int32 (pid);
  for (guint i = 0; i < level; i++)
    victim = get_parent (victim);
  g_assert_cmpint (victim, !=, getpid ());

  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  pool_fixture_read_pid (path);
  kill (victim, SIGKILL);
  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  pool_fixture_wait_dead (pool_fixture_read_pid (path));

  submit_others (pool, NULL, &others);
  finish_others (&others);
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
  kill (get_parent (g_variant_get_int32 (pid)), SIGSTOP);

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

static void
test_large_arguments (PoolFixture   *fixture,
                      gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  const gsize size = (gsize) 3 << 30;
  gpointer memory = mmap (NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) args = NULL;
  g_autoptr (GError) error = NULL;

  /* Never touched, so that it is no memory */
  g_assert_true (memory != MAP_FAILED);
  bytes = g_bytes_new_static (memory, size);
  args = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  value = tvm_pool_executor_call (pool, "echo", args, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);
  g_clear_pointer (&args, g_variant_unref);
  munmap (memory, size);
}

static void
test_large_result (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_message_size (fixture->spec, 1024 * 1024);
  pool = pool_fixture_pool (fixture);
  assert_fails_among_others (pool, tvm_task_new ("big", g_variant_new ("(t)", (guint64) 1024 * 1024)),
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

static guint
take_all_fds (int *fds,
              guint n)
{
  guint taken = 0;

  while (taken < n && (fds[taken] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    taken++;
  return taken;
}

static void
test_no_fds (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  TvmPoolExecutor *used = pool_fixture_pool (fixture);
  struct rlimit limit;
  struct rlimit old;
  int fds[256];
  guint n;

  pool_fixture_assert_sum (used, 1, 2);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &old));
  limit = old;
  limit.rlim_cur = 200;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
  n = take_all_fds (fds, G_N_ELEMENTS (fds));
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) value = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

    g_assert_null (value);
    g_assert_nonnull (error);
    /* A worker that is there goes on. */
    pool_fixture_assert_sum (used, 3, 4);
  }
  while (n > 0)
    close (fds[--n]);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &old));

  pool_fixture_assert_sum (pool, 5, 6);
  pool_fixture_end (pool);
  pool_fixture_end (used);
}

static char *
dup_text (GBytes *bytes)
{
  g_assert_nonnull (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
test_output (PoolFixture   *fixture,
             gconstpointer  data)
{
  g_autoptr (TvmTask) task = tvm_task_new ("write_stdout", g_variant_new ("(s)", "to fd 1\n"));
  g_autofree char *path = process_fixture_path (&fixture->process, "log");
  g_autofree char *contents = NULL;
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  pool = pool_fixture_pool (fixture);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  text = dup_text (tvm_task_result_get_stdout (result));
  g_assert_cmpstr (text, ==, "to fd 1\n");
  g_clear_object (&result);
  pool_fixture_end (pool);

  tvm_worker_spec_set_stdout_path (fixture->spec, path);
  pool = pool_fixture_pool (fixture);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&result);
  pool_fixture_end (pool);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "to fd 1\n");

  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pool = pool_fixture_pool (fixture);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  pool_fixture_end (pool);
  while (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (stream)) < 8)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpmem (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (stream)), 8, "to fd 1\n", 8);
}

int
main (int    argc,
      char **argv)
{
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
  pool_fixture_add ("/pool-faults/no-fds", test_no_fds);
  pool_fixture_add ("/pool-faults/output", test_output);

  return g_test_run ();
}
