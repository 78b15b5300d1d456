/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

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

typedef struct
{
  TvmArchive *archive;
  TvmArchiveSink *sink;
  TvmArchiveJob *job;
  const TvmArchiveOutput *output;
  gint64 mtime;
  char *buffer;
  guint64 n_done;           /* bytes of the files */
  guint64 n_total;          /* 0 if that is not known */
} Packer;

static void
packer_clear (Packer *self)
{
  if (self->archive != NULL)
    tvm_archive_sink_abort (self->sink, self->archive);
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

/* What libarchive reports of an operation that was cancelled is that. */
static gboolean
set_archive_error (Packer  *self,
                   GError **error)
{
  return !g_cancellable_set_error_if_cancelled (self->job->cancellable, error)
         && tvm_archive_set_error (error, self->archive, self->output->display);
}

static gboolean
set_read_error (GError     **error,
                int          errsv,
                const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  return tvm_error_set_errno (error, errsv, _("Cannot read “%s”"), display);
}

/* Everything that differs from one machine or run to the next is left out. */
static TvmArchiveEntry *
make_header (Packer            *self,
             const char        *name,
             const struct stat *st)
{
  TvmArchiveEntry *entry = archive_entry_new ();
  mode_t mode = S_ISDIR (st->st_mode) || (st->st_mode & S_IXUSR) != 0 ? 0755 : 0644;

  archive_entry_copy_pathname (entry, name);
  archive_entry_set_filetype (entry, st->st_mode & S_IFMT);
  archive_entry_set_perm (entry, S_ISLNK (st->st_mode) ? 0777 : mode);
  archive_entry_set_uid (entry, 0);
  archive_entry_set_gid (entry, 0);
  archive_entry_set_mtime (entry, self->mtime, 0);
  archive_entry_set_size (entry, S_ISREG (st->st_mode) ? st->st_size : 0);
  return entry;
}

static gboolean
write_header (Packer           *self,
              TvmArchiveEntry  *entry,
              GError          **error)
{
  /* A warning says that a name that is not UTF-8 is written byte by byte. */
  if (archive_write_header (self->archive, entry) < ARCHIVE_WARN)
    return set_archive_error (self, error);
  return TRUE;
}

/* Adds the parts of the file @fd that are no holes, if it has holes. */
static gboolean
find_holes (int                fd,
            const struct stat *st,
            TvmArchiveEntry   *entry)
{
  off_t data = 0;

  if ((guint64) st->st_blocks * 512 >= (guint64) st->st_size)
    return FALSE;

  while (data < st->st_size)
    {
      off_t start = lseek (fd, data, SEEK_DATA);
      off_t end = start < 0 ? -1 : lseek (fd, start, SEEK_HOLE);

      /* No more data: what is left is a hole, which is said by an empty part at its end. */
      if (start < 0 && errno == ENXIO)
        start = end = st->st_size;
      if (start < 0 || end < 0)
        return FALSE;

      archive_entry_sparse_add_entry (entry, start, end - start);
      data = MAX (end, start + 1);
    }

  return TRUE;
}

static gboolean
set_shorter_error (GError     **error,
                   const char  *name)
{
  g_autofree char *display = g_filename_display_name (name);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
               _("Cannot read “%s”: it became shorter meanwhile"), display);
  return FALSE;
}

