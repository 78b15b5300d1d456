/* SPDX-License-Identifier: Apache-2.0 */
/* Measures what was compiled: each candidate in a process of its own, with a limit on its time */
#include "tuner.h"

#include <math.h>
#include <string.h>

/* The numbers are between -0.5 and 0.5, and sums are made in a different order each time. */
#define MAX_DEVIATION 0.05

typedef struct
{
  Tuner *tuner;
  TvmMapIterator *results;
  GPtrArray *candidates;      /* (element-type Candidate): those that compiled */
  guint n_begun;
  Progress *progress;
  GError *error;
} Run;

static void ask_for_next (Run *run);

/* A TvmMapFunc */
static TvmTask *
next_task (gpointer user_data)
{
  Run *run = user_data;
  Candidate *candidate;

  if (run->n_begun == run->candidates->len)
    return NULL;

  candidate = g_ptr_array_index (run->candidates, run->n_begun++);
  return tvm_task_new ("measure", measure_args_new (candidate->module_path, run->tuner->size));
}

static void
take_value (Tuner     *tuner,
            Candidate *candidate,
            GVariant  *value)
{
  double deviation;
  double seconds;

  g_variant_get (value, "(dd)", &deviation, &seconds);
  if (deviation > MAX_DEVIATION)
    {
      candidate_lose (candidate, OUTCOME_WRONG, "wrong result: off by up to %.3g", deviation);
      return;
    }

  candidate->outcome = OUTCOME_MEASURED;
  candidate->gflops = 2 * pow (tuner->size, 3) / seconds / 1e9;
}

static void
take_result (Tuner        *tuner,
             Candidate    *candidate,
             TvmMapResult *result)
{
  TvmTaskResult *task_result = tvm_map_result_get_task_result (result);
  const GError *error = tvm_map_result_get_error (result);
  const int signum = tvm_task_result_get_term_signal (task_result);

  switch (tvm_map_result_get_status (result))
    {
    case TVM_STATUS_KIND_COMPLETE:
      take_value (tuner, candidate, tvm_map_result_get_value (result));
      break;

    case TVM_STATUS_KIND_TIMEOUT:
      candidate_lose (candidate, OUTCOME_TIMED_OUT, "ran for more than %g s", tuner->timeout);
      break;

    case TVM_STATUS_KIND_EXCEPTION:
      if (signum != 0)
        candidate_lose (candidate, OUTCOME_CRASHED, "SIG%s, %s", sigabbrev_np (signum),
                        strsignal (signum));
      else
        candidate_lose (candidate, OUTCOME_FAILED, "%s", error->message);
      break;

    case TVM_STATUS_KIND_RUNNING:
    default:
      g_return_if_reached ();
    }
}

static void
result_ready (GObject      *source,
              GAsyncResult *async_result,
              gpointer      user_data)
{
  Run *run = user_data;
  g_autoptr (TvmMapResult) result = NULL;
  Candidate *candidate;

  result = tvm_map_iterator_next_finish (run->results, async_result, &run->error);
  if (result == NULL)
    {
      g_main_loop_quit (run->tuner->loop);
      return;
    }

  candidate = g_ptr_array_index (run->candidates, tvm_map_result_get_index (result));
  take_result (run->tuner, candidate, result);
  progress_step (run->progress, candidate);
  ask_for_next (run);
}

static void
ask_for_next (Run *run)
{
  tvm_map_iterator_next_async (run->results, run->tuner->cancellable, result_ready, run);
}

static void
pool_ended (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Run *run = user_data;

  tvm_pool_executor_shutdown_finish (TVM_POOL_EXECUTOR (source), result,
                                     run->error == NULL ? &run->error : NULL);
  g_main_loop_quit (run->tuner->loop);
}

/* This program is its own worker. A worker has one task: whatever that did to it, and left behind,
 * ends with it. */
static TvmPoolExecutor *
new_pool (Tuner *tuner)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_self ();
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_maximum_uses (spec, 1);
  pool = tvm_pool_executor_new (spec, (guint) tuner->jobs);
  tvm_pool_executor_set_timeout (pool, (gint64) (tuner->timeout * 1000));
  return pool;
}

gboolean
tuner_run (Tuner   *self,
           GError **error)
{
  g_autoptr (TvmPoolExecutor) pool = new_pool (self);
  g_autoptr (GPtrArray) compiled = g_ptr_array_new ();
  Run run = { .tuner = self, .candidates = compiled };

  for (guint i = 0; i < self->candidates->len; i++)
    {
      Candidate *candidate = g_ptr_array_index (self->candidates, i);

      if (candidate->outcome == OUTCOME_NONE)
        g_ptr_array_add (compiled, candidate);
    }

  run.progress = progress_new ("measuring", compiled->len);
  run.results = tvm_pool_executor_map_tasks (pool, next_task, &run, NULL, TVM_MAP_FLAGS_UNORDERED);
  ask_for_next (&run);
  g_main_loop_run (self->loop);
  progress_free (run.progress);

  /* When this is done, no process is left. */
  tvm_map_iterator_close (run.results);
  g_object_unref (run.results);
  tvm_pool_executor_shutdown_async (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, pool_ended, &run);
  g_main_loop_run (self->loop);

  if (run.error != NULL)
    {
      g_propagate_error (error, run.error);
      return FALSE;
    }
  return TRUE;
}
