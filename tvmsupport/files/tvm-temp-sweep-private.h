/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the directories that are swept begin with; six characters follow. What somebody else makes
 * with mkdtemp() has the same mode and no lock either, so only the name protects it, and this must
 * not be one that a person chooses: a mere "tvmsupport-" is. Nor is it "tvm-": the supervisor names the
 * TMPDIRs of the tools so, and removes them itself. */
#define TVM_TEMP_PREFIX "tvmsupport-temp-"
/* Of those beside an output that is being made */
#define TVM_TEMP_STAGE_PREFIX ".tvm-stage-"
#define TVM_TEMP_RANDOM "XXXXXX"

/* The mode of a directory that goes when its owner dies, and of one that was kept on purpose: the
 * sticky bit, which means nothing where only the owner may write, says so to the next process. */
#define TVM_TEMP_MODE 0700
#define TVM_TEMP_MODE_KEPT 01700

/* Removes the directories in @parent whose names begin with @prefix that killed processes of this
 * user left. Looks now, and not for long; removes in a thread. Does nothing if this process has done
 * it before. */
void tvm_temp_sweep_once (const char *parent,
                          const char *prefix);

G_END_DECLS
