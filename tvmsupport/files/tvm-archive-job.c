/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include <sched.h>

/* How often somebody is told, at most */
#define REPORT_INTERVAL (G_TIME_SPAN_SECOND / 20)

const TvmArchiveSettings tvm_archive_default_settings = {
  .compression = TVM_TAR_COMPRESSION_AUTO,
  .level = -1,
  .duplicates = TVM_TAR_DUPLICATES_REFUSE,
  .links = TVM_TAR_LINKS_REFUSE,
  .max_entries = TVM_ARCHIVE_MAX_ENTRIES,
  .max_size = TVM_ARCHIVE_MAX_SIZE,
  .max_ratio = TVM_ARCHIVE_MAX_RATIO,
};

TvmArchiveProgress *
tvm_archive_progress_new (TvmTarProgressFunc func,
                          gpointer           user_data,
                          GDestroyNotify     destroy)
{
  TvmArchiveProgress *self = g_new0 (TvmArchiveProgress, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

TvmArchiveProgress *
tvm_archive_progress_ref (TvmArchiveProgress *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tvm_archive_progress_unref (TvmArchiveProgress *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

/* What the thread that works has said and the context that listens has not heard yet. The callback
 * of the operation is attached to the context later and with the same priority, so it comes last. */
struct _TvmArchiveReport
{
  gatomicrefcount ref_count;
  GMainContext *context;          /* (nullable) */
  TvmArchiveProgress *progress;
  gint64 last;

  GMutex lock;
  gboolean pending;
  guint64 n_done;
  guint64 n_total;
};

static void
report_unref (TvmArchiveReport *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->context, g_main_context_unref);
  tvm_archive_progress_unref (self->progress);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gboolean
report_deliver (gpointer user_data)
{
  TvmArchiveReport *self = user_data;
  guint64 n_done, n_total;

  g_mutex_lock (&self->lock);
  self->pending = FALSE;
  n_done = self->n_done;
  n_total = self->n_total;
  g_mutex_unlock (&self->lock);

  self->progress->func (n_done, n_total, self->progress->user_data);
  return G_SOURCE_REMOVE;
}

static void
report (TvmArchiveReport *self,
        guint64           n_done,
        guint64           n_total)
{
  g_autoptr (GSource) source = NULL;
  gboolean pending;

  if (self->context == NULL)
    {
      self->progress->func (n_done, n_total, self->progress->user_data);
      return;
    }

  g_mutex_lock (&self->lock);
  pending = self->pending;
  self->pending = TRUE;
  self->n_done = n_done;
  self->n_total = n_total;
  g_mutex_unlock (&self->lock);
  if (pending)
    return;

  g_atomic_ref_count_inc (&self->ref_count);
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[TvmSupport] progress of a tar archive");
  g_source_set_callback (source, report_deliver, self, (GDestroyNotify) report_unref);
  g_source_attach (source, self->context);
}

void
tvm_archive_job_init (TvmArchiveJob *self,
                      TvmTarOptions *options,
                      GMainContext  *context,
                      GCancellable  *cancellable)
{
  tvm_tar_options_get_settings (options, &self->settings);
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->report = NULL;
  if (self->settings.progress == NULL)
    return;

  self->report = g_new0 (TvmArchiveReport, 1);
  g_atomic_ref_count_init (&self->report->ref_count);
  g_mutex_init (&self->report->lock);
  self->report->progress = tvm_archive_progress_ref (self->settings.progress);
  self->report->context = context != NULL ? g_main_context_ref (context) : NULL;
}

void
tvm_archive_job_clear (TvmArchiveJob *self)
{
  tvm_archive_settings_clear (&self->settings);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->report, report_unref);
}

void
tvm_archive_job_advance (TvmArchiveJob *self,
                         guint64        n_done,
                         guint64        n_total)
{
  gint64 now;

  if (self->report == NULL)
    return;

  now = g_get_monotonic_time ();
  if (now - self->report->last < REPORT_INTERVAL)
    return;

  self->report->last = now;
  report (self->report, n_done, n_total);
}

void
tvm_archive_job_finish (TvmArchiveJob *self,
                        guint64        n_done,
                        guint64        n_total)
{
  if (self->report != NULL)
    report (self->report, n_done, n_total);
}

guint
tvm_archive_count_processors (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return MAX (CPU_COUNT (&set), 1);
  return g_get_num_processors ();
}
