/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <locale.h>
#include <sys/types.h>

#include "tvmsupport/files/tvm-tar-options.h"

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

/* Who is told of the progress; shared by the options and what runs with them */
typedef struct
{
  gatomicrefcount ref_count;
  TvmTarProgressFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} TvmArchiveProgress;

TvmArchiveProgress *tvm_archive_progress_new   (TvmTarProgressFunc  func,
                                                gpointer            user_data,
                                                GDestroyNotify      destroy);
TvmArchiveProgress *tvm_archive_progress_ref   (TvmArchiveProgress *self);
void                tvm_archive_progress_unref (TvmArchiveProgress *self);

/* Generous for bundles of object files, small against a disk */
#define TVM_ARCHIVE_MAX_ENTRIES 100000
#define TVM_ARCHIVE_MAX_SIZE (G_GUINT64_CONSTANT (8) << 30)
#define TVM_ARCHIVE_MAX_RATIO 200
/* Up to here the ratio does not matter. */
#define TVM_ARCHIVE_RATIO_THRESHOLD (G_GUINT64_CONSTANT (64) << 20)

/* What TvmTarOptions are to those that work by them */
typedef struct
{
  TvmTarCompression compression;
  int level;
  guint threads;
  TvmTarDuplicates duplicates;
  gboolean sparse;
  gboolean xattrs;
  TvmTarLinks links;
  guint64 max_entries;
  guint64 max_size;
  guint64 max_ratio;
  TvmArchiveProgress *progress; /* (nullable) */
} TvmArchiveSettings;

extern const TvmArchiveSettings tvm_archive_default_settings;

void tvm_tar_options_get_settings (TvmTarOptions      *self,
                                   TvmArchiveSettings *settings);

