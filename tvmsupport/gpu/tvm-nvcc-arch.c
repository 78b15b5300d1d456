/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/gpu/tvm-cuda-driver-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"

/**
 * tvm_nvcc_parse_compute_version:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture, such as
 *   `sm_90a`; see [func@TvmSupport.CudaArch.parse]
 * @major: (out) (optional): where to store the major version
 * @minor: (out) (optional): where to store the minor version
 * @error: a #GError
 *
 * Reads a compute capability. This is the seed's `nvcc.parse_compute_version`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if it is none.
 *
 * Returns: %TRUE if it could be read
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_parse_compute_version (const char  *compute_version,
                                int         *major,
                                int         *minor,
                                GError     **error)
{
  g_autoptr (TvmCudaArch) arch = NULL;

  g_return_val_if_fail (compute_version != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  arch = tvm_cuda_arch_parse (compute_version, error);
  if (arch == NULL)
    return FALSE;

  if (major != NULL)
    *major = tvm_cuda_arch_get_major (arch);
  if (minor != NULL)
    *minor = tvm_cuda_arch_get_minor (arch);
  return TRUE;
}

static gboolean
have_feature (const char      *compute_version,
              TvmCudaFeature   feature,
              GError         **error)
{
  g_autoptr (TvmCudaArch) arch = NULL;

  g_return_val_if_fail (compute_version != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  arch = tvm_cuda_arch_parse (compute_version, error);

  return arch != NULL && tvm_cuda_arch_has_feature (arch, feature);
}

/**
 * tvm_nvcc_have_fp16:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture
 * @error: a #GError
 *
 * Gets whether GPUs compute with 16-bit floating-point numbers in hardware; see
 * %TVM_CUDA_FEATURE_FP16. This is the seed's `nvcc.have_fp16`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @compute_version is none.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_fp16 (const char  *compute_version,
                    GError     **error)
{
  return have_feature (compute_version, TVM_CUDA_FEATURE_FP16, error);
}

/**
 * tvm_nvcc_have_int8:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture
 * @error: a #GError
 *
 * Gets whether GPUs compute with 8-bit integers in hardware; see %TVM_CUDA_FEATURE_INT8.
 * This is the seed's `nvcc.have_int8`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @compute_version is none.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_int8 (const char  *compute_version,
                    GError     **error)
{
  return have_feature (compute_version, TVM_CUDA_FEATURE_INT8, error);
}

/**
 * tvm_nvcc_have_bf16:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture
 * @error: a #GError
 *
 * Gets whether GPUs compute with `bfloat16` numbers in hardware; see %TVM_CUDA_FEATURE_BF16.
 * This is the seed's `nvcc.have_bf16`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @compute_version is none.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_bf16 (const char  *compute_version,
                    GError     **error)
{
  return have_feature (compute_version, TVM_CUDA_FEATURE_BF16, error);
}

/**
 * tvm_nvcc_have_fp8:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture
 * @error: a #GError
 *
 * Gets whether GPUs compute with 8-bit floating-point numbers in hardware; see
 * %TVM_CUDA_FEATURE_FP8. This is the seed's `nvcc.have_fp8`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @compute_version is none.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_fp8 (const char  *compute_version,
                   GError     **error)
{
  return have_feature (compute_version, TVM_CUDA_FEATURE_FP8, error);
}

/**
 * tvm_nvcc_have_fp4:
 * @compute_version: a compute capability, such as `9.0`, or the name of an architecture
 * @error: a #GError
 *
 * Gets whether GPUs compute with 4-bit floating-point numbers in hardware; see
 * %TVM_CUDA_FEATURE_FP4. This is the seed's `nvcc.have_fp4`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @compute_version is none.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_fp4 (const char  *compute_version,
                   GError     **error)
{
  return have_feature (compute_version, TVM_CUDA_FEATURE_FP4, error);
}

/* What the caller named, or else what the driver says of the GPU that is here */
static char *
find_compute_version (const char  *target,
                      GError     **error)
{
  g_autoptr (TvmCudaArch) arch = NULL;
  int major;
  int minor;

  if (target != NULL)
    {
      arch = tvm_cuda_arch_parse (target, error);
      return arch != NULL ? tvm_cuda_arch_to_compute_version (arch) : NULL;
    }

  if (!tvm_cuda_driver_get_capability (&major, &minor, error))
    return NULL;

  return g_strdup_printf ("%d.%d", major, minor);
}

