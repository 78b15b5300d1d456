/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-tar.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  TvmTempDirectory *temp;
  const char *path;
  guint fds;
} Fixture;

/* Files and directories only: GLib keeps eventfds and pidfds for a while. */
static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *link = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (link, NULL);

      n += target != NULL && target[0] == '/' && !g_str_has_prefix (target, "/dev/");
    }
  return n;
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  if (g_getenv ("SOURCE_DATE_EPOCH") != NULL)
    g_unsetenv ("SOURCE_DATE_EPOCH");
  f->temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  f->path = tvm_temp_directory_get_path (f->temp);
  f->fds = count_fds ();
}

static void
teardown (Fixture       *f,
          gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  /* Fewer: what the first directory of the process found to sweep has gone meanwhile. */
  g_assert_cmpuint (count_fds (), <=, f->fds);
  g_assert_true (tvm_temp_directory_remove (f->temp, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&f->temp);
}

static char *
in_temp (Fixture    *f,
         const char *name)
{
  return g_build_filename (f->path, name, NULL);
}

/* Returns: the path, which the test may leak to the directory of the fixture */
static char *
put (Fixture    *f,
     const char *name,
     const char *data,
     gssize      length)
{
  char *path = in_temp (f, name);
  g_autofree char *dir = g_path_get_dirname (path);

  g_assert_no_errno (g_mkdir_with_parents (dir, 0755));
  g_assert_true (g_file_set_contents (path, data, length, NULL));
  return path;
}

static void
assert_content (Fixture    *f,
                const char *name,
                const char *expected)
{
  g_autofree char *path = in_temp (f, name);
  g_autofree char *data = NULL;

  g_assert_true (g_file_get_contents (path, &data, NULL, NULL));
  g_assert_cmpstr (data, ==, expected);
}

static gboolean
exists (Fixture    *f,
        const char *name)
{
  g_autofree char *path = in_temp (f, name);
  struct stat st;

  return lstat (path, &st) == 0;
}

static mode_t
get_mode (Fixture    *f,
          const char *name)
{
  g_autofree char *path = in_temp (f, name);
  struct stat st;

  g_assert_no_errno (lstat (path, &st));
  return st.st_mode & 07777;
}

/* Runs a tool in the directory of the fixture. Returns: FALSE if there is none */
static gboolean
run_tool (Fixture            *f,
          const char *const  *argv,
          char              **out)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_find_program_in_path (argv[0]);

  if (program == NULL)
    return FALSE;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_subprocess_launcher_set_cwd (launcher, f->path);
  g_subprocess_launcher_setenv (launcher, "TZ", "UTC", TRUE);
  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, out, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  return TRUE;
}

#define RUN(f, out, ...) run_tool (f, (const char *const[]) { __VA_ARGS__, NULL }, out)

/* A tar made by hand, of what no packer would make */
static void
add_header (GByteArray *tar,
            const char *name,
            char        type,
            const char *link,
            guint       mode,
            guint64     size)
{
  guint8 block[512] = { 0 };
  guint sum = 0;

  memcpy (block, name, MIN (strlen (name), 100));
  g_snprintf ((char *) block + 100, 8, "%07o", mode);
  g_snprintf ((char *) block + 108, 8, "%07o", 1000);
  g_snprintf ((char *) block + 116, 8, "%07o", 1000);
  g_snprintf ((char *) block + 124, 12, "%011" G_GINT64_MODIFIER "o", size);
  g_snprintf ((char *) block + 136, 12, "%011o", 1);
  memset (block + 148, ' ', 8);
  block[156] = type;
  if (link != NULL)
    memcpy (block + 157, link, MIN (strlen (link), 100));
  memcpy (block + 257, "ustar\00000", 8);
  for (guint i = 0; i < sizeof block; i++)
    sum += block[i];
  g_snprintf ((char *) block + 148, 8, "%06o", sum);
  g_byte_array_append (tar, block, sizeof block);
}

static void
add_data (GByteArray *tar,
          const char *data,
          gsize       length)
{
  static const guint8 zeros[512] = { 0 };

  g_byte_array_append (tar, (const guint8 *) data, length);
  if (length % 512 != 0)
    g_byte_array_append (tar, zeros, 512 - length % 512);
}

