/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-capture-private.h"

#include <string.h>

/* What a GByteArray can hold, with room for the line between the halves */
#define MAX_LIMIT (G_MAXUINT - 1024)

void
tvm_capture_init (TvmCapture *self,
                  gsize       limit)
{
  limit = MIN (limit, MAX_LIMIT);
  memset (self, 0, sizeof *self);
  self->head_limit = limit - limit / 2;
  self->tail_limit = limit / 2;
  self->head = g_byte_array_new ();
  self->tail = g_byte_array_new ();
}

void
tvm_capture_clear (TvmCapture *self)
{
  g_clear_pointer (&self->head, g_byte_array_unref);
  g_clear_pointer (&self->tail, g_byte_array_unref);
}

static void
append_to_tail (TvmCapture   *self,
                const guint8 *data,
                gsize         length)
{
  gsize n;

  if (self->tail_limit == 0)
    return;

  if (length > self->tail_limit)
    {
      data += length - self->tail_limit;
      length = self->tail_limit;
    }

  n = MIN (length, self->tail_limit - self->tail->len);
  g_byte_array_append (self->tail, data, n);
  data += n;
  length -= n;

  /* The rest takes the place of the oldest. */
  while (length > 0)
    {
      n = MIN (length, self->tail_limit - self->tail_start);
      memcpy (self->tail->data + self->tail_start, data, n);
      self->tail_start = (self->tail_start + n) % self->tail_limit;
      data += n;
      length -= n;
    }
}

void
tvm_capture_append (TvmCapture   *self,
                    const guint8 *data,
                    gsize         length)
{
  gsize n = MIN (length, self->head_limit - self->head->len);

  self->total += length;
  g_byte_array_append (self->head, data, n);
  if (length > n)
    append_to_tail (self, data + n, length - n);
}

gboolean
tvm_capture_is_truncated (const TvmCapture *self)
{
  return self->total > (guint64) self->head->len + self->tail->len;
}

/* The capture can only be cleared afterwards. Returns: (transfer full): what was kept */
GBytes *
tvm_capture_finish (TvmCapture *self)
{
  guint64 left_out = self->total - self->head->len - self->tail->len;
  GByteArray *result = g_steal_pointer (&self->head);

  if (left_out > 0)
    {
      g_autofree char *line = NULL;

      /* Not translated: programs read it too. */
      line = g_strdup_printf ("%s[... %" G_GUINT64_FORMAT " bytes left out ...]\n",
                              result->len > 0 && result->data[result->len - 1] != '\n' ? "\n" : "",
                              left_out);
      g_byte_array_append (result, (const guint8 *) line, strlen (line));
    }

  if (self->tail->len > 0)
    {
      g_byte_array_append (result, self->tail->data + self->tail_start,
                           self->tail->len - self->tail_start);
      g_byte_array_append (result, self->tail->data, self->tail_start);
    }

  return g_byte_array_free_to_bytes (result);
}
