/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static TvmProcessResult *
run (TvmProcessSpec *spec)
{
  g_autoptr (GError) error = NULL;
  TvmProcessResult *result = tvm_process_run (spec, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

static void
assert_fails (TvmProcessSpec *spec,
              GQuark          domain,
              int             code,
              const char     *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_process_run (spec, NULL, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_success (ProcessFixture *fixture,
              gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", "a b", "", "ü\n'", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);

  process_fixture_assert_output (result, "[a b]\n[]\n[ü\n']\n");
  g_assert_cmpint (result->exit_status, ==, 0);
  g_assert_cmpint (result->term_signal, ==, 0);
  g_assert_false (result->timed_out);
  g_assert_true (tvm_process_result_is_success (result));
  g_assert_cmpuint (g_bytes_get_size (result->stderr_bytes), ==, 0);
  g_assert_cmpuint (result->stdout_total, ==, g_bytes_get_size (result->stdout_bytes));
  g_assert_cmpstr (result->argv[1], ==, "args");
}

static void
test_exit_status (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "exit", "3", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);

  g_assert_cmpint (result->exit_status, ==, 3);
  g_assert_cmpint (result->term_signal, ==, 0);
  g_assert_false (tvm_process_result_is_success (result));
}

static void
test_signal (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "signal", "15", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);

  g_assert_cmpint (result->exit_status, ==, -1);
  g_assert_cmpint (result->term_signal, ==, SIGTERM);
  g_assert_false (tvm_process_result_is_success (result));
}

/* Nothing of the application reaches the target: no descriptor, no disposition, no mask. */
static void
test_nothing_inherited (ProcessFixture *fixture,
                        gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "inherited", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  int fd = dup (1);   /* not close-on-exec */

  signal (SIGPIPE, SIG_IGN);
  signal (SIGCHLD, SIG_DFL);
  result = run (spec);
  signal (SIGPIPE, SIG_DFL);
  close (fd);

  process_fixture_assert_output (result, "");
}

/* Descriptors that the target gets besides, in their order; the run keeps none of them, so that both
 * sides hear of the end of the other. */
static void
test_add_fd (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "copy-fd", "3", "4", NULL);
  g_autoptr (TvmProcessSpec) copy = NULL;
  g_autoptr (GAsyncResult) ready = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  char text[8] = "";
  int to[2];
  int from[2];

  g_assert_no_errno (pipe2 (to, O_CLOEXEC));
  g_assert_no_errno (pipe2 (from, O_CLOEXEC));
  tvm_process_spec_add_fd (spec, to[0]);
  tvm_process_spec_add_fd (spec, from[1]);
  copy = tvm_process_spec_copy (spec);
  g_clear_pointer (&spec, tvm_process_spec_free);
  close (to[0]);
  close (from[1]);

  tvm_process_run_async (copy, NULL, process_fixture_ready, &ready);
  g_clear_pointer (&copy, tvm_process_spec_free);
  g_assert_cmpint (write (to[1], "abc", 3), ==, 3);
  g_assert_cmpint (read (from[0], text, sizeof text), ==, 3);
  g_assert_cmpstr (text, ==, "abc");
  close (to[1]);
  g_assert_cmpint (read (from[0], text, sizeof text), ==, 0);
  close (from[0]);

  result = process_fixture_finish (&ready, &error);
  g_assert_no_error (error);
  g_assert_cmpint (result->exit_status, ==, 0);
}

/* None but these, and stdin is still the last one. */
static void
test_add_fd_only (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "inherited", NULL);
  g_autoptr (TvmProcessSpec) cat = process_fixture_spec (fixture, "cat", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (TvmProcessResult) cat_result = NULL;

  tvm_process_spec_add_fd (spec, fixture->fifo_fd);
  result = run (spec);
  process_fixture_assert_output (result, "fd 3\n");

  tvm_process_spec_add_fd (cat, fixture->fifo_fd);
  tvm_process_spec_set_stdin (cat, bytes);
  cat_result = run (cat);
  process_fixture_assert_output (cat_result, "text");
}

static void
test_stdin (ProcessFixture *fixture,
            gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "cat", NULL);
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (TvmProcessResult) without = NULL;

  without = run (spec);
  process_fixture_assert_output (without, "");

  /* More than fits in a pipe, and every byte */
  g_byte_array_set_size (array, 1000 * 1000);
  for (guint i = 0; i < array->len; i++)
    array->data[i] = i * 7 / 3;
  bytes = g_bytes_new (array->data, array->len);

  tvm_process_spec_set_stdin (spec, bytes);
  result = run (spec);
  g_assert_true (g_bytes_equal (result->stdout_bytes, bytes));
}

