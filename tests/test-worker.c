/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "worker-fixture.h"

#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/worker/tvm-worker.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The worker of C functions: tvmsupport-worker with a module, and this program as its own worker.
 */

#define FAILED "tvm-error-quark:0"
#define INVALID "tvm-error-quark:1"
#define NOT_FOUND "tvm-error-quark:2"
#define INVALID_DATA "g-io-error-quark:35"
#define TOO_LARGE "g-io-error-quark:46"

#define EXITED(code) W_EXITCODE (code, 0)

static GVariant *
unit (void)
{
  return g_variant_new ("()");
}

static const char *
get_setting (WorkerFixture *worker,
             const char    *name)
{
  return tvm_frame_get_setting (worker->payload, worker->header.length, name);
}

static void
test_hello (void)
{
  g_autofree char *pid = NULL;
  g_autofree char *output = NULL;
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  g_assert_cmpstr (get_setting (&worker, "protocol"), ==, "1");
  g_assert_cmpstr (get_setting (&worker, "program"), ==, "tvmsupport-worker " PACKAGE_VERSION);
  g_assert_cmpstr (get_setting (&worker, "pid"), ==, g_subprocess_get_identifier (worker.process));
  g_assert_cmpstr (get_setting (&worker, "payload"), ==, "gvariant");
  output = worker_fixture_end (&worker, EXITED (0));
  g_assert_cmpstr (output, ==, "");
}

/* Where a call begins is told before it runs: on the page, or in a frame. */
static void
test_begun (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  g_assert_cmpuint (worker.page->begun, ==, 0);
  worker_fixture_call (&worker, 7, "add", g_variant_new ("(ii)", 3, 4));
  worker_fixture_expect_value (&worker, 7, "7");
  g_assert_cmpuint (GUINT64_FROM_LE (worker.page->begun), ==, 7);
  g_free (worker_fixture_end (&worker, EXITED (0)));

  worker_fixture_start_module (&worker, 0, NULL);
  worker_fixture_call (&worker, 8, "add", g_variant_new ("(ii)", 3, 4));
  worker_fixture_expect (&worker, TVM_FRAME_BEGUN, 8);
  worker_fixture_expect_value (&worker, 8, "7");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Many at once are answered in their order. */
static void
test_order (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  for (guint i = 1; i <= 50; i++)
    worker_fixture_call (&worker, i, "count", unit ());
  for (guint i = 1; i <= 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("uint32 %u", i);

      worker_fixture_expect_value (&worker, i, text);
    }
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Sends @n_calls in one piece, from @first_id on. */
static void
call_at_once (WorkerFixture *worker,
              guint64        first_id,
              guint          n_calls,
              const char    *function,
              GVariant      *args)
{
  g_autoptr (GVariant) task = g_variant_ref_sink (g_variant_new ("(sv)", function, args));
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .length = g_variant_get_size (task) };
  guint8 encoded[TVM_FRAME_HEADER_SIZE];

  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (task);

      g_variant_unref (task);
      task = swapped;
    }

  for (guint i = 0; i < n_calls; i++)
    {
      header.id = first_id + i;
      tvm_frame_encode (&header, encoded);
      g_byte_array_append (bytes, encoded, sizeof encoded);
      g_byte_array_append (bytes, g_variant_get_data (task), g_variant_get_size (task));
    }
  g_assert_cmpint (send (worker->reader.fd, bytes->data, bytes->len, MSG_NOSIGNAL), ==, bytes->len);
}

