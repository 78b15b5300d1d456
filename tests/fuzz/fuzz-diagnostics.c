/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-private.h"

/* Whatever a compiler prints, reading it ends, and gives valid UTF-8. See README.md. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

static void
check (GListModel *list,
       guint       depth)
{
  g_assert_cmpuint (depth, <, 64);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TvmDiagnostic) self = g_list_model_get_item (list, i);
      g_autofree char *formatted = tvm_diagnostic_format (self);

      g_assert_true (g_utf8_validate (formatted, -1, NULL));
      g_assert_true (g_utf8_validate (tvm_diagnostic_get_message (self), -1, NULL));
      check (tvm_diagnostic_get_children (self), depth + 1);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr (GBytes) log = g_bytes_new (data, size);
  g_autoptr (GListStore) list = NULL;
  g_autofree char *text = NULL;
  guint n_errors = 0;
  guint n_warnings = 0;

  list = tvm_diagnostics_parse (log, g_getenv ("TVM_FUZZ_CWD"), &text, &n_errors, &n_warnings);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_cmpuint (n_errors, <=, size);
  check (G_LIST_MODEL (list), 0);
  return 0;
}
