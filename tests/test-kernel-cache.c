/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-cache.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534
#define N_PROCESSES 8
#define N_ROUNDS 200
#define N_KEYS 20

static const char *program;

typedef struct
{
  char *folder;
  char *directory;
  TvmKernelCache *cache;
} Fixture;

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  alarm (120);
  self->folder = g_dir_make_tmp ("tvm-kernel-cache-XXXXXX", &error);
  g_assert_no_error (error);
  self->directory = g_build_filename (self->folder, "cache", NULL);
  self->cache = tvm_kernel_cache_new (self->directory);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_object (&self->cache);
  g_assert_cmpint (tvm_rmtree_at (AT_FDCWD, self->folder, NULL), ==, 0);
  g_free (self->directory);
  g_free (self->folder);
  alarm (0);
}

static gboolean
is_stored (TvmKernelCache *cache,
           const char     *key,
           const char     *contents)
{
  g_autoptr (GBytes) bytes = g_bytes_new (contents, strlen (contents));
  g_autoptr (GError) error = NULL;
  gboolean ok = tvm_kernel_cache_store (cache, key, bytes, NULL, &error);

  g_assert_true (ok == (error == NULL));
  return ok;
}

static void
assert_has (TvmKernelCache *cache,
            const char     *key,
            const char     *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = tvm_kernel_cache_lookup (cache, key, NULL, &error);

  g_assert_no_error (error);
  if (expected == NULL)
    g_assert_null (bytes);
  else
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                     strlen (expected));
}

static guint64
get_stat (TvmKernelCache *cache,
          const char     *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) stats = tvm_kernel_cache_dup_stats (cache, NULL, &error);
  guint64 value = 0;

  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (stats, name, "t", &value));
  return value;
}

static char *
get_path (Fixture    *self,
          const char *key)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, key, -1);
  g_autofree char *subfolder = g_strndup (digest, 2);

  return g_build_filename (self->directory, subfolder, digest + 2, NULL);
}

static void
test_store (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (TvmKernelCache) other = NULL;

  assert_has (self->cache, "a", NULL);
  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_true (is_stored (self->cache, "ab", ""));
  assert_has (self->cache, "a", "kernel");
  assert_has (self->cache, "ab", "");
  assert_has (self->cache, "b", NULL);
  g_assert_true (is_stored (self->cache, "a", "another"));

  other = tvm_kernel_cache_new (self->directory);
  assert_has (other, "a", "another");
  g_assert_cmpuint (tvm_kernel_cache_get_hits (other), ==, 1);
  g_assert_cmpuint (tvm_kernel_cache_get_misses (other), ==, 0);
  g_assert_cmpuint (tvm_kernel_cache_get_hits (self->cache), ==, 2);
  g_assert_cmpuint (tvm_kernel_cache_get_misses (self->cache), ==, 2);
  g_assert_cmpuint (get_stat (other, "hits"), ==, 3);
  g_assert_cmpuint (get_stat (other, "misses"), ==, 2);
  g_assert_cmpuint (get_stat (other, "entries"), ==, 2);
  g_assert_cmpuint (get_stat (other, "size"), ==, tvm_kernel_cache_get_size (other));
  g_assert_cmpuint (get_stat (other, "maximum-size"), ==, 1 << 30);
}

static void
test_clear (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *foreign = g_build_filename (self->directory, "README", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_kernel_cache_clear (self->cache, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_true (g_file_set_contents (foreign, "mine", -1, &error));
  g_assert_true (tvm_kernel_cache_clear (self->cache, NULL, &error));
  g_assert_no_error (error);
  assert_has (self->cache, "a", NULL);
  g_assert_cmpuint (get_stat (self->cache, "entries"), ==, 0);
  g_assert_cmpuint (get_stat (self->cache, "misses"), ==, 1);
  g_assert_cmpuint (tvm_kernel_cache_get_size (self->cache), ==, 0);
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));
}

