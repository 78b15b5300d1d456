/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-engine-private.h"
#include "tvmsupport/pool/tvm-worker-info.h"

G_BEGIN_DECLS

TvmWorkerInfo *tvm_worker_info_new    (const TvmEngineWorker *worker);
/* Notifies of what is new, so only in the context of the application. @worker has the same id. */
void           tvm_worker_info_update (TvmWorkerInfo         *self,
                                       const TvmEngineWorker *worker);

G_END_DECLS
