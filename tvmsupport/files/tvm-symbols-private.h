/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;             /* without its version */
  const char *version;          /* (nullable) */
  gboolean is_default;          /* name@@version, as opposed to name@version */
  char letter;                  /* what nm prints */
} TvmSymbol;

typedef void (*TvmSymbolFunc) (const TvmSymbol *symbol,
                               gpointer         user_data);

/* Calls @func for each global defined symbol of an ELF file, or of all members of an archive of
 * them, in the order of the file: what `nm -g --defined-only` prints, or where there is no .symtab
 * what it prints with -D. Blocking, cancellable between members; call it in a thread. What @func is
 * given lives until it returns.
 *
 * TVM_ERROR_UNSUPPORTED if the file is of a format that only an nm may know (Mach-O, wasm, bitcode,
 * GCC's objects for link-time optimization alone, a thin archive), TVM_ERROR_INVALID_OBJECT if it
 * is malformed or of no such format. */
gboolean    tvm_symbols_foreach_global (const char     *path,
                                        TvmSymbolFunc   func,
                                        gpointer        user_data,
                                        GCancellable   *cancellable,
                                        GError        **error);

/* The same as a table of its own: name, without version, to letter. Of several versions of one name
 * the default one counts. Names that are not UTF-8 are made so.
 *
 * Returns: (transfer full) (element-type utf8 utf8): keys and values are freed with g_free() */
GHashTable *tvm_symbols_read_global    (const char     *path,
                                        GCancellable   *cancellable,
                                        GError        **error);

/* For a table that comes from elsewhere. @name: as nm prints it, with its version */
GHashTable *tvm_symbols_table_new      (void);
void        tvm_symbols_table_add      (GHashTable     *table,
                                        const char     *name,
                                        char            letter);

/* Whether an ELF object or archive among @paths refers to what only C++ has: mangled names of
 * namespaces and classes, the operators new and delete, __cxa_*, __gxx_personality_*. Files of
 * other formats say no, and so do shared libraries, which bring their own. */
gboolean    tvm_symbols_need_cxx       (const char * const *paths,
                                        const char         *cwd,
                                        GCancellable       *cancellable);

G_END_DECLS
