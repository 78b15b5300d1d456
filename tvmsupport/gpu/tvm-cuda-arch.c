/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* More digits than this are no version of anything. */
#define MAX_DIGITS 4

/**
 * TvmCudaArch:
 *
 * An architecture of NVIDIA's GPUs: its compute capability, such as 9.0, and where there is one the
 * suffix of a variant, such as the `a` of `sm_90a`.
 *
 * The suffix `a` means code for exactly this architecture, with everything that it has; the suffix
 * `f` means code for this one and the later ones of its family.
 *
 * An architecture never changes. It can be used by any number of threads.
 *
 * ```c
 * static gboolean
 * has_tensor_cores (const char  *name,
 *                   GError     **error)
 * {
 *   g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (name, error);
 *
 *   return arch != NULL && tvm_cuda_arch_has_feature (arch, TVM_CUDA_FEATURE_TENSORCORE);
 * }
 * ```
 *
 * Since: 1.0
 */

struct _TvmCudaArch
{
  int major;
  int minor;
  char suffix[2]; /* "", "a" or "f" */
};

G_DEFINE_BOXED_TYPE (TvmCudaArch, tvm_cuda_arch, tvm_cuda_arch_copy, tvm_cuda_arch_free)

/* "10.3", "10.3a" and "10.3.a", or the same digits without dots, the last of which is the minor
 * version. Sets @suffix to what follows. */
static gboolean
scan_version (const char   *text,
              TvmCudaArch  *arch,
              const char  **suffix)
{
  gsize n_digits = strspn (text, "0123456789");
  gboolean dotted = text[n_digits] == '.';
  gsize n_major;
  const char *minor;

  if (n_digits == 0 || n_digits > MAX_DIGITS)
    return FALSE;

  n_major = dotted ? n_digits : n_digits - 1;
  minor = dotted ? text + n_digits + 1 : text + n_major;
  if (n_major == 0 || !g_ascii_isdigit (*minor))
    return FALSE;

  for (gsize i = 0; i < n_major; i++)
    arch->major = arch->major * 10 + g_ascii_digit_value (text[i]);
  arch->minor = g_ascii_digit_value (*minor);
  *suffix = minor + 1;
  if (dotted && **suffix == '.' && (*suffix)[1] != '\0')
    (*suffix)++;

  return arch->major > 0 && !g_ascii_isdigit (**suffix);
}

/* CUDA C++ Programming Guide, "Compute Capabilities", "Feature Set Compiler Targets":
 * architecture-specific targets begin with 9.0, family-specific ones with 10.0. */
static gboolean
scan_suffix (const char  *text,
             TvmCudaArch *arch)
{
  if (*text == '\0')
    return TRUE;
  if (text[1] != '\0')
    return FALSE;

  arch->suffix[0] = text[0];
  switch (text[0])
    {
    case 'a':
      return arch->major >= 9;
    case 'f':
      return arch->major >= 10;
    default:
      return FALSE;
    }
}

/**
 * tvm_cuda_arch_parse:
 * @text: the name of an architecture
 * @error: a #GError
 *
 * Reads the name of an architecture in any of the ways in which it is written: the compute
 * capability (`9.0`, `9.0.a`, `9.0a`), its digits (`90`, `90a`, `100`), what nvcc calls a real
 * architecture (`sm_90a`, `sm_103`, `sm_120f`) or a virtual one (`compute_90`).
 *
 * This reads the name only. Which architectures a compiler makes code for differs from one version
 * of CUDA to the next, so an architecture that nobody has built yet parses as well.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if @text is no such name, or if it has a suffix that its
 * compute capability does not have.
 *
 * Returns: (transfer full): the architecture
 *
 * Since: 1.0
 */
TvmCudaArch *
tvm_cuda_arch_parse (const char  *text,
                     GError     **error)
{
  static const char * const prefixes[] = { "sm_", "compute_" };
  TvmCudaArch arch = { 0 };
  const char *rest = text;
  const char *suffix;
  guint i;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      if (g_str_has_prefix (text, prefixes[i]))
        rest = text + strlen (prefixes[i]);
    }

  if (!scan_version (rest, &arch, &suffix))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is no CUDA architecture, such as “9.0” or “sm_90a”"), text);
      return NULL;
    }

  if (!scan_suffix (suffix, &arch))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is no CUDA architecture: %d.%d has no variant “%s”"), text, arch.major,
                   arch.minor, suffix);
      return NULL;
    }

  return tvm_cuda_arch_copy (&arch);
}

/**
 * tvm_cuda_arch_copy:
 * @self: an architecture
 *
 * Copies an architecture.
 *
 * Returns: (transfer full): the copy
 *
 * Since: 1.0
 */
TvmCudaArch *
tvm_cuda_arch_copy (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_memdup2 (self, sizeof *self);
}

/**
 * tvm_cuda_arch_free:
 * @self: (transfer full): an architecture
 *
 * Frees an architecture.
 *
 * Since: 1.0
 */
