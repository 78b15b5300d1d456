/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvcc-argv-private.h"

#include "tvmsupport/gpu/tvm-cuda-arch.h"
#include "tvmsupport/toolchain/tvm-compile-argv-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * nvcc has options of its own, and takes those of the host's compiler and linker only behind
 * -Xcompiler and -Xlinker. Those that callers give to every compiler are put there.
 */
static const char * const host_options[] = {
  "-fPIC", "-fpic", "-fPIE", "-fpie", "-fvisibility", "-fno-", "-fopenmp", "-fsanitize",
  "-fstack-", "-ffunction-sections", "-fdata-sections", "-march=", "-mtune=", "-mcpu=", "-pthread",
  "-Wall", "-Wextra", "-pedantic", "-g3", "-ggdb", "-rdynamic",
};

/* What nvcc takes for an architecture beside the name of one */
static const char * const arch_words[] = { "native", "all", "all-major", NULL };

/* How an option of the caller may name an architecture */
static const char * const arch_options[] = {
  "-arch", "--gpu-architecture", "-gencode", "--generate-code",
};

static const char *
get_kind_option (TvmCompileKind kind)
{
  switch (kind)
    {
    case TVM_COMPILE_KIND_PTX:
      return "--ptx";
    case TVM_COMPILE_KIND_CUBIN:
      return "--cubin";
    case TVM_COMPILE_KIND_FATBIN:
      return "--fatbin";
    case TVM_COMPILE_KIND_LTO_IR:
      return "--ltoir";
    case TVM_COMPILE_KIND_OBJECT:
    case TVM_COMPILE_KIND_SHARED:
    case TVM_COMPILE_KIND_STATIC:
    case TVM_COMPILE_KIND_EXECUTABLE:
    case TVM_COMPILE_KIND_LLVM_IR:
    case TVM_COMPILE_KIND_HSACO:
    case TVM_COMPILE_KIND_WASM:
    default:
      return NULL;
    }
}

static gboolean
has_room_for_several (TvmCompileKind kind)
{
  return kind != TVM_COMPILE_KIND_PTX && kind != TVM_COMPILE_KIND_CUBIN &&
         kind != TVM_COMPILE_KIND_LTO_IR;
}

static gboolean
check_options (TvmCompileRequest  *request,
               GError            **error)
{
  for (guint i = 0; request->options != NULL && request->options[i] != NULL; i++)
    {
      const char *option = request->options[i];

      for (guint j = 0; j < G_N_ELEMENTS (arch_options); j++)
        {
          gsize length = strlen (arch_options[j]);

          if (strncmp (option, arch_options[j], length) == 0 &&
              (option[length] == '\0' || option[length] == '='))
            {
              g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The option “%s” contradicts the architecture “%s” of the request"),
                           option, request->arch);
              return FALSE;
            }
        }
    }

  return TRUE;
}

/* One architecture: machine code for it, and, where there is room, PTX for later ones */
static gboolean
add_one_arch (const char    *name,
              gboolean       one_of_several,
              GStrvBuilder  *argv,
              GError       **error)
{
  g_autoptr (TvmCudaArch) arch = tvm_cuda_arch_parse (name, error);
  g_autofree char *real = NULL;
  g_autofree char *virtual_name = NULL;
  g_autofree char *option = NULL;
  gboolean wants_ptx = g_str_has_prefix (name, "compute_");

  if (arch == NULL)
    return FALSE;

  real = tvm_cuda_arch_to_string (arch);
  virtual_name = tvm_cuda_arch_to_virtual_string (arch);
  if (one_of_several)
    option = g_strdup_printf ("-gencode=arch=%s,code=%s", virtual_name,
                              wants_ptx ? virtual_name : real);
  else
    option = g_strconcat ("-arch=", wants_ptx ? virtual_name : real, NULL);

  g_strv_builder_add (argv, option);
  return TRUE;
}

static gboolean
add_arch (TvmCompileRequest  *request,
          GStrvBuilder       *argv,
          GError            **error)
{
  g_auto (GStrv) names = NULL;
  guint n_names;

  if (request->arch == NULL)
    return TRUE;
  if (!check_options (request, error))
    return FALSE;

  if (g_strv_contains (arch_words, request->arch))
    {
      g_autofree char *option = g_strconcat ("-arch=", request->arch, NULL);

      g_strv_builder_add (argv, option);
      return TRUE;
    }

  names = g_strsplit (request->arch, ",", -1);
  n_names = g_strv_length (names);
  if (n_names > 1 && !has_room_for_several (request->kind))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("PTX, cubins and LTO-IR are for one architecture, not for “%s”; make a fatbin"),
                   request->arch);
      return FALSE;
    }

  if (n_names == 0)
    return add_one_arch ("", FALSE, argv, error);

  for (guint i = 0; i < n_names; i++)
    {
      if (!add_one_arch (g_strstrip (names[i]), n_names > 1, argv, error))
        return FALSE;
    }

  return TRUE;
}

/* Puts what is meant for the compiler or the linker of the host where nvcc passes it on. */
static void
add_option (const char   *option,
            GStrvBuilder *argv)
{
  if (g_str_has_prefix (option, "-Wl,"))
    {
      g_strv_builder_add (argv, "-Xlinker");
      g_strv_builder_add (argv, option + strlen ("-Wl,"));
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (host_options); i++)
    {
      if (g_str_has_prefix (option, host_options[i]))
        {
          g_strv_builder_add (argv, "-Xcompiler");
          break;
        }
    }
  g_strv_builder_add (argv, option);
}

