/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>

#include <tvmsupport/tvmsupport.h>

typedef enum
{
  ACTION_STATS,
  ACTION_CLEAR,
  ACTION_TRIM,
} Action;

static guint64
get_number (GVariant   *stats,
            const char *name)
{
  guint64 value = 0;

  g_variant_lookup (stats, name, "t", &value);
  return value;
}

static gboolean
write_table (const char *directory,
             GVariant   *stats)
{
  const guint64 hits = get_number (stats, "hits");
  const guint64 looks = hits + get_number (stats, "misses");
  const guint64 maximum = get_number (stats, "maximum-size");
  g_autofree char *shown = g_filename_display_name (directory);
  g_autofree char *size =
    g_format_size_full (get_number (stats, "size"), G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *limit = maximum > 0 ? g_format_size_full (maximum, G_FORMAT_SIZE_IEC_UNITS) :
                                         g_strdup (_("none"));
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, _("Directory:     %s\n"), shown);
  g_string_append_printf (text, _("Entries:       %" PRIu64 "\n"),
                          get_number (stats, "entries"));
  g_string_append_printf (text, _("Size:          %s\n"), size);
  g_string_append_printf (text, _("Maximum size:  %s\n"), limit);
  g_string_append_printf (text, _("Hits:          %" PRIu64 "\n"), hits);
  g_string_append_printf (text, _("Misses:        %" PRIu64 "\n"), looks - hits);
  if (looks > 0)
    g_string_append_printf (text, _("Hit rate:      %.1f %%\n"), 100.0 * hits / looks);

  return tool_write (text->str);
}

static gboolean
write_json (const char *directory,
            GVariant   *stats)
{
  static const char * const names[] = { "entries", "size", "maximum-size", "hits", "misses" };
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autofree char *shown = g_utf8_make_valid (directory, -1);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "directory");
  json_builder_add_string_value (builder, shown);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *member = g_strdelimit (g_strdup (names[i]), "-", '_');

      json_builder_set_member_name (builder, member);
      json_builder_add_int_value (builder, (gint64) get_number (stats, names[i]));
    }
  json_builder_end_object (builder);

  return tool_write_json (builder);
}

static int
show_stats (Tool           *tool,
            TvmKernelCache *cache,
            gboolean        json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) stats = NULL;
  const char *directory = tvm_kernel_cache_get_directory (cache);
  gboolean ok = FALSE;

  tvm_kernel_cache_dup_stats_async (cache, tool->cancellable, tool_ready, tool);
  stats = tvm_kernel_cache_dup_stats_finish (cache, tool_wait (tool), &error);
  if (stats == NULL)
    return tool_fail (tool, error);

  ok = json ? write_json (directory, stats) : write_table (directory, stats);
  return ok ? 0 : TOOL_EXIT_FAILURE;
}

static int
remove_entries (Tool           *tool,
                TvmKernelCache *cache,
                Action          action,
                guint64         maximum_size)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = FALSE;

  if (action == ACTION_CLEAR)
    {
      tvm_kernel_cache_clear_async (cache, tool->cancellable, tool_ready, tool);
      ok = tvm_kernel_cache_clear_finish (cache, tool_wait (tool), &error);
    }
  else
    {
      tvm_kernel_cache_trim_async (cache, maximum_size, tool->cancellable, tool_ready, tool);
      ok = tvm_kernel_cache_trim_finish (cache, tool_wait (tool), &error);
    }

  return ok ? 0 : tool_fail (tool, error);
}

static gboolean
find_action (const char *word,
             Action     *action)
{
  static const char * const names[] = { "stats", "clear", "trim" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (word, names[i]) == 0)
      {
        *action = (Action) i;
        return TRUE;
      }

  return FALSE;
}

int
tool_run_cache (Tool  *tool,
                char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) rest = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *size = NULL;
  g_autoptr (TvmKernelCache) cache = NULL;
  gboolean json = FALSE;
  guint64 maximum_size = 0;
  Action action = ACTION_STATS;
  int status = 0;
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &directory, N_("Use the cache in this folder"),
      N_("FOLDER") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Write JSON"), NULL },
    { "size", 's', 0, G_OPTION_ARG_STRING, &size, N_("What trim leaves at most"), N_("SIZE") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL,
      N_("stats|clear|trim") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Count what is in the cache of compiled kernels, "
                                           "or remove it."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (rest != NULL && !find_action (rest[0], &action))
    return tool_usage ("cache", _("“%s” is none of stats, clear and trim"), rest[0]);
  if (rest != NULL && rest[1] != NULL)
    return tool_usage ("cache", _("“%s” is one word too many"), rest[1]);
  if (size != NULL && !tool_parse_size (size, &maximum_size))
    return tool_usage ("cache", _("“%s” is no size; write it as 800M or 2G"), size);
  if ((size != NULL) != (action == ACTION_TRIM))
    return tool_usage ("cache", _("“%s” goes with “%s”"), "--size", "trim");
  if (json && action != ACTION_STATS)
    return tool_usage ("cache", _("“%s” goes with “%s”"), "--json", "stats");

  cache = tvm_kernel_cache_new (directory);
  return action == ACTION_STATS ? show_stats (tool, cache, json) :
                                  remove_entries (tool, cache, action, maximum_size);
}
