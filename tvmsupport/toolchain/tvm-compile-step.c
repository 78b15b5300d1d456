/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-step-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/toolchain/tvm-compile-cache-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-plan-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-depfile-private.h"
#include "tvmsupport/toolchain/tvm-stage-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/resource.h>

/* The name that a rule in a depfile gets. It goes into the key of ccache, so it is always the
 * same. */
#define DEPFILE_TARGET "tvm"

typedef struct
{
  TvmCompiler *compiler;
  TvmToolchain *toolchain;
  TvmCompileRequest *request;
  TvmStepFlags flags;

  TvmJobSlot *slot;          /* (nullable): while the tool runs */
  TvmStage *stage;           /* (nullable) */
  char *output;              /* where the output is in the end; the request has where the tool writes */
  char *depfile;             /* (nullable) */
  char *cache_log;           /* (nullable) */
  char **command;            /* once it is known */
  guint n_fixed;             /* how many words of it stay on the command line */
  TvmCompileCache *cache;    /* (nullable) */
  TvmCompileResult *result;
} Step;

static void
step_free (gpointer data)
{
  Step *step = data;

  g_clear_object (&step->compiler);
  g_clear_object (&step->toolchain);
  g_clear_object (&step->request);
  g_clear_pointer (&step->slot, tvm_job_slot_release);
  g_clear_pointer (&step->stage, tvm_stage_free);
  g_free (step->output);
  g_free (step->depfile);
  g_free (step->cache_log);
  g_strfreev (step->command);
  g_clear_pointer (&step->cache, tvm_compile_cache_free);
  g_clear_object (&step->result);
  g_free (step);
}

/* Ends the step with what kept it from being run, unless it was cancelled. */
static void
return_failure (GTask  *task,
                GError *error)
{
  Step *step = g_task_get_task_data (task);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (task, error);
      return;
    }

  step->result->error = error;
  tvm_compile_result_seal (step->result);
  g_task_return_pointer (task, g_steal_pointer (&step->result), g_object_unref);
}

static gboolean
is_compile (Step *step)
{
  return tvm_compile_request_translates (step->request);
}

/* ccache knows nvcc where it makes an object or, with -c, a cubin. */
static gboolean
is_cacheable (Step *step)
{
  if (tvm_toolchain_get_family (step->toolchain) == TVM_TOOLCHAIN_FAMILY_NVCC &&
      step->request->kind != TVM_COMPILE_KIND_CUBIN)
    return step->request->kind == TVM_COMPILE_KIND_OBJECT;

  return is_compile (step);
}

/* ccache, asked for by the request or in front of the compiler in its command */
static gboolean
uses_ccache (Step *step)
{
  const char * const *wrapper = tvm_toolchain_peek_wrapper (step->toolchain);
  guint i;

  if (!is_cacheable (step))
    return FALSE;

  for (i = 0; wrapper != NULL && wrapper[i] != NULL; i++)
    {
      if (g_str_has_suffix (wrapper[i], "ccache") && !g_str_has_suffix (wrapper[i], "sccache"))
        return TRUE;
    }

  return step->request->ccache_environ != NULL;
}

/* What stands in front of the compiler. A cache has no business with a link. */
static gboolean
add_wrapper (Step          *step,
             GStrvBuilder  *argv,
             GError       **error)
{
  const char * const *wrapper = tvm_toolchain_peek_wrapper (step->toolchain);
  gboolean has_cache = FALSE;
  guint i;

  for (i = 0; wrapper != NULL && wrapper[i] != NULL; i++)
    {
      gboolean is_cache = tvm_toolchain_is_compiler_cache (wrapper[i]);

      has_cache |= is_cache;
      if (is_cacheable (step) || !is_cache)
        g_strv_builder_add (argv, wrapper[i]);
    }

  if (uses_ccache (step) && !has_cache)
    {
      g_autofree char *ccache = tvm_find_program ("ccache", NULL, NULL, error);

      if (ccache == NULL)
        return FALSE;
      g_strv_builder_add (argv, ccache);
    }

  return TRUE;
}

static gboolean
wants_depfile (Step *step)
{
  const TvmCompileInput *input = g_ptr_array_index (step->request->inputs, 0);

  return is_compile (step) && input->language != TVM_LANGUAGE_ASSEMBLER &&
         input->language != TVM_LANGUAGE_LLVM_IR &&
         tvm_toolchain_get_family (step->toolchain) != TVM_TOOLCHAIN_FAMILY_UNKNOWN &&
         !tvm_compile_options_have_depfile ((const char * const *) step->request->options);
}

