/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-file-lock.h"

#include "tvmsupport/files/tvm-fork-private.h"
#include "tvmsupport/files/tvm-lock-file-private.h"
#include "tvmsupport/files/tvm-lock-watch-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <sys/inotify.h>
#include <unistd.h>

/**
 * TvmFileLock:
 *
 * A lock that is taken on a file, between processes and within one.
 *
 * At most one exclusive `TvmFileLock` on a path is held at a time, by whichever thread of whichever
 * process; of those that [ctor@TvmSupport.FileLock.new_shared] makes any number, but none beside an
 * exclusive one. A process that uses `fcntl()` locks on the whole file, as Python's `fcntl.lockf()`
 * and so the `FileLock` of Apache TVM does, takes part too. Locks of `flock()` are of another kind,
 * and do not.
 *
 * ```c
 * g_autoptr (TvmFileLock) lock = tvm_file_lock_new ("/var/cache/kernels/.lock");
 *
 * if (!tvm_file_lock_acquire (lock, 5000, cancellable, error))
 *   return FALSE;
 *
 * update_cache ();
 * tvm_file_lock_release (lock);
 * ```
 *
 * The file is made if it is not there, with the permissions that the umask leaves, as a lock is for
 * all who may write to the file. It is never written to, truncated or removed, and a symbolic link
 * in its place is refused. If somebody removes or replaces the file, the lock is on the new one.
 * Who holds it is noted in an extended attribute of the file, where it can have one, and found out
 * with [method@TvmSupport.FileLock.query_holder].
 *
 * There is no order among those who wait, and none that favours who waits for an exclusive lock
 * over those who share it.
 *
 * The lock ends with [method@TvmSupport.FileLock.release], with the last reference to the object,
 * and with the process, also if that is killed. A forked child does not share it: there the object
 * is not held.
 *
 * Waiting takes no thread: a release is noticed as the file is closed.
 *
 * All methods may be called from any thread.
 *
 * Since: 1.0
 */

/*
 * A waiter watches the file with inotify: who had it locked closes it. If the holder is killed,
 * that event comes before the lock is gone, so after one the lock is tried a few times, at growing
 * intervals. What gives no event is found by a poll behind that: an unlock without a close, as it
 * is possible with lockf(), a holder on another machine, no inotify to be had. Of a TvmFileLock on
 * this machine the event is certain, and the poll so slow that it is a mere insurance.
 */
#define FIRST_RETRY_USEC 1000
#define LAST_RETRY_USEC 50000
#define INSURANCE_USEC G_USEC_PER_SEC

struct _TvmFileLock
{
  GObject parent_instance;

  TvmLockFile file;     /* the path is NULL if none was given */

  /* Guarded by the fork lock */
  TvmOwner owner;       /* of the rest */
  int fd;               /* holds the lock, or -1 */
  gboolean acquiring;
};

typedef enum
{
  PROP_PATH = 1,
  PROP_SHARED,
  PROP_HELD,
} TvmFileLockProperty;

static GParamSpec *obj_props[PROP_HELD + 1];

typedef struct
{
  TvmOwner owner;
  gint64 timeout_msec;
  gint64 deadline;      /* monotonic, or -1 */
  guint retry_usec;
  gint64 next_try;      /* monotonic */
  int fd;               /* open and not locked, or -1 */
  gboolean watched;     /* that one */
  TvmLockWatch watch;
  GSource *source;
} Waiter;

G_DEFINE_FINAL_TYPE (TvmFileLock, tvm_file_lock, G_TYPE_OBJECT)

static void
waiter_free (Waiter *waiter)
{
  tvm_lock_watch_clear (&waiter->watch);
  /* In a forked child the descriptor has been closed, and its number may be another's. */
  if (tvm_owner_is_current (waiter->owner))
    tvm_lock_file_close (waiter->fd);
  g_clear_pointer (&waiter->source, g_source_unref);
  g_free (waiter);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Waiter, waiter_free)

