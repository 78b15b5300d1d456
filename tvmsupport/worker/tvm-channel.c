/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-channel-private.h"

#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-channel-watch-private.h"
#include "tvmsupport/worker/tvm-nursery.h"
#include "tvmsupport/worker/tvm-resident-size.h"
#include "tvmsupport/worker/tvm-status-page.h"

#include <errno.h>
#include <fcntl.h>
/* For the numbers of its errors only */
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MAX_MESSAGE ((guint64) 2 << 30)

/* Where the connection is moved to, if that is possible: a task that writes to a descriptor which it
 * takes for its own hardly means this one. */
#define OUT_OF_THE_WAY_FD 100

/* Of each of the texts of an ERROR */
#define MAX_TYPE 1024
#define MAX_TEXT ((gsize) 1 << 20)

struct _TvmChannel
{
  TvmFrameReader reader;
  int out_fd;               /* that of the reader, unless the frames come and go on two */
  TvmStatusPage *page;      /* (nullable) */
  guint64 begin_nsec;       /* when the call that runs has begun */
  const TvmCancellableFuncs *funcs; /* (nullable) */
  int write_errno;          /* 0, or why nothing can be written any more */
  pid_t pid;
  const guint8 *own_page;   /* (nullable): holds zeros in a child that was forked off */
  guint n_answers;          /* until there is such a page */

  /*
   * What reading changes. Between the begin and the end of the watch it belongs to the thread of
   * the watch, else to the thread of the worker.
   */
  char **settings;          /* (nullable): before SETUP has come */
  guint64 max_message;
  guint64 recycle_size;     /* 0: it does not matter */
  gboolean begun_on_page;
  gboolean ended;
  GError *error;            /* (owned) (nullable): why it ended, if that was not meant to be */
  GQueue read_ahead;        /* (element-type TvmChannelCall) (owned) */
  guint64 running_id;
  gpointer running;         /* (owned) (nullable): the cancellable of the call that runs */

  TvmChannelWatch *watch;   /* (owned) (nullable) */
  gboolean watching;
};

void
tvm_channel_call_clear (TvmChannelCall *call)
{
  g_clear_pointer (&call->payload, g_bytes_unref);
}

static void
call_free (gpointer data)
{
  TvmChannelCall *call = data;

  tvm_channel_call_clear (call);
  g_free (call);
}

TvmWorkerRole
tvm_worker_role_parse (const char *word)
{
  const char *role;

  if (word == NULL || !g_str_has_prefix (word, TVM_WORKER_ROLE_OPTION))
    return TVM_WORKER_ROLE_NONE;

  role = word + strlen (TVM_WORKER_ROLE_OPTION);
  if (strcmp (role, "fd") == 0)
    return TVM_WORKER_ROLE_FD;
  if (strcmp (role, "stdio") == 0)
    return TVM_WORKER_ROLE_STDIO;
  if (strcmp (role, "nursery") == 0)
    return TVM_WORKER_ROLE_NURSERY;
  return TVM_WORKER_ROLE_UNKNOWN;
}

/* Maps the page, if there is one. Whatever else has its number is left alone. */
static void
open_page (TvmChannel *self)
{
  struct stat st;

  if (fstat (TVM_WORKER_PAGE_FD, &st) != 0 || !S_ISREG (st.st_mode)
      || st.st_size != TVM_STATUS_PAGE_SIZE)
    return;

  self->page = tvm_status_page_map (TVM_WORKER_PAGE_FD);
  if (self->page != NULL)
    close (TVM_WORKER_PAGE_FD);
}

/* Returns: 0 or an errno */
static int
open_descriptors (TvmChannel    *self,
                  TvmWorkerRole  role)
{
  int fd;

  if (role == TVM_WORKER_ROLE_STDIO)
    return tvm_nursery_guard (&self->reader.fd, &self->out_fd);

  fd = fcntl (TVM_WORKER_CHANNEL_FD, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY_FD);
  if (fd >= 0)
    close (TVM_WORKER_CHANNEL_FD);
  else if (fcntl (TVM_WORKER_CHANNEL_FD, F_SETFD, FD_CLOEXEC) == 0)
    fd = TVM_WORKER_CHANNEL_FD;
  else
    return errno;

  self->reader.fd = fd;
  self->out_fd = fd;
  open_page (self);
  return 0;
}

/* From this answer on it is seen from memory whether the process was forked off: a system call for
 * each answer shows, but the memory would show in a worker for a single task. */
