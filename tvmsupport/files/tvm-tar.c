/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-tar.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one call works on, for the thread that does it */
typedef struct
{
  TvmArchiveJob archive;
  char *path;
  char *directory;
  char **files;
  TvmTempDirectory *temp;
} TarJob;

static TarJob *
tar_job_new (TvmTarOptions *options,
             GCancellable  *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  TarJob *job = g_new0 (TarJob, 1);

  tvm_archive_job_init (&job->archive, options, context, cancellable);
  return job;
}

static void
tar_job_free (TarJob *job)
{
  tvm_archive_job_clear (&job->archive);
  g_free (job->path);
  g_free (job->directory);
  g_strfreev (job->files);
  g_clear_object (&job->temp);
  g_free (job);
}

/**
 * tvm_tar_create:
 * @output: (type filename): where the archive goes
 * @files: (array zero-terminated=1) (element-type filename): what to pack: files, and directories
 *   with all that is in them
 * @options: (nullable): how; %NULL is as without any set
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Packs files into a tar archive.
 *
 * Each of @files gets its base name at the top of the archive; two with the same base name are
 * refused, or numbered, see [property@TvmSupport.TarOptions:duplicates]. They are packed in the
 * given order, the entries of directories in that of their names. A symbolic link among @files
 * stands for what it leads to; one in a directory is packed as a link. Names may have any bytes.
 *
 * The suffix of @output says how it is compressed, unless @options do: `.tar.gz` or `.tgz`,
 * `.tar.zst` or `.tzst`, `.tar.xz` or `.txz`; anything else, as `.tar`, is not compressed.
 * Several threads compress. With gzip, the archive is a chain of members of 1 MiB each, which every
 * reader of tar archives takes for one stream.
 *
 * The same files give the same bytes, with any number of threads: owner and group are 0, the time is
 * that of `SOURCE_DATE_EPOCH` in the environment, else 0, and modes are 0755 for directories and
 * what its owner may execute, else 0644. Extended attributes are not packed. Other versions of the
 * libraries that compress may give other bytes.
 *
 * What was at @output is replaced when the archive is complete; on failure, or if the process is
 * killed meanwhile, it stays as it is.
 *
 * `TVM_ERROR_INVALID_ARGUMENT` says that @files is empty, has two of one base name, or that
 * `SOURCE_DATE_EPOCH` is malformed; `TVM_ERROR_UNSUPPORTED` that libarchive lacks the compression.
 * Errors of the file system come as `G_IO_ERROR`.
 *
 * This function blocks; see [func@TvmSupport.tar_create_async].
 *
 * Returns: whether the archive was made; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_tar_create (const char          *output,
                const char * const  *files,
                TvmTarOptions       *options,
                GCancellable        *cancellable,
                GError             **error)
{
  g_auto (TvmArchiveJob) job = { 0 };

  g_return_val_if_fail (output != NULL, FALSE);
  g_return_val_if_fail (files != NULL, FALSE);
  g_return_val_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  tvm_archive_job_init (&job, options, NULL, cancellable);
  return tvm_archive_create (&job, output, files, error);
}

static void
create_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  TarJob *job = task_data;
  GError *error = NULL;

  if (tvm_archive_create (&job->archive, job->path, (const char *const *) job->files, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* What has been done counts, also if cancelled at the same time. */
static GTask *
tar_task_new (gpointer             source_tag,
              TarJob              *job,
              GCancellable        *cancellable,
              GAsyncReadyCallback  callback,
              gpointer             user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, source_tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, job, (GDestroyNotify) tar_job_free);
  return task;
}

/**
 * tvm_tar_create_async:
 * @output: (type filename): where the archive goes
 * @files: (array zero-terminated=1) (element-type filename): what to pack
 * @options: (nullable): how
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when the archive has been made
 * @user_data: data for @callback
 *
 * Packs files into a tar archive, in another thread.
 *
 * See [func@TvmSupport.tar_create]. Finish with [func@TvmSupport.tar_create_finish].
 *
 * Since: 1.0
 */
void
tvm_tar_create_async (const char          *output,
                      const char * const  *files,
                      TvmTarOptions       *options,
                      GCancellable        *cancellable,
                      GAsyncReadyCallback  callback,
                      gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (output != NULL);
  g_return_if_fail (files != NULL);
  g_return_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = tar_job_new (options, cancellable);
  job->path = g_strdup (output);
  job->files = g_strdupv ((char **) files);
  task = tar_task_new (tvm_tar_create_async, job, cancellable, callback, user_data);
  tvm_task_run_in_thread (task, create_in_thread);
}

