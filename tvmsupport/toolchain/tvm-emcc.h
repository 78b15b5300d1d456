/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/toolchain/tvm-compile-result.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
char             *tvm_emcc_find_emcc                (GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
char            **tvm_emcc_find_wasm_lib            (const char           *name,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_emcc_create_tvmjs_wasm        (const char           *output,
                                                     const char * const   *objects,
                                                     const char * const   *options,
                                                     const char           *cc,
                                                     const char * const   *libs,
                                                     const char * const   *runtime,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_emcc_create_tvmjs_wasm_async  (const char           *output,
                                                     const char * const   *objects,
                                                     const char * const   *options,
                                                     const char           *cc,
                                                     const char * const   *libs,
                                                     const char * const   *runtime,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_emcc_create_tvmjs_wasm_finish (GAsyncResult         *result,
                                                     GError              **error);

G_END_DECLS
