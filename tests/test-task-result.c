/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-result-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <signal.h>
#include <string.h>

static void
test_complete (void)
{
  g_autoptr (TvmTaskResult) result = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);
  g_autoptr (GError) error = NULL;
  TvmStatusKind status;
  gint64 user;
  int exit_status;

  result->value = g_variant_ref_sink (g_variant_new_int32 (3));

  g_assert_true (tvm_task_result_check (result, &error));
  g_assert_no_error (error);
  g_assert_null (tvm_task_result_get_error (result));
  g_assert_cmpint (g_variant_get_int32 (tvm_task_result_get_value (result)), ==, 3);
  g_assert_null (tvm_task_result_get_stdout (result));
  g_assert_null (tvm_task_result_get_remote_type (result));
  g_object_get (result, "status", &status, "exit-status", &exit_status, "user-usec", &user, NULL);
  g_assert_cmpint (status, ==, TVM_STATUS_KIND_COMPLETE);
  g_assert_cmpint (exit_status, ==, -1);
  g_assert_cmpint (user, ==, -1);
}

static void
test_error (void)
{
  g_autoptr (TvmTaskResult) failed = NULL;
  g_autoptr (TvmTaskResult) timeout = NULL;
  g_autoptr (GError) error = NULL;

  failed = tvm_task_result_new_error (g_error_new (TVM_ERROR, TVM_ERROR_TASK_FAILED, "no luck"));
  g_assert_cmpint (tvm_task_result_get_status (failed), ==, TVM_STATUS_KIND_EXCEPTION);
  g_assert_false (tvm_task_result_check (failed, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TASK_FAILED);
  g_assert_cmpstr (error->message, ==, "no luck");
  g_assert_true (error != tvm_task_result_get_error (failed));
  g_clear_error (&error);
  g_assert_false (tvm_task_result_check (failed, NULL));

  timeout = tvm_task_result_new_error (g_error_new (TVM_ERROR, TVM_ERROR_TIMED_OUT, "late"));
  g_assert_cmpint (tvm_task_result_get_status (timeout), ==, TVM_STATUS_KIND_TIMEOUT);
  g_assert_false (tvm_task_result_check (timeout, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
}

static TvmTaskResult *
make_command_result (int         exit_status,
                     int         term_signal,
                     const char *said)
{
  TvmTaskResult *self = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);

  self->exit_status = exit_status;
  self->term_signal = term_signal;
  self->description = g_strdup ("cc -c a.c");
  self->stderr_bytes = said != NULL ? g_bytes_new (said, strlen (said)) : NULL;
  return self;
}

static void
test_command (void)
{
  g_autoptr (TvmTaskResult) fine = make_command_result (0, 0, "a warning");
  g_autoptr (TvmTaskResult) failed = make_command_result (3, 0, "a.c:1: no\n\xff\n");
  g_autoptr (TvmTaskResult) crashed = make_command_result (-1, SIGSEGV, "");
  g_autoptr (TvmTaskResult) quiet = make_command_result (1, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_task_result_check (fine, &error));
  g_assert_no_error (error);

  g_assert_false (tvm_task_result_check (failed, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "cc -c a.c"));
  g_assert_nonnull (strstr (error->message, "3"));
  g_assert_nonnull (strstr (error->message, "a.c:1: no"));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (tvm_task_result_get_error (failed));
  g_clear_error (&error);

  g_assert_false (tvm_task_result_check (crashed, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "11"));
  g_clear_error (&error);

  g_assert_false (tvm_task_result_check (quiet, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
}

/* A long log is cut, at its front and between two characters. */
static void
test_command_tail (void)
{
  g_autoptr (GString) text = g_string_new ("the beginning");
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3000; i++)
    g_string_append (text, "ü");
  g_string_append (text, " the end\n");

  result = make_command_result (1, 0, text->str);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_FAILED);
  g_assert_true (g_str_has_suffix (error->message, "ü the end"));
  g_assert_null (strstr (error->message, "the beginning"));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 2200);
}

static void
test_map_result (void)
{
  TvmTaskResult *inner = tvm_task_result_new (TVM_STATUS_KIND_COMPLETE);
  g_autoptr (TvmMapResult) result = NULL;
  g_autoptr (TvmMapResult) failed = NULL;
  g_autoptr (TvmTaskResult) read = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  TvmStatusKind status;
  guint64 index;

  inner->value = g_variant_ref_sink (g_variant_new_string ("yes"));
  result = tvm_map_result_new (G_MAXUINT64, inner);
  g_assert_cmpuint (tvm_map_result_get_index (result), ==, G_MAXUINT64);
  g_assert_cmpint (tvm_map_result_get_status (result), ==, TVM_STATUS_KIND_COMPLETE);
  g_assert_cmpstr (g_variant_get_string (tvm_map_result_get_value (result), NULL), ==, "yes");
  g_assert_null (tvm_map_result_get_error (result));
  g_assert_true (tvm_map_result_get_task_result (result) == inner);

  inner = tvm_task_result_new_error (g_error_new (TVM_ERROR, TVM_ERROR_WORKER_DIED, "gone"));
  failed = tvm_map_result_new (1, inner);
  g_object_get (failed, "index", &index, "status", &status, "error", &error, "value", &value,
                "task-result", &read, NULL);
  g_assert_cmpuint (index, ==, 1);
  g_assert_cmpint (status, ==, TVM_STATUS_KIND_EXCEPTION);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  g_assert_null (value);
  g_assert_true (read == inner);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/task-result/complete", test_complete);
  g_test_add_func ("/task-result/error", test_error);
  g_test_add_func ("/task-result/command", test_command);
  g_test_add_func ("/task-result/command-tail", test_command_tail);
  g_test_add_func ("/map-result", test_map_result);

  return g_test_run ();
}
