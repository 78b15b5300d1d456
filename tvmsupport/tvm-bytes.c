/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-bytes-private.h"

#include <string.h>

char *
tvm_bytes_dup_utf8 (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  /* GBytes of nothing may have no data at all, which g_utf8_make_valid() refuses. It takes a NUL
   * for an invalid byte, so the text never ends early. */
  if (size == 0)
    return g_strdup ("");

  return g_utf8_make_valid (data, size);
}
