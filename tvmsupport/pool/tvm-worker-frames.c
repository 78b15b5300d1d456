/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/worker/tvm-resident-size.h"
#include "tvmsupport/worker/tvm-variant-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a worker says. */

/* Reads at a time: a large answer must not keep the others waiting. */
#define READS_PER_DISPATCH 4

gboolean
tvm_worker_is_readable (const TvmWorker *self)
{
  return self->end == WORKER_END_NOT && !self->channel_ended && !self->gone;
}

static GBytes *
take_payload (TvmWireFrame *frame)
{
  if (frame->large != NULL)
    return g_steal_pointer (&frame->large);
  return g_bytes_new (frame->data, frame->header.length);
}

static TvmTaskResult *
make_value (TvmWireFrame *frame)
{
  const char *data = (const char *) frame->data;
  g_autoptr (GVariant) value = NULL;
  TvmTaskResult *result;

  if (frame->large != NULL)
    data = g_bytes_get_data (frame->large, NULL);
  value = tvm_variant_read_boxed (frame->large, data, frame->header.length);
  if (value == NULL)
    return tvm_task_result_new_error (g_error_new_literal (TVM_ERROR, TVM_ERROR_PROTOCOL,
                                                           _("The result is not a valid value")));

  result = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);
  result->value = g_steal_pointer (&value);
  return result;
}

static gint64
get_number (GBytes     *payload,
            const char *name)
{
  gsize length;
  const char *data = g_bytes_get_data (payload, &length);
  long long value;

  return tvm_frame_get_number (data, length, name, &value) ? value : -1;
}

static TvmTaskResult *
make_command_result (const TvmCall *call,
                     GBytes        *payload)
{
  TvmTaskResult *result = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);
  int status = (int) get_number (payload, "status");

  result->description = g_strdup (call->description);
  if (WIFEXITED (status))
    result->exit_status = WEXITSTATUS (status);
  else if (WIFSIGNALED (status))
    result->term_signal = WTERMSIG (status);

  result->elapsed_usec = get_number (payload, "elapsed-usec");
  result->user_usec = get_number (payload, "user-usec");
  result->system_usec = get_number (payload, "system-usec");
  result->max_rss_bytes = MAX (0, get_number (payload, "max-rss-bytes"));
  return result;
}

/* @rest: (inout): what is left of the payload. Returns: (transfer full): the next of its strings */
static char *
take_string (const char **rest,
             gsize       *length)
{
  const char *end = memchr (*rest, '\0', *length);
  gsize size = end != NULL ? (gsize) (end - *rest) : *length;
  char *text = g_utf8_make_valid (*rest, size);

  *rest += MIN (size + 1, *length);
  *length -= MIN (size + 1, *length);
  return text;
}

/* Of a command that was not started, at @stage */
static TvmTaskResult *
make_start_failure (const TvmCall      *call,
                    int                 errsv,
                    TvmSupervisorStage  stage)
{
  g_autofree char *cwd = call->cwd != NULL ? g_filename_display_name (call->cwd) : NULL;
  GError *error = NULL;

  switch (stage)
    {
    case TVM_SUPERVISOR_STAGE_CHDIR:
      tvm_error_set_errno (&error, errsv, _("Could not use “%s” as the working directory"),
                           cwd != NULL ? cwd : call->description);
      break;

    case TVM_SUPERVISOR_STAGE_RLIMIT:
      tvm_error_set_errno (&error, errsv, _("Could not limit the resources of “%s”"),
                           call->description);
      break;

    case TVM_SUPERVISOR_STAGE_EXEC:
      /* It has been there when it was looked for. */
      if (errsv == ENOENT)
        g_set_error (&error, TVM_ERROR, TVM_ERROR_NOT_FOUND, _("Could not execute “%s”: %s"),
                     call->description, g_strerror (errsv));
      else if (errsv == ENOEXEC)
        g_set_error (&error, G_IO_ERROR, g_io_error_from_errno (errsv),
                     _("Could not execute “%s”: it is no program of this machine, and no script "
                       "with a line “#!”"),
                     call->description);
      else
        tvm_error_set_errno (&error, errsv, _("Could not execute “%s”"), call->description);
      break;

    case TVM_SUPERVISOR_STAGE_OPTIONS:
    case TVM_SUPERVISOR_STAGE_SETUP:
    case TVM_SUPERVISOR_STAGE_TMPDIR:
    case TVM_SUPERVISOR_STAGE_FORK:
    default:
      tvm_error_set_errno (&error, errsv, _("Could not start “%s”"), call->description);
      break;
    }

  return tvm_task_result_new_error (error);
}

