/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a source file into a shared library: compile SOURCE OUTPUT */
#include <locale.h>
#include <tvmsupport/tvmsupport.h>

typedef struct
{
  GMainLoop *loop;
  int exit_status;
} Program;

static void
print_diagnostics (TvmCompileResult *result)
{
  GListModel *diagnostics = tvm_compile_result_get_diagnostics (result);

  for (guint i = 0; i < g_list_model_get_n_items (diagnostics); i++)
    {
      g_autoptr (TvmDiagnostic) diagnostic = g_list_model_get_item (diagnostics, i);
      g_autofree char *text = tvm_diagnostic_format (diagnostic);

      g_printerr ("%s\n", text);
    }
}

static void
compiled (GObject      *source,
          GAsyncResult *async_result,
          gpointer      user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = NULL;

  result = tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &error);
  if (result == NULL)
    {
      g_printerr ("%s\n", error->message);
    }
  else
    {
      print_diagnostics (result);
      if (tvm_compile_result_get_successful (result))
        {
          g_print ("made %s\n", tvm_compile_result_get_output (result));
          program->exit_status = 0;
        }
    }

  g_main_loop_quit (program->loop);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (TvmCompiler) compiler = tvm_compiler_new (NULL);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
  Program program = { loop, 1 };

  setlocale (LC_ALL, "");
  if (argc != 3)
    {
      g_printerr ("usage: compile SOURCE OUTPUT\n");
      return 2;
    }

  tvm_compile_request_add_input (request, argv[1], TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_output (request, argv[2]);
  tvm_compile_request_set_timeout (request, 60 * 1000);

  tvm_compiler_compile_async (compiler, request, NULL, compiled, &program);
  g_main_loop_run (loop);

  return program.exit_status;
}
