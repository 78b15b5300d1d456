/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-pool-executor-private.h"

#include "tvmsupport/pool/tvm-pool-view-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

/**
 * TvmPoolExecutor:
 *
 * Runs tasks in worker processes.
 *
 * A pool has up to [property@TvmSupport.PoolExecutor:max-workers] workers, made as its
 * [class@TvmSupport.WorkerSpec] says when there is work for them. A task is given to a worker that
 * is free; the task with the highest [property@TvmSupport.Task:priority] first, and among equals
 * the one that was submitted first.
 *
 * ```c
 * g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module ("./libkernels.so");
 * g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (spec, 0);
 * g_autoptr (GError) error = NULL;
 * g_autoptr (GVariant) sum = NULL;
 *
 * tvm_pool_executor_set_timeout (pool, 5000);
 * sum = tvm_pool_executor_call (pool, "add", g_variant_new ("(ii)", 1, 2), NULL, &error);
 * ```
 *
 * ## What becomes of a task
 *
 * [method@TvmSupport.PoolExecutor.submit] gives a [class@TvmSupport.TaskResult] for every task
 * that the pool took, also for one that failed, crashed its worker or was killed at its time limit:
 * [method@TvmSupport.TaskResult.get_status] tells which, and [method@TvmSupport.TaskResult.check]
 * makes an error of it. It fails itself with
 *
 * - %G_IO_ERROR_CANCELLED if the task was cancelled: one that was queued never begins, one that
 * ran loses its worker;
 * - %G_IO_ERROR_CLOSED after a shutdown;
 * - %TVM_ERROR_INVALID_ARGUMENT if the task is not for the workers of this pool, or is too large;
 * - %TVM_ERROR_NOT_FOUND if a command is not there;
 * - other errors of %G_IO_ERROR where something that is needed to hand it over could not be had.
 *
 * ## Time limits and kills
 *
 * The clock of a task runs from the moment at which its worker has nothing else to do than this
 * task until the result is there, on a thread of the library: it does not need a main loop and
 * cannot be held up by one. At the limit the task ends at once, with %TVM_ERROR_TIMED_OUT, and
 * everything that its worker had started dies: also what has left its process group or its
 * session, blocks signals or was stopped. A worker that crashes fails the task that it ran and no
 * other one. When the application dies, for whatever reason, all workers die.
 *
 * ## Threads
 *
 * All methods may be called from any thread. Callbacks come in the thread-default context of the
 * caller; properties notify in that of the creator. The blocking methods need no main loop and
 * touch none. A process that was forked from the application cannot use the pools of the
 * application.
 *
 * Since: 1.0
 */
struct _TvmPoolExecutor
{
  GObject parent_instance;

  TvmWorkerSpec *spec;      /* (owned) */
  guint max_workers;
  gint64 timeout_msec;
  gint64 soft_timeout_msec;
  TvmRetryPolicy retry_policy;
  TvmEngine *engine;        /* (owned) */
  TvmPoolView *view;        /* (owned): the counts and the workers, as the creator sees them */
};

G_DEFINE_FINAL_TYPE (TvmPoolExecutor, tvm_pool_executor, G_TYPE_OBJECT)

typedef enum
{
  PROP_SPEC = 1,
  PROP_MAX_WORKERS,
  PROP_TIMEOUT,
  PROP_SOFT_TIMEOUT,
  PROP_RETRY_POLICY,
  PROP_N_QUEUED,
  PROP_N_RUNNING,
  PROP_N_FINISHED,
  PROP_WORKERS,
} TvmPoolExecutorProperty;

static GParamSpec *obj_props[PROP_WORKERS + 1];

static void
tvm_pool_executor_init (TvmPoolExecutor *self)
{
  self->timeout_msec = self->soft_timeout_msec = -1;
}

/* What the view has seen to be new */
static void
notify_changes (gpointer      user_data,
                TvmPoolChange changes)
{
  TvmPoolExecutor *self = user_data;

  if ((changes & TVM_POOL_CHANGE_QUEUED) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_N_QUEUED]);
  if ((changes & TVM_POOL_CHANGE_RUNNING) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_N_RUNNING]);
  if ((changes & TVM_POOL_CHANGE_FINISHED) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_N_FINISHED]);
}

