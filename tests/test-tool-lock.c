/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `tvmsupport lock` and `tvmsupport clean` */

static void
test_lock (Fixture       *self,
           gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "three", "echo \"out $*\"; exit 3\n");
  run (self, &outcome, "lock file sh three -- -n");
  g_assert_cmpint (outcome.status, ==, 3);
  g_assert_cmpstr (outcome.out, ==, "out -- -n\n");
  g_assert_cmpstr (outcome.err, ==, "");
  g_assert_true (exists (self, "file"));

  run (self, &outcome, "lock -x -w1 file -- sh three a");
  g_assert_cmpint (outcome.status, ==, 3);
  g_assert_cmpstr (outcome.out, ==, "out a\n");
}

static void
test_conflict (Fixture       *self,
               gconstpointer  data)
{
  g_autofree char *tool = g_strconcat ("lock file ", g_getenv ("TVM_TEST_TOOL"), NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;
  static const struct
  {
    const char *words;
    int status;
    gboolean says_who;
  } cases[] = {
    { "lock -n file true", 1, TRUE },
    { "lock --nonblock --quiet file true", 1, FALSE },
    { "lock -n -E 75 file true", 75, TRUE },
    { "lock -w 0.02 --conflict-exit-code=9 file true", 9, TRUE },
    { "lock --timeout 0 file true", 1, TRUE },
    { "lock -sn file true", 1, TRUE },
    { "lock -n other true", 0, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *words = g_strconcat (tool, " ", cases[i].words, NULL);

      run (self, &outcome, words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      g_assert_cmpstr (outcome.out, ==, "");
      if (cases[i].says_who)
        assert_contains (outcome.err, "is locked");
      else
        g_assert_cmpstr (outcome.err, ==, "");
    }

  g_free (tool);
  tool = g_strconcat ("lock -s file ", g_getenv ("TVM_TEST_TOOL"), " lock -n -s file echo x", NULL);
  run (self, &outcome, tool);
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "x\n");
}

static void
test_failures (Fixture       *self,
               gconstpointer  data)
{
  static const struct
  {
    const char *words;
    int status;
    const char *message;
  } cases[] = {
    { "lock", 125, "No file" },
    { "lock file", 125, "No program" },
    { "lock file --", 125, "No program" },
    { "lock -s -x file true", 125, "--exclusive" },
    { "lock -w soon file true", 125, "soon" },
    { "lock -w -1 file true", 125, "-1" },
    { "lock -E 256 file true", 125, "256" },
    { "lock --nonsense file true", 125, "--nonsense" },
    { "lock no/such/file true", 125, "no/such/file" },
    { "lock folder true", 125, "folder" },
    { "lock file no-such-program", 127, "no-such-program" },
    { "lock file ./folder", 126, "folder" },
    { "lock file sh kill", 143, "SIGTERM" },
  };
  g_autofree char *folder = g_build_filename (self->folder, "folder", NULL);

  g_assert_no_errno (g_mkdir (folder, 0700));
  write_file (self, "kill", "kill -TERM $$\n");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, cases[i].words);
      g_assert_cmpint (outcome.status, ==, cases[i].status);
      assert_contains (outcome.err, cases[i].message);
      g_assert_true (g_str_has_prefix (outcome.err, "tvmsupport: "));
    }
  g_assert_no_errno (g_rmdir (folder));
}

/* A signal ends the wait, and what runs. */
static void
test_signal (Fixture       *self,
             gconstpointer  data)
{
  g_autofree char *fifo = g_build_filename (self->folder, "fifo", NULL);
  g_autoptr (GSubprocessLauncher) launcher =
    new_launcher (self, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (GSubprocess) waiter = NULL;
  g_auto (Outcome) outcome = OUTCOME_INIT;
  char byte;
  int fd;

  g_assert_no_errno (mkfifo (fifo, 0600));
  write_file (self, "hold", "echo > fifo; exec sleep 100\n");
  holder = start (launcher, "lock file sh hold");
  fd = open (fifo, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (read (fd, &byte, 1), ==, 1);
  close (fd);

  waiter = start (launcher, "lock file true");
  g_subprocess_send_signal (waiter, SIGTERM);
  g_assert_true (g_subprocess_wait (waiter, NULL, NULL));
  /* It may not have its handler yet. */
  g_assert_true (g_subprocess_get_if_signaled (waiter)
                 || g_subprocess_get_exit_status (waiter) == 128 + SIGTERM);

  g_subprocess_send_signal (holder, SIGINT);
  g_assert_true (g_subprocess_wait (holder, NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (holder), ==, 128 + SIGINT);
  run (self, &outcome, "lock -n file true");
  assert_quiet (&outcome);
  g_assert_no_errno (g_unlink (fifo));
}

static char *
make_left_over (const char *folder,
                const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *sub = g_build_filename (path, "sub", NULL);

  g_assert_no_errno (g_mkdir_with_parents (sub, 0700));
  return g_steal_pointer (&path);
}

static void
test_clean (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *usual = make_left_over (self->tmpdir, "tvmsupport-temp-abcdef");
  g_autofree char *stage = make_left_over (self->folder, ".tvm-stage-abcdef");
  g_autofree char *words = g_strconcat ("clean ", self->folder, " ", self->tmpdir, NULL);
  g_autofree char *expected = g_strconcat (usual, "\n", NULL);
  g_autofree char *all = g_strconcat (stage, "\n", NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  run (self, &outcome, "clean --dry-run");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, expected);
  g_assert_true (g_file_test (usual, G_FILE_TEST_IS_DIR));
  run (self, &outcome, "clean");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, expected);
  g_assert_false (g_file_test (usual, G_FILE_TEST_EXISTS));

  run (self, &outcome, words);
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, all);
  g_assert_false (g_file_test (stage, G_FILE_TEST_EXISTS));

  run (self, &outcome, "clean no-such-folder .");
  g_assert_cmpint (outcome.status, ==, 1);
  assert_contains (outcome.err, "no-such-folder");
  run (self, &outcome, "clean --nonsense");
  g_assert_cmpint (outcome.status, ==, 2);
}

#define add(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  add ("/tool/lock", test_lock);
  add ("/tool/lock/conflict", test_conflict);
  add ("/tool/lock/failures", test_failures);
  add ("/tool/lock/signal", test_signal);
  add ("/tool/clean", test_clean);

  return g_test_run ();
}
