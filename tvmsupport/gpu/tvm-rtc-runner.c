/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-runner-private.h"

#include "tvmsupport/gpu/tvm-rtc-program-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

struct _TvmRtcRunner
{
  const TvmRtcBackend *backend;
  char *library;      /* (nullable) */
  GThreadPool *pool;
};

/* What the thread of a compile and the context of its caller share. Whoever claims the task ends
 * it: the thread, or the caller if it does not want to wait any longer. */
typedef struct
{
  gatomicrefcount ref_count;
  const TvmRtcBackend *backend;
  char *library;               /* (nullable) */
  TvmKernelCache *cache;       /* (nullable) */
  TvmCompileRequest *request;  /* a snapshot, with the options of the compiler */
  int stop;                    /* (atomic) */

  GMutex lock;
  GTask *task;                 /* (nullable) (owned): of the caller's context; NULL once claimed */
  gint64 start_time;           /* 0 until the thread has begun */
} Job;

static Job *
job_ref (Job *job)
{
  g_atomic_ref_count_inc (&job->ref_count);
  return job;
}

static void
job_unref (Job *job)
{
  if (!g_atomic_ref_count_dec (&job->ref_count))
    return;

  g_free (job->library);
  g_clear_object (&job->cache);
  g_clear_object (&job->request);
  g_clear_object (&job->task);
  g_mutex_clear (&job->lock);
  g_free (job);
}

/* Returns: (transfer full) (nullable): the task, for the first who asks */
static GTask *
job_claim (Job *job)
{
  GTask *task;

  g_mutex_lock (&job->lock);
  task = g_steal_pointer (&job->task);
  g_mutex_unlock (&job->lock);

  return task;
}

/* Marks the beginning. Returns: whether anybody still wants the result */
static gboolean
job_begin (Job *job)
{
  gboolean wanted;

  g_mutex_lock (&job->lock);
  job->start_time = g_get_monotonic_time ();
  wanted = job->task != NULL;
  g_mutex_unlock (&job->lock);

  return wanted;
}

/* The compiles of a library that mixes them up: of one compiler there is one thread alone, but
 * there may be several compilers. */
G_LOCK_DEFINE_STATIC (serial);

static void
run_job (gpointer data,
         gpointer user_data)
{
  Job *job = data;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmStage) stage = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  /* The time limit does not count the wait. */
  if (job->backend->is_serial)
    G_LOCK (serial);
  if (job_begin (job))
    {
      result = tvm_rtc_program_compile (job->backend, job->library, job->request, job->cache,
                                        &job->stop, &stage, &error);
      /* From here on it is too late to cancel: the output comes to its place. */
      task = job_claim (job);
    }
  if (job->backend->is_serial)
    G_UNLOCK (serial);

  if (task == NULL)
    g_clear_error (&error);
  else if (result == NULL || (stage != NULL && !tvm_stage_commit (stage, &error)))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&result), g_object_unref);

  job_unref (job);
}

/* One call of compile(), in the context of its caller */
typedef struct
{
  TvmCompileRequest *request;  /* as it was given, for signals */
  Job *job;
  GSource *cancel_source;      /* (nullable) */
  GSource *timeout_source;     /* (nullable) */
  gint64 start_time;
} Call;

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
call_free (gpointer data)
{
  Call *call = data;

  clear_source (&call->cancel_source);
  clear_source (&call->timeout_source);
  g_clear_pointer (&call->job, job_unref);
  g_object_unref (call->request);
  g_free (call);
}

static gboolean
cancelled (GCancellable *cancellable,
           gpointer      user_data)
{
  Call *call = user_data;
  g_autoptr (GTask) job_task = job_claim (call->job);

  if (job_task != NULL)
    {
      g_atomic_int_set (&call->job->stop, 1);
      g_task_return_new_error (job_task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               _("The compile was cancelled"));
    }

  return G_SOURCE_REMOVE;
}

static TvmCompileResult *
make_timed_out_result (Call *call)
{
  TvmCompileRequest *request = call->job->request;
  TvmCompileResult *result = tvm_compile_result_new (request->kind);
  const TvmCompileInput *input = g_ptr_array_index (request->inputs, 0);
  g_autofree char *shown = g_filename_display_name (input->path);

  result->inputs = tvm_compile_request_dup_inputs (request);
  result->working_directory = g_strdup (request->working_directory);
  result->timed_out = TRUE;
  result->timeout_msec = request->timeout_msec;
  g_set_error (&result->error, TVM_ERROR, TVM_ERROR_TIMED_OUT,
               _("%s did not compile “%s” within its time limit of %.3f s"),
               call->job->backend->name, shown, request->timeout_msec / 1000.0);

  return result;
}

/* The time that a compile waits for its turn is not its own. */
static gint64
get_deadline (Job    *job,
              gint64  now)
{
  gint64 start_time;

  g_mutex_lock (&job->lock);
  start_time = job->start_time != 0 ? job->start_time : now;
  g_mutex_unlock (&job->lock);

  return start_time + job->request->timeout_msec * 1000;
}

static gboolean
timeout_reached (gpointer user_data)
{
  Call *call = user_data;
  gint64 now = g_get_monotonic_time ();
  gint64 deadline = get_deadline (call->job, now);
  g_autoptr (GTask) job_task = NULL;

  if (now < deadline)
    {
      g_source_set_ready_time (call->timeout_source, deadline);
      return G_SOURCE_CONTINUE;
    }

  job_task = job_claim (call->job);
  if (job_task != NULL)
    {
      g_atomic_int_set (&call->job->stop, 1);
      g_task_return_pointer (job_task, make_timed_out_result (call), g_object_unref);
    }

  return G_SOURCE_REMOVE;
}

