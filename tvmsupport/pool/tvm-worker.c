/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* One worker process, from FORK to EXITED. */

/* A worker whose channel has ended usually ends too, and its status tells why; on a busy machine that
 * takes a moment. One that stays is wrong in itself. */
#define LOST_GRACE_USEC 50000
/* Then it is killed; a nursery that does not answer is not waited for. */
#define STATUS_GRACE_USEC 500000
/* One that is not needed any more may end in its own way. */
#define RETIRE_GRACE_USEC 1000000

/* How many workers may end by themselves when they were to begin a call, until it is taken for the
 * reason */
#define MINIMUM_DEATHS 3

/* When the outbox of a worker is looked at: when about half of what was sent ahead is answered, so
 * that it gets more before it has to wait */
#define SOONEST_LOOK_USEC 20
#define LATEST_LOOK_USEC 1000

/* That it does not begin a call takes a worker no time, unless it is stuck. */
#define REVOKED_GRACE_USEC 1000000

/* Behind what runs for longer than that, and than so many others, nothing is to wait. */
#define PATIENCE_USEC 1000
#define PATIENCE_CALLS 4

#define DISPATCH_READS 64

TvmWorker *
tvm_worker_ref (TvmWorker *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
tvm_worker_unref (TvmWorker *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (g_queue_is_empty (&self->calls));
  tvm_wire_clear (&self->channel);
  if (self->page != NULL)
    tvm_status_page_unmap (self->page);
  g_clear_pointer (&self->nursery, tvm_nursery_link_unref);
  tvm_engine_release (self->engine);
  g_free (self);
}

/* Whether somebody waits for a call behind the one that runs */
static gboolean
has_waiting (const TvmWorker *self)
{
  return self->calls.length > 1 && ((const TvmCall *) self->calls.tail->data)->done != NULL;
}

void
tvm_worker_plan_look_locked (TvmWorker *self,
                             gint64     now)
{
  gint64 usec = self->calls.length * self->engine->average_nsec / 2000;

  if (self->end != WORKER_END_NOT || !has_waiting (self))
    {
      self->look_at = NEVER;
      return;
    }

  self->look_at = now + CLAMP (usec, SOONEST_LOOK_USEC, LATEST_LOOK_USEC);
  tvm_engine_set_timer_locked (self->engine, self->look_at);
}

/* The channel has something, or can take something. */
void
tvm_worker_ready (gpointer user_data)
{
  TvmWorker *self = user_data;

  tvm_engine_lock (self->engine);
  if (!self->gone && !self->led && self->handle != NULL)
    {
      tvm_worker_read_locked (self);
      tvm_engine_dispatch_locked (self->engine);
      tvm_worker_flush_locked (self);
      tvm_engine_check_end_locked (self->engine);
    }
  tvm_engine_unlock (self->engine);
}

void
tvm_worker_watch_locked (TvmWorker *self)
{
  TvmPollEvents events = TVM_POLL_NONE;

  if (self->handle == NULL)
    return;

  /* One that is idle needs no watch: the nursery tells when it ends. */
  if (!self->led && (!self->ready || !g_queue_is_empty (&self->calls)))
    events |= TVM_POLL_IN;
  else if (!self->led)
    events |= self->handle_events & TVM_POLL_IN;
  if (!self->led && tvm_wire_has_output (&self->channel))
    events |= TVM_POLL_OUT;

  self->handle_events = events;
  tvm_poll_handle_arm (self->handle, events);
}

void
tvm_worker_flush_locked (TvmWorker *self)
{
  if (self->channel_ended || self->end != WORKER_END_NOT)
    return;

  /* An error shows when it is read. */
  tvm_wire_flush (&self->channel);
  tvm_worker_watch_locked (self);
}

static void
unwatch (TvmWorker *self)
{
  g_clear_pointer (&self->handle, tvm_poll_handle_remove);
  shutdown (self->channel.fd, SHUT_RDWR);
}

gboolean
tvm_worker_is_usable (const TvmWorker *self)
{
  return self->end == WORKER_END_NOT && !self->channel_ended && !self->exited;
}

guint
tvm_worker_count_calls (const TvmWorker *self)
{
  guint n = self->calls.length;

  /* The ghosts are the last ones. */
  for (const GList *link = self->calls.tail; link != NULL; link = link->prev)
    {
      if (((const TvmCall *) link->data)->done != NULL)
        break;
      n--;
    }

  return n;
}

/* How many more calls it can be sent */
guint
tvm_worker_get_room (const TvmWorker *self)
{
  guint maximum = self->engine->spec->maximum_uses;
  guint depth = self->takes_ahead ? self->engine->max_depth : 1;

  if (!tvm_worker_is_usable (self) || self->worn || tvm_wire_has_output (&self->channel))
    return 0;
  if (maximum > 0)
    depth = MIN (depth, maximum - MIN (self->n_uses, maximum) + self->calls.length);

  return depth - MIN (self->calls.length, depth);
}

static gint64
get_patience (const TvmWorker *self)
{
  return MAX (PATIENCE_USEC, PATIENCE_CALLS * self->engine->average_nsec / 1000);
}

gboolean
tvm_worker_may_take_ahead (const TvmWorker *self,
                           gint64           now)
{
  const TvmCall *head = self->calls.head != NULL ? self->calls.head->data : NULL;

  return self->ready && self->takes_ahead && !self->led && head != NULL
         && (self->calls.length == 1 || has_waiting (self))
         && now - head->start < get_patience (self);
}

static gint64
add_usec (gint64 now,
          gint64 usec)
{
  return usec > NEVER - now ? NEVER : now + usec;
}

void
tvm_worker_begin_head_locked (TvmWorker *self,
                              gint64     now)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  /* Until then its own start is what is limited. */
  if (!self->ready)
    return;

  self->deadline = self->soft_deadline = NEVER;
  if (head == NULL)
    return;

  head->start = now;
  self->deadline = add_usec (now, head->done != NULL ? head->timeout_usec : REVOKED_GRACE_USEC);
  self->soft_deadline = add_usec (now, head->soft_timeout_usec);
  if (!self->led)
    tvm_engine_set_timer_locked (self->engine, MIN (self->deadline, self->soft_deadline));
}

