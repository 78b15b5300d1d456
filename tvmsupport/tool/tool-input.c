/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-input.h"

#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

struct _ToolInput
{
  char **words;           /* (nullable) (unowned) */
  guint n_words;
  guint next_word;

  GInputStream *stream;   /* (nullable) (owned) */
  char separator;
  GByteArray *buffer;     /* (owned): what was read */
  guint start;            /* of what was not popped yet */
  guint scanned;          /* there is no separator before it */
  gboolean ended;
};

ToolInput *
tool_input_new (char **words,
                char   separator)
{
  ToolInput *self = g_new0 (ToolInput, 1);

  self->buffer = g_byte_array_new ();
  self->separator = separator;
  if (words != NULL)
    {
      self->words = words;
      self->n_words = g_strv_length (words);
      self->ended = TRUE;
    }
  else
    {
      self->stream = g_unix_input_stream_new (STDIN_FILENO, FALSE);
    }

  return self;
}

void
tool_input_free (ToolInput *self)
{
  g_clear_object (&self->stream);
  g_byte_array_unref (self->buffer);
  g_free (self);
}

guint
tool_input_get_total (ToolInput *self)
{
  return self->n_words;
}

char *
tool_input_pop (ToolInput *self)
{
  const char *data = (const char *) self->buffer->data;
  const char *end = NULL;
  char *input = NULL;

  if (self->next_word < self->n_words)
    return g_strdup (self->words[self->next_word++]);

  if (self->scanned < self->buffer->len)
    end = memchr (data + self->scanned, self->separator, self->buffer->len - self->scanned);
  if (end != NULL)
    {
      input = g_strndup (data + self->start, (gsize) (end - data) - self->start);
      self->start = self->scanned = (guint) (end - data) + 1;
      return input;
    }

  self->scanned = self->buffer->len;
  if (!self->ended || self->start == self->buffer->len)
    return NULL;

  /* The last one need not be ended. */
  input = g_strndup (data + self->start, self->buffer->len - self->start);
  self->start = self->buffer->len;
  return input;
}

gboolean
tool_input_is_at_end (ToolInput *self)
{
  return self->ended && self->next_word == self->n_words && self->start == self->buffer->len;
}

/* A program cannot be given a word with a zero byte in it. */
static gboolean
check_chunk (ToolInput  *self,
             GBytes     *chunk,
             GError    **error)
{
  gsize size = 0;
  const char *data = g_bytes_get_data (chunk, &size);

  if (self->separator == '\0' || size == 0 || memchr (data, '\0', size) == NULL)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       _("The standard input has a zero byte; with -0, those end the inputs"));
  return FALSE;
}

static void
chunk_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  ToolInput *self = g_task_get_task_data (task);
  g_autoptr (GBytes) chunk = NULL;
  GError *error = NULL;

  chunk = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  if (chunk == NULL || !check_chunk (self, chunk, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  g_byte_array_remove_range (self->buffer, 0, self->start);
  self->scanned -= self->start;
  self->start = 0;
  g_byte_array_append (self->buffer, g_bytes_get_data (chunk, NULL),
                       (guint) g_bytes_get_size (chunk));
  self->ended = g_bytes_get_size (chunk) == 0;
  g_task_return_boolean (task, TRUE);
}

void
tool_input_read_async (ToolInput           *self,
                       GCancellable        *cancellable,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, tool_input_read_async);
  g_task_set_task_data (task, self, NULL);
  g_input_stream_read_bytes_async (self->stream, CHUNK, G_PRIORITY_DEFAULT, cancellable,
                                   chunk_ready, task);
}

gboolean
tool_input_read_finish (ToolInput     *self,
                        GAsyncResult  *result,
                        GError       **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
