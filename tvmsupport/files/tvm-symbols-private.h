/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The global defined symbols of an ELF file or of all members of an archive of them: name to the
 * letter that `nm` prints. A file without .symtab gives its .dynsym. Blocking, cancellable between
 * members; call it in a thread.
 *
 * TVM_ERROR_UNSUPPORTED if the file is of another format (Mach-O, wasm, bitcode; the caller
 * then asks an nm), TVM_ERROR_INVALID_OBJECT if it is malformed. */
GHashTable *tvm_symbols_read_global   (const char    *path,
                                       GCancellable  *cancellable,
                                       GError       **error);

/* (tvm-symbols-cxx.c) Whether an ELF object or archive among @paths refers to the C++ runtime (mangled names,
 * __cxa_*, __gxx_personality_*) without defining it. Files of other formats say no. */
gboolean    tvm_symbols_need_cxx      (const char * const *paths,
                                       const char         *cwd,
                                       GCancellable       *cancellable);

G_END_DECLS
