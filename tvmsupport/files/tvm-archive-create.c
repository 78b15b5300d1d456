/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)

/* Each level of directories costs a descriptor. */
#define MAX_DEPTH 200

/*
 * The output, which has no name until it is complete: a file that nothing refers to, so that it is
 * gone even if the process is killed, or where the file system has no such thing, one of a name
 * that nobody else uses.
 */
typedef struct
{
  char *display;
  char *base;
  char temp[32];        /* "" while the file has no name */
  int dir_fd;
  int fd;
  struct stat old;      /* what is there; st_mode is 0 if nothing is */
} Output;

static void
output_clear (Output *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->temp[0] != '\0')
    (void) unlinkat (self->dir_fd, self->temp, 0);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self->base);
  g_free (self->display);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

static void
set_temp_name (Output *self)
{
  g_snprintf (self->temp, sizeof self->temp, ".tvm-%08x%08x", g_random_int (), g_random_int ());
}

static gboolean
open_named (Output *self)
{
  do
    {
      set_temp_name (self);
      self->fd = openat (self->dir_fd, self->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
  while (self->fd < 0 && errno == EEXIST);

  if (self->fd < 0)
    self->temp[0] = '\0';
  return self->fd >= 0;
}

static gboolean
output_open (Output      *self,
             const char  *path,
             GError     **error)
{
  g_autofree char *dir = g_path_get_dirname (path);

  self->display = g_filename_display_name (path);
  self->base = g_path_get_basename (path);
  self->dir_fd = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->dir_fd < 0)
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);

  /* A device or a pipe is not to be replaced by a file. */
  if (fstatat (self->dir_fd, self->base, &self->old, AT_SYMLINK_NOFOLLOW) != 0)
    self->old.st_mode = 0;
  else if (S_ISDIR (self->old.st_mode))
    return tvm_error_set_errno (error, EISDIR, _("Cannot create “%s”"), self->display);
  else if (!S_ISREG (self->old.st_mode) && !S_ISLNK (self->old.st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                   _("Cannot create “%s”: what is there is not a file"), self->display);
      return FALSE;
    }

  /* It gets its name through /proc. */
  if (access ("/proc/self/fd", X_OK) == 0)
    self->fd = openat (self->dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (self->fd < 0 && !open_named (self))
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);
  return TRUE;
}

