/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-worker.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A program that is its own worker, one that ought to be, and one without stdio. */

/* What this program does instead */
#define MODE "TVM_TEST_SELF_MODE"

static gboolean
has_mode (const char *mode)
{
  return g_strcmp0 (g_getenv (MODE), mode) == 0;
}

static TvmPoolExecutor *
make_pool (TvmWorkerStart start)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_self ();

  tvm_worker_spec_set_start (spec, start);
  return tvm_pool_executor_new (spec, 2);
}

static GVariant *
square (GVariant      *args,
        GCancellable  *cancellable,
        gpointer       user_data,
        GError       **error)
{
  gint64 number;

  g_variant_get (args, "(x)", &number);
  return g_variant_new_int64 (number * number);
}

/* A file that this program has before main(), as a library may */
static int early_file = -1;

__attribute__ ((constructor)) static void
open_early_file (void)
{
  early_file = memfd_create ("early", MFD_CLOEXEC);
}

static GVariant *
look_at_file (GVariant      *args,
              GCancellable  *cancellable,
              gpointer       user_data,
              GError       **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", early_file);
  g_autofree char *target = g_file_read_link (path, error);

  return target != NULL ? g_variant_new_string (target) : NULL;
}

/* A task that has pools of its own: of this program, and of commands */
static GVariant *
nest (GVariant      *args,
      GCancellable  *cancellable,
      gpointer       user_data,
      GError       **error)
{
  static const char * const argv[] = { "echo", "below", NULL };
  g_autoptr (TvmPoolExecutor) pool = make_pool (TVM_WORKER_START_WARM);
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmPoolExecutor) commands = tvm_pool_executor_new (spec, 1);
  g_autoptr (TvmTask) command = tvm_task_new_command (argv);
  g_autoptr (TvmTaskResult) result = NULL;
  GVariant *value;
  GBytes *output;

  result = tvm_pool_executor_submit (commands, command, NULL, error);
  if (result == NULL)
    return NULL;

  output = tvm_task_result_get_stdout (result);
  g_assert_cmpmem (g_bytes_get_data (output, NULL), g_bytes_get_size (output), "below\n", 6);
  value = tvm_pool_executor_call (pool, "square", g_variant_ref (args), NULL, error);
  tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_DRAIN, NULL, NULL);
  tvm_pool_executor_shutdown (commands, TVM_SHUTDOWN_MODE_DRAIN, NULL, NULL);
  return value;
}

/* What a program does that does not know that it was started as a worker */
static int
run_unaware (void)
{
  g_autoptr (TvmPoolExecutor) pool = make_pool (TVM_WORKER_START_WARM);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  value = tvm_pool_executor_call (pool, "square", g_variant_new ("(x)", (gint64) 2), NULL, &error);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_printerr ("%s\n", error->message);
  return EXIT_FAILURE;
}

/* What a program does whose stdio was closed. Returns: where what it inherits leads to; %NULL if its
 * own place was taken by something of the library */
static char *
look_at_stdio (void)
{
  static const char * const argv[] = {
    "sh", "-c", "echo $(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2) > \"$0\"",
    NULL, NULL,
  };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmPoolExecutor) pool = tvm_pool_executor_new (spec, 1);
  g_autofree const char **words = g_memdup2 (argv, sizeof argv);
  g_autoptr (TvmTask) task = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  char *text = NULL;

  words[3] = g_getenv ("TVM_TEST_SELF_FILE");
  task = tvm_task_new_command (words);
  tvm_task_set_inherit_stdio (task, TRUE);
  result = tvm_pool_executor_submit (pool, task, NULL, NULL);
  for (int fd = 0; fd < 3; fd++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *link = g_file_read_link (path, NULL);

      /* Those of main contexts and of GSubprocess are made by GLib. */
      if (link != NULL && !g_str_equal (link, "anon_inode:[eventfd]")
          && !g_str_equal (link, "anon_inode:[pidfd]"))
        return NULL;
    }

  g_file_get_contents (words[3], &text, NULL, NULL);
  return text;
}

static int
run_closed (void)
{
  g_autofree char *text = NULL;
  int old_stderr = dup (STDERR_FILENO);

  for (int fd = 0; fd < 3; fd++)
    close (fd);
  text = look_at_stdio ();
  dup2 (old_stderr, STDERR_FILENO);
  g_assert_cmpstr (text, ==, "/dev/null /dev/null /dev/null\n");
  return EXIT_SUCCESS;
}

static GVariant *
call_square (GError **error)
{
  TvmPoolExecutor *pool = make_pool (TVM_WORKER_START_FRESH);
  GVariant *value = tvm_pool_executor_call (pool, "square", g_variant_new ("(x)", (gint64) 2), NULL,
                                            error);

  pool_fixture_end (pool);
  return value;
}

