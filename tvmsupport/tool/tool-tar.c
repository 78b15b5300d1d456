/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-progress.h"
#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>
#include <inttypes.h>

static void
show_progress (guint64  n_done,
               guint64  n_total,
               gpointer user_data)
{
  tool_progress_set (user_data, n_total > 0 ? n_done * 100 / MAX (n_total, 1) : n_done >> 20,
                     n_total > 0 ? 100 : 0, NULL);
}

static ToolProgress *
watch (TvmTarOptions *options,
       const char    *what)
{
  ToolProgress *progress = tool_progress_new (what);

  tvm_tar_options_set_progress (options, show_progress, progress, NULL);
  return progress;
}

/* Sets the property @name to the value of its enumeration that is called @word. Returns: 0, or the
 * exit status */
static int
set_by_nick (const char    *command,
             TvmTarOptions *options,
             const char    *name,
             const char    *word)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (options), name);
  g_autoptr (GEnumClass) values = g_type_class_ref (pspec->value_type);
  const GEnumValue *value = NULL;
  g_autoptr (GString) all = NULL;

  if (word == NULL)
    return 0;

  value = g_enum_get_value_by_nick (values, word);
  if (value != NULL)
    {
      g_object_set (options, name, value->value, NULL);
      return 0;
    }

  all = g_string_new (NULL);
  for (guint i = 0; i < values->n_values; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", values->values[i].value_nick);
  return tool_usage (command, _("“%s” is none of: %s"), word, all->str);
}

/* Returns: 0, or the exit status */
static int
check_range (const char *command,
             const char *name,
             gint64      number,
             gint64      minimum,
             gint64      maximum)
{
  if (number >= minimum && number <= maximum)
    return 0;

  return tool_usage (command,
                     _("“%s” is to be from %" PRId64 " to %" PRId64), name, minimum, maximum);
}

static int
pack (Tool               *tool,
      TvmTarOptions      *options,
      const char * const *words)
{
  g_autoptr (ToolProgress) progress = watch (options, words[0]);
  g_autoptr (GError) error = NULL;

  tvm_tar_create_async (words[0], words + 1, options, tool->cancellable, tool_ready, tool);
  if (tvm_tar_create_finish (tool_wait (tool), &error))
    return 0;

  tool_progress_hide (progress);
  return tool_fail (tool, error);
}

int
tool_run_tar (Tool  *tool,
              char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) rest = NULL;
  g_autofree char *compression = NULL;
  int level = -1;
  int threads = 0;
  gboolean number = FALSE;
  gboolean sparse = FALSE;
  gboolean xattrs = FALSE;
  int status = 0;
  const GOptionEntry entries[] = {
    { "compression", 'c', 0, G_OPTION_ARG_STRING, &compression,
      N_("auto, none, gzip, zstd or xz"), N_("HOW") },
    { "level", 'l', 0, G_OPTION_ARG_INT, &level, N_("How hard to compress"), N_("NUMBER") },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &threads, N_("How many threads compress"), N_("NUMBER") },
    { "number", 'n', 0, G_OPTION_ARG_NONE, &number, N_("Number files of one name"), NULL },
    { "sparse", 'S', 0, G_OPTION_ARG_NONE, &sparse, N_("Pack holes as holes"), NULL },
    { "xattrs", 0, 0, G_OPTION_ARG_NONE, &xattrs, N_("Pack extended attributes"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL,
      N_("ARCHIVE FILE…") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Pack files and folders into a tar archive, the same "
                                           "bytes each time."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (rest == NULL)
    return tool_usage ("tar", _("No archive was given"));
  if (rest[1] == NULL)
    return tool_usage ("tar", _("No file was given"));

  if ((status = set_by_nick ("tar", options, "compression", compression)) != 0
      || (status = check_range ("tar", "--level", level, -1, 22)) != 0
      || (status = check_range ("tar", "--jobs", threads, 0, 1024)) != 0)
    return status;

  tvm_tar_options_set_level (options, level);
  tvm_tar_options_set_threads (options, (guint) threads);
  tvm_tar_options_set_sparse (options, sparse);
  tvm_tar_options_set_xattrs (options, xattrs);
  if (number)
    tvm_tar_options_set_duplicates (options, TVM_TAR_DUPLICATES_NUMBER);
  return pack (tool, options, (const char *const *) rest);
}

/* A name as it can be shown: with what would move the cursor, or end the line, as in C. */
static char *
show_name (const char *name)
{
  g_autofree char *display = g_filename_display_name (name);
  GString *shown = g_string_new (NULL);

  for (const char *p = display; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\\')
        g_string_append (shown, "\\\\");
      else if (c == '\n')
        g_string_append (shown, "\\n");
      else if (g_unichar_iscntrl (c))
        g_string_append_printf (shown, "\\%03o", c);
      else
        g_string_append_unichar (shown, c);
    }

  return g_string_free (shown, FALSE);
}

static void
add_string (JsonBuilder *builder,
            const char  *name,
            const char  *value)
{
  g_autofree char *valid = NULL;

  if (value == NULL)
    return;

  valid = g_utf8_make_valid (value, -1);
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, valid);
}

