/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/process/tvm-launch-private.h"

#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/process/tvm-command-line-private.h"
#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/process/tvm-io-thread-private.h"
#include "tvmsupport/process/tvm-supervisor-protocol.h"
#include "tvmsupport/tvm-error-private.h"
#include "tvmsupport/tvm-error.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUPERVISOR "tvmsupport-supervisor"

/* Descriptors that the supervisor gets, -1 where there is none */
typedef struct
{
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  int control_fd;
  int response_fd;
} ChildFds;

static void
clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
child_fds_clear (ChildFds *self)
{
  clear_fd (&self->stdin_fd);
  clear_fd (&self->stdout_fd);
  clear_fd (&self->stderr_fd);
  clear_fd (&self->control_fd);
  clear_fd (&self->response_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ChildFds, child_fds_clear)

void
tvm_launch_init (TvmLaunch *self)
{
  memset (self, 0, sizeof *self);
  self->control_fd = self->stdout_fd = self->stderr_fd = -1;
  self->libexecdir = g_strdup (secure_getenv ("TVM_SUPPORT_LIBEXECDIR"));
}

void
tvm_launch_clear (TvmLaunch *self)
{
  clear_fd (&self->control_fd);
  clear_fd (&self->stdout_fd);
  clear_fd (&self->stderr_fd);
  g_clear_object (&self->subprocess);
  g_clear_pointer (&self->libexecdir, g_free);
  g_clear_pointer (&self->tmpdir, g_free);
}

/* Returns: (transfer full) (nullable): the directory of the library that this code is in: maybe
 * that of its build tree */
static char *
get_library_directory (void)
{
  Dl_info info;

  if (dladdr ((gpointer) get_library_directory, &info) == 0
      || info.dli_fname == NULL || !g_path_is_absolute (info.dli_fname))
    return NULL;

  return g_path_get_dirname (info.dli_fname);
}

/* Returns: (transfer full): where the program @name may be, in the order in which to look */
static GPtrArray *
list_helper_places (const char *libexecdir,
                    const char *name)
{
  static const char * const folders[] = { "process", "worker" };
  GPtrArray *places = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *directory = NULL;

  if (libexecdir != NULL && g_path_is_absolute (libexecdir))
    {
      g_ptr_array_add (places, g_build_filename (libexecdir, name, NULL));

      /* A build tree has a folder for each wing. */
      if (strcmp (name, SUPERVISOR) != 0)
        g_ptr_array_add (places, g_build_filename (libexecdir, "..", "worker", name, NULL));
      return places;
    }

  directory = get_library_directory ();
  for (guint i = 0; directory != NULL && i < G_N_ELEMENTS (folders); i++)
    g_ptr_array_add (places, g_build_filename (directory, folders[i], name, NULL));
  g_ptr_array_add (places, g_build_filename (TVM_SUPPORT_LIBEXECDIR, name, NULL));
  return places;
}

static char *
find_helper (const char  *libexecdir,
             const char  *name,
             GError     **error)
{
  g_autoptr (GPtrArray) places = list_helper_places (libexecdir, name);
  g_autofree char *list = NULL;
  g_autofree char *shown = NULL;

  for (guint i = 0; i < places->len; i++)
    if (access (g_ptr_array_index (places, i), X_OK) == 0)
      return g_strdup (g_ptr_array_index (places, i));

  g_ptr_array_add (places, NULL);
  list = g_strjoinv (", ", (char **) places->pdata);
  shown = g_filename_display_name (list);
  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
               _("The helper program of the library is not there; looked for %s"), shown);
  return NULL;
}

char *
tvm_launch_dup_helper_path (const char  *name,
                            GError     **error)
{
  return find_helper (secure_getenv ("TVM_SUPPORT_LIBEXECDIR"), name, error);
}

char *
tvm_launch_dup_supervisor_path (GError **error)
{
  return tvm_launch_dup_helper_path (SUPERVISOR, error);
}

