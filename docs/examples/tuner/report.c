/* SPDX-License-Identifier: Apache-2.0 */
/* The ranking as a chart of characters, and why each loser lost */
#include "tuner.h"

#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int
compare_speed (gconstpointer a,
               gconstpointer b)
{
  const Candidate *first = *(Candidate * const *) a;
  const Candidate *second = *(Candidate * const *) b;

  return (first->gflops < second->gflops) - (first->gflops > second->gflops);
}

/* Returns: (transfer container) (element-type Candidate): what was measured, the fastest first */
GPtrArray *
ranking_new (Tuner *self)
{
  GPtrArray *ranking = g_ptr_array_new ();

  for (guint i = 0; i < self->candidates->len; i++)
    {
      Candidate *candidate = g_ptr_array_index (self->candidates, i);

      if (candidate->outcome == OUTCOME_MEASURED)
        g_ptr_array_add (ranking, candidate);
    }

  g_ptr_array_sort (ranking, compare_speed);
  return ranking;
}

static guint
get_columns (void)
{
  struct winsize size = { 0, };

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return 80;
}

/* A bar of up to @width characters, in eighths of one where the terminal has such characters */
static char *
draw_bar (double part,
          guint  width)
{
  static const char * const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  const guint n_eighths = (guint) lround (part * width * 8);
  GString *bar = g_string_new (NULL);

  if (!g_get_charset (NULL))
    {
      for (guint i = 0; i < (n_eighths + 4) / 8; i++)
        g_string_append_c (bar, '#');
      return g_string_free (bar, FALSE);
    }

  for (guint i = 0; i < n_eighths / 8; i++)
    g_string_append (bar, "█");
  g_string_append (bar, eighths[n_eighths % 8]);
  return g_string_free (bar, FALSE);
}

static void
print_ranking (GPtrArray *ranking)
{
  const guint columns = get_columns ();
  const guint width = columns > 60 ? MIN (columns - 42, 60) : 20;

  printf ("\n%3s  %-20s %8s\n", "", "", "GFLOP/s");
  for (guint i = 0; i < ranking->len; i++)
    {
      const Candidate *candidate = g_ptr_array_index (ranking, i);
      const Candidate *best = g_ptr_array_index (ranking, 0);
      g_autofree char *bar = draw_bar (candidate->gflops / best->gflops, width);

      printf ("%3u  %-20s %8.2f  %s\n", i + 1, candidate->name, candidate->gflops, bar);
    }
}

static void
print_losers (Tuner *self,
              guint  n_losers)
{
  guint n_planned = 0;

  printf ("\n%u lost:\n", n_losers);
  for (guint i = 0; i < self->candidates->len; i++)
    {
      const Candidate *candidate = g_ptr_array_index (self->candidates, i);

      if (candidate->outcome == OUTCOME_MEASURED)
        continue;
      printf ("     %-20s %s\n", candidate->name, candidate->reason);
      n_planned += candidate->outcome == candidate->planned;
    }

  if (n_planned == n_losers)
    printf ("All of them do so on purpose.\n");
  else
    printf ("%u of them do so on purpose.\n", n_planned);
}

void
report_print (Tuner *self)
{
  g_autoptr (GPtrArray) ranking = ranking_new (self);

  if (ranking->len > 0)
    {
      const Candidate *best = g_ptr_array_index (ranking, 0);
      const Candidate *last = g_ptr_array_index (ranking, ranking->len - 1);

      print_ranking (ranking);
      if (self->candidates->len > ranking->len)
        print_losers (self, self->candidates->len - ranking->len);
      printf ("\n%s is the fastest for %d × %d, %.0f times as fast as %s.\n", best->name,
              self->size, self->size, best->gflops / last->gflops, last->name);
    }
  else
    {
      print_losers (self, self->candidates->len);
    }
}
