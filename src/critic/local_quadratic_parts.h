// The parts of a fit, for local_quadratic.c: the normal equations of every time step
// (local_quadratic_equations.c) and their solution (local_quadratic_solution.c). Symbols are those
// of local_quadratic.c.
#ifndef TND_LOCAL_QUADRATIC_PARTS_H
#define TND_LOCAL_QUADRATIC_PARTS_H

#include "base/alloc.h"
#include "critic/local_quadratic.h"
#include "math/gemm.h"

enum {
  TND_FIT_BLOCK = 256,  // rows whose features are made at a time
  // distance between features; a power of two would put them all into the same few sets of a cache
  TND_FIT_STRIDE = TND_FIT_BLOCK + TND_LINE_DOUBLES,
};

typedef enum tnd_fit_problem {
  TND_FIT_FINE,
  TND_FIT_NO_ROWS,
  TND_FIT_BAD_WEIGHT,
  TND_FIT_BAD_STATE,
  TND_FIT_BAD_ACTION,
  TND_FIT_TOO_FEW,
  TND_FIT_BAD_NEXT,
  TND_FIT_BAD_TARGET,
  TND_FIT_DEPENDENT,
  TND_FIT_NO_SOLUTION,
} tnd_fit_problem;

// What a fit leaves behind.
typedef struct tnd_fit_result {
  double *v;                // [T][2 ns + nV]: centre and 1 / scale of the states, weights of V~
  tnd_quadratic *V;         // [T]
  tnd_action_quadratic *Q;  // [T]
  tnd_local_quadratic_info *info;  // [T]
} tnd_fit_result;

// One thread's.
typedef struct tnd_fit_scratch {
  double *z;       // [n][STRIDE] scaled coordinates
  double *root;    // [BLOCK] sqrt(w / W)
  double *follow;  // [BLOCK] that, or 0 after termination
  double *y;       // [BLOCK] rewards
  double *X;       // [P][STRIDE] features
  double *b;       // [nQ] right-hand side
  double *w;       // [nQ] the solution; before that A's diagonal
  tnd_quadratic Q;
} tnd_fit_scratch;

struct tnd_local_quadratic {
  tnd_local_quadratic_size size;
  int n, nQ, nV, P;  // P = nQ + nV + 1 rows of X
  tnd_fit_result now, next;

  // of a fit
  const tnd_local_quadratic_data *data;
  tnd_fit_problem *problems;  // [T]
  double *centre;             // [T][n]
  double *per_unit;           // [T][n]
  double *total;              // [T] W
  double *products;           // [T][P][P] X X', lower; A's place is then L's
  tnd_fit_scratch *workers;   // [threads]
  tnd_arena arena;
};

// Rows of X that hold Psi: none where no value follows.
static inline int tnd_fit_follow(const tnd_local_quadratic *f, int t) {
  return f->data->returns || t + 1 == f->size.T ? 0 : f->nV;
}

// X X' of step t, [p][p] with p = nQ + tnd_fit_follow() + 1.
static inline double *tnd_fit_product(const tnd_local_quadratic *f, int t) {
  return f->products + (ptrdiff_t)t * f->P * f->P;
}

// lambda of feature i; the bias is free
static inline double tnd_fit_ridge(const tnd_local_quadratic *f, int i) {
  return i == 0 ? 0 : i < f->nV ? f->size.ridge : f->size.action_ridge;
}

// r->v of step t
static inline double *tnd_fit_v_of(const tnd_local_quadratic *f, const tnd_fit_result *r, int t) {
  return r->v + (ptrdiff_t)t * (2 * f->size.ns + f->nV);
}

// Step 1: centre, per_unit and W of time step t, and rows and effective ones of its report. work
// [2 n] is one thread's own.
tnd_fit_problem tnd_fit_scaling(tnd_local_quadratic *f, int t, double *work);
// Step 2: A, G, c and the factor L of time step t; needs the scaling of t + 1, too.
tnd_fit_problem tnd_fit_products(tnd_local_quadratic *f, int t, tnd_fit_scratch *w);
// Step 3: v_t of all time steps, with the first thread's scratch. bad: the step of a problem.
tnd_fit_problem tnd_fit_v(tnd_local_quadratic *f, int *bad);
// Step 4: w_t of time step t, and Q~_t, V~_t and R^2 from it.
tnd_fit_problem tnd_fit_w(tnd_local_quadratic *f, int t, tnd_fit_scratch *w);

#endif
