void twice_defined (void);

void
g (void)
{
  twice_defined ();
}
