/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-clang.h"

#include "tvmsupport/toolchain/tvm-program-versions-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

#define NAME "clang"

/**
 * tvm_clang_find_clang:
 * @required: whether it is an error if there is none
 * @error: a #GError
 *
 * Finds the clangs in the `PATH`: `clang` first, as that is the one that the user has chosen, then
 * those with a version in their name, such as `clang-14`, the newest first. Nothing is run, and the
 * `PATH` is read when this function is called.
 *
 * This is the seed's `clang.find_clang`.
 *
 * The error is %TVM_ERROR_NOT_FOUND, only if @required.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the paths, best
 *   first; empty if there are none
 *
 * Since: 1.0
 */
char **
tvm_clang_find_clang (gboolean   required,
                      GError   **error)
{
  const char *path = g_getenv ("PATH");
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_auto (GStrv) paths = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  tvm_program_versions_add (NAME, found);
  paths = g_strv_builder_end (found);
  if (paths[0] == NULL && required)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("No clang was found: neither “%s” nor “%s-” with a version is in the PATH “%s”"),
                   NAME, NAME, path != NULL ? path : "");
      return NULL;
    }

  return g_steal_pointer (&paths);
}
