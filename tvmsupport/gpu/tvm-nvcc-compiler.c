/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc-compiler.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

/**
 * TvmNvccCompiler:
 *
 * Compiles CUDA with `nvcc`.
 *
 * It makes PTX, cubins and fatbins of one source each, objects, and shared libraries and programs
 * of any number of inputs. [property@TvmSupport.CompileRequest:arch] names the architecture; no GPU
 * is needed.
 *
 * ```c
 * static GBytes *
 * compile (const char  *path,
 *          GError     **error)
 * {
 *   g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, error);
 *   g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
 *   g_autoptr (TvmCompileResult) result = NULL;
 *
 *   if (nvcc == NULL)
 *     return NULL;
 *
 *   tvm_compile_request_add_input (request, path, TVM_LANGUAGE_AUTO);
 *   tvm_compile_request_set_arch (request, "sm_90a");
 *   result = tvm_compiler_compile (TVM_COMPILER (nvcc), request, NULL, error);
 *   if (result == NULL || !tvm_compile_result_check (result, error))
 *     return NULL;
 *
 *   return g_bytes_ref (tvm_compile_result_get_bytes (result));
 * }
 * ```
 *
 * Options of the request are nvcc's. What is meant for the compiler of the host goes behind
 * `-Xcompiler`, as for nvcc itself; common ones such as `-fPIC`, `-Wall` and `-Wl,…` are put there.
 *
 * What was compiled once is kept: [property@TvmSupport.Compiler:cache] is the cache of the user from
 * the start. Set it to %NULL, or the environment variable `TVM_SUPPORT_KERNEL_CACHE` to `off`, to
 * compile each time.
 *
 * A [class@TvmSupport.Compiler] whose command is an `nvcc` does the same, without the properties of
 * this class, and begins without a cache.
 *
 * Since: 1.0
 */

struct _TvmNvccCompiler
{
  TvmCompiler parent_instance;

  GMutex lock;          /* guards the next two */
  char *host_compiler;  /* (nullable) */
  guint threads;
};

G_DEFINE_FINAL_TYPE (TvmNvccCompiler, tvm_nvcc_compiler, TVM_TYPE_COMPILER)

typedef enum
{
  PROP_HOST_COMPILER = 1,
  PROP_THREADS,
} TvmNvccCompilerProperty;

static GParamSpec *obj_props[PROP_THREADS + 1];

/* nvcc's own threads have work only if there is more than one architecture. */
static gboolean
has_several_archs (TvmCompileRequest *request)
{
  const char *arch = tvm_compile_request_get_arch (request);

  return arch == NULL || strchr (arch, ',') != NULL || g_str_has_prefix (arch, "all");
}

/* Whether nvcc can ask the job server of a make above us for its threads: since CUDA 13 it knows how,
 * and it gets to one that has a name. Descriptors of ours are not passed on. */
static gboolean
has_jobserver (TvmToolchain *toolchain)
{
  const char *version = tvm_toolchain_get_version (toolchain);
  const char *makeflags = g_getenv ("MAKEFLAGS");

  return version != NULL && atoi (version) >= 13 && makeflags != NULL &&
         strstr (makeflags, "--jobserver-auth=fifo:") != NULL;
}

static char **
tvm_nvcc_compiler_build_argv (TvmCompiler        *compiler,
                              TvmToolchain       *toolchain,
                              TvmCompileRequest  *request,
                              GError            **error)
{
  TvmNvccCompiler *self = TVM_NVCC_COMPILER (compiler);
  TvmCompilerClass *parent_class = TVM_COMPILER_CLASS (tvm_nvcc_compiler_parent_class);
  g_autofree char *host_compiler = tvm_nvcc_compiler_dup_host_compiler (self);
  guint threads = tvm_nvcc_compiler_get_threads (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;

  if (tvm_toolchain_get_family (toolchain) != TVM_TOOLCHAIN_FAMILY_NVCC)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED, _("“%s” is not nvcc"),
                   tvm_toolchain_get_path (toolchain));
      return NULL;
    }

  argv = parent_class->build_argv (compiler, toolchain, request, error);
  if (argv == NULL || request->kind == TVM_COMPILE_KIND_STATIC)
    return g_steal_pointer (&argv);

  g_strv_builder_addv (builder, (const char **) argv);
  if (host_compiler != NULL)
    g_strv_builder_addv (builder, (const char *[]) { "-ccbin", host_compiler, NULL });
  if (threads != 1 && has_several_archs (request) && tvm_compile_request_translates (request))
    {
      g_autofree char *option = g_strdup_printf ("--threads=%u", threads);

      g_strv_builder_add (builder, option);
      if (has_jobserver (toolchain))
        g_strv_builder_add (builder, "--jobserver");
    }

  return g_strv_builder_end (builder);
}

