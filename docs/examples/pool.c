/* SPDX-License-Identifier: Apache-2.0 */
/* Counts how many steps numbers are away from 1, in other processes: pool NUMBER… */
/* [example] */
#include <locale.h>
#include <tvmsupport/tvmsupport.h>

/* Called in a worker. For 0 it does not end. */
static GVariant *
count_steps (GVariant      *args,
             GCancellable  *cancellable,
             gpointer       user_data,
             GError       **error)
{
  guint64 number = g_variant_get_uint64 (args);
  guint32 n_steps = 0;

  for (; number != 1; n_steps++)
    number = number % 2 == 0 ? number / 2 : 3 * number + 1;

  return g_variant_new_uint32 (n_steps);
}

int
main (int    argc,
      char **argv)
{
  g_autofree GVariant **numbers = g_new0 (GVariant *, argc);
  g_autoptr (TvmWorkerSpec) spec = NULL;
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (TvmMapIterator) results = NULL;
  g_autoptr (TvmMapResult) result = NULL;
  g_autoptr (GError) error = NULL;

  /* The workers are this program too: in a worker, the second line does not return. */
  tvm_worker_add_function ("count_steps", count_steps, NULL, NULL);
  tvm_worker_main (argc, argv);
  setlocale (LC_ALL, "");

  for (int i = 1; i < argc; i++)
    numbers[i - 1] = g_variant_new_uint64 (g_ascii_strtoull (argv[i], NULL, 10));

  spec = tvm_worker_spec_new_self ();
  pool = tvm_pool_executor_new (spec, 0);
  tvm_pool_executor_set_timeout (pool, 500);
  results = tvm_pool_executor_map (pool, "count_steps", numbers, argc - 1, TVM_MAP_FLAGS_NONE);
  while ((result = tvm_map_iterator_next (results, NULL, &error)) != NULL)
    {
      const char *number = argv[1 + tvm_map_result_get_index (result)];

      if (tvm_map_result_get_status (result) == TVM_STATUS_KIND_COMPLETE)
        g_print ("%s: %u steps\n", number,
                 g_variant_get_uint32 (tvm_map_result_get_value (result)));
      else
        g_print ("%s: %s\n", number, tvm_map_result_get_error (result)->message);
      g_clear_object (&result);
    }

  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return error == NULL ? 0 : 1;
}
