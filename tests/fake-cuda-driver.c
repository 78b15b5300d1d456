/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

/*
 * A CUDA driver for tests. TVM_TEST_CUDA_DRIVER says what it finds: "sm_90" a GPU of that
 * architecture, "none" no GPU, "empty" a list of GPUs that is empty, "broken" an error.
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
  *name = result == 100 ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH";
  return 0;
}