static gboolean
names_itself (const char * const *options)
{
  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (strstr (options[i], "-install_name") != NULL)
        return TRUE;
    }

  return FALSE;
}

/* A dynamic library of Apple knows its place, which is not where it is written at first.
 * Returns: how many words were added */
static guint
add_install_name (Step         *step,
                  GStrvBuilder *argv)
{
  const char *triple = tvm_toolchain_get_target_triple (step->toolchain);

  if (step->stage == NULL || step->request->kind != TVM_COMPILE_KIND_SHARED || triple == NULL ||
      strstr (triple, "-apple-") == NULL ||
      names_itself ((const char * const *) step->request->options) ||
      names_itself ((const char * const *) step->request->link_options))
    return 0;

  g_strv_builder_add_many (argv, "-install_name", step->output, NULL);
  return 2;
}

/* The whole command, and how many words of it must stay on the command line when it is too long */
static char **
build_command (Step     *step,
               guint    *n_fixed,
               GError  **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;
  g_auto (GStrv) command = NULL;
  const char * const *options = (const char * const *) step->request->options;
  guint n_extra = 0;

  argv = tvm_compiler_build_argv (step->compiler, step->toolchain, step->request, error);
  if (argv == NULL || !add_wrapper (step, builder, error))
    return NULL;

  g_strv_builder_addv (builder, (const char **) argv);
  if (wants_depfile (step))
    {
      const char *words[] = { "-MD", "-MF", step->depfile, "-MT", DEPFILE_TARGET, NULL };
      g_strv_builder_addv (builder, words);
      n_extra = G_N_ELEMENTS (words) - 1;
    }
  else
    {
      g_clear_pointer (&step->depfile, g_free);
      /* A depfile of the caller names the output, not where it is written at first. */
      if (step->stage != NULL && tvm_compile_options_need_target (options))
        {
          g_strv_builder_addv (builder, (const char *[]) { "-MT", step->output, NULL });
          n_extra = 2;
        }
      n_extra += add_install_name (step, builder);
    }

  command = g_strv_builder_end (builder);
  *n_fixed = g_strv_length (command) - n_extra - g_strv_length (argv) + 1;
  return g_steal_pointer (&command);
}

static void
add_environment (Step           *step,
                 TvmProcessSpec *spec)
{
  const char *exec_prefix = g_getenv ("GCC_EXEC_PREFIX");
  const char *makeflags = g_getenv ("MAKEFLAGS");

  /* Messages are read by us: in one language, without colours. */
  tvm_process_spec_setenv (spec, "LC_ALL", "C.UTF-8");
  tvm_process_spec_setenv (spec, "LANGUAGE", NULL);
  tvm_process_spec_setenv (spec, "GCC_COLORS", NULL);
  /* These make gcc write a file that nobody asked for. */
  tvm_process_spec_setenv (spec, "DEPENDENCIES_OUTPUT", NULL);
  tvm_process_spec_setenv (spec, "SUNPRO_DEPENDENCIES", NULL);
  /* An empty one makes gcc find nothing. */
  if (exec_prefix != NULL && exec_prefix[0] == '\0')
    tvm_process_spec_setenv (spec, "GCC_EXEC_PREFIX", NULL);

  if (makeflags != NULL)
    {
      g_autofree char *filtered = tvm_jobserver_filter_makeflags (makeflags);
      tvm_process_spec_setenv (spec, "MAKEFLAGS", filtered);
    }

  tvm_process_spec_add_environ (spec, (const char * const *) step->request->environ_);
  if (step->cache_log != NULL)
    tvm_process_spec_setenv (spec, "CCACHE_STATSLOG", step->cache_log);
  if (uses_ccache (step))
    tvm_process_spec_add_environ (spec, (const char * const *) step->request->ccache_environ);
}

/* nvcc takes @file for the name of an input, and hipcc does not look into it for inputs. */
static gboolean
takes_response_file (Step *step)
{
  TvmToolchainFamily family = tvm_toolchain_get_family (step->toolchain);

  return step->request->kind == TVM_COMPILE_KIND_STATIC ||
         (family != TVM_TOOLCHAIN_FAMILY_NVCC && family != TVM_TOOLCHAIN_FAMILY_HIPCC);
}

