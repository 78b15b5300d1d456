/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-guard-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

/* How long exit() waits. HIPRTC, and NVRTC before 12.9, cannot be told to stop. */
#define EXIT_WAIT_USEC (10 * G_USEC_PER_SEC)

static GMutex lock;
static GCond left;
static guint n_inside;   /* guarded by the lock */
static guint n_handlers; /* guarded by the lock */
static int closed;       /* (atomic) */

static void
close_at_exit (void)
{
  gint64 end = g_get_monotonic_time () + EXIT_WAIT_USEC;

  g_mutex_lock (&lock);
  g_atomic_int_set (&closed, 1);
  while (n_inside > 0 && g_cond_wait_until (&left, &lock, end))
    ;
  g_mutex_unlock (&lock);
}

gboolean
tvm_rtc_guard_is_closed (void)
{
  return g_atomic_int_get (&closed) != 0;
}

/* Exit handlers run from the last to the first. A library adds its own when it is loaded, and
 * others in its first compile: ours must come after both. */
static void
add_handler (guint wanted)
{
  if (n_handlers < wanted && atexit (close_at_exit) == 0)
    n_handlers = wanted;
}

gboolean
tvm_rtc_guard_enter (GError **error)
{
  gboolean entered;

  g_mutex_lock (&lock);
  entered = !tvm_rtc_guard_is_closed ();
  if (entered)
    {
      n_inside++;
      add_handler (1);
    }
  g_mutex_unlock (&lock);

  if (!entered)
    g_set_error_literal (error, TVM_ERROR, TVM_ERROR_FAILED, _("The process ends"));
  return entered;
}

void
tvm_rtc_guard_leave (void)
{
  g_mutex_lock (&lock);
  add_handler (2);
  n_inside--;
  g_cond_broadcast (&left);
  g_mutex_unlock (&lock);
}
