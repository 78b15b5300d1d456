/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-file-lock.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Longer than any wait should take: a test that needs it fails. */
#define LONG_MSEC 30000

typedef struct
{
  char *dir;
  char *path;
} Fixture;

static const char *self_path;

/* What the next locks of open files end with, as on a file system without them; 0 for none */
static int lock_errno;

/* In the place of that of the C library, also for the library that is tested */
int
fcntl64 (int fd,
         int cmd,
         ...)
{
  va_list args;
  void *arg;

  va_start (args, cmd);
  arg = va_arg (args, void *);
  va_end (args);
  if (cmd == F_OFD_SETLK && lock_errno != 0)
    {
      errno = lock_errno;
      return -1;
    }

  return (int) syscall (SYS_fcntl, fd, cmd, arg);
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  f->dir = g_dir_make_tmp ("test-file-lock-XXXXXX", NULL);
  g_assert_nonnull (f->dir);
  f->path = g_build_filename (f->dir, "a \xff.lock", NULL);
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, f->dir, NULL));
  g_free (f->dir);
  g_free (f->path);
}

/* Of files of the fixture */
static guint
count_fds (Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *link = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (link, NULL);

      n += target != NULL && g_str_has_prefix (target, f->dir);
    }
  return n;
}

static guint
count_all_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
acquire (TvmFileLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_file_lock_acquire (lock, LONG_MSEC, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (tvm_file_lock_get_held (lock));
}

static void
assert_busy (TvmFileLock *lock,
             gint64       timeout_msec)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_file_lock_acquire (lock, timeout_msec, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "lock"));
  g_assert_false (tvm_file_lock_get_held (lock));
}

static void
on_notify (GObject    *object,
           GParamSpec *pspec,
           gpointer    user_data)
{
  ++*(guint *) user_data;
}

