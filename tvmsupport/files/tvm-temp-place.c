/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-place-private.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Guarded by the fork lock */
static GHashTable *places;      /* (element-type TvmTempPlace) (owned): what is to go at exit */
static gboolean past_exit;
static guint n_making;          /* calls that make one just now */
static TvmOwner making_owner;   /* of that number */
static GThreadPool *removers;   /* of what was moved aside */
static TvmOwner removers_owner;

#define MAX_REMOVERS 2

/* How long it takes to make one, about */
#define MAKING_USEC 100

#define MAX_LOCK_ATTEMPTS 100

TvmTempPlace *
tvm_temp_place_ref (TvmTempPlace *place)
{
  g_atomic_ref_count_inc (&place->ref_count);
  return place;
}

void
tvm_temp_place_unref (TvmTempPlace *place)
{
  if (!g_atomic_ref_count_dec (&place->ref_count))
    return;

  if (place->fd >= 0)
    close (place->fd);
  g_free (place->path);
  g_free (place->display);
  g_free (place->name);
  g_free (place->parent);
  g_free (place);
}

static TvmTempPlace *
place_new (const char *path)
{
  TvmTempPlace *place = g_new0 (TvmTempPlace, 1);

  g_atomic_ref_count_init (&place->ref_count);
  place->owner = tvm_owner_get_current ();
  place->path = g_strdup (path);
  place->display = g_filename_display_name (path);
  place->name = g_path_get_basename (path);
  place->parent = g_path_get_dirname (path);
  place->fd = -1;
  return place;
}

gboolean
tvm_temp_place_begin (TvmTempPlace *place)
{
  gboolean there;

  tvm_fork_lock ();
  there = !place->removed;
  if (there)
    place->n_users++;
  tvm_fork_unlock ();
  return there;
}

void
tvm_temp_place_end (TvmTempPlace *place,
                    gboolean      removed)
{
  int fd = -1;

  tvm_fork_lock ();
  place->n_users--;
  place->removed |= removed;
  if (place->removed && place->n_users == 0)
    fd = g_steal_fd (&place->fd);
  tvm_fork_unlock ();

  if (fd >= 0)
    close (fd);
}

static void
unregister (TvmTempPlace *place)
{
  gboolean registered;

  tvm_fork_lock ();
  registered = places != NULL && g_hash_table_steal (places, place);
  tvm_fork_unlock ();

  if (registered)
    tvm_temp_place_unref (place);
}

static gboolean
is_still_there (const TvmTempPlace *place,
                int                 parent_fd)
{
  struct stat st;

  return fstatat (parent_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0
         && st.st_dev == place->dev && st.st_ino == place->ino;
}

static gboolean
remove_tree (TvmTempPlace        *place,
             const volatile int  *cancelled,
             guint64             *n_removed,
             GError             **error)
{
  g_autofree char *display = NULL;
  g_autofree char *path = NULL;
  char failed[PATH_MAX];
  int errsv = 0;
  int parent_fd = open (place->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (parent_fd < 0)
    {
      errsv = errno;
      if (errsv == ENOENT || errsv == ENOTDIR)
        return TRUE;
      return tvm_error_set_errno (error, errsv, _("Cannot remove “%s”"), place->display);
    }

  /* What is there now may be somebody else's. */
  if (is_still_there (place, parent_fd)
      && tvm_rmtree_at_report (parent_fd, place->name, cancelled, n_removed, failed,
                               sizeof failed) != 0)
    errsv = errno;
  close (parent_fd);

  if (errsv == 0)
    return TRUE;
  if (errsv == ECANCELED)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Operation was cancelled"));
      return FALSE;
    }

  path = g_build_filename (place->parent, failed, NULL);
  display = g_filename_display_name (path);
  return tvm_error_set_errno (error, errsv, _("Cannot remove “%s”"), display);
}

static gboolean
check_owner (const TvmTempPlace  *place,
             GError             **error)
{
  if (tvm_owner_is_current (place->owner))
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
               _("The temporary directory “%s” belongs to the process that forked this one"),
               place->display);
  return FALSE;
}

gboolean
tvm_temp_place_remove (TvmTempPlace        *place,
                       const volatile int  *cancelled,
                       guint64             *n_removed,
                       GError             **error)
{
  gboolean removed;

  if (!check_owner (place, error))
    return FALSE;
  if (!tvm_temp_place_begin (place))
    return TRUE;

  removed = remove_tree (place, cancelled, n_removed, error);
  tvm_temp_place_end (place, removed);
  if (removed)
    unregister (place);
  return removed;
}

