/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Ends before the time: by the time limit, by a cancellable, with the application, with the
 * supervisor. Whenever the caller hears of it, nothing lives any more.
 */

static void
run_async (TvmProcessSpec *spec,
           GCancellable   *cancellable,
           GAsyncResult  **result)
{
  tvm_process_run_async (spec, cancellable, process_fixture_ready, result);
}

static void
assert_timed_out (ProcessFixture   *fixture,
                  TvmProcessSpec   *spec)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmProcessResult) result = NULL;

  tvm_process_spec_set_timeout (spec, 100);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
  g_assert_no_error (error);
  g_assert_true (result->timed_out);
  g_assert_false (tvm_process_result_is_success (result));
  g_assert_cmpint (result->term_signal, ==, SIGKILL);
  g_assert_cmpint (result->exit_status, ==, -1);
}

/* Starts it, waits until it says that it is ready, cancels it. */
static void
assert_cancelled (ProcessFixture *fixture,
                  TvmProcessSpec *spec)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GError) error = NULL;

  run_async (spec, cancellable, &async_result);
  process_fixture_wait_ready (fixture, NULL, NULL);
  g_assert_cmpuint (process_fixture_count_alive (fixture), >, 0);

  g_cancellable_cancel (cancellable);
  g_assert_null (process_fixture_finish (&async_result, &error));
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* What was printed until then is not lost. */
static void
test_timeout (ProcessFixture *fixture,
              gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "print-and-hang", "out", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_timed_out (fixture, spec);

  tvm_process_spec_set_timeout (spec, 500);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (result->timed_out);
  process_fixture_assert_output (result, "out");
  g_assert_cmpuint (result->stderr_total, ==, 3);
  g_assert_cmpint (result->elapsed_usec, >=, 500 * 1000);
}

static void
test_timeout_zero (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "hang", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_process_spec_set_timeout (spec, 0);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (result->timed_out);
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
}

static void
test_timeout_not_reached (ProcessFixture *fixture,
                          gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "exit", "1", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_process_spec_set_timeout (spec, G_MAXINT64);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (result->timed_out);
  g_assert_cmpint (result->exit_status, ==, 1);
}

static void
test_timeout_grandchild (ProcessFixture *fixture,
                         gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "hang-with-grandchild", NULL);

  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", NULL);
  assert_timed_out (fixture, spec);
}

static void
test_timeout_spinning (ProcessFixture *fixture,
                       gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "spin-ignoring-signals", NULL);

  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", NULL);
  assert_timed_out (fixture, spec);
}

/* Daemons, processes that fork without end, each into a session of its own, and a stopped one */
static void
test_timeout_nasty (ProcessFixture *fixture,
                    gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "nasty", NULL);

  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", NULL);
  assert_timed_out (fixture, spec);
}

static void
test_cancel (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) hang = process_fixture_spec (fixture, "hang", NULL);
  g_autoptr (TvmProcessSpec) grandchild = process_fixture_spec (fixture, "hang-with-grandchild",
                                                                NULL);
  g_autoptr (TvmProcessSpec) spin = process_fixture_spec (fixture, "spin-ignoring-signals", NULL);
  g_autoptr (TvmProcessSpec) tree = process_fixture_spec (fixture, "tree", "5", NULL);

  assert_cancelled (fixture, hang);
  assert_cancelled (fixture, grandchild);
  assert_cancelled (fixture, spin);
  assert_cancelled (fixture, tree);
}

static void
test_cancel_nasty (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "nasty", NULL);

  for (guint i = 0; i < 20; i++)
    assert_cancelled (fixture, spec);
}

static void
test_pre_cancelled (ProcessFixture *fixture,
                    gconstpointer   data)
{
  g_autofree char *file = process_fixture_path (fixture, "file");
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "write-file", file, "x", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) async_error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_process_run (spec, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  run_async (spec, cancellable, &async_result);
  g_assert_null (async_result);
  g_assert_null (process_fixture_finish (&async_result, &async_error));
  g_assert_error (async_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
}

/* At every point of a start: the outcome is the one or the other, and never half of one. */
static void
test_cancel_races (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autofree char *file = process_fixture_path (fixture, "staged");
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "write-file", file, "x", NULL);

  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "TMPDIR", fixture->directory);
  tvm_process_spec_add_cleanup_path (spec, file);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) async_result = NULL;
      g_autoptr (TvmProcessResult) result = NULL;
      g_autoptr (GError) error = NULL;

      run_async (spec, cancellable, &async_result);
      g_usleep (i * 40);
      g_cancellable_cancel (cancellable);
      result = process_fixture_finish (&async_result, &error);
      g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
      if (result == NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_file_test (file, G_FILE_TEST_EXISTS), ==, result != NULL);
      unlink (file);
    }
}

