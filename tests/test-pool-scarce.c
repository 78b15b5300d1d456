/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a pool does when there are no descriptors and no processes to be had: calls fail and say
 * why, none waits for ever, nothing leaks, and all is well again once there are some. */

#define LIMIT_USEC (20 * G_USEC_PER_SEC)

/* More than a pool needs to start its first worker */
#define ENOUGH_FDS 32

typedef struct
{
  struct rlimit before;
  int fds[256];
  guint n;
} Shortage;

/* Leaves @n_free descriptors. */
static void
begin_shortage (Shortage *self,
                guint     n_free)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &self->before));
  limit = self->before;
  limit.rlim_cur = G_N_ELEMENTS (self->fds);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));

  self->n = 0;
  while (self->n < G_N_ELEMENTS (self->fds)
         && (self->fds[self->n] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    self->n++;
  g_assert_cmpint (errno, ==, EMFILE);

  for (guint i = 0; i < n_free; i++)
    close (self->fds[--self->n]);
}

static void
end_shortage (Shortage *self)
{
  while (self->n > 0)
    close (self->fds[--self->n]);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &self->before));
}

/* What is closed on another thread takes a moment. */
static void
wait_fds (guint n_fds)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;

  while (process_fixture_count_fds () > n_fds && g_get_monotonic_time () < limit)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (200);
    }
  g_assert_cmpuint (process_fixture_count_fds (), <=, n_fds);
}

typedef struct
{
  guint n_done;
  guint n_good;
  int errsv;            /* what the others must have failed with */
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

  outcomes->n_done++;
  if (outcome != NULL && tvm_task_result_check (outcome, &error))
    outcomes->n_good++;
  else if (strstr (error->message, g_strerror (outcomes->errsv)) == NULL)
    g_error ("“%s” is not in “%s”", g_strerror (outcomes->errsv), error->message);
}

/* Runs @n tasks with @make. */
static void
run_some (TvmPoolExecutor  *pool,
          TvmTask        *(*make) (void),
          guint             n,
          int               errsv,
          Outcomes         *outcomes)
{
  *outcomes = (Outcomes) { 0, 0, errsv };
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TvmTask) task = make ();

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, outcomes);
    }
  while (outcomes->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

static TvmTask *
make_pid (void)
{
  return tvm_task_new ("pid", NULL);
}

static TvmTask *
make_true (void)
{
  return tvm_task_new_command ((const char * const []) { "true", NULL });
}

static TvmTask *
make_true_with_stdin (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("in", 2);
  TvmTask *task = make_true ();

  tvm_task_set_stdin (task, bytes);
  return task;
}

/* With one descriptor more each time, another step of the start finds none. */
static void
assert_starts_fail (TvmWorkerSpec  *spec,
                    TvmTask      *(*make) (void))
{
  guint n_fds = process_fixture_count_fds ();
  guint n_failed = 0;

  for (guint n_free = 0; n_free <= ENOUGH_FDS; n_free++)
    {
      TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 2);
      Outcomes outcomes;
      Shortage shortage;

      begin_shortage (&shortage, n_free);
      run_some (pool, make, 5, EMFILE, &outcomes);
      end_shortage (&shortage);
      n_failed += outcomes.n_good == 0;
      if (n_free == ENOUGH_FDS)
        g_assert_cmpuint (outcomes.n_good, ==, 5);

      run_some (pool, make, 5, 0, &outcomes);
      g_assert_cmpuint (outcomes.n_good, ==, 5);
      pool_fixture_end (pool);
      wait_fds (n_fds);
    }
  g_assert_cmpuint (n_failed, >, 0);
}

static void
test_starts (PoolFixture   *fixture,
             gconstpointer  data)
{
  assert_starts_fail (fixture->spec, make_pid);
}

static void
test_starts_fresh (PoolFixture   *fixture,
                   gconstpointer  data)
{
  tvm_worker_spec_set_start (fixture->spec, TVM_WORKER_START_FRESH);
  assert_starts_fail (fixture->spec, make_pid);
}

static void
test_starts_captured (PoolFixture   *fixture,
                      gconstpointer  data)
{
  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  tvm_worker_spec_set_stderr_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  assert_starts_fail (fixture->spec, make_pid);
}

static void
test_starts_of_commands (PoolFixture   *fixture,
                         gconstpointer  data)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();

  assert_starts_fail (spec, make_true);
}

static int
get_pid (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

  g_assert_no_error (error);
  return g_variant_get_int32 (pid);
}

