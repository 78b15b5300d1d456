/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-result.h"
#include "tvmsupport/pool/tvm-task-result-private.h"

#include "tvmsupport/tvm-bytes-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>

/**
 * TvmTaskResult:
 *
 * What became of a task.
 *
 * A task that failed, crashed its worker or ran into its time limit is a result like any other,
 * so that nothing that is known about it is lost: what it printed, how long it took, which worker
 * had it. [method@TvmSupport.TaskResult.check] turns a failure into a #GError where that is
 * wanted.
 *
 * ```c
 * static gboolean
 * print_output (TvmTaskResult  *result,
 *               GError        **error)
 * {
 *   GBytes *output = tvm_task_result_get_stdout (result);
 *
 *   if (!tvm_task_result_check (result, error))
 *     return FALSE;
 *
 *   g_print ("%" G_GSIZE_FORMAT " bytes in %" G_GINT64_FORMAT " µs\n", g_bytes_get_size (output),
 *            tvm_task_result_get_elapsed_usec (result));
 *   return TRUE;
 * }
 * ```
 *
 * A result never changes. It can be used by any number of threads.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TvmTaskResult, tvm_task_result, G_TYPE_OBJECT)

/* How much of what a command said on standard error goes into an error message */
#define MESSAGE_TAIL_BYTES 2000

typedef enum
{
  PROP_STATUS = 1,
  PROP_ERROR,
  PROP_VALUE,
  PROP_BYTES,
  PROP_REMOTE_TYPE,
  PROP_TRACEBACK,
  PROP_EXIT_STATUS,
  PROP_TERM_SIGNAL,
  PROP_STDOUT,
  PROP_STDERR,
  PROP_TRUNCATED,
  PROP_ELAPSED_USEC,
  PROP_USER_USEC,
  PROP_SYSTEM_USEC,
  PROP_MAX_RSS_BYTES,
  PROP_WORKER_PID,
  PROP_N_ATTEMPTS,
} TvmTaskResultProperty;

static GParamSpec *obj_props[PROP_N_ATTEMPTS + 1];
static void
tvm_task_result_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  TvmTaskResult *self = TVM_TASK_RESULT (object);

  switch ((TvmTaskResultProperty) prop_id)
    {
    case PROP_STATUS:
      g_value_set_enum (value, self->status);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_VALUE:
      g_value_set_variant (value, self->value);
      break;
    case PROP_BYTES:
      g_value_set_boxed (value, self->bytes);
      break;
    case PROP_REMOTE_TYPE:
      g_value_set_string (value, self->remote_type);
      break;
    case PROP_TRACEBACK:
      g_value_set_string (value, self->traceback);
      break;
    case PROP_EXIT_STATUS:
      g_value_set_int (value, self->exit_status);
      break;
    case PROP_TERM_SIGNAL:
      g_value_set_int (value, self->term_signal);
      break;
    case PROP_STDOUT:
      g_value_set_boxed (value, self->stdout_bytes);
      break;
    case PROP_STDERR:
      g_value_set_boxed (value, self->stderr_bytes);
      break;
    case PROP_TRUNCATED:
      g_value_set_boolean (value, self->truncated);
      break;
    case PROP_ELAPSED_USEC:
      g_value_set_int64 (value, self->elapsed_usec);
      break;
    case PROP_USER_USEC:
      g_value_set_int64 (value, self->user_usec);
      break;
    case PROP_SYSTEM_USEC:
      g_value_set_int64 (value, self->system_usec);
      break;
    case PROP_MAX_RSS_BYTES:
      g_value_set_uint64 (value, self->max_rss_bytes);
      break;
    case PROP_WORKER_PID:
      g_value_set_int (value, self->worker_pid);
      break;
    case PROP_N_ATTEMPTS:
      g_value_set_uint (value, self->n_attempts);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_task_result_finalize (GObject *object)
{
  TvmTaskResult *self = TVM_TASK_RESULT (object);

  g_clear_error (&self->error);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->remote_type);
  g_free (self->traceback);
  g_clear_pointer (&self->stdout_bytes, g_bytes_unref);
  g_clear_pointer (&self->stderr_bytes, g_bytes_unref);
  g_free (self->description);

  G_OBJECT_CLASS (tvm_task_result_parent_class)->finalize (object);
}

static const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

