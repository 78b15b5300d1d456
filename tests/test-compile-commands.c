/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compile-fixture.h"

#include "tvmsupport/toolchain/tvm-compile-commands.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>

static const char source_text[] = "int f (void) { return 1; }\n";
static const char broken_text[] = "int f (void) { return gone; }\n";

/* Returns: (transfer full): the array in @json */
static JsonNode *
parse (const char *json)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root = json_from_string (json, &error);

  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_ARRAY (root));
  return root;
}

static JsonNode *
load (const char *path)
{
  g_autofree char *json = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &json, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (json, "]\n"));
  return parse (json);
}

static guint
count (JsonNode *root)
{
  return json_array_get_length (json_node_get_array (root));
}

static JsonObject *
nth (JsonNode *root,
     guint     n)
{
  return json_array_get_object_element (json_node_get_array (root), n);
}

/* Returns: (transfer full): the arguments of an entry as one string */
static char *
join_arguments (JsonObject *entry)
{
  JsonArray *array = json_object_get_array_member (entry, "arguments");
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (guint i = 0; i < json_array_get_length (array); i++)
    g_ptr_array_add (words, (gpointer) json_array_get_string_element (array, i));
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **) words->pdata);
}

static TvmCompileResult *
compile (CompileFixture *self,
         TvmCompileKind  kind,
         const char     *input,
         const char     *output,
         const char     *option)
{
  g_autoptr (TvmCompileRequest) request = compile_fixture_request (self, kind, input, output);
  const char *options[] = { option, NULL };

  tvm_compile_request_set_options (request, options);
  tvm_compile_request_set_working_directory (request, self->folder);
  return compile_fixture_compile (self, request);
}

static void
test_object (CompileFixture *self,
             gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();
  g_autofree char *source = compile_fixture_write (self, "a b.c", source_text);
  g_autofree char *output = compile_fixture_path (self, "out.o");
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *empty = tvm_compile_commands_to_json (commands);
  g_autofree char *json = NULL;
  g_autofree char *arguments = NULL;
  g_autofree char *end = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (JsonNode) empty_root = parse (empty);

  g_assert_cmpuint (count (empty_root), ==, 0);
  result = compile (self, TVM_COMPILE_KIND_OBJECT, source, "out.o", "-DX=\"y z\"");
  compile_fixture_assert_ok (result);
  tvm_compile_commands_add (commands, result);
  tvm_compile_commands_add (commands, result);

  json = tvm_compile_commands_to_json (commands);
  root = parse (json);
  g_assert_cmpuint (count (root), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 0), "directory"), ==, self->folder);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 0), "file"), ==, source);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 0), "output"), ==, output);

  /* As somebody would have typed it */
  arguments = join_arguments (nth (root, 0));
  end = g_strdup_printf (" -DX=\"y z\" -c %s -o %s", source, output);
  g_assert_true (g_str_has_suffix (arguments, end));
  g_assert_null (strstr (arguments, "-fdiagnostics"));
  g_assert_null (strstr (arguments, "-MF"));
}

/* The steps of a link, whose objects are temporary, and one of which failed */
static void
test_steps (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();
  g_autoptr (TvmCompileRequest) request = NULL;
  g_autofree char *good = compile_fixture_write (self, "good.c", source_text);
  g_autofree char *bad = compile_fixture_write (self, "bad.c", broken_text);
  g_autoptr (GBytes) bytes = g_bytes_new_static (source_text, strlen (source_text));
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) root = NULL;

  request = compile_fixture_request (self, TVM_COMPILE_KIND_SHARED, good, "out.so");
  tvm_compile_request_add_input (request, bad, TVM_LANGUAGE_AUTO);
  tvm_compile_request_add_input_bytes (request, "bytes.c", bytes, TVM_LANGUAGE_C);
  result = compile_fixture_compile (self, request);
  g_assert_false (tvm_compile_result_get_successful (result));
  tvm_compile_commands_add (commands, result);

  json = tvm_compile_commands_to_json (commands);
  root = parse (json);
  g_assert_cmpuint (count (root), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 0), "file"), ==, good);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 1), "file"), ==, bad);
  for (guint i = 0; i < count (root); i++)
    {
      g_autofree char *arguments = join_arguments (nth (root, i));

      g_assert_false (json_object_has_member (nth (root, i), "output"));
      g_assert_null (strstr (arguments, " -o "));
      g_assert_null (strstr (arguments, self->tmpdir));
    }
}

