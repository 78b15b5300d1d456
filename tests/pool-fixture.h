/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "process-fixture.h"
#include "tvmsupport/pool/tvm-pool-executor.h"

/*
 * What the tests of the pool share, on top of ProcessFixture. Everything that a test starts has
 * its mark in the environment. At its end no process, no child and no descriptor may be left.
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

/* Starts what stays, so that it does not count as a leak. */
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
/* Waits until the process is gone. */
void             pool_fixture_wait_dead  (int                pid);

#define pool_fixture_add(path, func)                                                               \
  g_test_add (path, PoolFixture, NULL, pool_fixture_set_up, func, pool_fixture_tear_down)
