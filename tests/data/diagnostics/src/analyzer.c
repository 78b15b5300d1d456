#include <stdlib.h>

int
f (int n)
{
  int *p = malloc (sizeof *p);

  if (n)
    free (p);
  *p = 1;
  free (p);
  return 0;
}
