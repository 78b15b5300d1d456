/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-cache.h"
#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"

#include "tvmsupport/toolchain/tvm-kernel-store-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/**
 * TvmKernelCache:
 *
 * Keeps what was compiled in a folder, for this process and for later ones.
 *
 * Give one to a [class@TvmSupport.Compiler] as its [property@TvmSupport.Compiler:cache], and what
 * was compiled once comes out of the cache as long as nothing that goes into it has changed: the
 * source, the headers, the options, the compiler. The methods here are for everything else that is
 * worth keeping: bytes by a key.
 *
 * Any number of processes may use one folder. An entry appears whole or not at all, checks itself
 * when it is read, and is removed if it is damaged. A folder that everybody can write to, and files
 * of another user than this one and root, are not read. When the entries take more than
 * [property@TvmSupport.KernelCache:maximum-size], those that were not used for longest go.
 *
 * An object may be used by several threads at a time. The methods that read or write files block;
 * each has an asynchronous form.
 *
 * Since: 1.0
 */

#define DEFAULT_MAXIMUM_SIZE (G_GUINT64_CONSTANT (1) << 30)
/* Down to what part of the maximum is made room, so that not every entry asks for it */
#define TRIM_PERCENT 80
/* The size is exact again, and what killed writers left is gone, after at most that long. */
#define SCAN_SECONDS (24 * 60 * 60)

struct _TvmKernelCache
{
  GObject parent_instance;

  char *directory;
  GMutex lock;              /* guards all below */
  guint64 maximum_size;
  guint64 hits;
  guint64 misses;
  TvmKernelState pending;   /* what could not be added to the state of the folder so far */
};

G_DEFINE_FINAL_TYPE (TvmKernelCache, tvm_kernel_cache, G_TYPE_OBJECT)

typedef enum
{
  PROP_DIRECTORY = 1,
  PROP_MAXIMUM_SIZE,
  PROP_HITS,
  PROP_MISSES,
  PROP_SIZE,
} TvmKernelCacheProperty;

static GParamSpec *obj_props[PROP_SIZE + 1];

/* Adds to the counters that all processes share. Returns what they are now. */
static TvmKernelState
add_to_state (TvmKernelCache *self,
              gint64          hits,
              gint64          misses,
              gint64          size)
{
  TvmKernelState change;
  TvmKernelState state;

  g_mutex_lock (&self->lock);
  change = self->pending;
  self->pending = (TvmKernelState) { 0 };
  g_mutex_unlock (&self->lock);

  change.hits += hits;
  change.misses += misses;
  change.size += size;
  if (tvm_kernel_store_add (self->directory, &change, &state))
    return state;

  g_mutex_lock (&self->lock);
  self->pending.hits += change.hits;
  self->pending.misses += change.misses;
  self->pending.size += change.size;
  g_mutex_unlock (&self->lock);

  return state;
}

static void
tvm_kernel_cache_constructed (GObject *object)
{
  TvmKernelCache *self = TVM_KERNEL_CACHE (object);

  if (self->directory == NULL)
    {
      const char *base = g_getenv ("XDG_CACHE_HOME");

      self->directory =
        base != NULL && g_path_is_absolute (base)
          ? g_build_filename (base, "tvmsupport", "kernels", NULL)
          : g_build_filename (g_get_home_dir (), ".cache", "tvmsupport", "kernels", NULL);
    }
  else
    {
      g_autofree char *given = g_steal_pointer (&self->directory);

      /* The working directory may change. */
      self->directory = g_canonicalize_filename (given, NULL);
    }

  G_OBJECT_CLASS (tvm_kernel_cache_parent_class)->constructed (object);
}