static inline void
tvm_archive_settings_clear (TvmArchiveSettings *self)
{
  g_clear_pointer (&self->progress, tvm_archive_progress_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmArchiveSettings, tvm_archive_settings_clear)

/*
 * One operation: how it is to be done, who may stop it, and how far it is. The progress is told in
 * @context, or at once if that is NULL.
 */
typedef struct _TvmArchiveReport TvmArchiveReport;

typedef struct
{
  TvmArchiveSettings settings;
  GCancellable *cancellable;
  TvmArchiveReport *report; /* (nullable) */
} TvmArchiveJob;

void tvm_archive_job_init  (TvmArchiveJob *self,
                            TvmTarOptions *options,
                            GMainContext  *context,
                            GCancellable  *cancellable);
void tvm_archive_job_clear (TvmArchiveJob *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmArchiveJob, tvm_archive_job_clear)

/* Both are cheap; the first tells somebody from time to time only. */
void tvm_archive_job_advance (TvmArchiveJob *self,
                              guint64        n_done,
                              guint64        n_total);
void tvm_archive_job_finish  (TvmArchiveJob *self,
                              guint64        n_done,
                              guint64        n_total);

/* Never AUTO */
TvmTarCompression tvm_archive_compression_from_path (const char *path);

/* How many threads are as many as there are processors to use */
guint       tvm_archive_count_processors (void);

/* Decompresses gzip: members that are small, as ours are, in half the time. */
typedef struct _TvmGzipReader TvmGzipReader;

/* Returns: (nullable): a reader for @fd, if that is compressed with gzip */
TvmGzipReader *tvm_gzip_reader_new  (int            fd);
/* Opens @archive, which then owns @self. Returns: as archive_read_open() */
int            tvm_gzip_reader_open (TvmGzipReader *self,
                                     TvmArchive    *archive);
/* Returns: how many bytes of the file have been read */
guint64        tvm_gzip_reader_get_position (TvmGzipReader *self);

/* Leaves @fd open. @display: the name of the file, for messages; it must outlive the handle
 * @gzip: (optional) (not owned): what it reads from, or NULL */
TvmArchive *tvm_archive_reader_new (int             fd,
                                    const char     *display,
                                    TvmGzipReader **gzip,
                                    GError        **error);

/* Sets what libarchive last reported: of reading, TVM_ERROR_INVALID_ARCHIVE unless the system
 * failed. Returns: FALSE */
gboolean    tvm_archive_set_error  (GError      **error,
                                    TvmArchive   *archive,
                                    const char   *display);

/* TVM_ERROR_INVALID_ARCHIVE: @name of the archive @display is not to be read, and @why. Returns:
 * FALSE */
gboolean    tvm_archive_set_hostile (GError     **error,
                                     const char  *display,
                                     const char  *name,
                                     const char  *why);

/*
 * Reads the entries one by one. What has been read is checked against the limits for the whole: of
 * the archive as it is without compression, so that headers alone cannot fill the memory either.
 */
typedef struct
{
  TvmArchiveJob *job;
  TvmArchive *archive;
  TvmGzipReader *gzip;      /* (nullable) (not owned) */
  const char *display;
  guint64 compressed_size;
  guint64 n_entries;
  guint64 size;             /* of the files so far */
  TvmArchiveEntry *entry;   /* (not owned) (nullable): the last one */
} TvmArchiveReader;

gboolean    tvm_archive_reader_open    (TvmArchiveReader  *self,
                                        TvmArchiveJob     *job,
                                        int                fd,
                                        const char        *display,
                                        GError           **error);
void        tvm_archive_reader_clear   (TvmArchiveReader  *self);
/* Sets self->entry, to NULL at the end. Returns: FALSE with @error set if it cannot */
gboolean    tvm_archive_reader_next    (TvmArchiveReader  *self,
                                        GError           **error);
/* Tells somebody how far it is. */
void        tvm_archive_reader_advance (TvmArchiveReader  *self);
/* Counts something that will cost an inode. */
gboolean    tvm_archive_reader_count   (TvmArchiveReader  *self,
                                        const char        *name,
                                        GError           **error);
/* May there be @size bytes more? */
gboolean    tvm_archive_reader_check_size (TvmArchiveReader  *self,
                                           const char        *name,
                                           guint64            size,
                                           GError           **error);

/*
 * Unpacks the archive in @fd into the directory @directory_fd.
 *
 * Directories and regular files are unpacked, and links as the options say. Devices, absolute names, a
 * component "..", a name that comes twice, and what goes beyond the limits are
 * TVM_ERROR_INVALID_ARCHIVE, and so is an archive without an end. No symbolic link is followed, also
 * none that was there before; a file that was there is replaced at the end. Modes become 0755 or 0644
 * under the umask. If it fails, what it made is removed.
 *
 * @files: (element-type filename) (nullable): gets the regular files, relative, in their order
 */
gboolean    tvm_archive_extract    (TvmArchiveJob  *job,
                                    int             fd,
                                    const char     *display,
                                    int             directory_fd,
                                    GPtrArray      *files,
                                    GError        **error);

/* Adds a TvmTarEntry for each entry to @entries. */
gboolean    tvm_archive_list       (TvmArchiveJob  *job,
                                    int             fd,
                                    const char     *display,
                                    GListStore     *entries,
                                    GError        **error);

/* Packs @files, each with what is below it, under their base names, and puts the archive at @output
 * when it is complete. */
gboolean    tvm_archive_create     (TvmArchiveJob      *job,
                                    const char         *output,
                                    const char * const *files,
                                    GError            **error);

/* Adds the extended attributes of @fd to @entry, or those of @entry to @fd: those that are for users.
 * Returns: FALSE with errno */
gboolean    tvm_archive_xattr_pack   (int              fd,
                                      TvmArchiveEntry *entry);
gboolean    tvm_archive_xattr_unpack (int              fd,
                                      TvmArchiveEntry *entry);

/* Opens @path, "" for itself, below @root_fd: nothing on the way and not the last component may be
 * a symbolic link, and there is no way out. Returns: a descriptor, or -1 with errno: ELOOP or
 * ENOTDIR for a link */
int         tvm_open_beneath       (int         root_fd,
                                    const char *path,
                                    int         flags);

/* For tests: as on a system without openat2() */
void        tvm_open_beneath_set_plain (gboolean plain);

G_END_DECLS