static void
install_outcome_properties (void)
{
  /**
   * TvmTaskResult:status:
   *
   * What became of the task.
   *
   * Since: 1.0
   */
  obj_props[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, TVM_TYPE_STATUS_KIND,
                       TVM_STATUS_KIND_RUNNING, flags);

  /**
   * TvmTaskResult:error:
   *
   * Why there is no value, or %NULL if the task is complete. It is that of
   * [method@TvmSupport.TaskResult.check], but for a command that ran to an end of its own, which
   * is complete whatever its status.
   *
   * Since: 1.0
   */
  obj_props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);

  /**
   * TvmTaskResult:value:
   *
   * What the function returned, or %NULL if there is no such value.
   *
   * Since: 1.0
   */
  obj_props[PROP_VALUE] =
    g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  /**
   * TvmTaskResult:bytes:
   *
   * What the worker answered, as it came; for an exception, what the runtime added to it. %NULL
   * if there is nothing of the kind.
   *
   * Since: 1.0
   */
  obj_props[PROP_BYTES] = g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TvmTaskResult:remote-type:
   *
   * The type of the exception in the language of the worker, such as `ValueError`, or
   * `g-io-error-quark:1` for a #GError; %NULL if the worker reported none.
   *
   * Since: 1.0
   */
  obj_props[PROP_REMOTE_TYPE] = g_param_spec_string ("remote-type", NULL, NULL, NULL, flags);

  /**
   * TvmTaskResult:traceback:
   *
   * Where the exception came from, in the words of the language of the worker; %NULL if the
   * worker did not say.
   *
   * Since: 1.0
   */
  obj_props[PROP_TRACEBACK] = g_param_spec_string ("traceback", NULL, NULL, NULL, flags);
}

static void
install_output_properties (void)
{
  /**
   * TvmTaskResult:exit-status:
   *
   * The status that the command exited with, or the worker, if that was the end of the task; -1 if
   * there is no such thing.
   *
   * Since: 1.0
   */
  obj_props[PROP_EXIT_STATUS] =
    g_param_spec_int ("exit-status", NULL, NULL, -1, G_MAXINT, -1, flags);

  /**
   * TvmTaskResult:term-signal:
   *
   * The signal that ended the command, or the worker, if that was the end of the task; 0 if none
   * did.
   *
   * Since: 1.0
   */
  obj_props[PROP_TERM_SIGNAL] = g_param_spec_int ("term-signal", NULL, NULL, 0, G_MAXINT, 0, flags);

  /**
   * TvmTaskResult:stdout:
   *
   * What was printed on standard output while the task ran, or %NULL if that was not captured.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDOUT] = g_param_spec_boxed ("stdout", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TvmTaskResult:stderr:
   *
   * What was printed on standard error while the task ran, or %NULL if that was not captured.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDERR] = g_param_spec_boxed ("stderr", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TvmTaskResult:truncated:
   *
   * Whether more was printed than is kept: by a command than its
   * [property@TvmSupport.Task:output-limit], by another worker than 1 MiB per stream. Then the
   * middle is left out, and a line says so in its place.
   *
   * Since: 1.0
   */
  obj_props[PROP_TRUNCATED] = g_param_spec_boolean ("truncated", NULL, NULL, FALSE, flags);
}