static void
test_bad_utf8 (ProcessFixture *fixture,
               gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "bad-utf8", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);
  gsize length;
  const char *bytes = g_bytes_get_data (result->stdout_bytes, &length);

  g_assert_cmpmem (bytes, length, "a\xff\0b", 4);
}

static void
test_close_stdio (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "close-stdio", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);

  g_assert_cmpint (result->exit_status, ==, 7);
}

static void
assert_flood (GBytes *bytes,
              char    letter,
              gsize   limit,
              guint64 left_out)
{
  g_autofree char *line = NULL;
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);

  line = g_strdup_printf ("\n[... %" G_GUINT64_FORMAT " bytes left out ...]\n", left_out);
  g_assert_cmpuint (length, ==, limit + strlen (line));
  g_assert_cmpmem (text + limit / 2, strlen (line), line, strlen (line));
  for (gsize i = 0; i < limit / 2; i++)
    {
      g_assert_cmpint (text[i], ==, letter);
      g_assert_cmpint (text[length - 1 - i], ==, letter);
    }
}

/* Both at once, each more than a pipe holds: nobody blocks, each is bounded for itself. */
static void
test_output_limit (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "flood-both", "3000000", NULL);
  g_autoptr (TvmProcessResult) result = NULL;

  tvm_process_spec_set_output_limit (spec, 1000);
  result = run (spec);
  g_assert_cmpint (result->exit_status, ==, 0);
  g_assert_cmpuint (result->stdout_total, ==, 3000000);
  g_assert_cmpuint (result->stderr_total, ==, 3000000);
  assert_flood (result->stdout_bytes, 'o', 1000, 2999000);
  assert_flood (result->stderr_bytes, 'e', 1000, 2999000);
}

static void
test_environment (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "env", "TVM_A", "TVM_B", "TVM_C",
                                                          "TVM_D", "TVM_E", NULL);
  const char * const variables[] = { "TVM_C=c=c", "TVM_D=d", NULL };
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (TvmProcessSpec) copy = NULL;

  g_setenv ("TVM_A", "of the application", TRUE);
  g_setenv ("TVM_B", "of the application", TRUE);
  tvm_process_spec_setenv (spec, "TVM_B", NULL);
  tvm_process_spec_add_environ (spec, variables);
  tvm_process_spec_add_environ (spec, NULL);
  tvm_process_spec_setenv (spec, "TVM_D", "later");
  tvm_process_spec_setenv (spec, "TVM_E", "");

  /* A copy is the same and another. */
  copy = tvm_process_spec_copy (spec);
  tvm_process_spec_setenv (spec, "TVM_A", "changed");

  result = run (copy);
  process_fixture_assert_output (result, "TVM_A=of the application\nTVM_B is not set\nTVM_C=c=c\n"
                                         "TVM_D=later\nTVM_E=\n");
  g_unsetenv ("TVM_A");
  g_unsetenv ("TVM_B");
}

static void
test_bad_variable (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", NULL);
  g_autoptr (TvmProcessSpec) other = tvm_process_spec_copy (spec);
  const char * const variables[] = { "no value", NULL };

  tvm_process_spec_setenv (spec, "A=B", "c");
  assert_fails (spec, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "A=B");

  tvm_process_spec_add_environ (other, variables);
  assert_fails (other, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "no value");
}

static void
test_cwd (ProcessFixture *fixture,
          gconstpointer   data)
{
  g_autofree char *directory = process_fixture_path (fixture, "with space\n");
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "cwd", NULL);
  g_autoptr (TvmProcessSpec) env = process_fixture_spec (fixture, "env", "PWD", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (TvmProcessResult) variable = NULL;
  g_autofree char *expected = g_strconcat (directory, "\n", NULL);
  g_autofree char *expected_variable = g_strconcat ("PWD=", directory, "\n", NULL);

  g_assert_no_errno (g_mkdir (directory, 0700));
  tvm_process_spec_set_cwd (spec, directory);
  result = run (spec);
  process_fixture_assert_output (result, expected);

  tvm_process_spec_set_cwd (env, directory);
  variable = run (env);
  process_fixture_assert_output (variable, expected_variable);
}

static void
test_bad_cwd (ProcessFixture *fixture,
              gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "cwd", NULL);
  g_autofree char *missing = process_fixture_path (fixture, "missing");

  tvm_process_spec_set_cwd (spec, missing);
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, missing);

  tvm_process_spec_set_cwd (spec, fixture->fifo);
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, fixture->fifo);
}

