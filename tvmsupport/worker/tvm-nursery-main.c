/* SPDX-License-Identifier: Apache-2.0 */

/*
 * tvmsupport-nursery: starts programs as workers, and forks the workers that run commands. Like the
 * supervisor it is small, static and has one thread: its start is in front of the first result of
 * every pool.
 */

#include "config.h"

#include "tvmsupport/worker/tvm-command-worker.h"
#include "tvmsupport/worker/tvm-frame.h"
#include "tvmsupport/worker/tvm-nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NAME "tvmsupport-nursery"

static int
run_nursery (void)
{
  TvmNursery *nursery = tvm_nursery_new (TVM_WORKER_CHANNEL_FD, NAME " " PACKAGE_VERSION, "command",
                                         true);
  const char *settings;
  size_t length;
  pid_t pid;

  if (nursery == NULL)
    {
      perror (NAME);
      return 1;
    }

  for (;;)
    switch (tvm_nursery_next (nursery, &settings, &length))
      {
      case TVM_NURSERY_FORK:
        pid = fork ();
        if (pid != 0)
          tvm_nursery_parent (nursery, pid, errno);
        else if (tvm_nursery_child (nursery) != 0)
          _exit (127);
        else
          _exit (tvm_command_worker_run (TVM_WORKER_CHANNEL_FD, TVM_WORKER_PAGE_FD));
        break;

      case TVM_NURSERY_SETUP:
        break;

      case TVM_NURSERY_END:
        tvm_nursery_free (nursery);
        return 0;
      }
}

/* Started as a worker, without a nursery that forks it */
static int
run_worker (void)
{
  if (fcntl (TVM_WORKER_CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0
      || fcntl (TVM_WORKER_PAGE_FD, F_SETFD, FD_CLOEXEC) != 0
      || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    {
      perror (NAME);
      return 1;
    }

  return tvm_command_worker_run (TVM_WORKER_CHANNEL_FD, TVM_WORKER_PAGE_FD);
}

int
main (int    argc,
      char **argv)
{
  const char *role = argc > 0 ? argv[argc - 1] : "";

  if (strcmp (role, TVM_WORKER_ROLE_OPTION "nursery") == 0)
    return run_nursery ();
  if (strcmp (role, TVM_WORKER_ROLE_OPTION "fd") == 0)
    return run_worker ();

  fprintf (stderr, NAME ": this is a helper program of the library tvmsupport\n");
  return 2;
}
