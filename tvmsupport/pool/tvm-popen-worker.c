/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-popen-worker.h"

#include "tvmsupport/pool/tvm-pool-view-private.h"
#include "tvmsupport/pool/tvm-result-queue-private.h"
#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/**
 * TvmPopenWorker:
 *
 * One worker, which is sent tasks and answers them in their order, whatever their
 * [property@TvmSupport.Task:priority] is.
 *
 * The process is started at the first task, and again at the next one after it has died, was
 * killed or has run [property@TvmSupport.WorkerSpec:maximum-uses] tasks.
 *
 * ```c
 * static GVariant *
 * measure (TvmPopenWorker  *worker,
 *          const char      *kernel,
 *          GError         **error)
 * {
 *   g_autoptr (TvmTask) task = tvm_task_new ("measure", g_variant_new_string (kernel));
 *   g_autoptr (TvmTaskResult) result = NULL;
 *
 *   tvm_task_set_timeout (task, 1000);
 *   if (!tvm_popen_worker_send (worker, task, error))
 *     return NULL;
 *
 *   result = tvm_popen_worker_recv (worker, NULL, error);
 *   if (result == NULL || !tvm_task_result_check (result, error))
 *     return NULL;
 *
 *   return g_variant_ref (tvm_task_result_get_value (result));
 * }
 * ```
 *
 * It can be used by several threads at a time. When the last reference to it is dropped, its
 * process is killed with all that it started, without a wait.
 *
 * Since: 1.0
 */

struct _TvmPopenWorker
{
  GObject parent_instance;

  TvmWorkerSpec *spec;      /* (owned) */
  TvmEngine *engine;        /* (owned) */
  TvmResultQueue *queue;    /* (owned) */
  TvmPoolView *view;        /* (owned) */

  /* What was told to those who watch; of the context of the creator */
  int notified_pid;
  gboolean notified_alive;
};

G_DEFINE_FINAL_TYPE (TvmPopenWorker, tvm_popen_worker, G_TYPE_OBJECT)

typedef enum
{
  PROP_SPEC = 1,
  PROP_PID,
  PROP_ALIVE,
} TvmPopenWorkerProperty;

static GParamSpec *obj_props[PROP_ALIVE + 1];

static gpointer
wrap_result (guint64        index,
             TvmTaskResult *result)
{
  return result;
}

static gboolean
is_alive (TvmPopenWorker *self,
          int            *pid)
{
  g_autoptr (GArray) workers = tvm_engine_get_workers (self->engine);

  *pid = 0;
  for (guint i = 0; i < workers->len; i++)
    {
      const TvmEngineWorker *worker = &g_array_index (workers, TvmEngineWorker, i);

      if (worker->state == TVM_WORKER_STATE_ENDING || worker->state == TVM_WORKER_STATE_GONE)
        continue;

      *pid = worker->pid;
      return TRUE;
    }

  return FALSE;
}

static void
view_changed (gpointer      owner,
              TvmPoolChange changes)
{
  TvmPopenWorker *self = TVM_POPEN_WORKER (owner);
  int old_pid = self->notified_pid;
  gboolean old_alive = self->notified_alive;

  self->notified_alive = is_alive (self, &self->notified_pid);

  g_object_freeze_notify (G_OBJECT (self));
  if (old_pid != self->notified_pid)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_PID]);
  if (old_alive != self->notified_alive)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_ALIVE]);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
tvm_popen_worker_constructed (GObject *object)
{
  TvmPopenWorker *self = TVM_POPEN_WORKER (object);

  G_OBJECT_CLASS (tvm_popen_worker_parent_class)->constructed (object);

  if (self->spec == NULL)
    self->spec = tvm_worker_spec_new_command ();
  self->engine = tvm_engine_new (self->spec, 1);
  self->queue = tvm_result_queue_new (wrap_result);
  self->view = tvm_pool_view_new (self->engine, object, view_changed);
}

