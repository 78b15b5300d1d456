/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/files/tvm-temp-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How an archive appears whole or not at all, with and without files that have no name */

static char *dir;
static char *path;
static const char *self_path;
static gboolean no_tmpfile;

/* In the place of that of the C library, also for the library that is tested */
int
openat64 (int         at,
          const char *name,
          int         flags,
          ...)
{
  va_list args;
  mode_t mode;

  va_start (args, flags);
  mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg (args, mode_t) : 0;
  va_end (args);
  if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE)
    {
      errno = EOPNOTSUPP;
      return -1;
    }

  return (int) syscall (SYS_openat, at, name, flags, mode);
}

static guint
count_entries (void)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (entries) != NULL)
    n++;
  return n;
}

static void
assert_content (const char *expected)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, expected);
}

static void
open_output (TvmArchiveOutput *output,
             const char       *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_archive_output_open (output, path, &error));
  g_assert_no_error (error);
  g_assert_cmpint (write (output->fd, text, strlen (text)), ==, strlen (text));
}

static void
write_output (const char *text)
{
  g_auto (TvmArchiveOutput) output = { .fd = -1, .dir_fd = -1 };
  g_autoptr (GError) error = NULL;

  open_output (&output, text);
  g_assert_true (tvm_archive_output_commit (&output, &error));
  g_assert_no_error (error);
}

static void
give_up_output (const char *text)
{
  g_auto (TvmArchiveOutput) output = { .fd = -1, .dir_fd = -1 };

  open_output (&output, text);
}

static void
test_output (gconstpointer data)
{
  no_tmpfile = GPOINTER_TO_INT (data);
  give_up_output ("never");
  g_assert_cmpuint (count_entries (), ==, 0);
  write_output ("first");
  assert_content ("first");
  g_assert_cmpuint (count_entries (), ==, 1);

  give_up_output ("never");
  assert_content ("first");
  write_output ("second");
  assert_content ("second");
  g_assert_cmpuint (count_entries (), ==, 1);
  g_assert_no_errno (g_unlink (path));
}

/* What a killed process leaves is swept like every directory of ours. */
static void
test_killed (void)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = NULL;

  no_tmpfile = TRUE;
  write_output ("first");
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, self_path, "--helper", dir, NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_assert_true (g_subprocess_get_if_signaled (process));
  assert_content ("first");
  g_assert_cmpuint (count_entries (), ==, 2);

  /* The next output would sweep it in a thread. */
  paths = tvm_temp_directory_clean (dir, FALSE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (paths), ==, 1);
  g_assert_cmpuint (count_entries (), ==, 1);
  g_assert_no_errno (g_unlink (path));
}

static int
run_helper (void)
{
  TvmArchiveOutput output = { .fd = -1, .dir_fd = -1 };

  no_tmpfile = TRUE;
  open_output (&output, "never");
  raise (SIGKILL);
  return 1;
}

int
main (int   argc,
      char *argv[])
{
  int result;

  self_path = argv[0];
  dir = argc == 3 && g_str_equal (argv[1], "--helper")
          ? g_strdup (argv[2])
          : g_dir_make_tmp ("test-archive-output-XXXXXX", NULL);
  g_assert_nonnull (dir);
  path = g_build_filename (dir, "a.tar", NULL);
  if (argc == 3 && g_str_equal (argv[1], "--helper"))
    return run_helper ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/archive-output/tmpfile", GINT_TO_POINTER (FALSE), test_output);
  g_test_add_data_func ("/archive-output/no-tmpfile", GINT_TO_POINTER (TRUE), test_output);
  g_test_add_func ("/archive-output/killed", test_killed);
  result = g_test_run ();

  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, dir, NULL));
  g_free (dir);
  g_free (path);
  return result;
}
