/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What locks, temporary directories and removal cost, against the best that others do: the lock of
 * Python's tvm package, mkdtemp() and rmdir(), `rm -rf`. The ways alternate, so that whatever else
 * the machine does hits all. Everything is below TMPDIR.
 *
 *   bench-files [ROUNDS [FILES]]
 */

#include "config.h"

#include "tvmsupport/files/tvm-file-lock.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/files/tvm-temp-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_LOCKS 5000
#define N_HAND_OVERS 1000
#define N_DIRECTORIES 500

static const char *self_path;
static char *dir;

static void
stop_if (gboolean    bad,
         const char *what)
{
  if (bad)
    g_error ("%s: %s", what, g_strerror (errno));
}

static double
now_usec (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;

  return difference < 0 ? -1 : difference > 0;
}

static double
quantile (GArray *values,
          double  part)
{
  g_array_sort (values, compare);
  return g_array_index (values, double, MIN ((guint) (values->len * part), values->len - 1));
}

/* The seed's lock: Python opens, locks, unlocks and closes. */
static const char python_lock[]
  = "import fcntl, sys, time\n"
    "class FileLock:\n"
    "    def __init__(self, path):\n"
    "        self.lock_file = open(path, 'w')\n"
    "        fcntl.lockf(self.lock_file, fcntl.LOCK_EX)\n"
    "    def release(self):\n"
    "        if self.lock_file:\n"
    "            fcntl.lockf(self.lock_file, fcntl.LOCK_UN)\n"
    "            self.lock_file.close()\n"
    "            self.lock_file = None\n"
    "n = int(sys.argv[2])\n"
    "start = time.perf_counter()\n"
    "for i in range(n):\n"
    "    FileLock(sys.argv[1]).release()\n"
    "print((time.perf_counter() - start) / n * 1e6)\n";

static double
time_python_lock (const char *path)
{
  g_autofree char *count = g_strdup_printf ("%d", N_LOCKS);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "python3", "-c", python_lock,
                              path, count, NULL);
  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error))
    return 0;
  return g_ascii_strtod (out, NULL);
}

static double
time_raw_lock (const char *path)
{
  double start = now_usec ();

  for (guint i = 0; i < N_LOCKS; i++)
    {
      struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
      int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

      stop_if (fcntl (fd, F_OFD_SETLK, &lock) != 0, "fcntl");
      close (fd);
    }
  return (now_usec () - start) / N_LOCKS;
}

static double
time_our_lock (const char *path)
{
  double start = now_usec ();

  for (guint i = 0; i < N_LOCKS; i++)
    {
      g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);

      stop_if (!tvm_file_lock_acquire (lock, -1, NULL, NULL), "lock");
      tvm_file_lock_release (lock);
    }
  return (now_usec () - start) / N_LOCKS;
}

static double
time_our_lock_again (const char *path)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  double start = now_usec ();

  for (guint i = 0; i < N_LOCKS; i++)
    {
      stop_if (!tvm_file_lock_acquire (lock, -1, NULL, NULL), "lock");
      tvm_file_lock_release (lock);
    }
  return (now_usec () - start) / N_LOCKS;
}

typedef struct
{
  const char *name;
  double (*run) (const char *path);
} Way;

/* Prints the medians, and to what each is so many times the first. */
static void
compare_ways (const char *title,
              const char *unit,
              const Way  *ways,
              guint       n_ways,
              guint       n_rounds,
              const char *path)
{
  g_autoptr (GPtrArray) columns = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  double first = 0;

  for (guint w = 0; w < n_ways; w++)
    g_ptr_array_add (columns, g_array_new (FALSE, FALSE, sizeof (double)));
  for (guint i = 0; i < n_rounds; i++)
    for (guint w = 0; w < n_ways; w++)
      {
        double value = ways[w].run (path);

        g_array_append_val (columns->pdata[w], value);
      }

  g_print ("%s\n", title);
  for (guint w = 0; w < n_ways; w++)
    {
      double median = quantile (columns->pdata[w], 0.5);

      if (w == 0)
        first = median;
      g_print ("  %-34s %10.2f %s %8.2f times\n", ways[w].name, median, unit, median / first);
    }
}

typedef struct
{
  double released_at;
} Board;

static Board *
map_board (const char *path)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  Board *board;

  stop_if (fd < 0 || ftruncate (fd, sizeof *board) != 0, path);
  board = mmap (NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  stop_if (board == MAP_FAILED, "mmap");
  close (fd);
  return board;
}

