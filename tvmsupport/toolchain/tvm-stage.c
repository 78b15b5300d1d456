/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-stage-private.h"

#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

/* Files of ours in the folder start with this, so that they are told from what the tool wrote. */
#define OWN_PREFIX ".tvm-"

struct _TvmStage
{
  char *output;
  TvmTempPlace *folder;
  char *path;
};

TvmStage *
tvm_stage_new (const char  *output,
               GError     **error)
{
  g_autoptr (TvmStage) stage = g_new0 (TvmStage, 1);
  g_autofree char *parent = g_path_get_dirname (output);
  g_autofree char *base = g_path_get_basename (output);

  tvm_temp_sweep_once (parent, TVM_TEMP_STAGE_PREFIX);
  stage->output = g_strdup (output);
  stage->folder = tvm_temp_place_new_in (parent, TVM_TEMP_STAGE_PREFIX, FALSE, error);
  if (stage->folder == NULL)
    {
      g_autofree char *shown = g_filename_display_name (output);

      g_prefix_error (error, _("The output “%s” cannot be written: "), shown);
      return NULL;
    }

  stage->path = g_build_filename (stage->folder->path, base, NULL);
  return g_steal_pointer (&stage);
}

void
tvm_stage_free (TvmStage *stage)
{
  if (stage->folder != NULL)
    tvm_temp_place_drop (stage->folder);
  g_clear_pointer (&stage->folder, tvm_temp_place_unref);

  g_free (stage->output);
  g_free (stage->path);
  g_free (stage);
}

const char *
tvm_stage_get_folder (TvmStage *stage)
{
  return stage->folder->path;
}

const char *
tvm_stage_get_path (TvmStage *stage)
{
  return stage->path;
}

char *
tvm_stage_build_path (TvmStage   *stage,
                      const char *name)
{
  g_autofree char *own = g_strconcat (OWN_PREFIX, name, NULL);

  return g_build_filename (stage->folder->path, own, NULL);
}

static gboolean
move_to_place (const char  *from,
               const char  *to,
               GError     **error)
{
  g_autofree char *shown = NULL;
  int errsv;

  if (rename (from, to) == 0)
    return TRUE;
  /* A folder with something in it, which then goes with the stage */
  if ((errno == ENOTEMPTY || errno == EEXIST) &&
      renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
    return TRUE;

  errsv = errno;
  shown = g_filename_display_name (to);
  return tvm_error_set_errno (error, errsv, _("The output “%s” cannot be written"), shown);
}

/* What the tool wrote beside its output, first: once the output is there, all of it is. */
static gboolean
move_side_outputs (TvmStage  *stage,
                   GError   **error)
{
  g_autoptr (GDir) dir = g_dir_open (stage->folder->path, 0, error);
  g_autofree char *parent = g_path_get_dirname (stage->output);
  g_autofree char *base = g_path_get_basename (stage->output);
  const char *name;

  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *from = g_build_filename (stage->folder->path, name, NULL);
      g_autofree char *to = g_build_filename (parent, name, NULL);

      if (strcmp (name, base) == 0 || g_str_has_prefix (name, OWN_PREFIX))
        continue;
      if (!move_to_place (from, to, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
tvm_stage_check_made (const char  *path,
                      const char  *output,
                      GError     **error)
{
  g_autofree char *shown = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;

  shown = g_filename_display_name (output);
  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
               _("The tool reported success but did not make the output “%s”"), shown);
  return FALSE;
}

gboolean
tvm_stage_commit (TvmStage  *stage,
                  GError   **error)
{
  return tvm_stage_check_made (stage->path, stage->output, error) &&
         move_side_outputs (stage, error) && move_to_place (stage->path, stage->output, error);
}

gboolean
tvm_stage_write (const char  *output,
                 GBytes      *bytes,
                 GError     **error)
{
  g_autoptr (TvmStage) stage = tvm_stage_new (output, error);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return stage != NULL &&
         g_file_set_contents_full (stage->path, size > 0 ? data : "", size,
                                   G_FILE_SET_CONTENTS_NONE, 0666, error) &&
         tvm_stage_commit (stage, error);
}
