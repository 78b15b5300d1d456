/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "gpu-fixture.h"

#include <dlfcn.h>
#include <gio/gio.h>
#include <string.h>

#define DRIVER_LIBRARY "libcuda.so.1"
#define N_THREADS 256
#define ITEM_SIZE 4

#define UNSUPPORTED_PTX_VERSION 222

/* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR */
#define ATTRIBUTE_MAJOR 75
#define ATTRIBUTE_MINOR 76

typedef struct _Context Context;
typedef struct _Module Module;
typedef struct _Function Function;
typedef guint64 DevicePointer;

struct _Gpu
{
  int device;
  Context *context;
  char *arch;

  int (* init)            (unsigned int flags);
  int (* get_error_name)  (int result, const char **name);
  int (* get_count)       (int *count);
  int (* get_device)      (int *device, int ordinal);
  int (* get_attribute)   (int *value, int attribute, int device);
  int (* retain_context)  (Context **context, int device);
  int (* release_context) (int device);
  int (* set_context)     (Context *context);
  int (* synchronize)     (void);
  int (* load_module)     (Module **module, const void *image);
  int (* unload_module)   (Module *module);
  int (* get_function)    (Function **function, Module *module, const char *name);
  int (* allocate)        (DevicePointer *memory, gsize size);
  int (* free)            (DevicePointer memory);
  int (* copy_to)         (DevicePointer memory, const void *host, gsize size);
  int (* copy_from)       (void *host, DevicePointer memory, gsize size);
  int (* launch)          (Function      *function,
                           unsigned int   grid_x,
                           unsigned int   grid_y,
                           unsigned int   grid_z,
                           unsigned int   block_x,
                           unsigned int   block_y,
                           unsigned int   block_z,
                           unsigned int   shared_size,
                           void          *stream,
                           void         **parameters,
                           void         **extra);
};

static const struct
{
  const char *name;
  gsize offset;
} symbols[] = {
  { "cuInit", G_STRUCT_OFFSET (Gpu, init) },
  { "cuGetErrorName", G_STRUCT_OFFSET (Gpu, get_error_name) },
  { "cuDeviceGetCount", G_STRUCT_OFFSET (Gpu, get_count) },
  { "cuDeviceGet", G_STRUCT_OFFSET (Gpu, get_device) },
  { "cuDeviceGetAttribute", G_STRUCT_OFFSET (Gpu, get_attribute) },
  { "cuDevicePrimaryCtxRetain", G_STRUCT_OFFSET (Gpu, retain_context) },
  { "cuDevicePrimaryCtxRelease_v2", G_STRUCT_OFFSET (Gpu, release_context) },
  { "cuCtxSetCurrent", G_STRUCT_OFFSET (Gpu, set_context) },
  { "cuCtxSynchronize", G_STRUCT_OFFSET (Gpu, synchronize) },
  { "cuModuleLoadData", G_STRUCT_OFFSET (Gpu, load_module) },
  { "cuModuleUnload", G_STRUCT_OFFSET (Gpu, unload_module) },
  { "cuModuleGetFunction", G_STRUCT_OFFSET (Gpu, get_function) },
  { "cuMemAlloc_v2", G_STRUCT_OFFSET (Gpu, allocate) },
  { "cuMemFree_v2", G_STRUCT_OFFSET (Gpu, free) },
  { "cuMemcpyHtoD_v2", G_STRUCT_OFFSET (Gpu, copy_to) },
  { "cuMemcpyDtoH_v2", G_STRUCT_OFFSET (Gpu, copy_from) },
  { "cuLaunchKernel", G_STRUCT_OFFSET (Gpu, launch) },
};

