/* SPDX-License-Identifier: Apache-2.0 */
/* The same chart for a browser */
#include "tuner.h"

#define WIDTH 900
#define ROW 18
#define TOP 56
#define NAME_X 190
#define BAR_X 200
#define BAR_WIDTH 600

static const char style[] =
  "  <style>\n"
  "    text { font: 12px sans-serif; fill: #2e3436; }\n"
  "    .title { font-size: 18px; font-weight: bold; }\n"
  "    .name { text-anchor: end; }\n"
  "    .bar { fill: #3584e4; }\n"
  "    .best { fill: #26a269; }\n"
  "    .lost { fill: #a51d2d; }\n"
  "    .ground { fill: #ffffff; }\n"
  "    @media (prefers-color-scheme: dark) {\n"
  "      text { fill: #eeeeec; }\n"
  "      .lost { fill: #ff7b63; }\n"
  "      .ground { fill: #1e1e1e; }\n"
  "    }\n"
  "  </style>\n";

/* In the form of every locale that XML knows: with a point */
static void
append_number (GString    *text,
               const char *attribute,
               double      number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (buffer, sizeof buffer, "%.1f", number);
  g_string_append_printf (text, " %s=\"%s\"", attribute, buffer);
}

static void
append_text (GString    *text,
             const char *class,
             double      x,
             double      y,
             const char *words)
{
  g_autofree char *escaped = g_markup_escape_text (words, -1);

  g_string_append_printf (text, "  <text class=\"%s\"", class);
  append_number (text, "x", x);
  append_number (text, "y", y);
  g_string_append_printf (text, ">%s</text>\n", escaped);
}

static void
append_ranking (GString   *text,
                GPtrArray *ranking)
{
  for (guint i = 0; i < ranking->len; i++)
    {
      const Candidate *candidate = g_ptr_array_index (ranking, i);
      const Candidate *best = g_ptr_array_index (ranking, 0);
      const double y = TOP + (double) i * ROW;
      const double width = BAR_WIDTH * candidate->gflops / best->gflops;
      g_autofree char *speed = g_strdup_printf ("%.1f", candidate->gflops);

      append_text (text, "name", NAME_X, y + ROW - 5, candidate->name);
      g_string_append_printf (text, "  <rect class=\"%s\"", i == 0 ? "best" : "bar");
      append_number (text, "x", BAR_X);
      append_number (text, "y", y + 2);
      append_number (text, "width", width);
      append_number (text, "height", ROW - 4);
      g_string_append (text, "/>\n");
      append_text (text, "speed", BAR_X + width + 6, y + ROW - 5, speed);
    }
}

static void
append_losers (GString *text,
               Tuner   *tuner,
               double   y)
{
  for (guint i = 0; i < tuner->candidates->len; i++)
    {
      const Candidate *candidate = g_ptr_array_index (tuner->candidates, i);

      if (candidate->outcome == OUTCOME_MEASURED)
        continue;
      append_text (text, "name", NAME_X, y + ROW - 5, candidate->name);
      append_text (text, "lost", BAR_X, y + ROW - 5, candidate->reason);
      y += ROW;
    }
}

gboolean
svg_write (Tuner       *self,
           const char  *path,
           GError     **error)
{
  g_autoptr (GString) text = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  g_autoptr (GPtrArray) ranking = ranking_new (self);
  g_autofree char *title = g_strdup_printf ("Multiplying %d × %d matrices, in GFLOP/s",
                                            self->size, self->size);
  const guint height = TOP + (self->candidates->len + 2) * ROW;

  g_string_append_printf (text,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\""
                          " role=\"img\">\n  <title>%s</title>\n", WIDTH, height, title);
  g_string_append (text, style);
  g_string_append_printf (text, "  <rect class=\"ground\" width=\"%d\" height=\"%u\"/>\n", WIDTH,
                          height);
  append_text (text, "title", 20, 34, title);
  append_ranking (text, ranking);
  append_losers (text, self, TOP + (ranking->len + 1.0) * ROW);
  g_string_append (text, "</svg>\n");
  return g_file_set_contents (path, text->str, (gssize) text->len, error);
}
