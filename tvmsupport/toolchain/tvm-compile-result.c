/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-enums.h"

/**
 * TvmCompileResult:
 *
 * What came of a compile, whether it worked or not.
 *
 * A compiler that refuses its input is a result, not an error, so that nothing of what it said is
 * lost: the whole log, the diagnostics that were read out of it, the exact command, the status and
 * what the run cost. [method@TvmSupport.CompileResult.check] turns a failure into a #GError where
 * that is wanted.
 *
 * A compile of several sources, or one that links, runs several tools. Their own results are
 * [property@TvmSupport.CompileResult:steps]; the whole then has the logs and the diagnostics of
 * all, the sum of the processor times, the highest peak of memory, and the command and status of
 * the step that failed first, or of the last one.
 *
 * A result never changes. It can be used by any number of threads.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TvmCompileResult, tvm_compile_result, G_TYPE_OBJECT)

typedef enum
{
  PROP_SUCCESSFUL = 1,
  PROP_KIND,
  PROP_EXIT_STATUS,
  PROP_TERM_SIGNAL,
  PROP_TIMED_OUT,
  PROP_INPUTS,
  PROP_ARGV,
  PROP_COMMAND_LINE,
  PROP_WORKING_DIRECTORY,
  PROP_OUTPUT,
  PROP_BYTES,
  PROP_LOG,
  PROP_LOG_TEXT,
  PROP_TRUNCATED,
  PROP_DIAGNOSTICS,
  PROP_STEPS,
  PROP_N_ERRORS,
  PROP_N_WARNINGS,
  PROP_DEPENDENCIES,
  PROP_CACHE_STATUS,
  PROP_CACHE_REASON,
  PROP_ELAPSED,
  PROP_USER_TIME,
  PROP_SYSTEM_TIME,
  PROP_PEAK_MEMORY,
} TvmCompileResultProperty;

static GParamSpec *obj_props[PROP_PEAK_MEMORY + 1];

static void
tvm_compile_result_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  TvmCompileResult *self = TVM_COMPILE_RESULT (object);

  switch ((TvmCompileResultProperty) prop_id)
    {
    case PROP_SUCCESSFUL:
      g_value_set_boolean (value, tvm_compile_result_get_successful (self));
      break;
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_EXIT_STATUS:
      g_value_set_int (value, self->exit_status);
      break;
    case PROP_TERM_SIGNAL:
      g_value_set_int (value, self->term_signal);
      break;
    case PROP_TIMED_OUT:
      g_value_set_boolean (value, self->timed_out);
      break;
    case PROP_INPUTS:
      g_value_set_boxed (value, self->inputs);
      break;
    case PROP_ARGV:
      g_value_set_boxed (value, self->argv);
      break;
    case PROP_COMMAND_LINE:
      g_value_take_string (value, tvm_compile_result_dup_command_line (self));
      break;
    case PROP_WORKING_DIRECTORY:
      g_value_set_string (value, self->working_directory);
      break;
    case PROP_OUTPUT:
      g_value_set_string (value, self->output);
      break;
    case PROP_BYTES:
      g_value_set_boxed (value, self->bytes);
      break;
    case PROP_LOG:
      g_value_set_boxed (value, self->log);
      break;
    case PROP_LOG_TEXT:
      g_value_set_string (value, self->log_text);
      break;
    case PROP_TRUNCATED:
      g_value_set_boolean (value, self->truncated);
      break;
    case PROP_DIAGNOSTICS:
      g_value_set_object (value, self->diagnostics);
      break;
    case PROP_STEPS:
      g_value_set_object (value, self->steps);
      break;
    case PROP_N_ERRORS:
      g_value_set_uint (value, self->n_errors);
      break;
    case PROP_N_WARNINGS:
      g_value_set_uint (value, self->n_warnings);
      break;
    case PROP_DEPENDENCIES:
      g_value_set_boxed (value, self->dependencies);
      break;
    case PROP_CACHE_STATUS:
      g_value_set_enum (value, self->cache_status);
      break;
    case PROP_CACHE_REASON:
      g_value_set_string (value, self->cache_reason);
      break;
    case PROP_ELAPSED:
      g_value_set_int64 (value, self->elapsed_usec);
      break;
    case PROP_USER_TIME:
      g_value_set_int64 (value, self->user_usec);
      break;
    case PROP_SYSTEM_TIME:
      g_value_set_int64 (value, self->system_usec);
      break;
    case PROP_PEAK_MEMORY:
      g_value_set_uint64 (value, self->peak_memory);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_compile_result_finalize (GObject *object)
{
  TvmCompileResult *self = TVM_COMPILE_RESULT (object);

  g_strfreev (self->inputs);
  g_strfreev (self->argv);
  g_free (self->working_directory);
  g_free (self->output);
  g_free (self->destination);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->log, g_bytes_unref);
  g_free (self->log_text);
  g_clear_object (&self->diagnostics);
  g_clear_object (&self->steps);
  g_strfreev (self->dependencies);
  g_free (self->cache_reason);
  g_clear_pointer (&self->lowered_names, g_hash_table_unref);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (tvm_compile_result_parent_class)->finalize (object);
}

static const GParamFlags ro_flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

static void
install_status_properties (void)
{
  /**
   * TvmCompileResult:successful:
   *
   * Whether the output was made.
   *
   * Since: 1.0
   */
  obj_props[PROP_SUCCESSFUL] = g_param_spec_boolean ("successful", NULL, NULL, FALSE, ro_flags);

  /**
   * TvmCompileResult:kind:
   *
   * What was to be made.
   *
   * Since: 1.0
   */
  obj_props[PROP_KIND] = g_param_spec_enum ("kind", NULL, NULL, TVM_TYPE_COMPILE_KIND,
                                            TVM_COMPILE_KIND_OBJECT, ro_flags);

  /**
   * TvmCompileResult:exit-status:
   *
   * The status that the tool exited with; -1 if it did not exit by itself.
   *
   * Since: 1.0
   */
  obj_props[PROP_EXIT_STATUS] =
    g_param_spec_int ("exit-status", NULL, NULL, -1, G_MAXINT, -1, ro_flags);

  /**
   * TvmCompileResult:term-signal:
   *
   * The signal that ended the tool; 0 if none did.
   *
   * Since: 1.0
   */
  obj_props[PROP_TERM_SIGNAL] =
    g_param_spec_int ("term-signal", NULL, NULL, 0, G_MAXINT, 0, ro_flags);

  /**
   * TvmCompileResult:timed-out:
   *
   * Whether the tool was killed at its time limit.
   *
   * Since: 1.0
   */
  obj_props[PROP_TIMED_OUT] = g_param_spec_boolean ("timed-out", NULL, NULL, FALSE, ro_flags);

  /**
   * TvmCompileResult:cache-status:
   *
   * What the compiler cache did.
   *
   * Since: 1.0
   */
  obj_props[PROP_CACHE_STATUS] =
    g_param_spec_enum ("cache-status", NULL, NULL, TVM_TYPE_CACHE_STATUS,
                       TVM_CACHE_STATUS_DISABLED, ro_flags);

  /**
   * TvmCompileResult:cache-reason:
   *
   * Why the cache declined; %NULL if it did not, or does not say.
   *
   * Since: 1.0
   */
  obj_props[PROP_CACHE_REASON] =
    g_param_spec_string ("cache-reason", NULL, NULL, NULL, ro_flags);
}

