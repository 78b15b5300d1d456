/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-xcode.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-stage-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".mlmodelc"

typedef struct
{
  char *model;
  char *model_name;             /* (nullable) */
  char *out_dir;
  char *made_name;              /* what coremlcompiler calls it */
  char *output;
  TvmStage *stage;
} CompileCoreml;

static void
compile_coreml_free (gpointer data)
{
  CompileCoreml *self = data;

  g_free (self->model);
  g_free (self->model_name);
  g_free (self->out_dir);
  g_free (self->made_name);
  g_free (self->output);
  g_clear_pointer (&self->stage, tvm_stage_free);
  g_free (self);
}

/* The compiler names what it makes after the model. */
static char *
replace_suffix (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_strconcat (base, SUFFIX, NULL);
}

static void
commit_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  CompileCoreml *self = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (TvmStage) stage = g_steal_pointer (&self->stage);
  g_autofree char *made = g_build_filename (tvm_stage_get_folder (stage), self->made_name, NULL);
  GError *error = NULL;

  if (strcmp (made, tvm_stage_get_path (stage)) != 0 &&
      rename (made, tvm_stage_get_path (stage)) < 0 && errno != ENOENT)
    {
      int errsv = errno;

      tvm_error_set_errno (&error, errsv, _("The output “%s” cannot be written"), self->output);
      g_task_return_error (task, error);
      return;
    }

  if (g_cancellable_set_error_if_cancelled (cancellable, &error) ||
      !tvm_stage_commit (stage, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_strdup (self->output), g_free);
}

static void
commit_ready (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  char *output = g_task_propagate_pointer (G_TASK (result), &error);

  if (output == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, output, g_free);
}

static void
compile_ready (GObject      *source,
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
  CompileCoreml *self = g_task_get_task_data (G_TASK (task_data));
  g_autofree char *named = NULL;
  GError *error = NULL;

  if (access (self->model, R_OK) < 0)
    {
      int errsv = errno;
      g_autofree char *shown = g_filename_display_name (self->model);

      tvm_error_set_errno (&error, errsv, _("The model “%s” cannot be read"), shown);
      g_task_return_error (task, error);
      return;
    }

  self->made_name = replace_suffix (self->model);
  named = self->model_name != NULL ? g_strconcat (self->model_name, SUFFIX, NULL) : NULL;
  self->output = g_build_filename (self->out_dir, named != NULL ? named : self->made_name, NULL);
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
  CompileCoreml *self = g_task_get_task_data (task);
  const char *argv[] = { "xcrun", "coremlcompiler", "compile", self->model, NULL, NULL };
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }

  argv[4] = tvm_stage_get_folder (self->stage);
  tvm_tool_call_async (argv, TVM_ERROR_COMPILE_FAILED, g_task_get_cancellable (task),
                       compile_ready, g_object_ref (task));
}

/**
 * tvm_xcode_compile_coreml_async:
 * @model: (type filename): a model
 * @model_name: (nullable) (type filename): the name of the output
 * @out_dir: (type filename): the folder of the output
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Compiles a model for Core ML, without blocking. See [func@TvmSupport.xcode_compile_coreml].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_xcode_compile_coreml_async (const char          *model,
                                const char          *model_name,
                                const char          *out_dir,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  CompileCoreml *self;

  g_return_if_fail (model != NULL);
  g_return_if_fail (out_dir != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  self = g_new0 (CompileCoreml, 1);
  self->model = g_canonicalize_filename (model, NULL);
  self->model_name = g_strdup (model_name);
  self->out_dir = g_strdup (out_dir);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_xcode_compile_coreml_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, compile_coreml_free);
  if (model_name != NULL && (model_name[0] == '\0' || strchr (model_name, '/') != NULL))
    g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                             _("“%s” cannot be the name of a model"), model_name);
  else if (!g_task_return_error_if_cancelled (task))
    tvm_task_run_step (task, stage_in_thread, stage_ready);
}

/**
 * tvm_xcode_compile_coreml_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.xcode_compile_coreml_async] began. The errors are those of
 * [func@TvmSupport.xcode_compile_coreml].
 *
 * Returns: (transfer full) (type filename): the compiled model
 *
 * Since: 1.0
 */
char *
tvm_xcode_compile_coreml_finish (GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_xcode_compile_coreml:
 * @model: (type filename): a model, such as `main.mlmodel` or `main.mlpackage`
 * @model_name: (nullable) (type filename): the name of the output, without a suffix, or %NULL for
 *   that of @model
 * @out_dir: (type filename): the folder of the output
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Compiles a model for Core ML with the `coremlcompiler` that `xcrun` finds, as
 * `xcode.compile_coreml` of the seed does. What comes of it is a folder whose name ends in
 * `.mlmodelc`; it appears whole or not at all, also in the place of an old one.
 *
 * The error is %TVM_ERROR_COMPILE_FAILED with what the tool said, %TVM_ERROR_INVALID_ARGUMENT for a
 * @model_name that is none, %TVM_ERROR_NOT_FOUND if there is no `xcrun`, %G_IO_ERROR_NOT_FOUND if
 * there is no @model, %TVM_ERROR_FAILED if the tool reported success but made nothing, or
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (type filename): the compiled model
 *
 * Since: 1.0
 */
char *
tvm_xcode_compile_coreml (const char    *model,
                          const char    *model_name,
                          const char    *out_dir,
                          GCancellable  *cancellable,
                          GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (out_dir != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_xcode_compile_coreml_async (model, model_name, out_dir, cancellable, tvm_sync_ready, &sync);
  return tvm_xcode_compile_coreml_finish (tvm_sync_wait (&sync), error);
}
