/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What the process ends with, as grep and diff do it */
#define TOOL_EXIT_FAILURE 1
#define TOOL_EXIT_USAGE 2

/*
 * Tool: what the sub-commands share while one runs.
 *
 * Everything that may take long is an asynchronous call, made with the cancellable and with
 * tool_ready() and the Tool as its callback, and waited for with tool_wait(). SIGINT, SIGTERM
 * and SIGHUP cancel it; the library then ends what runs, and the command with the status that a
 * shell expects.
 */
typedef struct
{
  GCancellable *cancellable; /* (owned) */
  GAsyncResult *result;      /* (owned) (nullable) */
  guint sources[3];
  int signal;                /* which one came; 0 if none did */
  guint timeout_source;      /* 0 without a limit, and once it was reached */
  double timeout;            /* the limit that was reached, in seconds; 0 if none was */
} Tool;

typedef struct
{
  const char *name;
  const char *summary;
  int (* run) (Tool  *tool,
               char **argv);
} ToolCommand;

/* A run function gets the words from the name of the command on, and returns the exit status. */
int tool_run_cache    (Tool  *tool,
                       char **argv);
int tool_run_cc       (Tool  *tool,
                       char **argv);
int tool_run_clean    (Tool  *tool,
                       char **argv);
int tool_run_cuda     (Tool  *tool,
                       char **argv);
int tool_run_describe (Tool  *tool,
                       char **argv);
int tool_run_dylib    (Tool  *tool,
                       char **argv);
int tool_run_lock     (Tool  *tool,
                       char **argv);
int tool_run_llvm_ir  (Tool  *tool,
                       char **argv);
int tool_run_map      (Tool  *tool,
                       char **argv);
int tool_run_rocm_link (Tool  *tool,
                        char **argv);
int tool_run_run      (Tool  *tool,
                       char **argv);
int tool_run_symbols  (Tool  *tool,
                       char **argv);
int tool_run_tar      (Tool  *tool,
                       char **argv);
int tool_run_untar    (Tool  *tool,
                       char **argv);
int tool_run_wasm     (Tool  *tool,
                       char **argv);

void          tool_init      (Tool               *tool);
void          tool_clear     (Tool               *tool);
void          tool_ready     (GObject            *source,
                              GAsyncResult       *result,
                              gpointer            user_data);
GAsyncResult *tool_wait      (Tool               *tool);

/* Cancels what runs after so many seconds; 0 is no limit. For calls that have no limit themselves. */
void          tool_set_timeout  (Tool            *tool,
                                 double           seconds);
/* Makes the error of a call that the limit cancelled say so. */
void          tool_name_timeout (Tool            *tool,
                                 GError         **error);

/* Says what went wrong, unless it is what a signal asked for. Returns: the exit status */
int           tool_fail      (Tool               *tool,
                              const GError       *error);
void          tool_complain  (const char         *format,
                              ...) G_GNUC_PRINTF (1, 2);
int           tool_usage     (const char         *command,
                              const char         *format,
                              ...) G_GNUC_PRINTF (2, 3);
gboolean      tool_write     (const char         *text);
gboolean      tool_write_data (const char        *data,
                               gsize              size);
void          tool_add_json_error (JsonBuilder   *builder,
                                   const char    *message);
char         *tool_format_json (JsonBuilder      *builder,
                                gboolean          pretty);
gboolean      tool_write_json (JsonBuilder       *builder);
/* Reads @argv. FALSE if the command is over: @status is then how. */
gboolean      tool_parse     (GOptionContext     *context,
                              const GOptionEntry *entries,
                              char             ***argv,
                              int                *status);
gboolean      tool_parse_size (const char        *text,
                               guint64           *size);
/* Returns: 0, or the exit status of tool_usage() */
int           tool_check_seconds (const char      *command,
                                  double           number);

G_END_DECLS
