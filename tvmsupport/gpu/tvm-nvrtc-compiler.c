/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"

#include "tvmsupport/gpu/tvm-rtc-runner-private.h"
#include "tvmsupport/toolchain/tvm-compiler-private.h"
#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"

/**
 * TvmNvrtcCompiler:
 *
 * Compiles CUDA with NVRTC, in the process itself.
 *
 * It makes a cubin, PTX or LTO-IR of one source, a file or bytes, many times faster than `nvcc`
 * does. Neither a GPU nor a compiler of the host is needed, but code of the host is not compiled
 * either. [property@TvmSupport.CompileRequest:arch] names the architecture, which a cubin cannot do
 * without.
 *
 * ```c
 * static GBytes *
 * compile (GBytes  *source,
 *          GError **error)
 * {
 *   g_autoptr (TvmNvrtcCompiler) nvrtc = tvm_nvrtc_compiler_new (NULL);
 *   g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
 *   g_autoptr (TvmCompileResult) result = NULL;
 *
 *   tvm_compile_request_add_input_bytes (request, "kernel.cu", source, TVM_LANGUAGE_CUDA);
 *   tvm_compile_request_set_arch (request, "sm_90a");
 *   result = tvm_compiler_compile (TVM_COMPILER (nvrtc), request, NULL, error);
 *   if (result == NULL || !tvm_compile_result_check (result, error))
 *     return NULL;
 *
 *   return g_bytes_ref (tvm_compile_result_get_bytes (result));
 * }
 * ```
 *
 * NVRTC (`libnvrtc.so.13`, `.12` or `.11.2`) is loaded by the first compile: from the directory that
 * [func@TvmSupport.nvcc_find_cuda_path] finds, or from where the dynamic loader finds it. If there
 * is none, the error is %TVM_ERROR_NOT_FOUND, with all places that were tried. The folders of the
 * headers of CUDA and of its C++ library come behind the include folders of the request.
 *
 * Options are those of NVRTC. An option of nvcc may be in two words, as nvcc takes it; one that
 * NVRTC has no use for is an error that says why. Nothing is put in front of the source, so that
 * line numbers are those of the caller. The log is kept when the compile works, too, with warnings
 * and with what `-Xptxas -v` prints.
 *
 * What was compiled once is kept: [property@TvmSupport.Compiler:cache] is the cache of the user from
 * the start. Set it to %NULL, or the environment variable `TVM_SUPPORT_KERNEL_CACHE` to `off`, to
 * compile each time. NVRTC does not report what it reads, so the cache looks for every header that the
 * source can include; where a macro names one, it is not kept.
 *
 * Compiles run in threads of their own, as many at a time as
 * [property@TvmSupport.Compiler:max-jobs] says, or as there are processors; the main loop never
 * waits for them. NVRTC cannot be interrupted: a compile that is cancelled, or reaches its time
 * limit, ends for the caller at once, and its late result is dropped. NVRTC from CUDA 12.9 on is
 * told to stop, which it does soon; an earlier one keeps its thread until it is done. The time limit
 * begins when the thread does. A process that ends meanwhile waits for NVRTC to stop, but not for
 * more than ten seconds.
 *
 * [property@TvmSupport.CompileRequest:environ] and
 * [property@TvmSupport.CompileRequest:memory-limit] have no meaning here: no process is started.
 *
 * Since: 1.0
 */

struct _TvmNvrtcCompiler
{
  TvmCompiler parent_instance;

  TvmRtcRunner *runner;
};

G_DEFINE_FINAL_TYPE (TvmNvrtcCompiler, tvm_nvrtc_compiler, TVM_TYPE_COMPILER)

typedef enum
{
  PROP_LIBRARY = 1,
} TvmNvrtcCompilerProperty;

static GParamSpec *obj_props[PROP_LIBRARY + 1];

static void
tvm_nvrtc_compiler_compile_async (TvmCompiler         *compiler,
                                  TvmCompileRequest   *request,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data)
{
  TvmNvrtcCompiler *self = TVM_NVRTC_COMPILER (compiler);

  tvm_rtc_runner_compile_async (self->runner, compiler, request, cancellable, callback, user_data);
}

static TvmCompileResult *
tvm_nvrtc_compiler_compile_finish (TvmCompiler   *compiler,
                                   GAsyncResult  *result,
                                   GError       **error)
{
  return tvm_rtc_runner_compile_finish (compiler, result, error);
}

static void
tvm_nvrtc_compiler_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  TvmNvrtcCompiler *self = TVM_NVRTC_COMPILER (object);

  switch ((TvmNvrtcCompilerProperty) prop_id)
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
tvm_nvrtc_compiler_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  TvmNvrtcCompiler *self = TVM_NVRTC_COMPILER (object);

  switch ((TvmNvrtcCompilerProperty) prop_id)
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
tvm_nvrtc_compiler_finalize (GObject *object)
{
  TvmNvrtcCompiler *self = TVM_NVRTC_COMPILER (object);

  tvm_rtc_runner_free (self->runner);

  G_OBJECT_CLASS (tvm_nvrtc_compiler_parent_class)->finalize (object);
}

static void
tvm_nvrtc_compiler_class_init (TvmNvrtcCompilerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TvmCompilerClass *compiler_class = TVM_COMPILER_CLASS (klass);

  object_class->get_property = tvm_nvrtc_compiler_get_property;
  object_class->set_property = tvm_nvrtc_compiler_set_property;
  object_class->finalize = tvm_nvrtc_compiler_finalize;
  compiler_class->compile_async = tvm_nvrtc_compiler_compile_async;
  compiler_class->compile_finish = tvm_nvrtc_compiler_compile_finish;
  tvm_compiler_class_set_in_process (compiler_class);

  /**
   * TvmNvrtcCompiler:library: (type filename)
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
tvm_nvrtc_compiler_init (TvmNvrtcCompiler *self)
{
  self->runner = tvm_rtc_runner_new (&tvm_nvrtc_backend);
  tvm_compiler_replace_cache (TVM_COMPILER (self), tvm_kernel_cache_peek_initial ());
}

/**
 * tvm_nvrtc_compiler_new:
 * @library: (nullable) (type filename): the path of a `libnvrtc.so`, or %NULL to find one
 *
 * Makes a compiler that uses NVRTC. The library is loaded by the first compile, and that is where a
 * missing one is an error.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmNvrtcCompiler *
tvm_nvrtc_compiler_new (const char *library)
{
  return g_object_new (TVM_TYPE_NVRTC_COMPILER, "library", library, NULL);
}

/**
 * tvm_nvrtc_compiler_get_library: (get-property library)
 * @self: a compiler
 *
 * Gets the path that was given for the library.
 *
 * Returns: (transfer none) (nullable) (type filename): the path
 *
 * Since: 1.0
 */
const char *
tvm_nvrtc_compiler_get_library (TvmNvrtcCompiler *self)
{
  g_return_val_if_fail (TVM_IS_NVRTC_COMPILER (self), NULL);

  return tvm_rtc_runner_get_library (self->runner);
}
