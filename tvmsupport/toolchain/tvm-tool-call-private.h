/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/tvm-error.h"

G_BEGIN_DECLS

/*
 * A tool that is not driven by a TvmCompiler, such as llvm-link, xcrun or rocminfo, is called: it runs
 * to its end, and that it fails is an error. The error has the code that was asked for, or
 * TVM_ERROR_CRASHED, and its message the reason that the tool gave and the command line.
 */

/* With messages in English and a TMPDIR of its own */
void              tvm_tool_call_async  (const char * const   *argv,
                                        TvmError              code,
                                        GCancellable         *cancellable,
                                        GAsyncReadyCallback   callback,
                                        gpointer              user_data);
TvmProcessResult *tvm_tool_call_finish (GAsyncResult         *result,
                                        GError              **error);

/* The same for a tool that makes @output, which appears whole or not at all: where the tool is to
 * write stands in the place of the word TVM_TOOL_OUTPUT. */
#define TVM_TOOL_OUTPUT "\001output"

void              tvm_tool_make_async  (const char * const   *argv,
                                        const char           *output,
                                        TvmError              code,
                                        GCancellable         *cancellable,
                                        GAsyncReadyCallback   callback,
                                        gpointer              user_data);
gboolean          tvm_tool_make_finish (GAsyncResult         *result,
                                        GError              **error);

/* For a tool that ended with a status, or by a signal if that is not 0 */
void              tvm_tool_set_failure (GError              **error,
                                        TvmError              code,
                                        const char * const   *argv,
                                        int                   exit_status,
                                        int                   term_signal,
                                        const char           *reason);
/* Returns: (transfer full): so much of the end of what a tool printed as a message may have */
char             *tvm_tool_dup_tail    (const char           *text);

/* Returns: (transfer full): all that a tool printed, as UTF-8 without colours */
char             *tvm_tool_dup_text    (const TvmProcessResult *result);

/* A step of @task that blocks: @func runs in a thread and is given @task as its task data, and
 * @callback as its user data, which it owns. */
void              tvm_task_run_step    (GTask                *task,
                                        GTaskThreadFunc       func,
                                        GAsyncReadyCallback   callback);

G_END_DECLS
