/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tar-fixture.h"

#include "tvmsupport/files/tvm-archive-output-private.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void
test_round_trip (TarFixture    *f,
                 gconstpointer  data)
{
  static const char *const outputs[] = {
    "a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "a.tzst", "a.tar.xz", "a.txz", "a.unknown",
  };
  g_autofree char *one = tar_put (f, "in/b-one.o", "one", 3);
  g_autofree char *two = tar_put (f, "in/a two\n\"\xff", "two", 3);
  g_autofree char *sub = tar_put (f, "in/dir/sub/deep.o", "deep", 4);
  g_autofree char *empty = tar_put (f, "in/dir/empty", "", 0);
  g_autofree char *dir = tar_path (f, "in/dir/");
  g_autofree char *utf8 = tar_put (f, "in/grün", "green", 5);
  const char *files[] = { one, two, dir, utf8, NULL };

  g_assert_no_errno (g_chmod (one, 0700));
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *tar = tar_path (f, outputs[i]);
      g_autofree char *out = tar_path (f, "out");

      g_assert_true (tvm_tar_create (tar, files, NULL, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (tvm_tar_extract (tar, out, NULL, NULL, &error));
      g_assert_no_error (error);
      tar_assert_content (f, "out/b-one.o", "one");
      tar_assert_content (f, "out/a two\n\"\xff", "two");
      tar_assert_content (f, "out/dir/sub/deep.o", "deep");
      tar_assert_content (f, "out/dir/empty", "");
      tar_assert_content (f, "out/grün", "green");
      g_assert_cmpint (tar_get_mode (f, "out/b-one.o"), ==, 0755);
      g_assert_cmpint (tar_get_mode (f, "out/grün"), ==, 0644);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

/* The magic of what the suffix asks for */
static void
test_compression (TarFixture    *f,
                  gconstpointer  data)
{
  static const struct { const char *name; const char *magic; gsize length; } outputs[] = {
    { "a.tar", "file.o", 6 }, { "a.tar.gz", "\x1f\x8b", 2 }, { "a.TGZ", "\x1f\x8b", 2 },
    { "a.tar.zst", "\x28\xb5\x2f\xfd", 4 }, { "a.tar.xz", "\xfd" "7zXZ", 5 },
  };
  g_autofree char *file = tar_put (f, "file.o", "x", 1);
  const char *files[] = { file, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_autofree char *tar = tar_path (f, outputs[i].name);
      g_autofree char *content = NULL;
      gsize length;

      g_assert_true (tvm_tar_create (tar, files, NULL, NULL, NULL));
      g_assert_true (g_file_get_contents (tar, &content, &length, NULL));
      g_assert_cmpmem (content, outputs[i].length, outputs[i].magic, outputs[i].length);
    }
}

static char *
get_checksum (const char *path)
{
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content, length);
}

static void
test_reproducible (TarFixture    *f,
                   gconstpointer  data)
{
  static const char *const names[] = { "a.tar", "a.tar.gz", "a.tar.zst", "a.tar.xz" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = tar_path (f, names[i]);
      g_autofree char *first = NULL;
      g_autofree char *second = NULL;
      g_autofree char *third = NULL;

      for (guint j = 0; j < 3; j++)
        {
          g_autofree char *root = g_strdup_printf ("in%u", j);
          g_autofree char *a = g_strdup_printf ("%s/d/%s", root, j == 1 ? "z" : "a");
          g_autofree char *b = g_strdup_printf ("%s/d/%s", root, j == 1 ? "a" : "z");
          g_autofree char *pa = tar_put (f, a, "a or z", 6);
          g_autofree char *pb = tar_put (f, b, "a or z", 6);
          g_autofree char *dir = g_strconcat (f->path, "/", root, "/d", NULL);
          const char *files[] = { dir, NULL };

          g_assert_no_errno (g_chmod (pa, 0600));
          g_assert_no_errno (g_chmod (pb, 0666));
          if (j == 2)
            g_setenv ("SOURCE_DATE_EPOCH", "1000000000", TRUE);
          g_assert_true (tvm_tar_create (tar, files, NULL, NULL, NULL));
          *(j == 0 ? &first : j == 1 ? &second : &third) = get_checksum (tar);
        }

      g_assert_cmpstr (first, ==, second);
      g_assert_cmpstr (first, !=, third);
      g_unsetenv ("SOURCE_DATE_EPOCH");
    }
}

/* Read by others, and others' by us */
static void
test_other_tools (TarFixture    *f,
                  gconstpointer  data)
{
  static const char *const names[] = { "a.tar", "a.tar.gz", "a.tar.zst", "a.tar.xz" };
  static const char *const python_list
    = "import tarfile\n"
      "for m in tarfile.open('a.tar.gz'): print(m.name, m.mode, m.uid, m.gid, m.uname, m.mtime)\n";
  static const char *const python_write
    = "import tarfile\n"
      "with tarfile.open('py.tar', 'w', format=tarfile.GNU_FORMAT) as t: t.add('file.o')\n"
      "with tarfile.open('py.tgz', 'w:gz', format=tarfile.PAX_FORMAT) as t: t.add('file.o')\n";
  static const char *const others[] = { "gnu.tar", "gnu.tgz", "py.tar", "py.tgz", "sparse.tar" };
  g_autofree char *long_name = g_strnfill (200, 'n');
  g_autofree char *file = tar_put (f, "file.o", "x", 1);
  g_autofree char *long_file = tar_put (f, long_name, "long", 4);
  g_autofree char *sparse = tar_put (f, "sparse.o", "", 0);
  g_autofree char *out = NULL;
  const char *files[] = { file, long_file, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = tar_path (f, names[i]);
      g_autofree char *list = NULL;

      g_assert_true (tvm_tar_create (tar, files, NULL, NULL, NULL));
      if (TAR_RUN (f, &list, "tar", "-tvf", names[i]))
        {
          g_assert_nonnull (strstr (list, "-rw-r--r-- 0/0 "));
          g_assert_nonnull (strstr (list, "1970-01-01 00:00 file.o\n"));
          g_assert_nonnull (strstr (list, long_name));
        }
    }
  if (TAR_RUN (f, &out, "python3", "-c", python_list))
    g_assert_true (g_str_has_prefix (out, "file.o 420 0 0  0"));

  g_assert_no_errno (truncate (sparse, 1 << 20));
  TAR_RUN (f, NULL, "tar", "-cf", "gnu.tar", "file.o");
  TAR_RUN (f, NULL, "tar", "-czf", "gnu.tgz", "file.o");
  TAR_RUN (f, NULL, "tar", "-cSf", "sparse.tar", "file.o", "sparse.o");
  TAR_RUN (f, NULL, "python3", "-c", python_write);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *tar = tar_path (f, others[i]);
      g_autofree char *to = tar_path (f, "to");
      g_autoptr (GError) error = NULL;

      if (!tar_exists (f, others[i]))
        continue;
      g_assert_true (tvm_tar_extract (tar, to, NULL, NULL, &error));
      g_assert_no_error (error);
      tar_assert_content (f, "to/file.o", "x");
      if (g_str_has_prefix (others[i], "sparse"))
        {
          g_autofree char *back = tar_path (f, "to/sparse.o");
          struct stat st;

          g_assert_no_errno (g_stat (back, &st));
          g_assert_cmpint (st.st_size, ==, 1 << 20);
        }
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, to, NULL));
    }
}