/* The other process: for each byte takes the lock, says so, and lets it go when it is waited for. */
static int
run_holder (const char *path,
            const char *board_path)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  Board *board = map_board (board_path);
  char byte;

  while (read (STDIN_FILENO, &byte, 1) == 1)
    {
      stop_if (!tvm_file_lock_acquire (lock, -1, NULL, NULL), "lock");
      stop_if (write (STDOUT_FILENO, "+", 1) != 1, "write");
      /* Long enough for the other to sleep */
      g_usleep (1500);
      board->released_at = now_usec ();
      tvm_file_lock_release (lock);
    }
  return 0;
}

static void
on_ready (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  *(gboolean *) user_data = tvm_file_lock_acquire_finish (TVM_FILE_LOCK (source), result, NULL);
}

static void
wait_async (const char *path,
            Board      *board,
            double     *usec)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean locked = FALSE;

  tvm_file_lock_acquire_async (lock, -1, cancellable, on_ready, &locked);
  while (!locked)
    g_main_context_iteration (NULL, TRUE);
  *usec = now_usec () - board->released_at;
}

static void
wait_sync (const char *path,
           Board      *board,
           double     *usec)
{
  g_autoptr (TvmFileLock) lock = tvm_file_lock_new (path);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  stop_if (!tvm_file_lock_acquire (lock, -1, cancellable, NULL), "lock");
  *usec = now_usec () - board->released_at;
}

/* What the kernel can do, and nobody can cancel */
static void
wait_lockf (const char *path,
            Board      *board,
            double     *usec)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);

  stop_if (fd < 0 || lockf (fd, F_LOCK, 0) != 0, "lockf");
  *usec = now_usec () - board->released_at;
  close (fd);
}

static void
measure_hand_over (const char *path)
{
  static const struct { const char *name; void (*wait) (const char *, Board *, double *); } ways[] = {
    { "lockf(), which blocks", wait_lockf },
    { "TvmFileLock, async", wait_async },
    { "TvmFileLock, sync", wait_sync },
  };
  g_autofree char *board_path = g_build_filename (dir, "board", NULL);
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (GError) error = NULL;
  Board *board = map_board (board_path);
  GArray *columns[G_N_ELEMENTS (ways)];

  holder = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                             self_path, "--holder", path, board_path, NULL);
  stop_if (holder == NULL, "holder");
  for (gsize w = 0; w < G_N_ELEMENTS (ways); w++)
    columns[w] = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < N_HAND_OVERS * G_N_ELEMENTS (ways); i++)
    {
      char byte = 'x';
      double usec;

      g_output_stream_write (g_subprocess_get_stdin_pipe (holder), &byte, 1, NULL, NULL);
      g_input_stream_read (g_subprocess_get_stdout_pipe (holder), &byte, 1, NULL, NULL);
      ways[i % G_N_ELEMENTS (ways)].wait (path, board, &usec);
      g_array_append_val (columns[i % G_N_ELEMENTS (ways)], usec);
    }
  g_output_stream_close (g_subprocess_get_stdin_pipe (holder), NULL, NULL);
  g_subprocess_wait (holder, NULL, NULL);

  g_print ("hand-over of a lock to a process that waits, %d times\n", N_HAND_OVERS);
  for (gsize w = 0; w < G_N_ELEMENTS (ways); w++)
    {
      g_print ("  %-34s median %8.1f us, p95 %8.1f, p99 %8.1f, max %8.1f\n", ways[w].name,
               quantile (columns[w], 0.5), quantile (columns[w], 0.95), quantile (columns[w], 0.99),
               quantile (columns[w], 1));
      g_array_unref (columns[w]);
    }
}

static double
time_mkdtemp (const char *path)
{
  double start = now_usec ();

  for (guint i = 0; i < N_DIRECTORIES; i++)
    {
      g_autofree char *name = g_build_filename (path, "raw-XXXXXX", NULL);

      stop_if (mkdtemp (name) == NULL || rmdir (name) != 0, "mkdtemp");
    }
  return (now_usec () - start) / N_DIRECTORIES;
}

