/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-kernel-key-private.h"

#include "tvmsupport/toolchain/tvm-kernel-cache-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Two entries of the cache make up a result. The manifest, by the key, lists which headers were read
 * the last times and what they held; the result is by the key and all these contents. So a header
 * that is touched, or changed and changed back, is no change.
 *
 * A path without contents, whose digest is "", is one where nothing must be.
 *
 * A header whose file looks as it did (size, times, inode) is not read again. As times are coarse,
 * that does not count for one that was written just before it was looked at.
 */

/* The key of the result, and the headers: path, look, digest */
#define HEADERS_TYPE "a(aytttttay)"
#define RECORD_TYPE "(ay" HEADERS_TYPE ")"
#define MANIFEST_TYPE "a" RECORD_TYPE
#define RESULT_TYPE "(ayayaayaay)"
/* How many sets of headers are remembered, the newest first */
#define MAX_RECORDS 8
#define FRESH_USEC (G_USEC_PER_SEC / 10)

typedef struct
{
  guint64 size;
  guint64 mtime;   /* in nanoseconds; 0 if it is too fresh to count */
  guint64 ctime;
  guint64 inode;
  guint64 device;
} Look;

static gboolean
look_at (const char *path,
         Look       *look)
{
  struct stat info;

  if (stat (path, &info) < 0 || !S_ISREG (info.st_mode))
    return FALSE;

  look->size = info.st_size;
  look->mtime = info.st_mtim.tv_sec * G_GUINT64_CONSTANT (1000000000) + info.st_mtim.tv_nsec;
  look->ctime = info.st_ctim.tv_sec * G_GUINT64_CONSTANT (1000000000) + info.st_ctim.tv_nsec;
  look->inode = info.st_ino;
  look->device = info.st_dev;
  return TRUE;
}

static gboolean
is_fresh (const Look *look,
          gint64      now)
{
  const guint64 limit = (guint64) (now - FRESH_USEC) * 1000;

  return look->mtime >= limit || look->ctime >= limit;
}

static char *
resolve (const char *path,
         const char *cwd)
{
  return g_path_is_absolute (path) ? g_strdup (path) : g_build_filename (cwd, path, NULL);
}

/* Returns: (transfer full) (nullable): the digest of a file. @is_volatile: (nullable) */
static char *
hash_file (const char *path,
           gboolean   *is_volatile)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  const char *contents;
  gsize size;

  if (file == NULL)
    return NULL;

  contents = g_mapped_file_get_contents (file);
  size = g_mapped_file_get_length (file);
  if (is_volatile != NULL)
    *is_volatile = tvm_kernel_source_is_volatile (contents, size);

  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) contents, size);
}

TvmKernelEntry *
tvm_kernel_entry_new (GBytes             *output,
                      GBytes             *log,
                      const char * const *lowered_names,
                      const char * const *dependencies)
{
  TvmKernelEntry *self = g_new0 (TvmKernelEntry, 1);

  self->output = g_bytes_ref (output);
  self->log = log != NULL ? g_bytes_ref (log) : g_bytes_new_static ("", 0);
  self->lowered_names =
    lowered_names != NULL ? g_strdupv ((char **) lowered_names) : g_new0 (char *, 1);
  self->dependencies =
    dependencies != NULL ? g_strdupv ((char **) dependencies) : g_new0 (char *, 1);

  return self;
}

void
tvm_kernel_entry_free (TvmKernelEntry *self)
{
  g_bytes_unref (self->output);
  g_bytes_unref (self->log);
  g_strfreev (self->lowered_names);
  g_strfreev (self->dependencies);
  g_strfreev (self->absent);
  g_free (self);
}

