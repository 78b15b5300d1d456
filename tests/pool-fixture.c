/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"

#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_USEC (20 * G_USEC_PER_SEC)

char *
pool_fixture_get_module (void)
{
  return g_test_build_filename (G_TEST_BUILT, "worker-module.so", NULL);
}

static char *temporary;

static void
remove_temporary (void)
{
  rmdir (temporary);
  g_free (temporary);
}

/* Before anything asks for the directory, which GLib remembers */
static void
make_temporary (void)
{
  const char *parent = g_getenv ("TMPDIR");

  temporary = g_build_filename (parent != NULL ? parent : "/tmp", "tvm-test-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (temporary));
  g_setenv ("TMPDIR", temporary, TRUE);
  atexit (remove_temporary);
}

static void
assert_no_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (temporary, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

void
pool_fixture_warm_up (void)
{
  g_autofree char *module = pool_fixture_get_module ();
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module (module);
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (spec, 1);

  make_temporary ();
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
  assert_no_file ();
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

static void
other_done (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  PoolOthers *others = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) outcome =
    tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);

  others->n_done++;
  if (outcome != NULL && tvm_task_result_check (outcome, &error))
    others->n_good++;
  else
    g_test_message ("%s", error->message);
}

void
pool_fixture_submit_others (TvmPoolExecutor *pool,
                            GCancellable    *cancellable,
                            PoolOthers      *others)
{
  for (int i = 0; i < POOL_FIXTURE_N_OTHERS; i++)
    {
      g_autoptr (TvmTask) task = tvm_task_new ("add", g_variant_new ("(ii)", i, i));

      tvm_pool_executor_submit_async (pool, task, cancellable, other_done, others);
    }
}

void
pool_fixture_finish_others (PoolOthers *others)
{
  while (others->n_done < POOL_FIXTURE_N_OTHERS)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (others->n_good, ==, POOL_FIXTURE_N_OTHERS);
}

void
pool_fixture_assert_error (const GError *error,
                           int           code,
                           const char   *part)
{
  g_assert_error (error, TVM_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” is not in “%s”", part, error->message);
}

void
pool_fixture_assert_failed (TvmPoolExecutor  *pool,
                            GAsyncResult    **async,
                            int               code,
                            const char       *part)
{
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit_finish (pool, pool_fixture_wait (async), &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  pool_fixture_assert_error (error, code, part);
}

/* After what is no frame nothing can be understood that the worker says, so that answers to calls
 * that were sent ahead would be lost. */
void
pool_fixture_assert_fails (TvmPoolExecutor *pool,
                           TvmTask         *task,
                           int              code,
                           const char      *part)
{
  g_autoptr (TvmTask) owned = task;
  g_autoptr (GCancellable) cancellable = code == TVM_ERROR_PROTOCOL ? g_cancellable_new () : NULL;
  g_autoptr (GAsyncResult) async = NULL;
  PoolOthers others = { 0, 0 };

  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  pool_fixture_submit_others (pool, cancellable, &others);
  pool_fixture_assert_failed (pool, &async, code, part);
  pool_fixture_finish_others (&others);
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
  guint n;

  while ((n = process_fixture_count_alive (&self->process)) != n_alive
         && g_get_monotonic_time () < limit)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }

  g_assert_cmpuint (n, ==, n_alive);
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

/* What comes behind the name of the process, which may hold anything */
static void
read_stat (int   pid,
           char *state,
           int  *parent)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;

  g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
  g_assert_cmpint (sscanf (strrchr (stat, ')') + 1, " %c %d", state, parent), ==, 2);
}

int
pool_fixture_get_parent (int pid)
{
  char state;
  int parent;

  read_stat (pid, &state, &parent);
  return parent;
}

void
pool_fixture_wait_state (int  pid,
                         char state)
{
  gint64 limit = g_get_monotonic_time () + LIMIT_USEC;
  char now;
  int parent;

  for (read_stat (pid, &now, &parent); now != state; read_stat (pid, &now, &parent))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, limit);
      g_usleep (200);
    }
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
