/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-wire-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)

/* What is read into memory of its own */
#define LARGE_SIZE (16 * 1024)

/* A frame up to this size is copied, to go out with its neighbours in one piece. */
#define COPY_SIZE 4096
#define COPY_ITEM_SIZE (32 * 1024)
#define MAX_VECTORS 16

typedef struct
{
  GByteArray *copied;       /* whole frames, or the header of the one whose payload is @payload */
  GBytes *payload;          /* (nullable) */
  gsize sent;               /* of both */
  int fds[TVM_FRAME_MAX_FDS];   /* (owned): go with the first byte */
  guint n_fds;
} OutItem;

static void
out_item_close_fds (OutItem *item)
{
  for (guint i = 0; i < item->n_fds; i++)
    close (item->fds[i]);
  item->n_fds = 0;
}

static void
out_item_free (gpointer data)
{
  OutItem *item = data;

  out_item_close_fds (item);
  g_byte_array_unref (item->copied);
  g_clear_pointer (&item->payload, g_bytes_unref);
  g_free (item);
}

static gsize
out_item_size (const OutItem *item)
{
  return item->copied->len + (item->payload != NULL ? g_bytes_get_size (item->payload) : 0);
}

void
tvm_wire_init (TvmWire *self,
               int      fd,
               guint64  max_length)
{
  memset (self, 0, sizeof *self);
  self->fd = fd;
  self->max_length = max_length;
  g_queue_init (&self->out);
}

void
tvm_wire_clear (TvmWire *self)
{
  g_queue_clear_full (&self->out, out_item_free);
  g_clear_pointer (&self->in, g_free);
  g_clear_pointer (&self->large, g_free);
  if (self->fd >= 0)
    close (g_steal_fd (&self->fd));
}

static OutItem *
push_item (TvmWire *self)
{
  OutItem *item = g_new0 (OutItem, 1);

  item->copied = g_byte_array_new ();
  g_queue_push_tail (&self->out, item);
  return item;
}

void
tvm_wire_push_fds (TvmWire      *self,
                   TvmFrameKind  kind,
                   guint16       flags,
                   guint64       id,
                   GBytes       *payload,
                   int          *fds,
                   guint         n_fds)
{
  gsize length = 0;
  const guint8 *data = payload != NULL ? g_bytes_get_data (payload, &length) : NULL;
  TvmFrameHeader header = {
    .kind = kind, .flags = flags, .n_fds = n_fds, .id = id, .length = length,
  };
  guint8 encoded[TVM_FRAME_HEADER_SIZE];
  OutItem *item = g_queue_peek_tail (&self->out);

  tvm_frame_encode (&header, encoded);
  if (item == NULL || n_fds > 0 || item->payload != NULL || item->copied->len > COPY_ITEM_SIZE)
    item = push_item (self);

  g_byte_array_append (item->copied, encoded, sizeof encoded);
  memcpy (item->fds, fds, n_fds * sizeof *fds);
  item->n_fds += n_fds;
  if (length > COPY_SIZE)
    item->payload = g_bytes_ref (payload);
  else if (length > 0)
    g_byte_array_append (item->copied, data, length);
}

static void
append_bytes (GByteArray *array,
              GBytes     *bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);

  g_byte_array_append (array, data, length);
}

void
tvm_wire_push_split (TvmWire      *self,
                     TvmFrameKind  kind,
                     guint16       flags,
                     guint64       id,
                     GBytes       *head,
                     GPtrArray    *rest)
{
  TvmFrameHeader header = {
    .kind = kind, .flags = flags, .id = id,
    .length = g_bytes_get_size (head),
  };
  guint8 encoded[TVM_FRAME_HEADER_SIZE];
  OutItem *item = push_item (self);

  for (guint i = 0; i < rest->len; i++)
    header.length += g_bytes_get_size (g_ptr_array_index (rest, i));

  tvm_frame_encode (&header, encoded);
  g_byte_array_append (item->copied, encoded, sizeof encoded);
  append_bytes (item->copied, head);
  for (guint i = 0; i < rest->len; i++)
    {
      GBytes *piece = g_ptr_array_index (rest, i);

      if (item->payload != NULL)
        item = push_item (self);
      if (g_bytes_get_size (piece) > COPY_SIZE)
        item->payload = g_bytes_ref (piece);
      else
        append_bytes (item->copied, piece);
    }
}

void
tvm_wire_push (TvmWire      *self,
               TvmFrameKind  kind,
               guint16       flags,
               guint64       id,
               GBytes       *payload)
{
  int none[1];

  tvm_wire_push_fds (self, kind, flags, id, payload, none, 0);
}

gboolean
tvm_wire_has_output (const TvmWire *self)
{
  return self->out.length > 0;
}

static guint
add_vector (struct iovec *vectors,
            guint         n,
            const void   *data,
            gsize         size,
            gsize        *skip)
{
  gsize skipped = MIN (*skip, size);

  *skip -= skipped;
  if (skipped == size)
    return n;

  vectors[n].iov_base = (guint8 *) data + skipped;
  vectors[n].iov_len = size - skipped;
  return n + 1;
}

/* What can go out at once: up to the next descriptors, which must be with their own frame. */
static guint
collect_vectors (TvmWire      *self,
                 struct iovec  vectors[MAX_VECTORS])
{
  guint n = 0;

