/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "nursery-fixture.h"

#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/worker/tvm-nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
assert_error (Channel    *channel,
              const char *type)
{
  g_assert_cmpstr (channel->payload, ==, type);
}

static void
assert_alive (NurseryFixture *self,
              guint           n)
{
  g_assert_cmpuint (process_fixture_count_alive (&self->process), ==, n);
}

/* Waits for the end of a worker, which must have left nothing. */
static void
expect_exited (NurseryFixture *self,
               TestWorker     *worker,
               int             status)
{
  channel_expect (&self->control, TVM_FRAME_EXITED, worker->id);
  g_assert_cmpint (channel_get_number (&self->control, "status"), ==, status);
  g_assert_cmpint (kill (worker->pid, 0), ==, -1);
  g_assert_cmpint (errno, ==, ESRCH);
}

/* The same for those with the IDs from @first on, in whatever order */
static void
expect_all_exited (NurseryFixture *self,
                   guint64         first,
                   guint           n)
{
  g_autofree gboolean *seen = g_new0 (gboolean, n);

  for (guint i = 0; i < n; i++)
    {
      guint64 id;

      channel_read (&self->control);
      id = self->control.header.id;
      g_assert_cmpuint (self->control.header.kind, ==, TVM_FRAME_EXITED);
      g_assert_cmpuint (id, <, first + n);
      g_assert_false (seen[id - first]);
      seen[id - first] = TRUE;
    }
}

static void
test_command (NurseryFixture *self,
              gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, "exit", "3", NULL);
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "page");
  for (guint id = 10; id < 20; id++)
    nursery_fixture_call (&worker, id, 0, words, -1);
  for (guint id = 10; id < 20; id++)
    {
      channel_expect (&worker.channel, TVM_FRAME_RESULT, id);
      g_assert_cmpint (channel_get_number (&worker.channel, "status"), ==, 3 << 8);
      g_assert_cmpint (channel_get_number (&worker.channel, "elapsed-usec"), >, 0);
      g_assert_cmpint (channel_get_number (&worker.channel, "user-usec"), >=, 0);
      g_assert_cmpint (channel_get_number (&worker.channel, "system-usec"), >=, 0);
      g_assert_cmpint (channel_get_number (&worker.channel, "max-rss-bytes"), >, 10 * 1000);
      g_assert_cmpuint (worker.page->begun, >=, id);
    }
  g_assert_cmpuint (worker.page->begun, ==, 19);

  channel_close (&worker.channel);
  expect_exited (self, &worker, 0);
  test_worker_close (&worker);
}

static void
test_begun_frames (NurseryFixture *self,
                   gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, "signal", "10", NULL);
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "frames");
  nursery_fixture_call (&worker, 5, 0, words, -1);
  channel_expect (&worker.channel, TVM_FRAME_BEGUN, 5);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 5);
  g_assert_cmpint (channel_get_number (&worker.channel, "status"), ==, SIGUSR1);
  g_assert_cmpuint (worker.page->begun, ==, 0);
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

/* Returns: (transfer full): what a command writes */
static char *
call_for_output (TestWorker    *worker,
                 TvmFrameFlags  flags,
                 GBytes        *words)
{
  g_autoptr (GString) output = g_string_new (NULL);
  char block[1024];
  ssize_t n;
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  nursery_fixture_call (worker, 7, flags, words, fds[1]);
  close (fds[1]);
  while ((n = read (fds[0], block, sizeof block)) > 0)
    g_string_append_len (output, block, n);
  close (fds[0]);
  channel_expect (&worker->channel, TVM_FRAME_RESULT, 7);
  return g_string_free (g_steal_pointer (&output), FALSE);
}

