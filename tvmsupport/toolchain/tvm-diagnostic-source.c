/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-diagnostic-source-private.h"

#include "tvmsupport/toolchain/tvm-diagnostic.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_SIZE (4 * 1024 * 1024)
#define MAX_TOTAL_SIZE (16 * 1024 * 1024)
#define MAX_FILES 4096
#define MAX_DRAWN (16 * 1024 * 1024)
/* No one reads a longer line, and a terminal does not show one. */
#define MAX_LINE 1000
#define TAB_STOP 8
#define MAX_FIXITS 16

typedef struct
{
  char *data;     /* (owned) */
  gsize size;
  GArray *lines;  /* (element-type gsize) (owned): where each begins */
} SourceFile;

struct _TvmSourceCache
{
  char *cwd;         /* (owned) (nullable) */
  GHashTable *files; /* (element-type filename SourceFile) (owned): NULL for what cannot be read */
  gsize total;
  gsize drawn;
};

static void
source_file_free (SourceFile *self)
{
  if (self == NULL)
    return;

  g_free (self->data);
  g_array_unref (self->lines);
  g_free (self);
}

TvmSourceCache *
tvm_source_cache_new (const char *cwd)
{
  TvmSourceCache *self = g_new0 (TvmSourceCache, 1);

  self->cwd = g_strdup (cwd);
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) source_file_free);
  return self;
}

void
tvm_source_cache_free (TvmSourceCache *self)
{
  g_free (self->cwd);
  g_hash_table_unref (self->files);
  g_free (self);
}

/* Returns: -1, or @path opened, if it is a regular file. A source may be named /dev/zero, or be a
 * FIFO: neither may be opened for long, and a device not at all, as that alone may do something. */
static int
open_regular (const char  *path,
              struct stat *info)
{
  int fd = -1;

  if (stat (path, info) != 0 || !S_ISREG (info->st_mode))
    return -1;

  fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return -1;

  /* It may have become something else since. */
  if (fstat (fd, info) != 0 || !S_ISREG (info->st_mode))
    {
      close (fd);
      return -1;
    }

  return fd;
}

