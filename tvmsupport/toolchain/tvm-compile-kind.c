/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"

gboolean
tvm_compile_kind_translates (TvmCompileKind kind)
{
  switch (kind)
    {
    case TVM_COMPILE_KIND_OBJECT:
    case TVM_COMPILE_KIND_LLVM_IR:
    case TVM_COMPILE_KIND_PTX:
    case TVM_COMPILE_KIND_CUBIN:
    case TVM_COMPILE_KIND_FATBIN:
    case TVM_COMPILE_KIND_LTO_IR:
    case TVM_COMPILE_KIND_HSACO:
      return TRUE;
    case TVM_COMPILE_KIND_SHARED:
    case TVM_COMPILE_KIND_STATIC:
    case TVM_COMPILE_KIND_EXECUTABLE:
    case TVM_COMPILE_KIND_WASM:
    default:
      return FALSE;
    }
}

gboolean
tvm_compile_request_translates (TvmCompileRequest *self)
{
  return tvm_compile_kind_translates (self->kind);
}
