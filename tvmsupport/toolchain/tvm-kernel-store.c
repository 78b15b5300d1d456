/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-store-private.h"

#include "tvmsupport/process/tvm-fd-private.h"
#include "tvmsupport/toolchain/tvm-kernel-names-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "TVMKERN2"
#define MAGIC_SIZE 8
#define N_SUMS 4
#define DIGEST_SIZE (N_SUMS * 8)
/* What nobody stores is not read into memory either. */
#define MAX_ENTRY_SIZE (G_GUINT64_CONSTANT (1) << 31)

/* An hour is enough to tell what is used from what is not, and spares a write for each hit. */
#define TOUCH_SECONDS 3600

typedef struct
{
  char magic[MAGIC_SIZE];
  guint64 key_size;
  guint64 contents_size;
  guint8 digest[DIGEST_SIZE];   /* of the key and the contents */
} Header;

/* In the byte order of the machine: where that is another one, the magic is all that is the same,
 * and the sizes make no sense. */
G_STATIC_ASSERT (sizeof (Header) == MAGIC_SIZE + 2 * 8 + DIGEST_SIZE);

/* Of two different words with the same sum before, each has another sum after. */
static guint64
add_word (guint64 sum,
          guint64 word)
{
  sum = (sum ^ word) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return sum ^ (sum >> 32);
}

static void
add_data (guint64       *sums,
          gconstpointer  data,
          gsize          size)
{
  const guint8 *at = data;
  guint64 words[N_SUMS];

  for (gsize left = size; left > 0; left -= MIN (left, sizeof words))
    {
      if (left < sizeof words)
        memset (words, 0, sizeof words);
      memcpy (words, at, MIN (left, sizeof words));
      at += MIN (left, sizeof words);
      for (guint i = 0; i < N_SUMS; i++)
        sums[i] = add_word (sums[i], words[i]);
    }

  for (guint i = 0; i < N_SUMS; i++)
    sums[i] = add_word (sums[i], size);
}

/* It tells what is damaged. It need not withstand anybody: who can write here is trusted. Several sums
 * side by side keep a processor busy, and a hit waits for this. */
static void
compute_digest (const char    *key,
                gconstpointer  contents,
                gsize          size,
                guint8        *digest)
{
  guint64 sums[N_SUMS] = { 1, 2, 3, 4 };

  add_data (sums, key, strlen (key));
  add_data (sums, contents, size);
  memcpy (digest, sums, DIGEST_SIZE);
}

int
tvm_kernel_folder_open (const char  *folder,
                        GError     **error)
{
  g_autofree char *shown = NULL;
  int fd = tvm_fd_raise (open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info;

  if (fd >= 0 && fstat (fd, &info) == 0 && tvm_kernel_is_trusted (&info))
    return fd;
  if (fd < 0 && errno == ENOENT)
    return -1;

  shown = g_filename_display_name (folder);
  if (fd < 0)
    {
      tvm_error_set_errno (error, errno, _("The cache “%s” cannot be used"), shown);
      return -1;
    }

  close (fd);
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("The cache “%s” is not used: it belongs to another user, or everybody can write "
                 "to it"), shown);
  return -1;
}

/* Returns: (transfer full) (nullable): the whole file, NULL if it cannot be read or is too large to be
 * one of ours */
static guint8 *
read_all (int    fd,
          gsize  size)
{
  g_autofree guint8 *data = NULL;
  gsize done = 0;

  if (size < sizeof (Header) || size > MAX_ENTRY_SIZE)
    return NULL;

  data = g_try_malloc (size);
  while (data != NULL && done < size)
    {
      gssize n = read (fd, data + done, size - done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return NULL;
      done += n;
    }

  return g_steal_pointer (&data);
}

/* Returns: (transfer full) (nullable): what the entry holds, if it is one and that of @key */
static GBytes *
check_entry (guint8     *data,
             gsize       size,
             const char *key)
{
  g_autoptr (GBytes) whole = g_bytes_new_take (data, size);
  const gsize key_size = strlen (key);
  const guint8 *contents = data + sizeof (Header) + key_size;
  guint8 digest[DIGEST_SIZE];
  Header header;

  memcpy (&header, data, sizeof header);
  if (memcmp (header.magic, MAGIC, MAGIC_SIZE) != 0 || header.key_size != key_size ||
      size - sizeof header < key_size || header.contents_size != size - sizeof header - key_size ||
      memcmp (data + sizeof header, key, key_size) != 0)
    return NULL;

  compute_digest (key, contents, header.contents_size, digest);
  if (memcmp (digest, header.digest, DIGEST_SIZE) != 0)
    return NULL;

  return g_bytes_new_from_bytes (whole, sizeof header + key_size, header.contents_size);
}

static void
note_use (int                fd,
          const struct stat *info)
{
  const struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };

  if (g_get_real_time () / G_USEC_PER_SEC - info->st_atime >= TOUCH_SECONDS)
    futimens (fd, times);
}

