/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Frames on a stream. A reader takes in as much as its buffer holds, so that the small frames of
 * busy peers cost one system call for many; a payload that is larger goes from the kernel into its
 * own memory, which grows with what has really come: a header alone makes nobody allocate.
 *
 * Descriptors come with the bytes of the first header behind them, but the kernel does not say with
 * which. It never puts those of two messages into one answer, though, and keeps their order, so
 * that a queue and the counts in the headers tell whose they are.
 */

#include "tvmsupport/worker/tvm-frame.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Translated by who tells somebody: this is also part of programs without GLib. */
#define N_(text) text

#define BUFFER_SIZE (64 * 1024)

/* The first piece of a large payload, which takes memory only where it is written; then it
 * doubles. */
#define FIRST_PIECE ((size_t) 32 * 1024 * 1024)

/* What is worth to be asked for in large pages */
#define HUGE_SIZE ((size_t) 4 * 1024 * 1024)

#define KNOWN_FLAGS (TVM_FRAME_FLAG_MAY_CANCEL | TVM_FRAME_FLAG_HAS_STDIN | TVM_FRAME_FLAG_WORN)

typedef union
{
  char buffer[CMSG_SPACE (TVM_FRAME_MAX_FDS * sizeof (int))];
  struct cmsghdr align;
} Control;

static void
put_number (uint8_t  *bytes,
            unsigned  n_bytes,
            uint64_t  number)
{
  for (unsigned i = 0; i < n_bytes; i++)
    bytes[i] = (uint8_t) (number >> (8 * i));
}

static uint64_t
get_number (const uint8_t *bytes,
            unsigned       n_bytes)
{
  uint64_t number = 0;

  for (unsigned i = 0; i < n_bytes; i++)
    number |= (uint64_t) bytes[i] << (8 * i);
  return number;
}

void
tvm_frame_encode (const TvmFrameHeader *header,
                  uint8_t               bytes[TVM_FRAME_HEADER_SIZE])
{
  memset (bytes, 0, TVM_FRAME_HEADER_SIZE);
  put_number (bytes, 4, TVM_FRAME_MAGIC);
  bytes[4] = TVM_FRAME_VERSION;
  bytes[5] = header->kind;
  put_number (bytes + 6, 2, header->flags);
  put_number (bytes + 8, 8, header->id);
  put_number (bytes + 16, 8, header->length);
  put_number (bytes + 24, 2, header->n_fds);
}

/* @max_length: of what a runtime encodes. Returns: the longest payload of @kind, -1 for one that there
 * is not */
static int64_t
get_max_length (uint8_t  kind,
                uint64_t max_length)
{
  if (max_length > INT64_MAX)
    max_length = INT64_MAX;

  switch ((TvmFrameKind) kind)
    {
    case TVM_FRAME_INIT:
    case TVM_FRAME_CALL:
    case TVM_FRAME_RESULT:
    case TVM_FRAME_ERROR:
      return (int64_t) max_length;

    case TVM_FRAME_HELLO:
    case TVM_FRAME_SETUP:
    case TVM_FRAME_FORK:
    case TVM_FRAME_FORKED:
    case TVM_FRAME_EXITED:
      return TVM_FRAME_MAX_CONTROL;

    case TVM_FRAME_BEGUN:
    case TVM_FRAME_CANCEL:
    case TVM_FRAME_REVOKED:
    case TVM_FRAME_KILL:
      return 0;
    }

  return -1;
}

