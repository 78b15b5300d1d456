/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

/*
 * A CUDA driver for tests. TVM_TEST_CUDA_DRIVER says what it finds: "sm_90" a GPU of that
 * architecture, on which nothing can be loaded, "none" no GPU, "empty" a list of GPUs that is empty,
 * "broken" an error.
 */

#define EXPORT __attribute__ ((visibility ("default")))

static const char *
mode (void)
{
  const char *value = getenv ("TVM_TEST_CUDA_DRIVER");

  return value != NULL ? value : "none";
}

EXPORT int cuInit (unsigned int flags);
EXPORT int cuDeviceGetCount (int *count);
EXPORT int cuDeviceGet (int *device, int ordinal);
EXPORT int cuDeviceGetAttribute (int *value, int attribute, int device);
EXPORT int cuGetErrorName (int result, const char **name);
EXPORT int cuDevicePrimaryCtxRetain (void **context, int device);
EXPORT int cuDevicePrimaryCtxRelease_v2 (int device);
EXPORT int cuCtxSetCurrent (void *context);
EXPORT int cuModuleLoadData (void **module, const void *image);
EXPORT int cuDriverGetVersion (int *version);
EXPORT int cuGetExportTable (const void **table, const void *id);

/* Nothing is ever loaded, so these are only looked for. */
#define NEVER_CALLED(name) \
  EXPORT int name (void); \
  int name (void) { abort (); }

NEVER_CALLED (cuCtxSynchronize)
NEVER_CALLED (cuModuleUnload)
NEVER_CALLED (cuModuleGetFunction)
NEVER_CALLED (cuMemAlloc_v2)
NEVER_CALLED (cuMemFree_v2)
NEVER_CALLED (cuMemcpyHtoD_v2)
NEVER_CALLED (cuMemcpyDtoH_v2)
NEVER_CALLED (cuLaunchKernel)

int
cuInit (unsigned int flags)
{
  if (flags != 0)
    return 1;
  if (strcmp (mode (), "none") == 0)
    return 100;
  return strcmp (mode (), "broken") == 0 ? 803 : 0;
}

int
cuDeviceGetCount (int *count)
{
  *count = strcmp (mode (), "empty") == 0 ? 0 : 1;
  return 0;
}

int
cuDeviceGet (int *device,
             int  ordinal)
{
  *device = 7;
  return ordinal == 0 ? 0 : 101;
}

int
cuDeviceGetAttribute (int *value,
                      int  attribute,
                      int  device)
{
  int version = atoi (mode () + strlen ("sm_"));

  if (device != 7)
    return 101;

  switch (attribute)
    {
    case 75:
      *value = version / 10;
      return 0;
    case 76:
      *value = version % 10;
      return 0;
    default:
      return 1;
    }
}

int
cuGetErrorName (int          result,
                const char **name)
{
  if (result == 100)
    *name = "CUDA_ERROR_NO_DEVICE";
  else if (result == 209)
    *name = "CUDA_ERROR_NO_BINARY_FOR_GPU";
  else
    *name = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH";
  return 0;
}

int
cuDevicePrimaryCtxRetain (void **context,
                          int    device)
{
  static int the_context;

  *context = &the_context;
  return device == 7 ? 0 : 101;
}

int
cuDevicePrimaryCtxRelease_v2 (int device)
{
  return device == 7 ? 0 : 101;
}

int
cuCtxSetCurrent (void *context)
{
  return 0;
}

int
cuModuleLoadData (void       **module,
                  const void  *image)
{
  return image != NULL ? 209 : 1;
}

/* NVRTC asks for its cache, and calls this whether it is there or not. */
int
cuGetExportTable (const void **table,
                  const void  *id)
{
  *table = NULL;
  return 1;
}

/* Works before cuInit(). */
int
cuDriverGetVersion (int *version)
{
  *version = 12090;
  return strcmp (mode (), "broken") == 0 ? 803 : 0;
}
