/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include "tvmsupport/process/tvm-sync-private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Where results come to, and what a run needs of the process around it.
 */

#define N_CONCURRENT 50

static gboolean
count_call (gpointer user_data)
{
  guint *n = user_data;

  (*n)++;
  return G_SOURCE_REMOVE;
}

/* A blocking run leaves the sources of its caller alone, in the default context and in one of the
 * thread's own. */
static void
test_sync_iterates_nothing (ProcessFixture *fixture,
                            gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) idle = g_idle_source_new ();
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_default = 0;
  guint n_own = 0;

  g_idle_add (count_call, &n_default);
  g_source_set_callback (idle, count_call, &n_own, NULL);
  g_source_attach (idle, context);
  g_main_context_push_thread_default (context);
  result = tvm_process_run (spec, NULL, &error);
  g_main_context_pop_thread_default (context);

  g_assert_no_error (error);
  g_assert_cmpuint (n_default, ==, 0);
  g_assert_cmpuint (n_own, ==, 0);
  while (g_main_context_iteration (NULL, FALSE) || g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpuint (n_default, ==, 1);
  g_assert_cmpuint (n_own, ==, 1);
}

typedef struct
{
  GThread *thread;
  GMainContext *context;
  GAsyncResult *result;
} Place;

static void
note_place (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Place *place = user_data;

  g_assert_true (g_thread_self () == place->thread);
  g_assert_true (g_main_context_get_thread_default () == place->context);
  g_assert_true (g_main_context_is_owner (place->context));
  place->result = g_object_ref (result);
}

/* Both ends in a context of one's own, in a thread of one's own */
static gpointer
run_in_thread (gpointer data)
{
  ProcessFixture *fixture = data;
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", "x", NULL);
  g_autoptr (TvmProcessSpec) missing = tvm_process_spec_new ((const char *[]) { "/no/such", NULL });
  g_autoptr (GMainContext) context = g_main_context_new ();
  Place good = { g_thread_self (), context, NULL };
  Place bad = { g_thread_self (), context, NULL };
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  tvm_process_run_async (spec, NULL, note_place, &good);
  tvm_process_run_async (missing, NULL, note_place, &bad);
  while (good.result == NULL || bad.result == NULL)
    g_main_context_iteration (context, TRUE);

  result = tvm_process_run_finish (good.result, &error);
  g_assert_no_error (error);
  process_fixture_assert_output (result, "[x]\n");
  g_assert_null (tvm_process_run_finish (bad.result, &error));
  g_assert_nonnull (error);

  g_clear_object (&good.result);
  g_clear_object (&bad.result);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_own_context (ProcessFixture *fixture,
                  gconstpointer   data)
{
  g_thread_join (g_thread_new ("own-context", run_in_thread, fixture));
}

/* A run goes on and ends, with nobody there who iterates anything. */
static void
test_no_main_loop (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autofree char *file = process_fixture_path (fixture, "file");
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "write-file", file, "x", NULL);
  g_autoptr (TvmProcessSpec) other = process_fixture_spec (fixture, "args", NULL);

  /* Nobody wants to hear of them either. */
  tvm_process_run_async (spec, NULL, NULL, NULL);
  tvm_process_run_async (other, NULL, NULL, NULL);
  while (!g_file_test (file, G_FILE_TEST_EXISTS))
    g_usleep (1000);
}

static void
count_result (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  count_call (user_data);
}

