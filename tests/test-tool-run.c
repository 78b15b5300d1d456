/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `tvmsupport run` and `tvmsupport map` */

/* Leaves a daemon and waits for it. It says its number in a FIFO, and so that it runs. */
static const char daemon_script[] =
  "setsid sh -c 'echo $$ > fifo; exec sleep 100' &\n"
  "wait\n"
  "sleep 100\n";

static void
make_fifo (Fixture    *self,
           const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

/* Returns: the number that somebody writes into the FIFO, once somebody does */
static int
read_pid (Fixture *self)
{
  g_autofree char *path = g_build_filename (self->folder, "fifo", NULL);
  char text[32] = { 0, };
  const int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (read (fd, text, sizeof text - 1), >, 0);
  close (fd);
  return atoi (text);
}

static void
assert_gone (int pid)
{
  g_assert_cmpint (pid, >, 1);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  g_assert_cmpint (errno, ==, ESRCH);
}

/* What ended, ended so; nothing is on the standard output. */
static void
assert_failed (const Outcome *outcome,
               int            status,
               const char    *message)
{
  g_assert_cmpint (outcome->status, ==, status);
  g_assert_cmpstr (outcome->out, ==, "");
  assert_contains (outcome->err, message);
  g_assert_true (g_str_has_prefix (outcome->err, "tvmsupport: "));
}

static void
test_run (Fixture       *self,
          gconstpointer  data)
{
  g_autoptr (GBytes) input = g_bytes_new_static ("some input\n", 11);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "three", "echo out; echo err >&2; exit 3\n");
  run (self, &outcome, "run --quiet sh three");
  g_assert_cmpint (outcome.status, ==, 3);
  g_assert_cmpstr (outcome.out, ==, "out\n");
  g_assert_cmpstr (outcome.err, ==, "err\n");

  run (self, &outcome, "run sh three");
  g_assert_cmpint (outcome.status, ==, 3);
  g_assert_true (g_str_has_prefix (outcome.err, "err\ntvmsupport: "));
  assert_contains (outcome.err, " s user, ");

  run_with_input (self, &outcome, input, "run -q cat");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "some input\n");

  /* The options of the program are its own. */
  run (self, &outcome, "run -q echo -q -t5 --json -- -m");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "-q -t5 --json -- -m\n");
  run (self, &outcome, "run -q -- echo -- -t5");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "-- -t5\n");
}

/* What is closed stays so: nothing else is read or written, and it is an error. */
static void
test_closed_stdio (Fixture       *self,
                   gconstpointer  data)
{
  g_autofree char *command = g_strdup_printf ("\"%s\" \"$@\"", g_getenv ("TVM_TEST_TOOL"));
  g_autofree char *no_input = g_strconcat (command, " <&-", NULL);
  g_autofree char *no_output = g_strconcat (command, " >&-", NULL);
  const char * const links[] = {
    "sh", "-c", no_input, "sh", "run", "-q", "sh", "-c", "readlink /proc/$$/fd/0", NULL
  };
  const char * const map[] = { "sh", "-c", no_output, "sh", "map", "echo", ":::", "1234567", NULL };
  g_autoptr (GSubprocessLauncher) launcher =
    new_launcher (self, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) first = g_subprocess_launcher_spawnv (launcher, links, NULL);
  g_autoptr (GSubprocess) second = g_subprocess_launcher_spawnv (launcher, map, NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  g_subprocess_communicate_utf8 (first, NULL, NULL, &outcome.out, &outcome.err, NULL);
  g_assert_cmpstr (outcome.out, ==, "/dev/null\n");
  assert_quiet (&outcome);

  outcome_clear (&outcome);
  g_subprocess_communicate_utf8 (second, NULL, NULL, &outcome.out, &outcome.err, NULL);
  outcome.status = g_subprocess_get_exit_status (second);
  assert_failed (&outcome, 255, "Cannot write to the standard output");
}

static void
test_run_surroundings (Fixture       *self,
                       gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "where", "echo $A $B; pwd; ulimit -v; ulimit -t\n");
  run (self, &outcome, "run -q -C / -eA=1 --env B=b=c -m 0.5G --cpu-time 1.5 sh -c "
                       "pwd;ulimit${IFS}-v;ulimit${IFS}-t;echo${IFS}$A$B");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "/\n524288\n2\n1b=c\n");

  run (self, &outcome, "run -q -t 0 -s 0 -m 0 --cpu-time 0 sh where");
  assert_quiet (&outcome);
  assert_contains (outcome.out, "unlimited\nunlimited\n");
}

