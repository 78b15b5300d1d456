/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-private.h"

#include "tvmsupport/pool/tvm-worker-spec-private.h"
#include "tvmsupport/process/tvm-process-spec-private.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-variant-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The payload of CALL, for the encodings of docs/worker-protocol.md */

static void
set_wrong_kind (TvmTask         *self,
                TvmPayloadType   payload_type,
                GError         **error)
{
  g_autofree char *description = tvm_task_dup_short_description (self);

  if (payload_type == TVM_PAYLOAD_TYPE_VARIANT)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("The workers call functions, which “%s” is not"), description);
  else if (payload_type == TVM_PAYLOAD_TYPE_COMMAND)
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("The workers run commands, which “%s” is not"), description);
  else
    g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                 _("The workers take bytes, which “%s” is not"), description);
}

/* From this size on a value travels from where it is. */
#define SPLIT_SIZE (64 * 1024)

/* A function and its arguments are a variant of type (sv), put together here: to make a tuple for
 * them would cost more than the rest of a small task. It has the string, the variant at the next
 * multiple of 8 (its value, a zero byte, its type), and where the string ends.
 *
 * This makes it in three pieces, of which the middle one is the value as it is. */
static GBytes *
split_variant (TvmTask    *self,
               GVariant   *args,
               GPtrArray **rest_out)
{
  const char *type = g_variant_get_type_string (args);
  gsize name_size = strlen (self->function) + 1;
  gsize value_at = (name_size + 7) & ~(gsize) 7;
  gsize value_size = g_variant_get_size (args);
  gsize type_size = strlen (type);
  gsize size = value_at + value_size + 1 + type_size;
  gsize offset_size = tvm_variant_get_end_size (size);
  guint64 end = GUINT64_TO_LE (name_size);
  guint8 *head = g_malloc0 (value_at);
  guint8 *rest = g_malloc0 (1 + type_size + offset_size);

  memcpy (head, self->function, name_size);
  memcpy (rest + 1, type, type_size);
  memcpy (rest + 1 + type_size, &end, offset_size);
  *rest_out = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (*rest_out, g_variant_get_data_as_bytes (args));
  g_ptr_array_add (*rest_out, g_bytes_new_take (rest, 1 + type_size + offset_size));
  return g_bytes_new_take (head, value_at);
}

static GBytes *
encode_variant (TvmTask    *self,
                GPtrArray **rest,
                GError    **error)
{
  g_autoptr (GVariant) args = tvm_variant_is_normal (self->args)
                              ? g_variant_ref (self->args)
                              : g_variant_get_normal_form (self->args);
  const char *type = g_variant_get_type_string (args);
  gsize name_size = strlen (self->function) + 1;
  gsize value_at = (name_size + 7) & ~(gsize) 7;
  gsize value_size = g_variant_get_size (args);
  gsize type_size = strlen (type);
  gsize size = value_at + value_size + 1 + type_size;
  gsize offset_size = tvm_variant_get_end_size (size);
  guint64 end = GUINT64_TO_LE (name_size);
  guint8 *data;

  if (rest != NULL && value_size >= SPLIT_SIZE && G_BYTE_ORDER == G_LITTLE_ENDIAN)
    return split_variant (self, args, rest);

  data = g_try_malloc (size + offset_size);
  if (data == NULL)
    {
      g_autofree char *text = g_format_size (size);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   _("There is no memory for the arguments of “%s”: %s"), self->function, text);
      return NULL;
    }

#if G_BYTE_ORDER == G_BIG_ENDIAN
  {
    g_autoptr (GVariant) swapped = g_variant_byteswap (args);

    g_variant_store (swapped, data + value_at);
  }
#else
  g_variant_store (args, data + value_at);
#endif

  memcpy (data, self->function, name_size);
  memset (data + name_size, 0, value_at - name_size);
  data[value_at + value_size] = 0;
  memcpy (data + value_at + value_size + 1, type, type_size);
  memcpy (data + size, &end, offset_size);

  return g_bytes_new_take (data, size + offset_size);
}