static void
tvm_popen_worker_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  TvmPopenWorker *self = TVM_POPEN_WORKER (object);

  switch ((TvmPopenWorkerProperty) prop_id)
    {
    case PROP_SPEC:
      g_value_set_object (value, self->spec);
      break;
    case PROP_PID:
      g_value_set_int (value, tvm_popen_worker_get_pid (self));
      break;
    case PROP_ALIVE:
      g_value_set_boolean (value, tvm_popen_worker_is_alive (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_popen_worker_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  TvmPopenWorker *self = TVM_POPEN_WORKER (object);

  switch ((TvmPopenWorkerProperty) prop_id)
    {
    case PROP_SPEC:
      self->spec = g_value_dup_object (value);
      break;
    case PROP_PID:
    case PROP_ALIVE:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_popen_worker_finalize (GObject *object)
{
  TvmPopenWorker *self = TVM_POPEN_WORKER (object);

  g_clear_pointer (&self->view, tvm_pool_view_free);
  /* Its lock may be held by a thread that only the parent of a fork has. */
  if (!tvm_engine_is_foreign (self->engine))
    {
      tvm_result_queue_close (self->queue);
      tvm_result_queue_unref (self->queue);
    }
  g_clear_pointer (&self->engine, tvm_engine_unref);
  g_clear_object (&self->spec);

  G_OBJECT_CLASS (tvm_popen_worker_parent_class)->finalize (object);
}

static void
tvm_popen_worker_class_init (TvmPopenWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags =
    G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->constructed = tvm_popen_worker_constructed;
  object_class->get_property = tvm_popen_worker_get_property;
  object_class->set_property = tvm_popen_worker_set_property;
  object_class->finalize = tvm_popen_worker_finalize;

  /**
   * TvmPopenWorker:spec:
   *
   * What the worker is. Changes of it count for those that are made with it later.
   *
   * Since: 1.0
   */
  obj_props[PROP_SPEC] =
    g_param_spec_object ("spec", NULL, NULL, TVM_TYPE_WORKER_SPEC,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TvmPopenWorker:pid:
   *
   * The process of the worker; 0 if there is none, or it is only being started. It notifies in the
   * context in which the worker was made.
   *
   * Since: 1.0
   */
  obj_props[PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, flags);

  /**
   * TvmPopenWorker:alive:
   *
   * Whether there is a process, or one is being started. It notifies in the context in which the
   * worker was made.
   *
   * Since: 1.0
   */
  obj_props[PROP_ALIVE] = g_param_spec_boolean ("alive", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_popen_worker_init (TvmPopenWorker *self)
{
}

/**
 * tvm_popen_worker_new:
 * @spec: what the worker is; a snapshot of it is taken
 *
 * Makes a worker. Nothing is started before the first task.
 *
 * Returns: (transfer full): a new worker
 *
 * Since: 1.0
 */
TvmPopenWorker *
tvm_popen_worker_new (TvmWorkerSpec *spec)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (spec), NULL);

  return g_object_new (TVM_TYPE_POPEN_WORKER, "spec", spec, NULL);
}

/**
 * tvm_popen_worker_get_spec: (get-property spec)
 * @self: a worker
 *
 * Gets what the worker is.
 *
 * Returns: (transfer none): what was given when it was made
 *
 * Since: 1.0
 */
TvmWorkerSpec *
tvm_popen_worker_get_spec (TvmPopenWorker *self)
{
  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), NULL);

  return self->spec;
}

/**
 * tvm_popen_worker_get_pid: (get-property pid)
 * @self: a worker
 *
 * Gets the process of the worker.
 *
 * Returns: the process ID; 0 if there is none, or it is only being started
 *
 * Since: 1.0
 */
int
tvm_popen_worker_get_pid (TvmPopenWorker *self)
{
  int pid;

  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), 0);

  is_alive (self, &pid);
  return pid;
}

/**
 * tvm_popen_worker_is_alive: (get-property alive)
 * @self: a worker
 *
 * Says whether there is a process, or one is being started.
 *
 * Returns: %FALSE before the first task, and when the process has died or is being killed
 *
 * Since: 1.0
 */
gboolean
tvm_popen_worker_is_alive (TvmPopenWorker *self)
{
  int pid;

  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), FALSE);

  return is_alive (self, &pid);
}

/* In a fork of the application nobody would answer. */
static gboolean
check_owner (TvmPopenWorker  *self,
             GError         **error)
{
  if (!tvm_engine_is_foreign (self->engine))
    return TRUE;

  g_propagate_error (error, tvm_engine_make_foreign_error ());
  return FALSE;
}