const char *
tvm_frame_decode (TvmFrameHeader *header,
                  const uint8_t   bytes[TVM_FRAME_HEADER_SIZE],
                  uint64_t        max_length)
{
  int64_t limit;

  if (get_number (bytes, 4) != TVM_FRAME_MAGIC)
    return N_("this is no frame");
  if (bytes[4] != TVM_FRAME_VERSION)
    return N_("a frame of another version of the protocol");

  header->kind = bytes[5];
  header->flags = (uint16_t) get_number (bytes + 6, 2);
  header->id = get_number (bytes + 8, 8);
  header->length = get_number (bytes + 16, 8);
  header->n_fds = (uint16_t) get_number (bytes + 24, 2);

  limit = get_max_length (header->kind, max_length);
  if (limit < 0)
    return N_("a frame of an unknown kind");
  if ((header->flags & ~KNOWN_FLAGS) != 0)
    return N_("a frame with unknown flags");
  if (get_number (bytes + 26, 6) != 0)
    return N_("a frame with something where nothing may be");
  if (header->n_fds > TVM_FRAME_MAX_FDS)
    return N_("a frame with too many descriptors");
  if (header->length > (uint64_t) limit || header->length > SIZE_MAX)
    return N_("a frame that is too long");
  return NULL;
}

/* Returns: bytes written, or -1 with errno */
static ssize_t
write_some (int                  fd,
            const struct msghdr *message)
{
  ssize_t n = sendmsg (fd, message, MSG_NOSIGNAL);

  if (n < 0 && errno == ENOTSOCK)
    n = message->msg_controllen == 0 ? writev (fd, message->msg_iov, (int) message->msg_iovlen)
                                     : -1;
  return n;
}

static void
add_descriptors (struct msghdr *message,
                 Control       *control,
                 const int     *fds,
                 unsigned       n_fds)
{
  struct cmsghdr *header;

  memset (control, 0, sizeof *control);
  message->msg_control = control->buffer;
  message->msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
  header = CMSG_FIRSTHDR (message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
  memcpy (CMSG_DATA (header), fds, n_fds * sizeof (int));
}

/* Takes @n written bytes away from the front of @message. */
static void
advance (struct msghdr *message,
         size_t         n)
{
  /* They travelled with the first byte. */
  message->msg_control = NULL;
  message->msg_controllen = 0;

  while (message->msg_iovlen > 0 && n >= message->msg_iov->iov_len)
    {
      n -= message->msg_iov->iov_len;
      message->msg_iov++;
      message->msg_iovlen--;
    }

  if (message->msg_iovlen > 0)
    {
      message->msg_iov->iov_base = (char *) message->msg_iov->iov_base + n;
      message->msg_iov->iov_len -= n;
    }
}

int
tvm_frame_write_parts (int                 fd,
                       TvmFrameHeader      header,
                       const struct iovec *parts,
                       unsigned            n_parts,
                       const int          *fds)
{
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];
  struct iovec vectors[1 + TVM_FRAME_MAX_PARTS] = { { bytes, sizeof bytes } };
  struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 1 + n_parts };
  Control control;

  if (header.n_fds > TVM_FRAME_MAX_FDS || n_parts > TVM_FRAME_MAX_PARTS)
    return EINVAL;

  header.length = 0;
  for (unsigned i = 0; i < n_parts; i++)
    {
      vectors[1 + i] = parts[i];
      header.length += parts[i].iov_len;
    }

  tvm_frame_encode (&header, bytes);
  if (header.n_fds > 0)
    add_descriptors (&message, &control, fds, header.n_fds);

  while (message.msg_iovlen > 0)
    {
      struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
      ssize_t n = write_some (fd, &message);

      if (n >= 0)
        advance (&message, (size_t) n);
      else if (errno == EAGAIN)
        poll (&poll_fd, 1, -1);
      else if (errno == ECONNRESET || errno == ENOTCONN)
        return EPIPE;
      else if (errno != EINTR)
        return errno;
    }

  return 0;
}

int
tvm_frame_write (int             fd,
                 TvmFrameHeader  header,
                 const void     *payload,
                 const int      *fds)
{
  struct iovec part = { (void *) payload, (size_t) header.length };

  if (header.length > SIZE_MAX)
    return EINVAL;

  return tvm_frame_write_parts (fd, header, &part, header.length > 0 ? 1 : 0, fds);
}

char *
tvm_frame_put_setting (char       *end,
                       const char *limit,
                       const char *name,
                       const char *value)
{
  size_t name_length = strlen (name);
  size_t size = strlen (value) + 1;

  if (end == NULL || (size_t) (limit - end) < name_length + 1 + size)
    return NULL;

  memcpy (end, name, name_length);
  end[name_length] = '=';
  memcpy (end + name_length + 1, value, size);
  return end + name_length + 1 + size;
}

