/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/worker/tvm-status-page.h"

#include <gio/gio.h>

/*
 * A worker and the other end of its connection, without the pool in between.
 */
typedef struct
{
  GSubprocess *process;     /* (owned) (nullable): of one that a nursery has forked */
  TvmFrameReader reader;
  TvmStatusPage *page;      /* (nullable) */
  guint64 consumed;         /* of its outbox */

  /* Of the frame that came last */
  TvmFrameHeader header;
  void *payload;
} WorkerFixture;

typedef enum
{
  WORKER_WITH_PAGE = 1 << 0,
  WORKER_WITH_STDIO = 1 << 1,       /* frames over stdin and stdout; else stdout is a pipe */
} WorkerFlags;

/* @argv: with the role */
void        worker_fixture_start        (WorkerFixture       *self,
                                         const char * const  *argv,
                                         WorkerFlags          flags);
/* tvmsupport-worker with the module, up to SETUP; @settings: (nullable) (array zero-terminated=1):
 * more of them */
void        worker_fixture_start_module (WorkerFixture       *self,
                                         WorkerFlags          flags,
                                         const char * const  *settings);
/* Makes a nursery fork @worker, up to HELLO. @words: (nullable) (array zero-terminated=1) */
void        worker_fixture_fork         (WorkerFixture       *nursery,
                                         WorkerFixture       *worker,
                                         guint64              id,
                                         const char * const  *words);
/* Closes the connection of such a one, and waits until the nursery says that it has ended. */
void        worker_fixture_join         (WorkerFixture       *nursery,
                                         WorkerFixture       *worker,
                                         guint64              id,
                                         int                  status);

/* Closes the connection. @status: -1 for any. Returns: (transfer full): what the worker wrote to
 * stdout, if it was a pipe */
char       *worker_fixture_end          (WorkerFixture       *self,
                                         int                  status);

char       *worker_fixture_dup_module   (void);

void        worker_fixture_send         (WorkerFixture       *self,
                                         TvmFrameHeader       header,
                                         const void          *payload,
                                         const int           *fds);
void        worker_fixture_setup        (WorkerFixture       *self,
                                         const char * const  *settings);
/* @args: a floating reference is taken */
void        worker_fixture_call         (WorkerFixture       *self,
                                         guint64              id,
                                         const char          *function,
                                         GVariant            *args);
void        worker_fixture_call_full    (WorkerFixture       *self,
                                         TvmFrameHeader       header,
                                         const char          *function,
                                         GVariant            *args);

/* Each waits for one frame, which may come by the socket or through the outbox, and checks that it
 * is of this kind. */
/* Takes the frame with this id, if it is the next in the outbox. */
gboolean    worker_fixture_take_from_outbox (WorkerFixture   *self,
                                             guint64          id);
void        worker_fixture_expect       (WorkerFixture       *self,
                                         TvmFrameKind         kind,
                                         guint64              id);
void        worker_fixture_expect_value (WorkerFixture       *self,
                                         guint64              id,
                                         const char          *text);
void        worker_fixture_expect_error (WorkerFixture       *self,
                                         guint64              id,
                                         const char          *type,
                                         const char          *pattern);
void        worker_fixture_expect_end   (WorkerFixture       *self);