/**
 * tvm_tar_create_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.tar_create_async] started.
 *
 * Returns: whether the archive was made; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_tar_create_finish (GAsyncResult  *result,
                       GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, tvm_tar_create_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Opens a file that is to be read as an archive. A pipe would block, past any cancelling. */
static int
open_archive (const char   *path,
              struct stat  *st,
              GError      **error)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  g_autofree char *display = NULL;

  if (fd >= 0 && fstat (fd, st) == 0 && S_ISREG (st->st_mode))
    return fd;

  display = g_filename_display_name (path);
  if (fd < 0)
    {
      tvm_error_set_errno (error, errno, _("Cannot open “%s”"), display);
      return -1;
    }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
               _("Cannot open “%s”: it is not a file"), display);
  close (fd);
  return -1;
}

/* Unpacks into a directory that is there. */
static gboolean
extract_here (TvmArchiveJob  *job,
              int             fd,
              const char     *display,
              const char     *directory,
              GPtrArray      *files,
              GError        **error)
{
  int directory_fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok;

  if (directory_fd < 0)
    {
      int errsv = errno;
      g_autofree char *shown = g_filename_display_name (directory);

      return tvm_error_set_errno (error, errsv, _("Cannot open “%s”"), shown);
    }

  ok = tvm_archive_extract (job, fd, display, directory_fd, files, error);
  close (directory_fd);
  return ok;
}

/* Unpacks into a directory that only appears once it is complete. If the process is killed, the next
 * one that works there removes what it left. */
static gboolean
extract_new (TvmArchiveJob  *job,
             int             fd,
             const char     *display,
             const char     *directory,
             GError        **error)
{
  g_autofree char *shown = g_filename_display_name (directory);
  g_autofree char *parent = g_path_get_dirname (directory);
  g_autofree char *inner = NULL;
  g_autoptr (TvmTempPlace) place = NULL;
  gboolean ok = FALSE;

  tvm_temp_sweep_once (parent, TVM_TEMP_STAGE_PREFIX);
  place = tvm_temp_place_new_in (parent, TVM_TEMP_STAGE_PREFIX, FALSE, error);
  if (place == NULL)
    {
      g_prefix_error (error, _("Cannot create “%s”: "), shown);
      return FALSE;
    }

  /* The place is for its owner only, its content for whom the umask lets. */
  inner = g_build_filename (place->path, "unpacked", NULL);
  if (g_mkdir (inner, 0777) != 0)
    tvm_error_set_errno (error, errno, _("Cannot create “%s”"), shown);
  else if (extract_here (job, fd, display, inner, NULL, error))
    {
      ok = rename (inner, directory) == 0;
      if (!ok)
        tvm_error_set_errno (error, errno, _("Cannot create “%s”"), shown);
    }

  tvm_temp_place_drop (place);
  return ok;
}

static gboolean
extract (TvmArchiveJob  *job,
         const char     *tar_file,
         const char     *directory,
         GError        **error)
{
  g_autofree char *display = g_filename_display_name (tar_file);
  g_autofree char *path = g_strdup (directory);
  struct stat st;
  gboolean ok;
  int fd;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, error))
    return FALSE;

  fd = open_archive (tar_file, &st, error);
  if (fd < 0)
    return FALSE;

  for (gsize length = strlen (path); length > 1 && path[length - 1] == '/'; length--)
    path[length - 1] = '\0';

  ok = stat (path, &st) != 0 && errno == ENOENT ? extract_new (job, fd, display, path, error)
                                                : extract_here (job, fd, display, path, NULL, error);
  close (fd);
  return ok;
}

