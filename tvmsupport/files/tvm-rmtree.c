/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "tvmsupport/files/tvm-rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The walk holds one frame for each directory between the root and where it is, so that its C
 * stack does not grow with the depth of the tree. Of the frames only the innermost MAX_OPEN have a
 * descriptor. One that was closed meanwhile is opened again when the walk comes back to it: through
 * "..", or along the names from the root if that is no longer the directory it was. In both cases
 * device and inode decide whether it is the same one, so that a directory that somebody moves away
 * under the walk cannot lead it elsewhere.
 *
 * A directory is read while its entries go. Whether that missed one, and whether others came, is
 * told by rmdir: on ENOTEMPTY it is read again.
 */
#define MAX_OPEN 16
#define MAX_PASSES 1000

typedef struct
{
  char *name;           /* in its parent; of the first frame: as given */
  dev_t dev;
  ino_t ino;
  DIR *dir;             /* NULL while closed */
  char **stuck;         /* the subdirectories that could not be removed */
  size_t n_stuck;
  unsigned passes;
  bool stuck_sorted;
  bool read_again;      /* past the first pass, so that a stuck directory can come by twice */
  bool failed;          /* something in it could not be removed */
} Frame;

typedef struct
{
  int root_fd;
  Frame *frames;
  size_t n_frames;
  size_t n_allocated;
  size_t n_open;
  uint64_t *n_removed;  /* or NULL */
  int first_errno;
  char *failed;
  size_t failed_size;
} Walk;

/* Returns: 0 also if there was nothing any more, or -1 with errno */
static int
remove_at (Walk       *walk,
           int         at,
           const char *name,
           int         flags)
{
  if (unlinkat (at, name, flags) != 0)
    return errno == ENOENT ? 0 : -1;

  if (walk->n_removed != NULL)
    __atomic_fetch_add (walk->n_removed, 1, __ATOMIC_RELAXED);
  return 0;
}

static Frame *
top (Walk *walk)
{
  return &walk->frames[walk->n_frames - 1];
}

/* Puts the end of the failed path in front of what is there already; cuts at the front. */
static bool
prepend (Walk       *walk,
         size_t     *start,
         const char *part)
{
  static const char cut[] = "…/";
  size_t length = strlen (part);

  if (length + 1 + sizeof cut > *start)
    {
      if (*start >= sizeof cut)
        {
          *start -= sizeof cut - 1;
          memcpy (walk->failed + *start, cut, sizeof cut - 1);
        }
      return false;
    }

  if (walk->failed[*start] != '\0')
    walk->failed[--*start] = '/';
  *start -= length;
  memcpy (walk->failed + *start, part, length);
  return true;
}

/* Remembers the first failure: @name in the innermost frame, or that frame itself. */
static void
note_failure (Walk       *walk,
              const char *name,
              int         errsv)
{
  size_t start = walk->failed_size - 1;

  if (walk->n_frames > 0)
    top (walk)->failed = true;
  if (walk->first_errno != 0)
    return;

  walk->first_errno = errsv;
  if (walk->failed_size == 0)
    return;

  walk->failed[start] = '\0';
  if (name == NULL || prepend (walk, &start, name))
    for (size_t i = walk->n_frames; i > 0 && prepend (walk, &start, walk->frames[i - 1].name); i--)
      ;
  memmove (walk->failed, walk->failed + start, walk->failed_size - start);
}

static void
close_frame (Walk  *walk,
             Frame *frame)
{
  if (frame->dir == NULL)
    return;

  closedir (frame->dir);
  frame->dir = NULL;
  walk->n_open--;
}

/* Closes the outermost open frame. Returns: false if only the innermost one is open */
static bool
close_outermost (Walk *walk)
{
  /* The open ones are next to each other, at the end. */
  if (walk->n_open < 2)
    return false;

  close_frame (walk, &walk->frames[walk->n_frames - walk->n_open]);
  return true;
}

