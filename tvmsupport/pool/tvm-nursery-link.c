/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/tvm-bytes-private.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The library's end of a nursery. The nursery runs below a supervisor like any other program, so
 * that with the end of its run nothing of it and its workers is left. */

/* How long a nursery may take to end by itself */
#define END_GRACE_USEC 2000000
/* The same, of one that has closed its socket */
#define LOST_GRACE_USEC 100000

/* Of what it and the program that it is print, which is only read if it fails */
#define OUTPUT_LIMIT (64 * 1024)

static TvmNurseryLink *
link_ref (TvmNurseryLink *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
tvm_nursery_link_unref (TvmNurseryLink *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  tvm_wire_clear (&self->channel);
  g_clear_object (&self->cancellable);
  g_free (self->problem);
  tvm_engine_release (self->engine);
  g_free (self);
}

static TvmWorker *
find_worker (TvmNurseryLink *self,
             guint64         id)
{
  GPtrArray *workers = self->engine->workers;

  for (guint i = 0; i < workers->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (workers, i);

      if (worker->nursery == self && worker->id == id)
        return worker;
    }

  return NULL;
}

static void
unwatch (TvmNurseryLink *self)
{
  g_clear_pointer (&self->handle, tvm_poll_handle_remove);
}

static void
retire (TvmNurseryLink *self)
{
  self->retired = TRUE;
  if (self->engine->nursery == self)
    self->engine->nursery = NULL;
}

/* It has ended, or cannot be understood. Its supervisor, which tells how it ended, kills whatever
 * is left. */
static void
lose (TvmNurseryLink *self)
{
  retire (self);
  unwatch (self);
  shutdown (self->channel.fd, SHUT_RDWR);
  if (self->ended)
    return;

  self->end_deadline = g_get_monotonic_time () + LOST_GRACE_USEC;
  tvm_engine_set_timer_locked (self->engine, self->end_deadline);
}

static gboolean
get_number (const TvmWireFrame *frame,
            const char         *name,
            long long          *value)
{
  return frame->large == NULL
         && tvm_frame_get_number ((const char *) frame->data, frame->header.length, name, value);
}

/* Whether the nursery refused, as it cannot, and not the system, which may have no process left just
 * now */
static gboolean
is_unable (const TvmWireFrame *frame,
           long long           errsv)
{
  long long stage;

  return errsv == EAGAIN && get_number (frame, "stage", &stage)
         && stage == TVM_SUPERVISOR_STAGE_OPTIONS;
}

/* Returns: (transfer full): why it could not fork */
static char *
describe_fork_error (const TvmWireFrame *frame,
                     int                 errsv)
{
  const char *reason = tvm_frame_get_setting ((const char *) frame->data, frame->header.length,
                                              "reason");

  if (reason != NULL && *reason != '\0')
    return g_strdup_printf (_("A worker could not be started: %s: %s"), reason, g_strerror (errsv));
  return g_strdup_printf (_("A worker could not be started: %s"), g_strerror (errsv));
}

static void
handle_forked (TvmNurseryLink     *self,
               const TvmWireFrame *frame)
{
  TvmWorker *worker = find_worker (self, frame->header.id);
  TvmEngine *engine = self->engine;
  long long number;

  if (worker == NULL)
    return;

  if (!get_number (frame, "error", &number) || number == 0)
    {
      self->has_forked = TRUE;
      tvm_worker_forked_locked (worker, get_number (frame, "pid", &number) ? (int) number : 0);
      return;
    }

  /* It has more than one thread. */
  if (!self->executes && is_unable (frame, number))
    {
      g_debug ("The runtime of a pool cannot fork; its workers are started as programs");
      engine->must_execute = TRUE;
      retire (self);
      worker->start_told = TRUE;
    }
  else
    {
      g_autofree char *reason = describe_fork_error (frame, (int) number);

      /* The end of its socket may have been seen before. */
      if (!worker->start_told
          && (worker->end == WORKER_END_NOT || worker->end == WORKER_END_LOST))
        {
          worker->start_told = TRUE;
          tvm_engine_start_failed_locked (engine, reason);
        }
    }

  worker->exited = TRUE;
  tvm_worker_gone_locked (worker);
}

static void
handle_exited (TvmNurseryLink     *self,
               const TvmWireFrame *frame)
{
  TvmWorker *worker = find_worker (self, frame->header.id);
  long long status;

  if (worker != NULL)
    tvm_worker_exited_locked (worker, get_number (frame, "status", &status) ? (int) status : -1);
}

static void
handle_frame (TvmNurseryLink *self,
              TvmWireFrame   *frame)
{
  if (frame->header.kind == TVM_FRAME_FORKED)
    handle_forked (self, frame);
  else if (frame->header.kind == TVM_FRAME_EXITED)
    handle_exited (self, frame);
  else if (frame->header.kind == TVM_FRAME_ERROR && frame->large == NULL)
    {
      const char *message = memchr (frame->data, '\0', frame->header.length);

      if (message != NULL && self->problem == NULL)
        self->problem = g_utf8_make_valid (message + 1, strnlen (message + 1, frame->header.length
                                           - (message + 1 - (const char *) frame->data)));
    }
  else if (frame->header.kind != TVM_FRAME_HELLO)
    lose (self);
  else if (!self->executes)
    self->engine->heard = TRUE;

  g_clear_pointer (&frame->large, g_bytes_unref);
}

static void
arm (TvmNurseryLink *self)
{
  if (self->handle != NULL)
    tvm_poll_handle_arm (self->handle, tvm_wire_has_output (&self->channel)
                                       ? TVM_POLL_IN | TVM_POLL_OUT : TVM_POLL_IN);
}

static void
read_locked (TvmNurseryLink *self)
{
  TvmWireStatus status = tvm_wire_fill (&self->channel);
  const char *problem = NULL;
  TvmWireFrame frame;

  while (self->handle != NULL && tvm_wire_next (&self->channel, &frame, &problem))
    handle_frame (self, &frame);

  if (self->handle != NULL && (problem != NULL || status == TVM_WIRE_END))
    lose (self);
}

static void
link_ready (gpointer user_data)
{
  TvmNurseryLink *self = user_data;
  TvmEngine *engine = self->engine;

  tvm_engine_lock (engine);
  if (self->handle != NULL)
    {
      read_locked (self);
      tvm_wire_flush (&self->channel);
      arm (self);
      tvm_engine_dispatch_locked (engine);
      tvm_engine_check_end_locked (engine);
    }
  tvm_engine_unlock (engine);
}

/* Returns: (transfer full) (nullable): why the run has ended, if that was not asked for, and if it is
 * not what @error says */
static char *
describe_run (TvmNurseryLink         *self,
              const TvmProcessResult *result,
              const GError           *error)
{
  g_autofree char *text = NULL;

  if (self->problem != NULL)
    return g_strdup_printf (_("A worker could not be set up: %s"), self->problem);
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return NULL;
  if (result == NULL)
    return g_strdup (_("A worker could not be started, as its nursery ended"));

  text = g_strstrip (tvm_bytes_dup_utf8 (result->stderr_bytes));
  if (result->term_signal != 0)
    return g_strdup_printf (_("A worker could not be started, as its nursery was ended by signal "
                              "%d (%s)"),
                            result->term_signal, g_strsignal (result->term_signal));
  if (*text == '\0')
    return g_strdup_printf (_("A worker could not be started, as its nursery exited with status "
                              "%d"),
                            result->exit_status);
  return g_strdup_printf (_("A worker could not be started, as its nursery exited with status %d: "
                            "%s"),
                          result->exit_status, text);
}

/* @error: why, if @reason is %NULL */
static void
end_locked (TvmNurseryLink *self,
            const GError   *error,
            const char     *reason)
{
  TvmEngine *engine = self->engine;
  g_autoptr (GPtrArray) lost = g_ptr_array_new ();
  gboolean told = self->excused;

  self->ended = TRUE;
  lose (self);
  for (guint i = 0; i < engine->workers->len; i++)
    if (((TvmWorker *) g_ptr_array_index (engine->workers, i))->nursery == self)
      g_ptr_array_add (lost, g_ptr_array_index (engine->workers, i));

  /* Its end is one failure, however many workers it was to start. */
  for (guint i = 0; i < lost->len; i++)
    {
      TvmWorker *worker = g_ptr_array_index (lost, i);

      if (!worker->proven && !worker->start_told
          && (worker->end == WORKER_END_NOT || worker->end == WORKER_END_LOST))
        {
          worker->start_told = TRUE;
          if (!told && reason == NULL)
            tvm_engine_start_error_locked (engine, error);
          else if (!told)
            tvm_engine_start_failed_locked (engine, reason);
          told = TRUE;
        }
      tvm_worker_exited_locked (worker, -1);
    }

  g_ptr_array_remove_fast (engine->nurseries, self);
}

/* On the I/O thread */
static void
run_done (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  TvmNurseryLink *self = user_data;
  TvmEngine *engine = self->engine;
  g_autoptr (GError) error = NULL;
  TvmProcessResult *process = tvm_process_run_finish (result, &error);
  g_autofree char *reason = describe_run (self, process, error);

  tvm_engine_hold (engine);
  tvm_engine_lock (engine);
  if (self->handle != NULL)
    read_locked (self);
  g_free (reason);
  reason = describe_run (self, process, error);
  end_locked (self, error, reason);
  tvm_engine_dispatch_locked (engine);
  tvm_engine_check_end_locked (engine);
  tvm_engine_unlock (engine);

  tvm_nursery_link_unref (self);
  g_clear_pointer (&process, tvm_process_result_unref);
  tvm_engine_release (engine);
}

typedef struct
{
  TvmNurseryLink *link;
  TvmProcessSpec *spec;
} Start;

static gboolean
start_run (gpointer user_data)
{
  Start *start = user_data;

  tvm_process_run_async (start->spec, start->link->cancellable, run_done, start->link);
  tvm_process_spec_free (start->spec);
  g_free (start);
  return G_SOURCE_REMOVE;
}

/* Returns: (transfer full): the command line of the nursery */
static char **
make_argv (const TvmWorkerSpec  *spec,
           gboolean              executes,
           GError              **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *helper = NULL;

  if (!executes && spec->argv != NULL)
    g_strv_builder_addv (builder, (const char **) spec->argv);
  else
    {
      helper = tvm_launch_dup_helper_path (executes ? "tvmsupport-nursery" : "tvmsupport-worker",
                                           error);
      if (helper == NULL)
        return NULL;
      g_strv_builder_add (builder, helper);
    }

  g_strv_builder_add (builder, TVM_WORKER_ROLE_OPTION "nursery");
  return g_strv_builder_end (builder);
}

static TvmProcessSpec *
make_spec (const TvmWorkerSpec  *spec,
           gboolean              executes,
           GError              **error)
{
  g_auto (GStrv) argv = make_argv (spec, executes, error);
  TvmProcessSpec *process;

  if (argv == NULL)
    return NULL;

  process = tvm_process_spec_new ((const char * const *) argv);
  tvm_process_spec_set_kill_leftovers (process, TRUE);
  tvm_process_spec_set_cleans_up (process, TRUE);
  tvm_process_spec_set_output_limit (process, OUTPUT_LIMIT);
  if (!executes)
    {
      tvm_process_spec_add_environ (process, (const char * const *) spec->environment);
      if (spec->is_self)
        tvm_process_spec_setenv (process, TVM_WORKER_SELF_VARIABLE, spec->argv[0]);
      if (spec->cwd != NULL)
        tvm_process_spec_set_cwd (process, spec->cwd);
    }

  return process;
}

static void
push_setup (TvmNurseryLink *self)
{
  g_autofree char *setting = NULL;
  g_autoptr (GBytes) payload = NULL;

  if (self->executes || self->engine->spec->module == NULL)
    return;

  setting = g_strconcat ("module=", self->engine->spec->module, NULL);
  payload = g_bytes_new (setting, strlen (setting) + 1);
  tvm_wire_push (&self->channel, TVM_FRAME_SETUP, 0, 0, payload);
}

/* Returns: the library's end of the socket of the nursery that @spec starts, or -1 */
static int
add_fds (TvmProcessSpec  *spec,
         GError         **error)
{
  /* The place of the status page of a worker: nothing that the runtime opens is to get it. */
  int place = tvm_fd_open_null (error);
  int pair[2];

  if (place < 0)
    return -1;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || !tvm_fd_raise_pair (pair))
    {
      tvm_error_set_errno (error, errno, _("Could not make a socket"));
      close (place);
      return -1;
    }

  tvm_process_spec_add_fd (spec, pair[1]);
  tvm_process_spec_add_fd (spec, place);
  close (pair[1]);
  close (place);
  return pair[0];
}