static void
add_file (GByteArray *tar,
          const char *name,
          const char *data)
{
  add_header (tar, name, '0', NULL, 0644, strlen (data));
  add_data (tar, data, strlen (data));
}

static void
add_end (GByteArray *tar)
{
  static const guint8 zeros[1024] = { 0 };

  g_byte_array_append (tar, zeros, sizeof zeros);
}

static void
add_pax (GByteArray *tar,
         const char *record)
{
  add_header (tar, "PaxHeader", 'x', NULL, 0644, strlen (record));
  add_data (tar, record, strlen (record));
}

/* Refused, and nothing is left of it, inside or out. */
static void
assert_refused (Fixture    *f,
                GByteArray *tar,
                const char *in_message)
{
  g_autofree char *path = put (f, "hostile.tar", (const char *) tar->data, tar->len);
  g_autofree char *out = in_temp (f, "sub/out");
  g_autofree char *sub = in_temp (f, "sub");
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (sub, 0755));
  g_assert_false (tvm_tar_extract (path, out, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  if (strstr (error->message, in_message) == NULL)
    g_test_fail_printf ("“%s” is not in “%s”", in_message, error->message);
  g_assert_false (exists (f, "sub/out"));
  g_assert_no_errno (g_rmdir (sub));
  g_assert_no_errno (g_unlink (path));
}

static void
test_round_trip (Fixture       *f,
                 gconstpointer  data)
{
  static const char *const outputs[] = {
    "a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "a.tzst", "a.tar.xz", "a.txz", "a.unknown",
  };
  g_autofree char *one = put (f, "in/b-one.o", "one", 3);
  g_autofree char *two = put (f, "in/a two\n\"\xff", "two", 3);
  g_autofree char *sub = put (f, "in/dir/sub/deep.o", "deep", 4);
  g_autofree char *empty = put (f, "in/dir/empty", "", 0);
  g_autofree char *dir = in_temp (f, "in/dir/");
  g_autofree char *utf8 = put (f, "in/grün", "green", 5);
  const char *files[] = { one, two, dir, utf8, NULL };

  g_assert_no_errno (g_chmod (one, 0700));
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *tar = in_temp (f, outputs[i]);
      g_autofree char *out = in_temp (f, "out");

      g_assert_true (tvm_tar_create (tar, files, NULL, &error));
      g_assert_no_error (error);
      g_assert_true (tvm_tar_extract (tar, out, NULL, &error));
      g_assert_no_error (error);
      assert_content (f, "out/b-one.o", "one");
      assert_content (f, "out/a two\n\"\xff", "two");
      assert_content (f, "out/dir/sub/deep.o", "deep");
      assert_content (f, "out/dir/empty", "");
      assert_content (f, "out/grün", "green");
      g_assert_cmpint (get_mode (f, "out/b-one.o"), ==, 0755);
      g_assert_cmpint (get_mode (f, "out/grün"), ==, 0644);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

/* The magic of what the suffix asks for */
static void
test_compression (Fixture       *f,
                  gconstpointer  data)
{
  static const struct { const char *name; const char *magic; gsize length; } outputs[] = {
    { "a.tar", "file.o", 6 }, { "a.tar.gz", "\x1f\x8b", 2 }, { "a.TGZ", "\x1f\x8b", 2 },
    { "a.tar.zst", "\x28\xb5\x2f\xfd", 4 }, { "a.tar.xz", "\xfd" "7zXZ", 5 },
  };
  g_autofree char *file = put (f, "file.o", "x", 1);
  const char *files[] = { file, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_autofree char *tar = in_temp (f, outputs[i].name);
      g_autofree char *content = NULL;
      gsize length;

      g_assert_true (tvm_tar_create (tar, files, NULL, NULL));
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
test_reproducible (Fixture       *f,
                   gconstpointer  data)
{
  static const char *const names[] = { "a.tar", "a.tar.gz", "a.tar.zst", "a.tar.xz" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = in_temp (f, names[i]);
      g_autofree char *first = NULL;
      g_autofree char *second = NULL;
      g_autofree char *third = NULL;

      for (guint j = 0; j < 3; j++)
        {
          g_autofree char *root = g_strdup_printf ("in%u", j);
          g_autofree char *a = g_strdup_printf ("%s/d/%s", root, j == 1 ? "z" : "a");
          g_autofree char *b = g_strdup_printf ("%s/d/%s", root, j == 1 ? "a" : "z");
          g_autofree char *pa = put (f, a, "a or z", 6);
          g_autofree char *pb = put (f, b, "a or z", 6);
          g_autofree char *dir = g_strconcat (f->path, "/", root, "/d", NULL);
          const char *files[] = { dir, NULL };

          g_assert_no_errno (g_chmod (pa, 0600));
          g_assert_no_errno (g_chmod (pb, 0666));
          if (j == 2)
            g_setenv ("SOURCE_DATE_EPOCH", "1000000000", TRUE);
          g_assert_true (tvm_tar_create (tar, files, NULL, NULL));
          *(j == 0 ? &first : j == 1 ? &second : &third) = get_checksum (tar);
        }

      g_assert_cmpstr (first, ==, second);
      g_assert_cmpstr (first, !=, third);
      g_unsetenv ("SOURCE_DATE_EPOCH");
    }
}

/* Read by others, and others' by us */
static void
test_other_tools (Fixture       *f,
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
  g_autofree char *file = put (f, "file.o", "x", 1);
  g_autofree char *long_file = put (f, long_name, "long", 4);
  g_autofree char *sparse = put (f, "sparse.o", "", 0);
  g_autofree char *out = NULL;
  const char *files[] = { file, long_file, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = in_temp (f, names[i]);
      g_autofree char *list = NULL;

      g_assert_true (tvm_tar_create (tar, files, NULL, NULL));
      if (RUN (f, &list, "tar", "-tvf", names[i]))
        {
          g_assert_nonnull (strstr (list, "-rw-r--r-- 0/0 "));
          g_assert_nonnull (strstr (list, "1970-01-01 00:00 file.o\n"));
          g_assert_nonnull (strstr (list, long_name));
        }
    }
  if (RUN (f, &out, "python3", "-c", python_list))
    g_assert_true (g_str_has_prefix (out, "file.o 420 0 0  0"));

  g_assert_no_errno (truncate (sparse, 1 << 20));
  RUN (f, NULL, "tar", "-cf", "gnu.tar", "file.o");
  RUN (f, NULL, "tar", "-czf", "gnu.tgz", "file.o");
  RUN (f, NULL, "tar", "-cSf", "sparse.tar", "file.o", "sparse.o");
  RUN (f, NULL, "python3", "-c", python_write);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *tar = in_temp (f, others[i]);
      g_autofree char *to = in_temp (f, "to");
      g_autoptr (GError) error = NULL;

      if (!exists (f, others[i]))
        continue;
      g_assert_true (tvm_tar_extract (tar, to, NULL, &error));
      g_assert_no_error (error);
      assert_content (f, "to/file.o", "x");
      if (g_str_has_prefix (others[i], "sparse"))
        {
          g_autofree char *back = in_temp (f, "to/sparse.o");
          struct stat st;

          g_assert_no_errno (g_stat (back, &st));
          g_assert_cmpint (st.st_size, ==, 1 << 20);
        }
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, to, NULL));
    }
}

static void
assert_create_fails (Fixture           *f,
                     const char        *output,
                     const char *const *files,
                     GQuark             domain,
                     int                code,
                     const char        *in_message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = output[0] == '/' ? g_strdup (output) : in_temp (f, output);
  g_auto (GStrv) before = tvm_temp_directory_list (f->temp, NULL);
  g_auto (GStrv) after = NULL;

  g_assert_false (tvm_tar_create (path, files, NULL, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, in_message));
  after = tvm_temp_directory_list (f->temp, NULL);
  g_assert_cmpstrv (before, after);
}

#define FILES(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void
test_create_fails (Fixture       *f,
                   gconstpointer  data)
{
  g_autofree char *one = put (f, "one/same.o", "1", 1);
  g_autofree char *two = put (f, "two/same.o", "2", 1);
  g_autofree char *old = put (f, "old.tar", "old", 3);
  g_autofree char *fifo = in_temp (f, "fifo");
  g_autofree char *missing = in_temp (f, "missing.o");
  g_autofree char *old_alias = in_temp (f, "one/../old.tar");

  g_assert_no_errno (mkfifo (fifo, 0600));
  assert_create_fails (f, "old.tar", FILES (NULL), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "old.tar");
  assert_create_fails (f, "old.tar", FILES (one, two), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, two);
  assert_create_fails (f, "old.tar", FILES (one, two), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, one);
  assert_create_fails (f, "old.tar", FILES (one, one), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, one);
  assert_create_fails (f, "old.tar", FILES ("/"), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "/");
  assert_create_fails (f, "old.tar", FILES (".."), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "..");
  assert_create_fails (f, "old.tar", FILES (""), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "");
  assert_create_fails (f, "old.tar", FILES (old_alias), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "itself");
  assert_create_fails (f, "old.tar", FILES (one, missing), G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       missing);
  assert_create_fails (f, "old.tar", FILES (fifo), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                       "fifo");
  assert_create_fails (f, "one", FILES (two), G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, "one");
  assert_create_fails (f, "fifo", FILES (two), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "fifo");
  assert_create_fails (f, "nowhere/a.tar", FILES (one), G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       "nowhere");
  if (g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    assert_create_fails (f, "/dev/full", FILES (one), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                         "/dev/full");

  g_setenv ("SOURCE_DATE_EPOCH", "yesterday", TRUE);
  assert_create_fails (f, "old.tar", FILES (one), TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       "yesterday");
  assert_content (f, "old.tar", "old");
}

/* No room for the output */
static void
test_create_no_space (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *big = g_strnfill (1 << 20, 'x');
  g_autofree char *file = put (f, "big.o", big, 1 << 20);
  g_autofree char *old = put (f, "old.tar", "old", 3);
  struct rlimit saved, limit;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &saved));
  limit = saved;
  limit.rlim_cur = 100000;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
  assert_create_fails (f, "old.tar", FILES (file), G_IO_ERROR, G_IO_ERROR_FAILED, "old.tar");
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &saved));
  assert_content (f, "old.tar", "old");
}

