/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a source to a WebAssembly module: wasm SOURCE OUTPUT */
#include <locale.h>
#include <tvmsupport/tvmsupport.h>

static gboolean
compile (const char  *source,
         const char  *output,
         GError     **error)
{
  const char * const options[] = { "-O2", "-sSTANDALONE_WASM=1", NULL };
  g_autoptr (TvmCompiler) emcc = tvm_compiler_new_emcc (NULL, error);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_WASM);
  g_autoptr (TvmCompileResult) result = NULL;

  if (emcc == NULL)
    return FALSE;

  tvm_compile_request_add_input (request, source, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_options (request, options);
  tvm_compile_request_set_output (request, output);
  result = tvm_compiler_compile (emcc, request, NULL, error);

  return result != NULL && tvm_compile_result_check (result, error);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc != 3)
    {
      g_printerr ("usage: wasm SOURCE OUTPUT\n");
      return 2;
    }

  if (!compile (argv[1], argv[2], &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_print ("made %s\n", argv[2]);
  return 0;
}
