/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The runner: the one place of the library that starts a process.
 *
 * A TvmProcessSpec says what to run and within which limits. It is a plain mutable builder; a run
 * takes a snapshot, so that a spec can be changed and run again. tvm_process_run_async() starts it
 * on the supervisor (tvm-supervisor.c) and completes when the target has ended *and nothing of it
 * is left to wait for*. Sources of a run live on the library's own I/O thread
 * (tvm-io-thread-private.h), so neither the start nor the reading of output ever costs the caller's
 * main loop time; the callback comes in the thread-default context of the caller.
 *
 * A tool that ran is a result, whatever its status, also one that was killed at its time limit
 * (`timed_out`), so that its output is never lost. GErrors are for what did not run or was
 * cancelled: TVM_ERROR_NOT_FOUND (no such program, with the places looked at),
 * TVM_ERROR_INVALID_ARGUMENT, G_IO_ERROR_CANCELLED, other G_IO_ERRORs (no such working directory,
 * permission denied, …).
 */
typedef struct _TvmProcessSpec TvmProcessSpec;

/* How a tool takes arguments that do not fit on a command line. */
typedef enum
{
  TVM_RESPONSE_FILE_NONE,       /* it does not: too long is an error */
  TVM_RESPONSE_FILE_GNU,        /* @file, quoted as libiberty's buildargv reads it */
} TvmResponseFile;

typedef struct
{
  gatomicrefcount ref_count;

  char **argv;            /* as asked for, before any response file */
  int exit_status;        /* -1 if the target did not exit by itself */
  int term_signal;        /* 0 if it was not ended by a signal */
  gboolean timed_out;     /* killed at its time limit */

  GBytes *stdout_bytes;   /* never NULL */
  GBytes *stderr_bytes;   /* never NULL */
  guint64 stdout_total;   /* bytes that the target wrote; more than was kept if past the limit */
  guint64 stderr_total;

  gint64 elapsed_usec;    /* of the target, as the supervisor saw it */
  gint64 user_usec;       /* of the target and the children that it waited for */
  gint64 system_usec;
  guint64 max_rss_bytes;  /* of the largest of them */
} TvmProcessResult;

TvmProcessSpec   *tvm_process_spec_new               (const char * const *argv);
TvmProcessSpec   *tvm_process_spec_copy              (const TvmProcessSpec *self);
void              tvm_process_spec_free              (TvmProcessSpec       *self);
const char * const *tvm_process_spec_get_argv        (const TvmProcessSpec *self);
/* The environment is that of the application; these change single variables of it. The order of
 * calls counts; a NULL @value removes. */
void              tvm_process_spec_setenv            (TvmProcessSpec       *self,
                                                      const char           *name,
                                                      const char           *value);
/* "NAME=VALUE" entries; NULL does nothing */
void              tvm_process_spec_add_environ       (TvmProcessSpec       *self,
                                                      const char * const   *environ_);
void              tvm_process_spec_set_cwd           (TvmProcessSpec       *self,
                                                      const char           *cwd);
void              tvm_process_spec_set_stdin         (TvmProcessSpec       *self,
                                                      GBytes               *bytes);
/* Milliseconds; -1 (the default) means no limit */
void              tvm_process_spec_set_timeout       (TvmProcessSpec       *self,
                                                      gint64                timeout_msec);
/* Bytes kept per stream: the first and the last half of the limit, with a line between them that
 * says how much was left out. Default 16 MiB. */
void              tvm_process_spec_set_output_limit  (TvmProcessSpec       *self,
                                                      gsize                 limit);
/* @resource: RLIMIT_AS and so on; hard and soft limit alike, but for RLIMIT_CPU, where SIGKILL comes
 * a little after SIGXCPU */
void              tvm_process_spec_set_rlimit        (TvmProcessSpec       *self,
                                                      int                   resource,
                                                      guint64               value);
/* The target gets a duplicate of @fd, as the descriptor TVM_SUPERVISOR_FIRST_FD for the first call
 * and so on. The spec keeps one of its own, close-on-exec, until it is freed; the run keeps none
 * once it has started. */
void              tvm_process_spec_add_fd            (TvmProcessSpec       *self,
                                                      int                   fd);
/* Gives the run a TMPDIR of its own, made and removed by the supervisor, so that it also goes when
 * the application is killed. */
void              tvm_process_spec_set_private_tmpdir (TvmProcessSpec      *self,
                                                      gboolean              private_tmpdir);
void              tvm_process_spec_set_response_file (TvmProcessSpec       *self,
                                                      TvmResponseFile       response_file);
/* How many words at the front of argv stay on the command line when the rest goes to a response
 * file: 2 for a compiler behind a wrapper. Default 1. */
void              tvm_process_spec_set_response_prefix (TvmProcessSpec     *self,
                                                        guint               n_words);
/* Kills what the target left running when it ends by itself. Default FALSE: a tool may leave a
 * daemon. */
void              tvm_process_spec_set_kill_leftovers (TvmProcessSpec      *self,
                                                      gboolean              kill_leftovers);
/* Says that the target kills all that it started, and ends, when its parent does. If the supervisor
 * is killed, nobody disturbs it in that. */
void              tvm_process_spec_set_cleans_up     (TvmProcessSpec       *self,
                                                      gboolean              cleans_up);
/* The supervisor removes @path (a file, or a tree) if the run is killed or the application dies
 * before the target has ended by itself. For staged output. */
void              tvm_process_spec_add_cleanup_path  (TvmProcessSpec       *self,
                                                      const char           *path);

/* The supervisor removes @path (absolute, a file or a tree) if the application has died by the end
 * of the run, however the run ended. For what several runs share, such as a directory of
 * objects. */
void              tvm_process_spec_set_orphan_path   (TvmProcessSpec       *self,
                                                      const char           *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmProcessSpec, tvm_process_spec_free)

TvmProcessResult *tvm_process_result_ref   (TvmProcessResult *self);
void              tvm_process_result_unref (TvmProcessResult *self);
gboolean          tvm_process_result_is_success (const TvmProcessResult *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmProcessResult, tvm_process_result_unref)

void              tvm_process_run_async  (const TvmProcessSpec  *spec,
                                          GCancellable          *cancellable,
                                          GAsyncReadyCallback    callback,
                                          gpointer               user_data);
TvmProcessResult *tvm_process_run_finish (GAsyncResult          *result,
                                          GError               **error);
TvmProcessResult *tvm_process_run        (const TvmProcessSpec  *spec,
                                          GCancellable          *cancellable,
                                          GError               **error);

/* Looks @program up: a name with a slash as it is (relative to @cwd where given), else in the
 * PATH of @path (NULL: that of the application). Never the current directory.
 * Returns: (transfer full): an absolute path, or NULL with TVM_ERROR_NOT_FOUND that names every
 * place, or says why a file there does not serve */
char             *tvm_find_program       (const char  *program,
                                          const char  *path,
                                          const char  *cwd,
                                          GError     **error);

/* Returns: (transfer full): @argv as one line that a POSIX shell reads back; bytes are kept */
char             *tvm_quote_command      (const char * const *argv);

G_END_DECLS