/* @payload: of an ERROR. Returns: (nullable) (transfer full): the message, or the type if there is
 * none; what may be sent can be too little for a text */
static char *
take_failure (TvmTaskResult *result,
              GBytes        *payload)
{
  gsize length;
  const char *rest = g_bytes_get_data (payload, &length);
  g_autofree char *message = NULL;
  g_autofree char *traceback = NULL;

  result->remote_type = take_string (&rest, &length);
  message = take_string (&rest, &length);
  traceback = take_string (&rest, &length);
  if (*traceback != '\0')
    result->traceback = g_steal_pointer (&traceback);
  if (length > 0)
    result->bytes = g_bytes_new_from_bytes (payload, g_bytes_get_size (payload) - length, length);

  if (*message != '\0')
    return g_steal_pointer (&message);
  return *result->remote_type != '\0' ? g_strdup (result->remote_type) : NULL;
}

static TvmTaskResult *
make_failure (const TvmCall *call,
              GBytes        *payload)
{
  g_autoptr (TvmTaskResult) result = tvm_task_result_new (TVM_STATUS_KIND_EXCEPTION);
  g_autofree char *message = take_failure (result, payload);
  int errsv;
  int stage;

  if (sscanf (result->remote_type, "errno:%d:%d", &errsv, &stage) == 2)
    return make_start_failure (call, errsv, (TvmSupervisorStage) stage);

  if (message == NULL)
    result->error = g_error_new (TVM_ERROR, TVM_ERROR_TASK_FAILED,
                                 _("“%s” failed for an unknown reason"), call->description);
  else
    result->error = g_error_new_literal (TVM_ERROR, TVM_ERROR_TASK_FAILED, message);
  return g_steal_pointer (&result);
}

static TvmTaskResult *
make_result (TvmWorker     *self,
             const TvmCall *call,
             TvmWireFrame  *frame)
{
  g_autoptr (GBytes) payload = NULL;
  TvmTaskResult *result;

  if (frame->header.kind == TVM_FRAME_RESULT
      && self->engine->spec->payload_type == TVM_PAYLOAD_TYPE_VARIANT)
    return make_value (frame);

  payload = take_payload (frame);
  if (frame->header.kind == TVM_FRAME_ERROR)
    return make_failure (call, payload);

  switch (self->engine->spec->payload_type)
    {
    case TVM_PAYLOAD_TYPE_COMMAND:
      return make_command_result (call, payload);

    case TVM_PAYLOAD_TYPE_VARIANT:
    case TVM_PAYLOAD_TYPE_BYTES:
    default:
      result = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);
      result->bytes = g_steal_pointer (&payload);
      return result;
    }
}

/* Whether it has had its uses, or has grown too large */
static void
check_wear (TvmWorker *self)
{
  const TvmWorkerSpec *spec = self->engine->spec;

  /* What there is behind a launcher looks after itself. */
  if (spec->recycle_size > 0 && spec->launcher == NULL && self->pid > 0
      && tvm_get_resident_size (self->pid) > spec->recycle_size)
    self->worn = TRUE;

  if (g_queue_is_empty (&self->calls)
      && (self->worn || (spec->maximum_uses > 0 && self->n_uses >= spec->maximum_uses)))
    tvm_worker_retire_locked (self);
}

/* @type: of an ERROR. Whether a runtime of C says that something, as its module, is not there */
static gboolean
is_not_found (const char *type)
{
  const char *domain = g_quark_to_string (TVM_ERROR);
  gsize length = strlen (domain);

  return strncmp (type, domain, length) == 0 && type[length] == ':'
         && g_ascii_strtoll (type + length + 1, NULL, 10) == TVM_ERROR_NOT_FOUND;
}

