/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-command-line-private.h"
#include "tvmsupport/process/tvm-process-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* From here on a response file is better. Linux takes 128 KiB at least, for a string or with a
 * small stack limit for all of them, and drivers repeat their arguments, and more, on the command
 * lines of what they start. */
#define COMFORTABLE_TOTAL (96 * 1024)
#define COMFORTABLE_ARGUMENT (100 * 1024)

/* What Linux takes for one string, its NUL included */
#define MAX_ARGUMENT (32 * 4096)

/* How much of the kernel's space @strings take, their pointers included */
static gsize
measure (const char * const *strings,
         gsize              *longest)
{
  gsize total = sizeof (char *);

  *longest = 0;
  for (gsize i = 0; strings[i] != NULL; i++)
    {
      gsize size = strlen (strings[i]) + 1;

      total += size + sizeof (char *);
      *longest = MAX (*longest, size);
    }

  return total;
}

gboolean
tvm_command_line_is_long (const char * const *argv)
{
  gsize longest;
  gsize total = measure (argv, &longest);

  return total > COMFORTABLE_TOTAL || longest > COMFORTABLE_ARGUMENT;
}

gboolean
tvm_command_line_check (const char * const  *argv,
                        const char * const  *environ_,
                        gsize                reserve,
                        GError             **error)
{
  long max = sysconf (_SC_ARG_MAX);
  gsize longest_argument;
  gsize longest_variable;
  gsize arguments = measure (argv, &longest_argument);
  gsize variables = measure (environ_, &longest_variable);

  if (longest_argument <= MAX_ARGUMENT && longest_variable <= MAX_ARGUMENT
      && (max <= 0 || arguments + variables + reserve <= (gsize) max))
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The command line of “%s” is too long: its arguments take %zu bytes, the longest "
                 "%zu, the environment %zu, its longest variable %zu; possible are %ld in all and "
                 "%d for one"),
               argv[0], arguments, longest_argument, variables, longest_variable, max,
               MAX_ARGUMENT);
  return FALSE;
}

GBytes *
tvm_command_line_to_gnu_file (const char * const *arguments)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; arguments[i] != NULL; i++)
    {
      if (arguments[i][0] == '\0')
        g_string_append (text, "\"\"");

      for (const char *c = arguments[i]; *c != '\0'; c++)
        {
          if (g_ascii_isspace (*c) || *c == '\v' || *c == '\'' || *c == '"' || *c == '\\')
            g_string_append_c (text, '\\');
          g_string_append_c (text, *c);
        }

      g_string_append_c (text, '\n');
    }

  return g_string_free_to_bytes (text);
}

/* First words may mean more to a shell: an assignment, a job. */
static gboolean
needs_no_quotes (const char *word,
                 gboolean    is_first)
{
  const char *safe = is_first ? "_@+:,./-" : "_@+:,./-=%";

  if (*word == '\0')
    return FALSE;

  for (const char *c = word; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr (safe, *c) == NULL)
      return FALSE;

  /* zsh expands =name. */
  return *word != '=';
}

char *
tvm_quote_command (const char * const *argv)
{
  GString *line;

  g_return_val_if_fail (argv != NULL, NULL);

  line = g_string_new (NULL);
  for (gsize i = 0; argv[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (line, ' ');

      if (needs_no_quotes (argv[i], i == 0))
        {
          g_string_append (line, argv[i]);
          continue;
        }

      g_string_append_c (line, '\'');
      for (const char *c = argv[i]; *c != '\0'; c++)
        if (*c == '\'')
          g_string_append (line, "'\\''");
        else
          g_string_append_c (line, *c);
      g_string_append_c (line, '\'');
    }

  return g_string_free (line, FALSE);
}
