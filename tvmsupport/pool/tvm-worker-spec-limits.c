/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-worker-spec.h"
#include "tvmsupport/pool/tvm-worker-spec-private.h"

/* The accessors of what a worker may use, how long it lives and where its output goes */

static void
set_string (TvmWorkerSpec  *self,
            char          **field,
            const char     *value,
            const char     *property)
{
  char *old = *field;

  if (g_strcmp0 (old, value) == 0)
    return;

  *field = g_strdup (value);
  g_free (old);
  g_object_notify (G_OBJECT (self), property);
}

static void
set_number (TvmWorkerSpec *self,
            guint64       *field,
            guint64        value,
            const char    *property)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify (G_OBJECT (self), property);
}

static void
set_count (TvmWorkerSpec *self,
           guint         *field,
           guint          value,
           const char    *property)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify (G_OBJECT (self), property);
}

static void
set_mode (TvmWorkerSpec   *self,
          TvmWorkerStream *stream,
          TvmWorkerOutput  mode,
          const char      *property)
{
  if (stream->mode == mode)
    return;

  stream->mode = mode;
  g_object_notify (G_OBJECT (self), property);
}

/**
 * tvm_worker_spec_get_start_timeout: (get-property start-timeout)
 * @self: a spec
 *
 * Gets how long the start of a worker may take.
 *
 * Returns: the limit in milliseconds, or -1 for none
 *
 * Since: 1.0
 */
gint64
tvm_worker_spec_get_start_timeout (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), -1);

  return self->start_timeout_msec;
}

/**
 * tvm_worker_spec_set_start_timeout: (set-property start-timeout)
 * @self: a spec
 * @timeout_msec: the limit in milliseconds, or -1 for none
 *
 * Sets how long the start of a worker may take.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_start_timeout (TvmWorkerSpec *self,
                                   gint64         timeout_msec)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->start_timeout_msec == timeout_msec)
    return;

  self->start_timeout_msec = timeout_msec;
  g_object_notify (G_OBJECT (self), "start-timeout");
}

/**
 * tvm_worker_spec_get_maximum_uses: (get-property maximum-uses)
 * @self: a spec
 *
 * Gets how many tasks a worker runs before it is replaced.
 *
 * Returns: the number, or 0 for any
 *
 * Since: 1.0
 */
guint
tvm_worker_spec_get_maximum_uses (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->maximum_uses;
}

/**
 * tvm_worker_spec_set_maximum_uses: (set-property maximum-uses)
 * @self: a spec
 * @maximum_uses: the number, or 0 for any
 *
 * Sets how many tasks a worker runs before it is replaced.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_maximum_uses (TvmWorkerSpec *self,
                                  guint          maximum_uses)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_count (self, &self->maximum_uses, maximum_uses, "maximum-uses");
}

/**
 * tvm_worker_spec_get_respawn_limit: (get-property respawn-limit)
 * @self: a spec
 *
 * Gets after how many failed starts in a row the tasks that wait fail.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_worker_spec_get_respawn_limit (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->respawn_limit;
}

/**
 * tvm_worker_spec_set_respawn_limit: (set-property respawn-limit)
 * @self: a spec
 * @respawn_limit: the number
 *
 * Sets after how many failed starts in a row the tasks that wait fail; see
 * [property@TvmSupport.WorkerSpec:respawn-limit].
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_respawn_limit (TvmWorkerSpec *self,
                                   guint          respawn_limit)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_count (self, &self->respawn_limit, respawn_limit, "respawn-limit");
}

/**
 * tvm_worker_spec_get_n_spares: (get-property n-spares)
 * @self: a spec
 *
 * Gets how many workers are kept ready.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_worker_spec_get_n_spares (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->n_spares;
}

/**
 * tvm_worker_spec_set_n_spares: (set-property n-spares)
 * @self: a spec
 * @n_spares: the number
 *
 * Sets how many workers are kept ready.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_n_spares (TvmWorkerSpec *self,
                              guint          n_spares)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_count (self, &self->n_spares, n_spares, "n-spares");
}

/**
 * tvm_worker_spec_get_address_space_limit: (get-property address-space-limit)
 * @self: a spec
 *
 * Gets how much address space each process of a worker may use.
 *
 * Returns: the limit in bytes, or 0 for none
 *
 * Since: 1.0
 */
guint64
tvm_worker_spec_get_address_space_limit (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->address_space;
}

