/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "nursery-fixture.h"

#include "tvmsupport/process/tvm-launch-private.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

void
channel_open (Channel *self,
              int      fd)
{
  memset (self, 0, sizeof *self);
  self->fd = self->reader.fd = fd;
}

void
channel_close (Channel *self)
{
  if (self->fd >= 0)
    close (g_steal_fd (&self->fd));
  tvm_frame_reader_clear (&self->reader);
}

void
channel_write (Channel        *self,
               TvmFrameHeader  header,
               const void     *payload,
               const int      *fds)
{
  g_assert_cmpint (tvm_frame_write (self->fd, header, payload, fds), ==, 0);
}

TvmFrameReadStatus
channel_read (Channel *self)
{
  const char *problem = NULL;
  void *payload = NULL;
  int fds[TVM_FRAME_MAX_FDS];
  TvmFrameReadStatus status;

  status = tvm_frame_read (&self->reader, TVM_FRAME_MAX_CONTROL, &self->header, &payload, fds,
                           &problem);
  self->payload = payload;
  g_assert_cmpstr (problem, ==, NULL);
  return status;
}

void
channel_expect (Channel      *self,
                TvmFrameKind  kind,
                guint64       id)
{
  g_assert_cmpint (channel_read (self), ==, TVM_FRAME_READ_OK);
  g_assert_cmpuint (self->header.kind, ==, kind);
  g_assert_cmpuint (self->header.id, ==, id);
}

void
channel_expect_end (Channel *self)
{
  g_assert_cmpint (channel_read (self), ==, TVM_FRAME_READ_END);
}

const char *
channel_get_setting (Channel    *self,
                     const char *name)
{
  const char *value = tvm_frame_get_setting (self->payload, self->header.length, name);

  g_assert_nonnull (value);
  return value;
}

gint64
channel_get_number (Channel    *self,
                    const char *name)
{
  long long value = 0;

  g_assert_true (tvm_frame_get_number (self->payload, self->header.length, name, &value));
  return value;
}

/* Returns: descriptors, or children, of the nursery */
static guint
count_entries (int         pid,
               const char *what)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", pid, what);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

void
nursery_fixture_set_up (NurseryFixture *self,
                        gconstpointer   data)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  int fds[2];

  process_fixture_set_up (&self->process, data);
  path = tvm_launch_dup_helper_path ("tvmsupport-nursery", &error);
  g_assert_no_error (error);

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  g_subprocess_launcher_take_fd (launcher, fds[1], TVM_WORKER_CHANNEL_FD);
  self->subprocess = g_subprocess_launcher_spawn (launcher, &error, path,
                                                  TVM_WORKER_ROLE_OPTION "nursery", NULL);
  g_assert_no_error (error);
  g_subprocess_launcher_close (launcher);
  self->pid = atoi (g_subprocess_get_identifier (self->subprocess));

  channel_open (&self->control, fds[0]);
  channel_expect (&self->control, TVM_FRAME_HELLO, 0);
  g_assert_cmpint (channel_get_number (&self->control, "pid"), ==, self->pid);
  self->n_fds = count_entries (self->pid, "fd");
}

void
nursery_fixture_stop (NurseryFixture *self)
{
  g_autoptr (GError) error = NULL;

  channel_close (&self->control);
  if (self->subprocess != NULL)
    {
      g_subprocess_wait_check (self->subprocess, NULL, &error);
      g_assert_no_error (error);
    }
  g_clear_object (&self->subprocess);
}

void
nursery_fixture_tear_down (NurseryFixture *self,
                           gconstpointer   data)
{
  if (self->subprocess != NULL && self->control.fd >= 0)
    g_assert_cmpuint (count_entries (self->pid, "fd"), ==, self->n_fds);

  nursery_fixture_stop (self);
  g_assert_cmpuint (process_fixture_count_alive (&self->process), ==, 0);
  process_fixture_tear_down (&self->process, data);
}

void
nursery_fixture_send_fork (NurseryFixture *self,
                           guint64         id,
                           GBytes         *words,
                           int             socket,
                           int             page)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  gsize length = 0;
  const void *payload = words != NULL ? g_bytes_get_data (words, &length) : NULL;

  channel_write (&self->control,
                 (TvmFrameHeader) { .kind = TVM_FRAME_FORK, .id = id, .n_fds = 4,
                                    .length = length },
                 payload, (int[]) { socket, page, null, null });
  close (null);
}

