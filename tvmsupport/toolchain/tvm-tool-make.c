/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include "tvmsupport/toolchain/tvm-stage-private.h"

#include <string.h>

typedef struct
{
  char **argv;
  char *output;
  TvmError code;
  TvmStage *stage;
} ToolMake;

static void
tool_make_free (gpointer data)
{
  ToolMake *self = data;

  g_strfreev (self->argv);
  g_free (self->output);
  g_clear_pointer (&self->stage, tvm_stage_free);
  g_free (self);
}

static void
commit_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  ToolMake *self = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (TvmStage) stage = g_steal_pointer (&self->stage);
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error) ||
      !tvm_stage_commit (stage, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
commit_ready (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
call_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmProcessResult) process = NULL;
  GError *error = NULL;

  process = tvm_tool_call_finish (result, &error);
  if (process == NULL)
    g_task_return_error (task, error);
  else
    tvm_task_run_step (task, commit_in_thread, commit_ready);
}

static void
stage_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  ToolMake *self = g_task_get_task_data (G_TASK (task_data));
  GError *error = NULL;

  self->stage = tvm_stage_new (self->output, &error);
  if (self->stage == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
stage_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  ToolMake *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }

  for (guint i = 0; self->argv[i] != NULL; i++)
    {
      if (strcmp (self->argv[i], TVM_TOOL_OUTPUT) == 0)
        {
          g_free (self->argv[i]);
          self->argv[i] = g_strdup (tvm_stage_get_path (self->stage));
        }
    }
  tvm_tool_call_async ((const char * const *) self->argv, self->code,
                       g_task_get_cancellable (task), call_ready, g_object_ref (task));
}

void
tvm_tool_make_async (const char * const  *argv,
                     const char          *output,
                     TvmError             code,
                     GCancellable        *cancellable,
                     GAsyncReadyCallback  callback,
                     gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  ToolMake *self = g_new0 (ToolMake, 1);

  self->argv = g_strdupv ((char **) argv);
  self->output = g_canonicalize_filename (output, NULL);
  self->code = code;
  g_task_set_source_tag (task, tvm_tool_make_async);
  /* An output that is in its place is a success, whatever happens later. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, tool_make_free);

  if (!g_task_return_error_if_cancelled (task))
    tvm_task_run_step (task, stage_in_thread, stage_ready);
}

gboolean
tvm_tool_make_finish (GAsyncResult  *result,
                      GError       **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
