/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-cuda-driver-private.h"

#include "tvmsupport/tvm-error.h"

#include <dlfcn.h>
#include <glib/gi18n-lib.h>
#include <link.h>

/*
 * The driver's library belongs to the driver, not to CUDA, so that no machine without a GPU has it:
 * it is never linked. What is used of it has kept its form since CUDA 2; its header is not needed.
 */

#define DRIVER_LIBRARY "libcuda.so.1"

#define DRIVER_SUCCESS 0
#define DRIVER_NO_DEVICE 100
/* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR */
#define ATTRIBUTE_CAPABILITY_MAJOR 75
#define ATTRIBUTE_CAPABILITY_MINOR 76

typedef struct
{
  int (* init)           (unsigned int flags);
  int (* get_count)      (int *count);
  int (* get_device)     (int *device, int ordinal);
  int (* get_attribute)  (int *value, int attribute, int device);
  int (* get_error_name) (int result, const char **name);
} CudaDriver;

static gboolean
load_symbol (void        *library,
             const char  *name,
             void       **symbol,
             GError     **error)
{
  *symbol = dlsym (library, name);
  if (*symbol != NULL)
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("The CUDA driver “%s” lacks the function “%s”"), DRIVER_LIBRARY, name);
  return FALSE;
}

static void *
open_driver (GError **error)
{
  /* It has threads and exit handlers once it is set up: it stays for as long as the process. */
  void *library = dlopen (DRIVER_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

  if (library == NULL)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("No NVIDIA GPU can be asked: the CUDA driver cannot be loaded: %s"),
                   dlerror ());
    }

  return library;
}

static gboolean
load_driver (CudaDriver  *driver,
             GError     **error)
{
  void *library = open_driver (error);

  return library != NULL &&
         load_symbol (library, "cuInit", (void **) &driver->init, error) &&
         load_symbol (library, "cuDeviceGetCount", (void **) &driver->get_count, error) &&
         load_symbol (library, "cuDeviceGet", (void **) &driver->get_device, error) &&
         load_symbol (library, "cuDeviceGetAttribute", (void **) &driver->get_attribute, error) &&
         load_symbol (library, "cuGetErrorName", (void **) &driver->get_error_name, error);
}

static gboolean
check (CudaDriver  *driver,
       const char  *function,
       int          result,
       GError     **error)
{
  const char *name = NULL;

  if (result == DRIVER_SUCCESS)
    return TRUE;

  if (driver->get_error_name (result, &name) != DRIVER_SUCCESS || name == NULL)
    name = "?";
  g_set_error (error, TVM_ERROR,
               result == DRIVER_NO_DEVICE ? TVM_ERROR_NOT_FOUND : TVM_ERROR_FAILED,
               _("No NVIDIA GPU can be asked: %s failed: %s (%d)"), function, name, result);
  return FALSE;
}

gboolean
tvm_cuda_driver_get_capability (int     *major,
                                int     *minor,
                                GError **error)
{
  CudaDriver driver;
  int n_devices = 0;
  int device = 0;

  if (!load_driver (&driver, error) ||
      !check (&driver, "cuInit", driver.init (0), error) ||
      !check (&driver, "cuDeviceGetCount", driver.get_count (&n_devices), error))
    return FALSE;

  if (n_devices == 0)
    return check (&driver, "cuDeviceGetCount", DRIVER_NO_DEVICE, error);

  return check (&driver, "cuDeviceGet", driver.get_device (&device, 0), error) &&
         check (&driver, "cuDeviceGetAttribute",
                driver.get_attribute (major, ATTRIBUTE_CAPABILITY_MAJOR, device), error) &&
         check (&driver, "cuDeviceGetAttribute",
                driver.get_attribute (minor, ATTRIBUTE_CAPABILITY_MINOR, device), error);
}

char *
tvm_cuda_driver_find (int     *version,
                      GError **error)
{
  void *library = open_driver (error);
  int (* get_version) (int *version) = NULL;
  struct link_map *map = NULL;
  int result;

  if (library == NULL ||
      !load_symbol (library, "cuDriverGetVersion", (void **) &get_version, error))
    return NULL;

  result = get_version (version);
  if (result != DRIVER_SUCCESS)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
                   _("The CUDA driver does not say its version: error %d"), result);
      return NULL;
    }

  if (dlinfo (library, RTLD_DI_LINKMAP, &map) != 0 || *map->l_name == '\0')
    return g_strdup (DRIVER_LIBRARY);
  return g_strdup (map->l_name);
}
