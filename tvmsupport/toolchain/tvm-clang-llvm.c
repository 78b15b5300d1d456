/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-clang.h"

#include "tvmsupport/files/tvm-path.h"
#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/toolchain/tvm-stage-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define LINKED_NAME "linked.ll"
#define SOURCE_NAME "input%u.cc"

/*
 * Each input becomes a file of its own in a temporary directory, many at a time; llvm-link makes one
 * of several. What comes of it is read, and only then written to the place of the output.
 */
typedef struct
{
  char **inputs;
  gboolean *are_texts;        /* of each of the inputs */
  char **options;             /* (nullable) */
  char *output;               /* (nullable) */
  TvmCompiler *compiler;

  TvmTempDirectory *temp;
  GListStore *requests;       /* (element-type TvmCompileRequest) */
  char *made;                 /* (nullable): the file with the whole */
  GString *log;               /* what the tools printed, as UTF-8 */
} CreateLlvm;

static void
create_llvm_free (gpointer data)
{
  CreateLlvm *self = data;

  g_strfreev (self->inputs);
  g_free (self->are_texts);
  g_strfreev (self->options);
  g_free (self->output);
  g_clear_object (&self->compiler);
  g_clear_object (&self->temp);
  g_clear_object (&self->requests);
  g_free (self->made);
  g_string_free (self->log, TRUE);
  g_free (self);
}

static void
finish_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  CreateLlvm *self = g_task_get_task_data (G_TASK (task_data));
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;
  gsize size;

  if (!g_file_get_contents (self->made, &text, &size, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  bytes = g_bytes_new_static (text, size);
  if (self->output != NULL &&
      (g_cancellable_set_error_if_cancelled (cancellable, &error) ||
       !tvm_stage_write (self->output, bytes, &error)))
    {
      g_task_return_error (task, error);
      return;
    }

  g_clear_object (&self->temp);
  /* LLVM escapes what is not ASCII; this is for what is not LLVM's. */
  g_task_return_pointer (task, g_utf8_make_valid (text, size), g_free);
}

/* Passes on what a thread of ours returned. */
static void
finish_ready (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  char *text = g_task_propagate_pointer (G_TASK (result), &error);

  if (text != NULL)
    g_task_return_pointer (task, text, g_free);
  else
    g_task_return_error (task, error);
}

static void
link_ready (GObject      *source,
            GAsyncResult *async_result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateLlvm *self = g_task_get_task_data (task);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;

  result = tvm_tool_call_finish (async_result, &error);
  if (result == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  text = tvm_tool_dup_text (result);
  g_string_append (self->log, text);
  tvm_task_run_step (task, finish_in_thread, finish_ready);
}

static void
toolchain_ready (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateLlvm *self = g_task_get_task_data (task);
  g_autoptr (TvmToolchain) toolchain = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  GError *error = NULL;
  char *linker = NULL;

  toolchain = tvm_compiler_load_toolchain_finish (self->compiler, result, &error);
  if (toolchain != NULL)
    linker = tvm_toolchain_find_tool (toolchain, "llvm-link", &error);
  if (linker == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  g_ptr_array_add (argv, linker);
  g_ptr_array_add (argv, g_strdup ("-S"));
  g_ptr_array_add (argv, g_strdup ("-o"));
  g_ptr_array_add (argv, g_strdup (self->made));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->requests)); i++)
    {
      g_autoptr (TvmCompileRequest) request =
        g_list_model_get_item (G_LIST_MODEL (self->requests), i);

      g_ptr_array_add (argv, g_strdup (tvm_compile_request_get_output (request)));
    }
  g_ptr_array_add (argv, NULL);

  tvm_tool_call_async ((const char * const *) argv->pdata, TVM_ERROR_LINK_FAILED,
                       g_task_get_cancellable (task), link_ready, g_object_ref (task));
}

/* Makes the same of a text each time: the file that it was compiled from is in a folder with a random
 * name, which the first line has too. */
