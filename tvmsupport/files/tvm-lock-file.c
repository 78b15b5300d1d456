/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-lock-file-private.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * Open file description locks, since those of plain POSIX belong to the process: two threads would
 * both get one, and any close() of the file would drop it.
 *
 * The system tells nothing of who has such a lock, so the holder leaves its name in an extended
 * attribute, where it is in nobody's way: what the file holds may be anything. The record stays
 * behind with a release, since to remove it would cost more than the lock; it is believed only of a
 * file that is locked, and of a process that still lives.
 */
#define RECORD_NAME "user.tvmsupport.holder"
#define RECORD_SIZE 320         /* two numbers and HOST_NAME_MAX */

/* How often the file may be replaced under one attempt before it is taken for locked */
#define MAX_REOPENS 100

/* Guarded by the fork lock */
static struct
{
  TvmOwner owner;
  char text[RECORD_SIZE];
  gsize length;
} own_record;

static int
set_lock (int   fd,
          short type)
{
  struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

  return fcntl (fd, F_OFD_SETLK, &lock);
}

void
tvm_lock_file_close (int fd)
{
  if (fd < 0)
    return;

  /* Before the close, whose event is to find it free */
  set_lock (fd, F_UNLCK);
  tvm_fork_lock ();
  tvm_fork_remove_fd (fd);
  tvm_fork_unlock ();
  close (fd);
}

static int
open_once (const TvmLockFile *file)
{
  /* A pipe would block, a terminal become ours; neither is a file to lock. */
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = open (file->path, O_RDWR | flags);

  /* Not at once with O_CREAT: in a sticky directory like /tmp the kernel refuses that on the file
   * of another user, even if all may write to it. */
  if (fd < 0 && errno == ENOENT)
    fd = open (file->path, O_RDWR | flags | O_CREAT, 0666);
  /* Who shares it need not be one who may write to it. */
  if (fd < 0 && file->shared && (errno == EACCES || errno == EPERM || errno == EROFS))
    fd = open (file->path, O_RDONLY | flags);
  return fd;
}

/* Opens the file so that no child that is forked meanwhile has it too. */
static int
open_guarded (const TvmLockFile *file)
{
  for (;;)
    {
      guint count = tvm_fork_get_count ();
      int fd = open_once (file);

      if (fd < 0)
        return -1;

      tvm_fork_lock ();
      tvm_fork_add_fd (fd);
      tvm_fork_unlock ();
      if (count == tvm_fork_get_count ())
        return fd;

      tvm_lock_file_close (fd);
    }
}

static gboolean
open_file (const TvmLockFile  *file,
           int                *fd,
           GError            **error)
{
  struct stat st;

  *fd = open_guarded (file);
  if (*fd < 0 && errno == ELOOP)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                   _("Cannot lock “%s”: it is a symbolic link"), file->display);
      return FALSE;
    }
  if (*fd < 0)
    return tvm_error_set_errno (error, errno, _("Cannot lock “%s”"), file->display);

  if (fstat (*fd, &st) != 0)
    return tvm_error_set_errno (error, errno, _("Cannot lock “%s”"), file->display);
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                   _("Cannot lock “%s”: it is not a file"), file->display);
      return FALSE;
    }

  return TRUE;
}