/* Packs @length bytes of @fd from @offset on, or as many zeros if @hole. */
static gboolean
pack_data (Packer      *self,
           int          fd,
           const char  *name,
           guint64      offset,
           guint64      length,
           gboolean     hole,
           GError     **error)
{
  if (hole)
    memset (self->buffer, 0, MIN (length, BUFFER_SIZE));

  while (length > 0)
    {
      gssize n = MIN (length, BUFFER_SIZE);

      if (g_cancellable_set_error_if_cancelled (self->job->cancellable, error))
        return FALSE;

      if (!hole)
        n = pread (fd, self->buffer, n, offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return set_read_error (error, errno, name);
      if (n == 0)
        return set_shorter_error (error, name);
      if (archive_write_data (self->archive, self->buffer, n) != n)
        return set_archive_error (self, error);

      offset += n;
      length -= n;
      self->n_done += n;
      tvm_archive_job_advance (self->job, self->n_done, self->n_total);
    }

  return TRUE;
}

/* libarchive wants all bytes of a file that has holes, and drops those that are in one. */
static gboolean
pack_sparse (Packer           *self,
             int               fd,
             const char       *name,
             guint64           size,
             TvmArchiveEntry  *entry,
             GError          **error)
{
  la_int64_t start, length;
  guint64 offset = 0;

  archive_entry_sparse_reset (entry);
  while (archive_entry_sparse_next (entry, &start, &length) == ARCHIVE_OK)
    {
      if (!pack_data (self, fd, name, offset, (guint64) start - offset, TRUE, error)
          || !pack_data (self, fd, name, start, length, FALSE, error))
        return FALSE;
      offset = (guint64) start + (guint64) length;
    }

  return pack_data (self, fd, name, offset, size - offset, TRUE, error);
}

static gboolean
pack_file (Packer             *self,
           int                 fd,
           const char         *name,
           const struct stat  *st,
           GError            **error)
{
  g_autoptr (TvmArchiveEntry) entry = make_header (self, name, st);
  const gboolean sparse = self->job->settings.sparse && find_holes (fd, st, entry);

  if (!sparse)
    archive_entry_sparse_clear (entry);
  if (self->job->settings.xattrs && !tvm_archive_xattr_pack (fd, entry))
    return set_read_error (error, errno, name);
  if (!write_header (self, entry, error))
    return FALSE;

  return sparse ? pack_sparse (self, fd, name, st->st_size, entry, error)
                : pack_data (self, fd, name, 0, st->st_size, FALSE, error);
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
  g_autoptr (TvmArchiveEntry) entry = make_header (self, name, st);
  gssize length = readlinkat (at, base, target, sizeof target - 1);

  if (length < 0)
    return set_read_error (error, errno, name);

  target[length] = '\0';
  archive_entry_copy_symlink (entry, target);
  return write_header (self, entry, error);
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
  g_autoptr (TvmArchiveEntry) entry = make_header (self, entry_name, st);
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
  if (!write_header (self, entry, error))
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
  if (tvm_archive_is_same_file (&st, &self->output->old)
      || (fstat (self->output->fd, &own) == 0 && tvm_archive_is_same_file (&st, &own)))
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

      if (g_cancellable_set_error_if_cancelled (self->job->cancellable, error))
        return FALSE;

      if (level->next == level->children->len)
        g_ptr_array_remove_index (levels, levels->len - 1);
      else if (!pack_child (self, levels, level->children->pdata[level->next++], error))
        return FALSE;
    }

  return TRUE;
}

/* Is @path, whose base name is @name, one that can be packed? */
static gboolean
check_path (const char              *path,
            const char              *name,
            const TvmArchiveOutput  *output,
            GError                 **error)
{
  struct stat st;

  if (path[0] == '\0' || strchr (name, '/') != NULL || g_str_equal (name, ".")
      || g_str_equal (name, ".."))
    {
      g_autofree char *display = g_filename_display_name (path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("Cannot pack “%s”: it has no name of its own"), display);
      return FALSE;
    }

  if (stat (path, &st) == 0 && tvm_archive_is_same_file (&st, &output->old))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, _("Cannot pack “%s” into itself"),
                   output->display);
      return FALSE;
    }

  return TRUE;
}

static gboolean
set_duplicate_error (GError     **error,
                     const char  *one,
                     const char  *other)
{
  g_autofree char *a = g_filename_display_name (one);
  g_autofree char *b = g_filename_display_name (other);

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("Cannot pack both “%s” and “%s”: they would have the same name"), a, b);
  return FALSE;
}

/* Returns: (transfer full): @name with a number that makes it one that is not in @taken */
static char *
number_name (const char *name,
             GHashTable *taken)
{
  const char *dot = strrchr (name, '.');
  const gsize length = dot != NULL && dot > name ? (gsize) (dot - name) : strlen (name);

  for (guint i = 2;; i++)
    {
      g_autofree char *numbered = g_strdup_printf ("%.*s-%u%s", (int) length, name, i,
                                                   name + length);

      if (!g_hash_table_contains (taken, numbered))
        return g_steal_pointer (&numbered);
    }
}

