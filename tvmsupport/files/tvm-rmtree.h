/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Removal of a file or of a whole tree, in plain C: the library and its supervisor program, which
 * links nothing, share it.
 */

#include <stddef.h>
#include <stdint.h>

/* Removes @name, relative to @dirfd (AT_FDCWD serves), with everything below it. No symbolic link
 * is followed, no mount is crossed, and a directory that its owner may not read or write is made so
 * through its descriptor. Goes on past what cannot be removed. What is not there is no error.
 *
 * @cancelled: if not NULL, polled before every entry; not 0 ends the call with ECANCELED
 * Returns: 0, or -1 with errno of the first failure */
int tvm_rmtree_at        (int                 dirfd,
                          const char         *name,
                          const volatile int *cancelled);

/* The same; @failed, an array of @failed_size bytes, gets the path, relative to @dirfd, of the
 * first entry that could not go: its end, behind “…”, if the whole is too long; "" if there is
 * none. @n_removed, if not NULL, goes up, atomically, with each entry that went. */
int tvm_rmtree_at_report (int                 dirfd,
                          const char         *name,
                          const volatile int *cancelled,
                          uint64_t           *n_removed,
                          char               *failed,
                          size_t              failed_size);
