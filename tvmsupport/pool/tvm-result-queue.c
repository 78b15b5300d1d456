/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-result-queue-private.h"

#include "tvmsupport/pool/tvm-task-result-private.h"

/* A task, from its submission until its result is given away. It is held by the engine until the
 * outcome, by its submitter until the submission has returned, and by the queue until somebody
 * takes it. */
typedef struct
{
  GList link;               /* in one of the lists of the queue */
  TvmResultQueue *queue;    /* (owned) while in flight */
  guint64 index;
  TvmCall *call;            /* (nullable) (owned): while in flight */
  TvmTaskResult *result;    /* (nullable) (owned): from the outcome on */
  gboolean submitting;
  gboolean refused;         /* there was an error while it was being submitted */
  gboolean taken;           /* by somebody, while it was still being submitted */
} Slot;

typedef struct
{
  GList link;
  TvmResultQueue *queue;    /* (owned) */
  GTask *task;              /* (nullable) (owned): until it is completed */
  GSource *source;          /* (nullable) (owned): of its cancellable */
  gboolean queued;
  guint64 index;
  TvmTaskResult *result;
} Waiter;

struct _TvmResultQueue
{
  gatomicrefcount ref_count;
  gboolean ordered;
  TvmResultQueueWrap wrap;

  /* For what follows */
  GMutex mutex;
  GCond cond;
  GQueue slots;             /* in the order of the tasks; not ordered: those in flight */
  GQueue ready;             /* not ordered: those with a result */
  GQueue unused;
  GQueue waiters;           /* (element-type Waiter) */
  guint n_blocked;          /* threads in tvm_result_queue_pop() */
  guint n_asleep;           /* of them, those that somebody must wake */
  gsize n_outstanding;
  guint64 next_index;
  gboolean ended;
  gboolean closed;
  gboolean wake_deferred;   /* until all that come together are there */
};

