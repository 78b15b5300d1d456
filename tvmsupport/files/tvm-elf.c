/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-elf-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <ar.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Files are read, not mapped: one that is truncated meanwhile, by a linker that writes it, must not
 * end the process. Archives are walked here, since libelf takes a member that is cut off for a
 * shorter one.
 */

typedef struct
{
  int fd;
  guint64 size;
  const char *display;
  gboolean skip_foreign;
  TvmElfFunc func;
  gpointer user_data;
  GCancellable *cancellable;
} Visit;

static void
elf_free (Elf *elf)
{
  elf_end (elf);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Elf, elf_free)

gboolean
tvm_elf_set_invalid_error (GError     **error,
                           const char  *display,
                           const char  *why)
{
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_OBJECT,
               _("“%s” is not a valid object file: %s"), display, why);
  return FALSE;
}

static gboolean
set_unsupported_error (GError     **error,
                       const char  *display,
                       const char  *format)
{
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("“%s” is of a format that is not read directly: %s"), display, format);
  return FALSE;
}

/* Returns: (nullable): the format of a file that starts so, if another nm may know it */
static const char *
get_foreign_format (const guint8 *head,
                    gsize         length)
{
  static const struct { const char *magic; guint8 length; const char *format; } formats[] = {
    { "BC\xc0\xde", 4, "LLVM bitcode" },
    { "\xde\xc0\x17\x0b", 4, "LLVM bitcode" },
    { "\0asm", 4, "WebAssembly" },
    { "\xfe\xed\xfa\xce", 4, "Mach-O" },
    { "\xfe\xed\xfa\xcf", 4, "Mach-O" },
    { "\xce\xfa\xed\xfe", 4, "Mach-O" },
    { "\xcf\xfa\xed\xfe", 4, "Mach-O" },
    { "\xca\xfe\xba\xbe", 4, "Mach-O" },
    { "!<thin>\n", 8, "thin archive" },
    { "MZ", 2, "PE" },
    { "\x64\x86", 2, "COFF" },
    { "\x4c\x01", 2, "COFF" },
    { "\x64\xaa", 2, "COFF" },
    { "\x01\xdf", 2, "XCOFF" },
    { "\x01\xf7", 2, "XCOFF" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      if (length >= formats[i].length
          && memcmp (head, formats[i].magic, formats[i].length) == 0)
        return formats[i].format;
    }

  return NULL;
}

static gboolean
is_elf (const guint8 *head,
        gsize         length)
{
  return length >= SELFMAG && memcmp (head, ELFMAG, SELFMAG) == 0;
}

/* Returns: whether @length bytes were there to be read */
static gboolean
read_at (Visit   *self,
         void    *data,
         gsize    length,
         guint64  offset,
         GError **error)
{
  gsize done = 0;

  while (done < length)
    {
      gssize n = pread (self->fd, (char *) data + done, length - done, offset + done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return tvm_error_set_errno (error, errno, _("Cannot read “%s”"), self->display);
      if (n == 0)
        return tvm_elf_set_invalid_error (error, self->display, _("it is truncated"));
      done += n;
    }

  return TRUE;
}

static gboolean
visit_elf (Visit       *self,
           Elf         *elf,
           guint64      size,
           const char  *display,
           GError     **error)
{
  GElf_Ehdr ehdr;
  size_t n_sections;

  if (elf == NULL || elf_kind (elf) != ELF_K_ELF || gelf_getehdr (elf, &ehdr) == NULL
      || elf_getshdrnum (elf, &n_sections) != 0)
    return tvm_elf_set_invalid_error (error, display, elf_errmsg (-1));

  /* libelf makes do with the sections that are there. Their number is in the first of them if it
   * does not fit into the header. */
  n_sections = MAX (n_sections, MAX (ehdr.e_shnum, 1));
  if (ehdr.e_shoff > size
      || (ehdr.e_shoff != 0
          && n_sections > (size - ehdr.e_shoff) / MAX (ehdr.e_shentsize, sizeof (Elf32_Shdr))))
    return tvm_elf_set_invalid_error (error, display, _("it is truncated"));

  return self->func (elf, display, self->user_data, error);
}

static gboolean
visit_member (Visit       *self,
              guint64      offset,
              guint64      size,
              GError     **error)
{
  g_autoptr (Elf) elf = NULL;
  g_autofree char *data = NULL;
  guint8 head[8] = { 0 };
  const char *format;

  if (!read_at (self, head, MIN (size, sizeof head), offset, error))
    return FALSE;
  format = get_foreign_format (head, MIN (size, sizeof head));
  if (format != NULL && !self->skip_foreign)
    return set_unsupported_error (error, self->display, format);
  /* Archives may hold anything: the linker takes what is an object. */
  if (!is_elf (head, MIN (size, sizeof head)))
    return TRUE;

  data = g_try_malloc (size);
  if (data == NULL)
    return tvm_elf_set_invalid_error (error, self->display, _("a member is too large"));
  if (!read_at (self, data, size, offset, error))
    return FALSE;

  elf = elf_memory (data, size);
  return visit_elf (self, elf, size, self->display, error);
}

/* The number in a field of the header of a member: digits, then spaces */
static gboolean
parse_ar_size (const char *field,
               gsize       width,
               guint64    *size)
{
  gsize i;

  *size = 0;
  for (i = 0; i < width && g_ascii_isdigit (field[i]); i++)
    *size = *size * 10 + (field[i] - '0');
  if (i == 0)
    return FALSE;
  for (; i < width; i++)
    {
      if (field[i] != ' ')
        return FALSE;
    }

  return TRUE;
}

/* BSD archives have long names in front of the data. */
static gboolean
skip_bsd_name (const struct ar_hdr *header,
               guint64             *offset,
               guint64             *size)
{
  guint64 length;

  if (memcmp (header->ar_name, "#1/", 3) != 0)
    return TRUE;
  if (!parse_ar_size (header->ar_name + 3, sizeof header->ar_name - 3, &length) || length > *size)
    return FALSE;

  *offset += length;
  *size -= length;
  return TRUE;
}

/* The index of symbols, and the table of long names */
static gboolean
is_special_member (const char *name)
{
  return memcmp (name, "/ ", 2) == 0 || memcmp (name, "// ", 3) == 0
         || memcmp (name, "/SYM64/ ", 8) == 0;
}

static gboolean
visit_archive (Visit   *self,
               GError **error)
{
  guint64 offset = SARMAG;

  while (offset < self->size)
    {
      struct ar_hdr header;
      guint64 start = offset + sizeof header;
      guint64 size, data, data_size;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;

      /* Some pad the last member to more than an even length. */
      if (self->size - offset < sizeof header)
        return self->size - offset == 1
               || tvm_elf_set_invalid_error (error, self->display, _("it is truncated"));
      if (!read_at (self, &header, sizeof header, offset, error))
        return FALSE;
      if (memcmp (header.ar_fmag, ARFMAG, sizeof header.ar_fmag) != 0
          || !parse_ar_size (header.ar_size, sizeof header.ar_size, &size))
        return tvm_elf_set_invalid_error (error, self->display, _("a member has no header"));
      if (size > self->size - start)
        return tvm_elf_set_invalid_error (error, self->display, _("it is truncated"));

      data = start;
      data_size = size;
      if (!skip_bsd_name (&header, &data, &data_size))
        return tvm_elf_set_invalid_error (error, self->display, _("a member has no name"));
      if (!is_special_member (header.ar_name) && !visit_member (self, data, data_size, error))
        return FALSE;

      offset = start + size + size % 2;
    }

  return TRUE;
}

static gboolean
visit_file (Visit   *self,
            GError **error)
{
  g_autoptr (Elf) elf = NULL;
  guint8 head[8] = { 0 };
  gsize length = MIN (self->size, sizeof head);
  const char *format;

  if (!read_at (self, head, length, 0, error))
    return FALSE;
  if (length == SARMAG && memcmp (head, ARMAG, SARMAG) == 0)
    return visit_archive (self, error);

  format = get_foreign_format (head, length);
  if (format != NULL)
    return set_unsupported_error (error, self->display, format);
  if (!is_elf (head, length))
    return tvm_elf_set_invalid_error (error, self->display, _("its format is unknown"));

  elf = elf_begin (self->fd, ELF_C_READ, NULL);
  return visit_elf (self, elf, self->size, self->display, error);
}

gboolean
tvm_elf_foreach (const char    *path,
                 gboolean       skip_foreign,
                 TvmElfFunc     func,
                 gpointer       user_data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  g_autofree char *display = g_filename_display_name (path);
  Visit visit = { .display = display, .skip_foreign = skip_foreign, .func = func,
                  .user_data = user_data, .cancellable = cancellable };
  struct stat st;
  gboolean ok = FALSE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  /* A pipe would block, past any cancelling. */
  visit.fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (visit.fd < 0)
    return tvm_error_set_errno (error, errno, _("Cannot open “%s”"), display);

  elf_version (EV_CURRENT);
  if (fstat (visit.fd, &st) != 0)
    tvm_error_set_errno (error, errno, _("Cannot open “%s”"), display);
  else if (!S_ISREG (st.st_mode))
    g_set_error (error, G_IO_ERROR,
                 S_ISDIR (st.st_mode) ? G_IO_ERROR_IS_DIRECTORY : G_IO_ERROR_NOT_REGULAR_FILE,
                 _("Cannot open “%s”: it is not a file"), display);
  else
    {
      visit.size = st.st_size;
      ok = visit_file (&visit, error);
    }

  close (visit.fd);
  return ok;
}