/* Returns: (transfer full): the names of @files in the archive; NULL with @error set if one has none,
 * or two have the same */
static char **
get_names (const char * const      *files,
           const TvmArchiveOutput  *output,
           TvmTarDuplicates         duplicates,
           GError                 **error)
{
  /* The names that are in use, each with the number, from 1, of the file that has it */
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (GStrv) names = g_new0 (char *, g_strv_length ((char **) files) + 1);

  for (guint i = 0; files[i] != NULL; i++)
    {
      guint other;

      names[i] = g_path_get_basename (files[i]);
      if (!check_path (files[i], names[i], output, error))
        return NULL;

      other = GPOINTER_TO_UINT (g_hash_table_lookup (taken, names[i]));
      if (other > 0 && duplicates == TVM_TAR_DUPLICATES_REFUSE)
        {
          set_duplicate_error (error, files[other - 1], files[i]);
          return NULL;
        }
      if (other == 0)
        g_hash_table_insert (taken, names[i], GUINT_TO_POINTER (i + 1));
    }

  for (guint i = 0; files[i] != NULL; i++)
    {
      char *numbered;

      if (g_hash_table_lookup (taken, names[i]) == GUINT_TO_POINTER (i + 1))
        continue;

      numbered = number_name (names[i], taken);
      g_free (names[i]);
      names[i] = numbered;
      g_hash_table_insert (taken, names[i], GUINT_TO_POINTER (i + 1));
    }

  return g_steal_pointer (&names);
}

/* Returns: how many bytes there are to pack; 0 if that is not known, since there is a directory */
static guint64
get_total (const char * const *files)
{
  guint64 total = 0;

  for (guint i = 0; files[i] != NULL; i++)
    {
      struct stat st;

      if (stat (files[i], &st) != 0 || !S_ISREG (st.st_mode))
        return 0;
      total += st.st_size;
    }

  return total;
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
      if (g_cancellable_set_error_if_cancelled (self->job->cancellable, error))
        return FALSE;
      if (!pack_path (self, files[i], names[i], error))
        return FALSE;
    }

  if (archive_write_close (self->archive) != ARCHIVE_OK)
    return set_archive_error (self, error);
  return TRUE;
}

static gboolean
check_files (TvmArchiveJob       *job,
             const char          *path,
             const char * const  *files,
             GError             **error)
{
  g_autofree char *display = NULL;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, error))
    return FALSE;
  if (files[0] != NULL)
    return TRUE;

  display = g_filename_display_name (path);
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("There are no files to pack into “%s”"), display);
  return FALSE;
}

gboolean
tvm_archive_create (TvmArchiveJob       *job,
                    const char          *path,
                    const char * const  *files,
                    GError             **error)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_auto (TvmArchiveOutput) output = { .fd = -1, .dir_fd = -1 };
  g_auto (TvmArchiveSink) sink = { .cancellable = job->cancellable };
  g_auto (Packer) packer = { .job = job, .output = &output, .sink = &sink };
  g_auto (GStrv) names = NULL;
  TvmTarCompression compression = job->settings.compression;

  if (!check_files (job, path, files, error))
    return FALSE;

  tvm_archive_locale_begin (&locale);
  if (!get_mtime (&packer.mtime, error) || !tvm_archive_output_open (&output, path, error))
    return FALSE;

  names = get_names (files, &output, job->settings.duplicates, error);
  if (names == NULL)
    return FALSE;

  packer.n_total = get_total (files);
  packer.buffer = g_malloc (BUFFER_SIZE);
  if (compression == TVM_TAR_COMPRESSION_AUTO)
    compression = tvm_archive_compression_from_path (path);
  packer.archive = tvm_archive_sink_open (&sink, &job->settings, compression, packer.n_total,
                                          &output, error);
  if (packer.archive == NULL || !pack_all (&packer, files, names, error)
      || !tvm_archive_sink_finish (&sink, &output, error)
      || g_cancellable_set_error_if_cancelled (job->cancellable, error)
      || !tvm_archive_output_commit (&output, error))
    return FALSE;

  tvm_archive_job_finish (job, packer.n_done, packer.n_total);
  return TRUE;
}