/* Of calls that came together, all answers but the last are in the outbox. */
static void
test_outbox (void)
{
  WorkerFixture worker;
  struct pollfd polled;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  g_assert_cmpstr (get_setting (&worker, "ahead"), ==, "1");
  polled = (struct pollfd) { .fd = worker.reader.fd, .events = POLLIN };
  for (guint round = 0; round < 100; round++)
    {
      guint64 first = 1 + round * 20;

      call_at_once (&worker, first, 20, "echo", g_variant_new ("(s)", "a text that is a bit longer"));
      g_assert_cmpint (poll (&polled, 1, 60000), ==, 1);
      for (guint i = 0; i < 19; i++)
        g_assert_true (worker_fixture_take_from_outbox (&worker, first + i));
      g_assert_false (worker_fixture_take_from_outbox (&worker, first + 19));
      worker_fixture_expect_value (&worker, first + 19, "('a text that is a bit longer',)");
    }
  g_assert_cmpuint (GUINT64_FROM_LE (worker.page->busy_nsec), >, 0);
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* What does not fit into the outbox goes by the socket. */
static void
test_full_outbox (void)
{
  g_autofree char *text = g_strnfill (900, 'x');
  g_autofree char *expected = g_strdup_printf ("('%s',)", text);
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  call_at_once (&worker, 1, 50, "echo", g_variant_new ("(s)", text));
  /* In which order they are taken does not matter to the worker. */
  worker_fixture_expect_value (&worker, 1, expected);
  for (guint i = 2; i <= 50; i++)
    worker_fixture_expect_value (&worker, i, expected);

  call_at_once (&worker, 51, 3, "big", g_variant_new ("(t)", (guint64) TVM_STATUS_OUTBOX_PAYLOAD));
  for (guint i = 51; i <= 53; i++)
    {
      g_assert_false (worker_fixture_take_from_outbox (&worker, i));
      worker_fixture_expect (&worker, TVM_FRAME_RESULT, i);
    }
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Calls that were revoked before they begin do not, and those behind them do. */
static void
test_revoked (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  call_at_once (&worker, 1, 1, "sleep", g_variant_new ("(u)", 50));
  call_at_once (&worker, 2, 4, "count", unit ());
  while (GUINT64_FROM_LE (*(volatile const guint64 *) &worker.page->begun) < 1)
    g_thread_yield ();
  g_assert_cmpuint (tvm_status_page_revoke (worker.page, 3), ==, 1);

  worker_fixture_expect_value (&worker, 1, "()");
  worker_fixture_expect (&worker, TVM_FRAME_REVOKED, 2);
  worker_fixture_expect (&worker, TVM_FRAME_REVOKED, 3);
  worker_fixture_expect_value (&worker, 4, "uint32 1");
  worker_fixture_expect_value (&worker, 5, "uint32 2");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_initializer (void)
{
  const TvmFrameHeader init = { .kind = TVM_FRAME_INIT, .id = 1 };
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call_full (&worker, init, "init", g_variant_new ("(is)", 5, "five"));
  worker_fixture_call (&worker, 2, "get_init", unit ());
  worker_fixture_expect_value (&worker, 1, "()");
  worker_fixture_expect_value (&worker, 2, "(5, 'five')");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Each of these is an error of its task, and the worker goes on. */
static void
test_task_errors (void)
{
  WorkerFixture worker;
  guint64 id = 0;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call (&worker, ++id, "no_such", unit ());
  worker_fixture_expect_error (&worker, id, NOT_FOUND,
                               "The module “*/worker-module.so” has no function “no_such”");
  /* Of a library behind the module; data */
  worker_fixture_call (&worker, ++id, "g_free", unit ());
  worker_fixture_expect_error (&worker, id, NOT_FOUND, "*“g_free”");
  worker_fixture_call (&worker, ++id, "no_function", unit ());
  worker_fixture_expect_error (&worker, id, NOT_FOUND, "*“no_function”");
  worker_fixture_call (&worker, ++id, "fail", g_variant_new ("(s)", "what went wrong"));
  worker_fixture_expect_error (&worker, id, INVALID_DATA, "what went wrong");
  worker_fixture_call (&worker, ++id, "both", unit ());
  worker_fixture_expect_error (&worker, id, INVALID_DATA, "a value and an error");
  worker_fixture_call (&worker, ++id, "null_result", unit ());
  worker_fixture_expect_error (&worker, id, FAILED,
                               "The function “null_result” returned neither a value nor an error");
  worker_fixture_call (&worker, ++id, "add", g_variant_new ("(s)", "no number"));
  worker_fixture_expect_error (&worker, id, "g-io-error-quark:13", "Expected (ii), not (s)");
  worker_fixture_call (&worker, ++id, "wait_cancel", g_variant_new ("(s)", ""));
  worker_fixture_expect_error (&worker, id, "g-io-error-quark:15", "cannot be cancelled");
  worker_fixture_call (&worker, ++id, "add", g_variant_new ("(ii)", 1, 1));
  worker_fixture_expect_value (&worker, id, "2");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_bad_payloads (void)
{
  static const char * const payloads[] = {
    "", "x", "add", "add\0\0\0\0\0\1\0\0\0\2\0\0\0\0(ii)\4",
    "add\0\0\0\0\0\1\0\0\0\2\0\0\0\0(ii\3", "add\0\0\0\0\0\1\0\0\0\2\0\0\0\0(ii)\377",
  };
  static const guint lengths[] = { 0, 1, 3, 21, 20, 21 };
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++)
    {
      const TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .id = i + 1, .length = lengths[i] };

      worker_fixture_send (&worker, header, payloads[i], NULL);
      worker_fixture_expect_error (&worker, i + 1, INVALID,
                                   "The task is not the name and the arguments of a function");
    }
  /* The default value stands for what is not normal. */
  worker_fixture_call (&worker, 100, "not_normal", unit ());
  worker_fixture_expect (&worker, TVM_FRAME_RESULT, 100);
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_large (void)
{
  static const char * const settings[] = { "max-message=4194304", NULL };
  const gsize size = 4000000;
  g_autofree char *bytes = g_malloc (size);
  WorkerFixture worker;

  for (gsize i = 0; i < size; i++)
    bytes[i] = (char) (i * 7);

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, settings);
  for (guint id = 1; id <= 3; id++)
    {
      worker_fixture_call (&worker, id, "echo",
                           g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1));
      worker_fixture_expect (&worker, TVM_FRAME_RESULT, id);
      g_assert_cmpmem (worker.payload, worker.header.length - 3, bytes, size);
    }

  worker_fixture_call (&worker, 4, "big", g_variant_new ("(t)", (guint64) 4194304));
  worker_fixture_expect_error (&worker, 4, TOO_LARGE,
                               "The result has *, more than the * that a message may have");
  worker_fixture_call (&worker, 5, "big", g_variant_new ("(t)", (guint64) 4194304 - 3));
  worker_fixture_expect (&worker, TVM_FRAME_RESULT, 5);
  worker_fixture_call (&worker, 6, "length",
                       g_variant_new ("(@ay)",
                                      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size,
                                                                 1)));
  worker_fixture_expect_value (&worker, 6, "uint64 4000000");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* An error is cut to what may be sent. */
static void
test_long_error (void)
{
  static const char * const settings[] = { "max-message=100", NULL };
  static const char * const no_settings[] = { "max-message=0", NULL };
  static const TvmFrameHeader empty = { .kind = TVM_FRAME_CALL, .id = 1 };
  g_autofree char *message = g_strnfill (200, 'm');
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, settings);
  worker_fixture_call (&worker, 1, "no_such_function_but_one_with_a_long_name", unit ());
  worker_fixture_expect (&worker, TVM_FRAME_ERROR, 1);
  g_assert_cmpuint (worker.header.length, <=, 100);
  g_free (worker_fixture_end (&worker, EXITED (0)));

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, no_settings);
  worker_fixture_send (&worker, empty, NULL, NULL);
  worker_fixture_expect (&worker, TVM_FRAME_ERROR, 1);
  g_assert_cmpuint (worker.header.length, ==, 0);
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* What a task prints is there before its answer, and what it closes is not of the protocol. */
static void
test_output (void)
{
  g_autofree char *output = NULL;
  char printed[16] = "";
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call (&worker, 1, "write_stdout", g_variant_new ("(s)", "printed\n"));
  worker_fixture_expect_value (&worker, 1, "()");
  g_assert_cmpint (g_input_stream_read (g_subprocess_get_stdout_pipe (worker.process), printed, 8,
                                        NULL, NULL), ==, 8);
  g_assert_cmpstr (printed, ==, "printed\n");

  worker_fixture_call (&worker, 2, "write_fd", g_variant_new ("(is)", 1, "raw\n"));
  worker_fixture_expect_value (&worker, 2, "int64 4");
  worker_fixture_call (&worker, 3, "close_stdio", unit ());
  worker_fixture_expect_value (&worker, 3, "()");
  worker_fixture_call (&worker, 4, "write_stdout", g_variant_new ("(s)", "lost\n"));
  worker_fixture_expect_value (&worker, 4, "()");
  worker_fixture_call (&worker, 5, "open_files", unit ());
  worker_fixture_expect (&worker, TVM_FRAME_RESULT, 5);
  worker_fixture_call (&worker, 6, "add", g_variant_new ("(ii)", 1, 1));
  worker_fixture_expect_value (&worker, 6, "2");
  output = worker_fixture_end (&worker, EXITED (0));
  g_assert_cmpstr (output, ==, "raw\n");
}

static void
wait_for_file (const char *path)
{
  while (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_usleep (1000);
}

/* The thread that listens comes with the first call that may be cancelled, and reads what comes
 * while it runs; nothing is lost or done out of order. */
static void
test_cancel (void)
{
  const TvmFrameHeader may_cancel = {
    .kind = TVM_FRAME_CALL, .id = 2, .flags = TVM_FRAME_FLAG_MAY_CANCEL,
  };
  TvmFrameHeader cancel = { .kind = TVM_FRAME_CANCEL, .id = 1 };
  TvmFrameHeader again = may_cancel;
  g_autofree char *directory = g_dir_make_tmp (NULL, NULL);
  g_autofree char *path = g_build_filename (directory, "ready", NULL);
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call (&worker, 1, "threads", unit ());
  worker_fixture_expect_value (&worker, 1, "uint32 1");

  worker_fixture_call_full (&worker, may_cancel, "wait_cancel", g_variant_new ("(s)", path));
  wait_for_file (path);
  worker_fixture_send (&worker, cancel, NULL, NULL);
  for (guint id = 3; id <= 20; id++)
    worker_fixture_call (&worker, id, "count", unit ());
  cancel.id = 2;
  worker_fixture_send (&worker, cancel, NULL, NULL);
  worker_fixture_expect_value (&worker, 2, "()");
  for (guint id = 3; id <= 20; id++)
    {
      g_autofree char *text = g_strdup_printf ("uint32 %u", id - 2);

      worker_fixture_expect_value (&worker, id, text);
    }

  /* Too late, which is no harm */
  worker_fixture_send (&worker, cancel, NULL, NULL);
  for (again.id = 21; again.id < 200; again.id++)
    {
      worker_fixture_call_full (&worker, again, "threads", unit ());
      worker_fixture_expect_value (&worker, again.id, "uint32 2");
    }
  g_free (worker_fixture_end (&worker, EXITED (0)));
  g_unlink (path);
  g_rmdir (directory);
}

/* However the cancels, the calls and their ends fall together, each call has its answer. */
static void
test_cancel_often (void)
{
  const guint n = 200;
  const guint in_flight = 4;
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  for (guint id = 1; id <= n + in_flight; id++)
    {
      TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .id = id };
      TvmFrameHeader cancel = { .kind = TVM_FRAME_CANCEL };

      if (id <= n)
        {
          header.flags = id % 3 != 0 ? TVM_FRAME_FLAG_MAY_CANCEL : 0;
          worker_fixture_call_full (&worker, header, "sleep", g_variant_new ("(u)", id % 4));
        }
      if (id <= in_flight)
        continue;

      cancel.id = GUINT64_FROM_LE (*(volatile const guint64 *) &worker.page->begun);
      worker_fixture_send (&worker, cancel, NULL, NULL);
      worker_fixture_expect_value (&worker, id - in_flight, "()");
    }
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Whoever listens hears the end, too. */
static void
test_cancel_end (void)
{
  const TvmFrameHeader may_cancel = {
    .kind = TVM_FRAME_CALL, .id = 1, .flags = TVM_FRAME_FLAG_MAY_CANCEL,
  };
  g_autofree char *directory = g_dir_make_tmp (NULL, NULL);
  g_autofree char *path = g_build_filename (directory, "ready", NULL);
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call_full (&worker, may_cancel, "wait_cancel", g_variant_new ("(s)", path));
  wait_for_file (path);
  g_free (worker_fixture_end (&worker, EXITED (0)));
  g_unlink (path);
  g_rmdir (directory);
}

static void
test_no_module (void)
{
  static const char * const settings[] = { "module=/no/such.so", NULL };
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, settings);
  worker_fixture_expect_error (&worker, 0, NOT_FOUND,
                               "Cannot load the module “/no/such.so”: cannot open *");
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

/* Of several modules the first that has the function gives it; one may use the library itself. */
static void
test_modules (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_BUILT, "worker-library-module.so", NULL);
  g_autofree char *canonical = g_canonicalize_filename (path, NULL);
  g_autofree char *module = g_strconcat ("module=", canonical, NULL);
  g_autofree char *file = NULL;
  WorkerFixture worker;
  int fd = g_file_open_tmp (NULL, &file, NULL);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, (const char * const []) { module, NULL });
  worker_fixture_call (&worker, 1, "check_path", g_variant_new ("(s)", file));
  worker_fixture_expect_value (&worker, 1, "true");
  worker_fixture_call (&worker, 2, "check_path", g_variant_new ("(s)", "/no/such/folder/file"));
  worker_fixture_expect_error (&worker, 2, "g-io-error-quark:1", "*“/no/such/folder/file”*");
  worker_fixture_call (&worker, 3, "add", g_variant_new ("(ii)", 1, 1));
  worker_fixture_expect_value (&worker, 3, "2");
  worker_fixture_call (&worker, 4, "no_such", unit ());
  worker_fixture_expect_error (&worker, 4, NOT_FOUND, "The worker “*” has no function “no_such”");
  g_free (worker_fixture_end (&worker, EXITED (0)));
  g_unlink (file);
}

