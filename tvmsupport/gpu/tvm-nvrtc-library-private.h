/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"

G_BEGIN_DECLS

/* Blocks. @path: (nullable): where it is; else it is found, as the environment is now.
 * Returns: (transfer none): the library, or NULL with TVM_ERROR_NOT_FOUND or
 * TVM_ERROR_UNSUPPORTED */
const TvmRtcLibrary *tvm_nvrtc_library_load          (const char  *path,
                                                      GError     **error);
/* Where the library is that is loaded for @path, as far as that is known without loading it.
 * Blocks. Returns: (transfer full) (nullable) */
char                *tvm_nvrtc_library_locate        (const char  *path);
/* Returns: (transfer full): the folders of the headers that belong to the library at @path,
 * which may be none */
char               **tvm_nvrtc_library_find_includes (const char  *path);

G_END_DECLS
