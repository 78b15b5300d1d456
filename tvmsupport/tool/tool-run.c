/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-task.h"

#include <glib/gi18n.h>
#include <sys/resource.h>

/* What timeout(1) and the shells end with */
#define EXIT_TIMED_OUT 124
#define EXIT_OWN_FAILURE 125
#define EXIT_SIGNAL 128

typedef struct
{
  ToolLimits limits;
  gboolean json;
  gboolean quiet;
  char **argv;            /* (owned) (nullable): the program */
} Settings;

static void
settings_clear (Settings *self)
{
  tool_limits_clear (&self->limits);
  g_strfreev (self->argv);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    TOOL_LIMITS_ENTRIES (&self->limits),
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Tell what became of it as JSON, on the standard error"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_("Do not tell what it took"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->argv, NULL,
      N_("PROGRAM [ARGUMENT…]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Run a program within limits, and leave nothing of it "
                                           "running."));
  g_option_context_set_strict_posix (context, TRUE);
  if (!tool_parse (context, entries, &words, status))
    {
      if (*status == TOOL_EXIT_USAGE)
        *status = EXIT_OWN_FAILURE;
      return FALSE;
    }

  if (self->argv == NULL)
    *status = tool_usage ("run", _("No program was given"));
  else
    *status = tool_limits_check (&self->limits, "run");
  if (*status != 0)
    *status = EXIT_OWN_FAILURE;
  return *status == 0;
}

static int
get_error_status (const Settings *settings,
                  const GError   *error)
{
  int status = tool_get_start_status (&settings->limits, settings->argv[0], error);

  return status != 0 ? status : EXIT_OWN_FAILURE;
}

static int
get_exit_status (const Settings *settings,
                 TvmTaskResult  *result)
{
  switch (tvm_task_result_get_status (result))
    {
    case TVM_STATUS_KIND_TIMEOUT:
      return EXIT_TIMED_OUT;

    case TVM_STATUS_KIND_COMPLETE:
      if (tvm_task_result_get_term_signal (result) != 0)
        return EXIT_SIGNAL + tvm_task_result_get_term_signal (result);
      return tvm_task_result_get_exit_status (result);

    case TVM_STATUS_KIND_EXCEPTION:
      return get_error_status (settings, tvm_task_result_get_error (result));

    case TVM_STATUS_KIND_RUNNING:
    default:
      g_return_val_if_reached (EXIT_OWN_FAILURE);
    }
}

static gint64
get_usec (struct timeval value)
{
  return (gint64) value.tv_sec * G_USEC_PER_SEC + value.tv_usec;
}

/* The result of a program that was killed does not wait until all of it is gone, and so cannot know
 * what it took. All that has run below this process since is the program and what it was started
 * by, which takes little. */
static ToolUsage
get_usage (TvmTaskResult *result)
{
  ToolUsage usage = tool_usage_get (result);
  struct rusage own;
  struct rusage children;

  if (tvm_task_result_get_status (result) != TVM_STATUS_KIND_TIMEOUT
      || getrusage (RUSAGE_CHILDREN, &children) != 0 || getrusage (RUSAGE_SELF, &own) != 0)
    return usage;

  usage.user_usec = get_usec (children.ru_utime);
  usage.system_usec = get_usec (children.ru_stime);

  /* A child counts as large as this process until it executes something. */
  if (children.ru_maxrss > own.ru_maxrss)
    usage.max_rss_bytes = (guint64) children.ru_maxrss * 1024;
  return usage;
}

/* One line of JSON, whether it ran or not */
static void
report_json (TvmTaskResult *result,
             const GError  *error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autofree char *text = NULL;
  ToolUsage usage;

  if (result != NULL)
    usage = get_usage (result);
  json_builder_begin_object (builder);
  tool_add_json_result (builder, result, error, result != NULL ? &usage : NULL);
  json_builder_end_object (builder);
  text = tool_format_json (builder, FALSE);
  g_printerr ("%s\n", text);
}

static void
report_use (TvmTaskResult *result)
{
  const double elapsed = (double) tvm_task_result_get_elapsed_usec (result) / G_USEC_PER_SEC;
  ToolUsage usage = get_usage (result);
  const double user = (double) usage.user_usec / G_USEC_PER_SEC;
  const double system = (double) usage.system_usec / G_USEC_PER_SEC;
  g_autofree char *memory = g_format_size_full (usage.max_rss_bytes, G_FORMAT_SIZE_IEC_UNITS);

  if (usage.user_usec < 0)
    return;

  if (usage.max_rss_bytes > 0)
    tool_complain (_("%.2f s elapsed, %.2f s user, %.2f s system, at most %s of memory"), elapsed,
                   user, system, memory);
  else
    tool_complain (_("%.2f s elapsed, %.2f s user, %.2f s system"), elapsed, user, system);
}

static void
report_text (const Settings *settings,
             TvmTaskResult  *result,
             const GError   *error)
{
  g_autofree char *text = NULL;

  if (result == NULL)
    {
      tool_complain ("%s", error->message);
      return;
    }

  text = tool_explain_result (&settings->limits, settings->argv[0], result);
  if (text != NULL)
    tool_complain ("%s", text);
  if (!settings->quiet)
    report_use (result);
}

/* Returns: the exit status */
static int
report (Tool           *tool,
        const Settings *settings,
        TvmTaskResult  *result,
        const GError   *error)
{
  if (settings->json)
    report_json (result, error);
  else if (tool->signal == 0)
    report_text (settings, result, error);

  if (tool->signal != 0)
    return EXIT_SIGNAL + tool->signal;
  return result != NULL ? get_exit_status (settings, result) : get_error_status (settings, error);
}

int
tool_run_run (Tool  *tool,
              char **argv)
{
  g_auto (Settings) settings = { 0, };
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (TvmTask) task = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  pool = tool_limits_new_pool (&settings.limits, 1);
  task = tool_limits_new_task (&settings.limits, settings.argv);
  tvm_task_set_inherit_stdio (task, TRUE);
  tvm_pool_executor_submit_async (pool, task, tool->cancellable, tool_ready, tool);
  result = tvm_pool_executor_submit_finish (pool, tool_wait (tool), &error);

  /* Only then is everything gone that it started. */
  tool_end_pool (tool, pool);
  return report (tool, &settings, result, error);
}
