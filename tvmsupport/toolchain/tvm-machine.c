/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-machine-private.h"

#include <stdio.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The folder of the control group of this process, in the unified hierarchy */
static char *
get_cgroup_folder (void)
{
  g_autofree char *contents = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/cgroup", &contents, NULL, NULL))
    return NULL;

  line = g_str_has_prefix (contents, "0::") ? contents : strstr (contents, "\n0::");
  if (line == NULL)
    return NULL;

  line = strstr (line, "::") + 2;
  return g_strdup_printf ("%s%.*s", CGROUP_ROOT, (int) strcspn (line, "\n"), line);
}

/* The number that @file of a group starts with; FALSE for "max" and for no such file */
static gboolean
read_number (const char *folder,
             const char *file,
             guint64    *first,
             guint64    *second)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *contents = NULL;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return FALSE;

  *second = 0;
  return sscanf (contents, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, first, second) >= 1;
}

/* Page cache that the kernel would give up counts as used, but is not gone. */
static guint64
read_inactive_file (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *contents = NULL;
  const char *at;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;

  at = strstr (contents, "\ninactive_file ");
  return at != NULL ? g_ascii_strtoull (at + strlen ("\ninactive_file "), NULL, 10) : 0;
}

/* Limits hold for a group and all below it, so each on the way to the root counts. */
static gboolean
go_up (char **folder)
{
  char *parent;

  if (strlen (*folder) <= strlen (CGROUP_ROOT))
    return FALSE;

  parent = g_path_get_dirname (*folder);
  g_free (*folder);
  *folder = parent;
  return TRUE;
}

static guint64
get_free_memory (void)
{
  g_autofree char *contents = NULL;
  const char *at;

  if (!g_file_get_contents ("/proc/meminfo", &contents, NULL, NULL))
    return G_MAXUINT64;

  at = strstr (contents, "MemAvailable:");
  if (at == NULL)
    return G_MAXUINT64;

  return g_ascii_strtoull (at + strlen ("MemAvailable:"), NULL, 10) * 1024;
}

guint64
tvm_machine_get_available_memory (void)
{
  guint64 available = get_free_memory ();
  g_autofree char *folder = get_cgroup_folder ();
  guint64 limit, used, unused;

  if (folder == NULL)
    return available;

  do
    {
      if (!read_number (folder, "memory.max", &limit, &unused) ||
          !read_number (folder, "memory.current", &used, &unused))
        continue;

      used -= MIN (used, read_inactive_file (folder));
      available = MIN (available, limit - MIN (limit, used));
    }
  while (go_up (&folder));

  return available;
}

guint
tvm_machine_get_processors (void)
{
  guint processors = g_get_num_processors ();
  g_autofree char *folder = get_cgroup_folder ();
  guint64 quota, period;

  if (folder == NULL)
    return processors;

  do
    {
      if (read_number (folder, "cpu.max", &quota, &period) && period > 0)
        processors = MIN (processors, (guint) ((quota + period - 1) / period));
    }
  while (go_up (&folder));

  return MAX (processors, 1);
}
