/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-argv-private.h"

#include "tvmsupport/gpu/tvm-hipcc-argv-private.h"
#include "tvmsupport/gpu/tvm-nvcc-argv-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/toolchain/tvm-wasm-argv-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * The order of a command line: the command and its own arguments, what we add, the options of the
 * caller (so that they win), inputs and output, and last what a linker must see behind its inputs.
 */

static void
add_strv (GStrvBuilder       *argv,
          const char * const *words)
{
  if (words != NULL)
    g_strv_builder_addv (argv, (const char **) words);
}

/* With these, GCC 12 ends before it prints the JSON of what it found. */
static gboolean
stops_early (const char * const *options)
{
  guint i;

  for (i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], "-fmax-errors=") ||
          g_str_equal (options[i], "-Wfatal-errors"))
        return TRUE;
    }

  return FALSE;
}

/* Reports that a program can read, in no colour */
static void
add_gcc_reporting (TvmToolchain      *toolchain,
                   TvmCompileRequest *request,
                   GStrvBuilder      *argv)
{
  guint major = tvm_toolchain_get_major (toolchain);
  gboolean is_link = !tvm_compile_request_translates (request);

  /* A link would print an empty array before it runs the linker. */
  if (major >= 9 && !is_link && !stops_early ((const char * const *) request->options))
    {
      g_strv_builder_add (argv, "-fdiagnostics-format=json");
      return;
    }

  if (major >= 5)
    g_strv_builder_add (argv, "-fdiagnostics-color=never");
  if (major >= 5 && !is_link)
    g_strv_builder_add (argv, "-fdiagnostics-parseable-fixits");
}

static void
add_reporting (TvmToolchain      *toolchain,
               TvmCompileRequest *request,
               GStrvBuilder      *argv)
{
  switch (tvm_toolchain_get_family (toolchain))
    {
    case TVM_TOOLCHAIN_FAMILY_GCC:
      add_gcc_reporting (toolchain, request, argv);
      break;
    case TVM_TOOLCHAIN_FAMILY_CLANG:
    case TVM_TOOLCHAIN_FAMILY_EMCC:
    case TVM_TOOLCHAIN_FAMILY_HIPCC:
      g_strv_builder_add (argv, "-fno-color-diagnostics");
      if (tvm_compile_request_translates (request))
        {
          g_strv_builder_add (argv, "-fdiagnostics-parseable-fixits");
          g_strv_builder_add (argv, "-fdiagnostics-print-source-range-info");
        }
      break;
    case TVM_TOOLCHAIN_FAMILY_UNKNOWN:
    case TVM_TOOLCHAIN_FAMILY_NVCC:
    case TVM_TOOLCHAIN_FAMILY_NVRTC:
    case TVM_TOOLCHAIN_FAMILY_HIPRTC:
    default:
      break;
    }
}

/* What a compiler writes beside its output is named by where the output ends up, not by where it is
 * staged: the names stand in the output, and a program looks for them when it runs. */
static void
add_side_stem (TvmToolchain      *toolchain,
               TvmCompileRequest *request,
               GStrvBuilder      *argv)
{
  g_autofree char *folder = NULL;
  g_autofree char *prefix = NULL;
  g_autofree char *base = NULL;

  if (request->side_stem == NULL || !tvm_toolchain_places_side_outputs (toolchain) ||
      !tvm_compile_options_have_side_outputs ((const char * const *) request->options))
    return;

  folder = g_path_get_dirname (request->side_stem);
  prefix = g_strconcat (folder, "/", NULL);
  base = g_path_get_basename (request->side_stem);
  add_strv (argv, (const char *[]) { "-dumpdir", prefix, "-dumpbase", base, NULL });
}

static gboolean
is_text_ir (TvmCompileRequest *request)
{
  return request->kind == TVM_COMPILE_KIND_LLVM_IR && g_str_has_suffix (request->output, ".ll");
}

