/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler-private.h"

#include "tvmsupport/files/tvm-symbols-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/toolchain/tvm-compile-argv-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-plan-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-compile-step-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Where the files of a plan are while there is none */
#define LOOK_FOLDER "/nonexistent/tvmsupport"

/*
 * A whole request, from inputs to output:
 *
 *   load the toolchain → look into the cache, if the output is bytes (thread)
 *   → plan (thread) → compile each source (parallel steps)
 *   → inspect the objects (thread) → link or archive (a step)
 *   → read the bytes, if they were asked for (thread)
 *
 * Everything but what is marked as thread happens in the context of the caller. An object is one
 * step that makes the output itself.
 */

typedef struct
{
  TvmCompiler *compiler;        /* (unowned): the source object of the task */
  TvmCompileRequest *request;   /* as it was given, for signals */
  TvmCompileRequest *merged;    /* a snapshot, with the options of the compiler */
  char **add_files;
  TvmToolchain *toolchain;
  TvmCompilePlan *plan;
  TvmCompileRequest *link_request;

  GPtrArray *step_results;      /* (element-type TvmCompileResult) (nullable entries), by source */
  guint n_pending;
  guint n_done;
  guint n_total;
  gboolean has_looked;          /* into the cache, before there was a plan */
  GError *error;                /* the first one of a step: cancelled */
  TvmCompileResult *result;
  gint64 start_time;
} Run;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_clear_object (&run->request);
  g_clear_object (&run->merged);
  g_strfreev (run->add_files);
  g_clear_object (&run->toolchain);
  g_clear_pointer (&run->plan, tvm_compile_plan_free);
  g_clear_object (&run->link_request);
  g_clear_pointer (&run->step_results, g_ptr_array_unref);
  g_clear_error (&run->error);
  g_clear_object (&run->result);
  g_free (run);
}

/* Runs @func in a thread on data of its own: the run itself belongs to the context of the
 * caller. */
static void
run_in_thread (GTask               *task,
               GTaskThreadFunc      func,
               gpointer             data,
               GDestroyNotify       destroy,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback)
{
  g_autoptr (GTask) thread_task = g_task_new (NULL, cancellable, callback, g_object_ref (task));

  g_task_set_source_tag (thread_task, func);
  g_task_set_task_data (thread_task, data, destroy);
  tvm_task_run_in_thread (thread_task, func);
}

static void
step_done (GTask *task)
{
  Run *run = g_task_get_task_data (task);

  run->n_done++;
  tvm_compiler_emit_progress (run->compiler, run->request, run->n_done, run->n_total);
}

static void
complete (GTask *task)
{
  Run *run = g_task_get_task_data (task);

  run->result->elapsed_usec = g_get_monotonic_time () - run->start_time;
  tvm_compile_result_seal (run->result);
  tvm_compiler_emit_finished (run->compiler, run->request, run->result);
  g_task_return_pointer (task, g_steal_pointer (&run->result), g_object_unref);
}

