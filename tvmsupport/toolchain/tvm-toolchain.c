/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-toolchain.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

/**
 * TvmToolchain:
 *
 * A compiler that was found: its command, what it is, and for which target it makes code.
 *
 * A toolchain is made from a command such as `ccache g++ -m64`, or discovered from the environment
 * and the `PATH`. Either way the compiler is run once to ask what it is; that answer is kept for
 * the lifetime of the process, for as long as the file of the compiler does not change.
 *
 * A toolchain never changes after it was made. It can be used by any number of threads.
 *
 * ```c
 * g_autoptr (GError) error = NULL;
 * g_autoptr (TvmToolchain) toolchain = tvm_toolchain_new ("ccache g++ -m64", NULL, &error);
 *
 * if (toolchain == NULL)
 *   g_printerr ("%s\n", error->message);
 * else
 *   g_print ("%s makes code for %s\n", tvm_toolchain_get_path (toolchain),
 *            tvm_toolchain_get_target_triple (toolchain));
 * ```
 *
 * Since: 1.0
 */
struct _TvmToolchain
{
  GObject parent_instance;

  char *path;
  char **args;
  char **wrapper;
  char *origin;
  char *c_driver;    /* (nullable) */
  char *cxx_driver;  /* (nullable) */

  TvmToolchainIdentity *identity; /* set before anybody sees the toolchain */
};

G_DEFINE_FINAL_TYPE (TvmToolchain, tvm_toolchain, G_TYPE_OBJECT)

typedef enum
{
  PROP_NAME = 1,
  PROP_PATH,
  PROP_COMMAND,
  PROP_WRAPPER,
  PROP_FAMILY,
  PROP_VERSION,
  PROP_TARGET_TRIPLE,
  PROP_ORIGIN,
} TvmToolchainProperty;

static GParamSpec *obj_props[PROP_ORIGIN + 1];

/* Programs that take a compiler command as their arguments */
static const char * const wrappers[] = {
  "ccache", "sccache", "cachepot", "buildcache", "distcc", "icecc", "gomacc",
  "env", "nice", "ionice", "chrt", "taskset", "time",
};

/* The first few of them keep what they compiled, and have no business with a link. */
#define N_COMPILER_WRAPPERS 7

