/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-archive-stages-private.h"

#include "tvmsupport/files/tvm-temp-place-private.h"
#include "tvmsupport/files/tvm-temp-sweep-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A mount has its number, but on one there may be many file systems, as those of btrfs. */
typedef struct
{
  guint64 mount;        /* 0 on a kernel that does not tell */
  guint64 dev;
} Mount;

typedef struct
{
  Mount mount;
  TvmTempPlace *place;
  int fd;
} Stage;

static void
stage_clear (gpointer data)
{
  Stage *stage = data;

  close (stage->fd);
  tvm_temp_place_drop (stage->place);
  tvm_temp_place_unref (stage->place);
}

void
tvm_archive_stages_init (TvmArchiveStages *self)
{
  self->stages = g_array_new (FALSE, FALSE, sizeof (Stage));
  g_array_set_clear_func (self->stages, stage_clear);
}

void
tvm_archive_stages_clear (TvmArchiveStages *self)
{
  g_clear_pointer (&self->stages, g_array_unref);
}

static gboolean
get_mount (int    fd,
           Mount *mount)
{
  struct statx st;

  if (statx (fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &st) != 0)
    return FALSE;

  mount->mount = (st.stx_mask & STATX_MNT_ID) != 0 ? st.stx_mnt_id : 0;
  mount->dev = (guint64) st.stx_dev_major << 32 | st.stx_dev_minor;
  return TRUE;
}

/* Opens @place, made by the path of @dir_fd, if it is in that: the path may be another's by now. */
static int
open_in (int                 dir_fd,
         const TvmTempPlace *place)
{
  int fd = openat (dir_fd, place->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;

  if (fd < 0)
    return -1;
  if (fstat (fd, &st) == 0 && st.st_dev == place->dev && st.st_ino == place->ino)
    return fd;

  close (fd);
  errno = ENOENT;
  return -1;
}

/* Makes one in the directory @dir_fd. */
static gboolean
make_stage (TvmArchiveStages  *self,
            int                dir_fd,
            const Mount       *mount,
            GError           **error)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", dir_fd);
  g_autofree char *path = g_file_read_link (link, error);
  g_autofree char *display = NULL;
  g_autoptr (TvmTempPlace) place = NULL;
  int fd;

  if (path == NULL)
    return FALSE;

  tvm_temp_sweep_once (path, TVM_TEMP_STAGE_PREFIX);
  place = tvm_temp_place_new_in (path, TVM_TEMP_STAGE_PREFIX, FALSE, error);
  if (place == NULL)
    return FALSE;

  fd = open_in (dir_fd, place);
  if (fd < 0)
    {
      display = g_filename_display_name (path);
      tvm_error_set_errno (error, errno, _("Cannot create a temporary directory in “%s”"), display);
      tvm_temp_place_drop (place);
      return FALSE;
    }

  g_array_append_vals (self->stages, &(Stage) { *mount, g_steal_pointer (&place), fd }, 1);
  return TRUE;
}

static gboolean
is_same_mount (const Mount *one,
               const Mount *other)
{
  return one->mount == other->mount && one->dev == other->dev;
}

int
tvm_archive_stages_enter (TvmArchiveStages  *self,
                          int                root_fd,
                          int                dir_fd,
                          GError           **error)
{
  Mount mount, root;

  if (!get_mount (dir_fd, &mount))
    {
      tvm_error_set_errno (error, errno, _("Cannot tell on what file system a directory is"));
      return -1;
    }

  for (guint i = 0; i < self->stages->len; i++)
    {
      const Stage *stage = &g_array_index (self->stages, Stage, i);

      if (is_same_mount (&stage->mount, &mount))
        return stage->fd;
    }

  /* Best where the next one looks first; but that may not be one's own. */
  if (!(get_mount (root_fd, &root) && is_same_mount (&root, &mount)
        && make_stage (self, root_fd, &mount, NULL))
      && !make_stage (self, dir_fd, &mount, error))
    return -1;

  return g_array_index (self->stages, Stage, self->stages->len - 1).fd;
}