/* @id: 0, or that of the initializer */
static void
fail_start (TvmWorker *self,
            guint64    id,
            GBytes    *payload)
{
  g_autoptr (TvmTaskResult) failure = tvm_task_result_new (TVM_STATUS_KIND_EXCEPTION);
  g_autofree char *message = take_failure (failure, payload);
  const char *text = message != NULL ? message : _("the reason is unknown");
  g_autofree char *reason = NULL;

  /* Nor has it got any call. */
  self->ready = FALSE;
  self->start_told = TRUE;
  tvm_worker_kill_locked (self);
  if (id == 0 && is_not_found (failure->remote_type))
    {
      g_autoptr (GError) error = g_error_new_literal (TVM_ERROR, TVM_ERROR_NOT_FOUND, text);

      tvm_engine_start_error_locked (self->engine, error);
      return;
    }

  if (id == 0)
    reason = g_strdup_printf (_("A worker could not be set up: %s"), text);
  else
    reason = g_strdup_printf (_("A worker could not be initialized: %s"), text);
  tvm_engine_start_failed_locked (self->engine, reason);
  self->engine->start_failure = g_steal_pointer (&failure);
}

/* It works: that others could not be started does not count any more. */
static void
prove (TvmWorker *self)
{
  if (self->proven)
    return;

  self->proven = TRUE;
  tvm_engine_worker_proven_locked (self->engine);
}

static void
handle_answer (TvmWorker    *self,
               TvmWireFrame *frame,
               gint64        now)
{
  TvmCall *head = g_queue_peek_head (&self->calls);
  TvmTaskResult *result;

  if (!self->proven && frame->header.id == 0 && frame->header.kind == TVM_FRAME_ERROR)
    {
      g_autoptr (GBytes) payload = take_payload (frame);

      fail_start (self, 0, payload);
      return;
    }
  if (head == NULL || head->wire_id != frame->header.id)
    {
      tvm_worker_lose_locked (self, _("an answer to no call"));
      return;
    }

  prove (self);
  g_queue_unlink (&self->calls, &head->link);
  result = make_result (self, head, frame);
  result->worker_pid = self->pid;
  /* @now is of the read, and what was read with it may have started the call. */
  if (result->elapsed_usec <= 0)
    result->elapsed_usec = MAX (now - head->start, 0);
  if (head->outlets.out == NULL)
    tvm_outlets_take_locked (&self->outlets, result);
  if ((frame->header.flags & TVM_FRAME_FLAG_WORN) != 0)
    self->worn = TRUE;
  self->n_answers++;
  tvm_call_complete_locked (head, result, NULL);

  tvm_worker_begin_head_locked (self, now);
  check_wear (self);
}

/* It has not begun what it was asked for, and will not. */
static void
handle_revoked (TvmWorker *self,
                guint64    id,
                gint64     now)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  if (head == NULL || head->wire_id != id || id > self->revoked_id)
    {
      tvm_worker_lose_locked (self, _("an answer to no call"));
      return;
    }

  g_queue_unlink (&self->calls, &head->link);
  self->n_uses--;
  if (head->done == NULL)
    tvm_call_unref (head);
  else
    {
      head->n_attempts--;
      tvm_engine_requeue_locked (self->engine, head);
    }

  tvm_worker_begin_head_locked (self, now);
  check_wear (self);
}

static void
become_ready (TvmWorker *self)
{
  self->ready = TRUE;
  self->engine->change_wanted = TRUE;
  tvm_worker_begin_head_locked (self, g_get_monotonic_time ());
}

/* Where the output of tasks is captured, what is there when one is answered must be all of its. */
static gboolean
may_send_ahead (const TvmWorker *self)
{
  return self->page != NULL && !self->by_frames
         && self->outlets.out == NULL && self->outlets.err == NULL;
}

