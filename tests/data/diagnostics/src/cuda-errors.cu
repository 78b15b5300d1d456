template <typename T> __device__ T f(T t) { return t.x; }
__global__ void k(float *x) {
  int unused;
  y = 3;
  x[0] = f(1.0f)
}
