/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Locks under stress.
 *
 *   stress-locks count [PROCESSES [THREADS [INCREMENTS]]]
 *
 * Processes, each of so many threads, add to a number in a file, which nothing but the lock keeps
 * them from doing at once. The threads take it blocking, in a loop of their own, with a cancellable
 * that comes first, and now and then shared, to see that the number stands still; a process more is
 * Python's, with fcntl.lockf(). Fails if an increment is lost, or if a thread ever meets another
 * one inside.
 *
 *   stress-locks kill [ROUNDS [MSEC]]
 *
 * Kills a process that holds the lock while this one waits for it. Fails if the waiter does not
 * have it MSEC later ("inf": tells the time only).
 */

#include "config.h"

#include "tvmsupport/files/tvm-file-lock.h"
#include "tvmsupport/files/tvm-rmtree.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A wait that takes longer is one that never ends. */
#define LONG_MSEC 300000

/* What the threads of all processes see */
typedef struct
{
  gint64 number;
  int n_writers;
  int n_readers;
} Shared;

typedef struct
{
  TvmFileLock *lock;
  TvmFileLock *shared_lock;
  Shared *shared;
  GMainContext *context;
} Worker;

static const char *self_path;

static void
fail_if (gboolean    bad,
         const char *what)
{
  if (!bad)
    return;

  g_printerr ("FAILED: %s\n", what);
  _exit (1);
}

static void
fail_if_error (const GError *error)
{
  fail_if (error != NULL, error != NULL ? error->message : "");
}

static Shared *
map_shared (const char *path)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  Shared *shared;

  fail_if (fd < 0 || ftruncate (fd, sizeof *shared) != 0, path);
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  fail_if (shared == MAP_FAILED, "mmap");
  close (fd);
  return shared;
}

static void
on_ready (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  GAsyncResult **place = user_data;

  *place = g_object_ref (result);
}

static gboolean
acquire_async (Worker       *self,
               TvmFileLock  *lock,
               GCancellable *cancellable)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean locked;

  tvm_file_lock_acquire_async (lock, LONG_MSEC, cancellable, on_ready, &result);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (self->context, TRUE);
  locked = tvm_file_lock_acquire_finish (lock, result, &error);
  fail_if_error (cancellable == NULL ? error : NULL);
  return locked;
}

static void
acquire (Worker      *self,
         TvmFileLock *lock,
         guint        round)
{
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GError) error = NULL;

  switch (round % 4)
    {
    case 0:
    case 1:
      tvm_file_lock_acquire (lock, LONG_MSEC, NULL, &error);
      fail_if_error (error);
      break;
    case 2:
      acquire_async (self, lock, NULL);
      break;
    default:
      /* A wait that ends early leaves nothing that is locked. */
      cancellable = g_cancellable_new ();
      if (!acquire_async (self, lock, cancellable))
        acquire_async (self, lock, NULL);
      break;
    }
}

static void
look (Worker *self)
{
  gint64 number;

  g_atomic_int_inc (&self->shared->n_readers);
  number = self->shared->number;
  for (guint i = 0; i < 10; i++)
    {
      fail_if (g_atomic_int_get (&self->shared->n_writers) != 0, "a writer beside a reader");
      fail_if (*(volatile gint64 *) &self->shared->number != number, "the number changed");
    }
  (void) g_atomic_int_dec_and_test (&self->shared->n_readers);
}

/* The file is mapped by us, and written to by Python. */
static void
increment (Worker *self)
{
  volatile gint64 *number = &self->shared->number;
  gint64 value;

  fail_if (g_atomic_int_add (&self->shared->n_writers, 1) != 0, "two writers");
  fail_if (g_atomic_int_get (&self->shared->n_readers) != 0, "a reader beside a writer");
  value = *number;
  g_thread_yield ();
  *number = value + 1;
  (void) g_atomic_int_dec_and_test (&self->shared->n_writers);
}

