/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/pool/tvm-task-private.h"
#include "tvmsupport/pool/tvm-worker-info-private.h"
#include "tvmsupport/pool/tvm-worker-spec-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <string.h>

static void
test_new (void)
{
  const char *argv[] = { "python3", "-m", "worker", NULL };
  g_autoptr (TvmWorkerSpec) module = tvm_worker_spec_new_module ("../kernels.so");
  g_autoptr (TvmWorkerSpec) self = tvm_worker_spec_new_self ();
  g_autoptr (TvmWorkerSpec) command = tvm_worker_spec_new_command ();
  g_autoptr (TvmWorkerSpec) runtime =
    tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_BYTES, FALSE);
  g_auto (GStrv) read_argv = tvm_worker_spec_dup_argv (runtime);
  g_autofree char *exe = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  g_object_get (module, "module-path", &path, NULL);
  g_assert_true (g_path_is_absolute (path));
  g_assert_null (strstr (path, ".."));
  g_assert_null (tvm_worker_spec_dup_argv (module));
  g_assert_cmpint (tvm_worker_spec_get_payload_type (module), ==, TVM_PAYLOAD_TYPE_VARIANT);
  g_assert_true (tvm_worker_spec_get_can_fork (module));

  g_assert_cmpstr (self->argv[0], ==, exe);
  g_assert_null (self->argv[1]);
  g_assert_cmpint (tvm_worker_spec_get_payload_type (self), ==, TVM_PAYLOAD_TYPE_VARIANT);

  g_assert_null (tvm_worker_spec_dup_argv (command));
  g_assert_cmpint (tvm_worker_spec_get_payload_type (command), ==, TVM_PAYLOAD_TYPE_COMMAND);

  g_assert_cmpstrv (read_argv, argv);
  g_assert_cmpint (tvm_worker_spec_get_payload_type (runtime), ==, TVM_PAYLOAD_TYPE_BYTES);
  g_assert_false (tvm_worker_spec_get_can_fork (runtime));

  g_assert_true (tvm_worker_spec_check (module, &error));
  g_assert_true (tvm_worker_spec_check (self, &error));
  g_assert_true (tvm_worker_spec_check (command, &error));
  g_assert_true (tvm_worker_spec_check (runtime, &error));
  g_assert_no_error (error);
}

static void
count_notify (GObject    *object,
              GParamSpec *pspec,
              guint      *n)
{
  *n += 1;
}

static void
assert_settings (TvmWorkerSpec *spec)
{
  const char *launcher[] = { "ssh", "host", NULL };
  const char *environment[] = { "A=1", NULL };
  g_auto (GStrv) read_launcher = tvm_worker_spec_dup_launcher (spec);
  g_auto (GStrv) read_environment = tvm_worker_spec_dup_environment (spec);
  g_autoptr (GOutputStream) stream = NULL;
  g_autofree char *path = NULL;

  g_assert_cmpint (tvm_worker_spec_get_start (spec), ==, TVM_WORKER_START_FRESH);
  g_assert_cmpstrv (read_launcher, launcher);
  g_assert_cmpstrv (read_environment, environment);
  g_assert_cmpstr (tvm_worker_spec_get_working_directory (spec), ==, "/");
  g_assert_cmpint (tvm_worker_spec_get_start_timeout (spec), ==, 10);
  g_assert_cmpuint (tvm_worker_spec_get_maximum_uses (spec), ==, 1);
  g_assert_cmpuint (tvm_worker_spec_get_respawn_limit (spec), ==, 2);
  g_assert_cmpuint (tvm_worker_spec_get_n_spares (spec), ==, 4);
  g_assert_cmpuint (tvm_worker_spec_get_address_space_limit (spec), ==, 5);
  g_assert_cmpuint (tvm_worker_spec_get_cpu_time_limit (spec), ==, 6);
  g_assert_cmpuint (tvm_worker_spec_get_open_files_limit (spec), ==, 7);
  g_assert_cmpuint (tvm_worker_spec_get_recycle_size (spec), ==, 8);
  g_assert_cmpuint (tvm_worker_spec_get_maximum_message_size (spec), ==, 9);
  g_assert_cmpint (tvm_worker_spec_get_stdout_mode (spec), ==, TVM_WORKER_OUTPUT_FILE);
  g_assert_cmpint (tvm_worker_spec_get_stderr_mode (spec), ==, TVM_WORKER_OUTPUT_STREAM);
  g_object_get (spec, "stdout-path", &path, "stderr-stream", &stream, NULL);
  g_assert_cmpstr (path, ==, "/dev/null");
  g_assert_true (G_IS_OUTPUT_STREAM (stream));
}

