/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * TvmStage: how an output appears whole or not at all.
 *
 * The tool writes under the real base name into a hidden folder beside the output, on the same file
 * system; a rename brings it to its place. The base name is kept because tools derive the names of
 * side outputs (.dwo, .gcno) from it; those move along. All of this blocks, so it is done in a
 * thread.
 *
 * If the application is killed, the supervisor of the tool removes the folder. There is none just
 * after the folder was made and while the output is brought to its place: what is left by a kill
 * then, the first stage that another process makes beside it removes.
 */
typedef struct _TvmStage TvmStage;

TvmStage   *tvm_stage_new        (const char  *output,
                                  GError     **error);
/* Removes the folder with all that is left in it */
void        tvm_stage_free       (TvmStage    *stage);
const char *tvm_stage_get_folder (TvmStage    *stage);
/* Where the tool is to write */
const char *tvm_stage_get_path   (TvmStage    *stage);
/* A file of ours in the folder, which never moves to the place of the output */
char       *tvm_stage_build_path (TvmStage    *stage,
                                  const char  *name);
/* Whether a tool that reported success made @path; @output is what the error calls it */
gboolean    tvm_stage_check_made (const char *path,
                                  const char *output,
                                  GError    **error);
gboolean    tvm_stage_commit     (TvmStage    *stage,
                                  GError     **error);
/* All of it, for an output that is in memory */
gboolean    tvm_stage_write      (const char  *output,
                                  GBytes      *bytes,
                                  GError     **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmStage, tvm_stage_free)

G_END_DECLS
