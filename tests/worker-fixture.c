/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "worker-fixture.h"

#include "tvmsupport/process/tvm-launch-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MESSAGE ((guint64) 1 << 30)

/* No test waits for longer. */
static const struct timeval patience = { 60, 0 };

/* Returns: what the worker gets */
static int
make_page (WorkerFixture *self)
{
  int fd = memfd_create ("page", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_no_errno (ftruncate (fd, TVM_STATUS_PAGE_SIZE));
  self->page = tvm_status_page_map (fd);
  g_assert_nonnull (self->page);
  return fd;
}

/* Returns: what the worker gets */
static int
make_sockets (WorkerFixture *self)
{
  int sockets[2];

  memset (self, 0, sizeof *self);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
  g_assert_no_errno (setsockopt (sockets[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
  self->reader.fd = sockets[0];
  return sockets[1];
}

void
worker_fixture_start (WorkerFixture      *self,
                      const char * const *argv,
                      WorkerFlags         flags)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  int fd = make_sockets (self);

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  if (flags & WORKER_WITH_STDIO)
    {
      g_subprocess_launcher_take_stdin_fd (launcher, fcntl (fd, F_DUPFD_CLOEXEC, 3));
      g_subprocess_launcher_take_stdout_fd (launcher, fd);
    }
  else
    {
      g_subprocess_launcher_set_flags (launcher, G_SUBPROCESS_FLAGS_STDOUT_PIPE);
      g_subprocess_launcher_take_fd (launcher, fd, TVM_WORKER_CHANNEL_FD);
    }
  if (flags & WORKER_WITH_PAGE)
    g_subprocess_launcher_take_fd (launcher, make_page (self), TVM_WORKER_PAGE_FD);

  self->process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
}

char *
worker_fixture_dup_module (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_BUILT, "worker-module.so", NULL);

  return g_canonicalize_filename (path, NULL);
}

void
worker_fixture_start_module (WorkerFixture      *self,
                             WorkerFlags         flags,
                             const char * const *settings)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *path = worker_fixture_dup_module ();
  g_autofree char *module = g_strconcat ("module=", path, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *program = NULL;
  g_auto (GStrv) all = NULL;
  const char *role = flags & WORKER_WITH_STDIO ? "--tvm-worker=stdio" : "--tvm-worker=fd";

  program = tvm_launch_dup_helper_path ("tvmsupport-worker", &error);
  g_assert_no_error (error);
  worker_fixture_start (self, (const char * const []) { program, role, NULL }, flags);
  worker_fixture_expect (self, TVM_FRAME_HELLO, 0);

  g_strv_builder_add (builder, module);
  g_strv_builder_add (builder, flags & WORKER_WITH_PAGE ? "begun=page" : "begun=frames");
  if (settings != NULL)
    g_strv_builder_addv (builder, (const char **) settings);
  all = g_strv_builder_end (builder);
  worker_fixture_setup (self, (const char * const *) all);
}

static GString *
join_strings (const char * const *strings)
{
  GString *payload = g_string_new (NULL);

  for (; strings != NULL && *strings != NULL; strings++)
    g_string_append_len (payload, *strings, (gssize) strlen (*strings) + 1);
  return payload;
}

void
worker_fixture_fork (WorkerFixture      *nursery,
                     WorkerFixture      *worker,
                     guint64             id,
                     const char * const *words)
{
  GString *payload = join_strings (words);
  TvmFrameHeader header = {
    .kind = TVM_FRAME_FORK, .id = id, .n_fds = 4, .length = payload->len,
  };
  int fds[4];

  fds[0] = make_sockets (worker);
  fds[1] = make_page (worker);
  fds[2] = STDERR_FILENO;
  fds[3] = STDERR_FILENO;
  worker_fixture_send (nursery, header, payload->str, fds);
  g_string_free (payload, TRUE);
  close (fds[0]);
  close (fds[1]);

  worker_fixture_expect (nursery, TVM_FRAME_FORKED, id);
  worker_fixture_expect (worker, TVM_FRAME_HELLO, 0);
  g_assert_cmpstr (tvm_frame_get_setting (worker->payload, worker->header.length, "pid"), ==,
                   tvm_frame_get_setting (nursery->payload, nursery->header.length, "pid"));
}

static void
clear (WorkerFixture *self)
{
  if (self->reader.fd >= 0)
    close (self->reader.fd);
  tvm_frame_reader_clear (&self->reader);
  g_clear_object (&self->process);
  if (self->page != NULL)
    tvm_status_page_unmap (self->page);
}

void
worker_fixture_join (WorkerFixture *nursery,
                     WorkerFixture *worker,
                     guint64        id,
                     int            status)
{
  g_autofree char *text = g_strdup_printf ("%d", status);

  clear (worker);
  worker_fixture_expect (nursery, TVM_FRAME_EXITED, id);
  g_assert_cmpstr (tvm_frame_get_setting (nursery->payload, nursery->header.length, "status"), ==,
                   text);
}

char *
worker_fixture_end (WorkerFixture *self,
                    int            status)
{
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GError) error = NULL;
  GString *text;

  close (g_steal_fd (&self->reader.fd));
  g_subprocess_communicate (self->process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  if (status >= 0)
    g_assert_cmpint (g_subprocess_get_status (self->process), ==, status);
  clear (self);

  text = g_string_new (NULL);
  if (output != NULL)
    g_string_append_len (text, g_bytes_get_data (output, NULL), (gssize) g_bytes_get_size (output));
  return g_string_free (text, FALSE);
}

/* What has become of the worker says more than that it does not read. */
void
worker_fixture_send (WorkerFixture  *self,
                     TvmFrameHeader  header,
                     const void     *payload,
                     const int      *fds)
{
  int errsv = tvm_frame_write (self->reader.fd, header, payload, fds);

  if (errsv == 0)
    return;

  if (errsv == EPIPE && self->process != NULL && g_subprocess_wait (self->process, NULL, NULL))
    g_error ("The worker has ended with the wait status %d, before a frame of the kind %d",
             g_subprocess_get_status (self->process), header.kind);
  g_error ("Cannot send a frame of the kind %d: %s", header.kind, g_strerror (errsv));
}

void
worker_fixture_setup (WorkerFixture      *self,
                      const char * const *settings)
{
  GString *payload = join_strings (settings);

  worker_fixture_send (self, (TvmFrameHeader) { .kind = TVM_FRAME_SETUP, .length = payload->len },
                       payload->str, NULL);
  g_string_free (payload, TRUE);
}

void
worker_fixture_call_full (WorkerFixture  *self,
                          TvmFrameHeader  header,
                          const char     *function,
                          GVariant       *args)
{
  g_autoptr (GVariant) task = g_variant_ref_sink (g_variant_new ("(sv)", function, args));

  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (task);

      g_variant_unref (task);
      task = swapped;
    }

  header.length = g_variant_get_size (task);
  worker_fixture_send (self, header, g_variant_get_data (task), NULL);
}

void
worker_fixture_call (WorkerFixture *self,
                     guint64        id,
                     const char    *function,
                     GVariant      *args)
{
  worker_fixture_call_full (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = id }, function,
                            args);
}

