/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-frame.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LENGTH (64u * 1024 * 1024)

static const uint8_t example[TVM_FRAME_HEADER_SIZE] = {
  'T', 'V', 'M', 'F', 1, TVM_FRAME_CALL, 3, 0,
  8, 7, 6, 5, 4, 3, 2, 1,
  5, 0, 0, 0, 0, 0, 0, 0,
  2, 0, 0, 0, 0, 0, 0, 0,
};

/* Both ends of a socket or a pipe, and a reader of the first */
typedef struct
{
  int fds[2];
  TvmFrameReader reader;
  TvmFrameHeader header;
  void *payload;
  int received[TVM_FRAME_MAX_FDS];
  const char *problem;
  guint n_fds;
} Fixture;

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  alarm (60);
  self->n_fds = count_fds ();
  if (g_strcmp0 (data, "pipe") == 0)
    g_assert_no_errno (pipe2 (self->fds, O_CLOEXEC));
  else
    g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->fds));
  self->reader.fd = self->fds[0];
}

static void
close_end (Fixture *self,
           guint    end)
{
  if (self->fds[end] >= 0)
    close (g_steal_fd (&self->fds[end]));
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  tvm_frame_reader_clear (&self->reader);
  close_end (self, 0);
  close_end (self, 1);
  g_assert_cmpuint (count_fds (), ==, self->n_fds);
  alarm (0);
}

static TvmFrameReadStatus
read_frame (Fixture *self)
{
  return tvm_frame_read (&self->reader, MAX_LENGTH, &self->header, &self->payload, self->received,
                         &self->problem);
}

static void
write_frame (Fixture       *self,
             TvmFrameHeader header,
             const void    *payload,
             const int     *fds)
{
  g_assert_cmpint (tvm_frame_write (self->fds[1], header, payload, fds), ==, 0);
}

static void
write_bytes (Fixture    *self,
             const void *bytes,
             gsize       size)
{
  g_assert_cmpint (write (self->fds[1], bytes, size), ==, size);
}

static void
test_encode (void)
{
  TvmFrameHeader header = {
    .kind = TVM_FRAME_CALL,
    .flags = TVM_FRAME_FLAG_MAY_CANCEL | TVM_FRAME_FLAG_HAS_STDIN,
    .n_fds = 2,
    .id = G_GUINT64_CONSTANT (0x0102030405060708),
    .length = 5,
  };
  TvmFrameHeader decoded;
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  tvm_frame_encode (&header, bytes);
  g_assert_cmpmem (bytes, sizeof bytes, example, sizeof example);
  g_assert_null (tvm_frame_decode (&decoded, bytes, 5));
  g_assert_cmpuint (decoded.kind, ==, header.kind);
  g_assert_cmpuint (decoded.flags, ==, header.flags);
  g_assert_cmpuint (decoded.n_fds, ==, header.n_fds);
  g_assert_cmpuint (decoded.id, ==, header.id);
  g_assert_cmpuint (decoded.length, ==, header.length);
  g_assert_nonnull (tvm_frame_decode (&decoded, bytes, 4));
}

/* Any one of these bytes makes it no frame. */
static void
test_decode_bad (void)
{
  static const struct
  {
    guint offset;
    guint8 value;
  } changes[] = {
    { 0, 'X' }, { 3, 'f' }, { 4, 0 }, { 4, 2 }, { 5, 0 }, { 5, 9 }, { 5, 15 }, { 5, 20 },
    { 5, 255 }, { 6, 8 }, { 7, 1 }, { 23, 1 }, { 23, 0x80 }, { 24, TVM_FRAME_MAX_FDS + 1 },
    { 25, 1 }, { 26, 1 }, { 31, 1 }, { 5, TVM_FRAME_KILL }, { 5, TVM_FRAME_BEGUN },
    { 5, TVM_FRAME_CANCEL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      TvmFrameHeader header;
      uint8_t bytes[TVM_FRAME_HEADER_SIZE];

      memcpy (bytes, example, sizeof bytes);
      bytes[changes[i].offset] = changes[i].value;
      g_assert_nonnull (tvm_frame_decode (&header, bytes, MAX_LENGTH));
    }
}

/* What is settings or words has a limit of its own. */
static void
test_decode_control (void)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_HELLO, .length = TVM_FRAME_MAX_CONTROL };
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  tvm_frame_encode (&header, bytes);
  g_assert_null (tvm_frame_decode (&header, bytes, UINT64_MAX));
  g_assert_null (tvm_frame_decode (&header, bytes, 0));
  header.length++;
  tvm_frame_encode (&header, bytes);
  g_assert_nonnull (tvm_frame_decode (&header, bytes, UINT64_MAX));
  header.kind = TVM_FRAME_RESULT;
  tvm_frame_encode (&header, bytes);
  g_assert_null (tvm_frame_decode (&header, bytes, UINT64_MAX));
}

