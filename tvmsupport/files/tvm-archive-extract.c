/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * libarchive parses; what is written where is decided here. Each directory on the way to an entry
 * is opened relative to the one before, never through a link, and a file is always a new one, so
 * that neither a link in the archive (there is none) nor one that was there before leads out.
 */
typedef struct
{
  TvmArchive *archive;
  const char *display;
  int root_fd;
  const TvmArchiveLimits *limits;
  guint64 compressed_size;
  GCancellable *cancellable;

  int dir_fd;               /* where the last file went, so that its neighbours need no walk */
  char *dir;
  GHashTable *seen;         /* (element-type filename): the files so far */
  GPtrArray *made;          /* (element-type filename): new entries, for when it fails */
  GPtrArray *files;         /* (nullable) (not owned) */
  gboolean undoing;
  guint64 n_entries;
  guint64 size;
} Extraction;

static void
extraction_clear (Extraction *self)
{
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self->dir);
  g_hash_table_unref (self->seen);
  g_ptr_array_unref (self->made);
  g_clear_pointer (&self->archive, tvm_archive_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Extraction, extraction_clear)

static gboolean
set_hostile (Extraction  *self,
             GError     **error,
             const char  *name,
             const char  *why)
{
  g_autofree char *display = g_filename_display_name (name);

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE,
               _("Refusing to unpack “%s” from “%s”: %s"), display, self->display, why);
  return FALSE;
}

static gboolean
set_entry_errno (Extraction  *self,
                 GError     **error,
                 int          errsv,
                 const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  return tvm_error_set_errno (error, errsv, _("Cannot unpack “%s” from “%s”"), display,
                              self->display);
}

/* Returns: (transfer full): @name without empty components and "."; NULL with @error set if it
 * would lead out */
static char *
clean_name (Extraction  *self,
            const char  *name,
            GError     **error)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (GString) clean = NULL;

  if (name[0] == '/')
    {
      set_hostile (self, error, name, _("the name is absolute"));
      return NULL;
    }
  if (strlen (name) >= PATH_MAX)
    {
      g_autofree char *start = g_strndup (name, 64);

      set_hostile (self, error, start, _("the name is too long"));
      return NULL;
    }

  parts = g_strsplit (name, "/", -1);
  clean = g_string_new (NULL);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (g_str_equal (parts[i], ".."))
        {
          set_hostile (self, error, name, _("the name leads out of the directory"));
          return NULL;
        }
      if (parts[i][0] != '\0' && !g_str_equal (parts[i], "."))
        g_string_append_printf (clean, "%s%s", clean->len > 0 ? "/" : "", parts[i]);
    }

  return g_string_free (g_steal_pointer (&clean), FALSE);
}

/* Opens the directory @name of @at, made if it is not there. */
static int
open_component (Extraction *self,
                int         at,
                const char *name,
                const char *path)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (at, name, flags);

  if (fd >= 0 || errno != ENOENT || self->undoing)
    return fd;

  if (mkdirat (at, name, 0755) == 0)
    g_ptr_array_add (self->made, g_strdup (path));
  else if (errno != EEXIST)
    return -1;
  return openat (at, name, flags);
}

/* Goes to @dir, "" for the root, and stays there. */
static gboolean
enter_directory (Extraction  *self,
                 const char  *dir,
                 GError     **error)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (GString) path = NULL;
  int fd;

  if (self->dir_fd >= 0 && g_str_equal (self->dir, dir))
    return TRUE;

  fd = fcntl (self->root_fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    return set_entry_errno (self, error, errno, dir);

  path = g_string_new (NULL);
  parts = g_strsplit (dir, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      int next;
      int errsv;

      g_string_append_printf (path, "%s%s", i > 0 ? "/" : "", parts[i]);
      next = open_component (self, fd, parts[i], path->str);
      errsv = errno;
      close (fd);
      if (next < 0 && (errsv == ELOOP || errsv == ENOTDIR))
        return set_hostile (self, error, path->str, _("what is there is not a directory"));
      if (next < 0)
        return set_entry_errno (self, error, errsv, path->str);
      fd = next;
    }

  if (self->dir_fd >= 0)
    close (self->dir_fd);
  self->dir_fd = fd;
  g_free (self->dir);
  self->dir = g_strdup (dir);
  return TRUE;
}

