/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-cc.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/**
 * tvm_cc_get_cc:
 *
 * Gets the command of the default compiler: the value of `CXX` or of `CC`, which may have arguments
 * and a wrapper, or else the path of the first of `g++`, `gcc`, `clang++`, `clang`, `c++` and `cc`
 * in the `PATH`. Nothing is run. This is the seed's `cc.get_cc`.
 *
 * Returns: (transfer full) (nullable) (type filename): the command, or %NULL if there is none
 *
 * Since: 1.0
 */
char *
tvm_cc_get_cc (void)
{
  g_autofree char *origin = NULL;

  return tvm_toolchain_find_default_command (&origin, NULL);
}

static void
return_triple (GTask        *task,
               TvmToolchain *toolchain,
               GError       *error)
{
  g_autoptr (TvmToolchain) owned = toolchain;

  if (toolchain == NULL)
    g_task_return_error (task, error);
  else if (tvm_toolchain_get_target_triple (toolchain) == NULL)
    g_task_return_new_error (task, TVM_ERROR, TVM_ERROR_FAILED,
                             _("“%s” does not say what its target is"),
                             tvm_toolchain_get_path (toolchain));
  else
    g_task_return_pointer (task, g_strdup (tvm_toolchain_get_target_triple (toolchain)), g_free);
}

static void
new_ready (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TvmToolchain *toolchain = tvm_toolchain_new_finish (result, &error);

  return_triple (task, toolchain, error);
}

static void
discover_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TvmToolchain *toolchain = tvm_toolchain_discover_finish (result, &error);

  return_triple (task, toolchain, error);
}

/**
 * tvm_cc_get_target_triple_async:
 * @command: (nullable) (type filename): a compiler command, or %NULL for the default one
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the compiler has answered
 * @user_data: data for @callback
 *
 * Gets the target of a compiler, without blocking. See [func@TvmSupport.cc_get_target_triple].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_cc_get_target_triple_async (const char          *command,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_cc_get_target_triple_async);
  if (command != NULL)
    tvm_toolchain_new_async (command, cancellable, new_ready, g_steal_pointer (&task));
  else
    tvm_toolchain_discover_async (NULL, cancellable, discover_ready, g_steal_pointer (&task));
}

/**
 * tvm_cc_get_target_triple_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.cc_get_target_triple_async] began. The errors are those of
 * [func@TvmSupport.cc_get_target_triple].
 *
 * Returns: (transfer full): the triple, such as `x86_64-linux-gnu`
 *
 * Since: 1.0
 */
char *
tvm_cc_get_target_triple_finish (GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_cc_get_target_triple:
 * @command: (nullable) (type filename): a compiler command, or %NULL for the default one
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Gets the target that a compiler makes code for, as its `-dumpmachine` prints it, without the
 * newline. This is what the seed's `cc.get_target_by_dump_machine` returns a function for.
 *
 * The errors are those of [ctor@TvmSupport.Toolchain.new] and [func@TvmSupport.Toolchain.discover],
 * and %TVM_ERROR_FAILED if the compiler does not say.
 *
 * Returns: (transfer full): the triple, such as `x86_64-linux-gnu`
 *
 * Since: 1.0
 */
char *
tvm_cc_get_target_triple (const char    *command,
                          GCancellable  *cancellable,
                          GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_cc_get_target_triple_async (command, cancellable, tvm_sync_ready, &sync);
  return tvm_cc_get_target_triple_finish (tvm_sync_wait (&sync), error);
}