static void
test_run_failures (Fixture       *self,
                   gconstpointer  data)
{
  static const struct
  {
    const char *words;
    int status;
    const char *message;
  } failures[] = {
    { "run no-such-program", 127, "“no-such-program”" },
    { "run ./no-such-program", 127, "no-such-program" },
    { "run ./text", 126, "text" },
    { "run /", 126, "“/”" },
    { "run ./broken", 126, "“#!”" },
    { "run -C nowhere cat", 125, "“nowhere” as the working directory" },
    { "run -t 1e9 true", 125, "999999999 are possible" },
    { "run -m 1.5 true", 125, "“1.5”" },
    { "run -m 1.K true", 125, "“1.K”" },
    { "run", 125, "No program" },
    { "run -t 5", 125, "No program" },
    { "run --nonsense true", 125, "--nonsense" },
    { "run -t soon true", 125, "soon" },
    { "run -t -1 true", 125, "-1" },
    { "run -m 3X true", 125, "“3X”" },
    { "run -e X true", 125, "“X”" },
    { "run -e =X true", 125, "“=X”" },
  };
  g_autofree char *broken = g_build_filename (self->folder, "broken", NULL);

  write_file (self, "text", "no program\n");
  write_file (self, "broken", "\001no program\n");
  g_assert_cmpint (chmod (broken, 0700), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, failures[i].words);
      assert_failed (&outcome, failures[i].status, failures[i].message);
    }
}

static void
test_run_signal (Fixture       *self,
                 gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "kill", "kill -KILL $$\n");
  run (self, &outcome, "run -q sh kill");
  assert_failed (&outcome, 128 + SIGKILL, "SIGKILL");

  /* It hears SIGTERM, and may end as it likes. */
  write_file (self, "soft", "trap 'exit 4' TERM; while :; do sleep 0.01; done\n");
  run (self, &outcome, "run -q --soft-timeout 0.1 sh soft");
  g_assert_cmpint (outcome.status, ==, 4);
  run (self, &outcome, "run -q --soft-timeout 0.1 sleep 100");
  assert_failed (&outcome, 128 + SIGTERM, "SIGTERM");
}

/* The whole tree is gone, daemons too, when it comes back. */
static void
test_run_timeout (Fixture       *self,
                  gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *err = NULL;
  int pid;

  make_fifo (self, "fifo");
  write_file (self, "daemon", daemon_script);
  launcher = new_launcher (self, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  process = start (launcher, "run -t 1 sh daemon");
  pid = read_pid (self);
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &err, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 124);
  assert_contains (err, "“sh” ran for longer than 1 s\n");
  assert_contains (err, " s elapsed, ");
  assert_gone (pid);
}

static void
test_interrupt (Fixture       *self,
                gconstpointer  data)
{
  const char *words = data;
  static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

  make_fifo (self, "fifo");
  write_file (self, "daemon", daemon_script);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (GSubprocessLauncher) launcher = new_launcher (self,
                                                               G_SUBPROCESS_FLAGS_STDERR_PIPE);
      g_autoptr (GSubprocess) process = start (launcher, words);
      g_autoptr (GError) error = NULL;
      g_autofree char *err = NULL;
      const int pid = read_pid (self);

      g_subprocess_send_signal (process, signals[i]);
      g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &err, &error);
      g_assert_no_error (error);
      g_assert_true (g_subprocess_get_if_exited (process));
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 128 + signals[i]);
      assert_gone (pid);

      /* Whoever reads the JSON gets it. */
      if (strstr (words, "--json") != NULL)
        {
          g_autoptr (JsonNode) node = parse_json (err);

          g_assert_false (json_object_get_boolean_member (json_node_get_object (node),
                                                          "successful"));
        }
      else
        g_assert_cmpstr (err, ==, "");
    }
}