/**
 * tvm_nvcc_have_tensorcore:
 * @compute_version: (nullable): a compute capability, such as `9.0`, or the name of an architecture
 * @target: (nullable): the architecture of a target, which counts if @compute_version is %NULL
 * @error: a #GError
 *
 * Gets whether GPUs have tensor cores. What is named counts, whatever GPU is present. This is the
 * seed's `nvcc.have_tensorcore`.
 *
 * If neither is named, the GPU of the machine is asked, as in
 * [func@TvmSupport.nvcc_get_target_compute_version], which may take a second; in an application
 * with a main loop, call the asynchronous form of that first.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if what is named is no architecture, or one of those of
 * [func@TvmSupport.nvcc_get_target_compute_version].
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_nvcc_have_tensorcore (const char  *compute_version,
                          const char  *target,
                          GError     **error)
{
  g_autofree char *found = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  found = find_compute_version (compute_version != NULL ? compute_version : target, error);

  return found != NULL && have_feature (found, TVM_CUDA_FEATURE_TENSORCORE, error);
}

static void
find_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  GError *error = NULL;
  char *found = find_compute_version (task_data, &error);

  if (found != NULL)
    g_task_return_pointer (task, found, g_free);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_nvcc_get_target_compute_version_async:
 * @target: (nullable): the architecture of a target, or %NULL
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when the version is known
 * @user_data: data for @callback
 *
 * Gets the compute capability to compile for, without blocking. See
 * [func@TvmSupport.nvcc_get_target_compute_version].
 *
 * @callback is called in the thread-default main context of the caller. A driver that is being
 * asked cannot be interrupted: after a cancel its answer is dropped.
 *
 * Since: 1.0
 */
void
tvm_nvcc_get_target_compute_version_async (const char          *target,
                                           GCancellable        *cancellable,
                                           GAsyncReadyCallback  callback,
                                           gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_nvcc_get_target_compute_version_async);
  g_task_set_task_data (task, g_strdup (target), g_free);
  g_task_set_return_on_cancel (task, TRUE);
  tvm_task_run_in_thread (task, find_in_thread);
}

/**
 * tvm_nvcc_get_target_compute_version_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.nvcc_get_target_compute_version_async] began. The errors are those of
 * [func@TvmSupport.nvcc_get_target_compute_version].
 *
 * Returns: (transfer full): the compute capability, such as `9.0` or `9.0.a`
 *
 * Since: 1.0
 */
char *
tvm_nvcc_get_target_compute_version_finish (GAsyncResult  *result,
                                            GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_nvcc_get_target_compute_version:
 * @target: (nullable): the architecture of a target, such as `sm_90a`, or %NULL
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Gets the compute capability to compile for: that of @target where one is named, whatever GPU is
 * present, or else that of the first GPU of this machine, for which the CUDA driver is loaded
 * (`libcuda.so.1`). This is the seed's `nvcc.get_target_compute_version`.
 *
 * The errors are %TVM_ERROR_INVALID_ARGUMENT if @target is no architecture, %TVM_ERROR_NOT_FOUND if
 * the machine has no driver or no GPU, %TVM_ERROR_UNSUPPORTED if the driver lacks a function that
 * is needed, %TVM_ERROR_FAILED if it answers with an error, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the compute capability, such as `9.0` or `9.0.a`
 *
 * Since: 1.0
 */
char *
tvm_nvcc_get_target_compute_version (const char    *target,
                                     GCancellable  *cancellable,
                                     GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_nvcc_get_target_compute_version_async (target, cancellable, tvm_sync_ready, &sync);
  return tvm_nvcc_get_target_compute_version_finish (tvm_sync_wait (&sync), error);
}
