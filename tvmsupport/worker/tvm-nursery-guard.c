/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The guard of a worker whose frames come on stdin, as behind ssh. It reads nothing: poll() tells
 * that the other end of stdin is gone, even if there is something to read in front of the end, and
 * even if the worker is busy and does not read.
 */

#include "tvmsupport/worker/tvm-nursery.h"

#include "tvmsupport/process/tvm-process-tree.h"
#include "tvmsupport/process/tvm-target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Away from stdio, and from the places that other workers have their own at */
#define FIRST_FREE_FD (TVM_WORKER_PAGE_FD + 1)

#define LONGEST_WAIT_MSEC 128

typedef struct
{
  pid_t worker;
  int signal_fd;
  bool worker_ended;
  int status;               /* of the worker, once it has ended: what to exit with */
  TvmProcessTree tree;
} Guard;

/* Returns: 0 or an errno */
static int
place_descriptors (int *in_fd,
                   int *out_fd)
{
  int null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  int error = 0;

  *in_fd = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
  *out_fd = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
  if (null_fd < 0 || *in_fd < 0 || *out_fd < 0 || dup2 (null_fd, STDIN_FILENO) < 0
      || dup2 (STDERR_FILENO, STDOUT_FILENO) < 0)
    error = errno;

  if (null_fd > STDERR_FILENO)
    close (null_fd);
  return error;
}

/* Returns: whether there are children */
static bool
reap (Guard *self)
{
  int status;
  pid_t pid;

  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if (pid == self->worker)
      {
        self->worker_ended = true;
        self->status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
      }

  return pid == 0;
}

static void
kill_all (Guard *self)
{
  struct pollfd fd = { .fd = self->signal_fd, .events = POLLIN };
  struct signalfd_siginfo infos[4];
  int wait_msec = 1;

  while (reap (self))
    {
      tvm_process_tree_kill (&self->tree, self->worker_ended ? 0 : self->worker, NULL, NULL);
      if (poll (&fd, 1, wait_msec) > 0)
        (void) !read (self->signal_fd, infos, sizeof infos);
      else if (wait_msec < LONGEST_WAIT_MSEC)
        wait_msec *= 2;
    }
}

/* Returns: the signal that came, 0 if something else has ended */
static int
stand_guard (Guard *self)
{
  struct pollfd fds[2] = {
    { .fd = self->signal_fd, .events = POLLIN },
    { .fd = STDIN_FILENO, .events = POLLRDHUP },
  };

  while (!self->worker_ended)
    {
      struct signalfd_siginfo info;

      if (poll (fds, 2, -1) <= 0)
        continue;
      if (fds[1].revents != 0)
        return 0;

      while (read (self->signal_fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
          return (int) info.ssi_signo;
      reap (self);
    }

  return 0;
}

/* Does not return. */
static void
guard (pid_t worker,
       int   signal_fd)
{
  Guard *self = calloc (1, sizeof *self);
  int signum;

  /* Whoever reads what the worker writes must hear of its end. */
  close (STDOUT_FILENO);
  if (self == NULL)
    {
      kill (worker, SIGKILL);
      _exit (1);
    }

  self->worker = worker;
  self->signal_fd = signal_fd;
  signum = stand_guard (self);
  kill_all (self);
  _exit (signum != 0 ? 128 + signum : self->status);
}

/* Returns: 0 or an errno */
static int
block_signals (sigset_t *old_mask,
               int      *signal_fd)
{
  sigset_t wanted;

  sigemptyset (&wanted);
  sigaddset (&wanted, SIGCHLD);
  sigaddset (&wanted, SIGHUP);
  sigaddset (&wanted, SIGINT);
  sigaddset (&wanted, SIGTERM);
  *signal_fd = signalfd (-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (*signal_fd < 0)
    return errno;

  sigprocmask (SIG_BLOCK, &wanted, old_mask);
  return 0;
}

/* In the child */
static int
become_worker (const sigset_t *mask,
               pid_t           parent,
               int             signal_fd,
               int            *in_fd,
               int            *out_fd)
{
  TvmTargetReport report = { TVM_SUPERVISOR_STAGE_SETUP, 0 };
  TvmTarget target = { .n_limits = 0 };

  close (signal_fd);
  if (!tvm_target_prepare (&target, TVM_TARGET_SESSION, parent, &report))
    return report.error;

  sigprocmask (SIG_SETMASK, mask, NULL);
  return place_descriptors (in_fd, out_fd);
}

int
tvm_nursery_guard (int *in_fd,
                   int *out_fd)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  pid_t parent = getpid ();
  sigset_t old_mask;
  struct stat st;
  int signal_fd;
  int error;
  pid_t pid;

  /* The threads but this one would be missing in the worker. */
  if (stat ("/proc/self/task", &st) == 0 && st.st_nlink > 3)
    return EAGAIN;

  error = block_signals (&old_mask, &signal_fd);
  if (error != 0)
    return error;

  sigaction (SIGCHLD, &action, NULL);
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 || (pid = fork ()) < 0)
    {
      error = errno;
      close (signal_fd);
      sigprocmask (SIG_SETMASK, &old_mask, NULL);
      return error;
    }

  if (pid > 0)
    guard (pid, signal_fd);

  error = become_worker (&old_mask, parent, signal_fd, in_fd, out_fd);
  if (error != 0)
    _exit (127);
  return 0;
}
