/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-identity-private.h"

#include "tvmsupport/gpu/tvm-rocm-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

/* What nvcc takes options from. The first two are its own; nvcc.profile adds to the others. */
static const char * const option_variables[] = {
  "NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS", "CUDAFE_FLAGS", "INCLUDES", "PTXAS_FLAGS",
  "SYSTEM_INCLUDES",
};

static gboolean
is_nvcc (TvmToolchain *toolchain)
{
  return tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_NVCC;
}

static const char *
get_variable (const char         *name,
              const char * const *environ_)
{
  const char *value = environ_ != NULL ? g_environ_getenv ((char **) environ_, name) : NULL;

  return value != NULL ? value : g_getenv (name);
}

static gboolean
add_words_of_variable (GStrvBuilder        *builder,
                       const char          *name,
                       const char * const  *environ_,
                       GError             **error)
{
  const char *value = get_variable (name, environ_);
  g_auto (GStrv) words = NULL;

  if (value == NULL || value[strspn (value, " \t\n")] == '\0')
    return TRUE;

  if (!g_shell_parse_argv (value, NULL, &words, NULL))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The environment variable “%s” is not for a cache"), name);
      return FALSE;
    }

  g_strv_builder_addv (builder, (const char **) words);
  return TRUE;
}

char **
tvm_compile_identity_dup_words (TvmToolchain        *toolchain,
                                const char * const  *command,
                                const char * const  *environ_,
                                GError             **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **) command);
  for (gsize i = 0; is_nvcc (toolchain) && i < G_N_ELEMENTS (option_variables); i++)
    {
      if (!add_words_of_variable (builder, option_variables[i], environ_, error))
        return NULL;
    }

  return g_strv_builder_end (builder);
}

static void
add_in_folder (TvmKernelKey       *key,
               const char         *folder,
               const char * const *names,
               gsize               n_names)
{
  for (gsize i = 0; i < n_names; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      /* What is not there is not run. */
      tvm_kernel_key_add_file (key, names[i], path, NULL);
    }
}

/* The folder where a compiler really is */
static char *
dup_real_folder (TvmToolchain *toolchain)
{
  const char *path = tvm_toolchain_get_path (toolchain);
  char *real = realpath (path, NULL);
  char *folder = g_path_get_dirname (real != NULL ? real : path);

  free (real);
  return folder;
}

/* Where clang takes options from without being told to: beside itself, and where distributions let it
 * look */
static void
add_configuration_of_clang (TvmKernelKey *key,
                            TvmToolchain *toolchain)
{
  const char *triple = tvm_toolchain_get_target_triple (toolchain);
  g_autofree char *folder = dup_real_folder (toolchain);
  g_autofree char *target = g_strconcat (triple != NULL ? triple : "default", ".cfg", NULL);
  g_autofree char *target_c = g_strconcat (triple != NULL ? triple : "default", "-clang.cfg", NULL);
  g_autofree char *target_cxx =
    g_strconcat (triple != NULL ? triple : "default", "-clang++.cfg", NULL);
  const char *names[] = { "clang.cfg", "clang++.cfg", target, target_c, target_cxx };

  add_in_folder (key, folder, names, G_N_ELEMENTS (names));
  add_in_folder (key, "/etc/clang", names, G_N_ELEMENTS (names));
}

static const char * const host_compilers[] = { "gcc", "g++", "cc", "c++", "clang", "clang++" };

/* @given: a program, or the folder of one */
static void
add_host_compiler (TvmKernelKey *key,
                   const char   *given,
                   const char   *cwd)
{
  g_autofree char *path = strchr (given, '/') != NULL ? g_canonicalize_filename (given, cwd)
                                                      : g_find_program_in_path (given);
  g_autofree char *here = g_canonicalize_filename (given, cwd);

  if (path == NULL)
    path = g_steal_pointer (&here);
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    add_in_folder (key, path, host_compilers, G_N_ELEMENTS (host_compilers));
  else
    tvm_kernel_key_add_file (key, "host compiler", path, NULL);
}

/* nvcc and hipcc run a compiler of the host, which they look for, or which they are given. */
static void
add_host_compilers (TvmKernelKey       *key,
                    const char * const *words,
                    const char * const *environ_,
                    const char         *cwd)
{
  static const char * const options[] = { "-ccbin", "--compiler-bindir" };
  const char *variable = get_variable ("NVCC_CCBIN", environ_);

  for (gsize i = 0; i < G_N_ELEMENTS (host_compilers); i++)
    {
      g_autofree char *path = g_find_program_in_path (host_compilers[i]);

      if (path != NULL)
        tvm_kernel_key_add_file (key, host_compilers[i], path, NULL);
    }

  if (variable != NULL)
    add_host_compiler (key, variable, cwd);
  for (guint i = 0; words[i] != NULL; i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (options); j++)
        {
          const gsize length = strlen (options[j]);

          if (strcmp (words[i], options[j]) == 0 && words[i + 1] != NULL)
            add_host_compiler (key, words[i + 1], cwd);
          else if (strncmp (words[i], options[j], length) == 0 && words[i][length] == '=')
            add_host_compiler (key, words[i] + length + 1, cwd);
        }
    }
}