static char **
build_compile (TvmToolchain       *toolchain,
               TvmCompileRequest  *request,
               GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const TvmCompileInput *input = g_ptr_array_index (request->inputs, 0);
  TvmLanguage suffix_language = tvm_language_from_path (input->path);
  gboolean cxx = tvm_language_is_cxx (input->language);
  const char *driver =
    cxx ? tvm_toolchain_get_cxx_driver (toolchain) : tvm_toolchain_get_c_driver (toolchain);
  gboolean must_name_language = input->language != suffix_language;

  if (input->language == TVM_LANGUAGE_LLVM_IR &&
      tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_GCC)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("“%s” cannot compile LLVM's intermediate language; use clang for “%s”"),
                   tvm_toolchain_get_name (toolchain), input->path);
      return NULL;
    }

  /* Where there is only the driver of the other language: g++ takes a .c file for C++ unless
   * told. */
  if (driver == NULL)
    {
      driver = tvm_toolchain_get_path (toolchain);
      must_name_language |= !cxx && input->language != TVM_LANGUAGE_LLVM_IR;
    }

  g_strv_builder_add (argv, driver);
  add_strv (argv, tvm_toolchain_peek_args (toolchain));
  add_reporting (toolchain, request, argv);
  add_side_stem (toolchain, request, argv);
  if (tvm_toolchain_targets_wasm (toolchain))
    tvm_wasm_argv_add_compile_options (toolchain, argv);
  if (tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_HIPCC &&
      !tvm_hipcc_argv_add_options (toolchain, request, argv, error))
    return NULL;
  if (tvm_compile_request_get_pic (request))
    g_strv_builder_add (argv, "-fPIC");
  tvm_compile_options_add ((const char * const *) request->options, TVM_OPTION_COMPILE, argv);
  if (must_name_language)
    {
      g_strv_builder_add (argv, "-x");
      g_strv_builder_add (argv, tvm_language_get_x_name (input->language));
    }
  if (request->kind == TVM_COMPILE_KIND_LLVM_IR)
    g_strv_builder_add (argv, "-emit-llvm");
  g_strv_builder_add (argv, is_text_ir (request) ? "-S" : "-c");
  g_strv_builder_add (argv, input->path);
  g_strv_builder_add (argv, "-o");
  g_strv_builder_add (argv, request->output);

  return g_strv_builder_end (argv);
}

/* The driver that links what the inputs need, and the library to add where there is no such
 * driver */
static const char *
choose_link_driver (TvmToolchain       *toolchain,
                    TvmCompileRequest  *request,
                    const char        **extra_library)
{
  const char *path = tvm_toolchain_get_path (toolchain);
  const char *c_driver = tvm_toolchain_get_c_driver (toolchain);
  const char *cxx_driver = tvm_toolchain_get_cxx_driver (toolchain);

  *extra_library = NULL;
  switch (request->link_runtime)
    {
    case TVM_LINK_RUNTIME_C:
      return c_driver != NULL ? c_driver : path;
    case TVM_LINK_RUNTIME_CXX:
      if (cxx_driver != NULL)
        return cxx_driver;
      *extra_library = "-lstdc++";
      return path;
    case TVM_LINK_RUNTIME_UNKNOWN:
    default:
      return path;
    }
}

static void
add_inputs (TvmCompileRequest *request,
            GStrvBuilder      *argv)
{
  guint i;

  for (i = 0; i < request->inputs->len; i++)
    {
      const TvmCompileInput *input = g_ptr_array_index (request->inputs, i);

      g_strv_builder_add (argv, input->path);
    }
}

static char **
build_link (TvmToolchain       *toolchain,
            TvmCompileRequest  *request,
            GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char * const *libraries = (const char * const *) request->libraries;
  const char *triple = tvm_toolchain_get_target_triple (toolchain);
  const char *extra_library;
  guint i;

  g_strv_builder_add (argv, choose_link_driver (toolchain, request, &extra_library));
  add_strv (argv, tvm_toolchain_peek_args (toolchain));
  add_reporting (toolchain, request, argv);
  if (tvm_compile_request_get_kind (request) == TVM_COMPILE_KIND_SHARED)
    {
      g_strv_builder_add (argv, "-shared");
      if (tvm_compile_request_get_pic (request))
        g_strv_builder_add (argv, "-fPIC");
      if (triple != NULL && strstr (triple, "-apple-") != NULL)
        add_strv (argv, (const char *[]) { "-undefined", "dynamic_lookup", NULL });
    }
  if (tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_HIPCC &&
      !tvm_hipcc_argv_add_options (toolchain, request, argv, error))
    return NULL;
  tvm_compile_options_add ((const char * const *) request->options, TVM_OPTION_LINK, argv);
  g_strv_builder_add (argv, "-o");
  g_strv_builder_add (argv, request->output);
  add_inputs (request, argv);
  add_strv (argv, (const char * const *) request->link_options);
  for (i = 0; libraries != NULL && libraries[i] != NULL; i++)
    {
      g_autofree char *word = g_strconcat ("-l", libraries[i], NULL);
      g_strv_builder_add (argv, word);
    }
  if (extra_library != NULL)
    g_strv_builder_add (argv, extra_library);

  return g_strv_builder_end (argv);
}