/* Whatever stands in the place of an entry: it is a miss, it is gone then, and can be stored again. */
static void
assert_bad (Fixture    *self,
            const char *path)
{
  assert_has (self->cache, "a", NULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpint (g_access (path, F_OK), ==, -1);
  g_assert_true (is_stored (self->cache, "a", "kernel"));
  assert_has (self->cache, "a", "kernel");
}

static void
test_damaged (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  g_autofree char *other = get_path (self, "b");
  g_autofree char *good = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_true (is_stored (self->cache, "b", "KERNEL"));
  g_assert_true (g_file_get_contents (path, &good, &size, &error));

  for (gsize i = 0; i < size; i++)
    {
      g_autofree char *bad = g_memdup2 (good, size);

      g_assert_true (g_file_set_contents (path, good, i, &error));
      assert_bad (self, path);
      bad[i] ^= 0x20;
      g_assert_true (g_file_set_contents (path, bad, size, &error));
      assert_bad (self, path);
    }

  /* The entry of another key */
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (link (other, path), ==, 0);
  assert_bad (self, path);
  /* What is no file */
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (symlink (other, path), ==, 0);
  assert_has (self->cache, "a", NULL);
  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_bad (self, path);
  assert_has (self->cache, "b", "KERNEL");
  /* What cannot be removed */
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  assert_has (self->cache, "a", NULL);
  g_assert_false (is_stored (self->cache, "a", "kernel"));
}

static void
test_sparse (Fixture       *self,
             gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_cmpint (truncate (path, G_GINT64_CONSTANT (1) << 40), ==, 0);
  assert_bad (self, path);
}

static void
test_foreign (Fixture       *self,
              gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give files away");
      return;
    }

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_cmpint (chown (path, NOBODY, NOBODY), ==, 0);
  assert_bad (self, path);
  g_assert_cmpint (chown (self->directory, NOBODY, NOBODY), ==, 0);
  g_assert_null (tvm_kernel_cache_lookup (self->cache, "a", NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_assert_false (is_stored (self->cache, "b", "kernel"));
  g_assert_cmpint (chown (self->directory, 0, 0), ==, 0);
  assert_has (self->cache, "a", "kernel");
}

static void
test_open_to_all (Fixture       *self,
                  gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  g_autoptr (GError) error = NULL;

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_cmpint (g_chmod (path, 0666), ==, 0);
  assert_bad (self, path);

  g_assert_cmpint (g_chmod (self->directory, 0777), ==, 0);
  g_assert_null (tvm_kernel_cache_lookup (self->cache, "a", NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
  g_assert_false (is_stored (self->cache, "b", "kernel"));
  g_clear_error (&error);
  g_assert_false (tvm_kernel_cache_clear (self->cache, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED);
}

/* A folder that cannot be made, as a file is in its way */
static void
test_no_folder (Fixture       *self,
                gconstpointer  data)
{
  g_autofree char *below = g_build_filename (self->directory, "below", NULL);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (below);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (self->directory, "", 0, &error));
  g_assert_null (tvm_kernel_cache_lookup (cache, "a", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_false (is_stored (cache, "a", "kernel"));
  g_assert_cmpuint (tvm_kernel_cache_get_size (cache), ==, 0);
}

/* What follows is done by this program as another user or with limits of its own. */
static int
run_child (const char *mode,
           const char *directory)
{
  g_autoptr (GSubprocess) child = NULL;
  g_autoptr (GError) error = NULL;

  child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "--child", mode, directory,
                            NULL);
  g_assert_no_error (error);
  g_subprocess_wait (child, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (child));
  return g_subprocess_get_exit_status (child);
}

static void
child_read_only (const char *directory)
{
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  if (geteuid () == 0)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);
  assert_has (cache, "a", "kernel");
  assert_has (cache, "b", NULL);
  g_assert_false (is_stored (cache, "b", "kernel"));
  g_assert_cmpuint (tvm_kernel_cache_get_hits (cache), ==, 1);
  /* A leak sanitizer looks at a process of its own user only. */
  if (geteuid () != getuid ())
    g_assert_cmpint (seteuid (getuid ()), ==, 0);
}

static void
test_read_only (Fixture       *self,
                gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  g_autofree char *subfolder = g_path_get_dirname (path);

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_cmpint (g_chmod (self->folder, 0755), ==, 0);
  g_assert_cmpint (g_chmod (path, 0444), ==, 0);
  g_assert_cmpint (g_chmod (subfolder, 0555), ==, 0);
  g_assert_cmpint (g_chmod (self->directory, 0555), ==, 0);
  g_assert_cmpint (run_child ("read-only", self->directory), ==, 0);
  g_assert_cmpint (g_chmod (subfolder, 0755), ==, 0);
  g_assert_cmpint (g_chmod (self->directory, 0755), ==, 0);
}

static void
child_file_limit (const char *directory)
{
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  const struct rlimit limit = { 1000, 1000 };
  g_autofree char *large = g_strnfill (2000, 'x');

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_false (is_stored (cache, "large", large));
  g_assert_true (is_stored (cache, "small", "kernel"));
  assert_has (cache, "large", NULL);
  assert_has (cache, "small", "kernel");
  g_assert_cmpuint (get_stat (cache, "entries"), ==, 1);
}

static void
test_file_limit (Fixture       *self,
                 gconstpointer  data)
{
  g_assert_cmpint (run_child ("file-limit", self->directory), ==, 0);
}

static void
test_full_disk (Fixture       *self,
                gconstpointer  data)
{
  g_autofree char *large = g_strnfill (100000, 'x');
  g_autofree char *medium = g_strnfill (20000, 'y');

  g_assert_cmpint (g_mkdir (self->directory, 0700), ==, 0);
  if (mount ("tmpfs", self->directory, "tmpfs", 0, "size=64k,mode=700") < 0)
    {
      g_test_skip ("no file system can be mounted");
      return;
    }

  g_assert_false (is_stored (self->cache, "large", large));
  g_assert_true (is_stored (self->cache, "medium", medium));
  g_assert_false (is_stored (self->cache, "large", large));
  assert_has (self->cache, "large", NULL);
  assert_has (self->cache, "medium", medium);
  g_assert_cmpuint (get_stat (self->cache, "entries"), ==, 1);
  g_assert_cmpint (umount (self->directory), ==, 0);
}

/* When an entry was used last */
static void
set_age (Fixture    *self,
         const char *key,
         gint64      seconds)
{
  g_autofree char *path = get_path (self, key);
  const struct timespec times[2] = {
    { g_get_real_time () / G_USEC_PER_SEC - seconds, 0 },
    { 0, UTIME_OMIT },
  };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static void
test_eviction (Fixture       *self,
               gconstpointer  data)
{
  g_autofree char *text = g_strnfill (10000, 'x');
  g_autofree char *large = g_strnfill (100001, 'x');

  tvm_kernel_cache_set_maximum_size (self->cache, 100000);
  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      g_assert_true (is_stored (self->cache, key, text));
      set_age (self, key, 100000 - i);
    }
  g_assert_cmpuint (get_stat (self->cache, "entries"), ==, 9);

  /* Used after all others */
  assert_has (self->cache, "0", text);
  g_assert_true (is_stored (self->cache, "9", text));
  assert_has (self->cache, "0", text);
  assert_has (self->cache, "9", text);
  assert_has (self->cache, "1", NULL);
  assert_has (self->cache, "2", NULL);
  assert_has (self->cache, "8", text);
  g_assert_cmpuint (tvm_kernel_cache_get_size (self->cache), <=, 80000);

  g_assert_false (is_stored (self->cache, "large", large));
  tvm_kernel_cache_set_maximum_size (self->cache, 0);
  g_assert_true (is_stored (self->cache, "large", large));
  assert_has (self->cache, "large", large);
}

/* A hit is written down once an hour. */
static void
test_use (Fixture       *self,
          gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  GStatBuf info;

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  set_age (self, "a", 4000);
  assert_has (self->cache, "a", "kernel");
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_atime, >=, now - 1);
}

/* What a writer that was killed has left goes; what one that lives is at stays. */
static void
test_left (Fixture       *self,
           gconstpointer  data)
{
  g_autofree char *path = get_path (self, "a");
  g_autofree char *subfolder = g_path_get_dirname (path);
  g_autofree char *dead = g_build_filename (subfolder, ".tmp-dead", NULL);
  g_autofree char *live = g_build_filename (subfolder, ".tmp-live", NULL);
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_true (is_stored (self->cache, "a", "kernel"));
  g_assert_true (g_file_set_contents (dead, "half", -1, &error));
  fd = open (live, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  g_assert_cmpuint (get_stat (self->cache, "entries"), ==, 1);
  g_assert_false (g_file_test (dead, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (live, G_FILE_TEST_EXISTS));
  close (fd);
  g_assert_true (tvm_kernel_cache_trim (self->cache, G_MAXUINT64, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (live, G_FILE_TEST_EXISTS));
  assert_has (self->cache, "a", "kernel");
}

/* Each entry says whose it is, many times over. */
static char *
make_text (guint number)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < 500 + 40 * number; i++)
    g_string_append_printf (text, "%u ", number);
  return g_string_free (text, FALSE);
}

static void
child_share (const char *directory)
{
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  /* Less than all of them take, so that there is always something to remove */
  tvm_kernel_cache_set_maximum_size (cache, 40000);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint number = g_random_int_range (0, N_KEYS);
      g_autofree char *key = g_strdup_printf ("%u", number);
      g_autofree char *text = make_text (number);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = tvm_kernel_cache_lookup (cache, key, NULL, &error);

      g_assert_no_error (error);
      if (bytes == NULL)
        g_assert_true (is_stored (cache, key, text));
      else
        g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text,
                         strlen (text));
    }
}

static void
test_processes (Fixture       *self,
                gconstpointer  data)
{
  GSubprocess *children[N_PROCESSES];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PROCESSES; i++)
    {
      children[i] = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, program, "--child", "share",
                                      self->directory, NULL);
      g_assert_no_error (error);
    }

  /* Whenever that is, it harms nobody. */
  g_subprocess_send_signal (children[0], SIGKILL);
  for (guint i = 0; i < N_PROCESSES; i++)
    {
      g_subprocess_wait (children[i], NULL, &error);
      g_assert_no_error (error);
      g_assert_true (i == 0 || g_subprocess_get_successful (children[i]));
      g_object_unref (children[i]);
    }

  g_assert_true (tvm_kernel_cache_trim (self->cache, 40000, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (get_stat (self->cache, "hits"), >, 0);
  g_assert_cmpuint (get_stat (self->cache, "entries"), >, 0);
}

static void
ready (GObject      *source,
       GAsyncResult *result,
       gpointer      user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
test_async (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (GBytes) contents = g_bytes_new_static ("kernel", 6);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) found = NULL;
  g_autoptr (GVariant) stats = NULL;
  g_autoptr (GError) error = NULL;

  tvm_kernel_cache_lookup_async (self->cache, "a", NULL, ready, &result);
  g_assert_null (tvm_kernel_cache_lookup_finish (self->cache, wait_for (&result), &error));
  g_assert_no_error (error);
  g_clear_object (&result);
  tvm_kernel_cache_store_async (self->cache, "a", contents, NULL, ready, &result);
  g_assert_true (tvm_kernel_cache_store_finish (self->cache, wait_for (&result), &error));
  g_clear_object (&result);
  tvm_kernel_cache_lookup_async (self->cache, "a", NULL, ready, &result);
  found = tvm_kernel_cache_lookup_finish (self->cache, wait_for (&result), &error);
  g_assert_true (g_bytes_equal (found, contents));
  g_clear_object (&result);
  tvm_kernel_cache_dup_stats_async (self->cache, NULL, ready, &result);
  stats = tvm_kernel_cache_dup_stats_finish (self->cache, wait_for (&result), &error);
  g_assert_nonnull (stats);
  g_clear_object (&result);
  tvm_kernel_cache_trim_async (self->cache, 1000, NULL, ready, &result);
  g_assert_true (tvm_kernel_cache_trim_finish (self->cache, wait_for (&result), &error));
  g_clear_object (&result);
  tvm_kernel_cache_clear_async (self->cache, NULL, ready, &result);
  g_assert_true (tvm_kernel_cache_clear_finish (self->cache, wait_for (&result), &error));
  g_assert_no_error (error);
  g_clear_object (&result);

  g_cancellable_cancel (cancellable);
  tvm_kernel_cache_lookup_async (self->cache, "a", cancellable, ready, &result);
  g_assert_null (tvm_kernel_cache_lookup_finish (self->cache, wait_for (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_properties (Fixture       *self,
                 gconstpointer  data)
{
  g_autofree char *directory = NULL;
  guint64 hits, misses, size, maximum_size;

  g_object_set (self->cache, "maximum-size", (guint64) 5000, NULL);
  g_object_get (self->cache, "directory", &directory, "hits", &hits, "misses", &misses, "size",
                &size, "maximum-size", &maximum_size, NULL);
  g_assert_cmpstr (directory, ==, self->directory);
  g_assert_cmpuint (hits + misses + size, ==, 0);
  g_assert_cmpuint (maximum_size, ==, 5000);
  g_assert_true (tvm_kernel_cache_get_default () == tvm_kernel_cache_get_default ());
  g_assert_true (g_str_has_suffix (
    tvm_kernel_cache_get_directory (tvm_kernel_cache_get_default ()), "/tvmsupport/kernels"));
}

static int
child_main (const char *mode,
            const char *directory)
{
  alarm (120);
  if (g_str_equal (mode, "read-only"))
    child_read_only (directory);
  else if (g_str_equal (mode, "file-limit"))
    child_file_limit (directory);
  else
    child_share (directory);
  return 0;
}

static void
add (const char *path,
     void (*func) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, func, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--child"))
    return child_main (argv[2], argv[3]);

  g_test_init (&argc, &argv, NULL);
  program = argv[0];
  add ("/kernel-cache/store", test_store);
  add ("/kernel-cache/clear", test_clear);
  add ("/kernel-cache/damaged", test_damaged);
  add ("/kernel-cache/sparse", test_sparse);
  add ("/kernel-cache/foreign", test_foreign);
  add ("/kernel-cache/open-to-all", test_open_to_all);
  add ("/kernel-cache/no-folder", test_no_folder);
  add ("/kernel-cache/read-only", test_read_only);
  add ("/kernel-cache/file-limit", test_file_limit);
  add ("/kernel-cache/full-disk", test_full_disk);
  add ("/kernel-cache/eviction", test_eviction);
  add ("/kernel-cache/use", test_use);
  add ("/kernel-cache/left", test_left);
  add ("/kernel-cache/processes", test_processes);
  add ("/kernel-cache/async", test_async);
  add ("/kernel-cache/properties", test_properties);
  return g_test_run ();
}