/* A failed compile and the one that mends it are the same entry. */
static void
test_replace (CompileFixture *self,
              gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();
  g_autofree char *source = compile_fixture_write (self, "a.c", broken_text);
  g_autofree char *mended = NULL;
  g_autofree char *arguments = NULL;
  g_autofree char *json = NULL;
  g_autoptr (TvmCompileResult) failed = NULL;
  g_autoptr (TvmCompileResult) result = NULL;
  g_autoptr (JsonNode) root = NULL;

  failed = compile (self, TVM_COMPILE_KIND_OBJECT, source, "out.o", "-DFIRST");
  g_assert_false (tvm_compile_result_get_successful (failed));
  tvm_compile_commands_add (commands, failed);

  mended = compile_fixture_write (self, "a.c", source_text);
  result = compile (self, TVM_COMPILE_KIND_OBJECT, source, "out.o", "-DSECOND");
  compile_fixture_assert_ok (result);
  tvm_compile_commands_add (commands, result);

  json = tvm_compile_commands_to_json (commands);
  root = parse (json);
  g_assert_cmpuint (count (root), ==, 1);
  arguments = join_arguments (nth (root, 0));
  g_assert_nonnull (strstr (arguments, "-DSECOND"));
}

/* Names that JSON cannot hold */
static void
test_bytes (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();
  g_autofree char *source = compile_fixture_write (self, "caf\xe9.c", source_text);
  g_autoptr (TvmCompileResult) result = NULL;
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) root = NULL;

  result = compile (self, TVM_COMPILE_KIND_OBJECT, source, "out.o", NULL);
  compile_fixture_assert_ok (result);
  tvm_compile_commands_add (commands, result);
  json = tvm_compile_commands_to_json (commands);
  root = parse (json);
  g_assert_cmpuint (count (root), ==, 0);
}

/* A list with one entry, for the tests of save() */
static TvmCompileCommands *
new_list (CompileFixture *self)
{
  TvmCompileCommands *commands = tvm_compile_commands_new ();
  g_autofree char *source = compile_fixture_write (self, "a.c", source_text);
  g_autoptr (TvmCompileResult) result = NULL;

  result = compile (self, TVM_COMPILE_KIND_OBJECT, source, "out.o", "-DNEW");
  compile_fixture_assert_ok (result);
  tvm_compile_commands_add (commands, result);
  return commands;
}

static void
test_merge (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = new_list (self);
  g_autofree char *path = compile_fixture_path (self, "compile_commands.json");
  g_autofree char *link = compile_fixture_path (self, "link.json");
  g_autofree char *output = compile_fixture_path (self, "out.o");
  g_autofree char *existing = NULL;
  g_autofree char *arguments = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) first = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (JsonNode) again = NULL;

  /* A file that is not there */
  tvm_compile_commands_save (commands, path, NULL, &error);
  g_assert_no_error (error);
  first = load (path);
  g_assert_cmpuint (count (first), ==, 1);

  /* Others' entries stay as they are; ours, with a file relative to its directory, is replaced. */
  existing = g_strdup_printf ("[{\"directory\": \"/other\", \"command\": \"cc -c x.c\", \"file\": "
                              "\"x.c\", \"extra\": [1, {}]},\n"
                              "{\"directory\": \"%s\", \"arguments\": [\"old\"], \"file\": "
                              "\"./a.c\", \"output\": \"%s\"},\n"
                              "{\"directory\": \"%s\", \"arguments\": [\"old\"], \"file\": "
                              "\"a.c\", \"output\": \"/elsewhere.o\"}]", self->folder, output,
                              self->folder);
  g_assert_true (g_file_set_contents (path, existing, -1, NULL));
  g_assert_cmpint (symlink ("compile_commands.json", link), ==, 0);
  tvm_compile_commands_save (commands, link, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));

  root = load (path);
  g_assert_cmpuint (count (root), ==, 3);
  g_assert_cmpstr (json_object_get_string_member (nth (root, 0), "command"), ==, "cc -c x.c");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (nth (root, 0), "extra")),
                    ==, 2);
  arguments = join_arguments (nth (root, 1));
  g_assert_nonnull (strstr (arguments, "-DNEW"));
  g_assert_cmpstr (json_object_get_string_member (nth (root, 2), "output"), ==, "/elsewhere.o");

  tvm_compile_commands_save (commands, path, NULL, &error);
  g_assert_no_error (error);
  again = load (path);
  g_assert_true (json_node_equal (root, again));
}