static void
add_number (JsonBuilder *builder,
            const char  *name,
            gint64       value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_entry (JsonBuilder *builder,
           TvmTarEntry *entry)
{
  static const char *const types[] = {
    [G_FILE_TYPE_REGULAR] = "file",
    [G_FILE_TYPE_DIRECTORY] = "directory",
    [G_FILE_TYPE_SYMBOLIC_LINK] = "symlink",
    [G_FILE_TYPE_SPECIAL] = "special",
  };

  json_builder_begin_object (builder);
  add_string (builder, "name", tvm_tar_entry_get_name (entry));
  add_string (builder, "type", types[tvm_tar_entry_get_file_type (entry)]);
  add_number (builder, "size", (gint64) tvm_tar_entry_get_size (entry));
  add_number (builder, "mode", tvm_tar_entry_get_mode (entry));
  add_number (builder, "mtime", tvm_tar_entry_get_mtime (entry));
  add_string (builder, "symlink_target", tvm_tar_entry_get_symlink_target (entry));
  add_string (builder, "hard_link_target", tvm_tar_entry_get_hard_link_target (entry));
  json_builder_end_object (builder);
}

static gboolean
write_json (GListModel *list)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "entries");
  json_builder_begin_array (builder);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, i);

      add_entry (builder, entry);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return tool_write_json (builder);
}

static gboolean
write_names (GListModel *list)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TvmTarEntry) entry = g_list_model_get_item (list, i);
      g_autofree char *shown = show_name (tvm_tar_entry_get_name (entry));

      g_string_append_printf (text, "%s\n", shown);
    }
  return tool_write (text->str);
}

static int
list (Tool          *tool,
      TvmTarOptions *options,
      const char    *archive,
      gboolean       json)
{
  g_autoptr (GListModel) entries = NULL;
  g_autoptr (GError) error = NULL;

  tvm_tar_list_async (archive, options, tool->cancellable, tool_ready, tool);
  entries = tvm_tar_list_finish (tool_wait (tool), &error);
  if (entries == NULL)
    return tool_fail (tool, error);

  return (json ? write_json : write_names) (entries) ? 0 : TOOL_EXIT_FAILURE;
}

static int
unpack (Tool          *tool,
        TvmTarOptions *options,
        const char    *archive,
        const char    *folder)
{
  g_autoptr (ToolProgress) progress = watch (options, archive);
  g_autoptr (GError) error = NULL;

  tvm_tar_extract_async (archive, folder, options, tool->cancellable, tool_ready, tool);
  if (tvm_tar_extract_finish (tool_wait (tool), &error))
    return 0;

  tool_progress_hide (progress);
  return tool_fail (tool, error);
}

/* What the command line says of the limits; -1 is nothing */
typedef struct
{
  char *links;
  gint64 max_entries;
  char *max_size;
  gint64 max_ratio;
} Limits;

static void
limits_clear (Limits *self)
{
  g_free (self->links);
  g_free (self->max_size);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Limits, limits_clear)

/* Returns: 0, or the exit status */
static int
apply_limits (const Limits  *limits,
              TvmTarOptions *options)
{
  guint64 size = 0;
  int status;

  if ((status = set_by_nick ("untar", options, "links", limits->links)) != 0
      || (status = check_range ("untar", "--max-entries", limits->max_entries, -1, G_MAXINT64)) != 0
      || (status = check_range ("untar", "--max-ratio", limits->max_ratio, 1, G_MAXINT64)) != 0)
    return status;
  if (limits->max_size != NULL && !tool_parse_size (limits->max_size, &size))
    return tool_usage ("untar", _("“%s” is no size; write it as 800M or 2G"), limits->max_size);

  if (limits->max_entries >= 0)
    tvm_tar_options_set_max_entries (options, (guint64) limits->max_entries);
  tvm_tar_options_set_max_ratio (options, (guint64) limits->max_ratio);
  if (limits->max_size != NULL)
    tvm_tar_options_set_max_size (options, size);
  return 0;
}

int
tool_run_untar (Tool  *tool,
                char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (TvmTarOptions) options = tvm_tar_options_new ();
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) rest = NULL;
  g_auto (Limits) limits = {
    .max_entries = -1,
    .max_ratio = (gint64) tvm_tar_options_get_max_ratio (options),
  };
  gboolean only_list = FALSE;
  gboolean xattrs = FALSE;
  gboolean json = FALSE;
  int status = 0;
  const GOptionEntry entries[] = {
    { "list", 't', 0, G_OPTION_ARG_NONE, &only_list, N_("Write the names, unpack nothing"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_("With --list: write JSON"), NULL },
    { "links", 0, 0, G_OPTION_ARG_STRING, &limits.links, N_("refuse, skip or inside"), N_("HOW") },
    { "xattrs", 0, 0, G_OPTION_ARG_NONE, &xattrs, N_("Unpack extended attributes"), NULL },
    { "max-entries", 0, 0, G_OPTION_ARG_INT64, &limits.max_entries,
      N_("How many files and folders there may be"), N_("NUMBER") },
    { "max-size", 0, 0, G_OPTION_ARG_STRING, &limits.max_size,
      N_("How much the files may hold together"), N_("SIZE") },
    { "max-ratio", 0, 0, G_OPTION_ARG_INT64, &limits.max_ratio,
      N_("How many times the size of the archive that may be"), N_("NUMBER") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL,
      N_("ARCHIVE [FOLDER]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Unpack a tar archive, which nobody needs to trust, into "
                                           "FOLDER or the current one."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (rest == NULL)
    return tool_usage ("untar", _("No archive was given"));
  if (rest[1] != NULL && (only_list || rest[2] != NULL))
    return tool_usage ("untar", _("“%s” is one word too many"), rest[only_list ? 1 : 2]);
  if (json && !only_list)
    return tool_usage ("untar", _("“%s” goes with “%s”"), "--json", "--list");

  tvm_tar_options_set_xattrs (options, xattrs);
  status = apply_limits (&limits, options);
  if (status != 0)
    return status;
  return only_list ? list (tool, options, rest[0], json)
                   : unpack (tool, options, rest[0], rest[1] != NULL ? rest[1] : ".");
}
