/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"

G_BEGIN_DECLS

typedef struct
{
  char *path;            /* of the file, or the name that @bytes go by */
  GBytes *bytes;         /* (nullable) */
  TvmLanguage language;  /* as asked for */
} TvmCompileInput;

guint                  tvm_compile_request_get_n_inputs (TvmCompileRequest *self);
const TvmCompileInput *tvm_compile_request_get_input    (TvmCompileRequest *self,
                                                         guint              index);
/* A copy that takes over everything but the inputs */
TvmCompileRequest     *tvm_compile_request_copy_bare    (TvmCompileRequest *self,
                                                         TvmCompileKind     kind);

/* These give what the request owns; the public accessors copy for the sake of bindings. */
const char * const    *tvm_compile_request_peek_options        (TvmCompileRequest *self);
const char * const    *tvm_compile_request_peek_link_options   (TvmCompileRequest *self);
const char * const    *tvm_compile_request_peek_libraries      (TvmCompileRequest *self);
const char * const    *tvm_compile_request_peek_environ        (TvmCompileRequest *self);
const char * const    *tvm_compile_request_peek_ccache_environ (TvmCompileRequest *self);
const char            *tvm_compile_request_peek_archiver       (TvmCompileRequest *self);

/* TVM_LANGUAGE_AUTO if the suffix of @path is that of no language */
TvmLanguage            tvm_language_from_path (const char  *path);
gboolean               tvm_language_is_cxx    (TvmLanguage  language);
/* The name that -x takes */
const char            *tvm_language_get_x_name (TvmLanguage language);

G_END_DECLS