static Waiter *
waiter_new (gint64 timeout_msec)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->owner = tvm_owner_get_current ();
  waiter->timeout_msec = timeout_msec;
  waiter->deadline = -1;
  if (timeout_msec >= 0)
    waiter->deadline = g_get_monotonic_time () + MIN (timeout_msec, G_MAXINT64 / 4000) * 1000;
  waiter->retry_usec = FIRST_RETRY_USEC;
  waiter->fd = -1;
  waiter->watch = (TvmLockWatch) TVM_LOCK_WATCH_INIT;
  return waiter;
}

static GError *
new_timeout_error (TvmFileLock  *self,
                   const Waiter *waiter)
{
  const char *display = self->file.display;
  const double seconds = waiter->timeout_msec / 1000.0;
  g_auto (TvmLockHolder) holder = { 0, };

  tvm_lock_file_get_holder (waiter->fd, &holder);
  if (holder.pid > 0 && seconds > 0)
    return g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT,
                        _("“%s” is locked by process %d on “%s”, also after %.3f s"), display,
                        (int) holder.pid, holder.host, seconds);
  if (holder.pid > 0)
    return g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT, _("“%s” is locked by process %d on “%s”"),
                        display, (int) holder.pid, holder.host);
  if (seconds > 0)
    return g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT, _("“%s” is locked, also after %.3f s"),
                        display, seconds);
  return g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT, _("“%s” is locked"), display);
}

/* Forgets what was copied from the process that forked this one. Call with the fork lock held.
 * Returns: a descriptor to close, or -1 */
static int
drop_inherited (TvmFileLock *self)
{
  int fd = -1;

  if (tvm_owner_is_current (self->owner))
    return -1;

  /* The lock is not touched: it is the parent's. */
  if (!tvm_owner_is_forked (self->owner))
    fd = self->fd;
  self->fd = -1;
  self->acquiring = FALSE;
  self->owner = tvm_owner_get_current ();
  return fd;
}

static gboolean
begin_acquire (TvmFileLock  *self,
               GError      **error)
{
  gboolean held, acquiring;
  int inherited;

  if (self->file.path == NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("A lock without a path cannot be acquired"));
      return FALSE;
    }

  tvm_fork_lock ();
  inherited = drop_inherited (self);
  held = self->fd >= 0;
  acquiring = self->acquiring;
  if (!held)
    self->acquiring = TRUE;
  tvm_fork_unlock ();
  if (inherited >= 0)
    close (inherited);

  if (held)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("This object holds the lock on “%s” already"), self->file.display);
  else if (acquiring)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                 _("This object waits for the lock on “%s” already"), self->file.display);
  return !held && !acquiring;
}

/* @fd: what holds the lock, or -1 if it was not got */
static void
end_acquire (TvmFileLock *self,
             int          fd)
{
  tvm_fork_lock ();
  self->acquiring = FALSE;
  self->fd = fd;
  tvm_fork_unlock ();

  if (fd >= 0)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_HELD]);
}

static void
tvm_file_lock_dispose (GObject *object)
{
  tvm_file_lock_release (TVM_FILE_LOCK (object));

  G_OBJECT_CLASS (tvm_file_lock_parent_class)->dispose (object);
}

static void
tvm_file_lock_finalize (GObject *object)
{
  TvmFileLock *self = TVM_FILE_LOCK (object);

  g_free (self->file.path);
  g_free (self->file.display);

  G_OBJECT_CLASS (tvm_file_lock_parent_class)->finalize (object);
}

