/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/toolchain/tvm-compile-plan-private.h"

#include "tvmsupport/files/tvm-tar.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-error-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
tvm_compile_item_free (gpointer data)
{
  TvmCompileItem *item = data;

  g_free (item->path);
  g_free (item->object);
  g_free (item);
}

void
tvm_compile_plan_free (TvmCompilePlan *plan)
{
  g_ptr_array_unref (plan->items);
  g_free (plan->output);
  g_clear_object (&plan->work);
  g_free (plan);
}

char *
tvm_compile_request_resolve (TvmCompileRequest *request,
                             const char        *path)
{
  const char *cwd = tvm_compile_request_get_working_directory (request);
  g_autofree char *base = cwd != NULL ? g_canonicalize_filename (cwd, NULL) : NULL;

  return g_canonicalize_filename (path, base);
}

/* A tool takes a name that starts with one of these for an option or a response file. */
static char *
escape_path (const char *path)
{
  return path[0] == '-' || path[0] == '@' ? g_strconcat ("./", path, NULL) : g_strdup (path);
}

static TvmCompileItem *
add_item (TvmCompilePlan *plan,
          const char     *path,
          TvmLanguage     language)
{
  TvmCompileItem *item = g_new0 (TvmCompileItem, 1);

  item->path = escape_path (path);
  item->language = language;
  g_ptr_array_add (plan->items, item);

  if (language != TVM_LANGUAGE_AUTO)
    plan->n_sources++;
  if (tvm_language_is_cxx (language))
    plan->has_cxx = TRUE;

  return item;
}

static gboolean
need_work_directory (TvmCompilePlan  *plan,
                     GError         **error)
{
  if (plan->work == NULL)
    plan->work = tvm_temp_directory_new (NULL, error);

  return plan->work != NULL;
}

typedef enum
{
  CONTENT_OTHER,
  CONTENT_LINKABLE,  /* an object, an archive of them, a library */
  CONTENT_BITCODE,
} Content;

static gboolean
starts_with (const guint8 *data,
             gssize        size,
             const char   *magic,
             gssize        magic_size)
{
  return size >= magic_size && memcmp (data, magic, magic_size) == 0;
}

static gboolean
is_linkable (const guint8 *data,
             gssize        size)
{
  return starts_with (data, size, "\177ELF", 4) || starts_with (data, size, "!<arch>\n", 8) ||
         starts_with (data, size, "!<thin>\n", 8) || starts_with (data, size, "\0asm", 4) ||
         starts_with (data, size, "\xcf\xfa\xed\xfe", 4) ||
         starts_with (data, size, "\xce\xfa\xed\xfe", 4) ||
         starts_with (data, size, "\xca\xfe\xba\xbe", 4);
}

static gboolean
is_bitcode (const guint8 *data,
            gssize        size)
{
  return starts_with (data, size, "BC\xc0\xde", 4) ||
         starts_with (data, size, "\xde\xc0\x17\x0b", 4);
}

/* Opens an input as a compiler will: what it cannot read is an error here, with the name of the
 * file. */
static gboolean
look_at_file (TvmCompilePlan  *plan,
              const char      *path,
              Content         *content,
              GError         **error)
{
  g_autofree char *shown = g_filename_display_name (path);
  struct stat st;
  guint8 head[16];
  gssize size;
  int errsv;
  int fd;

  /* O_NONBLOCK: nobody may ever write to what turns out to be a fifo */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat (fd, &st) != 0)
    {
      errsv = errno;
      if (fd >= 0)
        close (fd);
      return tvm_error_set_errno (error, errsv, _("The input “%s” cannot be read"), shown);
    }

  if (S_ISDIR (st.st_mode))
    {
      close (fd);
      return tvm_error_set_errno (error, EISDIR, _("The input “%s” cannot be read"), shown);
    }

  if (plan->has_old_output && st.st_dev == plan->old_device && st.st_ino == plan->old_inode)
    {
      close (fd);
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The output would take the place of the input “%s”"), shown);
      return FALSE;
    }

  size = S_ISREG (st.st_mode) ? read (fd, head, sizeof head) : 0;
  errsv = errno;
  close (fd);
  if (size < 0)
    return tvm_error_set_errno (error, errsv, _("The input “%s” cannot be read"), shown);

  if (is_bitcode (head, size))
    *content = CONTENT_BITCODE;
  else
    *content = is_linkable (head, size) ? CONTENT_LINKABLE : CONTENT_OTHER;
  return TRUE;
}

/* What a file is, by its suffix; but emscripten's build rules put objects into files called .bc, and
 * the linker of WebAssembly takes bitcode as it is, to optimize all of it at once. */
