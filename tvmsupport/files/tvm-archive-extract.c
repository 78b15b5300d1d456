/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-archive-stages-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * libarchive parses; what is written where is decided here. The directory of an entry is reached
 * below the root and through no link, and a file is always a new one, so that neither a link that
 * is in the archive nor one that was there before leads out. Links are made when all else is done,
 * so that nothing is ever written through one.
 *
 * What is in the way of a file is replaced at the very end: until then the new file is in a
 * directory that goes even if this process is killed.
 */
typedef struct
{
  TvmArchiveReader reader;
  int root_fd;
  int dir_fd;               /* where the last entry went, so that its neighbours need no walk */
  char *dir;
  GHashTable *seen;         /* (element-type filename OnDisk): the files so far; NULL for links */
  GHashTable *inodes;       /* (element-type Inode): of the files that were made */
  GPtrArray *made;          /* (element-type filename): new entries, for when it fails */
  TvmArchiveStages stages;  /* and those that will replace others */
  GArray *links;            /* (element-type Link) */
  GArray *replacements;     /* (element-type Replacement) */
  GPtrArray *files;         /* (nullable) (not owned) */
  gboolean undoing;
} Extraction;

typedef struct
{
  guint64 dev;
  guint64 ino;
} Inode;

/* What is made at the end */
typedef struct
{
  char *name;
  char *target;
} Link;

typedef struct
{
  char *dir;
  int stage_fd;         /* not owned */
  char *temp;
  char *base;
} Replacement;

/* Where a file is until the end */
typedef struct
{
  int stage_fd;         /* not owned; -1 if it is in its own directory */
  char *base;
} OnDisk;

static guint
inode_hash (gconstpointer data)
{
  const Inode *self = data;

  return (guint) (self->ino ^ (self->ino >> 32) ^ self->dev);
}

static gboolean
inode_equal (gconstpointer a,
             gconstpointer b)
{
  const Inode *one = a;
  const Inode *other = b;

  return one->dev == other->dev && one->ino == other->ino;
}

static void
link_clear (gpointer data)
{
  Link *self = data;

  g_free (self->name);
  g_free (self->target);
}

static void
replacement_clear (gpointer data)
{
  Replacement *self = data;

  g_free (self->dir);
  g_free (self->temp);
  g_free (self->base);
}

static OnDisk *
on_disk_new (int         stage_fd,
             const char *base)
{
  OnDisk *self = g_new0 (OnDisk, 1);

  self->stage_fd = stage_fd;
  self->base = g_strdup (base);
  return self;
}

static void
on_disk_free (gpointer data)
{
  OnDisk *self = data;

  if (self == NULL)
    return;

  g_free (self->base);
  g_free (self);
}

static void
extraction_clear (Extraction *self)
{
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self->dir);
  g_hash_table_unref (self->seen);
  g_hash_table_unref (self->inodes);
  g_ptr_array_unref (self->made);
  g_array_unref (self->links);
  g_array_unref (self->replacements);
  tvm_archive_stages_clear (&self->stages);
  tvm_archive_reader_clear (&self->reader);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Extraction, extraction_clear)

static gboolean
set_hostile (Extraction  *self,
             GError     **error,
             const char  *name,
             const char  *why)
{
  return tvm_archive_set_hostile (error, self->reader.display, name, why);
}