/* Puts a call behind those that it has; it goes out with the next flush. */
gboolean
tvm_worker_send_locked (TvmWorker  *self,
                        TvmCall    *call,
                        GError    **error)
{
  guint16 flags = call->soft_timeout_usec != NEVER ? TVM_FRAME_FLAG_MAY_CANCEL : 0;
  int fds[3];
  guint n_fds = 0;

  if (self->engine->spec->payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    {
      if (!tvm_call_open_stdio (call, fds, &n_fds, error))
        return FALSE;
      if (n_fds == 3)
        flags |= TVM_FRAME_FLAG_HAS_STDIN;
    }

  call->state = CALL_SENT;
  call->worker = self;
  call->wire_id = self->next_wire_id++;
  call->begun_frame = FALSE;
  call->n_attempts++;
  self->n_uses++;
  if (call->rest != NULL)
    tvm_wire_push_split (&self->channel, TVM_FRAME_CALL, flags, call->wire_id, call->payload,
                         call->rest);
  else
    tvm_wire_push_fds (&self->channel, TVM_FRAME_CALL, flags, call->wire_id, call->payload,
                       fds, n_fds);
  g_queue_push_tail_link (&self->calls, &call->link);
  if (self->calls.length == 1)
    tvm_worker_begin_head_locked (self, g_get_monotonic_time ());

  self->engine->change_wanted = TRUE;
  return TRUE;
}

gboolean
tvm_worker_has_begun (const TvmWorker *self,
                      const TvmCall   *call)
{
  if (self->by_frames)
    return call->begun_frame;
  if (self->stopped)
    return call->wire_id <= self->begun_id;

  return self->page != NULL && tvm_status_page_has_begun (self->page, call->wire_id);
}

/* It says that it has begun also of a call that it is about to give back: what it says later is not
 * asked for. */
void
tvm_worker_stop_locked (TvmWorker *self)
{
  if (self->stopped || self->page == NULL)
    return;

  self->stopped = TRUE;
  self->revoked_id = self->next_wire_id - 1;
  self->begun_id = tvm_status_page_revoke (self->page, self->revoked_id);
}

/* Whatever is before a call that has begun was answered. */
static void
read_answers_before (TvmWorker *self,
                     guint64    id)
{
  const TvmCall *head;

  do
    if (!tvm_worker_read_locked (self))
      return;
  while (tvm_worker_is_readable (self) && (head = g_queue_peek_head (&self->calls)) != NULL
         && head->wire_id < id);
}

void
tvm_worker_revoke_locked (TvmWorker *self)
{
  const TvmCall *tail = g_queue_peek_tail (&self->calls);
  gboolean has_head = TRUE;
  guint64 begun_id;
  GList *previous;

  self->revoked_id = tail->wire_id;
  begun_id = tvm_status_page_revoke (self->page, self->revoked_id);

  read_answers_before (self, begun_id);
  if (self->end != WORKER_END_NOT)
    return;

  for (GList *link = self->calls.tail; link != NULL; link = previous)
    {
      TvmCall *call = link->data;

      previous = link->prev;
      if (call->wire_id <= begun_id)
        break;
      if (call->done == NULL)
        continue;

      has_head = previous != NULL;
      tvm_call_leave_worker_locked (call);
      call->n_attempts--;
      tvm_engine_requeue_locked (self->engine, call);
    }

  if (!has_head)
    tvm_worker_begin_head_locked (self, g_get_monotonic_time ());
}

/* Whether its wait status says more than that it was in the way */
static gboolean
has_own_end (const TvmWorker *self)
{
  if (!self->exited || self->wait_status < 0)
    return FALSE;

  return !(self->kill_sent && self->end == WORKER_END_LOST && WIFSIGNALED (self->wait_status)
           && WTERMSIG (self->wait_status) == SIGKILL);
}

/* @message: says how its worker ended */
static void
complete_died (TvmCall    *call,
               const char *message)
{
  TvmTaskResult *result;
  int pid = call->worker->pid;
  TvmOutlets *outlets = &call->worker->outlets;

  result = tvm_task_result_new_error (g_error_new_literal (TVM_ERROR, TVM_ERROR_WORKER_DIED,
                                                           message));
  result->worker_pid = pid;
  if (has_own_end (call->worker) && WIFSIGNALED (call->worker->wait_status))
    result->term_signal = WTERMSIG (call->worker->wait_status);
  else if (has_own_end (call->worker))
    result->exit_status = WEXITSTATUS (call->worker->wait_status);
  result->elapsed_usec = call->start != 0 ? g_get_monotonic_time () - call->start : 0;
  if (call->outlets.out == NULL)
    tvm_outlets_take_locked (outlets, result);
  tvm_call_complete_locked (call, result, NULL);
}

/* It has ended by itself, when it was to begin its head: that may be the reason. Where workers have
 * answered before, it is not that they cannot be started. */
static void
suspect_head (TvmWorker *self)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  if (!self->ready || head == NULL || head->done == NULL || tvm_worker_has_begun (self, head))
    return;

  head->n_deaths++;
  if (head->n_deaths > 1 || self->engine->proven)
    self->start_told = TRUE;
}

