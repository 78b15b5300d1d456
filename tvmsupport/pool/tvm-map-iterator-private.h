/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-engine-private.h"
#include "tvmsupport/pool/tvm-map-iterator.h"

G_BEGIN_DECLS

TvmMapIterator *tvm_map_iterator_new           (TvmEngine        *engine,
                                                guint             max_workers,
                                                TvmMapFunc        next_task,
                                                gpointer          user_data,
                                                GDestroyNotify    destroy,
                                                TvmMapFlags       flags);
TvmMapIterator *tvm_map_iterator_new_for_items (TvmEngine        *engine,
                                                guint             max_workers,
                                                const char       *function,
                                                GVariant        **items,
                                                gsize             n_items,
                                                TvmMapFlags       flags);

G_END_DECLS
