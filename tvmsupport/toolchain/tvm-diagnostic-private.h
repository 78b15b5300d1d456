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

/* All strings are copied. They need not be UTF-8: @file keeps its bytes, the others are made so. */
TvmDiagnostic *tvm_diagnostic_new          (TvmDiagnosticSeverity  severity,
                                            const char            *tool,
                                            const char            *file,
                                            guint                  line,
                                            guint                  column,
                                            const char            *message,
                                            const char            *code);
/* These only while it is built, before anybody else has seen it */
void           tvm_diagnostic_set_place    (TvmDiagnostic         *self,
                                            const char            *file,
                                            guint                  line,
                                            guint                  column);
void           tvm_diagnostic_set_end      (TvmDiagnostic         *self,
                                            guint                  end_line,
                                            guint                  end_column);
void           tvm_diagnostic_add_child    (TvmDiagnostic         *self,
                                            TvmDiagnostic         *child);
void           tvm_diagnostic_add_fixit    (TvmDiagnostic         *self,
                                            TvmFixit              *fixit);

/* "error" and so on, as the compilers write it */
const char    *tvm_diagnostic_severity_to_text (TvmDiagnosticSeverity severity);

/* How many diagnostics tvm_diagnostics_parse() keeps: so many errors and so many others */
#define TVM_DIAGNOSTICS_MAX 10000

/* Reads what a compiler or a linker printed: GCC's JSON arrays wherever they stand, gcc and clang
 * text, parseable fix-its and source ranges, "In file included from" chains, as, ld, gold, lld,
 * mold, collect2 and ar. Never fails: what it does not understand is not a diagnostic.
 *
 * A tool that only says that another one failed ("ld returned 1 exit status") is a note if an error
 * stands before it, so that the errors are the causes.
 *
 * @text_out, where given, gets valid UTF-8 in which every JSON array is replaced by what the
 * compiler would have printed for a person (with the source line and a caret where the file @cwd/…
 * can be read) and the lines that are only for programs are left out.
 * @n_errors and @n_warnings, where given, count all that were printed, also beyond those kept.
 *
 * Thread-safe, bounded in time and memory by the size of @log; reads source files, so that it
 * belongs in a thread.
 * Returns: (transfer full): a GListStore of TvmDiagnostic */
GListStore    *tvm_diagnostics_parse       (GBytes                *log,
                                            const char            *cwd,
                                            char                 **text_out,
                                            guint                 *n_errors,
                                            guint                 *n_warnings);

G_END_DECLS
