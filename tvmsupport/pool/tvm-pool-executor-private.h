/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-engine-private.h"

G_BEGIN_DECLS

/* Returns: (transfer none) */
TvmEngine *tvm_pool_executor_get_engine (TvmPoolExecutor *self);

G_END_DECLS
