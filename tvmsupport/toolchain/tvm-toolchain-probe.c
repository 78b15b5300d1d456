/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-toolchain-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/tvm-bytes-private.h"

#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>

/*
 * A compiler is asked once, in one run: it preprocesses the text below with -v. Which macros it
 * defines tells the family and the version, as its preprocessor cannot lie about them; -v prints
 * the target. What it answered is kept for as long as its file does not change, for later processes
 * too where there is a kernel cache.
 */

/* A probe that takes this long is no compiler's. */
#define PROBE_TIMEOUT_MSEC 20000

/* Compilers and option sets beyond this many make the memory start anew. */
#define MAX_REMEMBERED 256

static const char probe_text[] =
  "#if defined __NVCC__\n"
  "TVM_PROBE nvcc __CUDACC_VER_MAJOR__ __CUDACC_VER_MINOR__ __CUDACC_VER_BUILD__\n"
  "#elif defined __EMSCRIPTEN__\n"
  "#ifndef __EMSCRIPTEN_major__\n"
  "#include <emscripten/version.h>\n"
  "#endif\n"
  "TVM_PROBE emcc __EMSCRIPTEN_major__ __EMSCRIPTEN_minor__ __EMSCRIPTEN_tiny__\n"
  "#elif defined __clang__\n"
  "TVM_PROBE clang __clang_major__ __clang_minor__ __clang_patchlevel__\n"
  "#elif defined __GNUC__\n"
  "TVM_PROBE gcc __GNUC__ __GNUC_MINOR__ __GNUC_PATCHLEVEL__\n"
  "#else\n"
  "TVM_PROBE unknown\n"
  "#endif\n";

static GMutex remembered_lock;
static GHashTable *remembered; /* (element-type utf8 TvmToolchainIdentity) */

static TvmToolchainIdentity *
identity_copy (const TvmToolchainIdentity *identity)
{
  TvmToolchainIdentity *copy = g_new0 (TvmToolchainIdentity, 1);

  copy->family = identity->family;
  copy->version = g_strdup (identity->version);
  copy->triple = g_strdup (identity->triple);
  copy->backend = g_strdup (identity->backend);

  return copy;
}

void
tvm_toolchain_identity_free (TvmToolchainIdentity *identity)
{
  g_free (identity->version);
  g_free (identity->triple);
  g_free (identity->backend);
  g_free (identity);
}

static char *
make_key (const char         *path,
          const char * const *args)
{
  GStatBuf st;
  g_autofree char *joined = g_strjoinv ("\n", (char **) args);

  if (g_stat (path, &st) != 0)
    memset (&st, 0, sizeof st);

  return g_strdup_printf ("%s\n%ju:%ju:%jd.%ld\n%s", path, (uintmax_t) st.st_ino,
                          (uintmax_t) st.st_size, (intmax_t) st.st_mtim.tv_sec,
                          (long) st.st_mtim.tv_nsec, joined);
}

static TvmToolchainIdentity *
recall (const char *key)
{
  TvmToolchainIdentity *known = NULL;

  g_mutex_lock (&remembered_lock);
  if (remembered != NULL)
    known = g_hash_table_lookup (remembered, key);
  if (known != NULL)
    known = identity_copy (known);
  g_mutex_unlock (&remembered_lock);

  return known;
}

static void
remember (const char                 *key,
          const TvmToolchainIdentity *identity)
{
  g_mutex_lock (&remembered_lock);
  if (remembered == NULL)
    remembered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) tvm_toolchain_identity_free);
  else if (g_hash_table_size (remembered) >= MAX_REMEMBERED)
    g_hash_table_remove_all (remembered);
  g_hash_table_replace (remembered, g_strdup (key), identity_copy (identity));
  g_mutex_unlock (&remembered_lock);
}

/* clang -v shows the compiler proper that it runs: ' "/usr/lib/llvm-14/bin/clang" -cc1 …'.
 * Returns: (transfer full) (nullable): its path */
static char *
find_backend (const char *text)
{
  const char *end = strstr (text, "\" -cc1 ");
  const char *start = end;

  while (start != NULL && start > text && start[-1] != '"' && start[-1] != '\n')
    start--;
  if (start == NULL || start == text || start[-1] != '"' || *start != '/')
    return NULL;

  return g_strndup (start, end - start);
}

