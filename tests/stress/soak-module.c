/* SPDX-License-Identifier: Apache-2.0 */

/* What soak-pool runs: each task counts itself in a file that all workers share. */

#include "config.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define TASK(name) \
  G_MODULE_EXPORT GVariant *name (GVariant *args, GCancellable *cancellable, GError **error); \
  GVariant *name (GVariant *args, GCancellable *cancellable, GError **error)

static guint8 *counts;

/* (st): the file, and how long it is */
TASK (attach)
{
  const char *path;
  guint64 size;
  int fd;

  g_variant_get (args, "(&st)", &path, &size);
  fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    g_error ("%s", path);
  counts = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  return counts != MAP_FAILED ? g_variant_new ("()") : NULL;
}

static guint64
count (GVariant *args)
{
  guint64 id;

  g_variant_get (args, "(t)", &id);
  __atomic_add_fetch (&counts[id], 1, __ATOMIC_RELAXED);
  return id;
}

/* (t) id → t */
TASK (answer)
{
  return g_variant_new_uint64 (count (args));
}

TASK (die)
{
  count (args);
  raise (SIGKILL);
  return NULL;
}

TASK (hang)
{
  count (args);
  for (;;)
    pause ();
}
