/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The files of a kernel cache. A folder is shared by processes that know nothing of each other and
 * may be killed at any time, so:
 *
 * - An entry is one file, written under another name beside its place and renamed. It holds its own
 *   key and a checksum of itself. What does not check is no entry, and is removed.
 * - Only what belongs to this user, or to root, is read, and only in a folder that not everybody
 *   can write to.
 * - Locks are those of open descriptors, which end with their process, and are never waited for.
 *
 * Everything here blocks.
 */

/* What the cache knows of itself without reading all its folders, in a file that all share */
typedef struct
{
  gint64 hits;
  gint64 misses;
  gint64 size;      /* of the entries, in bytes: exact after a scan, then what was added since */
  gint64 scanned;   /* when that was, in seconds of the real time */
} TvmKernelState;

typedef struct
{
  guint64 n_entries;
  guint64 size;
} TvmKernelScan;

/* Returns: (transfer full) (nullable): the contents of the entry; NULL without an error if there is
 * none. The error is that the folder cannot be used. */
GBytes   *tvm_kernel_store_read      (const char           *folder,
                                      const char           *key,
                                      GError              **error);
/* @growth: by how many bytes the cache is larger now */
gboolean  tvm_kernel_store_write     (const char           *folder,
                                      const char           *key,
                                      GBytes               *contents,
                                      gint64               *growth,
                                      GError              **error);
/* Counts the entries, removes what was left by killed writers and, where there is a @maximum, the
 * entries that were not used for longest until no more than that is left; -1 for none */
gboolean  tvm_kernel_store_scan      (const char           *folder,
                                      gint64                maximum,
                                      GCancellable         *cancellable,
                                      TvmKernelScan        *scan,
                                      GError              **error);
/* The same unless another process is at it */
gboolean  tvm_kernel_store_try_scan  (const char           *folder,
                                      gint64                maximum,
                                      GCancellable         *cancellable);
/* Adds to what is written down. FALSE: another process is at it, or there is no folder yet; try it
 * again later. @state is what it came to, or zeros */
gboolean  tvm_kernel_store_add       (const char           *folder,
                                      const TvmKernelState *change,
                                      TvmKernelState       *state);
void      tvm_kernel_store_reset_counters (const char      *folder);

G_END_DECLS
