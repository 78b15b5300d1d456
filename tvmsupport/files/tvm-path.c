/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-path.h"

#include <limits.h>
#include <string.h>

/* The longest suffix that is taken for one of a file: “cppmodule” and the like fit */
#define SUFFIX_MAX 12

/* “c”, “cu”, “c++”, “cppm”, “h5”, but not “5f” or “h>” */
static gboolean
is_suffix (const char *suffix)
{
  if (!g_ascii_isalpha (suffix[0]) || strlen (suffix) > SUFFIX_MAX)
    return FALSE;

  for (const char *c = suffix; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c) && strchr ("+_-", *c) == NULL)
        return FALSE;
    }

  return TRUE;
}

/**
 * tvm_is_source_path:
 * @path: (type filename): a path, or the text of a program
 *
 * Guesses whether @path names a source file, as opposed to being source text itself.
 *
 * What names an existing file or directory is a path. Of the rest, text with a line break, a brace
 * or a semicolon is source text, as is an empty string and what is too long for a path; what
 * remains is a path if its last component ends in a suffix: a full stop, a letter, and up to eleven
 * letters, digits, `+`, `-` or `_`. So `kernel.cu` is a path even if there is no such file, and
 * `float f(float x){return x*1.5f;}` is not one.
 *
 * This function may be called from any thread. It looks at the file system, and so may block for as
 * long as that takes.
 *
 * Returns: whether @path is a path
 *
 * Since: 1.0
 */
gboolean
tvm_is_source_path (const char *path)
{
  const char *slash;
  const char *name;
  const char *dot;

  g_return_val_if_fail (path != NULL, FALSE);

  if (path[0] == '\0')
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (strpbrk (path, "\n\r;{}") != NULL || strlen (path) >= PATH_MAX)
    return FALSE;

  slash = strrchr (path, '/');
  name = slash != NULL ? slash + 1 : path;
  dot = strrchr (name, '.');
  return dot != NULL && is_suffix (dot + 1);
}
