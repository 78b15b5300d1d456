/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-fixed-list-private.h"

struct _TvmFixedList
{
  GObject parent_instance;

  GType item_type;
  GPtrArray *items; /* (element-type GObject) (owned) */
};

static void tvm_fixed_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TvmFixedList, tvm_fixed_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      tvm_fixed_list_model_init))

static GType
tvm_fixed_list_get_item_type (GListModel *model)
{
  return TVM_FIXED_LIST (model)->item_type;
}

static guint
tvm_fixed_list_get_n_items (GListModel *model)
{
  return TVM_FIXED_LIST (model)->items->len;
}

static gpointer
tvm_fixed_list_get_item (GListModel *model,
                         guint       position)
{
  TvmFixedList *self = TVM_FIXED_LIST (model);

  if (position >= self->items->len)
    return NULL;

  return g_object_ref (g_ptr_array_index (self->items, position));
}

static void
tvm_fixed_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = tvm_fixed_list_get_item_type;
  iface->get_n_items = tvm_fixed_list_get_n_items;
  iface->get_item = tvm_fixed_list_get_item;
}

static void
tvm_fixed_list_finalize (GObject *object)
{
  TvmFixedList *self = TVM_FIXED_LIST (object);

  g_ptr_array_unref (self->items);

  G_OBJECT_CLASS (tvm_fixed_list_parent_class)->finalize (object);
}

static void
tvm_fixed_list_class_init (TvmFixedListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tvm_fixed_list_finalize;
}

static void
tvm_fixed_list_init (TvmFixedList *self)
{
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
}

TvmFixedList *
tvm_fixed_list_new (GType item_type)
{
  TvmFixedList *self = g_object_new (TVM_TYPE_FIXED_LIST, NULL);

  self->item_type = item_type;
  return self;
}

void
tvm_fixed_list_add (TvmFixedList *self,
                    gpointer      item)
{
  g_ptr_array_add (self->items, g_object_ref (item));
}

guint
tvm_fixed_list_get_size (TvmFixedList *self)
{
  return self->items->len;
}
