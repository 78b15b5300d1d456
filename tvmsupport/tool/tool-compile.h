/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <tvmsupport/tvmsupport.h>

#include "tvmsupport/tool/tool.h"

G_BEGIN_DECLS

/* What the commands that compile share */

/* Cuts off what follows a "--": the options of the compiler, none of which can then be taken for
 * one of ours.
 * Returns: (transfer full): those */
char **tool_split_options (char              **words);

/* Reads all of the standard input.
 * Returns: (transfer full) (nullable): a text without zero bytes */
GBytes *tool_read_source  (Tool               *tool,
                           GError            **error);

/* Runs @request with a line of progress; then shows what the compiler said,
 * or writes it all as JSON.
 * Returns: the exit status; *@result is (transfer full), or NULL if nothing could be run */
int    tool_compile       (Tool               *tool,
                           TvmCompiler        *compiler,
                           TvmCompileRequest  *request,
                           gboolean            json,
                           TvmCompileResult  **result);

/* Says why nothing was run. Returns: the exit status */
int    tool_compile_fail  (Tool               *tool,
                           gboolean            json,
                           const GError       *error);

/* Writes as JSON what came of a call that has no #TvmCompileResult. @error: (nullable): why it
 * failed. @log: (nullable): what the tools printed */
gboolean tool_write_outcome (const GError      *error,
                             const char        *log);

G_END_DECLS
