/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gelf.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* Called for an ELF file, or for each ELF member of an archive. Returns: FALSE to go no further,
 * with or without an error */
typedef gboolean (*TvmElfFunc) (Elf          *elf,
                                const char   *display,
                                gpointer      user_data,
                                GError      **error);

/* @skip_foreign: whether members of an archive that are of another format are no error
 * Returns: FALSE if @func did, or with an error; see tvm_symbols_foreach_global() for those */
gboolean tvm_elf_foreach           (const char   *path,
                                    gboolean      skip_foreign,
                                    TvmElfFunc    func,
                                    gpointer      user_data,
                                    GCancellable *cancellable,
                                    GError      **error);

gboolean tvm_elf_set_invalid_error (GError     **error,
                                    const char  *display,
                                    const char  *why);

G_END_DECLS
