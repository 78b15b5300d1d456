/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define BLOCK_SIZE (128 * 1024)

void
tvm_archive_locale_begin (TvmArchiveLocale *self)
{
  self->old = (locale_t) 0;
  self->utf8 = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
  if (self->utf8 != (locale_t) 0)
    self->old = uselocale (self->utf8);
}

void
tvm_archive_locale_end (TvmArchiveLocale *self)
{
  if (self->utf8 == (locale_t) 0)
    return;

  uselocale (self->old);
  freelocale (self->utf8);
  self->utf8 = (locale_t) 0;
}

static gboolean
has_suffix (const char *path,
            const char *suffix)
{
  gsize length = strlen (path);
  gsize suffix_length = strlen (suffix);

  return length >= suffix_length
         && g_ascii_strcasecmp (path + length - suffix_length, suffix) == 0;
}

TvmTarCompression
tvm_archive_compression_from_path (const char *path)
{
  if (has_suffix (path, ".gz") || has_suffix (path, ".tgz"))
    return TVM_TAR_COMPRESSION_GZIP;
  if (has_suffix (path, ".zst") || has_suffix (path, ".tzst"))
    return TVM_TAR_COMPRESSION_ZSTD;
  if (has_suffix (path, ".xz") || has_suffix (path, ".txz"))
    return TVM_TAR_COMPRESSION_XZ;
  return TVM_TAR_COMPRESSION_NONE;
}

gboolean
tvm_archive_set_error (GError     **error,
                       TvmArchive  *archive,
                       const char  *display)
{
  const char *message = archive_error_string (archive);
  int code = archive_errno (archive);
  g_autofree char *valid = g_utf8_make_valid (message != NULL ? message : _("Unknown error"), -1);

  /* How libarchive reports what the archive itself is to blame for: -1 is "miscellaneous". */
  if (code <= 0 || code == EILSEQ || code == EINVAL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE,
                 _("“%s” is not a valid tar archive: %s"), display, valid);
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                 _("Cannot process the archive “%s”: %s"), display, valid);
  return FALSE;
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

static int
open_reader (TvmArchive     *archive,
             int             fd,
             TvmGzipReader **gzip)
{
  TvmGzipReader *reader = tvm_gzip_reader_new (fd);

  if (gzip != NULL)
    *gzip = reader;
  return reader != NULL ? tvm_gzip_reader_open (reader, archive)
                        : archive_read_open_fd (archive, fd, BLOCK_SIZE);
}

TvmArchive *
tvm_archive_reader_new (int             fd,
                        const char     *display,
                        TvmGzipReader **gzip,
                        GError        **error)
{
  g_autoptr (TvmArchive) archive = archive_read_new ();

  /* A filter that is not built in answers ARCHIVE_WARN and would start a program: such a file is
   * then no archive to us. */
  if (archive_read_support_format_tar (archive) != ARCHIVE_OK
      || archive_read_support_filter_none (archive) != ARCHIVE_OK)
    {
      tvm_archive_set_error (error, archive, display);
      return NULL;
    }
  if (archive_read_support_filter_gzip (archive) != ARCHIVE_OK)
    {
      set_unsupported_error ("gzip", display, error);
      return NULL;
    }
  if (archive_read_support_filter_zstd (archive) != ARCHIVE_OK)
    {
      set_unsupported_error ("zstd", display, error);
      return NULL;
    }
  if (archive_read_support_filter_xz (archive) != ARCHIVE_OK)
    {
      set_unsupported_error ("xz", display, error);
      return NULL;
    }

  if (open_reader (archive, fd, gzip) != ARCHIVE_OK)
    {
      tvm_archive_set_error (error, archive, display);
      return NULL;
    }

  return g_steal_pointer (&archive);
}
