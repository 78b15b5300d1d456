/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task.h"
#include "tvmsupport/pool/tvm-task-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/tvm-enums.h"

#include <glib/gi18n-lib.h>

/**
 * TvmTask:
 *
 * One piece of work for a worker: a function with its arguments, bytes, or a command.
 *
 * What a task asks for is fixed when it is made; its limits and the surroundings of a command can
 * be set. A pool reads a task when it is submitted, so that the same one can be changed and
 * submitted again. A task must not be changed by two threads at a time.
 *
 * ```c
 * static TvmTask *
 * make_link_task (const char *object)
 * {
 *   const char *argv[] = { "cc", "-shared", "-o", "kernel.so", object, NULL };
 *   TvmTask *task = tvm_task_new_command (argv);
 *
 *   tvm_task_set_working_directory (task, "/var/tmp/kernels");
 *   tvm_task_set_timeout (task, 10000);
 *   return task;
 * }
 * ```
 *
 * Which of the three kinds a worker takes is said by its [class@TvmSupport.WorkerSpec]; a task of
 * another kind fails with %TVM_ERROR_INVALID_ARGUMENT.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TvmTask, tvm_task, G_TYPE_OBJECT)

typedef enum
{
  PROP_PAYLOAD_TYPE = 1,
  PROP_FUNCTION,
  PROP_ARGS,
  PROP_PAYLOAD,
  PROP_ARGV,
  PROP_DESCRIPTION,
  PROP_TIMEOUT,
  PROP_SOFT_TIMEOUT,
  PROP_PRIORITY,
  PROP_WORKING_DIRECTORY,
  PROP_ENVIRONMENT,
  PROP_STDIN,
  PROP_INHERIT_STDIO,
  PROP_OUTPUT_LIMIT,
} TvmTaskProperty;

static GParamSpec *obj_props[PROP_OUTPUT_LIMIT + 1];

#define DEFAULT_OUTPUT_LIMIT (16 * 1024 * 1024)

/* In characters; a command line can have millions. */
#define MAX_SHORT_DESCRIPTION 200

