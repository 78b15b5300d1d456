/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if !defined(TVM_SUPPORT_INSIDE) && !defined(TVM_SUPPORT_COMPILATION)
#error "Only <tvmsupport/tvmsupport.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tvmsupport/pool/tvm-task-result.h>
#include <tvmsupport/pool/tvm-task.h>
#include <tvmsupport/tvm-version-macros.h>

G_BEGIN_DECLS

/**
 * TvmMapFlags:
 * @TVM_MAP_FLAGS_NONE: results come in the order of their tasks
 * @TVM_MAP_FLAGS_UNORDERED: results come as they are ready
 *
 * How a [class@TvmSupport.MapIterator] gives its results.
 *
 * Since: 1.0
 */
typedef enum /*< flags >*/
{
  TVM_MAP_FLAGS_NONE = 0,
  TVM_MAP_FLAGS_UNORDERED = 1 << 0,
} TvmMapFlags;

/**
 * TvmMapFunc:
 * @user_data: (closure): what was given with the function
 *
 * Makes the next task of a [class@TvmSupport.MapIterator]. It is called in the thread that asks
 * the iterator for a result, and only as far ahead as the iterator's look-ahead reaches.
 *
 * Returns: (transfer full) (nullable): the next task, or %NULL when there are no more
 *
 * Since: 1.0
 */
typedef TvmTask *(*TvmMapFunc) (gpointer user_data);

#define TVM_TYPE_MAP_ITERATOR (tvm_map_iterator_get_type ())

TVM_SUPPORT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TvmMapIterator, tvm_map_iterator, TVM, MAP_ITERATOR, GObject)

TVM_SUPPORT_AVAILABLE_IN_1_0
guint         tvm_map_iterator_get_look_ahead (TvmMapIterator       *self);
TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_map_iterator_set_look_ahead (TvmMapIterator       *self,
                                               guint                 look_ahead);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmMapResult *tvm_map_iterator_next           (TvmMapIterator       *self,
                                               GCancellable         *cancellable,
                                               GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_map_iterator_next_async     (TvmMapIterator       *self,
                                               GCancellable         *cancellable,
                                               GAsyncReadyCallback   callback,
                                               gpointer              user_data);
TVM_SUPPORT_AVAILABLE_IN_1_0
TvmMapResult *tvm_map_iterator_next_finish    (TvmMapIterator       *self,
                                               GAsyncResult         *result,
                                               GError              **error);
TVM_SUPPORT_AVAILABLE_IN_1_0
void          tvm_map_iterator_close          (TvmMapIterator       *self);

G_END_DECLS