int
tvm_launch_make_memfd (const char  *name,
                       GBytes      *bytes,
                       GError     **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  int fd = tvm_fd_raise (memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING));

  while (fd >= 0 && length > 0)
    {
      ssize_t n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          int errsv = errno;

          clear_fd (&fd);
          errno = errsv;
          break;
        }
      data += n;
      length -= n;
    }

  if (fd < 0)
    {
      tvm_error_set_errno (error, errno, _("Could not hold the input of a program in memory"));
      return -1;
    }

  lseek (fd, 0, SEEK_SET);
  fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return fd;
}

/* Makes a pipe of which only our end does not block. */
static gboolean
open_output_pipe (int     *our_end,
                  int     *its_end,
                  GError **error)
{
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) != 0 || !tvm_fd_raise_pair (fds))
    return tvm_error_set_errno (error, errno, _("Could not make a pipe"));

  *our_end = fds[0];
  *its_end = fds[1];
  fcntl (fds[0], F_SETFL, O_NONBLOCK);
  return TRUE;
}

static gboolean
open_fds (TvmLaunch             *self,
          ChildFds              *child,
          const TvmProcessSpec  *spec,
          GError               **error)
{
  int fds[2];

  if (spec->stdin_bytes != NULL)
    {
      child->stdin_fd = tvm_launch_make_memfd ("tvmsupport-stdin", spec->stdin_bytes, error);
      if (child->stdin_fd < 0)
        return FALSE;
    }

  if (!open_output_pipe (&self->stdout_fd, &child->stdout_fd, error)
      || !open_output_pipe (&self->stderr_fd, &child->stderr_fd, error))
    return FALSE;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 || !tvm_fd_raise_pair (fds))
    return tvm_error_set_errno (error, errno, _("Could not make a socket"));

  self->control_fd = fds[0];
  child->control_fd = fds[1];
  return TRUE;
}

static gboolean
check_cwd (const TvmProcessSpec  *spec,
           GError               **error)
{
  g_autofree char *name = NULL;
  struct stat st;
  int errsv;

  if (spec->cwd == NULL)
    return TRUE;

  errsv = stat (spec->cwd, &st) != 0 ? errno : S_ISDIR (st.st_mode) ? 0 : ENOTDIR;
  if (errsv == 0)
    return TRUE;

  name = g_filename_display_name (spec->cwd);
  return tvm_error_set_errno (error, errsv, _("Could not use “%s” as the working directory"), name);
}

/* Returns: (transfer full): the words for the target: those of the spec, or some of them and
 * the name of the file that @response_fd will be there */
static GPtrArray *
make_target_argv (const TvmProcessSpec  *spec,
                  char                 **environ_,
                  gsize                  reserve,
                  int                   *response_fd,
                  GError               **error)
{
  const char * const *argv = (const char * const *) spec->argv;
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GBytes) text = NULL;
  guint n_words = g_strv_length (spec->argv);
  guint n_front = n_words;

  if (spec->response_file == TVM_RESPONSE_FILE_GNU && n_words > spec->response_prefix
      && tvm_command_line_is_long (argv))
    n_front = spec->response_prefix;

  for (guint i = 0; i < n_front; i++)
    g_ptr_array_add (words, g_strdup (spec->argv[i]));
  if (n_front < n_words)
    g_ptr_array_add (words, g_strdup_printf ("@/proc/self/fd/%u",
                                             TVM_SUPERVISOR_FIRST_FD + spec->fds->len));
  g_ptr_array_add (words, NULL);

  if (!tvm_command_line_check ((const char * const *) words->pdata,
                               (const char * const *) environ_, reserve, error))
    return NULL;

  if (n_front < n_words)
    {
      text = tvm_command_line_to_gnu_file (argv + n_front);
      *response_fd = tvm_launch_make_memfd ("tvmsupport-arguments", text, error);
      if (*response_fd < 0)
        return NULL;
    }

  return g_steal_pointer (&words);
}

/* The private TMPDIR is made where the target would have put its files anyway. Its name is one that
 * is swept should the supervisor be killed as well; it comes from the kernel: the random numbers of GLib go on alike in the parent and the child of a fork. */
