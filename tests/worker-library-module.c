/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <tvmsupport/tvmsupport.h>

/*
 * A module that uses the library itself, next to what tvmsupport-worker has of it inside.
 */

G_MODULE_EXPORT GVariant *check_path (GVariant      *args,
                                      GCancellable  *cancellable,
                                      GError       **error);

/* (s) path → b whether it is locked, or the library's error */
GVariant *
check_path (GVariant      *args,
            GCancellable  *cancellable,
            GError       **error)
{
  g_autoptr (TvmFileLock) lock = NULL;
  const char *path;

  g_variant_get (args, "(&s)", &path);
  lock = tvm_file_lock_new (path);
  if (!tvm_file_lock_acquire (lock, 0, cancellable, error))
    return NULL;
  return g_variant_new_boolean (tvm_file_lock_get_held (lock));
}
