/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Each worker leads a session and is the child subreaper of what it starts, so that a process that
 * one of its tasks leaves behind stays below it for as long as it lives. When it dies, that becomes
 * a child of the nursery, and is known by not being a worker.
 *
 * Everything happens in rounds. A round reaps, then lists the children; those that are no workers,
 * or workers that are to die, are killed with all that is below them. A worker that was reaped is
 * reported once no child is left that can come from it: its children become ours when it dies,
 * which is after the last round in which it was not yet reaped has begun, so those that were seen
 * before that round belong to others. Hence what cannot be killed, because it sleeps
 * uninterruptibly, only delays the end of the worker that it belongs to.
 *
 * Nothing here waits for anything but in poll(). While there is something to kill, rounds follow
 * each other whenever a child has ended, and from time to time, because orphans come without a
 * signal.
 */

#include "tvmsupport/worker/tvm-nursery.h"

#include "tvmsupport/process/tvm-process-tree.h"
#include "tvmsupport/process/tvm-target.h"
#include "tvmsupport/worker/tvm-frame-queue.h"
#include "tvmsupport/worker/tvm-words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tells that the thread that started us has ended; then getppid() says whether its process has. */
#define PARENT_SIGNAL SIGHUP

/* Ours are above those that a worker has at fixed places. */
#define FIRST_FREE_FD (TVM_WORKER_PAGE_FD + 1)

/* Descriptors that come with FORK */
enum { SOCKET, PAGE, STDOUT, STDERR, N_FDS };

/* To look at a process takes this many, also when there are no more. */
#define N_RESERVED 2

/* What is not read holds up reading. */
#define MAX_UNSENT (1024 * 1024)

/* Those beyond are new ones in each round. */
#define MAX_LEFTOVERS 64

#define LONGEST_WAIT_MSEC 128

typedef struct
{
  pid_t pid;
  uint64_t id;
  bool dying;
  uint64_t last_round;      /* once it was reaped: the last one in which it may have lived */
  int status;
  struct rusage usage;
} Worker;

typedef struct
{
  Worker *items;
  size_t n;
  size_t capacity;
} Workers;

/* A child that is no worker */
typedef struct
{
  pid_t pid;
  uint64_t first_round;     /* in which it was seen */
} Leftover;

typedef struct
{
  Leftover items[MAX_LEFTOVERS];
  size_t n;
} Leftovers;

struct _TvmNursery
{
  int control_fd;
  int signal_fd;
  int null_fd;
  int reserved[N_RESERVED];
  pid_t pid;
  pid_t parent;
  int parent_signal;        /* comes when that ends, or 0 */
  sigset_t old_mask;
  bool can_fork;
  bool is_blind;            /* there is no telling what children there are */
  bool ended;               /* of the socket, or of the parent */

  TvmFrameReader reader;
  bool has_more;            /* there may be a frame that was read already */
  TvmFrameQueue queue;

  Workers workers;          /* by their process IDs */
  Workers reaped;           /* what they left may live */
  Leftovers leftovers;
  Leftovers seen;           /* in this round */
  uint64_t newest;          /* the last round in which a leftover of now was seen first */
  uint64_t round;
  bool has_work;            /* for a round */
  int wait_msec;            /* until the next one, -1 if there is nothing to wait for */
  TvmProcessTree tree;

  bool fork_pending;        /* the owner is to fork */
  uint64_t fork_id;
  int fork_fds[N_FDS];
  TvmWords words;
};