static void
tvm_toolchain_get_property (GObject    *object,
                            guint       prop_id,
                            GValue     *value,
                            GParamSpec *pspec)
{
  TvmToolchain *self = TVM_TOOLCHAIN (object);

  switch ((TvmToolchainProperty) prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, tvm_toolchain_get_name (self));
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_COMMAND:
      g_value_take_boxed (value, tvm_toolchain_dup_command (self));
      break;
    case PROP_WRAPPER:
      g_value_set_boxed (value, self->wrapper);
      break;
    case PROP_FAMILY:
      g_value_set_enum (value, tvm_toolchain_get_family (self));
      break;
    case PROP_VERSION:
      g_value_set_string (value, tvm_toolchain_get_version (self));
      break;
    case PROP_TARGET_TRIPLE:
      g_value_set_string (value, tvm_toolchain_get_target_triple (self));
      break;
    case PROP_ORIGIN:
      g_value_set_string (value, self->origin);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_toolchain_finalize (GObject *object)
{
  TvmToolchain *self = TVM_TOOLCHAIN (object);

  g_free (self->path);
  g_strfreev (self->args);
  g_strfreev (self->wrapper);
  g_free (self->origin);
  g_free (self->c_driver);
  g_free (self->cxx_driver);
  g_clear_pointer (&self->identity, tvm_toolchain_identity_free);

  G_OBJECT_CLASS (tvm_toolchain_parent_class)->finalize (object);
}

static void
tvm_toolchain_class_init (TvmToolchainClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = tvm_toolchain_get_property;
  object_class->finalize = tvm_toolchain_finalize;

  /**
   * TvmToolchain:name: (type filename)
   *
   * The name of the compiler's program, without its folder.
   *
   * Since: 1.0
   */
  obj_props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * TvmToolchain:path: (type filename)
   *
   * The absolute path of the compiler.
   *
   * Since: 1.0
   */
  obj_props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags);

  /**
   * TvmToolchain:command:
   *
   * The compiler and the arguments that belong to it, without the wrapper.
   *
   * Since: 1.0
   */
  obj_props[PROP_COMMAND] = g_param_spec_boxed ("command", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * TvmToolchain:wrapper:
   *
   * What stands in front of the compiler, such as `ccache`; %NULL if nothing does.
   *
   * Since: 1.0
   */
  obj_props[PROP_WRAPPER] = g_param_spec_boxed ("wrapper", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * TvmToolchain:family:
   *
   * What kind of compiler it is.
   *
   * Since: 1.0
   */
  obj_props[PROP_FAMILY] =
    g_param_spec_enum ("family", NULL, NULL, TVM_TYPE_TOOLCHAIN_FAMILY,
                       TVM_TOOLCHAIN_FAMILY_UNKNOWN, flags);

  /**
   * TvmToolchain:version:
   *
   * The version, such as `12.2.0`; %NULL if it is not known.
   *
   * Since: 1.0
   */
  obj_props[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, flags);

  /**
   * TvmToolchain:target-triple:
   *
   * The target of the code that it makes, as the compiler spells it; %NULL if it does not say.
   *
   * Since: 1.0
   */
  obj_props[PROP_TARGET_TRIPLE] =
    g_param_spec_string ("target-triple", NULL, NULL, NULL, flags);

  /**
   * TvmToolchain:origin:
   *
   * Where the command came from, for people to read: a variable of the environment, or the `PATH`.
   *
   * Since: 1.0
   */
  obj_props[PROP_ORIGIN] = g_param_spec_string ("origin", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_toolchain_init (TvmToolchain *self)
{
}

static gboolean
is_wrapper (const char *word,
            guint       n_known)
{
  g_autofree char *name = g_path_get_basename (word);
  guint i;

  for (i = 0; i < n_known; i++)
    {
      if (strcmp (name, wrappers[i]) == 0)
        return TRUE;
    }

  return FALSE;
}

gboolean
tvm_toolchain_is_compiler_cache (const char *program)
{
  return is_wrapper (program, N_COMPILER_WRAPPERS);
}

/* How many words of @argv are wrappers and their own arguments. The last word is never one: a
 * ccache that masquerades as a compiler, or is all there is, is the compiler. */
static guint
count_wrapper_words (char **argv)
{
  guint n = 0;

  while (argv[n] != NULL && argv[n + 1] != NULL && is_wrapper (argv[n], G_N_ELEMENTS (wrappers)))
    {
      n++;
      while (argv[n + 1] != NULL && (argv[n][0] == '-' || strchr (argv[n], '=') != NULL))
        n++;
    }

  return n;
}

/* Splits a command the way a shell would, but for one that is the path of a program with spaces
 * in it. */
static char **
split_command (const char  *command,
               GError     **error)
{
  g_autofree char *whole = NULL;
  g_autoptr (GError) local_error = NULL;
  char **argv;

  if (strpbrk (command, " \t'\"\\") != NULL)
    {
      whole = tvm_find_program (command, NULL, NULL, NULL);
      if (whole != NULL)
        {
          argv = g_new0 (char *, 2);
          argv[0] = g_strdup (command);
          return argv;
        }
    }

  if (!g_shell_parse_argv (command, NULL, &argv, &local_error))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The compiler command “%s” cannot be read: %s"), command,
                   local_error->message);
      return NULL;
    }

  return argv;
}

/* `cc` and `c++` are names that anybody can point anywhere: they are siblings only if what they
 * point at is. */
static gboolean
are_related (const char *path,
             const char *sibling,
             gboolean    cxx)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *real = NULL;
  g_autofree char *real_sibling = NULL;
  g_autofree char *real_name = NULL;
  g_autofree char *real_sibling_name = NULL;
  g_autofree char *expected = NULL;
  char *resolved;

  if (strcmp (name, "cc") != 0 && strcmp (name, "c++") != 0)
    return TRUE;

  resolved = realpath (path, NULL);
  real = g_strdup (resolved);
  free (resolved);
  resolved = realpath (sibling, NULL);
  real_sibling = g_strdup (resolved);
  free (resolved);
  if (real == NULL || real_sibling == NULL)
    return FALSE;

  real_name = g_path_get_basename (real);
  real_sibling_name = g_path_get_basename (real_sibling);
  expected = tvm_driver_sibling_name (real_name, cxx);

  return strcmp (real, real_sibling) == 0 || g_strcmp0 (expected, real_sibling_name) == 0;
}

static char *
find_sibling (const char *path,
              gboolean    cxx)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *sibling_name = tvm_driver_sibling_name (name, cxx);
  g_autofree char *sibling = NULL;
  g_autofree char *found = NULL;

  if (sibling_name == NULL)
    return NULL;

  sibling = g_build_filename (folder, sibling_name, NULL);
  found = tvm_find_program (sibling, NULL, NULL, NULL);
  if (found == NULL || !are_related (path, found, cxx))
    return NULL;

  return g_steal_pointer (&found);
}