static void
test_basic (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  struct stat st;
  mode_t old = umask (027);
  guint n = 0;

  g_assert_cmpstr (tvm_file_lock_get_path (one), ==, f->path);
  g_assert_false (tvm_file_lock_get_held (one));
  tvm_file_lock_release (one);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));

  g_signal_connect (one, "notify::held", G_CALLBACK (on_notify), &n);
  acquire (one);
  umask (old);
  g_assert_no_errno (g_stat (f->path, &st));
  g_assert_cmpint (st.st_mode & 07777, ==, 0640);
  assert_busy (two, 0);
  assert_busy (two, 20);
  g_assert_cmpuint (count_fds (f), ==, 1);

  /* Twice on one object */
  g_assert_false (tvm_file_lock_acquire (one, 0, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (tvm_file_lock_get_held (one));

  tvm_file_lock_release (one);
  tvm_file_lock_release (one);
  g_assert_cmpuint (n, ==, 2);
  g_assert_false (tvm_file_lock_get_held (one));
  acquire (two);
  assert_busy (one, 0);
  g_clear_object (&two);
  acquire (one);
  tvm_file_lock_release (one);
  g_assert_cmpuint (count_fds (f), ==, 0);

  /* What is in the file stays. */
  g_assert_true (g_file_set_contents (f->path, "content", -1, NULL));
  acquire (one);
  g_assert_true (g_file_get_contents (f->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "content");
}

static void
test_relative (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *cwd = g_get_current_dir ();
  g_autoptr (TvmFileLock) lock = NULL;
  g_autofree char *path = g_build_filename (f->dir, "relative", NULL);

  g_assert_no_errno (chdir (f->dir));
  lock = tvm_file_lock_new ("relative");
  g_assert_no_errno (chdir (cwd));
  acquire (lock);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
assert_fails (Fixture    *f,
              const char *name,
              int         code)
{
  g_autofree char *path = g_build_filename (f->dir, name, NULL);
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_file_lock_acquire (lock, -1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_false (tvm_file_lock_get_held (lock));
}

static void
test_fails (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *fifo = g_build_filename (f->dir, "fifo", NULL);
  g_autofree char *link = g_build_filename (f->dir, "link", NULL);
  g_autofree char *victim = g_build_filename (f->dir, "victim", NULL);
  g_autofree char *sub = g_build_filename (f->dir, "sub", NULL);

  g_assert_no_errno (mkfifo (fifo, 0600));
  g_assert_no_errno (symlink (victim, link));
  g_assert_no_errno (g_mkdir (sub, 0700));
  assert_fails (f, "no/such/directory", G_IO_ERROR_NOT_FOUND);
  assert_fails (f, "sub", G_IO_ERROR_IS_DIRECTORY);
  assert_fails (f, "fifo", G_IO_ERROR_NOT_REGULAR_FILE);
  assert_fails (f, "link", G_IO_ERROR_NOT_REGULAR_FILE);
  g_assert_false (g_file_test (victim, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_fds (f), ==, 0);
}

/* Who locks a file that was removed or replaced has the new one. */
static void
test_replaced (Fixture       *f,
               gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);

  acquire (one);
  g_assert_no_errno (g_unlink (f->path));
  acquire (two);
  tvm_file_lock_release (one);
  assert_busy (three, 0);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* A system or file system without locks of open files */
static void
test_unsupported (Fixture       *f,
                  gconstpointer  data)
{
  static const int numbers[] = { EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);
      g_autoptr (GError) error = NULL;

      lock_errno = numbers[i];
      g_assert_false (tvm_file_lock_acquire (lock, -1, NULL, &error));
      lock_errno = 0;
      g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "file system"));
      g_assert_cmpuint (count_fds (f), ==, 0);
      acquire (lock);
    }
}

typedef struct
{
  TvmFileLock *lock;
  GError *error;
  gboolean locked;
  gboolean done;
} Acquisition;

static void
on_acquired (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  Acquisition *acquisition = user_data;

  acquisition->locked = tvm_file_lock_acquire_finish (TVM_FILE_LOCK (source), result,
                                                      &acquisition->error);
  acquisition->done = TRUE;
}

static void
wait_for (Acquisition *acquisition)
{
  while (!acquisition->done)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

static gboolean
release_in_loop (gpointer user_data)
{
  tvm_file_lock_release (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_async (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  Acquisition first = { NULL };
  Acquisition second = { NULL };
  Acquisition timed = { NULL };

  tvm_file_lock_acquire_async (one, 0, NULL, on_acquired, &first);
  g_assert_false (first.done);
  wait_for (&first);
  g_assert_no_error (first.error);
  g_assert_true (first.locked);

  tvm_file_lock_acquire_async (two, 30, NULL, on_acquired, &timed);
  wait_for (&timed);
  g_assert_error (timed.error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_clear_error (&timed.error);

  /* While it waits: a second wait of the object is refused. */
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &second);
  g_assert_false (tvm_file_lock_acquire (two, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_idle_add (release_in_loop, one);
  wait_for (&second);
  g_assert_no_error (second.error);
  g_assert_true (second.locked);
  g_assert_true (tvm_file_lock_get_held (two));
  assert_busy (one, 0);
}

/* The object is kept by the wait, and the lock dropped with it. */
static void
test_async_unref (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  TvmFileLock *two = tvm_file_lock_new (f->path);
  Acquisition acquisition = { NULL };

  acquire (one);
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_object_unref (two);
  tvm_file_lock_release (one);
  wait_for (&acquisition);
  g_assert_true (acquisition.locked);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  acquire (one);
}

static void
test_cancelled (Fixture       *f,
                gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Acquisition acquisition = { NULL };

  /* Before, on a free lock */
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_file_lock_acquire (two, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tvm_file_lock_acquire_async (two, -1, cancellable, on_acquired, &acquisition);
  wait_for (&acquisition);
  g_assert_error (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&acquisition.error);
  g_assert_false (tvm_file_lock_get_held (two));

  /* Meanwhile */
  acquire (one);
  g_cancellable_reset (cancellable);
  acquisition.done = FALSE;
  tvm_file_lock_acquire_async (two, -1, cancellable, on_acquired, &acquisition);
  g_assert_false (acquisition.done);
  g_cancellable_cancel (cancellable);
  wait_for (&acquisition);
  g_assert_error (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&acquisition.error);
  g_assert_cmpuint (count_fds (f), ==, 1);
}

/* The file goes while somebody waits for it, and so the lock is free. */
static void
test_replaced_meanwhile (Fixture       *f,
                         gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);
  Acquisition acquisition = { NULL };

  acquire (one);
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_assert_no_errno (g_unlink (f->path));
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
  g_assert_true (tvm_file_lock_get_held (one));
  tvm_file_lock_release (one);
  assert_busy (three, 0);
}

static void
test_shared (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) alone = tvm_file_lock_new (f->path);
  Acquisition acquisition = { NULL };
  Acquisition second = { NULL };

  g_assert_true (tvm_file_lock_is_shared (one));
  g_assert_false (tvm_file_lock_is_shared (alone));
  acquire (one);
  acquire (two);
  assert_busy (alone, 0);

  /* The last one lets it go. */
  tvm_file_lock_acquire_async (alone, LONG_MSEC, NULL, on_acquired, &acquisition);
  tvm_file_lock_release (one);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (acquisition.done);
  tvm_file_lock_release (two);
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
  assert_busy (one, 0);

  /* Both that wait get it. */
  acquisition.done = FALSE;
  tvm_file_lock_acquire_async (one, LONG_MSEC, NULL, on_acquired, &acquisition);
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &second);
  tvm_file_lock_release (alone);
  wait_for (&acquisition);
  wait_for (&second);
  g_assert_true (tvm_file_lock_get_held (one));
  g_assert_true (tvm_file_lock_get_held (two));
}

/* Who may only read the file can share it, and be waited for. */
static void
test_shared_read_only (Fixture       *f,
                       gconstpointer  data)
{
  const uid_t user = geteuid ();
  g_autoptr (TvmFileLock) shared = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) alone = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) root = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  Acquisition acquisition = { NULL };

  g_assert_true (g_file_set_contents (f->path, "x", 1, NULL));
  g_assert_no_errno (g_chmod (f->path, 0444));
  g_assert_no_errno (g_chmod (f->dir, 0755));
  if (user == 0 && (seteuid (65534) != 0 || faccessat (AT_FDCWD, f->path, R_OK, AT_EACCESS) != 0))
    {
      (void) !seteuid (0);
      g_test_skip ("root may write to everything");
      return;
    }

  acquire (shared);
  g_assert_false (tvm_file_lock_acquire (alone, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  if (user != 0)
    return;

  g_assert_no_errno (seteuid (0));
  tvm_file_lock_acquire_async (root, LONG_MSEC, NULL, on_acquired, &acquisition);
  tvm_file_lock_release (shared);
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
}

/* No descriptor left: an error, or, once it waits, a wait all the same */
static void
test_no_descriptors (Fixture       *f,
                     gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  Acquisition acquisition = { NULL };
  struct rlimit limit, tight;
  int last;

  acquire (one);
  g_main_context_iteration (NULL, FALSE);
  last = dup (0);
  close (last);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limit));
  tight = limit;
  tight.rlim_cur = (rlim_t) last + 1;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &tight));
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_assert_false (tvm_file_lock_acquire (three, 0, NULL, &error));
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);

  tvm_file_lock_release (one);
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
}

