/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Asks the CUDA driver for the compute capability of the first GPU. It is loaded and set up when it
 * is first asked, which may take a second; an application that forks cannot use CUDA in the child
 * after that. TVM_ERROR_NOT_FOUND if there is no driver or no GPU. */
gboolean tvm_cuda_driver_get_capability (int     *major,
                                         int     *minor,
                                         GError **error);
/* Loads the driver without setting it up: no GPU is asked. Blocks.
 * @version: (out): the CUDA that it serves, such as 13000 for 13.0
 * Returns: (transfer full): where the driver is, or NULL with TVM_ERROR_NOT_FOUND,
 * TVM_ERROR_UNSUPPORTED or TVM_ERROR_FAILED */
char    *tvm_cuda_driver_find           (int     *version,
                                         GError **error);

G_END_DECLS