static void
test_bad_module (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "data", "protocol", "frames.json",
                                                 NULL);
  g_autofree char *module = g_strconcat ("module=", path, NULL);
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, (const char * const []) { module, NULL });
  worker_fixture_expect_error (&worker, 0, FAILED, "Cannot load the module “*.json”: *");
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

/* A broken connection ends the worker, which says why on stderr. */
static void
test_broken (void)
{
  static const char garbage[] = "This is not the header of a frame";
  static const TvmFrameHeader headers[] = {
    { .kind = TVM_FRAME_SETUP },
    { .kind = TVM_FRAME_RESULT, .id = 1 },
    { .kind = TVM_FRAME_FORK, .id = 1 },
    { .kind = TVM_FRAME_CALL, .id = 0 },
    { .kind = TVM_FRAME_CALL, .id = 1, .length = 1001 },
  };
  static const char * const settings[] = { "max-message=1000", NULL };
  static const char * const bad_settings[] = { "max-message=many", NULL };
  char payload[1001] = "";
  WorkerFixture worker;

  for (guint i = 0; i <= G_N_ELEMENTS (headers); i++)
    {
      worker_fixture_start_module (&worker, WORKER_WITH_PAGE, settings);
      if (i < G_N_ELEMENTS (headers))
        worker_fixture_send (&worker, headers[i], payload, NULL);
      else
        g_assert_cmpint (write (worker.reader.fd, garbage, sizeof garbage), ==, sizeof garbage);
      worker_fixture_expect_end (&worker);
      g_free (worker_fixture_end (&worker, EXITED (1)));
    }

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, bad_settings);
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

