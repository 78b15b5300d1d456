/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-worker-channel.h"

#include "tvmsupport/worker/tvm-channel-private.h"

G_BEGIN_DECLS

#define TVM_WORKER_CHANNEL_PAYLOAD "bytes"

/* Those of GIO */
extern const TvmCancellableFuncs tvm_worker_channel_cancellables;

TvmWorkerChannel *tvm_worker_channel_open_role (TvmWorkerRole      role,
                                                const char        *program,
                                                GError           **error);

/* What @self is made of; lives as long */
TvmChannel       *tvm_worker_channel_peek      (TvmWorkerChannel  *self);
/* @call is answered or gone. */
void              tvm_worker_channel_forget    (TvmWorkerChannel  *self,
                                                TvmWorkerCall     *call);

/* Takes what is in @call. */
TvmWorkerCall    *tvm_worker_call_new          (TvmWorkerChannel  *channel,
                                                TvmChannelCall    *call);
/* Answers, if nobody has. */
void              tvm_worker_call_abandon      (TvmWorkerCall     *self);

G_END_DECLS
