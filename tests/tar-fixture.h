/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/files/tvm-tar.h"

G_BEGIN_DECLS

/* What a test may be given as its data */
#define TAR_PLAIN 1     /* as on a kernel without openat2() */
#define TAR_IN_MEMORY 2 /* it has little to write */

/* A directory to work in, tars made by hand of what no packer would make, and what is asked of them. */
typedef struct
{
  TvmTempDirectory *temp;
  const char *path;
  guint fds;
} TarFixture;

void tar_setup (TarFixture *f,
                gconstpointer data);
void tar_teardown (TarFixture *f,
                   gconstpointer data);
guint tar_count_fds (void);
char *tar_path (TarFixture *f,
                const char *name);
char *tar_put (TarFixture *f,
               const char *name,
               const char *data,
               gssize length);
char *tar_put_noise (TarFixture *f,
                     const char *name,
                     gsize length);
void tar_assert_content (TarFixture *f,
                         const char *name,
                         const char *expected);
gboolean tar_exists (TarFixture *f,
                     const char *name);
mode_t tar_get_mode (TarFixture *f,
                     const char *name);
gboolean tar_run_tool (TarFixture *f,
                       const char *const *argv,
                       char **out);
void tar_add_header (GByteArray *tar,
                     const char *name,
                     char type,
                     const char *link,
                     guint mode,
                     guint64 size);
void tar_add_data (GByteArray *tar,
                   const char *data,
                   gsize length);
void tar_add_file (GByteArray *tar,
                   const char *name,
                   const char *data);
void tar_add_end (GByteArray *tar);
void tar_add_pax (GByteArray *tar,
                  const char *record);
void tar_assert_refused (TarFixture *f,
                         GByteArray *tar,
                         const char *in_message);

#define TAR_RUN(f, out, ...) tar_run_tool (f, (const char *const[]) { __VA_ARGS__, NULL }, out)
#define TAR_FILES(...) ((const char *const[]) { __VA_ARGS__, NULL })

G_END_DECLS
