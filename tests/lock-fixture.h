/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/files/tvm-file-lock.h"

/* What the tests of locks share */

/* Longer than any wait should take: a test that needs it fails. */
#define LOCK_LONG_MSEC 30000

typedef struct
{
  char *dir;
  char *path;
} LockFixture;

typedef struct
{
  TvmFileLock *lock;
  GError *error;
  gboolean locked;
  gboolean done;
} LockAcquisition;

void lock_set_up      (LockFixture     *f,
                       gconstpointer    data);
void lock_tear_down   (LockFixture     *f,
                       gconstpointer    data);

void lock_acquire     (TvmFileLock     *lock);
void lock_assert_busy (TvmFileLock     *lock,
                       gint64           timeout_msec);

/* A GAsyncReadyCallback, and the wait for it in the context of this thread */
void lock_acquired    (GObject         *source,
                       GAsyncResult    *result,
                       gpointer         user_data);
void lock_wait        (LockAcquisition *acquisition);
