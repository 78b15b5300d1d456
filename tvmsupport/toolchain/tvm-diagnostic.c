/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

#include "tvmsupport/toolchain/tvm-fixed-list-private.h"
#include "tvmsupport/tvm-enums.h"

/**
 * TvmDiagnostic:
 *
 * One thing that a compiler, an assembler, a linker or an archiver said about its input.
 *
 * Diagnostics come with a [class@TvmSupport.CompileResult]. Notes that explain one, the chain of
 * includes that leads to it, the templates that it was instantiated from and the places that refer
 * to an undefined symbol are its children, in the order in which the tool printed them; a chain of
 * includes has the innermost first.
 *
 * Lines and columns count from 1; 0 means unknown. Columns count bytes where the tool tells them:
 * clang does, and GCC in its JSON form; in the text form of GCC they are columns of the terminal,
 * in which a tab reaches to the next multiple of eight. The end of a range is its last character,
 * not the one behind it.
 *
 * An object of this class never changes; any thread may use it.
 *
 * ```c
 * GListModel *diagnostics = tvm_compile_result_get_diagnostics (result);
 *
 * for (guint i = 0; i < g_list_model_get_n_items (diagnostics); i++)
 *   {
 *     g_autoptr (TvmDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);
 *     g_autofree char *text = tvm_diagnostic_format (diagnostic);
 *
 *     g_print ("%s\n", text);
 *   }
 * ```
 *
 * Since: 1.0
 */
struct _TvmDiagnostic
{
  GObject parent_instance;

  TvmDiagnosticSeverity severity;
  char *message; /* (owned) */
  char *code;    /* (owned) (nullable) */
  char *tool;    /* (owned) (nullable) */
  char *file;    /* (type filename) (owned) (nullable) */
  guint line;
  guint column;
  guint end_line;
  guint end_column;
  TvmFixedList *children; /* (owned) (nullable): NULL while there are none */
  TvmFixedList *fixits;   /* (owned) (nullable): NULL while there are none */
};

G_DEFINE_FINAL_TYPE (TvmDiagnostic, tvm_diagnostic, G_TYPE_OBJECT)

typedef enum
{
  PROP_SEVERITY = 1,
  PROP_MESSAGE,
  PROP_CODE,
  PROP_TOOL,
  PROP_FILE,
  PROP_LINE,
  PROP_COLUMN,
  PROP_END_LINE,
  PROP_END_COLUMN,
  PROP_CHILDREN,
  PROP_FIXITS,
} TvmDiagnosticProperty;

static GParamSpec *obj_props[PROP_FIXITS + 1];

