/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/toolchain/tvm-diagnostic.h"
#include "tvmsupport/tvm-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each of these ends with a clear error or the right result; the fixture sees to it that nothing is left. */

static const char add_source[] = "int add (int a, int b) { return a + b; }\n";

/* Asserts that the request cannot be run. */
static void
assert_refused (CompileFixture    *self,
                TvmCompileRequest *request,
                GQuark             domain,
                int                code,
                const char        *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result =
    tvm_compiler_compile (self->compiler, request, NULL, &error);

  g_assert_null (result);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_no_compiler (CompileFixture *self,
                  gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autofree char *path = g_strdup (g_getenv ("PATH"));

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new (NULL);
  g_setenv ("PATH", self->folder, TRUE);
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_NOT_FOUND, self->folder);

  g_setenv ("CXX", "ccache no-such-compiler -m64", TRUE);
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_NOT_FOUND, "no-such-compiler");
  g_unsetenv ("CXX");
  g_setenv ("PATH", path, TRUE);

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("gcc 'unbalanced");
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "unbalanced");
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("  ");
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "");
}

static void
test_missing_source (CompileFixture *self,
                     gconstpointer   data)
{
  g_autofree char *source = compile_fixture_path (self, "missing.c");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "x.o");

  assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, source);
}

static void
test_no_input (CompileFixture *self,
               gconstpointer   data)
{
  const char *nothing[] = { NULL };
  g_autofree char *output = compile_fixture_path (self, "x");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result =
    tvm_compiler_create_shared (self->compiler, output, nothing, NULL, NULL, NULL, NULL, &error);
  g_assert_null (result);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  result = tvm_compiler_create_staticlib (self->compiler, output, nothing, NULL, NULL, &error);
  g_assert_null (result);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static void
test_inputs_that_make_no_sense (CompileFixture *self,
                                gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("", 0);
  g_autoptr (TvmCompileRequest) two =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "x.o");
  g_autoptr (TvmCompileRequest) folder =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, self->folder, "x.so");
  g_autoptr (TvmCompileRequest) empty =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, "", "x.so");
  g_autoptr (TvmCompileRequest) escaping = tvm_compile_request_new (TVM_COMPILE_KIND_OBJECT);
  g_autoptr (TvmCompileRequest) contradiction =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "x.o");
  g_autofree char *notes = compile_fixture_write (self, "notes.txt", "notes\n");
  g_autoptr (TvmCompileRequest) no_source =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, notes, "x.o");
  g_autoptr (TvmCompileRequest) onto_itself =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.c");
  g_autofree char *contents = NULL;
  const char *options[] = { "-S", NULL };

  tvm_compile_request_add_input (two, source, TVM_LANGUAGE_AUTO);
  assert_refused (self, two, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "2 sources");
  assert_refused (self, folder, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, self->folder);
  assert_refused (self, empty, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "empty");
  tvm_compile_request_add_input_bytes (escaping, "../../x.c", bytes, TVM_LANGUAGE_AUTO);
  assert_refused (self, escaping, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "../../x.c");
  assert_refused (self, no_source, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "notes.txt");
  assert_refused (self, onto_itself, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "add.c");
  g_assert_true (g_file_get_contents (source, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, add_source);
  tvm_compile_request_set_options (contradiction, options);
  assert_refused (self, contradiction, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "-S");
}

static void
test_output_that_cannot_be (CompileFixture *self,
                            gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, NULL);

  tvm_compile_request_set_output (request, self->folder);
  assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, self->folder);
  tvm_compile_request_set_output (request, "/nonexistent/folder/x.o");
  assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "/nonexistent/folder");
  tvm_compile_request_set_output (request, source);
  {
    g_autofree char *inside = g_build_filename (source, "x.o", NULL);

    tvm_compile_request_set_output (request, inside);
    assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, source);
  }
  tvm_compile_request_set_output (request, "");
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "output");

  /* Not replaced by a regular file, and not written to either */
  tvm_compile_request_set_output (request, "/dev/null");
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, "/dev/null");
}

