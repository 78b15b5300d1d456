/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool.h"
#include "tvmsupport/tool/tool-compile.h"

#include <glib/gi18n.h>
#include <string.h>

#include <tvmsupport/tvmsupport.h>

/* What the command line asks for */
typedef struct
{
  char *kind_name;        /* (owned) (nullable) */
  char *output;           /* (owned) (nullable) */
  char *command;          /* (owned) (nullable) */
  char *target;           /* (owned) (nullable) */
  char *memory_limit;     /* (owned) (nullable) */
  char *compile_commands; /* (owned) (nullable) */
  char *cwd;              /* (owned) (nullable) */
  double timeout;
  int jobs;
  gboolean json;
  gboolean ccache;
  char **inputs;          /* (owned) (nullable) */
  char **options;         /* (owned): what stood behind "--" */

  TvmCompileKind kind;
  guint64 memory_bytes;
} Settings;

static void
settings_clear (Settings *self)
{
  g_free (self->kind_name);
  g_free (self->output);
  g_free (self->command);
  g_free (self->target);
  g_free (self->memory_limit);
  g_free (self->compile_commands);
  g_free (self->cwd);
  g_strfreev (self->inputs);
  g_strfreev (self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

static gboolean
parse_kind (const char     *name,
            TvmCompileKind *kind)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (TVM_TYPE_COMPILE_KIND);
  const GEnumValue *value = g_enum_get_value_by_nick (klass, name);

  if (value == NULL)
    return FALSE;

  *kind = (TvmCompileKind) value->value;
  /* The others have commands of their own. */
  return *kind == TVM_COMPILE_KIND_OBJECT || *kind == TVM_COMPILE_KIND_SHARED ||
         *kind == TVM_COMPILE_KIND_STATIC || *kind == TVM_COMPILE_KIND_EXECUTABLE;
}

/* Whether the word behind @option may be its value. Of the families that have none the most used
 * are known; for all others the compiler knows better. */
static gboolean
may_take_value (const char *option)
{
  if (option[0] != '-' || strchr (option, '=') != NULL)
    return FALSE;
  if (g_str_equal (option, "-mllvm") || g_str_equal (option, "-framework"))
    return TRUE;

  return strchr ("OWfgm", option[1]) == NULL;
}

/* Where nothing is linked, a word that is no option would silently go nowhere.
 * Returns: (nullable): the first such word */
static const char *
find_stray_word (char **options)
{
  for (guint i = 0; options[i] != NULL; i++)
    {
      if (options[i][0] == '-' || options[i][0] == '@')
        continue;
      if (i == 0 || !may_take_value (options[i - 1]))
        return options[i];
    }

  return NULL;
}

/* Checks what GOption cannot. Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  self->kind = TVM_COMPILE_KIND_EXECUTABLE;
  if (self->kind_name != NULL && !parse_kind (self->kind_name, &self->kind))
    return tool_usage ("cc",
                       _("“%s” is no kind; there are object, shared, static and executable"),
                       self->kind_name);
  if (self->output == NULL)
    return tool_usage ("cc", _("No output was given; name it with -o"));
  if (g_str_equal (self->output, "-"))
    return tool_usage ("cc", _("“-” is no file to write to"));
  if (self->inputs == NULL)
    return tool_usage ("cc", _("No input was given"));
  if (self->command != NULL && self->target != NULL)
    return tool_usage ("cc", _("--cc and --target exclude each other"));
  if (self->jobs < 0)
    return tool_usage ("cc", _("%d is no number of jobs"), self->jobs);
  if (tool_check_seconds ("cc", self->timeout) != 0)
    return TOOL_EXIT_USAGE;
  if (self->kind == TVM_COMPILE_KIND_OBJECT || self->kind == TVM_COMPILE_KIND_STATIC)
    {
      const char *stray = find_stray_word (self->options);

      if (stray != NULL)
        return tool_usage ("cc", _("“%s” is no option of a compiler; inputs stand before “--”"),
                           stray);
    }
  if (self->memory_limit != NULL && !tool_parse_size (self->memory_limit, &self->memory_bytes))
    return tool_usage ("cc", _("“%s” is no size; write it as 800M or 2G"), self->memory_limit);

  return 0;
}

static gboolean
parse_settings (Settings  *self,
                char     **argv,
                int       *status)
{
  g_autoptr (GOptionContext) context = g_option_context_new (_("[-- COMPILER OPTION…]"));
  g_auto (GStrv) words = g_strdupv (argv);
  const GOptionEntry entries[] = {
    { "kind", 'k', 0, G_OPTION_ARG_STRING, &self->kind_name,
      N_("What to make: object, shared, static or executable (default)"), N_("KIND") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output, N_("Write to this file"),
      N_("FILE") },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
      N_("Run so many compilers at a time (default, and 0: as many as there are processors)"),
      N_("N") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End a compiler that runs longer (0: no limit)"), N_("SECONDS") },
    { "memory-limit", 'm', 0, G_OPTION_ARG_STRING, &self->memory_limit,
      N_("Let a compiler use no more memory than this (0: no limit)"), N_("SIZE") },
    { "cc", 0, 0, G_OPTION_ARG_FILENAME, &self->command,
      N_("Use this compiler, which may be given with arguments"), N_("COMMAND") },
    { "target", 0, 0, G_OPTION_ARG_STRING, &self->target,
      N_("Look for a compiler for this target"), N_("TRIPLE") },
    { "ccache", 0, 0, G_OPTION_ARG_NONE, &self->ccache, N_("Compile through ccache"), NULL },
    { "cwd", 'C', 0, G_OPTION_ARG_FILENAME, &self->cwd,
      N_("Compile in this directory; inputs and output are relative to it"), N_("DIRECTORY") },
    { "compile-commands", 0, 0, G_OPTION_ARG_FILENAME, &self->compile_commands,
      N_("Add the commands to this compile_commands.json"), N_("FILE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL,
      N_("INPUT…") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Compile sources, many at a time, and link what they "
                                           "become."));
  self->options = tool_split_options (words);
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  *status = check_settings (self);
  return *status == 0;
}

static TvmCompileRequest *
new_request (const Settings *settings)
{
  static const char * const no_changes[] = { NULL };
  TvmCompileRequest *request = tvm_compile_request_new (settings->kind);

  for (guint i = 0; settings->inputs[i] != NULL; i++)
    tvm_compile_request_add_input (request, settings->inputs[i], TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (request, settings->output);
  tvm_compile_request_set_working_directory (request, settings->cwd);
  tvm_compile_request_set_options (request, (const char * const *) settings->options);
  if (settings->timeout > 0)
    tvm_compile_request_set_timeout (request, MAX ((gint64) (settings->timeout * 1000), 1));
  if (settings->memory_bytes > 0)
    tvm_compile_request_set_memory_limit (request, settings->memory_bytes);
  if (settings->ccache)
    tvm_compile_request_set_ccache_environ (request, no_changes);

  return request;
}

static TvmCompiler *
new_compiler (Tool            *tool,
              const Settings  *settings,
              GError         **error)
{
  g_autoptr (TvmToolchain) toolchain = NULL;
  TvmCompiler *compiler = NULL;

  if (settings->target != NULL)
    {
      tvm_toolchain_discover_async (settings->target, tool->cancellable, tool_ready, tool);
      toolchain = tvm_toolchain_discover_finish (tool_wait (tool), error);
      if (toolchain == NULL)
        return NULL;
      compiler = tvm_compiler_new (toolchain);
    }
  else
    {
      compiler = tvm_compiler_new_for_command (settings->command);
    }

  tvm_compiler_set_max_jobs (compiler, (guint) settings->jobs);
  return compiler;
}

static gboolean
save_commands (Tool              *tool,
               const char        *path,
               TvmCompileResult  *result,
               GError           **error)
{
  g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();

  tvm_compile_commands_add (commands, result);
  tvm_compile_commands_save_async (commands, path, tool->cancellable, tool_ready, tool);
  return tvm_compile_commands_save_finish (commands, tool_wait (tool), error);
}

int
tool_run_cc (Tool  *tool,
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

  request = new_request (&settings);
  compiler = new_compiler (tool, &settings, &error);
  if (compiler == NULL)
    return tool_compile_fail (tool, settings.json, error);

  status = tool_compile (tool, compiler, request, settings.json, &result);
  if (result != NULL && settings.compile_commands != NULL &&
      !save_commands (tool, settings.compile_commands, result, &error))
    {
      const int save_status = tool_fail (tool, error);

      return status != 0 ? status : save_status;
    }

  return status;
}
