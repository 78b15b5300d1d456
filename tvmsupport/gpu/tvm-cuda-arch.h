/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <glib-object.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmCudaFeature:
 * @TVM_CUDA_FEATURE_FP16: arithmetic on 16-bit floating-point numbers
 * @TVM_CUDA_FEATURE_INT8: dot products of four 8-bit integers (`dp4a`)
 * @TVM_CUDA_FEATURE_BF16: arithmetic on `bfloat16` numbers
 * @TVM_CUDA_FEATURE_FP8: conversions and matrix products of 8-bit floating-point numbers
 * @TVM_CUDA_FEATURE_FP4: conversions and matrix products of 4-bit floating-point numbers
 * @TVM_CUDA_FEATURE_TENSORCORE: tensor cores
 *
 * What a GPU of an architecture can do in hardware. See
 * [method@TvmSupport.CudaArch.has_feature].
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_CUDA_FEATURE_FP16,
  TVM_CUDA_FEATURE_INT8,
  TVM_CUDA_FEATURE_BF16,
  TVM_CUDA_FEATURE_FP8,
  TVM_CUDA_FEATURE_FP4,
  TVM_CUDA_FEATURE_TENSORCORE,
} TvmCudaFeature;

#define TVM_TYPE_CUDA_ARCH (tvm_cuda_arch_get_type ())

typedef struct _TvmCudaArch TvmCudaArch;

TVM_SUPPORT_AVAILABLE_IN_1_0
GType        tvm_cuda_arch_get_type           (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCudaArch *tvm_cuda_arch_parse              (const char         *text,
                                               GError            **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmCudaArch *tvm_cuda_arch_copy               (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void         tvm_cuda_arch_free               (TvmCudaArch        *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int          tvm_cuda_arch_get_major          (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int          tvm_cuda_arch_get_minor          (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char  *tvm_cuda_arch_get_suffix         (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char        *tvm_cuda_arch_to_string          (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char        *tvm_cuda_arch_to_virtual_string  (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char        *tvm_cuda_arch_to_compute_version (const TvmCudaArch  *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
int          tvm_cuda_arch_compare            (const TvmCudaArch  *self,
                                               const TvmCudaArch  *other);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean     tvm_cuda_arch_has_feature        (const TvmCudaArch  *self,
                                               TvmCudaFeature      feature);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmCudaArch, tvm_cuda_arch_free)

G_END_DECLS
