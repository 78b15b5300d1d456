/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Everything is below this one, which is TMPDIR. */
static char *tmp;
static const char *self_path;

static void
write_file (const char *dir,
            const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_no_errno (g_mkdir_with_parents (parent, 0700));
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
}

static gboolean
exists (const char *path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint
count_left (void)
{
  g_autoptr (GDir) dir = g_dir_open (tmp, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, "tvmsupport-");
  return n;
}

static void
test_basic (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, &error);
  g_autoptr (TvmTempDirectory) other = tvm_temp_directory_new_in (NULL, NULL);
  g_autofree char *path = NULL;
  g_autofree char *prop = NULL;
  struct stat st;
  guint fds;

  g_assert_no_error (error);
  path = g_strdup (tvm_temp_directory_get_path (temp));
  g_assert_true (g_str_has_prefix (path, tmp));
  g_assert_cmpstr (path, !=, tvm_temp_directory_get_path (other));
  g_assert_no_errno (stat (path, &st));
  g_assert_cmpint (st.st_mode & 07777, ==, 0700);
  g_object_get (temp, "path", &prop, NULL);
  g_assert_cmpstr (prop, ==, path);
  g_assert_false (tvm_temp_directory_get_keep (temp));

  write_file (path, "a/b/c");
  g_clear_object (&temp);
  g_assert_false (exists (path));

  /* Nothing is held back. */
  fds = count_fds ();
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (TvmTempDirectory) one = tvm_temp_directory_new (NULL, &error);
      g_assert_no_error (error);
    }
  g_assert_cmpuint (count_fds (), ==, fds);
}

/* As new TvmSupport.TempDirectory() of a language binding makes it */
static void
test_plain_construction (void)
{
  g_autoptr (TvmTempDirectory) temp = g_object_new (TVM_TYPE_TEMP_DIRECTORY, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = tvm_temp_directory_list (temp, &error);
  g_autofree char *path = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (names), ==, 0);
  path = g_strdup (tvm_temp_directory_get_path (temp));
  g_assert_true (exists (path));
  g_clear_object (&temp);
  g_assert_false (exists (path));
}

static void
test_umask (void)
{
  g_autoptr (TvmTempDirectory) temp = NULL;
  mode_t old = umask (0277);
  struct stat st;

  temp = tvm_temp_directory_new (NULL, NULL);
  umask (old);
  /* Without privileges, a directory that cannot be opened is no use. */
  if (geteuid () != 0 && temp == NULL)
    return;
  g_assert_nonnull (temp);
  g_assert_no_errno (stat (tvm_temp_directory_get_path (temp), &st));
  g_assert_cmpint (st.st_mode & 07777, ==, 0700);
}

