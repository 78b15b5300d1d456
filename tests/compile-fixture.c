/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/process/tvm-process-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of everything that is waited for: many times what a slow machine needs */
#define LIMIT_SECONDS 120

guint
compile_fixture_count (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint
count_fds (void)
{
  return compile_fixture_count ("/proc/self/fd");
}

void
compile_fixture_set_up (CompileFixture *self,
                        gconstpointer   data)
{
  static gboolean warm = FALSE;
  g_autoptr (GError) error = NULL;

  alarm (LIMIT_SECONDS);
  self->folder = g_dir_make_tmp ("tvm-test-XXXXXX", &error);
  g_assert_no_error (error);
  self->tmpdir = g_build_filename (self->folder, "tmp", NULL);
  g_assert_cmpint (g_mkdir (self->tmpdir, 0700), ==, 0);
  g_setenv ("TMPDIR", self->tmpdir, TRUE);
  self->compiler = tvm_compiler_new (NULL);

  /* The threads of GLib and of the library stay; they are no leak. */
  if (!warm)
    {
      g_autoptr (TvmToolchain) toolchain =
        tvm_compiler_load_toolchain (self->compiler, NULL, &error);

      g_assert_no_error (error);
      warm = TRUE;
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  self->n_fds = count_fds ();
}

/* GLib's own thread closes what it watched a child with a moment after it told of the child's end. */
static void
wait_for_fds (CompileFixture *self)
{
  gint64 limit = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  while (count_fds () > self->n_fds && g_get_monotonic_time () < limit)
    g_thread_yield ();
  g_assert_cmpuint (count_fds (), <=, self->n_fds);
}

static void
assert_nothing_left (CompileFixture *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
  g_assert_cmpuint (compile_fixture_count (self->tmpdir), ==, 0);

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (g_str_has_prefix (name, ".tvm-"))
        g_error ("%s is left", name);
    }
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_tree (child);
    }
  g_remove (path);
}

void
compile_fixture_tear_down (CompileFixture *self,
                           gconstpointer   data)
{
  g_clear_object (&self->compiler);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  wait_for_fds (self);
  assert_nothing_left (self);

  remove_tree (self->folder);
  g_free (self->folder);
  g_free (self->tmpdir);
  alarm (0);
}

char *
compile_fixture_path (CompileFixture *self,
                      const char     *name)
{
  return g_build_filename (self->folder, name, NULL);
}

char *
compile_fixture_write (CompileFixture *self,
                       const char     *name,
                       const char     *text)
{
  char *path = compile_fixture_path (self, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

TvmCompileRequest *
compile_fixture_request (CompileFixture *self,
                         TvmCompileKind  kind,
                         const char     *input,
                         const char     *output)
{
  TvmCompileRequest *request = tvm_compile_request_new (kind);

  tvm_compile_request_add_input (request, input, TVM_LANGUAGE_AUTO);
  if (output != NULL)
    {
      g_autofree char *path = compile_fixture_path (self, output);
      tvm_compile_request_set_output (request, path);
    }

  return request;
}

TvmCompileResult *
compile_fixture_compile (CompileFixture    *self,
                         TvmCompileRequest *request)
{
  g_autoptr (GError) error = NULL;
  TvmCompileResult *result = tvm_compiler_compile (self->compiler, request, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (TVM_IS_COMPILE_RESULT (result));
  return result;
}

char *
compile_fixture_run (const char *program,
                     ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  const char *word;
  va_list args;

  g_ptr_array_add (argv, (char *) program);
  va_start (args, program);
  while ((word = va_arg (args, const char *)) != NULL)
    g_ptr_array_add (argv, (char *) word);
  va_end (args);
  g_ptr_array_add (argv, NULL);

  process = g_subprocess_newv ((const char * const *) argv->pdata,
                               G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  return g_steal_pointer (&out);
}

void
compile_fixture_assert_ok (TvmCompileResult *result)
{
  g_autoptr (GError) error = NULL;

  tvm_compile_result_check (result, &error);
  g_assert_no_error (error);
  g_assert_true (tvm_compile_result_get_successful (result));
}

gboolean
compile_fixture_exists (CompileFixture *self,
                        const char     *name)
{
  g_autofree char *path = compile_fixture_path (self, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

gboolean
compile_fixture_have (const char *tool)
{
  g_autofree char *path = g_find_program_in_path (tool);
  g_autofree char *reason = g_strdup_printf ("%s is not installed", tool);

  if (path == NULL)
    g_test_skip (reason);
  return path != NULL;
}

void
compile_fixture_ready (GObject      *source,
                       GAsyncResult *result,
                       gpointer      user_data)
{
  GAsyncResult **out = user_data;

  g_assert_null (*out);
  *out = g_object_ref (result);
}

GAsyncResult *
compile_fixture_wait (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}
