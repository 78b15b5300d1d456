extern "C" __device__ float ext(float);
__global__ void k(float *x) { __shared__ float s[100000]; s[threadIdx.x]=x[0]; __syncthreads(); x[0]=s[3]+ext(1.f); }
