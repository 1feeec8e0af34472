// What the files of iLQG share: ilqg.c and ilqg_backward.c.
#ifndef TND_ILQG_PARTS_H
#define TND_ILQG_PARTS_H

#include "base/alloc.h"
#include "base/pool.h"
#include "trajopt/ilqg.h"

// A trial trajectory of the line search.
typedef struct tnd_ilqg_trial {
  double *x, *u;  // [T + 1][nx], [T][nu]
  double alpha, cost;
  double effort;  // sum over |u_t|^2
  double extra;   // sum of the caller's term
  double limit;   // it is given up where the objective, which only grows, has passed this
  bool good, dear;
  int stopped;  // the step that failed
  double *dx;   // [n]
} tnd_ilqg_trial;

typedef struct tnd_ilqg_worker {
  tnd_transition *f;
  double *work;  // [tnd_cost_work()]
} tnd_ilqg_worker;

struct tendril_ilqg {
  const tendril_model *model;
  tendril_ilqg_options options;
  tendril_pool *pool;
  int T, nx, n, nu, nthread;
  int ground;  // one of the model's
  int t0, T_cost;
  double end_weight;  // of the cost of the state that the trajectory ends in
  tendril_trajectory now;
  tnd_ilqg_term term;  // of the caller's; no expand: none
  bool fresh;          // F and the cost's expansion belong to `now`
  bool term_fresh;     // and so does the term's
  double mu, delta;    // state regularisation and its factor
  double rho;          // control regularisation
  double w, effort;    // weight of the effort, and that of `now`
  double extra;        // the term's sum over `now`
  tnd_arena arena;
  tnd_ilqg_worker *workers;           // [nthread]
  tnd_ilqg_trial *trials;             // [nthread]
  double *F;                          // [T][n][n + nu]
  double *lx, *lu, *lxx, *lux, *luu;  // [T + 1] of each
  double *step_extra;                 // [T] the term's value
  tnd_cost_expansion with;            // of one step, the term's part included
  double *k;                          // [T][nu]
  double *K;                          // [T][nu][n] of the backward pass
  double *Quu;                        // [nu][nu] of the step at hand
  double *Vx, *Vxx;                   // [n], [n][n]
  double *low, *high;                 // [nu] bounds on k
  double *lqr_work;
  double *hold;        // [n] what is added to the diagonal of lxx
  unsigned char *bad;  // [T] no derivatives at this step
};

// A backward pass.
typedef struct tnd_ilqg_backward {
  tendril_ilqg *q;
  double linear, quadratic;
  double seconds;  // wall time of its steps
  bool done;       // every Quu is positive definite
} tnd_ilqg_backward;

// k and K: the backward pass while the expansions are made, then again under more regularisation
// until every Quu is positive definite or it is at its limit.
TENDRIL_MUST_CHECK tendril_status tnd_ilqg_pass_back(tendril_ilqg *q, tnd_ilqg_backward *b,
                                                     tendril_error *err);
// The state regularisation: raises mu faster and faster, false beyond its limit; lowers it.
bool tnd_ilqg_raise(tendril_ilqg *q);
void tnd_ilqg_lower(tendril_ilqg *q);
// E_PHYSICS, naming step t.
tendril_status tnd_ilqg_fail_step(const tendril_ilqg *q, int t, const char *what,
                                  tendril_error *err);

#endif