/* The spec, the cancellable and who asked may all be gone, and the result be dropped. */
static void
test_caller_gone (ProcessFixture *fixture,
                  gconstpointer   data)
{
  TvmProcessSpec *spec = process_fixture_spec (fixture, "print-and-hang", "x", NULL);
  GCancellable *cancellable = g_cancellable_new ();
  GMainContext *context = g_main_context_new ();
  guint n_results = 0;

  g_main_context_push_thread_default (context);
  tvm_process_run_async (spec, cancellable, count_result, &n_results);
  g_main_context_pop_thread_default (context);
  tvm_process_spec_free (spec);

  process_fixture_wait_ready (fixture, NULL, NULL);
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
  while (n_results == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (process_fixture_count_alive (fixture), ==, 0);
  g_main_context_unref (context);
}

static void
test_concurrent (ProcessFixture *fixture,
                 gconstpointer   data)
{
  GAsyncResult *async_results[N_CONCURRENT] = { NULL };

  for (guint i = 0; i < N_CONCURRENT; i++)
    {
      g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "cat", NULL);
      g_autofree char *text = g_strdup_printf ("this is number %u", i);
      g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

      tvm_process_spec_set_stdin (spec, bytes);
      tvm_process_spec_set_private_tmpdir (spec, TRUE);
      tvm_process_run_async (spec, NULL, process_fixture_ready, &async_results[i]);
    }

  for (guint i = 0; i < N_CONCURRENT; i++)
    {
      g_autofree char *text = g_strdup_printf ("this is number %u", i);
      g_autoptr (TvmProcessResult) result = NULL;
      g_autoptr (GError) error = NULL;

      result = process_fixture_finish (&async_results[i], &error);
      g_assert_no_error (error);
      process_fixture_assert_output (result, text);
    }
}

static gpointer
run_often (gpointer data)
{
  ProcessFixture *fixture = data;
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "exit", "5", NULL);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TvmProcessResult) result = tvm_process_run (spec, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (result->exit_status, ==, 5);
    }

  return NULL;
}

static void
test_threads (ProcessFixture *fixture,
              gconstpointer   data)
{
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("runs-often", run_often, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* In the child of a fork: the I/O thread and that of GLib which reaps are not there. */
static gboolean
run_in_fork (ProcessFixture *fixture)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", "x", NULL);
  g_autoptr (TvmProcessSpec) hang = process_fixture_spec (fixture, "hang", NULL);
  guint n_fds = 0;

  tvm_process_spec_set_timeout (hang, 10);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (TvmProcessResult) result = tvm_process_run (spec, NULL, NULL);
      g_autoptr (TvmProcessResult) killed = tvm_process_run (hang, NULL, NULL);

      if (result == NULL || !tvm_process_result_is_success (result)
          || g_bytes_get_size (result->stdout_bytes) != 4
          || killed == NULL || !killed->timed_out
          || waitpid (-1, NULL, WNOHANG) != -1)
        return FALSE;
      if (i > 0 && process_fixture_count_fds () != n_fds)
        return FALSE;
      n_fds = process_fixture_count_fds ();
    }

  return TRUE;
}

static void
test_fork (ProcessFixture *fixture,
           gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "hang", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];
  char answer = 'n';
  pid_t pid;

  /* In the middle of a run, which stays that of the parent */
  tvm_process_run_async (spec, cancellable, process_fixture_ready, &async_result);
  process_fixture_wait_ready (fixture, NULL, NULL);

  /* Its word, and not its status, in which valgrind says that the parent's threads have leaked. */
  g_assert_no_errno (pipe (fds));
  pid = fork ();
  if (pid == 0)
    {
      alarm (60);
      answer = run_in_fork (fixture) ? 'y' : 'n';
      _exit (write (fds[1], &answer, 1) == 1 ? 0 : 1);
    }

  close (fds[1]);
  g_assert_cmpint (read (fds[0], &answer, 1), ==, 1);
  g_assert_cmpint (answer, ==, 'y');
  close (fds[0]);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_cmpuint (process_fixture_count_alive (fixture), >, 0);

  g_cancellable_cancel (cancellable);
  g_assert_null (process_fixture_finish (&async_result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* With ever fewer descriptors left: an error or a result, and no descriptor lost. */
static void
test_no_descriptors (ProcessFixture *fixture,
                     gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "cat", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  struct rlimit old_limit;
  guint n_failed = 0;

  tvm_process_spec_set_stdin (spec, bytes);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &old_limit));
  for (guint free_fds = 0; free_fds < 16; free_fds++)
    {
      struct rlimit limit = { 0, old_limit.rlim_max };
      g_autoptr (TvmProcessResult) result = NULL;
      g_autoptr (GError) error = NULL;
      int next_fd;

      /* GLib closes one of the last run a moment later. */
      while (process_fixture_count_fds () != fixture->n_fds)
        g_usleep (1000);
      next_fd = dup (0);
      close (next_fd);
      limit.rlim_cur = (rlim_t) next_fd + free_fds;
      g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
      result = tvm_process_run (spec, NULL, &error);
      g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &old_limit));

      g_assert_true ((result == NULL) == (error != NULL));
      if (result != NULL)
        process_fixture_assert_output (result, "x");
      else
        n_failed++;
    }

  g_assert_cmpuint (n_failed, >, 0);
  g_assert_cmpuint (n_failed, <, 16);
}

