/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <tvmsupport/tvmsupport.h>

G_BEGIN_DECLS

/* What can become of a candidate */
typedef enum
{
  OUTCOME_NONE,
  OUTCOME_MEASURED,
  OUTCOME_NOT_COMPILED,
  OUTCOME_TIMED_OUT,
  OUTCOME_CRASHED,
  OUTCOME_WRONG,
  OUTCOME_FAILED,         /* none of these: the library has something to say */
} Outcome;

/* A way to multiply matrices: C source with a function kernel() */
typedef struct
{
  char *name;
  char *source;
  const char * const *options;    /* of the compiler */
  Outcome planned;                /* some are meant to lose */

  char *source_path;
  char *module_path;

  Outcome outcome;
  char *reason;                   /* (nullable): why it lost, for people */
  double gflops;                  /* if it was measured */
} Candidate;

typedef struct
{
  int n_candidates;
  int size;                       /* of the matrices: rows and columns */
  int jobs;
  double timeout;                 /* of a candidate, in seconds */
  char *output;                   /* (nullable): a directory to keep sources and modules in */
  char *svg;                      /* (nullable): a file for the chart */

  GPtrArray *candidates;          /* (element-type Candidate) */
  GMainLoop *loop;
  GCancellable *cancellable;
  int signal;                     /* which one asked for the end, or 0 */
} Tuner;

/* The matrices have a multiple of so many rows and columns, and so no kernel has leftovers. */
#define SIZE_STEP 32
#define MAX_CANDIDATES 60

/* candidates.c */
GPtrArray  *candidates_new        (guint             n);
void        candidate_lose        (Candidate        *self,
                                   Outcome           outcome,
                                   const char       *format,
                                   ...) G_GNUC_PRINTF (3, 4);

/* kernels.c: source text */
char       *kernel_loops          (const char       *order,
                                   guint             tile,
                                   guint             unroll,
                                   const char       *hint);
char       *kernel_dot            (guint             n_sums);
char       *kernel_vector         (guint             width,
                                   guint             n_vectors,
                                   guint             n_rows);
char       *kernel_body           (const char       *includes,
                                   const char       *body);

/* build.c */
gboolean    tuner_build           (Tuner            *self,
                                   const char       *directory,
                                   GError          **error);

/* measure.c: what runs in a worker */
void        measure_register      (void);
GVariant   *measure_args_new      (const char       *path,
                                   int               size);

/* run.c */
gboolean    tuner_run             (Tuner            *self,
                                   GError          **error);

/* progress.c */
typedef struct _Progress Progress;

Progress   *progress_new          (const char       *what,
                                   guint             n_total);
void        progress_step         (Progress         *self,
                                   const Candidate  *candidate);
void        progress_free         (Progress         *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Progress, progress_free)

/* report.c */
GPtrArray  *ranking_new           (Tuner            *self);
void        report_print          (Tuner            *self);

/* svg.c */
gboolean    svg_write             (Tuner            *self,
                                   const char       *path,
                                   GError          **error);

G_END_DECLS