/* Everything about a toolchain that needs no process */
static TvmToolchain *
toolchain_from_command (const char  *command,
                        const char  *origin,
                        GError     **error)
{
  g_autoptr (TvmToolchain) self = g_object_new (TVM_TYPE_TOOLCHAIN, NULL);
  g_auto (GStrv) argv = split_command (command, error);
  g_autofree char *name = NULL;
  guint n_wrapper;
  guint i;

  if (argv == NULL)
    return NULL;

  n_wrapper = count_wrapper_words (argv);
  self->path = tvm_find_program (argv[n_wrapper], NULL, NULL, error);
  if (self->path == NULL)
    {
      if (origin != NULL)
        g_prefix_error (error, _("The compiler command “%s” of %s cannot be run: "), command, origin);
      return NULL;
    }

  self->args = g_strdupv (argv + n_wrapper + 1);
  self->origin = g_strdup (origin != NULL ? origin : _("the caller"));
  if (n_wrapper > 0)
    {
      self->wrapper = g_new0 (char *, n_wrapper + 1);
      for (i = 0; i < n_wrapper; i++)
        self->wrapper[i] = g_strdup (argv[i]);
    }

  name = g_path_get_basename (self->path);
  if (tvm_driver_name_is_cxx (name))
    {
      self->cxx_driver = g_strdup (self->path);
      self->c_driver = find_sibling (self->path, FALSE);
    }
  else
    {
      self->c_driver = g_strdup (self->path);
      self->cxx_driver = find_sibling (self->path, TRUE);
    }

  return g_steal_pointer (&self);
}

static void
probe_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  TvmToolchain *self = g_task_get_task_data (task);
  GError *error = NULL;

  self->identity = tvm_toolchain_probe_finish (result, &error);
  if (self->identity == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_object_ref (self), g_object_unref);
}

/* Takes @self, the outcome of toolchain_from_command(), and asks its compiler who it is. */
static void
identify (GTask          *task,
          TvmToolchain   *self,
          TvmKernelCache *cache)
{
  g_task_set_task_data (task, self, g_object_unref);
  tvm_toolchain_probe_async (self->path, tvm_toolchain_peek_args (self), cache,
                             g_task_get_cancellable (task), probe_ready, g_object_ref (task));
}

void
tvm_toolchain_load_async (const char          *command,
                          TvmKernelCache      *cache,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *found = NULL;
  g_autofree char *origin = NULL;
  TvmToolchain *self = NULL;
  GError *error = NULL;

  g_task_set_source_tag (task, tvm_toolchain_load_async);

  if (command == NULL)
    command = found = tvm_toolchain_find_default_command (&origin, &error);
  if (command != NULL)
    self = toolchain_from_command (command, origin, &error);
  if (self == NULL)
    g_task_return_error (task, error);
  else
    identify (task, self, cache);
}