static void
assert_create_fails (TarFixture           *f,
                     const char        *output,
                     const char *const *files,
                     GQuark             domain,
                     int                code,
                     const char        *in_message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = output[0] == '/' ? g_strdup (output) : tar_path (f, output);
  g_auto (GStrv) before = tvm_temp_directory_list (f->temp, NULL);
  g_auto (GStrv) after = NULL;

  g_assert_false (tvm_tar_create (path, files, NULL, NULL, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, in_message));
  after = tvm_temp_directory_list (f->temp, NULL);
  g_assert_cmpstrv (before, after);
}

static void
test_create_fails (TarFixture    *f,
                   gconstpointer  data)
{
  g_autofree char *one = tar_put (f, "one/same.o", "1", 1);
  g_autofree char *two = tar_put (f, "two/same.o", "2", 1);
  g_autofree char *old = tar_put (f, "old.tar", "old", 3);
  g_autofree char *fifo = tar_path (f, "fifo");
  g_autofree char *missing = tar_path (f, "missing.o");
  g_autofree char *old_alias = tar_path (f, "one/../old.tar");

  g_assert_no_errno (mkfifo (fifo, 0600));
  assert_create_fails (f, "old.tar", TAR_FILES (NULL), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "old.tar");
  assert_create_fails (f, "old.tar", TAR_FILES (one, two), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       two);
  assert_create_fails (f, "old.tar", TAR_FILES (one, two), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       one);
  assert_create_fails (f, "old.tar", TAR_FILES (one, one), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       one);
  assert_create_fails (f, "old.tar", TAR_FILES ("/"), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "/");
  assert_create_fails (f, "old.tar", TAR_FILES (".."), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "..");
  assert_create_fails (f, "old.tar", TAR_FILES (""), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "");
  assert_create_fails (f, "old.tar", TAR_FILES (old_alias), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "itself");
  assert_create_fails (f, "old.tar", TAR_FILES (one, missing), G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       missing);
  assert_create_fails (f, "old.tar", TAR_FILES (fifo), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                       "fifo");
  assert_create_fails (f, "one", TAR_FILES (two), G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, "one");
  assert_create_fails (f, "fifo", TAR_FILES (two), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "fifo");
  assert_create_fails (f, "nowhere/a.tar", TAR_FILES (one), G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       "nowhere");
  if (g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    assert_create_fails (f, "/dev/full", TAR_FILES (one), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                         "/dev/full");

  g_setenv ("SOURCE_DATE_EPOCH", "yesterday", TRUE);
  assert_create_fails (f, "old.tar", TAR_FILES (one), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "yesterday");
  tar_assert_content (f, "old.tar", "old");
}

/* No room for the output */
static void
test_create_no_space (TarFixture    *f,
                      gconstpointer  data)
{
  g_autofree char *big = g_strnfill (1 << 20, 'x');
  g_autofree char *file = tar_put (f, "big.o", big, 1 << 20);
  g_autofree char *old = tar_put (f, "old.tar", "old", 3);
  struct rlimit saved, limit;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &saved));
  limit = saved;
  limit.rlim_cur = 100000;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
  assert_create_fails (f, "old.tar", TAR_FILES (file), G_IO_ERROR, G_IO_ERROR_FAILED, "old.tar");
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &saved));
  tar_assert_content (f, "old.tar", "old");
}

