/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/process/tvm-process-spec-private.h"

G_BEGIN_DECLS

/* A supervisor that was started, and our ends of what leads to it */
typedef struct
{
  GSubprocess *subprocess;    /* (nullable): NULL in a fork of the application */
  GPid pid;                   /* to be reaped by us if there is no subprocess */
  int control_fd;
  int stdout_fd;              /* not blocking */
  int stderr_fd;
  char *libexecdir;           /* (nullable): where the application says that the supervisor is */
  char *tmpdir;               /* (nullable): the private TMPDIR that the supervisor makes */
} TvmLaunch;

/* In the thread of the caller: what comes from the environment is read here and only here, because
 * it may be changed meanwhile. */
void     tvm_launch_init  (TvmLaunch            *self);
void     tvm_launch_clear (TvmLaunch            *self);

/* Starts the supervisor for @spec, whose target gets @environ_. On the I/O thread. */
gboolean tvm_launch_start (TvmLaunch            *self,
                           const TvmProcessSpec *spec,
                           char                **environ_,
                           GError              **error);

/* @name: of a program that the library brings along: in TVM_SUPPORT_LIBEXECDIR if that is set, else
 * beside the library in its build tree, else in its libexecdir. In the thread of the caller.
 * Returns: (transfer full): its path, or NULL with the places that were looked at */
char    *tvm_launch_dup_helper_path     (const char *name,
                                         GError    **error);

/* Returns: (transfer full): where the supervisor is, or NULL with the places that were looked at */
char    *tvm_launch_dup_supervisor_path (GError **error);

/* Returns: a descriptor of a file in memory that holds @bytes and cannot be changed, or -1 */
int      tvm_launch_make_memfd          (const char *name,
                                         GBytes     *bytes,
                                         GError    **error);

G_END_DECLS