static void
tvm_pool_executor_constructed (GObject *object)
{
  TvmPoolExecutor *self = TVM_POOL_EXECUTOR (object);

  G_OBJECT_CLASS (tvm_pool_executor_parent_class)->constructed (object);

  if (self->spec == NULL)
    self->spec = tvm_worker_spec_new_command ();
  if (self->max_workers == 0)
    self->max_workers = g_get_num_processors ();
  self->engine = tvm_engine_new (self->spec, self->max_workers);
  self->view = tvm_pool_view_new (self->engine, object, notify_changes);
  tvm_engine_warm (self->engine);
}

static void
tvm_pool_executor_finalize (GObject *object)
{
  TvmPoolExecutor *self = TVM_POOL_EXECUTOR (object);

  g_clear_pointer (&self->view, tvm_pool_view_free);
  g_clear_pointer (&self->engine, tvm_engine_unref);
  g_clear_object (&self->spec);

  G_OBJECT_CLASS (tvm_pool_executor_parent_class)->finalize (object);
}

static void
tvm_pool_executor_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  TvmPoolExecutor *self = TVM_POOL_EXECUTOR (object);

  switch ((TvmPoolExecutorProperty) prop_id)
    {
    case PROP_SPEC:
      g_value_set_object (value, self->spec);
      break;
    case PROP_MAX_WORKERS:
      g_value_set_uint (value, self->max_workers);
      break;
    case PROP_TIMEOUT:
      g_value_set_int64 (value, self->timeout_msec);
      break;
    case PROP_SOFT_TIMEOUT:
      g_value_set_int64 (value, self->soft_timeout_msec);
      break;
    case PROP_RETRY_POLICY:
      g_value_set_enum (value, self->retry_policy);
      break;
    case PROP_N_QUEUED:
      g_value_set_uint64 (value, tvm_pool_executor_get_n_queued (self));
      break;
    case PROP_N_RUNNING:
      g_value_set_uint (value, tvm_pool_executor_get_n_running (self));
      break;
    case PROP_N_FINISHED:
      g_value_set_uint64 (value, tvm_pool_executor_get_n_finished (self));
      break;
    case PROP_WORKERS:
      g_value_set_object (value, tvm_pool_executor_get_workers (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tvm_pool_executor_set_property (GObject      *object,
                                guint         prop_id,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  TvmPoolExecutor *self = TVM_POOL_EXECUTOR (object);

  switch ((TvmPoolExecutorProperty) prop_id)
    {
    case PROP_SPEC:
      self->spec = g_value_dup_object (value);
      break;
    case PROP_MAX_WORKERS:
      self->max_workers = g_value_get_uint (value);
      break;
    case PROP_TIMEOUT:
      tvm_pool_executor_set_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_SOFT_TIMEOUT:
      tvm_pool_executor_set_soft_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_RETRY_POLICY:
      tvm_pool_executor_set_retry_policy (self, g_value_get_enum (value));
      break;
    case PROP_N_QUEUED:
    case PROP_N_RUNNING:
    case PROP_N_FINISHED:
    case PROP_WORKERS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_settings (void)
{
  const GParamFlags writable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags fixed = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  /**
   * TvmPoolExecutor:spec:
   *
   * What the workers are; commands by default. The pool uses it as it was when the pool was made.
   *
   * Since: 1.0
   */
  obj_props[PROP_SPEC] = g_param_spec_object ("spec", NULL, NULL, TVM_TYPE_WORKER_SPEC, fixed);

  /**
   * TvmPoolExecutor:max-workers:
   *
   * How many tasks run at a time; 0, the default, means one for each processor.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_WORKERS] = g_param_spec_uint ("max-workers", NULL, NULL, 0, G_MAXUINT, 0,
                                                   fixed);

  /**
   * TvmPoolExecutor:timeout:
   *
   * The time limit, in milliseconds, of tasks that have none of their own and are submitted from
   * now on; -1, the default, means that there is none.
   *
   * Since: 1.0
   */
  obj_props[PROP_TIMEOUT] = g_param_spec_int64 ("timeout", NULL, NULL, -1, G_MAXINT64, -1,
                                                writable);

  /**
   * TvmPoolExecutor:soft-timeout:
   *
   * The same for the soft time limit, at which a task is asked to end: the [class@Gio.Cancellable]
   * that its function was given is cancelled.
   *
   * Since: 1.0
   */
  obj_props[PROP_SOFT_TIMEOUT] = g_param_spec_int64 ("soft-timeout", NULL, NULL, -1, G_MAXINT64, -1,
                                                     writable);

  /**
   * TvmPoolExecutor:retry-policy:
   *
   * What is done with a task whose worker died before the task began.
   *
   * Since: 1.0
   */
  obj_props[PROP_RETRY_POLICY] = g_param_spec_enum ("retry-policy", NULL, NULL,
                                                    TVM_TYPE_RETRY_POLICY,
                                                    TVM_RETRY_POLICY_NOT_BEGUN, writable);
}

static void
install_state (void)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * TvmPoolExecutor:n-queued:
   *
   * How many tasks wait.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_QUEUED] = g_param_spec_uint64 ("n-queued", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmPoolExecutor:n-running:
   *
   * How many tasks run.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_RUNNING] = g_param_spec_uint ("n-running", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmPoolExecutor:n-finished:
   *
   * How many tasks have their outcome, whichever it is.
   *
   * Since: 1.0
   */
  obj_props[PROP_N_FINISHED] = g_param_spec_uint64 ("n-finished", NULL, NULL, 0, G_MAXUINT64, 0,
                                                    flags);

  /**
   * TvmPoolExecutor:workers:
   *
   * The workers that there are, a list of [class@TvmSupport.WorkerInfo].
   *
   * Since: 1.0
   */
  obj_props[PROP_WORKERS] = g_param_spec_object ("workers", NULL, NULL, G_TYPE_LIST_MODEL, flags);
}

static void
tvm_pool_executor_class_init (TvmPoolExecutorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tvm_pool_executor_constructed;
  object_class->finalize = tvm_pool_executor_finalize;
  object_class->get_property = tvm_pool_executor_get_property;
  object_class->set_property = tvm_pool_executor_set_property;

  install_settings ();
  install_state ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

/**
 * tvm_pool_executor_new:
 * @spec: what the workers are; later changes of it do not matter to this pool
 * @max_workers: how many tasks run at a time, 0 for one per processor
 *
 * Makes a pool. No process is started before there is work for it.
 *
 * Returns: (transfer full): a new pool
 *
 * Since: 1.0
 */
TvmPoolExecutor *
tvm_pool_executor_new (TvmWorkerSpec *spec,
                       guint          max_workers)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (spec), NULL);

  return g_object_new (TVM_TYPE_POOL_EXECUTOR, "spec", spec, "max-workers", max_workers, NULL);
}

TvmEngine *
tvm_pool_executor_get_engine (TvmPoolExecutor *self)
{
  return self->engine;
}

/**
 * tvm_pool_executor_get_spec:
 * @self: a pool
 *
 * Gets what the workers are.
 *
 * Returns: (transfer none): what was given when the pool was made
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_pool_executor_get_spec (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);

  return self->spec;
}

/**
 * tvm_pool_executor_get_max_workers:
 * @self: a pool
 *
 * Gets how many tasks run at a time.
 *
 * Returns: the number, never 0
 *
 * Since: 1.0
 */
guint
tvm_pool_executor_get_max_workers (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), 0);

  return self->max_workers;
}

/**
 * tvm_pool_executor_get_timeout:
 * @self: a pool
 *
 * Gets the time limit of tasks that have none of their own.
 *
 * Returns: milliseconds, or -1 for none
 *
 * Since: 1.0
 */
gint64
tvm_pool_executor_get_timeout (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), -1);

  return self->timeout_msec;
}