static void
complete_unbegun (TvmCall *call)
{
  g_autofree char *message = g_strdup_printf (_("The worker of “%s” died before it began"),
                                              call->description);

  complete_died (call, message);
}

/* Gives the calls that have not begun back to the queue, in their order. That it died tells
 * something about the first of them only: the others might as well have waited elsewhere. */
static void
requeue_unbegun (TvmWorker *self)
{
  guint max_deaths = MAX (MINIMUM_DEATHS, self->engine->spec->respawn_limit);
  GQueue kept = G_QUEUE_INIT;
  GList *link;

  tvm_worker_stop_locked (self);
  while ((link = g_queue_pop_tail_link (&self->calls)) != NULL)
    {
      TvmCall *call = link->data;
      gboolean is_head = g_queue_is_empty (&self->calls);

      /* It never got there. */
      if (!self->ready)
        call->n_attempts--;
      if (tvm_worker_has_begun (self, call) || call->n_deaths >= max_deaths)
        g_queue_push_head_link (&kept, link);
      else if (call->done == NULL)
        tvm_call_unref (call);
      else if (is_head && self->engine->retry_policy == TVM_RETRY_POLICY_NEVER)
        complete_unbegun (call);
      else
        tvm_engine_requeue_locked (self->engine, call);
    }

  self->calls = kept;
}

/* Returns: (transfer full): how it ended, as what @task learns of it */
static char *
describe_end_for (const TvmWorker *self,
                  const char      *task)
{
  int status = self->wait_status;

  if (self->exited && status < 0)
    return g_strdup_printf (_("The worker of “%s” was lost, as its nursery ended"), task);
  if (!has_own_end (self))
    return g_strdup_printf (_("The worker of “%s” closed its connection"), task);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGXCPU)
    return g_strdup_printf (_("The worker of “%s” was ended at its limit of processor time"), task);
  if (WIFSIGNALED (status))
    return g_strdup_printf (_("The worker of “%s” was ended by signal %d (%s)"), task,
                            WTERMSIG (status), g_strsignal (WTERMSIG (status)));

  return g_strdup_printf (_("The worker of “%s” exited with status %d"), task,
                          WEXITSTATUS (status));
}

