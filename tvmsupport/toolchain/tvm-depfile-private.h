/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Reads the Makefile rule that -MD writes (gcc's and clang's quoting of space, #, $, backslash,
 * continuation lines, -MP phony targets). Returns: (transfer full): the prerequisites of the first
 * rule, in order, each once; an empty array if there is no rule */
char **tvm_depfile_parse (const char *contents,
                          gsize       length);

G_END_DECLS