static void
install_command_properties (void)
{
  /**
   * TvmCompileResult:inputs:
   *
   * The paths of the inputs.
   *
   * Since: 1.0
   */
  obj_props[PROP_INPUTS] = g_param_spec_boxed ("inputs", NULL, NULL, G_TYPE_STRV, ro_flags);

  /**
   * TvmCompileResult:argv:
   *
   * The command that was run, word by word; %NULL if none was.
   *
   * Since: 1.0
   */
  obj_props[PROP_ARGV] = g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, ro_flags);

  /**
   * TvmCompileResult:command-line: (type filename)
   *
   * The command that was run, quoted for a POSIX shell; %NULL if none was.
   *
   * Since: 1.0
   */
  obj_props[PROP_COMMAND_LINE] = g_param_spec_string ("command-line", NULL, NULL, NULL, ro_flags);

  /**
   * TvmCompileResult:working-directory: (type filename)
   *
   * The directory that the command ran in, or %NULL for that of the application.
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKING_DIRECTORY] =
    g_param_spec_string ("working-directory", NULL, NULL, NULL, ro_flags);

  /**
   * TvmCompileResult:steps: (type Gio.ListModel)
   *
   * The results of the single tools, as #TvmCompileResult; empty if only one was run.
   *
   * Since: 1.0
   */
  obj_props[PROP_STEPS] =
    g_param_spec_object ("steps", NULL, NULL, G_TYPE_LIST_MODEL, ro_flags);
}

