/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-depfile-private.h"

#include <string.h>

/* Whatever stands in a depfile, reading it ends. See README.md. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_auto (GStrv) names = tvm_depfile_parse ((const char *) data, size);

  for (guint i = 0; names[i] != NULL; i++)
    g_assert_cmpuint (strlen (names[i]), >, 0);
  return 0;
}
