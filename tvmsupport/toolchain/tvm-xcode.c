/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-xcode.h"
#include "tvmsupport/toolchain/tvm-xcode-private.h"

#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/toolchain/tvm-tool-call-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define XCRUN "xcrun"

static const TvmXcodeSdk sdks[] = {
  { "macosx", "-mmacosx-version-min=", NULL, "macos-metal2.3" },
  { "iphoneos", "-miphoneos-version-min=", "13.0", "ios-metal2.3" },
  { "iphonesimulator", "-mios-simulator-version-min=", "13.0", "ios-metal2.3" },
};

const TvmXcodeSdk *
tvm_xcode_find_sdk (const char  *name,
                    GError     **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sdks); i++)
    {
      if (g_str_has_prefix (name, sdks[i].name) &&
          strspn (name + strlen (sdks[i].name), "0123456789.") == strlen (name) - strlen (sdks[i].name))
        return &sdks[i];
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The SDK “%s” is none of “%s”, “%s” and “%s”, which may end with a version"), name,
               sdks[0].name, sdks[1].name, sdks[2].name);
  return NULL;
}

char *
tvm_xcode_build_version_option (const TvmXcodeSdk *sdk,
                                const char        *min_os_version)
{
  const char *version = min_os_version != NULL ? min_os_version : sdk->default_version;

  return version != NULL ? g_strconcat (sdk->version_option, version, NULL) : NULL;
}

static void
xcrun_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (TvmProcessResult) process = NULL;
  GError *error = NULL;
  const char *data;
  gsize size;

  process = tvm_tool_call_finish (result, &error);
  if (process == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  data = g_bytes_get_data (process->stdout_bytes, &size);
  g_task_return_pointer (task, g_strstrip (g_strndup (size > 0 ? data : "", size)), g_free);
}

/**
 * tvm_xcode_xcrun_async:
 * @args: (array zero-terminated=1) (element-type filename): the arguments
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Runs `xcrun`, without blocking. See [func@TvmSupport.xcode_xcrun].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_xcode_xcrun_async (const char * const  *args,
                       GCancellable        *cancellable,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GStrvBuilder) builder = NULL;
  g_auto (GStrv) argv = NULL;

  g_return_if_fail (args != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  builder = g_strv_builder_new ();
  g_strv_builder_add (builder, XCRUN);
  g_strv_builder_addv (builder, (const char **) args);
  argv = g_strv_builder_end (builder);

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_xcode_xcrun_async);
  g_task_set_check_cancellable (task, FALSE);
  tvm_tool_call_async ((const char * const *) argv, TVM_ERROR_FAILED, cancellable, xcrun_ready,
                       g_steal_pointer (&task));
}

/**
 * tvm_xcode_xcrun_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.xcode_xcrun_async] began. The errors are those of
 * [func@TvmSupport.xcode_xcrun].
 *
 * Returns: (transfer full) (type filename): what it printed
 *
 * Since: 1.0
 */