static void
install_output_properties (void)
{
  /**
   * TvmCompileResult:output: (type filename)
   *
   * The file that was made; %NULL if none was.
   *
   * Since: 1.0
   */
  obj_props[PROP_OUTPUT] = g_param_spec_string ("output", NULL, NULL, NULL, ro_flags);

  /**
   * TvmCompileResult:bytes:
   *
   * What was made, if the request named no output file; else %NULL.
   *
   * Since: 1.0
   */
  obj_props[PROP_BYTES] = g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES, ro_flags);

  /**
   * TvmCompileResult:log:
   *
   * What the tools printed, byte for byte: standard error behind standard output.
   *
   * Since: 1.0
   */
  obj_props[PROP_LOG] = g_param_spec_boxed ("log", NULL, NULL, G_TYPE_BYTES, ro_flags);

  /**
   * TvmCompileResult:log-text:
   *
   * The log for people to read: valid UTF-8, and what a compiler printed for machines made
   * readable.
   *
   * Since: 1.0
   */
  obj_props[PROP_LOG_TEXT] = g_param_spec_string ("log-text", NULL, NULL, NULL, ro_flags);

  /**
   * TvmCompileResult:truncated:
   *
   * Whether a tool printed more than [property@TvmSupport.CompileRequest:output-limit].
   *
   * Since: 1.0
   */
  obj_props[PROP_TRUNCATED] = g_param_spec_boolean ("truncated", NULL, NULL, FALSE, ro_flags);

  /**
   * TvmCompileResult:diagnostics: (type Gio.ListModel)
   *
   * What the tools reported, as #TvmDiagnostic, in the order in which they did.
   *
   * Since: 1.0
   */
  obj_props[PROP_DIAGNOSTICS] =
    g_param_spec_object ("diagnostics", NULL, NULL, G_TYPE_LIST_MODEL, ro_flags);

  /**
   * TvmCompileResult:n-errors:
   *
   * How many of the diagnostics are errors.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_ERRORS] =
    g_param_spec_uint ("n-errors", NULL, NULL, 0, G_MAXUINT, 0, ro_flags);

  /**
   * TvmCompileResult:n-warnings:
   *
   * How many of the diagnostics are warnings.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_WARNINGS] =
    g_param_spec_uint ("n-warnings", NULL, NULL, 0, G_MAXUINT, 0, ro_flags);

  /**
   * TvmCompileResult:dependencies:
   *
   * The files that the compiler read: the sources and every header, each once.
   *
   * Since: 1.0
   */
  obj_props[PROP_DEPENDENCIES] =
    g_param_spec_boxed ("dependencies", NULL, NULL, G_TYPE_STRV, ro_flags);
}

static void
install_cost_properties (void)
{
  /**
   * TvmCompileResult:elapsed:
   *
   * How long it took from start to end, in microseconds.
   *
   * Since: 1.0
   */
  obj_props[PROP_ELAPSED] =
    g_param_spec_int64 ("elapsed", NULL, NULL, 0, G_MAXINT64, 0, ro_flags);

  /**
   * TvmCompileResult:user-time:
   *
   * The processor time that the tools used for themselves, in microseconds.
   *
   * Since: 1.0
   */
  obj_props[PROP_USER_TIME] =
    g_param_spec_int64 ("user-time", NULL, NULL, 0, G_MAXINT64, 0, ro_flags);

  /**
   * TvmCompileResult:system-time:
   *
   * The processor time that the kernel used for the tools, in microseconds.
   *
   * Since: 1.0
   */
  obj_props[PROP_SYSTEM_TIME] =
    g_param_spec_int64 ("system-time", NULL, NULL, 0, G_MAXINT64, 0, ro_flags);

  /**
   * TvmCompileResult:peak-memory:
   *
   * The most memory that one process of the tools held at a time, in bytes.
   *
   * Since: 1.0
   */
  obj_props[PROP_PEAK_MEMORY] =
    g_param_spec_uint64 ("peak-memory", NULL, NULL, 0, G_MAXUINT64, 0, ro_flags);
}

