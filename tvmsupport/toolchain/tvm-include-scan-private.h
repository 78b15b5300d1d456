/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * TvmIncludeScan: what a compile can read, for a compiler that does not report what it has read.
 *
 * Nothing is preprocessed: every #include counts, also one that no condition leads to, and so does
 * what __has_include() asks for. What is found is thus more than what is read, never less. Where
 * that cannot be had, as where a macro names the file, the scan fails.
 */
typedef struct
{
  char **headers;   /* what is there, in the order in which it was found */
  char **absent;    /* what was looked for before that, and was not there */
} TvmIncludeScan;

/* Blocks. @name: of the source: quotes are looked for beside it, and beside each header; then in
 * @folders. All of them, and the names that are found, are relative to @cwd. @forced: (nullable):
 * what options include. TVM_ERROR_UNSUPPORTED if what is read cannot be told */
gboolean tvm_include_scan_init  (TvmIncludeScan      *self,
                                 const char          *name,
                                 const char          *source,
                                 const char * const  *folders,
                                 const char * const  *forced,
                                 const char          *cwd,
                                 GError             **error);
void     tvm_include_scan_clear (TvmIncludeScan      *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmIncludeScan, tvm_include_scan_clear)

G_END_DECLS
