/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-process-spec-private.h"

#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_OUTPUT_LIMIT (16 * 1024 * 1024)

static gpointer
copy_string (gconstpointer string,
             gpointer      user_data)
{
  return g_strdup (string);
}

static void
close_fd (gpointer fd)
{
  close (*(int *) fd);
}

static GArray *
new_fds (void)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  g_array_set_clear_func (fds, close_fd);
  return fds;
}

TvmProcessSpec *
tvm_process_spec_new (const char * const *argv)
{
  TvmProcessSpec *self;

  g_return_val_if_fail (argv != NULL, NULL);

  self = g_new0 (TvmProcessSpec, 1);
  self->argv = g_strdupv ((char **) argv);
  self->environ_changes = g_ptr_array_new_with_free_func (g_free);
  self->timeout_msec = -1;
  self->output_limit = DEFAULT_OUTPUT_LIMIT;
  self->limits = g_array_new (FALSE, FALSE, sizeof (TvmProcessLimit));
  self->fds = new_fds ();
  self->cleanup_paths = g_ptr_array_new_with_free_func (g_free);
  self->response_prefix = 1;
  return self;
}

TvmProcessSpec *
tvm_process_spec_copy (const TvmProcessSpec *self)
{
  TvmProcessSpec *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = g_new (TvmProcessSpec, 1);
  *copy = *self;
  copy->argv = g_strdupv (self->argv);
  copy->environ_changes = g_ptr_array_copy (self->environ_changes, copy_string, NULL);
  copy->bad_variable = g_strdup (self->bad_variable);
  copy->cwd = g_strdup (self->cwd);
  copy->stdin_bytes = self->stdin_bytes != NULL ? g_bytes_ref (self->stdin_bytes) : NULL;
  copy->limits = g_array_copy (self->limits);
  copy->fds = new_fds ();
  for (guint i = 0; i < self->fds->len; i++)
    tvm_process_spec_add_fd (copy, g_array_index (self->fds, int, i));
  copy->cleanup_paths = g_ptr_array_copy (self->cleanup_paths, copy_string, NULL);
  copy->orphan_path = g_strdup (self->orphan_path);
  return copy;
}

void
tvm_process_spec_free (TvmProcessSpec *self)
{
  g_return_if_fail (self != NULL);

  g_strfreev (self->argv);
  g_ptr_array_unref (self->environ_changes);
  g_free (self->bad_variable);
  g_free (self->cwd);
  g_clear_pointer (&self->stdin_bytes, g_bytes_unref);
  g_array_unref (self->limits);
  g_array_unref (self->fds);
  g_ptr_array_unref (self->cleanup_paths);
  g_free (self->orphan_path);
  g_free (self);
}

const char * const *
tvm_process_spec_get_argv (const TvmProcessSpec *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const char * const *) self->argv;
}

/* What cannot be a variable is remembered, so that the run fails with a reason. */
static void
take_bad_variable (TvmProcessSpec *self,
                   char           *name)
{
  if (self->bad_variable == NULL)
    self->bad_variable = name;
  else
    g_free (name);
}

void
tvm_process_spec_setenv (TvmProcessSpec *self,
                         const char     *name,
                         const char     *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (name != NULL);

  if (*name == '\0' || strchr (name, '=') != NULL)
    take_bad_variable (self, g_strdup (name));
  else if (value == NULL)
    g_ptr_array_add (self->environ_changes, g_strdup (name));
  else
    g_ptr_array_add (self->environ_changes, g_strconcat (name, "=", value, NULL));
}

void
tvm_process_spec_add_environ (TvmProcessSpec     *self,
                              const char * const *environ_)
{
  g_return_if_fail (self != NULL);

  for (gsize i = 0; environ_ != NULL && environ_[i] != NULL; i++)
    if (environ_[i][0] == '=' || strchr (environ_[i], '=') == NULL)
      take_bad_variable (self, g_strdup (environ_[i]));
    else
      g_ptr_array_add (self->environ_changes, g_strdup (environ_[i]));
}

void
tvm_process_spec_set_cwd (TvmProcessSpec *self,
                          const char     *cwd)
{
  g_return_if_fail (self != NULL);

  g_free (self->cwd);
  self->cwd = g_strdup (cwd);
}

void
tvm_process_spec_set_stdin (TvmProcessSpec *self,
                            GBytes         *bytes)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->stdin_bytes, g_bytes_unref);
  if (bytes != NULL)
    self->stdin_bytes = g_bytes_ref (bytes);
}

