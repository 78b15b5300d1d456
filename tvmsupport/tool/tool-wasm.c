/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"
#include "tvmsupport/tool/tool-compile.h"

#include <glib/gi18n.h>

#include <tvmsupport/tvmsupport.h>

/* What the command line asks for */
typedef struct
{
  char *output;    /* (owned) (nullable) */
  char *command;   /* (owned) (nullable) */
  double timeout;
  int jobs;
  gboolean tvmjs;
  gboolean no_runtime;
  gboolean json;
  char **libs;     /* (owned) (nullable) */
  char **runtime;  /* (owned) (nullable) */
  char **inputs;   /* (owned) (nullable) */
  char **options;  /* (owned): what stood behind "--" */
} Settings;

static void
settings_clear (Settings *self)
{
  g_free (self->output);
  g_free (self->command);
  g_strfreev (self->libs);
  g_strfreev (self->runtime);
  g_strfreev (self->inputs);
  g_strfreev (self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* Checks what GOption cannot. Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  if (self->output == NULL)
    return tool_usage ("wasm", _("No output was given; name it with -o"));
  if (g_str_equal (self->output, "-"))
    return tool_usage ("wasm", _("“-” is no file to write to"));
  if (self->inputs == NULL)
    return tool_usage ("wasm", _("No input was given"));
  if (self->jobs < 0)
    return tool_usage ("wasm", _("%d is no number of jobs"), self->jobs);
  if (!self->tvmjs && (self->libs != NULL || self->runtime != NULL || self->no_runtime))
    return tool_usage ("wasm", _("--lib, --runtime and --no-runtime are for --tvmjs"));
  if (self->runtime != NULL && self->no_runtime)
    return tool_usage ("wasm", _("--runtime and --no-runtime exclude each other"));

  return tool_check_seconds ("wasm", self->timeout);
}

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (_("[-- COMPILER OPTION…]"));
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output, N_("Write to this file"),
      N_("FILE") },
    { "tvmjs", 0, 0, G_OPTION_ARG_NONE, &self->tvmjs,
      N_("Make a module for TVM's JavaScript runtime"), NULL },
    { "lib", 'l', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->libs,
      N_("Link this in front of the inputs; may be repeated"), N_("FILE") },
    { "runtime", 'r', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->runtime,
      N_("Link this in the place of the runtime that is found; may be repeated"), N_("FILE") },
    { "no-runtime", 0, 0, G_OPTION_ARG_NONE, &self->no_runtime, N_("Link no runtime"), NULL },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
      N_("Run so many compilers at a time (default, and 0: as many as there are processors)"),
      N_("N") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End a compiler that runs longer (0: no limit)"), N_("SECONDS") },
    { "cc", 0, 0, G_OPTION_ARG_FILENAME, &self->command,
      N_("Use this compiler, which may be given with arguments"), N_("COMMAND") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL,
      N_("INPUT…") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Make a WebAssembly module of sources and objects."));
  self->options = tool_split_options (words);
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  *status = check_settings (self);
  return *status == 0;
}

static TvmCompileRequest *
new_request (const Settings  *settings,
             GError         **error)
{
  static const char * const none[] = { NULL };
  const char * const *inputs = (const char * const *) settings->inputs;
  const char * const *options = (const char * const *) settings->options;
  const char * const *runtime = (const char * const *) settings->runtime;
  TvmCompileRequest *request = NULL;

  if (settings->tvmjs)
    {
      request = tvm_compile_request_new_tvmjs (inputs, options,
                                               (const char * const *) settings->libs,
                                               settings->no_runtime ? none : runtime, error);
      if (request == NULL)
        return NULL;
    }
  else
    {
      request = tvm_compile_request_new (TVM_COMPILE_KIND_WASM);
      for (guint i = 0; inputs[i] != NULL; i++)
        tvm_compile_request_add_input (request, inputs[i], TVM_LANGUAGE_AUTO);
      tvm_compile_request_set_options (request, options);
    }

  tvm_compile_request_set_output (request, settings->output);
  if (settings->timeout > 0)
    tvm_compile_request_set_timeout (request, MAX ((gint64) (settings->timeout * 1000), 1));

  return request;
}

int
tool_run_wasm (Tool  *tool,
               char **argv)
{
  g_auto (Settings) settings = { NULL, };
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  compiler = tvm_compiler_new_emcc (settings.command, &error);
  if (compiler != NULL)
    request = new_request (&settings, &error);
  if (request == NULL)
    return tool_compile_fail (tool, settings.json, error);

  tvm_compiler_set_max_jobs (compiler, (guint) settings.jobs);
  return tool_compile (tool, compiler, request, settings.json, &result);
}
