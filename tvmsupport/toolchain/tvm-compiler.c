/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"

#include "tvmsupport/toolchain/tvm-compile-argv-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/**
 * TvmCompiler:
 *
 * Runs compile requests with a toolchain.
 *
 * A compiler takes a [class@TvmSupport.CompileRequest], compiles its sources each by itself and at
 * the same time as far as the machine allows, links what they became, and gives a
 * [class@TvmSupport.CompileResult]. The output appears whole or not at all. Nothing that was
 * started outlives a cancel, a time limit or the application itself.
 *
 * ```c
 * g_autoptr (TvmCompiler) compiler = tvm_compiler_new (NULL);
 * g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
 * g_autoptr (TvmCompileResult) result = NULL;
 * g_autoptr (GError) error = NULL;
 *
 * tvm_compile_request_add_input (request, "kernel.c", TVM_LANGUAGE_AUTO);
 * tvm_compile_request_set_output (request, "kernel.so");
 * result = tvm_compiler_compile (compiler, request, NULL, &error);
 * if (result == NULL)
 *   g_printerr ("The compiler did not run: %s\n", error->message);
 * else if (!tvm_compile_result_get_successful (result))
 *   g_printerr ("%s", tvm_compile_result_get_log_text (result));
 * ```
 *
 * The tools of one compiler share its limit of jobs; see [property@TvmSupport.Compiler:max-jobs].
 * Under a GNU make with `-j`, jobs also wait for its job server.
 *
 * The language of a source decides how it is compiled, and what the objects need how they are
 * linked, whichever driver the toolchain names: `g++` compiles a `.c` file as C, and C objects are
 * not linked with the C++ runtime.
 *
 * A compiler may be used by several threads at a time. Callbacks and signals of a call come in the
 * thread-default main context of whoever made that call. The class can be derived:
 * [vfunc@TvmSupport.Compiler.build_argv] makes the command line of each step.
 *
 * Since: 1.0
 */

typedef struct
{
  GMutex lock;                  /* guards the next four; the toolchain is loaded at first use */
  TvmToolchain *toolchain;      /* (nullable) */
  char **options;               /* (nullable) */
  char **add_files;             /* (nullable) */
  TvmKernelCache *cache;        /* (nullable) */
  char *command;                /* (nullable) */
  char *output_format;
  guint max_jobs;
  guint64 memory_per_job;
  TvmJobLimiter *limiter;
} TvmCompilerPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TvmCompiler, tvm_compiler, G_TYPE_OBJECT)

#define PRIVATE(self) \
  ((TvmCompilerPrivate *) tvm_compiler_get_instance_private ((TvmCompiler *) (self)))

typedef enum
{
  PROP_TOOLCHAIN = 1,
  PROP_COMMAND,
  PROP_TARGET_TRIPLE,
  PROP_OUTPUT_FORMAT,
  PROP_OPTIONS,
  PROP_ADD_FILES,
  PROP_MAX_JOBS,
  PROP_MEMORY_PER_JOB,
  PROP_CACHE,
} TvmCompilerProperty;

static GParamSpec *obj_props[PROP_CACHE + 1];

enum
{
  SIGNAL_JOB_STARTED,
  SIGNAL_JOB_FINISHED,
  SIGNAL_PROGRESS,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static char **
tvm_compiler_real_build_argv (TvmCompiler        *self,
                              TvmToolchain       *toolchain,
                              TvmCompileRequest  *request,
                              GError            **error)
{
  return tvm_compile_argv_build (toolchain, request, error);
}

static void
tvm_compiler_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  TvmCompiler *self = TVM_COMPILER (object);
  TvmCompilerPrivate *priv = PRIVATE (self);

