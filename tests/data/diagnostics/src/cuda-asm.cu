__global__ void k (int *x)
{
  asm ("bogus.s32 %0;" : "=r" (x[0]));
}
