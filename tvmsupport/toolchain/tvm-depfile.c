/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-depfile-private.h"

#include <string.h>

/* A place in the text. */
typedef struct
{
  const char *at;
  const char *end;
} Cursor;

static char
peek (const Cursor *cursor,
      gsize         offset)
{
  return (gsize) (cursor->end - cursor->at) > offset ? cursor->at[offset] : '\0';
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* The length of the newline at @offset; 0 if there is none. */
static gsize
newline_length (const Cursor *cursor,
                gsize         offset)
{
  if (peek (cursor, offset) == '\n')
    return 1;
  if (peek (cursor, offset) == '\r' && peek (cursor, offset + 1) == '\n')
    return 2;

  return 0;
}

static gsize
count_backslashes (const Cursor *cursor)
{
  gsize n = 0;

  while (peek (cursor, n) == '\\')
    n++;

  return n;
}

/* A run of backslashes means what the character behind it makes of it. In front of a blank the
 * compilers double those of the name and add one; in front of a # or a colon they add one; one in
 * front of a newline goes on with the line; elsewhere they are what they look like.
 * Returns: whether the name goes on */
static gboolean
read_backslashes (Cursor  *cursor,
                  GString *name)
{
  gsize n = count_backslashes (cursor);
  const char next = peek (cursor, n);
  gboolean take_next = FALSE;
  gsize literal = n;

  if (is_blank (next))
    {
      take_next = n % 2 == 1;
      literal = n / 2;
    }
  else if (next == '#' || next == ':')
    {
      take_next = TRUE;
      literal = n - 1;
    }
  else if (newline_length (cursor, n) > 0)
    {
      /* The last one belongs to the newline: leave it to skip_blanks(). */
      literal = n - 1;
      n--;
    }

  for (gsize i = 0; i < literal; i++)
    g_string_append_c (name, '\\');
  cursor->at += n;
  if (take_next)
    {
      g_string_append_c (name, next);
      cursor->at++;
    }

  return n > 0 && (take_next || !is_blank (next));
}

/* Skips blanks and continued lines. */
static void
skip_blanks (Cursor *cursor)
{
  while (cursor->at < cursor->end)
    {
      if (is_blank (peek (cursor, 0)))
        cursor->at++;
      else if (peek (cursor, 0) == '\\' && newline_length (cursor, 1) > 0)
        cursor->at += 1 + newline_length (cursor, 1);
      else
        return;
    }
}

/* Whether the colon at the cursor ends the targets: one inside a name has text behind it. */
static gboolean
at_end_of_targets (const Cursor *cursor)
{
  const char next = peek (cursor, 1);

  return peek (cursor, 0) == ':' &&
         (cursor->at + 1 == cursor->end || is_blank (next) || newline_length (cursor, 1) > 0 ||
          (next == '\\' && newline_length (cursor, 2) > 0));
}

/* Returns: (nullable): the name at the cursor, or NULL if there is none. */
static GString *
read_name (Cursor   *cursor,
           gboolean  target)
{
  GString *name = g_string_new (NULL);

  while (cursor->at < cursor->end)
    {
      const char c = peek (cursor, 0);

      if (is_blank (c) || newline_length (cursor, 0) > 0 ||
          (target && at_end_of_targets (cursor)))
        break;

      if (c == '\\')
        {
          if (!read_backslashes (cursor, name))
            break;
          continue;
        }

      if (c != '\0')
        g_string_append_c (name, c);
      cursor->at += c == '$' && peek (cursor, 1) == '$' ? 2 : 1;
    }

  if (name->len > 0)
    return name;

  g_string_free (name, TRUE);
  return NULL;
}

/* Goes behind the colon of the first rule. Returns: whether there is one. */
static gboolean
skip_targets (Cursor *cursor)
{
  while (cursor->at < cursor->end)
    {
      GString *target = NULL;

      skip_blanks (cursor);
      if (at_end_of_targets (cursor))
        {
          cursor->at++;
          return TRUE;
        }

      target = read_name (cursor, TRUE);
      if (target != NULL)
        g_string_free (target, TRUE);
      else if (newline_length (cursor, 0) > 0)
        cursor->at += newline_length (cursor, 0);
      else if (cursor->at < cursor->end && !at_end_of_targets (cursor) &&
               !is_blank (peek (cursor, 0)) && peek (cursor, 0) != '\\')
        cursor->at++;
    }

  return FALSE;
}

char **
tvm_depfile_parse (const char *contents,
                   gsize       length)
{
  Cursor cursor = { contents, contents + length };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (length > 0 && skip_targets (&cursor))
    {
      for (skip_blanks (&cursor); cursor.at < cursor.end && newline_length (&cursor, 0) == 0;
           skip_blanks (&cursor))
        {
          const char *before = cursor.at;
          GString *name = read_name (&cursor, FALSE);
          g_autofree char *path = name != NULL ? g_string_free (name, FALSE) : NULL;

          if (path != NULL && !g_hash_table_contains (seen, path))
            {
              g_hash_table_add (seen, path);
              g_ptr_array_add (names, g_steal_pointer (&path));
            }
          /* A NUL is no name, and no end either. */
          if (cursor.at == before)
            cursor.at++;
        }
    }

  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
