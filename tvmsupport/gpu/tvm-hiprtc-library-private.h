/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"

G_BEGIN_DECLS

/* As tvm_nvrtc_library_load() and tvm_nvrtc_library_locate() */
const TvmRtcLibrary *tvm_hiprtc_library_load       (const char  *path,
                                                    GError     **error);
char                *tvm_hiprtc_library_locate     (const char  *path);
/* Where the library is that HIPRTC compiles with, as far as that is known without loading it.
 * Returns: (transfer full) (nullable) */
char                *tvm_hiprtc_library_find_part  (const char  *path);
/* Whether HIPRTC knows @arch, with its features. It does not check that itself, but destroys the
 * memory of the process. Blocks. TVM_ERROR_NOT_FOUND, TVM_ERROR_UNSUPPORTED,
 * TVM_ERROR_INVALID_ARGUMENT */
gboolean             tvm_hiprtc_library_check_arch (const char  *arch,
                                                    GError     **error);
/* Appends a line for people. Loads the library, and so blocks */
void                 tvm_hiprtc_library_describe   (GString     *text);

G_END_DECLS
