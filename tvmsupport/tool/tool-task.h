/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tvmsupport/tool/tool.h"

#include <tvmsupport/tvmsupport.h>

G_BEGIN_DECLS

/* What timeout(1), xargs(1) and the shells end with */
#define TOOL_EXIT_NOT_EXECUTABLE 126
#define TOOL_EXIT_NOT_FOUND 127

/* What a program is given, by the options that `run` and `map` share */
typedef struct
{
  double timeout;
  double soft_timeout;
  double cpu_time;
  char *memory_limit;     /* (owned) (nullable) */
  char *cwd;              /* (owned) (nullable) */
  char **environment;     /* (owned) (nullable) */

  guint64 memory_bytes;
} ToolLimits;

#define TOOL_LIMITS_ENTRIES(limits) \
  { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &(limits)->timeout, \
    N_("End a program that runs longer, with all that it started (0: no limit)"), \
    N_("SECONDS") }, \
  { "soft-timeout", 's', 0, G_OPTION_ARG_DOUBLE, &(limits)->soft_timeout, \
    N_("Send SIGTERM to a program that runs longer (0: no limit)"), N_("SECONDS") }, \
  { "cpu-time", 0, 0, G_OPTION_ARG_DOUBLE, &(limits)->cpu_time, \
    N_("Let each process use no more processor time than this (0: no limit)"), \
    N_("SECONDS") }, \
  { "memory-limit", 'm', 0, G_OPTION_ARG_STRING, &(limits)->memory_limit, \
    N_("Let each process use no more memory than this (0: no limit)"), N_("SIZE") }, \
  { "cwd", 'C', 0, G_OPTION_ARG_FILENAME, &(limits)->cwd, N_("Run in this directory"), \
    N_("DIRECTORY") }, \
  { "env", 'e', 0, G_OPTION_ARG_FILENAME_ARRAY, &(limits)->environment, \
    N_("Set this in the environment; may be given again"), N_("NAME=VALUE") }

typedef struct
{
  gint64 user_usec;         /* -1 if it is not known; so the next one */
  gint64 system_usec;
  guint64 max_rss_bytes;    /* 0 if it is not known */
} ToolUsage;

/* Returns: 0, or the exit status of tool_usage() */
int              tool_limits_check    (ToolLimits         *self,
                                       const char         *command);
void             tool_limits_clear    (ToolLimits         *self);
TvmPoolExecutor *tool_limits_new_pool (const ToolLimits   *self,
                                       guint               max_workers);
TvmTask         *tool_limits_new_task (const ToolLimits   *self,
                                       char              **argv);
/* Waits until no process is left. */
void             tool_end_pool        (Tool               *tool,
                                       TvmPoolExecutor    *pool);

/* Returns: (nullable): what became of a program that it could not tell itself */
char            *tool_explain_result  (const ToolLimits   *self,
                                       const char         *name,
                                       TvmTaskResult      *result);
/* What a program took, as far as @result knows it */
ToolUsage        tool_usage_get       (TvmTaskResult      *result);
/* The members that tell what became of a program: always the same ones. One of @result and @error
 * is NULL. @usage: (nullable): what it took, if that is known otherwise */
void             tool_add_json_result (JsonBuilder        *builder,
                                       TvmTaskResult      *result,
                                       const GError       *error,
                                       const ToolUsage    *usage);
void             tool_add_json_output (JsonBuilder        *builder,
                                       TvmTaskResult      *result);
/* Returns: what shells end with if they cannot start @program for the reason @error, or 0 if that
 * was something else */
int              tool_get_start_status (const ToolLimits  *self,
                                        const char        *program,
                                        const GError      *error);
/* Returns: whether it ran and ended with the status 0 */
gboolean         tool_result_is_good  (TvmTaskResult      *result);

G_END_DECLS
