/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"
#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>

#include <tvmsupport/tvmsupport.h>

typedef struct
{
  char *output;     /* (owned) (nullable) */
  char *lld;        /* (owned) (nullable) */
  double timeout;
  gboolean json;
  char **inputs;    /* (owned) (nullable) */
} Settings;

static void
settings_clear (Settings *self)
{
  g_free (self->output);
  g_free (self->lld);
  g_strfreev (self->inputs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output, N_("Write to this file"),
      N_("FILE") },
    { "lld", 0, 0, G_OPTION_ARG_FILENAME, &self->lld, N_("Use this linker"), N_("PROGRAM") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End a linker that runs longer (0: no limit)"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL, N_("OBJECT") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Link an object for a GPU of AMD."));
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  if (self->output == NULL)
    *status = tool_usage ("rocm-link", _("No output was given; name it with -o"));
  else if (g_str_equal (self->output, "-"))
    *status = tool_usage ("rocm-link", _("“-” is no file to write to"));
  else if (self->inputs == NULL || g_strv_length (self->inputs) != 1)
    *status = tool_usage ("rocm-link", _("Name one object"));
  else
    *status = tool_check_seconds ("rocm-link", self->timeout);
  return *status == 0;
}

int
tool_run_rocm_link (Tool  *tool,
                    char **argv)
{
  g_auto (Settings) settings = { NULL, };
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  tool_set_timeout (tool, settings.timeout);
  tvm_rocm_link_async (settings.inputs[0], settings.output, settings.lld, tool->cancellable,
                       tool_ready, tool);
  if (!tvm_rocm_link_finish (tool_wait (tool), &error))
    {
      tool_name_timeout (tool, &error);
      return tool_compile_fail (tool, settings.json, error);
    }

  return !settings.json || tool_write_outcome (NULL, NULL) ? 0 : TOOL_EXIT_FAILURE;
}