static gboolean
choose_tmpdir (TvmLaunch  *self,
               char      **environ_,
               GError    **error)
{
  const char *parent = g_environ_getenv (environ_, "TMPDIR");
  g_autofree char *name = NULL;
  guint64 number;

  if (getrandom (&number, sizeof number, 0) != sizeof number)
    return tvm_error_set_errno (error, errno, _("Could not choose a name"));

  if (parent == NULL || !g_path_is_absolute (parent))
    parent = P_tmpdir;
  name = g_strdup_printf (TVM_TEMP_PREFIX "%016" G_GINT64_MODIFIER "x", number);
  self->tmpdir = g_build_filename (parent, name, NULL);
  return TRUE;
}

/* Returns: (transfer full): @supervisor and its options, without the target */
static GPtrArray *
make_options (const TvmLaunch      *self,
              const TvmProcessSpec *spec,
              const char           *supervisor)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (words, g_strdup (supervisor));
  g_ptr_array_add (words, g_strdup ("--protocol=" TVM_SUPERVISOR_PROTOCOL));
  g_ptr_array_add (words, g_strdup_printf ("--parent=%d", (int) getpid ()));
  if (spec->cwd != NULL)
    g_ptr_array_add (words, g_strconcat ("--chdir=", spec->cwd, NULL));
  if (self->tmpdir != NULL)
    g_ptr_array_add (words, g_strconcat ("--private-tmpdir=", self->tmpdir, NULL));
  if (spec->kill_leftovers)
    g_ptr_array_add (words, g_strdup ("--kill-leftovers"));

  for (guint i = 0; i < spec->limits->len; i++)
    {
      const TvmProcessLimit *limit = &g_array_index (spec->limits, TvmProcessLimit, i);

      g_ptr_array_add (words, g_strdup_printf ("--rlimit=%d=%" G_GUINT64_FORMAT, limit->resource,
                                               limit->value));
    }

  for (guint i = 0; i < spec->cleanup_paths->len; i++)
    g_ptr_array_add (words, g_strconcat ("--cleanup=", g_ptr_array_index (spec->cleanup_paths, i),
                                         NULL));
  if (spec->orphan_path != NULL)
    g_ptr_array_add (words, g_strconcat ("--orphan=", spec->orphan_path, NULL));

  return words;
}

static gsize
get_size (GPtrArray *words)
{
  gsize size = 0;

  for (guint i = 0; i < words->len; i++)
    size += strlen (g_ptr_array_index (words, i)) + 1 + sizeof (char *);
  return size;
}

/* Returns: (transfer full): the whole command line of the supervisor */
static char **
make_argv (TvmLaunch             *self,
           const TvmProcessSpec  *spec,
           char                 **environ_,
           int                   *response_fd,
           GError               **error)
{
  const char *path = g_environ_getenv (environ_, "PATH");
  g_autofree char *supervisor = NULL;
  g_autofree char *program = NULL;
  g_autoptr (GPtrArray) words = NULL;
  g_autoptr (GPtrArray) target = NULL;

  /* Without one, the target would not get that of the application either. */
  program = tvm_find_program (spec->argv[0], path != NULL ? path : "/bin:/usr/bin", spec->cwd,
                              error);
  if (program == NULL)
    return NULL;

  supervisor = find_helper (self->libexecdir, SUPERVISOR, error);
  if (supervisor == NULL)
    return NULL;

  words = make_options (self, spec, supervisor);
  target = make_target_argv (spec, environ_, get_size (words) + 2 * strlen (program) + 4096,
                             response_fd, error);
  if (target == NULL)
    return NULL;

  g_ptr_array_add (words, g_strdup ("--"));
  g_ptr_array_add (words, g_steal_pointer (&program));
  for (guint i = 0; i < target->len; i++)
    g_ptr_array_add (words, g_steal_pointer (&target->pdata[i]));

  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

/* Leaves the descriptors that are not stdout and stderr in the socket, from which the supervisor
 * takes them. g_subprocess_launcher_take_fd() would do it too, but ends the application with a
 * failed assertion when there is no descriptor left (in GLib 2.74). */
static gboolean
send_hello (TvmLaunch             *self,
            const TvmProcessSpec  *spec,
            ChildFds              *child,
            GError               **error)
{
  TvmSupervisorHello hello = {
    .n_fds = (gint32) spec->fds->len + (child->response_fd >= 0),
    .has_stdin = child->stdin_fd >= 0,
  };
  struct iovec vector = { &hello, sizeof hello };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
  union
  {
    char buffer[CMSG_SPACE (TVM_SUPERVISOR_MAX_FDS * sizeof (int))];
    struct cmsghdr align;
  } control = { 0 };
  int fds[TVM_SUPERVISOR_MAX_FDS];
  gsize n_fds = 0;

  for (guint i = 0; i < spec->fds->len; i++)
    fds[n_fds++] = g_array_index (spec->fds, int, i);
  if (child->response_fd >= 0)
    fds[n_fds++] = child->response_fd;
  if (child->stdin_fd >= 0)
    fds[n_fds++] = child->stdin_fd;

  if (n_fds > 0)
    {
      struct cmsghdr *header;

      message.msg_control = control.buffer;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (header), fds, n_fds * sizeof (int));
    }

  if (sendmsg (self->control_fd, &message, MSG_NOSIGNAL) < 0)
    return tvm_error_set_errno (error, errno, _("Could not send to a socket"));

  return TRUE;
}

