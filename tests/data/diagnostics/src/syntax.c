#include <stdio.h>

int
main (void)
{
  int unused = 3;
  const char *text = 12;
  printf ("%d\n", "text")
  return undeclared;
}
