/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The frames of docs/worker-protocol.md: the one implementation, for the library, its worker and
 * its nursery. Plain C: the nursery links no GLib.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define TVM_FRAME_MAGIC 0x464D5654u
#define TVM_FRAME_VERSION 1
#define TVM_FRAME_HEADER_SIZE 32
#define TVM_FRAME_MAX_FDS 8
#define TVM_FRAME_MAX_PARTS 64

/* Of a frame whose payload is settings or words */
#define TVM_FRAME_MAX_CONTROL (16u * 1024 * 1024)

#define TVM_WORKER_CHANNEL_FD 3
#define TVM_WORKER_PAGE_FD 4
#define TVM_WORKER_ROLE_OPTION "--tvm-worker="

typedef enum
{
  TVM_FRAME_HELLO = 1,
  TVM_FRAME_SETUP = 2,
  TVM_FRAME_INIT = 3,
  TVM_FRAME_CALL = 4,
  TVM_FRAME_BEGUN = 5,
  TVM_FRAME_RESULT = 6,
  TVM_FRAME_ERROR = 7,
  TVM_FRAME_CANCEL = 8,
  TVM_FRAME_REVOKED = 9,
  TVM_FRAME_FORK = 16,
  TVM_FRAME_FORKED = 17,
  TVM_FRAME_KILL = 18,
  TVM_FRAME_EXITED = 19,
} TvmFrameKind;

typedef enum
{
  TVM_FRAME_FLAG_MAY_CANCEL = 1 << 0,
  TVM_FRAME_FLAG_HAS_STDIN = 1 << 1,
  TVM_FRAME_FLAG_WORN = 1 << 2,
} TvmFrameFlags;

typedef struct
{
  uint8_t kind;       /* a TvmFrameKind */
  uint16_t flags;     /* TvmFrameFlags */
  uint16_t n_fds;
  uint64_t id;
  uint64_t length;
} TvmFrameHeader;

void tvm_frame_encode (const TvmFrameHeader *header,
                       uint8_t               bytes[TVM_FRAME_HEADER_SIZE]);

/* Returns: NULL, or what is wrong, for a message that is to be translated */
const char *tvm_frame_decode (TvmFrameHeader *header,
                              const uint8_t   bytes[TVM_FRAME_HEADER_SIZE],
                              uint64_t        max_length);

/* Blocking, for the worker and the nursery, also where @fd itself does not block. @fds (NULL if
 * @n_fds is 0) stay the caller's. There is no SIGPIPE from a socket; from a pipe there is, unless
 * it is blocked or ignored.
 * Returns: 0 or an errno; EPIPE if nobody is there */
int tvm_frame_write (int            fd,
                     TvmFrameHeader header,
                     const void    *payload,
                     const int     *fds);

/* The same, of a payload in several places; its length is that of all of them. */
int tvm_frame_write_parts (int                 fd,
                           TvmFrameHeader      header,
                           const struct iovec *parts,
                           unsigned            n_parts,
                           const int          *fds);

/* Appends "NAME=VALUE" and its zero byte at @end. Returns: the new end, NULL if it does not fit or
 * @end was NULL */
char *tvm_frame_put_setting (char       *end,
                             const char *limit,
                             const char *name,
                             const char *value);
char *tvm_frame_put_number (char       *end,
                            const char *limit,
                            const char *name,
                            long long   value);

/* Returns: the value of @name in the settings of @payload (within it), or NULL. A payload whose
 * last byte is not zero has no settings. */
const char *tvm_frame_get_setting (const char *payload,
                                   size_t      length,
                                   const char *name);
bool tvm_frame_get_number (const char *payload,
                           size_t      length,
                           const char *name,
                           long long  *value);

/* Memory for a large payload of @length bytes, of which more than @size have come: @memory, moved,
 * with a new @size. It grows with what comes and not with what was announced. To be freed with
 * free(). Returns: NULL, with @memory as it was, if there is none */
void *tvm_frame_grow (void   *memory,
                      size_t *size,
                      size_t  length);

/* Buffered reading; one per descriptor, zeroed but for @fd. Several small frames take one system
 * call. */
typedef struct
{
  int fd;
  bool is_socket;         /* else descriptors cannot come; found out by the first read */
  uint8_t *buffer;
  size_t capacity;
  size_t start;           /* of what was read and not yet taken */
  size_t end;
  int fds[TVM_FRAME_MAX_FDS * 4];   /* in the order in which they came; -1 where some were lost */
  unsigned n_fds;
  uint8_t *large;         /* a payload beyond the buffer, until it is taken or the next read */
  size_t large_capacity;
  size_t large_end;
  bool in_large;          /* @large_header was read, and its payload is not whole */
  TvmFrameHeader large_header;
} TvmFrameReader;

typedef enum
{
  TVM_FRAME_READ_OK,
  TVM_FRAME_READ_END,       /* between two frames */
  TVM_FRAME_READ_AGAIN,     /* the descriptor does not block, and the frame is not whole */
  TVM_FRAME_READ_BROKEN,    /* the end within a frame, or no frame; @problem says what */
  TVM_FRAME_READ_ERROR,     /* errno; with EMFILE and ENFILE see below */
} TvmFrameReadStatus;

/* @payload: (out): within the reader, until the next call; @fds: (out): header->n_fds of them, now
 * the caller's, close-on-exec; @problem: (out): for a message, to be translated.
 *
 * ERROR with EMFILE says that there was no room for the descriptors of a frame, which is lost with
 * them: @header and @payload are set, @fds are not, and the next read goes on behind it. After
 * BROKEN and any other ERROR the stream is not to be read any more. */
TvmFrameReadStatus tvm_frame_read (TvmFrameReader  *self,
                                   uint64_t         max_length,
                                   TvmFrameHeader  *header,
                                   void           **payload,
                                   int              fds[TVM_FRAME_MAX_FDS],
                                   const char     **problem);
/* Takes the payload of the last frame: malloc()ed, also if it was small. */
void *tvm_frame_reader_steal (TvmFrameReader       *self,
                              const TvmFrameHeader *header,
                              void                 *payload);

/* Returns: the kind of the next frame, if the whole of it was read already; else 0 */
int tvm_frame_reader_peek_kind (const TvmFrameReader *self);
void tvm_frame_reader_clear (TvmFrameReader *self);