static double
time_our_directory (const char *path)
{
  double start = now_usec ();

  for (guint i = 0; i < N_DIRECTORIES; i++)
    {
      g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new_in (path, NULL);

      stop_if (temp == NULL || !tvm_temp_directory_remove (temp, NULL, NULL), "temporary directory");
    }
  return (now_usec () - start) / N_DIRECTORIES;
}

static guint n_files;

static void
fill (const char *path)
{
  for (guint i = 0; i < n_files; i++)
    {
      char name[PATH_MAX];
      int fd;

      if (i % 100 == 0)
        {
          g_snprintf (name, sizeof name, "%s/%u", path, i / 100);
          stop_if (g_mkdir (name, 0700) != 0, name);
        }
      g_snprintf (name, sizeof name, "%s/%u/%u", path, i / 100, i);
      fd = open (name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
      stop_if (fd < 0, name);
      close (fd);
    }
}

static double
time_rm (const char *path)
{
  g_autofree char *tree = g_build_filename (path, "tree", NULL);
  g_autoptr (GSubprocess) process = NULL;
  double start;

  stop_if (g_mkdir (tree, 0700) != 0, tree);
  fill (tree);
  start = now_usec ();
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_INHERIT_FDS, NULL, "rm", "-rf", tree, NULL);
  stop_if (!g_subprocess_wait_check (process, NULL, NULL), "rm");
  return (now_usec () - start) / 1000;
}

static double
time_our_removal (const char *path)
{
  g_autofree char *tree = g_build_filename (path, "tree", NULL);
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (tree, NULL);
  double start;

  fill (tree);
  start = now_usec ();
  stop_if (!tvm_temp_directory_remove (temp, NULL, NULL), tree);
  return (now_usec () - start) / 1000;
}

static double
time_detached (const char *path)
{
  g_autofree char *tree = g_build_filename (path, "tree", NULL);
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (tree, NULL);
  double start, usec;

  fill (tree);
  start = now_usec ();
  stop_if (!tvm_temp_directory_remove_detached (temp, NULL), tree);
  usec = now_usec () - start;
  /* What is left is not to disturb the next. */
  for (;;)
    {
      g_autoptr (GDir) left = g_dir_open (path, 0, NULL);

      if (g_dir_read_name (left) == NULL)
        return usec / 1000;
      g_usleep (10000);
    }
}

int
main (int   argc,
      char *argv[])
{
  static const Way lock_ways[] = {
    { "FileLock of Python's tvm", time_python_lock },
    { "open, F_OFD_SETLK, close", time_raw_lock },
    { "TvmFileLock, a new one each time", time_our_lock },
    { "TvmFileLock", time_our_lock_again },
  };
  static const Way directory_ways[] = {
    { "mkdtemp, rmdir", time_mkdtemp },
    { "TvmTempDirectory", time_our_directory },
  };
  static const Way removal_ways[] = {
    { "rm -rf", time_rm },
    { "tvm_temp_directory_remove", time_our_removal },
    { "remove_detached, until it returns", time_detached },
  };
  g_autofree char *lock_path = NULL;
  g_autofree char *title = NULL;
  g_autofree char *sub = NULL;
  guint n_rounds;

  self_path = argv[0];
  if (argc == 4 && g_str_equal (argv[1], "--holder"))
    return run_holder (argv[2], argv[3]);

  n_rounds = argc > 1 ? (guint) MAX (atoi (argv[1]), 1) : 9;
  n_files = argc > 2 ? (guint) atoi (argv[2]) : 100000;
  dir = g_dir_make_tmp ("bench-files-XXXXXX", NULL);
  stop_if (dir == NULL, "temporary directory");
  lock_path = g_build_filename (dir, "lock", NULL);
  sub = g_build_filename (dir, "sub", NULL);
  stop_if (g_mkdir (sub, 0700) != 0, sub);
  title = g_strdup_printf ("removal of %u files in %u directories", n_files, n_files / 100);

  compare_ways ("lock and release, uncontended", "us", lock_ways, G_N_ELEMENTS (lock_ways), n_rounds,
                lock_path);
  measure_hand_over (lock_path);
  compare_ways ("make and remove a temporary directory", "us", directory_ways,
                G_N_ELEMENTS (directory_ways), n_rounds, sub);
  compare_ways (title, "ms", removal_ways, G_N_ELEMENTS (removal_ways), MAX (n_rounds / 3, 1), sub);
  tvm_rmtree_at (AT_FDCWD, dir, NULL);
  g_free (dir);
  return 0;
}