TvmToolchain *
tvm_toolchain_load_finish (GAsyncResult  *result,
                           GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_toolchain_new_async:
 * @command: (type filename): a compiler by name or path, with arguments and a wrapper if need be
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the compiler has answered
 * @user_data: data for @callback
 *
 * Makes a toolchain from a command, without blocking. See [ctor@TvmSupport.Toolchain.new].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_toolchain_new_async (const char          *command,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  g_return_if_fail (command != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  tvm_toolchain_load_async (command, NULL, cancellable, callback, user_data);
}

/**
 * tvm_toolchain_new_finish: (constructor)
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.Toolchain.new_async] began. The errors are those of
 * [ctor@TvmSupport.Toolchain.new].
 *
 * Returns: (transfer full): a new toolchain
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_toolchain_new_finish (GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_toolchain_new:
 * @command: (type filename): a compiler by name or path, with arguments and a wrapper if need be
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Makes a toolchain from a command such as `gcc`, `/opt/my tools/bin/clang` or `ccache g++ -m64`.
 *
 * The command is split as a shell would split it, unless all of it is the path of a program. A name
 * without a slash is looked for in the `PATH`. The compiler is run once to learn what it is.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is no such program, with the places that were looked
 * at, %TVM_ERROR_INVALID_ARGUMENT if @command has quotes that do not match or is empty, or
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a new toolchain
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_toolchain_new (const char    *command,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (command != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_toolchain_new_async (command, cancellable, tvm_sync_ready, &sync);
  return tvm_toolchain_new_finish (tvm_sync_wait (&sync), error);
}

/**
 * tvm_toolchain_discover_async:
 * @target_triple: (nullable): the target that the compiler must make code for
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when a compiler was found, or none was
 * @user_data: data for @callback
 *
 * Finds a compiler, without blocking. See [func@TvmSupport.Toolchain.discover].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_toolchain_discover_async (const char          *target_triple,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autofree char *command = NULL;
  g_autofree char *origin = NULL;
  TvmToolchain *self = NULL;
  GError *error = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_toolchain_discover_async);

  if (target_triple != NULL)
    command = tvm_toolchain_find_command_for_target (target_triple, &origin, &error);
  else
    command = tvm_toolchain_find_default_command (&origin, &error);

  if (command != NULL)
    self = toolchain_from_command (command, origin, &error);
  if (self == NULL)
    g_task_return_error (task, error);
  else
    identify (task, self, NULL);
}

/**
 * tvm_toolchain_discover_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.Toolchain.discover_async] began. The errors are those of
 * [func@TvmSupport.Toolchain.discover].
 *
 * Returns: (transfer full): the toolchain that was found
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_toolchain_discover_finish (GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_toolchain_discover:
 * @target_triple: (nullable): the target that the compiler must make code for, or %NULL for what
 *   the environment and the `PATH` say
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Finds a compiler.
 *
 * Without a target these are tried in order: the variables `CXX` and `CC`, which may hold a wrapper
 * and arguments; then `g++`, `gcc`, `clang++`, `clang`, `c++` and `cc` in the `PATH`. With a
 * target: `CXX_<target>` and `CC_<target>`, the same with `_` for each `-` and `.`, `TARGET_CXX`
 * and `TARGET_CC`; then `<target>-g++` and the other names with that prefix; then clang with
 * `--target=<target>`.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is none, or a variable names one that is not there;
 * the message lists everything that was tried.
 *
 * Returns: (transfer full): the toolchain that was found
 *
 * Since: 1.0
 */
TvmToolchain *
tvm_toolchain_discover (const char    *target_triple,
                        GCancellable  *cancellable,
                        GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_toolchain_discover_async (target_triple, cancellable, tvm_sync_ready, &sync);
  return tvm_toolchain_discover_finish (tvm_sync_wait (&sync), error);
}

/**
 * tvm_toolchain_get_name: (get-property name)
 * @self: a toolchain
 *
 * Gets the name of the compiler's program.
 *
 * Returns: (transfer none) (type filename): the name
 *
 * Since: 1.0
 */
const char *
tvm_toolchain_get_name (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return strrchr (self->path, '/') + 1;
}

/**
 * tvm_toolchain_get_path: (get-property path)
 * @self: a toolchain
 *
 * Gets the absolute path of the compiler.
 *
 * Returns: (transfer none) (type filename): the path
 *
 * Since: 1.0
 */
const char *
tvm_toolchain_get_path (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return self->path;
}

/**
 * tvm_toolchain_dup_command: (get-property command)
 * @self: a toolchain
 *
 * Gets the compiler and the arguments that belong to it, without the wrapper.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_toolchain_dup_command (TvmToolchain *self)
{
  g_autoptr (GStrvBuilder) builder = NULL;

  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  builder = g_strv_builder_new ();
  g_strv_builder_add (builder, self->path);
  g_strv_builder_addv (builder, (const char **) self->args);

  return g_strv_builder_end (builder);
}

/**
 * tvm_toolchain_dup_wrapper: (get-property wrapper)
 * @self: a toolchain
 *
 * Gets what stands in front of the compiler.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
tvm_toolchain_dup_wrapper (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return g_strdupv (self->wrapper);
}

/**
 * tvm_toolchain_get_family: (get-property family)
 * @self: a toolchain
 *
 * Gets what kind of compiler it is.
 *
 * Returns: the family
 *
 * Since: 1.0
 */
TvmToolchainFamily
tvm_toolchain_get_family (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), TVM_TOOLCHAIN_FAMILY_UNKNOWN);

  return self->identity->family;
}

