/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tuner [OPTION…]
 *
 * Looks for the fastest way to multiply two matrices on this machine. It writes many candidates in
 * C, compiles them in parallel, runs each in a process of its own with a limit on its time, and
 * says which is the fastest. Some candidates do not compile, hang, crash or are wrong, and none of
 * that harms the others.
 */
#include "tuner.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>

static gboolean
interrupted (Tuner *tuner,
             int    signum)
{
  tuner->signal = signum;
  g_cancellable_cancel (tuner->cancellable);
  return G_SOURCE_CONTINUE;
}

static gboolean
got_sigint (gpointer user_data)
{
  return interrupted (user_data, SIGINT);
}

static gboolean
got_sigterm (gpointer user_data)
{
  return interrupted (user_data, SIGTERM);
}

static gboolean
check_options (Tuner   *self,
               GError **error)
{
  const char *problem = NULL;

  if (self->n_candidates < 1 || self->n_candidates > MAX_CANDIDATES)
    problem = "there are 1 to " G_STRINGIFY (MAX_CANDIDATES) " candidates";
  else if (self->size < SIZE_STEP || self->size > 4096 || self->size % SIZE_STEP != 0)
    problem = "the size must be a multiple of " G_STRINGIFY (SIZE_STEP) " up to 4096";
  else if (self->jobs < 0)
    problem = "the number of jobs must not be negative";
  else if (!(self->timeout >= 0.001 && self->timeout < 1e6))
    problem = "the time limit must be a number of seconds";

  if (problem != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
  return problem == NULL;
}

static gboolean
parse_options (Tuner    *self,
               int      *argc,
               char   ***argv,
               GError  **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  const GOptionEntry entries[] = {
    { "candidates", 'n', 0, G_OPTION_ARG_INT, &self->n_candidates,
      "Try so many (default: all, " G_STRINGIFY (MAX_CANDIDATES) ")", "N" },
    { "size", 's', 0, G_OPTION_ARG_INT, &self->size,
      "Rows and columns of the matrices (default: 256)", "N" },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
      "Do so much at a time (default: one job per processor)", "N" },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->timeout,
      "Limit for each candidate (default: 1.5)", "SECONDS" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      "Keep the sources and modules here", "DIRECTORY" },
    { "svg", 0, 0, G_OPTION_ARG_FILENAME, &self->svg, "Write the chart to this file", "FILE" },
    G_OPTION_ENTRY_NULL
  };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, "Looks for the fastest way to multiply two matrices.");
  return g_option_context_parse (context, argc, argv, error) && check_options (self, error);
}

static gboolean
tune_in (Tuner       *self,
         const char  *directory,
         GError     **error)
{
  return tuner_build (self, directory, error) && tuner_run (self, error);
}

static gboolean
tune (Tuner   *self,
      GError **error)
{
  g_autoptr (TvmTempDirectory) temporary = NULL;

  if (self->output != NULL)
    {
      if (g_mkdir_with_parents (self->output, 0777) != 0)
        {
          const int code = errno;

          g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
                       "“%s” cannot be made: %s", self->output, g_strerror (code));
          return FALSE;
        }
      return tune_in (self, self->output, error);
    }

  temporary = tvm_temp_directory_new (NULL, error);
  return temporary != NULL && tune_in (self, tvm_temp_directory_get_path (temporary), error);
}

static void
tuner_clear (Tuner *self)
{
  g_free (self->output);
  g_free (self->svg);
  g_clear_pointer (&self->candidates, g_ptr_array_unref);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_object (&self->cancellable);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tuner, tuner_clear)

int
main (int    argc,
      char **argv)
{
  g_auto (Tuner) self = { .n_candidates = MAX_CANDIDATES, .size = 256, .timeout = 1.5 };
  g_autoptr (GError) error = NULL;

  /* Does not come back in a worker. */
  measure_register ();
  tvm_worker_main (argc, argv);

  setlocale (LC_ALL, "");
  if (!parse_options (&self, &argc, &argv, &error))
    {
      g_printerr ("tuner: %s\n", error->message);
      return 2;
    }

  self.candidates = candidates_new ((guint) self.n_candidates);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.cancellable = g_cancellable_new ();
  g_unix_signal_add (SIGINT, got_sigint, &self);
  g_unix_signal_add (SIGTERM, got_sigterm, &self);

  if (!tune (&self, &error))
    {
      if (self.signal != 0)
        return 128 + self.signal;
      g_printerr ("tuner: %s\n", error->message);
      return 1;
    }

  report_print (&self);
  if (self.svg != NULL && !svg_write (&self, self.svg, &error))
    {
      g_printerr ("tuner: %s\n", error->message);
      return 1;
    }
  return 0;
}