static void
run_staged (ProcessFixture  *fixture,
            TvmProcessSpec **spec,
            char           **file)
{
  *file = process_fixture_path (fixture, "staged");
  *spec = process_fixture_spec (fixture, "write-file-and-hang", *file, "x", NULL);
  tvm_process_spec_add_cleanup_path (*spec, *file);
}

static void
test_cleanup_path_goes (ProcessFixture *fixture,
                        gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = NULL;
  g_autofree char *file = NULL;

  run_staged (fixture, &spec, &file);
  assert_cancelled (fixture, spec);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));

  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", NULL);
  assert_timed_out (fixture, spec);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
}

static void
assert_empty (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

static TvmProcessSpec *
make_tmpdir_spec (ProcessFixture  *fixture,
                  char           **parent)
{
  TvmProcessSpec *spec = process_fixture_spec (fixture, "tmpdir-and-hang", NULL);

  *parent = process_fixture_path (fixture, "parent");
  g_assert_cmpint (g_mkdir_with_parents (*parent, 0700), ==, 0);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "TMPDIR", *parent);
  return spec;
}

static void
test_private_tmpdir_goes (ProcessFixture *fixture,
                          gconstpointer   data)
{
  g_autofree char *parent = NULL;
  g_autoptr (TvmProcessSpec) spec = make_tmpdir_spec (fixture, &parent);

  assert_cancelled (fixture, spec);
  assert_empty (parent);

  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", NULL);
  assert_timed_out (fixture, spec);
  assert_empty (parent);
}

static void
test_supervisor_killed (ProcessFixture *fixture,
                        gconstpointer   data)
{
  g_autofree char *parent = NULL;
  g_autofree char *staged = process_fixture_path (fixture, "staged");
  g_autoptr (TvmProcessSpec) spec = make_tmpdir_spec (fixture, &parent);
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GError) error = NULL;
  GPid supervisor;

  g_assert_true (g_file_set_contents (staged, "x", -1, NULL));
  tvm_process_spec_add_cleanup_path (spec, staged);
  run_async (spec, NULL, &async_result);
  process_fixture_wait_ready (fixture, NULL, &supervisor);
  g_assert_cmpint (kill (supervisor, SIGKILL), ==, 0);

  g_assert_null (process_fixture_finish (&async_result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  while (process_fixture_count_alive (fixture) > 0)
    g_usleep (1000);
  assert_empty (parent);
  g_assert_false (g_file_test (staged, G_FILE_TEST_EXISTS));
}

/* Signals that are meant for the application, as those of a terminal, do not end a supervisor. */
static void
test_supervisor_signalled (ProcessFixture *fixture,
                           gconstpointer   data)
{
  const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGALRM };
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "hang", NULL);
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPid supervisor;
  GPid target;

  run_async (spec, NULL, &async_result);
  process_fixture_wait_ready (fixture, &target, &supervisor);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_assert_cmpint (kill (supervisor, signals[i]), ==, 0);
  g_assert_cmpint (kill (target, SIGTERM), ==, 0);

  result = process_fixture_finish (&async_result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (result->term_signal, ==, SIGTERM);
  g_assert_false (result->timed_out);
}

/* The application of the tests below: `test-process-kill --application FIFO MARK DIRECTORY [fork]`.
 * Its targets say that they are ready to the test, or with "fork" to it: then it forks a child that
 * does nothing but have a copy of every descriptor, and says so to the test itself. */
