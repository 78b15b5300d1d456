/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include <string.h>

/* Longest first: "clang++" ends in "g++". */
static const struct
{
  const char *c;
  const char *cxx;
} driver_names[] = {
  { "clang", "clang++" },
  { "gcc", "g++" },
  { "emcc", "em++" },
  { "icx", "icpx" },
  { "cc", "c++" },
};

/* Whether a driver's name may begin or end where @c stands: a prefix ends in '-', a suffix is a
 * version. */
static gboolean
is_boundary (char c)
{
  return c == '\0' || c == '-' || c == '.' || g_ascii_isdigit (c);
}

static const char *
find_word (const char *name,
           const char *word)
{
  const char *at = name;
  gsize len = strlen (word);

  while ((at = strstr (at, word)) != NULL)
    {
      if ((at == name || at[-1] == '-') && is_boundary (at[len]))
        return at;
      at++;
    }

  return NULL;
}

static const char *
find_driver (const char *name,
             gboolean    cxx,
             guint      *index)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (driver_names); i++)
    {
      const char *at = find_word (name, cxx ? driver_names[i].cxx : driver_names[i].c);

      if (at != NULL)
        {
          *index = i;
          return at;
        }
    }

  return NULL;
}

gboolean
tvm_driver_name_is_cxx (const char *name)
{
  guint index;

  return find_driver (name, TRUE, &index) != NULL;
}

char *
tvm_driver_sibling_name (const char *name,
                         gboolean    cxx)
{
  guint index;
  const char *from;
  const char *to;
  const char *at = find_driver (name, !cxx, &index);

  if (at == NULL)
    return NULL;

  from = cxx ? driver_names[index].c : driver_names[index].cxx;
  to = cxx ? driver_names[index].cxx : driver_names[index].c;

  return g_strdup_printf ("%.*s%s%s", (int) (at - name), name, to, at + strlen (from));
}

char *
tvm_driver_prefix (const char *name)
{
  guint index;
  const char *at = find_driver (name, TRUE, &index);

  if (at == NULL)
    at = find_driver (name, FALSE, &index);

  return at != NULL ? g_strndup (name, at - name) : g_strdup ("");
}