/* Paths of the spec are meant as the target sees them. */
static void
test_program_in_cwd (ProcessFixture *fixture,
                     gconstpointer   data)
{
  g_autofree char *link = process_fixture_path (fixture, "tool");
  g_autofree char *tool = process_fixture_get_tool ();
  g_autoptr (TvmProcessSpec) spec = NULL;
  g_autoptr (TvmProcessResult) result = NULL;

  g_assert_no_errno (symlink (tool, link));
  spec = tvm_process_spec_new ((const char *[]) { "./tool", "args", "x", NULL });
  tvm_process_spec_set_cwd (spec, fixture->directory);
  result = run (spec);
  process_fixture_assert_output (result, "[x]\n");
}

/* In the PATH of the target, and not in that of the application */
static void
test_program_in_path (ProcessFixture *fixture,
                      gconstpointer   data)
{
  g_autofree char *link = process_fixture_path (fixture, "tvm-tool-in-path");
  g_autofree char *tool = process_fixture_get_tool ();
  g_autoptr (TvmProcessSpec) spec = NULL;
  g_autoptr (TvmProcessResult) result = NULL;

  g_assert_no_errno (symlink (tool, link));
  spec = tvm_process_spec_new ((const char *[]) { "tvm-tool-in-path", "args", "x", NULL });
  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, "tvm-tool-in-path");

  /* Each folder is named once. */
  tvm_process_spec_setenv (spec, "PATH", "/nonexistent:/nonexistent:/also-nonexistent");
  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, "/nonexistent, /also-nonexistent");
  tvm_process_spec_setenv (spec, "PATH", "/nonexistent:/also-nonexistent:/nonexistent:/last");
  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, "/also-nonexistent, /last");

  tvm_process_spec_setenv (spec, "PATH", fixture->directory);
  result = run (spec);
  process_fixture_assert_output (result, "[x]\n");
}

static void
test_not_executable (ProcessFixture *fixture,
                     gconstpointer   data)
{
  g_autofree char *file = process_fixture_path (fixture, "file");
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new ((const char *[]) { file, NULL });
  g_autoptr (TvmProcessSpec) directory =
    tvm_process_spec_new ((const char *[]) { fixture->directory, NULL });
  g_autoptr (TvmProcessSpec) empty = tvm_process_spec_new ((const char *[]) { NULL });
  g_autoptr (TvmProcessSpec) empty_name = tvm_process_spec_new ((const char *[]) { "", NULL });

  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, file);
  g_assert_true (g_file_set_contents (file, "what is this", -1, NULL));
  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, "is not executable");
  assert_fails (directory, TVM_ERROR, TVM_ERROR_NOT_FOUND, "is a directory");
  assert_fails (empty, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "empty");
  assert_fails (empty_name, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "empty");

  /* Not given to a shell either */
  g_assert_no_errno (g_chmod (file, 0700));
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_FAILED, file);

  g_assert_true (g_file_set_contents (file, "#!/no/such/interpreter\n", -1, NULL));
  g_assert_no_errno (g_chmod (file, 0700));
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, file);
}

static void
test_private_tmpdir (ProcessFixture *fixture,
                     gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "tmpdir", NULL);
  g_autofree char *missing = process_fixture_path (fixture, "missing");
  g_autofree char *expected = process_fixture_path (fixture, "tvmsupport-temp-");
  g_autoptr (TvmProcessResult) result = NULL;
  g_autofree char *path = NULL;

  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "TMPDIR", fixture->directory);
  result = run (spec);
  g_assert_cmpint (result->exit_status, ==, 0);

  path = g_strndup (g_bytes_get_data (result->stdout_bytes, NULL),
                    g_bytes_get_size (result->stdout_bytes) - 1);
  g_assert_true (g_str_has_prefix (path, expected));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  tvm_process_spec_setenv (spec, "TMPDIR", missing);
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, missing);
}

static void
test_cleanup_path_stays (ProcessFixture *fixture,
                         gconstpointer   data)
{
  g_autofree char *file = process_fixture_path (fixture, "staged");
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "write-file", file, "x", NULL);
  g_autoptr (TvmProcessResult) result = NULL;

  tvm_process_spec_add_cleanup_path (spec, file);
  result = run (spec);
  g_assert_true (tvm_process_result_is_success (result));
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
}

