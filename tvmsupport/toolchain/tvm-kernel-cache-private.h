/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-kernel-cache.h"

G_BEGIN_DECLS

/* What compilers of kernels begin with: the cache of the user, unless the environment declines it.
 * Returns: (transfer none) (nullable) */
TvmKernelCache *tvm_kernel_cache_peek_initial (void);

/* An entry without counting: several of them may make up what is found or missed. They block. */
GBytes   *tvm_kernel_cache_read  (TvmKernelCache  *self,
                                  const char      *key,
                                  GError         **error);
gboolean  tvm_kernel_cache_write (TvmKernelCache  *self,
                                  const char      *key,
                                  GBytes          *contents,
                                  GCancellable    *cancellable,
                                  GError         **error);
void      tvm_kernel_cache_count (TvmKernelCache  *self,
                                  gboolean         hit);

G_END_DECLS
