/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-private.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* What is for the owner of a file to say. The other name spaces grant rights, or are the system's. */
#define USER_PREFIX "user."
/* Says who holds a lock, which nobody does in an archive. */
#define OWN_PREFIX "user.tvmsupport."

static gboolean
is_packed (const char *name)
{
  return g_str_has_prefix (name, USER_PREFIX) && !g_str_has_prefix (name, OWN_PREFIX);
}

/* Returns: (transfer full): @name without what packers, libarchive among them, escape in it as in a
 * URI: what follows a "=" would be the value. */
static char *
unescape_name (const char *name)
{
  char *unescaped = g_uri_unescape_string (name, NULL);

  return unescaped != NULL ? unescaped : g_strdup (name);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Returns: (transfer full): the value, which may grow meanwhile; NULL with errno */
static char *
get_value (int         fd,
           const char *name,
           gssize     *length)
{
  for (;;)
    {
      gssize size = fgetxattr (fd, name, NULL, 0);
      g_autofree char *value = size < 0 ? NULL : g_malloc (size + 1);

      *length = size < 0 ? size : fgetxattr (fd, name, value, size);
      if (*length >= 0)
        return g_steal_pointer (&value);
      if (errno != ERANGE)
        return NULL;
    }
}

/* Returns: (transfer full): their names, each with its end; NULL with errno */
static char *
get_list (int     fd,
          gssize *length)
{
  for (;;)
    {
      gssize size = flistxattr (fd, NULL, 0);
      g_autofree char *list = size < 0 ? NULL : g_malloc (size + 1);

      *length = size < 0 ? size : flistxattr (fd, list, size);
      if (*length >= 0)
        return g_steal_pointer (&list);
      if (errno != ERANGE)
        return NULL;
    }
}

gboolean
tvm_archive_xattr_pack (int              fd,
                        TvmArchiveEntry *entry)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  gssize length;
  g_autofree char *list = get_list (fd, &length);

  if (list == NULL)
    return errno == ENOTSUP;

  for (gssize i = 0; i < length; i += (gssize) strlen (list + i) + 1)
    {
      if (is_packed (list + i))
        g_ptr_array_add (names, list + i);
    }

  /* Their order is up to the file system. */
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      gssize size;
      g_autofree char *value = get_value (fd, names->pdata[i], &size);

      if (value != NULL)
        archive_entry_xattr_add_entry (entry, names->pdata[i], value, size);
      else if (errno != ENODATA)
        return FALSE;
    }

  return TRUE;
}

gboolean
tvm_archive_xattr_unpack (int              fd,
                          TvmArchiveEntry *entry)
{
  const char *name;
  const void *value;
  gsize size;

  archive_entry_xattr_reset (entry);
  while (archive_entry_xattr_next (entry, &name, &value, &size) == ARCHIVE_OK)
    {
      g_autofree char *unescaped = unescape_name (name);

      if (is_packed (unescaped) && fsetxattr (fd, unescaped, value, size, 0) != 0)
        return FALSE;
    }

  return TRUE;
}
