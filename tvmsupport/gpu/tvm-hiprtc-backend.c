/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"

#include "tvmsupport/gpu/tvm-hiprtc-library-private.h"
#include "tvmsupport/gpu/tvm-hiprtc-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Options of clang that read no files but headers, and write none. The folder of the source is
 * "-iquote" in one word; that of a caller is in two. */
static const char * const kept_options[] = {
  TVM_HIPRTC_ARCH_OPTION, "-iquote", "-D", "-U", "-I", "-O", "-W", "-w", "-f", "-m", "-g", "-std=",
  "-pedantic", "-ansi", NULL,
};

/* What begins like them, and is not of their kind. What is for the preprocessor may name any
 * file. */
static const char * const unkept_options[] = {
  "-Wp,", "-Wa,", "-fplugin", "-fpass-plugin", "-fmodule", "-fprofile", "-fsanitize", "-fbuild-session",
  "-fdebug", "-fcrash", "-fdiagnostics", "-fsave", "-ftime", "-fxray", "-fthinlto", "-fcoverage",
  "-ftest-coverage", "-fmacro-prefix", "-ffile-prefix", "-foptimization-record", "-fembed", "-mllvm",
  "-fcache", "-fdepfile", "-finclude", "-fuse-ld", "-fopenmp", "-Xclang", NULL,
};

static const char * const placeless_options[] = {
  TVM_HIPRTC_ARCH_OPTION, "-iquote", "-D", "-U", "-I/", "-O", "-W", "-w", "-f", "-m", "-std=",
  "-pedantic", "-ansi", NULL,
};

/* What HIPRTC reads of the environment and what it makes may depend on */
static const char * const variables[] = {
  "AMD_COMGR_CACHE", "AMD_COMGR_EMIT_VERBOSE_LOGS", "AMD_COMGR_SAVE_TEMPS", "HIP_PATH",
  "LLVM_OVERRIDE_PRODUCER", "LLVM_PATH", "ROCM_PATH", "SOURCE_DATE_EPOCH", NULL,
};

/* Options, and folders of headers, that are not in the request */
static const char * const option_variables[] = {
  "HIPRTC_COMPILE_OPTIONS_APPEND", "HIPRTC_LINK_OPTIONS_APPEND", "CPATH", "C_INCLUDE_PATH",
  "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "CCC_OVERRIDE_OPTIONS", NULL,
};

static void
add_children (GStrvBuilder *builder,
              const char   *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (folder, name, NULL);

      g_strv_builder_add (builder, child);
    }
}

/* Where clang looks by itself. Its own headers belong to the library. */
static char **
dup_system_folders (const char *library_path)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  add_children (builder, "/usr/include/c++");
  g_strv_builder_add_many (builder, "/usr/local/include", "/usr/include", NULL);

  return g_strv_builder_end (builder);
}

static const TvmRtcCacheRules cache_rules = {
  .name = "hiprtc-1",
  .kept_options = kept_options,
  .unkept_options = unkept_options,
  .placeless_options = placeless_options,
  .variables = variables,
  .option_variables = option_variables,
  .folder_option = "-I",
  .include_option = "-include",
  .dup_folders = dup_system_folders,
  .find_part = tvm_hiprtc_library_find_part,
};

static gboolean
check_request (TvmCompileRequest  *request,
               GError            **error)
{
  const TvmCompileInput *input;
  TvmLanguage language;

  if (request->kind != TVM_COMPILE_KIND_HSACO)
    {
      g_autoptr (GEnumClass) kinds = g_type_class_ref (TVM_TYPE_COMPILE_KIND);

      g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
                   _("HIPRTC makes code objects, and nothing of the kind “%s”"),
                   g_enum_get_value (kinds, request->kind)->value_nick);
      return FALSE;
    }
  /* A request without an input is refused by others. */
  if (request->inputs->len == 0)
    return TRUE;

  input = g_ptr_array_index (request->inputs, 0);
  language = input->language != TVM_LANGUAGE_AUTO ? input->language
                                                  : tvm_language_from_path (input->path);
  if (language != TVM_LANGUAGE_AUTO && language != TVM_LANGUAGE_HIP && language != TVM_LANGUAGE_CXX &&
      language != TVM_LANGUAGE_CUDA)
    {
      g_autofree char *shown = g_filename_display_name (input->path);

      g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, _("“%s” is not a source of HIP"),
                   shown);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_library (const TvmRtcLibrary  *library,
               TvmCompileRequest    *request,
               const char * const   *options,
               GError              **error)
{
  for (guint i = 0; options[i] != NULL; i++)
    {
      if (g_str_has_prefix (options[i], TVM_HIPRTC_ARCH_OPTION))
        return tvm_hiprtc_library_check_arch (options[i] + strlen (TVM_HIPRTC_ARCH_OPTION), error);
    }

  return TRUE;
}

static char **
build_options (const char         *library_path,
               TvmCompileRequest  *request,
               const char         *name,
               GError            **error)
{
  return tvm_hiprtc_options_build (request, name, error);
}

/* HIPRTC calls every source by a name of its own, and crashes on an empty one. What is put in
 * front is no line of its own: line 1 of the source is line 1 in messages. */
static char *
wrap_source (const char *name,
             const char *source)
{
  g_autoptr (GString) text = g_string_new ("#line 1 \"");

  for (const char *at = name; *at != '\0'; at++)
    {
      if (*at == '"' || *at == '\\')
        g_string_append_c (text, '\\');
      g_string_append_c (text, *at == '\n' ? ' ' : *at);
    }
  g_string_append (text, "\"\n");
  g_string_append (text, source);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

const TvmRtcBackend tvm_hiprtc_backend = {
  .name = "HIPRTC",
  .prefix = "hiprtc",
  .cache_rules = &cache_rules,
  .is_serial = TRUE,
  .program_name = "source",
  .check_request = check_request,
  .locate = tvm_hiprtc_library_locate,
  .load = tvm_hiprtc_library_load,
  .check_library = check_library,
  .build_options = build_options,
  .wrap_source = wrap_source,
};
