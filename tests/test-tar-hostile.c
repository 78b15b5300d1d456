/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tar-fixture.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_hostile (TarFixture    *f,
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

      tar_add_file (tar, "d/other.o", "other");
      tar_add_file (tar, "fine.o", "fine");
      tar_add_header (tar, entries[i].name, entries[i].type, entries[i].link, 0644, 0);
      tar_add_file (tar, "link/through", "through");
      tar_add_end (tar);
      tar_assert_refused (f, tar, entries[i].message);
    }
  g_assert_false (g_file_test ("/tmp/absolute", G_FILE_TEST_EXISTS));
}

static void
test_hostile_pax (TarFixture    *f,
                  gconstpointer  data)
{
  static const struct { const char *record; const char *message; } records[] = {
    { "18 path=/absolute\n", "absolute" },
    { "14 path=../up\n", "leads out" },
    { "19 linkpath=/etc/x\n", "hard link" },
    { "11 size=-1\n", "" },
    { "30 size=99999999999999999999\n", "" },
    { "99 path=short\n", "" },
    { "0 path=x\n", "" },
    { "18446744073709551615 path=x\n", "" },
    { "31 GNU.sparse.map=0,10,5,10,1,1\n22 GNU.sparse.size=99\n", "" },
    { "26 GNU.sparse.map=9999999,1\n21 GNU.sparse.size=1\n", "" },
    { "27 GNU.sparse.name=../../up\n21 GNU.sparse.major=1\n21 GNU.sparse.minor=0\n", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (records); i++)
    {
      g_autoptr (GByteArray) tar = g_byte_array_new ();

      tar_add_pax (tar, records[i].record);
      tar_add_header (tar, "fine", strstr (records[i].record, "link") != NULL ? '1' : '0', "x",
                      0644, 0);
      tar_add_end (tar);
      tar_assert_refused (f, tar, records[i].message);
    }
}

/* Modes that nobody should get, and times */
static void
test_modes (TarFixture    *f,
            gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *plain = tar_path (f, "out/plain");
  mode_t old = umask (022);
  struct stat st;

  tar_add_header (tar, "setuid", '0', NULL, 06777, 0);
  tar_add_header (tar, "none", '0', NULL, 0, 0);
  tar_add_header (tar, "plain", '0', NULL, 0666, 0);
  tar_add_header (tar, "./", '5', NULL, 0, 0);
  tar_add_header (tar, "dir/", '5', NULL, 01000, 0);
  tar_add_header (tar, "dir/.//in", '0', NULL, 0644, 0);
  tar_add_end (tar);
  path = tar_put (f, "modes.tar", (const char *) tar->data, tar->len);

  g_assert_true (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_no_error (error);
  umask (old);
  g_assert_cmpint (tar_get_mode (f, "out/setuid"), ==, 0755);
  g_assert_cmpint (tar_get_mode (f, "out/none"), ==, 0644);
  g_assert_cmpint (tar_get_mode (f, "out/plain"), ==, 0644);
  g_assert_cmpint (tar_get_mode (f, "out/dir"), ==, 0755);
  g_assert_true (tar_exists (f, "out/dir/in"));
  g_assert_no_errno (g_stat (plain, &st));
  g_assert_cmpint (st.st_mtime, ==, 1);
  g_assert_cmpint (st.st_uid, ==, geteuid ());
}

/* Links that were there before lead nowhere, also those that have the name of a file. */
static void
test_into_links (TarFixture    *f,
                 gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *victim = tar_put (f, "victim/file.o", "victim", 6);
  g_autofree char *victim_dir = tar_path (f, "victim");
  g_autofree char *kept = tar_put (f, "out/kept", "kept", 4);
  g_autofree char *hard = tar_path (f, "out/hard.o");
  g_autofree char *link = tar_path (f, "out/file.o");
  g_autofree char *dir = tar_path (f, "out/dir");
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  g_assert_no_errno (symlink (victim, link));
  g_assert_no_errno (symlink (victim_dir, dir));
  g_assert_no_errno (linkat (AT_FDCWD, victim, AT_FDCWD, hard, 0));

  tar_add_file (tar, "file.o", "new");
  tar_add_file (tar, "hard.o", "new");
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_true (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/file.o", "new");
  tar_assert_content (f, "out/hard.o", "new");
  tar_assert_content (f, "victim/file.o", "victim");

  g_byte_array_set_size (tar, 0);
  tar_add_file (tar, "new/made.o", "made");
  tar_add_file (tar, "dir/file.o", "through");
  tar_add_end (tar);
  g_free (path);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_false (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  tar_assert_content (f, "victim/file.o", "victim");
  tar_assert_content (f, "out/kept", "kept");
  g_assert_false (tar_exists (f, "out/new"));
}

static void
test_limits (TarFixture    *f,
             gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autofree char *path = NULL;
  g_autofree char *sparse = tar_path (f, "sparse.o");

  /* Sizes that are not there */
  tar_add_header (tar, "huge", '0', NULL, 0644, G_GUINT64_CONSTANT (077777777777));
  tar_assert_refused (f, tar, "");
  g_byte_array_set_size (tar, 0);
  tar_add_pax (tar, "28 size=9223372036854775807\n");
  tar_add_header (tar, "huge", '0', NULL, 0644, 0);
  tar_add_end (tar);
  tar_assert_refused (f, tar, "");

  /* A bomb: much from little */
  {
    g_autofree char *zeros = g_malloc0 (70 << 20);
    g_autofree char *big = tar_put (f, "zeros", zeros, 70 << 20);
    g_autofree char *bomb = tar_path (f, "bomb.tar.zst");
    g_autofree char *content = NULL;
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    gsize length;

    g_assert_true (tvm_tar_create (bomb, TAR_FILES (big), NULL, NULL, NULL));
    g_assert_true (g_file_get_contents (bomb, &content, &length, NULL));
    g_byte_array_append (bytes, (const guint8 *) content, length);
    tar_assert_refused (f, bytes, "far more");
  }

  /* The same as holes */
  path = tar_put (f, "sparse.o", "", 0);
  g_assert_no_errno (truncate (sparse, G_GINT64_CONSTANT (9) << 30));
  if (TAR_RUN (f, NULL, "tar", "-cSf", "sparse.tar", "sparse.o"))
    {
      g_autofree char *sparse_tar = tar_path (f, "sparse.tar");
      g_autofree char *content = NULL;
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      gsize length;

      g_assert_true (g_file_get_contents (sparse_tar, &content, &length, NULL));
      g_byte_array_append (bytes, (const guint8 *) content, length);
      tar_assert_refused (f, bytes, "more than");
    }
}

static void
test_entry_limit (TarFixture    *f,
                  gconstpointer  data)
{
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *out = tar_path (f, "out");

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      tar_add_file (tar, name, "x");
    }
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GListModel) list = NULL;
      gboolean ok;

      tvm_tar_options_set_max_entries (options, i == 0 ? 4 : 5);
      tvm_tar_options_set_max_size (options, i == 1 ? 4 : 5);
      ok = tvm_tar_extract (path, out, options, NULL, &error);
      if (i < 2)
        {
          g_assert_false (ok);
          g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
          g_clear_error (&error);
          g_assert_false (tar_exists (f, "out"));
        }
      else
        {
          g_assert_no_error (error);
          g_assert_true (ok);
          g_assert_true (tar_exists (f, "out/4"));
        }

      list = tvm_tar_list (path, options, NULL, &error);
      g_assert_cmpint (list != NULL, ==, i > 0);
      g_clear_error (&error);
    }
}

/* At every offset */
static void
test_truncated (TarFixture    *f,
                gconstpointer  data)
{
  static const char *const names[] = { "a.tar", "a.tar.gz", "a.tar.zst", "a.tar.xz" };
  g_autofree char *one = tar_put (f, "one.o", "one", 3);
  g_autofree char *noise = g_malloc (600);
  g_autofree char *two = NULL;

  for (guint i = 0; i < 600; i++)
    noise[i] = g_test_rand_int_range (0, 256);
  two = tar_put (f, "two.o", noise, 600);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *tar = tar_path (f, names[i]);
      g_autofree char *content = NULL;
      gsize length, end;

      g_assert_true (tvm_tar_create (tar, TAR_FILES (one, two), NULL, NULL, NULL));
      g_assert_true (g_file_get_contents (tar, &content, &length, NULL));
      /* The rest is padding, or a checksum behind the end of the tar. */
      end = i == 0 ? length - 1024 : length - 100;
      for (gsize cut = 0; cut <= end; cut++)
        {
          g_autoptr (GByteArray) bytes = g_byte_array_new ();

          g_byte_array_append (bytes, (const guint8 *) content, cut);
          tar_assert_refused (f, bytes, "");
        }
    }
}

