/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "process-fixture.h"

#include "tvmsupport/process/tvm-capture-private.h"
#include "tvmsupport/process/tvm-command-line-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* What a shell, a response file reader and a driver might make something of */
static const char * const difficult[] = {
  "plain", "", "with space", "tab\there", "new\nline", "car\rriage", "'single'", "\"double\"",
  "back\\slash", "end\\", "$HOME `id` $(id)", "*?[a]", "~", "#no comment", "a;b&c|d<e>f", "!x",
  "\xff\xfe", "ü", "-DX=\"a b\"", "=x", "%1", "{a,b}", "@", "\v\f", NULL
};

static void
test_quote (void)
{
  g_autofree char *plain = tvm_quote_command ((const char *[]) { "gcc", "-O2", "-DA=b", "a/b.c",
                                                                 NULL });
  g_autofree char *assignment = tvm_quote_command ((const char *[]) { "A=b", "c d", NULL });
  g_autofree char *nothing = tvm_quote_command ((const char *[]) { NULL });
  g_autofree char *line = tvm_quote_command (difficult);
  g_autoptr (GString) script = g_string_new ("for i in ");
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (plain, ==, "gcc -O2 -DA=b a/b.c");
  g_assert_cmpstr (assignment, ==, "'A=b' 'c d'");
  g_assert_cmpstr (nothing, ==, "");

  /* A shell has the last word. */
  g_string_append_printf (script, "%s; do printf '[%%s]' \"$i\"; done", line);
  for (guint i = 0; difficult[i] != NULL; i++)
    g_string_append_printf (expected, "[%s]", difficult[i]);
  g_spawn_sync (NULL, (char *[]) { (char *) "/bin/sh", (char *) "-c", script->str, NULL }, NULL,
                G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (output, ==, expected->str);
}

static void
test_find_program (ProcessFixture *fixture,
                   gconstpointer   data)
{
  g_autofree char *directory = process_fixture_path (fixture, "tool");
  g_autofree char *second = process_fixture_path (fixture, "second");
  g_autofree char *tool = g_build_filename (second, "tool", NULL);
  g_autofree char *path = g_strjoin (":", "", ".", "relative", fixture->directory, second, NULL);
  g_autofree char *found = NULL;
  g_autofree char *relative = NULL;
  g_autoptr (GError) error = NULL;

  /* A directory of that name is not the tool, and neither is what cannot be executed. */
  g_assert_no_errno (g_mkdir (directory, 0700));
  g_assert_no_errno (g_mkdir (second, 0700));
  g_assert_true (g_file_set_contents (tool, "", -1, NULL));

  g_assert_null (tvm_find_program ("tool", path, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, fixture->directory));
  g_assert_nonnull (strstr (error->message, second));
  g_assert_nonnull (strstr (error->message, "is a directory"));
  g_assert_null (strstr (error->message, "relative"));
  g_clear_error (&error);

  g_assert_no_errno (g_chmod (tool, 0700));
  found = tvm_find_program ("tool", path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, tool);

  relative = tvm_find_program ("second/tool", NULL, fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (relative, ==, tool);

  g_assert_null (tvm_find_program ("tool", "", NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_assert_null (tvm_find_program ("", NULL, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static void
assert_captured (gsize       limit,
                 gsize       step,
                 const char *input,
                 const char *expected)
{
  TvmCapture capture;
  g_autoptr (GBytes) bytes = NULL;
  gsize length = strlen (input);

  tvm_capture_init (&capture, limit);
  for (gsize i = 0; i < length; i += step)
    tvm_capture_append (&capture, (const guint8 *) input + i, MIN (step, length - i));
  g_assert_cmpuint (capture.total, ==, length);
  bytes = tvm_capture_finish (&capture);
  tvm_capture_clear (&capture);

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                   strlen (expected));
}

static void
test_capture (void)
{
  for (gsize step = 1; step < 12; step++)
    {
      assert_captured (10, step, "", "");
      assert_captured (10, step, "0123456789", "0123456789");
      assert_captured (10, step, "0123456789a", "01234\n[... 1 bytes left out ...]\n6789a");
      assert_captured (10, step, "0123\nabcdefghijklmnopqrstuvwxyz",
                       "0123\n[... 21 bytes left out ...]\nvwxyz");
      assert_captured (1, step, "abc", "a\n[... 2 bytes left out ...]\n");
      assert_captured (0, step, "abc", "[... 3 bytes left out ...]\n");
      assert_captured (G_MAXSIZE, step, "abc", "abc");
    }
}

/* A file of arguments that nobody would read is refused where it is known how long is too long. */
static void
test_too_long (ProcessFixture *fixture,
               gconstpointer   data)
{
  g_autofree char *argument = g_strnfill (200 * 1000, 'x');
  g_autofree char *fits = g_strnfill (120 * 1000, 'x');
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", argument, NULL);
  g_autoptr (TvmProcessSpec) other = process_fixture_spec (fixture, "args", fits, NULL);
  g_autoptr (TvmProcessSpec) variable = process_fixture_spec (fixture, "args", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (tvm_process_run (spec, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "200001"));
  g_clear_error (&error);

  tvm_process_spec_setenv (variable, "TVM_LONG", argument);
  g_assert_null (tvm_process_run (variable, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  result = tvm_process_run (other, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (result->stdout_total, ==, 120 * 1000 + 3);
}

/* The target of a response file, and that the words before it stay. */
static void
test_response_file (ProcessFixture *fixture,
                    gconstpointer   data)
{
  g_autofree char *argument = g_strnfill (200 * 1000, 'x');
  g_autoptr (TvmProcessSpec) spec = process_fixture_spec (fixture, "args", argument, "b c", NULL);
  g_autoptr (TvmProcessResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tvm_process_spec_set_response_file (spec, TVM_RESPONSE_FILE_GNU);
  tvm_process_spec_set_response_prefix (spec, 2);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  process_fixture_assert_output (result, "[@/proc/self/fd/3]\n");
  g_assert_cmpuint (g_strv_length (result->argv), ==, 4);
}

/* Objects with all kinds of names, so many that they do not fit on a command line */
static void
make_objects (ProcessFixture *fixture,
              GPtrArray      *names)
{
  guint n = g_test_slow () ? 40000 : 3000;
  g_autofree char *directory = process_fixture_path (fixture, "objects");
  g_autofree char *first = process_fixture_path (fixture, "first.o");
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_no_errno (g_mkdir (directory, 0700));
  g_spawn_sync (NULL, (char *[]) { (char *) "cc", (char *) "-c", (char *) "-x", (char *) "c",
                                   (char *) "/dev/null", (char *) "-o", first, NULL },
                NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);

  for (guint i = 0; i < n; i++)
    {
      const char *part = difficult[i % (G_N_ELEMENTS (difficult) - 1)];
      char *name = g_strdup_printf ("objects/%s which is number %u.o", part, i);
      g_autofree char *path = process_fixture_path (fixture, name);

      g_assert_no_errno (link (first, path));
      g_ptr_array_add (names, name);
    }
}

/* Runs @command on the first @n of @objects; OUTPUT in it is the file that it makes. */
static void
run_on_objects (ProcessFixture *fixture,
                const char     *command,
                guint           response_prefix,
                GPtrArray      *objects,
                guint           n)
{
  g_autofree char *output = process_fixture_path (fixture, "OUTPUT");
  g_auto (GStrv) words = g_strsplit (command, " ", -1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (TvmProcessSpec) spec = NULL;
  g_autoptr (TvmProcessResult) result = NULL;
  g_autofree char *program = g_find_program_in_path (words[0]);
  g_autoptr (GError) error = NULL;

  if (program == NULL)
    {
      g_test_message ("%s is not here", words[0]);
      return;
    }

  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (argv, words[i]);
  for (guint i = 0; i < MIN (n, objects->len); i++)
    g_ptr_array_add (argv, objects->pdata[i]);
  g_ptr_array_add (argv, NULL);

  unlink (output);
  spec = tvm_process_spec_new ((const char * const *) argv->pdata);
  tvm_process_spec_set_cwd (spec, fixture->directory);
  tvm_process_spec_set_response_file (spec, TVM_RESPONSE_FILE_GNU);
  tvm_process_spec_set_response_prefix (spec, response_prefix);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "CCACHE_DIR", fixture->directory);
  result = tvm_process_run (spec, NULL, &error);
  g_assert_no_error (error);
  if (!tvm_process_result_is_success (result))
    g_error ("%s: %.*s", command, (int) MIN (g_bytes_get_size (result->stderr_bytes), 2000),
             (const char *) g_bytes_get_data (result->stderr_bytes, NULL));
  g_assert_true (g_file_test (output, G_FILE_TEST_EXISTS));
}

/* What the real tools read is what was given to them: they find every object. */
static void
test_real_tools (ProcessFixture *fixture,
                 gconstpointer   data)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_free);

  make_objects (fixture, objects);
  run_on_objects (fixture, "ld -r -o OUTPUT", 1, objects, G_MAXUINT);
  run_on_objects (fixture, "ld.lld -r -o OUTPUT", 1, objects, G_MAXUINT);
  run_on_objects (fixture, "gcc -shared -o OUTPUT", 1, objects, G_MAXUINT);
  run_on_objects (fixture, "clang -shared -o OUTPUT", 1, objects, G_MAXUINT);
  run_on_objects (fixture, "ccache gcc -shared -o OUTPUT", 2, objects, G_MAXUINT);

  /* The time that it takes grows with the square: a minute for 40000. */
  run_on_objects (fixture, "ar rcS OUTPUT", 1, objects, 3000);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  process_fixture_warm_up ();

  g_test_add_func ("/command-line/quote", test_quote);
  g_test_add_func ("/command-line/capture", test_capture);
  process_fixture_add ("/command-line/find-program", test_find_program);
  process_fixture_add ("/command-line/too-long", test_too_long);
  process_fixture_add ("/command-line/response-file", test_response_file);
  process_fixture_add ("/command-line/real-tools", test_real_tools);

  return g_test_run ();
}
