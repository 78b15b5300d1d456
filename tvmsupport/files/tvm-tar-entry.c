/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-tar-entry.h"

#include "tvmsupport/files/tvm-archive-private.h"

/**
 * TvmTarEntry:
 *
 * What a tar archive says of one entry.
 *
 * [func@TvmSupport.tar_list] makes them. They say what stands in the archive, which nobody has
 * checked.
 *
 * ```c
 * static void
 * print_names (GListModel *entries)
 * {
 *   for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
 *     {
 *       g_autoptr (TvmTarEntry) entry = g_list_model_get_item (entries, i);
 *       g_autofree char *shown = g_filename_display_name (tvm_tar_entry_get_name (entry));
 *
 *       g_print ("%s\n", shown);
 *     }
 * }
 * ```
 *
 * Since: 1.0
 */

struct _TvmTarEntry
{
  GObject parent_instance;

  char *name;
  GFileType file_type;
  guint64 size;
  guint mode;
  gint64 mtime;
  char *symlink_target;
  char *hard_link_target;
};

G_DEFINE_FINAL_TYPE (TvmTarEntry, tvm_tar_entry, G_TYPE_OBJECT)

typedef enum
{
  PROP_NAME = 1,
  PROP_FILE_TYPE,
  PROP_SIZE,
  PROP_MODE,
  PROP_MTIME,
  PROP_SYMLINK_TARGET,
  PROP_HARD_LINK_TARGET,
} TvmTarEntryProperty;

static GParamSpec *obj_props[PROP_HARD_LINK_TARGET + 1];

