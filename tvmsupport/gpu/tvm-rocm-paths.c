/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rocm.h"
#include "tvmsupport/gpu/tvm-rocm-private.h"

#include "tvmsupport/gpu/tvm-hiprtc-library-private.h"
#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/toolchain/tvm-program-versions-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#define LLD "ld.lld"
#define DEFAULT_PATH "/opt/rocm"

static const char * const variables[] = { "ROCM_PATH", "HIP_PATH" };

/* What makes a directory one of ROCm: AMD's packages have the first, Debian's the others. */
static const char * const signs[] = {
  "bin/hipcc", "bin/rocminfo", "amdgcn/bitcode", "lib/x86_64-linux-gnu/amdgcn/bitcode",
};

/* Where the bitcode is below such a directory: AMD's newer and older packages, Debian's of any
 * processor */
static const char * const bitcode_places[] = {
  "amdgcn/bitcode", "lib/llvm/lib/clang/*/lib/amdgcn/bitcode", "lib/*/amdgcn/bitcode", "lib/bitcode",
  "lib",
};

static gboolean
has_signs (const char *root)
{
  for (gsize i = 0; i < G_N_ELEMENTS (signs); i++)
    {
      g_autofree char *path = g_build_filename (root, signs[i], NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
    }

  return FALSE;
}

static char *
try_root (TvmSearch  *search,
          const char *root,
          const char *origin)
{
  g_autofree char *shown = g_filename_display_name (root);

  if (has_signs (root))
    return g_strdup (root);

  tvm_search_add (search, _("%s (%s: has no ROCm)"), shown, origin);
  return NULL;
}

/* The directory above that of a program, which may be reached through links */
static char *
root_of_program (const char *program)
{
  char *resolved = realpath (program, NULL);
  g_autofree char *folder = g_path_get_dirname (resolved != NULL ? resolved : program);

  free (resolved);
  return g_path_get_dirname (folder);
}

static char *
find_root (TvmSearch *search)
{
  static const char * const programs[] = { "hipcc", "rocminfo" };
  char *found;

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      const char *value = g_getenv (variables[i]);

      if (value == NULL || *value == '\0')
        continue;
      found = try_root (search, value, variables[i]);
      if (found != NULL)
        return found;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *program = tvm_find_program (programs[i], NULL, NULL, NULL);
      g_autofree char *root = program != NULL ? root_of_program (program) : NULL;

      if (root == NULL)
        {
          tvm_search_add (search, _("%s in the PATH (there is none)"), programs[i]);
          continue;
        }
      found = try_root (search, root, programs[i]);
      if (found != NULL)
        return found;
    }

  return try_root (search, DEFAULT_PATH, _("the default"));
}

/**
 * tvm_rocm_find_path:
 * @error: a #GError
 *
 * Finds ROCm: the directory that the environment variable `ROCM_PATH` or `HIP_PATH` names, that which
 * the `hipcc` or the `rocminfo` in the `PATH` is in, or `/opt/rocm`. A directory counts only if it
 * has something of ROCm. Nothing is run, and the environment is read when this function is called.
 *
 * The error is %TVM_ERROR_NOT_FOUND, with every place that was tried and the reason why it did not
 * serve.
 *
 * Returns: (transfer full) (type filename): the directory
 *
 * Since: 1.0
 */
char *
tvm_rocm_find_path (GError **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  char *found;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  found = find_root (&search);
  if (found == NULL)
    tvm_search_set_error (&search, "ROCm", error);
  return found;
}

/* AMD's packages have one folder, Debian's one for each processor. */
char **
tvm_rocm_dup_library_folders (GError **error)
{
  g_autofree char *root = tvm_rocm_find_path (error);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *lib = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (root == NULL)
    return NULL;

  lib = g_build_filename (root, "lib", NULL);
  g_strv_builder_add (builder, lib);
  dir = g_dir_open (lib, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *folder = g_build_filename (lib, name, NULL);

      if (strstr (name, "-linux-gnu") != NULL && g_file_test (folder, G_FILE_TEST_IS_DIR))
        g_strv_builder_add (builder, folder);
    }

  return g_strv_builder_end (builder);
}

