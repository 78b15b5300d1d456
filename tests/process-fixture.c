/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of everything that is waited for: many times what a slow machine under valgrind needs */
#define LIMIT_SECONDS 60

char *
process_fixture_get_tool (void)
{
  return g_test_build_filename (G_TEST_BUILT, "fake-tool", NULL);
}

guint
process_fixture_count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

void
process_fixture_warm_up (void)
{
  g_autofree char *tool = process_fixture_get_tool ();
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new ((const char *[]) { tool, "args", NULL });
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (result);
}

void
process_fixture_set_up (ProcessFixture *self,
                        gconstpointer   data)
{
  g_autoptr (GError) error = NULL;

  alarm (LIMIT_SECONDS);
  self->directory = g_dir_make_tmp ("tvm-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->mark = g_uuid_string_random ();
  self->fifo = process_fixture_path (self, "ready");
  g_assert_no_errno (mkfifo (self->fifo, 0600));

  /* Also for writing, so that it does not end with the first tool that says something. */
  self->fifo_fd = open (self->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (self->fifo_fd, >=, 0);
  self->n_fds = process_fixture_count_fds ();
}

/* GLib closes what it watched a process with a moment after it has told of its end; also that of the
 * test before this one, so that there may be less than there was. */
static void
assert_no_leak (ProcessFixture *self)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_SECONDS * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < limit
         && (process_fixture_count_fds () > self->n_fds
             || waitpid (-1, NULL, WNOHANG) >= 0))
    g_usleep (1000);

  g_assert_cmpuint (process_fixture_count_fds (), <=, self->n_fds);
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }

  g_assert_no_errno (g_remove (path));
}

void
process_fixture_tear_down (ProcessFixture *self,
                           gconstpointer   data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;

  assert_no_leak (self);
  close (self->fifo_fd);
  remove_tree (self->directory);
  g_free (self->directory);
  g_free (self->mark);
  g_free (self->fifo);
  alarm (0);
}

char *
process_fixture_path (ProcessFixture *self,
                      const char     *name)
{
  return g_build_filename (self->directory, name, NULL);
}

TvmProcessSpec *
process_fixture_spec (ProcessFixture *self,
                      const char     *mode,
                      ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *tool = process_fixture_get_tool ();
  TvmProcessSpec *spec;
  const char *argument;
  va_list args;

  g_ptr_array_add (argv, tool);
  va_start (args, mode);
  for (argument = mode; argument != NULL; argument = va_arg (args, const char *))
    g_ptr_array_add (argv, (gpointer) argument);
  va_end (args);
  g_ptr_array_add (argv, NULL);

  spec = tvm_process_spec_new ((const char * const *) argv->pdata);
  tvm_process_spec_setenv (spec, "FAKE_TOOL_MARK", self->mark);
  tvm_process_spec_setenv (spec, "FAKE_TOOL_READY", self->fifo);
  return spec;
}

void
process_fixture_wait_ready (ProcessFixture *self,
                            GPid           *pid,
                            GPid           *parent)
{
  struct pollfd fd = { .fd = self->fifo_fd, .events = POLLIN };
  char line[64] = "";
  int pids[2];

  g_assert_cmpint (poll (&fd, 1, LIMIT_SECONDS * 1000), ==, 1);
  g_assert_cmpint (read (self->fifo_fd, line, sizeof line - 1), >, 0);
  g_assert_cmpint (sscanf (line, "%d %d", &pids[0], &pids[1]), ==, 2);
  if (pid != NULL)
    *pid = pids[0];
  if (parent != NULL)
    *parent = pids[1];
}

/* Sends @signum, which may be 0, to all. Returns: how many there are */
static guint
signal_all (ProcessFixture *self,
            int             signum)
{
  g_autofree char *variable = g_strconcat ("FAKE_TOOL_MARK=", self->mark, NULL);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "environ", NULL);
      g_autofree char *contents = NULL;
      gsize length;

      if (!g_ascii_isdigit (name[0]) || !g_file_get_contents (path, &contents, &length, NULL)
          || memmem (contents, length, variable, strlen (variable)) == NULL)
        continue;

      kill (atoi (name), signum);
      n++;
    }

  return n;
}

guint
process_fixture_count_alive (ProcessFixture *self)
{
  return signal_all (self, 0);
}

void
process_fixture_kill_all (ProcessFixture *self)
{
  while (signal_all (self, SIGKILL) > 0)
    g_usleep (1000);
}

void
process_fixture_ready (GObject      *source,
                       GAsyncResult *result,
                       gpointer      user_data)
{
  GAsyncResult **place = user_data;

  g_assert_null (source);
  g_assert_null (*place);
  *place = g_object_ref (result);
}

TvmProcessResult *
process_fixture_finish (GAsyncResult **result,
                        GError       **error)
{
  g_autoptr (GAsyncResult) owned = NULL;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  owned = g_steal_pointer (result);
  return tvm_process_run_finish (owned, error);
}

void
process_fixture_assert_output (TvmProcessResult *result,
                               const char       *expected)
{
  gsize length;
  const char *data = g_bytes_get_data (result->stdout_bytes, &length);

  g_assert_cmpmem (data, length, expected, strlen (expected));
}
