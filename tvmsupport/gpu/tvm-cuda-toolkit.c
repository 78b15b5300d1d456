/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-cuda-toolkit-private.h"

#include "tvmsupport/process/tvm-process-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>

/* A chain of wrappers longer than this is a loop. */
#define MAX_WRAPPERS 8

/* What is larger is no wrapper, but nvcc itself. */
#define MAX_WRAPPER_SIZE (64 * 1024)

/* What makes a directory one of CUDA: some of it is missing from each of NVIDIA's installer,
 * Debian's packages, conda's, and an installation without the compiler. */
static const char * const signs[] = {
  "bin/nvcc.profile",
  "include/cuda.h",
  "nvvm/libdevice",
  "lib/nvidia-cuda-toolkit",
  "version.json",
  "version.txt",
};

static const char * const variables[] = { "CUDA_PATH", "CUDA_HOME" };

/* Returns: (transfer full) (nullable): the first file of that name for a target */
static char *
find_in_targets (const char *root,
                 const char *name)
{
  g_autofree char *targets = g_build_filename (root, "targets", NULL);
  g_autoptr (GDir) dir = g_dir_open (targets, 0, NULL);
  const char *target;

  while (dir != NULL && (target = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (targets, target, name, NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }

  return NULL;
}

static gboolean
has_signs (const char *root)
{
  g_autofree char *header = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    {
      g_autofree char *path = g_build_filename (root, signs[i], NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
    }

  header = find_in_targets (root, "include/cuda.h");
  return header != NULL;
}

static gboolean
has_nvcc (const char *root)
{
  g_autofree char *nvcc = g_build_filename (root, "bin", "nvcc", NULL);

  return g_file_test (nvcc, G_FILE_TEST_IS_REGULAR) &&
         g_file_test (nvcc, G_FILE_TEST_IS_EXECUTABLE);
}

static void
add_refusal (TvmSearch  *search,
             const char *root,
             const char *origin)
{
  g_autofree char *shown = g_filename_display_name (root);
  g_autofree char *place =
    origin != NULL ? g_strdup_printf (_("%s “%s”"), origin, shown)
                   : g_strdup_printf (_("“%s”"), shown);

  if (!g_file_test (root, G_FILE_TEST_EXISTS))
    tvm_search_add (search, _("%s does not exist"), place);
  else if (!g_file_test (root, G_FILE_TEST_IS_DIR))
    tvm_search_add (search, _("%s is not a directory"), place);
  else
    tvm_search_add (search, _("%s has neither bin/nvcc.profile, include/cuda.h nor nvvm/libdevice"),
                    place);
}

/* A variable that the user has set is taken at its word if there is a compiler, too. */
static char *
find_by_variables (TvmSearch *search)
{
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      const char *value = g_getenv (variables[i]);

      if (value == NULL || *value == '\0')
        tvm_search_add (search, _("%s is not set"), variables[i]);
      else if (has_signs (value) || has_nvcc (value))
        return g_canonicalize_filename (value, NULL);
      else
        add_refusal (search, value, variables[i]);
    }

  return NULL;
}

static gboolean
is_path_char (char c)
{
  return g_ascii_isalnum (c) || strchr ("/._+-", c) != NULL;
}

/* Returns: (transfer full) (nullable): the program that a script runs: the first absolute path in
 * it that ends with "/nvcc" */
static char *
find_wrapped (const char *script)
{
  g_autofree char *text = NULL;
  const char *at;
  struct stat st;

  if (stat (script, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size > MAX_WRAPPER_SIZE ||
      !g_file_get_contents (script, &text, NULL, NULL) || !g_str_has_prefix (text, "#!"))
    return NULL;

  at = text;
  while ((at = strstr (at, "/nvcc")) != NULL)
    {
      const char *end = at + strlen ("/nvcc");
      const char *start = at;

      while (start > text && start[-1] != '\0' && is_path_char (start[-1]))
        start--;
      at = end;
      if (*start == '/' && (*end == '\0' || !is_path_char (*end)))
        return g_strndup (start, end - start);
    }

  return NULL;
}

static char *
dup_root_of (const char *nvcc)
{
  g_autofree char *bin = g_path_get_dirname (nvcc);

  return g_path_get_dirname (bin);
}

/* Returns: (transfer full) (nullable): the directory of CUDA that a program called nvcc belongs to,
 * through links and scripts */
static char *
find_by_program (const char *nvcc)
{
  g_autofree char *path = g_strdup (nvcc);

  for (guint i = 0; path != NULL && i < MAX_WRAPPERS; i++)
    {
      g_autofree char *root = dup_root_of (path);
      g_autofree char *resolved = realpath (path, NULL);
      g_autofree char *name = resolved != NULL ? g_path_get_basename (resolved) : NULL;
      g_autofree char *wrapped = NULL;

      if (has_signs (root))
        return g_steal_pointer (&root);
      /* A link may lead to something else, such as ccache, which is where it is. */
      if (resolved == NULL || !g_str_equal (name, "nvcc"))
        return NULL;

      g_free (root);
      root = dup_root_of (resolved);
      if (has_signs (root))
        return g_steal_pointer (&root);

      wrapped = find_wrapped (resolved);
      g_free (path);
      path = g_steal_pointer (&wrapped);
    }

  return NULL;
}

static char *
find_by_search_path (TvmSearch *search)
{
  const char *path = g_getenv ("PATH");
  g_auto (GStrv) directories = g_strsplit (path != NULL ? path : "", ":", -1);
  gboolean seen = FALSE;

  for (guint i = 0; directories[i] != NULL; i++)
    {
      g_autofree char *nvcc = g_build_filename (directories[i], "nvcc", NULL);
      g_autofree char *shown = NULL;
      char *root;

      if (!g_path_is_absolute (nvcc) || !g_file_test (nvcc, G_FILE_TEST_EXISTS))
        continue;

      root = find_by_program (nvcc);
      if (root != NULL)
        return root;

      seen = TRUE;
      shown = g_filename_display_name (nvcc);
      tvm_search_add (search, _("“%s” in the PATH leads to no directory of CUDA"), shown);
    }

  if (!seen)
    {
      g_autofree char *shown = g_filename_display_name (path != NULL ? path : "");

      tvm_search_add (search, _("no “nvcc” is in the PATH “%s”"), shown);
    }
  return NULL;
}

static char *
find_by_place (const char *prefix,
               TvmSearch  *search)
{
  /* NVIDIA's installer, Arch Linux, Debian */
  static const char * const places[] = { "/usr/local/cuda", "/opt/cuda", "/usr" };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *root = g_strconcat (prefix, places[i], NULL);

      if (has_signs (root))
        return g_steal_pointer (&root);
      add_refusal (search, root, NULL);
    }

  return NULL;
}

char *
tvm_cuda_toolkit_find_root (const char  *prefix,
                            GError     **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  char *root = find_by_variables (&search);

  if (root == NULL)
    root = find_by_search_path (&search);
  if (root == NULL)
    root = find_by_place (prefix, &search);
  if (root == NULL)
    tvm_search_set_error (&search, _("the CUDA toolkit"), error);

  return root;
}

char *
tvm_cuda_toolkit_find_nvcc (GError **error)
{
  g_auto (TvmSearch) search = TVM_SEARCH_INIT;
  g_autoptr (GError) path_error = NULL;
  g_autofree char *named = find_by_variables (&search);
  g_autofree char *placed = NULL;
  char *nvcc;

  if (named != NULL && has_nvcc (named))
    return g_build_filename (named, "bin", "nvcc", NULL);
  if (named != NULL)
    tvm_search_add (&search, _("“%s” has no bin/nvcc"), named);

  nvcc = tvm_find_program ("nvcc", NULL, NULL, &path_error);
  if (nvcc != NULL)
    return nvcc;
  tvm_search_add (&search, "%s", path_error->message);

  placed = find_by_place ("", &search);
  if (placed != NULL && has_nvcc (placed))
    return g_build_filename (placed, "bin", "nvcc", NULL);
  if (placed != NULL)
    tvm_search_add (&search, _("“%s” has no bin/nvcc"), placed);

  tvm_search_set_error (&search, _("the CUDA compiler “nvcc”"), error);
  return NULL;
}

static gboolean
is_version (const char *text)
{
  return g_ascii_isdigit (text[0]) && strchr (text, '.') != NULL &&
         strspn (text, "0123456789.") == strlen (text);
}

static char *
read_header (const char *path)
{
  static const char define[] = "#define CUDA_VERSION ";
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  const char *at = NULL;
  gsize length = 0;
  gsize rest;
  guint version = 0;

  if (file != NULL && (length = g_mapped_file_get_length (file)) > 0)
    at = g_strstr_len (g_mapped_file_get_contents (file), length, define);
  if (at == NULL)
    return NULL;

  at += strlen (define);
  rest = g_mapped_file_get_contents (file) + length - at;
  for (gsize i = 0; i < MIN (rest, 9); i++)
    {
      if (g_ascii_isdigit (at[i]))
        version = version * 10 + g_ascii_digit_value (at[i]);
      else if (version > 0)
        break;
    }

  return version >= 1000 ? g_strdup_printf ("%u.%u", version / 1000, version % 1000 / 10) : NULL;
}

static char *
read_json (const char *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;
  JsonNode *node;
  const char *version;

  if (!json_parser_load_from_file (parser, path, NULL))
    return NULL;

  /* An empty file has no root. */
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;

  node = json_object_get_member (json_node_get_object (root), "cuda");
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;

  node = json_object_get_member (json_node_get_object (node), "version");
  version = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

  return version != NULL && is_version (version) ? g_strdup (version) : NULL;
}

/* "CUDA Version 10.2.89" */
static char *
read_text (const char *path)
{
  g_autofree char *text = NULL;
  const char *word;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;

  g_strstrip (text);
  word = strrchr (text, ' ');

  return word != NULL && is_version (word + 1) ? g_strdup (word + 1) : NULL;
}

static char *
read_version_file (const char  *path,
                   char      *(*read) (const char *path),
                   TvmSearch   *search)
{
  g_autofree char *shown = g_filename_display_name (path);
  char *version = NULL;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    tvm_search_add (search, _("“%s” does not exist"), shown);
  else if ((version = read (path)) == NULL)
    tvm_search_add (search, _("“%s” says no version"), shown);

  return version;
}

char *
tvm_cuda_toolkit_read_version (const char *root,
                               TvmSearch  *search)
{
  g_autofree char *header = g_build_filename (root, "include", "cuda.h", NULL);
  g_autofree char *target_header = find_in_targets (root, "include/cuda.h");
  g_autofree char *json = g_build_filename (root, "version.json", NULL);
  g_autofree char *text = g_build_filename (root, "version.txt", NULL);
  char *version = read_version_file (header, read_header, search);

  if (version == NULL && target_header != NULL)
    version = read_version_file (target_header, read_header, search);
  if (version == NULL)
    version = read_version_file (json, read_json, search);
  if (version == NULL)
    version = read_version_file (text, read_text, search);

  return version;
}

/* "Cuda compilation tools, release 13.0, V13.0.88" */
char *
tvm_cuda_toolkit_parse_version (const char *nvcc_output)
{
  const char *at = strstr (nvcc_output, ", release ");
  g_autofree char *version = NULL;

  if (at == NULL)
    return NULL;

  at += strlen (", release ");
  version = g_strndup (at, strspn (at, "0123456789."));

  return is_version (version) ? g_steal_pointer (&version) : NULL;
}

char **
tvm_cuda_toolkit_dup_library_folders (GError **error)
{
  g_autofree char *root = tvm_cuda_toolkit_find_root ("", error);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *lib64 = NULL;
  g_autofree char *lib = NULL;
  g_autofree char *targets = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *target;

  if (root == NULL)
    return NULL;

  lib64 = g_build_filename (root, "lib64", NULL);
  lib = g_build_filename (root, "lib", NULL);
  targets = g_build_filename (root, "targets", NULL);
  dir = g_dir_open (targets, 0, NULL);

  g_strv_builder_add_many (builder, lib64, lib, NULL);
  while (dir != NULL && (target = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *folder = g_build_filename (targets, target, "lib", NULL);

      g_strv_builder_add (builder, folder);
    }

  return g_strv_builder_end (builder);
}
