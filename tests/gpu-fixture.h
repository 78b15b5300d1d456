/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Gpu: the first GPU of the machine, through the CUDA driver, which is loaded for it */
typedef struct _Gpu Gpu;

/* Returns: (nullable): the GPU, or NULL with %G_IO_ERROR_NOT_FOUND that has the driver's answer */
Gpu        *gpu_open     (GError **error);
void        gpu_close    (Gpu     *self);
/* Returns: (transfer none): the architecture, such as `sm_90` */
const char *gpu_get_arch (Gpu *self);
/* Loads what was compiled, runs @kernel (T *x, unsigned n) on @n_items numbers of four bytes each,
 * one thread for each, and puts into @items what became of them. %G_IO_ERROR_NOT_SUPPORTED if the
 * driver is older than the PTX. */
gboolean    gpu_run      (Gpu         *self,
                          GBytes      *image,
                          const char  *kernel,
                          gpointer     items,
                          guint        n_items,
                          GError     **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Gpu, gpu_close)

G_END_DECLS
