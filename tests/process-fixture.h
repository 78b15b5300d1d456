/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/process/tvm-process-private.h"

/*
 * What the tests of the runner share. A test gets a scratch directory and, in its end, checks that
 * no child and no descriptor is left.
 */
typedef struct
{
  char *directory;
  char *mark;           /* in the environment of what the test runs, to find its descendants */
  char *fifo;           /* FAKE_TOOL_READY */
  int fifo_fd;
  guint n_fds;
} ProcessFixture;

void              process_fixture_set_up    (ProcessFixture    *self,
                                             gconstpointer      data);
void              process_fixture_tear_down (ProcessFixture    *self,
                                             gconstpointer      data);

/* Returns: (transfer full): a spec for fake-tool with these arguments */
TvmProcessSpec   *process_fixture_spec      (ProcessFixture    *self,
                                             const char        *mode,
                                             ...) G_GNUC_NULL_TERMINATED;
char             *process_fixture_path      (ProcessFixture    *self,
                                             const char        *name);

/* Waits until the tool says that it is ready. @pid and @parent may be NULL. */
void              process_fixture_wait_ready (ProcessFixture   *self,
                                              GPid             *pid,
                                              GPid             *parent);

/* Returns: how many processes live that the test has started, however far down */
guint             process_fixture_count_alive (ProcessFixture  *self);
/* Ends what the test has left on purpose. */
void              process_fixture_kill_all    (ProcessFixture  *self);

/* For runs whose result comes to the default context: the callback, and the wait for it. */
void              process_fixture_ready     (GObject           *source,
                                             GAsyncResult      *result,
                                             gpointer           user_data);
TvmProcessResult *process_fixture_finish    (GAsyncResult     **result,
                                             GError           **error);

void              process_fixture_assert_output (TvmProcessResult *result,
                                                 const char       *expected);
char             *process_fixture_get_tool      (void);
guint             process_fixture_count_fds     (void);

/* Starts the threads of GLib and of the library, so that they do not count as leaks. */
void              process_fixture_warm_up       (void);

#define process_fixture_add(path, func)                                                            \
  g_test_add (path, ProcessFixture, NULL, process_fixture_set_up, func, process_fixture_tear_down)
