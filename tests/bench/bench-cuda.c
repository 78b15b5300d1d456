/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a small kernel costs: NVRTC called directly, through TvmNvrtcCompiler, the same with a kernel
 * cache that does not have it yet, and nvcc; 20 different kernels one after the other and all at once;
 * and what a main loop that ticks every millisecond feels of 100 of them. Every kernel is another one,
 * so that no cache of the driver knows it. The ways alternate, so that whatever else the machine does
 * hits all.
 *
 *   bench-cuda [ROUNDS]
 */

#include "config.h"

#include "tvmsupport/files/tvm-temp-directory.h"
#include "tvmsupport/gpu/tvm-nvcc-compiler.h"
#include "tvmsupport/gpu/tvm-nvrtc-compiler.h"
#include "tvmsupport/gpu/tvm-nvrtc-library-private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_KERNELS 20
#define N_TICK_KERNELS 100
#define TICK_USEC 1000

static guint n_made;

static char *
make_source (void)
{
  n_made++;
  return g_strdup_printf ("extern \"C\" __global__ void k%u (float *a, float s, int n)\n"
                          "{ int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
                          "  if (i < n) a[i] = a[i] * s + %u.0f + %d.0f; }\n",
                          n_made, n_made, (int) getpid ());
}

static TvmCompileRequest *
make_request (const char *source)
{
  TvmCompileRequest *request = tvm_compile_request_new (TVM_COMPILE_KIND_CUBIN);
  g_autoptr (GBytes) bytes = g_bytes_new (source, strlen (source));

  tvm_compile_request_add_input_bytes (request, "kernel.cu", bytes, TVM_LANGUAGE_CUDA);
  tvm_compile_request_set_arch (request, "sm_90");

  return request;
}

static void
compile_directly (const TvmRtcLibrary *library,
                  const char            *source)
{
  const char *options[] = { "--gpu-architecture=sm_90" };
  TvmRtcHandle *handle = NULL;
  g_autofree char *cubin = NULL;
  gsize size = 0;

  if (library->create_program (&handle, source, "kernel.cu", 0, NULL, NULL) != TVM_RTC_SUCCESS ||
      library->compile_program (handle, 1, options) != TVM_RTC_SUCCESS ||
      library->get_binary_size (handle, &size) != TVM_RTC_SUCCESS)
    g_error ("NVRTC failed");
  cubin = g_malloc (size);
  library->get_binary (handle, cubin);
  library->destroy_program (&handle);
}

static void
compile (TvmCompiler *compiler,
         const char  *source)
{
  g_autoptr (TvmCompileRequest) request = make_request (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result = tvm_compiler_compile (compiler, request, NULL, &error);

  if (result == NULL || !tvm_compile_result_check (result, &error))
    g_error ("%s", error->message);
}

static void
compile_serially (TvmCompiler *compiler)
{
  for (guint i = 0; i < N_KERNELS; i++)
    {
      g_autofree char *source = make_source ();

      compile (compiler, source);
    }
}

static void
compile_at_once (TvmCompiler *compiler)
{
  g_autoptr (GListStore) requests = g_list_store_new (TVM_TYPE_COMPILE_REQUEST);
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_KERNELS; i++)
    {
      g_autofree char *source = make_source ();
      g_autoptr (TvmCompileRequest) request = make_request (source);

      g_list_store_append (requests, request);
    }

  results = tvm_compiler_compile_all (compiler, G_LIST_MODEL (requests), NULL, &error);
  if (results == NULL)
    g_error ("%s", error->message);
}

static int
compare (gconstpointer a,
         gconstpointer b)
{
  const double left = *(const double *) a;
  const double right = *(const double *) b;

  return (left > right) - (left < right);
}

static double
median (GArray *times)
{
  g_array_sort (times, compare);
  return g_array_index (times, double, times->len / 2);
}

static void
add_time (GArray *times,
          gint64  start)
{
  double msec = (g_get_monotonic_time () - start) / 1000.0;

  g_array_append_val (times, msec);
}

