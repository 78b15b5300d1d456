/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-commands.h"

#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-json-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

/**
 * TvmCompileCommands:
 *
 * A list of the commands that compiled each source, for tools such as clangd and clang-tidy.
 *
 * It is written in the form of the [JSON compilation
 * database](https://clang.llvm.org/docs/JSONCompilationDatabase.html) of clang, usually as
 * `compile_commands.json` in the top folder of the sources.
 *
 * ```c
 * g_autoptr (TvmCompileCommands) commands = tvm_compile_commands_new ();
 *
 * tvm_compile_commands_add (commands, result);
 * if (!tvm_compile_commands_save (commands, "compile_commands.json", NULL, &error))
 *   return FALSE;
 * ```
 *
 * An object of this class belongs to one thread at a time.
 *
 * Since: 1.0
 */
struct _TvmCompileCommands
{
  GObject parent_instance;

  GPtrArray *entries; /* (element-type JsonNode) (owned): immutable objects */
  GHashTable *index;  /* (element-type utf8 uint) (owned): key_of() to the place in entries */
};

G_DEFINE_FINAL_TYPE (TvmCompileCommands, tvm_compile_commands, G_TYPE_OBJECT)

/* A file of more than this is not a list of commands. */
#define MAX_FILE_SIZE (1024 * 1024 * 1024)

static void
tvm_compile_commands_finalize (GObject *object)
{
  TvmCompileCommands *self = TVM_COMPILE_COMMANDS (object);

  g_hash_table_unref (self->index);
  g_ptr_array_unref (self->entries);

  G_OBJECT_CLASS (tvm_compile_commands_parent_class)->finalize (object);
}

static void
tvm_compile_commands_class_init (TvmCompileCommandsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tvm_compile_commands_finalize;
}

static void
tvm_compile_commands_init (TvmCompileCommands *self)
{
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  self->index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/**
 * tvm_compile_commands_new:
 *
 * Makes an empty list.
 *
 * Returns: (transfer full): a new list
 *
 * Since: 1.0
 */
TvmCompileCommands *
tvm_compile_commands_new (void)
{
  return g_object_new (TVM_TYPE_COMPILE_COMMANDS, NULL);
}

/* Returns: (nullable): the member if it is a string */
static const char *
peek_string (JsonObject *object,
             const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;

  return json_node_get_string (node);
}

/* What makes an entry the same as another: directory, file and output. A relative file is in the
 * directory. Returns: (nullable): NULL if the entry is not one */
static char *
key_of (JsonNode *entry)
{
  JsonObject *object = NULL;
  const char *directory = NULL;
  const char *file = NULL;
  const char *output = NULL;
  g_autofree char *path = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (entry))
    return NULL;

  object = json_node_get_object (entry);
  directory = peek_string (object, "directory");
  file = peek_string (object, "file");
  output = peek_string (object, "output");
  if (directory == NULL || !g_path_is_absolute (directory) || file == NULL)
    return NULL;

  path = g_canonicalize_filename (file, directory);
  return g_strdup_printf ("%s\n%s\n%s", directory, path, output != NULL ? output : "");
}

/* Puts @entry in the place of the one with the same key, or at the end. */
static void
put_entry (GPtrArray  *entries,
           GHashTable *index,
           JsonNode   *entry)
{
  g_autofree char *key = key_of (entry);
  gpointer place = NULL;

  if (g_hash_table_lookup_extended (index, key, NULL, &place))
    {
      json_node_unref (g_ptr_array_index (entries, GPOINTER_TO_UINT (place)));
      g_ptr_array_index (entries, GPOINTER_TO_UINT (place)) = json_node_ref (entry);
      return;
    }

  g_hash_table_insert (index, g_steal_pointer (&key), GUINT_TO_POINTER (entries->len));
  g_ptr_array_add (entries, json_node_ref (entry));
}