/**
 * tvm_pool_executor_set_timeout:
 * @self: a pool
 * @timeout_msec: milliseconds, or -1 for none
 *
 * Sets the time limit of tasks that have none of their own and are submitted from now on.
 *
 * Since: 1.0
 */
void
tvm_pool_executor_set_timeout (TvmPoolExecutor *self,
                               gint64           timeout_msec)
{
  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->timeout_msec == timeout_msec)
    return;

  self->timeout_msec = timeout_msec;
  tvm_engine_set_timeouts (self->engine, self->timeout_msec, self->soft_timeout_msec);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_TIMEOUT]);
}

/**
 * tvm_pool_executor_get_soft_timeout:
 * @self: a pool
 *
 * Gets the soft time limit of tasks that have none of their own.
 *
 * Returns: milliseconds, or -1 for none
 *
 * Since: 1.0
 */
gint64
tvm_pool_executor_get_soft_timeout (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), -1);

  return self->soft_timeout_msec;
}

/**
 * tvm_pool_executor_set_soft_timeout:
 * @self: a pool
 * @timeout_msec: milliseconds, or -1 for none
 *
 * Sets the soft time limit of tasks that have none of their own and are submitted from now on.
 *
 * Since: 1.0
 */
void
tvm_pool_executor_set_soft_timeout (TvmPoolExecutor *self,
                                    gint64           timeout_msec)
{
  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (timeout_msec >= -1);

  if (self->soft_timeout_msec == timeout_msec)
    return;

  self->soft_timeout_msec = timeout_msec;
  tvm_engine_set_timeouts (self->engine, self->timeout_msec, self->soft_timeout_msec);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_SOFT_TIMEOUT]);
}