/* Returns: whether it speaks as this pool does; else it is lost */
static gboolean
check_hello (TvmWorker *self,
             GBytes    *payload)
{
  static const char * const names[] = {
    [TVM_PAYLOAD_TYPE_VARIANT] = "gvariant",
    [TVM_PAYLOAD_TYPE_COMMAND] = "command",
    [TVM_PAYLOAD_TYPE_BYTES] = "bytes",
  };
  const char *wanted = names[self->engine->spec->payload_type];
  gint64 version = get_number (payload, "protocol");
  gsize length;
  const char *data = g_bytes_get_data (payload, &length);
  const char *name = tvm_frame_get_setting (data, length, "payload");
  g_autofree char *problem = NULL;

  /* Bytes are what all encodings are. */
  if (version != TVM_FRAME_VERSION)
    problem = g_strdup_printf (_("it speaks version %d of it, and not %d"), (int) version,
                               TVM_FRAME_VERSION);
  else if (name != NULL && strcmp (name, wanted) != 0 && strcmp (name, "bytes") != 0
           && strcmp (wanted, "bytes") != 0)
    {
      g_autofree char *valid = g_utf8_make_valid (name, -1);

      problem = g_strdup_printf (_("its calls are of the kind “%s”, and those of the pool “%s”"),
                                 valid, wanted);
    }

  if (problem != NULL)
    tvm_worker_lose_locked (self, problem);
  return problem == NULL;
}

static void
handle_start (TvmWorker    *self,
              TvmWireFrame *frame)
{
  g_autoptr (GBytes) payload = take_payload (frame);

  if (frame->header.kind == TVM_FRAME_HELLO && !self->hello)
    {
      self->hello = TRUE;
      self->engine->heard = TRUE;
      if (check_hello (self, payload) && self->pid == 0)
        self->pid = self->by_frames ? 0 : (int) MAX (0, get_number (payload, "pid"));
      self->takes_ahead = may_send_ahead (self) && get_number (payload, "ahead") == 1;
      if (self->end == WORKER_END_NOT && self->init_id == 0)
        become_ready (self);
    }
  else if (frame->header.kind == TVM_FRAME_ERROR && frame->header.id == 0)
    fail_start (self, 0, payload);
  else if (!self->hello)
    tvm_worker_lose_locked (self, _("a frame before HELLO"));
  else if (frame->header.id != self->init_id)
    tvm_worker_lose_locked (self, _("an answer to no call"));
  else if (frame->header.kind == TVM_FRAME_ERROR)
    fail_start (self, self->init_id, payload);
  else if (frame->header.kind == TVM_FRAME_RESULT)
    {
      prove (self);
      become_ready (self);
    }
  else
    tvm_worker_lose_locked (self, _("a frame that is out of place"));
}

static void
handle_begun (TvmWorker            *self,
              const TvmFrameHeader *header)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  if (self->ready && self->by_frames && head != NULL && head->wire_id == header->id)
    head->begun_frame = TRUE;
  else if (self->ready || header->id != self->init_id)
    tvm_worker_lose_locked (self, _("a frame that is out of place"));
}

static void
handle_frame (TvmWorker    *self,
              TvmWireFrame *frame,
              gint64        now)
{
  if (frame->header.n_fds != 0)
    tvm_worker_lose_locked (self, _("a frame with descriptors"));
  else if (frame->header.kind == TVM_FRAME_BEGUN)
    handle_begun (self, &frame->header);
  else if (!self->ready)
    handle_start (self, frame);
  else if (frame->header.kind == TVM_FRAME_RESULT || frame->header.kind == TVM_FRAME_ERROR)
    handle_answer (self, frame, now);
  else if (frame->header.kind == TVM_FRAME_REVOKED)
    handle_revoked (self, frame->header.id, now);
  else
    tvm_worker_lose_locked (self, _("a frame that is out of place"));

  g_clear_pointer (&frame->large, g_bytes_unref);
}