/* What the library adds for its own use and other tools do not understand */
static gboolean
is_reporting_option (const char *word)
{
  static const char * const options[] = {
    "-fdiagnostics-format=json",
    "-fdiagnostics-color=never",
    "-fno-color-diagnostics",
    "-fdiagnostics-parseable-fixits",
    "-fdiagnostics-print-source-range-info",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (g_str_equal (word, options[i]))
      return TRUE;

  return FALSE;
}

/* The depfile that the library asks for: -MD -MF FILE -MT TARGET */
static gboolean
is_depfile_request (char **argv)
{
  return g_strv_length (argv) >= 5 && g_str_equal (argv[0], "-MD") &&
         g_str_equal (argv[1], "-MF") && g_str_equal (argv[3], "-MT");
}

/* The command as somebody would have typed it: it writes to where the output ended, and not at all
 * where that was a temporary file. */
static GPtrArray *
clean_command (char       **argv,
               const char  *destination)
{
  GPtrArray *words = g_ptr_array_new ();

  for (guint i = 0; argv != NULL && argv[i] != NULL; i++)
    {
      if (is_reporting_option (argv[i]))
        continue;

      if (is_depfile_request (argv + i))
        {
          i += 4;
        }
      else if (g_str_equal (argv[i], "-o") && argv[i + 1] != NULL)
        {
          i++;
          if (destination != NULL)
            {
              g_ptr_array_add (words, (gpointer) "-o");
              g_ptr_array_add (words, (gpointer) destination);
            }
        }
      else
        {
          g_ptr_array_add (words, argv[i]);
        }
    }

  g_ptr_array_add (words, NULL);
  return words;
}

static gboolean
is_unicode (const char * const *words)
{
  for (gsize i = 0; words[i] != NULL; i++)
    if (!g_utf8_validate (words[i], -1, NULL))
      return FALSE;

  return TRUE;
}

/* Returns: (nullable): NULL if there is nothing that another tool could compile again */
static JsonNode *
new_entry (TvmCompileResult *result,
           const char       *input)
{
  const char *cwd = tvm_compile_result_get_working_directory (result);
  g_autofree char *directory = g_canonicalize_filename (cwd != NULL ? cwd : ".", NULL);
  g_auto (GStrv) argv = tvm_compile_result_dup_argv (result);
  g_autoptr (GPtrArray) words = clean_command (argv, result->destination);
  const char * const *command = (const char * const *) words->pdata;
  const char * const names[] = { directory, input, NULL };
  g_autoptr (JsonArray) arguments = json_array_new ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  /* A source that came as bytes was in a temporary file, which is not what it is called. */
  if (!g_strv_contains (command, input) || !is_unicode (command) || !is_unicode (names))
    return NULL;

  for (guint i = 0; command[i] != NULL; i++)
    json_array_add_string_element (arguments, command[i]);
  json_object_set_string_member (object, "directory", directory);
  json_object_set_array_member (object, "arguments", g_steal_pointer (&arguments));
  json_object_set_string_member (object, "file", input);
  if (result->destination != NULL)
    json_object_set_string_member (object, "output", result->destination);

  json_node_set_object (node, object);
  json_node_seal (node);
  return g_steal_pointer (&node);
}

/**
 * tvm_compile_commands_add:
 * @self: a list
 * @result: a result of a compile, whether it succeeded or not
 *
 * Adds every step of @result that made an object file from a source, and those of its steps. A
 * command for the same source and output in the same directory as one that is there replaces it.
 *
 * The options that the library adds for its own use are left out, and so are outputs that were
 * temporary files. A source that came as bytes is not added. JSON is Unicode: a command with a word
 * or a file name that is not UTF-8 is not added either.
 *
 * Since: 1.0
 */
void
tvm_compile_commands_add (TvmCompileCommands *self,
                          TvmCompileResult   *result)
{
  GListModel *steps = NULL;
  guint n_steps = 0;

  g_return_if_fail (TVM_IS_COMPILE_COMMANDS (self));
  g_return_if_fail (TVM_IS_COMPILE_RESULT (result));

  steps = tvm_compile_result_get_steps (result);
  n_steps = g_list_model_get_n_items (steps);
  for (guint i = 0; i < n_steps; i++)
    {
      g_autoptr (TvmCompileResult) step = g_list_model_get_item (steps, i);

      tvm_compile_commands_add (self, step);
    }

  if (n_steps == 0 && tvm_compile_result_get_kind (result) == TVM_COMPILE_KIND_OBJECT)
    {
      g_auto (GStrv) inputs = tvm_compile_result_dup_inputs (result);

      for (guint i = 0; inputs != NULL && inputs[i] != NULL; i++)
        {
          g_autoptr (JsonNode) entry = new_entry (result, inputs[i]);

          if (entry != NULL)
            put_entry (self->entries, self->index, entry);
        }
    }
}

static char *
write_json (GPtrArray *entries)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_sized_new (entries->len);
  g_autofree char *json = NULL;

  for (guint i = 0; i < entries->len; i++)
    json_array_add_element (array, json_node_ref (g_ptr_array_index (entries, i)));
  json_node_take_array (root, array);

  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  json = json_generator_to_data (generator, NULL);
  return g_strconcat (json, "\n", NULL);
}

