/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <tvmsupport/tvmsupport.h>

G_BEGIN_DECLS

/*
 * One thing that is measured, in a process of its own: `bench-pool --measure NAME [ARGUMENT]`. It
 * prints lines "WHAT NUMBER".
 */
typedef struct
{
  const char *name;
  void (* run) (const char *argument);
} Measure;

/* An argument: the two sides on a processor each */
#define APART "apart"

extern const Measure raw_measures[];
extern const Measure pool_measures[];

void   bench_say        (const char *what,
                         double      number);
double bench_now        (void);
double bench_median     (GArray     *numbers);
double bench_max        (GArray     *numbers);
void   bench_check      (const GError *error);
/* Lets the process, or the calling thread for 0, run on this processor only */
void   bench_pin        (int           pid,
                         int           cpu);

G_END_DECLS
