/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/tvm-search-private.h"

G_BEGIN_DECLS

/* An architecture as LLVM names it: gfx90a is 9, 0, 10 */
typedef struct
{
  guint major;
  guint minor;
  guint stepping;
} TvmGfxArch;

/* @name: may be a target ID, with features behind colons, and in front of it a triple */
gboolean  tvm_gfx_arch_parse        (const char  *name,
                                     TvmGfxArch  *arch,
                                     GError     **error);

/* Returns: (transfer full) (nullable): the directory with the bitcode of the device library */
char     *tvm_rocm_find_bitcode     (TvmSearch   *search);

/* Returns: (transfer full): where libraries of ROCm may be, or NULL with TVM_ERROR_NOT_FOUND */
char    **tvm_rocm_dup_library_folders (GError   **error);

/* Appends lines for people; runs nothing. */
void      tvm_rocm_describe         (GString     *text);

G_END_DECLS
