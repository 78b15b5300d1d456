/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/toolchain/tvm-compiler.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

TVM_SUPPORT_AVAILABLE_IN_1_0
char             *tvm_xcode_xcrun                 (const char * const   *args,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_xcode_xcrun_async           (const char * const   *args,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             *tvm_xcode_xcrun_finish          (GAsyncResult         *result,
                                                   GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_xcode          (const char           *sdk,
                                                   const char           *arch,
                                                   const char           *min_os_version,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_compiler_new_xcode_async    (const char           *sdk,
                                                   const char           *arch,
                                                   const char           *min_os_version,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompiler      *tvm_compiler_new_xcode_finish   (GAsyncResult         *result,
                                                   GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_xcode_create_dylib          (const char           *output,
                                                   const char * const   *objects,
                                                   const char           *arch,
                                                   const char           *sdk,
                                                   const char           *min_os_version,
                                                   const char * const   *options,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_xcode_create_dylib_async    (const char           *output,
                                                   const char * const   *objects,
                                                   const char           *arch,
                                                   const char           *sdk,
                                                   const char           *min_os_version,
                                                   const char * const   *options,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCompileResult *tvm_xcode_create_dylib_finish   (GAsyncResult         *result,
                                                   GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes           *tvm_xcode_compile_metal         (const char           *code,
                                                   const char           *path_target,
                                                   const char           *sdk,
                                                   const char           *min_os_version,
                                                   const char * const   *options,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_xcode_compile_metal_async   (const char           *code,
                                                   const char           *path_target,
                                                   const char           *sdk,
                                                   const char           *min_os_version,
                                                   const char * const   *options,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
GBytes           *tvm_xcode_compile_metal_finish  (GAsyncResult         *result,
                                                   GError              **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
char             *tvm_xcode_compile_coreml        (const char           *model,
                                                   const char           *model_name,
                                                   const char           *out_dir,
                                                   GCancellable         *cancellable,
                                                   GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void              tvm_xcode_compile_coreml_async  (const char           *model,
                                                   const char           *model_name,
                                                   const char           *out_dir,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
char             *tvm_xcode_compile_coreml_finish (GAsyncResult         *result,
                                                   GError              **error);

G_END_DECLS
