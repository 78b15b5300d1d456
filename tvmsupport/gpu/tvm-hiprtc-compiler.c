/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-hiprtc-compiler.h"

#include "tvmsupport/gpu/tvm-rtc-runner-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"

/**
 * TvmHiprtcCompiler:
 *
 * Compiles HIP with HIPRTC, in the process itself.
 *
 * It makes a code object for one architecture (%TVM_COMPILE_KIND_HSACO) of one source, a file or
 * bytes. Neither a GPU nor a compiler of the host is needed, but code of the host is not compiled
 * either. [property@TvmSupport.CompileRequest:arch] names the architecture, with features behind a
 * colon if it has any: `gfx90a:xnack-`.
 *
 * ```c
 * static GBytes *
 * compile (GBytes  *source,
 *          GError **error)
 * {
 *   g_autoptr (TvmHiprtcCompiler) hiprtc = tvm_hiprtc_compiler_new (NULL);
 *   g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_HSACO);
 *   g_autoptr (TvmCompileResult) result = NULL;
 *
 *   tvm_compile_request_add_input_bytes (request, "kernel.hip", source, TVM_LANGUAGE_HIP);
 *   tvm_compile_request_set_arch (request, "gfx906");
 *   result = tvm_compiler_compile (TVM_COMPILER (hiprtc), request, NULL, error);
 *   if (result == NULL || !tvm_compile_result_check (result, error))
 *     return NULL;
 *
 *   return g_bytes_ref (tvm_compile_result_get_bytes (result));
 * }
 * ```
 *
 * HIPRTC (`libhiprtc.so.7`, `.6` or `.5`, or `libamdhip64.so.5`) is loaded by the first compile:
 * from the directory that [func@TvmSupport.rocm_find_path] finds, or from where the dynamic loader
 * finds it. If there is none, the error is %TVM_ERROR_NOT_FOUND, with all places that were tried.
 * An architecture that the library does not know is %TVM_ERROR_INVALID_ARGUMENT.
 *
 * Options are those of clang; one that is about the output or a link is an error that says so. Line
 * numbers and file names in messages are those of the caller. The log is kept when the compile
 * works, too. [property@TvmSupport.CompileRequest:name-expressions] give the names of instantiated
 * templates.
 *
 * What was compiled once is kept, as [class@TvmSupport.NvrtcCompiler] does it, unless an option or
 * a macro names a file.
 *
 * HIPRTC mixes up programs that are compiled at the same time, so one thread compiles one after the
 * other, of all compilers of this class in the process; the main loop never waits for it. HIPRTC
 * cannot be interrupted: a compile that is cancelled, or reaches its time limit, ends for the
 * caller at once, its late result is dropped, and what comes after it begins when it is done. The
 * time limit begins when the compile does. A process that ends meanwhile waits for HIPRTC, but not
 * for more than ten seconds.
 *
 * [property@TvmSupport.CompileRequest:environ] and
 * [property@TvmSupport.CompileRequest:memory-limit] have no meaning here: no process is started.
 *
 * Since: 1.0
 */

struct _TvmHiprtcCompiler
{
  TvmCompiler parent_instance;

  TvmRtcRunner *runner;
};

G_DEFINE_FINAL_TYPE (TvmHiprtcCompiler, tvm_hiprtc_compiler, TVM_TYPE_COMPILER)

typedef enum
{
  PROP_LIBRARY = 1,
} TvmHiprtcCompilerProperty;

static GParamSpec *obj_props[PROP_LIBRARY + 1];

static void
tvm_hiprtc_compiler_compile_async (TvmCompiler         *compiler,
                                   TvmCompileRequest   *request,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  TvmHiprtcCompiler *self = TVM_HIPRTC_COMPILER (compiler);

  tvm_rtc_runner_compile_async (self->runner, compiler, request, cancellable, callback, user_data);
}

static TvmCompileResult *
tvm_hiprtc_compiler_compile_finish (TvmCompiler   *compiler,
                                    GAsyncResult  *result,
                                    GError       **error)
{
  return tvm_rtc_runner_compile_finish (compiler, result, error);
}

static void
tvm_hiprtc_compiler_get_property (GObject    *object,
                                  guint       prop_id,
                                  GValue     *value,
                                  GParamSpec *pspec)
{
  TvmHiprtcCompiler *self = TVM_HIPRTC_COMPILER (object);

  switch ((TvmHiprtcCompilerProperty) prop_id)
    {
    case PROP_LIBRARY:
      g_value_set_string (value, tvm_rtc_runner_get_library (self->runner));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_hiprtc_compiler_set_property (GObject      *object,
                                  guint         prop_id,
                                  const GValue *value,
                                  GParamSpec   *pspec)
{
  TvmHiprtcCompiler *self = TVM_HIPRTC_COMPILER (object);

  switch ((TvmHiprtcCompilerProperty) prop_id)
    {
    case PROP_LIBRARY:
      tvm_rtc_runner_set_library (self->runner, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
tvm_hiprtc_compiler_finalize (GObject *object)
{
  TvmHiprtcCompiler *self = TVM_HIPRTC_COMPILER (object);

  tvm_rtc_runner_free (self->runner);

  G_OBJECT_CLASS (tvm_hiprtc_compiler_parent_class)->finalize (object);
}

static void
tvm_hiprtc_compiler_class_init (TvmHiprtcCompilerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TvmCompilerClass *compiler_class = TVM_COMPILER_CLASS (klass);

  object_class->get_property = tvm_hiprtc_compiler_get_property;
  object_class->set_property = tvm_hiprtc_compiler_set_property;
  object_class->finalize = tvm_hiprtc_compiler_finalize;
  compiler_class->compile_async = tvm_hiprtc_compiler_compile_async;
  compiler_class->compile_finish = tvm_hiprtc_compiler_compile_finish;
  tvm_compiler_class_set_in_process (compiler_class);

  /**
   * TvmHiprtcCompiler:library: (type filename)
   *
   * The library that is loaded, or %NULL for the one that is found.
   *
   * Since: 1.0
   */
  obj_props[PROP_LIBRARY] =
    g_param_spec_string ("library", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (obj_props), obj_props);
}

static void
tvm_hiprtc_compiler_init (TvmHiprtcCompiler *self)
{
  self->runner = tvm_rtc_runner_new (&tvm_hiprtc_backend);
  tvm_compiler_replace_cache (TVM_COMPILER (self), tvm_kernel_cache_peek_initial ());
}

/**
 * tvm_hiprtc_compiler_new:
 * @library: (nullable) (type filename): the path of a library with HIPRTC, or %NULL to find one
 *
 * Makes a compiler that uses HIPRTC. The library is loaded by the first compile, and that is where
 * a missing one is an error.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmHiprtcCompiler *
tvm_hiprtc_compiler_new (const char *library)
{
  return g_object_new (TVM_TYPE_HIPRTC_COMPILER, "library", library, NULL);
}

/**
 * tvm_hiprtc_compiler_get_library: (get-property library)
 * @self: a compiler
 *
 * Gets the path that was given for the library.
 *
 * Returns: (transfer none) (nullable) (type filename): the path
 *
 * Since: 1.0
 */
const char *
tvm_hiprtc_compiler_get_library (TvmHiprtcCompiler *self)
{
  g_return_val_if_fail (TVM_IS_HIPRTC_COMPILER (self), NULL);

  return tvm_rtc_runner_get_library (self->runner);
}
