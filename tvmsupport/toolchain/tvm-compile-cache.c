/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-cache-private.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/toolchain/tvm-compile-identity-private.h"
#include "tvmsupport/toolchain/tvm-compile-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-kernel-key-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _TvmCompileCache
{
  TvmKernelCache *cache;
  TvmToolchain *toolchain;
  TvmCompileRequest *request;
  char **command;
  char **words;         /* (nullable): with those of the environment, once they are known */
  TvmCompileCacheFlags flags;

  char *output;
  char *input;          /* absolute */
  char *cwd;            /* absolute */
  char *key;            /* (nullable): once it has been looked for */
  gint64 start_time;    /* of the real time */
};

/* What makes a compiler read files that it does not report, or write more than its output */
static const char * const unkept_options[] = {
  "--coverage", "--create-pch", "--fdevice-time-trace", "--keep", "--options-file", "--pch",
  "--save-temps", "--specs", "--use-pch", "-create-pch", "-dryrun", "--dryrun", "-fauto-profile",
  "-fcallgraph-info", "-fcoverage", "-fdevice-time-trace", "-fdump", "-fmodules", "-fopt-info",
  "-foptimization-record", "-fplugin", "-fprofile", "-fsave-optimization-record", "-fstack-usage",
  "-ftime-trace", "-include-pch", "-keep", "-load", "-odir", "--output-directory", "-optf", "-pch",
  "-run", "--run", "-save-temps", "-specs", "-time", "--time", "-use-pch", "@",
};

/* Options that say the same in every working directory */
static const char * const placeless_options[] = {
  "--gpu-architecture=", "--std=", "--use_fast_math", "-D", "-I/", "-O", "-U", "-W", "-arch=",
  "-fPIC", "-lineinfo", "-m64", "-march=", "-mcpu=", "-std=", "-use_fast_math",
};

TvmCompileCache *
tvm_compile_cache_new (TvmKernelCache       *cache,
                       TvmToolchain         *toolchain,
                       TvmCompileRequest    *request,
                       const char * const   *command,
                       TvmCompileCacheFlags  flags)
{
  TvmCompileCache *self = g_new0 (TvmCompileCache, 1);
  const TvmCompileInput *input = g_ptr_array_index (request->inputs, 0);
  const char *cwd = tvm_compile_request_get_working_directory (request);

  self->cache = g_object_ref (cache);
  self->toolchain = g_object_ref (toolchain);
  self->request = g_object_ref (request);
  self->command = g_strdupv ((char **) command);
  self->flags = flags;
  self->cwd = g_canonicalize_filename (cwd != NULL ? cwd : ".", NULL);
  self->output = g_canonicalize_filename (tvm_compile_request_get_output (request), self->cwd);
  self->input = g_canonicalize_filename (input->path, self->cwd);

  return self;
}

void
tvm_compile_cache_free (TvmCompileCache *self)
{
  g_object_unref (self->cache);
  g_object_unref (self->toolchain);
  g_object_unref (self->request);
  g_strfreev (self->command);
  g_strfreev (self->words);
  g_free (self->output);
  g_free (self->input);
  g_free (self->cwd);
  g_free (self->key);
  g_free (self);
}

static void
note (TvmCompileResult *result,
      TvmCacheStatus    status,
      const char       *reason)
{
  result->cache_status = status;
  g_free (result->cache_reason);
  result->cache_reason = g_strdup (reason);
}

static gboolean
starts_with_any (const char         *word,
                 const char * const *prefixes,
                 gsize               n_prefixes)
{
  for (gsize i = 0; i < n_prefixes; i++)
    {
      if (g_str_has_prefix (word, prefixes[i]))
        return TRUE;
    }

  return FALSE;
}