static gboolean
set_entry_errno (Extraction  *self,
                 GError     **error,
                 int          errsv,
                 const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  return tvm_error_set_errno (error, errsv, _("Cannot unpack “%s” from “%s”"), display,
                              self->reader.display);
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

/* Returns: (transfer full): the directory that @name is in, "" for the root */
static char *
split_name (const char  *name,
            const char **base)
{
  const char *slash = strrchr (name, '/');

  *base = slash != NULL ? slash + 1 : name;
  return slash != NULL ? g_strndup (name, slash - name) : g_strdup ("");
}

static gboolean
is_directory (TvmArchiveEntry *entry)
{
  return entry != NULL && archive_entry_filetype (entry) == AE_IFDIR;
}

/* Makes what is missing of the directory @dir. Returns: a descriptor, or -1 with @error set */
static int
make_directories (Extraction  *self,
                  const char  *dir,
                  GError     **error)
{
  const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  g_auto (GStrv) parts = g_strsplit (dir, "/", -1);
  g_autoptr (GString) path = g_string_new (NULL);
  int fd = fcntl (self->root_fd, F_DUPFD_CLOEXEC, 0);

  for (guint i = 0; fd >= 0 && parts[i] != NULL; i++)
    {
      int next = openat (fd, parts[i], flags);
      int errsv = errno;

      g_string_append_printf (path, "%s%s", i > 0 ? "/" : "", parts[i]);
      if (next < 0 && errsv == ENOENT)
        {
          /* Many directories may stand in one name. The last may be the entry itself, which has
           * been counted. */
          if ((parts[i + 1] != NULL || !is_directory (self->reader.entry))
              && !tvm_archive_reader_count (&self->reader, path->str, error))
            {
              close (fd);
              return -1;
            }
          if (mkdirat (fd, parts[i], 0755) == 0)
            g_ptr_array_add (self->made, g_strdup (path->str));
          next = openat (fd, parts[i], flags);
          errsv = errno;
        }

      close (fd);
      fd = next;
      errno = errsv;
    }

  if (fd < 0)
    set_entry_errno (self, error, errno, path->str);
  return fd;
}

/* Goes to @dir, "" for the root, and stays there. */
static gboolean
enter_directory (Extraction  *self,
                 const char  *dir,
                 GError     **error)
{
  int fd;

  if (self->dir_fd >= 0 && g_str_equal (self->dir, dir))
    return TRUE;

  fd = tvm_open_beneath (self->root_fd, dir, O_PATH | O_DIRECTORY);
  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    return set_hostile (self, error, dir, _("what is there is not a directory"));
  if (fd < 0 && (errno != ENOENT || self->undoing))
    return set_entry_errno (self, error, errno, dir);
  if (fd < 0)
    fd = make_directories (self, dir, error);
  if (fd < 0)
    return FALSE;

  if (self->dir_fd >= 0)
    close (self->dir_fd);
  self->dir_fd = fd;
  g_free (self->dir);
  self->dir = g_strdup (dir);
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
write_data (Extraction  *self,
            const char  *name,
            int          fd,
            GError     **error)
{
  TvmArchiveReader *reader = &self->reader;
  guint64 promised = MAX (archive_entry_size (reader->entry), 0);
  guint64 size = 0;

  if (!tvm_archive_reader_check_size (reader, name, promised, error))
    return FALSE;

  for (;;)
    {
      const void *data;
      gsize length;
      la_int64_t offset;
      int status;

      if (g_cancellable_set_error_if_cancelled (reader->job->cancellable, error))
        return FALSE;

      tvm_archive_reader_advance (reader);
      status = archive_read_data_block (reader->archive, &data, &length, &offset);
      if (status == ARCHIVE_EOF)
        break;
      if (status != ARCHIVE_OK)
        return tvm_archive_set_error (error, reader->archive, reader->display);

      if (offset < 0 || (guint64) offset < size)
        return set_hostile (self, error, name, _("its parts overlap"));
      size = (guint64) offset + length;
      if (!tvm_archive_reader_check_size (reader, name, size, error))
        return FALSE;
      if (!write_block (fd, data, length, offset))
        return set_entry_errno (self, error, errno, name);
    }

  /* A sparse file may end in a hole. */
  if (size < promised && ftruncate (fd, promised) != 0)
    return set_entry_errno (self, error, errno, name);

  reader->size += MAX (size, promised);
  return TRUE;
}

/* One way to make something at @name of @dir_fd. Returns: 0 or a descriptor; -1 with errno */
typedef int (*MakeFunc) (int         dir_fd,
                         const char *name,
                         const void *data);

static int
make_file (int         dir_fd,
           const char *name,
           const void *data)
{
  const mode_t *mode = data;

  return openat (dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, *mode);
}

static int
make_symlink (int         dir_fd,
              const char *name,
              const void *data)
{
  return symlinkat (data, dir_fd, name);
}

typedef struct
{
  int dir_fd;
  const char *base;
} HardLink;

static int
make_hard_link (int         dir_fd,
                const char *name,
                const void *data)
{
  const HardLink *link = data;

  return linkat (link->dir_fd, link->base, dir_fd, name, 0);
}

/* Is @base, which was there, one of those that only the file system takes for the same? */
static gboolean
check_replaceable (Extraction  *self,
                   const char  *name,
                   const char  *base,
                   GError     **error)
{
  struct stat st;
  Inode inode;

  if (fstatat (self->dir_fd, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? TRUE : set_entry_errno (self, error, errno, name);
  if (S_ISDIR (st.st_mode))
    return set_hostile (self, error, name, _("what is there is a directory"));

  inode = (Inode) { st.st_dev, st.st_ino };
  if (g_hash_table_contains (self->inodes, &inode))
    return set_hostile (self, error, name,
                        _("the file system takes its name for that of another file"));
  return TRUE;
}

/* Makes what will take the place of @name. Returns: what @func returned, or -1 with @error set */
static int
make_replacement (Extraction  *self,
                  const char  *name,
                  const char  *base,
                  MakeFunc     func,
                  const void  *data,
                  OnDisk     **on_disk,
                  GError     **error)
{
  const int stage_fd = tvm_archive_stages_enter (&self->stages, self->root_fd, self->dir_fd,
                                                 error);
  g_autofree char *temp = g_strdup_printf ("%u", self->replacements->len);
  int result;

  if (stage_fd < 0)
    {
      g_autofree char *display = g_filename_display_name (name);

      g_prefix_error (error, _("Cannot unpack “%s” from “%s”: "), display, self->reader.display);
      return -1;
    }

  result = func (stage_fd, temp, data);
  if (result < 0)
    {
      set_entry_errno (self, error, errno, name);
      return -1;
    }

  *on_disk = on_disk_new (stage_fd, temp);
  g_array_append_vals (self->replacements,
                       &(Replacement) { g_strdup (self->dir), stage_fd, g_steal_pointer (&temp),
                                        g_strdup (base) },
                       1);
  return result;
}

/* Makes @name, whose directory was entered. Returns: what @func returned, or -1 with @error set */
static int
make_entry (Extraction  *self,
            const char  *name,
            const char  *base,
            MakeFunc     func,
            const void  *data,
            OnDisk     **on_disk,
            GError     **error)
{
  int result = func (self->dir_fd, base, data);

  *on_disk = NULL;
  if (result >= 0)
    {
      g_ptr_array_add (self->made, g_strdup (name));
      *on_disk = on_disk_new (-1, base);
      return result;
    }
  if (errno != EEXIST)
    {
      set_entry_errno (self, error, errno, name);
      return -1;
    }

  return check_replaceable (self, name, base, error)
         ? make_replacement (self, name, base, func, data, on_disk, error) : -1;
}

static gboolean
check_new (Extraction  *self,
           const char  *name,
           GError     **error)
{
  if (name[0] == '\0')
    return set_hostile (self, error, "", _("a file without a name"));
  if (g_hash_table_contains (self->seen, name))
    return set_hostile (self, error, name, _("it is in the archive twice"));
  return TRUE;
}

static void
remember_inode (Extraction *self,
                int         fd)
{
  struct stat st;
  Inode inode;

  if (fstat (fd, &st) != 0)
    return;

  inode = (Inode) { st.st_dev, st.st_ino };
  g_hash_table_add (self->inodes, g_memdup2 (&inode, sizeof inode));
}

static gboolean
extract_file (Extraction  *self,
              const char  *name,
              GError     **error)
{
  TvmArchiveEntry *entry = self->reader.entry;
  const mode_t mode = (archive_entry_perm (entry) & S_IXUSR) != 0 ? 0755 : 0644;
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
  g_autofree char *dir = NULL;
  OnDisk *on_disk = NULL;
  const char *base;
  gboolean ok;
  int fd;

  if (!check_new (self, name, error))
    return FALSE;

  dir = split_name (name, &base);
  if (!enter_directory (self, dir, error))
    return FALSE;

  fd = make_entry (self, name, base, make_file, &mode, &on_disk, error);
  g_hash_table_insert (self->seen, g_strdup (name), on_disk);
  if (fd < 0)
    return FALSE;

  remember_inode (self, fd);
  ok = write_data (self, name, fd, error);
  if (ok && self->reader.job->settings.xattrs && !tvm_archive_xattr_unpack (fd, entry))
    ok = set_entry_errno (self, error, errno, name);
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

/* Where a symbolic link leads is only known by what the others are. But from a directory, at most
 * as far up as the root and from there down only, there is no way out, whatever is on the way: of
 * each link on it the same is true. */
static gboolean
leads_inside (const char *name,
              const char *target)
{
  g_auto (GStrv) parts = NULL;
  gboolean down = FALSE;
  guint depth = 0;

  if (target[0] == '\0' || target[0] == '/')
    return FALSE;

  for (const char *p = name; *p != '\0'; p++)
    depth += *p == '/';

  parts = g_strsplit (target, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (parts[i][0] == '\0' || g_str_equal (parts[i], "."))
        continue;
      if (!g_str_equal (parts[i], ".."))
        down = TRUE;
      else if (down || depth-- == 0)
        return FALSE;
    }

  return TRUE;
}

/* Opens the directory that the file @name, which was @on_disk, is in. Returns: a descriptor, or -1
 * with @error set */
static int
open_dir_of (Extraction    *self,
             const char    *name,
             const OnDisk  *on_disk,
             GError       **error)
{
  const char *base;
  g_autofree char *dir = split_name (name, &base);
  int fd;

  if (on_disk->stage_fd < 0 && !enter_directory (self, dir, error))
    return -1;

  fd = fcntl (on_disk->stage_fd < 0 ? self->dir_fd : on_disk->stage_fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    set_entry_errno (self, error, errno, name);
  return fd;
}

/* Makes @name another name of the file @target. */
static gboolean
extract_hard_link (Extraction  *self,
                   const char  *name,
                   const char  *target,
                   GError     **error)
{
  g_autofree char *clean = clean_name (self, target, error);
  g_autofree char *dir = NULL;
  const OnDisk *source;
  OnDisk *on_disk = NULL;
  const char *base;
  HardLink link;
  int result;

  if (clean == NULL || !check_new (self, name, error))
    return FALSE;

  source = g_hash_table_lookup (self->seen, clean);
  if (source == NULL)
    return set_hostile (self, error, name, _("it is a hard link to what is not in the archive"));

  link.base = source->base;
  link.dir_fd = open_dir_of (self, clean, source, error);
  if (link.dir_fd < 0)
    return FALSE;

  dir = split_name (name, &base);
  result = enter_directory (self, dir, error)
           ? make_entry (self, name, base, make_hard_link, &link, &on_disk, error) : -1;
  close (link.dir_fd);
  g_hash_table_insert (self->seen, g_strdup (name), on_disk);
  if (result >= 0 && self->files != NULL)
    g_ptr_array_add (self->files, g_strdup (name));
  return result >= 0;
}

static gboolean
extract_link (Extraction  *self,
              const char  *name,
              gboolean     hard,
              const char  *target,
              GError     **error)
{
  switch (self->reader.job->settings.links)
    {
    case TVM_TAR_LINKS_SKIP:
      return TRUE;

    case TVM_TAR_LINKS_INSIDE:
      if (hard)
        return extract_hard_link (self, name, target, error);
      if (!check_new (self, name, error))
        return FALSE;
      if (target == NULL || !leads_inside (name, target))
        return set_hostile (self, error, name, _("the link leads out of the directory"));

      g_hash_table_insert (self->seen, g_strdup (name), NULL);
      g_array_append_vals (self->links, &(Link) { g_strdup (name), g_strdup (target) }, 1);
      return TRUE;

    case TVM_TAR_LINKS_REFUSE:
    default:
      return set_hostile (self, error, name,
                          hard ? _("hard links are not unpacked")
                               : _("symbolic links are not unpacked"));
    }
}

static gboolean
extract_entry (Extraction  *self,
               GError     **error)
{
  TvmArchiveEntry *entry = self->reader.entry;
  const char *raw = archive_entry_pathname (entry);
  const char *hard_link = archive_entry_hardlink (entry);
  g_autofree char *name = clean_name (self, raw, error);

  if (name == NULL)
    return FALSE;
  if (hard_link != NULL)
    return extract_link (self, name, TRUE, hard_link, error);

  switch (archive_entry_filetype (entry))
    {
    case AE_IFREG:
      return extract_file (self, name, error);
    case AE_IFDIR:
      return name[0] == '\0' || enter_directory (self, name, error);
    case AE_IFLNK:
      return extract_link (self, name, FALSE, archive_entry_symlink (entry), error);
    default:
      return set_hostile (self, error, raw, _("only files and directories are unpacked"));
    }
}

static gboolean
make_links (Extraction  *self,
            GError     **error)
{
  for (guint i = 0; i < self->links->len; i++)
    {
      const Link *link = &g_array_index (self->links, Link, i);
      OnDisk *on_disk = NULL;
      const char *base;
      g_autofree char *dir = split_name (link->name, &base);
      int result;

      if (g_cancellable_set_error_if_cancelled (self->reader.job->cancellable, error))
        return FALSE;
      if (!enter_directory (self, dir, error))
        return FALSE;

      result = make_entry (self, link->name, base, make_symlink, link->target, &on_disk, error);
      on_disk_free (on_disk);
      if (result < 0)
        return FALSE;
    }

  return TRUE;
}

/* Lets what is new take the place of what was there. */
static gboolean
replace (Extraction  *self,
         GError     **error)
{
  for (guint i = 0; i < self->replacements->len; i++)
    {
      const Replacement *new = &g_array_index (self->replacements, Replacement, i);

      if (!enter_directory (self, new->dir, error))
        return FALSE;
      if (renameat (new->stage_fd, new->temp, self->dir_fd, new->base) != 0)
        return set_entry_errno (self, error, errno, new->base);
    }

  return TRUE;
}

static gboolean
extract_all (Extraction  *self,
             GError     **error)
{
  do
    {
      if (!tvm_archive_reader_next (&self->reader, error))
        return FALSE;
      if (self->reader.entry != NULL && !extract_entry (self, error))
        return FALSE;
    }
  while (self->reader.entry != NULL);

  return make_links (self, error) && replace (self, error);
}

/* Removes what was made, the last first. A directory that is not empty holds what is not ours. */
static void
undo (Extraction *self)
{
  self->undoing = TRUE;
  for (guint i = self->made->len; i > 0; i--)
    {
      const char *base;
      g_autofree char *dir = split_name (self->made->pdata[i - 1], &base);

      if (enter_directory (self, dir, NULL) && unlinkat (self->dir_fd, base, 0) != 0
          && errno == EISDIR)
        (void) unlinkat (self->dir_fd, base, AT_REMOVEDIR);
    }
}

gboolean
tvm_archive_extract (TvmArchiveJob  *job,
                     int             fd,
                     const char     *display,
                     int             directory_fd,
                     GPtrArray      *files,
                     GError        **error)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_auto (Extraction) self = { .root_fd = directory_fd, .dir_fd = -1, .files = files };

  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, on_disk_free);
  self.inodes = g_hash_table_new_full (inode_hash, inode_equal, g_free, NULL);
  tvm_archive_stages_init (&self.stages);
  self.made = g_ptr_array_new_with_free_func (g_free);
  self.links = g_array_new (FALSE, FALSE, sizeof (Link));
  g_array_set_clear_func (self.links, link_clear);
  self.replacements = g_array_new (FALSE, FALSE, sizeof (Replacement));
  g_array_set_clear_func (self.replacements, replacement_clear);

  tvm_archive_locale_begin (&locale);
  if (!tvm_archive_reader_open (&self.reader, job, fd, display, error))
    return FALSE;
  if (extract_all (&self, error))
    return TRUE;

  /* They may be in a directory that goes, too. */
  tvm_archive_stages_clear (&self.stages);
  undo (&self);
  return FALSE;
}
