/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-task.h"
#include "tvmsupport/pool/tvm-worker-spec.h"

G_BEGIN_DECLS

/* Read by the engine at the submission, in the thread of the submitter, and never after it. */
struct _TvmTask
{
  GObject parent_instance;

  TvmPayloadType payload_type;
  char *function;           /* VARIANT (nullable): NULL if it was made with g_object_new() */
  GVariant *args;           /* VARIANT (owned) (nullable) */
  GBytes *bytes;            /* BYTES (owned) */
  GPtrArray *more_bytes;    /* BYTES (nullable) (owned) (element-type GBytes): behind them */
  char **argv;              /* COMMAND */
  char *description;        /* (nullable): instead of what the task says itself */

  gint64 timeout_msec;      /* -1: that of the pool */
  gint64 soft_timeout_msec; /* -1: that of the pool */
  int priority;             /* higher goes first */

  char *cwd;                /* COMMAND (nullable) */
  char **environment;       /* COMMAND (nullable): "NAME=VALUE" changes of the application's */
  GBytes *stdin_bytes;      /* COMMAND (nullable) (owned) */
  guint64 output_limit;     /* COMMAND: bytes kept per stream */
  gboolean inherit_stdio;   /* COMMAND: the application's stdin, stdout and stderr */
};

/* Returns: (transfer full): a task of its own; the payload is shared */
TvmTask *tvm_task_copy (TvmTask         *self);

/* The payload of CALL, for workers of @spec. For a command this also looks the program up.
 * @rest: (out) (optional) (element-type GBytes): where something large need not be copied, what is
 * to be sent behind the payload; else it is not set. Returns: (transfer full): the payload, or NULL
 * with TVM_ERROR_INVALID_ARGUMENT if @self is not for such workers, TVM_ERROR_NOT_FOUND if there is
 * no such program */
GBytes *tvm_task_encode (TvmTask              *self,
                         const TvmWorkerSpec  *spec,
                         GPtrArray           **rest,
                         GError              **error);

/* Returns: (transfer full): the description, or its beginning, for an error message */
char *tvm_task_dup_short_description (TvmTask *self);

G_END_DECLS
