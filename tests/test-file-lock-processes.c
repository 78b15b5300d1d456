/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lock-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Locks between processes: ours and those of Python, that end, are killed and fork. */

static const char *self_path;

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
      LockAcquisition acquisition = { NULL };

      if (i % 2 == 0)
        {
          lock_acquire (lock);
        }
      else
        {
          g_autoptr (GMainContext) context = g_main_context_new ();

          g_main_context_push_thread_default (context);
          tvm_file_lock_acquire_async (lock, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
          lock_wait (&acquisition);
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
test_count (LockFixture   *f,
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
test_python (LockFixture   *f,
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

  lock_acquire (lock);
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
  lock_acquire (lock);
}

/* lockf() can unlock a file that stays open, which gives no event. */
static void
test_python_unlock (LockFixture   *f,
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
  LockAcquisition acquisition = { NULL };

  if (python == NULL)
    {
      g_test_skip ("no python3");
      return;
    }

  process = START (python, "-c", program, f->path);
  wait_for_line (process, "held");
  tvm_file_lock_acquire_async (lock, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
  g_assert_true (g_output_stream_write_all (g_subprocess_get_stdin_pipe (process), "\n", 1, NULL,
                                            NULL, NULL));
  lock_wait (&acquisition);
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
test_holder (LockFixture   *f,
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
  lock_acquire (own);
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
test_killed (LockFixture   *f,
             gconstpointer  data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GSubprocess) process = START (self_path, "--helper", "hold", f->path);
      g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);
      LockAcquisition acquisition = { NULL };

      wait_for_line (process, "held");
      lock_assert_busy (lock, 0);
      tvm_file_lock_acquire_async (lock, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
      g_subprocess_force_exit (process);
      lock_wait (&acquisition);
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
test_fork (LockFixture   *f,
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
  lock_acquire (lock);
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
  lock_assert_busy (other, 0);

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
  lock_acquire (other);
  close (ready[1]);
  wait_for_child (pid);
  g_object_unref (lock);
}

/* A child does not take away what its parent waits for, and waits for itself. */
static void
test_fork_waiting (LockFixture   *f,
                   gconstpointer  data)
{
  g_autoptr (TvmFileLock) one = NULL;
  g_autoptr (TvmFileLock) two = NULL;
  LockAcquisition acquisition = { NULL };
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
  lock_acquire (one);
  tvm_file_lock_acquire_async (two, LOCK_LONG_MSEC, NULL, lock_acquired, &acquisition);
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
      _exit (tvm_file_lock_acquire (own, LOCK_LONG_MSEC, NULL, NULL) ? 0 : 3);
    }

  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  tvm_file_lock_release (one);
  lock_wait (&acquisition);
  g_assert_no_error (acquisition.error);
  tvm_file_lock_release (two);
  wait_for_child (pid);
}

/* The same if the parent is killed while its child lives */
static void
test_fork_killed (LockFixture   *f,
                  gconstpointer  data)
{
  g_autoptr (GSubprocess) process = START (self_path, "--helper", "hold-and-fork", f->path);
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (f->path);

  wait_for_line (process, "held");
  lock_assert_busy (lock, 0);
  g_subprocess_force_exit (process);
  lock_acquire (lock);
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
  lock_acquire (lock);
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

int
main (int   argc,
      char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--helper"))
    return run_helper (argv[2], argv[3]);

  g_test_init (&argc, &argv, NULL);
  self_path = argv[0];

#define ADD(name, func) \
  g_test_add ("/file-lock-processes/" name, LockFixture, NULL, lock_set_up, func, lock_tear_down)
  ADD ("holder", test_holder);
  ADD ("python-unlock", test_python_unlock);
  ADD ("count", test_count);
  ADD ("python", test_python);
  ADD ("killed", test_killed);
  ADD ("fork", test_fork);
  ADD ("fork-waiting", test_fork_waiting);
  ADD ("fork-killed", test_fork_killed);
#undef ADD

  return g_test_run ();
}
