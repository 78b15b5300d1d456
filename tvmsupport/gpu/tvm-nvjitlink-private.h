/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What goes into a link of device code: a file, or bytes */
typedef struct
{
  char *path;     /* (nullable) */
  GBytes *bytes;  /* (nullable) */
} TvmNvJitLinkInput;

/* Links with nvJitLink, which is found and loaded. Blocks.
 * Returns: (transfer full): a cubin, or NULL with TVM_ERROR_LINK_FAILED, TVM_ERROR_NOT_FOUND,
 * TVM_ERROR_UNSUPPORTED or what reading a file gave */
GBytes *tvm_nvjitlink_link (const TvmNvJitLinkInput  *inputs,
                            gsize                     n_inputs,
                            const char * const       *options,
                            gboolean                  has_lto_option,
                            GError                  **error);
/* Loads nvJitLink. Blocks.
 * @version: (out) (transfer full) (nullable): such as "13.0"; old ones do not say it
 * Returns: (transfer full): where it is, or NULL with TVM_ERROR_NOT_FOUND */
char   *tvm_nvjitlink_find (char   **version,
                            GError **error);

G_END_DECLS