static void
test_unwritable_folder (CompileFixture *self,
                        gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "locked/add.o");
  g_autofree char *locked = compile_fixture_path (self, "locked");

  g_assert_cmpint (g_mkdir (locked, 0500), ==, 0);
  if (geteuid () == 0)
    {
      /* Nothing is closed to root but what no user may write to. */
      tvm_compile_request_set_output (request, "/proc/self/add.o");
      assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "/proc/self");
      return;
    }

  assert_refused (self, request, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, locked);
}

static void
test_full_disk (CompileFixture *self,
                gconstpointer   data)
{
  g_autofree char *mount_point = compile_fixture_path (self, "full");
  g_autofree char *old = compile_fixture_path (self, "full/lib.so");
  g_autofree char *source = compile_fixture_write (
    self, "big.c", "char big[] = { [64 * 1024 * 1024] = 1 };\n");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "full/lib.so");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *contents = NULL;

  g_mkdir (mount_point, 0700);
  if (mount ("tmpfs", mount_point, "tmpfs", 0, "size=1m") != 0)
    {
      g_test_skip ("A file system of a small size cannot be mounted");
      return;
    }

  g_file_set_contents (old, "what was there", -1, NULL);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_LINK_FAILED);
  g_assert_nonnull (strstr (error->message, "No space left on device"));
  g_assert_true (g_file_get_contents (old, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "what was there");
  g_assert_cmpuint (compile_fixture_count (mount_point), ==, 1);
  g_assert_cmpint (umount (mount_point), ==, 0);
}

static void
test_compiler_crashes (CompileFixture *self,
                       gconstpointer   data)
{
  /* A program that dies of the signal, behind a driver that is none */
  g_autofree char *script = compile_fixture_write (
    self, "crashing-cc", "#!/bin/sh\necho last words >&2\nkill -SEGV $$\n");
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_chmod (script, 0755);
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command (script);
  result = compile_fixture_compile (self, request);
  g_assert_cmpint (tvm_compile_result_get_term_signal (result), ==, SIGSEGV);
  g_assert_cmpint (tvm_compile_result_get_exit_status (result), ==, -1);
  g_assert_cmpstr (tvm_compile_result_get_log_text (result), ==, "last words\n");
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "last words"));
}

static void
test_real_compiler_crashes (CompileFixture *self,
                            gconstpointer   data)
{
  /* Deeper than the stack of cc1 or clang may grow */
  g_autoptr (GString) text = g_string_new ("int x = ");
  g_autofree char *source = NULL;
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < 2000000; i++)
    g_string_append_c (text, '(');
  source = compile_fixture_write (self, "deep.c", text->str);
  request = compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "deep.o");
  tvm_compile_request_set_memory_limit (request, G_GUINT64_CONSTANT (2) << 30);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_nonnull (error);
  g_assert_false (compile_fixture_exists (self, "deep.o"));
}

static void
test_never_ends (CompileFixture *self,
                 gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cc", ENDLESS_CXX);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_EXECUTABLE, source, "endless");
  const char *options[] = ENDLESS_OPTIONS;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_set_options (request, options);
  tvm_compile_request_set_timeout (request, 300);
  result = compile_fixture_compile (self, request);
  g_assert_true (tvm_compile_result_get_timed_out (result));
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "0.300 s"));
  g_assert_false (compile_fixture_exists (self, "endless"));
}

static void
test_dev_zero (CompileFixture *self,
               gconstpointer   data)
{
  g_autofree char *source =
    compile_fixture_write (self, "zero.c", "#include \"/dev/zero\"\n");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "zero.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_compile_request_set_timeout (request, 20000);
  tvm_compile_request_set_memory_limit (request, 512 * 1024 * 1024);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (tvm_compile_result_get_peak_memory (result), <, 600 * 1024 * 1024);
}

static void
test_cancelled_before (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "add.so");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  result = tvm_compiler_compile (self->compiler, request, cancellable, &error);
  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (compile_fixture_exists (self, "add.so"));
}

/* The compile has begun when its compiler has read the source to the end: a fifo that it waits for. */
static void
cancel_when_started (TvmCompiler       *compiler,
                     TvmCompileRequest *request,
                     GCancellable      *cancellable)
{
  g_cancellable_cancel (cancellable);
}

