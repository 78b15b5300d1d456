/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-nvcc-compiler.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SOURCE_NAME "kernel.cu"

typedef struct
{
  gboolean use_nvrtc;
  TvmCompileRequest *request;
  char *nvshmem;      /* (nullable): the folder of the libraries that a cubin is linked with */
  char *path_target;  /* (nullable): where what is linked goes */
  GBytes *linked;     /* (nullable) */
} Compile;

static void
compile_free (gpointer data)
{
  Compile *compile = data;

  g_clear_object (&compile->request);
  g_clear_pointer (&compile->linked, g_bytes_unref);
  g_free (compile->nvshmem);
  g_free (compile->path_target);
  g_free (compile);
}

static void
contents_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  GBytes *bytes = g_file_load_bytes_finish (G_FILE (source), result, NULL, &error);

  if (bytes == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
}

static void
write_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Compile *compile = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_file_replace_contents_finish (G_FILE (source), result, NULL, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&compile->linked),
                           (GDestroyNotify) g_bytes_unref);
}

static void
link_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Compile *compile = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GFile) file = NULL;

  compile->linked = tvm_nvcc_link_device_finish (result, &error);
  if (compile->linked == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (compile->path_target == NULL)
    {
      g_task_return_pointer (task, g_steal_pointer (&compile->linked),
                             (GDestroyNotify) g_bytes_unref);
      return;
    }

  file = g_file_new_for_path (compile->path_target);
  g_file_replace_contents_bytes_async (file, compile->linked, NULL, FALSE,
                                       G_FILE_CREATE_REPLACE_DESTINATION,
                                       g_task_get_cancellable (task), write_ready,
                                       g_object_ref (task));
}

/* What a kernel calls of NVSHMEM is in a library of device code, which may need CUDA's own. */
static void
link_nvshmem (GTask  *task,
              GBytes *cubin)
{
  Compile *compile = g_task_get_task_data (task);
  g_autofree char *library = g_build_filename (compile->nvshmem, "libnvshmem_device.a", NULL);
  g_autofree char *root = tvm_cuda_toolkit_find_root ("", NULL);
  g_autofree char *runtime =
    root != NULL ? g_build_filename (root, "lib64", "libcudadevrt.a", NULL) : NULL;
  const char *files[] = { library, NULL, NULL };

  if (runtime != NULL && g_file_test (runtime, G_FILE_TEST_EXISTS))
    files[1] = runtime;

  tvm_nvcc_link_device_async (files, &cubin, 1, tvm_compile_request_get_arch (compile->request),
                              NULL, g_task_get_cancellable (task), link_ready,
                              g_object_ref (task));
}

static void
compile_ready (GObject      *source,
               GAsyncResult *async_result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (TvmCompileResult) result =
    tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &error);
  Compile *compile = g_task_get_task_data (task);
  const char *output;

  if (result == NULL || !tvm_compile_result_check (result, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  if (compile->nvshmem != NULL)
    {
      link_nvshmem (task, tvm_compile_result_get_bytes (result));
      return;
    }

  output = tvm_compile_result_get_output (result);
  if (output != NULL)
    {
      g_autoptr (GFile) file = g_file_new_for_path (output);

      /* Not cancellable: the file is there. */
      g_file_load_bytes_async (file, NULL, contents_ready, g_steal_pointer (&task));
      return;
    }

  g_task_return_pointer (task, g_bytes_ref (tvm_compile_result_get_bytes (result)),
                         (GDestroyNotify) g_bytes_unref);
}

static void
start_compile (GTask *task)
{
  Compile *compile = g_task_get_task_data (task);
  g_autoptr (TvmCompiler) compiler = NULL;
  GError *error = NULL;

  if (compile->use_nvrtc)
    compiler = TVM_COMPILER (tvm_nvrtc_compiler_new (NULL));
  else
    compiler = (TvmCompiler *) tvm_nvcc_compiler_new (NULL, &error);
  if (compiler == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  tvm_compiler_compile_async (compiler, compile->request, g_task_get_cancellable (task),
                              compile_ready, g_object_ref (task));
}

static void
version_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Compile *compile = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *version = tvm_nvcc_get_target_compute_version_finish (result, &error);

  if (version == NULL)
    {
      g_prefix_error (&error, _("No architecture is given: "));
      g_task_return_error (task, error);
      return;
    }

  tvm_compile_request_set_arch (compile->request, version);
  start_compile (task);
}

static gboolean
find_compiler (const char  *compiler,
               gboolean    *use_nvrtc,
               GError     **error)
{
  const char *mode = g_getenv ("TVM_CUDA_COMPILE_MODE");

  if (compiler == NULL)
    compiler = mode != NULL && *mode != '\0' ? mode : "nvcc";

  *use_nvrtc = strcmp (compiler, "nvrtc") == 0;
  if (*use_nvrtc || strcmp (compiler, "nvcc") == 0)
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The CUDA compiler “%s” is neither “nvcc” nor “nvrtc”"), compiler);
  return FALSE;
}

static gboolean
find_kind (const char      *format,
           gboolean         use_nvrtc,
           TvmCompileKind  *kind,
           GError         **error)
{
  if (format == NULL)
    *kind = use_nvrtc ? TVM_COMPILE_KIND_CUBIN : TVM_COMPILE_KIND_FATBIN;
  else if (strcmp (format, "ptx") == 0)
    *kind = TVM_COMPILE_KIND_PTX;
  else if (strcmp (format, "cubin") == 0)
    *kind = TVM_COMPILE_KIND_CUBIN;
  else if (strcmp (format, "fatbin") == 0)
    *kind = TVM_COMPILE_KIND_FATBIN;
  else
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The format “%s” is none of “ptx”, “cubin” and “fatbin”"), format);
      return FALSE;
    }

  if (use_nvrtc && *kind == TVM_COMPILE_KIND_FATBIN)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                           _("NVRTC makes no fatbins; ask for “cubin” or “ptx”, or for nvcc"));
      return FALSE;
    }

  return TRUE;
}