/**
 * tvm_worker_spec_set_address_space_limit: (set-property address-space-limit)
 * @self: a spec
 * @bytes: the limit in bytes, or 0 for none
 *
 * Sets how much address space each process of a worker may use.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_address_space_limit (TvmWorkerSpec *self,
                                         guint64        bytes)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_number (self, &self->address_space, bytes, "address-space-limit");
}

/**
 * tvm_worker_spec_get_cpu_time_limit: (get-property cpu-time-limit)
 * @self: a spec
 *
 * Gets how much processor time each process of a worker may use.
 *
 * Returns: the limit in seconds, or 0 for none
 *
 * Since: 1.0
 */
guint64
tvm_worker_spec_get_cpu_time_limit (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->cpu_seconds;
}

/**
 * tvm_worker_spec_set_cpu_time_limit: (set-property cpu-time-limit)
 * @self: a spec
 * @seconds: the limit in seconds, or 0 for none
 *
 * Sets how much processor time each process of a worker, or of a command, may use; see
 * [property@TvmSupport.WorkerSpec:cpu-time-limit].
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_cpu_time_limit (TvmWorkerSpec *self,
                                    guint64        seconds)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_number (self, &self->cpu_seconds, seconds, "cpu-time-limit");
}

/**
 * tvm_worker_spec_get_open_files_limit: (get-property open-files-limit)
 * @self: a spec
 *
 * Gets how many descriptors each process of a worker may have open.
 *
 * Returns: the limit, or 0 for that of the application
 *
 * Since: 1.0
 */
guint64
tvm_worker_spec_get_open_files_limit (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->open_files;
}

/**
 * tvm_worker_spec_set_open_files_limit: (set-property open-files-limit)
 * @self: a spec
 * @n_files: the limit, or 0 for that of the application
 *
 * Sets how many descriptors each process of a worker may have open.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_open_files_limit (TvmWorkerSpec *self,
                                      guint64        n_files)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_number (self, &self->open_files, n_files, "open-files-limit");
}

/**
 * tvm_worker_spec_get_recycle_size: (get-property recycle-size)
 * @self: a spec
 *
 * Gets the size from which a worker is replaced.
 *
 * Returns: the size in bytes of resident memory, or 0 for never
 *
 * Since: 1.0
 */
guint64
tvm_worker_spec_get_recycle_size (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->recycle_size;
}

/**
 * tvm_worker_spec_set_recycle_size: (set-property recycle-size)
 * @self: a spec
 * @bytes: the size in bytes of resident memory, or 0 for never
 *
 * Sets the size from which a worker is replaced.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_recycle_size (TvmWorkerSpec *self,
                                  guint64        bytes)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_number (self, &self->recycle_size, bytes, "recycle-size");
}

/**
 * tvm_worker_spec_get_maximum_message_size: (get-property maximum-message-size)
 * @self: a spec
 *
 * Gets how large a task and a result may be.
 *
 * Returns: the limit in bytes
 *
 * Since: 1.0
 */
guint64
tvm_worker_spec_get_maximum_message_size (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), 0);

  return self->max_message;
}

/**
 * tvm_worker_spec_set_maximum_message_size: (set-property maximum-message-size)
 * @self: a spec
 * @bytes: the limit in bytes
 *
 * Sets how large a task and a result may be.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_maximum_message_size (TvmWorkerSpec *self,
                                          guint64        bytes)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_number (self, &self->max_message, bytes, "maximum-message-size");
}

/**
 * tvm_worker_spec_get_stdout_mode: (get-property stdout-mode)
 * @self: a spec
 *
 * Gets where the standard output of the workers goes.
 *
 * Returns: the mode
 *
 * Since: 1.0
 */
TvmWorkerOutput
tvm_worker_spec_get_stdout_mode (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), TVM_WORKER_OUTPUT_INHERIT);

  return self->out.mode;
}