  switch ((TvmCompilerProperty) prop_id)
    {
    case PROP_TOOLCHAIN:
      g_value_set_object (value, tvm_compiler_get_toolchain (self));
      break;
    case PROP_COMMAND:
      g_value_set_string (value, priv->command);
      break;
    case PROP_TARGET_TRIPLE:
      g_value_set_string (value, tvm_compiler_get_target_triple (self));
      break;
    case PROP_OUTPUT_FORMAT:
      g_value_set_string (value, priv->output_format);
      break;
    case PROP_OPTIONS:
      g_value_take_boxed (value, tvm_compiler_dup_options (self));
      break;
    case PROP_ADD_FILES:
      g_value_take_boxed (value, tvm_compiler_dup_add_files (self));
      break;
    case PROP_MAX_JOBS:
      g_value_set_uint (value, priv->max_jobs);
      break;
    case PROP_MEMORY_PER_JOB:
      g_value_set_uint64 (value, priv->memory_per_job);
      break;
    case PROP_CACHE:
      g_value_take_object (value, tvm_compiler_dup_cache (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_compiler_set_property (GObject      *object,
                           guint         prop_id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  TvmCompiler *self = TVM_COMPILER (object);
  TvmCompilerPrivate *priv = PRIVATE (self);

  switch ((TvmCompilerProperty) prop_id)
    {
    case PROP_TOOLCHAIN:
      priv->toolchain = g_value_dup_object (value);
      break;
    case PROP_COMMAND:
      priv->command = g_value_dup_string (value);
      break;
    case PROP_OUTPUT_FORMAT:
      if (g_value_get_string (value) != NULL)
        {
          g_free (priv->output_format);
          priv->output_format = g_value_dup_string (value);
        }
      break;
    case PROP_OPTIONS:
      tvm_compiler_set_options (self, g_value_get_boxed (value));
      break;
    case PROP_ADD_FILES:
      tvm_compiler_set_add_files (self, g_value_get_boxed (value));
      break;
    case PROP_MAX_JOBS:
      tvm_compiler_set_max_jobs (self, g_value_get_uint (value));
      break;
    case PROP_MEMORY_PER_JOB:
      tvm_compiler_set_memory_per_job (self, g_value_get_uint64 (value));
      break;
    case PROP_CACHE:
      tvm_compiler_set_cache (self, g_value_get_object (value));
      break;
    case PROP_TARGET_TRIPLE:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_compiler_finalize (GObject *object)
{
  TvmCompilerPrivate *priv = PRIVATE (object);

  g_clear_object (&priv->toolchain);
  g_free (priv->command);
  g_free (priv->output_format);
  g_strfreev (priv->options);
  g_strfreev (priv->add_files);
  g_clear_object (&priv->cache);
  g_clear_pointer (&priv->limiter, tvm_job_limiter_unref);
  g_mutex_clear (&priv->lock);

  G_OBJECT_CLASS (tvm_compiler_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  /**
   * TvmCompiler:toolchain:
   *
   * What the compiler runs. If it was made without one, that is found at the first use, and
   * %NULL until then; see [method@TvmSupport.Compiler.load_toolchain].
   *
   * Since: 1.0
   */
  obj_props[PROP_TOOLCHAIN] =
    g_param_spec_object ("toolchain", NULL, NULL, TVM_TYPE_TOOLCHAIN, construct);

  /**
   * TvmCompiler:command: (type filename)
   *
   * The command that the toolchain is made from at the first use; %NULL if it is discovered or was
   * given.
   *
   * Since: 1.0
   */
  obj_props[PROP_COMMAND] = g_param_spec_string ("command", NULL, NULL, NULL, construct);

  /**
   * TvmCompiler:target-triple:
   *
   * The target of the toolchain; %NULL while that is not known.
   *
   * Since: 1.0
   */
  obj_props[PROP_TARGET_TRIPLE] =
    g_param_spec_string ("target-triple", NULL, NULL, NULL,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * TvmCompiler:output-format:
   *
   * The suffix that shared libraries of the target have, such as `so`. It is kept for the caller;
   * the compiler itself never looks at a suffix of an output.
   *
   * Since: 1.0
   */
  obj_props[PROP_OUTPUT_FORMAT] =
    g_param_spec_string ("output-format", NULL, NULL, "so", construct);

  /**
   * TvmCompiler:options:
   *
   * Options for every compile and link, in front of those of the request. Those that only a linker
   * uses, such as `-lm`, go to the link alone.
   *
   * Since: 1.0
   */
  obj_props[PROP_OPTIONS] = g_param_spec_boxed ("options", NULL, NULL, G_TYPE_STRV, rw);

  /**
   * TvmCompiler:add-files:
   *
   * Sources, objects and libraries that are added to the inputs of every link and every archive.
   *
   * Since: 1.0
   */
  obj_props[PROP_ADD_FILES] = g_param_spec_boxed ("add-files", NULL, NULL, G_TYPE_STRV, rw);

  /**
   * TvmCompiler:max-jobs:
   *
   * How many tools of this compiler run at a time; 0 for as many as there are processors, or for
   * one if a make above has a job server that this process was not given.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_JOBS] = g_param_spec_uint ("max-jobs", NULL, NULL, 0, G_MAXUINT, 0, rw);

  /**
   * TvmCompiler:memory-per-job:
   *
   * How much memory one tool is expected to need, in bytes; 0 for what the tools so far have
   * needed. Beyond the first, a tool is not started while the machine has less than that left.
   *
   * Since: 1.0
   */
  obj_props[PROP_MEMORY_PER_JOB] =
    g_param_spec_uint64 ("memory-per-job", NULL, NULL, 0, G_MAXUINT64, 0, rw);

  /**
   * TvmCompiler:cache:
   *
   * Where what is compiled is kept and looked for; %NULL for none.
   *
   * The compilers of kernels, [class@TvmSupport.NvccCompiler] and
   * [class@TvmSupport.NvrtcCompiler], begin with [func@TvmSupport.KernelCache.get_default], unless
   * the environment variable `TVM_SUPPORT_KERNEL_CACHE` is `off`; all others with none.
   *
   * Since: 1.0
   */
  obj_props[PROP_CACHE] =
    g_param_spec_object ("cache", NULL, NULL, TVM_TYPE_KERNEL_CACHE, rw);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
install_signals (GType type)
{
  /**
   * TvmCompiler::job-started:
   * @self: the compiler
   * @request: the request
   *
   * A request has begun.
   *
   * Since: 1.0
   */
  signals[SIGNAL_JOB_STARTED] =
    g_signal_new ("job-started", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  TVM_TYPE_COMPILE_REQUEST);

  /**
   * TvmCompiler::job-finished:
   * @self: the compiler
   * @request: the request
   * @result: what came of it
   *
   * A request has ended, with success or without. It is not emitted for one that was cancelled or
   * could not begin.
   *
   * Since: 1.0
   */
  signals[SIGNAL_JOB_FINISHED] =
    g_signal_new ("job-finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                  TVM_TYPE_COMPILE_REQUEST, TVM_TYPE_COMPILE_RESULT);

  /**
   * TvmCompiler::progress:
   * @self: the compiler
   * @request: the request
   * @n_done: how many of its steps have ended
   * @n_total: how many steps it has
   *
   * A step of a request has ended: a source was compiled, or the link was done.
   *
   * Since: 1.0
   */
  signals[SIGNAL_PROGRESS] =
    g_signal_new ("progress", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                  TVM_TYPE_COMPILE_REQUEST, G_TYPE_UINT, G_TYPE_UINT);
}

static void
tvm_compiler_class_init (TvmCompilerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_compiler_get_property;
  object_class->set_property = tvm_compiler_set_property;
  object_class->finalize = tvm_compiler_finalize;

  klass->build_argv = tvm_compiler_real_build_argv;
  klass->compile_async = tvm_compile_run_async;
  klass->compile_finish = tvm_compile_run_finish;

  install_properties (object_class);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
tvm_compiler_init (TvmCompiler *self)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  TvmJobserver *jobserver;
  gboolean jobserver_unavailable;

  g_mutex_init (&priv->lock);
  priv->output_format = g_strdup ("so");
  jobserver = tvm_jobserver_get_default (&jobserver_unavailable);
  priv->limiter = tvm_job_limiter_new (jobserver, jobserver_unavailable ? 1 : 0);
}

TvmToolchain *
tvm_compiler_adopt_toolchain (TvmCompiler  *self,
                              TvmToolchain *toolchain)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  TvmToolchain *adopted;

  g_mutex_lock (&priv->lock);
  if (priv->toolchain == NULL)
    priv->toolchain = g_object_ref (toolchain);
  adopted = g_object_ref (priv->toolchain);
  g_mutex_unlock (&priv->lock);

  return adopted;
}

TvmKernelCache *
tvm_compiler_dup_cache (TvmCompiler *self)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  TvmKernelCache *cache = NULL;

  g_mutex_lock (&priv->lock);
  g_set_object (&cache, priv->cache);
  g_mutex_unlock (&priv->lock);

  return cache;
}

gboolean
tvm_compiler_replace_cache (TvmCompiler    *self,
                            TvmKernelCache *cache)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  g_autoptr (TvmKernelCache) old = NULL;

  g_mutex_lock (&priv->lock);
  old = g_steal_pointer (&priv->cache);
  g_set_object (&priv->cache, cache);
  g_mutex_unlock (&priv->lock);

  return old != cache;
}

/**
 * tvm_compiler_new:
 * @toolchain: (nullable): what to run, or %NULL for what
 *   [func@TvmSupport.Toolchain.discover] finds at the first use
 *
 * Makes a compiler.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new (TvmToolchain *toolchain)
{
  g_return_val_if_fail (toolchain == NULL || TVM_IS_TOOLCHAIN (toolchain), NULL);

  return g_object_new (TVM_TYPE_COMPILER, "toolchain", toolchain, NULL);
}

/**
 * tvm_compiler_new_for_command:
 * @command: (nullable) (type filename): a command as [ctor@TvmSupport.Toolchain.new] takes it, or
 *   %NULL to discover one
 *
 * Makes a compiler that runs a command. The command is looked up at the first use, and that is
 * where a missing one is an error.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_for_command (const char *command)
{
  return g_object_new (TVM_TYPE_COMPILER, "command", command, NULL);
}

/**
 * tvm_compiler_new_cross:
 * @command: (nullable) (type filename): the command of the cross compiler, or %NULL to discover one
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options for every compile
 *   and link
 * @output_format: (nullable): the suffix of shared libraries of the target; %NULL for `so`
 * @add_files: (nullable) (array zero-terminated=1) (element-type filename): files to add to every
 *   link
 *
 * Makes a compiler for another target, as the `cross_compiler` of the seed does: it has options and
 * files of its own, and its [property@TvmSupport.Compiler:target-triple] is that of the cross
 * compiler.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_cross (const char         *command,
                        const char * const *options,
                        const char         *output_format,
                        const char * const *add_files)
{
  return g_object_new (TVM_TYPE_COMPILER,
                       "command", command,
                       "options", options,
                       "output-format", output_format,
                       "add-files", add_files,
                       NULL);
}

/**
 * tvm_compiler_get_toolchain: (get-property toolchain)
 * @self: a compiler
 *
 * Gets what the compiler runs.
 *
 * Returns: (transfer none) (nullable): the toolchain, or %NULL while none was loaded
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_compiler_get_toolchain (TvmCompiler *self)
{
  TvmCompilerPrivate *priv;
  TvmToolchain *toolchain;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  /* Once set it stays, so it may be used after the lock was given up. */
  priv = PRIVATE (self);
  g_mutex_lock (&priv->lock);
  toolchain = priv->toolchain;
  g_mutex_unlock (&priv->lock);

  return toolchain;
}

/**
 * tvm_compiler_get_command: (get-property command)
 * @self: a compiler
 *
 * Gets the command that the toolchain is made from.
 *
 * Returns: (transfer none) (nullable) (type filename): the command
 *
 * Since: 1.0
 */
const char *
tvm_compiler_get_command (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  return PRIVATE (self)->command;
}

/**
 * tvm_compiler_get_target_triple: (get-property target-triple)
 * @self: a compiler
 *
 * Gets the target of the toolchain.
 *
 * Returns: (transfer none) (nullable): the triple, or %NULL while it is not known
 *
 * Since: 1.0
 */
const char *
tvm_compiler_get_target_triple (TvmCompiler *self)
{
  TvmToolchain *toolchain;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  toolchain = tvm_compiler_get_toolchain (self);
  return toolchain != NULL ? tvm_toolchain_get_target_triple (toolchain) : NULL;
}

/**
 * tvm_compiler_get_output_format: (get-property output-format)
 * @self: a compiler
 *
 * Gets the suffix that shared libraries of the target have.
 *
 * Returns: (transfer none): the suffix, without a dot
 *
 * Since: 1.0
 */
const char *
tvm_compiler_get_output_format (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  return PRIVATE (self)->output_format;
}

static char **
dup_strv (TvmCompiler   *self,
          char        ***field)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  char **copy;

  g_mutex_lock (&priv->lock);
  copy = g_strdupv (*field);
  g_mutex_unlock (&priv->lock);

  return copy;
}

/**
 * tvm_compiler_dup_options: (get-property options)
 * @self: a compiler
 *
 * Gets the options for every compile and link.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compiler_dup_options (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  return dup_strv (self, &PRIVATE (self)->options);
}

static void
replace_strv (TvmCompiler          *self,
              char               ***field,
              const char * const   *value,
              TvmCompilerProperty   prop)
{
  TvmCompilerPrivate *priv = PRIVATE (self);
  char **replaced = g_strdupv ((char **) value);
  gboolean changed;

  g_mutex_lock (&priv->lock);
  changed = *field != NULL || replaced != NULL;
  if (changed)
    {
      char **old = *field;

      *field = replaced;
      replaced = old;
    }
  g_mutex_unlock (&priv->lock);

  g_strfreev (replaced);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[prop]);
}

/**
 * tvm_compiler_set_options: (set-property options)
 * @self: a compiler
 * @options: (nullable) (array zero-terminated=1) (element-type filename): the options, which are
 *   copied
 *
 * Sets the options for every compile and link that starts from now on.
 *
 * Since: 1.0
 */
void
tvm_compiler_set_options (TvmCompiler        *self,
                          const char * const *options)
{
  g_return_if_fail (TVM_IS_COMPILER (self));

  replace_strv (self, &PRIVATE (self)->options, options, PROP_OPTIONS);
}

/**
 * tvm_compiler_dup_add_files: (get-property add-files)
 * @self: a compiler
 *
 * Gets the files that are added to every link.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_compiler_dup_add_files (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);

  return dup_strv (self, &PRIVATE (self)->add_files);
}

/**
 * tvm_compiler_set_add_files: (set-property add-files)
 * @self: a compiler
 * @add_files: (nullable) (array zero-terminated=1) (element-type filename): the files; the list is
 *   copied
 *
 * Sets the files that are added to every link that starts from now on.
 *
 * Since: 1.0
 */
void
tvm_compiler_set_add_files (TvmCompiler        *self,
                            const char * const *add_files)
{
  g_return_if_fail (TVM_IS_COMPILER (self));

  replace_strv (self, &PRIVATE (self)->add_files, add_files, PROP_ADD_FILES);
}

/**
 * tvm_compiler_get_max_jobs: (get-property max-jobs)
 * @self: a compiler
 *
 * Gets how many tools of this compiler run at a time.
 *
 * Returns: the number, or 0 if the machine decides
 *
 * Since: 1.0
 */
guint
tvm_compiler_get_max_jobs (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), 0);

  return PRIVATE (self)->max_jobs;
}

/**
 * tvm_compiler_set_max_jobs: (set-property max-jobs)
 * @self: a compiler
 * @max_jobs: the number, or 0 to let the machine decide
 *
 * Sets how many tools of this compiler run at a time. What runs already is left alone.
 *
 * Since: 1.0
 */
void
tvm_compiler_set_max_jobs (TvmCompiler *self,
                           guint        max_jobs)
{
  TvmCompilerPrivate *priv;

  g_return_if_fail (TVM_IS_COMPILER (self));

  priv = PRIVATE (self);
  if (priv->max_jobs == max_jobs)
    return;

  priv->max_jobs = max_jobs;
  tvm_job_limiter_set_max_jobs (priv->limiter, max_jobs);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MAX_JOBS]);
}

/**
 * tvm_compiler_get_memory_per_job: (get-property memory-per-job)
 * @self: a compiler
 *
 * Gets how much memory one tool is expected to need.
 *
 * Returns: the size in bytes, or 0 if experience decides
 *
 * Since: 1.0
 */
guint64
tvm_compiler_get_memory_per_job (TvmCompiler *self)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), 0);

  return PRIVATE (self)->memory_per_job;
}