static void
tvm_task_get_property (GObject    *object,
                       guint       prop_id,
                       GValue     *value,
                       GParamSpec *pspec)
{
  TvmTask *self = TVM_TASK (object);

  switch ((TvmTaskProperty) prop_id)
    {
    case PROP_PAYLOAD_TYPE:
      g_value_set_enum (value, self->payload_type);
      break;
    case PROP_FUNCTION:
      g_value_set_string (value, self->function);
      break;
    case PROP_ARGS:
      g_value_set_variant (value, self->args);
      break;
    case PROP_PAYLOAD:
      g_value_set_boxed (value, self->bytes);
      break;
    case PROP_ARGV:
      g_value_set_boxed (value, self->argv);
      break;
    case PROP_DESCRIPTION:
      g_value_take_string (value, tvm_task_dup_description (self));
      break;
    case PROP_TIMEOUT:
      g_value_set_int64 (value, self->timeout_msec);
      break;
    case PROP_SOFT_TIMEOUT:
      g_value_set_int64 (value, self->soft_timeout_msec);
      break;
    case PROP_PRIORITY:
      g_value_set_int (value, self->priority);
      break;
    case PROP_WORKING_DIRECTORY:
      g_value_set_string (value, self->cwd);
      break;
    case PROP_ENVIRONMENT:
      g_value_set_boxed (value, self->environment);
      break;
    case PROP_STDIN:
      g_value_set_boxed (value, self->stdin_bytes);
      break;
    case PROP_INHERIT_STDIO:
      g_value_set_boolean (value, self->inherit_stdio);
      break;
    case PROP_OUTPUT_LIMIT:
      g_value_set_uint64 (value, self->output_limit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_task_set_property (GObject      *object,
                       guint         prop_id,
                       const GValue *value,
                       GParamSpec   *pspec)
{
  TvmTask *self = TVM_TASK (object);

  switch ((TvmTaskProperty) prop_id)
    {
    case PROP_TIMEOUT:
      tvm_task_set_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_SOFT_TIMEOUT:
      tvm_task_set_soft_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_PRIORITY:
      tvm_task_set_priority (self, g_value_get_int (value));
      break;
    case PROP_WORKING_DIRECTORY:
      tvm_task_set_working_directory (self, g_value_get_string (value));
      break;
    case PROP_ENVIRONMENT:
      tvm_task_set_environment (self, g_value_get_boxed (value));
      break;
    case PROP_STDIN:
      tvm_task_set_stdin (self, g_value_get_boxed (value));
      break;
    case PROP_INHERIT_STDIO:
      tvm_task_set_inherit_stdio (self, g_value_get_boolean (value));
      break;
    case PROP_OUTPUT_LIMIT:
      tvm_task_set_output_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_DESCRIPTION:
      tvm_task_set_description (self, g_value_get_string (value));
      break;
    case PROP_PAYLOAD_TYPE:
    case PROP_FUNCTION:
    case PROP_ARGS:
    case PROP_PAYLOAD:
    case PROP_ARGV:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_task_finalize (GObject *object)
{
  TvmTask *self = TVM_TASK (object);

  g_free (self->function);
  g_clear_pointer (&self->args, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->more_bytes, g_ptr_array_unref);
  g_strfreev (self->argv);
  g_free (self->description);
  g_free (self->cwd);
  g_strfreev (self->environment);
  g_clear_pointer (&self->stdin_bytes, g_bytes_unref);

  G_OBJECT_CLASS (tvm_task_parent_class)->finalize (object);
}

static void
install_payload_properties (void)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * TvmTask:payload-type:
   *
   * What the task is made of.
   *
   * Since: 1.0
   */
  obj_props[PROP_PAYLOAD_TYPE] =
    g_param_spec_enum ("payload-type", NULL, NULL, TVM_TYPE_PAYLOAD_TYPE,
                       TVM_PAYLOAD_TYPE_VARIANT, flags);

  /**
   * TvmTask:function:
   *
   * The name of the function to call, or %NULL if the task calls none.
   *
   * Since: 1.0
   */
  obj_props[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, flags);

  /**
   * TvmTask:args:
   *
   * The arguments of the function, or %NULL if the task calls none.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARGS] =
    g_param_spec_variant ("args", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  /**
   * TvmTask:payload:
   *
   * What a runtime is sent as it is, or %NULL if the task is not made of bytes.
   *
   * Since: 1.0
   */
  obj_props[PROP_PAYLOAD] = g_param_spec_boxed ("payload", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TvmTask:argv:
   *
   * The words of the command, or %NULL if the task is none.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARGV] = g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * TvmTask:description:
   *
   * What the task is, for people to read.
   *
   * Since: 1.0
   */
  obj_props[PROP_DESCRIPTION] =
    g_param_spec_string ("description", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
}

static void
install_command_properties (void)
{
  const GParamFlags flags =
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * TvmTask:working-directory: (type filename)
   *
   * The directory that the command runs in, or %NULL for that of the worker. Relative to the
   * current directory of the application when the task is submitted.
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKING_DIRECTORY] =
    g_param_spec_string ("working-directory", NULL, NULL, NULL, flags);

  /**
   * TvmTask:environment:
   *
   * Changes to the environment of the command, as `NAME=VALUE`; the rest is the environment of
   * the application.
   *
   * Since: 1.0
   */
  obj_props[PROP_ENVIRONMENT] =
    g_param_spec_boxed ("environment", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * TvmTask:stdin:
   *
   * What the command can read from its standard input, or %NULL for nothing.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDIN] = g_param_spec_boxed ("stdin", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TvmTask:inherit-stdio:
   *
   * Whether the command has the standard input, output and error of the application, so that the
   * result carries no output.
   *
   * Since: 1.0
   */
  obj_props[PROP_INHERIT_STDIO] =
    g_param_spec_boolean ("inherit-stdio", NULL, NULL, FALSE, flags);

  /**
   * TvmTask:output-limit:
   *
   * How much of what the command prints is kept, in bytes per stream; 16 MiB if nothing else is
   * said. Of more, the first and the last half of the limit are kept, with a line between them
   * that says so, and [property@TvmSupport.TaskResult:truncated] is set.
   *
   * This is for commands. Of what a function prints in a worker whose output is captured, 1 MiB per
   * stream is kept in this way.
   *
   * Since: 1.0
   */
  obj_props[PROP_OUTPUT_LIMIT] =
    g_param_spec_uint64 ("output-limit", NULL, NULL, 0, G_MAXUINT64, DEFAULT_OUTPUT_LIMIT, flags);
}

static void
tvm_task_class_init (TvmTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags =
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tvm_task_get_property;
  object_class->set_property = tvm_task_set_property;
  object_class->finalize = tvm_task_finalize;

  install_payload_properties ();

  /**
   * TvmTask:timeout:
   *
   * How long the task may run, in milliseconds; -1 for the limit of the pool. The clock runs from
   * handing the task to a worker until its result is complete. At the limit the task fails with
   * %TVM_ERROR_TIMED_OUT, and its worker is killed with all that it started.
   *
   * Since: 1.0
   */
  obj_props[PROP_TIMEOUT] =
    g_param_spec_int64 ("timeout", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * TvmTask:soft-timeout:
   *
   * After how many milliseconds the task is asked to end by itself; -1 for the limit of the pool.
   * A function sees it as its #GCancellable, a command as `SIGTERM`. What does not listen goes on
   * until [property@TvmSupport.Task:timeout].
   *
   * Since: 1.0
   */
  obj_props[PROP_SOFT_TIMEOUT] =
    g_param_spec_int64 ("soft-timeout", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * TvmTask:priority:
   *
   * Of the tasks that wait for a worker, those with a higher number go first; those with the same
   * go in the order in which they came.
   *
   * Since: 1.0
   */
  obj_props[PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, flags);

  install_command_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_task_init (TvmTask *self)
{
  self->timeout_msec = -1;
  self->soft_timeout_msec = -1;
  self->output_limit = DEFAULT_OUTPUT_LIMIT;
}

/**
 * tvm_task_new:
 * @function: the name of a function that the worker knows
 * @args: (nullable): its arguments, of any type; a floating reference is taken. %NULL for `()`
 *
 * Makes a task that calls a function: one that a module exports, or that an application which is
 * its own worker has added with [func@TvmSupport.worker_add_function].
 *
 * Returns: (transfer full): a new task
 *
 * Since: 1.0
 */
TvmTask *
tvm_task_new (const char *function,
              GVariant   *args)
{
  TvmTask *self;

  g_return_val_if_fail (function != NULL, NULL);

  self = g_object_new (TVM_TYPE_TASK, NULL);
  self->payload_type = TVM_PAYLOAD_TYPE_VARIANT;
  self->function = g_strdup (function);
  self->args = g_variant_ref_sink (args != NULL ? args : g_variant_new_tuple (NULL, 0));
  return self;
}

/**
 * tvm_task_new_bytes:
 * @payload: what the worker is sent; see [ctor@TvmSupport.WorkerSpec.new_runtime]
 *
 * Makes a task that only its runtime understands. The bytes are not copied.
 *
 * Returns: (transfer full): a new task
 *
 * Since: 1.0
 */
TvmTask *
tvm_task_new_bytes (GBytes *payload)
{
  TvmTask *self;

  g_return_val_if_fail (payload != NULL, NULL);

  self = g_object_new (TVM_TYPE_TASK, NULL);
  self->payload_type = TVM_PAYLOAD_TYPE_BYTES;
  self->bytes = g_bytes_ref (payload);
  return self;
}

/**
 * tvm_task_add_bytes:
 * @self: a task of bytes
 * @payload: more of what the worker is sent
 *
 * Appends to the payload of a task. The bytes are not copied.
 *
 * So something large need not be joined with what describes it. The worker gets all of it as one
 * payload.
 *
 * Since: 1.0
 */
void
tvm_task_add_bytes (TvmTask *self,
                    GBytes  *payload)
{
  g_return_if_fail (TVM_IS_TASK (self));
  g_return_if_fail (self->payload_type == TVM_PAYLOAD_TYPE_BYTES);
  g_return_if_fail (payload != NULL);

  if (self->more_bytes == NULL)
    self->more_bytes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (self->more_bytes, g_bytes_ref (payload));
}

/**
 * tvm_task_new_command:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its arguments
 *
 * Makes a task that runs a program. No shell is involved.
 *
 * The program is looked for when the task is submitted: in the `PATH` that the command will have,
 * or, if its name has a slash, in its working directory.
 *
 * Returns: (transfer full): a new task
 *
 * Since: 1.0
 */
TvmTask *
tvm_task_new_command (const char * const *argv)
{
  TvmTask *self;

  g_return_val_if_fail (argv != NULL, NULL);

  self = g_object_new (TVM_TYPE_TASK, NULL);
  self->payload_type = TVM_PAYLOAD_TYPE_COMMAND;
  self->argv = g_strdupv ((char **) argv);
  return self;
}

TvmTask *
tvm_task_copy (TvmTask *self)
{
  TvmTask *copy;

  g_return_val_if_fail (TVM_IS_TASK (self), NULL);

  copy = g_object_new (TVM_TYPE_TASK, NULL);
  copy->payload_type = self->payload_type;
  copy->function = g_strdup (self->function);
  copy->args = self->args != NULL ? g_variant_ref (self->args) : NULL;
  copy->bytes = self->bytes != NULL ? g_bytes_ref (self->bytes) : NULL;
  for (guint i = 0; self->more_bytes != NULL && i < self->more_bytes->len; i++)
    tvm_task_add_bytes (copy, g_ptr_array_index (self->more_bytes, i));
  copy->argv = g_strdupv (self->argv);
  copy->description = g_strdup (self->description);
  copy->timeout_msec = self->timeout_msec;
  copy->soft_timeout_msec = self->soft_timeout_msec;
  copy->priority = self->priority;
  copy->cwd = g_strdup (self->cwd);
  copy->environment = g_strdupv (self->environment);
  copy->stdin_bytes = self->stdin_bytes != NULL ? g_bytes_ref (self->stdin_bytes) : NULL;
  copy->output_limit = self->output_limit;
  copy->inherit_stdio = self->inherit_stdio;
  return copy;
}

static gsize
get_payload_size (TvmTask *self)
{
  gsize size = g_bytes_get_size (self->bytes);

  for (guint i = 0; self->more_bytes != NULL && i < self->more_bytes->len; i++)
    size += g_bytes_get_size (g_ptr_array_index (self->more_bytes, i));
  return size;
}

/**
 * tvm_task_dup_description: (get-property description)
 * @self: a task
 *
 * Says what the task is: what was set, else the name of its function, its command quoted for a POSIX
 * shell, or how large it is. Error messages call it so, but cut what is longer than about 200 characters.
 *
 * Returns: (transfer full): valid UTF-8, not for machines
 *
 * Since: 1.0
 */
char *
tvm_task_dup_description (TvmTask *self)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (TVM_IS_TASK (self), NULL);

  if (self->description != NULL)
    return g_utf8_make_valid (self->description, -1);

  switch (self->payload_type)
    {
    case TVM_PAYLOAD_TYPE_VARIANT:
      return g_utf8_make_valid (self->function != NULL ? self->function : "", -1);
    case TVM_PAYLOAD_TYPE_COMMAND:
      text = tvm_quote_command ((const char * const *) self->argv);
      return g_filename_display_name (text);
    case TVM_PAYLOAD_TYPE_BYTES:
    default:
      text = g_format_size (get_payload_size (self));
      return g_strdup_printf (C_("what a task is", "%s of data"), text);
    }
}

/**
 * tvm_task_set_description: (set-property description)
 * @self: a task
 * @description: (nullable): what the task is, or %NULL for what it says itself
 *
 * Sets how error messages call the task. This is of use for a task of bytes, of which only its
 * runtime knows what it is.
 *
 * Since: 1.0
 */
void
tvm_task_set_description (TvmTask    *self,
                          const char *description)
{
  char *old;

  g_return_if_fail (TVM_IS_TASK (self));

  old = self->description;
  if (g_strcmp0 (old, description) == 0)
    return;

  /* @description may be what the task holds */
  self->description = g_strdup (description);
  g_free (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_DESCRIPTION]);
}

char *
tvm_task_dup_short_description (TvmTask *self)
{
  g_autofree char *text = tvm_task_dup_description (self);

  if (g_utf8_strlen (text, -1) <= MAX_SHORT_DESCRIPTION)
    return g_steal_pointer (&text);

  *g_utf8_offset_to_pointer (text, MAX_SHORT_DESCRIPTION - 1) = '\0';
  return g_strconcat (text, "…", NULL);
}

/**
 * tvm_task_get_timeout: (get-property timeout)
 * @self: a task
 *
 * Gets how long the task may run.
 *
 * Returns: the limit in milliseconds; -1 for that of the pool
 *
 * Since: 1.0
 */
gint64
tvm_task_get_timeout (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), -1);

  return self->timeout_msec;
}

/**
 * tvm_task_set_timeout: (set-property timeout)
 * @self: a task
 * @timeout_msec: the limit in milliseconds; -1 for that of the pool
 *
 * Sets how long the task may run.
 *
 * Since: 1.0
 */
void
tvm_task_set_timeout (TvmTask *self,
                      gint64   timeout_msec)
{
  g_return_if_fail (TVM_IS_TASK (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->timeout_msec == timeout_msec)
    return;

  self->timeout_msec = timeout_msec;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_TIMEOUT]);
}

/**
 * tvm_task_get_soft_timeout: (get-property soft-timeout)
 * @self: a task
 *
 * Gets when the task is asked to end by itself.
 *
 * Returns: the limit in milliseconds; -1 for that of the pool
 *
 * Since: 1.0
 */
gint64
tvm_task_get_soft_timeout (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), -1);

  return self->soft_timeout_msec;
}

/**
 * tvm_task_set_soft_timeout: (set-property soft-timeout)
 * @self: a task
 * @timeout_msec: the limit in milliseconds; -1 for that of the pool
 *
 * Sets when the task is asked to end by itself.
 *
 * Since: 1.0
 */
void
tvm_task_set_soft_timeout (TvmTask *self,
                           gint64   timeout_msec)
{
  g_return_if_fail (TVM_IS_TASK (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->soft_timeout_msec == timeout_msec)
    return;

  self->soft_timeout_msec = timeout_msec;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_SOFT_TIMEOUT]);
}