static void
tvm_diagnostic_get_property (GObject    *object,
                             guint       prop_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  TvmDiagnostic *self = TVM_DIAGNOSTIC (object);

  switch ((TvmDiagnosticProperty) prop_id)
    {
    case PROP_SEVERITY:
      g_value_set_enum (value, self->severity);
      break;

    case PROP_MESSAGE:
      g_value_set_string (value, self->message);
      break;

    case PROP_CODE:
      g_value_set_string (value, self->code);
      break;

    case PROP_TOOL:
      g_value_set_string (value, self->tool);
      break;

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

    case PROP_CHILDREN:
      g_value_set_object (value, tvm_diagnostic_get_children (self));
      break;

    case PROP_FIXITS:
      g_value_set_object (value, tvm_diagnostic_get_fixits (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_diagnostic_finalize (GObject *object)
{
  TvmDiagnostic *self = TVM_DIAGNOSTIC (object);

  g_free (self->message);
  g_free (self->code);
  g_free (self->tool);
  g_free (self->file);
  g_clear_object (&self->children);
  g_clear_object (&self->fixits);

  G_OBJECT_CLASS (tvm_diagnostic_parent_class)->finalize (object);
}

static void
install_text_properties (GParamFlags flags)
{
  /**
   * TvmDiagnostic:severity: (getter get_severity)
   *
   * How bad it is.
   *
   * Since: 1.0
   */
  obj_props[PROP_SEVERITY] =
    g_param_spec_enum ("severity", NULL, NULL, TVM_TYPE_DIAGNOSTIC_SEVERITY,
                       TVM_DIAGNOSTIC_SEVERITY_NOTE, flags);

  /**
   * TvmDiagnostic:message: (getter get_message)
   *
   * What the tool said, without the place and the option.
   *
   * Since: 1.0
   */
  obj_props[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);

  /**
   * TvmDiagnostic:code: (getter get_code)
   *
   * What names this kind of diagnostic, such as `-Wunused-variable`.
   *
   * Since: 1.0
   */
  obj_props[PROP_CODE] = g_param_spec_string ("code", NULL, NULL, NULL, flags);

  /**
   * TvmDiagnostic:tool: (getter get_tool)
   *
   * The program that said it, where its text names it.
   *
   * Since: 1.0
   */
  obj_props[PROP_TOOL] = g_param_spec_string ("tool", NULL, NULL, NULL, flags);

  /**
   * TvmDiagnostic:file: (getter get_file)
   *
   * The file that it is about. A language whose strings are Unicode reads a name that is not UTF-8
   * through [method@TvmSupport.Diagnostic.get_file].
   *
   * Since: 1.0
   */
  obj_props[PROP_FILE] = g_param_spec_string ("file", NULL, NULL, NULL, flags);
}

static void
install_place_properties (GParamFlags flags)
{
  /**
   * TvmDiagnostic:line: (getter get_line)
   *
   * The line, counted from 1; 0 if it is unknown.
   *
   * Since: 1.0
   */
  obj_props[PROP_LINE] = g_param_spec_uint ("line", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmDiagnostic:column: (getter get_column)
   *
   * The column, counted from 1; 0 if it is unknown.
   *
   * Since: 1.0
   */
  obj_props[PROP_COLUMN] = g_param_spec_uint ("column", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmDiagnostic:end-line: (getter get_end_line)
   *
   * The line of the last character that it is about; 0 if it is unknown.
   *
   * Since: 1.0
   */
  obj_props[PROP_END_LINE] = g_param_spec_uint ("end-line", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * TvmDiagnostic:end-column: (getter get_end_column)
   *
   * The column of the last character that it is about; 0 if it is unknown.
   *
   * Since: 1.0
   */
  obj_props[PROP_END_COLUMN] =
    g_param_spec_uint ("end-column", NULL, NULL, 0, G_MAXUINT, 0, flags);
}

static void
tvm_diagnostic_class_init (TvmDiagnosticClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tvm_diagnostic_get_property;
  object_class->finalize = tvm_diagnostic_finalize;

  install_text_properties (flags);
  install_place_properties (flags);

  /**
   * TvmDiagnostic:children: (getter get_children)
   *
   * The diagnostics that explain this one: a [iface@Gio.ListModel] of
   * [class@TvmSupport.Diagnostic].
   *
   * Since: 1.0
   */
  obj_props[PROP_CHILDREN] = g_param_spec_object ("children", NULL, NULL, G_TYPE_LIST_MODEL, flags);

  /**
   * TvmDiagnostic:fixits: (getter get_fixits)
   *
   * The changes that the tool suggests: a [iface@Gio.ListModel] of [class@TvmSupport.Fixit].
   *
   * Since: 1.0
   */
  obj_props[PROP_FIXITS] = g_param_spec_object ("fixits", NULL, NULL, G_TYPE_LIST_MODEL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_diagnostic_init (TvmDiagnostic *self)
{
  self->message = g_strdup ("");
}

static char *
make_valid_or_null (const char *text)
{
  return text != NULL && *text != '\0' ? g_utf8_make_valid (text, -1) : NULL;
}

TvmDiagnostic *
tvm_diagnostic_new (TvmDiagnosticSeverity  severity,
                    const char            *tool,
                    const char            *file,
                    guint                  line,
                    guint                  column,
                    const char            *message,
                    const char            *code)
{
  TvmDiagnostic *self = g_object_new (TVM_TYPE_DIAGNOSTIC, NULL);

  self->severity = severity;
  self->tool = make_valid_or_null (tool);
  self->file = file != NULL && *file != '\0' ? g_strdup (file) : NULL;
  self->line = line;
  self->column = line != 0 ? column : 0;
  g_free (self->message);
  self->message = g_utf8_make_valid (message, -1);
  self->code = make_valid_or_null (code);
  return self;
}

void
tvm_diagnostic_set_place (TvmDiagnostic *self,
                          const char    *file,
                          guint          line,
                          guint          column)
{
  g_free (self->file);
  self->file = g_strdup (file);
  self->line = line;
  self->column = column;
}

void
tvm_diagnostic_set_end (TvmDiagnostic *self,
                        guint          end_line,
                        guint          end_column)
{
  self->end_line = end_line;
  self->end_column = end_column;
}

void
tvm_diagnostic_add_child (TvmDiagnostic *self,
                          TvmDiagnostic *child)
{
  if (self->children == NULL)
    self->children = tvm_fixed_list_new (TVM_TYPE_DIAGNOSTIC);
  tvm_fixed_list_add (self->children, child);
}

void
tvm_diagnostic_add_fixit (TvmDiagnostic *self,
                          TvmFixit      *fixit)
{
  if (self->fixits == NULL)
    self->fixits = tvm_fixed_list_new (TVM_TYPE_FIXIT);
  tvm_fixed_list_add (self->fixits, fixit);
}

/* The list of nothing that all diagnostics without children, or without fix-its, share. */
static GListModel *
get_empty_list (GType item_type)
{
  static GListModel *no_diagnostics;
  static GListModel *no_fixits;
  GListModel **list = item_type == TVM_TYPE_FIXIT ? &no_fixits : &no_diagnostics;

  if (g_once_init_enter (list))
    g_once_init_leave (list, G_LIST_MODEL (tvm_fixed_list_new (item_type)));

  return *list;
}

/**
 * tvm_diagnostic_get_severity:
 * @self: a diagnostic
 *
 * Gets how bad it is.
 *
 * Returns: the severity
 *
 * Since: 1.0
 */
TvmDiagnosticSeverity
tvm_diagnostic_get_severity (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), TVM_DIAGNOSTIC_SEVERITY_NOTE);

  return self->severity;
}

/**
 * tvm_diagnostic_get_message:
 * @self: a diagnostic
 *
 * Gets what the tool said, without the place, the severity and the option.
 *
 * Returns: the message
 *
 * Since: 1.0
 */
const char *
tvm_diagnostic_get_message (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  return self->message;
}

/**
 * tvm_diagnostic_get_code:
 * @self: a diagnostic
 *
 * Gets what names this kind of diagnostic. For gcc and clang it is the option that turns it on,
 * such as `-Wunused-variable`, also where `-Werror` made an error of the warning.
 *
 * Returns: (nullable): the code, or %NULL if it has none
 *
 * Since: 1.0
 */
const char *
tvm_diagnostic_get_code (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  return self->code;
}

/**
 * tvm_diagnostic_get_tool:
 * @self: a diagnostic
 *
 * Gets the base name of the program that said it, such as `ld` or `collect2`, where its text names
 * it. The text of a compiler about a place in a source does not.
 *
 * Returns: (nullable): the name, or %NULL if it is unknown
 *
 * Since: 1.0
 */
const char *
tvm_diagnostic_get_tool (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  return self->tool;
}

/**
 * tvm_diagnostic_get_file:
 * @self: a diagnostic
 *
 * Gets the file that it is about, as the tool named it: relative to the directory where the tool
 * ran, or absolute; it may also be what the tool writes in place of a file, such as `<stdin>`.
 *
 * Returns: (type filename) (nullable): the file, or %NULL if it is about none
 *
 * Since: 1.0
 */
const char *
tvm_diagnostic_get_file (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  return self->file;
}

/**
 * tvm_diagnostic_get_line:
 * @self: a diagnostic
 *
 * Gets the line that it is about.
 *
 * Returns: the line, counted from 1, or 0 if it is unknown
 *
 * Since: 1.0
 */
guint
tvm_diagnostic_get_line (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), 0);

  return self->line;
}

/**
 * tvm_diagnostic_get_column:
 * @self: a diagnostic
 *
 * Gets the column that it is about.
 *
 * Returns: the column in bytes, counted from 1, or 0 if it is unknown
 *
 * Since: 1.0
 */
guint
tvm_diagnostic_get_column (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), 0);

  return self->column;
}

/**
 * tvm_diagnostic_get_end_line:
 * @self: a diagnostic
 *
 * Gets the line of the last character that it is about.
 *
 * Returns: the line, counted from 1, or 0 if it is unknown
 *
 * Since: 1.0
 */
guint
tvm_diagnostic_get_end_line (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), 0);

  return self->end_line;
}

/**
 * tvm_diagnostic_get_end_column:
 * @self: a diagnostic
 *
 * Gets the column of the last character that it is about. That character belongs to the range: for
 * a name of three letters it is the column plus two.
 *
 * Returns: the column in bytes, counted from 1, or 0 if it is unknown
 *
 * Since: 1.0
 */
guint
tvm_diagnostic_get_end_column (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), 0);

  return self->end_column;
}

