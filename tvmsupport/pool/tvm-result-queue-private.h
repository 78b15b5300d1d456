/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-engine-private.h"

G_BEGIN_DECLS

/*
 * What the tasks of one submitter came to, in the order of the tasks or as they are ready, and
 * those who wait for it: what TvmMapIterator and TvmPopenWorker have in common.
 *
 * It is made to cost little for each task: one mutex, which nothing is called under, and slots
 * that are used again. Those who wait are promised a result by whoever submits: it sees to it that
 * no more wait than are outstanding, or that the queue is ended.
 */
typedef struct _TvmResultQueue TvmResultQueue;

/* How many tasks go to tvm_result_queue_submit() at a time */
#define TVM_RESULT_QUEUE_MAX_BATCH 256

/* Makes what a caller is given of the task number @index. @result is taken. */
typedef gpointer (*TvmResultQueueWrap) (guint64          index,
                                        TvmTaskResult   *result);

/* In the order of the tasks */
TvmResultQueue *tvm_result_queue_new    (TvmResultQueueWrap   wrap);
/* As they are ready; before the first submission */
void            tvm_result_queue_set_unordered (TvmResultQueue *self);
TvmResultQueue *tvm_result_queue_ref    (TvmResultQueue      *self);
void            tvm_result_queue_unref  (TvmResultQueue      *self);

void            tvm_result_queue_lock   (TvmResultQueue      *self);
void            tvm_result_queue_unlock (TvmResultQueue      *self);

/* With the lock held */

/* Those who wait, blocked or not */
gsize           tvm_result_queue_get_n_waiting     (TvmResultQueue *self);
/* Submitted, and not yet given to anybody */
gsize           tvm_result_queue_get_n_outstanding (TvmResultQueue *self);
gboolean        tvm_result_queue_is_ready          (TvmResultQueue *self);
gboolean        tvm_result_queue_is_ended          (TvmResultQueue *self);

/* With the lock held, which it gives up. Blocks until there is a result. Returns: (transfer full):
 * what wrap made of it, NULL without an error after the last one, NULL with an error if it was
 * cancelled. @engine: where the tasks were submitted */
gpointer        tvm_result_queue_pop               (TvmResultQueue *self,
                                                    TvmEngine      *engine,
                                                    GCancellable   *cancellable,
                                                    GError        **error);
/* The same for @task (transfer full), which is completed with it */
void            tvm_result_queue_pop_async         (TvmResultQueue *self,
                                                    GTask          *task);

/* Without the lock */

/* @tasks: at most TVM_RESULT_QUEUE_MAX_BATCH */
void            tvm_result_queue_submit  (TvmResultQueue  *self,
                                          TvmEngine       *engine,
                                          TvmTask        **tasks,
                                          guint            n_tasks);
/* What is refused at once, such as a task of the wrong kind, is an error here, and no result. */
gboolean        tvm_result_queue_submit_one (TvmResultQueue  *self,
                                             TvmEngine       *engine,
                                             TvmTask         *task,
                                             GError         **error);
/* No more tasks will come: who waits beyond the last one gets NULL. */
void            tvm_result_queue_end     (TvmResultQueue  *self);
/* The same at once, and what is in flight is cancelled. */
void            tvm_result_queue_close   (TvmResultQueue  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmResultQueue, tvm_result_queue_unref)

G_END_DECLS
