/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

#include "tvmsupport/files/tvm-fork-private.h"

G_BEGIN_DECLS

/*
 * A directory on disk that is to go: what a TvmTempDirectory stands for, and the folder of a TvmStage.
 *
 * It lives apart from the object, so that the exit hook can work through all of them while other
 * threads drop the objects. The descriptor pins the inode while anybody is at work on it: that it
 * is still the one that the path leads to is checked before anything is removed, and an inode
 * number means nothing once it may have been given to another file.
 */
typedef struct
{
  gatomicrefcount ref_count;
  TvmOwner owner;
  char *path;           /* absolute */
  char *display;        /* for messages */
  char *name;           /* its last component */
  char *parent;         /* and the rest */
  dev_t dev;
  ino_t ino;

  /* Guarded by the fork lock */
  int fd;               /* holds the lock that says that the owner lives; -1 once it is gone */
  guint n_users;
  gboolean removed;
  gboolean keep;
} TvmTempPlace;

TvmTempPlace *tvm_temp_place_ref   (TvmTempPlace *place);
void          tvm_temp_place_unref (TvmTempPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmTempPlace, tvm_temp_place_unref)

/* Both make a directory and have the exit hook know of it, unless @keep.
 * TVM_ERROR_CREATED_PAST_EXIT if that has run. */
TvmTempPlace *tvm_temp_place_new_at (const char  *path,
                                     gboolean     keep,
                                     GError     **error);
TvmTempPlace *tvm_temp_place_new_in (const char  *parent,
                                     const char  *prefix,
                                     gboolean     keep,
                                     GError     **error);

/* Between these two, place->fd is not closed. Returns: FALSE, and then there is nothing to end, if
 * it has been removed */
gboolean      tvm_temp_place_begin    (TvmTempPlace *place);
void          tvm_temp_place_end      (TvmTempPlace *place,
                                       gboolean      removed);

gboolean      tvm_temp_place_get_keep (TvmTempPlace *place);
/* Returns: whether that changed anything */
gboolean      tvm_temp_place_set_keep (TvmTempPlace *place,
                                       gboolean      keep);

/* Both do nothing, with TVM_ERROR_FAILED, in a process that was forked after it was made.
 * @n_removed: (nullable): goes up, atomically, with each entry */
gboolean      tvm_temp_place_remove     (TvmTempPlace        *place,
                                         const volatile int  *cancelled,
                                         guint64             *n_removed,
                                         GError             **error);
/* Gives it another name, so that its path is free, and removes it in a thread. */
gboolean      tvm_temp_place_remove_detached (TvmTempPlace  *place,
                                              GError       **error);

/* Between these two, @flag becomes 1 when @cancellable is cancelled. */
gulong        tvm_temp_cancel_connect    (GCancellable *cancellable,
                                          int          *flag);
void          tvm_temp_cancel_disconnect (GCancellable *cancellable,
                                          gulong        handler);

/* What the exit hook does: none can be made any more, and what is there goes. */
void          tvm_temp_place_remove_all (void);

/* For the last reference of the object: removes it, unless it is kept or a parent's. */
void          tvm_temp_place_drop     (TvmTempPlace *place);

G_END_DECLS
