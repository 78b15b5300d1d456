/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-include-scan-private.h"

#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* Nobody includes that many; a folder that links to itself has headers without end. */
#define MAX_FILES 10000
#define BLANKS " \t\v\f\r"

typedef enum
{
  SEARCH_QUOTED,   /* beside the file, then in the folders */
  SEARCH_ANGLED,   /* in the folders */
  SEARCH_ALL,      /* wherever it is: which of them is next depends on which was first */
} SearchMode;

typedef struct
{
  const char * const *folders;
  const char *cwd;
  GHashTable *headers;     /* names that are there */
  GHashTable *absent;
  GPtrArray *order;        /* (unowned): of @headers; what stands behind @next is not read yet */
  guint next;
  GHashTable *visited;     /* paths without "..": what was read */
} Scan;

static void
scan_clear (Scan *scan)
{
  g_hash_table_unref (scan->headers);
  g_hash_table_unref (scan->absent);
  g_hash_table_unref (scan->visited);
  g_ptr_array_unref (scan->order);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scan, scan_clear)

static gboolean
is_file (Scan       *scan,
         const char *path)
{
  g_autofree char *full = g_path_is_absolute (path) ? NULL
                                                    : g_build_filename (scan->cwd, path, NULL);
  struct stat info;

  return stat (full != NULL ? full : path, &info) == 0 && S_ISREG (info.st_mode);
}

/* Returns: whether it is there */
static gboolean
try (Scan       *scan,
     const char *folder,
     const char *name)
{
  g_autofree char *path = folder[0] == '\0' ? g_strdup (name)
                                            : g_build_filename (folder, name, NULL);

  if (g_hash_table_contains (scan->headers, path))
    return TRUE;
  if (g_hash_table_contains (scan->absent, path))
    return FALSE;
  if (!is_file (scan, path))
    {
      g_hash_table_add (scan->absent, g_steal_pointer (&path));
      return FALSE;
    }

  g_ptr_array_add (scan->order, path);
  g_hash_table_add (scan->headers, g_steal_pointer (&path));
  return TRUE;
}

static void
find (Scan       *scan,
      const char *own_folder,
      const char *name,
      SearchMode  mode)
{
  gboolean found = FALSE;

  if (g_path_is_absolute (name))
    {
      try (scan, "", name);
      return;
    }

  if (mode != SEARCH_ANGLED)
    found = try (scan, own_folder, name);
  for (guint i = 0; scan->folders[i] != NULL && (!found || mode == SEARCH_ALL); i++)
    found |= try (scan, scan->folders[i], name);
}

/* "" for the working directory, as the names of what is there have no "./" in front of them */
static char *
dup_folder (const char *path)
{
  const char *slash = strrchr (path, '/');

  if (slash == path)
    return g_strdup ("/");

  return slash != NULL ? g_strndup (path, slash - path) : g_strdup ("");
}

/* Joins lines that end with a backslash, as compilers do before anything else. */
static char *
dup_spliced (const char *data,
             gsize       size)
{
  char *text = g_malloc (size + 1);
  char *to = text;
  const char *from = data;
  const char *end = data + size;

  while (from < end)
    {
      const char *backslash = memchr (from, '\\', end - from);
      const char *at;

      if (backslash == NULL)
        backslash = end;
      memcpy (to, from, backslash - from);
      to += backslash - from;
      if (backslash == end)
        break;

      /* Blanks may stand between it and the end of the line. */
      for (at = backslash + 1; at < end && strchr (BLANKS, *at) != NULL && *at != '\0'; at++)
        ;
      from = at + 1;
      if (at == end || *at != '\n')
        {
          *to++ = '\\';
          from = backslash + 1;
        }
    }
  *to = '\0';

  return text;
}

static char *
blank_until (char       *at,
             const char *end)
{
  for (; *at != '\0' && strncmp (at, end, strlen (end)) != 0; at++)
    {
      if (*at != '\n')
        *at = ' ';
    }

  return at;
}

/* @at: the quote that opens a string or a character. One that is left open ends with its line. */
static char *
skip_literal (char *at)
{
  const char quote = *at++;

  for (; *at != '\0' && *at != '\n' && *at != quote; at++)
    {
      if (*at == '\\' && at[1] != '\0' && at[1] != '\n')
        at++;
    }

  return *at == quote ? at + 1 : at;
}

/* @at: the quote that opens a raw string: R"delimiter( … )delimiter" */
static char *
skip_raw_string (char *at)
{
  const gsize length = strcspn (at + 1, "( )\\\t\v\f\n");
  g_autofree char *close = NULL;
  char *end;

  if (at[1 + length] != '(')
    return skip_literal (at);

  close = g_strdup_printf (")%.*s\"", (int) length, at + 1);
  end = strstr (at, close);
  return end != NULL ? end + strlen (close) : skip_literal (at);
}

