/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles and links only if the headers are good C++ and declare C functions. */
#include <tvmsupport/tvmsupport.h>

int
main ()
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);

  return tvm_compile_request_get_kind (request) == TVM_COMPILE_KIND_OBJECT ? 0 : 1;
}
