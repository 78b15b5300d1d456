/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The supervisor: starts one program, waits for it, and when asked to, or when its caller has died,
 * ends it and everything that came of it. tvm-supervisor-protocol.h says how it is spoken to.
 *
 * It is a program of its own and not a fork of the application because only a process that has no
 * other children can be the child subreaper and wait for all that is reparented to it, and because
 * it must outlive an application that is killed. It is small, static and has one thread: its start
 * is the overhead of every run of the library.
 *
 * Whatever the target starts is a descendant of the supervisor for as long as it lives: an orphan
 * is given to the nearest subreaper, and only a process that has ended stops being one. So nothing
 * escapes by a double fork, a new session or a new process group, and the work is done when waitpid
 * says that there are no children.
 */

#include "tvmsupport/process/tvm-supervisor-protocol.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/process/tvm-process-tree.h"
#include "tvmsupport/process/tvm-target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Tells that the thread that started us has ended; then getppid() says whether its process has. */
#define PARENT_SIGNAL SIGHUP

/* How often a sweep may be faster, a millisecond each time */
#define TMPDIR_ATTEMPTS 100

typedef struct
{
  pid_t parent;
  const char *tmpdir;
  char **arguments;           /* of ours; those that name paths are looked up here */
  char **end_of_arguments;
  bool kill_leftovers;
  TvmTarget target;
} Options;

typedef struct
{
  Options options;
  TvmSupervisorHello hello;
  int control_fd;
  int signal_fd;
  int null_fd;
  bool has_tmpdir;
  pid_t target;
  struct timespec start;
  bool target_ended;
  bool no_children;
  bool caller_gone;           /* has died, or wants the end */
  bool parent_gone;           /* has died */
  TvmSupervisorMessage end;   /* ENDED, as it becomes known */
} Supervisor;

static TvmProcessTree tree;

static const char *
option_value (const char *argument,
              const char *name)
{
  size_t length = strlen (name);

  return strncmp (argument, name, length) == 0 ? argument + length : NULL;
}

static bool
parse_option (Options    *options,
              const char *argument)
{
  unsigned long long number;
  const char *value;
  bool is_good;
  bool matched;

  if ((value = option_value (argument, "--protocol=")) != NULL)
    return strcmp (value, TVM_SUPERVISOR_PROTOCOL) == 0;

  if ((value = option_value (argument, "--parent=")) != NULL)
    {
      if (!tvm_target_parse_number (value, '\0', &number, NULL))
        return false;
      options->parent = (pid_t) number;
      return true;
    }

  if ((value = option_value (argument, "--private-tmpdir=")) != NULL)
    {
      options->tmpdir = value;
      return true;
    }

  if (strcmp (argument, "--kill-leftovers") == 0)
    {
      options->kill_leftovers = true;
      return true;
    }

  is_good = tvm_target_parse_option (&options->target, argument, &matched);
  if (matched)
    return is_good;

  return option_value (argument, "--cleanup=") != NULL ||
         option_value (argument, "--orphan=") != NULL;
}

static bool
parse_options (Options *options,
               char   **argv)
{
  memset (options, 0, sizeof *options);
  options->arguments = argv + 1;

  if (argv[0] == NULL || argv[1] == NULL || option_value (argv[1], "--protocol=") == NULL)
    return false;

  for (argv++; *argv != NULL && strcmp (*argv, "--") != 0; argv++)
    if (!parse_option (options, *argv))
      return false;

  options->end_of_arguments = argv;
  if (argv[0] == NULL || argv[1] == NULL || argv[2] == NULL)
    return false;

  options->target.program = argv[1];
  options->target.argv = argv + 2;
  return true;
}

/* Returns: whether the caller is there to read it */
static bool
send_message (const Supervisor           *self,
              const TvmSupervisorMessage *message)
{
  ssize_t n;

  do
    n = send (self->control_fd, message, sizeof *message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);

  return n == (ssize_t) sizeof *message;
}

static void
check_parent (Supervisor *self)
{
  pid_t parent = getppid ();

  /* 0: it is outside our PID namespace */
  if (parent != 0 && self->options.parent != 0 && parent != self->options.parent)
    self->caller_gone = self->parent_gone = true;
}