static void
test_custom (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = NULL;
  g_autofree char *cwd = g_get_current_dir ();
  g_autofree char *here = g_build_filename (tmp, "here", NULL);
  g_autofree char *elsewhere = g_build_filename (tmp, "elsewhere", NULL);
  g_autofree char *custom = g_build_filename (here, "a \xff", NULL);
  g_autofree char *twin = g_build_filename (elsewhere, "a \xff", NULL);

  g_assert_no_errno (g_mkdir (here, 0700));
  g_assert_no_errno (g_mkdir (elsewhere, 0700));
  g_assert_no_errno (g_mkdir (twin, 0700));
  write_file (twin, "file");

  g_assert_no_errno (chdir (here));
  temp = tvm_temp_directory_new ("a \xff//", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tvm_temp_directory_get_path (temp), ==, custom);

  /* There already, and it stays as it is. */
  g_assert_null (tvm_temp_directory_new (custom, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_clear_error (&error);
  g_assert_true (exists (custom));

  g_assert_no_errno (chdir (elsewhere));
  g_clear_object (&temp);
  g_assert_false (exists (custom));
  g_assert_true (exists (twin));
  g_assert_no_errno (chdir (cwd));

  g_assert_null (tvm_temp_directory_new_in ("/no/such/place", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/no/such/place"));
}

/* What took the place of the directory meanwhile is not ours. */
static void
test_replaced (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *custom = g_build_filename (tmp, "replaced", NULL);
  g_autofree char *away = g_build_filename (tmp, "away", NULL);
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (custom, &error);

  g_assert_no_error (error);
  g_assert_no_errno (g_rename (custom, away));
  g_assert_no_errno (g_mkdir (custom, 0700));
  write_file (custom, "file");

  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (exists (custom));
  g_assert_no_errno (g_rmdir (away));
}

static void
test_build_path (void)
{
  static const char *const bad[] = { "", "/", "/etc", "..", "../x", "a/..", "a/../../b", "a/.." };
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_autofree char *path = tvm_temp_directory_build_path (temp, "a/..b", &error);
  g_autofree char *expected = g_build_filename (tvm_temp_directory_get_path (temp), "a/..b", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, expected);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_null (tvm_temp_directory_build_path (temp, bad[i], &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
    }
}

static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  const char *path = tvm_temp_directory_get_path (temp);
  g_auto (GStrv) empty = tvm_temp_directory_list (temp, &error);
  g_auto (GStrv) names = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (empty), ==, 0);

  write_file (path, "b");
  write_file (path, "a/x");
  write_file (path, ".hidden");
  write_file (path, "\xff");
  names = tvm_temp_directory_list (temp, &error);
  g_assert_no_error (error);
  g_assert_cmpstrv (names, ((const char *const[]) { ".hidden", "a", "b", "\xff", NULL }));

  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (tvm_temp_directory_list (temp, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_temp_directory_build_path (temp, "a", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_remove (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  const char *path = tvm_temp_directory_get_path (temp);

  write_file (path, "a/b");
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_temp_directory_remove (temp, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (exists (path));

  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (exists (path));
  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
}

/* Removed by somebody else */
static void
test_gone (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);

  g_assert_no_errno (g_rmdir (tvm_temp_directory_get_path (temp)));
  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
}

static void
test_stuck (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_autofree char *mount_point = tvm_temp_directory_build_path (temp, "a/mount", NULL);

  g_assert_no_errno (g_mkdir_with_parents (mount_point, 0700));
  if (mount ("tmpfs", mount_point, "tmpfs", 0, "size=4k") != 0)
    {
      g_test_skip ("cannot mount");
      return;
    }

  g_assert_false (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, mount_point));
  g_clear_error (&error);
  g_assert_no_errno (umount2 (mount_point, MNT_DETACH));
  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
}

typedef struct
{
  TvmTempDirectory *temp;
  GMainContext *context;
  GError *error;
  gboolean removed;
  gboolean done;
} Removal;

static void
on_removed (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Removal *removal = user_data;

  g_assert_true (g_main_context_get_thread_default () == removal->context
                 || removal->context == NULL);
  removal->removed = tvm_temp_directory_remove_finish (TVM_TEMP_DIRECTORY (source), result,
                                                       &removal->error);
  removal->done = TRUE;
}

static void
test_remove_async (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_autofree char *path = g_strdup (tvm_temp_directory_get_path (temp));
  Removal removal = { NULL };

  write_file (path, "a/b");
  g_cancellable_cancel (cancellable);
  tvm_temp_directory_remove_async (temp, cancellable, on_removed, &removal);
  g_assert_false (removal.done);
  while (!removal.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (removal.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&removal.error);
  g_assert_true (exists (path));

  /* The object may go before it is done. */
  removal.done = FALSE;
  tvm_temp_directory_remove_async (temp, NULL, on_removed, &removal);
  g_clear_object (&temp);
  while (!removal.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (removal.error);
  g_assert_true (removal.removed);
  g_assert_false (exists (path));
}

/* Cancelled at any moment: gone, or an error and the rest can still be removed */
static void
test_remove_cancelled (void)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
      const char *path = tvm_temp_directory_get_path (temp);
      Removal removal = { NULL };

      for (guint j = 0; j < 100; j++)
        {
          g_autofree char *name = g_strdup_printf ("%u/%u/file", j % 10, j);
          write_file (path, name);
        }

      tvm_temp_directory_remove_async (temp, cancellable, on_removed, &removal);
      for (guint j = 0; j < i; j++)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);
      while (!removal.done)
        g_main_context_iteration (NULL, TRUE);

      g_assert_cmpint (removal.removed, ==, !exists (path));
      if (!removal.removed)
        g_assert_error (removal.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&removal.error);
      g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
      g_assert_no_error (error);
    }
}

static gpointer
own_context_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TvmTempDirectory) temp = NULL;
  Removal removal = { .context = context };

  g_main_context_push_thread_default (context);
  temp = tvm_temp_directory_new (NULL, NULL);
  tvm_temp_directory_remove_async (temp, NULL, on_removed, &removal);
  while (!removal.done)
    g_main_context_iteration (context, TRUE);
  g_assert_no_error (removal.error);
  g_assert_false (exists (tvm_temp_directory_get_path (temp)));
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_own_context (void)
{
  g_thread_join (g_thread_new ("own-context", own_context_thread, NULL));
}

static gpointer
many_thread (gpointer data)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
      g_autoptr (TvmTempDirectory) debug = i % 10 == 0 ? tvm_temp_directory_new_for_debug (NULL)
                                                       : NULL;

      g_assert_nonnull (temp);
      write_file (tvm_temp_directory_get_path (temp), "file");
      if (i % 10 == 0)
        g_assert_nonnull (debug);
      if (i % 2 == 0)
        g_assert_true (tvm_temp_directory_remove (temp, NULL, NULL));
    }
  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[4];
  guint before = count_left ();

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("many", many_thread, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (count_left (), ==, before);
}

static void
on_notify (GObject    *object,
           GParamSpec *pspec,
           gpointer    user_data)
{
  ++*(guint *) user_data;
}

static void
test_keep (void)
{
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_autofree char *path = g_strdup (tvm_temp_directory_get_path (temp));
  guint n = 0;

  g_signal_connect (temp, "notify::keep", G_CALLBACK (on_notify), &n);
  tvm_temp_directory_set_keep (temp, TRUE);
  tvm_temp_directory_set_keep (temp, 2);
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (tvm_temp_directory_get_keep (temp));
  g_clear_object (&temp);
  g_assert_true (exists (path));
  g_assert_no_errno (g_rmdir (path));
}

static void
test_debug (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) first = tvm_temp_directory_new_for_debug (&error);
  g_autoptr (TvmTempDirectory) second = tvm_temp_directory_new_for_debug (&error);
  g_autofree char *path = g_strdup (tvm_temp_directory_get_path (first));
  g_autofree char *pattern = g_strconcat ("^", tmp, "/tvm-debug-mode-tempdirs/\\d{4}-\\d\\d-\\d\\dT"
                                          "\\d\\d-\\d\\d-\\d\\d___\\w{6}/\\d{5}$", NULL);

  g_assert_no_error (error);
  g_assert_true (g_regex_match_simple (pattern, path, 0, 0));
  g_assert_true (tvm_temp_directory_get_keep (first));
  g_assert_cmpint (atoi (strrchr (path, '/') + 1) + 1, ==,
                   atoi (strrchr (tvm_temp_directory_get_path (second), '/') + 1));
  g_clear_object (&first);
  g_assert_true (exists (path));

  /* Asked for by hand, it goes. */
  g_assert_true (tvm_temp_directory_remove (second, NULL, &error));
  g_assert_false (exists (tvm_temp_directory_get_path (second)));
}

static void
wait_for_child (pid_t pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* In a child: what is inherited stays, whatever is done to it; what is made there goes at exit. */
static void
test_fork (void)
{
  TvmTempDirectory *temp;
  g_autofree char *path = NULL;
  guint before;
  pid_t pid;

  /* What other threads held when it was forked looks like a leak in a child that exits. */
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  temp = tvm_temp_directory_new (NULL, NULL);
  path = g_strdup (tvm_temp_directory_get_path (temp));
  before = count_left ();
  write_file (path, "file");
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;

      if (tvm_temp_directory_remove (temp, NULL, &error)
          || !g_error_matches (error, TVM_ERROR, TVM_ERROR_FAILED))
        _exit (1);
      if (tvm_temp_directory_new (NULL, NULL) == NULL)
        _exit (2);
      exit (0);
    }
  wait_for_child (pid);
  g_assert_true (exists (path));
  g_assert_cmpuint (count_left (), ==, before);

  pid = fork ();
  if (pid == 0)
    {
      g_object_unref (temp);
      exit (0);
    }
  wait_for_child (pid);
  g_assert_true (exists (path));

  g_object_unref (temp);
  g_assert_false (exists (path));
}

static void
create_past_exit (void)
{
  g_autoptr (GError) error = NULL;

  if (tvm_temp_directory_new (NULL, &error) != NULL)
    _exit (11);
  if (!g_error_matches (error, TVM_ERROR, TVM_ERROR_CREATED_PAST_EXIT))
    _exit (12);
}

static GSubprocess *
start_helper (const char *mode)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDIN_PIPE,
                              &error, self_path, "--helper", mode, NULL);
  g_assert_no_error (error);
  return process;
}