/**
 * tvm_task_get_priority: (get-property priority)
 * @self: a task
 *
 * Gets how soon the task has its turn.
 *
 * Returns: the priority; a higher one goes first
 *
 * Since: 1.0
 */
int
tvm_task_get_priority (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), 0);

  return self->priority;
}

/**
 * tvm_task_set_priority: (set-property priority)
 * @self: a task
 * @priority: the priority; a higher one goes first
 *
 * Sets how soon the task has its turn.
 *
 * Since: 1.0
 */
void
tvm_task_set_priority (TvmTask *self,
                       int      priority)
{
  g_return_if_fail (TVM_IS_TASK (self));

  if (self->priority == priority)
    return;

  self->priority = priority;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_PRIORITY]);
}

/**
 * tvm_task_get_working_directory: (get-property working-directory)
 * @self: a task
 *
 * Gets the directory that the command runs in.
 *
 * Returns: (type filename) (nullable): the path, or %NULL for that of the worker
 *
 * Since: 1.0
 */
const char *
tvm_task_get_working_directory (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), NULL);

  return self->cwd;
}

/**
 * tvm_task_set_working_directory: (set-property working-directory)
 * @self: a task
 * @path: (type filename) (nullable): the path, or %NULL for that of the worker
 *
 * Sets the directory that the command runs in. What is no command has no use for it.
 *
 * Since: 1.0
 */