static void
install_cost_properties (void)
{
  /**
   * TvmTaskResult:elapsed-usec:
   *
   * How long the task took, in microseconds: from handing it to a worker until the result was
   * complete.
   *
   * Since: 1.0
   */
  obj_props[PROP_ELAPSED_USEC] =
    g_param_spec_int64 ("elapsed-usec", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * TvmTaskResult:user-usec:
   *
   * The processor time that the command used for itself, in microseconds; -1 if it is not known, as
   * for one that was killed at its time limit: its result does not wait for its end.
   *
   * Since: 1.0
   */
  obj_props[PROP_USER_USEC] =
    g_param_spec_int64 ("user-usec", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * TvmTaskResult:system-usec:
   *
   * The processor time that the kernel used for the command, in microseconds; -1 if it is not
   * known.
   *
   * Since: 1.0
   */
  obj_props[PROP_SYSTEM_USEC] =
    g_param_spec_int64 ("system-usec", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * TvmTaskResult:max-rss-bytes:
   *
   * The most memory that one process of the command held at a time, in bytes; 0 if it is not
   * known.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_RSS_BYTES] =
    g_param_spec_uint64 ("max-rss-bytes", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmTaskResult:worker-pid:
   *
   * The process that ran the task; 0 if the task never got to one.
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKER_PID] = g_param_spec_int ("worker-pid", NULL, NULL, 0, G_MAXINT, 0, flags);

  /**
   * TvmTaskResult:n-attempts:
   *
   * How many workers the task was handed to. More than one if others died before they began it; 0
   * if none that could be started got it.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_ATTEMPTS] = g_param_spec_uint ("n-attempts", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

static void
tvm_task_result_class_init (TvmTaskResultClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_task_result_get_property;
  object_class->finalize = tvm_task_result_finalize;

  install_outcome_properties ();
  install_output_properties ();
  install_cost_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_task_result_init (TvmTaskResult *self)
{
  self->exit_status = -1;
  self->user_usec = -1;
  self->system_usec = -1;
}

TvmTaskResult *
tvm_task_result_new (TvmStatusKind status)
{
  TvmTaskResult *self = g_object_new (TVM_TYPE_TASK_RESULT, NULL);

  self->status = status;
  return self;
}

TvmTaskResult *
tvm_task_result_new_error (GError *error)
{
  TvmTaskResult *self;

  g_return_val_if_fail (error != NULL, NULL);

  self = tvm_task_result_new (g_error_matches (error, TVM_ERROR, TVM_ERROR_TIMED_OUT)
                                ? TVM_STATUS_KIND_TIMEOUT
                                : TVM_STATUS_KIND_EXCEPTION);
  self->error = error;
  return self;
}

void
tvm_task_result_set_remote (TvmTaskResult       *self,
                            const TvmTaskResult *failure)
{
  g_assert (self->remote_type == NULL && self->traceback == NULL && self->bytes == NULL);

  self->remote_type = g_strdup (failure->remote_type);
  self->traceback = g_strdup (failure->traceback);
  if (failure->bytes != NULL)
    self->bytes = g_bytes_ref (failure->bytes);
}

/* Returns: (transfer full): the end of what the command said on standard error */
static char *
dup_last_words (TvmTaskResult *self)
{
  g_autofree char *text = NULL;
  const char *tail;
  gsize length;

  if (self->stderr_bytes == NULL)
    return g_strdup (_("what it printed was not captured"));

  text = g_strchomp (tvm_bytes_dup_utf8 (self->stderr_bytes));
  length = strlen (text);
  if (length == 0)
    return g_strdup (_("it printed no reason"));

  tail = text;
  if (length > MESSAGE_TAIL_BYTES)
    tail = g_utf8_find_next_char (tail + length - MESSAGE_TAIL_BYTES - 1, NULL);

  return g_strstrip (g_strdup (tail));
}

static void
set_command_failure (TvmTaskResult  *self,
                     GError        **error)
{
  g_autofree char *reason = dup_last_words (self);
  const char *name = self->description != NULL ? self->description : _("the command");

  if (self->term_signal == SIGXCPU)
    g_set_error (error, TVM_ERROR, TVM_ERROR_CRASHED,
                 _("“%s” was ended at its limit of processor time: %s"), name, reason);
  else if (self->term_signal != 0)
    g_set_error (error, TVM_ERROR, TVM_ERROR_CRASHED, _("“%s” was ended by signal %d (%s): %s"),
                 name, self->term_signal, g_strsignal (self->term_signal), reason);
  else
    g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED, _("“%s” failed with exit status %d: %s"),
                 name, self->exit_status, reason);
}

/**
 * tvm_task_result_check:
 * @self: a result
 * @error: a #GError
 *
 * Turns a failure into a #GError.
 *
 * The error is that of [method@TvmSupport.TaskResult.get_error] if there is one: among others
 * %TVM_ERROR_TASK_FAILED if the function returned an error, %TVM_ERROR_TIMED_OUT if the task
 * was killed at its time limit, and %TVM_ERROR_WORKER_DIED if its worker did not survive it. A
 * command that exited with another status than 0 is %TVM_ERROR_FAILED, one that a signal ended
 * %TVM_ERROR_CRASHED; the message has the command, its status, and the end of what it said on
 * standard error.
 *
 * Returns: %TRUE if the task worked, %FALSE with @error set if it did not
 *
 * Since: 1.0
 */
gboolean
tvm_task_result_check (TvmTaskResult  *self,
                       GError        **error)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }

  if (self->status != TVM_STATUS_KIND_COMPLETE)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_FAILED, _("The task has not ended"));
      return FALSE;
    }

  if (self->term_signal != 0 || self->exit_status > 0)
    {
      set_command_failure (self, error);
      return FALSE;
    }

  return TRUE;
}

/**
 * tvm_task_result_get_status: (get-property status)
 * @self: a result
 *
 * Gets what became of the task.
 *
 * Returns: the status
 *
 * Since: 1.0
 */
TvmStatusKind
tvm_task_result_get_status (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), TVM_STATUS_KIND_RUNNING);

  return self->status;
}

/**
 * tvm_task_result_get_error: (get-property error)
 * @self: a result
 *
 * Gets why there is no value.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if the task is complete
 *
 * Since: 1.0
 */
const GError *
tvm_task_result_get_error (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->error;
}

/**
 * tvm_task_result_get_value: (get-property value)
 * @self: a result
 *
 * Gets what the function returned.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is none
 *
 * Since: 1.0
 */
GVariant *
tvm_task_result_get_value (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->value;
}

