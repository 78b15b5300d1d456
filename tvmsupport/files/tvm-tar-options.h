/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <glib-object.h>

#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmTarCompression:
 * @TVM_TAR_COMPRESSION_AUTO: what the name says: `.tar.gz` and `.tgz`, `.tar.zst` and `.tzst`,
 *   `.tar.xz` and `.txz`; none for any other, as `.tar`
 * @TVM_TAR_COMPRESSION_NONE: none
 * @TVM_TAR_COMPRESSION_GZIP: gzip
 * @TVM_TAR_COMPRESSION_ZSTD: Zstandard
 * @TVM_TAR_COMPRESSION_XZ: xz
 *
 * How an archive is compressed.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_TAR_COMPRESSION_AUTO,
  TVM_TAR_COMPRESSION_NONE,
  TVM_TAR_COMPRESSION_GZIP,
  TVM_TAR_COMPRESSION_ZSTD,
  TVM_TAR_COMPRESSION_XZ,
} TvmTarCompression;

/**
 * TvmTarDuplicates:
 * @TVM_TAR_DUPLICATES_REFUSE: they are an error
 * @TVM_TAR_DUPLICATES_NUMBER: the first has its name, and the others, in their order, a number in
 *   front of the suffix, as in `lib.o`, `lib-2.o` and `lib-3.o`; a name that another file has is
 *   passed over
 *
 * What becomes of files with one base name when they are packed into one archive.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_TAR_DUPLICATES_REFUSE,
  TVM_TAR_DUPLICATES_NUMBER,
} TvmTarDuplicates;

/**
 * TvmTarLinks:
 * @TVM_TAR_LINKS_REFUSE: they are an error
 * @TVM_TAR_LINKS_SKIP: they are left out
 * @TVM_TAR_LINKS_INSIDE: those that lead to something within are made, after everything else, and
 *   the others are an error. The target of a symbolic link must be relative, and `..` may only
 *   stand at its beginning, not more often than there are directories above the link in the
 *   archive; that of a hard link must be a file of the archive that comes before it.
 *
 * What becomes of the links in an archive when it is unpacked.
 *
 * Since: 1.0
 */
typedef enum
{
  TVM_TAR_LINKS_REFUSE,
  TVM_TAR_LINKS_SKIP,
  TVM_TAR_LINKS_INSIDE,
} TvmTarLinks;

/**
 * TvmTarProgressFunc:
 * @n_done: how many bytes are done: of the files when they are packed, of the archive when it is
 *   read
 * @n_total: of how many; 0 if that is not known, as for directories that are packed
 * @user_data: what was given with the function
 *
 * Is told how far packing, unpacking or listing is.
 *
 * Since: 1.0
 */
typedef void (*TvmTarProgressFunc) (guint64  n_done,
                                    guint64  n_total,
                                    gpointer user_data);

#define TVM_TYPE_TAR_OPTIONS (tvm_tar_options_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmTarOptions, tvm_tar_options, TVM, TAR_OPTIONS, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTarOptions *tvm_tar_options_new (void);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTarCompression tvm_tar_options_get_compression (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_compression (TvmTarOptions    *self,
                                      TvmTarCompression value);
TVM_SUPPORT_AVAILABLE_IN_1_0
int tvm_tar_options_get_level (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_level (TvmTarOptions *self,
                                int            value);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint tvm_tar_options_get_threads (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_threads (TvmTarOptions *self,
                                  guint          value);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTarDuplicates tvm_tar_options_get_duplicates (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_duplicates (TvmTarOptions   *self,
                                     TvmTarDuplicates value);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmTarLinks tvm_tar_options_get_links (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_links (TvmTarOptions *self,
                                TvmTarLinks    value);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_options_get_sparse (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_sparse (TvmTarOptions *self,
                                 gboolean       value);
TVM_SUPPORT_AVAILABLE_IN_1_0
gboolean tvm_tar_options_get_xattrs (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_xattrs (TvmTarOptions *self,
                                 gboolean       value);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64 tvm_tar_options_get_max_entries (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_max_entries (TvmTarOptions *self,
                                      guint64        value);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64 tvm_tar_options_get_max_size (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_max_size (TvmTarOptions *self,
                                   guint64        value);
TVM_SUPPORT_AVAILABLE_IN_1_0
guint64 tvm_tar_options_get_max_ratio (TvmTarOptions *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_max_ratio (TvmTarOptions *self,
                                    guint64        value);

TVM_SUPPORT_AVAILABLE_IN_1_0
void tvm_tar_options_set_progress (TvmTarOptions     *self,
                                   TvmTarProgressFunc func,
                                   gpointer           user_data,
                                   GDestroyNotify     destroy);

G_END_DECLS
