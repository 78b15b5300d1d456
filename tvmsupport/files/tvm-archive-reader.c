/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

gboolean
tvm_archive_set_hostile (GError     **error,
                         const char  *display,
                         const char  *name,
                         const char  *why)
{
  g_autofree char *shown = NULL;
  g_autofree char *start = NULL;

  /* Somebody may have to read it. */
  if (strlen (name) >= PATH_MAX)
    name = start = g_strndup (name, 64);
  shown = g_filename_display_name (name);

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE,
               _("Refusing to unpack “%s” from “%s”: %s"), shown, display, why);
  return FALSE;
}

gboolean
tvm_archive_reader_open (TvmArchiveReader  *self,
                         TvmArchiveJob     *job,
                         int                fd,
                         const char        *display,
                         GError           **error)
{
  struct stat st;

  memset (self, 0, sizeof *self);
  self->job = job;
  self->display = display;
  if (fstat (fd, &st) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot read “%s”"), display);

  self->compressed_size = st.st_size;
  self->archive = tvm_archive_reader_new (fd, display, &self->gzip, error);
  return self->archive != NULL;
}

void
tvm_archive_reader_clear (TvmArchiveReader *self)
{
  g_clear_pointer (&self->archive, tvm_archive_free);
}

static gboolean
is_too_much (TvmArchiveReader *self,
             guint64           total)
{
  return total > TVM_ARCHIVE_RATIO_THRESHOLD
         && total / self->job->settings.max_ratio > self->compressed_size;
}

gboolean
tvm_archive_reader_check_size (TvmArchiveReader  *self,
                               const char        *name,
                               guint64            size,
                               GError           **error)
{
  const guint64 max_size = self->job->settings.max_size;

  if (size > max_size || self->size > max_size - size)
    return tvm_archive_set_hostile (error, self->display, name,
                                    _("the archive holds more than is allowed"));
  if (is_too_much (self, self->size + size))
    return tvm_archive_set_hostile (error, self->display, name,
                                    _("the archive holds far more than its own size"));
  return TRUE;
}

gboolean
tvm_archive_reader_count (TvmArchiveReader  *self,
                          const char        *name,
                          GError           **error)
{
  if (++self->n_entries <= self->job->settings.max_entries)
    return TRUE;

  return tvm_archive_set_hostile (error, self->display, name,
                                  _("the archive has more entries than are allowed"));
}

static gboolean
check_name (TvmArchiveReader  *self,
            GError           **error)
{
  const char *name = archive_entry_pathname (self->entry);

  if (name == NULL)
    return tvm_archive_set_hostile (error, self->display, "?",
                                    _("the name cannot be represented"));
  if (strlen (name) >= PATH_MAX)
    return tvm_archive_set_hostile (error, self->display, name, _("the name is too long"));
  if (is_too_much (self, archive_filter_bytes (self->archive, 0)))
    return tvm_archive_set_hostile (error, self->display, name,
                                    _("the archive holds far more than its own size"));

  return tvm_archive_reader_count (self, name, error);
}

void
tvm_archive_reader_advance (TvmArchiveReader *self)
{
  guint64 n_done;

  if (self->job->report == NULL)
    return;

  n_done = self->gzip != NULL ? tvm_gzip_reader_get_position (self->gzip)
                              : (guint64) archive_filter_bytes (self->archive, -1);
  tvm_archive_job_advance (self->job, n_done, self->compressed_size);
}

gboolean
tvm_archive_reader_next (TvmArchiveReader  *self,
                         GError           **error)
{
  const gint64 before = archive_filter_bytes (self->archive, 0);
  int status;

  if (g_cancellable_set_error_if_cancelled (self->job->cancellable, error))
    return FALSE;

  tvm_archive_reader_advance (self);
  status = archive_read_next_header (self->archive, &self->entry);
  if (status == ARCHIVE_EOF)
    {
      self->entry = NULL;
      /* libarchive takes the end of the file for that of the archive. A tar says where it ends, with
       * a block of zeros; without one, members may be missing. */
      if (archive_filter_bytes (self->archive, 0) > before)
        {
          tvm_archive_job_finish (self->job, self->compressed_size, self->compressed_size);
          return TRUE;
        }

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE,
                   _("“%s” is not a valid tar archive: it ends too early"), self->display);
      return FALSE;
    }

  /* A warning says that some attribute was not understood: a name perhaps. */
  if (status != ARCHIVE_OK)
    return tvm_archive_set_error (error, self->archive, self->display);
  return check_name (self, error);
}
