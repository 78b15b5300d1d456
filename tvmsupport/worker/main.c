/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-worker-runtime-private.h"

#include <dlfcn.h>
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * tvmsupport-worker: runs the functions of modules.
 *
 * It starts often, and each of its forks pays for what is mapped: so it links GLib and nothing
 * else. GIO would double the time of a start, only for the GCancellable of calls that may be
 * cancelled; a module that looks at one has linked GIO, so it is there when the first is made.
 */
#define GIO_LIBRARY "libgio-2.0.so.0"

static gpointer (*cancellable_new) (void);
static void (*cancellable_cancel) (gpointer cancellable);
static void (*object_unref) (gpointer object);

static gboolean
load_gio (void)
{
  void *gio;

  if (object_unref != NULL)
    return TRUE;

  gio = dlopen (GIO_LIBRARY, RTLD_LAZY | RTLD_GLOBAL);
  if (gio == NULL)
    return FALSE;

  *(gpointer *) &cancellable_new = dlsym (gio, "g_cancellable_new");
  *(gpointer *) &cancellable_cancel = dlsym (gio, "g_cancellable_cancel");
  *(gpointer *) &object_unref = dlsym (gio, "g_object_unref");
  return cancellable_new != NULL && cancellable_cancel != NULL && object_unref != NULL;
}

static gpointer
create_cancellable (void)
{
  return load_gio () ? cancellable_new () : NULL;
}

static void
unref_cancellable (gpointer cancellable)
{
  object_unref (cancellable);
}

static void
cancel_cancellable (gpointer cancellable)
{
  cancellable_cancel (cancellable);
}

static const TvmCancellableFuncs cancellable_funcs = {
  .create = create_cancellable,
  .unref = unref_cancellable,
  .cancel = cancel_cancellable,
};

int
main (int    argc,
      char **argv)
{
  g_autoptr (TvmWorkerRuntime) runtime = NULL;
  TvmWorkerRole role = tvm_worker_role_parse (argc > 1 ? argv[argc - 1] : NULL);

  /* For the messages of errors. How a task reads and writes numbers is not to depend on where its
   * worker runs. */
  setlocale (LC_CTYPE, "");
  setlocale (LC_MESSAGES, "");

  if (role == TVM_WORKER_ROLE_NONE || role == TVM_WORKER_ROLE_UNKNOWN)
    {
      fprintf (stderr, _("%s: this program is started by libtvmsupport\n"), argv[0]);
      return 2;
    }

  runtime = tvm_worker_runtime_new (&cancellable_funcs);
  return tvm_worker_runtime_run (runtime, "tvmsupport-worker " PACKAGE_VERSION, role);
}