static void
tvm_file_lock_get_property (GObject    *object,
                            guint       prop_id,
                            GValue     *value,
                            GParamSpec *pspec)
{
  TvmFileLock *self = TVM_FILE_LOCK (object);

  switch ((TvmFileLockProperty) prop_id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->file.path);
      break;
    case PROP_SHARED:
      g_value_set_boolean (value, self->file.shared);
      break;
    case PROP_HELD:
      g_value_set_boolean (value, tvm_file_lock_get_held (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

/* Resolved at once, so that changing the current directory makes no difference. */
static void
set_path (TvmFileLock *self,
          const char  *path)
{
  g_autofree char *cwd = NULL;

  if (path == NULL || path[0] == '\0')
    return;
  if (g_path_is_absolute (path))
    {
      self->file.path = g_strdup (path);
    }
  else
    {
      cwd = g_get_current_dir ();
      self->file.path = g_build_filename (cwd, path, NULL);
    }
  self->file.display = g_filename_display_name (self->file.path);
}

static void
tvm_file_lock_set_property (GObject      *object,
                            guint         prop_id,
                            const GValue *value,
                            GParamSpec   *pspec)
{
  TvmFileLock *self = TVM_FILE_LOCK (object);

  switch ((TvmFileLockProperty) prop_id)
    {
    case PROP_PATH:
      set_path (self, g_value_get_string (value));
      break;
    case PROP_SHARED:
      self->file.shared = g_value_get_boolean (value);
      break;
    case PROP_HELD:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_file_lock_class_init (TvmFileLockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tvm_file_lock_dispose;
  object_class->finalize = tvm_file_lock_finalize;
  object_class->get_property = tvm_file_lock_get_property;
  object_class->set_property = tvm_file_lock_set_property;

  /**
   * TvmFileLock:path: (getter get_path)
   *
   * The absolute path of the file.
   *
   * Since: 1.0
   */
  obj_props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL,
                                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY
                                              | G_PARAM_STATIC_STRINGS);

  /**
   * TvmFileLock:shared: (getter is_shared)
   *
   * Whether others may share the lock while it is held, rather than nobody else.
   *
   * Since: 1.0
   */
  obj_props[PROP_SHARED] = g_param_spec_boolean ("shared", NULL, NULL, FALSE,
                                                 G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY
                                                 | G_PARAM_STATIC_STRINGS);

  /**
   * TvmFileLock:held: (getter get_held)
   *
   * Whether this object holds the lock.
   *
   * Changes are notified in the thread that acquires or releases it.
   *
   * Since: 1.0
   */
  obj_props[PROP_HELD] = g_param_spec_boolean ("held", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS
                                               | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_file_lock_init (TvmFileLock *self)
{
  self->fd = -1;
  self->owner = tvm_owner_get_current ();
}

/**
 * tvm_file_lock_new:
 * @path: (type filename): the file to lock, relative to the current directory if not absolute
 *
 * Makes an exclusive lock, which is not held yet. Nothing is opened.
 *
 * Returns: (transfer full): a new lock
 *
 * Since: 1.0
 */
TvmFileLock *
tvm_file_lock_new (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  return g_object_new (TVM_TYPE_FILE_LOCK, "path", path, NULL);
}

/**
 * tvm_file_lock_new_shared:
 * @path: (type filename): the file to lock, relative to the current directory if not absolute
 *
 * Makes a lock that others may share, which is not held yet. Nothing is opened.
 *
 * A file that its user may only read can be locked in this way too, if it is there.
 *
 * Returns: (transfer full): a new lock
 *
 * Since: 1.0
 */
TvmFileLock *
tvm_file_lock_new_shared (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  return g_object_new (TVM_TYPE_FILE_LOCK, "path", path, "shared", TRUE, NULL);
}

/**
 * tvm_file_lock_get_path: (get-property path)
 * @self: a lock
 *
 * Gets the absolute path of the file.
 *
 * Returns: (type filename) (transfer none): the path
 *
 * Since: 1.0
 */
const char *
tvm_file_lock_get_path (TvmFileLock *self)
{
  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), NULL);

  return self->file.path;
}

/**
 * tvm_file_lock_is_shared: (get-property shared)
 * @self: a lock
 *
 * Gets whether others may share the lock while it is held.
 *
 * Returns: whether it is a shared lock
 *
 * Since: 1.0
 */
gboolean
tvm_file_lock_is_shared (TvmFileLock *self)
{
  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), FALSE);

  return self->file.shared;
}

/**
 * tvm_file_lock_get_held: (get-property held)
 * @self: a lock
 *
 * Gets whether this object holds the lock.
 *
 * Returns: whether it is held
 *
 * Since: 1.0
 */
gboolean
tvm_file_lock_get_held (TvmFileLock *self)
{
  gboolean held;

  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), FALSE);

  tvm_fork_lock ();
  held = self->fd >= 0 && tvm_owner_is_current (self->owner);
  tvm_fork_unlock ();
  return held;
}