void
tvm_task_set_working_directory (TvmTask    *self,
                                const char *path)
{
  char *old;

  g_return_if_fail (TVM_IS_TASK (self));

  old = self->cwd;
  if (g_strcmp0 (old, path) == 0)
    return;

  /* @path may be what the task holds */
  self->cwd = g_strdup (path);
  g_free (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_WORKING_DIRECTORY]);
}

/**
 * tvm_task_dup_environment: (get-property environment)
 * @self: a task
 *
 * Gets the changes to the environment of the command.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename):
 *   `NAME=VALUE` strings, or %NULL for none
 *
 * Since: 1.0
 */
char **
tvm_task_dup_environment (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), NULL);

  return g_strdupv (self->environment);
}

/**
 * tvm_task_set_environment: (set-property environment)
 * @self: a task
 * @environment: (nullable) (array zero-terminated=1) (element-type filename): `NAME=VALUE`
 *   strings, or %NULL for none
 *
 * Sets the changes to the environment of the command. What is no command has no use for them. One
 * without a name or a value makes the task fail with %TVM_ERROR_INVALID_ARGUMENT.
 *
 * Since: 1.0
 */
void
tvm_task_set_environment (TvmTask            *self,
                          const char * const *environment)
{
  char **old;

  g_return_if_fail (TVM_IS_TASK (self));

  old = self->environment;
  if (old == (char **) environment
      || (old != NULL && environment != NULL
          && g_strv_equal ((const char * const *) old, environment)))
    return;

  self->environment = g_strdupv ((char **) environment);
  g_strfreev (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_ENVIRONMENT]);
}