static gboolean
remove_folder_name (const char  *path,
                    const char  *source_name,
                    GError     **error)
{
  static const char start[] = "; ModuleID = '";
  g_autofree char *text = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *changed = NULL;
  g_auto (GStrv) parts = NULL;
  const char *name;

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  name = strstr (text, source_name);
  if (!g_str_has_prefix (text, start) || name == NULL || name[-1] != '/')
    return TRUE;

  folder = g_strndup (text + strlen (start), name - text - strlen (start));
  parts = g_strsplit (text, folder, -1);
  changed = g_strjoinv (NULL, parts);
  /* With no flag, GLib leaves the end of the old file behind a shorter new one. */
  return g_file_set_contents_full (path, changed, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static void
tidy_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  CreateLlvm *self = g_task_get_task_data (G_TASK (task_data));
  GError *error = NULL;

  for (guint i = 0; self->inputs[i] != NULL; i++)
    {
      g_autoptr (TvmCompileRequest) request =
        g_list_model_get_item (G_LIST_MODEL (self->requests), i);
      g_autofree char *source_name = g_strdup_printf (SOURCE_NAME, i);

      if (self->are_texts[i] &&
          !remove_folder_name (tvm_compile_request_get_output (request), source_name, &error))
        {
          g_task_return_error (task, error);
          return;
        }
    }

  g_task_return_boolean (task, TRUE);
}

static void
tidy_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateLlvm *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
    }
  else if (self->inputs[1] == NULL)
    {
      g_autoptr (TvmCompileRequest) only = g_list_model_get_item (G_LIST_MODEL (self->requests), 0);

      self->made = g_strdup (tvm_compile_request_get_output (only));
      tvm_task_run_step (task, finish_in_thread, finish_ready);
    }
  else
    {
      self->made = g_build_filename (tvm_temp_directory_get_path (self->temp), LINKED_NAME, NULL);
      tvm_compiler_load_toolchain_async (self->compiler, g_task_get_cancellable (task),
                                         toolchain_ready, g_object_ref (task));
    }
}

/* Keeps what clang printed about each of the inputs.
 * Returns: whether all were compiled; the error is that of the first that was not */
static gboolean
check_results (CreateLlvm  *self,
               GListModel  *results,
               GError     **error)
{
  gboolean all = TRUE;

  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (TvmCompileResult) result = g_list_model_get_item (results, i);

      g_string_append (self->log, tvm_compile_result_get_log_text (result));
      all = all && tvm_compile_result_check (result, error);
    }

  return all;
}

static void
compile_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateLlvm *self = g_task_get_task_data (task);
  g_autoptr (GListModel) results = NULL;
  GError *error = NULL;

  results = tvm_compiler_compile_all_finish (self->compiler, result, &error);
  if (results == NULL || !check_results (self, results, &error))
    g_task_return_error (task, error);
  else
    tvm_task_run_step (task, tidy_in_thread, tidy_ready);
}

static void
add_request (CreateLlvm *self,
             guint       index,
             const char *input)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_LLVM_IR);
  g_autofree char *name = g_strdup_printf ("%u.ll", index);
  g_autofree char *path =
    g_build_filename (tvm_temp_directory_get_path (self->temp), name, NULL);

  self->are_texts[index] = !tvm_is_source_path (input);
  if (!self->are_texts[index])
    {
      tvm_compile_request_add_input (request, input, TVM_LANGUAGE_AUTO);
    }
  else
    {
      g_autofree char *source_name = g_strdup_printf (SOURCE_NAME, index);
      g_autoptr (GBytes) bytes = g_bytes_new (input, strlen (input));

      tvm_compile_request_add_input_bytes (request, source_name, bytes, TVM_LANGUAGE_CXX);
    }
  tvm_compile_request_set_options (request, (const char * const *) self->options);
  tvm_compile_request_set_output (request, path);
  g_list_store_append (self->requests, request);
}

/* What asks the file system */
static void
prepare_in_thread (GTask        *task,
                   gpointer      source_object,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  CreateLlvm *self = g_task_get_task_data (G_TASK (task_data));
  g_auto (GStrv) clangs = NULL;
  GError *error = NULL;

  if (self->compiler == NULL)
    {
      clangs = tvm_clang_find_clang (TRUE, &error);
      if (clangs != NULL)
        {
          const char * const command[] = { clangs[0], NULL };
          g_autofree char *quoted = tvm_quote_command (command);

          self->compiler = tvm_compiler_new_for_command (quoted);
        }
    }
  if (self->compiler != NULL)
    self->temp = tvm_temp_directory_new (NULL, &error);
  if (self->temp == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  for (guint i = 0; self->inputs[i] != NULL; i++)
    add_request (self, i, self->inputs[i]);
  g_task_return_boolean (task, TRUE);
}

static void
prepare_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  CreateLlvm *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else
    tvm_compiler_compile_all_async (self->compiler, G_LIST_MODEL (self->requests),
                                    g_task_get_cancellable (task), compile_ready,
                                    g_object_ref (task));
}

