/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/toolchain/tvm-compile-result.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_COMPILE_COMMANDS (tvm_compile_commands_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmCompileCommands, tvm_compile_commands, TVM, COMPILE_COMMANDS, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileCommands *tvm_compile_commands_new (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compile_commands_add (TvmCompileCommands *self,
                               TvmCompileResult   *result);
TVM_SUPPORT_AVAILABLE_IN_1_0
char *tvm_compile_commands_to_json (TvmCompileCommands *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_compile_commands_save (TvmCompileCommands *self,
                                    const char         *path,
                                    GCancellable       *cancellable,
                                    GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_compile_commands_save_async (TvmCompileCommands *self,
                                      const char         *path,
                                      GCancellable       *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer            user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_compile_commands_save_finish (TvmCompileCommands *self,
                                           GAsyncResult       *result,
                                           GError            **error);

G_END_DECLS