static const char * const malformed[] = {
  "{}",
  "[",
  "[{}]",
  "[1]",
  "[{\"directory\": \"/x\"}]",
  "[{\"directory\": \"relative\", \"file\": \"x.c\"}]",
  "[{\"directory\": 1, \"file\": \"x.c\"}]",
  "[{\"directory\": \"/x\", \"file\": \"caf\xe9.c\"}]",
  "not JSON at all",
};

static void
test_malformed (CompileFixture *self,
                gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = new_list (self);
  g_autofree char *path = compile_fixture_path (self, "compile_commands.json");
  g_autofree char *deep = g_strnfill (200000, '[');

  for (gsize i = 0; i <= G_N_ELEMENTS (malformed); i++)
    {
      const char *text = i < G_N_ELEMENTS (malformed) ? malformed[i] : deep;
      g_autofree char *after = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (g_file_set_contents (path, text, -1, NULL));
      g_assert_false (tvm_compile_commands_save (commands, path, NULL, &error));
      g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
      g_assert_nonnull (strstr (error->message, "compile_commands.json"));
      g_assert_true (g_file_get_contents (path, &after, NULL, NULL));
      g_assert_cmpstr (after, ==, text);
    }
}

/* Not a file to merge with, and nothing to wait for */
static void
test_not_a_file (CompileFixture *self,
                 gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = new_list (self);
  g_autofree char *fifo = compile_fixture_path (self, "fifo");
  g_autofree char *nowhere = compile_fixture_path (self, "nowhere/commands.json");
  g_autofree char *empty = compile_fixture_path (self, "empty.json");
  const char *paths[] = { fifo, self->folder, "/dev/zero" };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = NULL;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) local_error = NULL;

      g_assert_false (tvm_compile_commands_save (commands, paths[i], NULL, &local_error));
      g_assert_error (local_error, TVM_ERROR, TVM_ERROR_FAILED);
    }

  g_assert_false (tvm_compile_commands_save (commands, nowhere, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  tvm_compile_commands_save (commands, empty, NULL, &error);
  g_assert_no_error (error);
  root = load (empty);
  g_assert_cmpuint (count (root), ==, 1);
}

static void
test_async (CompileFixture *self,
            gconstpointer   data)
{
  g_autoptr (TvmCompileCommands) commands = new_list (self);
  g_autofree char *path = compile_fixture_path (self, "compile_commands.json");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = NULL;

  g_cancellable_cancel (cancellable);
  tvm_compile_commands_save_async (commands, path, cancellable, compile_fixture_ready, &cancelled);
  g_assert_false (tvm_compile_commands_save_finish (commands, compile_fixture_wait (&cancelled),
                                                    &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  tvm_compile_commands_save_async (commands, path, NULL, compile_fixture_ready, &result);
  g_assert_true (tvm_compile_commands_save_finish (commands, compile_fixture_wait (&result),
                                                   &error));
  g_assert_no_error (error);
  root = load (path);
  g_assert_cmpuint (count (root), ==, 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  compile_fixture_add ("/compile-commands/object", test_object);
  compile_fixture_add ("/compile-commands/steps", test_steps);
  compile_fixture_add ("/compile-commands/replace", test_replace);
  compile_fixture_add ("/compile-commands/bytes", test_bytes);
  compile_fixture_add ("/compile-commands/merge", test_merge);
  compile_fixture_add ("/compile-commands/malformed", test_malformed);
  compile_fixture_add ("/compile-commands/not-a-file", test_not_a_file);
  compile_fixture_add ("/compile-commands/async", test_async);

  return g_test_run ();
}
