/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frames without descriptors that are sent as the other side reads them: for who must not wait.
 * Plain C. */

#include "tvmsupport/worker/tvm-frame.h"

/* Zeroed but for @fd */
typedef struct
{
  int fd;                   /* a socket */
  uint8_t *bytes;
  size_t start;             /* of what was not yet sent */
  size_t end;
  size_t capacity;
} TvmFrameQueue;

/* @payload has header.length bytes. Returns: 0 or ENOMEM */
int    tvm_frame_queue_add      (TvmFrameQueue  *self,
                                 TvmFrameHeader  header,
                                 const void     *payload);
/* Sends what can be sent at once. Returns: 0, also if there is a rest, or an errno: nobody is
 * there */
int    tvm_frame_queue_flush    (TvmFrameQueue  *self);
size_t tvm_frame_queue_get_size (const TvmFrameQueue *self);
void   tvm_frame_queue_clear    (TvmFrameQueue  *self);