static void
free_plan_in_thread (GTask        *task,
                     gpointer      source_object,
                     gpointer      task_data,
                     GCancellable *cancellable)
{
  /* The plan is the task data: it goes with the task. */
  g_task_set_task_data (task, NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
plan_freed (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);

  if (run->error != NULL)
    g_task_return_error (task, g_steal_pointer (&run->error));
  else
    complete (task);
}

/* Ends the run, with run->error or with run->result, once its intermediate files are gone. */
static void
conclude (GTask *task)
{
  Run *run = g_task_get_task_data (task);

  if (run->plan == NULL || run->plan->work == NULL)
    {
      plan_freed (NULL, NULL, g_object_ref (task));
      return;
    }

  /* Not cancellable: what was made must go in any case. */
  run_in_thread (task, free_plan_in_thread, g_steal_pointer (&run->plan),
                 (GDestroyNotify) tvm_compile_plan_free, NULL, plan_freed);
}

static void
fail (GTask  *task,
      GError *error)
{
  Run *run = g_task_get_task_data (task);

  if (run->error == NULL)
    run->error = error;
  else
    g_error_free (error);
  conclude (task);
}

static void
read_bytes_in_thread (GTask        *task,
                      gpointer      source_object,
                      gpointer      task_data,
                      GCancellable *cancellable)
{
  const char *path = task_data;
  GError *error = NULL;
  char *contents;
  gsize length;

  if (!g_file_get_contents (path, &contents, &length, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_bytes_new_take (contents, length),
                           (GDestroyNotify) g_bytes_unref);
}

static void
bytes_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  run->result->bytes = g_task_propagate_pointer (G_TASK (result), &error);
  if (run->result->bytes == NULL)
    {
      fail (task, error);
      return;
    }

  g_clear_pointer (&run->result->output, g_free);
  conclude (task);
}

/* The last step has ended, or the first that made going on useless. */
static void
output_ready (GTask *task)
{
  Run *run = g_task_get_task_data (task);

  if (run->plan->wants_bytes && tvm_compile_result_get_successful (run->result))
    run_in_thread (task, read_bytes_in_thread, g_strdup (run->plan->output), g_free,
                   g_task_get_cancellable (task), bytes_ready);
  else
    conclude (task);
}

static void
link_ready (GObject      *source,
            GAsyncResult *async_result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TvmCompileResult) step = tvm_compile_step_finish (async_result, &error);

  if (step == NULL)
    {
      fail (task, error);
      return;
    }

  step_done (task);
  tvm_compile_result_add_step (run->result, step);
  run->result->output = g_strdup (step->output);
  output_ready (task);
}

typedef struct
{
  char **inputs;
  char **link_options;
  char *cwd;
} Inspection;

static void
inspection_free (gpointer data)
{
  Inspection *inspection = data;

  g_strfreev (inspection->inputs);
  g_strfreev (inspection->link_options);
  g_free (inspection->cwd);
  g_free (inspection);
}

static void
inspect_in_thread (GTask        *task,
                   gpointer      source_object,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  Inspection *inspection = task_data;
  const char *cwd = inspection->cwd;
  g_auto (GStrv) archives = tvm_compile_options_find_archives (
    (const char * const *) inspection->link_options, cwd);
  gboolean cxx;

  cxx = tvm_symbols_need_cxx ((const char * const *) inspection->inputs, cwd, cancellable) ||
        tvm_symbols_need_cxx ((const char * const *) archives, cwd, cancellable);
  g_task_return_boolean (task, cxx);
}

static void
start_link (GTask          *task,
            TvmLinkRuntime  runtime)
{
  Run *run = g_task_get_task_data (task);

  run->link_request->link_runtime = runtime;
  tvm_compile_step_async (run->compiler, run->toolchain, run->link_request, TVM_STEP_STAGED,
                          g_task_get_cancellable (task), link_ready, g_object_ref (task));
}

static void
inspection_ready (GObject      *source,
                  GAsyncResult *result,
                  gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gboolean cxx = g_task_propagate_boolean (G_TASK (result), &error);

  if (error != NULL)
    fail (task, error);
  else
    start_link (task, cxx ? TVM_LINK_RUNTIME_CXX : TVM_LINK_RUNTIME_C);
}

static char *
dup_work_folder (Run *run)
{
  return run->plan->work != NULL ? g_strdup (tvm_temp_directory_get_path (run->plan->work)) : NULL;
}