/**
 * tvm_task_result_get_bytes: (get-property bytes)
 * @self: a result
 *
 * Gets what the worker answered, as it came, or what the runtime added to an exception.
 *
 * Returns: (transfer none) (nullable): the bytes, or %NULL if there are none
 *
 * Since: 1.0
 */
GBytes *
tvm_task_result_get_bytes (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->bytes;
}

/**
 * tvm_task_result_get_remote_type: (get-property remote-type)
 * @self: a result
 *
 * Gets the type of the exception in the language of the worker.
 *
 * Returns: (nullable): the name of the type, or %NULL
 *
 * Since: 1.0
 */
const char *
tvm_task_result_get_remote_type (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->remote_type;
}

/**
 * tvm_task_result_get_traceback: (get-property traceback)
 * @self: a result
 *
 * Gets where the exception came from.
 *
 * Returns: (nullable): lines of text, or %NULL
 *
 * Since: 1.0
 */
const char *
tvm_task_result_get_traceback (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->traceback;
}

/**
 * tvm_task_result_get_exit_status: (get-property exit-status)
 * @self: a result
 *
 * Gets the status that the command exited with, or the worker, if that was the end of the task.
 *
 * Returns: the status, or -1
 *
 * Since: 1.0
 */
int
tvm_task_result_get_exit_status (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), -1);

  return self->exit_status;
}

/**
 * tvm_task_result_get_term_signal: (get-property term-signal)
 * @self: a result
 *
 * Gets the signal that ended the command, or the worker, if that was the end of the task.
 *
 * Returns: the signal, or 0
 *
 * Since: 1.0
 */
int
tvm_task_result_get_term_signal (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), 0);

  return self->term_signal;
}

/**
 * tvm_task_result_get_stdout: (get-property stdout)
 * @self: a result
 *
 * Gets what was printed on standard output while the task ran.
 *
 * Returns: (transfer none) (nullable): the bytes, or %NULL if they were not captured
 *
 * Since: 1.0
 */
GBytes *
tvm_task_result_get_stdout (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->stdout_bytes;
}

/**
 * tvm_task_result_get_stderr: (get-property stderr)
 * @self: a result
 *
 * Gets what was printed on standard error while the task ran.
 *
 * Returns: (transfer none) (nullable): the bytes, or %NULL if they were not captured
 *
 * Since: 1.0
 */
GBytes *
tvm_task_result_get_stderr (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), NULL);

  return self->stderr_bytes;
}

/**
 * tvm_task_result_get_truncated: (get-property truncated)
 * @self: a result
 *
 * Gets whether more was printed than is kept.
 *
 * Returns: %TRUE if the middle of standard output or standard error is left out
 *
 * Since: 1.0
 */
gboolean
tvm_task_result_get_truncated (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), FALSE);

  return self->truncated;
}

/**
 * tvm_task_result_get_elapsed_usec: (get-property elapsed-usec)
 * @self: a result
 *
 * Gets how long the task took.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tvm_task_result_get_elapsed_usec (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), 0);

  return self->elapsed_usec;
}

/**
 * tvm_task_result_get_user_usec: (get-property user-usec)
 * @self: a result
 *
 * Gets the processor time that the command used for itself.
 *
 * Returns: the time in microseconds, or -1
 *
 * Since: 1.0
 */
gint64
tvm_task_result_get_user_usec (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), -1);

  return self->user_usec;
}

/**
 * tvm_task_result_get_system_usec: (get-property system-usec)
 * @self: a result
 *
 * Gets the processor time that the kernel used for the command.
 *
 * Returns: the time in microseconds, or -1
 *
 * Since: 1.0
 */
gint64
tvm_task_result_get_system_usec (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), -1);

  return self->system_usec;
}

/**
 * tvm_task_result_get_max_rss_bytes: (get-property max-rss-bytes)
 * @self: a result
 *
 * Gets the most memory that one process of the command held at a time.
 *
 * Returns: the size in bytes, or 0
 *
 * Since: 1.0
 */
guint64
tvm_task_result_get_max_rss_bytes (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), 0);

  return self->max_rss_bytes;
}

/**
 * tvm_task_result_get_worker_pid: (get-property worker-pid)
 * @self: a result
 *
 * Gets the process that ran the task.
 *
 * Returns: the process ID, or 0
 *
 * Since: 1.0
 */
int
tvm_task_result_get_worker_pid (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), 0);

  return self->worker_pid;
}

/**
 * tvm_task_result_get_n_attempts: (get-property n-attempts)
 * @self: a result
 *
 * Gets how many workers the task was handed to.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_task_result_get_n_attempts (TvmTaskResult *self)
{
  g_return_val_if_fail (TVM_IS_TASK_RESULT (self), 0);

  return self->n_attempts;
}