/* Descriptors, signals, directory, limits and environment of a command */
static void
test_command_surroundings (NurseryFixture *self,
                           gconstpointer   data)
{
  g_autofree char *chdir_option = g_strconcat ("--chdir=", self->process.directory, NULL);
  g_autofree char *limit = g_strdup_printf ("--rlimit=%d=50", RLIMIT_NOFILE);
  g_autofree char *nofile = g_strdup_printf ("%d", RLIMIT_NOFILE);
  g_autofree char *mark = g_strdup_printf ("FAKE_TOOL_MARK=%s\nPATH is not set\n",
                                           self->process.mark);
  g_autofree char *cwd = g_strconcat (self->process.directory, "\n", NULL);
  const struct
  {
    GBytes *words;
    TvmFrameFlags flags;
    const char *output;
  } cases[] = {
    { nursery_fixture_words (self, NULL, "args", "", "ä b", NULL), 0, "[]\n[ä b]\n" },
    { nursery_fixture_words (self, NULL, "inherited", NULL), 0, "" },
    { nursery_fixture_words (self, NULL, "inherited", NULL), TVM_FRAME_FLAG_HAS_STDIN, "" },
    { nursery_fixture_words (self, NULL, "cat", NULL), 0, "" },
    { nursery_fixture_words (self, chdir_option, "cwd", NULL), 0, cwd },
    { nursery_fixture_words (self, limit, "limit", nofile, NULL), 0, "50 50\n" },
    { nursery_fixture_words (self, NULL, "env", "FAKE_TOOL_MARK", "PATH", NULL), 0, mark },
  };
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "page");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *output = call_for_output (&worker, cases[i].flags, cases[i].words);

      g_assert_cmpstr (output, ==, cases[i].output);
      g_assert_cmpint (channel_get_number (&worker.channel, "status"), ==, 0);
      g_bytes_unref (cases[i].words);
    }
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

static void
test_command_errors (NurseryFixture *self,
                     gconstpointer   data)
{
  static const char missing[] = "--argc=1\0--\0/nonexistent/program\0program";
  static const char many[] = "--argc=1000000\0--\0/bin/true\0true";
  g_autoptr (GBytes) good = nursery_fixture_words (self, NULL, "exit", "0", NULL);
  g_autoptr (GBytes) cut = g_bytes_new_from_bytes (good, 0, g_bytes_get_size (good) - 1);
  const struct
  {
    GBytes *words;
    TvmFrameFlags flags;
    const char *type;
  } cases[] = {
    { g_bytes_new_static (missing, sizeof missing), 0, "errno:2:6" },
    { g_bytes_new_static (many, sizeof many), 0, "errno:22:0" },
    { g_bytes_new_static ("--argc=0\0--", 12), 0, "errno:22:0" },
    { g_bytes_new_static ("", 0), 0, "errno:22:0" },
    { g_bytes_ref (cut), 0, "errno:22:0" },
    { nursery_fixture_words (self, "--stdio", "exit", "0", NULL), 0, "errno:22:0" },
    { nursery_fixture_words (self, "--other", "exit", "0", NULL), 0, "errno:22:0" },
    { nursery_fixture_words (self, "--chdir=/nonexistent", "exit", "0", NULL), 0, "errno:2:4" },
    { nursery_fixture_words (self, "--rlimit=1000=1", "exit", "0", NULL), 0, "errno:22:5" },
  };
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "page");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      nursery_fixture_call (&worker, 2, cases[i].flags, cases[i].words, -1);
      channel_expect (&worker.channel, TVM_FRAME_ERROR, 2);
      assert_error (&worker.channel, cases[i].type);
      g_bytes_unref (cases[i].words);
    }

  nursery_fixture_call (&worker, 3, 0, good, -1);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 3);
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

/* A command that leaves a daemon: nothing of it is there when the result comes. */
static void
test_command_leftovers (NurseryFixture *self,
                        gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, "daemonize-loud", NULL);
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "page");
  for (guint id = 1; id < 6; id++)
    {
      nursery_fixture_call (&worker, id, 0, words, -1);
      channel_expect (&worker.channel, TVM_FRAME_RESULT, id);
      assert_alive (self, 0);
    }
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

/* Calls that were in front of the CANCEL are still run, in their order. */
static void
test_cancel (NurseryFixture *self,
             gconstpointer   data)
{
  g_autoptr (GBytes) hang = nursery_fixture_words (self, NULL, "hang", NULL);
  g_autoptr (GBytes) quick = nursery_fixture_words (self, NULL, "exit", "0", NULL);
  TestWorker worker;

  nursery_fixture_fork_command (self, &worker, 1, "page");
  nursery_fixture_call (&worker, 1, TVM_FRAME_FLAG_MAY_CANCEL, hang, -1);
  nursery_fixture_call (&worker, 2, 0, quick, -1);
  nursery_fixture_call (&worker, 3, TVM_FRAME_FLAG_MAY_CANCEL, quick, -1);
  process_fixture_wait_ready (&self->process, NULL, NULL);

  channel_write (&worker.channel, (TvmFrameHeader) { .kind = TVM_FRAME_CANCEL, .id = 3 }, NULL,
                 NULL);
  channel_write (&worker.channel, (TvmFrameHeader) { .kind = TVM_FRAME_CANCEL, .id = 1 }, NULL,
                 NULL);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 1);
  g_assert_cmpint (channel_get_number (&worker.channel, "status"), ==, SIGTERM);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 2);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 3);
  g_assert_cmpint (channel_get_number (&worker.channel, "status"), ==, 0);

  /* Too late */
  channel_write (&worker.channel, (TvmFrameHeader) { .kind = TVM_FRAME_CANCEL, .id = 3 }, NULL,
                 NULL);
  nursery_fixture_call (&worker, 4, 0, quick, -1);
  channel_expect (&worker.channel, TVM_FRAME_RESULT, 4);

  /* The end while a command runs that may be cancelled */
  nursery_fixture_call (&worker, 5, TVM_FRAME_FLAG_MAY_CANCEL, hang, -1);
  process_fixture_wait_ready (&self->process, NULL, NULL);
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
  assert_alive (self, 0);
}