/**
 * tvm_pool_executor_get_retry_policy:
 * @self: a pool
 *
 * Gets what is done with a task whose worker died before the task began.
 *
 * Returns: the policy
 *
 * Since: 1.0
 */
TvmRetryPolicy
tvm_pool_executor_get_retry_policy (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), TVM_RETRY_POLICY_NOT_BEGUN);

  return self->retry_policy;
}

/**
 * tvm_pool_executor_set_retry_policy:
 * @self: a pool
 * @policy: the policy
 *
 * Sets what is done with a task whose worker died before the task began.
 *
 * Since: 1.0
 */
void
tvm_pool_executor_set_retry_policy (TvmPoolExecutor *self,
                                    TvmRetryPolicy   policy)
{
  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));

  if (self->retry_policy == policy)
    return;

  self->retry_policy = policy;
  tvm_engine_set_retry_policy (self->engine, policy);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_RETRY_POLICY]);
}

/**
 * tvm_pool_executor_get_n_queued:
 * @self: a pool
 *
 * Gets how many tasks wait, as of now.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_pool_executor_get_n_queued (TvmPoolExecutor *self)
{
  TvmEngineCounts counts;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), 0);

  tvm_engine_get_counts (self->engine, &counts);
  return counts.n_queued;
}

/**
 * tvm_pool_executor_get_n_running:
 * @self: a pool
 *
 * Gets how many tasks run, as of now.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
tvm_pool_executor_get_n_running (TvmPoolExecutor *self)
{
  TvmEngineCounts counts;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), 0);

  tvm_engine_get_counts (self->engine, &counts);
  return counts.n_running;
}

/**
 * tvm_pool_executor_get_n_finished:
 * @self: a pool
 *
 * Gets how many tasks have their outcome, whichever it is, as of now.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_pool_executor_get_n_finished (TvmPoolExecutor *self)
{
  TvmEngineCounts counts;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), 0);

  tvm_engine_get_counts (self->engine, &counts);
  return counts.n_finished;
}

/**
 * tvm_pool_executor_get_workers:
 * @self: a pool
 *
 * Gets the workers that there are, a list of [class@TvmSupport.WorkerInfo].
 *
 * The list changes in the thread-default context of the creator of the pool, and is to be used
 * there.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
tvm_pool_executor_get_workers (TvmPoolExecutor *self)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);

  return tvm_pool_view_get_workers (self->view);
}

/**
 * tvm_pool_executor_submit:
 * @self: a pool
 * @task: what is to be run; it may be changed and submitted again afterwards
 * @cancellable: (nullable): cancels the task
 * @error: return location for an error
 *
 * Runs a task and waits for its outcome.
 *
 * The description of the class says which outcomes are results and which are errors.
 *
 * Returns: (transfer full): the outcome
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_pool_executor_submit (TvmPoolExecutor  *self,
                          TvmTask          *task,
                          GCancellable     *cancellable,
                          GError          **error)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (TVM_IS_TASK (task), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tvm_engine_run (self->engine, task, cancellable, error);
}

static void
submit_done (TvmTaskResult *result,
             GError        *error,
             gpointer       user_data)
{
  g_autoptr (GTask) task = user_data;

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, g_object_unref);
}

/**
 * tvm_pool_executor_submit_async:
 * @self: a pool
 * @task: what is to be run; it may be changed and submitted again afterwards
 * @cancellable: (nullable): cancels the task
 * @callback: (scope async) (closure user_data): called with the outcome
 * @user_data: what @callback is given
 *
 * Runs a task.
 *
 * The pool lives at least until the task has its outcome.
 *
 * Since: 1.0
 */
