/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>
#include <sys/resource.h>

/* What a task holds, and what it looks like on its way to a worker */

/* For workers of @payload_type that have no limits */
static GBytes *
encode (TvmTask         *task,
        TvmPayloadType   payload_type,
        GError         **error)
{
  const char * const argv[] = { "worker", NULL };
  g_autoptr (TvmWorkerSpec) spec = payload_type == TVM_PAYLOAD_TYPE_COMMAND
                                   ? tvm_worker_spec_new_command ()
                                   : tvm_worker_spec_new_runtime (argv, payload_type, FALSE);

  return tvm_task_encode (task, spec, NULL, error);
}

static void
assert_encoded (const char *function,
                GVariant   *args)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, args);
  g_autoptr (GVariant) expected = NULL;
  g_autoptr (GVariant) read = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) expected_bytes = NULL;
  g_autoptr (GError) error = NULL;

  bytes = encode (task, TVM_PAYLOAD_TYPE_VARIANT, &error);
  g_assert_no_error (error);

  expected = g_variant_ref_sink (g_variant_new ("(sv)", function, task->args));
#if G_BYTE_ORDER == G_BIG_ENDIAN
  {
    GVariant *swapped = g_variant_byteswap (expected);

    g_variant_unref (expected);
    expected = swapped;
  }
#endif
  expected_bytes = g_variant_get_data_as_bytes (expected);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   g_bytes_get_data (expected_bytes, NULL), g_bytes_get_size (expected_bytes));

  read = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(sv)"), bytes, FALSE));
  g_assert_true (g_variant_is_normal_form (read));
}

static void
test_encode_variant (void)
{
  static const char * const types[] = { "s", "(si)", "a{sv}", "ay", "(yxb)", "mv" };
  g_autofree char *name = g_strnfill (300, 'n');
  gsize size;

  assert_encoded ("f", NULL);
  assert_encoded ("", g_variant_new_boolean (TRUE));
  assert_encoded ("function", g_variant_new_int32 (-2));
  assert_encoded ("functions", g_variant_new_uint64 (G_MAXUINT64));
  assert_encoded ("ähnlich", g_variant_new_variant (g_variant_new_string ("x")));
  assert_encoded (name, g_variant_new ("(sd)", "half", 0.5));
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    assert_encoded ("empty", g_variant_new_array (G_VARIANT_TYPE (types[i]), NULL, 0));

  /* Where the ends of the parts get larger: sizes around 2⁸ and 2¹⁶ */
  for (size = 200; size < 300; size++)
    {
      g_autofree guint8 *data = g_malloc0 (size);

      assert_encoded ("f", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1));
    }
  for (size = 65480; size < 65560; size++)
    {
      g_autofree guint8 *data = g_malloc0 (size);

      assert_encoded ("f", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1));
    }
}

static void
test_encode_not_normal (void)
{
  static const guint8 bad[] = { 7, 0, 0, 0, 0xff, 0xff };
  g_autoptr (GBytes) data = g_bytes_new_static (bad, sizeof bad);
  g_autoptr (GVariant) args = NULL;
  g_autoptr (TvmTask) task = NULL;
  g_autoptr (GVariant) read = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  args = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(ias)"), data, FALSE));
  g_assert_false (g_variant_is_normal_form (args));

  task = tvm_task_new ("f", args);
  bytes = encode (task, TVM_PAYLOAD_TYPE_VARIANT, &error);
  g_assert_no_error (error);
  read = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(sv)"), bytes, FALSE));
  g_assert_true (g_variant_is_normal_form (read));
}

