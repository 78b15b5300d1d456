/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * TvmFixedList: a GListModel that never changes once others have seen it, so that any thread may
 * read it. (A GListStore remembers where it was read last, without a lock.)
 */
#define TVM_TYPE_FIXED_LIST (tvm_fixed_list_get_type ())

G_DECLARE_FINAL_TYPE (TvmFixedList, tvm_fixed_list, TVM, FIXED_LIST, GObject)

TvmFixedList *tvm_fixed_list_new       (GType         item_type);
/* Only while it is built. Takes a reference. */
void          tvm_fixed_list_add       (TvmFixedList *self,
                                        gpointer      item);
guint         tvm_fixed_list_get_size  (TvmFixedList *self);

G_END_DECLS
