/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-symbols-private.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whatever stands in an object or an archive, its symbols are strings, or there is an error. See
 * README.md. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

static void
check (const TvmSymbol *symbol,
       gpointer         user_data)
{
  gsize *total = user_data;

  g_assert_true (g_ascii_isalpha (symbol->letter) || symbol->letter == '?');
  *total += strlen (symbol->name) + (symbol->version != NULL ? strlen (symbol->version) : 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  const int fd = memfd_create ("fuzz-symbols", MFD_CLOEXEC);
  const char *paths[] = { NULL, NULL };
  gsize total = 0;

  if (fd < 0 || write (fd, data, size) != (gssize) size)
    g_error ("No file can be written");

  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  paths[0] = path;
  g_assert_true (tvm_symbols_foreach_global (path, check, &total, NULL, &error)
                 == (error == NULL));
  (void) tvm_symbols_need_cxx (paths, NULL, NULL);
  close (fd);

  return 0;
}
