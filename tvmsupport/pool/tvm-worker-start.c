/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-engine-parts-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-process-spec-private.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/worker/tvm-worker-self-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gfiledescriptorbased.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* How a worker is asked for. */

#define CAPTURE_LIMIT (1024 * 1024)
#define SOCKET_BUFFER_SIZE (1024 * 1024)

/* The order of the descriptors of FORK */
enum
{
  FD_CHANNEL,
  FD_PAGE,
  FD_STDOUT,
  FD_STDERR,
  N_FDS,
};

G_GNUC_PRINTF (2, 3) static void
add_word (GByteArray *words,
          const char *format,
          ...)
{
  g_autofree char *word = NULL;
  va_list args;

  va_start (args, format);
  word = g_strdup_vprintf (format, args);
  va_end (args);
  g_byte_array_append (words, (const guint8 *) word, strlen (word) + 1);
}

static void
add_words (GByteArray *words,
           char      **strv)
{
  for (; *strv != NULL; strv++)
    g_byte_array_append (words, (const guint8 *) *strv, strlen (*strv) + 1);
}

/* A remote shell reads the words of ssh once more. */
static char *
quote_for_launcher (const TvmWorkerSpec *spec,
                    const char          *word)
{
  g_autofree char *name = g_path_get_basename (spec->launcher[0]);
  const char * const words[] = { word, NULL };

  return strcmp (name, "ssh") == 0 ? tvm_quote_command (words) : g_strdup (word);
}

/* Returns: (transfer full): the command line of a worker that is a program of its own */
static char **
make_argv (const TvmWorkerSpec  *spec,
           GError              **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *helper = NULL;

  if (spec->launcher != NULL)
    g_strv_builder_addv (builder, (const char **) spec->launcher);

  if (spec->argv == NULL)
    {
      helper = tvm_launch_dup_helper_path ("tvmsupport-worker", error);
      if (helper == NULL)
        return NULL;
    }

  for (guint i = 0; helper != NULL ? i < 1 : spec->argv[i] != NULL; i++)
    {
      const char *word = helper != NULL ? helper : spec->argv[i];
      g_autofree char *quoted = spec->launcher != NULL ? quote_for_launcher (spec, word) : NULL;

      g_strv_builder_add (builder, quoted != NULL ? quoted : word);
    }

  g_strv_builder_add (builder, spec->launcher != NULL ? TVM_WORKER_ROLE_OPTION "stdio"
                                                      : TVM_WORKER_ROLE_OPTION "fd");
  return g_strv_builder_end (builder);
}

static gboolean
add_program (GByteArray           *words,
             const TvmWorkerSpec  *spec,
             GError              **error)
{
  g_auto (GStrv) argv = make_argv (spec, error);
  g_autoptr (TvmProcessSpec) process = NULL;
  g_auto (GStrv) environ_ = NULL;
  g_autofree char *program = NULL;

  if (argv == NULL)
    return FALSE;

  process = tvm_process_spec_new ((const char * const *) argv);
  tvm_process_spec_add_environ (process, (const char * const *) spec->environment);
  if (spec->is_self)
    tvm_process_spec_setenv (process, TVM_WORKER_SELF_VARIABLE, spec->argv[0]);
  environ_ = tvm_process_spec_make_environ (process);
  program = tvm_find_program (argv[0], g_environ_getenv (environ_, "PATH"), spec->cwd, error);
  if (program == NULL)
    return FALSE;

  if (spec->launcher != NULL)
    add_word (words, "--stdio");
  add_word (words, "--argc=%u", g_strv_length (argv));
  add_word (words, "--envc=%u", g_strv_length (environ_));
  add_word (words, "--");
  add_word (words, "%s", program);
  add_words (words, argv);
  add_words (words, environ_);
  return TRUE;
}

/* Returns: (transfer full): the payload of FORK */
static GBytes *
make_words (TvmEngine  *engine,
            gboolean    executes,
            GError    **error)
{
  g_autoptr (GByteArray) words = g_byte_array_new ();
  const TvmWorkerSpec *spec = engine->spec;

  /* Who starts commands is not limited with them: each of its calls says their limits. */
  if (spec->payload_type != TVM_PAYLOAD_TYPE_COMMAND)
    tvm_worker_spec_add_limits (spec, words);
  if (spec->cwd != NULL)
    add_word (words, "--chdir=%s", spec->cwd);
  if (executes && spec->payload_type != TVM_PAYLOAD_TYPE_COMMAND
      && !add_program (words, spec, error))
    return NULL;

  return g_byte_array_free_to_bytes (g_steal_pointer (&words));
}