/* Returns: (transfer full): the same, of one that was of no use to any task */
static char *
describe_end (const TvmWorker *self)
{
  int status = self->wait_status;

  if (self->exited && status < 0)
    return g_strdup (_("A worker was lost, as its nursery ended"));
  if (!has_own_end (self))
    return g_strdup (_("A worker closed its connection"));
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGXCPU)
    return g_strdup (_("A worker was ended at its limit of processor time"));
  if (WIFSIGNALED (status))
    return g_strdup_printf (_("A worker was ended by signal %d (%s)"), WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));

  return g_strdup_printf (_("A worker exited with status %d"), WEXITSTATUS (status));
}

gboolean
tvm_worker_is_failing (const TvmWorker *self)
{
  const TvmCall *head = g_queue_peek_head ((GQueue *) &self->calls);

  return !self->proven && !self->start_told && self->end == WORKER_END_LOST
         && (head == NULL || !tvm_worker_has_begun (self, head));
}

/* What is left with it after its end, or after the end was waited for long enough */
static void
settle (TvmWorker *self)
{
  gboolean failed = tvm_worker_is_failing (self);
  GList *link;

  requeue_unbegun (self);
  while ((link = g_queue_pop_head_link (&self->calls)) != NULL)
    {
      TvmCall *call = link->data;
      g_autofree char *message = describe_end_for (self, call->description);

      complete_died (call, message);
    }

  if (failed)
    {
      g_autofree char *reason = describe_end (self);

      self->start_told = TRUE;
      tvm_engine_start_failed_locked (self->engine, reason);
    }
}

void
tvm_worker_gone_locked (TvmWorker *self)
{
  TvmEngine *engine = self->engine;

  if (self->gone)
    return;

  self->gone = TRUE;
  if (self->end == WORKER_END_NOT)
    {
      self->end = WORKER_END_LOST;
      suspect_head (self);
    }
  settle (self);
  if (self->handle != NULL)
    unwatch (self);
  tvm_outlets_close_locked (&self->outlets);
  engine->change_wanted = TRUE;
  g_ptr_array_remove_fast (engine->workers, self);
}

static void
set_end_deadline (TvmWorker *self,
                  gint64     usec)
{
  self->end_deadline = g_get_monotonic_time () + usec;
  tvm_engine_set_timer_locked (self->engine, self->end_deadline);
}

static void
send_kill (TvmWorker *self)
{
  if (self->kill_sent || self->exited)
    return;

  self->kill_sent = TRUE;
  tvm_nursery_link_kill_locked (self->nursery, self->id);
}

/* Its task has its outcome, or is to be given to another worker. */
void
tvm_worker_kill_locked (TvmWorker *self)
{
  if (self->end == WORKER_END_KILLED || self->gone)
    return;

  self->end = WORKER_END_KILLED;
  self->engine->change_wanted = TRUE;
  send_kill (self);
  set_end_deadline (self, STATUS_GRACE_USEC);
  unwatch (self);
  requeue_unbegun (self);
  while (!g_queue_is_empty (&self->calls))
    {
      TvmCall *call = g_queue_pop_head_link (&self->calls)->data;
      g_autofree char *message = g_strdup_printf (_("The worker of “%s” was killed"),
                                                  call->description);

      complete_died (call, message);
    }
}

void
tvm_worker_retire_locked (TvmWorker *self)
{
  if (self->end != WORKER_END_NOT)
    return;

  self->end = WORKER_END_RETIRED;
  self->engine->change_wanted = TRUE;
  unwatch (self);
  set_end_deadline (self, RETIRE_GRACE_USEC);
}

/* The channel has ended, or @problem (translated) says why it cannot be used. */
void
tvm_worker_lose_locked (TvmWorker  *self,
                        const char *problem)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  if (self->channel_ended)
    return;

  self->channel_ended = TRUE;
  unwatch (self);
  if (self->end != WORKER_END_NOT)
    return;

  self->end = WORKER_END_LOST;
  self->engine->change_wanted = TRUE;
  if (problem != NULL)
    {
      if (head != NULL && head->done != NULL && self->ready)
        {
          g_queue_unlink (&self->calls, &head->link);
          tvm_call_complete_locked (head, tvm_task_result_new_error (
            g_error_new (TVM_ERROR, TVM_ERROR_PROTOCOL,
                         _("The worker of “%s” does not keep to the protocol: %s"),
                         head->description, problem)), NULL);
        }
      else if (!self->ready && !self->start_told)
        {
          g_autoptr (GError) error = g_error_new (TVM_ERROR, TVM_ERROR_PROTOCOL,
                                                  _("it does not keep to the protocol: %s"),
                                                  problem);

          self->start_told = TRUE;
          tvm_engine_start_error_locked (self->engine, error);
        }
      send_kill (self);
    }
  else
    suspect_head (self);

  requeue_unbegun (self);
  set_end_deadline (self, LOST_GRACE_USEC);
}