/* Also what stands behind "-Xcompiler=" */
static gboolean
is_unkept (const char *word)
{
  g_auto (GStrv) pieces = g_strsplit_set (word, "=,", -1);

  for (guint i = 0; pieces[i] != NULL; i++)
    {
      if (starts_with_any (pieces[i], unkept_options, G_N_ELEMENTS (unkept_options)))
        return TRUE;
    }

  return FALSE;
}

/* Sets an error if this is not for the cache, that says why. */
static gboolean
check_kept (TvmCompileCache  *self,
            GError          **error)
{
  const char * const *options = (const char * const *) self->request->options;
  const char *reason = NULL;

  for (guint i = 1; self->words[i] != NULL; i++)
    {
      if (is_unkept (self->words[i]))
        {
          g_autofree char *shown = g_filename_display_name (self->words[i]);

          g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                       _("The option “%s” is not for a cache"), shown);
          return FALSE;
        }
    }

  if (tvm_compile_options_have_side_outputs (options))
    reason = _("The options make more than one file");
  else if ((self->flags & TVM_COMPILE_CACHE_HAS_DEPFILE) == 0)
    reason = _("The compiler does not report what it reads");
  if (reason == NULL)
    return TRUE;

  g_set_error_literal (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED, reason);
  return FALSE;
}

static char *
replace_folder (const char *word,
                const char *file,
                const char *name)
{
  g_autofree char *folder = g_path_get_dirname (file);
  g_autoptr (GString) text = g_string_new (word);

  g_string_replace (text, folder, name, 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Whether the result can be another one in another working directory */
static gboolean
depends_on_cwd (TvmCompileCache *self)
{
  const char * const *options = (const char * const *) self->request->options;

  if ((self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) == 0)
    return TRUE;

  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (!starts_with_any (options[i], placeless_options, G_N_ELEMENTS (placeless_options)))
        return TRUE;
    }

  return FALSE;
}

/* How nvcc shares its work among processors makes no other output. What stands behind an -Xptxas is
 * not for nvcc. */
static gboolean
is_about_speed (TvmCompileCache *self,
                guint            i)
{
  return tvm_toolchain_get_family (self->toolchain) == TVM_TOOLCHAIN_FAMILY_NVCC && i > 0 &&
         !g_str_has_prefix (self->command[i - 1], "-X") &&
         (g_str_has_prefix (self->command[i], "--threads=") ||
          strcmp (self->command[i], "--jobserver") == 0);
}

/* The command without what is of this step alone */
static void
add_command (TvmCompileCache *self,
             TvmKernelKey    *key)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;

  for (guint i = 0; self->command[i] != NULL; i++)
    {
      g_autofree char *word = replace_folder (self->command[i], self->output, "//output");

      if (is_about_speed (self, i))
        continue;
      if ((self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) != 0)
        {
          g_autofree char *long_word = g_steal_pointer (&word);
          word = replace_folder (long_word, self->input, "//input");
        }
      g_strv_builder_add (builder, word);
    }

  words = g_strv_builder_end (builder);
  tvm_kernel_key_add_strv (key, "command", (const char * const *) words);
}

static GBytes *
read_source (TvmCompileCache  *self,
             GError          **error)
{
  const TvmCompileInput *input = g_ptr_array_index (self->request->inputs, 0);
  g_autoptr (GMappedFile) file = NULL;

  if (input->bytes != NULL)
    return g_bytes_ref (input->bytes);

  file = g_mapped_file_new (self->input, FALSE, error);
  return file != NULL ? g_mapped_file_get_bytes (file) : NULL;
}

static gboolean
add_source (TvmCompileCache  *self,
            TvmKernelKey     *key,
            GError          **error)
{
  const TvmCompileInput *input = g_ptr_array_index (self->request->inputs, 0);
  const gboolean hidden = (self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) != 0;
  g_autofree char *base = g_path_get_basename (self->input);
  g_autoptr (GBytes) bytes = read_source (self, error);

  if (bytes == NULL)
    return FALSE;

  if (g_getenv ("SOURCE_DATE_EPOCH") == NULL &&
      tvm_kernel_source_is_volatile (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)))
    {
      g_autofree char *shown = g_filename_display_name (hidden ? base : input->path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("“%s” asks for the time of the compile"), shown);
      return FALSE;
    }

  tvm_kernel_key_add (key, "source name", hidden ? base : input->path);
  tvm_kernel_key_add_bytes (key, "source", bytes);
  return TRUE;
}

