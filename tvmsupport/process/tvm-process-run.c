/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-process-private.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/process/tvm-capture-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-process-spec-private.h"
#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the death of everything is waited for. What is in an uninterruptible sleep does not die;
 * the supervisor stays with it, the caller goes on. */
#define KILL_LIMIT_MSEC 2000

#define READ_SIZE (64 * 1024)

/* So that one loud process does not keep the others waiting */
#define READS_PER_DISPATCH 16

typedef enum
{
  KILL_NOT,
  KILL_TIMED_OUT,
  KILL_CANCELLED,
} KillReason;

typedef struct
{
  int fd;               /* -1 once there is nothing more to read */
  GSource *source;
  TvmCapture capture;
} Stream;

/* Called on the I/O thread, once; takes @result or @error */
typedef void (*RunDone) (gpointer          done_data,
                         TvmProcessResult *result,
                         GError           *error);

/*
 * Run: one run, from the call to the moment when the supervisor has been reaped.
 *
 * After it was made, only the I/O thread touches it, without locks. It has three ends to come:
 *
 *   - the outcome: one of an ENDED or a FAILED message, or the loss of the supervisor;
 *   - the end of the control socket: the supervisor says nothing more;
 *   - the reaping of the supervisor.
 *
 * With all three the caller gets its result and the run is freed. A run that was killed and whose
 * processes do not die gives its result after KILL_LIMIT_MSEC and is freed when they did.
 */
typedef struct
{
  TvmProcessSpec *spec;
  char **environ_;
  GCancellable *cancellable;    /* (nullable) (owned) */
  RunDone done;
  gpointer done_data;
  GMainContext *context;        /* of the I/O thread */

  TvmLaunch launch;
  GSource *control_source;
  Stream out;
  Stream err;
  GSource *cancel_source;
  GSource *timeout_source;
  GSource *limit_source;

  KillReason kill_reason;
  GPid target;                  /* 0 until the supervisor has said that it started it */
  TvmSupervisorMessage ended;   /* kind 0 until it came */
  GError *error;                /* (nullable): why there is no result */
  guint has_outcome : 1;
  guint control_closed : 1;
  guint reaped : 1;
  guint completed : 1;
} Run;

static void
stream_init (Stream *self,
             int     fd,
             gsize   limit)
{
  self->fd = fd;
  tvm_capture_init (&self->capture, limit);
}

static void
stream_close (Stream *self)
{
  tvm_io_thread_clear (&self->source);
  if (self->fd >= 0)
    close (g_steal_fd (&self->fd));
}

/* Reads at most @max bytes. Returns: FALSE if nothing more will come */
static gboolean
stream_read (Stream *self,
             gsize   max)
{
  static guint8 buffer[READ_SIZE];  /* of the I/O thread */

  while (max > 0)
    {
      ssize_t n = read (self->fd, buffer, MIN (max, sizeof buffer));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return TRUE;
      if (n <= 0)
        return FALSE;

      tvm_capture_append (&self->capture, buffer, n);
      max -= n;
    }

  return TRUE;
}

static gboolean
stream_ready (int          fd,
              GIOCondition condition,
              gpointer     user_data)
{
  Stream *self = user_data;

  if (!stream_read (self, READS_PER_DISPATCH * READ_SIZE))
    stream_close (self);

  return G_SOURCE_CONTINUE;
}

/* Takes what the target has written, and not what a daemon that it left may go on writing. */
static void
stream_drain (Stream *self)
{
  int available = 0;

  if (self->fd < 0)
    return;

  if (ioctl (self->fd, FIONREAD, &available) == 0 && available > 0)
    stream_read (self, available);
  stream_close (self);
}

static void
run_free (Run *self)
{
  stream_close (&self->out);
  stream_close (&self->err);
  tvm_capture_clear (&self->out.capture);
  tvm_capture_clear (&self->err.capture);
  tvm_io_thread_clear (&self->control_source);
  tvm_io_thread_clear (&self->cancel_source);
  tvm_io_thread_clear (&self->timeout_source);
  tvm_io_thread_clear (&self->limit_source);
  tvm_launch_clear (&self->launch);
  tvm_process_spec_free (self->spec);
  g_strfreev (self->environ_);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);
  g_free (self);
}

static Run *
run_new (const TvmProcessSpec *spec,
         GCancellable         *cancellable,
         GMainContext         *context,
         RunDone               done,
         gpointer              done_data)
{
  Run *self = g_new0 (Run, 1);

  self->spec = tvm_process_spec_copy (spec);
  self->environ_ = tvm_process_spec_make_environ (spec);
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->context = context;
  self->done = done;
  self->done_data = done_data;
  self->out.fd = self->err.fd = -1;
  tvm_launch_init (&self->launch);
  return self;
}

