/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-worker-spec.h"
#include "tvmsupport/pool/tvm-worker-spec-private.h"

#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

/**
 * TvmWorkerSpec:
 *
 * What the workers of a pool are, how they are started and what they may use.
 *
 * There are four kinds: a module in C or Vala whose functions are called by name, the application
 * itself, whatever runs commands, and a program in any language that speaks the
 * [protocol](worker-protocol.html).
 *
 * A spec is a plain set of values. A pool or a worker takes a snapshot of it when it is made, so
 * the spec may be changed at once for the next one. It must not be changed by two threads at a
 * time. What cannot work, such as a module that is not there, is an error of the tasks.
 *
 * ```c
 * static TvmPoolExecutor *
 * make_measuring_pool (void)
 * {
 *   g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module ("./kernels.so");
 *   g_autoptr (TvmTask) initializer = tvm_task_new ("set_size", g_variant_new_uint32 (1024));
 *
 *   tvm_worker_spec_set_initializer (spec, initializer);
 *   tvm_worker_spec_set_address_space_limit (spec, 4 * G_GUINT64_CONSTANT (1073741824));
 *   tvm_worker_spec_set_stderr_mode (spec, TVM_WORKER_OUTPUT_CAPTURE);
 *   return tvm_pool_executor_new (spec, 0);
 * }
 * ```
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TvmWorkerSpec, tvm_worker_spec, G_TYPE_OBJECT)

#define DEFAULT_START_TIMEOUT_MSEC 60000
#define DEFAULT_RESPAWN_LIMIT 3
#define DEFAULT_MAXIMUM_MESSAGE_SIZE (2 * G_GUINT64_CONSTANT (1073741824))

typedef enum
{
  PROP_PAYLOAD_TYPE = 1,
  PROP_ARGV,
  PROP_MODULE_PATH,
  PROP_CAN_FORK,
  PROP_START,
  PROP_LAUNCHER,
  PROP_ENVIRONMENT,
  PROP_WORKING_DIRECTORY,
  PROP_INITIALIZER,
  PROP_START_TIMEOUT,
  PROP_MAXIMUM_USES,
  PROP_RESPAWN_LIMIT,
  PROP_N_SPARES,
  PROP_ADDRESS_SPACE_LIMIT,
  PROP_CPU_TIME_LIMIT,
  PROP_OPEN_FILES_LIMIT,
  PROP_RECYCLE_SIZE,
  PROP_MAXIMUM_MESSAGE_SIZE,
  PROP_STDOUT_MODE,
  PROP_STDOUT_PATH,
  PROP_STDOUT_STREAM,
  PROP_STDERR_MODE,
  PROP_STDERR_PATH,
  PROP_STDERR_STREAM,
} TvmWorkerSpecProperty;

static GParamSpec *obj_props[PROP_STDERR_STREAM + 1];

static void
tvm_worker_spec_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  TvmWorkerSpec *self = TVM_WORKER_SPEC (object);

  switch ((TvmWorkerSpecProperty) prop_id)
    {
    case PROP_PAYLOAD_TYPE:
      g_value_set_enum (value, self->payload_type);
      break;
    case PROP_ARGV:
      g_value_set_boxed (value, self->argv);
      break;
    case PROP_MODULE_PATH:
      g_value_set_string (value, self->module);
      break;
    case PROP_CAN_FORK:
      g_value_set_boolean (value, self->can_fork);
      break;
    case PROP_START:
      g_value_set_enum (value, self->start);
      break;
    case PROP_LAUNCHER:
      g_value_set_boxed (value, self->launcher);
      break;
    case PROP_ENVIRONMENT:
      g_value_set_boxed (value, self->environment);
      break;
    case PROP_WORKING_DIRECTORY:
      g_value_set_string (value, self->cwd);
      break;
    case PROP_INITIALIZER:
      g_value_set_object (value, self->initializer);
      break;
    case PROP_START_TIMEOUT:
      g_value_set_int64 (value, self->start_timeout_msec);
      break;
    case PROP_MAXIMUM_USES:
      g_value_set_uint (value, self->maximum_uses);
      break;
    case PROP_RESPAWN_LIMIT:
      g_value_set_uint (value, self->respawn_limit);
      break;
    case PROP_N_SPARES:
      g_value_set_uint (value, self->n_spares);
      break;
    case PROP_ADDRESS_SPACE_LIMIT:
      g_value_set_uint64 (value, self->address_space);
      break;
    case PROP_CPU_TIME_LIMIT:
      g_value_set_uint64 (value, self->cpu_seconds);
      break;
    case PROP_OPEN_FILES_LIMIT:
      g_value_set_uint64 (value, self->open_files);
      break;
    case PROP_RECYCLE_SIZE:
      g_value_set_uint64 (value, self->recycle_size);
      break;
    case PROP_MAXIMUM_MESSAGE_SIZE:
      g_value_set_uint64 (value, self->max_message);
      break;
    case PROP_STDOUT_MODE:
      g_value_set_enum (value, self->out.mode);
      break;
    case PROP_STDOUT_PATH:
      g_value_set_string (value, self->out.path);
      break;
    case PROP_STDOUT_STREAM:
      g_value_set_object (value, self->out.stream);
      break;
    case PROP_STDERR_MODE:
      g_value_set_enum (value, self->err.mode);
      break;
    case PROP_STDERR_PATH:
      g_value_set_string (value, self->err.path);
      break;
    case PROP_STDERR_STREAM:
      g_value_set_object (value, self->err.stream);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_worker_spec_set_property (GObject      *object,
                              guint         prop_id,
                              const GValue *value,
                              GParamSpec   *pspec)
{
  TvmWorkerSpec *self = TVM_WORKER_SPEC (object);

  switch ((TvmWorkerSpecProperty) prop_id)
    {
    case PROP_START:
      tvm_worker_spec_set_start (self, g_value_get_enum (value));
      break;
    case PROP_LAUNCHER:
      tvm_worker_spec_set_launcher (self, g_value_get_boxed (value));
      break;
    case PROP_ENVIRONMENT:
      tvm_worker_spec_set_environment (self, g_value_get_boxed (value));
      break;
    case PROP_WORKING_DIRECTORY:
      tvm_worker_spec_set_working_directory (self, g_value_get_string (value));
      break;
    case PROP_INITIALIZER:
      tvm_worker_spec_set_initializer (self, g_value_get_object (value));
      break;
    case PROP_START_TIMEOUT:
      tvm_worker_spec_set_start_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_MAXIMUM_USES:
      tvm_worker_spec_set_maximum_uses (self, g_value_get_uint (value));
      break;
    case PROP_RESPAWN_LIMIT:
      tvm_worker_spec_set_respawn_limit (self, g_value_get_uint (value));
      break;
    case PROP_N_SPARES:
      tvm_worker_spec_set_n_spares (self, g_value_get_uint (value));
      break;
    case PROP_ADDRESS_SPACE_LIMIT:
      tvm_worker_spec_set_address_space_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_CPU_TIME_LIMIT:
      tvm_worker_spec_set_cpu_time_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_OPEN_FILES_LIMIT:
      tvm_worker_spec_set_open_files_limit (self, g_value_get_uint64 (value));
      break;
    case PROP_RECYCLE_SIZE:
      tvm_worker_spec_set_recycle_size (self, g_value_get_uint64 (value));
      break;
    case PROP_MAXIMUM_MESSAGE_SIZE:
      tvm_worker_spec_set_maximum_message_size (self, g_value_get_uint64 (value));
      break;
    case PROP_STDOUT_MODE:
      tvm_worker_spec_set_stdout_mode (self, g_value_get_enum (value));
      break;
    case PROP_STDOUT_PATH:
      tvm_worker_spec_set_stdout_path (self, g_value_get_string (value));
      break;
    case PROP_STDOUT_STREAM:
      tvm_worker_spec_set_stdout_stream (self, g_value_get_object (value));
      break;
    case PROP_STDERR_MODE:
      tvm_worker_spec_set_stderr_mode (self, g_value_get_enum (value));
      break;
    case PROP_STDERR_PATH:
      tvm_worker_spec_set_stderr_path (self, g_value_get_string (value));
      break;
    case PROP_STDERR_STREAM:
      tvm_worker_spec_set_stderr_stream (self, g_value_get_object (value));
      break;
    case PROP_PAYLOAD_TYPE:
    case PROP_ARGV:
    case PROP_MODULE_PATH:
    case PROP_CAN_FORK:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_worker_spec_finalize (GObject *object)
{
  TvmWorkerSpec *self = TVM_WORKER_SPEC (object);

  g_strfreev (self->argv);
  g_free (self->module);
  g_strfreev (self->launcher);
  g_strfreev (self->environment);
  g_free (self->cwd);
  g_clear_object (&self->initializer);
  g_free (self->out.path);
  g_clear_object (&self->out.stream);
  g_free (self->err.path);
  g_clear_object (&self->err.stream);

  G_OBJECT_CLASS (tvm_worker_spec_parent_class)->finalize (object);
}

static const GParamFlags ro_flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
static const GParamFlags rw_flags =
  G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

static void
install_program_properties (void)
{
  /**
   * TvmWorkerSpec:payload-type:
   *
   * What the tasks of the workers are made of.
   *
   * Since: 1.0
   */
  obj_props[PROP_PAYLOAD_TYPE] =
    g_param_spec_enum ("payload-type", NULL, NULL, TVM_TYPE_PAYLOAD_TYPE,
                       TVM_PAYLOAD_TYPE_VARIANT, ro_flags);

  /**
   * TvmWorkerSpec:argv:
   *
   * The command line of a worker, without the word that says how it is meant to serve; %NULL for
   * modules and commands, whose programs the library brings along.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARGV] = g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, ro_flags);

  /**
   * TvmWorkerSpec:module-path: (type filename)
   *
   * The module whose functions are called, or %NULL for other kinds of workers.
   *
   * Since: 1.0
   */
  obj_props[PROP_MODULE_PATH] = g_param_spec_string ("module-path", NULL, NULL, NULL, ro_flags);

  /**
   * TvmWorkerSpec:can-fork:
   *
   * Whether a worker program can serve as a nursery: fork ready workers after it has loaded what
   * they need.
   *
   * Since: 1.0
   */
  obj_props[PROP_CAN_FORK] = g_param_spec_boolean ("can-fork", NULL, NULL, FALSE, ro_flags);

  /**
   * TvmWorkerSpec:start:
   *
   * How a worker comes to be. What cannot fork is started as a new program each time.
   *
   * Since: 1.0
   */
  obj_props[PROP_START] =
    g_param_spec_enum ("start", NULL, NULL, TVM_TYPE_WORKER_START, TVM_WORKER_START_WARM, rw_flags);
}

