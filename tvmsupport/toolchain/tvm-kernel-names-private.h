/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/* What tvm-kernel-store.c and tvm-kernel-scan.c know of a cache folder: 256 subfolders, named by the
 * first two of 64 digits, with files that are named by the others. */
#define TVM_KERNEL_TEMPORARY_PREFIX ".tmp-"
#define TVM_KERNEL_N_SUBFOLDERS 256
#define TVM_KERNEL_FILE_LENGTH 62

typedef struct
{
  char path[TVM_KERNEL_FILE_LENGTH + 4];   /* from the folder */
  char subfolder[3];
  const char *file;                        /* in @path: from the subfolder */
} TvmKernelName;

void      tvm_kernel_name_init   (TvmKernelName      *name,
                                  const char         *key);
gboolean  tvm_kernel_is_trusted  (const struct stat  *info);
/* -1 without an error if there is none */
int       tvm_kernel_folder_open (const char         *folder,
                                  GError            **error);

G_END_DECLS
