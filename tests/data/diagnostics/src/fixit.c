struct point { int x; int y; };

int
length (struct point *p)
{
  int colour = p.x;
  return color + pritnf ("x");
}