static gboolean
open_page (TvmWorker *self,
           int       *fd,
           GError   **error)
{
  *fd = tvm_fd_raise (memfd_create ("tvmsupport-status", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  /* Were it made smaller, we would be ended by SIGBUS. */
  if (*fd < 0 || ftruncate (*fd, TVM_STATUS_PAGE_SIZE) != 0
      || fcntl (*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return tvm_error_set_errno (error, errno, _("Could not make a status page"));

  self->page = tvm_status_page_map (*fd);
  if (self->page == NULL)
    return tvm_error_set_errno (error, errno, _("Could not map a status page"));

  return TRUE;
}

static int
dup_fd (int      fd,
        GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, 3);

  if (copy < 0)
    tvm_error_set_errno (error, errno, _("Could not duplicate a descriptor"));
  return copy;
}

/* Nobody is waited for with the lock held: a FIFO that nobody reads is an error. */
static int
open_file (const char  *path,
           GError     **error)
{
  int fd = tvm_fd_raise (open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK
                                     | O_NOCTTY, 0666));

  if (fd < 0)
    {
      int errsv = errno;
      g_autofree char *name = g_filename_display_name (path);

      if (errsv == ENXIO)
        g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errsv),
                     _("Could not open “%s”: nobody reads from it"), name);
      else
        tvm_error_set_errno (error, errsv, _("Could not open “%s”"), name);
      return -1;
    }

  fcntl (fd, F_SETFL, O_APPEND);
  return fd;
}

/* @index: 0 for stdout, 1 for stderr. Returns: where the worker writes to, or -1 */
static int
open_output (TvmEngine  *engine,
             guint       index,
             TvmOutlet **outlet,
             GError    **error)
{
  const TvmWorkerSpec *spec = engine->spec;
  const TvmWorkerStream *stream = index == 0 ? &spec->out : &spec->err;
  int fd = -1;

  switch (stream->mode)
    {
    case TVM_WORKER_OUTPUT_CAPTURE:
      *outlet = tvm_outlet_new (engine, CAPTURE_LIMIT, &fd, error);
      return fd;

    case TVM_WORKER_OUTPUT_FILE:
      return open_file (stream->path, error);

    case TVM_WORKER_OUTPUT_STREAM:
      fd = tvm_engine_get_stream_fd_locked (engine, index, error);
      return fd >= 0 ? dup_fd (fd, error) : -1;

    case TVM_WORKER_OUTPUT_INHERIT:
      return tvm_fd_dup_stdio (index == 0 ? STDOUT_FILENO : STDERR_FILENO, error);

    case TVM_WORKER_OUTPUT_DISCARD:
    default:
      break;
    }

  return tvm_fd_open_null (error);
}