/* What TVM has always asked nvcc for; NVRTC is asked for the same, so that both compute the same. */
static gboolean
wants_fast_math (void)
{
  const char *value = g_getenv ("TVM_CUDA_NVCC_NO_FAST_MATH");

  return value == NULL || *value == '\0' || strcmp (value, "0") == 0;
}

static gboolean
names_arch (const char * const *options)
{
  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], "-arch") || g_str_has_prefix (options[i], "-gencode") ||
          g_str_has_prefix (options[i], "--gpu-architecture") ||
          g_str_has_prefix (options[i], "--generate-code"))
        return TRUE;
    }

  return FALSE;
}

static void
set_up_request (TvmCompileRequest  *request,
                const char         *code,
                const char         *arch,
                const char * const *options,
                const char         *path_target)
{
  g_autoptr (GBytes) source = g_bytes_new (code, strlen (code));
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) all_options = NULL;

  if (wants_fast_math ())
    g_strv_builder_add (builder, "-use_fast_math");
  if (options != NULL)
    g_strv_builder_addv (builder, (const char **) options);
  all_options = g_strv_builder_end (builder);

  tvm_compile_request_add_input_bytes (request, SOURCE_NAME, source, TVM_LANGUAGE_CUDA);
  tvm_compile_request_set_arch (request, arch);
  tvm_compile_request_set_options (request, (const char * const *) all_options);
  tvm_compile_request_set_output (request, path_target);
}

static gboolean
uses_nvshmem (const char *code)
{
  return strstr (code, "#include <nvshmem.h>") != NULL ||
         strstr (code, "#include <nvshmemx.h>") != NULL;
}

/* Code that uses NVSHMEM finds its headers, and a cubin of it is linked. */
static gboolean
set_up_nvshmem (Compile     *compile,
                gboolean     lacks_arch,
                const char  *path_target,
                GError     **error)
{
  g_autofree char *include_path = NULL;
  g_autofree char *library_path = NULL;
  g_autofree char *include = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) given = tvm_compile_request_dup_options (compile->request);
  g_auto (GStrv) options = NULL;

  if (tvm_compile_request_get_kind (compile->request) == TVM_COMPILE_KIND_FATBIN)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                           _("What uses NVSHMEM is linked, to a cubin and not to a fatbin"));
      return FALSE;
    }
  if (lacks_arch)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("What uses NVSHMEM is linked for one architecture; no option can name "
                             "it"));
      return FALSE;
    }
  if (!tvm_nvcc_find_nvshmem_paths (&include_path, &library_path, error))
    return FALSE;

  include = g_strconcat ("-I", include_path, NULL);
  g_strv_builder_add_many (builder, "-rdc=true", include, NULL);
  if (given != NULL)
    g_strv_builder_addv (builder, (const char **) given);
  options = g_strv_builder_end (builder);
  tvm_compile_request_set_options (compile->request, (const char * const *) options);
  if (tvm_compile_request_get_kind (compile->request) == TVM_COMPILE_KIND_CUBIN)
    {
      compile->nvshmem = g_steal_pointer (&library_path);
      compile->path_target = g_strdup (path_target);
      tvm_compile_request_set_output (compile->request, NULL);
    }

  return TRUE;
}

