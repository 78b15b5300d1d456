/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * TvmSync: the one way in which a blocking call is made from its async form.
 *
 *   g_auto (TvmSync) sync = TVM_SYNC_INIT;
 *
 *   if (!tvm_sync_begin (&sync, error))
 *     return NULL;
 *   tvm_foo_async (self, …, cancellable, tvm_sync_ready, &sync);
 *   return tvm_foo_finish (self, tvm_sync_wait (&sync), error);
 *
 * Between begin and the end of the scope a private GMainContext is the thread's default, so the
 * async call runs in it; the context of the caller is never iterated. At the end of the scope the
 * sources that the call left behind are drained before the context goes away.
 */
typedef struct
{
  GMainContext *context;
  GAsyncResult *result;
} TvmSync;

#define TVM_SYNC_INIT { NULL, NULL }

gboolean      tvm_sync_can_make_context (GError **error);
gboolean      tvm_sync_begin (TvmSync      *sync,
                              GError      **error) G_GNUC_WARN_UNUSED_RESULT;
void          tvm_sync_ready (GObject      *source,
                              GAsyncResult *result,
                              gpointer      user_data);
GAsyncResult *tvm_sync_wait  (TvmSync      *sync);
void          tvm_sync_end   (TvmSync      *sync);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmSync, tvm_sync_end)

G_END_DECLS
