/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-task.h"

#include <glib/gi18n.h>
#include <math.h>
#include <signal.h>
#include <string.h>

int
tool_limits_check (ToolLimits *self,
                   const char *command)
{
  const double seconds[] = { self->timeout, self->soft_timeout, self->cpu_time };

  for (gsize i = 0; i < G_N_ELEMENTS (seconds); i++)
    if (tool_check_seconds (command, seconds[i]) != 0)
      return TOOL_EXIT_USAGE;
  if (self->memory_limit != NULL && !tool_parse_size (self->memory_limit, &self->memory_bytes))
    return tool_usage (command, _("“%s” is no size; write it as 800M or 2G"), self->memory_limit);

  for (guint i = 0; self->environment != NULL && self->environment[i] != NULL; i++)
    if (strchr (self->environment[i], '=') == NULL || self->environment[i][0] == '=')
      {
        g_autofree char *name = g_filename_display_name (self->environment[i]);

        return tool_usage (command, _("“%s” is not NAME=VALUE"), name);
      }

  return 0;
}

void
tool_limits_clear (ToolLimits *self)
{
  g_free (self->memory_limit);
  g_free (self->cwd);
  g_strfreev (self->environment);
}

TvmPoolExecutor *
tool_limits_new_pool (const ToolLimits *self,
                      guint             max_workers)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();

  tvm_worker_spec_set_address_space_limit (spec, self->memory_bytes);
  /* The kernel counts whole seconds. */
  tvm_worker_spec_set_cpu_time_limit (spec, (guint64) ceil (self->cpu_time));
  return tvm_pool_executor_new (spec, max_workers);
}

TvmTask *
tool_limits_new_task (const ToolLimits  *self,
                      char             **argv)
{
  TvmTask *task = tvm_task_new_command ((const char * const *) argv);

  if (self->timeout > 0)
    tvm_task_set_timeout (task, MAX ((gint64) (self->timeout * 1000), 1));
  if (self->soft_timeout > 0)
    tvm_task_set_soft_timeout (task, MAX ((gint64) (self->soft_timeout * 1000), 1));
  tvm_task_set_working_directory (task, self->cwd);
  tvm_task_set_environment (task, (const char * const *) self->environment);
  /* What is written goes on to somewhere else, and so none of it may be missing. */
  tvm_task_set_output_limit (task, G_MAXUINT64);
  return task;
}

void
tool_end_pool (Tool            *tool,
               TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;

  tvm_pool_executor_shutdown_async (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, tool_ready, tool);
  if (!tvm_pool_executor_shutdown_finish (pool, tool_wait (tool), &error))
    g_debug ("%s", error->message);
}

gboolean
tool_result_is_good (TvmTaskResult *result)
{
  return tvm_task_result_get_status (result) == TVM_STATUS_KIND_COMPLETE
         && tvm_task_result_get_exit_status (result) == 0;
}

char *
tool_explain_result (const ToolLimits *self,
                     const char       *name,
                     TvmTaskResult    *result)
{
  g_autofree char *shown = g_filename_display_name (name);
  const int signum = tvm_task_result_get_term_signal (result);

  switch (tvm_task_result_get_status (result))
    {
    case TVM_STATUS_KIND_TIMEOUT:
      return g_strdup_printf (_("“%s” ran for longer than %g s"), shown, self->timeout);

    case TVM_STATUS_KIND_EXCEPTION:
      return g_strdup (tvm_task_result_get_error (result)->message);

    case TVM_STATUS_KIND_COMPLETE:
      if (signum == 0)
        return NULL;
      if (signum == SIGXCPU && self->cpu_time > 0)
        return g_strdup_printf (_("“%s” was ended at its limit of %g s of processor time"), shown,
                                ceil (self->cpu_time));
      if (sigabbrev_np (signum) == NULL)
        return g_strdup_printf (_("“%s” was ended by the signal %d"), shown, signum);
      return g_strdup_printf (_("“%s” was ended by the signal SIG%s"), shown,
                              sigabbrev_np (signum));

    case TVM_STATUS_KIND_RUNNING:
    default:
      g_return_val_if_reached (NULL);
    }
}

static void
add_text (JsonBuilder *builder,
          const char  *member,
          GBytes      *bytes)
{
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autofree char *text = size > 0 ? g_utf8_make_valid (data, (gssize) size) : g_strdup ("");

  json_builder_set_member_name (builder, member);
  if (bytes != NULL)
    json_builder_add_string_value (builder, text);
  else
    json_builder_add_null_value (builder);
}