static GArray *
new_times (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
bench_single (const TvmRtcLibrary *library,
              TvmCompiler           *nvrtc,
              TvmCompiler           *keeping,
              TvmCompiler           *nvcc,
              guint                  n_rounds)
{
  g_autoptr (GArray) direct = new_times ();
  g_autoptr (GArray) ours = new_times ();
  g_autoptr (GArray) kept = new_times ();
  g_autoptr (GArray) by_nvcc = new_times ();
  double direct_msec, our_msec, nvcc_msec;

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autofree char *first = make_source ();
      g_autofree char *second = make_source ();
      g_autofree char *third = make_source ();
      gint64 start = g_get_monotonic_time ();

      compile_directly (library, first);
      add_time (direct, start);
      start = g_get_monotonic_time ();
      compile (nvrtc, second);
      add_time (ours, start);
      start = g_get_monotonic_time ();
      compile (keeping, third);
      add_time (kept, start);
      if (nvcc != NULL && i % 10 == 0)
        {
          start = g_get_monotonic_time ();
          compile (nvcc, first);
          add_time (by_nvcc, start);
        }
    }

  direct_msec = median (direct);
  our_msec = median (ours);
  g_print ("%-34s %9.2f ms\n", "NVRTC directly", direct_msec);
  g_print ("%-34s %9.2f ms  %6.2f of the direct one\n", "TvmNvrtcCompiler", our_msec,
           our_msec / direct_msec);
  g_print ("%-34s %9.2f ms  %6.2f of the direct one\n", "  with a cache, a miss", median (kept),
           median (kept) / direct_msec);
  if (by_nvcc->len == 0)
    return;
  nvcc_msec = median (by_nvcc);
  g_print ("%-34s %9.2f ms  %6.1f times as long\n", "TvmNvccCompiler", nvcc_msec,
           nvcc_msec / our_msec);
}

static void
bench_many (TvmCompiler *nvrtc,
            guint        n_rounds)
{
  g_autoptr (GArray) serially = new_times ();
  g_autoptr (GArray) at_once = new_times ();
  double serial_msec, at_once_msec;

  for (guint i = 0; i < n_rounds; i++)
    {
      gint64 start = g_get_monotonic_time ();

      compile_serially (nvrtc);
      add_time (serially, start);
      start = g_get_monotonic_time ();
      compile_at_once (nvrtc);
      add_time (at_once, start);
    }

  serial_msec = median (serially);
  at_once_msec = median (at_once);
  g_print ("%-34s %9.2f ms\n", "20 kernels one after the other", serial_msec);
  g_print ("%-34s %9.2f ms  %6.2f of the serial one\n", "20 kernels at once", at_once_msec,
           at_once_msec / serial_msec);
}

/* A main loop that ticks while kernels are compiled */
typedef struct
{
  TvmCompiler *compiler;
  GMainLoop *loop;
  guint n_pending;
  double due;
  double cpu;
  GArray *late;        /* (element-type double): ms behind the time that the tick was due */
  GArray *busy;        /* (element-type double): processor time of this thread between two ticks */
} Ticks;