static TvmLanguage
guess_language (const char     *path,
                Content         content,
                TvmCompileKind  kind)
{
  TvmLanguage language = tvm_language_from_path (path);

  if (language == TVM_LANGUAGE_LLVM_IR &&
      (content == CONTENT_LINKABLE ||
       (content == CONTENT_BITCODE && kind == TVM_COMPILE_KIND_WASM)))
    return TVM_LANGUAGE_AUTO;

  return language;
}

/* Of a tar only what a compiler or a linker can take: a readme beside the objects is no input. */
static gboolean
add_unpacked (TvmCompilePlan  *plan,
              const char      *path,
              TvmCompileKind   kind,
              GError         **error)
{
  TvmLanguage language;
  Content content;

  if (!look_at_file (plan, path, &content, error))
    return FALSE;

  language = guess_language (path, content, kind);
  if (language != TVM_LANGUAGE_AUTO || content != CONTENT_OTHER)
    add_item (plan, path, language);
  return TRUE;
}

static gboolean
add_maybe_tar (TvmCompilePlan  *plan,
               const char      *path,
               const char      *resolved,
               TvmCompileKind   kind,
               GCancellable    *cancellable,
               GError         **error)
{
  const char *files[] = { resolved, NULL };
  g_auto (GStrv) unpacked = NULL;
  guint i;

  if (!need_work_directory (plan, error))
    return FALSE;

  unpacked = tvm_tar_normalize_file_list (plan->work, files, NULL, cancellable, error);
  if (unpacked == NULL)
    return FALSE;

  /* What is no tar comes back as it is; the linker will say what it thinks of it, or read it as
   * a linker script. */
  if (unpacked[0] != NULL && strcmp (unpacked[0], resolved) == 0)
    {
      add_item (plan, path, TVM_LANGUAGE_AUTO);
      return TRUE;
    }

  for (i = 0; unpacked[i] != NULL; i++)
    {
      if (!add_unpacked (plan, unpacked[i], kind, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_file (TvmCompilePlan     *plan,
          TvmCompileRequest  *request,
          const char         *path,
          TvmLanguage         language,
          GCancellable       *cancellable,
          GError            **error)
{
  g_autofree char *resolved = tvm_compile_request_resolve (request, path);
  Content content;

  if (path[0] == '\0')
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("An input has an empty name"));
      return FALSE;
    }
  if (!look_at_file (plan, resolved, &content, error))
    return FALSE;

  if (language == TVM_LANGUAGE_AUTO)
    language = guess_language (path, content, request->kind);
  if (language != TVM_LANGUAGE_AUTO || content != CONTENT_OTHER)
    {
      add_item (plan, path, language);
      return TRUE;
    }

  return add_maybe_tar (plan, path, resolved, request->kind, cancellable, error);
}

/* Each in a folder of its own, so that names never meet and diagnostics show the given one. */
static gboolean
add_bytes (TvmCompilePlan         *plan,
           const TvmCompileInput  *input,
           guint                   index,
           GError                **error)
{
  TvmLanguage language = input->language;
  g_autofree char *folder_name = g_strdup_printf ("input-%u", index);
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;

  if (input->path[0] == '\0' || strchr (input->path, '/') != NULL ||
      strcmp (input->path, ".") == 0 || strcmp (input->path, "..") == 0)
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” cannot be the name of an input: it must have no folder"),
                   input->path);
      return FALSE;
    }
  if (!need_work_directory (plan, error))
    return FALSE;

  folder = g_build_filename (tvm_temp_directory_get_path (plan->work), folder_name, NULL);
  path = g_build_filename (folder, input->path, NULL);
  if (g_mkdir (folder, 0700) != 0)
    {
      int errsv = errno;
      return tvm_error_set_errno (error, errsv, _("The folder “%s” cannot be made"), folder);
    }
  if (!g_file_set_contents_full (path, g_bytes_get_data (input->bytes, NULL),
                                 g_bytes_get_size (input->bytes), G_FILE_SET_CONTENTS_NONE, 0600,
                                 error))
    return FALSE;

  if (language == TVM_LANGUAGE_AUTO)
    language = tvm_language_from_path (path);
  add_item (plan, path, language)->from_bytes = TRUE;
  return TRUE;
}

