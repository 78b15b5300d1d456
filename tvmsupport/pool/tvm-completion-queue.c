/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-completion-queue.h"

#include "tvmsupport/pool/tvm-engine-private.h"
#include "tvmsupport/pool/tvm-pool-executor-private.h"
#include "tvmsupport/pool/tvm-task-result-private.h"

/**
 * TvmCompletionQueue:
 *
 * The outcomes of tasks, for one thread to take many at a time.
 *
 * It is for languages and programs with many tasks in flight, where a callback for each one would
 * cost more than the task does. [method@TvmSupport.CompletionQueue.submit] returns a number at
 * once. A thread waits with [method@TvmSupport.CompletionQueue.wait], and then takes what is there
 * with [method@TvmSupport.CompletionQueue.pop], which never blocks:
 *
 * ```c
 * while (tvm_completion_queue_wait (queue, -1))
 *   while ((result = tvm_completion_queue_pop (queue, &id, &error)) != NULL || error != NULL)
 *     complete (id, g_steal_pointer (&result), g_steal_pointer (&error));
 * ```
 *
 * Who needs one certain outcome, and has nothing to do before it is there, gets it with
 * [method@TvmSupport.CompletionQueue.take], which is as fast as
 * [method@TvmSupport.PoolExecutor.submit].
 *
 * One queue serves any number of pools. It does not keep a pool alive: the tasks of one that is gone
 * end with an error. Every task that was submitted has exactly one outcome. A task whose outcome
 * nobody takes runs nevertheless; dropping the queue does not cancel it.
 *
 * All of it may be used in any thread, and no main loop is needed.
 *
 * Since: 1.0
 */

/* A task, from its submission until its outcome is taken. It is held by the table until then, by
 * the engine until it has the outcome, and by whoever works with it without the lock. */
typedef struct
{
  GList link;               /* in the list of what is ready */
  guint ref_count;          /* with the lock */
  guint64 id;
  TvmCompletionQueue *queue; /* (owned) while in flight */
  TvmCall *call;            /* (nullable) (owned): while in flight */
  TvmTaskResult *result;    /* (nullable) (owned) */
  GError *error;            /* (nullable) (owned): instead */
  gboolean done;
  gboolean awaited;         /* somebody is in tvm_completion_queue_take() for it */
} Item;

struct _TvmCompletionQueue
{
  GObject parent_instance;

  /* For what follows */
  GMutex mutex;
  GCond cond;               /* something is ready */
  GCond taken_cond;         /* something that is awaited is done */
  GHashTable *items;        /* (element-type guint64 Item): not yet taken */
  GQueue ready;             /* done, and not awaited */
  guint64 next_id;
  guint n_asleep;
  gboolean wake_deferred;   /* until all that come together are there */
};

G_DEFINE_FINAL_TYPE (TvmCompletionQueue, tvm_completion_queue, G_TYPE_OBJECT)

static void
item_unref_locked (Item *item)
{
  if (--item->ref_count > 0)
    return;

  g_clear_object (&item->result);
  g_clear_error (&item->error);
  g_free (item);
}

static void
tvm_completion_queue_finalize (GObject *object)
{
  TvmCompletionQueue *self = TVM_COMPLETION_QUEUE (object);

  /* What is in flight would have a reference. */
  g_hash_table_unref (self->items);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_cond_clear (&self->taken_cond);

  G_OBJECT_CLASS (tvm_completion_queue_parent_class)->finalize (object);
}

static void
tvm_completion_queue_class_init (TvmCompletionQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = tvm_completion_queue_finalize;
}

static void
tvm_completion_queue_init (TvmCompletionQueue *self)
{
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_cond_init (&self->taken_cond);
  g_queue_init (&self->ready);
  self->items = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                       (GDestroyNotify) item_unref_locked);
  self->next_id = 1;
}

/**
 * tvm_completion_queue_new:
 *
 * Makes a queue.
 *
 * Returns: (transfer full): a new queue
 *
 * Since: 1.0
 */
TvmCompletionQueue *
tvm_completion_queue_new (void)
{
  return g_object_new (TVM_TYPE_COMPLETION_QUEUE, NULL);
}