/* Whatever is in it, it is unpacked or refused. */
static void
test_mutated (TarFixture    *f,
              gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autofree char *out = tar_path (f, "out");
  const guint n = g_test_slow () ? 20000 : 500;

  tar_add_file (tar, "one.o", "one");
  tar_add_pax (tar, "12 path=two\n");
  tar_add_file (tar, "x", "two");
  tar_add_header (tar, "dir/", '5', NULL, 0755, 0);
  tar_add_end (tar);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *copy = g_memdup2 (tar->data, tar->len);
      g_autofree char *path = NULL;
      g_autoptr (GError) error = NULL;

      for (gint j = g_test_rand_int_range (1, 6); j > 0; j--)
        copy[g_test_rand_int_range (0, tar->len)] = g_test_rand_int_range (0, 256);
      path = tar_put (f, "mutated.tar", copy, tar->len);
      if (tvm_tar_extract (path, out, NULL, NULL, &error))
        g_assert_no_error (error);
      else
        g_assert_nonnull (error);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

/* Entries of links, and what becomes of the archive with TVM_TAR_LINKS_INSIDE */
static void
test_links_inside (TarFixture    *f,
                   gconstpointer  data)
{
  static const struct { const char *name; char type; const char *target; const char *message; }
  links[] = {
    { "link", '2', "file.o", NULL },
    { "link", '2', "./d//file.o", NULL },
    { "d/e/link", '2', "../../file.o", NULL },
    { "d/link", '2', "..", NULL },
    { "link", '2', "nowhere", NULL },
    { "link", '1', "file.o", NULL },
    { "new/link", '1', "./file.o", NULL },
    { "link", '2', "/etc/passwd", "leads out" },
    { "link", '2', "..", "leads out" },
    { "link", '2', "d/../..", "leads out" },
    { "d/link", '2', "../../file.o", "leads out" },
    { "d/link", '2', "../d/../file.o", "leads out" },
    { "link", '2', "", "leads out" },
    { "link", '1', "/etc/passwd", "absolute" },
    { "link", '1', "../file.o", "leads out" },
    { "link", '1', "nowhere", "not in the archive" },
    { "link", '1', "d", "not in the archive" },
    { "file.o", '2', "d/file.o", "twice" },
    { "file.o", '1', "d/file.o", "twice" },
    { "d", '2', "file.o", "is a directory" },
    { "file.o/link", '2', "x", "not a directory" },
  };
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();

  tvm_tar_options_set_links (options, TVM_TAR_LINKS_INSIDE);
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autoptr (GByteArray) tar = g_byte_array_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;
      g_autofree char *out = tar_path (f, "out");
      gboolean ok;

      tar_add_file (tar, "file.o", "file");
      tar_add_file (tar, "d/file.o", "deep");
      tar_add_header (tar, links[i].name, links[i].type, links[i].target, 0777, 0);
      tar_add_file (tar, "d/last.o", "last");
      tar_add_end (tar);
      path = tar_put (f, "links.tar", (const char *) tar->data, tar->len);

      ok = tvm_tar_extract (path, out, options, NULL, &error);
      if (links[i].message == NULL)
        {
          g_autofree char *made = g_build_filename ("out", links[i].name, NULL);

          g_assert_no_error (error);
          g_assert_true (tar_exists (f, made));
          tar_assert_content (f, "out/d/last.o", "last");
        }
      else
        {
          g_assert_false (ok);
          g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
          if (strstr (error->message, links[i].message) == NULL)
            g_test_fail_printf ("“%s” is not in “%s”", links[i].message, error->message);
          g_assert_false (tar_exists (f, "out"));
        }
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

/* Nothing is written through a link: not in the same archive, and not by the next one. */
static void
test_links_through (TarFixture    *f,
                    gconstpointer  data)
{
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GByteArray) first = g_byte_array_new ();
  g_autoptr (GByteArray) second = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  tvm_tar_options_set_links (options, TVM_TAR_LINKS_INSIDE);
  tar_add_header (first, "link", '2', "d", 0777, 0);
  tar_add_file (first, "d/x.o", "x");
  tar_add_end (first);
  path = tar_put (f, "first.tar", (const char *) first->data, first->len);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/link/x.o", "x");

  tar_add_file (second, "link/x.o", "through");
  tar_add_end (second);
  g_free (path);
  path = tar_put (f, "second.tar", (const char *) second->data, second->len);
  g_assert_false (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  tar_assert_content (f, "out/d/x.o", "x");

  /* In one archive, the directory of the file is there before the link. */
  g_byte_array_set_size (second, 0);
  tar_add_header (second, "other", '2', "d", 0777, 0);
  tar_add_file (second, "other/y.o", "through");
  tar_add_end (second);
  tar_assert_refused (f, second, "symbolic link");
  g_free (path);
  path = tar_put (f, "second.tar", (const char *) second->data, second->len);
  g_clear_error (&error);
  g_assert_false (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_assert_false (tar_exists (f, "out/d/y.o"));
  g_assert_false (tar_exists (f, "out/other"));
}

static void
test_links_skipped (TarFixture    *f,
                    gconstpointer  data)
{
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  tvm_tar_options_set_links (options, TVM_TAR_LINKS_SKIP);
  tar_add_header (tar, "out", '2', "/etc", 0777, 0);
  tar_add_file (tar, "x.o", "x");
  tar_add_header (tar, "hard", '1', "/etc/passwd", 0777, 0);
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/x.o", "x");
  g_assert_false (tar_exists (f, "out/out"));
  g_assert_false (tar_exists (f, "out/hard"));
}

/* Names of any bytes are taken as they are; one with a NUL in it ends there. */
static void
test_names (TarFixture    *f,
            gconstpointer  data)
{
  static const char with_nul[] = "19 path=nul\0/../up\n";
  static const char *const names[] = {
    "new\nline", "-rf", "--checkpoint-action=exec=false", "\x1b[31m", "\xff\xfe", "host:x.o", "~",
    "*", "Case.o", "case.o", "CASE.O", " ", "\\", "...", ".tvm-0123", "con", "aux.o",
  };
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) list = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    tar_add_file (tar, names[i], names[i]);
  tar_add_header (tar, "PaxHeader", 'x', NULL, 0644, sizeof with_nul - 1);
  tar_add_data (tar, with_nul, sizeof with_nul - 1);
  tar_add_file (tar, "ignored", "nul");
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);

  list = tvm_tar_list (path, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, G_N_ELEMENTS (names) + 1);
  g_assert_true (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, i);
      g_autofree char *name = g_build_filename ("out", names[i], NULL);

      g_assert_cmpstr (tvm_tar_entry_get_name (entry), ==, names[i]);
      tar_assert_content (f, name, names[i]);
    }
  tar_assert_content (f, "out/nul", "nul");
}