static void
test_run_json (Fixture       *self,
               gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (JsonNode) good = NULL;
  g_autoptr (JsonNode) late = NULL;
  g_autoptr (JsonNode) bad = NULL;
  JsonObject *object = NULL;

  run (self, &outcome, "run --json echo hello");
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpstr (outcome.out, ==, "hello\n");
  good = parse_json (outcome.err);
  object = json_node_get_object (good);
  g_assert_true (json_object_get_boolean_member (object, "successful"));
  g_assert_cmpstr (json_object_get_string_member (object, "status"), ==, "complete");
  g_assert_cmpint (json_object_get_int_member (object, "exit_status"), ==, 0);
  g_assert_true (json_object_get_null_member (object, "term_signal"));
  g_assert_true (json_object_get_null_member (object, "error"));
  g_assert_cmpint (json_object_get_int_member (object, "elapsed_usec"), >, 0);
  g_assert_cmpint (json_object_get_int_member (object, "peak_memory"), >, 0);

  write_file (self, "spin", "while :; do :; done\n");
  run (self, &outcome, "run --json -t 0.1 sh spin");
  g_assert_cmpint (outcome.status, ==, 124);
  late = parse_json (outcome.err);
  object = json_node_get_object (late);
  g_assert_false (json_object_get_boolean_member (object, "successful"));
  g_assert_cmpstr (json_object_get_string_member (object, "status"), ==, "timeout");
  g_assert_cmpint (json_object_get_int_member (object, "elapsed_usec"), >=, 100000);
  g_assert_cmpint (json_object_get_int_member (object, "user_usec")
                   + json_object_get_int_member (object, "system_usec"), >, 0);

  run (self, &outcome, "run --json no-such-program");
  g_assert_cmpint (outcome.status, ==, 127);
  bad = parse_json (outcome.err);
  object = json_node_get_object (bad);
  g_assert_cmpstr (json_object_get_string_member (object, "status"), ==, "error");
  assert_contains (json_object_get_string_member (object, "error"), "no-such-program");
  g_assert_true (json_object_get_null_member (object, "exit_status"));
  g_assert_true (json_object_get_null_member (object, "elapsed_usec"));
}

static void
run_on_lines (Fixture    *self,
              Outcome    *outcome,
              const char *lines,
              const char *words)
{
  g_autoptr (GBytes) input = g_bytes_new (lines, strlen (lines));

  run_with_input (self, outcome, input, words);
}

static void
test_map (Fixture       *self,
          gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_autoptr (GBytes) zeros = g_bytes_new_static ("a b\0c\nd", 7);

  run (self, &outcome, "map -k echo got ::: 1 2 3");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "got 1\ngot 2\ngot 3\n");

  run (self, &outcome, "map -k -j2 -- echo {}-{} x{}y {} end ::: 1 ::: {}");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "1-1 x1y 1 end\n:::-::: x:::y ::: end\n{}-{} x{}y {} end\n");

  run_on_lines (self, &outcome, "one\n\ntwo words\nlast", "map -k echo [{}]");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "[one]\n[]\n[two words]\n[last]\n");
  run_with_input (self, &outcome, zeros, "map -0 -k echo [{}]");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "[a b]\n[c\nd]\n");

  run_on_lines (self, &outcome, "", "map echo");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "");
  run (self, &outcome, "map echo :::");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "");
}

/* The first one ends last, and what each writes stays together. */
static void
test_map_order (Fixture       *self,
                gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;

  make_fifo (self, "fifo");
  write_file (self, "script", "case $1 in\n"
                              "  1) echo begin 1; cat fifo; echo end 1;;\n"
                              "  2) echo begin 2; echo then > fifo; echo end 2;;\n"
                              "esac\n");
  run (self, &outcome, "map -j2 --keep-order sh script ::: 1 2 3");
  assert_quiet (&outcome);
  g_assert_cmpstr (outcome.out, ==, "begin 1\nthen\nend 1\nbegin 2\nend 2\n");
}

