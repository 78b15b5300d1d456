/* SPDX-License-Identifier: Apache-2.0 */

#include "tvmsupport/worker/tvm-status-page.h"

#include <endian.h>
#include <string.h>
#include <sys/mman.h>

/* For xgettext: whoever shows a problem to people translates it. */
#define N_(text) text

TvmStatusPage *
tvm_status_page_map (int fd)
{
  void *page = mmap (NULL, TVM_STATUS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  return page != MAP_FAILED ? page : NULL;
}

void
tvm_status_page_unmap (TvmStatusPage *self)
{
  munmap (self, TVM_STATUS_PAGE_SIZE);
}

static uint64_t
load (const uint64_t *field)
{
  return le64toh (__atomic_load_n (field, __ATOMIC_ACQUIRE));
}

static void
store (uint64_t *field,
       uint64_t  value)
{
  __atomic_store_n (field, htole64 (value), __ATOMIC_RELEASE);
}

/* Each side first writes its own word and then reads that of the other, with a full barrier
 * between: at least one of them sees both. */
bool
tvm_status_page_begin (TvmStatusPage *self,
                       uint64_t       id)
{
  store (&self->begun, id);
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return load (&self->revoked) < id;
}

uint64_t
tvm_status_page_revoke (TvmStatusPage *self,
                        uint64_t       id)
{
  store (&self->revoked, id);
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return load (&self->begun);
}

void
tvm_status_page_add_busy (TvmStatusPage *self,
                          uint64_t       nsec)
{
  store (&self->busy_nsec, load (&self->busy_nsec) + nsec);
}

uint64_t
tvm_status_page_get_busy (const TvmStatusPage *self)
{
  return load (&self->busy_nsec);
}

bool
tvm_status_page_has_begun (const TvmStatusPage *self,
                           uint64_t             id)
{
  return load (&self->begun) >= id;
}

/* Returns: where the bytes from @position on are, with how many of @size lie before the wrap */
static uint8_t *
locate (const TvmStatusPage *self,
        uint64_t             position,
        size_t               size,
        size_t              *n_first)
{
  size_t offset = position % TVM_STATUS_OUTBOX_SIZE;

  *n_first = size < TVM_STATUS_OUTBOX_SIZE - offset ? size : TVM_STATUS_OUTBOX_SIZE - offset;
  return (uint8_t *) self + TVM_STATUS_OUTBOX_OFFSET + offset;
}

static uint64_t
write_at (TvmStatusPage *self,
          uint64_t       position,
          const void    *data,
          size_t         size)
{
  size_t n_first;
  uint8_t *place = locate (self, position, size, &n_first);

  /* No bytes may have no address, which memcpy() does not like. */
  if (size == 0)
    return position;

  memcpy (place, data, n_first);
  if (n_first < size)
    memcpy ((uint8_t *) self + TVM_STATUS_OUTBOX_OFFSET, (const uint8_t *) data + n_first,
            size - n_first);
  return position + size;
}

static void
read_at (const TvmStatusPage *self,
         uint64_t             position,
         void                *data,
         size_t               size)
{
  size_t n_first;
  const uint8_t *place = locate (self, position, size, &n_first);

  if (size == 0)
    return;

  memcpy (data, place, n_first);
  if (n_first < size)
    memcpy ((uint8_t *) data + n_first, (const uint8_t *) self + TVM_STATUS_OUTBOX_OFFSET,
            size - n_first);
}

bool
tvm_status_page_put (TvmStatusPage        *self,
                     const TvmFrameHeader *header,
                     const struct iovec   *parts,
                     unsigned              n_parts)
{
  uint64_t position = load (&self->produced);
  uint64_t used = position - load (&self->consumed);
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  if (header->length > TVM_STATUS_OUTBOX_PAYLOAD || used > TVM_STATUS_OUTBOX_SIZE
      || TVM_STATUS_OUTBOX_SIZE - used < sizeof bytes + header->length)
    return false;

  tvm_frame_encode (header, bytes);
  position = write_at (self, position, bytes, sizeof bytes);
  for (unsigned i = 0; i < n_parts; i++)
    position = write_at (self, position, parts[i].iov_base, parts[i].iov_len);

  store (&self->produced, position);
  return true;
}

bool
tvm_status_page_peek (const TvmStatusPage  *self,
                      uint64_t              consumed,
                      TvmFrameHeader       *header,
                      uint8_t              *payload,
                      const char          **problem)
{
  uint64_t available = load (&self->produced) - consumed;
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  *problem = NULL;
  if (available == 0)
    return false;

  if (available > TVM_STATUS_OUTBOX_SIZE || available < sizeof bytes)
    *problem = N_("an outbox that holds no whole frame");
  else
    {
      read_at (self, consumed, bytes, sizeof bytes);
      *problem = tvm_frame_decode (header, bytes, TVM_STATUS_OUTBOX_PAYLOAD);
      /* That does not limit every kind. */
      if (*problem == NULL && header->length > TVM_STATUS_OUTBOX_PAYLOAD)
        *problem = N_("a frame that is too long");
      if (*problem == NULL && header->length > available - sizeof bytes)
        *problem = N_("an outbox that holds no whole frame");
    }

  if (*problem != NULL)
    return false;

  read_at (self, consumed + sizeof bytes, payload, (size_t) header->length);
  return true;
}

void
tvm_status_page_set_consumed (TvmStatusPage *self,
                              uint64_t       consumed)
{
  store (&self->consumed, consumed);
}