static void
install_surroundings_properties (void)
{
  /**
   * TvmWorkerSpec:launcher:
   *
   * Words in front of the command line of a worker, such as `ssh host` or `srun`, or %NULL.
   * Workers then speak through their standard input and output. Of what runs on another machine
   * only the limits of time are enforced, and what is killed there is what notices that its input
   * has ended. A runtime that has several threads from the start, as GJS, cannot be a worker then;
   * see [func@TvmSupport.WorkerChannel.open].
   *
   * Workers that run commands have none: the words can be the first ones of each command.
   *
   * Since: 1.0
   */
  obj_props[PROP_LAUNCHER] = g_param_spec_boxed ("launcher", NULL, NULL, G_TYPE_STRV, rw_flags);

  /**
   * TvmWorkerSpec:environment:
   *
   * Changes to the environment of the workers, as `NAME=VALUE`; the rest is the environment of
   * the application. A command that they run has it too, and on top of it what its task says
   * ([property@TvmSupport.Task:environment]).
   *
   * Since: 1.0
   */
  obj_props[PROP_ENVIRONMENT] =
    g_param_spec_boxed ("environment", NULL, NULL, G_TYPE_STRV, rw_flags);

  /**
   * TvmWorkerSpec:working-directory: (type filename)
   *
   * The directory that the workers run in, or %NULL for that of the application. Relative to the
   * current directory of the application when the pool is made.
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKING_DIRECTORY] =
    g_param_spec_string ("working-directory", NULL, NULL, NULL, rw_flags);

  /**
   * TvmWorkerSpec:initializer:
   *
   * A task that every new worker runs before its first one, or %NULL. It is not counted as a use.
   * If it fails the worker is killed, as one that could not be started.
   *
   * Since: 1.0
   */
  obj_props[PROP_INITIALIZER] =
    g_param_spec_object ("initializer", NULL, NULL, TVM_TYPE_TASK, rw_flags);
}