char *
tvm_frame_put_number (char       *end,
                      const char *limit,
                      const char *name,
                      long long   value)
{
  char text[24];

  snprintf (text, sizeof text, "%lld", value);
  return tvm_frame_put_setting (end, limit, name, text);
}

const char *
tvm_frame_get_setting (const char *payload,
                       size_t      length,
                       const char *name)
{
  size_t name_length = strlen (name);
  const char *limit = payload + length;

  if (length == 0 || payload[length - 1] != '\0')
    return NULL;

  for (const char *text = payload; text < limit; text += strlen (text) + 1)
    if (strncmp (text, name, name_length) == 0 && text[name_length] == '=')
      return text + name_length + 1;

  return NULL;
}

bool
tvm_frame_get_number (const char *payload,
                      size_t      length,
                      const char *name,
                      long long  *value)
{
  const char *text = tvm_frame_get_setting (payload, length, name);
  long long number;
  char *end;

  /* Not the spaces and the plus that strtoll() takes too */
  if (text == NULL || !(*text == '-' || (*text >= '0' && *text <= '9')))
    return false;

  errno = 0;
  number = strtoll (text, &end, 10);
  if (errno != 0 || end == text || *end != '\0')
    return false;

  *value = number;
  return true;
}

/* Puts what came with @message into the queue. Returns: what is wrong, or NULL */
static const char *
take_descriptors (TvmFrameReader *self,
                  struct msghdr  *message)
{
  unsigned n_new = 0;

  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL;
       header = CMSG_NXTHDR (message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      {
        n_new = (unsigned) ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
        memcpy (self->fds + self->n_fds, CMSG_DATA (header), n_new * sizeof (int));
        self->n_fds += n_new;
      }

  if ((message->msg_flags & MSG_CTRUNC) == 0)
    return NULL;
  if (n_new >= TVM_FRAME_MAX_FDS)
    return "too many descriptors at once";

  /* This process has no room for more of them. */
  self->fds[self->n_fds++] = -1;
  return NULL;
}

/* Reads into the free part of the buffer. Returns: bytes, 0 at the end, -1 with errno or
 * @problem */
static ssize_t
fill_buffer (TvmFrameReader  *self,
             const char     **problem)
{
  Control control;
  struct iovec vector = { self->buffer + self->end, self->capacity - self->end };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
  ssize_t n;

  /* The next ones might not find a place, and all that belong to frames that have begun are
   * there. */
  if (self->n_fds > TVM_FRAME_MAX_FDS + 1)
    {
      *problem = N_("descriptors that belong to no frame");
      return -1;
    }

  do
    {
      message.msg_control = control.buffer;
      message.msg_controllen = sizeof control.buffer;
      n = self->is_socket ? recvmsg (self->fd, &message, MSG_CMSG_CLOEXEC)
                          : read (self->fd, vector.iov_base, vector.iov_len);
    }
  while (n < 0 && errno == EINTR);

  if (n <= 0 || !self->is_socket)
    return n;

  *problem = take_descriptors (self, &message);
  return *problem == NULL ? n : -1;
}

static bool
reader_start (TvmFrameReader *self)
{
  socklen_t size = sizeof (int);
  int type;

  if (self->buffer != NULL)
    return true;

  self->is_socket = getsockopt (self->fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  self->capacity = BUFFER_SIZE;
  self->buffer = malloc (self->capacity);
  return self->buffer != NULL;
}

/* What read() or fill_buffer() said, when it was no data */
static TvmFrameReadStatus
no_data (TvmFrameReader  *self,
         ssize_t          n,
         const char     **problem)
{
  if (n < 0 && *problem != NULL)
    return TVM_FRAME_READ_BROKEN;
  if (n < 0 && errno == EAGAIN)
    return TVM_FRAME_READ_AGAIN;

  /* The other side has ended without having read all. */
  if (n < 0 && errno != ECONNRESET)
    return TVM_FRAME_READ_ERROR;

  if (self->start == self->end && !self->in_large)
    return TVM_FRAME_READ_END;

  *problem = N_("the stream ended within a frame");
  return TVM_FRAME_READ_BROKEN;
}

/* Makes the buffer hold @size bytes, which it can, from its start. */
static TvmFrameReadStatus
need_bytes (TvmFrameReader  *self,
            size_t           size,
            const char     **problem)
{
  while (self->end - self->start < size)
    {
      ssize_t n;

      if (self->start == self->end)
        self->start = self->end = 0;
      else if (self->start + size > self->capacity)
        {
          memmove (self->buffer, self->buffer + self->start, self->end - self->start);
          self->end -= self->start;
          self->start = 0;
        }

      n = fill_buffer (self, problem);
      if (n <= 0)
        return no_data (self, n, problem);
      self->end += (size_t) n;
    }

  return TVM_FRAME_READ_OK;
}

void *
tvm_frame_grow (void   *memory,
                size_t *size,
                size_t  length)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE);
  size_t wanted = *size == 0 ? FIRST_PIECE : *size * 2;
  uint8_t *grown;

