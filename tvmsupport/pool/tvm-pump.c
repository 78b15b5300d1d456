/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* What workers print, on its way to a stream. A stream with a descriptor is what they write to;
 * any other one is written to by the I/O thread, so that nobody has to iterate a context for it.
 * What a stream does not take is dropped: no worker is to wait for it, or die of it. */

#define BUFFER_SIZE (64 * 1024)

struct _TvmPump
{
  int ref_count;            /* atomic */
  TvmEngine *engine;        /* (owned): memory only */
  GOutputStream *stream;    /* (owned) */

  /* Of the I/O thread */
  int fd;
  TvmPollHandle *handle;    /* (nullable): NULL when all is done */
  gboolean ending;          /* nobody is left who writes */
  guint8 *buffer;
  gsize n_bytes;            /* in @buffer, on their way; 0 if nothing is */
};

static void begin_write (TvmPump *self);
static void pump_move   (TvmPump *self);

static TvmPump *
pump_ref (TvmPump *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
pump_unref (gpointer data)
{
  TvmPump *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->fd >= 0)
    close (self->fd);
  g_object_unref (self->stream);
  g_free (self->buffer);
  tvm_engine_release (self->engine);
  g_free (self);
}

/* Returns: those whose bytes are to go to @stream, the first of which is at it: a stream takes one
 * write at a time, and several pools may have the same one. Of the I/O thread
 * (element-type TvmPump) */
static GQueue *
get_line (GOutputStream *stream)
{
  static GQuark quark;
  GQueue *line;

  if (quark == 0)
    quark = g_quark_from_static_string ("tvmsupport-pumps");

  line = g_object_get_qdata (G_OBJECT (stream), quark);
  if (line == NULL)
    {
      line = g_queue_new ();
      g_object_set_qdata_full (G_OBJECT (stream), quark, line, (GDestroyNotify) g_queue_free);
    }
  return line;
}

static void
written (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  TvmPump *self = user_data;
  GQueue *line = get_line (self->stream);
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all_finish (self->stream, result, NULL, &error))
    g_debug ("Output of workers is lost: %s", error->message);

  self->n_bytes = 0;
  g_queue_pop_head (line);
  if (!g_queue_is_empty (line))
    begin_write (g_queue_peek_head (line));

  pump_move (self);
  pump_unref (self);
}

static void
begin_write (TvmPump *self)
{
  g_output_stream_write_all_async (self->stream, self->buffer, self->n_bytes, G_PRIORITY_DEFAULT,
                                   NULL, written, self);
}

static void
finish (TvmPump *self)
{
  TvmEngine *engine = self->engine;

  g_clear_pointer (&self->handle, tvm_poll_handle_remove);
  close (g_steal_fd (&self->fd));
  tvm_engine_lock (engine);
  engine->n_pumps--;
  tvm_engine_check_end_locked (engine);
  tvm_engine_unlock (engine);
}

/* Nothing is on its way. */
static void
pump_move (TvmPump *self)
{
  GQueue *line;
  ssize_t n;

  do
    n = read (self->fd, self->buffer, BUFFER_SIZE);
  while (n < 0 && errno == EINTR);

  if (n > 0)
    {
      tvm_poll_handle_arm (self->handle, TVM_POLL_NONE);
      self->n_bytes = n;
      line = get_line (self->stream);
      g_queue_push_tail (line, pump_ref (self));
      if (line->length == 1)
        begin_write (self);
    }
  /* A fork of the application may have the other end, and never write. */
  else if (n < 0 && errno == EAGAIN && !self->ending)
    tvm_poll_handle_arm (self->handle, TVM_POLL_IN);
  else
    finish (self);
}

static void
pump_ready (gpointer user_data)
{
  TvmPump *self = user_data;

  if (self->n_bytes == 0 && self->handle != NULL)
    pump_move (self);
}

static gboolean
end (gpointer user_data)
{
  TvmPump *self = user_data;

  self->ending = TRUE;
  pump_ready (self);
  pump_unref (self);
  return G_SOURCE_REMOVE;
}

static TvmPump *
pump_new (TvmEngine      *engine,
          GOutputStream  *stream,
          int            *write_end,
          GError        **error)
{
  TvmPump *self;
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) != 0 || !tvm_fd_raise_pair (fds))
    {
      tvm_error_set_errno (error, errno, _("Could not make a pipe"));
      return NULL;
    }
  fcntl (fds[0], F_SETFL, O_NONBLOCK);

  self = g_new0 (TvmPump, 1);
  self->ref_count = 2;
  self->engine = engine;
  tvm_engine_hold (engine);
  self->stream = g_object_ref (stream);
  self->fd = fds[0];
  self->buffer = g_malloc (BUFFER_SIZE);

  self->handle = tvm_poller_add (fds[0], TVM_POLL_IN, pump_ready, self, pump_unref, error);
  if (self->handle == NULL)
    {
      close (fds[1]);
      pump_unref (self);
      pump_unref (self);
      return NULL;
    }

  engine->n_pumps++;
  *write_end = fds[1];
  return self;
}

/* A stream with a descriptor: at once, as it may be closed until a worker is started. */
void
tvm_engine_open_streams (TvmEngine *self)
{
  const TvmWorkerStream *streams[] = { &self->spec->out, &self->spec->err };

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      GOutputStream *stream = streams[i]->stream;

      self->stream_fds[i] = -1;
      if (streams[i]->mode == TVM_WORKER_OUTPUT_STREAM && G_IS_FILE_DESCRIPTOR_BASED (stream))
        self->stream_fds[i] =
          fcntl (g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream)),
                 F_DUPFD_CLOEXEC, 3);
    }
}

int
tvm_engine_get_stream_fd_locked (TvmEngine  *self,
                                 guint       index,
                                 GError    **error)
{
  const TvmWorkerStream *streams[] = { &self->spec->out, &self->spec->err };
  GOutputStream *stream = streams[index]->stream;

  /* In their order */
  if (index == 1 && streams[0]->mode == TVM_WORKER_OUTPUT_STREAM && streams[0]->stream == stream)
    return tvm_engine_get_stream_fd_locked (self, 0, error);
  if (self->stream_fds[index] >= 0)
    return self->stream_fds[index];

  if (G_IS_FILE_DESCRIPTOR_BASED (stream))
    tvm_error_set_errno (error, EBADF, _("Could not use the stream for the output of workers"));
  else
    self->pumps[index] = pump_new (self, stream, &self->stream_fds[index], error);
  return self->stream_fds[index];
}

/* All that could write are gone. */
void
tvm_engine_end_streams_locked (TvmEngine *self)
{
  GMainContext *context = tvm_io_thread_get_context (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (self->stream_fds); i++)
    {
      if (self->stream_fds[i] >= 0)
        close (g_steal_fd (&self->stream_fds[i]));
      if (self->pumps[i] != NULL)
        tvm_io_thread_invoke (context, end, g_steal_pointer (&self->pumps[i]),
                              "[tvmsupport] end of output");
    }
}
