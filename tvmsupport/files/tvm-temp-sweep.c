/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-sweep-private.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/*
 * The living are told from the dead by a lock: a TvmTempDirectory, a TvmStage and the supervisor hold
 * a flock() on their directory from just after mkdir until it is removed, and the kernel drops it
 * with the process. There is no
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

static gboolean
is_our_name (const char *name,
             const char *prefix)
{
  gsize length;

  if (!g_str_has_prefix (name, prefix))
    return FALSE;

  length = strlen (name) - strlen (prefix);
  return length == strlen (TVM_TEMP_RANDOM)
         || (length == TVM_TEMP_TMPDIR_RANDOM_LENGTH && g_str_equal (prefix, TVM_TEMP_PREFIX));
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
      if (!is_our_name (entry->d_name, sweep->prefix)
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

/* Takes no descriptor: opens @fd anew. */
static DIR *
open_dir (int fd)
{
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir (copy);
  int errsv = errno;

  if (dir == NULL && copy >= 0)
    close (copy);
  errno = errsv;
  return dir;
}

static void
sweep_now (const char *parent,
           const char *prefix)
{
  g_autoptr (Sweep) sweep = g_new0 (Sweep, 1);
  g_autoptr (GThread) thread = NULL;
  DIR *dir;

  sweep->stale = g_array_new (FALSE, FALSE, sizeof (Stale));
  g_array_set_clear_func (sweep->stale, stale_clear);
  sweep->parent_fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (sweep->parent_fd < 0 || !has_reliable_locks (sweep->parent_fd))
    return;

  dir = open_dir (sweep->parent_fd);
  if (dir == NULL)
    return;

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

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Returns: (transfer full): the names in @fd that can be ours, sorted; NULL with errno */
static GPtrArray *
list_names (int fd)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const struct dirent *entry;
  DIR *dir = open_dir (fd);
  int errsv;

  if (dir == NULL)
    return NULL;

  for (errno = 0; (entry = readdir (dir)) != NULL; errno = 0)
    {
      if (is_our_name (entry->d_name, TVM_TEMP_PREFIX)
          || is_our_name (entry->d_name, TVM_TEMP_STAGE_PREFIX))
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  errsv = errno;
  closedir (dir);
  if (errsv != 0)
    {
      errno = errsv;
      return NULL;
    }

  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

/* Returns: 0, or -1 with errno and the entry that could not go in @failed */
static int
sweep_one (int                 parent_fd,
           const char         *name,
           const volatile int *cancelled,
           char               *failed,
           gsize               failed_size)
{
  int fd = lock_stale (parent_fd, name);
  int result, errsv;

  if (fd < 0)
    {
      errno = EBUSY;
      return -1;
    }

  g_strlcpy (failed, name, failed_size);
  result = cancelled == NULL ? 0 : tvm_rmtree_at_report (parent_fd, name, cancelled, NULL,
                                                         failed, failed_size);
  errsv = errno;
  close (fd);
  errno = errsv;
  return result;
}

/* Does not stop at what cannot go. @cancelled: NULL for a dry run */
static GPtrArray *
sweep_names (int                  parent_fd,
             const char          *parent,
             GPtrArray           *names,
             const volatile int  *cancelled,
             GError             **error)
{
  g_autoptr (GPtrArray) swept_paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) first_error = NULL;

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      char failed[PATH_MAX] = "";

      if (sweep_one (parent_fd, name, cancelled, failed, sizeof failed) == 0)
        {
          g_ptr_array_add (swept_paths, g_build_filename (parent, name, NULL));
        }
      else if (errno == ECANCELED)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               _("Operation was cancelled"));
          return NULL;
        }
      else if (failed[0] != '\0' && first_error == NULL)
        {
          int errsv = errno;
          g_autofree char *path = g_build_filename (parent, failed, NULL);
          g_autofree char *display = g_filename_display_name (path);

          tvm_error_set_errno (&first_error, errsv, _("Cannot remove “%s”"), display);
        }
    }

  if (first_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&first_error));
      return NULL;
    }

  return g_steal_pointer (&swept_paths);
}

GPtrArray *
tvm_temp_sweep_all (const char          *parent,
                    gboolean             dry_run,
                    const volatile int  *cancelled,
                    GError             **error)
{
  g_autofree char *display = g_filename_display_name (parent);
  g_autoptr (GPtrArray) names = NULL;
  GPtrArray *paths = NULL;
  int fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && !has_reliable_locks (fd))
    {
      close (fd);
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("Nobody can tell what is left over in “%s”: its file system has no locks "
                     "that hold everywhere"), display);
      return NULL;
    }

  if (fd >= 0)
    names = list_names (fd);
  if (names == NULL)
    tvm_error_set_errno (error, errno, _("Cannot read “%s”"), display);
  else
    paths = sweep_names (fd, parent, names, dry_run ? NULL : cancelled, error);
  if (fd >= 0)
    close (fd);
  return paths;
}
