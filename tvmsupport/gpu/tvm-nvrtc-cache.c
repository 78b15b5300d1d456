/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-nvrtc-cache-private.h"

#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/toolchain/tvm-include-scan-private.h"
#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _TvmNvrtcCache
{
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

/* What makes NVRTC read files that no #include names, write more than its output, or look elsewhere */
static const char * const unkept_options[] = {
  "--create-pch", "-create-pch", "--use-pch", "-use-pch", "--pch", "-pch", "--time", "-time",
  "--fdevice-time-trace", "-fdevice-time-trace", "--no-source-include", "-no-source-include",
  "--options-file", "-optf", "--keep", "-keep", "--pre-include= ",
};

/* What the optimizer may be told without being told of files */
static const char * const optimizer_options[] = {
  "-v", "--verbose", "-O", "--opt-level", "-w", "--disable-warnings", "-Werror", "--warn", "-warn",
  "-dlcm", "--def-load-cache", "-dscm", "--def-store-cache", "-maxrregcount", "--maxrregcount",
  "--register-usage-level", "--allow-expensive-optimizations", "-suppress", "--suppress",
};

/* Options that say the same in every working directory, of code that says nothing of folders */
static const char * const placeless_options[] = {
  "--gpu-architecture=", "--std=", "--use_fast_math", "-use_fast_math", "--fmad=", "-fmad=",
  "--ftz=", "-ftz=", "--prec-div=", "--prec-sqrt=", "-D", "-U", "-I/", "-dlto", "--dlto",
  "--maxrregcount=", "--ptxas-options=", "--device-as-default-execution-space", "-default-device",
  "--relocatable-device-code=", "-rdc=", "--diag-", "--extra-device-vectorization",
};

/* What NVRTC reads of the environment and what it makes may depend on */
static const char * const variables[] = {
  "EDG_BASE", "EDG_MODULES_PATH", "LIBNVVM_DISABLE_CONCURRENT_API", "LLVM_OVERRIDE_PRODUCER",
  "NVRTC_DISABLE_CONCURRENT_NVVM", "NVVM_IR_VER_CHK", "NV_NVVM_VERSION", "SOURCE_DATE_EPOCH",
};

/* Options for NVRTC that are not in the request */
static const char * const option_variables[] = { "NVRTC_APPEND_FLAGS", "NVRTC_PREPEND_FLAGS" };

TvmNvrtcCache *
tvm_nvrtc_cache_new (TvmKernelCache     *cache,
                     const char         *library_path,
                     TvmCompileRequest  *request,
                     const char         *name,
                     const char         *source,
                     const char * const *options)
{
  TvmNvrtcCache *self = g_new0 (TvmNvrtcCache, 1);

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
tvm_nvrtc_cache_free (TvmNvrtcCache *self)
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
bypass (TvmNvrtcCache    *self,
        TvmCompileResult *result,
        const char       *reason)
{
  g_clear_pointer (&self->key, g_free);
  note (result, TVM_CACHE_STATUS_BYPASS, reason);
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

/* "--ptxas-options=-v,-O3" */
static gboolean
is_kept_by_optimizer (const char *option)
{
  const char *value = strchr (option, '=');
  g_auto (GStrv) words = value != NULL ? g_strsplit_set (value + 1, " ,", -1) : NULL;

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    {
      if (words[i][0] == '-' &&
          !starts_with_any (words[i], optimizer_options, G_N_ELEMENTS (optimizer_options)))
        return FALSE;
      if (strchr (words[i], '@') != NULL || strchr (words[i], '/') != NULL)
        return FALSE;
    }

  return TRUE;
}

/* Returns: (transfer full) (nullable): why this is not for the cache */
static char *
find_objection (TvmNvrtcCache *self)
{
  for (guint i = 0; self->options[i] != NULL; i++)
    {
      const char *option = self->options[i];

      if (starts_with_any (option, unkept_options, G_N_ELEMENTS (unkept_options)) ||
          g_str_has_suffix (option, "=native") || strstr (option, "has_include") != NULL ||
          (g_str_has_prefix (option, "--ptxas-options") && !is_kept_by_optimizer (option)))
        {
          g_autofree char *shown = g_filename_display_name (option);
          return g_strdup_printf (_("The option “%s” is not for a cache"), shown);
        }
    }

  for (gsize i = 0; i < G_N_ELEMENTS (option_variables); i++)
    {
      if (g_getenv (option_variables[i]) != NULL)
        return g_strdup_printf (_("The environment variable “%s” is not for a cache"),
                                option_variables[i]);
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
depends_on_cwd (TvmNvrtcCache *self)
{
  if (strchr (self->name, '/') != NULL && !g_path_is_absolute (self->name))
    return TRUE;

  for (guint i = 0; self->options[i] != NULL; i++)
    {
      if (!starts_with_any (self->options[i], placeless_options, G_N_ELEMENTS (placeless_options)))
        return TRUE;
    }

  return FALSE;
}

static char *
make_key (TvmNvrtcCache  *self,
          GError        **error)
{
  g_autoptr (TvmKernelKey) key = tvm_kernel_key_new ("nvrtc-1");
  g_autofree char *kind = g_strdup_printf ("%d", self->request->kind);

  /* What it loads beside itself is of the same release, or it does not load it. */
  if (!tvm_kernel_key_add_file (key, "library", self->library_path, error))
    return NULL;
  tvm_kernel_key_add (key, "kind", kind);
  tvm_kernel_key_add (key, "cwd", depends_on_cwd (self) ? self->cwd : NULL);
  tvm_kernel_key_add_strv (key, "options", (const char * const *) self->options);
  tvm_kernel_key_add_strv (key, "name expressions",
                           (const char * const *) self->request->name_expressions);
  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    tvm_kernel_key_add (key, variables[i], g_getenv (variables[i]));
  tvm_kernel_key_add (key, "name", self->name);
  tvm_kernel_key_add (key, "source", self->source);

  return tvm_kernel_key_end (key);
}

static void
take_entry (TvmNvrtcCache    *self,
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
tvm_nvrtc_cache_find (TvmNvrtcCache    *self,
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

/* Returns: (transfer full): the values of all options that begin with @prefix */
static char **
dup_values (TvmNvrtcCache *self,
            const char    *prefix)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; self->options[i] != NULL; i++)
    {
      if (g_str_has_prefix (self->options[i], prefix))
        g_strv_builder_add (builder, self->options[i] + strlen (prefix));
    }

  return g_strv_builder_end (builder);
}

void
tvm_nvrtc_cache_scan (TvmNvrtcCache    *self,
                      TvmCompileResult *result)
{
  g_auto (GStrv) folders = dup_values (self, "-I");
  g_auto (GStrv) forced = dup_values (self, "--pre-include=");
  g_autoptr (GError) error = NULL;

  if (self->key == NULL)
    return;

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
tvm_nvrtc_cache_keep (TvmNvrtcCache    *self,
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