static void
install_life_properties (void)
{
  /**
   * TvmWorkerSpec:start-timeout:
   *
   * How long the start of a worker may take, with its initializer, in milliseconds; -1 for no
   * limit.
   *
   * Since: 1.0
   */
  obj_props[PROP_START_TIMEOUT] =
    g_param_spec_int64 ("start-timeout", NULL, NULL, -1, G_MAXINT64, DEFAULT_START_TIMEOUT_MSEC,
                        rw_flags);

  /**
   * TvmWorkerSpec:maximum-uses:
   *
   * How many tasks a worker runs before it is replaced; 0 for any number.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAXIMUM_USES] =
    g_param_spec_uint ("maximum-uses", NULL, NULL, 0, G_MAXUINT, 0, rw_flags);

  /**
   * TvmWorkerSpec:respawn-limit:
   *
   * After how many failed starts in a row the tasks that wait fail with %TVM_ERROR_WORKER_DIED. One
   * attempt is always made, so that 0 is as good as 1. Workers that are started at the same time
   * may fail together, and then there are more.
   *
   * The next task is reason for one more attempt. When that succeeds, the count begins anew.
   *
   * Since: 1.0
   */
  obj_props[PROP_RESPAWN_LIMIT] =
    g_param_spec_uint ("respawn-limit", NULL, NULL, 0, G_MAXUINT, DEFAULT_RESPAWN_LIMIT, rw_flags);

  /**
   * TvmWorkerSpec:n-spares:
   *
   * How many workers more than the pool needs are kept ready. Of use where a worker takes long to
   * start and its runtime cannot fork.
   *
   * A [class@TvmSupport.PoolExecutor] starts them when it is made, so that its first tasks find
   * them, without a wait for them; a [class@TvmSupport.PopenWorker] with its first task.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_SPARES] = g_param_spec_uint ("n-spares", NULL, NULL, 0, G_MAXUINT, 0, rw_flags);
}

static void
install_limit_properties (void)
{
  /**
   * TvmWorkerSpec:address-space-limit:
   *
   * How much address space each process of a worker may use, in bytes; 0 for no limit.
   *
   * Since: 1.0
   */
  obj_props[PROP_ADDRESS_SPACE_LIMIT] =
    g_param_spec_uint64 ("address-space-limit", NULL, NULL, 0, G_MAXUINT64, 0, rw_flags);

  /**
   * TvmWorkerSpec:cpu-time-limit:
   *
   * How much processor time each process of a worker may use in its life, in seconds; 0 for no
   * limit. For workers that run commands it is the limit of each process of a command.
   *
   * So the tasks that a worker runs one after the other use it up together, and the one that is
   * running at the limit fails. With a [property@TvmSupport.WorkerSpec:maximum-uses] of 1 each task
   * has all of it.
   *
   * At the limit the process gets `SIGXCPU`, and should it go on it is killed two seconds later.
   *
   * Since: 1.0
   */
  obj_props[PROP_CPU_TIME_LIMIT] =
    g_param_spec_uint64 ("cpu-time-limit", NULL, NULL, 0, G_MAXUINT64, 0, rw_flags);

  /**
   * TvmWorkerSpec:open-files-limit:
   *
   * How many descriptors each process of a worker may have open; 0 for the limit of the
   * application.
   *
   * Since: 1.0
   */
  obj_props[PROP_OPEN_FILES_LIMIT] =
    g_param_spec_uint64 ("open-files-limit", NULL, NULL, 0, G_MAXUINT64, 0, rw_flags);

  /**
   * TvmWorkerSpec:recycle-size:
   *
   * A worker that holds more memory than this many bytes after a task is replaced; 0 for never.
   * Behind a launcher the worker itself says so: those of this library and of a
   * [class@TvmSupport.WorkerChannel] do.
   *
   * Since: 1.0
   */
  obj_props[PROP_RECYCLE_SIZE] =
    g_param_spec_uint64 ("recycle-size", NULL, NULL, 0, G_MAXUINT64, 0, rw_flags);

  /**
   * TvmWorkerSpec:maximum-message-size:
   *
   * How large a task and a result may be, in bytes as they are sent. A task that is larger fails
   * with %TVM_ERROR_INVALID_ARGUMENT, one whose result is larger with %TVM_ERROR_TASK_FAILED, and the
   * text of an error is cut. What commands get on their stdin and print is not limited by this.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAXIMUM_MESSAGE_SIZE] =
    g_param_spec_uint64 ("maximum-message-size", NULL, NULL, 0, G_MAXUINT64,
                         DEFAULT_MAXIMUM_MESSAGE_SIZE, rw_flags);
}

static void
install_output_properties (void)
{
  /**
   * TvmWorkerSpec:stdout-mode:
   *
   * Where the standard output of the workers goes. That of a command is captured, unless
   * [property@TvmSupport.Task:inherit-stdio] says otherwise.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDOUT_MODE] =
    g_param_spec_enum ("stdout-mode", NULL, NULL, TVM_TYPE_WORKER_OUTPUT,
                       TVM_WORKER_OUTPUT_INHERIT, rw_flags);

  /**
   * TvmWorkerSpec:stdout-path: (type filename)
   *
   * The file that the standard output of the workers is appended to, if
   * [property@TvmSupport.WorkerSpec:stdout-mode] is %TVM_WORKER_OUTPUT_FILE; to set it sets the
   * mode.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDOUT_PATH] = g_param_spec_string ("stdout-path", NULL, NULL, NULL, rw_flags);

  /**
   * TvmWorkerSpec:stdout-stream:
   *
   * What the standard output of the workers is written to, if
   * [property@TvmSupport.WorkerSpec:stdout-mode] is %TVM_WORKER_OUTPUT_STREAM; to set it sets the
   * mode.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDOUT_STREAM] =
    g_param_spec_object ("stdout-stream", NULL, NULL, G_TYPE_OUTPUT_STREAM, rw_flags);

  /**
   * TvmWorkerSpec:stderr-mode:
   *
   * Where the standard error of the workers goes. That of a command is captured, unless
   * [property@TvmSupport.Task:inherit-stdio] says otherwise.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDERR_MODE] =
    g_param_spec_enum ("stderr-mode", NULL, NULL, TVM_TYPE_WORKER_OUTPUT,
                       TVM_WORKER_OUTPUT_INHERIT, rw_flags);

  /**
   * TvmWorkerSpec:stderr-path: (type filename)
   *
   * The file that the standard error of the workers is appended to, if
   * [property@TvmSupport.WorkerSpec:stderr-mode] is %TVM_WORKER_OUTPUT_FILE; to set it sets the
   * mode.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDERR_PATH] = g_param_spec_string ("stderr-path", NULL, NULL, NULL, rw_flags);

  /**
   * TvmWorkerSpec:stderr-stream:
   *
   * What the standard error of the workers is written to, if
   * [property@TvmSupport.WorkerSpec:stderr-mode] is %TVM_WORKER_OUTPUT_STREAM; to set it sets the
   * mode.
   *
   * Since: 1.0
   */
  obj_props[PROP_STDERR_STREAM] =
    g_param_spec_object ("stderr-stream", NULL, NULL, G_TYPE_OUTPUT_STREAM, rw_flags);
}