/* The arguments are of no use any more: they would be in memory beside the answer. */
static void
drop_arguments (TvmWorker *self)
{
  TvmCall *head = g_queue_peek_head (&self->calls);

  if (self->channel.large != NULL && head != NULL && head->payload != NULL
      && !tvm_wire_has_output (&self->channel) && tvm_worker_has_begun (self, head))
    {
      g_queue_push_tail (&self->engine->dropped, g_steal_pointer (&head->payload));
      for (guint i = 0; head->rest != NULL && i < head->rest->len; i++)
        g_queue_push_tail (&self->engine->dropped, g_bytes_ref (g_ptr_array_index (head->rest, i)));
      g_clear_pointer (&head->rest, g_ptr_array_unref);
    }
}

/* How long calls take, by those that were answered since the worker was read last */
static void
measure (TvmWorker *self,
         gint64     start,
         gint64     now)
{
  gint64 nsec = (now - start) * 1000;

  if (self->n_answers == 0 || start == 0)
    return;

  /* It knows it better, as long as it can be believed. */
  if (self->takes_ahead)
    {
      guint64 busy_nsec = tvm_status_page_get_busy (self->page);

      nsec = MIN (nsec, (gint64) MIN (busy_nsec - self->busy_nsec, G_MAXINT64));
      self->busy_nsec = busy_nsec;
    }

  tvm_engine_measure_locked (self->engine, nsec / self->n_answers);
}

/* The answers in the outbox, up to one that another goes before which comes by the socket */
static void
take_outbox (TvmWorker *self,
             gint64     now)
{
  guint8 payload[TVM_STATUS_OUTBOX_PAYLOAD];
  TvmWireFrame frame = { .data = payload };
  guint64 consumed = self->consumed;
  const char *problem = NULL;

  while (tvm_worker_is_readable (self)
         && tvm_status_page_peek (self->page, self->consumed, &frame.header, payload, &problem))
    {
      const TvmCall *head = g_queue_peek_head (&self->calls);

      if (head != NULL && frame.header.id > head->wire_id)
        break;

      self->consumed += TVM_FRAME_HEADER_SIZE + frame.header.length;
      handle_frame (self, &frame, now);
    }

  if (self->consumed != consumed)
    tvm_status_page_set_consumed (self->page, self->consumed);
  if (problem != NULL)
    tvm_worker_lose_locked (self, _(problem));
}

static gint64
get_head_start (TvmWorker *self)
{
  const TvmCall *head = g_queue_peek_head (&self->calls);

  return head != NULL ? head->start : 0;
}

void
tvm_worker_look_locked (TvmWorker *self)
{
  gint64 start = get_head_start (self);
  gint64 now = g_get_monotonic_time ();

  self->n_answers = 0;
  take_outbox (self, now);
  measure (self, start, now);
}

/* Nobody writes to it any more, but if it lives it may go on with what it has read. */
static void
end_channel (TvmWorker *self,
             gint64     now)
{
  tvm_worker_stop_locked (self);
  if (self->takes_ahead)
    take_outbox (self, now);
  tvm_worker_lose_locked (self, NULL);
}

gboolean
tvm_worker_read_locked (TvmWorker *self)
{
  for (int i = 0; i < READS_PER_DISPATCH && tvm_worker_is_readable (self); i++)
    {
      gint64 start = get_head_start (self);
      TvmWireStatus status = tvm_wire_fill (&self->channel);
      gint64 now = g_get_monotonic_time ();
      const char *problem = NULL;
      TvmWireFrame frame;

      self->n_answers = 0;
      if (self->takes_ahead)
        take_outbox (self, now);
      while (tvm_worker_is_readable (self) && tvm_wire_next (&self->channel, &frame, &problem))
        {
          handle_frame (self, &frame, now);
          if (self->takes_ahead && !g_queue_is_empty (&self->calls))
            take_outbox (self, now);
        }

      measure (self, start, now);
      if (problem != NULL)
        tvm_worker_lose_locked (self, _(problem));
      else if (status == TVM_WIRE_END)
        end_channel (self, now);

      drop_arguments (self);
      if (status == TVM_WIRE_AGAIN || self->channel.large == NULL)
        return status == TVM_WIRE_DATA;
    }

  return TRUE;
}
