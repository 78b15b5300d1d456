/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The worker of the payload "command". It is the child subreaper of what it runs, so that a command
 * is over when there are no children. That costs a command which leaves nothing one system call.
 *
 * It only listens while a command runs if a CANCEL may come. What comes in front of the CANCEL are
 * other calls, which are kept.
 */

#include "config.h"

#include "tvmsupport/worker/tvm-command-worker.h"

#include "tvmsupport/process/tvm-process-tree.h"
#include "tvmsupport/process/tvm-target.h"
#include "tvmsupport/worker/tvm-frame.h"
#include "tvmsupport/worker/tvm-status-page.h"
#include "tvmsupport/worker/tvm-words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of the library there is at most one. What is beyond stays in the socket, and with it a CANCEL that
 * comes behind so many. */
#define MAX_KEPT 64

/* The descriptors of a CALL end with these. */
#define N_OUTPUTS 2

typedef struct
{
  TvmFrameHeader header;
  void *payload;
  int fds[TVM_FRAME_MAX_FDS];
  bool is_kept;             /* the payload is ours */
  int error;                /* an errno, if its descriptors were lost */
} Call;

typedef struct
{
  TvmFrameReader reader;
  int signal_fd;
  TvmStatusPage *page;      /* NULL: there is none, or BEGUN is sent */
  int page_fd;
  Call kept[MAX_KEPT];      /* came while another one was running; a ring */
  unsigned first_kept;
  unsigned n_kept;
  bool ended;               /* nobody needs us any more */
  TvmWords words;
  TvmProcessTree tree;
} CommandWorker;

typedef struct
{
  pid_t pid;
  struct timespec start;
  int status;
  struct rusage usage;
  bool ended;
} Command;

static CommandWorker worker;

static void
send_frame (TvmFrameKind  kind,
            uint64_t      id,
            const char   *payload,
            const char   *end)
{
  TvmFrameHeader header = { .kind = (uint8_t) kind, .id = id };

  if (end != NULL)
    header.length = (uint64_t) (end - payload);
  if (tvm_frame_write (worker.reader.fd, header, payload, NULL) != 0)
    worker.ended = true;
}

static void
send_hello (void)
{
  char settings[256];
  const char *limit = settings + sizeof settings;
  char *end = settings;

  end = tvm_frame_put_number (end, limit, "protocol", TVM_FRAME_VERSION);
  end = tvm_frame_put_setting (end, limit, "program", "tvmsupport-nursery " PACKAGE_VERSION);
  end = tvm_frame_put_number (end, limit, "pid", getpid ());
  end = tvm_frame_put_setting (end, limit, "payload", "command");
  send_frame (TVM_FRAME_HELLO, 0, settings, end);
}

static void
send_error (uint64_t           id,
            int                error,
            TvmSupervisorStage stage)
{
  char strings[256];
  int type = snprintf (strings, 64, "errno:%d:%d", error, (int) stage) + 1;
  int message = snprintf (strings + type, 128, "%s", strerror (error)) + 1;

  strings[type + message] = '\0';
  send_frame (TVM_FRAME_ERROR, id, strings, strings + type + message + 1);
}

static void
send_result (uint64_t       id,
             const Command *command)
{
  const struct rusage *usage = &command->usage;
  char settings[256];
  const char *limit = settings + sizeof settings;
  char *end = settings;
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  end = tvm_frame_put_number (end, limit, "status", command->status);
  end = tvm_frame_put_number (end, limit, "elapsed-usec",
                              (long long) (now.tv_sec - command->start.tv_sec) * 1000000
                              + (now.tv_nsec - command->start.tv_nsec) / 1000);
  end = tvm_frame_put_number (end, limit, "user-usec",
                              (long long) usage->ru_utime.tv_sec * 1000000
                              + usage->ru_utime.tv_usec);
  end = tvm_frame_put_number (end, limit, "system-usec",
                              (long long) usage->ru_stime.tv_sec * 1000000
                              + usage->ru_stime.tv_usec);
  end = tvm_frame_put_number (end, limit, "max-rss-bytes", (long long) usage->ru_maxrss * 1024);
  send_frame (TVM_FRAME_RESULT, id, settings, end);
}