/* A pool that has worked loses its only worker. */
static void
test_nobody_serves (PoolFixture   *fixture,
                    gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (fixture->spec, 1);
  g_autoptr (TvmTask) stop = tvm_task_new ("stop_self", NULL);
  g_autoptr (GAsyncResult) async = NULL;
  int pid = get_pid (pool);
  Outcomes outcomes = { 0, 0, EMFILE };
  Shortage shortage;

  tvm_pool_executor_submit_async (pool, stop, NULL, pool_fixture_ready, &async);
  pool_fixture_wait_state (pid, 'T');
  begin_shortage (&shortage, 0);
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (TvmTask) task = make_pid ();

      tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, &outcomes);
    }
  kill (pid, SIGKILL);
  pool_fixture_assert_failed (pool, &async, TVM_ERROR_WORKER_DIED, "stop_self");
  while (outcomes.n_done < 50)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (outcomes.n_good, ==, 0);

  /* What is submitted now fails as well, and at once. */
  run_some (pool, make_pid, 5, EMFILE, &outcomes);
  g_assert_cmpuint (outcomes.n_good, ==, 0);
  end_shortage (&shortage);
  run_some (pool, make_pid, 5, 0, &outcomes);
  g_assert_cmpuint (outcomes.n_good, ==, 5);
  pool_fixture_end (g_steal_pointer (&pool));
}

/* A worker that is there goes on. */
static void
test_used (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  PoolOthers others = { 0, 0 };
  Shortage shortage;

  pool_fixture_assert_sum (pool, 1, 2);
  begin_shortage (&shortage, 0);
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_submit_others (pool, NULL, &others);
  pool_fixture_finish_others (&others);
  end_shortage (&shortage);
  pool_fixture_end (pool);
}

/* Each command needs some. */
static void
test_used_for_commands (PoolFixture   *fixture,
                        gconstpointer  data)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 1);
  Outcomes outcomes;
  guint n_fds;

  run_some (pool, make_true, 1, 0, &outcomes);
  n_fds = process_fixture_count_fds ();
  for (guint n_free = 0; n_free <= 8; n_free++)
    {
      Shortage shortage;

      begin_shortage (&shortage, n_free);
      run_some (pool, make_true_with_stdin, 5, EMFILE, &outcomes);
      end_shortage (&shortage);
      g_assert_cmpuint (outcomes.n_good, ==, n_free < 5 ? 0 : 5);

      run_some (pool, make_true_with_stdin, 5, 0, &outcomes);
      g_assert_cmpuint (outcomes.n_good, ==, 5);
      wait_fds (n_fds);
    }
  pool_fixture_end (pool);
}

/* Outlets */

#define N_ROUNDS 20

static void
assert_command_fails (TvmPoolExecutor *pool,
                      TvmTask         *task,
                      GQuark           domain,
                      int              code)
{
  g_autoptr (TvmTask) owned = task;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmTaskResult) result = tvm_pool_executor_submit (pool, task, NULL, &error);

      if (result != NULL)
        g_assert_false (tvm_task_result_check (result, &error));
      g_assert_error (error, domain, code);
    }
}