/* Gives the file that has none a name. */
static gboolean
link_file (Output     *self,
           const char *name)
{
  char link[64];

  g_snprintf (link, sizeof link, "/proc/self/fd/%d", self->fd);
  return linkat (AT_FDCWD, link, self->dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static gboolean
output_commit (Output  *self,
               GError **error)
{
  if (self->temp[0] == '\0')
    {
      if (link_file (self, self->base))
        return TRUE;

      do
        set_temp_name (self);
      while (!link_file (self, self->temp) && errno == EEXIST);
    }

  if (renameat (self->dir_fd, self->temp, self->dir_fd, self->base) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);

  self->temp[0] = '\0';
  return TRUE;
}

typedef struct
{
  TvmArchive *archive;
  const Output *output;
  gint64 mtime;
  GCancellable *cancellable;
  char *buffer;
} Packer;

static void
packer_clear (Packer *self)
{
  g_clear_pointer (&self->archive, tvm_archive_free);
  g_free (self->buffer);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Packer, packer_clear)

/* One directory on the way down */
typedef struct
{
  int fd;
  char *name;           /* in the archive */
  GPtrArray *children;  /* (element-type filename): sorted */
  guint next;
} Level;

static void
level_free (Level *level)
{
  if (level->fd >= 0)
    close (level->fd);
  g_clear_pointer (&level->children, g_ptr_array_unref);
  g_free (level->name);
  g_free (level);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Level, level_free)

static gboolean
set_read_error (GError     **error,
                int          errsv,
                const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  return tvm_error_set_errno (error, errsv, _("Cannot read “%s”"), display);
}

static gboolean
is_same_file (const struct stat *a,
              const struct stat *b)
{
  return a->st_mode != 0 && b->st_mode != 0 && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Everything that differs from one machine or run to the next is left out. */
static gboolean
write_header (Packer             *self,
              const char         *name,
              const struct stat  *st,
              const char         *link_target,
              GError            **error)
{
  g_autoptr (TvmArchiveEntry) entry = archive_entry_new ();
  mode_t mode = S_ISDIR (st->st_mode) || (st->st_mode & S_IXUSR) != 0 ? 0755 : 0644;

  archive_entry_copy_pathname (entry, name);
  archive_entry_set_filetype (entry, st->st_mode & S_IFMT);
  archive_entry_set_perm (entry, link_target != NULL ? 0777 : mode);
  archive_entry_set_uid (entry, 0);
  archive_entry_set_gid (entry, 0);
  archive_entry_set_mtime (entry, self->mtime, 0);
  archive_entry_set_size (entry, S_ISREG (st->st_mode) ? st->st_size : 0);
  if (link_target != NULL)
    archive_entry_copy_symlink (entry, link_target);

  /* A warning says that a name that is not UTF-8 is written byte by byte. */
  if (archive_write_header (self->archive, entry) < ARCHIVE_WARN)
    return tvm_archive_set_error (error, self->archive, self->output->display);
  return TRUE;
}

static gboolean
pack_file (Packer             *self,
           int                 fd,
           const char         *name,
           const struct stat  *st,
           GError            **error)
{
  guint64 left = st->st_size;

  if (!write_header (self, name, st, NULL, error))
    return FALSE;

  while (left > 0)
    {
      gssize n;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;

      n = read (fd, self->buffer, MIN (left, BUFFER_SIZE));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return set_read_error (error, errno, name);
      if (n == 0)
        {
          g_autofree char *display = g_filename_display_name (name);

          g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                       _("Cannot read “%s”: it became shorter meanwhile"), display);
          return FALSE;
        }
      if (archive_write_data (self->archive, self->buffer, n) != n)
        return tvm_archive_set_error (error, self->archive, self->output->display);
      left -= n;
    }

  return TRUE;
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Takes @fd. */
static Level *
level_new (int          fd,
           const char  *name,
           GError     **error)
{
  g_autoptr (Level) level = g_new0 (Level, 1);
  const struct dirent *entry;
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  int errsv = errno;

  level->fd = fd;
  level->name = g_strdup (name);
  level->children = g_ptr_array_new_with_free_func (g_free);
  if (dir == NULL)
    {
      if (copy >= 0)
        close (copy);
      set_read_error (error, errsv, name);
      return NULL;
    }

  for (errno = 0; (entry = readdir (dir)) != NULL; errno = 0)
    {
      if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
        g_ptr_array_add (level->children, g_strdup (entry->d_name));
    }
  errsv = errno;
  closedir (dir);
  if (errsv != 0)
    {
      set_read_error (error, errsv, name);
      return NULL;
    }

  g_ptr_array_sort (level->children, compare_names);
  return g_steal_pointer (&level);
}

static gboolean
pack_link (Packer             *self,
           int                 at,
           const char         *base,
           const char         *name,
           const struct stat  *st,
           GError            **error)
{
  char target[PATH_MAX];
  gssize length = readlinkat (at, base, target, sizeof target - 1);

  if (length < 0)
    return set_read_error (error, errno, name);

  target[length] = '\0';
  return write_header (self, name, st, target, error);
}

static gboolean
set_special_error (GError     **error,
                   const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
               _("Cannot pack “%s”: it is neither a file nor a directory"), display);
  return FALSE;
}

/* Takes @fd, the directory @name, and packs its header. */
static gboolean
push_level (Packer             *self,
            GPtrArray          *levels,
            int                 fd,
            const char         *name,
            const struct stat  *st,
            GError            **error)
{
  g_autofree char *entry_name = g_strconcat (name, "/", NULL);
  g_autoptr (Level) level = level_new (fd, name, error);

  if (level == NULL)
    return FALSE;
  if (levels->len == MAX_DEPTH)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("Cannot pack a directory with more than %d levels of others in it"),
                   MAX_DEPTH);
      return FALSE;
    }
  if (!write_header (self, entry_name, st, NULL, error))
    return FALSE;

  g_ptr_array_add (levels, g_steal_pointer (&level));
  return TRUE;
}

/* Packs what was opened as @fd, which is closed. A directory is put on @levels instead. */
static gboolean
pack_open (Packer      *self,
           GPtrArray   *levels,
           int          fd,
           const char  *name,
           GError     **error)
{
  struct stat st;
  gboolean ok;

  if (fstat (fd, &st) != 0)
    {
      ok = set_read_error (error, errno, name);
      close (fd);
      return ok;
    }

  if (S_ISDIR (st.st_mode))
    return push_level (self, levels, fd, name, &st, error);

  ok = S_ISREG (st.st_mode) ? pack_file (self, fd, name, &st, error)
                            : set_special_error (error, name);
  close (fd);
  return ok;
}

