/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/tvm-describe.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"
#include "tvmsupport/gpu/tvm-rocm-private.h"
#include "tvmsupport/process/tvm-launch-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/process/tvm-sync-private.h"
#include "tvmsupport/process/tvm-task-thread-private.h"
#include "tvmsupport/toolchain/tvm-clang.h"
#include "tvmsupport/toolchain/tvm-compiler.h"
#include "tvmsupport/toolchain/tvm-emcc-private.h"
#include "tvmsupport/toolchain/tvm-emcc.h"
#include "tvmsupport/toolchain/tvm-machine-private.h"
#include "tvmsupport/toolchain/tvm-toolchain.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-version.h"

#include <archive.h>
#include <elfutils/version.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/utsname.h>

#ifdef ENABLE_NLS
#define HAVE_NLS "ON"
#else
#define HAVE_NLS "OFF"
#endif

/* What libraries and tools the seed asks for by the names of its build options. The library itself
 * links none of them; ON means that this machine has one of those named, now. */
static const struct
{
  const char *key;
  const char *programs;   /* (nullable): in the PATH, separated by spaces */
  const char *libraries;  /* (nullable): in the folders of the dynamic linker */
} components[] = {
  { "USE_CUDA", "nvcc", "libnvrtc.so libnvrtc.so.13 libnvrtc.so.12 libnvrtc.so.11.2" },
  { "USE_LLVM", "clang llc", NULL },
  { "USE_NCCL", NULL, "libnccl.so libnccl.so.2" },
  { "USE_NVTX", NULL, "libnvToolsExt.so libnvToolsExt.so.1 libnvtx3interop.so.1" },
  { "USE_NVSHMEM", NULL, "libnvshmem_host.so libnvshmem_host.so.3" },
  { "USE_HEXAGON", "hexagon-clang", NULL },
  { "USE_CUDNN", NULL, "libcudnn.so libcudnn.so.9 libcudnn.so.8" },
  { "USE_CUTLASS", "cutlass_profiler", NULL },
  { "USE_VULKAN", NULL, "libvulkan.so libvulkan.so.1" },
  { "USE_OPENCL", NULL, "libOpenCL.so libOpenCL.so.1" },
  { "USE_METAL", "xcrun", NULL },
  { "USE_ROCM", "hipcc rocminfo", "libamdhip64.so libamdhip64.so.5 libamdhip64.so.6" },
  { "USE_CLML", NULL, "libOpenCL_adreno.so" },
  { "USE_NNAPI_RUNTIME", NULL, "libneuralnetworks.so" },
  { "USE_NNAPI_CODEGEN", NULL, "libneuralnetworks.so" },
};

/* Compilers that describe() asks for by name, after the default one */
static const char * const compilers[] = { "g++", "gcc", "clang++", "clang" };

/* Tools that need no asking: where they are is all there is to say. */
static const char * const tools[] = {
  "ar", "nm", "ld", "ld.lld", "mold", "llvm-ar", "ccache", "distcc",
};

static gboolean
has_program (const char *names)
{
  g_auto (GStrv) list = g_strsplit (names, " ", -1);
  guint i;

  for (i = 0; list[i] != NULL; i++)
    {
      g_autofree char *path = tvm_find_program (list[i], NULL, NULL, NULL);

      if (path != NULL)
        return TRUE;
    }

  return FALSE;
}

/* Loading a library to see whether it is there would run its constructors, so its file is looked
 * for. */
static gboolean
has_library (const char *names)
{
  const char *library_path = g_getenv ("LD_LIBRARY_PATH");
  g_autofree char *folder_list = NULL;
  g_auto (GStrv) folders = NULL;
  g_auto (GStrv) list = g_strsplit (names, " ", -1);
  struct utsname uts;
  guint i, j;

  uname (&uts);
  folder_list = g_strdup_printf ("%s:/usr/local/lib:/usr/lib/%s-linux-gnu:/usr/lib64:/usr/lib:"
                                 "/usr/local/cuda/lib64:/opt/rocm/lib",
                                 library_path != NULL ? library_path : "", uts.machine);
  folders = g_strsplit (folder_list, ":", -1);

  for (i = 0; folders[i] != NULL; i++)
    {
      for (j = 0; folders[i][0] != '\0' && list[j] != NULL; j++)
        {
          g_autofree char *path = g_build_filename (folders[i], list[j], NULL);

          if (g_file_test (path, G_FILE_TEST_EXISTS))
            return TRUE;
        }
    }

  return FALSE;
}

static void
insert (GHashTable *info,
        const char *key,
        char       *value)
{
  g_hash_table_insert (info, g_strdup (key), value);
}