TvmNurseryLink *
tvm_nursery_link_new (TvmEngine  *engine,
                      gboolean    executes,
                      GError    **error)
{
  GMainContext *context = tvm_io_thread_get_context (error);
  TvmProcessSpec *spec;
  TvmNurseryLink *self;
  Start *start;
  int fd;

  if (context == NULL)
    return NULL;
  spec = make_spec (engine->spec, executes, error);
  if (spec == NULL)
    return NULL;

  fd = add_fds (spec, error);
  if (fd < 0)
    {
      tvm_process_spec_free (spec);
      return NULL;
    }

  self = g_new0 (TvmNurseryLink, 1);
  self->ref_count = 1;
  self->engine = engine;
  tvm_engine_hold (engine);
  self->executes = executes;
  self->end_deadline = NEVER;
  self->cancellable = g_cancellable_new ();
  tvm_wire_init (&self->channel, fd, TVM_FRAME_MAX_CONTROL);

  self->handle = tvm_poller_add (fd, TVM_POLL_IN, link_ready, link_ref (self),
                                 (GDestroyNotify) tvm_nursery_link_unref, error);
  if (self->handle == NULL)
    {
      tvm_process_spec_free (spec);
      tvm_nursery_link_unref (self);
      tvm_nursery_link_unref (self);
      return NULL;
    }

  push_setup (self);
  start = g_new (Start, 1);
  start->link = link_ref (self);
  start->spec = spec;
  tvm_io_thread_invoke (context, start_run, start, "[tvmsupport] start of nursery");
  return self;
}

