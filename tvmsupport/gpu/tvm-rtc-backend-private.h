/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-compile-request.h"

G_BEGIN_DECLS

/*
 * NVRTC and HIPRTC, the compilers of the vendors of GPUs that are libraries ("RTC": compilation at
 * run time). HIPRTC was made after NVRTC, and so one mechanism serves for both.
 */

#define TVM_RTC_SUCCESS 0

typedef struct _TvmRtcHandle TvmRtcHandle;

/* TvmRtcLibrary: a library that is loaded, of which this is all that is used. What is declared here
 * has not changed since CUDA 11.2 and ROCm 4.2. */
typedef struct
{
  char *path;
  int major;
  int minor;

  int          (* version)             (int *major, int *minor);
  const char * (* get_error_string)    (int result);
  int          (* create_program)      (TvmRtcHandle       **program,
                                        const char          *source,
                                        const char          *name,
                                        int                  n_headers,
                                        const char * const  *headers,
                                        const char * const  *include_names);
  int          (* destroy_program)     (TvmRtcHandle **program);
  int          (* add_name_expression) (TvmRtcHandle *program, const char *expression);
  int          (* compile_program)     (TvmRtcHandle        *program,
                                        int                  n_options,
                                        const char * const  *options);
  int          (* get_log_size)        (TvmRtcHandle *program, gsize *size);
  int          (* get_log)             (TvmRtcHandle *program, char *log);
  int          (* get_lowered_name)    (TvmRtcHandle  *program,
                                        const char    *expression,
                                        const char   **name);
  /* A cubin or a code object */
  int          (* get_binary_size)     (TvmRtcHandle *program, gsize *size);
  int          (* get_binary)          (TvmRtcHandle *program, char *binary);

  /* NVRTC only */
  int          (* get_ptx_size)        (TvmRtcHandle *program, gsize *size);
  int          (* get_ptx)             (TvmRtcHandle *program, char *ptx);
  /* NVRTC since CUDA 12.0 */
  int          (* get_lto_ir_size)     (TvmRtcHandle *program, gsize *size);
  int          (* get_lto_ir)          (TvmRtcHandle *program, char *lto_ir);
  /* NVRTC since CUDA 12.9: the function is asked now and then whether to go on, by 0, or to stop,
   * by 1 */
  int          (* set_flow_callback)   (TvmRtcHandle  *program,
                                        int         (* callback) (void *data, void *reserved),
                                        void          *data);
} TvmRtcLibrary;

/* What the kernel cache has to know. All lists end with NULL; options are told by how they
 * begin. */
typedef struct
{
  const char *name;                        /* of the keys, with their version */
  const char * const *kept_options;        /* (nullable): all others make a compile one not to keep */
  const char * const *unkept_options;      /* these do so in any case */
  const char * const *optimizer_options;   /* (nullable): what "--ptxas-options" may say */
  const char * const *placeless_options;   /* say the same in every working directory */
  const char * const *variables;           /* of the environment, of which the code is a function */
  const char * const *option_variables;    /* of the environment, with more options */
  const char *folder_option;               /* with a folder of headers behind it */
  const char *include_option;              /* with a header behind it */
  /* (nullable). Returns: (transfer full): folders of headers that no option names */
  char     **(* dup_folders) (const char *library_path);
  /* (nullable). Returns: (transfer full) (nullable): a file beside the library that compiles */
  char      *(* find_part)   (const char *library_path);
} TvmRtcCacheRules;

typedef struct
{
  const char *name;                        /* for messages */
  const char *prefix;                      /* of the names of its functions */
  const TvmRtcCacheRules *cache_rules;
  /* Whether one compile at a time is all that it can do without mixing them up */
  gboolean is_serial;
  const char *program_name;                /* (nullable): of all programs, else that of the source */

  /* Whether it makes what is asked for, of such a source */
  gboolean               (* check_request)  (TvmCompileRequest    *request,
                                             GError              **error);
  /* Where the library is that load() loads for @path (nullable), as far as that is known without
   * loading it. Blocks. Returns: (transfer full) (nullable) */
  char                  *(* locate)         (const char           *path);
  /* Blocks. Returns: (transfer none): NULL with TVM_ERROR_NOT_FOUND or TVM_ERROR_UNSUPPORTED */
  const TvmRtcLibrary   *(* load)           (const char           *path,
                                             GError              **error);
  /* Whether this library can do it, with such options. Blocks */
  gboolean               (* check_library)  (const TvmRtcLibrary  *library,
                                             TvmCompileRequest    *request,
                                             const char * const   *options,
                                             GError              **error);
  /* The options that it is called with. One that means nothing to it is
   * TVM_ERROR_INVALID_ARGUMENT or TVM_ERROR_UNSUPPORTED; none is left out.
   * @name: what the source is called. Returns: (transfer full) */
  char                 **(* build_options)  (const char           *library_path,
                                             TvmCompileRequest    *request,
                                             const char           *name,
                                             GError              **error);
  /* (nullable). Returns: (transfer full): what the library is given for @source */
  char                  *(* wrap_source)    (const char           *name,
                                             const char           *source);
} TvmRtcBackend;

extern const TvmRtcBackend tvm_nvrtc_backend;
extern const TvmRtcBackend tvm_hiprtc_backend;

G_END_DECLS
