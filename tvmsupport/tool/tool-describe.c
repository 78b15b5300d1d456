/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>

#include <tvmsupport/tvmsupport.h>

int
tool_run_describe (Tool  *tool,
                   char **argv)
{
  static const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  int status = 0;

  g_option_context_set_summary (context, _("Describe the library, what it was built with, and the "
                                           "compilers and tools of this machine."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (words[1] != NULL)
    return tool_usage ("describe", _("“%s” is one word too many"), words[1]);

  tvm_describe_async (tool->cancellable, tool_ready, tool);
  text = tvm_describe_finish (tool_wait (tool), &error);
  if (text == NULL)
    return tool_fail (tool, error);

  line = g_strconcat (text, g_str_has_suffix (text, "\n") ? "" : "\n", NULL);
  return tool_write (line) ? 0 : TOOL_EXIT_FAILURE;
}
