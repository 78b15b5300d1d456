/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* g_task_run_in_thread(), also in a process that was forked: the threads of GLib are not there, but GLib
 * goes on to count on them, and what it gives them would wait for ever. */
void tvm_task_run_in_thread (GTask           *task,
                             GTaskThreadFunc  func);

G_END_DECLS
