/* SPDX-License-Identifier: Apache-2.0 */
/* How far it is: on a terminal a line that changes, elsewhere a line for each step */
#include "tuner.h"

#include <stdio.h>
#include <unistd.h>

struct _Progress
{
  const char *what;
  guint n_done;
  guint n_total;
  gboolean on_terminal;
  const Candidate *best;        /* (nullable) */
  guint n_lost;
  gint64 start;
};

static gboolean
is_terminal (void)
{
  const char *term = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) && term != NULL && !g_str_equal (term, "dumb");
}

static void
show_line (Progress *self)
{
  printf ("\r[%u/%u] %s; %u lost", self->n_done, self->n_total, self->what, self->n_lost);
  if (self->best != NULL)
    printf ("; %s leads with %.1f GFLOP/s", self->best->name, self->best->gflops);
  printf ("\033[K");
  fflush (stdout);
}

Progress *
progress_new (const char *what,
              guint       n_total)
{
  Progress *self = g_new0 (Progress, 1);

  self->what = what;
  self->n_total = n_total;
  self->on_terminal = is_terminal ();
  self->start = g_get_monotonic_time ();
  if (self->on_terminal)
    show_line (self);
  return self;
}

void
progress_step (Progress        *self,
               const Candidate *candidate)
{
  self->n_done++;
  if (candidate->reason != NULL)
    self->n_lost++;
  else if (candidate->outcome == OUTCOME_MEASURED &&
           (self->best == NULL || candidate->gflops > self->best->gflops))
    self->best = candidate;

  if (self->on_terminal)
    {
      show_line (self);
      return;
    }

  if (candidate->reason != NULL)
    printf ("[%u/%u] %s: %s\n", self->n_done, self->n_total, candidate->name,
            candidate->reason);
  else if (candidate->outcome == OUTCOME_MEASURED)
    printf ("[%u/%u] %s: %.2f GFLOP/s\n", self->n_done, self->n_total, candidate->name,
            candidate->gflops);
  else
    printf ("[%u/%u] %s: compiled\n", self->n_done, self->n_total, candidate->name);
  fflush (stdout);
}

void
progress_free (Progress *self)
{
  printf ("%s%s: %u of %u in %.1f s\n", self->on_terminal ? "\r\033[K" : "", self->what,
          self->n_done, self->n_total, (g_get_monotonic_time () - self->start) / 1e6);
  g_free (self);
}
