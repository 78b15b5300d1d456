/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"

#include "tvmsupport/files/tvm-temp-debug-private.h"
#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * TvmTempDirectory:
 *
 * A directory of its own for temporary files.
 *
 * It is made with the object, for its user alone (mode 0700), and goes with it: when
 * [method@TvmSupport.TempDirectory.remove] is called, else when the last reference is dropped, else
 * when the process exits, and on signals if [func@TvmSupport.TempDirectory.remove_on_signals] was
 * called. What a process leaves that is killed before that is removed by the next one that makes a
 * temporary directory in the same place, or by [func@TvmSupport.TempDirectory.clean]; of one that
 * was given a path of its own nobody can tell whose it is, and it stays. A child that was forked
 * removes nothing of its parent's. [property@TvmSupport.TempDirectory:keep] says that the directory
 * shall stay, and [func@TvmSupport.TempDirectory.set_keep_for_debug] says it of all that are made
 * from then on.
 *
 * ```c
 * g_autoptr (TvmTempDirectory) temp = tvm_temp_directory_new (NULL, error);
 * g_autofree char *object = NULL;
 *
 * if (temp == NULL)
 *   return FALSE;
 *
 * object = tvm_temp_directory_build_path (temp, "kernel.o", error);
 * ```
 *
 * Dropping the last reference removes the tree then and there; where that may take long, await
 * [method@TvmSupport.TempDirectory.remove_async] first, or leave it to the background with
 * [method@TvmSupport.TempDirectory.remove_detached].
 *
 * All methods may be called from any thread.
 *
 * Since: 1.0
 */

struct _TvmTempDirectory
{
  GObject parent_instance;

  char *custom_path;    /* as given */
  char *parent;         /* as given */
  gboolean keep;        /* as given, before there is a place */
  gboolean keep_given;
  TvmTempPlace *place;         /* (nullable): NULL until initialized */
};

typedef enum
{
  PROP_PATH = 1,
  PROP_PARENT,
  PROP_KEEP,
} TvmTempDirectoryProperty;

static GParamSpec *obj_props[PROP_KEEP + 1];

static void tvm_temp_directory_initable_iface_init (GInitableIface *iface);

typedef enum
{
  SIGNAL_PROGRESS,
} TvmTempDirectorySignal;

static guint signals[SIGNAL_PROGRESS + 1];

/* How often a removal tells of itself */
#define PROGRESS_MSEC 100

G_DEFINE_FINAL_TYPE_WITH_CODE (TvmTempDirectory, tvm_temp_directory, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      tvm_temp_directory_initable_iface_init))

static gboolean
tvm_temp_directory_initable_init (GInitable     *initable,
                                  GCancellable  *cancellable,
                                  GError       **error)
{
  TvmTempDirectory *self = TVM_TEMP_DIRECTORY (initable);
  const char *parent = self->parent != NULL ? self->parent : g_get_tmp_dir ();

  /* A second call does nothing, as GInitable has it. */
  if (self->place != NULL)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  if (!self->keep_given && tvm_temp_directory_get_keep_for_debug ())
    {
      self->keep = TRUE;
      if (self->custom_path == NULL && self->parent == NULL)
        {
          self->custom_path = tvm_temp_debug_make_path (error);
          if (self->custom_path == NULL)
            return FALSE;
        }
    }

  if (self->custom_path == NULL)
    tvm_temp_sweep_once (parent, TVM_TEMP_PREFIX);

  self->place = self->custom_path != NULL
                  ? tvm_temp_place_new_at (self->custom_path, self->keep, error)
                  : tvm_temp_place_new_in (parent, TVM_TEMP_PREFIX, self->keep, error);
  return self->place != NULL;
}

/* What a language binding made with a plain constructor, which initializes nothing, is initialized at
 * its first use. */
static gboolean
ensure_place (TvmTempDirectory  *self,
              GError           **error)
{
  return tvm_temp_directory_initable_init (G_INITABLE (self), NULL, error);
}

