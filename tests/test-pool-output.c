/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the output of workers goes. While they print nobody iterates a main context, but where a
 * test waits for an asynchronous result. */

#define LARGE_SIZE (1024 * 1024)

/* Has a worker of @pool print @text. */
static void
print (TvmPoolExecutor *pool,
       const char      *function,
       const char      *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  value = tvm_pool_executor_call (pool, function, g_variant_new ("(s)", text), NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (value);
}

static void
assert_written (GOutputStream *stream,
                const char    *expected)
{
  GMemoryOutputStream *memory = G_MEMORY_OUTPUT_STREAM (stream);

  g_assert_cmpmem (g_memory_output_stream_get_data (memory),
                   g_memory_output_stream_get_data_size (memory), expected, strlen (expected));
}

static void
test_capture (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autoptr (TvmTask) task = tvm_task_new ("write_stdout", g_variant_new ("(s)", "to fd 1\n"));
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;
  GBytes *output;

  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  pool = pool_fixture_pool (fixture);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  output = tvm_task_result_get_stdout (result);
  g_assert_cmpmem (g_bytes_get_data (output, NULL), g_bytes_get_size (output), "to fd 1\n", 8);
  pool_fixture_end (pool);
}

static void
test_file (PoolFixture   *fixture,
           gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "log");
  g_autofree char *contents = NULL;
  TvmPoolExecutor *pool;

  g_assert_true (g_file_set_contents (path, "before\n", -1, NULL));
  tvm_worker_spec_set_stdout_path (fixture->spec, path);
  tvm_worker_spec_set_stderr_path (fixture->spec, path);
  pool = pool_fixture_pool (fixture);
  print (pool, "write_stdout", "to fd 1\n");
  print (pool, "write_stderr", "to fd 2\n");
  pool_fixture_end (pool);

  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "before\nto fd 1\nto fd 2\n");
}

/* It is not waited for until somebody reads from it. */
static void
test_fifo (PoolFixture   *fixture,
           gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "fifo");
  g_autofree char *expected = NULL;
  g_autofree char *text = g_strnfill (4096, 'x');
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[4096];
  TvmPoolExecutor *pool;
  int fd;

  g_assert_no_errno (mkfifo (path, 0600));
  tvm_worker_spec_set_stdout_path (fixture->spec, path);
  pool = pool_fixture_pool (fixture);
  value = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  expected = g_strdup_printf ("Could not open “%s”: nobody reads from it", path);
  g_assert_nonnull (strstr (error->message, expected));

  /* Writes to it block, as the task expects. */
  fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_no_errno (fd);
  print (pool, "write_stdout", text);
  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, sizeof buffer);
  pool_fixture_end (pool);
  close (fd);
}

static void
test_stream (PoolFixture   *fixture,
             gconstpointer  data)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  tvm_worker_spec_set_stderr_stream (fixture->spec, stream);
  pool = tvm_pool_executor_new (fixture->spec, 1);
  print (pool, "write_stdout", "to fd 1\n");
  print (pool, "write_stderr", "to fd 2\n");
  print (pool, "write_stdout", "again\n");
  pool_fixture_end (pool);
  assert_written (stream, "to fd 1\nto fd 2\nagain\n");
  g_assert_false (g_output_stream_is_closed (stream));
}

/* More than a pipe holds, with nobody there who would iterate anything */
static void
test_large_stream (PoolFixture   *fixture,
                   gconstpointer  data)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autofree char *text = g_strnfill (LARGE_SIZE, 'x');
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pool = pool_fixture_pool (fixture);
  print (pool, "write_stdout", text);
  pool_fixture_end (pool);
  assert_written (stream, text);
}

static void
test_shared_stream (PoolFixture   *fixture,
                    gconstpointer  data)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autofree char *text = g_strnfill (LARGE_SIZE, 'x');
  g_autofree char *twice = g_strnfill (2 * LARGE_SIZE, 'x');
  g_autoptr (TvmTask) task = tvm_task_new ("write_stdout", g_variant_new ("(s)", text));
  g_autoptr (GAsyncResult) async = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pools[2];

  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pools[0] = pool_fixture_pool (fixture);
  pools[1] = pool_fixture_pool (fixture);
  tvm_pool_executor_submit_async (pools[0], task, NULL, pool_fixture_ready, &async);
  print (pools[1], "write_stdout", text);
  result = tvm_pool_executor_submit_finish (pools[0], pool_fixture_wait (&async), &error);
  g_assert_no_error (error);
  g_clear_object (&async);
  pool_fixture_end (pools[0]);
  pool_fixture_end (pools[1]);
  assert_written (stream, twice);
}

/* Nobody dies of a stream that takes nothing, nor waits for it. */
static void
test_closed_stream (PoolFixture   *fixture,
                    gconstpointer  data)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autofree char *text = g_strnfill (LARGE_SIZE, 'x');
  TvmPoolExecutor *pool;

  g_assert_true (g_output_stream_close (stream, NULL, NULL));
  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pool = pool_fixture_pool (fixture);
  print (pool, "write_stdout", text);
  print (pool, "write_stdout", text);
  pool_fixture_end (pool);
}

static void
test_stream_of_descriptor (PoolFixture   *fixture,
                           gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "log");
  g_autofree char *contents = NULL;
  g_autoptr (GOutputStream) stream = NULL;
  TvmPoolExecutor *pool;
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  g_assert_no_errno (fd);
  stream = g_unix_output_stream_new (fd, TRUE);
  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pool = pool_fixture_pool (fixture);

  /* The pool has it already. */
  g_assert_true (g_output_stream_close (stream, NULL, NULL));
  print (pool, "write_stdout", "to fd 1\n");
  pool_fixture_end (pool);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "to fd 1\n");
}

/* One that was never used, and one whose worker may be killed while it prints */
static void
test_drop (PoolFixture   *fixture,
           gconstpointer  data)
{
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autofree char *text = g_strnfill (LARGE_SIZE, 'x');
  g_autoptr (TvmTask) task = tvm_task_new ("write_stdout", g_variant_new ("(s)", text));
  g_autoptr (GAsyncResult) async = NULL;
  TvmPoolExecutor *pool;

  tvm_worker_spec_set_stdout_stream (fixture->spec, stream);
  pool = pool_fixture_pool (fixture);
  pool_fixture_end (pool);

  pool = pool_fixture_pool (fixture);
  tvm_pool_executor_submit_async (pool, task, NULL, pool_fixture_ready, &async);
  g_assert_true (tvm_pool_executor_shutdown (pool, TVM_SHUTDOWN_MODE_CANCEL, NULL, NULL));
  g_object_unref (pool);
  pool_fixture_wait (&async);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-output/capture", test_capture);
  pool_fixture_add ("/pool-output/file", test_file);
  pool_fixture_add ("/pool-output/fifo", test_fifo);
  pool_fixture_add ("/pool-output/stream", test_stream);
  pool_fixture_add ("/pool-output/stream/large", test_large_stream);
  pool_fixture_add ("/pool-output/stream/shared", test_shared_stream);
  pool_fixture_add ("/pool-output/stream/closed", test_closed_stream);
  pool_fixture_add ("/pool-output/stream/descriptor", test_stream_of_descriptor);
  pool_fixture_add ("/pool-output/drop", test_drop);

  return g_test_run ();
}
