/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-channel-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The worker of C functions, for tvm_worker_main() and the program tvmsupport-worker. Like the
 * channel it needs GLib only: no function of GIO is called here, and no type registered.
 */
typedef struct _TvmWorkerRuntime TvmWorkerRuntime;

/* One of an application, by @func, or one of a module */
typedef struct
{
  GVariant *(*func) (GVariant      *args,
                     GCancellable  *cancellable,
                     gpointer       user_data,
                     GError       **error);
  gpointer user_data;
  GDestroyNotify destroy;   /* (nullable) */

  GVariant *(*module_func) (GVariant      *args,
                            GCancellable  *cancellable,
                            GError       **error);
} TvmWorkerFunction;

void tvm_worker_function_free (TvmWorkerFunction *function);

/* @funcs: static */
TvmWorkerRuntime *tvm_worker_runtime_new  (const TvmCancellableFuncs *funcs);
/* Takes @function. It goes before one of the same name, of whichever kind. */
void              tvm_worker_runtime_add  (TvmWorkerRuntime          *self,
                                           const char                *name,
                                           TvmWorkerFunction         *function);
void              tvm_worker_runtime_free (TvmWorkerRuntime          *self);

/* Serves until nobody needs this process. @program: what it says of itself. Returns: its exit
 * status, also in each worker that was forked meanwhile */
int               tvm_worker_runtime_run  (TvmWorkerRuntime          *self,
                                           const char                *program,
                                           TvmWorkerRole              role);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmWorkerRuntime, tvm_worker_runtime_free)

G_END_DECLS