/* Cancelled as it becomes free: it is held or not, and never lost. */
static void
test_cancel_race (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Acquisition acquisition = { NULL };

      acquire (one);
      tvm_file_lock_acquire_async (two, -1, cancellable, on_acquired, &acquisition);
      if (i % 2 == 0)
        tvm_file_lock_release (one);
      for (guint j = 0; j < i % 10; j++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      tvm_file_lock_release (one);
      wait_for (&acquisition);
      g_assert_cmpint (acquisition.locked, ==, tvm_file_lock_get_held (two));
      g_assert_true (acquisition.locked
                     || g_error_matches (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      g_clear_error (&acquisition.error);
      tvm_file_lock_release (two);
    }
  g_assert_cmpuint (count_fds (f), ==, 0);
}

/* Waits that end without the lock leave nothing behind. */
static void
test_many_waits (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  guint n_fds;

  acquire (one);
  assert_busy (two, 1);
  n_fds = count_all_fds ();
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Acquisition acquisition = { NULL };

      tvm_file_lock_acquire_async (two, i % 2 == 0 ? (gint64) i % 5 : -1, cancellable, on_acquired,
                                   &acquisition);
      for (guint j = 0; i % 2 != 0 && j < i % 4; j++)
        g_main_context_iteration (NULL, FALSE);
      if (i % 2 != 0)
        g_cancellable_cancel (cancellable);
      wait_for (&acquisition);
      if (i % 2 == 0)
        g_assert_error (acquisition.error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
      else
        g_assert_error (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&acquisition.error);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count_all_fds (), ==, n_fds);
}

static gpointer
own_context_thread (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  Acquisition acquisition = { NULL };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_main_context_push_thread_default (context);
  acquire (one);
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_source_set_callback (source, release_in_loop, one, NULL);
  g_source_attach (source, context);
  wait_for (&acquisition);
  g_assert_true (acquisition.locked);
  tvm_file_lock_release (two);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_own_context (Fixture       *f,
                  gconstpointer  data)
{
  g_thread_join (g_thread_new ("own-context", own_context_thread, f));
}

static gboolean
fail_if_dispatched (gpointer user_data)
{
  g_assert_not_reached ();
}

static gpointer
release_later_thread (gpointer user_data)
{
  /* Whether the other thread waits by now makes no difference. */
  g_usleep (20000);
  tvm_file_lock_release (user_data);
  return NULL;
}

/* The blocking form does not run the context of the caller. */
static void
test_sync_no_context (Fixture       *f,
                      gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  guint id = g_idle_add (fail_if_dispatched, NULL);
  GThread *thread;

  acquire (one);
  thread = g_thread_new ("release", release_later_thread, one);
  acquire (two);
  g_thread_join (thread);
  g_source_remove (id);
}

/* Nothing but this file keeps them apart. */
static void
increment (const char *path)
{
  FILE *file = fopen (path, "r+e");
  int value;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%d", &value), ==, 1);
  rewind (file);
  fprintf (file, "%d\n", value + 1);
  fclose (file);
}

static gpointer
increment_thread (gpointer user_data)
{
  const char *path = user_data;
  g_autofree char *lock_path = g_strconcat (path, ".lock", NULL);
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (lock_path);

  for (guint i = 0; i < 50; i++)
    {
      Acquisition acquisition = { NULL };

      if (i % 2 == 0)
        {
          acquire (lock);
        }
      else
        {
          g_autoptr (GMainContext) context = g_main_context_new ();

          g_main_context_push_thread_default (context);
          tvm_file_lock_acquire_async (lock, LONG_MSEC, NULL, on_acquired, &acquisition);
          wait_for (&acquisition);
          g_assert_no_error (acquisition.error);
          while (g_main_context_iteration (context, FALSE))
            ;
          g_main_context_pop_thread_default (context);
        }
      increment (path);
      tvm_file_lock_release (lock);
    }

  return NULL;
}

static void
run_increments (const char *path)
{
  GThread *threads[3];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("increment", increment_thread, (gpointer) path);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static GSubprocess *
start (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDIN_PIPE,
                               &error);
  g_assert_no_error (error);
  return process;
}

#define START(...) start ((const char *const[]) { __VA_ARGS__, NULL })

static void
wait_for_line (GSubprocess *process,
               const char  *expected)
{
  char line[32] = "";
  gsize length = strlen (expected);

  g_assert_true (g_input_stream_read_all (g_subprocess_get_stdout_pipe (process), line, length,
                                          NULL, NULL, NULL));
  g_assert_cmpstr (line, ==, expected);
}

static void
end (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

static const char python_increment[]
  = "import fcntl, sys\n"
    "for i in range(100):\n"
    "    with open(sys.argv[1] + '.lock', 'w') as lock:\n"
    "        fcntl.lockf(lock, fcntl.LOCK_EX)\n"
    "        with open(sys.argv[1]) as file: value = int(file.read())\n"
    "        with open(sys.argv[1], 'w') as file: file.write(str(value + 1))\n";

/* Threads and processes of ours, and of the seed's kind, count together. */
static void
test_count (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *path = g_build_filename (f->dir, "counter", NULL);
  g_autofree char *content = NULL;
  g_autofree char *python = g_find_program_in_path ("python3");
  g_autoptr (GSubprocess) other = NULL;
  g_autoptr (GSubprocess) seed = NULL;

  g_assert_true (g_file_set_contents (path, "0\n", -1, NULL));
  other = START (self_path, "--helper", "count", path);
  if (python != NULL)
    seed = START (python, "-c", python_increment, path);
  run_increments (path);
  end (other);
  if (seed != NULL)
    end (seed);

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpint (atoi (content), ==, python != NULL ? 400 : 300);
}

static const char python_hold[]
  = "import fcntl, os, sys\n"
    "lock = open(os.fsencode(sys.argv[1]), 'w')\n"
    "try:\n"
    "    fcntl.lockf(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if len(sys.argv) > 2 else 0))\n"
    "except BlockingIOError:\n"
    "    print('busy', flush=True); sys.exit()\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n";

/* The seed's locks and ours keep each other out. */
static void
test_python (Fixture       *f,
             gconstpointer  data)
{
  g_autofree char *python = g_find_program_in_path ("python3");
  g_autofree char *path = g_build_filename (f->dir, "lock", NULL);
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  if (python == NULL)
    {
      g_test_skip ("no python3");
      return;
    }

  acquire (lock);
  process = START (python, "-c", python_hold, path, "try");
  wait_for_line (process, "busy");
  end (process);
  g_clear_object (&process);

  process = START (python, "-c", python_hold, path);
  tvm_file_lock_release (lock);
  wait_for_line (process, "held");
  g_assert_false (tvm_file_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  /* Of such a lock the holder is known. */
  g_assert_nonnull (strstr (error->message, g_subprocess_get_identifier (process)));
  end (process);
  acquire (lock);
}

/* lockf() can unlock a file that stays open, which gives no event. */
static void
test_python_unlock (Fixture       *f,
                    gconstpointer  data)
{
  static const char program[]
    = "import fcntl, os, sys\n"
      "lock = open(os.fsencode(sys.argv[1]), 'w')\n"
      "fcntl.lockf(lock, fcntl.LOCK_EX)\n"
      "print('held', flush=True)\n"
      "sys.stdin.readline()\n"
      "fcntl.lockf(lock, fcntl.LOCK_UN)\n"
      "sys.stdin.readline()\n";
  g_autofree char *python = g_find_program_in_path ("python3");
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);
  g_autoptr (GSubprocess) process = NULL;
  Acquisition acquisition = { NULL };

  if (python == NULL)
    {
      g_test_skip ("no python3");
      return;
    }

  process = START (python, "-c", program, f->path);
  wait_for_line (process, "held");
  tvm_file_lock_acquire_async (lock, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_assert_true (g_output_stream_write_all (g_subprocess_get_stdin_pipe (process), "\n", 1, NULL,
                                            NULL, NULL));
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
  end (process);
}

static void
assert_holder (TvmFileLock *lock,
               const char  *expected)
{
  g_autofree char *host = NULL;
  g_autofree char *text = NULL;
  int pid = -1;

  g_assert_true (tvm_file_lock_query_holder (lock, &pid, &host));
  text = g_strdup_printf ("%d", pid);
  g_assert_cmpstr (text, ==, expected);
  if (pid != 0)
    g_assert_cmpstr (host, ==, g_get_host_name ());
  else
    g_assert_null (host);
}

/* Who has it is known, and what the file holds stays. */
static void
test_holder (Fixture       *f,
             gconstpointer  data)
{
  static const char *const lies[] = { "", "x", "1", "1 2", "1 2 ", "-1 2 host", "1 2 a\nb",
                                      "99999999999999999999 1 host" };
  g_autofree char *self = g_strdup_printf ("%d", (int) getpid ());
  g_autofree char *content = NULL;
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) own = tvm_file_lock_new (f->path);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_file_lock_query_holder (lock, NULL, NULL));
  g_assert_true (g_file_set_contents (f->path, "content", -1, NULL));
  if (setxattr (f->path, "user.test", "x", 1, 0) != 0)
    {
      g_test_skip ("no extended attributes");
      return;
    }

  process = START (self_path, "--helper", "hold", f->path);
  wait_for_line (process, "held");
  assert_holder (lock, g_subprocess_get_identifier (process));
  g_assert_false (tvm_file_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, g_subprocess_get_identifier (process)));
  g_assert_nonnull (strstr (error->message, g_get_host_name ()));
  end (process);

  /* The note is there still, but nobody holds it. */
  g_assert_false (tvm_file_lock_query_holder (lock, NULL, NULL));
  acquire (own);
  assert_holder (lock, self);
  g_assert_true (g_file_get_contents (f->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "content");

  for (gsize i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_assert_no_errno (setxattr (f->path, "user.tvmsupport.holder", lies[i], strlen (lies[i]),
                                   0));
      assert_holder (lock, "0");
    }
}

/* The holder is killed, and the lock passes on. */
static void
test_killed (Fixture       *f,
             gconstpointer  data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GSubprocess) process = START (self_path, "--helper", "hold", f->path);
      g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);
      Acquisition acquisition = { NULL };

      wait_for_line (process, "held");
      assert_busy (lock, 0);
      tvm_file_lock_acquire_async (lock, LONG_MSEC, NULL, on_acquired, &acquisition);
      g_subprocess_force_exit (process);
      wait_for (&acquisition);
      g_assert_no_error (acquisition.error);
      g_assert_true (acquisition.locked);
      g_subprocess_wait (process, NULL, NULL);
    }
}