static void
test_map_failures (Fixture       *self,
                   gconstpointer  data)
{
  g_autoptr (GString) many = g_string_new (NULL);
  g_auto (Outcome) outcome = OUTCOME_INIT;

  write_file (self, "script", "case $1 in\n"
                              "  exit) exit 7;;\n"
                              "  kill) kill -KILL $$;;\n"
                              "  hang) sleep 100;;\n"
                              "  say) echo said; echo said it >&2;;\n"
                              "esac\n");
  run (self, &outcome, "map -k -t 0.5 sh script ::: say exit kill hang say");
  g_assert_cmpint (outcome.status, ==, 3);
  g_assert_cmpstr (outcome.out, ==, "said\nsaid\n");
  g_assert_cmpstr (outcome.err, ==, "said it\n"
                                    "tvmsupport: “kill” was ended by the signal SIGKILL\n"
                                    "tvmsupport: “hang” ran for longer than 0.5 s\n"
                                    "said it\n");

  /* Once, as it is the same for all */
  run (self, &outcome, "map no-such-program ::: 1 2 3");
  assert_failed (&outcome, 127, "“no-such-program”");
  g_assert_cmpint (strchr (outcome.err, '\n') - outcome.err, ==, strlen (outcome.err) - 1);
  outcome_clear (&outcome);
  run (self, &outcome, "map / ::: 1 2 3");
  assert_failed (&outcome, 126, "“/”");
  outcome_clear (&outcome);

  run (self, &outcome, "map {} ::: no-such-program true");
  assert_failed (&outcome, 1, "“no-such-program”");

  for (guint i = 0; i < 150; i++)
    g_string_append (many, "x\n");
  run_on_lines (self, &outcome, many->str, "map false");
  g_assert_cmpint (outcome.status, ==, 101);
  g_assert_cmpstr (outcome.err, ==, "");

  run (self, &outcome, "map --halt -j1 -k sh script ::: say exit hang kill");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.out, ==, "said\n");
  g_assert_cmpstr (outcome.err, ==, "said it\n");
}

static void
test_map_misuse (Fixture       *self,
                 gconstpointer  data)
{
  static const struct
  {
    const char *words;
    const char *message;
  } misuses[] = {
    { "map", "No program" },
    { "map :::", "No program" },
    { "map -k", "No program" },
    { "map --nonsense true", "--nonsense" },
    { "map -j -1 true", "-1" },
    { "map -j many true", "many" },
    { "map -t -1 true", "-1" },
    { "map -m 3X true", "“3X”" },
  };
  g_autoptr (GBytes) zeros = g_bytes_new_static ("a\0b\n", 4);
  g_auto (Outcome) binary = OUTCOME_INIT;

  for (gsize i = 0; i < G_N_ELEMENTS (misuses); i++)
    {
      g_auto (Outcome) outcome = OUTCOME_INIT;

      run (self, &outcome, misuses[i].words);
      assert_failed (&outcome, 255, misuses[i].message);
    }

  run_with_input (self, &binary, zeros, "map echo");
  assert_failed (&binary, 255, "-0");
}

static void
test_map_json (Fixture       *self,
               gconstpointer  data)
{
  g_auto (Outcome) outcome = OUTCOME_INIT;
  g_auto (GStrv) lines = NULL;

  write_file (self, "script", "echo out $1; echo err $1 >&2; exit $1\n");
  run (self, &outcome, "map --json -k sh script ::: 0 5");
  g_assert_cmpint (outcome.status, ==, 1);
  g_assert_cmpstr (outcome.err, ==, "");
  lines = g_strsplit (outcome.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (JsonNode) root = parse_json (lines[i]);
      JsonObject *object = json_node_get_object (root);
      g_autofree char *out = g_strdup_printf ("out %d\n", i * 5);
      g_autofree char *err = g_strdup_printf ("err %d\n", i * 5);

      g_assert_cmpint (json_object_get_int_member (object, "index"), ==, i);
      g_assert_cmpstr (json_object_get_string_member (object, "input"), ==, i == 0 ? "0" : "5");
      g_assert_cmpint (json_object_get_int_member (object, "exit_status"), ==, i * 5);
      g_assert_cmpint (json_object_get_boolean_member (object, "successful"), ==, i == 0);
      g_assert_cmpstr (json_object_get_string_member (object, "stdout"), ==, out);
      g_assert_false (json_object_get_boolean_member (object, "truncated"));
      g_assert_cmpstr (json_object_get_string_member (object, "stderr"), ==, err);
    }
}

