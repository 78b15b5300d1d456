/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/*
 * What the library has to know of fork().
 *
 * A child that an application forks, without exec, gets copies of our objects, which name things
 * of its parent: it must not remove or unlock them. Whoever holds such a thing keeps a TvmOwner.
 *
 * The fork lock guards what several threads use and a forked child may use as well: no other thread
 * holds it at the time of a fork. Hold it for a few instructions only, since a fork waits for it.
 */
typedef struct
{
  pid_t pid;
  guint generation;
} TvmOwner;

TvmOwner tvm_owner_get_current (void);
/* Whether @owner is this very process. The generation tells a child that got the pid of a dead
 * ancestor, the pid one whose fork ran no handlers. */
gboolean tvm_owner_is_current  (TvmOwner owner);
/* Whether the handlers of a fork ran between @owner and this process, so that the descriptors that
 * were added with tvm_fork_add_fd() are closed here. */
gboolean tvm_owner_is_forked   (TvmOwner owner);

void     tvm_fork_lock      (void);
void     tvm_fork_unlock    (void);

/* How often this process has forked. A descriptor that was opened and added while it did not change
 * is in no child. */
guint    tvm_fork_get_count (void);

/* Has a forked child close @fd, which would otherwise share a lock with its parent and go on
 * holding it when that has died. Call both with the lock held. */
void     tvm_fork_add_fd    (int fd);
void     tvm_fork_remove_fd (int fd);

G_END_DECLS
