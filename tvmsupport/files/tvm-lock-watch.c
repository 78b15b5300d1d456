/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-lock-watch-private.h"

#include "tvmsupport/files/tvm-fork-private.h"

#include <sys/inotify.h>
#include <unistd.h>

#define WATCHED_EVENTS (IN_CLOSE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)

/* All guarded by the fork lock. A forked child has an instance of its own: of one that it shared it
 * would take the events away from its parent. */
static struct
{
  TvmOwner owner;
  guint generation;
  int fd;               /* or -1: there is only the poll */
  GHashTable *watches;  /* wd to (element-type TvmLockWatch), of those who have the file watched */
} instance;

/* Call with the fork lock held. Returns: the descriptor of this process, or -1 */
static int
ensure_instance (void)
{
  if (instance.watches != NULL && instance.fd >= 0 && tvm_owner_is_current (instance.owner))
    return instance.fd;

  /* What is in the table of a parent is the parent's. */
  if (instance.watches != NULL)
    g_hash_table_unref (instance.watches);
  instance.watches = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  instance.owner = tvm_owner_get_current ();
  instance.generation++;
  /* The lock keeps a fork out until the descriptor is known. */
  instance.fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (instance.fd >= 0)
    tvm_fork_add_fd (instance.fd);
  return instance.fd;
}

/* Call with the fork lock held. */
static gboolean
is_ours (const TvmLockWatch *self)
{
  return self->wd >= 0 && self->generation == instance.generation
         && tvm_owner_is_current (instance.owner);
}

static void
leave (TvmLockWatch *self)
{
  GPtrArray *watches;

  if (is_ours (self))
    {
      watches = g_hash_table_lookup (instance.watches, GINT_TO_POINTER (self->wd));
      if (watches != NULL && g_ptr_array_remove_fast (watches, self) && watches->len == 0)
        {
          g_hash_table_remove (instance.watches, GINT_TO_POINTER (self->wd));
          inotify_rm_watch (instance.fd, self->wd);
        }
    }
  self->wd = -1;
  self->events = 0;
}

void
tvm_lock_watch_attach (TvmLockWatch *self,
                       GSource      *source)
{
  int fd;

  tvm_fork_lock ();
  fd = ensure_instance ();
  self->source = source;
  tvm_fork_unlock ();

  if (fd >= 0)
    g_source_add_unix_fd (source, fd, G_IO_IN);
}

gboolean
tvm_lock_watch_set_file (TvmLockWatch *self,
                         int           fd)
{
  GPtrArray *watches;
  char link[64];

  g_snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  tvm_fork_lock ();
  leave (self);
  if (ensure_instance () >= 0)
    self->wd = inotify_add_watch (instance.fd, link, WATCHED_EVENTS);
  if (self->wd >= 0)
    {
      self->generation = instance.generation;
      watches = g_hash_table_lookup (instance.watches, GINT_TO_POINTER (self->wd));
      if (watches == NULL)
        {
          watches = g_ptr_array_new ();
          g_hash_table_insert (instance.watches, GINT_TO_POINTER (self->wd), watches);
        }
      g_ptr_array_add (watches, self);
    }
  tvm_fork_unlock ();

  return self->wd >= 0;
}

/* Call with the fork lock held: without it, the source and its context could be gone. */
static void
tell (GPtrArray          *watches,
      guint32             mask,
      const TvmLockWatch *reader)
{
  for (guint i = 0; watches != NULL && i < watches->len; i++)
    {
      TvmLockWatch *watch = watches->pdata[i];

      if (watch->events == 0 && watch != reader)
        g_source_set_ready_time (watch->source, 0);
      watch->events |= mask;
    }
}

/* Call with the fork lock held. */
static void
tell_all (const TvmLockWatch *reader)
{
  GHashTableIter iter;
  gpointer watches;

  g_hash_table_iter_init (&iter, instance.watches);
  while (g_hash_table_iter_next (&iter, NULL, &watches))
    tell (watches, IN_Q_OVERFLOW, reader);
}

/* Call with the fork lock held. */
static void
read_events (const TvmLockWatch *reader)
{
  union
  {
    struct inotify_event event;
    char bytes[4096];
  } buffer;
  gssize n;

  while ((n = read (instance.fd, &buffer, sizeof buffer)) > 0)
    {
      const struct inotify_event *event;

      for (gssize i = 0; i < n; i += (gssize) sizeof *event + event->len)
        {
          event = (const struct inotify_event *) (buffer.bytes + i);
          if ((event->mask & IN_Q_OVERFLOW) != 0)
            tell_all (reader);
          else if ((event->mask & IN_IGNORED) == 0)
            tell (g_hash_table_lookup (instance.watches, GINT_TO_POINTER (event->wd)), event->mask,
                  reader);
        }
    }
}

guint32
tvm_lock_watch_take (TvmLockWatch *self)
{
  guint32 events;

  tvm_fork_lock ();
  if (is_ours (self))
    read_events (self);
  events = self->events;
  self->events = 0;
  tvm_fork_unlock ();

  return events;
}

gboolean
tvm_lock_watch_pending (TvmLockWatch *self)
{
  gboolean pending;

  tvm_fork_lock ();
  pending = self->events != 0;
  tvm_fork_unlock ();
  return pending;
}

void
tvm_lock_watch_clear (TvmLockWatch *self)
{
  tvm_fork_lock ();
  leave (self);
  self->source = NULL;
  tvm_fork_unlock ();
}