GBytes *
tvm_kernel_store_read (const char  *folder,
                       const char  *key,
                       GError     **error)
{
  TvmKernelName name;
  int folder_fd = tvm_kernel_folder_open (folder, error);
  int fd;
  struct stat info;
  guint8 *data = NULL;
  GBytes *contents = NULL;

  if (folder_fd < 0)
    return NULL;

  tvm_kernel_name_init (&name, key);
  fd = tvm_fd_raise (openat (folder_fd, name.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd >= 0)
    {
      if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && tvm_kernel_is_trusted (&info))
        data = read_all (fd, info.st_size);
      if (data != NULL)
        contents = check_entry (data, info.st_size, key);
      if (contents != NULL)
        note_use (fd, &info);
      else
        unlinkat (folder_fd, name.path, 0);
      close (fd);
    }

  close (folder_fd);
  return contents;
}

static gboolean
write_all (int           fd,
           gconstpointer data,
           gsize         size)
{
  const guint8 *at = data;

  while (size > 0)
    {
      gssize n = write (fd, at, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      at += n;
      size -= n;
    }

  return TRUE;
}

/* A limit on the size of files is a signal to who runs into it. */
static gboolean
is_within_limit (gsize size)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
         size <= limit.rlim_cur;
}

static gboolean
write_entry (int         fd,
             const char *key,
             GBytes     *contents)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (contents, &size);
  Header header = { MAGIC, strlen (key), size, { 0 } };

  if (!is_within_limit (sizeof header + header.key_size + size))
    {
      errno = EFBIG;
      return FALSE;
    }

  compute_digest (key, data, size, header.digest);
  return write_all (fd, &header, sizeof header) && write_all (fd, key, header.key_size) &&
         write_all (fd, data, size);
}

/* Opens the subfolder of @name, which is made if need be. -1 with errno */
static int
open_subfolder (int                  folder_fd,
                const TvmKernelName *name)
{
  if (mkdirat (folder_fd, name->subfolder, 0700) < 0 && errno != EEXIST)
    return -1;

  return tvm_fd_raise (openat (folder_fd, name->subfolder,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* A new file with a lock on it, which tells those who clean up that its writer lives. -1 with errno */
static int
open_temporary (int   subfolder_fd,
                char *name,
                gsize name_size)
{
  for (;;)
    {
      struct stat info;
      int fd;

      g_snprintf (name, name_size, TVM_KERNEL_TEMPORARY_PREFIX "%08x%08x", g_random_int (),
                  g_random_int ());
      fd = tvm_fd_raise (openat (subfolder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      if (fd < 0 && errno == EEXIST)
        continue;
      if (fd < 0)
        return -1;

      /* Somebody may have taken it for a left one before it was locked. Where there are no locks it
       * is its age that counts. */
      flock (fd, LOCK_EX | LOCK_NB);
      if (fstat (fd, &info) == 0 && info.st_nlink > 0)
        return fd;
      close (fd);
    }
}

static gboolean
replace_entry (int                  subfolder_fd,
               const TvmKernelName *name,
               const char          *key,
               GBytes              *contents,
               gint64              *growth)
{
  char temporary[64];
  struct stat old = { 0 };
  struct stat new = { 0 };
  int fd = open_temporary (subfolder_fd, temporary, sizeof temporary);
  gboolean ok;
  int errsv;

  if (fd < 0)
    return FALSE;

  ok = write_entry (fd, key, contents) && fstat (fd, &new) == 0;
  if (ok && fstatat (subfolder_fd, name->file, &old, AT_SYMLINK_NOFOLLOW) < 0)
    old.st_size = 0;
  ok = ok && renameat (subfolder_fd, temporary, subfolder_fd, name->file) == 0;
  errsv = errno;
  if (!ok)
    unlinkat (subfolder_fd, temporary, 0);
  close (fd);
  errno = errsv;

  *growth = (gint64) new.st_size - (gint64) old.st_size;
  return ok;
}

gboolean
tvm_kernel_store_write (const char  *folder,
                        const char  *key,
                        GBytes      *contents,
                        gint64      *growth,
                        GError     **error)
{
  g_autofree char *shown = g_filename_display_name (folder);
  g_autoptr (GError) local_error = NULL;
  TvmKernelName name;
  int folder_fd;
  int fd;
  gboolean ok;
  int errsv;

  *growth = 0;
  if (g_mkdir_with_parents (folder, 0700) < 0)
    return tvm_error_set_errno (error, errno, _("The cache “%s” cannot be made"), shown);

  folder_fd = tvm_kernel_folder_open (folder, &local_error);
  if (folder_fd < 0)
    {
      if (local_error == NULL)
        return tvm_error_set_errno (error, ENOENT, _("The cache “%s” cannot be used"), shown);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  tvm_kernel_name_init (&name, key);
  fd = open_subfolder (folder_fd, &name);
  ok = fd >= 0 && replace_entry (fd, &name, key, contents, growth);
  errsv = errno;
  if (fd >= 0)
    close (fd);
  close (folder_fd);

  return ok || tvm_error_set_errno (error, errsv, _("The cache “%s” cannot be written"), shown);
}