TvmToolchainIdentity *
tvm_toolchain_identity_parse (const char *stdout_text,
                              const char *stderr_text)
{
  TvmToolchainIdentity *identity = g_new0 (TvmToolchainIdentity, 1);
  const char *target = strstr (stderr_text, "Target: ");
  const char *probe = strstr (stdout_text, "\nTVM_PROBE ");
  g_autofree char *line = NULL;
  g_auto (GStrv) words = NULL;

  if (target != NULL && (target == stderr_text || target[-1] == '\n'))
    {
      target += strlen ("Target: ");
      identity->triple = g_strstrip (g_strndup (target, strcspn (target, "\n")));
    }

  if (probe == NULL)
    return identity;

  probe += strlen ("\nTVM_PROBE ");
  line = g_strndup (probe, strcspn (probe, "\n"));
  words = g_strsplit (line, " ", -1);

  if (g_strcmp0 (words[0], "gcc") == 0)
    identity->family = TVM_TOOLCHAIN_FAMILY_GCC;
  else if (g_strcmp0 (words[0], "clang") == 0)
    identity->family = TVM_TOOLCHAIN_FAMILY_CLANG;
  else if (g_strcmp0 (words[0], "nvcc") == 0)
    identity->family = TVM_TOOLCHAIN_FAMILY_NVCC;
  else if (g_strcmp0 (words[0], "emcc") == 0)
    identity->family = TVM_TOOLCHAIN_FAMILY_EMCC;

  if (identity->family == TVM_TOOLCHAIN_FAMILY_EMCC)
    identity->backend = find_backend (stderr_text);

  if (identity->family != TVM_TOOLCHAIN_FAMILY_UNKNOWN && g_strv_length (words) == 4)
    identity->version = g_strjoinv (".", words + 1);

  return identity;
}

typedef struct
{
  char *path;
  char **args;
  char *key;
  TvmKernelCache *cache;           /* (nullable) */
  char *memory_key;                /* (nullable): in @cache */
  TvmToolchainIdentity *identity;
} Probe;

static void
probe_free (gpointer data)
{
  Probe *probe = data;

  g_free (probe->path);
  g_strfreev (probe->args);
  g_free (probe->key);
  g_clear_object (&probe->cache);
  g_free (probe->memory_key);
  g_clear_pointer (&probe->identity, tvm_toolchain_identity_free);
  g_free (probe);
}

static TvmProcessSpec *
make_spec (Probe              *probe,
           const char * const *extra)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;
  TvmProcessSpec *spec;

  g_strv_builder_add (builder, probe->path);
  g_strv_builder_addv (builder, (const char **) probe->args);
  g_strv_builder_addv (builder, (const char **) extra);
  argv = g_strv_builder_end (builder);

  spec = tvm_process_spec_new ((const char * const *) argv);
  tvm_process_spec_set_timeout (spec, PROBE_TIMEOUT_MSEC);
  tvm_process_spec_set_private_tmpdir (spec, TRUE);
  tvm_process_spec_setenv (spec, "LC_ALL", "C.UTF-8");
  tvm_process_spec_setenv (spec, "LANGUAGE", NULL);

  return spec;
}

static void
return_identity (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&probe->identity),
                         (GDestroyNotify) tvm_toolchain_identity_free);
}

/* In a thread, on a probe that waits for it */
static void
write_in_thread (GTask        *task,
                 gpointer      source_object,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  Probe *probe = g_task_get_task_data (G_TASK (task_data));
  g_autofree char *key =
    tvm_toolchain_memory_key (probe->path, (const char * const *) probe->args);

  /* What was asked must be what the key was made of. */
  if (g_strcmp0 (key, probe->memory_key) == 0)
    tvm_toolchain_memory_write (probe->cache, key, probe->identity);
  g_task_return_boolean (task, TRUE);
}

static void
written (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;

  return_identity (task);
}

/* Runs @func in a thread, on a probe that waits for it. */
static void
run_in_thread (GTask               *task,
               GTaskThreadFunc      func,
               GAsyncReadyCallback  callback)
{
  g_autoptr (GTask) thread_task = g_task_new (NULL, NULL, callback, g_object_ref (task));

  g_task_set_source_tag (thread_task, func);
  g_task_set_task_data (thread_task, task, NULL);
  tvm_task_run_in_thread (thread_task, func);
}

static gboolean
is_emscripten (const TvmToolchainIdentity *identity)
{
  return identity->triple != NULL && g_str_has_suffix (identity->triple, "-emscripten");
}

/* One that answered nothing may have been starved for a moment. emcc, which always has a version,
 * cannot be asked while its environment is wrong; what it makes of that is for the user to read when
 * it compiles. */
static gboolean
is_whole (const TvmToolchainIdentity *identity)
{
  return identity->triple != NULL &&
         (identity->family != TVM_TOOLCHAIN_FAMILY_EMCC || identity->version != NULL);
}

static void
complete (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);

  if (probe->identity->family == TVM_TOOLCHAIN_FAMILY_UNKNOWN && is_emscripten (probe->identity))
    probe->identity->family = TVM_TOOLCHAIN_FAMILY_EMCC;

  if (is_whole (probe->identity))
    remember (probe->key, probe->identity);
  /* What another program says of itself, the file of this one does not tell. */
  if (is_whole (probe->identity) && probe->identity->backend == NULL &&
      probe->memory_key != NULL)
    run_in_thread (task, write_in_thread, written);
  else
    return_identity (task);
}

/* What nvcc is asked for the target, it passes on to the compiler of the host, which says so among
 * other things. */