static void
link_objects (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  Inspection *inspection;
  guint i;

  run->link_request =
    tvm_compile_request_copy_bare (run->merged, tvm_compile_request_get_kind (run->merged));
  tvm_compile_request_set_output (run->link_request, run->plan->output);
  run->link_request->work_folder = dup_work_folder (run);
  for (i = 0; i < run->plan->items->len; i++)
    {
      const TvmCompileItem *item = g_ptr_array_index (run->plan->items, i);

      tvm_compile_request_add_input (run->link_request,
                                     item->object != NULL ? item->object : item->path,
                                     TVM_LANGUAGE_AUTO);
    }

  if (tvm_compile_request_get_kind (run->merged) == TVM_COMPILE_KIND_STATIC ||
      tvm_toolchain_get_c_driver (run->toolchain) == tvm_toolchain_get_cxx_driver (run->toolchain))
    {
      start_link (task, TVM_LINK_RUNTIME_UNKNOWN);
      return;
    }
  if (run->plan->has_cxx)
    {
      start_link (task, TVM_LINK_RUNTIME_CXX);
      return;
    }

  inspection = g_new0 (Inspection, 1);
  inspection->inputs = tvm_compile_request_dup_inputs (run->link_request);
  inspection->link_options = tvm_compile_request_dup_link_options (run->merged);
  inspection->cwd = tvm_compile_request_resolve (run->merged, ".");
  run_in_thread (task, inspect_in_thread, inspection, inspection_free,
                 g_task_get_cancellable (task), inspection_ready);
}

/* All sources have been compiled, or have failed to. Their results go into the whole in the order
 * of the sources, not in that in which they ended. */
static void
sources_ready (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GStrvBuilder) dependencies = g_strv_builder_new ();
  guint i, j;

  if (run->error != NULL)
    {
      conclude (task);
      return;
    }

  for (i = 0; i < run->step_results->len; i++)
    {
      TvmCompileResult *step = g_ptr_array_index (run->step_results, i);

      tvm_compile_result_add_step (run->result, step);
      for (j = 0; step->dependencies[j] != NULL; j++)
        {
          if (g_hash_table_add (seen, step->dependencies[j]))
            g_strv_builder_add (dependencies, step->dependencies[j]);
        }
    }
  run->result->dependencies = g_strv_builder_end (dependencies);

  if (run->step_results->len > 0 && !tvm_compile_result_get_successful (run->result))
    output_ready (task);
  else
    link_objects (task);
}

typedef struct
{
  GTask *task;
  guint index;
} SourceStep;

static void
source_ready (GObject      *source,
              GAsyncResult *async_result,
              gpointer      user_data)
{
  g_autofree SourceStep *source_step = user_data;
  g_autoptr (GTask) task = source_step->task;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  TvmCompileResult *step = tvm_compile_step_finish (async_result, &error);

  g_ptr_array_index (run->step_results, source_step->index) = step;
  if (step != NULL)
    step_done (task);
  else if (run->error == NULL)
    run->error = error;
  else
    g_error_free (error);

  run->n_pending--;
  if (run->n_pending == 0)
    sources_ready (task);
}

static char *
strip_suffix (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *dot = strrchr (slash != NULL ? slash : path, '.');

  return dot != NULL ? g_strndup (path, dot - path) : g_strdup (path);
}

/* As GCC itself names them: foo.gcno for foo.o, and prog-foo.gcno where foo.c is linked to prog at once */
static char *
make_side_stem (Run                  *run,
                const TvmCompileItem *item)
{
  g_autofree char *base = g_path_get_basename (item->path);
  g_autofree char *name = strip_suffix (base);

  if (item->object == NULL)
    return strip_suffix (run->plan->output);

  return g_strconcat (run->plan->output, "-", name, NULL);
}

/* Whether the options make the compiler write beside an output in a way that staging would break */
static gboolean
has_stray_side_outputs (Run *run)
{
  return !tvm_toolchain_places_side_outputs (run->toolchain) &&
         tvm_compile_options_have_side_outputs ((const char * const *) run->merged->options);
}

static TvmCompileRequest *
make_source_request (Run                  *run,
                     const TvmCompileItem *item,
                     const char           *output)
{
  TvmCompileKind kind = run->merged->kind;
  TvmCompileRequest *request = NULL;

  if (!tvm_compile_kind_translates (kind))
    kind = TVM_COMPILE_KIND_OBJECT;
  request = tvm_compile_request_copy_bare (run->merged, kind);
  /* Nothing of WebAssembly moves in memory but a side module, and what could would be slower. */
  if (tvm_toolchain_targets_wasm (run->toolchain) && kind != run->merged->kind &&
      run->merged->kind != TVM_COMPILE_KIND_SHARED)
    tvm_compile_request_set_pic (request, FALSE);
  tvm_compile_request_add_input (request, item->path, item->language);
  tvm_compile_request_set_output (request, output);
  request->side_stem = make_side_stem (run, item);
  request->work_folder = dup_work_folder (run);
  return request;
}