static void
tvm_kernel_cache_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  TvmKernelCache *self = TVM_KERNEL_CACHE (object);

  switch ((TvmKernelCacheProperty) prop_id)
    {
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;
    case PROP_MAXIMUM_SIZE:
      g_value_set_uint64 (value, tvm_kernel_cache_get_maximum_size (self));
      break;
    case PROP_HITS:
      g_value_set_uint64 (value, tvm_kernel_cache_get_hits (self));
      break;
    case PROP_MISSES:
      g_value_set_uint64 (value, tvm_kernel_cache_get_misses (self));
      break;
    case PROP_SIZE:
      g_value_set_uint64 (value, tvm_kernel_cache_get_size (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_kernel_cache_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  TvmKernelCache *self = TVM_KERNEL_CACHE (object);

  switch ((TvmKernelCacheProperty) prop_id)
    {
    case PROP_DIRECTORY:
      self->directory = g_value_dup_string (value);
      break;
    case PROP_MAXIMUM_SIZE:
      tvm_kernel_cache_set_maximum_size (self, g_value_get_uint64 (value));
      break;
    case PROP_HITS:
    case PROP_MISSES:
    case PROP_SIZE:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_kernel_cache_finalize (GObject *object)
{
  TvmKernelCache *self = TVM_KERNEL_CACHE (object);

  if (self->pending.hits != 0 || self->pending.misses != 0 || self->pending.size != 0)
    add_to_state (self, 0, 0, 0);
  g_free (self->directory);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (tvm_kernel_cache_parent_class)->finalize (object);
}

static void
tvm_kernel_cache_class_init (TvmKernelCacheClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->constructed = tvm_kernel_cache_constructed;
  object_class->get_property = tvm_kernel_cache_get_property;
  object_class->set_property = tvm_kernel_cache_set_property;
  object_class->finalize = tvm_kernel_cache_finalize;

  /**
   * TvmKernelCache:directory: (type filename)
   *
   * The folder, made when something is first stored. `tvmsupport/kernels` in `XDG_CACHE_HOME`, or in
   * `~/.cache`, if none was given.
   *
   * Since: 1.0
   */
  obj_props[PROP_DIRECTORY] =
    g_param_spec_string ("directory", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TvmKernelCache:maximum-size:
   *
   * How many bytes the entries may take, 0 for no limit. When something is stored and they take
   * more, those that were not used for longest are removed until there is a fifth of it free.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAXIMUM_SIZE] =
    g_param_spec_uint64 ("maximum-size", NULL, NULL, 0, G_MAXINT64, DEFAULT_MAXIMUM_SIZE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TvmKernelCache:hits:
   *
   * How often something was found through this object. There is no notification.
   *
   * Since: 1.0
   */
  obj_props[PROP_HITS] =
    g_param_spec_uint64 ("hits", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /**
   * TvmKernelCache:misses:
   *
   * How often something was looked for through this object and was not there. There is no
   * notification.
   *
   * Since: 1.0
   */
  obj_props[PROP_MISSES] =
    g_param_spec_uint64 ("misses", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /**
   * TvmKernelCache:size:
   *
   * How many bytes the entries take, of all processes: about right, without looking at them; see
   * [method@TvmSupport.KernelCache.dup_stats] for what is exact. There is no notification.
   *
   * Since: 1.0
   */
  obj_props[PROP_SIZE] =
    g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_kernel_cache_init (TvmKernelCache *self)
{
  g_mutex_init (&self->lock);
  self->maximum_size = DEFAULT_MAXIMUM_SIZE;
}

/**
 * tvm_kernel_cache_new:
 * @directory: (nullable) (type filename): the folder, or %NULL for that of the user
 *
 * Makes a cache in a folder. Nothing is read or written yet.
 *
 * Returns: (transfer full): a new cache
 *
 * Since: 1.0
 */
TvmKernelCache *
tvm_kernel_cache_new (const char *directory)
{
  return g_object_new (TVM_TYPE_KERNEL_CACHE, "directory", directory, NULL);
}

/**
 * tvm_kernel_cache_get_default:
 *
 * Gets the cache of the user, which the whole process shares. `XDG_CACHE_HOME` is read at the first
 * call.
 *
 * Returns: (transfer none): the cache
 *
 * Since: 1.0
 */
TvmKernelCache *
tvm_kernel_cache_get_default (void)
{
  static TvmKernelCache *cache = NULL;

  if (g_once_init_enter (&cache))
    g_once_init_leave (&cache, tvm_kernel_cache_new (NULL));

  return cache;
}

TvmKernelCache *
tvm_kernel_cache_peek_initial (void)
{
  const char *wanted = g_getenv ("TVM_SUPPORT_KERNEL_CACHE");

  if (wanted != NULL && (strcmp (wanted, "off") == 0 || strcmp (wanted, "0") == 0))
    return NULL;

  return tvm_kernel_cache_get_default ();
}

/**
 * tvm_kernel_cache_get_directory: (get-property directory)
 * @self: a cache
 *
 * Gets the folder.
 *
 * Returns: (transfer none) (type filename): the path, which is absolute
 *
 * Since: 1.0
 */
const char *
tvm_kernel_cache_get_directory (TvmKernelCache *self)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), NULL);

  return self->directory;
}

static guint64
get_locked (TvmKernelCache *self,
            const guint64  *number)
{
  guint64 value;

  g_mutex_lock (&self->lock);
  value = *number;
  g_mutex_unlock (&self->lock);

  return value;
}

/**
 * tvm_kernel_cache_get_maximum_size: (get-property maximum-size)
 * @self: a cache
 *
 * Gets how many bytes the entries may take.
 *
 * Returns: the number of bytes; 0 for no limit
 *
 * Since: 1.0
 */
guint64
tvm_kernel_cache_get_maximum_size (TvmKernelCache *self)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), 0);

  return get_locked (self, &self->maximum_size);
}

/**
 * tvm_kernel_cache_set_maximum_size: (set-property maximum-size)
 * @self: a cache
 * @maximum_size: the number of bytes; 0 for no limit
 *
 * Sets how many bytes the entries may take. It counts when something is stored through this object,
 * and is not written down: other processes have limits of their own.
 *
 * Since: 1.0
 */
void
tvm_kernel_cache_set_maximum_size (TvmKernelCache *self,
                                   guint64         maximum_size)
{
  gboolean changed;

  g_return_if_fail (TVM_IS_KERNEL_CACHE (self));

  g_mutex_lock (&self->lock);
  changed = self->maximum_size != maximum_size;
  self->maximum_size = maximum_size;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MAXIMUM_SIZE]);
}

