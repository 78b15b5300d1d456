/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-channel-watch-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * Most calls end soon, and must not pay for two switches between threads. So the thread does not
 * take the connection when a call begins, but looks once per tick whether one is still there that
 * was there at the last: then it has the connection until end asks for it back. After some ticks
 * without a call it sleeps.
 */
#define TICK_USEC 1000
#define MAX_IDLE_TICKS 20

struct _TvmChannelWatch
{
  int fd;
  TvmChannelWatchRead read;
  gpointer user_data;

  GThread *thread;
  int wake_fd;              /* readable when the thread is to stop reading */

  GMutex lock;
  GCond awake;
  GCond given_back;
  guint64 n_begun;
  gboolean begun;           /* between begin and end */
  gboolean sleeping;
  gboolean reading;         /* the thread has the connection */
  gboolean quit;
};

/* Returns: whether there is something to read, and nobody wants the thread to stop */
static gboolean
wait_readable (TvmChannelWatch *self)
{
  struct pollfd polled[] = {
    { .fd = self->fd, .events = POLLIN },
    { .fd = self->wake_fd, .events = POLLIN },
  };

  while (poll (polled, G_N_ELEMENTS (polled), -1) < 0)
    if (errno != EINTR && errno != EAGAIN)
      return FALSE;

  return polled[1].revents == 0;
}

/* With the lock, which it gives away meanwhile */
static void
read_while_called (TvmChannelWatch *self)
{
  self->reading = TRUE;
  g_mutex_unlock (&self->lock);

  /* What was read before the call began may be waiting in the buffer of the reader. */
  while (self->read (self->user_data) && wait_readable (self))
    ;

  g_mutex_lock (&self->lock);
  /* For this call there is nothing more to do, whoever made it stop. */
  self->begun = FALSE;
  self->reading = FALSE;
  g_cond_signal (&self->given_back);
}

static gpointer
watch_thread (gpointer data)
{
  TvmChannelWatch *self = data;
  guint n_idle = 0;

  g_mutex_lock (&self->lock);
  while (!self->quit)
    {
      guint64 n_begun = self->n_begun;

      self->sleeping = n_idle > MAX_IDLE_TICKS;
      if (self->sleeping)
        g_cond_wait (&self->awake, &self->lock);
      else
        g_cond_wait_until (&self->awake, &self->lock, g_get_monotonic_time () + TICK_USEC);

      n_idle = n_begun == self->n_begun ? n_idle + 1 : 0;
      if (self->begun && n_begun == self->n_begun)
        read_while_called (self);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* A signal to this process is for the thread that runs its calls. */
static GThread *
start_thread (TvmChannelWatch *self)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new ("tvm-cancel", watch_thread, self, NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return thread;
}

TvmChannelWatch *
tvm_channel_watch_new (int                 fd,
                       TvmChannelWatchRead read_func,
                       gpointer            user_data)
{
  TvmChannelWatch *self = g_new0 (TvmChannelWatch, 1);

  self->fd = fd;
  self->read = read_func;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->awake);
  g_cond_init (&self->given_back);
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->wake_fd >= 0)
    self->thread = start_thread (self);

  if (self->thread == NULL)
    g_clear_pointer (&self, tvm_channel_watch_free);
  return self;
}

void
tvm_channel_watch_begin (TvmChannelWatch *self)
{
  g_mutex_lock (&self->lock);
  self->n_begun++;
  self->begun = TRUE;
  if (self->sleeping)
    g_cond_signal (&self->awake);
  g_mutex_unlock (&self->lock);
}

/* With the lock */
static void
take_back (TvmChannelWatch *self)
{
  guint64 count = 1;
  gssize n;

  self->begun = FALSE;
  if (!self->reading)
    return;

  n = write (self->wake_fd, &count, sizeof count);
  while (self->reading)
    g_cond_wait (&self->given_back, &self->lock);
  if (n == sizeof count)
    n = read (self->wake_fd, &count, sizeof count);
}

void
tvm_channel_watch_end (TvmChannelWatch *self)
{
  g_mutex_lock (&self->lock);
  take_back (self);
  g_mutex_unlock (&self->lock);
}

void
tvm_channel_watch_free (TvmChannelWatch *self)
{
  if (self->thread != NULL)
    {
      g_mutex_lock (&self->lock);
      take_back (self);
      self->quit = TRUE;
      g_cond_signal (&self->awake);
      g_mutex_unlock (&self->lock);
      g_thread_join (self->thread);
    }

  if (self->wake_fd >= 0)
    close (self->wake_fd);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->awake);
  g_cond_clear (&self->given_back);
  g_free (self);
}
