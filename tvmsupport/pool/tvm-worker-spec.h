/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/pool/tvm-task.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmPayloadType:
 * @TVM_PAYLOAD_TYPE_VARIANT: a function by its name, and a #GVariant; see
 *   [ctor@TvmSupport.Task.new]
 * @TVM_PAYLOAD_TYPE_BYTES: bytes that the library does not look into; see
 *   [ctor@TvmSupport.Task.new_bytes]
 * @TVM_PAYLOAD_TYPE_COMMAND: a command; see [ctor@TvmSupport.Task.new_command]
 *
 * What the tasks of a worker are made of.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_PAYLOAD_TYPE_VARIANT,
  TVM_PAYLOAD_TYPE_BYTES,
  TVM_PAYLOAD_TYPE_COMMAND,
} TvmPayloadType;

/**
 * TvmWorkerStart:
 * @TVM_WORKER_START_WARM: forked by a nursery that has everything loaded, where the runtime can
 *   fork
 * @TVM_WORKER_START_FRESH: a new program each time
 *
 * How a worker comes to be.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_WORKER_START_WARM,
  TVM_WORKER_START_FRESH,
} TvmWorkerStart;

/**
 * TvmWorkerOutput:
 * @TVM_WORKER_OUTPUT_INHERIT: where the application's own goes
 * @TVM_WORKER_OUTPUT_DISCARD: nowhere
 * @TVM_WORKER_OUTPUT_CAPTURE: into the result of the task that ran meanwhile, which keeps 1 MiB
 * @TVM_WORKER_OUTPUT_FILE: to the end of a file
 * @TVM_WORKER_OUTPUT_STREAM: into a stream
 *
 * Where the standard output or the standard error of workers goes.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_WORKER_OUTPUT_INHERIT,
  TVM_WORKER_OUTPUT_DISCARD,
  TVM_WORKER_OUTPUT_CAPTURE,
  TVM_WORKER_OUTPUT_FILE,
  TVM_WORKER_OUTPUT_STREAM,
} TvmWorkerOutput;

#define TVM_TYPE_WORKER_SPEC (tvm_worker_spec_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmWorkerSpec, tvm_worker_spec, TVM, WORKER_SPEC, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec  *tvm_worker_spec_new_module            (const char          *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec  *tvm_worker_spec_new_self              (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec  *tvm_worker_spec_new_command           (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerSpec  *tvm_worker_spec_new_runtime           (const char * const  *argv,
                                                       TvmPayloadType       payload_type,
                                                       gboolean             can_fork);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmPayloadType  tvm_worker_spec_get_payload_type      (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_worker_spec_dup_argv              (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean        tvm_worker_spec_get_can_fork          (TvmWorkerSpec       *self);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerStart  tvm_worker_spec_get_start             (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_start             (TvmWorkerSpec       *self,
                                                       TvmWorkerStart       start);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_worker_spec_dup_launcher          (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_launcher          (TvmWorkerSpec       *self,
                                                       const char * const  *launcher);
TVM_SUPPORT_AVAILABLE_IN_1_0
char          **tvm_worker_spec_dup_environment       (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_environment       (TvmWorkerSpec       *self,
                                                       const char * const  *environment);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char     *tvm_worker_spec_get_working_directory (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_working_directory (TvmWorkerSpec       *self,
                                                       const char          *path);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTask        *tvm_worker_spec_get_initializer       (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_initializer       (TvmWorkerSpec       *self,
                                                       TvmTask             *initializer);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64          tvm_worker_spec_get_start_timeout     (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_start_timeout     (TvmWorkerSpec       *self,
                                                       gint64               timeout_msec);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint           tvm_worker_spec_get_maximum_uses      (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_maximum_uses      (TvmWorkerSpec       *self,
                                                       guint                maximum_uses);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint           tvm_worker_spec_get_respawn_limit     (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_respawn_limit     (TvmWorkerSpec       *self,
                                                       guint                respawn_limit);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint           tvm_worker_spec_get_n_spares          (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_n_spares          (TvmWorkerSpec       *self,
                                                       guint                n_spares);

TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_spec_get_address_space_limit (TvmWorkerSpec     *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_address_space_limit (TvmWorkerSpec     *self,
                                                         guint64            bytes);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_spec_get_cpu_time_limit    (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_cpu_time_limit    (TvmWorkerSpec       *self,
                                                       guint64              seconds);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_spec_get_open_files_limit  (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_open_files_limit  (TvmWorkerSpec       *self,
                                                       guint64              n_files);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_spec_get_recycle_size      (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_recycle_size      (TvmWorkerSpec       *self,
                                                       guint64              bytes);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64         tvm_worker_spec_get_maximum_message_size (TvmWorkerSpec    *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_maximum_message_size (TvmWorkerSpec    *self,
                                                          guint64           bytes);

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerOutput tvm_worker_spec_get_stdout_mode       (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmWorkerOutput tvm_worker_spec_get_stderr_mode       (TvmWorkerSpec       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stdout_mode       (TvmWorkerSpec       *self,
                                                       TvmWorkerOutput      mode);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stderr_mode       (TvmWorkerSpec       *self,
                                                       TvmWorkerOutput      mode);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stdout_path       (TvmWorkerSpec       *self,
                                                       const char          *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stderr_path       (TvmWorkerSpec       *self,
                                                       const char          *path);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stdout_stream     (TvmWorkerSpec       *self,
                                                       GOutputStream       *stream);
TVM_SUPPORT_AVAILABLE_IN_1_0
void            tvm_worker_spec_set_stderr_stream     (TvmWorkerSpec       *self,
                                                       GOutputStream       *stream);

G_END_DECLS
