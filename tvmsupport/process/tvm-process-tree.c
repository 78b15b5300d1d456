/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups go first: for the kernel a signal to a group and a fork exclude each other, so that a
 * process that forks without end cannot slip through. Each descendant's own group is killed too: it
 * can have no other members, as groups do not reach across sessions. The supervisor leads the
 * session in which it started the target, and what is killed apart from others, as the workers of a
 * nursery are, leads a session of its own.
 *
 * Parents go before their children: a parent that is dying does not wait for children any more, so
 * that the ID of a child that was just read is not given to a stranger before it is used.
 */

#include "tvmsupport/process/tvm-process-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
add (TvmProcessTree *self,
     pid_t           pid)
{
  if (self->n_pids < TVM_PROCESS_TREE_MAX)
    self->pids[self->n_pids++] = pid;
}

/* Adds the children of one thread of @pid. Returns: false if the kernel does not list them */
static bool
add_children_of_thread (TvmProcessTree *self,
                        pid_t           pid,
                        const char     *tid)
{
  char buffer[4096];
  char path[64];
  pid_t child = 0;
  ssize_t n;
  int fd;

  snprintf (path, sizeof path, "/proc/%d/task/%.20s/children", (int) pid, tid);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    for (ssize_t i = 0; i < n; i++)
      if (buffer[i] >= '0' && buffer[i] <= '9')
        child = child * 10 + (buffer[i] - '0');
      else if (child != 0)
        {
          add (self, child);
          child = 0;
        }

  close (fd);
  return true;
}

static bool
add_listed_children (TvmProcessTree *self,
                     pid_t           pid)
{
  struct dirent *entry;
  char path[32];
  bool listed = false;
  DIR *dir;

  snprintf (path, sizeof path, "/proc/%d/task", (int) pid);
  dir = opendir (path);
  if (dir == NULL)
    return false;

  while ((entry = readdir (dir)) != NULL)
    if (entry->d_name[0] != '.')
      listed |= add_children_of_thread (self, pid, entry->d_name);

  closedir (dir);
  return listed;
}

bool
tvm_process_tree_get_state (pid_t  pid,
                            pid_t *parent,
                            char  *state)
{
  char buffer[512];
  const char *after_name;
  char path[64];
  int number;
  ssize_t n;
  int fd;

  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;

  n = read (fd, buffer, sizeof buffer - 1);
  close (fd);
  if (n <= 0)
    return false;

  /* The name of the program may hold anything, parentheses too. */
  buffer[n] = '\0';
  after_name = strrchr (buffer, ')');
  if (after_name == NULL || sscanf (after_name + 1, " %c %d", state, &number) != 2)
    return false;

  *parent = (pid_t) number;
  return true;
}

/* For a kernel built without lists of children */
static bool
add_children_by_scan (TvmProcessTree *self,
                      pid_t           pid)
{
  struct dirent *entry;
  pid_t parent;
  char state;
  DIR *dir = opendir ("/proc");

  if (dir == NULL)
    return false;

  while ((entry = readdir (dir)) != NULL)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9'
        && tvm_process_tree_get_state ((pid_t) atol (entry->d_name), &parent, &state)
        && parent == pid)
      add (self, (pid_t) atol (entry->d_name));

  closedir (dir);
  return true;
}

/* Whether the kernel lists the children of processes */
static bool
has_lists (void)
{
  return access ("/proc/thread-self/children", R_OK) == 0;
}

bool
tvm_process_tree_add_children (TvmProcessTree *self,
                               pid_t           pid)
{
  if (add_listed_children (self, pid))
    return true;

  return !has_lists () && add_children_by_scan (self, pid);
}

static void
kill_group_of (pid_t child)
{
  pid_t group = getpgid (child);

  if (group > 1 && group != getpgrp ())
    kill (-group, SIGKILL);
}

int
tvm_process_tree_kill (TvmProcessTree      *self,
                       pid_t                group,
                       TvmProcessTreeSpare  spare,
                       void                *data)
{
  unsigned n_children = 0;

  if (group > 0)
    kill (-group, SIGKILL);

  self->n_pids = 0;
  if (!tvm_process_tree_add_children (self, getpid ()))
    return -1;

  for (unsigned i = 0; i < self->n_pids; i++)
    if (spare == NULL || !spare (self->pids[i], data))
      self->pids[n_children++] = self->pids[i];

  self->n_pids = n_children;
  for (unsigned i = 0; i < n_children; i++)
    kill_group_of (self->pids[i]);

  for (unsigned i = 0; i < self->n_pids; i++)
    {
      kill (self->pids[i], SIGKILL);
      tvm_process_tree_add_children (self, self->pids[i]);
    }

  return (int) n_children;
}
