/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * TvmCapture: keeps the first and the last half of a stream of unknown length.
 *
 * It takes memory only for what came.
 */
typedef struct
{
  gsize head_limit;
  gsize tail_limit;
  GByteArray *head;
  GByteArray *tail;     /* a ring once it is full */
  gsize tail_start;     /* of the oldest byte in it */
  guint64 total;        /* bytes that came */
} TvmCapture;

void    tvm_capture_init   (TvmCapture   *self,
                            gsize         limit);
void    tvm_capture_clear  (TvmCapture   *self);
void    tvm_capture_append (TvmCapture   *self,
                            const guint8 *data,
                            gsize         length);
/* Whether something was left out */
gboolean tvm_capture_is_truncated (const TvmCapture *self);
GBytes *tvm_capture_finish (TvmCapture   *self);

G_END_DECLS
