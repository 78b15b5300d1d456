/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-backend-private.h"

#include "tvmsupport/gpu/tvm-nvrtc-library-private.h"
#include "tvmsupport/gpu/tvm-nvrtc-options-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/tvm-enums.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>

/* What makes NVRTC read files that no #include names, write more than its output, or look
 * elsewhere */
static const char * const unkept_options[] = {
  "--create-pch", "-create-pch", "--use-pch", "-use-pch", "--pch", "-pch", "--time", "-time",
  "--fdevice-time-trace", "-fdevice-time-trace", "--no-source-include", "-no-source-include",
  "--options-file", "-optf", "--keep", "-keep", "--pre-include= ", NULL,
};

/* What the optimizer may be told without being told of files */
static const char * const optimizer_options[] = {
  "-v", "--verbose", "-O", "--opt-level", "-w", "--disable-warnings", "-Werror", "--warn", "-warn",
  "-dlcm", "--def-load-cache", "-dscm", "--def-store-cache", "-maxrregcount", "--maxrregcount",
  "--register-usage-level", "--allow-expensive-optimizations", "-suppress", "--suppress", NULL,
};

/* Options that say the same in every working directory, of code that says nothing of folders */
static const char * const placeless_options[] = {
  "--gpu-architecture=", "--std=", "--use_fast_math", "-use_fast_math", "--fmad=", "-fmad=",
  "--ftz=", "-ftz=", "--prec-div=", "--prec-sqrt=", "-D", "-U", "-I/", "-dlto", "--dlto",
  "--maxrregcount=", "--ptxas-options=", "--device-as-default-execution-space", "-default-device",
  "--relocatable-device-code=", "-rdc=", "--diag-", "--extra-device-vectorization", NULL,
};

/* What NVRTC reads of the environment and what it makes may depend on */
static const char * const variables[] = {
  "EDG_BASE", "EDG_MODULES_PATH", "LIBNVVM_DISABLE_CONCURRENT_API", "LLVM_OVERRIDE_PRODUCER",
  "NVRTC_DISABLE_CONCURRENT_NVVM", "NVVM_IR_VER_CHK", "NV_NVVM_VERSION", "SOURCE_DATE_EPOCH", NULL,
};

/* Options for NVRTC that are not in the request */
static const char * const option_variables[] = {
  "NVRTC_APPEND_FLAGS", "NVRTC_PREPEND_FLAGS", NULL,
};

static const TvmRtcCacheRules cache_rules = {
  .name = "nvrtc-1",
  .unkept_options = unkept_options,
  .optimizer_options = optimizer_options,
  .placeless_options = placeless_options,
  .variables = variables,
  .option_variables = option_variables,
  .folder_option = "-I",
  .include_option = "--pre-include=",
};

static gboolean
check_kind (TvmCompileRequest  *request,
            GError            **error)
{
  g_autoptr (GEnumClass) kinds = NULL;

  if (request->kind == TVM_COMPILE_KIND_CUBIN || request->kind == TVM_COMPILE_KIND_PTX ||
      request->kind == TVM_COMPILE_KIND_LTO_IR)
    return TRUE;

  kinds = g_type_class_ref (TVM_TYPE_COMPILE_KIND);
  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("NVRTC makes cubins, PTX and LTO-IR, and nothing of the kind “%s”"),
               g_enum_get_value (kinds, request->kind)->value_nick);
  return FALSE;
}

static gboolean
check_language (const TvmCompileInput  *input,
                GError                **error)
{
  g_autofree char *shown = NULL;
  TvmLanguage language = input->language;

  if (language == TVM_LANGUAGE_AUTO)
    language = tvm_language_from_path (input->path);
  if (language == TVM_LANGUAGE_AUTO || language == TVM_LANGUAGE_CUDA ||
      language == TVM_LANGUAGE_CXX)
    return TRUE;

  shown = g_filename_display_name (input->path);
  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT, _("“%s” is not a source of CUDA"),
               shown);
  return FALSE;
}

static gboolean
check_request (TvmCompileRequest  *request,
               GError            **error)
{
  /* A request without an input is refused by others. */
  return check_kind (request, error) &&
         (request->inputs->len == 0 ||
          check_language (g_ptr_array_index (request->inputs, 0), error));
}

static gboolean
check_library (const TvmRtcLibrary  *library,
               TvmCompileRequest    *request,
               const char * const   *options,
               GError              **error)
{
  if (request->kind != TVM_COMPILE_KIND_LTO_IR || library->get_lto_ir != NULL)
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_UNSUPPORTED,
               _("The library “%s” is NVRTC %d.%d, which makes no LTO-IR"), library->path,
               library->major, library->minor);
  return FALSE;
}

static char **
build_options (const char         *library_path,
               TvmCompileRequest  *request,
               const char         *name,
               GError            **error)
{
  return tvm_nvrtc_options_build (library_path, request, error);
}

const TvmRtcBackend tvm_nvrtc_backend = {
  .name = "NVRTC",
  .prefix = "nvrtc",
  .cache_rules = &cache_rules,
  .check_request = check_request,
  .locate = tvm_nvrtc_library_locate,
  .load = tvm_nvrtc_library_load,
  .check_library = check_library,
  .build_options = build_options,
};