/**
 * tvm_popen_worker_send:
 * @self: a worker
 * @task: what it is to do
 * @error: a #GError
 *
 * Sends a task to the worker, which runs it when it has ended those that were sent before it. The
 * priority of a task does not matter here.
 *
 * It does not wait, and starts the process if there is none. A task that cannot be sent fails at
 * once: %TVM_ERROR_INVALID_ARGUMENT if it is not for this kind of worker, or too large;
 * %TVM_ERROR_NOT_FOUND if there is no such program. All that happens later is in the result.
 *
 * Returns: %TRUE if there will be a result for [method@TvmSupport.PopenWorker.recv], %FALSE with
 *   @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_popen_worker_send (TvmPopenWorker  *self,
                       TvmTask         *task,
                       GError         **error)
{
  g_autoptr (TvmTask) ordinary = NULL;

  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), FALSE);
  g_return_val_if_fail (TVM_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_owner (self, error))
    return FALSE;

  if (task->priority != 0)
    {
      ordinary = tvm_task_copy (task);
      ordinary->priority = 0;
      task = ordinary;
    }

  return tvm_result_queue_submit_one (self->queue, self->engine, task, error);
}

/* Returns: whether there is a result to wait for; else the lock is given up */
static gboolean
lock_for_recv (TvmPopenWorker  *self,
               GError         **error)
{
  if (!check_owner (self, error))
    return FALSE;

  tvm_result_queue_lock (self->queue);
  if (tvm_result_queue_get_n_outstanding (self->queue)
      > tvm_result_queue_get_n_waiting (self->queue))
    return TRUE;

  tvm_result_queue_unlock (self->queue);
  g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The worker was sent no task whose result could be received"));
  return FALSE;
}

/**
 * tvm_popen_worker_recv:
 * @self: a worker
 * @cancellable: (nullable): cancels the wait, not the task
 * @error: a #GError
 *
 * Waits for the result of the oldest task that was sent and not yet received.
 *
 * The errors are %TVM_ERROR_INVALID_ARGUMENT, if there is no such task, and
 * %G_IO_ERROR_CANCELLED, after which the result can still be received. Everything else is in the
 * result: that the task failed, crashed the worker, or ran into its time limit.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_popen_worker_recv (TvmPopenWorker  *self,
                       GCancellable    *cancellable,
                       GError         **error)
{
  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !lock_for_recv (self, error))
    return NULL;

  return tvm_result_queue_pop (self->queue, self->engine, cancellable, error);
}

/**
 * tvm_popen_worker_recv_async:
 * @self: a worker
 * @cancellable: (nullable): cancels the wait, not the task
 * @callback: (scope async) (closure user_data): what to call when there is a result
 * @user_data: data for @callback
 *
 * Asks for the result of the oldest task that was sent and not yet received, as
 * [method@TvmSupport.PopenWorker.recv] does. Several calls may wait; they are answered in their
 * order.
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_popen_worker_recv_async (TvmPopenWorker      *self,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (TVM_IS_POPEN_WORKER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_popen_worker_recv_async);

  if (g_task_return_error_if_cancelled (task))
    return;

  if (lock_for_recv (self, &error))
    tvm_result_queue_pop_async (self->queue, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

/**
 * tvm_popen_worker_recv_finish:
 * @self: a worker
 * @result: what the callback was given
 * @error: a #GError
 *
 * Gets what came of [method@TvmSupport.PopenWorker.recv_async].
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_popen_worker_recv_finish (TvmPopenWorker  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_popen_worker_kill:
 * @self: a worker
 *
 * Kills the process of the worker, with all that it started. Tasks that were sent and have not
 * ended fail with %TVM_ERROR_WORKER_DIED; their results can be received.
 *
 * It does not wait; [method@TvmSupport.PopenWorker.join] does. The next task starts a new process.
 *
 * Since: 1.0
 */
void
tvm_popen_worker_kill (TvmPopenWorker *self)
{
  g_return_if_fail (TVM_IS_POPEN_WORKER (self));

  tvm_engine_kill_workers (self->engine);
}

/* A wait for the end of the process: the engine, the clock and the cancellable race for its
 * task. */
typedef struct
{
  GMutex mutex;
  GTask *task;              /* (nullable) (owned): NULL once it is completed */
  GSource *sources[2];      /* (nullable) (owned): the limit, and the cancellable */
  TvmEngine *engine;        /* (unowned): the task keeps it */
  guint64 id;
} Join;

static void
join_clear (gpointer data)
{
  Join *self = data;

  g_mutex_clear (&self->mutex);
}

static void
join_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, join_clear);
}

