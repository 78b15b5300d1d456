/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-process-private.h"

#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What execvp searches without a PATH */
#define DEFAULT_PATH "/bin:/usr/bin"

/* Returns: (transfer full) (nullable): why @path cannot be executed; NULL if it can */
static char *
why_not_executable (const char *path)
{
  g_autofree char *name = g_filename_display_name (path);
  struct stat st;

  if (stat (path, &st) != 0)
    {
      const char *reason = g_strerror (errno);

      return g_strdup_printf (_("“%s”: %s"), name, reason);
    }

  if (S_ISDIR (st.st_mode))
    return g_strdup_printf (_("“%s” is a directory"), name);

  if (!S_ISREG (st.st_mode))
    return g_strdup_printf (_("“%s” is not a regular file"), name);

  if (faccessat (AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
    return g_strdup_printf (_("“%s” is not executable"), name);

  return NULL;
}

static char *
find_by_path (const char  *program,
              const char  *cwd,
              GError     **error)
{
  g_autofree char *path = NULL;
  g_autofree char *current = NULL;
  g_autofree char *reason = NULL;

  if (g_path_is_absolute (program))
    path = g_strdup (program);
  else if (cwd != NULL && g_path_is_absolute (cwd))
    path = g_build_filename (cwd, program, NULL);
  else
    {
      current = g_get_current_dir ();
      path = g_build_filename (current, cwd != NULL ? cwd : ".", program, NULL);
    }

  reason = why_not_executable (path);
  if (reason == NULL)
    return g_steal_pointer (&path);

  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND, _("Could not find the program: %s"), reason);
  return NULL;
}

static void
set_not_found (GError     **error,
               const char  *program,
               GPtrArray   *looked_in,
               const char  *reason)
{
  g_autofree char *name = g_filename_display_name (program);
  g_autofree char *places = NULL;
  g_autofree char *shown = NULL;

  if (looked_in->len == 0)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("Could not find the program “%s”: no directory to look in; PATH is empty"),
                   name);
      return;
    }

  g_ptr_array_add (looked_in, NULL);
  places = g_strjoinv (", ", (char **) looked_in->pdata);
  shown = g_filename_display_name (places);
  if (reason != NULL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                 _("Could not find the program “%s”; looked in %s: %s"), name, shown, reason);
  else
    g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                 _("Could not find the program “%s”; looked in %s"), name, shown);
}

char *
tvm_find_program (const char  *program,
                  const char  *path,
                  const char  *cwd,
                  GError     **error)
{
  g_autoptr (GPtrArray) looked_in = g_ptr_array_new ();
  g_auto (GStrv) directories = NULL;
  g_autofree char *reason = NULL;

  g_return_val_if_fail (program != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (*program == '\0')
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The name of the program is empty"));
      return NULL;
    }

  if (strchr (program, '/') != NULL)
    return find_by_path (program, cwd, error);

  if (path == NULL)
    path = g_getenv ("PATH");
  if (path == NULL)
    path = DEFAULT_PATH;

  directories = g_strsplit (path, ":", -1);
  for (gsize i = 0; directories[i] != NULL; i++)
    {
      g_autofree char *candidate = NULL;
      g_autofree char *why = NULL;

      /* An empty or a relative one means the current directory, whatever that is just now. */
      if (!g_path_is_absolute (directories[i]))
        continue;

      candidate = g_build_filename (directories[i], program, NULL);
      why = why_not_executable (candidate);
      if (why == NULL)
        return g_steal_pointer (&candidate);

      /* A file of that name that does not serve says more than the list. */
      if (reason == NULL && access (candidate, F_OK) == 0)
        reason = g_steal_pointer (&why);
      /* A folder may be in PATH many times; to read it once is enough. */
      if (!g_ptr_array_find_with_equal_func (looked_in, directories[i], g_str_equal, NULL))
        g_ptr_array_add (looked_in, directories[i]);
    }

  set_not_found (error, program, looked_in, reason);
  return NULL;
}
