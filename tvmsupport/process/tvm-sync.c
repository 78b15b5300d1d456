/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-sync-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A GMainContext aborts the process if it gets no descriptor. */
gboolean
tvm_sync_can_make_context (GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC);

  if (fd < 0)
    return tvm_error_set_errno (error, errno, _("Could not make a main context"));

  close (fd);
  return TRUE;
}

gboolean
tvm_sync_begin (TvmSync  *sync,
                GError  **error)
{
  if (!tvm_sync_can_make_context (error))
    return FALSE;

  sync->context = g_main_context_new ();
  g_main_context_push_thread_default (sync->context);
  return TRUE;
}

/* The GAsyncReadyCallback of every call that a TvmSync waits for. */
void
tvm_sync_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  TvmSync *sync = user_data;

  g_assert (sync->result == NULL);
  sync->result = g_object_ref (result);
}

/* Returns: (transfer none): the result, which lives until the end of the scope */
GAsyncResult *
tvm_sync_wait (TvmSync *sync)
{
  while (sync->result == NULL)
    g_main_context_iteration (sync->context, TRUE);

  return sync->result;
}

void
tvm_sync_end (TvmSync *sync)
{
  if (sync->context == NULL)
    return;

  /* The task holds its task data until its idle source has gone: let it finish here, where its
   * context still exists, and not in whichever thread drops the last reference. */
  g_clear_object (&sync->result);
  while (g_main_context_iteration (sync->context, FALSE))
    ;

  g_main_context_pop_thread_default (sync->context);
  g_clear_pointer (&sync->context, g_main_context_unref);
}
