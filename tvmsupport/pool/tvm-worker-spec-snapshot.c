/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/pool/tvm-worker-spec-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/resource.h>

static void
copy_stream (TvmWorkerStream       *to,
             const TvmWorkerStream *from)
{
  to->mode = from->mode;
  to->path = from->path != NULL ? g_canonicalize_filename (from->path, NULL) : NULL;
  to->stream = from->stream != NULL ? g_object_ref (from->stream) : NULL;
}

TvmWorkerSpec *
tvm_worker_spec_snapshot (TvmWorkerSpec *self)
{
  TvmWorkerSpec *copy;

  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), NULL);

  copy = g_object_new (TVM_TYPE_WORKER_SPEC, NULL);
  copy->payload_type = self->payload_type;
  copy->argv = g_strdupv (self->argv);
  copy->is_self = self->is_self;
  copy->module = g_strdup (self->module);
  copy->can_fork = self->can_fork;
  copy->start = self->start;
  copy->launcher = g_strdupv (self->launcher);
  copy->environment = g_strdupv (self->environment);
  copy->cwd = self->cwd != NULL ? g_canonicalize_filename (self->cwd, NULL) : NULL;
  copy->initializer = self->initializer != NULL ? tvm_task_copy (self->initializer) : NULL;
  copy->start_timeout_msec = self->start_timeout_msec;
  copy->maximum_uses = self->maximum_uses;
  copy->respawn_limit = self->respawn_limit;
  copy->n_spares = self->n_spares;
  copy->address_space = self->address_space;
  copy->cpu_seconds = self->cpu_seconds;
  copy->open_files = self->open_files;
  copy->recycle_size = self->recycle_size;
  copy->max_message = self->max_message;
  copy_stream (&copy->out, &self->out);
  copy_stream (&copy->err, &self->err);

  return copy;
}

static gboolean
check_program (TvmWorkerSpec  *self,
               GError        **error)
{
  if (self->payload_type == TVM_PAYLOAD_TYPE_COMMAND && self->argv == NULL)
    {
      if (self->launcher == NULL)
        return TRUE;

      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("Commands have no launcher; its words can be the first of theirs"));
      return FALSE;
    }

  if (self->module != NULL || (self->argv != NULL && self->argv[0] != NULL))
    return TRUE;

  g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                       _("The command line of the workers is empty"));
  return FALSE;
}

static gboolean
check_stream (const TvmWorkerStream  *stream,
              const char             *name,
              GError                **error)
{
  if (stream->mode == TVM_WORKER_OUTPUT_FILE && stream->path == NULL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("The %s of the workers goes to a file, but to none in particular"), name);
  else if (stream->mode == TVM_WORKER_OUTPUT_STREAM && stream->stream == NULL)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("The %s of the workers goes to a stream, but to none in particular"), name);
  else
    return TRUE;

  return FALSE;
}

gboolean
tvm_worker_spec_check (TvmWorkerSpec  *self,
                       GError        **error)
{
  g_return_val_if_fail (TVM_IS_WORKER_SPEC (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  for (gsize i = 0; self->environment != NULL && self->environment[i] != NULL; i++)
    if (self->environment[i][0] == '=' || strchr (self->environment[i], '=') == NULL)
      {
        g_autofree char *name = g_filename_display_name (self->environment[i]);

        g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                     _("“%s” cannot be an environment variable"), name);
        return FALSE;
      }

  return check_program (self, error)
         && check_stream (&self->out, "stdout", error)
         && check_stream (&self->err, "stderr", error);
}

void
tvm_worker_spec_add_limits (const TvmWorkerSpec *self,
                            GByteArray          *words)
{
  const struct
  {
    int resource;
    guint64 value;
  } limits[] = {
    { RLIMIT_AS, self->address_space },
    { RLIMIT_CPU, self->cpu_seconds },
    { RLIMIT_NOFILE, self->open_files },
  };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      char word[64];
      int length;

      if (limits[i].value == 0)
        continue;

      length = g_snprintf (word, sizeof word, "--rlimit=%d=%" G_GUINT64_FORMAT, limits[i].resource,
                           limits[i].value);
      g_byte_array_append (words, (const guint8 *) word, (guint) length + 1);
    }
}
