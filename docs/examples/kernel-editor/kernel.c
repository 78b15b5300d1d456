/* c = a × b: matrices of n × n numbers, in blocks of TILE × TILE.
 *
 * It is compiled whenever you pause. Ctrl+Return runs it in a process
 * of its own, Ctrl+T tries other blocks and options. Break it: this
 * window stays as it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#ifndef TILE
#define TILE 32
#endif

_Static_assert ((TILE & (TILE - 1)) == 0, "TILE has to be a power of two");

void
kernel (int                   n,
        const float *restrict a,
        const float *restrict b,
        float       *restrict c)
{
  float block[TILE][TILE];

  for (int row = 0; row < n; row += TILE)
    for (int column = 0; column < n; column += TILE)
      {
        memset (block, 0, sizeof block);

        for (int k = 0; k < n; k++)
          for (int i = 0; i < TILE; i++)
            for (int j = 0; j < TILE; j++)
              block[i][j] += a[(row + i) * n + k] * b[k * n + column + j];

        for (int i = 0; i < TILE; i++)
          memcpy (&c[(row + i) * n + column], block[i], sizeof block[i]);
      }
}