static void
tvm_worker_spec_class_init (TvmWorkerSpecClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_worker_spec_get_property;
  object_class->set_property = tvm_worker_spec_set_property;
  object_class->finalize = tvm_worker_spec_finalize;

  install_program_properties ();
  install_surroundings_properties ();
  install_life_properties ();
  install_limit_properties ();
  install_output_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_worker_spec_init (TvmWorkerSpec *self)
{
  self->start_timeout_msec = DEFAULT_START_TIMEOUT_MSEC;
  self->respawn_limit = DEFAULT_RESPAWN_LIMIT;
  self->max_message = DEFAULT_MAXIMUM_MESSAGE_SIZE;
}

/**
 * tvm_worker_spec_new_module:
 * @path: (type filename): a shared library; a relative path starts at the current directory
 *
 * Makes a spec of workers that call the functions of a module in C or Vala: those that it exports
 * with the signature of `TvmWorkerModuleFunc`. Their tasks are made with
 * [ctor@TvmSupport.Task.new].
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_worker_spec_new_module (const char *path)
{
  TvmWorkerSpec *self;

  g_return_val_if_fail (path != NULL, NULL);

  self = g_object_new (TVM_TYPE_WORKER_SPEC, NULL);
  self->payload_type = TVM_PAYLOAD_TYPE_VARIANT;
  self->module = g_canonicalize_filename (path, NULL);
  self->can_fork = TRUE;
  return self;
}

/**
 * tvm_worker_spec_new_self:
 *
 * Makes a spec of workers that are the application itself, started anew. Their tasks are made with
 * [ctor@TvmSupport.Task.new].
 *
 * The application calls [func@TvmSupport.worker_main] first in `main()`, when it has added its
 * functions, and before anything that makes a pool. This is for programs that have a `main()` of
 * their own: the program of a script is its interpreter, which is no worker.
 *
 * The workers are what is at the path of the program when they are started. When an upgrade has
 * replaced the program meanwhile, that is the new one; when it was removed, tasks fail with
 * %TVM_ERROR_NOT_FOUND.
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_worker_spec_new_self (void)
{
  TvmWorkerSpec *self = g_object_new (TVM_TYPE_WORKER_SPEC, NULL);

  self->payload_type = TVM_PAYLOAD_TYPE_VARIANT;
  self->argv = g_new0 (char *, 2);
  self->argv[0] = tvm_worker_self_dup_program ();
  self->is_self = TRUE;
  self->can_fork = TRUE;
  return self;
}

/**
 * tvm_worker_spec_new_command:
 *
 * Makes a spec of workers that run commands. Their tasks are made with
 * [ctor@TvmSupport.Task.new_command].
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_worker_spec_new_command (void)
{
  TvmWorkerSpec *self = g_object_new (TVM_TYPE_WORKER_SPEC, NULL);

  self->payload_type = TVM_PAYLOAD_TYPE_COMMAND;
  self->can_fork = TRUE;
  return self;
}

/**
 * tvm_worker_spec_new_runtime:
 * @argv: (array zero-terminated=1) (element-type filename): the program and its first arguments
 * @payload_type: what its tasks are made of; one of the workers that get %TVM_PAYLOAD_TYPE_BYTES
 *   is sent the bytes of a task as they are, and what it answers is
 *   [property@TvmSupport.TaskResult:bytes]
 * @can_fork: whether it also serves as a nursery
 *
 * Makes a spec of workers in another language: a program that speaks the
 * [protocol](worker-protocol.html).
 *
 * The program is looked for when a pool starts it: in the `PATH` that it will have, or, if its
 * name has a slash, in its working directory.
 *
 * Returns: (transfer full): a new spec
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_worker_spec_new_runtime (const char * const *argv,
                             TvmPayloadType      payload_type,
                             gboolean            can_fork)
{
  TvmWorkerSpec *self;

  g_return_val_if_fail (argv != NULL, NULL);

  self = g_object_new (TVM_TYPE_WORKER_SPEC, NULL);
  self->payload_type = payload_type;
  self->argv = g_strdupv ((char **) argv);
  self->can_fork = !!can_fork;
  return self;
}

static void
set_strv (TvmWorkerSpec          *self,
          char                 ***field,
          const char * const     *value,
          TvmWorkerSpecProperty   prop)
{
  char **old = *field;

  if (old == (char **) value
      || (old != NULL && value != NULL && g_strv_equal ((const char * const *) old, value)))
    return;

  /* @value may be what the field holds */
  *field = g_strdupv ((char **) value);
  g_strfreev (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[prop]);
}

