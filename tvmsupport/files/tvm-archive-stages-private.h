/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * Where files wait that are to take the place of others: a directory of ours for each mount that
 * they are on, since nothing can be renamed from one mount to another. Should the process be
 * killed, the next one that works there removes them.
 */
typedef struct
{
  GArray *stages;
} TvmArchiveStages;

void tvm_archive_stages_init  (TvmArchiveStages *self);
/* Removes them with what is in them. */
void tvm_archive_stages_clear (TvmArchiveStages *self);

/* Makes one in @root_fd if that is on the mount of @dir_fd, else in @dir_fd, unless there is one on
 * that. Both may be O_PATH descriptors.
 * Returns: its descriptor, which is not the caller's; -1 with @error set */
int  tvm_archive_stages_enter (TvmArchiveStages  *self,
                               int                root_fd,
                               int                dir_fd,
                               GError           **error);

G_END_DECLS
