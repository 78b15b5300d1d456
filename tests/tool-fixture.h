/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

/* What the tests of the command `tvmsupport` share. It is run from outside; every run is bounded by
 * the time limit of the test. */

typedef struct
{
  char *folder;
  char *tmpdir;
} Fixture;

typedef struct
{
  int status; /* of the exit; -1 if a signal ended it */
  char *out;
  char *err;
} Outcome;

#define OUTCOME_INIT { 0, NULL, NULL }

void outcome_clear (Outcome *outcome);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

void                 set_up          (Fixture             *self,
                                      gconstpointer        data);
/* Nothing may be left in the temporary folder, and nothing hidden beside the outputs. */
void                 tear_down       (Fixture             *self,
                                      gconstpointer        data);
void                 write_file      (Fixture             *self,
                                      const char          *name,
                                      const char          *text);
gboolean             exists          (Fixture             *self,
                                      const char          *name);

GSubprocessLauncher *new_launcher    (Fixture             *self,
                                      GSubprocessFlags     flags);
/* @words are separated by blanks. */
GSubprocess         *start           (GSubprocessLauncher *launcher,
                                      const char          *words);
void                 run             (Fixture             *self,
                                      Outcome             *outcome,
                                      const char          *words);
/* @input: (nullable): what it can read */
void                 run_with_input  (Fixture             *self,
                                      Outcome             *outcome,
                                      GBytes              *input,
                                      const char          *words);
/* Returns: (transfer full) (nullable): what it writes to a terminal as its standard error; NULL if
 * there are no terminals */
char                *run_on_terminal (Fixture             *self,
                                      const char          *term,
                                      const char          *no_color,
                                      int                  expected_status,
                                      const char          *words);

/* It worked, and had nothing to say about it. */
void                 assert_quiet    (const Outcome       *outcome);
void                 assert_contains (const char          *text,
                                      const char          *part);
/* Returns: (transfer full): an object */
JsonNode            *parse_json      (const char          *text);
