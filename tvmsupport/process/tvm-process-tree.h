/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Finding and killing descendants, for the programs that are child subreapers, and for
 * tvm_kill_child_processes(). Plain C.
 */

#include <stdbool.h>
#include <sys/types.h>

/* What is beyond is found by the next call, when those that were found are dead. */
#define TVM_PROCESS_TREE_MAX 16384

typedef struct
{
  pid_t pids[TVM_PROCESS_TREE_MAX];
  unsigned n_pids;
} TvmProcessTree;

/* Whether @pid, a child of this process, is not to be killed */
typedef bool (*TvmProcessTreeSpare) (pid_t  pid,
                                     void  *data);

/* Appends the children of @pid. Returns: false if they could not be listed, as when it has gone */
bool tvm_process_tree_add_children (TvmProcessTree *self,
                                    pid_t           pid);

/* @parent: (out), @state: (out): the letter of ps(1). Returns: whether there is such a process */
bool tvm_process_tree_get_state    (pid_t           pid,
                                    pid_t          *parent,
                                    char           *state);

/* Sends SIGKILL once to every descendant of this process that can be found, and to the process
 * group that @group leads (0: none), but for the children that @spare (may be NULL) is true for, and
 * what is below them. What ends leaves its children to this process; the caller reaps and calls
 * again until there is nobody.
 * Returns: how many children there were that are not spared, -1 if they could not be listed */
int  tvm_process_tree_kill         (TvmProcessTree      *self,
                                    pid_t                group,
                                    TvmProcessTreeSpare  spare,
                                    void                *data);
