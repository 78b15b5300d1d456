/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Where the stdout and the stderr of a command, or of a worker, are read. */

#define READ_SIZE (64 * 1024)

struct _TvmOutlet
{
  int ref_count;            /* atomic */
  TvmEngine *engine;        /* (owned): memory only */
  int fd;                   /* -1 when there is nothing more to read */
  TvmPollHandle *handle;    /* (nullable) */
  gsize limit;
  TvmCapture capture;
};

static void
outlet_unref (gpointer data)
{
  TvmOutlet *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->fd >= 0)
    close (self->fd);
  tvm_capture_clear (&self->capture);
  tvm_engine_release (self->engine);
  g_free (self);
}

static void
outlet_close_locked (TvmOutlet *self)
{
  g_clear_pointer (&self->handle, tvm_poll_handle_remove);
  if (self->fd >= 0)
    close (g_steal_fd (&self->fd));
}

/* Reads at most @max bytes. */
static void
outlet_read_locked (TvmOutlet *self,
                    gsize      max)
{
  guint8 buffer[READ_SIZE];

  while (max > 0 && self->fd >= 0)
    {
      ssize_t n = read (self->fd, buffer, MIN (max, sizeof buffer));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n <= 0)
        {
          outlet_close_locked (self);
          return;
        }

      tvm_capture_append (&self->capture, buffer, n);
      max -= n;
    }
}

static void
outlet_ready (gpointer user_data)
{
  TvmOutlet *self = user_data;

  /* One buffer at a time, so that a loud one does not keep the others waiting */
  tvm_engine_lock (self->engine);
  outlet_read_locked (self, READ_SIZE);
  tvm_engine_unlock (self->engine);
}

TvmOutlet *
tvm_outlet_new (TvmEngine  *engine,
                gsize       limit,
                int        *write_end,
                GError    **error)
{
  TvmOutlet *self;
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) != 0 || !tvm_fd_raise_pair (fds))
    {
      tvm_error_set_errno (error, errno, _("Could not make a pipe"));
      return NULL;
    }
  fcntl (fds[0], F_SETFL, O_NONBLOCK);

  self = g_new0 (TvmOutlet, 1);
  self->ref_count = 2;
  self->fd = fds[0];
  self->limit = limit;
  self->engine = engine;
  tvm_engine_hold (engine);
  tvm_capture_init (&self->capture, limit);

  self->handle = tvm_poller_add (fds[0], TVM_POLL_IN, outlet_ready, self, outlet_unref, error);
  if (self->handle == NULL)
    {
      close (fds[1]);
      outlet_unref (self);
      outlet_unref (self);
      return NULL;
    }

  *write_end = fds[1];
  return self;
}

/* What was written until now, and not what somebody may go on writing. */
static GBytes *
outlet_take_locked (TvmOutlet     *self,
                    TvmTaskResult *result)
{
  int available = 0;
  GBytes *bytes;

  if (self->fd >= 0 && ioctl (self->fd, FIONREAD, &available) == 0 && available > 0)
    outlet_read_locked (self, available);

  if (tvm_capture_is_truncated (&self->capture))
    result->truncated = TRUE;
  bytes = tvm_capture_finish (&self->capture);
  tvm_capture_clear (&self->capture);
  tvm_capture_init (&self->capture, self->limit);
  return bytes;
}

void
tvm_outlets_take_locked (TvmOutlets    *self,
                         TvmTaskResult *result)
{
  if (self->out != NULL)
    result->stdout_bytes = outlet_take_locked (self->out, result);
  if (self->err != NULL)
    result->stderr_bytes = outlet_take_locked (self->err, result);
}

void
tvm_outlets_close_locked (TvmOutlets *self)
{
  if (self->out != NULL)
    outlet_close_locked (self->out);
  if (self->err != NULL)
    outlet_close_locked (self->err);

  g_clear_pointer (&self->out, outlet_unref);
  g_clear_pointer (&self->err, outlet_unref);
}
