/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-compile.h"
#include "tvmsupport/tool/tool.h"

#include <glib/gi18n.h>

#include <tvmsupport/tvmsupport.h>

#define STDIN_NAME "stdin.cu"

/* What the command line asks for */
typedef struct
{
  char *format;             /* (owned) (nullable) */
  char *arch;               /* (owned) (nullable) */
  char *compiler;           /* (owned) (nullable) */
  char *output;             /* (owned) (nullable): NULL is the standard output */
  double timeout;
  gboolean json;
  char **name_expressions;  /* (owned) (nullable) */
  char **inputs;            /* (owned) (nullable) */
  char **options;           /* (owned): what stood behind "--" */

  gboolean use_nvrtc;
  TvmCompileKind kind;
} Settings;

static const struct
{
  const char *name;
  TvmCompileKind kind;
} formats[] = {
  { "ptx", TVM_COMPILE_KIND_PTX },
  { "cubin", TVM_COMPILE_KIND_CUBIN },
  { "fatbin", TVM_COMPILE_KIND_FATBIN },
  { "lto-ir", TVM_COMPILE_KIND_LTO_IR },
  { "object", TVM_COMPILE_KIND_OBJECT },
  { "shared", TVM_COMPILE_KIND_SHARED },
};

static void
settings_clear (Settings *self)
{
  g_free (self->format);
  g_free (self->arch);
  g_free (self->compiler);
  g_free (self->output);
  g_strfreev (self->name_expressions);
  g_strfreev (self->inputs);
  g_strfreev (self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* Returns: 0 or the exit status */
static int
find_compiler (Settings *self)
{
  const char *mode = g_getenv ("TVM_CUDA_COMPILE_MODE");
  const char *name = self->compiler;

  if (name == NULL)
    name = mode != NULL && *mode != '\0' ? mode : "nvcc";
  self->use_nvrtc = g_str_equal (name, "nvrtc");
  if (self->use_nvrtc || g_str_equal (name, "nvcc"))
    return 0;

  if (self->compiler == NULL)
    return tool_usage ("cuda", _("“%s”, which TVM_CUDA_COMPILE_MODE says, is no compiler; there "
                                 "are nvcc and nvrtc"), name);
  return tool_usage ("cuda", _("“%s” is no compiler; there are nvcc and nvrtc"), name);
}

/* Returns: 0 or the exit status */
static int
find_kind (Settings *self)
{
  self->kind = self->use_nvrtc ? TVM_COMPILE_KIND_CUBIN : TVM_COMPILE_KIND_FATBIN;
  if (self->format == NULL)
    return 0;

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      if (!g_str_equal (formats[i].name, self->format))
        continue;

      self->kind = formats[i].kind;
      if (self->use_nvrtc &&
          (self->kind == TVM_COMPILE_KIND_FATBIN || self->kind == TVM_COMPILE_KIND_OBJECT ||
           self->kind == TVM_COMPILE_KIND_SHARED))
        return tool_usage ("cuda", _("nvrtc does not make “%s”, but ptx, cubin and lto-ir; "
                                     "nvcc does"), self->format);
      return 0;
    }

  return tool_usage ("cuda", _("“%s” is no format; there are ptx, cubin, fatbin, lto-ir, object and "
                               "shared"), self->format);
}

/* Checks what GOption cannot. Returns: 0 or the exit status */
static int
check_settings (Settings *self)
{
  int status = find_compiler (self);

  if (status == 0)
    status = find_kind (self);
  if (status == 0)
    status = tool_check_seconds ("cuda", self->timeout);
  if (status != 0)
    return status;

  if (self->output != NULL && g_str_equal (self->output, "-"))
    g_clear_pointer (&self->output, g_free);
  if (self->json && self->output == NULL)
    return tool_usage ("cuda", _("The JSON goes to the standard output; name a file for the code "
                                 "with -o"));
  if (self->name_expressions != NULL && !self->use_nvrtc)
    return tool_usage ("cuda", _("--name-expression is for nvrtc"));
  if (self->inputs != NULL && self->inputs[0] != NULL && self->inputs[1] != NULL)
    return tool_usage ("cuda", _("“%s” is one input too many"), self->inputs[1]);

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
    { "format", 'f', 0, G_OPTION_ARG_STRING, &self->format,
      N_("What to make: ptx, cubin, fatbin, lto-ir, object or shared (default: fatbin with nvcc, "
         "cubin with nvrtc)"), N_("FORMAT") },
    { "arch", 'a', 0, G_OPTION_ARG_STRING, &self->arch,
      N_("Compile for this architecture, such as sm_90a (default: that of the first GPU)"),
      N_("ARCH") },
    { "compiler", 'c', 0, G_OPTION_ARG_STRING, &self->compiler,
      N_("Use nvcc (default) or nvrtc"), N_("COMPILER") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_("Write to this file (default, and -: the standard output)"), N_("FILE") },
    { "name-expression", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &self->name_expressions,
      N_("Make this instance of a template, with nvrtc; may be repeated"), N_("NAME") },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      N_("End a compiler that runs longer (0: no limit)"), N_("SECONDS") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json,
      N_("Write what came of it to the standard output as JSON"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->inputs, NULL,
      N_("[INPUT]") },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_set_summary (context, _("Compile CUDA; no GPU is needed. Without an input, or "
                                           "with -, the standard input is read."));
  self->options = tool_split_options (words);
  if (!tool_parse (context, entries, &words, status))
    return FALSE;

  *status = check_settings (self);
  return *status == 0;
}

static gboolean
names_arch (char **options)
{
  static const char * const prefixes[] = { "-arch", "-gencode", "--gpu-architecture",
                                           "--generate-code" };

  for (guint i = 0; options[i] != NULL; i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (prefixes); j++)
        {
          if (g_str_has_prefix (options[i], prefixes[j]))
            return TRUE;
        }
    }

  return FALSE;
}