/* @at: the first letter of a word, or the first digit of a number, which may have apostrophes */
static char *
skip_token (char     *at,
            gboolean *names_header)
{
  static const char * const raw_prefixes[] = { "R", "LR", "uR", "UR", "u8R", NULL };
  const gboolean is_number = g_ascii_isdigit (*at);
  char *end = at;
  g_autofree char *token = NULL;

  while (g_ascii_isalnum (*end) || *end == '_' || (*end & 0x80) != 0 ||
         (is_number && *end == '\'' && g_ascii_isalnum (end[1])))
    end++;

  token = g_strndup (at, end - at);
  *names_header |= strstr (token, "include") != NULL || strstr (token, "INCLUDE") != NULL;
  return *end == '"' && g_strv_contains (raw_prefixes, token) ? skip_raw_string (end) : end;
}

/* Turns comments into blanks: what looks like a directive in one is none. It reads literals as
 * C++ does, so that a comment is nothing that stands in one, and neither is the "//" of a
 * header's name. */
static void
blank_comments (char *text)
{
  gboolean names_header = FALSE;

  for (char *at = text; *at != '\0';)
    {
      if (*at == '\n')
        names_header = FALSE;

      if (at[0] == '/' && at[1] == '/')
        at = blank_until (at, "\n");
      else if (at[0] == '/' && at[1] == '*')
        {
          at[0] = at[1] = ' ';
          at = blank_until (at + 2, "*/");
          if (*at != '\0')
            at[0] = at[1] = ' ';
        }
      else if (*at == '"' || *at == '\'')
        at = skip_literal (at);
      else if (*at == '<' && names_header)
        at += strcspn (at, ">\n");
      else if (g_ascii_isalnum (*at) || *at == '_' || (*at & 0x80) != 0)
        at = skip_token (at, &names_header);
      else
        at++;
    }
}

static const char *
skip_blanks (const char *at)
{
  for (;;)
    {
      const char *end;

      at += strspn (at, BLANKS);
      if (at[0] != '/' || at[1] != '*')
        return at;
      end = strstr (at + 2, "*/");
      if (end == NULL)
        return at + strlen (at);
      at = end + 2;
    }
}

/* Whether a directive can begin at @at: behind nothing but blanks, or behind the end of a
 * comment */
static gboolean
begins_directive (const char *text,
                  const char *at)
{
  while (at > text && strchr (BLANKS, at[-1]) != NULL)
    at--;

  return at == text || at[-1] == '\n' || (at - text >= 2 && at[-1] == '/' && at[-2] == '*');
}

static gboolean
set_unknown (const char  *file,
             GError     **error)
{
  g_autofree char *shown = g_filename_display_name (file);

  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("What “%s” includes cannot be told without compiling it"), shown);
  return FALSE;
}

/* @at: where the name of a file stands, with what is around it */
static gboolean
find_named (Scan        *scan,
            const char  *file,
            const char  *at,
            SearchMode   mode,
            GError     **error)
{
  g_autofree char *own_folder = NULL;
  g_autofree char *name = NULL;
  const char *end;

  if (*at != '"' && *at != '<')
    return set_unknown (file, error);

  end = strpbrk (at + 1, *at == '"' ? "\"\n" : ">\n");
  /* The compiler says what is wrong with that, if it comes to it. */
  if (end == NULL || *end == '\n' || end == at + 1)
    return TRUE;

  own_folder = dup_folder (file);
  name = g_strndup (at + 1, end - at - 1);
  if (mode != SEARCH_ALL)
    mode = *at == '"' ? SEARCH_QUOTED : SEARCH_ANGLED;
  find (scan, own_folder, name, mode);
  return TRUE;
}

static gboolean
is_word (const char *at,
         gsize       length,
         const char *word)
{
  return strlen (word) == length && strncmp (at, word, length) == 0;
}

static gsize
word_length (const char *at)
{
  gsize length = 0;

  while (g_ascii_isalnum (at[length]) || at[length] == '_')
    length++;

  return length;
}

/* @at: behind the "#" */
static gboolean
scan_directive (Scan        *scan,
                const char  *file,
                const char  *at,
                GError     **error)
{
  const char *name = skip_blanks (at);
  const gsize length = word_length (name);

  if (is_word (name, length, "include"))
    return find_named (scan, file, skip_blanks (name + length), SEARCH_QUOTED, error);
  if (is_word (name, length, "include_next"))
    return find_named (scan, file, skip_blanks (name + length), SEARCH_ALL, error);
  if (is_word (name, length, "import") || is_word (name, length, "embed"))
    return set_unknown (file, error);

  return TRUE;
}

static gboolean
scan_directives (Scan        *scan,
                 const char  *file,
                 const char  *text,
                 const char  *mark,
                 GError     **error)
{
  for (const char *at = strstr (text, mark); at != NULL; at = strstr (at + 1, mark))
    {
      if (begins_directive (text, at) && !scan_directive (scan, file, at + strlen (mark), error))
        return FALSE;
    }

  return TRUE;
}

/* The word of the directive in whose line @at is, as far as can be told from that line: what is in
 * none has no say in what is included. Returns: (nullable) */
