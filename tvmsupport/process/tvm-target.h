/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a program is started by those that watch over others: the supervisor, the nursery and its
 * command worker. Plain C.
 */

#include "tvmsupport/process/tvm-supervisor-protocol.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define TVM_TARGET_MAX_LIMITS 16

typedef struct
{
  int resource;
  rlim_t value;
} TvmTargetLimit;

typedef struct
{
  const char *cwd;            /* NULL: that of the parent */
  TvmTargetLimit limits[TVM_TARGET_MAX_LIMITS];
  unsigned n_limits;
  const char *program;
  char **argv;
  char **envp;
} TvmTarget;

/* Written by the vforked child, which shares our memory until it executes the target */
typedef struct
{
  volatile int stage;         /* a TvmSupervisorStage */
  volatile int error;         /* an errno, 0 if all went well */
} TvmTargetReport;

typedef enum
{
  /* Leads a session, not only a process group, and is the child subreaper of what it starts */
  TVM_TARGET_SESSION = 1 << 0,
  /* Signals that are ignored or handled here have their default again */
  TVM_TARGET_RESET_SIGNALS = 1 << 1,
  TVM_TARGET_UNBLOCK_SIGNALS = 1 << 2,
} TvmTargetFlags;

/* "--chdir=PATH", "--rlimit=RESOURCE=VALUE". @matched: (out): whether it is one of these.
 * Returns: whether it is good */
bool tvm_target_parse_option (TvmTarget       *self,
                              const char      *argument,
                              bool            *matched);

/* The decimal number that @text is, up to @end. @rest: (out) (optional): what is behind @end */
bool tvm_target_parse_number (const char          *text,
                              char                 end,
                              unsigned long long  *value,
                              const char         **rest);

/* In the child, also a vforked one: only system calls, and no memory is changed but @report. It dies
 * with @parent, which called fork. Returns: whether all went well */
bool tvm_target_prepare      (const TvmTarget *self,
                              TvmTargetFlags   flags,
                              pid_t            parent,
                              TvmTargetReport *report);
/* The last step of it; returns only with an error */
void tvm_target_execute      (const TvmTarget *self,
                              TvmTargetReport *report);

/* Closes all descriptors from @first on. */
void tvm_target_close_from   (unsigned         first);
