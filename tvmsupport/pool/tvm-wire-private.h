/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-frame.h"

#include <glib.h>

G_BEGIN_DECLS

/*
 * TvmWire: the library's end of a socket on which frames travel, to a worker or to a nursery.
 * Nothing blocks: what does not fit is kept and goes out at the next flush. The owner guards it.
 */
typedef struct
{
  int fd;                   /* (owned); -1 before it was opened */
  guint64 max_length;       /* of the payload of a frame that comes */

  GQueue out;               /* of OutItem */
  guint8 *in;
  gsize in_start;
  gsize in_end;
  gsize in_size;

  TvmFrameHeader header;    /* of the frame whose payload comes now, if @large is not NULL */
  guint8 *large;
  gsize large_got;
  gsize large_size;         /* allocated */
} TvmWire;

typedef enum
{
  TVM_WIRE_DATA,
  TVM_WIRE_AGAIN,           /* nothing is there now */
  TVM_WIRE_END,
} TvmWireStatus;

typedef struct
{
  TvmFrameHeader header;
  const guint8 *data;       /* until the next call */
  GBytes *large;            /* (nullable) (owned): instead of @data, if it was large */
} TvmWireFrame;

void           tvm_wire_init        (TvmWire       *self,
                                     int            fd,
                                     guint64        max_length);
void           tvm_wire_clear       (TvmWire       *self);

/* Queues a frame. */
void           tvm_wire_push        (TvmWire       *self,
                                     TvmFrameKind   kind,
                                     guint16        flags,
                                     guint64        id,
                                     GBytes        *payload);
/* A payload in pieces, of which the large ones of @rest (element-type GBytes) are not copied */
void           tvm_wire_push_split  (TvmWire       *self,
                                     TvmFrameKind   kind,
                                     guint16        flags,
                                     guint64        id,
                                     GBytes        *head,
                                     GPtrArray     *rest);
/* Takes @fds: they are closed when they have been sent. */
void           tvm_wire_push_fds    (TvmWire       *self,
                                     TvmFrameKind   kind,
                                     guint16        flags,
                                     guint64        id,
                                     GBytes        *payload,
                                     int           *fds,
                                     guint          n_fds);
/* Returns: 0, EAGAIN if something is left, or another errno */
int            tvm_wire_flush       (TvmWire       *self);
gboolean       tvm_wire_has_output  (const TvmWire *self);

/* Reads once. */
TvmWireStatus  tvm_wire_fill        (TvmWire       *self);
/* Returns: TRUE with a whole frame. FALSE with @problem, to be translated, set if what came is no
 * frame, NULL if there is none yet */
gboolean       tvm_wire_next        (TvmWire       *self,
                                     TvmWireFrame  *frame,
                                     const char   **problem);

G_END_DECLS