/**
 * tvm_compile_commands_to_json:
 * @self: a list
 *
 * Writes the list as a JSON compilation database. Each entry has the members `directory`,
 * `arguments`, `file` and, where it is known, `output`.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
tvm_compile_commands_to_json (TvmCompileCommands *self)
{
  g_return_val_if_fail (TVM_IS_COMPILE_COMMANDS (self), NULL);

  return write_json (self->entries);
}

/* What one save works on, whichever thread it is in. */
typedef struct
{
  char *path;         /* (type filename) (owned) */
  GPtrArray *entries; /* (element-type JsonNode) (owned) */
} Save;

static void
save_free (Save *save)
{
  g_free (save->path);
  g_ptr_array_unref (save->entries);
  g_free (save);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Save, save_free)

static gpointer
ref_node (gconstpointer node,
          gpointer      user_data)
{
  return json_node_ref ((JsonNode *) node);
}

static Save *
save_new (TvmCompileCommands *self,
          const char         *path)
{
  Save *save = g_new0 (Save, 1);

  save->path = g_strdup (path);
  save->entries = g_ptr_array_copy (self->entries, ref_node, NULL);
  return save;
}

static gboolean
set_malformed (GError    **error,
               const char *path,
               const char *what)
{
  g_autofree char *display = g_filename_display_name (path);

  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED,
               _("The file “%s” is not a list of compile commands: %s"), display, what);
  return FALSE;
}

/* Reads the entries of a file that is there already. */
static gboolean
parse_entries (const char  *path,
               const char  *text,
               gsize        len,
               GPtrArray   *entries,
               GHashTable  *index,
               GError     **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) local_error = NULL;
  const char *reached = NULL;
  JsonArray *array = NULL;

  /* An empty one is what `touch` leaves behind. */
  if (len == 0)
    return TRUE;
  if (!tvm_json_skip (text, text + len, &reached))
    return set_malformed (error, path, _("it is not valid JSON"));
  if (!json_parser_load_from_data (parser, text, (gssize) len, &local_error))
    return set_malformed (error, path, local_error->message);
  if (!JSON_NODE_HOLDS_ARRAY (json_parser_get_root (parser)))
    return set_malformed (error, path, _("it does not hold an array"));

  array = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *entry = json_array_get_element (array, i);
      g_autofree char *key = key_of (entry);

      if (key == NULL)
        return set_malformed (error, path, _("an entry has no absolute directory or no file"));
      put_entry (entries, index, entry);
    }

  return TRUE;
}

/* Where to write: a link stays a link to what it was. */
static char *
resolve (const char *path)
{
  char *resolved = realpath (path, NULL);
  char *copy = NULL;

  if (resolved == NULL)
    return g_strdup (path);

  copy = g_strdup (resolved);
  free (resolved);
  return copy;
}