static void
test_program (NurseryFixture *self,
              gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, "copy-fd", "3", "3", NULL);
  g_autoptr (GBytes) stdio = nursery_fixture_words (self, "--stdio", "cat", NULL);
  GBytes *cases[] = { words, stdio };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TestWorker worker;
      char text[8] = "";

      nursery_fixture_fork (self, &worker, i + 1, cases[i]);
      g_assert_cmpint (getsid (worker.pid), ==, worker.pid);
      g_assert_cmpint (getpgid (worker.pid), ==, worker.pid);
      g_assert_cmpint (write (worker.channel.fd, "abc", 3), ==, 3);
      g_assert_cmpint (read (worker.channel.fd, text, sizeof text), ==, 3);
      g_assert_cmpstr (text, ==, "abc");
      g_assert_no_errno (shutdown (worker.channel.fd, SHUT_WR));
      expect_exited (self, &worker, 0);
      test_worker_close (&worker);
    }
}

/* A program has its descriptors and no others. */
static void
test_program_inherits (NurseryFixture *self,
                       gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, "--stdio", "inherited", NULL);
  TestWorker worker;
  char text[64];

  nursery_fixture_fork (self, &worker, 1, words);
  expect_exited (self, &worker, 0);
  g_assert_cmpint (read (worker.channel.fd, text, sizeof text), ==, 0);
  test_worker_close (&worker);
}

static void
test_fork_errors (NurseryFixture *self,
                  gconstpointer   data)
{
  static const char missing[] = "--argc=1\0--\0/nonexistent/program\0program";
  const struct
  {
    GBytes *words;
    int error;
    int stage;
  } cases[] = {
    { g_bytes_new_static (missing, sizeof missing), ENOENT, TVM_SUPERVISOR_STAGE_EXEC },
    { nursery_fixture_words (self, "--chdir=/nonexistent", "exit", "0", NULL), ENOENT,
      TVM_SUPERVISOR_STAGE_CHDIR },
    { g_bytes_new_static ("--stdio", 8), EINVAL, TVM_SUPERVISOR_STAGE_OPTIONS },
    { g_bytes_new_static ("--argc=1", 9), EINVAL, TVM_SUPERVISOR_STAGE_OPTIONS },
    { g_bytes_new_static ("no end", 6), EINVAL, TVM_SUPERVISOR_STAGE_OPTIONS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      nursery_fixture_send_fork (self, i + 1, cases[i].words, 0, 0);
      channel_expect (&self->control, TVM_FRAME_FORKED, i + 1);
      g_assert_cmpint (channel_get_number (&self->control, "error"), ==, cases[i].error);
      g_assert_cmpint (channel_get_number (&self->control, "stage"), ==, cases[i].stage);
      g_bytes_unref (cases[i].words);
    }

  channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_FORK, .id = 9, .n_fds = 1 },
                 NULL, (int[]) { 0 });
  channel_expect (&self->control, TVM_FRAME_FORKED, 9);
  g_assert_cmpint (channel_get_number (&self->control, "error"), ==, EINVAL);
}

