/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-supervisor-protocol.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The supervisor spoken to without the library: what it does with what its caller has staged when
 * the caller dies at a moment that the library cannot be stopped at.
 */

/* Of everything that is waited for */
#define LIMIT_SECONDS 60

typedef struct
{
  char *supervisor;
  char *directory;
  char *cleanup;        /* folders with a file in them */
  char *orphan;
  int fds[2];           /* of the caller, of the supervisor */
} Fixture;

static void
make_folder (const char *path)
{
  g_autofree char *file = g_build_filename (path, "file", NULL);

  g_assert_no_errno (g_mkdir (path, 0700));
  g_assert_true (g_file_set_contents (file, "x", -1, NULL));
}

static void
remove_folder (const char *path)
{
  g_autofree char *file = g_build_filename (path, "file", NULL);

  g_unlink (file);
  g_rmdir (path);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  const TvmSupervisorHello hello = { 0 };
  g_autoptr (GError) error = NULL;

  alarm (LIMIT_SECONDS);
  self->supervisor = tvm_launch_dup_supervisor_path (&error);
  g_assert_no_error (error);
  self->directory = g_dir_make_tmp ("tvm-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->cleanup = g_build_filename (self->directory, "cleanup", NULL);
  self->orphan = g_build_filename (self->directory, "orphan", NULL);
  make_folder (self->cleanup);
  make_folder (self->orphan);

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->fds));
  g_assert_cmpint (send (self->fds[0], &hello, sizeof hello, 0), ==, sizeof hello);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  if (self->fds[0] >= 0)
    close (self->fds[0]);
  remove_folder (self->cleanup);
  remove_folder (self->orphan);
  /* Nothing else is in it. */
  g_assert_no_errno (g_rmdir (self->directory));
  g_free (self->supervisor);
  g_free (self->directory);
  g_free (self->cleanup);
  g_free (self->orphan);
  alarm (0);
}

/* Between a fork and an exec, in a process of one thread.
 * @parent: which it is told is its caller */
G_NORETURN static void
execute_supervisor (Fixture    *self,
                    pid_t       parent,
                    const char *program)
{
  g_autofree char *parent_option = g_strdup_printf ("--parent=%d", (int) parent);
  g_autofree char *cleanup_option = g_strconcat ("--cleanup=", self->cleanup, NULL);
  g_autofree char *orphan_option = g_strconcat ("--orphan=", self->orphan, NULL);

  if (dup2 (self->fds[1], STDIN_FILENO) >= 0)
    execl (self->supervisor, self->supervisor, "--protocol=" TVM_SUPERVISOR_PROTOCOL,
           parent_option, cleanup_option, orphan_option, "--", program, "sleep", "1000", NULL);
  _exit (126);
}

static pid_t
start_supervisor (Fixture    *self,
                  pid_t       parent,
                  const char *program)
{
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    execute_supervisor (self, parent, program);

  close (self->fds[1]);
  return pid;
}

/* Starts a supervisor from a process that then does nothing. Returns: that process */
static pid_t
start_caller (Fixture    *self,
              const char *program)
{
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      /* If the test fails, it goes too. */
      alarm (LIMIT_SECONDS);
      start_supervisor (self, getpid (), program);
      for (;;)
        pause ();
    }

  close (self->fds[1]);
  return pid;
}

/* Returns: whether there was one, and not the end */
static gboolean
receive (Fixture              *self,
         TvmSupervisorMessage *message)
{
  ssize_t n = recv (self->fds[0], message, sizeof *message, 0);

  if (n == 0)
    return FALSE;

  g_assert_cmpint (n, ==, sizeof *message);
  return TRUE;
}