/**
 * tvm_rocm_find_lld:
 * @required: whether it is an error if there is none
 * @error: a #GError
 *
 * Finds the linkers that make what a GPU of AMD loads: `ld.lld` in the `PATH`, then those with a
 * version in their name, such as `ld.lld-15`, the newest first, then ROCm's own. Nothing is run.
 *
 * This is the seed's `rocm.find_lld`.
 *
 * The error is %TVM_ERROR_NOT_FOUND, only if @required.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the paths, best first;
 *   empty if there are none
 *
 * Since: 1.0
 */
char **
tvm_rocm_find_lld (gboolean   required,
                   GError   **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *root = NULL;
  g_autofree char *own = NULL;
  g_auto (GStrv) found = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  tvm_program_versions_add (LLD, builder);
  root = find_root (&search);
  own = g_build_filename (root != NULL ? root : DEFAULT_PATH, "llvm", "bin", LLD, NULL);
  if (g_file_test (own, G_FILE_TEST_IS_EXECUTABLE))
    g_strv_builder_add (builder, own);

  found = g_strv_builder_end (builder);
  if (found[0] == NULL && required)
    {
      const char *path = g_getenv ("PATH");

      g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
                   _("No ld.lld was found: neither “%s” nor “%s-” with a version is in the PATH “%s”, "
                     "and there is no “%s”"), LLD, LLD, path != NULL ? path : "", own);
      return NULL;
    }

  return g_steal_pointer (&found);
}

static char *find_below (const char *folder,
                         char      **parts);

/* Follows one part of a place, which may be “*”. */
static char *
find_any (const char  *folder,
          char       **rest)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (folder, name, NULL);
      char *found = find_below (child, rest);

      if (found != NULL)
        return found;
    }

  return NULL;
}

static char *
find_below (const char  *folder,
            char       **parts)
{
  g_autofree char *child = NULL;

  if (parts[0] == NULL)
    {
      child = g_build_filename (folder, "ocml.bc", NULL);
      if (g_file_test (child, G_FILE_TEST_EXISTS))
        return g_strdup (folder);
      return NULL;
    }
  if (strcmp (parts[0], "*") == 0)
    return find_any (folder, parts + 1);

  child = g_build_filename (folder, parts[0], NULL);
  return find_below (child, parts + 1);
}

static char *
find_bitcode_in (TvmSearch  *search,
                 const char *root)
{
  g_autofree char *shown = g_filename_display_name (root);

  for (gsize i = 0; i < G_N_ELEMENTS (bitcode_places); i++)
    {
      g_auto (GStrv) parts = g_strsplit (bitcode_places[i], "/", -1);
      char *found = find_below (root, parts);

      if (found != NULL)
        return found;
      tvm_search_add (search, _("%s/%s (has no ocml.bc)"), shown, bitcode_places[i]);
    }

  return NULL;
}

char *
tvm_rocm_find_bitcode (TvmSearch *search)
{
  static const char * const roots[] = { DEFAULT_PATH, "/usr" };
  const char *value = g_getenv ("HIP_DEVICE_LIB_PATH");
  g_autofree char *root = NULL;
  char *found = NULL;

  if (value != NULL && *value != '\0')
    found = find_below (value, (char *[]) { NULL });
  if (found == NULL && value != NULL && *value != '\0')
    tvm_search_add (search, _("%s (%s: has no ocml.bc)"), value, "HIP_DEVICE_LIB_PATH");
  if (found == NULL)
    root = find_root (search);
  if (found == NULL && root != NULL)
    found = find_bitcode_in (search, root);
  for (gsize i = 0; found == NULL && i < G_N_ELEMENTS (roots); i++)
    found = find_bitcode_in (search, roots[i]);

  return found;
}

static gboolean
add_file (GStrvBuilder  *files,
          const char    *folder,
          const char    *name,
          const char    *arch,
          GError       **error)
{
  g_autofree char *path = g_strconcat (folder, "/", name, ".bc", NULL);
  g_autofree char *shown = g_filename_display_name (path);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_strv_builder_add (files, path);
      return TRUE;
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_NOT_FOUND,
               _("The device library of ROCm does not know “%s”: there is no “%s”"), arch, shown);
  return FALSE;
}