static void
insert_program (GHashTable *info,
                const char *key,
                const char *name)
{
  char *path = tvm_find_program (name, NULL, NULL, NULL);

  insert (info, key, path != NULL ? path : g_strdup ("NOT-FOUND"));
}

/**
 * tvm_libinfo:
 *
 * Gets facts about the library and about what it can work with on this machine, by name.
 *
 * `VERSION`, `BUILD_COMPILER`, `BUILD_HOST` and the versions of the libraries that it is built on
 * (`GLIB_VERSION`, `JSON_GLIB_VERSION`, `LIBARCHIVE_VERSION`, `LIBELF_VERSION`) come from the build
 * and from the libraries; `NLS` is `ON` or `OFF`. `AR`, `NM`, `CCACHE`, `NVCC`, `HIPCC`, `EMCC`,
 * `XCRUN` are the paths of tools, or `NOT-FOUND`. The keys `USE_*` are those of the seed's
 * `libinfo`; here each says whether this machine has such a tool or library, `ON` or `OFF`. No
 * process is started and nothing is loaded.
 *
 * Returns: (transfer full) (element-type utf8 utf8): the facts
 *
 * Since: 1.0
 */
GHashTable *
tvm_libinfo (void)
{
  GHashTable *info = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  char *emcc;
  char *nvcc;
  guint i;

  insert (info, "VERSION", g_strdup (PACKAGE_VERSION));
  insert (info, "BUILD_COMPILER", g_strdup (TVM_SUPPORT_BUILD_COMPILER));
  insert (info, "BUILD_HOST", g_strdup (TVM_SUPPORT_BUILD_HOST));
  insert (info, "GLIB_VERSION",
          g_strdup_printf ("%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version));
  insert (info, "JSON_GLIB_VERSION", g_strdup (JSON_VERSION_S));
  insert (info, "LIBARCHIVE_VERSION", g_strdup (archive_version_string ()));
  insert (info, "LIBELF_VERSION",
          g_strdup_printf ("%d.%d", _ELFUTILS_VERSION / 1000, _ELFUTILS_VERSION % 1000));
  insert (info, "NLS", g_strdup (HAVE_NLS));

  insert_program (info, "AR", "ar");
  insert_program (info, "NM", "nm");
  insert_program (info, "CCACHE", "ccache");
  nvcc = tvm_cuda_toolkit_find_nvcc (NULL);
  insert (info, "NVCC", nvcc != NULL ? nvcc : g_strdup ("NOT-FOUND"));
  insert_program (info, "HIPCC", "hipcc");
  emcc = tvm_emcc_find_emcc (NULL);
  insert (info, "EMCC", emcc != NULL ? emcc : g_strdup ("NOT-FOUND"));
  insert_program (info, "XCRUN", "xcrun");

  for (i = 0; i < G_N_ELEMENTS (components); i++)
    {
      gboolean found =
        (components[i].programs != NULL && has_program (components[i].programs)) ||
        (components[i].libraries != NULL && has_library (components[i].libraries));

      insert (info, components[i].key, g_strdup (found ? "ON" : "OFF"));
    }

  return info;
}

typedef struct
{
  GString *text;
  guint next;   /* the compiler that is asked next; 0 is the default one */
} Description;

static void ask_next_compiler (GTask *task);

static void
description_free (gpointer data)
{
  Description *description = data;

  g_string_free (description->text, TRUE);
  g_free (description);
}

static void
append_machine (GString *text)
{
  g_autofree char *memory = g_format_size_full (tvm_machine_get_available_memory (),
                                                G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *supervisor = NULL;
  g_autoptr (GError) error = NULL;
  struct utsname uts;

  uname (&uts);
  g_string_append_printf (text, "tvmsupport %s\n", PACKAGE_VERSION);
  g_string_append_printf (text, _("  built by: %s, for %s\n"), TVM_SUPPORT_BUILD_COMPILER,
                          TVM_SUPPORT_BUILD_HOST);
  g_string_append_printf (text, _("  libraries: GLib %u.%u.%u, json-glib %s, %s, libelf %d.%d\n"),
                          glib_major_version, glib_minor_version, glib_micro_version,
                          JSON_VERSION_S, archive_version_string (), _ELFUTILS_VERSION / 1000,
                          _ELFUTILS_VERSION % 1000);
  g_string_append_printf (text, _("  system: %s %s, %s\n"), uts.sysname, uts.release, uts.machine);
  g_string_append_printf (text, _("  available: %u processors, %s of memory\n"),
                          tvm_machine_get_processors (), memory);

  supervisor = tvm_launch_dup_supervisor_path (&error);
  g_string_append_printf (text, _("  supervisor: %s\n"),
                          supervisor != NULL ? supervisor : error->message);
}

static void
append_toolchain (GString      *text,
                  const char   *name,
                  gboolean      is_default,
                  TvmToolchain *toolchain)
{
  g_auto (GStrv) wrapper = tvm_toolchain_dup_wrapper (toolchain);
  g_auto (GStrv) command = tvm_toolchain_dup_command (toolchain);
  g_autofree char *quoted = tvm_quote_command ((const char * const *) command);
  g_autofree char *quoted_wrapper =
    wrapper != NULL ? tvm_quote_command ((const char * const *) wrapper) : NULL;
  g_autofree char *line = g_strconcat (quoted_wrapper != NULL ? quoted_wrapper : "",
                                       quoted_wrapper != NULL ? " " : "", quoted, NULL);
  g_autofree char *shown = g_filename_display_name (line);
  g_autoptr (GEnumClass) families = g_type_class_ref (TVM_TYPE_TOOLCHAIN_FAMILY);
  const char *family =
    g_enum_get_value (families, tvm_toolchain_get_family (toolchain))->value_nick;
  const char *version = tvm_toolchain_get_version (toolchain);
  const char *triple = tvm_toolchain_get_target_triple (toolchain);

  g_string_append_printf (text, _("  %s: %s %s for %s, %s"), name, family,
                          version != NULL ? version : _("of no known version"),
                          triple != NULL ? triple : _("an unknown target"), shown);
  if (is_default)
    g_string_append_printf (text, _(", from %s"), tvm_toolchain_get_origin (toolchain));
  g_string_append_c (text, '\n');
}

static void
append_path (GString      *text,
             const char   *name,
             const char   *path,
             const GError *error)
{
  g_autofree char *shown = path != NULL ? g_filename_display_name (path) : NULL;

  g_string_append_printf (text, "  %s: %s\n", name, path != NULL ? shown : error->message);
}

static void
append_tools (GString *text)
{
  guint i;

  g_string_append (text, _("Tools\n"));
  for (i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = tvm_find_program (tools[i], NULL, NULL, &error);

      append_path (text, tools[i], path, error);
    }
}

/* Every clang, the one that is taken first */
static void
append_clangs (GString *text)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) paths = tvm_clang_find_clang (TRUE, &error);
  g_autofree char *list = paths != NULL ? g_strjoinv (", ", paths) : NULL;

  g_string_append (text, _("LLVM\n"));
  append_path (text, "clang", list, error);
}

static void
compiler_ready (GTask        *task,
                TvmToolchain *toolchain,
                GError       *error)
{
  Description *description = g_task_get_task_data (task);
  const char *name = description->next == 0 ? _("default") : compilers[description->next - 1];

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (task, error);
      return;
    }

  if (toolchain != NULL)
    append_toolchain (description->text, name, description->next == 0, toolchain);
  else
    g_string_append_printf (description->text, "  %s: %s\n", name, error->message);
  g_clear_error (&error);
  g_clear_object (&toolchain);

  description->next++;
  ask_next_compiler (task);
}

