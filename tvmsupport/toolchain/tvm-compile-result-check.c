/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-result-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/* A failure in words */

/* The step that made the whole fail, or the whole if it has no steps */
static TvmCompileResult *
find_failed_step (TvmCompileResult *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->steps));
  guint i;

  for (i = 0; i < n; i++)
    {
      TvmCompileResult *step = g_list_model_get_item (G_LIST_MODEL (self->steps), i);

      if (!tvm_compile_result_get_successful (step))
        return step;
      g_object_unref (step);
    }

  return g_object_ref (self);
}

/* What the tool gave as its reason: its first error, else the end of what it printed */
static char *
dup_reason (TvmCompileResult *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->diagnostics));
  guint i;

  for (i = 0; i < n; i++)
    {
      g_autoptr (TvmDiagnostic) diagnostic =
        g_list_model_get_item (G_LIST_MODEL (self->diagnostics), i);

      if (tvm_diagnostic_get_severity (diagnostic) >= TVM_DIAGNOSTIC_SEVERITY_ERROR)
        return g_strstrip (tvm_diagnostic_format (diagnostic));
    }

  return tvm_tool_dup_tail (self->log_text);
}

static void
set_failure (TvmCompileResult  *step,
             GError           **error)
{
  g_autofree char *reason = NULL;

  if (step->timed_out)
    {
      g_autofree char *quoted = tvm_compile_result_dup_command_line (step);
      g_autofree char *shown = g_filename_display_name (quoted != NULL ? quoted : "");
      g_autofree char *name =
        step->argv != NULL ? g_filename_display_basename (step->argv[0]) : NULL;

      g_set_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT,
                   _("“%s” was killed at its time limit of %.3f s\nCommand line: %s"), name,
                   step->timeout_msec / 1000.0, shown);
      return;
    }

  reason = dup_reason (step);
  tvm_tool_set_failure (error, tvm_compile_kind_get_error_code (step->kind),
                        (const char * const *) step->argv, step->exit_status, step->term_signal,
                        reason);
}

/**
 * tvm_compile_result_check:
 * @self: a result
 * @error: a #GError
 *
 * Turns a failure into a #GError: its message has the first error that was reported and the
 * command.
 *
 * The error is %TVM_ERROR_COMPILE_FAILED or %TVM_ERROR_LINK_FAILED if a tool refused its input,
 * %TVM_ERROR_TIMED_OUT if it was killed at its time limit, %TVM_ERROR_CRASHED if a signal
 * ended it, or the error that kept it from being run.
 *
 * Returns: %TRUE if the compile worked, %FALSE with @error set if it did not
 *
 * Since: 1.0
 */
gboolean
tvm_compile_result_check (TvmCompileResult  *self,
                          GError           **error)
{
  g_autoptr (TvmCompileResult) step = NULL;

  g_return_val_if_fail (TVM_IS_COMPILE_RESULT (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (tvm_compile_result_get_successful (self))
    return TRUE;

  step = find_failed_step (self);
  if (step->error != NULL)
    g_propagate_error (error, g_error_copy (step->error));
  else
    set_failure (step, error);

  return FALSE;
}
