/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

#define TVM_TYPE_TAR_ENTRY (tvm_tar_entry_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmTarEntry, tvm_tar_entry, TVM, TAR_ENTRY, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_tar_entry_get_name (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
GFileType tvm_tar_entry_get_file_type (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64 tvm_tar_entry_get_size (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint tvm_tar_entry_get_mode (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
gint64 tvm_tar_entry_get_mtime (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_tar_entry_get_symlink_target (TvmTarEntry *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
const char *tvm_tar_entry_get_hard_link_target (TvmTarEntry *self);

G_END_DECLS
