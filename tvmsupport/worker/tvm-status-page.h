/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The memory that a worker shares with the library, of docs/worker-protocol.md: which call has
 * begun, which must not begin any more, and the outbox with short answers. The one implementation
 * for both sides; plain C, as the nursery links no GLib.
 */

#include "tvmsupport/worker/tvm-frame.h"

#define TVM_STATUS_PAGE_SIZE 20480
#define TVM_STATUS_OUTBOX_OFFSET 4096
#define TVM_STATUS_OUTBOX_SIZE (TVM_STATUS_PAGE_SIZE - TVM_STATUS_OUTBOX_OFFSET)

/* The longest payload that travels through the outbox */
#define TVM_STATUS_OUTBOX_PAYLOAD 1024

/* Numbers are little-endian. What one side writes shares no cache line with what the other does. */
typedef struct
{
  uint64_t begun;           /* by the worker: the last call that began */
  uint64_t produced;        /* by the worker: how many bytes it has ever put into the outbox */
  uint64_t busy_nsec;       /* by the worker: how long all answered calls took */
  uint64_t unused[5];
  uint64_t revoked;         /* by the library: calls up to this one that have not begun must not */
  uint64_t consumed;        /* by the library: how many of the bytes it has taken */
} TvmStatusPage;

/* Returns: NULL with errno */
TvmStatusPage *tvm_status_page_map (int fd);
void tvm_status_page_unmap (TvmStatusPage *self);

/* The worker's side */

/* Says that the call begins. Returns: false if it must not, as it was revoked */
bool tvm_status_page_begin (TvmStatusPage *self,
                            uint64_t       id);
/* Says that a call is done that took so long. */
void tvm_status_page_add_busy (TvmStatusPage *self,
                               uint64_t       nsec);
/* Returns: false if it is too large, or there is no room */
bool tvm_status_page_put (TvmStatusPage        *self,
                          const TvmFrameHeader *header,
                          const struct iovec   *parts,
                          unsigned              n_parts);

/* The library's side */

bool tvm_status_page_has_begun (const TvmStatusPage *self,
                                uint64_t             id);
/* Revokes the calls up to @id. Returns: the last one that has begun; those behind it never will. */
uint64_t tvm_status_page_revoke (TvmStatusPage *self,
                                 uint64_t       id);
/* How long the answered calls took, in all */
uint64_t tvm_status_page_get_busy (const TvmStatusPage *self);
/* The frame at @consumed; the worker may write what it likes meanwhile. @payload: (out): has room
 * for TVM_STATUS_OUTBOX_PAYLOAD. Returns: whether there is one; if not, @problem may say why there
 * cannot be one */
bool tvm_status_page_peek (const TvmStatusPage  *self,
                           uint64_t              consumed,
                           TvmFrameHeader       *header,
                           uint8_t              *payload,
                           const char          **problem);
/* Gives the room back to the worker. */
void tvm_status_page_set_consumed (TvmStatusPage *self,
                                   uint64_t       consumed);
