/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tar-fixture.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/tvm-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>

/* Tars without blocking: progress, cancels, contexts of threads */

static void
store_result (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_assert_null (source);
  g_set_object ((GAsyncResult **) user_data, result);
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return *result;
}

/* Of other bytes each time, but the same in each run */
typedef struct
{
  TarFixture *f;
  GThread *thread;
  guint n_calls;
  guint64 n_done;
  guint64 n_total;
  gboolean destroyed;
  GCancellable *cancel;     /* what is to be cancelled at the first call */
} Progress;

static void
progress_func (guint64  n_done,
               guint64  n_total,
               gpointer user_data)
{
  Progress *progress = user_data;

  g_assert_true (g_thread_self () == progress->thread);
  g_assert_cmpuint (n_done, >=, progress->n_done);
  /* What is not complete is not there. */
  if (n_done < n_total)
    {
      g_assert_false (tar_exists (progress->f, "a.tar.gz"));
      g_assert_false (tar_exists (progress->f, "out"));
    }
  progress->n_calls++;
  progress->n_done = n_done;
  progress->n_total = n_total;
  if (progress->cancel != NULL)
    g_cancellable_cancel (progress->cancel);
}

static void
progress_destroy (gpointer user_data)
{
  Progress *progress = user_data;

  progress->destroyed = TRUE;
}

static void
test_progress (TarFixture    *f,
               gconstpointer  data)
{
  const guint64 size = 3 << 20;
  g_autofree char *file = tar_put_noise (f, "file.o", size);
  g_autofree char *tar = tar_path (f, "a.tar.gz");
  g_autofree char *moved = tar_path (f, "moved.tar.gz");
  g_autofree char *out = tar_path (f, "out");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TvmTarOptions *options = tvm_tar_options_new ();
  g_autoptr (GError) error = NULL;
  Progress progress = { .f = f, .thread = g_thread_self () };

  tvm_tar_options_set_progress (options, progress_func, &progress, progress_destroy);
  g_assert_true (tvm_tar_create (tar, TAR_FILES (file), options, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (progress.n_calls, >=, 2);
  g_assert_cmpuint (progress.n_done, ==, size);
  g_assert_cmpuint (progress.n_total, ==, size);

  g_assert_no_errno (g_rename (tar, moved));
  progress.n_calls = progress.n_done = 0;
  g_assert_true (tvm_tar_extract (moved, out, options, NULL, &error));
  g_assert_cmpuint (progress.n_calls, >=, 2);
  g_assert_cmpuint (progress.n_done, ==, progress.n_total);
  g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));

  /* In the context of the caller, and before its callback */
  {
    g_autoptr (GAsyncResult) result = NULL;

    progress.n_calls = progress.n_done = 0;
    tvm_tar_extract_async (moved, out, options, NULL, store_result, &result);
    g_assert_cmpuint (progress.n_calls, ==, 0);
    g_assert_true (tvm_tar_extract_finish (wait_result (&result), &error));
    g_assert_cmpuint (progress.n_calls, >=, 1);
    g_assert_cmpuint (progress.n_done, ==, progress.n_total);
    g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
  }

  /* Cancelled on the way, from within */
  progress.n_calls = progress.n_done = 0;
  progress.cancel = cancellable;
  g_assert_false (tvm_tar_create (tar, TAR_FILES (file), options, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (tar_exists (f, "a.tar.gz"));
  g_cancellable_reset (cancellable);
  progress.n_done = 0;
  g_assert_false (tvm_tar_extract (moved, out, options, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (tar_exists (f, "out"));
  g_cancellable_reset (cancellable);
  progress.n_done = 0;
  g_assert_null (tvm_tar_list (moved, options, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_assert_false (progress.destroyed);
  g_object_unref (options);
  g_assert_true (progress.destroyed);
}

static gpointer
async_thread (gpointer user_data)
{
  TarFixture *f = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tar_put (f, "file.o", "x", 1);
  g_autofree char *tar = tar_path (f, "a.tar.gz");
  g_autofree char *out = tar_path (f, "out");
  g_auto (GStrv) files = NULL;

  g_main_context_push_thread_default (context);
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_create_async (tar, TAR_FILES (file), NULL, NULL, store_result, &result);
    g_assert_true (tvm_tar_create_finish (wait_result (&result), &error));
  }
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_extract_async (tar, out, NULL, NULL, store_result, &result);
    g_assert_true (tvm_tar_extract_finish (wait_result (&result), &error));
    tar_assert_content (f, "out/file.o", "x");
  }
  {
    g_autoptr (GAsyncResult) result = NULL;
    tvm_tar_normalize_file_list_async (f->temp, TAR_FILES (tar), NULL, NULL, store_result, &result);
    files = tvm_tar_normalize_file_list_finish (wait_result (&result), &error);
    g_assert_no_error (error);
    g_assert_cmpuint (g_strv_length (files), ==, 1);
  }
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_async (TarFixture    *f,
            gconstpointer  data)
{
  g_thread_join (g_thread_new ("async", async_thread, f));
}

/* Cancelled at any moment: done, or nothing is there. */
static void
test_async_cancelled (TarFixture    *f,
                      gconstpointer  data)
{
  g_autofree char *noise = g_malloc0 (4 << 20);
  g_autofree char *file = tar_put (f, "file.o", noise, 4 << 20);
  g_autofree char *tar = tar_path (f, "a.tar.gz");
  g_autofree char *packed = tar_path (f, "packed.tar");
  g_autofree char *out = tar_path (f, "out");

  g_assert_true (tvm_tar_create (packed, TAR_FILES (file), NULL, NULL, NULL));
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GAsyncResult) created = NULL;
      g_autoptr (GAsyncResult) extracted = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      gboolean ok;

      tvm_tar_create_async (tar, TAR_FILES (file), NULL, cancellable, store_result, &created);
      tvm_tar_extract_async (packed, out, NULL, cancellable, store_result, &extracted);
      for (guint j = 0; j < i * 50; j++)
        g_thread_yield ();
      g_cancellable_cancel (cancellable);

      ok = tvm_tar_create_finish (wait_result (&created), &error);
      g_assert_cmpint (ok, ==, tar_exists (f, "a.tar.gz"));
      if (!ok)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      ok = tvm_tar_extract_finish (wait_result (&extracted), &error);
      g_assert_cmpint (ok, ==, tar_exists (f, "out"));
      if (!ok)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      (void) g_unlink (tar);
      g_assert_no_errno (tvm_rmtree_at (AT_FDCWD, out, NULL));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/tar-async/" name, TarFixture, NULL, tar_setup, func, tar_teardown)
  ADD ("progress", test_progress);
  ADD ("thread", test_async);
  ADD ("cancelled", test_async_cancelled);
#undef ADD

  return g_test_run ();
}
