/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <tvmsupport/tvmsupport.h>

/* 31 years */
#define MAX_SECONDS 999999999

/* The first signal ends the work in order. The second one means it: the supervisor of the library
 * cleans up behind a program that dies. */
static gboolean
interrupted (Tool *tool,
             int   signum)
{
  if (tool->signal != 0)
    {
      signal (signum, SIG_DFL);
      raise (signum);
    }

  tool->signal = signum;
  g_cancellable_cancel (tool->cancellable);
  return G_SOURCE_CONTINUE;
}

static gboolean
got_sigint (gpointer user_data)
{
  return interrupted (user_data, SIGINT);
}

static gboolean
got_sigterm (gpointer user_data)
{
  return interrupted (user_data, SIGTERM);
}

/* The terminal was closed. */
static gboolean
got_sighup (gpointer user_data)
{
  return interrupted (user_data, SIGHUP);
}

/* nohup has it that SIGHUP is ignored, and a handler would undo that. */
static gboolean
is_ignored (int signum)
{
  struct sigaction action;

  return sigaction (signum, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void
tool_init (Tool *tool)
{
  tool->cancellable = g_cancellable_new ();
  tool->result = NULL;
  tool->signal = 0;
  tool->timeout_source = 0;
  tool->timeout = 0;
  tool->sources[0] = g_unix_signal_add (SIGINT, got_sigint, tool);
  tool->sources[1] = g_unix_signal_add (SIGTERM, got_sigterm, tool);
  tool->sources[2] = is_ignored (SIGHUP) ? 0 : g_unix_signal_add (SIGHUP, got_sighup, tool);
}

void
tool_clear (Tool *tool)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tool->sources); i++)
    g_clear_handle_id (&tool->sources[i], g_source_remove);
  g_clear_handle_id (&tool->timeout_source, g_source_remove);
  g_clear_object (&tool->cancellable);
  g_clear_object (&tool->result);
}

typedef struct
{
  Tool *tool;
  double seconds;
} Limit;

static gboolean
limit_reached (gpointer user_data)
{
  Limit *limit = user_data;

  limit->tool->timeout_source = 0;
  limit->tool->timeout = limit->seconds;
  g_cancellable_cancel (limit->tool->cancellable);
  return G_SOURCE_REMOVE;
}

void
tool_set_timeout (Tool   *tool,
                  double  seconds)
{
  Limit *limit;

  /* What a timer cannot count, nobody waits for. */
  if (seconds <= 0 || seconds * 1000 >= G_MAXUINT)
    return;

  limit = g_new (Limit, 1);
  *limit = (Limit) { tool, seconds };
  tool->timeout_source = g_timeout_add_full (G_PRIORITY_DEFAULT, MAX ((guint) (seconds * 1000), 1),
                                             limit_reached, limit, g_free);
}

void
tool_name_timeout (Tool    *tool,
                   GError **error)
{
  if (tool->signal != 0 || tool->timeout <= 0 ||
      !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  g_clear_error (error);
  g_set_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT, _("The time limit of %g s was reached"),
               tool->timeout);
}

/* The GAsyncReadyCallback of every call that a sub-command makes */
void
tool_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Tool *tool = user_data;

  g_set_object (&tool->result, result);
}

/* Returns: (transfer none): the result, which lives until the next call of this function */
GAsyncResult *
tool_wait (Tool *tool)
{
  g_clear_object (&tool->result);
  while (tool->result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return tool->result;
}

void
tool_complain (const char *format,
               ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  g_printerr ("%s: %s\n", g_get_prgname (), message);
}

int
tool_fail (Tool         *tool,
           const GError *error)
{
  if (tool->signal != 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return 128 + tool->signal;

  tool_complain ("%s", error->message);
  return TOOL_EXIT_FAILURE;
}

int
tool_usage (const char *command,
            const char *format,
            ...)
{
  g_autofree char *message = NULL;
  g_autofree char *help = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  if (command != NULL)
    help = g_strdup_printf ("%s %s --help", g_get_prgname (), command);
  else
    help = g_strdup_printf ("%s --help", g_get_prgname ());
  tool_complain ("%s", message);
  g_printerr (_("Try “%s” for more information.\n"), help);
  return TOOL_EXIT_USAGE;
}

/* Writes @text to the standard output as it is. Returns FALSE, having said why, if it did not get
 * there: a full disk is a failure of the command. */
gboolean
tool_write (const char *text)
{
  return tool_write_data (text, strlen (text));
}

gboolean
tool_write_data (const char *data,
                 gsize       size)
{
  if (fwrite (data, 1, size, stdout) == size && fflush (stdout) == 0)
    return TRUE;

  tool_complain (_("Cannot write to the standard output: %s"), g_strerror (errno));
  return FALSE;
}

/* The members that tell a program of a failure */
void
tool_add_json_error (JsonBuilder *builder,
                     const char  *message)
{
  g_autofree char *valid = g_utf8_make_valid (message, -1);

  json_builder_set_member_name (builder, "successful");
  json_builder_add_boolean_value (builder, FALSE);
  json_builder_set_member_name (builder, "error");
  json_builder_add_string_value (builder, valid);
}

char *
tool_format_json (JsonBuilder *builder,
                  gboolean     pretty)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);

  return json_to_string (root, pretty);
}

