/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-map-iterator.h"
#include "tvmsupport/pool/tvm-map-iterator-private.h"

#include "tvmsupport/pool/tvm-result-queue-private.h"
#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/pool/tvm-task-result-private.h"

#include <glib/gi18n-lib.h>

/**
 * TvmMapIterator:
 *
 * The results of many tasks, one after the other.
 *
 * An iterator is made by [method@TvmSupport.PoolExecutor.map] or
 * [method@TvmSupport.PoolExecutor.map_tasks]. Its tasks are made as they are needed: never more
 * than [property@TvmSupport.MapIterator:look-ahead] of them are in the pool, or have a result that
 * nobody has asked for, so that the input may be of any length.
 *
 * ```c
 * static double
 * sum_all (TvmPoolExecutor  *pool,
 *          GVariant        **items,
 *          gsize             n_items)
 * {
 *   g_autoptr (TvmMapIterator) iterator =
 *     tvm_pool_executor_map (pool, "measure", items, n_items, TVM_MAP_FLAGS_UNORDERED);
 *   TvmMapResult *result;
 *   double sum = 0;
 *
 *   while ((result = tvm_map_iterator_next (iterator, NULL, NULL)) != NULL)
 *     {
 *       if (tvm_map_result_get_error (result) == NULL)
 *         sum += g_variant_get_double (tvm_map_result_get_value (result));
 *       g_object_unref (result);
 *     }
 *
 *   return sum;
 * }
 * ```
 *
 * A task that fails, crashes its worker, runs into its time limit or loses its pool is a result
 * with an error, and ends nothing.
 *
 * An iterator can be used by several threads at a time; each result goes to one of them. It keeps
 * its pool. When it is closed, or the last reference to it is dropped, the tasks that are in the
 * pool are cancelled.
 *
 * Since: 1.0
 */

/* The automatic look-ahead begins with a few tasks for each worker. It doubles where half of it is
 * gone before SHORT_USEC, up to what the workers themselves take ahead, and halves where that
 * lasts longer than LONG_USEC: long tasks gain nothing from it, and the input may be dear. */
#define AUTOMATIC_PER_WORKER 4
#define AUTOMATIC_MINIMUM 64
#define AUTOMATIC_MAXIMUM_PER_WORKER 1024
#define SHORT_USEC 5000
#define LONG_USEC 50000

/* How long tasks may be made while others wait to be submitted, or a result to be returned */
#define DRAW_LIMIT_USEC 250

struct _TvmMapIterator
{
  GObject parent_instance;

  TvmEngine *engine;        /* (owned) (nullable): NULL if no pool has made it */
  guint max_workers;
  TvmResultQueue *queue;    /* (owned): its lock is for what follows */

  guint look_ahead;         /* 0: automatic */
  guint automatic;
  gint64 refill_time;
  TvmMapFunc next_task;
  gpointer user_data;
  GDestroyNotify destroy;   /* (nullable): NULL once it was called */
  GThread *drawer;          /* (nullable): that is making tasks, without the lock */
};

G_DEFINE_FINAL_TYPE (TvmMapIterator, tvm_map_iterator, G_TYPE_OBJECT)

typedef enum
{
  PROP_LOOK_AHEAD = 1,
} TvmMapIteratorProperty;

static GParamSpec *obj_props[PROP_LOOK_AHEAD + 1];