static TvmFrameReadStatus
read_frame (WorkerFixture *self)
{
  int fds[TVM_FRAME_MAX_FDS];
  const char *problem = NULL;
  TvmFrameReadStatus status;

  status = tvm_frame_read (&self->reader, MAX_MESSAGE, &self->header, &self->payload, fds,
                           &problem);
  g_assert_cmpstr (problem, ==, NULL);
  return status;
}

gboolean
worker_fixture_take_from_outbox (WorkerFixture *self,
                                 guint64        id)
{
  static guint8 payload[TVM_STATUS_OUTBOX_PAYLOAD];
  const char *problem;

  if (self->page == NULL
      || !tvm_status_page_peek (self->page, self->consumed, &self->header, payload, &problem)
      || self->header.id != id)
    return FALSE;

  self->payload = payload;
  self->consumed += TVM_FRAME_HEADER_SIZE + self->header.length;
  tvm_status_page_set_consumed (self->page, self->consumed);
  return TRUE;
}

void
worker_fixture_expect (WorkerFixture *self,
                       TvmFrameKind   kind,
                       guint64        id)
{
  struct pollfd polled = { .fd = self->reader.fd, .events = POLLIN };
  gint64 limit = g_get_monotonic_time () + patience.tv_sec * G_USEC_PER_SEC;
  gboolean taken;

  /* What is in the outbox has gone before what is in the socket. */
  while (!(taken = worker_fixture_take_from_outbox (self, id))
         && self->page != NULL && self->reader.start == self->reader.end && poll (&polled, 1, 1) == 0)
    g_assert_cmpint (g_get_monotonic_time (), <, limit);
  if (!taken && !worker_fixture_take_from_outbox (self, id))
    g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);

  g_assert_cmpint (self->header.kind, ==, kind);
  g_assert_cmpuint (self->header.id, ==, id);
  g_assert_cmpint (self->header.flags, ==, 0);
  g_assert_cmpint (self->header.n_fds, ==, 0);
}

void
worker_fixture_expect_value (WorkerFixture *self,
                             guint64        id,
                             const char    *text)
{
  g_autoptr (GVariant) boxed = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) expected = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  worker_fixture_expect (self, TVM_FRAME_RESULT, id);
  bytes = g_bytes_new (self->payload, self->header.length);
  boxed = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  g_assert_true (g_variant_is_normal_form (boxed));
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (boxed);

      g_variant_unref (boxed);
      boxed = swapped;
    }

  value = g_variant_get_variant (boxed);
  expected = g_variant_parse (NULL, text, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpvariant (value, expected);
}

void
worker_fixture_expect_error (WorkerFixture *self,
                             guint64        id,
                             const char    *type,
                             const char    *pattern)
{
  const char *text;
  const char *message;

  worker_fixture_expect (self, TVM_FRAME_ERROR, id);
  text = self->payload;
  g_assert_cmpint (text[self->header.length - 1], ==, '\0');
  message = text + strlen (text) + 1;
  g_assert_cmpstr (text, ==, type);
  if (!g_pattern_match_simple (pattern, message))
    g_error ("“%s” does not match “%s”", message, pattern);
}

void
worker_fixture_expect_end (WorkerFixture *self)
{
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_END);
}
