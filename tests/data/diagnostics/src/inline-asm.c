void
f (void)
{
  __asm__ ("bogus %rbx");
}
