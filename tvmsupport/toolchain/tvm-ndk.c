/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

#define VARIABLE "TVM_NDK_CC"

/**
 * tvm_compiler_new_ndk: (constructor)
 * @error: a #GError
 *
 * Makes a compiler for Android: that of the Android NDK, which the environment variable `TVM_NDK_CC`
 * names. Its value is a command as [ctor@TvmSupport.Toolchain.new] takes it, such as
 * `/opt/ndk/toolchains/llvm/prebuilt/linux-x86_64/bin/aarch64-linux-android21-clang++`, and is read
 * when this function is called.
 *
 * What it links is linked with the mathematical library, `-lm`, behind the options of a request. The
 * archiver and the other tools are those beside the compiler, see
 * [method@TvmSupport.Toolchain.find_tool]. Nothing is run here: a command that does not work is an
 * error at the first use.
 *
 * This is what the functions of the seed's module `ndk` use.
 *
 * The error is %TVM_ERROR_NOT_FOUND if the variable is not set or has no text.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_ndk (GError **error)
{
  static const char * const options[] = { "-lm", NULL };
  g_autofree char *command = g_strdup (g_getenv (VARIABLE));

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (command == NULL || g_strstrip (command)[0] == '\0')
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("No compiler of the Android NDK was found: set the environment variable %s to its "
                     "command"),
                   VARIABLE);
      return NULL;
    }

  return tvm_compiler_new_cross (command, options, NULL, NULL);
}