/**
 * tvm_file_lock_release:
 * @self: a lock
 *
 * Releases the lock. Nothing happens if this object does not hold it, as in a forked child.
 *
 * Since: 1.0
 */
void
tvm_file_lock_release (TvmFileLock *self)
{
  int inherited;
  int fd;

  g_return_if_fail (TVM_IS_FILE_LOCK (self));

  tvm_fork_lock ();
  inherited = drop_inherited (self);
  fd = g_steal_fd (&self->fd);
  tvm_fork_unlock ();

  if (inherited >= 0)
    close (inherited);
  if (fd < 0)
    return;

  tvm_lock_file_close (fd);
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_HELD]);
}

/**
 * tvm_file_lock_query_holder:
 * @self: a lock
 * @pid: (out) (optional): the process that holds the lock, or 0 if that is not known
 * @host: (out) (optional) (nullable) (transfer full): the name of the machine on which that process
 *   runs, or %NULL if it is not known
 *
 * Finds out who has the file locked, for a message to the user: when this function returns, it may
 * be somebody else.
 *
 * The system knows it of the locks of `lockf()`. A `TvmFileLock` leaves a note in the extended
 * attribute `user.tvmsupport.holder` of the file; on a file system without them, or of a file that
 * its holder may not write to, it is not known. Of several who share the lock it is one.
 *
 * This function looks into the file system, but waits for nobody.
 *
 * Returns: whether somebody has it locked; %FALSE also if the file cannot be opened
 *
 * Since: 1.0
 */
gboolean
tvm_file_lock_query_holder (TvmFileLock  *self,
                            gint         *pid,
                            char        **host)
{
  g_auto (TvmLockHolder) holder = { 0, };
  gboolean locked = FALSE;

  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), FALSE);

  if (self->file.path != NULL)
    locked = tvm_lock_file_query_holder (&self->file, &holder);

  if (pid != NULL)
    *pid = (gint) holder.pid;
  if (host != NULL)
    *host = g_steal_pointer (&holder.host);
  return locked;
}

/* A source that is dispatched at its ready time, and when one of its descriptors or its
 * cancellable is ready */
static gboolean
wait_source_dispatch (GSource     *source,
                      GSourceFunc  callback,
                      gpointer     user_data)
{
  return callback (user_data);
}

static GSourceFuncs wait_source_funcs = { .dispatch = wait_source_dispatch };

/* Has the file that is open now watched, if it can be. */
static void
watch (Waiter *waiter)
{
  if (!waiter->watched)
    waiter->watched = tvm_lock_watch_set_file (&waiter->watch, waiter->fd);
}

