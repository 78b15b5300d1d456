/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-kernel-cache.h"

G_BEGIN_DECLS

/*
 * TvmKernelKey: what a result depends on, and is known before it is made: the source, the options in
 * their order, the tool, the environment. What a compile turns out to depend on, the headers, is not
 * in it but in TvmKernelEntry.
 *
 * Fields and their names are hashed with their lengths, so that none of them runs into the next.
 */
typedef struct _TvmKernelKey TvmKernelKey;

/* @backend: who makes it, and which version of the fields this is: "nvrtc-1" */
TvmKernelKey *tvm_kernel_key_new       (const char          *backend);
void          tvm_kernel_key_free      (TvmKernelKey        *self);
/* @value: (nullable): which is another key than "" */
void          tvm_kernel_key_add       (TvmKernelKey        *self,
                                        const char          *field,
                                        const char          *value);
void          tvm_kernel_key_add_bytes (TvmKernelKey        *self,
                                        const char          *field,
                                        GBytes              *bytes);
void          tvm_kernel_key_add_strv  (TvmKernelKey        *self,
                                        const char          *field,
                                        const char * const  *values);
/* The identity of a tool: its real path, size and times */
gboolean      tvm_kernel_key_add_file  (TvmKernelKey        *self,
                                        const char          *field,
                                        const char          *path,
                                        GError             **error);
/* The variables of the environment that compilers read; those of @environ_, "NAME=value", go
 * before those of the process */
void          tvm_kernel_key_add_environment (TvmKernelKey       *self,
                                              const char * const *environ_);
/* Ends the key. Returns: (transfer full) */
char         *tvm_kernel_key_end       (TvmKernelKey        *self);

/*
 * TvmKernelEntry: all that a hit has to give back.
 */
typedef struct
{
  GBytes *output;
  GBytes *log;              /* raw */
  char **lowered_names;     /* name, lowered name, name, … */
  char **dependencies;      /* the headers, as the compiler named them */
  char **absent;            /* (nullable): what must not be there, or it would be read. It is
                             * for the cache alone: a hit has none */
} TvmKernelEntry;

TvmKernelEntry *tvm_kernel_entry_new  (GBytes              *output,
                                       GBytes              *log,
                                       const char * const  *lowered_names,
                                       const char * const  *dependencies);
void            tvm_kernel_entry_free (TvmKernelEntry      *self);

/* Looks for what was kept by @key while all the headers were as they are now; @cwd is what their
 * names are relative to. Counts a hit or a miss. Blocks.
 * Returns: (transfer full) (nullable): NULL without an error is a miss; the error is why the cache
 * cannot be used, or cancellation */
TvmKernelEntry *tvm_kernel_cache_find (TvmKernelCache        *self,
                                       const char            *key,
                                       const char            *cwd,
                                       GCancellable          *cancellable,
                                       GError               **error);
/* Keeps a result; @start_time, of g_get_real_time(), is when the compile began: a header that
 * changed since may not be what was read. Blocks. */
gboolean        tvm_kernel_cache_keep (TvmKernelCache        *self,
                                       const char            *key,
                                       const char            *cwd,
                                       const TvmKernelEntry  *entry,
                                       gint64                 start_time,
                                       GCancellable          *cancellable,
                                       GError               **error);
/* Whether a source says what differs each time: __DATE__, __TIME__, __TIMESTAMP__. Such a thing is
 * not to be kept, unless SOURCE_DATE_EPOCH is set. */
gboolean        tvm_kernel_source_is_volatile (gconstpointer  data,
                                               gsize          size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmKernelKey, tvm_kernel_key_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmKernelEntry, tvm_kernel_entry_free)

G_END_DECLS
