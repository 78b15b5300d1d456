/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler-private.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"

/* Requests beyond those that run are planned ahead by this many, so that a free slot never
 * waits. */
#define LOOK_AHEAD 4

typedef struct
{
  TvmCompiler *compiler;    /* (unowned): the source object of the task */
  GListModel *requests;
  GPtrArray *results;       /* (element-type TvmCompileResult) (nullable entries) */
  guint n_requests;
  guint n_started;
  guint n_running;
  GError *error;            /* cancelled */
} Batch;

typedef struct
{
  GTask *task;
  guint index;
} Job;

static void start_jobs (GTask *task);

static void
batch_free (gpointer data)
{
  Batch *batch = data;

  g_object_unref (batch->requests);
  g_ptr_array_unref (batch->results);
  g_clear_error (&batch->error);
  g_free (batch);
}

/* One request that could not be run does not take the others with it: its error becomes its
 * result. */
static TvmCompileResult *
result_from_error (TvmCompileRequest *request,
                   GError            *error)
{
  TvmCompileResult *result = tvm_compile_result_new (tvm_compile_request_get_kind (request));

  result->inputs = tvm_compile_request_dup_inputs (request);
  result->error = error;
  tvm_compile_result_seal (result);

  return result;
}

static void
job_ready (GObject      *source,
           GAsyncResult *async_result,
           gpointer      user_data)
{
  g_autofree Job *job = user_data;
  g_autoptr (GTask) task = job->task;
  Batch *batch = g_task_get_task_data (task);
  TvmCompiler *compiler = TVM_COMPILER (source);
  GError *error = NULL;
  TvmCompileResult *result = tvm_compiler_compile_finish (compiler, async_result, &error);

  batch->n_running--;
  if (result == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (batch->error == NULL)
        batch->error = error;
      else
        g_error_free (error);
    }
  else if (result == NULL)
    {
      g_autoptr (TvmCompileRequest) request = g_list_model_get_item (batch->requests, job->index);

      result = result_from_error (request, error);
      tvm_compiler_emit_finished (compiler, request, result);
    }
  g_ptr_array_index (batch->results, job->index) = result;

  start_jobs (task);
}

static void
complete (GTask *task)
{
  Batch *batch = g_task_get_task_data (task);
  GListStore *results;

  if (batch->error != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&batch->error));
      return;
    }

  results = g_list_store_new (TVM_TYPE_COMPILE_RESULT);
  g_list_store_splice (results, 0, 0, batch->results->pdata, batch->results->len);
  g_task_return_pointer (task, results, g_object_unref);
}

static void
start_jobs (GTask *task)
{
  Batch *batch = g_task_get_task_data (task);
  TvmJobLimiter *limiter = tvm_compiler_get_limiter (batch->compiler);
  guint window = tvm_job_limiter_get_limit (limiter) + LOOK_AHEAD;

  while (batch->error == NULL && batch->n_started < batch->n_requests &&
         batch->n_running < window)
    {
      g_autoptr (TvmCompileRequest) request =
        g_list_model_get_item (batch->requests, batch->n_started);
      Job *job = g_new0 (Job, 1);

      job->task = g_object_ref (task);
      job->index = batch->n_started++;
      batch->n_running++;
      tvm_compiler_compile_async (batch->compiler, request, g_task_get_cancellable (task),
                                  job_ready, job);
    }

  if (batch->n_running == 0)
    complete (task);
}

/**
 * tvm_compiler_compile_all_async:
 * @self: a compiler
 * @requests: a list of #TvmCompileRequest
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when all are done
 * @user_data: data for @callback
 *
 * Makes what many requests say, without blocking. See [method@TvmSupport.Compiler.compile_all].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_compile_all_async (TvmCompiler         *self,
                                GListModel          *requests,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  GListStore *snapshot;
  Batch *batch;
  guint i;

  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (G_IS_LIST_MODEL (requests));
  g_return_if_fail (g_type_is_a (g_list_model_get_item_type (requests), TVM_TYPE_COMPILE_REQUEST));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  batch = g_new0 (Batch, 1);
  batch->compiler = self;
  batch->n_requests = g_list_model_get_n_items (requests);
  batch->results = g_ptr_array_new_with_free_func (tvm_compile_result_unref0);
  g_ptr_array_set_size (batch->results, batch->n_requests);
  snapshot = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  for (i = 0; i < batch->n_requests; i++)
    {
      g_autoptr (TvmCompileRequest) request = g_list_model_get_item (requests, i);
      g_list_store_append (snapshot, request);
    }
  batch->requests = G_LIST_MODEL (snapshot);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_compiler_compile_all_async);
  g_task_set_task_data (task, batch, batch_free);
  /* Outputs that are in their places are worth a result, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);
  start_jobs (task);
}

/**
 * tvm_compiler_compile_all_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.compile_all_async] began.
 *
 * Returns: (transfer full): a list of #TvmCompileResult, in the order of the requests
 *
 * Since: 1.0
 */
GListModel *
tvm_compiler_compile_all_finish (TvmCompiler   *self,
                                 GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_compiler_compile_all:
 * @self: a compiler
 * @requests: a list of #TvmCompileRequest
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes what many requests say, at the same time as far as [property@TvmSupport.Compiler:max-jobs],
 * the memory of the machine and the job server of a make above allow, and waits for all of them.
 * The main context of the caller is not iterated.
 *
 * One request that fails, or that cannot be run at all, does not keep the others from being made;
 * its result says why. [signal@TvmSupport.Compiler::job-finished] tells of each as it ends.
 *
 * The error is %G_IO_ERROR_CANCELLED; then everything that was started has been killed.
 *
 * Returns: (transfer full): a list of #TvmCompileResult, in the order of the requests
 *
 * Since: 1.0
 */
GListModel *
tvm_compiler_compile_all (TvmCompiler   *self,
                          GListModel    *requests,
                          GCancellable  *cancellable,
                          GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (G_IS_LIST_MODEL (requests), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_compile_all_async (self, requests, cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_compile_all_finish (self, tvm_sync_wait (&sync), error);
}
