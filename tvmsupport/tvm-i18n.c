/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <glib.h>
#include <libintl.h>
#include <stdlib.h>

/* A library has no main() to bind its text domain in. Without this, only a library that is
 * installed below /usr would ever find its translations. TVM_SUPPORT_LOCALEDIR is for running
 * from a build folder; a program with the rights of somebody else does not look at it. */
static void __attribute__ ((constructor))
tvm_i18n_init (void)
{
#ifdef ENABLE_NLS
  const char *localedir = secure_getenv ("TVM_SUPPORT_LOCALEDIR");

  bindtextdomain (GETTEXT_PACKAGE, localedir != NULL ? localedir : TVM_SUPPORT_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
#endif
}
