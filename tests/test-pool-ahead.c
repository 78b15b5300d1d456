/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Short calls are sent to a worker before it has answered the ones before. Nothing of that shows:
 * what happens to one of them does not touch the others. */

#define N_SHORT 300

typedef struct
{
  guint n_done;
  guint n_good;
  guint n_cancelled;
  guint n_died;
} Outcomes;

static void
count_outcome (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  Outcomes *outcomes = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmTaskResult) outcome =
    tvm_pool_executor_submit_finish (TVM_POOL_EXECUTOR (source), result, &error);

  outcomes->n_done++;
  if (outcome != NULL && tvm_task_result_check (outcome, &error))
    outcomes->n_good++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    outcomes->n_cancelled++;
  else if (g_error_matches (error, TVM_ERROR, TVM_ERROR_WORKER_DIED))
    outcomes->n_died++;
  else
    g_assert_no_error (error);
}

static void
submit (TvmPoolExecutor *pool,
        const char      *function,
        GVariant        *args,
        GCancellable    *cancellable,
        Outcomes        *outcomes)
{
  g_autoptr (TvmTask) task = tvm_task_new (function, args);

  tvm_pool_executor_submit_async (pool, task, cancellable, count_outcome, outcomes);
}

static void
submit_short (TvmPoolExecutor *pool,
              Outcomes        *outcomes)
{
  for (guint i = 0; i < N_SHORT; i++)
    submit (pool, "add", g_variant_new ("(ii)", i, i), NULL, outcomes);
}

static void
wait_done (Outcomes *outcomes,
           guint     n_done)
{
  while (outcomes->n_done < n_done)
    g_main_context_iteration (NULL, TRUE);
}

/* Lets the pool find out that calls are short. */
static void
learn (TvmPoolExecutor *pool)
{
  Outcomes outcomes = { 0 };

  for (guint i = 0; i < 10; i++)
    submit_short (pool, &outcomes);
  wait_done (&outcomes, 10 * N_SHORT);
  g_assert_cmpuint (outcomes.n_good, ==, 10 * N_SHORT);
}

/* What was sent behind a call that turns out to be slow is done by another worker. */
static void
test_slow (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  learn (pool);
  for (guint round = 0; round < 10; round++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Outcomes outcomes = { 0 };
      Outcomes slow = { 0 };

      submit_short (pool, &outcomes);
      submit (pool, "spin", NULL, cancellable, &slow);
      submit_short (pool, &outcomes);
      wait_done (&outcomes, 2 * N_SHORT);
      g_assert_cmpuint (outcomes.n_good, ==, 2 * N_SHORT);
      g_assert_cmpuint (slow.n_done, ==, 0);

      g_cancellable_cancel (cancellable);
      wait_done (&slow, 1);
      g_assert_cmpuint (slow.n_cancelled, ==, 1);
    }
  pool_fixture_end (pool);
}

/* A call that was cancelled before it began never begins, wherever it was. The one before it opens a
 * fifo, which takes until somebody reads that. */
static void
test_cancel (PoolFixture   *fixture,
             gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "ran");
  g_autofree char *gate = process_fixture_path (&fixture->process, "gate");
  TvmPoolExecutor *pool = tvm_pool_executor_new (fixture->spec, 1);
  g_autoptr (GCancellable) all = g_cancellable_new ();
  Outcomes outcomes = { 0 };
  Outcomes slow = { 0 };
  int fd;

  g_assert_no_errno (mkfifo (gate, 0600));
  learn (pool);
  submit (pool, "add", g_variant_new ("(ii)", 1, 1), NULL, &outcomes);
  submit (pool, "append", g_variant_new ("(ss)", gate, "x"), NULL, &slow);
  for (guint i = 0; i < 200; i++)
    submit (pool, "append", g_variant_new ("(ss)", path, "x"), all, &outcomes);
  wait_done (&outcomes, 1);
  g_cancellable_cancel (all);
  wait_done (&outcomes, 201);
  g_assert_cmpuint (slow.n_done, ==, 0);
  fd = open (gate, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  wait_done (&slow, 1);
  close (fd);
  g_assert_cmpuint (outcomes.n_cancelled, ==, 200);
  g_assert_cmpuint (slow.n_good, ==, 1);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  pool_fixture_assert_sum (pool, 1, 2);
  pool_fixture_end (pool);
}

/* While calls run, each third of them is cancelled: it is told so, or its result comes. Nothing else
 * is touched, but for what a worker that had to be killed was about to do: that goes to another. */
static void
test_cancel_often (PoolFixture   *fixture,
                   gconstpointer  data)
{
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  learn (pool);
  for (guint round = 0; round < 20; round++)
    {
      g_autoptr (GCancellable) some = g_cancellable_new ();
      Outcomes others = { 0 };
      Outcomes outcomes = { 0 };

      for (guint i = 0; i < N_SHORT; i++)
        submit (pool, "add", g_variant_new ("(ii)", i, i), i % 3 == 0 ? some : NULL,
                i % 3 == 0 ? &outcomes : &others);
      wait_done (&others, 1 + round);
      g_cancellable_cancel (some);
      wait_done (&others, N_SHORT - N_SHORT / 3);
      wait_done (&outcomes, N_SHORT / 3);
      g_assert_cmpuint (others.n_good, ==, N_SHORT - N_SHORT / 3);
      g_assert_cmpuint (outcomes.n_good + outcomes.n_cancelled, ==, N_SHORT / 3);
    }
  pool_fixture_end (pool);
}