/* What a task prints cannot get between the frames, which come over stdin and go to stdout. */
static void
test_stdio (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_STDIO, NULL);
  worker_fixture_call (&worker, 1, "write_stdout", g_variant_new ("(s)", "# to stderr\n"));
  worker_fixture_expect (&worker, TVM_FRAME_BEGUN, 1);
  worker_fixture_expect_value (&worker, 1, "()");
  worker_fixture_call (&worker, 2, "write_fd", g_variant_new ("(is)", 1, "# as is this\n"));
  worker_fixture_expect (&worker, TVM_FRAME_BEGUN, 2);
  worker_fixture_expect_value (&worker, 2, "int64 13");
  worker_fixture_call (&worker, 3, "close_stdio", unit ());
  worker_fixture_expect (&worker, TVM_FRAME_BEGUN, 3);
  worker_fixture_expect_value (&worker, 3, "()");
  worker_fixture_call (&worker, 4, "add", g_variant_new ("(ii)", 1, 1));
  worker_fixture_expect (&worker, TVM_FRAME_BEGUN, 4);
  worker_fixture_expect_value (&worker, 4, "2");
  /* The guard kills a worker that has not yet ended itself. */
  g_free (worker_fixture_end (&worker, -1));
}

/* A task that breaks the connection gets no other one; nor does the worker go on. */
static void
test_closed_socket (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call (&worker, 1, "close_socket", unit ());
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

static void
start_nursery (WorkerFixture *nursery,
               const char    *module)
{
  g_autofree char *setting = g_strconcat ("module=", module, NULL);
  g_autofree char *program = tvm_launch_dup_helper_path ("tvmsupport-worker", NULL);

  worker_fixture_start (nursery, (const char * const []) { program, "--tvm-worker=nursery", NULL },
                        0);
  worker_fixture_expect (nursery, TVM_FRAME_HELLO, 0);
  g_assert_cmpstr (get_setting (nursery, "payload"), ==, "gvariant");
  worker_fixture_setup (nursery, (const char * const []) { setting, NULL });
}

/* Returns: kilobytes, or 0 if the kernel does not tell */
static guint
get_private_dirty (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "smaps_rollup", NULL);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, "Private_Dirty:");
  g_assert_nonnull (line);
  return (guint) g_ascii_strtoull (line + strlen ("Private_Dirty:"), NULL, 10);
}

