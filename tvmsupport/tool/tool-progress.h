/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <tvmsupport/tvmsupport.h>

G_BEGIN_DECLS

/* A line on the terminal that shows how far a compile is; nothing where the standard error is no
 * terminal. */
typedef struct _ToolProgress ToolProgress;

ToolProgress *tool_progress_new  (TvmCompiler  *compiler,
                                  const char   *what);
/* Wipes the line */
void          tool_progress_free (ToolProgress *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolProgress, tool_progress_free)

G_END_DECLS