static void
cancel_commands (TvmPoolExecutor *pool)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new_command ((const char * const []) {
        "sleep", "1000", NULL });
      g_autoptr (TvmTask) queued = make_true ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) async = NULL;
      g_autoptr (GAsyncResult) queued_async = NULL;
      g_autoptr (GError) error = NULL;

      tvm_pool_executor_submit_async (pool, task, cancellable, pool_fixture_ready, &async);
      tvm_pool_executor_submit_async (pool, queued, cancellable, pool_fixture_ready,
                                      &queued_async);
      while (tvm_pool_executor_get_n_running (pool) == 0)
        g_main_context_iteration (NULL, TRUE);
      g_cancellable_cancel (cancellable);
      g_assert_null (tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&async), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      g_assert_null (tvm_pool_executor_submit_finish (pool, pool_fixture_wait (&queued_async),
                                                      &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

/* The pipes that a command writes to go with it, however it ends. */
static void
test_outlets (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 1);
  g_autofree char *path = process_fixture_path (&fixture->process, "text");
  const char * const text_argv[] = { path, NULL };
  TvmTask *task;
  Outcomes outcomes;
  guint n_fds;

  run_some (pool, make_true, 1, 0, &outcomes);
  g_assert_cmpuint (outcomes.n_good, ==, 1);
  n_fds = process_fixture_count_fds ();

  /* It is found, and cannot be executed. */
  g_assert_true (g_file_set_contents (path, "no program", -1, NULL));
  g_assert_no_errno (chmod (path, 0700));
  assert_command_fails (pool, tvm_task_new_command (text_argv), G_IO_ERROR, G_IO_ERROR_FAILED);
  run_some (pool, make_true, 1, 0, &outcomes);
  wait_fds (n_fds);

  task = make_true ();
  tvm_task_set_working_directory (task, "/no/such/directory");
  assert_command_fails (pool, task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  run_some (pool, make_true, 1, 0, &outcomes);
  wait_fds (n_fds);

  task = tvm_task_new_command ((const char * const []) { "sleep", "1000", NULL });
  tvm_task_set_timeout (task, 5);
  assert_command_fails (pool, task, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  run_some (pool, make_true, 1, 0, &outcomes);
  wait_fds (n_fds);

  cancel_commands (pool);
  run_some (pool, make_true, 1, 0, &outcomes);
  g_assert_cmpuint (outcomes.n_good, ==, 1);
  wait_fds (n_fds);
  pool_fixture_end (pool);
}

/* Processes */

#define TEST_FORK "/pool-scarce/fork-refused/subprocess"

/* Nobody else has it. */
static uid_t
get_foreign_uid (void)
{
  return 1000000000 + (uid_t) getpid ();
}

/* Root is not limited. */
static gboolean
become_limited (void)
{
  uid_t uid = get_foreign_uid ();

  if (geteuid () != 0)
    return TRUE;

  /* /proc/self stays ours. */
  return setresgid (uid, uid, uid) == 0 && setresuid (uid, uid, uid) == 0
         && prctl (PR_SET_DUMPABLE, 1) == 0;
}

/* Whether such a user can start what the test needs */
static gboolean
can_become_limited (void)
{
  g_autofree char *module = pool_fixture_get_module ();
  g_autofree char *tool = process_fixture_get_tool ();
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (become_limited () && access (module, R_OK) == 0 && access (tool, X_OK) == 0 ? 0 : 1);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  return status == 0;
}

static void
limit_processes (int    nursery,
                 rlim_t n)
{
  struct rlimit limit;

  g_assert_no_errno (prlimit (nursery, RLIMIT_NPROC, NULL, &limit));
  limit.rlim_cur = MIN (n, limit.rlim_max);
  g_assert_no_errno (prlimit (nursery, RLIMIT_NPROC, &limit, NULL));
}

/* The nursery can fork no more. */
static void
fork_refused (TvmWorkerStart start)
{
  g_autofree char *module = pool_fixture_get_module ();
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module (module);
  TvmPoolExecutor *pool;
  Outcomes outcomes;
  int nursery;
  int pid;

  tvm_worker_spec_set_start (spec, start);
  pool = tvm_pool_executor_new (spec, 1);
  pid = get_pid (pool);
  nursery = pool_fixture_get_parent (pid);
  limit_processes (nursery, 1);

  kill (pid, SIGKILL);
  pool_fixture_wait_dead (pid);
  for (guint i = 0; i < 3; i++)
    {
      run_some (pool, make_pid, 20, EAGAIN, &outcomes);
      g_assert_cmpuint (outcomes.n_good, ==, 0);
    }

  limit_processes (nursery, RLIM_INFINITY);
  run_some (pool, make_pid, 20, 0, &outcomes);
  g_assert_cmpuint (outcomes.n_good, ==, 20);
  /* It is still the same that forks. */
  pid = get_pid (pool);
  g_assert_cmpint (pool_fixture_get_parent (pid), ==, nursery);
  pool_fixture_end (pool);
  pool_fixture_wait_dead (pid);
  pool_fixture_wait_dead (nursery);
}

static void
test_fork_subprocess (void)
{
  alarm (60);
  g_assert_true (become_limited ());
  fork_refused (TVM_WORKER_START_WARM);
  fork_refused (TVM_WORKER_START_FRESH);
}

static void
test_fork (PoolFixture   *fixture,
           gconstpointer  data)
{
  if (!can_become_limited ())
    {
      g_test_skip ("needs a user who is not root and may read the build directory");
      return;
    }

  g_test_trap_subprocess (TEST_FORK, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (TEST_FORK, test_fork_subprocess);
  if (g_test_subprocess ())
    return g_test_run ();

  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-scarce/starts/warm", test_starts);
  pool_fixture_add ("/pool-scarce/starts/fresh", test_starts_fresh);
  pool_fixture_add ("/pool-scarce/starts/captured", test_starts_captured);
  pool_fixture_add ("/pool-scarce/starts/commands", test_starts_of_commands);
  pool_fixture_add ("/pool-scarce/nobody-serves", test_nobody_serves);
  pool_fixture_add ("/pool-scarce/used/functions", test_used);
  pool_fixture_add ("/pool-scarce/used/commands", test_used_for_commands);
  pool_fixture_add ("/pool-scarce/outlets", test_outlets);
  pool_fixture_add ("/pool-scarce/fork-refused", test_fork);

  return g_test_run ();
}
