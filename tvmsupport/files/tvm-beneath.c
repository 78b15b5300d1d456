/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether the kernel has turned out not to have openat2() */
static int plain;

void
tvm_open_beneath_set_plain (gboolean value)
{
  g_atomic_int_set (&plain, value);
}

/* One component after the other, each relative to the one before, and never through a link */
static int
walk (int         root_fd,
      const char *path,
      int         flags)
{
  int fd = fcntl (root_fd, F_DUPFD_CLOEXEC, 0);

  while (fd >= 0)
    {
      const char *end = strchrnul (path, '/');
      g_autofree char *name = g_strndup (path, end - path);
      int next;
      int errsv;

      if (g_str_equal (name, ".."))
        {
          close (fd);
          errno = EXDEV;
          return -1;
        }

      next = openat (fd, name, O_NOFOLLOW | O_CLOEXEC
                               | (*end == '\0' ? flags : O_PATH | O_DIRECTORY));
      errsv = errno;
      close (fd);
      errno = errsv;
      if (*end == '\0')
        return next;
      fd = next;
      path = end + 1;
    }

  return -1;
}

int
tvm_open_beneath (int         root_fd,
                  const char *path,
                  int         flags)
{
  struct open_how how = {
    .flags = flags | O_NOFOLLOW | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };

  if (path[0] == '\0')
    return fcntl (root_fd, F_DUPFD_CLOEXEC, 0);

  if (!g_atomic_int_get (&plain))
    {
      int fd = syscall (SYS_openat2, root_fd, path, &how, sizeof how);

      /* EAGAIN: somebody renames things just now. A filter for system calls that does not know this
       * one may answer with EPERM. */
      if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
        return fd;
      if (errno == ENOSYS)
        g_atomic_int_set (&plain, TRUE);
    }

  return walk (root_fd, path, flags);
}