static void
host_compiler_ready (GObject      *source,
                     GAsyncResult *result,
                     gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmProcessResult) process = tvm_process_run_finish (result, &error);
  g_autofree char *err = NULL;
  g_autoptr (TvmToolchainIdentity) host = NULL;

  if (process == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  err = tvm_bytes_dup_utf8 (process->stderr_bytes);
  host = tvm_toolchain_identity_parse ("", err);
  probe->identity->triple = g_steal_pointer (&host->triple);
  complete (task);
}

/* nvcc cannot be asked while its environment is wrong; what it makes of that is for the user to
 * read when it compiles. */
static gboolean
is_called (const char *path,
           const char *wanted)
{
  g_autofree char *name = g_path_get_basename (path);

  return strcmp (name, wanted) == 0;
}

static void
dumpmachine_ready (GObject      *source,
                   GAsyncResult *result,
                   gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmProcessResult) process = tvm_process_run_finish (result, &error);

  if (process == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (tvm_process_result_is_success (process))
    {
      g_autofree char *triple = g_strstrip (tvm_bytes_dup_utf8 (process->stdout_bytes));

      if (triple[0] != '\0' && strpbrk (triple, " \t\n") == NULL)
        probe->identity->triple = g_steal_pointer (&triple);
    }

  complete (task);
}

static void
probe_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmProcessResult) process = tvm_process_run_finish (result, &error);
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;
  const char *dumpmachine[] = { "-dumpmachine", NULL };
  const char *host_compiler[] = { "-E", "-x", "c", "-Xcompiler=-v", "/dev/null", NULL };

  if (process == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  out = tvm_bytes_dup_utf8 (process->stdout_bytes);
  err = tvm_bytes_dup_utf8 (process->stderr_bytes);
  probe->identity = tvm_toolchain_identity_parse (out, err);

  if (probe->identity->family == TVM_TOOLCHAIN_FAMILY_UNKNOWN && is_called (probe->path, "nvcc"))
    probe->identity->family = TVM_TOOLCHAIN_FAMILY_NVCC;
  /* What it preprocesses, clang does. */
  if (probe->identity->family == TVM_TOOLCHAIN_FAMILY_CLANG && is_called (probe->path, "hipcc"))
    {
      probe->identity->family = TVM_TOOLCHAIN_FAMILY_HIPCC;
      probe->identity->backend = find_backend (err);
    }

  if (probe->identity->triple == NULL && !process->timed_out)
    {
      gboolean is_nvcc = probe->identity->family == TVM_TOOLCHAIN_FAMILY_NVCC;
      g_autoptr (TvmProcessSpec) spec = make_spec (probe, is_nvcc ? host_compiler : dumpmachine);
      GCancellable *cancellable = g_task_get_cancellable (task);

      tvm_process_run_async (spec, cancellable, is_nvcc ? host_compiler_ready : dumpmachine_ready,
                             g_steal_pointer (&task));
      return;
    }

  complete (task);
}

static void
start_probe (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GBytes) text = g_bytes_new_static (probe_text, strlen (probe_text));
  const char *preprocess[] = { "-v", "-E", "-x", "c", "-", NULL };
  g_autoptr (TvmProcessSpec) spec = make_spec (probe, preprocess);

  tvm_process_spec_set_stdin (spec, text);
  tvm_process_run_async (spec, g_task_get_cancellable (task), probe_ready, g_object_ref (task));
}

/* In a thread, on a probe that waits for it */
static void
read_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  Probe *probe = g_task_get_task_data (G_TASK (task_data));

  probe->memory_key = tvm_toolchain_memory_key (probe->path, (const char * const *) probe->args);
  if (probe->memory_key != NULL)
    probe->identity = tvm_toolchain_memory_read (probe->cache, probe->memory_key);
  g_task_return_boolean (task, TRUE);
}

static void
memory_ready (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);

  if (probe->identity == NULL)
    {
      start_probe (task);
      return;
    }

  remember (probe->key, probe->identity);
  return_identity (task);
}

void
tvm_toolchain_probe_async (const char          *path,
                           const char * const  *args,
                           TvmKernelCache      *cache,
                           GCancellable        *cancellable,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *key = make_key (path, args);
  TvmToolchainIdentity *known = recall (key);
  Probe *probe;

  g_task_set_source_tag (task, tvm_toolchain_probe_async);

  if (known != NULL)
    {
      g_task_return_pointer (task, known, (GDestroyNotify) tvm_toolchain_identity_free);
      return;
    }

  probe = g_new0 (Probe, 1);
  probe->path = g_strdup (path);
  probe->args = g_strdupv ((char **) args);
  probe->key = g_steal_pointer (&key);
  g_set_object (&probe->cache, cache);
  g_task_set_task_data (task, probe, probe_free);

  if (cache != NULL)
    run_in_thread (task, read_in_thread, memory_ready);
  else
    start_probe (task);
}

TvmToolchainIdentity *
tvm_toolchain_probe_finish (GAsyncResult  *result,
                            GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
