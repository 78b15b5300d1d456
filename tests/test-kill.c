/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include "tvmsupport/pool/tvm-kill.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts fake-tool as a child of this test, and waits until it is ready. */
static int
start (ProcessFixture *fixture,
       const char     *mode,
       const char     *argument)
{
  g_autofree char *tool = process_fixture_get_tool ();
  int pid;

  g_setenv ("FAKE_TOOL_MARK", fixture->mark, TRUE);
  g_setenv ("FAKE_TOOL_READY", fixture->fifo, TRUE);
  pid = fork ();
  if (pid == 0)
    {
      execl (tool, tool, mode, argument, NULL);
      _exit (99);
    }

  g_unsetenv ("FAKE_TOOL_MARK");
  g_unsetenv ("FAKE_TOOL_READY");
  process_fixture_wait_ready (fixture, NULL, NULL);
  return pid;
}

/* It must live until then. */
static void
end (int pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, WNOHANG), ==, 0);
  g_assert_no_errno (kill (pid, SIGKILL));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
}

/* A process that was killed is there for a moment. */
static void
wait_alive (ProcessFixture *fixture,
            guint           n)
{
  while (process_fixture_count_alive (fixture) > n)
    g_usleep (100);
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, n);
}

/* 2 children, 4 grandchildren and so on, each in a group of its own */
static void
test_tree (ProcessFixture *fixture,
           gconstpointer   data)
{
  int pid = start (fixture, "tree", "4");
  int other = start (fixture, "hang", NULL);

  /* The lower ones are still growing. */
  while (process_fixture_count_alive (fixture) < 2 + 2 + 4 + 8 + 16)
    g_usleep (100);
  g_assert_cmpuint (tvm_kill_child_processes (pid), ==, 2 + 4 + 8 + 16);
  wait_alive (fixture, 2);
  g_assert_cmpuint (tvm_kill_child_processes (pid), ==, 0);
  end (pid);
  end (other);
}

static void
test_none (ProcessFixture *fixture,
           gconstpointer   data)
{
  int pid = start (fixture, "hang", NULL);

  g_assert_cmpuint (tvm_kill_child_processes (pid), ==, 0);
  end (pid);

  /* There is no such process any more. */
  g_assert_cmpuint (tvm_kill_child_processes (pid), ==, 0);
}

static void
reap_all (void)
{
  while (waitpid (-1, NULL, 0) > 0 || errno == EINTR)
    ;
}

/* Those of the caller itself, and of a thread of it */
static void
test_own (ProcessFixture *fixture,
          gconstpointer   data)
{
  start (fixture, "hang", NULL);
  start (fixture, "spin-ignoring-signals", NULL);
  g_assert_cmpuint (tvm_kill_child_processes (getpid ()), ==, 2);
  reap_all ();
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
}

/* Daemons, loops of forks and a process that is stopped, below a process that does not let them go.
 * That one is no other than this program, and runs below a supervisor, which would end the loops
 * if it did not. */
static void
test_nasty (ProcessFixture *fixture,
            gconstpointer   data)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *tool = process_fixture_get_tool ();
  g_autoptr (TvmProcessSpec) spec = NULL;

  spec = tvm_process_spec_new ((const char *[]) { self, "--nasty", tool, NULL });
  tvm_process_spec_setenv (spec, "FAKE_TOOL_MARK", fixture->mark);
  tvm_process_spec_set_timeout (spec, 20 * 1000);
  tvm_process_spec_set_kill_leftovers (spec, TRUE);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmProcessResult) result = tvm_process_run (spec, NULL, &error);

      g_assert_no_error (error);
      g_assert_false (result->timed_out);
      g_assert_cmpint (result->term_signal, ==, 0);
      g_assert_cmpint (result->exit_status, ==, 0);
    }
}

/* Returns: whether what a nasty tool has started is gone */
static int
be_parent_of_nasty (const char *tool)
{
  int ready[2];
  char byte;
  guint n;

  g_assert_no_errno (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  g_assert_no_errno (pipe (ready));
  if (fork () == 0)
    {
      g_autofree char *path = g_strdup_printf ("/dev/fd/%d", ready[1]);

      g_setenv ("FAKE_TOOL_READY", path, TRUE);
      execl (tool, tool, "nasty", NULL);
      _exit (99);
    }

  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  n = tvm_kill_child_processes (getpid ());
  reap_all ();
  return n >= 3 ? 0 : 1;
}

/* A process that calls it for one above itself stays. */
static void
test_spares_caller (ProcessFixture *fixture,
                    gconstpointer   data)
{
  g_autofree char *tool = process_fixture_get_tool ();
  int status;
  int pid;

  g_setenv ("FAKE_TOOL_MARK", fixture->mark, TRUE);
  pid = fork ();
  if (pid == 0)
    {
      if (fork () == 0)
        {
          execl (tool, tool, "hang", NULL);
          _exit (99);
        }
      _exit ((int) tvm_kill_child_processes (getppid ()));
    }

  g_unsetenv ("FAKE_TOOL_MARK");
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 1 << 8);
  wait_alive (fixture, 0);
}

int
main (int    argc,
      char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--nasty") == 0)
    return be_parent_of_nasty (argv[2]);

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  process_fixture_warm_up ();

  process_fixture_add ("/kill/tree", test_tree);
  process_fixture_add ("/kill/none", test_none);
  process_fixture_add ("/kill/own", test_own);
  process_fixture_add ("/kill/nasty", test_nasty);
  process_fixture_add ("/kill/spares-caller", test_spares_caller);

  return g_test_run ();
}