/* @none: the number that stands for none */
static void
add_number (JsonBuilder *builder,
            const char  *member,
            gint64       number,
            gint64       none)
{
  json_builder_set_member_name (builder, member);
  if (number != none)
    json_builder_add_int_value (builder, number);
  else
    json_builder_add_null_value (builder);
}

static const char *
get_status_name (TvmTaskResult *result)
{
  if (result == NULL)
    return "error";

  switch (tvm_task_result_get_status (result))
    {
    case TVM_STATUS_KIND_COMPLETE:
      return "complete";
    case TVM_STATUS_KIND_TIMEOUT:
      return "timeout";
    case TVM_STATUS_KIND_EXCEPTION:
    case TVM_STATUS_KIND_RUNNING:
    default:
      return "error";
    }
}

static void
add_error (JsonBuilder   *builder,
           TvmTaskResult *result,
           const GError  *error)
{
  if (result != NULL)
    error = tvm_task_result_get_error (result);

  json_builder_set_member_name (builder, "error");
  if (error != NULL)
    json_builder_add_string_value (builder, error->message);
  else
    json_builder_add_null_value (builder);
}

ToolUsage
tool_usage_get (TvmTaskResult *result)
{
  return (ToolUsage) {
    .user_usec = tvm_task_result_get_user_usec (result),
    .system_usec = tvm_task_result_get_system_usec (result),
    .max_rss_bytes = tvm_task_result_get_max_rss_bytes (result),
  };
}

void
tool_add_json_result (JsonBuilder     *builder,
                      TvmTaskResult   *result,
                      const GError    *error,
                      const ToolUsage *usage)
{
  g_autoptr (TvmTaskResult) none = NULL;
  ToolUsage own_usage;

  json_builder_set_member_name (builder, "successful");
  json_builder_add_boolean_value (builder, result != NULL && tool_result_is_good (result));
  json_builder_set_member_name (builder, "status");
  json_builder_add_string_value (builder, get_status_name (result));
  add_error (builder, result, error);

  if (result == NULL)
    result = none = g_object_new (TVM_TYPE_TASK_RESULT, NULL);
  own_usage = tool_usage_get (result);
  if (usage == NULL)
    usage = &own_usage;
  add_number (builder, "exit_status", tvm_task_result_get_exit_status (result), -1);
  add_number (builder, "term_signal", tvm_task_result_get_term_signal (result), 0);
  add_number (builder, "elapsed_usec", tvm_task_result_get_elapsed_usec (result),
              none == NULL ? -1 : 0);
  add_number (builder, "user_usec", usage->user_usec, -1);
  add_number (builder, "system_usec", usage->system_usec, -1);
  add_number (builder, "peak_memory", (gint64) usage->max_rss_bytes, 0);
}

void
tool_add_json_output (JsonBuilder   *builder,
                      TvmTaskResult *result)
{
  add_text (builder, "stdout", result != NULL ? tvm_task_result_get_stdout (result) : NULL);
  add_text (builder, "stderr", result != NULL ? tvm_task_result_get_stderr (result) : NULL);
  json_builder_set_member_name (builder, "truncated");
  json_builder_add_boolean_value (builder,
                                  result != NULL && tvm_task_result_get_truncated (result));
}

/* Whether there is a file of the name that is no program */
static gboolean
is_there (const ToolLimits *self,
          const char       *program)
{
  g_auto (GStrv) directories = NULL;

  if (strchr (program, '/') != NULL)
    {
      g_autofree char *cwd = self->cwd != NULL ? g_strdup (self->cwd) : g_get_current_dir ();
      g_autofree char *path = g_canonicalize_filename (cwd, NULL);
      g_autofree char *file = g_canonicalize_filename (program, path);

      return g_file_test (file, G_FILE_TEST_EXISTS);
    }

  directories = g_strsplit (g_getenv ("PATH") != NULL ? g_getenv ("PATH") : "", ":", -1);
  for (guint i = 0; directories[i] != NULL; i++)
    {
      g_autofree char *file = g_build_filename (directories[i], program, NULL);

      if (*directories[i] != '\0' && g_file_test (file, G_FILE_TEST_IS_REGULAR))
        return TRUE;
    }

  return FALSE;
}

int
tool_get_start_status (const ToolLimits *self,
                       const char       *program,
                       const GError     *error)
{
  if (self->cwd != NULL && !g_file_test (self->cwd, G_FILE_TEST_IS_DIR))
    return 0;
  if (g_error_matches (error, TVM_ERROR, TVM_ERROR_NOT_FOUND))
    return is_there (self, program) ? TOOL_EXIT_NOT_EXECUTABLE : TOOL_EXIT_NOT_FOUND;

  /* The system would not execute it. */
  return error->domain == G_IO_ERROR ? TOOL_EXIT_NOT_EXECUTABLE : 0;
}