static void
named_ready (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TvmToolchain *toolchain = tvm_toolchain_new_finish (result, &error);

  compiler_ready (task, toolchain, error);
}

static void
default_ready (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TvmToolchain *toolchain = tvm_toolchain_discover_finish (result, &error);

  compiler_ready (task, toolchain, error);
}

/* @toolchain or @error is given. */
static void
append_found (GString      *text,
              const char   *name,
              TvmToolchain *toolchain,
              const GError *error)
{
  if (toolchain != NULL)
    append_toolchain (text, name, FALSE, toolchain);
  else
    g_string_append_printf (text, "  %s: %s\n", name, error->message);
}

/* The last sections */
static void
complete (GTask        *task,
          TvmToolchain *ndk,
          const GError *ndk_error)
{
  Description *description = g_task_get_task_data (task);
  g_autoptr (GError) xcode_error = NULL;
  g_autofree char *xcrun = tvm_find_program ("xcrun", NULL, NULL, &xcode_error);

  g_string_append (description->text, _("Android\n"));
  append_found (description->text, "NDK", ndk, ndk_error);
  g_string_append (description->text, _("Xcode\n"));
  append_path (description->text, "xcrun", xcrun, xcode_error);
  g_task_return_pointer (task, g_strdup (description->text->str), g_free);
}

static void
ndk_ready (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain = tvm_toolchain_new_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    complete (task, toolchain, error);
}