/* Kills are exact: what one worker has started dies, and nothing else. */
static void
test_kill (NurseryFixture *self,
           gconstpointer   data)
{
  static const char * const modes[] = { "hang", "spin-ignoring-signals", "nasty", "tree" };
  g_autoptr (GBytes) hang = nursery_fixture_words (self, NULL, "hang", NULL);
  g_autoptr (GBytes) quick = nursery_fixture_words (self, NULL, "exit", "0", NULL);
  TestWorker innocent;
  TestWorker other;
  TestWorker worker;

  nursery_fixture_fork_command (self, &innocent, 1, "page");
  nursery_fixture_fork (self, &other, 2, hang);
  process_fixture_wait_ready (&self->process, NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, modes[i], "3", NULL);

      /* As a program, as a command, and as a command whose worker is stopped */
      for (guint kind = 0; kind < 3; kind++)
        {
          guint64 id = 10 + 10 * i + kind;

          if (kind == 0)
            nursery_fixture_fork (self, &worker, id, words);
          else
            {
              nursery_fixture_fork_command (self, &worker, id, "page");
              nursery_fixture_call (&worker, 1, 0, words, -1);
            }
          process_fixture_wait_ready (&self->process, NULL, NULL);
          if (kind == 2)
            g_assert_no_errno (kill (worker.pid, SIGSTOP));

          nursery_fixture_kill (self, id);
          expect_exited (self, &worker, SIGKILL);
          assert_alive (self, 1);
          test_worker_close (&worker);
        }
    }

  nursery_fixture_call (&innocent, 3, 0, quick, -1);
  channel_expect (&innocent.channel, TVM_FRAME_RESULT, 3);
  nursery_fixture_kill (self, 2);
  nursery_fixture_kill (self, 2);
  nursery_fixture_kill (self, 99);
  expect_exited (self, &other, SIGKILL);
  test_worker_close (&innocent);
  expect_exited (self, &innocent, 0);
  test_worker_close (&other);
}

/* Several that die at once, while another one works on */
static void
test_kill_many (NurseryFixture *self,
                gconstpointer   data)
{
  g_autoptr (GBytes) nasty = nursery_fixture_words (self, NULL, "nasty", NULL);
  g_autoptr (GBytes) quick = nursery_fixture_words (self, NULL, "exit", "0", NULL);
  TestWorker workers[5];
  TestWorker innocent;

  nursery_fixture_fork_command (self, &innocent, 99, "page");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      nursery_fixture_fork (self, &workers[i], i, nasty);
      process_fixture_wait_ready (&self->process, NULL, NULL);
    }

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    nursery_fixture_kill (self, i);
  nursery_fixture_call (&innocent, 1, 0, quick, -1);
  channel_expect (&innocent.channel, TVM_FRAME_RESULT, 1);

  expect_all_exited (self, 0, G_N_ELEMENTS (workers));
  assert_alive (self, 0);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    test_worker_close (&workers[i]);
  test_worker_close (&innocent);
  expect_exited (self, &innocent, 0);
}

/* A worker that somebody else kills, which is what a crash looks like */
static void
test_crash (NurseryFixture *self,
            gconstpointer   data)
{
  g_autoptr (GBytes) nasty = nursery_fixture_words (self, NULL, "nasty", NULL);
  TestWorker worker;

  for (guint id = 0; id < 6; id++)
    {
      if (id % 2 == 0)
        {
          nursery_fixture_fork_command (self, &worker, id, "page");
          nursery_fixture_call (&worker, 1, 0, nasty, -1);
        }
      else
        nursery_fixture_fork (self, &worker, id, nasty);
      process_fixture_wait_ready (&self->process, NULL, NULL);

      g_assert_no_errno (kill (worker.pid, SIGKILL));
      expect_exited (self, &worker, SIGKILL);
      assert_alive (self, 0);
      test_worker_close (&worker);
    }
}

/* Many that come and go; the tear-down looks for what they might leave. */
static void
test_many (NurseryFixture *self,
           gconstpointer   data)
{
  g_autoptr (GBytes) quick = nursery_fixture_words (self, NULL, "exit", "0", NULL);
  const guint n = 200;

  for (guint i = 0; i < n; i++)
    {
      TestWorker worker;

      if (i % 2 == 0)
        nursery_fixture_fork_command (self, &worker, i, "page");
      else
        nursery_fixture_fork (self, &worker, i, quick);
      test_worker_close (&worker);
      expect_exited (self, &worker, 0);
    }
}

/* So many at once that the answers do not fit in the socket, which nobody reads */
static void
test_slow_parent (NurseryFixture *self,
                  gconstpointer   data)
{
  const guint n = 3000;
  int size = 4096;

  g_assert_no_errno (setsockopt (self->control.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
  for (guint i = 0; i < n; i++)
    channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_FORK, .id = i }, NULL,
                   NULL);
  for (guint i = 0; i < n; i++)
    channel_expect (&self->control, TVM_FRAME_FORKED, i);
}

