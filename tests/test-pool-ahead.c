/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pool-fixture.h"
#include "tvmsupport/tvm-error.h"
#include "tvmsupport/worker/tvm-status-page.h"

#include <fcntl.h>
#include <poll.h>
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

/* An argument as long as one may be that is sent ahead */
static GVariant *
new_text (void)
{
  g_autofree char *text = g_strnfill (4000, 'x');

  return g_variant_new ("(s)", text);
}

/* While calls run, each third of them is cancelled: it is told so, or its result comes. Nothing else
 * is touched, but for what a worker that had to be killed was about to do: that goes to another. */
static void
cancel_often (PoolFixture *fixture,
              const char  *function,
              GVariant    *args)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (args);
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);

  learn (pool);
  for (guint round = 0; round < 20; round++)
    {
      g_autoptr (GCancellable) some = g_cancellable_new ();
      Outcomes others = { 0 };
      Outcomes outcomes = { 0 };

      for (guint i = 0; i < N_SHORT; i++)
        submit (pool, function, owned, i % 3 == 0 ? some : NULL, i % 3 == 0 ? &outcomes : &others);
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
test_cancel_often (PoolFixture   *fixture,
                   gconstpointer  data)
{
  cancel_often (fixture, "add", g_variant_new ("(ii)", 1, 2));
}

/* The same, with more answers than are read at a time */
static void
test_cancel_long (PoolFixture   *fixture,
                  gconstpointer  data)
{
  cancel_often (fixture, "echo", new_text ());
}

/* Returns: how many there are */
static guint
assert_each_once (const char *path)
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
  return g_hash_table_size (seen);
}

/* A worker that dies has done what it has done, and the rest is done once. */
static void
crash_among_others (PoolFixture    *fixture,
                    TvmRetryPolicy  policy)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "numbers");
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  Outcomes outcomes = { 0 };
  Outcomes crashes = { 0 };
  const guint n_rounds = 20;

  tvm_pool_executor_set_retry_policy (pool, policy);
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
  g_assert_cmpuint (assert_each_once (path), ==, n_rounds * 100);
  pool_fixture_end (pool);
}

static void
test_crash (PoolFixture   *fixture,
            gconstpointer  data)
{
  crash_among_others (fixture, TVM_RETRY_POLICY_NOT_BEGUN);
}

/* What only waited behind it is not what the worker was to begin. */
static void
test_crash_never (PoolFixture   *fixture,
                  gconstpointer  data)
{
  crash_among_others (fixture, TVM_RETRY_POLICY_NEVER);
}

/* A worker that cannot be reached any more does not go on with the calls that it has, as others do
 * them. */
static void
test_close (PoolFixture   *fixture,
            gconstpointer  data)
{
  g_autofree char *path = process_fixture_path (&fixture->process, "numbers");
  TvmPoolExecutor *pool = pool_fixture_pool (fixture);
  const guint n_rounds = 20;
  Outcomes outcomes = { 0 };
  Outcomes closes = { 0 };
  guint n_written;

  learn (pool);
  for (guint round = 0; round < n_rounds; round++)
    {
      for (guint i = 0; i < 100; i++)
        {
          g_autofree char *number = g_strdup_printf ("%u ", round * 100 + i);

          submit (pool, "append", g_variant_new ("(ss)", path, number), NULL, &outcomes);
          if (i == 20 + round)
            submit (pool, "close_socket", NULL, NULL, &closes);
        }
      wait_done (&outcomes, (round + 1) * 100);
    }
  wait_done (&closes, n_rounds);
  n_written = assert_each_once (path);

  /* At most the one that ran when the connection was found to have ended */
  g_assert_cmpuint (outcomes.n_died, <=, n_rounds);
  g_assert_cmpuint (outcomes.n_good + outcomes.n_died, ==, n_rounds * 100);
  g_assert_cmpuint (n_written, >=, outcomes.n_good);
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

/* This program is a worker of bytes, too, which does not behave. */

#define N_UNTIL_STUCK 1000

#define PLAY_STUCK "stuck"
#define PLAY_LONG "long"
#define PLAY_SHRINK "shrink"

static void
play_send (TvmFrameKind  kind,
           guint64       id,
           const void   *payload,
           gsize         length)
{
  TvmFrameHeader header = { .kind = kind, .id = id, .length = length };

  if (tvm_frame_write (TVM_WORKER_CHANNEL_FD, header, payload, NULL) != 0)
    _exit (1);
}

/* Leaves in the outbox a frame of a kind that may be longer than what goes there. */
static void
play_long (TvmStatusPage *page)
{
  TvmFrameHeader header = { .kind = TVM_FRAME_HELLO, .length = 8000 };

  tvm_frame_encode (&header, (guint8 *) page + TVM_STATUS_OUTBOX_OFFSET);
  page->produced = GUINT64_TO_LE (TVM_FRAME_HEADER_SIZE + header.length);
}

/* Whether another call waits behind the one that was read last */
static gboolean
has_next_call (TvmFrameReader *reader)
{
  struct pollfd polled = { .fd = reader->fd, .events = POLLIN };

  return tvm_frame_reader_peek_kind (reader) == TVM_FRAME_CALL || poll (&polled, 1, 1) > 0;
}

static void
play_call (const char     *what,
           TvmStatusPage  *page,
           TvmFrameReader *reader,
           guint64         id)
{
  if (strcmp (what, PLAY_STUCK) == 0 && id > N_UNTIL_STUCK && has_next_call (reader))
    {
      alarm (120);
      for (;;)
        pause ();
    }

  if (!tvm_status_page_begin (page, id))
    {
      play_send (TVM_FRAME_REVOKED, id, NULL, 0);
      return;
    }

  if (strcmp (what, PLAY_LONG) == 0)
    play_long (page);
  if (strcmp (what, PLAY_SHRINK) == 0 && ftruncate (TVM_WORKER_PAGE_FD, 0) == 0)
    _exit (2);
  tvm_status_page_add_busy (page, 1000);
  play_send (TVM_FRAME_RESULT, id, NULL, 0);
}

static int
play (const char *what)
{
  static const char hello[] = "protocol=1\0payload=bytes\0ahead=1";
  TvmStatusPage *page = tvm_status_page_map (TVM_WORKER_PAGE_FD);
  TvmFrameReader reader = { .fd = TVM_WORKER_CHANNEL_FD };
  int fds[TVM_FRAME_MAX_FDS];
  TvmFrameHeader header;
  const char *problem;
  void *payload;

  if (page == NULL)
    return 1;

  play_send (TVM_FRAME_HELLO, 0, hello, sizeof hello);
  while (tvm_frame_read (&reader, G_MAXINT32, &header, &payload, fds, &problem)
         == TVM_FRAME_READ_OK)
    if (header.kind == TVM_FRAME_CALL)
      play_call (what, page, &reader, header.id);

  tvm_frame_reader_clear (&reader);
  return 0;
}

/* Returns: (transfer full): a pool of one such worker */
static TvmPoolExecutor *
new_player (const char *what)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  const char * const argv[] = { self, what, NULL };
  g_autoptr (TvmWorkerSpec) spec = NULL;

  spec = tvm_worker_spec_new_runtime (argv, TVM_PAYLOAD_TYPE_BYTES, FALSE);
  return tvm_pool_executor_new (spec, 1);
}

