/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A program that is its own worker and does not know it would go on to make a pool, whose workers
 * make pools. So it is told in its environment; what serves as a worker takes that away before it
 * runs a task.
 */

/* The program that was started so, as its own worker */
#define TVM_WORKER_SELF_VARIABLE "TVM_SUPPORT_SELF_WORKER"

/* Returns: (transfer full) (nullable): where the program of this process is */
char     *tvm_worker_self_dup_program (void);
/* By what begins to serve, while the process has one thread */
void      tvm_worker_self_begin       (void);
/* Returns: FALSE with TVM_ERROR_FAILED where a pool would be one of those */
gboolean  tvm_worker_self_check       (GError **error);

G_END_DECLS