static void
test_setup (NurseryFixture *self,
            gconstpointer   data)
{
  TestWorker worker;

  channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_SETUP, .length = 12 },
                 "module=none", NULL);
  nursery_fixture_fork_command (self, &worker, 1, "page");
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

/* Starts what does not end by itself, in all ways. */
static void
start_all (NurseryFixture *self,
           TestWorker      workers[3])
{
  g_autoptr (GBytes) nasty = nursery_fixture_words (self, NULL, "nasty", NULL);
  g_autoptr (GBytes) hang = nursery_fixture_words (self, NULL, "hang", NULL);

  nursery_fixture_fork (self, &workers[0], 1, nasty);
  process_fixture_wait_ready (&self->process, NULL, NULL);
  nursery_fixture_fork_command (self, &workers[1], 2, "page");
  nursery_fixture_call (&workers[1], 1, 0, nasty, -1);
  process_fixture_wait_ready (&self->process, NULL, NULL);
  nursery_fixture_fork (self, &workers[2], 3, hang);
  process_fixture_wait_ready (&self->process, NULL, NULL);
}

static void
close_all_workers (TestWorker workers[3])
{
  for (guint i = 0; i < 3; i++)
    test_worker_close (&workers[i]);
}

static void
test_socket_closed (NurseryFixture *self,
                    gconstpointer   data)
{
  TestWorker workers[3];

  start_all (self, workers);
  nursery_fixture_stop (self);
  assert_alive (self, 0);
  close_all_workers (workers);
}

/* What is no frame, and a frame that a nursery never gets */
static void
test_garbage (NurseryFixture *self,
              gconstpointer   data)
{
  TestWorker workers[3];
  char garbage[100];

  start_all (self, workers);
  memset (garbage, 'g', sizeof garbage);
  g_assert_cmpint (write (self->control.fd, garbage, sizeof garbage), ==, sizeof garbage);
  channel_expect_end (&self->control);
  nursery_fixture_stop (self);
  assert_alive (self, 0);
  close_all_workers (workers);
}

static void
test_wrong_kind (NurseryFixture *self,
                 gconstpointer   data)
{
  channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_CALL }, NULL, NULL);
  channel_expect_end (&self->control);
  nursery_fixture_stop (self);
}

/* Half a frame keeps nobody waiting. */
static void
test_half_frame (NurseryFixture *self,
                 gconstpointer   data)
{
  g_autoptr (GBytes) hang = nursery_fixture_words (self, NULL, "hang", NULL);
  TvmFrameHeader header = { .kind = TVM_FRAME_KILL, .id = 2 };
  guint8 bytes[TVM_FRAME_HEADER_SIZE];
  TestWorker first;
  TestWorker second;

  nursery_fixture_fork (self, &first, 1, hang);
  nursery_fixture_fork (self, &second, 2, hang);
  process_fixture_wait_ready (&self->process, NULL, NULL);

  tvm_frame_encode (&header, bytes);
  g_assert_cmpint (write (self->control.fd, bytes, 10), ==, 10);
  g_assert_no_errno (kill (first.pid, SIGTERM));
  expect_exited (self, &first, SIGTERM);
  g_assert_cmpint (write (self->control.fd, bytes + 10, sizeof bytes - 10), ==, sizeof bytes - 10);
  expect_exited (self, &second, SIGKILL);
  test_worker_close (&first);
  test_worker_close (&second);
}

/* Without a free descriptor nothing can be started, but all that there is still be killed. */
static void
test_no_descriptors (NurseryFixture *self,
                     gconstpointer   data)
{
  g_autoptr (GBytes) nasty = nursery_fixture_words (self, NULL, "nasty", NULL);
  struct rlimit old;
  struct rlimit low;
  TestWorker worker;

  nursery_fixture_fork (self, &worker, 1, nasty);
  process_fixture_wait_ready (&self->process, NULL, NULL);

  g_assert_no_errno (prlimit (self->pid, RLIMIT_NOFILE, NULL, &old));
  low = old;
  low.rlim_cur = self->n_fds;
  g_assert_no_errno (prlimit (self->pid, RLIMIT_NOFILE, &low, NULL));
  for (guint id = 2; id < 5; id++)
    nursery_fixture_send_fork (self, id, NULL, 0, 0);
  for (guint id = 2; id < 5; id++)
    {
      channel_expect (&self->control, TVM_FRAME_FORKED, id);
      g_assert_cmpint (channel_get_number (&self->control, "error"), ==, EMFILE);
    }

  nursery_fixture_kill (self, 1);
  expect_exited (self, &worker, SIGKILL);
  assert_alive (self, 0);
  test_worker_close (&worker);

  g_assert_no_errno (prlimit (self->pid, RLIMIT_NOFILE, &old, NULL));
  nursery_fixture_fork_command (self, &worker, 6, "page");
  test_worker_close (&worker);
  expect_exited (self, &worker, 0);
}

