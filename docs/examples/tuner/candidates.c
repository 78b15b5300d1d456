/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates: always the same ones in the same order */
#include "tuner.h"

/* Without a definition for everything, a module would not link. */
#define COMMON "-std=gnu11", "-Wl,-z,defs"

static const char * const plain_options[] = { COMMON, "-O2", NULL };
static const char * const native_options[] = { COMMON, "-O3", "-march=native", NULL };
static const char * const fast_options[] = {
  COMMON, "-O3", "-march=native", "-ffast-math", "-fopenmp-simd", NULL
};

static const char * const orders[] = { "ijk", "ikj", "jik", "jki", "kij", "kji" };
static const guint tiles[] = { 8, 16, 32, 64, 128 };
static const guint sums[] = { 1, 2, 4, 8 };
static const guint widths[] = { 4, 8, 16 };
static const guint rows[] = { 1, 2, 4 };
static const guint block_rows[] = { 2, 4, 8 };

static const struct
{
  const char *name;
  const char *hint;
} hints[] = {
  { "hint-none", NULL },
  { "hint-ivdep", "GCC ivdep" },
  { "hint-simd", "omp simd" },
};

#define MULTIPLY(rows, operator) \
  "  for (int i = 0; i < " rows "; i++)\n" \
  "    for (int j = 0; j < n; j++)\n" \
  "      {\n" \
  "        float sum = 0;\n\n" \
  "        for (int k = 0; k < n; k++)\n" \
  "          sum += a[i * n + k] * b[k * n + j];\n" \
  "        c[i * n + j] " operator " sum;\n" \
  "      }\n"

/* Those that lose, on purpose: a search space without such candidates would be a lucky one. */
static const struct
{
  const char *name;
  Outcome planned;
  const char *includes;
  const char *body;
} faults[] = {
  { "broken-name", OUTCOME_NOT_COMPILED, "", MULTIPLY ("rows", "=") },
  { "hang-loop", OUTCOME_TIMED_OUT, "",
    "  for (volatile int i = 0; i < n; )\n"
    "    ;\n" },
  { "crash-memory", OUTCOME_CRASHED, "#include <stddef.h>\n", "  c[(size_t) 1 << 40] = 0;\n" },
  { "wrong-tail", OUTCOME_WRONG, "", MULTIPLY ("n - 1", "=") },
  { "broken-syntax", OUTCOME_NOT_COMPILED, "", MULTIPLY ("n)", "=") },
  { "hang-deadlock", OUTCOME_TIMED_OUT, "#include <pthread.h>\n",
    "  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;\n\n"
    "  pthread_mutex_lock (&mutex);\n"
    "  pthread_mutex_lock (&mutex);\n" },
  { "crash-abort", OUTCOME_CRASHED, "#include <stdlib.h>\n", "  abort ();\n" },
  { "broken-header", OUTCOME_NOT_COMPILED, "#include \"not-there.h\"\n", MULTIPLY ("n", "=") },
  { "wrong-sum", OUTCOME_WRONG, "", MULTIPLY ("n", "+=") },
  { "crash-trap", OUTCOME_CRASHED, "", "  __builtin_trap ();\n" },
  /* It hears no signal, and has a child that is a daemon. Both are to go. */
  { "hang-stubborn", OUTCOME_TIMED_OUT, "#include <signal.h>\n#include <unistd.h>\n",
    "  sigset_t all;\n\n"
    "  sigfillset (&all);\n"
    "  sigprocmask (SIG_BLOCK, &all, NULL);\n"
    "  if (fork () == 0)\n"
    "    setsid ();\n"
    "  for (;;)\n"
    "    pause ();\n" },
  { "broken-link", OUTCOME_NOT_COMPILED,
    "void multiply_fast (int n, const float *a, const float *b, float *c);\n",
    "  multiply_fast (n, a, b, c);\n" },
};

static void
candidate_free (Candidate *self)
{
  g_free (self->name);
  g_free (self->source);
  g_free (self->source_path);
  g_free (self->module_path);
  g_free (self->reason);
  g_free (self);
}

/* @name and @source are taken. */
static void
add (GPtrArray          *array,
     char               *name,
     char               *source,
     const char * const *options,
     Outcome             planned)
{
  Candidate *self = g_new0 (Candidate, 1);

  self->name = name;
  self->source = source;
  self->options = options;
  self->planned = planned;
  g_ptr_array_add (array, self);
}

static void
add_loops (GPtrArray *array)
{
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      add (array, g_strdup_printf ("order-%s", orders[i]),
           kernel_loops (orders[i], 0, 0, NULL), plain_options, OUTCOME_MEASURED);
      add (array, g_strdup_printf ("order-%s-native", orders[i]),
           kernel_loops (orders[i], 0, 0, NULL), native_options, OUTCOME_MEASURED);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (tiles); i++)
    {
      add (array, g_strdup_printf ("tile-%u", tiles[i]),
           kernel_loops ("ikj", tiles[i], 0, NULL), native_options, OUTCOME_MEASURED);
      add (array, g_strdup_printf ("tile-%u-unroll", tiles[i]),
           kernel_loops ("ikj", tiles[i], 4, NULL), native_options, OUTCOME_MEASURED);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (hints); i++)
    add (array, g_strdup (hints[i].name),
         kernel_loops ("ikj", 0, 0, hints[i].hint), fast_options, OUTCOME_MEASURED);
}

static void
add_vectors (GPtrArray *array)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sums); i++)
    {
      add (array, g_strdup_printf ("dot-%u", sums[i]), kernel_dot (sums[i]), native_options,
           OUTCOME_MEASURED);
      add (array, g_strdup_printf ("dot-%u-fast", sums[i]), kernel_dot (sums[i]), fast_options,
           OUTCOME_MEASURED);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (widths); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (rows); j++)
      add (array, g_strdup_printf ("vector-%u-rows-%u", widths[i], rows[j]),
           kernel_vector (widths[i], 1, rows[j]), native_options, OUTCOME_MEASURED);

  for (gsize i = 1; i < G_N_ELEMENTS (widths); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (block_rows); j++)
      add (array, g_strdup_printf ("block-%ux2-rows-%u", widths[i], block_rows[j]),
           kernel_vector (widths[i], 2, block_rows[j]), native_options, OUTCOME_MEASURED);
}

static void
add_fault (GPtrArray *array,
           guint      index)
{
  add (array, g_strdup (faults[index].name),
       kernel_body (faults[index].includes, faults[index].body), plain_options,
       faults[index].planned);
}

/* The first @n candidates, plain and elaborate ones in turns; every fifth is one that loses.
 * Returns: (transfer full) (element-type Candidate) */
GPtrArray *
candidates_new (guint n)
{
  GPtrArray *array = g_ptr_array_new_with_free_func ((GDestroyNotify) candidate_free);
  g_autoptr (GPtrArray) good = g_ptr_array_new_with_free_func ((GDestroyNotify) candidate_free);

  add_loops (good);
  add_vectors (good);
  g_assert (good->len + G_N_ELEMENTS (faults) == MAX_CANDIDATES);

  for (guint i = 0; i < n; i++)
    {
      if (i % 5 == 4)
        add_fault (array, i / 5);
      else
        g_ptr_array_add (array, g_ptr_array_steal_index (good, i % 2 == 0 ? good->len - 1 : 0));
    }

  return array;
}

void
candidate_lose (Candidate  *self,
                Outcome     outcome,
                const char *format,
                ...)
{
  va_list args;

  va_start (args, format);
  g_free (self->reason);
  self->reason = g_strdup_vprintf (format, args);
  va_end (args);
  self->outcome = outcome;
}