static void
test_settings (void)
{
  const char *launcher[] = { "ssh", "host", NULL };
  const char *environment[] = { "A=1", NULL };
  const char *none[] = { NULL };
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_module ("/kernels.so");
  g_autoptr (TvmWorkerSpec) snapshot = NULL;
  g_autoptr (TvmTask) initializer = tvm_task_new ("init", NULL);
  g_autoptr (GOutputStream) stream = g_memory_output_stream_new_resizable ();
  guint n = 0;

  g_assert_cmpint (tvm_worker_spec_get_start_timeout (spec), ==, 60000);
  g_assert_cmpuint (tvm_worker_spec_get_respawn_limit (spec), ==, 3);
  g_assert_cmpuint (tvm_worker_spec_get_maximum_message_size (spec), ==,
                    2 * G_GUINT64_CONSTANT (1073741824));

  g_signal_connect (spec, "notify", G_CALLBACK (count_notify), &n);
  for (guint i = 0; i < 2; i++)
    g_object_set (spec,
                  "start", TVM_WORKER_START_FRESH,
                  "launcher", launcher,
                  "environment", environment,
                  "working-directory", "/",
                  "initializer", initializer,
                  "start-timeout", (gint64) 10,
                  "maximum-uses", 1,
                  "respawn-limit", 2,
                  "n-spares", 4,
                  "address-space-limit", (guint64) 5,
                  "cpu-time-limit", (guint64) 6,
                  "open-files-limit", (guint64) 7,
                  "recycle-size", (guint64) 8,
                  "maximum-message-size", (guint64) 9,
                  "stdout-path", "/dev/null",
                  "stderr-stream", stream,
                  NULL);
  /* With the two modes that a path and a stream set */
  g_assert_cmpuint (n, ==, 18);
  assert_settings (spec);
  g_assert_true (tvm_worker_spec_get_initializer (spec) == initializer);

  snapshot = tvm_worker_spec_snapshot (spec);
  assert_settings (snapshot);
  g_assert_true (tvm_worker_spec_get_initializer (snapshot) != initializer);
  g_assert_cmpstr (snapshot->initializer->function, ==, "init");

  tvm_worker_spec_set_launcher (spec, none);
  g_assert_null (tvm_worker_spec_dup_launcher (spec));
  tvm_worker_spec_set_initializer (spec, NULL);
  g_assert_null (tvm_worker_spec_get_initializer (spec));
  tvm_worker_spec_set_stdout_path (spec, NULL);
  g_assert_cmpint (tvm_worker_spec_get_stdout_mode (spec), ==, TVM_WORKER_OUTPUT_INHERIT);
  tvm_worker_spec_set_stderr_stream (spec, NULL);
  g_assert_cmpint (tvm_worker_spec_get_stderr_mode (spec), ==, TVM_WORKER_OUTPUT_INHERIT);
  assert_settings (snapshot);
}