static void
flush (TvmNurseryLink *self)
{
  if (self->handle == NULL)
    return;

  tvm_wire_flush (&self->channel);
  arm (self);
}

/* Takes the descriptors. */
void
tvm_nursery_link_fork_locked (TvmNurseryLink *self,
                              guint64         id,
                              GBytes         *words,
                              int             fds[4])
{
  tvm_wire_push_fds (&self->channel, TVM_FRAME_FORK, 0, id, words, fds, 4);
  flush (self);
}

void
tvm_nursery_link_kill_locked (TvmNurseryLink *self,
                              guint64         id)
{
  tvm_wire_push (&self->channel, TVM_FRAME_KILL, 0, id, NULL);
  flush (self);
}

/* It does not answer. */
void
tvm_nursery_link_lose_locked (TvmNurseryLink *self)
{
  if (self->handle != NULL)
    lose (self);
}

/* The end of its socket ends it. */
void
tvm_nursery_link_end_locked (TvmNurseryLink *self)
{
  retire (self);
  if (self->end_deadline != NEVER || self->ended)
    return;

  shutdown (self->channel.fd, SHUT_WR);
  self->end_deadline = g_get_monotonic_time () + END_GRACE_USEC;
  tvm_engine_set_timer_locked (self->engine, self->end_deadline);
}

void
tvm_nursery_link_check_time_locked (TvmNurseryLink *self,
                                    gint64          now)
{
  if (now < self->end_deadline)
    return;

  self->end_deadline = NEVER;
  tvm_io_thread_cancel_later (self->cancellable);
}
