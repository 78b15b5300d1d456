/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "worker-fixture.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-worker-channel.h"
#include "tvmsupport/worker/tvm-worker-nursery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What other languages make workers of. This program is the worker, too: see serve().
 */

#define EXITED(code) W_EXITCODE (code, 0)

static void
return_text (TvmWorkerCall *call,
             const char    *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  tvm_worker_call_return_bytes (call, bytes);
}

static void
return_size (TvmWorkerCall *call,
             gsize          size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);

  tvm_worker_call_return_bytes (call, bytes);
}

/* Of more pieces than go into one system call */
static void
return_pieces (TvmWorkerCall *call)
{
  g_autoptr (GBytes) piece = g_bytes_new_static ("ab", 2);

  for (guint i = 0; i < 200; i++)
    tvm_worker_call_add_bytes (call, piece);
  return_text (call, "end");
}

static void
wait_cancelled (TvmWorkerCall *call)
{
  GCancellable *cancellable = tvm_worker_call_get_cancellable (call);
  GPollFD polled;

  if (cancellable == NULL || !g_cancellable_make_pollfd (cancellable, &polled))
    {
      return_text (call, "no cancellable");
      return;
    }

  g_poll (&polled, 1, 60000);
  g_cancellable_release_fd (cancellable);
  return_text (call, g_cancellable_is_cancelled (cancellable) ? "cancelled" : "waited in vain");
}

/* What this program has opened in its nursery */
static int files[4] = { -1, -1, -1, -1 };

static void
open_files (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    files[i] = memfd_create ("file", MFD_CLOEXEC);
}

/* Says how many of them are still what they were. */
static void
return_files (TvmWorkerCall *call)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", files[i]);
      g_autofree char *target = g_file_read_link (path, NULL);

      n += g_strcmp0 (target, "/memfd:file (deleted)") == 0;
    }

  return_text (call, n == G_N_ELEMENTS (files) ? "all there" : "some are gone");
}

/* Does what the payload names. Returns: (nullable): a call that is neither answered nor freed */
static TvmWorkerCall *
serve_call (TvmWorkerChannel *channel,
            TvmWorkerCall    *call)
{
  g_autoptr (GBytes) extra = g_bytes_new ("\0x", 2);
  GBytes *payload = tvm_worker_call_get_payload (call);
  g_autofree char *what = g_strdup_printf ("%.*s", (int) g_bytes_get_size (payload),
                                           (const char *) g_bytes_get_data (payload, NULL));

  if (tvm_worker_call_get_initializer (call))
    return_text (call, "initialized");
  else if (strcmp (what, "settings") == 0)
    {
      g_auto (GStrv) settings = tvm_worker_channel_dup_settings (channel);
      g_autofree char *text = g_strjoinv (" ", settings);

      return_text (call, text);
    }
  else if (strcmp (what, "error") == 0)
    tvm_worker_call_return_error (call, "KeyError", "no such key", "line 1\nline 2\n", extra);
  else if (strcmp (what, "not utf-8") == 0)
    tvm_worker_call_return_error (call, "Error", "\377 is none", NULL, NULL);
  else if (strcmp (what, "pieces") == 0)
    return_pieces (call);
  else if (strcmp (what, "big") == 0)
    return_size (call, 1001);
  else if (strcmp (what, "big error") == 0)
    {
      g_autofree char *message = g_strnfill (600, 'm');

      tvm_worker_call_return_error (call, "Error", message, message, extra);
    }
  else if (strcmp (what, "print") == 0)
    {
      fputs ("printed\n", stdout);
      return_text (call, "");
    }
  else if (strcmp (what, "files") == 0)
    return_files (call);
  else if (strcmp (what, "wait") == 0)
    wait_cancelled (call);
  else if (strcmp (what, "keep") == 0)
    return call;
  else if (strcmp (what, "drop") != 0)
    return_text (call, what);

  g_object_unref (call);
  return NULL;
}

static int
serve (TvmWorkerChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmWorkerCall) kept = NULL;
  TvmWorkerCall *call;

  while ((call = tvm_worker_channel_next (channel, &error)) != NULL)
    {
      TvmWorkerCall *now_kept = serve_call (channel, call);

      if (now_kept != NULL)
        g_set_object (&kept, now_kept);
      g_clear_object (&now_kept);
    }

  if (error == NULL)
    return EXIT_SUCCESS;
  return g_error_matches (error, TVM_ERROR, TVM_ERROR_PROTOCOL) ? 2 : 3;
}

