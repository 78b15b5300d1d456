/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-input.h"
#include "tvmsupport/tool/tool-progress.h"
#include "tvmsupport/tool/tool-task.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What GNU parallel ends with: up to so many failures are counted */
#define MAX_FAILURES 100
#define EXIT_MORE_FAILURES 101
#define EXIT_OWN_FAILURE 255

#define PLACE "{}"
#define BEFORE_INPUTS ":::"

/* So many inputs, at least, may be begun whose results have not been written. */
#define MIN_WINDOW 64

#define BAR_WIDTH 20

typedef struct
{
  ToolLimits limits;
  int jobs;
  gboolean keep_order;
  gboolean null;
  gboolean json;
  gboolean no_progress;
  gboolean halt;
  char **words;           /* (owned) (nullable): the program */
  char **inputs;          /* (owned) (nullable): NULL for the standard input */
  gboolean has_place;
} Settings;

/*
 * Everything happens in the main context of this thread: inputs are read while programs run, and so
 * a slow writer keeps back neither what is done nor a signal.
 */
typedef struct
{
  const Settings *settings;
  Tool *tool;
  TvmPoolExecutor *pool;
  ToolInput *input;
  ToolProgress *progress;       /* (nullable) */
  GCancellable *cancellable;    /* (owned) */
  GHashTable *waiting;          /* (element-type guint64 Item): done, and not yet their turn */

  guint64 window;
  guint64 n_begun;
  guint64 n_done;
  guint64 n_shown;
  guint64 n_failed;
  gboolean reading;
  gboolean unwritable;          /* the standard output, which has been said */
  int start_status;             /* if the program cannot be started for any input, which has been
                                 * said; else 0 */
  GError *error;                /* (owned) (nullable): of our own */
} Map;

typedef struct
{
  Map *map;
  guint64 index;
  char *input;
  TvmTaskResult *result;        /* (nullable) */
  GError *error;                /* (nullable) */
} Item;

static void pump (Map *map);

