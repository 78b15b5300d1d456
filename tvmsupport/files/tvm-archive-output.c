/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
tvm_archive_output_clear (TvmArchiveOutput *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  if (self->stage != NULL)
    tvm_temp_place_drop (self->stage);
  g_clear_pointer (&self->stage, tvm_temp_place_unref);
  g_free (self->temp);
  g_free (self->base);
  g_free (self->dir);
  g_free (self->display);
}

/* Makes the folder in which the file has a name before it is moved to its place. It is swept like
 * every other one should this process be killed. */
static gboolean
make_stage (TvmArchiveOutput  *self,
            GError           **error)
{
  tvm_temp_sweep_once (self->dir, TVM_TEMP_STAGE_PREFIX);
  self->stage = tvm_temp_place_new_in (self->dir, TVM_TEMP_STAGE_PREFIX, FALSE, error);
  if (self->stage == NULL)
    {
      g_prefix_error (error, _("Cannot create “%s”: "), self->display);
      return FALSE;
    }

  self->temp = g_build_filename (self->stage->name, self->base, NULL);
  return TRUE;
}

static gboolean
open_named (TvmArchiveOutput  *self,
            GError           **error)
{
  if (!make_stage (self, error))
    return FALSE;

  self->fd = openat (self->dir_fd, self->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (self->fd < 0)
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);
  return TRUE;
}

gboolean
tvm_archive_output_open (TvmArchiveOutput  *self,
                         const char        *path,
                         GError           **error)
{
  self->dir = g_path_get_dirname (path);
  self->display = g_filename_display_name (path);
  self->base = g_path_get_basename (path);
  self->dir_fd = open (self->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
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
  return self->fd >= 0 || open_named (self, error);
}

/* Gives the file that has none a name. */
static gboolean
link_file (TvmArchiveOutput *self,
           const char       *name)
{
  char link[64];

  g_snprintf (link, sizeof link, "/proc/self/fd/%d", self->fd);
  return linkat (AT_FDCWD, link, self->dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

gboolean
tvm_archive_output_commit (TvmArchiveOutput  *self,
                           GError           **error)
{
  if (self->stage == NULL)
    {
      if (link_file (self, self->base))
        return TRUE;

      /* A file of a name can only be replaced by another one of a name. */
      if (!make_stage (self, error))
        return FALSE;
      if (!link_file (self, self->temp))
        return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);
    }

  if (renameat (self->dir_fd, self->temp, self->dir_fd, self->base) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot create “%s”"), self->display);
  return TRUE;
}
