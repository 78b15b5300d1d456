/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/toolchain/tvm-compile-request.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmCacheStatus:
 * @TVM_CACHE_STATUS_DISABLED: no cache was asked for
 * @TVM_CACHE_STATUS_HIT: the output came out of the cache
 * @TVM_CACHE_STATUS_MISS: the output was made, and the cache now has it
 * @TVM_CACHE_STATUS_BYPASS: the cache declined this command
 *
 * What a compiler cache did for a compile.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_CACHE_STATUS_DISABLED,
  TVM_CACHE_STATUS_HIT,
  TVM_CACHE_STATUS_MISS,
  TVM_CACHE_STATUS_BYPASS,
} TvmCacheStatus;

#define TVM_TYPE_COMPILE_RESULT (tvm_compile_result_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmCompileResult, tvm_compile_result, TVM, COMPILE_RESULT, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_compile_result_check             (TvmCompileResult  *self,
                                                      GError           **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_compile_result_get_successful    (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileKind  tvm_compile_result_get_kind          (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int             tvm_compile_result_get_exit_status   (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int             tvm_compile_result_get_term_signal   (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_compile_result_get_timed_out     (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_compile_result_dup_inputs        (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_compile_result_dup_argv          (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char           *tvm_compile_result_dup_command_line  (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_compile_result_get_working_directory (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_compile_result_get_output        (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes         *tvm_compile_result_get_bytes         (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes         *tvm_compile_result_get_log           (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_compile_result_get_log_text      (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_compile_result_get_truncated     (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel     *tvm_compile_result_get_diagnostics   (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GListModel     *tvm_compile_result_get_steps         (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint           tvm_compile_result_get_n_errors      (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint           tvm_compile_result_get_n_warnings    (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_compile_result_dup_dependencies  (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_compile_result_get_lowered_name  (TvmCompileResult  *self,
                                                      const char        *expression);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCacheStatus  tvm_compile_result_get_cache_status  (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_compile_result_get_cache_reason  (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64          tvm_compile_result_get_elapsed       (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64          tvm_compile_result_get_user_time     (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64          tvm_compile_result_get_system_time   (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_compile_result_get_peak_memory   (TvmCompileResult  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char           *tvm_compile_result_to_json           (TvmCompileResult  *self);

G_END_DECLS