/* What a program does that is replaced while it runs, and then removed */
static int
run_replaced (const char *path)
{
  g_autofree char *contents = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) none = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_unsetenv (MODE);
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_no_errno (unlink (path));
  g_assert_true (g_file_set_contents_full (path, contents, (gssize) length,
                                           G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  value = call_square (&error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 4);

  g_assert_no_errno (unlink (path));
  none = call_square (&error);
  g_assert_null (none);
  pool_fixture_assert_error (error, TVM_ERROR_NOT_FOUND, path);
  return EXIT_SUCCESS;
}

static void
assert_square (TvmPoolExecutor *pool,
               const char      *function)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  value = tvm_pool_executor_call (pool, function, g_variant_new ("(x)", (gint64) 12), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 144);
}

static void
test_calls (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = make_pool (GPOINTER_TO_INT (data));

  assert_square (pool, "square");
  pool_fixture_end (pool);
}

static void
test_nested (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = make_pool (GPOINTER_TO_INT (data));

  assert_square (pool, "nest");
  pool_fixture_end (pool);
}

static void
test_early_file (PoolFixture   *fixture,
                 gconstpointer  data)
{
  TvmPoolExecutor *pool = make_pool (GPOINTER_TO_INT (data));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  value = tvm_pool_executor_call (pool, "look-at-file", g_variant_new ("()"), NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, "/memfd:early (deleted)");
  pool_fixture_end (pool);
}

/* Its workers would make pools, whose workers would make pools. */
static void
test_unaware (PoolFixture   *fixture,
              gconstpointer  data)
{
  TvmPoolExecutor *pool = make_pool (GPOINTER_TO_INT (data));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv (MODE, "unaware", TRUE);
  value = tvm_pool_executor_call (pool, "square", g_variant_new ("(x)", (gint64) 2), NULL, &error);
  g_unsetenv (MODE);
  g_assert_null (value);
  pool_fixture_assert_error (error, TVM_ERROR_WORKER_DIED,
                             "test-pool-self” call tvm_worker_main() first?)");
  if (GPOINTER_TO_INT (data) == TVM_WORKER_START_WARM)
    g_assert_nonnull (strstr (error->message, "was started as its own worker"));
  pool_fixture_end (pool);
}

/* What the library opens does not become the stdio of anybody. */
static void
test_closed_stdio (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *path = process_fixture_path (&fixture->process, "links");
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_setenv (launcher, MODE, "closed", TRUE);
  g_subprocess_launcher_setenv (launcher, "TVM_TEST_SELF_FILE", path, TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, program, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

static void
test_replaced (PoolFixture   *fixture,
               gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *path = process_fixture_path (&fixture->process, "program");
  g_autoptr (GFile) program = g_file_new_for_path ("/proc/self/exe");
  g_autoptr (GFile) copy = g_file_new_for_path (path);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  g_file_copy (program, copy, G_FILE_COPY_NONE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (path, 0700));
  g_subprocess_launcher_setenv (launcher, MODE, "replaced", TRUE);
  process = g_subprocess_launcher_spawn (launcher, &error, path, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  if (has_mode ("unaware"))
    return run_unaware ();
  if (has_mode ("closed"))
    return run_closed ();

  tvm_worker_add_function ("square", square, NULL, NULL);
  tvm_worker_add_function ("nest", nest, NULL, NULL);
  tvm_worker_add_function ("look-at-file", look_at_file, NULL, NULL);
  tvm_worker_main (argc, argv);
  if (has_mode ("replaced"))
    return run_replaced (argv[0]);

  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

#define ADD(path, start, func)                                                                     \
  g_test_add (path, PoolFixture, GINT_TO_POINTER (start), pool_fixture_set_up, func,               \
              pool_fixture_tear_down)

  ADD ("/pool-self/calls/warm", TVM_WORKER_START_WARM, test_calls);
  ADD ("/pool-self/calls/fresh", TVM_WORKER_START_FRESH, test_calls);
  ADD ("/pool-self/early-file/warm", TVM_WORKER_START_WARM, test_early_file);
  ADD ("/pool-self/early-file/fresh", TVM_WORKER_START_FRESH, test_early_file);
  ADD ("/pool-self/nested/warm", TVM_WORKER_START_WARM, test_nested);
  ADD ("/pool-self/nested/fresh", TVM_WORKER_START_FRESH, test_nested);
  ADD ("/pool-self/unaware/warm", TVM_WORKER_START_WARM, test_unaware);
  ADD ("/pool-self/unaware/fresh", TVM_WORKER_START_FRESH, test_unaware);
  ADD ("/pool-self/replaced", TVM_WORKER_START_FRESH, test_replaced);
  ADD ("/pool-self/closed-stdio", TVM_WORKER_START_WARM, test_closed_stdio);

  return g_test_run ();
}
