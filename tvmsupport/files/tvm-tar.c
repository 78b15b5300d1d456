/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-tar.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one call works on, for the thread that does it */
typedef struct
{
  char *path;
  char *directory;
  char **files;
  TvmTempDirectory *temp;
} TarJob;

static void
tar_job_free (TarJob *job)
{
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
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Packs files into a tar archive.
 *
 * Each of @files gets its base name at the top of the archive; two with the same base name are
 * refused. They are packed in the given order, the entries of directories in that of their names.
 * A symbolic link among @files stands for what it leads to; one in a directory is packed as a link.
 *
 * The suffix of @output says how it is compressed: `.tar.gz` or `.tgz`, `.tar.zst` or `.tzst`,
 * `.tar.xz` or `.txz`; anything else, as `.tar`, is not compressed.
 *
 * The same files give the same bytes: owner and group are 0, the time is that of
 * `SOURCE_DATE_EPOCH` in the environment, else 0, and modes are 0755 for directories and what
 * its owner may execute, else 0644.
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
                GCancellable        *cancellable,
                GError             **error)
{
  g_return_val_if_fail (output != NULL, FALSE);
  g_return_val_if_fail (files != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return tvm_archive_create (output, files, cancellable, error);
}

static void
create_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  const TarJob *job = task_data;
  GError *error = NULL;

  if (tvm_tar_create (job->path, (const char *const *) job->files, cancellable, &error))
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
                      GCancellable        *cancellable,
                      GAsyncReadyCallback  callback,
                      gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (output != NULL);
  g_return_if_fail (files != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = g_new0 (TarJob, 1);
  job->path = g_strdup (output);
  job->files = g_strdupv ((char **) files);
  task = tar_task_new (tvm_tar_create_async, job, cancellable, callback, user_data);
  g_task_run_in_thread (task, create_in_thread);
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

/* Unpacks into a directory that it makes, and removes again if it fails, or that is there. */
static gboolean
extract_into (int           fd,
              const char   *display,
              const char   *directory,
              GPtrArray    *files,
              GCancellable *cancellable,
              GError      **error)
{
  g_autofree char *display_directory = g_filename_display_name (directory);
  gboolean made = g_mkdir (directory, 0777) == 0;
  gboolean ok;
  int directory_fd;

  if (!made && errno != EEXIST)
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), display_directory);

  directory_fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0)
    return tvm_error_set_errno (error, errno, _("Cannot open “%s”"), display_directory);

  ok = tvm_archive_extract (fd, display, directory_fd, &tvm_archive_default_limits, files,
                            cancellable, error);
  close (directory_fd);
  if (!ok && made)
    (void) g_rmdir (directory);
  return ok;
}

/**
 * tvm_tar_extract:
 * @tar_file: (type filename): an archive
 * @directory: (type filename): where its content goes; made if it is not there, but not its parent
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Unpacks a tar archive, which nobody needs to trust.
 *
 * The archive may be compressed with gzip, zstd or xz, whatever its suffix. Regular files and
 * directories are unpacked. The archive is refused as a whole, with `TVM_ERROR_INVALID_ARCHIVE`, if
 * it has symbolic or hard links, devices or pipes, a name that is absolute or has a component `..`,
 * one name for two files, or if it is malformed or truncated; also if it holds more than
 * 100,000 entries, more than 8 GiB, or more than 64 MiB at over 200 times its own size.
 *
 * Files that are there are replaced, never written to; symbolic links are not followed inside
 * @directory, wherever they come from. Modes become 0755 or 0644 less the umask; owners and
 * attributes are not restored, the times of files are.
 *
 * On failure what was unpacked is removed again. Errors of the file system come as `G_IO_ERROR`.
 *
 * This function blocks; see [func@TvmSupport.tar_extract_async].
 *
 * Returns: whether the archive was unpacked; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_tar_extract (const char    *tar_file,
                 const char    *directory,
                 GCancellable  *cancellable,
                 GError       **error)
{
  g_autofree char *display = NULL;
  struct stat st;
  gboolean ok;
  int fd;

  g_return_val_if_fail (tar_file != NULL, FALSE);
  g_return_val_if_fail (directory != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  fd = open_archive (tar_file, &st, error);
  if (fd < 0)
    return FALSE;

  display = g_filename_display_name (tar_file);
  ok = extract_into (fd, display, directory, NULL, cancellable, error);
  close (fd);
  return ok;
}

static void
extract_in_thread (GTask        *task,
                   gpointer      source_object,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  const TarJob *job = task_data;
  GError *error = NULL;

  if (tvm_tar_extract (job->path, job->directory, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_tar_extract_async:
 * @tar_file: (type filename): an archive
 * @directory: (type filename): where its content goes
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
                       GCancellable        *cancellable,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (tar_file != NULL);
  g_return_if_fail (directory != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = g_new0 (TarJob, 1);
  job->path = g_strdup (tar_file);
  job->directory = g_strdup (directory);
  task = tar_task_new (tvm_tar_extract_async, job, cancellable, callback, user_data);
  g_task_run_in_thread (task, extract_in_thread);
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

/* Whether the content of @fd is a tar with an entry at least. Leaves @fd at its start. */
static gboolean
is_tar (int fd)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  g_autoptr (TvmArchive) archive = NULL;
  TvmArchiveEntry *entry;
  gboolean tar;

  tvm_archive_locale_begin (&locale);
  archive = tvm_archive_reader_new (fd, "", NULL);
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
normalize_one (TvmTempDirectory  *temp,
               const char        *path,
               guint             *next,
               GPtrArray         *normalized,
               GCancellable      *cancellable,
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
  ok = folder != NULL && extract_into (fd, display, folder, files, cancellable, error);
  close (fd);
  if (!ok && folder != NULL)
    (void) g_rmdir (folder);
  for (guint i = 0; ok && i < files->len; i++)
    g_ptr_array_add (normalized, g_build_filename (folder, files->pdata[i], NULL));
  return ok;
}

/**
 * tvm_tar_normalize_file_list:
 * @temp: where to unpack
 * @files: (array zero-terminated=1) (element-type filename): paths of files
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
                             GCancellable        *cancellable,
                             GError             **error)
{
  g_autoptr (GPtrArray) normalized = NULL;
  guint next = 0;

  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (temp), NULL);
  g_return_val_if_fail (files != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  normalized = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; files[i] != NULL; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      if (!normalize_one (temp, files[i], &next, normalized, cancellable, error))
        return NULL;
    }

  g_ptr_array_add (normalized, NULL);
  return (char **) g_ptr_array_steal (normalized, NULL);
}

static void
normalize_in_thread (GTask        *task,
                     gpointer      source_object,
                     gpointer      task_data,
                     GCancellable *cancellable)
{
  const TarJob *job = task_data;
  GError *error = NULL;
  char **files = tvm_tar_normalize_file_list (job->temp, (const char *const *) job->files,
                                              cancellable, &error);

  if (files != NULL)
    g_task_return_pointer (task, files, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_tar_normalize_file_list_async:
 * @temp: where to unpack
 * @files: (array zero-terminated=1) (element-type filename): paths of files
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
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  TarJob *job;

  g_return_if_fail (TVM_IS_TEMP_DIRECTORY (temp));
  g_return_if_fail (files != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = g_new0 (TarJob, 1);
  job->temp = g_object_ref (temp);
  job->files = g_strdupv ((char **) files);
  task = tar_task_new (tvm_tar_normalize_file_list_async, job, cancellable, callback, user_data);
  g_task_run_in_thread (task, normalize_in_thread);
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
