/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/gpu/tvm-rtc-program-private.h"

#include "tvmsupport/gpu/tvm-rtc-cache-private.h"
#include "tvmsupport/gpu/tvm-rtc-guard-private.h"
#include "tvmsupport/toolchain/tvm-compile-plan-private.h"
#include "tvmsupport/toolchain/tvm-compile-request-private.h"
#include "tvmsupport/toolchain/tvm-compile-result-private.h"
#include "tvmsupport/tvm-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/resource.h>

/* What a compile is made of. The result is a function of all of this and of the headers that the
 * source includes. */
typedef struct
{
  const TvmRtcBackend *backend;
  TvmCompileRequest *request;      /* (unowned): kind, name expressions */
  TvmKernelCache *kernel_cache;    /* (unowned) (nullable) */
  const int *stop;

  char *name;                      /* what diagnostics and #include "…" go by */
  char *source;
  const TvmRtcLibrary *library;  /* NULL until it is loaded, which what is in the cache does not need */
  char *library_path;
  char **options;                  /* in their order, with the architecture */
  TvmRtcCache *cache;            /* (nullable) */
} Program;

static void
program_clear (Program *program)
{
  g_free (program->name);
  g_free (program->source);
  g_free (program->library_path);
  g_strfreev (program->options);
  g_clear_pointer (&program->cache, tvm_rtc_cache_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Program, program_clear)

/* The library takes a string that ends with a NUL: one inside of it would hide what follows. */
static gboolean
take_source (Program     *program,
             const char  *data,
             gsize        length,
             GError     **error)
{
  if (memchr (data, '\0', length) == NULL)
    {
      program->source = g_strndup (data, length);
      return TRUE;
    }

  g_set_error (error, TVM_ERROR, TVM_ERROR_INVALID_ARGUMENT,
               _("The source “%s” has a NUL byte in it"), program->name);
  return FALSE;
}

/* Checks the request as a whole, and the output before any work is done for it.
 * Returns: (nullable): the plan, if files are involved */
static gboolean
make_plan (TvmCompileRequest  *request,
           TvmCompilePlan    **plan,
           GError            **error)
{
  const TvmCompileInput *input;

  if (request->inputs->len == 1 && request->output == NULL)
    {
      input = g_ptr_array_index (request->inputs, 0);
      if (input->bytes != NULL && input->path[0] != '\0' && strchr (input->path, '/') == NULL)
        return TRUE;
    }

  *plan = tvm_compile_plan_new (request, NULL, NULL, error);
  return *plan != NULL;
}

static gboolean
read_source (Program  *program,
             GError  **error)
{
  const TvmCompileInput *input = g_ptr_array_index (program->request->inputs, 0);
  g_autofree char *contents = NULL;
  g_autofree char *path = NULL;
  const char *data;
  gsize length;

  /* What is included is looked for beside the file that is so named. */
  path = tvm_compile_request_resolve (program->request, input->path);
  program->name = program->request->working_directory != NULL ? g_strdup (path)
                                                              : g_strdup (input->path);
  if (input->bytes != NULL)
    {
      data = g_bytes_get_data (input->bytes, &length);
      return take_source (program, data != NULL ? data : "", length, error);
    }

  return g_file_get_contents (path, &contents, &length, error) &&
         take_source (program, contents, length, error);
}

static int
should_stop (void *data,
             void *reserved)
{
  return g_atomic_int_get ((const int *) data) != 0 || tvm_rtc_guard_is_closed ();
}

static void
read_log (Program          *program,
          TvmRtcHandle     *handle,
          TvmCompileResult *result)
{
  const guint64 limit = program->request->output_limit;
  g_autofree char *log = NULL;
  gsize size = 0;

  /* The size is that of a string, with its end by NVRTC and without it by HIPRTC. */
  if (program->library->get_log_size (handle, &size) != TVM_RTC_SUCCESS)
    return;
  log = g_malloc0 (size + 1);
  if (program->library->get_log (handle, log) != TVM_RTC_SUCCESS)
    return;

  size = strlen (log);
  if (size == 0)
    return;
  if (limit > 0 && size > limit)
    {
      size = limit;
      result->truncated = TRUE;
    }
  result->log = g_bytes_new_take (g_steal_pointer (&log), size);
}

/* Returns: (nullable): an empty one is NULL, too */
static GBytes *
get_code (Program      *program,
          TvmRtcHandle *handle)
{
  const TvmRtcLibrary *library = program->library;
  int (* get_size) (TvmRtcHandle *handle, gsize *size) = library->get_binary_size;
  int (* get) (TvmRtcHandle *handle, char *data) = library->get_binary;
  g_autofree char *data = NULL;
  gsize size = 0;

  if (program->request->kind == TVM_COMPILE_KIND_PTX)
    {
      get_size = library->get_ptx_size;
      get = library->get_ptx;
    }
  else if (program->request->kind == TVM_COMPILE_KIND_LTO_IR)
    {
      get_size = library->get_lto_ir_size;
      get = library->get_lto_ir;
    }

  if (get_size (handle, &size) != TVM_RTC_SUCCESS || size == 0)
    return NULL;
  data = g_malloc (size);
  if (get (handle, data) != TVM_RTC_SUCCESS)
    return NULL;
  /* PTX is a string: its end is no part of a file. */
  if (program->request->kind == TVM_COMPILE_KIND_PTX)
    size = strnlen (data, size);

  return size > 0 ? g_bytes_new_take (g_steal_pointer (&data), size) : NULL;
}

static gboolean
get_lowered_names (Program           *program,
                   TvmRtcHandle      *handle,
                   TvmCompileResult  *result,
                   GError           **error)
{
  char **expressions = program->request->name_expressions;

  if (expressions == NULL)
    return TRUE;

  result->lowered_names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; expressions[i] != NULL; i++)
    {
      const char *name = NULL;
      int status = program->library->get_lowered_name (handle, expressions[i], &name);

      if (status != TVM_RTC_SUCCESS || name == NULL)
        {
          g_set_error (error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED,
                       _("%s gives no name for the expression “%s”: %s"), program->backend->name,
                       expressions[i], program->library->get_error_string (status));
          return FALSE;
        }
      g_hash_table_insert (result->lowered_names, g_strdup (expressions[i]), g_strdup (name));
    }

  return TRUE;
}