static gboolean
check_function (TvmTask  *self,
                GError  **error)
{
  g_autofree char *description = NULL;

  if (self->function == NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("The task has no function"));
      return FALSE;
    }

  if (g_utf8_validate (self->function, -1, NULL))
    return TRUE;

  description = tvm_task_dup_short_description (self);
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The name of the function “%s” is not UTF-8"), description);
  return FALSE;
}

static void
add_word (GByteArray *words,
          const char *word)
{
  g_byte_array_append (words, (const guint8 *) word, strlen (word) + 1);
}

static void
add_option (GByteArray *words,
            const char *name,
            const char *value)
{
  g_byte_array_append (words, (const guint8 *) name, strlen (name));
  add_word (words, value);
}

static void
add_count (GByteArray *words,
           const char *name,
           char      **strv)
{
  char number[24];

  g_snprintf (number, sizeof number, "%u", g_strv_length (strv));
  add_option (words, name, number);
}

static GBytes *
encode_command (TvmTask              *self,
                const TvmWorkerSpec  *worker,
                GError              **error)
{
  g_autoptr (TvmProcessSpec) spec = NULL;
  g_autofree char *cwd = NULL;
  g_autofree char *program = NULL;
  g_auto (GStrv) environ_ = NULL;
  GByteArray *words;

  /* The worker may have been started from another directory. */
  if (self->cwd != NULL)
    cwd = g_canonicalize_filename (self->cwd, NULL);
  else
    cwd = g_strdup (worker->cwd);

  spec = tvm_process_spec_new ((const char * const *) self->argv);
  tvm_process_spec_set_cwd (spec, cwd);
  tvm_process_spec_add_environ (spec, (const char * const *) worker->environment);
  tvm_process_spec_add_environ (spec, (const char * const *) self->environment);
  if (!tvm_process_spec_check (spec, error))
    return NULL;

  environ_ = tvm_process_spec_make_environ (spec);
  program = tvm_find_program (self->argv[0], g_environ_getenv (environ_, "PATH"), cwd, error);
  if (program == NULL)
    return NULL;

  words = g_byte_array_sized_new (4096);
  tvm_worker_spec_add_limits (worker, words);
  if (cwd != NULL)
    add_option (words, "--chdir=", cwd);
  add_count (words, "--argc=", self->argv);
  add_count (words, "--envc=", environ_);
  add_word (words, "--");
  add_word (words, program);
  for (gsize i = 0; self->argv[i] != NULL; i++)
    add_word (words, self->argv[i]);
  for (gsize i = 0; environ_[i] != NULL; i++)
    add_word (words, environ_[i]);

  return g_byte_array_free_to_bytes (words);
}

static gpointer
copy_bytes (gconstpointer bytes,
            gpointer      user_data)
{
  return g_bytes_ref ((GBytes *) bytes);
}

static GBytes *
encode_bytes (TvmTask    *self,
              GPtrArray **rest)
{
  GByteArray *joined;

  if (self->more_bytes == NULL)
    return g_bytes_ref (self->bytes);

  if (rest != NULL)
    {
      *rest = g_ptr_array_copy (self->more_bytes, copy_bytes, NULL);
      g_ptr_array_set_free_func (*rest, (GDestroyNotify) g_bytes_unref);
      return g_bytes_ref (self->bytes);
    }

  joined = g_bytes_unref_to_array (g_bytes_ref (self->bytes));
  for (guint i = 0; i < self->more_bytes->len; i++)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (g_ptr_array_index (self->more_bytes, i), &size);

      g_byte_array_append (joined, data, size);
    }
  return g_byte_array_free_to_bytes (joined);
}

GBytes *
tvm_task_encode (TvmTask              *self,
                 const TvmWorkerSpec  *spec,
                 GPtrArray           **rest,
                 GError              **error)
{
  g_return_val_if_fail (TVM_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (self->payload_type != spec->payload_type)
    {
      set_wrong_kind (self, spec->payload_type, error);
      return NULL;
    }

  switch (self->payload_type)
    {
    case TVM_PAYLOAD_TYPE_VARIANT:
      return check_function (self, error) ? encode_variant (self, rest, error) : NULL;
    case TVM_PAYLOAD_TYPE_COMMAND:
      return encode_command (self, spec, error);
    case TVM_PAYLOAD_TYPE_BYTES:
    default:
      return encode_bytes (self, rest);
    }
}
