/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-wasm-argv-private.h"

#include "tvmsupport/toolchain/tvm-compile-argv-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-toolchain-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * emcc takes what it makes from the suffix of its output: here the kind of the request decides, so
 * that an output may have any name. Only a program may be more than one file; there a suffix that
 * emcc knows stands for its own choice.
 */
static const char * const program_suffixes[] = { ".js", ".mjs", ".html", ".wasm" };

static gboolean
is_emcc (TvmToolchain *toolchain)
{
  return tvm_toolchain_get_family (toolchain) == TVM_TOOLCHAIN_FAMILY_EMCC;
}

/* Whether there is a C library, as that of WASI, and not the processor alone */
static gboolean
has_system (TvmToolchain *toolchain)
{
  const char *triple = tvm_toolchain_get_target_triple (toolchain);

  return strstr (triple, "-wasi") != NULL || strstr (triple, "-emscripten") != NULL;
}

void
tvm_wasm_argv_add_compile_options (TvmToolchain *toolchain,
                                   GStrvBuilder *argv)
{
  /* The settings of a link are given to the compile, too: some of them count for it. */
  if (is_emcc (toolchain))
    g_strv_builder_add (argv, "-Wno-unused-command-line-argument");
  /* For this target, clang hides what is not exported one by one. */
  else
    g_strv_builder_add (argv, "-fvisibility=default");
}

static void
add_emcc_kind (TvmCompileRequest *request,
               GStrvBuilder      *argv)
{
  /* The linker says which object needs what is missing; the JavaScript compiler, which older
   * versions leave that to, does not. */
  static const char * const module[] = {
    "--oformat=wasm", "--no-entry", "-sLLD_REPORT_UNDEFINED=1", NULL,
  };
  static const char * const side_module[] = { "--oformat=wasm", "-sSIDE_MODULE=1", NULL };
  static const char * const one_script[] = { "--oformat=js", "-sSINGLE_FILE=1", NULL };

  if (request->kind == TVM_COMPILE_KIND_WASM)
    {
      g_strv_builder_addv (argv, (const char **) module);
      return;
    }
  if (request->kind == TVM_COMPILE_KIND_SHARED)
    {
      g_strv_builder_addv (argv, (const char **) side_module);
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (program_suffixes); i++)
    {
      if (g_str_has_suffix (request->output, program_suffixes[i]))
        return;
    }
  g_strv_builder_addv (argv, (const char **) one_script);
}

static void
add_clang_kind (TvmToolchain *toolchain,
                GStrvBuilder *argv)
{
  if (!has_system (toolchain))
    g_strv_builder_addv (argv, (const char *[]) { "-nostdlib", "-Wl,--no-entry", NULL });
  else
    g_strv_builder_add (argv, "-mexec-model=reactor");
  g_strv_builder_add (argv, "-Wl,--export-dynamic");
}

/* C++ where it may be needed: of a library that is not needed nothing is linked. */
static const char *
get_driver (TvmToolchain      *toolchain,
            TvmCompileRequest *request)
{
  const char *driver = tvm_toolchain_get_cxx_driver (toolchain);

  if (!is_emcc (toolchain) && request->link_runtime == TVM_LINK_RUNTIME_C)
    driver = tvm_toolchain_get_c_driver (toolchain);

  return driver != NULL ? driver : tvm_toolchain_get_path (toolchain);
}

static void
add_inputs (TvmToolchain      *toolchain,
            TvmCompileRequest *request,
            GStrvBuilder      *argv)
{
  for (guint i = 0; i < request->inputs->len; i++)
    {
      const TvmCompileInput *input = g_ptr_array_index (request->inputs, i);

      if (is_emcc (toolchain) && g_str_has_suffix (input->path, ".js"))
        g_strv_builder_add (argv, "--js-library");
      g_strv_builder_add (argv, input->path);
    }
}

char **
tvm_wasm_argv_build_link (TvmToolchain       *toolchain,
                          TvmCompileRequest  *request,
                          GError            **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char * const *args = tvm_toolchain_peek_args (toolchain);

  if (!is_emcc (toolchain) && !tvm_toolchain_targets_wasm (toolchain))
    return tvm_compile_argv_set_unsupported (toolchain, request, error);

  g_strv_builder_add (argv, get_driver (toolchain, request));
  if (args != NULL)
    g_strv_builder_addv (argv, (const char **) args);
  if (is_emcc (toolchain))
    add_emcc_kind (request, argv);
  else
    add_clang_kind (toolchain, argv);
  tvm_compile_options_add ((const char * const *) request->options, TVM_OPTION_LINK, argv);
  g_strv_builder_add (argv, "-o");
  g_strv_builder_add (argv, request->output);
  add_inputs (toolchain, request, argv);
  if (request->link_options != NULL)
    g_strv_builder_addv (argv, (const char **) request->link_options);
  for (guint i = 0; request->libraries != NULL && request->libraries[i] != NULL; i++)
    {
      g_autofree char *word = g_strconcat ("-l", request->libraries[i], NULL);

      g_strv_builder_add (argv, word);
    }

  return g_strv_builder_end (argv);
}
