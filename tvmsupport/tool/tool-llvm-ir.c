/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"

#include <glib/gi18n.h>

typedef struct
{
  char *output;       /* (owned) (nullable) */
  char *command;      /* (owned) (nullable) */
  char *language;     /* (owned) (nullable) */
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

  *status = 0;
  if (self->language != NULL && !g_str_equal (self->language, "c") &&
      !g_str_equal (self->language, "c++"))
    *status = tool_usage ("llvm-ir", _("“%s” is no language; there are c and c++"),
                          self->language);
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

int
tool_run_llvm_ir (Tool  *tool,
                  char **argv)
{
  g_auto (Settings) settings = { NULL, };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) options = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gboolean to_stdout;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;
  if (settings.inputs != NULL && find_missing (settings.inputs) != NULL)
    {
      g_autofree char *shown = g_filename_display_name (find_missing (settings.inputs));

      tool_complain (_("There is no file “%s”"), shown);
      return TOOL_EXIT_FAILURE;
    }
  if (!find_inputs (tool, &settings, &error))
    return tool_fail (tool, error);

  if (settings.language != NULL)
    g_strv_builder_add_many (builder, "-x", settings.language, NULL);
  g_strv_builder_addv (builder, (const char **) settings.options);
  options = g_strv_builder_end (builder);
  to_stdout = settings.output == NULL || g_str_equal (settings.output, "-");

  tvm_clang_create_llvm_async ((const char * const *) settings.inputs,
                               to_stdout ? NULL : settings.output,
                               (const char * const *) options, settings.command,
                               tool->cancellable, tool_ready, tool);
  text = tvm_clang_create_llvm_finish (tool_wait (tool), &error);
  if (text == NULL)
    return tool_fail (tool, error);

  return !to_stdout || tool_write (text) ? 0 : TOOL_EXIT_FAILURE;
}
