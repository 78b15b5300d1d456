/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"
#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The family as a number, the version, the target */
#define IDENTITY_TYPE "(imsms)"

/* Whether a file is a program by itself: what a script runs, its file does not tell. */
static gboolean
is_program (const char *path)
{
  char magic[4] = { 0 };
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gssize n = fd >= 0 ? read (fd, magic, sizeof magic) : -1;

  if (fd >= 0)
    close (fd);
  return n == sizeof magic && memcmp (magic, "\177ELF", sizeof magic) == 0;
}

char *
tvm_toolchain_memory_key (const char         *path,
                          const char * const *args)
{
  /* nvcc asks a compiler of the host, which it looks for. */
  static const char * const host_compilers[] = { "gcc", "g++", "clang" };
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new ("identity-1");
  char *resolved = realpath (path, NULL);
  g_autofree char *real = g_strdup (resolved);

  free (resolved);
  /* A ccache that goes by the name of a compiler looks for it each time. */
  if (real == NULL || tvm_toolchain_is_compiler_cache (real) || !is_program (real) ||
      !tvm_kernel_key_add_file (key, "tool", path, NULL))
    return NULL;

  tvm_kernel_key_add_strv (key, "args", args);
  tvm_kernel_key_add_environment (key, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (host_compilers); i++)
    {
      g_autofree char *host_compiler = g_find_program_in_path (host_compilers[i]);

      if (host_compiler != NULL)
        tvm_kernel_key_add_file (key, host_compilers[i], host_compiler, NULL);
    }

  return tvm_kernel_key_end (key);
}

TvmToolchainIdentity *
tvm_toolchain_memory_read (TvmKernelCache *cache,
                           const char     *key)
{
  g_autoptr (GBytes) bytes = tvm_kernel_cache_read (cache, key, NULL);
  g_autoptr (GVariant) value = NULL;
  TvmToolchainIdentity *identity;
  int family;

  if (bytes == NULL)
    return NULL;

  value = g_variant_ref_sink (
    g_variant_new_from_bytes (G_VARIANT_TYPE (IDENTITY_TYPE), bytes, FALSE));
  identity = g_new0 (TvmToolchainIdentity, 1);
  g_variant_get (value, IDENTITY_TYPE, &family, &identity->version, &identity->triple);
  identity->family = family;

  return identity;
}

void
tvm_toolchain_memory_write (TvmKernelCache             *cache,
                            const char                 *key,
                            const TvmToolchainIdentity *identity)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (
    g_variant_new (IDENTITY_TYPE, (int) identity->family, identity->version, identity->triple));
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (value);

  tvm_kernel_cache_write (cache, key, bytes, NULL, NULL);
}
