/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The poller: descriptors that the I/O thread waits for, and that any thread may arm and disarm
 * without waking it, which a GSource cannot do. It is one epoll in one source of the I/O thread.
 *
 * @func is called on the I/O thread. After tvm_poll_handle_remove() has returned there it is not
 * called again; if another thread removes the handle, a call may be on its way, so that @func must
 * look for itself whether there is anything left to do. @destroy is called on the I/O thread when
 * no call can come any more.
 */
typedef struct _TvmPollHandle TvmPollHandle;

typedef void (*TvmPollFunc) (gpointer user_data);

typedef enum
{
  TVM_POLL_NONE = 0,
  TVM_POLL_IN = 1 << 0,
  TVM_POLL_OUT = 1 << 1,
} TvmPollEvents;

/* Returns: NULL with @error set (then @destroy is not called) */
TvmPollHandle *tvm_poller_add         (int               fd,
                                       TvmPollEvents     events,
                                       TvmPollFunc       func,
                                       gpointer          user_data,
                                       GDestroyNotify    destroy,
                                       GError          **error);
void           tvm_poll_handle_arm    (TvmPollHandle    *self,
                                       TvmPollEvents     events);
void           tvm_poll_handle_remove (TvmPollHandle    *self);

G_END_DECLS
