/* SPDX-License-Identifier: Apache-2.0 */

#include "tvmsupport/worker/tvm-frame-queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool
reserve (TvmFrameQueue *self,
         size_t         size)
{
  size_t capacity;
  uint8_t *bytes;

  if (self->end + size <= self->capacity)
    return true;

  if (self->start > 0)
    {
      memmove (self->bytes, self->bytes + self->start, self->end - self->start);
      self->end -= self->start;
      self->start = 0;
    }
  if (self->end + size <= self->capacity)
    return true;

  capacity = (self->capacity + size) * 2;
  bytes = realloc (self->bytes, capacity);
  if (bytes == NULL)
    return false;

  self->bytes = bytes;
  self->capacity = capacity;
  return true;
}

int
tvm_frame_queue_add (TvmFrameQueue  *self,
                     TvmFrameHeader  header,
                     const void     *payload)
{
  size_t length = (size_t) header.length;

  if (!reserve (self, TVM_FRAME_HEADER_SIZE + length))
    return ENOMEM;

  tvm_frame_encode (&header, self->bytes + self->end);
  self->end += TVM_FRAME_HEADER_SIZE;
  if (length > 0)
    memcpy (self->bytes + self->end, payload, length);
  self->end += length;
  return 0;
}

int
tvm_frame_queue_flush (TvmFrameQueue *self)
{
  while (self->start < self->end)
    {
      ssize_t n = send (self->fd, self->bytes + self->start, self->end - self->start,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n >= 0)
        self->start += (size_t) n;
      else if (errno == EAGAIN)
        return 0;
      else if (errno != EINTR)
        return errno;
    }

  self->start = self->end = 0;
  return 0;
}

size_t
tvm_frame_queue_get_size (const TvmFrameQueue *self)
{
  return self->end - self->start;
}

void
tvm_frame_queue_clear (TvmFrameQueue *self)
{
  free (self->bytes);
  self->bytes = NULL;
  self->start = self->end = self->capacity = 0;
}
