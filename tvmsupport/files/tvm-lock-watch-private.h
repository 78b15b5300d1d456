/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * TvmLockWatch: what happens to a file that somebody waits to lock.
 *
 * All waits of a process share one inotify instance: a user may have only a few of them, and to
 * close one takes the kernel milliseconds. Each source polls its descriptor; whichever comes first
 * reads the events, and wakes the sources of those whose they are.
 */
typedef struct
{
  GSource *source;      /* to be woken */
  int wd;               /* or -1 */
  guint generation;     /* of the instance that @wd belongs to */
  guint32 events;       /* guarded by the fork lock: those that came and were not taken */
} TvmLockWatch;

#define TVM_LOCK_WATCH_INIT { NULL, -1, 0, 0 }

/* Has @source poll the instance and be woken, if there can be one. */
void     tvm_lock_watch_attach   (TvmLockWatch *self,
                                  GSource      *source);
/* Watches the file @fd, and no other. Returns: whether that is so */
gboolean tvm_lock_watch_set_file (TvmLockWatch *self,
                                  int           fd);
/* Returns: what has happened to it since the last call; 0 if nothing has */
guint32  tvm_lock_watch_take     (TvmLockWatch *self);
/* Returns: whether there is something to be taken */
gboolean tvm_lock_watch_pending  (TvmLockWatch *self);
/* To be called while @source and its context are there for sure. */
void     tvm_lock_watch_clear    (TvmLockWatch *self);

G_END_DECLS