/**
 * tvm_tar_extract:
 * @tar_file: (type filename): an archive
 * @directory: (type filename): where its content goes; made if it is not there, but not its parent
 * @options: (nullable): how, and how much; %NULL is as without any set
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Unpacks a tar archive, which nobody needs to trust.
 *
 * The archive may be compressed with gzip, zstd or xz, whatever its suffix. Regular files and
 * directories are unpacked. The archive is refused as a whole, with `TVM_ERROR_INVALID_ARCHIVE`, if
 * it has devices or pipes, symbolic or hard links unless [property@TvmSupport.TarOptions:links] lets
 * them pass, a name that is absolute or has a component `..`, one name for two files, or if it is
 * malformed or truncated; also if it holds more than the limits in @options, which without any are
 * 100,000 entries, 8 GiB, and 64 MiB at over 200 times its own size.
 *
 * Files that are there are replaced, never written to; symbolic links are not followed inside
 * @directory, wherever they come from. Modes become 0755 or 0644 less the umask; owners are not
 * restored, the times of files are, extended attributes with [property@TvmSupport.TarOptions:xattrs].
 *
 * If @directory is not there, it appears when it is complete, even if the process is killed
 * meanwhile. In one that is there, what is new is removed again on failure, and files are replaced
 * after all else is done: until then they are in a folder `.tvm-stage-…` in it, which the next one
 * that replaces something there removes should the process be killed. Errors of the file system come
 * as `G_IO_ERROR`.
 *
 * This function blocks; see [func@TvmSupport.tar_extract_async].
 *
 * Returns: whether the archive was unpacked; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_tar_extract (const char     *tar_file,
                 const char     *directory,
                 TvmTarOptions  *options,
                 GCancellable   *cancellable,
                 GError        **error)
{
  g_auto (TvmArchiveJob) job = { 0 };

  g_return_val_if_fail (tar_file != NULL, FALSE);
  g_return_val_if_fail (directory != NULL, FALSE);
  g_return_val_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  tvm_archive_job_init (&job, options, NULL, cancellable);
  return extract (&job, tar_file, directory, error);
}

static void
extract_in_thread (GTask        *task,
                   gpointer      source_object,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  TarJob *job = task_data;
  GError *error = NULL;

  if (extract (&job->archive, job->path, job->directory, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_tar_extract_async:
 * @tar_file: (type filename): an archive
 * @directory: (type filename): where its content goes
 * @options: (nullable): how, and how much
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when the archive has been unpacked
 * @user_data: data for @callback
 *
 * Unpacks a tar archive in another thread.
 *
 * See [func@TvmSupport.tar_extract]. Finish with [func@TvmSupport.tar_extract_finish].
 *
 * Since: 1.0
 */
void
tvm_tar_extract_async (const char          *tar_file,
                       const char          *directory,
                       TvmTarOptions       *options,
                       GCancellable        *cancellable,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (tar_file != NULL);
  g_return_if_fail (directory != NULL);
  g_return_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = tar_job_new (options, cancellable);
  job->path = g_strdup (tar_file);
  job->directory = g_strdup (directory);
  task = tar_task_new (tvm_tar_extract_async, job, cancellable, callback, user_data);
  tvm_task_run_in_thread (task, extract_in_thread);
}

/**
 * tvm_tar_extract_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.tar_extract_async] started.
 *
 * Returns: whether the archive was unpacked; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_tar_extract_finish (GAsyncResult  *result,
                        GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, tvm_tar_extract_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static GListModel *
list (TvmArchiveJob  *job,
      const char     *tar_file,
      GError        **error)
{
  g_autoptr (GListStore) entries = g_list_store_new (TVM_TYPE_TAR_ENTRY);
  g_autofree char *display = g_filename_display_name (tar_file);
  struct stat st;
  gboolean ok;
  int fd;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, error))
    return NULL;

  fd = open_archive (tar_file, &st, error);
  if (fd < 0)
    return NULL;

  ok = tvm_archive_list (job, fd, display, entries, error);
  close (fd);
  return ok ? G_LIST_MODEL (g_steal_pointer (&entries)) : NULL;
}

/**
 * tvm_tar_list:
 * @tar_file: (type filename): an archive
 * @options: (nullable): how much; %NULL is as without any set
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Lists what is in a tar archive.
 *
 * Everything is listed as it stands in the archive, which may be more than
 * [func@TvmSupport.tar_extract] would unpack: links, devices, names that lead elsewhere. An archive
 * that is malformed or truncated, or that goes beyond the limits in @options, is refused with
 * `TVM_ERROR_INVALID_ARCHIVE`. Errors of the file system come as `G_IO_ERROR`.
 *
 * This function blocks; see [func@TvmSupport.tar_list_async].
 *
 * Returns: (transfer full): a list of [class@TvmSupport.TarEntry] in the order of the archive, or
 *   %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
tvm_tar_list (const char     *tar_file,
              TvmTarOptions  *options,
              GCancellable   *cancellable,
              GError        **error)
{
  g_auto (TvmArchiveJob) job = { 0 };

  g_return_val_if_fail (tar_file != NULL, NULL);
  g_return_val_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  tvm_archive_job_init (&job, options, NULL, cancellable);
  return list (&job, tar_file, error);
}

static void
list_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  TarJob *job = task_data;
  GError *error = NULL;
  GListModel *entries = list (&job->archive, job->path, &error);

  if (entries != NULL)
    g_task_return_pointer (task, entries, g_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_tar_list_async:
 * @tar_file: (type filename): an archive
 * @options: (nullable): how much
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when the archive has been read
 * @user_data: data for @callback
 *
 * Lists what is in a tar archive, in another thread.
 *
 * See [func@TvmSupport.tar_list]. Finish with [func@TvmSupport.tar_list_finish].
 *
 * Since: 1.0
 */
