/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-tar-options.h"

#include "tvmsupport/files/tvm-archive-private.h"
#include "tvmsupport/tvm-enums.h"

#define PROPERTY_FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

/**
 * TvmTarOptions:
 *
 * How archives are packed, and how far those that are read are trusted.
 *
 * Each of [func@TvmSupport.tar_create], [func@TvmSupport.tar_extract], [func@TvmSupport.tar_list]
 * and [func@TvmSupport.tar_normalize_file_list] takes options, reads them once when it is called,
 * and leaves alone those that are not its business. The limits hold without options as well.
 *
 * ```c
 * static gboolean
 * unpack_upload (const char    *tar_file,
 *                const char    *directory,
 *                GCancellable  *cancellable,
 *                GError       **error)
 * {
 *   g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
 *
 *   tvm_tar_options_set_max_size (options, 100 * 1024 * 1024);
 *   tvm_tar_options_set_max_entries (options, 1000);
 *   return tvm_tar_extract (tar_file, directory, options, cancellable, error);
 * }
 * ```
 *
 * Options are not to be changed by one thread while another uses them.
 *
 * Since: 1.0
 */

struct _TvmTarOptions
{
  GObject parent_instance;

  TvmArchiveSettings settings;
};

G_DEFINE_FINAL_TYPE (TvmTarOptions, tvm_tar_options, G_TYPE_OBJECT)
typedef enum
{
  PROP_COMPRESSION = 1,
  PROP_LEVEL,
  PROP_THREADS,
  PROP_DUPLICATES,
  PROP_LINKS,
  PROP_SPARSE,
  PROP_XATTRS,
  PROP_MAX_ENTRIES,
  PROP_MAX_SIZE,
  PROP_MAX_RATIO,
} TvmTarOptionsProperty;

static GParamSpec *obj_props[PROP_MAX_RATIO + 1];

