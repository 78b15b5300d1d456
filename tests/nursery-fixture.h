/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "process-fixture.h"

#include "tvmsupport/worker/tvm-status-page.h"

/* One side of a stream of frames, and the last frame that was read from it */
typedef struct
{
  int fd;
  TvmFrameReader reader;
  TvmFrameHeader header;
  const char *payload;
} Channel;

/* A nursery that the test has started, and its workers */
typedef struct
{
  ProcessFixture process;
  GSubprocess *subprocess;  /* (nullable) */
  int pid;
  guint n_fds;              /* of the nursery */
  Channel control;
} NurseryFixture;

typedef struct
{
  guint64 id;
  int pid;
  Channel channel;
  TvmStatusPage *page;
} TestWorker;

void        channel_open            (Channel        *self,
                                     int             fd);
void        channel_close           (Channel        *self);
void        channel_write           (Channel        *self,
                                     TvmFrameHeader  header,
                                     const void     *payload,
                                     const int      *fds);
TvmFrameReadStatus channel_read     (Channel        *self);
/* Waits for a frame, which must be this one. */
void        channel_expect          (Channel        *self,
                                     TvmFrameKind    kind,
                                     guint64         id);
void        channel_expect_end      (Channel        *self);
const char *channel_get_setting     (Channel        *self,
                                     const char     *name);
gint64      channel_get_number      (Channel        *self,
                                     const char     *name);

void        nursery_fixture_set_up    (NurseryFixture *self,
                                       gconstpointer   data);
void        nursery_fixture_tear_down (NurseryFixture *self,
                                       gconstpointer   data);
/* Closes the socket, and waits until the nursery has ended. */
void        nursery_fixture_stop      (NurseryFixture *self);

/* Sends FORK with @words, which end with NULL; @socket and @page are given to it. */
void        nursery_fixture_send_fork (NurseryFixture *self,
                                       guint64         id,
                                       GBytes         *words,
                                       int             socket,
                                       int             page);
/* The same for a worker; the nursery must answer, and a command worker says HELLO and gets
 * SETUP. */
void        nursery_fixture_fork      (NurseryFixture *self,
                                       TestWorker     *worker,
                                       guint64         id,
                                       GBytes         *words);
void        nursery_fixture_fork_command (NurseryFixture *self,
                                          TestWorker     *worker,
                                          guint64         id,
                                          const char     *begun);
void        nursery_fixture_kill      (NurseryFixture *self,
                                       guint64         id);
void        test_worker_close         (TestWorker     *self);

/* Returns: (transfer full): the words for fake-tool; @options may be NULL, and has them separated
 * by spaces */
GBytes     *nursery_fixture_words     (NurseryFixture *self,
                                       const char     *options,
                                       const char     *mode,
                                       ...) G_GNUC_NULL_TERMINATED;
/* Sends CALL; its stdout and stderr are @output, or /dev/null if that is -1. */
void        nursery_fixture_call      (TestWorker     *worker,
                                       guint64         id,
                                       TvmFrameFlags   flags,
                                       GBytes         *words,
                                       int             output);

#define nursery_fixture_add(path, func)                                                            \
  g_test_add (path, NurseryFixture, NULL, nursery_fixture_set_up, func, nursery_fixture_tear_down)