/* Returns: (nullable): up to @size bytes, and in @size how many there were. */
static char *
read_up_to (int    fd,
            gsize *size)
{
  g_autofree char *data = g_try_malloc (*size + 1);
  gsize len = 0;

  while (data != NULL && len < *size)
    {
      const gssize n = read (fd, data + len, *size - len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return NULL;
      if (n == 0)
        break;
      len += (gsize) n;
    }

  *size = len;
  return g_steal_pointer (&data);
}

static void
find_lines (SourceFile *file)
{
  gsize at = 0;

  file->lines = g_array_new (FALSE, FALSE, sizeof (gsize));
  while (at < file->size)
    {
      const char *newline = memchr (file->data + at, '\n', file->size - at);

      g_array_append_val (file->lines, at);
      at = newline != NULL ? (gsize) (newline - file->data) + 1 : file->size;
    }
}

static SourceFile *
load_file (TvmSourceCache *self,
           const char     *name)
{
  g_autofree char *path = NULL;
  g_autofree char *data = NULL;
  SourceFile *file = NULL;
  struct stat info;
  gsize size = 0;
  int fd = -1;

  if (self->cwd != NULL && !g_path_is_absolute (name))
    path = g_build_filename (self->cwd, name, NULL);
  else
    path = g_strdup (name);

  fd = open_regular (path, &info);
  if (fd < 0)
    return NULL;

  size = info.st_size > 0 ? (gsize) info.st_size : 0;
  if (size <= MAX_FILE_SIZE && size <= MAX_TOTAL_SIZE - self->total)
    data = read_up_to (fd, &size);
  close (fd);
  if (data == NULL)
    return NULL;

  self->total += size;
  file = g_new0 (SourceFile, 1);
  file->data = g_steal_pointer (&data);
  file->size = size;
  find_lines (file);
  return file;
}

/* Returns: (nullable): the line without its end; @len is its length. */
static const char *
get_line (TvmSourceCache *self,
          const char     *name,
          guint           line,
          gsize          *len)
{
  SourceFile *file = NULL;
  gpointer known = NULL;
  const char *text = NULL;
  gsize begin = 0;

  if (g_hash_table_lookup_extended (self->files, name, NULL, &known))
    {
      file = known;
    }
  else if (g_hash_table_size (self->files) < MAX_FILES)
    {
      file = load_file (self, name);
      g_hash_table_insert (self->files, g_strdup (name), file);
    }

  if (file == NULL || line == 0 || line > file->lines->len)
    return NULL;

  begin = g_array_index (file->lines, gsize, line - 1);
  text = file->data + begin;
  *len = line < file->lines->len ? g_array_index (file->lines, gsize, line) - begin
                                 : file->size - begin;
  while (*len > 0 && (text[*len - 1] == '\n' || text[*len - 1] == '\r'))
    (*len)--;

  return *len <= MAX_LINE ? text : NULL;
}

/* A source line as a terminal shows it. */
typedef struct
{
  GString *text;  /* (owned): valid UTF-8 without tabs */
  guint *columns; /* (owned): of each byte, and of the end: where it is shown, counted from 0 */
  gsize len;      /* of the source line */
  guint width;    /* in digits, of the margin */
} Canvas;

static void
canvas_init (Canvas     *canvas,
             const char *line,
             gsize       len)
{
  const char *end = line + len;
  guint column = 0;

  canvas->text = g_string_sized_new (len);
  canvas->columns = g_new (guint, len + 1);
  canvas->len = len;

  for (const char *at = line; at < end;)
    {
      const gunichar c = g_utf8_get_char_validated (at, end - at);
      const gboolean broken = c == (gunichar) -1 || c == (gunichar) -2 || c == 0;
      const gsize size = broken ? 1 : (gsize) (g_utf8_next_char (at) - at);
      guint cells = 1;

      if (*at == '\t')
        {
          cells = TAB_STOP - column % TAB_STOP;
          g_string_append_printf (canvas->text, "%*s", (int) cells, "");
        }
      else if (broken || g_unichar_iscntrl (c))
        {
          g_string_append (canvas->text, "\xef\xbf\xbd");
        }
      else
        {
          g_string_append_len (canvas->text, at, (gssize) size);
          cells = g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
        }

      for (gsize i = 0; i < size; i++)
        canvas->columns[at - line + (gssize) i] = column;
      column += cells;
      at += size;
    }

  canvas->columns[len] = column;
}

static void
canvas_clear (Canvas *canvas)
{
  if (canvas->text != NULL)
    g_string_free (canvas->text, TRUE);
  g_free (canvas->columns);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Canvas, canvas_clear)

/* Where the byte at @column (from 1) is shown, counted from 0. */
static guint
shown_at (const Canvas *canvas,
          guint         column)
{
  const gsize byte = column > 0 ? column - 1 : 0;

  if (byte <= canvas->len)
    return canvas->columns[byte];

  return canvas->columns[canvas->len] + (guint) MIN (byte - canvas->len, 1);
}

/* Where the character that the byte at @column (from 1) belongs to ends. */
static guint
shown_until (const Canvas *canvas,
             guint         column)
{
  gsize byte = column > 0 ? column - 1 : 0;
  const guint from = shown_at (canvas, column);

  while (byte < canvas->len && canvas->columns[byte] == from)
    byte++;

  return byte < canvas->len || canvas->columns[canvas->len] > from
           ? canvas->columns[MIN (byte, canvas->len)]
           : from + 1;
}

/* Writes @mark at @column of a row, which grows as it must; a multi-byte mark only at its end. */
static void
put (GString    *row,
     guint       column,
     const char *mark)
{
  const gsize len = strlen (mark);

  while (row->len < column + len)
    g_string_append_c (row, ' ');
  memcpy (row->str + column, mark, len);
}

static void
draw_margin (const Canvas *canvas,
             GString      *text)
{
  g_string_append_printf (text, "%*s | ", (int) canvas->width, "");
}

static void
draw_row (const Canvas *canvas,
          GString      *row,
          GString      *text)
{
  while (row->len > 0 && row->str[row->len - 1] == ' ')
    g_string_truncate (row, row->len - 1);
  if (row->len == 0)
    return;

  draw_margin (canvas, text);
  g_string_append_len (text, row->str, (gssize) row->len);
  g_string_append_c (text, '\n');
}

static void
draw_underlines (const Canvas         *canvas,
                 const TvmSourceRange *ranges,
                 gsize                 n_ranges,
                 GString              *text)
{
  g_autoptr (GString) row = g_string_new (NULL);

  for (gsize i = n_ranges; i-- > 0;)
    {
      const guint from = shown_at (canvas, ranges[i].start);
      const guint until = MAX (shown_until (canvas, ranges[i].finish), from + 1);

      for (guint column = from; column < until; column++)
        put (row, column, "~");
    }
  for (gsize i = 0; i < n_ranges; i++)
    if (ranges[i].caret != 0)
      put (row, shown_at (canvas, ranges[i].caret), "^");

  draw_row (canvas, row, text);
}

/* A label and where it stands. */
typedef struct
{
  guint column;
  const char *text;
} Label;

static int
compare_labels (gconstpointer a,
                gconstpointer b)
{
  const Label *label_a = a;
  const Label *label_b = b;

  return label_a->column > label_b->column ? -1 : label_a->column < label_b->column;
}

/* Writes those of @labels, from the right to the left, that fit in one row, a bar for the others,
 * and removes what was written. */
static void
draw_label_row (const Canvas *canvas,
                GArray       *labels,
                GString      *text)
{
  g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);
  guint limit = G_MAXUINT;
  guint column = 0;

  for (guint i = 0; i < labels->len;)
    {
      const Label *label = &g_array_index (labels, Label, i);
      const glong len = g_utf8_strlen (label->text, -1);

      if (label->column + (gulong) len < limit)
        {
          g_ptr_array_insert (cells, 0,
                              g_strdup_printf ("%u %s", label->column, label->text));
          limit = label->column;
          g_array_remove_index (labels, i);
        }
      else
        {
          g_ptr_array_insert (cells, 0, g_strdup_printf ("%u |", label->column));
          limit = label->column;
          i++;
        }
    }

  draw_margin (canvas, text);
  for (guint i = 0; i < cells->len; i++)
    {
      char *mark = NULL;
      const guint at = (guint) strtoul (g_ptr_array_index (cells, i), &mark, 10);

      if (at < column)
        continue;
      g_string_append_printf (text, "%*s%s", (int) (at - column), "", mark + 1);
      column = at + (guint) g_utf8_strlen (mark + 1, -1);
    }
  g_string_append_c (text, '\n');
}

