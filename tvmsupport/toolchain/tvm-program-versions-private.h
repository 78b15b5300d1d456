/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Adds the paths of all of @name that the PATH has, as it is now: @name itself first, as that is the
 * one that the user has chosen, then those with a version in their name, such as “clang-14”, the
 * newest first. Runs nothing. */
void tvm_program_versions_add (const char   *name,
                               GStrvBuilder *found);

G_END_DECLS