TvmResultQueue *
tvm_result_queue_new (TvmResultQueueWrap wrap)
{
  TvmResultQueue *self = g_new0 (TvmResultQueue, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->ordered = TRUE;
  self->wrap = wrap;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_queue_init (&self->slots);
  g_queue_init (&self->ready);
  g_queue_init (&self->unused);
  g_queue_init (&self->waiters);
  return self;
}

void
tvm_result_queue_set_unordered (TvmResultQueue *self)
{
  self->ordered = FALSE;
}

TvmResultQueue *
tvm_result_queue_ref (TvmResultQueue *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
slot_free (gpointer slot)
{
  Slot *self = slot;

  g_clear_pointer (&self->call, tvm_call_unref);
  g_clear_object (&self->result);
  g_free (self);
}

/* Frees the links too, which are part of the slots */
static void
clear_slots (GQueue *slots)
{
  GList *link;

  while ((link = g_queue_pop_head_link (slots)) != NULL)
    slot_free (link->data);
}

void
tvm_result_queue_unref (TvmResultQueue *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  clear_slots (&self->slots);
  clear_slots (&self->ready);
  clear_slots (&self->unused);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

void
tvm_result_queue_lock (TvmResultQueue *self)
{
  g_mutex_lock (&self->mutex);
}

void
tvm_result_queue_unlock (TvmResultQueue *self)
{
  g_mutex_unlock (&self->mutex);
}

gsize
tvm_result_queue_get_n_waiting (TvmResultQueue *self)
{
  return self->n_blocked + self->waiters.length;
}

gsize
tvm_result_queue_get_n_outstanding (TvmResultQueue *self)
{
  return self->n_outstanding;
}

gboolean
tvm_result_queue_is_ready (TvmResultQueue *self)
{
  const Slot *first;

  if (!self->ordered)
    return self->ready.head != NULL;

  first = self->slots.head != NULL ? self->slots.head->data : NULL;
  return first != NULL && first->result != NULL;
}

gboolean
tvm_result_queue_is_ended (TvmResultQueue *self)
{
  return self->ended || self->closed;
}

static Slot *
get_unused_slot_locked (TvmResultQueue *self)
{
  GList *link = g_queue_pop_head_link (&self->unused);
  Slot *slot;

  if (link != NULL)
    return link->data;

  slot = g_new0 (Slot, 1);
  slot->link.data = slot;
  return slot;
}

/* Of a slot in no list that nobody needs but, perhaps, the one that submits it */
static void
drop_slot_locked (TvmResultQueue *self,
                  Slot           *slot)
{
  slot->taken = slot->submitting;
  if (!slot->submitting)
    g_queue_push_head_link (&self->unused, &slot->link);
}

/* Returns: (transfer full) (nullable): the next result, if it is there */
static TvmTaskResult *
take_locked (TvmResultQueue *self,
             guint64        *index)
{
  GQueue *from = self->ordered ? &self->slots : &self->ready;
  TvmTaskResult *result;
  Slot *slot;

  if (!tvm_result_queue_is_ready (self))
    return NULL;

  slot = from->head->data;
  g_queue_unlink (from, &slot->link);
  self->n_outstanding--;
  result = g_steal_pointer (&slot->result);
  *index = slot->index;
  drop_slot_locked (self, slot);
  return result;
}

static gboolean
is_over_locked (TvmResultQueue *self)
{
  return self->closed || (self->ended && self->n_outstanding == 0);
}

/* Moves those who need not wait any more to @served. */
static void
serve_locked (TvmResultQueue *self,
              GQueue         *served)
{
  while (self->waiters.head != NULL
         && (tvm_result_queue_is_ready (self) || is_over_locked (self)))
    {
      Waiter *waiter = self->waiters.head->data;

      g_queue_unlink (&self->waiters, &waiter->link);
      waiter->queued = FALSE;
      waiter->result = take_locked (self, &waiter->index);
      g_queue_push_tail_link (served, &waiter->link);
    }
}

/* To wake nobody is a system call too. */
static gboolean
is_wake_needed_locked (TvmResultQueue *self)
{
  return self->n_asleep > 0 && (tvm_result_queue_is_ready (self) || is_over_locked (self));
}

static void
wake_locked (TvmResultQueue *self)
{
  if (is_wake_needed_locked (self))
    g_cond_broadcast (&self->cond);
}

static void
wake_later (gpointer user_data)
{
  g_autoptr (TvmResultQueue) self = user_data;

  g_mutex_lock (&self->mutex);
  self->wake_deferred = FALSE;
  wake_locked (self);
  g_mutex_unlock (&self->mutex);
}

static void
waiter_clear (gpointer waiter)
{
  Waiter *self = waiter;

  g_clear_pointer (&self->source, g_source_unref);
  tvm_result_queue_unref (self->queue);
}

static void
waiter_unref (gpointer waiter)
{
  g_atomic_rc_box_release_full (waiter, waiter_clear);
}

/* Without the lock */
static void
complete_served (GQueue *served)
{
  GList *link;

  while ((link = g_queue_pop_head_link (served)) != NULL)
    {
      Waiter *waiter = link->data;
      g_autoptr (GTask) task = g_steal_pointer (&waiter->task);
      gpointer value = NULL;

      if (waiter->source != NULL)
        g_source_destroy (waiter->source);
      if (waiter->result != NULL)
        value = waiter->queue->wrap (waiter->index, g_steal_pointer (&waiter->result));
      g_task_return_pointer (task, value, g_object_unref);
      waiter_unref (waiter);
    }
}

/* In the context of the one who waits */
static gboolean
waiter_cancelled (GCancellable *cancellable,
                  gpointer      user_data)
{
  Waiter *waiter = user_data;
  TvmResultQueue *self = waiter->queue;
  g_autoptr (GTask) task = NULL;

  g_mutex_lock (&self->mutex);
  if (waiter->queued)
    {
      g_queue_unlink (&self->waiters, &waiter->link);
      waiter->queued = FALSE;
      task = g_steal_pointer (&waiter->task);
    }
  g_mutex_unlock (&self->mutex);

  if (task != NULL)
    {
      GError *error = NULL;

      g_cancellable_set_error_if_cancelled (cancellable, &error);
      g_task_return_error (task, error);
      waiter_unref (waiter);
    }

  return G_SOURCE_REMOVE;
}

/* Gives up the lock. */
static void
add_waiter (TvmResultQueue *self,
            GTask          *task)
{
  Waiter *waiter = g_atomic_rc_box_new0 (Waiter);
  GCancellable *cancellable = g_task_get_cancellable (task);
  const int priority = g_task_get_priority (task);
  g_autoptr (GSource) source = NULL;

  waiter->link.data = waiter;
  waiter->queue = tvm_result_queue_ref (self);
  waiter->task = task;
  waiter->queued = TRUE;
  g_queue_push_tail_link (&self->waiters, &waiter->link);
  if (cancellable == NULL)
    {
      g_mutex_unlock (&self->mutex);
      return;
    }

  g_object_ref (cancellable);
  g_atomic_rc_box_acquire (waiter);
  g_mutex_unlock (&self->mutex);

  /* Without our lock: a cancellable has one too, which may be held while it calls us. The task may
   * be somebody else's by now. */
  source = g_cancellable_source_new (cancellable);
  g_object_unref (cancellable);
  g_source_set_static_name (source, "[tvmsupport] result cancelled");
  g_source_set_priority (source, priority);
  g_source_set_callback (source, G_SOURCE_FUNC (waiter_cancelled), waiter, waiter_unref);

  g_mutex_lock (&self->mutex);
  if (waiter->queued)
    {
      waiter->source = g_source_ref (source);
      g_source_attach (source, g_task_get_context (task));
    }
  g_mutex_unlock (&self->mutex);
}

void
tvm_result_queue_pop_async (TvmResultQueue *self,
                            GTask          *task)
{
  TvmTaskResult *result;
  guint64 index = 0;

  /* Who is given a result has it, even if it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);

  result = take_locked (self, &index);
  if (result == NULL && !is_over_locked (self))
    {
      add_waiter (self, task);
      return;
    }
  g_mutex_unlock (&self->mutex);

  g_task_return_pointer (task, result != NULL ? self->wrap (index, result) : NULL, g_object_unref);
  g_object_unref (task);
}

static void
wake_blocked (GCancellable   *cancellable,
              TvmResultQueue *self)
{
  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* With the lock held, which it gives up meanwhile. It cannot be interrupted. */
static void
help_first_locked (TvmResultQueue *self,
                   TvmEngine      *engine)
{
  Slot *first = self->slots.head != NULL ? self->slots.head->data : NULL;
  TvmCall *call;

  if (first == NULL || first->call == NULL)
    return;

  call = tvm_call_ref (first->call);
  g_mutex_unlock (&self->mutex);
  tvm_engine_help (engine, call);
  tvm_call_unref (call);
  g_mutex_lock (&self->mutex);
}

/* With the lock held. Returns: as take_locked() */
static TvmTaskResult *
wait_locked (TvmResultQueue *self,
             TvmEngine      *engine,
             GCancellable   *cancellable,
             guint64        *index)
{
  TvmTaskResult *result;
  gulong handler = 0;

  self->n_blocked++;

  /* Where any result will do, none must be waited for in particular. */
  if (self->ordered && cancellable == NULL)
    help_first_locked (self, engine);

  /* The handler may run at once, and takes the lock. */
  if (cancellable != NULL)
    {
      g_mutex_unlock (&self->mutex);
      handler = g_cancellable_connect (cancellable, G_CALLBACK (wake_blocked), self, NULL);
      g_mutex_lock (&self->mutex);
    }

  while ((result = take_locked (self, index)) == NULL
         && !is_over_locked (self)
         && !g_cancellable_is_cancelled (cancellable))
    {
      self->n_asleep++;
      g_cond_wait (&self->cond, &self->mutex);
      self->n_asleep--;
    }

  self->n_blocked--;

  if (handler != 0)
    {
      g_mutex_unlock (&self->mutex);
      g_cancellable_disconnect (cancellable, handler);
      g_mutex_lock (&self->mutex);
    }

  return result;
}

gpointer
tvm_result_queue_pop (TvmResultQueue  *self,
                      TvmEngine       *engine,
                      GCancellable    *cancellable,
                      GError         **error)
{
  TvmTaskResult *result;
  gboolean over = FALSE;
  guint64 index = 0;

  result = take_locked (self, &index);
  if (result == NULL)
    {
      over = is_over_locked (self);
      if (!over)
        {
          result = wait_locked (self, engine, cancellable, &index);
          over = is_over_locked (self);
        }
    }
  g_mutex_unlock (&self->mutex);

  if (result != NULL)
    return self->wrap (index, result);

  if (!over)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  return NULL;
}

/* From the engine */
static void
slot_done (TvmTaskResult *result,
           GError        *error,
           gpointer       user_data)
{
  Slot *slot = user_data;
  g_autoptr (TvmResultQueue) self = g_steal_pointer (&slot->queue);
  g_autoptr (TvmTaskResult) unwanted = NULL;
  const gboolean failed = error != NULL;
  TvmCall *call;
  GQueue served = G_QUEUE_INIT;
  gboolean defers = FALSE;

  if (failed)
    result = tvm_task_result_new_error (error);

  g_mutex_lock (&self->mutex);
  call = g_steal_pointer (&slot->call);
  if (self->closed)
    {
      unwanted = result;
      g_queue_unlink (&self->slots, &slot->link);
      drop_slot_locked (self, slot);
    }
  else
    {
      slot->result = result;
      slot->refused = failed && slot->submitting;
      if (!self->ordered)
        {
          g_queue_unlink (&self->slots, &slot->link);
          g_queue_push_tail_link (&self->ready, &slot->link);
        }
      serve_locked (self, &served);
      defers = !self->wake_deferred && is_wake_needed_locked (self);
      self->wake_deferred |= defers;
    }
  g_mutex_unlock (&self->mutex);

  /* Who waits is woken for all results that come together. */
  if (defers)
    tvm_engine_defer (wake_later, tvm_result_queue_ref (self));

  g_clear_pointer (&call, tvm_call_unref);
  complete_served (&served);
}

/* The submission of @slot has returned @call (transfer full). Returns: (transfer full) (nullable):
 * @call, if the slot has no use for it */
static TvmCall *
slot_submitted_locked (TvmResultQueue *self,
                       Slot           *slot,
                       TvmCall        *call)
{
  slot->submitting = FALSE;

  if (slot->taken)
    {
      slot->taken = FALSE;
      g_queue_push_head_link (&self->unused, &slot->link);
      return call;
    }

  /* Nobody else will cancel it. */
  if (slot->result != NULL || self->closed)
    return call;

  slot->call = call;
  return NULL;
}

static gboolean
add_slots (TvmResultQueue  *self,
           Slot           **slots,
           guint            n_slots)
{
  gboolean open;

  g_mutex_lock (&self->mutex);
  open = !self->closed;
  for (guint i = 0; open && i < n_slots; i++)
    {
      slots[i] = get_unused_slot_locked (self);
      slots[i]->queue = tvm_result_queue_ref (self);
      slots[i]->index = self->next_index++;
      slots[i]->submitting = TRUE;
      slots[i]->refused = FALSE;
      g_queue_push_tail_link (&self->slots, &slots[i]->link);
      self->n_outstanding++;
    }
  g_mutex_unlock (&self->mutex);

  return open;
}

static void
drop_call (TvmCall  *call,
           gboolean  cancel)
{
  if (cancel)
    tvm_call_cancel (call);
  tvm_call_unref (call);
}

void
tvm_result_queue_submit (TvmResultQueue  *self,
                         TvmEngine       *engine,
                         TvmTask        **tasks,
                         guint            n_tasks)
{
  Slot *slots[TVM_RESULT_QUEUE_MAX_BATCH];
  TvmCall *calls[TVM_RESULT_QUEUE_MAX_BATCH];
  gboolean closed;

  g_return_if_fail (n_tasks <= G_N_ELEMENTS (slots));

  if (!add_slots (self, slots, n_tasks))
    return;

  if (n_tasks > 1)
    tvm_engine_cork (engine);
  for (guint i = 0; i < n_tasks; i++)
    calls[i] = tvm_engine_submit (engine, tasks[i], NULL, slot_done, slots[i]);
  if (n_tasks > 1)
    tvm_engine_uncork (engine);

  g_mutex_lock (&self->mutex);
  for (guint i = 0; i < n_tasks; i++)
    calls[i] = slot_submitted_locked (self, slots[i], calls[i]);
  closed = self->closed;
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; i < n_tasks; i++)
    if (calls[i] != NULL)
      drop_call (calls[i], closed);
}

gboolean
tvm_result_queue_submit_one (TvmResultQueue  *self,
                             TvmEngine       *engine,
                             TvmTask         *task,
                             GError         **error)
{
  g_autoptr (TvmTaskResult) refusal = NULL;
  gboolean closed;
  TvmCall *call;
  Slot *slot;

  if (!add_slots (self, &slot, 1))
    return TRUE;

  call = tvm_engine_submit (engine, task, NULL, slot_done, slot);

  g_mutex_lock (&self->mutex);
  /* Unless somebody was given it as a result meanwhile */
  if (slot->refused && !slot->taken)
    {
      refusal = g_steal_pointer (&slot->result);
      g_queue_unlink (self->ordered ? &self->slots : &self->ready, &slot->link);
      self->n_outstanding--;
      drop_slot_locked (self, slot);
    }
  call = slot_submitted_locked (self, slot, call);
  closed = self->closed;
  g_mutex_unlock (&self->mutex);

  if (call != NULL)
    drop_call (call, closed);
  return refusal == NULL || tvm_task_result_check (refusal, error);
}

void
tvm_result_queue_end (TvmResultQueue *self)
{
  GQueue served = G_QUEUE_INIT;

  g_mutex_lock (&self->mutex);
  self->ended = TRUE;
  serve_locked (self, &served);
  wake_locked (self);
  g_mutex_unlock (&self->mutex);

  complete_served (&served);
}

/* Of what has a result, which nobody will take any more */
static void
drop_results_locked (TvmResultQueue *self,
                     GQueue         *slots,
                     GPtrArray      *results)
{
  for (GList *link = slots->head, *next; link != NULL; link = next)
    {
      Slot *slot = link->data;

      next = link->next;
      if (slot->result == NULL)
        continue;

      g_ptr_array_add (results, g_steal_pointer (&slot->result));
      g_queue_unlink (slots, &slot->link);
      drop_slot_locked (self, slot);
    }
}

void
tvm_result_queue_close (TvmResultQueue *self)
{
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) tvm_call_unref);
  GQueue served = G_QUEUE_INIT;

  g_mutex_lock (&self->mutex);
  self->closed = TRUE;
  self->n_outstanding = 0;
  drop_results_locked (self, &self->slots, results);
  drop_results_locked (self, &self->ready, results);
  for (GList *link = self->slots.head; link != NULL; link = link->next)
    {
      Slot *slot = link->data;

      if (slot->call != NULL)
        g_ptr_array_add (calls, g_steal_pointer (&slot->call));
    }
  serve_locked (self, &served);
  wake_locked (self);
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; i < calls->len; i++)
    tvm_call_cancel (g_ptr_array_index (calls, i));
  complete_served (&served);
}