static TvmStepFlags
get_step_flags (const TvmCompileItem *item)
{
  return item->from_bytes ? TVM_STEP_HIDE_FOLDER : TVM_STEP_NONE;
}

static void
compile_sources (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  guint n = 0;
  guint i;

  if (run->plan->n_sources > 0 && has_stray_side_outputs (run))
    {
      fail (task, g_error_new (TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                               _("“%s” would leave files beside objects that do not stay; compile "
                                 "the sources to objects first, and link those"),
                               tvm_toolchain_get_name (run->toolchain)));
      return;
    }

  run->n_total = run->plan->n_sources + 1;
  run->step_results = g_ptr_array_new_with_free_func (tvm_compile_result_unref0);
  g_ptr_array_set_size (run->step_results, run->plan->n_sources);
  /* One more than there are, so that none of them is taken for the last before all have begun. */
  run->n_pending = run->plan->n_sources + 1;

  for (i = 0; i < run->plan->items->len; i++)
    {
      const TvmCompileItem *item = g_ptr_array_index (run->plan->items, i);
      g_autoptr (TvmCompileRequest) request = NULL;
      SourceStep *source_step;

      if (item->language == TVM_LANGUAGE_AUTO)
        continue;

      source_step = g_new0 (SourceStep, 1);
      source_step->task = g_object_ref (task);
      source_step->index = n++;
      request = make_source_request (run, item, item->object);
      tvm_compile_step_async (run->compiler, run->toolchain, request, get_step_flags (item),
                              g_task_get_cancellable (task), source_ready, source_step);
    }

  run->n_pending--;
  if (run->n_pending == 0)
    sources_ready (task);
}

static void
object_ready (GObject      *source,
              GAsyncResult *async_result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  g_clear_object (&run->result);
  run->result = tvm_compile_step_finish (async_result, &error);
  if (run->result == NULL)
    {
      fail (task, error);
      return;
    }

  step_done (task);
  output_ready (task);
}

static void
compile_object (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  const TvmCompileItem *item = g_ptr_array_index (run->plan->items, 0);
  g_autoptr (TvmCompileRequest) request = make_source_request (run, item, run->plan->output);
  TvmStepFlags flags = get_step_flags (item);

  run->n_total = 1;
  if (run->has_looked)
    flags |= TVM_STEP_LOOKED;
  if (!run->plan->wants_bytes && !has_stray_side_outputs (run))
    flags |= TVM_STEP_STAGED;
  tvm_compile_step_async (run->compiler, run->toolchain, request, flags,
                          g_task_get_cancellable (task), object_ready, g_object_ref (task));
}

typedef struct
{
  TvmCompileRequest *request;
  char **add_files;
} Planning;

static void
planning_free (gpointer data)
{
  Planning *planning = data;

  g_object_unref (planning->request);
  g_strfreev (planning->add_files);
  g_free (planning);
}

static void
plan_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  Planning *planning = task_data;
  GError *error = NULL;
  TvmCompilePlan *plan = tvm_compile_plan_new (
    planning->request, (const char * const *) planning->add_files, cancellable, &error);

  if (plan == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, plan, (GDestroyNotify) tvm_compile_plan_free);
}

static void
plan_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  run->plan = g_task_propagate_pointer (G_TASK (result), &error);
  if (run->plan == NULL)
    fail (task, error);
  else if (tvm_compile_request_translates (run->merged))
    compile_object (task);
  else
    compile_sources (task);
}

static void
start_plan (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  Planning *planning = g_new0 (Planning, 1);

  planning->request = tvm_compile_request_copy (run->merged);
  planning->add_files = g_strdupv (run->add_files);
  run_in_thread (task, plan_in_thread, planning, planning_free, g_task_get_cancellable (task),
                 plan_ready);
}

