/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-store-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/toolchain/tvm-kernel-names-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What a cache folder holds as a whole: names, counters, and what goes when it has grown too large. */

#define STATE_FILE "state"
#define STATE_MAGIC "TVMKSTA1"
#define SCAN_LOCK_FILE "scan-lock"
/* Where a file system has no locks: nobody takes that long to write a file. */
#define ABANDONED_SECONDS 3600

typedef struct
{
  char magic[8];
  TvmKernelState state;
} StateFile;

typedef struct
{
  struct timespec used;
  gint64 size;
  guint8 subfolder;
  char file[TVM_KERNEL_FILE_LENGTH + 1];
} Entry;

void
tvm_kernel_name_init (TvmKernelName *name,
                      const char    *key)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, key, -1);

  memcpy (name->subfolder, digest, 2);
  name->subfolder[2] = '\0';
  g_snprintf (name->path, sizeof name->path, "%s/%s", name->subfolder, digest + 2);
  name->file = name->path + 3;
}

gboolean
tvm_kernel_is_trusted (const struct stat *info)
{
  return (info->st_uid == geteuid () || info->st_uid == 0) && (info->st_mode & S_IWOTH) == 0;
}

static void
read_state (int        fd,
            StateFile *file)
{
  if (pread (fd, file, sizeof *file, 0) != sizeof *file ||
      memcmp (file->magic, STATE_MAGIC, sizeof file->magic) != 0)
    memset (file, 0, sizeof *file);

  memcpy (file->magic, STATE_MAGIC, sizeof file->magic);
}

/* Opens the state of the folder with a lock on it. -1 if there is none that can be written. @busy: as
 * another process holds it */
