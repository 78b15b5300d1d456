/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmToolchainFamily:
 * @TVM_TOOLCHAIN_FAMILY_UNKNOWN: a compiler that none of the others names; it is taken to
 *   understand the options that POSIX gives to `c99`
 * @TVM_TOOLCHAIN_FAMILY_GCC: the GNU Compiler Collection
 * @TVM_TOOLCHAIN_FAMILY_CLANG: clang, also under the names that vendors give it
 * @TVM_TOOLCHAIN_FAMILY_NVCC: NVIDIA's compiler driver
 * @TVM_TOOLCHAIN_FAMILY_NVRTC: NVIDIA's compiler as a library
 * @TVM_TOOLCHAIN_FAMILY_HIPCC: AMD's compiler driver
 * @TVM_TOOLCHAIN_FAMILY_HIPRTC: AMD's compiler as a library
 * @TVM_TOOLCHAIN_FAMILY_EMCC: emscripten
 *
 * The family of a compiler: which command line it understands and how it reports.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_TOOLCHAIN_FAMILY_UNKNOWN,
  TVM_TOOLCHAIN_FAMILY_GCC,
  TVM_TOOLCHAIN_FAMILY_CLANG,
  TVM_TOOLCHAIN_FAMILY_NVCC,
  TVM_TOOLCHAIN_FAMILY_NVRTC,
  TVM_TOOLCHAIN_FAMILY_HIPCC,
  TVM_TOOLCHAIN_FAMILY_HIPRTC,
  TVM_TOOLCHAIN_FAMILY_EMCC,
} TvmToolchainFamily;

#define TVM_TYPE_TOOLCHAIN (tvm_toolchain_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmToolchain, tvm_toolchain, TVM, TOOLCHAIN, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain       *tvm_toolchain_new               (const char           *command,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void                tvm_toolchain_new_async         (const char           *command,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain       *tvm_toolchain_new_finish        (GAsyncResult         *result,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain       *tvm_toolchain_discover          (const char           *target_triple,
                                                     GCancellable         *cancellable,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void                tvm_toolchain_discover_async    (const char           *target_triple,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchain       *tvm_toolchain_discover_finish   (GAsyncResult         *result,
                                                     GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char         *tvm_toolchain_get_name          (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char         *tvm_toolchain_get_path          (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char              **tvm_toolchain_dup_command       (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char              **tvm_toolchain_dup_wrapper       (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmToolchainFamily  tvm_toolchain_get_family        (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char         *tvm_toolchain_get_version       (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char         *tvm_toolchain_get_target_triple (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char         *tvm_toolchain_get_origin        (TvmToolchain         *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char               *tvm_toolchain_find_tool         (TvmToolchain         *self,
                                                     const char           *name,
                                                     GError              **error);

G_END_DECLS