/**
 * tvm_kernel_cache_get_hits: (get-property hits)
 * @self: a cache
 *
 * Gets how often something was found through this object.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_kernel_cache_get_hits (TvmKernelCache *self)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), 0);

  return get_locked (self, &self->hits);
}

/**
 * tvm_kernel_cache_get_misses: (get-property misses)
 * @self: a cache
 *
 * Gets how often something was not found through this object.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
tvm_kernel_cache_get_misses (TvmKernelCache *self)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), 0);

  return get_locked (self, &self->misses);
}

/**
 * tvm_kernel_cache_get_size: (get-property size)
 * @self: a cache
 *
 * Gets how many bytes the entries take, about, from what is written down of them. This reads one
 * small file.
 *
 * Returns: the number of bytes; 0 if it is not known
 *
 * Since: 1.0
 */
guint64
tvm_kernel_cache_get_size (TvmKernelCache *self)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), 0);

  return add_to_state (self, 0, 0, 0).size;
}

void
tvm_kernel_cache_count (TvmKernelCache *self,
                        gboolean        hit)
{
  g_mutex_lock (&self->lock);
  if (hit)
    self->hits++;
  else
    self->misses++;
  g_mutex_unlock (&self->lock);

  add_to_state (self, hit ? 1 : 0, hit ? 0 : 1, 0);
}

GBytes *
tvm_kernel_cache_read (TvmKernelCache  *self,
                       const char      *key,
                       GError         **error)
{
  return tvm_kernel_store_read (self->directory, key, error);
}

gboolean
tvm_kernel_cache_write (TvmKernelCache  *self,
                        const char      *key,
                        GBytes          *contents,
                        GCancellable    *cancellable,
                        GError         **error)
{
  const guint64 maximum = tvm_kernel_cache_get_maximum_size (self);
  const gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  TvmKernelState state;
  gboolean overfull;
  gint64 growth;

  if (maximum > 0 && g_bytes_get_size (contents) > maximum)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("What was to be kept is larger than the cache may be"));
      return FALSE;
    }
  if (!tvm_kernel_store_write (self->directory, key, contents, &growth, error))
    return FALSE;

  state = add_to_state (self, 0, 0, growth);
  overfull = maximum > 0 && (guint64) state.size > maximum;
  if (overfull || now - state.scanned >= SCAN_SECONDS || state.scanned > now)
    tvm_kernel_store_try_scan (self->directory,
                               overfull ? (gint64) (maximum / 100 * TRIM_PERCENT) :
                               maximum > 0 ? (gint64) maximum : -1, cancellable);

  return TRUE;
}

/**
 * tvm_kernel_cache_lookup:
 * @self: a cache
 * @key: what it was stored by, which is not empty
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Reads what was stored by a key. %NULL without an error is a miss.
 *
 * The error is %TVM_ERROR_UNSUPPORTED if the folder belongs to another user or everybody can write
 * to it, a #GIOErrorEnum if it cannot be opened, or %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (nullable): the contents, or %NULL if there are none
 *
 * Since: 1.0
 */