static void
test_settings (void)
{
  char payload[64];
  const char *limit = payload + sizeof payload;
  char *end = payload;
  gsize length;
  long long number;

  end = tvm_frame_put_number (end, limit, "pid", -12);
  end = tvm_frame_put_setting (end, limit, "program", "a b=c");
  end = tvm_frame_put_setting (end, limit, "empty", "");
  g_assert_nonnull (end);
  length = end - payload;
  g_assert_cmpmem (payload, length, "pid=-12\0program=a b=c\0empty=", 29);

  g_assert_cmpstr (tvm_frame_get_setting (payload, length, "program"), ==, "a b=c");
  g_assert_cmpstr (tvm_frame_get_setting (payload, length, "empty"), ==, "");
  g_assert_null (tvm_frame_get_setting (payload, length, "prog"));
  g_assert_null (tvm_frame_get_setting (payload, length, "a b"));
  g_assert_null (tvm_frame_get_setting (payload, length - 1, "pid"));
  g_assert_null (tvm_frame_get_setting (payload, 0, "pid"));
  g_assert_true (tvm_frame_get_number (payload, length, "pid", &number));
  g_assert_cmpint (number, ==, -12);
  g_assert_false (tvm_frame_get_number (payload, length, "program", &number));
  g_assert_false (tvm_frame_get_number (payload, length, "empty", &number));

  g_assert_null (tvm_frame_put_setting (end, end + 4, "a", "bc"));
  g_assert_true (tvm_frame_put_setting (end, end + 5, "a", "bc") == end + 5);
  g_assert_null (tvm_frame_put_setting (NULL, limit, "a", "b"));
}

/* Both sides count from 0 to @n, in frames that are each longer than the one before. */
static void
test_many (Fixture       *self,
           gconstpointer  data)
{
  const guint n = 500;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strnfill (i, 'x');

      write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = i, .length = i }, text,
                   NULL);
      if (i % 50 == 49)
        for (guint j = i - 49; j <= i; j++)
          {
            g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
            g_assert_cmpuint (self->header.id, ==, j);
            g_assert_cmpuint (self->header.length, ==, j);
            g_assert_true (j == 0 || ((char *) self->payload)[j - 1] == 'x');
          }
    }

  close_end (self, 1);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_END);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_END);
}

/* A payload of 1 to 2 bytes at a time */
static void
test_trickle (Fixture       *self,
              gconstpointer  data)
{
  static const char payload[] = "hello";
  uint8_t bytes[TVM_FRAME_HEADER_SIZE + 5];

  memcpy (bytes, example, TVM_FRAME_HEADER_SIZE);
  bytes[24] = 0;
  memcpy (bytes + TVM_FRAME_HEADER_SIZE, payload, 5);
  g_assert_true (g_unix_set_fd_nonblocking (self->fds[0], TRUE, NULL));

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < sizeof bytes; i++)
        {
          g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_AGAIN);
          write_bytes (self, bytes + i, 1);
        }
      g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
      g_assert_cmpmem (self->payload, self->header.length, payload, 5);
    }
}

typedef struct
{
  int fd;
  GBytes *bytes;
} Writer;