/* A link among the files stands for its target, one in a directory for itself; the archive is not
 * packed into itself. */
static void
test_create_tree (TarFixture    *f,
                  gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tar_put (f, "in/file.o", "file", 4);
  g_autofree char *link = tar_path (f, "link.o");
  g_autofree char *inner = tar_path (f, "in/inner");
  g_autofree char *in = tar_path (f, "in");
  g_autofree char *tar = tar_path (f, "in/out.tar");
  g_autofree char *list = NULL;

  g_assert_no_errno (symlink (file, link));
  g_assert_no_errno (symlink ("file.o", inner));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (tvm_tar_create (tar, TAR_FILES (link, in), NULL, NULL, &error));
      g_assert_no_error (error);
    }
  if (TAR_RUN (f, &list, "tar", "-tf", "in/out.tar"))
    g_assert_cmpstr (list, ==, "link.o\nin/\nin/file.o\nin/inner\n");
}

static void
test_create_cancelled (TarFixture    *f,
                       gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *file = tar_put (f, "file.o", "x", 1);
  g_autofree char *tar = tar_path (f, "a.tar");

  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_tar_create (tar, TAR_FILES (file), NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (tar_exists (f, "a.tar"));
}

/* What is compressed when everything has been read, most of it with xz, can be cancelled, too. */
static void
test_create_cancelled_late (TarFixture    *f,
                            gconstpointer  data)
{
  static const TvmTarCompression compressions[] = { TVM_TAR_COMPRESSION_NONE,
                                                    TVM_TAR_COMPRESSION_GZIP,
                                                    TVM_TAR_COMPRESSION_ZSTD,
                                                    TVM_TAR_COMPRESSION_XZ };
  g_autofree char *path = tar_path (f, "a.tar");

  for (gsize i = 0; i < G_N_ELEMENTS (compressions); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      g_auto (TvmArchiveOutput) output = { .fd = -1, .dir_fd = -1 };
      g_auto (TvmArchiveSink) sink = { .cancellable = cancellable };
      TvmArchive *archive;

      g_assert_true (tvm_archive_output_open (&output, path, &error));
      g_assert_no_error (error);
      archive = tvm_archive_sink_open (&sink, &tvm_archive_default_settings, compressions[i], 0,
                                       &output, &error);
      g_assert_no_error (error);
      g_cancellable_cancel (cancellable);
      g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_FATAL);
      g_assert_cmpint (archive_errno (archive), ==, ECANCELED);
      tvm_archive_sink_abort (&sink, archive);
    }
  g_assert_false (tar_exists (f, "a.tar"));
}

