/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include <tvmsupport/tvmsupport.h>

/* Returns: (transfer container): the names in order */
static GList *
sorted_names (GHashTable *symbols)
{
  return g_list_sort (g_hash_table_get_keys (symbols), (GCompareFunc) g_strcmp0);
}

static char *
format_plain (const char *file,
              GHashTable *symbols,
              gboolean    with_name)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GList) names = sorted_names (symbols);

  if (with_name)
    g_string_append_printf (text, "%s:\n", file);
  for (GList *l = names; l != NULL; l = l->next)
    g_string_append_printf (text, "%s %s\n", (char *) g_hash_table_lookup (symbols, l->data),
                            (char *) l->data);

  return g_string_free (text, FALSE);
}

/* JSON is Unicode; what is not becomes so. */
static void
add_json (JsonBuilder *builder,
          const char  *file,
          GHashTable  *symbols)
{
  g_autofree char *member = g_utf8_make_valid (file, -1);
  g_autoptr (GList) names = sorted_names (symbols);

  json_builder_set_member_name (builder, member);
  json_builder_begin_object (builder);
  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *name = g_utf8_make_valid (l->data, -1);

      json_builder_set_member_name (builder, name);
      json_builder_add_string_value (builder, g_hash_table_lookup (symbols, l->data));
    }
  json_builder_end_object (builder);
}

/* Writes, or adds to @builder, the symbols of each file. One that cannot be read does not keep the
 * others from being listed; with a @builder, the messages are added to @messages. */
static int
list_files (Tool        *tool,
            char       **files,
            const char  *nm,
            JsonBuilder *builder,
            GString     *messages)
{
  const gboolean with_name = files[0] != NULL && files[1] != NULL;
  int status = 0;

  for (guint i = 0; files[i] != NULL && tool->signal == 0; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GHashTable) symbols = NULL;
      g_autofree char *text = NULL;

      tvm_cc_get_global_symbol_section_map_async (files[i], nm, tool->cancellable, tool_ready,
                                                  tool);
      symbols = tvm_cc_get_global_symbol_section_map_finish (tool_wait (tool), &error);
      if (symbols == NULL && builder != NULL && tool->signal == 0)
        {
          g_string_append_printf (messages, "%s%s", messages->len > 0 ? "\n" : "",
                                  error->message);
          status = TOOL_EXIT_FAILURE;
          continue;
        }
      if (symbols == NULL)
        {
          status = tool_fail (tool, error);
          continue;
        }

      if (builder != NULL)
        {
          add_json (builder, files[i], symbols);
          continue;
        }
      text = format_plain (files[i], symbols, with_name);
      if (!tool_write (text))
        return TOOL_EXIT_FAILURE;
    }

  return status;
}

int
tool_run_symbols (Tool  *tool,
                  char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) files = NULL;
  g_autofree char *nm = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (GString) messages = g_string_new (NULL);
  gboolean json = FALSE;
  int status = 0;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Write JSON: symbols by file"), NULL },
    { "nm", 0, 0, G_OPTION_ARG_FILENAME, &nm, N_("Ask this program for the symbols"), N_("NM") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, N_("FILE…") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("List the global symbols that object files and "
                                           "libraries define, with the letters of nm."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (files == NULL)
    return tool_usage ("symbols", _("No file was given"));

  if (json)
    {
      builder = json_builder_new_immutable ();
      json_builder_begin_object (builder);
    }

  status = list_files (tool, files, nm, builder, messages);
  if (builder != NULL && tool->signal == 0)
    {
      /* Behind the files: where one has such a name, the last member of a name counts. */
      if (messages->len > 0)
        tool_add_json_error (builder, messages->str);
      json_builder_end_object (builder);
      if (!tool_write_json (builder))
        status = TOOL_EXIT_FAILURE;
    }

  return status;
}
