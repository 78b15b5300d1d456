/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

/* A member of ours, and what it cannot be larger than when it is compressed */
#define MEMBER_SIZE (1024 * 1024)
#define IN_SIZE (2 * MEMBER_SIZE)

/* What of a large one is decompressed at a time, and is still in the cache when it is written */
#define STREAM_SIZE (128 * 1024)

/* How many of them are there before they are asked for, and from what size of the file on that is
 * worth a thread */
#define N_AHEAD 4
#define AHEAD_SIZE (256 * 1024)

typedef struct
{
  char *data;
  gsize length;             /* 0 at the end */
  guint64 position;         /* in the file, of what is behind it */
  int errsv;                /* 0, an errno, or -1 with a message */
  const char *message;      /* (nullable) */
} Piece;

/*
 * libarchive can do it as well, but does not check the checksums. A member that is small is
 * decompressed as a whole by libdeflate; one that is not, or that is damaged, is left to ISA-L or,
 * where that is not, to zlib, which take any size and say what is wrong. A thread does that while what came before is written; where
 * there is one, the members up to the lock are its own.
 */
struct _TvmGzipReader
{
  int fd;
  char *in;
  gsize in_start;
  gsize in_end;
  guint64 position;         /* in the file, of what is behind in_end */
#ifdef HAVE_ISAL
  struct inflate_state stream;
#else
  z_stream stream;
  gboolean stream_ready;
#endif
  gboolean streaming;       /* in the middle of a member */
#ifdef HAVE_LIBDEFLATE
  struct libdeflate_decompressor *decompressor;
#endif

  Piece pieces[N_AHEAD];    /* the first alone without a thread */
  GThread *thread;          /* (nullable) */
  GMutex lock;
  GCond changed;
  guint n_made;             /* counts on; the one that is made is behind them */
  guint n_taken;            /* the last of them is still in use */
  gboolean stopped;
  guint64 taken_position;
};

static void
stop_thread (TvmGzipReader *self)
{
  if (self->thread == NULL)
    return;

  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (g_steal_pointer (&self->thread));
}

static void
gzip_reader_free (TvmGzipReader *self)
{
  stop_thread (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
#ifdef HAVE_LIBDEFLATE
  libdeflate_free_decompressor (self->decompressor);
#endif
#ifndef HAVE_ISAL
  if (self->stream_ready)
    inflateEnd (&self->stream);
#endif
  g_free (self->in);
  for (guint i = 0; i < N_AHEAD; i++)
    g_free (self->pieces[i].data);
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

/* Returns: whether there was a member that is small and whole; what it holds is in @piece */
static gboolean
read_member (TvmGzipReader *self,
             Piece         *piece)
{
#ifdef HAVE_LIBDEFLATE
  gsize used;

  if (self->decompressor != NULL
      && libdeflate_gzip_decompress_ex (self->decompressor, self->in + self->in_start,
                                        self->in_end - self->in_start, piece->data, MEMBER_SIZE,
                                        &used, &piece->length) == LIBDEFLATE_SUCCESS)
    {
      self->in_start += used;
      return TRUE;
    }
#endif
  return FALSE;
}

#ifdef HAVE_ISAL
static gboolean
begin_stream (TvmGzipReader *self)
{
  isal_inflate_init (&self->stream);
  self->stream.crc_flag = ISAL_GZIP;
  self->streaming = TRUE;
  return TRUE;
}

static const char *
describe_failure (int status)
{
  switch (status)
    {
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD:
      return "invalid gzip header";
    case ISAL_INCORRECT_CHECKSUM:
      return "incorrect gzip checksum";
    default:
      return "invalid gzip data";
    }
}

/* Reads on in the member. Returns: NULL, or what is wrong */
static const char *
read_stream (TvmGzipReader *self,
             Piece         *piece)
{
  int status;

  self->stream.next_in = (guint8 *) self->in + self->in_start;
  self->stream.avail_in = self->in_end - self->in_start;
  self->stream.next_out = (guint8 *) piece->data;
  self->stream.avail_out = STREAM_SIZE;
  status = isal_inflate (&self->stream);
  self->in_start = self->in_end - self->stream.avail_in;
  piece->length = STREAM_SIZE - self->stream.avail_out;

  if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT)
    return describe_failure (status);
  if (self->stream.block_state == ISAL_BLOCK_FINISH)
    self->streaming = FALSE;
  else if (piece->length == 0 && self->stream.avail_in == 0)
    return "truncated gzip input";
  return NULL;
}
#else
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
             Piece         *piece)
{
  int status;

  self->stream.next_in = (Bytef *) self->in + self->in_start;
  self->stream.avail_in = self->in_end - self->in_start;
  self->stream.next_out = (Bytef *) piece->data;
  self->stream.avail_out = STREAM_SIZE;
  status = inflate (&self->stream, Z_NO_FLUSH);
  self->in_start = self->in_end - self->stream.avail_in;
  piece->length = STREAM_SIZE - self->stream.avail_out;

  if (status == Z_STREAM_END)
    self->streaming = FALSE;
  else if (status == Z_BUF_ERROR)
    return "truncated gzip input";
  else if (status != Z_OK)
    return self->stream.msg != NULL ? self->stream.msg : "invalid gzip data";
  return NULL;
}
#endif