/* Much from little, of what is no file's data */
static void
test_bombs (TarFixture    *f,
            gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;
  g_autofree char *big = g_malloc0 (70 << 20);
  g_autofree char *file = NULL;
  g_autofree char *packed = tar_path (f, "packed.tar.gz");
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autoptr (GString) record = g_string_new (NULL);

  /* A directory for each two bytes */
  for (guint i = 0; i < 1000; i++)
    g_string_append (deep, "d/");
  g_string_printf (record, "2012 path=%sx\n", deep->str);
  g_assert_cmpuint (record->len, ==, 2012);
  for (guint i = 0; i < 3; i++)
    {
      record->str[10 + 2 * i] = 'a' + i;
      tar_add_pax (tar, record->str);
      tar_add_file (tar, "x", "x");
    }
  tar_add_end (tar);
  path = tar_put (f, "deep.tar", (const char *) tar->data, tar->len);
  tvm_tar_options_set_max_entries (options, 1500);
  g_assert_false (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_assert_nonnull (strstr (error->message, "more entries"));
  g_clear_error (&error);
  g_assert_false (tar_exists (f, "out"));
  tvm_tar_options_set_max_entries (options, 4000);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_no_error (error);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));

  /* Headers only, which compress to nothing */
  g_byte_array_set_size (tar, 0);
  tar_add_header (tar, "./", '5', NULL, 0755, 0);
  for (guint i = 0; i < 70 << 11; i++)
    memcpy (big + i * 512, tar->data, 512);
  file = tar_put (f, "headers", big, 70 << 20);
  g_assert_true (tar_run_tool (f, TAR_FILES ("gzip", "-k", "headers"), NULL));
  g_free (path);
  path = tar_path (f, "headers.gz");
  tvm_tar_options_set_max_entries (options, G_MAXUINT64);
  tvm_tar_options_set_max_ratio (options, 100);
  g_assert_false (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_assert_nonnull (strstr (error->message, "far more"));
  g_clear_error (&error);
  g_assert_null (tvm_tar_list (path, options, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_clear_error (&error);
  tvm_tar_options_set_max_ratio (options, G_MAXUINT64);
  g_assert_false (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_nonnull (strstr (error->message, "too early"));
}

/* What was there is replaced when all is done, so that a failure leaves it. */
static void
test_replace (TarFixture    *f,
              gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *old = tar_put (f, "out/d/old.o", "old", 3);
  g_autofree char *dir = tar_put (f, "out/dir.o/x", "x", 1);
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;

  tar_add_file (tar, "d/old.o", "new");
  tar_add_file (tar, "d/new.o", "new");
  tar_add_file (tar, "dir.o", "new");
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_false (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  g_assert_nonnull (strstr (error->message, "is a directory"));
  g_clear_error (&error);
  tar_assert_content (f, "out/d/old.o", "old");
  g_assert_false (tar_exists (f, "out/d/new.o"));

  g_byte_array_set_size (tar, tar->len - 2048);
  tar_add_end (tar);
  g_free (path);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  g_assert_true (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/d/old.o", "new");
  tar_assert_content (f, "out/d/new.o", "new");

  {
    g_autoptr (GDir) opened = g_dir_open (out, 0, NULL);
    guint n = 0;

    while (g_dir_read_name (opened) != NULL)
      n++;
    g_assert_cmpuint (n, ==, 2);
  }
}

/* Returns: (transfer full) (nullable): where files in @folder wait that are to replace others */
static char *
find_stage (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (g_str_has_prefix (name, ".tvm-stage-"))
        return g_build_filename (folder, name, NULL);
    }
  return NULL;
}

static void
die_at_the_end (guint64  n_done,
                guint64  n_total,
                gpointer user_data)
{
  g_autofree char *stage = find_stage (user_data);
  g_autofree char *first = stage != NULL ? g_build_filename (stage, "1", NULL) : NULL;

  if (first != NULL && g_file_test (first, G_FILE_TEST_EXISTS))
    kill (getpid (), SIGKILL);
}

/* What it had not put in its place yet goes when the next one works there. */
static void
test_replace_killed (TarFixture    *f,
                     gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  g_autofree char *path = NULL;
  g_autofree char *stage = NULL;

  if (g_test_subprocess ())
    {
      path = g_build_filename (g_getenv ("TVM_TEST_FOLDER"), "a.tar", NULL);
      out = g_build_filename (g_getenv ("TVM_TEST_FOLDER"), "out", NULL);
      g_assert_true (tvm_temp_directory_remove (f->temp, NULL, NULL));
      tvm_tar_options_set_progress (options, die_at_the_end, out, NULL);
      (void) tvm_tar_extract (path, out, options, NULL, NULL);
      g_assert_not_reached ();
    }

  g_free (tar_put (f, "out/d/a.o", "old", 3));
  g_free (tar_put (f, "out/b.o", "old", 3));
  tar_add_file (tar, "d/a.o", "new");
  tar_add_file (tar, "b.o", "new");
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);
  out = tar_path (f, "out");

  g_setenv ("TVM_TEST_FOLDER", f->path, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  stage = find_stage (out);
  g_assert_nonnull (stage);
  tar_assert_content (f, "out/d/a.o", "old");
  tar_assert_content (f, "out/b.o", "old");

  g_assert_true (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/d/a.o", "new");
  tar_assert_content (f, "out/b.o", "new");
  /* A thread removes it. */
  while (g_file_test (stage, G_FILE_TEST_EXISTS) || tar_count_fds () > f->fds)
    g_thread_yield ();
}

/* A file that waits for its place may have other names, and links may replace files. */
static void
test_replace_links (TarFixture    *f,
                    gconstpointer  data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *out = tar_path (f, "out");
  g_autofree char *path = NULL;
  g_autofree char *link = NULL;
  g_autofree char *target = NULL;
  g_autofree char *stage = NULL;

  g_free (tar_put (f, "out/d/a.o", "old", 3));
  g_free (tar_put (f, "out/e/b.o", "old", 3));
  g_free (tar_put (f, "out/link", "old", 3));
  tar_add_file (tar, "d/a.o", "new");
  tar_add_header (tar, "e/b.o", '1', "d/a.o", 0644, 0);
  tar_add_header (tar, "f/c.o", '1', "e/b.o", 0644, 0);
  tar_add_header (tar, "link", '2', "d/a.o", 0777, 0);
  tar_add_end (tar);
  path = tar_put (f, "a.tar", (const char *) tar->data, tar->len);

  tvm_tar_options_set_links (options, TVM_TAR_LINKS_INSIDE);
  g_assert_true (tvm_tar_extract (path, out, options, NULL, &error));
  g_assert_no_error (error);
  tar_assert_content (f, "out/d/a.o", "new");
  tar_assert_content (f, "out/e/b.o", "new");
  tar_assert_content (f, "out/f/c.o", "new");
  link = tar_path (f, "out/link");
  target = g_file_read_link (link, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (target, ==, "d/a.o");
  stage = find_stage (out);
  g_assert_null (stage);
}

/* No archive, however much it looks like one */
static void
test_not_tar (TarFixture    *f,
              gconstpointer  data)
{
  static const struct { const char *data; gsize length; } others[] = {
    { "", 0 },
    { "PK\3\4\24\0\0\0\0\0", 10 },
    { "!<arch>\n", 8 },
    { "\x1f\x8b\x08", 3 },
    { "\x28\xb5\x2f\xfd", 4 },
    { "\xfd" "7zXZ\0", 6 },
    { "BZh9", 4 },
    { "070701", 6 },
    { "\177ELF", 4 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      g_byte_array_append (bytes, (const guint8 *) others[i].data, others[i].length);
      tar_assert_refused (f, bytes, "");
      g_byte_array_set_size (bytes, 4096);
      memset (bytes->data + others[i].length, 0, 4096 - others[i].length);
      if (others[i].length > 0)
        tar_assert_refused (f, bytes, "");
    }
}

static void
setup (TarFixture    *f,
       gconstpointer  data)
{
  tar_setup (f, data);
  tvm_open_beneath_set_plain ((GPOINTER_TO_UINT (data) & TAR_PLAIN) != 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD_AS(name, func, data) \
  g_test_add ("/tar/hostile/" name, TarFixture, GUINT_TO_POINTER (data), setup, func, tar_teardown)
#define ADD(name, func) ADD_AS (name, func, 0)
#define ADD_BOTH(name, func) \
  ADD_AS (name, func, TAR_IN_MEMORY); \
  ADD_AS (name "/plain", func, TAR_IN_MEMORY | TAR_PLAIN)
  ADD_BOTH ("entries", test_hostile);
  ADD_BOTH ("pax", test_hostile_pax);
  ADD_BOTH ("modes", test_modes);
  ADD_BOTH ("into-links", test_into_links);
  ADD_BOTH ("links/inside", test_links_inside);
  ADD_BOTH ("links/through", test_links_through);
  ADD ("links/skipped", test_links_skipped);
  ADD ("names", test_names);
  ADD_BOTH ("replace", test_replace);
  ADD ("replace/killed", test_replace_killed);
  ADD_BOTH ("replace/links", test_replace_links);
  ADD ("limits", test_limits);
  ADD ("entry-limit", test_entry_limit);
  ADD ("bombs", test_bombs);
  ADD_AS ("not-tar", test_not_tar, TAR_IN_MEMORY);
  ADD_AS ("truncated", test_truncated, TAR_IN_MEMORY);
  ADD_BOTH ("mutated", test_mutated);
#undef ADD_BOTH
#undef ADD
#undef ADD_AS

  return g_test_run ();
}
