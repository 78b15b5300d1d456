/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-emcc.h"
#include "tvmsupport/toolchain/tvm-emcc-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/tvm-search-private.h"

#include <glib/gi18n-lib.h>

#define NAME "emcc"

/* Where emscripten's own installer and distributions put it */
static const struct
{
  const char *variable; /* (nullable) */
  const char *folder;
} places[] = {
  { "EMSDK", "upstream/emscripten" },
  { "EMSCRIPTEN_ROOT", "" },
  { "EMSCRIPTEN", "" },
  { NULL, "/usr/lib/emscripten" },
  { NULL, "/opt/emsdk/upstream/emscripten" },
};

static gboolean
is_set (const char *value)
{
  return value != NULL && *value != '\0';
}

/**
 * tvm_emcc_find_emcc:
 * @error: a #GError
 *
 * Finds the compiler of emscripten: the `emcc` in the `PATH`, or that of the folders that the
 * environment variables `EMSDK`, `EMSCRIPTEN_ROOT` and `EMSCRIPTEN` name, or of the places where
 * distributions put it. Nothing is run, and the environment is read when this function is called.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the reason why it did not
 * serve.
 *
 * Returns: (transfer full) (type filename): the path
 *
 * Since: 1.0
 */
char *
tvm_emcc_find_emcc (GError **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GError) path_error = NULL;
  char *found;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  found = tvm_find_program (NAME, NULL, NULL, &path_error);
  if (found != NULL)
    return found;

  tvm_search_add (&search, "%s", path_error->message);
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const char *variable = places[i].variable;
      const char *root = variable != NULL ? g_getenv (variable) : "";
      g_autoptr (GError) place_error = NULL;
      g_autofree char *program = NULL;

      if (variable != NULL && !is_set (root))
        {
          tvm_search_add (&search, _("%s is not set"), variable);
          continue;
        }

      program = g_build_filename (root, places[i].folder, NAME, NULL);
      found = tvm_find_program (program, NULL, NULL, &place_error);
      if (found != NULL)
        return found;
      tvm_search_add (&search, "%s", place_error->message);
    }

  tvm_search_set_error (&search, _("the compiler of emscripten “emcc”"), error);
  return NULL;
}

/**
 * tvm_compiler_new_emcc: (constructor)
 * @command: (nullable) (type filename): a command as [ctor@TvmSupport.Toolchain.new] takes it, such
 *   as `/opt/emsdk/upstream/emscripten/emcc`, or %NULL for what [func@TvmSupport.emcc_find_emcc]
 *   finds
 * @error: a #GError
 *
 * Makes a compiler that runs emscripten.
 *
 * It makes objects, archives, WebAssembly modules without an entry point
 * (%TVM_COMPILE_KIND_WASM), side modules (%TVM_COMPILE_KIND_SHARED) and programs
 * (%TVM_COMPILE_KIND_EXECUTABLE). The kind decides, not the suffix of the output; but a program
 * whose name ends in `.js`, `.mjs`, `.html` or `.wasm` is what emcc makes of that, with files
 * beside it, and every other one is a single script for node. Settings such as
 * `-sALLOW_MEMORY_GROWTH=1` are options. An input whose name ends in `.js` is a JavaScript library.
 *
 * Nothing is run here: a command that does not work is an error at the first use.
 *
 * The error is %TVM_ERROR_NOT_FOUND if no command is given and none was found.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
TvmCompiler *
tvm_compiler_new_emcc (const char  *command,
                       GError     **error)
{
  g_autofree char *found = NULL;
  g_autofree char *quoted = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (command == NULL)
    {
      found = tvm_emcc_find_emcc (error);
      if (found == NULL)
        return NULL;
      quoted = g_shell_quote (found);
      command = quoted;
    }

  return tvm_compiler_new_cross (command, NULL, "wasm", NULL);
}

static void
try_folder (TvmSearch    *search,
            const char   *folder,
            const char   *name,
            GStrvBuilder *found)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *shown = g_filename_display_name (path);

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    g_strv_builder_add (found, path);
  else if (g_file_test (path, G_FILE_TEST_EXISTS))
    tvm_search_add (search, _("“%s” is not a regular file"), shown);
  else
    tvm_search_add (search, _("“%s” does not exist"), shown);
}

/**
 * tvm_emcc_find_wasm_lib:
 * @name: (type filename): a file that the build of TVM's web runtime makes, such as
 *   `wasm_runtime.bc`
 * @error: a #GError
 *
 * Finds a file of the WebAssembly runtime of TVM: in the folders that the environment variable
 * `TVM_LIBRARY_PATH` lists, then in `web/dist/wasm` and `web/dist` of the source tree that
 * `TVM_HOME` names. The environment is read when this function is called.
 *
 * This is `emcc.find_wasm_lib` of TVM.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the reason why it did not
 * serve.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the files of that
 *   name, best first; at least one
 *
 * Since: 1.0
 */
char **
tvm_emcc_find_wasm_lib (const char  *name,
                        GError     **error)
{
  const char *library_path = g_getenv ("TVM_LIBRARY_PATH");
  const char *home = g_getenv ("TVM_HOME");
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) folders = NULL;
  g_auto (GStrv) found = NULL;
  g_autofree char *what = NULL;

  g_return_val_if_fail (name != NULL && *name != '\0', NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!is_set (library_path))
    tvm_search_add (&search, _("%s is not set"), "TVM_LIBRARY_PATH");
  folders = g_strsplit (library_path != NULL ? library_path : "", G_SEARCHPATH_SEPARATOR_S, -1);
  for (guint i = 0; folders[i] != NULL; i++)
    {
      if (*folders[i] != '\0')
        try_folder (&search, folders[i], name, builder);
    }

  if (is_set (home))
    {
      g_autofree char *wasm = g_build_filename (home, "web", "dist", "wasm", NULL);
      g_autofree char *dist = g_build_filename (home, "web", "dist", NULL);

      try_folder (&search, wasm, name, builder);
      try_folder (&search, dist, name, builder);
    }
  else
    {
      tvm_search_add (&search, _("%s is not set"), "TVM_HOME");
    }

  found = g_strv_builder_end (builder);
  if (found[0] != NULL)
    return g_steal_pointer (&found);

  what = g_strdup_printf (_("“%s” of TVM's web runtime"), name);
  tvm_search_set_error (&search, what, error);
  return NULL;
}

static void
append_path (GString      *text,
             const char   *name,
             const char   *path,
             const GError *error)
{
  g_autofree char *shown = path != NULL ? g_filename_display_name (path) : NULL;

  g_string_append_printf (text, "  %s: %s\n", name, path != NULL ? shown : error->message);
}

void
tvm_emcc_describe_tools (GString *text)
{
  static const char * const tools[] = { "node", "wasm-ld" };

  for (gsize i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = tvm_find_program (tools[i], NULL, NULL, &error);

      append_path (text, tools[i], path, error);
    }

  for (gsize i = 0; tvm_emcc_runtime_names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) paths = tvm_emcc_find_wasm_lib (tvm_emcc_runtime_names[i], &error);

      append_path (text, tvm_emcc_runtime_names[i], paths != NULL ? paths[0] : NULL, error);
    }
}