void
tvm_temp_place_drop (TvmTempPlace *place)
{
  g_autoptr (GError) error = NULL;

  if (tvm_temp_place_get_keep (place))
    unregister (place);
  else if (tvm_owner_is_current (place->owner) && !tvm_temp_place_remove (place, NULL, NULL, &error))
    g_debug ("%s", error->message);
}

static void
raise_flag (GCancellable *cancellable,
            gpointer      data)
{
  g_atomic_int_set ((int *) data, 1);
}

gulong
tvm_temp_cancel_connect (GCancellable *cancellable,
                         int          *flag)
{
  *flag = 0;
  if (cancellable == NULL)
    return 0;
  return g_cancellable_connect (cancellable, G_CALLBACK (raise_flag), flag, NULL);
}

void
tvm_temp_cancel_disconnect (GCancellable *cancellable,
                            gulong        handler)
{
  g_cancellable_disconnect (cancellable, handler);
}

/* What a fork brought along is its parent's, and stays. */
void
tvm_temp_place_remove_all (void)
{
  g_autoptr (GPtrArray) left = NULL;
  GHashTableIter iter;
  gpointer key;

  left = g_ptr_array_new_with_free_func ((GDestroyNotify) tvm_temp_place_unref);
  tvm_fork_lock ();
  past_exit = TRUE;
  /* Other threads run on until the very end: what one is about to make is not to miss this. */
  while (n_making > 0 && tvm_owner_is_current (making_owner))
    {
      tvm_fork_unlock ();
      g_usleep (MAKING_USEC);
      tvm_fork_lock ();
    }
  if (places != NULL)
    {
      g_hash_table_iter_init (&iter, places);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        g_ptr_array_add (left, tvm_temp_place_ref (key));
    }
  tvm_fork_unlock ();

  for (guint i = 0; i < left->len; i++)
    tvm_temp_place_drop (left->pdata[i]);
}

/* Between these two, the exit hook waits. */
static gboolean
begin_making (const char  *where,
              GError     **error)
{
  static gboolean hooked;
  g_autofree char *display = NULL;
  gboolean too_late, hook;

  tvm_fork_lock ();
  too_late = past_exit;
  hook = !too_late && !hooked;
  hooked |= hook;
  /* The threads of the parent make none in a forked child. */
  if (!tvm_owner_is_current (making_owner))
    n_making = 0;
  making_owner = tvm_owner_get_current ();
  if (!too_late)
    n_making++;
  tvm_fork_unlock ();

  if (hook)
    atexit (tvm_temp_place_remove_all);
  if (!too_late)
    return TRUE;

  display = g_filename_display_name (where);
  g_set_error (error, TVM_ERROR, TVM_ERROR_CREATED_PAST_EXIT,
               _("No temporary directory can be made at “%s” once the process has begun to exit"),
               display);
  return FALSE;
}

static void
end_making (void)
{
  tvm_fork_lock ();
  n_making--;
  tvm_fork_unlock ();
}

static void
register_place (TvmTempPlace *place)
{
  tvm_fork_lock ();
  if (places == NULL)
    places = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) tvm_temp_place_unref, NULL);
  g_hash_table_add (places, tvm_temp_place_ref (place));
  tvm_fork_unlock ();
}

/* Renames it to what a sweep would find, should this process be killed.
 * Returns: 0 or an errno */
static int
rename_aside (TvmTempPlace  *place,
              int            parent_fd,
              char         **path)
{
  guint64 number;
  g_autofree char *name = NULL;

  if (getrandom (&number, sizeof number, 0) != sizeof number)
    return errno;

  name = g_strdup_printf (TVM_TEMP_PREFIX "%016" G_GINT64_MODIFIER "x", number);
  if (renameat (parent_fd, place->name, parent_fd, name) != 0)
    return errno;

  *path = g_build_filename (place->parent, name, NULL);
  return 0;
}

/* Returns: (transfer full): what was @place and has now @path; @fd holds the lock too */
static TvmTempPlace *
place_new_aside (const TvmTempPlace *place,
                 const char         *path,
                 int                 fd)
{
  TvmTempPlace *aside = place_new (path);

  aside->fd = fd;
  aside->dev = place->dev;
  aside->ino = place->ino;
  /* If it was kept, it is not any more. */
  (void) fchmod (fd, TVM_TEMP_MODE);
  register_place (aside);
  return aside;
}