/**
 * tvm_diagnostic_get_children:
 * @self: a diagnostic
 *
 * Gets the diagnostics that explain this one. The list never changes.
 *
 * Returns: (transfer none): a #GListModel of [class@TvmSupport.Diagnostic], empty if there are none
 *
 * Since: 1.0
 */
GListModel *
tvm_diagnostic_get_children (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  if (self->children == NULL)
    return get_empty_list (TVM_TYPE_DIAGNOSTIC);

  return G_LIST_MODEL (self->children);
}

/**
 * tvm_diagnostic_get_fixits:
 * @self: a diagnostic
 *
 * Gets the changes of the source that the tool suggests. They belong together: apply all of them or
 * none. The list never changes.
 *
 * Returns: (transfer none): a #GListModel of [class@TvmSupport.Fixit], empty if there are none
 *
 * Since: 1.0
 */
GListModel *
tvm_diagnostic_get_fixits (TvmDiagnostic *self)
{
  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  if (self->fixits == NULL)
    return get_empty_list (TVM_TYPE_FIXIT);

  return G_LIST_MODEL (self->fixits);
}

const char *
tvm_diagnostic_severity_to_text (TvmDiagnosticSeverity severity)
{
  switch (severity)
    {
    case TVM_DIAGNOSTIC_SEVERITY_NOTE:
      return "note";

    case TVM_DIAGNOSTIC_SEVERITY_REMARK:
      return "remark";

    case TVM_DIAGNOSTIC_SEVERITY_WARNING:
      return "warning";

    case TVM_DIAGNOSTIC_SEVERITY_ERROR:
      return "error";

    case TVM_DIAGNOSTIC_SEVERITY_FATAL:
      return "fatal error";

    default:
      g_return_val_if_reached ("error");
    }
}

