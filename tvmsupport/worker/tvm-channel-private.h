/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-frame.h"

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/*
 * The worker's end of its connection: what TvmWorkerChannel and the worker of C functions share. It
 * needs GLib only, and registers no type: the program tvmsupport-worker has it inside, next to a
 * libtvmsupport that a module may bring along.
 */
typedef struct _TvmChannel TvmChannel;

/* G_IO_ERROR, without GIO */
#define TVM_CHANNEL_IO_ERROR (g_quark_from_static_string ("g-io-error-quark"))

/* What a call that may be cancelled gets, a GCancellable; see tvm-worker-main.c why not by name. */
typedef struct
{
  gpointer (*create) (void);
  void     (*unref)  (gpointer cancellable);
  void     (*cancel) (gpointer cancellable);
} TvmCancellableFuncs;

/* An INIT or CALL that was begun and is not yet answered */
typedef struct
{
  guint64 id;
  gboolean is_initializer;
  gboolean may_cancel;
  GBytes *payload;          /* (owned) */
  gpointer cancellable;     /* (nullable): if @may_cancel, and until the next one is asked for */
} TvmChannelCall;

void tvm_channel_call_clear (TvmChannelCall *call);

typedef enum
{
  TVM_CHANNEL_SETUP,        /* comes once, before the first call; see tvm_channel_get_settings() */
  TVM_CHANNEL_CALL,
  TVM_CHANNEL_END,          /* nobody needs this worker any more */
  TVM_CHANNEL_FAILED,       /* with the error */
} TvmChannelEvent;

/* What a worker is told by the last word of its command line */
typedef enum
{
  TVM_WORKER_ROLE_NONE,
  TVM_WORKER_ROLE_FD,
  TVM_WORKER_ROLE_STDIO,
  TVM_WORKER_ROLE_NURSERY,
  TVM_WORKER_ROLE_UNKNOWN,
} TvmWorkerRole;

TvmWorkerRole tvm_worker_role_parse (const char *word);

/* For FD and STDIO. Sends HELLO. @funcs: (nullable): static; without them no call can be cancelled.
 * Returns: NULL with @error, G_IO_ERROR_BROKEN_PIPE if there is nobody any more */
TvmChannel *tvm_channel_open (TvmWorkerRole               role,
                              const char                 *program,
                              const char                 *payload_type,
                              const TvmCancellableFuncs  *funcs,
                              GError                    **error);
void        tvm_channel_free (TvmChannel *self);

/* Blocks. @call: (out): set for CALL, and to be cleared */
TvmChannelEvent tvm_channel_next (TvmChannel      *self,
                                  TvmChannelCall  *call,
                                  GError         **error);

/* Returns: (nullable): each "NAME=VALUE", NULL before SETUP */
const char * const *tvm_channel_get_settings (TvmChannel *self);
/* Returns: (transfer full): the strings of a payload; none if it is not of strings */
char **tvm_channel_split_settings (const char *payload,
                                   gsize       length);

/* The two ways to answer. What cannot be sent makes tvm_channel_next() end. */
void tvm_channel_send_result (TvmChannel         *self,
                              guint64             id,
                              const struct iovec *parts,
                              guint               n_parts);
/* @traceback and @extra may be NULL. Cut to what a frame may have. */
void tvm_channel_send_error  (TvmChannel         *self,
                              guint64             id,
                              const char         *type,
                              const char         *message,
                              const char         *traceback,
                              GBytes             *extra);
/* As which type an error of GLib travels, "domain:code" */
void tvm_channel_send_gerror (TvmChannel         *self,
                              guint64             id,
                              const GError       *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmChannel, tvm_channel_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmChannelCall, tvm_channel_call_clear)

G_END_DECLS
