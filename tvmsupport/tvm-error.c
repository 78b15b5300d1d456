/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/tvm-error-private.h"

#include <glib/gi18n-lib.h>
#include <gio/gio.h>
#include <string.h>

/*
 * tvm_error_set_errno:
 *
 * Sets a `G_IO_ERROR` made from @errsv. The format describes what failed and on what; the text of
 * the errno follows behind a colon, so that every file-system message of the library has one form.
 * Returns FALSE so that callers can return its value.
 */
gboolean
tvm_error_set_errno (GError    **error,
                     int         errsv,
                     const char *format,
                     ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv), "%s: %s", what,
               g_strerror (errsv));
  return FALSE;
}
