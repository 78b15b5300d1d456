/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-cache-private.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-include-scan-private.h"
#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _TvmRtcCache
{
  const TvmRtcCacheRules *rules;
  TvmKernelCache *cache;
  TvmCompileRequest *request;
  char *library_path;
  char *name;
  char *source;
  char **options;

  char *cwd;
  char *key;             /* (nullable): NULL if it is not for the cache */
  TvmIncludeScan scan;   /* once it was made */
  gint64 start_time;     /* of the real time */
};

TvmRtcCache *
tvm_rtc_cache_new (const TvmRtcCacheRules *rules,
                   TvmKernelCache         *cache,
                   const char             *library_path,
                   TvmCompileRequest      *request,
                   const char             *name,
                   const char             *source,
                   const char * const     *options)
{
  TvmRtcCache *self = g_new0 (TvmRtcCache, 1);

  self->rules = rules;
  self->cache = g_object_ref (cache);
  self->request = g_object_ref (request);
  self->library_path = g_strdup (library_path);
  self->name = g_strdup (name);
  self->source = g_strdup (source);
  self->options = g_strdupv ((char **) options);
  self->cwd = g_get_current_dir ();

  return self;
}

void
tvm_rtc_cache_free (TvmRtcCache *self)
{
  g_object_unref (self->cache);
  g_object_unref (self->request);
  g_free (self->library_path);
  g_free (self->name);
  g_free (self->source);
  g_strfreev (self->options);
  g_free (self->cwd);
  g_free (self->key);
  tvm_include_scan_clear (&self->scan);
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

static void
bypass (TvmRtcCache      *self,
        TvmCompileResult *result,
        const char       *reason)
{
  g_clear_pointer (&self->key, g_free);
  note (result, TVM_CACHE_STATUS_BYPASS, reason);
}

static gboolean
starts_with_any (const char         *word,
                 const char * const *prefixes)
{
  for (guint i = 0; prefixes != NULL && prefixes[i] != NULL; i++)
    {
      if (g_str_has_prefix (word, prefixes[i]))
        return TRUE;
    }

  return FALSE;
}

/* "--ptxas-options=-v,-O3" */
static gboolean
is_kept_by_optimizer (TvmRtcCache *self,
                      const char  *option)
{
  const char *value = strchr (option, '=');
  g_auto (GStrv) words = value != NULL ? g_strsplit_set (value + 1, " ,", -1) : NULL;

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    {
      if (words[i][0] == '-' &&
          !starts_with_any (words[i], self->rules->optimizer_options))
        return FALSE;
      if (strchr (words[i], '@') != NULL || strchr (words[i], '/') != NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_kept (TvmRtcCache *self,
         const char  *option)
{
  const TvmRtcCacheRules *rules = self->rules;

  if (starts_with_any (option, rules->unkept_options) || g_str_has_suffix (option, "=native") ||
      strstr (option, "has_include") != NULL)
    return FALSE;
  if (g_str_has_prefix (option, "--ptxas-options"))
    return is_kept_by_optimizer (self, option);

  return rules->kept_options == NULL || starts_with_any (option, rules->kept_options);
}

/* Returns: (transfer full) (nullable): why this is not for the cache */
static char *
find_objection (TvmRtcCache *self)
{
  for (guint i = 0; self->options[i] != NULL; i++)
    {
      const char *option = self->options[i];

      if (!is_kept (self, option))
        {
          g_autofree char *shown = g_filename_display_name (option);
          return g_strdup_printf (_("The option “%s” is not for a cache"), shown);
        }
    }

  for (guint i = 0; self->rules->option_variables[i] != NULL; i++)
    {
      if (g_getenv (self->rules->option_variables[i]) != NULL)
        return g_strdup_printf (_("The environment variable “%s” is not for a cache"),
                                self->rules->option_variables[i]);
    }

  if (g_getenv ("SOURCE_DATE_EPOCH") == NULL &&
      tvm_kernel_source_is_volatile (self->source, strlen (self->source)))
    {
      g_autofree char *shown = g_filename_display_name (self->name);
      return g_strdup_printf (_("“%s” asks for the time of the compile"), shown);
    }

  return NULL;
}

static gboolean
depends_on_cwd (TvmRtcCache *self)
{
  if (strchr (self->name, '/') != NULL && !g_path_is_absolute (self->name))
    return TRUE;

  for (guint i = 0; self->options[i] != NULL; i++)
    {
      if (!starts_with_any (self->options[i], self->rules->placeless_options))
        return TRUE;
    }

  return FALSE;
}

static gboolean
add_part (TvmRtcCache   *self,
          TvmKernelKey  *key,
          GError       **error)
{
  g_autofree char *path = NULL;

  if (self->rules->find_part != NULL)
    path = self->rules->find_part (self->library_path);

  return path == NULL || tvm_kernel_key_add_file (key, "part", path, error);
}

static char *
make_key (TvmRtcCache  *self,
          GError      **error)
{
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new (self->rules->name);
  g_autofree char *kind = g_strdup_printf ("%d", self->request->kind);

  /* What else it loads is of the same release, or it does not load it. */
  if (!tvm_kernel_key_add_file (key, "library", self->library_path, error) ||
      !add_part (self, key, error))
    return NULL;
  tvm_kernel_key_add (key, "kind", kind);
  tvm_kernel_key_add (key, "cwd", depends_on_cwd (self) ? self->cwd : NULL);
  tvm_kernel_key_add_strv (key, "options", (const char * const *) self->options);
  tvm_kernel_key_add_strv (key, "name expressions",
                           (const char * const *) self->request->name_expressions);
  for (guint i = 0; self->rules->variables[i] != NULL; i++)
    tvm_kernel_key_add (key, self->rules->variables[i], g_getenv (self->rules->variables[i]));
  tvm_kernel_key_add (key, "name", self->name);
  tvm_kernel_key_add (key, "source", self->source);

  return tvm_kernel_key_end (key);
}

static void
take_entry (TvmRtcCache      *self,
            TvmCompileResult *result,
            TvmKernelEntry   *entry)
{
  char **names = entry->lowered_names;

  result->bytes = g_bytes_ref (entry->output);
  result->exit_status = 0;
  if (g_bytes_get_size (entry->log) > 0)
    result->log = g_bytes_ref (entry->log);
  if (self->request->name_expressions != NULL)
    {
      result->lowered_names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      for (guint i = 0; names[i] != NULL && names[i + 1] != NULL; i += 2)
        g_hash_table_insert (result->lowered_names, g_strdup (names[i]), g_strdup (names[i + 1]));
    }

  note (result, TVM_CACHE_STATUS_HIT, NULL);
}

gboolean
tvm_rtc_cache_find (TvmRtcCache      *self,
                    TvmCompileResult *result)
{
  g_autofree char *objection = find_objection (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmKernelEntry) entry = NULL;

  if (objection != NULL)
    {
      bypass (self, result, objection);
      return FALSE;
    }

  self->key = make_key (self, &error);
  if (self->key != NULL)
    entry = tvm_kernel_cache_find (self->cache, self->key, self->cwd, NULL, &error);
  if (entry != NULL)
    take_entry (self, result, entry);
  else if (error != NULL)
    bypass (self, result, error->message);

  return entry != NULL;
}

/* Returns: (transfer full): the values of all options that begin with @prefix, and @others
 * (nullable) */
static char **
dup_values (TvmRtcCache        *self,
            const char         *prefix,
            const char * const *others)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; self->options[i] != NULL; i++)
    {
      if (g_str_has_prefix (self->options[i], prefix))
        g_strv_builder_add (builder, self->options[i] + strlen (prefix));
    }
  if (others != NULL)
    g_strv_builder_addv (builder, (const char **) others);

  return g_strv_builder_end (builder);
}

void
tvm_rtc_cache_scan (TvmRtcCache      *self,
                    TvmCompileResult *result)
{
  const TvmRtcCacheRules *rules = self->rules;
  g_auto (GStrv) others = NULL;
  g_auto (GStrv) folders = NULL;
  g_auto (GStrv) forced = NULL;
  g_autoptr (GError) error = NULL;

  if (self->key == NULL)
    return;

  others = rules->dup_folders != NULL ? rules->dup_folders (self->library_path) : NULL;
  folders = dup_values (self, rules->folder_option, (const char * const *) others);
  forced = dup_values (self, rules->include_option, NULL);
  self->start_time = g_get_real_time ();
  if (!tvm_include_scan_init (&self->scan, self->name, self->source,
                              (const char * const *) folders, (const char * const *) forced,
                              self->cwd, &error))
    bypass (self, result, error->message);
}

static char **
dup_lowered_names (TvmCompileResult *result)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer name;
  gpointer lowered;

  if (result->lowered_names == NULL)
    return NULL;

  g_hash_table_iter_init (&iter, result->lowered_names);
  while (g_hash_table_iter_next (&iter, &name, &lowered))
    {
      g_strv_builder_add (builder, name);
      g_strv_builder_add (builder, lowered);
    }

  return g_strv_builder_end (builder);
}

void
tvm_rtc_cache_keep (TvmRtcCache      *self,
                    TvmCompileResult *result)
{
  g_auto (GStrv) names = NULL;
  g_autoptr (TvmKernelEntry) entry = NULL;
  g_autoptr (GError) error = NULL;

  if (self->key == NULL)
    return;
  if (result->bytes == NULL)
    {
      bypass (self, result, _("What fails is not kept"));
      return;
    }
  if (result->truncated)
    {
      bypass (self, result, _("The compiler said more than is kept"));
      return;
    }

  names = dup_lowered_names (result);
  entry = tvm_kernel_entry_new (result->bytes, result->log, (const char * const *) names,
                                (const char * const *) self->scan.headers);
  entry->absent = g_strdupv (self->scan.absent);
  if (tvm_kernel_cache_keep (self->cache, self->key, self->cwd, entry, self->start_time, NULL,
                             &error))
    note (result, TVM_CACHE_STATUS_MISS, NULL);
  else
    bypass (self, result, error->message);
}
