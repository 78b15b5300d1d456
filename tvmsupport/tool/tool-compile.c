/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"
#include "tvmsupport/tool/tool-progress.h"

#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char **
tool_split_options (char **words)
{
  GPtrArray *options = g_ptr_array_new ();
  guint i = 0;

  while (words[i] != NULL && !g_str_equal (words[i], "--"))
    i++;
  if (words[i] != NULL)
    {
      for (guint j = i + 1; words[j] != NULL; j++)
        g_ptr_array_add (options, words[j]);
      g_clear_pointer (&words[i], g_free);
    }

  g_ptr_array_add (options, NULL);
  return (char **) g_ptr_array_free (options, FALSE);
}

GBytes *
tool_read_source (Tool    *tool,
                  GError **error)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  GMemoryOutputStream *stream = G_MEMORY_OUTPUT_STREAM (memory);
  gsize size;

  g_output_stream_splice_async (memory, input, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                G_PRIORITY_DEFAULT, tool->cancellable, tool_ready, tool);
  if (g_output_stream_splice_finish (memory, tool_wait (tool), error) < 0)
    return NULL;

  size = g_memory_output_stream_get_data_size (stream);
  if (size > 0 && memchr (g_memory_output_stream_get_data (stream), '\0', size) != NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The standard input is no source: it has a zero byte"));
      return NULL;
    }

  return g_memory_output_stream_steal_as_bytes (stream);
}

/* Returns: (transfer full): what is made, as people read it */
static char *
dup_output_name (TvmCompileRequest *request)
{
  const char *output = tvm_compile_request_get_output (request);

  return output != NULL ? g_filename_display_name (output) : g_strdup (_("(standard output)"));
}

/* Says in a line that it failed. What the compiler said about it has been shown; where it said
 * nothing, or was ended, the library has more to say. */
static int
explain (Tool              *tool,
         TvmCompileRequest *request,
         gboolean           json,
         TvmCompileResult  *result)
{
  const guint n_errors = tvm_compile_result_get_n_errors (result);
  g_autofree char *output = dup_output_name (request);
  g_autoptr (GError) error = NULL;

  if (tvm_compile_result_check (result, &error))
    return 0;
  /* The same is in the JSON. */
  if (json)
    return TOOL_EXIT_FAILURE;

  if (n_errors == 0 || tvm_compile_result_get_timed_out (result) ||
      tvm_compile_result_get_term_signal (result) != 0)
    return tool_fail (tool, error);

  if (tvm_compile_request_get_output (request) == NULL)
    tool_complain (g_dngettext (GETTEXT_PACKAGE, "Nothing was made: %u error",
                                "Nothing was made: %u errors", n_errors), n_errors);
  else
    tool_complain (g_dngettext (GETTEXT_PACKAGE, "“%s” was not made: %u error",
                                "“%s” was not made: %u errors", n_errors), output, n_errors);
  return TOOL_EXIT_FAILURE;
}

gboolean
tool_write_outcome (const GError *error,
                    const char   *log)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();

  json_builder_begin_object (builder);
  if (error != NULL)
    {
      tool_add_json_error (builder, error->message);
    }
  else
    {
      json_builder_set_member_name (builder, "successful");
      json_builder_add_boolean_value (builder, TRUE);
    }
  if (log != NULL)
    {
      json_builder_set_member_name (builder, "log");
      json_builder_add_string_value (builder, log);
    }
  json_builder_end_object (builder);

  return tool_write_json (builder);
}

int
tool_compile_fail (Tool         *tool,
                   gboolean      json,
                   const GError *error)
{
  if (!json || tool->signal != 0)
    return tool_fail (tool, error);

  tool_write_outcome (error, NULL);
  return TOOL_EXIT_FAILURE;
}

/* Returns: the exit status */
static int
report (Tool              *tool,
        TvmCompileRequest *request,
        gboolean           json,
        TvmCompileResult  *result)
{
  if (json)
    {
      g_autofree char *text = tvm_compile_result_to_json (result);
      g_autofree char *line = g_strconcat (text, g_str_has_suffix (text, "\n") ? "" : "\n", NULL);

      if (!tool_write (line))
        return TOOL_EXIT_FAILURE;
    }
  else
    {
      fputs (tvm_compile_result_get_log_text (result), stderr);
    }

  return explain (tool, request, json, result);
}

int
tool_compile (Tool               *tool,
              TvmCompiler        *compiler,
              TvmCompileRequest  *request,
              gboolean            json,
              TvmCompileResult  **result)
{
  g_autofree char *output = dup_output_name (request);
  g_autoptr (ToolProgress) progress = tool_progress_new (output);
  g_autoptr (GError) error = NULL;

  tool_progress_watch (progress, compiler);
  tvm_compiler_compile_async (compiler, request, tool->cancellable, tool_ready, tool);
  *result = tvm_compiler_compile_finish (compiler, tool_wait (tool), &error);
  g_clear_pointer (&progress, tool_progress_free);
  if (*result == NULL)
    return tool_compile_fail (tool, json, error);

  return report (tool, request, json, *result);
}