/* Fails before any work is done where the output can never be made. */
static gboolean
check_output (TvmCompilePlan  *plan,
              GError         **error)
{
  const char *output = plan->output;
  g_autofree char *folder = g_path_get_dirname (output);
  g_autofree char *shown = g_filename_display_name (output);
  g_autofree char *shown_folder = g_filename_display_name (folder);
  struct stat st;

  plan->has_old_output = stat (output, &st) == 0;
  if (plan->has_old_output)
    {
      plan->old_device = st.st_dev;
      plan->old_inode = st.st_ino;
    }
  if (plan->has_old_output && !S_ISREG (st.st_mode))
    {
      if (S_ISDIR (st.st_mode))
        return tvm_error_set_errno (error, EISDIR, _("The output “%s” cannot be written"), shown);

      /* Renaming over /dev/null would take it away from everybody. */
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("The output “%s” cannot be written: it is not a regular file"), shown);
      return FALSE;
    }

  if (stat (folder, &st) != 0 || (!S_ISDIR (st.st_mode) && (errno = ENOTDIR)) ||
      access (folder, W_OK | X_OK) != 0)
    {
      int errsv = errno;
      return tvm_error_set_errno (error, errsv,
                                  _("The output “%s” cannot be written: no file can be made in “%s”"),
                                  shown, shown_folder);
    }

  return TRUE;
}

static gboolean
plan_output (TvmCompilePlan     *plan,
             TvmCompileRequest  *request,
             GError            **error)
{
  const char *output = tvm_compile_request_get_output (request);

  if (output == NULL)
    {
      plan->wants_bytes = TRUE;
      if (!need_work_directory (plan, error))
        return FALSE;

      plan->output = g_build_filename (tvm_temp_directory_get_path (plan->work), "output", NULL);
      return TRUE;
    }

  if (output[0] == '\0' || output[strlen (output) - 1] == '/')
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” cannot be the name of an output"), output);
      return FALSE;
    }

  plan->output = tvm_compile_request_resolve (request, output);
  return check_output (plan, error);
}

/* Gives every source of a link a name for its object. The name of the source is kept in it, for the
 * messages of the linker. */
static gboolean
plan_objects (TvmCompilePlan  *plan,
              GError         **error)
{
  guint i;

  if (plan->n_sources == 0)
    return TRUE;
  if (!need_work_directory (plan, error))
    return FALSE;

  for (i = 0; i < plan->items->len; i++)
    {
      TvmCompileItem *item = g_ptr_array_index (plan->items, i);
      g_autofree char *base = NULL;
      g_autofree char *name = NULL;

      if (item->language == TVM_LANGUAGE_AUTO)
        continue;

      base = g_path_get_basename (item->path);
      name = g_strdup_printf ("%u-%s.o", i, base);
      item->object = g_build_filename (tvm_temp_directory_get_path (plan->work), name, NULL);
    }

  return TRUE;
}

static gboolean
check_inputs (TvmCompilePlan     *plan,
              TvmCompileRequest  *request,
              GError            **error)
{
  if (plan->items->len == 0)
    {
      g_set_error_literal (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                           _("There is no input to compile or to link"));
      return FALSE;
    }

  if (tvm_compile_request_translates (request) &&
      plan->items->len == 1 && plan->n_sources == 0)
    {
      const TvmCompileItem *item = g_ptr_array_index (plan->items, 0);
      g_autofree char *shown = g_filename_display_name (item->path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("“%s” cannot be compiled to an object: its suffix is that of no language"),
                   shown);
      return FALSE;
    }

  if (tvm_compile_request_translates (request) &&
      (plan->items->len != 1 || plan->n_sources != 1))
    {
      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
                   _("An object is made of exactly one source, not of %u sources and %u other files"),
                   plan->n_sources, plan->items->len - plan->n_sources);
      return FALSE;
    }

  return TRUE;
}

TvmCompilePlan *
tvm_compile_plan_new (TvmCompileRequest   *request,
                      const char * const  *add_files,
                      GCancellable        *cancellable,
                      GError             **error)
{
  g_autoptr (TvmCompilePlan) plan = g_new0 (TvmCompilePlan, 1);
  guint n_inputs = request->inputs->len;
  guint i;

  plan->items = g_ptr_array_new_with_free_func (tvm_compile_item_free);
  /* First, so that an input is known for it */
  if (!plan_output (plan, request, error))
    return NULL;

  for (i = 0; i < n_inputs; i++)
    {
      const TvmCompileInput *input = g_ptr_array_index (request->inputs, i);
      gboolean added;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;

      if (input->bytes != NULL)
        added = add_bytes (plan, input, i, error);
      else
        added = add_file (plan, request, input->path, input->language, cancellable, error);
      if (!added)
        return NULL;
    }

  for (i = 0; add_files != NULL && add_files[i] != NULL; i++)
    {
      if (!add_file (plan, request, add_files[i], TVM_LANGUAGE_AUTO, cancellable, error))
        return NULL;
    }

  if (!check_inputs (plan, request, error))
    return NULL;
  if (!tvm_compile_request_translates (request) &&
      !plan_objects (plan, error))
    return NULL;

  return g_steal_pointer (&plan);
}