static void
test_encode_not_utf8 (void)
{
  g_autoptr (TvmTask) task = tvm_task_new ("f\xff", NULL);
  g_autofree char *description = tvm_task_dup_description (task);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_utf8_validate (description, -1, NULL));
  g_assert_null (encode (task, TVM_PAYLOAD_TYPE_VARIANT, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

/* As a binding may make it */
static void
test_encode_nothing (void)
{
  g_autoptr (TvmTask) task = g_object_new (TVM_TYPE_TASK, NULL);
  g_autofree char *description = tvm_task_dup_description (task);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (description, ==, "");
  g_assert_null (encode (task, TVM_PAYLOAD_TYPE_VARIANT, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static void
test_set_description (void)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("abc", 3);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (payload);
  g_autoptr (TvmTask) copy = NULL;
  g_autofree char *set = NULL;
  g_autofree char *mended = NULL;
  g_autofree char *unset = NULL;

  tvm_task_set_description (task, "measure");
  copy = tvm_task_copy (task);
  g_object_get (copy, "description", &set, NULL);
  g_assert_cmpstr (set, ==, "measure");

  g_object_set (task, "description", "a\377b", NULL);
  mended = tvm_task_dup_description (task);
  g_assert_cmpstr (mended, ==, "a\357\277\275b");

  tvm_task_set_description (task, NULL);
  unset = tvm_task_dup_description (task);
  g_assert_cmpstr (unset, ==, "3 bytes of data");
}

static void
test_add_bytes (void)
{
  g_autoptr (GBytes) first = g_bytes_new_static ("ab", 2);
  g_autoptr (GBytes) more = g_bytes_new_static ("cde", 3);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (first);
  g_autoptr (TvmTask) copy = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *description = NULL;

  tvm_task_add_bytes (task, more);
  tvm_task_add_bytes (task, first);
  copy = tvm_task_copy (task);
  description = tvm_task_dup_description (copy);
  g_assert_cmpstr (description, ==, "7 bytes of data");
  bytes = encode (copy, TVM_PAYLOAD_TYPE_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "abcdeab", 7);
}

static void
test_encode_bytes (void)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("\0\1\2", 3);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (payload);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  bytes = encode (task, TVM_PAYLOAD_TYPE_BYTES, &error);
  g_assert_no_error (error);
  g_assert_true (bytes == payload);
}

static void
test_encode_wrong_kind (void)
{
  const char *argv[] = { "true", NULL };
  g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);
  TvmTask *tasks[] = {
    tvm_task_new ("f", NULL),
    tvm_task_new_bytes (payload),
    tvm_task_new_command (argv),
  };

  for (guint i = 0; i < 3; i++)
    for (guint kind = 0; kind < 3; kind++)
      {
        g_autoptr (GError) error = NULL;

        if (kind == tasks[i]->payload_type)
          continue;

        g_assert_null (encode (tasks[i], kind, &error));
        g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
      }

  for (guint i = 0; i < 3; i++)
    g_object_unref (tasks[i]);
}

/* Returns: (transfer container): the words of a payload */
static GPtrArray *
split_words (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const char *end = data + size;
  GPtrArray *words = g_ptr_array_new ();

  g_assert_cmpint (end[-1], ==, 0);
  for (; data < end; data += strlen (data) + 1)
    g_ptr_array_add (words, (char *) data);
  g_ptr_array_add (words, NULL);
  return words;
}

static void
test_encode_command (void)
{
  const char *argv[] = { "sh", "", "two words", NULL };
  const char *environment[] = { "TVM_TEST=1", "TVM_TEST=2", "TVM_TEST_EMPTY=", NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autofree char *program = g_find_program_in_path ("sh");
  g_autofree char *directory = g_get_current_dir ();
  g_autofree char *parent = g_path_get_dirname (directory);
  g_autofree char *chdir_word = g_strconcat ("--chdir=", parent, NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GPtrArray) words = NULL;
  g_autoptr (GError) error = NULL;
  const char * const *word;
  guint n_environment;

  tvm_task_set_environment (task, environment);
  tvm_task_set_working_directory (task, "..");
  bytes = encode (task, TVM_PAYLOAD_TYPE_COMMAND, &error);
  g_assert_no_error (error);

  words = split_words (bytes);
  word = (const char * const *) words->pdata;
  g_assert_cmpstr (word[0], ==, chdir_word);
  g_assert_cmpstr (word[1], ==, "--argc=3");
  g_assert_true (g_str_has_prefix (word[2], "--envc="));
  n_environment = g_ascii_strtoull (word[2] + strlen ("--envc="), NULL, 10);
  g_assert_cmpstr (word[3], ==, "--");
  g_assert_cmpstr (word[4], ==, program);
  g_assert_cmpstr (word[5], ==, "sh");
  g_assert_cmpstr (word[6], ==, "");
  g_assert_cmpstr (word[7], ==, "two words");
  g_assert_cmpuint (g_strv_length ((char **) word + 8), ==, n_environment);
  g_assert_true (g_strv_contains (word + 8, "TVM_TEST=2"));
  g_assert_false (g_strv_contains (word + 8, "TVM_TEST=1"));
  g_assert_true (g_strv_contains (word + 8, "TVM_TEST_EMPTY="));
}

/* They are those of each command, and not of what starts them. */
static void
test_encode_limits (void)
{
  const char *argv[] = { "true", NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autofree char *cpu_word = g_strdup_printf ("--rlimit=%d=7", RLIMIT_CPU);
  g_autofree char *files_word = g_strdup_printf ("--rlimit=%d=20", RLIMIT_NOFILE);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GPtrArray) words = NULL;
  g_autoptr (GError) error = NULL;

  tvm_worker_spec_set_cpu_time_limit (spec, 7);
  tvm_worker_spec_set_open_files_limit (spec, 20);
  bytes = tvm_task_encode (task, spec, NULL, &error);
  g_assert_no_error (error);

  words = split_words (bytes);
  g_assert_cmpstr (words->pdata[0], ==, cpu_word);
  g_assert_cmpstr (words->pdata[1], ==, files_word);
  g_assert_cmpstr (words->pdata[2], ==, "--argc=1");
}

static void
assert_bad_command (const char *program,
                    const char *variable,
                    TvmError    code)
{
  const char *argv[] = { program, NULL };
  const char *environment[] = { variable, NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (GError) error = NULL;

  tvm_task_set_environment (task, environment);
  g_assert_null (encode (task, TVM_PAYLOAD_TYPE_COMMAND, &error));
  g_assert_error (error, TVM_ERROR, (int) code);
}

static void
test_encode_bad_command (void)
{
  assert_bad_command (NULL, NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_bad_command ("", NULL, TVM_ERROR_INVALID_ARGUMENT);
  assert_bad_command ("true", "=x", TVM_ERROR_INVALID_ARGUMENT);
  assert_bad_command ("true", "NOTHING", TVM_ERROR_INVALID_ARGUMENT);
  assert_bad_command ("tvm-no-such-program", NULL, TVM_ERROR_NOT_FOUND);
  assert_bad_command ("./tvm-no-such-program", NULL, TVM_ERROR_NOT_FOUND);
  /* The PATH that counts is that of the command. */
  assert_bad_command ("sh", "PATH=/proc/self/fdinfo", TVM_ERROR_NOT_FOUND);
}

static void
count_notify (GObject    *object,
              GParamSpec *pspec,
              guint      *n)
{
  *n += 1;
}

static void
test_properties (void)
{
  const char *argv[] = { "cat", "a b", NULL };
  const char *environment[] = { "A=1", NULL };
  g_autoptr (TvmTask) task = tvm_task_new_command (argv);
  g_autoptr (TvmTask) copy = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("in", 2);
  g_autofree char *description = NULL;
  g_auto (GStrv) read_argv = NULL;
  g_auto (GStrv) read_environment = NULL;
  TvmPayloadType type;
  guint n = 0;

  g_assert_cmpint (tvm_task_get_timeout (task), ==, -1);
  g_assert_cmpint (tvm_task_get_soft_timeout (task), ==, -1);
  g_assert_cmpuint (tvm_task_get_output_limit (task), ==, 16 * 1024 * 1024);

  g_signal_connect (task, "notify", G_CALLBACK (count_notify), &n);
  for (guint i = 0; i < 2; i++)
    g_object_set (task,
                  "timeout", (gint64) 10,
                  "soft-timeout", (gint64) 5,
                  "priority", -3,
                  "working-directory", "/",
                  "environment", environment,
                  "stdin", bytes,
                  "inherit-stdio", TRUE,
                  "output-limit", (guint64) 7,
                  NULL);
  g_assert_cmpuint (n, ==, 8);

  copy = tvm_task_copy (task);
  g_object_get (copy, "argv", &read_argv, "description", &description, "payload-type", &type,
                "environment", &read_environment, NULL);
  g_assert_cmpstrv (read_argv, argv);
  g_assert_cmpstrv (read_environment, environment);
  g_assert_cmpstr (description, ==, "cat 'a b'");
  g_assert_cmpint (type, ==, TVM_PAYLOAD_TYPE_COMMAND);
  g_assert_cmpint (tvm_task_get_timeout (copy), ==, 10);
  g_assert_cmpint (tvm_task_get_soft_timeout (copy), ==, 5);
  g_assert_cmpint (tvm_task_get_priority (copy), ==, -3);
  g_assert_cmpstr (tvm_task_get_working_directory (copy), ==, "/");
  g_assert_true (tvm_task_get_stdin (copy) == bytes);
  g_assert_true (tvm_task_get_inherit_stdio (copy));
  g_assert_cmpuint (tvm_task_get_output_limit (copy), ==, 7);

  tvm_task_set_working_directory (task, NULL);
  tvm_task_set_environment (task, NULL);
  tvm_task_set_stdin (task, NULL);
  g_assert_cmpuint (n, ==, 11);
  g_assert_null (tvm_task_get_working_directory (task));
  g_assert_null (tvm_task_dup_environment (task));
  g_assert_null (tvm_task_get_stdin (task));
}

/* A floating value is the task's; one that is owned stays with its owner too. */
static void
test_floating (void)
{
  g_autoptr (TvmTask) task = tvm_task_new ("f", g_variant_new_int32 (1));
  g_autoptr (GVariant) owned = g_variant_ref_sink (g_variant_new_int32 (2));
  g_autoptr (TvmTask) other = tvm_task_new ("f", owned);

  g_assert_false (g_variant_is_floating (task->args));
  g_clear_object (&other);
  g_assert_cmpint (g_variant_get_int32 (owned), ==, 2);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/task/encode/variant", test_encode_variant);
  g_test_add_func ("/task/encode/not-normal", test_encode_not_normal);
  g_test_add_func ("/task/encode/not-utf8", test_encode_not_utf8);
  g_test_add_func ("/task/encode/nothing", test_encode_nothing);
  g_test_add_func ("/task/encode/bytes", test_encode_bytes);
  g_test_add_func ("/task/encode/wrong-kind", test_encode_wrong_kind);
  g_test_add_func ("/task/encode/command", test_encode_command);
  g_test_add_func ("/task/encode/limits", test_encode_limits);
  g_test_add_func ("/task/encode/bad-command", test_encode_bad_command);
  g_test_add_func ("/task/properties", test_properties);
  g_test_add_func ("/task/floating", test_floating);
  g_test_add_func ("/task/add-bytes", test_add_bytes);
  g_test_add_func ("/task/set-description", test_set_description);

  return g_test_run ();
}