/* From the nursery. @pid: 0 if there is none */
void
tvm_worker_forked_locked (TvmWorker *self,
                          int        pid)
{
  self->pid = pid;
  self->engine->change_wanted = TRUE;
}

/* From the nursery: nothing of it is left. @wait_status: -1 if it is not known */
void
tvm_worker_exited_locked (TvmWorker *self,
                          int        wait_status)
{
  TvmEngine *engine = self->engine;

  self->exited = TRUE;
  self->wait_status = wait_status;

  /* It may have answered before. */
  for (int i = 0; i < DISPATCH_READS && tvm_worker_is_readable (self); i++)
    tvm_worker_read_locked (self);

  tvm_worker_gone_locked (self);
  tvm_engine_dispatch_locked (engine);
  tvm_engine_check_end_locked (engine);
}

static void
time_out (TvmWorker *self,
          gint64     now)
{
  TvmCall *head;
  TvmTaskResult *result;

  /* It may be there; and what waits behind it is not to begin now. */
  if (has_waiting (self))
    tvm_worker_revoke_locked (self);
  else if (!self->led)
    tvm_worker_read_locked (self);
  if (self->deadline > now || self->end != WORKER_END_NOT)
    return;

  head = g_queue_peek_head (&self->calls);
  if (head->done == NULL)
    {
      tvm_worker_kill_locked (self);
      return;
    }

  g_queue_unlink (&self->calls, &head->link);
  result = tvm_task_result_new_error (g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT,
                                                   _("“%s” did not end within %.3f seconds"),
                                                   head->description, head->timeout_usec / 1e6));
  result->worker_pid = self->pid;
  result->elapsed_usec = MAX (now - head->start, 0);
  if (head->outlets.out == NULL)
    tvm_outlets_take_locked (&self->outlets, result);
  tvm_call_complete_locked (head, result, NULL);
  tvm_worker_kill_locked (self);
}

static void
start_timed_out (TvmWorker *self)
{
  g_autofree char *reason = g_strdup_printf (_("A worker was not ready within %.3f seconds"),
                                             self->engine->spec->start_timeout_msec / 1e3);

  self->start_told = TRUE;
  tvm_worker_kill_locked (self);
  tvm_engine_start_failed_locked (self->engine, reason);
}

/* The end took too long. */
static void
end_timed_out (TvmWorker *self)
{
  self->end_deadline = NEVER;
  if (!self->kill_sent)
    {
      send_kill (self);
      set_end_deadline (self, STATUS_GRACE_USEC);
      return;
    }

  settle (self);

  /* Nothing else can be ended while it is there; otherwise it may be no fault of the nursery. */
  if (self->engine->ending)
    tvm_nursery_link_lose_locked (self->nursery);
  set_end_deadline (self, STATUS_GRACE_USEC);
}

/* Takes what has been answered of the calls that were sent ahead, and takes back the others if they
 * wait behind a slow one. */
static void
look (TvmWorker *self,
      gint64     now)
{
  const TvmCall *head;

  tvm_worker_look_locked (self);

  head = g_queue_peek_head (&self->calls);
  if (self->end == WORKER_END_NOT && has_waiting (self) && now - head->start >= get_patience (self))
    tvm_worker_revoke_locked (self);
  tvm_worker_plan_look_locked (self, now);
}

void
tvm_worker_check_time_locked (TvmWorker *self,
                              gint64     now)
{
  if (self->end != WORKER_END_NOT)
    {
      if (now >= self->end_deadline)
        end_timed_out (self);
      return;
    }

  if (now >= self->look_at)
    {
      look (self, now);
      if (self->end != WORKER_END_NOT)
        return;
    }

  if (now >= self->soft_deadline)
    {
      TvmCall *head = g_queue_peek_head (&self->calls);

      self->soft_deadline = NEVER;
      tvm_wire_push (&self->channel, TVM_FRAME_CANCEL, 0, head->wire_id, NULL);
      tvm_worker_flush_locked (self);
    }

  if (now < self->deadline)
    return;
  if (self->ready)
    time_out (self, now);
  else
    start_timed_out (self);
}
