__device__ int missing (int);
__global__ void k (int *x) { x[0] = missing (x[0]); }
int main (void) { return 0; }