static gpointer
write_in_thread (gpointer data)
{
  Writer *writer = data;
  gsize length;
  const void *payload = g_bytes_get_data (writer->bytes, &length);
  TvmFrameHeader small = { .kind = TVM_FRAME_RESULT, .id = 1, .length = 1 };
  TvmFrameHeader large = { .kind = TVM_FRAME_RESULT, .id = 2, .length = length };

  g_assert_cmpint (tvm_frame_write (writer->fd, small, "s", NULL), ==, 0);
  g_assert_cmpint (tvm_frame_write (writer->fd, large, payload, NULL), ==, 0);
  g_assert_cmpint (tvm_frame_write (writer->fd, small, "s", NULL), ==, 0);
  return NULL;
}

/* Between small ones; also when neither side blocks. */
static void
test_large (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autoptr (GThread) thread = NULL;
  Writer writer = { .fd = self->fds[1] };
  TvmFrameReadStatus status;
  guint n = 0;
  guint n_again = 0;
  struct pollfd poll_fd = { .fd = self->fds[0], .events = POLLIN };

  g_byte_array_set_size (array, 20 * 1000 * 1000 + 1);
  for (guint i = 0; i < array->len; i++)
    array->data[i] = i * 7 / 3;
  writer.bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  g_assert_true (g_unix_set_fd_nonblocking (self->fds[0], TRUE, NULL));
  g_assert_true (g_unix_set_fd_nonblocking (self->fds[1], TRUE, NULL));
  thread = g_thread_new ("writer", write_in_thread, &writer);

  while (n < 3)
    {
      g_autofree void *stolen = NULL;

      status = read_frame (self);
      if (status == TVM_FRAME_READ_AGAIN)
        {
          n_again++;
          g_assert_cmpint (poll (&poll_fd, 1, -1), ==, 1);
          continue;
        }

      g_assert_cmpint (status, ==, TVM_FRAME_READ_OK);
      stolen = tvm_frame_reader_steal (&self->reader, &self->header, self->payload);
      if (n == 1)
        g_assert_cmpmem (stolen, self->header.length, g_bytes_get_data (writer.bytes, NULL),
                         g_bytes_get_size (writer.bytes));
      else
        g_assert_cmpmem (stolen, self->header.length, "s", 1);
      n++;
    }

  g_thread_join (g_steal_pointer (&thread));
  g_bytes_unref (writer.bytes);
  g_test_message ("%u times nothing to read", n_again);
}

/* What a header claims is not allocated before it has come. */
static void
test_claim (Fixture       *self,
            gconstpointer  data)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .length = (uint64_t) 1 << 62 };
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  tvm_frame_encode (&header, bytes);
  write_bytes (self, bytes, sizeof bytes);
  write_bytes (self, "abc", 3);
  g_assert_true (g_unix_set_fd_nonblocking (self->fds[0], TRUE, NULL));
  g_assert_cmpint (tvm_frame_read (&self->reader, UINT64_MAX, &self->header, &self->payload,
                                   self->received, &self->problem),
                   ==, TVM_FRAME_READ_AGAIN);
  g_assert_cmpuint (self->reader.large_capacity, <=, 32 * 1024 * 1024);
  close_end (self, 1);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_BROKEN);
}

/* The end after each number of bytes */
static void
test_half (void)
{
  uint8_t bytes[TVM_FRAME_HEADER_SIZE + 5] = { 0 };

  memcpy (bytes, example, TVM_FRAME_HEADER_SIZE);
  bytes[24] = 0;
  for (guint i = 0; i <= sizeof bytes; i++)
    {
      Fixture self = { .n_fds = 0 };

      set_up (&self, NULL);
      write_bytes (&self, bytes, i);
      close_end (&self, 1);
      if (i == sizeof bytes)
        g_assert_cmpint (read_frame (&self), ==, TVM_FRAME_READ_OK);
      if (i == 0 || i == sizeof bytes)
        g_assert_cmpint (read_frame (&self), ==, TVM_FRAME_READ_END);
      else
        {
          g_assert_cmpint (read_frame (&self), ==, TVM_FRAME_READ_BROKEN);
          g_assert_nonnull (self.problem);
        }
      tear_down (&self, NULL);
    }
}