static gboolean
cancel_later (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
test_cancelled_midway (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cc", ENDLESS_CXX);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "endless.so");
  const char *options[] = ENDLESS_OPTIONS;
  /* From the first moment to the middle of cc1plus */
  const guint delays[] = { 0, 1, 3, 10, 30, 100 };
  guint i;

  tvm_compile_request_set_options (request, options);
  for (i = 0; i < G_N_ELEMENTS (delays); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GSource) source_cancel = g_timeout_source_new (delays[i]);
      g_autoptr (GAsyncResult) async_result = NULL;
      g_autoptr (TvmCompileResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_source_set_callback (source_cancel, cancel_later, cancellable, NULL);
      g_source_attach (source_cancel, NULL);
      tvm_compiler_compile_async (self->compiler, request, cancellable, compile_fixture_ready,
                                  &async_result);
      result = tvm_compiler_compile_finish (self->compiler, compile_fixture_wait (&async_result),
                                            &error);
      g_assert_null (result);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

      /* Nothing lives when the caller hears of the end. */
      g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
      g_assert_cmpint (errno, ==, ECHILD);
    }
}

static void
test_cancelled_from_signal (CompileFixture *self,
                            gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cc", ENDLESS_CXX);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "endless.o");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (self->compiler, "job-started", G_CALLBACK (cancel_when_started), cancellable);
  result = tvm_compiler_compile (self->compiler, request, cancellable, &error);
  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_dropped_midway (CompileFixture *self,
                     gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  /* The caller keeps nothing: neither the request nor the compiler. */
  {
    g_autoptr (TvmCompileRequest) request =
      compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "add.so");
    tvm_compiler_compile_async (self->compiler, request, NULL, compile_fixture_ready,
                                &async_result);
  }
  g_clear_object (&self->compiler);
  compile_fixture_wait (&async_result);
  {
    g_autoptr (GObject) compiler = g_async_result_get_source_object (async_result);
    result = tvm_compiler_compile_finish (TVM_COMPILER (compiler), async_result, &error);
  }
  g_assert_no_error (error);
  compile_fixture_assert_ok (result);
}

static void
test_all_cancelled (CompileFixture *self,
                    gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "endless.cc", ENDLESS_CXX);
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSource) later = g_timeout_source_new (50);
  g_autoptr (GAsyncResult) async_result = NULL;
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;
  const char *options[] = ENDLESS_OPTIONS;
  guint i;

  for (i = 0; i < 40; i++)
    {
      g_autofree char *name = g_strdup_printf ("e%u.o", i);
      g_autoptr (TvmCompileRequest) request =
        compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, name);

      tvm_compile_request_set_options (request, options);
      g_list_store_append (requests, request);
    }

  g_source_set_callback (later, cancel_later, cancellable, NULL);
  g_source_attach (later, NULL);
  tvm_compiler_compile_all_async (self->compiler, G_LIST_MODEL (requests), cancellable,
                                  compile_fixture_ready, &async_result);
  results = tvm_compiler_compile_all_finish (self->compiler,
                                             compile_fixture_wait (&async_result), &error);
  g_assert_null (results);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
has_entry (const char *folder,
           const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (g_str_has_prefix (name, prefix))
        return TRUE;
    }

  return FALSE;
}

/* Not even the folder of objects that the compiles of several sources share, which is the
 * application's and not that of a tool */
static void
test_application_killed (CompileFixture *self,
                         gconstpointer   data)
{
  const char *tool = g_getenv ("TVM_TEST_TOOL");
  g_autofree char *first = compile_fixture_write (self, "first.cc", ENDLESS_CXX);
  g_autofree char *second = compile_fixture_write (self, "second.cc", ENDLESS_CXX);
  g_autofree char *output = compile_fixture_path (self, "endless.so");
  const char *options[] = ENDLESS_OPTIONS;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;

  if (tool == NULL)
    {
      g_test_skip ("TVM_TEST_TOOL does not say where the command is");
      return;
    }

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, tool, "cc", "--kind",
                              "shared", "--output", output, first, second, "--", options[0],
                              options[1], options[2], NULL);
  g_assert_no_error (error);
  /* The private TMPDIR of a compiler that runs */
  while (!has_entry (self->tmpdir, "tvmsupport-temp-") || compile_fixture_count (self->tmpdir) < 2)
    g_thread_yield ();

  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  while (compile_fixture_count (self->tmpdir) > 0)
    g_thread_yield ();
}

