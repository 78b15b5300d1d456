/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

/* What killed processes left, and removal in the background */

/* Everything is below this one, which is TMPDIR. */
static char *tmp;

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
count_left (void)
{
  g_autoptr (GDir) dir = g_dir_open (tmp, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, "tvmsupport-");
  return n;
}

static char **
clean (gboolean dry_run)
{
  g_autoptr (GError) error = NULL;
  char **paths = tvm_temp_directory_clean (tmp, dry_run, NULL, &error);

  g_assert_no_error (error);
  return paths;
}

static void
on_cleaned (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* All that is left over, and nothing else, is found, and then removed. */
static void
test_clean (void)
{
  static const char *const ours[] = { ".tvm-stage-abcdef", "tvmsupport-temp-0123456789abcdef",
                                      "tvmsupport-temp-abcdef", NULL };
  static const char *const foreign[] = { "tvmsupport-temp-abcde", "tvmsupport-temp-abcdefg",
                                         ".tvm-stage-0123456789abcdef", "tvmsupport-abcdef",
                                         "x.tvm-stage-abcdef" };
  g_autoptr (TvmTempDirectory) alive = tvm_temp_directory_new (NULL, NULL);
  g_autofree char *file = g_build_filename (tmp, "tvmsupport-temp-a_file", NULL);
  g_autofree char *wide = g_build_filename (tmp, "tvmsupport-temp-shared", NULL);
  g_autofree char *kept = g_build_filename (tmp, "tvmsupport-temp-isheld", NULL);
  g_auto (GStrv) found = NULL;
  g_auto (GStrv) removed = NULL;
  g_auto (GStrv) none = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; ours[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (ours[i], "/a/b", NULL);

      write_file (tmp, name);
      g_ptr_array_add (expected, g_build_filename (tmp, ours[i], NULL));
    }
  g_ptr_array_add (expected, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autofree char *path = g_build_filename (tmp, foreign[i], NULL);
      g_assert_no_errno (g_mkdir (path, 0700));
    }
  write_file (tmp, "tvmsupport-temp-a_file");
  g_assert_no_errno (g_mkdir (wide, 0755));
  g_assert_no_errno (g_mkdir (kept, 0700));
  g_assert_no_errno (g_chmod (kept, 01700));

  found = clean (TRUE);
  g_assert_cmpstrv (found, expected->pdata);
  for (gsize i = 0; found[i] != NULL; i++)
    g_assert_true (exists (found[i]));

  tvm_temp_directory_clean_async (tmp, FALSE, NULL, on_cleaned, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  removed = tvm_temp_directory_clean_finish (result, &error);
  g_assert_no_error (error);
  g_assert_cmpstrv (removed, expected->pdata);
  for (gsize i = 0; removed[i] != NULL; i++)
    g_assert_false (exists (removed[i]));
  none = clean (FALSE);
  g_assert_cmpuint (g_strv_length (none), ==, 0);

  g_assert_true (exists (tvm_temp_directory_get_path (alive)));
  for (gsize i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autofree char *path = g_build_filename (tmp, foreign[i], NULL);
      g_assert_no_errno (g_rmdir (path));
    }
  g_assert_no_errno (g_unlink (file));
  g_assert_no_errno (g_rmdir (wide));
  g_assert_no_errno (g_rmdir (kept));
}

static void
test_clean_fails (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_temp_directory_clean ("/no/such/place", FALSE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (tvm_temp_directory_clean ("/proc", FALSE, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_null (tvm_temp_directory_clean (tmp, FALSE, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A given parent is swept too. */
static void
test_sweep_parent (void)
{
  g_autofree char *parent = g_build_filename (tmp, "parent", NULL);
  g_autofree char *dead = g_build_filename (parent, "tvmsupport-temp-abcdef", NULL);
  g_autoptr (TvmTempDirectory) temp = NULL;

  write_file (parent, "tvmsupport-temp-abcdef/a/b");
  temp = tvm_temp_directory_new_in (parent, NULL);
  g_assert_nonnull (temp);
  for (guint i = 0; i < 1000 && exists (dead); i++)
    g_usleep (10000);
  g_assert_false (exists (dead));
  g_clear_object (&temp);
  g_assert_no_errno (g_rmdir (parent));
}

/* The path is free at once, and the rest goes. */
static void
test_remove_detached (void)
{
  g_autofree char *custom = g_build_filename (tmp, "detached", NULL);
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (custom, NULL);
  g_autoptr (TvmTempDirectory) again = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u/%u", i % 7, i);
      write_file (custom, name);
    }
  tvm_temp_directory_set_keep (temp, TRUE);
  g_assert_true (tvm_temp_directory_remove_detached (temp, &error));
  g_assert_no_error (error);
  g_assert_false (exists (custom));
  again = tvm_temp_directory_new (custom, &error);
  g_assert_no_error (error);

  g_assert_true (tvm_temp_directory_remove_detached (temp, &error));
  g_assert_true (tvm_temp_directory_remove (temp, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (exists (custom));
  for (guint i = 0; i < 1000 && count_left () > 0; i++)
    g_usleep (10000);
  g_assert_cmpuint (count_left (), ==, 0);

  /* Gone already */
  g_assert_no_errno (g_rmdir (custom));
  g_assert_true (tvm_temp_directory_remove_detached (again, &error));
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  tmp = g_build_filename (g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp",
                          "test-temp-clean-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (tmp));
  g_setenv ("TMPDIR", tmp, TRUE);

  g_test_add_func ("/temp-directory/sweep-parent", test_sweep_parent);
  g_test_add_func ("/temp-directory/clean", test_clean);
  g_test_add_func ("/temp-directory/clean-fails", test_clean_fails);
  g_test_add_func ("/temp-directory/remove-detached", test_remove_detached);
  result = g_test_run ();

  g_assert_cmpuint (count_left (), ==, 0);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, tmp, NULL));
  g_free (tmp);
  return result;
}
