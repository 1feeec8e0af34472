// What cmaes.c and cmaes_state.c share: the search as it is in memory. Symbols are those of
// cmaes.c.
#ifndef TND_CMAES_H
#define TND_CMAES_H

#include <tendril/cmaes.h>

#include <lapacke.h>

#include "base/options.h"
#include "learn/cmaes_bounds.h"
#include "learn/cmaes_parameters.h"
#include "learn/cmaes_stop.h"

extern const tnd_option_table tnd_cmaes_options;

struct tendril_cmaes {
  tendril_cmaes_options options;
  int n, wide;
  uint64_t seed;
  int lambda0, lambda_most;  // populations of the first and of the last possible run
  double *m0;                // [n] the caller's mean
  double *scale;             // [n] the caller's deviations

  // all runs
  tendril_cmaes_end end, run_end;
  int64_t evaluations, generations, best_evaluation;  // 0: no best yet
  int restarts;
  double best;
  double *best_x;  // [n]

  // this run
  tnd_cmaes_parameters p;
  double *w;            // [lambda] weights, best rank first
  int64_t g;            // generations
  int64_t since_eigen;  // generations since B and d were made
  double sigma;
  double *m, *ps, *pc;  // [n]
  double *C, *B;        // [n][wide]
  double *d;            // [n]
  double *BD;           // [n][wide] d_j b_j
  tnd_cmaes_bounds bounds;
  tnd_cmaes_history history;

  // this generation, candidate by candidate, and scratch
  bool asked;
  double *x;           // [lambda][n]
  double *penalty;     // [lambda]
  double *z;           // [lambda][wide]
  double *y;           // [lambda + 1][wide], the last row for pc
  double *wy;          // [lambda + 1][wide] y times weights
  tnd_ranked *order;   // [lambda]
  tnd_ranked *values;  // [lambda] without penalties
  double *w_now;       // [lambda] weights of this generation's ranks
  double *yw, *zw;     // [wide]
  double *variance;    // [n] sigma^2 C_ii
  double *E;           // [n][wide] for LAPACK, as are the following
  double *eigenvalue;  // [n]
  double *work;        // [lwork]
  lapack_int *iwork;   // [liwork]
  double *mean, *sd;   // [n] for results
  tnd_arena arena;
};

static inline double *tnd_cmaes_row(double *matrix, const tendril_cmaes *c, int i) {
  return matrix + (ptrdiff_t)i * c->wide;
}

// The (restarts + 1)-th run from its beginning, with lambda0 2^restarts candidates.
void tnd_cmaes_begin_run(tendril_cmaes *search);
// BD from B and d.
void tnd_cmaes_scale_axes(tendril_cmaes *search);
// Ends the search if another generation would not fit in the budget.
void tnd_cmaes_check_budget(tendril_cmaes *search);

#endif