static void
test_garbage (Fixture       *self,
              gconstpointer  data)
{
  char garbage[1000];

  memset (garbage, 'g', sizeof garbage);
  write_bytes (self, garbage, sizeof garbage);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_BROKEN);
  g_assert_cmpstr (self->problem, ==, "this is no frame");
}

/* The other side went without having read. */
static void
test_reset (Fixture       *self,
            gconstpointer  data)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_HELLO };

  g_assert_cmpint (tvm_frame_write (self->fds[0], header, NULL, NULL), ==, 0);
  close_end (self, 1);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_END);
  g_assert_cmpint (tvm_frame_write (self->fds[0], header, NULL, NULL), ==, EPIPE);
}

/* @fd, which this closes, is the other end of the pipe. */
static void
assert_is_pipe_to (int fd,
                   int read_end)
{
  char c = 0;

  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  g_assert_cmpint (write (fd, "p", 1), ==, 1);
  g_assert_cmpint (read (read_end, &c, 1), ==, 1);
  g_assert_cmpint (c, ==, 'p');
  close (fd);
}

/* Each frame gets its own, and in their order, however many are read at once. */
static void
test_descriptors (Fixture       *self,
                  gconstpointer  data)
{
  int pipes[4][2];

  for (guint i = 0; i < 4; i++)
    g_assert_no_errno (pipe2 (pipes[i], O_CLOEXEC));

  write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = 1, .length = 3 }, "abc",
               NULL);
  write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = 2, .n_fds = 3 }, NULL,
               (int[]) { pipes[0][1], pipes[1][1], pipes[2][1] });
  write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = 3, .n_fds = 1, .length = 3 },
               "abc", &pipes[3][1]);

  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
  g_assert_cmpuint (self->header.n_fds, ==, 0);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
  g_assert_cmpuint (self->header.n_fds, ==, 3);
  for (guint i = 0; i < 3; i++)
    assert_is_pipe_to (self->received[i], pipes[i][0]);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
  assert_is_pipe_to (self->received[0], pipes[3][0]);

  for (guint i = 0; i < 4; i++)
    {
      close (pipes[i][0]);
      close (pipes[i][1]);
    }
}

/* Announced ones that do not come, and ones that nobody announced: nothing leaks. */
static void
test_descriptors_missing (Fixture       *self,
                          gconstpointer  data)
{
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];
  TvmFrameHeader header = { .kind = TVM_FRAME_CALL, .n_fds = 1 };

  tvm_frame_encode (&header, bytes);
  write_bytes (self, bytes, sizeof bytes);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_BROKEN);
}

static void
send_with_fds (int         socket,
               const void *bytes,
               gsize       size,
               guint       n_fds)
{
  struct iovec vector = { (void *) bytes, size };
  char control[CMSG_SPACE (16 * sizeof (int))] = "";
  struct msghdr message = {
    .msg_iov = &vector,
    .msg_iovlen = 1,
    .msg_control = control,
    .msg_controllen = CMSG_SPACE (n_fds * sizeof (int)),
  };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);

  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
  for (guint i = 0; i < n_fds; i++)
    ((int *) CMSG_DATA (header))[i] = socket;
  g_assert_cmpint (sendmsg (socket, &message, 0), ==, size);
}

static void
test_descriptors_unannounced (Fixture       *self,
                              gconstpointer  data)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_KILL };
  TvmFrameReadStatus status = TVM_FRAME_READ_OK;
  uint8_t bytes[TVM_FRAME_HEADER_SIZE];

  tvm_frame_encode (&header, bytes);
  for (guint i = 0; i < 10 && status == TVM_FRAME_READ_OK; i++)
    {
      send_with_fds (self->fds[1], bytes, sizeof bytes, 8);
      status = read_frame (self);
    }
  g_assert_cmpint (status, ==, TVM_FRAME_READ_BROKEN);
}

static void
test_descriptors_too_many (Fixture       *self,
                           gconstpointer  data)
{
  send_with_fds (self->fds[1], example, sizeof example, 16);
  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_BROKEN);
}