static TvmProcessResult *
run_make_result (Run *self)
{
  TvmProcessResult *result = tvm_process_result_new ((const char * const *) self->spec->argv);
  int status = self->ended.wait_status;

  /* A supervisor that is still killing has not sent one. */
  if (self->ended.kind == 0)
    result->term_signal = SIGKILL;
  else if (WIFEXITED (status))
    result->exit_status = WEXITSTATUS (status);
  else if (WIFSIGNALED (status))
    result->term_signal = WTERMSIG (status);

  result->timed_out = self->kill_reason == KILL_TIMED_OUT
                      && (self->ended.kind == 0 || self->ended.killed);
  result->elapsed_usec = self->ended.elapsed_usec;
  result->user_usec = self->ended.user_usec;
  result->system_usec = self->ended.system_usec;
  result->max_rss_bytes = self->ended.max_rss_bytes;
  result->stdout_total = self->out.capture.total;
  result->stderr_total = self->err.capture.total;
  result->stdout_bytes = tvm_capture_finish (&self->out.capture);
  result->stderr_bytes = tvm_capture_finish (&self->err.capture);
  return result;
}

static void
run_remove_cleanup_paths (Run *self)
{
  for (guint i = 0; i < self->spec->cleanup_paths->len; i++)
    tvm_rmtree_at (AT_FDCWD, g_ptr_array_index (self->spec->cleanup_paths, i), NULL);
}

/* Returns: (transfer full) (nullable): the result, or NULL with @error */
static TvmProcessResult *
run_complete (Run     *self,
              GError **error)
{
  self->completed = TRUE;
  stream_drain (&self->out);
  stream_drain (&self->err);
  tvm_io_thread_clear (&self->cancel_source);
  tvm_io_thread_clear (&self->timeout_source);
  tvm_io_thread_clear (&self->limit_source);

  if (self->kill_reason == KILL_CANCELLED)
    {
      /* If it had ended before the kill came, the supervisor has left them. */
      run_remove_cleanup_paths (self);
      g_clear_error (&self->error);
      g_set_error_literal (&self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                           _("Operation was cancelled"));
    }

  *error = g_steal_pointer (&self->error);
  return *error == NULL ? run_make_result (self) : NULL;
}

/* Everything is given back before the caller hears of the end. */
static void
run_finish_maybe (Run *self)
{
  RunDone done = self->completed ? NULL : self->done;
  gpointer done_data = self->done_data;
  TvmProcessResult *result = NULL;
  GError *error = NULL;

  if (!self->control_closed || !self->reaped)
    return;

  if (done != NULL)
    result = run_complete (self, &error);
  run_free (self);
  if (done != NULL)
    done (done_data, result, error);
}

/* The processes, or the supervisor itself, take too long to die. */
static gboolean
run_limit_reached (gpointer user_data)
{
  Run *self = user_data;
  TvmProcessResult *result;
  GError *error = NULL;

  g_debug ("“%s” could not be ended in time", self->spec->argv[0]);
  result = run_complete (self, &error);
  self->done (self->done_data, result, error);
  return G_SOURCE_REMOVE;
}

static void
run_add_limit (Run *self)
{
  if (self->limit_source != NULL || self->completed)
    return;

  self->limit_source = tvm_io_thread_attach (self->context, g_timeout_source_new (KILL_LIMIT_MSEC),
                                             run_limit_reached, self, "[tvmsupport] end of run");
}

/* The one way in which a run ends before its time: the supervisor kills everything and says so. */
static void
run_kill (Run        *self,
          KillReason  reason)
{
  tvm_io_thread_clear (&self->timeout_source);
  self->kill_reason = reason;
  if (self->control_closed)
    return;

  shutdown (self->launch.control_fd, SHUT_WR);
  run_add_limit (self);
}

static gboolean
run_cancelled (GCancellable *cancellable,
               gpointer      user_data)
{
  Run *self = user_data;

  tvm_io_thread_clear (&self->cancel_source);
  run_kill (self, KILL_CANCELLED);
  return G_SOURCE_REMOVE;
}

static gboolean
run_timed_out (gpointer user_data)
{
  run_kill (user_data, KILL_TIMED_OUT);
  return G_SOURCE_REMOVE;
}

static void
run_started (Run                        *self,
             const TvmSupervisorMessage *message)
{
  guint msec = (guint) MIN (self->spec->timeout_msec, (gint64) G_MAXUINT);

  self->target = message->pid;
  if (self->spec->timeout_msec < 0 || self->kill_reason != KILL_NOT)
    return;

  self->timeout_source = tvm_io_thread_attach (self->context, g_timeout_source_new (msec),
                                               run_timed_out, self, "[tvmsupport] time limit");
}

