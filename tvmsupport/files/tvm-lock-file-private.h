/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* The file below a TvmFileLock: opening it, one attempt to lock it, and who has it. */

typedef enum
{
  TVM_LOCK_ATTEMPT_LOCKED,
  TVM_LOCK_ATTEMPT_BUSY,
  TVM_LOCK_ATTEMPT_FAILED,
} TvmLockAttempt;

typedef struct
{
  char *path;           /* absolute */
  char *display;        /* for messages */
  gboolean shared;
} TvmLockFile;

typedef struct
{
  pid_t pid;            /* 0 if it is not known */
  char *host;           /* (owned) (nullable): where that is known */
  gboolean closes;      /* it is a TvmFileLock on this machine, which closes the file to unlock it */
} TvmLockHolder;

void           tvm_lock_holder_clear   (TvmLockHolder *holder);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmLockHolder, tvm_lock_holder_clear)

/* Tries to lock what is at the path now.
 * @fd: in: the file if it is open already, or -1; out: the same, also if it is busy
 * @opened: (out): whether it is another one now than it was */
TvmLockAttempt tvm_lock_file_try        (const TvmLockFile  *file,
                                         int                *fd,
                                         gboolean           *opened,
                                         GError            **error);
/* Whether the file that is open is the one that the next to come would open */
gboolean       tvm_lock_file_is_current (const TvmLockFile  *file,
                                         int                 fd);
/* Closes what tvm_lock_file_try() opened, whether it is locked or not. */
void           tvm_lock_file_close      (int                 fd);

/* Both say who has the file locked. The first looks at what is open, and leaves out @fd itself.
 * Returns: FALSE if nobody has, or it cannot be told */
gboolean       tvm_lock_file_get_holder   (int                fd,
                                           TvmLockHolder     *holder);
gboolean       tvm_lock_file_query_holder (const TvmLockFile *file,
                                           TvmLockHolder     *holder);

G_END_DECLS
