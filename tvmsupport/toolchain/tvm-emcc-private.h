/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a module for tvmjs is linked with; ends with NULL. */
extern const char * const tvm_emcc_runtime_names[];

/* Appends lines for people: what emscripten and its modules need, or why it was not found. Runs
 * nothing. */
void  tvm_emcc_describe_tools (GString *text);

G_END_DECLS