/* @fd: what holds the lock, or -1. Takes @error. */
static void
complete (GTask  *task,
          int     fd,
          GError *error)
{
  Waiter *waiter = g_task_get_task_data (task);

  tvm_lock_watch_clear (&waiter->watch);
  end_acquire (g_task_get_source_object (task), fd);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* In a forked child that goes on with the wait */
static void
forget_parent (Waiter *waiter)
{
  if (tvm_owner_is_current (waiter->owner))
    return;

  waiter->owner = tvm_owner_get_current ();
  waiter->fd = -1;
  waiter->watched = FALSE;
}

/* Tries once for @task. Returns: whether it has been completed */
static gboolean
attempt (GTask *task)
{
  TvmFileLock *self = g_task_get_source_object (task);
  Waiter *waiter = g_task_get_task_data (task);
  TvmLockAttempt result;
  gboolean opened;
  GError *error = NULL;

  /* Before the attempt: a lock that was got is not given back. */
  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      complete (task, -1, error);
      return TRUE;
    }

  forget_parent (waiter);
  result = tvm_lock_file_try (&self->file, &waiter->fd, &opened, &error);
  waiter->watched &= !opened;
  if (result == TVM_LOCK_ATTEMPT_BUSY && waiter->deadline >= 0
      && g_get_monotonic_time () >= waiter->deadline)
    {
      error = new_timeout_error (self, waiter);
      result = TVM_LOCK_ATTEMPT_FAILED;
    }
  if (result == TVM_LOCK_ATTEMPT_BUSY)
    return FALSE;

  complete (task, result == TVM_LOCK_ATTEMPT_LOCKED ? g_steal_fd (&waiter->fd) : -1, error);
  return TRUE;
}

/* Whether the end of the lock that is in the way is sure to give an event */
static gboolean
is_notified (const Waiter *waiter)
{
  g_auto (TvmLockHolder) holder = { 0, };

  return waiter->watched && tvm_lock_file_get_holder (waiter->fd, &holder) && holder.closes;
}

/* Sleeps until the next try, unless something has happened meanwhile. */
static void
sleep_on (Waiter *waiter)
{
  g_source_set_ready_time (waiter->source, waiter->next_try);
  if (tvm_lock_watch_pending (&waiter->watch))
    g_source_set_ready_time (waiter->source, 0);
}

static void
schedule (Waiter *waiter)
{
  waiter->next_try = g_get_monotonic_time ();
  if (waiter->retry_usec == LAST_RETRY_USEC && is_notified (waiter))
    waiter->next_try += INSURANCE_USEC;
  else
    waiter->next_try += waiter->retry_usec;
  if (waiter->deadline >= 0)
    waiter->next_try = MIN (waiter->next_try, waiter->deadline);
  waiter->retry_usec = MIN (waiter->retry_usec * 2, LAST_RETRY_USEC);
  sleep_on (waiter);
}

static gboolean
wait_ready (gpointer user_data)
{
  GTask *task = user_data;
  TvmFileLock *self = g_task_get_source_object (task);
  Waiter *waiter = g_task_get_task_data (task);
  guint32 events = tvm_lock_watch_take (&waiter->watch);

  /* Whoever gets the lock leaves a note on the file: that is no release. Nor is what happens to
   * another file, of which all are woken. */
  if ((events & ~(guint32) IN_ATTRIB) == 0 && g_get_monotonic_time () < waiter->next_try
      && !g_cancellable_is_cancelled (g_task_get_cancellable (task))
      && (events == 0 || tvm_lock_file_is_current (&self->file, waiter->fd)))
    {
      sleep_on (waiter);
      return G_SOURCE_CONTINUE;
    }

  if (events != 0)
    waiter->retry_usec = FIRST_RETRY_USEC;
  if (attempt (task))
    return G_SOURCE_REMOVE;

  watch (waiter);
  schedule (waiter);
  return G_SOURCE_CONTINUE;
}

static void
start_waiting (GTask *task)
{
  Waiter *waiter = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  waiter->source = g_source_new (&wait_source_funcs, sizeof (GSource));
  g_source_set_static_name (waiter->source, "[tvmsupport] wait for a file lock");
  tvm_lock_watch_attach (&waiter->watch, waiter->source);
  watch (waiter);

  /* Released in front of the watch? */
  if (attempt (task))
    return;
  watch (waiter);

  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (waiter->source, cancelled);
    }
  schedule (waiter);
  g_task_attach_source (task, waiter->source, wait_ready);
}