gboolean
tool_write_json (JsonBuilder *builder)
{
  g_autofree char *json = tool_format_json (builder, TRUE);
  g_autofree char *line = g_strconcat (json, "\n", NULL);

  return tool_write (line);
}

/* Returns: (nullable): the option with a value that @word begins with; its value may be glued to it
 * if it is a short one */
static const GOptionEntry *
find_option_with_value (const GOptionEntry *entries,
                        const char         *word)
{
  if (word[0] != '-')
    return NULL;

  for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++)
    {
      if (entry->arg == G_OPTION_ARG_NONE)
        continue;
      if (word[1] == '-' ? g_str_equal (word + 2, entry->long_name)
                         : entry->short_name != 0 && word[1] == entry->short_name)
        return entry;
    }

  return NULL;
}

/* GOption wants a blank between a short option and its value; everybody writes "-j2" too.
 * @strict: the first word that is no option ends them; it is a program, whose own ones follow */
static void
split_glued_options (const GOptionEntry   *entries,
                     gboolean              strict,
                     char               ***argv)
{
  g_auto (GStrv) words = *argv;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint i = 0;

  /* The name of the command */
  g_strv_builder_add (builder, words[i++]);
  for (; words[i] != NULL && !g_str_equal (words[i], "--"); i++)
    {
      const char *word = words[i];

      if (strict && (word[0] != '-' || word[1] == '\0'))
        break;

      if (find_option_with_value (entries, word) == NULL)
        {
          g_strv_builder_add (builder, word);
        }
      else if (word[1] != '-' && word[2] != '\0')
        {
          const char option[] = { '-', word[1], '\0' };

          g_strv_builder_add_many (builder, option, word + 2, NULL);
        }
      else
        {
          /* The next word is its value, whatever it looks like. */
          g_strv_builder_add (builder, word);
          if (words[i + 1] != NULL)
            g_strv_builder_add (builder, words[++i]);
        }
    }
  for (; words[i] != NULL; i++)
    g_strv_builder_add (builder, words[i]);

  *argv = g_strv_builder_end (builder);
}

gboolean
tool_parse (GOptionContext       *context,
            const GOptionEntry   *entries,
            char               ***argv,
            int                  *status)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup ((*argv)[0]);
  gboolean help = FALSE;
  const GOptionEntry more[] = {
    { "help", 'h', 0, G_OPTION_ARG_NONE, &help, N_("Show this help"), NULL },
    G_OPTION_ENTRY_NULL
  };

  /* The help of GLib would end the process itself, and name the group of options. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, more, GETTEXT_PACKAGE);
  split_glued_options (entries, g_option_context_get_strict_posix (context), argv);
  if (!g_option_context_parse_strv (context, argv, &error))
    {
      *status = tool_usage (name, "%s", error->message);
      return FALSE;
    }

  if (help)
    {
      g_autofree char *program = g_strdup (g_get_prgname ());
      g_autofree char *both = g_strdup_printf ("%s %s", program, name);
      g_autofree char *text = NULL;

      g_set_prgname (both);
      text = g_option_context_get_help (context, TRUE, NULL);
      g_set_prgname (program);
      *status = tool_write (text) ? 0 : TOOL_EXIT_FAILURE;
      return FALSE;
    }

  return TRUE;
}

/* "512M" or "1.5G": a number of bytes, with a suffix of powers of 1024, which may be a fraction */
gboolean
tool_parse_size (const char *text,
                 guint64    *size)
{
  static const char suffixes[] = "KMGT";
  const char *suffix = NULL;
  char *end = NULL;
  double fraction = 0;
  guint shift = 0;

  if (!g_ascii_isdigit (*text))
    return FALSE;

  errno = 0;
  *size = g_ascii_strtoull (text, &end, 10);
  if (errno == 0 && *end == '.' && g_ascii_isdigit (end[1]))
    {
      const char *digit = end + 1;

      for (double unit = 0.1; g_ascii_isdigit (*digit); digit++, unit /= 10)
        fraction += unit * g_ascii_digit_value (*digit);
      end = (char *) digit;
    }

  suffix = *end != '\0' ? strchr (suffixes, g_ascii_toupper (*end)) : NULL;
  if (suffix != NULL)
    {
      shift = 10 * (guint) (suffix - suffixes + 1);
      end++;
    }

  if (errno != 0 || *end != '\0' || *size >= (G_MAXUINT64 >> shift)
      || (fraction > 0 && shift == 0))
    return FALSE;

  *size = (*size << shift) + (guint64) (fraction * (double) ((guint64) 1 << shift));
  return TRUE;
}

int
tool_check_seconds (const char *command,
                    double      number)
{
  /* The limits of the library are milliseconds in a 64-bit integer; nobody waits for longer than
   * this anyway. */
  if (number > MAX_SECONDS)
    return tool_usage (command, _("%.12g seconds are too many; %d are possible"), number,
                       MAX_SECONDS);
  if (!(number >= 0))
    return tool_usage (command, _("%g is no number of seconds"), number);
  return 0;
}