/**
 * tvm_task_get_stdin: (get-property stdin)
 * @self: a task
 *
 * Gets what the command can read from its standard input.
 *
 * Returns: (transfer none) (nullable): the bytes, or %NULL for none
 *
 * Since: 1.0
 */
GBytes *
tvm_task_get_stdin (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), NULL);

  return self->stdin_bytes;
}

/**
 * tvm_task_set_stdin: (set-property stdin)
 * @self: a task
 * @bytes: (nullable): the bytes, or %NULL for none
 *
 * Sets what the command can read from its standard input. What is no command has no use for it.
 *
 * Since: 1.0
 */
void
tvm_task_set_stdin (TvmTask *self,
                    GBytes  *bytes)
{
  GBytes *old;

  g_return_if_fail (TVM_IS_TASK (self));

  old = self->stdin_bytes;
  if (old == bytes)
    return;

  self->stdin_bytes = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  g_clear_pointer (&old, g_bytes_unref);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_STDIN]);
}

/**
 * tvm_task_get_inherit_stdio: (get-property inherit-stdio)
 * @self: a task
 *
 * Gets whether the command has the standard input, output and error of the application.
 *
 * Returns: %TRUE if it has
 *
 * Since: 1.0
 */
gboolean
tvm_task_get_inherit_stdio (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), FALSE);

  return self->inherit_stdio;
}

