/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @argv is so long that it should go to a response file */
gboolean tvm_command_line_is_long      (const char * const *argv);

/* Whether the kernel would refuse @argv with @environ_, on the safe side by @reserve bytes; then
 * sets TVM_ERROR_INVALID_ARGUMENT with the sizes */
gboolean tvm_command_line_check        (const char * const  *argv,
                                        const char * const  *environ_,
                                        gsize                reserve,
                                        GError             **error);

/* Returns: (transfer full): @arguments as libiberty's buildargv() reads them from a file */
GBytes  *tvm_command_line_to_gnu_file  (const char * const  *arguments);

G_END_DECLS