/* Forks of one process that has the module: each has a state of its own. */
static void
test_nursery (void)
{
  static const char * const settings[] = { "begun=page", NULL };
  g_autofree char *module = worker_fixture_dup_module ();
  WorkerFixture nursery;
  WorkerFixture workers[3];

  start_nursery (&nursery, module);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      worker_fixture_fork (&nursery, &workers[i], i + 1, NULL);
      worker_fixture_setup (&workers[i], settings);
    }

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      worker_fixture_call (&workers[i], 100 + i, "count", unit ());
      worker_fixture_expect_value (&workers[i], 100 + i, "uint32 1");
      worker_fixture_call (&workers[i], 200 + i, "write_stdout",
                           g_variant_new ("(s)", "# printed\n"));
      worker_fixture_expect_value (&workers[i], 200 + i, "()");
      g_assert_cmpuint (GUINT64_FROM_LE (workers[i].page->begun), ==, 200 + i);
    }

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    worker_fixture_join (&nursery, &workers[i], i + 1, EXITED (0));
  g_free (worker_fixture_end (&nursery, EXITED (0)));
}

static void
test_nursery_memory (void)
{
  static const char * const settings[] = { "begun=page", NULL };
  g_autofree char *module = worker_fixture_dup_module ();
  g_autofree char *pid = NULL;
  WorkerFixture nursery;
  WorkerFixture worker;
  guint size;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("a sanitizer has much memory of its own");
  return;
#endif

  start_nursery (&nursery, module);
  worker_fixture_fork (&nursery, &worker, 1, NULL);
  pid = g_strdup (get_setting (&worker, "pid"));
  worker_fixture_setup (&worker, settings);
  worker_fixture_call (&worker, 1, "add", g_variant_new ("(ii)", 1, 1));
  worker_fixture_expect_value (&worker, 1, "2");
  size = get_private_dirty (pid);
  worker_fixture_join (&nursery, &worker, 1, EXITED (0));
  g_free (worker_fixture_end (&nursery, EXITED (0)));

  g_test_message ("%u kB", size);
  g_assert_cmpuint (size, <=, 512);
}

