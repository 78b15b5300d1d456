/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-job-limiter-private.h"
#include "tvmsupport/toolchain/tvm-machine-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What has been granted so far: a callback adds to it. */
typedef struct
{
  GPtrArray *slots;      /* (element-type TvmJobSlot) */
  guint n_cancelled;
} Grants;

static void
slot_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  Grants *grants = user_data;
  g_autoptr (GError) error = NULL;
  TvmJobSlot *slot = tvm_job_limiter_acquire_finish (result, &error);

  if (slot != NULL)
    g_ptr_array_add (grants->slots, slot);
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      grants->n_cancelled++;
    }
}

static void
grants_init (Grants *grants)
{
  grants->slots = g_ptr_array_new ();
  grants->n_cancelled = 0;
}

static void
release_one (Grants *grants)
{
  tvm_job_slot_release (g_ptr_array_steal_index (grants->slots, 0));
}

static void
release_all (Grants *grants)
{
  while (grants->slots->len > 0)
    release_one (grants);
}

static void
iterate_until (Grants *grants,
               guint   n_slots)
{
  while (grants->slots->len < n_slots)
    g_main_context_iteration (NULL, TRUE);
}

static void
drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
acquire (TvmJobLimiter *limiter,
         Grants        *grants,
         guint          n)
{
  guint i;

  for (i = 0; i < n; i++)
    tvm_job_limiter_acquire_async (limiter, NULL, slot_ready, grants);
}

static void
test_limit (void)
{
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);
  Grants grants;

  grants_init (&grants);
  tvm_job_limiter_set_max_jobs (limiter, 2);
  acquire (limiter, &grants, 5);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 2);

  release_one (&grants);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 2);

  /* A higher limit counts at once. */
  tvm_job_limiter_set_max_jobs (limiter, 4);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 4);
  release_all (&grants);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 0);
  g_ptr_array_unref (grants.slots);
}

static void
test_automatic_limit (void)
{
  g_autoptr (TvmJobLimiter) serial = tvm_job_limiter_new (NULL, 1);
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);

  g_assert_cmpuint (tvm_job_limiter_get_limit (limiter), ==, tvm_machine_get_processors ());
  g_assert_cmpuint (tvm_machine_get_processors (), >=, 1);
  g_assert_cmpuint (tvm_job_limiter_get_limit (serial), ==, 1);
  tvm_job_limiter_set_max_jobs (serial, 3);
  g_assert_cmpuint (tvm_job_limiter_get_limit (serial), ==, 3);
  tvm_job_limiter_set_max_jobs (serial, 0);
  g_assert_cmpuint (tvm_job_limiter_get_limit (serial), ==, 1);
  g_assert_cmpuint (tvm_machine_get_processors (), <=, g_get_num_processors ());
}

static void
test_cancel (void)
{
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Grants grants;

  grants_init (&grants);
  tvm_job_limiter_set_max_jobs (limiter, 1);
  acquire (limiter, &grants, 1);
  iterate_until (&grants, 1);

  g_cancellable_cancel (cancelled);
  tvm_job_limiter_acquire_async (limiter, cancelled, slot_ready, &grants);
  tvm_job_limiter_acquire_async (limiter, cancellable, slot_ready, &grants);
  acquire (limiter, &grants, 1);
  drain ();
  g_assert_cmpuint (grants.n_cancelled, ==, 1);

  g_cancellable_cancel (cancellable);
  drain ();
  g_assert_cmpuint (grants.n_cancelled, ==, 2);

  /* Who stands behind one that went gets its turn. */
  release_one (&grants);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 1);
  release_all (&grants);
  g_ptr_array_unref (grants.slots);
}

static void
test_memory (void)
{
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);
  Grants grants;

  /* More than any machine has: one at a time, but never none */
  grants_init (&grants);
  tvm_job_limiter_set_max_jobs (limiter, 8);
  tvm_job_limiter_set_memory_per_job (limiter, G_GUINT64_CONSTANT (1) << 60);
  acquire (limiter, &grants, 3);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 1);
  release_one (&grants);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 1);

  /* What a job has needed counts where nothing was said. */
  tvm_job_limiter_set_memory_per_job (limiter, 0);
  drain ();
  g_assert_cmpuint (grants.slots->len, ==, 2);
  acquire (limiter, &grants, 2);
  drain ();
  tvm_job_slot_set_peak_memory (g_ptr_array_index (grants.slots, 0), G_GUINT64_CONSTANT (1) << 60);
  release_all (&grants);
  drain ();
  g_assert_cmpuint (grants.slots->len, <=, 1);
  release_all (&grants);
  drain ();
  release_all (&grants);
  g_ptr_array_unref (grants.slots);
}

static int
count_tokens (int fd)
{
  int n;

  g_assert_cmpint (ioctl (fd, FIONREAD, &n), ==, 0);
  return n;
}