static void
format_into (TvmDiagnostic *self,
             guint          depth,
             GString       *text)
{
  g_string_append_printf (text, "%*s", (int) (2 * depth), "");
  if (self->file != NULL)
    {
      g_autofree char *file = g_utf8_make_valid (self->file, -1);

      g_string_append (text, file);
      if (self->line != 0)
        g_string_append_printf (text, ":%u", self->line);
      if (self->column != 0)
        g_string_append_printf (text, ":%u", self->column);
      g_string_append (text, ": ");
    }
  else if (self->tool != NULL)
    {
      g_string_append_printf (text, "%s: ", self->tool);
    }

  g_string_append_printf (text, "%s: %s", tvm_diagnostic_severity_to_text (self->severity),
                          self->message);
  if (self->code != NULL)
    g_string_append_printf (text, " [%s]", self->code);

  for (guint i = 0; self->children != NULL && i < tvm_fixed_list_get_size (self->children); i++)
    {
      g_autoptr (TvmDiagnostic) child = g_list_model_get_item (G_LIST_MODEL (self->children), i);

      g_string_append_c (text, '\n');
      format_into (child, depth + 1, text);
    }
}

/**
 * tvm_diagnostic_format:
 * @self: a diagnostic
 *
 * Writes the diagnostic in the form that editors know: `file:line:column: severity: message
 * [code]`, without what is unknown. Each of its children follows on a line of its own, indented by
 * two more spaces. Bytes of the file's name that are not UTF-8 are replaced.
 *
 * The words for the severity are those of the compilers, in English; the message is in the language
 * that the tool spoke.
 *
 * Returns: (transfer full): the text, without a newline at its end
 *
 * Since: 1.0
 */
char *
tvm_diagnostic_format (TvmDiagnostic *self)
{
  GString *text = NULL;

  g_return_val_if_fail (TVM_IS_DIAGNOSTIC (self), NULL);

  text = g_string_new (NULL);
  format_into (self, 0, text);
  return g_string_free (text, FALSE);
}