/**
 * tvm_toolchain_get_version: (get-property version)
 * @self: a toolchain
 *
 * Gets the version of the compiler.
 *
 * Returns: (transfer none) (nullable): the version, such as `12.2.0`
 *
 * Since: 1.0
 */
const char *
tvm_toolchain_get_version (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return self->identity->version;
}

/**
 * tvm_toolchain_get_target_triple: (get-property target-triple)
 * @self: a toolchain
 *
 * Gets the target of the code that the compiler makes.
 *
 * Returns: (transfer none) (nullable): the triple, such as `aarch64-linux-gnu`
 *
 * Since: 1.0
 */
const char *
tvm_toolchain_get_target_triple (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return self->identity->triple;
}

/**
 * tvm_toolchain_get_origin: (get-property origin)
 * @self: a toolchain
 *
 * Gets where the command came from, for people to read.
 *
 * Returns: (transfer none): the origin
 *
 * Since: 1.0
 */
const char *
tvm_toolchain_get_origin (TvmToolchain *self)
{
  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);

  return self->origin;
}

/* Adds the names that a tool may have beside this compiler, best first. */
static void
add_tool_names (TvmToolchain *self,
                const char   *name,
                GStrvBuilder *names)
{
  const char *triple = self->identity->triple;
  g_autofree char *real_prefix = tvm_driver_prefix (tvm_toolchain_get_name (self));
  g_autofree char *llvm_name = g_strconcat ("llvm-", name, NULL);
  g_autofree char *versioned = NULL;
  gboolean is_emcc = self->identity->family == TVM_TOOLCHAIN_FAMILY_EMCC;
  gboolean is_clang = self->identity->family == TVM_TOOLCHAIN_FAMILY_CLANG ||
                      self->identity->family == TVM_TOOLCHAIN_FAMILY_HIPCC;
  gboolean is_native = real_prefix[0] == '\0' && !is_clang && !is_emcc;

  /* Those of emscripten know where its own LLVM is. */
  if (is_emcc)
    {
      g_autofree char *own = g_strconcat ("em", name, NULL);
      g_strv_builder_add (names, own);
      g_strv_builder_add (names, llvm_name);
      return;
    }

  if (real_prefix[0] != '\0')
    {
      g_autofree char *prefixed = g_strconcat (real_prefix, name, NULL);
      g_strv_builder_add (names, prefixed);
    }
  if (triple != NULL)
    {
      g_autofree char *prefixed = g_strconcat (triple, "-", name, NULL);
      g_strv_builder_add (names, prefixed);
    }
  if (is_clang)
    {
      versioned = g_strdup_printf ("%s-%u", llvm_name, tvm_toolchain_get_major (self));
      g_strv_builder_add (names, llvm_name);
      g_strv_builder_add (names, versioned);
    }
  if (is_native || (is_clang && strcmp (name, "ar") != 0))
    g_strv_builder_add (names, name);
}

