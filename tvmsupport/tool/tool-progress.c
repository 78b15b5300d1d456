/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tool/tool-progress.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct _ToolProgress
{
  TvmCompiler *compiler; /* (owned) (nullable) */
  char *what;            /* (owned): valid UTF-8 */
  gulong handlers[2];
  gboolean on_terminal;
  gboolean colour;
  gboolean shown;
};

/* A terminal that can go back to the start of a line and wipe it */
static gboolean
is_terminal (void)
{
  const char *term = g_getenv ("TERM");

  return isatty (STDERR_FILENO) && term != NULL && !g_str_equal (term, "dumb");
}

static gboolean
wants_colour (void)
{
  const char *no_color = g_getenv ("NO_COLOR");

  return no_color == NULL || *no_color == '\0';
}

static glong
get_width (void)
{
  struct winsize size = { 0, };

  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return 80;
}

static void
show (ToolProgress *self,
      const char   *count)
{
  const glong room = get_width () - g_utf8_strlen (count, -1) - 2;
  g_autofree char *what = NULL;

  if (room <= 0)
    return;

  /* A line that wraps could not be wiped. */
  if (g_utf8_strlen (self->what, -1) > room)
    what = g_utf8_substring (self->what, 0, room);
  else
    what = g_strdup (self->what);

  fprintf (stderr, "\r%s%s%s %s\033[K", self->colour ? "\033[1m" : "", count,
           self->colour ? "\033[0m" : "", what);
  fflush (stderr);
  self->shown = TRUE;
}

/* How many steps there will be is known when the first one has ended. */
static void
job_started (TvmCompiler       *compiler,
             TvmCompileRequest *request,
             ToolProgress      *self)
{
  show (self, "[…]");
}

static void
progress (TvmCompiler       *compiler,
          TvmCompileRequest *request,
          guint              n_done,
          guint              n_total,
          ToolProgress      *self)
{
  tool_progress_set (self, n_done, n_total, NULL);
}

ToolProgress *
tool_progress_new (const char *what)
{
  ToolProgress *self = g_new0 (ToolProgress, 1);

  self->what = g_filename_display_name (what);
  self->colour = wants_colour ();
  self->on_terminal = is_terminal ();
  return self;
}

void
tool_progress_free (ToolProgress *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_clear_signal_handler (&self->handlers[i], self->compiler);

  tool_progress_hide (self);
  g_clear_object (&self->compiler);
  g_free (self->what);
  g_free (self);
}

void
tool_progress_watch (ToolProgress *self,
                     TvmCompiler  *compiler)
{
  if (!self->on_terminal)
    return;

  self->compiler = g_object_ref (compiler);
  self->handlers[0] = g_signal_connect (compiler, "job-started", G_CALLBACK (job_started), self);
  self->handlers[1] = g_signal_connect (compiler, "progress", G_CALLBACK (progress), self);
}

void
tool_progress_set (ToolProgress *self,
                   guint64       n_done,
                   guint64       n_total,
                   const char   *what)
{
  g_autofree char *count = NULL;

  if (!self->on_terminal)
    return;

  if (what != NULL)
    {
      g_free (self->what);
      self->what = g_utf8_make_valid (what, -1);
    }
  if (n_total > 0)
    count = g_strdup_printf ("[%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "]", n_done, n_total);
  else
    count = g_strdup_printf ("[%" G_GUINT64_FORMAT "]", n_done);
  show (self, count);
}

void
tool_progress_hide (ToolProgress *self)
{
  if (!self->shown)
    return;

  fputs ("\r\033[K", stderr);
  fflush (stderr);
  self->shown = FALSE;
}
