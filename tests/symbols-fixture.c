/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "symbols-fixture.h"

#include "tvmsupport/files/tvm-symbols-private.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>

static void
collect (const TvmSymbol *symbol,
         gpointer         user_data)
{
  GPtrArray *lines = user_data;

  if (symbol->version != NULL)
    g_ptr_array_add (lines, g_strdup_printf ("%c %s%s%s", symbol->letter, symbol->name,
                                             symbol->is_default ? "@@" : "@", symbol->version));
  else
    g_ptr_array_add (lines, g_strdup_printf ("%c %s", symbol->letter, symbol->name));
}

static int
compare_lines (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static GPtrArray *
get_ours (const char  *path,
          GError     **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  if (!tvm_symbols_foreach_global (path, collect, lines, NULL, error))
    return NULL;
  g_ptr_array_sort (lines, compare_lines);
  return g_steal_pointer (&lines);
}

/* "name T value size" lines; those of archives have others between */
static GPtrArray *
parse_nm (char *out)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  char *end;

  for (char *line = out; (end = strchr (line, '\n')) != NULL; line = end + 1)
    {
      char *space;

      *end = '\0';
      space = strchr (line, ' ');
      if (space == NULL || space[1] == '\0' || space[2] != ' ')
        continue;
      *space = '\0';
      g_ptr_array_add (lines, g_strdup_printf ("%c %s", space[1], line));
    }
  g_ptr_array_sort (lines, compare_lines);
  return g_steal_pointer (&lines);
}

/* Returns: (nullable): what nm prints, sorted, or NULL if it does not know the file */
static GPtrArray *
run_nm (const char *path,
        const char *flags)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *out = NULL;
  const char *const argv[] = { "nm", flags, "--defined-only", "-P", "--", path, NULL };

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                        | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  process = g_subprocess_launcher_spawnv (launcher, argv, NULL);
  if (process == NULL || !g_subprocess_communicate (process, NULL, NULL, &bytes, NULL, NULL)
      || !g_subprocess_get_successful (process))
    return NULL;

  out = g_strndup (g_bytes_get_size (bytes) > 0 ? g_bytes_get_data (bytes, NULL) : "",
                   g_bytes_get_size (bytes));
  return parse_nm (out);
}

/* Returns: (nullable): the first difference */
static char *
compare (const GPtrArray *ours,
         const GPtrArray *theirs)
{
  for (guint i = 0; i < MIN (ours->len, theirs->len); i++)
    {
      if (!g_str_equal (ours->pdata[i], theirs->pdata[i]))
        return g_strdup_printf ("“%s” instead of “%s”", (char *) ours->pdata[i],
                                (char *) theirs->pdata[i]);
    }
  if (ours->len != theirs->len)
    return g_strdup_printf ("%u symbols instead of %u", ours->len, theirs->len);

  return NULL;
}

SymbolsVerdict
symbols_compare_with_nm (const char  *path,
                         guint       *n,
                         char       **why)
{
  g_autoptr (GPtrArray) theirs = run_nm (path, "-g");
  g_autoptr (GPtrArray) ours = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *difference = NULL;

  *n = 0;
  if (why != NULL)
    *why = NULL;
  if (theirs != NULL && theirs->len == 0)
    {
      g_autoptr (GPtrArray) dynamic = run_nm (path, "-gD");

      if (dynamic != NULL && dynamic->len > 0)
        {
          g_ptr_array_unref (theirs);
          theirs = g_steal_pointer (&dynamic);
        }
    }

  ours = get_ours (path, &error);
  if (ours == NULL || theirs == NULL)
    {
      if (why != NULL)
        *why = g_strdup (error != NULL ? error->message : "nm does not know it");
      return theirs == NULL || g_error_matches (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED)
             ? SYMBOLS_NOT_READ : SYMBOLS_DIFFER;
    }

  *n = ours->len;
  difference = compare (ours, theirs);
  if (difference == NULL)
    return SYMBOLS_SAME;
  if (why != NULL)
    *why = g_steal_pointer (&difference);
  return SYMBOLS_DIFFER;
}
