/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"

#include "tvmsupport/tvm-enums.h"

#include <json-glib/json-glib.h>
#include <string.h>

static const char *
enum_nick (GType type,
           int   value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

/* JSON is UTF-8; what a path has besides becomes a replacement character. */
static void
add_path (JsonBuilder *builder,
          const char  *path)
{
  g_autofree char *valid = path != NULL ? g_utf8_make_valid (path, -1) : NULL;

  if (valid != NULL)
    json_builder_add_string_value (builder, valid);
  else
    json_builder_add_null_value (builder);
}

static void
add_member_path (JsonBuilder *builder,
                 const char  *name,
                 const char  *path)
{
  json_builder_set_member_name (builder, name);
  add_path (builder, path);
}

static void
add_member_int (JsonBuilder *builder,
                const char  *name,
                gint64       value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_member_boolean (JsonBuilder *builder,
                    const char  *name,
                    gboolean     value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_member_strv (JsonBuilder *builder,
                 const char  *name,
                 char       **strv)
{
  guint i;

  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (i = 0; strv != NULL && strv[i] != NULL; i++)
    add_path (builder, strv[i]);
  json_builder_end_array (builder);
}

static void
add_fixits (JsonBuilder   *builder,
            TvmDiagnostic *diagnostic)
{
  GListModel *fixits = tvm_diagnostic_get_fixits (diagnostic);
  guint i;

  json_builder_set_member_name (builder, "fixits");
  json_builder_begin_array (builder);
  for (i = 0; i < g_list_model_get_n_items (fixits); i++)
    {
      g_autoptr (TvmFixit) fixit = g_list_model_get_item (fixits, i);

      json_builder_begin_object (builder);
      add_member_path (builder, "file", tvm_fixit_get_file (fixit));
      add_member_int (builder, "line", tvm_fixit_get_line (fixit));
      add_member_int (builder, "column", tvm_fixit_get_column (fixit));
      add_member_int (builder, "end_line", tvm_fixit_get_end_line (fixit));
      add_member_int (builder, "end_column", tvm_fixit_get_end_column (fixit));
      add_member_path (builder, "replacement", tvm_fixit_get_replacement (fixit));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_diagnostics (JsonBuilder *builder,
                 const char  *name,
                 GListModel  *diagnostics)
{
  guint i;

  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (i = 0; i < g_list_model_get_n_items (diagnostics); i++)
    {
      g_autoptr (TvmDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);

      json_builder_begin_object (builder);
      add_member_path (builder, "severity",
                       enum_nick (TVM_TYPE_DIAGNOSTIC_SEVERITY,
                                  tvm_diagnostic_get_severity (diagnostic)));
      add_member_path (builder, "message", tvm_diagnostic_get_message (diagnostic));
      add_member_path (builder, "code", tvm_diagnostic_get_code (diagnostic));
      add_member_path (builder, "tool", tvm_diagnostic_get_tool (diagnostic));
      add_member_path (builder, "file", tvm_diagnostic_get_file (diagnostic));
      add_member_int (builder, "line", tvm_diagnostic_get_line (diagnostic));
      add_member_int (builder, "column", tvm_diagnostic_get_column (diagnostic));
      add_member_int (builder, "end_line", tvm_diagnostic_get_end_line (diagnostic));
      add_member_int (builder, "end_column", tvm_diagnostic_get_end_column (diagnostic));
      add_fixits (builder, diagnostic);
      add_diagnostics (builder, "children", tvm_diagnostic_get_children (diagnostic));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* In an order that does not change from run to run */
static void
add_lowered_names (JsonBuilder *builder,
                   GHashTable  *lowered_names)
{
  g_autoptr (GList) expressions =
    lowered_names != NULL ? g_hash_table_get_keys (lowered_names) : NULL;

  expressions = g_list_sort (expressions, (GCompareFunc) strcmp);
  json_builder_set_member_name (builder, "lowered_names");
  json_builder_begin_object (builder);
  for (GList *link = expressions; link != NULL; link = link->next)
    add_member_path (builder, link->data, g_hash_table_lookup (lowered_names, link->data));
  json_builder_end_object (builder);
}

static void
add_error (JsonBuilder      *builder,
           TvmCompileResult *self)
{
  g_autoptr (GError) error = NULL;

  tvm_compile_result_check (self, &error);
  add_member_path (builder, "error", error != NULL ? error->message : NULL);
}

static void
add_result (JsonBuilder      *builder,
            TvmCompileResult *self)
{
  g_autofree char *command_line = tvm_compile_result_dup_command_line (self);
  guint n_steps = g_list_model_get_n_items (G_LIST_MODEL (self->steps));
  guint i;

  json_builder_begin_object (builder);
  add_member_boolean (builder, "successful", tvm_compile_result_get_successful (self));
  add_error (builder, self);
  add_member_path (builder, "kind", enum_nick (TVM_TYPE_COMPILE_KIND, self->kind));
  add_member_strv (builder, "inputs", self->inputs);
  add_member_path (builder, "output", self->output);
  add_member_path (builder, "working_directory", self->working_directory);
  add_member_strv (builder, "argv", self->argv);
  add_member_path (builder, "command_line", command_line);
  add_member_int (builder, "exit_status", self->exit_status);
  add_member_int (builder, "term_signal", self->term_signal);
  add_member_boolean (builder, "timed_out", self->timed_out);
  add_member_path (builder, "cache", enum_nick (TVM_TYPE_CACHE_STATUS, self->cache_status));
  add_member_path (builder, "cache_reason", self->cache_reason);
  add_member_int (builder, "n_errors", self->n_errors);
  add_member_int (builder, "n_warnings", self->n_warnings);
  add_diagnostics (builder, "diagnostics", G_LIST_MODEL (self->diagnostics));
  add_member_path (builder, "log", self->log_text);
  add_member_boolean (builder, "truncated", self->truncated);
  add_member_strv (builder, "dependencies", self->dependencies);
  add_lowered_names (builder, self->lowered_names);
  add_member_int (builder, "elapsed_usec", self->elapsed_usec);
  add_member_int (builder, "user_usec", self->user_usec);
  add_member_int (builder, "system_usec", self->system_usec);
  add_member_int (builder, "peak_memory", self->peak_memory);

  json_builder_set_member_name (builder, "steps");
  json_builder_begin_array (builder);
  for (i = 0; i < n_steps; i++)
    {
      g_autoptr (TvmCompileResult) step = g_list_model_get_item (G_LIST_MODEL (self->steps), i);
      add_result (builder, step);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/**
 * tvm_compile_result_to_json:
 * @self: a result
 *
 * Makes a JSON object of everything that the result holds but the bytes of the output: one member
 * for each property, with `_` for `-`, times in microseconds, and the diagnostics and steps as
 * arrays of objects. The object `lowered_names` has a member for each name expression.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
tvm_compile_result_to_json (TvmCompileResult *self)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (JsonNode) root = NULL;

  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), NULL);

  builder = json_builder_new ();
  add_result (builder, self);
  root = json_builder_get_root (builder);

  return json_to_string (root, TRUE);
}
