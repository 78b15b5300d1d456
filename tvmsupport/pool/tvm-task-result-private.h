/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-task-result.h"

G_BEGIN_DECLS

/* Filled by the engine, and not changed after it was given away. */
struct _TvmTaskResult
{
  GObject parent_instance;

  TvmStatusKind status;
  GError *error;            /* (nullable) (owned): EXCEPTION and TIMEOUT */
  GVariant *value;          /* (nullable) (owned) */
  GBytes *bytes;            /* (nullable) (owned): of RESULT, or what the runtime added to ERROR */
  char *remote_type;        /* (nullable) */
  char *traceback;          /* (nullable) */
  int exit_status;          /* of a command; -1 if it did not exit by itself */
  int term_signal;          /* of a command; 0 if no signal ended it */
  GBytes *stdout_bytes;     /* (nullable) (owned) */
  GBytes *stderr_bytes;     /* (nullable) (owned) */
  gboolean truncated;       /* one of the two */
  gint64 elapsed_usec;
  gint64 user_usec;         /* -1 if it is not known */
  gint64 system_usec;       /* -1 */
  guint64 max_rss_bytes;    /* 0 */
  int worker_pid;           /* 0 if it never got to one */
  guint n_attempts;
  char *description;        /* (nullable): of a command: that of the task */
};

/* The status of a command is -1 until it is set, and so are its times. */
TvmTaskResult *tvm_task_result_new (TvmStatusKind   status);
/* @error is taken; CANCELLED and everything else is an EXCEPTION, TIMED_OUT a TIMEOUT */
TvmTaskResult *tvm_task_result_new_error (GError   *error);
/* Takes over what the runtime of a worker told of a failure: type, traceback, and what it added. */
void           tvm_task_result_set_remote (TvmTaskResult       *self,
                                           const TvmTaskResult *failure);
/* @result is taken */
TvmMapResult  *tvm_map_result_new  (guint64         index,
                                    TvmTaskResult  *result);

G_END_DECLS