/**
 * tvm_toolchain_find_tool:
 * @self: a toolchain
 * @name: (type filename): a tool without any prefix, such as `ar`, `nm` or `strip`
 * @error: a #GError
 *
 * Finds a tool that fits the target of the compiler: beside the compiler and in the `PATH`, with
 * the prefix of the compiler's own name, with its target triple, and for clang LLVM's own. The bare
 * name is taken only where the compiler has no prefix either. Nothing is run.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with what was tried.
 *
 * Returns: (transfer full) (type filename): the absolute path of the tool
 *
 * Since: 1.0
 */
char *
tvm_toolchain_find_tool (TvmToolchain  *self,
                         const char    *name,
                         GError       **error)
{
  g_autoptr (GStrvBuilder) builder = NULL;
  g_auto (GStrv) names = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *real = NULL;
  g_autofree char *real_folder = NULL;
  g_autofree char *tried = NULL;
  char *resolved;
  guint i;

  g_return_val_if_fail (TVM_IS_TOOLCHAIN (self), NULL);
  g_return_val_if_fail (name != NULL && strchr (name, '/') == NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  builder = g_strv_builder_new ();
  add_tool_names (self, name, builder);
  names = g_strv_builder_end (builder);

  /* /usr/bin/clang is a link into /usr/lib/llvm-14/bin, where its llvm-ar is. */
  resolved = realpath (self->path, NULL);
  real = g_strdup (resolved != NULL ? resolved : self->path);
  free (resolved);
  folder = g_path_get_dirname (self->path);
  real_folder = g_path_get_dirname (real);

  for (i = 0; names[i] != NULL; i++)
    {
      g_autofree char *beside = g_build_filename (folder, names[i], NULL);
      g_autofree char *beside_real = g_build_filename (real_folder, names[i], NULL);
      char *found = tvm_find_program (beside, NULL, NULL, NULL);

      if (found == NULL)
        found = tvm_find_program (beside_real, NULL, NULL, NULL);
      if (found == NULL)
        found = tvm_find_program (names[i], NULL, NULL, NULL);
      if (found != NULL)
        return found;
    }

  tried = g_strjoinv (", ", names);
  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
               _("No “%s” for the compiler “%s” was found; looked beside it and in the PATH for %s"),
               name, self->path, tried);
  return NULL;
}

const char *
tvm_toolchain_get_c_driver (TvmToolchain *self)
{
  return self->c_driver;
}

const char *
tvm_toolchain_get_cxx_driver (TvmToolchain *self)
{
  return self->cxx_driver;
}

const char * const *
tvm_toolchain_peek_args (TvmToolchain *self)
{
  return (const char * const *) self->args;
}

const char * const *
tvm_toolchain_peek_wrapper (TvmToolchain *self)
{
  return (const char * const *) self->wrapper;
}

guint
tvm_toolchain_get_major (TvmToolchain *self)
{
  return self->identity->version != NULL ? atoi (self->identity->version) : 0;
}

const char *
tvm_toolchain_get_backend (TvmToolchain *self)
{
  return self->identity->backend;
}

gboolean
tvm_toolchain_targets_wasm (TvmToolchain *self)
{
  return self->identity->triple != NULL && g_str_has_prefix (self->identity->triple, "wasm");
}

gboolean
tvm_toolchain_places_side_outputs (TvmToolchain *self)
{
  /* -dumpdir as it is meant here came with GCC 11. */
  return self->identity->family == TVM_TOOLCHAIN_FAMILY_GCC &&
         tvm_toolchain_get_major (self) >= 11;
}