static void
close_fds (Call *call)
{
  for (int i = 0; call->error == 0 && i < call->header.n_fds; i++)
    close (call->fds[i]);
  call->header.n_fds = 0;
}

/* Returns: OK, also with call->error; AGAIN; or the end, which is noted */
static TvmFrameReadStatus
read_frame (Call *call)
{
  const char *problem;
  TvmFrameReadStatus status;

  memset (call, 0, sizeof *call);
  status = tvm_frame_read (&worker.reader, TVM_FRAME_MAX_CONTROL, &call->header, &call->payload,
                           call->fds, &problem);
  if (status == TVM_FRAME_READ_ERROR && errno == EMFILE)
    {
      call->error = EMFILE;
      return TVM_FRAME_READ_OK;
    }

  if (status != TVM_FRAME_READ_OK && status != TVM_FRAME_READ_AGAIN)
    worker.ended = true;
  return status;
}

static void
set_up (const Call *call)
{
  const char *begun = tvm_frame_get_setting (call->payload, (size_t) call->header.length, "begun");

  if (begun == NULL || strcmp (begun, "page") != 0 || worker.page != NULL)
    return;

  worker.page = tvm_status_page_map (worker.page_fd);
  if (worker.page != NULL)
    return;

  send_error (0, errno, TVM_SUPERVISOR_STAGE_SETUP);
  worker.ended = true;
}

static void
say_begun (uint64_t id)
{
  if (worker.page != NULL)
    tvm_status_page_begin (worker.page, id);
  else
    send_frame (TVM_FRAME_BEGUN, id, NULL, NULL);
}

/* In the vforked child */
static void
run_target (const Call      *call,
            pid_t            parent,
            TvmTargetReport *report)
{
  const int *outputs = call->fds + call->header.n_fds - N_OUTPUTS;

  report->stage = TVM_SUPERVISOR_STAGE_SETUP;
  if ((call->header.n_fds > N_OUTPUTS && dup2 (call->fds[0], STDIN_FILENO) < 0)
      || dup2 (outputs[0], STDOUT_FILENO) < 0 || dup2 (outputs[1], STDERR_FILENO) < 0)
    report->error = errno;
  else if (tvm_target_prepare (&worker.words.target, TVM_TARGET_UNBLOCK_SIGNALS, parent, report))
    tvm_target_execute (&worker.words.target, report);

  _exit (127);
}

/* Returns: whether it runs; else the ERROR was sent */
static bool
start_command (Command *command,
               Call    *call)
{
  TvmTargetReport report = { TVM_SUPERVISOR_STAGE_FORK, 0 };
  pid_t parent = getpid ();

  clock_gettime (CLOCK_MONOTONIC, &command->start);
  command->pid = vfork ();
  if (command->pid == 0)
    run_target (call, parent, &report);

  if (command->pid < 0)
    report.error = errno;
  close_fds (call);
  if (report.error == 0)
    return true;

  if (command->pid > 0)
    waitpid (command->pid, NULL, 0);
  send_error (call->header.id, report.error, (TvmSupervisorStage) report.stage);
  return false;
}

/* Takes in what has come while the command runs. */
static void
listen (const Command *command,
        uint64_t       id)
{
  while (!worker.ended && worker.n_kept < MAX_KEPT)
    {
      Call *call = &worker.kept[(worker.first_kept + worker.n_kept) % MAX_KEPT];

      if (read_frame (call) != TVM_FRAME_READ_OK)
        return;

      if (call->header.kind == TVM_FRAME_CANCEL)
        {
          if (call->header.id == id)
            kill (-command->pid, SIGTERM);
          continue;
        }

      call->payload = tvm_frame_reader_steal (&worker.reader, &call->header, call->payload);
      if (call->payload == NULL)
        {
          worker.ended = true;
          return;
        }
      call->is_kept = true;
      worker.n_kept++;
    }
}

