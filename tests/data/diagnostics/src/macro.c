#define BROKEN(x) ((x) + missing)

int
use (int a)
{
  return BROKEN (a);
}
