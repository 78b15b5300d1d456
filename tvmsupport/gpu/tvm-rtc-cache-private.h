/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"

G_BEGIN_DECLS

/*
 * TvmRtcCache: what the kernel cache does for one compile with NVRTC or HIPRTC. They do not report
 * which headers they read, so these are found by a scan before it compiles; a hit looks at them
 * alone.
 *
 * The library need not be loaded to look for something: its file stands for its version.
 */
typedef struct _TvmRtcCache TvmRtcCache;

/* @name, @source: as the caller has them. @options: what the library is called with */
TvmRtcCache *tvm_rtc_cache_new  (const TvmRtcCacheRules *rules,
                                 TvmKernelCache         *cache,
                                 const char             *library_path,
                                 TvmCompileRequest      *request,
                                 const char             *name,
                                 const char             *source,
                                 const char * const     *options);
void         tvm_rtc_cache_free (TvmRtcCache            *self);
/* Fills in @result if all is in the cache, or notes in it why the cache is no use. Blocks.
 * Returns: whether it is there */
gboolean     tvm_rtc_cache_find (TvmRtcCache            *self,
                                 TvmCompileResult       *result);
/* Finds what the compile will read, before it begins. Blocks */
void         tvm_rtc_cache_scan (TvmRtcCache            *self,
                                 TvmCompileResult       *result);
/* Keeps a result that is complete, and notes in it what came of that. Blocks */
void         tvm_rtc_cache_keep (TvmRtcCache            *self,
                                 TvmCompileResult       *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmRtcCache, tvm_rtc_cache_free)

G_END_DECLS