static void
wake_later (gpointer user_data)
{
  g_autoptr (TvmCompletionQueue) self = user_data;

  g_mutex_lock (&self->mutex);
  self->wake_deferred = FALSE;
  if (self->n_asleep > 0 && self->ready.length > 0)
    g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* On any thread */
static void
item_done (TvmTaskResult *result,
           GError        *error,
           gpointer       user_data)
{
  Item *item = user_data;
  g_autoptr (TvmCompletionQueue) self = NULL;
  TvmCall *call;
  gboolean defers = FALSE;

  self = g_steal_pointer (&item->queue);
  g_mutex_lock (&self->mutex);
  item->result = result;
  item->error = error;
  item->done = TRUE;
  call = g_steal_pointer (&item->call);
  if (item->awaited)
    g_cond_broadcast (&self->taken_cond);
  else
    {
      g_queue_push_tail_link (&self->ready, &item->link);
      defers = self->n_asleep > 0 && !self->wake_deferred;
      self->wake_deferred |= defers;
    }
  item_unref_locked (item);
  g_mutex_unlock (&self->mutex);

  g_clear_pointer (&call, tvm_call_unref);
  if (defers)
    tvm_engine_defer (wake_later, g_object_ref (self));
}

/**
 * tvm_completion_queue_submit:
 * @self: a queue
 * @pool: a pool
 * @task: what is to be run; it may be changed and submitted again afterwards
 *
 * Submits a task whose outcome is to come to the queue.
 *
 * It does not block and does not fail: what cannot be submitted has an error as its outcome.
 *
 * Returns: the number of the task in this queue, which is never 0 and never used again
 *
 * Since: 1.0
 */
guint64
tvm_completion_queue_submit (TvmCompletionQueue *self,
                             TvmPoolExecutor    *pool,
                             TvmTask            *task)
{
  Item *item;
  TvmCall *call;
  guint64 id;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), 0);
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (pool), 0);
  g_return_val_if_fail (TVM_IS_TASK (task), 0);

  item = g_new0 (Item, 1);
  item->link.data = item;
  /* For the table, the engine and this function */
  item->ref_count = 3;
  item->queue = g_object_ref (self);

  g_mutex_lock (&self->mutex);
  id = item->id = self->next_id++;
  g_hash_table_insert (self->items, &item->id, item);
  g_mutex_unlock (&self->mutex);

  call = tvm_engine_submit (tvm_pool_executor_get_engine (pool), task, NULL, item_done, item);

  g_mutex_lock (&self->mutex);
  if (!item->done)
    item->call = g_steal_pointer (&call);
  item_unref_locked (item);
  g_mutex_unlock (&self->mutex);

  g_clear_pointer (&call, tvm_call_unref);
  return id;
}

/**
 * tvm_completion_queue_submit_bytes:
 * @self: a queue
 * @pool: a pool
 * @data: (array length=size) (element-type guint8): what the worker is sent; it is copied
 * @size: how many bytes that is
 * @description: (nullable): what error messages call the task, as of
 *   [method@TvmSupport.Task.set_description]
 *
 * Submits a task of bytes.
 *
 * It does what [ctor@TvmSupport.Task.new_bytes] and [method@TvmSupport.CompletionQueue.submit] do,
 * for the binding of a language that submits many small calls, to which each call of a C function
 * is as expensive as what it does.
 *
 * Returns: the number of the task in this queue, which is never 0 and never used again
 *
 * Since: 1.0
 */
guint64
tvm_completion_queue_submit_bytes (TvmCompletionQueue *self,
                                   TvmPoolExecutor    *pool,
                                   const guint8       *data,
                                   gsize               size,
                                   const char         *description)
{
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (TvmTask) task = NULL;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), 0);
  g_return_val_if_fail (TVM_IS_POOL_EXECUTOR (pool), 0);
  g_return_val_if_fail (data != NULL || size == 0, 0);

  payload = g_bytes_new (data, size);
  task = tvm_task_new_bytes (payload);
  tvm_task_set_description (task, description);
  return tvm_completion_queue_submit (self, pool, task);
}

/* Returns: (transfer full) (nullable): the call of a task that is in flight */
static TvmCall *
find_call (TvmCompletionQueue *self,
           guint64             id)
{
  TvmCall *call = NULL;
  Item *item;

  g_mutex_lock (&self->mutex);
  item = g_hash_table_lookup (self->items, &id);
  if (item != NULL && item->call != NULL)
    call = tvm_call_ref (item->call);
  g_mutex_unlock (&self->mutex);

  return call;
}

/**
 * tvm_completion_queue_is_running:
 * @self: a queue
 * @id: the number of a task
 *
 * Says whether a worker has begun with a task, and has not ended it.
 *
 * The answer is one of the moment: when it is there, the task may have ended.
 *
 * Returns: %TRUE if it runs
 *
 * Since: 1.0
 */
gboolean
tvm_completion_queue_is_running (TvmCompletionQueue *self,
                                 guint64             id)
{
  TvmCall *call;
  gboolean runs;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), FALSE);

  call = find_call (self, id);
  runs = call != NULL && tvm_call_is_running (call);
  g_clear_pointer (&call, tvm_call_unref);
  return runs;
}

/**
 * tvm_completion_queue_cancel:
 * @self: a queue
 * @id: the number of a task
 *
 * Cancels a task.
 *
 * One that waits never begins, one that runs loses its worker, and its outcome is
 * `G_IO_ERROR_CANCELLED`. Nothing happens to one that has its outcome already.
 *
 * Since: 1.0
 */
void
tvm_completion_queue_cancel (TvmCompletionQueue *self,
                             guint64             id)
{
  TvmCall *call;

  g_return_if_fail (TVM_IS_COMPLETION_QUEUE (self));

  call = find_call (self, id);
  if (call != NULL)
    tvm_call_cancel (call);
  g_clear_pointer (&call, tvm_call_unref);
}

static gint64
get_end_time (gint64 timeout_msec)
{
  if (timeout_msec < 0 || timeout_msec > G_MAXINT64 / 2000)
    return -1;
  return g_get_monotonic_time () + timeout_msec * 1000;
}

