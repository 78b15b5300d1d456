/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-fork-private.h"

#include <pthread.h>
#include <unistd.h>

static GMutex fork_mutex;
static GArray *fork_fds;        /* (element-type int); guarded by fork_mutex */
static guint fork_generation;   /* atomic: forks between us and our first ancestor */
static guint fork_count;        /* atomic: forks of this process */

static void
before_fork (void)
{
  g_mutex_lock (&fork_mutex);
}

static void
after_fork_in_parent (void)
{
  g_atomic_int_inc (&fork_count);
  g_mutex_unlock (&fork_mutex);
}

/* Only what is safe in a child of a process with threads: no memory is taken or freed. */
static void
after_fork_in_child (void)
{
  for (guint i = 0; i < fork_fds->len; i++)
    close (g_array_index (fork_fds, int, i));
  g_array_set_size (fork_fds, 0);

  g_atomic_int_inc (&fork_generation);
  g_mutex_unlock (&fork_mutex);
}

static void
ensure_handlers (void)
{
  static gsize done = 0;

  if (g_once_init_enter (&done))
    {
      fork_fds = g_array_new (FALSE, FALSE, sizeof (int));
      pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
      g_once_init_leave (&done, 1);
    }
}

TvmOwner
tvm_owner_get_current (void)
{
  ensure_handlers ();
  return (TvmOwner) { getpid (), g_atomic_int_get (&fork_generation) };
}

gboolean
tvm_owner_is_current (TvmOwner owner)
{
  return owner.pid == getpid () && !tvm_owner_is_forked (owner);
}

gboolean
tvm_owner_is_forked (TvmOwner owner)
{
  return owner.generation != (guint) g_atomic_int_get (&fork_generation);
}

void
tvm_fork_lock (void)
{
  ensure_handlers ();
  g_mutex_lock (&fork_mutex);
}

void
tvm_fork_unlock (void)
{
  g_mutex_unlock (&fork_mutex);
}

guint
tvm_fork_get_count (void)
{
  return g_atomic_int_get (&fork_count);
}

void
tvm_fork_add_fd (int fd)
{
  g_array_append_val (fork_fds, fd);
}

void
tvm_fork_remove_fd (int fd)
{
  for (guint i = 0; i < fork_fds->len; i++)
    {
      if (g_array_index (fork_fds, int, i) == fd)
        {
          g_array_remove_index_fast (fork_fds, i);
          return;
        }
    }
}