static TvmProcessSpec *
build_spec (Step *step)
{
  guint64 memory_limit = tvm_compile_request_get_memory_limit (step->request);
  TvmProcessSpec *spec = tvm_process_spec_new ((const char * const *) step->command);

  if (takes_response_file (step))
    tvm_process_spec_set_response_file (spec, TVM_RESPONSE_FILE_GNU);
  tvm_process_spec_set_response_prefix (spec, step->n_fixed);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_set_cwd (spec, tvm_compile_request_get_working_directory (step->request));
  tvm_process_spec_set_timeout (spec, tvm_compile_request_get_timeout (step->request));
  tvm_process_spec_set_output_limit (spec, tvm_compile_request_get_output_limit (step->request));
  if (memory_limit > 0)
    tvm_process_spec_set_rlimit (spec, RLIMIT_AS, memory_limit);
  /* A core of a compiler helps nobody, and would lie in the working directory. */
  tvm_process_spec_set_rlimit (spec, RLIMIT_CORE, 0);
  if (step->stage != NULL)
    tvm_process_spec_add_cleanup_path (spec, tvm_stage_get_folder (step->stage));
  tvm_process_spec_set_orphan_path (spec, step->request->work_folder);
  add_environment (step, spec);

  return spec;
}

/* ccache writes a line for the input behind a "#", then a line for each counter that the run
 * changed. */
static TvmCacheStatus
read_cache_log (const char *path)
{
  g_autofree char *contents = NULL;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return TVM_CACHE_STATUS_BYPASS;

  if (strstr (contents, "direct_cache_hit") != NULL ||
      strstr (contents, "preprocessed_cache_hit") != NULL)
    return TVM_CACHE_STATUS_HIT;
  if (strstr (contents, "cache_miss") != NULL)
    return TVM_CACHE_STATUS_MISS;

  return TVM_CACHE_STATUS_BYPASS;
}

/* What only this process can know by a name of its own is known to the caller by the name it
 * gave. */
static GBytes *
hide_folder (GBytes     *log,
             const char *folder)
{
  gsize size;
  const char *data = g_bytes_get_data (log, &size);
  gsize folder_size = strlen (folder);
  const char *end = data + size;
  g_autoptr (GByteArray) shown = NULL;
  const char *at;

  if (size == 0 || memmem (data, size, folder, folder_size) == NULL)
    return g_bytes_ref (log);

  shown = g_byte_array_sized_new (size);
  while ((at = memmem (data, end - data, folder, folder_size)) != NULL)
    {
      g_byte_array_append (shown, (const guint8 *) data, at - data);
      data = at + folder_size;
      if (data < end && *data == '/')
        data++;
    }
  g_byte_array_append (shown, (const guint8 *) data, end - data);

  return g_byte_array_free_to_bytes (g_steal_pointer (&shown));
}

static void
hide_folder_of_paths (char       **paths,
                      const char  *folder)
{
  gsize length = strlen (folder) + 1;
  guint i;

  for (i = 0; paths[i] != NULL; i++)
    {
      if (g_str_has_prefix (paths[i], folder))
        memmove (paths[i], paths[i] + length, strlen (paths[i] + length) + 1);
    }
}

/* Returns: the folder that the names in the log are relative to */
static char *
hide_input_folder (Step *step)
{
  TvmCompileResult *result = step->result;
  g_autoptr (GBytes) log = g_steal_pointer (&result->log);
  g_autofree char *path = g_steal_pointer (&result->inputs[0]);
  char *folder = g_path_get_dirname (path);

  result->inputs[0] = g_path_get_basename (path);
  result->log = hide_folder (log, folder);
  return folder;
}

static void
read_reports (Step *step)
{
  TvmCompileResult *result = step->result;
  g_autofree char *folder = NULL;
  g_autofree char *contents = NULL;
  gsize length;

  if ((step->flags & TVM_STEP_HIDE_FOLDER) != 0)
    folder = hide_input_folder (step);

  tvm_compile_result_read_log (result, folder != NULL ? folder : result->working_directory);
  if (step->depfile != NULL && g_file_get_contents (step->depfile, &contents, &length, NULL))
    result->dependencies = tvm_depfile_parse (contents, length);
  if (folder != NULL && result->dependencies != NULL)
    hide_folder_of_paths (result->dependencies, folder);
  if (step->cache_log != NULL)
    result->cache_status = read_cache_log (step->cache_log);
}

