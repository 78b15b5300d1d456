/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The end of the process. NVRTC crashes, and HIPRTC may, if a thread compiles while exit() takes
 * its global state away. At exit, compiles that run are told to stop, and exit() waits for that,
 * but not forever.
 */

/* Whether the process ends, so that nothing should go on. Thread-safe, and takes no lock */
gboolean tvm_rtc_guard_is_closed (void);
/* Around all that NVRTC or HIPRTC does in a thread. TVM_ERROR_FAILED if the process ends */
gboolean tvm_rtc_guard_enter     (GError **error);
void     tvm_rtc_guard_leave     (void);

G_END_DECLS