gboolean
tvm_lock_file_is_current (const TvmLockFile *file,
                          int                fd)
{
  struct stat ours, theirs;

  return fstat (fd, &ours) == 0 && lstat (file->path, &theirs) == 0
         && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* When the process @pid was started, in ticks after the boot, which tells it from the next one of
 * that number. Returns: 0 if there is none */
static guint64
get_start_time (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *stat = NULL;
  const char *field;

  if (!g_file_get_contents (path, &stat, NULL, NULL))
    return 0;

  /* The name of the program, in brackets, may have any characters; the 20th field behind it */
  field = strrchr (stat, ')');
  for (guint i = 0; field != NULL && i < 20; i++)
    field = strchr (field + 1, ' ');
  return field != NULL ? g_ascii_strtoull (field, NULL, 10) : 0;
}

/* Leaves the name of this process for those who find it locked. It is there already if the last
 * one was this process too; and where it cannot be written, the lock is as good without. */
static void
leave_record (int fd)
{
  char text[RECORD_SIZE];
  char found[RECORD_SIZE];
  gsize length = 0;
  gssize n_found;

  tvm_fork_lock ();
  if (own_record.length > 0 && tvm_owner_is_current (own_record.owner))
    {
      length = own_record.length;
      memcpy (text, own_record.text, length);
    }
  tvm_fork_unlock ();

  if (length == 0)
    {
      TvmOwner owner = tvm_owner_get_current ();

      length = MIN ((gsize) g_snprintf (text, sizeof text, "%d %" G_GUINT64_FORMAT " %s",
                                        (int) owner.pid, get_start_time (owner.pid),
                                        g_get_host_name ()),
                    sizeof text - 1);
      tvm_fork_lock ();
      own_record.owner = owner;
      own_record.length = length;
      memcpy (own_record.text, text, length);
      tvm_fork_unlock ();
    }

  n_found = fgetxattr (fd, RECORD_NAME, found, sizeof found);
  if (n_found != (gssize) length || memcmp (found, text, length) != 0)
    (void) !fsetxattr (fd, RECORD_NAME, text, length, 0);
}

TvmLockAttempt
tvm_lock_file_try (const TvmLockFile  *file,
                   int                *fd,
                   gboolean           *opened,
                   GError            **error)
{
  const short type = file->shared ? F_RDLCK : F_WRLCK;

  *opened = FALSE;
  for (guint i = 0; i < MAX_REOPENS; i++)
    {
      gboolean busy;

      *opened |= *fd < 0;
      if (*fd < 0 && !open_file (file, fd, error))
        return TVM_LOCK_ATTEMPT_FAILED;

      busy = set_lock (*fd, type) != 0;
      if (busy && (errno == EINVAL || errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                       _("Cannot lock “%s”: its file system has no such locks"), file->display);
          return TVM_LOCK_ATTEMPT_FAILED;
        }
      if (busy && errno != EAGAIN && errno != EACCES)
        {
          tvm_error_set_errno (error, errno, _("Cannot lock “%s”"), file->display);
          return TVM_LOCK_ATTEMPT_FAILED;
        }

      if (tvm_lock_file_is_current (file, *fd))
        {
          if (!busy)
            leave_record (*fd);
          return busy ? TVM_LOCK_ATTEMPT_BUSY : TVM_LOCK_ATTEMPT_LOCKED;
        }

      tvm_lock_file_close (*fd);
      *fd = -1;
    }

  return TVM_LOCK_ATTEMPT_BUSY;
}

void
tvm_lock_holder_clear (TvmLockHolder *holder)
{
  g_clear_pointer (&holder->host, g_free);
  *holder = (TvmLockHolder) { 0, };
}

/* Fit to be shown: anybody may have written it. */
static gboolean
is_host_name (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c))
      return FALSE;

  return text[0] != '\0';
}

/* Believes the record of @fd if its process can be the one that holds the lock. */
static void
read_record (int            fd,
             TvmLockHolder *holder)
{
  char text[RECORD_SIZE];
  gssize length = fgetxattr (fd, RECORD_NAME, text, sizeof text - 1);
  unsigned long long start;
  int host = 0;
  int pid;

  if (length <= 0)
    return;

  text[length] = '\0';
  if (sscanf (text, "%d %llu %n", &pid, &start, &host) < 2 || host == 0 || pid <= 0
      || !is_host_name (text + host))
    return;

  if (g_str_equal (text + host, g_get_host_name ()))
    {
      if (get_start_time (pid) != start)
        return;
      holder->closes = TRUE;
    }
  holder->pid = pid;
  holder->host = g_strdup (text + host);
}

gboolean
tvm_lock_file_get_holder (int            fd,
                          TvmLockHolder *holder)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  *holder = (TvmLockHolder) { 0, };
  if (fd < 0 || fcntl (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
    return FALSE;

  /* Of a plain POSIX lock the kernel knows whose it is. */
  if (lock.l_pid > 0)
    {
      holder->pid = lock.l_pid;
      holder->host = g_strdup (g_get_host_name ());
    }
  else
    {
      read_record (fd, holder);
    }
  return TRUE;
}

gboolean
tvm_lock_file_query_holder (const TvmLockFile *file,
                            TvmLockHolder     *holder)
{
  int fd = open (file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  gboolean locked;

  if (fd < 0)
    return FALSE;

  locked = tvm_lock_file_get_holder (fd, holder);
  close (fd);
  return locked;
}