static void
assert_removed (Fixture *self)
{
  g_assert_false (g_file_test (self->cleanup, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (self->orphan, G_FILE_TEST_EXISTS));
}

static char *
find_sleep (void)
{
  char *program = g_find_program_in_path ("sleep");

  g_assert_nonnull (program);
  return program;
}

/* The one that the supervisor learns of first is the death of its parent, while a thread of the
 * parent that has not ended yet holds the socket open. Here, we hold it open. */
static void
test_killed_socket_open (Fixture       *self,
                         gconstpointer  data)
{
  g_autofree char *program = find_sleep ();
  pid_t caller = start_caller (self, program);
  TvmSupervisorMessage message;

  g_assert_true (receive (self, &message));
  g_assert_cmpint (message.kind, ==, TVM_SUPERVISOR_STARTED);
  g_assert_no_errno (kill (caller, SIGKILL));
  g_assert_cmpint (waitpid (caller, NULL, 0), ==, caller);

  g_assert_true (receive (self, &message));
  g_assert_cmpint (message.kind, ==, TVM_SUPERVISOR_ENDED);
  g_assert_cmpint (message.killed, ==, 1);
  g_assert_false (receive (self, &message));
  assert_removed (self);
}

/* The caller is killed when it has spawned the supervisor, which has not got to anything yet. */
static void
test_killed_before (Fixture       *self,
                    gconstpointer  data)
{
  g_autofree char *program = find_sleep ();
  pid_t supervisor = start_supervisor (self, getpid () + 1, program);
  TvmSupervisorMessage message;

  g_assert_false (receive (self, &message));
  g_assert_cmpint (waitpid (supervisor, NULL, 0), ==, supervisor);
  assert_removed (self);
}

/* Nobody hears why nothing was started. */
static void
test_failure_unheard (Fixture       *self,
                      gconstpointer  data)
{
  g_autofree char *missing = g_build_filename (self->directory, "missing", NULL);
  pid_t supervisor;

  close (g_steal_fd (&self->fds[0]));
  supervisor = start_supervisor (self, getpid (), missing);
  g_assert_cmpint (waitpid (supervisor, NULL, 0), ==, supervisor);
  assert_removed (self);
}

/* Who hears of the failure removes what is its own. */
static void
test_failure_heard (Fixture       *self,
                    gconstpointer  data)
{
  g_autofree char *missing = g_build_filename (self->directory, "missing", NULL);
  pid_t supervisor = start_supervisor (self, getpid (), missing);
  TvmSupervisorMessage message;

  g_assert_true (receive (self, &message));
  g_assert_cmpint (message.kind, ==, TVM_SUPERVISOR_FAILED);
  g_assert_cmpint (message.stage, ==, TVM_SUPERVISOR_STAGE_EXEC);
  g_assert_cmpint (message.error, ==, ENOENT);
  g_assert_cmpint (waitpid (supervisor, NULL, 0), ==, supervisor);
  g_assert_true (g_file_test (self->cleanup, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (self->orphan, G_FILE_TEST_EXISTS));
}

/* A caller that lives goes on to use what several runs share. */
static void
test_asked_to_end (Fixture       *self,
                   gconstpointer  data)
{
  g_autofree char *program = find_sleep ();
  pid_t supervisor = start_supervisor (self, getpid (), program);
  TvmSupervisorMessage message;

  g_assert_true (receive (self, &message));
  g_assert_no_errno (shutdown (self->fds[0], SHUT_WR));
  g_assert_true (receive (self, &message));
  g_assert_cmpint (message.kind, ==, TVM_SUPERVISOR_ENDED);
  g_assert_cmpint (message.killed, ==, 1);
  g_assert_cmpint (waitpid (supervisor, NULL, 0), ==, supervisor);
  g_assert_false (g_file_test (self->cleanup, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (self->orphan, G_FILE_TEST_EXISTS));
}

#define add_test(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  add_test ("/supervisor/caller-killed/socket-open", test_killed_socket_open);
  add_test ("/supervisor/caller-killed/before", test_killed_before);
  add_test ("/supervisor/failure/unheard", test_failure_unheard);
  add_test ("/supervisor/failure/heard", test_failure_heard);
  add_test ("/supervisor/asked-to-end", test_asked_to_end);

  return g_test_run ();
}
