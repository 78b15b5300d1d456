/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

/**
 * TvmFixit:
 *
 * A change of the source text that a compiler suggests.
 *
 * It replaces the text from [property@TvmSupport.Fixit:line] and
 * [property@TvmSupport.Fixit:column] up to, and without, the character at
 * [property@TvmSupport.Fixit:end-line] and [property@TvmSupport.Fixit:end-column] by
 * [property@TvmSupport.Fixit:replacement]. Where the two places are the same, the text is inserted
 * there; an empty replacement removes. Lines and columns count from 1, columns in bytes.
 *
 * The fix-its of one diagnostic belong together: apply all of them or none, the last one in the
 * file first. See [method@TvmSupport.Diagnostic.get_fixits].
 *
 * An object of this class never changes; any thread may use it.
 *
 * Since: 1.0
 */
struct _TvmFixit
{
  GObject parent_instance;

  char *file; /* (type filename) (owned) */
  guint line;
  guint column;
  guint end_line;
  guint end_column;
  char *replacement; /* (owned) */
};

G_DEFINE_FINAL_TYPE (TvmFixit, tvm_fixit, G_TYPE_OBJECT)

typedef enum
{
  PROP_FILE = 1,
  PROP_LINE,
  PROP_COLUMN,
  PROP_END_LINE,
  PROP_END_COLUMN,
  PROP_REPLACEMENT,
} TvmFixitProperty;

static GParamSpec *obj_props[PROP_REPLACEMENT + 1];

static void
tvm_fixit_get_property (GObject    *object,
                        guint       prop_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  TvmFixit *self = TVM_FIXIT (object);

  switch ((TvmFixitProperty) prop_id)
    {
    case PROP_FILE:
      g_value_set_string (value, self->file);
      break;

    case PROP_LINE:
      g_value_set_uint (value, self->line);
      break;

    case PROP_COLUMN:
      g_value_set_uint (value, self->column);
      break;

    case PROP_END_LINE:
      g_value_set_uint (value, self->end_line);
      break;

    case PROP_END_COLUMN:
      g_value_set_uint (value, self->end_column);
      break;

    case PROP_REPLACEMENT:
      g_value_set_string (value, self->replacement);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_fixit_finalize (GObject *object)
{
  TvmFixit *self = TVM_FIXIT (object);

  g_free (self->file);
  g_free (self->replacement);

  G_OBJECT_CLASS (tvm_fixit_parent_class)->finalize (object);
}

static void
tvm_fixit_class_init (TvmFixitClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tvm_fixit_get_property;
  object_class->finalize = tvm_fixit_finalize;

  /**
   * TvmFixit:file: (getter get_file)
   *
   * The file to change, as the compiler named it. A language whose strings are Unicode reads a
   * name that is not UTF-8 through [method@TvmSupport.Fixit.get_file].
   *
   * Since: 1.0
   */
  obj_props[PROP_FILE] = g_param_spec_string ("file", NULL, NULL, NULL, flags);

  /**
   * TvmFixit:line: (getter get_line)
   *
   * The line of the first character to replace, counted from 1.
   *
   * Since: 1.0
   */
  obj_props[PROP_LINE] = g_param_spec_uint ("line", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmFixit:column: (getter get_column)
   *
   * The column of the first character to replace, in bytes, counted from 1.
   *
   * Since: 1.0
   */
  obj_props[PROP_COLUMN] = g_param_spec_uint ("column", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmFixit:end-line: (getter get_end_line)
   *
   * The line of the first character that stays behind the change, counted from 1.
   *
   * Since: 1.0
   */
  obj_props[PROP_END_LINE] = g_param_spec_uint ("end-line", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmFixit:end-column: (getter get_end_column)
   *
   * The column of the first character that stays behind the change, in bytes, counted from 1.
   *
   * Since: 1.0
   */
  obj_props[PROP_END_COLUMN] =
    g_param_spec_uint ("end-column", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmFixit:replacement: (getter get_replacement)
   *
   * The new text.
   *
   * Since: 1.0
   */
  obj_props[PROP_REPLACEMENT] = g_param_spec_string ("replacement", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_fixit_init (TvmFixit *self)
{
}

TvmFixit *
tvm_fixit_new (const char *file,
               guint       line,
               guint       column,
               guint       end_line,
               guint       end_column,
               const char *replacement)
{
  TvmFixit *self = g_object_new (TVM_TYPE_FIXIT, NULL);

  self->file = g_strdup (file);
  self->line = line;
  self->column = column;
  self->end_line = end_line;
  self->end_column = end_column;
  self->replacement = g_utf8_make_valid (replacement, -1);
  return self;
}

/**
 * tvm_fixit_get_file:
 * @self: a fix-it
 *
 * Gets the file to change, as the compiler named it: relative to the directory where it ran, or
 * absolute.
 *
 * Returns: (type filename): the file
 *
 * Since: 1.0
 */
const char *
tvm_fixit_get_file (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), NULL);

  return self->file;
}

/**
 * tvm_fixit_get_line:
 * @self: a fix-it
 *
 * Gets the line of the first character to replace.
 *
 * Returns: the line, counted from 1
 *
 * Since: 1.0
 */
guint
tvm_fixit_get_line (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), 0);

  return self->line;
}

/**
 * tvm_fixit_get_column:
 * @self: a fix-it
 *
 * Gets the column of the first character to replace.
 *
 * Returns: the column in bytes, counted from 1
 *
 * Since: 1.0
 */
guint
tvm_fixit_get_column (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), 0);

  return self->column;
}

/**
 * tvm_fixit_get_end_line:
 * @self: a fix-it
 *
 * Gets the line of the first character that stays behind the change.
 *
 * Returns: the line, counted from 1
 *
 * Since: 1.0
 */
guint
tvm_fixit_get_end_line (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), 0);

  return self->end_line;
}

/**
 * tvm_fixit_get_end_column:
 * @self: a fix-it
 *
 * Gets the column of the first character that stays behind the change. It equals
 * [method@TvmSupport.Fixit.get_column] on the same line where the change only inserts.
 *
 * Returns: the column in bytes, counted from 1
 *
 * Since: 1.0
 */
guint
tvm_fixit_get_end_column (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), 0);

  return self->end_column;
}

/**
 * tvm_fixit_get_replacement:
 * @self: a fix-it
 *
 * Gets the new text, which may be empty or hold several lines.
 *
 * Returns: the text
 *
 * Since: 1.0
 */
const char *
tvm_fixit_get_replacement (TvmFixit *self)
{
  g_return_val_if_fail (TVM_IS_FIXIT (self), NULL);

  return self->replacement;
}