static void
remove_aside (gpointer data,
              gpointer user_data)
{
  g_autoptr (TvmTempPlace) aside = data;
  g_autoptr (GError) error = NULL;

  if (!tvm_temp_place_remove (aside, NULL, NULL, &error))
    g_debug ("%s", error->message);
}

/* Takes @aside. Without a thread it is left to the exit hook. */
static void
remove_in_background (TvmTempPlace *aside)
{
  GThreadPool *pool;

  tvm_fork_lock ();
  /* The threads of the parent are not in a forked child. */
  if (removers == NULL || !tvm_owner_is_current (removers_owner))
    {
      removers = g_thread_pool_new (remove_aside, NULL, MAX_REMOVERS, FALSE, NULL);
      removers_owner = tvm_owner_get_current ();
    }
  pool = removers;
  tvm_fork_unlock ();

  g_thread_pool_push (pool, aside, NULL);
}

gboolean
tvm_temp_place_remove_detached (TvmTempPlace  *place,
                                GError       **error)
{
  g_autofree char *path = NULL;
  int parent_fd = -1;
  int errsv = 0;
  int fd;

  if (!check_owner (place, error))
    return FALSE;
  if (!tvm_temp_place_begin (place))
    return TRUE;

  fd = fcntl (place->fd, F_DUPFD_CLOEXEC, 3);
  if (fd < 0 || (parent_fd = open (place->parent, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
    errsv = errno;
  else if (is_still_there (place, parent_fd))
    errsv = rename_aside (place, parent_fd, &path);
  if (parent_fd >= 0)
    close (parent_fd);
  if (errsv == ENOENT || errsv == ENOTDIR)
    errsv = 0;

  if (path != NULL)
    remove_in_background (place_new_aside (place, path, g_steal_fd (&fd)));
  if (fd >= 0)
    close (fd);
  tvm_temp_place_end (place, errsv == 0);
  if (errsv != 0)
    return tvm_error_set_errno (error, errsv, _("Cannot remove “%s”"), place->display);

  unregister (place);
  return TRUE;
}

/* A sweep that only looks has it for a moment; one that removes it keeps it. */
static gboolean
lock_directory (int fd)
{
  for (guint i = 0; i < MAX_LOCK_ATTEMPTS; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return TRUE;
      sched_yield ();
    }

  return FALSE;
}

/* Opens what was just made, and says with a lock that its owner lives.
 * Returns: 0, EAGAIN if the sweep of another process was faster, or another errno */
static int
open_place (TvmTempPlace *place)
{
  struct stat st, now;
  int errsv;

  place->fd = open (place->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (place->fd < 0)
    return errno == ENOENT ? EAGAIN : errno;

  /* Where there are no such locks, as on NFS, nothing is swept either. */
  if (!lock_directory (place->fd))
    return EAGAIN;
  if (fstat (place->fd, &st) != 0)
    return errno;
  errsv = lstat (place->path, &now) == 0 ? 0 : errno;
  if (errsv == ENOENT || (errsv == 0 && (now.st_dev != st.st_dev || now.st_ino != st.st_ino)))
    return EAGAIN;
  if (errsv != 0)
    return errsv;

  /* An unusual umask, or the set-group-ID bit of the parent */
  if ((st.st_mode & 07777) != TVM_TEMP_MODE && fchmod (place->fd, TVM_TEMP_MODE) != 0)
    return errno;

  place->dev = st.st_dev;
  place->ino = st.st_ino;
  return 0;
}

/* The rest of making a directory. Returns: @place, or NULL; with no error set if it has to be made
 * anew */
static TvmTempPlace *
finish_place (TvmTempPlace  *place_taken,
              gboolean       keep,
              GError       **error)
{
  g_autoptr (TvmTempPlace) place = place_taken;
  int errsv = open_place (place);

  if (errsv == EAGAIN)
    return NULL;
  if (errsv != 0)
    {
      g_rmdir (place->path);
      tvm_error_set_errno (error, errsv, _("Cannot open the temporary directory “%s”"),
                           place->display);
      return NULL;
    }

  tvm_temp_place_set_keep (place, keep);
  register_place (place);
  return g_steal_pointer (&place);
}

static char *
make_absolute (const char *path)
{
  g_autofree char *cwd = NULL;

  if (g_path_is_absolute (path))
    return g_strdup (path);

  cwd = g_get_current_dir ();
  return g_str_equal (path, ".") ? g_steal_pointer (&cwd) : g_build_filename (cwd, path, NULL);
}

static TvmTempPlace *
make_at (const char  *path,
         gboolean     keep,
         GError     **error)
{
  for (;;)
    {
      g_autoptr (GError) local_error = NULL;
      TvmTempPlace *place;

      if (g_mkdir (path, TVM_TEMP_MODE) != 0)
        {
          int errsv = errno;
          g_autofree char *display = g_filename_display_name (path);

          tvm_error_set_errno (error, errsv, _("Cannot create the temporary directory “%s”"),
                               display);
          return NULL;
        }

      place = finish_place (place_new (path), keep, &local_error);
      if (place != NULL)
        return place;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }
}

/* Makes a directory of a name that nobody has had. Those of g_mkdtemp() come from the time of day: a
 * name that is free again, as a sweep was faster, would soon be that of another process.
 * Returns: (transfer full): its path, or NULL with errno */
static char *
make_unique (const char *parent,
             const char *prefix)
{
  static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  g_autofree char *name = g_strconcat (prefix, TVM_TEMP_RANDOM, NULL);
  g_autofree char *path = g_build_filename (parent, name, NULL);
  char *random_part = path + strlen (path) - strlen (TVM_TEMP_RANDOM);
  guint64 number;

  do
    {
      if (getrandom (&number, sizeof number, 0) != sizeof number)
        return NULL;
      for (char *c = random_part; *c != '\0'; c++)
        {
          *c = letters[number % (sizeof letters - 1)];
          number /= sizeof letters - 1;
        }
      if (mkdir (path, TVM_TEMP_MODE) == 0)
        return g_steal_pointer (&path);
    }
  while (errno == EEXIST);

  return NULL;
}

static TvmTempPlace *
make_in (const char  *parent,
         const char  *prefix,
         gboolean     keep,
         GError     **error)
{
  for (;;)
    {
      g_autofree char *path = NULL;
      g_autoptr (GError) local_error = NULL;
      TvmTempPlace *place;

      path = make_unique (parent, prefix);
      if (path == NULL)
        {
          int errsv = errno;
          g_autofree char *display = g_filename_display_name (parent);

          tvm_error_set_errno (error, errsv, _("Cannot create a temporary directory in “%s”"),
                               display);
          return NULL;
        }

      place = finish_place (place_new (path), keep, &local_error);
      if (place != NULL)
        return place;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }
}

TvmTempPlace *
tvm_temp_place_new_at (const char  *given_path,
                       gboolean     keep,
                       GError     **error)
{
  g_autofree char *path = make_absolute (given_path);
  gsize length = strlen (path);
  TvmTempPlace *place;

  while (length > 1 && path[length - 1] == '/')
    path[--length] = '\0';

  if (!begin_making (path, error))
    return NULL;

  place = make_at (path, keep, error);
  end_making ();
  return place;
}

TvmTempPlace *
tvm_temp_place_new_in (const char  *given_parent,
                       const char  *prefix,
                       gboolean     keep,
                       GError     **error)
{
  g_autofree char *parent = make_absolute (given_parent);
  TvmTempPlace *place;

  if (!begin_making (parent, error))
    return NULL;

  place = make_in (parent, prefix, keep, error);
  end_making ();
  return place;
}

gboolean
tvm_temp_place_get_keep (TvmTempPlace *place)
{
  gboolean keep;

  tvm_fork_lock ();
  keep = place->keep;
  tvm_fork_unlock ();
  return keep;
}

gboolean
tvm_temp_place_set_keep (TvmTempPlace *place,
                         gboolean      keep)
{
  gboolean changed;

  tvm_fork_lock ();
  changed = place->keep != keep;
  place->keep = keep;
  /* For the sweeps of others, should this process be killed */
  if (changed && place->fd >= 0 && tvm_owner_is_current (place->owner)
      && fchmod (place->fd, keep ? TVM_TEMP_MODE_KEPT : TVM_TEMP_MODE) != 0)
    g_debug ("Cannot mark “%s” as kept: %s", place->display, g_strerror (errno));
  tvm_fork_unlock ();
  return changed;
}