/* Packs @base of the innermost level. */
static gboolean
pack_child (Packer      *self,
            GPtrArray   *levels,
            const char  *base,
            GError     **error)
{
  const Level *level = levels->pdata[levels->len - 1];
  g_autofree char *name = g_strconcat (level->name, "/", base, NULL);
  struct stat st, own;
  int fd;

  if (fstatat (level->fd, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return set_read_error (error, errno, name);
  if (S_ISLNK (st.st_mode))
    return pack_link (self, level->fd, base, name, &st, error);
  /* Opening a device may do something. */
  if (!S_ISREG (st.st_mode) && !S_ISDIR (st.st_mode))
    return set_special_error (error, name);

  /* The archive does not become a part of itself. */
  if (is_same_file (&st, &self->output->old)
      || (fstat (self->output->fd, &own) == 0 && is_same_file (&st, &own)))
    return TRUE;

  fd = openat (level->fd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return set_read_error (error, errno, name);
  return pack_open (self, levels, fd, name, error);
}

/* Packs the file or directory at @path, with what is below it. */
static gboolean
pack_path (Packer      *self,
           const char  *path,
           const char  *name,
           GError     **error)
{
  g_autoptr (GPtrArray) levels = g_ptr_array_new_with_free_func ((GDestroyNotify) level_free);
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd < 0)
    return set_read_error (error, errno, path);
  if (!pack_open (self, levels, fd, name, error))
    return FALSE;

  while (levels->len > 0)
    {
      Level *level = levels->pdata[levels->len - 1];

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;

      if (level->next == level->children->len)
        g_ptr_array_remove_index (levels, levels->len - 1);
      else if (!pack_child (self, levels, level->children->pdata[level->next++], error))
        return FALSE;
    }

  return TRUE;
}

/* Returns: (transfer full): the base names of @files; NULL with @error set if one has none, or two
 * have the same */
static char **
get_names (const char * const  *files,
           const Output        *output,
           GError             **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (GStrv) names = g_new0 (char *, g_strv_length ((char **) files) + 1);

  for (guint i = 0; files[i] != NULL; i++)
    {
      const char *other;
      struct stat st;

      names[i] = g_path_get_basename (files[i]);
      if (files[i][0] == '\0' || strchr (names[i], '/') != NULL || g_str_equal (names[i], ".")
          || g_str_equal (names[i], ".."))
        {
          g_autofree char *display = g_filename_display_name (files[i]);

          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("Cannot pack “%s”: it has no name of its own"), display);
          return NULL;
        }

      other = g_hash_table_lookup (seen, names[i]);
      if (other != NULL)
        {
          g_autofree char *a = g_filename_display_name (other);
          g_autofree char *b = g_filename_display_name (files[i]);

          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("Cannot pack both “%s” and “%s”: they would have the same name"), a, b);
          return NULL;
        }
      g_hash_table_insert (seen, names[i], (gpointer) files[i]);

      if (stat (files[i], &st) == 0 && is_same_file (&st, &output->old))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("Cannot pack “%s” into itself"), output->display);
          return NULL;
        }
    }

  return g_steal_pointer (&names);
}

/* See https://reproducible-builds.org/specs/source-date-epoch/ */
static gboolean
get_mtime (gint64  *mtime,
           GError **error)
{
  const char *epoch = g_getenv ("SOURCE_DATE_EPOCH");

  *mtime = 0;
  if (epoch == NULL || epoch[0] == '\0')
    return TRUE;

  if (!g_ascii_string_to_signed (epoch, 10, 0, G_MAXINT64, mtime, NULL))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("SOURCE_DATE_EPOCH is “%s”, which is not a time"), epoch);
      return FALSE;
    }

  return TRUE;
}

static gboolean
pack_all (Packer              *self,
          const char * const  *files,
          char               **names,
          GError             **error)
{
  for (guint i = 0; files[i] != NULL; i++)
    {
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      if (!pack_path (self, files[i], names[i], error))
        return FALSE;
    }

  if (archive_write_close (self->archive) != ARCHIVE_OK)
    return tvm_archive_set_error (error, self->archive, self->output->display);
  return TRUE;
}

gboolean
tvm_archive_create (const char          *path,
                    const char * const  *files,
                    GCancellable        *cancellable,
                    GError             **error)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_auto (Output) output = { .fd = -1, .dir_fd = -1 };
  g_auto (Packer) packer = { .output = &output, .cancellable = cancellable };
  g_auto (GStrv) names = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (files[0] == NULL)
    {
      g_autofree char *display = g_filename_display_name (path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("There are no files to pack into “%s”"), display);
      return FALSE;
    }

  tvm_archive_locale_begin (&locale);
  if (!get_mtime (&packer.mtime, error) || !output_open (&output, path, error))
    return FALSE;

  names = get_names (files, &output, error);
  if (names == NULL)
    return FALSE;

  packer.buffer = g_malloc (BUFFER_SIZE);
  packer.archive = tvm_archive_writer_new (output.fd, tvm_archive_compression_from_path (path),
                                           output.display, error);
  return packer.archive != NULL && pack_all (&packer, files, names, error)
         && output_commit (&output, error);
}
