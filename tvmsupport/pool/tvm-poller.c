/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-poller-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_EVENTS 64

typedef struct
{
  GMainContext *context;
  int epoll_fd;
  gboolean in_batch;      /* of the I/O thread: events that name handles are being handled */
  GSList *dead;           /* of the I/O thread (element-type TvmPollHandle): for the end of the batch */
} Poller;

struct _TvmPollHandle
{
  Poller *poller;
  int fd;
  TvmPollEvents events;
  int removed;            /* atomic */
  TvmPollFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
};

static GMutex lock;
static Poller *current;

static void
handle_free (gpointer data)
{
  TvmPollHandle *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

static gboolean
poller_ready (int          fd,
              GIOCondition condition,
              gpointer     user_data)
{
  struct epoll_event events[MAX_EVENTS];
  Poller *self = user_data;
  int n = epoll_wait (self->epoll_fd, events, MAX_EVENTS, 0);

  self->in_batch = TRUE;
  for (int i = 0; i < n; i++)
    {
      TvmPollHandle *handle = events[i].data.ptr;

      if (!g_atomic_int_get (&handle->removed))
        handle->func (handle->user_data);
    }
  self->in_batch = FALSE;

  g_slist_free_full (g_steal_pointer (&self->dead), handle_free);
  return G_SOURCE_CONTINUE;
}

static Poller *
poller_new (GMainContext  *context,
            GError       **error)
{
  Poller *self;
  int fd = tvm_fd_raise (epoll_create1 (EPOLL_CLOEXEC));

  if (fd < 0)
    {
      tvm_error_set_errno (error, errno, _("Could not watch descriptors"));
      return NULL;
    }

  self = g_new0 (Poller, 1);
  self->context = context;
  self->epoll_fd = fd;
  g_source_unref (tvm_io_thread_attach (context, g_unix_fd_source_new (fd, G_IO_IN),
                                        G_SOURCE_FUNC (poller_ready), self,
                                        "[tvmsupport] poller"));
  return self;
}

/* The one that belongs to the I/O thread of this process, which lives as long as that does */
static Poller *
get_poller (GError **error)
{
  GMainContext *context = tvm_io_thread_get_context (error);
  Poller *self;

  if (context == NULL)
    return NULL;

  g_mutex_lock (&lock);
  if (current == NULL || current->context != context)
    {
      self = poller_new (context, error);
      if (self != NULL)
        current = self;
    }
  else
    self = current;
  g_mutex_unlock (&lock);

  return self;
}

static struct epoll_event
make_event (TvmPollHandle *self)
{
  struct epoll_event event = { .data.ptr = self };

  if ((self->events & TVM_POLL_IN) != 0)
    event.events |= EPOLLIN | EPOLLRDHUP;
  if ((self->events & TVM_POLL_OUT) != 0)
    event.events |= EPOLLOUT;

  /* EPOLLHUP and EPOLLERR always come, and would come again and again. */
  if (self->events == TVM_POLL_NONE)
    event.events = EPOLLET;
  return event;
}

TvmPollHandle *
tvm_poller_add (int              fd,
                TvmPollEvents    events,
                TvmPollFunc      func,
                gpointer         user_data,
                GDestroyNotify   destroy,
                GError         **error)
{
  Poller *poller = get_poller (error);
  struct epoll_event event;
  TvmPollHandle *self;

  if (poller == NULL)
    return NULL;

  self = g_new0 (TvmPollHandle, 1);
  self->poller = poller;
  self->fd = fd;
  self->events = events;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;

  event = make_event (self);
  if (epoll_ctl (poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
    return self;

  tvm_error_set_errno (error, errno, _("Could not watch a descriptor"));
  g_free (self);
  return NULL;
}

void
tvm_poll_handle_arm (TvmPollHandle *self,
                     TvmPollEvents  events)
{
  struct epoll_event event;

  if (self->events == events)
    return;

  self->events = events;
  event = make_event (self);
  epoll_ctl (self->poller->epoll_fd, EPOLL_CTL_MOD, self->fd, &event);
}

static gboolean
free_on_io_thread (gpointer user_data)
{
  handle_free (user_data);
  return G_SOURCE_REMOVE;
}

void
tvm_poll_handle_remove (TvmPollHandle *self)
{
  Poller *poller = self->poller;

  g_atomic_int_set (&self->removed, TRUE);
  epoll_ctl (poller->epoll_fd, EPOLL_CTL_DEL, self->fd, NULL);

  /* Elsewhere the I/O thread may have an event in its hands that names the handle. */
  if (g_main_context_is_owner (poller->context) && poller->in_batch)
    poller->dead = g_slist_prepend (poller->dead, self);
  else
    tvm_io_thread_invoke (poller->context, free_on_io_thread, self, "[tvmsupport] end of watch");
}