static void
tvm_temp_directory_dispose (GObject *object)
{
  TvmTempDirectory *self = TVM_TEMP_DIRECTORY (object);

  if (self->place != NULL)
    tvm_temp_place_drop (self->place);
  g_clear_pointer (&self->place, tvm_temp_place_unref);

  G_OBJECT_CLASS (tvm_temp_directory_parent_class)->dispose (object);
}

static void
tvm_temp_directory_finalize (GObject *object)
{
  TvmTempDirectory *self = TVM_TEMP_DIRECTORY (object);

  g_free (self->custom_path);
  g_free (self->parent);

  G_OBJECT_CLASS (tvm_temp_directory_parent_class)->finalize (object);
}

static void
tvm_temp_directory_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  TvmTempDirectory *self = TVM_TEMP_DIRECTORY (object);

  switch ((TvmTempDirectoryProperty) prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, tvm_temp_directory_get_path (self));
      break;
    case PROP_PARENT:
      g_value_set_string (value, self->parent);
      break;
    case PROP_KEEP:
      g_value_set_boolean (value, tvm_temp_directory_get_keep (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_temp_directory_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  TvmTempDirectory *self = TVM_TEMP_DIRECTORY (object);

  switch ((TvmTempDirectoryProperty) prop_id)
    {
    case PROP_PATH:
      self->custom_path = g_value_dup_string (value);
      break;
    case PROP_PARENT:
      self->parent = g_value_dup_string (value);
      break;
    case PROP_KEEP:
      tvm_temp_directory_set_keep (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_temp_directory_class_init (TvmTempDirectoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags once = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = tvm_temp_directory_dispose;
  object_class->finalize = tvm_temp_directory_finalize;
  object_class->get_property = tvm_temp_directory_get_property;
  object_class->set_property = tvm_temp_directory_set_property;

  /**
   * TvmTempDirectory:path: (getter get_path)
   *
   * The absolute path of the directory.
   *
   * On construction: where to make it; nothing may be there yet. %NULL, the default, makes one of a
   * unique name in [property@TvmSupport.TempDirectory:parent].
   *
   * Since: 1.0
   */
  obj_props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, once);

  /**
   * TvmTempDirectory:parent:
   *
   * The directory that a directory of a unique name was asked for in; %NULL, the default, stands
   * for that of [func@GLib.get_tmp_dir].
   *
   * Since: 1.0
   */
  obj_props[PROP_PARENT] = g_param_spec_string ("parent", NULL, NULL, NULL, once);

  /**
   * TvmTempDirectory:keep: (getter get_keep) (setter set_keep)
   *
   * Whether the directory stays when the object or the process goes.
   *
   * Since: 1.0
   */
  obj_props[PROP_KEEP] = g_param_spec_boolean ("keep", NULL, NULL, FALSE,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                                               | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);

  /**
   * TvmTempDirectory::progress:
   * @self: the temporary directory
   * @n_removed: how many files and directories have been removed
   *
   * Emitted now and then while [method@TvmSupport.TempDirectory.remove_async] is at work, in the
   * thread-default context of its caller. How many are left is not known.
   *
   * Since: 1.0
   */
  signals[SIGNAL_PROGRESS] = g_signal_new ("progress", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                           0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
}

static void
tvm_temp_directory_initable_iface_init (GInitableIface *iface)
{
  iface->init = tvm_temp_directory_initable_init;
}

static void
tvm_temp_directory_init (TvmTempDirectory *self)
{
}

/**
 * tvm_temp_directory_new:
 * @custom_path: (type filename) (nullable): where to make the directory, relative to the current
 *   one if it is not absolute, or %NULL for a unique name in the directory of
 *   [func@GLib.get_tmp_dir]
 * @error: return location for an error
 *
 * Makes a temporary directory.
 *
 * A custom path is resolved at once: changing the current directory later makes no difference. If
 * there is something at it, that is left alone, and the error is `G_IO_ERROR_EXISTS`. Other errors
 * of the file system come as `G_IO_ERROR` too; `TVM_ERROR_CREATED_PAST_EXIT` says that the process
 * is exiting, so that nothing would remove the directory.
 *
 * The first call of a process also removes what killed processes of the same user have left.
 *
 * Returns: (transfer full): a new directory, or %NULL on error
 *
 * Since: 1.0
 */
TvmTempDirectory *
tvm_temp_directory_new (const char  *custom_path,
                        GError     **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_initable_new (TVM_TYPE_TEMP_DIRECTORY, NULL, error, "path", custom_path, NULL);
}

/**
 * tvm_temp_directory_new_in:
 * @parent: (type filename) (nullable): an existing directory, or %NULL for that of
 *   [func@GLib.get_tmp_dir]
 * @error: return location for an error
 *
 * Makes a temporary directory of a unique name in @parent.
 *
 * The errors are those of [ctor@TvmSupport.TempDirectory.new].
 *
 * Returns: (transfer full): a new directory, or %NULL on error
 *
 * Since: 1.0
 */
TvmTempDirectory *
tvm_temp_directory_new_in (const char  *parent,
                           GError     **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_initable_new (TVM_TYPE_TEMP_DIRECTORY, NULL, error, "parent", parent, NULL);
}

/**
 * tvm_temp_directory_new_for_debug:
 * @error: return location for an error
 *
 * Makes a directory that stays, with a path that is easy to find again:
 * `tvm-debug-mode-tempdirs/`*date*`T`*time*`___`*random*`/00000` in the directory of
 * [func@GLib.get_tmp_dir]. The directories of one process are numbered in one folder.
 *
 * If another user has taken the name `tvm-debug-mode-tempdirs`, the user id is appended to it. The
 * errors are those of [ctor@TvmSupport.TempDirectory.new].
 *
 * Returns: (transfer full): a new directory, or %NULL on error
 *
 * Since: 1.0
 */
TvmTempDirectory *
tvm_temp_directory_new_for_debug (GError **error)
{
  g_autofree char *path = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  path = tvm_temp_debug_make_path (error);
  if (path == NULL)
    return NULL;

  return g_initable_new (TVM_TYPE_TEMP_DIRECTORY, NULL, error, "path", path, "keep", TRUE, NULL);
}

/**
 * tvm_temp_directory_get_path: (get-property path)
 * @self: a temporary directory
 *
 * Gets the absolute path of the directory. It does not change, also when the directory is removed.
 *
 * Returns: (type filename) (transfer none): the path
 *
 * Since: 1.0
 */
const char *
tvm_temp_directory_get_path (TvmTempDirectory *self)
{
  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), NULL);

  return ensure_place (self, NULL) ? self->place->path : self->custom_path;
}

/**
 * tvm_temp_directory_get_keep: (get-property keep)
 * @self: a temporary directory
 *
 * Gets whether the directory stays when the object or the process goes.
 *
 * Returns: whether it stays
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_get_keep (TvmTempDirectory *self)
{
  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), FALSE);

  return self->place != NULL ? tvm_temp_place_get_keep (self->place) : self->keep;
}

/**
 * tvm_temp_directory_set_keep: (set-property keep)
 * @self: a temporary directory
 * @keep: whether it stays
 *
 * Sets whether the directory stays when the object or the process goes, also if the process is
 * killed. [method@TvmSupport.TempDirectory.remove] removes it in either case.
 *
 * Since: 1.0
 */
void
tvm_temp_directory_set_keep (TvmTempDirectory *self,
                             gboolean          keep)
{
  gboolean changed;

  g_return_if_fail (TVM_IS_TEMP_DIRECTORY (self));

  keep = !!keep;
  if (self->place != NULL)
    {
      changed = tvm_temp_place_set_keep (self->place, keep);
    }
  else
    {
      changed = self->keep != keep;
      self->keep = keep;
      self->keep_given = TRUE;
    }

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_KEEP]);
}

