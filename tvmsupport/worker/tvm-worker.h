/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmWorkerFunc:
 * @args: the arguments of the task
 * @cancellable: (nullable): cancelled at the soft time limit of the task, if it has one
 * @user_data: (closure): what was given to [func@TvmSupport.worker_add_function]
 * @error: where to say why there is no result
 *
 * A function that a worker calls for a task, in the main thread of the worker.
 *
 * Returns: (transfer full): the result (a floating reference is taken), or %NULL with @error set
 *
 * Since: 1.0
 */
typedef GVariant *(*TvmWorkerFunc) (GVariant      *args,
                                    GCancellable  *cancellable,
                                    gpointer       user_data,
                                    GError       **error);

/**
 * TvmWorkerModuleFunc: (skip)
 * @args: the arguments of the task
 * @cancellable: (nullable): cancelled at the soft time limit of the task, if it has one
 * @error: where to say why there is no result
 *
 * A function that a module exports, under the name by which tasks call it.
 *
 * Returns: (transfer full): the result (a floating reference is taken), or %NULL with @error set
 *
 * Since: 1.0
 */
typedef GVariant *(*TvmWorkerModuleFunc) (GVariant      *args,
                                          GCancellable  *cancellable,
                                          GError       **error);

TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_worker_add_function (const char      *name,
                                   TvmWorkerFunc    func,
                                   gpointer         user_data,
                                   GDestroyNotify   destroy);
TVM_SUPPORT_AVAILABLE_IN_1_0
void      tvm_worker_main         (int              argc,
                                   char           **argv);

G_END_DECLS