static void
draw_labels (const Canvas         *canvas,
             const TvmSourceRange *ranges,
             gsize                 n_ranges,
             GString              *text)
{
  g_autoptr (GArray) labels = g_array_new (FALSE, FALSE, sizeof (Label));
  g_autoptr (GString) row = g_string_new (NULL);

  for (gsize i = 0; i < n_ranges; i++)
    {
      const guint column = ranges[i].caret != 0 ? ranges[i].caret : ranges[i].start;
      const Label label = { shown_at (canvas, column), ranges[i].label };

      if (label.text == NULL || *label.text == '\0')
        continue;
      g_array_append_val (labels, label);
      put (row, label.column, "|");
    }

  draw_row (canvas, row, text);
  g_array_sort (labels, compare_labels);
  while (labels->len > 0)
    draw_label_row (canvas, labels, text);
}

/* What a fix-it puts into the line, below the place where it belongs. */
static void
draw_fixit (const Canvas *canvas,
            TvmFixit     *fixit,
            guint         line,
            GString      *text)
{
  const char *replacement = tvm_fixit_get_replacement (fixit);
  const guint from = shown_at (canvas, tvm_fixit_get_column (fixit));
  g_autoptr (GString) row = g_string_new (NULL);

  if (tvm_fixit_get_line (fixit) != line || tvm_fixit_get_end_line (fixit) != line ||
      strchr (replacement, '\n') != NULL)
    return;

  if (*replacement != '\0')
    {
      draw_margin (canvas, text);
      g_string_append_printf (text, "%*s%s\n", (int) from, "", replacement);
      return;
    }

  for (guint column = from; column < shown_at (canvas, tvm_fixit_get_end_column (fixit)); column++)
    put (row, column, "-");
  draw_row (canvas, row, text);
}

/* A whole line that a fix-it puts in front of this one. */
static void
draw_new_line (const Canvas *canvas,
               TvmFixit     *fixit,
               guint         line,
               GString      *text)
{
  const char *replacement = tvm_fixit_get_replacement (fixit);

  if (tvm_fixit_get_line (fixit) == line && tvm_fixit_get_column (fixit) == 1 &&
      g_str_has_suffix (replacement, "\n") &&
      strchr (replacement, '\n') == replacement + strlen (replacement) - 1)
    g_string_append_printf (text, "%*s |+%s", (int) canvas->width, "+++", replacement);
}

void
tvm_source_draw (TvmSourceCache       *self,
                 const char           *file,
                 guint                 line,
                 const TvmSourceRange *ranges,
                 gsize                 n_ranges,
                 GListModel           *fixits,
                 GString              *text)
{
  const guint n_fixits = fixits != NULL ? MIN (g_list_model_get_n_items (fixits), MAX_FIXITS) : 0;
  const gsize before = text->len;
  gsize len = 0;
  const char *source = NULL;
  g_auto (Canvas) canvas = { NULL, NULL, 0, 0 };
  g_autofree char *number = g_strdup_printf ("%u", line);

  if (self->drawn >= MAX_DRAWN)
    return;

  source = get_line (self, file, line, &len);
  if (source == NULL)
    return;

  canvas_init (&canvas, source, len);
  canvas.width = (guint) MAX (strlen (number) + 1, 5);

  for (guint i = 0; i < n_fixits; i++)
    {
      g_autoptr (TvmFixit) fixit = g_list_model_get_item (fixits, i);

      if (g_strcmp0 (tvm_fixit_get_file (fixit), file) == 0)
        draw_new_line (&canvas, fixit, line, text);
    }

  g_string_append_printf (text, "%*u | %s\n", (int) canvas.width, line, canvas.text->str);
  draw_underlines (&canvas, ranges, n_ranges, text);
  draw_labels (&canvas, ranges, n_ranges, text);
  for (guint i = 0; i < n_fixits; i++)
    {
      g_autoptr (TvmFixit) fixit = g_list_model_get_item (fixits, i);

      if (g_strcmp0 (tvm_fixit_get_file (fixit), file) == 0)
        draw_fixit (&canvas, fixit, line, text);
    }

  self->drawn += text->len - before;
}