  if (wanted > length || wanted < *size)
    wanted = length;

  grown = realloc (memory, wanted);
  if (grown == NULL)
    return NULL;

  /* Otherwise most of the time would go into getting it page by page. Whole pages, so that the
   * mapping stays in one piece: else it would be copied when it grows. */
  if (wanted >= HUGE_SIZE)
    {
      uintptr_t start = (uintptr_t) grown & ~(page - 1);
      uintptr_t end = ((uintptr_t) grown + wanted + page - 1) & ~(page - 1);

      madvise ((void *) start, end - start, MADV_HUGEPAGE);
    }

  *size = wanted;
  return grown;
}

static bool
grow_large (TvmFrameReader *self)
{
  uint8_t *large;

  if (self->large_end < self->large_capacity)
    return true;

  large = tvm_frame_grow (self->large, &self->large_capacity, (size_t) self->large_header.length);
  if (large == NULL)
    return false;

  self->large = large;
  return true;
}

/* Moves the part that is in the buffer already. */
static bool
begin_large (TvmFrameReader       *self,
             const TvmFrameHeader *header)
{
  size_t n = self->end - self->start - TVM_FRAME_HEADER_SIZE;

  self->large_header = *header;
  if (!grow_large (self))
    return false;

  memcpy (self->large, self->buffer + self->start + TVM_FRAME_HEADER_SIZE, n);
  self->large_end = n;
  self->start = self->end = 0;
  self->in_large = true;
  return true;
}

static TvmFrameReadStatus
read_large (TvmFrameReader  *self,
            const char     **problem)
{
  while (self->large_end < self->large_header.length)
    {
      ssize_t n;

      if (!grow_large (self))
        {
          errno = ENOMEM;
          return TVM_FRAME_READ_ERROR;
        }

      do
        n = read (self->fd, self->large + self->large_end,
                  self->large_capacity - self->large_end);
      while (n < 0 && errno == EINTR);

      if (n <= 0)
        return no_data (self, n, problem);
      self->large_end += (size_t) n;
    }

  self->in_large = false;
  return TVM_FRAME_READ_OK;
}

static void
drop_large (TvmFrameReader *self)
{
  free (self->large);
  self->large = NULL;
  self->large_capacity = self->large_end = 0;
}