/* Whoever has a task learns why its worker cannot have the module. */
static void
test_nursery_no_module (void)
{
  static const char * const settings[] = { "begun=page", NULL };
  WorkerFixture nursery;
  WorkerFixture worker;

  start_nursery (&nursery, "/no/such.so");
  for (guint id = 1; id <= 2; id++)
    {
      worker_fixture_fork (&nursery, &worker, id, NULL);
      worker_fixture_setup (&worker, settings);
      worker_fixture_expect_error (&worker, 0, NOT_FOUND, "Cannot load the module “/no/such.so”*");
      worker_fixture_join (&nursery, &worker, id, EXITED (1));
    }
  g_free (worker_fixture_end (&nursery, EXITED (0)));
}

/* The child of a task that comes back is no second worker. */
static void
test_forked_task (void)
{
  WorkerFixture worker;

  worker_fixture_start_module (&worker, WORKER_WITH_PAGE, NULL);
  worker_fixture_call (&worker, 1, "fork_return", unit ());
  worker_fixture_call (&worker, 2, "count", unit ());
  worker_fixture_expect_value (&worker, 1, "()");
  worker_fixture_expect_value (&worker, 2, "uint32 1");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static GVariant *
repeat (GVariant      *args,
        GCancellable  *cancellable,
        gpointer       user_data,
        GError       **error)
{
  const char *text;
  GString *repeated;
  int *n = user_data;

  if (!g_variant_is_of_type (args, G_VARIANT_TYPE_STRING))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Expected a string");
      return NULL;
    }

  text = g_variant_get_string (args, NULL);
  repeated = g_string_new (cancellable != NULL ? "cancellable: " : "");
  for (int i = 0; i < *n; i++)
    g_string_append (repeated, text);
  return g_variant_new_take_string (g_string_free (repeated, FALSE));
}