/* Whether everybody may go to where @path is */
static gboolean
is_reachable (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat st;

  g_assert_no_errno (stat (folder, &st));
  return (st.st_mode & S_IXOTH) != 0 && (g_str_equal (folder, "/") || is_reachable (folder));
}

/* No process can be started. Root is not limited, so that root becomes somebody else for it. */
static void
test_no_processes (void)
{
  if (g_test_subprocess ())
    {
      g_autofree char *tool = process_fixture_get_tool ();
      g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new ((const char *[]) { tool, "args",
                                                                                 NULL });
      struct rlimit none = { 0, 0 };
      g_autoptr (TvmProcessResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_no_errno (setrlimit (RLIMIT_NPROC, &none));
      if (geteuid () == 0)
        g_assert_no_errno (setresuid (65534, 65534, 65534));
      result = tvm_process_run (spec, NULL, &error);
      g_assert_null (result);
      g_assert_nonnull (error);
      g_printerr ("error: %s\n", error->message);

      /* A leak checker would need a process. */
      _exit (0);
    }

  if (geteuid () == 0)
    {
      g_autofree char *tool = process_fixture_get_tool ();

      if (!is_reachable (tool))
        {
          g_test_skip ("The build is in a folder that only root can enter, and root has no limit");
          return;
        }
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*error: Could not start*");
}

/* An application that has closed its stdio gets pipes with those numbers. */
static void
test_no_stdio (void)
{
  if (g_test_subprocess ())
    {
      g_autofree char *tool = process_fixture_get_tool ();
      g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new ((const char *[]) { tool, "cat",
                                                                                 NULL });
      g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
      g_autoptr (TvmProcessResult) result = NULL;
      int old_stderr = dup (2);

      tvm_process_spec_set_stdin (spec, bytes);
      for (int fd = 0; fd < 3; fd++)
        close (fd);
      result = tvm_process_run (spec, NULL, NULL);
      dup2 (old_stderr, 2);
      g_assert_nonnull (result);
      process_fixture_assert_output (result, "x");
      return;
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_sync_of_async (ProcessFixture *fixture,
                gconstpointer   data)
{
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", NULL);
  g_auto (TvmSync) sync = TVM_SYNC_INIT;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_sync_begin (&sync, NULL));
  tvm_process_run_async (spec, NULL, tvm_sync_ready, &sync);
  result = tvm_process_run_finish (tvm_sync_wait (&sync), &error);
  g_assert_no_error (error);
  g_assert_true (tvm_process_result_is_success (result));
}

/* Without one, a GMainContext would end the application. */
static void
test_sync_no_descriptor (void)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;
  g_autoptr (GError) error = NULL;
  struct rlimit old_limit;
  struct rlimit no_more;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old_limit), ==, 0);
  no_more = old_limit;
  no_more.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &no_more), ==, 0);
  g_assert_false (tvm_sync_begin (&sync, &error));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old_limit), ==, 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  process_fixture_warm_up ();

  process_fixture_add ("/process/context/sync-iterates-nothing", test_sync_iterates_nothing);
  process_fixture_add ("/process/context/own", test_own_context);
  process_fixture_add ("/process/context/no-main-loop", test_no_main_loop);
  process_fixture_add ("/process/context/caller-gone", test_caller_gone);
  process_fixture_add ("/process/context/sync-of-async", test_sync_of_async);
  process_fixture_add ("/process/concurrent", test_concurrent);
  process_fixture_add ("/process/threads", test_threads);
  process_fixture_add ("/process/fork", test_fork);
  process_fixture_add ("/process/no-descriptors", test_no_descriptors);
  g_test_add_func ("/process-context/sync-no-descriptor", test_sync_no_descriptor);
  g_test_add_func ("/process/no-processes", test_no_processes);
  g_test_add_func ("/process/no-stdio", test_no_stdio);

  return g_test_run ();
}