  for (GList *link = self->out.head; link != NULL && n + 2 <= MAX_VECTORS; link = link->next)
    {
      OutItem *item = link->data;
      gsize skip = item->sent;

      if (link != self->out.head && item->n_fds > 0)
        break;

      n = add_vector (vectors, n, item->copied->data, item->copied->len, &skip);
      if (item->payload != NULL)
        n = add_vector (vectors, n, g_bytes_get_data (item->payload, NULL),
                        g_bytes_get_size (item->payload), &skip);
    }

  return n;
}

static void
drop_sent (TvmWire *self,
           gsize    n)
{
  OutItem *item = g_queue_peek_head (&self->out);

  /* They went with the first byte. */
  out_item_close_fds (item);

  while (n > 0)
    {
      gsize rest;

      item = g_queue_peek_head (&self->out);
      rest = out_item_size (item) - item->sent;
      if (n < rest)
        {
          item->sent += n;
          return;
        }

      n -= rest;
      out_item_free (g_queue_pop_head (&self->out));
    }
}

static void
attach_fds (struct msghdr *message,
            const OutItem *item)
{
  struct cmsghdr *header;

  message->msg_controllen = CMSG_SPACE (item->n_fds * sizeof (int));
  header = CMSG_FIRSTHDR (message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (item->n_fds * sizeof (int));
  memcpy (CMSG_DATA (header), item->fds, item->n_fds * sizeof (int));
}

int
tvm_wire_flush (TvmWire *self)
{
  while (!g_queue_is_empty (&self->out))
    {
      const OutItem *head = g_queue_peek_head (&self->out);
      struct iovec vectors[MAX_VECTORS];
      union
      {
        char buffer[CMSG_SPACE (TVM_FRAME_MAX_FDS * sizeof (int))];
        struct cmsghdr align;
      } control = { 0 };
      struct msghdr message = { .msg_iov = vectors };
      ssize_t n;

      message.msg_iovlen = collect_vectors (self, vectors);
      if (head->n_fds > 0)
        {
          message.msg_control = control.buffer;
          attach_fds (&message, head);
        }

      n = sendmsg (self->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EWOULDBLOCK ? EAGAIN : errno;
      drop_sent (self, n);
    }

  return 0;
}

static TvmWireStatus
receive (TvmWire *self,
         guint8  *data,
         gsize    size,
         gsize   *n_received)
{
  ssize_t n;

  do
    n = recv (self->fd, data, size, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);

  /* ECONNRESET: it ended without reading what was sent. */
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? TVM_WIRE_AGAIN : TVM_WIRE_END;

  *n_received += n;
  return n == 0 ? TVM_WIRE_END : TVM_WIRE_DATA;
}

/* Returns: FALSE if there is no memory */
static gboolean
grow_large (TvmWire *self)
{
  guint8 *grown;

  if (self->large_got < self->large_size)
    return TRUE;

  grown = tvm_frame_grow (self->large, &self->large_size, self->header.length);
  if (grown == NULL)
    return FALSE;
  self->large = grown;
  return TRUE;
}

TvmWireStatus
tvm_wire_fill (TvmWire *self)
{
  if (self->large != NULL)
    {
      if (!grow_large (self))
        return TVM_WIRE_END;
      return receive (self, self->large + self->large_got, self->large_size - self->large_got,
                      &self->large_got);
    }

  if (self->in == NULL)
    {
      self->in_size = READ_SIZE;
      self->in = g_malloc (self->in_size);
    }
  if (self->in_start > 0)
    {
      memmove (self->in, self->in + self->in_start, self->in_end - self->in_start);
      self->in_end -= self->in_start;
      self->in_start = 0;
    }

  return receive (self, self->in + self->in_end, self->in_size - self->in_end, &self->in_end);
}

static gboolean
take_large (TvmWire      *self,
            TvmWireFrame *frame)
{
  if (self->large_got < self->header.length)
    return FALSE;

  frame->header = self->header;
  frame->data = NULL;
  frame->large = g_bytes_new_take (g_steal_pointer (&self->large), self->large_got);
  return TRUE;
}

static gboolean
begin_large (TvmWire               *self,
             const TvmFrameHeader  *header,
             gsize                  available,
             const char           **problem)
{
  self->header = *header;
  self->large_size = 0;
  self->large_got = 0;
  if (!grow_large (self))
    {
      *problem = N_("a frame that there is no memory for");
      return FALSE;
    }

  self->large_got = MIN (available, self->large_size);
  memcpy (self->large, self->in + self->in_start + TVM_FRAME_HEADER_SIZE, self->large_got);
  self->in_start += TVM_FRAME_HEADER_SIZE + self->large_got;
  return TRUE;
}

gboolean
tvm_wire_next (TvmWire       *self,
               TvmWireFrame  *frame,
               const char   **problem)
{
  gsize available = self->in_end - self->in_start;
  TvmFrameHeader header;

  *problem = NULL;
  frame->large = NULL;
  if (self->large != NULL)
    return take_large (self, frame);
  if (available < TVM_FRAME_HEADER_SIZE)
    return FALSE;

  *problem = tvm_frame_decode (&header, self->in + self->in_start, self->max_length);
  if (*problem != NULL)
    return FALSE;

  available -= TVM_FRAME_HEADER_SIZE;
  if (header.length > LARGE_SIZE)
    return begin_large (self, &header, available, problem) && take_large (self, frame);
  if (available < header.length)
    return FALSE;

  frame->header = header;
  frame->data = self->in + self->in_start + TVM_FRAME_HEADER_SIZE;
  self->in_start += TVM_FRAME_HEADER_SIZE + header.length;
  return TRUE;
}
