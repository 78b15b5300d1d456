/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-jobserver-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * TvmJobLimiter: how many tools run at a time.
 *
 * A job is started if three things allow it: the number of jobs, the memory of the machine, and the
 * job server of a make above, if there is one. The first job is always allowed, whatever the
 * memory, so that work goes on. Waiting jobs start in the order in which they asked.
 *
 * A limiter may be used from any thread; the callback comes in the context of the caller.
 */
typedef struct _TvmJobLimiter TvmJobLimiter;
typedef struct _TvmJobSlot TvmJobSlot;

/* @automatic_jobs is the limit while none is set; 0 stands for as many as there are processors */
TvmJobLimiter *tvm_job_limiter_new            (TvmJobserver         *jobserver,
                                               guint                 automatic_jobs);
TvmJobLimiter *tvm_job_limiter_ref            (TvmJobLimiter        *self);
void           tvm_job_limiter_unref          (TvmJobLimiter        *self);
/* 0 takes the limit away that was set */
void           tvm_job_limiter_set_max_jobs   (TvmJobLimiter        *self,
                                               guint                 max_jobs);
guint          tvm_job_limiter_get_limit      (TvmJobLimiter        *self);
/* What one job is expected to need, in bytes; 0 stands for what the jobs so far needed */
void           tvm_job_limiter_set_memory_per_job (TvmJobLimiter    *self,
                                               guint64               memory_per_job);
void           tvm_job_limiter_acquire_async  (TvmJobLimiter        *self,
                                               GCancellable         *cancellable,
                                               GAsyncReadyCallback   callback,
                                               gpointer              user_data);
TvmJobSlot    *tvm_job_limiter_acquire_finish (GAsyncResult         *result,
                                               GError              **error);
/* @peak_memory: what the job needed, in bytes; 0 if it is not known */
void           tvm_job_slot_set_peak_memory   (TvmJobSlot           *slot,
                                               guint64               peak_memory);
void           tvm_job_slot_release           (TvmJobSlot           *slot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmJobLimiter, tvm_job_limiter_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmJobSlot, tvm_job_slot_release)

G_END_DECLS