static void
settings_clear (Settings *self)
{
  tool_limits_clear (&self->limits);
  g_strfreev (self->words);
  g_strfreev (self->inputs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

static void
item_free (Item *self)
{
  g_free (self->input);
  g_clear_object (&self->result);
  g_clear_error (&self->error);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Item, item_free)

static void
map_clear (Map *self)
{
  g_clear_pointer (&self->input, tool_input_free);
  g_clear_pointer (&self->progress, tool_progress_free);
  g_clear_pointer (&self->waiting, g_hash_table_unref);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->pool);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Map, map_clear)

/* Splits the words at ":::". Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  char **word = self->words;

  if (self->jobs < 0)
    return tool_usage ("map", _("%d is no number of jobs"), self->jobs);

  for (; word != NULL && *word != NULL && !g_str_equal (*word, BEFORE_INPUTS); word++)
    self->has_place |= strstr (*word, PLACE) != NULL;
  if (word == self->words)
    return tool_usage ("map", _("No program was given"));
  if (*word != NULL)
    {
      self->inputs = g_strdupv (word + 1);
      for (char **rest = word; *rest != NULL; rest++)
        g_clear_pointer (rest, g_free);
    }

  return tool_limits_check (&self->limits, "map");
}

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
      N_("Run so many programs at a time (default, and 0: as many as there are processors)"),
      N_("N") },
    { "keep-order", 'k', 0, G_OPTION_ARG_NONE, &self->keep_order,
      N_("Write what they print in the order of the inputs"), NULL },
    { "null", '0', 0, G_OPTION_ARG_NONE, &self->null,
      N_("A zero byte ends an input, not the end of a line"), NULL },
    { "halt", 0, 0, G_OPTION_ARG_NONE, &self->halt,
      N_("End everything at the first failure"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write for each input a line of JSON"), NULL },
    { "no-progress", 0, 0, G_OPTION_ARG_NONE, &self->no_progress,
      N_("Do not show on the terminal how far it is"), NULL },
    TOOL_LIMITS_ENTRIES (&self->limits),
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->words, NULL,
      N_("PROGRAM [ARGUMENT…] [::: INPUT…]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Run a program for each input: for each INPUT, or for "
                                           "each line of the standard input. It takes the place "
                                           "of “{}”, or stands at the end."));
  g_option_context_set_strict_posix (context, TRUE);
  if (!tool_parse (context, entries, &words, status))
    {
      if (*status == TOOL_EXIT_USAGE)
        *status = EXIT_OWN_FAILURE;
      return FALSE;
    }

  *status = check_settings (self) != 0 ? EXIT_OWN_FAILURE : 0;
  return *status == 0;
}

static TvmTask *
new_task (const Settings *settings,
          const char     *input)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;

  for (char **word = settings->words; *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, PLACE, -1);
      g_autofree char *whole = g_strjoinv (input, parts);

      g_strv_builder_add (builder, whole);
    }
  if (!settings->has_place)
    g_strv_builder_add (builder, input);

  argv = g_strv_builder_end (builder);
  return tool_limits_new_task (&settings->limits, argv);
}

static gboolean
is_good (const Item *item)
{
  return item->result != NULL && tool_result_is_good (item->result);
}

/* Nothing is to be said of those that were ended because it is all over. */
static gboolean
was_ended (const Map  *map,
           const Item *item)
{
  return g_cancellable_is_cancelled (map->cancellable)
         && g_error_matches (item->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
write_bytes (GBytes *bytes,
             FILE   *stream)
{
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  if (size == 0)
    return TRUE;
  if (stream == stdout)
    return tool_write_data (data, size);

  fwrite (data, 1, size, stream);
  return TRUE;
}

static gboolean
show_json (Item *item)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autofree char *input = g_utf8_make_valid (item->input, -1);
  g_autofree char *json = NULL;
  g_autofree char *line = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "index");
  json_builder_add_int_value (builder, (gint64) item->index);
  json_builder_set_member_name (builder, "input");
  json_builder_add_string_value (builder, input);
  tool_add_json_result (builder, item->result, item->error, NULL);
  tool_add_json_output (builder, item->result);
  json_builder_end_object (builder);
  json = tool_format_json (builder, FALSE);
  line = g_strconcat (json, "\n", NULL);
  return tool_write (line);
}

static gboolean
show_text (Map  *map,
           Item *item)
{
  g_autofree char *text = NULL;

  if (item->result != NULL)
    {
      if (!write_bytes (tvm_task_result_get_stdout (item->result), stdout))
        return FALSE;
      write_bytes (tvm_task_result_get_stderr (item->result), stderr);
      text = tool_explain_result (&map->settings->limits, item->input, item->result);
    }

  if (text != NULL)
    tool_complain ("%s", text);
  else if (item->error != NULL)
    tool_complain ("%s", item->error->message);
  return TRUE;
}

/* @item is taken. */
static void
show (Map  *map,
      Item *owned_item)
{
  g_autoptr (Item) item = owned_item;

  map->n_shown++;
  if (map->unwritable || was_ended (map, item) || (map->start_status != 0 && item->index > 0))
    return;

  if (map->progress != NULL)
    tool_progress_hide (map->progress);
  if (!(map->settings->json ? show_json (item) : show_text (map, item)))
    {
      map->unwritable = TRUE;
      g_cancellable_cancel (map->cancellable);
    }
}

static void
show_progress (Map *map)
{
  const guint64 n_total = tool_input_get_total (map->input);
  g_autoptr (GString) what = g_string_new (NULL);

  if (map->progress == NULL)
    return;

  if (n_total > 0 && g_get_charset (NULL))
    for (guint i = 0; i < BAR_WIDTH; i++)
      g_string_append (what, i < map->n_done * BAR_WIDTH / n_total ? "█" : "░");
  if (map->n_failed > 0)
    {
      g_string_append (what, what->len > 0 ? " " : "");
      g_string_append_printf (what, g_dngettext (GETTEXT_PACKAGE, "%u failed", "%u failed",
                                                 (gulong) map->n_failed), (guint) map->n_failed);
    }
  tool_progress_set (map->progress, map->n_done, n_total, what->str);
}

/* The program is the same for each input: what the first one cannot start is not there. */
static int
get_start_status (const Map  *map,
                  const Item *item)
{
  const char *program = map->settings->words[0];
  const GError *error = item->result != NULL ? tvm_task_result_get_error (item->result)
                                             : item->error;

  if (item->index > 0 || !g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND)
      || strstr (program, PLACE) != NULL)
    return 0;

  return tool_get_start_status (&map->settings->limits, program, error);
}

