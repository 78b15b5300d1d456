/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-io-thread-private.h"

#include "tvmsupport/process/tvm-sync-private.h"

#include <glib/gi18n-lib.h>
#include <pthread.h>
#include <signal.h>

typedef struct
{
  GMainContext *context;
  guint generation;
} IoThread;

/* How many forks lie between the process that loaded the library and this one */
static guint generation;
static IoThread *current;
static GMutex lock;

/* In the child of a fork, where only async-signal-safe calls are allowed. Another thread of the
 * parent may have held the lock; it is not here to release it. */
static void
after_fork (void)
{
  generation++;
  g_mutex_init (&lock);
}

__attribute__ ((constructor)) static void
watch_forks (void)
{
  pthread_atfork (NULL, NULL, after_fork);
}

gboolean
tvm_io_thread_is_forked (void)
{
  return generation != 0;
}

static gpointer
run_io_thread (gpointer data)
{
  GMainContext *context = data;

  g_main_context_push_thread_default (context);
  for (;;)
    g_main_context_iteration (context, TRUE);

  return NULL;
}

static IoThread *
start_io_thread (GError **error)
{
  g_autoptr (GMainContext) context = NULL;
  IoThread *self;
  GThread *thread;
  sigset_t all;
  sigset_t old;

  if (!tvm_sync_can_make_context (error))
    return NULL;

  /* The signals of the application are for its own threads. */
  context = g_main_context_new ();
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  thread = g_thread_try_new ("tvmsupport-io", run_io_thread, context, error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (thread == NULL)
    {
      g_prefix_error_literal (error, _("Could not start the I/O thread: "));
      return NULL;
    }

  g_thread_unref (thread);
  self = g_new (IoThread, 1);
  self->context = g_steal_pointer (&context);
  self->generation = generation;
  return self;
}

GMainContext *
tvm_io_thread_get_context (GError **error)
{
  IoThread *self = g_atomic_pointer_get (&current);

  if (self != NULL && self->generation == generation)
    return self->context;

  /* That of a parent process is left as it is: its thread may have been anywhere in it. */
  g_mutex_lock (&lock);
  self = g_atomic_pointer_get (&current);
  if (self == NULL || self->generation != generation)
    {
      self = start_io_thread (error);
      if (self != NULL)
        g_atomic_pointer_set (&current, self);
    }
  g_mutex_unlock (&lock);

  return self != NULL ? self->context : NULL;
}

void
tvm_io_thread_invoke (GMainContext *context,
                      GSourceFunc   func,
                      gpointer      user_data,
                      const char   *name)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_unref (tvm_io_thread_attach (context, source, func, user_data, name));
}

GSource *
tvm_io_thread_attach (GMainContext *context,
                      GSource      *source,
                      GSourceFunc   func,
                      gpointer      user_data,
                      const char   *name)
{
  g_source_set_callback (source, func, user_data, NULL);
  g_source_set_name (source, name);
  /* It never does, but GLib would take the descriptor out of the poll for the time of each call,
   * and wake this very thread for that. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return g_source_ref (source);
}

void
tvm_io_thread_clear (GSource **source)
{
  if (*source == NULL)
    return;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static gboolean
cancel (gpointer user_data)
{
  g_autoptr (GCancellable) cancellable = user_data;

  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* For a caller that holds a lock which a handler of the cancellable might need */
void
tvm_io_thread_cancel_later (GCancellable *cancellable)
{
  GMainContext *context = tvm_io_thread_get_context (NULL);

  if (context != NULL)
    tvm_io_thread_invoke (context, cancel, g_object_ref (cancellable), "[tvmsupport] cancel");
}

guint
tvm_io_thread_get_generation (void)
{
  return generation;
}