/* What is relative belongs to the directory in which the snapshot was taken. */
static void
test_snapshot_paths (void)
{
  g_autoptr (TvmWorkerSpec) spec = tvm_worker_spec_new_command ();
  g_autoptr (TvmWorkerSpec) snapshot = NULL;

  tvm_worker_spec_set_working_directory (spec, "work");
  tvm_worker_spec_set_stdout_path (spec, "log");
  tvm_worker_spec_set_stderr_path (spec, "log");
  g_assert_cmpstr (tvm_worker_spec_get_working_directory (spec), ==, "work");

  snapshot = tvm_worker_spec_snapshot (spec);
  g_assert_true (g_path_is_absolute (snapshot->cwd));
  g_assert_true (g_path_is_absolute (snapshot->out.path));
  g_assert_true (g_path_is_absolute (snapshot->err.path));
}

static void
assert_bad (TvmWorkerSpec *spec)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_worker_spec_check (spec, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT);
}

static void
test_check (void)
{
  const char *none[] = { NULL };
  const char *launcher[] = { "ssh", "host", NULL };
  const char *bad_environment[] = { "GOOD=1", "BAD", NULL };
  g_autoptr (TvmWorkerSpec) empty =
    tvm_worker_spec_new_runtime (none, TVM_PAYLOAD_TYPE_BYTES, FALSE);
  g_autoptr (TvmWorkerSpec) command = tvm_worker_spec_new_command ();
  g_autoptr (TvmWorkerSpec) variable = tvm_worker_spec_new_command ();
  g_autoptr (TvmWorkerSpec) file = tvm_worker_spec_new_command ();
  g_autoptr (TvmWorkerSpec) stream = tvm_worker_spec_new_command ();

  tvm_worker_spec_set_launcher (command, launcher);
  tvm_worker_spec_set_environment (variable, bad_environment);
  tvm_worker_spec_set_stdout_mode (file, TVM_WORKER_OUTPUT_FILE);
  tvm_worker_spec_set_stderr_mode (stream, TVM_WORKER_OUTPUT_STREAM);

  assert_bad (empty);
  assert_bad (command);
  assert_bad (variable);
  assert_bad (file);
  assert_bad (stream);
}

static void
test_info (void)
{
  TvmEngineWorker worker = { 7, 0, TVM_WORKER_STATE_STARTING, 0 };
  g_autoptr (TvmWorkerInfo) info = tvm_worker_info_new (&worker);
  TvmWorkerState state;
  guint64 n_uses;
  guint64 id;
  guint n = 0;
  int pid;

  g_signal_connect (info, "notify", G_CALLBACK (count_notify), &n);
  tvm_worker_info_update (info, &worker);
  g_assert_cmpuint (n, ==, 0);

  worker.pid = 12;
  worker.state = TVM_WORKER_STATE_BUSY;
  tvm_worker_info_update (info, &worker);
  g_assert_cmpuint (n, ==, 2);
  worker.state = TVM_WORKER_STATE_IDLE;
  worker.n_uses = 1;
  tvm_worker_info_update (info, &worker);
  g_assert_cmpuint (n, ==, 4);

  g_object_get (info, "id", &id, "pid", &pid, "state", &state, "n-uses", &n_uses, NULL);
  g_assert_cmpuint (id, ==, 7);
  g_assert_cmpint (pid, ==, 12);
  g_assert_cmpint (state, ==, TVM_WORKER_STATE_IDLE);
  g_assert_cmpuint (n_uses, ==, 1);
  g_assert_cmpuint (tvm_worker_info_get_id (info), ==, id);
  g_assert_cmpint (tvm_worker_info_get_pid (info), ==, pid);
  g_assert_cmpint (tvm_worker_info_get_state (info), ==, state);
  g_assert_cmpuint (tvm_worker_info_get_n_uses (info), ==, n_uses);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/worker-spec/new", test_new);
  g_test_add_func ("/worker-spec/settings", test_settings);
  g_test_add_func ("/worker-spec/snapshot-paths", test_snapshot_paths);
  g_test_add_func ("/worker-spec/check", test_check);
  g_test_add_func ("/worker-info", test_info);

  return g_test_run ();
}