/**
 * tvm_worker_spec_set_stdout_mode: (set-property stdout-mode)
 * @self: a spec
 * @mode: the mode
 *
 * Sets where the standard output of the workers goes.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stdout_mode (TvmWorkerSpec  *self,
                                 TvmWorkerOutput mode)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_mode (self, &self->out, mode, "stdout-mode");
}

/**
 * tvm_worker_spec_set_stdout_path: (set-property stdout-path)
 * @self: a spec
 * @path: (type filename) (nullable): the path, or %NULL for none
 *
 * Sends the standard output of the workers to the end of a file, which is made if it is not
 * there. Relative to the current directory of the application when the pool is made.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stdout_path (TvmWorkerSpec *self,
                                 const char    *path)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  g_object_freeze_notify (G_OBJECT (self));
  set_string (self, &self->out.path, path, "stdout-path");
  if (path != NULL)
    tvm_worker_spec_set_stdout_mode (self, TVM_WORKER_OUTPUT_FILE);
  else if (self->out.mode == TVM_WORKER_OUTPUT_FILE)
    tvm_worker_spec_set_stdout_mode (self, TVM_WORKER_OUTPUT_INHERIT);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * tvm_worker_spec_set_stdout_stream: (set-property stdout-stream)
 * @self: a spec
 * @stream: (nullable): a stream, or %NULL for none
 *
 * Sends the standard output of the workers to a stream, which is neither flushed nor closed.
 *
 * If it has a descriptor, the workers write to that. Any other stream is written to from another
 * thread, whether a main loop runs or not; nobody else may use it until the pool was shut down,
 * which waits until it has everything. Several pools may have the same stream, and one pool may
 * have it for both outputs. What it does not take, as it was closed, is lost; while it takes
 * nothing, workers that print a lot wait.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stdout_stream (TvmWorkerSpec *self,
                                   GOutputStream *stream)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));
  g_return_if_fail (stream == NULL || G_IS_OUTPUT_STREAM (stream));

  g_object_freeze_notify (G_OBJECT (self));
  if (g_set_object (&self->out.stream, stream))
    g_object_notify (G_OBJECT (self), "stdout-stream");
  if (stream != NULL)
    tvm_worker_spec_set_stdout_mode (self, TVM_WORKER_OUTPUT_STREAM);
  else if (self->out.mode == TVM_WORKER_OUTPUT_STREAM)
    tvm_worker_spec_set_stdout_mode (self, TVM_WORKER_OUTPUT_INHERIT);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * tvm_worker_spec_get_stderr_mode: (get-property stderr-mode)
 * @self: a spec
 *
 * Gets where the standard error of the workers goes.
 *
 * Returns: the mode
 *
 * Since: 1.0
 */
TvmWorkerOutput
tvm_worker_spec_get_stderr_mode (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), TVM_WORKER_OUTPUT_INHERIT);

  return self->err.mode;
}

/**
 * tvm_worker_spec_set_stderr_mode: (set-property stderr-mode)
 * @self: a spec
 * @mode: the mode
 *
 * Sets where the standard error of the workers goes.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stderr_mode (TvmWorkerSpec  *self,
                                 TvmWorkerOutput mode)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_mode (self, &self->err, mode, "stderr-mode");
}

/**
 * tvm_worker_spec_set_stderr_path: (set-property stderr-path)
 * @self: a spec
 * @path: (type filename) (nullable): the path, or %NULL for none
 *
 * Sends the standard error of the workers to the end of a file, which is made if it is not
 * there. Relative to the current directory of the application when the pool is made.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stderr_path (TvmWorkerSpec *self,
                                 const char    *path)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  g_object_freeze_notify (G_OBJECT (self));
  set_string (self, &self->err.path, path, "stderr-path");
  if (path != NULL)
    tvm_worker_spec_set_stderr_mode (self, TVM_WORKER_OUTPUT_FILE);
  else if (self->err.mode == TVM_WORKER_OUTPUT_FILE)
    tvm_worker_spec_set_stderr_mode (self, TVM_WORKER_OUTPUT_INHERIT);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * tvm_worker_spec_set_stderr_stream: (set-property stderr-stream)
 * @self: a spec
 * @stream: (nullable): a stream, or %NULL for none
 *
 * Sends the standard error of the workers to a stream, which is neither flushed nor closed.
 *
 * If it has a descriptor, the workers write to that. Any other stream is written to from another
 * thread, whether a main loop runs or not; nobody else may use it until the pool was shut down,
 * which waits until it has everything. Several pools may have the same stream, and one pool may
 * have it for both outputs. What it does not take, as it was closed, is lost; while it takes
 * nothing, workers that print a lot wait.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_stderr_stream (TvmWorkerSpec *self,
                                   GOutputStream *stream)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));
  g_return_if_fail (stream == NULL || G_IS_OUTPUT_STREAM (stream));

  g_object_freeze_notify (G_OBJECT (self));
  if (g_set_object (&self->err.stream, stream))
    g_object_notify (G_OBJECT (self), "stderr-stream");
  if (stream != NULL)
    tvm_worker_spec_set_stderr_mode (self, TVM_WORKER_OUTPUT_STREAM);
  else if (self->err.mode == TVM_WORKER_OUTPUT_STREAM)
    tvm_worker_spec_set_stderr_mode (self, TVM_WORKER_OUTPUT_INHERIT);
  g_object_thaw_notify (G_OBJECT (self));
}