/* Reads some of what is compressed. Returns: 0 or an errno, -1 with a message if it is damaged */
static int
read_some (TvmGzipReader *self,
           Piece         *piece)
{
  piece->length = 0;
  piece->message = NULL;

  /* A member may be empty. */
  while (piece->length == 0)
    {
      int errsv = self->in_end - self->in_start < IN_SIZE / 2 ? fill (self) : 0;

      if (errsv != 0)
        return errsv;
      /* What is behind the last member does not count. */
      if (!self->streaming && !is_at_member (self))
        return 0;
      if (!self->streaming && read_member (self, piece))
        continue;
      if (!self->streaming && !begin_stream (self))
        return ENOMEM;

      piece->message = read_stream (self, piece);
      if (piece->message != NULL)
        return -1;
    }

  return 0;
}

/* Returns: whether there is more to come */
static gboolean
read_piece (TvmGzipReader *self,
            Piece         *piece)
{
  piece->errsv = read_some (self, piece);
  piece->position = self->position - (self->in_end - self->in_start);
  return piece->errsv == 0 && piece->length > 0;
}

static gpointer
read_ahead (gpointer data)
{
  TvmGzipReader *self = data;
  gboolean more = TRUE;

  while (more)
    {
      Piece *piece;

      g_mutex_lock (&self->lock);
      while (!self->stopped && self->n_made - self->n_taken >= N_AHEAD - 1)
        g_cond_wait (&self->changed, &self->lock);
      piece = self->stopped ? NULL : &self->pieces[self->n_made % N_AHEAD];
      g_mutex_unlock (&self->lock);
      if (piece == NULL)
        break;

      more = read_piece (self, piece);
      g_mutex_lock (&self->lock);
      self->n_made++;
      g_cond_signal (&self->changed);
      g_mutex_unlock (&self->lock);
    }

  return NULL;
}

/* What the one before held is no longer needed. Behind the last piece there are no more. */
static const Piece *
take_piece (TvmGzipReader *self)
{
  const Piece *piece;

  if (self->thread == NULL)
    {
      read_piece (self, &self->pieces[0]);
      return &self->pieces[0];
    }

  g_mutex_lock (&self->lock);
  while (self->n_made == self->n_taken)
    g_cond_wait (&self->changed, &self->lock);
  piece = &self->pieces[self->n_taken % N_AHEAD];
  if (piece->errsv == 0 && piece->length > 0)
    self->n_taken++;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);

  return piece;
}

static la_ssize_t
read_callback (TvmArchive  *archive,
               void        *user_data,
               const void **data)
{
  TvmGzipReader *self = user_data;
  const Piece *piece = take_piece (self);

  self->taken_position = piece->position;
  if (piece->errsv != 0)
    {
      archive_set_error (archive, piece->errsv, "%s",
                         piece->message != NULL ? piece->message : g_strerror (piece->errsv));
      return -1;
    }

  *data = piece->data;
  return piece->length;
}

static int
close_callback (TvmArchive *archive,
                void       *user_data)
{
  gzip_reader_free (user_data);
  return ARCHIVE_OK;
}

/* Without one it takes longer. */
static void
start_thread (TvmGzipReader *self)
{
  for (guint i = 1; i < N_AHEAD; i++)
    self->pieces[i].data = g_malloc (MEMBER_SIZE);
  self->thread = g_thread_try_new ("tvm-gzip", read_ahead, self, NULL);
}

TvmGzipReader *
tvm_gzip_reader_new (int fd)
{
  TvmGzipReader *self;
  struct stat st;
  char magic[3];

  if (pread (fd, magic, sizeof magic, 0) != sizeof magic
      || memcmp (magic, "\x1f\x8b\x08", sizeof magic) != 0)
    return NULL;

  self = g_new0 (TvmGzipReader, 1);
  self->fd = fd;
  self->in = g_malloc (IN_SIZE);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
#ifdef HAVE_LIBDEFLATE
  self->decompressor = libdeflate_alloc_decompressor ();
#endif
  self->pieces[0].data = g_malloc (MEMBER_SIZE);
  if (fstat (fd, &st) == 0 && st.st_size >= AHEAD_SIZE && g_get_num_processors () > 1)
    start_thread (self);
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
  return self->taken_position;
}