static char *
read_line (GSubprocess *process)
{
  g_autoptr (GDataInputStream) in = NULL;
  g_autoptr (GError) error = NULL;
  char *line;

  in = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  line = g_data_input_stream_read_line (in, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  return line;
}

static void
end_helper (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

static void
test_exit (void)
{
  guint before = count_left ();
  g_autoptr (GSubprocess) process = start_helper ("exit");
  g_autofree char *path = read_line (process);

  g_assert_true (exists (path));
  end_helper (process);
  g_assert_false (exists (path));
  g_assert_cmpuint (count_left (), ==, before);
}

/* Threads that go on to make them while the process exits leave none. */
static void
test_exit_threads (void)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GSubprocess) process = start_helper ("exit-threads");
      g_autofree char *path = read_line (process);

      end_helper (process);
      g_assert_false (exists (path));
      g_assert_cmpuint (count_left (), ==, 0);
    }
}

static gpointer
make_for_ever (gpointer data)
{
  g_autoptr (GError) error = NULL;

  while (tvm_temp_directory_new (NULL, &error) != NULL)
    ;
  g_assert_error (error, TVM_ERROR, TVM_ERROR_CREATED_PAST_EXIT);
  /* The process may not wait for it. */
  return NULL;
}

/* What killed processes left is removed by the next, and nothing else. */
static void
test_sweep (void)
{
  g_autoptr (GSubprocess) alive = start_helper ("hold");
  g_autofree char *path_alive = read_line (alive);
  g_autoptr (GSubprocess) dead = start_helper ("hold");
  g_autofree char *path_dead = read_line (dead);
  g_autoptr (GSubprocess) kept = start_helper ("keep");
  g_autofree char *path_kept = read_line (kept);
  g_autoptr (GSubprocess) next = NULL;
  g_autofree char *path_next = NULL;
  g_autofree char *foreign = g_build_filename (tmp, "tvmsupport-mine01", NULL);
  g_autofree char *link = g_build_filename (tmp, "tvmsupport-temp-linked", NULL);

  g_assert_no_errno (g_mkdir (foreign, 0700));
  g_assert_no_errno (symlink (path_alive, link));
  g_subprocess_force_exit (dead);
  g_subprocess_force_exit (kept);
  g_assert_true (g_subprocess_wait (dead, NULL, NULL));
  g_assert_true (g_subprocess_wait (kept, NULL, NULL));
  g_assert_true (exists (path_dead));

  next = start_helper ("hold");
  path_next = read_line (next);
  for (guint i = 0; i < 1000 && exists (path_dead); i++)
    g_usleep (10000);
  g_assert_false (exists (path_dead));
  g_assert_true (exists (path_alive));
  g_assert_true (exists (path_next));
  g_assert_true (exists (path_kept));
  g_assert_true (exists (foreign));
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));

  end_helper (next);
  end_helper (alive);
  g_assert_no_errno (g_unlink (link));
  g_assert_no_errno (g_rmdir (foreign));
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, path_kept, NULL));
}