/* In a thread: reads what the tool left, and brings its output to its place. */
static void
conclude_in_thread (GTask        *task,
                    gpointer      source_object,
                    gpointer      task_data,
                    GCancellable *cancellable)
{
  Step *step = task_data;
  TvmCompileResult *result = step->result;
  GError *error = NULL;

  if (result->cache_status != TVM_CACHE_STATUS_HIT || step->cache == NULL)
    read_reports (step);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    {
      g_clear_pointer (&step->stage, tvm_stage_free);
      g_task_return_error (task, error);
      return;
    }

  if (step->cache != NULL && result->cache_status != TVM_CACHE_STATUS_HIT)
    tvm_compile_cache_keep (step->cache, result, cancellable);

  if (step->stage != NULL && tvm_compile_result_get_successful (result))
    tvm_stage_commit (step->stage, &result->error);
  else if (tvm_compile_result_get_successful (result))
    tvm_stage_check_made (step->output, step->output, &result->error);
  g_clear_pointer (&step->stage, tvm_stage_free);

  if (tvm_compile_result_get_successful (result))
    result->output = g_strdup (step->output);
  tvm_compile_result_seal (result);
  g_task_return_pointer (task, g_steal_pointer (&step->result), g_object_unref);
}

static void
process_ready (GObject      *source,
               GAsyncResult *async_result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Step *step = g_task_get_task_data (task);
  GError *error = NULL;
  TvmProcessResult *process = tvm_process_run_finish (async_result, &error);

  if (process != NULL)
    tvm_job_slot_set_peak_memory (step->slot, process->max_rss_bytes);
  g_clear_pointer (&step->slot, tvm_job_slot_release);

  if (process == NULL)
    {
      return_failure (task, error);
      return;
    }

  tvm_compile_result_take_process (step->result, process);
  /* A compiler may be an object of a language that is not at home in other threads: whoever runs
   * this step holds one until it has ended. */
  g_clear_object (&step->compiler);
  tvm_task_run_in_thread (task, conclude_in_thread);
}

static void
stage_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  const char *output = task_data;
  GError *error = NULL;
  TvmStage *stage = tvm_stage_new (output, &error);

  if (stage == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, stage, (GDestroyNotify) tvm_stage_free);
}

static void
run_tool (GTask *task)
{
  Step *step = g_task_get_task_data (task);
  g_autoptr (TvmProcessSpec) spec = build_spec (step);

  tvm_process_run_async (spec, g_task_get_cancellable (task), process_ready, g_object_ref (task));
}

/* In a thread, on a step that waits for it: whether the cache had all that the tool would make */
static void
look_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  Step *step = g_task_get_task_data (G_TASK (task_data));
  GError *error = NULL;
  gboolean hit = tvm_compile_cache_find (step->cache, step->result, cancellable, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, hit);
}

static void
cache_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Step *step = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean hit = g_task_propagate_boolean (G_TASK (result), &error);

  if (error != NULL)
    {
      return_failure (task, error);
      return;
    }
  if (!hit)
    {
      run_tool (task);
      return;
    }

  g_clear_pointer (&step->slot, tvm_job_slot_release);
  g_clear_object (&step->compiler);
  tvm_task_run_in_thread (task, conclude_in_thread);
}

/* What the kernel cache does for this step; NULL if nothing. ccache does what it is asked for
 * alone. */
static TvmCompileCache *
make_cache (Step *step)
{
  g_autoptr (TvmKernelCache) cache = tvm_compiler_dup_cache (step->compiler);
  TvmCompileCacheFlags flags = TVM_COMPILE_CACHE_NONE;

  if (cache == NULL || !is_compile (step) || uses_ccache (step))
    return NULL;

  if (step->depfile != NULL)
    flags |= TVM_COMPILE_CACHE_HAS_DEPFILE;
  if ((step->flags & TVM_STEP_HIDE_FOLDER) != 0)
    flags |= TVM_COMPILE_CACHE_HIDE_FOLDER;
  if ((step->flags & TVM_STEP_LOOKED) != 0)
    flags |= TVM_COMPILE_CACHE_LOOKED;
  if ((step->flags & TVM_STEP_BYTES) != 0)
    flags |= TVM_COMPILE_CACHE_BYTES;
  return tvm_compile_cache_new (cache, step->toolchain, step->request,
                                (const char * const *) step->command, flags);
}

static void
make_output (GTask *task)
{
  Step *step = g_task_get_task_data (task);
  g_autoptr (GTask) look = NULL;
  GError *error = NULL;

  step->command = build_command (step, &step->n_fixed, &error);
  if (step->command == NULL)
    {
      return_failure (task, error);
      return;
    }

  step->cache = make_cache (step);
  if (step->cache == NULL)
    {
      run_tool (task);
      return;
    }

  look = g_task_new (NULL, g_task_get_cancellable (task), cache_ready, g_object_ref (task));
  g_task_set_source_tag (look, make_output);
  /* Its callback holds the step until the thread is done with it. */
  g_task_set_task_data (look, task, NULL);
  tvm_task_run_in_thread (look, look_in_thread);
}