static gboolean
set_removed_error (TvmTempPlace   *place,
                   GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               _("The temporary directory “%s” has been removed"), place->display);
  return FALSE;
}

static gboolean
is_inside (const char *name)
{
  g_auto (GStrv) parts = NULL;

  if (name[0] == '\0' || name[0] == '/')
    return FALSE;

  parts = g_strsplit (name, "/", -1);
  return !g_strv_contains ((const char *const *) parts, "..");
}

/**
 * tvm_temp_directory_build_path:
 * @self: a temporary directory
 * @name: (type filename): a name, or a relative path
 * @error: return location for an error
 *
 * Builds the path of something in the directory. Nothing is created.
 *
 * A @name that is empty, absolute, or has a component `..` gives `TVM_ERROR_INVALID_ARGUMENT`, a
 * directory that has been removed `G_IO_ERROR_NOT_FOUND`.
 *
 * Returns: (type filename) (transfer full): an absolute path, or %NULL on error
 *
 * Since: 1.0
 */
char *
tvm_temp_directory_build_path (TvmTempDirectory  *self,
                               const char        *name,
                               GError           **error)
{
  gboolean removed;

  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ensure_place (self, error))
    return NULL;

  if (!is_inside (name))
    {
      g_autofree char *display = g_filename_display_name (name);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” does not name anything inside a temporary directory"), display);
      return NULL;
    }

  tvm_fork_lock ();
  removed = self->place->removed;
  tvm_fork_unlock ();
  if (removed)
    {
      set_removed_error (self->place, error);
      return NULL;
    }

  return g_build_filename (self->place->path, name, NULL);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Reads the directory that was made, whatever its path leads to now. */