static void
add_options (const char * const *options,
             TvmOptionUse        use,
             GStrvBuilder       *argv)
{
  guint n_words;

  for (guint i = 0; options != NULL && options[i] != NULL; i += n_words)
    {
      if ((tvm_compile_option_classify (options, i, &n_words) & use) == 0)
        continue;

      if (n_words == 1)
        add_option (options[i], argv);
      else
        g_strv_builder_addv (argv, (const char *[]) { options[i], options[i + 1], NULL });
    }
}

static void
add_command (TvmToolchain *toolchain,
             GStrvBuilder *argv)
{
  g_strv_builder_add (argv, tvm_toolchain_get_path (toolchain));
  g_strv_builder_addv (argv, (const char **) tvm_toolchain_peek_args (toolchain));
}

/* Code for a GPU is made of CUDA, whatever the file is called. */
static TvmLanguage
get_language (TvmCompileRequest     *request,
              const TvmCompileInput *input)
{
  return request->kind != TVM_COMPILE_KIND_OBJECT ? TVM_LANGUAGE_CUDA : input->language;
}

static char **
build_compile (TvmToolchain       *toolchain,
               TvmCompileRequest  *request,
               GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const TvmCompileInput *input = g_ptr_array_index (request->inputs, 0);
  TvmLanguage language = get_language (request, input);
  const char *kind_option = get_kind_option (request->kind);

  if (request->name_expressions != NULL && request->name_expressions[0] != NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("nvcc does not take the name expression “%s”; NVRTC does"),
                   request->name_expressions[0]);
      return NULL;
    }

  add_command (toolchain, argv);
  if (kind_option != NULL)
    g_strv_builder_add (argv, kind_option);
  if (request->kind == TVM_COMPILE_KIND_LTO_IR)
    g_strv_builder_add (argv, "-dlto");
  /* Without -c, ccache takes a cubin for a link. */
  if (request->kind == TVM_COMPILE_KIND_OBJECT || request->kind == TVM_COMPILE_KIND_CUBIN)
    g_strv_builder_add (argv, "-c");
  if (!add_arch (request, argv, error))
    return NULL;
  if (request->kind == TVM_COMPILE_KIND_OBJECT && tvm_compile_request_get_pic (request))
    g_strv_builder_addv (argv, (const char *[]) { "-Xcompiler", "-fPIC", NULL });
  add_options ((const char * const *) request->options, TVM_OPTION_COMPILE, argv);
  if (language != tvm_language_from_path (input->path))
    g_strv_builder_addv (argv,
                         (const char *[]) { "-x", tvm_language_get_x_name (language), NULL });
  g_strv_builder_add (argv, input->path);
  g_strv_builder_add (argv, "-o");
  g_strv_builder_add (argv, request->output);

  return g_strv_builder_end (argv);
}

static char **
build_link (TvmToolchain       *toolchain,
            TvmCompileRequest  *request,
            GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  add_command (toolchain, argv);
  if (request->kind == TVM_COMPILE_KIND_SHARED)
    g_strv_builder_add (argv, "-shared");
  /* Device code that refers to other objects is linked for this one. */
  if (!add_arch (request, argv, error))
    return NULL;
  if (request->kind == TVM_COMPILE_KIND_SHARED && tvm_compile_request_get_pic (request))
    g_strv_builder_addv (argv, (const char *[]) { "-Xcompiler", "-fPIC", NULL });
  add_options ((const char * const *) request->options, TVM_OPTION_LINK, argv);
  g_strv_builder_add (argv, "-o");
  g_strv_builder_add (argv, request->output);
  for (guint i = 0; i < request->inputs->len; i++)
    {
      const TvmCompileInput *input = g_ptr_array_index (request->inputs, i);

      g_strv_builder_add (argv, input->path);
    }
  add_options ((const char * const *) request->link_options, TVM_OPTION_BOTH, argv);
  for (guint i = 0; request->libraries != NULL && request->libraries[i] != NULL; i++)
    {
      g_autofree char *word = g_strconcat ("-l", request->libraries[i], NULL);

      g_strv_builder_add (argv, word);
    }

  return g_strv_builder_end (argv);
}

char **
tvm_nvcc_argv_build (TvmToolchain       *toolchain,
                     TvmCompileRequest  *request,
                     GError            **error)
{
  switch (request->kind)
    {
    case TVM_COMPILE_KIND_OBJECT:
    case TVM_COMPILE_KIND_PTX:
    case TVM_COMPILE_KIND_CUBIN:
    case TVM_COMPILE_KIND_FATBIN:
    case TVM_COMPILE_KIND_LTO_IR:
      return build_compile (toolchain, request, error);
    case TVM_COMPILE_KIND_SHARED:
    case TVM_COMPILE_KIND_EXECUTABLE:
      return build_link (toolchain, request, error);
    case TVM_COMPILE_KIND_STATIC:
    case TVM_COMPILE_KIND_LLVM_IR:
    case TVM_COMPILE_KIND_HSACO:
    case TVM_COMPILE_KIND_WASM:
    default:
      return tvm_compile_argv_set_unsupported (toolchain, request, error);
    }
}