/**
 * tvm_file_lock_acquire_async:
 * @self: a lock
 * @timeout_msec: how long to wait, in milliseconds; 0 to try once, -1 for as long as it takes
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller when the lock is held or cannot be
 * @user_data: data for @callback
 *
 * Takes the lock without blocking.
 *
 * See [method@TvmSupport.FileLock.acquire]. Finish with
 * [method@TvmSupport.FileLock.acquire_finish]; the lock is held from the moment it was got, also if
 * nobody does.
 *
 * Since: 1.0
 */
void
tvm_file_lock_acquire_async (TvmFileLock         *self,
                             gint64               timeout_msec,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (TVM_IS_FILE_LOCK (self));
  g_return_if_fail (timeout_msec >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_file_lock_acquire_async);
  /* A lock that was got is not lost to a cancelling that came later. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, waiter_new (timeout_msec), (GDestroyNotify) waiter_free);

  if (!begin_acquire (self, &error))
    g_task_return_error (task, error);
  else if (!attempt (task))
    start_waiting (task);
}

/**
 * tvm_file_lock_acquire_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [method@TvmSupport.FileLock.acquire_async] started.
 *
 * Returns: whether the lock was got; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_file_lock_acquire_finish (TvmFileLock   *self,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What needs no waiting needs no context either.
 * Returns: whether @locked and @error say how it ended */
static gboolean
acquire_at_once (TvmFileLock   *self,
                 gint64         timeout_msec,
                 gboolean      *locked,
                 GError       **error)
{
  g_autoptr (Waiter) waiter = waiter_new (timeout_msec);
  TvmLockAttempt result;
  gboolean opened;

  *locked = FALSE;
  if (!begin_acquire (self, error))
    return TRUE;

  result = tvm_lock_file_try (&self->file, &waiter->fd, &opened, error);
  *locked = result == TVM_LOCK_ATTEMPT_LOCKED;
  if (result == TVM_LOCK_ATTEMPT_BUSY && timeout_msec == 0)
    g_propagate_error (error, new_timeout_error (self, waiter));
  end_acquire (self, *locked ? g_steal_fd (&waiter->fd) : -1);
  return result != TVM_LOCK_ATTEMPT_BUSY || timeout_msec == 0;
}

/**
 * tvm_file_lock_acquire:
 * @self: a lock
 * @timeout_msec: how long to wait, in milliseconds; 0 to try once, -1 for as long as it takes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Takes the lock, waiting for it if need be.
 *
 * If it is not free in time, the error is `TVM_ERROR_TIMED_OUT`, also if @timeout_msec is 0; the
 * message names the process that holds it where the system tells. A lock that this object holds
 * already gives `TVM_ERROR_INVALID_ARGUMENT`, one that it waits for already `G_IO_ERROR_PENDING`,
 * and a file system without locks of this kind `TVM_ERROR_UNSUPPORTED`. If the file cannot be
 * opened for writing, or is none, the error is a `G_IO_ERROR`.
 *
 * This function blocks, without running the main context of the caller; see
 * [method@TvmSupport.FileLock.acquire_async]. A thread that waits with no limit for what another
 * object of the same thread holds waits for ever.
 *
 * Returns: whether the lock was got; %FALSE with @error set if not
 *
 * Since: 1.0
 */
gboolean
tvm_file_lock_acquire (TvmFileLock   *self,
                       gint64         timeout_msec,
                       GCancellable  *cancellable,
                       GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;
  gboolean locked;

  g_return_val_if_fail (TVM_IS_FILE_LOCK (self), FALSE);
  g_return_val_if_fail (timeout_msec >= -1, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (acquire_at_once (self, timeout_msec, &locked, error))
    return locked;

  if (!tvm_sync_begin (&sync, error))
    return FALSE;
  tvm_file_lock_acquire_async (self, timeout_msec, cancellable, tvm_sync_ready, &sync);
  return tvm_file_lock_acquire_finish (self, tvm_sync_wait (&sync), error);
}