static char *
make_key (TvmCompileCache  *self,
          GError          **error)
{
  const TvmCompileInput *input = g_ptr_array_index (self->request->inputs, 0);
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new ("driver-1");
  g_autofree char *kind = g_strdup_printf ("%d %d", self->request->kind, input->language);

  tvm_kernel_key_add (key, "kind", kind);
  tvm_kernel_key_add (key, "cwd", depends_on_cwd (self) ? self->cwd : NULL);
  add_command (self, key);
  tvm_kernel_key_add_environment (key, (const char * const *) self->request->environ_);
  if (!tvm_compile_identity_add (key, self->toolchain, (const char * const *) self->words,
                                 (const char * const *) self->request->environ_, self->cwd, error) ||
      !add_source (self, key, error))
    return NULL;

  return tvm_kernel_key_end (key);
}

/* The headers without the source, which is in the key, by the names in @result */
static char **
dup_headers (TvmCompileCache  *self,
             TvmCompileResult *result,
             gboolean          only_source)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *base = g_path_get_basename (self->input);

  for (guint i = 0; result->dependencies[i] != NULL; i++)
    {
      const char *path = result->dependencies[i];
      g_autofree char *full = g_canonicalize_filename (path, self->cwd);
      const gboolean is_source =
        strcmp (full, self->input) == 0 ||
        ((self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) != 0 && strcmp (path, base) == 0);

      if (is_source == only_source)
        g_strv_builder_add (builder, path);
    }

  return g_strv_builder_end (builder);
}

/* As they were reported: the source is the first of them. */
static char **
join_dependencies (TvmCompileCache *self,
                   char           **headers)
{
  const TvmCompileInput *input = g_ptr_array_index (self->request->inputs, 0);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *base = g_path_get_basename (self->input);

  g_strv_builder_add (builder,
                      (self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) != 0 ? base : input->path);
  g_strv_builder_addv (builder, (const char **) headers);

  return g_strv_builder_end (builder);
}

/* What cannot be written here, the compiler cannot write either; it says so best. */
static gboolean
write_output (TvmCompileCache *self,
              GBytes          *output)
{
  gsize size;
  const char *data = g_bytes_get_data (output, &size);

  return g_file_set_contents_full (self->output, size > 0 ? data : "", size,
                                   G_FILE_SET_CONTENTS_NONE, 0666, NULL);
}

/* What GCC prints where it has nothing to say */
#define EMPTY_REPORT "[]\n"

/* Diagnostics show the lines of the source, and these are read from a file. */
static void
read_log (TvmCompileCache  *self,
          TvmCompileResult *result,
          const char       *folder)
{
  const TvmCompileInput *input = g_ptr_array_index (self->request->inputs, 0);
  g_autoptr (TvmTempDirectory) temp = NULL;

  if (input->bytes != NULL && g_bytes_get_size (result->log) > strlen (EMPTY_REPORT))
    temp = tvm_temp_directory_new (NULL, NULL);
  if (temp != NULL)
    {
      g_autofree char *path =
        g_build_filename (tvm_temp_directory_get_path (temp), result->inputs[0], NULL);

      folder = tvm_temp_directory_get_path (temp);
      g_file_set_contents_full (path, g_bytes_get_data (input->bytes, NULL),
                                g_bytes_get_size (input->bytes), G_FILE_SET_CONTENTS_NONE, 0600,
                                NULL);
    }

  tvm_compile_result_read_log (result, folder);
}