static char **
list_place (TvmTempPlace   *place,
            GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  const struct dirent *entry;
  int errsv = errno;

  if (dir == NULL)
    {
      if (fd >= 0)
        close (fd);
      tvm_error_set_errno (error, errsv, _("Cannot open “%s”"), place->display);
      return NULL;
    }

  for (errno = 0; (entry = readdir (dir)) != NULL; errno = 0)
    {
      if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  errsv = errno;
  closedir (dir);
  if (errsv != 0)
    {
      tvm_error_set_errno (error, errsv, _("Cannot read “%s”"), place->display);
      return NULL;
    }

  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_steal (names, NULL);
}

/**
 * tvm_temp_directory_list:
 * @self: a temporary directory
 * @error: return location for an error
 *
 * Lists what is in the directory, without `.` and `..`.
 *
 * If the directory has been removed, the error is `G_IO_ERROR_NOT_FOUND`; other errors of the file
 * system come as `G_IO_ERROR` too. This function blocks while it reads one directory.
 *
 * Returns: (array zero-terminated=1) (element-type filename) (transfer full): the names, sorted by
 *   their bytes, or %NULL on error
 *
 * Since: 1.0
 */
char **
tvm_temp_directory_list (TvmTempDirectory  *self,
                         GError           **error)
{
  char **names;

  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ensure_place (self, error))
    return NULL;
  if (!tvm_temp_place_begin (self->place))
    {
      set_removed_error (self->place, error);
      return NULL;
    }

  names = list_place (self->place, error);
  tvm_temp_place_end (self->place, FALSE);
  return names;
}

static gboolean
remove_cancellable (TvmTempPlace  *place,
                    guint64       *n_removed,
                    GCancellable  *cancellable,
                    GError       **error)
{
  int cancelled;
  gulong handler;
  gboolean removed;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  handler = tvm_temp_cancel_connect (cancellable, &cancelled);
  removed = tvm_temp_place_remove (place, &cancelled, n_removed, error);
  tvm_temp_cancel_disconnect (cancellable, handler);
  return removed;
}

/**
 * tvm_temp_directory_remove:
 * @self: a temporary directory
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Removes the directory with all that is in it, also if it is to be kept.
 *
 * No symbolic link is followed and no mount crossed; what the user may not read or write is made
 * so first. Removal goes on past what cannot go; the error, a `G_IO_ERROR`, names the first such
 * entry, and the call may be repeated. One that was cancelled (`G_IO_ERROR_CANCELLED`) has removed
 * a part. Removing what was removed already does nothing. In a forked child of the process that
 * made the directory nothing is removed, and the error is `TVM_ERROR_FAILED`.
 *
 * This function blocks; see [method@TvmSupport.TempDirectory.remove_async].
 *
 * Returns: whether the directory is gone; %FALSE with @error set if it is not
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_remove (TvmTempDirectory *self,
                           GCancellable     *cancellable,
                           GError          **error)
{
  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ensure_place (self, error))
    return FALSE;

  return remove_cancellable (self->place, NULL, cancellable, error);
}

typedef struct
{
  TvmTempPlace *place;
  guint64 n_removed;    /* atomic */
  guint64 n_told;
  GSource *source;      /* tells of it */
} Removal;