static void
remove_paths (Supervisor *self,
              const char *option)
{
  for (char **argument = self->options.arguments; argument < self->options.end_of_arguments;
       argument++)
    {
      const char *path = option_value (*argument, option);

      if (path != NULL)
        tvm_rmtree_at (AT_FDCWD, path, NULL);
    }
}

/* Nobody takes over what the caller has staged if it has died. */
static void
remove_orphans (Supervisor *self)
{
  remove_paths (self, "--cleanup=");
  remove_paths (self, "--orphan=");
}

/* The last that we say. That it can be sent does not mean that it is heard: of a caller that dies,
 * the socket is open until the last of its threads is gone, and in what it forked. */
static void
send_outcome (Supervisor                 *self,
              const TvmSupervisorMessage *message)
{
  bool is_sent = send_message (self, message);

  check_parent (self);
  if (!is_sent || self->parent_gone)
    remove_orphans (self);
}

static void
send_failure (Supervisor         *self,
              TvmSupervisorStage  stage,
              int                 error)
{
  TvmSupervisorMessage message = {
    .kind = TVM_SUPERVISOR_FAILED,
    .stage = stage,
    .error = error,
  };

  send_outcome (self, &message);
}

/* Receives what the caller sent before we were started. Returns: 0 or an errno */
static int
receive_hello (Supervisor *self,
               int         fds[TVM_SUPERVISOR_MAX_FDS],
               int        *n_fds)
{
  union
  {
    char buffer[CMSG_SPACE (TVM_SUPERVISOR_MAX_FDS * sizeof (int))];
    struct cmsghdr align;
  } control;
  struct iovec vector = { &self->hello, sizeof self->hello };
  struct msghdr message = {
    .msg_iov = &vector,
    .msg_iovlen = 1,
    .msg_control = control.buffer,
    .msg_controllen = sizeof control.buffer,
  };
  struct cmsghdr *header;
  ssize_t n = recvmsg (self->control_fd, &message, MSG_CMSG_CLOEXEC);

  if (n < 0)
    return errno;
  if (n != (ssize_t) sizeof self->hello)
    return EPROTO;
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return EMFILE;

  header = CMSG_FIRSTHDR (&message);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    {
      *n_fds = (int) ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      memcpy (fds, CMSG_DATA (header), (size_t) *n_fds * sizeof (int));
    }

  return 0;
}

/* Gives the target's descriptors their numbers. Returns: 0 or an errno */
static int
take_descriptors (Supervisor *self)
{
  int fds[TVM_SUPERVISOR_MAX_FDS];
  int n_fds = 0;
  int stdin_fd;
  int error;

  /* What the application left open for its children without meaning to goes; after this, what we
   * receive comes one behind the other. */
  tvm_target_close_from (TVM_SUPERVISOR_FIRST_FD);
  error = receive_hello (self, fds, &n_fds);
  if (error != 0)
    return error;
  if (n_fds != self->hello.n_fds + (self->hello.has_stdin != 0))
    return EPROTO;

  for (int i = 0; i < self->hello.n_fds; i++)
    if (fds[i] != TVM_SUPERVISOR_FIRST_FD + i || fcntl (fds[i], F_SETFD, 0) != 0)
      return EPROTO;

  self->control_fd = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, TVM_SUPERVISOR_FIRST_FD);
  self->null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (self->control_fd < 0 || self->null_fd < 0)
    {
      error = errno;
      if (self->control_fd < 0)
        self->control_fd = STDIN_FILENO;
      return error;
    }

  stdin_fd = self->hello.has_stdin ? fds[n_fds - 1] : self->null_fd;
  if (dup2 (stdin_fd, STDIN_FILENO) < 0)
    return errno;
  if (self->hello.has_stdin)
    close (stdin_fd);

  return 0;
}