/* From here on nothing changes the outcome. */
static void
run_set_outcome (Run *self)
{
  self->has_outcome = TRUE;
  tvm_io_thread_clear (&self->cancel_source);
  tvm_io_thread_clear (&self->timeout_source);
  stream_drain (&self->out);
  stream_drain (&self->err);
  run_add_limit (self);
}

static void
run_set_start_error (Run                        *self,
                     const TvmSupervisorMessage *message)
{
  g_autofree char *program = g_filename_display_name (self->spec->argv[0]);
  g_autofree char *place = NULL;

  switch ((TvmSupervisorStage) message->stage)
    {
    case TVM_SUPERVISOR_STAGE_OPTIONS:
      g_set_error (&self->error, TVM_ERROR, TVM_ERROR_FAILED,
                   _("Could not start “%s”: the helper program of the library has another version"),
                   program);
      return;

    case TVM_SUPERVISOR_STAGE_TMPDIR:
      place = g_filename_display_name (self->launch.tmpdir);
      tvm_error_set_errno (&self->error, message->error,
                           _("Could not make the temporary directory “%s”"), place);
      return;

    case TVM_SUPERVISOR_STAGE_CHDIR:
      place = g_filename_display_name (self->spec->cwd);
      tvm_error_set_errno (&self->error, message->error,
                           _("Could not use “%s” as the working directory"), place);
      return;

    case TVM_SUPERVISOR_STAGE_RLIMIT:
      tvm_error_set_errno (&self->error, message->error,
                           _("Could not limit the resources of “%s”"), program);
      return;

    case TVM_SUPERVISOR_STAGE_EXEC:
      if (message->error == E2BIG)
        g_set_error (&self->error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                     _("The command line of “%s” is too long for the limits of its stack"),
                     program);
      else
        tvm_error_set_errno (&self->error, message->error, _("Could not execute “%s”"), program);
      return;

    case TVM_SUPERVISOR_STAGE_SETUP:
    case TVM_SUPERVISOR_STAGE_FORK:
    default:
      tvm_error_set_errno (&self->error, message->error, _("Could not start “%s”"), program);
      return;
    }
}

/* It was killed. The kernel has killed the target with it; what that had started is in its group,
 * or lost. */
static void
run_supervisor_lost (Run *self)
{
  g_autofree char *program = g_filename_display_name (self->spec->argv[0]);

  if (self->target > 1 && !self->spec->cleans_up)
    kill (-self->target, SIGKILL);

  if (self->launch.tmpdir != NULL)
    tvm_rmtree_at (AT_FDCWD, self->launch.tmpdir, NULL);
  run_remove_cleanup_paths (self);
  g_set_error (&self->error, TVM_ERROR, TVM_ERROR_FAILED,
               _("The supervisor of “%s” was killed"), program);
  run_set_outcome (self);
}

static void
run_handle_message (Run                        *self,
                    const TvmSupervisorMessage *message)
{
  switch ((TvmSupervisorKind) message->kind)
    {
    case TVM_SUPERVISOR_STARTED:
      run_started (self, message);
      return;

    case TVM_SUPERVISOR_FAILED:
      run_set_start_error (self, message);
      run_set_outcome (self);
      return;

    case TVM_SUPERVISOR_ENDED:
      self->ended = *message;
      run_set_outcome (self);
      return;

    default:
      g_warning ("Unknown message %d of the supervisor", message->kind);
      return;
    }
}

static gboolean
run_control_ready (int          fd,
                   GIOCondition condition,
                   gpointer     user_data)
{
  TvmSupervisorMessage message;
  Run *self = user_data;
  ssize_t n = recv (fd, &message, sizeof message, MSG_DONTWAIT);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  if (n == (ssize_t) sizeof message)
    {
      run_handle_message (self, &message);
      return G_SOURCE_CONTINUE;
    }

  if (!self->has_outcome)
    run_supervisor_lost (self);

  tvm_io_thread_clear (&self->control_source);
  self->control_closed = TRUE;
  if (self->launch.subprocess == NULL)
    {
      /* It has closed its descriptors, so that it is in the middle of its exit. */
      while (waitpid (self->launch.pid, NULL, 0) < 0 && errno == EINTR)
        ;
      self->reaped = TRUE;
    }

  run_finish_maybe (self);
  return G_SOURCE_REMOVE;
}

static void
run_reaped (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Run *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->reaped = TRUE;
  run_finish_maybe (self);
}