/**
 * tvm_compiler_set_memory_per_job: (set-property memory-per-job)
 * @self: a compiler
 * @memory_per_job: the size in bytes, or 0 to let experience decide
 *
 * Sets how much memory one tool is expected to need.
 *
 * Since: 1.0
 */
void
tvm_compiler_set_memory_per_job (TvmCompiler *self,
                                 guint64      memory_per_job)
{
  TvmCompilerPrivate *priv;

  g_return_if_fail (TVM_IS_COMPILER (self));

  priv = PRIVATE (self);
  if (priv->memory_per_job == memory_per_job)
    return;

  priv->memory_per_job = memory_per_job;
  tvm_job_limiter_set_memory_per_job (priv->limiter, memory_per_job);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MEMORY_PER_JOB]);
}

TvmJobLimiter *
tvm_compiler_get_limiter (TvmCompiler *self)
{
  return PRIVATE (self)->limiter;
}

static char **
join_strv (char               **first,
           const char * const  *second)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (first != NULL)
    g_strv_builder_addv (builder, (const char **) first);
  if (second != NULL)
    g_strv_builder_addv (builder, (const char **) second);

  return g_strv_builder_end (builder);
}

TvmCompileRequest *
tvm_compiler_merge_request (TvmCompiler        *self,
                            TvmCompileRequest  *request,
                            GError            **error)
{
  g_auto (GStrv) own_options = tvm_compiler_dup_options (self);
  g_auto (GStrv) options = NULL;
  g_auto (GStrv) compile_options = NULL;
  g_auto (GStrv) link_options = NULL;
  g_auto (GStrv) all_link_options = NULL;
  TvmCompileRequest *merged;

  /* What only a link uses goes behind the inputs, where a static library is found. */
  options = join_strv (own_options, (const char * const *) request->options);
  if (!tvm_compile_options_split ((const char * const *) options, &compile_options, &link_options,
                                  error))
    return NULL;

  merged = tvm_compile_request_copy (request);
  all_link_options = join_strv (link_options, (const char * const *) request->link_options);
  tvm_compile_request_set_options (merged, (const char * const *) compile_options);
  tvm_compile_request_set_link_options (merged, (const char * const *) all_link_options);

  return merged;
}