static void
check_jobserver (const char *makeflags,
                 int         token_fd,
                 int         put_fd)
{
  gboolean unavailable;
  g_autoptr (TvmJobserver) jobserver = tvm_jobserver_new (makeflags, &unavailable);
  TvmJobLimiter *first = tvm_job_limiter_new (jobserver, 0);
  TvmJobLimiter *second = tvm_job_limiter_new (jobserver, 0);
  Grants first_grants;
  Grants second_grants;

  g_assert_nonnull (jobserver);
  g_assert_false (unavailable);
  grants_init (&first_grants);
  grants_init (&second_grants);
  tvm_job_limiter_set_max_jobs (first, 10);
  tvm_job_limiter_set_max_jobs (second, 10);

  /* Two tokens and the free slot */
  acquire (first, &first_grants, 5);
  drain ();
  g_assert_cmpuint (first_grants.slots->len, ==, 3);
  g_assert_cmpint (count_tokens (token_fd), ==, 0);

  /* Another compiler of the process has no free slot of its own, but gets what is given back. */
  acquire (second, &second_grants, 1);
  drain ();
  g_assert_cmpuint (second_grants.slots->len, ==, 0);

  /* make gives one back. */
  g_assert_cmpint (write (put_fd, "x", 1), ==, 1);
  while (first_grants.slots->len + second_grants.slots->len < 4)
    g_main_context_iteration (NULL, TRUE);

  while (first_grants.slots->len + second_grants.slots->len > 0)
    {
      release_all (&first_grants);
      release_all (&second_grants);
      drain ();
    }

  /* Every token has come back, each as it was. */
  g_assert_cmpint (count_tokens (token_fd), ==, 3);
  tvm_job_limiter_unref (first);
  tvm_job_limiter_unref (second);
  g_ptr_array_unref (first_grants.slots);
  g_ptr_array_unref (second_grants.slots);
}

static void
test_jobserver_pipe (void)
{
  g_autofree char *makeflags = NULL;
  char tokens[4] = "";
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_cmpint (write (fds[1], "ab", 2), ==, 2);
  makeflags = g_strdup_printf (" -j3 --jobserver-auth=99,98 --jobserver-auth=%d,%d -- X=1", fds[0],
                               fds[1]);
  check_jobserver (makeflags, fds[0], fds[1]);

  /* Ours must not have made make's end one that does not block. */
  g_assert_cmpint (fcntl (fds[0], F_GETFL) & O_NONBLOCK, ==, 0);
  g_assert_cmpint (read (fds[0], tokens, 3), ==, 3);
  g_assert_nonnull (strchr (tokens, 'a'));
  g_assert_nonnull (strchr (tokens, 'b'));
  g_assert_nonnull (strchr (tokens, 'x'));
  close (fds[0]);
  close (fds[1]);
}

static void
test_jobserver_fifo (void)
{
  g_autofree char *folder = g_dir_make_tmp ("tvm-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "jobs", NULL);
  g_autofree char *makeflags = g_strdup_printf ("-j3 --jobserver-auth=fifo:%s", path);
  int fd;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (write (fd, "ab", 2), ==, 2);
  check_jobserver (makeflags, fd, fd);
  close (fd);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_jobserver_unavailable (void)
{
  gboolean unavailable;

  g_assert_null (tvm_jobserver_new (NULL, &unavailable));
  g_assert_false (unavailable);
  g_assert_null (tvm_jobserver_new ("-j8 -k", &unavailable));
  g_assert_false (unavailable);
  /* A rule of the Makefile without a "+": make keeps its pipe to itself. */
  g_assert_null (tvm_jobserver_new ("-j8 --jobserver-auth=987,988", &unavailable));
  g_assert_true (unavailable);
  g_assert_null (tvm_jobserver_new ("-j8 --jobserver-auth=-2,-2", &unavailable));
  g_assert_true (unavailable);
  g_assert_null (tvm_jobserver_new ("--jobserver-auth=fifo:/nonexistent/fifo", &unavailable));
  g_assert_true (unavailable);
}

static void
test_fork (void)
{
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);
  Grants grants;
  int status;
  pid_t pid;

  grants_init (&grants);
  tvm_job_limiter_set_max_jobs (limiter, 1);
  acquire (limiter, &grants, 2);
  iterate_until (&grants, 1);

  /* The job of the parent takes no place in the child. */
  pid = fork ();
  if (pid == 0)
    {
      Grants own;

      grants_init (&own);
      acquire (limiter, &own, 1);
      iterate_until (&own, 1);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);

  release_one (&grants);
  iterate_until (&grants, 1);
  release_all (&grants);
  g_ptr_array_unref (grants.slots);
}

static void
test_makeflags (void)
{
  g_autofree char *pipe_flags =
    tvm_jobserver_filter_makeflags (" -j8 --jobserver-auth=3,4 -- X=1");
  g_autofree char *fifo_flags =
    tvm_jobserver_filter_makeflags ("-j8 --jobserver-auth=fifo:/tmp/f");

  g_assert_cmpstr (pipe_flags, ==, " -j8 -- X=1");
  g_assert_cmpstr (fifo_flags, ==, "-j8 --jobserver-auth=fifo:/tmp/f");
}

static gpointer
take_and_release (gpointer data)
{
  TvmJobLimiter *limiter = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  guint i;

  for (i = 0; i < 500; i++)
    {
      Grants grants;

      grants_init (&grants);
      acquire (limiter, &grants, 1);
      while (grants.slots->len == 0)
        g_main_context_iteration (context, TRUE);
      release_all (&grants);
      g_ptr_array_unref (grants.slots);
    }

  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (TvmJobLimiter) limiter = tvm_job_limiter_new (NULL, 0);
  GThread *threads[4];
  guint i;

  tvm_job_limiter_set_max_jobs (limiter, 2);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("limiter", take_and_release, limiter);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  alarm (60);

  g_test_add_func ("/job-limiter/limit", test_limit);
  g_test_add_func ("/job-limiter/automatic", test_automatic_limit);
  g_test_add_func ("/job-limiter/cancel", test_cancel);
  g_test_add_func ("/job-limiter/memory", test_memory);
  g_test_add_func ("/job-limiter/jobserver/pipe", test_jobserver_pipe);
  g_test_add_func ("/job-limiter/jobserver/fifo", test_jobserver_fifo);
  g_test_add_func ("/job-limiter/jobserver/unavailable", test_jobserver_unavailable);
  g_test_add_func ("/job-limiter/fork", test_fork);
  g_test_add_func ("/job-limiter/jobserver/makeflags", test_makeflags);
  g_test_add_func ("/job-limiter/threads", test_threads);

  return g_test_run ();
}
