/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-process-spec-private.h"

TvmProcessResult *
tvm_process_result_new (const char * const *argv)
{
  TvmProcessResult *self = g_new0 (TvmProcessResult, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->argv = g_strdupv ((char **) argv);
  self->exit_status = -1;
  return self;
}

TvmProcessResult *
tvm_process_result_ref (TvmProcessResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tvm_process_result_unref (TvmProcessResult *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_strfreev (self->argv);
  g_clear_pointer (&self->stdout_bytes, g_bytes_unref);
  g_clear_pointer (&self->stderr_bytes, g_bytes_unref);
  g_free (self);
}

/* Returns: whether the target ended by itself, with status 0 */
gboolean
tvm_process_result_is_success (const TvmProcessResult *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return !self->timed_out && self->exit_status == 0;
}
