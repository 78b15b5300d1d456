/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvrtc-options-private.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/gpu/tvm-nvrtc-library-private.h"
#include "tvmsupport/toolchain/tvm-compile-plan-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * Callers have options that were made for nvcc. Those that NVRTC has too may be in two words; those
 * that are about the host, linking or files are no options of NVRTC, and neither are their values:
 * what is wrong with them is said here, by their name. All others are NVRTC's own business, which
 * says what it does not know.
 */

typedef enum
{
  OPTION_VALUE,   /* NVRTC has it; @to, "=" and the value */
  OPTION_GLUED,   /* the same without "=" */
  OPTION_FOLDER,  /* the same, and the value is a folder */
  OPTION_ARCH,    /* OPTION_VALUE, and names the architecture */
  OPTION_HOST,    /* for the compiler of the host */
  OPTION_LINK,    /* for a link */
  OPTION_OUTPUT,  /* what is made, and where */
  OPTION_GENCODE, /* for several architectures */
} OptionUse;

static const struct
{
  const char *name;
  OptionUse use;
  const char *to;  /* (nullable) */
} options[] = {
  { "-D", OPTION_GLUED, "-D" },
  { "--define-macro", OPTION_GLUED, "-D" },
  { "-U", OPTION_GLUED, "-U" },
  { "--undefine-macro", OPTION_GLUED, "-U" },
  { "-I", OPTION_FOLDER, "-I" },
  { "--include-path", OPTION_FOLDER, "-I" },
  { "-isystem", OPTION_FOLDER, "-I" },
  { "--system-include", OPTION_FOLDER, "-I" },
  { "-include", OPTION_VALUE, "--pre-include" },
  { "--pre-include", OPTION_VALUE, "--pre-include" },
  { "-arch", OPTION_ARCH, "--gpu-architecture" },
  { "--gpu-architecture", OPTION_ARCH, "--gpu-architecture" },
  { "-std", OPTION_VALUE, "--std" },
  { "--std", OPTION_VALUE, "--std" },
  { "-maxrregcount", OPTION_VALUE, "--maxrregcount" },
  { "--maxrregcount", OPTION_VALUE, "--maxrregcount" },
  { "-Xptxas", OPTION_VALUE, "--ptxas-options" },
  { "--ptxas-options", OPTION_VALUE, "--ptxas-options" },
  { "-dopt", OPTION_VALUE, "--dopt" },
  { "--dopt", OPTION_VALUE, "--dopt" },
  { "-diag-error", OPTION_VALUE, "--diag-error" },
  { "--diag-error", OPTION_VALUE, "--diag-error" },
  { "-diag-suppress", OPTION_VALUE, "--diag-suppress" },
  { "--diag-suppress", OPTION_VALUE, "--diag-suppress" },
  { "-diag-warn", OPTION_VALUE, "--diag-warn" },
  { "--diag-warn", OPTION_VALUE, "--diag-warn" },
  { "-opt-info", OPTION_VALUE, "--optimization-info" },
  { "--optimization-info", OPTION_VALUE, "--optimization-info" },
  { "-split-compile", OPTION_VALUE, "--split-compile" },
  { "--split-compile", OPTION_VALUE, "--split-compile" },
  { "-Xcompiler", OPTION_HOST, NULL },
  { "--compiler-options", OPTION_HOST, NULL },
  { "-ccbin", OPTION_HOST, NULL },
  { "--compiler-bindir", OPTION_HOST, NULL },
  { "-O", OPTION_HOST, NULL },
  { "--optimize", OPTION_HOST, NULL },
  { "-Xcudafe", OPTION_HOST, NULL },
  { "-Xlinker", OPTION_LINK, NULL },
  { "--linker-options", OPTION_LINK, NULL },
  { "-Xnvlink", OPTION_LINK, NULL },
  { "--nvlink-options", OPTION_LINK, NULL },
  { "-cudart", OPTION_LINK, NULL },
  { "--cudart", OPTION_LINK, NULL },
  { "-L", OPTION_LINK, NULL },
  { "-l", OPTION_LINK, NULL },
  { "-shared", OPTION_LINK, NULL },
  { "--shared", OPTION_LINK, NULL },
  { "-o", OPTION_OUTPUT, NULL },
  { "--output-file", OPTION_OUTPUT, NULL },
  { "-c", OPTION_OUTPUT, NULL },
  { "-cubin", OPTION_OUTPUT, NULL },
  { "--cubin", OPTION_OUTPUT, NULL },
  { "-ptx", OPTION_OUTPUT, NULL },
  { "--ptx", OPTION_OUTPUT, NULL },
  { "-fatbin", OPTION_OUTPUT, NULL },
  { "--fatbin", OPTION_OUTPUT, NULL },
  { "-gencode", OPTION_GENCODE, NULL },
  { "--generate-code", OPTION_GENCODE, NULL },
  { "-code", OPTION_GENCODE, NULL },
  { "--gpu-code", OPTION_GENCODE, NULL },
};

/* Options of NVRTC that are no letter with a value */
static const char * const own_options[] = { "-lineinfo", "-Ofc", "-Ofast-compile" };

/* One letter stands in front of its value; other names end with it, or stand by themselves. */
static const char *
match (const char *option,
       const char *name)
{
  gsize length = strlen (name);

  if (strncmp (option, name, length) != 0)
    return NULL;
  if (option[length] == '\0' || (length == 2 && strchr ("DUILOl", name[1]) != NULL))
    return option + length;
  if (option[length] == '=')
    return option + length + 1;

  return NULL;
}