#define MARK_ANSWER 8

static void
mark_process (TvmChannel *self)
{
  gsize size = (gsize) sysconf (_SC_PAGESIZE);
  guint8 *page = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (page == MAP_FAILED)
    return;

  *page = 1;
  if (madvise (page, size, MADV_WIPEONFORK) == 0)
    self->own_page = page;
  else
    munmap (page, size);
}

static gboolean
is_forked_child (TvmChannel *self)
{
  if (self->own_page != NULL)
    return *self->own_page == 0;
  if (getpid () != self->pid)
    return TRUE;

  if (++self->n_answers == MARK_ANSWER)
    mark_process (self);
  return FALSE;
}

/* Returns: 0 or an errno */
static int
send_hello (TvmChannel *self,
            const char *program,
            const char *payload_type)
{
  char settings[1024];
  const char *limit = settings + sizeof settings;
  char *end = settings;
  TvmFrameHeader header = { .kind = TVM_FRAME_HELLO };

  end = tvm_frame_put_number (end, limit, "protocol", TVM_FRAME_VERSION);
  end = tvm_frame_put_setting (end, limit, "program", program);
  end = tvm_frame_put_number (end, limit, "pid", self->pid);
  end = tvm_frame_put_setting (end, limit, "payload", payload_type);
  if (self->page != NULL)
    end = tvm_frame_put_number (end, limit, "ahead", 1);
  if (end == NULL)
    return ENAMETOOLONG;

  header.length = (guint64) (end - settings);
  return tvm_frame_write (self->out_fd, header, settings, NULL);
}