/* A result comes while inputs are still to come. */
static void
test_map_slow_input (Fixture       *self,
                     gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher =
    new_launcher (self, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) process = start (launcher, "map echo");
  GOutputStream *input = g_subprocess_get_stdin_pipe (process);
  GInputStream *output = g_subprocess_get_stdout_pipe (process);
  g_autoptr (GError) error = NULL;
  char line[16] = { 0, };

  for (guint i = 0; i < 3; i++)
    {
      gsize n = 0;

      g_output_stream_write_all (input, "hello\n", 6, NULL, NULL, &error);
      g_assert_no_error (error);
      g_input_stream_read_all (output, line, 6, &n, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (line, ==, "hello\n");
    }

  g_output_stream_close (input, NULL, &error);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

/* While no program ends, only so much is read. That it is no more cannot be waited for: a slow
 * machine only makes this test easier. */
static void
test_map_lazy (Fixture       *self,
               gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher = new_launcher (self, G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  char lines[4096];
  gsize total = 0;
  int fds[2];

  memset (lines, '\n', sizeof lines);
  make_fifo (self, "fifo");
  write_file (self, "script", "cat fifo\n");
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  g_subprocess_launcher_take_stdin_fd (launcher, fds[0]);
  process = start (launcher, "map sh script");
  g_clear_object (&launcher);

  fcntl (fds[1], F_SETFL, O_NONBLOCK);
  while (total < 16 * 1024 * 1024)
    {
      struct pollfd pollfd = { fds[1], POLLOUT, 0 };
      gssize n;

      if (poll (&pollfd, 1, 300) <= 0)
        break;
      n = write (fds[1], lines, sizeof lines);
      g_assert_cmpint (n, >, 0);
      total += (gsize) n;
    }

  g_assert_cmpuint (total, <, 1024 * 1024);
  g_subprocess_send_signal (process, SIGTERM);
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 128 + SIGTERM);
  close (fds[1]);
}

static void
test_map_full (Fixture       *self,
               gconstpointer  data)
{
  g_autoptr (GSubprocessLauncher) launcher = new_launcher (self, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *err = NULL;

  g_subprocess_launcher_take_stdout_fd (launcher, open ("/dev/full", O_WRONLY | O_CLOEXEC));
  process = start (launcher, "map -j1 echo ::: 1 2 3 4 5 6 7 8");
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &err, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 255);
  g_assert_true (g_str_has_prefix (err, "tvmsupport: "));
  /* It is said once. */
  g_assert_null (strstr (err + 1, "tvmsupport: "));
}

static void
test_map_progress (Fixture       *self,
                   gconstpointer  data)
{
  g_autofree char *shown = run_on_terminal (self, "xterm", "1", 1, "map -j1 {} ::: true false");
  g_autofree char *hidden = NULL;
  g_autofree char *dumb = NULL;

  if (shown == NULL)
    {
      g_test_skip ("There is no pseudo-terminal to be had");
      return;
    }
  assert_contains (shown, "\r[1/2] ██████████░░░░░░░░░░\033[K");
  assert_contains (shown, "\r[2/2] ████████████████████ 1 failed\033[K");
  g_assert_true (g_str_has_suffix (shown, "\r\033[K"));

  hidden = run_on_terminal (self, "xterm", "1", 0, "map --no-progress true ::: 1");
  g_assert_cmpstr (hidden, ==, "");
  dumb = run_on_terminal (self, "dumb", "1", 0, "map true ::: 1");
  g_assert_cmpstr (dumb, ==, "");
}

#define add(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  signal (SIGPIPE, SIG_IGN);
  /* Also when the tests themselves run under nohup: GSubprocess passes on what is ignored. */
  signal (SIGHUP, SIG_DFL);

  add ("/tool/run", NULL, test_run);
  add ("/tool/run/closed-stdio", NULL, test_closed_stdio);
  add ("/tool/run/surroundings", NULL, test_run_surroundings);
  add ("/tool/run/failures", NULL, test_run_failures);
  add ("/tool/run/signal", NULL, test_run_signal);
  add ("/tool/run/timeout", NULL, test_run_timeout);
  add ("/tool/run/interrupt", "run sh daemon", test_interrupt);
  add ("/tool/run/json", NULL, test_run_json);
  add ("/tool/run/json/interrupt", "run --json sh daemon", test_interrupt);
  add ("/tool/map", NULL, test_map);
  add ("/tool/map/order", NULL, test_map_order);
  add ("/tool/map/failures", NULL, test_map_failures);
  add ("/tool/map/misuse", NULL, test_map_misuse);
  add ("/tool/map/interrupt", "map sh ::: daemon", test_interrupt);
  add ("/tool/map/json", NULL, test_map_json);
  add ("/tool/map/slow-input", NULL, test_map_slow_input);
  add ("/tool/map/lazy", NULL, test_map_lazy);
  add ("/tool/map/full", NULL, test_map_full);
  add ("/tool/map/progress", NULL, test_map_progress);

  return g_test_run ();
}