static void
wait_for_child (pid_t pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* A forked child neither has the lock nor can end it, and does not keep it from others. */
static void
test_fork (Fixture       *f,
           gconstpointer  data)
{
  TvmFileLock *lock;
  g_autoptr (TvmFileLock) other = NULL;
  int ready[2];
  char byte;
  pid_t pid;

  /* What other threads held when it was forked looks like a leak in a child that exits. */
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  lock = tvm_file_lock_new (f->path);
  other = tvm_file_lock_new (f->path);
  acquire (lock);
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;

      if (tvm_file_lock_get_held (lock))
        _exit (1);
      if (tvm_file_lock_acquire (lock, 0, NULL, &error)
          || !g_error_matches (error, TVM_ERROR, TVM_ERROR_TIMED_OUT))
        _exit (2);
      tvm_file_lock_release (lock);
      g_object_unref (lock);
      exit (0);
    }
  wait_for_child (pid);
  g_assert_true (tvm_file_lock_get_held (lock));
  assert_busy (other, 0);

  /* A child that lives on does not hold it for its parent. */
  g_assert_no_errno (pipe2 (ready, O_CLOEXEC));
  pid = fork ();
  if (pid == 0)
    {
      close (ready[1]);
      if (read (ready[0], &byte, 1) != 0)
        _exit (1);
      _exit (0);
    }
  close (ready[0]);
  tvm_file_lock_release (lock);
  acquire (other);
  close (ready[1]);
  wait_for_child (pid);
  g_object_unref (lock);
}