TvmChannel *
tvm_channel_open (TvmWorkerRole               role,
                  const char                 *program,
                  const char                 *payload_type,
                  const TvmCancellableFuncs  *funcs,
                  GError                    **error)
{
  g_autoptr (TvmChannel) self = g_new0 (TvmChannel, 1);
  int errsv;

  self->reader.fd = -1;
  self->out_fd = -1;
  self->funcs = funcs;
  self->max_message = DEFAULT_MAX_MESSAGE;
  if (role != TVM_WORKER_ROLE_FD && role != TVM_WORKER_ROLE_STDIO)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("This is not what a worker is told on its command line"));
      return NULL;
    }

  errsv = open_descriptors (self, role);
  self->pid = getpid ();
  if (errsv == 0)
    errsv = send_hello (self, program, payload_type);
  if (errsv != 0)
    {
      gboolean gone = errsv == EPIPE;

      g_set_error (error, gone ? TVM_CHANNEL_IO_ERROR : TVM_ERROR,
                   gone ? (int) G_IO_ERROR_BROKEN_PIPE : (int) TVM_ERROR_FAILED,
                   _("Cannot reach who started this worker: %s"), g_strerror (errsv));
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
tvm_channel_free (TvmChannel *self)
{
  g_clear_pointer (&self->watch, tvm_channel_watch_free);
  if (self->running != NULL)
    self->funcs->unref (self->running);
  g_queue_clear_full (&self->read_ahead, call_free);
  g_clear_error (&self->error);
  g_strfreev (self->settings);
  if (self->page != NULL)
    tvm_status_page_unmap (self->page);
  if (self->own_page != NULL)
    munmap ((gpointer) self->own_page, (gsize) sysconf (_SC_PAGESIZE));
  if (self->out_fd != self->reader.fd)
    close (self->out_fd);
  if (self->reader.fd >= 0)
    close (self->reader.fd);
  tvm_frame_reader_clear (&self->reader);
  g_free (self);
}

const char * const *
tvm_channel_get_settings (TvmChannel *self)
{
  return (const char * const *) self->settings;
}

/* Takes @error */
static TvmChannelEvent
stop_reading (TvmChannel *self,
              GError     *error)
{
  self->ended = TRUE;
  self->error = error;
  return error != NULL ? TVM_CHANNEL_FAILED : TVM_CHANNEL_END;
}

static TvmChannelEvent
break_off (TvmChannel *self,
           const char *problem)
{
  return stop_reading (self, g_error_new (TVM_ERROR, TVM_ERROR_PROTOCOL,
                                          _("The connection of the worker is broken: %s"),
                                          problem));
}

char **
tvm_channel_split_settings (const char *payload,
                            gsize       length)
{
  g_autoptr (GPtrArray) settings = g_ptr_array_new ();

  if (length > 0 && payload[length - 1] == '\0')
    for (const char *text = payload; text < payload + length; text += strlen (text) + 1)
      g_ptr_array_add (settings, g_strdup (text));
  g_ptr_array_add (settings, NULL);
  return (char **) g_ptr_array_steal (settings, NULL);
}

static TvmChannelEvent
take_setup (TvmChannel *self,
            const char *payload,
            gsize       length)
{
  const char *begun = tvm_frame_get_setting (payload, length, "begun");
  long long max_message = (long long) DEFAULT_MAX_MESSAGE;
  long long recycle_size = 0;

  if (self->settings != NULL)
    return break_off (self, _("a second SETUP"));
  if (tvm_frame_get_setting (payload, length, "max-message") != NULL
      && (!tvm_frame_get_number (payload, length, "max-message", &max_message)
          || max_message < 0))
    return break_off (self, _("a SETUP with a max-message that is no number of bytes"));
  if (tvm_frame_get_setting (payload, length, "recycle-size") != NULL
      && (!tvm_frame_get_number (payload, length, "recycle-size", &recycle_size)
          || recycle_size <= 0))
    return break_off (self, _("a SETUP with a recycle-size that is no number of bytes"));
  if (self->page == NULL && g_strcmp0 (begun, "page") == 0)
    return break_off (self, _("a SETUP that is about a page that is not there"));

  self->settings = tvm_channel_split_settings (payload, length);
  self->max_message = (guint64) max_message;
  self->recycle_size = (guint64) recycle_size;
  self->begun_on_page = g_strcmp0 (begun, "page") == 0;
  return TVM_CHANNEL_SETUP;
}

static GBytes *
take_payload (TvmChannel           *self,
              const TvmFrameHeader *header,
              void                 *payload)
{
  gsize length = (gsize) header->length;
  void *stolen;

  if (payload != self->reader.large)
    return g_bytes_new (payload, length);

  stolen = tvm_frame_reader_steal (&self->reader, header, payload);
  return g_bytes_new_with_free_func (stolen, length, free, stolen);
}

static TvmChannelEvent
take_call (TvmChannel           *self,
           const TvmFrameHeader *header,
           void                 *payload,
           TvmChannelCall       *call)
{
  if (self->settings == NULL)
    return break_off (self, _("a call before SETUP"));
  if (header->id == 0)
    return break_off (self, _("a call without an id"));

  call->id = header->id;
  call->is_initializer = header->kind == TVM_FRAME_INIT;
  call->may_cancel = (header->flags & TVM_FRAME_FLAG_MAY_CANCEL) != 0;
  call->payload = take_payload (self, header, payload);
  call->cancellable = NULL;
  return TVM_CHANNEL_CALL;
}

/* Returns: whether there is something to tell, at @event */
static gboolean
take_frame (TvmChannel           *self,
            const TvmFrameHeader *header,
            void                 *payload,
            TvmChannelCall       *call,
            TvmChannelEvent      *event)
{
  switch (header->kind)
    {
    case TVM_FRAME_SETUP:
      *event = take_setup (self, payload, (gsize) header->length);
      return TRUE;

    case TVM_FRAME_INIT:
    case TVM_FRAME_CALL:
      *event = take_call (self, header, payload, call);
      return TRUE;

    case TVM_FRAME_CANCEL:
      /* One that crossed the answer on its way is about nothing any more. */
      if (self->running != NULL && header->id == self->running_id)
        self->funcs->cancel (self->running);
      return FALSE;

    default:
      *event = break_off (self, _("a frame that is not for a worker"));
      return TRUE;
    }
}

/* Blocks until a frame is there. Returns: whether there is something to tell, at @event */
static gboolean
read_frame (TvmChannel      *self,
            TvmChannelCall  *call,
            TvmChannelEvent *event)
{
  struct pollfd polled = { .fd = self->reader.fd, .events = POLLIN };
  TvmFrameHeader header;
  int fds[TVM_FRAME_MAX_FDS];
  const char *problem;
  void *payload;

  switch (tvm_frame_read (&self->reader, self->max_message, &header, &payload, fds, &problem))
    {
    case TVM_FRAME_READ_OK:
      for (guint i = 0; i < header.n_fds; i++)
        close (fds[i]);
      return take_frame (self, &header, payload, call, event);

    case TVM_FRAME_READ_AGAIN:
      poll (&polled, 1, -1);
      return FALSE;

    case TVM_FRAME_READ_END:
      *event = stop_reading (self, NULL);
      return TRUE;

    case TVM_FRAME_READ_BROKEN:
      *event = break_off (self, _(problem));
      return TRUE;

    case TVM_FRAME_READ_ERROR:
    default:
      *event = break_off (self, g_strerror (errno));
      return TRUE;
    }
}

/* In the thread of the watch. A frame of which a part has come is waited for, as whoever takes the
 * connection back would do. */
static gboolean
read_ahead (gpointer user_data)
{
  TvmChannel *self = user_data;
  struct pollfd polled = { .fd = self->reader.fd, .events = POLLIN };

  while (self->reader.start < self->reader.end || poll (&polled, 1, 0) > 0)
    {
      TvmChannelCall call;
      TvmChannelEvent event;

      if (!read_frame (self, &call, &event))
        continue;

      if (event != TVM_CHANNEL_CALL)
        {
          /* Nobody waits for its result any more. */
          self->funcs->cancel (self->running);
          return FALSE;
        }
      g_queue_push_tail (&self->read_ahead, g_memdup2 (&call, sizeof call));
    }

  return TRUE;
}

static void
watch_call (TvmChannel     *self,
            TvmChannelCall *call)
{
  self->running = self->funcs->create ();
  if (self->running == NULL)
    return;

  self->running_id = call->id;
  call->cancellable = self->running;
  if (self->watch == NULL)
    self->watch = tvm_channel_watch_new (self->reader.fd, read_ahead, self);

  /* Without a thread the call runs like any other. */
  if (self->watch == NULL)
    return;

  tvm_channel_watch_begin (self->watch);
  self->watching = TRUE;
}

static void
end_call (TvmChannel *self)
{
  if (self->watching)
    tvm_channel_watch_end (self->watch);
  self->watching = FALSE;

  if (self->running != NULL)
    self->funcs->unref (self->running);
  self->running = NULL;
}

static void
write_frame (TvmChannel         *self,
             TvmFrameHeader      header,
             const struct iovec *parts,
             guint               n_parts)
{
  if (self->write_errno == 0)
    self->write_errno = tvm_frame_write_parts (self->out_fd, header, parts, n_parts, NULL);
}

static guint64
get_nsec (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (guint64) now.tv_sec * 1000000000u + (guint64) now.tv_nsec;
}

/* Whether it is certain that another call will be answered, without anything having to come */
static gboolean
has_next_call (TvmChannel *self)
{
  return self->read_ahead.length > 0
         || tvm_frame_reader_peek_kind (&self->reader) == TVM_FRAME_CALL;
}

/* A short answer with others behind it is left in the outbox: the last of them wakes the caller. */
static void
write_answer (TvmChannel         *self,
              TvmFrameHeader      header,
              const struct iovec *parts,
              guint               n_parts)
{
  /* The thread of the watch reads meanwhile. */
  if (self->begun_on_page && !self->watching && has_next_call (self)
      && tvm_status_page_put (self->page, &header, parts, n_parts))
    return;

  write_frame (self, header, parts, n_parts);
}

/* The call begins with this. Returns: FALSE if it must not */
static gboolean
begin_call (TvmChannel     *self,
            TvmChannelCall *call)
{
  if (!self->begun_on_page)
    write_frame (self, (TvmFrameHeader) { .kind = TVM_FRAME_BEGUN, .id = call->id }, NULL, 0);
  else if (!tvm_status_page_begin (self->page, call->id))
    {
      write_answer (self, (TvmFrameHeader) { .kind = TVM_FRAME_REVOKED, .id = call->id }, NULL, 0);
      tvm_channel_call_clear (call);
      return FALSE;
    }
  else
    self->begin_nsec = get_nsec ();

  if (call->may_cancel && self->funcs != NULL)
    watch_call (self, call);
  return TRUE;
}

/* Returns: END or FAILED, as for those who ask again */
static TvmChannelEvent
tell_end (TvmChannel  *self,
          GError     **error)
{
  if (self->error == NULL)
    return TVM_CHANNEL_END;

  g_propagate_error (error, g_error_copy (self->error));
  return TVM_CHANNEL_FAILED;
}

/* Blocks. What has come is SETUP, or a CALL that has not begun yet. */
static TvmChannelEvent
receive (TvmChannel      *self,
         TvmChannelCall  *call,
         GError         **error)
{
  TvmChannelCall *ahead;
  TvmChannelEvent event;

  if (self->write_errno != 0 && !self->ended)
    stop_reading (self, self->write_errno == EPIPE ? NULL
                        : g_error_new (TVM_ERROR, TVM_ERROR_FAILED,
                                       _("Cannot send the answer to a call: %s"),
                                       g_strerror (self->write_errno)));
  if (self->ended)
    return tell_end (self, error);

  ahead = g_queue_pop_head (&self->read_ahead);
  if (ahead != NULL)
    {
      *call = *ahead;
      g_free (ahead);
      return TVM_CHANNEL_CALL;
    }

  while (!read_frame (self, call, &event))
    ;
  return event == TVM_CHANNEL_CALL || event == TVM_CHANNEL_SETUP ? event : tell_end (self, error);
}

TvmChannelEvent
tvm_channel_next (TvmChannel      *self,
                  TvmChannelCall  *call,
                  GError         **error)
{
  TvmChannelEvent event;

  end_call (self);
  do
    event = receive (self, call, error);
  while (event == TVM_CHANNEL_CALL && !begin_call (self, call));

  return event;
}

/* What the call has printed is not to come after its answer. A child that it has forked, and that
 * came back, has nothing to say. */
static void
answer (TvmChannel         *self,
        TvmFrameHeader      header,
        const struct iovec *parts,
        guint               n_parts)
{
  if (is_forked_child (self))
    _exit (EXIT_FAILURE);

  fflush (stdout);
  fflush (stderr);
  if (self->recycle_size > 0 && tvm_get_resident_size (0) > self->recycle_size)
    header.flags |= TVM_FRAME_FLAG_WORN;
  if (self->begun_on_page)
    tvm_status_page_add_busy (self->page, get_nsec () - self->begin_nsec);
  write_answer (self, header, parts, n_parts);
}

void
tvm_channel_send_result (TvmChannel         *self,
                         guint64             id,
                         const struct iovec *parts,
                         guint               n_parts)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_RESULT, .id = id };

  for (guint i = 0; i < n_parts; i++)
    header.length += parts[i].iov_len;

  if (header.length <= self->max_message)
    answer (self, header, parts, n_parts);
  else
    {
      g_autoptr (GError) error = NULL;
      /* xgettext does not know G_GUINT64_FORMAT. */
      g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, header.length);
      g_autofree char *limit = g_strdup_printf ("%" G_GUINT64_FORMAT, self->max_message);

      g_set_error (&error, TVM_CHANNEL_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                   _("The result has %s bytes, more than the %s that a message may have"), size,
                   limit);
      tvm_channel_send_gerror (self, id, error);
    }
}