/* Waits for the end of the command, and for a CANCEL. */
static void
wait_and_listen (Command  *command,
                 uint64_t  id)
{
  struct pollfd fds[2] = {
    { .fd = worker.signal_fd, .events = POLLIN },
    { .fd = worker.reader.fd, .events = POLLIN },
  };

  fcntl (worker.reader.fd, F_SETFL, O_NONBLOCK);
  listen (command, id);
  while (!worker.ended
         && wait4 (command->pid, &command->status, WNOHANG, &command->usage) != command->pid)
    {
      struct signalfd_siginfo infos[4];

      fds[1].fd = worker.n_kept < MAX_KEPT ? worker.reader.fd : -1;
      if (poll (fds, 2, -1) <= 0)
        continue;
      if (fds[0].revents != 0)
        (void) !read (worker.signal_fd, infos, sizeof infos);
      if (fds[1].revents != 0)
        listen (command, id);
    }

  command->ended = !worker.ended;
  fcntl (worker.reader.fd, F_SETFL, 0);
}

/* Returns: whether there are children */
static bool
reap (void)
{
  pid_t pid;

  while ((pid = waitpid (-1, NULL, WNOHANG)) > 0)
    ;
  return pid == 0;
}

static void
kill_leftovers (void)
{
  struct pollfd fd = { .fd = worker.signal_fd, .events = POLLIN };
  struct signalfd_siginfo infos[4];
  int wait_msec = 1;

  while (reap ())
    {
      tvm_process_tree_kill (&worker.tree, 0, NULL, NULL);
      if (poll (&fd, 1, wait_msec) > 0)
        (void) !read (worker.signal_fd, infos, sizeof infos);
      else if (wait_msec < 128)
        wait_msec *= 2;
    }
}

static void
run_call (Call *call)
{
  uint64_t id = call->header.id;
  int n_fds = N_OUTPUTS + ((call->header.flags & TVM_FRAME_FLAG_HAS_STDIN) != 0);
  int error = call->error;
  Command command = { 0 };

  say_begun (id);
  if (error == 0 && call->header.n_fds != n_fds)
    error = EINVAL;
  if (error == 0)
    error = tvm_words_parse (&worker.words, call->payload, (size_t) call->header.length);
  if (error == 0 && (worker.words.target.program == NULL || worker.words.use_stdio))
    error = EINVAL;

  if (error != 0)
    {
      send_error (id, error, call->error != 0 ? TVM_SUPERVISOR_STAGE_SETUP
                                              : TVM_SUPERVISOR_STAGE_OPTIONS);
      return;
    }

  if (!start_command (&command, call))
    return;

  if ((call->header.flags & TVM_FRAME_FLAG_MAY_CANCEL) != 0)
    wait_and_listen (&command, id);
  else
    while (!command.ended)
      command.ended = wait4 (command.pid, &command.status, 0, &command.usage) == command.pid;

  kill_leftovers ();
  if (command.ended)
    send_result (id, &command);
}

/* Returns: whether there is one, else the end has come */
static bool
next_frame (Call *call)
{
  if (worker.n_kept == 0)
    return read_frame (call) == TVM_FRAME_READ_OK;

  *call = worker.kept[worker.first_kept];
  worker.first_kept = (worker.first_kept + 1) % MAX_KEPT;
  worker.n_kept--;
  return true;
}

static bool
set_up_process (int channel_fd,
                int page_fd)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t all;
  sigset_t wanted;

  /* Those that are ignored would be ignored in the commands too. */
  for (int i = 1; i < NSIG; i++)
    if (i != SIGKILL && i != SIGSTOP)
      sigaction (i, &action, NULL);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);

  sigemptyset (&wanted);
  sigaddset (&wanted, SIGCHLD);
  worker.signal_fd = signalfd (-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  worker.reader.fd = channel_fd;
  worker.page_fd = page_fd;
  return worker.signal_fd >= 0;
}

int
tvm_command_worker_run (int channel_fd,
                        int page_fd)
{
  Call call;

  if (!set_up_process (channel_fd, page_fd))
    return 1;

  send_hello ();
  while (!worker.ended && next_frame (&call))
    {
      if (call.header.kind == TVM_FRAME_SETUP)
        set_up (&call);
      else if (call.header.kind == TVM_FRAME_CALL || call.header.kind == TVM_FRAME_INIT)
        run_call (&call);
      else if (call.header.kind != TVM_FRAME_CANCEL)
        worker.ended = true;

      /* The call of a CANCEL may be over before it comes. */
      close_fds (&call);
      if (call.is_kept)
        free (call.payload);
    }

  return 0;
}