void
tvm_process_spec_set_timeout (TvmProcessSpec *self,
                              gint64          timeout_msec)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (timeout_msec >= -1);

  self->timeout_msec = timeout_msec;
}

void
tvm_process_spec_set_output_limit (TvmProcessSpec *self,
                                   gsize           limit)
{
  g_return_if_fail (self != NULL);

  self->output_limit = limit;
}

void
tvm_process_spec_set_rlimit (TvmProcessSpec *self,
                             int             resource,
                             guint64         value)
{
  TvmProcessLimit limit = { resource, value };

  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->limits->len; i++)
    if (g_array_index (self->limits, TvmProcessLimit, i).resource == resource)
      {
        g_array_index (self->limits, TvmProcessLimit, i).value = value;
        return;
      }

  g_array_append_val (self->limits, limit);
}

void
tvm_process_spec_add_fd (TvmProcessSpec *self,
                         int             fd)
{
  int duplicate;

  g_return_if_fail (self != NULL);
  g_return_if_fail (fd >= 0);
  g_return_if_fail (self->fds->len < TVM_SUPERVISOR_MAX_FDS - 2);

  /* Not one that the application may have closed: those are what a child's stdio is put on. */
  duplicate = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (duplicate >= 0)
    g_array_append_val (self->fds, duplicate);
  else
    self->fd_error = errno;
}

void
tvm_process_spec_close_fds (TvmProcessSpec *self)
{
  g_array_set_size (self->fds, 0);
}

void
tvm_process_spec_set_private_tmpdir (TvmProcessSpec *self,
                                     gboolean        private_tmpdir)
{
  g_return_if_fail (self != NULL);

  self->private_tmpdir = !!private_tmpdir;
}

void
tvm_process_spec_set_response_file (TvmProcessSpec  *self,
                                    TvmResponseFile  response_file)
{
  g_return_if_fail (self != NULL);

  self->response_file = response_file;
}

void
tvm_process_spec_set_response_prefix (TvmProcessSpec *self,
                                      guint           n_words)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (n_words > 0);

  self->response_prefix = n_words;
}

void
tvm_process_spec_set_kill_leftovers (TvmProcessSpec *self,
                                     gboolean        kill_leftovers)
{
  g_return_if_fail (self != NULL);

  self->kill_leftovers = !!kill_leftovers;
}

void
tvm_process_spec_set_cleans_up (TvmProcessSpec *self,
                                gboolean        cleans_up)
{
  g_return_if_fail (self != NULL);

  self->cleans_up = cleans_up;
}

void
tvm_process_spec_add_cleanup_path (TvmProcessSpec *self,
                                   const char     *path)
{
  g_autofree char *cwd = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (path != NULL);

  if (g_path_is_absolute (path))
    {
      g_ptr_array_add (self->cleanup_paths, g_strdup (path));
      return;
    }

  /* The supervisor may be somewhere else by then. */
  cwd = g_get_current_dir ();
  g_ptr_array_add (self->cleanup_paths, g_build_filename (cwd, path, NULL));
}

void
tvm_process_spec_set_orphan_path (TvmProcessSpec *self,
                                  const char     *path)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (path == NULL || g_path_is_absolute (path));

  g_free (self->orphan_path);
  self->orphan_path = g_strdup (path);
}

gboolean
tvm_process_spec_check (const TvmProcessSpec  *self,
                        GError               **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->argv[0] == NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The command to run is empty"));
      return FALSE;
    }

  if (self->bad_variable != NULL)
    {
      g_autofree char *name = g_filename_display_name (self->bad_variable);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” cannot be an environment variable"), name);
      return FALSE;
    }

  if (self->fd_error != 0)
    return tvm_error_set_errno (error, self->fd_error, _("Could not duplicate a descriptor"));

  return TRUE;
}

char **
tvm_process_spec_make_environ (const TvmProcessSpec *self)
{
  char **result = g_get_environ ();

  /* Compilers write the directory that PWD names into debug information, if it is the same one. */
  if (self->cwd != NULL && g_path_is_absolute (self->cwd))
    result = g_environ_setenv (result, "PWD", self->cwd, TRUE);

  for (guint i = 0; i < self->environ_changes->len; i++)
    {
      const char *change = g_ptr_array_index (self->environ_changes, i);
      const char *equals = strchr (change, '=');
      g_autofree char *name = NULL;

      if (equals == NULL)
        {
          result = g_environ_unsetenv (result, change);
          continue;
        }

      name = g_strndup (change, equals - change);
      result = g_environ_setenv (result, name, equals + 1, TRUE);
    }

  return result;
}