/* What nvcc runs itself, and where it takes more options from */
static void
add_parts_of_nvcc (TvmKernelKey       *key,
                   TvmToolchain       *toolchain,
                   const char * const *environ_)
{
  static const char * const names[] = {
    "nvcc.profile", "cudafe++", "ptxas", "fatbinary", "../nvvm/bin/cicc",
    "../nvvm/libdevice/libdevice.10.bc",
  };
  g_autofree char *folder = dup_real_folder (toolchain);

  add_in_folder (key, folder, names, G_N_ELEMENTS (names));
  for (gsize i = 0; i < G_N_ELEMENTS (option_variables); i++)
    tvm_kernel_key_add (key, option_variables[i], get_variable (option_variables[i], environ_));
}

/* No compile reports which of its files it links with. */
static void
add_device_library (TvmKernelKey *key)
{
  static const char * const names[] = { "ocml.bc", "ockl.bc" };
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autofree char *folder = tvm_rocm_find_bitcode (&search);

  if (folder != NULL)
    add_in_folder (key, folder, names, G_N_ELEMENTS (names));
}

/* emcc and hipcc are scripts that stay what they are when their clang becomes another one. */
static gboolean
add_backend (TvmKernelKey  *key,
             TvmToolchain  *toolchain,
             GError       **error)
{
  const char *path = tvm_toolchain_get_backend (toolchain);

  if (path == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("“%s” does not say which compiler it runs"),
                   tvm_toolchain_get_path (toolchain));
      return FALSE;
    }

  return tvm_kernel_key_add_file (key, "backend", path, error);
}

/* Returns: (transfer full) (nullable): what compilers see of the processor of this machine */
static char *
describe_processor (void)
{
  static const char * const fields[] = {
    "vendor_id", "cpu family", "model", "stepping", "cache size", "flags", "CPU implementer",
    "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features", "cpu", "isa", "uarch",
  };
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *contents = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/cpuinfo", &contents, NULL, NULL))
    return NULL;

  /* All processors: there are machines with two kinds of them. */
  lines = g_strsplit (contents, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (fields); j++)
        {
          const gsize length = strlen (fields[j]);

          if (strncmp (lines[i], fields[j], length) == 0 &&
              strchr (" \t:", lines[i][length]) != NULL && strstr (text->str, lines[i]) == NULL)
            g_string_append_printf (text, "%s\n", lines[i]);
        }
    }

  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* "-march=native" is this machine. What GPU there is nobody is asked. */
static gboolean
add_machine (TvmKernelKey        *key,
             TvmToolchain        *toolchain,
             const char * const  *words,
             GError             **error)
{
  const TvmToolchainFamily family = tvm_toolchain_get_family (toolchain);
  g_autofree char *processor = NULL;
  const char *native = NULL;

  for (guint i = 0; words[i] != NULL && native == NULL; i++)
    {
      if (g_str_has_suffix (words[i], "=native") || strcmp (words[i], "native") == 0 ||
          strstr (words[i], "=native,") != NULL)
        native = words[i];
    }
  if (native == NULL)
    return TRUE;

  if (family == TVM_TOOLCHAIN_FAMILY_GCC || family == TVM_TOOLCHAIN_FAMILY_CLANG)
    processor = describe_processor ();
  if (processor == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("The option “%s” is not for a cache"), native);
      return FALSE;
    }

  tvm_kernel_key_add (key, "processor", processor);
  return TRUE;
}

gboolean
tvm_compile_identity_add (TvmKernelKey        *key,
                          TvmToolchain        *toolchain,
                          const char * const  *words,
                          const char * const  *environ_,
                          const char          *cwd,
                          GError             **error)
{
  const TvmToolchainFamily family = tvm_toolchain_get_family (toolchain);
  const char *drivers[] = {
    tvm_toolchain_get_path (toolchain),
    tvm_toolchain_get_c_driver (toolchain),
    tvm_toolchain_get_cxx_driver (toolchain),
  };

  tvm_kernel_key_add (key, "version", tvm_toolchain_get_version (toolchain));
  tvm_kernel_key_add (key, "triple", tvm_toolchain_get_target_triple (toolchain));
  for (gsize i = 0; i < G_N_ELEMENTS (drivers); i++)
    {
      g_autofree char *path = drivers[i] != NULL ? g_find_program_in_path (drivers[i]) : NULL;

      if (path != NULL && !tvm_kernel_key_add_file (key, "tool", path, error))
        return FALSE;
    }

  if ((family == TVM_TOOLCHAIN_FAMILY_EMCC || family == TVM_TOOLCHAIN_FAMILY_HIPCC) &&
      !add_backend (key, toolchain, error))
    return FALSE;
  if (family == TVM_TOOLCHAIN_FAMILY_HIPCC)
    add_device_library (key);
  if (family == TVM_TOOLCHAIN_FAMILY_CLANG)
    add_configuration_of_clang (key, toolchain);
  if (is_nvcc (toolchain))
    add_parts_of_nvcc (key, toolchain, environ_);
  if (is_nvcc (toolchain) || family == TVM_TOOLCHAIN_FAMILY_HIPCC)
    add_host_compilers (key, words, environ_, cwd);

  return add_machine (key, toolchain, words, error);
}
