/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-engine-private.h"

G_BEGIN_DECLS

/*
 * The view: what the creator of an engine sees of it, in its own context and not too often.
 */
typedef struct _TvmPoolView TvmPoolView;

typedef enum
{
  TVM_POOL_CHANGE_QUEUED = 1 << 0,
  TVM_POOL_CHANGE_RUNNING = 1 << 1,
  TVM_POOL_CHANGE_FINISHED = 1 << 2,
  TVM_POOL_CHANGE_WORKERS = 1 << 3,
} TvmPoolChange;

/* In the thread-default context of the creator */
typedef void (*TvmPoolViewFunc) (gpointer       owner,
                                 TvmPoolChange  changes);

/* @owner: (not owned): what @func is given, for as long as it lives */
TvmPoolView *tvm_pool_view_new         (TvmEngine        *engine,
                                        GObject          *owner,
                                        TvmPoolViewFunc   func);
void         tvm_pool_view_free        (TvmPoolView      *self);
/* Returns: (transfer none): of TvmWorkerInfo */
GListModel  *tvm_pool_view_get_workers (TvmPoolView      *self);

G_END_DECLS
