/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "process-fixture.h"
#include "tvmsupport/pool/tvm-pool-executor.h"

/*
 * What the tests of the pool share, on top of ProcessFixture. Everything that a test starts has
 * its mark in the environment. At its end no process, no child, no descriptor and, in TMPDIR, no
 * file may be left.
 */
typedef struct
{
  ProcessFixture process;
  TvmWorkerSpec *spec;      /* of worker-module.c */
} PoolFixture;

void             pool_fixture_set_up     (PoolFixture       *self,
                                          gconstpointer      data);
void             pool_fixture_tear_down  (PoolFixture       *self,
                                          gconstpointer      data);

/* Many small tasks beside the one that a test is about */
#define POOL_FIXTURE_N_OTHERS 50

typedef struct
{
  guint n_done;
  guint n_good;
} PoolOthers;

/* Starts what stays, so that it does not count as a leak, and makes a TMPDIR of its own. To be
 * called first. */
void             pool_fixture_warm_up    (void);
char            *pool_fixture_get_module (void);

/* Returns: (transfer full): a pool of two workers */
TvmPoolExecutor *pool_fixture_pool       (PoolFixture       *self);
/* Waits until the pool has ended and drops it. */
void             pool_fixture_end        (TvmPoolExecutor   *pool);
void             pool_fixture_assert_sum (TvmPoolExecutor   *pool,
                                          int                a,
                                          int                b);
/* As g_variant_equal(), which prints what came from elsewhere to compare it */
void             pool_fixture_assert_same (GVariant         *value,
                                           GVariant         *expected);

/* @cancellable: those that can be cancelled are not sent ahead to a worker that is still busy. */
void             pool_fixture_submit_others (TvmPoolExecutor *pool,
                                             GCancellable    *cancellable,
                                             PoolOthers      *others);
/* Each of them must be good. */
void             pool_fixture_finish_others (PoolOthers      *others);
/* Runs @task (taken) among others, which are to be good. Its error must be @code, with @part in its
 * message. */
void             pool_fixture_assert_fails (TvmPoolExecutor  *pool,
                                            TvmTask          *task,
                                            int               code,
                                            const char       *part);
/* The same, of one that was submitted with pool_fixture_ready() */
void             pool_fixture_assert_failed (TvmPoolExecutor *pool,
                                             GAsyncResult   **async,
                                             int              code,
                                             const char      *part);
void             pool_fixture_assert_error (const GError     *error,
                                            int               code,
                                            const char       *part);

/* A GAsyncReadyCallback that stores the result, and the wait for it in the default context */
void             pool_fixture_ready      (GObject           *source,
                                          GAsyncResult      *result,
                                          gpointer           user_data);
GAsyncResult    *pool_fixture_wait       (GAsyncResult     **result);

/* Iterates until @n_alive processes of the test are left. */
void             pool_fixture_wait_alive (PoolFixture       *self,
                                          guint              n_alive);
/* Returns: the number that a task has written to @path, when it is there */
int              pool_fixture_read_pid   (const char        *path);
/* Waits until the process is in @state, as in /proc/PID/stat. */
void             pool_fixture_wait_state (int                pid,
                                          char               state);
int              pool_fixture_get_parent (int                pid);
/* Waits until the process is gone. */
void             pool_fixture_wait_dead  (int                pid);

#define pool_fixture_add(path, func)                                                               \
  g_test_add (path, PoolFixture, NULL, pool_fixture_set_up, func, pool_fixture_tear_down)