static void
set_string (TvmWorkerSpec          *self,
            char                  **field,
            const char             *value,
            TvmWorkerSpecProperty   prop)
{
  char *old = *field;

  if (g_strcmp0 (old, value) == 0)
    return;

  *field = g_strdup (value);
  g_free (old);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[prop]);
}

/**
 * tvm_worker_spec_get_payload_type: (get-property payload-type)
 * @self: a spec
 *
 * Gets what the tasks of the workers are made of.
 *
 * Returns: the type
 *
 * Since: 1.0
 */
TvmPayloadType
tvm_worker_spec_get_payload_type (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), TVM_PAYLOAD_TYPE_VARIANT);

  return self->payload_type;
}

/**
 * tvm_worker_spec_dup_argv: (get-property argv)
 * @self: a spec
 *
 * Gets the command line of a worker.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename):
 *   the words, or %NULL if the library brings the program along
 *
 * Since: 1.0
 */
char **
tvm_worker_spec_dup_argv (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  return g_strdupv (self->argv);
}

/**
 * tvm_worker_spec_get_can_fork: (get-property can-fork)
 * @self: a spec
 *
 * Gets whether a worker program can serve as a nursery.
 *
 * Returns: %TRUE if it can
 *
 * Since: 1.0
 */
gboolean
tvm_worker_spec_get_can_fork (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), FALSE);

  return self->can_fork;
}

