/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finding and killing descendants.
 *
 * Groups go first: for the kernel a signal to a group and a fork exclude each other, so that a
 * process that forks without end cannot slip through. Each descendant's own group is killed too: it
 * can have no other members, as groups do not reach across sessions, and the supervisor leads the
 * session in which it started the target.
 *
 * Parents go before their children: a parent that is dying does not wait for children any more, so
 * that the ID of a child that was just read is not given to a stranger before it is used.
 */

#include "tvmsupport/process/tvm-supervisor-kill.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is beyond is found by the next call, when those that were found are dead. */
#define MAX_DESCENDANTS 16384

static pid_t descendants[MAX_DESCENDANTS];
static unsigned n_descendants;

static void
add_descendant (pid_t pid)
{
  if (n_descendants < MAX_DESCENDANTS)
    descendants[n_descendants++] = pid;
}

/* Adds the children of one thread of @pid. Returns: false if the kernel does not list them */
static bool
add_children_of_thread (pid_t       pid,
                        const char *tid)
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
          add_descendant (child);
          child = 0;
        }

  close (fd);
  return true;
}

static bool
add_children (pid_t pid)
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
      listed |= add_children_of_thread (pid, entry->d_name);

  closedir (dir);
  return listed;
}

/* Returns: the parent of the process with the ID @pid, 0 if there is no telling */
static pid_t
get_parent (const char *pid)
{
  char buffer[512];
  const char *after_name;
  char path[64];
  int parent = 0;
  ssize_t n;
  int fd;

  snprintf (path, sizeof path, "/proc/%.20s/stat", pid);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;

  n = read (fd, buffer, sizeof buffer - 1);
  close (fd);
  if (n <= 0)
    return 0;

  /* The name of the program may hold anything, parentheses too. */
  buffer[n] = '\0';
  after_name = strrchr (buffer, ')');
  if (after_name == NULL || sscanf (after_name + 1, " %*c %d", &parent) != 1)
    return 0;

  return (pid_t) parent;
}

/* For a kernel built without lists of children */
static void
add_children_by_scan (pid_t pid)
{
  struct dirent *entry;
  DIR *dir = opendir ("/proc");

  if (dir == NULL)
    return;

  while ((entry = readdir (dir)) != NULL)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && get_parent (entry->d_name) == pid)
      add_descendant ((pid_t) atol (entry->d_name));

  closedir (dir);
}

static void
kill_group_of (pid_t child)
{
  pid_t group = getpgid (child);

  if (group > 1 && group != getpgrp ())
    kill (-group, SIGKILL);
}

void
tvm_supervisor_kill_descendants (pid_t group)
{
  unsigned n_children;
  bool lists;

  if (group > 0)
    kill (-group, SIGKILL);

  n_descendants = 0;
  lists = add_children (getpid ());
  if (!lists)
    add_children_by_scan (getpid ());

  n_children = n_descendants;
  for (unsigned i = 0; i < n_children; i++)
    kill_group_of (descendants[i]);

  for (unsigned i = 0; i < n_descendants; i++)
    {
      kill (descendants[i], SIGKILL);
      if (lists)
        add_children (descendants[i]);
      else
        add_children_by_scan (descendants[i]);
    }
}
