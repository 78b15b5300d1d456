/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/files/tvm-tar.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whatever an archive holds, it is unpacked below its directory or refused, and nothing of it is
 * anywhere else. See README.md. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* The directory that all is in, which has a file beside the one that is unpacked into */
static char *
get_root (void)
{
  static char *root;
  g_autofree char *beside = NULL;

  if (root != NULL)
    return root;

  root = g_dir_make_tmp ("tvmsupport-fuzz-XXXXXX", NULL);
  if (root == NULL || chdir (root) != 0)
    g_error ("No directory can be made");
  beside = g_build_filename (root, "beside", NULL);
  g_assert_true (g_file_set_contents (beside, "beside", -1, NULL));
  return root;
}

static void
remove_root (void)
{
  (void) tvm_rmtree_at (AT_FDCWD, get_root (), NULL);
}

static void
check_root (const char *root)
{
  g_autofree char *beside = g_build_filename (root, "beside", NULL);
  g_autofree char *content = NULL;
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (g_file_get_contents (beside, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "beside");
}

/* No link that was made leads out: not even the shortest way through others. */
static void
check_links (const char *root,
             const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    return;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      char *resolved = realpath (child, NULL);

      if (resolved != NULL && strncmp (resolved, root, strlen (root)) != 0)
        g_error ("“%s” leads to “%s”", child, resolved);
      free (resolved);
      if (!g_file_test (child, G_FILE_TEST_IS_SYMLINK) && g_file_test (child, G_FILE_TEST_IS_DIR))
        check_links (root, child);
    }
  g_dir_close (dir);
}

static void
unpack (const char  *path,
        TvmTarLinks  links)
{
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GListModel) entries = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = g_build_filename (get_root (), "out", NULL);

  tvm_tar_options_set_links (options, links);
  tvm_tar_options_set_max_entries (options, 200);
  tvm_tar_options_set_max_size (options, 1 << 20);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error) == (error == NULL));
  if (error == NULL)
    check_links (out, out);
  else
    g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));

  g_assert_cmpint (tvm_rmtree_at (AT_FDCWD, out, NULL), ==, 0);
  check_root (get_root ());

  g_clear_error (&error);
  entries = tvm_tar_list (path, options, NULL, &error);
  g_assert_true ((entries != NULL) == (error == NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  static gboolean prepared;
  g_autofree char *path = NULL;
  const int fd = memfd_create ("fuzz-tar", MFD_CLOEXEC);

  if (!prepared)
    atexit (remove_root);
  prepared = TRUE;

  if (fd < 0 || write (fd, data, size) != (gssize) size)
    g_error ("No file can be written");

  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  unpack (path, TVM_TAR_LINKS_REFUSE);
  unpack (path, TVM_TAR_LINKS_INSIDE);
  close (fd);
  return 0;
}