static gboolean
load_driver (Gpu     *self,
             GError **error)
{
  void *library = dlopen (DRIVER_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

  if (library == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no GPU: %s", dlerror ());
      return FALSE;
    }

  for (guint i = 0; i < G_N_ELEMENTS (symbols); i++)
    {
      void **field = (void **) ((char *) self + symbols[i].offset);

      *field = dlsym (library, symbols[i].name);
      if (*field == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no GPU: %s", dlerror ());
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check (Gpu         *self,
       const char  *function,
       int          result,
       int          code,
       GError     **error)
{
  const char *name = NULL;

  if (result == 0)
    return TRUE;

  if (self->get_error_name (result, &name) != 0 || name == NULL)
    name = "?";
  if (result == UNSUPPORTED_PTX_VERSION)
    code = G_IO_ERROR_NOT_SUPPORTED;
  g_set_error (error, G_IO_ERROR, code, "%s%s: %s (%d)",
               code == G_IO_ERROR_NOT_FOUND ? "no GPU: " : "", function, name, result);
  return FALSE;
}

/* For what does not answer where there is no GPU, and has to work where there is one */
#define CHECK(function, result) check (self, function, result, G_IO_ERROR_FAILED, error)
#define ASK(function, result) check (self, function, result, G_IO_ERROR_NOT_FOUND, error)

static gboolean
set_up (Gpu     *self,
        GError **error)
{
  int n_devices = 0;
  int major;
  int minor;

  if (!load_driver (self, error) ||
      !ASK ("cuInit", self->init (0)) ||
      !ASK ("cuDeviceGetCount", self->get_count (&n_devices)))
    return FALSE;
  if (n_devices == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           "no GPU: cuDeviceGetCount: 0");
      return FALSE;
    }
  if (!CHECK ("cuDeviceGet", self->get_device (&self->device, 0)) ||
      !CHECK ("cuDeviceGetAttribute",
              self->get_attribute (&major, ATTRIBUTE_MAJOR, self->device)) ||
      !CHECK ("cuDeviceGetAttribute",
              self->get_attribute (&minor, ATTRIBUTE_MINOR, self->device)) ||
      !CHECK ("cuDevicePrimaryCtxRetain", self->retain_context (&self->context, self->device)))
    return FALSE;

  self->arch = g_strdup_printf ("sm_%d%d", major, minor);
  return CHECK ("cuCtxSetCurrent", self->set_context (self->context));
}

Gpu *
gpu_open (GError **error)
{
  g_autoptr (Gpu) self = g_new0 (Gpu, 1);

  return set_up (self, error) ? g_steal_pointer (&self) : NULL;
}

void
gpu_close (Gpu *self)
{
  if (self->context != NULL)
    {
      self->set_context (NULL);
      self->release_context (self->device);
    }
  g_free (self->arch);
  g_free (self);
}

const char *
gpu_get_arch (Gpu *self)
{
  return self->arch;
}

static gboolean
launch (Gpu            *self,
        Function       *function,
        DevicePointer   memory,
        guint           n_items,
        GError        **error)
{
  void *parameters[] = { &memory, &n_items, NULL };

  return CHECK ("cuLaunchKernel",
                self->launch (function, (n_items + N_THREADS - 1) / N_THREADS, 1, 1, N_THREADS, 1, 1,
                              0, NULL, parameters, NULL)) &&
         CHECK ("cuCtxSynchronize", self->synchronize ());
}

static gboolean
run_module (Gpu         *self,
            Module      *module,
            const char  *kernel,
            gpointer     items,
            guint        n_items,
            GError     **error)
{
  gsize size = (gsize) n_items * ITEM_SIZE;
  Function *function = NULL;
  DevicePointer memory = 0;
  gboolean done;

  if (!CHECK ("cuModuleGetFunction", self->get_function (&function, module, kernel)) ||
      !CHECK ("cuMemAlloc", self->allocate (&memory, size)))
    return FALSE;

  done = CHECK ("cuMemcpyHtoD", self->copy_to (memory, items, size)) &&
         launch (self, function, memory, n_items, error) &&
         CHECK ("cuMemcpyDtoH", self->copy_from (items, memory, size));
  self->free (memory);

  return done;
}

gboolean
gpu_run (Gpu         *self,
         GBytes      *image,
         const char  *kernel,
         gpointer     items,
         guint        n_items,
         GError     **error)
{
  gsize size;
  const char *data = g_bytes_get_data (image, &size);
  /* PTX is a string. */
  g_autofree char *text = g_malloc (size + 1);
  Module *module = NULL;
  gboolean done;

  memcpy (text, data, size);
  text[size] = '\0';
  if (!CHECK ("cuModuleLoadData", self->load_module (&module, text)))
    return FALSE;

  done = run_module (self, module, kernel, items, n_items, error);
  self->unload_module (module);

  return done;
}