/* Returns: 0 or an errno */
static int
set_up (Supervisor *self)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t all;
  sigset_t wanted;
  int error;

  /* All are blocked rather than ignored or handled: nothing but SIGKILL ends us before our work is
   * done, and no disposition of ours has to be undone for the target. SIGCHLD may have been ignored
   * by the application, and then children would not wait to be waited for. */
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  sigaction (SIGCHLD, &action, NULL);

  error = take_descriptors (self);
  if (error != 0)
    return error;

  /* A terminal's signals are for the application. */
  setsid ();

  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return errno;

  sigemptyset (&wanted);
  sigaddset (&wanted, SIGCHLD);
  sigaddset (&wanted, PARENT_SIGNAL);
  self->signal_fd = signalfd (-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  return self->signal_fd >= 0 ? 0 : errno;
}

/* The end of the control socket tells that the caller has died, unless a process that it forked has
 * a copy of its end; the signal comes in any case. */
static void
watch_parent (Supervisor *self)
{
  prctl (PR_SET_PDEATHSIG, PARENT_SIGNAL, 0, 0, 0);

  /* Without an option, whoever it is now */
  if (self->options.parent == 0)
    self->options.parent = getppid ();
  check_parent (self);
}

/* Says with a lock, which ends with this process, that the directory is in use. Without one, as on a
 * file system that has none, nobody removes it either.
 * Returns: 0, EAGAIN if the sweep of somebody else was faster, or another errno */
static int
lock_tmpdir (const char *path)
{
  struct stat ours, now;
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return errno == ENOENT ? EAGAIN : errno;

  if ((flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && fstat (fd, &ours) == 0
      && lstat (path, &now) == 0 && ours.st_dev == now.st_dev && ours.st_ino == now.st_ino)
    return 0;

  close (fd);
  return EAGAIN;
}

/* Returns: 0 or an errno */
static int
make_tmpdir (Supervisor *self)
{
  const char *tmpdir = self->options.tmpdir;
  int error = EAGAIN;

  /* What a sweep has locked is empty, and gone in a moment. */
  for (int i = 0; error == EAGAIN && i < TMPDIR_ATTEMPTS; i++)
    {
      if (mkdir (tmpdir, 0700) != 0 && (i == 0 || errno != EEXIST))
        return errno;
      error = lock_tmpdir (tmpdir);
      if (error == EAGAIN)
        poll (NULL, 0, 1);
    }
  self->has_tmpdir = true;
  if (error != 0)
    return error;

  return setenv ("TMPDIR", tmpdir, 1) == 0 ? 0 : errno;
}

static void
remove_tmpdir (Supervisor *self)
{
  if (self->has_tmpdir)
    tvm_rmtree_at (AT_FDCWD, self->options.tmpdir, NULL);
}

/* In the vforked child */
static void
run_target (const TvmTarget *target,
            pid_t            supervisor,
            TvmTargetReport *report)
{
  if (tvm_target_prepare (target, TVM_TARGET_RESET_SIGNALS | TVM_TARGET_UNBLOCK_SIGNALS, supervisor,
                          report))
    tvm_target_execute (target, report);

  _exit (127);
}

static bool
start_target (Supervisor *self)
{
  TvmTargetReport report = { TVM_SUPERVISOR_STAGE_FORK, 0 };
  pid_t supervisor = getpid ();
  pid_t pid;

  clock_gettime (CLOCK_MONOTONIC, &self->start);
  self->options.target.envp = environ;

  /* Not fork: nothing has to be copied, and the child's errors are simply there. */
  pid = vfork ();
  if (pid == 0)
    run_target (&self->options.target, supervisor, &report);

  if (pid < 0)
    report.error = errno;
  if (report.error != 0)
    {
      remove_tmpdir (self);
      send_failure (self, (TvmSupervisorStage) report.stage, report.error);
      return false;
    }

  self->target = pid;
  return true;
}

static void
report_start (Supervisor *self)
{
  TvmSupervisorMessage message = { .kind = TVM_SUPERVISOR_STARTED, .pid = self->target };

  send_message (self, &message);
}

/* The pipes of the target must end with the target, and not with us. */
static void
drop_stdio (Supervisor *self)
{
  for (int fd = 0; fd < 3; fd++)
    if (dup2 (self->null_fd, fd) < 0)
      close (fd);

  for (int i = 0; i < self->hello.n_fds; i++)
    close (TVM_SUPERVISOR_FIRST_FD + i);
}

static int64_t
timeval_usec (struct timeval value)
{
  return (int64_t) value.tv_sec * 1000000 + value.tv_usec;
}

static void
target_ended (Supervisor          *self,
              int                  status,
              const struct rusage *usage)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  self->target_ended = true;
  self->end.wait_status = status;
  self->end.elapsed_usec = (int64_t) (now.tv_sec - self->start.tv_sec) * 1000000
                           + (now.tv_nsec - self->start.tv_nsec) / 1000;
  self->end.user_usec = timeval_usec (usage->ru_utime);
  self->end.system_usec = timeval_usec (usage->ru_stime);
  self->end.max_rss_bytes = (uint64_t) usage->ru_maxrss * 1024;
}

