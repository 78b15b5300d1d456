/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/toolchain/tvm-kernel-key-private.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"

G_BEGIN_DECLS

/*
 * Who compiles, as far as that has a say in what comes out: the driver, what it runs, and the machine
 * where the options ask for that.
 */

/* The words of a command with those that the compiler takes from the environment, of which @environ_
 * (nullable) has "NAME=value" that go before. TVM_ERROR_UNSUPPORTED where these cannot be read.
 * Returns: (transfer full) */
char    **tvm_compile_identity_dup_words (TvmToolchain        *toolchain,
                                          const char * const  *command,
                                          const char * const  *environ_,
                                          GError             **error);
/* Adds it all to a key. Blocks. @words: of the function above; names of programs in them are relative
 * to @cwd. TVM_ERROR_UNSUPPORTED where it cannot be told who compiles */
gboolean  tvm_compile_identity_add       (TvmKernelKey        *key,
                                          TvmToolchain        *toolchain,
                                          const char * const  *words,
                                          const char * const  *environ_,
                                          const char          *cwd,
                                          GError             **error);

G_END_DECLS
