/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-error.h"

/* By itself, for the programs that link GLib only. */

/**
 * tvm_error_quark:
 *
 * Gets the error domain of the library.
 *
 * Returns: the quark of `TVM_ERROR`
 *
 * Since: 1.0
 */
G_DEFINE_QUARK (tvm-error-quark, tvm_error)
