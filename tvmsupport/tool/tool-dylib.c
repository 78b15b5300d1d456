/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"

#include <glib/gi18n.h>

typedef struct
{
  char *output;           /* (owned) (nullable) */
  char *sdk;              /* (owned) (nullable) */
  char *arch;             /* (owned) (nullable) */
  char *min_os_version;   /* (owned) (nullable) */
  double timeout;
  int jobs;
  gboolean json;
  char **inputs;          /* (owned) (nullable) */
  char **options;         /* (owned): what stood behind "--" */
} Settings;

static void
settings_clear (Settings *self)
{
  g_free (self->output);
  g_free (self->sdk);
  g_free (self->arch);
  g_free (self->min_os_version);
  g_strfreev (self->inputs);
  g_strfreev (self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* Checks what GOption cannot. Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  if (self->output == NULL)
    return tool_usage ("dylib", _("No output was given; name it with -o"));
  if (g_str_equal (self->output, "-"))
    return tool_usage ("dylib", _("“-” is no file to write to"));
  if (self->inputs == NULL)
    return tool_usage ("dylib", _("No input was given"));
  if (self->jobs < 0)
    return tool_usage ("dylib", _("%d is no number of jobs"), self->jobs);

  return tool_check_seconds ("dylib", self->timeout);
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
    { "sdk", 's', 0, G_OPTION_ARG_STRING, &self->sdk,
      N_("Use this SDK: macosx (default), iphoneos or iphonesimulator"), N_("SDK") },
    { "arch", 'a', 0, G_OPTION_ARG_STRING, &self->arch,
      N_("Make it for this architecture (default: that of the compiler)"), N_("ARCH") },
    { "min-os-version", 0, 0, G_OPTION_ARG_STRING, &self->min_os_version,
      N_("Make it for this version of the system and later ones"), N_("VERSION") },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
      N_("Run so many compilers at a time (default, and 0: as many as there are processors)"),
      N_("N") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End a compiler that runs longer (0: no limit)"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL,
      N_("INPUT…") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Make a dynamic library for a system of Apple, with the "
                                           "compiler of Xcode."));
  self->options = tool_split_options (words);
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  *status = check_settings (self);
  return *status == 0;
}

static TvmCompileRequest *
new_request (const Settings *settings)
{
  TvmCompileRequest *request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);

  for (guint i = 0; settings->inputs[i] != NULL; i++)
    tvm_compile_request_add_input (request, settings->inputs[i], TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (request, settings->output);
  tvm_compile_request_set_options (request, (const char * const *) settings->options);
  if (settings->timeout > 0)
    tvm_compile_request_set_timeout (request, MAX ((gint64) (settings->timeout * 1000), 1));

  return request;
}

int
tool_run_dylib (Tool  *tool,
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

  tvm_compiler_new_xcode_async (settings.sdk != NULL ? settings.sdk : "macosx", settings.arch,
                                settings.min_os_version, tool->cancellable, tool_ready, tool);
  compiler = tvm_compiler_new_xcode_finish (tool_wait (tool), &error);
  if (compiler == NULL)
    return tool_compile_fail (tool, settings.json, error);

  request = new_request (&settings);
  tvm_compiler_set_max_jobs (compiler, (guint) settings.jobs);
  return tool_compile (tool, compiler, request, settings.json, &result);
}
