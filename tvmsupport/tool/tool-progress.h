/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <tvmsupport/tvmsupport.h>

G_BEGIN_DECLS

/* A line on the terminal that shows how far something is; nothing where the standard error is no
 * terminal. */
typedef struct _ToolProgress ToolProgress;

ToolProgress *tool_progress_new   (const char   *what);
/* Wipes the line */
void          tool_progress_free  (ToolProgress *self);

/* Shows how far the compiles are. */
void          tool_progress_watch (ToolProgress *self,
                                   TvmCompiler  *compiler);
/* @n_total: 0 if it is not known
 * @what: (nullable): takes the place of what was shown behind the numbers */
void          tool_progress_set   (ToolProgress *self,
                                   guint64       n_done,
                                   guint64       n_total,
                                   const char   *what);
/* Wipes the line, so that something else can be written, until it is set again */
void          tool_progress_hide  (ToolProgress *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolProgress, tool_progress_free)

G_END_DECLS
