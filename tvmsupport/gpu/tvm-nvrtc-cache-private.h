/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"

G_BEGIN_DECLS

/*
 * TvmNvrtcCache: what the kernel cache does for one compile with NVRTC. NVRTC does not report which
 * headers it reads, so they are found by a scan before it compiles; a hit looks at them alone.
 *
 * The library need not be loaded to look for something: its file stands for its version.
 */
typedef struct _TvmNvrtcCache TvmNvrtcCache;

/* @name, @source, @options: what NVRTC is called with */
TvmNvrtcCache *tvm_nvrtc_cache_new  (TvmKernelCache      *cache,
                                     const char          *library_path,
                                     TvmCompileRequest   *request,
                                     const char          *name,
                                     const char          *source,
                                     const char * const  *options);
void           tvm_nvrtc_cache_free (TvmNvrtcCache       *self);
/* Fills in @result if all is in the cache, or notes in it why the cache is no use. Blocks.
 * Returns: whether it is there */
gboolean       tvm_nvrtc_cache_find (TvmNvrtcCache       *self,
                                     TvmCompileResult    *result);
/* Finds what the compile will read, before it begins. Blocks */
void           tvm_nvrtc_cache_scan (TvmNvrtcCache       *self,
                                     TvmCompileResult    *result);
/* Keeps a result that is complete, and notes in it what came of that. Blocks */
void           tvm_nvrtc_cache_keep (TvmNvrtcCache       *self,
                                     TvmCompileResult    *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmNvrtcCache, tvm_nvrtc_cache_free)

G_END_DECLS
