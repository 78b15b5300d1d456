/* SPDX-License-Identifier: Apache-2.0 */
/* The source text of the kernels. Each is a file of its own with one function, which knows nothing
 * of GLib or of this program. */
#include "tuner.h"

#include <string.h>

static const char head[] =
  "void\n"
  "kernel (int n, const float *restrict a, const float *restrict b, float *restrict c)\n"
  "{\n";

static const char clear[] =
  "  for (int i = 0; i < n * n; i++)\n"
  "    c[i] = 0;\n";

static void
append_loop (GString *text,
             guint    depth,
             char     index,
             guint    tile)
{
  g_string_append_printf (text, "%*s", (int) (2 + 2 * depth), "");
  if (tile > 0)
    g_string_append_printf (text, "for (int %c = %c%c; %c < %c%c + %u && %c < n; %c++)\n", index,
                            index, index, index, index, index, tile, index, index);
  else
    g_string_append_printf (text, "for (int %c = 0; %c < n; %c++)\n", index, index, index);
}

/* Three loops around one line, in the @order of their indices, as in "ikj".
 * @tile: the edge of the blocks to work in; 0 for none
 * @unroll: 0 to leave it to the compiler
 * @hint: (nullable): a pragma for the innermost loop */
char *
kernel_loops (const char *order,
              guint       tile,
              guint       unroll,
              const char *hint)
{
  GString *text = g_string_new (head);
  guint depth = 0;

  g_string_append (text, clear);
  if (tile > 0)
    for (const char *i = order; *i != '\0'; i++, depth++)
      g_string_append_printf (text, "%*sfor (int %c%c = 0; %c%c < n; %c%c += %u)\n",
                              (int) (2 + 2 * depth), "", *i, *i, *i, *i, *i, *i, tile);
  append_loop (text, depth++, order[0], tile);
  append_loop (text, depth++, order[1], tile);
  if (unroll > 0)
    g_string_append_printf (text, "#pragma GCC unroll %u\n", unroll);
  if (hint != NULL)
    g_string_append_printf (text, "#pragma %s\n", hint);
  append_loop (text, depth++, order[2], tile);
  g_string_append_printf (text, "%*sc[i * n + j] += a[i * n + k] * b[k * n + j];\n}\n",
                          (int) (2 + 2 * depth), "");
  return g_string_free (text, FALSE);
}

/* Turns b around, and then sums up rows, @n_sums products at a time */
char *
kernel_dot (guint n_sums)
{
  GString *text = g_string_new ("#include <stdlib.h>\n\n");

  g_string_append (text, head);
  g_string_append (text,
                   "  float *turned = malloc (sizeof (float) * n * n);\n\n"
                   "  for (int j = 0; j < n; j++)\n"
                   "    for (int k = 0; k < n; k++)\n"
                   "      turned[j * n + k] = b[k * n + j];\n"
                   "  for (int i = 0; i < n; i++)\n"
                   "    for (int j = 0; j < n; j++)\n"
                   "      {\n");
  g_string_append_printf (text, "        float sums[%u] = { 0 }, sum = 0;\n\n", n_sums);
  g_string_append_printf (text, "        for (int k = 0; k < n; k += %u)\n", n_sums);
  g_string_append_printf (text, "          for (int s = 0; s < %u; s++)\n", n_sums);
  g_string_append (text, "            sums[s] += a[i * n + k + s] * turned[j * n + k + s];\n");
  g_string_append_printf (text, "        for (int s = 0; s < %u; s++)\n", n_sums);
  g_string_append (text,
                   "          sum += sums[s];\n"
                   "        c[i * n + j] = sum;\n"
                   "      }\n"
                   "  free (turned);\n"
                   "}\n");
  return g_string_free (text, FALSE);
}

/* Keeps a block of the result in registers: @n_rows by @n_vectors vectors of @width numbers */
char *
kernel_vector (guint width,
               guint n_vectors,
               guint n_rows)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "enum { WIDTH = %u, VECTORS = %u, ROWS = %u };\n\n", width,
                          n_vectors, n_rows);
  g_string_append (text,
                   "typedef float vector __attribute__ ((vector_size (WIDTH * sizeof (float)),\n"
                   "                                      aligned (4), may_alias));\n\n");
  g_string_append (text, head);
  g_string_append (text,
                   "  for (int j = 0; j < n; j += WIDTH * VECTORS)\n"
                   "    for (int i = 0; i < n; i += ROWS)\n"
                   "      {\n"
                   "        vector sums[ROWS][VECTORS] = { 0 };\n\n"
                   "        for (int k = 0; k < n; k++)\n"
                   "          for (int v = 0; v < VECTORS; v++)\n"
                   "            {\n"
                   "              vector right = *(const vector *) (b + k * n + j + v * WIDTH);\n\n"
                   "              for (int r = 0; r < ROWS; r++)\n"
                   "                sums[r][v] += a[(i + r) * n + k] * right;\n"
                   "            }\n"
                   "        for (int r = 0; r < ROWS; r++)\n"
                   "          for (int v = 0; v < VECTORS; v++)\n"
                   "            *(vector *) (c + (i + r) * n + j + v * WIDTH) = sums[r][v];\n"
                   "      }\n"
                   "}\n");
  return g_string_free (text, FALSE);
}

/* @includes: what stands before the function; @body: all of it but the braces */
char *
kernel_body (const char *includes,
             const char *body)
{
  return g_strconcat (includes, *includes != '\0' ? "\n" : "", head, body, "}\n", NULL);
}
