/* SPDX-License-Identifier: Apache-2.0 */

#include "tvmsupport/worker/tvm-resident-size.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

uint64_t
tvm_get_resident_size (pid_t pid)
{
  unsigned long long pages = 0;
  char path[32] = "/proc/self/statm";
  char buffer[128];
  ssize_t n;
  int fd;

  if (pid != 0)
    snprintf (path, sizeof path, "/proc/%d/statm", (int) pid);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;

  n = read (fd, buffer, sizeof buffer - 1);
  close (fd);
  if (n <= 0)
    return 0;

  buffer[n] = '\0';
  return sscanf (buffer, "%*u %llu", &pages) == 1 ? pages * (uint64_t) sysconf (_SC_PAGESIZE) : 0;
}