/* "q" appends: "r" would replace a member by the next one of the same name. "D" leaves out times,
 * owners and modes, so that equal inputs give equal bytes. */
static char **
build_archive (TvmToolchain       *toolchain,
               TvmCompileRequest  *request,
               GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char *archiver = request->archiver;
  g_autofree char *found = NULL;

  if (archiver != NULL)
    {
      g_auto (GStrv) words = NULL;

      if (!g_shell_parse_argv (archiver, NULL, &words, error))
        {
          g_prefix_error (error, _("The archiver command “%s” cannot be read: "), archiver);
          return NULL;
        }
      add_strv (argv, (const char * const *) words);
    }
  else
    {
      found = tvm_toolchain_find_tool (toolchain, "ar", error);
      if (found == NULL)
        return NULL;
      g_strv_builder_add (argv, found);
    }

  g_strv_builder_add (argv, "qcsD");
  g_strv_builder_add (argv, request->output);
  add_inputs (request, argv);

  return g_strv_builder_end (argv);
}

char **
tvm_compile_argv_set_unsupported (TvmToolchain       *toolchain,
                                  TvmCompileRequest  *request,
                                  GError            **error)
{
  g_autoptr (GEnumClass) kinds = g_type_class_ref (TVM_TYPE_COMPILE_KIND);

  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED, _("“%s” does not make what was asked for: %s"),
               tvm_toolchain_get_name (toolchain),
               g_enum_get_value (kinds, request->kind)->value_nick);
  return NULL;
}

char **
tvm_compile_argv_build (TvmToolchain       *toolchain,
                        TvmCompileRequest  *request,
                        GError            **error)
{
  if (tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_NVCC &&
      request->kind != TVM_COMPILE_KIND_STATIC)
    return tvm_nvcc_argv_build (toolchain, request, error);

  switch (tvm_compile_request_get_kind (request))
    {
    case TVM_COMPILE_KIND_OBJECT:
      return build_compile (toolchain, request, error);
    case TVM_COMPILE_KIND_LLVM_IR:
      if (tvm_toolchain_get_family (toolchain) != TVM_TOOLCHAIN_FAMILY_CLANG &&
          tvm_toolchain_get_family (toolchain) != TVM_TOOLCHAIN_FAMILY_EMCC)
        return tvm_compile_argv_set_unsupported (toolchain, request, error);
      return build_compile (toolchain, request, error);
    case TVM_COMPILE_KIND_SHARED:
    case TVM_COMPILE_KIND_EXECUTABLE:
      if (tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_EMCC)
        return tvm_wasm_argv_build_link (toolchain, request, error);
      return build_link (toolchain, request, error);
    case TVM_COMPILE_KIND_HSACO:
      if (tvm_toolchain_get_family (toolchain) != TVM_TOOLCHAIN_FAMILY_HIPCC)
        return tvm_compile_argv_set_unsupported (toolchain, request, error);
      return build_compile (toolchain, request, error);
    case TVM_COMPILE_KIND_WASM:
      return tvm_wasm_argv_build_link (toolchain, request, error);
    case TVM_COMPILE_KIND_STATIC:
      return build_archive (toolchain, request, error);
    case TVM_COMPILE_KIND_PTX:
    case TVM_COMPILE_KIND_CUBIN:
    case TVM_COMPILE_KIND_FATBIN:
    case TVM_COMPILE_KIND_LTO_IR:
    default:
      return tvm_compile_argv_set_unsupported (toolchain, request, error);
    }
}