char **
tvm_compiler_build_argv (TvmCompiler        *self,
                         TvmToolchain       *toolchain,
                         TvmCompileRequest  *request,
                         GError            **error)
{
  g_autoptr (GError) local_error = NULL;
  char **argv =
    TVM_COMPILER_GET_CLASS (self)->build_argv (self, toolchain, request, &local_error);

  if (argv != NULL && argv[0] != NULL)
    return argv;

  /* A language binding may have lost the error of an override, or return nothing. */
  g_strfreev (argv);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
                 _("The compiler class “%s” made no command line"), G_OBJECT_TYPE_NAME (self));
  return NULL;
}

void
tvm_compiler_emit_progress (TvmCompiler       *self,
                            TvmCompileRequest *request,
                            guint              n_done,
                            guint              n_total)
{
  g_signal_emit (self, signals[SIGNAL_PROGRESS], 0, request, n_done, n_total);
}

void
tvm_compiler_emit_started (TvmCompiler       *self,
                           TvmCompileRequest *request)
{
  g_signal_emit (self, signals[SIGNAL_JOB_STARTED], 0, request);
}

void
tvm_compiler_emit_finished (TvmCompiler       *self,
                            TvmCompileRequest *request,
                            TvmCompileResult  *result)
{
  g_signal_emit (self, signals[SIGNAL_JOB_FINISHED], 0, request, result);
}
