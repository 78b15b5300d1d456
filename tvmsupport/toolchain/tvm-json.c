/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-json-private.h"

/* How deep brackets may be nested: json-glib takes a stack frame or two for each. */
#define MAX_DEPTH 48

/* What may come next. */
typedef enum
{
  EXPECT_VALUE,
  EXPECT_VALUE_OR_END, /* behind [ */
  EXPECT_KEY_OR_END,   /* behind { */
  EXPECT_KEY,          /* behind a comma in an object */
  EXPECT_COLON,
  EXPECT_COMMA_OR_END,
} Expect;

typedef struct
{
  char stack[MAX_DEPTH]; /* the brackets that are open */
  guint depth;
  Expect expect;
  const char *reached; /* how far the text was looked at */
} Grammar;

/* Returns: what follows the string that begins at @at, or NULL if it does not end. */
static const char *
skip_string (Grammar    *grammar,
             const char *at,
             const char *end)
{
  for (at++; at < end && (guchar) *at >= 0x20; at++)
    {
      if (*at == '"')
        return at + 1;
      if (*at == '\\')
        at++;
    }

  grammar->reached = MIN (at, end);
  return NULL;
}

static const char *
skip_scalar (const char *at,
             const char *end)
{
  const char *from = at;

  while (at < end && (g_ascii_isalnum (*at) || *at == '-' || *at == '+' || *at == '.'))
    at++;

  return at > from ? at : NULL;
}

/* Takes one token that may stand where a value is expected. */
static const char *
take_value (Grammar    *grammar,
            const char *at,
            const char *end)
{
  grammar->expect = EXPECT_COMMA_OR_END;

  if (*at == '"')
    return skip_string (grammar, at, end);
  if (*at != '[' && *at != '{')
    return skip_scalar (at, end);

  if (grammar->depth == MAX_DEPTH)
    return NULL;

  grammar->stack[grammar->depth++] = *at;
  grammar->expect = *at == '[' ? EXPECT_VALUE_OR_END : EXPECT_KEY_OR_END;
  return at + 1;
}

static const char *
take_end (Grammar    *grammar,
          const char *at)
{
  const char open = *at == ']' ? '[' : '{';

  if ((*at != ']' && *at != '}') || grammar->stack[grammar->depth - 1] != open)
    return NULL;

  grammar->depth--;
  grammar->expect = EXPECT_COMMA_OR_END;
  return at + 1;
}

static const char *
take_comma (Grammar    *grammar,
            const char *at)
{
  grammar->expect = grammar->stack[grammar->depth - 1] == '[' ? EXPECT_VALUE : EXPECT_KEY;
  return at + 1;
}

/* Returns: what follows the token at @at, or NULL if it may not stand there. */
static const char *
take_token (Grammar    *grammar,
            const char *at,
            const char *end)
{
  switch (grammar->expect)
    {
    case EXPECT_VALUE:
      return take_value (grammar, at, end);

    case EXPECT_VALUE_OR_END:
      return *at == ']' ? take_end (grammar, at) : take_value (grammar, at, end);

    case EXPECT_KEY_OR_END:
      if (*at == '}')
        return take_end (grammar, at);
      G_GNUC_FALLTHROUGH;

    case EXPECT_KEY:
      grammar->expect = EXPECT_COLON;
      return *at == '"' ? skip_string (grammar, at, end) : NULL;

    case EXPECT_COLON:
      grammar->expect = EXPECT_VALUE;
      return *at == ':' ? at + 1 : NULL;

    case EXPECT_COMMA_OR_END:
      return *at == ',' ? take_comma (grammar, at) : take_end (grammar, at);

    default:
      g_return_val_if_reached (NULL);
    }
}

gboolean
tvm_json_skip (const char  *at,
               const char  *end,
               const char **reached)
{
  Grammar grammar = { { 0, }, 0, EXPECT_VALUE, at };

  while (at != NULL && at < end)
    {
      grammar.reached = MAX (grammar.reached, at);
      if (*at != ' ' && *at != '\n' && *at != '\r' && *at != '\t')
        at = take_token (&grammar, at, end);
      else
        at++;

      if (at != NULL && grammar.depth == 0 && grammar.expect == EXPECT_COMMA_OR_END)
        {
          *reached = at;
          return TRUE;
        }
    }

  *reached = at != NULL ? at : grammar.reached;
  return FALSE;
}