G_NORETURN static void
be_application (char **argv)
{
  ProcessFixture fixture = { .fifo = argv[0], .mark = argv[1], .directory = argv[2] };
  g_autofree char *parent = NULL;
  g_autofree char *staged = process_fixture_path (&fixture, "staged");
  g_autofree char *own_fifo = process_fixture_path (&fixture, "own-ready");
  g_autoptr (TvmProcessSpec) tmpdir = make_tmpdir_spec (&fixture, &parent);
  g_autoptr (TvmProcessSpec) nasty = process_fixture_spec (&fixture, "nasty", NULL);

  tvm_process_spec_setenv (tmpdir, "FAKE_TOOL_READY", NULL);
  tvm_process_spec_add_cleanup_path (tmpdir, staged);
  if (argv[3] != NULL)
    {
      g_assert_no_errno (mkfifo (own_fifo, 0600));
      fixture.fifo_fd = open (own_fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
      tvm_process_spec_setenv (nasty, "FAKE_TOOL_READY", own_fifo);
    }

  tvm_process_run_async (tmpdir, NULL, NULL, NULL);
  tvm_process_run_async (nasty, NULL, NULL, NULL);
  if (argv[3] != NULL)
    {
      int fd = open (fixture.fifo, O_WRONLY | O_CLOEXEC);
      GPid child;

      process_fixture_wait_ready (&fixture, NULL, NULL);
      child = fork ();
      if (child > 0)
        dprintf (fd, "%d %d\n", child, getpid ());
      close (fd);
    }

  for (;;)
    pause ();
}

static GSubprocess *
start_application (ProcessFixture *fixture,
                   const char     *mode)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  GSubprocess *application;

  application = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, self, "--application",
                                  fixture->fifo, fixture->mark, fixture->directory, mode, NULL);
  g_assert_no_error (error);
  return application;
}

static void
test_application_killed (ProcessFixture *fixture,
                         gconstpointer   data)
{
  const char *mode = data;
  g_autofree char *staged = process_fixture_path (fixture, "staged");
  g_autofree char *parent = process_fixture_path (fixture, "parent");
  g_autoptr (GSubprocess) application = NULL;
  GPid forked;

  g_assert_true (g_file_set_contents (staged, "x", -1, NULL));
  application = start_application (fixture, mode);
  process_fixture_wait_ready (fixture, &forked, NULL);
  g_assert_cmpuint (process_fixture_count_alive (fixture), >, 0);

  g_subprocess_force_exit (application);
  g_assert_true (g_subprocess_wait (application, NULL, NULL));
  while (process_fixture_count_alive (fixture) > 0 || g_file_test (staged, G_FILE_TEST_EXISTS))
    g_usleep (1000);
  assert_empty (parent);

  if (mode != NULL)
    g_assert_cmpint (kill (forked, SIGKILL), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  char **arguments = argv + 2;
  int no_arguments = 1;

  if (argc > 1 && g_str_equal (argv[1], "--application"))
    {
      g_test_init (&no_arguments, &argv, NULL);
      be_application (arguments);
    }

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  process_fixture_warm_up ();

  process_fixture_add ("/process/timeout", test_timeout);
  process_fixture_add ("/process/timeout/zero", test_timeout_zero);
  process_fixture_add ("/process/timeout/not-reached", test_timeout_not_reached);
  process_fixture_add ("/process/timeout/grandchild", test_timeout_grandchild);
  process_fixture_add ("/process/timeout/spinning", test_timeout_spinning);
  process_fixture_add ("/process/timeout/nasty", test_timeout_nasty);
  process_fixture_add ("/process/cancel", test_cancel);
  process_fixture_add ("/process/cancel/nasty", test_cancel_nasty);
  process_fixture_add ("/process/cancel/before", test_pre_cancelled);
  process_fixture_add ("/process/cancel/races", test_cancel_races);
  process_fixture_add ("/process/cleanup-path-goes", test_cleanup_path_goes);
  process_fixture_add ("/process/private-tmpdir-goes", test_private_tmpdir_goes);
  process_fixture_add ("/process/supervisor/killed", test_supervisor_killed);
  process_fixture_add ("/process/supervisor/signalled", test_supervisor_signalled);
  process_fixture_add ("/process/application-killed", test_application_killed);
  g_test_add ("/process/application-killed/forked", ProcessFixture, "fork",
              process_fixture_set_up, test_application_killed, process_fixture_tear_down);

  return g_test_run ();
}