/* A child does not take away what its parent waits for, and waits for itself. */
static void
test_fork_waiting (Fixture       *f,
                   gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = NULL;
  g_autoptr (TvmFileLock) two = NULL;
  Acquisition acquisition = { NULL };
  int ready[2];
  char byte;
  pid_t pid;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  one = tvm_file_lock_new (f->path);
  two = tvm_file_lock_new (f->path);
  acquire (one);
  tvm_file_lock_acquire_async (two, LONG_MSEC, NULL, on_acquired, &acquisition);
  g_assert_no_errno (pipe2 (ready, O_CLOEXEC));
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (TvmFileLock) own = tvm_file_lock_new (f->path);
      g_autoptr (GError) error = NULL;

      close (ready[0]);
      if (tvm_file_lock_acquire (own, 20, NULL, &error)
          || !g_error_matches (error, TVM_ERROR, TVM_ERROR_TIMED_OUT))
        _exit (1);
      if (write (ready[1], "+", 1) != 1)
        _exit (2);
      _exit (tvm_file_lock_acquire (own, LONG_MSEC, NULL, NULL) ? 0 : 3);
    }

  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  tvm_file_lock_release (one);
  wait_for (&acquisition);
  g_assert_no_error (acquisition.error);
  tvm_file_lock_release (two);
  wait_for_child (pid);
}