static gboolean
load_entries (const char  *path,
              GPtrArray   *entries,
              GHashTable  *index,
              GError     **error)
{
  g_autofree char *display = g_filename_display_name (path);
  g_autofree char *text = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GStatBuf info;
  gsize len = 0;

  if (g_stat (path, &info) != 0)
    {
      const int errsv = errno;

      if (errsv == ENOENT)
        return TRUE;
      return tvm_error_set_errno (error, errsv, _("Cannot read “%s”"), display);
    }
  if (!S_ISREG (info.st_mode))
    return set_malformed (error, path, _("it is not a regular file"));
  if (info.st_size > MAX_FILE_SIZE)
    return set_malformed (error, path, _("it is too large"));

  if (!g_file_load_contents (file, NULL, &text, &len, NULL, error))
    {
      g_prefix_error (error, _("Cannot read “%s”: "), display);
      return FALSE;
    }

  return parse_entries (path, text, len, entries, index, error);
}

static gboolean
save_merged (Save          *save,
             GCancellable  *cancellable,
             GError       **error)
{
  g_autofree char *path = resolve (save->path);
  g_autofree char *json = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GHashTable) index = NULL;
  g_autoptr (GError) local_error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!load_entries (path, entries, index, error))
    return FALSE;

  for (guint i = 0; i < save->entries->len; i++)
    put_entry (entries, index, g_ptr_array_index (save->entries, i));

  json = write_json (entries);
  if (!g_file_set_contents_full (path, json, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0666,
                                 &local_error))
    {
      g_autofree char *display = g_filename_display_name (save->path);

      g_set_error (error, G_IO_ERROR, g_io_error_from_file_error (local_error->code),
                   _("Cannot write “%s”: %s"), display, local_error->message);
      return FALSE;
    }

  return TRUE;
}

/**
 * tvm_compile_commands_save:
 * @self: a list
 * @path: (type filename): the file to write
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Writes the list to @path. If the file exists, its entries are kept, but for those with the same
 * directory, file and output as one of this list, which take their place. The file changes as a
 * whole or not at all. Where @path is a symbolic link, the file that it points to is written.
 *
 * Two processes that save to the same file at the same time do not damage it, but the entries of
 * one of them may be lost.
 *
 * Sets [error@TvmSupport.Error] `FAILED` if the file exists and is not a list of compile commands,
 * and then leaves it alone; and #GIOErrorEnum errors.
 *
 * Returns: %TRUE if the file was written
 *
 * Since: 1.0
 */
gboolean
tvm_compile_commands_save (TvmCompileCommands *self,
                           const char         *path,
                           GCancellable       *cancellable,
                           GError            **error)
{
  g_autoptr (Save) save = NULL;

  g_return_val_if_fail (TVM_IS_COMPILE_COMMANDS (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  save = save_new (self, path);
  return save_merged (save, cancellable, error);
}

static void
save_in_thread (GTask        *task,
                gpointer      source,
                gpointer      task_data,
                GCancellable *cancellable)
{
  GError *error = NULL;

  if (save_merged (task_data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * tvm_compile_commands_save_async:
 * @self: a list
 * @path: (type filename): the file to write
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: data for @callback
 *
 * Does what [method@TvmSupport.CompileCommands.save] does without blocking. What is added to the
 * list after the call is not written. The callback comes in the thread-default context of the
 * caller.
 *
 * Since: 1.0
 */
void
tvm_compile_commands_save_async (TvmCompileCommands *self,
                                 const char         *path,
                                 GCancellable       *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer            user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TVM_IS_COMPILE_COMMANDS (self));
  g_return_if_fail (path != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_compile_commands_save_async);
  /* A file that was written stays written. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, save_new (self, path), (GDestroyNotify) save_free);
  tvm_task_run_in_thread (task, save_in_thread);
}

/**
 * tvm_compile_commands_save_finish:
 * @self: a list
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [method@TvmSupport.CompileCommands.save_async] began.
 *
 * Returns: %TRUE if the file was written
 *
 * Since: 1.0
 */
gboolean
tvm_compile_commands_save_finish (TvmCompileCommands *self,
                                  GAsyncResult       *result,
                                  GError            **error)
{
  g_return_val_if_fail (TVM_IS_COMPILE_COMMANDS (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
