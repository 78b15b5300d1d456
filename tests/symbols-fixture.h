/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  SYMBOLS_SAME,
  SYMBOLS_DIFFER,       /* or only one of the two reads the file */
  SYMBOLS_NOT_READ      /* by neither, or by us on purpose */
} SymbolsVerdict;

/* Compares each name, version and letter with what nm has of a file, with -D if it is stripped.
 *
 * @n: (out): how many there are
 * @why: (out) (optional): what differs, or why it is not read */
SymbolsVerdict symbols_compare_with_nm (const char  *path,
                                        guint       *n,
                                        char       **why);

G_END_DECLS
