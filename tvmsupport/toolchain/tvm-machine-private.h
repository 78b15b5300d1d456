/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The memory that this process can still get, in bytes: what the machine has free, or what the
 * control group of the process leaves, whichever is less. G_MAXUINT64 if nothing tells. */
guint64 tvm_machine_get_available_memory (void);

/* The processors that this process may use: its affinity and the quota of its control group; at
 * least 1 */
guint   tvm_machine_get_processors       (void);

G_END_DECLS