static gboolean
check_size (Extraction  *self,
            const char  *name,
            guint64      size,
            GError     **error)
{
  const TvmArchiveLimits *limits = self->limits;
  guint64 total = self->size + size;

  if (size > limits->max_size || total > limits->max_size)
    return set_hostile (self, error, name, _("the archive holds more than is allowed"));
  if (total > limits->ratio_threshold && total / limits->max_ratio > self->compressed_size)
    return set_hostile (self, error, name, _("the archive holds far more than its own size"));
  return TRUE;
}

static gboolean
write_block (int         fd,
             const char *data,
             gsize       length,
             gint64      offset)
{
  while (length > 0)
    {
      gssize n = pwrite (fd, data, length, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      length -= n;
      offset += n;
    }

  return TRUE;
}

/* Counts what comes, not what the header promised. */
static gboolean
write_data (Extraction       *self,
            TvmArchiveEntry  *entry,
            const char       *name,
            int               fd,
            GError          **error)
{
  guint64 promised = MAX (archive_entry_size (entry), 0);
  guint64 size = 0;

  if (!check_size (self, name, promised, error))
    return FALSE;

  for (;;)
    {
      const void *data;
      gsize length;
      la_int64_t offset;
      int status;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;

      status = archive_read_data_block (self->archive, &data, &length, &offset);
      if (status == ARCHIVE_EOF)
        break;
      if (status != ARCHIVE_OK)
        return tvm_archive_set_error (error, self->archive, self->display);

      if (offset < 0 || (guint64) offset < size)
        return set_hostile (self, error, name, _("its parts overlap"));
      size = (guint64) offset + length;
      if (!check_size (self, name, size, error))
        return FALSE;
      if (!write_block (fd, data, length, offset))
        return set_entry_errno (self, error, errno, name);
    }

  /* A sparse file may end in a hole. */
  if (size < promised && ftruncate (fd, promised) != 0)
    return set_entry_errno (self, error, errno, name);

  self->size += MAX (size, promised);
  return TRUE;
}

/* Makes the file @base of the directory that was entered. What was there is not written to, since
 * it may be another name of a file elsewhere. Returns: a descriptor, or -1 with errno */
static int
create_file (Extraction *self,
             const char *base,
             mode_t      mode)
{
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (self->dir_fd, base, flags, mode);

  if (fd >= 0 || errno != EEXIST)
    return fd;
  if (unlinkat (self->dir_fd, base, 0) != 0)
    return -1;
  return openat (self->dir_fd, base, flags, mode);
}

static gboolean
extract_file (Extraction       *self,
              TvmArchiveEntry  *entry,
              const char       *name,
              GError          **error)
{
  const mode_t mode = (archive_entry_perm (entry) & S_IXUSR) != 0 ? 0755 : 0644;
  g_autofree char *dir = NULL;
  const char *slash = strrchr (name, '/');
  const char *base = slash != NULL ? slash + 1 : name;
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
  gboolean ok;
  int fd;

  if (name[0] == '\0')
    return set_hostile (self, error, "", _("a file without a name"));
  if (!g_hash_table_add (self->seen, g_strdup (name)))
    return set_hostile (self, error, name, _("it is in the archive twice"));

  dir = slash != NULL ? g_strndup (name, slash - name) : g_strdup ("");
  if (!enter_directory (self, dir, error))
    return FALSE;

  fd = create_file (self, base, mode);
  if (fd < 0)
    return set_entry_errno (self, error, errno, name);
  g_ptr_array_add (self->made, g_strdup (name));

  ok = write_data (self, entry, name, fd, error);
  if (ok && archive_entry_mtime_is_set (entry))
    {
      times[1].tv_sec = archive_entry_mtime (entry);
      times[1].tv_nsec = archive_entry_mtime_nsec (entry);
      (void) futimens (fd, times);
    }
  /* Where a quota is only known on closing */
  if (close (fd) != 0 && ok)
    ok = set_entry_errno (self, error, errno, name);
  if (ok && self->files != NULL)
    g_ptr_array_add (self->files, g_strdup (name));
  return ok;
}

static gboolean
extract_entry (Extraction       *self,
               TvmArchiveEntry  *entry,
               GError          **error)
{
  const char *raw = archive_entry_pathname (entry);
  g_autofree char *name = NULL;

  if (raw == NULL)
    return set_hostile (self, error, "?", _("the name cannot be represented"));
  if (++self->n_entries > self->limits->max_entries)
    return set_hostile (self, error, raw, _("the archive has more entries than are allowed"));

  name = clean_name (self, raw, error);
  if (name == NULL)
    return FALSE;
  if (archive_entry_hardlink (entry) != NULL)
    return set_hostile (self, error, raw, _("hard links are not unpacked"));

  switch (archive_entry_filetype (entry))
    {
    case AE_IFREG:
      return extract_file (self, entry, name, error);
    case AE_IFDIR:
      return name[0] == '\0' || enter_directory (self, name, error);
    case AE_IFLNK:
      return set_hostile (self, error, raw, _("symbolic links are not unpacked"));
    default:
      return set_hostile (self, error, raw, _("only files and directories are unpacked"));
    }
}

static gboolean
extract_all (Extraction  *self,
             GError     **error)
{
  for (;;)
    {
      TvmArchiveEntry *entry;
      gint64 before = archive_filter_bytes (self->archive, 0);
      int status;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;

      status = archive_read_next_header (self->archive, &entry);
      if (status == ARCHIVE_EOF)
        {
          /* libarchive takes the end of the file for that of the archive. A tar says where it
           * ends, with a block of zeros; without one, members may be missing. */
          if (archive_filter_bytes (self->archive, 0) > before)
            return TRUE;

          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE,
                       _("“%s” is not a valid tar archive: it ends too early"), self->display);
          return FALSE;
        }
      /* A warning says that some attribute was not understood: a name perhaps. */
      if (status != ARCHIVE_OK)
        return tvm_archive_set_error (error, self->archive, self->display);
      if (!extract_entry (self, entry, error))
        return FALSE;
    }
}