static char *
make_stage (CompileFixture *self,
            const char     *name)
{
  char *path = compile_fixture_path (self, name);
  g_autofree char *inside = g_build_filename (path, "lib.so", NULL);

  g_assert_no_errno (g_mkdir (path, 0700));
  g_assert_true (g_file_set_contents (inside, "x", -1, NULL));
  return path;
}

/* What a kill left while no tool ran: gone with the next output in the same place, if the lock says
 * that its owner is dead. */
static void
test_stale_stage (CompileFixture *self,
                  gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *dead = make_stage (self, ".tvm-stage-a1B2c3");
  g_autofree char *alive = make_stage (self, ".tvm-stage-d4E5f6");
  g_autofree char *foreign = make_stage (self, ".tvm-stage-of-mine");
  int fd = open (alive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_no_errno (flock (fd, LOCK_EX | LOCK_NB));
  result = compile_fixture_compile (self, request);
  compile_fixture_assert_ok (result);

  /* A thread removes it. */
  while (g_file_test (dead, G_FILE_TEST_EXISTS))
    g_thread_yield ();
  g_assert_true (g_file_test (alive, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));

  close (fd);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, alive, NULL));
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, foreign, NULL));
}

static void
test_strange_names (CompileFixture *self,
                    gconstpointer   data)
{
  static const char * const names[] = {
    "a space.c", "quo'te\".c", "new\nline.c", "back\\slash.c", "per%cent.c", "dol$lar.c",
    "st*r?.c", "-option.c", "@response.c", "\xff\xfe latin.c", "ünïcode.c", "semi;colon&.c",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = compile_fixture_write (self, names[i], add_source);
      g_autofree char *output = g_strconcat (names[i], ".so", NULL);
      g_autoptr (TvmCompileRequest) request =
        tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
      g_autoptr (TvmCompileResult) result = NULL;
      g_auto (GStrv) dependencies = NULL;

      tvm_compile_request_set_working_directory (request, self->folder);
      tvm_compile_request_add_input (request, names[i], TVM_LANGUAGE_AUTO);
      tvm_compile_request_set_output (request, output);
      result = compile_fixture_compile (self, request);
      compile_fixture_assert_ok (result);
      g_assert_true (compile_fixture_exists (self, output));
    }
}

static void
test_strange_output (CompileFixture *self,
                     gconstpointer   data)
{
  /* NUL, an invalid byte, a stray JSON bracket and an overlong line around a real diagnostic */
  g_autofree char *script = compile_fixture_write (
    self, "strange-cc",
    "#!/bin/sh\nprintf 'a\\000b\\377[{\"\\n' >&2\n"
    "printf 'x.c:3:4: error: bad \\377 byte\\n' >&2\nexit 3\n");
  g_autofree char *source = compile_fixture_write (self, "x.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "x.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (TvmDiagnostic) diagnostic = NULL;
  g_autofree char *json = NULL;

  g_chmod (script, 0755);
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command (script);
  result = compile_fixture_compile (self, request);
  g_assert_cmpint (tvm_compile_result_get_exit_status (result), ==, 3);
  g_assert_true (g_utf8_validate (tvm_compile_result_get_log_text (result), -1, NULL));
  g_assert_cmpuint (g_bytes_get_size (tvm_compile_result_get_log (result)), ==, 35);
  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 1);
  diagnostic = g_list_model_get_item (tvm_compile_result_get_diagnostics (result), 0);
  g_assert_cmpuint (tvm_diagnostic_get_line (diagnostic), ==, 3);
  json = tvm_compile_result_to_json (result);
  g_assert_true (g_utf8_validate (json, -1, NULL));
}

