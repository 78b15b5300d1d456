/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a kernel to machine code for one architecture: cuda SOURCE ARCH OUTPUT */
#include <locale.h>
#include <tvmsupport/tvmsupport.h>

static gboolean
compile (const char  *source,
         const char  *arch,
         const char  *output,
         GError     **error)
{
  g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, error);
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
  g_autoptr (TvmCompileResult) result = NULL;

  if (nvcc == NULL)
    return FALSE;

  tvm_compile_request_add_input (request, source, TVM_LANGUAGE_AUTO);
  tvm_compile_request_set_arch (request, arch);
  tvm_compile_request_set_output (request, output);
  result = tvm_compiler_compile (TVM_COMPILER (nvcc), request, NULL, error);

  return result != NULL && tvm_compile_result_check (result, error);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc != 4)
    {
      g_printerr ("usage: cuda SOURCE ARCH OUTPUT\n");
      return 2;
    }

  if (!compile (argv[1], argv[2], argv[3], &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_print ("made %s\n", argv[3]);
  return 0;
}
