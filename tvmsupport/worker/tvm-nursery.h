/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The nursery of docs/worker-protocol.md, for whatever forks workers: the static program
 * tvmsupport-nursery, which executes programs and runs commands, the worker of C modules, an
 * application that is its own worker, and, through TvmWorkerNursery, other languages.
 * Plain C, one thread.
 */

#include "tvmsupport/worker/tvm-frame.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct _TvmNursery TvmNursery;

/* What tvm_nursery_next() asks of the language */
typedef enum
{
  TVM_NURSERY_FORK,         /* fork; then tvm_nursery_child(), or tvm_nursery_parent() */
  TVM_NURSERY_SETUP,        /* @settings of SETUP have come */
  TVM_NURSERY_END,          /* all is killed: exit */
} TvmNurseryRequest;

/* Takes the control socket @fd; makes this process the subreaper, blocks all signals, watches the
 * parent, sends HELLO. From now on something is at TVM_WORKER_CHANNEL_FD and TVM_WORKER_PAGE_FD that
 * keeps the places of a worker. Whoever starts a nursery gives it something at the latter, too: the
 * runtime may open files before it calls this.
 * @can_fork: whether the owner forks itself when FORK has no program; then never with more than
 * one thread.
 * Returns: NULL with errno */
TvmNursery *tvm_nursery_new (int fd, const char *program, const char *payload_type, bool can_fork);

/* Handles FORK with a program, KILL, the end of children and of the parent, until there is
 * something to do for the owner. @settings (with @length): of SETUP, until the next call */
TvmNurseryRequest tvm_nursery_next (TvmNursery *self, const char **settings, size_t *length);

/* In the forked child: leads a session, is a child subreaper, dies with the nursery, has its
 * stdio, limits, directory, the signal mask as it was before tvm_nursery_new() (dispositions stay
 * what the language made them), and its channel at TVM_WORKER_CHANNEL_FD and page at
 * TVM_WORKER_PAGE_FD (both close-on-exec); all else of the nursery is closed, and @self freed.
 * Returns: 0 or an errno, when the child should _exit(127) */
int tvm_nursery_child (TvmNursery *self);

/* In the parent, before the next tvm_nursery_next(): @pid of the child, or -1 with @error */
void tvm_nursery_parent (TvmNursery *self, pid_t pid, int error);

/* Kills everything that is left and frees. */
void tvm_nursery_free (TvmNursery *self);

/* For the role "stdio", with one thread: forks the worker; the caller's process stays as its
 * guard, kills the worker and all that it has started at the end of stdin, and exits with the
 * status of the worker. Returns: 0 in the worker, with its descriptors for reading and writing
 * frames, both close-on-exec, 0 being /dev/null and 1 a copy of 2; else an errno, EAGAIN if there
 * are more threads */
int tvm_nursery_guard (int *in_fd, int *out_fd);
