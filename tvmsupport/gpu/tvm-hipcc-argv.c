/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-hipcc-argv-private.h"

#include "tvmsupport/gpu/tvm-rocm-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The first clang that makes a code object which is not in a bundle */
#define MIN_MAJOR_UNBUNDLED 15

/* How an option of the caller may name an architecture */
static const char * const arch_options[] = {
  "--offload-arch=", "--cuda-gpu-arch=", "--amdgpu-target=",
};

/* Returns: (nullable): the first option that names an architecture */
static const char *
find_arch_option (TvmCompileRequest *request,
                  guint             *n_found)
{
  const char *first = NULL;

  *n_found = 0;
  for (guint i = 0; request->options != NULL && request->options[i] != NULL; i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (arch_options); j++)
        {
          if (!g_str_has_prefix (request->options[i], arch_options[j]))
            continue;
          (*n_found)++;
          if (first == NULL)
            first = request->options[i];
        }
    }

  return first;
}

/* Returns: whether all could be read; @n_archs: how many there were */
static gboolean
add_archs (const char    *list,
           GStrvBuilder  *argv,
           guint         *n_archs,
           GError       **error)
{
  g_auto (GStrv) names = g_strsplit (list, ",", -1);

  *n_archs = 0;
  for (guint i = 0; names[i] != NULL; i++)
    {
      const char *name = g_strstrip (names[i]);
      g_autofree char *option = g_strconcat ("--offload-arch=", name, NULL);
      TvmGfxArch arch;

      if (!tvm_gfx_arch_parse (name, &arch, error))
        return FALSE;
      g_strv_builder_add (argv, option);
      (*n_archs)++;
    }

  return TRUE;
}

gboolean
tvm_hipcc_argv_add_options (TvmToolchain       *toolchain,
                            TvmCompileRequest  *request,
                            GStrvBuilder       *argv,
                            GError            **error)
{
  guint n_archs;
  const char *option = find_arch_option (request, &n_archs);

  if (request->arch != NULL && option != NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The option “%s” contradicts the architecture “%s” of the request"), option,
                   request->arch);
      return FALSE;
    }
  if (request->arch != NULL && !add_archs (request->arch, argv, &n_archs, error))
    return FALSE;
  if (request->kind != TVM_COMPILE_KIND_HSACO)
    return TRUE;

  /* hipcc would take the GPU of this machine, or, where it finds none, one of its own choice. */
  if (n_archs == 0)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("A code object is for an architecture, and the request names none"));
      return FALSE;
    }

  g_strv_builder_add (argv, "--genco");
  if (n_archs == 1 && tvm_toolchain_get_major (toolchain) >= MIN_MAJOR_UNBUNDLED)
    g_strv_builder_add (argv, "--no-gpu-bundle-output");

  return TRUE;
}