static GSource *
run_watch (Run                 *self,
           int                  fd,
           GUnixFDSourceFunc    func,
           gpointer             user_data,
           const char          *name)
{
  return tvm_io_thread_attach (self->context,
                               g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR),
                               G_SOURCE_FUNC (func), user_data, name);
}

/* On the I/O thread */
static gboolean
run_start (gpointer user_data)
{
  Run *self = user_data;
  RunDone done = self->done;
  gpointer done_data = self->done_data;
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, &error)
      || !tvm_process_spec_check (self->spec, &error)
      || !tvm_launch_start (&self->launch, self->spec, self->environ_, &error))
    {
      run_free (self);
      done (done_data, NULL, error);
      return G_SOURCE_REMOVE;
    }

  tvm_process_spec_close_fds (self->spec);
  stream_init (&self->out, g_steal_fd (&self->launch.stdout_fd), self->spec->output_limit);
  stream_init (&self->err, g_steal_fd (&self->launch.stderr_fd), self->spec->output_limit);
  self->out.source = run_watch (self, self->out.fd, stream_ready, &self->out,
                                "[tvmsupport] stdout");
  self->err.source = run_watch (self, self->err.fd, stream_ready, &self->err,
                                "[tvmsupport] stderr");
  self->control_source = run_watch (self, self->launch.control_fd, run_control_ready, self,
                                    "[tvmsupport] supervisor");
  if (self->cancellable != NULL)
    self->cancel_source = tvm_io_thread_attach (self->context,
                                                g_cancellable_source_new (self->cancellable),
                                                G_SOURCE_FUNC (run_cancelled), self,
                                                "[tvmsupport] cancellable");
  if (self->launch.subprocess != NULL)
    g_subprocess_wait_async (self->launch.subprocess, NULL, run_reaped, self);

  return G_SOURCE_REMOVE;
}

static void
run_done_task (gpointer          done_data,
               TvmProcessResult *result,
               GError           *error)
{
  g_autoptr (GTask) task = done_data;

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, (GDestroyNotify) tvm_process_result_unref);
}

/* The callback is called in the thread-default context of the caller, also when the run could not
 * start. A result that was there before the cancellation is not taken back. */
void
tvm_process_run_async (const TvmProcessSpec *spec,
                       GCancellable         *cancellable,
                       GAsyncReadyCallback   callback,
                       gpointer              user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  GMainContext *context;
  Run *run;

  g_return_if_fail (spec != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_process_run_async);
  g_task_set_check_cancellable (task, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, &error)
      || (context = tvm_io_thread_get_context (&error)) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  run = run_new (spec, cancellable, context, run_done_task, g_steal_pointer (&task));
  tvm_io_thread_invoke (context, run_start, run, "[tvmsupport] start of run");
}

TvmProcessResult *
tvm_process_run_finish (GAsyncResult  *result,
                        GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean done;
  TvmProcessResult *result;
  GError *error;
} Waiter;

static void
run_done_waiter (gpointer          done_data,
                 TvmProcessResult *result,
                 GError           *error)
{
  Waiter *waiter = done_data;

  g_mutex_lock (&waiter->mutex);
  waiter->done = TRUE;
  waiter->result = result;
  waiter->error = error;
  g_cond_signal (&waiter->cond);
  g_mutex_unlock (&waiter->mutex);
}

/* Not by way of a TvmSync: as all happens on the I/O thread, a condition variable is enough, and
 * needs no descriptor, of which there may be none left. */
TvmProcessResult *
tvm_process_run (const TvmProcessSpec  *spec,
                 GCancellable          *cancellable,
                 GError               **error)
{
  Waiter waiter = { .done = FALSE };
  GMainContext *context;

  g_return_val_if_fail (spec != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || (context = tvm_io_thread_get_context (error)) == NULL)
    return NULL;

  /* It would wait for itself. */
  g_return_val_if_fail (!g_main_context_is_owner (context), NULL);

  g_mutex_init (&waiter.mutex);
  g_cond_init (&waiter.cond);
  tvm_io_thread_invoke (context, run_start,
                        run_new (spec, cancellable, context, run_done_waiter, &waiter),
                        "[tvmsupport] start of run");

  g_mutex_lock (&waiter.mutex);
  while (!waiter.done)
    g_cond_wait (&waiter.cond, &waiter.mutex);
  g_mutex_unlock (&waiter.mutex);

  g_mutex_clear (&waiter.mutex);
  g_cond_clear (&waiter.cond);
  if (waiter.error != NULL)
    g_propagate_error (error, waiter.error);
  return waiter.result;
}
