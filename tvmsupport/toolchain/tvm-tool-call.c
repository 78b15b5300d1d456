/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/toolchain/tvm-diagnostic-parser-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* How much of what a tool printed goes into an error message */
#define MESSAGE_TAIL_BYTES 2000

char *
tvm_tool_dup_tail (const char *text)
{
  const gsize length = strlen (text);
  const char *tail = text;

  if (length > MESSAGE_TAIL_BYTES)
    tail = g_utf8_find_next_char (text + length - MESSAGE_TAIL_BYTES - 1, NULL);

  return g_strstrip (g_strdup (tail));
}

void
tvm_tool_set_failure (GError             **error,
                      TvmError             code,
                      const char * const  *argv,
                      int                  exit_status,
                      int                  term_signal,
                      const char          *reason)
{
  g_autofree char *quoted = argv != NULL ? tvm_quote_command (argv) : NULL;
  g_autofree char *shown = g_filename_display_name (quoted != NULL ? quoted : "");
  g_autofree char *name = argv != NULL ? g_filename_display_basename (argv[0]) : NULL;

  if (reason[0] == '\0')
    reason = _("it printed nothing");

  if (term_signal != 0)
    g_set_error (error, TVM_ERROR, TVM_ERROR_CRASHED,
                 _("“%s” was ended by signal %d (%s): %s\nCommand line: %s"), name, term_signal,
                 g_strsignal (term_signal), reason, shown);
  else
    g_set_error (error, TVM_ERROR, code,
                 _("“%s” failed with exit status %d: %s\nCommand line: %s"), name, exit_status,
                 reason, shown);
}

static void
append_text (GString *text,
             GBytes  *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *plain = NULL;
  g_autofree char *valid = NULL;

  /* There is no pointer to nothing, then. */
  if (size == 0)
    return;

  /* Some paint also what goes to no terminal. */
  plain = tvm_parser_strip_escapes ((TvmSlice) { data, size }, &size);
  valid = g_utf8_make_valid (plain != NULL ? plain : data, size);

  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_c (text, '\n');
  g_string_append (text, valid);
}

char *
tvm_tool_dup_text (const TvmProcessResult *result)
{
  GString *text = g_string_new (NULL);

  append_text (text, result->stderr_bytes);
  append_text (text, result->stdout_bytes);
  return g_string_free (text, FALSE);
}

/* Some say on the standard output why they fail. */
static char *
dup_reason (const TvmProcessResult *result)
{
  g_autofree char *text = tvm_tool_dup_text (result);

  return tvm_tool_dup_tail (text);
}

static void
run_ready (GObject      *source,
           GAsyncResult *async_result,
           gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autofree char *reason = NULL;
  GError *error = NULL;

  result = tvm_process_run_finish (async_result, &error);
  if (result == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (tvm_process_result_is_success (result))
    {
      g_task_return_pointer (task, g_steal_pointer (&result),
                             (GDestroyNotify) tvm_process_result_unref);
      return;
    }

  reason = dup_reason (result);
  tvm_tool_set_failure (&error, GPOINTER_TO_INT (g_task_get_task_data (task)),
                        (const char * const *) result->argv, result->exit_status,
                        result->term_signal, reason);
  g_task_return_error (task, error);
}

void
tvm_tool_call_async (const char * const  *argv,
                     TvmError             code,
                     GCancellable        *cancellable,
                     GAsyncReadyCallback  callback,
                     gpointer             user_data)
{
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new (argv);
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, tvm_tool_call_async);
  /* What the tool has done is done. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, GINT_TO_POINTER (code), NULL);

  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "LC_ALL", "C.UTF-8");
  tvm_process_spec_setenv (spec, "LANGUAGE", NULL);
  tvm_process_run_async (spec, cancellable, run_ready, task);
}

TvmProcessResult *
tvm_tool_call_finish (GAsyncResult  *result,
                      GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
tvm_task_run_step (GTask               *task,
                   GTaskThreadFunc      func,
                   GAsyncReadyCallback  callback)
{
  g_autoptr (GTask) thread_task =
    g_task_new (NULL, g_task_get_cancellable (task), callback, g_object_ref (task));

  g_task_set_source_tag (thread_task, tvm_task_run_step);
  /* A file that is in its place is a success, whatever happens later. */
  g_task_set_check_cancellable (thread_task, FALSE);
  g_task_set_task_data (thread_task, g_object_ref (task), g_object_unref);
  tvm_task_run_in_thread (thread_task, func);
}