/**
 * tvm_nvcc_compile_cuda_async:
 * @code: the source
 * @target_format: (nullable): `ptx`, `cubin` or `fatbin`
 * @arch: (nullable): the architecture
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options
 * @path_target: (nullable) (type filename): a file for the output
 * @compiler: (nullable): `nvcc` or `nvrtc`
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Compiles CUDA, without blocking. See [func@TvmSupport.nvcc_compile_cuda].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_nvcc_compile_cuda_async (const char          *code,
                             const char          *target_format,
                             const char          *arch,
                             const char * const  *options,
                             const char          *path_target,
                             const char          *compiler,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  Compile *compile;
  TvmCompileKind kind;
  GError *error = NULL;

  g_return_if_fail (code != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_nvcc_compile_cuda_async);
  g_task_set_check_cancellable (task, FALSE);
  compile = g_new0 (Compile, 1);
  g_task_set_task_data (task, compile, compile_free);

  if (!find_compiler (compiler, &compile->use_nvrtc, &error) ||
      !find_kind (target_format == NULL && uses_nvshmem (code) ? "cubin" : target_format,
                  compile->use_nvrtc, &kind, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  compile->request = tvm_compile_request_new (kind);
  set_up_request (compile->request, code, arch, options, path_target);
  if (uses_nvshmem (code) && !set_up_nvshmem (compile, arch == NULL && names_arch (options),
                                              path_target, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (arch == NULL && !names_arch (options))
    tvm_nvcc_get_target_compute_version_async (NULL, cancellable, version_ready,
                                               g_steal_pointer (&task));
  else
    start_compile (task);
}

/**
 * tvm_nvcc_compile_cuda_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.nvcc_compile_cuda_async] began. The errors are those of
 * [func@TvmSupport.nvcc_compile_cuda].
 *
 * Returns: (transfer full): what was made
 *
 * Since: 1.0
 */
GBytes *
tvm_nvcc_compile_cuda_finish (GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_nvcc_compile_cuda:
 * @code: the source, in which diagnostics count lines from its first one
 * @target_format: (nullable): `ptx`, `cubin` or `fatbin`, or %NULL for what the compiler makes best:
 *   a fatbin with nvcc, a cubin with NVRTC
 * @arch: (nullable): the architecture in any of its spellings, such as `sm_90a` or `9.0`, or %NULL
 *   for that of the first GPU of this machine, unless @options name one
 * @options: (nullable) (array zero-terminated=1) (element-type filename): options of the compiler
 * @path_target: (nullable) (type filename): a file for the output, or %NULL to have it in memory
 *   alone
 * @compiler: (nullable): `nvcc` or `nvrtc`, or %NULL for what the environment variable
 *   `TVM_CUDA_COMPILE_MODE` says, which is nvcc if it is not set
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Compiles CUDA in one call, as `compile_cuda` of the seed does. For diagnostics, limits and
 * everything else use [class@TvmSupport.NvccCompiler] and [class@TvmSupport.NvrtcCompiler].
 *
 * Both compilers are asked for fast math, unless the environment variable
 * `TVM_CUDA_NVCC_NO_FAST_MATH` is set to something other than `0`. The classes never ask for it by
 * themselves.
 *
 * A source that includes `<nvshmem.h>` or `<nvshmemx.h>` is compiled with the headers that
 * [func@TvmSupport.nvcc_find_nvshmem_paths] finds, and its cubin, which is then what is made by
 * default, is linked with NVSHMEM's library of device code. It is loaded with NVSHMEM's own
 * functions.
 *
 * The error is %TVM_ERROR_COMPILE_FAILED if the compiler refused the source,
 * %TVM_ERROR_INVALID_ARGUMENT for a format, a compiler, an architecture or an option that is none,
 * %TVM_ERROR_UNSUPPORTED for a fatbin of NVRTC or with NVSHMEM, %TVM_ERROR_LINK_FAILED if the link
 * with NVSHMEM fails, %TVM_ERROR_NOT_FOUND if the compiler or NVSHMEM is missing or there is neither
 * an architecture nor a GPU, or any other of [method@TvmSupport.Compiler.compile].
 *
 * Returns: (transfer full): what was made, also if it went to @path_target
 *
 * Since: 1.0
 */
GBytes *
tvm_nvcc_compile_cuda (const char          *code,
                       const char          *target_format,
                       const char          *arch,
                       const char * const  *options,
                       const char          *path_target,
                       const char          *compiler,
                       GCancellable        *cancellable,
                       GError             **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (code != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_nvcc_compile_cuda_async (code, target_format, arch, options, path_target, compiler,
                               cancellable, tvm_sync_ready, &sync);
  return tvm_nvcc_compile_cuda_finish (tvm_sync_wait (&sync), error);
}
