/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-hipcc-compiler.h"

#include "tvmsupport/gpu/tvm-rocm.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/tvm-search-private.h"

#include <glib/gi18n-lib.h>

#define NAME "hipcc"

/**
 * TvmHipccCompiler:
 *
 * Compiles HIP with `hipcc`.
 *
 * It makes code objects of one source each (%TVM_COMPILE_KIND_HSACO), objects, and shared libraries
 * and programs of any number of inputs. [property@TvmSupport.CompileRequest:arch] names the
 * architecture, with features behind a colon if it has any, or several with commas between them; no
 * GPU is needed.
 *
 * A code object for one architecture is the ELF file that the driver loads. For several it is the
 * bundle of clang, which the driver of HIP takes, too; hipcc of a ROCm before 5.1 makes a bundle of
 * one.
 *
 * ```c
 * static GBytes *
 * compile (const char  *path,
 *          GError     **error)
 * {
 *   g_autoptr (TvmHipccCompiler) hipcc = tvm_hipcc_compiler_new (NULL, error);
 *   g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
 *   g_autoptr (TvmCompileResult) result = NULL;
 *
 *   if (hipcc == NULL)
 *     return NULL;
 *
 *   tvm_compile_request_add_input (request, path, TVM_LANGUAGE_AUTO);
 *   tvm_compile_request_set_arch (request, "gfx90a");
 *   result = tvm_compiler_compile (TVM_COMPILER (hipcc), request, NULL, error);
 *   if (result == NULL || !tvm_compile_result_check (result, error))
 *     return NULL;
 *
 *   return g_bytes_ref (tvm_compile_result_get_bytes (result));
 * }
 * ```
 *
 * Options are those of clang, which hipcc runs. What was compiled once is kept:
 * [property@TvmSupport.Compiler:cache] is the cache of the user from the start. Set it to %NULL, or
 * the environment variable `TVM_SUPPORT_KERNEL_CACHE` to `off`, to compile each time.
 *
 * A [class@TvmSupport.Compiler] whose command is a `hipcc` does the same, and begins without a
 * cache.
 *
 * Since: 1.0
 */

struct _TvmHipccCompiler
{
  TvmCompiler parent_instance;
};

G_DEFINE_FINAL_TYPE (TvmHipccCompiler, tvm_hipcc_compiler, TVM_TYPE_COMPILER)

static char **
tvm_hipcc_compiler_build_argv (TvmCompiler        *compiler,
                               TvmToolchain       *toolchain,
                               TvmCompileRequest  *request,
                               GError            **error)
{
  if (tvm_toolchain_get_family (toolchain) != TVM_TOOLCHAIN_FAMILY_HIPCC)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED, _("“%s” is not hipcc"),
                   tvm_toolchain_get_path (toolchain));
      return NULL;
    }

  return TVM_COMPILER_CLASS (tvm_hipcc_compiler_parent_class)->build_argv (compiler, toolchain,
                                                                           request, error);
}

static void
tvm_hipcc_compiler_class_init (TvmHipccCompilerClass *klass)
{
  TVM_COMPILER_CLASS (klass)->build_argv = tvm_hipcc_compiler_build_argv;
}

static void
tvm_hipcc_compiler_init (TvmHipccCompiler *self)
{
  tvm_compiler_replace_cache (TVM_COMPILER (self), tvm_kernel_cache_peek_initial ());
}

static char *
find_hipcc (GError **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GError) path_error = NULL;
  g_autoptr (GError) root_error = NULL;
  g_autofree char *root = NULL;
  g_autofree char *program = NULL;
  char *found = tvm_find_program (NAME, NULL, NULL, &path_error);

  if (found != NULL)
    return found;

  tvm_search_add (&search, "%s", path_error->message);
  root = tvm_rocm_find_path (&root_error);
  if (root == NULL)
    {
      tvm_search_add (&search, "%s", root_error->message);
    }
  else
    {
      g_autoptr (GError) place_error = NULL;

      program = g_build_filename (root, "bin", NAME, NULL);
      found = tvm_find_program (program, NULL, NULL, &place_error);
      if (found == NULL)
        tvm_search_add (&search, "%s", place_error->message);
    }

  if (found == NULL)
    tvm_search_set_error (&search, _("the compiler of HIP “hipcc”"), error);
  return found;
}

/**
 * tvm_hipcc_compiler_new:
 * @command: (nullable) (type filename): a command as [ctor@TvmSupport.Toolchain.new] takes it, such
 *   as `/opt/rocm/bin/hipcc`, or %NULL to find `hipcc`
 * @error: a #GError
 *
 * Makes a compiler that runs hipcc. Without a command it is the first in the `PATH`, or that of the
 * directory that [func@TvmSupport.rocm_find_path] finds.
 *
 * A command that is given is looked up at the first use, and that is where a missing one is an
 * error. Without one, the error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the
 * reason why it did not serve.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmHipccCompiler *
tvm_hipcc_compiler_new (const char  *command,
                        GError     **error)
{
  g_autofree char *found = NULL;
  g_autofree char *quoted = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (command == NULL)
    {
      found = find_hipcc (error);
      if (found == NULL)
        return NULL;
      quoted = g_shell_quote (found);
      command = quoted;
    }

  return g_object_new (TVM_TYPE_HIPCC_COMPILER, "command", command, NULL);
}
