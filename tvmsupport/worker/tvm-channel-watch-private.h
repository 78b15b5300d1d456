/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-channel-private.h"

G_BEGIN_DECLS

/*
 * Somebody who reads while a call runs that may be cancelled: a thread, which is there from the
 * first such call on. It reads only between begin and end, and only if the call takes a while.
 */
typedef struct _TvmChannelWatch TvmChannelWatch;

/* Takes all that can be read now without waiting for another frame. Returns: FALSE after the last
 * one */
typedef gboolean (*TvmChannelWatchRead) (gpointer user_data);

/* @fd: that @read reads from. Returns: NULL if there can be no thread */
TvmChannelWatch *tvm_channel_watch_new   (int                  fd,
                                          TvmChannelWatchRead  read,
                                          gpointer             user_data);
void             tvm_channel_watch_free  (TvmChannelWatch     *self);

/* From now on @read may be called, from the thread */
void             tvm_channel_watch_begin (TvmChannelWatch     *self);
/* From now on it is not. Waits for one that is being called. */
void             tvm_channel_watch_end   (TvmChannelWatch     *self);

G_END_DECLS