static void
submit_bytes (TvmPoolExecutor *pool,
              Outcomes        *outcomes)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (bytes);

  tvm_pool_executor_submit_async (pool, task, NULL, count_outcome, outcomes);
}

/* A worker that begins none of the calls that wait there, and gives none back, is replaced. */
static void
test_stuck (PoolFixture   *fixture,
            gconstpointer  data)
{
  TvmPoolExecutor *pool = new_player (PLAY_STUCK);
  Outcomes outcomes = { 0 };

  for (guint i = 0; i < N_UNTIL_STUCK * 2; i++)
    submit_bytes (pool, &outcomes);
  wait_done (&outcomes, N_UNTIL_STUCK * 2);
  g_assert_cmpuint (outcomes.n_good, ==, N_UNTIL_STUCK * 2);
  pool_fixture_end (pool);
}

/* What would be too long for the one who looks into the outbox */
static void
test_long (PoolFixture   *fixture,
           gconstpointer  data)
{
  TvmPoolExecutor *pool = new_player (PLAY_LONG);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (TvmTask) task = tvm_task_new_bytes (bytes);
  g_autoptr (TvmTaskResult) result = NULL;
  g_autoptr (GError) error = NULL;

  result = tvm_pool_executor_submit (pool, task, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (tvm_task_result_check (result, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_PROTOCOL);
  pool_fixture_end (pool);
}

/* A worker cannot take the memory away that it shares with us. */
static void
test_shrink (PoolFixture   *fixture,
             gconstpointer  data)
{
  TvmPoolExecutor *pool = new_player (PLAY_SHRINK);
  Outcomes outcomes = { 0 };

  for (guint i = 0; i < 10; i++)
    submit_bytes (pool, &outcomes);
  wait_done (&outcomes, 10);
  g_assert_cmpuint (outcomes.n_good, ==, 10);
  pool_fixture_end (pool);
}

int
main (int    argc,
      char **argv)
{
  if (argc == 3 && g_str_has_prefix (argv[2], TVM_WORKER_ROLE_OPTION))
    return play (argv[1]);

  g_test_init (&argc, &argv, NULL);
  pool_fixture_warm_up ();

  pool_fixture_add ("/pool-ahead/slow", test_slow);
  pool_fixture_add ("/pool-ahead/cancel", test_cancel);
  pool_fixture_add ("/pool-ahead/cancel/often", test_cancel_often);
  pool_fixture_add ("/pool-ahead/cancel/long", test_cancel_long);
  pool_fixture_add ("/pool-ahead/crash", test_crash);
  pool_fixture_add ("/pool-ahead/crash/never", test_crash_never);
  pool_fixture_add ("/pool-ahead/close", test_close);
  pool_fixture_add ("/pool-ahead/stuck", test_stuck);
  pool_fixture_add ("/pool-ahead/long", test_long);
  pool_fixture_add ("/pool-ahead/shrink", test_shrink);
  pool_fixture_add ("/pool-ahead/scribble", test_scribble);
  pool_fixture_add ("/pool-ahead/capture", test_capture);
  pool_fixture_add ("/pool-ahead/uses", test_uses);

  return g_test_run ();
}