static gboolean
take_entry (TvmCompileCache  *self,
            TvmCompileResult *result,
            TvmKernelEntry   *entry)
{
  g_autofree char *folder = NULL;

  if ((self->flags & TVM_COMPILE_CACHE_BYTES) != 0)
    result->bytes = g_bytes_ref (entry->output);
  else if (!write_output (self, entry->output))
    return FALSE;

  if ((self->flags & TVM_COMPILE_CACHE_HIDE_FOLDER) != 0)
    {
      g_autofree char *path = g_steal_pointer (&result->inputs[0]);

      folder = g_path_get_dirname (path);
      result->inputs[0] = g_path_get_basename (path);
    }

  result->argv = g_strdupv (self->command);
  result->exit_status = 0;
  result->log = g_bytes_ref (entry->log);
  result->dependencies = join_dependencies (self, entry->dependencies);
  read_log (self, result, folder != NULL ? folder : result->working_directory);
  note (result, TVM_CACHE_STATUS_HIT, NULL);
  return TRUE;
}

gboolean
tvm_compile_cache_find (TvmCompileCache   *self,
                        TvmCompileResult  *result,
                        GCancellable      *cancellable,
                        GError           **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (TvmKernelEntry) entry = NULL;

  self->start_time = g_get_real_time ();
  self->words = tvm_compile_identity_dup_words (
    self->toolchain, (const char * const *) self->command,
    (const char * const *) self->request->environ_, &local_error);
  if (self->words != NULL && check_kept (self, &local_error))
    self->key = make_key (self, &local_error);
  if (self->key != NULL && (self->flags & TVM_COMPILE_CACHE_LOOKED) == 0)
    entry = tvm_kernel_cache_find (self->cache, self->key, self->cwd, cancellable, &local_error);
  if (entry != NULL)
    return take_entry (self, result, entry);

  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (local_error != NULL)
    {
      note (result, TVM_CACHE_STATUS_BYPASS, local_error->message);
      g_clear_pointer (&self->key, g_free);
    }

  return FALSE;
}

static gboolean
keep (TvmCompileCache   *self,
      TvmCompileResult  *result,
      GCancellable      *cancellable,
      GError           **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (self->output, FALSE, error);
  g_autoptr (TvmKernelEntry) entry = NULL;
  g_autoptr (GBytes) output = NULL;
  g_auto (GStrv) headers = NULL;
  g_auto (GStrv) source = NULL;
  g_autofree char *key = NULL;

  if (file == NULL)
    return FALSE;

  /* What was compiled must be what the key was made of. */
  key = make_key (self, error);
  if (key == NULL)
    return FALSE;
  source = dup_headers (self, result, TRUE);
  if (strcmp (key, self->key) != 0 || source[0] == NULL)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                           _("The source was changed while it was compiled"));
      return FALSE;
    }

  output = g_mapped_file_get_bytes (file);
  headers = dup_headers (self, result, FALSE);
  entry = tvm_kernel_entry_new (output, result->log, NULL, (const char * const *) headers);
  return tvm_kernel_cache_keep (self->cache, self->key, self->cwd, entry, self->start_time,
                                cancellable, error);
}

void
tvm_compile_cache_keep (TvmCompileCache  *self,
                        TvmCompileResult *result,
                        GCancellable     *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (self->key == NULL)
    return;

  if (!tvm_compile_result_get_successful (result))
    note (result, TVM_CACHE_STATUS_BYPASS, _("What fails is not kept"));
  else if (result->truncated)
    note (result, TVM_CACHE_STATUS_BYPASS, _("The compiler said more than is kept"));
  else if (result->dependencies == NULL)
    note (result, TVM_CACHE_STATUS_BYPASS, _("The compiler does not report what it reads"));
  else if (keep (self, result, cancellable, &error))
    note (result, TVM_CACHE_STATUS_MISS, NULL);
  else
    note (result, TVM_CACHE_STATUS_BYPASS, error->message);
}
