/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* TvmSearch: the places that were tried, each with the reason why it did not serve. */
typedef struct
{
  GPtrArray *tried; /* (element-type utf8) */
} TvmSearch;

#define TVM_SEARCH_INIT { NULL }

void  tvm_search_add       (TvmSearch  *search,
                            const char *format,
                            ...) G_GNUC_PRINTF (2, 3);
/* Sets TVM_ERROR_NOT_FOUND: "Could not find @what; tried: …" */
void  tvm_search_set_error (TvmSearch  *search,
                            const char *what,
                            GError    **error);
void  tvm_search_clear     (TvmSearch  *search);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TvmSearch, tvm_search_clear)

G_END_DECLS
