/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-result.h"

#include "tvmsupport/process/tvm-process-private.h"

G_BEGIN_DECLS

/* Open to tvm-compile-*.c, which fill a result in before anybody else sees it; immutable from
 * then on. */
struct _TvmCompileResult
{
  GObject parent_instance;

  TvmCompileKind kind;
  char **inputs;
  char **argv;                /* (nullable) */
  char *working_directory;    /* (nullable) */
  int exit_status;
  int term_signal;
  gboolean timed_out;
  gint64 timeout_msec;        /* what the limit was, for the message */
  char *output;               /* (nullable) */
  char *destination;          /* (nullable): where a tool was to write what stays, also if it failed */
  GBytes *bytes;              /* (nullable) */
  GBytes *log;
  char *log_text;
  gboolean truncated;
  GListStore *diagnostics;
  GListStore *steps;
  guint n_errors;
  guint n_warnings;
  char **dependencies;
  GHashTable *lowered_names;  /* (nullable) (element-type utf8 utf8): by expression */
  TvmCacheStatus cache_status;
  char *cache_reason;         /* (nullable): why it is a bypass */
  gint64 elapsed_usec;
  gint64 user_usec;
  gint64 system_usec;
  guint64 peak_memory;
  GError *error;              /* (nullable): why nothing was run, or what came after the run */
};

TvmCompileResult *tvm_compile_result_new          (TvmCompileKind    kind);
/* For arrays of results, in which what was cancelled leaves NULL */
void              tvm_compile_result_unref0       (gpointer          result);
/* What a single run of a tool was; takes what the tool printed, but does not read it */
void              tvm_compile_result_take_process (TvmCompileResult *self,
                                                   TvmProcessResult *process);
/* Reads diagnostics out of the log; @folder is what relative names in it are relative to. Slow on
 * long logs: call it in a thread. */
void              tvm_compile_result_read_log     (TvmCompileResult *self,
                                                   const char       *folder);
/* Makes @step part of @self: its log, diagnostics, times and, if it failed, its status */
void              tvm_compile_result_add_step     (TvmCompileResult *self,
                                                   TvmCompileResult *step);
/* Ends the building: fills in what nobody set */
void              tvm_compile_result_seal         (TvmCompileResult *self);

/* The code of the error that a failure of this kind is */
int               tvm_compile_kind_get_error_code (TvmCompileKind    kind);

G_END_DECLS
