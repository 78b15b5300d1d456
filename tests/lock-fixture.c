/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lock-fixture.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <string.h>

void
lock_set_up (LockFixture   *f,
             gconstpointer  data)
{
  f->dir = g_dir_make_tmp ("test-file-lock-XXXXXX", NULL);
  g_assert_nonnull (f->dir);
  f->path = g_build_filename (f->dir, "a \xff.lock", NULL);
}

void
lock_tear_down (LockFixture   *f,
                gconstpointer  data)
{
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, f->dir, NULL));
  g_free (f->dir);
  g_free (f->path);
}

void
lock_acquire (TvmFileLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tvm_file_lock_acquire (lock, LOCK_LONG_MSEC, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (tvm_file_lock_get_held (lock));
}

void
lock_assert_busy (TvmFileLock *lock,
                  gint64       timeout_msec)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tvm_file_lock_acquire (lock, timeout_msec, NULL, &error));
  g_assert_error (error, TVM_ERROR, TVM_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "lock"));
  g_assert_false (tvm_file_lock_get_held (lock));
}

void
lock_acquired (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  LockAcquisition *acquisition = user_data;

  acquisition->locked = tvm_file_lock_acquire_finish (TVM_FILE_LOCK (source), result,
                                                      &acquisition->error);
  acquisition->done = TRUE;
}

void
lock_wait (LockAcquisition *acquisition)
{
  while (!acquisition->done)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}
