/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (64 * 1024)

/* What is less than this is compressed without threads, which would take longer to start: a matter
 * of the input alone, so that the bytes of the archive are one, too. */
#define SMALL_SIZE (1024 * 1024)

int
tvm_archive_write_fully (int         fd,
                         const void *data,
                         gsize       length)
{
  const char *p = data;

  while (length > 0)
    {
      gssize n = write (fd, p, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno;
      p += n;
      length -= n;
    }

  return 0;
}

static int
flush (TvmArchiveSink *self)
{
  gsize used = self->used;

  self->used = 0;
  return tvm_archive_write_fully (self->fd, self->buffer, used);
}

static int
sink_write (TvmArchiveSink *self,
            const void     *data,
            gsize           length)
{
  int errsv = 0;

  if (self->gzip != NULL)
    return tvm_gzip_writer_write (self->gzip, data, length);

  /* Headers and small files go together, the blocks of large ones as they are. */
  if (self->used + length > BUFFER_SIZE)
    errsv = flush (self);
  if (errsv == 0 && length >= BUFFER_SIZE)
    return tvm_archive_write_fully (self->fd, data, length);
  if (errsv != 0)
    return errsv;

  memcpy (self->buffer + self->used, data, length);
  self->used += length;
  return 0;
}

static la_ssize_t
write_callback (TvmArchive *archive,
                void       *user_data,
                const void *data,
                size_t      length)
{
  TvmArchiveSink *self = user_data;
  /* Looked at here as well: much of the work may be left once everything has been read. */
  const gboolean stopped = self->failed || g_cancellable_is_cancelled (self->cancellable);
  int errsv = stopped ? ECANCELED : sink_write (self, data, length);

  if (errsv == 0)
    return length;

  archive_set_error (archive, errsv, "%s", g_strerror (errsv));
  return -1;
}

static gboolean
set_unsupported_error (const char  *filter,
                       const char  *display,
                       GError     **error)
{
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("Cannot process the archive “%s”: this build of libarchive has no %s"), display,
               filter);
  return FALSE;
}

static gboolean
set_number (TvmArchive *archive,
            const char *filter,
            const char *option,
            int         value)
{
  g_autofree char *text = g_strdup_printf ("%d", value);

  return archive_write_set_filter_option (archive, filter, option, text) == ARCHIVE_OK;
}

/* Threads that do not change the bytes: with one, both libraries split the input otherwise than
 * with more, so there is never just one. libarchive without threads is no reason to fail. */
static void
set_threads (TvmArchive               *archive,
             const char               *filter,
             const TvmArchiveSettings *settings)
{
  const guint n = settings->threads > 0 ? settings->threads : tvm_archive_count_processors ();

  (void) set_number (archive, filter, "threads", MAX (n, 2));
}

static gboolean
add_filter (TvmArchive                *archive,
            const TvmArchiveSettings  *settings,
            TvmTarCompression          compression,
            gboolean                   small,
            const char                *display,
            GError                   **error)
{
  const gboolean zstd = compression == TVM_TAR_COMPRESSION_ZSTD;
  const char *name = zstd ? "zstd" : "xz";

  if (!zstd && compression != TVM_TAR_COMPRESSION_XZ)
    return TRUE;
  if ((zstd ? archive_write_add_filter_zstd (archive) : archive_write_add_filter_xz (archive))
      != ARCHIVE_OK)
    return set_unsupported_error (name, display, error);

  if (settings->level >= 0
      && !set_number (archive, name, "compression-level",
                      zstd ? MAX (settings->level, 1) : MIN (settings->level, 9)))
    return tvm_archive_set_error (error, archive, display);
  if (!small)
    set_threads (archive, name, settings);
  return TRUE;
}

TvmArchive *
tvm_archive_sink_open (TvmArchiveSink            *self,
                       const TvmArchiveSettings  *settings,
                       TvmTarCompression          compression,
                       guint64                    n_bytes,
                       const TvmArchiveOutput    *output,
                       GError                   **error)
{
  const gboolean small = n_bytes > 0 && n_bytes < SMALL_SIZE;
  g_autoptr (TvmArchive) archive = archive_write_new ();

  self->fd = output->fd;
  self->filtered = compression == TVM_TAR_COMPRESSION_ZSTD || compression == TVM_TAR_COMPRESSION_XZ;
  if (compression == TVM_TAR_COMPRESSION_GZIP)
    self->gzip = tvm_gzip_writer_new (output->fd, settings->threads, settings->level);
  else
    self->buffer = g_malloc (BUFFER_SIZE);

  /* "Restricted" adds pax records only for what plain ustar cannot say. Blocks are ours to make.
   * Extended attributes are written once, as GNU tar does. */
  if (archive_write_set_format_pax_restricted (archive) != ARCHIVE_OK
      || archive_write_set_format_option (archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK
      || archive_write_set_bytes_per_block (archive, 0) != ARCHIVE_OK)
    {
      tvm_archive_set_error (error, archive, output->display);
      return NULL;
    }
  if (!add_filter (archive, settings, compression, small, output->display, error))
    return NULL;
  if (archive_write_open (archive, self, NULL, write_callback, NULL) != ARCHIVE_OK)
    {
      tvm_archive_set_error (error, archive, output->display);
      return NULL;
    }

  return g_steal_pointer (&archive);
}

void
tvm_archive_sink_abort (TvmArchiveSink *self,
                        TvmArchive     *archive)
{
  /* It ends with zeros for what is missing of the last entry. Those fail at once, unless a filter
   * takes them first; without that, libarchive forgets a few bytes of memory. */
  self->failed = TRUE;
  if (self->filtered)
    (void) archive_write_fail (archive);
  archive_free (archive);
}

gboolean
tvm_archive_sink_finish (TvmArchiveSink          *self,
                         const TvmArchiveOutput  *output,
                         GError                 **error)
{
  int errsv = self->gzip != NULL ? tvm_gzip_writer_close (self->gzip) : flush (self);

  if (errsv != 0)
    return tvm_error_set_errno (error, errsv, _("Cannot write “%s”"), output->display);
  return TRUE;
}

void
tvm_archive_sink_clear (TvmArchiveSink *self)
{
  g_clear_pointer (&self->gzip, tvm_gzip_writer_free);
  g_clear_pointer (&self->buffer, g_free);
}