static void
tvm_compile_result_class_init (TvmCompileResultClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_compile_result_get_property;
  object_class->finalize = tvm_compile_result_finalize;

  install_status_properties ();
  install_command_properties ();
  install_output_properties ();
  install_cost_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_compile_result_init (TvmCompileResult *self)
{
  self->exit_status = -1;
  self->timeout_msec = -1;
  self->diagnostics = g_list_store_new (TVM_TYPE_DIAGNOSTIC);
  self->steps = g_list_store_new (TVM_TYPE_COMPILE_RESULT);
}

TvmCompileResult *
tvm_compile_result_new (TvmCompileKind kind)
{
  TvmCompileResult *self = g_object_new (TVM_TYPE_COMPILE_RESULT, NULL);

  self->kind = kind;
  return self;
}

/**
 * tvm_compile_result_get_successful: (get-property successful)
 * @self: a result
 *
 * Gets whether the output was made.
 *
 * Returns: %TRUE if it was
 *
 * Since: 1.0
 */
gboolean
tvm_compile_result_get_successful (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), FALSE);

  return self->error == NULL && self->exit_status == 0 && !self->timed_out;
}

/**
 * tvm_compile_result_get_kind: (get-property kind)
 * @self: a result
 *
 * Gets what was to be made.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
TvmCompileKind
tvm_compile_result_get_kind (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), TVM_COMPILE_KIND_OBJECT);

  return self->kind;
}

/**
 * tvm_compile_result_get_exit_status: (get-property exit-status)
 * @self: a result
 *
 * Gets the status that the tool exited with.
 *
 * Returns: the status, or -1
 *
 * Since: 1.0
 */
int
tvm_compile_result_get_exit_status (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), -1);

  return self->exit_status;
}

/**
 * tvm_compile_result_get_term_signal: (get-property term-signal)
 * @self: a result
 *
 * Gets the signal that ended the tool.
 *
 * Returns: the signal, or 0
 *
 * Since: 1.0
 */
int
tvm_compile_result_get_term_signal (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->term_signal;
}

/**
 * tvm_compile_result_get_timed_out: (get-property timed-out)
 * @self: a result
 *
 * Gets whether the tool was killed at its time limit.
 *
 * Returns: %TRUE if it was
 *
 * Since: 1.0
 */
gboolean
tvm_compile_result_get_timed_out (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), FALSE);

  return self->timed_out;
}

/**
 * tvm_compile_result_dup_inputs: (get-property inputs)
 * @self: a result
 *
 * Gets the paths of the inputs.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_result_dup_inputs (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return g_strdupv (self->inputs);
}

/**
 * tvm_compile_result_dup_argv: (get-property argv)
 * @self: a result
 *
 * Gets the command that was run.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_result_dup_argv (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return g_strdupv (self->argv);
}

/**
 * tvm_compile_result_dup_command_line: (get-property command-line)
 * @self: a result
 *
 * Gets the command that was run, quoted for a POSIX shell.
 *
 * Returns: (transfer full) (nullable) (type filename): the line
 *
 * Since: 1.0
 */
char *
tvm_compile_result_dup_command_line (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  if (self->argv == NULL)
    return NULL;

  return tvm_quote_command ((const char * const *) self->argv);
}

/**
 * tvm_compile_result_get_working_directory: (get-property working-directory)
 * @self: a result
 *
 * Gets the directory that the command ran in.
 *
 * Returns: (transfer none) (nullable) (type filename): the directory
 *
 * Since: 1.0
 */
const char *
tvm_compile_result_get_working_directory (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->working_directory;
}

/**
 * tvm_compile_result_get_output: (get-property output)
 * @self: a result
 *
 * Gets the file that was made.
 *
 * Returns: (transfer none) (nullable) (type filename): the path
 *
 * Since: 1.0
 */
const char *
tvm_compile_result_get_output (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->output;
}

/**
 * tvm_compile_result_get_bytes: (get-property bytes)
 * @self: a result
 *
 * Gets what was made, if the request named no output file.
 *
 * Returns: (transfer none) (nullable): the bytes
 *
 * Since: 1.0
 */
GBytes *
tvm_compile_result_get_bytes (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->bytes;
}

/**
 * tvm_compile_result_get_log: (get-property log)
 * @self: a result
 *
 * Gets what the tools printed, byte for byte.
 *
 * Returns: (transfer none): the bytes
 *
 * Since: 1.0
 */
GBytes *
tvm_compile_result_get_log (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->log;
}