static void
test_output_flood (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *script = compile_fixture_write (
    self, "loud-cc", "#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' 'x' >&2\nexit 1\n");
  g_autofree char *source = compile_fixture_write (self, "x.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "x.o");
  g_autoptr (TvmCompileResult) result = NULL;

  g_chmod (script, 0755);
  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command (script);
  tvm_compile_request_set_output_limit (request, 1000000);
  result = compile_fixture_compile (self, request);
  g_assert_true (tvm_compile_result_get_truncated (result));
  g_assert_cmpuint (g_bytes_get_size (tvm_compile_result_get_log (result)), <, 1100000);
}

static void
test_many_objects (CompileFixture *self,
                   gconstpointer   data)
{
  const guint n = 40000;
  g_autofree char *source = compile_fixture_write (self, "empty.c", "");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "empty.o");
  g_autoptr (TvmCompileResult) compiled = compile_fixture_compile (self, request);
  g_autoptr (TvmCompileRequest) link_request = tvm_compile_request_new (TVM_COMPILE_KIND_SHARED);
  g_autoptr (TvmCompileRequest) archive = tvm_compile_request_new (TVM_COMPILE_KIND_STATIC);
  g_autofree char *object = compile_fixture_path (self, "empty.o");
  g_autofree char *shared = compile_fixture_path (self, "many.so");
  g_autofree char *library = compile_fixture_path (self, "many.a");
  g_autoptr (TvmCompileResult) linked = NULL;
  g_autoptr (TvmCompileResult) archived = NULL;
  guint i;

  compile_fixture_assert_ok (compiled);
  for (i = 0; i < n; i++)
    {
      g_autofree char *name =
        g_strdup_printf ("an-object-of-which-there-are-very-many-%05u.o", i);
      g_autofree char *path = compile_fixture_path (self, name);

      g_assert_cmpint (link (object, path), ==, 0);
      tvm_compile_request_add_input (link_request, path, TVM_LANGUAGE_AUTO);
      /* The time that ar needs grows with the square of their number. */
      if (i < 2000)
        tvm_compile_request_add_input (archive, path, TVM_LANGUAGE_AUTO);
    }

  tvm_compile_request_set_output (link_request, shared);
  tvm_compile_request_set_output (archive, library);
  linked = compile_fixture_compile (self, link_request);
  compile_fixture_assert_ok (linked);
  archived = compile_fixture_compile (self, archive);
  compile_fixture_assert_ok (archived);
}

static void
test_long_options (CompileFixture *self,
                   gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) options = NULL;
  const char * const commands[] = { "clang", "gcc" };
  guint i;

  for (i = 0; i < 30000; i++)
    {
      g_autofree char *option =
        g_strdup_printf ("-DA_MACRO_WITH_A_NAME_THAT_IS_LONG_ENOUGH_TO_FILL_A_LINE_AND_MORE_"
                         "AND_YET_MORE_OF_IT_%05u=1", i);
      g_strv_builder_add (builder, option);
    }
  options = g_strv_builder_end (builder);
  tvm_compile_request_set_options (request, (const char * const *) options);

  for (i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autoptr (TvmCompiler) compiler = tvm_compiler_new_for_command (commands[i]);
      g_autoptr (TvmCompileResult) result = NULL;
      g_autoptr (GError) error = NULL;

      if (!compile_fixture_have (commands[i]))
        continue;

      result = tvm_compiler_compile (compiler, request, NULL, &error);
      g_assert_no_error (error);
      /* clang reads them from a file; gcc starts cc1 with all of them, which the kernel refuses. */
      if (i == 0)
        {
          compile_fixture_assert_ok (result);
        }
      else if (!tvm_compile_result_check (result, &error))
        {
          g_assert_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED);
          g_assert_nonnull (strstr (error->message, "Argument list too long"));
        }
    }
}

static void
test_broken_tar (CompileFixture *self,
                 gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *archive = compile_fixture_path (self, "objects.tar");
  g_autofree char *nothing =
    compile_fixture_run ("tar", "-cf", archive, "-C", self->folder, "add.c", NULL);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, archive, "lib.so");

  g_assert_cmpint (truncate (archive, 530), ==, 0);
  assert_refused (self, request, TVM_ERROR, TVM_ERROR_INVALID_ARCHIVE, "objects.tar");
}

