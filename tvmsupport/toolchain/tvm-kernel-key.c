/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of what all keys and entries have in common: another number, and nothing old is found. */
#define SCHEMA "tvm-kernel-1"

struct _TvmKernelKey
{
  GChecksum *checksum;
};

/* What gcc, clang, nvcc and their parts read, and what decides which parts they run */
static const char * const variables[] = {
  "CCC_OVERRIDE_OPTIONS", "COMPILER_PATH", "CPATH", "CPLUS_INCLUDE_PATH", "CUDA_HOME", "CUDA_PATH",
  "C_INCLUDE_PATH", "EMCC_CFLAGS", "EMSDK", "EM_CACHE", "EM_COMPILER_WRAPPER", "EM_CONFIG",
  "EM_LLVM_ROOT", "GCC_EXEC_PREFIX", "HCC_AMDGPU_TARGET", "HIPCC_COMPILE_FLAGS_APPEND", "HIP_CLANG_PATH",
  "HIPCC_LINK_FLAGS_APPEND", "HIP_COMPILE_CXX_AS_HIP",
  "HIP_DEVICE_LIB_PATH", "HIP_PATH", "HIP_PLATFORM", "LD_LIBRARY_PATH", "LIBRARY_PATH",
  "MACOSX_DEPLOYMENT_TARGET", "NVCC_APPEND_FLAGS", "NVCC_CCBIN",
  "NVCC_PREPEND_FLAGS", "OBJC_INCLUDE_PATH", "OBJCPLUS_INCLUDE_PATH", "PATH", "ROCM_PATH", "SDKROOT",
  "SOURCE_DATE_EPOCH",
};

static void
add_data (TvmKernelKey  *self,
          gconstpointer  data,
          gsize          size)
{
  const guint64 length = GUINT64_TO_LE ((guint64) size);

  g_checksum_update (self->checksum, (const guchar *) &length, sizeof length);
  if (size > 0)
    g_checksum_update (self->checksum, data, size);
}

static void
add_string (TvmKernelKey *self,
            const char   *string)
{
  add_data (self, string, strlen (string));
}

static void
add_number (TvmKernelKey *self,
            gint64        number)
{
  const gint64 value = GINT64_TO_LE (number);

  add_data (self, &value, sizeof value);
}

TvmKernelKey *
tvm_kernel_key_new (const char *backend)
{
  TvmKernelKey *self = g_new0 (TvmKernelKey, 1);

  self->checksum = g_checksum_new (G_CHECKSUM_SHA256);
  add_string (self, SCHEMA);
  add_string (self, backend);

  return self;
}

void
tvm_kernel_key_free (TvmKernelKey *self)
{
  g_checksum_free (self->checksum);
  g_free (self);
}

void
tvm_kernel_key_add (TvmKernelKey *self,
                    const char   *field,
                    const char   *value)
{
  add_string (self, field);
  add_number (self, value != NULL ? 1 : 0);
  if (value != NULL)
    add_string (self, value);
}

void
tvm_kernel_key_add_bytes (TvmKernelKey *self,
                          const char   *field,
                          GBytes       *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  add_string (self, field);
  add_data (self, data, size);
}

void
tvm_kernel_key_add_strv (TvmKernelKey       *self,
                         const char         *field,
                         const char * const *values)
{
  const guint n = values != NULL ? g_strv_length ((char **) values) : 0;

  add_string (self, field);
  add_number (self, n);
  for (guint i = 0; i < n; i++)
    add_string (self, values[i]);
}

gboolean
tvm_kernel_key_add_file (TvmKernelKey  *self,
                         const char    *field,
                         const char    *path,
                         GError       **error)
{
  char *real = realpath (path, NULL);
  struct stat info;

  if (real == NULL || stat (real, &info) < 0)
    {
      int errsv = errno;
      g_autofree char *shown = g_filename_display_name (path);

      free (real);
      return tvm_error_set_errno (error, errsv, _("“%s” cannot be looked at"), shown);
    }

  add_string (self, field);
  add_string (self, path);
  add_string (self, real);
  add_number (self, info.st_size);
  add_number (self, info.st_mtim.tv_sec);
  add_number (self, info.st_mtim.tv_nsec);
  free (real);

  return TRUE;
}

void
tvm_kernel_key_add_environment (TvmKernelKey       *self,
                                const char * const *environ_)
{
  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    tvm_kernel_key_add (self, variables[i], g_getenv (variables[i]));

  tvm_kernel_key_add_strv (self, "environ", environ_);
}

char *
tvm_kernel_key_end (TvmKernelKey *self)
{
  return g_strdup (g_checksum_get_string (self->checksum));
}

gboolean
tvm_kernel_source_is_volatile (gconstpointer data,
                               gsize         size)
{
  static const char * const words[] = { "__DATE__", "__TIME__", "__TIMESTAMP__" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (size > 0 && memmem (data, size, words[i], strlen (words[i])) != NULL)
        return TRUE;
    }

  return FALSE;
}
