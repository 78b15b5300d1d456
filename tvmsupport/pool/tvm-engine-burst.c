/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

/* A burst: somebody submits one short call after the other, and waits for none. Workers that are
 * faster than that would be woken for every call, and would wake the I/O thread for every answer:
 * several system calls and changes of thread, which take longer than the call itself. So what comes
 * in a burst is held for a moment, and a worker gets several calls at once.
 *
 * The first calls of a burst, calls that are not known to be short, and what somebody waits for are
 * never held.
 *
 * Who submits the next call when one has ended looks the same, but waits for what is held: nothing
 * comes any more before the time is over. Each time that happens it takes longer until something is
 * held again. */

/* How much time is between two calls of a burst, at most. A thread of an interpreter has to wait for
 * its turn now and then, which does not end a burst. */
#define GAP_USEC 60
/* How many come before anything is held */
#define FIRST_CALLS 16
/* A call is short if a worker may have so many. */
#define SHORT_DEPTH 8
/* How long calls are held, and how many for each worker, at most */
#define HOLD_USEC 150
#define HELD_CALLS 16
/* How many calls come before anything is held again, at most, after it was in vain */
#define MAXIMUM_PAUSE 8192

/* Before a call is queued that nobody waits for yet */
void
tvm_engine_note_submission_locked (TvmEngine *self)
{
  gint64 now = g_get_monotonic_time ();

  if (now - self->submitted_at < GAP_USEC)
    self->n_burst = MIN (self->n_burst + 1, 4 * FIRST_CALLS);
  else if (self->n_burst > 0)
    self->n_burst /= 2;
  self->submitted_at = now;

  if (self->corked > 0 || self->n_burst < FIRST_CALLS || self->max_depth < SHORT_DEPTH
      || self->held_until != NEVER)
    return;

  self->held_until = now + HOLD_USEC;
  tvm_engine_set_timer_locked (self, self->held_until);
}

/* Whether what is queued is to stay queued */
gboolean
tvm_engine_is_held_locked (TvmEngine *self)
{
  if (self->held_until == NEVER)
    return FALSE;
  if (self->n_queued < (guint64) HELD_CALLS * self->max_workers)
    return TRUE;

  self->held_until = NEVER;
  self->hold_pause = 0;
  return FALSE;
}

/* To be called now and then. Returns: when to call it again, or NEVER */
gint64
tvm_engine_check_hold_locked (TvmEngine *self,
                              gint64     now)
{
  if (now < self->held_until)
    return self->held_until;

  self->held_until = NEVER;
  if (now - self->submitted_at < GAP_USEC)
    return NEVER;

  self->hold_pause = MIN (2 * self->hold_pause + FIRST_CALLS, MAXIMUM_PAUSE);
  self->n_burst = -self->hold_pause;
  return NEVER;
}

/* Somebody waits. */
void
tvm_engine_end_hold_locked (TvmEngine *self)
{
  if (self->held_until == NEVER)
    return;

  self->held_until = NEVER;
  tvm_engine_dispatch_locked (self);
}
