/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-jobserver-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct _TvmJobserver
{
  int read_fd;
  int write_fd;

  GMutex lock;
  gboolean implicit_taken;
};

/* The value of the last --jobserver-auth (GNU make 4.2 and later) or --jobserver-fds (before) */
static char *
find_auth (const char *makeflags)
{
  g_auto (GStrv) words = g_strsplit (makeflags, " ", -1);
  const char *auth = NULL;
  guint i;

  for (i = 0; words[i] != NULL; i++)
    {
      if (g_str_has_prefix (words[i], "--jobserver-auth="))
        auth = words[i] + strlen ("--jobserver-auth=");
      else if (g_str_has_prefix (words[i], "--jobserver-fds="))
        auth = words[i] + strlen ("--jobserver-fds=");
    }

  return g_strdup (auth);
}

/*
 * Opens an inherited pipe end anew. The description that make gave us is shared with make and with
 * all its other children, so O_NONBLOCK set on it would break theirs.
 */
static int
reopen_pipe (int fd,
             int flags)
{
  char path[64];
  struct stat st;

  if (fd < 0 || fstat (fd, &st) != 0 || !S_ISFIFO (st.st_mode))
    return -1;

  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return open (path, flags | O_NONBLOCK | O_CLOEXEC);
}

static gboolean
open_server (TvmJobserver *self,
             const char   *auth)
{
  int read_fd;
  int write_fd;

  if (g_str_has_prefix (auth, "fifo:"))
    {
      /* Read and write, so that the fifo never reports the end of the file. */
      self->read_fd = open (auth + strlen ("fifo:"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
      self->write_fd = self->read_fd;
    }
  else if (sscanf (auth, "%d,%d", &read_fd, &write_fd) == 2)
    {
      self->read_fd = reopen_pipe (read_fd, O_RDONLY);
      self->write_fd = reopen_pipe (write_fd, O_WRONLY);
    }

  return self->read_fd >= 0 && self->write_fd >= 0;
}

TvmJobserver *
tvm_jobserver_new (const char *makeflags,
                   gboolean   *unavailable)
{
  g_autofree char *auth = makeflags != NULL ? find_auth (makeflags) : NULL;
  g_autoptr (TvmJobserver) self = NULL;

  *unavailable = FALSE;
  if (auth == NULL)
    return NULL;

  self = g_new0 (TvmJobserver, 1);
  g_mutex_init (&self->lock);
  self->read_fd = -1;
  self->write_fd = -1;
  if (!open_server (self, auth))
    {
      g_debug ("The job server “%s” of MAKEFLAGS cannot be reached", auth);
      *unavailable = TRUE;
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
tvm_jobserver_free (TvmJobserver *self)
{
  if (self->write_fd >= 0 && self->write_fd != self->read_fd)
    close (self->write_fd);
  if (self->read_fd >= 0)
    close (self->read_fd);
  g_mutex_clear (&self->lock);
  g_free (self);
}

TvmJobserver *
tvm_jobserver_get_default (gboolean *unavailable)
{
  static gsize initialized = 0;
  static TvmJobserver *default_server;
  static gboolean default_unavailable;

  if (g_once_init_enter (&initialized))
    {
      default_server = tvm_jobserver_new (g_getenv ("MAKEFLAGS"), &default_unavailable);
      g_once_init_leave (&initialized, 1);
    }

  *unavailable = default_unavailable;
  return default_server;
}

gboolean
tvm_jobserver_try_acquire (TvmJobserver *self,
                           TvmJobToken  *token)
{
  gboolean implicit;
  ssize_t n;

  g_mutex_lock (&self->lock);
  implicit = !self->implicit_taken;
  self->implicit_taken = TRUE;
  g_mutex_unlock (&self->lock);

  if (implicit)
    {
      token->kind = TVM_JOB_TOKEN_IMPLICIT;
      return TRUE;
    }

  do
    n = read (self->read_fd, &token->byte, 1);
  while (n < 0 && errno == EINTR);
  token->kind = TVM_JOB_TOKEN_BYTE;

  return n == 1;
}

void
tvm_jobserver_release (TvmJobserver *self,
                       TvmJobToken   token)
{
  ssize_t n;

  if (token.kind == TVM_JOB_TOKEN_IMPLICIT)
    {
      g_mutex_lock (&self->lock);
      self->implicit_taken = FALSE;
      g_mutex_unlock (&self->lock);
    }
  else if (token.kind == TVM_JOB_TOKEN_BYTE)
    {
      /* There is room in the pipe for what came out of it. */
      do
        n = write (self->write_fd, &token.byte, 1);
      while (n < 0 && errno == EINTR);
      if (n != 1)
        g_warning ("A token could not be given back to the job server: %s", g_strerror (errno));
    }
}

int
tvm_jobserver_get_fd (TvmJobserver *self)
{
  return self->read_fd;
}

char *
tvm_jobserver_filter_makeflags (const char *makeflags)
{
  g_auto (GStrv) words = g_strsplit (makeflags, " ", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) kept = NULL;
  guint i;

  for (i = 0; words[i] != NULL; i++)
    {
      gboolean is_server = g_str_has_prefix (words[i], "--jobserver-auth=") ||
                           g_str_has_prefix (words[i], "--jobserver-fds=");

      if (!is_server || strstr (words[i], "=fifo:") != NULL)
        g_strv_builder_add (builder, words[i]);
    }

  kept = g_strv_builder_end (builder);
  return g_strjoinv (" ", kept);
}
