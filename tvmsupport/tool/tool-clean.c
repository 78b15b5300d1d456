/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>
#include <string.h>

#include <tvmsupport/tvmsupport.h>

/* Writes the paths as they are, also those that are not UTF-8. */
static gboolean
write_paths (char     **paths,
             gboolean   null)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      gsize length = strlen (paths[i]);

      /* The zero byte is there already. */
      if (!null)
        paths[i][length] = '\n';
      if (!tool_write_data (paths[i], length + 1))
        return FALSE;
    }

  return TRUE;
}

/* Returns: the exit status */
static int
clean (Tool       *tool,
       const char *folder,
       gboolean    dry_run,
       gboolean    null)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = NULL;

  tvm_temp_directory_clean_async (folder, dry_run, tool->cancellable, tool_ready, tool);
  paths = tvm_temp_directory_clean_finish (tool_wait (tool), &error);
  if (paths == NULL)
    return tool_fail (tool, error);

  return write_paths (paths, null) ? 0 : TOOL_EXIT_FAILURE;
}

int
tool_run_clean (Tool  *tool,
                char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  g_auto (GStrv) folders = NULL;
  gboolean dry_run = FALSE;
  gboolean null = FALSE;
  int status = 0;
  const GOptionEntry entries[] = {
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, N_("Show what would be removed"), NULL },
    { "null", '0', 0, G_OPTION_ARG_NONE, &null, N_("End each name with a zero byte"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders, NULL, N_("[FOLDER…]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Remove the temporary directories that killed programs "
                                           "left, in FOLDER or where temporary files go."));
  if (!tool_parse (context, entries, &words, &status))
    return status;
  if (folders == NULL)
    return clean (tool, NULL, dry_run, null);

  for (guint i = 0; folders[i] != NULL && tool->signal == 0; i++)
    {
      int folder_status = clean (tool, folders[i], dry_run, null);

      status = MAX (status, folder_status);
    }
  return status;
}
