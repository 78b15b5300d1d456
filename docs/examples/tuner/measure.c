/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in a worker: this program is its own worker, and forks one for each candidate. Whatever
 * a candidate does there, it does to that process. */
#include "tuner.h"

#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/* It is measured for so long, and at least so often. */
#define MEASURE_SECONDS 0.05
#define MIN_ROUNDS 3

typedef void (* KernelFunc) (int n, const float *a, const float *b, float *c);

typedef struct
{
  int n;
  float *a;
  float *b;
  float *c;
} Matrices;

static void
matrices_init (Matrices *self,
               int       n)
{
  const gsize n_numbers = (gsize) n * n;
  guint32 seed = 1;

  self->n = n;
  self->a = g_new (float, n_numbers);
  self->b = g_new (float, n_numbers);
  self->c = g_new (float, n_numbers);
  for (gsize i = 0; i < n_numbers; i++)
    {
      self->a[i] = (float) ((seed = seed * 1664525 + 1013904223) >> 16) / 65536 - 0.5f;
      self->b[i] = (float) ((seed = seed * 1664525 + 1013904223) >> 16) / 65536 - 0.5f;
      /* A kernel that adds to what is there is wrong. */
      self->c[i] = 1;
    }
}

static void
matrices_clear (Matrices *self)
{
  g_free (self->a);
  g_free (self->b);
  g_free (self->c);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Matrices, matrices_clear)

/* The product of a matrix and a vector */
static void
apply (const float  *matrix,
       int           n,
       const double *vector,
       double       *product)
{
  for (int i = 0; i < n; i++)
    {
      product[i] = 0;
      for (int j = 0; j < n; j++)
        product[i] += matrix[(gsize) i * n + j] * vector[j];
    }
}

/* If c is a·b, then c·x is a·(b·x) for any x, which takes n² steps to see instead of n³.
 * Returns: by how much it is not so */
static double
get_deviation (const Matrices *self)
{
  const int n = self->n;
  g_autofree double *x = g_new (double, n);
  g_autofree double *bx = g_new (double, n);
  g_autofree double *abx = g_new (double, n);
  g_autofree double *cx = g_new (double, n);
  double deviation = 0;

  for (int i = 0; i < n; i++)
    x[i] = sin (i + 1);
  apply (self->b, n, x, bx);
  apply (self->a, n, bx, abx);
  apply (self->c, n, x, cx);
  for (int i = 0; i < n; i++)
    {
      /* Neither comparison of what is no number is true. */
      if (!(fabs (cx[i] - abx[i]) <= deviation))
        deviation = isnan (cx[i]) ? G_MAXDOUBLE : fabs (cx[i] - abx[i]);
    }

  return deviation;
}

/* Of this thread only: the machine has other things to do, among them other candidates. */
static double
get_cpu_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* Returns: the seconds of the best round */
static double
time_kernel (KernelFunc      kernel,
             const Matrices *matrices)
{
  double best = G_MAXDOUBLE;
  double total = 0;

  for (int i = 0; i < MIN_ROUNDS || total < MEASURE_SECONDS; i++)
    {
      const double start = get_cpu_seconds ();
      double seconds;

      kernel (matrices->n, matrices->a, matrices->b, matrices->c);
      seconds = get_cpu_seconds () - start;
      best = MIN (best, seconds);
      total += seconds;
    }

  return best;
}

/* A crash is to be a crash, without a core file, and whatever a sanitizer has set for it */
static void
prepare_to_crash (void)
{
  static const int signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
  const struct rlimit no_core = { 0, 0 };

  setrlimit (RLIMIT_CORE, &no_core);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], SIG_DFL);
}

/* The name of a module and the size of the matrices, to (deviation, seconds) */
static GVariant *
measure (GVariant      *args,
         GCancellable  *cancellable,
         gpointer       user_data,
         GError       **error)
{
  g_autofree char *path = NULL;
  g_auto (Matrices) matrices = { 0, };
  KernelFunc kernel;
  double deviation;
  void *module;
  gint32 size;

  g_variant_get (args, "(^ayi)", &path, &size);
  prepare_to_crash ();
  module = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  kernel = module != NULL ? (KernelFunc) dlsym (module, "kernel") : NULL;
  if (kernel == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, dlerror ());
      return NULL;
    }

  matrices_init (&matrices, size);
  kernel (size, matrices.a, matrices.b, matrices.c);
  deviation = get_deviation (&matrices);
  return g_variant_new ("(dd)", deviation, time_kernel (kernel, &matrices));
}

GVariant *
measure_args_new (const char *path,
                  int         size)
{
  return g_variant_new ("(^ayi)", path, size);
}

void
measure_register (void)
{
  tvm_worker_add_function ("measure", measure, NULL, NULL);
}