void
tvm_pool_executor_submit_async (TvmPoolExecutor     *self,
                                TvmTask             *task,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  GTask *async;

  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (TVM_IS_TASK (task));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  async = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (async, tvm_pool_executor_submit_async);
  tvm_call_unref (tvm_engine_submit (self->engine, task, cancellable, submit_done, async));
}

/**
 * tvm_pool_executor_submit_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the outcome of [method@TvmSupport.PoolExecutor.submit_async].
 *
 * Returns: (transfer full): the outcome
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_pool_executor_submit_finish (TvmPoolExecutor  *self,
                                 GAsyncResult     *result,
                                 GError          **error)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Takes @result. Returns: (transfer full): its value */
static GVariant *
take_value (TvmTaskResult  *result,
            GError        **error)
{
  g_autoptr (TvmTaskResult) owned = result;

  if (owned == NULL || !tvm_task_result_check (owned, error))
    return NULL;

  return g_variant_ref (tvm_task_result_get_value (owned));
}

/**
 * tvm_pool_executor_call:
 * @self: a pool whose workers take [enum@TvmSupport.PayloadType] %TVM_PAYLOAD_TYPE_VARIANT
 * @function: the name of a function
 * @args: (nullable): its arguments; a floating reference is taken; %NULL is `()`
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Calls a function in a worker and waits for its value.
 *
 * Whatever is not a value is an error here: those of [method@TvmSupport.PoolExecutor.submit] and of
 * [method@TvmSupport.TaskResult.check].
 *
 * Returns: (transfer full): what the function returned
 *
 * Since: 1.0
 */
GVariant *
tvm_pool_executor_call (TvmPoolExecutor  *self,
                        const char       *function,
                        GVariant         *args,
                        GCancellable     *cancellable,
                        GError          **error)
{
  g_autoptr (TvmTask) task = NULL;

  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  task = tvm_task_new (function, args);
  return take_value (tvm_engine_run (self->engine, task, cancellable, error), error);
}

static void
call_done (TvmTaskResult *result,
           GError        *error,
           gpointer       user_data)
{
  g_autoptr (GTask) task = user_data;
  GVariant *value;

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  value = take_value (result, &error);
  if (value == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, value, (GDestroyNotify) g_variant_unref);
}

/**
 * tvm_pool_executor_call_async:
 * @self: a pool whose workers take [enum@TvmSupport.PayloadType] %TVM_PAYLOAD_TYPE_VARIANT
 * @function: the name of a function
 * @args: (nullable): its arguments; a floating reference is taken; %NULL is `()`
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure user_data): called with the outcome
 * @user_data: what @callback is given
 *
 * Calls a function in a worker.
 *
 * Since: 1.0
 */
void
tvm_pool_executor_call_async (TvmPoolExecutor     *self,
                              const char          *function,
                              GVariant            *args,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr (TvmTask) task = NULL;
  GTask *async;

  g_return_if_fail (TVM_IS_POOL_EXECUTOR (self));
  g_return_if_fail (function != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tvm_task_new (function, args);
  async = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (async, tvm_pool_executor_call_async);
  tvm_call_unref (tvm_engine_submit (self->engine, task, cancellable, call_done, async));
}

/**
 * tvm_pool_executor_call_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets the outcome of [method@TvmSupport.PoolExecutor.call_async].
 *
 * Returns: (transfer full): what the function returned
 *
 * Since: 1.0
 */
GVariant *
tvm_pool_executor_call_finish (TvmPoolExecutor  *self,
                               GAsyncResult     *result,
                               GError          **error)
{
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
