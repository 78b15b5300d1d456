/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-diagnostic.h"

G_BEGIN_DECLS

TvmFixit      *tvm_fixit_new               (const char            *file,
                                            guint                  line,
                                            guint                  column,
                                            guint                  end_line,
                                            guint                  end_column,
                                            const char            *replacement);

/* All strings are copied; @message and @file need not be UTF-8, what is shown of them is made so. */
TvmDiagnostic *tvm_diagnostic_new          (TvmDiagnosticSeverity  severity,
                                            const char            *tool,
                                            const char            *file,
                                            guint                  line,
                                            guint                  column,
                                            const char            *message,
                                            const char            *code);
/* Only while it is built, before anybody else has seen it */
void           tvm_diagnostic_set_end      (TvmDiagnostic         *self,
                                            guint                  end_line,
                                            guint                  end_column);
void           tvm_diagnostic_add_child    (TvmDiagnostic         *self,
                                            TvmDiagnostic         *child);
void           tvm_diagnostic_add_fixit    (TvmDiagnostic         *self,
                                            TvmFixit              *fixit);

/* Reads what a compiler or a linker printed: GCC's JSON arrays wherever they stand, gcc and clang text,
 * parseable fix-its, "In file included from" chains, ld, gold, lld, mold and collect2. Never fails:
 * what it does not understand is not a diagnostic. @text_out, where given, gets valid UTF-8
 * in which every JSON array is replaced by what a person reads (tvm_diagnostic_format() of its entries,
 * with the source line and a caret where the file @cwd/… can be read).
 * Thread-safe, bounded in time and memory by the size of @log.
 * Returns: (transfer full): a GListStore of TvmDiagnostic */
GListStore    *tvm_diagnostics_parse       (GBytes                *log,
                                            const char            *cwd,
                                            char                 **text_out);

G_END_DECLS
