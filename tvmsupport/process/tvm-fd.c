/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-fd-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

static int
dup_above_stdio (int fd)
{
  return fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int
tvm_fd_raise (int fd)
{
  int raised;
  int errsv;

  if (fd < 0 || fd > STDERR_FILENO)
    return fd;

  raised = dup_above_stdio (fd);
  errsv = errno;
  close (fd);
  errno = errsv;
  return raised;
}

gboolean
tvm_fd_raise_pair (int fds[2])
{
  for (int i = 0; i < 2; i++)
    {
      int errsv;

      fds[i] = tvm_fd_raise (fds[i]);
      if (fds[i] >= 0)
        continue;

      errsv = errno;
      close (fds[1 - i]);
      errno = errsv;
      return FALSE;
    }

  return TRUE;
}

int
tvm_fd_open_null (GError **error)
{
  int fd = tvm_fd_raise (open ("/dev/null", O_RDWR | O_CLOEXEC));

  if (fd < 0)
    tvm_error_set_errno (error, errno, _("Could not open “%s”"), "/dev/null");
  return fd;
}

int
tvm_fd_dup_stdio (int      fd,
                  GError **error)
{
  int flags = fcntl (fd, F_GETFD);
  int copy;

  /* What is closed by an exec is there by chance, such as the wakeup of a main context. */
  if (flags < 0 || (flags & FD_CLOEXEC) != 0)
    return tvm_fd_open_null (error);

  copy = dup_above_stdio (fd);
  if (copy < 0)
    tvm_error_set_errno (error, errno, _("Could not duplicate a descriptor"));
  return copy;
}
