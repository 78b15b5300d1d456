/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/toolchain/tvm-job-limiter-private.h"

G_BEGIN_DECLS

/*
 * One step: one run of one tool, for a request of its own whose inputs are files that are there
 * and whose output is an absolute path. It waits for its turn, stages the output if that is not an
 * intermediate file, runs the tool, and reads what the tool reported.
 *
 * The result of a step that could not be run carries its error, so that one of many does not take
 * the others with it; only cancellation is an error of the call.
 */
typedef enum
{
  TVM_STEP_NONE = 0,
  TVM_STEP_STAGED = 1 << 0,       /* the output is what the caller asked for */
  TVM_STEP_HIDE_FOLDER = 1 << 1,  /* the caller knows the input by its base name alone */
  TVM_STEP_LOOKED = 1 << 2,       /* tvm_compile_step_look_async() has not found it */
  TVM_STEP_BYTES = 1 << 3,        /* of a look */
} TvmStepFlags;

void              tvm_compile_step_async  (TvmCompiler          *compiler,
                                           TvmToolchain         *toolchain,
                                           TvmCompileRequest    *request,
                                           TvmStepFlags          flags,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
TvmCompileResult *tvm_compile_step_finish (GAsyncResult         *result,
                                           GError              **error);

/* Whether the kernel cache has what a step would make of @request, before any file is there for it: its
 * output is a name alone, and so is its input if that has bytes. A step that is not found is run with
 * TVM_STEP_LOOKED.
 * Returns: (transfer full) (nullable): a result with bytes, NULL without an error if there is none; an
 * error is cancellation */
void              tvm_compile_step_look_async  (TvmCompiler          *compiler,
                                                TvmToolchain         *toolchain,
                                                TvmCompileRequest    *request,
                                                TvmStepFlags          flags,
                                                GCancellable         *cancellable,
                                                GAsyncReadyCallback   callback,
                                                gpointer              user_data);
TvmCompileResult *tvm_compile_step_look_finish (GAsyncResult         *result,
                                                GError              **error);

G_END_DECLS
