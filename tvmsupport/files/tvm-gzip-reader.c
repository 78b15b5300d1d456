/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

/* A member of ours, and what it cannot be larger than when it is compressed */
#define MEMBER_SIZE (1024 * 1024)
#define IN_SIZE (2 * MEMBER_SIZE)

/* What of a large one is decompressed at a time, and is still in the cache when it is written */
#define STREAM_SIZE (128 * 1024)

/*
 * libarchive can do it as well, but does not check the checksums. A member that is small is
 * decompressed as a whole by libdeflate; one that is not, or that is damaged, is left to zlib, which
 * takes any size and says what is wrong.
 */
struct _TvmGzipReader
{
  int fd;
  char *in;
  gsize in_start;
  gsize in_end;
  guint64 position;         /* in the file, of what is behind in_end */
  char *out;
  z_stream stream;
  gboolean stream_ready;
  gboolean streaming;       /* in the middle of a member */
#ifdef HAVE_LIBDEFLATE
  struct libdeflate_decompressor *decompressor;
#endif
};

static void
gzip_reader_free (TvmGzipReader *self)
{
#ifdef HAVE_LIBDEFLATE
  libdeflate_free_decompressor (self->decompressor);
#endif
  if (self->stream_ready)
    inflateEnd (&self->stream);
  g_free (self->in);
  g_free (self->out);
  g_free (self);
}

/* Reads as much as there is room for. Returns: 0 or an errno */
static int
fill (TvmGzipReader *self)
{
  memmove (self->in, self->in + self->in_start, self->in_end - self->in_start);
  self->in_end -= self->in_start;
  self->in_start = 0;
  while (self->in_end < IN_SIZE)
    {
      gssize n = pread (self->fd, self->in + self->in_end, IN_SIZE - self->in_end,
                        (off_t) self->position);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno;
      if (n == 0)
        break;
      self->in_end += n;
      self->position += n;
    }

  return 0;
}

static gboolean
is_at_member (TvmGzipReader *self)
{
  return self->in_end - self->in_start >= 3
         && memcmp (self->in + self->in_start, "\x1f\x8b\x08", 3) == 0;
}

/* Returns: whether there was a member that is small and whole; what it holds is in self->out */
static gboolean
read_member (TvmGzipReader *self,
             gsize         *length)
{
#ifdef HAVE_LIBDEFLATE
  gsize used;

  if (self->decompressor != NULL
      && libdeflate_gzip_decompress_ex (self->decompressor, self->in + self->in_start,
                                        self->in_end - self->in_start, self->out, MEMBER_SIZE,
                                        &used, length) == LIBDEFLATE_SUCCESS)
    {
      self->in_start += used;
      return TRUE;
    }
#endif
  return FALSE;
}

static gboolean
begin_stream (TvmGzipReader *self)
{
  /* 16 is for the header of gzip. */
  if (!self->stream_ready && inflateInit2 (&self->stream, MAX_WBITS + 16) != Z_OK)
    return FALSE;

  self->streaming = TRUE;
  self->stream_ready = TRUE;
  return inflateReset (&self->stream) == Z_OK;
}

/* Reads on in the member. Returns: NULL, or what is wrong */
static const char *
read_stream (TvmGzipReader *self,
             gsize         *length)
{
  int status;

  self->stream.next_in = (Bytef *) self->in + self->in_start;
  self->stream.avail_in = self->in_end - self->in_start;
  self->stream.next_out = (Bytef *) self->out;
  self->stream.avail_out = STREAM_SIZE;
  status = inflate (&self->stream, Z_NO_FLUSH);
  self->in_start = self->in_end - self->stream.avail_in;
  *length = STREAM_SIZE - self->stream.avail_out;

  if (status == Z_STREAM_END)
    self->streaming = FALSE;
  else if (status == Z_BUF_ERROR)
    return "truncated gzip input";
  else if (status != Z_OK)
    return self->stream.msg != NULL ? self->stream.msg : "invalid gzip data";
  return NULL;
}

/* Reads some of what is compressed. Returns: 0 or an errno, -1 with @message set if it is damaged;
 * @length is 0 at the end */
static int
read_some (TvmGzipReader  *self,
           gsize          *length,
           const char    **message)
{
  *length = 0;
  *message = NULL;

  /* A member may be empty. */
  while (*length == 0)
    {
      int errsv = self->in_end - self->in_start < IN_SIZE / 2 ? fill (self) : 0;

      if (errsv != 0)
        return errsv;
      /* What is behind the last member does not count. */
      if (!self->streaming && !is_at_member (self))
        return 0;
      if (!self->streaming && read_member (self, length))
        continue;
      if (!self->streaming && !begin_stream (self))
        return ENOMEM;

      *message = read_stream (self, length);
      if (*message != NULL)
        return -1;
    }

  return 0;
}

static la_ssize_t
read_callback (TvmArchive  *archive,
               void        *user_data,
               const void **data)
{
  TvmGzipReader *self = user_data;
  const char *message;
  gsize length;
  int errsv = read_some (self, &length, &message);

  if (errsv != 0)
    {
      archive_set_error (archive, errsv, "%s", message != NULL ? message : g_strerror (errsv));
      return -1;
    }

  *data = self->out;
  return length;
}

static int
close_callback (TvmArchive *archive,
                void       *user_data)
{
  gzip_reader_free (user_data);
  return ARCHIVE_OK;
}

TvmGzipReader *
tvm_gzip_reader_new (int fd)
{
  TvmGzipReader *self;
  char magic[3];

  if (pread (fd, magic, sizeof magic, 0) != sizeof magic
      || memcmp (magic, "\x1f\x8b\x08", sizeof magic) != 0)
    return NULL;

  self = g_new0 (TvmGzipReader, 1);
  self->fd = fd;
  self->in = g_malloc (IN_SIZE);
  self->out = g_malloc (MEMBER_SIZE);
#ifdef HAVE_LIBDEFLATE
  self->decompressor = libdeflate_alloc_decompressor ();
#endif
  return self;
}

int
tvm_gzip_reader_open (TvmGzipReader *self,
                      TvmArchive    *archive)
{
  return archive_read_open (archive, self, NULL, read_callback, close_callback);
}

guint64
tvm_gzip_reader_get_position (TvmGzipReader *self)
{
  return self->position - (self->in_end - self->in_start);
}
