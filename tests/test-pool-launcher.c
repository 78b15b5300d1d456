/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Workers behind a launcher: with a real sshd on the loopback interface, and with env as the
 * smallest one there is. */

typedef struct
{
  PoolFixture pool;
  GSubprocess *sshd;
  GStrv launcher;
} Fixture;

static void
run_to_end (const char * const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
}

static guint
find_free_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_no_errno (bind (fd, (struct sockaddr *) &address, sizeof address));
  g_assert_no_errno (getsockname (fd, (struct sockaddr *) &address, &length));
  close (fd);
  return ntohs (address.sin_port);
}

static void
wait_for_port (guint port)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK), .sin_port = htons (port),
  };
  gint64 limit = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  int result;

  do
    {
      int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

      result = connect (fd, (struct sockaddr *) &address, sizeof address);
      close (fd);
      if (result != 0)
        g_usleep (5000);
    }
  while (result != 0 && g_get_monotonic_time () < limit);
  g_assert_cmpint (result, ==, 0);
}

static void
start_sshd (Fixture    *self,
            const char *sshd)
{
  ProcessFixture *process = &self->pool.process;
  g_autofree char *key = process_fixture_path (process, "key");
  g_autofree char *public_key = g_strconcat (key, ".pub", NULL);
  g_autofree char *config_path = process_fixture_path (process, "sshd_config");
  guint port = find_free_port ();
  g_autofree char *config = NULL;
  g_autoptr (GError) error = NULL;

  run_to_end ((const char *[]) { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, NULL });
  config = g_strdup_printf ("Port %u\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\n"
                            "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
                            "PasswordAuthentication no\n", port, key, public_key);
  g_assert_true (g_file_set_contents (config_path, config, -1, &error));

  /* Where Debian's sshd wants to live when it is root */
  if (geteuid () == 0)
    g_mkdir_with_parents ("/run/sshd", 0755);
  self->sshd = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, sshd, "-D", "-e", "-f",
                                 config_path, NULL);
  g_assert_no_error (error);
  wait_for_port (port);

  self->launcher = g_new0 (char *, 16);
  self->launcher[0] = g_strdup ("ssh");
  self->launcher[1] = g_strdup ("-Fnone");
  self->launcher[2] = g_strdup ("-oUserKnownHostsFile=/dev/null");
  self->launcher[3] = g_strdup ("-oStrictHostKeyChecking=no");
  self->launcher[4] = g_strdup ("-oLogLevel=ERROR");
  self->launcher[5] = g_strdup_printf ("-p%u", port);
  self->launcher[6] = g_strdup_printf ("-i%s", key);
  self->launcher[7] = g_strdup ("127.0.0.1");
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autofree char *sshd = NULL;

  pool_fixture_set_up (&self->pool, NULL);
  if (data == NULL)
    {
      self->launcher = g_strsplit ("env TVM_TEST_LAUNCHED=1", " ", -1);
      return;
    }

  sshd = g_file_test ("/usr/sbin/sshd", G_FILE_TEST_IS_EXECUTABLE) ? g_strdup ("/usr/sbin/sshd")
                                                                  : g_find_program_in_path ("sshd");
  if (sshd != NULL)
    start_sshd (self, sshd);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  if (self->sshd != NULL)
    {
      g_subprocess_force_exit (self->sshd);
      g_subprocess_wait (self->sshd, NULL, NULL);
    }
  g_clear_object (&self->sshd);
  g_clear_pointer (&self->launcher, g_strfreev);
  pool_fixture_tear_down (&self->pool, NULL);
}

static gboolean
prepare (Fixture *self)
{
  if (self->launcher == NULL)
    {
      g_test_skip ("there is no sshd");
      return FALSE;
    }

  tvm_worker_spec_set_launcher (self->pool.spec, (const char * const *) self->launcher);
  return TRUE;
}

