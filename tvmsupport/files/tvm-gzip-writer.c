/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-output-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

#define CHUNK_SIZE (1024 * 1024)
#define DEFAULT_LEVEL 6

/* On the way from the one that fills it to a thread that compresses it, and back */
typedef struct
{
  char *in;
  gsize in_length;
  char *out;
  gsize out_length;
  gboolean done;            /* guarded by the lock */
} Chunk;

struct _TvmGzipWriter
{
  int fd;
  int level;
  guint n_threads;
  GPtrArray *threads;       /* (element-type GThread) */
  Chunk *chunks;            /* a ring */
  guint n_chunks;

  /* How many there have been, so the next one is this modulo n_chunks */
  guint64 n_written;

  GMutex lock;
  GCond to_compress;
  GCond compressed;
  guint64 n_filled;
  guint64 n_taken;
  gboolean closing;
};

#ifdef HAVE_LIBDEFLATE

#define MAX_LEVEL 12

typedef struct libdeflate_compressor Compressor;

static Compressor *
compressor_new (int level)
{
  Compressor *self = libdeflate_alloc_compressor (level);

  if (self == NULL)
    g_error ("No memory for a compressor");
  return self;
}

static void
compressor_free (Compressor *self)
{
  libdeflate_free_compressor (self);
}

static gsize
compressor_get_bound (Compressor *self)
{
  return libdeflate_gzip_compress_bound (self, CHUNK_SIZE);
}

static gsize
compressor_run (Compressor *self,
                Chunk      *chunk,
                gsize       bound)
{
  return libdeflate_gzip_compress (self, chunk->in, chunk->in_length, chunk->out, bound);
}

#else

#define MAX_LEVEL 9

typedef z_stream Compressor;

static Compressor *
compressor_new (int level)
{
  Compressor *self = g_new0 (Compressor, 1);

  /* 16 is for the header of gzip. */
  if (deflateInit2 (self, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    g_error ("No memory for a compressor");
  return self;
}

static void
compressor_free (Compressor *self)
{
  deflateEnd (self);
  g_free (self);
}

static gsize
compressor_get_bound (Compressor *self)
{
  return deflateBound (self, CHUNK_SIZE) + 64;
}

static gsize
compressor_run (Compressor *self,
                Chunk      *chunk,
                gsize       bound)
{
  /* Neither the time nor the system is anybody's business. */
  gz_header header = { .os = 255 };

  deflateReset (self);
  deflateSetHeader (self, &header);
  self->next_in = (Bytef *) chunk->in;
  self->avail_in = chunk->in_length;
  self->next_out = (Bytef *) chunk->out;
  self->avail_out = bound;
  if (deflate (self, Z_FINISH) != Z_STREAM_END)
    g_error ("A compressor needs more room than it said");
  return bound - self->avail_out;
}

#endif

static void
compress_chunk (TvmGzipWriter  *self,
                Compressor    **compressor,
                Chunk          *chunk)
{
  gsize bound;

  if (*compressor == NULL)
    *compressor = compressor_new (self->level);

  bound = compressor_get_bound (*compressor);
  if (chunk->out == NULL)
    chunk->out = g_malloc (bound);
  chunk->out_length = compressor_run (*compressor, chunk, bound);
}

static gpointer
work (gpointer user_data)
{
  TvmGzipWriter *self = user_data;
  Compressor *compressor = NULL;

  g_mutex_lock (&self->lock);
  for (;;)
    {
      Chunk *chunk;

      while (self->n_taken == self->n_filled && !self->closing)
        g_cond_wait (&self->to_compress, &self->lock);
      if (self->closing)
        break;

      chunk = &self->chunks[self->n_taken++ % self->n_chunks];
      g_mutex_unlock (&self->lock);
      compress_chunk (self, &compressor, chunk);
      g_mutex_lock (&self->lock);
      chunk->done = TRUE;
      g_cond_signal (&self->compressed);
    }
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&compressor, compressor_free);
  return NULL;
}

TvmGzipWriter *
tvm_gzip_writer_new (int   fd,
                     guint n_threads,
                     int   level)
{
  TvmGzipWriter *self = g_new0 (TvmGzipWriter, 1);

  self->fd = fd;
  self->level = level < 0 ? DEFAULT_LEVEL : MIN (level, MAX_LEVEL);
  self->n_threads = n_threads > 0 ? n_threads : tvm_archive_count_processors ();
  self->threads = g_ptr_array_new ();
  self->n_chunks = self->n_threads > 1 ? 2 * self->n_threads + 1 : 1;
  self->chunks = g_new0 (Chunk, self->n_chunks);
  g_mutex_init (&self->lock);
  g_cond_init (&self->to_compress);
  g_cond_init (&self->compressed);
  return self;
}

void
tvm_gzip_writer_free (TvmGzipWriter *self)
{
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  g_cond_broadcast (&self->to_compress);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);

  for (guint i = 0; i < self->n_chunks; i++)
    {
      g_free (self->chunks[i].in);
      g_free (self->chunks[i].out);
    }
  g_free (self->chunks);
  g_ptr_array_unref (self->threads);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->to_compress);
  g_cond_clear (&self->compressed);
  g_free (self);
}

