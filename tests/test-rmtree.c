/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-rmtree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  char *path;
  int fd;
} Fixture;

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  f->path = g_dir_make_tmp ("test-rmtree-XXXXXX", NULL);
  g_assert_nonnull (f->path);
  f->fd = open (f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (f->fd, >=, 0);
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  close (f->fd);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, f->path, NULL));
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_free (f->path);
}

static void
make_dir (int         at,
          const char *name)
{
  g_assert_no_errno (mkdirat (at, name, 0700));
}

static void
make_file (int         at,
           const char *name)
{
  int fd = openat (at, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

static gboolean
exists (int         at,
        const char *name)
{
  struct stat st;

  return fstatat (at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
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

static void
assert_fails (int         at,
              const char *name,
              int         errsv,
              const char *failed)
{
  char path[256];

  g_assert_cmpint (tvm_rmtree_at_report (at, name, NULL, NULL, path, sizeof path), ==, -1);
  g_assert_cmpint (errno, ==, errsv);
  g_assert_cmpstr (path, ==, failed);
}

static void
test_simple (Fixture       *f,
             gconstpointer  data)
{
  guint fds = count_fds ();

  g_assert_no_errno (tvm_rmtree_at (f->fd, "missing", NULL));

  make_file (f->fd, "file");
  g_assert_no_errno (tvm_rmtree_at (f->fd, "file", NULL));
  g_assert_false (exists (f->fd, "file"));

  make_dir (f->fd, "d");
  make_dir (f->fd, "d/empty");
  make_dir (f->fd, "d/e");
  make_file (f->fd, "d/e/a\nb \"c\" \xff");
  g_assert_no_errno (mkfifoat (f->fd, "d/fifo", 0600));
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *name = g_strdup_printf ("d/e/file-with-some-name-%u", i);
      make_file (f->fd, name);
    }
  g_assert_no_errno (tvm_rmtree_at (f->fd, "d", NULL));
  g_assert_false (exists (f->fd, "d"));
  g_assert_cmpuint (count_fds (), ==, fds);
}

static void
test_bad_names (Fixture       *f,
                gconstpointer  data)
{
  static const char *const names[] = { "", ".", "..", "d/", "d/.", "d/..", "/", "link/" };

  make_dir (f->fd, "d");
  make_file (f->fd, "d/file");
  g_assert_no_errno (symlinkat ("d", f->fd, "link"));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    assert_fails (f->fd, names[i], EINVAL, "");
  g_assert_true (exists (f->fd, "d/file"));
}

static void
test_symlinks (Fixture       *f,
               gconstpointer  data)
{
  make_dir (f->fd, "victim");
  make_file (f->fd, "victim/file");
  make_dir (f->fd, "d");
  g_assert_no_errno (symlinkat ("../victim", f->fd, "d/link"));
  g_assert_no_errno (symlinkat ("victim", f->fd, "top"));
  g_assert_no_errno (symlinkat ("nowhere", f->fd, "d/dangling"));

  g_assert_no_errno (tvm_rmtree_at (f->fd, "top", NULL));
  g_assert_no_errno (tvm_rmtree_at (f->fd, "d", NULL));
  g_assert_false (exists (f->fd, "top"));
  g_assert_false (exists (f->fd, "d"));
  g_assert_true (exists (f->fd, "victim/file"));
}

/* Far past PATH_MAX, with siblings on the way, and few descriptors to spare */
static void
test_deep (Fixture       *f,
           gconstpointer  data)
{
  static const char name[] = "a-directory-with-quite-a-long-name";
  const guint depth = g_test_slow () ? 50000 : 800;
  struct rlimit old, low;
  int fd = fcntl (f->fd, F_DUPFD_CLOEXEC, 0);

  make_dir (fd, "d");
  for (guint i = 0; i < depth; i++)
    {
      const char *at = i == 0 ? "d" : name;
      int next = openat (fd, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

      g_assert_cmpint (next, >=, 0);
      close (fd);
      fd = next;
      make_dir (fd, name);
      if (i % 7 == 0)
        make_dir (fd, "sibling");
      if (i % 5 == 0)
        make_file (fd, "file");
    }

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &old));
  low = old;
  low.rlim_cur = fd + 4;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &low));
  close (fd);
  g_assert_no_errno (tvm_rmtree_at (f->fd, "d", NULL));
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &old));
  g_assert_false (exists (f->fd, "d"));
}

static void
test_cancelled (Fixture       *f,
                gconstpointer  data)
{
  const volatile int cancelled = 1;

  make_dir (f->fd, "d");
  make_file (f->fd, "d/file");
  g_assert_cmpint (tvm_rmtree_at (f->fd, "d", &cancelled), ==, -1);
  g_assert_cmpint (errno, ==, ECANCELED);
  g_assert_true (exists (f->fd, "d/file"));
}

/* Runs @func as a user without privileges, in a child. */
static void
run_unprivileged (Fixture *f,
                  void   (*func) (Fixture *f))
{
  int status;
  pid_t pid;

  if (geteuid () == 0)
    {
      g_assert_no_errno (fchown (f->fd, 65534, 65534));
      g_assert_no_errno (chmod (f->path, 0700));
    }

  pid = fork ();
  if (pid == 0)
    {
      if (geteuid () == 0 && (setgid (65534) != 0 || setuid (65534) != 0))
        _exit (99);
      func (f);
      _exit (0);
    }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

static void
unreadable_child (Fixture *f)
{
  static const mode_t modes[] = { 0, 0100, 0200, 0300, 0400, 0500, 0600, 0700 };

  make_dir (f->fd, "d");
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *name = g_strdup_printf ("d/%zu", i);
      g_autofree char *sub = g_strdup_printf ("d/%zu/sub", i);
      g_autofree char *file = g_strdup_printf ("d/%zu/sub/file", i);

      make_dir (f->fd, name);
      make_dir (f->fd, sub);
      make_file (f->fd, file);
      g_assert_no_errno (fchmodat (f->fd, sub, modes[i], 0));
      g_assert_no_errno (fchmodat (f->fd, name, modes[i], 0));
    }

  g_assert_no_errno (fchmodat (f->fd, "d", 0, 0));
  g_assert_no_errno (tvm_rmtree_at (f->fd, "d", NULL));
  g_assert_false (exists (f->fd, "d"));
}