/* valgrind has a limit of its own, which the kernel knows nothing of. */
static gboolean
kernel_has_limit (rlim_t limit)
{
  g_autofree char *contents = NULL;
  unsigned long found = 0;
  const char *line;

  if (!g_file_get_contents ("/proc/self/limits", &contents, NULL, NULL))
    return FALSE;

  line = strstr (contents, "Max open files");
  return line != NULL && sscanf (line, "Max open files %lu", &found) == 1 && found == limit;
}

/* Without room for descriptors one frame is lost, and the reader stays in step. */
static void
test_descriptors_no_room (Fixture       *self,
                          gconstpointer  data)
{
  struct rlimit old;
  struct rlimit low;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &old));
  low = old;
  low.rlim_cur = (rlim_t) dup (self->fds[1]) + 2;
  close ((int) low.rlim_cur - 2);

  for (guint i = 1; i <= 2; i++)
    write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = i, .n_fds = 4 }, NULL,
                 (int[]) { 0, 1, 2, 0 });
  write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_CALL, .id = 3, .n_fds = 1 }, NULL,
               (int[]) { 0 });

  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &low));
  if (!kernel_has_limit (low.rlim_cur))
    {
      g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &old));
      g_test_skip ("The limit of descriptors is not that of the kernel");
      return;
    }

  for (guint i = 1; i <= 2; i++)
    {
      TvmFrameReadStatus status = read_frame (self);
      int errsv = errno;

      g_assert_cmpint (status, ==, TVM_FRAME_READ_ERROR);
      g_assert_cmpint (errsv, ==, EMFILE);
      g_assert_cmpuint (self->header.id, ==, i);
    }
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &old));

  g_assert_cmpint (read_frame (self), ==, TVM_FRAME_READ_OK);
  g_assert_cmpuint (self->header.id, ==, 3);
  close (self->received[0]);
}

/* Random bytes after a good start end in an error, never in a crash or a wait. */
static void
test_random (void)
{
  for (guint round = 0; round < 200; round++)
    {
      Fixture self = { .n_fds = 0 };
      uint8_t bytes[512];
      gsize size = (gsize) g_test_rand_int_range (1, sizeof bytes);

      for (gsize i = 0; i < size; i++)
        bytes[i] = (uint8_t) g_test_rand_int_range (0, 256);
      if (size > sizeof example)
        memcpy (bytes, example, (gsize) g_test_rand_int_range (4, sizeof example));

      set_up (&self, NULL);
      write_bytes (&self, bytes, size);
      close_end (&self, 1);
      while (read_frame (&self) == TVM_FRAME_READ_OK)
        ;
      tear_down (&self, NULL);
    }
}

#define add(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  signal (SIGPIPE, SIG_IGN);

  g_test_add_func ("/frame/encode", test_encode);
  g_test_add_func ("/frame/decode/bad", test_decode_bad);
  g_test_add_func ("/frame/decode/control", test_decode_control);
  g_test_add_func ("/frame/settings", test_settings);
  add ("/frame/many/socket", NULL, test_many);
  add ("/frame/many/pipe", "pipe", test_many);
  add ("/frame/trickle/socket", NULL, test_trickle);
  add ("/frame/trickle/pipe", "pipe", test_trickle);
  add ("/frame/large/socket", NULL, test_large);
  add ("/frame/large/pipe", "pipe", test_large);
  add ("/frame/claim", NULL, test_claim);
  g_test_add_func ("/frame/half", test_half);
  add ("/frame/garbage", NULL, test_garbage);
  add ("/frame/reset", NULL, test_reset);
  add ("/frame/descriptors", NULL, test_descriptors);
  add ("/frame/descriptors/missing", NULL, test_descriptors_missing);
  add ("/frame/descriptors/missing/pipe", "pipe", test_descriptors_missing);
  add ("/frame/descriptors/unannounced", NULL, test_descriptors_unannounced);
  add ("/frame/descriptors/too-many", NULL, test_descriptors_too_many);
  add ("/frame/descriptors/no-room", NULL, test_descriptors_no_room);
  g_test_add_func ("/frame/random", test_random);

  return g_test_run ();
}
