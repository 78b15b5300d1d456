/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the candidates and makes a module of each, many at a time */
#include "tuner.h"

typedef struct
{
  Tuner *tuner;
  Progress *progress;
  GAsyncResult *result;
} Build;

static gboolean
write_candidate (Candidate   *candidate,
                 const char  *directory,
                 GError     **error)
{
  g_autofree char *source = g_strconcat (candidate->name, ".c", NULL);
  g_autofree char *module = g_strconcat (candidate->name, ".so", NULL);

  candidate->source_path = g_build_filename (directory, source, NULL);
  candidate->module_path = g_build_filename (directory, module, NULL);
  return g_file_set_contents (candidate->source_path, candidate->source, -1, error);
}

static TvmCompileRequest *
new_request (Candidate *candidate)
{
  TvmCompileRequest *request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);

  tvm_compile_request_add_input (request, candidate->source_path, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (request, candidate->module_path);
  tvm_compile_request_set_options (request, candidate->options);
  tvm_compile_request_set_timeout (request, 60 * 1000);
  return request;
}

/* Says what was wrong with the source: the first error, without the name of the file */
static void
explain (Candidate        *candidate,
         TvmCompileResult *result)
{
  GListModel *diagnostics = tvm_compile_result_get_diagnostics (result);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (diagnostics); i++)
    {
      g_autoptr (TvmDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);
      const guint line = tvm_diagnostic_get_line (diagnostic);

      if (tvm_diagnostic_get_severity (diagnostic) < TVM_DIAGNOSTIC_SEVERITY_ERROR)
        continue;

      if (line > 0)
        candidate_lose (candidate, OUTCOME_NOT_COMPILED, "line %u: %s", line,
                        tvm_diagnostic_get_message (diagnostic));
      else
        candidate_lose (candidate, OUTCOME_NOT_COMPILED, "%s",
                        tvm_diagnostic_get_message (diagnostic));
      return;
    }

  if (!tvm_compile_result_check (result, &error))
    candidate_lose (candidate, OUTCOME_NOT_COMPILED, "%s", error->message);
}

/* Each candidate has a request with its module. */
static Candidate *
find_candidate (Tuner             *tuner,
                TvmCompileRequest *request)
{
  for (guint i = 0; i < tuner->candidates->len; i++)
    {
      Candidate *candidate = g_ptr_array_index (tuner->candidates, i);

      if (g_str_equal (candidate->module_path, tvm_compile_request_get_output (request)))
        return candidate;
    }

  g_return_val_if_reached (NULL);
}

static void
job_finished (TvmCompiler       *compiler,
              TvmCompileRequest *request,
              TvmCompileResult  *result,
              Build             *build)
{
  Candidate *candidate = find_candidate (build->tuner, request);

  if (!tvm_compile_result_get_successful (result))
    explain (candidate, result);
  progress_step (build->progress, candidate);
}

static void
compiled (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Build *build = user_data;

  build->result = g_object_ref (result);
  g_main_loop_quit (build->tuner->loop);
}

/* A candidate that does not compile is not an error: it has lost. */
gboolean
tuner_build (Tuner       *self,
             const char  *directory,
             GError     **error)
{
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new (NULL);
  g_autoptr (GListModel) results = NULL;
  Build build = { self, NULL, NULL };

  for (guint i = 0; i < self->candidates->len; i++)
    {
      Candidate *candidate = g_ptr_array_index (self->candidates, i);
      g_autoptr (TvmCompileRequest) request = NULL;

      if (!write_candidate (candidate, directory, error))
        return FALSE;
      request = new_request (candidate);
      g_list_store_append (requests, request);
    }

  build.progress = progress_new ("compiling", self->candidates->len);
  tvm_compiler_set_max_jobs (compiler, (guint) self->jobs);
  g_signal_connect (compiler, "job-finished", G_CALLBACK (job_finished), &build);
  tvm_compiler_compile_all_async (compiler, G_LIST_MODEL (requests), self->cancellable, compiled,
                                  &build);
  g_main_loop_run (self->loop);
  progress_free (build.progress);

  results = tvm_compiler_compile_all_finish (compiler, build.result, error);
  g_object_unref (build.result);
  return results != NULL;
}
