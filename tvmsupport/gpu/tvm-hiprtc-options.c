/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-hiprtc-options-private.h"

#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-plan-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * HIPRTC takes the options of clang. Those that are about what is made, or about a link, would be
 * dropped by it or take its own output away, so that they are refused here, by their name. What it
 * does not know it says itself.
 */

/* How an option may name the architecture */
static const char * const arch_options[] = {
  "--offload-arch", "--gpu-architecture", "--cuda-gpu-arch", "--amdgpu-target",
};

/* What is made, and where */
static const char * const output_options[] = {
  "-o", "-c", "-S", "-E", "--genco", "-emit-llvm", "-fsyntax-only", "-M", "-x", "-save-temps",
  "--save-temps", "--cuda-host-only", "--cuda-device-only", "--gpu-bundle-output",
};

/* Those that are followed by their value if it is not joined to them */
static const char * const two_word_options[] = {
  "-D", "-U", "-I", "-include", "-imacros", "-isystem", "-iquote", "-idirafter", "-mllvm", "-Xclang",
};

typedef struct
{
  TvmCompileRequest *request;
  GStrvBuilder *builder;
  char *arch;               /* (owned) (nullable): what an option names */
} Options;

/* Returns: (nullable): what stands behind "=" in an option that is called so */
static const char *
find_arch (const char *option)
{
  for (gsize i = 0; i < G_N_ELEMENTS (arch_options); i++)
    {
      gsize length = strlen (arch_options[i]);

      if (strncmp (option, arch_options[i], length) == 0 && option[length] == '=')
        return option + length + 1;
    }

  return NULL;
}

static gboolean
is_about_output (const char *option)
{
  for (gsize i = 0; i < G_N_ELEMENTS (output_options); i++)
    {
      const char *name = output_options[i];
      /* "-ofile", "-MMD" and "-xhip" are written in one word. */
      gboolean is_joined = strlen (name) == 2 && strchr ("oMx", name[1]) != NULL;

      if (is_joined ? g_str_has_prefix (option, name) : strcmp (option, name) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
take_arch (Options     *self,
           const char  *option,
           const char  *arch,
           GError     **error)
{
  const char *other = self->request->arch != NULL ? self->request->arch : self->arch;

  if (other == NULL)
    {
      self->arch = g_strdup (arch);
      return TRUE;
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The option “%s” contradicts the architecture “%s” of the request"), option, other);
  return FALSE;
}

static gboolean
check_option (const char    *option,
              TvmOptionUse   use,
              GError       **error)
{
  if (option[0] == '@')
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("HIPRTC reads no options from a file, as “%s” asks for"), option);
      return FALSE;
    }
  if (option[0] != '-' || option[1] == '\0')
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” is neither an option of HIPRTC nor the value of one"), option);
      return FALSE;
    }
  if (is_about_output (option))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("What is made, and where, is said by the request and not by the option “%s”"),
                   option);
      return FALSE;
    }
  if (use == TVM_OPTION_LINK)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The option “%s” is for a link, and HIPRTC does not link"), option);
      return FALSE;
    }

  return TRUE;
}

/* Joins an option to its value. A folder is that of the request: the working directory of HIPRTC is
 * that of the process. */
static char *
join (Options    *self,
      const char *option,
      const char *value)
{
  g_autofree char *folder = NULL;

  if (!g_str_equal (option, "-I") || self->request->working_directory == NULL)
    return g_strconcat (option, value, NULL);

  folder = tvm_compile_request_resolve (self->request, value);
  return g_strconcat (option, folder, NULL);
}

/* Returns: how many words the option at @at has, 0 with @error set */
static guint
add_option (Options  *self,
            guint     at,
            GError  **error)
{
  char **words = self->request->options + at;
  const char *arch = find_arch (words[0]);
  g_autofree char *joined = NULL;
  guint n_words;
  TvmOptionUse use =
    tvm_compile_option_classify ((const char * const *) self->request->options, at, &n_words);

  if (arch != NULL)
    return take_arch (self, words[0], arch, error) ? 1 : 0;
  if (!check_option (words[0], use, error))
    return 0;

  for (gsize i = 0; words[1] == NULL && i < G_N_ELEMENTS (two_word_options); i++)
    {
      if (g_str_equal (words[0], two_word_options[i]))
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The option “%s” lacks its value"), words[0]);
          return 0;
        }
    }

  if (n_words == 2 && strlen (words[0]) == 2)
    joined = join (self, words[0], words[1]);
  else if (g_str_has_prefix (words[0], "-I"))
    joined = join (self, "-I", words[0] + strlen ("-I"));
  if (joined != NULL)
    g_strv_builder_add (self->builder, joined);
  else
    g_strv_builder_add_many (self->builder, words[0], n_words == 2 ? words[1] : NULL, NULL);

  return n_words;
}

/* Whatever it is called in messages, the source lies in a folder of the library's own. */
static void
add_own_folder (GStrvBuilder *builder,
                const char   *name)
{
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *option = g_strconcat ("-iquote", folder, NULL);

  g_strv_builder_add (builder, option);
}

char **
tvm_hiprtc_options_build (TvmCompileRequest  *request,
                          const char         *name,
                          GError            **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *arch_option = NULL;
  Options options = { request, builder, NULL };
  gboolean is_good = TRUE;
  guint n_words;

  for (guint i = 0; is_good && request->options != NULL && request->options[i] != NULL; i += n_words)
    {
      n_words = add_option (&options, i, error);
      is_good = n_words > 0;
    }

  arch_option = g_strconcat (TVM_HIPRTC_ARCH_OPTION,
                             request->arch != NULL ? request->arch : options.arch, NULL);
  g_free (options.arch);
  if (!is_good)
    return NULL;
  if (g_str_has_suffix (arch_option, "=") || strchr (arch_option, ',') != NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("HIPRTC compiles for one architecture, and the request names “%s”"),
                   arch_option + strlen (TVM_HIPRTC_ARCH_OPTION));
      return NULL;
    }

  g_strv_builder_add (builder, arch_option);
  add_own_folder (builder, name);
  return g_strv_builder_end (builder);
}
