/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Of the memory of @pid, 0 for this process, in bytes. Returns: 0 if there is no telling */
uint64_t tvm_get_resident_size (pid_t pid);
