/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"

#include <glib/gi18n.h>
#include <stdio.h>

typedef struct
{
  char *output;       /* (owned) (nullable) */
  char *command;      /* (owned) (nullable) */
  char *language;     /* (owned) (nullable) */
  double timeout;
  gboolean json;
  char **inputs;      /* (owned) (nullable) */
  char **options;     /* (owned): what stood behind "--" */
} Settings;

static void
settings_clear (Settings *self)
{
  g_free (self->output);
  g_free (self->command);
  g_free (self->language);
  g_strfreev (self->inputs);
  g_strfreev (self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* Checks what GOption cannot. Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  if (self->language != NULL && !g_str_equal (self->language, "c") &&
      !g_str_equal (self->language, "c++"))
    return tool_usage ("llvm-ir", _("“%s” is no language; there are c and c++"), self->language);

  if (self->output != NULL && g_str_equal (self->output, "-"))
    g_clear_pointer (&self->output, g_free);
  if (self->json && self->output == NULL)
    return tool_usage ("llvm-ir", _("The JSON goes to the standard output; name a file for the code "
                                    "with -o"));

  return tool_check_seconds ("llvm-ir", self->timeout);
}

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (_("[-- COMPILER OPTION…]"));
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_("Write to this file (default, and -: the standard output)"), N_("FILE") },
    { "language", 'x', 0, G_OPTION_ARG_STRING, &self->language,
      N_("What the inputs are: c or c++ (default: what their names say, and c++ for the standard "
         "input)"), N_("LANGUAGE") },
    { "cc", 0, 0, G_OPTION_ARG_FILENAME, &self->command,
      N_("Use this clang, which may be given with arguments"), N_("COMMAND") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End the tools if all of it takes longer (0: no limit)"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL,
      N_("[INPUT…]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Make LLVM's intermediate language, as text, of C and C++ "
                                           "sources. Several become one module. Without an "
                                           "input, or with -, the standard input is read."));
  self->options = tool_split_options (words);
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  *status = check_settings (self);
  return *status == 0;
}

/* Returns: (transfer full) (nullable): what stands in the standard input, in a form that nobody takes
 * for the name of a file */
static char *
read_source (Tool    *tool,
             GError **error)
{
  g_autoptr (GBytes) bytes = tool_read_source (tool, error);
  gsize size = 0;
  const char *text = NULL;

  if (bytes == NULL)
    return NULL;

  text = g_bytes_get_data (bytes, &size);
  return g_strdup_printf ("%.*s\n", (int) size, size > 0 ? text : "");
}

/* Puts what stands in the standard input in the place of "-". */
static gboolean
find_inputs (Tool         *tool,
             Settings     *self,
             GError      **error)
{
  guint n_read = 0;

  if (self->inputs == NULL)
    self->inputs = g_strdupv ((char *[]) { (char *) "-", NULL });

  for (guint i = 0; self->inputs[i] != NULL; i++)
    {
      g_autofree char *word = self->inputs[i];

      self->inputs[i] = NULL;
      if (!g_str_equal (word, "-"))
        {
          self->inputs[i] = g_steal_pointer (&word);
          continue;
        }
      self->inputs[i] = n_read++ == 0 ? read_source (tool, error) : g_strdup ("\n");
      if (self->inputs[i] == NULL)
        {
          /* The words behind it are still there. */
          self->inputs[i] = g_steal_pointer (&word);
          return FALSE;
        }
    }

  return TRUE;
}

/* Returns: (nullable): the first input that is no file, by name */
static const char *
find_missing (char **inputs)
{
  for (guint i = 0; inputs[i] != NULL; i++)
    {
      if (!g_str_equal (inputs[i], "-") && !g_file_test (inputs[i], G_FILE_TEST_EXISTS))
        return inputs[i];
    }

  return NULL;
}

/* Returns: (transfer full) (nullable): the text; *@log is what the tools printed, or NULL if none was
 * run */
static char *
create_llvm (Tool      *tool,
             Settings  *settings,
             char     **log,
             GError   **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) options = NULL;
  char *text;

  if (settings->inputs != NULL && find_missing (settings->inputs) != NULL)
    {
      g_autofree char *shown = g_filename_display_name (find_missing (settings->inputs));

      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND, _("There is no file “%s”"), shown);
      return NULL;
    }
  if (!find_inputs (tool, settings, error))
    return NULL;

  if (settings->language != NULL)
    g_strv_builder_add_many (builder, "-x", settings->language, NULL);
  g_strv_builder_addv (builder, (const char **) settings->options);
  options = g_strv_builder_end (builder);

  tool_set_timeout (tool, settings->timeout);
  tvm_clang_create_llvm_async ((const char * const *) settings->inputs, settings->output,
                               (const char * const *) options, settings->command,
                               tool->cancellable, tool_ready, tool);
  text = tvm_clang_create_llvm_with_log_finish (tool_wait (tool), log, error);
  if (text == NULL)
    tool_name_timeout (tool, error);
  return text;
}

/* What clang had to say has been shown, or is in the JSON. */
static int
fail (Tool           *tool,
      const Settings *settings,
      const char     *log,
      const GError   *error)
{
  if (settings->json && tool->signal == 0)
    return TOOL_EXIT_FAILURE;
  if (log == NULL || *log == '\0' ||
      !g_error_matches (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED))
    return tool_fail (tool, error);

  tool_complain (_("No module was made"));
  return TOOL_EXIT_FAILURE;
}

int
tool_run_llvm_ir (Tool  *tool,
                  char **argv)
{
  g_auto (Settings) settings = { NULL, };
  g_autofree char *text = NULL;
  g_autofree char *log = NULL;
  g_autoptr (GError) error = NULL;
  gboolean written = TRUE;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  text = create_llvm (tool, &settings, &log, &error);
  if (settings.json && tool->signal == 0)
    written = tool_write_outcome (error, log);
  else if (log != NULL)
    fputs (log, stderr);

  if (text == NULL)
    return fail (tool, &settings, log, error);
  if (settings.output == NULL)
    written = tool_write (text);
  return written ? 0 : TOOL_EXIT_FAILURE;
}