/* Appends @text, with its zero byte. Returns: how many bytes are left */
static gsize
append_text (GString    *texts,
             const char *text,
             gsize       max_length,
             gsize       left)
{
  gsize length = text != NULL ? strlen (text) : 0;
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", MIN (length, max_length));
  const char *end = valid + strlen (valid);

  /* It may have grown. */
  while (end > valid && (gsize) (end - valid) + 1 > left)
    end = g_utf8_prev_char (end);
  if (left == 0)
    return 0;

  g_string_append_len (texts, valid, end - valid);
  g_string_append_c (texts, '\0');
  return left - (gsize) (end - valid) - 1;
}

void
tvm_channel_send_error (TvmChannel *self,
                        guint64     id,
                        const char *type,
                        const char *message,
                        const char *traceback,
                        GBytes     *extra)
{
  g_autoptr (GString) texts = g_string_new (NULL);
  TvmFrameHeader header = { .kind = TVM_FRAME_ERROR, .id = id };
  struct iovec parts[2];
  gsize left = (gsize) MIN (self->max_message, G_MAXSIZE);
  gsize extra_size = 0;

  left = append_text (texts, type, MAX_TYPE, left);
  left = append_text (texts, message, MAX_TEXT, left);
  left = append_text (texts, traceback, MAX_TEXT, left);

  parts[0] = (struct iovec) { texts->str, texts->len };
  if (extra != NULL)
    parts[1].iov_base = (gpointer) g_bytes_get_data (extra, &extra_size);
  parts[1].iov_len = extra_size;
  if (extra_size > left)
    extra_size = 0;

  header.length = texts->len + extra_size;
  answer (self, header, parts, extra_size > 0 ? 2 : 1);
}

void
tvm_channel_send_gerror (TvmChannel   *self,
                         guint64       id,
                         const GError *error)
{
  g_autofree char *type = NULL;

  type = g_strdup_printf ("%s:%d", g_quark_to_string (error->domain), error->code);
  tvm_channel_send_error (self, id, type, error->message, NULL, NULL);
}