static void
on_progress (TvmTempDirectory *temp,
             guint64           n_removed,
             gpointer          user_data)
{
  guint64 *last = user_data;

  g_assert_cmpuint (n_removed, >, *last);
  *last = n_removed;
}

static void
test_progress (void)
{
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  const char *path = tvm_temp_directory_get_path (temp);
  Removal removal = { NULL };
  guint64 n_removed = 0;

  /* Enough that it takes longer than the first word of it, on most machines */
  for (guint i = 0; i < 15000; i++)
    {
      char name[512];
      int fd;

      g_snprintf (name, sizeof name, "%s/%u", path, i);
      fd = open (name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
      g_assert_cmpint (fd, >=, 0);
      close (fd);
    }
  g_signal_connect (temp, "progress", G_CALLBACK (on_progress), &n_removed);
  tvm_temp_directory_remove_async (temp, NULL, on_removed, &removal);
  while (!removal.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (removal.error);
  g_assert_cmpuint (n_removed, <=, 15001);
  g_test_message ("told of %" G_GUINT64_FORMAT " entries", n_removed);
}

static gpointer
other_thread (gpointer data)
{
  return GINT_TO_POINTER (tvm_temp_directory_get_keep_for_debug ());
}

static gboolean
is_kept (TvmTempDirectory *temp_taken)
{
  g_autoptr (TvmTempDirectory) temp = temp_taken;
  g_autofree char *path = g_strdup (tvm_temp_directory_get_path (temp));
  gboolean keep = tvm_temp_directory_get_keep (temp);

  g_clear_object (&temp);
  g_assert_cmpint (exists (path), ==, keep);
  if (keep)
    g_assert_no_errno (g_rmdir (path));
  return keep;
}

static void
test_keep_for_debug (void)
{
  g_autofree char *custom = g_build_filename (tmp, "custom", NULL);
  g_autoptr (TvmTempDirectory) temp = NULL;

  g_assert_false (tvm_temp_directory_get_keep_for_debug ());
  tvm_temp_directory_set_keep_for_debug (TRUE);
  g_assert_true (g_thread_join (g_thread_new ("other", other_thread, NULL)) != NULL);

  temp = tvm_temp_directory_new (NULL, NULL);
  g_assert_nonnull (strstr (tvm_temp_directory_get_path (temp), "/tvm-debug-mode-tempdirs/"));
  g_assert_true (is_kept (g_steal_pointer (&temp)));
  temp = tvm_temp_directory_new (custom, NULL);
  g_assert_cmpstr (tvm_temp_directory_get_path (temp), ==, custom);
  g_assert_true (is_kept (g_steal_pointer (&temp)));
  g_assert_true (is_kept (tvm_temp_directory_new_in (tmp, NULL)));

  /* What one is told counts more, and a thread's scope more than the process. */
  temp = g_initable_new (TVM_TYPE_TEMP_DIRECTORY, NULL, NULL, "keep", FALSE, NULL);
  g_assert_false (is_kept (g_steal_pointer (&temp)));
  tvm_temp_directory_push_keep_for_debug (FALSE);
  g_assert_false (is_kept (tvm_temp_directory_new (NULL, NULL)));
  tvm_temp_directory_push_keep_for_debug (TRUE);
  g_assert_true (is_kept (tvm_temp_directory_new (NULL, NULL)));
  tvm_temp_directory_set_keep_for_debug (FALSE);
  g_assert_true (tvm_temp_directory_get_keep_for_debug ());
  g_assert_null (g_thread_join (g_thread_new ("other", other_thread, NULL)));
  tvm_temp_directory_pop_keep_for_debug ();
  tvm_temp_directory_pop_keep_for_debug ();
  g_assert_false (is_kept (tvm_temp_directory_new (NULL, NULL)));
}

/* Only a process that has asked for it removes its directories when a signal ends it. */
static void
test_signals (void)
{
  static const struct
  {
    const char *mode;
    int signum;
    gboolean removed;
    gboolean ended;
  } cases[] = {
    { "hold", SIGTERM, FALSE, TRUE },
    { "signals", SIGTERM, TRUE, TRUE },
    { "signals", SIGINT, TRUE, TRUE },
    { "signals", SIGHUP, TRUE, TRUE },
    { "signals-keep", SIGTERM, FALSE, TRUE },
    { "signals-ignored", SIGTERM, TRUE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GSubprocess) process = start_helper (cases[i].mode);
      g_autofree char *path = read_line (process);

      g_subprocess_send_signal (process, cases[i].signum);
      if (cases[i].ended)
        {
          g_assert_true (g_subprocess_wait (process, NULL, NULL));
          g_assert_true (g_subprocess_get_if_signaled (process));
          g_assert_cmpint (g_subprocess_get_term_sig (process), ==, cases[i].signum);
        }
      else
        {
          end_helper (process);
        }
      g_assert_cmpint (exists (path), ==, !cases[i].removed);
      if (!cases[i].removed)
        g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, path, NULL));
    }
}

