/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Inputs, one after the other: words of the command line, or what stands in the standard input, of
 * which no more is read than is asked for */
typedef struct _ToolInput ToolInput;

/* @words: (nullable): NULL for the standard input; they must live as long
 * @separator: what ends an input there */
ToolInput *tool_input_new          (char               **words,
                                    char                 separator);
void       tool_input_free         (ToolInput           *self);

/* Returns: (transfer full) (nullable): the next input; NULL if it has not been read yet, or if there
 * is none */
char      *tool_input_pop          (ToolInput           *self);
/* Whether there is, and will be, nothing to pop */
gboolean   tool_input_is_at_end    (ToolInput           *self);
/* How many there are in all; 0 if that is not known */
guint      tool_input_get_total    (ToolInput           *self);

/* Reads some more, when there is nothing to pop */
void       tool_input_read_async   (ToolInput           *self,
                                    GCancellable        *cancellable,
                                    GAsyncReadyCallback  callback,
                                    gpointer             user_data);
gboolean   tool_input_read_finish  (ToolInput           *self,
                                    GAsyncResult        *result,
                                    GError             **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolInput, tool_input_free)

G_END_DECLS