/* A link among the files stands for its target, one in a directory for itself; the archive is not
 * packed into itself. */
static void
test_create_tree (Fixture       *f,
                  gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = put (f, "in/file.o", "file", 4);
  g_autofree char *link = in_temp (f, "link.o");
  g_autofree char *inner = in_temp (f, "in/inner");
  g_autofree char *in = in_temp (f, "in");
  g_autofree char *tar = in_temp (f, "in/out.tar");
  g_autofree char *list = NULL;

  g_assert_no_errno (symlink (file, link));
  g_assert_no_errno (symlink ("file.o", inner));
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (tvm_tar_create (tar, FILES (link, in), NULL, &error));
      g_assert_no_error (error);
    }
  if (RUN (f, &list, "tar", "-tf", "in/out.tar"))
    g_assert_cmpstr (list, ==, "link.o\nin/\nin/file.o\nin/inner\n");
}

static void
test_create_cancelled (Fixture       *f,
                       gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *file = put (f, "file.o", "x", 1);
  g_autofree char *tar = in_temp (f, "a.tar");

  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_tar_create (tar, FILES (file), cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (exists (f, "a.tar"));
}

static void
test_hostile (Fixture       *f,
              gconstpointer  data)
{
  static const struct { const char *name; char type; const char *link; const char *message; }
  entries[] = {
    { "/tmp/absolute", '0', NULL, "absolute" },
    { "../up", '0', NULL, "leads out" },
    { "a/../../up", '0', NULL, "leads out" },
    { "a/..", '5', NULL, "leads out" },
    { "..", '5', NULL, "leads out" },
    { "/abs/", '5', NULL, "absolute" },
    { "link", '2', "/etc", "symbolic link" },
    { "link", '2', "fine.o", "symbolic link" },
    { "hard", '1', "/etc/passwd", "hard link" },
    { "hard", '1', "fine.o", "hard link" },
    { "../hard", '1', "fine.o", "leads out" },
    { "char", '3', NULL, "only files" },
    { "block", '4', NULL, "only files" },
    { "fifo", '6', NULL, "only files" },
    { "fine.o", '0', NULL, "twice" },
    { "./fine.o", '0', NULL, "twice" },
    { "fine.o/x", '0', NULL, "not a directory" },
    { "fine.o", '5', NULL, "not a directory" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autoptr (GByteArray) tar = g_byte_array_new ();

      add_file (tar, "d/other.o", "other");
      add_file (tar, "fine.o", "fine");
      add_header (tar, entries[i].name, entries[i].type, entries[i].link, 0644, 0);
      add_file (tar, "link/through", "through");
      add_end (tar);
      assert_refused (f, tar, entries[i].message);
    }
  g_assert_false (g_file_test ("/tmp/absolute", G_FILE_TEST_EXISTS));
}

static void
test_hostile_pax (Fixture       *f,
                  gconstpointer  data)
{
  static const struct { const char *record; const char *message; } records[] = {
    { "18 path=/absolute\n", "absolute" },
    { "14 path=../up\n", "leads out" },
    { "19 linkpath=/etc/x\n", "hard link" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (records); i++)
    {
      g_autoptr (GByteArray) tar = g_byte_array_new ();

      add_pax (tar, records[i].record);
      add_header (tar, "fine", strstr (records[i].record, "link") != NULL ? '1' : '0', "x", 0644,
                  0);
      add_end (tar);
      assert_refused (f, tar, records[i].message);
    }
}

/* Modes that nobody should get, and times */
static void
test_modes (Fixture       *f,
            gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *out = in_temp (f, "out");
  g_autofree char *plain = in_temp (f, "out/plain");
  mode_t old = umask (022);
  struct stat st;

  add_header (tar, "setuid", '0', NULL, 06777, 0);
  add_header (tar, "none", '0', NULL, 0, 0);
  add_header (tar, "plain", '0', NULL, 0666, 0);
  add_header (tar, "./", '5', NULL, 0, 0);
  add_header (tar, "dir/", '5', NULL, 01000, 0);
  add_header (tar, "dir/.//in", '0', NULL, 0644, 0);
  add_end (tar);
  path = put (f, "modes.tar", (const char *) tar->data, tar->len);

  g_assert_true (tvm_tar_extract (path, out, NULL, &error));
  g_assert_no_error (error);
  umask (old);
  g_assert_cmpint (get_mode (f, "out/setuid"), ==, 0755);
  g_assert_cmpint (get_mode (f, "out/none"), ==, 0644);
  g_assert_cmpint (get_mode (f, "out/plain"), ==, 0644);
  g_assert_cmpint (get_mode (f, "out/dir"), ==, 0755);
  g_assert_true (exists (f, "out/dir/in"));
  g_assert_no_errno (g_stat (plain, &st));
  g_assert_cmpint (st.st_mtime, ==, 1);
  g_assert_cmpint (st.st_uid, ==, geteuid ());
}

/* Links that were there before lead nowhere, also those that have the name of a file. */
static void
test_into_links (Fixture       *f,
                 gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *victim = put (f, "victim/file.o", "victim", 6);
  g_autofree char *victim_dir = in_temp (f, "victim");
  g_autofree char *kept = put (f, "out/kept", "kept", 4);
  g_autofree char *hard = in_temp (f, "out/hard.o");
  g_autofree char *link = in_temp (f, "out/file.o");
  g_autofree char *dir = in_temp (f, "out/dir");
  g_autofree char *out = in_temp (f, "out");
  g_autofree char *path = NULL;

  g_assert_no_errno (symlink (victim, link));
  g_assert_no_errno (symlink (victim_dir, dir));
  g_assert_no_errno (linkat (AT_FDCWD, victim, AT_FDCWD, hard, 0));

  add_file (tar, "file.o", "new");
  add_file (tar, "hard.o", "new");
  add_end (tar);
  path = put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_true (tvm_tar_extract (path, out, NULL, &error));
  g_assert_no_error (error);
  assert_content (f, "out/file.o", "new");
  assert_content (f, "out/hard.o", "new");
  assert_content (f, "victim/file.o", "victim");

  g_byte_array_set_size (tar, 0);
  add_file (tar, "new/made.o", "made");
  add_file (tar, "dir/file.o", "through");
  add_end (tar);
  g_free (path);
  path = put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_false (tvm_tar_extract (path, out, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  assert_content (f, "victim/file.o", "victim");
  assert_content (f, "out/kept", "kept");
  g_assert_false (exists (f, "out/new"));
}

static void
test_limits (Fixture       *f,
             gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autofree char *path = NULL;
  g_autofree char *sparse = in_temp (f, "sparse.o");

  /* Sizes that are not there */
  add_header (tar, "huge", '0', NULL, 0644, G_GUINT64_CONSTANT (077777777777));
  assert_refused (f, tar, "");
  g_byte_array_set_size (tar, 0);
  add_pax (tar, "28 size=9223372036854775807\n");
  add_header (tar, "huge", '0', NULL, 0644, 0);
  add_end (tar);
  assert_refused (f, tar, "");

  /* A bomb: much from little */
  {
    g_autofree char *zeros = g_malloc0 (70 << 20);
    g_autofree char *big = put (f, "zeros", zeros, 70 << 20);
    g_autofree char *bomb = in_temp (f, "bomb.tar.zst");
    g_autofree char *content = NULL;
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    gsize length;

    g_assert_true (tvm_tar_create (bomb, FILES (big), NULL, NULL));
    g_assert_true (g_file_get_contents (bomb, &content, &length, NULL));
    g_byte_array_append (bytes, (const guint8 *) content, length);
    assert_refused (f, bytes, "far more");
  }

  /* The same as holes */
  path = put (f, "sparse.o", "", 0);
  g_assert_no_errno (truncate (sparse, G_GINT64_CONSTANT (9) << 30));
  if (RUN (f, NULL, "tar", "-cSf", "sparse.tar", "sparse.o"))
    {
      g_autofree char *sparse_tar = in_temp (f, "sparse.tar");
      g_autofree char *content = NULL;
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      gsize length;

      g_assert_true (g_file_get_contents (sparse_tar, &content, &length, NULL));
      g_byte_array_append (bytes, (const guint8 *) content, length);
      assert_refused (f, bytes, "more than");
    }
}

static void
test_entry_limit (Fixture       *f,
                  gconstpointer  data)
{
  TvmArchiveLimits limits = tvm_archive_default_limits;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *out = in_temp (f, "out");
  int fd, dir_fd;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      add_file (tar, name, "x");
    }
  add_end (tar);
  path = put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_no_errno (g_mkdir (out, 0755));

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
      gboolean ok;

      limits.max_entries = i == 0 ? 4 : 5;
      limits.max_size = i == 1 ? 4 : 5;
      fd = open (path, O_RDONLY | O_CLOEXEC);
      dir_fd = open (out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      ok = tvm_archive_extract (fd, "a.tar", dir_fd, &limits, files, NULL, &error);
      close (fd);
      close (dir_fd);
      if (i < 2)
        {
          g_assert_false (ok);
          g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
          g_clear_error (&error);
          g_assert_false (exists (f, "out/0"));
        }
      else
        {
          g_assert_no_error (error);
          g_assert_true (ok);
          g_assert_cmpuint (files->len, ==, 5);
          g_assert_cmpstr (files->pdata[4], ==, "4");
        }
    }
}

static void
test_truncated (Fixture       *f,
                gconstpointer  data)
{
  static const char *const names[] = { "a.tar", "a.tar.gz", "a.tar.zst", "a.tar.xz" };
  g_autofree char *one = put (f, "one.o", "one", 3);
  g_autofree char *noise = g_malloc (3000);
  g_autofree char *two = NULL;

  for (guint i = 0; i < 3000; i++)
    noise[i] = g_random_int_range (0, 256);
  two = put (f, "two.o", noise, 3000);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = in_temp (f, names[i]);
      g_autofree char *content = NULL;
      gsize length, end;

      g_assert_true (tvm_tar_create (tar, FILES (one, two), NULL, NULL));
      g_assert_true (g_file_get_contents (tar, &content, &length, NULL));
      /* The rest is padding, or a checksum behind the end of the tar. */
      end = i == 0 ? length - 1024 : length - 100;
      for (gsize cut = 0; cut <= end; cut += i == 0 ? 128 : 97)
        {
          g_autoptr (GByteArray) bytes = g_byte_array_new ();

          g_byte_array_append (bytes, (const guint8 *) content, cut);
          assert_refused (f, bytes, "");
        }
    }
}

/* Whatever is in it, it is unpacked or refused. */
static void
test_mutated (Fixture       *f,
              gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autofree char *out = in_temp (f, "out");
  const guint n = g_test_slow () ? 20000 : 500;

  add_file (tar, "one.o", "one");
  add_pax (tar, "12 path=two\n");
  add_file (tar, "x", "two");
  add_header (tar, "dir/", '5', NULL, 0755, 0);
  add_end (tar);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *copy = g_memdup2 (tar->data, tar->len);
      g_autofree char *path = NULL;
      g_autoptr (GError) error = NULL;

      for (gint j = g_test_rand_int_range (1, 6); j > 0; j--)
        copy[g_test_rand_int_range (0, tar->len)] = g_test_rand_int_range (0, 256);
      path = put (f, "mutated.tar", copy, tar->len);
      if (tvm_tar_extract (path, out, NULL, &error))
        g_assert_no_error (error);
      else
        g_assert_nonnull (error);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

static void
test_extract_fails (Fixture       *f,
                    gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *file = put (f, "file.o", "x", 1);
  g_autofree char *missing = in_temp (f, "missing.tar");
  g_autofree char *fifo = in_temp (f, "fifo");
  g_autofree char *out = in_temp (f, "out");
  g_autofree char *far_out = in_temp (f, "no/such/out");
  g_autofree char *tar = in_temp (f, "a.tar");

  g_assert_no_errno (mkfifo (fifo, 0600));
  g_assert_true (tvm_tar_create (tar, FILES (file), NULL, NULL));

  g_assert_false (tvm_tar_extract (missing, out, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (fifo, out, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (file, out, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (tar, far_out, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (tar, file, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_false (tvm_tar_extract (tar, out, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (exists (f, "out"));
}

static void
test_normalize (Fixture       *f,
                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  const char *path = tvm_temp_directory_get_path (temp);
  g_autofree char *a = put (f, "a.o", "a", 1);
  g_autofree char *b = put (f, "b.o", "b", 1);
  g_autofree char *one = in_temp (f, "one.tar.zst");
  g_autofree char *two = in_temp (f, "two.without-suffix");
  g_autofree char *text = put (f, "text.tar", "not a tar", 9);
  g_autofree char *gz = put (f, "text.gz", "\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\4\0\x43\xbe\xb7\xe8"
                             "\1\0\0\0", 21);
  g_autofree char *zeros = put (f, "zeros", "", 0);
  g_auto (GStrv) files = NULL;
  g_auto (GStrv) again = NULL;
  g_auto (GStrv) expected = g_new0 (char *, 5);

  g_assert_no_errno (truncate (zeros, 10240));
  g_assert_true (tvm_tar_create (one, FILES (b, a), NULL, NULL));
  g_assert_true (tvm_tar_create (two, FILES (a, b), NULL, NULL));

  files = tvm_tar_normalize_file_list (temp, FILES (a, one, text, gz, two, zeros, f->path), NULL,
                                       &error);
  g_assert_no_error (error);
  expected[0] = g_build_filename (path, "tar0/b.o", NULL);
  expected[1] = g_build_filename (path, "tar0/a.o", NULL);
  expected[2] = g_build_filename (path, "tar1/a.o", NULL);
  expected[3] = g_build_filename (path, "tar1/b.o", NULL);
  g_assert_cmpstrv (files, FILES (a, expected[0], expected[1], text, gz, expected[2], expected[3],
                                  zeros, f->path));

  /* Again, into the same directory */
  again = tvm_tar_normalize_file_list (temp, FILES (one), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (again), ==, 2);
  g_assert_cmpstr (again[0], !=, expected[0]);
  g_assert_true (g_file_test (again[0], G_FILE_TEST_IS_REGULAR));

  g_strfreev (g_steal_pointer (&again));
  again = tvm_tar_normalize_file_list (temp, FILES (NULL), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (again), ==, 0);

  g_assert_null (tvm_tar_normalize_file_list (temp, FILES (a, "/no/such/file"), NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/no/such/file"));
}

static void
test_normalize_hostile (Fixture       *f,
                        gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, NULL);
  g_auto (GStrv) left = NULL;
  g_autofree char *path = NULL;

  add_file (tar, "fine.o", "x");
  add_header (tar, "fifo", '6', NULL, 0644, 0);
  add_end (tar);
  path = put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_null (tvm_tar_normalize_file_list (temp, FILES (path), NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  left = tvm_temp_directory_list (temp, NULL);
  g_assert_cmpuint (g_strv_length (left), ==, 0);
}

static void
store_result (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_assert_null (source);
  g_set_object ((GAsyncResult **) user_data, result);
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return *result;
}

static gpointer
async_thread (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *file = put (f, "file.o", "x", 1);
  g_autofree char *tar = in_temp (f, "a.tar.gz");
  g_autofree char *out = in_temp (f, "out");
  g_auto (GStrv) files = NULL;

  g_main_context_push_thread_default (context);
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_create_async (tar, FILES (file), NULL, store_result, &result);
    g_assert_true (tvm_tar_create_finish (wait_result (&result), &error));
  }
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_extract_async (tar, out, NULL, store_result, &result);
    g_assert_true (tvm_tar_extract_finish (wait_result (&result), &error));
    assert_content (f, "out/file.o", "x");
  }
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_normalize_file_list_async (f->temp, FILES (tar), NULL, store_result, &result);
    files = tvm_tar_normalize_file_list_finish (wait_result (&result), &error);
    g_assert_no_error (error);
    g_assert_cmpuint (g_strv_length (files), ==, 1);
  }
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_async (Fixture       *f,
            gconstpointer  data)
{
  g_thread_join (g_thread_new ("async", async_thread, f));
}

/* Cancelled at any moment: done, or nothing is there. */
static void
test_async_cancelled (Fixture       *f,
                      gconstpointer  data)
{
  g_autofree char *noise = g_malloc0 (4 << 20);
  g_autofree char *file = put (f, "file.o", noise, 4 << 20);
  g_autofree char *tar = in_temp (f, "a.tar.gz");
  g_autofree char *packed = in_temp (f, "packed.tar");
  g_autofree char *out = in_temp (f, "out");

  g_assert_true (tvm_tar_create (packed, FILES (file), NULL, NULL));
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GAsyncResult) created = NULL;
      g_autoptr (GAsyncResult) extracted = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      gboolean ok;

      tvm_tar_create_async (tar, FILES (file), cancellable, store_result, &created);
      tvm_tar_extract_async (packed, out, cancellable, store_result, &extracted);
      for (guint j = 0; j < i * 50; j++)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);

      ok = tvm_tar_create_finish (wait_result (&created), &error);
      g_assert_cmpint (ok, ==, exists (f, "a.tar.gz"));
      if (!ok)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      ok = tvm_tar_extract_finish (wait_result (&extracted), &error);
      g_assert_cmpint (ok, ==, exists (f, "out"));
      if (!ok)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      (void) g_unlink (tar);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/tar/" name, Fixture, NULL, setup, func, teardown)
  ADD ("round-trip", test_round_trip);
  ADD ("compression", test_compression);
  ADD ("reproducible", test_reproducible);
  ADD ("other-tools", test_other_tools);
  ADD ("create/fails", test_create_fails);
  ADD ("create/no-space", test_create_no_space);
  ADD ("create/tree", test_create_tree);
  ADD ("create/cancelled", test_create_cancelled);
  ADD ("extract/hostile", test_hostile);
  ADD ("extract/hostile-pax", test_hostile_pax);
  ADD ("extract/modes", test_modes);
  ADD ("extract/into-links", test_into_links);
  ADD ("extract/limits", test_limits);
  ADD ("extract/entry-limit", test_entry_limit);
  ADD ("extract/truncated", test_truncated);
  ADD ("extract/mutated", test_mutated);
  ADD ("extract/fails", test_extract_fails);
  ADD ("normalize", test_normalize);
  ADD ("normalize/hostile", test_normalize_hostile);
  ADD ("async", test_async);
  ADD ("async/cancelled", test_async_cancelled);
#undef ADD

  return g_test_run ();
}
