/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles only if the umbrella needs nothing before it, twice. */
#include <tvmsupport/tvmsupport.h>
#include <tvmsupport/tvmsupport.h>

#if !TVM_SUPPORT_CHECK_VERSION(1, 0, 0)
#error "The version macros do not work."
#endif

int
main (void)
{
  return tvm_compile_kind_get_type () == G_TYPE_INVALID;
}