GBytes *
tvm_kernel_cache_lookup (TvmKernelCache  *self,
                         const char      *key,
                         GCancellable    *cancellable,
                         GError         **error)
{
  g_autoptr (GError) local_error = NULL;
  GBytes *contents;

  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), NULL);
  g_return_val_if_fail (key != NULL && key[0] != '\0', NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  contents = tvm_kernel_cache_read (self, key, &local_error);
  if (local_error == NULL)
    tvm_kernel_cache_count (self, contents != NULL);
  else
    g_propagate_error (error, g_steal_pointer (&local_error));

  return contents;
}

/**
 * tvm_kernel_cache_store:
 * @self: a cache
 * @key: what to store it by, which is not empty; what was there before is replaced
 * @contents: the contents
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Stores bytes by a key, and makes room if that is needed.
 *
 * The error is %TVM_ERROR_UNSUPPORTED if the folder belongs to another user, everybody can write to
 * it, or the contents are larger than the cache may be, a #GIOErrorEnum if it cannot be written to,
 * or %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether it is stored
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_store (TvmKernelCache  *self,
                        const char      *key,
                        GBytes          *contents,
                        GCancellable    *cancellable,
                        GError         **error)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), FALSE);
  g_return_val_if_fail (key != NULL && key[0] != '\0', FALSE);
  g_return_val_if_fail (contents != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return !g_cancellable_set_error_if_cancelled (cancellable, error) &&
         tvm_kernel_cache_write (self, key, contents, cancellable, error);
}

/**
 * tvm_kernel_cache_trim:
 * @self: a cache
 * @maximum_size: how many bytes may stay
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Removes the entries that were not used for longest until what is left takes no more than
 * @maximum_size, and what killed processes left half written.
 *
 * The errors are those of [method@TvmSupport.KernelCache.lookup], and %TVM_ERROR_FAILED if entries
 * cannot be removed.
 *
 * Returns: whether no more than that is left
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_trim (TvmKernelCache  *self,
                       guint64          maximum_size,
                       GCancellable    *cancellable,
                       GError         **error)
{
  TvmKernelScan scan;
  g_autofree char *shown = NULL;

  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tvm_kernel_store_scan (self->directory, MIN (maximum_size, G_MAXINT64), cancellable, &scan,
                              error))
    return FALSE;
  if (scan.size <= maximum_size)
    return TRUE;

  shown = g_filename_display_name (self->directory);
  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED, _("Files of the cache “%s” cannot be removed"),
               shown);
  return FALSE;
}

/**
 * tvm_kernel_cache_clear:
 * @self: a cache
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Removes all entries, and sets the counters of the folder back. What is not of the cache stays.
 *
 * The errors are those of [method@TvmSupport.KernelCache.trim].
 *
 * Returns: whether nothing is left
 *
 * Since: 1.0
 */
gboolean
tvm_kernel_cache_clear (TvmKernelCache  *self,
                        GCancellable    *cancellable,
                        GError         **error)
{
  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), FALSE);

  if (!tvm_kernel_cache_trim (self, 0, cancellable, error))
    return FALSE;

  tvm_kernel_store_reset_counters (self->directory);
  return TRUE;
}

/**
 * tvm_kernel_cache_dup_stats:
 * @self: a cache
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Counts what is in the cache. It is a dictionary of type `a{sv}` with these numbers, each a `t`:
 * `entries`, how many files there are; `size`, how many bytes they take;
 * `maximum-size`, how many they may take, 0 for no limit; `hits` and `misses`, of all processes
 * since the cache was cleared. A compile may take more than one entry.
 *
 * The errors are those of [method@TvmSupport.KernelCache.lookup].
 *
 * Returns: (transfer full): the numbers
 *
 * Since: 1.0
 */
GVariant *
tvm_kernel_cache_dup_stats (TvmKernelCache  *self,
                            GCancellable    *cancellable,
                            GError         **error)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  TvmKernelState state;
  TvmKernelScan scan;

  g_return_val_if_fail (TVM_IS_KERNEL_CACHE (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_kernel_store_scan (self->directory, -1, cancellable, &scan, error))
    return NULL;

  state = add_to_state (self, 0, 0, 0);
  g_variant_builder_add (&builder, "{sv}", "entries", g_variant_new_uint64 (scan.n_entries));
  g_variant_builder_add (&builder, "{sv}", "size", g_variant_new_uint64 (scan.size));
  g_variant_builder_add (&builder, "{sv}", "maximum-size",
                         g_variant_new_uint64 (tvm_kernel_cache_get_maximum_size (self)));
  g_variant_builder_add (&builder, "{sv}", "hits", g_variant_new_uint64 (state.hits));
  g_variant_builder_add (&builder, "{sv}", "misses", g_variant_new_uint64 (state.misses));

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