static GVariant *
bytes_to_variant (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GBytes *
pack_result (const TvmKernelEntry *entry)
{
  g_autoptr (GVariant) value = NULL;

  value = g_variant_ref_sink (g_variant_new (
    "(@ay@ay^aay^aay)", bytes_to_variant (entry->output), bytes_to_variant (entry->log),
    entry->lowered_names, entry->dependencies));

  return g_variant_get_data_as_bytes (value);
}

static TvmKernelEntry *
unpack_result (GBytes *bytes)
{
  TvmKernelEntry *self = g_new0 (TvmKernelEntry, 1);
  g_autoptr (GVariant) value =
    g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (RESULT_TYPE), bytes, FALSE));
  g_autoptr (GVariant) output = NULL;
  g_autoptr (GVariant) log = NULL;

  g_variant_get (value, "(@ay@ay^aay^aay)", &output, &log, &self->lowered_names,
                 &self->dependencies);
  self->output = g_variant_get_data_as_bytes (output);
  self->log = g_variant_get_data_as_bytes (log);

  return self;
}

/* Sets of headers of one key, and what is known of the headers from one to the next */
typedef struct
{
  GVariant *records;     /* (nullable) */
  GHashTable *digests;   /* path → digest: what was read in this look-up */
  gboolean stale;        /* something looks another way than it is written down */
} Manifest;

static void
manifest_init (Manifest *self,
               GBytes   *bytes)
{
  self->records = NULL;
  self->digests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->stale = FALSE;
  if (bytes != NULL)
    self->records = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE (MANIFEST_TYPE), bytes, FALSE));
}

static void
manifest_clear (Manifest *self)
{
  g_clear_pointer (&self->records, g_variant_unref);
  g_clear_pointer (&self->digests, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Manifest, manifest_clear)

static TvmKernelKey *
begin_result_key (const char *key)
{
  TvmKernelKey *result_key = tvm_kernel_key_new ("result");

  tvm_kernel_key_add (result_key, "key", key);
  return result_key;
}

/* Whether a header is as it was. It is read at most once for all sets. */
static gboolean
is_same (Manifest   *self,
         const char *path,
         const Look *old,
         const char *digest)
{
  const char *known;
  Look now;

  if (digest[0] == '\0')
    return !look_at (path, &now);
  if (!look_at (path, &now) || now.size != old->size)
    return FALSE;
  if (old->mtime != 0 && memcmp (&now, old, sizeof now) == 0)
    return TRUE;

  self->stale = TRUE;
  known = g_hash_table_lookup (self->digests, path);
  if (known == NULL)
    {
      char *made = hash_file (path, NULL);

      if (made == NULL)
        return FALSE;
      g_hash_table_insert (self->digests, g_strdup (path), made);
      known = made;
    }

  return strcmp (known, digest) == 0;
}

/* Returns: (transfer full) (nullable): the key of the result, if all headers of a set are as they
 * were */
static char *
match_record (Manifest   *self,
              GVariant   *record,
              const char *cwd)
{
  g_autofree char *result_key = NULL;
  g_autoptr (GVariant) headers = NULL;
  GVariantIter iter;
  const char *path;
  const char *digest;
  Look look;

  g_variant_get (record, "(^ay@" HEADERS_TYPE ")", &result_key, &headers);
  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(^&ayttttt^&ay)", &path, &look.size, &look.mtime, &look.ctime,
                              &look.inode, &look.device, &digest))
    {
      g_autofree char *full = g_path_is_absolute (path) ? NULL : resolve (path, cwd);

      if (!is_same (self, full != NULL ? full : path, &look, digest))
        return NULL;
    }

  return g_steal_pointer (&result_key);
}

/* A record of headers as they look now */
static GVariant *
make_record (const char         *result_key,
             const char * const *paths,
             const char * const *digests,
             const char         *cwd,
             gint64              now)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (HEADERS_TYPE));
  for (guint i = 0; paths[i] != NULL; i++)
    {
      g_autofree char *full = resolve (paths[i], cwd);
      Look look = { 0 };

      if (!look_at (full, &look) || is_fresh (&look, now))
        look.mtime = 0;
      g_variant_builder_add (&builder, "(^ayttttt^ay)", paths[i], look.size, look.mtime, look.ctime,
                             look.inode, look.device, digests[i]);
    }

  return g_variant_new ("(^ay@" HEADERS_TYPE ")", result_key, g_variant_builder_end (&builder));
}

