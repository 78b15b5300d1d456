/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/toolchain/tvm-compile-request.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

#include <sys/types.h>

G_BEGIN_DECLS

/*
 * TvmCompilePlan: what a request comes to, once its inputs were looked at: the sources that are to
 * be compiled and the files that are to be linked, in the order of the inputs.
 *
 * Making one reads the file system and may unpack archives, so it is done in a thread.
 */
typedef struct
{
  char *path;            /* as the tool is given it: relative to the working directory if it was */
  TvmLanguage language;  /* TVM_LANGUAGE_AUTO: not a source */
  char *object;          /* (nullable): where the object of a source goes, if it is for a link */
  gboolean from_bytes;   /* the caller has never seen the path */
} TvmCompileItem;

typedef struct
{
  GPtrArray *items;          /* (element-type TvmCompileItem) (owned) */
  guint n_sources;
  gboolean has_cxx;          /* a source is C++ */
  char *output;              /* absolute, or in @work if the bytes are wanted */
  gboolean wants_bytes;
  gboolean has_old_output;   /* what is at the place of the output now, so that it is no input */
  dev_t old_device;
  ino_t old_inode;
  TvmTempDirectory *work;    /* (nullable) (owned): intermediate files */
} TvmCompilePlan;

TvmCompilePlan *tvm_compile_plan_new  (TvmCompileRequest   *request,
                                       const char * const  *add_files,
                                       GCancellable        *cancellable,
                                       GError             **error);
void            tvm_compile_plan_free (TvmCompilePlan      *plan);

/* @path made absolute against the working directory of @request */
char           *tvm_compile_request_resolve (TvmCompileRequest *request,
                                             const char        *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmCompilePlan, tvm_compile_plan_free)

G_END_DECLS
