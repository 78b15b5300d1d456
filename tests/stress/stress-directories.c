/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Kills processes that make, use and remove temporary directories, at random points of that, while
 * others sweep.
 *
 *   stress-directories [KILLS [PROCESSES]]
 *
 * So many processes are at work at any time; each looks all the while whether what it has made is
 * there, with what it has put into it. Fails if anything of a living process is gone, or if
 * anything of a dead one is left once all has been swept.
 */

#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_SWEEPERS 2
#define N_DIRECTORIES 4
#define MAX_LIFE_USEC 40000

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

/* One of a process, of either kind */
typedef struct
{
  TvmTempDirectory *directory;
  TvmTempPlace *stage;
  char *path;
} Mine;

static void
fill (const char *path)
{
  g_autofree char *sub = g_build_filename (path, "a", "b", NULL);

  fail_if (g_mkdir_with_parents (sub, 0700) != 0, path);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *file = g_strdup_printf ("%s/%u", i % 2 == 0 ? path : sub, i);

      fail_if (!g_file_set_contents_full (file, "x", 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL), file);
    }
}

static void
check (const char *path)
{
  g_autofree char *first = g_build_filename (path, "0", NULL);
  g_autofree char *deep = g_build_filename (path, "a", "b", "3", NULL);

  fail_if (access (first, F_OK) != 0 || access (deep, F_OK) != 0, path);
}

static void
make (Mine *mine)
{
  g_autoptr (GError) error = NULL;

  if (g_random_int_range (0, 3) == 0)
    {
      mine->stage = tvm_temp_place_new_in (g_get_tmp_dir (), TVM_TEMP_STAGE_PREFIX, FALSE, &error);
      fail_if (mine->stage == NULL, error != NULL ? error->message : "");
      mine->path = g_strdup (mine->stage->path);
    }
  else
    {
      mine->directory = tvm_temp_directory_new (NULL, &error);
      fail_if (mine->directory == NULL, error != NULL ? error->message : "");
      mine->path = g_strdup (tvm_temp_directory_get_path (mine->directory));
    }
  fill (mine->path);
}

static void
end (Mine *mine)
{
  g_autoptr (GError) error = NULL;

  check (mine->path);
  if (mine->stage != NULL)
    tvm_temp_place_drop (mine->stage);
  else if (g_random_boolean ())
    tvm_temp_directory_remove (mine->directory, NULL, &error);
  else if (g_random_boolean ())
    tvm_temp_directory_remove_detached (mine->directory, &error);
  fail_if (error != NULL, error != NULL ? error->message : "");

  g_clear_object (&mine->directory);
  g_clear_pointer (&mine->stage, tvm_temp_place_unref);
  fail_if (access (mine->path, F_OK) == 0, "a directory that was removed is there");
  g_clear_pointer (&mine->path, g_free);
}

static gboolean
is_told_to_end (void)
{
  struct pollfd poll_fd = { STDIN_FILENO, POLLIN, 0 };

  return poll (&poll_fd, 1, 0) == 1;
}

static int
run_worker (void)
{
  Mine all[N_DIRECTORIES] = { { NULL, NULL, NULL }, };

  while (!is_told_to_end ())
    {
      Mine *mine = &all[g_random_int_range (0, N_DIRECTORIES)];

      if (mine->path == NULL)
        make (mine);
      else
        end (mine);
      for (gsize i = 0; i < N_DIRECTORIES; i++)
        if (all[i].path != NULL)
          check (all[i].path);
    }

  for (gsize i = 0; i < N_DIRECTORIES; i++)
    if (all[i].path != NULL)
      end (&all[i]);
  return 0;
}

static int
run_sweeper (void)
{
  while (!is_told_to_end ())
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) paths = tvm_temp_directory_clean (NULL, g_random_boolean (), NULL, &error);

      fail_if (paths == NULL, error != NULL ? error->message : "");
    }

  return 0;
}

static GSubprocess *
start (const char *mode)
{
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, self_path, mode,
                                           NULL);

  fail_if (process == NULL, error != NULL ? error->message : "");
  return process;
}

static void
end_process (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
  g_subprocess_wait_check (process, NULL, &error);
  fail_if (error != NULL, error != NULL ? error->message : "");
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n++;
  return n;
}

static int
run (const char *dir,
     guint       n_kills,
     guint       n_processes)
{
  g_autoptr (GPtrArray) workers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) sweepers = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (GStrv) left = NULL;
  guint n_left;

  for (guint i = 0; i < N_SWEEPERS; i++)
    g_ptr_array_add (sweepers, start ("--sweeper"));
  for (guint i = 0; i < n_processes; i++)
    g_ptr_array_add (workers, start ("--worker"));
  for (guint i = 0; i < n_kills; i++)
    {
      guint victim = (guint) g_random_int_range (0, (gint32) workers->len);
      GSubprocess *process = workers->pdata[victim];

      g_usleep ((gulong) g_random_int_range (0, MAX_LIFE_USEC));
      g_subprocess_force_exit (process);
      g_subprocess_wait (process, NULL, NULL);
      fail_if (!g_subprocess_get_if_signaled (process), "a process ended by itself");
      g_ptr_array_remove_index_fast (workers, victim);
      g_ptr_array_add (workers, start ("--worker"));
    }

  for (guint i = 0; i < workers->len; i++)
    end_process (workers->pdata[i]);
  for (guint i = 0; i < sweepers->len; i++)
    end_process (sweepers->pdata[i]);
  left = tvm_temp_directory_clean (dir, FALSE, NULL, NULL);
  fail_if (left == NULL, "the last sweep");
  n_left = count_entries (dir);
  g_print ("%u processes killed of %u at a time: %u left for the last sweep, %u after it\n", n_kills,
           n_processes, g_strv_length (left), n_left);
  return n_left == 0 ? 0 : 1;
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *dir = NULL;
  int status;

  self_path = argv[0];
  if (argc == 2 && g_str_equal (argv[1], "--worker"))
    return run_worker ();
  if (argc == 2 && g_str_equal (argv[1], "--sweeper"))
    return run_sweeper ();

  dir = g_dir_make_tmp ("stress-directories-XXXXXX", NULL);
  fail_if (dir == NULL, "no temporary directory");
  g_setenv ("TMPDIR", dir, TRUE);
  status = run (dir, argc > 1 ? (guint) atoi (argv[1]) : 200, argc > 2 ? (guint) atoi (argv[2]) : 8);
  tvm_rmtree_at (AT_FDCWD, dir, NULL);
  return status;
}