static void
ask_ndk (GTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompiler) ndk = tvm_compiler_new_ndk (&error);

  if (ndk == NULL)
    complete (task, NULL, error);
  else
    tvm_toolchain_new_async (tvm_compiler_get_command (ndk), g_task_get_cancellable (task),
                             ndk_ready, g_object_ref (task));
}

/* @toolchain or @error is given. */
static void
add_emcc (GTask        *task,
          TvmToolchain *toolchain,
          const GError *error)
{
  Description *description = g_task_get_task_data (task);

  g_string_append (description->text, _("WebAssembly\n"));
  append_found (description->text, "emcc", toolchain, error);
  tvm_emcc_describe_tools (description->text);
  ask_ndk (task);
}

static void
emcc_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmToolchain) toolchain = tvm_toolchain_new_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    add_emcc (task, toolchain, error);
}

static void
ask_emcc (GTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = tvm_emcc_find_emcc (&error);
  g_autofree char *quoted = path != NULL ? g_shell_quote (path) : NULL;

  if (path == NULL)
    add_emcc (task, NULL, error);
  else
    tvm_toolchain_new_async (quoted, g_task_get_cancellable (task), emcc_ready,
                             g_object_ref (task));
}

static void
gpus_ready (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  Description *description = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *text = g_task_propagate_pointer (G_TASK (result), &error);

  if (text == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  g_string_append (description->text, text);
  ask_emcc (task);
}

static void
describe_gpus_in_thread (GTask        *task,
                         gpointer      source_object,
                         gpointer      task_data,
                         GCancellable *cancellable)
{
  GString *text = g_string_new (NULL);

  tvm_cuda_toolkit_describe (text);
  tvm_rocm_describe (text);
  g_task_return_pointer (task, g_string_free (text, FALSE), g_free);
}

/* Loading a library cannot be interrupted: nobody waits for what is not wanted. */
static void
ask_gpus (GTask *task)
{
  g_autoptr (GTask) thread_task = g_task_new (NULL, g_task_get_cancellable (task), gpus_ready,
                                              g_object_ref (task));

  g_task_set_source_tag (thread_task, ask_gpus);
  g_task_set_return_on_cancel (thread_task, TRUE);
  tvm_task_run_in_thread (thread_task, describe_gpus_in_thread);
}

static void
ask_next_compiler (GTask *task)
{
  Description *description = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (description->next == 0)
    {
      tvm_toolchain_discover_async (NULL, cancellable, default_ready, g_object_ref (task));
    }
  else if (description->next <= G_N_ELEMENTS (compilers))
    {
      tvm_toolchain_new_async (compilers[description->next - 1], cancellable, named_ready,
                               g_object_ref (task));
    }
  else
    {
      append_tools (description->text);
      append_clangs (description->text);
      ask_gpus (task);
    }
}

/**
 * tvm_describe_async:
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called when every compiler has answered
 * @user_data: data for @callback
 *
 * Describes the library and the machine, without blocking. See [func@TvmSupport.describe].
 *
 * @callback is called in the thread-default main context of the caller.
 *
 * Since: 1.0
 */
void
tvm_describe_async (GCancellable        *cancellable,
                    GAsyncReadyCallback  callback,
                    gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  Description *description;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, tvm_describe_async);

  description = g_new0 (Description, 1);
  description->text = g_string_new (NULL);
  g_task_set_task_data (task, description, description_free);

  append_machine (description->text);
  g_string_append (description->text, _("Compilers\n"));
  ask_next_compiler (task);
}

/**
 * tvm_describe_finish:
 * @result: what the callback was given
 * @error: a #GError
 *
 * Ends what [func@TvmSupport.describe_async] began.
 *
 * Returns: (transfer full): the description
 *
 * Since: 1.0
 */
char *
tvm_describe_finish (GAsyncResult  *result,
                     GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tvm_describe:
 * @cancellable: (nullable): a #GCancellable
 * @error: a #GError
 *
 * Describes the library and the machine, for people to read: versions, the kernel, and every
 * toolchain and tool with its version and path, or why it was not found. Compilers are run to ask
 * what they are, and the libraries of CUDA are loaded for it; no GPU is asked.
 *
 * A compiler or tool that is missing or broken is part of the description; the only error is
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the description, in lines
 *
 * Since: 1.0
 */
char *
tvm_describe (GCancellable  *cancellable,
              GError       **error)
{
  g_auto (TvmSync) sync = TVM_SYNC_INIT;

  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_sync_begin (&sync, error))
    return NULL;
  tvm_describe_async (cancellable, tvm_sync_ready, &sync);
  return tvm_describe_finish (tvm_sync_wait (&sync), error);
}
