/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tar-fixture.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files and directories only: GLib keeps eventfds and pidfds for a while. */
guint
tar_count_fds (void)
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

void
tar_setup (TarFixture    *f,
       gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  if (g_getenv ("SOURCE_DATE_EPOCH") != NULL)
    g_unsetenv ("SOURCE_DATE_EPOCH");
  /* Small files by the thousand need no disk. */
  if (GPOINTER_TO_UINT (data) & TAR_IN_MEMORY && g_access ("/dev/shm", R_OK | W_OK | X_OK) == 0)
    f->temp = tvm_temp_directory_new_in ("/dev/shm", &error);
  else
    f->temp = tvm_temp_directory_new (NULL, &error);
  g_assert_no_error (error);
  f->path = tvm_temp_directory_get_path (f->temp);
  f->fds = tar_count_fds ();
}

void
tar_teardown (TarFixture    *f,
          gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  /* Fewer: what the first directory of the process found to sweep has gone meanwhile. */
  g_assert_cmpuint (tar_count_fds (), <=, f->fds);
  g_assert_true (tvm_temp_directory_remove (f->temp, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&f->temp);
}

char *
tar_path (TarFixture    *f,
         const char *name)
{
  return g_build_filename (f->path, name, NULL);
}

/* Returns: the path, which the test may leak to the directory of the fixture */
char *
tar_put (TarFixture    *f,
     const char *name,
     const char *data,
     gssize      length)
{
  char *path = tar_path (f, name);
  g_autofree char *dir = g_path_get_dirname (path);

  g_assert_no_errno (g_mkdir_with_parents (dir, 0755));
  g_assert_true (g_file_set_contents (path, data, length, NULL));
  return path;
}

/* Half of it compresses; it is the same in each run. */
char *
tar_put_noise (TarFixture *f,
               const char *name,
               gsize       length)
{
  g_autofree char *noise = g_malloc (length);
  g_autoptr (GRand) rand = g_rand_new_with_seed (length);

  for (gsize i = 0; i < length; i++)
    noise[i] = i % 512 < 256 ? 'x' : (char) g_rand_int (rand);
  return tar_put (f, name, noise, length);
}

void
tar_assert_content (TarFixture    *f,
                const char *name,
                const char *expected)
{
  g_autofree char *path = tar_path (f, name);
  g_autofree char *data = NULL;

  g_assert_true (g_file_get_contents (path, &data, NULL, NULL));
  g_assert_cmpstr (data, ==, expected);
}

gboolean
tar_exists (TarFixture    *f,
        const char *name)
{
  g_autofree char *path = tar_path (f, name);
  struct stat st;

  return lstat (path, &st) == 0;
}

mode_t
tar_get_mode (TarFixture    *f,
          const char *name)
{
  g_autofree char *path = tar_path (f, name);
  struct stat st;

  g_assert_no_errno (lstat (path, &st));
  return st.st_mode & 07777;
}

/* Runs a tool in the directory of the fixture. Returns: FALSE if there is none */
gboolean
tar_run_tool (TarFixture            *f,
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

void
tar_add_header (GByteArray *tar,
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

void
tar_add_data (GByteArray *tar,
          const char *data,
          gsize       length)
{
  static const guint8 zeros[512] = { 0 };

  g_byte_array_append (tar, (const guint8 *) data, length);
  if (length % 512 != 0)
    g_byte_array_append (tar, zeros, 512 - length % 512);
}

void
tar_add_file (GByteArray *tar,
          const char *name,
          const char *data)
{
  tar_add_header (tar, name, '0', NULL, 0644, strlen (data));
  tar_add_data (tar, data, strlen (data));
}

void
tar_add_end (GByteArray *tar)
{
  static const guint8 zeros[1024] = { 0 };

  g_byte_array_append (tar, zeros, sizeof zeros);
}

void
tar_add_pax (GByteArray *tar,
         const char *record)
{
  tar_add_header (tar, "PaxHeader", 'x', NULL, 0644, strlen (record));
  tar_add_data (tar, record, strlen (record));
}

/* Refused, and nothing is left of it, inside or out. */
void
tar_assert_refused (TarFixture    *f,
                GByteArray *tar,
                const char *in_message)
{
  g_autofree char *path = tar_put (f, "hostile.tar", (const char *) tar->data, tar->len);
  g_autofree char *out = tar_path (f, "sub/out");
  g_autofree char *sub = tar_path (f, "sub");
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (sub, 0755));
  g_assert_false (tvm_tar_extract (path, out, NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE);
  if (strstr (error->message, in_message) == NULL)
    g_test_fail_printf ("“%s” is not in “%s”", in_message, error->message);
  g_assert_false (tar_exists (f, "sub/out"));
  g_assert_no_errno (g_rmdir (sub));
  g_assert_no_errno (g_unlink (path));
}