static void
close_descriptors (const int *fds,
                   unsigned   n_fds)
{
  for (unsigned i = 0; i < n_fds; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

/* Takes those of one frame out of the queue. Returns: OK, or ERROR with EMFILE, or BROKEN */
static TvmFrameReadStatus
give_descriptors (TvmFrameReader  *self,
                  unsigned         n_fds,
                  int              fds[TVM_FRAME_MAX_FDS],
                  const char     **problem)
{
  TvmFrameReadStatus status = TVM_FRAME_READ_OK;
  unsigned n = 0;

  while (n < n_fds && n < self->n_fds && self->fds[n] >= 0)
    n++;

  if (n < n_fds && n == self->n_fds)
    {
      *problem = N_("a frame without its descriptors");
      return TVM_FRAME_READ_BROKEN;
    }

  if (n < n_fds)
    {
      close_descriptors (self->fds, n);
      n++;
      errno = EMFILE;
      status = TVM_FRAME_READ_ERROR;
    }
  else
    memcpy (fds, self->fds, n * sizeof (int));

  self->n_fds -= n;
  memmove (self->fds, self->fds + n, self->n_fds * sizeof (int));
  return status;
}

/* A frame that is not large, or the start of one that is */
static TvmFrameReadStatus
read_small (TvmFrameReader  *self,
            uint64_t         max_length,
            TvmFrameHeader  *header,
            void           **payload,
            const char     **problem)
{
  TvmFrameReadStatus status = need_bytes (self, TVM_FRAME_HEADER_SIZE, problem);

  if (status != TVM_FRAME_READ_OK)
    return status;

  *problem = tvm_frame_decode (header, self->buffer + self->start, max_length);
  if (*problem != NULL)
    return TVM_FRAME_READ_BROKEN;

  if (header->length > self->capacity - TVM_FRAME_HEADER_SIZE)
    {
      if (begin_large (self, header))
        return TVM_FRAME_READ_OK;

      errno = ENOMEM;
      return TVM_FRAME_READ_ERROR;
    }

  status = need_bytes (self, TVM_FRAME_HEADER_SIZE + (size_t) header->length, problem);
  if (status != TVM_FRAME_READ_OK)
    return status;

  *payload = self->buffer + self->start + TVM_FRAME_HEADER_SIZE;
  self->start += TVM_FRAME_HEADER_SIZE + (size_t) header->length;
  return TVM_FRAME_READ_OK;
}

TvmFrameReadStatus
tvm_frame_read (TvmFrameReader  *self,
                uint64_t         max_length,
                TvmFrameHeader  *header,
                void           **payload,
                int              fds[TVM_FRAME_MAX_FDS],
                const char     **problem)
{
  TvmFrameReadStatus status;

  *payload = NULL;
  *problem = NULL;
  if (!reader_start (self))
    {
      errno = ENOMEM;
      return TVM_FRAME_READ_ERROR;
    }

  if (!self->in_large)
    {
      drop_large (self);
      status = read_small (self, max_length, header, payload, problem);
      if (status != TVM_FRAME_READ_OK)
        return status;
    }

  if (self->in_large)
    {
      status = read_large (self, problem);
      if (status != TVM_FRAME_READ_OK)
        return status;

      *header = self->large_header;
      *payload = self->large;
    }

  return give_descriptors (self, header->n_fds, fds, problem);
}

void *
tvm_frame_reader_steal (TvmFrameReader       *self,
                        const TvmFrameHeader *header,
                        void                 *payload)
{
  void *copy;

  if (payload == self->large && payload != NULL)
    {
      self->large = NULL;
      self->large_capacity = self->large_end = 0;
      return payload;
    }

  copy = malloc (header->length > 0 ? (size_t) header->length : 1);
  if (copy != NULL && header->length > 0)
    memcpy (copy, payload, (size_t) header->length);
  return copy;
}

int
tvm_frame_reader_peek_kind (const TvmFrameReader *self)
{
  size_t available = self->end - self->start;
  TvmFrameHeader header;

  if (self->in_large || available < TVM_FRAME_HEADER_SIZE
      || tvm_frame_decode (&header, self->buffer + self->start, UINT64_MAX) != NULL
      || header.length > available - TVM_FRAME_HEADER_SIZE)
    return 0;

  return header.kind;
}

void
tvm_frame_reader_clear (TvmFrameReader *self)
{
  close_descriptors (self->fds, self->n_fds);
  self->n_fds = 0;
  drop_large (self);
  self->in_large = false;
  free (self->buffer);
  self->buffer = NULL;
  self->start = self->end = 0;
}
