/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <glib.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TVM_ERROR:
 *
 * The error domain of the library. Errors in this domain have a code of [error@TvmSupport.Error].
 *
 * Since: 1.0
 */
#define TVM_ERROR (tvm_error_quark ())

/**
 * TvmError:
 * @TVM_ERROR_FAILED: an operation failed for a reason that no other code names
 * @TVM_ERROR_INVALID_ARGUMENT: the caller asked for something that cannot be done as asked,
 *   for example a link of nothing or two outputs in one file
 * @TVM_ERROR_NOT_FOUND: a tool or a file that is needed is not there; the message lists where it
 *   was looked for
 * @TVM_ERROR_TIMED_OUT: a time limit expired; everything that was started has been killed
 * @TVM_ERROR_COMPILE_FAILED: a compiler ran and refused its input
 * @TVM_ERROR_LINK_FAILED: a linker or an archiver ran and refused its input
 * @TVM_ERROR_CRASHED: a tool was ended by a signal
 * @TVM_ERROR_UNSUPPORTED: this machine, file system or tool cannot do what was asked
 * @TVM_ERROR_INVALID_ARCHIVE: an archive is malformed, hostile or beyond the limits that were set
 * @TVM_ERROR_INVALID_OBJECT: a file is not an object file, or a malformed one
 * @TVM_ERROR_CREATED_PAST_EXIT: a temporary directory was asked for after the process began to exit
 * @TVM_ERROR_WORKER_DIED: the worker of a task died, or could not be started
 * @TVM_ERROR_PROTOCOL: a worker sent what is no frame of the protocol, or an answer to nothing,
 *   or speaks another version of it
 * @TVM_ERROR_TASK_FAILED: the function of a task returned an error; the message is that of the error
 *
 * The codes of the errors in the domain `TVM_ERROR`.
 *
 * Errors of the file system keep the domain `G_IO_ERROR`; cancellation is `G_IO_ERROR_CANCELLED`.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_ERROR_FAILED,
  TVM_ERROR_INVALID_ARGUMENT,
  TVM_ERROR_NOT_FOUND,
  TVM_ERROR_TIMED_OUT,
  TVM_ERROR_COMPILE_FAILED,
  TVM_ERROR_LINK_FAILED,
  TVM_ERROR_CRASHED,
  TVM_ERROR_UNSUPPORTED,
  TVM_ERROR_INVALID_ARCHIVE,
  TVM_ERROR_INVALID_OBJECT,
  TVM_ERROR_CREATED_PAST_EXIT,
  TVM_ERROR_WORKER_DIED,
  TVM_ERROR_PROTOCOL,
  TVM_ERROR_TASK_FAILED,
} TvmError;

TVM_SUPPORT_AVAILABLE_IN_1_0
GQuark tvm_error_quark (void);

G_END_DECLS
