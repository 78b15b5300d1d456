/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

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
  if (self->temp[0] != '\0')
    (void) unlinkat (self->dir_fd, self->temp, 0);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self->base);
  g_free (self->display);
}

static void
set_temp_name (TvmArchiveOutput *self)
{
  g_snprintf (self->temp, sizeof self->temp, ".tvm-%08x%08x", g_random_int (), g_random_int ());
}

static gboolean
open_named (TvmArchiveOutput *self)
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

gboolean
tvm_archive_output_open (TvmArchiveOutput  *self,
                         const char        *path,
                         GError           **error)
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
