/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-pool-view-private.h"

#include "tvmsupport/pool/tvm-worker-info-private.h"

/* A pool may change a hundred thousand times a second; nobody can look so often. */
#define INTERVAL_MSEC 5

struct _TvmPoolView
{
  int ref_count;            /* atomic: of the creator and of the engine */
  TvmEngine *engine;        /* (unowned): for as long as there is an owner */
  GWeakRef owner;
  TvmPoolViewFunc func;
  GMainContext *context;    /* (owned) (nullable) */
  GListStore *workers;      /* (owned): of TvmWorkerInfo */
  TvmEngineCounts counts;   /* as they were told */

  GMutex mutex;
  GSource *source;          /* (nullable) (owned): that will refresh */
  gboolean closed;
};

static void
view_unref (gpointer data)
{
  TvmPoolView *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_weak_ref_clear (&self->owner);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_object_unref (self->workers);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static const TvmEngineWorker *
find_worker (GArray  *workers,
             guint64  id)
{
  for (guint i = 0; i < workers->len; i++)
    {
      const TvmEngineWorker *worker = &g_array_index (workers, TvmEngineWorker, i);

      if (worker->id == id)
        return worker;
    }

  return NULL;
}

/* Makes the list what the engine says: those that are gone leave it, new ones come at the end. */
static void
update_workers (TvmPoolView *self)
{
  g_autoptr (GArray) workers = tvm_engine_get_workers (self->engine);
  GListModel *model = G_LIST_MODEL (self->workers);
  guint64 newest = 0;

  for (guint i = g_list_model_get_n_items (model); i-- > 0;)
    {
      g_autoptr (TvmWorkerInfo) info = g_list_model_get_item (model, i);
      guint64 id = tvm_worker_info_get_id (info);
      const TvmEngineWorker *worker = find_worker (workers, id);

      newest = MAX (newest, id);
      if (worker != NULL)
        tvm_worker_info_update (info, worker);
      else
        {
          TvmEngineWorker gone = {
            id, tvm_worker_info_get_pid (info), TVM_WORKER_STATE_GONE,
            tvm_worker_info_get_n_uses (info),
          };

          tvm_worker_info_update (info, &gone);
          g_list_store_remove (self->workers, i);
        }
    }

  for (guint i = 0; i < workers->len; i++)
    {
      const TvmEngineWorker *worker = &g_array_index (workers, TvmEngineWorker, i);

      if (worker->id > newest)
        {
          g_autoptr (TvmWorkerInfo) info = tvm_worker_info_new (worker);

          g_list_store_append (self->workers, info);
        }
    }
}

static gboolean
refresh (gpointer user_data)
{
  TvmPoolView *self = user_data;
  g_autoptr (GObject) owner = g_weak_ref_get (&self->owner);
  TvmEngineCounts old = self->counts;
  TvmPoolChange changes = TVM_POOL_CHANGE_WORKERS;

  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->source, g_source_unref);
  g_mutex_unlock (&self->mutex);
  if (owner == NULL)
    return G_SOURCE_REMOVE;

  tvm_engine_get_counts (self->engine, &self->counts);
  update_workers (self);
  if (old.n_queued != self->counts.n_queued)
    changes |= TVM_POOL_CHANGE_QUEUED;
  if (old.n_running != self->counts.n_running)
    changes |= TVM_POOL_CHANGE_RUNNING;
  if (old.n_finished != self->counts.n_finished)
    changes |= TVM_POOL_CHANGE_FINISHED;
  self->func (owner, changes);
  return G_SOURCE_REMOVE;
}

/* On any thread */
static void
changed (gpointer user_data)
{
  TvmPoolView *self = user_data;

  g_mutex_lock (&self->mutex);
  if (self->source == NULL && !self->closed)
    {
      self->source = g_timeout_source_new (INTERVAL_MSEC);
      g_atomic_int_inc (&self->ref_count);
      g_source_set_static_name (self->source, "[tvmsupport] changes of a pool");
      g_source_set_callback (self->source, refresh, self, view_unref);
      g_source_attach (self->source, self->context);
    }
  g_mutex_unlock (&self->mutex);
}

TvmPoolView *
tvm_pool_view_new (TvmEngine       *engine,
                   GObject         *owner,
                   TvmPoolViewFunc  func)
{
  TvmPoolView *self = g_new0 (TvmPoolView, 1);

  self->ref_count = 2;
  self->engine = engine;
  g_mutex_init (&self->mutex);
  g_weak_ref_init (&self->owner, owner);
  self->func = func;
  self->context = g_main_context_ref_thread_default ();
  self->workers = g_list_store_new (TVM_TYPE_WORKER_INFO);
  tvm_engine_set_watch (engine, changed, self, view_unref);
  return self;
}

/* Before the engine goes */
void
tvm_pool_view_free (TvmPoolView *self)
{
  GSource *source;

  /* In a fork another thread may have had the locks, and the context is the parent's: all that can
   * be done is to leave it. */
  if (tvm_engine_is_foreign (self->engine))
    return;

  g_weak_ref_set (&self->owner, NULL);

  /* In a context that nobody iterates any more it would keep itself, us and the context for
   * ever. */
  g_mutex_lock (&self->mutex);
  self->closed = TRUE;
  source = g_steal_pointer (&self->source);
  g_mutex_unlock (&self->mutex);
  if (source != NULL)
    {
      g_source_destroy (source);
      g_source_unref (source);
    }

  view_unref (self);
}

GListModel *
tvm_pool_view_get_workers (TvmPoolView *self)
{
  return G_LIST_MODEL (self->workers);
}