static gboolean
spawn_subprocess (TvmLaunch  *self,
                  char      **argv,
                  char      **environ_,
                  ChildFds   *child,
                  GError    **error)
{
  /* Only with INHERIT_FDS and neither a working directory nor a child setup does GLib start it
   * without a fork, whose price grows with the memory of the application. */
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS);

  g_subprocess_launcher_set_environ (launcher, environ_);
  g_subprocess_launcher_take_stdin_fd (launcher, g_steal_fd (&child->control_fd));
  g_subprocess_launcher_take_stdout_fd (launcher, g_steal_fd (&child->stdout_fd));
  g_subprocess_launcher_take_stderr_fd (launcher, g_steal_fd (&child->stderr_fd));

  self->subprocess = g_subprocess_launcher_spawnv (launcher, (const char * const *) argv, error);
  return self->subprocess != NULL;
}

/* In a fork of the application: the thread of GLib that reaps for GSubprocess is not there, so that
 * each would stay for ever, with its descriptor. */
static gboolean
spawn_in_fork (TvmLaunch  *self,
               char      **argv,
               char      **environ_,
               ChildFds   *child,
               GError    **error)
{
  return g_spawn_async_with_pipes_and_fds (NULL, (const char * const *) argv,
                                           (const char * const *) environ_,
                                           G_SPAWN_LEAVE_DESCRIPTORS_OPEN
                                           | G_SPAWN_DO_NOT_REAP_CHILD,
                                           NULL, NULL,
                                           child->control_fd, child->stdout_fd, child->stderr_fd,
                                           NULL, NULL, 0,
                                           &self->pid, NULL, NULL, NULL, error);
}

gboolean
tvm_launch_start (TvmLaunch             *self,
                  const TvmProcessSpec  *spec,
                  char                 **environ_,
                  GError               **error)
{
  g_auto (ChildFds) child = { -1, -1, -1, -1, -1 };
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) local_error = NULL;
  gboolean started;

  if (!check_cwd (spec, error))
    return FALSE;

  if (spec->private_tmpdir && !choose_tmpdir (self, environ_, error))
    return FALSE;

  argv = make_argv (self, spec, environ_, &child.response_fd, error);
  if (argv == NULL || !open_fds (self, &child, spec, error) || !send_hello (self, spec, &child, error))
    return FALSE;

  if (tvm_io_thread_is_forked ())
    started = spawn_in_fork (self, argv, environ_, &child, &local_error);
  else
    started = spawn_subprocess (self, argv, environ_, &child, &local_error);
  if (started)
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED, _("Could not start “%s”: %s"), spec->argv[0],
               local_error->message);
  return FALSE;
}