/* Returns: the index of what @option is, or -1; @value is NULL if it is the next word */
static int
find_option (const char  *option,
             const char **value)
{
  for (guint i = 0; i < G_N_ELEMENTS (own_options); i++)
    {
      if (g_str_has_prefix (option, own_options[i]))
        return -1;
    }

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      const char *found = match (option, options[i].name);

      if (found == NULL)
        continue;
      *value = *found != '\0' || g_str_has_suffix (option, "=") ? found : NULL;
      return i;
    }

  return -1;
}

static gboolean
set_refusal (OptionUse    use,
             const char  *option,
             GError     **error)
{
  switch (use)
    {
    case OPTION_HOST:
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The option “%s” is for the code of the host, which NVRTC does not compile; "
                     "“-Xptxas” has those for the optimizer of the device"), option);
      return FALSE;
    case OPTION_LINK:
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The option “%s” is for a link, and NVRTC does not link"), option);
      return FALSE;
    case OPTION_OUTPUT:
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("What is made, and where, is said by the request and not by the option “%s”"),
                   option);
      return FALSE;
    case OPTION_GENCODE:
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("NVRTC compiles for one architecture, which the request names and not the "
                     "option “%s”"), option);
      return FALSE;
    case OPTION_VALUE:
    case OPTION_GLUED:
    case OPTION_FOLDER:
    case OPTION_ARCH:
    default:
      return TRUE;
    }
}

static char *
join_option (TvmCompileRequest *request,
             guint              index,
             const char        *value)
{
  g_autofree char *folder = NULL;

  switch (options[index].use)
    {
    case OPTION_FOLDER:
      /* NVRTC takes "-I DIR" in one word and "-I=DIR" for the same. */
      value += strspn (value, " =");
      /* The working directory of NVRTC is that of the process. */
      folder = request->working_directory != NULL ? tvm_compile_request_resolve (request, value)
                                                  : g_strdup (value);
      return g_strconcat (options[index].to, folder, NULL);
    case OPTION_GLUED:
      return g_strconcat (options[index].to, value, NULL);
    case OPTION_VALUE:
    case OPTION_ARCH:
    case OPTION_HOST:
    case OPTION_LINK:
    case OPTION_OUTPUT:
    case OPTION_GENCODE:
    default:
      return g_strconcat (options[index].to, "=", value, NULL);
    }
}

/* Puts the option at @at into @builder. Returns: how many words it had, 0 with @error set */
static guint
add_option (TvmCompileRequest  *request,
            guint               at,
            GStrvBuilder       *builder,
            gboolean           *has_arch,
            GError            **error)
{
  const char *option = request->options[at];
  const char *value = NULL;
  g_autofree char *joined = NULL;
  int index;
  guint n_words = 1;

  if (option[0] != '-' || option[1] == '\0')
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is neither an option of NVRTC nor the value of one"), option);
      return 0;
    }

  index = find_option (option, &value);
  if (index < 0)
    {
      g_strv_builder_add (builder, option);
      return 1;
    }
  if (!set_refusal (options[index].use, option, error))
    return 0;

  if (value == NULL)
    {
      value = request->options[at + 1];
      n_words = 2;
    }
  if (value == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The option “%s” lacks its value"), option);
      return 0;
    }

  if (options[index].use == OPTION_ARCH)
    {
      *has_arch = TRUE;
      if (request->arch != NULL)
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The option “%s” contradicts the architecture “%s” of the request"),
                       option, request->arch);
          return 0;
        }
    }

  joined = join_option (request, index, value);
  g_strv_builder_add (builder, joined);
  return n_words;
}

/* PTX and LTO-IR are for a virtual architecture, cubins for a real one. */
static gboolean
add_arch (TvmCompileRequest  *request,
          GStrvBuilder       *builder,
          GError            **error)
{
  g_autoptr (TvmCudaArch) arch = NULL;
  g_autofree char *name = NULL;
  g_autofree char *option = NULL;

  if (strchr (request->arch, ',') != NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("NVRTC compiles for one architecture, not for “%s”"), request->arch);
      return FALSE;
    }

  arch = tvm_cuda_arch_parse (request->arch, error);
  if (arch == NULL)
    return FALSE;

  if (request->kind != TVM_COMPILE_KIND_CUBIN)
    name = tvm_cuda_arch_to_virtual_string (arch);
  else if (!g_str_has_prefix (request->arch, "compute_"))
    name = tvm_cuda_arch_to_string (arch);
  else
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is no architecture of a GPU, which a cubin needs"), request->arch);
      return FALSE;
    }

  option = g_strconcat ("--gpu-architecture=", name, NULL);
  g_strv_builder_add (builder, option);
  return TRUE;
}

char **
tvm_nvrtc_options_build (const char         *library_path,
                         TvmCompileRequest  *request,
                         GError            **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) includes = tvm_nvrtc_library_find_includes (library_path);
  gboolean has_arch = request->arch != NULL;
  guint n_words;

  if (request->arch != NULL && !add_arch (request, builder, error))
    return NULL;
  if (request->kind == TVM_COMPILE_KIND_LTO_IR)
    g_strv_builder_add (builder, "-dlto");

  for (guint i = 0; request->options != NULL && request->options[i] != NULL; i += n_words)
    {
      n_words = add_option (request, i, builder, &has_arch, error);
      if (n_words == 0)
        return NULL;
    }

  if (request->kind == TVM_COMPILE_KIND_CUBIN && !has_arch)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("A cubin is for one architecture, and the request names none"));
      return NULL;
    }

  for (guint i = 0; includes[i] != NULL; i++)
    {
      g_autofree char *option = g_strconcat ("-I", includes[i], NULL);

      g_strv_builder_add (builder, option);
    }

  return g_strv_builder_end (builder);
}
