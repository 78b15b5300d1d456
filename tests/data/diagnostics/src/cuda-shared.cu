__global__ void k (float *x)
{
  __shared__ float s[100000];

  s[threadIdx.x] = x[0];
  __syncthreads ();
  x[0] = s[3];
}