/* A child that was forked and gets the signal removes nothing. */
static void
test_signals_fork (void)
{
  g_autoptr (GSubprocess) process = start_helper ("signals-fork");
  g_autofree char *path = read_line (process);

  end_helper (process);
  g_assert_false (exists (path));
}

static void
run_signals_fork (const char *path)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    {
      raise (SIGTERM);
      _exit (1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM);
  g_assert_true (exists (path));
}

static int
run_helper (const char *mode)
{
  g_autoptr (GError) error = NULL;
  TvmTempDirectory *temp;

  if (g_str_equal (mode, "exit"))
    atexit (create_past_exit);

  temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  write_file (tvm_temp_directory_get_path (temp), "a/b/c");
  if (g_str_has_suffix (mode, "keep"))
    tvm_temp_directory_set_keep (temp, TRUE);
  if (g_str_equal (mode, "signals-ignored"))
    signal (SIGTERM, SIG_IGN);
  if (g_str_has_prefix (mode, "signals"))
    {
      g_assert_true (tvm_temp_directory_remove_on_signals (&error));
      g_assert_true (tvm_temp_directory_remove_on_signals (&error));
      g_assert_no_error (error);
    }
  for (guint i = 0; i < 4 && g_str_equal (mode, "exit-threads"); i++)
    g_thread_unref (g_thread_new ("maker", make_for_ever, NULL));
  if (g_str_equal (mode, "signals-fork"))
    run_signals_fork (tvm_temp_directory_get_path (temp));

  g_print ("%s\n", tvm_temp_directory_get_path (temp));
  fflush (stdout);
  while (getchar () != EOF)
    ;
  /* The exit hook is to find it. */
  return 0;
}

