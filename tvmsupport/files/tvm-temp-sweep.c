/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-sweep-private.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/files/tvm-rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/*
 * The living are told from the dead by a lock: a TvmTempDirectory holds a flock() on its directory
 * from just after mkdir until it is removed, and the kernel drops it with the process. There is no
 * separate lock file, and so no moment in which one exists without the other. A sweep that wins the
 * lock in the gap behind mkdir removes an empty directory, and its creator, who finds that out when
 * it takes the lock itself, makes another.
 *
 * What is taken as ours: the prefix, a directory, of our effective user, mode exactly 0700, and the
 * lock free. It is removed while the lock is held, so that no two sweeps meet.
 */

/* What one sweep looks at and takes on at most: it is part of the creation of a directory. */
#define MAX_ENTRIES 20000
#define MAX_PROBES 256
#define MAX_FOUND 64

/* Of places that are remembered: an application may write to any number of folders in its life. */
#define MAX_SWEPT 1000

/* Guarded by the fork lock */
static GHashTable *swept;       /* (element-type filename) (owned): of "PREFIX in PARENT" */

typedef struct
{
  int fd;       /* holds the lock */
  char *name;
} Stale;

typedef struct
{
  const char *prefix;   /* (nullable): only while we look */
  int parent_fd;
  GArray *stale;        /* (element-type Stale) */
} Sweep;

static void
stale_clear (gpointer data)
{
  Stale *stale = data;

  close (stale->fd);
  g_free (stale->name);
}

static void
sweep_free (Sweep *sweep)
{
  g_array_unref (sweep->stale);
  if (sweep->parent_fd >= 0)
    close (sweep->parent_fd);
  g_free (sweep);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sweep, sweep_free)

/* Only where flock() is known to be one lock for all who see the file: on a network file system it
 * may hold among the processes of one machine only. */
static gboolean
has_reliable_locks (int fd)
{
  struct statfs fs;

  if (fstatfs (fd, &fs) != 0)
    return FALSE;

  switch ((guint32) fs.f_type)
    {
    case EXT4_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case RAMFS_MAGIC:
    case 0x2fc12fc1:    /* ZFS */
    case 0xca451a4e:    /* bcachefs */
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_ours (const struct stat *st)
{
  return S_ISDIR (st->st_mode) && (st->st_mode & 07777) == TVM_TEMP_MODE
         && st->st_uid == geteuid ();
}

/* Returns: a descriptor that holds the lock of the dead @name, or -1 */
static int
lock_stale (int         parent_fd,
            const char *name)
{
  struct stat st, now;
  int fd;

  if (fstatat (parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !is_ours (&st))
    return -1;

  fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return -1;

  /* Looked at again now that nobody else can take it */
  if (flock (fd, LOCK_EX | LOCK_NB) == 0 && fstat (fd, &st) == 0 && is_ours (&st)
      && fstatat (parent_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == st.st_dev
      && now.st_ino == st.st_ino)
    return fd;

  close (fd);
  return -1;
}

static void
find_stale (Sweep *sweep,
            DIR   *dir)
{
  const struct dirent *entry;
  guint n_probes = 0;

  for (guint i = 0; i < MAX_ENTRIES && n_probes < MAX_PROBES && sweep->stale->len < MAX_FOUND; i++)
    {
      Stale stale;

      entry = readdir (dir);
      if (entry == NULL)
        return;
      if (!g_str_has_prefix (entry->d_name, sweep->prefix)
          || strlen (entry->d_name) != strlen (sweep->prefix) + strlen (TVM_TEMP_RANDOM)
          || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
        continue;

      n_probes++;
      stale.fd = lock_stale (sweep->parent_fd, entry->d_name);
      if (stale.fd < 0)
        continue;

      stale.name = g_strdup (entry->d_name);
      g_array_append_val (sweep->stale, stale);
    }
}

static gpointer
sweep_thread (gpointer data)
{
  g_autoptr (Sweep) sweep = data;

  for (guint i = 0; i < sweep->stale->len; i++)
    {
      const Stale *stale = &g_array_index (sweep->stale, Stale, i);

      if (tvm_rmtree_at (sweep->parent_fd, stale->name, NULL) != 0)
        g_debug ("Cannot remove “%s”, which a process left behind: %s", stale->name,
                 g_strerror (errno));
    }

  return NULL;
}

static void
sweep_now (const char *parent,
           const char *prefix)
{
  g_autoptr (Sweep) sweep = g_new0 (Sweep, 1);
  g_autoptr (GThread) thread = NULL;
  DIR *dir;
  int fd;

  sweep->stale = g_array_new (FALSE, FALSE, sizeof (Stale));
  g_array_set_clear_func (sweep->stale, stale_clear);
  sweep->parent_fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (sweep->parent_fd < 0 || !has_reliable_locks (sweep->parent_fd))
    return;

  fd = openat (sweep->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  dir = fd < 0 ? NULL : fdopendir (fd);
  if (dir == NULL)
    {
      if (fd >= 0)
        close (fd);
      return;
    }
  sweep->prefix = prefix;
  find_stale (sweep, dir);
  sweep->prefix = NULL;
  closedir (dir);
  if (sweep->stale->len == 0)
    return;

  /* Without a thread they are left to the next process. */
  thread = g_thread_try_new ("tvm-sweep", sweep_thread, sweep, NULL);
  if (thread != NULL)
    sweep = NULL;
}

void
tvm_temp_sweep_once (const char *parent,
                     const char *prefix)
{
  g_autofree char *place = g_strconcat (prefix, " in ", parent, NULL);
  gboolean first;

  tvm_fork_lock ();
  if (swept == NULL)
    swept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (g_hash_table_size (swept) >= MAX_SWEPT)
    g_hash_table_remove_all (swept);
  first = g_hash_table_add (swept, g_steal_pointer (&place));
  tvm_fork_unlock ();

  if (first)
    sweep_now (parent, prefix);
}
