/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/process/tvm-process-private.h"

G_BEGIN_DECLS

typedef struct
{
  int resource;
  guint64 value;
} TvmProcessLimit;

/* The fields are read by the files of the runner only. */
struct _TvmProcessSpec
{
  char **argv;
  GPtrArray *environ_changes;   /* (element-type filename): "NAME=VALUE" sets, "NAME" removes */
  char *bad_variable;           /* (nullable): the first name that cannot be one */
  char *cwd;                    /* (nullable) */
  GBytes *stdin_bytes;          /* (nullable) */
  gint64 timeout_msec;
  gsize output_limit;
  GArray *limits;               /* (element-type TvmProcessLimit) */
  GArray *fds;                  /* (element-type int): owned, close-on-exec */
  int fd_error;                 /* an errno, if one could not be kept */
  GPtrArray *cleanup_paths;     /* (element-type filename): absolute */
  char *orphan_path;            /* (nullable): absolute */
  TvmResponseFile response_file;
  guint response_prefix;
  guint private_tmpdir : 1;
  guint kill_leftovers : 1;
  guint cleans_up : 1;
};

/* The target has them; the run must not keep copies, or their other ends would not hear of its
 * end. */
void               tvm_process_spec_close_fds    (TvmProcessSpec       *self);

/* Returns: FALSE with TVM_ERROR_INVALID_ARGUMENT (or the errno of a descriptor) if it cannot be
 * run at all */
gboolean           tvm_process_spec_check        (const TvmProcessSpec *self,
                                                  GError              **error);

/* Returns: (transfer full): the environment of the target, of this moment */
char             **tvm_process_spec_make_environ (const TvmProcessSpec *self);

TvmProcessResult  *tvm_process_result_new        (const char * const   *argv);

G_END_DECLS