static void
tvm_tar_entry_get_property (GObject    *object,
                            guint       prop_id,
                            GValue     *value,
                            GParamSpec *pspec)
{
  TvmTarEntry *self = TVM_TAR_ENTRY (object);

  switch ((TvmTarEntryProperty) prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_FILE_TYPE:
      g_value_set_enum (value, self->file_type);
      break;
    case PROP_SIZE:
      g_value_set_uint64 (value, self->size);
      break;
    case PROP_MODE:
      g_value_set_uint (value, self->mode);
      break;
    case PROP_MTIME:
      g_value_set_int64 (value, self->mtime);
      break;
    case PROP_SYMLINK_TARGET:
      g_value_set_string (value, self->symlink_target);
      break;
    case PROP_HARD_LINK_TARGET:
      g_value_set_string (value, self->hard_link_target);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_tar_entry_finalize (GObject *object)
{
  TvmTarEntry *self = TVM_TAR_ENTRY (object);

  g_free (self->name);
  g_free (self->symlink_target);
  g_free (self->hard_link_target);

  G_OBJECT_CLASS (tvm_tar_entry_parent_class)->finalize (object);
}

static void
tvm_tar_entry_class_init (TvmTarEntryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tvm_tar_entry_get_property;
  object_class->finalize = tvm_tar_entry_finalize;

  /**
   * TvmTarEntry:name: (getter get_name)
   *
   * Its name, as it stands in the archive: no valid file name perhaps, and no UTF-8.
   *
   * Since: 1.0
   */
  obj_props[PROP_NAME] =
    g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * TvmTarEntry:file-type: (getter get_file_type)
   *
   * What it is: a regular file, also for a hard link, a directory, a symbolic link, or else
   * something special.
   *
   * Since: 1.0
   */
  obj_props[PROP_FILE_TYPE] =
    g_param_spec_enum ("file-type", NULL, NULL, G_TYPE_FILE_TYPE, G_FILE_TYPE_UNKNOWN, flags);

  /**
   * TvmTarEntry:size: (getter get_size)
   *
   * How many bytes the file has, holes included.
   *
   * Since: 1.0
   */
  obj_props[PROP_SIZE] =
    g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * TvmTarEntry:mode: (getter get_mode)
   *
   * The permissions.
   *
   * Since: 1.0
   */
  obj_props[PROP_MODE] =
    g_param_spec_uint ("mode", NULL, NULL, 0, 07777, 0, flags);

  /**
   * TvmTarEntry:mtime: (getter get_mtime)
   *
   * When it was modified, in seconds since 1970.
   *
   * Since: 1.0
   */
  obj_props[PROP_MTIME] =
    g_param_spec_int64 ("mtime", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);

  /**
   * TvmTarEntry:symlink-target: (getter get_symlink_target)
   *
   * Where a symbolic link leads; %NULL for anything else.
   *
   * Since: 1.0
   */
  obj_props[PROP_SYMLINK_TARGET] =
    g_param_spec_string ("symlink-target", NULL, NULL, NULL, flags);

  /**
   * TvmTarEntry:hard-link-target: (getter get_hard_link_target)
   *
   * The entry that a hard link is another name of; %NULL for anything else.
   *
   * Since: 1.0
   */
  obj_props[PROP_HARD_LINK_TARGET] =
    g_param_spec_string ("hard-link-target", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_tar_entry_init (TvmTarEntry *self)
{
}

static GFileType
get_file_type (TvmArchiveEntry *entry)
{
  if (archive_entry_hardlink (entry) != NULL)
    return G_FILE_TYPE_REGULAR;

  switch (archive_entry_filetype (entry))
    {
    case AE_IFREG:
      return G_FILE_TYPE_REGULAR;
    case AE_IFDIR:
      return G_FILE_TYPE_DIRECTORY;
    case AE_IFLNK:
      return G_FILE_TYPE_SYMBOLIC_LINK;
    default:
      return G_FILE_TYPE_SPECIAL;
    }
}

static TvmTarEntry *
tvm_tar_entry_new (TvmArchiveEntry *entry)
{
  TvmTarEntry *self = g_object_new (TVM_TYPE_TAR_ENTRY, NULL);

  self->name = g_strdup (archive_entry_pathname (entry));
  self->file_type = get_file_type (entry);
  self->size = MAX (archive_entry_size (entry), 0);
  self->mode = archive_entry_perm (entry) & 07777;
  self->mtime = archive_entry_mtime (entry);
  self->hard_link_target = g_strdup (archive_entry_hardlink (entry));
  if (self->file_type == G_FILE_TYPE_SYMBOLIC_LINK)
    self->symlink_target = g_strdup (archive_entry_symlink (entry));
  return self;
}

gboolean
tvm_archive_list (TvmArchiveJob  *job,
                  int             fd,
                  const char     *display,
                  GListStore     *entries,
                  GError        **error)
{
  g_auto (TvmArchiveLocale) locale = { 0 };
  TvmArchiveReader reader;
  gboolean ok;

  tvm_archive_locale_begin (&locale);
  ok = tvm_archive_reader_open (&reader, job, fd, display, error);
  while (ok && (ok = tvm_archive_reader_next (&reader, error)) && reader.entry != NULL)
    {
      g_autoptr (TvmTarEntry) entry = tvm_tar_entry_new (reader.entry);

      g_list_store_append (entries, entry);
    }

  tvm_archive_reader_clear (&reader);
  return ok;
}

/**
 * tvm_tar_entry_get_name: (get-property name)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:name].
 *
 * Returns: (type filename): the name
 *
 * Since: 1.0
 */
const char *
tvm_tar_entry_get_name (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), NULL);

  return self->name;
}

/**
 * tvm_tar_entry_get_file_type: (get-property file-type)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:file-type].
 *
 * Returns: the type
 *
 * Since: 1.0
 */
GFileType
tvm_tar_entry_get_file_type (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), G_FILE_TYPE_UNKNOWN);

  return self->file_type;
}

/**
 * tvm_tar_entry_get_size: (get-property size)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:size].
 *
 * Returns: the size
 *
 * Since: 1.0
 */
guint64
tvm_tar_entry_get_size (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), 0);

  return self->size;
}

/**
 * tvm_tar_entry_get_mode: (get-property mode)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:mode].
 *
 * Returns: the permissions
 *
 * Since: 1.0
 */
guint
tvm_tar_entry_get_mode (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), 0);

  return self->mode;
}

/**
 * tvm_tar_entry_get_mtime: (get-property mtime)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:mtime].
 *
 * Returns: the time
 *
 * Since: 1.0
 */
gint64
tvm_tar_entry_get_mtime (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), 0);

  return self->mtime;
}

/**
 * tvm_tar_entry_get_symlink_target: (get-property symlink-target)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:symlink-target].
 *
 * Returns: (type filename) (nullable): the target
 *
 * Since: 1.0
 */
const char *
tvm_tar_entry_get_symlink_target (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), NULL);

  return self->symlink_target;
}

/**
 * tvm_tar_entry_get_hard_link_target: (get-property hard-link-target)
 * @self: an entry
 *
 * Gets the value of [property@TvmSupport.TarEntry:hard-link-target].
 *
 * Returns: (type filename) (nullable): the target
 *
 * Since: 1.0
 */
const char *
tvm_tar_entry_get_hard_link_target (TvmTarEntry *self)
{
  g_return_val_if_fail (TVM_IS_TAR_ENTRY (self), NULL);

  return self->hard_link_target;
}
