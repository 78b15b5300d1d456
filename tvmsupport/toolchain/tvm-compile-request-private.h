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

void                   tvm_compile_input_free (gpointer input);

/* Which runtime a link needs, which is found by reading its inputs before its command line is
 * made */
typedef enum
{
  TVM_LINK_RUNTIME_UNKNOWN,
  TVM_LINK_RUNTIME_C,
  TVM_LINK_RUNTIME_CXX,
} TvmLinkRuntime;

/* Open to tvm-compile-*.c, for which the copies of the public accessors would be a waste; changed
 * through the setters alone */
struct _TvmCompileRequest
{
  GObject parent_instance;

  TvmCompileKind kind;
  GPtrArray *inputs;           /* (element-type TvmCompileInput) (owned) */
  char *output;
  char **options;
  char **link_options;
  char **libraries;
  char *working_directory;
  char **environ_;
  char **ccache_environ;
  char *archiver;
  char *arch;
  char **name_expressions;
  gint64 timeout_msec;
  guint64 memory_limit;
  guint64 output_limit;
  gboolean pic;
  char *work_folder;           /* (nullable): of a step: shared by the steps of a compile */
  char *side_stem;             /* (nullable): of a compile step: what its side outputs are named by */
  TvmLinkRuntime link_runtime; /* of the link step that a compile makes, see tvm-compile-run.c */
};

/* A copy that takes over everything but the inputs */
TvmCompileRequest     *tvm_compile_request_copy_bare    (TvmCompileRequest *self,
                                                         TvmCompileKind     kind);

/* Whether it is made of one source, by one step; else objects are linked or archived. */
gboolean               tvm_compile_kind_translates      (TvmCompileKind     kind);
gboolean               tvm_compile_request_translates   (TvmCompileRequest *self);

/* TVM_LANGUAGE_AUTO if the suffix of @path is that of no language */
TvmLanguage            tvm_language_from_path (const char  *path);
gboolean               tvm_language_is_cxx    (TvmLanguage  language);
/* The name that -x takes */
const char            *tvm_language_get_x_name (TvmLanguage language);

G_END_DECLS
