/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-kill.h"

#include "tvmsupport/process/tvm-process-tree.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What goes on starting processes in the tree, and is not killed itself, could keep us for ever. */
#define LIMIT_USEC (2 * G_USEC_PER_SEC)

/* How long to wait until a process has stopped: one that sleeps uninterruptibly does not. */
#define STOP_LIMIT_USEC 10000

/*
 * Here, other than in the supervisor, the tree is not ours: what loses its parent goes to some
 * other process, out of sight. So all of it is stopped first, from the top down. What has stopped
 * starts nothing more, and the list of its children is complete. Then all is killed, from the
 * bottom up, so that each is still known by its parent.
 */
typedef struct
{
  pid_t root;
  TvmProcessTree *tree;     /* the root, then what was found below it */
  pid_t *parents;           /* of those */
  GHashTable *killed;       /* (element-type gint): process IDs */
  GHashTable *dead;         /* (element-type gint): ended, there until they are reaped */
  guint n_last;             /* what there was in the round before */
  guint checksum;
} Killer;

/* Sends @signum to @pid if it is a living child of @parent. Its ID may have been given to another
 * process since it was read; a descriptor of it is not. */
static gboolean
signal_child (Killer *self,
              pid_t   pid,
              pid_t   parent,
              int     signum)
{
  int fd = (int) syscall (SYS_pidfd_open, pid, 0);
  gboolean sent;
  pid_t found;
  char state;

  if (fd < 0 && errno == ESRCH)
    return FALSE;

  sent = tvm_process_tree_get_state (pid, &found, &state) && found == parent && state != 'X';
  if (sent && state == 'Z')
    {
      g_hash_table_add (self->dead, GINT_TO_POINTER (pid));
      sent = FALSE;
    }
  if (sent && fd >= 0)
    sent = syscall (SYS_pidfd_send_signal, fd, signum, NULL, 0) == 0;
  else if (sent)
    sent = kill (pid, signum) == 0;

  if (fd >= 0)
    close (fd);
  return sent;
}

static gboolean
has_stopped (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", (int) pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  pid_t parent;
  char state;

  /* Its threads do not stop at the same moment. */
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (tvm_process_tree_get_state ((pid_t) g_ascii_strtoll (name, NULL, 10), &parent, &state)
        && strchr ("TtZX", state) == NULL)
      return FALSE;

  return TRUE;
}

static gboolean
is_dead (Killer *self,
         pid_t   pid)
{
  return g_hash_table_contains (self->dead, GINT_TO_POINTER (pid));
}

/* All members of a session come from its leader. What forks, calls setsid() and ends, again and
 * again, is hardly ever still there when it was found; but for a moment its child is in its group,
 * and for the kernel a signal to a group and a fork exclude each other. */
static void
stop_session (pid_t leader)
{
  if (getsid (leader) == leader && getsid (0) != leader)
    kill (-leader, SIGSTOP);
}

static void
stop_child (Killer *self,
            pid_t   pid,
            pid_t   parent)
{
  gint64 limit = g_get_monotonic_time () + STOP_LIMIT_USEC;

  if (pid == getpid () || is_dead (self, pid) || !signal_child (self, pid, parent, SIGSTOP))
    return;

  while (!has_stopped (pid) && g_get_monotonic_time () < limit)
    g_usleep (20);
}

/* Finds and stops all that there is. Returns: whether it differs from what the last round found */
static gboolean
stop_all (Killer *self)
{
  TvmProcessTree *tree = self->tree;
  guint checksum = 0;
  gboolean changed;

  tree->pids[0] = self->root;
  tree->n_pids = 1;
  for (unsigned i = 0; i < tree->n_pids; i++)
    {
      unsigned n = tree->n_pids;

      checksum = checksum * 33 + (guint) tree->pids[i];
      if (i > 0)
        stop_child (self, tree->pids[i], self->parents[i]);

      /* There may be very many of these, and what leaves them behind is fast. */
      if (is_dead (self, tree->pids[i]))
        continue;

      /* The newest first: the others are not in such a hurry. */
      tvm_process_tree_add_children (tree, tree->pids[i]);
      for (unsigned j = tree->n_pids; j-- > n;)
        {
          self->parents[j] = tree->pids[i];
          if (!is_dead (self, tree->pids[j]))
            stop_session (tree->pids[j]);
        }
    }

  changed = tree->n_pids != self->n_last || checksum != self->checksum;
  self->n_last = tree->n_pids;
  self->checksum = checksum;
  return changed;
}

/* Returns: how many were killed that were not before */
static guint
kill_all (Killer *self)
{
  guint n = 0;

  for (unsigned i = self->tree->n_pids - 1; i > 0; i--)
    {
      pid_t pid = self->tree->pids[i];

      if (pid != getpid () && !g_hash_table_contains (self->killed, GINT_TO_POINTER (pid))
          && !is_dead (self, pid) && signal_child (self, pid, self->parents[i], SIGKILL))
        {
          g_hash_table_add (self->killed, GINT_TO_POINTER (pid));
          n++;
        }
    }

  return n;
}

/**
 * tvm_kill_child_processes:
 * @pid: the ID of a process
 *
 * Kills all descendants of the process @pid with `SIGKILL`, but not the process itself, nor the
 * calling process, should that be one of them.
 *
 * It looks again and again until it finds nothing more to kill, so that what was started meanwhile
 * dies as well. It does not reap: whoever started these processes does that. All are stopped before
 * the first one is killed, which a parent that asks for it hears of.
 *
 * A process is found by its parents. A daemon whose parents have ended is a descendant of @pid no
 * more, unless one of the processes above it, up to @pid, is a child subreaper (see prctl(2)): it
 * cannot be found, and stays. What a [class@TvmSupport.PoolExecutor] or a
 * [class@TvmSupport.PopenWorker] has started is always found; to end that,
 * [method@TvmSupport.PopenWorker.kill] is what to call.
 *
 * It may be called in any thread, and blocks for about a millisecond; for two seconds at most,
 * where something goes on starting processes there.
 *
 * Returns: how many processes were killed; 0 if there is no process @pid
 *
 * Since: 1.0
 */
guint
tvm_kill_child_processes (int pid)
{
  g_autoptr (GHashTable) killed = NULL;
  g_autoptr (GHashTable) dead = NULL;
  g_autofree TvmProcessTree *tree = NULL;
  g_autofree pid_t *parents = NULL;
  Killer self = { .root = pid };
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;
  gboolean changed;
  guint n;

  g_return_val_if_fail (pid > 0, 0);

  killed = g_hash_table_new (NULL, NULL);
  dead = g_hash_table_new (NULL, NULL);
  tree = g_new (TvmProcessTree, 1);
  parents = g_new (pid_t, TVM_PROCESS_TREE_MAX);
  self.killed = killed;
  self.dead = dead;
  self.tree = tree;
  self.parents = parents;

  /* In the end nothing is new: neither something to kill, nor something that has just ended and may
   * have started something before. */
  do
    {
      changed = stop_all (&self);
      n = kill_all (&self);
    }
  while ((changed || n > 0) && g_get_monotonic_time () < limit);

  return g_hash_table_size (killed);
}
