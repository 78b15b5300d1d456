/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define LIMIT_USEC (20 * G_USEC_PER_SEC)

char *
pool_fixture_get_module (void)
{
  return g_test_build_filename (G_TEST_BUILT, "worker-module.so", NULL);
}

void
pool_fixture_warm_up (void)
{
  g_autofree char *module = pool_fixture_get_module ();
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module (module);
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (spec, 1);

  process_fixture_warm_up ();
  pool_fixture_assert_sum (pool, 1, 1);
  pool_fixture_end (g_steal_pointer (&pool));
}

void
pool_fixture_set_up (PoolFixture   *self,
                     gconstpointer  data)
{
  g_autofree char *module = pool_fixture_get_module ();

  process_fixture_set_up (&self->process, data);
  g_setenv ("FAKE_TOOL_MARK", self->process.mark, TRUE);
  self->spec = tvm_worker_spec_new_module (module);
}

void
pool_fixture_tear_down (PoolFixture   *self,
                        gconstpointer  data)
{
  g_clear_object (&self->spec);
  pool_fixture_wait_alive (self, 0);
  process_fixture_tear_down (&self->process, data);
}

TvmPoolExecutor *
pool_fixture_pool (PoolFixture *self)
{
  return tvm_pool_executor_new (self->spec, 2);
}

void
pool_fixture_end (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  gboolean ended = tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_DRAIN, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ended);
  g_object_unref (pool);
}

void
pool_fixture_assert_sum (TvmPoolExecutor *pool,
                         int              a,
                         int              b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sum = tvm_pool_executor_call (pool, "add", g_variant_new ("(ii)", a, b),
                                                     NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (sum), ==, a + b);
}

void
pool_fixture_assert_same (GVariant *value,
                          GVariant *expected)
{
  g_assert_cmpstr (g_variant_get_type_string (value), ==, g_variant_get_type_string (expected));
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value),
                   g_variant_get_data (expected), g_variant_get_size (expected));
}

void
pool_fixture_ready (GObject      *source,
                    GAsyncResult *result,
                    gpointer      user_data)
{
  GAsyncResult **place = user_data;

  g_assert_null (*place);
  *place = g_object_ref (result);
}

GAsyncResult *
pool_fixture_wait (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *result;
}

void
pool_fixture_wait_alive (PoolFixture *self,
                         guint        n_alive)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;

  while (process_fixture_count_alive (&self->process) != n_alive && g_get_monotonic_time () < limit)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }

  g_assert_cmpuint (process_fixture_count_alive (&self->process), ==, n_alive);
}

int
pool_fixture_read_pid (const char *path)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;
  g_autofree char *contents = NULL;

  while (!g_file_get_contents (path, &contents, NULL, NULL) || contents[0] == '\0')
    {
      g_clear_pointer (&contents, g_free);
      g_assert_cmpint (g_get_monotonic_time (), <, limit);
      g_usleep (1000);
    }

  return atoi (contents);
}

void
pool_fixture_wait_dead (int pid)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;

  while (kill (pid, 0) == 0 && g_get_monotonic_time () < limit)
    g_usleep (200);

  g_assert_cmpint (kill (pid, 0), ==, -1);
  g_assert_cmpint (errno, ==, ESRCH);
}