static int
run_worker (const char *role)
{
  g_autoptr (TvmWorkerChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  channel = tvm_worker_channel_open (role, "test 1.0", &error);
  if (channel == NULL)
    return g_error_matches (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT) ? 4 : 5;

  if (g_strcmp0 (g_getenv ("TEST_FAIL"), "1") == 0)
    {
      tvm_worker_channel_fail (channel, "ImportError", "no module", NULL);
      return EXIT_FAILURE;
    }
  return serve (channel);
}

static int
run_nursery (const char *role)
{
  g_autoptr (TvmWorkerNursery) nursery = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) settings = NULL;
  guint n_forks = 0;

  nursery = tvm_worker_nursery_open (role, "test 1.0", &error);
  if (nursery == NULL)
    return 5;

  open_files ();
  for (;;)
    switch (tvm_worker_nursery_next (nursery))
      {
      case TVM_WORKER_REQUEST_SETUP:
        settings = tvm_worker_nursery_dup_settings (nursery);
        break;

      case TVM_WORKER_REQUEST_FORK:
        /* The second fork fails. */
        if (++n_forks == 2)
          tvm_worker_nursery_parent (nursery, -1, EAGAIN);
        else
          {
            pid_t pid = fork ();

            if (pid == 0)
              {
                g_autoptr (TvmWorkerChannel) channel = tvm_worker_nursery_child (nursery, &error);

                if (channel == NULL)
                  _exit (127);
                return serve (channel) + 10 * (int) g_strv_length (settings);
              }
            tvm_worker_nursery_parent (nursery, pid, pid < 0 ? errno : 0);
          }
        break;

      case TVM_WORKER_REQUEST_END:
        return EXIT_SUCCESS;
      }
}

static void
start_without_setup (WorkerFixture *worker,
                     const char    *role)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  worker_fixture_start (worker, (const char * const []) { self, role, NULL }, WORKER_WITH_PAGE);
  worker_fixture_expect (worker, TVM_FRAME_HELLO, 0);
  g_assert_cmpstr (tvm_frame_get_setting (worker->payload, worker->header.length, "payload"), ==,
                   "bytes");
  g_assert_cmpstr (tvm_frame_get_setting (worker->payload, worker->header.length, "program"), ==,
                   "test 1.0");
}

static void
start (WorkerFixture *worker,
       const char    *role)
{
  static const char * const settings[] = { "max-message=1000", "begun=page", "other=x=y", NULL };

  start_without_setup (worker, role);
  worker_fixture_setup (worker, settings);
}

static void
send_call (WorkerFixture *worker,
           guint64        id,
           const char    *what,
           guint16        flags)
{
  const TvmFrameHeader header = {
    .kind = TVM_FRAME_CALL, .id = id, .flags = flags, .length = strlen (what),
  };

  worker_fixture_send (worker, header, what, NULL);
}

static void
expect_text (WorkerFixture *worker,
             guint64        id,
             const char    *text)
{
  worker_fixture_expect (worker, TVM_FRAME_RESULT, id);
  g_assert_cmpmem (worker->payload, worker->header.length, text, strlen (text));
}

static void
test_calls (void)
{
  const TvmFrameHeader init = { .kind = TVM_FRAME_INIT, .id = 1 };
  g_autofree char *output = NULL;
  WorkerFixture worker;

  start (&worker, "--tvm-worker=fd");
  worker_fixture_send (&worker, init, NULL, NULL);
  expect_text (&worker, 1, "initialized");
  send_call (&worker, 2, "settings", 0);
  expect_text (&worker, 2, "max-message=1000 begun=page other=x=y");
  send_call (&worker, 3, "", 0);
  send_call (&worker, 4, "hello", 0);
  send_call (&worker, 5, "print", 0);
  expect_text (&worker, 3, "");
  expect_text (&worker, 4, "hello");
  expect_text (&worker, 5, "");
  output = worker_fixture_end (&worker, EXITED (0));
  g_assert_cmpstr (output, ==, "printed\n");
}

