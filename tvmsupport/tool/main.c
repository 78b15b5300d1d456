/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include <tvmsupport/tvmsupport.h>

#include "tvmsupport/tool/tool.h"

static const ToolCommand commands[] = {
  { "cc", N_("Compile and link sources"), tool_run_cc },
  { "cuda", N_("Compile CUDA"), tool_run_cuda },
  { "wasm", N_("Make a WebAssembly module"), tool_run_wasm },
  { "llvm-ir", N_("Make LLVM's intermediate language of sources"), tool_run_llvm_ir },
  { "dylib", N_("Make a dynamic library for a system of Apple"), tool_run_dylib },
  { "rocm-link", N_("Link an object for a GPU of AMD"), tool_run_rocm_link },
  { "symbols", N_("List the global symbols of object files and libraries"), tool_run_symbols },
  { "tar", N_("Pack files into a tar archive"), tool_run_tar },
  { "untar", N_("Unpack or list a tar archive"), tool_run_untar },
  { "run", N_("Run a program within limits"), tool_run_run },
  { "map", N_("Run a program for each of many inputs"), tool_run_map },
  { "cache", N_("Count or clear the cache of compiled kernels"), tool_run_cache },
  { "clean", N_("Remove the temporary directories that killed programs left"), tool_run_clean },
  { "lock", N_("Run a program while a file is locked"), tool_run_lock },
  { "describe", N_("Describe the library and the machine"), tool_run_describe },
};

static char *
build_help (void)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, _("Usage:\n  %s COMMAND [OPTION…]\n\n"), g_get_prgname ());
  g_string_append (text, _("Compile programs and libraries, look into them, and run programs "
                            "within limits.\n\nCommands:\n"));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  %-12s %s\n", commands[i].name, _(commands[i].summary));
  g_string_append_printf (text, "  %-12s %s\n", "help", _("Show the help of a command"));
  g_string_append (text, _("\nOptions:\n"));
  g_string_append_printf (text, "  %-12s %s\n", "-h, --help", _("Show this help"));
  g_string_append_printf (text, "  %-12s %s\n", "--version", _("Show the version"));
  return g_string_free (text, FALSE);
}

static int
show_help (void)
{
  g_autofree char *text = build_help ();

  return tool_write (text) ? 0 : TOOL_EXIT_FAILURE;
}

static int
show_version (void)
{
  g_autofree char *text = g_strdup_printf ("%s %s\n", g_get_prgname (), PACKAGE_VERSION);

  return tool_write (text) ? 0 : TOOL_EXIT_FAILURE;
}

static const ToolCommand *
find_command (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];

  return NULL;
}

static int
run_command (const ToolCommand *command,
             char             **words)
{
  Tool tool;
  int status = 0;

  tool_init (&tool);
  status = command->run (&tool, words);
  tool_clear (&tool);
  return status;
}

static int
run (char **words)
{
  const ToolCommand *command = NULL;

  if (words[0] == NULL)
    {
      g_autofree char *text = build_help ();

      g_printerr ("%s", text);
      return TOOL_EXIT_USAGE;
    }

  if (g_str_equal (words[0], "--help") || g_str_equal (words[0], "-h"))
    return show_help ();
  if (g_str_equal (words[0], "--version"))
    return show_version ();
  if (words[0][0] == '-')
    return tool_usage (NULL, _("Unknown option “%s”"), words[0]);

  if (g_str_equal (words[0], "help"))
    {
      char *of_command[] = { words[1], (char *) "--help", NULL };

      if (words[1] == NULL || (g_str_equal (words[1], "help") && words[2] == NULL))
        return show_help ();

      command = find_command (words[1]);
      if (command == NULL || words[2] != NULL)
        return tool_usage (NULL, _("There is no command “%s”"),
                           command == NULL ? words[1] : words[2]);
      return run_command (command, of_command);
    }

  command = find_command (words[0]);
  if (command == NULL)
    return tool_usage (NULL, _("There is no command “%s”"), words[0]);

  return run_command (command, words);
}

/* What was closed by the caller is not to become something else here. To read from it, or to write
 * to it, goes on to be an error. */
static void
open_closed_stdio (void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl (fd, F_GETFD) < 0 && errno == EBADF)
      (void) !open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main (int   argc,
      char *argv[])
{
  open_closed_stdio ();
  setlocale (LC_ALL, "");
#ifdef ENABLE_NLS
  /* The library has bound the domain, which is also ours. */
  textdomain (GETTEXT_PACKAGE);
#endif
  g_set_prgname ("tvmsupport");

  return run (argc > 0 ? argv + 1 : argv);
}