/* Waits for the oldest chunk that is on the way, and writes it. */
static int
write_chunk (TvmGzipWriter *self)
{
  Chunk *chunk = &self->chunks[self->n_written % self->n_chunks];
  int errsv;

  g_mutex_lock (&self->lock);
  while (!chunk->done)
    g_cond_wait (&self->compressed, &self->lock);
  g_mutex_unlock (&self->lock);

  errsv = tvm_archive_write_fully (self->fd, chunk->out, chunk->out_length);
  chunk->in_length = 0;
  chunk->done = FALSE;
  self->n_written++;
  return errsv;
}

static void
start_threads (TvmGzipWriter *self)
{
  while (self->threads->len < self->n_threads)
    {
      GThread *thread = g_thread_try_new ("tvm-gzip", work, self, NULL);

      if (thread == NULL)
        return;
      g_ptr_array_add (self->threads, thread);
    }
}

/* Has the chunk that is full compressed: by the threads, or where there is only one chunk or no
 * thread can be had, here. */
static void
submit (TvmGzipWriter *self,
        gboolean       last)
{
  Chunk *chunk = &self->chunks[self->n_filled % self->n_chunks];
  Compressor *compressor = NULL;

  if (self->n_threads > 1 && (!last || self->n_filled > 0) && self->threads->len == 0)
    start_threads (self);

  if (self->threads->len > 0)
    {
      g_mutex_lock (&self->lock);
      self->n_filled++;
      g_cond_signal (&self->to_compress);
      g_mutex_unlock (&self->lock);
      return;
    }

  compress_chunk (self, &compressor, chunk);
  compressor_free (compressor);
  chunk->done = TRUE;
  self->n_filled++;
  self->n_taken++;
}

int
tvm_gzip_writer_write (TvmGzipWriter *self,
                       const void    *data,
                       gsize          length)
{
  const char *p = data;

  while (length > 0)
    {
      Chunk *chunk = &self->chunks[self->n_filled % self->n_chunks];
      gsize n;

      if (self->n_filled - self->n_written == self->n_chunks)
        {
          int errsv = write_chunk (self);

          if (errsv != 0)
            return errsv;
        }

      if (chunk->in == NULL)
        chunk->in = g_malloc (CHUNK_SIZE);
      n = MIN (length, CHUNK_SIZE - chunk->in_length);
      memcpy (chunk->in + chunk->in_length, p, n);
      chunk->in_length += n;
      p += n;
      length -= n;
      if (chunk->in_length == CHUNK_SIZE)
        submit (self, FALSE);
    }

  return 0;
}

int
tvm_gzip_writer_close (TvmGzipWriter *self)
{
  if (self->n_filled - self->n_written < self->n_chunks
      && self->chunks[self->n_filled % self->n_chunks].in_length > 0)
    submit (self, TRUE);

  while (self->n_written < self->n_filled)
    {
      int errsv = write_chunk (self);

      if (errsv != 0)
        return errsv;
    }

  return 0;
}
