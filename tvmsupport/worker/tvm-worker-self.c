/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-self-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What the kernel says behind the path of a file that is not there any more */
#define DELETED " (deleted)"

char *
tvm_worker_self_dup_program (void)
{
  g_autofree char *path = g_file_read_link ("/proc/self/exe", NULL);

  /* When the program was replaced, as by an upgrade, there is another one at its path. */
  if (path != NULL && g_str_has_suffix (path, DELETED) && !g_file_test (path, G_FILE_TEST_EXISTS))
    path[strlen (path) - strlen (DELETED)] = '\0';
  return g_steal_pointer (&path);
}

void
tvm_worker_self_begin (void)
{
  g_unsetenv (TVM_WORKER_SELF_VARIABLE);
}

gboolean
tvm_worker_self_check (GError **error)
{
  const char *started = g_getenv (TVM_WORKER_SELF_VARIABLE);
  g_autofree char *program = NULL;
  g_autofree char *display = NULL;

  if (started == NULL)
    return TRUE;

  /* What a program that is no worker has started has the variable, too. */
  program = tvm_worker_self_dup_program ();
  if (g_strcmp0 (program, started) != 0)
    return TRUE;

  display = g_filename_display_name (program);
  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
               _("“%s” was started as its own worker, but does not call tvm_worker_main() before it "
                 "uses a pool"),
               display);
  return FALSE;
}
