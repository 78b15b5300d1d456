/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* Sends SIGKILL once to every descendant of this process that can be found, and to the process
 * group that @group leads (0: none). What ends leaves its children to this process; the caller
 * reaps and calls again until it has no more children. */
void tvm_supervisor_kill_descendants (pid_t group);