static void
test_rlimit (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autofree char *nofile = g_strdup_printf ("%d", RLIMIT_NOFILE);
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "limit", nofile, NULL);
  g_autoptr (TvmProcessSpec) burn = process_fixture_spec (fixture, "burn", "512", "0", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (TvmProcessResult) burnt = NULL;

  tvm_process_spec_set_rlimit (spec, RLIMIT_NOFILE, 60);
  tvm_process_spec_set_rlimit (spec, RLIMIT_NOFILE, 50);
  result = run (spec);
  process_fixture_assert_output (result, "50 50\n");

  tvm_process_spec_set_rlimit (burn, RLIMIT_AS, 256 * 1024 * 1024);
  burnt = run (burn);
  g_assert_cmpint (burnt->exit_status, ==, 99);

  tvm_process_spec_set_rlimit (spec, 12345, 1);
  assert_fails (spec, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "limit");
}

static void
test_rusage (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "burn", "64", "100", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);
  guint64 mib = 1024 * 1024;

  g_assert_cmpint (result->exit_status, ==, 0);
  g_assert_cmpint (result->user_usec + result->system_usec, >=, 90 * 1000);
  g_assert_cmpint (result->elapsed_usec, >=, 90 * 1000);
  g_assert_cmpuint (result->max_rss_bytes, >=, 64 * mib);
  g_assert_cmpuint (result->max_rss_bytes, <=, 128 * mib);
}

/* A tool may leave a daemon, which then neither dies nor keeps the run waiting for its pipe. */
static void
test_daemon (ProcessFixture *fixture,
             gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "daemonize", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);
  g_autoptr (TvmProcessResult) killed = NULL;

  process_fixture_assert_output (result, "left a daemon\n");
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 1);
  process_fixture_kill_all (fixture);

  tvm_process_spec_set_kill_leftovers (spec, TRUE);
  killed = run (spec);
  process_fixture_assert_output (killed, "left a daemon\n");
  g_assert_cmpint (killed->exit_status, ==, 0);
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
}

/* One that prints without end is cut off where the target ended. */
static void
test_loud_daemon (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "daemonize-loud", NULL);
  g_autoptr (TvmProcessResult) result = run (spec);

  g_assert_true (tvm_process_result_is_success (result));
  process_fixture_kill_all (fixture);
}

static void
test_no_supervisor (ProcessFixture *fixture,
                    gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", NULL);
  g_autofree char *old = g_strdup (g_getenv ("TVM_SUPPORT_LIBEXECDIR"));

  g_setenv ("TVM_SUPPORT_LIBEXECDIR", fixture->directory, TRUE);
  assert_fails (spec, TVM_ERROR, TVM_ERROR_NOT_FOUND, fixture->directory);
  if (old != NULL)
    g_setenv ("TVM_SUPPORT_LIBEXECDIR", old, TRUE);
  else
    g_unsetenv ("TVM_SUPPORT_LIBEXECDIR");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  process_fixture_warm_up ();

  process_fixture_add ("/process/success", test_success);
  process_fixture_add ("/process/exit-status", test_exit_status);
  process_fixture_add ("/process/signal", test_signal);
  process_fixture_add ("/process/nothing-inherited", test_nothing_inherited);
  process_fixture_add ("/process/add-fd", test_add_fd);
  process_fixture_add ("/process/add-fd/only", test_add_fd_only);
  process_fixture_add ("/process/stdin", test_stdin);
  process_fixture_add ("/process/bad-utf8", test_bad_utf8);
  process_fixture_add ("/process/close-stdio", test_close_stdio);
  process_fixture_add ("/process/output-limit", test_output_limit);
  process_fixture_add ("/process/environment", test_environment);
  process_fixture_add ("/process/bad-variable", test_bad_variable);
  process_fixture_add ("/process/cwd", test_cwd);
  process_fixture_add ("/process/bad-cwd", test_bad_cwd);
  process_fixture_add ("/process/program-in-cwd", test_program_in_cwd);
  process_fixture_add ("/process/program-in-path", test_program_in_path);
  process_fixture_add ("/process/not-executable", test_not_executable);
  process_fixture_add ("/process/private-tmpdir", test_private_tmpdir);
  process_fixture_add ("/process/cleanup-path-stays", test_cleanup_path_stays);
  process_fixture_add ("/process/rlimit", test_rlimit);
  process_fixture_add ("/process/rusage", test_rusage);
  process_fixture_add ("/process/daemon", test_daemon);
  process_fixture_add ("/process/loud-daemon", test_loud_daemon);
  process_fixture_add ("/process/no-supervisor", test_no_supervisor);

  return g_test_run ();
}