static void
test_calls (Fixture       *fixture,
            gconstpointer  data)
{
  g_autofree guint8 *memory = g_malloc0 (3000000);
  g_autoptr (GVariant) args = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  if (!prepare (fixture))
    return;

  pool = pool_fixture_pool (&fixture->pool);
  for (int i = 0; i < 50; i++)
    pool_fixture_assert_sum (pool, i, i + 1);

  args = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, memory, 3000000, 1));
  value = tvm_pool_executor_call (pool, "echo", args, NULL, &error);
  g_assert_no_error (error);
  pool_fixture_assert_same (value, args);

  /* What a task prints does not get between the frames. */
  g_clear_pointer (&value, g_variant_unref);
  value = tvm_pool_executor_call (pool, "write_stdout", g_variant_new ("(s)", ""), NULL, &error);
  g_assert_no_error (error);
  pool_fixture_end (pool);
}

static void
test_kill (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *path = NULL;
  g_autoptr (TvmTask) task = NULL;
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  if (!prepare (fixture))
    return;

  path = process_fixture_path (&fixture->pool.process, "pid");
  pool = pool_fixture_pool (&fixture->pool);
  pool_fixture_assert_sum (pool, 1, 2);
  task = tvm_task_new ("daemonize", g_variant_new ("(ss)", path, "sleep"));
  tvm_task_set_timeout (task, 1000);
  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tvm_task_result_get_status (result), ==, TVM_STATUS_KIND_TIMEOUT);
  pool_fixture_wait_dead (pool_fixture_read_pid (path));
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_end (pool);
}

static void
test_crash (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  TvmPoolExecutor *pool;

  if (!prepare (fixture))
    return;

  pool = pool_fixture_pool (&fixture->pool);
  value = tvm_pool_executor_call (pool, "crash", NULL, NULL, &error);
  g_assert_null (value);
  g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
  pool_fixture_assert_sum (pool, 3, 4);
  pool_fixture_end (pool);
}

static int
get_pid (TvmPoolExecutor *pool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pid = tvm_pool_executor_call (pool, "pid", NULL, NULL, &error);

  g_assert_no_error (error);
  return g_variant_get_int32 (pid);
}

/* It is the worker that counts, not the launcher in front of it. */
static void
test_recycle_size (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (TvmPoolExecutor) pool = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  int pid;

  if (!prepare (fixture))
    return;

  tvm_worker_spec_set_recycle_size (fixture->pool.spec, 200 * 1024 * 1024);
  pool = tvm_pool_executor_new (fixture->pool.spec, 1);
  pid = get_pid (pool);
  g_assert_cmpint (get_pid (pool), ==, pid);
  value = tvm_pool_executor_call (pool, "hold",
                                  g_variant_new ("(t)", G_GUINT64_CONSTANT (256) * 1024 * 1024),
                                  NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (get_pid (pool), !=, pid);
  pid = get_pid (pool);
  g_assert_cmpint (get_pid (pool), ==, pid);
  pool_fixture_end (g_steal_pointer (&pool));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  g_test_add ("/pool-launcher/env/calls", Fixture, NULL, set_up, test_calls, tear_down);
  g_test_add ("/pool-launcher/env/kill", Fixture, NULL, set_up, test_kill, tear_down);
  g_test_add ("/pool-launcher/env/crash", Fixture, NULL, set_up, test_crash, tear_down);
  g_test_add ("/pool-launcher/env/recycle-size", Fixture, NULL, set_up, test_recycle_size,
              tear_down);
  g_test_add ("/pool-launcher/ssh/calls", Fixture, "ssh", set_up, test_calls, tear_down);
  g_test_add ("/pool-launcher/ssh/kill", Fixture, "ssh", set_up, test_kill, tear_down);
  g_test_add ("/pool-launcher/ssh/crash", Fixture, "ssh", set_up, test_crash, tear_down);
  g_test_add ("/pool-launcher/ssh/recycle-size", Fixture, "ssh", set_up, test_recycle_size,
              tear_down);

  return g_test_run ();
}