/* Starts the nursery anew, as the library does, below a supervisor. */
static void
start_supervised (NurseryFixture  *self,
                  GAsyncResult   **result)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = tvm_launch_dup_helper_path ("tvmsupport-nursery", &error);
  g_autoptr (TvmProcessSpec) spec = NULL;
  int fds[2];

  g_assert_no_error (error);
  nursery_fixture_stop (self);
  spec = tvm_process_spec_new ((const char *[]) { path, TVM_WORKER_ROLE_OPTION "nursery", NULL });
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  tvm_process_spec_add_fd (spec, fds[1]);
  tvm_process_spec_set_kill_leftovers (spec, TRUE);
  tvm_process_spec_set_cleans_up (spec, TRUE);
  close (fds[1]);
  tvm_process_run_async (spec, NULL, process_fixture_ready, result);

  channel_open (&self->control, fds[0]);
  channel_expect (&self->control, TVM_FRAME_HELLO, 0);
  self->pid = channel_get_number (&self->control, "pid");
}

static int
get_parent (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  int parent = 0;

  g_file_get_contents (path, &contents, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sscanf (strrchr (contents, ')') + 1, " %*c %d", &parent), ==, 1);
  return parent;
}

static void
test_nursery_killed (NurseryFixture *self,
                     gconstpointer   data)
{
  g_autoptr (GAsyncResult) ready = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TestWorker workers[3];

  start_supervised (self, &ready);
  start_all (self, workers);
  g_assert_no_errno (kill (self->pid, SIGKILL));
  result = process_fixture_finish (&ready, &error);
  g_assert_no_error (error);
  g_assert_cmpint (result->term_signal, ==, SIGKILL);
  assert_alive (self, 0);
  close_all_workers (workers);
}

static void
test_supervisor_killed (NurseryFixture *self,
                        gconstpointer   data)
{
  g_autoptr (GAsyncResult) ready = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TestWorker workers[3];

  start_supervised (self, &ready);
  start_all (self, workers);
  g_assert_no_errno (kill (get_parent (self->pid), SIGKILL));
  result = process_fixture_finish (&ready, &error);
  g_assert_null (result);
  g_assert_nonnull (error);

  /* It ends when it has killed all. */
  channel_expect_end (&self->control);
  assert_alive (self, 0);
  close_all_workers (workers);
}

/* The ordinary end */
static void
test_supervised (NurseryFixture *self,
                 gconstpointer   data)
{
  g_autoptr (GAsyncResult) ready = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TestWorker workers[3];

  start_supervised (self, &ready);
  start_all (self, workers);
  channel_close (&self->control);
  result = process_fixture_finish (&ready, &error);
  g_assert_no_error (error);
  g_assert_cmpint (result->exit_status, ==, 0);
  g_assert_cmpuint (result->stderr_total, ==, 0);
  assert_alive (self, 0);
  close_all_workers (workers);
}

/* A nursery that this program is itself: what other languages make of it */
G_NORETURN static void
run_own_nursery (gboolean can_fork)
{
  TvmNursery *nursery = tvm_nursery_new (TVM_WORKER_CHANNEL_FD, "test 1", "bytes", can_fork);
  const char *settings;
  gsize length;
  pid_t pid;
  char byte;

  for (;;)
    switch (tvm_nursery_next (nursery, &settings, &length))
      {
      case TVM_NURSERY_FORK:
        pid = fork ();
        if (pid != 0)
          {
            tvm_nursery_parent (nursery, pid, errno);
            break;
          }

        if (tvm_nursery_child (nursery) != 0)
          _exit (127);
        while (read (TVM_WORKER_CHANNEL_FD, &byte, 1) == 1)
          if (write (TVM_WORKER_CHANNEL_FD, &byte, 1) != 1)
            _exit (1);
        _exit (9);

      case TVM_NURSERY_SETUP:
        /* So that the rest is not done by one thread */
        if (tvm_frame_get_setting (settings, length, "module") != NULL)
          g_thread_unref (g_thread_new ("module", (GThreadFunc) (void (*) (void)) pause, NULL));
        break;

      case TVM_NURSERY_END:
        tvm_nursery_free (nursery);
        _exit (7);
      }
}

