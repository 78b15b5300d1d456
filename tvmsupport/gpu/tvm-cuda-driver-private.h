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

G_END_DECLS