static void
tvm_nvcc_compiler_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  TvmNvccCompiler *self = TVM_NVCC_COMPILER (object);

  switch ((TvmNvccCompilerProperty) prop_id)
    {
    case PROP_HOST_COMPILER:
      g_value_take_string (value, tvm_nvcc_compiler_dup_host_compiler (self));
      break;
    case PROP_THREADS:
      g_value_set_uint (value, tvm_nvcc_compiler_get_threads (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_nvcc_compiler_set_property (GObject      *object,
                                guint         prop_id,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  TvmNvccCompiler *self = TVM_NVCC_COMPILER (object);

  switch ((TvmNvccCompilerProperty) prop_id)
    {
    case PROP_HOST_COMPILER:
      tvm_nvcc_compiler_set_host_compiler (self, g_value_get_string (value));
      break;
    case PROP_THREADS:
      tvm_nvcc_compiler_set_threads (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_nvcc_compiler_finalize (GObject *object)
{
  TvmNvccCompiler *self = TVM_NVCC_COMPILER (object);

  g_free (self->host_compiler);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (tvm_nvcc_compiler_parent_class)->finalize (object);
}

static void
tvm_nvcc_compiler_class_init (TvmNvccCompilerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TvmCompilerClass *compiler_class = TVM_COMPILER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tvm_nvcc_compiler_get_property;
  object_class->set_property = tvm_nvcc_compiler_set_property;
  object_class->finalize = tvm_nvcc_compiler_finalize;
  compiler_class->build_argv = tvm_nvcc_compiler_build_argv;

  /**
   * TvmNvccCompiler:host-compiler: (type filename)
   *
   * The compiler of the host that nvcc runs (`-ccbin`), a program or its folder; %NULL for the one
   * that nvcc finds, or that the environment variable `NVCC_CCBIN` names.
   *
   * Since: 1.0
   */
  obj_props[PROP_HOST_COMPILER] = g_param_spec_string ("host-compiler", NULL, NULL, NULL, flags);

  /**
   * TvmNvccCompiler:threads:
   *
   * How many architectures nvcc compiles one source for at a time; 0 for as many as there are
   * processors. Under a make whose job server is a named pipe (GNU make 4.4 and later), nvcc asks
   * that for each of them from CUDA 13 on.
   *
   * Since: 1.0
   */
  obj_props[PROP_THREADS] = g_param_spec_uint ("threads", NULL, NULL, 0, G_MAXINT, 1, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_nvcc_compiler_init (TvmNvccCompiler *self)
{
  g_mutex_init (&self->lock);
  self->threads = 1;
  tvm_compiler_replace_cache (TVM_COMPILER (self), tvm_kernel_cache_peek_initial ());
}

/**
 * tvm_nvcc_compiler_new:
 * @command: (nullable) (type filename): a command as [ctor@TvmSupport.Toolchain.new] takes it, such
 *   as `ccache nvcc`, or %NULL to find `nvcc`
 * @error: a #GError
 *
 * Makes a compiler that runs nvcc. Without a command it is that of the directory that `CUDA_PATH`
 * or `CUDA_HOME` names, the first in the `PATH`, or that of one of the places where
 * [func@TvmSupport.nvcc_find_cuda_path] looks.
 *
 * A command that is given is looked up at the first use, and that is where a missing one is an
 * error. Without one, the error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the
 * reason why it did not serve.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmNvccCompiler *
tvm_nvcc_compiler_new (const char  *command,
                       GError     **error)
{
  g_autofree char *found = NULL;
  g_autofree char *quoted = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (command == NULL)
    {
      found = tvm_cuda_toolkit_find_nvcc (error);
      if (found == NULL)
        return NULL;
      quoted = g_shell_quote (found);
      command = quoted;
    }

  return g_object_new (TVM_TYPE_NVCC_COMPILER, "command", command, NULL);
}

/**
 * tvm_nvcc_compiler_dup_host_compiler: (get-property host-compiler)
 * @self: a compiler
 *
 * Gets the compiler of the host that nvcc runs.
 *
 * Returns: (transfer full) (nullable) (type filename): a copy
 *
 * Since: 1.0
 */
char *
tvm_nvcc_compiler_dup_host_compiler (TvmNvccCompiler *self)
{
  char *copy;

  g_return_val_if_fail (TVM_IS_NVCC_COMPILER (self), NULL);

  g_mutex_lock (&self->lock);
  copy = g_strdup (self->host_compiler);
  g_mutex_unlock (&self->lock);

  return copy;
}

/**
 * tvm_nvcc_compiler_set_host_compiler: (set-property host-compiler)
 * @self: a compiler
 * @host_compiler: (nullable) (type filename): a program or its folder, or %NULL to let nvcc find
 *   one
 *
 * Sets the compiler of the host for what starts from now on.
 *
 * Since: 1.0
 */
void
tvm_nvcc_compiler_set_host_compiler (TvmNvccCompiler *self,
                                     const char      *host_compiler)
{
  g_autofree char *old = NULL;
  gboolean changed;

  g_return_if_fail (TVM_IS_NVCC_COMPILER (self));

  g_mutex_lock (&self->lock);
  changed = g_strcmp0 (self->host_compiler, host_compiler) != 0;
  if (changed)
    {
      old = self->host_compiler;
      self->host_compiler = g_strdup (host_compiler);
    }
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_HOST_COMPILER]);
}

/**
 * tvm_nvcc_compiler_get_threads: (get-property threads)
 * @self: a compiler
 *
 * Gets how many architectures nvcc compiles one source for at a time.
 *
 * Returns: the number, or 0 for as many as there are processors
 *
 * Since: 1.0
 */
guint
tvm_nvcc_compiler_get_threads (TvmNvccCompiler *self)
{
  guint threads;

  g_return_val_if_fail (TVM_IS_NVCC_COMPILER (self), 1);

  g_mutex_lock (&self->lock);
  threads = self->threads;
  g_mutex_unlock (&self->lock);

  return threads;
}

/**
 * tvm_nvcc_compiler_set_threads: (set-property threads)
 * @self: a compiler
 * @threads: the number, or 0 for as many as there are processors
 *
 * Sets how many architectures nvcc compiles one source for at a time, for what starts from now on.
 *
 * Since: 1.0
 */
void
tvm_nvcc_compiler_set_threads (TvmNvccCompiler *self,
                               guint            threads)
{
  gboolean changed;

  g_return_if_fail (TVM_IS_NVCC_COMPILER (self));

  g_mutex_lock (&self->lock);
  changed = self->threads != threads;
  self->threads = threads;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), obj_props[PROP_THREADS]);
}
