/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the library and its supervisor program say to each other. Plain C: the supervisor links no
 * GLib.
 *
 * The command line of the supervisor:
 *
 *   tvmsupport-supervisor --protocol=1 [OPTION…] -- PROGRAM ARGV0 [ARGUMENT…]
 *
 *   --parent=PID            the caller; when it dies, everything dies
 *   --chdir=PATH            the working directory of the target
 *   --private-tmpdir=PATH   makes the directory PATH, the TMPDIR of the target, holds a lock on it
 *                           (flock) while it is in use, and removes it
 *   --rlimit=RESOURCE=VALUE a resource limit of the target, hard and soft (of
 *                           processor time the hard one is a little later)
 *   --cleanup=PATH          removed if the target did not end by itself
 *   --orphan=PATH           removed if the caller has died
 *   --kill-leftovers        also kills what the target leaves running when it ends by itself
 *
 * PROGRAM is executed as it is, without a search, in the environment that the supervisor was given.
 * Descriptors 1 and 2 are those of the target. Descriptor 0 is the control socket, of the type
 * SOCK_SEQPACKET. On it waits one TvmSupervisorHello, whose SCM_RIGHTS are the other descriptors of
 * the target: those that become TVM_SUPERVISOR_FIRST_FD and so on, then its stdin if there is one.
 *
 * The supervisor sends STARTED and then ENDED, or only FAILED, each a whole TvmSupervisorMessage.
 * The caller sends nothing more; the end of its side, for whatever reason, means that everything is
 * to die. ENDED comes when that is done. If the caller has died, whenever that was and whatever was
 * sent, the paths of --cleanup and --orphan go.
 */

#include <stdint.h>

#define TVM_SUPERVISOR_PROTOCOL "1"
#define TVM_SUPERVISOR_FIRST_FD 3

/* Those that the caller asked for, then a response file, then stdin */
#define TVM_SUPERVISOR_MAX_FDS 10

typedef struct
{
  int32_t n_fds;            /* from TVM_SUPERVISOR_FIRST_FD on */
  int32_t has_stdin;        /* else it is /dev/null */
} TvmSupervisorHello;

typedef enum
{
  TVM_SUPERVISOR_STARTED = 1,
  TVM_SUPERVISOR_FAILED,
  TVM_SUPERVISOR_ENDED,
} TvmSupervisorKind;

/* Where a start failed */
typedef enum
{
  TVM_SUPERVISOR_STAGE_OPTIONS,
  TVM_SUPERVISOR_STAGE_SETUP,
  TVM_SUPERVISOR_STAGE_TMPDIR,
  TVM_SUPERVISOR_STAGE_FORK,
  TVM_SUPERVISOR_STAGE_CHDIR,
  TVM_SUPERVISOR_STAGE_RLIMIT,
  TVM_SUPERVISOR_STAGE_EXEC,
} TvmSupervisorStage;

typedef struct
{
  int32_t kind;             /* a TvmSupervisorKind */
  int32_t pid;              /* STARTED: of the target, which leads a process group */

  int32_t stage;            /* FAILED: a TvmSupervisorStage */
  int32_t error;            /* FAILED: an errno */

  int32_t wait_status;      /* ENDED: of the target */
  int32_t killed;           /* ENDED: whether the end of the caller's side came before it */
  int64_t elapsed_usec;     /* ENDED: on the monotonic clock */
  int64_t user_usec;        /* ENDED: from wait4() */
  int64_t system_usec;
  uint64_t max_rss_bytes;
} TvmSupervisorMessage;