/* The newest version of the ABI that the library has; none before there were several */
static void
add_abi_version (GStrvBuilder *files,
                 const char   *folder)
{
  static const char * const names[] = { "oclc_abi_version_500", "oclc_abi_version_400" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (add_file (files, folder, names[i], "", NULL))
        return;
    }
}

/**
 * tvm_rocm_find_bitcode_paths:
 * @arch: the architecture, such as `gfx90a`; features behind it do not count
 * @bitcode_path: (nullable) (type filename): the directory of the device library, or %NULL to find it
 * @error: a #GError
 *
 * Finds the files of ROCm's device library that code for one architecture is linked with: the
 * library itself, what tells it the architecture, and exactly one of each pair of settings. These
 * are the defaults of HIP: exact square roots, no unsafe mathematics, infinities and NaN, denormal
 * numbers unless the architecture is slow with them, and the number of lanes that the architecture
 * has by itself. The order is that in which they are to be linked.
 *
 * The library is looked for where the environment variable `HIP_DEVICE_LIB_PATH` says, below what
 * [func@TvmSupport.rocm_find_path] finds, and where Debian has it.
 *
 * The error is %TVM_ERROR_NOT_FOUND if there is no such library or if it does not know @arch, and
 * %TVM_ERROR_INVALID_ARGUMENT if @arch is none.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the files
 *
 * Since: 1.0
 */
char **
tvm_rocm_find_bitcode_paths (const char  *arch,
                             const char  *bitcode_path,
                             GError     **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GStrvBuilder) files = g_strv_builder_new ();
  g_autofree char *folder = NULL;
  g_autofree char *isa = NULL;
  TvmGfxArch parsed;

  g_return_val_if_fail (arch != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!tvm_gfx_arch_parse (arch, &parsed, error))
    return NULL;

  folder = bitcode_path != NULL ? g_strdup (bitcode_path) : tvm_rocm_find_bitcode (&search);
  if (folder == NULL)
    {
      tvm_search_set_error (&search, _("the device library of ROCm"), error);
      return NULL;
    }

  isa = g_strdup_printf ("oclc_isa_version_%u%x%x", parsed.major, parsed.minor, parsed.stepping);
  if (!add_file (files, folder, "ocml", arch, error) ||
      !add_file (files, folder, "ockl", arch, error) ||
      !add_file (files, folder, parsed.major < 9 ? "oclc_daz_opt_on" : "oclc_daz_opt_off", arch,
                 error) ||
      !add_file (files, folder, "oclc_unsafe_math_off", arch, error) ||
      !add_file (files, folder, "oclc_finite_only_off", arch, error) ||
      !add_file (files, folder, "oclc_correctly_rounded_sqrt_on", arch, error) ||
      !add_file (files, folder, parsed.major < 10 ? "oclc_wavefrontsize64_on"
                                                  : "oclc_wavefrontsize64_off", arch, error) ||
      !add_file (files, folder, isa, arch, error))
    return NULL;
  add_abi_version (files, folder);

  return g_strv_builder_end (files);
}

void
tvm_rocm_describe (GString *text)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GError) root_error = NULL;
  g_autoptr (GError) lld_error = NULL;
  g_autoptr (GError) bitcode_error = NULL;
  g_autofree char *root = tvm_rocm_find_path (&root_error);
  g_auto (GStrv) linkers = tvm_rocm_find_lld (TRUE, &lld_error);
  g_autofree char *bitcode = tvm_rocm_find_bitcode (&search);
  static const char * const programs[] = { "hipcc", "rocminfo" };

  g_string_append (text, _("ROCm\n"));
  g_string_append_printf (text, "  %s\n", root != NULL ? root : root_error->message);
  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = tvm_find_program (programs[i], NULL, NULL, &error);

      g_string_append_printf (text, "  %s: %s\n", programs[i],
                              path != NULL ? path : error->message);
    }
  g_string_append_printf (text, "  ld.lld: %s\n",
                          linkers != NULL ? linkers[0] : lld_error->message);
  if (bitcode == NULL)
    tvm_search_set_error (&search, _("the device library of ROCm"), &bitcode_error);
  g_string_append_printf (text, "  bitcode: %s\n",
                          bitcode != NULL ? bitcode : bitcode_error->message);
  tvm_hiprtc_library_describe (text);
}