/* The request for the step that a plan would come to, if the cache can answer it without one: its
 * output is bytes, and it has one source. In the key of the cache these folders have no names.
 * Returns: (transfer full) (nullable) */
static TvmCompileRequest *
make_look_request (Run          *run,
                   TvmStepFlags *flags)
{
  const TvmCompileInput *input;
  g_autofree char *path = NULL;
  TvmLanguage language;
  TvmCompileRequest *request;

  if (!tvm_compile_request_translates (run->merged) || run->merged->inputs->len != 1 ||
      run->merged->output != NULL)
    return NULL;

  input = g_ptr_array_index (run->merged->inputs, 0);
  language = input->language;
  if (language == TVM_LANGUAGE_AUTO)
    language = tvm_language_from_path (input->path);
  if (language == TVM_LANGUAGE_AUTO || input->path[0] == '\0' || input->path[0] == '-' ||
      input->path[0] == '@' || (input->bytes != NULL && strchr (input->path, '/') != NULL))
    return NULL;

  request = tvm_compile_request_copy_bare (run->merged, run->merged->kind);
  tvm_compile_request_set_output (request, LOOK_FOLDER "/output");
  request->side_stem = g_strdup (LOOK_FOLDER "/output");
  if (input->bytes == NULL)
    {
      *flags = TVM_STEP_NONE;
      tvm_compile_request_add_input (request, input->path, language);
      return request;
    }

  *flags = TVM_STEP_HIDE_FOLDER;
  path = g_build_filename (LOOK_FOLDER "/input-0", input->path, NULL);
  tvm_compile_request_add_input_bytes (request, path, input->bytes, language);
  return request;
}

static void
look_ready (GObject      *source,
            GAsyncResult *async_result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  TvmCompileResult *result = tvm_compile_step_look_finish (async_result, &error);

  run->has_looked = TRUE;
  if (error != NULL)
    {
      fail (task, error);
      return;
    }
  if (result == NULL)
    {
      start_plan (task);
      return;
    }

  g_object_unref (run->result);
  run->result = result;
  run->n_total = 1;
  step_done (task);
  conclude (task);
}

static void
toolchain_ready (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  g_autoptr (TvmKernelCache) cache = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  TvmStepFlags flags = TVM_STEP_NONE;
  GError *error = NULL;

  run->toolchain =
    tvm_compiler_load_toolchain_finish (TVM_COMPILER (source), result, &error);
  if (run->toolchain == NULL)
    {
      fail (task, error);
      return;
    }

  tvm_compiler_emit_started (run->compiler, run->request);
  cache = tvm_compiler_dup_cache (run->compiler);
  if (cache != NULL)
    request = make_look_request (run, &flags);
  if (request != NULL)
    tvm_compile_step_look_async (run->compiler, run->toolchain, request, flags,
                                 g_task_get_cancellable (task), look_ready, g_object_ref (task));
  else
    start_plan (task);
}

void
tvm_compile_run_async (TvmCompiler         *self,
                       TvmCompileRequest   *request,
                       GCancellable        *cancellable,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Run *run = g_new0 (Run, 1);
  GError *error = NULL;

  run->compiler = self;
  run->request = g_object_ref (request);
  if (!tvm_compile_request_translates (request))
    run->add_files = tvm_compiler_dup_add_files (self);
  run->result = tvm_compile_result_new (tvm_compile_request_get_kind (request));
  run->result->inputs = tvm_compile_request_dup_inputs (request);
  run->result->working_directory =
    g_strdup (tvm_compile_request_get_working_directory (request));
  run->start_time = g_get_monotonic_time ();

  g_task_set_source_tag (task, tvm_compile_run_async);
  g_task_set_task_data (task, run, run_free);
  /* Once the output is in its place, the compile has succeeded, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);

  run->merged = tvm_compiler_merge_request (self, request, &error);
  if (run->merged == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  tvm_compiler_load_toolchain_async (self, cancellable, toolchain_ready, g_steal_pointer (&task));
}

TvmCompileResult *
tvm_compile_run_finish (TvmCompiler   *self,
                        GAsyncResult  *result,
                        GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