static void
removal_free (Removal *removal)
{
  tvm_temp_place_unref (removal->place);
  g_source_unref (removal->source);
  g_free (removal);
}

/* In the context of the caller */
static gboolean
tell_progress (gpointer data)
{
  GTask *task = data;
  Removal *removal = g_task_get_task_data (task);
  guint64 n = __atomic_load_n (&removal->n_removed, __ATOMIC_RELAXED);

  if (n != removal->n_told)
    {
      removal->n_told = n;
      g_signal_emit (g_task_get_source_object (task), signals[SIGNAL_PROGRESS], 0, n);
    }
  return G_SOURCE_CONTINUE;
}

static void
remove_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  Removal *removal = task_data;
  GError *error = NULL;
  gboolean removed = remove_cancellable (removal->place, &removal->n_removed, cancellable, &error);

  g_source_destroy (removal->source);
  if (removed)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_temp_directory_remove_async:
 * @self: a temporary directory
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when the directory has been removed
 * @user_data: data for @callback
 *
 * Removes the directory with all that is in it, in another thread.
 *
 * While that takes, [signal@TvmSupport.TempDirectory::progress] tells how far it is. See [method@TvmSupport.TempDirectory.remove]. Finish with
 * [method@TvmSupport.TempDirectory.remove_finish].
 *
 * Since: 1.0
 */
void
tvm_temp_directory_remove_async (TvmTempDirectory   *self,
                                 GCancellable       *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer            user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  Removal *removal;

  g_return_if_fail (TVM_IS_TEMP_DIRECTORY (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_temp_directory_remove_async);
  /* That it is gone counts, also if cancelled at the same time. */
  g_task_set_check_cancellable (task, FALSE);
  if (!ensure_place (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  removal = g_new0 (Removal, 1);
  removal->place = tvm_temp_place_ref (self->place);
  removal->source = g_timeout_source_new (PROGRESS_MSEC);
  g_source_set_static_name (removal->source, "[tvmsupport] progress of a removal");
  g_task_set_task_data (task, removal, (GDestroyNotify) removal_free);
  g_task_attach_source (task, removal->source, tell_progress);
  tvm_task_run_in_thread (task, remove_in_thread);
}

/**
 * tvm_temp_directory_remove_finish:
 * @self: a temporary directory
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [method@TvmSupport.TempDirectory.remove_async] started.
 *
 * Returns: whether the directory is gone; %FALSE with @error set if it is not
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_remove_finish (TvmTempDirectory *self,
                                  GAsyncResult     *result,
                                  GError          **error)
{
  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tvm_temp_directory_remove_detached:
 * @self: a temporary directory
 * @error: return location for an error
 *
 * Has the directory gone from its path at once, and leaves the rest to the background.
 *
 * What is in it is moved aside, within the same parent, and removed in another thread. If the
 * process exits meanwhile, the exit waits for the end of that; if it is killed, the next one goes
 * on with it. An entry that cannot be removed is not reported. If the directory cannot be moved,
 * the error is that of [method@TvmSupport.TempDirectory.remove].
 *
 * Returns: whether there is nothing at the path any more; %FALSE with @error set if there is
 *
 * Since: 1.0
 */
gboolean
tvm_temp_directory_remove_detached (TvmTempDirectory  *self,
                                    GError           **error)
{
  g_return_val_if_fail (TVM_IS_TEMP_DIRECTORY (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return ensure_place (self, error) && tvm_temp_place_remove_detached (self->place, error);
}