static gpointer
count_thread (gpointer data)
{
  const char *const *words = data;
  const guint n = (guint) atoi (words[1]);
  g_autofree char *lock_path = g_strconcat (words[0], ".lock", NULL);
  Worker self = { 0, };

  self.context = g_main_context_new ();
  self.lock = tvm_file_lock_new (lock_path);
  self.shared_lock = tvm_file_lock_new_shared (lock_path);
  self.shared = map_shared (words[0]);
  g_main_context_push_thread_default (self.context);
  for (guint i = 0; i < n; i++)
    {
      if (i % 8 == 0)
        {
          acquire (&self, self.shared_lock, i / 8);
          look (&self);
          tvm_file_lock_release (self.shared_lock);
        }
      acquire (&self, self.lock, i);
      increment (&self);
      tvm_file_lock_release (self.lock);
    }

  while (g_main_context_iteration (self.context, FALSE))
    ;
  g_main_context_pop_thread_default (self.context);
  g_main_context_unref (self.context);
  g_object_unref (self.lock);
  g_object_unref (self.shared_lock);
  munmap (self.shared, sizeof *self.shared);
  return NULL;
}

/* A process of the count: PATH INCREMENTS THREADS */
static int
run_counter (char **words)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();

  for (int i = 0; i < atoi (words[2]); i++)
    g_ptr_array_add (threads, g_thread_new ("count", count_thread, words));
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
  return 0;
}

static const char python_count[]
  = "import fcntl, mmap, os, sys\n"
    "with open(sys.argv[1], 'r+b') as file:\n"
    "    for i in range(int(sys.argv[2])):\n"
    "        with open(sys.argv[1] + '.lock', 'w') as lock:\n"
    "            fcntl.lockf(lock, fcntl.LOCK_EX)\n"
    "            value = int.from_bytes(os.pread(file.fileno(), 8, 0), sys.byteorder)\n"
    "            os.pwrite(file.fileno(), (value + 1).to_bytes(8, sys.byteorder), 0)\n"
    "            if i % 2:\n"
    "                fcntl.lockf(lock, fcntl.LOCK_UN)\n";

static GSubprocess *
start (const char *program,
       ...) G_GNUC_NULL_TERMINATED;

static GSubprocess *
start (const char *program,
       ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process;
  const char *word;
  va_list args;

  g_ptr_array_add (argv, (gpointer) program);
  va_start (args, program);
  do
    {
      word = va_arg (args, const char *);
      g_ptr_array_add (argv, (gpointer) word);
    }
  while (word != NULL);
  va_end (args);

  process = g_subprocess_newv ((const char *const *) argv->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                               &error);
  fail_if_error (error);
  return process;
}

static int
count (const char *dir,
       guint       n_processes,
       guint       n_threads,
       guint       n_increments)
{
  g_autoptr (GPtrArray) processes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *path = g_build_filename (dir, "number", NULL);
  g_autofree char *python = g_find_program_in_path ("python3");
  const guint n_each = MAX (n_increments / (n_processes * n_threads + n_threads), 1);
  g_autofree char *each = g_strdup_printf ("%u", n_each);
  g_autofree char *threads = g_strdup_printf ("%u", n_threads);
  /* Python's share is what would be that of one more process. */
  g_autofree char *all = g_strdup_printf ("%u", n_each * n_threads);
  Shared *shared = map_shared (path);
  gint64 expected = (gint64) n_each * n_processes * n_threads;
  gint64 start_time = g_get_monotonic_time ();
  gint64 found;

  for (guint i = 0; i < n_processes; i++)
    g_ptr_array_add (processes, start (self_path, "--counter", path, each, threads, NULL));
  if (python != NULL)
    {
      g_ptr_array_add (processes, start (python, "-c", python_count, path, all, NULL));
      expected += (gint64) n_each * n_threads;
    }
  for (guint i = 0; i < processes->len; i++)
    {
      g_autoptr (GError) error = NULL;

      g_subprocess_wait_check (processes->pdata[i], NULL, &error);
      fail_if_error (error);
    }

  found = shared->number;
  g_print ("%u processes of %u threads%s: %" G_GINT64_FORMAT " increments in %.1f s, %"
           G_GINT64_FORMAT " lost\n", n_processes, n_threads, python != NULL ? " and Python" : "",
           expected, (g_get_monotonic_time () - start_time) / 1e6, expected - found);
  munmap (shared, sizeof *shared);
  return found == expected ? 0 : 1;
}