/* Collects every child that has ended, the orphans too. */
static void
reap (Supervisor *self)
{
  struct rusage usage;
  int status;
  pid_t pid;

  while ((pid = wait4 (-1, &status, WNOHANG, &usage)) > 0)
    if (pid == self->target)
      target_ended (self, status, &usage);

  self->no_children = pid < 0 && errno == ECHILD;
}

static void
drain_signals (Supervisor *self)
{
  struct signalfd_siginfo infos[4];

  while (read (self->signal_fd, infos, sizeof infos) > 0)
    ;

  /* Whichever signal it was; the parent's thread may also have ended without its process. */
  check_parent (self);
}

static void
wait_for_end (Supervisor *self)
{
  struct pollfd fds[2] = {
    { .fd = self->signal_fd, .events = POLLIN },
    { .fd = self->control_fd, .events = POLLIN | POLLRDHUP },
  };

  while (!self->target_ended && !self->caller_gone)
    {
      if (poll (fds, 2, -1) < 0)
        continue;

      if (fds[0].revents != 0)
        {
          drain_signals (self);
          reap (self);
        }

      /* Nothing is ever sent to us. */
      if (fds[1].revents != 0)
        self->caller_gone = true;
    }

  /* What has ended by itself until now was not killed. */
  if (!self->target_ended)
    reap (self);
}

/* Kills until there is nobody left. */
static void
kill_all (Supervisor *self)
{
  struct pollfd fd = { .fd = self->signal_fd, .events = POLLIN };
  int wait_msec = 1;

  for (;;)
    {
      reap (self);
      if (self->no_children)
        return;

      /* Killing is only tried anew when something has ended, which can leave orphans, or from time
       * to time: what sleeps uninterruptibly, or is not ours to kill, must not make us spin. */
      tvm_process_tree_kill (&tree, self->target_ended ? 0 : self->target, NULL, NULL);
      if (poll (&fd, 1, wait_msec) == 0 && wait_msec < 128)
        wait_msec *= 2;
      drain_signals (self);
    }
}

int
main (int    argc,
      char **argv)
{
  Supervisor self = { .end.kind = TVM_SUPERVISOR_ENDED };
  int error;

  (void) argc;

  if (!parse_options (&self.options, argv))
    {
      send_failure (&self, TVM_SUPERVISOR_STAGE_OPTIONS, EINVAL);
      return 2;
    }

  error = set_up (&self);
  if (error != 0)
    {
      send_failure (&self, TVM_SUPERVISOR_STAGE_SETUP, error);
      return 1;
    }

  watch_parent (&self);
  if (self.caller_gone)
    {
      remove_orphans (&self);
      return 1;
    }

  error = self.options.tmpdir != NULL ? make_tmpdir (&self) : 0;
  if (error != 0)
    {
      remove_tmpdir (&self);
      send_failure (&self, TVM_SUPERVISOR_STAGE_TMPDIR, error);
      return 1;
    }

  if (!start_target (&self))
    return 1;

  report_start (&self);
  drop_stdio (&self);

  wait_for_end (&self);
  self.end.killed = !self.target_ended;
  if (self.end.killed || self.options.kill_leftovers)
    kill_all (&self);

  remove_tmpdir (&self);
  if (self.end.killed)
    remove_paths (&self, "--cleanup=");

  send_outcome (&self, &self.end);
  return 0;
}