static double
get_msec (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static gboolean
tick (gpointer user_data)
{
  Ticks *ticks = user_data;
  double now = get_msec (CLOCK_MONOTONIC);
  double cpu = get_msec (CLOCK_THREAD_CPUTIME_ID);
  double late = MAX (now - ticks->due, 0);
  double busy = cpu - ticks->cpu;

  g_array_append_val (ticks->late, late);
  g_array_append_val (ticks->busy, busy);
  ticks->due = now + TICK_USEC / 1e3;
  ticks->cpu = cpu;
  g_source_set_ready_time (g_main_current_source (), g_get_monotonic_time () + TICK_USEC);

  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_tick (GSource     *source,
               GSourceFunc  callback,
               gpointer     user_data)
{
  return callback (user_data);
}

static GSourceFuncs tick_funcs = { NULL, NULL, dispatch_tick, NULL, NULL, NULL };

static void
kernel_ready (GObject      *source,
              GAsyncResult *async_result,
              gpointer      user_data)
{
  Ticks *ticks = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TvmCompileResult) result =
    tvm_compiler_compile_finish (TVM_COMPILER (source), async_result, &error);

  if (result == NULL || !tvm_compile_result_check (result, &error))
    g_error ("%s", error->message);
  if (--ticks->n_pending == 0)
    g_main_loop_quit (ticks->loop);
}

static void
start_kernels (Ticks *ticks)
{
  for (guint i = 0; i < N_TICK_KERNELS; i++)
    {
      g_autofree char *source = make_source ();
      g_autoptr (TvmCompileRequest) request = make_request (source);

      ticks->n_pending++;
      tvm_compiler_compile_async (ticks->compiler, request, NULL, kernel_ready, ticks);
    }
}

static void
print_ticks (const char *what,
             GArray     *times)
{
  g_array_sort (times, compare);
  g_print ("%-34s %9.2f ms  99 %% %6.2f ms  at most %.2f ms\n", what,
           g_array_index (times, double, times->len / 2),
           g_array_index (times, double, times->len * 99 / 100),
           g_array_index (times, double, times->len - 1));
}

static void
bench_ticks (TvmCompiler *nvrtc)
{
  g_autoptr (GArray) late = new_times ();
  g_autoptr (GArray) busy = new_times ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GSource *source = g_source_new (&tick_funcs, sizeof (GSource));
  Ticks ticks = { nvrtc, loop, 0, 0, 0, late, busy };

  ticks.due = get_msec (CLOCK_MONOTONIC) + TICK_USEC / 1e3;
  ticks.cpu = get_msec (CLOCK_THREAD_CPUTIME_ID);
  g_source_set_callback (source, tick, &ticks, NULL);
  g_source_set_ready_time (source, g_get_monotonic_time () + TICK_USEC);
  g_source_attach (source, NULL);
  start_kernels (&ticks);
  g_main_loop_run (loop);
  g_source_destroy (source);
  g_source_unref (source);

  g_print ("%d kernels while a main loop ticks every millisecond, %u ticks\n", N_TICK_KERNELS,
           late->len);
  print_ticks ("  late in all", late);
  print_ticks ("  our own work between two ticks", busy);
}

int
main (int    argc,
      char **argv)
{
  guint n_rounds = argc > 1 ? MAX (atoi (argv[1]), 1) : 50;
  g_autoptr (TvmNvrtcCompiler) nvrtc = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmNvccCompiler) nvcc = tvm_nvcc_compiler_new (NULL, NULL);
  g_autoptr (GError) error = NULL;
  const TvmRtcLibrary *library = tvm_nvrtc_library_load (NULL, &error);
  g_autofree char *source = make_source ();
  g_autoptr (TvmNvrtcCompiler) keeping = tvm_nvrtc_compiler_new (NULL);
  g_autoptr (TvmKernelCache) cache = NULL;
  g_autoptr (TvmTempDirectory) temp = NULL;
  gint64 start;

  if (library == NULL)
    {
      g_print ("%s\n", error->message);
      return 77;
    }

  temp = tvm_temp_directory_new (NULL, &error);
  if (temp == NULL)
    g_error ("%s", error->message);
  cache = tvm_kernel_cache_new (tvm_temp_directory_get_path (temp));
  tvm_compiler_set_cache (TVM_COMPILER (keeping), cache);
  tvm_compiler_set_cache (TVM_COMPILER (nvrtc), NULL);
  if (nvcc != NULL)
    tvm_compiler_set_cache (TVM_COMPILER (nvcc), NULL);

  start = g_get_monotonic_time ();
  compile (TVM_COMPILER (nvrtc), source);
  g_print ("NVRTC %d.%d, %u rounds, medians\n", library->major, library->minor, n_rounds);
  g_print ("%-34s %9.2f ms\n", "first compile", (g_get_monotonic_time () - start) / 1000.0);
  bench_single (library, TVM_COMPILER (nvrtc), TVM_COMPILER (keeping),
                nvcc != NULL ? TVM_COMPILER (nvcc) : NULL, n_rounds);
  bench_many (TVM_COMPILER (nvrtc), MAX (n_rounds / 10, 1));
  bench_ticks (TVM_COMPILER (nvrtc));

  return 0;
}
