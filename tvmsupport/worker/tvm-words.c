/* SPDX-License-Identifier: Apache-2.0 */

#include "tvmsupport/worker/tvm-words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  char *next;
  char *end;
} Reader;

/* Returns: the next string, NULL at the end */
static char *
next_word (Reader *reader)
{
  char *word = reader->next;

  if (word == reader->end)
    return NULL;

  reader->next = word + strlen (word) + 1;
  return word;
}

static bool
parse_count (const char *text,
             size_t     *count)
{
  unsigned long long number;

  if (!tvm_target_parse_number (text, '\0', &number, NULL) || number > SIZE_MAX / 4)
    return false;

  *count = (size_t) number;
  return true;
}

/* @n_arguments, @n_variables: (out): left as they are if they are not said */
static bool
parse_options (TvmWords *self,
               Reader   *reader,
               size_t   *n_arguments,
               size_t   *n_variables)
{
  const char *word;
  bool matched;

  while ((word = next_word (reader)) != NULL && strcmp (word, "--") != 0)
    if (strcmp (word, "--stdio") == 0)
      self->use_stdio = true;
    else if (strncmp (word, "--argc=", 7) == 0)
      {
        if (!parse_count (word + 7, n_arguments) || *n_arguments == 0)
          return false;
      }
    else if (strncmp (word, "--envc=", 7) == 0)
      {
        if (!parse_count (word + 7, n_variables))
          return false;
      }
    else if (!tvm_target_parse_option (&self->target, word, &matched))
      return false;

  return true;
}

/* Makes room for @n pointers. */
static bool
reserve (TvmWords *self,
         size_t    n)
{
  char **vector;

  if (n <= self->capacity)
    return true;

  vector = realloc (self->vector, n * sizeof *vector);
  if (vector == NULL)
    return false;

  self->vector = vector;
  self->capacity = n;
  return true;
}

int
tvm_words_parse (TvmWords *self,
                 char     *payload,
                 size_t    length)
{
  Reader reader = { payload, payload + length };
  size_t n_arguments = 0;
  size_t n_variables = 0;
  size_t n = 0;

  memset (&self->target, 0, sizeof self->target);
  self->use_stdio = false;
  if (length > 0 && payload[length - 1] != '\0')
    return EINVAL;

  if (!parse_options (self, &reader, &n_arguments, &n_variables))
    return EINVAL;
  if (n_arguments == 0)
    return reader.next == reader.end && n_variables == 0 ? 0 : EINVAL;

  /* Each of them takes a byte: what does not come is not allocated. */
  if (n_arguments + n_variables > length)
    return EINVAL;
  if (!reserve (self, n_arguments + n_variables + 2))
    return ENOMEM;

  self->target.program = next_word (&reader);
  self->target.argv = self->vector;
  self->target.envp = self->vector + n_arguments + 1;
  for (size_t i = 0; i < n_arguments + n_variables; i++)
    {
      if (i == n_arguments)
        self->vector[n++] = NULL;
      self->vector[n] = next_word (&reader);
      if (self->vector[n++] == NULL)
        return EINVAL;
    }

  if (n_variables == 0)
    self->vector[n++] = NULL;
  self->vector[n] = NULL;
  return reader.next == reader.end ? 0 : EINVAL;
}

void
tvm_words_clear (TvmWords *self)
{
  free (self->vector);
  self->vector = NULL;
  self->capacity = 0;
}