/* Puts a record in front of those that there are, but for @replaced. */
static gboolean
write_manifest (TvmKernelCache  *cache,
                const char      *key,
                GVariant        *old,
                gssize           replaced,
                GVariant        *record,
                GCancellable    *cancellable,
                GError         **error)
{
  const gsize n_old = old != NULL ? g_variant_n_children (old) : 0;
  GVariantBuilder builder;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint n = 1;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (MANIFEST_TYPE));
  g_variant_builder_add_value (&builder, record);
  for (gsize i = 0; i < n_old && n < MAX_RECORDS; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (old, i);

      if ((gssize) i == replaced || g_variant_equal (child, record))
        continue;
      g_variant_builder_add_value (&builder, child);
      n++;
    }

  value = g_variant_ref_sink (g_variant_builder_end (&builder));
  bytes = g_variant_get_data_as_bytes (value);
  return tvm_kernel_cache_write (cache, key, bytes, cancellable, error);
}

/* What is found again at the cost of reading headers is found faster the next time. */
static void
refresh_record (TvmKernelCache *cache,
                const char     *key,
                Manifest       *manifest,
                gsize           index,
                GVariant       *record,
                const char     *result_key,
                const char     *cwd,
                gint64          now)
{
  g_autoptr (GVariant) headers = g_variant_get_child_value (record, 1);
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GPtrArray) digests = g_ptr_array_new ();
  g_autoptr (GVariant) fresh = NULL;
  GVariantIter iter;
  const char *path;
  const char *digest;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(^&ayttttt^&ay)", &path, NULL, NULL, NULL, NULL, NULL, &digest))
    {
      g_ptr_array_add (paths, (char *) path);
      g_ptr_array_add (digests, (char *) digest);
    }
  g_ptr_array_add (paths, NULL);
  g_ptr_array_add (digests, NULL);

  fresh = g_variant_ref_sink (make_record (result_key, (const char * const *) paths->pdata,
                                           (const char * const *) digests->pdata, cwd, now));
  if (!g_variant_equal (fresh, record))
    write_manifest (cache, key, manifest->records, index, fresh, NULL, NULL);
}

static TvmKernelEntry *
find_result (TvmKernelCache  *self,
             const char      *key,
             const char      *cwd,
             Manifest        *manifest,
             GError         **error)
{
  const gint64 now = g_get_real_time ();
  const gsize n = manifest->records != NULL ? g_variant_n_children (manifest->records) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) record = g_variant_get_child_value (manifest->records, i);
      g_autofree char *result_key = NULL;
      g_autoptr (GBytes) bytes = NULL;

      manifest->stale = FALSE;
      result_key = match_record (manifest, record, cwd);
      if (result_key == NULL)
        continue;
      bytes = tvm_kernel_cache_read (self, result_key, error);
      if (bytes == NULL)
        return NULL;

      if (manifest->stale)
        refresh_record (self, key, manifest, i, record, result_key, cwd, now);
      return unpack_result (bytes);
    }

  return NULL;
}

TvmKernelEntry *
tvm_kernel_cache_find (TvmKernelCache  *self,
                       const char      *key,
                       const char      *cwd,
                       GCancellable    *cancellable,
                       GError         **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_auto (Manifest) manifest = { NULL, NULL, FALSE };
  TvmKernelEntry *entry = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  bytes = tvm_kernel_cache_read (self, key, &local_error);
  manifest_init (&manifest, bytes);
  if (local_error == NULL)
    entry = find_result (self, key, cwd, &manifest, &local_error);

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    tvm_kernel_cache_count (self, entry != NULL);

  return entry;
}