static int
open_state (int       folder_fd,
            gboolean *busy)
{
  int fd = tvm_fd_raise (openat (folder_fd, STATE_FILE,
                                 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat info;

  *busy = FALSE;
  if (fd < 0)
    return -1;

  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    {
      /* Where there are no locks, the counters are about right at least. */
      if (flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return fd;
      *busy = TRUE;
    }

  close (fd);
  return -1;
}

gboolean
tvm_kernel_store_add (const char           *folder,
                      const TvmKernelState *change,
                      TvmKernelState       *state)
{
  g_autoptr (GError) error = NULL;
  int folder_fd = tvm_kernel_folder_open (folder, &error);
  gboolean busy = FALSE;
  StateFile file;
  int fd;

  memset (state, 0, sizeof *state);
  /* A folder that is not there may come; one that is no good stays so. */
  if (folder_fd < 0)
    return error != NULL;

  fd = open_state (folder_fd, &busy);
  if (fd >= 0)
    {
      read_state (fd, &file);
      file.state.hits += change->hits;
      file.state.misses += change->misses;
      file.state.size = MAX (file.state.size + change->size, 0);
      if (pwrite (fd, &file, sizeof file, 0) == sizeof file)
        *state = file.state;
      close (fd);
    }

  close (folder_fd);
  return !busy;
}

/* Writes down what a scan has found; the scan after it does if the file is busy just now. */
static void
set_size (int    folder_fd,
          gint64 size)
{
  gboolean busy;
  int fd = open_state (folder_fd, &busy);
  StateFile file;

  if (fd < 0)
    return;

  read_state (fd, &file);
  file.state.size = size;
  file.state.scanned = g_get_real_time () / G_USEC_PER_SEC;
  (void) !pwrite (fd, &file, sizeof file, 0);
  close (fd);
}

void
tvm_kernel_store_reset_counters (const char *folder)
{
  int folder_fd = tvm_kernel_folder_open (folder, NULL);
  gboolean busy;
  int fd;

  if (folder_fd < 0)
    return;

  fd = open_state (folder_fd, &busy);
  if (fd >= 0)
    {
      StateFile file;

      read_state (fd, &file);
      file.state.hits = file.state.misses = 0;
      (void) !pwrite (fd, &file, sizeof file, 0);
      close (fd);
    }
  close (folder_fd);
}

/* Removes what a writer that is gone has left. */
static void
sweep_temporary (int                subfolder_fd,
                 const char        *name,
                 const struct stat *info)
{
  int fd = tvm_fd_raise (openat (subfolder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  gboolean abandoned;

  if (fd < 0)
    return;

  abandoned = flock (fd, LOCK_EX | LOCK_NB) == 0 ||
              (errno != EWOULDBLOCK &&
               g_get_real_time () / G_USEC_PER_SEC - info->st_mtime > ABANDONED_SECONDS);
  if (abandoned)
    unlinkat (subfolder_fd, name, 0);
  close (fd);
}

static void
scan_file (int         subfolder_fd,
           guint8      subfolder,
           const char *name,
           GArray     *entries)
{
  Entry entry = { 0 };
  struct stat info;

  if (fstatat (subfolder_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG (info.st_mode))
    return;

  if (g_str_has_prefix (name, TVM_KERNEL_TEMPORARY_PREFIX))
    {
      sweep_temporary (subfolder_fd, name, &info);
      return;
    }
  /* What is not ours stays. */
  if (strlen (name) != TVM_KERNEL_FILE_LENGTH || strspn (name, "0123456789abcdef") != strlen (name))
    return;

  entry.used = info.st_atim;
  entry.size = info.st_size;
  entry.subfolder = subfolder;
  memcpy (entry.file, name, TVM_KERNEL_FILE_LENGTH);
  g_array_append_val (entries, entry);
}

static void
scan_subfolder (int     folder_fd,
                guint8  subfolder,
                GArray *entries)
{
  char name[3];
  struct dirent *item;
  DIR *dir;
  int fd;

  g_snprintf (name, sizeof name, "%02x", subfolder);
  fd = tvm_fd_raise (openat (folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd < 0)
    return;

  dir = fdopendir (fd);
  if (dir == NULL)
    {
      close (fd);
      return;
    }

  while ((item = readdir (dir)) != NULL)
    scan_file (dirfd (dir), subfolder, item->d_name, entries);
  closedir (dir);
}

static int
compare_use (gconstpointer a,
             gconstpointer b)
{
  const struct timespec *x = &((const Entry *) a)->used;
  const struct timespec *y = &((const Entry *) b)->used;

  if (x->tv_sec != y->tv_sec)
    return x->tv_sec < y->tv_sec ? -1 : 1;
  return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Returns: FALSE if it was cancelled */
static gboolean
evict (int            folder_fd,
       GArray        *entries,
       gint64         maximum,
       GCancellable  *cancellable,
       TvmKernelScan *scan)
{
  g_array_sort (entries, compare_use);
  for (guint i = 0; i < entries->len && (gint64) scan->size > maximum; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      char path[TVM_KERNEL_FILE_LENGTH + 4];

      if (g_cancellable_is_cancelled (cancellable))
        return FALSE;
      g_snprintf (path, sizeof path, "%02x/%s", entry->subfolder, entry->file);
      if (unlinkat (folder_fd, path, 0) < 0 && errno != ENOENT)
        continue;
      scan->size -= entry->size;
      scan->n_entries--;
    }

  return TRUE;
}

static gboolean
scan_folder (int             folder_fd,
             gint64          maximum,
             GCancellable   *cancellable,
             TvmKernelScan  *scan,
             GError        **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  gboolean ok = TRUE;

  for (guint i = 0; i < TVM_KERNEL_N_SUBFOLDERS; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      scan_subfolder (folder_fd, i, entries);
    }

  scan->n_entries = entries->len;
  for (guint i = 0; i < entries->len; i++)
    scan->size += g_array_index (entries, Entry, i).size;
  if (maximum >= 0 && (gint64) scan->size > maximum)
    ok = evict (folder_fd, entries, maximum, cancellable, scan);

  set_size (folder_fd, scan->size);
  return ok || !g_cancellable_set_error_if_cancelled (cancellable, error);
}

gboolean
tvm_kernel_store_scan (const char     *folder,
                       gint64          maximum,
                       GCancellable   *cancellable,
                       TvmKernelScan  *scan,
                       GError        **error)
{
  g_autoptr (GError) local_error = NULL;
  int folder_fd = tvm_kernel_folder_open (folder, &local_error);
  gboolean ok;

  memset (scan, 0, sizeof *scan);
  if (folder_fd < 0 && local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (folder_fd < 0)
    return TRUE;

  ok = scan_folder (folder_fd, maximum, cancellable, scan, error);
  close (folder_fd);
  return ok;
}

gboolean
tvm_kernel_store_try_scan (const char   *folder,
                           gint64        maximum,
                           GCancellable *cancellable)
{
  int folder_fd = tvm_kernel_folder_open (folder, NULL);
  TvmKernelScan scan = { 0 };
  gboolean ok = FALSE;
  int fd;

  if (folder_fd < 0)
    return FALSE;

  fd = tvm_fd_raise (openat (folder_fd, SCAN_LOCK_FILE,
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (fd >= 0)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        ok = scan_folder (folder_fd, maximum, cancellable, &scan, NULL);
      close (fd);
    }

  close (folder_fd);
  return ok;
}
