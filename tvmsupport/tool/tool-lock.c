/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-task.h"

#include <glib/gi18n.h>
#include <math.h>

/* As flock(1), timeout(1) and the shells do it */
#define EXIT_CONFLICT 1
#define EXIT_OWN_FAILURE 125
#define EXIT_SIGNAL 128

typedef struct
{
  gboolean shared;
  gboolean exclusive;
  gboolean nonblock;
  gboolean quiet;
  double timeout;         /* NaN if there is none */
  int conflict_status;
  char **words;           /* (owned) (nullable): the file, and the program with its arguments */
  char **argv;            /* of them, the program */
} Settings;

#define SETTINGS_INIT { .timeout = NAN, .conflict_status = EXIT_CONFLICT }

static void
settings_clear (Settings *self)
{
  g_strfreev (self->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* Returns: 0, or the exit status of tool_usage() */
static int
check_settings (Settings *self)
{
  if (self->words == NULL)
    return tool_usage ("lock", _("No file was given"));

  self->argv = self->words + 1;
  if (self->argv[0] != NULL && g_str_equal (self->argv[0], "--"))
    self->argv++;
  if (self->argv[0] == NULL)
    return tool_usage ("lock", _("No program was given"));
  if (self->shared && self->exclusive)
    return tool_usage ("lock", _("“%s” excludes “%s”"), "--shared", "--exclusive");
  if (self->conflict_status < 0 || self->conflict_status > 255)
    return tool_usage ("lock", _("“%d” is no exit status"), self->conflict_status);
  return isnan (self->timeout) ? 0 : tool_check_seconds ("lock", self->timeout);
}

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "shared", 's', 0, G_OPTION_ARG_NONE, &self->shared,
      N_("Share the lock with others who do so too"), NULL },
    { "exclusive", 'x', 0, G_OPTION_ARG_NONE, &self->exclusive,
      N_("Have the lock alone, which is the default"), NULL },
    { "nonblock", 'n', 0, G_OPTION_ARG_NONE, &self->nonblock,
      N_("Fail if the lock is not free"), NULL },
    { "timeout", 'w', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("Fail if the lock is not free in time"), N_("SECONDS") },
    { "conflict-exit-code", 'E', 0, G_OPTION_ARG_INT, &self->conflict_status,
      N_("End with this status if the lock is not free (default: 1)"), N_("NUMBER") },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet,
      N_("Do not say that the lock is not free"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->words, NULL,
      N_("FILE PROGRAM [ARGUMENT…]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Run a program while a file is locked."));
  g_option_context_set_strict_posix (context, TRUE);
  if (tool_parse (context, entries, &words, status))
    {
      *status = check_settings (self);
      if (*status == 0)
        return TRUE;
    }

  if (*status == TOOL_EXIT_USAGE)
    *status = EXIT_OWN_FAILURE;
  return FALSE;
}

/* Returns: 0, or the exit status */
static int
acquire (Tool           *tool,
         const Settings *settings,
         TvmFileLock    *lock)
{
  g_autoptr (GError) error = NULL;
  gint64 timeout_msec = -1;
  int status;

  if (settings->nonblock)
    timeout_msec = 0;
  else if (!isnan (settings->timeout))
    timeout_msec = (gint64) (settings->timeout * 1000);

  tvm_file_lock_acquire_async (lock, timeout_msec, tool->cancellable, tool_ready, tool);
  if (tvm_file_lock_acquire_finish (lock, tool_wait (tool), &error))
    return 0;

  if (g_error_matches (error, TVM_ERROR, TVM_ERROR_TIMED_OUT))
    {
      if (!settings->quiet)
        tool_complain ("%s", error->message);
      return settings->conflict_status;
    }

  status = tool_fail (tool, error);
  return status == TOOL_EXIT_FAILURE ? EXIT_OWN_FAILURE : status;
}

static int
get_exit_status (const Settings *settings,
                 TvmTaskResult  *result,
                 const GError   *error)
{
  const ToolLimits limits = { 0, };
  g_autofree char *text = NULL;
  int status;

  if (result != NULL && tvm_task_result_get_status (result) == TVM_STATUS_KIND_EXCEPTION)
    error = tvm_task_result_get_error (result);
  if (error != NULL)
    {
      tool_complain ("%s", error->message);
      status = tool_get_start_status (&limits, settings->argv[0], error);
      return status != 0 ? status : EXIT_OWN_FAILURE;
    }

  text = tool_explain_result (&limits, settings->argv[0], result);
  if (text != NULL)
    tool_complain ("%s", text);
  if (tvm_task_result_get_term_signal (result) != 0)
    return EXIT_SIGNAL + tvm_task_result_get_term_signal (result);
  return tvm_task_result_get_exit_status (result);
}

/* Returns: the exit status */
static int
run_program (Tool           *tool,
             const Settings *settings)
{
  const ToolLimits limits = { 0, };
  g_autoptr (TvmPoolExecutor) pool = tool_limits_new_pool (&limits, 1);
  g_autoptr (TvmTask) task = tool_limits_new_task (&limits, settings->argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_task_set_inherit_stdio (task, TRUE);
  tvm_pool_executor_submit_async (pool, task, tool->cancellable, tool_ready, tool);
  result = tvm_pool_executor_submit_finish (pool, tool_wait (tool), &error);

  /* Only then is everything gone that it started. */
  tool_end_pool (tool, pool);
  return tool->signal != 0 ? EXIT_SIGNAL + tool->signal
                           : get_exit_status (settings, result, error);
}

int
tool_run_lock (Tool  *tool,
               char **argv)
{
  g_auto (Settings) settings = SETTINGS_INIT;
  g_autoptr (TvmFileLock) lock = NULL;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  lock = settings.shared ? tvm_file_lock_new_shared (settings.words[0])
                         : tvm_file_lock_new (settings.words[0]);
  status = acquire (tool, &settings, lock);
  if (status != 0 || !tvm_file_lock_get_held (lock))
    return status;

  status = run_program (tool, &settings);
  tvm_file_lock_release (lock);
  return status;
}