static void
start_own (NurseryFixture *self,
           gboolean        can_fork)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  int fds[2];

  nursery_fixture_stop (self);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  self->pid = fork ();
  if (self->pid == 0)
    {
      fcntl (dup2 (fds[1], TVM_WORKER_CHANNEL_FD), F_SETFD, 0);
      execl (program, program, can_fork ? "--nursery" : "--nursery-that-executes", NULL);
      _exit (99);
    }

  close (fds[1]);
  channel_open (&self->control, fds[0]);
  channel_expect (&self->control, TVM_FRAME_HELLO, 0);
  g_assert_cmpstr (channel_get_setting (&self->control, "program"), ==, "test 1");
  g_assert_cmpstr (channel_get_setting (&self->control, "payload"), ==, "bytes");
}

static void
stop_own (NurseryFixture *self)
{
  int status;

  channel_close (&self->control);
  g_assert_cmpint (waitpid (self->pid, &status, 0), ==, self->pid);
  g_assert_cmpint (status, ==, 7 << 8);
}

static void
assert_cannot_fork (NurseryFixture *self,
                    const char     *reason)
{
  nursery_fixture_send_fork (self, 5, NULL, 0, 0);
  channel_expect (&self->control, TVM_FRAME_FORKED, 5);
  g_assert_cmpint (channel_get_number (&self->control, "error"), ==, EAGAIN);
  g_assert_cmpstr (channel_get_setting (&self->control, "reason"), ==, reason);
}

static void
test_own (NurseryFixture *self,
          gconstpointer   data)
{
  TestWorker worker;
  char text[2] = "";

  start_own (self, TRUE);
  nursery_fixture_fork (self, &worker, 1, NULL);
  g_assert_cmpint (write (worker.channel.fd, "x", 1), ==, 1);
  g_assert_cmpint (read (worker.channel.fd, text, 1), ==, 1);
  g_assert_cmpstr (text, ==, "x");
  g_assert_cmpint (getsid (worker.pid), ==, worker.pid);
  channel_close (&worker.channel);
  expect_exited (self, &worker, 9 << 8);
  test_worker_close (&worker);

  channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_SETUP, .length = 9 },
                 "module=x", NULL);
  assert_cannot_fork (self, "the nursery has 2 threads");
  stop_own (self);
}

static void
test_own_executes (NurseryFixture *self,
                   gconstpointer   data)
{
  g_autoptr (GBytes) words = nursery_fixture_words (self, NULL, "exit", "4", NULL);
  TestWorker worker;

  start_own (self, FALSE);
  assert_cannot_fork (self, "the nursery does not fork");
  nursery_fixture_fork (self, &worker, 1, words);
  expect_exited (self, &worker, 4 << 8);
  test_worker_close (&worker);
  stop_own (self);
}

/* A worker behind pipes, as behind ssh, and its guard */
typedef struct
{
  int guard;
  int to;
  int from;
} Guarded;

G_NORETURN static void
run_guarded (const char *tool)
{
  int in_fd;
  int out_fd;
  char byte;

  if (tvm_nursery_guard (&in_fd, &out_fd) != 0)
    _exit (100);

  /* This goes to stderr. */
  if (write (STDOUT_FILENO, "noise", 5) != 5 || read (STDIN_FILENO, &byte, 1) != 0)
    _exit (101);
  if (fork () == 0)
    {
      execl (tool, tool, "nasty", NULL);
      _exit (102);
    }

  while (read (in_fd, &byte, 1) == 1 && byte != 'q')
    {
      if (write (out_fd, &byte, 1) != 1)
        _exit (103);
      while (byte == 'p')
        pause ();
    }
  _exit (byte == 'q' ? 5 : 104);
}

