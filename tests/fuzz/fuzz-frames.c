/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/worker/tvm-frame.h"
#include "tvmsupport/worker/tvm-words.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whatever comes from the other side, reading it ends, and what it says of itself lies within it. See
 * README.md. */
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

static void
check_words (char  *payload,
             gsize  length)
{
  TvmWords words = { .use_stdio = false };

  if (tvm_words_parse (&words, payload, length) == 0 && words.target.program != NULL)
    {
      g_assert_nonnull (words.target.argv[0]);
      for (char **word = words.target.argv; *word != NULL; word++)
        g_assert_true (*word > payload && *word + strlen (*word) < payload + length);
      for (char **word = words.target.envp; *word != NULL; word++)
        g_assert_true (*word > payload && *word + strlen (*word) < payload + length);
    }

  tvm_words_clear (&words);
}

static void
check_frame (const TvmFrameHeader *header,
             const void           *payload)
{
  /* In memory of its own, so that a sanitizer sees a read behind its end */
  gsize length = (gsize) header->length;
  g_autofree char *copy = g_memdup2 (payload, length);
  const char *value = copy != NULL ? tvm_frame_get_setting (copy, length, "pid") : NULL;
  long long number;

  if (value != NULL)
    {
      g_assert_true (value > copy && value + strlen (value) < copy + length);
      tvm_frame_get_number (copy, length, "pid", &number);
    }

  if (copy != NULL)
    check_words (copy, length);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  TvmFrameReader reader = { .fd = memfd_create ("frames", MFD_CLOEXEC) };
  TvmFrameHeader header;
  const char *problem;
  void *payload;
  int fds[TVM_FRAME_MAX_FDS];

  g_assert_cmpint (write (reader.fd, data, size), ==, size);
  lseek (reader.fd, 0, SEEK_SET);
  while (tvm_frame_read (&reader, 1 << 20, &header, &payload, fds, &problem) == TVM_FRAME_READ_OK)
    check_frame (&header, payload);

  tvm_frame_reader_clear (&reader);
  close (reader.fd);
  return 0;
}
