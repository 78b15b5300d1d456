/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a kernel, in a process that may be killed at any time. It prints a line of JSON if the
 * result was right, and else says on standard error what was wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIZE = 256, MAX_RUNS = 50 };

static const double ENOUGH_SECONDS = 0.2;

void kernel (int n, const float *restrict a, const float *restrict b, float *restrict c);

static double
now (void)
{
  struct timespec time;

  timespec_get (&time, TIME_UTC);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static float *
matrix_new (unsigned int seed)
{
  float *matrix = malloc (sizeof (float) * SIZE * SIZE);

  if (matrix == NULL)
    exit (EXIT_FAILURE);
  for (int i = 0; i < SIZE * SIZE; i++)
    {
      seed = seed * 1664525 + 1013904223;
      matrix[i] = (seed >> 16) / 65536.0f;
    }
  return matrix;
}

static int
is_right (const float *a, const float *b, const float *c)
{
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++)
      {
        double expected = 0;

        for (int k = 0; k < SIZE; k++)
          expected += a[i * SIZE + k] * b[k * SIZE + j];
        if (!(fabs (c[i * SIZE + j] - expected) <= 1e-3 * expected))
          {
            fprintf (stderr, "c[%d][%d] is %g instead of %g\n", i, j, c[i * SIZE + j], expected);
            return 0;
          }
      }
  return 1;
}

int
main (void)
{
  float *a = matrix_new (1), *b = matrix_new (2), *c = matrix_new (3);
  double best = HUGE_VAL;
  const double begin = now ();

  for (int run = 0; run < MAX_RUNS && (run < 2 || now () - begin < ENOUGH_SECONDS); run++)
    {
      const double start = now ();

      kernel (SIZE, a, b, c);
      best = fmin (best, now () - start);
    }

  if (!is_right (a, b, c))
    return EXIT_FAILURE;
  printf ("{\"milliseconds\": %.4f, \"gflops\": %.3f}\n", best * 1e3,
          2.0 * SIZE * SIZE * SIZE / best / 1e9);
  return EXIT_SUCCESS;
}