static void
item_done (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Item *item = user_data;
  Map *map = item->map;

  item->result = tvm_pool_executor_submit_finish (map->pool, result, &item->error);
  map->n_done++;
  if (!is_good (item) && !was_ended (map, item))
    {
      map->n_failed++;
      map->start_status = MAX (map->start_status, get_start_status (map, item));
      if (map->settings->halt || map->start_status != 0)
        g_cancellable_cancel (map->cancellable);
    }

  if (!map->settings->keep_order)
    show (map, item);
  else
    g_hash_table_insert (map->waiting, &item->index, item);
  while (map->settings->keep_order
         && (item = g_hash_table_lookup (map->waiting, &map->n_shown)) != NULL)
    {
      g_hash_table_steal (map->waiting, &map->n_shown);
      show (map, item);
    }

  show_progress (map);
  pump (map);
}

/* @input is taken. */
static void
begin (Map  *map,
       char *input)
{
  g_autoptr (TvmTask) task = new_task (map->settings, input);
  Item *item = g_new0 (Item, 1);

  item->map = map;
  item->index = map->n_begun++;
  item->input = input;
  tvm_pool_executor_submit_async (map->pool, task, map->cancellable, item_done, item);
}

static void
input_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  Map *map = user_data;
  g_autoptr (GError) error = NULL;

  map->reading = FALSE;
  if (!tool_input_read_finish (map->input, result, &error))
    {
      if (map->error == NULL && !g_cancellable_is_cancelled (map->cancellable))
        map->error = g_steal_pointer (&error);
      g_cancellable_cancel (map->cancellable);
    }

  pump (map);
}

/* Begins, and reads, as much as there is room for */
static void
pump (Map *map)
{
  while (!g_cancellable_is_cancelled (map->cancellable)
         && map->n_begun - map->n_shown < map->window)
    {
      char *input = tool_input_pop (map->input);

      if (input != NULL)
        {
          begin (map, input);
          continue;
        }

      if (!map->reading && !tool_input_is_at_end (map->input))
        {
          map->reading = TRUE;
          tool_input_read_async (map->input, map->cancellable, input_ready, map);
        }
      return;
    }
}

static gboolean
is_over (const Map *map)
{
  return !map->reading && map->n_shown == map->n_begun
         && (g_cancellable_is_cancelled (map->cancellable) || tool_input_is_at_end (map->input));
}

static void
cancelled (GCancellable *cancellable,
           gpointer      user_data)
{
  g_cancellable_cancel (user_data);
}

/* Returns: the exit status */
static int
finish (Map *map)
{
  if (map->tool->signal != 0)
    return 128 + map->tool->signal;

  if (map->error != NULL)
    tool_complain ("%s", map->error->message);
  if (map->error != NULL || map->unwritable)
    return EXIT_OWN_FAILURE;

  if (map->start_status != 0)
    return map->start_status;

  return map->n_failed > MAX_FAILURES ? EXIT_MORE_FAILURES : (int) map->n_failed;
}

int
tool_run_map (Tool  *tool,
              char **argv)
{
  g_auto (Settings) settings = { 0, };
  g_auto (Map) map = { 0, };
  gulong handler = 0;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  map.settings = &settings;
  map.tool = tool;
  map.pool = tool_limits_new_pool (&settings.limits, (guint) settings.jobs);
  map.window = MAX (MIN_WINDOW, 4 * tvm_pool_executor_get_max_workers (map.pool));
  map.input = tool_input_new (settings.inputs, settings.null ? '\0' : '\n');
  map.progress = settings.no_progress ? NULL : tool_progress_new ("");
  map.waiting = g_hash_table_new (g_int64_hash, g_int64_equal);
  map.cancellable = g_cancellable_new ();
  handler = g_cancellable_connect (tool->cancellable, G_CALLBACK (cancelled), map.cancellable,
                                   NULL);

  show_progress (&map);
  pump (&map);
  while (!is_over (&map))
    g_main_context_iteration (NULL, TRUE);

  g_clear_pointer (&map.progress, tool_progress_free);
  tool_end_pool (tool, map.pool);
  g_cancellable_disconnect (tool->cancellable, handler);
  return finish (&map);
}