static void
take_code (Program          *program,
           TvmRtcHandle     *handle,
           TvmCompileResult *result)
{
  result->bytes = get_code (program, handle);
  if (result->bytes == NULL)
    g_set_error (&result->error, TVM_ERROR, TVM_ERROR_COMPILE_FAILED,
                 _("%s reported success but made no code: the options ask for something else than "
                   "the request"), program->backend->name);
  else if (!get_lowered_names (program, handle, result, &result->error))
    g_clear_pointer (&result->bytes, g_bytes_unref);
}

static gboolean
check_call (Program     *program,
            const char  *what,
            int          status,
            GError     **error)
{
  if (status == TVM_RTC_SUCCESS)
    return TRUE;

  g_set_error (error, TVM_ERROR, TVM_ERROR_FAILED, _("%s%s failed for “%s”: %s"),
               program->backend->prefix, what, program->name,
               program->library->get_error_string (status));
  return FALSE;
}

static gboolean
add_name_expressions (Program       *program,
                      TvmRtcHandle  *handle,
                      GError       **error)
{
  char **expressions = program->request->name_expressions;

  for (guint i = 0; expressions != NULL && expressions[i] != NULL; i++)
    {
      if (!check_call (program, "AddNameExpression",
                       program->library->add_name_expression (handle, expressions[i]), error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
compile_program (Program           *program,
                 TvmRtcHandle      *handle,
                 TvmCompileResult  *result,
                 GError           **error)
{
  const TvmRtcLibrary *library = program->library;

  if (!add_name_expressions (program, handle, error))
    return FALSE;
  if (library->set_flow_callback != NULL &&
      !check_call (program, "SetFlowCallback",
                   library->set_flow_callback (handle, should_stop, (void *) program->stop), error))
    return FALSE;

  result->exit_status = library->compile_program (handle, g_strv_length (program->options),
                                                  (const char * const *) program->options);
  read_log (program, handle, result);
  if (result->exit_status == TVM_RTC_SUCCESS)
    take_code (program, handle, result);
  else if (result->log == NULL)
    result->log = g_bytes_new (library->get_error_string (result->exit_status),
                               strlen (library->get_error_string (result->exit_status)));

  return TRUE;
}

static gboolean
run_program (Program           *program,
             TvmCompileResult  *result,
             GError           **error)
{
  const TvmRtcLibrary *library = program->library;
  TvmRtcHandle *handle = NULL;
  const char *name = program->backend->program_name;
  g_autofree char *wrapped = NULL;
  gboolean ran;

  if (!tvm_rtc_guard_enter (error))
    return FALSE;

  if (program->backend->wrap_source != NULL)
    wrapped = program->backend->wrap_source (program->name, program->source);
  ran = check_call (program, "CreateProgram",
                    library->create_program (&handle,
                                             wrapped != NULL ? wrapped : program->source,
                                             name != NULL ? name : program->name, 0, NULL, NULL),
                    error) &&
        compile_program (program, handle, result, error);
  if (handle != NULL)
    library->destroy_program (&handle);
  tvm_rtc_guard_leave ();

  return ran;
}

static gint64
get_usec (const struct timeval *time)
{
  return time->tv_sec * G_USEC_PER_SEC + time->tv_usec;
}

static gboolean
run_and_measure (Program           *program,
                 TvmCompileResult  *result,
                 GError           **error)
{
  struct rusage before = { 0 };
  struct rusage after = { 0 };
  gboolean ran;

  getrusage (RUSAGE_THREAD, &before);
  ran = run_program (program, result, error);
  getrusage (RUSAGE_THREAD, &after);
  result->user_usec = get_usec (&after.ru_utime) - get_usec (&before.ru_utime);
  result->system_usec = get_usec (&after.ru_stime) - get_usec (&before.ru_stime);

  return ran;
}

/* What it would be as a command, for people to read */
static char **
make_argv (Program *program)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, program->library_path);
  g_strv_builder_addv (builder, (const char **) program->options);
  g_strv_builder_add (builder, program->name);

  return g_strv_builder_end (builder);
}

/* Writes what was made beside its place. */
static gboolean
stage_output (TvmCompileResult  *result,
              const char        *output,
              TvmStage         **stage,
              GError           **error)
{
  g_autoptr (GBytes) bytes = g_steal_pointer (&result->bytes);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  *stage = tvm_stage_new (output, error);
  if (*stage == NULL ||
      !g_file_set_contents_full (tvm_stage_get_path (*stage), data, size, G_FILE_SET_CONTENTS_NONE,
                                 0666, error))
    return FALSE;

  result->output = g_strdup (output);
  return TRUE;
}

/* Makes all that depends on where the library is, and looks into the cache. */
static gboolean
prepare (Program           *program,
         const char        *library_path,
         TvmCompileResult  *result,
         GError           **error)
{
  g_clear_pointer (&program->options, g_strfreev);
  g_clear_pointer (&program->cache, tvm_rtc_cache_free);
  g_clear_pointer (&result->argv, g_strfreev);
  g_free (program->library_path);
  program->library_path = g_strdup (library_path);
  program->options = program->backend->build_options (library_path, program->request, program->name,
                                                      error);
  if (program->options == NULL)
    return FALSE;

  result->argv = make_argv (program);
  if (program->kernel_cache == NULL)
    return TRUE;

  program->cache = tvm_rtc_cache_new (program->backend->cache_rules, program->kernel_cache,
                                      library_path, program->request, program->name,
                                      program->source, (const char * const *) program->options);
  tvm_rtc_cache_find (program->cache, result);
  return TRUE;
}

/* Loads the library and compiles, unless the cache has what comes of it after all. */
static gboolean
load_and_run (Program           *program,
              const char        *library_path,
              TvmCompileResult  *result,
              GError           **error)
{
  program->library = program->backend->load (library_path, error);
  if (program->library == NULL)
    return FALSE;
  if (g_strcmp0 (program->library_path, program->library->path) != 0 &&
      !prepare (program, program->library->path, result, error))
    return FALSE;
  if (result->cache_status == TVM_CACHE_STATUS_HIT)
    return TRUE;
  if (!program->backend->check_library (program->library, program->request,
                                        (const char * const *) program->options, error))
    return FALSE;

  if (program->cache != NULL)
    tvm_rtc_cache_scan (program->cache, result);
  if (!run_and_measure (program, result, error))
    return FALSE;
  if (program->cache != NULL)
    tvm_rtc_cache_keep (program->cache, result);

  return TRUE;
}

TvmCompileResult *
tvm_rtc_program_compile (const TvmRtcBackend  *backend,
                         const char           *library_path,
                         TvmCompileRequest    *request,
                         TvmKernelCache       *cache,
                         const int            *stop,
                         TvmStage            **stage,
                         GError              **error)
{
  g_auto (Program) program = { backend, request, cache, stop, NULL, NULL, NULL, NULL, NULL, NULL };
  g_autoptr (TvmCompileResult) result = tvm_compile_result_new (request->kind);
  g_autoptr (TvmCompilePlan) plan = NULL;
  g_autofree char *located = NULL;

  if (!backend->check_request (request, error) || !make_plan (request, &plan, error) ||
      !read_source (&program, error))
    return NULL;

  result->inputs = tvm_compile_request_dup_inputs (request);
  result->working_directory = g_strdup (request->working_directory);
  result->destination = plan != NULL && !plan->wants_bytes ? g_strdup (plan->output) : NULL;

  /* To load the library takes longer than all else that a hit takes. */
  if (cache != NULL)
    located = backend->locate (library_path);
  if (located != NULL && !prepare (&program, located, result, error))
    return NULL;
  if (result->cache_status != TVM_CACHE_STATUS_HIT &&
      !load_and_run (&program, library_path, result, error))
    return NULL;

  tvm_compile_result_read_log (result, request->working_directory);
  if (result->bytes != NULL && result->destination != NULL &&
      !stage_output (result, result->destination, stage, error))
    return NULL;

  return g_steal_pointer (&result);
}
