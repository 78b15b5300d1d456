/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>

/* What a command has around it, and what is said about one that fails. */

static TvmTaskResult *
run (TvmPoolExecutor    *pool,
     const char * const *argv,
     guint64             output_limit)
{
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (GError) error = NULL;
  TvmTaskResult *result;

  tvm_task_set_output_limit (task, output_limit);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  return result;
}

static void
assert_output (TvmTaskResult *result,
               const char    *text)
{
  GBytes *bytes = tvm_task_result_get_stdout (result);

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static void
test_truncated (PoolFixture   *fixture,
                gconstpointer  data)
{
  static const char * const both[] = {
    "sh", "-c", "printf 0123456789 >&2; printf 0123456789", NULL
  };
  static const char * const one[] = { "sh", "-c", "printf 0123456789 >&2", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 1);
  g_autoptr (TvmTaskResult) whole = run (pool, both, 10);
  g_autoptr (TvmTaskResult) cut = run (pool, both, 6);
  g_autoptr (TvmTaskResult) half = run (pool, one, 9);
  gboolean truncated;

  g_assert_false (tvm_task_result_get_truncated (whole));
  assert_output (whole, "0123456789");
  g_assert_true (tvm_task_result_get_truncated (cut));
  assert_output (cut, "012\n[... 4 bytes left out ...]\n789");
  g_assert_true (tvm_task_result_get_truncated (half));
  g_object_get (half, "truncated", &truncated, NULL);
  g_assert_true (truncated);
  pool_fixture_end (pool);
}

/* What the spec says holds where the task says nothing else. */
static void
test_surroundings (PoolFixture   *fixture,
                   gconstpointer  data)
{
  static const char * const argv[] = { "./show", NULL };
  static const char * const of_spec[] = { "A=spec", "B=spec", NULL };
  static const char * const of_task[] = { "B=task", NULL };
  g_autofree char *folder = process_fixture_path (&fixture->process, "folder");
  g_autofree char *program = g_build_filename (folder, "show", NULL);
  g_autofree char *expected = NULL;
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  g_assert_no_errno (g_mkdir (folder, 0700));
  g_file_set_contents (program, "#!/bin/sh\necho $A $B; pwd -P\n", -1, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (program, 0700));
  tvm_worker_spec_set_working_directory (spec, folder);
  tvm_worker_spec_set_environment (spec, of_spec);
  tvm_task_set_environment (task, of_task);

  pool = tvm_pool_executor_new (spec, 1);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  expected = g_strdup_printf ("spec task\n%s\n", folder);
  assert_output (result, expected);
  pool_fixture_end (pool);
}

/* Each fails with a message that has the reason. */
static void
test_reasons (PoolFixture   *fixture,
              gconstpointer  data)
{
  static const char * const argv[] = { "true", NULL };
  g_autofree char *script = process_fixture_path (&fixture->process, "script");
  const char * const bare[] = { script, NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  TvmPoolExecutor *pool = tvm_pool_executor_new (spec, 1);
  g_autoptr (TvmTask) lost = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (TvmTaskResult) no_program = NULL;
  g_autoptr (GError) error = NULL;

  tvm_task_set_working_directory (lost, "/no/such/folder");
  result = tvm_pool_executor_submit (pool, lost, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (tvm_task_result_get_error (result)->message, "“/no/such/folder”"));

  g_file_set_contents (script, "echo\n", -1, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (script, 0700));
  no_program = run (pool, bare, 100);
  g_assert_nonnull (strstr (tvm_task_result_get_error (no_program)->message, "“#!”"));
  pool_fixture_end (pool);
}

/* What is wrong with the workers is no matter of the task, which no worker got. */
static void
test_launcher (PoolFixture   *fixture,
               gconstpointer  data)
{
  static const char * const argv[] = { "true", NULL };
  static const char * const launcher[] = { "env", NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_launcher (spec, launcher);
  pool = tvm_pool_executor_new (spec, 1);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_null (result);
  pool_fixture_assert_error (error, TVM_ERROR_INVALID_ARGUMENT, "Commands have no launcher");
  pool_fixture_end (pool);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-commands/truncated", test_truncated);
  pool_fixture_add ("/pool-commands/surroundings", test_surroundings);
  pool_fixture_add ("/pool-commands/reasons", test_reasons);
  pool_fixture_add ("/pool-commands/launcher", test_launcher);

  return g_test_run ();
}