char *
tvm_xcode_xcrun_finish (GAsyncResult  *result,
                        GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_xcode_xcrun:
 * @args: (array zero-terminated=1) (element-type filename): the arguments, such as `-sdk`, `macosx`,
 *   `--show-sdk-path`
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Runs Xcode's `xcrun` and returns what it wrote to its standard output, without white space around
 * it. This is the seed's `xcode.xcrun`.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is no `xcrun` in the `PATH`, %TVM_ERROR_FAILED with what
 * it said if it failed, or %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (type filename): what it printed
 *
 * Since: 1.0
 */
char *
tvm_xcode_xcrun (const char * const  *args,
                 GCancellable        *cancellable,
                 GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (args != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_xcode_xcrun_async (args, cancellable, tvm_sync_ready, &sync);
  return tvm_xcode_xcrun_finish (tvm_sync_wait (&sync), error);
}

typedef struct
{
  char *sdk;
  char *arch;                   /* (nullable) */
  char *version_option;         /* (nullable) */
  gboolean is_simulator;
  char *clang;
} NewXcode;

static void
new_xcode_free (gpointer data)
{
  NewXcode *self = data;

  g_free (self->sdk);
  g_free (self->arch);
  g_free (self->version_option);
  g_free (self->clang);
  g_free (self);
}

/* A processor that a device may have too does not tell a clang that it is a simulator. */
static void
add_target (NewXcode     *self,
            GStrvBuilder *argv)
{
  if (self->arch != NULL && self->is_simulator)
    {
      g_autofree char *triple = g_strdup_printf ("%s-apple-ios%s-simulator", self->arch,
                                                 strchr (self->version_option, '=') + 1);

      g_strv_builder_add_many (argv, "-target", triple, NULL);
      return;
    }

  if (self->arch != NULL)
    g_strv_builder_add_many (argv, "-arch", self->arch, NULL);
  if (self->version_option != NULL)
    g_strv_builder_add (argv, self->version_option);
}

static void
sdk_path_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  NewXcode *self = g_task_get_task_data (task);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;
  g_autofree char *sdk_path = NULL;
  g_autofree char *command = NULL;
  GError *error = NULL;

  sdk_path = tvm_xcode_xcrun_finish (result, &error);
  if (sdk_path == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  g_strv_builder_add_many (builder, self->clang, "-isysroot", sdk_path, NULL);
  add_target (self, builder);
  words = g_strv_builder_end (builder);

  command = tvm_quote_command ((const char * const *) words);
  g_task_return_pointer (task, tvm_compiler_new_for_command (command), g_object_unref);
}

static void
clang_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  NewXcode *self = g_task_get_task_data (task);
  const char * const args[] = { "-sdk", self->sdk, "--show-sdk-path", NULL };
  GError *error = NULL;

  self->clang = tvm_xcode_xcrun_finish (result, &error);
  if (self->clang == NULL)
    g_task_return_error (task, error);
  else
    tvm_xcode_xcrun_async (args, g_task_get_cancellable (task), sdk_path_ready,
                           g_object_ref (task));
}

/**
 * tvm_compiler_new_xcode_async:
 * @sdk: the SDK
 * @arch: (nullable): the architecture
 * @min_os_version: (nullable): the oldest version of the system
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Makes a compiler for a system of Apple, without blocking. See
 * [ctor@TvmSupport.Compiler.new_xcode].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_compiler_new_xcode_async (const char          *sdk,
                              const char          *arch,
                              const char          *min_os_version,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  const TvmXcodeSdk *known_sdk;
  NewXcode *self;
  GError *error = NULL;

  g_return_if_fail (sdk != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_compiler_new_xcode_async);
  known_sdk = tvm_xcode_find_sdk (sdk, &error);
  if (known_sdk == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  self = g_new0 (NewXcode, 1);
  self->sdk = g_strdup (sdk);
  self->arch = g_strdup (arch);
  self->version_option = tvm_xcode_build_version_option (known_sdk, min_os_version);
  self->is_simulator = g_str_has_suffix (known_sdk->name, "simulator");
  g_task_set_task_data (task, self, new_xcode_free);
  tvm_xcode_xcrun_async ((const char *[]) { "-sdk", sdk, "-find", "clang", NULL }, cancellable,
                         clang_ready, g_steal_pointer (&task));
}

/**
 * tvm_compiler_new_xcode_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.Compiler.new_xcode_async] began. The errors are those of
 * [ctor@TvmSupport.Compiler.new_xcode].
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_xcode_finish (GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_compiler_new_xcode:
 * @sdk: the SDK: `macosx`, `iphoneos` or `iphonesimulator`, which may end with a version
 * @arch: (nullable): the architecture, such as `arm64`, or %NULL for what clang makes by itself
 * @min_os_version: (nullable): the oldest version of the system that is to run what is made, such as
 *   `13.0`, or %NULL for the default: that of the SDK on macOS, else 13.0
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a compiler for a system of Apple: the clang of Xcode with an SDK, both as `xcrun` finds them.
 * Where `xcrun` is looked for, and the environment variables that it reads, such as
 * `DEVELOPER_DIR`, are those at the time of the call. The main context of the caller is not iterated.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT for an SDK that is not known, or one of
 * [func@TvmSupport.xcode_xcrun].
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_xcode (const char    *sdk,
                        const char    *arch,
                        const char    *min_os_version,
                        GCancellable  *cancellable,
                        GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (sdk != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_compiler_new_xcode_async (sdk, arch, min_os_version, cancellable, tvm_sync_ready, &sync);
  return tvm_compiler_new_xcode_finish (tvm_sync_wait (&sync), error);
}
