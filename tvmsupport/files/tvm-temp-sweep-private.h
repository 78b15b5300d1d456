/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What the directories that are swept begin with; six random characters follow, or the sixteen of a
 * TMPDIR that the supervisor makes. What somebody else makes with mkdtemp() has the same mode and
 * no lock either, so only the name protects it, and this must not be one that a person chooses: a
 * mere "tvmsupport-" is. */
#define TVM_TEMP_PREFIX "tvmsupport-temp-"
/* Of those beside an output that is being made */
#define TVM_TEMP_STAGE_PREFIX ".tvm-stage-"
#define TVM_TEMP_RANDOM "XXXXXX"
#define TVM_TEMP_TMPDIR_RANDOM_LENGTH 16

/* The mode of a directory that goes when its owner dies, and of one that was kept on purpose: the
 * sticky bit, which means nothing where only the owner may write, says so to the next process. */
#define TVM_TEMP_MODE 0700
#define TVM_TEMP_MODE_KEPT 01700

/* Removes the directories in @parent whose names begin with @prefix that killed processes of this
 * user left. Looks now, and not for long; removes in a thread. Does nothing if this process has done
 * it before. */
void       tvm_temp_sweep_once (const char *parent,
                                const char *prefix);

/* Removes all of them, of every prefix, now; with @dry_run looks only.
 * Returns: (transfer full): their paths, sorted; NULL on error, which names the first that could not
 * go */
GPtrArray *tvm_temp_sweep_all  (const char         *parent,
                                gboolean            dry_run,
                                const volatile int *cancelled,
                                GError            **error);

G_END_DECLS
