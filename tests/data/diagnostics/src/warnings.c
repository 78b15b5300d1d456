#include <stdio.h>

int
f (int a)
{
  int never;
  char buffer[4];

  if (a = 3)
    sprintf (buffer, "%s %d", "longer than four", a);
  switch (a)
    {
    case 1:
      a++;
    case 2:
      break;
    }
}
