/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tvmsupport/files/tvm-rmtree.h"
#include "tvmsupport/gpu/tvm-nvcc-compiler.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/*
 * bench-cache [HITS]
 *
 * What a hit in the kernel cache takes, from the call to the bytes: with the check of all the headers,
 * in this process and in a new one, from its main() on. The last row is the part of the cache alone,
 * bytes by a key.
 */

#define N_PROCESSES 20
#define OUTPUT_SIZE 100000
#define LIMIT_MSEC 1.0
#define LIMIT_PROCESS_MSEC 5.0

#define CUDA_SOURCE "#include <cuda_fp16.h>\nextern \"C\" __global__ void f (half *x) { *x = 1; }\n"
#define C_SOURCE "#include <stdio.h>\n#include <math.h>\nint f (void) { return 1; }\n"

typedef struct
{
  const char *name;
  TvmCompiler *(* new) (GError **error);
  TvmCompileKind kind;
  const char *arch;
  TvmLanguage language;
  const char *source;
} Way;

static TvmCompiler *
new_nvrtc (GError **error)
{
  return TVM_COMPILER (tvm_nvrtc_compiler_new (NULL));
}

static TvmCompiler *
new_nvcc (GError **error)
{
  return (TvmCompiler *) tvm_nvcc_compiler_new (NULL, error);
}

static TvmCompiler *
new_gcc (GError **error)
{
  return tvm_compiler_new_for_command ("gcc");
}

static const Way ways[] = {
  { "NVRTC, cuda_fp16.h", new_nvrtc, TVM_COMPILE_KIND_CUBIN, "sm_90", TVM_LANGUAGE_CUDA, CUDA_SOURCE },
  { "nvcc, cuda_fp16.h", new_nvcc, TVM_COMPILE_KIND_CUBIN, "sm_90", TVM_LANGUAGE_CUDA, CUDA_SOURCE },
  { "gcc, stdio.h and math.h", new_gcc, TVM_COMPILE_KIND_OBJECT, NULL, TVM_LANGUAGE_C, C_SOURCE },
};

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
print_row (const char *name,
           GArray     *times,
           double      limit)
{
  double median;

  g_array_sort (times, compare_doubles);
  median = g_array_index (times, double, times->len / 2);
  g_print ("%-38s %9.3f ms %9.3f ms %5g ms  %s\n", name, median,
           g_array_index (times, double, times->len * 95 / 100), limit,
           median <= limit ? "yes" : "NO");
}

static TvmCompiler *
new_compiler (const Way   *way,
              const char  *directory,
              GError     **error)
{
  TvmCompiler *compiler = way->new (error);
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);

  if (compiler != NULL)
    tvm_compiler_set_cache (compiler, cache);
  return compiler;
}

/* Returns: what it took since @start, in ms; -1 with @error set */
static double
compile (const Way       *way,
         TvmCompiler     *compiler,
         TvmCacheStatus   expected,
         gint64           start,
         GError         **error)
{
  g_autoptr (TvmCompileRequest) request = tvm_compile_request_new (way->kind);
  g_autoptr (GBytes) source = g_bytes_new_static (way->source, strlen (way->source));
  g_autoptr (TvmCompileResult) result = NULL;
  double msec;

  tvm_compile_request_add_input_bytes (request, "kernel", source, way->language);
  tvm_compile_request_set_arch (request, way->arch);
  result = tvm_compiler_compile (compiler, request, NULL, error);
  msec = (g_get_monotonic_time () - start) / 1000.0;
  if (result == NULL || !tvm_compile_result_check (result, error))
    return -1;
  if (tvm_compile_result_get_cache_status (result) != expected)
    g_error ("%s: status %d: %s", way->name, tvm_compile_result_get_cache_status (result),
             tvm_compile_result_get_cache_reason (result));

  return msec;
}

static int
run_child (const Way  *way,
           const char *directory,
           gint64      start)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompiler) compiler = new_compiler (way, directory, &error);
  double msec = compile (way, compiler, TVM_CACHE_STATUS_HIT, start, &error);

  g_print ("%f", msec);
  return msec < 0;
}

static double
measure_process (const char *program,
                 guint       way,
                 const char *directory)
{
  g_autofree char *number = g_strdup_printf ("%u", way);
  const char *argv[] = { program, number, directory, NULL };
  g_autofree char *out = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, &error))
    g_error ("%s", error->message);
  return g_ascii_strtod (out, NULL);
}

static void
measure (const char *program,
         guint       index,
         const char *directory,
         guint       n_hits)
{
  const Way *way = &ways[index];
  g_autofree char *process_name = g_strconcat (way->name, ", new process", NULL);
  g_autoptr (GArray) hits = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) processes = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompiler) compiler = new_compiler (way, directory, &error);

  if (compiler == NULL ||
      compile (way, compiler, TVM_CACHE_STATUS_MISS, g_get_monotonic_time (), &error) < 0)
    {
      g_print ("%-38s %s\n", way->name, error->message);
      return;
    }

  for (guint i = 0; i < n_hits; i++)
    {
      double msec =
        compile (way, compiler, TVM_CACHE_STATUS_HIT, g_get_monotonic_time (), &error);

      g_array_append_val (hits, msec);
    }
  for (guint i = 0; i < N_PROCESSES; i++)
    {
      double msec = measure_process (program, index, directory);

      g_array_append_val (processes, msec);
    }

  print_row (way->name, hits, LIMIT_MSEC);
  print_row (process_name, processes, LIMIT_PROCESS_MSEC);
}

static void
measure_bytes (const char *directory,
               guint       n_hits)
{
  g_autoptr (TvmKernelCache) cache = tvm_kernel_cache_new (directory);
  g_autofree char *text = g_strnfill (OUTPUT_SIZE, 'o');
  g_autoptr (GBytes) output = g_bytes_new (text, OUTPUT_SIZE);
  g_autoptr (GArray) hits = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GError) error = NULL;

  if (!tvm_kernel_cache_store (cache, "key", output, NULL, &error))
    g_error ("%s", error->message);

  for (guint i = 0; i < n_hits; i++)
    {
      gint64 start = g_get_monotonic_time ();
      g_autoptr (GBytes) found = tvm_kernel_cache_lookup (cache, "key", NULL, &error);
      double msec = (g_get_monotonic_time () - start) / 1000.0;

      if (found == NULL)
        g_error ("%s", error->message);
      g_array_append_val (hits, msec);
    }

  print_row ("100 kB by a key", hits, LIMIT_MSEC);
}

int
main (int   argc,
      char *argv[])
{
  gint64 start = g_get_monotonic_time ();
  guint n_hits = argc == 2 ? MAX (atoi (argv[1]), 1) : 300;
  g_autofree char *folder = NULL;
  g_autoptr (GError) error = NULL;

  if (argc == 3)
    return run_child (&ways[atoi (argv[1])], argv[2], start);

  folder = g_dir_make_tmp ("tvm-bench-cache-XXXXXX", &error);
  if (folder == NULL)
    g_error ("%s", error->message);

  g_print ("%-38s %12s %12s %8s\n", "a hit", "median", "95 %", "at most");
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    measure (argv[0], i, folder, n_hits);
  measure_bytes (folder, n_hits);

  tvm_rmtree_at (AT_FDCWD, folder, NULL);
  return 0;
}