void
tvm_cuda_arch_free (TvmCudaArch *self)
{
  g_free (self);
}

/**
 * tvm_cuda_arch_get_major:
 * @self: an architecture
 *
 * Gets the major version of the compute capability.
 *
 * Returns: the version, such as 9
 *
 * Since: 1.0
 */
int
tvm_cuda_arch_get_major (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->major;
}

/**
 * tvm_cuda_arch_get_minor:
 * @self: an architecture
 *
 * Gets the minor version of the compute capability.
 *
 * Returns: the version, 0 to 9
 *
 * Since: 1.0
 */
int
tvm_cuda_arch_get_minor (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->minor;
}

/**
 * tvm_cuda_arch_get_suffix:
 * @self: an architecture
 *
 * Gets the suffix that names a variant of the architecture.
 *
 * Returns: `a`, `f`, or an empty string if there is none
 *
 * Since: 1.0
 */
const char *
tvm_cuda_arch_get_suffix (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->suffix;
}

/**
 * tvm_cuda_arch_to_string:
 * @self: an architecture
 *
 * Gets the name of the real architecture, as nvcc's `-arch` and NVRTC's `--gpu-architecture` take
 * it.
 *
 * Returns: (transfer full): the name, such as `sm_90a`
 *
 * Since: 1.0
 */
char *
tvm_cuda_arch_to_string (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("sm_%d%d%s", self->major, self->minor, self->suffix);
}

/**
 * tvm_cuda_arch_to_virtual_string:
 * @self: an architecture
 *
 * Gets the name of the virtual architecture: what PTX is made for.
 *
 * Returns: (transfer full): the name, such as `compute_90a`
 *
 * Since: 1.0
 */
char *
tvm_cuda_arch_to_virtual_string (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("compute_%d%d%s", self->major, self->minor, self->suffix);
}

/**
 * tvm_cuda_arch_to_compute_version:
 * @self: an architecture
 *
 * Gets the compute capability in the way of the seed: parts with dots between them.
 *
 * Returns: (transfer full): the version, such as `9.0` or `9.0.a`
 *
 * Since: 1.0
 */
char *
tvm_cuda_arch_to_compute_version (const TvmCudaArch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("%d.%d%s%s", self->major, self->minor,
                          self->suffix[0] != '\0' ? "." : "", self->suffix);
}

/**
 * tvm_cuda_arch_compare:
 * @self: an architecture
 * @other: another one
 *
 * Compares two architectures by their compute capability, and by their suffix where that is the
 * same: first none, then `a`, then `f`.
 *
 * Returns: less than 0, 0, or more than 0, if @self comes before, is the same as, or comes after
 *   @other
 *
 * Since: 1.0
 */
int
tvm_cuda_arch_compare (const TvmCudaArch *self,
                       const TvmCudaArch *other)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (other != NULL, 0);

  if (self->major != other->major)
    return self->major < other->major ? -1 : 1;
  if (self->minor != other->minor)
    return self->minor < other->minor ? -1 : 1;

  return strcmp (self->suffix, other->suffix);
}

/**
 * tvm_cuda_arch_has_feature:
 * @self: an architecture
 * @feature: a feature
 *
 * Gets whether the GPUs of an architecture have a feature in hardware, by NVIDIA's tables. The
 * suffix does not count: to *use* some features, code must be compiled for the variant `a` or `f`,
 * which the hardware has in any case.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_cuda_arch_has_feature (const TvmCudaArch *self,
                           TvmCudaFeature     feature)
{
  int version;

  g_return_val_if_fail (self != NULL, FALSE);

  version = self->major * 10 + self->minor;
  switch (feature)
    {
    case TVM_CUDA_FEATURE_FP16:
      /* CUDA C++ Programming Guide, "Feature Support per Compute Capability": half-precision
       * operations from 5.3 on */
      return version >= 53;
    case TVM_CUDA_FEATURE_INT8:
      /* PTX ISA, "dp4a", target ISA notes: sm_61 or higher */
      return version >= 61;
    case TVM_CUDA_FEATURE_BF16:
      /* Programming Guide, same table: bfloat16 operations from 8.0 on */
      return version >= 80;
    case TVM_CUDA_FEATURE_FP8:
      /* PTX ISA, "cvt" and "mma", target ISA notes: .e4m3 and .e5m2 need sm_89 or higher */
      return version >= 89;
    case TVM_CUDA_FEATURE_FP4:
      /* PTX ISA, "cvt" and "mma", target ISA notes: .e2m1 is in the families of sm_100, sm_110
       * and sm_120, that is in every architecture since 10.0 */
      return version >= 100;
    case TVM_CUDA_FEATURE_TENSORCORE:
      /* Programming Guide, same table: tensor cores from 7.0 on */
      return version >= 70;
    default:
      g_return_val_if_reached (FALSE);
    }
}