/**
 * tvm_task_set_inherit_stdio: (set-property inherit-stdio)
 * @self: a task
 * @inherit_stdio: %TRUE if it has
 *
 * Sets whether the command has the standard input, output and error of the application.
 *
 * Since: 1.0
 */
void
tvm_task_set_inherit_stdio (TvmTask  *self,
                            gboolean  inherit_stdio)
{
  g_return_if_fail (TVM_IS_TASK (self));

  inherit_stdio = !!inherit_stdio;
  if (self->inherit_stdio == inherit_stdio)
    return;

  self->inherit_stdio = inherit_stdio;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_INHERIT_STDIO]);
}

/**
 * tvm_task_get_output_limit: (get-property output-limit)
 * @self: a task
 *
 * Gets how much of what the command prints is kept.
 *
 * Returns: the limit in bytes per stream
 *
 * Since: 1.0
 */
guint64
tvm_task_get_output_limit (TvmTask *self)
{
  g_return_val_if_fail (TVM_IS_TASK (self), 0);

  return self->output_limit;
}

/**
 * tvm_task_set_output_limit: (set-property output-limit)
 * @self: a task
 * @limit: the limit in bytes per stream
 *
 * Sets how much of what the command prints is kept, instead of 16 MiB per stream.
 *
 * Since: 1.0
 */
void
tvm_task_set_output_limit (TvmTask *self,
                           guint64  limit)
{
  g_return_if_fail (TVM_IS_TASK (self));

  if (self->output_limit == limit)
    return;

  self->output_limit = limit;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_OUTPUT_LIMIT]);
}
