/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-kernel-cache.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/* The programs of a toolchain that read C and that read C++: `gcc` for `g++` and the other way
 * round. NULL if the one that was asked for has no such sibling. */
const char         *tvm_toolchain_get_c_driver    (TvmToolchain *self);
const char         *tvm_toolchain_get_cxx_driver  (TvmToolchain *self);
/* The arguments that belong to the command, "-m64" of "ccache g++ -m64" */
const char * const *tvm_toolchain_peek_args       (TvmToolchain *self);
const char * const *tvm_toolchain_peek_wrapper    (TvmToolchain *self);
/* The major version, 0 if it is not known */
guint               tvm_toolchain_get_major       (TvmToolchain *self);
/* The program behind a driver that is only a script; NULL if it is none or the program is not known */
const char         *tvm_toolchain_get_backend     (TvmToolchain *self);
/* Whether its code is for WebAssembly */
gboolean            tvm_toolchain_targets_wasm    (TvmToolchain *self);
/* Whether it can be told where to put what it writes beside its output */
gboolean            tvm_toolchain_places_side_outputs (TvmToolchain *self);
gboolean            tvm_toolchain_is_compiler_cache (const char *program);

/* Finds the default command without running anything: CXX, then CC, then the known names in PATH.
 * Returns: (transfer full): the command, *@origin says where it came from */
char               *tvm_toolchain_find_default_command (char   **origin,
                                                        GError **error);

/* The same for a target: CXX_<target> and its variants, <target>-g++ and so on, clang
 * --target=<target> */
char               *tvm_toolchain_find_command_for_target (const char  *target,
                                                           char       **origin,
                                                           GError     **error);

/* As tvm_toolchain_new_async(), or tvm_toolchain_discover_async() where @command is NULL. What the
 * compiler says of itself is kept in @cache (nullable). */
void                tvm_toolchain_load_async      (const char           *command,
                                                   TvmKernelCache       *cache,
                                                   GCancellable         *cancellable,
                                                   GAsyncReadyCallback   callback,
                                                   gpointer              user_data);
TvmToolchain       *tvm_toolchain_load_finish     (GAsyncResult         *result,
                                                   GError              **error);

/* What the probe of a compiler found (tvm-toolchain-probe.c) */
typedef struct
{
  TvmToolchainFamily family;
  char *version;   /* (nullable) */
  char *triple;    /* (nullable) */
  char *backend;   /* (nullable): the compiler that emcc runs */
} TvmToolchainIdentity;

void                  tvm_toolchain_identity_free  (TvmToolchainIdentity *identity);
TvmToolchainIdentity *tvm_toolchain_identity_parse (const char           *stdout_text,
                                                    const char           *stderr_text);
/* Asks the compiler who it is, once for each state of its file; later calls come from memory, and
 * those of later processes from @cache (nullable). */
void                  tvm_toolchain_probe_async    (const char           *path,
                                                    const char * const   *args,
                                                    TvmKernelCache       *cache,
                                                    GCancellable         *cancellable,
                                                    GAsyncReadyCallback   callback,
                                                    gpointer              user_data);
TvmToolchainIdentity *tvm_toolchain_probe_finish   (GAsyncResult         *result,
                                                    GError              **error);

/* tvm-toolchain-memory.c: what was found out in earlier processes. NULL if the identity of a compiler
 * does not follow from its file, as that of a script. Both block.
 * Returns: (transfer full) (nullable) */
char                 *tvm_toolchain_memory_key     (const char           *path,
                                                    const char * const   *args);
TvmToolchainIdentity *tvm_toolchain_memory_read    (TvmKernelCache       *cache,
                                                    const char           *key);
void                  tvm_toolchain_memory_write   (TvmKernelCache       *cache,
                                                    const char           *key,
                                                    const TvmToolchainIdentity *identity);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TvmToolchainIdentity, tvm_toolchain_identity_free)

/* The name of the driver for the other language, "aarch64-linux-gnu-gcc-12" for
 * "aarch64-linux-gnu-g++-12". NULL if @name is not that of a driver for the language that is not
 * asked for. */
char                 *tvm_driver_sibling_name      (const char           *name,
                                                    gboolean              cxx);
gboolean              tvm_driver_name_is_cxx       (const char           *name);
/* "aarch64-linux-gnu-" of "aarch64-linux-gnu-gcc-12", "" if there is none */
char                 *tvm_driver_prefix            (const char           *name);

G_END_DECLS