/**
 * tvm_worker_spec_get_start: (get-property start)
 * @self: a spec
 *
 * Gets how a worker comes to be.
 *
 * Returns: the way
 *
 * Since: 1.0
 */
TvmWorkerStart
tvm_worker_spec_get_start (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), TVM_WORKER_START_WARM);

  return self->start;
}

/**
 * tvm_worker_spec_set_start: (set-property start)
 * @self: a spec
 * @start: the way
 *
 * Sets how a worker comes to be.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_start (TvmWorkerSpec *self,
                           TvmWorkerStart start)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  if (self->start == start)
    return;

  self->start = start;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_START]);
}

/**
 * tvm_worker_spec_dup_launcher: (get-property launcher)
 * @self: a spec
 *
 * Gets the words in front of the command line of a worker.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename):
 *   the words, or %NULL for none
 *
 * Since: 1.0
 */
char **
tvm_worker_spec_dup_launcher (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  return g_strdupv (self->launcher);
}

/**
 * tvm_worker_spec_set_launcher: (set-property launcher)
 * @self: a spec
 * @launcher: (nullable) (array zero-terminated=1) (element-type filename):
 *   the words, or %NULL for none
 *
 * Sets the words in front of the command line of a worker.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_launcher (TvmWorkerSpec      *self,
                              const char * const *launcher)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  if (launcher != NULL && launcher[0] == NULL)
    launcher = NULL;

  set_strv (self, &self->launcher, launcher, PROP_LAUNCHER);
}

/**
 * tvm_worker_spec_dup_environment: (get-property environment)
 * @self: a spec
 *
 * Gets the changes to the environment of the workers.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename):
 *   `NAME=VALUE` strings, or %NULL for none
 *
 * Since: 1.0
 */