static void
assert_each_once (const char *path,
                  guint       n_each)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_file_get_contents (path, &contents, NULL, &error);
  g_assert_no_error (error);
  words = g_strsplit (g_strstrip (contents), " ", -1);
  for (guint i = 0; words[i] != NULL; i++)
    g_assert_true (g_hash_table_add (seen, words[i]));
  g_assert_cmpuint (g_hash_table_size (seen), ==, n_each);
}

/* A worker that dies has done what it has done, and the rest is done once. */
static void
test_crash (PoolFixture   *fixture,
            gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "numbers");
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Outcomes outcomes = { 0 };
  Outcomes crashes = { 0 };
  const guint n_rounds = 20;

  learn (pool);
  for (guint round = 0; round < n_rounds; round++)
    {
      for (guint i = 0; i < 100; i++)
        {
          g_autofree char *number = g_strdup_printf ("%u ", round * 100 + i);

          submit (pool, "append", g_variant_new ("(ss)", path, number), NULL, &outcomes);
          if (i == 20 + round)
            submit (pool, "crash", NULL, NULL, &crashes);
        }
      wait_done (&outcomes, (round + 1) * 100);
    }
  wait_done (&crashes, n_rounds);
  g_assert_cmpuint (crashes.n_died, ==, n_rounds);
  g_assert_cmpuint (outcomes.n_good, ==, n_rounds * 100);
  assert_each_once (path, n_rounds * 100);
  pool_fixture_end (pool);
}

/* A worker that writes nonsense into the memory that it shares with us is not believed. */
static void
test_scribble (PoolFixture   *fixture,
               gconstpointer  data)
{
  static const guint64 numbers[] = { 1, 31, 64, 16385, G_MAXUINT64, G_GUINT64_CONSTANT (1) << 63 };
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  learn (pool);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;
      Outcomes outcomes = { 0 };

      /* It is about the memory of a new worker. */
      value = tvm_pool_executor_call (pool, "crash", NULL, NULL, &error);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_WORKER_DIED);
      g_clear_error (&error);

      value = tvm_pool_executor_call (pool, "scribble", g_variant_new ("(t)", numbers[i]), NULL, &error);
      g_assert_error (error, TVM_ERROR, TVM_ERROR_PROTOCOL);
      g_assert_null (value);

      submit_short (pool, &outcomes);
      wait_done (&outcomes, N_SHORT);
      g_assert_cmpuint (outcomes.n_good, ==, N_SHORT);
    }
  pool_fixture_end (pool);
}

/* What a task prints is in its own result. */
static void
test_capture (PoolFixture   *fixture,
              gconstpointer  data)
{
  g_autofree GVariant **items = g_new (GVariant *, N_SHORT);
  g_autoptr (TvmMapIterator) results = NULL;
  TvmPoolExecutor *pool = NULL;
  TvmMapResult *next;
  guint n = 0;

  tvm_worker_spec_set_stdout_mode (fixture->spec, TVM_WORKER_OUTPUT_CAPTURE);
  pool = pool_fixture_pool (fixture);
  learn (pool);
  for (guint i = 0; i < N_SHORT; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u\n", i);

      items[i] = g_variant_new ("(s)", text);
    }

  results = tvm_pool_executor_map (pool, "write_stdout", items, N_SHORT, TVM_MAP_FLAGS_NONE);
  while ((next = tvm_map_iterator_next (results, NULL, NULL)) != NULL)
    {
      g_autoptr (TvmMapResult) result = next;
      g_autofree char *expected = g_strdup_printf ("%u\n", n++);
      GBytes *out = tvm_task_result_get_stdout (tvm_map_result_get_task_result (result));

      g_assert_cmpmem (g_bytes_get_data (out, NULL), g_bytes_get_size (out),
                       expected, strlen (expected));
    }
  g_assert_cmpuint (n, ==, N_SHORT);
  g_clear_object (&results);
  pool_fixture_end (pool);
}

/* A worker ends after its uses, of which those that were taken back are none. */
static void
test_uses (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = NULL;
  Outcomes outcomes = { 0 };
  Outcomes slow = { 0 };

  tvm_worker_spec_set_maximum_uses (fixture->spec, 50);
  pool = pool_fixture_pool (fixture);
  learn (pool);
  submit_short (pool, &outcomes);
  submit (pool, "sleep", g_variant_new ("(u)", 50), NULL, &slow);
  submit_short (pool, &outcomes);
  wait_done (&outcomes, 2 * N_SHORT);
  wait_done (&slow, 1);
  g_assert_cmpuint (outcomes.n_good + slow.n_good, ==, 2 * N_SHORT + 1);
  pool_fixture_end (pool);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-ahead/slow", test_slow);
  pool_fixture_add ("/pool-ahead/cancel", test_cancel);
  pool_fixture_add ("/pool-ahead/cancel/often", test_cancel_often);
  pool_fixture_add ("/pool-ahead/crash", test_crash);
  pool_fixture_add ("/pool-ahead/scribble", test_scribble);
  pool_fixture_add ("/pool-ahead/capture", test_capture);
  pool_fixture_add ("/pool-ahead/uses", test_uses);

  return g_test_run ();
}