static void
test_pieces (void)
{
  g_autoptr (GString) expected = g_string_new (NULL);
  WorkerFixture worker;

  for (guint i = 0; i < 200; i++)
    g_string_append (expected, "ab");
  g_string_append (expected, "end");

  start (&worker, "--tvm-worker=fd");
  send_call (&worker, 1, "pieces", 0);
  expect_text (&worker, 1, expected->str);
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_errors (void)
{
  static const char error[] = "KeyError\0no such key\0line 1\nline 2\n\0\0x";
  WorkerFixture worker;

  start (&worker, "--tvm-worker=fd");
  send_call (&worker, 1, "error", 0);
  worker_fixture_expect (&worker, TVM_FRAME_ERROR, 1);
  g_assert_cmpmem (worker.payload, worker.header.length, error, sizeof error - 1);
  send_call (&worker, 2, "not utf-8", 0);
  worker_fixture_expect_error (&worker, 2, "Error", "\357\277\275 is none");
  send_call (&worker, 3, "big", 0);
  worker_fixture_expect_error (&worker, 3, "g-io-error-quark:46",
                               "*has 1001 bytes, more than the 1000 *");
  send_call (&worker, 4, "big error", 0);
  worker_fixture_expect_error (&worker, 4, "Error", "mmmm*m");
  g_assert_cmpuint (worker.header.length, ==, 1000);
  send_call (&worker, 5, "still here", 0);
  expect_text (&worker, 5, "still here");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

/* Each call is answered, and in order, whatever the worker does with it. */
static void
test_unanswered (void)
{
  WorkerFixture worker;

  start (&worker, "--tvm-worker=fd");
  send_call (&worker, 1, "drop", 0);
  send_call (&worker, 2, "keep", 0);
  send_call (&worker, 3, "keep", 0);
  send_call (&worker, 4, "hello", 0);
  for (guint64 id = 1; id <= 3; id++)
    worker_fixture_expect_error (&worker, id, "tvm-error-quark:0",
                                 "The worker did not answer the task");
  expect_text (&worker, 4, "hello");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_cancel (void)
{
  const TvmFrameHeader cancel = { .kind = TVM_FRAME_CANCEL, .id = 2 };
  WorkerFixture worker;

  start (&worker, "--tvm-worker=fd");
  send_call (&worker, 1, "wait", 0);
  expect_text (&worker, 1, "no cancellable");
  send_call (&worker, 2, "wait", TVM_FRAME_FLAG_MAY_CANCEL);
  send_call (&worker, 3, "behind", 0);
  worker_fixture_send (&worker, cancel, NULL, NULL);
  expect_text (&worker, 2, "cancelled");
  expect_text (&worker, 3, "behind");
  g_free (worker_fixture_end (&worker, EXITED (0)));
}

static void
test_broken (void)
{
  const TvmFrameHeader header = { .kind = TVM_FRAME_KILL, .id = 1 };
  WorkerFixture worker;

  start (&worker, "--tvm-worker=fd");
  worker_fixture_send (&worker, header, NULL, NULL);
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (2)));
}

static void
test_bad_role (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  WorkerFixture worker;

  worker_fixture_start (&worker, (const char * const []) { self, "--tvm-worker=other", NULL }, 0);
  worker_fixture_expect_end (&worker);
  g_free (worker_fixture_end (&worker, EXITED (4)));
}

static void
test_fail (void)
{
  WorkerFixture worker;

  g_setenv ("TEST_FAIL", "1", TRUE);
  start_without_setup (&worker, "--tvm-worker=fd");
  g_unsetenv ("TEST_FAIL");
  worker_fixture_expect_error (&worker, 0, "ImportError", "no module");
  g_free (worker_fixture_end (&worker, EXITED (1)));
}

static void
test_nursery (void)
{
  static const char * const settings[] = { "begun=page", NULL };
  const TvmFrameHeader fork_header = { .kind = TVM_FRAME_FORK, .id = 2, .n_fds = 4 };
  const int fds[] = { 2, 2, 2, 2 };
  WorkerFixture nursery;
  WorkerFixture first;
  WorkerFixture third;

  start (&nursery, "--tvm-worker=nursery");
  worker_fixture_fork (&nursery, &first, 1, NULL);
  worker_fixture_send (&nursery, fork_header, NULL, fds);
  worker_fixture_expect (&nursery, TVM_FRAME_FORKED, 2);
  g_assert_cmpstr (tvm_frame_get_setting (nursery.payload, nursery.header.length, "error"), ==,
                   "11");
  worker_fixture_fork (&nursery, &third, 3, NULL);

  worker_fixture_setup (&first, settings);
  worker_fixture_setup (&third, settings);
  send_call (&third, 4, "three", 0);
  send_call (&first, 5, "one", 0);
  expect_text (&third, 4, "three");
  expect_text (&first, 5, "one");
  worker_fixture_join (&nursery, &first, 1, EXITED (30));
  worker_fixture_join (&nursery, &third, 3, EXITED (30));
  g_free (worker_fixture_end (&nursery, EXITED (0)));
}

/* The first files that a runtime opens, whatever it was started with, are not overwritten by what
 * its workers get. */
static void
test_nursery_files (void)
{
  static const char * const settings[] = { "begun=page", NULL };
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  const char * const argv[] = { self, "--tvm-worker=nursery", NULL };
  WorkerFixture nursery;
  WorkerFixture worker;

  worker_fixture_start (&nursery, argv, 0);
  worker_fixture_expect (&nursery, TVM_FRAME_HELLO, 0);
  worker_fixture_setup (&nursery, settings);
  worker_fixture_fork (&nursery, &worker, 1, NULL);
  worker_fixture_setup (&worker, settings);
  send_call (&worker, 1, "files", 0);
  expect_text (&worker, 1, "all there");
  worker_fixture_join (&nursery, &worker, 1, EXITED (10));
  g_free (worker_fixture_end (&nursery, EXITED (0)));
}

int
main (int    argc,
      char **argv)
{
  const char *last = argv[argc - 1];

  if (strcmp (last, "--tvm-worker=nursery") == 0)
    return run_nursery (last);
  if (g_str_has_prefix (last, "--tvm-worker="))
    return run_worker (last);

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/worker-channel/calls", test_calls);
  g_test_add_func ("/worker-channel/pieces", test_pieces);
  g_test_add_func ("/worker-channel/errors", test_errors);
  g_test_add_func ("/worker-channel/unanswered", test_unanswered);
  g_test_add_func ("/worker-channel/cancel", test_cancel);
  g_test_add_func ("/worker-channel/broken", test_broken);
  g_test_add_func ("/worker-channel/bad-role", test_bad_role);
  g_test_add_func ("/worker-channel/fail", test_fail);
  g_test_add_func ("/worker-channel/nursery", test_nursery);
  g_test_add_func ("/worker-channel/nursery-files", test_nursery_files);

  return g_test_run ();
}