void
tvm_tar_list_async (const char          *tar_file,
                    TvmTarOptions       *options,
                    GCancellable        *cancellable,
                    GAsyncReadyCallback  callback,
                    gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (tar_file != NULL);
  g_return_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = tar_job_new (options, cancellable);
  job->path = g_strdup (tar_file);
  task = tar_task_new (tvm_tar_list_async, job, cancellable, callback, user_data);
  tvm_task_run_in_thread (task, list_in_thread);
}

/**
 * tvm_tar_list_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.tar_list_async] started.
 *
 * Returns: (transfer full): a list of [class@TvmSupport.TarEntry] in the order of the archive, or
 *   %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
tvm_tar_list_finish (GAsyncResult  *result,
                     GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tvm_tar_list_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Whether the content of @fd is a tar with an entry at least. Leaves @fd at its start. */
static gboolean
is_tar (int fd)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_autoptr (TvmArchive) archive = NULL;
  TvmArchiveEntry *entry;
  gboolean tar;

  tvm_archive_locale_begin (&locale);
  archive = tvm_archive_reader_new (fd, "", NULL, NULL);
  tar = archive != NULL && archive_read_next_header (archive, &entry) >= ARCHIVE_WARN
        && archive_format (archive) != ARCHIVE_FORMAT_TAR
        && (archive_format (archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
  (void) lseek (fd, 0, SEEK_SET);
  return tar;
}

/* Returns: (transfer full): a folder of @temp that nobody else uses, made, or NULL */
static char *
make_folder (TvmTempDirectory  *temp,
             guint             *next,
             GError           **error)
{
  for (;;)
    {
      g_autofree char *name = g_strdup_printf ("tar%u", (*next)++);
      g_autofree char *folder = tvm_temp_directory_build_path (temp, name, error);

      if (folder == NULL)
        return NULL;
      if (g_mkdir (folder, 0700) == 0)
        return g_steal_pointer (&folder);
      if (errno != EEXIST)
        {
          tvm_error_set_errno (error, errno, _("Cannot create “%s”"), folder);
          return NULL;
        }
    }
}

/* Adds @path to @normalized, or the files in it if it is a tar. */
static gboolean
normalize_one (TvmArchiveJob     *job,
               TvmTempDirectory  *temp,
               const char        *path,
               guint             *next,
               GPtrArray         *normalized,
               GError           **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = NULL;
  g_autofree char *display = g_filename_display_name (path);
  struct stat st;
  gboolean ok;
  int fd;

  if (stat (path, &st) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot open “%s”"), display);

  /* A directory or a pipe is what the caller makes of it. */
  fd = S_ISREG (st.st_mode) ? open_archive (path, &st, error) : -1;
  if (S_ISREG (st.st_mode) && fd < 0)
    return FALSE;
  if (fd < 0 || !is_tar (fd))
    {
      if (fd >= 0)
        close (fd);
      g_ptr_array_add (normalized, g_strdup (path));
      return TRUE;
    }

  folder = make_folder (temp, next, error);
  ok = folder != NULL && extract_here (job, fd, display, folder, files, error);
  close (fd);
  if (!ok && folder != NULL)
    (void) g_rmdir (folder);
  for (guint i = 0; ok && i < files->len; i++)
    g_ptr_array_add (normalized, g_build_filename (folder, files->pdata[i], NULL));
  return ok;
}

static char **
normalize (TvmArchiveJob       *job,
           TvmTempDirectory    *temp,
           const char * const  *files,
           GError             **error)
{
  g_autoptr (GPtrArray) normalized = g_ptr_array_new_with_free_func (g_free);
  guint next = 0;

  for (guint i = 0; files[i] != NULL; i++)
    {
      if (g_cancellable_set_error_if_cancelled (job->cancellable, error))
        return NULL;
      if (!normalize_one (job, temp, files[i], &next, normalized, error))
        return NULL;
    }

  g_ptr_array_add (normalized, NULL);
  return (char **) g_ptr_array_steal (normalized, NULL);
}

/**
 * tvm_tar_normalize_file_list:
 * @temp: where to unpack
 * @files: (array zero-terminated=1) (element-type filename): paths of files
 * @options: (nullable): how, and how much of each archive; %NULL is as without any set
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Replaces each tar archive in a list of files by the files in it.
 *
 * Archives are told by their content, not by their suffix: a tar, plain or compressed with gzip,
 * zstd or xz. Each is unpacked, as by [func@TvmSupport.tar_extract], into a folder of its own in
 * @temp; the paths of its regular files take its place, absolute and in the order of the archive.
 * What is no tar, such as a file that merely is compressed, stays in the list as it was given.
 *
 * A file that does not exist gives `G_IO_ERROR_NOT_FOUND`, also if it would not be unpacked. Other
 * errors are those of [func@TvmSupport.tar_extract]; what other archives of the list
 * gave then stays in @temp.
 *
 * This function blocks; see [func@TvmSupport.tar_normalize_file_list_async].
 *
 * Returns: (array zero-terminated=1) (element-type filename) (transfer full): the paths, or %NULL
 *   on error
 *
 * Since: 1.0
 */
char **
tvm_tar_normalize_file_list (TvmTempDirectory    *temp,
                             const char * const  *files,
                             TvmTarOptions       *options,
                             GCancellable        *cancellable,
                             GError             **error)
{
  g_auto (TvmArchiveJob) job = { 0 };

  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (temp), NULL);
  g_return_val_if_fail (files != NULL, NULL);
  g_return_val_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  tvm_archive_job_init (&job, options, NULL, cancellable);
  return normalize (&job, temp, files, error);
}

static void
normalize_in_thread (GTask        *task,
                     gpointer      source_object,
                     gpointer      task_data,
                     GCancellable *cancellable)
{
  TarJob *job = task_data;
  GError *error = NULL;
  char **files = normalize (&job->archive, job->temp, (const char *const *) job->files, &error);

  if (files != NULL)
    g_task_return_pointer (task, files, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_tar_normalize_file_list_async:
 * @temp: where to unpack
 * @files: (array zero-terminated=1) (element-type filename): paths of files
 * @options: (nullable): how, and how much of each archive; %NULL is as without any set
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when all has been unpacked
 * @user_data: data for @callback
 *
 * Replaces each tar archive in a list of files by the files in it, in another thread.
 *
 * See [func@TvmSupport.tar_normalize_file_list]. Finish with
 * [func@TvmSupport.tar_normalize_file_list_finish].
 *
 * Since: 1.0
 */
void
tvm_tar_normalize_file_list_async (TvmTempDirectory    *temp,
                                   const char * const  *files,
                                   TvmTarOptions       *options,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (TVM_IS_TEMP_DIRECTORY (temp));
  g_return_if_fail (files != NULL);
  g_return_if_fail (options == NULL || TVM_IS_TAR_OPTIONS (options));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = tar_job_new (options, cancellable);
  job->temp = g_object_ref (temp);
  job->files = g_strdupv ((char **) files);
  task = tar_task_new (tvm_tar_normalize_file_list_async, job, cancellable, callback, user_data);
  tvm_task_run_in_thread (task, normalize_in_thread);
}

/**
 * tvm_tar_normalize_file_list_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.tar_normalize_file_list_async] started.
 *
 * Returns: (array zero-terminated=1) (element-type filename) (transfer full): the paths, or %NULL
 *   on error
 *
 * Since: 1.0
 */
char **
tvm_tar_normalize_file_list_finish (GAsyncResult  *result,
                                    GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tvm_tar_normalize_file_list_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