/* As much as the kernel lets everybody have, for both directions */
static void
enlarge_buffers (int pair[2])
{
  const int size = SOCKET_BUFFER_SIZE;

  for (int i = 0; i < 2; i++)
    setsockopt (pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* @fds: (out): for the worker; those that could not be opened are -1 */
static gboolean
open_fds (TvmWorker  *self,
          int         fds[N_FDS],
          GError    **error)
{
  TvmEngine *engine = self->engine;
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || !tvm_fd_raise_pair (pair))
    return tvm_error_set_errno (error, errno, _("Could not make a socket"));

  enlarge_buffers (pair);
  self->channel.fd = pair[0];
  fds[FD_CHANNEL] = pair[1];
  if (!open_page (self, &fds[FD_PAGE], error))
    return FALSE;

  fds[FD_STDOUT] = open_output (engine, 0, &self->outlets.out, error);
  if (fds[FD_STDOUT] < 0)
    return FALSE;
  fds[FD_STDERR] = open_output (engine, 1, &self->outlets.err, error);
  return fds[FD_STDERR] >= 0;
}

/* What the worker is told before anything else */
static gboolean
push_setup (TvmWorker  *self,
            gboolean    executes,
            GError    **error)
{
  const TvmWorkerSpec *spec = self->engine->spec;
  g_autoptr (GByteArray) settings = g_byte_array_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GBytes) initializer = NULL;

  add_word (settings, "max-message=%" G_GUINT64_FORMAT, MIN (spec->max_message, G_MAXINT64));
  add_word (settings, "begun=%s", self->by_frames ? "frames" : "page");
  if (spec->launcher != NULL && spec->recycle_size > 0)
    add_word (settings, "recycle-size=%" G_GUINT64_FORMAT, MIN (spec->recycle_size, G_MAXINT64));
  if (executes && spec->module != NULL)
    add_word (settings, "module=%s", spec->module);
  payload = g_byte_array_free_to_bytes (g_steal_pointer (&settings));
  tvm_wire_push (&self->channel, TVM_FRAME_SETUP, 0, 0, payload);

  if (spec->initializer == NULL)
    return TRUE;

  initializer = tvm_task_encode (spec->initializer, spec, NULL, error);
  if (initializer == NULL
      || !tvm_call_check_size (spec, spec->initializer, g_bytes_get_size (initializer), error))
    return FALSE;

  self->init_id = self->next_wire_id++;
  tvm_wire_push (&self->channel, TVM_FRAME_INIT, 0, self->init_id, initializer);
  return TRUE;
}

/* Returns: the longest answer to a call */
static guint64
get_max_answer (const TvmWorkerSpec *spec)
{
  /* That of a command is nothing but settings. */
  return spec->payload_type == TVM_PAYLOAD_TYPE_COMMAND ? TVM_FRAME_MAX_CONTROL : spec->max_message;
}

static TvmWorker *
worker_new (TvmEngine *engine)
{
  TvmWorker *self = g_new0 (TvmWorker, 1);

  self->ref_count = 1;
  self->engine = engine;
  tvm_engine_hold (engine);
  self->id = ++engine->next_id;
  self->next_wire_id = 1;
  self->by_frames = engine->spec->launcher != NULL;
  self->end_deadline = self->soft_deadline = self->look_at = NEVER;
  tvm_wire_init (&self->channel, -1, get_max_answer (engine->spec));
  g_queue_init (&self->calls);
  return self;
}

static gboolean
worker_prepare (TvmWorker  *self,
                int         fds[N_FDS],
                GBytes    **words,
                GError    **error)
{
  TvmEngine *engine = self->engine;

  self->nursery = tvm_engine_get_nursery_locked (engine, error);
  if (self->nursery == NULL)
    return FALSE;

  *words = make_words (engine, self->nursery->executes, error);
  if (*words == NULL || !open_fds (self, fds, error)
      || !push_setup (self, self->nursery->executes, error))
    return FALSE;

  self->handle_events = TVM_POLL_IN;
  self->handle = tvm_poller_add (self->channel.fd, TVM_POLL_IN, tvm_worker_ready,
                                 tvm_worker_ref (self), (GDestroyNotify) tvm_worker_unref, error);
  if (self->handle == NULL)
    tvm_worker_unref (self);
  return self->handle != NULL;
}

/* Returns: (transfer none): a worker that the engine has */
TvmWorker *
tvm_worker_start_locked (TvmEngine  *engine,
                         GError    **error)
{
  TvmWorker *self = worker_new (engine);
  g_autoptr (GBytes) words = NULL;
  int fds[N_FDS] = { -1, -1, -1, -1 };
  gint64 limit = engine->spec->start_timeout_msec;

  if (!worker_prepare (self, fds, &words, error))
    {
      for (int i = 0; i < N_FDS; i++)
        if (fds[i] >= 0)
          close (fds[i]);
      tvm_outlets_close_locked (&self->outlets);
      tvm_worker_unref (self);
      return NULL;
    }

  self->deadline = limit < 0 ? NEVER : g_get_monotonic_time () + MIN (limit, NEVER / 4000) * 1000;
  tvm_engine_set_timer_locked (engine, self->deadline);
  g_ptr_array_add (engine->workers, self);
  engine->change_wanted = TRUE;
  tvm_nursery_link_fork_locked (self->nursery, self->id, words, fds);
  tvm_worker_flush_locked (self);
  return self;
}
