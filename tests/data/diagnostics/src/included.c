#include "outer.h"

int
use (void)
{
  return inner ();
}
