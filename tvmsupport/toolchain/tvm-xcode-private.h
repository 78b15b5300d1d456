/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* An SDK of Apple, as xcrun names it, and what its compilers are told about it */
typedef struct
{
  const char *name;
  const char *version_option;   /* of clang and metal, in front of the oldest version of the system */
  const char *default_version;  /* (nullable): NULL for that of the SDK */
  const char *metal_standard;
} TvmXcodeSdk;

/* Returns: (nullable): the SDK of @name, which may end with a version; NULL with
 * TVM_ERROR_INVALID_ARGUMENT */
const TvmXcodeSdk *tvm_xcode_find_sdk             (const char         *name,
                                                   GError            **error);
/* Returns: (transfer full) (nullable): the option for @min_os_version or else the default */
char              *tvm_xcode_build_version_option (const TvmXcodeSdk  *sdk,
                                                   const char         *min_os_version);

G_END_DECLS
