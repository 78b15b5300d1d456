/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-search-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

void
tvm_search_add (TvmSearch  *search,
                const char *format,
                ...)
{
  g_autofree char *entry = NULL;
  va_list args;

  va_start (args, format);
  entry = g_strdup_vprintf (format, args);
  va_end (args);

  if (search->tried == NULL)
    search->tried = g_ptr_array_new_with_free_func (g_free);
  /* Two ways may lead to one place. */
  if (!g_ptr_array_find_with_equal_func (search->tried, entry, g_str_equal, NULL))
    g_ptr_array_add (search->tried, g_steal_pointer (&entry));
}

void
tvm_search_set_error (TvmSearch   *search,
                      const char  *what,
                      GError     **error)
{
  g_autoptr (GString) places = g_string_new (NULL);

  for (guint i = 0; search->tried != NULL && i < search->tried->len; i++)
    g_string_append_printf (places, "%s%s", i > 0 ? "; " : "",
                            (const char *) g_ptr_array_index (search->tried, i));

  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND, _("Could not find %s; tried: %s"), what,
               places->str);
}

void
tvm_search_clear (TvmSearch *search)
{
  g_clear_pointer (&search->tried, g_ptr_array_unref);
}