static void
test_missing_archiver (CompileFixture *self,
                       gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autofree char *output = compile_fixture_path (self, "lib.a");
  const char *inputs[] = { source, NULL };
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_compiler_create_staticlib (self->compiler, output, inputs, "no-such-ar", NULL,
                                          &error);
  g_assert_null (result);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no-such-ar"));
}

static void
test_compiler_that_makes_nothing (CompileFixture *self,
                                  gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", add_source);
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, source, "add.so");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->compiler);
  self->compiler = tvm_compiler_new_for_command ("true");
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "add.c.o"));
}

static void
test_hostile_environment (CompileFixture *self,
                          gconstpointer   data)
{
  g_autofree char *source = compile_fixture_write (self, "add.c", "int f (void) { return x; }\n");
  g_autofree char *stray = compile_fixture_path (self, "stray");
  g_autoptr (TvmCompileRequest) request =
    compile_fixture_request (self, TVM_COMPILE_KIND_OBJECT, source, "add.o");
  g_autoptr (TvmCompileResult) result = NULL;

  g_setenv ("DEPENDENCIES_OUTPUT", stray, TRUE);
  g_setenv ("GCC_EXEC_PREFIX", "", TRUE);
  g_setenv ("LANGUAGE", "de", TRUE);
  g_setenv ("GCC_COLORS", "error=01;31", TRUE);
  result = compile_fixture_compile (self, request);
  g_unsetenv ("DEPENDENCIES_OUTPUT");
  g_unsetenv ("GCC_EXEC_PREFIX");
  g_unsetenv ("LANGUAGE");
  g_unsetenv ("GCC_COLORS");

  g_assert_cmpuint (tvm_compile_result_get_n_errors (result), ==, 1);
  g_assert_nonnull (strstr (tvm_compile_result_get_log_text (result), "undeclared"));
  g_assert_null (strchr (tvm_compile_result_get_log_text (result), '\033'));
  g_assert_false (compile_fixture_exists (self, "stray"));
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  compile_fixture_add ("/bad-input/no-compiler", test_no_compiler);
  compile_fixture_add ("/bad-input/missing-source", test_missing_source);
  compile_fixture_add ("/bad-input/no-input", test_no_input);
  compile_fixture_add ("/bad-input/inputs-that-make-no-sense", test_inputs_that_make_no_sense);
  compile_fixture_add ("/bad-input/output-that-cannot-be", test_output_that_cannot_be);
  compile_fixture_add ("/bad-input/unwritable-folder", test_unwritable_folder);
  compile_fixture_add ("/bad-input/full-disk", test_full_disk);
  compile_fixture_add ("/bad-input/compiler-crashes", test_compiler_crashes);
  compile_fixture_add ("/bad-input/compiler-crashes/real", test_real_compiler_crashes);
  compile_fixture_add ("/bad-input/never-ends", test_never_ends);
  compile_fixture_add ("/bad-input/dev-zero", test_dev_zero);
  compile_fixture_add ("/bad-input/cancelled/before", test_cancelled_before);
  compile_fixture_add ("/bad-input/cancelled/midway", test_cancelled_midway);
  compile_fixture_add ("/bad-input/cancelled/from-signal", test_cancelled_from_signal);
  compile_fixture_add ("/bad-input/cancelled/all", test_all_cancelled);
  compile_fixture_add ("/bad-input/dropped-midway", test_dropped_midway);
  compile_fixture_add ("/bad-input/application-killed", test_application_killed);
  compile_fixture_add ("/bad-input/stale-stage", test_stale_stage);
  compile_fixture_add ("/bad-input/strange-names", test_strange_names);
  compile_fixture_add ("/bad-input/strange-output", test_strange_output);
  compile_fixture_add ("/bad-input/output-flood", test_output_flood);
  compile_fixture_add ("/bad-input/many-objects", test_many_objects);
  compile_fixture_add ("/bad-input/long-options", test_long_options);
  compile_fixture_add ("/bad-input/broken-tar", test_broken_tar);
  compile_fixture_add ("/bad-input/missing-archiver", test_missing_archiver);
  compile_fixture_add ("/bad-input/makes-nothing", test_compiler_that_makes_nothing);
  compile_fixture_add ("/bad-input/hostile-environment", test_hostile_environment);

  return g_test_run ();
}
