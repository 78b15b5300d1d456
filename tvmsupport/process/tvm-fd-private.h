/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * An application may have closed its stdio. What the library opens must not take its place: the
 * application would write into it, and programs would get it as theirs.
 */

/* Takes what a system call has returned. Returns: the same descriptor above those of stdio, or -1
 * with errno */
int      tvm_fd_raise      (int       fd);
/* The same for both ends. Returns: FALSE with errno, and both closed */
gboolean tvm_fd_raise_pair (int       fds[2]);

/* @fd: 0, 1 or 2. Returns: a copy for a program, of /dev/null where the application has closed it or
 * gives it to no program; -1 with @error */
int      tvm_fd_dup_stdio  (int       fd,
                            GError  **error);

/* Returns: /dev/null, above stdio; -1 with @error */
int      tvm_fd_open_null  (GError  **error);

G_END_DECLS
