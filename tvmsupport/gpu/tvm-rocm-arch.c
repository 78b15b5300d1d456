/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rocm.h"
#include "tvmsupport/gpu/tvm-rocm-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define PREFIX "gfx"

/* In https://llvm.org/docs/AMDGPUUsage.html#processors the last two digits, which are hexadecimal,
 * are the minor version and the stepping, and what is in front of them is the major version. */
gboolean
tvm_gfx_arch_parse (const char  *name,
                    TvmGfxArch  *arch,
                    GError     **error)
{
  const char *digits = strstr (name, PREFIX);
  g_autofree char *number = NULL;
  guint64 major = 0;
  gsize length;

  if (digits != NULL && (digits == name || digits[-1] == '-'))
    {
      digits += strlen (PREFIX);
      length = strcspn (digits, ":");
      if (length >= 3 && length <= 4)
        number = g_strndup (digits, length - 2);
      if (number != NULL && g_ascii_isxdigit (digits[length - 1]) &&
          g_ascii_isxdigit (digits[length - 2]) &&
          g_ascii_string_to_unsigned (number, 10, 1, 99, &major, NULL))
        {
          arch->major = (guint) major;
          arch->minor = (guint) g_ascii_xdigit_value (digits[length - 2]);
          arch->stepping = (guint) g_ascii_xdigit_value (digits[length - 1]);
          return TRUE;
        }
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("“%s” is no architecture of AMD; they are written as gfx90a or gfx1100"), name);
  return FALSE;
}

static gboolean
parse_number (const char *text,
              guint      *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, 999, &value, NULL))
    return FALSE;

  *number = (guint) value;
  return TRUE;
}

/**
 * tvm_rocm_parse_compute_version:
 * @compute_version: a version, such as `9.0`, or the name of an architecture, such as `gfx90a`
 * @major: (out) (optional): where to store the major version
 * @minor: (out) (optional): where to store the minor version
 * @error: a #GError
 *
 * Reads the version of a GPU. This is the seed's `rocm.parse_compute_version`.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if it is none.
 *
 * Returns: %TRUE if it could be read
 *
 * Since: 1.0
 */
gboolean
tvm_rocm_parse_compute_version (const char  *compute_version,
                                int         *major,
                                int         *minor,
                                GError     **error)
{
  g_auto (GStrv) parts = NULL;
  TvmGfxArch arch = { 0, };

  g_return_val_if_fail (compute_version != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  parts = g_strsplit (compute_version, ".", -1);
  if (g_strv_length (parts) < 2)
    {
      if (!tvm_gfx_arch_parse (compute_version, &arch, error))
        return FALSE;
    }
  else if (!parse_number (parts[0], &arch.major) || !parse_number (parts[1], &arch.minor))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is no version of a GPU; they are written as 9.0"), compute_version);
      return FALSE;
    }

  if (major != NULL)
    *major = (int) arch.major;
  if (minor != NULL)
    *minor = (int) arch.minor;
  return TRUE;
}

/* MFMA came with gfx908, not with the integrated gfx909 and gfx90c; WMMA with gfx11. See the tables
 * of https://rocm.docs.amd.com/en/latest/reference/gpu-arch-specs.html and of LLVM's AMDGPUUsage. */
static gboolean
has_matrix_cores (const TvmGfxArch *arch)
{
  if (arch->major != 9)
    return arch->major >= 11;
  if (arch->minor > 0)
    return arch->minor >= 4;

  return arch->stepping == 0x8 || arch->stepping == 0xa;
}

/**
 * tvm_rocm_have_matrixcore:
 * @compute_version: (nullable): the name of an architecture, such as `gfx90a`, or a version, such as
 *   `9.4`, or %NULL for the GPU of this machine
 * @error: a #GError
 *
 * Gets whether GPUs have matrix cores: instructions that multiply matrices (MFMA of the CDNA
 * generations, WMMA of RDNA 3 and later). This is the seed's `rocm.have_matrixcore`.
 *
 * The version 9.0 is that of GPUs with and without them; it counts as without. Name the architecture
 * instead.
 *
 * With %NULL, `rocminfo` is run, as in [func@TvmSupport.rocm_get_arch]; in an application with a main
 * loop, call the asynchronous form of that first.
 *
 * The error is %TVM_ERROR_INVALID_ARGUMENT if what is named is no architecture, or one of those of
 * [func@TvmSupport.rocm_get_arch].
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
tvm_rocm_have_matrixcore (const char  *compute_version,
                          GError     **error)
{
  g_autofree char *found = NULL;
  TvmGfxArch arch = { 0, };
  int major, minor;

  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (compute_version == NULL)
    {
      found = tvm_rocm_get_arch (NULL, NULL, error);
      if (found == NULL)
        return FALSE;
      compute_version = found;
    }

  if (strchr (compute_version, '.') == NULL)
    return tvm_gfx_arch_parse (compute_version, &arch, error) && has_matrix_cores (&arch);
  if (!tvm_rocm_parse_compute_version (compute_version, &major, &minor, error))
    return FALSE;

  arch.major = (guint) major;
  arch.minor = (guint) minor;
  return has_matrix_cores (&arch);
}
