/* SPDX-License-Identifier: Apache-2.0 */

#include "tvmsupport/process/tvm-target.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Between SIGXCPU and SIGKILL */
#define CPU_GRACE_SECONDS 2

bool
tvm_target_parse_number (const char          *text,
                         char                 end,
                         unsigned long long  *value,
                         const char         **rest)
{
  char *after;

  errno = 0;
  *value = strtoull (text, &after, 10);
  if (errno != 0 || after == text || *after != end)
    return false;
  if (rest != NULL)
    *rest = after + 1;
  return true;
}

static bool
parse_limit (TvmTarget  *self,
             const char *text)
{
  unsigned long long resource;
  unsigned long long value;

  if (self->n_limits == TVM_TARGET_MAX_LIMITS
      || !tvm_target_parse_number (text, '=', &resource, &text)
      || !tvm_target_parse_number (text, '\0', &value, NULL))
    return false;

  self->limits[self->n_limits].resource = (int) resource;
  self->limits[self->n_limits++].value = (rlim_t) value;
  return true;
}

bool
tvm_target_parse_option (TvmTarget  *self,
                         const char *argument,
                         bool       *matched)
{
  *matched = true;
  if (strncmp (argument, "--chdir=", 8) == 0)
    {
      self->cwd = argument + 8;
      return true;
    }

  if (strncmp (argument, "--rlimit=", 9) == 0)
    return parse_limit (self, argument + 9);

  *matched = false;
  return false;
}

/* A limit beyond what this process may set is the highest that it may. */
static bool
set_limit (const TvmTargetLimit *limit)
{
  struct rlimit new_limit = { limit->value, limit->value };
  struct rlimit old_limit;

  /* At the hard limit comes SIGKILL, which does not tell what for. */
  if (limit->resource == RLIMIT_CPU && limit->value < RLIM_INFINITY - CPU_GRACE_SECONDS)
    new_limit.rlim_max += CPU_GRACE_SECONDS;

  if (setrlimit (limit->resource, &new_limit) == 0)
    return true;
  if (errno != EPERM || getrlimit (limit->resource, &old_limit) != 0)
    return false;

  new_limit.rlim_max = old_limit.rlim_max;
  if (new_limit.rlim_cur > old_limit.rlim_max)
    new_limit.rlim_cur = old_limit.rlim_max;
  return setrlimit (limit->resource, &new_limit) == 0;
}

static bool
failed (TvmTargetReport    *report,
        TvmSupervisorStage  stage)
{
  report->error = errno;
  report->stage = stage;
  return false;
}

static void
reset_signals (void)
{
  struct sigaction action = { .sa_handler = SIG_DFL };

  /* Those that the application ignores are inherited as ignored. */
  for (int i = 1; i < NSIG; i++)
    if (i != SIGKILL && i != SIGSTOP)
      sigaction (i, &action, NULL);
}

bool
tvm_target_prepare (const TvmTarget *self,
                    TvmTargetFlags   flags,
                    pid_t            parent,
                    TvmTargetReport *report)
{
  sigset_t none;

  if ((flags & TVM_TARGET_SESSION) == 0)
    setpgid (0, 0);
  else
    {
      setsid ();
      if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return failed (report, TVM_SUPERVISOR_STAGE_SETUP);
    }

  /* Should somebody kill the parent */
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid () != parent)
    _exit (127);

  if ((flags & TVM_TARGET_RESET_SIGNALS) != 0)
    reset_signals ();
  if ((flags & TVM_TARGET_UNBLOCK_SIGNALS) != 0)
    {
      sigemptyset (&none);
      sigprocmask (SIG_SETMASK, &none, NULL);
    }

  if (self->cwd != NULL && chdir (self->cwd) != 0)
    return failed (report, TVM_SUPERVISOR_STAGE_CHDIR);

  for (unsigned i = 0; i < self->n_limits; i++)
    if (!set_limit (&self->limits[i]))
      return failed (report, TVM_SUPERVISOR_STAGE_RLIMIT);

  return true;
}

void
tvm_target_execute (const TvmTarget *self,
                    TvmTargetReport *report)
{
  execve (self->program, self->argv, self->envp);
  failed (report, TVM_SUPERVISOR_STAGE_EXEC);
}

/* For a kernel before 5.9. The limit of descriptors says little: it may be a billion, or have been
 * lowered below what is open. */
static void
close_listed (unsigned first)
{
  struct dirent *entry;
  DIR *dir = opendir ("/proc/self/fd");

  if (dir == NULL)
    return;

  while ((entry = readdir (dir)) != NULL)
    {
      int fd = atoi (entry->d_name);

      if (fd >= (int) first && fd != dirfd (dir))
        close (fd);
    }

  closedir (dir);
}

void
tvm_target_close_from (unsigned first)
{
  if (syscall (SYS_close_range, first, ~0U, 0) != 0)
    close_listed (first);
}