static int
open_directory (Walk       *walk,
                int         at,
                const char *name,
                int         flags)
{
  for (;;)
    {
      int fd = openat (at, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

      if (fd >= 0)
        return fd;
      if (errno == EINTR)
        continue;
      if ((errno != EMFILE && errno != ENFILE) || !close_outermost (walk))
        return -1;
    }
}

/* For a directory that its owner may not read: changes its mode through a descriptor that needs no
 * permission on it, so that a link put in its place meanwhile is not followed. */
static int
open_unreadable (Walk       *walk,
                 int         at,
                 const char *name)
{
  char link[64];
  struct stat st;
  int fd = -1;
  int errsv = EACCES;
  int path_fd = open_directory (walk, at, name, O_PATH);

  if (path_fd < 0)
    return -1;

  snprintf (link, sizeof link, "/proc/self/fd/%d", path_fd);
  if (fstat (path_fd, &st) == 0 && st.st_uid == geteuid ()
      && chmod (link, (st.st_mode & 07777) | S_IRWXU) == 0)
    {
      fd = open_directory (walk, path_fd, ".", O_RDONLY);
      errsv = errno;
    }

  close (path_fd);
  errno = errsv;
  return fd;
}

/* Whether the directory @fd is the root of a mount. Bind mounts have the device of what they show,
 * so that only a kernel which cannot say it (before 5.8) is asked for the device. */
static bool
is_mount_root (int   fd,
               dev_t parent_dev,
               dev_t dev)
{
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx stx;

  if (statx (fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx) == 0
      && (stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#endif

  return parent_dev != dev;
}

static bool
push_frame (Walk       *walk,
            const char *name,
            DIR        *dir,
            dev_t       dev,
            ino_t       ino)
{
  char *copy;

  if (walk->n_frames == walk->n_allocated)
    {
      size_t n = walk->n_allocated == 0 ? 32 : walk->n_allocated * 2;
      Frame *frames = realloc (walk->frames, n * sizeof *frames);

      if (frames == NULL)
        return false;
      walk->frames = frames;
      walk->n_allocated = n;
    }

  copy = strdup (name);
  if (copy == NULL)
    return false;

  walk->n_frames++;
  *top (walk) = (Frame) { .name = copy, .dir = dir, .dev = dev, .ino = ino };
  walk->n_open++;
  if (walk->n_open > MAX_OPEN)
    close_outermost (walk);
  return true;
}

static void
pop_frame (Walk *walk)
{
  Frame *frame = top (walk);

  close_frame (walk, frame);
  for (size_t i = 0; i < frame->n_stuck; i++)
    free (frame->stuck[i]);
  free (frame->stuck);
  free (frame->name);
  walk->n_frames--;
}

/* Goes into the directory @name of @at. Returns: 0, or -1 with errno */
static int
enter (Walk       *walk,
       int         at,
       dev_t       parent_dev,
       const char *name)
{
  struct stat st;
  DIR *dir;
  int errsv;
  int fd = open_directory (walk, at, name, O_RDONLY);

  if (fd < 0 && errno == EACCES)
    fd = open_unreadable (walk, at, name);
  if (fd < 0)
    return -1;

  if (fstat (fd, &st) != 0)
    {
      errsv = errno;
      close (fd);
      errno = errsv;
      return -1;
    }

  /* What rmdir says of a mount point */
  if (is_mount_root (fd, parent_dev, st.st_dev))
    {
      close (fd);
      errno = EBUSY;
      return -1;
    }

  /* It goes anyway; if this fails, removing what is in it says why. */
  if ((st.st_mode & S_IRWXU) != S_IRWXU && st.st_uid == geteuid ())
    (void) fchmod (fd, (st.st_mode & 07777) | S_IRWXU);

  dir = fdopendir (fd);
  if (dir == NULL)
    {
      errsv = errno;
      close (fd);
      errno = errsv;
      return -1;
    }

  if (!push_frame (walk, name, dir, st.st_dev, st.st_ino))
    {
      closedir (dir);
      errno = ENOMEM;
      return -1;
    }

  return 0;
}

/* Takes @fd. Returns: whether it is the directory of @frame, and now open in it */
static bool
reopen_from_fd (Walk  *walk,
                Frame *frame,
                int    fd)
{
  struct stat st;

  if (fd < 0)
    return false;

  if (fstat (fd, &st) != 0 || st.st_dev != frame->dev || st.st_ino != frame->ino
      || (frame->dir = fdopendir (fd)) == NULL)
    {
      close (fd);
      return false;
    }

  frame->read_again = true;
  walk->n_open++;
  return true;
}

/* Opens the directory of the frame @index anew by the names from the root. */
static int
walk_down (Walk  *walk,
           size_t index)
{
  int fd = walk->root_fd;

  for (size_t i = 0; i <= index; i++)
    {
      struct stat st;
      int next = open_directory (walk, fd, walk->frames[i].name, O_RDONLY);

      if (fd != walk->root_fd)
        close (fd);
      if (next < 0)
        return -1;
      if (fstat (next, &st) != 0 || st.st_dev != walk->frames[i].dev
          || st.st_ino != walk->frames[i].ino)
        {
          close (next);
          errno = ENOENT;
          return -1;
        }
      fd = next;
    }

  return fd;
}

/* Makes the parent of the innermost frame open. */
static bool
reopen_parent (Walk *walk)
{
  Frame *frame = top (walk);
  Frame *parent = frame - 1;

  if (parent->dir != NULL)
    return true;

  return reopen_from_fd (walk, parent, open_directory (walk, dirfd (frame->dir), "..", O_RDONLY))
         || reopen_from_fd (walk, parent, walk_down (walk, walk->n_frames - 2));
}

static int
compare_names (const void *a,
               const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static bool
is_stuck (Frame      *frame,
          const char *name)
{
  if (!frame->read_again || frame->n_stuck == 0)
    return false;

  if (!frame->stuck_sorted)
    qsort (frame->stuck, frame->n_stuck, sizeof *frame->stuck, compare_names);
  frame->stuck_sorted = true;
  return bsearch (&name, frame->stuck, frame->n_stuck, sizeof *frame->stuck, compare_names) != NULL;
}

/* Takes @name. Returns: false if there is no memory */
static bool
add_stuck (Frame *frame,
           char  *name)
{
  char **stuck = frame->stuck;

  /* The capacity is the next power of two. */
  if (name != NULL && (frame->n_stuck & (frame->n_stuck - 1)) == 0)
    stuck = realloc (stuck, (frame->n_stuck == 0 ? 1 : frame->n_stuck * 2) * sizeof *stuck);
  if (name == NULL || stuck == NULL)
    {
      free (name);
      return false;
    }

  frame->stuck = stuck;
  frame->stuck[frame->n_stuck++] = name;
  frame->stuck_sorted = false;
  return true;
}

/* The innermost directory has been read to its end: removes it and goes back to its parent, or
 * starts over if something is in it still. Returns: 0, or -1 with errno if the walk cannot go on */
static int
leave (Walk *walk)
{
  Frame *frame = top (walk);
  Frame *parent = walk->n_frames > 1 ? frame - 1 : NULL;
  int at = walk->root_fd;
  int errsv = 0;

  if (parent != NULL && !reopen_parent (walk))
    {
      note_failure (walk, NULL, errno);
      errno = walk->first_errno;
      return -1;
    }

  if (parent != NULL)
    at = dirfd (parent->dir);
  if (remove_at (walk, at, frame->name, AT_REMOVEDIR) != 0)
    errsv = errno;

  if ((errsv == ENOTEMPTY || errsv == EEXIST) && !frame->failed && ++frame->passes < MAX_PASSES)
    {
      frame->read_again = true;
      rewinddir (frame->dir);
      return 0;
    }

  if (errsv != 0)
    {
      note_failure (walk, NULL, errsv);
      if (parent != NULL)
        {
          parent->failed = true;
          if (!add_stuck (parent, strdup (frame->name)))
            {
              errno = ENOMEM;
              return -1;
            }
        }
    }

  pop_frame (walk);
  return 0;
}

/* Removes one entry of the innermost directory, or goes into it. */
static void
remove_entry (Walk                *walk,
              const struct dirent *entry)
{
  Frame *frame = top (walk);
  const char *name = entry->d_name;
  int at = dirfd (frame->dir);

  /* Linux never unlinks a directory, so that one of an unknown type can be tried first. */
  if (entry->d_type != DT_DIR)
    {
      if (remove_at (walk, at, name, 0) == 0)
        return;
      if (errno != EISDIR)
        {
          note_failure (walk, name, errno);
          return;
        }
    }

  if (is_stuck (frame, name) || enter (walk, at, frame->dev, name) == 0 || errno == ENOENT)
    return;

  /* It was a directory when it was read. */
  if ((errno == ENOTDIR || errno == ELOOP) && remove_at (walk, at, name, 0) == 0)
    return;

  note_failure (walk, name, errno);
}

static int
run_walk (Walk               *walk,
          const volatile int *cancelled)
{
  while (walk->n_frames > 0)
    {
      struct dirent *entry;

      if (cancelled != NULL && __atomic_load_n (cancelled, __ATOMIC_ACQUIRE) != 0)
        {
          errno = ECANCELED;
          return -1;
        }

      errno = 0;
      entry = readdir (top (walk)->dir);
      if (entry == NULL)
        {
          if (errno != 0)
            note_failure (walk, NULL, errno);
          if (leave (walk) != 0)
            return -1;
        }
      else if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
        remove_entry (walk, entry);
    }

  errno = walk->first_errno;
  return walk->first_errno == 0 ? 0 : -1;
}

/* A name that ends in a slash, "." or ".." would lead through a link or out. */
static bool
is_removable_name (const char *name)
{
  const char *slash = strrchr (name, '/');
  const char *last = slash != NULL ? slash + 1 : name;

  return *last != '\0' && strcmp (last, ".") != 0 && strcmp (last, "..") != 0;
}

/* The device of the directory that holds @name */
static bool
get_parent_dev (int         dirfd,
                const char *name,
                dev_t      *dev)
{
  const char *slash = strrchr (name, '/');
  char *parent = slash == NULL ? strdup (".") : strndup (name, (size_t) (slash - name) + 1);
  struct stat st;
  bool ok = parent != NULL && fstatat (dirfd, parent, &st, 0) == 0;
  int errsv = errno;

  if (ok)
    *dev = st.st_dev;
  free (parent);
  errno = errsv;
  return ok;
}

int
tvm_rmtree_at_report (int                 dirfd,
                      const char         *name,
                      const volatile int *cancelled,
                      uint64_t           *n_removed,
                      char               *failed,
                      size_t              failed_size)
{
  Walk walk = { .root_fd = dirfd, .n_removed = n_removed, .failed = failed,
                .failed_size = failed_size };
  dev_t parent_dev;
  int result;
  int errsv;

  if (failed_size > 0)
    failed[0] = '\0';
  if (!is_removable_name (name))
    {
      errno = EINVAL;
      return -1;
    }
  if (cancelled != NULL && __atomic_load_n (cancelled, __ATOMIC_ACQUIRE) != 0)
    {
      errno = ECANCELED;
      return -1;
    }

  /* An empty directory, as most temporary ones are in the end, or no directory */
  if (remove_at (&walk, dirfd, name, AT_REMOVEDIR) == 0)
    return 0;
  if (errno == ENOTDIR && remove_at (&walk, dirfd, name, 0) == 0)
    return 0;
  if ((errno != ENOTEMPTY && errno != EEXIST) || !get_parent_dev (dirfd, name, &parent_dev)
      || enter (&walk, dirfd, parent_dev, name) != 0)
    {
      errsv = errno;
      if (errsv != ENOENT)
        note_failure (&walk, name, errsv);
      free (walk.frames);
      errno = errsv;
      return errsv == ENOENT ? 0 : -1;
    }

  result = run_walk (&walk, cancelled);
  errsv = errno;
  while (walk.n_frames > 0)
    pop_frame (&walk);
  free (walk.frames);
  errno = errsv;
  return result;
}

int
tvm_rmtree_at (int                 dirfd,
               const char         *name,
               const volatile int *cancelled)
{
  return tvm_rmtree_at_report (dirfd, name, cancelled, NULL, NULL, 0);
}
