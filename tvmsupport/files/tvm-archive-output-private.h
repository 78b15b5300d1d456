/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/stat.h>

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/files/tvm-temp-place-private.h"

G_BEGIN_DECLS

/*
 * The output, which has no name until it is complete: a file that nothing refers to, so that it is
 * gone even if the process is killed, or where the file system has no such thing, one in a folder
 * of ours beside it.
 */
typedef struct
{
  char *display;
  char *base;
  char *dir;
  TvmTempPlace *stage;  /* (owned) (nullable): NULL while the file has no name */
  char *temp;           /* its name in there */
  int dir_fd;
  int fd;
  struct stat old;      /* what is there; st_mode is 0 if nothing is */
} TvmArchiveOutput;

gboolean tvm_archive_output_open   (TvmArchiveOutput  *self,
                                    const char        *path,
                                    GError           **error);
gboolean tvm_archive_output_commit (TvmArchiveOutput  *self,
                                    GError           **error);
void     tvm_archive_output_clear  (TvmArchiveOutput  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmArchiveOutput, tvm_archive_output_clear)

static inline gboolean
tvm_archive_is_same_file (const struct stat *a,
                          const struct stat *b)
{
  return a->st_mode != 0 && b->st_mode != 0 && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Writes all of it. Returns: 0 or an errno */
int tvm_archive_write_fully (int         fd,
                             const void *data,
                             gsize       length);

/*
 * Compresses what it is given with gzip, in members of 1 MiB that several threads make at the same
 * time, and writes them in their order: the bytes do not depend on the number of threads. Not more
 * than a few MiB for each thread are on the way.
 */
typedef struct _TvmGzipWriter TvmGzipWriter;

/* @n_threads: 0 for as many as there are processors; with 1, the caller's does it
 * @level: -1 for the usual one */
TvmGzipWriter *tvm_gzip_writer_new   (int            fd,
                                      guint          n_threads,
                                      int            level);
void           tvm_gzip_writer_free  (TvmGzipWriter *self);
/* Both return 0 or an errno. */
int            tvm_gzip_writer_write (TvmGzipWriter *self,
                                      const void    *data,
                                      gsize          length);
int            tvm_gzip_writer_close (TvmGzipWriter *self);

/*
 * Where the bytes of a tar go: into the output, through the compression.
 */
typedef struct
{
  GCancellable *cancellable; /* (nullable) (not owned): given before it is opened */
  int fd;
  TvmGzipWriter *gzip;      /* (nullable) */
  char *buffer;             /* what is too little to be written by itself */
  gsize used;
  gboolean filtered;        /* by libarchive */
  gboolean failed;
} TvmArchiveSink;

/* @n_bytes: about how many there will be; 0 if that is not known. Returns: a writer into @self,
 * which must outlive it */
TvmArchive *tvm_archive_sink_open  (TvmArchiveSink            *self,
                                    const TvmArchiveSettings  *settings,
                                    TvmTarCompression          compression,
                                    guint64                    n_bytes,
                                    const TvmArchiveOutput    *output,
                                    GError                   **error);
/* Frees a writer that is not to write what it still has. */
void        tvm_archive_sink_abort (TvmArchiveSink            *self,
                                    TvmArchive                *archive);
/* Writes what is left, once the writer has been closed. */
gboolean    tvm_archive_sink_finish (TvmArchiveSink           *self,
                                     const TvmArchiveOutput   *output,
                                     GError                  **error);
void        tvm_archive_sink_clear (TvmArchiveSink            *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmArchiveSink, tvm_archive_sink_clear)

G_END_DECLS
