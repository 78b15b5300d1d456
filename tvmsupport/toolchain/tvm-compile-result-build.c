/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"
#include "tvmsupport/tvm-error.h"

/* How a result is put together: from one run of a tool, and from the results of steps. */

void
tvm_compile_result_unref0 (gpointer result)
{
  if (result != NULL)
    g_object_unref (result);
}

static GBytes *
concat_bytes (GBytes *a,
              GBytes *b)
{
  GByteArray *array;

  if (g_bytes_get_size (a) == 0)
    return g_bytes_ref (b);
  if (g_bytes_get_size (b) == 0)
    return g_bytes_ref (a);

  array = g_byte_array_sized_new (g_bytes_get_size (a) + g_bytes_get_size (b));
  g_byte_array_append (array, g_bytes_get_data (a, NULL), g_bytes_get_size (a));
  g_byte_array_append (array, g_bytes_get_data (b, NULL), g_bytes_get_size (b));

  return g_byte_array_free_to_bytes (array);
}

void
tvm_compile_result_take_process (TvmCompileResult *self,
                                 TvmProcessResult *process)
{
  self->argv = g_strdupv (process->argv);
  self->exit_status = process->exit_status;
  self->term_signal = process->term_signal;
  self->timed_out = process->timed_out;
  self->log = concat_bytes (process->stdout_bytes, process->stderr_bytes);
  self->truncated = process->stdout_total > g_bytes_get_size (process->stdout_bytes) ||
                    process->stderr_total > g_bytes_get_size (process->stderr_bytes);
  self->elapsed_usec = process->elapsed_usec;
  self->user_usec = process->user_usec;
  self->system_usec = process->system_usec;
  self->peak_memory = process->max_rss_bytes;

  tvm_process_result_unref (process);
}

void
tvm_compile_result_read_log (TvmCompileResult *self,
                             const char       *folder)
{
  if (self->log == NULL || g_bytes_get_size (self->log) == 0)
    return;

  g_clear_object (&self->diagnostics);
  g_clear_pointer (&self->log_text, g_free);
  self->diagnostics = tvm_diagnostics_parse (self->log, folder, &self->log_text, &self->n_errors,
                                             &self->n_warnings);
}

static void
append_diagnostics (TvmCompileResult *self,
                    TvmCompileResult *step)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (step->diagnostics));
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  guint i;

  for (i = 0; i < n; i++)
    g_ptr_array_add (items, g_list_model_get_item (G_LIST_MODEL (step->diagnostics), i));

  g_list_store_splice (self->diagnostics,
                       g_list_model_get_n_items (G_LIST_MODEL (self->diagnostics)), 0,
                       items->pdata, items->len);
}

static TvmCacheStatus
merge_cache_status (TvmCacheStatus a,
                    TvmCacheStatus b)
{
  /* One miss makes the whole no hit; steps that have no cache say nothing. */
  return MAX (a, b);
}

void
tvm_compile_result_add_step (TvmCompileResult *self,
                             TvmCompileResult *step)
{
  g_autoptr (GBytes) old_log = g_steal_pointer (&self->log);
  gboolean failed_before = self->argv != NULL && !tvm_compile_result_get_successful (self);

  g_list_store_append (self->steps, step);
  append_diagnostics (self, step);
  self->n_errors += step->n_errors;
  self->n_warnings += step->n_warnings;
  self->truncated |= step->truncated;
  self->user_usec += step->user_usec;
  self->system_usec += step->system_usec;
  self->peak_memory = MAX (self->peak_memory, step->peak_memory);
  self->cache_status = merge_cache_status (self->cache_status, step->cache_status);

  if (self->cache_reason == NULL)
    self->cache_reason = g_strdup (step->cache_reason);

  self->log = old_log != NULL ? concat_bytes (old_log, step->log) : g_bytes_ref (step->log);
  if (step->log_text[0] != '\0')
    {
      g_autofree char *old_text = g_steal_pointer (&self->log_text);

      self->log_text = g_strconcat (old_text != NULL ? old_text : "", step->log_text, NULL);
    }

  if (failed_before)
    return;

  g_strfreev (self->argv);
  self->argv = g_strdupv (step->argv);
  self->exit_status = step->exit_status;
  self->term_signal = step->term_signal;
  self->timed_out = step->timed_out;
  self->timeout_msec = step->timeout_msec;
  if (step->error != NULL && self->error == NULL)
    self->error = g_error_copy (step->error);
}

void
tvm_compile_result_seal (TvmCompileResult *self)
{
  if (self->log == NULL)
    self->log = g_bytes_new_static ("", 0);
  if (self->log_text == NULL)
    self->log_text = g_strdup ("");
  if (self->inputs == NULL)
    self->inputs = g_new0 (char *, 1);
  if (self->dependencies == NULL)
    self->dependencies = g_new0 (char *, 1);
}

int
tvm_compile_kind_get_error_code (TvmCompileKind kind)
{
  return tvm_compile_kind_translates (kind) ? TVM_ERROR_COMPILE_FAILED : TVM_ERROR_LINK_FAILED;
}