static void
tvm_tar_options_get_property (GObject    *object,
                              guint       prop_id,
                              GValue     *value,
                              GParamSpec *pspec)
{
  const TvmArchiveSettings *settings = &TVM_TAR_OPTIONS (object)->settings;

  switch ((TvmTarOptionsProperty) prop_id)
    {
    case PROP_COMPRESSION:
      g_value_set_enum (value, settings->compression);
      break;
    case PROP_LEVEL:
      g_value_set_int (value, settings->level);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, settings->threads);
      break;
    case PROP_DUPLICATES:
      g_value_set_enum (value, settings->duplicates);
      break;
    case PROP_LINKS:
      g_value_set_enum (value, settings->links);
      break;
    case PROP_SPARSE:
      g_value_set_boolean (value, settings->sparse);
      break;
    case PROP_XATTRS:
      g_value_set_boolean (value, settings->xattrs);
      break;
    case PROP_MAX_ENTRIES:
      g_value_set_uint64 (value, settings->max_entries);
      break;
    case PROP_MAX_SIZE:
      g_value_set_uint64 (value, settings->max_size);
      break;
    case PROP_MAX_RATIO:
      g_value_set_uint64 (value, settings->max_ratio);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_tar_options_set_property (GObject      *object,
                              guint         prop_id,
                              const GValue *value,
                              GParamSpec   *pspec)
{
  TvmTarOptions *self = TVM_TAR_OPTIONS (object);

  switch ((TvmTarOptionsProperty) prop_id)
    {
    case PROP_COMPRESSION:
      tvm_tar_options_set_compression (self, g_value_get_enum (value));
      break;
    case PROP_LEVEL:
      tvm_tar_options_set_level (self, g_value_get_int (value));
      break;
    case PROP_THREADS:
      tvm_tar_options_set_threads (self, g_value_get_uint (value));
      break;
    case PROP_DUPLICATES:
      tvm_tar_options_set_duplicates (self, g_value_get_enum (value));
      break;
    case PROP_LINKS:
      tvm_tar_options_set_links (self, g_value_get_enum (value));
      break;
    case PROP_SPARSE:
      tvm_tar_options_set_sparse (self, g_value_get_boolean (value));
      break;
    case PROP_XATTRS:
      tvm_tar_options_set_xattrs (self, g_value_get_boolean (value));
      break;
    case PROP_MAX_ENTRIES:
      tvm_tar_options_set_max_entries (self, g_value_get_uint64 (value));
      break;
    case PROP_MAX_SIZE:
      tvm_tar_options_set_max_size (self, g_value_get_uint64 (value));
      break;
    case PROP_MAX_RATIO:
      tvm_tar_options_set_max_ratio (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_tar_options_finalize (GObject *object)
{
  TvmTarOptions *self = TVM_TAR_OPTIONS (object);

  g_clear_pointer (&self->settings.progress, tvm_archive_progress_unref);

  G_OBJECT_CLASS (tvm_tar_options_parent_class)->finalize (object);
}

static void
install_packing_properties (void)
{
  /**
   * TvmTarOptions:compression: (getter get_compression) (setter set_compression)
   *
   * How an archive that is made is compressed.
   *
   * What is read is told by its content instead.
   *
   * Since: 1.0
   */
  obj_props[PROP_COMPRESSION] =
    g_param_spec_enum ("compression", NULL, NULL, TVM_TYPE_TAR_COMPRESSION,
                       TVM_TAR_COMPRESSION_AUTO, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:level: (getter get_level) (setter set_level)
   *
   * How hard an archive that is made is compressed.
   *
   * From 0 or 1, which is fast, to 12 for gzip, 22 for zstd and 9 for xz, which is small; what is
   * beyond the range of the compression is brought into it. -1 is the usual level of each: 6, 3
   * and 6.
   *
   * Since: 1.0
   */
  obj_props[PROP_LEVEL] =
    g_param_spec_int ("level", NULL, NULL, -1, 22, -1, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:threads: (getter get_threads) (setter set_threads)
   *
   * How many threads compress an archive that is made, beside the one that reads the files.
   *
   * 0 is one for each processor that the process may use. The bytes of the archive do not depend
   * on it.
   *
   * Since: 1.0
   */
  obj_props[PROP_THREADS] =
    g_param_spec_uint ("threads", NULL, NULL, 0, 1024, 0, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:duplicates: (getter get_duplicates) (setter set_duplicates)
   *
   * What becomes of files from different directories that have one base name when they are packed.
   *
   * Since: 1.0
   */
  obj_props[PROP_DUPLICATES] =
    g_param_spec_enum ("duplicates", NULL, NULL, TVM_TYPE_TAR_DUPLICATES,
                       TVM_TAR_DUPLICATES_REFUSE, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:sparse: (getter get_sparse) (setter set_sparse)
   *
   * Whether the holes of a file are packed as holes.
   *
   * Else they are packed as the zeros that they read as. Where a file has its holes is up to the
   * file system that it is on, so with this the bytes of an archive are no longer a matter of what
   * the files have in them alone. What is unpacked has its holes either way.
   *
   * Since: 1.0
   */
  obj_props[PROP_SPARSE] =
    g_param_spec_boolean ("sparse", NULL, NULL, FALSE, PROPERTY_FLAGS);
}

static void
install_reading_properties (void)
{
  /**
   * TvmTarOptions:xattrs: (getter get_xattrs) (setter set_xattrs)
   *
   * Whether the extended attributes of regular files are packed, or unpacked.
   *
   * Only those whose names begin with `user.`: the others grant rights, or are those of the machine,
   * and are neither packed nor unpacked. Those that the file system cannot keep when they are
   * unpacked are an error.
   *
   * Since: 1.0
   */
  obj_props[PROP_XATTRS] =
    g_param_spec_boolean ("xattrs", NULL, NULL, FALSE, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:links: (getter get_links) (setter set_links)
   *
   * What becomes of the links in an archive that is unpacked.
   *
   * Since: 1.0
   */
  obj_props[PROP_LINKS] =
    g_param_spec_enum ("links", NULL, NULL, TVM_TYPE_TAR_LINKS,
                       TVM_TAR_LINKS_REFUSE, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:max-entries: (getter get_max_entries) (setter set_max_entries)
   *
   * How many entries an archive that is read may have.
   *
   * The directories that are made on the way to an entry count as well.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_ENTRIES] =
    g_param_spec_uint64 ("max-entries", NULL, NULL, 0,
                       G_MAXUINT64, TVM_ARCHIVE_MAX_ENTRIES, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:max-size: (getter get_max_size) (setter set_max_size)
   *
   * How many bytes the files of an archive that is read may have together.
   *
   * Holes count. It starts as 8 GiB.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_SIZE] =
    g_param_spec_uint64 ("max-size", NULL, NULL, 0,
                       G_MAXUINT64, TVM_ARCHIVE_MAX_SIZE, PROPERTY_FLAGS);

  /**
   * TvmTarOptions:max-ratio: (getter get_max_ratio) (setter set_max_ratio)
   *
   * How many times its own size what an archive that is read holds may be.
   *
   * Up to 64 MiB, this does not matter.
   *
   * Since: 1.0
   */
  obj_props[PROP_MAX_RATIO] =
    g_param_spec_uint64 ("max-ratio", NULL, NULL, 1,
                       G_MAXUINT64, TVM_ARCHIVE_MAX_RATIO, PROPERTY_FLAGS);
}

static void
tvm_tar_options_class_init (TvmTarOptionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tvm_tar_options_get_property;
  object_class->set_property = tvm_tar_options_set_property;
  object_class->finalize = tvm_tar_options_finalize;

  install_packing_properties ();
  install_reading_properties ();
  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_tar_options_init (TvmTarOptions *self)
{
  self->settings = tvm_archive_default_settings;
}

/**
 * tvm_tar_options_new:
 *
 * Makes options that ask for what is done without any.
 *
 * Returns: (transfer full): new options
 *
 * Since: 1.0
 */
TvmTarOptions *
tvm_tar_options_new (void)
{
  return g_object_new (TVM_TYPE_TAR_OPTIONS, NULL);
}

/**
 * tvm_tar_options_get_compression: (get-property compression)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:compression].
 *
 * Returns: how an archive is compressed
 *
 * Since: 1.0
 */
TvmTarCompression
tvm_tar_options_get_compression (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.compression;
}

/**
 * tvm_tar_options_set_compression: (set-property compression)
 * @self: options
 * @value: how an archive is compressed
 *
 * Sets [property@TvmSupport.TarOptions:compression].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_compression (TvmTarOptions     *self,
                                 TvmTarCompression  value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  if (self->settings.compression == value)
    return;

  self->settings.compression = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_COMPRESSION]);
}

/**
 * tvm_tar_options_get_level: (get-property level)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:level].
 *
 * Returns: the level, or -1
 *
 * Since: 1.0
 */
int
tvm_tar_options_get_level (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.level;
}

/**
 * tvm_tar_options_set_level: (set-property level)
 * @self: options
 * @value: the level, or -1
 *
 * Sets [property@TvmSupport.TarOptions:level].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_level (TvmTarOptions *self,
                           int            value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));
  g_return_if_fail (value >= -1 && value <= 22);

  if (self->settings.level == value)
    return;

  self->settings.level = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_LEVEL]);
}

/**
 * tvm_tar_options_get_threads: (get-property threads)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:threads].
 *
 * Returns: how many threads, or 0
 *
 * Since: 1.0
 */
guint
tvm_tar_options_get_threads (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.threads;
}

/**
 * tvm_tar_options_set_threads: (set-property threads)
 * @self: options
 * @value: how many threads, or 0
 *
 * Sets [property@TvmSupport.TarOptions:threads].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_threads (TvmTarOptions *self,
                             guint          value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));
  g_return_if_fail (value <= 1024);

  if (self->settings.threads == value)
    return;

  self->settings.threads = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_THREADS]);
}

/**
 * tvm_tar_options_get_duplicates: (get-property duplicates)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:duplicates].
 *
 * Returns: what becomes of them
 *
 * Since: 1.0
 */
TvmTarDuplicates
tvm_tar_options_get_duplicates (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.duplicates;
}

/**
 * tvm_tar_options_set_duplicates: (set-property duplicates)
 * @self: options
 * @value: what becomes of them
 *
 * Sets [property@TvmSupport.TarOptions:duplicates].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_duplicates (TvmTarOptions    *self,
                                TvmTarDuplicates  value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  if (self->settings.duplicates == value)
    return;

  self->settings.duplicates = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_DUPLICATES]);
}

/**
 * tvm_tar_options_get_links: (get-property links)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:links].
 *
 * Returns: what becomes of them
 *
 * Since: 1.0
 */
TvmTarLinks
tvm_tar_options_get_links (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.links;
}

/**
 * tvm_tar_options_set_links: (set-property links)
 * @self: options
 * @value: what becomes of them
 *
 * Sets [property@TvmSupport.TarOptions:links].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_links (TvmTarOptions *self,
                           TvmTarLinks    value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  if (self->settings.links == value)
    return;

  self->settings.links = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_LINKS]);
}

/**
 * tvm_tar_options_get_sparse: (get-property sparse)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:sparse].
 *
 * Returns: whether holes are packed as holes
 *
 * Since: 1.0
 */
gboolean
tvm_tar_options_get_sparse (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), FALSE);

  return self->settings.sparse;
}

/**
 * tvm_tar_options_set_sparse: (set-property sparse)
 * @self: options
 * @value: whether holes are packed as holes
 *
 * Sets [property@TvmSupport.TarOptions:sparse].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_sparse (TvmTarOptions *self,
                            gboolean       value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  value = !!value;
  if (self->settings.sparse == value)
    return;

  self->settings.sparse = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_SPARSE]);
}

/**
 * tvm_tar_options_get_xattrs: (get-property xattrs)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:xattrs].
 *
 * Returns: whether extended attributes are packed and unpacked
 *
 * Since: 1.0
 */
gboolean
tvm_tar_options_get_xattrs (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), FALSE);

  return self->settings.xattrs;
}

/**
 * tvm_tar_options_set_xattrs: (set-property xattrs)
 * @self: options
 * @value: whether extended attributes are packed and unpacked
 *
 * Sets [property@TvmSupport.TarOptions:xattrs].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_xattrs (TvmTarOptions *self,
                            gboolean       value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  value = !!value;
  if (self->settings.xattrs == value)
    return;

  self->settings.xattrs = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_XATTRS]);
}

/**
 * tvm_tar_options_get_max_entries: (get-property max-entries)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:max-entries].
 *
 * Returns: how many entries
 *
 * Since: 1.0
 */
guint64
tvm_tar_options_get_max_entries (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.max_entries;
}

/**
 * tvm_tar_options_set_max_entries: (set-property max-entries)
 * @self: options
 * @value: how many entries
 *
 * Sets [property@TvmSupport.TarOptions:max-entries].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_max_entries (TvmTarOptions *self,
                                 guint64        value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  if (self->settings.max_entries == value)
    return;

  self->settings.max_entries = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MAX_ENTRIES]);
}

/**
 * tvm_tar_options_get_max_size: (get-property max-size)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:max-size].
 *
 * Returns: how many bytes
 *
 * Since: 1.0
 */
guint64
tvm_tar_options_get_max_size (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.max_size;
}

/**
 * tvm_tar_options_set_max_size: (set-property max-size)
 * @self: options
 * @value: how many bytes
 *
 * Sets [property@TvmSupport.TarOptions:max-size].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_max_size (TvmTarOptions *self,
                              guint64        value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  if (self->settings.max_size == value)
    return;

  self->settings.max_size = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MAX_SIZE]);
}

/**
 * tvm_tar_options_get_max_ratio: (get-property max-ratio)
 * @self: options
 *
 * Gets the value of [property@TvmSupport.TarOptions:max-ratio].
 *
 * Returns: how many times
 *
 * Since: 1.0
 */
guint64
tvm_tar_options_get_max_ratio (TvmTarOptions *self)
{
  g_return_val_if_fail (TVM_IS_TAR_OPTIONS (self), 0);

  return self->settings.max_ratio;
}

/**
 * tvm_tar_options_set_max_ratio: (set-property max-ratio)
 * @self: options
 * @value: how many times
 *
 * Sets [property@TvmSupport.TarOptions:max-ratio].
 *
 * What has been started goes on with what it had.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_max_ratio (TvmTarOptions *self,
                               guint64        value)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));
  g_return_if_fail (value > 0);

  if (self->settings.max_ratio == value)
    return;

  self->settings.max_ratio = value;
  g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_MAX_RATIO]);
}

/**
 * tvm_tar_options_set_progress:
 * @self: options
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): called now and then
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when nothing can call @func any more, in whatever thread
 *   that turns out
 *
 * Sets what is told how far packing, unpacking or listing is.
 *
 * Of an asynchronous function, it is called in the thread-default context of the caller, and no
 * more once the callback has been; of one that blocks, from within. Not more than about twenty
 * times in a second, and once at the end.
 *
 * Since: 1.0
 */
void
tvm_tar_options_set_progress (TvmTarOptions      *self,
                              TvmTarProgressFunc  func,
                              gpointer            user_data,
                              GDestroyNotify      destroy)
{
  g_return_if_fail (TVM_IS_TAR_OPTIONS (self));

  g_clear_pointer (&self->settings.progress, tvm_archive_progress_unref);
  if (func != NULL)
    self->settings.progress = tvm_archive_progress_new (func, user_data, destroy);
  else if (destroy != NULL)
    destroy (user_data);
}

/* @self: (nullable) */
void
tvm_tar_options_get_settings (TvmTarOptions      *self,
                              TvmArchiveSettings *settings)
{
  *settings = self != NULL ? self->settings : tvm_archive_default_settings;
  if (settings->progress != NULL)
    tvm_archive_progress_ref (settings->progress);
}