/* What an application does that is its own worker */
static void
add_functions (void)
{
  static int three = 3;

  tvm_worker_add_function ("repeat", repeat, g_new0 (int, 1), g_free);
  tvm_worker_add_function ("repeat", repeat, &three, NULL);
}

static void
test_own (void)
{
  const TvmFrameHeader may_cancel = {
    .kind = TVM_FRAME_CALL, .id = 4, .flags = TVM_FRAME_FLAG_MAY_CANCEL,
  };
  static const char * const settings[] = { "begun=page", NULL };
  const char *argv[] = { "/proc/self/exe", "--tvm-worker=fd", NULL };
  g_autofree char *self = g_file_read_link (argv[0], NULL);
  WorkerFixture worker;

  argv[0] = self;
  worker_fixture_start (&worker, argv, WORKER_WITH_PAGE);
  worker_fixture_expect (&worker, TVM_FRAME_HELLO, 0);
  worker_fixture_setup (&worker, settings);
  worker_fixture_call (&worker, 1, "repeat", g_variant_new_string ("ho "));
  worker_fixture_expect_value (&worker, 1, "'ho ho ho '");
  worker_fixture_call (&worker, 2, "repeat", unit ());
  worker_fixture_expect_error (&worker, 2, INVALID_DATA, "Expected a string");
  worker_fixture_call (&worker, 3, "main", unit ());
  worker_fixture_expect_error (&worker, 3, NOT_FOUND, "The worker “*” has no function “main”");
  worker_fixture_call_full (&worker, may_cancel, "repeat", g_variant_new_string ("x"));
  worker_fixture_expect_value (&worker, 4, "'cancellable: xxx'");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_unknown_role (void)
{
  const char *argv[] = { "/proc/self/exe", "--tvm-worker=other", NULL };
  g_autofree char *self = g_file_read_link (argv[0], NULL);
  WorkerFixture worker;

  argv[0] = self;
  worker_fixture_start (&worker, argv, 0);
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

int
main (int    argc,
      char **argv)
{
  add_functions ();
  tvm_worker_main (argc, argv);

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/worker/hello", test_hello);
  g_test_add_func ("/worker/begun", test_begun);
  g_test_add_func ("/worker/order", test_order);
  g_test_add_func ("/worker/outbox", test_outbox);
  g_test_add_func ("/worker/outbox/full", test_full_outbox);
  g_test_add_func ("/worker/revoked", test_revoked);
  g_test_add_func ("/worker/initializer", test_initializer);
  g_test_add_func ("/worker/task-errors", test_task_errors);
  g_test_add_func ("/worker/bad-payloads", test_bad_payloads);
  g_test_add_func ("/worker/large", test_large);
  g_test_add_func ("/worker/long-error", test_long_error);
  g_test_add_func ("/worker/output", test_output);
  g_test_add_func ("/worker/cancel", test_cancel);
  g_test_add_func ("/worker/cancel/often", test_cancel_often);
  g_test_add_func ("/worker/cancel/end", test_cancel_end);
  g_test_add_func ("/worker/no-module", test_no_module);
  g_test_add_func ("/worker/modules", test_modules);
  g_test_add_func ("/worker/bad-module", test_bad_module);
  g_test_add_func ("/worker/broken", test_broken);
  g_test_add_func ("/worker/closed-socket", test_closed_socket);
  g_test_add_func ("/worker/forked-task", test_forked_task);
  g_test_add_func ("/worker/stdio", test_stdio);
  g_test_add_func ("/worker/nursery", test_nursery);
  g_test_add_func ("/worker/nursery/memory", test_nursery_memory);
  g_test_add_func ("/worker/nursery/no-module", test_nursery_no_module);
  g_test_add_func ("/worker/own", test_own);
  g_test_add_func ("/worker/unknown-role", test_unknown_role);

  return g_test_run ();
}