static void
test_extract_fails (TarFixture    *f,
                    gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *file = tar_put (f, "file.o", "x", 1);
  g_autofree char *missing = tar_path (f, "missing.tar");
  g_autofree char *fifo = tar_path (f, "fifo");
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *far_out = tar_path (f, "no/such/out");
  g_autofree char *tar = tar_path (f, "a.tar");

  g_assert_no_errno (mkfifo (fifo, 0600));
  g_assert_true (tvm_tar_create (tar, TAR_FILES (file), NULL, NULL, NULL));

  g_assert_false (tvm_tar_extract (missing, out, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (fifo, out, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (file, out, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (tar, far_out, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (tar, file, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_tar_extract (tar, out, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (tar_exists (f, "out"));
}

static void
test_normalize (TarFixture    *f,
                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  const char *path = tvm_temp_directory_get_path (temp);
  g_autofree char *a = tar_put (f, "a.o", "a", 1);
  g_autofree char *b = tar_put (f, "b.o", "b", 1);
  g_autofree char *one = tar_path (f, "one.tar.zst");
  g_autofree char *two = tar_path (f, "two.without-suffix");
  g_autofree char *text = tar_put (f, "text.tar", "not a tar", 9);
  g_autofree char *gz = tar_put (f, "text.gz", "\x1f\x8b\x08\0\0\0\0\0\0\x03"
                                 "\x4b\4\0\x43\xbe\xb7\xe8\1\0\0\0", 21);
  g_autofree char *zeros = tar_put (f, "zeros", "", 0);
  g_auto (GStrv) files = NULL;
  g_auto (GStrv) again = NULL;
  g_auto (GStrv) expected = g_new0 (char *, 5);

  g_assert_no_errno (truncate (zeros, 10240));
  g_assert_true (tvm_tar_create (one, TAR_FILES (b, a), NULL, NULL, NULL));
  g_assert_true (tvm_tar_create (two, TAR_FILES (a, b), NULL, NULL, NULL));

  files = tvm_tar_normalize_file_list (temp, TAR_FILES (a, one, text, gz, two, zeros, f->path), NULL,
                                       NULL, &error);
  g_assert_no_error (error);
  expected[0] = g_build_filename (path, "tar0/b.o", NULL);
  expected[1] = g_build_filename (path, "tar0/a.o", NULL);
  expected[2] = g_build_filename (path, "tar1/a.o", NULL);
  expected[3] = g_build_filename (path, "tar1/b.o", NULL);
  g_assert_cmpstrv (files, TAR_FILES (a, expected[0], expected[1], text, gz, expected[2],
                                      expected[3], zeros, f->path));

  /* Again, into the same directory */
  again = tvm_tar_normalize_file_list (temp, TAR_FILES (one), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (again), ==, 2);
  g_assert_cmpstr (again[0], !=, expected[0]);
  g_assert_true (g_file_test (again[0], G_FILE_TEST_IS_REGULAR));

  g_strfreev (g_steal_pointer (&again));
  again = tvm_tar_normalize_file_list (temp, TAR_FILES (NULL), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (again), ==, 0);

  g_assert_null (tvm_tar_normalize_file_list (temp, TAR_FILES (a, "/no/such/file"), NULL, NULL,
                                              &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/no/such/file"));
}

static void
test_normalize_hostile (TarFixture    *f,
                        gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_auto (GStrv) left = NULL;
  g_autofree char *path = NULL;

  tar_add_file (tar, "fine.o", "x");
  tar_add_header (tar, "fifo", '6', NULL, 0644, 0);
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_null (tvm_tar_normalize_file_list (temp, TAR_FILES (path), NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  left = tvm_temp_directory_list (temp, NULL);
  g_assert_cmpuint (g_strv_length (left), ==, 0);
}

/* The bytes do not depend on the threads, and everybody takes them for one stream. */
static void
test_threads (TarFixture    *f,
              gconstpointer  data)
{
  static const struct { const char *name; const char *tool; } formats[] = {
    { "a.tar", NULL }, { "a.tar.gz", "gzip" }, { "a.tar.zst", "zstd" }, { "a.tar.xz", "xz" },
  };
  static const guint threads[] = { 1, 2, 8, 0 };
  g_autofree char *big = tar_put_noise (f, "big.o", (2 << 20) + 77);
  g_autofree char *small = tar_put (f, "small.o", "small", 5);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autofree char *tar = tar_path (f, formats[i].name);
      g_autofree char *out = tar_path (f, "out");
      g_autofree char *first = NULL;
      g_autofree char *list = NULL;
      g_autoptr (GError) error = NULL;

      for (gsize j = 0; j < G_N_ELEMENTS (threads); j++)
        {
          g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
          g_autofree char *checksum = NULL;

          tvm_tar_options_set_threads (options, threads[j]);
          g_assert_true (tvm_tar_create (tar, TAR_FILES (small, big), options, NULL, &error));
          g_assert_no_error (error);
          checksum = get_checksum (tar);
          if (first != NULL)
            g_assert_cmpstr (checksum, ==, first);
          else
            first = g_steal_pointer (&checksum);
        }

      g_assert_true (tvm_tar_extract (tar, out, NULL, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (tar_run_tool (f, TAR_FILES ("cmp", "big.o", "out/big.o"), NULL));
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));

      if (formats[i].tool != NULL && TAR_RUN (f, NULL, formats[i].tool, "-t", "-q", formats[i].name)
          && TAR_RUN (f, &list, "tar", "-xOf", formats[i].name, "small.o"))
        g_assert_cmpstr (list, ==, "small");
      (void) TAR_RUN (f, NULL, "bsdtar", "-xf", formats[i].name, "-C", ".");
      g_assert_true (tar_run_tool (f, TAR_FILES ("tar", "-df", formats[i].name), NULL));
    }

  (void) TAR_RUN (f, NULL, "python3", "-c",
                  "import tarfile\n"
                  "t = tarfile.open('a.tar.gz')\n"
                  "assert t.getnames() == ['small.o', 'big.o']\n"
                  "assert t.extractfile('big.o').read() == open('big.o', 'rb').read()\n");
}

/* Members of any size behind one another, and what is behind the last one */
static void
test_members (TarFixture    *f,
              gconstpointer  data)
{
  static const char *const commands[] = {
    "gzip -c a.tar > b.gz",
    "head -c 1000 a.tar | gzip -c > b.gz; tail -c +1001 a.tar | gzip -c >> b.gz",
    "head -c 1000 a.tar | gzip -c > b.gz; tail -c +1001 a.tar | gzip -1 -n -c >> b.gz;"
    " gzip -c < /dev/null >> b.gz",
    "gzip -c < /dev/null > b.gz; gzip -c a.tar >> b.gz",
    "head -c 1048576 a.tar | gzip -c > b.gz; tail -c +1048577 a.tar | gzip -c >> b.gz",
    "head -c 1048577 a.tar | gzip -c > b.gz; tail -c +1048578 a.tar | gzip -c >> b.gz",
    "split -b 4000 --filter='gzip -c >> b.gz' a.tar",
    "head -c 70000 a.tar | gzip -c > b.gz; tail -c +70001 a.tar | gzip -c >> b.gz;"
    " head -c 4096 /dev/zero >> b.gz",
  };
  g_autofree char *small = tar_put (f, "small.o", "small", 5);
  g_autofree char *big = tar_put_noise (f, "big.o", (2 << 20) + 77);
  g_autofree char *tar = tar_path (f, "a.tar");
  g_autofree char *members = tar_path (f, "b.gz");
  g_autofree char *out = tar_path (f, "out");

  g_assert_true (tvm_tar_create (tar, TAR_FILES (small, big), NULL, NULL, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (GError) error = NULL;

      (void) g_unlink (members);
      g_assert_true (TAR_RUN (f, NULL, "sh", "-c", commands[i]));
      g_assert_true (tvm_tar_extract (members, out, NULL, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (TAR_RUN (f, NULL, "cmp", "big.o", "out/big.o"));
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

/* What is broken in the middle is so for each kind of member. */
static void
test_members_broken (TarFixture    *f,
                     gconstpointer  data)
{
  g_autofree char *big = tar_put_noise (f, "big.o", (3 << 20) + 77);
  g_autofree char *tar = tar_path (f, "a.tar.gz");
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (tvm_tar_create (tar, TAR_FILES (big), NULL, NULL, NULL));
  g_assert_true (g_file_get_contents (tar, &content, &length, NULL));
  for (guint i = 0; i < 60; i++)
    {
      const gsize at = 20 + i * ((length - 200) / 60);
      g_autofree char *broken = NULL;
      g_autoptr (GError) error = NULL;
      const char old = content[at];

      content[at] ^= 0x10;
      broken = tar_put (f, "broken.tar.gz", content, length);
      content[at] = old;
      g_assert_false (tvm_tar_extract (broken, out, NULL, NULL, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
      g_assert_false (tar_exists (f, "out"));

      g_clear_error (&error);
      g_free (broken);
      broken = tar_put (f, "broken.tar.gz", content, at);
      g_assert_false (tvm_tar_extract (broken, out, NULL, NULL, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
    }
}

static void
test_options (TarFixture    *f,
              gconstpointer  data)
{
  static const struct { TvmTarCompression compression; const char *magic; } compressions[] = {
    { TVM_TAR_COMPRESSION_NONE, "noise" }, { TVM_TAR_COMPRESSION_GZIP, "\x1f\x8b" },
    { TVM_TAR_COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd" }, { TVM_TAR_COMPRESSION_XZ, "\xfd" "7zXZ" },
  };
  static const int levels[] = { -1, 0, 1, 9, 19 };
  g_autofree char *file = tar_put_noise (f, "noise", 100000);
  g_autofree char *tar = tar_path (f, "a.tar.gz");
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (compressions); i++)
    {
      tvm_tar_options_set_compression (options, compressions[i].compression);
      for (gsize j = 0; j < G_N_ELEMENTS (levels); j++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (GListModel) list = NULL;
          g_autofree char *content = NULL;

          tvm_tar_options_set_level (options, levels[j]);
          g_assert_true (tvm_tar_create (tar, TAR_FILES (file), options, NULL, &error));
          g_assert_no_error (error);
          g_assert_true (g_file_get_contents (tar, &content, NULL, NULL));
          g_assert_true (g_str_has_prefix (content, compressions[i].magic));
          list = tvm_tar_list (tar, NULL, NULL, &error);
          g_assert_no_error (error);
          g_assert_cmpuint (g_list_model_get_n_items (list), ==, 1);
        }
    }
}

static void
test_properties (TarFixture    *f,
                 gconstpointer  data)
{
  g_autoptr (TvmTarOptions) options =
    g_object_new (TVM_TYPE_TAR_OPTIONS, "compression", TVM_TAR_COMPRESSION_ZSTD, "level", 3,
                  "threads", 2, "duplicates", TVM_TAR_DUPLICATES_NUMBER, "links",
                  TVM_TAR_LINKS_SKIP, "sparse", TRUE, "xattrs", TRUE, "max-entries", (guint64) 1, "max-size",
                  (guint64) 2, "max-ratio", (guint64) 3, NULL);
  guint n;
  GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (options), &n);

  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (options), pspecs[i]->name, &value);
      g_assert_false (g_param_value_defaults (pspecs[i], &value));
      g_param_value_set_default (pspecs[i], &value);
      g_object_set_property (G_OBJECT (options), pspecs[i]->name, &value);
    }
  g_free (pspecs);

  g_assert_cmpint (tvm_tar_options_get_compression (options), ==, TVM_TAR_COMPRESSION_AUTO);
  g_assert_cmpint (tvm_tar_options_get_level (options), ==, -1);
  g_assert_cmpuint (tvm_tar_options_get_threads (options), ==, 0);
  g_assert_cmpint (tvm_tar_options_get_duplicates (options), ==, TVM_TAR_DUPLICATES_REFUSE);
  g_assert_cmpint (tvm_tar_options_get_links (options), ==, TVM_TAR_LINKS_REFUSE);
  g_assert_false (tvm_tar_options_get_sparse (options));
  g_assert_false (tvm_tar_options_get_xattrs (options));
  g_assert_cmpuint (tvm_tar_options_get_max_entries (options), ==, 100000);
  g_assert_cmpuint (tvm_tar_options_get_max_size (options), ==, G_GUINT64_CONSTANT (8) << 30);
  g_assert_cmpuint (tvm_tar_options_get_max_ratio (options), ==, 200);
}

static void
test_duplicates (TarFixture    *f,
                 gconstpointer  data)
{
  static const char *const expected[] = {
    "lib.o", "lib-3.o", "lib-2.o", "lib-4.o", "none", "none-2", ".hidden", ".hidden-2",
  };
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) list = NULL;
  g_autofree char *a = tar_put (f, "a/lib.o", "a", 1);
  g_autofree char *b = tar_put (f, "b/lib.o", "b", 1);
  g_autofree char *two = tar_put (f, "lib-2.o", "2", 1);
  g_autofree char *none = tar_put (f, "none", "n", 1);
  g_autofree char *hidden = tar_put (f, ".hidden", "h", 1);
  g_autofree char *tar = tar_path (f, "a.tar");

  tvm_tar_options_set_duplicates (options, TVM_TAR_DUPLICATES_NUMBER);
  g_assert_true (tvm_tar_create (tar, TAR_FILES (a, b, two, a, none, none, hidden, hidden), options,
                                 NULL, &error));
  g_assert_no_error (error);
  list = tvm_tar_list (tar, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, i);

      g_assert_cmpstr (tvm_tar_entry_get_name (entry), ==, expected[i]);
    }
}

static void
test_list (TarFixture    *f,
           gconstpointer  data)
{
  static const struct
  {
    const char *name; char type; const char *link; GFileType file_type;
  } entries[] = {
    { "/abs", '0', NULL, G_FILE_TYPE_REGULAR },
    { "../dir/", '5', NULL, G_FILE_TYPE_DIRECTORY },
    { "link", '2', "/etc", G_FILE_TYPE_SYMBOLIC_LINK },
    { "hard", '1', "../x", G_FILE_TYPE_REGULAR },
    { "fifo", '6', NULL, G_FILE_TYPE_SPECIAL },
  };
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GListModel) list = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++)
    tar_add_header (tar, entries[i].name, entries[i].type, entries[i].link, 04750, 0);
  tar_add_file (tar, "last", "1234");
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);

  list = tvm_tar_list (path, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_list_model_get_item_type (list) == TVM_TYPE_TAR_ENTRY);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, G_N_ELEMENTS (entries) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, i);
      g_autofree char *name = NULL;

      g_object_get (entry, "name", &name, NULL);
      g_assert_cmpstr (name, ==, entries[i].name);
      g_assert_cmpint (tvm_tar_entry_get_file_type (entry), ==, entries[i].file_type);
      g_assert_cmpuint (tvm_tar_entry_get_mode (entry), ==, 04750);
      g_assert_cmpint (tvm_tar_entry_get_mtime (entry), ==, 1);
      g_assert_cmpstr (tvm_tar_entry_get_symlink_target (entry), ==,
                       entries[i].type == '2' ? entries[i].link : NULL);
      g_assert_cmpstr (tvm_tar_entry_get_hard_link_target (entry), ==,
                       entries[i].type == '1' ? entries[i].link : NULL);
    }
  {
    g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, G_N_ELEMENTS (entries));

    g_assert_cmpuint (tvm_tar_entry_get_size (entry), ==, 4);
  }

  g_assert_null (tvm_tar_list ("/no/such.tar", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* More than ustar can say the size of, most of it holes */
static void
test_sparse (TarFixture    *f,
             gconstpointer  data)
{
  const gint64 size = (G_GINT64_CONSTANT (9) << 30) + 5;
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GListModel) list = NULL;
  g_autoptr (TvmTarEntry) entry = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tar_put (f, "sparse.o", "start", 5);
  g_autofree char *holes = tar_put (f, "holes.o", "", 0);
  g_autofree char *back = tar_path (f, "out/sparse.o");
  g_autofree char *tar = tar_path (f, "a.tar");
  g_autofree char *out = tar_path (f, "out");
  struct stat st;
  char buffer[5];
  int fd = open (file, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (pwrite (fd, "middl", 5, size / 2), ==, 5);
  g_assert_cmpint (pwrite (fd, "e end", 5, size - 5), ==, 5);
  g_assert_no_errno (fstat (fd, &st));
  close (fd);
  g_assert_no_errno (truncate (holes, 1 << 20));
  if (st.st_blocks > 1 << 20)
    {
      g_test_skip ("No holes on this file system");
      return;
    }

  tvm_tar_options_set_sparse (options, TRUE);
  tvm_tar_options_set_max_size (options, G_GUINT64_CONSTANT (10) << 30);
  tvm_tar_options_set_max_ratio (options, G_MAXUINT64);
  g_assert_true (tvm_tar_create (tar, TAR_FILES (file, holes), options, NULL, &error));
  g_assert_no_error (error);
  g_assert_no_errno (g_stat (tar, &st));
  g_assert_cmpint (st.st_size, <, 1 << 20);
  list = tvm_tar_list (tar, NULL, NULL, &error);
  g_assert_no_error (error);
  entry = g_list_model_get_item (list, 0);
  g_assert_cmpuint (tvm_tar_entry_get_size (entry), ==, size);

  g_assert_true (tvm_tar_extract (tar, out, options, NULL, &error));
  g_assert_no_error (error);
  g_assert_no_errno (g_stat (back, &st));
  g_assert_cmpint (st.st_size, ==, size);
  g_assert_cmpint (st.st_blocks, <, 1 << 20);
  fd = open (back, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (pread (fd, buffer, 5, size / 2), ==, 5);
  g_assert_cmpmem (buffer, 5, "middl", 5);
  g_assert_cmpint (pread (fd, buffer, 5, size - 5), ==, 5);
  g_assert_cmpmem (buffer, 5, "e end", 5);
  close (fd);
  g_assert_true (TAR_RUN (f, NULL, "cmp", "holes.o", "out/holes.o"));

  /* The limit is for what it would be. */
  g_assert_false (tvm_tar_extract (tar, out, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
}

static void
assert_xattr (TarFixture *f,
              const char *name,
              const char *xattr,
              const char *expected)
{
  g_autofree char *path = tar_path (f, name);
  char value[16];
  gssize length = getxattr (path, xattr, value, sizeof value);

  if (expected == NULL)
    {
      g_assert_cmpint (length, <, 0);
      return;
    }
  g_assert_cmpint (length, >=, 0);
  g_assert_cmpmem (value, length, expected, strlen (expected));
}

/* Only for who asks, and only those that are for users */
static void
test_xattrs (TarFixture    *f,
             gconstpointer  data)
{
  const char *odd = "user.100%3D=\nb";
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tar_put (f, "a.o", "data", 4);
  g_autofree char *tar = tar_path (f, "a.tar");
  g_autofree char *plain = tar_path (f, "plain");
  g_autofree char *out = tar_path (f, "out");

  if (setxattr (file, "user.one", "1", 1, 0) != 0)
    {
      g_test_skip ("No extended attributes on this file system");
      return;
    }
  g_assert_no_errno (setxattr (file, odd, "\n2", 2, 0));
  g_assert_no_errno (setxattr (file, "user.tvmsupport.holder", "x", 1, 0));
  if (geteuid () == 0)
    (void) setxattr (file, "trusted.x", "x", 1, 0);

  g_assert_true (tvm_tar_create (tar, TAR_FILES (file), NULL, NULL, &error));
  g_assert_no_error (error);
  tvm_tar_options_set_xattrs (options, TRUE);
  g_assert_true (tvm_tar_extract (tar, plain, options, NULL, &error));
  g_assert_no_error (error);
  assert_xattr (f, "plain/a.o", "user.one", NULL);

  g_assert_true (tvm_tar_create (tar, TAR_FILES (file), options, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (tvm_tar_extract (tar, plain, NULL, NULL, &error));
  g_assert_no_error (error);
  assert_xattr (f, "plain/a.o", "user.one", NULL);

  g_assert_true (tvm_tar_extract (tar, out, options, NULL, &error));
  g_assert_no_error (error);
  assert_xattr (f, "out/a.o", "user.one", "1");
  assert_xattr (f, "out/a.o", odd, "\n2");
  assert_xattr (f, "out/a.o", "user.tvmsupport.holder", NULL);
  assert_xattr (f, "out/a.o", "trusted.x", NULL);
}

/* What others packed: GNU tar, and what an attacker would like */
static void
test_xattrs_foreign (TarFixture    *f,
                     gconstpointer  data)
{
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tar_put (f, "a.o", "data", 4);
  g_autofree char *gnu = tar_path (f, "gnu.tar");
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  if (setxattr (file, "user.one", "1", 1, 0) != 0)
    {
      g_test_skip ("No extended attributes on this file system");
      return;
    }

  tvm_tar_options_set_xattrs (options, TRUE);
  if (TAR_RUN (f, NULL, "tar", "--xattrs", "-cf", "gnu.tar", "a.o"))
    {
      g_assert_true (tvm_tar_extract (gnu, out, options, NULL, &error));
      g_assert_no_error (error);
      assert_xattr (f, "out/a.o", "user.one", "1");
    }

  tar_add_pax (tar, "35 SCHILY.xattr.trusted.x=evil-val\n");
  tar_add_file (tar, "b.o", "data");
  tar_add_pax (tar, "27 SCHILY.xattr.user.two=2\n");
  tar_add_file (tar, "c.o", "data");
  tar_add_end (tar);
  path = tar_put (f, "b.tar", (const char *) tar->data, tar->len);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_no_error (error);
  assert_xattr (f, "out/b.o", "trusted.x", NULL);
  assert_xattr (f, "out/b.o", "user.two", NULL);
  assert_xattr (f, "out/c.o", "user.two", "2");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/tar/" name, TarFixture, NULL, tar_setup, func, tar_teardown)
  ADD ("round-trip", test_round_trip);
  ADD ("compression", test_compression);
  ADD ("reproducible", test_reproducible);
  ADD ("other-tools", test_other_tools);
  ADD ("options", test_options);
  ADD ("properties", test_properties);
  ADD ("threads", test_threads);
  ADD ("members", test_members);
  ADD ("members/broken", test_members_broken);
  ADD ("duplicates", test_duplicates);
  ADD ("sparse", test_sparse);
  ADD ("xattrs", test_xattrs);
  ADD ("xattrs/foreign", test_xattrs_foreign);
  ADD ("list", test_list);
  ADD ("create/fails", test_create_fails);
  ADD ("create/no-space", test_create_no_space);
  ADD ("create/tree", test_create_tree);
  ADD ("create/cancelled", test_create_cancelled);
  ADD ("create/cancelled/late", test_create_cancelled_late);
  ADD ("extract/fails", test_extract_fails);
  ADD ("normalize", test_normalize);
  ADD ("normalize/hostile", test_normalize_hostile);
#undef ADD

  return g_test_run ();
}