/**
 * tvm_compile_result_get_log_text: (get-property log-text)
 * @self: a result
 *
 * Gets the log for people to read.
 *
 * Returns: (transfer none): the text
 *
 * Since: 1.0
 */
const char *
tvm_compile_result_get_log_text (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->log_text;
}

/**
 * tvm_compile_result_get_truncated: (get-property truncated)
 * @self: a result
 *
 * Gets whether a tool printed more than was kept.
 *
 * Returns: %TRUE if one did
 *
 * Since: 1.0
 */
gboolean
tvm_compile_result_get_truncated (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), FALSE);

  return self->truncated;
}

/**
 * tvm_compile_result_get_diagnostics: (get-property diagnostics)
 * @self: a result
 *
 * Gets what the tools reported, as #TvmDiagnostic.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
tvm_compile_result_get_diagnostics (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return G_LIST_MODEL (self->diagnostics);
}

/**
 * tvm_compile_result_get_steps: (get-property steps)
 * @self: a result
 *
 * Gets the results of the single tools, as #TvmCompileResult.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
tvm_compile_result_get_steps (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return G_LIST_MODEL (self->steps);
}

/**
 * tvm_compile_result_get_n_errors: (get-property n-errors)
 * @self: a result
 *
 * Gets how many of the diagnostics are errors.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_compile_result_get_n_errors (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->n_errors;
}

/**
 * tvm_compile_result_get_n_warnings: (get-property n-warnings)
 * @self: a result
 *
 * Gets how many of the diagnostics are warnings.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_compile_result_get_n_warnings (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->n_warnings;
}

/**
 * tvm_compile_result_dup_dependencies: (get-property dependencies)
 * @self: a result
 *
 * Gets the files that the compiler read.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compile_result_dup_dependencies (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return g_strdupv (self->dependencies);
}

/**
 * tvm_compile_result_get_lowered_name:
 * @self: a result
 * @expression: one of [property@TvmSupport.CompileRequest:name-expressions], as it was given
 *
 * Gets what a kernel or a variable is called in the output, which is how it is found there.
 *
 * Returns: (transfer none) (nullable): the mangled name, or %NULL if the expression was not asked
 *   for or the compile failed
 *
 * Since: 1.0
 */
const char *
tvm_compile_result_get_lowered_name (TvmCompileResult *self,
                                     const char       *expression)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);
  g_return_val_if_fail (expression != NULL, NULL);

  if (self->lowered_names == NULL)
    return NULL;

  return g_hash_table_lookup (self->lowered_names, expression);
}

/**
 * tvm_compile_result_get_cache_status: (get-property cache-status)
 * @self: a result
 *
 * Gets what the compiler cache did.
 *
 * Returns: the status
 *
 * Since: 1.0
 */
TvmCacheStatus
tvm_compile_result_get_cache_status (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), TVM_CACHE_STATUS_DISABLED);

  return self->cache_status;
}

/**
 * tvm_compile_result_get_cache_reason: (get-property cache-reason)
 * @self: a result
 *
 * Gets why the cache declined, where the status is %TVM_CACHE_STATUS_BYPASS and the cache is a
 * [class@TvmSupport.KernelCache]; other caches do not say.
 *
 * Returns: (transfer none) (nullable): a sentence
 *
 * Since: 1.0
 */
const char *
tvm_compile_result_get_cache_reason (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  return self->cache_reason;
}

/**
 * tvm_compile_result_get_elapsed: (get-property elapsed)
 * @self: a result
 *
 * Gets how long it took from start to end.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tvm_compile_result_get_elapsed (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->elapsed_usec;
}

/**
 * tvm_compile_result_get_user_time: (get-property user-time)
 * @self: a result
 *
 * Gets the processor time that the tools used for themselves.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tvm_compile_result_get_user_time (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->user_usec;
}

/**
 * tvm_compile_result_get_system_time: (get-property system-time)
 * @self: a result
 *
 * Gets the processor time that the kernel used for the tools.
 *
 * Returns: the time in microseconds
 *
 * Since: 1.0
 */
gint64
tvm_compile_result_get_system_time (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->system_usec;
}

/**
 * tvm_compile_result_get_peak_memory: (get-property peak-memory)
 * @self: a result
 *
 * Gets the most memory that one process of the tools held at a time.
 *
 * Returns: the size in bytes
 *
 * Since: 1.0
 */
guint64
tvm_compile_result_get_peak_memory (TvmCompileResult *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), 0);

  return self->peak_memory;
}