/* The same if the parent is killed while its child lives */
static void
test_fork_killed (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr (GSubprocess) process = START (self_path, "--helper", "hold-and-fork", f->path);
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);

  wait_for_line (process, "held");
  assert_busy (lock, 0);
  g_subprocess_force_exit (process);
  acquire (lock);
  g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
  g_subprocess_wait (process, NULL, NULL);
}

static int
run_helper (const char *mode,
            const char *path)
{
  g_autoptr (TvmFileLock) lock = NULL;
  char byte;

  if (g_str_equal (mode, "count"))
    {
      run_increments (path);
      return 0;
    }

  lock = tvm_file_lock_new (path);
  acquire (lock);
  /* The child waits for the test, and not for its parent. */
  if (g_str_equal (mode, "hold-and-fork") && fork () == 0)
    {
      if (read (STDIN_FILENO, &byte, 1) != 0)
        _exit (1);
      _exit (0);
    }
  g_print ("held");
  fflush (stdout);
  if (read (STDIN_FILENO, &byte, 1) != 0)
    return 1;
  return 0;
}

static void
test_no_path (void)
{
  g_autoptr (TvmFileLock) lock = g_object_new (TVM_TYPE_FILE_LOCK, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_file_lock_acquire (lock, 0, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

int
main (int   argc,
      char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--helper"))
    return run_helper (argv[2], argv[3]);

  g_test_init (&argc, &argv, NULL);
  self_path = argv[0];

#define ADD(name, func) g_test_add ("/file-lock/" name, Fixture, NULL, setup, func, teardown)
  g_test_add_func ("/file-lock/no-path", test_no_path);
  ADD ("basic", test_basic);
  ADD ("relative", test_relative);
  ADD ("fails", test_fails);
  ADD ("replaced", test_replaced);
  ADD ("replaced-meanwhile", test_replaced_meanwhile);
  ADD ("unsupported", test_unsupported);
  ADD ("shared", test_shared);
  ADD ("shared-read-only", test_shared_read_only);
  ADD ("no-descriptors", test_no_descriptors);
  ADD ("holder", test_holder);
  ADD ("python-unlock", test_python_unlock);
  ADD ("async", test_async);
  ADD ("async/unref", test_async_unref);
  ADD ("cancelled", test_cancelled);
  ADD ("cancel-race", test_cancel_race);
  ADD ("many-waits", test_many_waits);
  ADD ("own-context", test_own_context);
  ADD ("sync-no-context", test_sync_no_context);
  ADD ("count", test_count);
  ADD ("python", test_python);
  ADD ("killed", test_killed);
  ADD ("fork", test_fork);
  ADD ("fork-waiting", test_fork_waiting);
  ADD ("fork-killed", test_fork_killed);
#undef ADD

  return g_test_run ();
}
