/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmDiagnosticSeverity:
 * @TVM_DIAGNOSTIC_SEVERITY_NOTE: explains another diagnostic
 * @TVM_DIAGNOSTIC_SEVERITY_REMARK: tells what the compiler did
 * @TVM_DIAGNOSTIC_SEVERITY_WARNING: the output was made all the same
 * @TVM_DIAGNOSTIC_SEVERITY_ERROR: the input was refused
 * @TVM_DIAGNOSTIC_SEVERITY_FATAL: the tool gave up at once; also an internal compiler error
 *
 * How bad it is.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_DIAGNOSTIC_SEVERITY_NOTE,
  TVM_DIAGNOSTIC_SEVERITY_REMARK,
  TVM_DIAGNOSTIC_SEVERITY_WARNING,
  TVM_DIAGNOSTIC_SEVERITY_ERROR,
  TVM_DIAGNOSTIC_SEVERITY_FATAL,
} TvmDiagnosticSeverity;

#define TVM_TYPE_FIXIT (tvm_fixit_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmFixit, tvm_fixit, TVM, FIXIT, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_fixit_get_file             (TvmFixit      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_fixit_get_line             (TvmFixit      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_fixit_get_column           (TvmFixit      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_fixit_get_end_line         (TvmFixit      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_fixit_get_end_column       (TvmFixit      *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_fixit_get_replacement      (TvmFixit      *self);

#define TVM_TYPE_DIAGNOSTIC (tvm_diagnostic_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmDiagnostic, tvm_diagnostic, TVM, DIAGNOSTIC, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmDiagnosticSeverity  tvm_diagnostic_get_severity    (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_diagnostic_get_message     (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_diagnostic_get_code        (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_diagnostic_get_tool        (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char            *tvm_diagnostic_get_file        (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_diagnostic_get_line        (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_diagnostic_get_column      (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_diagnostic_get_end_line    (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint                  tvm_diagnostic_get_end_column  (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel            *tvm_diagnostic_get_children    (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel            *tvm_diagnostic_get_fixits      (TvmDiagnostic *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char                  *tvm_diagnostic_format          (TvmDiagnostic *self);

G_END_DECLS
