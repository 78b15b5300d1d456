/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-compile-result.h"
#include "tvmsupport/toolchain/tvm-kernel-cache.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/*
 * TvmCompileCache: what the kernel cache does for one step that runs a compiler. The key is all of
 * its command line, in which the folders that are made for the step go by fixed names.
 *
 * It is made in the context of the caller; what blocks is done in a thread.
 */
typedef struct _TvmCompileCache TvmCompileCache;

typedef enum
{
  TVM_COMPILE_CACHE_NONE = 0,
  TVM_COMPILE_CACHE_HAS_DEPFILE = 1 << 0,  /* the compiler reports what it reads */
  TVM_COMPILE_CACHE_HIDE_FOLDER = 1 << 1,  /* the caller knows the input by its base name alone */
  TVM_COMPILE_CACHE_LOOKED = 1 << 2,       /* it is not there: somebody has looked already */
  TVM_COMPILE_CACHE_BYTES = 1 << 3,        /* no file is written for a hit, nor need there be a source */
} TvmCompileCacheFlags;

/* @request: with one input, and as its output the path that the tool is to write to */
TvmCompileCache *tvm_compile_cache_new  (TvmKernelCache        *cache,
                                         TvmToolchain          *toolchain,
                                         TvmCompileRequest     *request,
                                         const char * const    *command,
                                         TvmCompileCacheFlags   flags);
void             tvm_compile_cache_free (TvmCompileCache       *self);
/* Writes the output, or gives its bytes, and fills in @result if all is in the cache. Returns: whether it is. An error is
 * cancellation alone; a cache that is no use is noted in @result */
gboolean         tvm_compile_cache_find (TvmCompileCache       *self,
                                         TvmCompileResult      *result,
                                         GCancellable          *cancellable,
                                         GError               **error);
/* Keeps a result that is complete, with the output where the tool wrote it, and notes in it what came
 * of that */
void             tvm_compile_cache_keep (TvmCompileCache       *self,
                                         TvmCompileResult      *result,
                                         GCancellable          *cancellable);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmCompileCache, tvm_compile_cache_free)

G_END_DECLS