/* Where none is given, the first GPU says it. */
static gboolean
find_arch (Tool      *tool,
           Settings  *settings,
           GError   **error)
{
  if (settings->arch != NULL || names_arch (settings->options))
    return TRUE;

  tvm_nvcc_get_target_compute_version_async (NULL, tool->cancellable, tool_ready, tool);
  settings->arch = tvm_nvcc_get_target_compute_version_finish (tool_wait (tool), error);
  if (settings->arch == NULL)
    g_prefix_error (error, _("No architecture is given with --arch: "));
  return settings->arch != NULL;
}

static TvmCompileRequest *
new_request (Tool            *tool,
             const Settings  *settings,
             GError         **error)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (settings->kind);

  if (settings->inputs == NULL || g_str_equal (settings->inputs[0], "-"))
    {
      g_autoptr (GBytes) source = tool_read_source (tool, error);

      if (source == NULL)
        return NULL;
      tvm_compile_request_add_input_bytes (request, STDIN_NAME, source, TVM_LANGUAGE_CUDA);
    }
  else
    {
      tvm_compile_request_add_input (request, settings->inputs[0], TVM_LANGUAGE_CUDA);
    }

  tvm_compile_request_set_arch (request, settings->arch);
  tvm_compile_request_set_output (request, settings->output);
  tvm_compile_request_set_options (request, (const char * const *) settings->options);
  tvm_compile_request_set_name_expressions (request,
                                            (const char * const *) settings->name_expressions);
  if (settings->timeout > 0)
    tvm_compile_request_set_timeout (request, MAX ((gint64) (settings->timeout * 1000), 1));

  return g_steal_pointer (&request);
}

static TvmCompiler *
new_compiler (const Settings  *settings,
              GError         **error)
{
  if (settings->use_nvrtc)
    return TVM_COMPILER (tvm_nvrtc_compiler_new (NULL));

  return (TvmCompiler *) tvm_nvcc_compiler_new (NULL, error);
}

int
tool_run_cuda (Tool  *tool,
               char **argv)
{
  g_auto (Settings) settings = { NULL, };
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompiler) compiler = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;
  int status = 0;

  if (!parse_settings (&settings, argv, &status))
    return status;

  if (find_arch (tool, &settings, &error))
    compiler = new_compiler (&settings, &error);
  if (compiler != NULL)
    request = new_request (tool, &settings, &error);
  if (request == NULL)
    return tool_compile_fail (tool, settings.json, error);

  status = tool_compile (tool, compiler, request, settings.json, &result);
  if (status != 0 || settings.output != NULL)
    return status;

  bytes = tvm_compile_result_get_bytes (result);
  return tool_write_data (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes))
         ? 0 : TOOL_EXIT_FAILURE;
}
