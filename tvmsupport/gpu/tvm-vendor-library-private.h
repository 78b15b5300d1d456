/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Libraries of CUDA and ROCm that are loaded at run time, so that nothing of them is needed to
 * build or to start. One that was loaded stays: it has threads and exit handlers of its own.
 */
typedef struct
{
  const char *name;
  gsize offset;       /* of the pointer to the function in the structure that is filled in */
  gboolean optional;  /* older releases lack it */
} TvmVendorSymbol;

/* Makes what is known of a library out of its handle, or sets an error that says what is wrong with
 * it. @path is where it is. */
typedef gpointer (* TvmVendorLibraryOpen) (void        *handle,
                                           const char  *path,
                                           GError     **error);

typedef struct
{
  const char *what;             /* for messages */
  const char * const *sonames;  /* the newest first */
  /* Where it may be. Returns: (transfer full): folders, or NULL with an error that says why
   * there is none */
  char **(* dup_folders) (GError **error);
  TvmVendorLibraryOpen open;
  GHashTable *known;            /* path to what @open made; guarded by the lock of the loader */
} TvmVendorLibrary;

/* Finds it in its folders, then where the dynamic loader looks, unless @path is given.
 * Blocks. TVM_ERROR_NOT_FOUND with every place that was tried; for a @path that was given also
 * TVM_ERROR_UNSUPPORTED.
 * Returns: (transfer none): what open() made */
gpointer tvm_vendor_library_load    (TvmVendorLibrary       *self,
                                     const char             *path,
                                     GError                **error);
/* Where it is in its folders, by its name: it is not loaded, and may turn out to be no good.
 * Returns: (transfer full) (nullable) */
char    *tvm_vendor_library_locate  (TvmVendorLibrary       *self);
gboolean tvm_vendor_library_resolve (void                   *handle,
                                     const char             *path,
                                     const TvmVendorSymbol  *symbols,
                                     gsize                   n_symbols,
                                     gpointer                structure,
                                     GError                **error);

G_END_DECLS
