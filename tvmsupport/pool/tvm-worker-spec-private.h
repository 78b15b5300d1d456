/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/pool/tvm-worker-spec.h"

G_BEGIN_DECLS

/* One of stdout and stderr */
typedef struct
{
  TvmWorkerOutput mode;
  char *path;               /* FILE */
  GOutputStream *stream;    /* STREAM (owned) */
} TvmWorkerStream;

struct _TvmWorkerSpec
{
  GObject parent_instance;

  TvmPayloadType payload_type;
  char **argv;              /* (nullable): without the word for the role; NULL: a program of ours */
  gboolean is_self;         /* @argv is the program of this process */
  char *module;             /* (nullable): absolute */
  gboolean can_fork;

  TvmWorkerStart start;
  char **launcher;          /* (nullable) */
  char **environment;       /* (nullable): "NAME=VALUE" changes */
  char *cwd;                /* (nullable) */
  TvmTask *initializer;     /* (nullable) (owned) */
  gint64 start_timeout_msec;  /* until HELLO and the initializer are done; default 60,000 */
  guint maximum_uses;       /* 0: no limit */
  guint respawn_limit;      /* default 3 */
  guint n_spares;           /* default 0 */
  guint64 address_space;    /* 0: no limit; so for the others */
  guint64 cpu_seconds;
  guint64 open_files;
  guint64 recycle_size;     /* of the resident set, looked at after each task */
  guint64 max_message;      /* default 2 GiB */
  TvmWorkerStream out;
  TvmWorkerStream err;
};

/* Returns: (transfer full): a copy that is not changed any more, for those who use it later; its
 * paths are absolute */
TvmWorkerSpec *tvm_worker_spec_snapshot (TvmWorkerSpec  *self);

/* Returns: FALSE with TVM_ERROR_INVALID_ARGUMENT if no worker can be started so, on any machine.
 * Whether the initializer is a task for these workers is found by its tvm_task_encode(). */
gboolean       tvm_worker_spec_check    (TvmWorkerSpec  *self,
                                         GError        **error);

/* The words of FORK, and of a CALL of a command, that say the limits of the process */
void           tvm_worker_spec_add_limits (const TvmWorkerSpec *self,
                                           GByteArray          *words);

G_END_DECLS
