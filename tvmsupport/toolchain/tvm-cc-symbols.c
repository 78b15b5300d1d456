/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-cc.h"

#include "tvmsupport/files/tvm-symbols-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* Lines of a file of any size: a table cut short would be a wrong one. */
#define OUTPUT_LIMIT (G_GUINT64_CONSTANT (1) << 30)

typedef struct
{
  char *path;
  char *nm;                     /* (nullable): the program that is to be asked */
  const char *const *next;      /* (nullable): those to ask if it has no answer */
} MapJob;

/* For what is not ELF, the first that knows it */
static const char *const other_programs[] = { "nm", "llvm-nm", NULL };

static void
map_job_free (MapJob *job)
{
  g_free (job->path);
  g_free (job->nm);
  g_free (job);
}

/* A word of hexadecimal digits, or of the dashes that LLVM prints where there is no address */
static gboolean
is_number (const char *word)
{
  return word[0] != '\0' && word[strspn (word, "0123456789abcdefABCDEF-")] == '\0';
}

/* Cuts the last word off @line. Returns: (nullable): the word, or NULL if it is the only one */
static const char *
pop_word (char *line)
{
  char *space = strrchr (line, ' ');

  if (space == NULL)
    return NULL;

  *space = '\0';
  return space + 1;
}

/* One line of POSIX output: name, letter, value and, unless it is zero, size. A name may have
 * spaces in it, as those of Objective-C do, so it is read from its end. */
static void
parse_line (GHashTable *table,
            char       *line)
{
  const char *last;
  const char *letter;

  g_strchomp (line);
  last = pop_word (line);
  if (last == NULL || !is_number (last))
    return;

  letter = pop_word (line);
  if (letter == NULL)
    return;
  if (is_number (letter))
    {
      /* The letter itself, if it is one that is a digit too, or the value in front of a size */
      const char *space = strrchr (line, ' ');

      if (strlen (letter) > 1 || (space != NULL && strlen (space + 1) == 1))
        letter = pop_word (line);
    }

  if (letter != NULL && strlen (letter) == 1 && line[0] != '\0')
    tvm_symbols_table_add (table, line, letter[0]);
}

static GHashTable *
parse_output (GBytes *bytes)
{
  g_autoptr (GHashTable) table = tvm_symbols_table_new ();
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  const char *end = text + length;

  while (text < end)
    {
      const char *newline = memchr (text, '\n', end - text);
      g_autofree char *line = g_strndup (text, (newline != NULL ? newline : end) - text);

      parse_line (table, line);
      text = newline != NULL ? newline + 1 : end;
    }

  return g_steal_pointer (&table);
}

static GError *
get_failure (const MapJob           *job,
             const TvmProcessResult *result)
{
  g_autofree char *display = g_filename_display_name (job->path);
  gsize length;
  const char *text = g_bytes_get_data (result->stderr_bytes, &length);
  g_autofree char *message = g_utf8_make_valid (length > 0 ? text : "", MIN (length, 4096));

  g_strchomp (message);
  if (message[0] != '\0')
    return g_error_new (TVM_ERROR, TVM_ERROR_FAILED,
                        _("“%s” cannot list the symbols of “%s”: %s"), job->nm, display, message);
  if (result->term_signal != 0)
    return g_error_new (TVM_ERROR, TVM_ERROR_FAILED,
                        _("“%s” cannot list the symbols of “%s”: it was ended by signal %d"),
                        job->nm, display, result->term_signal);
  return g_error_new (TVM_ERROR, TVM_ERROR_FAILED,
                      _("“%s” cannot list the symbols of “%s”: it ended with status %d"),
                      job->nm, display, result->exit_status);
}

static void ask_nm (GTask *task);

/* Returns: whether another program is asked */
static gboolean
ask_next (GTask *task)
{
  MapJob *job = g_task_get_task_data (task);

  if (job->next == NULL || *job->next == NULL)
    return FALSE;

  g_free (job->nm);
  job->nm = g_strdup (*job->next++);
  ask_nm (task);
  return TRUE;
}

static void
nm_ready (GObject      *source,
          GAsyncResult *async_result,
          gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  const MapJob *job = g_task_get_task_data (task);
  g_autoptr (TvmProcessResult) result = NULL;
  GError *error = NULL;

  result = tvm_process_run_finish (async_result, &error);
  if (result != NULL && !tvm_process_result_is_success (result))
    error = get_failure (job, result);
  else if (result != NULL && result->stdout_total > g_bytes_get_size (result->stdout_bytes))
    error = g_error_new (TVM_ERROR, TVM_ERROR_FAILED, _("“%s” printed too much"), job->nm);

  if (error == NULL)
    {
      g_task_return_pointer (task, parse_output (result->stdout_bytes),
                             (GDestroyNotify) g_hash_table_unref);
      return;
    }

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && ask_next (task))
    g_error_free (error);
  else
    g_task_return_error (task, error);
}

static void
ask_nm (GTask *task)
{
  const MapJob *job = g_task_get_task_data (task);
  /* A dash would make it an option, an at sign a file of options; not every nm knows "--". */
  g_autofree char *path = g_path_is_absolute (job->path)
                            ? g_strdup (job->path) : g_strconcat ("./", job->path, NULL);
  const char *argv[] = { job->nm, "-g", "--defined-only", "-P", path, NULL };
  g_autoptr (TvmProcessSpec) spec = tvm_process_spec_new (argv);

  tvm_process_spec_set_output_limit (spec, MIN (OUTPUT_LIMIT, G_MAXSIZE));
  tvm_process_run_async (spec, g_task_get_cancellable (task), nm_ready, g_object_ref (task));
}

