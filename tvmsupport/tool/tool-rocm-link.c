/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>

#include <tvmsupport/tvmsupport.h>

int
tool_run_rocm_link (Tool  *tool,
                    char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  g_autofree char *output = NULL;
  g_autofree char *lld = NULL;
  g_auto (GStrv) inputs = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, N_("Write to this file"), N_("FILE") },
    { "lld", 0, 0, G_OPTION_ARG_FILENAME, &lld, N_("Use this linker"), N_("PROGRAM") },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs, NULL, N_("OBJECT") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Link an object for a GPU of AMD."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (output == NULL)
    return tool_usage ("rocm-link", _("No output was given; name it with -o"));
  if (g_str_equal (output, "-"))
    return tool_usage ("rocm-link", _("“-” is no file to write to"));
  if (inputs == NULL || g_strv_length (inputs) != 1)
    return tool_usage ("rocm-link", _("Name one object"));

  tvm_rocm_link_async (inputs[0], output, lld, tool->cancellable, tool_ready, tool);
  if (!tvm_rocm_link_finish (tool_wait (tool), &error))
    return tool_fail (tool, error);

  return 0;
}