static void
stage_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Step *step = g_task_get_task_data (task);
  GError *error = NULL;

  step->stage = g_task_propagate_pointer (G_TASK (result), &error);
  if (step->stage == NULL)
    {
      return_failure (task, error);
      return;
    }

  tvm_compile_request_set_output (step->request, tvm_stage_get_path (step->stage));
  step->depfile = tvm_stage_build_path (step->stage, "depfile");
  if (uses_ccache (step))
    step->cache_log = tvm_stage_build_path (step->stage, "cache-log");
  make_output (task);
}

static void
slot_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Step *step = g_task_get_task_data (task);
  GError *error = NULL;

  step->slot = tvm_job_limiter_acquire_finish (result, &error);
  if (step->slot == NULL)
    {
      return_failure (task, error);
      return;
    }

  if ((step->flags & TVM_STEP_STAGED) != 0)
    {
      g_autoptr (GTask) stage_task =
        g_task_new (NULL, g_task_get_cancellable (task), stage_ready, g_object_ref (task));

      g_task_set_source_tag (stage_task, slot_ready);
      g_task_set_task_data (stage_task, g_strdup (step->output), g_free);
      tvm_task_run_in_thread (stage_task, stage_in_thread);
      return;
    }

  step->depfile = g_strconcat (step->output, ".d", NULL);
  if (uses_ccache (step))
    step->cache_log = g_strconcat (step->output, ".cache-log", NULL);
  make_output (task);
}

static Step *
step_new (TvmCompiler       *compiler,
          TvmToolchain      *toolchain,
          TvmCompileRequest *request,
          TvmStepFlags       flags)
{
  Step *step = g_new0 (Step, 1);

  step->compiler = g_object_ref (compiler);
  step->toolchain = g_object_ref (toolchain);
  step->request = g_object_ref (request);
  step->output = g_strdup (tvm_compile_request_get_output (request));
  step->flags = flags;
  step->result = tvm_compile_result_new (tvm_compile_request_get_kind (request));
  step->result->inputs = tvm_compile_request_dup_inputs (request);
  step->result->timeout_msec = tvm_compile_request_get_timeout (request);
  step->result->working_directory =
    g_strdup (tvm_compile_request_get_working_directory (request));

  return step;
}

void
tvm_compile_step_async (TvmCompiler         *compiler,
                        TvmToolchain        *toolchain,
                        TvmCompileRequest   *request,
                        TvmStepFlags         flags,
                        GCancellable        *cancellable,
                        GAsyncReadyCallback  callback,
                        gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Step *step = step_new (compiler, toolchain, request, flags);

  /* What is not staged goes away behind the link. */
  if ((flags & TVM_STEP_STAGED) != 0)
    step->result->destination = g_strdup (tvm_compile_request_get_output (request));

  g_task_set_source_tag (task, tvm_compile_step_async);
  g_task_set_task_data (task, step, step_free);
  /* Once the output is in its place, the step has succeeded, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);
  tvm_job_limiter_acquire_async (tvm_compiler_get_limiter (compiler), cancellable, slot_ready,
                                 g_steal_pointer (&task));
}

TvmCompileResult *
tvm_compile_step_finish (GAsyncResult  *result,
                         GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
look_for_bytes_in_thread (GTask        *task,
                          gpointer      source_object,
                          gpointer      task_data,
                          GCancellable *cancellable)
{
  Step *step = task_data;
  GError *error = NULL;
  gboolean hit = tvm_compile_cache_find (step->cache, step->result, cancellable, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, hit ? g_steal_pointer (&step->result) : NULL, g_object_unref);
}

void
tvm_compile_step_look_async (TvmCompiler         *compiler,
                             TvmToolchain        *toolchain,
                             TvmCompileRequest   *request,
                             TvmStepFlags         flags,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Step *step = step_new (compiler, toolchain, request, flags | TVM_STEP_BYTES);

  g_task_set_source_tag (task, tvm_compile_step_look_async);
  g_task_set_task_data (task, step, step_free);
  step->depfile = g_strconcat (step->output, ".d", NULL);
  step->command = build_command (step, &step->n_fixed, NULL);
  if (step->command != NULL)
    step->cache = make_cache (step);
  g_clear_object (&step->compiler);

  if (step->cache != NULL)
    tvm_task_run_in_thread (task, look_for_bytes_in_thread);
  else
    g_task_return_pointer (task, NULL, NULL);
}

TvmCompileResult *
tvm_compile_step_look_finish (GAsyncResult  *result,
                              GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
