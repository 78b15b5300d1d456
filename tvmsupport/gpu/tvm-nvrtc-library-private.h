/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TVM_NVRTC_SUCCESS 0
#define TVM_NVRTC_ERROR_COMPILATION 6

typedef struct _TvmNvrtcHandle TvmNvrtcHandle;

/* TvmNvrtcLibrary: libnvrtc, of which this is all that is used. What it declares has not changed
 * since CUDA 11.2. */
typedef struct
{
  char *path;
  int major;
  int minor;

  int          (* version)             (int *major, int *minor);
  const char * (* get_error_string)    (int result);
  int          (* create_program)      (TvmNvrtcHandle     **program,
                                        const char          *source,
                                        const char          *name,
                                        int                  n_headers,
                                        const char * const  *headers,
                                        const char * const  *include_names);
  int          (* destroy_program)     (TvmNvrtcHandle     **program);
  int          (* add_name_expression) (TvmNvrtcHandle *program, const char *expression);
  int          (* compile_program)     (TvmNvrtcHandle      *program,
                                        int                  n_options,
                                        const char * const  *options);
  int          (* get_log_size)        (TvmNvrtcHandle *program, gsize *size);
  int          (* get_log)             (TvmNvrtcHandle *program, char *log);
  int          (* get_lowered_name)    (TvmNvrtcHandle  *program,
                                        const char      *expression,
                                        const char     **name);
  int          (* get_ptx_size)        (TvmNvrtcHandle *program, gsize *size);
  int          (* get_ptx)             (TvmNvrtcHandle *program, char *ptx);
  int          (* get_cubin_size)      (TvmNvrtcHandle *program, gsize *size);
  int          (* get_cubin)           (TvmNvrtcHandle *program, char *cubin);

  /* Since CUDA 12.0 */
  int          (* get_lto_ir_size)     (TvmNvrtcHandle *program, gsize *size);
  int          (* get_lto_ir)          (TvmNvrtcHandle *program, char *lto_ir);
  /* Since CUDA 12.9: the function is asked now and then whether to go on, by 0, or to stop, by 1 */
  int          (* set_flow_callback)   (TvmNvrtcHandle  *program,
                                        int           (* callback) (void *data, void *reserved),
                                        void            *data);
} TvmNvrtcLibrary;

/* Blocks. @path: (nullable): where it is; else it is found, as the environment is now.
 * Returns: (transfer none): the library, or NULL with TVM_ERROR_NOT_FOUND or
 * TVM_ERROR_UNSUPPORTED */
const TvmNvrtcLibrary *tvm_nvrtc_library_load (const char  *path,
                                               GError     **error);
/* Where the library is that is loaded for @path, as far as that is known without loading it. Blocks.
 * Returns: (transfer full) (nullable) */
char                  *tvm_nvrtc_library_locate        (const char *path);
/* Returns: (transfer full): the folders of the headers that belong to the library at @path, which may
 * be none */
char                 **tvm_nvrtc_library_find_includes (const char *path);

G_END_DECLS