/* Holds the lock until it is killed. */
static int
run_holder (const char *path)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GError) error = NULL;

  tvm_file_lock_acquire (lock, LONG_MSEC, NULL, &error);
  fail_if_error (error);
  if (write (STDOUT_FILENO, "+", 1) == 1)
    pause ();
  return 0;
}

/* Returns: the microseconds from the kill to the lock */
static gint64
run_kill (const char *path)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GSubprocess) holder = start (self_path, "--holder", path, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 killed_at, deadline;
  char byte;

  fail_if (g_input_stream_read (g_subprocess_get_stdout_pipe (holder), &byte, 1, NULL, &error) != 1,
           "the holder said nothing");
  tvm_file_lock_acquire_async (lock, LONG_MSEC, NULL, on_ready, &result);
  /* At any point of the wait, with the retries of its beginning over or not */
  deadline = g_get_monotonic_time () + g_random_int_range (0, 5000);
  while (g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, FALSE);
  fail_if (result != NULL, "two have the lock");

  killed_at = g_get_monotonic_time ();
  g_subprocess_force_exit (holder);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  killed_at = g_get_monotonic_time () - killed_at;
  fail_if (!tvm_file_lock_acquire_finish (lock, result, &error), "the lock was not got");
  g_subprocess_wait (holder, NULL, NULL);
  return killed_at;
}

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  gint64 difference = *(const gint64 *) a - *(const gint64 *) b;

  return difference < 0 ? -1 : difference > 0;
}

static int
kill_holders (const char *dir,
              guint       n_rounds,
              double      limit_msec)
{
  g_autofree char *path = g_build_filename (dir, "lock", NULL);
  g_autofree gint64 *times = g_new (gint64, n_rounds);
  guint n_late = 0;

  for (guint i = 0; i < n_rounds; i++)
    {
      times[i] = run_kill (path);
      n_late += times[i] / 1000.0 > limit_msec;
    }

  qsort (times, n_rounds, sizeof *times, compare_times);
  g_print ("%u holders killed, until the waiter has the lock: median %.2f ms, p99 %.2f ms, "
           "max %.2f ms; %u later than %g ms\n", n_rounds, times[n_rounds / 2] / 1000.0,
           times[n_rounds * 99 / 100] / 1000.0, times[n_rounds - 1] / 1000.0, n_late, limit_msec);
  return n_late == 0 ? 0 : 1;
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *dir = NULL;
  int status = 2;

  self_path = argv[0];
  if (argc == 5 && g_str_equal (argv[1], "--counter"))
    return run_counter (argv + 2);
  if (argc == 3 && g_str_equal (argv[1], "--holder"))
    return run_holder (argv[2]);

  dir = g_dir_make_tmp ("stress-locks-XXXXXX", NULL);
  fail_if (dir == NULL, "no temporary directory");
  if (argc > 1 && g_str_equal (argv[1], "count"))
    status = count (dir, argc > 2 ? (guint) atoi (argv[2]) : 8, argc > 3 ? (guint) atoi (argv[3]) : 8,
                    argc > 4 ? (guint) atoi (argv[4]) : 100000);
  else if (argc > 1 && g_str_equal (argv[1], "kill"))
    status = kill_holders (dir, argc > 2 ? (guint) MAX (atoi (argv[2]), 1) : 1000,
                           argc > 3 ? g_ascii_strtod (argv[3], NULL) : 50);
  else
    g_printerr ("stress-locks count|kill [NUMBER…]\n");
  tvm_rmtree_at (AT_FDCWD, dir, NULL);
  return status;
}
