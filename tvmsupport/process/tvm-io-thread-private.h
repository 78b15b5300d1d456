/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The I/O thread of the library: one per process, started at first use, never ended. Everything
 * that waits for a process is a source on its context, so that work goes on with no main loop
 * running and costs a running one nothing. What runs here must not block.
 *
 * A child that the application forks has no such thread; it gets its own at its first use.
 */

/* Returns: (transfer none): the context that the I/O thread iterates and that is its
 * thread-default, or NULL with an error if there can be no thread */
GMainContext *tvm_io_thread_get_context (GError     **error);

/* Whether this process is a fork of one that had the library loaded. Other threads, like that of
 * GLib which reaps for GSubprocess, may then be missing. */
gboolean      tvm_io_thread_is_forked   (void);

/* Returns: another number in each process of a line of forks */
guint         tvm_io_thread_get_generation (void);

/* Cancels on the I/O thread. */
void          tvm_io_thread_cancel_later (GCancellable  *cancellable);

/* Calls @func once on the I/O thread whose context @context is. */
void          tvm_io_thread_invoke      (GMainContext   *context,
                                         GSourceFunc     func,
                                         gpointer        user_data,
                                         const char     *name);

/* Makes a source of the I/O thread that calls @func. Returns: (transfer full) */
GSource      *tvm_io_thread_attach      (GMainContext   *context,
                                         GSource        *source,
                                         GSourceFunc     func,
                                         gpointer        user_data,
                                         const char     *name);

/* Removes the source that @source points to, if any. */
void          tvm_io_thread_clear       (GSource       **source);

G_END_DECLS