char **
tvm_worker_spec_dup_environment (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  return g_strdupv (self->environment);
}

/**
 * tvm_worker_spec_set_environment: (set-property environment)
 * @self: a spec
 * @environment: (nullable) (array zero-terminated=1) (element-type filename):
 *   `NAME=VALUE` strings, or %NULL for none
 *
 * Sets the changes to the environment of the workers. One without a name or a value makes the
 * tasks fail with %TVM_ERROR_INVALID_ARGUMENT.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_environment (TvmWorkerSpec      *self,
                                 const char * const *environment)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_strv (self, &self->environment, environment, PROP_ENVIRONMENT);
}

/**
 * tvm_worker_spec_get_working_directory: (get-property working-directory)
 * @self: a spec
 *
 * Gets the directory that the workers run in.
 *
 * Returns: (type filename) (nullable): the path, or %NULL for that of the application
 *
 * Since: 1.0
 */
const char *
tvm_worker_spec_get_working_directory (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  return self->cwd;
}

/**
 * tvm_worker_spec_set_working_directory: (set-property working-directory)
 * @self: a spec
 * @path: (type filename) (nullable): the path, or %NULL for that of the application
 *
 * Sets the directory that the workers run in.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_working_directory (TvmWorkerSpec *self,
                                       const char    *path)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));

  set_string (self, &self->cwd, path, PROP_WORKING_DIRECTORY);
}

/**
 * tvm_worker_spec_get_initializer: (get-property initializer)
 * @self: a spec
 *
 * Gets the task that every new worker runs first.
 *
 * Returns: (transfer none) (nullable): the task, or %NULL for none
 *
 * Since: 1.0
 */
TvmTask *
tvm_worker_spec_get_initializer (TvmWorkerSpec *self)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  return self->initializer;
}

/**
 * tvm_worker_spec_set_initializer: (set-property initializer)
 * @self: a spec
 * @initializer: (nullable): the task, or %NULL for none
 *
 * Sets the task that every new worker runs first. A pool tries some workers before it gives up; then
 * its tasks fail with %TVM_ERROR_WORKER_DIED, whose message says why. What else the runtime told of
 * it is in their results: [property@TvmSupport.TaskResult:remote-type],
 * [property@TvmSupport.TaskResult:traceback], and the [property@TvmSupport.TaskResult:bytes] that it
 * added.
 *
 * Since: 1.0
 */
void
tvm_worker_spec_set_initializer (TvmWorkerSpec *self,
                                 TvmTask       *initializer)
{
  g_return_if_fail (TVM_IS_WORKER_SPEC (self));
  g_return_if_fail (initializer == NULL || TVM_IS_TASK (initializer));

  if (g_set_object (&self->initializer, initializer))
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_INITIALIZER]);
}