/* @error: (transfer full) (nullable) */
static void
join_complete (Join   *self,
               GError *error)
{
  GSource *sources[G_N_ELEMENTS (self->sources)] = { NULL, };
  GTask *task;

  g_mutex_lock (&self->mutex);
  task = g_steal_pointer (&self->task);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    sources[i] = g_steal_pointer (&self->sources[i]);
  g_mutex_unlock (&self->mutex);

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    if (sources[i] != NULL)
      {
        g_source_destroy (sources[i]);
        g_source_unref (sources[i]);
      }

  if (task == NULL)
    {
      g_clear_error (&error);
      return;
    }

  if (error != NULL)
    {
      /* Else it is the engine's to drop, which is just about to call. */
      if (tvm_engine_forget (self->engine, self->id))
        join_unref (self);
      g_task_return_error (task, error);
    }
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
join_gone (gpointer user_data)
{
  join_complete (user_data, NULL);
  join_unref (user_data);
}

static gboolean
join_timed_out (gpointer user_data)
{
  Join *self = user_data;

  join_complete (self, g_error_new_literal (TVM_ERROR, TVM_ERROR_TIMED_OUT,
                                            _("The worker has not ended within the time limit")));
  return G_SOURCE_REMOVE;
}

static gboolean
join_cancelled (GCancellable *cancellable,
                gpointer      user_data)
{
  GError *error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  join_complete (user_data, error);
  return G_SOURCE_REMOVE;
}

/* Attaches @source (transfer full), unless it is too late for it. */
static void
join_watch (Join        *self,
            gsize        which,
            GSource     *source,
            GSourceFunc  func,
            const char  *name)
{
  g_source_set_callback (source, func, g_atomic_rc_box_acquire (self), join_unref);
  g_source_set_static_name (source, name);

  g_mutex_lock (&self->mutex);
  if (self->task != NULL)
    {
      g_source_attach (source, g_task_get_context (self->task));
      self->sources[which] = g_source_ref (source);
    }
  g_mutex_unlock (&self->mutex);

  g_source_unref (source);
}

/**
 * tvm_popen_worker_join_async:
 * @self: a worker
 * @timeout_msec: how long to wait, in milliseconds; -1 for any time
 * @cancellable: (nullable): cancels the wait
 * @callback: (scope async) (closure user_data): what to call when the process is gone
 * @user_data: data for @callback
 *
 * Waits for the end of the process, as [method@TvmSupport.PopenWorker.join] does.
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_popen_worker_join_async (TvmPopenWorker      *self,
                             gint64               timeout_msec,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  guint64 id;
  Join *join;

  g_return_if_fail (TVM_IS_POPEN_WORKER (self));
  g_return_if_fail (timeout_msec >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_popen_worker_join_async);

  if (g_task_return_error_if_cancelled (task))
    return;
  if (!check_owner (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  /* That it is gone is true even if nobody wants to know any more. */
  g_task_set_check_cancellable (task, FALSE);
  join = g_atomic_rc_box_new0 (Join);
  g_mutex_init (&join->mutex);
  join->task = g_steal_pointer (&task);
  join->engine = self->engine;

  id = tvm_engine_wait_gone (self->engine, join_gone, g_atomic_rc_box_acquire (join));
  g_mutex_lock (&join->mutex);
  join->id = id;
  g_mutex_unlock (&join->mutex);

  if (timeout_msec >= 0)
    join_watch (join, 0, g_timeout_source_new (MIN (timeout_msec, G_MAXUINT)), join_timed_out,
                "[tvmsupport] limit of a join");
  if (cancellable != NULL)
    join_watch (join, 1, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (join_cancelled),
                "[tvmsupport] join cancelled");
  join_unref (join);
}

/**
 * tvm_popen_worker_join_finish:
 * @self: a worker
 * @result: what the callback was given
 * @error: a #GError
 *
 * Gets what came of [method@TvmSupport.PopenWorker.join_async].
 *
 * Returns: %TRUE if the process is gone, %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_popen_worker_join_finish (TvmPopenWorker  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tvm_popen_worker_join:
 * @self: a worker
 * @timeout_msec: how long to wait, in milliseconds; -1 for any time
 * @cancellable: (nullable): cancels the wait
 * @error: a #GError
 *
 * Waits until the process that there is now, and everything that it started, is gone. If there is
 * none that is at once.
 *
 * It ends nothing by itself: use [method@TvmSupport.PopenWorker.kill] before, or wait for a
 * process that has run its [property@TvmSupport.WorkerSpec:maximum-uses] tasks.
 *
 * The errors are %TVM_ERROR_TIMED_OUT, if it was still there at the limit, and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the process is gone, %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_popen_worker_join (TvmPopenWorker  *self,
                       gint64           timeout_msec,
                       GCancellable    *cancellable,
                       GError         **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_POPEN_WORKER (self), FALSE);
  g_return_val_if_fail (timeout_msec >= -1, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_sync_begin (&sync, error))
    return FALSE;

  tvm_popen_worker_join_async (self, timeout_msec, cancellable, tvm_sync_ready, &sync);
  return tvm_popen_worker_join_finish (self, tvm_sync_wait (&sync), error);
}