static void
start_guarded (NurseryFixture *self,
               Guarded        *guarded)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *tool = process_fixture_get_tool ();
  int to[2];
  int from[2];
  char byte;

  g_setenv ("FAKE_TOOL_MARK", self->process.mark, TRUE);
  g_setenv ("FAKE_TOOL_READY", self->process.fifo, TRUE);
  g_assert_no_errno (pipe2 (to, O_CLOEXEC));
  g_assert_no_errno (pipe2 (from, O_CLOEXEC));
  guarded->guard = fork ();
  if (guarded->guard == 0)
    {
      int null = open ("/dev/null", O_WRONLY);

      dup2 (to[0], 0);
      dup2 (from[1], 1);
      dup2 (null, 2);
      execl (program, program, "--guarded", tool, NULL);
      _exit (99);
    }

  g_unsetenv ("FAKE_TOOL_MARK");
  g_unsetenv ("FAKE_TOOL_READY");
  close (to[0]);
  close (from[1]);
  guarded->to = to[1];
  guarded->from = from[0];
  g_assert_cmpint (write (guarded->to, "x", 1), ==, 1);
  g_assert_cmpint (read (guarded->from, &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 'x');
  process_fixture_wait_ready (&self->process, NULL, NULL);
}

static void
expect_guard_exited (NurseryFixture *self,
                     Guarded        *guarded,
                     int             exit_status)
{
  int status;
  char byte;

  g_assert_cmpint (waitpid (guarded->guard, &status, 0), ==, guarded->guard);
  g_assert_cmpint (status, ==, exit_status << 8);
  g_assert_cmpint (read (guarded->from, &byte, 1), ==, 0);
  assert_alive (self, 0);
  if (guarded->to >= 0)
    close (guarded->to);
  close (guarded->from);
}

static void
test_guard (NurseryFixture *self,
            gconstpointer   data)
{
  Guarded guarded;
  char byte;

  /* The worker ends. */
  start_guarded (self, &guarded);
  g_assert_cmpint (write (guarded.to, "q", 1), ==, 1);
  expect_guard_exited (self, &guarded, 5);

  /* Its stdin ends, and it does not read. */
  start_guarded (self, &guarded);
  g_assert_cmpint (write (guarded.to, "p", 1), ==, 1);
  g_assert_cmpint (read (guarded.from, &byte, 1), ==, 1);
  close (g_steal_fd (&guarded.to));
  expect_guard_exited (self, &guarded, 128 + SIGKILL);

  /* Somebody ends the guard. */
  start_guarded (self, &guarded);
  g_assert_no_errno (kill (guarded.guard, SIGTERM));
  expect_guard_exited (self, &guarded, 128 + SIGTERM);
}

int
main (int    argc,
      char **argv)
{
  if (argc > 1 && g_str_has_prefix (argv[1], "--nursery"))
    run_own_nursery (strcmp (argv[1], "--nursery") == 0);
  if (argc == 3 && strcmp (argv[1], "--guarded") == 0)
    run_guarded (argv[2]);

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  signal (SIGPIPE, SIG_IGN);
  process_fixture_warm_up ();

  nursery_fixture_add ("/nursery/command", test_command);
  nursery_fixture_add ("/nursery/command/begun-frames", test_begun_frames);
  nursery_fixture_add ("/nursery/command/surroundings", test_command_surroundings);
  nursery_fixture_add ("/nursery/command/errors", test_command_errors);
  nursery_fixture_add ("/nursery/command/leftovers", test_command_leftovers);
  nursery_fixture_add ("/nursery/command/cancel", test_cancel);
  nursery_fixture_add ("/nursery/program", test_program);
  nursery_fixture_add ("/nursery/program/inherits", test_program_inherits);
  nursery_fixture_add ("/nursery/fork-errors", test_fork_errors);
  nursery_fixture_add ("/nursery/kill", test_kill);
  nursery_fixture_add ("/nursery/kill/many", test_kill_many);
  nursery_fixture_add ("/nursery/crash", test_crash);
  nursery_fixture_add ("/nursery/many", test_many);
  nursery_fixture_add ("/nursery/slow-parent", test_slow_parent);
  nursery_fixture_add ("/nursery/setup", test_setup);
  nursery_fixture_add ("/nursery/socket-closed", test_socket_closed);
  nursery_fixture_add ("/nursery/garbage", test_garbage);
  nursery_fixture_add ("/nursery/wrong-kind", test_wrong_kind);
  nursery_fixture_add ("/nursery/half-frame", test_half_frame);
  nursery_fixture_add ("/nursery/no-descriptors", test_no_descriptors);
  nursery_fixture_add ("/nursery/killed", test_nursery_killed);
  nursery_fixture_add ("/nursery/supervisor-killed", test_supervisor_killed);
  nursery_fixture_add ("/nursery/supervised", test_supervised);
  nursery_fixture_add ("/nursery/own", test_own);
  nursery_fixture_add ("/nursery/own/executes", test_own_executes);
  nursery_fixture_add ("/nursery/guard", test_guard);

  return g_test_run ();
}