/* Returns: FALSE at the time limit */
static gboolean
cond_wait (GCond  *cond,
           GMutex *mutex,
           gint64  end_time)
{
  if (end_time >= 0)
    return g_cond_wait_until (cond, mutex, end_time);

  g_cond_wait (cond, mutex);
  return TRUE;
}

/**
 * tvm_completion_queue_wait:
 * @self: a queue
 * @timeout_msec: milliseconds, or -1 for no limit
 *
 * Blocks until there is an outcome to take.
 *
 * Where several threads wait, another one may have taken it by the time that this returns.
 *
 * Returns: %FALSE if the time was over before
 *
 * Since: 1.0
 */
gboolean
tvm_completion_queue_wait (TvmCompletionQueue *self,
                           gint64              timeout_msec)
{
  gint64 end_time = get_end_time (timeout_msec);
  gboolean ready;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), FALSE);

  g_mutex_lock (&self->mutex);
  while (self->ready.length == 0)
    {
      gboolean woken;

      self->n_asleep++;
      woken = cond_wait (&self->cond, &self->mutex, end_time);
      self->n_asleep--;
      if (!woken)
        break;
    }
  ready = self->ready.length > 0;
  g_mutex_unlock (&self->mutex);

  return ready;
}

/* With the lock held, which it gives up. Returns: (transfer full) (nullable): the result of @item,
 * which is done */
static TvmTaskResult *
take_locked (TvmCompletionQueue  *self,
             Item                *item,
             GError             **error)
{
  TvmTaskResult *result = g_steal_pointer (&item->result);
  GError *problem = g_steal_pointer (&item->error);

  g_hash_table_remove (self->items, &item->id);
  g_mutex_unlock (&self->mutex);

  if (problem != NULL)
    g_propagate_error (error, problem);
  return result;
}

/**
 * tvm_completion_queue_pop:
 * @self: a queue
 * @id: (out): the number of the task, or 0 if there is nothing
 * @error: return location for an error
 *
 * Takes the next outcome, if there is one.
 *
 * The outcomes come in the order in which the tasks ended. The errors are those of
 * [method@TvmSupport.PoolExecutor.submit]; @id is set with an error, too.
 *
 * Returns: (transfer full) (nullable): the outcome, or %NULL without an error if there is none now
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_completion_queue_pop (TvmCompletionQueue  *self,
                          guint64             *id,
                          GError             **error)
{
  GList *link;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  *id = 0;
  g_mutex_lock (&self->mutex);
  link = g_queue_pop_head_link (&self->ready);
  if (link == NULL)
    {
      g_mutex_unlock (&self->mutex);
      return NULL;
    }

  *id = ((Item *) link->data)->id;
  return take_locked (self, link->data, error);
}

/* With the lock held, which it gives up meanwhile. This thread does the work of the I/O thread
 * where it can. */
static void
await_locked (TvmCompletionQueue *self,
              Item               *item,
              gint64              end_time)
{
  TvmCall *call = item->call != NULL ? tvm_call_ref (item->call) : NULL;
  gboolean interrupted = FALSE;

  item->awaited = TRUE;
  item->ref_count++;
  if (call != NULL)
    {
      g_mutex_unlock (&self->mutex);
      interrupted = tvm_call_help (call, end_time);
      tvm_call_unref (call);
      g_mutex_lock (&self->mutex);
    }

  while (!item->done && !interrupted)
    if (!cond_wait (&self->taken_cond, &self->mutex, end_time))
      break;

  item->awaited = FALSE;
  item_unref_locked (item);
}

/**
 * tvm_completion_queue_take:
 * @self: a queue
 * @id: the number of a task
 * @timeout_msec: milliseconds, or -1 for no limit
 * @error: return location for an error
 *
 * Waits for the outcome of one task, and takes it.
 *
 * The other methods do not give it to anybody meanwhile. Only one thread may wait for a task.
 *
 * It may also return before the time is over when this thread handles a signal, so that a language
 * that has a handler of its own for it can run that.
 *
 * The errors are those of [method@TvmSupport.PoolExecutor.submit].
 *
 * Returns: (transfer full) (nullable): the outcome, or %NULL without an error if it is not there yet,
 *   or was taken before
 *
 * Since: 1.0
 */
TvmTaskResult *
tvm_completion_queue_take (TvmCompletionQueue  *self,
                           guint64              id,
                           gint64               timeout_msec,
                           GError             **error)
{
  gint64 end_time = get_end_time (timeout_msec);
  Item *item;

  g_return_val_if_fail (TVM_IS_COMPLETION_QUEUE (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_mutex_lock (&self->mutex);
  item = g_hash_table_lookup (self->items, &id);
  if (item == NULL || item->awaited)
    {
      g_mutex_unlock (&self->mutex);
      return NULL;
    }

  if (item->done)
    g_queue_unlink (&self->ready, &item->link);
  else
    await_locked (self, item, end_time);
  if (item->done)
    return take_locked (self, item, error);

  g_mutex_unlock (&self->mutex);
  return NULL;
}
