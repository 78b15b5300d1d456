/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-debug-private.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* All guarded by the fork lock */
static char *debug_parent;
static TvmOwner debug_owner;
static guint n_debug_directories;

static int keep_for_debug;      /* atomic: of the process */

static void
free_scopes (gpointer data)
{
  g_array_unref (data);
}

/* (element-type gboolean): of the thread, the innermost last */
static GPrivate scopes = G_PRIVATE_INIT (free_scopes);

/* A well-known name in a directory that all users share: another user may have taken it.
 * Returns: whether @path is a directory that only this user can write to */
static gboolean
ensure_private_directory (const char  *path,
                          GError     **error)
{
  struct stat st;
  int errsv;

  if (g_mkdir (path, 0700) != 0 && errno != EEXIST)
    {
      errsv = errno;
      return tvm_error_set_errno (error, errsv, _("Cannot create “%s”"), path);
    }

  if (lstat (path, &st) != 0)
    {
      errsv = errno;
      return tvm_error_set_errno (error, errsv, _("Cannot look at “%s”"), path);
    }

  if (!S_ISDIR (st.st_mode) || st.st_uid != geteuid ()
      || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   _("“%s” is not a directory that only this user can write to"), path);
      return FALSE;
    }

  return TRUE;
}

/* Returns: (transfer full): the directory that holds those of this process */
static char *
make_debug_parent (GError **error)
{
  g_autofree char *all = g_build_filename (g_get_tmp_dir (), "tvm-debug-mode-tempdirs", NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *name = g_date_time_format (now, "%Y-%m-%dT%H-%M-%S___XXXXXX");
  g_autofree char *path = NULL;
  int errsv;

  if (!ensure_private_directory (all, NULL))
    {
      g_autofree char *shared = g_steal_pointer (&all);

      all = g_strdup_printf ("%s-%u", shared, (guint) geteuid ());
      if (!ensure_private_directory (all, error))
        return NULL;
    }

  path = g_build_filename (all, name, NULL);
  if (g_mkdtemp_full (path, 0700) == NULL)
    {
      errsv = errno;
      tvm_error_set_errno (error, errsv, _("Cannot create a temporary directory in “%s”"), all);
      return NULL;
    }

  return g_steal_pointer (&path);
}

char *
tvm_temp_debug_make_path (GError **error)
{
  g_autofree char *made = NULL;
  char *path = NULL;

  for (;;)
    {
      tvm_fork_lock ();
      /* A forked child starts a series of its own. */
      if (made != NULL && (debug_parent == NULL || !tvm_owner_is_current (debug_owner)))
        {
          g_free (debug_parent);
          debug_parent = g_steal_pointer (&made);
          debug_owner = tvm_owner_get_current ();
          n_debug_directories = 0;
        }
      if (debug_parent != NULL && tvm_owner_is_current (debug_owner))
        path = g_strdup_printf ("%s/%05u", debug_parent, n_debug_directories++);
      tvm_fork_unlock ();

      /* Another thread was faster */
      if (made != NULL)
        g_rmdir (made);
      if (path != NULL)
        return path;

      made = make_debug_parent (error);
      if (made == NULL)
        return NULL;
    }
}

/**
 * tvm_temp_directory_set_keep_for_debug:
 * @keep: whether they stay
 *
 * Sets whether the temporary directories that this process makes from now on stay, to be looked
 * into when it has ended.
 *
 * Those that would have a name of no meaning are made as
 * [ctor@TvmSupport.TempDirectory.new_for_debug] has it; the others stay where they were asked for.
 * It does not matter to a directory that is told its [property@TvmSupport.TempDirectory:keep] when
 * it is made, nor in a thread that has called
 * [func@TvmSupport.TempDirectory.push_keep_for_debug].
 *
 * May be called from any thread.
 *
 * Since: 1.0
 */
void
tvm_temp_directory_set_keep_for_debug (gboolean keep)
{
  g_atomic_int_set (&keep_for_debug, !!keep);
}

/**
 * tvm_temp_directory_get_keep_for_debug:
 *
 * Gets whether a temporary directory that the calling thread makes now stays, unless it is told
 * otherwise.
 *
 * Returns: whether it stays
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_get_keep_for_debug (void)
{
  const GArray *values = g_private_get (&scopes);

  if (values != NULL && values->len > 0)
    return g_array_index (values, gboolean, values->len - 1);
  return g_atomic_int_get (&keep_for_debug);
}

/**
 * tvm_temp_directory_push_keep_for_debug:
 * @keep: whether they stay
 *
 * Sets for the calling thread, until [func@TvmSupport.TempDirectory.pop_keep_for_debug], what
 * [func@TvmSupport.TempDirectory.set_keep_for_debug] sets for the process. Calls nest.
 *
 * Since: 1.0
 */
void
tvm_temp_directory_push_keep_for_debug (gboolean keep)
{
  GArray *values = g_private_get (&scopes);

  if (values == NULL)
    {
      values = g_array_new (FALSE, FALSE, sizeof (gboolean));
      g_private_set (&scopes, values);
    }

  keep = !!keep;
  g_array_append_val (values, keep);
}

/**
 * tvm_temp_directory_pop_keep_for_debug:
 *
 * Ends what the last [func@TvmSupport.TempDirectory.push_keep_for_debug] of the calling thread
 * began.
 *
 * Since: 1.0
 */
void
tvm_temp_directory_pop_keep_for_debug (void)
{
  GArray *values = g_private_get (&scopes);

  g_return_if_fail (values != NULL && values->len > 0);

  g_array_set_size (values, values->len - 1);
}