/**
 * tvm_clang_create_llvm_async:
 * @inputs: (array zero-terminated=1) (element-type filename): source files or source texts
 * @output: (nullable) (type filename): a file for the output
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of the compiler
 * @cc: (nullable) (type filename): the command of a clang
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes LLVM's intermediate language of sources, without blocking. See
 * [func@TvmSupport.clang_create_llvm].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_clang_create_llvm_async (const char * const  *inputs,
                             const char          *output,
                             const char * const  *options,
                             const char          *cc,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  CreateLlvm *self;

  g_return_if_fail (inputs != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  self = g_new0 (CreateLlvm, 1);
  self->inputs = g_strdupv ((char **) inputs);
  self->are_texts = g_new0 (gboolean, g_strv_length (self->inputs));
  self->options = g_strdupv ((char **) options);
  self->output = g_strdup (output);
  self->requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  self->log = g_string_new (NULL);
  if (cc != NULL)
    self->compiler = tvm_compiler_new_for_command (cc);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_clang_create_llvm_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, create_llvm_free);

  if (inputs[0] == NULL)
    g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                             _("There is no source to compile"));
  else if (!g_task_return_error_if_cancelled (task))
    tvm_task_run_step (task, prepare_in_thread, prepare_ready);
}

/**
 * tvm_clang_create_llvm_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.clang_create_llvm_async] began. The errors are those of
 * [func@TvmSupport.clang_create_llvm].
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
tvm_clang_create_llvm_finish (GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_clang_create_llvm_with_log_finish: (skip)
 * @result: what the callback was given
 * @log: (out) (optional) (transfer full): what the tools printed, such as warnings: valid UTF-8, and
 *   empty if they printed nothing. In C it is set also if there is an error: it is the whole then of
 *   what clang had to say about all of the inputs
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.clang_create_llvm_async] began, as
 * [func@TvmSupport.clang_create_llvm_finish] does, and tells what the tools printed.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
tvm_clang_create_llvm_with_log_finish (GAsyncResult  *result,
                                       char         **log,
                                       GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (log != NULL)
    {
      const CreateLlvm *self = g_task_get_task_data (G_TASK (result));

      *log = g_strdup (self->log->str);
    }

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_clang_create_llvm:
 * @inputs: (array zero-terminated=1) (element-type filename): source files or source texts;
 *   [func@TvmSupport.is_source_path] tells them apart. A text is C++, unless @options say `-x c`
 * @output: (nullable) (type filename): a file for the output, or %NULL to have it in memory alone
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of the compiler
 * @cc: (nullable) (type filename): the command of a clang, or %NULL for the first that
 *   [func@TvmSupport.clang_find_clang] finds
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes LLVM's intermediate language, as text, of C and C++ sources. Several are compiled many at a
 * time, and linked into one module by the `llvm-link` that is beside the clang. This is the seed's
 * `clang.create_llvm`. For diagnostics, limits and everything else use a
 * [class@TvmSupport.Compiler] and %TVM_COMPILE_KIND_LLVM_IR.
 *
 * @output appears whole or not at all.
 *
 * The error is %TVM_ERROR_COMPILE_FAILED if clang refused a source, %TVM_ERROR_LINK_FAILED if the
 * modules contradict each other, %TVM_ERROR_NOT_FOUND if there is no clang or no `llvm-link`,
 * %TVM_ERROR_UNSUPPORTED if @cc is no clang, %TVM_ERROR_INVALID_ARGUMENT without any input, or any
 * other of [method@TvmSupport.Compiler.compile].
 *
 * Returns: (transfer full): the text, also if it went to @output
 *
 * Since: 1.0
 */
char *
tvm_clang_create_llvm (const char * const  *inputs,
                       const char          *output,
                       const char * const  *options,
                       const char          *cc,
                       GCancellable        *cancellable,
                       GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (inputs != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_clang_create_llvm_async (inputs, output, options, cc, cancellable, tvm_sync_ready, &sync);
  return tvm_clang_create_llvm_finish (tvm_sync_wait (&sync), error);
}