static void
close_all (const int *fds,
           int        n_fds)
{
  for (int i = 0; i < n_fds; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

/* Away from the places that a worker has its own at */
static void
raise_descriptor (int *fd)
{
  int raised;

  if (*fd < 0 || *fd >= FIRST_FREE_FD)
    return;

  raised = fcntl (*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
  close (*fd);
  *fd = raised;
}

/* What is sent */

/* @end: of the settings at @settings, NULL if they did not fit */
static void
queue_frame (TvmNursery   *self,
             TvmFrameKind  kind,
             uint64_t      id,
             const char   *settings,
             const char   *end)
{
  TvmFrameHeader header = { .kind = (uint8_t) kind, .id = id };

  if (end != NULL)
    header.length = (uint64_t) (end - settings);
  if (tvm_frame_queue_add (&self->queue, header, settings) != 0)
    self->ended = true;
}

static void
queue_hello (TvmNursery *self,
             const char *program,
             const char *payload_type)
{
  char settings[512];
  const char *limit = settings + sizeof settings;
  char *end = settings;

  end = tvm_frame_put_number (end, limit, "protocol", TVM_FRAME_VERSION);
  end = tvm_frame_put_number (end, limit, "pid", self->pid);
  end = tvm_frame_put_setting (end, limit, "payload", payload_type);
  end = tvm_frame_put_setting (end, limit, "program", program);
  queue_frame (self, TVM_FRAME_HELLO, 0, settings, end);
}

static void
queue_forked (TvmNursery *self,
              uint64_t    id,
              pid_t       pid)
{
  char settings[64];

  queue_frame (self, TVM_FRAME_FORKED, id, settings,
               tvm_frame_put_number (settings, settings + sizeof settings, "pid", pid));
}

static void
queue_not_forked (TvmNursery         *self,
                  uint64_t            id,
                  TvmSupervisorStage  stage,
                  int                 error,
                  const char         *reason)
{
  char settings[512];
  const char *limit = settings + sizeof settings;
  char *end = settings;

  end = tvm_frame_put_number (end, limit, "error", error);
  end = tvm_frame_put_number (end, limit, "stage", stage);
  if (reason != NULL)
    end = tvm_frame_put_setting (end, limit, "reason", reason);
  queue_frame (self, TVM_FRAME_FORKED, id, settings, end);
}

static long long
timeval_usec (struct timeval value)
{
  return (long long) value.tv_sec * 1000000 + value.tv_usec;
}

static void
queue_exited (TvmNursery   *self,
              const Worker *worker)
{
  char settings[256];
  const char *limit = settings + sizeof settings;
  char *end = settings;

  end = tvm_frame_put_number (end, limit, "status", worker->status);
  end = tvm_frame_put_number (end, limit, "user-usec", timeval_usec (worker->usage.ru_utime));
  end = tvm_frame_put_number (end, limit, "system-usec", timeval_usec (worker->usage.ru_stime));
  end = tvm_frame_put_number (end, limit, "max-rss-bytes",
                              (long long) worker->usage.ru_maxrss * 1024);
  queue_frame (self, TVM_FRAME_EXITED, worker->id, settings, end);
}

/* Workers */

/* Makes room for one more than @n. */
static bool
workers_reserve (Workers *self,
                 size_t   n)
{
  size_t capacity = n * 2 + 16;
  Worker *items;

  if (n < self->capacity)
    return true;

  items = realloc (self->items, capacity * sizeof *items);
  if (items == NULL)
    return false;

  self->items = items;
  self->capacity = capacity;
  return true;
}

static void
workers_remove (Workers *self,
                size_t   index)
{
  self->n--;
  memmove (self->items + index, self->items + index + 1,
           (self->n - index) * sizeof *self->items);
}

/* Returns: where the one with the process ID @pid is, or would be */
static size_t
workers_search (const Workers *self,
                pid_t          pid)
{
  size_t first = 0;
  size_t end = self->n;

  while (first < end)
    {
      size_t middle = first + (end - first) / 2;

      if (self->items[middle].pid < pid)
        first = middle + 1;
      else
        end = middle;
    }

  return first;
}

static Worker *
find_worker (TvmNursery *self,
             pid_t       pid)
{
  size_t index = workers_search (&self->workers, pid);

  if (index == self->workers.n || self->workers.items[index].pid != pid)
    return NULL;
  return &self->workers.items[index];
}

static Worker *
find_worker_by_id (TvmNursery *self,
                   uint64_t    id)
{
  for (size_t i = 0; i < self->workers.n; i++)
    if (self->workers.items[i].id == id)
      return &self->workers.items[i];
  return NULL;
}

/* There is room for it. */
static void
add_worker (TvmNursery *self,
            uint64_t    id,
            pid_t       pid)
{
  size_t index = workers_search (&self->workers, pid);
  Worker *place = self->workers.items + index;

  memmove (place + 1, place, (self->workers.n - index) * sizeof *place);
  self->workers.n++;
  *place = (Worker) { .pid = pid, .id = id };
}

/* Rounds */

static void
forget_leftover (TvmNursery *self,
                 pid_t       pid)
{
  Leftovers *leftovers = &self->leftovers;

  for (size_t i = 0; i < leftovers->n; i++)
    if (leftovers->items[i].pid == pid)
      {
        leftovers->items[i] = leftovers->items[--leftovers->n];
        return;
      }
}

/* Returns: whether there are children */
static bool
reap (TvmNursery *self)
{
  struct rusage usage;
  int status;
  pid_t pid;

  while ((pid = wait4 (-1, &status, WNOHANG, &usage)) > 0)
    {
      Worker *worker = find_worker (self, pid);

      if (worker == NULL)
        {
          forget_leftover (self, pid);
          continue;
        }

      worker->status = status;
      worker->usage = usage;
      worker->last_round = self->round - 1;

      /* There is room since it was started. */
      self->reaped.items[self->reaped.n++] = *worker;
      workers_remove (&self->workers, (size_t) (worker - self->workers.items));
      self->wait_msec = 1;
    }

  return pid == 0;
}

/* A TvmProcessTreeSpare; remembers what is no worker. */
static bool
spare_workers (pid_t  pid,
               void  *data)
{
  TvmNursery *self = data;
  const Worker *worker = find_worker (self, pid);
  uint64_t first_round = self->round;

  if (worker != NULL)
    return !worker->dying;

  for (size_t i = 0; i < self->leftovers.n; i++)
    if (self->leftovers.items[i].pid == pid)
      first_round = self->leftovers.items[i].first_round;

  if (self->seen.n < MAX_LEFTOVERS)
    self->seen.items[self->seen.n++] = (Leftover) { pid, first_round };
  if (first_round > self->newest)
    self->newest = first_round;
  return false;
}

static bool
has_dying (const TvmNursery *self)
{
  for (size_t i = 0; i < self->workers.n; i++)
    if (self->workers.items[i].dying)
      return true;
  return false;
}

/* A language may have used up all descriptors. */
static void
reserve_descriptors (TvmNursery *self)
{
  for (int i = 0; i < N_RESERVED; i++)
    self->reserved[i] = fcntl (self->null_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
}

static void
release_descriptors (TvmNursery *self)
{
  close_all (self->reserved, N_RESERVED);
  self->reserved[0] = self->reserved[1] = -1;
}

/* Returns: whether it is known what there was */
static bool
kill_leftovers (TvmNursery *self)
{
  int n;

  self->seen.n = 0;
  self->newest = 0;
  if (self->is_blind)
    {
      for (size_t i = 0; i < self->workers.n; i++)
        if (self->workers.items[i].dying)
          kill (-self->workers.items[i].pid, SIGKILL);
      return true;
    }

  release_descriptors (self);
  n = tvm_process_tree_kill (&self->tree, 0, spare_workers, self);
  reserve_descriptors (self);
  if (n < 0)
    return false;

  memcpy (self->leftovers.items, self->seen.items, self->seen.n * sizeof *self->seen.items);
  self->leftovers.n = self->seen.n;
  return true;
}

static void
report_gone (TvmNursery *self)
{
  size_t n = 0;

  for (size_t i = 0; i < self->reaped.n; i++)
    if (self->newest < self->reaped.items[i].last_round)
      queue_exited (self, &self->reaped.items[i]);
    else
      self->reaped.items[n++] = self->reaped.items[i];

  self->reaped.n = n;
}

static void
do_round (TvmNursery *self)
{
  self->has_work = false;
  self->round++;
  reap (self);
  if (self->reaped.n == 0 && self->leftovers.n == 0 && !has_dying (self))
    {
      self->wait_msec = -1;
      return;
    }

  if (kill_leftovers (self))
    report_gone (self);

  if (self->reaped.n == 0 && self->leftovers.n == 0 && !has_dying (self))
    self->wait_msec = -1;
  else if (self->wait_msec < 0)
    self->wait_msec = 1;
}

static void
kill_all (TvmNursery *self)
{
  struct pollfd fd = { .fd = self->signal_fd, .events = POLLIN };
  struct signalfd_siginfo infos[4];
  int wait_msec = 1;

  release_descriptors (self);
  while (reap (self))
    {
      for (size_t i = 0; self->is_blind && i < self->workers.n; i++)
        kill (-self->workers.items[i].pid, SIGKILL);
      tvm_process_tree_kill (&self->tree, 0, NULL, NULL);
      if (poll (&fd, 1, wait_msec) > 0)
        (void) !read (self->signal_fd, infos, sizeof infos);
      else if (wait_msec < LONGEST_WAIT_MSEC)
        wait_msec *= 2;
    }
  reserve_descriptors (self);
}

/* Starting a worker */

/* In the child: gives it its descriptors. Returns: 0 or an errno */
static int
place_descriptors (const TvmNursery *self,
                   bool              executes)
{
  bool use_stdio = executes && self->words.use_stdio;
  const int *fds = self->fork_fds;

  if (dup2 (use_stdio ? fds[SOCKET] : self->null_fd, STDIN_FILENO) < 0
      || dup2 (use_stdio ? fds[SOCKET] : fds[STDOUT], STDOUT_FILENO) < 0
      || dup2 (fds[STDERR], STDERR_FILENO) < 0)
    return errno;

  /* A program marks them itself, before anything else. */
  if (!use_stdio && (dup3 (fds[SOCKET], TVM_WORKER_CHANNEL_FD, executes ? 0 : O_CLOEXEC) < 0
                     || dup3 (fds[PAGE], TVM_WORKER_PAGE_FD, executes ? 0 : O_CLOEXEC) < 0))
    return errno;

  if (executes)
    tvm_target_close_from (use_stdio ? STDERR_FILENO + 1 : FIRST_FREE_FD);
  return 0;
}

/* In the vforked child */
static void
run_program (const TvmNursery *self,
             TvmTargetReport  *report)
{
  report->stage = TVM_SUPERVISOR_STAGE_SETUP;
  report->error = place_descriptors (self, true);
  if (report->error == 0
      && tvm_target_prepare (&self->words.target,
                             TVM_TARGET_SESSION | TVM_TARGET_RESET_SIGNALS
                             | TVM_TARGET_UNBLOCK_SIGNALS,
                             self->pid, report))
    tvm_target_execute (&self->words.target, report);

  _exit (127);
}

static void
start_program (TvmNursery *self)
{
  TvmTargetReport report = { TVM_SUPERVISOR_STAGE_FORK, 0 };
  pid_t pid = vfork ();

  if (pid == 0)
    run_program (self, &report);

  if (pid < 0)
    report.error = errno;

  /* It is no worker, and was never one for the other side. */
  if (pid > 0 && report.error != 0)
    while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
      ;

  if (report.error != 0)
    queue_not_forked (self, self->fork_id, (TvmSupervisorStage) report.stage, report.error, NULL);
  else
    {
      add_worker (self, self->fork_id, pid);
      queue_forked (self, self->fork_id, pid);
    }

  close_all (self->fork_fds, N_FDS);
}

static int
count_threads (void)
{
  struct stat st;

  /* Each is a directory in it. */
  return stat ("/proc/self/task", &st) == 0 ? (int) st.st_nlink - 2 : 1;
}

/* Room for one more worker, now and when it is reaped. Returns: 0 or an errno */
static int
reserve_worker (TvmNursery *self)
{
  size_t n = self->workers.n + self->reaped.n;

  return workers_reserve (&self->workers, self->workers.n)
         && workers_reserve (&self->reaped, n) ? 0 : ENOMEM;
}

/* Returns: 0 or an errno, with @reason unless that says it all */
static int
check_fork (const TvmNursery *self,
            char             *reason,
            size_t            size)
{
  int n_threads;

  if (self->words.target.program != NULL)
    return 0;
  if (self->words.use_stdio)
    return EINVAL;

  n_threads = count_threads ();
  if (self->can_fork && n_threads == 1)
    return 0;

  if (self->can_fork)
    snprintf (reason, size, "the nursery has %d threads", n_threads);
  else
    snprintf (reason, size, "the nursery does not fork");
  return EAGAIN;
}

/* So that none is overwritten in the child before it was placed. Returns: 0 or an errno */
static int
take_descriptors (TvmNursery *self,
                  const int   fds[])
{
  int error = 0;

  for (int i = 0; i < N_FDS; i++)
    {
      self->fork_fds[i] = fds[i];
      raise_descriptor (&self->fork_fds[i]);
      if (self->fork_fds[i] < 0)
        error = EMFILE;
    }

  return error;
}

/* Takes the descriptors. Returns: whether the owner is to fork */
static bool
handle_fork (TvmNursery           *self,
             const TvmFrameHeader *header,
             void                 *payload,
             const int             fds[])
{
  char reason[64] = "";
  int error;

  if (header->n_fds != N_FDS)
    {
      close_all (fds, header->n_fds);
      queue_not_forked (self, header->id, TVM_SUPERVISOR_STAGE_OPTIONS, EINVAL, NULL);
      return false;
    }

  self->fork_id = header->id;
  error = take_descriptors (self, fds);
  if (error == 0 && find_worker_by_id (self, header->id) != NULL)
    error = EEXIST;
  if (error == 0)
    error = tvm_words_parse (&self->words, payload, (size_t) header->length);
  if (error == 0)
    error = reserve_worker (self);
  if (error == 0)
    error = check_fork (self, reason, sizeof reason);

  if (error != 0)
    {
      queue_not_forked (self, header->id, TVM_SUPERVISOR_STAGE_OPTIONS, error,
                        *reason != '\0' ? reason : NULL);
      close_all (self->fork_fds, N_FDS);
      return false;
    }

  self->fork_pending = self->words.target.program == NULL;
  if (!self->fork_pending)
    start_program (self);
  return self->fork_pending;
}

/* What comes */

static void
handle_kill (TvmNursery *self,
             uint64_t    id)
{
  Worker *worker = find_worker_by_id (self, id);

  /* Else it has ended meanwhile. */
  if (worker == NULL)
    return;

  worker->dying = true;
  self->has_work = true;
  self->wait_msec = 1;
}

/* Returns: whether there is something for the owner to do */
static bool
handle_frame (TvmNursery           *self,
              const TvmFrameHeader *header,
              void                 *payload,
              const int             fds[],
              TvmNurseryRequest    *request)
{
  if (header->kind == TVM_FRAME_FORK)
    {
      *request = TVM_NURSERY_FORK;
      return handle_fork (self, header, payload, fds);
    }

  close_all (fds, header->n_fds);
  if (header->kind == TVM_FRAME_KILL)
    handle_kill (self, header->id);
  else if (header->kind != TVM_FRAME_SETUP)
    self->ended = true;

  *request = TVM_NURSERY_SETUP;
  return header->kind == TVM_FRAME_SETUP;
}

/* Reads one frame, if there is one. Returns: whether there is something for the owner to do */
static bool
read_frame (TvmNursery         *self,
            TvmNurseryRequest  *request,
            const char        **settings,
            size_t             *length)
{
  TvmFrameHeader header;
  const char *problem;
  void *payload;
  int fds[TVM_FRAME_MAX_FDS];

  self->has_more = false;
  switch (tvm_frame_read (&self->reader, TVM_FRAME_MAX_CONTROL, &header, &payload, fds, &problem))
    {
    case TVM_FRAME_READ_OK:
      self->has_more = true;
      *settings = payload;
      *length = (size_t) header.length;
      return handle_frame (self, &header, payload, fds, request);

    case TVM_FRAME_READ_AGAIN:
      return false;

    case TVM_FRAME_READ_ERROR:
      /* There was no room for the descriptors. */
      if (errno == EMFILE && header.kind == TVM_FRAME_FORK)
        {
          self->has_more = true;
          queue_not_forked (self, header.id, TVM_SUPERVISOR_STAGE_SETUP, EMFILE, NULL);
          return false;
        }
      break;

    case TVM_FRAME_READ_END:
    case TVM_FRAME_READ_BROKEN:
      break;
    }

  self->ended = true;
  return false;
}

static void
handle_signals (TvmNursery *self)
{
  struct signalfd_siginfo infos[4];

  (void) !read (self->signal_fd, infos, sizeof infos);
  self->has_work = true;

  /* Whichever signal it was; the parent's thread may also have ended without its process. */
  if (getppid () != self->parent)
    self->ended = true;
}

/* Says which signal comes when the parent ends. */
static void
watch_parent (TvmNursery *self,
              int         signum)
{
  if (self->parent_signal == signum)
    return;

  prctl (PR_SET_PDEATHSIG, signum, 0, 0, 0);
  self->parent_signal = signum;
  if (getppid () != self->parent)
    self->ended = true;
}

/* Returns: whether there may be a frame to read */
static bool
wait_for_events (TvmNursery *self)
{
  struct pollfd fds[2] = {
    { .fd = self->signal_fd, .events = POLLIN },
    { .fd = self->control_fd, .events = POLLRDHUP },
  };
  bool can_read;
  int n;

  if (tvm_frame_queue_flush (&self->queue) != 0)
    self->ended = true;
  if (tvm_frame_queue_get_size (&self->queue) > 0)
    fds[1].events |= POLLOUT;
  can_read = tvm_frame_queue_get_size (&self->queue) < MAX_UNSENT;
  if (can_read)
    fds[1].events |= POLLIN;

  n = poll (fds, 2, self->ended || (self->has_more && can_read) ? 0 : self->wait_msec);
  if (n == 0 && self->wait_msec > 0 && !self->has_more)
    {
      self->has_work = true;
      if (self->wait_msec < LONGEST_WAIT_MSEC)
        self->wait_msec *= 2;
    }

  if (n <= 0)
    return self->has_more && can_read;
  if (fds[0].revents != 0)
    handle_signals (self);
  if ((fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0)
    self->ended = true;
  return can_read && (self->has_more || (fds[1].revents & POLLIN) != 0);
}

TvmNurseryRequest
tvm_nursery_next (TvmNursery  *self,
                  const char **settings,
                  size_t      *length)
{
  TvmNurseryRequest request;

  watch_parent (self, PARENT_SIGNAL);
  for (;;)
    {
      bool can_read = wait_for_events (self);

      if (self->ended)
        {
          kill_all (self);
          return TVM_NURSERY_END;
        }

      if (self->has_work)
        do_round (self);
      if (can_read && read_frame (self, &request, settings, length))
        {
          /* To load a module may take for ever. */
          if (request == TVM_NURSERY_SETUP && self->workers.n == 0)
            watch_parent (self, SIGKILL);
          return request;
        }
    }
}

/* What the owner forks */

static void
nursery_clear (TvmNursery *self)
{
  if (self->fork_pending)
    close_all (self->fork_fds, N_FDS);
  release_descriptors (self);
  close_all ((int[]) { self->control_fd, self->signal_fd, self->null_fd }, 3);
  tvm_frame_reader_clear (&self->reader);
  tvm_words_clear (&self->words);
  tvm_frame_queue_clear (&self->queue);
  free (self->workers.items);
  free (self->reaped.items);
  free (self);
}

int
tvm_nursery_child (TvmNursery *self)
{
  TvmTargetReport report = { TVM_SUPERVISOR_STAGE_SETUP, 0 };
  sigset_t mask = self->old_mask;

  report.error = place_descriptors (self, false);
  if (report.error == 0)
    tvm_target_prepare (&self->words.target, TVM_TARGET_SESSION, self->pid, &report);

  nursery_clear (self);
  sigprocmask (SIG_SETMASK, &mask, NULL);
  return report.error;
}

void
tvm_nursery_parent (TvmNursery *self,
                    pid_t       pid,
                    int         error)
{
  if (pid >= 0)
    {
      add_worker (self, self->fork_id, pid);
      queue_forked (self, self->fork_id, pid);
    }
  else
    queue_not_forked (self, self->fork_id, TVM_SUPERVISOR_STAGE_FORK, error, NULL);

  close_all (self->fork_fds, N_FDS);
  self->fork_pending = false;
}

/* Its own life */

/* What the owner opens later must not get the number of what a forked worker has there: it would be
 * overwritten in the worker. Returns: whether all went well, else errno */
static bool
keep_places (const TvmNursery *self)
{
  for (int fd = TVM_WORKER_CHANNEL_FD; fd < FIRST_FREE_FD; fd++)
    if (fcntl (fd, F_SETFD, FD_CLOEXEC) != 0 && dup3 (self->null_fd, fd, O_CLOEXEC) < 0)
      return false;

  return true;
}

/* Returns: whether all went well, else errno */
static bool
open_descriptors (TvmNursery *self,
                  int         fd)
{
  sigset_t wanted;

  sigemptyset (&wanted);
  sigaddset (&wanted, SIGCHLD);
  sigaddset (&wanted, PARENT_SIGNAL);

  self->control_fd = fd;
  raise_descriptor (&self->control_fd);
  self->signal_fd = signalfd (-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  self->null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  raise_descriptor (&self->signal_fd);
  raise_descriptor (&self->null_fd);
  reserve_descriptors (self);

  self->reader.fd = self->queue.fd = self->control_fd;
  return self->control_fd >= 0 && self->signal_fd >= 0 && self->null_fd >= 0
         && fcntl (self->control_fd, F_SETFD, FD_CLOEXEC) == 0
         && fcntl (self->control_fd, F_SETFL, O_NONBLOCK) == 0
         && keep_places (self);
}

/* Returns: whether all went well, else errno */
static bool
set_up_process (TvmNursery *self)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t all;

  /* Nothing but SIGKILL ends us before our work is done. */
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, &self->old_mask);
  sigaction (SIGCHLD, &action, NULL);

  self->parent = getppid ();
  watch_parent (self, PARENT_SIGNAL);
  return prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

TvmNursery *
tvm_nursery_new (int         fd,
                 const char *program,
                 const char *payload_type,
                 bool        can_fork)
{
  TvmNursery *self = calloc (1, sizeof *self);
  int error;

  if (self == NULL)
    return NULL;

  self->control_fd = self->signal_fd = self->null_fd = -1;
  self->reserved[0] = self->reserved[1] = -1;
  self->pid = getpid ();
  self->can_fork = can_fork;
  self->wait_msec = -1;
  self->round = 1;
  if (!set_up_process (self) || !open_descriptors (self, fd))
    {
      error = errno;
      sigprocmask (SIG_SETMASK, &self->old_mask, NULL);
      nursery_clear (self);
      errno = error;
      return NULL;
    }

  self->is_blind = !tvm_process_tree_add_children (&self->tree, self->pid);
  queue_hello (self, program, payload_type);
  return self;
}

void
tvm_nursery_free (TvmNursery *self)
{
  kill_all (self);
  sigprocmask (SIG_SETMASK, &self->old_mask, NULL);
  nursery_clear (self);
}