/* Removes what was made, the last first. A directory that is not empty holds what is not ours. */
static void
undo (Extraction *self)
{
  self->undoing = TRUE;
  for (guint i = self->made->len; i > 0; i--)
    {
      const char *name = self->made->pdata[i - 1];
      const char *slash = strrchr (name, '/');
      g_autofree char *dir = slash != NULL ? g_strndup (name, slash - name) : g_strdup ("");
      const char *base = slash != NULL ? slash + 1 : name;

      if (enter_directory (self, dir, NULL) && unlinkat (self->dir_fd, base, 0) != 0
          && errno == EISDIR)
        (void) unlinkat (self->dir_fd, base, AT_REMOVEDIR);
    }
}

gboolean
tvm_archive_extract (int                      fd,
                     const char              *display,
                     int                      directory_fd,
                     const TvmArchiveLimits  *limits,
                     GPtrArray               *files,
                     GCancellable            *cancellable,
                     GError                 **error)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_auto (Extraction) self = {
    .display = display, .root_fd = directory_fd, .limits = limits, .cancellable = cancellable,
    .dir_fd = -1, .files = files,
  };
  struct stat st;

  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.made = g_ptr_array_new_with_free_func (g_free);
  if (fstat (fd, &st) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot read “%s”"), display);
  self.compressed_size = st.st_size;

  tvm_archive_locale_begin (&locale);
  self.archive = tvm_archive_reader_new (fd, display, error);
  if (self.archive == NULL)
    return FALSE;

  if (extract_all (&self, error))
    return TRUE;

  undo (&self);
  return FALSE;
}
