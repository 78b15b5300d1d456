/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The source files that excerpts are made from, each read at most once, within limits. */
typedef struct _TvmSourceCache TvmSourceCache;

TvmSourceCache *tvm_source_cache_new  (const char     *cwd);
void            tvm_source_cache_free (TvmSourceCache *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmSourceCache, tvm_source_cache_free)

/* A range in one line, in bytes counted from 1; the last byte belongs to it. */
typedef struct
{
  guint start;
  guint caret;    /* 0: only underlined */
  guint finish;
  char *label;    /* (nullable) */
} TvmSourceRange;

/* Appends the line with what is marked in it, as GCC draws it. @fixits is (nullable). Nothing if
 * the line cannot be had. */
void            tvm_source_draw       (TvmSourceCache       *self,
                                       const char           *file,
                                       guint                 line,
                                       const TvmSourceRange *ranges,
                                       gsize                 n_ranges,
                                       GListModel           *fixits,
                                       GString              *text);

G_END_DECLS
