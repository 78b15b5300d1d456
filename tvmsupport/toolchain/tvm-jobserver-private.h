/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * TvmJobserver: the process's part in the job server of a GNU make (or ninja) above it.
 *
 * https://www.gnu.org/software/make/manual/html_node/POSIX-Jobserver.html: a job may run for each
 * byte that was read from the server, plus one for which the process holds no byte. Every byte goes
 * back as it came. There is one client per process, as the free slot exists once.
 */
typedef struct _TvmJobserver TvmJobserver;

/* The kind of token that a job runs on. */
typedef enum
{
  TVM_JOB_TOKEN_NONE,      /* there is no job server */
  TVM_JOB_TOKEN_IMPLICIT,  /* the one slot that the process has anyway */
  TVM_JOB_TOKEN_BYTE,
} TvmJobTokenKind;

typedef struct
{
  TvmJobTokenKind kind;
  guint8 byte;
} TvmJobToken;

/* NULL if MAKEFLAGS names no job server. @unavailable is set if it names one that this process was
 * not given: GNU make then wants its children to run one job at a time. */
TvmJobserver *tvm_jobserver_get_default (gboolean     *unavailable);

TvmJobserver *tvm_jobserver_new         (const char   *makeflags,
                                         gboolean     *unavailable);
void          tvm_jobserver_free        (TvmJobserver *self);
/* Never blocks. @token is valid if it returns TRUE. */
gboolean      tvm_jobserver_try_acquire (TvmJobserver *self,
                                         TvmJobToken  *token);
void          tvm_jobserver_release     (TvmJobserver *self,
                                         TvmJobToken   token);
/* @makeflags as a tool may have it: without a job server that stands on descriptors, which are not
 * passed on. Returns: (transfer full) */
char         *tvm_jobserver_filter_makeflags (const char *makeflags);
/* Becomes readable when a token can be had */
int           tvm_jobserver_get_fd      (TvmJobserver *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmJobserver, tvm_jobserver_free)

G_END_DECLS