static void
tvm_map_iterator_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  TvmMapIterator *self = TVM_MAP_ITERATOR (object);

  switch ((TvmMapIteratorProperty) prop_id)
    {
    case PROP_LOOK_AHEAD:
      g_value_set_uint (value, tvm_map_iterator_get_look_ahead (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_map_iterator_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  TvmMapIterator *self = TVM_MAP_ITERATOR (object);

  switch ((TvmMapIteratorProperty) prop_id)
    {
    case PROP_LOOK_AHEAD:
      tvm_map_iterator_set_look_ahead (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static gboolean
is_foreign (TvmMapIterator *self)
{
  return self->engine != NULL && tvm_engine_is_foreign (self->engine);
}

static void
tvm_map_iterator_dispose (GObject *object)
{
  TvmMapIterator *self = TVM_MAP_ITERATOR (object);

  tvm_map_iterator_close (self);

  G_OBJECT_CLASS (tvm_map_iterator_parent_class)->dispose (object);
}

static void
tvm_map_iterator_finalize (GObject *object)
{
  TvmMapIterator *self = TVM_MAP_ITERATOR (object);

  /* Its lock may be held by a thread that only the parent of a fork has. */
  if (!is_foreign (self))
    tvm_result_queue_unref (self->queue);
  g_clear_pointer (&self->engine, tvm_engine_unref);

  G_OBJECT_CLASS (tvm_map_iterator_parent_class)->finalize (object);
}

static void
tvm_map_iterator_class_init (TvmMapIteratorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_map_iterator_get_property;
  object_class->set_property = tvm_map_iterator_set_property;
  object_class->dispose = tvm_map_iterator_dispose;
  object_class->finalize = tvm_map_iterator_finalize;

  /**
   * TvmMapIterator:look-ahead:
   *
   * How many tasks may be in the pool, or have a result that nobody has asked for; 0 for a number
   * that keeps every worker busy. More than that are there only if more calls than that wait for a
   * result.
   *
   * Since: 1.0
   */
  obj_props[PROP_LOOK_AHEAD] =
    g_param_spec_uint ("look-ahead", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static gpointer
wrap_result (guint64        index,
             TvmTaskResult *result)
{
  return tvm_map_result_new (index, result);
}

static void
tvm_map_iterator_init (TvmMapIterator *self)
{
  self->queue = tvm_result_queue_new (wrap_result);
}

static guint
get_minimum (TvmMapIterator *self)
{
  return MAX (AUTOMATIC_MINIMUM, AUTOMATIC_PER_WORKER * self->max_workers);
}

TvmMapIterator *
tvm_map_iterator_new (TvmEngine      *engine,
                      guint           max_workers,
                      TvmMapFunc      next_task,
                      gpointer        user_data,
                      GDestroyNotify  destroy,
                      TvmMapFlags     flags)
{
  TvmMapIterator *self = g_object_new (TVM_TYPE_MAP_ITERATOR, NULL);

  self->engine = tvm_engine_ref (engine);
  self->max_workers = max_workers;
  self->automatic = get_minimum (self);
  if ((flags & TVM_MAP_FLAGS_UNORDERED) != 0)
    tvm_result_queue_set_unordered (self->queue);
  self->next_task = next_task;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

/* The input of tvm_pool_executor_map(). Its tasks are used again and again: the engine reads a
 * task when it is submitted, and never after it. */
typedef struct
{
  char *function;
  TvmTask *tasks[TVM_RESULT_QUEUE_MAX_BATCH];   /* (owned) (nullable) */
  GVariant **items;         /* (owned) (array length=n_items) */
  gsize n_items;
  gsize position;
} Items;

static TvmTask *
items_next (gpointer user_data)
{
  Items *self = user_data;
  TvmTask **task = &self->tasks[self->position % G_N_ELEMENTS (self->tasks)];

  if (self->position == self->n_items)
    return NULL;

  if (*task == NULL)
    *task = tvm_task_new (self->function, NULL);
  g_variant_unref ((*task)->args);
  (*task)->args = g_steal_pointer (&self->items[self->position++]);
  return g_object_ref (*task);
}

static void
items_free (gpointer items)
{
  Items *self = items;

  for (gsize i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    g_clear_object (&self->tasks[i]);
  for (gsize i = self->position; i < self->n_items; i++)
    g_variant_unref (self->items[i]);
  g_free (self->items);
  g_free (self->function);
  g_free (self);
}

TvmMapIterator *
tvm_map_iterator_new_for_items (TvmEngine   *engine,
                                guint        max_workers,
                                const char  *function,
                                GVariant   **items,
                                gsize        n_items,
                                TvmMapFlags  flags)
{
  Items *input = g_new0 (Items, 1);

  input->function = g_strdup (function);
  input->items = g_new (GVariant *, n_items);
  input->n_items = n_items;
  for (gsize i = 0; i < n_items; i++)
    input->items[i] = g_variant_ref_sink (items[i]);

  return tvm_map_iterator_new (engine, max_workers, items_next, input, items_free, flags);
}

/* When half of it is used up */
static void
adapt_window_locked (TvmMapIterator *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 elapsed = now - self->refill_time;

  if (self->refill_time != 0 && elapsed < SHORT_USEC)
    self->automatic = MIN (2 * self->automatic,
                           MAX (get_minimum (self),
                                AUTOMATIC_MAXIMUM_PER_WORKER * self->max_workers));
  else if (elapsed > LONG_USEC)
    self->automatic = MAX (self->automatic / 2, get_minimum (self));
  self->refill_time = now;
}

static guint
get_window_locked (TvmMapIterator *self)
{
  return self->look_ahead != 0 ? self->look_ahead : self->automatic;
}

/* Without the lock, by the drawer or when there is none */
static void
release_input (TvmMapIterator *self)
{
  GDestroyNotify destroy;

  tvm_result_queue_lock (self->queue);
  destroy = g_steal_pointer (&self->destroy);
  tvm_result_queue_unlock (self->queue);

  if (destroy != NULL)
    destroy (self->user_data);
}

/* Without the lock. Returns: FALSE if there was no task any more */
static gboolean
draw_batch (TvmMapIterator *self,
            gsize           n_wanted)
{
  TvmTask *tasks[TVM_RESULT_QUEUE_MAX_BATCH];
  gint64 limit = 0;
  gboolean more = TRUE;
  guint n = 0;

  n_wanted = MIN (n_wanted, G_N_ELEMENTS (tasks));
  while (n < n_wanted)
    {
      gint64 now = g_get_monotonic_time ();

      if (limit == 0)
        limit = now + DRAW_LIMIT_USEC;
      else if (now >= limit)
        break;

      tasks[n] = self->next_task (self->user_data);
      if (tasks[n] == NULL)
        {
          more = FALSE;
          break;
        }
      n++;
    }

  if (n > 0)
    tvm_result_queue_submit (self->queue, self->engine, tasks, n);
  for (guint i = 0; i < n; i++)
    g_object_unref (tasks[i]);
  return more;
}

/* With the lock, which it gives up meanwhile. Afterwards there is a task for each caller that
 * waits, and one more, or no task is left, or another thread sees to it. */
static void
refill_locked (TvmMapIterator *self)
{
  TvmResultQueue *queue = self->queue;
  gsize n_outstanding = tvm_result_queue_get_n_outstanding (queue);
  gsize n_waiting = tvm_result_queue_get_n_waiting (queue);
  guint window = get_window_locked (self);
  gboolean more = TRUE;

  if (self->drawer != NULL
      || tvm_result_queue_is_ended (queue)
      || n_outstanding > n_waiting + window / 2)
    return;

  self->drawer = g_thread_self ();
  if (n_outstanding <= window / 2)
    adapt_window_locked (self);
  do
    {
      tvm_result_queue_unlock (queue);
      more = draw_batch (self, n_waiting + window - n_outstanding);
      if (!more)
        {
          tvm_result_queue_end (queue);
          release_input (self);
        }
      tvm_result_queue_lock (queue);

      n_outstanding = tvm_result_queue_get_n_outstanding (queue);
      n_waiting = tvm_result_queue_get_n_waiting (queue);
      window = get_window_locked (self);
    }
  while (more
         && !tvm_result_queue_is_ended (queue)
         && n_outstanding < n_waiting + window
         /* The caller need not wait any longer, and nobody else depends on it. */
         && (n_outstanding <= n_waiting || !tvm_result_queue_is_ready (queue)));
  self->drawer = NULL;

  /* It was closed meanwhile, and left this to us. */
  if (tvm_result_queue_is_ended (queue) && self->destroy != NULL)
    {
      tvm_result_queue_unlock (queue);
      release_input (self);
      tvm_result_queue_lock (queue);
    }
}

/* Takes the lock and sees to it that there is something to wait for. Returns: FALSE, without the
 * lock, if the caller must not wait */
static gboolean
lock_for_next (TvmMapIterator  *self,
               GError         **error)
{
  if (is_foreign (self))
    {
      g_propagate_error (error, tvm_engine_make_foreign_error ());
      return FALSE;
    }

  if (self->engine == NULL)
    tvm_result_queue_end (self->queue);

  tvm_result_queue_lock (self->queue);
  if (G_UNLIKELY (self->drawer == g_thread_self ()))
    {
      tvm_result_queue_unlock (self->queue);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                           _("The function that makes the tasks of an iterator cannot wait for one "
                             "of its results"));
      return FALSE;
    }

  if (self->engine != NULL)
    refill_locked (self);
  return TRUE;
}

/**
 * tvm_map_iterator_get_look_ahead: (get-property look-ahead)
 * @self: an iterator
 *
 * Gets how many tasks may be in the pool, or have a result that nobody has asked for.
 *
 * Returns: the number, or 0 for one that keeps every worker busy
 *
 * Since: 1.0
 */
guint
tvm_map_iterator_get_look_ahead (TvmMapIterator *self)
{
  guint look_ahead;

  g_return_val_if_fail (TVM_IS_MAP_ITERATOR (self), 0);

  tvm_result_queue_lock (self->queue);
  look_ahead = self->look_ahead;
  tvm_result_queue_unlock (self->queue);

  return look_ahead;
}

/**
 * tvm_map_iterator_set_look_ahead: (set-property look-ahead)
 * @self: an iterator
 * @look_ahead: the number, or 0 for one that keeps every worker busy
 *
 * Sets how many tasks may be in the pool, or have a result that nobody has asked for. It counts
 * from the next call on.
 *
 * Since: 1.0
 */
void
tvm_map_iterator_set_look_ahead (TvmMapIterator *self,
                                 guint           look_ahead)
{
  gboolean changed;

  g_return_if_fail (TVM_IS_MAP_ITERATOR (self));

  tvm_result_queue_lock (self->queue);
  changed = self->look_ahead != look_ahead;
  self->look_ahead = look_ahead;
  tvm_result_queue_unlock (self->queue);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_LOOK_AHEAD]);
}

/**
 * tvm_map_iterator_next:
 * @self: an iterator
 * @cancellable: (nullable): cancels the wait, not the tasks
 * @error: a #GError
 *
 * Waits for the next result: that of the next task, or with %TVM_MAP_FLAGS_UNORDERED of any.
 *
 * New tasks are made meanwhile, in this thread, so that the pool does not run out of them.
 *
 * The only errors are %G_IO_ERROR_CANCELLED, after which the iterator can be used as before,
 * %G_IO_ERROR_PENDING, if it is called by the function that makes its tasks, and
 * %TVM_ERROR_FAILED in a fork of the application.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error after the last one, and
 *   when the iterator was closed
 *
 * Since: 1.0
 */
TvmMapResult *
tvm_map_iterator_next (TvmMapIterator  *self,
                       GCancellable    *cancellable,
                       GError         **error)
{
  g_return_val_if_fail (TVM_IS_MAP_ITERATOR (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !lock_for_next (self, error))
    return NULL;

  return tvm_result_queue_pop (self->queue, self->engine, cancellable, error);
}

/**
 * tvm_map_iterator_next_async:
 * @self: an iterator
 * @cancellable: (nullable): cancels the wait, not the tasks
 * @callback: (scope async) (closure user_data): what to call when there is a result
 * @user_data: data for @callback
 *
 * Asks for the next result, as [method@TvmSupport.MapIterator.next] does. New tasks are made before
 * it returns. Any number of calls may wait; they are answered in their order.
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_map_iterator_next_async (TvmMapIterator      *self,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (TVM_IS_MAP_ITERATOR (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_map_iterator_next_async);

  if (g_task_return_error_if_cancelled (task))
    return;

  if (lock_for_next (self, &error))
    tvm_result_queue_pop_async (self->queue, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

/**
 * tvm_map_iterator_next_finish:
 * @self: an iterator
 * @result: what the callback was given
 * @error: a #GError
 *
 * Gets what came of [method@TvmSupport.MapIterator.next_async].
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error after the last one, and
 *   when the iterator was closed
 *
 * Since: 1.0
 */
TvmMapResult *
tvm_map_iterator_next_finish (TvmMapIterator  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (TVM_IS_MAP_ITERATOR (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_map_iterator_close:
 * @self: an iterator
 *
 * Ends the iterator: what it has in the pool is cancelled, results that nobody has asked for are
 * dropped, and no more tasks are made. Whoever waits for a result gets %NULL.
 *
 * It does not wait. To close an iterator again does nothing.
 *
 * Since: 1.0
 */
void
tvm_map_iterator_close (TvmMapIterator *self)
{
  gboolean drawing;

  g_return_if_fail (TVM_IS_MAP_ITERATOR (self));

  if (is_foreign (self))
    return;

  tvm_result_queue_close (self->queue);

  tvm_result_queue_lock (self->queue);
  drawing = self->drawer != NULL;
  tvm_result_queue_unlock (self->queue);

  if (!drawing)
    release_input (self);
}
