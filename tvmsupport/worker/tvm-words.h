/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The words of FORK, and of CALL for a command: see docs/worker-protocol.md. Plain C. */

#include "tvmsupport/process/tvm-target.h"

typedef struct
{
  TvmTarget target;         /* points into the payload; without a program unless there was --argc */
  bool use_stdio;
  char **vector;            /* argv and the environment of @target; kept for the next payload */
  size_t capacity;
} TvmWords;

/* @self: zeroed, or parsed before. Returns: 0 or an errno */
int  tvm_words_parse (TvmWords *self,
                      char     *payload,
                      size_t    length);
void tvm_words_clear (TvmWords *self);