static const char *
find_directive (const char *text,
                const char *at)
{
  const char *line = at;

  while (line > text && line[-1] != '\n')
    line--;
  for (; line < at; line++)
    {
      if (line[0] == '#')
        return skip_blanks (line + 1);
      if (line[0] == '%' && line[1] == ':')
        return skip_blanks (line + 2);
    }

  return NULL;
}

/* Macros that are made of __has_include() have "has_include" in their names, in small letters or in
 * capitals, and are found by it where they are used. */
static gboolean
defines_question (const char *directive)
{
  const char *name = skip_blanks (directive + strlen ("define"));
  g_autofree char *macro = g_strndup (name, word_length (name));

  return strstr (macro, "has_include") != NULL || strstr (macro, "HAS_INCLUDE") != NULL;
}

/* __has_include and what is named after it, @at its "has_include" */
static gboolean
scan_question (Scan        *scan,
               const char  *file,
               const char  *text,
               const char  *at,
               gsize        length,
               GError     **error)
{
  const char *open = skip_blanks (at + word_length (at));
  const char *argument = *open == '(' ? skip_blanks (open + 1) : NULL;
  const SearchMode mode = word_length (at) > length ? SEARCH_ALL : SEARCH_QUOTED;
  const char *directive;

  if (argument != NULL && (*argument == '"' || *argument == '<'))
    return find_named (scan, file, argument, mode, error);

  directive = find_directive (text, at);
  if (directive == NULL)
    return TRUE;
  if (is_word (directive, word_length (directive), "define"))
    return defines_question (directive) || set_unknown (file, error);

  /* "#ifdef __has_include" asks for no file. */
  return argument == NULL || set_unknown (file, error);
}

static gboolean
scan_questions (Scan        *scan,
                const char  *file,
                const char  *text,
                const char  *word,
                GError     **error)
{
  for (const char *at = strstr (text, word); at != NULL; at = strstr (at + 1, word))
    {
      if (!scan_question (scan, file, text, at, strlen (word), error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
scan_text (Scan        *scan,
           const char  *file,
           const char  *data,
           gsize        size,
           GError     **error)
{
  g_autofree char *text = NULL;

  /* A text ends where a string does. Trigraphs may spell anything. */
  if (memchr (data, '\0', size) != NULL || memmem (data, size, "\?\?=", 3) != NULL ||
      memmem (data, size, "\?\?/", 3) != NULL)
    return set_unknown (file, error);

  text = dup_spliced (data, size);
  blank_comments (text);
  return scan_directives (scan, file, text, "#", error) &&
         scan_directives (scan, file, text, "%:", error) &&
         scan_questions (scan, file, text, "has_include", error) &&
         scan_questions (scan, file, text, "HAS_INCLUDE", error);
}

static gboolean
scan_file (Scan        *scan,
           const char  *path,
           GError     **error)
{
  char *full = g_canonicalize_filename (path, scan->cwd);
  g_autofree char *real = g_build_filename (scan->cwd, path, NULL);
  g_autoptr (GMappedFile) file = NULL;

  if (!g_hash_table_add (scan->visited, full))
    return TRUE;

  file = g_mapped_file_new (g_path_is_absolute (path) ? path : real, FALSE, NULL);
  if (file == NULL || g_hash_table_size (scan->visited) > MAX_FILES)
    return set_unknown (path, error);

  /* An empty file has no contents. */
  return g_mapped_file_get_length (file) == 0 ||
         scan_text (scan, path, g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
                    error);
}

static char **
dup_keys (GHashTable *table)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_strv_builder_add (builder, key);

  return g_strv_builder_end (builder);
}

gboolean
tvm_include_scan_init (TvmIncludeScan      *self,
                       const char          *name,
                       const char          *source,
                       const char * const  *folders,
                       const char * const  *forced,
                       const char          *cwd,
                       GError             **error)
{
  g_auto (Scan) scan = { folders, cwd, NULL, NULL, NULL, 0, NULL };
  g_autofree char *own_folder = dup_folder (name);

  self->headers = NULL;
  self->absent = NULL;
  scan.headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scan.absent = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scan.visited = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scan.order = g_ptr_array_new ();

  for (guint i = 0; forced != NULL && forced[i] != NULL; i++)
    {
      /* From the working directory, and by other compilers from that of the source */
      try (&scan, "", forced[i]);
      find (&scan, own_folder, forced[i], SEARCH_ALL);
    }
  if (!scan_text (&scan, name, source, strlen (source), error))
    return FALSE;
  while (scan.next < scan.order->len)
    {
      if (!scan_file (&scan, g_ptr_array_index (scan.order, scan.next++), error))
        return FALSE;
    }

  g_ptr_array_add (scan.order, NULL);
  self->headers = g_strdupv ((char **) scan.order->pdata);
  self->absent = dup_keys (scan.absent);
  return TRUE;
}

void
tvm_include_scan_clear (TvmIncludeScan *self)
{
  g_clear_pointer (&self->headers, g_strfreev);
  g_clear_pointer (&self->absent, g_strfreev);
}