static void
job_ready (GObject      *source,
           GAsyncResult *async_result,
           gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  TvmCompiler *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  TvmCompileResult *result = g_task_propagate_pointer (G_TASK (async_result), &error);

  clear_source (&call->cancel_source);
  clear_source (&call->timeout_source);
  if (result == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  result->elapsed_usec = g_get_monotonic_time () - call->start_time;
  tvm_compile_result_seal (result);
  tvm_compiler_emit_progress (self, call->request, 1, 1);
  tvm_compiler_emit_finished (self, call->request, result);
  g_task_return_pointer (task, result, g_object_unref);
}

static gboolean
timeout_source_dispatch (GSource     *source,
                         GSourceFunc  callback,
                         gpointer     user_data)
{
  return callback (user_data);
}

static GSourceFuncs timeout_source_funcs = { NULL, NULL, timeout_source_dispatch, NULL };

static void
watch (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  GMainContext *context = g_task_get_context (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  gint64 now = g_get_monotonic_time ();

  if (cancellable != NULL)
    {
      call->cancel_source = g_cancellable_source_new (cancellable);
      g_source_set_static_name (call->cancel_source, "[tvmsupport] RTC cancel");
      g_source_set_callback (call->cancel_source, G_SOURCE_FUNC (cancelled), call, NULL);
      g_source_attach (call->cancel_source, context);
    }
  if (call->job->request->timeout_msec > 0)
    {
      call->timeout_source = g_source_new (&timeout_source_funcs, sizeof (GSource));
      g_source_set_static_name (call->timeout_source, "[tvmsupport] RTC time limit");
      g_source_set_callback (call->timeout_source, timeout_reached, call, NULL);
      g_source_set_ready_time (call->timeout_source, get_deadline (call->job, now));
      g_source_attach (call->timeout_source, context);
    }
}

/* The options of the compiler stand in front of those of the request. */
static TvmCompileRequest *
merge_request (TvmCompiler       *self,
               TvmCompileRequest *request)
{
  TvmCompileRequest *merged = tvm_compile_request_copy (request);
  g_auto (GStrv) options = tvm_compiler_dup_options (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (options != NULL)
    g_strv_builder_addv (builder, (const char **) options);
  if (request->options != NULL)
    g_strv_builder_addv (builder, (const char **) request->options);
  g_strfreev (merged->options);
  merged->options = g_strv_builder_end (builder);

  return merged;
}

static Job *
job_new (TvmRtcRunner      *self,
         TvmCompiler       *compiler,
         TvmCompileRequest *request,
         GTask             *call_task)
{
  Job *job = g_new0 (Job, 1);

  g_atomic_ref_count_init (&job->ref_count);
  g_mutex_init (&job->lock);
  job->backend = self->backend;
  job->library = g_strdup (self->library);
  job->cache = tvm_compiler_dup_cache (compiler);
  job->request = merge_request (compiler, request);
  job->task = g_task_new (NULL, NULL, job_ready, call_task);
  g_task_set_source_tag (job->task, run_job);

  return job;
}

static void
start_job (TvmRtcRunner *self,
           TvmCompiler  *compiler,
           Job          *job)
{
  guint max_jobs = tvm_compiler_get_max_jobs (compiler);
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  if (self->backend->is_serial)
    max_jobs = 1;
  g_thread_pool_set_max_threads (self->pool, max_jobs > 0 ? max_jobs : g_get_num_processors (),
                                 NULL);
  if (g_thread_pool_push (self->pool, job_ref (job), &error))
    return;

  /* It stays in the queue, and another thread may come to it. */
  task = job_claim (job);
  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

TvmRtcRunner *
tvm_rtc_runner_new (const TvmRtcBackend *backend)
{
  TvmRtcRunner *self = g_new0 (TvmRtcRunner, 1);

  self->backend = backend;
  /* Not with a function that frees what is left: GLib 2.74 also gives it the marks by which it
   * wakes its threads at the end. */
  self->pool = g_thread_pool_new (run_job, NULL, g_get_num_processors (), FALSE, NULL);

  return self;
}

void
tvm_rtc_runner_free (TvmRtcRunner *self)
{
  /* What is in the queue still, nobody waits for: it is looked at and dropped. */
  g_thread_pool_free (self->pool, FALSE, FALSE);
  g_free (self->library);
  g_free (self);
}

void
tvm_rtc_runner_set_library (TvmRtcRunner *self,
                            const char   *library)
{
  g_free (self->library);
  self->library = g_strdup (library);
}

const char *
tvm_rtc_runner_get_library (TvmRtcRunner *self)
{
  return self->library;
}

void
tvm_rtc_runner_compile_async (TvmRtcRunner        *self,
                              TvmCompiler         *compiler,
                              TvmCompileRequest   *request,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (compiler, cancellable, callback, user_data);
  Call *call;

  g_task_set_source_tag (task, tvm_rtc_runner_compile_async);
  /* Once the output is in its place, the compile has succeeded, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               _("The compile was cancelled"));
      return;
    }

  call = g_new0 (Call, 1);
  call->request = g_object_ref (request);
  call->start_time = g_get_monotonic_time ();
  call->job = job_new (self, compiler, request, g_object_ref (task));
  g_task_set_task_data (task, call, call_free);

  tvm_compiler_emit_started (compiler, request);
  watch (task);
  start_job (self, compiler, call->job);
}

TvmCompileResult *
tvm_rtc_runner_compile_finish (TvmCompiler   *compiler,
                               GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, compiler), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
