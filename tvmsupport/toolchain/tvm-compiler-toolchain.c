/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compiler.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/* What a compiler runs, found out at the first use */

static G_DEFINE_QUARK (tvm-compiler-in-process, in_process)

void
tvm_compiler_class_set_in_process (TvmCompilerClass *klass)
{
  g_type_set_qdata (G_TYPE_FROM_CLASS (klass), in_process_quark (), GINT_TO_POINTER (TRUE));
}

static void
toolchain_ready (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  TvmCompiler *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (TvmToolchain) toolchain = tvm_toolchain_load_finish (result, &error);

  if (toolchain == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  /* Another call may have been faster; all of them get the same one. */
  g_task_return_pointer (task, tvm_compiler_adopt_toolchain (self, toolchain), g_object_unref);
}

/**
 * tvm_compiler_load_toolchain_async:
 * @self: a compiler
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the toolchain is known
 * @user_data: data for @callback
 *
 * Finds out what the compiler runs, without blocking. See
 * [method@TvmSupport.Compiler.load_toolchain].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_load_toolchain_async (TvmCompiler         *self,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (TvmKernelCache) cache = NULL;
  TvmToolchain *toolchain;

  g_return_if_fail (TVM_IS_COMPILER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_compiler_load_toolchain_async);

  if (g_type_get_qdata (G_OBJECT_TYPE (self), in_process_quark ()) != NULL)
    {
      g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                               _("A “%s” runs no program and has no toolchain"),
                               G_OBJECT_TYPE_NAME (self));
      return;
    }

  cache = tvm_compiler_dup_cache (self);
  toolchain = tvm_compiler_get_toolchain (self);
  if (toolchain != NULL)
    g_task_return_pointer (task, g_object_ref (toolchain), g_object_unref);
  else
    tvm_toolchain_load_async (tvm_compiler_get_command (self), cache, cancellable, toolchain_ready,
                              g_steal_pointer (&task));
}

/**
 * tvm_compiler_load_toolchain_finish:
 * @self: a compiler
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.Compiler.load_toolchain_async] began. The errors are those of
 * [method@TvmSupport.Compiler.load_toolchain].
 *
 * Returns: (transfer full): the toolchain
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_compiler_load_toolchain_finish (TvmCompiler   *self,
                                    GAsyncResult  *result,
                                    GError       **error)
{
  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_compiler_load_toolchain:
 * @self: a compiler
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Finds out what the compiler runs, if that is not known yet: looks its command up, or discovers
 * one, and asks what it is. Compiling does so too; this is for who wants to know before.
 *
 * The errors are those of [ctor@TvmSupport.Toolchain.new] and [func@TvmSupport.Toolchain.discover],
 * and %TVM_ERROR_UNSUPPORTED for a compiler that runs no program, such as
 * [class@TvmSupport.NvrtcCompiler].
 *
 * Returns: (transfer full): the toolchain
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_compiler_load_toolchain (TvmCompiler   *self,
                             GCancellable  *cancellable,
                             GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (TVM_IS_COMPILER (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_load_toolchain_async (self, cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_load_toolchain_finish (self, tvm_sync_wait (&sync), error);
}
