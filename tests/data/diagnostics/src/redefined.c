int value = 1;

int
value (void)
{
  return 0;
}
