/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/tvm-search-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The directory of CUDA. @prefix stands in front of the places that do not come from the
 * environment: "" but for tests.
 * Returns: (transfer full): a directory, or NULL with TVM_ERROR_NOT_FOUND */
char *tvm_cuda_toolkit_find_root  (const char *prefix,
                                   GError    **error);
/* The program: of CUDA_PATH or CUDA_HOME, or in the PATH, or of the directory that is found.
 * Returns: (transfer full): a path, or NULL with TVM_ERROR_NOT_FOUND */
char *tvm_cuda_toolkit_find_nvcc  (GError    **error);
/* Returns: (transfer full): where libraries of CUDA may be, or NULL with TVM_ERROR_NOT_FOUND */
char **tvm_cuda_toolkit_dup_library_folders (GError **error);
/* What the files of the directory say, without running anything.
 * Returns: (transfer full) (nullable): such as "13.0" */
char *tvm_cuda_toolkit_read_version (const char *root,
                                     TvmSearch  *search);
/* What `nvcc --version` says.
 * Returns: (transfer full) (nullable) */
char *tvm_cuda_toolkit_parse_version (const char *nvcc_output);

/* Appends lines for people: what was found, or why not. Loads the libraries to ask which they are,
 * and so blocks; runs nothing, and asks no GPU. */
void  tvm_cuda_toolkit_describe (GString *text);

G_END_DECLS
