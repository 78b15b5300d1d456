/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lock-fixture.h"

#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Of files of the fixture */
static guint
count_fds (LockFixture *f)
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
on_notify (GObject    *object,
           GParamSpec *pspec,
           gpointer    user_data)
{
  ++*(guint *) user_data;
}

static void
test_basic (LockFixture   *f,
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
  lock_acquire (one);
  umask (old);
  g_assert_no_errno (g_stat (f->path, &st));
  g_assert_cmpint (st.st_mode & 07777, ==, 0640);
  lock_assert_busy (two, 0);
  lock_assert_busy (two, 20);
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
  lock_acquire (two);
  lock_assert_busy (one, 0);
  g_clear_object (&two);
  lock_acquire (one);
  tvm_file_lock_release (one);
  g_assert_cmpuint (count_fds (f), ==, 0);

  /* What is in the file stays. */
  g_assert_true (g_file_set_contents (f->path, "content", -1, NULL));
  lock_acquire (one);
  g_assert_true (g_file_get_contents (f->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "content");
}

static void
test_relative (LockFixture   *f,
               gconstpointer  data)
{
  g_autofree char *cwd = g_get_current_dir ();
  g_autoptr (TvmFileLock) lock = NULL;
  g_autofree char *path = g_build_filename (f->dir, "relative", NULL);

  g_assert_no_errno (chdir (f->dir));
  lock = tvm_file_lock_new ("relative");
  g_assert_no_errno (chdir (cwd));
  lock_acquire (lock);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
assert_fails (LockFixture *f,
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
test_fails (LockFixture   *f,
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
test_replaced (LockFixture   *f,
               gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);

  lock_acquire (one);
  g_assert_no_errno (g_unlink (f->path));
  lock_acquire (two);
  tvm_file_lock_release (one);
  lock_assert_busy (three, 0);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* A system or file system without locks of open files */
static void
test_unsupported (LockFixture   *f,
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
      lock_acquire (lock);
    }
}

static gboolean
release_in_loop (gpointer user_data)
{
  tvm_file_lock_release (user_data);
  return G_SOURCE_REMOVE;
}

static void
test_async (LockFixture   *f,
            gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  LockAcquisition first = { NULL };
  LockAcquisition second = { NULL };
  LockAcquisition timed = { NULL };

  tvm_file_lock_acquire_async (one, 0, NULL, lock_acquired, &first);
  g_assert_false (first.done);
  lock_wait (&first);
  g_assert_no_error (first.error);
  g_assert_true (first.locked);

  tvm_file_lock_acquire_async (two, 30, NULL, lock_acquired, &timed);
  lock_wait (&timed);
  g_assert_error (timed.error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_clear_error (&timed.error);

  /* While it waits: a second wait of the object is refused. */
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &second);
  g_assert_false (tvm_file_lock_acquire (two, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_idle_add (release_in_loop, one);
  lock_wait (&second);
  g_assert_no_error (second.error);
  g_assert_true (second.locked);
  g_assert_true (tvm_file_lock_get_held (two));
  lock_assert_busy (one, 0);
}

/* The object is kept by the wait, and the lock dropped with it. */
static void
test_async_unref (LockFixture   *f,
                  gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  TvmFileLock *two = tvm_file_lock_new (f->path);
  LockAcquisition acquisition = { NULL };

  lock_acquire (one);
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  g_object_unref (two);
  tvm_file_lock_release (one);
  lock_wait (&acquisition);
  g_assert_true (acquisition.locked);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  lock_acquire (one);
}

static void
test_cancelled (LockFixture   *f,
                gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  LockAcquisition acquisition = { NULL };

  /* Before, on a free lock */
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_file_lock_acquire (two, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  tvm_file_lock_acquire_async (two, -1, cancellable, lock_acquired, &acquisition);
  lock_wait (&acquisition);
  g_assert_error (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&acquisition.error);
  g_assert_false (tvm_file_lock_get_held (two));

  /* Meanwhile */
  lock_acquire (one);
  g_cancellable_reset (cancellable);
  acquisition.done = FALSE;
  tvm_file_lock_acquire_async (two, -1, cancellable, lock_acquired, &acquisition);
  g_assert_false (acquisition.done);
  g_cancellable_cancel (cancellable);
  lock_wait (&acquisition);
  g_assert_error (acquisition.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&acquisition.error);
  g_assert_cmpuint (count_fds (f), ==, 1);
}

/* The file goes while somebody waits for it, and so the lock is free. */
static void
test_replaced_meanwhile (LockFixture   *f,
                         gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);
  LockAcquisition acquisition = { NULL };

  lock_acquire (one);
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  g_assert_no_errno (g_unlink (f->path));
  lock_wait (&acquisition);
  g_assert_no_error (acquisition.error);
  g_assert_true (tvm_file_lock_get_held (one));
  tvm_file_lock_release (one);
  lock_assert_busy (three, 0);
}

static void
test_shared (LockFixture   *f,
             gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) alone = tvm_file_lock_new (f->path);
  LockAcquisition acquisition = { NULL };
  LockAcquisition second = { NULL };

  g_assert_true (tvm_file_lock_is_shared (one));
  g_assert_false (tvm_file_lock_is_shared (alone));
  lock_acquire (one);
  lock_acquire (two);
  lock_assert_busy (alone, 0);

  /* The last one lets it go. */
  tvm_file_lock_acquire_async (alone, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  tvm_file_lock_release (one);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (acquisition.done);
  tvm_file_lock_release (two);
  lock_wait (&acquisition);
  g_assert_no_error (acquisition.error);
  lock_assert_busy (one, 0);

  /* Both that wait get it. */
  acquisition.done = FALSE;
  tvm_file_lock_acquire_async (one, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &second);
  tvm_file_lock_release (alone);
  lock_wait (&acquisition);
  lock_wait (&second);
  g_assert_true (tvm_file_lock_get_held (one));
  g_assert_true (tvm_file_lock_get_held (two));
}

/* Who may only read the file can share it, and be waited for. */
static void
test_shared_read_only (LockFixture   *f,
                       gconstpointer  data)
{
  const uid_t user = geteuid ();
  g_autoptr (TvmFileLock) shared = tvm_file_lock_new_shared (f->path);
  g_autoptr (TvmFileLock) alone = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) root = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  LockAcquisition acquisition = { NULL };

  g_assert_true (g_file_set_contents (f->path, "x", 1, NULL));
  g_assert_no_errno (g_chmod (f->path, 0444));
  g_assert_no_errno (g_chmod (f->dir, 0755));
  if (user == 0 && (seteuid (65534) != 0 || faccessat (AT_FDCWD, f->path, R_OK, AT_EACCESS) != 0))
    {
      (void) !seteuid (0);
      g_test_skip ("root may write to everything");
      return;
    }

  lock_acquire (shared);
  g_assert_false (tvm_file_lock_acquire (alone, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  if (user != 0)
    return;

  g_assert_no_errno (seteuid (0));
  tvm_file_lock_acquire_async (root, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  tvm_file_lock_release (shared);
  lock_wait (&acquisition);
  g_assert_no_error (acquisition.error);
}

/* No descriptor left: an error, or, once it waits, a wait all the same */
static void
test_no_descriptors (LockFixture   *f,
                     gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) three = tvm_file_lock_new (f->path);
  g_autoptr (GError) error = NULL;
  LockAcquisition acquisition = { NULL };
  struct rlimit limit, tight;
  int last;

  lock_acquire (one);
  g_main_context_iteration (NULL, FALSE);
  last = dup (0);
  close (last);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limit));
  tight = limit;
  tight.rlim_cur = (rlim_t) last + 1;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &tight));
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  g_assert_false (tvm_file_lock_acquire (three, 0, NULL, &error));
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);

  tvm_file_lock_release (one);
  lock_wait (&acquisition);
  g_assert_no_error (acquisition.error);
}

/* Cancelled as it becomes free: it is held or not, and never lost. */
static void
test_cancel_race (LockFixture   *f,
                  gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      LockAcquisition acquisition = { NULL };

      lock_acquire (one);
      tvm_file_lock_acquire_async (two, -1, cancellable, lock_acquired, &acquisition);
      if (i % 2 == 0)
        tvm_file_lock_release (one);
      for (guint j = 0; j < i % 10; j++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      tvm_file_lock_release (one);
      lock_wait (&acquisition);
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
test_many_waits (LockFixture   *f,
                 gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  guint n_fds;

  lock_acquire (one);
  lock_assert_busy (two, 1);
  n_fds = count_all_fds ();
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      LockAcquisition acquisition = { NULL };

      tvm_file_lock_acquire_async (two, i % 2 == 0 ? (gint64) i % 5 : -1, cancellable,
                                   lock_acquired, &acquisition);
      for (guint j = 0; i % 2 != 0 && j < i % 4; j++)
        g_main_context_iteration (NULL, FALSE);
      if (i % 2 != 0)
        g_cancellable_cancel (cancellable);
      lock_wait (&acquisition);
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
  LockFixture *f = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  LockAcquisition acquisition = { NULL };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_main_context_push_thread_default (context);
  lock_acquire (one);
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  g_source_set_callback (source, release_in_loop, one, NULL);
  g_source_attach (source, context);
  lock_wait (&acquisition);
  g_assert_true (acquisition.locked);
  tvm_file_lock_release (two);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_own_context (LockFixture   *f,
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
test_sync_no_context (LockFixture   *f,
                      gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = tvm_file_lock_new (f->path);
  g_autoptr (TvmFileLock) two = tvm_file_lock_new (f->path);
  guint id = g_idle_add (fail_if_dispatched, NULL);
  GThread *thread;

  lock_acquire (one);
  thread = g_thread_new ("release", release_later_thread, one);
  lock_acquire (two);
  g_thread_join (thread);
  g_source_remove (id);
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
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/file-lock/" name, LockFixture, NULL, lock_set_up, func, lock_tear_down)
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
  ADD ("async", test_async);
  ADD ("async/unref", test_async_unref);
  ADD ("cancelled", test_cancelled);
  ADD ("cancel-race", test_cancel_race);
  ADD ("many-waits", test_many_waits);
  ADD ("own-context", test_own_context);
  ADD ("sync-no-context", test_sync_no_context);
#undef ADD

  return g_test_run ();
}
