/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <locale.h>
#include <sys/types.h>

G_BEGIN_DECLS

/*
 * The one place that knows libarchive: how it is opened, and what its errors become. Only tar is
 * enabled, and of filters only gzip, zstd and xz, each as far as libarchive has it built in: what
 * it cannot do itself it would start a program for.
 */

/*
 * libarchive converts names between the character set of the locale and that of the archive. An
 * application that never called setlocale() would have it refuse all but ASCII, so while one of
 * these is in scope the thread has UTF-8.
 */
typedef struct
{
  locale_t old;
  locale_t utf8;
} TvmArchiveLocale;

void tvm_archive_locale_begin (TvmArchiveLocale *self);
void tvm_archive_locale_end   (TvmArchiveLocale *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmArchiveLocale, tvm_archive_locale_end)

/* Any archive handle */
typedef struct archive TvmArchive;
typedef struct archive_entry TvmArchiveEntry;

static inline void
tvm_archive_free (TvmArchive *archive)
{
  archive_free (archive);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmArchive, tvm_archive_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmArchiveEntry, archive_entry_free)

typedef enum
{
  TVM_ARCHIVE_COMPRESSION_NONE,
  TVM_ARCHIVE_COMPRESSION_GZIP,
  TVM_ARCHIVE_COMPRESSION_ZSTD,
  TVM_ARCHIVE_COMPRESSION_XZ,
} TvmArchiveCompression;

/* By the suffix of @path; NONE for any other */
TvmArchiveCompression tvm_archive_compression_from_path (const char *path);

/* Both leave @fd open. @display: the name of the file, for messages; it must outlive the handle */
TvmArchive *tvm_archive_reader_new (int           fd,
                                    const char   *display,
                                    GError      **error);
TvmArchive *tvm_archive_writer_new (int                     fd,
                                    TvmArchiveCompression   compression,
                                    const char             *display,
                                    GError                **error);

/* Sets what libarchive last reported: of reading, TVM_ERROR_INVALID_ARCHIVE unless the system
 * failed. Returns: FALSE */
gboolean    tvm_archive_set_error  (GError      **error,
                                    TvmArchive   *archive,
                                    const char   *display);

/* What unpacking refuses to go beyond, so that an archive cannot fill the disk */
typedef struct
{
  guint64 max_entries;
  guint64 max_size;         /* bytes of all files together */
  guint64 max_ratio;        /* of them to the bytes of the archive… */
  guint64 ratio_threshold;  /* …once they are this many */
} TvmArchiveLimits;

extern const TvmArchiveLimits tvm_archive_default_limits;

/*
 * Unpacks the archive in @fd into the directory @directory_fd.
 *
 * Directories and regular files are unpacked. Links, devices, absolute names, a component "..", a
 * name that comes twice, and what goes beyond @limits are TVM_ERROR_INVALID_ARCHIVE, and so is an
 * archive without an end. No symbolic link is followed, also none that was there before; a file
 * that was there is replaced. Modes become 0755 or 0644 under the umask. If it fails, what it made
 * is removed.
 *
 * @files: (element-type filename) (nullable): gets the regular files, relative, in their order
 */
gboolean    tvm_archive_extract    (int                      fd,
                                    const char              *display,
                                    int                      directory_fd,
                                    const TvmArchiveLimits  *limits,
                                    GPtrArray               *files,
                                    GCancellable            *cancellable,
                                    GError                 **error);

/* Packs @files, each with what is below it, under their base names, and puts the archive at @output
 * when it is complete. */
gboolean    tvm_archive_create     (const char          *output,
                                    const char * const  *files,
                                    GCancellable        *cancellable,
                                    GError             **error);

G_END_DECLS