void
nursery_fixture_fork (NurseryFixture *self,
                      TestWorker     *worker,
                      guint64         id,
                      GBytes         *words)
{
  int page = memfd_create ("page", MFD_CLOEXEC);
  int fds[2];

  g_assert_no_errno (ftruncate (page, TVM_STATUS_PAGE_SIZE));
  worker->id = id;
  worker->page = tvm_status_page_map (page);
  g_assert_nonnull (worker->page);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  channel_open (&worker->channel, fds[0]);

  nursery_fixture_send_fork (self, id, words, fds[1], page);
  close (fds[1]);
  close (page);
  channel_expect (&self->control, TVM_FRAME_FORKED, id);
  worker->pid = channel_get_number (&self->control, "pid");
}

void
nursery_fixture_fork_command (NurseryFixture *self,
                              TestWorker     *worker,
                              guint64         id,
                              const char     *begun)
{
  g_autofree char *setup = g_strconcat ("begun=", begun, NULL);

  nursery_fixture_fork (self, worker, id, NULL);
  channel_expect (&worker->channel, TVM_FRAME_HELLO, 0);
  g_assert_cmpint (channel_get_number (&worker->channel, "pid"), ==, worker->pid);
  channel_write (&worker->channel,
                 (TvmFrameHeader) { .kind = TVM_FRAME_SETUP, .length = strlen (setup) + 1 }, setup,
                 NULL);
}

void
nursery_fixture_kill (NurseryFixture *self,
                      guint64         id)
{
  channel_write (&self->control, (TvmFrameHeader) { .kind = TVM_FRAME_KILL, .id = id }, NULL, NULL);
}

void
test_worker_close (TestWorker *self)
{
  channel_close (&self->channel);
  tvm_status_page_unmap (self->page);
}

static void
add_word (GByteArray *array,
          const char *word)
{
  g_byte_array_append (array, (const guint8 *) word, strlen (word) + 1);
}

GBytes *
nursery_fixture_words (NurseryFixture *self,
                       const char     *options,
                       const char     *mode,
                       ...)
{
  GByteArray *array = g_byte_array_new ();
  g_auto (GStrv) option_words = g_strsplit (options != NULL ? options : "", " ", -1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *tool = process_fixture_get_tool ();
  g_autofree char *mark = g_strconcat ("FAKE_TOOL_MARK=", self->process.mark, NULL);
  g_autofree char *ready = g_strconcat ("FAKE_TOOL_READY=", self->process.fifo, NULL);
  g_autofree char *argc = NULL;
  const char *argument;
  va_list args;

  g_ptr_array_add (argv, tool);
  va_start (args, mode);
  for (argument = mode; argument != NULL; argument = va_arg (args, const char *))
    g_ptr_array_add (argv, (gpointer) argument);
  va_end (args);

  for (guint i = 0; options != NULL && option_words[i] != NULL; i++)
    add_word (array, option_words[i]);
  argc = g_strdup_printf ("--argc=%u", argv->len);
  add_word (array, argc);
  add_word (array, "--envc=2");
  add_word (array, "--");
  add_word (array, tool);
  for (guint i = 0; i < argv->len; i++)
    add_word (array, g_ptr_array_index (argv, i));
  add_word (array, mark);
  add_word (array, ready);
  return g_byte_array_free_to_bytes (array);
}

void
nursery_fixture_call (TestWorker    *worker,
                      guint64        id,
                      TvmFrameFlags  flags,
                      GBytes        *words,
                      int            output)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  gsize length;
  const void *payload = g_bytes_get_data (words, &length);
  int fds[3] = { null, output >= 0 ? output : null, output >= 0 ? output : null };
  gboolean has_stdin = (flags & TVM_FRAME_FLAG_HAS_STDIN) != 0;

  channel_write (&worker->channel,
                 (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .flags = flags, .id = id,
                                    .n_fds = has_stdin ? 3 : 2, .length = length },
                 payload, fds + !has_stdin);
  close (null);
}