int
main (int   argc,
      char *argv[])
{
  int result;

  if (argc == 3 && g_str_equal (argv[1], "--helper"))
    return run_helper (argv[2]);

  g_test_init (&argc, &argv, NULL);
  self_path = argv[0];
  tmp = g_build_filename (g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp",
                          "test-temp-directory-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (tmp));
  g_setenv ("TMPDIR", tmp, TRUE);

  g_test_add_func ("/temp-directory/basic", test_basic);
  g_test_add_func ("/temp-directory/plain-construction", test_plain_construction);
  g_test_add_func ("/temp-directory/umask", test_umask);
  g_test_add_func ("/temp-directory/custom", test_custom);
  g_test_add_func ("/temp-directory/replaced", test_replaced);
  g_test_add_func ("/temp-directory/build-path", test_build_path);
  g_test_add_func ("/temp-directory/list", test_list);
  g_test_add_func ("/temp-directory/remove", test_remove);
  g_test_add_func ("/temp-directory/gone", test_gone);
  g_test_add_func ("/temp-directory/stuck", test_stuck);
  g_test_add_func ("/temp-directory/remove-async", test_remove_async);
  g_test_add_func ("/temp-directory/remove-cancelled", test_remove_cancelled);
  g_test_add_func ("/temp-directory/own-context", test_own_context);
  g_test_add_func ("/temp-directory/threads", test_threads);
  g_test_add_func ("/temp-directory/keep", test_keep);
  g_test_add_func ("/temp-directory/debug", test_debug);
  g_test_add_func ("/temp-directory/fork", test_fork);
  g_test_add_func ("/temp-directory/exit", test_exit);
  g_test_add_func ("/temp-directory/exit/threads", test_exit_threads);
  g_test_add_func ("/temp-directory/sweep", test_sweep);
  g_test_add_func ("/temp-directory/progress", test_progress);
  g_test_add_func ("/temp-directory/keep-for-debug", test_keep_for_debug);
  g_test_add_func ("/temp-directory/signals", test_signals);
  g_test_add_func ("/temp-directory/signals/fork", test_signals_fork);
  result = g_test_run ();

  g_assert_cmpuint (count_left (), ==, 0);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, tmp, NULL));
  g_free (tmp);
  return result;
}