static void
test_unreadable (Fixture       *f,
                 gconstpointer  data)
{
  run_unprivileged (f, unreadable_child);
}

/* A tree with parts of another user: the rest goes, the first failure is named, and nothing of it
 * is followed again and again. */
static void
stuck_child (Fixture *f)
{
  char path[256];

  g_assert_cmpint (tvm_rmtree_at_report (f->fd, "d", NULL, NULL, path, sizeof path), ==, -1);
  g_assert_cmpint (errno, ==, EACCES);
  g_assert_true (g_str_has_prefix (path, "d/"));
  g_assert_true (g_str_has_suffix (path, "/foreign/file"));

  /* Cut at the front when too long */
  g_assert_cmpint (tvm_rmtree_at_report (f->fd, "d", NULL, NULL, path, 18), ==, -1);
  g_assert_cmpstr (path, ==, "…/foreign/file");
}

static void
test_stuck (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr (GString) path = g_string_new ("d");

  if (geteuid () != 0)
    {
      g_test_skip ("needs root, to make what another user cannot remove");
      return;
    }

  make_dir (f->fd, "d");
  g_assert_no_errno (fchownat (f->fd, "d", 65534, 65534, 0));
  for (guint i = 0; i < 43; i++)
    {
      g_string_append_printf (path, "/%u", i % 10);
      make_dir (f->fd, path->str);
      g_assert_no_errno (fchownat (f->fd, path->str, 65534, 65534, 0));
    }

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *foreign = g_strconcat (i == 0 ? path->str : "d/0", "/foreign", NULL);
      g_autofree char *file = g_strconcat (foreign, "/file", NULL);

      make_dir (f->fd, foreign);
      make_file (f->fd, file);
      g_assert_no_errno (fchmodat (f->fd, foreign, 0755, 0));
    }
  make_file (f->fd, "d/0/1/other");

  run_unprivileged (f, stuck_child);
  g_assert_false (exists (f->fd, "d/0/1/other"));
  g_assert_true (exists (f->fd, "d/0/foreign/file"));
}

static void
test_mount (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *target = g_build_filename (f->path, "d", "mount", NULL);
  g_autofree char *victim = g_build_filename (f->path, "victim", NULL);

  make_dir (f->fd, "victim");
  make_file (f->fd, "victim/file");
  make_dir (f->fd, "d");
  make_dir (f->fd, "d/mount");
  make_file (f->fd, "d/other");
  /* Of the same file system, so that the device alone does not tell */
  if (mount (victim, target, "none", MS_BIND, NULL) != 0)
    {
      g_test_skip ("cannot mount");
      return;
    }

  assert_fails (f->fd, "d", EBUSY, "d/mount");
  assert_fails (f->fd, "d/mount", EBUSY, "d/mount");
  g_assert_true (exists (f->fd, "victim/file"));
  g_assert_false (exists (f->fd, "d/other"));
  g_assert_no_errno (umount2 (target, MNT_DETACH));
}

static gpointer
fill_thread (gpointer data)
{
  Fixture *f = data;

  for (guint i = 0; i < 2000; i++)
    {
      int fd = openat (f->fd, i % 2 == 0 ? "d/a" : "d/b", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
      if (fd >= 0)
        close (fd);
    }
  return NULL;
}

/* Entries that appear meanwhile, and another removal of the same tree */
static void
test_race (Fixture       *f,
           gconstpointer  data)
{
  for (guint i = 0; i < 20; i++)
    {
      GThread *thread;

      make_dir (f->fd, "d");
      thread = g_thread_new ("fill", fill_thread, f);
      g_assert_no_errno (tvm_rmtree_at (f->fd, "d", NULL));
      g_assert_false (exists (f->fd, "d"));
      g_thread_join (thread);
    }
}

static gpointer
remove_thread (gpointer data)
{
  Fixture *f = data;

  return GINT_TO_POINTER (tvm_rmtree_at (f->fd, "d", NULL));
}

static void
test_two_removers (Fixture       *f,
                   gconstpointer  data)
{
  GThread *threads[2];

  make_dir (f->fd, "d");
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *name = g_strdup_printf ("d/%u", i);

      make_dir (f->fd, name);
      for (guint j = 0; j < 20; j++)
        {
          g_autofree char *sub = g_strdup_printf ("d/%u/%u", i, j);
          make_dir (f->fd, sub);
        }
    }

  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("remove", remove_thread, f);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (threads[i])), ==, 0);
  g_assert_false (exists (f->fd, "d"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/rmtree/" name, Fixture, NULL, setup, func, teardown)
  ADD ("simple", test_simple);
  ADD ("bad-names", test_bad_names);
  ADD ("symlinks", test_symlinks);
  ADD ("deep", test_deep);
  ADD ("cancelled", test_cancelled);
  ADD ("unreadable", test_unreadable);
  ADD ("stuck", test_stuck);
  ADD ("mount", test_mount);
  ADD ("race", test_race);
  ADD ("two-removers", test_two_removers);
#undef ADD

  return g_test_run ();
}