static void
read_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  GError *error = NULL;
  GHashTable *table = tvm_symbols_read_global (task_data, cancellable, &error);

  if (table != NULL)
    g_task_return_pointer (task, table, (GDestroyNotify) g_hash_table_unref);
  else
    g_task_return_error (task, error);
}

static void
read_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  MapJob *job = g_task_get_task_data (task);
  GError *error = NULL;
  GHashTable *table = g_task_propagate_pointer (G_TASK (result), &error);

  if (table != NULL)
    {
      g_task_return_pointer (task, table, (GDestroyNotify) g_hash_table_unref);
      return;
    }

  if (g_error_matches (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED))
    {
      job->next = other_programs;
      g_error_free (error);
      ask_next (task);
      return;
    }

  g_task_return_error (task, error);
}

static void
start_reading (GTask *task)
{
  const MapJob *job = g_task_get_task_data (task);
  g_autoptr (GTask) reader = g_task_new (NULL, g_task_get_cancellable (task), read_ready,
                                         g_object_ref (task));

  g_task_set_source_tag (reader, start_reading);
  g_task_set_task_data (reader, g_strdup (job->path), g_free);
  tvm_task_run_in_thread (reader, read_in_thread);
}

/**
 * tvm_cc_get_global_symbol_section_map_async:
 * @path: (type filename): an object, a library, an executable or an archive of objects
 * @nm: (nullable) (type filename): a program to ask, or %NULL to read the file directly
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called in the thread-default context of
 *   the caller with the symbols
 * @user_data: data for @callback
 *
 * Lists the global symbols that a file defines, without blocking.
 *
 * See [func@TvmSupport.cc_get_global_symbol_section_map]. Finish with
 * [func@TvmSupport.cc_get_global_symbol_section_map_finish].
 *
 * Since: 1.0
 */
void
tvm_cc_get_global_symbol_section_map_async (const char          *path,
                                            const char          *nm,
                                            GCancellable        *cancellable,
                                            GAsyncReadyCallback  callback,
                                            gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  MapJob *job;

  g_return_if_fail (path != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  job = g_new0 (MapJob, 1);
  job->path = g_strdup (path);
  job->nm = g_strdup (nm);
  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_cc_get_global_symbol_section_map_async);
  g_task_set_task_data (task, job, (GDestroyNotify) map_job_free);

  if (nm == NULL)
    {
      start_reading (task);
    }
  else if (access (path, F_OK) != 0)
    {
      int errsv = errno;
      g_autofree char *display = g_filename_display_name (path);
      GError *error = NULL;

      tvm_error_set_errno (&error, errsv, _("Cannot open “%s”"), display);
      g_task_return_error (task, error);
    }
  else
    {
      ask_nm (task);
    }
}

/**
 * tvm_cc_get_global_symbol_section_map_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what [func@TvmSupport.cc_get_global_symbol_section_map_async] started.
 *
 * Returns: (transfer full) (element-type utf8 utf8): the letters of the symbols by their names, or
 *   %NULL on error
 *
 * Since: 1.0
 */
GHashTable *
tvm_cc_get_global_symbol_section_map_finish (GAsyncResult  *result,
                                             GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (
    g_async_result_is_tagged (result, tvm_cc_get_global_symbol_section_map_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_cc_get_global_symbol_section_map:
 * @path: (type filename): an object, a library, an executable or an archive of objects
 * @nm: (nullable) (type filename): a program to ask, or %NULL to read the file directly
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Lists the global symbols that a file defines, each with the letter that `nm` prints for what it
 * is: `T` for code, `D`, `B` and `R` for data, `W` and `V` for weak symbols, and so on.
 *
 * ELF files and archives of them are read directly: the symbol table, or if it was stripped that
 * of the dynamic linker. For other formats `nm` and then `llvm-nm` are asked, and only @nm if it is
 * given, as `nm -g --defined-only -P`.
 *
 * Symbols appear under their names without a version; of several versions the default one counts.
 * Members of an archive share one table, in which the last definition counts.
 *
 * A file that does not exist gives `G_IO_ERROR_NOT_FOUND`, one that is malformed or of no known
 * format `TVM_ERROR_INVALID_OBJECT`. A program that is not there gives `TVM_ERROR_NOT_FOUND`, one
 * that fails `TVM_ERROR_FAILED` with what it said. The call may be cancelled with @cancellable.
 *
 * This function blocks; see [func@TvmSupport.cc_get_global_symbol_section_map_async].
 *
 * Returns: (transfer full) (element-type utf8 utf8): the letters of the symbols by their names, or
 *   %NULL on error
 *
 * Since: 1.0
 */
GHashTable *
tvm_cc_get_global_symbol_section_map (const char    *path,
                                      const char    *nm,
                                      GCancellable  *cancellable,
                                      GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_cc_get_global_symbol_section_map_async (path, nm, cancellable, tvm_sync_ready, &sync);
  return tvm_cc_get_global_symbol_section_map_finish (tvm_sync_wait (&sync), error);
}