/* Returns: (transfer full) (nullable): the digest of a header that a compile has read */
static char *
hash_dependency (const char  *path,
                 const char  *cwd,
                 gint64       start_time,
                 GError     **error)
{
  const gboolean has_epoch = g_getenv ("SOURCE_DATE_EPOCH") != NULL;
  g_autofree char *full = resolve (path, cwd);
  g_autofree char *shown = g_filename_display_name (full);
  gboolean is_volatile = FALSE;
  char *digest = hash_file (full, &is_volatile);
  Look look;

  if (digest == NULL || !look_at (full, &look) ||
      look.mtime / 1000 >= (guint64) start_time || look.ctime / 1000 >= (guint64) start_time)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("“%s” was changed while it was compiled"), shown);
      g_clear_pointer (&digest, g_free);
    }
  else if (is_volatile && !has_epoch)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("“%s” asks for the time of the compile"), shown);
      g_clear_pointer (&digest, g_free);
    }

  return digest;
}

static gboolean
check_absent (const char  *path,
              const char  *cwd,
              GError     **error)
{
  g_autofree char *full = resolve (path, cwd);
  g_autofree char *shown = NULL;
  Look look;

  if (!look_at (full, &look))
    return TRUE;

  shown = g_filename_display_name (full);
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("“%s” was changed while it was compiled"), shown);
  return FALSE;
}

/* What a result depends on: the paths, and what is there */
static gboolean
collect_dependencies (const TvmKernelEntry  *entry,
                      const char            *cwd,
                      gint64                 start_time,
                      GPtrArray             *paths,
                      GPtrArray             *digests,
                      GError               **error)
{
  for (guint i = 0; entry->dependencies[i] != NULL; i++)
    {
      char *digest = hash_dependency (entry->dependencies[i], cwd, start_time, error);

      if (digest == NULL)
        return FALSE;
      g_ptr_array_add (paths, entry->dependencies[i]);
      g_ptr_array_add (digests, digest);
    }
  for (guint i = 0; entry->absent != NULL && entry->absent[i] != NULL; i++)
    {
      if (!check_absent (entry->absent[i], cwd, error))
        return FALSE;
      g_ptr_array_add (paths, entry->absent[i]);
      g_ptr_array_add (digests, g_strdup (""));
    }

  return TRUE;
}

gboolean
tvm_kernel_cache_keep (TvmKernelCache        *self,
                       const char            *key,
                       const char            *cwd,
                       const TvmKernelEntry  *entry,
                       gint64                 start_time,
                       GCancellable          *cancellable,
                       GError               **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  g_autoptr (GPtrArray) digests = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (TvmKernelKey) result_key = begin_result_key (key);
  g_autofree char *result_name = NULL;
  g_autoptr (GVariant) record = NULL;
  g_autoptr (GBytes) old = NULL;
  g_autoptr (GBytes) packed = NULL;
  g_auto (Manifest) manifest = { NULL, NULL, FALSE };
  const gint64 now = g_get_real_time ();

  if (!collect_dependencies (entry, cwd, start_time, paths, digests, error))
    return FALSE;
  for (guint i = 0; i < paths->len; i++)
    tvm_kernel_key_add (result_key, g_ptr_array_index (paths, i), g_ptr_array_index (digests, i));
  g_ptr_array_add (paths, NULL);
  g_ptr_array_add (digests, NULL);

  /* The result first: a manifest that names none would be a miss each time. */
  result_name = tvm_kernel_key_end (result_key);
  packed = pack_result (entry);
  if (!tvm_kernel_cache_write (self, result_name, packed, cancellable, error))
    return FALSE;

  old = tvm_kernel_cache_read (self, key, NULL);
  manifest_init (&manifest, old);
  record = g_variant_ref_sink (make_record (result_name, (const char * const *) paths->pdata,
                                            (const char * const *) digests->pdata, cwd, now));
  return write_manifest (self, key, manifest.records, -1, record, cancellable, error);
}
